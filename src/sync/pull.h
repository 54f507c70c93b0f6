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

/* A slice of a connection's running walk; outcome->again_ms when it is to go on. */
int pull_run(const struct sync_context *context, const char *connection,
    struct sync_outcome *outcome, struct bh_err *err);

/*
 * Begin the catch-ups that are due; *next_r: when the next one will be
 * (INT64_MAX none).  A transaction of its own for each connection.
 */
int pull_schedule(const struct sync_context *context, const struct setup *setup, int64_t now_ms,
    int64_t *next_r, struct bh_err *err);

#endif
