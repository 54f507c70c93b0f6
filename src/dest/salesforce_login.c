/*
 * A person lets Billhook in: the web server flow with PKCE, from the address
 * that the browser is sent to until the tokens are given back.  What a token
 * answer holds and what a refusal means is in salesforce_auth.c; afterwards
 * the tokens are refreshed there.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "dest/salesforce_token.h"

#define FORM_MAX ((size_t)1024 * 1024)
/* "full" does not include refresh_token; "id" lets the answer say which org it is. */
#define SCOPE "api refresh_token id"

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

int
salesforce_login(const struct dest_config *config, const struct dest_login *login,
    struct bh_buf *url, struct bh_err *err)
{
	const char *login_url = salesforce_login_url(config, err);
	const char *client = dest_text(config->settings, "client_id", NULL);

	if (login_url == NULL)
		return -1;
	if (client == NULL)
		return bh_fail(err, BH_INVALID, "the consumer key (client id) is missing");
	salesforce_add_login_path(url, login_url, "authorize?response_type=code");
	add_query(url, "client_id", client);
	add_query(url, "redirect_uri", login->redirect_uri);
	add_query(url, "scope", SCOPE);
	add_query(url, "state", login->state);
	add_challenge(url, login->verifier);
	return bh_buf_check(url, "the login address", err);
}

static void
add_grant(struct bh_buf *form, const struct dest_config *config, const struct dest_login *login,
    const char *code)
{
	const char *secret = dest_text(config->secrets, "client_secret", NULL);

	salesforce_add_param(form, "grant_type", "authorization_code");
	salesforce_add_param(form, "code", code);
	salesforce_add_param(form, "client_id", dest_text(config->settings, "client_id", ""));
	if (secret != NULL)
		salesforce_add_param(form, "client_secret", secret);
	salesforce_add_param(form, "redirect_uri", login->redirect_uri);
	salesforce_add_param(form, "code_verifier", login->verifier);
}

/* Without a refresh token the connection would end with its first session. */
static int
take_grant(struct dest_config *config, const struct salesforce_answer *answer, struct bh_err *err)
{
	if (answer->response.status != 200)
		return salesforce_fail_token(answer->response.status, answer->json, err);
	if (dest_text(answer->json, "access_token", NULL) != NULL &&
	    dest_text(answer->json, "refresh_token", NULL) == NULL)
		return bh_fail(err, BH_DENIED,
		    "the app gives no refresh token: add the scope refresh_token to it, then log in again");
	return salesforce_take_token(config->auth, answer->json, false, err);
}

int
salesforce_exchange(struct dest_config *config, const struct dest_login *login, const char *code,
    struct bh_err *err)
{
	const char *login_url = salesforce_login_url(config, err);
	struct bh_buf form = BH_BUF_INIT(FORM_MAX);
	struct salesforce_answer answer;
	int rc;

	if (login_url == NULL)
		return -1;
	add_grant(&form, config, login, code);
	rc = salesforce_post_form(config, login_url, "token", &form, &answer, err);
	if (rc == 0)
		rc = take_grant(config, &answer, err);
	salesforce_answer_release(&answer);
	bh_buf_wipe(&form);
	return rc;
}

/* The token was dead already: what was wanted is so. */
static bool
is_dead_already(const struct salesforce_answer *answer)
{
	const char *error = dest_text(answer->json, "error", "");

	return answer->response.status == 400 && (strcmp(error, "unsupported_token_type") == 0 ||
						     strcmp(error, "invalid_token") == 0);
}

static int
revoke_token(struct dest_config *config, const char *login_url, const char *token,
    struct bh_err *err)
{
	struct bh_buf form = BH_BUF_INIT(FORM_MAX);
	struct salesforce_answer answer;
	int rc;

	salesforce_add_param(&form, "token", token);
	rc = salesforce_post_form(config, login_url, "revoke", &form, &answer, err);
	if (rc == 0 && answer.response.status != 200 && !is_dead_already(&answer))
		rc = salesforce_fail_token(answer.response.status, answer.json, err);
	salesforce_answer_release(&answer);
	bh_buf_wipe(&form);
	return rc;
}

/*
 * Revoking the refresh token kills its access tokens too; flows without one have only the latter.
 * One that was got elsewhere stands in the settings until it rotates.
 */
static const char *
token_to_revoke(const struct dest_config *config)
{
	const struct dest_auth *auth = config->auth;

	if (auth->refresh_token.len > 0)
		return bh_secret_str(&auth->refresh_token);
	if (strcmp(dest_text(config->settings, "flow", ""), "refresh_token") == 0)
		return dest_text(config->secrets, "refresh_token",
		    bh_secret_str(&auth->access_token));
	return bh_secret_str(&auth->access_token);
}

int
salesforce_revoke(struct dest_config *config, struct bh_err *err)
{
	const char *login_url = salesforce_login_url(config, err);
	const char *token = token_to_revoke(config);

	if (login_url == NULL)
		return -1;
	if (token[0] != '\0' && revoke_token(config, login_url, token, err) < 0)
		return -1;
	bh_secret_release(&config->auth->refresh_token);
	bh_secret_release(&config->auth->access_token);
	return 0;
}
