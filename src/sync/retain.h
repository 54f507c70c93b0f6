/*
 * The job that forgets: events beyond the options keep_days and keep_mb, ids
 * and trail that are old, sessions that are over.
 */
#ifndef SYNC_RETAIN_H
#define SYNC_RETAIN_H

#include "sync/sync.h"

/* The kind of the job; its arg is "". */
#define RETAIN_JOB "retain"

/* It looks itself whether it is time: waking it often is harmless. */
/*
 * Remove what is not to be kept any more, in small commits, for at most a few
 * seconds.  outcome->again_ms: in ten minutes when there is more, else in an
 * hour; the same time again when the last run was not so long ago.  -1: the store failed.
 */
int retain_run(const struct sync_context *context, struct sync_outcome *outcome,
    struct bh_err *err);

#endif
