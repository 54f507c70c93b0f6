/* See sync.h. */
#include "base/base.h"

#include "sync/sync.h"

bool
sync_is_stopping(const struct sync_context *context)
{
	return context->is_stopping != NULL && context->is_stopping(context->arg);
}
