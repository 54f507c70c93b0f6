/* The dispatcher: leases due jobs to a small pool of workers. */
#ifndef RUN_DISPATCHER_H
#define RUN_DISPATCHER_H

#include "conf/conf.h"

#define DISPATCHER_EXIT_IDLE 7

struct dispatcher_options {
	const struct conf *conf;
	/* End with DISPATCHER_EXIT_IDLE after so long without work, when none falls due as soon as that; 0: never. */
	int64_t idle_exit_ms;
};

/*
 * Serve until SIGTERM (running jobs finish their step) or idle.  Returns the
 * process exit status.
 */
int dispatcher_run(const struct dispatcher_options *options);

#endif
