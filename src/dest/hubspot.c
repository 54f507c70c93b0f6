/*
 * HubSpot: facts and settings of the driver, and push() from end to end.  A
 * push takes records of one rank: their parents are in HubSpot already, so
 * records go first and links, which need both ids, behind them.
 */
#include "base/base.h"

#include "dest/hubspot.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_look.h"

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
	hubspot_look_for_tasks(&talk, records, n, results);
	hubspot_send(&talk, records, n, results);
	hubspot_write(&talk, records, n, results);
	hubspot_link(&talk, records, n, results);
	hubspot_unlink(&talk, records, n, results);
	for (size_t i = 0; i < n; i++)
		if (results[i].outcome == DEST_AUTH)
			results[i].permanent_auth =
			    !hubspot_is_oauth(config) && config->auth->access_token.len > 0;
}

static unsigned
hubspot_object_traits(const char *object)
{
	if (hubspot_is_event(object))
		return DEST_OBJECT_EVENT;
	return hubspot_is_task(object) ? DEST_OBJECT_LOOK : 0;
}

static const struct setting settings[] = {
    {"flow", "How Billhook logs in", SETTING_CHOICE, SETTING_ACCOUNT, "token oauth", 0, 0, "token",
	"token: you paste a token of the portal; oauth: a person allows it in the browser, by an app of yours"},
    {"access_token", "Access token", SETTING_TEXT, SETTING_ACCOUNT | SETTING_SECRET, NULL, 0, 0, "",
	"for token: a service key, or the token of a private app"},
    {"client_id", "Client ID", SETTING_TEXT, SETTING_ACCOUNT, NULL, 0, 0, "",
	"for oauth: of the app that you made"},
    {"client_secret", "Client secret", SETTING_TEXT, SETTING_ACCOUNT | SETTING_SECRET, NULL, 0, 0,
	"", "for oauth: of the same app"},
    {"optional_scopes", "Optional scopes", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0,
	HUBSPOT_SCOPES,
	"rights that are asked for beside those on companies and contacts; a portal that has not got them lets Billhook in all the same"},
    {"refresh_token", "Refresh token", SETTING_TEXT,
	SETTING_ACCOUNT | SETTING_SECRET | SETTING_ADVANCED, NULL, 0, 0, "",
	"only where it was got elsewhere"},
    {"login_url", "Login address", SETTING_URL, SETTING_ADVANCED, NULL, 0, 0, HUBSPOT_LOGIN_URL,
	"where a person allows it"},
    {"base_url", "API address", SETTING_URL, SETTING_ACCOUNT | SETTING_ADVANCED, NULL, 0, 0,
	HUBSPOT_BASE_URL, "the same for every portal"},
    {"prefix", "Prefix of names", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0, "billhook_",
	"what the names of properties and objects begin with that Billhook makes in your portal"},
    {"throttle", "Throttle", SETTING_NUMBER, SETTING_ADVANCED, NULL, 1, 100, "80",
	"percent of the portal's daily API calls from which on only urgent changes are sent"},
    {"reserve", "Reserve", SETTING_NUMBER, SETTING_ADVANCED, NULL, 1, 100, "95",
	"percent from which on nothing is sent until the limit resets"},
    {"api_version", "API version", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0, HUBSPOT_VERSION, ""},
    {NULL, NULL, SETTING_TEXT, 0, NULL, 0, 0, NULL, NULL},
};

static const char steps[] =
    "The simple way, token: in your portal open Development, Keys, Service keys, and make one named Billhook.\n"
    "Give it the read and write scopes of companies and contacts, both of crm.objects and crm.schemas; of deals, custom objects and custom events, too, where they are to be synced. Copy the key to here as the access token.\n"
    "For oauth: make an app as a developer project, with distribution private, and enter this redirect URL: %s\n"
    "List the same scopes as required in the app; those of custom objects, custom events, deals and owners as optional.\n"
    "Install nothing yet: copy client ID and client secret to here, save, and log in.";

const struct dest_driver dest_hubspot = {
    .name = "hubspot",
    .title = "HubSpot",
    .settings = settings,
    .steps = steps,
    .login_flow = "oauth",
    .prefix = "billhook_",
    .caps = DEST_CAP_DESCRIBE | DEST_CAP_REFRESH | DEST_CAP_UNLINK,
    .batch = (size_t)20 * HUBSPOT_INPUTS,
    .check = hubspot_check,
    .authorize = hubspot_authorize,
    .describe = hubspot_describe,
    .describe_many = hubspot_describe_many,
    .object_traits = hubspot_object_traits,
    .push = hubspot_push,
    .identify = hubspot_identify,
    .account = hubspot_account,
    .recall = hubspot_recall,
    .login = hubspot_login,
    .exchange = hubspot_exchange,
    .revoke = hubspot_revoke,
    .limits = hubspot_limits,
    .find = hubspot_find,
    .read = hubspot_read,
    .ties = hubspot_ties,
    .owner_field = "hubspot_owner_id",
    .active = hubspot_active,
    .end = hubspot_end,
    .remove = hubspot_remove,
    .unlinked = hubspot_unlinked,
    .record_url = hubspot_record_url,
    .plan = hubspot_schema_plan,
    .install = hubspot_schema_install,
    .count = hubspot_schema_count,
    .uninstall = hubspot_schema_uninstall,
};
