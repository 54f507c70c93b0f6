/*
 * Jobs: what is to be done, when, and who does it now.  A job is a singleton
 * by its id ("push/<lane>"); waking one that runs makes it run once more.
 */
#ifndef STATE_QUEUE_H
#define STATE_QUEUE_H

#include "store/store.h"

enum queue_state {
	QUEUE_IDLE = 0,
	QUEUE_LEASED,
	QUEUE_BURIED
};

struct queue_job {
	char id[160];
	char kind[16]; /* "push", "resync" */
	char arg[72];  /* the lane; the sync */
	enum queue_state state;
	char owner[32];
	int64_t lease_until_ms;
	int attempts;   /* failed runs since the last good one */
	int64_t due_ms; /* the earliest due time that made it run */
	char reason[240];
};

/* Make it due at due_ms; no read.  The job comes into being with its first wake-up. */
void queue_wake(struct store_txn *txn, const char *kind, const char *arg, int64_t due_ms);
/*
 * Take up to max due jobs under owner until now + lease_ms.  Jobs leased by
 * another owner are taken when their lease is over; owner's own never, whatever the clock says.
 * *next_due_r: when the next job falls due (INT64_MAX: none known).
 */
int queue_lease(struct store *store, const char *owner, int64_t now_ms, int64_t lease_ms,
    size_t max, struct queue_job *jobs, size_t *n_r, int64_t *next_due_r, struct bh_err *err);
/*
 * End every lease but those of the n jobs in mine, and wake their jobs: for
 * the one living dispatcher, when it starts, and when it cannot tell whether
 * a lease or its end was stored.  A lease used up its job's wake-up, so nobody else would find it.
 */
int queue_reclaim(struct store *store, const char *owner, const struct queue_job *mine, size_t n,
    int64_t now_ms, struct bh_err *err);
/*
 * End of a run.  failed: attempts goes up, reason is kept.  again_ms >= 0:
 * due again at that time.  0; -1 BH_DENIED when the lease is no longer owner's.
 */
int queue_finish(struct store *store, const struct queue_job *job, bool failed, const char *reason,
    int64_t again_ms, struct bh_err *err);
/* Out of the way until kicked. */
int queue_bury(struct store *store, const struct queue_job *job, const char *reason,
    struct bh_err *err);
/* Dig a buried job out and wake it. */
int queue_kick(struct store_txn *txn, const char *kind, const char *arg, int64_t now_ms,
    struct bh_err *err);
/* Is any wake-up due at now_ms (whether or not its job can run)?  1, 0, -1. */
int queue_is_due(struct store_txn *txn, int64_t now_ms, struct bh_err *err);
/* All jobs, for status; JSON array (new reference). */
int queue_list(struct store_txn *txn, json_t **jobs_r, struct bh_err *err);

#define QUEUE_WATCH "Qd"

#endif
