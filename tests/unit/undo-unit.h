/* What was written over, and putting it back, as workers leave them: for the tests of pages. */
#ifndef TESTS_UNIT_UNDO_UNIT_H
#define TESTS_UNIT_UNDO_UNIT_H

#include "crm-unit.h"
#include "state/revert.h"
#include "state/undo.h"

#define UNDO_FILLED 60 /* records, and runs, that are left */

/* Putting back in this state; of a run, a record or a span by run and object. */
static inline void
undo_put_state(struct world *world, const char *sync, enum revert_state state, int64_t run,
    const char *object, bool removes, const char *note)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct revert revert = REVERT_INIT;

	revert.state = state;
	revert.is_doing = state == REVERT_DOING || state == REVERT_DONE;
	revert.turn = 3;
	revert.what = (struct revert_what){.run = run, .from_ms = 1, .until_ms = 2};
	revert.what.removes = removes;
	snprintf(revert.what.object, sizeof(revert.what.object), "%s", object);
	snprintf(revert.what.id, sizeof(revert.what.id), "cus_<1>");
	revert.look = (struct revert_counts){.records = 5000,
	    .back = 4990,
	    .fields = 4991,
	    .changed = 7,
	    .made = 14,
	    .removed = removes ? 2 : 0};
	revert.done = revert.look;
	revert.done.refused = 1;
	revert.total = 10000;
	revert.seen = 5000;
	revert.calls = 52;
	revert.waits_until_ms = *note != '\0' ? bh_now_ms() + 300000 : 0;
	snprintf(revert.note, sizeof(revert.note), "%s", note);
	snprintf(revert.by, sizeof(revert.by), "oda");
	revert_save(txn, sync, &revert);
	crm_commit(&txn);
	revert_release(&revert);
}

static inline void
undo_put_rows(struct world *world, const char *sync)
{
	static const char *const verdicts[] = {"back", "same", "left", "gone", "made", "removed",
	    "refused"};
	static const char *const fields[] = {"back", "same", "changed", "unknown", "unseen"};
	struct store_txn *txn = store_begin(world->site.store);

	for (int i = 0; i < UNDO_FILLED; i++) {
		json_t *list = json_array(), *row;

		for (size_t k = 0; k < BH_LEN(fields) && i != 2; k++)
			json_array_append_new(list,
			    json_pack("{s:s, s:s, s:s, s:s}", "name", "Phone<i>", "now",
				k == 1 ? "" : "<script>alert(1)</script>", "back",
				k == 2 ? "" : "+49 30", "verdict", fields[k]));
		row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "object", "account",
		    "account", i == 0 ? "acct_1" : "", "id", "cus_1", "to", "Account <b>",
		    "remote_id", "001\"X", "verdict", verdicts[i % 7], "cause",
		    i == 6 ? "a <rule>" : "", "fields", list);
		revert_row_save(txn, sync, i, row);
		json_decref(row);
	}
	crm_commit(&txn);
}

/* Runs of every cause; the last one put values back. */
static inline void
undo_put_runs(struct world *world, const char *sync)
{
	struct store_txn *txn = store_begin(world->site.store);

	for (int i = 1; i <= UNDO_FILLED; i++) {
		struct undo_run run = {.number = i,
		    .cause = (enum undo_cause)(i % UNDO__MAX),
		    .began_ms = bh_now_ms() - 60000,
		    .last_ms = bh_now_ms(),
		    .records = 1204,
		    .created = 14,
		    .fields = 5000};

		if (i == UNDO_FILLED - 1) {
			run.of = 2;
			snprintf(run.by, sizeof(run.by), "eve <b>");
		}
		undo_run_save(txn, sync, &run);
	}
	crm_commit(&txn);
}

/* A record of sync to dest whose last write is kept; is_undone: it was put back. */
static inline void
undo_put_record(struct world *world, const struct link_id *id, bool is_undone)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *entry = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:{s:{s:i, s:s, s:s}}}", "run", 1,
	    "is", "old", "to", "Account", "rid", "001", "kf", "Key__c", "k", "stripe:c", "f",
	    "Phone", "t", 0, "b", "+1", "a", "+2");

	undo_put(txn, id, bh_now_ms() - 1000, entry);
	if (is_undone)
		assert_int_equal(link_undo(txn, id, "oda", 2, false, NULL), 0);
	crm_commit(&txn);
	json_decref(entry);
}

#endif
