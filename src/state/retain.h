/*
 * What the journal no longer has to keep, a commit's worth at a time, and the
 * blanking of events that a person asked to have erased.
 *
 * Each function collects into txn what one commit can hold; run it with
 * store_run() until more_r is false.  A run that is killed between two commits
 * is simply begun again.
 */
#ifndef STATE_RETAIN_H
#define STATE_RETAIN_H

#include "store/store.h"

/*
 * The id of an event is remembered so long after its arrival, even when the
 * event itself is gone: what is sent again meanwhile is a duplicate.
 * (Stripe: events can be resent by hand for 30 days; automatic retries end
 * after three days.)
 */
#define RETAIN_IDS_MS (35 * 86400 * (int64_t)1000)

struct retain_limits {
	int64_t now_ms;
	int64_t before_ms; /* events that came earlier go; INT64_MIN: none for their age */
	int64_t bytes;     /* the oldest go while there are more stored; -1: no limit */
};

/*
 * Remove the oldest handled events beyond the limits, with their outcomes,
 * from the stamp from on (0: the oldest); *next_r is where to go on.  Never one
 * that ingest has not reached, nor one that waits for a replay.  Their ids
 * stay for RETAIN_IDS_MS.  0 with *n_r; 1 when there is nothing to commit; -1.
 * With a limit of bytes retain_count() must have succeeded once.
 */
int retain_events(struct store_txn *txn, const struct retain_limits *limits, uint64_t from,
    uint64_t *next_r, size_t *n_r, bool *more_r, struct bh_err *err);

/*
 * Bytes of the events that are handled and kept.  1; 0 when they were never
 * counted (or do not add up any more): retain_count(); -1.
 */
int retain_bytes(struct store_txn *txn, int64_t *bytes_r, struct bh_err *err);
/*
 * Count them, once for all: from then on the count follows by itself.  Reads
 * the whole journal; nothing may be removed meanwhile.  is_stopping is asked
 * now and then: 1 counted, 0 stopped.
 */
int retain_count(struct store *store, bool (*is_stopping)(void *arg), void *arg,
    struct bh_err *err);

/* Forget ids whose time is over: 0 with *n_r; 1 when there is nothing to commit; -1. */
int retain_ids(struct store_txn *txn, int64_t now_ms, size_t *n_r, bool *more_r,
    struct bh_err *err);

/*
 * Blank n events (stamps, ascending): body and headers are gone, id and type
 * stay, so that what is sent again is still a duplicate.  A batch that is
 * being handled meanwhile is handled again without them.  1 nothing to commit.
 */
int retain_erase(struct store_txn *txn, const uint64_t *stamps, size_t n, int64_t now_ms,
    struct bh_err *err);

/*
 * What the job remembers of its last run.  It was made under these options;
 * other ones, and a time that is over, mean: now.
 */
struct retain_run {
	int64_t next_ms;
	int64_t days, mb;
};
/* 1, 0 it never ran, -1. */
int retain_last(struct store_txn *txn, struct retain_run *run, struct bh_err *err);
void retain_note(struct store_txn *txn, const struct retain_run *run);

#endif
