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
};
/*
 * Append.  Several in one transaction are told apart by nth (0 to 65535),
 * which the caller counts up.
 */
void trail_add(struct store_txn *txn, unsigned nth, const struct trail_entry *entry);
/* Newest first, at most max; JSON array of objects (new reference). */
int trail_list(struct store_txn *txn, uint64_t before, size_t max, json_t **entries_r,
    struct bh_err *err);

#endif
