/*
 * Alguna: signatures.  All recorded deliveries and header cases, the
 * specification's own vector, and what they do not cover: bounds, odd
 * headers, configuration.
 */
#include "hooks.h"
#include "source/alguna.h"

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

static char *
slurp_body(const char *file, size_t *len_r)
{
	char *name = bh_xasprintf("tests/hooks/alguna/%s", file), *path = unit_path(name);
	char *text = hooks_slurp(path, len_r);

	free(path);
	free(name);
	return text;
}

/* -- signatures -- */

static int
verify(const json_t *secrets, const json_t *settings, const json_t *headers, const char *body,
    size_t body_len, int64_t now_s, struct bh_err *err)
{
	struct source_config config = {.code = "test", .settings = settings, .secrets = secrets};
	struct source_header list[16];
	struct source_request request = {.headers = list,
	    .body = body,
	    .body_len = body_len,
	    .received_ms = now_s * 1000 + 999};
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)headers, name, value)
		list[request.headers_n++] = (struct source_header){name, json_string_value(value)};
	*err = (struct bh_err)BH_ERR_INIT;
	return source_alguna.verify(&config, &request, err);
}

/* Headers as a gateway makes them of the CGI environment. */
static json_t *
headers_of(const json_t *one)
{
	json_t *headers = json_copy(json_object_get(one, "headers")), *value;
	const char *name;

	if (headers != NULL)
		return headers;
	headers = json_object();
	json_object_foreach (json_object_get(one, "cgi_env"), name, value) {
		char header[64];

		if (!bh_has_prefix(name, "HTTP_"))
			continue;
		snprintf(header, sizeof(header), "%s", name + 5);
		for (char *s = header; *s != '\0'; s++)
			*s = *s == '_' ? '-' : (char)(*s - 'A' + 'a');
		json_object_set(headers, header, value);
	}
	return headers;
}

static void
expect_verdict(const json_t *one, const json_t *secrets, bool accept)
{
	json_t *headers = headers_of(one);
	struct bh_err err;
	size_t len;
	char *body = slurp_body(bh_json_str(one, "file"), &len);
	int rc = verify(secrets, NULL, headers, body, len, bh_json_int(one, "now", 0), &err);

	if ((rc == 0) != accept)
		fail_msg("%s %s gives %d %s", bh_json_str(one, "file"), bh_json_str(one, "expect"),
		    rc, err.text);
	if (rc < 0) {
		assert_int_equal(err.code, BH_DENIED);
		assert_true(err.text[0] != '\0');
		assert_null(strstr(err.text, "whsec"));
	}
	free(body);
	json_decref(headers);
}

static void
vectors(void **state BH_UNUSED)
{
	json_t *file = load("tests/hooks/alguna-signatures.json"), *one;
	json_t *secret = json_object_get(file, "secret");
	json_t *previous = json_object_get(file, "previous_secret");
	json_t *now = json_pack("{s:O}", "webhook", secret);
	json_t *both = json_pack("{s:O, s:O}", "webhook", secret, "webhook_previous", previous);
	json_t *old = json_pack("{s:O}", "webhook", previous);
	size_t i, accepted = 0;

	json_array_foreach (json_object_get(file, "deliveries"), i, one) {
		expect_verdict(one, now, true);
		expect_verdict(one, old, false);
	}
	assert_int_equal(i, 27);
	json_array_foreach (json_object_get(file, "cases"), i, one) {
		const char *expect = bh_json_str(one, "expect");
		bool accept = bh_has_prefix(expect, "accept");
		bool only_previous = strstr(expect, "only when the previous") != NULL;

		expect_verdict(one, both, accept);
		expect_verdict(one, now, accept && !only_previous);
		expect_verdict(one, old,
		    only_previous || strstr(expect, "either stored secret") != NULL);
		accepted += accept;
	}
	assert_true(i == 20 && accepted == 10);
	json_decref(old);
	json_decref(both);
	json_decref(now);
	json_decref(file);
}

/* The specification's own vector, with the secret written in every way that people paste. */
static void
published(void **state BH_UNUSED)
{
	static const char *const good[] = {"whsec_%s", "%s", "  whsec_%s\n"};
	json_t *file = load("tests/hooks/alguna-signatures.json");
	json_t *vector = json_object_get(file, "published_vector");
	const char *secret = bh_json_str(vector, "secret") + strlen("whsec_");
	const char *body = bh_json_str(vector, "body");
	json_t *headers = json_pack("{s:O, s:O, s:O}", "Webhook-Id", json_object_get(vector, "id"),
	    "Webhook-Timestamp", json_object_get(vector, "timestamp"), "Webhook-Signature",
	    json_object_get(vector, "signature"));
	struct bh_err err;

	for (size_t i = 0; i < BH_LEN(good); i++) {
		const char *at = strstr(good[i], "%s");
		json_t *secrets = json_pack("{s:o}", "webhook",
		    json_sprintf("%.*s%s%s", (int)(at - good[i]), good[i], secret, at + 2));

		assert_int_equal(verify(secrets, NULL, headers, body, strlen(body), 1614265330,
				     &err),
		    0);
		json_decref(secrets);
	}
	json_decref(headers);
	json_decref(file);
}

/* One change to a delivery that is good. */
static void
odd_headers(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *value; /* value NULL: left out; %s: the good one */
		int rc;
	} cases[] = {
	    {"webhook-signature", "%s", 0},
	    {"webhook-signature", "  %s  ", 0},
	    {"webhook-signature", "v1 v1, %s", 0},
	    {"webhook-signature", "v1a,AAAA  %s v9,x", 0},
	    {"webhook-signature", "%s,v1", -1},
	    {"webhook-signature", "V1,AAAA", -1},
	    {"webhook-signature", "x%s", -1},
	    {"webhook-signature", "%s=", -1},
	    {"webhook-signature", "", -1},
	    {"webhook-signature", "v1,", -1},
	    {"webhook-signature", NULL, -1},
	    {"webhook-id", "", -1},
	    {"webhook-id", NULL, -1},
	    {"webhook-timestamp", NULL, -1},
	    {"webhook-timestamp", "", -1},
	    {"webhook-timestamp", " 1790813506", -1},
	    {"webhook-timestamp", "+1790813506", -1},
	    {"webhook-timestamp", "-1790813506", -1},
	    {"webhook-timestamp", "1790813506.0", -1},
	    {"webhook-timestamp", "99999999999999999999999999", -1},
	    {"webhook-timestamp", "9223372036854775807", -1},
	};
	json_t *file = load("tests/hooks/alguna-signatures.json");
	json_t *secrets = json_pack("{s:O}", "webhook", json_object_get(file, "secret"));
	json_t *good = bh_json_at(file, "cases.0");
	size_t len;
	char *body = slurp_body(bh_json_str(good, "file"), &len);
	struct bh_err err;

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *headers = json_deep_copy(json_object_get(good, "headers"));
		const char *was = bh_json_str(headers, cases[i].name), *value = cases[i].value;
		const char *at = value != NULL ? strstr(value, "%s") : NULL;
		char *text = at == NULL
				 ? bh_xstrdup(value != NULL ? value : "")
				 : bh_xasprintf("%.*s%s%s", (int)(at - value), value, was, at + 2);
		int rc;

		json_object_del(headers, cases[i].name);
		if (value != NULL)
			json_object_set_new(headers, cases[i].name, json_string(text));
		rc = verify(secrets, NULL, headers, body, len, 1790813507, &err);
		if (rc != cases[i].rc || (rc < 0 && err.code != BH_DENIED))
			fail_msg("case %zu (%s) gives %d %s", i, text, rc, err.text);
		/* What is missing in one family is not taken from the other. */
		if (value == NULL) {
			char other[64];

			snprintf(other, sizeof(other), "svix-%s", cases[i].name + 8);
			json_object_set(headers, other,
			    bh_json_at(good, "headers") != NULL
				? json_object_get(json_object_get(good, "headers"), cases[i].name)
				: NULL);
			assert_int_equal(verify(secrets, NULL, headers, body, len, 1790813507,
					     &err),
			    -1);
		}
		free(text);
		json_decref(headers);
	}
	assert_int_equal(verify(secrets, NULL, json_object_get(good, "headers"), "", 0, 1790813507,
			     &err),
	    -1);
	assert_int_equal(err.code, BH_DENIED);
	free(body);
	json_decref(secrets);
	json_decref(file);
}

/* What a connection lacks is said as such; the tolerance is a setting. */
static void
configuration(void **state BH_UNUSED)
{
	static const struct {
		const char *secrets, *settings;
		const char *error; /* NULL: good; else a word of the text */
	} cases[] = {
	    {"{'webhook':'whsec_BaDWeayEmV04ZatiBA/MQmkXUksNyKHh'}", "{}", NULL},
	    {"{'webhook':'whsec_BaDWeayE','webhook_previous':'whsec_r9Xy'}",
		"{'generation':'1','tolerance_s':60}", NULL},
	    {"{'api_key':'sk_live_1'}", "{'generation':'2','invoice_details':'open'}", NULL},
	    {"{}", "{}", "secret"},
	    {"{'webhook':'whsec_not base64!'}", "{}", "secret"},
	    {"{'webhook':'whsec_'}", "{}", "secret"},
	    {"{'webhook':'whsec_BaDWeayE','webhook_previous':'whsec_!'}", "{}", "secret"},
	    {"{'api_key':'sk_live_1'}", "{'generation':'3'}", "generation"},
	    {"{'api_key':'sk_live_1'}", "{'generation':2}", "generation"},
	    {"{'api_key':'sk_live_1'}", "{'api_url':'http://example.com'}", "api_url"},
	    {"{'api_key':'sk_live_1'}", "{'tolerance_s':0}", "tolerance_s"},
	    {"{'api_key':'sk_live_1'}", "{'invoice_details':'some'}", "invoice_details"},
	    {"{'api_key':'sk_live_1'}", "{'revenue':7}", "revenue"},
	};
	json_t *headers = json_pack("{s:s, s:s, s:s}", "webhook-id", "msg_1", "webhook-timestamp",
	    "1790813506", "webhook-signature", "v1,AAAA");
	struct bh_err err;

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *parsed[2];
		struct source_config config;
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
		config = (struct source_config){"test", parsed[1], parsed[0]};
		err = (struct bh_err)BH_ERR_INIT;
		rc = source_check(&source_alguna, &config, &err);
		if ((rc == 0) != (cases[i].error == NULL) ||
		    (rc < 0 && strstr(err.text, cases[i].error) == NULL))
			fail_msg("case %zu gives %d %s", i, rc, err.text);
		/* A connection whose own secret is no use says so, and blames no sender. */
		if (cases[i].error != NULL && strcmp(cases[i].error, "secret") == 0) {
			assert_int_equal(verify(parsed[0], NULL, headers, "{}", 2, 1790813506,
					     &err),
			    -1);
			assert_int_equal(err.code, BH_INVALID);
		}
		json_decref(parsed[0]);
		json_decref(parsed[1]);
	}
	json_decref(headers);
}

static void
tolerance(void **state BH_UNUSED)
{
	static const struct {
		int age_s, rc;
	} cases[] = {{60, 0}, {61, -1}, {-60, 0}, {-61, -1}};
	json_t *file = load("tests/hooks/alguna-signatures.json");
	json_t *secrets = json_pack("{s:O}", "webhook", json_object_get(file, "secret"));
	json_t *settings = json_pack("{s:i}", "tolerance_s", 60);
	json_t *good = bh_json_at(file, "cases.0");
	size_t len;
	char *body = slurp_body(bh_json_str(good, "file"), &len);
	struct bh_err err;

	for (size_t i = 0; i < BH_LEN(cases); i++)
		assert_int_equal(verify(secrets, settings, json_object_get(good, "headers"), body,
				     len, 1790813506 + cases[i].age_s, &err),
		    cases[i].rc);
	free(body);
	json_decref(settings);
	json_decref(secrets);
	json_decref(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vectors),
	    cmocka_unit_test(published),
	    cmocka_unit_test(odd_headers),
	    cmocka_unit_test(configuration),
	    cmocka_unit_test(tolerance),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
