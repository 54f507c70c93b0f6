/*
 * Whether a request is the sender's: one of a few usual schemes, with the
 * names of the headers as settings.  A secret in the address is not offered:
 * addresses end up in logs.
 */
#include "base/base.h"

#include <strings.h>

#include "base/crypt.h"
#include "base/text.h"
#include "source/generic.h"

#define TOLERANCE_S 300
#define SIGNATURE_MAX 1024
#define KEY_MIN 8                     /* of an HMAC key */
#define TOKEN_MIN 16                  /* of what is sent as it is */
#define MS_MIN UINT64_C(100000000000) /* above it a timestamp is in milliseconds */

static const char *const schemes[] = {
    [GENERIC_SHA256_HEX] = "hmac-sha256-hex",
    [GENERIC_SHA256_BASE64] = "hmac-sha256-base64",
    [GENERIC_SHA1_HEX] = "hmac-sha1-hex",
    [GENERIC_TOKEN] = "token",
    [GENERIC_BASIC] = "basic",
};

static const char *
setting(const struct source_config *config, const char *name)
{
	const char *text = bh_json_str(config->settings, name);

	return text != NULL ? text : "";
}

enum generic_scheme
generic_scheme(const struct source_config *config)
{
	for (size_t i = 1; i < BH_LEN(schemes); i++)
		if (strcmp(setting(config, "scheme"), schemes[i]) == 0)
			return (enum generic_scheme)i;
	return GENERIC_NONE;
}

const char *
generic_signature_header(const struct source_config *config)
{
	const char *name = setting(config, "signature_header");
	enum generic_scheme scheme = generic_scheme(config);

	if (scheme == GENERIC_BASIC)
		return "authorization";
	if (*name != '\0')
		return name;
	return scheme == GENERIC_TOKEN ? "x-webhook-token" : "x-signature";
}

/* The timestamp's header, NULL where the body alone is signed. */
static const char *
timestamp_header(const struct source_config *config)
{
	return strcmp(setting(config, "signed"), "{timestamp}.{body}") == 0
		   ? setting(config, "timestamp_header")
		   : NULL;
}

static int
check_age(const struct source_config *config, const char *text, int64_t received_ms,
    struct bh_err *err)
{
	int64_t tolerance_ms = bh_json_int(config->settings, "tolerance_s", TOLERANCE_S) * 1000;
	uint64_t at;
	int64_t at_ms, age_ms;

	if (!bh_is_uint(text, strlen(text), INT64_MAX / 1000, &at))
		return bh_fail(err, BH_DENIED, "the timestamp is no number");
	at_ms = (int64_t)(at > MS_MIN ? at : at * 1000);
	age_ms = (at > MS_MIN ? received_ms : received_ms / 1000 * 1000) - at_ms;
	if (age_ms > tolerance_ms || -age_ms > tolerance_ms)
		return bh_fail(err, BH_DENIED, "the signature is %lld s %s",
		    (long long)llabs(age_ms / 1000), age_ms > 0 ? "old" : "in the future");
	return 0;
}

/* What the secret makes of the request, as bytes that fit told. */
static size_t
sign(enum generic_scheme scheme, const struct source_secret *secret, const char *timestamp,
    const struct source_request *request, unsigned char digest[BH_SHA256_LEN])
{
	const struct bh_part parts[] = {{timestamp, strlen(timestamp)},
	    {".", *timestamp != '\0' ? 1 : 0}, {request->body, request->body_len}};

	if (scheme == GENERIC_SHA1_HEX) {
		bh_hmac_sha1(digest, secret->text, secret->len, parts, BH_LEN(parts));
		return BH_SHA1_LEN;
	}
	bh_hmac_sha256(digest, secret->text, secret->len, parts, BH_LEN(parts));
	return BH_SHA256_LEN;
}

/* The signature as bytes; their number, 0 when it is none of this scheme. */
static size_t
decode(enum generic_scheme scheme, const char *text, unsigned char told[BH_SHA256_LEN])
{
	size_t len = scheme == GENERIC_SHA1_HEX ? BH_SHA1_LEN : BH_SHA256_LEN;
	struct bh_buf bytes = BH_BUF_INIT(SIGNATURE_MAX);
	bool good;

	if (scheme != GENERIC_SHA256_BASE64)
		return strlen(text) == 2 * len && bh_is_hex_decoded(told, len, text) ? len : 0;
	good = bh_base64_decode(&bytes, text, strlen(text), NULL) == 0 && bytes.len == len;
	if (good)
		memcpy(told, bytes.data, len);
	bh_buf_release(&bytes);
	return good ? len : 0;
}

static int
verify_hmac(const struct source_config *config, const struct source_request *request,
    const char *signature, const struct source_secret *secrets, int n, struct bh_err *err)
{
	enum generic_scheme scheme = generic_scheme(config);
	const char *name = timestamp_header(config), *timestamp = "";
	unsigned char told[BH_SHA256_LEN], digest[BH_SHA256_LEN];
	size_t len;
	bool found = false;

	if (name != NULL) {
		timestamp = source_header(request, name);
		if (timestamp == NULL || *timestamp == '\0')
			return bh_fail(err, BH_DENIED, "the %.60s header is missing", name);
		if (check_age(config, timestamp, request->received_ms, err) < 0)
			return -1;
	}
	len = decode(scheme, signature, told);
	if (len == 0)
		return bh_fail(err, BH_DENIED, "the signature is none of the scheme %s",
		    schemes[scheme]);
	for (int i = 0; i < n; i++)
		if (sign(scheme, &secrets[i], timestamp, request, digest) == len &&
		    bh_is_equal_secret(digest, len, told, len))
			found = true;
	bh_wipe(digest, sizeof(digest));
	return found ? 0
		     : bh_fail(err, BH_DENIED, "the signature does not fit the body and a secret");
}

/* Digests are compared: not even the length of a secret shows in the time taken. */
static int
verify_text(const char *text, size_t len, const struct source_secret *secrets, int n,
    struct bh_err *err)
{
	unsigned char told[BH_SHA256_LEN], digest[BH_SHA256_LEN];
	bool found = false;

	bh_sha256(told, text, len);
	for (int i = 0; i < n; i++) {
		bh_sha256(digest, secrets[i].text, secrets[i].len);
		if (bh_is_equal_secret(digest, sizeof(digest), told, sizeof(told)))
			found = true;
	}
	bh_wipe(told, sizeof(told));
	bh_wipe(digest, sizeof(digest));
	return found ? 0 : bh_fail(err, BH_DENIED, "the secret in the request is another one");
}

static int
verify_basic(const char *value, const struct source_secret *secrets, int n, struct bh_err *err)
{
	struct bh_buf pair = BH_BUF_INIT(SIGNATURE_MAX);
	int rc;

	if (strncasecmp(value, "Basic ", 6) != 0 ||
	    bh_base64_decode(&pair, value + 6, strlen(value + 6), NULL) < 0)
		rc = bh_fail(err, BH_DENIED, "the Authorization header is no basic one");
	else
		rc = verify_text(bh_buf_str(&pair), pair.len, secrets, n, err);
	bh_buf_wipe(&pair);
	return rc;
}

int
generic_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err)
{
	enum generic_scheme scheme = generic_scheme(config);
	const char *name = generic_signature_header(config);
	const char *prefix = setting(config, "signature_prefix");
	const char *value = source_header(request, name);
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	int n = source_secrets(config, secrets, err);

	if (n < 0)
		return -1;
	if (scheme == GENERIC_NONE)
		return bh_fail(err, BH_INVALID, "the connection has no scheme of signatures");
	if (value == NULL || *value == '\0')
		return bh_fail(err, BH_DENIED, "the %.60s header is missing", name);
	if (strlen(value) > SIGNATURE_MAX)
		return bh_fail(err, BH_DENIED, "the %.60s header is too long", name);
	if (scheme == GENERIC_BASIC)
		return verify_basic(value, secrets, n, err);
	if (!bh_has_prefix(value, prefix))
		return bh_fail(err, BH_DENIED, "the %.60s header does not begin with %.20s", name,
		    prefix);
	value += strlen(prefix);
	if (scheme == GENERIC_TOKEN)
		return verify_text(value, strlen(value), secrets, n, err);
	return verify_hmac(config, request, value, secrets, n, err);
}

/* RFC 9110: a token. */
static bool
is_header_name(const char *name)
{
	size_t len = strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~");

	return len > 0 && len <= 100 && name[len] == '\0';
}

static int
check_header(const struct source_config *config, const char *name, struct bh_err *err)
{
	const char *header = setting(config, name);

	if (*header != '\0' && !is_header_name(header))
		return bh_fail(err, BH_INVALID, "%s must be the name of a header", name);
	return 0;
}

static int
check_secrets(const struct source_config *config, struct bh_err *err)
{
	enum generic_scheme scheme = generic_scheme(config);
	size_t least = scheme == GENERIC_TOKEN || scheme == GENERIC_BASIC ? TOKEN_MIN : KEY_MIN;
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	int n = source_secrets(config, secrets, err);

	for (int i = 0; i < n; i++) {
		if (secrets[i].len < least)
			return bh_fail(err, BH_INVALID,
			    "webhook: a secret of this scheme needs at least %zu characters",
			    least);
		if (scheme == GENERIC_BASIC && memchr(secrets[i].text, ':', secrets[i].len) == NULL)
			return bh_fail(err, BH_INVALID,
			    "webhook must be user:password for the scheme basic");
	}
	return n < 0 ? -1 : 0;
}

int
generic_check_signature(const struct source_config *config, struct bh_err *err)
{
	const char *of_time = timestamp_header(config);
	enum generic_scheme scheme = generic_scheme(config);

	if (scheme == GENERIC_NONE)
		return bh_fail(err, BH_INVALID, "scheme is missing: how requests are signed");
	if (check_header(config, "signature_header", err) < 0 ||
	    check_header(config, "timestamp_header", err) < 0)
		return -1;
	if (of_time != NULL && *of_time == '\0')
		return bh_fail(err, BH_INVALID,
		    "timestamp_header is missing: {timestamp}.{body} is signed");
	if (of_time != NULL && (scheme == GENERIC_TOKEN || scheme == GENERIC_BASIC))
		return bh_fail(err, BH_INVALID, "signed: the scheme %s signs nothing",
		    schemes[scheme]);
	return check_secrets(config, err);
}
