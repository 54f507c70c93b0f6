/* The version of the stored formats, and the steps that bring an older store up to it. */
#ifndef STATE_SCHEMA_H
#define STATE_SCHEMA_H

#include "store/store.h"

#define SCHEMA_VERSION 3
#define SCHEMA_WATCH "Vs" /* is written when a store is set up, loaded or brought up */

/*
 * 0 when the store is at SCHEMA_VERSION (an empty one is stamped with it, an older one brought up);
 * -1 BH_INVALID when it was written by a newer Billhook (a downgrade is refused).
 */
int schema_check(struct store *store, struct bh_err *err);

/*
 * May this Billhook work on the store as it is?  1 it has SCHEMA_VERSION; 0 it is older and has to be
 * brought up, or nothing is stamped yet; -1 BH_INVALID it is newer (as above), or it cannot be read.
 */
int schema_look(struct store_txn *txn, struct bh_err *err);

/*
 * As journal_import(), for the keeper; files wait (BH_UNAVAILABLE) where the store is newer.
 */
int schema_import(struct store_txn *txn, const void *content, size_t len, struct bh_err *err);

/*
 * Has the store been set up, and is it not just being loaded?  (The stamp is
 * written with the last commit of a load.)  1, 0, -1.
 */
int schema_is_set(struct store_txn *txn, struct bh_err *err);

#endif
