/*
 * Alerts at work: what is wrong is looked for, and told to the targets: once,
 * again while it lasts, and when it is over.  state/alert.h has the states.
 */
#ifndef SYNC_ALERTS_H
#define SYNC_ALERTS_H

#include "state/alert.h"
#include "sync/sync.h"

int alerts_run(const struct sync_context *context, struct sync_outcome *outcome,
    struct bh_err *err);

#endif
