/*
 * Sweeping: customers that a complete walk over a source did not show may
 * have vanished there; they are asked for one by one.
 */
#ifndef SYNC_SWEEP_H
#define SYNC_SWEEP_H

#include "model/object.h"
#include "sync/sync.h"

/* A walk begins: forget what an earlier one saw. */
int sweep_begin(const struct sync_context *context, const char *connection, struct bh_err *err);
/* Note the customers among these changes as seen. */
int sweep_note(const struct sync_context *context, const char *connection,
    const struct object_changes *changes, struct bh_err *err);
/*
 * The walk that began at started_ms has seen all: want those that are held
 * longer and were not seen, and forget what was noted.  May be run again after a crash.
 */
int sweep_finish(const struct sync_context *context, const char *connection, int64_t started_ms,
    struct bh_err *err);

#endif
