/*
 * X-Lago-Signature (Lago: Webhooks, Format & Signature; app/models/webhook.rb):
 * HMAC-SHA256 of the body in base64, or a JWT that repeats the body.
 */
#include "base/base.h"

#include <strings.h>

#include "base/crypt.h"
#include "base/text.h"
#include "source/lago.h"

#define KEY_MAX 16384
#define CLOUD_ISSUER "https://api.getlago.com"

static int
verify_hmac(const struct source_config *config, const struct source_request *request,
    const char *signature, struct bh_err *err)
{
	const struct bh_part part = {request->body, request->body_len};
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	int n = source_secrets(config, secrets, err);
	bool found = false;

	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		struct bh_buf text = BH_BUF_INIT(64);
		unsigned char digest[BH_SHA256_LEN];

		/* The key is the text as shown, dashes included: nothing is decoded. */
		bh_hmac_sha256(digest, secrets[i].text, secrets[i].len, &part, 1);
		bh_base64_add(&text, digest, sizeof(digest));
		if (bh_is_equal_secret(signature, strlen(signature), text.data, text.len))
			found = true;
		bh_wipe(digest, sizeof(digest));
		bh_buf_wipe(&text);
	}
	return found ? 0
		     : bh_fail(err, BH_DENIED, "the signature does not fit the body and a secret");
}

/* White space out: the API breaks the base64 into lines. */
static void
add_packed(struct bh_buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != ' ' && *text != '\n' && *text != '\r' && *text != '\t')
			bh_buf_addc(out, *text);
}

int
lago_public_key(const struct source_config *config, struct bh_buf *pem, struct bh_err *err)
{
	struct bh_buf packed = BH_BUF_INIT(KEY_MAX);
	const char *key = bh_json_str(config->settings, "public_key");
	int rc;

	if (key == NULL || *key == '\0')
		key = bh_json_str(config->secrets, "public_key");
	if (key == NULL || *key == '\0')
		return 0;
	if (strstr(key, "-----BEGIN") != NULL) {
		bh_buf_adds(pem, key);
		return bh_buf_check(pem, "the public key", err) < 0 ? -1 : 1;
	}
	add_packed(&packed, key);
	rc = bh_buf_check(&packed, "the public key", err);
	if (rc == 0)
		rc = bh_base64_decode(pem, bh_buf_str(&packed), packed.len, err);
	bh_buf_release(&packed);
	if (rc == 0 && strstr(bh_buf_str(pem), "-----BEGIN") == NULL)
		rc = bh_fail(err, BH_INVALID, "public_key is neither PEM nor base64 of PEM");
	return rc < 0 ? -1 : 1;
}

/* One part of the token, decoded as JSON. */
static int
parse_part(const char *text, size_t len, json_t **json_r, struct bh_err *err)
{
	struct bh_buf bytes = BH_BUF_INIT(len + 4);

	*json_r = NULL;
	if (bh_base64_decode(&bytes, text, len, NULL) < 0 ||
	    bh_json_parse(bh_buf_str(&bytes), bytes.len, json_r, NULL) < 0)
		bh_fail(err, BH_DENIED, "the signature is no readable token");
	bh_buf_release(&bytes);
	return *json_r != NULL ? 0 : -1;
}

/* Length of a URL without the slashes at its end and a pasted /api/v1. */
static size_t
base_length(const char *url)
{
	size_t len = strlen(url);

	while (len > 0 && url[len - 1] == '/')
		len--;
	if (len > 7 && memcmp(url + len - 7, "/api/v1", 7) == 0)
		len -= 7;
	return len;
}

/* The installation's API URL stands in iss; one installation signs for all its organisations. */
static bool
is_issuer(const struct source_config *config, const char *issuer)
{
	const char *expected = bh_json_str(config->settings, "jwt_issuer");
	size_t len;

	if (expected == NULL || *expected == '\0')
		expected = bh_json_str(config->settings, "api_url");
	if (expected == NULL || *expected == '\0')
		expected = CLOUD_ISSUER;
	len = base_length(expected);
	return issuer != NULL && base_length(issuer) == len && memcmp(issuer, expected, len) == 0;
}

static int
check_claims(const struct source_config *config, const struct source_request *request,
    const json_t *claims, struct bh_err *err)
{
	const json_t *data = json_object_get(claims, "data");

	if (!is_issuer(config, bh_json_str(claims, "iss")))
		return bh_fail(err, BH_DENIED, "the token is of another issuer");
	if (!json_is_string(data) || json_string_length(data) != request->body_len ||
	    memcmp(json_string_value(data), request->body, request->body_len) != 0)
		return bh_fail(err, BH_DENIED, "the token is for another body");
	return 0;
}

static int
check_token(const char *pem, const char *token, size_t signed_len, struct bh_err *err)
{
	const char *signature = token + signed_len + 1;
	struct bh_buf bytes = BH_BUF_INIT(4096);
	size_t head_len = strcspn(token, ".");
	json_t *head = NULL;
	const char *algorithm;
	int good = 0;

	if (parse_part(token, head_len, &head, err) < 0)
		return -1;
	/* Only what the key is for: a token that chooses its algorithm is a forgery. */
	algorithm = bh_json_str(head, "alg");
	if (algorithm == NULL || strcmp(algorithm, "RS256") != 0)
		bh_fail(err, BH_DENIED, "the token is not signed with RS256");
	else if (bh_base64_decode(&bytes, signature, strlen(signature), NULL) < 0)
		bh_fail(err, BH_DENIED, "the signature is no readable token");
	else if ((good = bh_rs256_verify(pem, token, signed_len, bytes.data, bytes.len, err)) == 0)
		bh_fail(err, BH_DENIED, "the token's signature does not fit");
	json_decref(head);
	bh_buf_release(&bytes);
	return good == 1 ? 0 : -1;
}

static int
verify_jwt(const struct source_config *config, const struct source_request *request,
    const char *token, struct bh_err *err)
{
	struct bh_buf pem = BH_BUF_INIT(KEY_MAX);
	const char *first = strchr(token, '.');
	const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
	json_t *claims = NULL;
	int rc = lago_public_key(config, &pem, err);

	if (rc == 0)
		rc = bh_fail(err, BH_INVALID, "the connection has no public key");
	else if (rc == 1 && second == NULL)
		rc = bh_fail(err, BH_DENIED, "the signature is no readable token");
	else if (rc == 1)
		rc = check_token(bh_buf_str(&pem), token, (size_t)(second - token), err);
	if (rc == 0)
		rc = parse_part(first + 1, (size_t)(second - first - 1), &claims, err);
	if (rc == 0)
		rc = check_claims(config, request, claims, err);
	json_decref(claims);
	bh_buf_release(&pem);
	return rc;
}

int
lago_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err)
{
	const char *signature = source_header(request, "x-lago-signature");
	const char *algorithm = source_header(request, "x-lago-signature-algorithm");

	if (signature == NULL || *signature == '\0')
		return bh_fail(err, BH_DENIED, "the X-Lago-Signature header is missing");
	if (algorithm == NULL)
		return bh_fail(err, BH_DENIED, "the X-Lago-Signature-Algorithm header is missing");
	if (request->body_len == 0)
		return bh_fail(err, BH_DENIED, "the body is empty");
	/* A token holds the body escaped and in base64: about one and a half times its size. */
	if (strlen(signature) > 4 * request->body_len + KEY_MAX)
		return bh_fail(err, BH_DENIED, "the signature header is too long");
	if (strcasecmp(algorithm, "hmac") == 0)
		return verify_hmac(config, request, signature, err);
	if (strcasecmp(algorithm, "jwt") == 0)
		return verify_jwt(config, request, signature, err);
	return bh_fail(err, BH_DENIED, "the signature's algorithm is neither hmac nor jwt");
}
