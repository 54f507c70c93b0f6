/*
 * Ingest: events of the journal, in order, into the mirror; what changed is
 * marked dirty for each destination.
 */
#ifndef SYNC_INGEST_H
#define SYNC_INGEST_H

#include "sync/sync.h"

/*
 * Handle what the journal holds until it is empty (and stayed so for
 * linger_ms) or the context is stopping.  An event that cannot be read is
 * noted as failed and does not stop the others.  -1: the store failed; what was committed stays.
 * Two at once are harmless: the cursor lets only one of them commit.
 */
int ingest_run(const struct sync_context *context, int linger_ms, struct sync_outcome *outcome,
    struct bh_err *err);

/* Is there anything for ingest to do?  1, 0, -1. */
int ingest_is_due(struct store_txn *txn, struct bh_err *err);

#endif
