/*
 * Standard Webhooks as Svix delivers them (Standard Webhooks specification,
 * "Signature scheme"): base64 of HMAC-SHA256 over id.timestamp.body, the key being the
 * decoded part of the secret behind whsec_.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "source/alguna.h"

#define HEADER_MAX 16384
#define TOLERANCE_S 300
#define KEY_MAX 1024
#define PREFIX "whsec_"

static struct alguna_headers
family(const struct source_request *request, const char *prefix)
{
	char names[3][32];

	snprintf(names[0], sizeof(names[0]), "%s-id", prefix);
	snprintf(names[1], sizeof(names[1]), "%s-timestamp", prefix);
	snprintf(names[2], sizeof(names[2]), "%s-signature", prefix);
	return (struct alguna_headers){source_header(request, names[0]),
	    source_header(request, names[1]), source_header(request, names[2])};
}

struct alguna_headers
alguna_headers(const struct source_request *request)
{
	struct alguna_headers standard = family(request, "webhook");
	struct alguna_headers svix = family(request, "svix");

	if (standard.id != NULL && standard.timestamp != NULL && standard.signature != NULL)
		return standard;
	return svix.id != NULL && svix.timestamp != NULL && svix.signature != NULL ? svix
										   : standard;
}

static int
decode_key(const struct source_secret *secret, struct bh_buf *key, struct bh_err *err)
{
	const char *text = secret->text;
	size_t len = secret->len;

	if (len >= strlen(PREFIX) && memcmp(text, PREFIX, strlen(PREFIX)) == 0) {
		text += strlen(PREFIX);
		len -= strlen(PREFIX);
	}
	if (bh_base64_decode(key, text, len, NULL) < 0 || key->len == 0)
		return bh_fail(err, BH_INVALID,
		    "the webhook secret is not whsec_ and base64, as Alguna shows it");
	return 0;
}

int
alguna_check_secrets(const struct source_config *config, struct bh_err *err)
{
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	int n = source_secrets(config, secrets, NULL), rc = 0;

	for (int i = 0; i < n && rc == 0; i++) {
		struct bh_buf key = BH_BUF_INIT(KEY_MAX);

		rc = decode_key(&secrets[i], &key, err);
		bh_buf_wipe(&key);
	}
	return rc;
}

/* All v1 items are compared, so that the time taken tells nothing about which one fits. */
static bool
is_signed_with(const struct alguna_headers *headers, const struct bh_buf *key,
    const struct source_request *request)
{
	const struct bh_part parts[] = {{headers->id, strlen(headers->id)}, {".", 1},
	    {headers->timestamp, strlen(headers->timestamp)}, {".", 1},
	    {request->body, request->body_len}};
	struct bh_buf text = BH_BUF_INIT(64);
	unsigned char digest[BH_SHA256_LEN];
	bool found = false;

	bh_hmac_sha256(digest, key->data, key->len, parts, BH_LEN(parts));
	bh_base64_add(&text, digest, sizeof(digest));
	for (const char *at = headers->signature; *at != '\0'; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (len > 3 && memcmp(at, "v1,", 3) == 0 &&
		    bh_is_equal_secret(at + 3, len - 3, text.data, text.len))
			found = true;
		at += len;
	}
	bh_wipe(digest, sizeof(digest));
	bh_buf_wipe(&text);
	return found;
}

static int
check_headers(const struct alguna_headers *headers, struct bh_err *err)
{
	const struct {
		const char *value, *name;
	} all[] = {{headers->id, "webhook-id"}, {headers->timestamp, "webhook-timestamp"},
	    {headers->signature, "webhook-signature"}};

	for (size_t i = 0; i < BH_LEN(all); i++) {
		if (all[i].value == NULL || *all[i].value == '\0')
			return bh_fail(err, BH_DENIED, "the %s header is missing", all[i].name);
		if (strlen(all[i].value) > HEADER_MAX)
			return bh_fail(err, BH_DENIED, "the %s header is too long", all[i].name);
	}
	return 0;
}

static int
check_age(const struct source_config *config, const char *timestamp, int64_t received_ms,
    struct bh_err *err)
{
	int64_t tolerance_s = bh_json_int(config->settings, "tolerance_s", TOLERANCE_S), age_s;
	uint64_t at_s;

	if (!bh_is_uint(timestamp, strlen(timestamp), INT64_MAX / 1000, &at_s))
		return bh_fail(err, BH_DENIED, "the time of the signature is no number");
	age_s = received_ms / 1000 - (int64_t)at_s;
	if (age_s > tolerance_s)
		return bh_fail(err, BH_DENIED, "the signature is %lld s old", (long long)age_s);
	if (-age_s > tolerance_s)
		return bh_fail(err, BH_DENIED, "the signature is %lld s in the future",
		    (long long)-age_s);
	return 0;
}

int
alguna_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err)
{
	struct alguna_headers headers = alguna_headers(request);
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	int n = source_secrets(config, secrets, err);
	bool found = false;

	if (n < 0 || alguna_check_secrets(config, err) < 0)
		return -1;
	if (check_headers(&headers, err) < 0)
		return -1;
	if (request->body_len == 0)
		return bh_fail(err, BH_DENIED, "the body is empty");
	if (check_age(config, headers.timestamp, request->received_ms, err) < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		struct bh_buf key = BH_BUF_INIT(KEY_MAX);

		if (decode_key(&secrets[i], &key, NULL) == 0 &&
		    is_signed_with(&headers, &key, request))
			found = true;
		bh_buf_wipe(&key);
	}
	return found ? 0
		     : bh_fail(err, BH_DENIED,
			   "no signature fits the body and a secret of this connection");
}
