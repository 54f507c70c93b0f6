/* See health.h. */
#include "base/base.h"

#include "sync/health.h"

#include "base/json.h"
#include "state/account.h"
#include "state/journal.h"
#include "state/schema.h"

static int
load(struct store_txn *txn, const struct account_key *key, const char *code,
    struct account_connection *connection, struct health *health, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc;

	if (key != NULL) {
		rc = account_connection_load(txn, key, code, connection, &why);
		if (rc < 0 && why.code == BH_DENIED) {
			account_connection_release(connection);
		} else {
			if (rc < 0 && err != NULL)
				*err = why;
			return rc;
		}
	}
	health->key_opens = false;
	return account_connection_load(txn, NULL, code, connection, err);
}

static int
add_lanes(struct store_txn *txn, const struct account_key *key, struct health *health,
    struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection connection;

		if (rc < 0)
			break;
		rc = load(txn, key, json_string_value(code), &connection, health, err);
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
health_read(struct store *store, struct store_txn *txn, const struct account_key *key,
    int64_t now_ms, struct health *health, struct bh_err *err)
{
	json_t *stats;
	int64_t oldest_ms;
	int rc;

	memset(health, 0, sizeof(*health));
	if (store_stats(store, &stats, err) < 0)
		return -1;
	health->key_opens = true;
	health->can_write = !json_is_false(json_object_get(stats, "can_write"));
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
	return add_lanes(txn, key, health, err);
}

const char *
health_refusal(const struct health *health, const char **reason_r)
{
	if (health->is_newer) {
		*reason_r =
		    "a newer Billhook wrote the store: install it again; webhooks are answered 503";
		return "newer";
	}
	if (!health->has_room) {
		*reason_r = "the disk of the data directory has no room: webhooks are answered 503";
		return "full";
	}
	if (!health->can_write) {
		*reason_r =
		    "the store cannot be written, the log says why: webhooks are answered 503";
		return "broken";
	}
	if (!health->key_opens) {
		*reason_r =
		    "the key file does not open the stored secrets: webhooks are answered 503";
		return "key";
	}
	return NULL;
}

json_t *
health_json(const struct health *health, bool *is_ready_r, bool *is_well_r)
{
	const char *reason = "", *status = health_refusal(health, &reason);

	*is_ready_r = status == NULL;
	if (status == NULL && health->backlog_age_s > HEALTH_BACKLOG_AGE_S) {
		status = "late";
		reason = "events have waited too long to be handled";
	} else if (status == NULL && health->stopped > 0) {
		status = "late";
		reason = "a CRM cannot be written before a person acts";
	}
	if (status == NULL)
		status = "ok";
	*is_well_r = strcmp(status, "ok") == 0;
	return json_pack("{s:s, s:s, s:{s:I, s:I}, s:{s:I, s:I, s:I}}", "status", status, "reason",
	    reason, "backlog", "events", (json_int_t)health->backlog, "age_s",
	    (json_int_t)health->backlog_age_s, "lanes", "all", (json_int_t)health->lanes, "paused",
	    (json_int_t)health->paused, "stopped", (json_int_t)health->stopped);
}
