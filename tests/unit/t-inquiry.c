/* sync/inquiry.c: what an administrator asks about one person in the browser: looked for, written, erased, forgotten. */
#include "base/base.h"

#include <sys/stat.h>

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "bench.h"
#include "state/inquiry.h"
#include "state/queue.h"
#include "state/trail.h"
#include "sync/inquiry.h"
#include "sync/person.h"
#include "unit.h"

static char data_dir[64];
static int pages_left; /* before it is told to stop; -1: never */

static bool
is_told(void *arg BH_UNUSED)
{
	if (pages_left > 0)
		pages_left--;
	else
		return pages_left == 0;
	return false;
}

/* Ada and Bob, who are in a CRM, too. */
static struct bench *
make_people(void)
{
	struct bench *bench = bench_new("salesforce");

	bench_event(bench, "customer.updated",
	    json_pack("{s:s, s:s, s:s, s:s}", "object", "customer", "id", "cus_1", "name",
		"Ada Person", "email", "ada@person.example"));
	bench_invoice(bench, "in_1", "cus_1", NULL, 1900);
	bench_customer(bench, "cus_10", "Bob Other");
	bench_work(bench);
	snprintf(data_dir, sizeof(data_dir), "/tmp/t-inquiry.XXXXXX");
	assert_non_null(mkdtemp(data_dir));
	free(bench->conf.data_dir);
	bench->conf.data_dir = bh_xstrdup(data_dir);
	bench->context.is_stopping = is_told;
	pages_left = -1;
	return bench;
}

static void
ask(struct bench *bench, const char *who, const char *connection)
{
	struct store_txn *txn = store_begin(bench->store);

	assert_int_equal(inquiry_ask(txn, who, connection, "root", bh_now_ms(), &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
}

static void
tell(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct inquiry inquiry;

	assert_int_equal(inquiry_get(txn, &inquiry, &bench->err), 0);
	assert_int_equal(inquiry_tell(txn, inquiry.asked_ms, "root", bh_now_ms(), &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	inquiry_release(&inquiry);
	store_free(&txn);
}

static struct sync_outcome
run(struct bench *bench)
{
	struct sync_outcome outcome = {.again_ms = -1};

	if (inquiry_run(&bench->context, &outcome, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return outcome;
}

/* To be released. */
static struct inquiry
stored(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct inquiry inquiry;

	assert_int_equal(inquiry_get(txn, &inquiry, &bench->err), 0);
	store_free(&txn);
	return inquiry;
}

static void
assert_state(struct bench *bench, enum inquiry_state state)
{
	struct inquiry inquiry = stored(bench);

	if (inquiry.state != state)
		fail_msg("state %d, not %d: %s", inquiry.state, state, inquiry.note);
	inquiry_release(&inquiry);
}

static int64_t
count(const struct inquiry *inquiry, const char *list, const char *part)
{
	return bh_json_int(json_object_get(inquiry->facts, list), part, 0);
}

static json_t *
document(struct bench *bench)
{
	struct inquiry inquiry = stored(bench);
	char *path = inquiry_path(data_dir, &inquiry);
	json_t *doc = json_load_file(path, 0, NULL);
	struct stat is;

	assert_non_null(doc);
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	assert_int_equal(is.st_size, inquiry.bytes);
	inquiry_release(&inquiry);
	free(path);
	return doc;
}

static bool
is_dir_gone(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/" INQUIRY_DIR, data_dir);
	return access(path, F_OK) < 0;
}

static size_t
count_in_store(struct bench *bench, const char *text)
{
	struct store_scan scan = {.prefix = "", .prefix_len = 0, .max = 100000};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	size_t n, found = 0, len = strlen(text);
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	for (size_t i = 0; i < n; i++)
		found += memmem(entries[i].key, entries[i].key_len, text, len) != NULL ||
			 memmem(entries[i].value, entries[i].value_len, text, len) != NULL;
	store_free(&txn);
	return found;
}

/* The newest line of what people did. */
static char *
noted(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct trail_query all = {.by = NULL};
	json_t *entries;
	char *line;
	bool more;

	assert_int_equal(trail_audit(txn, &all, 10, 1, &after, &entries, &more, &bench->err), 0);
	line = bh_xasprintf("%s by %s", bh_json_str(json_array_get(entries, 0), "text"),
	    bh_json_str(json_array_get(entries, 0), "by"));
	json_decref(entries);
	bh_buf_release(&after);
	store_free(&txn);
	return line;
}

static void
looked_for(void **state)
{
	struct bench *bench = *state = make_people();
	struct inquiry inquiry;
	json_t *doc;

	ask(bench, "ada@person.example", "");
	assert_int_equal(run(bench).again_ms, bh_now_ms() + INQUIRY_KEPT_MS);
	inquiry = stored(bench);
	assert_int_equal(inquiry.state, INQUIRY_LOOKED);
	assert_int_equal(count(&inquiry, "found", "objects"), 2);
	assert_int_equal(count(&inquiry, "found", "events"), 2);
	assert_int_equal(count(&inquiry, "found", "links"), 2);
	assert_int_equal(json_array_size(json_object_get(inquiry.facts, "records")), 2);
	assert_string_equal(bh_json_str(json_array_get(json_object_get(inquiry.facts, "customers"),
					    0),
				"id"),
	    "cus_1");
	assert_true(inquiry.read > 0);
	inquiry_release(&inquiry);
	doc = document(bench);
	assert_string_equal(bh_json_str(doc, "asked"), "ada@person.example");
	assert_int_equal(json_array_size(json_object_get(doc, "objects")), 2);
	assert_int_equal(json_array_size(json_object_get(doc, "events")), 2);
	assert_int_equal(json_array_size(json_object_get(doc, "spool")), 0);
	json_decref(doc);
}

static void
erased(void **state)
{
	struct bench *bench = *state = make_people();
	size_t bobs = count_in_store(bench, "Bob Other");
	struct inquiry inquiry;
	char *line;

	ask(bench, "ada@person.example", "stripe");
	run(bench);
	assert_true(count_in_store(bench, "person.example") > 0);
	tell(bench);
	assert_state(bench, INQUIRY_TOLD);
	run(bench);
	inquiry = stored(bench);
	assert_int_equal(inquiry.state, INQUIRY_ERASED);
	assert_string_equal(inquiry.who, "");
	assert_int_equal(count(&inquiry, "erased", "objects"), 2);
	assert_int_equal(json_array_size(json_object_get(inquiry.facts, "records")), 2);
	inquiry_release(&inquiry);
	assert_true(is_dir_gone());
	assert_int_equal(count_in_store(bench, "Ada Person"), 0);
	assert_int_equal(count_in_store(bench, "person.example"), 0);
	assert_int_equal(count_in_store(bench, "Bob Other"), bobs);
	line = noted(bench);
	assert_non_null(strstr(line, "a person was erased: 2 objects, "));
	assert_non_null(strstr(line, ", in the browser by root by root"));
	free(line);
	/* What is out of reach is told for a day. */
	bench_pass(bench, INQUIRY_KEPT_MS + 1);
	run(bench);
	assert_state(bench, INQUIRY_NONE);
}

/* Told to stop after the first page, the second ... : it goes on, and ends the same. */
static void
stopped_anywhere(void **state)
{
	int stops = 0;

	for (bool is_through = false; !is_through; stops++) {
		struct bench *bench = *state = make_people();
		struct inquiry inquiry;

		pages_left = stops;
		ask(bench, "cus_1", "");
		is_through = run(bench).again_ms != bh_now_ms();
		pages_left = -1;
		if (!is_through)
			run(bench);
		assert_state(bench, INQUIRY_LOOKED);
		json_decref(document(bench));
		tell(bench);
		pages_left = stops;
		if (run(bench).again_ms == bh_now_ms()) {
			is_through = false;
			assert_state(bench, INQUIRY_ERASING);
			pages_left = -1;
			run(bench);
		}
		pages_left = -1;
		inquiry = stored(bench);
		assert_int_equal(inquiry.state, INQUIRY_ERASED);
		/* What went before the stop counts. */
		assert_int_equal(count(&inquiry, "erased", "objects"), 2);
		assert_int_equal(count(&inquiry, "erased", "events"), 2);
		assert_int_equal(count_in_store(bench, "Ada Person"), 0);
		inquiry_release(&inquiry);
		assert_true(is_dir_gone());
		if (!is_through) {
			bench_free(bench);
			assert_int_equal(rmdir(data_dir), 0);
		}
	}
	assert_true(stops > 5);
}

/* It is noted, and the name of whom it was about is forgotten. */
static void
failed(void **state)
{
	struct bench *bench = *state = make_people();
	struct inquiry inquiry;
	char path[80];
	FILE *file;

	unit_log_expected(true);
	ask(bench, "cus_1", "nowhere");
	run(bench);
	inquiry = stored(bench);
	assert_int_equal(inquiry.state, INQUIRY_FAILED);
	assert_string_equal(inquiry.note, "there is no connection nowhere");
	assert_string_equal(inquiry.who, "");
	inquiry_release(&inquiry);
	/* A file stands where the directory is to be. */
	snprintf(path, sizeof(path), "%s/" INQUIRY_DIR, data_dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	ask(bench, "cus_1", "");
	run(bench);
	assert_state(bench, INQUIRY_FAILED);
	assert_int_equal(unlink(path), 0);
	unit_log_expected(false);
}

/* One at a time; what was asked for first is done. */
static void
one_at_a_time(void **state)
{
	struct bench *bench = *state = make_people();
	struct store_txn *txn = store_begin(bench->store);

	ask(bench, "cus_1", "");
	assert_int_equal(inquiry_ask(txn, "cus_10", "", "eve", bh_now_ms(), &bench->err), 1);
	assert_int_equal(inquiry_tell(txn, bh_now_ms(), "eve", bh_now_ms(), &bench->err), 1);
	assert_int_equal(inquiry_end(txn, bh_now_ms(), &bench->err), 1);
	store_free(&txn);
	run(bench);
	assert_state(bench, INQUIRY_LOOKED);
	/* Forgotten at a person's word. */
	txn = store_begin(bench->store);
	assert_int_equal(inquiry_end(txn, bh_now_ms(), &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
	run(bench);
	assert_state(bench, INQUIRY_NONE);
	assert_true(is_dir_gone());
}

/* The verb erases them meanwhile: neither document nor name stay. */
static void
erased_elsewhere(void **state)
{
	struct bench *bench = *state = make_people();
	struct person_done done;
	struct person *person;

	ask(bench, "ada@person.example", "");
	run(bench);
	assert_false(is_dir_gone());
	assert_int_equal(person_find(&bench->context, "ada@person.example", NULL, &person,
			     &bench->err),
	    0);
	assert_int_equal(person_erase(person, NULL, NULL, &done, &bench->err), 0);
	person_free(&person);
	assert_state(bench, INQUIRY_NONE);
	assert_true(is_dir_gone());
	assert_int_equal(count_in_store(bench, "person.example"), 0);
}

static int
teardown(void **state)
{
	struct bench *bench = *state;

	inquiry_forget(&bench->context, &bench->err);
	bench_free(bench);
	(void)rmdir(data_dir);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(looked_for),
	    TEST(erased),
	    TEST(stopped_anywhere),
	    TEST(failed),
	    TEST(one_at_a_time),
	    TEST(erased_elsewhere),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
