/*
 * A worker: a forked process that takes one job at a time over a socketpair
 * and answers how it ended.  It opens its own store client and HTTP transport.
 */
#ifndef RUN_WORKER_H
#define RUN_WORKER_H

#include "conf/conf.h"
#include "state/account.h"
#include "state/queue.h"

/* Job: JSON {kind, arg, hold}.  Answer: JSON {again, held, error, code, retry_after}. */

struct worker {
	pid_t pid; /* 0: none */
	int fd;    /* our end of its socketpair; -1 */
};

/*
 * Fork one.  In the child this does not return: it serves until the socket
 * ends, SIGTERM comes, or it has done many jobs (it ages out, so that a leak somewhere stays small).
 */
int worker_start(const struct conf *conf, const struct account_key *key, struct worker *worker,
    struct bh_err *err);

int worker_send(const struct worker *worker, const struct queue_job *job, bool may_hold,
    struct bh_err *err);

struct worker_answer {
	int64_t again_ms; /* -1: when woken */
	bool held;
	enum bh_code code; /* BH_OK or why it failed */
	int retry_after_s;
	char error[240];
};
/* 1 an answer, 0 the worker has ended, -1 it talks nonsense (kill it). */
int worker_receive(const struct worker *worker, struct worker_answer *answer, struct bh_err *err);

#endif
