/*
 * The job that makes the copy a person asked for in the browser: the keeper copies the
 * running store, and all becomes one tar archive in the data directory.
 *
 *   backup/begun-<asked>        it was begun here, not in the store that was copied
 *   backup/copy/                what the keeper copies; removed
 *   backup/billhook-<time>.tar  what is fetched: billhook-backup/db/..., billhook.conf,
 *                               RESTORE, and key where it was asked for
 *
 * Unpacked it is what `billhook backup` makes, and `billhook restore` takes.
 */
#ifndef SYNC_BACKUP_H
#define SYNC_BACKUP_H

#include "sync/sync.h"

/*
 * Make what is asked for (state/backup.h), or remove what is old.  What cannot be made is
 * noted for the person; -1: the store failed.  One that is interrupted begins anew.
 */
int backup_run(const struct sync_context *context, struct sync_outcome *outcome,
    struct bh_err *err);

#endif
