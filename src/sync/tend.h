/* Tending: what is due by the clock alone: catch-ups, figures that change by themselves. */
#ifndef SYNC_TEND_H
#define SYNC_TEND_H

#include "sync/sync.h"

#define TEND_JOB "tend" /* its arg is "" */

/* outcome->again_ms: when something will be due next. */
int tend_run(const struct sync_context *context, struct sync_outcome *outcome, struct bh_err *err);

#endif
