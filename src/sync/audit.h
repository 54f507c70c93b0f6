/*
 * An audit: does the CRM still hold what was pushed?  A walk over the clean
 * links of a sync, in pages: each record is rendered by the code of a push, what a push would
 * leave to people is left out (sync/conflict.h), the rest is read in the largest calls and compared.
 * It only reads; what it finds is stored (state/audit.h) and mended by pushes where a person says so.
 *
 * A link that waits to be pushed is not compared: it is on its way.
 */
#ifndef SYNC_AUDIT_H
#define SYNC_AUDIT_H

#include "state/audit.h"
#include "sync/sync.h"

/* The sync's setting: days from one audit to the next; 0 none by itself. */
#define AUDIT_SETTING "audit_days"

/* One run of the job. */
int audit_run(const struct sync_context *context, const char *sync, struct sync_outcome *outcome,
    struct bh_err *err);

struct setup;
/* Begin those whose time has come; *next_ms_r becomes earlier where the next one is. */
int audit_schedule(const struct sync_context *context, const struct setup *setup, int64_t now_ms,
    int64_t *next_ms_r, struct bh_err *err);

/*
 * Have differences mended by the push, those of one record (object NULL: all that are kept): it
 * is sent whole, where the conflict rules let it.  A record that was deleted is made anew.
 * *n_r: how many records.  Pages of commits.
 */
int audit_repair(struct store *store, const struct account_key *key, const char *sync,
    const char *object, const char *account, const char *id, size_t *n_r, struct bh_err *err);

/* All differences that are kept, as CSV with a head, safe to be opened by a spreadsheet; appended. */
int audit_csv(struct store_txn *txn, const char *sync, struct bh_buf *out, struct bh_err *err);

/* Forget what all audits found: it shows people, one of whom is erased. */
int audit_forget(struct store *store, struct bh_err *err);

#endif
