/* The trail: what people can read of what happened to which record and why. */
#ifndef STATE_TRAIL_H
#define STATE_TRAIL_H

#include "store/store.h"

struct trail_entry {
	uint64_t stamp;
	int64_t at_ms;
	const char *what;    /* "push", "refused", "waiting", "auth", "config", "login" ... */
	const char *subject; /* a lane, a record, a user; no person's data beyond ids */
	const char *text;    /* one sentence */
	const json_t *facts; /* object; may be NULL */
	const char *by;      /* the user who did it in the browser; NULL: nobody */
};
/*
 * Append.  Several in one transaction are told apart by nth (0 to 65535),
 * which the caller counts up.
 */
void trail_add(struct store_txn *txn, unsigned nth, const struct trail_entry *entry);
/* Newest first, at most max; JSON array of objects (new reference). */
int trail_list(struct store_txn *txn, uint64_t before, size_t max, json_t **entries_r,
    struct bh_err *err);
/* What is asked of the audit trail: what people did. */
struct trail_query {
	const char *by;          /* that user; NULL: anybody */
	const char *const *what; /* these, NULL at the end; NULL: anything */
	bool is_other;           /* anything but these */
};
/*
 * Entries with a user, newest first, from before the key *after (empty at first), which moves
 * to the last one looked at: at most max entries, among at most look of them.  Objects as of trail_list().
 */
int trail_audit(struct store_txn *txn, const struct trail_query *query, size_t look, size_t max,
    struct bh_buf *after, json_t **entries_r, bool *more_r, struct bh_err *err);
/*
 * In order of time from behind *after (empty at first): each gets key and
 * entry, its stored text; at most max.  each returns 0, or -1 to stop.
 */
int trail_walk(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct store_entry *entry, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err);
/* Blank an entry that trail_walk() gave: when and what stay, the rest says that it was erased. */
void trail_erase(struct store_txn *txn, const struct store_entry *entry);
/* Remove the oldest entries from before before_ms, at most max: 0 with *n_r; 1 nothing to commit; -1. */
int trail_prune(struct store_txn *txn, int64_t before_ms, size_t max, size_t *n_r, bool *more_r,
    struct bh_err *err);

#endif
