/*
 * X-LostChurn-Signature (LostChurn: Webhooks): hex HMAC-SHA256 of the
 * timestamp header, a dot, and the body.  The event id's header is not signed.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "source/lostchurn.h"

#define TOLERANCE_S 300

static int
check_age(const struct source_config *config, const char *text, int64_t received_ms,
    struct bh_err *err)
{
	int64_t tolerance_s = bh_json_int(config->settings, "tolerance_s", TOLERANCE_S);
	int64_t age_s;
	uint64_t at_s;

	if (!bh_is_uint(text, strlen(text), INT64_MAX / 1000, &at_s))
		return bh_fail(err, BH_DENIED, "the X-LostChurn-Timestamp header is no number");
	age_s = received_ms / 1000 - (int64_t)at_s;
	if (age_s > tolerance_s)
		return bh_fail(err, BH_DENIED, "the signature is %lld s old", (long long)age_s);
	/* Its documents speak of age only; a time far ahead would stay good for as long. */
	if (-age_s > tolerance_s)
		return bh_fail(err, BH_DENIED, "the signature is %lld s in the future",
		    (long long)-age_s);
	return 0;
}

static bool
is_signed_with(const struct source_secret *secret, const char *timestamp,
    const struct source_request *request, const unsigned char told[BH_SHA256_LEN])
{
	const struct bh_part parts[] = {{timestamp, strlen(timestamp)}, {".", 1},
	    {request->body, request->body_len}};
	unsigned char digest[BH_SHA256_LEN];
	bool same;

	bh_hmac_sha256(digest, secret->text, secret->len, parts, BH_LEN(parts));
	same = bh_is_equal_secret(digest, sizeof(digest), told, BH_SHA256_LEN);
	bh_wipe(digest, sizeof(digest));
	return same;
}

int
lostchurn_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err)
{
	const char *signature = source_header(request, "x-lostchurn-signature");
	const char *timestamp = source_header(request, "x-lostchurn-timestamp");
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	unsigned char told[BH_SHA256_LEN];
	int n = source_secrets(config, secrets, err);
	bool found = false;

	if (n < 0)
		return -1;
	if (signature == NULL || *signature == '\0')
		return bh_fail(err, BH_DENIED, "the X-LostChurn-Signature header is missing");
	if (timestamp == NULL || *timestamp == '\0')
		return bh_fail(err, BH_DENIED, "the X-LostChurn-Timestamp header is missing");
	if (check_age(config, timestamp, request->received_ms, err) < 0)
		return -1;
	if (strlen(signature) != sizeof(told) * 2 ||
	    !bh_is_hex_decoded(told, sizeof(told), signature))
		return bh_fail(err, BH_DENIED, "the signature is not 64 hexadecimal digits");
	/* Every secret is tried: the time taken does not tell which one fits. */
	for (int i = 0; i < n; i++)
		if (is_signed_with(&secrets[i], timestamp, request, told))
			found = true;
	return found ? 0
		     : bh_fail(err, BH_DENIED, "the signature does not fit the body and a secret");
}
