/*
 * What Billhook wrote over: of each record that a push writes, the values before
 * and after, for a set time, so that they can be put back.
 *
 * An entry is written before its record is sent ("meant") and made sure of afterwards:
 *
 *   entry | meaning                                     | moves to
 *   meant | it may have been written; nobody knows      | sure; gone, where the CRM refused it
 *   sure  | the CRM took it                             | gone, when it is too old
 *
 * Who puts values back asks the CRM what it holds, so a meant entry does no harm.
 *
 * A run is a stretch of writing of one sync: what was written without a pause, and for one
 * cause.  Entries and runs of a sync are in order of time; no two batches have the same time.
 */
#ifndef STATE_UNDO_H
#define STATE_UNDO_H

#include "base/json.h"
#include "state/link.h"

/* Why it was written.  These numbers are stored. */
enum undo_cause {
	UNDO_CHANGES = 0, /* news of the billing system */
	UNDO_FIRST,       /* the connection was never written to before */
	UNDO_RESYNC,      /* all was compared anew */
	UNDO_REPAIR,      /* differences that an audit found */
	UNDO_UNDONE,      /* values were put back */
	UNDO__MAX
};
const char *undo_cause_name(enum undo_cause cause);

#define UNDO_GAP_MS 60000                   /* a longer pause ends a run */
#define UNDO_RUN_MS (3600 * INT64_C(1000))  /* so long it may be */
#define UNDO_HINT_MS (3600 * INT64_C(1000)) /* so long a cause waits for its first write */
#define UNDO_ENTRY_MAX 40000                /* bytes of values in an entry */
#define UNDO_RECORD_WRITES 1000             /* entries of one record that are looked at */

struct undo_run {
	int64_t number; /* from 1; 0: none */
	enum undo_cause cause;
	int64_t began_ms, last_ms; /* times of its first and last entries */
	int64_t records, created, fields;
	int64_t
	    of; /* of values that were put back: where several runs were meant, 0; else that run */
	char by[72];    /* who had it done; "" nobody */
	bool is_let_go; /* what it put back may be written again */
};

/*
 * An entry, JSON:
 *   {"run": number, "is": "old"|"new"|"again"|"blind", "sure": true or absent, "to": CRM object,
 *    "rid": CRM id ("" not known), "kf": key field, "k": key,
 *    "f": {field: {"t": enum record_type, "b": value before, absent: not known, "a": value after}},
 *    "d": digests of what a new record was given, "cut": [fields whose values were too long]}
 * new: the push made the record; again: so did its run, before; blind: the record was there
 * without our knowing it, so what it held is not known.  "d" is 16 characters a field as
 * conflict.h has them: 8 of the name, 8 of the value.
 */

/* The run that a push goes on with at now_ms, or begins for the cause (or one that was left by undo_hint()): checked. */
int undo_run_open(struct store_txn *txn, const char *sync, enum undo_cause cause, int64_t now_ms,
    struct undo_run *run, struct bh_err *err);
/* A run of its own beside it, for values that are put back. */
int undo_run_begin(struct store_txn *txn, const char *sync, int64_t now_ms, struct undo_run *run,
    struct bh_err *err);
/* A time for the next batch: now_ms, or just behind the last one.  Goes into run->last_ms; the run is to be saved. */
int undo_tick(struct store_txn *txn, const char *sync, struct undo_run *run, int64_t now_ms,
    int64_t *at_ms_r, struct bh_err *err);
void undo_run_save(struct store_txn *txn, const char *sync, const struct undo_run *run);
/* 1, 0 none, -1.  Checked. */
int undo_run_load(struct store_txn *txn, const char *sync, int64_t number, struct undo_run *run,
    struct bh_err *err);
/* The run that a push at now_ms would go on with: 1, 0 it would begin one, -1. */
int undo_run_now(struct store_txn *txn, const char *sync, int64_t now_ms, struct undo_run *run,
    struct bh_err *err);
/* Newest first, those before a number (0: from the newest): at most max; *n_r is set. */
int undo_runs(struct store_txn *txn, const char *sync, int64_t before, size_t max,
    struct undo_run *runs, size_t *n_r, struct bh_err *err);
/* Many records were marked for this cause: the next write begins a run of it. */
int undo_hint(struct store_txn *txn, const char *sync, enum undo_cause cause, int64_t now_ms,
    struct bh_err *err);
/* All that was put back by now may be written again; and the newest run of which that holds. */
int undo_free_all(struct store_txn *txn, const char *sync, struct bh_err *err);
int undo_freed(struct store_txn *txn, const char *sync, int64_t *number_r, struct bh_err *err);

/* dest and rank of id are not part of it. */
void undo_put(struct store_txn *txn, const struct link_id *id, int64_t at_ms, const json_t *entry);
/* 1 and a new reference, 0, -1.  Checked. */
int undo_get(struct store_txn *txn, const struct link_id *id, int64_t at_ms, json_t **entry_r,
    struct bh_err *err);
void undo_delete(struct store_txn *txn, const struct link_id *id, int64_t at_ms);

/* Those of one record from from_ms on and before until_ms, oldest first, each with its "at"; new reference. */
int undo_of_record(struct store_txn *txn, const struct link_id *id, int64_t from_ms,
    int64_t until_ms, json_t **entries_r, struct bh_err *err);
/* The newest one of a record: 1 and a new reference with "at", 0, -1. */
int undo_newest(struct store_txn *txn, const struct link_id *id, json_t **entry_r,
    struct bh_err *err);
/*
 * Those of a sync from from_ms on and before until_ms in order of time, behind *after
 * (empty at first), at most max: each gets whose it is, when, and the entry.
 */
int undo_walk(struct store_txn *txn, const char *sync, int64_t from_ms, int64_t until_ms,
    size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, int64_t at_ms, const json_t *entry,
	struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);

/* Forget a page of what is older than before_ms, with its runs: 0 with *n_r, 1 nothing, -1. */
int undo_prune(struct store_txn *txn, const char *sync, int64_t before_ms, size_t max, size_t *n_r,
    struct bh_err *err);
/* Forget a page of what is kept of one record: 0 something went, 1 nothing (any more), -1. */
int undo_forget_record(struct store_txn *txn, const struct link_id *id, struct bh_err *err);
/* Forget a page of all that is kept of a sync: 0 something went, 1 nothing (any more), -1. */
int undo_drop(struct store_txn *txn, const char *sync, struct bh_err *err);

#endif
