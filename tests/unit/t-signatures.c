/*
 * Signatures: the header vectors (those of Stripe with the verdict of its own
 * library), and what they do not cover: configuration, bounds, odd headers.
 */
#include "base/buf.h"
#include "base/crypt.h"
#include "base/text.h"
#include "source/source.h"
#include "unit.h"

static json_t *
load(const char *name)
{
	struct bh_err err = BH_ERR_INIT;
	char *path = unit_path(name);
	json_t *json;

	if (bh_json_read(path, 1 << 20, &json, &err) < 0)
		fail_msg("%s", err.text);
	free(path);
	return json;
}

static int
verify(const char *driver, const json_t *secrets, const json_t *settings, const json_t *headers,
    const char *body, size_t body_len, int64_t received_ms, struct bh_err *err)
{
	struct source_config config = {.code = "test", .settings = settings, .secrets = secrets};
	struct source_header list[16];
	struct source_request request = {.headers = list,
	    .body = body,
	    .body_len = body_len,
	    .received_ms = received_ms};
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)headers, name, value)
		list[request.headers_n++] = (struct source_header){name, json_string_value(value)};
	*err = (struct bh_err)BH_ERR_INIT;
	return source_driver(driver)->verify(&config, &request, err);
}

static void
expect(const json_t *vector, int rc, const struct bh_err *err)
{
	bool accept = strcmp(bh_json_str(vector, "expect"), "accept") == 0;

	if ((rc == 0) != accept)
		fail_msg("\"%s\" gives %d %s", bh_json_str(vector, "name"), rc, err->text);
	if (rc < 0) {
		assert_int_equal(err->code, BH_DENIED);
		assert_true(err->text[0] != '\0');
	}
}

static void
stripe_vectors(void **state BH_UNUSED)
{
	json_t *file = load("tests/hooks/stripe-signatures.json");
	size_t i, accepted = 0;
	json_t *vector;

	json_array_foreach (json_object_get(file, "vectors"), i, vector) {
		json_t *secrets = json_pack("{s:O}", "webhook", json_object_get(vector, "secrets"));
		json_t *headers =
		    json_pack("{s:O}", "Stripe-Signature", json_object_get(vector, "header"));
		const json_t *payload = json_object_get(vector, "payload");
		struct bh_err err;
		int rc = verify("stripe", secrets, NULL, headers, json_string_value(payload),
		    json_string_length(payload), bh_json_int(vector, "now", 0) * 1000 + 999, &err);

		expect(vector, rc, &err);
		accepted += rc == 0;
		json_decref(secrets);
		json_decref(headers);
	}
	assert_true(i >= 28 && accepted >= 10);
	json_decref(file);
}

static void
lago_vectors(void **state BH_UNUSED)
{
	json_t *file = load("tests/hooks/lago-signatures.json");
	const char *pem = bh_json_str(file, "public_key_pem");
	const char *wrapped = bh_json_str(file, "json_public_key_response.webhook.public_key");
	const char *keys[] = {pem, wrapped};
	size_t i;
	json_t *vector;

	/* The key as PEM, and as the API hands it out. */
	for (size_t k = 0; k < BH_LEN(keys); k++) {
		json_t *secrets = json_pack("{s:O}", "webhook", json_object_get(file, "hmac_key"));
		json_t *settings = json_pack("{s:s, s:O}", "public_key", keys[k], "jwt_issuer",
		    json_object_get(file, "jwt_issuer"));

		json_array_foreach (json_object_get(file, "vectors"), i, vector) {
			const json_t *body = json_object_get(vector, "body");
			struct bh_err err;
			int rc =
			    verify("lago", secrets, settings, json_object_get(vector, "headers"),
				json_string_value(body), json_string_length(body), 0, &err);

			expect(vector, rc, &err);
		}
		assert_int_equal(i, 12);
		json_decref(secrets);
		json_decref(settings);
	}
	json_decref(file);
}

/* Secrets of a connection: one or several, current and previous, with what pasting adds. */
static void
stripe_secrets(void **state BH_UNUSED)
{
	static const struct {
		const char *secrets;
		int rc;
		enum bh_code code;
	} cases[] = {
	    {"{'webhook':'whsec_one'}", 0, BH_OK},
	    {"{'webhook':['whsec_zero','whsec_one']}", 0, BH_OK},
	    {"{'webhook':'whsec_new','webhook_previous':'whsec_one'}", 0, BH_OK},
	    {"{'webhook':'whsec_new','webhook_previous':['x','whsec_one']}", 0, BH_OK},
	    {"{'webhook':'  whsec_one\\n'}", 0, BH_OK},
	    {"{'webhook':['', 'whsec_one']}", 0, BH_OK},
	    {"{'webhook':'one'}", -1, BH_DENIED},
	    {"{'webhook':'whsec_onE'}", -1, BH_DENIED},
	    {"{'webhook':'   '}", -1, BH_INVALID},
	    {"{'webhook':[]}", -1, BH_INVALID},
	    {"{'webhook':7}", -1, BH_INVALID},
	    {"{'api_key':'whsec_one'}", -1, BH_INVALID},
	    {"{}", -1, BH_INVALID},
	};
	const char body[] = "{\"id\":\"evt_1\",\"object\":\"event\"}";
	struct bh_part parts[] = {{"1790000000.", 11}, {body, sizeof(body) - 1}};
	unsigned char digest[BH_SHA256_LEN];
	char hex[65], header[100];
	json_t *headers;

	bh_hmac_sha256(digest, "whsec_one", 9, parts, 2);
	bh_hex(hex, digest, sizeof(digest));
	snprintf(header, sizeof(header), "t=1790000000,v1=%s", hex);
	headers = json_pack("{s:s}", "stripe-signature", header);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char text[128];
		struct bh_err err;
		json_t *secrets;
		int rc;

		snprintf(text, sizeof(text), "%s", cases[i].secrets);
		for (char *s = text; *s != '\0'; s++)
			if (*s == '\'')
				*s = '"';
		assert_int_equal(bh_json_parse(text, strlen(text), &secrets, NULL), 0);
		rc = verify("stripe", secrets, NULL, headers, body, sizeof(body) - 1,
		    INT64_C(1790000000000), &err);
		if (rc != cases[i].rc || err.code != cases[i].code)
			fail_msg("%s gives %d %s", cases[i].secrets, rc, err.text);
		/* No error text holds a secret or a signature. */
		assert_null(strstr(err.text, "whsec"));
		assert_null(strstr(err.text, hex));
		json_decref(secrets);
	}
	json_decref(headers);
}

/* Headers that are not what Stripe sends; the body is signed well each time. */
static void
stripe_headers(void **state BH_UNUSED)
{
	static const struct {
		const char *format; /* %s: the good signature */
		int rc;
	} cases[] = {
	    {"t=1790000000,v1=%s", 0},
	    {"t=1790000000,v2=zz,v1=%s,", 0},
	    {"t=1790000000,v1=%s,v1", 0},
	    {"t=1790000000,v1,v1=%s", 0},
	    {"t=1790000000,v1=,v1=%s", 0},
	    {"t=1790000000 ,v1=%s", -1},
	    {"t= 1790000000,v1=%s", -1},
	    {"t=+1790000000,v1=%s", -1},
	    {"t=1790000000.0,v1=%s", -1},
	    {"t=99999999999999999999999999,v1=%s", -1},
	    {"t=9223372036854775807,v1=%s", -1},
	    {"t,v1=%s", -1},
	    {"T=1790000000,v1=%s", -1},
	    {"t=1790000000,V1=%s", -1},
	    {"t=1790000000,v1==%s", -1},
	    {"t=1790000000;v1=%s", -1},
	    {"t=1790000000,v1=%s0", -1},
	    {"t=1790000000,v1=\"%s\"", -1},
	    {"t=1790000000,v0=%s", -1},
	    {"%s", -1},
	    {"=%s", -1},
	};
	const char body[] = "{}";
	struct bh_part parts[] = {{"1790000000.", 11}, {body, 2}};
	unsigned char digest[BH_SHA256_LEN];
	json_t *secrets = json_pack("{s:s}", "webhook", "whsec_one");
	char hex[65];

	bh_hmac_sha256(digest, "whsec_one", 9, parts, 2);
	bh_hex(hex, digest, sizeof(digest));
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const char *at = strstr(cases[i].format, "%s");
		char *header = bh_xasprintf("%.*s%s%s", (int)(at - cases[i].format),
		    cases[i].format, hex, at + 2);
		json_t *headers = json_pack("{s:s}", "stripe-signature", header);
		struct bh_err err;
		int rc =
		    verify("stripe", secrets, NULL, headers, body, 2, INT64_C(1790000000000), &err);

		if (rc != cases[i].rc)
			fail_msg("%s gives %d %s", header, rc, err.text);
		free(header);
		json_decref(headers);
	}
	json_decref(secrets);
}

static void
stripe_tolerance(void **state BH_UNUSED)
{
	static const struct {
		int tolerance_s; /* 0: the setting is left out */
		int age_s;
		int rc;
	} cases[] = {{0, 300, 0}, {0, 301, -1}, {0, -300, 0}, {0, -301, -1}, {60, 60, 0},
	    {60, 61, -1}, {3600, 3600, 0}, {3600, -3601, -1}};
	struct bh_part parts[] = {{"1790000000.", 11}, {"{}", 2}};
	unsigned char digest[BH_SHA256_LEN];
	json_t *secrets = json_pack("{s:s}", "webhook", "whsec_one"), *headers;
	char hex[65], header[100];

	bh_hmac_sha256(digest, "whsec_one", 9, parts, 2);
	bh_hex(hex, digest, sizeof(digest));
	snprintf(header, sizeof(header), "t=1790000000,v1=%s", hex);
	headers = json_pack("{s:s}", "stripe-signature", header);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *settings = json_object();
		struct bh_err err;

		if (cases[i].tolerance_s != 0)
			json_object_set_new(settings, "tolerance_s",
			    json_integer(cases[i].tolerance_s));
		assert_int_equal(verify("stripe", secrets, settings, headers, "{}", 2,
				     (INT64_C(1790000000) + cases[i].age_s) * 1000, &err),
		    cases[i].rc);
		json_decref(settings);
	}
	json_decref(secrets);
	json_decref(headers);
}

/* What a Lago connection lacks is said as such, not as a bad signature. */
static void
lago_configuration(void **state BH_UNUSED)
{
	json_t *file = load("tests/hooks/lago-signatures.json");
	json_t *hmac = bh_json_at(file, "vectors.0"), *jwt = bh_json_at(file, "vectors.7");
	json_t *key = json_object_get(file, "hmac_key");
	json_t *none = json_object(),
	       *old = json_pack("{s:s, s:O}", "webhook", "other", "webhook_previous", key);
	json_t *pem = json_pack("{s:O}", "public_key", json_object_get(file, "public_key_pem"));
	json_t *as_api_url =
	    json_pack("{s:s}", "api_url", "https://api.billing.example.com/api/v1/");
	json_t *garbage = json_pack("{s:s}", "public_key", "!!!");
	const json_t *headers = json_object_get(hmac, "headers");
	const json_t *jwt_headers = json_object_get(jwt, "headers");
	const char *body = bh_json_str(hmac, "body"), *jwt_body = bh_json_str(jwt, "body");
	struct bh_err err;

	assert_string_equal(bh_json_str(jwt, "name"), "jwt ok");
	assert_int_equal(verify("lago", none, NULL, headers, body, strlen(body), 0, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_int_equal(verify("lago", old, NULL, headers, body, strlen(body), 0, &err), 0);
	assert_int_equal(verify("lago", old, NULL, headers, "", 0, 0, &err), -1);
	assert_int_equal(err.code, BH_DENIED);
	assert_int_equal(verify("lago", none, none, jwt_headers, jwt_body, strlen(jwt_body), 0,
			     &err),
	    -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_int_equal(verify("lago", none, garbage, jwt_headers, jwt_body, strlen(jwt_body), 0,
			     &err),
	    -1);
	assert_int_equal(err.code, BH_INVALID);
	/* The issuer is the API's address unless it is set; without both it is the cloud's. */
	assert_int_equal(verify("lago", pem, as_api_url, jwt_headers, jwt_body, strlen(jwt_body), 0,
			     &err),
	    0);
	assert_int_equal(verify("lago", pem, NULL, jwt_headers, jwt_body, strlen(jwt_body), 0,
			     &err),
	    -1);
	assert_int_equal(err.code, BH_DENIED);
	json_decref(none);
	json_decref(old);
	json_decref(pem);
	json_decref(as_api_url);
	json_decref(garbage);
	json_decref(file);
}

/* Tokens that break before a signature can be looked at, and missing headers. */
static void
lago_headers(void **state BH_UNUSED)
{
	static const char *const tokens[] = {"", ".", "..", "...", "a.b", "eyJhbGciOiJSUzI1NiJ9..",
	    "eyJhbGciOiJSUzI1NiJ9.e30.", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA", "bnVsbA.e30.AAAA",
	    "W10.e30.AAAA", "e30.e30.AAAA", "!!.!!.!!", "eyJhbGciOjF9.e30.AAAA"};
	json_t *file = load("tests/hooks/lago-signatures.json");
	json_t *settings =
	    json_pack("{s:O}", "public_key", json_object_get(file, "public_key_pem"));
	json_t *secrets = json_pack("{s:s}", "webhook", "key");
	struct bh_err err;

	for (size_t i = 0; i < BH_LEN(tokens); i++) {
		json_t *headers = json_pack("{s:s, s:s}", "x-lago-signature", tokens[i],
		    "x-lago-signature-algorithm", "jwt");

		assert_int_equal(verify("lago", secrets, settings, headers, "{}", 2, 0, &err), -1);
		assert_int_equal(err.code, BH_DENIED);
		json_object_set_new(headers, "x-lago-signature-algorithm", json_string("none"));
		assert_int_equal(verify("lago", secrets, settings, headers, "{}", 2, 0, &err), -1);
		assert_int_equal(err.code, BH_DENIED);
		json_object_del(headers, "x-lago-signature-algorithm");
		assert_int_equal(verify("lago", secrets, settings, headers, "{}", 2, 0, &err), -1);
		assert_int_equal(err.code, BH_DENIED);
		json_decref(headers);
	}
	assert_int_equal(verify("lago", secrets, settings, NULL, "{}", 2, 0, &err), -1);
	assert_int_equal(verify("stripe", secrets, settings, NULL, "{}", 2, 0, &err), -1);
	assert_int_equal(err.code, BH_DENIED);
	json_decref(settings);
	json_decref(secrets);
	json_decref(file);
}

/* Wrapped events: no signature, so a token, and only where both are set. */
static void
stripe_token(void **state BH_UNUSED)
{
	static const struct {
		bool unwrap;
		const char *secret, *header; /* NULL: none */
		bool accepted;
		const char *word;
	} cases[] = {
	    {true, "0123456789abcdef", "0123456789abcdef", true, ""},
	    {true, "0123456789abcdef", "0123456789abcdeF", false, "token"},
	    {true, "0123456789abcdef", "0123456789abcde", false, "token"},
	    {true, "0123456789abcdef", "0123456789abcdef0", false, "token"},
	    {true, "0123456789abcdef", "", false, "token"},
	    {true, "0123456789abcdef", NULL, false, "token"},
	    {true, NULL, "", false, "token"},
	    {true, "", "", false, "token"},
	    {false, "0123456789abcdef", "0123456789abcdef", false, "Stripe-Signature"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *settings = json_pack("{s:b}", "unwrap", cases[i].unwrap);
		json_t *secrets =
		    json_pack("{s:s, s:s*}", "webhook", "whsec_1", "unwrap_token", cases[i].secret);
		json_t *headers = json_pack("{s:s*}", "X-Billhook-Token", cases[i].header);
		struct bh_err err;
		int rc = verify("stripe", secrets, settings, headers, "{}", 2, 1000, &err);

		if ((rc == 0) != cases[i].accepted || strstr(err.text, cases[i].word) == NULL)
			fail_msg("%zu gives %d %s", i, rc, err.text);
		if (cases[i].secret != NULL && *cases[i].secret != '\0')
			assert_null(strstr(err.text, "0123456789"));
		json_decref(settings);
		json_decref(secrets);
		json_decref(headers);
	}
}

/* A token does not open what came with a signature. */
static void
stripe_token_beside_signature(void **state BH_UNUSED)
{
	json_t *settings = json_pack("{s:b}", "unwrap", 1);
	json_t *secrets =
	    json_pack("{s:s, s:s}", "webhook", "whsec_1", "unwrap_token", "0123456789abcdef");
	json_t *headers = json_pack("{s:s, s:s}", "X-Billhook-Token", "0123456789abcdef",
	    "Stripe-Signature", "t=1,v1=00");
	struct bh_err err;

	assert_int_equal(verify("stripe", secrets, settings, headers, "{}", 2, 1000, &err), -1);
	assert_int_equal(err.code, BH_DENIED);
	json_decref(settings);
	json_decref(secrets);
	json_decref(headers);
}

/* What is refused when a connection is saved. */
static void
checks(void **state BH_UNUSED)
{
	static const struct {
		const char *driver, *secrets, *settings;
		const char *error; /* NULL: good; else a word of the text */
	} cases[] = {
	    {"stripe", "{'webhook':'whsec_1'}", "{}", NULL},
	    {"stripe", "{'webhook':'whsec_1'}",
		"{'mode':'test','account':'acct_1','tolerance_s':600,'connect':true}", NULL},
	    {"stripe", "{'webhook':'whsec_1'}", "{'mode':null,'account':''}", NULL},
	    {"stripe", "{'webhook':'whsec_1'}", "{'mode':'Live'}", "mode"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'mode':1}", "mode"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'account':'ca_1'}", "account"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'tolerance_s':0}", "tolerance_s"},
	    {"stripe", "{}", "{}", "secret"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'connect':'yes'}", "connect"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'exponents':{'UGX':2}}", NULL},
	    {"stripe", "{'webhook':'whsec_1'}", "{'exponents':{'UGX':'2'}}", "exponents"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'exponents':[2]}", "exponents"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'revenue':{'discounts':'all'}}", NULL},
	    {"stripe", "{'webhook':'whsec_1'}", "{'revenue':7}", "revenue"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'api_url':'http://127.0.0.1:8080'}", NULL},
	    {"stripe", "{'webhook':'whsec_1'}", "{'api_url':'api.example.com'}", "api_url"},
	    {"stripe", "{'webhook':'whsec_1','api_key':'rk_live_1'}", "{'mode':'live'}", NULL},
	    {"stripe", "{'webhook':'whsec_1','api_key':'sk_1'}", "{'mode':'live'}", NULL},
	    {"stripe", "{'webhook':'whsec_1','api_key':'rk_test_1'}", "{'mode':'live'}", "mode"},
	    {"stripe", "{'webhook':'whsec_1','api_key':'pk_live_1'}", "{}", "publishable"},
	    {"stripe", "{'webhook':'whsec_1','api_key':'live_1'}", "{}", "api_key"},
	    {"stripe", "{'webhook':'whsec_1'}", "{'unwrap':true}", "unwrap_token"},
	    {"stripe", "{'unwrap_token':'short'}", "{'unwrap':true}", "unwrap_token"},
	    {"stripe", "{'unwrap_token':'0123456789abcdef'}", "{'unwrap':true}", NULL},
	    {"stripe", "{'unwrap_token':'0123456789abcdef'}", "{'unwrap':false}", "secret"},
	    {"lago", "{'webhook':'5d2f'}", "{}", NULL},
	    {"lago", "{'webhook':'5d2f'}", "{'app_url':'https://app.example.com'}", NULL},
	    {"lago", "{'webhook':'5d2f'}", "{'app_url':'app.example.com'}", "app_url"},
	    {"lago", "{'webhook':'5d2f'}", "{'public_key':'nonsense'}", "public_key"},
	    {"lago", "{}",
		"{'public_key':'-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----'}",
		"public key"},
	    {"lago", "{}", "{}", "secret"},
	};
	json_t *file = load("tests/hooks/lago-signatures.json");
	struct source_config config = {.code = "test"};
	struct bh_err err = BH_ERR_INIT;

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *parsed[2];
		int rc;

		for (int k = 0; k < 2; k++) {
			char text[256];

			snprintf(text, sizeof(text), "%s",
			    k == 0 ? cases[i].secrets : cases[i].settings);
			for (char *s = text; *s != '\0'; s++)
				if (*s == '\'')
					*s = '"';
			assert_int_equal(bh_json_parse(text, strlen(text), &parsed[k], NULL), 0);
		}
		config.secrets = parsed[0];
		config.settings = parsed[1];
		rc = source_check(source_driver(cases[i].driver), &config, &err);
		if ((rc == 0) != (cases[i].error == NULL) ||
		    (rc < 0 && strstr(err.text, cases[i].error) == NULL))
			fail_msg("%zu gives %d %s", i, rc, err.text);
		json_decref(parsed[0]);
		json_decref(parsed[1]);
	}
	config.secrets = NULL;
	config.settings = json_pack("{s:O}", "public_key", json_object_get(file, "public_key_pem"));
	assert_int_equal(source_driver("lago")->check(&config, &err), 0);
	json_decref((json_t *)(uintptr_t)config.settings);
	json_decref(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stripe_vectors),
	    cmocka_unit_test(lago_vectors),
	    cmocka_unit_test(stripe_secrets),
	    cmocka_unit_test(stripe_headers),
	    cmocka_unit_test(stripe_tolerance),
	    cmocka_unit_test(stripe_token),
	    cmocka_unit_test(stripe_token_beside_signature),
	    cmocka_unit_test(lago_configuration),
	    cmocka_unit_test(lago_headers),
	    cmocka_unit_test(checks),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
