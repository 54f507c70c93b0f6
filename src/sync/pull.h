/*
 * Pulling: walks over what a source holds.  A backfill reads everything; a
 * catch-up what may have changed since the last one.  A page and the place
 * where the next one starts are committed together, so that a walk goes on
 * where it stood whatever happened.
 */
#ifndef SYNC_PULL_H
#define SYNC_PULL_H

#include "state/walk.h"
#include "sync/setup.h"

#define PULL_JOB "pull" /* its arg is the connection */

/* A slice of a connection's running walk; outcome->again_ms when it is to go on. */
int pull_run(const struct sync_context *context, const char *connection,
    struct sync_outcome *outcome, struct bh_err *err);

/*
 * Begin a walk (SOURCE_WALK_...) from its start.  -1 BH_INVALID: the
 * connection is no source that can be read, or lacks its key: says which.
 * One that runs already goes on as it is.
 */
int pull_start(struct store_txn *txn, const char *connection, const char *walk, struct bh_err *err);
/* Stop it where it stands, and go on from there.  -1 BH_INVALID when it does not run, or is not stopped. */
int pull_pause(struct store_txn *txn, const char *connection, const char *walk, struct bh_err *err);
int pull_resume(struct store_txn *txn, const char *connection, const char *walk,
    struct bh_err *err);

/*
 * Begin the catch-ups that are due; *next_r: when the next one will be
 * (INT64_MAX none).  A transaction of its own for each connection.
 */
int pull_schedule(const struct sync_context *context, const struct setup *setup, int64_t now_ms,
    int64_t *next_r, struct bh_err *err);

#endif
