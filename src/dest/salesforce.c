/*
 * Salesforce: the driver's table, its settings, one authorised call, and who
 * the connection belongs to.  Tokens, descriptions, pushing, encoding and
 * errors have their own files.
 */
#include "base/base.h"

#include "dest/salesforce.h"

#include "base/text.h"
#include "dest/salesforce_look.h"

/* Summer '26; any org of today offers it, and it is pinned so that answers keep their form. */
#define DEFAULT_VERSION "67.0"
#define LOGIN_URL "https://login.salesforce.com"
/* The server cuts a call at 10 minutes; records that take longer than this are sent in smaller batches. */
#define CALL_TIMEOUT_MS 120000

const char *
salesforce_version(const struct dest_config *config)
{
	return dest_text(config->settings, "api_version", DEFAULT_VERSION);
}

void
salesforce_answer_release(struct salesforce_answer *answer)
{
	http_response_release(&answer->response);
	json_decref(answer->json);
	answer->json = NULL;
}

/* Digits, a point, digits: it becomes part of a path. */
static bool
is_version(const char *text)
{
	size_t whole = strspn(text, "0123456789");

	return whole > 0 && whole < 4 && strcmp(text + whole, ".0") == 0;
}

static int
check_flow(const struct dest_config *config, const char *flow, const char *login_url,
    struct bh_err *err)
{
	if (strcmp(flow, "client_credentials") == 0) {
		if (dest_text(config->secrets, "client_secret", NULL) == NULL)
			return bh_fail(err, BH_INVALID, "the consumer secret is missing");
		if (bh_has_prefix(login_url, LOGIN_URL) ||
		    bh_has_prefix(login_url, "https://test.salesforce.com"))
			return bh_fail(err, BH_INVALID,
			    "client credentials work only at your org's own address: set the login URL to https://NAME.my.salesforce.com");
		return 0;
	}
	if (strcmp(flow, "login") == 0)
		return 0; /* a person lets us in afterwards */
	if (strcmp(flow, "refresh_token") == 0) {
		/* Kept by the caller with the tokens once it has rotated. */
		if (dest_text(config->secrets, "refresh_token", NULL) == NULL &&
		    (config->auth == NULL || config->auth->refresh_token.len == 0))
			return bh_fail(err, BH_INVALID, "the refresh token is missing");
		return 0;
	}
	if (strcmp(flow, "jwt") == 0) {
		if (dest_text(config->secrets, "private_key", NULL) == NULL)
			return bh_fail(err, BH_INVALID, "the private key is missing");
		if (dest_text(config->settings, "username", NULL) == NULL)
			return bh_fail(err, BH_INVALID, "the user name is missing");
		return 0;
	}
	return bh_fail(err, BH_INVALID,
	    "the flow must be login, client_credentials, refresh_token or jwt");
}

int
salesforce_check(const struct dest_config *config, struct bh_err *err)
{
	const char *login_url = dest_text(config->settings, "login_url", LOGIN_URL);
	const char *flow = dest_text(config->settings, "flow", "client_credentials");

	if (http_check_url(login_url, err) < 0)
		return bh_during(err, "the login URL");
	if (!is_version(salesforce_version(config)))
		return bh_fail(err, BH_INVALID, "the API version must look like " DEFAULT_VERSION);
	if (dest_text(config->settings, "client_id", NULL) == NULL)
		return bh_fail(err, BH_INVALID, "the consumer key (client id) is missing");
	return check_flow(config, flow, login_url, err);
}

/*
 * "api-usage=25/15000; per-app-api-usage=17/250(appName=x)": only the org's
 * own counter matters here (REST guide: Sforce-Limit-Info).
 */
static void
take_limits(struct dest_usage *usage, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, ";,"), name = strspn(text, " ");
		const char *entry = text + name;

		if (bh_has_prefix(entry, "api-usage=")) {
			const char *used = entry + strlen("api-usage=");
			size_t used_len = strspn(used, "0123456789");
			const char *limit = used + used_len + 1;
			uint64_t values[2];

			if (used[used_len] == '/' &&
			    bh_is_uint(used, used_len, INT64_MAX, &values[0]) &&
			    bh_is_uint(limit, strspn(limit, "0123456789"), INT64_MAX, &values[1])) {
				usage->day_used = (int64_t)values[0];
				usage->day_limit = (int64_t)values[1];
			}
		}
		text += len + (text[len] != '\0');
	}
}

static void
set_headers(struct http_request *request, const struct dest_config *config,
    const struct salesforce_ask *ask)
{
	char *bearer = bh_xasprintf("Bearer %s", bh_secret_str(&config->auth->access_token));

	http_request_header(request, "Authorization", bearer);
	bh_wipe(bearer, strlen(bearer));
	free(bearer);
	http_request_header(request, "Accept",
	    ask->accept != NULL ? ask->accept : "application/json");
	http_request_header(request, "Sforce-Call-Options", "client=Billhook/" PACKAGE_VERSION);
	if (request->body.len == 0)
		return;
	http_request_header(request, "Content-Type",
	    ask->type != NULL ? ask->type : "application/json");
	if (ask->type != NULL)
		return;
	/* Without it a duplicate rule that only warns would refuse the record. */
	http_request_header(request, "Sforce-Duplicate-Rule-Header",
	    "allowSave=true; includeRecordDetails=false; runAsCurrentUser=true");
}

/* An answer that is no JSON (an HTML error page) leaves json NULL: the status says enough. */
static void
take_json(struct salesforce_answer *answer)
{
	struct bh_err ignored = BH_ERR_INIT;

	if (answer->response.body.len > 0)
		bh_json_parse(bh_buf_str(&answer->response.body), answer->response.body.len,
		    &answer->json, &ignored);
}

int
salesforce_ask(struct dest_config *config, const struct salesforce_ask *ask,
    struct salesforce_answer *answer, struct bh_err *err)
{
	struct http_request request;
	char *url;
	int rc;

	answer->json = NULL;
	http_response_init(&answer->response);
	if (config->auth->access_token.len == 0 || config->auth->base_url[0] == '\0')
		return bh_fail(err, BH_DENIED, "there is no access token yet");
	url = bh_xasprintf("%s%s", config->auth->base_url, ask->path);
	http_request_init(&request, ask->method, url);
	free(url);
	if (ask->body != NULL)
		bh_buf_add(&request.body, ask->body->data, ask->body->len);
	request.timeout_ms = ask->timeout_ms > 0 ? ask->timeout_ms : CALL_TIMEOUT_MS;
	request.answer_max = ask->answer_max;
	set_headers(&request, config, ask);

	config->calls++;
	config->usage.pause_s = 0;
	rc = http_perform(config->transport, &request, &answer->response, err);
	if (rc == 0) {
		take_limits(&config->usage,
		    http_response_header(&answer->response, "Sforce-Limit-Info"));
		if (ask->accept == NULL || answer->response.status >= 300)
			take_json(answer);
	}
	http_request_release(&request);
	return rc;
}

int
salesforce_call(struct dest_config *config, const char *method, const char *path,
    const struct bh_buf *body, struct salesforce_answer *answer, struct bh_err *err)
{
	const struct salesforce_ask ask = {.method = method, .path = path, .body = body};

	return salesforce_ask(config, &ask, answer, err);
}

/* Retry-After in seconds, at most a day; 0 when there is none. */
static int
retry_after_s(const struct http_response *response)
{
	const char *text = http_response_header(response, "Retry-After");
	uint64_t value;

	return text != NULL && bh_is_uint(text, strlen(text), 86400, &value) ? (int)value : 0;
}

/*
 * The address that an org had before it moved, once it leads nowhere, or no Salesforce at all: a
 * new token comes with the address of now.
 */
static bool
is_lost(const struct salesforce_answer *answer)
{
	return answer->response.status == 404 && answer->json == NULL &&
	       answer->response.body.len > 0;
}

void
salesforce_explain_call(struct dest_config *config, const struct salesforce_answer *answer,
    const char *object, struct dest_result *result)
{
	int pause_s = salesforce_explain(result, answer->response.status, answer->json, object);
	int asked_s = retry_after_s(&answer->response);

	if (is_lost(answer))
		result->outcome = DEST_AUTH;
	if (asked_s > 0) {
		pause_s = asked_s;
		result->retry_after_s = asked_s;
	}
	if (pause_s > config->usage.pause_s)
		config->usage.pause_s = pause_s;
}

int
salesforce_fail(struct dest_config *config, const struct salesforce_answer *answer,
    const char *object, struct bh_err *err)
{
	static const enum bh_code codes[DEST__MAX] = {
	    [DEST_UNKNOWN] = BH_INVALID,
	    [DEST_LATER] = BH_UNAVAILABLE,
	    [DEST_UNCERTAIN] = BH_UNCERTAIN,
	    [DEST_REJECTED] = BH_INVALID,
	    [DEST_WAITING] = BH_INVALID,
	    [DEST_AUTH] = BH_DENIED,
	};
	struct dest_result result;
	enum bh_code code;

	salesforce_explain_call(config, answer, object, &result);
	code = codes[result.outcome];
	/* Salesforce says 403 where others say 429. */
	if (code == BH_UNAVAILABLE &&
	    (answer->response.status == 403 || answer->response.status == 429))
		code = BH_LIMITED;
	dest_result_fail(&result, code, err);
	if (err != NULL)
		err->retry_after_s = result.retry_after_s;
	return -1;
}

int
salesforce_repeatable(int rc, struct bh_err *err)
{
	if (rc < 0 && err != NULL && err->code == BH_UNCERTAIN)
		err->code = BH_UNAVAILABLE;
	return rc;
}

/* --- who is it ---------------------------------------------------------- */

static int
take_organization(struct dest_config *config, const json_t *json, struct bh_err *err)
{
	const char *id = bh_json_str(json, "records.0.Id");
	const char *name = bh_json_str(json, "records.0.Name");
	struct dest_auth *auth = config->auth;

	if (id == NULL || strlen(id) >= sizeof(auth->account_id))
		return bh_fail(err, BH_INVALID,
		    "Salesforce's answer does not say which org this is");
	if (auth->account_id[0] != '\0' && strncmp(auth->account_id, id, 15) != 0)
		return bh_fail(err, BH_DENIED,
		    "this is org %.18s, but the connection was made for %.18s: disconnect it first, or make another connection for that org",
		    id, auth->account_id);
	snprintf(auth->account_id, sizeof(auth->account_id), "%s", id);
	dest_copy(auth->account_name, sizeof(auth->account_name), name != NULL ? name : id);
	dest_copy(auth->account_kind, sizeof(auth->account_kind),
	    bh_json_str(json, "records.0.OrganizationType"));
	auth->is_sandbox = bh_is_json_true(json, "records.0.IsSandbox");
	auth->is_production = json_is_false(bh_json_at(json, "records.0.IsSandbox")) &&
			      auth->account_kind[0] != '\0' &&
			      strcmp(auth->account_kind, "Developer Edition") != 0;
	return 0;
}

/* One query tells org, name, and that token and API version are good. */
static int
salesforce_identify(struct dest_config *config, struct bh_err *err)
{
	struct salesforce_answer answer;
	struct bh_buf path = BH_BUF_INIT(4096);
	int rc;

	salesforce_soql_begin(config, &path, "query");
	salesforce_soql_add(&path,
	    "SELECT Id, Name, IsSandbox, OrganizationType FROM Organization");
	rc = salesforce_call(config, "GET", bh_buf_str(&path), NULL, &answer, err);

	if (rc == 0 && answer.response.status != 200)
		rc = salesforce_fail(config, &answer, "Organization", err);
	else if (rc == 0)
		rc = take_organization(config, answer.json, err);
	salesforce_answer_release(&answer);
	bh_buf_release(&path);
	return salesforce_repeatable(rc, err);
}

static const struct setting settings[] = {
    {"login_url", "Login address", SETTING_URL, SETTING_ACCOUNT,
	"production=" LOGIN_URL " sandbox=https://test.salesforce.com", 0, 0, LOGIN_URL,
	"of production, of sandboxes, or your org's own https://NAME.my.salesforce.com, which client_credentials needs"},
    {"flow", "How Billhook logs in", SETTING_CHOICE, SETTING_ACCOUNT,
	"login client_credentials jwt refresh_token", 0, 0, "client_credentials",
	"login: a person allows it in the browser; client_credentials: the app's own run-as user; jwt: a certificate of the app"},
    {"client_id", "Consumer key", SETTING_TEXT, SETTING_ACCOUNT | SETTING_NEEDED, NULL, 0, 0, "",
	"of the External Client App that you made in your org"},
    {"client_secret", "Consumer secret", SETTING_TEXT, SETTING_ACCOUNT | SETTING_SECRET, NULL, 0, 0,
	"", "of the same app; not needed for jwt"},
    {"username", "User name", SETTING_TEXT, SETTING_ACCOUNT | SETTING_ADVANCED, NULL, 0, 0, "",
	"the user that jwt logs in"},
    {"private_key", "Private key", SETTING_TEXT,
	SETTING_ACCOUNT | SETTING_SECRET | SETTING_ADVANCED | SETTING_LINES, NULL, 0, 0, "",
	"for jwt: in PEM, of the certificate that the app holds"},
    {"audience", "Audience", SETTING_TEXT, SETTING_ACCOUNT | SETTING_ADVANCED, NULL, 0, 0, "",
	"for jwt, where it is not the login address of production or sandboxes"},
    {"refresh_token", "Refresh token", SETTING_TEXT,
	SETTING_ACCOUNT | SETTING_SECRET | SETTING_ADVANCED, NULL, 0, 0, "",
	"only where it was got elsewhere (flow refresh_token)"},
    {"prefix", "Prefix of names", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0, "Billhook_",
	"what the names of objects and fields begin with that Billhook makes in your org"},
    {"throttle", "Throttle", SETTING_NUMBER, SETTING_ADVANCED, NULL, 1, 100, "80",
	"percent of the org's daily API calls from which on only urgent changes are sent"},
    {"reserve", "Reserve", SETTING_NUMBER, SETTING_ADVANCED, NULL, 1, 100, "95",
	"percent from which on nothing is sent until the limit resets"},
    {"bulk_from", "Bulk from", SETTING_NUMBER, SETTING_ADVANCED, NULL, 200, 1000000, "2000",
	"as many changed records of an object go by the Bulk API"},
    {"api_version", "API version", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0, DEFAULT_VERSION, ""},
    {NULL, NULL, SETTING_TEXT, 0, NULL, 0, 0, NULL, NULL},
};

static const char steps[] =
    "In your org open Setup, External Client App Manager, and press New External Client App. Name it Billhook; its distribution state is Local.\n"
    "Open its API part, enable OAuth, and enter this callback URL: %s\n"
    "Choose the scopes \"Manage user data via APIs (api)\" and \"Perform requests at any time (refresh_token, offline_access)\".\n"
    "Tick that PKCE is required, and that a secret is required for the web server flow and the refresh token flow. Leave \"Issue JSON Web Token (JWT)-based access tokens\" unticked.\n"
    "For client_credentials: enable that flow, too, and choose the user that it runs as.\n"
    "Save, open its OAuth settings, and copy consumer key and consumer secret to here. A new app works after up to ten minutes.";

const struct dest_driver dest_salesforce = {
    .name = "salesforce",
    .title = "Salesforce",
    .settings = settings,
    .steps = steps,
    .login_flow = "login",
    .prefix = "Billhook_",
    .caps = DEST_CAP_LINK_BY_KEY | DEST_CAP_DESCRIBE | DEST_CAP_REFRESH,
    .batch = (size_t)2 * SALESFORCE_ROWS_MAX * SALESFORCE_COLLECTIONS,
    .check = salesforce_check,
    .authorize = salesforce_authorize,
    .describe = salesforce_describe,
    .describe_many = salesforce_describe_many,
    .push = salesforce_push,
    .identify = salesforce_identify,
    .object_traits = salesforce_object_traits,
    .login = salesforce_login,
    .exchange = salesforce_exchange,
    .revoke = salesforce_revoke,
    .limits = salesforce_limits,
    .find = salesforce_find,
    .read = salesforce_read,
    .owner_field = "OwnerId",
    .active = salesforce_active,
    .end = salesforce_end,
    .unlinked = salesforce_unlinked,
    .record_url = salesforce_record_url,
    .purge = salesforce_purge,
    .remove = salesforce_remove,
    .plan = salesforce_schema_plan,
    .install = salesforce_schema_install,
    .count = salesforce_schema_count,
    .uninstall = salesforce_schema_uninstall,
    .bulk_head = salesforce_bulk_head,
    .bulk_row = salesforce_bulk_row,
    .bulk_step = salesforce_bulk_step,
    .bulk_results = salesforce_bulk_results,
    .bulk_drop = salesforce_bulk_drop,
    .bulk_rows = SALESFORCE_BULK_ROWS,
    .bulk_bytes = SALESFORCE_BULK_BYTES,
};
