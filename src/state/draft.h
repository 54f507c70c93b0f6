/*
 * The draft of a sync's mapping: what people change in the browser and have
 * not put to use yet.  One for each sync, shared by all who may edit; it goes
 * with its sync.
 *
 *   state  | meaning                                            | moves to
 *   none   | the stored mapping is the only one                 | fresh
 *   fresh  | begun from the sync as it is stored now            | none, stale
 *   stale  | the sync's mapping or settings changed since then  | none, fresh (a person looked at it again)
 *
 * Pure data: nothing here looks into the mapping.
 */
#ifndef STATE_DRAFT_H
#define STATE_DRAFT_H

#include "state/account.h"

#define DRAFT_VERSION_LEN 16 /* hex digits */

/*
 * What a draft begins from: a digest of the sync's ends, preset, mapping and
 * settings.  Pausing the sync does not change it.
 */
void draft_version(const struct account_sync *sync, char version[DRAFT_VERSION_LEN + 1]);
/* The same digest of any JSON, to tell whether what a person saw is still so. */
void draft_digest(const json_t *json, char version[DRAFT_VERSION_LEN + 1]);

/*
 * The draft of a sync: 1 and a new reference to
 *   {"mapping": {...}, "of": draft_version() of what it began from,
 *    "by": the user who touched it last, "at": ms};
 * 0 there is none; -1.  Checked at commit.
 */
int draft_load(struct store_txn *txn, const char *sync, json_t **draft_r, struct bh_err *err);
/* Keep mapping (borrowed) as the draft, over what it was. */
void draft_save(struct store_txn *txn, const char *sync, const json_t *mapping, const char *of,
    const char *by, int64_t at_ms);
/* Throw it away; none is fine.  account_sync_drop() does so. */
void draft_drop(struct store_txn *txn, const char *sync);

#endif
