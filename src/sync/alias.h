/* Objects that a source names by two ids, kept together. */
#ifndef SYNC_ALIAS_H
#define SYNC_ALIAS_H

#include "sync/working.h"

/*
 * Give a change with an alias the id under which its object is held: the one
 * that came first.  What is learnt is put into txn.
 */
int alias_resolve(struct store_txn *txn, const struct working *work, const char *connection,
    struct object_change *change, struct bh_err *err);

#endif
