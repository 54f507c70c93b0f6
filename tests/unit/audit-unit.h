/* Audits as a worker leaves them, for the tests of pages. */
#ifndef TESTS_UNIT_AUDIT_UNIT_H
#define TESTS_UNIT_AUDIT_UNIT_H

#include "crm-unit.h"
#include "state/audit.h"

#define AUDIT_OBJECTS                                                                              \
	"{\"account\": {\"to\": \"Account <b>\", \"compared\": 1204, \"differing\": 2,"            \
	" \"missing\": 1, \"unseen\": 0, \"fields\": {\"Total<i>\": 2},"                           \
	" \"money\": {\"USD\": \"1030.5\", \"JPY\": \"7\"}}}"
#define AUDIT_FILLED 60 /* rows that audit_put_rows() leaves */

static inline json_t *
audit_json(const char *text)
{
	json_t *json;

	assert_int_equal(bh_json_parse(text, strlen(text), &json, NULL), 0);
	return json;
}

/* The audit of a sync in this state; days: the sync's setting. */
static inline void
audit_put(struct world *world, const char *sync, enum audit_state state, int64_t days,
    const char *note)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct account_sync stored;
	struct audit audit = AUDIT_INIT;

	assert_int_equal(account_sync_load(txn, sync, &stored, NULL), 1);
	json_decref(stored.settings);
	stored.settings = json_pack("{s:I}", "audit_days", (json_int_t)days);
	assert_int_equal(account_sync_save(txn, &stored, NULL), 0);
	account_sync_release(&stored);
	audit.state = state;
	audit.run = 1;
	audit.ended_ms = state == AUDIT_DONE ? bh_now_ms() - 1000 : 0;
	audit.done = 1210;
	audit.total = 5000;
	audit.compared = 1204;
	audit.differing = 2;
	audit.missing = 1;
	audit.differences = 1003;
	audit.kept = 1000;
	audit.repaired = 1;
	audit.calls = 17;
	audit.waits_until_ms = *note != '\0' ? bh_now_ms() + 300000 : 0;
	snprintf(audit.note, sizeof(audit.note), "%s", note);
	audit.objects = audit_json(AUDIT_OBJECTS);
	audit_save(txn, sync, &audit);
	crm_commit(&txn);
	audit_release(&audit);
}

/* A value that differs, a record that is gone, one that was mended, and more of the first. */
static inline void
audit_put_rows(struct world *world, const char *sync)
{
	struct store_txn *txn = store_begin(world->site.store);

	for (int i = 0; i < AUDIT_FILLED; i++) {
		char id[16];
		json_t *row;

		snprintf(id, sizeof(id), "cus_%d", i);
		row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "object",
		    "account", "account", i == 0 ? "acct_1" : "", "id", id, "to", "Account <b>",
		    "remote_id", "001\"X", "field", i == 1 ? "" : "Total<i>", "want",
		    i == 3 ? "" : "21.00", "has",
		    i == 4   ? ""
		    : i == 0 ? "<script>alert(1)</script>"
			     : "=1",
		    "currency", "USD", "fate", i == 1 ? "deleted" : "");
		if (i == 2)
			json_object_set_new(row, "repaired",
			    json_integer((json_int_t)(bh_now_ms() - 60000)));
		audit_row_save(txn, sync, i, row);
		json_decref(row);
	}
	crm_commit(&txn);
}

#endif
