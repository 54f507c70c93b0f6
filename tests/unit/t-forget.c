/* The job that forgets: what it removes, when it runs again, and that it may be stopped anywhere. */
#include "base/base.h"

#include <sys/stat.h>
#include <sys/time.h>

#include <unistd.h>

#include "base/clock.h"
#include "bench.h"
#include "state/queue.h"
#include "state/retain.h"
#include "state/trail.h"
#include "sync/retain.h"
#include "unit.h"

#define HOUR_MS (3600 * (int64_t)1000)
#define DAY_MS (24 * HOUR_MS)

/* -- helpers -- */

/* n events of a customer, so far apart, handled. */
static void
make_events(struct bench *bench, int n, int64_t apart_ms)
{
	for (int i = 0; i < n; i++) {
		bench_customer(bench, "cus_1", "Ada");
		bench_pass(bench, apart_ms);
	}
	bench_ingest(bench);
}

static struct sync_outcome
run(struct bench *bench)
{
	struct sync_outcome outcome;

	if (retain_run(&bench->context, &outcome, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return outcome;
}

static size_t
count(struct bench *bench, const char *prefix)
{
	struct store_scan scan = {.prefix = prefix,
	    .prefix_len = strlen(prefix),
	    .max = 100000,
	    .keys_only = true};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	size_t n;
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	store_free(&txn);
	return n;
}

static void
add_trail(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "push",
	    .subject = "crm",
	    .text = "x"};

	trail_add(txn, 0, &entry);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
}

/* -- what goes -- */

static void
by_age(void **state)
{
	struct bench *bench = *state = bench_new("sandbox");
	size_t trail;

	bench->conf.keep_days = 10;
	add_trail(bench);
	make_events(bench, 20, DAY_MS);
	add_trail(bench);
	trail = count(bench, "Tr");
	/* Each is a second more than a day behind the one before. */
	assert_int_equal(run(bench).handled, 11 + trail - 1);
	assert_int_equal(count(bench, "Ze"), 9);
	assert_int_equal(count(bench, "Ji"), 20);
	assert_int_equal(count(bench, "Tr"), 1);
	/* Ids are remembered for 35 days, then forgotten. */
	bench_pass(bench, 20 * DAY_MS);
	run(bench);
	assert_int_equal(count(bench, "Ze"), 0);
	assert_int_equal(count(bench, "Ji"), 14);
	bench_pass(bench, 20 * DAY_MS);
	run(bench);
	assert_int_equal(count(bench, "Ji"), 0);
	assert_int_equal(count(bench, "Jx"), 0);
	assert_int_equal(count(bench, "Jo"), 0);
	/* The mirror is not the journal. */
	assert_int_equal(count(bench, "Mo"), 1);
}

static void
for_ever(void **state)
{
	struct bench *bench = *state = bench_new("sandbox");

	bench->conf.keep_days = bench->conf.keep_mb = 0;
	add_trail(bench);
	make_events(bench, 20, 100 * DAY_MS);
	assert_int_equal(run(bench).handled, 0);
	assert_int_equal(count(bench, "Ze"), 20);
}

static void
by_size(void **state)
{
	struct bench *bench = *state = bench_new("sandbox");
	size_t len = 100000;
	char *body = bh_xmalloc(len);

	memset(body, ' ', len);
	bench->conf.keep_days = 0;
	bench->conf.keep_mb = 1;
	for (int i = 0; i < 20; i++) {
		char id[32];

		snprintf(id, sizeof(id), "evt_large_%d", i);
		bench_journal(bench, "stripe", id, "x", body, len);
	}
	/* What is not handled stays, whatever its size. */
	assert_int_equal(run(bench).handled, 0);
	unit_log_expected(true); /* bodies of spaces are no events */
	bench_ingest(bench);
	unit_log_expected(false);
	bench_pass(bench, 2 * HOUR_MS);
	assert_int_equal(run(bench).handled, 10);
	assert_int_equal(count(bench, "Ze"), 10);
	assert_int_equal(count(bench, "Ji"), 20);
	free(body);
}

/* A limit that is set later: what is there already is counted. */
static void
size_later(void **state)
{
	struct bench *bench = *state = bench_new("sandbox");
	size_t len = 500000;
	char *body = bh_xmalloc(len);

	memset(body, ' ', len);
	bench->conf.keep_mb = 0;
	for (int i = 0; i < 4; i++) {
		char id[32];

		snprintf(id, sizeof(id), "evt_large_%d", i);
		bench_journal(bench, "stripe", id, "x", body, len);
	}
	unit_log_expected(true);
	bench_ingest(bench);
	unit_log_expected(false);
	assert_int_equal(run(bench).handled, 0);
	bench->conf.keep_mb = 1;
	assert_int_equal(run(bench).handled, 2);
	assert_int_equal(count(bench, "Ze"), 2);
	free(body);
}

static void
sessions(void **state)
{
	struct bench *bench = *state = bench_new(NULL);
	struct account_session session = {.expires_ms = bh_now_ms() + HOUR_MS};
	struct store_txn *txn = store_begin(bench->store);
	char id[BH_ID_LEN + 1];

	account_session_new(txn, &session, id);
	assert_int_equal(account_login_failed(txn, "admin", &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
	assert_int_equal(run(bench).handled, 0);
	bench_pass(bench, 2 * HOUR_MS);
	assert_int_equal(run(bench).handled, 2);
	assert_int_equal(count(bench, "AS") + count(bench, "Af"), 0);
}

static void
bad_files(void **state)
{
	struct bench *bench = *state = bench_new(NULL);
	char dir[] = "/tmp/t-forget.XXXXXX", *bad, *old, *young;
	struct timeval times[2] = {{0}};

	assert_non_null(mkdtemp(dir));
	bad = bh_xasprintf("%s/spool", dir);
	assert_int_equal(mkdir(bad, 0700), 0);
	free(bad);
	bad = bh_xasprintf("%s/spool/bad", dir);
	assert_int_equal(mkdir(bad, 0700), 0);
	old = bh_xasprintf("%s/old", bad);
	young = bh_xasprintf("%s/young", bad);
	fclose(fopen(old, "w"));
	fclose(fopen(young, "w"));
	times[0].tv_sec = times[1].tv_sec = bh_now_ms() / 1000 - 91 * 86400;
	assert_int_equal(utimes(old, times), 0);
	times[0].tv_sec = times[1].tv_sec = bh_now_ms() / 1000 - 89 * 86400;
	assert_int_equal(utimes(young, times), 0);
	free(bench->conf.data_dir);
	bench->conf.data_dir = bh_xstrdup(dir);
	run(bench);
	assert_int_equal(access(old, F_OK), -1);
	assert_int_equal(unlink(young), 0);
	rmdir(bad);
	free(bad);
	bad = bh_xasprintf("%s/spool", dir);
	rmdir(bad);
	rmdir(dir);
	free(bad);
	free(old);
	free(young);
}

/* -- when -- */

static void
every_hour(void **state)
{
	struct bench *bench = *state = bench_new("sandbox");
	struct sync_outcome outcome;
	int64_t next_ms;
	size_t trail;

	bench->conf.keep_days = 1;
	make_events(bench, 3, 2 * DAY_MS);
	trail = count(bench, "Tr");
	outcome = run(bench);
	next_ms = bh_now_ms() + HOUR_MS;
	assert_int_equal(outcome.handled, 3 + trail);
	assert_int_equal(outcome.again_ms, next_ms);
	/* Woken too early it says the same time again. */
	bench_pass(bench, 1000);
	make_events(bench, 1, 0);
	bench_pass(bench, HOUR_MS / 2);
	assert_int_equal(run(bench).again_ms, next_ms);
	/* Under other options it runs at once. */
	bench->conf.keep_days = 2;
	assert_int_equal(run(bench).again_ms, bh_now_ms() + HOUR_MS);
	/* A clock that was far ahead stops nothing. */
	bench_pass(bench, 1000 * DAY_MS);
	run(bench);
	bench_pass(bench, -1000 * DAY_MS);
	assert_int_equal(run(bench).again_ms, bh_now_ms() + HOUR_MS);
	/* Processes that end when they are idle find time to. */
	bench->conf.idle_exit_s = 7200;
	bench_pass(bench, 2 * HOUR_MS);
	assert_int_equal(run(bench).again_ms, bh_now_ms() + 3 * HOUR_MS);
}

static int
wake(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	queue_wake(txn, RETAIN_JOB, "", bh_now_ms());
	return 0;
}

/* However often it is woken, one wake-up is left. */
static void
one_wake_up(void **state)
{
	struct bench *bench = *state = bench_new(NULL);

	for (int i = 0; i < 20; i++) {
		struct queue_job job;
		struct sync_outcome outcome;
		int64_t next_due;
		size_t n;

		assert_int_equal(store_run(bench->store, wake, NULL, NULL, &bench->err), 0);
		assert_int_equal(queue_lease(bench->store, "me", bh_now_ms(), HOUR_MS, 1, &job, &n,
				     &next_due, &bench->err),
		    0);
		assert_int_equal(n, 1);
		assert_string_equal(job.kind, RETAIN_JOB);
		outcome = run(bench);
		assert_true(outcome.again_ms > bh_now_ms());
		assert_int_equal(queue_finish(bench->store, &job, false, "", outcome.again_ms,
				     &bench->err),
		    0);
		bench_pass(bench, 10000);
	}
	assert_int_equal(count(bench, "Qd"), 1);
}

/* -- stopped anywhere -- */

struct stop {
	int after; /* so many questions */
};

static bool
is_stopping(void *arg)
{
	struct stop *stop = arg;

	return stop->after-- <= 0;
}

static void
assert_end(struct bench *bench)
{
	int64_t bytes, sum = 0;
	struct store_scan scan = {.prefix = "Ze", .prefix_len = 2, .max = 100000};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	size_t n;
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	for (size_t i = 0; i < n; i++)
		sum += (int64_t)entries[i].value_len;
	assert_int_equal(n, 100);
	assert_int_equal(retain_bytes(txn, &bytes, &bench->err), 1);
	assert_int_equal(bytes, sum);
	store_free(&txn);
	assert_int_equal(count(bench, "Jo"), 100);
	assert_int_equal(count(bench, "Ji"), 1300);
	assert_int_equal(count(bench, "Jx"), 1200);
}

static struct bench *
make_many(void)
{
	struct bench *bench = bench_new("sandbox");

	bench->conf.keep_days = 1;
	make_events(bench, 1200, 0);
	bench_pass(bench, 2 * DAY_MS);
	make_events(bench, 100, 0);
	return bench;
}

static void
stopped_between_commits(void **state)
{
	for (int after = 0; after < 12; after++) {
		struct bench *bench = *state = make_many();
		struct stop stop = {after};
		struct sync_outcome outcome;

		bench->context.is_stopping = is_stopping;
		bench->context.arg = &stop;
		outcome = run(bench);
		/* It comes back soon when it was not through. */
		if (stop.after < 0)
			assert_int_equal(outcome.again_ms, bh_now_ms() + 600000);
		else
			assert_int_equal(outcome.again_ms, bh_now_ms() + HOUR_MS);
		bench->context.is_stopping = NULL;
		bench_pass(bench, 600000);
		run(bench);
		assert_end(bench);
		if (after + 1 < 12)
			bench_free(bench);
	}
}

/* A write that fails, the first, the second ...: nothing of its commit is there, and the next run ends the same. */
static void
failed_in_a_commit(void **state)
{
	static const unsigned at[] = {1, 2, 3, 400, 500, 501, 502, 503, 504, 1000, 1002, 1004, 1203,
	    1204, 1205};
	unsigned passes = 0, failed = 0;

	for (size_t i = 0; i < BH_LEN(at); i++) {
		struct bench *bench = *state = make_many();
		struct sync_outcome outcome;
		char spec[40];

		snprintf(spec, sizeof(spec), "mem-put:fail:%u", passes + at[i]);
		setenv("BILLHOOK_FAULT", spec, 1);
		if (retain_run(&bench->context, &outcome, &bench->err) < 0) {
			failed++;
			passes += at[i];
		} else {
			i = BH_LEN(at); /* that many writes there are not */
		}
		unsetenv("BILLHOOK_FAULT");
		bench_pass(bench, HOUR_MS);
		run(bench);
		assert_end(bench);
		if (i + 1 < BH_LEN(at))
			bench_free(bench);
	}
#ifdef BH_FAULTS
	assert_true(failed >= 14);
#endif
}

static int
teardown(void **state)
{
	struct bench *bench = *state;

	bench_free(bench);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(by_age),
	    TEST(for_ever),
	    TEST(by_size),
	    TEST(size_later),
	    TEST(sessions),
	    TEST(bad_files),
	    TEST(every_hour),
	    TEST(one_wake_up),
	    TEST(stopped_between_commits),
	    TEST(failed_in_a_commit),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
