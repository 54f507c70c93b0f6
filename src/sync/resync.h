/*
 * Looking again at everything that a sync maps: a walk over the mirror
 * (state/walk.h), a page in one commit with the place where the next begins,
 * so that it can be stopped, goes on where it stood, and tells how far it is.
 * And forgetting what is known of a sync that a person removed.
 */
#ifndef SYNC_RESYNC_H
#define SYNC_RESYNC_H

#include "state/walk.h"
#include "sync/sync.h"

/* Begin it from its start, also where one runs: what that has marked may have been pushed with other settings. */
void resync_begin(struct store_txn *txn, const char *sync, int64_t now_ms);
/* Stop it for good; what is marked by then is pushed to dest. */
void resync_cancel(struct store_txn *txn, const char *sync, const char *dest, int64_t now_ms);
/* The sync is gone (account_sync_drop()): its links to this destination go, page by page. */
void resync_forget(struct store_txn *txn, const char *sync, const char *dest, int64_t now_ms);

/* The job RESYNC_JOB: either of them, as far as it runs.  A sync that is gone or does not work is no failure. */
int resync_run(const struct sync_context *context, const char *sync, struct sync_outcome *outcome,
    struct bh_err *err);

/* Begin it and do it at once; *n_r: how many links are marked.  -1 BH_INVALID: no such sync. */
int resync_all(struct store *store, const struct account_key *key, const char *sync, size_t *n_r,
    struct bh_err *err);

#endif
