/*
 * The job that does what an administrator asks about one person in the browser
 * (state/inquiry.h): looks and writes the document, later erases.
 *
 *   person/<name>.json  what is fetched; ".part" behind it while it is written
 */
#ifndef SYNC_INQUIRY_H
#define SYNC_INQUIRY_H

#include "sync/sync.h"

/*
 * Look, erase, or remove what is old.  What does not end is noted for the person; -1: the store
 * failed.  A run that is interrupted begins anew: erasing the same again goes on.
 */
int inquiry_run(const struct sync_context *context, struct sync_outcome *outcome,
    struct bh_err *err);

/* Somebody is erased: the documents that were written go, and what is told of them. */
int inquiry_forget(const struct sync_context *context, struct bh_err *err);

#endif
