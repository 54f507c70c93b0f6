/* See health.h. */
#include "base/base.h"

#include "sync/health.h"

#include "base/json.h"
#include "state/account.h"
#include "state/journal.h"
#include "state/schema.h"

static int
add_lanes(struct store_txn *txn, struct health *health, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection connection;

		if (rc < 0)
			break;
		rc = account_connection_load(txn, NULL, json_string_value(code), &connection, err);
		if (rc > 0 && !connection.is_source) {
			health->lanes++;
			health->paused += connection.paused;
			health->stopped += connection.broken[0] != '\0';
		}
		account_connection_release(&connection);
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

int
health_read(struct store *store, struct store_txn *txn, int64_t now_ms, struct health *health,
    struct bh_err *err)
{
	json_t *stats;
	int64_t oldest_ms;
	int rc;

	memset(health, 0, sizeof(*health));
	if (store_stats(store, &stats, err) < 0)
		return -1;
	health->has_room = !json_is_false(json_object_get(stats, "has_room"));
	json_decref(stats);
	rc = schema_look(txn, err);
	health->is_newer = rc < 0 && err->code == BH_INVALID;
	if (rc < 0)
		return health->is_newer ? 0 : -1;
	if (journal_backlog(txn, HEALTH_BACKLOG_MAX, &health->backlog, err) < 0 ||
	    journal_oldest(txn, &oldest_ms, err) < 0)
		return -1;
	if (oldest_ms != 0 && oldest_ms < now_ms)
		health->backlog_age_s = (now_ms - oldest_ms) / 1000;
	return add_lanes(txn, health, err);
}

json_t *
health_json(const struct health *health, bool *is_ready_r, bool *is_well_r)
{
	const char *status = "ok", *reason = "";

	if (health->is_newer) {
		status = "newer";
		reason =
		    "a newer Billhook wrote the store: install it again; webhooks are answered 503";
	} else if (!health->has_room) {
		status = "full";
		reason = "the disk of the data directory has no room: webhooks are answered 503";
	} else if (health->backlog_age_s > HEALTH_BACKLOG_AGE_S) {
		status = "late";
		reason = "events have waited too long to be handled";
	} else if (health->stopped > 0) {
		status = "late";
		reason = "a CRM cannot be written before a person acts";
	}
	*is_ready_r = health->has_room && !health->is_newer;
	*is_well_r = strcmp(status, "ok") == 0;
	return json_pack("{s:s, s:s, s:{s:I, s:I}, s:{s:I, s:I, s:I}}", "status", status, "reason",
	    reason, "backlog", "events", (json_int_t)health->backlog, "age_s",
	    (json_int_t)health->backlog_age_s, "lanes", "all", (json_int_t)health->lanes, "paused",
	    (json_int_t)health->paused, "stopped", (json_int_t)health->stopped);
}
