/*
 * The HubSpot driver with many records, against a small portal in memory:
 * sizes of calls, numbers of calls, calls at the same time, and answers that
 * were damaged on the way.  Single behaviours are in tests/wire/hubspot/.
 */
#include "base/buf.h"
#include "dest/dest.h"
#include "dest/driver.h"
#include "unit.h"

#define RECORDS 1000

struct portal {
	struct http_transport transport; /* first: perform() gets its address */
	size_t upserts, links, widest, largest, largest_body;
	size_t links_max;    /* pairs that an association call may hold */
	bool all_or_nothing; /* one bad record refuses its batch without a name */
	bool is_damaging;    /* cut, change or drop bytes of each answer */
	uint32_t dice;
	int limit_after; /* 429 from this call on; 0: never */
	size_t bucket;   /* calls of the short window, told in headers; 0: not told */
};

struct fixture {
	struct portal portal;
	struct dest_config config;
	struct dest_auth auth;
	struct record *records[RECORDS];
	struct dest_result results[RECORDS];
	json_t *settings;
};

static uint32_t
roll(struct portal *portal, uint32_t sides)
{
	portal->dice = portal->dice * 1664525u + 1013904223u;
	return (portal->dice >> 8) % sides;
}

static bool
is_bad(const json_t *input)
{
	const char *id = bh_json_str(input, "id");

	return id != NULL && strstr(id, "bad") != NULL;
}

/* "stripe:cus_17" gets the id 1017; even ones are new. */
static json_t *
result_of(const json_t *input)
{
	const char *id = bh_json_str(input, "id");
	long n = 1000 + strtol(strrchr(id, '_') + 1, NULL, 10);
	char text[32];

	snprintf(text, sizeof(text), "%ld", n);
	return json_pack("{s:s, s:O, s:b}", "id", text, "objectWriteTraceId",
	    json_object_get(input, "objectWriteTraceId"), "new", n % 2 == 0);
}

static json_t *
refusal(const char *message)
{
	return json_pack("{s:s, s:s, s:s}", "status", "error", "category", "VALIDATION_ERROR",
	    "message", message);
}

static int
answer_upsert(struct portal *portal, const json_t *inputs, json_t **body_r)
{
	size_t n = json_array_size(inputs);
	json_t *results = json_array(), *errors = json_array();

	portal->upserts++;
	if (n > portal->largest)
		portal->largest = n;
	for (size_t i = n; i > 0; i--) {
		json_t *input = json_array_get(inputs, i - 1);

		if (!is_bad(input))
			json_array_append_new(results, result_of(input));
		else
			json_array_append_new(errors,
			    json_pack("{s:s, s:s, s:{s:[O]}}", "category", "VALIDATION_ERROR",
				"message", "It is bad", "context", "objectWriteTraceId",
				json_object_get(input, "objectWriteTraceId")));
	}
	if (portal->all_or_nothing && json_array_size(errors) > 0) {
		json_decref(results);
		json_decref(errors);
		*body_r = refusal("One of them is bad");
		return 400;
	}
	*body_r = json_pack("{s:s, s:o, s:o}", "status", "COMPLETE", "results", results, "errors",
	    errors);
	return json_array_size(errors) > 0 ? 207 : 200;
}

static int
answer_links(struct portal *portal, const json_t *inputs, json_t **body_r)
{
	portal->links++;
	if (json_array_size(inputs) > portal->links_max) {
		*body_r = refusal("The maximum number of inputs supported in a batch");
		return 400;
	}
	*body_r = json_pack("{s:s, s:O}", "status", "COMPLETE", "results", inputs);
	return 200;
}

/* Keep an answer's length, status or contents from being what they were. */
static void
damage(struct portal *portal, struct http_response *response)
{
	struct bh_buf *body = &response->body;

	switch (roll(portal, 5)) {
	case 0:
		body->len = roll(portal, (uint32_t)body->len + 1);
		body->data[body->len] = '\0';
		break;
	case 1:
		for (int i = 0; i < 20; i++)
			body->data[roll(portal, (uint32_t)body->len)] = (char)roll(portal, 256);
		break;
	case 2:
		response->status = (int)roll(portal, 600);
		break;
	case 3:
		for (int i = 0; i < 20; i++)
			body->data[roll(portal, (uint32_t)body->len)] =
			    "{}[]\",:0n"[roll(portal, 9)];
		break;
	default:
		break;
	}
}

static bool
has_header(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->headers_n; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return true;
	return false;
}

/* The token call carries the secrets in its body, which no trace may show, and no old token. */
static void
answer_token(const struct http_request *request, struct http_response *response)
{
	assert_true(request->secret_body);
	assert_false(has_header(request, "Authorization"));
	response->status = 200;
	bh_buf_adds(&response->body, "{\"access_token\":\"fresh\"}");
}

/* The headers of a bucket; a call too many fails the test. */
static void
add_rate(struct portal *portal, struct http_response *response)
{
	assert_true(portal->upserts <= portal->bucket);
	response->headers_n = 2;
	response->headers = bh_xcalloc(2, sizeof(response->headers[0]));
	response->headers[0].name = bh_xstrdup("X-HubSpot-RateLimit-Max");
	response->headers[0].value = bh_xasprintf("%zu", portal->bucket);
	response->headers[1].name = bh_xstrdup("X-HubSpot-RateLimit-Remaining");
	response->headers[1].value = bh_xasprintf("%zu", portal->bucket - portal->upserts);
}

static void
answer(struct portal *portal, const struct http_request *request, struct http_response *response)
{
	json_t *call = NULL, *body = NULL;

	if (strstr(request->url, "/oauth/") != NULL) {
		answer_token(request, response);
		return;
	}
	assert_true(has_header(request, "Authorization"));
	assert_false(request->secret_body);
	if (portal->limit_after > 0 &&
	    portal->upserts + portal->links >= (size_t)portal->limit_after) {
		response->status = 429;
		return;
	}
	assert_int_equal(bh_json_parse(request->body.data, request->body.len, &call, NULL), 0);
	if (request->body.len > portal->largest_body)
		portal->largest_body = request->body.len;
	if (strstr(request->url, "/batch/upsert") != NULL)
		response->status = answer_upsert(portal, json_object_get(call, "inputs"), &body);
	else
		response->status = answer_links(portal, json_object_get(call, "inputs"), &body);
	bh_json_add(&response->body, body);
	if (portal->bucket > 0)
		add_rate(portal, response);
	json_decref(call);
	json_decref(body);
	if (portal->is_damaging)
		damage(portal, response);
}

static void
perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	struct portal *portal = (struct portal *)transport;

	if (n > portal->widest)
		portal->widest = n;
	for (size_t i = 0; i < n; i++)
		answer(portal, &requests[i], &responses[i]);
}

static struct fixture *
fixture_new(void)
{
	struct fixture *fixture = bh_xcalloc(1, sizeof(*fixture));

	fixture->portal.transport.perform = perform;
	fixture->portal.links_max = 2000;
	fixture->portal.dice = 7;
	fixture->settings = json_object();
	bh_secret_set(&fixture->auth.access_token, "pat-na1", 7);
	fixture->config = (struct dest_config){.code = "hs",
	    .settings = fixture->settings,
	    .secrets = fixture->settings,
	    .transport = &fixture->portal.transport,
	    .auth = &fixture->auth};
	return fixture;
}

static void
fixture_free(struct fixture *fixture)
{
	for (size_t i = 0; i < RECORDS; i++)
		record_free(&fixture->records[i]);
	dest_auth_release(&fixture->auth);
	json_decref(fixture->settings);
	free(fixture);
}

static void
add_record(struct fixture *fixture, size_t at, const char *object, bool bad)
{
	char key[64];

	snprintf(key, sizeof(key), "stripe:%s_%zu", bad ? "bad" : "cus", at);
	fixture->records[at] = record_new(object, "billhook_key", key);
	record_take_field(fixture->records[at], "name", RECORD_TEXT, json_string("Acme"));
}

static void
add_parent(struct fixture *fixture, size_t at)
{
	struct record_parent *parent = record_add_parent(fixture->records[at], "", "companies",
	    "billhook_key", "stripe:cus_0");

	parent->remote_id = bh_xasprintf("%zu", 5000 + at);
	parent->is_new = true;
}

static void
push(struct fixture *fixture, size_t n)
{
	dest_hubspot.push(&fixture->config, fixture->records, n, fixture->results);
}

static size_t
count(const struct fixture *fixture, size_t n, enum dest_outcome outcome)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += fixture->results[i].outcome == outcome;
	return found;
}

/* 1,000 records with a parent each: ten calls and one, six at a time. */
static void
test_thousand(void **state)
{
	struct fixture *fixture = fixture_new();
	char id[32];

	(void)state;
	for (size_t i = 0; i < RECORDS; i++) {
		add_record(fixture, i, "2-7", false);
		add_parent(fixture, i);
	}
	push(fixture, RECORDS);
	assert_int_equal(count(fixture, RECORDS, DEST_APPLIED), RECORDS);
	for (size_t i = 0; i < RECORDS; i++) {
		snprintf(id, sizeof(id), "%zu", 1000 + i);
		assert_string_equal(fixture->results[i].remote_id, id);
		assert_int_equal(fixture->results[i].created, i % 2 == 0);
	}
	assert_int_equal(fixture->portal.upserts, 10);
	assert_int_equal(fixture->portal.links, 1);
	assert_int_equal(fixture->portal.largest, 100);
	assert_int_equal(fixture->portal.widest, 6);
	assert_int_equal(fixture->config.calls, 11);
	fixture_free(fixture);
}

/* Record types mixed in any order are sorted into as few calls as there can be. */
static void
test_mixed(void **state)
{
	static const char *const objects[] = {"companies", "contacts", "2-7"};
	struct fixture *fixture = fixture_new();

	(void)state;
	json_object_set_new(fixture->settings, "concurrency", json_integer(2));
	for (size_t i = 0; i < 300; i++)
		add_record(fixture, i, objects[i % 3], false);
	push(fixture, 300);
	assert_int_equal(count(fixture, 300, DEST_APPLIED), 300);
	assert_int_equal(fixture->portal.upserts, 3);
	assert_int_equal(fixture->portal.widest, 2);
	fixture_free(fixture);
}

/* A portal that takes 100 pairs a call: 1,000, then halves; every pair is linked. */
static void
test_links_halved(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	fixture->portal.links_max = 100;
	for (size_t i = 0; i < RECORDS; i++) {
		add_record(fixture, i, "2-7", false);
		add_parent(fixture, i);
	}
	push(fixture, RECORDS);
	assert_int_equal(count(fixture, RECORDS, DEST_APPLIED), RECORDS);
	/* 1 of 1,000, 2 of 500, 4 of 250, 8 of 125, 16 of 63 or less */
	assert_int_equal(fixture->portal.links, 31);
	fixture_free(fixture);
}

/* A portal that refuses all links: the search ends, and every record keeps its id. */
static void
test_links_refused(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	fixture->portal.links_max = 0;
	for (size_t i = 0; i < RECORDS; i++) {
		add_record(fixture, i, "2-7", false);
		add_parent(fixture, i);
	}
	push(fixture, RECORDS);
	assert_true(count(fixture, RECORDS, DEST_LATER) > 0);
	assert_int_equal(count(fixture, RECORDS, DEST_LATER) +
			     count(fixture, RECORDS, DEST_REJECTED),
	    RECORDS);
	for (size_t i = 0; i < RECORDS; i++) {
		assert_string_equal(fixture->results[i].code, "ASSOCIATION");
		assert_true(fixture->results[i].remote_id[0] != '\0');
	}
	/* 1 + 2 + 4 + 8 to come down to 100, 16 smaller ones, then the spare calls */
	assert_int_equal(fixture->portal.links, 31 + 64);
	fixture_free(fixture);
}

/* One bad record among 100 that is not named: found, and nobody else is hurt. */
static void
test_isolated(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	fixture->portal.all_or_nothing = true;
	for (size_t i = 0; i < 100; i++)
		add_record(fixture, i, "companies", i == 61);
	push(fixture, 100);
	assert_int_equal(count(fixture, 100, DEST_APPLIED), 99);
	assert_int_equal(fixture->results[61].outcome, DEST_REJECTED);
	assert_true(fixture->portal.upserts <= 15);
	fixture_free(fixture);
}

/* All are bad and not named: the search ends, and what it did not reach is not refused for good. */
static void
test_search_ends(void **state)
{
	struct fixture *fixture = fixture_new();
	size_t later;

	(void)state;
	fixture->portal.all_or_nothing = true;
	for (size_t i = 0; i < RECORDS; i++)
		add_record(fixture, i, "companies", true);
	push(fixture, RECORDS);
	later = count(fixture, RECORDS, DEST_LATER);
	assert_int_equal(later + count(fixture, RECORDS, DEST_REJECTED), RECORDS);
	assert_true(later > 0);
	assert_true(fixture->portal.upserts <= 10 + 64);
	for (size_t i = 0; i < RECORDS; i++)
		if (fixture->results[i].outcome == DEST_LATER)
			assert_true(fixture->results[i].doubtful);
	fixture_free(fixture);
}

/* Every tenth is bad and named: exactly those are refused, in the same ten calls. */
static void
test_named(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	for (size_t i = 0; i < RECORDS; i++)
		add_record(fixture, i, "companies", i % 10 == 3);
	push(fixture, RECORDS);
	for (size_t i = 0; i < RECORDS; i++)
		assert_int_equal(fixture->results[i].outcome,
		    i % 10 == 3 ? DEST_REJECTED : DEST_APPLIED);
	assert_int_equal(fixture->portal.upserts, 10);
	fixture_free(fixture);
}

/* Long texts: a body is not made larger than 4 MiB and one record. */
static void
test_long_texts(void **state)
{
	struct fixture *fixture = fixture_new();
	char *text = bh_xmalloc(60001);

	(void)state;
	memset(text, 'x', 60000);
	text[60000] = '\0';
	for (size_t i = 0; i < 100; i++) {
		add_record(fixture, i, "companies", false);
		for (int field = 0; field < 4; field++) {
			char name[8];

			snprintf(name, sizeof(name), "long%d", field);
			record_take_field(fixture->records[i], name, RECORD_TEXT,
			    json_string(text));
		}
	}
	push(fixture, 100);
	assert_int_equal(count(fixture, 100, DEST_APPLIED), 100);
	assert_int_equal(fixture->portal.upserts, 6);
	assert_true(fixture->portal.largest_body < (4u << 20) + 250000);
	free(text);
	fixture_free(fixture);
}

/* HubSpot says stop after the first wave: the rest is kept for later, unsent. */
static void
test_stop(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	fixture->portal.limit_after = 6;
	json_object_set_new(fixture->settings, "concurrency", json_integer(3));
	for (size_t i = 0; i < RECORDS; i++)
		add_record(fixture, i, "companies", false);
	push(fixture, RECORDS);
	assert_int_equal(count(fixture, RECORDS, DEST_APPLIED), 600);
	assert_int_equal(count(fixture, RECORDS, DEST_LATER), 400);
	assert_int_equal(fixture->config.calls, 9);
	assert_int_equal(fixture->config.usage.pause_s, 10);
	assert_int_equal(fixture->results[999].retry_after_s, 10);
	fixture_free(fixture);
}

/* Seven calls are left: seven are made, in waves of three, three and one. */
static void
test_bucket(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	fixture->portal.bucket = 7;
	json_object_set_new(fixture->settings, "concurrency", json_integer(3));
	for (size_t i = 0; i < RECORDS; i++)
		add_record(fixture, i, "companies", false);
	push(fixture, RECORDS);
	assert_int_equal(count(fixture, RECORDS, DEST_APPLIED), 700);
	assert_int_equal(count(fixture, RECORDS, DEST_LATER), 300);
	assert_int_equal(fixture->config.calls, 7);
	assert_int_equal(fixture->config.usage.burst_left, 0);
	assert_int_equal(fixture->config.usage.pause_s, 10);
	fixture_free(fixture);
}

/* Damaged answers: every record gets an outcome, applied ones have an id of digits. */
static void
test_damaged(void **state)
{
	struct fixture *fixture = fixture_new();

	(void)state;
	fixture->portal.is_damaging = true;
	for (size_t i = 0; i < 40; i++) {
		add_record(fixture, i, i % 2 == 0 ? "companies" : "2-7", i % 7 == 1);
		add_parent(fixture, i);
	}
	for (int round = 0; round < 2000; round++) {
		fixture->portal.all_or_nothing = round % 3 == 0;
		push(fixture, 40);
		assert_int_equal(count(fixture, 40, DEST_UNKNOWN), 0);
		for (size_t i = 0; i < 40; i++) {
			const char *id = fixture->results[i].remote_id;

			assert_int_equal(strspn(id, "0123456789"), strlen(id));
			if (fixture->results[i].outcome == DEST_APPLIED)
				assert_true(id[0] != '\0');
		}
	}
	fixture_free(fixture);
}

static void
test_token_call(void **state)
{
	struct fixture *fixture = fixture_new();
	struct bh_err err = BH_ERR_INIT;

	(void)state;
	json_object_set_new(fixture->settings, "flow", json_string("oauth"));
	json_object_set_new(fixture->settings, "refresh_token", json_string("kept"));
	assert_int_equal(dest_hubspot.authorize(&fixture->config, &err), 0);
	assert_string_equal(bh_secret_str(&fixture->auth.access_token), "fresh");
	fixture_free(fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_thousand),
	    cmocka_unit_test(test_mixed),
	    cmocka_unit_test(test_links_halved),
	    cmocka_unit_test(test_links_refused),
	    cmocka_unit_test(test_isolated),
	    cmocka_unit_test(test_search_ends),
	    cmocka_unit_test(test_named),
	    cmocka_unit_test(test_long_texts),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_bucket),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_token_call),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
