/*
 * What Billhook works out itself, beside the mirror: histories of
 * subscriptions, facts of customers, the derived fields of both; who refers
 * to what; and when something changes by itself.  What the documents mean:
 * model/revenue.h and model/figures.h.
 */
#ifndef STATE_DERIVED_H
#define STATE_DERIVED_H

#include "state/mirror.h"

enum derived_family {
	DERIVED_HISTORY = 0, /* of a subscription: revenue history */
	DERIVED_FACTS,       /* of a customer: figures' facts */
	DERIVED_FIELDS       /* of either: its FIELD_DERIVED fields */
};

struct derived_doc {
	enum derived_family family;
	struct mirror_id id; /* strings are borrowed */
	json_t *doc;         /* read: owned by the caller, NULL when there is none */
};
/* n at once, in one message; doc of each is set.  -1: nothing is owned. */
int derived_get_many(struct store_txn *txn, struct derived_doc *docs, size_t n, bool checked,
    struct bh_err *err);
void derived_release(struct derived_doc *docs, size_t n);
/* doc NULL: away with it. */
void derived_put(struct store_txn *txn, enum derived_family family, const struct mirror_id *id,
    const json_t *doc);
/* "history", "facts", "fields". */
const char *derived_family_name(enum derived_family family);
#define DERIVED_FAMILIES 3

/*
 * Erase all that is kept here about n objects: their documents, what they
 * refer to, what was put off for them, their timers.  Checked at commit.  *n_r: documents there were.
 */
int derived_erase_many(struct store_txn *txn, const struct mirror_id *ids, size_t n, size_t *n_r,
    struct bh_err *err);

/*
 * Objects with their derived fields among them, unchecked: what mapping and
 * pages look at.  As mirror_get_many().
 */
int derived_view_many(struct store_txn *txn, const struct mirror_id *ids, size_t n,
    struct object_state *objects, struct bh_err *err);

/* -- references: user names of in its fields (an item its price ...) -- */

void derived_refer(struct store_txn *txn, const struct mirror_id *of, const struct mirror_id *user);
/*
 * Who refers to an object, at most max from behind *after (empty at first).
 * Entries stay when a user names it no more: look at the user's fields.
 */
int derived_users(struct store_txn *txn, const struct mirror_id *of, size_t max,
    struct bh_buf *after, int (*each)(void *arg, const struct mirror_id *user, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);

/* -- put off: what changed is known, whom it concerns is still to be looked at -- */

/* id NULL with kind OBJECT_CUSTOMER: all customers of the connection (its settings changed). */
void derived_defer(struct store_txn *txn, const struct mirror_id *of, const struct bh_buf *after);
/* The first such entry: 1 with of's strings kept in names, and after; 0 none; -1.  Checked at commit. */
int derived_deferred(struct store_txn *txn, struct bh_buf *names, struct mirror_id *of,
    struct bh_buf *after, struct bh_err *err);
void derived_deferred_done(struct store_txn *txn, const struct mirror_id *of);

/* -- timers: a customer's figures change by themselves at a time -- */

/* From before_ms (INT64_MAX: none was set) to at_ms (INT64_MAX: none). */
void derived_timer(struct store_txn *txn, const struct mirror_id *customer, int64_t before_ms,
    int64_t at_ms);
/* Customers whose time has come, at most max, earliest first. *n_r. */
int derived_due(struct store_txn *txn, int64_t now_ms, size_t max,
    int (*each)(void *arg, const struct mirror_id *customer, int64_t at_ms, struct bh_err *err),
    void *arg, size_t *n_r, struct bh_err *err);

#endif
