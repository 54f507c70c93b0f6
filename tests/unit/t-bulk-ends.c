/* Bulk jobs that fail, and those whose worker died. */
#include "base/base.h"

#include "bulk-unit.h"

/* -- failures -- */

/* The rest goes call by call, for an hour. */
static void
failed_job_falls_back(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);

	unit_log_expected(true);
	fake.bulk_fails = true;
	fake.bulk_seen = 3;
	customers(bench, 0, FROM, NULL);
	bench_work(bench);
	bench_pass(bench, 2000);
	bench_work(bench);
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 1);
	assert_int_equal(fake.rows, FROM - 3);
	assert_int_equal(fake.drops, 1);
	assert_int_equal(json_object_size(fake.records), FROM);
	assert_int_equal(bench_lane(bench).in_step, FROM);
	assert_string_equal(stored_job(bench).note, "the job was aborted");
	assert_over(bench);

	fake.bulk_fails = false;
	customers(bench, 0, FROM, "Bob");
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 1);
	bench_pass(bench, HOUR_MS);
	customers(bench, 0, FROM, "Cid");
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 2);
	assert_int_equal(bench_lane(bench).in_step, FROM);
	assert_string_equal(stored_job(bench).note, "");
	close_bench(bench);
}

/*
 * Each call of a job fails once.  Refused for good: without a job, for an hour; out of order:
 * again, until it is done.  Either way each record is there once.
 */
static void
each_call_fails(void **state BH_UNUSED)
{
	static const struct {
		const char *call;
		enum bh_code code;
		size_t jobs;
		bool is_off;
	} each[] = {
	    {"bulk-new", BH_INVALID, 0, true},
	    {"bulk-new", BH_UNAVAILABLE, 1, false},
	    {"bulk-new", BH_UNCERTAIN, 1, false},
	    {"bulk-new", BH_DENIED, 1, false},
	    {"bulk-open", BH_INVALID, 1, true},
	    {"bulk-open", BH_LIMITED, 2, false},
	    {"bulk-open", BH_DENIED, 1, false},
	    {"bulk-uploaded", BH_INVALID, 1, true},
	    {"bulk-uploaded", BH_UNAVAILABLE, 2, false},
	    {"bulk-running", BH_INVALID, 1, true},
	    {"bulk-running", BH_UNAVAILABLE, 1, false},
	    {"bulk-running", BH_DENIED, 1, false},
	    {"bulk-results", BH_INVALID, 1, true},
	    {"bulk-results", BH_UNAVAILABLE, 1, false},
	    {"bulk-results", BH_DENIED, 1, false},
	    {"bulk-end", BH_UNAVAILABLE, 1, false},
	    {"bulk-end", BH_DENIED, 1, false},
	    {"bulk-drop", BH_UNAVAILABLE, 1, false},
	};
	const int n = 600; /* more than a page of results */

	unit_log_expected(true);
	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench = open_bench(ACCOUNT);
		struct bulk_job job;

		fake.fault = each[i].call;
		fake.fault_code = each[i].code;
		fake.fault_times = 1;
		customers(bench, 0, n, NULL);
		work_until_quiet(bench);
		job = stored_job(bench);
		if (fake.jobs != each[i].jobs || (job.off_until_ms > bh_now_ms()) != each[i].is_off)
			fail_msg("%s %s: %zu jobs, off %d", each[i].call,
			    bh_code_name(each[i].code), fake.jobs, job.off_until_ms > bh_now_ms());
		assert_int_equal(fake.fault_times, 0);
		assert_int_equal(json_object_size(fake.records), n);
		assert_int_equal(bench_lane(bench).in_step, n);
		assert_int_equal(bench_lane(bench).dirty, 0);
		assert_over(bench);
		close_bench(bench);
	}
}

/* -- whoever died -- */

static int
put_row(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	bulk_row_put(txn, "crm", "stripe:cus_0", arg);
	return 0;
}

/* The worker died while it gathered rows: with a job at the CRM, or none. */
static void
died_while_gathering(void **state BH_UNUSED)
{
	for (int i = 0; i < 2; i++) {
		struct bench *bench = open_bench(ACCOUNT);
		struct bulk_row row = {.id = "cus_0", .mark = 1};
		struct bulk_job job = {.phase = BULK_COLLECTING,
		    .sync = "s",
		    .object = "account",
		    .crm_object = "Account",
		    .key_field = "Key__c"};
		struct fake_lane open;

		snprintf(job.id, sizeof(job.id), "%s", i == 0 ? "" : "job-7");
		assert_return_code(store_run(bench->store, put_job, &job, NULL, &bench->err), 0);
		assert_return_code(store_run(bench->store, put_row, &row, NULL, &bench->err), 0);
		fake_open(bench, &open);
		assert_int_equal(bulk_go_on(&open.run, &bench->err), 0);
		fake_close(&open);
		assert_int_equal(fake.drops, i);
		assert_over(bench);

		customers(bench, 0, FROM, NULL);
		work_until_quiet(bench);
		assert_int_equal(fake.jobs, 1);
		assert_int_equal(bench_lane(bench).in_step, FROM);
		close_bench(bench);
	}
}

/* The CRM has the rows: another worker finds them, in whatever phase it died. */
static void
died_behind_the_upload(void **state BH_UNUSED)
{
	static const enum bulk_phase phases[] = {BULK_SENT, BULK_SETTLING};

	for (size_t i = 0; i < BH_LEN(phases); i++) {
		struct bench *bench = open_bench(ACCOUNT);
		struct fake_lane open;
		struct bulk_job job;

		customers(bench, 0, FROM, NULL);
		bench_work(bench);
		job = stored_job(bench);
		assert_int_equal(job.phase, BULK_SENT);
		job.phase = phases[i];
		assert_return_code(store_run(bench->store, put_job, &job, NULL, &bench->err), 0);
		bench_pass(bench, 2000);
		fake_open(bench, &open);
		assert_int_equal(bulk_go_on(&open.run, &bench->err), 0);
		assert_int_equal(open.run.applied, FROM);
		assert_int_equal(open.run.created, FROM);
		/* There is nothing left to go on with. */
		assert_int_equal(bulk_go_on(&open.run, &bench->err), 0);
		assert_int_equal(open.run.applied, FROM);
		fake_close(&open);
		assert_int_equal(bench_lane(bench).in_step, FROM);
		assert_int_equal(fake.rows, 0);
		assert_over(bench);
		close_bench(bench);
	}
}

/* It died with half of the results settled, or with links settled whose rows were still there. */
static void
died_while_settling(void **state BH_UNUSED)
{
	for (int i = 0; i < 2; i++) {
		struct bench *bench = open_bench(ACCOUNT);
		struct fake_lane open;
		struct bulk_job job;
		struct bulk_row row = {.id = "cus_0", .mark = 1};

		customers(bench, 0, 600, NULL);
		bench_work(bench);
		job = stored_job(bench);
		job.phase = BULK_SETTLING;
		assert_return_code(store_run(bench->store, put_job, &job, NULL, &bench->err), 0);
		fake.fault = "bulk-end";
		fake.fault_code = BH_UNAVAILABLE;
		fake.fault_times = 1;
		bench_pass(bench, 2000);
		fake_open(bench, &open);
		assert_int_equal(bulk_go_on(&open.run, &bench->err), -1);
		assert_int_equal(open.run.applied, 500); /* a page */
		bench_pass(bench, 10000);
		if (i == 1) {
			snprintf(row.hash, sizeof(row.hash), "%s",
			    bench_link(bench, "account", "cus_0").hash);
			assert_return_code(store_run(bench->store, put_row, &row, NULL,
					       &bench->err),
			    0);
		}
		assert_int_equal(bulk_go_on(&open.run, &bench->err), 0);
		assert_int_equal(open.run.applied, 600 + i);
		fake_close(&open);
		assert_int_equal(bench_lane(bench).in_step, 600);
		assert_int_equal(bench_lane(bench).dirty, 0);
		assert_over(bench);
		close_bench(bench);
	}
}

static bool
is_stopping_at_once(void *arg BH_UNUSED)
{
	return true;
}

/* Told to end while rows are gathered: no job is begun, nothing is lost. */
static void
stopped_while_gathering(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);
	struct bulk_group group = {.is_there = true, .sync = "s", .object = "account"};
	struct fake_lane open;

	customers(bench, 0, FROM, NULL);
	bench_ingest(bench);
	bench->context.is_stopping = is_stopping_at_once;
	fake_open(bench, &open);
	assert_int_equal(bulk_begin(&open.run, &group, &bench->err), 0);
	assert_int_equal(open.run.again_ms, bh_now_ms());
	fake_close(&open);
	bench->context.is_stopping = NULL;
	assert_int_equal(fake.jobs, 0);
	assert_int_equal(bench_lane(bench).dirty, FROM);
	assert_over(bench);
	close_bench(bench);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(failed_job_falls_back, teardown),
	    cmocka_unit_test_teardown(each_call_fails, teardown),
	    cmocka_unit_test_teardown(died_while_gathering, teardown),
	    cmocka_unit_test_teardown(died_behind_the_upload, teardown),
	    cmocka_unit_test_teardown(died_while_settling, teardown),
	    cmocka_unit_test_teardown(stopped_while_gathering, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
