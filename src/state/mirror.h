/* The mirror: canonical objects as the sources last described them; newest version wins. */
#ifndef STATE_MIRROR_H
#define STATE_MIRROR_H

#include "model/object.h"
#include "store/store.h"

/* Identity of an object: (connection, account, kind, id). */
struct mirror_id {
	const char *connection;
	const char *account; /* "" when the connection has one */
	enum object_kind kind;
	const char *id;
};
void mirror_object_release(struct object_state *object);

/* 1, 0 not held, -1.  Checked at commit when checked. */
int mirror_get(struct store_txn *txn, const struct mirror_id *id, bool checked,
    struct object_state *object, struct bh_err *err);
/* n at once; objects[i].fields NULL where it is not held. */
int mirror_get_many(struct store_txn *txn, const struct mirror_id *ids, size_t n, bool checked,
    struct object_state *objects, struct bh_err *err);
void mirror_put(struct store_txn *txn, const struct mirror_id *id,
    const struct object_state *object);
/*
 * The same for an object that is held already and names the customer that it
 * named: its place among the customer's objects stands, which saves a page of the store.
 */
void mirror_put_again(struct store_txn *txn, const struct mirror_id *id,
    const struct object_state *object);

/*
 * Another id of an object: under which id it is held, appended to held.  1,
 * 0 none is noted, -1.  Checked at commit; sees what mirror_hold() collected.
 */
int mirror_held(struct store_txn *txn, const struct mirror_id *id, struct bh_buf *held,
    struct bh_err *err);
void mirror_hold(struct store_txn *txn, const struct mirror_id *id, const char *held);

/*
 * Walk a connection's objects of one kind in key order: call each for at most
 * max, starting behind *after (a key kept by the caller, empty at first).
 * *more_r tells whether any follow.  each returns 0, or -1 to stop.
 */
int mirror_walk(struct store_txn *txn, const char *connection, enum object_kind kind, size_t max,
    struct bh_buf *after,
    int (*each)(void *arg, const struct mirror_id *id, const struct object_state *object,
	struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);
/* As if mirror_walk() had ended with this object, so that it goes on behind it. */
void mirror_walk_behind(struct bh_buf *after, const struct mirror_id *id);
/*
 * The objects that name this customer, in key order, at most max from the
 * first after *after (empty at first).  An object that has moved to another
 * customer may still be listed: look at its fields.
 */
int mirror_children(struct store_txn *txn, const struct mirror_id *customer, size_t max,
    struct bh_buf *after, int (*each)(void *arg, const struct mirror_id *id, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);
/* The same of one kind; an *after that is not of theirs begins anew. */
int mirror_children_of(struct store_txn *txn, const struct mirror_id *customer,
    enum object_kind kind, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct mirror_id *id, struct bh_err *err), void *arg, bool *more_r,
    struct bh_err *err);
/*
 * Work put off: the objects of a customer with very many of them that are
 * still to be looked at, from behind after on.  One entry a customer.
 */
void mirror_defer_children(struct store_txn *txn, const struct mirror_id *customer,
    const struct bh_buf *after);
/* The first such entry: 1, with customer's strings and after kept in names and after; 0 none; -1. */
int mirror_deferred(struct store_txn *txn, struct bh_buf *names, struct mirror_id *customer,
    struct bh_buf *after, struct bh_err *err);
void mirror_deferred_done(struct store_txn *txn, const struct mirror_id *customer);
/* Codes of the connections that objects are held of, set up still or not; an array of texts (new reference). */
int mirror_connections(struct store_txn *txn, json_t **codes_r, struct bh_err *err);

/*
 * Leave nothing of an object but a tombstone without fields, so that nothing
 * that the source said before now_ms brings it back.  The index of its
 * customer's objects is left as it is.
 */
void mirror_erase(struct store_txn *txn, const struct mirror_id *id,
    const struct object_state *object, int64_t now_ms);
/* Is it such a tombstone?  There is nothing to map and push then. */
bool is_mirror_erased(const struct object_state *object);

/* Objects of a connection and kind, counted up to max. */
int mirror_count(struct store_txn *txn, const char *connection, enum object_kind kind, size_t max,
    size_t *n_r, struct bh_err *err);

#endif
