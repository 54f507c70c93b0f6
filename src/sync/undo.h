/*
 * Putting back what was written over (state/revert.h): a look first, which only reads and is shown,
 * then the same again with writing.  What a person changed since Billhook wrote it is left alone.
 *
 * Looking is a job of its own.  Values are put back by the job of the lane, between two of its
 * pushes, so that no push of the same records is on its way; while a bulk job is, it waits.
 * Both work in pages, which may be repeated after whatever happened: what was put back already
 * is found to be so.
 *
 * A record that was put back is left alone by pushes (link_undo()) until it is let go.
 * Associations of HubSpot are no fields: they stay as they are.
 */
#ifndef SYNC_UNDO_H
#define SYNC_UNDO_H

#include "state/link.h"
#include "state/revert.h"
#include "sync/sync.h"

/* The sync's setting: days that what is written over is kept; 0 nothing is kept, and nothing asked for it. */
#define UNDO_SETTING "undo_days"
int64_t undo_days(const struct account_sync *sync);

struct push_run;

/* One run of the job: looks; forgets all of a sync that was removed. */
int undo_run_job(const struct sync_context *context, const char *sync, struct sync_outcome *outcome,
    struct bh_err *err);
/* In a run of a lane: put back what its syncs are asked for, for some seconds. */
int undo_turn(struct push_run *run, struct bh_err *err);

/*
 * What a person may mean, for revert_look(): a run; a time span (until_ms 0: until now); one record,
 * by its last write (since_ms 0) or by all since then.  -1 BH_INVALID: nothing is kept of it.
 */
int undo_select_run(struct store_txn *txn, const char *sync, int64_t run, struct revert_what *what,
    struct bh_err *err);
int undo_select_span(struct store_txn *txn, const char *sync, int64_t since_ms, int64_t until_ms,
    int64_t now_ms, struct revert_what *what, struct bh_err *err);
int undo_select_record(struct store_txn *txn, const struct link_id *id, int64_t since_ms,
    struct revert_what *what, struct bh_err *err);

/* One record may be written again, as link_redo(), and the lane is woken: 0, 1 it was not left alone, -1. */
int undo_let_one_go(struct store *store, const struct account_key *key, const struct link_id *id,
    struct bh_err *err);
/* What a run put back may be written again, page by page of commits: *n_r records. */
int undo_let_go(struct store *store, const struct account_key *key, const char *sync, int64_t run,
    size_t *n_r, struct bh_err *err);

/* Forget what was looked at last, of all syncs: it shows people, one of whom is erased. */
int undo_forget_looks(struct store *store, struct bh_err *err);
/* Forget all that is kept of one record. */
int undo_erase(struct store *store, const struct link_id *id, struct bh_err *err);

#endif
