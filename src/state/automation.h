/*
 * Automations: the rules as they are set up (auto/rule.h), what they decided,
 * and which objects they are to look at.
 *
 *   an object's mark | meaning                                   | moves to
 *   none             | every rule has seen it as it is           | marked, when it changes
 *   marked           | rules are to look at it                   | none
 *   timed            | the time will change what a rule says     | none, when it was looked at then
 */
#ifndef STATE_AUTOMATION_H
#define STATE_AUTOMATION_H

#include "base/json.h"
#include "state/mirror.h"

struct automation {
	char code[72];
	json_t *rule; /* object, as auto/rule.h describes it; owned */
	bool is_enabled;
	int64_t since_ms; /* when it was first enabled: what is older is no cause of "once" */
	bool is_walking;  /* objects that were there before it are still to be marked */
};
void automation_release(struct automation *automation);
/* 1, 0, -1. */
int automation_load(struct store_txn *txn, const char *code, struct automation *automation,
    struct bh_err *err);
/* Raises account_version(). */
void automation_save(struct store_txn *txn, const struct automation *automation);
/* What it decided stays: made again under the same code it goes on. */
void automation_drop(struct store_txn *txn, const char *code);
/* All codes, sorted; an array of texts (new reference). */
int automation_codes(struct store_txn *txn, json_t **codes_r, struct bh_err *err);

/* -- what they are to look at -- */

/* No read. */
void automation_mark(struct store_txn *txn, const struct mirror_id *id);
struct automation_mark {
	struct mirror_id id; /* strings are owned */
	char *key;           /* internal */
	size_t key_len;
	uint64_t version;
};
void automation_marks_release(struct automation_mark *marks, size_t n);
/*
 * Marked objects, at most max, and those whose time has come by now_ms.  Of
 * those whose time is yet to come *next_r gets the earliest (INT64_MAX none).
 */
int automation_marks(struct store_txn *txn, int64_t now_ms, size_t max,
    struct automation_mark *marks, size_t *n_r, int64_t *next_r, struct bh_err *err);
/* Away with it; where it was marked anew meanwhile the commit answers BH_CONFLICT. */
void automation_mark_done(struct store_txn *txn, const struct automation_mark *mark);

/* -- what they decided about an object -- */

/*
 * {"rules": {code: standing of auto/decide.h}, "at": when the time alone may change it (absent:
 * never), "v": version of the last action}.  get: n at once, checked at commit; NULL where there is none.
 */
int automation_standings(struct store_txn *txn, const struct mirror_id *ids, size_t n,
    json_t **docs, struct bh_err *err);
/*
 * before: as read (NULL none).  The timer follows "at"; an empty document goes.
 */
void automation_standing_put(struct store_txn *txn, const struct mirror_id *id,
    const json_t *before, const json_t *doc);
/* Whose turn of a rule's owners it is; checked at commit. */
int automation_turn_get(struct store_txn *txn, const char *code, uint64_t *turn_r,
    struct bh_err *err);
void automation_turn_put(struct store_txn *txn, const char *code, uint64_t turn);

/*
 * What a rule has open, over all objects, and how often it fired; kept in the commits that
 * decide, checked there.  A rule that is removed leaves it, as what it decided stays.
 */
struct automation_tally {
	int64_t open;
	int64_t fired, fired_ms; /* how often, and when it did last; 0 never */
};
/* 0, with zeros where nothing is known; -1. */
int automation_tally_get(struct store_txn *txn, const char *code, struct automation_tally *tally,
    struct bh_err *err);
/* Add to what is stored; by.fired_ms 0: it did not fire. */
int automation_tally_add(struct store_txn *txn, const char *code, const struct automation_tally *by,
    struct bh_err *err);

/* How far the walk over the objects that were there before is; empty at its start. */
int automation_walk_get(struct store_txn *txn, const char *code, struct bh_buf *after,
    struct bh_err *err);
/* after NULL: it is over. */
void automation_walk_put(struct store_txn *txn, const char *code, const struct bh_buf *after);

/*
 * Dry runs: what a rule would have done over the stored history.  One for each code, which
 * need not be that of a rule in use:
 * {"state": "open" | "done" | "failed", "rule": {...}, "asked": ms, "days": n, "done": ms,
 *  "events": handled so far, "objects": looked at, "n": how many actions, "fired": the first
 *  AUTOMATION_FIRED_MAX of them, newest first: {"id", "title", "at", "amount", "currency", "customer"},
 *  "from": when the history that is kept begins, "note": why it failed}.
 */
#define AUTOMATION_FIRED_MAX 200
/* Asked anew it begins anew.  Wakes the job. */
void automation_trial_ask(struct store_txn *txn, const char *code, const json_t *rule, int days,
    int64_t now_ms);
/* 1 with a new reference, 0, -1.  Checked at commit. */
int automation_trial_get(struct store_txn *txn, const char *code, json_t **doc_r,
    struct bh_err *err);
void automation_trial_put(struct store_txn *txn, const char *code, const json_t *doc);
/* Forget what all of them showed: 0, 1 there is none, -1. */
int automation_trials_forget(struct store_txn *txn, struct bh_err *err);
#define AUTOMATION_TRIAL_JOB "dryrun" /* its arg is the code */

#define AUTOMATION_JOB "automate" /* its arg is "" */

#endif
