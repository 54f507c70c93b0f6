/*
 * HubSpot: access tokens.  Two ways: a token that the portal's admin pasted
 * (service key, private app), which never expires, or OAuth refresh, whose
 * tokens live half an hour ("OAuth", manage tokens).  Nothing of what the
 * token endpoint says is repeated in an error text but its status word.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

#define LIFE_S 1800
#define LIFE_MAX_S 86400

/* The endpoint's `status` or OAuth's `error`. */
static const struct {
	const char *word;
	const char *meaning;
} refusals[] = {
    {"BAD_REFRESH_TOKEN", "the app was uninstalled or its access revoked; connect HubSpot again"},
    {"BAD_HUB", "the portal is gone or suspended; connect HubSpot again"},
    {"BAD_AUTH_CODE", "the authorization was used or has expired; connect HubSpot again"},
    {"BAD_CLIENT_ID", "client_id is not one of HubSpot's; check the settings"},
    {"BAD_CLIENT_SECRET", "client_secret is not the app's; check the settings"},
    {"BAD_REDIRECT_URI", "the redirect address is not the app's; check the settings"},
    {"BAD_GRANT_TYPE", "HubSpot does not allow this app to refresh tokens; check the app"},
    {"BAD_SCOPES", "the scopes are not the app's; check the app, then connect HubSpot again"},
    {"BAD_CODE_VERIFIER", "the authorization was begun elsewhere; connect HubSpot again"},
    {"access_denied", "access was refused; connect HubSpot again"},
    {"invalid_client", "client_id or client_secret is wrong; check the settings"},
    {"invalid_grant", "the refresh token is no longer good; connect HubSpot again"},
};

void
hubspot_form_add(struct bh_buf *body, const char *name, const char *value)
{
	bh_buf_addf(body, "%s%s=", body->len > 0 ? "&" : "", name);
	bh_percent_add(body, value, strlen(value));
}

void
hubspot_form_app(struct bh_buf *form, const struct dest_config *config)
{
	hubspot_form_add(form, "client_id", dest_text(config->settings, "client_id", ""));
	hubspot_form_add(form, "client_secret", dest_text(config->secrets, "client_secret", ""));
}

static void
form_request(struct http_request *request, const struct dest_config *config, const char *pattern,
    const struct bh_buf *form)
{
	struct dest_auth none = {0};
	struct dest_config bare = *config;
	char *path = hubspot_path(config, pattern, NULL, NULL);

	bare.auth = &none; /* the call carries no access token */
	hubspot_request_init(request, &bare, "POST", path);
	free(path);
	http_request_header(request, "Content-Type", "application/x-www-form-urlencoded");
	request->secret_body = true;
	bh_buf_add(&request->body, form->data, form->len);
}

bool
hubspot_is_token(const char *text)
{
	for (const char *s = text; s != NULL && *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return text != NULL && *text != '\0';
}

/* Tokens of another portal would mix two portals' records. */
static int
take_portal(struct dest_auth *auth, const json_t *body, struct bh_err *err)
{
	char id[32];
	int64_t portal;

	if (!bh_is_json_int(body, "hub_id", &portal) || portal <= 0)
		return 0;
	snprintf(id, sizeof(id), "%lld", (long long)portal);
	if (auth->account_id[0] != '\0' && strcmp(auth->account_id, id) != 0)
		return bh_fail(err, BH_DENIED,
		    "this is portal %s, but the connection was made for %.32s", id,
		    auth->account_id);
	snprintf(auth->account_id, sizeof(auth->account_id), "%s", id);
	return 0;
}

int
hubspot_take_tokens(struct dest_config *config, const json_t *body, struct bh_err *err)
{
	struct dest_auth *auth = config->auth;
	const char *access = bh_json_str(body, "access_token");
	const char *refresh = bh_json_str(body, "refresh_token");
	int64_t life_s = bh_json_int(body, "expires_in", LIFE_S);

	if (!hubspot_is_token(access))
		return bh_fail(err, BH_UNAVAILABLE, "HubSpot's token answer holds no access token");
	if (take_portal(auth, body, err) < 0)
		return -1;
	if (life_s <= 0 || life_s > LIFE_MAX_S)
		life_s = LIFE_S;
	bh_secret_set(&auth->access_token, access, strlen(access));
	if (refresh != NULL && *refresh != '\0')
		bh_secret_set(&auth->refresh_token, refresh, strlen(refresh));
	auth->expires_ms = bh_now_ms() + life_s * 1000;
	return 0;
}

static const char *
refusal_of(const json_t *body)
{
	static const char *const members[] = {"status", "error"};

	for (size_t m = 0; m < BH_LEN(members); m++) {
		const char *word = dest_text(body, members[m], "");

		for (size_t i = 0; i < BH_LEN(refusals); i++)
			if (strcmp(refusals[i].word, word) == 0)
				return refusals[i].meaning;
	}
	return NULL;
}

static int
fail_token(const struct hubspot_answer *answer, struct bh_err *err)
{
	int status = answer->response->status, told = hubspot_retry_after(answer->response);
	const char *meaning = refusal_of(answer->body);

	if (status == 429 || status == 423 || status == 477) {
		bh_fail(err, BH_LIMITED, "HubSpot asks to wait before a new token (%d)", status);
		if (err != NULL)
			err->retry_after_s = told > 0 ? told : 10;
		return -1;
	}
	if (meaning != NULL && status / 100 == 4)
		return bh_fail(err, BH_DENIED, "HubSpot gives no token: %s", meaning);
	/* A proxy's page is not HubSpot's word. */
	if (status / 100 != 4 || answer->body == NULL)
		return bh_fail(err, BH_UNAVAILABLE, "HubSpot's token service answers %d", status);
	return bh_fail(err, BH_DENIED,
	    "HubSpot gives no token (%d); check the app's settings or connect again", status);
}

int
hubspot_post_form(struct dest_config *config, const char *pattern, const struct bh_buf *form,
    json_t **body_r, struct bh_err *err)
{
	struct http_request request;
	struct http_response response;
	struct hubspot_answer answer;
	int rc;

	*body_r = NULL;
	form_request(&request, config, pattern, form);
	http_response_init(&response);
	config->calls++;
	rc = http_perform(config->transport, &request, &response, err);
	if (rc == 0) {
		hubspot_answer_read(&answer, &response);
		if (!hubspot_is_good(&answer))
			rc = fail_token(&answer, err);
		*body_r = json_incref(answer.body);
		hubspot_answer_release(&answer);
	}
	bh_buf_wipe(&request.body);
	bh_buf_wipe(&response.body);
	http_request_release(&request);
	http_response_release(&response);
	return rc;
}

static int
refresh_with(struct dest_config *config, const char *refresh_token, struct bh_err *err)
{
	struct bh_buf form = BH_BUF_INIT(HUBSPOT_FORM_MAX);
	json_t *body = NULL;
	int rc;

	hubspot_form_add(&form, "grant_type", "refresh_token");
	hubspot_form_add(&form, "refresh_token", refresh_token);
	hubspot_form_app(&form, config);
	rc = hubspot_post_form(config, "/oauth/{v}/token", &form, &body, err);
	if (rc == 0)
		rc = hubspot_take_tokens(config, body, err);
	json_decref(body);
	bh_buf_wipe(&form);
	return rc;
}

/*
 * HubSpot may hand out a new refresh token with each answer: the one kept
 * last goes first.  The one from the settings follows where it differs: a
 * person may have connected again.
 */
static int
refresh(struct dest_config *config, struct bh_err *err)
{
	const char *given = dest_text(config->secrets, "refresh_token", "");
	struct bh_secret kept = BH_SECRET_INIT;
	struct bh_err why = BH_ERR_INIT;
	int rc = -1;

	bh_secret_set(&kept, bh_secret_str(&config->auth->refresh_token),
	    config->auth->refresh_token.len);
	if (kept.len == 0 && *given == '\0') {
		bh_fail(&why, BH_DENIED, "there is no refresh token yet; connect HubSpot");
	} else {
		if (kept.len > 0)
			rc = refresh_with(config, bh_secret_str(&kept), &why);
		if (rc < 0 && (kept.len == 0 || why.code == BH_DENIED) && *given != '\0' &&
		    strcmp(given, bh_secret_str(&kept)) != 0)
			rc = refresh_with(config, given, &why);
	}
	bh_secret_release(&kept);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

int
hubspot_authorize(struct dest_config *config, struct bh_err *err)
{
	const char *pasted = dest_text(config->secrets, "access_token", "");
	size_t len = strlen(pasted);

	if (hubspot_is_oauth(config))
		return refresh(config, err);
	if (!hubspot_is_token(pasted))
		return bh_fail(err, BH_DENIED,
		    "there is no usable access token; paste a service key of the portal");
	bh_secret_set(&config->auth->access_token, pasted, len);
	config->auth->expires_ms = 0;
	return 0;
}
