/* How much of the CRM's daily allowance of calls is used: levels, what goes on above them, the forecast. */
#include "base/base.h"

#include "base/clock.h"
#include "fakecrm.h"
#include "sync/throttle.h"
#include "unit.h"

#define LIMIT 1000
#define HOUR_MS (3600 * INT64_C(1000))

static void
close_bench(struct bench *bench)
{
	bench_free(bench);
	fake_release();
}

/* -- levels -- */

static void
levels_at_the_borders(void **state BH_UNUSED)
{
	static const struct {
		const char *settings;
		int64_t used, limit;
		enum throttle_level level;
	} each[] = {
	    {"{}", 0, LIMIT, THROTTLE_OPEN},
	    {"{}", 799, LIMIT, THROTTLE_OPEN},
	    {"{}", 800, LIMIT, THROTTLE_URGENT},
	    {"{}", 949, LIMIT, THROTTLE_URGENT},
	    {"{}", 950, LIMIT, THROTTLE_SHUT},
	    {"{}", 2000, LIMIT, THROTTLE_SHUT},
	    {"{}", 0, 0, THROTTLE_OPEN}, /* nothing was told */
	    {"{}", 5000, 0, THROTTLE_OPEN},
	    {"{'throttle':50,'reserve':60}", 499, LIMIT, THROTTLE_OPEN},
	    {"{'throttle':50,'reserve':60}", 500, LIMIT, THROTTLE_URGENT},
	    {"{'throttle':50,'reserve':60}", 600, LIMIT, THROTTLE_SHUT},
	    {"{'throttle':100,'reserve':100}", 999, LIMIT, THROTTLE_OPEN},
	    {"{'throttle':100,'reserve':100}", 1000, LIMIT, THROTTLE_SHUT},
	    {"{'throttle':90,'reserve':10}", 100, LIMIT, THROTTLE_SHUT},
	    {"{}", 80000000000, 100000000000, THROTTLE_URGENT},
	};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench;
		struct fake_lane open;
		json_t *settings = bench_json(each[i].settings);
		char text[240];

		fake_init();
		bench = bench_new("salesforce");
		fake_open(bench, &open);
		open.lane.config.settings = settings;
		/* As the last answer told, or else as it is remembered. */
		for (int k = 0; k < 2; k++) {
			int64_t *used = k == 0 ? &open.lane.config.usage.day_used
					       : &open.lane.condition.day_used;
			int64_t *limit = k == 0 ? &open.lane.config.usage.day_limit
						: &open.lane.condition.day_limit;

			*used = each[i].used;
			*limit = each[i].limit;
			if (throttle_level(&open.lane) != each[i].level)
				fail_msg("row %zu: %d", i, (int)throttle_level(&open.lane));
			throttle_say(&open.lane, text, sizeof(text));
			assert_int_equal(text[0] == '\0', each[i].level == THROTTLE_OPEN);
			*used = *limit = 0;
		}
		json_decref(settings);
		fake_close(&open);
		close_bench(bench);
	}
}

/* -- what goes on -- */

/* Customers are not urgent, subscriptions are. */
static struct bench *
open_bench(void)
{
	struct bench *bench;

	fake_init();
	fake.limit = LIMIT;
	bench = bench_new("salesforce");
	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c','fields':["
	    "{'to':'Name','from':'name'}]},"
	    "{'name':'subscription','from':'subscription','to':'Sub__c','key':'Key__c',"
	    "'urgent':true,'fields':[{'to':'Status__c','from':'source_status'}]}]}}]}");
	bench_work(bench);
	return bench;
}

/* News of a customer and a subscription, with so many calls of the day used. */
static void
push_at(struct bench *bench, const char *what, int64_t used)
{
	fake.used = used;
	bench_customer(bench, "cus_1", what);
	bench_subscription(bench, "sub_1", "cus_1", what);
	bench_work(bench);
}

static bool
is_there(const char *field, const char *value)
{
	return fake_find(field, value) != NULL;
}

/* An answer tells what is used: the next push minds it. */
static void
only_urgent_ones_go_on(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();

	push_at(bench, "first", 800);
	assert_true(is_there("Name", "first"));
	push_at(bench, "second", 800);
	assert_false(is_there("Name", "second"));
	assert_true(is_there("Status__c", "second"));
	assert_true(bench_is_dirty(bench, "account", 0, "cus_1"));
	assert_int_equal(bench_lane(bench).dirty, 1);
	assert_non_null(strstr(bench_lane(bench).reason, "urgent"));
	assert_int_equal(bench_link(bench, "account", "cus_1").attempts, 0);

	/* It looks again by itself, and goes on where others' calls have aged out. */
	assert_int_equal(bench_next_due(bench), bh_now_ms() + THROTTLE_LOOK_MS);
	fake.used = 100;
	bench_pass(bench, THROTTLE_LOOK_MS - 1);
	bench_work(bench);
	assert_false(is_there("Name", "second"));
	bench_pass(bench, 1);
	bench_work(bench);
	assert_true(is_there("Name", "second"));
	assert_string_equal(bench_lane(bench).reason, "");
	assert_int_equal(bench_lane(bench).dirty, 0);
	close_bench(bench);
}

static void
nothing_goes_at_shut(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	size_t rows;

	push_at(bench, "first", 950);
	rows = fake.rows;
	push_at(bench, "second", 950);
	assert_int_equal(fake.rows, rows);
	assert_int_equal(bench_lane(bench).dirty, 2);
	assert_non_null(strstr(bench_lane(bench).reason, "nothing is sent"));
	for (int i = 0; i < 5; i++) {
		bench_pass(bench, THROTTLE_LOOK_MS);
		bench_work(bench);
	}
	assert_int_equal(fake.rows, rows);

	/* Below the reserve the urgent one goes first, below the throttle all. */
	fake.used = 940;
	bench_pass(bench, THROTTLE_LOOK_MS);
	bench_work(bench);
	assert_true(is_there("Status__c", "second"));
	assert_false(is_there("Name", "second"));
	fake.used = 790;
	bench_pass(bench, THROTTLE_LOOK_MS);
	bench_work(bench);
	assert_true(is_there("Name", "second"));
	assert_int_equal(bench_next_due(bench), INT64_MAX);
	close_bench(bench);
}

/* Marks behind a page of what must wait are reached: the urgent ones stand after the others. */
static void
urgent_behind_a_full_page(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	char id[24];

	push_at(bench, "first", 800);
	for (int i = 0; i < 1100; i++) {
		snprintf(id, sizeof(id), "cus_%d", i + 10);
		bench_customer(bench, id, "waits");
	}
	bench_subscription(bench, "sub_2", "cus_1", "urgent");
	bench_work(bench);
	assert_true(is_there("Status__c", "urgent"));
	assert_int_equal(bench_lane(bench).in_step, 3);
	close_bench(bench);
}

/* -- asking again -- */

static void
limits_are_asked_every_ten_minutes_at_most(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	size_t limits;

	push_at(bench, "first", 100);
	push_at(bench, "second", 850);
	assert_int_equal(fake.limits, 0); /* there was no need */
	limits = fake.limits;
	for (int i = 0; i < 6; i++) {
		push_at(bench, i % 2 == 0 ? "third" : "fourth", 850);
		bench_pass(bench, 60000);
	}
	assert_int_equal(fake.limits, limits);
	bench_pass(bench, THROTTLE_LOOK_MS);
	push_at(bench, "fifth", 850);
	assert_int_equal(fake.limits, limits + 1);
	push_at(bench, "sixth", 850);
	assert_int_equal(fake.limits, limits + 1);
	close_bench(bench);
}

/* Nobody answers: what was told last holds, and nothing is stopped by the question. */
static void
limits_that_cannot_be_asked(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();

	push_at(bench, "first", 850);
	fake.fault = "limits";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 1;
	unit_log_expected(true);
	bench_pass(bench, THROTTLE_LOOK_MS);
	push_at(bench, "second", 850);
	assert_int_equal(fake.limits, 1);
	assert_true(is_there("Status__c", "second"));
	assert_false(is_there("Name", "second"));
	close_bench(bench);
}

/* A clock that stood ahead left a time that is to come: it is no reason not to ask. */
static void
reading_from_the_future(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();

	push_at(bench, "first", 850);
	push_at(bench, "second", 850);
	assert_false(is_there("Name", "second"));
	bench_pass(bench, -HOUR_MS);
	fake.used = 100;
	bench_push(bench);
	assert_int_equal(fake.limits, 1);
	assert_true(is_there("Name", "second"));
	close_bench(bench);
}

/* -- chores -- */

/* Old entries of the event log go once a day, but not with calls that are kept back. */
static void
event_log_is_tidied_below_the_throttle(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();

	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm',"
	    "'settings':{'event_log_days':30},'mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c','fields':["
	    "{'to':'Name','from':'name'}]},"
	    "{'name':'log','from':'event','to':'Log__c','key':'Key__c','fields':["
	    "{'to':'At__c','from':'received_at'}]}]}}]}");
	fake.used = 800;
	bench_customer(bench, "cus_1", "Ada");
	bench_push(bench);
	assert_int_equal(fake.purges, 1); /* nothing was told of calls yet */
	bench_ingest(bench);
	bench_push(bench);
	assert_int_equal(fake.purges, 1);
	assert_int_equal(bench_lane(bench).day_used, 800);

	bench_pass(bench, 24 * HOUR_MS);
	assert_int_equal(bench_push(bench).again_ms, bh_now_ms() + THROTTLE_LOOK_MS);
	assert_int_equal(fake.purges, 1);
	fake.used = 100;
	bench_pass(bench, THROTTLE_LOOK_MS);
	bench_push(bench);
	assert_int_equal(bench_push(bench).again_ms, bh_now_ms() + 24 * HOUR_MS);
	assert_int_equal(fake.purges, 2);
	close_bench(bench);
}

/* -- forecast -- */

static void
forecasts(void **state BH_UNUSED)
{
	static const struct {
		int64_t first_used, first_h, used, at_h; /* hours */
		int64_t forecast;
	} each[] = {
	    {0, 0, 100, 6, 400},    /* 100 in 6 hours */
	    {100, 0, 200, 12, 300}, /* another 100 in the other half */
	    {500, 0, 500, 12, 500}, /* nobody calls */
	    {500, 0, 100, 12, 100}, /* calls age out */
	    {0, 0, 100, 24, 100},   /* the day is over */
	    {0, 0, 100, 25, 100},   /* an older reading than a day says nothing */
	    {0, 5, 100, 5, 100},    /* one reading */
	    {0, 7, 100, 5, 100},    /* in the wrong order */
	    {0, 0, 4000000000000, 12, 8000000000000},
	};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct link_lane lane = {.first_used = each[i].first_used,
		    .first_at_ms = HOUR_MS * (1000 + each[i].first_h),
		    .day_used = each[i].used,
		    .day_at_ms = HOUR_MS * (1000 + each[i].at_h),
		    .day_limit = LIMIT};

		if (link_lane_forecast(&lane) != each[i].forecast)
			fail_msg("row %zu: %lld", i, (long long)link_lane_forecast(&lane));
	}
}

/* The readings are those of the pushes, from one day. */
static void
readings_of_a_day(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct link_lane lane;

	push_at(bench, "a", 100);
	bench_pass(bench, 6 * HOUR_MS);
	push_at(bench, "b", 200);
	lane = bench_lane(bench);
	assert_int_equal(lane.day_used, 200);
	assert_int_equal(lane.day_limit, LIMIT);
	assert_int_equal(lane.first_used, 100);
	assert_in_range(link_lane_forecast(&lane), 495, 505);

	/* The limit was reset: what was counted before is no start any more. */
	push_at(bench, "c", 5);
	assert_int_equal(bench_lane(bench).first_used, 5);
	/* A day later the older reading is too old. */
	bench_pass(bench, 25 * HOUR_MS);
	push_at(bench, "d", 60);
	assert_int_equal(bench_lane(bench).first_used, 60);
	close_bench(bench);
}

static int
teardown(void **state BH_UNUSED)
{
	unit_log_expected(false);
	bh_clock_set(0);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(levels_at_the_borders, teardown),
	    cmocka_unit_test_teardown(only_urgent_ones_go_on, teardown),
	    cmocka_unit_test_teardown(nothing_goes_at_shut, teardown),
	    cmocka_unit_test_teardown(urgent_behind_a_full_page, teardown),
	    cmocka_unit_test_teardown(limits_are_asked_every_ten_minutes_at_most, teardown),
	    cmocka_unit_test_teardown(limits_that_cannot_be_asked, teardown),
	    cmocka_unit_test_teardown(reading_from_the_future, teardown),
	    cmocka_unit_test_teardown(event_log_is_tidied_below_the_throttle, teardown),
	    cmocka_unit_test_teardown(forecasts, teardown),
	    cmocka_unit_test_teardown(readings_of_a_day, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
