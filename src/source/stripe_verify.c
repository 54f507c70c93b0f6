/*
 * Stripe-Signature (Stripe: Receive Stripe events in your webhook endpoint,
 * "Verify webhook signatures manually"): t=seconds,v1=hex,v1=hex,...
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "source/stripe.h"

#define HEADER_MAX 16384
#define TOLERANCE_S 300
#define HEX_LEN ((size_t)2 * BH_SHA256_LEN)

/* One item of the header; false at its end. */
struct item {
	const char *key, *value;
	size_t key_len, value_len;
};

static bool
is_next_item(const char **header, struct item *item)
{
	const char *s = *header;
	size_t len = strcspn(s, ","), key = strcspn(s, "=,");

	if (*s == '\0')
		return false;
	item->key = s;
	item->key_len = key;
	item->value = key < len ? s + key + 1 : s + len;
	item->value_len = key < len ? len - key - 1 : 0;
	*header = s + len + (s[len] == ',');
	return true;
}

static bool
is_key(const struct item *item, const char *key)
{
	return item->key_len == strlen(key) && memcmp(item->key, key, item->key_len) == 0;
}

/* Find t: exactly one, digits only. */
static int
read_time_item(const char *header, struct item *t, uint64_t *at_s, struct bh_err *err)
{
	struct item item;
	int n = 0;

	while (is_next_item(&header, &item)) {
		if (is_key(&item, "t")) {
			*t = item;
			n++;
		}
	}
	if (n == 0)
		return bh_fail(err, BH_DENIED, "the signature header has no time");
	if (n > 1)
		return bh_fail(err, BH_DENIED, "the signature header has more than one time");
	if (!bh_is_uint(t->value, t->value_len, INT64_MAX / 1000, at_s))
		return bh_fail(err, BH_DENIED, "the time of the signature is no number");
	return 0;
}

static int
check_age(const struct source_config *config, uint64_t at_s, int64_t received_ms,
    struct bh_err *err)
{
	int64_t tolerance_s = bh_json_int(config->settings, "tolerance_s", TOLERANCE_S);
	int64_t age_s = received_ms / 1000 - (int64_t)at_s;

	if (age_s > tolerance_s)
		return bh_fail(err, BH_DENIED, "the signature is %lld s old", (long long)age_s);
	if (-age_s > tolerance_s)
		return bh_fail(err, BH_DENIED, "the signature is %lld s in the future",
		    (long long)-age_s);
	return 0;
}

/* All v1 items are compared, so that the time taken tells nothing about which one fits. */
static bool
is_signed_with(const char *header, const struct source_secret *secret, const struct item *t,
    const struct source_request *request)
{
	const struct bh_part parts[] = {{t->value, t->value_len}, {".", 1},
	    {request->body, request->body_len}};
	unsigned char digest[BH_SHA256_LEN];
	char hex[HEX_LEN + 1];
	struct item item;
	bool found = false;

	bh_hmac_sha256(digest, secret->text, secret->len, parts, BH_LEN(parts));
	bh_hex(hex, digest, sizeof(digest));
	while (is_next_item(&header, &item))
		if (is_key(&item, "v1") &&
		    bh_is_equal_secret(item.value, item.value_len, hex, HEX_LEN))
			found = true;
	bh_wipe(hex, sizeof(hex));
	bh_wipe(digest, sizeof(digest));
	return found;
}

/*
 * Events that a cloud passes on are not signed by Stripe: the sender shows a
 * token that only the two of us know.
 */
static int
check_token(const struct source_config *config, const char *token, struct bh_err *err)
{
	const json_t *secret = json_object_get(config->secrets, "unwrap_token");

	if (json_string_length(secret) == 0)
		return bh_fail(err, BH_INVALID, "the connection has no token for wrapped events");
	if (!bh_is_equal_secret(token, strlen(token), json_string_value(secret),
		json_string_length(secret)))
		return bh_fail(err, BH_DENIED, "the token is not this connection's");
	return 0;
}

int
stripe_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err)
{
	const char *header = source_header(request, "stripe-signature");
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	struct item t = {0};
	uint64_t at_s = 0;
	const char *token = source_header(request, "x-billhook-token");
	int n;

	if (bh_is_json_true(config->settings, "unwrap") && header == NULL)
		return check_token(config, token != NULL ? token : "", err);
	n = source_secrets(config, secrets, err);
	if (n < 0)
		return -1;
	if (header == NULL || *header == '\0')
		return bh_fail(err, BH_DENIED, "the Stripe-Signature header is missing");
	if (strlen(header) > HEADER_MAX)
		return bh_fail(err, BH_DENIED, "the signature header is too long");
	if (request->body_len == 0)
		return bh_fail(err, BH_DENIED, "the body is empty");
	if (read_time_item(header, &t, &at_s, err) < 0 ||
	    check_age(config, at_s, request->received_ms, err) < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (is_signed_with(header, &secrets[i], &t, request))
			return 0;
	return bh_fail(err, BH_DENIED,
	    "no signature fits the body and a secret of this connection");
}
