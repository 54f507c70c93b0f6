/*
 * Signature headers of all sources.  The first line of the input is the
 * header, the second chooses Lago's algorithm, is a timestamp or an id, the rest is the body.  Nothing
 * made up may pass: the secrets are not in the corpus.
 */
#include "base/base.h"

#include "base/buf.h"
#include "source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char public_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDccYJA59eK0bI7DTmXo0vKs6dm\n"
    "8WfCX2c11APsIeKFj4DbbBgTXRRqomzFa2OFj6DqtgQpsYWO0w5mykA4WUufRpBA\n"
    "oAMn1kItLOAejI/vZlX3h+7OnfUlfqN/FNpeyiJPd+HTlTpnSl4OxfEPBwKRo/hp\n"
    "dVW+Rb95lsai2oofBwIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

static const char *const schemes[] = {"hmac-sha256-hex", "hmac-sha256-base64", "hmac-sha1-hex",
    "token", "basic"};

/* The line up to the next newline, as text; moves *data behind it. */
static char *
take_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
	size_t len = end != NULL ? (size_t)(end - *data) : *size;
	char *line = bh_xstrndup((const char *)*data, len);

	*data += end != NULL ? len + 1 : len;
	*size -= end != NULL ? len + 1 : len;
	return line;
}

static void
verify(const char *driver, const struct source_config *config, const struct source_request *request)
{
	struct bh_err err = BH_ERR_INIT;

	if (source_driver(driver)->verify(config, request, &err) == 0 || err.code != BH_DENIED)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *header = take_line(&data, &size), *algorithm = take_line(&data, &size);
	struct source_header headers[] = {
	    {"stripe-signature", header},
	    {"x-lago-signature", header},
	    {"x-lago-signature-algorithm", algorithm},
	    {"x-lostchurn-signature", header},
	    {"x-lostchurn-timestamp", algorithm},
	    {"x-signature", header},
	    {"x-webhook-token", header},
	    {"authorization", header},
	    {"webhook-id", algorithm},
	    {"webhook-timestamp", "1790000000"},
	    {"webhook-signature", header},
	};
	struct source_request request = {
	    .headers = headers,
	    .headers_n = BH_LEN(headers),
	    .body = size > 0 ? (const char *)data : "",
	    .body_len = size,
	    .received_ms = INT64_C(1790000000000),
	};
	struct source_config config = {
	    .code = "fuzz",
	    .settings = json_pack("{s:s}", "public_key", public_key),
	    .secrets = json_pack("{s:[s,s]}", "webhook", "a secret of the fuzzer",
		"another secret of the fuzzer"),
	};

	verify("stripe", &config, &request);
	verify("lago", &config, &request);
	verify("lostchurn", &config, &request);
	for (size_t i = 0; i < BH_LEN(schemes); i++) {
		json_object_set_new((json_t *)(uintptr_t)config.settings, "scheme",
		    json_string(schemes[i]));
		verify("generic", &config, &request);
	}
	json_decref((json_t *)(uintptr_t)config.secrets);
	/* Its secrets are base64. */
	config.secrets = json_pack("{s:s, s:s}", "webhook",
	    "whsec_c2VjcmV0IG9mIHRoZSBmdXp6ZXI=", "webhook_previous", "whsec_b3RoZXI=");
	verify("alguna", &config, &request);
	json_decref((json_t *)(uintptr_t)config.settings);
	json_decref((json_t *)(uintptr_t)config.secrets);
	free(header);
	free(algorithm);
	return 0;
}
