/*
 * Tokens: client credentials, refresh token (with rotation) and JWT bearer,
 * and what the token endpoint's answers and refusals mean.  Storing belongs to
 * the caller, who holds the connection's lock: a refresh token that rotates
 * dies with its first use.  How a person lets us in is in salesforce_login.c.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/crypt.h"
#include "base/text.h"
#include "dest/salesforce_token.h"

#define TOKEN_TIMEOUT_MS 60000
#define ANSWER_MAX ((size_t)256 * 1024)
#define FORM_MAX ((size_t)1024 * 1024)
#define JWT_LIFE_S 180 /* Salesforce takes at most 3 to 5 minutes */

/* A refusal of the token endpoint; text NULL: any description. */
struct refusal {
	const char *error;
	const char *text;
	enum bh_code code;
	int retry_s;
	const char *meaning; /* what it means and what to do */
};

static const struct refusal refusals[] = {
    {"invalid_grant", "no client credentials user", BH_DENIED, 0,
	"the app has no run-as user: choose one in the app's client credentials settings"},
    {"invalid_grant", "approved this consumer", BH_DENIED, 0,
	"the user is not approved for the app: pre-authorise the user's profile or a permission set"},
    {"invalid_grant", "audience", BH_DENIED, 0,
	"the audience is wrong: use https://login.salesforce.com, or https://test.salesforce.com for a sandbox"},
    {"invalid_grant", "authentication failure", BH_DENIED, 0,
	"Salesforce refused the user: locked or frozen, address not allowed, or the wrong login URL"},
    {"invalid_grant", "expired access/refresh token", BH_DENIED, 0,
	"the refresh token is used up or revoked: authorise the connection again"},
    {"invalid_grant", NULL, BH_DENIED, 0,
	"the authorisation is no longer good: authorise the connection again"},
    {"invalid_client_id", NULL, BH_DENIED, 0,
	"the consumer key is not known: check it; a new app needs up to ten minutes"},
    {"invalid_client", "must be installed", BH_DENIED, 0,
	"the app is not installed in this org: let the administrator install it"},
    {"invalid_client", NULL, BH_DENIED, 0, "the consumer key or secret is wrong"},
    {"invalid_app_access", NULL, BH_DENIED, 0,
	"the user may not use the app: pre-authorise the user's profile or a permission set"},
    {"redirect_uri_mismatch", NULL, BH_DENIED, 0,
	"the callback address is not the one in the app's settings"},
    {"unsupported_grant_type", NULL, BH_DENIED, 0,
	"the app does not allow this flow: enable it in the app's OAuth settings"},
    {"unsupported_response_type", NULL, BH_DENIED, 0,
	"the app does not allow this flow: enable it in the app's OAuth settings"},
    {"invalid_scope", NULL, BH_DENIED, 0, "the app lacks a scope: give it api and refresh_token"},
    {"invalid_request", NULL, BH_DENIED, 0,
	"Salesforce did not understand the request: check flow and login URL"},
    {"inactive_user", NULL, BH_DENIED, 0, "the Salesforce user is not active"},
    {"inactive_org", NULL, BH_DENIED, 0, "the Salesforce org is not active"},
    {"access_denied", NULL, BH_DENIED, 0, "the person did not allow the access"},
    {"OAUTH_APPROVAL_ERROR_GENERIC", NULL, BH_DENIED, 0,
	"the app is not installed in this org: let the administrator install it"},
    {"rate_limit_exceeded", NULL, BH_LIMITED, 60, "too many logins in a short time"},
    {"temporarily_unavailable", NULL, BH_UNAVAILABLE, 30, "Salesforce's login is not available"},
    {"server_error", NULL, BH_UNAVAILABLE, 30, "Salesforce's login had an inner error"},
    {"unknown_error", NULL, BH_UNAVAILABLE, 30, "Salesforce's login had an inner error"},
};

static int
fail_refusal(const struct refusal *refusal, const char *description, struct bh_err *err)
{
	char said[120];

	dest_copy(said, sizeof(said), description);
	bh_fail(err, refusal->code, "%s%s%s", refusal->meaning, said[0] != '\0' ? ": " : "", said);
	bh_quotes(err, strlen(refusal->meaning), NULL);
	if (err != NULL)
		err->retry_after_s = refusal->retry_s;
	return -1;
}

/* No answer of the token endpoint's own form: the status is all there is. */
static int
fail_status(int status, struct bh_err *err)
{
	if (status == 429)
		return bh_fail(err, BH_LIMITED, "too many logins in a short time");
	if (status == 420 || status >= 500)
		return bh_fail(err, BH_UNAVAILABLE, "Salesforce's login is not available (HTTP %d)",
		    status);
	if (status >= 300 && status < 400)
		return bh_fail(err, BH_DENIED,
		    "the login URL leads to another address (HTTP %d): use your org's own, https://NAME.my.salesforce.com",
		    status);
	return bh_fail(err, BH_DENIED,
	    "this is no answer of a Salesforce token endpoint (HTTP %d): check the login URL",
	    status);
}

int
salesforce_fail_token(int status, const json_t *json, struct bh_err *err)
{
	static const struct refusal unknown = {NULL, NULL, BH_DENIED, 0,
	    "Salesforce refused the token request"};
	const char *error = dest_text(json, "error", NULL);
	const char *description = dest_text(json, "error_description", "");

	if (error == NULL)
		return fail_status(status, err);
	for (size_t i = 0; i < BH_LEN(refusals); i++) {
		const struct refusal *refusal = &refusals[i];

		if (strcmp(refusal->error, error) == 0 &&
		    (refusal->text == NULL || strcasestr(description, refusal->text) != NULL))
			return fail_refusal(refusal, description, err);
	}
	if (status >= 500)
		return fail_status(status, err);
	return fail_refusal(&unknown, description[0] != '\0' ? description : error, err);
}

/* --- the answer --------------------------------------------------------- */

/* The org's id in "https://login.salesforce.com/id/00D.../005..."; "" when it is not there. */
static void
org_of(char *out, size_t size, const char *identity)
{
	const char *from = identity != NULL ? strstr(identity, "/id/") : NULL;
	size_t len = from != NULL ? strcspn(from + 4, "/") : 0;

	out[0] = '\0';
	if ((len == 15 || len == 18) && len < size && strncmp(from + 4, "00D", 3) == 0)
		snprintf(out, size, "%.*s", (int)len, from + 4);
}

static void
take_refresh_token(struct dest_auth *auth, const json_t *json)
{
	const char *token = dest_text(json, "refresh_token", NULL);

	if (token != NULL)
		bh_secret_set(&auth->refresh_token, token, strlen(token));
}

/* The address that calls go to, without slashes at its end; -1 when it must not be called. */
static int
take_base_url(char *out, size_t size, const char *url, struct bh_err *err)
{
	size_t len = strlen(url);

	if (len >= size || http_check_url(url, NULL) < 0)
		return bh_fail(err, BH_DENIED, "Salesforce named an address that cannot be called");
	while (len > 0 && url[len - 1] == '/')
		len--;
	snprintf(out, size, "%.*s", (int)len, url);
	return 0;
}

int
salesforce_take_token(struct dest_auth *auth, const json_t *json, bool is_refresh,
    struct bh_err *err)
{
	const char *token = dest_text(json, "access_token", NULL);
	const char *url = dest_text(json, "instance_url", NULL);
	char org[32], base_url[sizeof(auth->base_url)];

	if (is_refresh)
		take_refresh_token(auth, json);
	if (token == NULL || url == NULL)
		return fail_status(200, err);
	if (take_base_url(base_url, sizeof(base_url), url, err) < 0)
		return -1;
	org_of(org, sizeof(org), bh_json_str(json, "id"));
	if (org[0] != '\0' && auth->account_id[0] != '\0' &&
	    strncmp(org, auth->account_id, 15) != 0)
		return bh_fail(err, BH_DENIED,
		    "this token is for org %s, but the connection was made for %.18s: disconnect it first, or make another connection for that org",
		    org, auth->account_id);
	take_refresh_token(auth, json);
	bh_secret_set(&auth->access_token, token, strlen(token));
	snprintf(auth->base_url, sizeof(auth->base_url), "%s", base_url);
	if (org[0] != '\0')
		snprintf(auth->account_id, sizeof(auth->account_id), "%s", org);
	/* There is no expires_in: the org's session time-out rules, and use prolongs it. */
	auth->expires_ms = 0;
	return 0;
}

/* --- the request -------------------------------------------------------- */

void
salesforce_add_param(struct bh_buf *form, const char *name, const char *value)
{
	bh_buf_addf(form, "%s%s=", form->len > 0 ? "&" : "", name);
	bh_percent_add(form, value, strlen(value));
}

static void
add_json(struct bh_buf *out, json_t *json)
{
	char *text = bh_json_text(json);

	bh_base64url_add(out, text, strlen(text));
	free(text);
	json_decref(json);
}

/* Sandboxes log in at another host, which the audience must name. */
static const char *
audience(const struct dest_config *config, const char *login_url)
{
	bool is_sandbox = strstr(login_url, "://test.salesforce.com") != NULL ||
			  strstr(login_url, ".sandbox.my.salesforce.com") != NULL;

	return dest_text(config->settings, "audience",
	    is_sandbox ? "https://test.salesforce.com" : "https://login.salesforce.com");
}

/* A signed assertion (RFC 7523) in place of a secret. */
static int
add_assertion(struct bh_buf *body, const struct dest_config *config, const char *login_url,
    struct bh_err *err)
{
	struct bh_buf jwt = BH_BUF_INIT(65536), sig = BH_BUF_INIT(4096);
	const char *key = dest_text(config->secrets, "private_key", "");
	json_int_t expires_s = bh_now_ms() / 1000 + JWT_LIFE_S;
	int rc;

	add_json(&jwt, json_pack("{s:s}", "alg", "RS256"));
	bh_buf_addc(&jwt, '.');
	add_json(&jwt,
	    json_pack("{s:s, s:s, s:s, s:I}", "iss", dest_text(config->settings, "client_id", ""),
		"sub", dest_text(config->settings, "username", ""), "aud",
		audience(config, login_url), "exp", expires_s));
	rc = bh_rs256_sign(key, bh_buf_str(&jwt), jwt.len, &sig, err);
	if (rc == 0) {
		bh_buf_addc(&jwt, '.');
		bh_base64url_add(&jwt, sig.data, sig.len);
		salesforce_add_param(body, "grant_type",
		    "urn:ietf:params:oauth:grant-type:jwt-bearer");
		salesforce_add_param(body, "assertion", bh_buf_str(&jwt));
	} else if (err != NULL) {
		/* A person must give another key. */
		err->code = BH_DENIED;
		bh_during(err, "the private key");
	}
	bh_buf_wipe(&jwt);
	bh_buf_wipe(&sig);
	return rc;
}

/* The rotated token in auth is newer than the one that the settings were saved with. */
static int
add_refresh(struct bh_buf *body, const struct dest_config *config, struct bh_err *err)
{
	const char *token = bh_secret_str(&config->auth->refresh_token);

	if (token[0] == '\0')
		token = dest_text(config->secrets, "refresh_token", "");
	if (token[0] == '\0')
		return bh_fail(err, BH_DENIED,
		    "there is no refresh token: authorise the connection");
	salesforce_add_param(body, "grant_type", "refresh_token");
	salesforce_add_param(body, "refresh_token", token);
	return 0;
}

/* A person let us in once, or gave a refresh token that was got elsewhere: both are refreshed. */
static bool
is_refreshed(const struct dest_config *config)
{
	const char *flow = dest_text(config->settings, "flow", "client_credentials");

	return strcmp(flow, "login") == 0 || strcmp(flow, "refresh_token") == 0;
}

static int
add_params(struct bh_buf *body, const struct dest_config *config, const char *login_url,
    struct bh_err *err)
{
	const char *flow = dest_text(config->settings, "flow", "client_credentials");
	const char *secret = dest_text(config->secrets, "client_secret", NULL);

	if (strcmp(flow, "jwt") == 0)
		return add_assertion(body, config, login_url, err);
	if (is_refreshed(config)) {
		if (add_refresh(body, config, err) < 0)
			return -1;
	} else {
		salesforce_add_param(body, "grant_type", "client_credentials");
	}
	salesforce_add_param(body, "client_id", dest_text(config->settings, "client_id", ""));
	if (secret != NULL)
		salesforce_add_param(body, "client_secret", secret);
	return 0;
}

const char *
salesforce_login_url(const struct dest_config *config, struct bh_err *err)
{
	const char *url = dest_text(config->settings, "login_url", "https://login.salesforce.com");

	if (http_check_url(url, err) == 0)
		return url;
	if (err != NULL)
		err->code = BH_DENIED;
	bh_during(err, "the login URL");
	return NULL;
}

/* "https://acme.my.salesforce.com/" and the same without a slash are one. */
void
salesforce_add_login_path(struct bh_buf *out, const char *login_url, const char *what)
{
	size_t len = strlen(login_url);

	while (len > 0 && login_url[len - 1] == '/')
		len--;
	bh_buf_add(out, login_url, len);
	bh_buf_addf(out, "/services/oauth2/%s", what);
}

static void
init_request(struct http_request *request, const char *login_url, const char *what,
    const struct bh_buf *form)
{
	struct bh_buf url = BH_BUF_INIT(4096);

	salesforce_add_login_path(&url, login_url, what);
	http_request_init(request, "POST", bh_buf_str(&url));
	bh_buf_release(&url);
	request->timeout_ms = TOKEN_TIMEOUT_MS;
	request->answer_max = ANSWER_MAX;
	request->secret_body = true;
	http_request_header(request, "Content-Type", "application/x-www-form-urlencoded");
	http_request_header(request, "Accept", "application/json");
	bh_buf_add(&request->body, form->data, form->len);
}

int
salesforce_post_form(struct dest_config *config, const char *login_url, const char *what,
    const struct bh_buf *form, struct salesforce_answer *answer, struct bh_err *err)
{
	struct bh_err ignored = BH_ERR_INIT;
	struct http_request request;
	int rc;

	answer->json = NULL;
	http_response_init(&answer->response);
	init_request(&request, login_url, what, form);
	config->calls++;
	rc = http_perform(config->transport, &request, &answer->response, err);
	if (rc == 0)
		bh_json_parse(bh_buf_str(&answer->response.body), answer->response.body.len,
		    &answer->json, &ignored);
	else if (err != NULL && err->code == BH_INVALID)
		/* An answer that is too large to be one: nobody knows what was done. */
		err->code = BH_UNCERTAIN;
	http_request_release(&request);
	return rc;
}

static int
call_token(struct dest_config *config, const char *login_url, const struct bh_buf *form,
    struct bh_err *err)
{
	struct salesforce_answer answer;
	int rc = salesforce_post_form(config, login_url, "token", form, &answer, err);

	if (rc == 0 && answer.response.status == 200)
		rc = salesforce_take_token(config->auth, answer.json, true, err);
	else if (rc == 0)
		rc = salesforce_fail_token(answer.response.status, answer.json, err);
	salesforce_answer_release(&answer);
	return rc;
}

/*
 * A refresh whose answer was lost is asked once more with the same token: it
 * may not have arrived.  Where it had, and the token rotates, the refusal says
 * that a person must let us in again.
 */
int
salesforce_authorize(struct dest_config *config, struct bh_err *err)
{
	const char *login_url = salesforce_login_url(config, err);
	struct bh_buf form = BH_BUF_INIT(FORM_MAX);
	struct bh_err why = BH_ERR_INIT;
	int rc = -1;

	if (login_url == NULL)
		return -1;
	if (add_params(&form, config, login_url, &why) == 0) {
		rc = call_token(config, login_url, &form, &why);
		if (rc < 0 && why.code == BH_UNCERTAIN && is_refreshed(config))
			rc = call_token(config, login_url, &form, &why);
	}
	if (rc < 0 && err != NULL)
		*err = why;
	bh_buf_wipe(&form);
	return rc;
}
