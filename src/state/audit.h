/*
 * Audits: how the CRM's records differ from what was pushed, as far as it has
 * been looked at.  One for each sync; a newer one takes the place of the older.
 *
 *   state   | meaning                               | moves to
 *   none    | never begun                           | running
 *   running | pages are compared, or about to be    | done, stopped, failed
 *   stopped | a person stopped it                   | running, from where it stood or anew
 *   failed  | it could not go on; says why          | running, from where it stood or anew
 *   done    | ended                                 | running, anew
 *
 * What is kept is bounded: totals by mapped object and field, and the first differences.
 */
#ifndef STATE_AUDIT_H
#define STATE_AUDIT_H

#include "base/json.h"
#include "store/store.h"

#define AUDIT_ROWS 1000 /* differences that are kept */

enum audit_state {
	AUDIT_NONE = 0,
	AUDIT_RUNNING,
	AUDIT_STOPPED,
	AUDIT_FAILED,
	AUDIT_DONE,
	AUDIT__MAX
};
const char *audit_state_name(enum audit_state state);

struct audit {
	enum audit_state state;
	int64_t run;      /* which one it is: each beginning has a number of its own */
	bool is_clearing; /* what is there of an older one goes first */
	int64_t started_ms, ended_ms;
	int64_t done, total; /* links looked at, and of the lane in all; total 0: not known yet */
	int64_t compared;    /* records */
	int64_t differing, missing; /* of them */
	int64_t differences, kept;  /* values that differ and records that are gone; rows of them */
	int64_t repaired;           /* rows that were handed to the push */
	int64_t calls;              /* of the CRM's API */
	int64_t waits_until_ms;     /* the CRM's limits ask for a pause; 0 */
	int64_t failing_ms;         /* since when the CRM does not answer; 0: it does */
	struct bh_buf after;        /* behind which link to go on */
	char note[240];             /* why it failed or waits */
	/*
	 * By name of the mapped object: {"to", "compared": n, "differing": n, "missing": n, "unseen": n,
	 *   "fields": {field: n}, "links": {lookup or parent's object: n}, "money": {currency: decimal text}}; NULL: none yet.
	 * money: the sum of what amounts are off, whichever way.
	 */
	json_t *objects;
};
#define AUDIT_INIT                                                                                 \
	{                                                                                          \
		.after = BH_BUF_INIT(STORE_KEY_MAX + 1)                                            \
	}
void audit_release(struct audit *audit);

/* 1, 0 none (all zero), -1.  Checked at commit.  audit is initialised; what it held goes. */
int audit_load(struct store_txn *txn, const char *sync, struct audit *audit, struct bh_err *err);
void audit_save(struct store_txn *txn, const char *sync, const struct audit *audit);

/* A person's buttons; each wakes the job.  -1 BH_INVALID where the state does not fit. */
int audit_begin(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err);
int audit_stop(struct store_txn *txn, const char *sync, struct bh_err *err);
int audit_go_on(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err);

/*
 * A difference: {"object", "account", "id", "to", "remote_id", "field", "want", "has", "currency",
 *   "fate", "kind": "link" or absent, "repaired": ms or absent}; of a lookup or association
 * "field" names it, "want" and "has" are ids of records; of a record that is gone "field" is "" and "fate" tells
 * what became of it.  They are numbered from 0 in the order in which they were found.
 */
void audit_row_save(struct store_txn *txn, const char *sync, int64_t number, const json_t *row);
/* At most max from number `from` on: array (new reference) in which each has its "number". */
int audit_rows(struct store_txn *txn, const char *sync, int64_t from, size_t max, json_t **rows_r,
    struct bh_err *err);

/* Forget a page of its differences, or of all: 0 something went, 1 there was nothing (any more), -1. */
int audit_drop_rows(struct store_txn *txn, const char *sync, struct bh_err *err);
int audit_drop(struct store_txn *txn, const char *sync, struct bh_err *err);

/* The job; its arg is the sync. */
#define AUDIT_JOB "audit"

#endif
