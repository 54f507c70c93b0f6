/*
 * The supervisor: starts and watches keeper, dispatcher and front pool;
 * limits respawns.  Holds no database and no TLS handle.
 */
#ifndef RUN_SUPERVISOR_H
#define RUN_SUPERVISOR_H

#include "conf/conf.h"

#define SUPERVISOR_EXIT_TAKEN 3 /* another supervisor holds the lock */

struct supervisor_options {
	const struct conf *conf;
	/* Until SIGTERM: serve web requests on a listening socket, or only take in what relays have spooled. */
	int (*front)(const struct conf *conf);
	/* 0: conf->idle_exit_s; > 0: end when idle for so long and no event came in while the fronts ended */
	int64_t idle_exit_ms;
	int64_t limit_ms; /* end after so long in any case; 0: never */
};

/*
 * Serve until SIGTERM or SIGINT (children stop in order: fronts, dispatcher,
 * keeper), or idle.  SIGUSR1 replaces fronts and dispatcher gracefully (options are read again by them).
 * Returns the process exit status: 0, SUPERVISOR_EXIT_TAKEN, 1.
 */
int supervisor_run(const struct supervisor_options *options);

/* The pid of the running supervisor, 0 when there is none. */
pid_t supervisor_pid(const char *data_dir);

/* Start one, detached, where none is: the start function of struct store_options. */
int supervisor_start(const char *data_dir, struct bh_err *err);
/* The same for the time of this process: it ends with supervisor_leave(), or when we are gone. */
int supervisor_start_owned(const char *data_dir, struct bh_err *err);
/* The same, and nothing but the keeper with it: for one request where no process may stay. */
int supervisor_start_keeper(const char *data_dir, struct bh_err *err);
/* End what supervisor_start_owned() started, and wait for it.  Nobody else's supervisor is touched. */
void supervisor_leave(const char *data_dir);

#endif
