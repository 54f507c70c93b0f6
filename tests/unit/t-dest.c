/* Destinations that are no CRM, and what all destinations share. */
#include "base/base.h"

#include "base/text.h"
#include "dest/dest.h"
#include "unit.h"

/* --- the table ---------------------------------------------------------- */

static void
drivers_are_complete(void **state)
{
	static const char *const names[] = {"salesforce", "hubspot", "sandbox"};

	(void)state;
	for (size_t i = 0; i < BH_LEN(names); i++) {
		const struct dest_driver *driver = dest_driver(names[i]);

		assert_non_null(driver);
		assert_string_equal(driver->name, names[i]);
		assert_non_null(driver->title);
	}
	assert_null(dest_driver("stand-in"));
	assert_null(dest_driver(""));
	for (size_t i = 0; dest_drivers()[i] != NULL; i++)
		assert_ptr_equal(dest_driver(dest_drivers()[i]->name), dest_drivers()[i]);
}

static void
outcomes_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < DEST__MAX; i++)
		assert_non_null(dest_outcome_name((enum dest_outcome)i));
	assert_string_equal(dest_outcome_name(DEST_APPLIED), "applied");
	assert_string_equal(dest_outcome_name((enum dest_outcome)99), "unknown");
	assert_string_equal(dest_outcome_name((enum dest_outcome) - 1), "unknown");
}

/* --- results ------------------------------------------------------------ */

static void
result_is_reset(void **state)
{
	struct dest_result result;

	(void)state;
	memset(&result, 0xff, sizeof(result));
	dest_result_set(&result, DEST_LATER, "CODE", NULL, "");
	assert_int_equal(result.outcome, DEST_LATER);
	assert_false(result.created);
	assert_false(result.permanent_auth);
	assert_false(result.doubtful);
	assert_int_equal(result.retry_after_s, 0);
	assert_string_equal(result.remote_id, "");
	assert_string_equal(result.code, "CODE");
	assert_string_equal(result.cause, "");
	assert_string_equal(result.remedy, "");
}

/* However a text is cut, it stays valid UTF-8 without controls. */
static void
result_is_cut(void **state)
{
	struct dest_result result;
	char text[2000];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		size_t len = shift;

		memset(text, 'x', shift);
		while (len < 1500) {
			memcpy(text + len, "\xf0\x9f\x98\x80", 4);
			len += 4;
		}
		text[len] = '\0';
		dest_result_set(&result, DEST_REJECTED, text, text, text);
		assert_true(strlen(result.cause) >= sizeof(result.cause) - 4);
		assert_true(bh_is_utf8(result.cause, strlen(result.cause)));
		assert_true(bh_is_utf8(result.code, strlen(result.code)));
	}
	dest_result_set(&result, DEST_REJECTED, "", "a\nb\x01\x7f\tc\xff\xc3", "");
	assert_null(strchr(result.cause, '\n'));
	assert_null(strchr(result.cause, 1));
	assert_null(strchr(result.cause, 0x7f));
	assert_true(bh_is_utf8(result.cause, strlen(result.cause)));
	memset(text, 'y', sizeof(text));
	text[sizeof(((struct dest_result *)0)->code) - 1] = '\0';
	dest_result_set(&result, DEST_REJECTED, text, "", "");
	assert_string_equal(result.code, text);
}

/* --- descriptions ------------------------------------------------------- */

static const char description[] =
    "{\"fields\":["
    "{\"label\":\"Name\",\"length\":255,\"name\":\"Name\",\"required\":true,\"type\":\"text\",\"writable\":true},"
    "{\"digits\":16,\"label\":\"Total\",\"name\":\"Total__c\",\"scale\":2,\"type\":\"number\"},"
    "{\"label\":\"On\",\"name\":\"On__c\",\"type\":\"bool\"},"
    "{\"label\":\"Due\",\"name\":\"Due__c\",\"type\":\"date\"},"
    "{\"label\":\"At\",\"name\":\"At__c\",\"type\":\"time\",\"unique\":true},"
    "{\"label\":\"Status\",\"name\":\"Status__c\",\"options\":[\"open\",\"paid\"],\"type\":\"enum\"}"
    "],\"name\":\"Invoice__c\"}";

static struct dest_object *
read_description(const char *text)
{
	struct dest_object *object;
	json_t *json = NULL;

	assert_int_equal(bh_json_parse(text, strlen(text), &json, NULL), 0);
	object = dest_object_from_json(json);
	json_decref(json);
	return object;
}

static void
description_goes_round(void **state)
{
	struct dest_object *object = read_description(description);
	json_t *json;
	char *text;

	(void)state;
	assert_non_null(object);
	json = dest_object_json(object);
	text = bh_json_text(json);
	assert_string_equal(text, description);
	assert_int_equal(object->fields_n, 6);
	assert_int_equal(dest_object_field(object, "Total__c")->digits, 16);
	assert_int_equal(dest_object_field(object, "Status__c")->type, RECORD_ENUM);
	assert_int_equal(json_array_size(dest_object_field(object, "Status__c")->options), 2);
	assert_null(dest_object_field(object, "total__c"));
	free(text);
	json_decref(json);
	dest_object_free(&object);
	assert_null(object);
	dest_object_free(&object);
}

static void
odd_descriptions(void **state)
{
	static const char *const none[] = {"null", "[]", "{}", "{\"name\":5,\"fields\":[]}",
	    "{\"name\":\"x\",\"fields\":{}}"};
	struct dest_object *object;

	(void)state;
	for (size_t i = 0; i < BH_LEN(none); i++)
		assert_null(read_description(none[i]));
	object = read_description(
	    "{\"name\":\"x\",\"fields\":[5,{\"name\":\"a\",\"type\":\"new\",\"length\":-5,\"digits\":99999,"
	    "\"scale\":\"2\",\"writable\":1,\"options\":\"x\"}]}");
	assert_int_equal(object->fields_n, 1);
	assert_string_equal(object->fields[0].label, "a");
	assert_int_equal(object->fields[0].type, RECORD_TEXT);
	assert_int_equal(object->fields[0].length, 0);
	assert_int_equal(object->fields[0].digits, 0);
	assert_false(object->fields[0].writable);
	assert_null(object->fields[0].options);
	dest_object_free(&object);
}

/* --- sandbox ------------------------------------------------------------ */

static void
sandbox_applies(void **state)
{
	const struct dest_driver *sandbox = dest_driver("sandbox");
	struct record *records[3] = {record_new("Account", "Key", "stripe:1"),
	    record_new("Account", "Key", "stripe:2"), record_new("Contact", "Key", "stripe:1")};
	struct dest_auth auth = {.account_id = ""};
	struct dest_config config = {.code = "try", .auth = &auth};
	struct dest_result results[3], again[3];

	(void)state;
	assert_true((sandbox->caps & DEST_CAP_KEEP) != 0);
	records[1]->remote_id = bh_xstrdup("sbx_known");
	sandbox->push(&config, records, 3, results);
	sandbox->push(&config, records, 3, again);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(results[i].outcome, DEST_APPLIED);
		assert_int_equal(results[i].created, i != 1);
		assert_true(strlen(results[i].remote_id) > 8);
		assert_string_equal(results[i].remote_id, again[i].remote_id);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(results[i].remote_id, results[k].remote_id);
	}
	assert_int_equal(config.calls, 0);
	assert_int_equal(sandbox->check(&config, NULL), 0);
	assert_int_equal(sandbox->authorize(&config, NULL), 0);
	assert_int_equal(sandbox->identify(&config, NULL), 0);
	assert_string_equal(auth.account_id, "sandbox");
	for (size_t i = 0; i < 3; i++)
		record_free(&records[i]);
	dest_auth_release(&auth);
}

/* --- stand-in ----------------------------------------------------------- */

static void
standin_gives_the_reason(void **state)
{
	struct dest_config config = {.code = "x", .broken = "the private key cannot be opened"};
	struct record *records[2] = {NULL, NULL};
	struct dest_result results[2];
	struct dest_object *object;
	struct bh_err err = BH_ERR_INIT;

	(void)state;
	assert_int_equal(dest_standin.authorize(&config, &err), -1);
	assert_int_equal(err.code, BH_DENIED);
	assert_string_equal(err.text, "the private key cannot be opened");
	assert_int_equal(dest_standin.describe(&config, "Account", &object, &err), -1);
	assert_null(object);
	assert_int_equal(dest_standin.identify(&config, &err), -1);
	assert_int_equal(dest_standin.check(&config, &err), -1);
	dest_standin.push(&config, records, 2, results);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(results[i].outcome, DEST_AUTH);
		assert_true(results[i].permanent_auth);
		assert_string_equal(results[i].cause, "the private key cannot be opened");
		assert_true(results[i].remedy[0] != '\0');
	}
	config.broken = NULL;
	assert_int_equal(dest_standin.authorize(&config, &err), -1);
	assert_true(err.text[0] != '\0');
}

/* --- trace -------------------------------------------------------------- */

static char logged[4096];
static int lines;

static void
take_line(enum bh_level level, const char *text)
{
	assert_int_equal(level, BH_INFO);
	snprintf(logged, sizeof(logged), "%s", text);
	lines++;
}

static void
fake_perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	(void)transport;
	for (size_t i = 0; i < n; i++) {
		if (strstr(requests[i].url, "/lost") != NULL) {
			bh_fail(&responses[i].err, BH_UNCERTAIN, "it broke at token=hush");
			continue;
		}
		responses[i].status = 201;
		responses[i].elapsed_ms = 12;
		bh_buf_adds(&responses[i].body, "hush-answer");
	}
}

static void
traced_call(struct http_transport *trace, const char *url, int status)
{
	struct http_request request;
	struct http_response response;

	http_request_init(&request, "POST", url);
	http_request_header(&request, "Authorization", "Bearer hush");
	bh_buf_adds(&request.body, "hush=1");
	http_response_init(&response);
	http_perform(trace, &request, &response, NULL);
	assert_int_equal(response.status, status);
	http_request_release(&request);
	http_response_release(&response);
}

static void
trace_shows_calls_only(void **state)
{
	struct http_transport fake = {.perform = fake_perform};
	struct http_transport *trace = dest_trace_new(&fake, "acme");

	(void)state;
	bh_log_hook(take_line);
	lines = 0;
	traced_call(trace, "https://example.com/a/b?q=hush#hush", 201);
	assert_string_equal(logged,
	    "http call connection=acme method=POST path=/a/b status=201 ms=12 sent=6 received=11");
	traced_call(trace, "https://example.com?hush", 201);
	assert_non_null(strstr(logged, "path= status"));
	traced_call(trace, "https://example.com/lost", 0);
	assert_string_equal(logged,
	    "http call connection=acme method=POST path=/lost status=0 ms=0 sent=6 received=0 failed=uncertain");
	traced_call(trace, "hush", 201);
	assert_non_null(strstr(logged, "path= status"));
	assert_null(strstr(logged, "hush"));
	assert_int_equal(lines, 4);
	bh_log_hook(unit_log);
	dest_trace_free(&trace);
	assert_null(trace);
}

/* Addresses of records: only of what is known to be one. */
static void
record_addresses(void **state BH_UNUSED)
{
	static const struct {
		const char *driver, *base_url, *account, *object, *id, *want;
	} cases[] = {
	    {"salesforce", "https://example.my.salesforce.com", "00D1", "Account",
		"001000000000001AAA", "https://example.my.salesforce.com/001000000000001AAA"},
	    {"salesforce", "https://example.my.salesforce.com", "00D1", "Account", "../x", ""},
	    {"salesforce", "", "", "Account", "001000000000001AAA", ""},
	    {"salesforce", "javascript:alert(1)", "", "Account", "001000000000001AAA", ""},
	    {"hubspot", "", "1234", "companies", "99",
		"https://app.hubspot.com/contacts/1234/record/0-2/99"},
	    {"hubspot", "", "1234", "2-777", "99",
		"https://app.hubspot.com/contacts/1234/record/2-777/99"},
	    {"hubspot", "", "1234", "p1_invoices", "99", ""},
	    {"hubspot", "", "", "contacts", "99", ""},
	    {"hubspot", "", "12/34", "contacts", "99", ""},
	    {"hubspot", "", "1234", "contacts", "9?9", ""},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_buf url = BH_BUF_INIT(1000);
		struct dest_auth auth = {0};

		snprintf(auth.base_url, sizeof(auth.base_url), "%s", cases[i].base_url);
		snprintf(auth.account_id, sizeof(auth.account_id), "%s", cases[i].account);
		dest_driver(cases[i].driver)->record_url(&auth, cases[i].object, cases[i].id, &url);
		assert_string_equal(bh_buf_str(&url), cases[i].want);
		bh_buf_release(&url);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(record_addresses),
	    cmocka_unit_test(drivers_are_complete),
	    cmocka_unit_test(outcomes_have_names),
	    cmocka_unit_test(result_is_reset),
	    cmocka_unit_test(result_is_cut),
	    cmocka_unit_test(description_goes_round),
	    cmocka_unit_test(odd_descriptions),
	    cmocka_unit_test(sandbox_applies),
	    cmocka_unit_test(standin_gives_the_reason),
	    cmocka_unit_test(trace_shows_calls_only),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
