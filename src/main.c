/* The program: picks the role. */
#include "base/base.h"

int
main(void)
{
	return 0;
}
