/*
 * Totals of recurring revenue, as a job made them last (sync/totals.h), and how far it is.
 *
 *   state  | meaning                         | moves to
 *   none   | never asked for                 | open, when somebody asks
 *   open   | asked for, or being worked out  | done, failed
 *   done   | made; it is as old as "done"    | open, when asked anew or a night has passed
 *   failed | the settings cannot be used     | open, when asked anew
 */
#ifndef STATE_TOTALS_H
#define STATE_TOTALS_H

#include "base/json.h"
#include "store/store.h"

/*
 * {"state", "asked": ms, "seen": customers so far, "of": how many there were last time (0: not
 *  known), "done": ms of the totals that are stored, "note": why it failed}.  1 with a new
 * reference, 0, -1.  Checked at commit.
 */
int totals_state_get(struct store_txn *txn, json_t **doc_r, struct bh_err *err);
void totals_state_put(struct store_txn *txn, const json_t *doc);
/* Have them made; where that is under way already it goes on.  Wakes the job. */
int totals_ask(struct store_txn *txn, int64_t now_ms, struct bh_err *err);
#define TOTALS_JOB "revenue" /* its arg is "" */

/* {"at": ms, "connections": {code: totals of model/totals.h}}.  1 with a new reference, 0, -1.  Not checked. */
int totals_get(struct store_txn *txn, json_t **doc_r, struct bh_err *err);
void totals_put(struct store_txn *txn, const json_t *doc);

#endif
