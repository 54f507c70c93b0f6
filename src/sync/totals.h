/*
 * The job that adds recurring revenue up: it walks the customers of each billing
 * system in pages and stores the totals by currency and month (model/totals.h).
 * Once asked for, it runs every night by itself.
 */
#ifndef SYNC_TOTALS_H
#define SYNC_TOTALS_H

#include "sync/sync.h"

/* What is asked for (state/totals.h), if anything is, or if a night has passed.  One that is interrupted begins anew. */
int totals_run(const struct sync_context *context, struct sync_outcome *outcome,
    struct bh_err *err);

#endif
