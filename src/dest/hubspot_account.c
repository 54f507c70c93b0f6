/*
 * HubSpot: whose portal it is, which rights it granted, and what is left of
 * its limits.  What a token may do is told by other calls for tokens of an app than
 * for pasted ones; service keys may be unknown to both: then nothing is said of rights.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

#define DAY_S 86400
#define DAY_DOUBT_S (2 * 3600)
#define DAY_MARGIN_S 60

/* Scopes, and what each is for.  Those that are not needed are looked for where the settings ask for them. */
static const struct {
	const char *name;
	bool is_needed;
	const char *purpose;
} scopes[] = {
    {"oauth", true, NULL}, /* every app's; no token of another kind has it */
    {"crm.objects.companies.read", true, "to find and read companies"},
    {"crm.objects.companies.write", true, "to write companies"},
    {"crm.objects.contacts.read", true, "to find and read contacts"},
    {"crm.objects.contacts.write", true, "to write contacts and tasks"},
    {"crm.schemas.companies.read", true, "to see the properties of companies"},
    {"crm.schemas.companies.write", true, "to install properties of companies"},
    {"crm.schemas.contacts.read", true, "to see the properties of contacts"},
    {"crm.schemas.contacts.write", true, "to install properties of contacts"},
    {"crm.objects.custom.read", false, "to find and read custom objects (Enterprise)"},
    {"crm.objects.custom.write", false, "to write custom objects (Enterprise)"},
    {"crm.schemas.custom.read", false, "to see which custom objects there are (Enterprise)"},
    {"crm.schemas.custom.write", false, "to install custom objects (Enterprise)"},
    {"crm.objects.deals.read", false, "to find and read deals"},
    {"crm.objects.deals.write", false, "to write deals"},
    {"crm.schemas.deals.read", false, "to see the properties and pipelines of deals"},
    {"crm.schemas.deals.write", false, "to install properties of deals"},
    {"crm.objects.owners.read", false, "to see who may own deals and tasks"},
    {"analytics.behavioral_events.send", false, "to send custom events (Enterprise)"},
    {"behavioral_events.event_definitions.read_write", false,
	"to install custom events (Enterprise)"},
};

void
hubspot_add_scopes(struct bh_buf *out)
{
	for (size_t i = 0; i < BH_LEN(scopes); i++)
		if (scopes[i].is_needed)
			bh_buf_addf(out, "%s%s", i > 0 ? " " : "", scopes[i].name);
}

/* --- rights ------------------------------------------------------------- */

/* What the token service says of our access token; NULL: it says nothing. */
static json_t *
introspect(struct dest_config *config)
{
	const char *token = bh_secret_str(&config->auth->access_token);
	struct bh_buf form = BH_BUF_INIT(HUBSPOT_FORM_MAX);
	json_t *body = NULL;

	hubspot_form_app(&form, config);
	hubspot_form_add(&form, "token_type_hint", "access_token");
	hubspot_form_add(&form, "token", token);
	if (hubspot_post_form(config, "/oauth/{v}/token/introspect", &form, &body, NULL) < 0) {
		json_decref(body);
		body = NULL;
	}
	bh_buf_wipe(&form);
	return body;
}

/* This call has no dated form. */
static json_t *
pasted_info(struct dest_config *config)
{
	json_t *key = json_pack("{s:s}", "tokenKey", bh_secret_str(&config->auth->access_token));
	const struct hubspot_ask ask = {.method = "POST",
	    .path = "/oauth/v2/private-apps/get/access-token-info",
	    .body = key,
	    .is_secret = true};
	struct dest_usage usage = config->usage;
	json_t *body = NULL;

	/* A refusal says nothing about the limits of other calls. */
	if (hubspot_ask(config, &ask, &body, NULL) < 0)
		config->usage = usage;
	json_decref(key);
	return body;
}

static bool
is_granted(const json_t *granted, const char *name)
{
	for (size_t i = 0; i < json_array_size(granted); i++) {
		const char *scope = json_string_value(json_array_get(granted, i));

		if (scope != NULL && strcmp(scope, name) == 0)
			return true;
	}
	return false;
}

/* Is it one of the words of list? */
static bool
is_asked_for(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; *at != '\0'; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (word == len && strncmp(at, name, len) == 0)
			return true;
		at += word;
	}
	return false;
}

static void
note_missing(struct dest_config *config, const json_t *granted)
{
	const char *more = dest_text(config->settings, "optional_scopes", HUBSPOT_SCOPES);
	struct bh_buf text = BH_BUF_INIT(sizeof(config->auth->missing) - 1);

	for (size_t i = 0; i < BH_LEN(scopes) && json_is_array(granted); i++)
		if (scopes[i].purpose != NULL && !is_granted(granted, scopes[i].name) &&
		    (scopes[i].is_needed || is_asked_for(more, scopes[i].name)))
			bh_buf_addf(&text, "%s, %s\n", scopes[i].name, scopes[i].purpose);
	snprintf(config->auth->missing, sizeof(config->auth->missing), "%s", bh_buf_str(&text));
	bh_buf_release(&text);
}

/* --- who is it ---------------------------------------------------------- */

static const struct {
	const char *type;
	const char *title;
	bool is_sandbox;
} kinds[] = {
    {"STANDARD", "production", false},
    {"SANDBOX", "sandbox", true},
    {"DEVELOPER_TEST", "developer test portal", true},
    {"APP_DEVELOPER", "app developer portal", true},
};

static void
take_kind(struct dest_auth *auth, const json_t *details)
{
	const char *type = dest_text(details, "accountType", "");
	const char *title = type, *currency = dest_text(details, "companyCurrency", "");
	char kind[sizeof(auth->account_kind) * 4];

	auth->is_sandbox = auth->is_production = false;
	for (size_t i = 0; i < BH_LEN(kinds); i++) {
		if (strcmp(kinds[i].type, type) != 0)
			continue;
		title = kinds[i].title;
		auth->is_sandbox = kinds[i].is_sandbox;
		auth->is_production = !kinds[i].is_sandbox;
	}
	snprintf(kind, sizeof(kind), "%.40s%s%.8s", title,
	    *title != '\0' && *currency != '\0' ? ", " : "", currency);
	dest_copy(auth->account_kind, sizeof(auth->account_kind), kind);
}

static int
take_portal(struct dest_auth *auth, const json_t *details, struct bh_err *err)
{
	int64_t portal;
	char id[32];

	if (!bh_is_json_int(details, "portalId", &portal) || portal <= 0)
		return bh_fail(err, BH_UNAVAILABLE,
		    "HubSpot's account details hold no portal number");
	snprintf(id, sizeof(id), "%lld", (long long)portal);
	if (auth->account_id[0] != '\0' && strcmp(auth->account_id, id) != 0)
		return bh_fail(err, BH_DENIED,
		    "this is portal %s, but the connection was made for %.32s", id,
		    auth->account_id);
	snprintf(auth->account_id, sizeof(auth->account_id), "%s", id);
	return 0;
}

/* How far the portal's clock is from UTC at present. */
static void
take_clock(struct dest_auth *auth, const json_t *details)
{
	int64_t ms;

	auth->has_clock = bh_is_json_int(details, "utcOffsetMilliseconds", &ms) &&
			  ms > -DAY_S * INT64_C(1000) && ms < DAY_S * INT64_C(1000);
	auth->clock_s = auth->has_clock ? (int)(ms / 1000) : 0;
}

/* HubSpot tells no name of a portal: its number and the domain of its people must do. */
static void
take_name(struct dest_auth *auth, const json_t *details, const json_t *token)
{
	const char *domain = dest_text(token, "hub_domain", NULL);
	char name[256];

	if (domain == NULL)
		domain = dest_text(details, "uiDomain", "app.hubspot.com");
	snprintf(name, sizeof(name), "Portal %.32s (%.64s)", auth->account_id, domain);
	dest_copy(auth->account_name, sizeof(auth->account_name), name);
}

/* The portal's number and its clock; *details_r: new reference, NULL on failure. */
static int
ask_portal(struct dest_config *config, json_t **details_r, struct bh_err *err)
{
	char *path = hubspot_path(config, "/account-info/{v}/details", NULL, NULL);
	int rc = hubspot_get(config, path, details_r, err);

	free(path);
	if (rc == 0)
		rc = take_portal(config->auth, *details_r, err);
	if (rc == 0)
		take_clock(config->auth, *details_r);
	return rc;
}

int
hubspot_account(struct dest_config *config, struct bh_err *err)
{
	json_t *details;
	int rc = ask_portal(config, &details, err);

	if (rc == 0) {
		take_kind(config->auth, details);
		take_name(config->auth, details, NULL);
	}
	json_decref(details);
	return rc;
}

int
hubspot_identify(struct dest_config *config, struct bh_err *err)
{
	json_t *details, *token = NULL;
	int rc = ask_portal(config, &details, err);

	if (rc == 0) {
		token = hubspot_is_oauth(config) ? introspect(config) : pasted_info(config);
		take_kind(config->auth, details);
		take_name(config->auth, details, token);
		note_missing(config, json_object_get(token, "scopes"));
	}
	json_decref(token);
	json_decref(details);
	return rc;
}

int
hubspot_know_portal(struct dest_config *config, struct bh_err *err)
{
	json_t *details = NULL;
	char *path;
	int rc;

	if (config->auth->account_id[0] != '\0')
		return 0;
	path = hubspot_path(config, "/account-info/{v}/details", NULL, NULL);
	rc = hubspot_get(config, path, &details, err);
	free(path);
	if (rc == 0)
		rc = take_portal(config->auth, details, err);
	json_decref(details);
	return rc;
}

/* --- limits ------------------------------------------------------------- */

static void
add_limit(json_t *detail, const char *name, int64_t used, int64_t limit)
{
	if (limit > 0)
		json_array_append_new(detail, json_pack("{s:s, s:I, s:I}", "name", name, "used",
						  (json_int_t)used, "limit", (json_int_t)limit));
}

/*
 * HubSpot's day ends at midnight of the portal.  Its clock may have been put forward or
 * back since it was told: what should be a new day and is none yet is tried hourly.
 */
int
hubspot_day_left(const struct dest_config *config)
{
	const struct dest_auth *auth = config->auth;
	int64_t second = (bh_now_ms() / 1000 + auth->clock_s) % DAY_S;

	if (!auth->has_clock || second < DAY_DOUBT_S)
		return HUBSPOT_DAILY_S;
	return (int)(DAY_S - second) + DAY_MARGIN_S;
}

/* The day's calls of the portal; apps have no daily limit. */
static void
take_day(struct dest_usage *usage, const json_t *body)
{
	const json_t *results = json_object_get(body, "results");

	for (size_t i = 0; i < json_array_size(results); i++) {
		const json_t *result = json_array_get(results, i);
		int64_t used, limit;

		if (!bh_is_json_int(result, "currentUsage", &used) ||
		    !bh_is_json_int(result, "usageLimit", &limit) || used < 0 || limit <= 0)
			continue;
		usage->day_used = used;
		usage->day_limit = limit;
	}
}

/*
 * The headers of any answer tell the short window, and for pasted tokens the
 * day.  Only private apps can ask for the day itself, so for other tokens the call
 * is refused, which is no failure.
 */
int
hubspot_limits(struct dest_config *config, json_t **detail_r, struct bh_err *err)
{
	bool is_oauth = hubspot_is_oauth(config);
	char *path = hubspot_path(config,
	    is_oauth ? "/account-info/{v}/details"
		     : "/account-info/{v}/api-usage/daily/private-apps",
	    NULL, NULL);
	struct dest_usage *usage = &config->usage;
	struct bh_err why = BH_ERR_INIT;
	json_t *body;
	int rc = hubspot_get(config, path, &body, &why);

	free(path);
	*detail_r = NULL;
	if (rc < 0 && (is_oauth || why.code != BH_INVALID)) {
		if (err != NULL)
			*err = why;
		return -1;
	}
	take_day(usage, body);
	*detail_r = json_array();
	add_limit(*detail_r, "API calls in a day", usage->day_used, usage->day_limit);
	add_limit(*detail_r, "API calls in ten seconds", usage->burst_limit - usage->burst_left,
	    usage->burst_limit);
	json_decref(body);
	return 0;
}
