/*
 * What is known of a destination beside its links: how it describes its
 * objects (cached), and what the sandbox destination was given.
 */
#ifndef STATE_TARGET_H
#define STATE_TARGET_H

#include "base/json.h"
#include "store/store.h"

/* The CRM's description of an object as JSON (new reference) and when it was fetched: 1, 0, -1. */
int target_get(struct store_txn *txn, const char *dest, const char *object, json_t **description_r,
    int64_t *fetched_ms_r, struct bh_err *err);
void target_put(struct store_txn *txn, const char *dest, const char *object,
    const json_t *description, int64_t fetched_ms);
/* Forget, so that it is fetched again. */
void target_drop(struct store_txn *txn, const char *dest, const char *object);

/*
 * Owners of records, and who of them is active, as they were told lately (sync/owner.c): 1 with
 * a new reference, 0, -1.  Not checked at commit: what is lost is asked again.
 */
int target_owners_get(struct store_txn *txn, const char *dest, json_t **doc_r, struct bh_err *err);
void target_owners_put(struct store_txn *txn, const char *dest, const json_t *doc);

/* Keep a record that the sandbox was given, by object and key; the newest wins. */
void target_keep(struct store_txn *txn, const char *dest, const char *object, const char *key,
    const json_t *record);
/* The one of this object and key (new reference): 1, 0, -1. */
int target_kept_get(struct store_txn *txn, const char *dest, const char *object, const char *key,
    json_t **record_r, struct bh_err *err);
/* At most max of them as a JSON array of {object, key, record} (new reference). */
int target_kept(struct store_txn *txn, const char *dest, size_t max, json_t **records_r,
    struct bh_err *err);
/*
 * Walk all of them, of whatever destination, in key order from behind *after
 * (empty at first), at most max: each gets where it stands and its text.  each returns 0, or -1 to stop.
 */
int target_walk_kept(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const char *dest, const char *object, const char *key,
	const char *record, size_t record_len, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);
/* Forget a page of all that is known of a destination (arg: its code): 0 something went, 1 nothing, -1. */
int target_drop_page(struct store_txn *txn, void *dest, struct bh_err *err);
void target_forget(struct store_txn *txn, const char *dest, const char *object, const char *key);

#endif
