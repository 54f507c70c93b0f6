/* Salesforce's bulk jobs, as far as they are too large or too odd for a wire file. */
#include "base/base.h"

#include "base/text.h"
#include "dest/dest.h"
#include "unit.h"

/* Answers every call with the same. */
struct org {
	struct http_transport transport; /* first */
	const char *answer;
	size_t answer_len;
	size_t biggest_answer_max;
	int calls;
};

static void
org_perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	struct org *org = (struct org *)(void *)transport;

	assert_int_equal(n, 1);
	org->calls++;
	if (requests[0].answer_max > org->biggest_answer_max)
		org->biggest_answer_max = requests[0].answer_max;
	responses[0].status = 200;
	bh_buf_add(&responses[0].body, org->answer, org->answer_len);
}

struct bench {
	struct org org;
	struct dest_auth auth;
	struct dest_config config;
	struct dest_bulk bulk;
	const struct dest_driver *driver;
};

static struct bench *
bench_new(void)
{
	struct bench *bench = bh_xcalloc(1, sizeof(*bench));

	bench->org.transport.perform = org_perform;
	bh_secret_set(&bench->auth.access_token, "tok", 3);
	snprintf(bench->auth.base_url, sizeof(bench->auth.base_url),
	    "https://acme.my.salesforce.com");
	bench->config = (struct dest_config){.code = "sf",
	    .transport = &bench->org.transport,
	    .auth = &bench->auth};
	bench->bulk = (struct dest_bulk){.object = "Account",
	    .key_field = "Key__c",
	    .id = "750xx0000000001AAA",
	    .phase = DEST_BULK_DONE};
	bench->driver = dest_driver("salesforce");
	return bench;
}

static void
bench_free(struct bench *bench)
{
	dest_auth_release(&bench->auth);
	free(bench);
}

static void
limits_are_told(void **state BH_UNUSED)
{
	const struct dest_driver *driver = dest_driver("salesforce");

	assert_int_equal(driver->bulk_rows, 100000);
	assert_int_equal(driver->bulk_bytes, 24000000);
}

/* Add records until one does not fit; the code that says so, and how many fitted. */
static enum bh_code
fill(struct bench *bench, struct bh_buf *rows, size_t text_len, size_t *n_r)
{
	const struct dest_column column = {.name = "Text__c"};
	char *text = bh_xmalloc(text_len + 1);
	struct bh_err err = BH_ERR_INIT;
	int rc = 0;

	memset(text, 'x', text_len);
	text[text_len] = '\0';
	bench->driver->bulk_head(&bench->bulk, &column, 1, rows);
	for (*n_r = 0; rc == 0 && *n_r < 1000; ++*n_r) {
		struct record *record = record_new("Account", "Key__c", "k");
		size_t before = rows->len;

		record_take_field(record, "Text__c", RECORD_TEXT, json_string(text));
		rc = bench->driver->bulk_row(&bench->bulk, record, &column, 1, rows, &err);
		if (rc < 0)
			assert_int_equal(rows->len, before);
		record_free(&record);
	}
	free(text);
	return rc < 0 ? err.code : BH_OK;
}

/* The caller's ceiling is never met halfway through a row. */
static void
upload_is_bounded(void **state BH_UNUSED)
{
	struct bench *bench = bench_new();
	struct bh_buf rows = BH_BUF_INIT(250000);
	size_t n;

	assert_int_equal(fill(bench, &rows, 100000, &n), BH_LIMITED);
	assert_int_equal(n, 3);
	assert_false(rows.full);
	assert_int_equal(rows.data[rows.len - 1], '\n');
	bh_buf_release(&rows);
	bench_free(bench);
}

/* A row may hold 400,000 characters (bulk guide), whatever its values hold. */
static void
row_is_bounded(void **state BH_UNUSED)
{
	struct bench *bench = bench_new();
	struct dest_column columns[4];
	struct bh_buf rows = BH_BUF_INIT(SIZE_MAX / 2);
	struct record *record = record_new("Account", "Key__c", "k");
	char *text = bh_xmalloc(131073), name[16];
	struct bh_err err = BH_ERR_INIT;

	memset(text, 'x', 131072);
	text[131072] = '\0';
	for (size_t i = 0; i < BH_LEN(columns); i++) {
		static const char *const names[] = {"A__c", "B__c", "C__c", "D__c"};

		snprintf(name, sizeof(name), "%s", names[i]);
		columns[i] = (struct dest_column){.name = names[i]};
		record_take_field(record, name, RECORD_TEXT, json_string(i < 3 ? text : "short"));
	}
	assert_int_equal(bench->driver->bulk_row(&bench->bulk, record, columns, 4, &rows, &err), 0);
	json_string_set(record->fields[3].value, text);
	assert_int_equal(bench->driver->bulk_row(&bench->bulk, record, columns, 4, &rows, &err),
	    -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_non_null(strstr(err.text, "too long"));
	record_free(&record);
	bh_buf_release(&rows);
	free(text);
	bench_free(bench);
}

struct seen {
	int rows;
	int stop_after; /* 0: never */
};

static int
see(void *arg, const char *key, const struct dest_result *result, struct bh_err *err)
{
	struct seen *seen = arg;

	assert_non_null(key);
	assert_int_not_equal(result->outcome, DEST_UNKNOWN);
	assert_true(bh_is_utf8(result->cause, strlen(result->cause)));
	assert_true(bh_is_utf8(result->code, strlen(result->code)));
	if (result->outcome == DEST_APPLIED)
		assert_int_not_equal(result->remote_id[0], '\0');
	if (++seen->rows == seen->stop_after)
		return bh_fail(err, BH_STORAGE, "the disk is full");
	return 0;
}

static int
fetch(struct bench *bench, const char *text, size_t len, struct seen *seen, struct bh_err *err)
{
	bench->org.answer = text;
	bench->org.answer_len = len;
	return bench->driver->bulk_results(&bench->config, &bench->bulk, see, seen, err);
}

#define RESULTS                                                                                    \
	"\"sf__Id\",\"sf__Created\",\"sf__Error\",Key__c\n"                                        \
	"\"001\",\"true\",\"STRING_TOO_LONG:Name: too large (max length=2):Name --\",\"k1\"\n"     \
	"\"002\",\"false\",\"UNABLE_TO_LOCK_ROW\",k2\n"

/* Whoever takes the rows can end it, with an error of its own; no list is asked for behind that. */
static void
taker_stops(void **state BH_UNUSED)
{
	struct bench *bench = bench_new();
	struct bh_err err = BH_ERR_INIT;
	struct seen seen = {.stop_after = 4};

	assert_int_equal(fetch(bench, RESULTS, strlen(RESULTS), &seen, &err), -1);
	assert_int_equal(err.code, BH_STORAGE);
	assert_string_equal(err.text, "the disk is full");
	assert_int_equal(seen.rows, 4);
	assert_int_equal(bench->org.calls, 2);
	bench_free(bench);
}

/* All of an upload comes back, in quotes and with ids. */
static void
large_answers_are_taken(void **state BH_UNUSED)
{
	struct bench *bench = bench_new();
	struct bh_err err = BH_ERR_INIT;
	struct seen seen = {0};

	assert_int_equal(fetch(bench, RESULTS, strlen(RESULTS), &seen, &err), 0);
	assert_int_equal(seen.rows, 6);
	assert_true(bench->org.biggest_answer_max >= 2 * bench->driver->bulk_bytes);
	bench_free(bench);
}

/* No answer may break us or leave a row without a verdict. */
static void
mutated_results(void **state BH_UNUSED)
{
	static const char bytes[] = {'\0', '"', ',', '\n', '\r', ':', '-', 'x', (char)0xff};
	struct bench *bench = bench_new();
	char text[] = RESULTS;
	size_t len = strlen(text);

	for (size_t at = 0; at < len; at++) {
		struct bh_err err = BH_ERR_INIT;
		struct seen seen = {0};
		char kept = text[at];

		(void)fetch(bench, text, at, &seen, &err);
		for (size_t i = 0; i < BH_LEN(bytes); i++) {
			text[at] = bytes[i];
			if (fetch(bench, text, len, &seen, &err) < 0)
				assert_int_equal(err.code, BH_INVALID);
		}
		text[at] = kept;
	}
	bench_free(bench);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(limits_are_told),
	    cmocka_unit_test(upload_is_bounded),
	    cmocka_unit_test(row_is_bounded),
	    cmocka_unit_test(taker_stops),
	    cmocka_unit_test(large_answers_are_taken),
	    cmocka_unit_test(mutated_results),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
