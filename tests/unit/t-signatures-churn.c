/*
 * Signatures of LostChurn, with all its vectors, and of generic senders: the
 * schemes, what is refused, and what a connection may not be saved with.
 */
#include "base/buf.h"
#include "base/crypt.h"
#include "base/text.h"
#include "source/source.h"
#include "unit.h"

#define NOW_S INT64_C(1790000000)

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

/* JSON in which quotes are written as apostrophes. */
static json_t *
json_of(const char *text)
{
	char *copy = bh_xstrdup(text);
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	for (char *s = copy; *s != '\0'; s++)
		if (*s == '\'')
			*s = '"';
	if (bh_json_parse(copy, strlen(copy), &json, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	free(copy);
	return json;
}

struct delivery {
	struct source_config config;
	struct source_header headers[16];
	struct source_request request;
	struct bh_err err;
};

static void
deliver(struct delivery *delivery, const json_t *headers, const char *body, size_t len,
    int64_t now_s)
{
	const char *name;
	json_t *value;

	delivery->request = (struct source_request){.headers = delivery->headers,
	    .body = body,
	    .body_len = len,
	    .received_ms = now_s * 1000 + 999};
	json_object_foreach ((json_t *)(uintptr_t)headers, name, value)
		delivery->headers[delivery->request.headers_n++] =
		    (struct source_header){name, json_string_value(value)};
	delivery->err = (struct bh_err)BH_ERR_INIT;
}

/* The body of a vector: a file, perhaps changed after it was signed; or as it stands. */
static char *
body_of(const json_t *vector, size_t *len_r)
{
	const char *file = bh_json_str(vector, "file"), *text = bh_json_str(vector, "body");
	const json_t *change = json_object_get(vector, "mutate");
	const char *from = bh_json_str(change, "replace.0"), *to = bh_json_str(change, "replace.1");
	struct bh_buf body = BH_BUF_INIT(65536), changed = BH_BUF_INIT(65536);

	if (file != NULL) {
		char *name = bh_xasprintf("tests/hooks/lostchurn/%s", file),
		     *path = unit_path(name);
		FILE *stream = fopen(path, "rb");
		char *room = bh_buf_room(&body, 16384);

		assert_non_null(stream);
		body.len += fread(room, 1, 16384, stream);
		room[body.len] = '\0';
		fclose(stream);
		free(path);
		free(name);
	} else {
		bh_buf_adds(&body, text);
	}
	if (json_object_get(change, "offset") != NULL)
		body.data[bh_json_int(change, "offset", 0)] ^= (char)bh_json_int(change, "xor", 0);
	for (const char *at = bh_buf_str(&body); from != NULL && *at != '\0';) {
		bool hit = bh_has_prefix(at, from);

		if (hit)
			bh_buf_adds(&changed, to);
		else
			bh_buf_addc(&changed, *at);
		at += hit ? strlen(from) : 1;
	}
	*len_r = from != NULL ? changed.len : body.len;
	text = from != NULL ? bh_buf_steal(&changed) : bh_buf_steal(&body);
	bh_buf_release(&body);
	bh_buf_release(&changed);
	return text != NULL ? (char *)(uintptr_t)text : bh_xstrdup("");
}

/* What "expect" says, for a connection with one secret or two. */
static void
play(const json_t *vector, const json_t *secrets, bool has_previous)
{
	const struct source_driver *driver = source_driver("lostchurn");
	const char *expect = bh_json_str(vector, "expect"), *name = bh_json_str(vector, "name");
	struct delivery delivery = {.config = {.code = "test", .secrets = secrets}};
	struct source_event event = {0};
	size_t len;
	char *body = body_of(vector, &len);
	bool good = bh_has_prefix(expect, "accept") || bh_has_prefix(expect, "signature fine");
	int rc;

	if (strstr(expect, "only when that second secret") != NULL)
		good = has_previous;
	deliver(&delivery, json_object_get(vector, "headers"), body, len,
	    bh_json_int(vector, "now", 0));
	rc = driver->verify(&delivery.config, &delivery.request, &delivery.err);
	if ((rc == 0) != good)
		fail_msg("%s (%s): %d %s", name != NULL ? name : "plain", expect, rc,
		    delivery.err.text);
	assert_true(rc == 0 || delivery.err.code == BH_DENIED);
	if (strstr(expect, "header missing") != NULL)
		assert_non_null(strstr(delivery.err.text, "missing"));
	if (strstr(expect, "stale") != NULL)
		assert_non_null(strstr(delivery.err.text, "old"));
	if (strstr(expect, "clock") != NULL)
		assert_non_null(strstr(delivery.err.text, "future"));
	if (rc == 0) {
		json_t *json = NULL;
		bool known = driver->identify(&delivery.config, &delivery.request, &event,
				 &delivery.err) == 0;

		assert_int_equal(known, strstr(expect, "not JSON") == NULL);
		assert_int_equal(known, bh_json_parse(body, len, &json, NULL) == 0);
		/* The id of the body, whatever an unsigned header says. */
		if (known)
			assert_string_equal(event.id, bh_json_str(json, "id"));
		json_decref(json);
	}
	free(body);
}

static void
lostchurn_vectors(void **state BH_UNUSED)
{
	static const char *const lists[] = {"deliveries", "cases"};
	json_t *file = load("tests/hooks/lostchurn-signatures.json"), *vector;
	json_t *one = json_pack("{s:O}", "webhook", json_object_get(file, "secret"));
	json_t *two = json_pack("{s:O, s:O}", "webhook", json_object_get(file, "secret"),
	    "webhook_previous", json_object_get(file, "previous_secret"));
	size_t i, n = 0;

	for (size_t k = 0; k < BH_LEN(lists); k++) {
		json_array_foreach (json_object_get(file, lists[k]), i, vector) {
			play(vector, one, false);
			play(vector, two, true);
			n++;
		}
	}
	assert_int_equal(n, 25 + 19);
	json_decref(one);
	json_decref(two);
	json_decref(file);
}

/* The files are those that were signed. */
static void
lostchurn_bytes(void **state BH_UNUSED)
{
	json_t *file = load("tests/hooks/lostchurn-signatures.json"), *vector;
	unsigned char digest[BH_SHA256_LEN];
	char hex[65];
	size_t i;

	json_array_foreach (json_object_get(file, "deliveries"), i, vector) {
		size_t len;
		char *body = body_of(vector, &len);

		bh_sha256(digest, body, len);
		bh_hex(hex, digest, sizeof(digest));
		assert_string_equal(hex, bh_json_str(vector, "body_sha256"));
		assert_int_equal(len, bh_json_int(vector, "bytes", 0));
		free(body);
	}
	json_decref(file);
}

/* Headers that are not what LostChurn sends, over a body that is signed well. */
static void
lostchurn_headers(void **state BH_UNUSED)
{
	static const struct {
		const char *timestamp, *before, *after;
		int rc;
	} cases[] = {
	    {"1790000000", "", "", 0},
	    {"1790000000", " ", "", -1},
	    {"1790000000", "", "00", -1},
	    {"1790000000", "sha256=", "", -1},
	    {"+1790000000", "", "", -1},
	    {"1790000000.0", "", "", -1},
	    {" 1790000000", "", "", -1},
	    {"01790000000", "", "", -1},
	    {"99999999999999999999999", "", "", -1},
	    {"-1790000000", "", "", -1},
	};
	const struct bh_part parts[] = {{"1790000000.", 11}, {"{}", 2}};
	json_t *secrets = json_pack("{s:s}", "webhook", "key-of-the-test");
	unsigned char digest[BH_SHA256_LEN];
	char hex[65], header[100];

	bh_hmac_sha256(digest, "key-of-the-test", 15, parts, 2);
	bh_hex(hex, digest, sizeof(digest));
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct delivery delivery = {.config = {.secrets = secrets}};
		json_t *headers;
		int rc;

		snprintf(header, sizeof(header), "%s%s%s", cases[i].before, hex, cases[i].after);
		headers = json_pack("{s:s, s:s}", "x-lostchurn-signature", header,
		    "x-lostchurn-timestamp", cases[i].timestamp);
		deliver(&delivery, headers, "{}", 2, NOW_S);
		rc = source_driver("lostchurn")
			 ->verify(&delivery.config, &delivery.request, &delivery.err);
		if (rc != cases[i].rc)
			fail_msg("case %zu gives %d %s", i, rc, delivery.err.text);
		assert_null(strstr(delivery.err.text, hex));
		json_decref(headers);
	}
	json_decref(secrets);
}

/* One request for each scheme; made with openssl dgst and base64, not with our own functions. */
static const char body[] = "{\"id\":\"e-1\",\"total\":\"12.50\"}";
#define SHA256_HEX "9e289023a70b330436c411e4ff7edab8459b4bd6270f7b4acea9a2a5528bf204"
#define SHA256_BASE64 "niiQI6cLMwQ2xBHk/37auEWbS9YnD3tKzqmipVKL8gQ="
#define SHA1_HEX "6b4e35701de533a073572fd2686beaa513b689cb"
#define TIMED_HEX "086000db24b1d74dfe296a3dafb510b168f31c101aff032a896a60436e87840d"
#define BASIC "Basic aG9vazpjb3JyZWN0LWhvcnNl"

static const struct {
	const char *settings, *secrets, *headers;
	int rc;
} schemes[] = {
    {"{'scheme':'hmac-sha256-hex'}", "{'webhook':'s3cret-key'}", "{'x-signature':'" SHA256_HEX "'}",
	0},
    {"{'scheme':'hmac-sha256-hex'}", "{'webhook':'other-key','webhook_previous':'s3cret-key'}",
	"{'X-Signature':'" SHA256_HEX "'}", 0},
    {"{'scheme':'hmac-sha256-hex'}", "{'webhook':'other-key'}", "{'x-signature':'" SHA256_HEX "'}",
	-1},
    {"{'scheme':'hmac-sha256-hex','signature_header':'X-Hub-Signature-256','signature_prefix':'sha256='}",
	"{'webhook':'s3cret-key'}", "{'x-hub-signature-256':'sha256=" SHA256_HEX "'}", 0},
    {"{'scheme':'hmac-sha256-hex','signature_header':'X-Hub-Signature-256','signature_prefix':'sha256='}",
	"{'webhook':'s3cret-key'}", "{'x-hub-signature-256':'" SHA256_HEX "'}", -1},
    {"{'scheme':'hmac-sha256-hex'}", "{'webhook':'s3cret-key'}",
	"{'x-signature':'sha256=" SHA256_HEX "'}", -1},
    {"{'scheme':'hmac-sha256-hex'}", "{'webhook':'s3cret-key'}",
	"{'x-signature':'" SHA256_BASE64 "'}", -1},
    {"{'scheme':'hmac-sha256-base64'}", "{'webhook':'s3cret-key'}",
	"{'x-signature':'" SHA256_BASE64 "'}", 0},
    {"{'scheme':'hmac-sha256-base64'}", "{'webhook':'s3cret-key'}",
	"{'x-signature':'niiQI6cLMwQ2xBHk'}", -1},
    {"{'scheme':'hmac-sha1-hex','signature_prefix':'sha1='}", "{'webhook':'s3cret-key'}",
	"{'x-signature':'sha1=" SHA1_HEX "'}", 0},
    {"{'scheme':'hmac-sha1-hex'}", "{'webhook':'s3cret-key'}", "{'x-signature':'" SHA256_HEX "'}",
	-1},
    {"{'scheme':'hmac-sha256-hex','signed':'{timestamp}.{body}','timestamp_header':'X-Time'}",
	"{'webhook':'s3cret-key'}", "{'x-signature':'" TIMED_HEX "','x-time':'1790000000'}", 0},
    {"{'scheme':'hmac-sha256-hex','signed':'{timestamp}.{body}','timestamp_header':'X-Time'}",
	"{'webhook':'s3cret-key'}", "{'x-signature':'" TIMED_HEX "','x-time':'1790000001'}", -1},
    {"{'scheme':'hmac-sha256-hex','signed':'{timestamp}.{body}','timestamp_header':'X-Time'}",
	"{'webhook':'s3cret-key'}", "{'x-signature':'" SHA256_HEX "'}", -1},
    {"{'scheme':'hmac-sha256-hex','signed':'{timestamp}.{body}','timestamp_header':'X-Time','tolerance_s':10}",
	"{'webhook':'s3cret-key'}", "{'x-signature':'" TIMED_HEX "','x-time':'1789999989'}", -1},
    {"{'scheme':'token'}", "{'webhook':'0123456789abcdef'}",
	"{'x-webhook-token':'0123456789abcdef'}", 0},
    {"{'scheme':'token','signature_header':'Authorization','signature_prefix':'Bearer '}",
	"{'webhook':['new-token-new-token','0123456789abcdef']}",
	"{'authorization':'Bearer 0123456789abcdef'}", 0},
    {"{'scheme':'token'}", "{'webhook':'0123456789abcdef'}",
	"{'x-webhook-token':'0123456789abcdeF'}", -1},
    {"{'scheme':'token'}", "{'webhook':'0123456789abcdef'}",
	"{'x-webhook-token':'0123456789abcde'}", -1},
    {"{'scheme':'token'}", "{'webhook':'0123456789abcdef'}", "{'x-webhook-token':''}", -1},
    {"{'scheme':'token'}", "{'webhook':'0123456789abcdef'}", "{}", -1},
    {"{'scheme':'basic'}", "{'webhook':'hook:correct-horse'}", "{'authorization':'" BASIC "'}", 0},
    {"{'scheme':'basic'}", "{'webhook':'hook:correct-horse'}",
	"{'authorization':'basic aG9vazpjb3JyZWN0LWhvcnNl'}", 0},
    {"{'scheme':'basic'}", "{'webhook':'hook:other-horses'}", "{'authorization':'" BASIC "'}", -1},
    {"{'scheme':'basic'}", "{'webhook':'hook:correct-horse'}",
	"{'authorization':'Bearer aG9vazpjb3JyZWN0LWhvcnNl'}", -1},
    {"{'scheme':'basic'}", "{'webhook':'hook:correct-horse'}", "{'authorization':'Basic !!'}", -1},
};

static void
generic_schemes(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(schemes); i++) {
		json_t *settings = json_of(schemes[i].settings);
		json_t *secrets = json_of(schemes[i].secrets),
		       *headers = json_of(schemes[i].headers);
		struct delivery delivery = {.config = {"test", settings, secrets}};
		int rc;

		deliver(&delivery, headers, body, sizeof(body) - 1, NOW_S);
		rc = source_driver("generic")->verify(&delivery.config, &delivery.request,
		    &delivery.err);
		if (rc != schemes[i].rc)
			fail_msg("case %zu gives %d %s", i, rc, delivery.err.text);
		assert_true(rc == 0 || delivery.err.code == BH_DENIED);
		assert_null(strstr(delivery.err.text, "s3cret"));
		assert_null(strstr(delivery.err.text, "0123456789"));
		/* Nothing fits another body. */
		deliver(&delivery, headers, body, sizeof(body) - 2, NOW_S);
		if (strstr(schemes[i].settings, "hmac") != NULL)
			assert_int_equal(source_driver("generic")->verify(&delivery.config,
					     &delivery.request, &delivery.err),
			    -1);
		json_decref(settings);
		json_decref(secrets);
		json_decref(headers);
	}
}

/* Without a scheme or a secret nothing is let in. */
static void
generic_closed(void **state BH_UNUSED)
{
	static const char *const settings[] = {"{}", "{'scheme':''}", "{'scheme':'none'}",
	    "{'scheme':7}"};

	for (size_t i = 0; i < BH_LEN(settings); i++) {
		json_t *parsed = json_of(settings[i]), *none = json_object();
		json_t *secrets = json_of("{'webhook':'0123456789abcdef'}");
		json_t *headers = json_of("{'x-signature':'0123456789abcdef'}");
		struct delivery delivery = {.config = {"test", parsed, secrets}};

		deliver(&delivery, headers, "{}", 2, NOW_S);
		assert_int_equal(source_driver("generic")->verify(&delivery.config,
				     &delivery.request, &delivery.err),
		    -1);
		delivery.config.secrets = none;
		assert_int_equal(source_driver("generic")->verify(&delivery.config,
				     &delivery.request, &delivery.err),
		    -1);
		assert_int_equal(delivery.err.code, BH_INVALID);
		json_decref(parsed);
		json_decref(none);
		json_decref(secrets);
		json_decref(headers);
	}
}

#define READER "'reader':{'objects':[{'kind':'invoice','id':'/no','fields':{'number':'/no'}}]}"

/* What is refused when a connection is saved. */
static void
checks(void **state BH_UNUSED)
{
	static const struct {
		const char *driver, *secrets, *settings;
		const char *error; /* NULL: good; else words of the text */
	} cases[] = {
	    {"lostchurn", "{'webhook':'lc_whsec_1'}", "{}", NULL},
	    {"lostchurn", "{'webhook':'lc_whsec_1','api_key':'lc_live_1'}",
		"{'edition':'2','mrr_unit':'major','currency':'usd','tolerance_s':600}", NULL},
	    {"lostchurn", "{}", "{}", "webhook is missing"},
	    {"lostchurn", "{'webhook':'x','api_key':'lc_pub_1'}", "{}", "publishable"},
	    {"lostchurn", "{'webhook':'x'}", "{'edition':'3'}", "edition must be one of"},
	    {"lostchurn", "{'webhook':'x'}", "{'mrr_unit':'cents'}", "mrr_unit must be one of"},
	    {"lostchurn", "{'webhook':'x'}", "{'currency':'dollar'}", "currency"},
	    {"lostchurn", "{'webhook':'x'}", "{'tolerance_s':5}", "tolerance_s"},
	    {"lostchurn", "{'webhook':'x'}", "{'api_url':'http://api.example.com'}", "api_url"},
	    {"lostchurn", "{'webhook':'x'}", "{'reader':{'object':[]}}", "no member object"},
	    {"lostchurn", "{'webhook':'x'}", "{" READER "}", NULL},
	    {"generic", "{'webhook':'12345678'}", "{'scheme':'hmac-sha256-hex'," READER "}", NULL},
	    {"generic", "{'webhook':'1234567'}", "{'scheme':'hmac-sha256-hex'," READER "}",
		"at least 8"},
	    {"generic", "{'webhook':'123456789012345'}", "{'scheme':'token'," READER "}",
		"at least 16"},
	    {"generic", "{'webhook':'1234567890123456','webhook_previous':'x'}",
		"{'scheme':'token'," READER "}", "at least 16"},
	    {"generic", "{'webhook':'1234567890123456'}", "{'scheme':'basic'," READER "}",
		"user:password"},
	    {"generic", "{'webhook':'hook:12345678901'}", "{'scheme':'basic'," READER "}", NULL},
	    {"generic", "{'webhook':'12345678'}", "{'scheme':'hmac-sha256-hex'}",
		"reader is missing"},
	    {"generic", "{'webhook':'12345678'}", "{" READER "}", "scheme is missing"},
	    {"generic", "{'webhook':'12345678'}", "{'scheme':'none'," READER "}",
		"scheme must be one of"},
	    {"generic", "{}", "{'scheme':'token'," READER "}", "webhook is missing"},
	    {"generic", "{'webhook':'12345678'}",
		"{'scheme':'hmac-sha256-hex','signed':'{timestamp}.{body}'," READER "}",
		"timestamp_header is missing"},
	    {"generic", "{'webhook':'1234567890123456'}",
		"{'scheme':'token','signed':'{timestamp}.{body}','timestamp_header':'x'," READER
		"}",
		"signs nothing"},
	    {"generic", "{'webhook':'12345678'}",
		"{'scheme':'hmac-sha256-hex','signature_header':'X Signature'," READER "}",
		"signature_header"},
	    {"generic", "{'webhook':'12345678'}",
		"{'scheme':'hmac-sha256-hex','event_id':'id'," READER "}", "event_id"},
	    {"generic", "{'webhook':'12345678'}",
		"{'scheme':'hmac-sha256-hex','event_id':'header:X-Id','event_type':'/a~1b','event_time':'/t'," READER
		"}",
		NULL},
	    {"generic", "{'webhook':'12345678'}",
		"{'scheme':'hmac-sha256-hex','event_time':'header:X-Time'," READER "}",
		"event_time"},
	    {"generic", "{'webhook':'12345678'}",
		"{'scheme':'hmac-sha256-hex','event_type':'/a~'," READER "}", "event_type"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *secrets = json_of(cases[i].secrets), *settings = json_of(cases[i].settings);
		struct source_config config = {"test", settings, secrets};
		struct bh_err err = BH_ERR_INIT;
		int rc = source_check(source_driver(cases[i].driver), &config, &err);

		if ((rc == 0) != (cases[i].error == NULL) ||
		    (rc < 0 &&
			(err.code != BH_INVALID || strstr(err.text, cases[i].error) == NULL)))
			fail_msg("case %zu gives %d %s", i, rc, err.text);
		json_decref(secrets);
		json_decref(settings);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lostchurn_vectors),
	    cmocka_unit_test(lostchurn_bytes),
	    cmocka_unit_test(lostchurn_headers),
	    cmocka_unit_test(generic_schemes),
	    cmocka_unit_test(generic_closed),
	    cmocka_unit_test(checks),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
