/*
 * Wants: what is to be looked up at a source.  One entry for the same thing;
 * asking again makes it fresh.
 *
 *   state   | meaning                     | moves to
 *   open    | to be looked up, when due   | gone (done, or refused for good), open later (failed)
 */
#ifndef STATE_WANT_H
#define STATE_WANT_H

#include "base/json.h"
#include "store/store.h"

struct want_entry {
	char *key; /* internal */
	size_t key_len;
	uint64_t version;
	char connection[72];
	char what[32];
	char account[128];
	char id[256];
	json_t *hint; /* may be NULL */
	int attempts;
	int64_t due_ms;
};
void want_release(struct want_entry *entries, size_t n);

/* No read.  hint may be NULL. */
void want_put(struct store_txn *txn, const char *connection, const char *what, const char *account,
    const char *id, const json_t *hint);
/*
 * A connection's wants that are due at now_ms, at most max (<= 100), in key order.  Of
 * those that are not due *next_r gets the earliest time (INT64_MAX: none was seen).
 */
int want_due(struct store_txn *txn, const char *connection, int64_t now_ms, size_t max,
    struct want_entry *entries, size_t *n_r, int64_t *next_r, struct bh_err *err);
/* Away with it, unless it was asked for again meanwhile (then the commit answers BH_CONFLICT). */
void want_done(struct store_txn *txn, const struct want_entry *entry);
/* Another try at due_ms; the same rule. */
void want_later(struct store_txn *txn, const struct want_entry *entry, int64_t due_ms);
/* Wants of a connection, counted up to max. */
int want_count(struct store_txn *txn, const char *connection, size_t max, size_t *n_r,
    struct bh_err *err);
/* All wants of all connections, in key order, at most max from the first after *after (empty at first). */
int want_walk(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct want_entry *entry, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err);

#endif
