/*
 * A person lets Billhook in: from the address that the browser is sent to
 * until the tokens are given back ("OAuth", manage tokens).  What a token answer
 * holds and what a refusal means is in hubspot_auth.c, which refreshes them afterwards.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

/* Blanks as %20: HubSpot's page does not read a plus as one. */
static void
add_query(struct bh_buf *url, const char *name, const char *value)
{
	bh_buf_addf(url, "&%s=", name);
	bh_percent_add(url, value, strlen(value));
}

/* RFC 7636: only who knows the verifier can use the code. */
static void
add_challenge(struct bh_buf *url, const char *verifier)
{
	unsigned char digest[BH_SHA256_LEN];

	bh_sha256(digest, verifier, strlen(verifier));
	bh_buf_adds(url, "&code_challenge=");
	bh_base64url_add(url, digest, sizeof(digest));
	add_query(url, "code_challenge_method", "S256");
}

static void
add_address(struct bh_buf *url, const struct dest_config *config)
{
	const char *base = dest_text(config->settings, "login_url", HUBSPOT_LOGIN_URL);
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	bh_buf_addf(url, "%.*s/oauth/authorize?client_id=", (int)len, base);
}

int
hubspot_login(const struct dest_config *config, const struct dest_login *login, struct bh_buf *url,
    struct bh_err *err)
{
	const char *client = dest_text(config->settings, "client_id", NULL);
	const char *more = dest_text(config->settings, "optional_scopes", HUBSPOT_SCOPES);
	struct bh_buf scopes = BH_BUF_INIT(4096);

	if (client == NULL)
		return bh_fail(err, BH_INVALID, "the client ID is missing");
	add_address(url, config);
	bh_percent_add(url, client, strlen(client));
	add_query(url, "redirect_uri", login->redirect_uri);
	hubspot_add_scopes(&scopes);
	add_query(url, "scope", bh_buf_str(&scopes));
	bh_buf_release(&scopes);
	if (more[strspn(more, " ")] != '\0')
		add_query(url, "optional_scope", more);
	add_query(url, "state", login->state);
	add_challenge(url, login->verifier);
	return bh_buf_check(url, "the login address", err);
}

/* Without a refresh token the connection would end with its first half hour. */
static int
take_grant(struct dest_config *config, const json_t *body, struct bh_err *err)
{
	if (dest_text(body, "access_token", NULL) != NULL &&
	    dest_text(body, "refresh_token", NULL) == NULL)
		return bh_fail(err, BH_DENIED, "HubSpot gives no refresh token; log in again");
	return hubspot_take_tokens(config, body, err);
}

int
hubspot_exchange(struct dest_config *config, const struct dest_login *login, const char *code,
    struct bh_err *err)
{
	struct bh_buf form = BH_BUF_INIT(HUBSPOT_FORM_MAX);
	json_t *body = NULL;
	int rc;

	hubspot_form_add(&form, "grant_type", "authorization_code");
	hubspot_form_add(&form, "code", code);
	hubspot_form_add(&form, "redirect_uri", login->redirect_uri);
	hubspot_form_app(&form, config);
	hubspot_form_add(&form, "code_verifier", login->verifier);
	rc = hubspot_post_form(config, "/oauth/{v}/token", &form, &body, err);
	if (rc == 0)
		rc = take_grant(config, body, err);
	json_decref(body);
	bh_buf_wipe(&form);
	return rc;
}

static int
revoke_token(struct dest_config *config, const char *token, struct bh_err *err)
{
	struct bh_buf form = BH_BUF_INIT(HUBSPOT_FORM_MAX);
	json_t *body = NULL;
	int rc;

	hubspot_form_add(&form, "token", token);
	hubspot_form_add(&form, "token_type_hint", "refresh_token");
	hubspot_form_app(&form, config);
	rc = hubspot_post_form(config, "/oauth/{v}/token/revoke", &form, &body, err);
	/* It was dead already: what was wanted is so. */
	if (rc < 0 && strcmp(dest_text(body, "status", ""), "BAD_REFRESH_TOKEN") == 0)
		rc = 0;
	json_decref(body);
	bh_buf_wipe(&form);
	return rc;
}

/* A pasted token is its portal's: only people there can take it back. */
int
hubspot_revoke(struct dest_config *config, struct bh_err *err)
{
	struct dest_auth *auth = config->auth;

	if (hubspot_is_oauth(config) && auth->refresh_token.len > 0 &&
	    revoke_token(config, bh_secret_str(&auth->refresh_token), err) < 0)
		return -1;
	bh_secret_release(&auth->refresh_token);
	bh_secret_release(&auth->access_token);
	return 0;
}
