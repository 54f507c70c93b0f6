/* The version of the stored formats, and the steps that bring an older store up to it. */
#ifndef STATE_SCHEMA_H
#define STATE_SCHEMA_H

#include "store/store.h"

#define SCHEMA_VERSION 3

/*
 * 0 when the store is at SCHEMA_VERSION (an empty one is stamped with it, an older one brought up);
 * -1 BH_INVALID when it was written by a newer Billhook (a downgrade is refused).
 */
int schema_check(struct store *store, struct bh_err *err);

/*
 * Has the store been set up, and is it not just being loaded?  (The stamp is
 * one of the last entries of a dump.)  1, 0, -1.
 */
int schema_is_set(struct store_txn *txn, struct bh_err *err);

#endif
