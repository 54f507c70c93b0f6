/*
 * The yardstick: a FastCGI responder that reads the request and does nothing
 * with it.  So many processes on the listening socket at descriptor 0, or on
 * none of our own making: bench-empty PROCESSES.
 */
#include "base/base.h"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <signal.h>
#include <unistd.h>

#include <fcgiapp.h>

static void
serve(void)
{
	static const char answer[] = "Status: 200 OK\r\nContent-Type: application/json\r\n"
				     "Content-Length: 21\r\n\r\n{\"status\":\"accepted\"}";
	FCGX_Request request;
	char chunk[8192];

	FCGX_Init();
	FCGX_InitRequest(&request, 0, 0);
	while (FCGX_Accept_r(&request) == 0) {
		while (FCGX_GetStr(chunk, sizeof(chunk), request.in) > 0)
			continue;
		FCGX_PutStr(answer, (int)strlen(answer), request.out);
		FCGX_Finish_r(&request);
	}
}

int
main(int argc, char **argv)
{
	int processes = argc > 1 ? atoi(argv[1]) : 4;

	for (int i = 0; i < processes; i++) {
		if (fork() != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve();
		_exit(0);
	}
	while (wait(NULL) > 0)
		continue;
	return 0;
}
