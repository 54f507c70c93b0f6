/*
 * Putting back what Billhook wrote over (undo.h): one for each sync at a time, first looked at, then done.
 *
 *   state   | meaning                                             | moves to
 *   none    | never begun                                         | looking
 *   looking | what would come of it is found out                  | looked, stopped, failed
 *   looked  | a person sees what would come of it                 | doing; looking, anew
 *   doing   | values are put back                                 | done, stopped, failed
 *   stopped | a person stopped it (is_doing: while it was done)   | what it was; looking, anew
 *   failed  | it could not go on; says why                        | what it was; looking, anew
 *   done    | ended                                               | looking, anew
 *
 * What is done is what was looked at: the selection does not change in between.
 */
#ifndef STATE_REVERT_H
#define STATE_REVERT_H

#include "base/json.h"
#include "store/store.h"

#define REVERT_ROWS 1000 /* records that are kept to be shown */

enum revert_state {
	REVERT_NONE = 0,
	REVERT_LOOKING,
	REVERT_LOOKED,
	REVERT_DOING,
	REVERT_DONE,
	REVERT_STOPPED,
	REVERT_FAILED,
	REVERT__MAX
};
const char *revert_state_name(enum revert_state state);

/* What is meant: writes from from_ms on and before until_ms; of one run, of one record, where they are named. */
struct revert_what {
	int64_t run; /* 0: of any */
	int64_t from_ms, until_ms;
	char object[72], account[128], id[256]; /* object "": of any record */
	bool removes; /* records that were made go, too, where nobody changed them */
};

/* What became of records (what would come of them); the last four count fields. */
struct revert_counts {
	int64_t records; /* looked at */
	int64_t back;    /* get values back */
	int64_t same;    /* hold them already */
	int64_t left;    /* none of their fields can be put back: changed since, not known */
	int64_t gone;    /* are not there any more */
	int64_t made;    /* were made, and stay */
	int64_t removed; /* were made, and go */
	int64_t refused; /* the CRM took it not */
	int64_t fields;  /* put back */
	int64_t changed; /* left: a person changed them since */
	int64_t unknown; /* left: what was there before is not known */
	int64_t unseen;  /* left: they cannot be read, or written */
};

struct revert {
	enum revert_state state;
	bool is_doing;    /* of stopped and failed: which half of it */
	int64_t turn;     /* each look has a number of its own */
	bool is_clearing; /* rows of an older half go first */
	struct revert_what what;
	struct revert_counts look, done;
	int64_t total; /* entries that are to be looked at, as far as known; 0 not */
	int64_t seen;  /* of them, in this half */
	int64_t kept;  /* rows */
	int64_t run;   /* the run that it writes as; 0 none yet */
	int64_t started_ms, looked_ms, ended_ms;
	int64_t calls, waits_until_ms, failing_ms;
	struct bh_buf after; /* behind which entry to go on */
	char by[72];         /* who asked for it */
	char note[240];      /* why it failed or waits */
};
#define REVERT_INIT                                                                                \
	{                                                                                          \
		.after = BH_BUF_INIT(STORE_KEY_MAX + 1)                                            \
	}
void revert_release(struct revert *revert);

/* 1, 0 none (all zero), -1.  Checked at commit.  revert is initialised; what it held goes. */
int revert_load(struct store_txn *txn, const char *sync, struct revert *revert, struct bh_err *err);
void revert_save(struct store_txn *txn, const char *sync, const struct revert *revert);

/* A person's buttons.  -1 BH_INVALID where the state does not fit. */
int revert_look(struct store_txn *txn, const char *sync, const struct revert_what *what,
    const char *by, int64_t now_ms, struct bh_err *err);
/* turn: which look it is that the person saw; dest: whose job puts values back. */
int revert_do(struct store_txn *txn, const char *sync, const char *dest, int64_t turn,
    const char *by, int64_t now_ms, struct bh_err *err);
int revert_stop(struct store_txn *txn, const char *sync, struct bh_err *err);
int revert_go_on(struct store_txn *txn, const char *sync, const char *dest, int64_t now_ms,
    struct bh_err *err);

/*
 * A record: {"object", "account", "id", "to", "remote_id", "verdict": "back"|"same"|"left"|"gone"|
 *   "made"|"removed"|"refused", "cause", "fields": [{"name", "now", "back", "verdict":
 *   "back"|"same"|"changed"|"unknown"|"unseen"}]}; values as people read them.
 */
void revert_row_save(struct store_txn *txn, const char *sync, int64_t number, const json_t *row);
/* At most max from number `from` on: array (new reference) in which each has its "number". */
int revert_rows(struct store_txn *txn, const char *sync, int64_t from, size_t max, json_t **rows_r,
    struct bh_err *err);
/* Forget a page of rows, or of all: 0 something went, 1 nothing (any more), -1. */
int revert_drop_rows(struct store_txn *txn, const char *sync, struct bh_err *err);
int revert_drop(struct store_txn *txn, const char *sync, struct bh_err *err);

/* The job that looks; its arg is the sync.  What is done is done by the job of the lane. */
#define REVERT_JOB "undo"

#endif
