/*
 * Walks over what a source holds (backfill, catch-up), or over what of it a
 * sync maps (re-sync), and errands (test the key, make the webhook): where they stand.
 *
 *   walk    | meaning                          | moves to
 *   idle    | never begun                      | running
 *   running | pages are read, or about to be   | done, paused, failed
 *   paused  | a person stopped it              | running, from where it stood
 *   failed  | refused; says why                | running, from where it stood
 *   done    | ended                            | running, from the start
 */
#ifndef STATE_WALK_H
#define STATE_WALK_H

#include "base/json.h"
#include "store/store.h"

enum walk_state {
	WALK_IDLE = 0,
	WALK_RUNNING,
	WALK_PAUSED,
	WALK_FAILED,
	WALK_DONE,
	WALK__MAX
};
const char *walk_state_name(enum walk_state state);

struct walk {
	enum walk_state state;
	json_t *cursor; /* of the next page; NULL: the first */
	char phase[32];
	int phase_number, phases;
	int64_t phase_read, phase_total; /* rows; total -1: not told */
	int64_t read, changed;           /* rows of all phases; objects that were news */
	int64_t started_ms, ended_ms;    /* of the run; 0 */
	int64_t turned_ms,
	    turned_read;        /* when it was last set going, and read by then: for the rate */
	int64_t since_ms;       /* catch-up: from when on */
	int64_t last_ms;        /* start of the last run that ended well; 0 */
	int64_t waits_until_ms; /* the source asked for a pause */
	char note[240];         /* why it failed, what it found */
};
void walk_release(struct walk *walk);
/* 1, 0 nothing stored (walk is idle), -1.  Checked at commit. */
int walk_load(struct store_txn *txn, const char *connection, const char *name, struct walk *walk,
    struct bh_err *err);
void walk_save(struct store_txn *txn, const char *connection, const char *name,
    const struct walk *walk);
/* As if it had never begun. */
void walk_drop(struct store_txn *txn, const char *connection, const char *name);
/*
 * Begin one from its start, at now_ms; one that runs already goes on as it
 * is.  A catch-up begins a little before the last one did.  Wakes the job.
 */
int walk_begin(struct store_txn *txn, const char *connection, const char *name, int64_t now_ms,
    struct bh_err *err);
/* Stop it where it stands; go on from there.  -1 BH_INVALID when it does not run, or is not stopped. */
int walk_pause(struct store_txn *txn, const char *connection, const char *name, struct bh_err *err);
int walk_resume(struct store_txn *txn, const char *connection, const char *name, int64_t now_ms,
    struct bh_err *err);

/* Errands: the last one of each name, with what came of it. */
struct errand {
	bool is_open; /* asked for, not done */
	int64_t asked_ms, done_ms;
	json_t *ask;     /* object: what is to be done it with; may be NULL */
	json_t *answer;  /* object or array; NULL until done, or when it failed */
	char error[240]; /* "" */
};
void errand_release(struct errand *errand);
int errand_load(struct store_txn *txn, const char *connection, const char *name,
    struct errand *errand, struct bh_err *err);
void errand_save(struct store_txn *txn, const char *connection, const char *name,
    const struct errand *errand);
/* The same of one that was run: where it was asked for anew meanwhile, that stays open.  0, -1. */
int errand_settle(struct store_txn *txn, const char *connection, const char *name,
    const struct errand *errand, struct bh_err *err);
/* Ask for one; ask_take may be NULL.  Wakes the job. */
void errand_ask(struct store_txn *txn, const char *connection, const char *name, json_t *ask_take,
    int64_t now_ms);
/* Forget one that is done: 0; 1 there is none; -1. */
int errand_forget(struct store_txn *txn, const char *connection, const char *name,
    struct bh_err *err);
/* Names of a connection's open errands: array of texts (new reference). */
int errand_open(struct store_txn *txn, const char *connection, json_t **names_r,
    struct bh_err *err);

/* Forget a page of a connection's errands (arg: its code): 0 something went, 1 nothing, -1. */
int errand_drop_page(struct store_txn *txn, void *connection, struct bh_err *err);

#define WALK_WATCH "Wk"

/* The names of walks and errands: what a source can be asked for. */
#define WALK_BACKFILL "backfill"     /* read everything */
#define WALK_CATCHUP "catchup"       /* read what may have changed since the last one */
#define WALK_RESYNC                                                                                \
	"resync" /* of a sync instead of a connection: everything that it maps is looked at again */
#define WALK_FORGET "forget" /* of a sync that a person removed: its links go */
#define ERRAND_PROBE "probe"         /* whose key is it; what it tells is learnt */
#define ERRAND_ENDPOINTS "endpoints" /* the webhooks there; "ours" marks the one to our address */
#define ERRAND_REGISTER "register"   /* make or mend ours; ask: {"events": [types]} or nothing */
#define ERRAND_REMOVE "remove"       /* take ours away */

/* What a CRM can be asked for (dest/dest.h); probe, too: its answer has "limits". */
#define ERRAND_LOGIN "login"     /* ask: {"login": state}: turn a person's consent into tokens */
#define ERRAND_PLAN "plan"       /* what of the schema is there */
#define ERRAND_INSTALL "install" /* make what is missing; meanwhile the answer has "progress" */
#define ERRAND_COUNT "count"     /* the records that removing would lose */
#define ERRAND_DISCONNECT                                                                          \
	"disconnect" /* ask: {"remove": bool}: take the schema away or keep it, then forget all */
#define ERRAND_DESCRIBE "describe" /* ask: {"objects": [names]}: learn their fields anew */
#define ERRAND_IMPORT "import" /* CRM accounts without a billing customer */
#define ERRAND_CREATE                                                                              \
	"create" /* ask: {"source", "remote_id", "name"}: make the customer at a source */

/* The jobs that do it; their arg is the connection, of RESYNC_JOB the sync. */
#define WALK_JOB "pull"
#define RESYNC_JOB "resync"
#define ERRAND_JOB "errand"

#endif
