/*
 * Held links by what holds them: for each mapped object and code how many
 * there are, and an index that leads to them.  Kept by the files about links.
 */
#ifndef STATE_CAUSE_H
#define STATE_CAUSE_H

#include "state/link.h"

/* Links of one mapped object of a lane that are held with the same code. */
struct cause {
	char code[64];
	char sync[72], object[72];
	int64_t n;
	int64_t last_ms;              /* when one came to it last */
	char cause[240], remedy[240]; /* of that one */
};
/* All of a lane, in the order of their keys, at most max; *n_r is set. */
int cause_list(struct store_txn *txn, const char *dest, size_t max, struct cause *causes,
    size_t *n_r, struct bh_err *err);
/* One of them: 1, 0 nothing is held so, -1. */
int cause_get(struct store_txn *txn, const char *dest, const char *code, const char *sync,
    const char *object, struct cause *cause, struct bh_err *err);

/*
 * Its links, at most max, in key order behind *after (empty at first): each
 * gets identity, rank included, and link.
 */
int cause_links(struct store_txn *txn, const char *dest, const struct cause *cause, size_t max,
    struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err);

/*
 * A link that was held (was NULL: none) is now like link (NULL: forgotten, with its
 * words): counts and index follow.  Reads what it counts, checked at commit.
 */
int cause_move(struct store_txn *txn, const struct link_id *id, const struct link *was,
    const struct link *link, struct bh_err *err);

/*
 * For a store that was written before: take held links into the counts and
 * the index, a page behind *after (empty at first).  1 there are more, 0 the end, -1.
 */
int cause_take_in(struct store_txn *txn, struct bh_buf *after, struct bh_err *err);

#endif
