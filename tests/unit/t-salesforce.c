/*
 * Salesforce pushes too large or too many for a wire file: a small org that
 * keeps records, insists on the limits of the API, and can answer with
 * rubbish.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/dest.h"
#include "unit.h"

struct org {
	struct http_transport transport; /* first */
	json_t *keys;                    /* "object/key" to the number of writes */
	int calls;
	size_t biggest_body;
	size_t bearable;     /* rows of a collection that the org's triggers bear; 0: any */
	const char *rubbish; /* answer this instead */
	size_t rubbish_len;
	int rubbish_status;
};

/* --- the org ------------------------------------------------------------ */

/* Every link must point at a record that an earlier collection wrote. */
static bool
has_parents(const struct org *org, const json_t *row)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)row, name, value) {
		const char *key = json_string_value(json_object_get(value, "Key__c"));
		char path[300];

		if (key == NULL || strcmp(name, "attributes") == 0)
			continue;
		/* The tests name a lookup after its object: A__r links to A__c. */
		snprintf(path, sizeof(path), "%.*s__c/%s", (int)(strlen(name) - 3), name, key);
		if (json_object_get(org->keys, path) == NULL)
			return false;
	}
	return true;
}

static json_t *
write_row(struct org *org, const char *object, const json_t *row, json_t *written)
{
	const char *type = bh_json_str(row, "attributes.type");
	const char *key = bh_json_str(row, "Key__c");
	char path[300];

	assert_non_null(type);
	assert_non_null(key);
	if (object != NULL)
		assert_string_equal(type, object);
	else
		assert_non_null(bh_json_str(row, "id"));
	if (!has_parents(org, row))
		return json_pack("{s:b, s:[{s:s, s:s}]}", "success", 0, "errors", "statusCode",
		    "INVALID_FIELD", "message",
		    "Foreign key external ID: x not found for field Key__c");
	snprintf(path, sizeof(path), "%s/%s", type, key);
	json_array_append_new(written, json_string(path));
	return json_pack("{s:s, s:b, s:[], s:b}", "id", path, "success", 1, "errors", "created", 1);
}

static json_t *
too_long(void)
{
	return json_pack("{s:b, s:[{s:s, s:s}]}", "success", 0, "errors", "statusCode",
	    "REQUEST_RUNNING_TOO_LONG", "message",
	    "Your request was running for too long, and has been stopped.");
}

/* url is "/services/data/v67.0/composite/sobjects[/Object/Key__c]". */
static json_t *
write_collection(struct org *org, const char *url, const json_t *body)
{
	static const char prefix[] = "/services/data/v67.0/composite/sobjects";
	const json_t *records = json_object_get(body, "records"), *row;
	json_t *results = json_array(), *written = json_array(), *item;
	const char *type = "", *rest = url + sizeof(prefix) - 1;
	char *object = NULL;
	size_t i, chunks = 0;

	assert_true(bh_has_prefix(url, prefix));
	if (rest[0] != '\0') {
		assert_true(bh_has_suffix(rest, "/Key__c"));
		object = bh_xstrndup(rest + 1, strlen(rest) - 1 - strlen("/Key__c"));
	}
	assert_true(json_is_false(json_object_get(body, "allOrNone")));
	assert_in_range(json_array_size(records), 1, 200);
	for (i = 0; i < json_array_size(records); i++) {
		row = json_array_get(records, i);
		if (strcmp(bh_json_str(row, "attributes.type"), type) != 0)
			chunks++;
		type = bh_json_str(row, "attributes.type");
		if (org->bearable > 0 && json_array_size(records) > org->bearable)
			json_array_append_new(results, too_long());
		else
			json_array_append_new(results, write_row(org, object, row, written));
	}
	assert_in_range(chunks, 1, 10);
	/* Visible to the collections that follow, not to this one. */
	json_array_foreach (written, i, item) {
		const char *path = json_string_value(item);
		json_int_t writes = json_integer_value(json_object_get(org->keys, path));

		json_object_set_new(org->keys, path, json_integer(writes + 1));
	}
	json_decref(written);
	free(object);
	return results;
}

static json_t *
write_composite(struct org *org, const json_t *body)
{
	const json_t *parts = json_object_get(body, "compositeRequest");
	json_t *answers = json_array();

	assert_true(json_is_false(json_object_get(body, "collateSubrequests")));
	assert_in_range(json_array_size(parts), 2, 5);
	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i);

		assert_string_equal(bh_json_str(part, "method"), "PATCH");
		json_array_append_new(answers,
		    json_pack("{s:o, s:i, s:s}", "body",
			write_collection(org, bh_json_str(part, "url"),
			    json_object_get(part, "body")),
			"httpStatusCode", 200, "referenceId", bh_json_str(part, "referenceId")));
	}
	return json_pack("{s:o}", "compositeResponse", answers);
}

static void
org_perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	struct org *org = (struct org *)(void *)transport;
	json_t *body = NULL, *answer;
	const char *path = requests[0].url + strlen("https://acme.my.salesforce.com");

	assert_int_equal(n, 1);
	org->calls++;
	if (requests[0].body.len > org->biggest_body)
		org->biggest_body = requests[0].body.len;
	responses[0].status = 200;
	if (org->rubbish != NULL) {
		responses[0].status = org->rubbish_status;
		bh_buf_add(&responses[0].body, org->rubbish, org->rubbish_len);
		return;
	}
	assert_int_equal(bh_json_parse(bh_buf_str(&requests[0].body), requests[0].body.len, &body,
			     NULL),
	    0);
	if (bh_has_suffix(path, "/composite"))
		answer = write_composite(org, body);
	else
		answer = write_collection(org, path, body);
	bh_json_add(&responses[0].body, answer);
	json_decref(answer);
	json_decref(body);
}

/* --- helpers ------------------------------------------------------------ */

#define RECORDS_MAX 2200

struct bench {
	struct org org;
	struct dest_auth auth;
	struct dest_config config;
	struct record *records[RECORDS_MAX];
	size_t n;
	struct dest_result results[RECORDS_MAX];
};

static struct bench *
bench_new(void)
{
	struct bench *bench = bh_xcalloc(1, sizeof(*bench));

	bench->org.transport.perform = org_perform;
	bench->org.keys = json_object();
	bh_secret_set(&bench->auth.access_token, "tok", 3);
	snprintf(bench->auth.base_url, sizeof(bench->auth.base_url),
	    "https://acme.my.salesforce.com");
	bench->config = (struct dest_config){.code = "sf",
	    .transport = &bench->org.transport,
	    .auth = &bench->auth};
	return bench;
}

static void
bench_free(struct bench *bench)
{
	for (size_t i = 0; i < bench->n; i++)
		record_free(&bench->records[i]);
	json_decref(bench->org.keys);
	dest_auth_release(&bench->auth);
	free(bench);
}

static struct record *
add(struct bench *bench, const char *object, const char *fmt, unsigned number)
{
	struct record *record;
	char key[64];

	snprintf(key, sizeof(key), "%s%u", fmt, number);
	record = record_new(object, "Key__c", key);
	record_take_field(record, "Name", RECORD_TEXT, json_string(key));
	bench->records[bench->n++] = record;
	return record;
}

/* Link to a record of object "X__c" through the lookup of the same name. */
static void
link_to(struct record *record, const char *object, const char *fmt, unsigned number)
{
	char key[64];

	snprintf(key, sizeof(key), "%s%u", fmt, number);
	record_add_parent(record, object, object, "Key__c", key);
}

/* Each record was written exactly once, and has its own result. */
static void
push_all(struct bench *bench)
{
	dest_driver("salesforce")->push(&bench->config, bench->records, bench->n, bench->results);
	for (size_t i = 0; i < bench->n; i++) {
		const struct record *record = bench->records[i];
		char path[300];

		snprintf(path, sizeof(path), "%s/%s", record->object, record->key);
		assert_int_equal(bench->results[i].outcome, DEST_APPLIED);
		assert_string_equal(bench->results[i].remote_id, path);
		assert_int_equal(json_integer_value(json_object_get(bench->org.keys, path)), 1);
	}
	assert_int_equal(bench->config.calls, bench->org.calls);
}

/* --- tests -------------------------------------------------------------- */

/* The burst of the reference: 50 accounts, 60 contacts, 80 subscriptions, 180 invoices, 30 notes. */
static void
burst_is_one_call(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		add(bench, "A__c", "cus_", i);
	for (unsigned i = 0; i < 60; i++)
		link_to(add(bench, "C__c", "con_", i), "A__c", "cus_", i % 50);
	for (unsigned i = 0; i < 80; i++)
		link_to(add(bench, "S__c", "sub_", i), "A__c", "cus_", i % 50);
	for (unsigned i = 0; i < 180; i++) {
		link_to(add(bench, "I__c", "in_", i), "A__c", "cus_", i % 50);
		link_to(bench->records[bench->n - 1], "S__c", "sub_", i % 80);
	}
	for (unsigned i = 0; i < 30; i++)
		link_to(add(bench, "N__c", "cn_", i), "I__c", "in_", i);
	push_all(bench);
	assert_int_equal(bench->org.calls, 1);
	bench_free(bench);
}

static void
thousand_of_one_object(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		add(bench, "A__c", "cus_", i);
	push_all(bench);
	assert_int_equal(bench->org.calls, 1);
	bench_free(bench);
}

static void
more_than_a_batch(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	for (unsigned i = 0; i < 2001; i++)
		add(bench, "A__c", "cus_", i);
	push_all(bench);
	/* Ten full collections in two calls, one row in a third. */
	assert_int_equal(bench->org.calls, 3);
	bench_free(bench);
}

/* Account, its contact, account, its contact: still two kinds of collections only. */
static void
interleaved(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		add(bench, "A__c", "cus_", i);
		link_to(add(bench, "C__c", "con_", i), "A__c", "cus_", i);
	}
	push_all(bench);
	assert_int_equal(bench->org.calls, 1);
	bench_free(bench);
}

/* A record may link to one of its own object: it needs a collection of its own. */
static void
chain(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		add(bench, "A__c", "cus_", i);
		if (i > 0)
			link_to(bench->records[i], "A__c", "cus_", i - 1);
	}
	push_all(bench);
	assert_int_equal(bench->org.calls, 2);
	bench_free(bench);
}

/* Long texts: a call stays under 5 MB, however many rows would fit by number. */
static void
large_rows(void **state)
{
	struct bench *bench = bench_new();
	char *text = bh_xmalloc(130001);

	(void)state;
	memset(text, 'x', 130000);
	text[130000] = '\0';
	for (unsigned i = 0; i < 100; i++)
		record_take_field(add(bench, "A__c", "cus_", i), "Long__c", RECORD_TEXT,
		    json_string(text));
	push_all(bench);
	assert_in_range(bench->org.biggest_body, 2000000, 5000000);
	assert_in_range(bench->org.calls, 3, 5);
	free(text);
	bench_free(bench);
}

static void
huge_row_is_rejected(void **state)
{
	struct bench *bench = bench_new();
	char *text = bh_xmalloc(5000001);

	(void)state;
	memset(text, 'x', 5000000);
	text[5000000] = '\0';
	record_take_field(add(bench, "A__c", "cus_", 0), "Long__c", RECORD_TEXT, json_string(text));
	add(bench, "A__c", "cus_", 1);
	dest_driver("salesforce")->push(&bench->config, bench->records, bench->n, bench->results);
	assert_int_equal(bench->results[0].outcome, DEST_REJECTED);
	assert_int_equal(bench->results[1].outcome, DEST_APPLIED);
	free(text);
	bench_free(bench);
}

/* Rows of megabytes do not share a call that would be too large. */
static void
huge_rows_travel_alone(void **state)
{
	struct bench *bench = bench_new();
	char *text = bh_xmalloc(3000001);

	(void)state;
	memset(text, 'x', 3000000);
	text[3000000] = '\0';
	for (unsigned i = 0; i < 3; i++)
		record_take_field(add(bench, "A__c", "cus_", i), "Long__c", RECORD_TEXT,
		    json_string(text));
	push_all(bench);
	assert_in_range(bench->org.biggest_body, 3000000, 5000000);
	assert_int_equal(bench->org.calls, 3);
	free(text);
	bench_free(bench);
}

/* Rows by id may mix objects, but not change them more than ten times. */
static void
many_objects_by_id(void **state)
{
	struct bench *bench = bench_new();
	char object[16];

	(void)state;
	for (unsigned i = 0; i < 60; i++) {
		struct record *record;

		snprintf(object, sizeof(object), "O%u__c", i % 30);
		record = add(bench, object, "k_", i);
		record->remote_id = bh_xstrdup("001xx000003DHP0AAO");
		record->matched = true;
	}
	push_all(bench);
	assert_in_range(bench->org.calls, 1, 2);
	bench_free(bench);
}

/* A small generator with a known start: failures can be repeated. */
static unsigned
pick(unsigned *seed, unsigned n)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % n;
}

/* Whatever the mixture, parents are there before children and nothing is written twice. */
static void
random_mixtures(void **state)
{
	static const char *const objects[] = {"A__c", "B__c", "C__c", "D__c", "E__c", "F__c",
	    "G__c"};
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct bench *bench = bench_new();
		unsigned n = 1 + pick(&seed, 600);

		for (unsigned i = 0; i < n; i++) {
			struct record *record = add(bench, objects[pick(&seed, 7)], "k_", i);

			for (unsigned links = pick(&seed, 3); links > 0 && i > 0; links--) {
				/* Only to earlier records, now and then to a recent one. */
				const struct record *parent =
				    bench->records[pick(&seed, 4) == 0 ? i - 1 : pick(&seed, i)];

				record_add_parent(record, parent->object, parent->object, "Key__c",
				    parent->key);
			}
			if (pick(&seed, 5) == 0) {
				record->remote_id = bh_xstrdup("001xx000003DHP0AAO");
				record->matched = true;
			}
		}
		push_all(bench);
		bench_free(bench);
	}
}

/* Push what is not applied yet, as the caller does; how many pushes it takes. */
static int
push_until_done(struct bench *bench)
{
	struct record *rest[RECORDS_MAX];
	struct dest_result results[RECORDS_MAX];
	size_t n = bench->n;
	int pushes = 0;

	memcpy(rest, bench->records, n * sizeof(rest[0]));
	while (n > 0 && pushes < 100) {
		size_t left = 0;

		dest_driver("salesforce")->push(&bench->config, rest, n, results);
		pushes++;
		for (size_t i = 0; i < n; i++) {
			assert_int_not_equal(results[i].outcome, DEST_UNKNOWN);
			assert_int_not_equal(results[i].outcome, DEST_REJECTED);
			if (results[i].outcome != DEST_APPLIED)
				rest[left++] = rest[i];
		}
		n = left;
	}
	for (size_t i = 0; i < bench->n; i++) {
		const struct record *record = bench->records[i];
		char path[300];

		snprintf(path, sizeof(path), "%s/%s", record->object, record->key);
		assert_int_equal(json_integer_value(json_object_get(bench->org.keys, path)), 1);
	}
	return pushes;
}

/* What the org bears is found, each record written once, and left again when the org bears more. */
static void
slices_follow_the_org(void **state)
{
	struct bench *bench = bench_new();
	int pushes = 0;

	(void)state;
	for (unsigned i = 0; i < 500; i++)
		add(bench, "A__c", "cus_", i);
	for (unsigned i = 0; i < 500; i++)
		link_to(add(bench, "C__c", "con_", i), "A__c", "cus_", (i * 7) % 500);
	bench->org.bearable = 30;
	assert_in_range(push_until_done(bench), 2, 4);
	assert_in_range(bench->config.slice, 13, 45);
	bench->org.bearable = 0;
	while (bench->config.slice < 200 && pushes < 100) {
		json_object_clear(bench->org.keys);
		assert_int_equal(push_until_done(bench), 1);
		pushes++;
	}
	assert_in_range(pushes, 1, 10);
	bench_free(bench);
}

/* The child of a record that did not travel waits; it is not blamed. */
static void
orphan_waits(void **state)
{
	struct bench *bench = bench_new();

	(void)state;
	add(bench, "A__c", "cus_", 1);
	link_to(add(bench, "C__c", "con_", 1), "A__c", "cus_", 1);
	link_to(add(bench, "C__c", "con_", 2), "A__c", "cus_", 2);
	dest_driver("salesforce")->push(&bench->config, bench->records, bench->n, bench->results);
	assert_int_equal(bench->results[0].outcome, DEST_APPLIED);
	assert_int_equal(bench->results[1].outcome, DEST_APPLIED);
	assert_int_equal(bench->results[2].outcome, DEST_WAITING);
	bench_free(bench);
}

static void
kinds_of_objects(void **state)
{
	const struct dest_driver *driver = dest_driver("salesforce");

	(void)state;
	assert_int_equal(driver->object_traits("Billhook_Event__e"), DEST_OBJECT_EVENT);
	assert_int_equal(driver->object_traits("Task"), DEST_OBJECT_LOOK);
	assert_int_equal(driver->object_traits("Event"), DEST_OBJECT_LOOK);
	assert_int_equal(driver->object_traits("Account"), 0);
	assert_int_equal(driver->object_traits("Billhook_Invoice__c"), 0);
	assert_int_equal(driver->object_traits(""), 0);
}

/* --- rubbish ------------------------------------------------------------ */

/* No answer may leave a record without a verdict, and none may break us. */
static void
try_rubbish(struct bench *bench, const char *text, size_t len, int status)
{
	bench->org.rubbish = text;
	bench->org.rubbish_len = len;
	bench->org.rubbish_status = status;
	dest_driver("salesforce")->push(&bench->config, bench->records, bench->n, bench->results);
	for (size_t i = 0; i < bench->n; i++) {
		const struct dest_result *result = &bench->results[i];

		assert_int_not_equal(result->outcome, DEST_UNKNOWN);
		assert_true(bh_is_utf8(result->cause, strlen(result->cause)));
		if (result->outcome == DEST_APPLIED)
			assert_int_not_equal(result->remote_id[0], '\0');
	}
}

static void
mutate(struct bench *bench, const char *text, int status)
{
	static const char bytes[] = {'\0', '"', '{', '}', '[', ']', ',', '5', 'n', (char)0xff};
	size_t len = strlen(text);
	char *copy = bh_xstrdup(text);

	for (size_t at = 0; at < len; at++) {
		try_rubbish(bench, copy, at, status);
		for (size_t i = 0; i < BH_LEN(bytes); i++) {
			copy[at] = bytes[i];
			try_rubbish(bench, copy, len, status);
		}
		copy[at] = text[at];
	}
	free(copy);
}

static void
mutated_answers(void **state)
{
	struct bench *one = bench_new(), *two = bench_new();

	(void)state;
	add(one, "A__c", "cus_", 1);
	add(one, "A__c", "cus_", 2);
	add(two, "A__c", "cus_", 1);
	add(two, "B__c", "cus_", 2);
	mutate(one,
	    "[{\"id\":\"001xx\",\"success\":true,\"errors\":[],\"created\":true},{\"success\":false,\"errors\":"
	    "[{\"statusCode\":\"INVALID_FIELD\",\"message\":\"No such column 'X__c' on\",\"fields\":[\"X__c\"]}]}]",
	    200);
	mutate(two,
	    "{\"compositeResponse\":[{\"body\":[{\"id\":\"001xx\",\"success\":true}],\"httpStatusCode\":200,"
	    "\"referenceId\":\"c0\"},{\"body\":[{\"errorCode\":\"NOT_FOUND\",\"message\":\"x\"}],"
	    "\"httpStatusCode\":404,\"referenceId\":\"c1\"}]}",
	    200);
	mutate(one,
	    "[{\"errorCode\":\"DUPLICATES_DETECTED\",\"message\":\"m\",\"duplicateResut\":{\"matchResults\":"
	    "[{\"matchRecords\":[{\"record\":{\"Id\":\"001\"}}]}]}}]",
	    400);
	bench_free(one);
	bench_free(two);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(burst_is_one_call),
	    cmocka_unit_test(thousand_of_one_object),
	    cmocka_unit_test(more_than_a_batch),
	    cmocka_unit_test(interleaved),
	    cmocka_unit_test(chain),
	    cmocka_unit_test(large_rows),
	    cmocka_unit_test(huge_row_is_rejected),
	    cmocka_unit_test(huge_rows_travel_alone),
	    cmocka_unit_test(many_objects_by_id),
	    cmocka_unit_test(random_mixtures),
	    cmocka_unit_test(slices_follow_the_org),
	    cmocka_unit_test(orphan_waits),
	    cmocka_unit_test(kinds_of_objects),
	    cmocka_unit_test(mutated_answers),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
