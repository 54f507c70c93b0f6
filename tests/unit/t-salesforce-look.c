/*
 * Looking for Salesforce records, beyond what a wire file can hold: answers
 * that are broken in every place, and numbers in every form.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/dest.h"
#include "unit.h"

#define ONE "001xx0000000001AAA"
#define TWO "001xx0000000002AAA"
#define CALLS_MAX 60 /* 20 pages of each query at most */

struct bench {
	struct http_transport transport; /* first */
	const char *answer;
	size_t answer_len;
	int status;
	int calls;
	struct dest_auth auth;
	struct dest_config config;
	json_t *settings;
};

static void
perform(struct http_transport *transport, const struct http_request *requests BH_UNUSED,
    struct http_response *responses, size_t n)
{
	struct bench *bench = (struct bench *)(void *)transport;

	assert_int_equal(n, 1);
	assert_true(++bench->calls <= CALLS_MAX);
	responses[0].status = bench->status;
	bh_buf_add(&responses[0].body, bench->answer, bench->answer_len);
}

static struct bench *
bench_new(void)
{
	struct bench *bench = bh_xcalloc(1, sizeof(*bench));

	bench->transport.perform = perform;
	bench->settings = json_pack("{s:s, s:s}", "client_id", "k", "flow", "login");
	bh_secret_set(&bench->auth.access_token, "00Dtoken", 8);
	snprintf(bench->auth.base_url, sizeof(bench->auth.base_url), "https://a.example.com");
	bench->config = (struct dest_config){.code = "x",
	    .settings = bench->settings,
	    .transport = &bench->transport,
	    .auth = &bench->auth};
	return bench;
}

static void
bench_free(struct bench *bench)
{
	dest_auth_release(&bench->auth);
	json_decref(bench->settings);
	free(bench);
}

/* --- broken answers ----------------------------------------------------- */

static const struct dest_driver *
driver(void)
{
	return dest_driver("salesforce");
}

static int
try_find(struct bench *bench, struct bh_err *err)
{
	struct dest_wanted wanted[2] = {
	    {"Account", "Key__c", DEST_EQUAL, {"Name"}, {"Acme"}, 1},
	    {"Account", "Key__c", DEST_DOMAIN, {"Website"}, {"acme.com"}, 1},
	};
	struct dest_found found[2];
	int rc = driver()->find(&bench->config, wanted, 2, found, err);

	for (size_t i = 0; i < 2; i++) {
		assert_true(found[i].n <= DEST_CANDIDATES_MAX);
		for (size_t k = 0; k < found[i].n; k++) {
			const struct dest_candidate *item = &found[i].items[k];

			assert_int_not_equal(item->remote_id[0], '\0');
			assert_true(bh_is_utf8(item->name, strlen(item->name)));
			assert_true(bh_is_utf8(item->key, strlen(item->key)));
		}
	}
	return rc;
}

static int
try_find_one(struct bench *bench, struct bh_err *err)
{
	struct dest_wanted wanted = {"Account", NULL, DEST_EQUAL, {"Name"}, {"Acme"}, 1};
	struct dest_found found;

	return driver()->find(&bench->config, &wanted, 1, &found, err);
}

static int
try_read(struct bench *bench, struct bh_err *err)
{
	static const char *const fields[] = {"Name", "Amount", "At__c"};
	struct dest_reading readings[] = {
	    {"Account", ONE, fields, BH_LEN(fields), NULL},
	    {"Account", TWO, fields, 1, NULL},
	};
	int rc = driver()->read(&bench->config, readings, 2, err);

	for (size_t i = 0; i < 2; i++) {
		const char *name;
		json_t *value;

		json_object_foreach (readings[i].values, name, value)
			assert_true(
			    json_is_string(value) || json_is_null(value) || json_is_boolean(value));
		json_decref(readings[i].values);
	}
	return rc;
}

static int
try_end(struct bench *bench, struct bh_err *err)
{
	struct dest_end ends[] = {
	    {"Account", ONE, DEST_FATE_UNKNOWN, ""},
	    {"Account", TWO, DEST_FATE_UNKNOWN, ""},
	};
	int rc = driver()->end(&bench->config, ends, 2, err);

	for (size_t i = 0; i < 2 && rc == 0; i++) {
		assert_int_not_equal(ends[i].fate, DEST_FATE_UNKNOWN);
		assert_int_equal(ends[i].fate == DEST_FATE_MERGED, ends[i].survivor_id[0] != '\0');
	}
	return rc;
}

static int
try_purge(struct bench *bench, struct bh_err *err)
{
	size_t n;
	bool more;

	return driver()->purge(&bench->config, "X__c", "At__c", 1, &n, &more, err);
}

/* The same answer describes the object and holds its rows. */
static int
try_unlinked(struct bench *bench, struct bh_err *err)
{
	json_t *rows = NULL, *row;
	bool more = false;
	size_t i;
	int rc = driver()->unlinked(&bench->config, "Account", "Key__c", ONE, &rows, &more, err);

	assert_int_equal(rc == 0, json_is_array(rows));
	json_array_foreach (rows, i, row) {
		const char *base = "https://a.example.com/";

		assert_true(bh_has_prefix(bh_json_str(row, "link"), base));
		assert_string_equal(bh_json_str(row, "link") + strlen(base),
		    bh_json_str(row, "remote_id"));
	}
	json_decref(rows);
	return rc;
}

static int
try_limits(struct bench *bench, struct bh_err *err)
{
	json_t *detail = NULL;
	int rc = driver()->limits(&bench->config, &detail, err);

	assert_int_equal(rc == 0, json_is_array(detail));
	json_decref(detail);
	return rc;
}

/* A code that is refused leaves the tokens as they were. */
static int
try_exchange(struct bench *bench, struct bh_err *err)
{
	struct dest_login login = {"https://b.example.com/", "state", "verifier"};
	int rc = driver()->exchange(&bench->config, &login, "code", err);

	assert_int_equal(rc == 0, bench->auth.refresh_token.len > 0);
	bh_secret_release(&bench->auth.refresh_token);
	snprintf(bench->auth.base_url, sizeof(bench->auth.base_url), "https://a.example.com");
	return rc;
}

typedef int try_call(struct bench *bench, struct bh_err *err);

/* A failure has a code and a sentence. */
static void
try_answer(struct bench *bench, try_call *call, const char *answer, size_t len)
{
	struct bh_err err = BH_ERR_INIT;

	bench->answer = answer;
	bench->answer_len = len;
	bench->calls = 0;
	if (call(bench, &err) == 0)
		return;
	assert_int_not_equal(err.code, BH_OK);
	assert_int_not_equal(err.text[0], '\0');
	assert_true(bh_is_utf8(err.text, strlen(err.text)));
}

static void
mutate(try_call *call, const char *text, int status)
{
	static const char bytes[] = {'\0', '"', '{', '}', '[', ']', ',', '5', '-', '.', 'e', 'n',
	    (char)0xff};
	struct bench *bench = bench_new();
	size_t len = strlen(text);
	char *copy = bh_xstrdup(text);

	bench->status = status;
	for (size_t at = 0; at < len; at++) {
		try_answer(bench, call, copy, at);
		for (size_t i = 0; i < BH_LEN(bytes); i++) {
			copy[at] = bytes[i];
			try_answer(bench, call, copy, len);
		}
		copy[at] = text[at];
	}
	try_answer(bench, call, text, len);
	free(copy);
	bench_free(bench);
}

static void
broken_answers(void **state)
{
	(void)state;
	mutate(try_find,
	    "{\"compositeResponse\":[{\"body\":{\"done\":true,\"records\":[{\"Id\":\"" ONE
	    "\",\"Name\":\"Acme\",\"Key__c\":null}]},\"httpStatusCode\":200,\"referenceId\":\"p0\"},"
	    "{\"body\":{\"done\":true,\"records\":[{\"Id\":\"" TWO
	    "\",\"Website\":\"http://acme.com\"}]},\"httpStatusCode\":200,\"referenceId\":\"p1\"}]}",
	    200);
	mutate(try_find_one,
	    "{\"done\":false,\"nextRecordsUrl\":\"/services/data/v67.0/query/01g-2000\",\"records\":[{\"Id\":\"" ONE
	    "\",\"Name\":\"Acme\"}]}",
	    200);
	mutate(try_find_one,
	    "[{\"errorCode\":\"INVALID_FIELD\",\"message\":\"\\nSELECT\\n^\\nERROR at Row:1:Column:8\\nNo such column 'X' on entity\"}]",
	    400);
	mutate(try_read,
	    "[{\"Id\":\"" ONE
	    "\",\"Name\":\"a\",\"Amount\":-12.50e2,\"At__c\":\"2026-11-22T10:00:00.000+0000\"},null]",
	    200);
	mutate(try_end,
	    "{\"done\":true,\"records\":[{\"Id\":\"" ONE
	    "\",\"IsDeleted\":true,\"MasterRecordId\":\"" TWO "\"},{\"Id\":\"" TWO
	    "\",\"IsDeleted\":false,\"MasterRecordId\":null}]}",
	    200);
	mutate(try_purge, "{\"done\":true,\"records\":[{\"Id\":\"" ONE "\"}]}", 200);
	mutate(try_unlinked,
	    "{\"name\":\"Account\",\"fields\":[{\"name\":\"Key__c\"},{\"name\":\"Name\"}],"
	    "\"done\":true,\"records\":[{\"Id\":\"" ONE "\",\"Name\":\"Acme\"}]}",
	    200);
	mutate(try_limits, "{\"DailyApiRequests\":{\"Max\":15000,\"Remaining\":14200}}", 200);
	mutate(try_exchange,
	    "{\"access_token\":\"00Dt\",\"refresh_token\":\"5A\",\"instance_url\":\"https://a.example.com\"}",
	    200);
}

/* --- numbers ------------------------------------------------------------ */

/* The same numbers in each run. */
static unsigned
pick(unsigned below)
{
	static uint32_t seed = 1;

	seed = seed * 1103515245U + 12345U;
	return (seed >> 16) % below;
}

static void
add_digits(struct bh_buf *out, unsigned n, bool is_whole)
{
	for (unsigned i = 0; i < n; i++) {
		bool is_edge = is_whole ? i == 0 && n > 1 : i == n - 1;

		bh_buf_addc(out, (char)('0' + (is_edge ? 1 + pick(9) : pick(10))));
	}
}

/* The digits of a number with the point moved to the left, as a power of ten puts it back. */
static void
add_with_exponent(struct bh_buf *out, const char *whole, const char *fraction)
{
	size_t shift = strlen(whole) - 1;

	bh_buf_addf(out, "%c.%s%s%s%c%s%zu", whole[0], whole + 1, fraction,
	    whole[1] == '\0' && fraction[0] == '\0' ? "0" : "", pick(2) ? 'e' : 'E',
	    pick(2) ? "+" : "", shift);
}

/* One number: as it must come out, and in one of the forms in which JSON may hold it. */
static void
add_number(struct bh_buf *want, struct bh_buf *json)
{
	struct bh_buf whole = BH_BUF_INIT(64), fraction = BH_BUF_INIT(64);
	unsigned form = pick(4);
	bool is_zero;

	add_digits(&whole, 1 + pick(16), true);
	add_digits(&fraction, pick(4), false);
	is_zero = strcmp(bh_buf_str(&whole), "0") == 0 && fraction.len == 0;
	if (pick(2)) {
		bh_buf_adds(want, is_zero ? "" : "-");
		bh_buf_addc(json, '-');
	}
	bh_buf_addf(want, "%s%s%s", bh_buf_str(&whole), fraction.len > 0 ? "." : "",
	    bh_buf_str(&fraction));
	if (form == 0)
		add_with_exponent(json, bh_buf_str(&whole), bh_buf_str(&fraction));
	else if (form == 1)
		bh_buf_addf(json, "%s.%s00", bh_buf_str(&whole), bh_buf_str(&fraction));
	else if (form == 2 && bh_buf_str(&whole)[0] != '0')
		bh_buf_addf(json, "%s%se-%zu", bh_buf_str(&whole), bh_buf_str(&fraction),
		    fraction.len);
	else
		bh_buf_addf(json, "%s%s%s", bh_buf_str(&whole), fraction.len > 0 ? "." : "",
		    bh_buf_str(&fraction));
	bh_buf_release(&whole);
	bh_buf_release(&fraction);
}

static void
numbers_keep_their_digits(void **state)
{
	static const char *const fields[] = {"N__c"};
	struct bench *bench = bench_new();

	(void)state;
	bench->status = 200;
	for (int i = 0; i < 3000; i++) {
		struct bh_buf want = BH_BUF_INIT(256), number = BH_BUF_INIT(256),
			      answer = BH_BUF_INIT(1024);
		struct dest_reading reading = {"Account", ONE, fields, 1, NULL};
		struct bh_err err = BH_ERR_INIT;

		add_number(&want, &number);
		bh_buf_addf(&answer, "[{\"N__c\":%s,\"Id\":\"" ONE "\"}]", bh_buf_str(&number));
		bench->answer = bh_buf_str(&answer);
		bench->answer_len = answer.len;
		bench->calls = 0;
		assert_int_equal(driver()->read(&bench->config, &reading, 1, &err), 0);
		assert_string_equal(bh_json_str(reading.values, "N__c"), bh_buf_str(&want));
		json_decref(reading.values);
		bh_buf_release(&want);
		bh_buf_release(&number);
		bh_buf_release(&answer);
	}
	bench_free(bench);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(broken_answers),
	    cmocka_unit_test(numbers_keep_their_digits),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
