/*
 * HubSpot: facts and settings of the driver, and push() from end to end.  A
 * push takes records of one rank: their parents are in HubSpot already, so
 * records go first and links, which need both ids, behind them.
 */
#include "base/base.h"

#include "dest/hubspot.h"

#include "base/text.h"
#include "dest/driver.h"

size_t
hubspot_count(const struct dest_config *config, const char *name, size_t max, size_t fallback)
{
	const char *text = dest_text(config->settings, name, "");
	uint64_t count = 0;

	if (!bh_is_uint(text, strlen(text), SIZE_MAX, &count)) {
		int64_t number = bh_json_int(config->settings, name, 0);

		count = number > 0 ? (uint64_t)number : 0;
	}
	if (count == 0)
		return fallback;
	return count < max ? (size_t)count : max;
}

bool
hubspot_is_oauth(const struct dest_config *config)
{
	return strcmp(dest_text(config->settings, "flow", "token"), "oauth") == 0;
}

/* "2026-09" and the like: it becomes a part of every path. */
static bool
is_version(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 16 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static int
check_flow(const struct dest_config *config, struct bh_err *err)
{
	const char *flow = dest_text(config->settings, "flow", "token");

	if (strcmp(flow, "token") == 0) {
		if (!hubspot_is_token(dest_text(config->secrets, "access_token", NULL)))
			return bh_fail(err, BH_INVALID,
			    "paste an access token (service key) of the HubSpot portal");
		return 0;
	}
	if (strcmp(flow, "oauth") != 0)
		return bh_fail(err, BH_INVALID, "flow must be \"token\" or \"oauth\"");
	if (dest_text(config->settings, "client_id", NULL) == NULL ||
	    dest_text(config->secrets, "client_secret", NULL) == NULL)
		return bh_fail(err, BH_INVALID,
		    "an OAuth connection needs client_id and client_secret");
	return 0;
}

static int
hubspot_check(const struct dest_config *config, struct bh_err *err)
{
	if (http_check_url(dest_text(config->settings, "base_url", HUBSPOT_BASE_URL), err) < 0)
		return bh_during(err, "base_url");
	if (!is_version(dest_text(config->settings, "api_version", HUBSPOT_VERSION)))
		return bh_fail(err, BH_INVALID, "api_version must look like \"%s\"",
		    HUBSPOT_VERSION);
	return check_flow(config, err);
}

/* HubSpot tells no name of a portal: its number, domain and kind must do. */
static int
hubspot_identify(struct dest_config *config, struct bh_err *err)
{
	char *path = hubspot_path(config, "/account-info/{v}/details", NULL, NULL);
	struct dest_auth *auth = config->auth;
	json_t *body;
	int64_t portal;
	int rc = hubspot_get(config, path, &body, err);

	free(path);
	if (rc < 0)
		return -1;
	if (!bh_is_json_int(body, "portalId", &portal) || portal <= 0) {
		rc =
		    bh_fail(err, BH_UNAVAILABLE, "HubSpot's account details hold no portal number");
	} else {
		char name[256];

		snprintf(auth->account_id, sizeof(auth->account_id), "%lld", (long long)portal);
		snprintf(name, sizeof(name), "Portal %lld (%.32s, %.48s)", (long long)portal,
		    dest_text(body, "accountType", "STANDARD"),
		    dest_text(body, "uiDomain", "app.hubspot.com"));
		dest_copy(auth->account_name, sizeof(auth->account_name), name);
	}
	json_decref(body);
	return rc;
}

/* A parent that is not in HubSpot yet holds its child back: a link needs both ids. */
static bool
is_waiting(const struct record *record, struct dest_result *result)
{
	char cause[sizeof(result->cause)];

	for (size_t i = 0; i < record->parents_n; i++) {
		const struct record_parent *parent = &record->parents[i];

		if (parent->remote_id != NULL && *parent->remote_id != '\0')
			continue;
		snprintf(cause, sizeof(cause), "Its parent, %.64s %.96s, is not in HubSpot yet",
		    parent->object, parent->key);
		dest_result_set(result, DEST_WAITING, "PARENT", cause,
		    "It follows by itself once the parent is written");
		return true;
	}
	return false;
}

/* Two records adopted the same HubSpot record: HubSpot refuses a batch with an id twice. */
static bool
is_taken(struct record *const *records, size_t at, struct dest_result *result)
{
	const struct record *record = records[at];
	char cause[sizeof(result->cause)];

	if (!record->matched || record->remote_id == NULL)
		return false;
	for (size_t i = 0; i < at; i++) {
		const struct record *other = records[i];

		if (!other->matched || other->remote_id == NULL ||
		    strcmp(other->object, record->object) != 0 ||
		    strcmp(other->remote_id, record->remote_id) != 0)
			continue;
		snprintf(cause, sizeof(cause), "HubSpot record %.32s is matched with %.96s already",
		    record->remote_id, other->key);
		dest_result_set(result, DEST_REJECTED, "DUPLICATE_MATCH", cause,
		    "Match each billing object with a HubSpot record of its own");
		return true;
	}
	return false;
}

static bool
is_key_bad(const struct record *record, struct dest_result *result)
{
	size_t len = strlen(record->key);

	if (len > 0 && bh_is_utf8(record->key, len) && *record->key_field != '\0' &&
	    *record->object != '\0')
		return false;
	dest_result_set(result, DEST_REJECTED, "INVALID_KEY",
	    "The record has no usable key, key property or object type",
	    "Name the object type and its unique property in the mapping");
	return true;
}

static void
hubspot_push(struct dest_config *config, struct record *const *records, size_t n,
    struct dest_result *results)
{
	struct hubspot_talk talk = {.config = config};

	config->usage.pause_s = 0;
	for (size_t i = 0; i < n; i++) {
		results[i] = (struct dest_result){0};
		if (config->auth->access_token.len == 0)
			dest_result_set(&results[i], DEST_AUTH, "NO_TOKEN",
			    "There is no access token yet", "Connect HubSpot");
		else if (!is_key_bad(records[i], &results[i]) &&
			 !is_waiting(records[i], &results[i]))
			is_taken(records, i, &results[i]);
	}
	hubspot_write(&talk, records, n, results);
	hubspot_link(&talk, records, n, results);
	for (size_t i = 0; i < n; i++)
		if (results[i].outcome == DEST_AUTH)
			results[i].permanent_auth =
			    !hubspot_is_oauth(config) && config->auth->access_token.len > 0;
}

const struct dest_driver dest_hubspot = {
    .name = "hubspot",
    .title = "HubSpot",
    .caps = DEST_CAP_DESCRIBE | DEST_CAP_REFRESH,
    .batch = (size_t)10 * HUBSPOT_INPUTS,
    .check = hubspot_check,
    .authorize = hubspot_authorize,
    .describe = hubspot_describe,
    .push = hubspot_push,
    .identify = hubspot_identify,
};
