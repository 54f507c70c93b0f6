/* Times as text, both ways, and the calendar. */
#include "base/base.h"

#include "base/clock.h"
#include "unit.h"

static const struct {
	const char *text;
	int64_t at_ms;
	const char *back; /* as bh_rfc3339() writes it; NULL: as text */
} good[] = {
    {"1970-01-01T00:00:00Z", 0, NULL},
    {"1969-12-31T23:59:59.999Z", -1, NULL},
    {"2000-02-29T12:00:00Z", 951825600000, NULL},
    {"2024-02-29T23:59:59Z", 1709251199000, NULL},
    {"2024-12-31T23:59:59.500Z", 1735689599500, NULL},
    {"1900-03-01T00:00:00Z", -2203891200000, NULL},
    {"0001-01-01T00:00:00Z", -62135596800000, NULL},
    {"9999-12-31T23:59:59.999Z", 253402300799999, NULL},
    {"2026-11-22T04:29:31.120Z", 1795321771120, NULL},
    {"2026-11-22", 1795305600000, "2026-11-22T00:00:00Z"},
    {"2026-11-22t04:29:31z", 1795321771000, "2026-11-22T04:29:31Z"},
    {"2026-11-22 04:29:31Z", 1795321771000, "2026-11-22T04:29:31Z"},
    {"2026-11-22 04:29:31 UTC", 1795321771000, "2026-11-22T04:29:31Z"},
    {"2026-11-22T04:29:31.5Z", 1795321771500, "2026-11-22T04:29:31.500Z"},
    {"2026-11-22T04:29:31.123456789Z", 1795321771123, "2026-11-22T04:29:31.123Z"},
    {"2026-11-22T04:29:31.9999Z", 1795321771999, "2026-11-22T04:29:31.999Z"},
    {"2026-11-22T05:29:31+01:00", 1795321771000, "2026-11-22T04:29:31Z"},
    {"2026-11-21T23:29:31-05:00", 1795321771000, "2026-11-22T04:29:31Z"},
    {"2026-11-22T09:59:31+0530", 1795321771000, "2026-11-22T04:29:31Z"},
    {"2026-01-01T00:30:00+01:00", 1767223800000, "2025-12-31T23:30:00Z"},
    {"2016-12-31T23:59:60Z", 1483228800000, "2017-01-01T00:00:00Z"},
};

static void
times_read_and_written(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(good); i++) {
		const char *want = good[i].back != NULL ? good[i].back : good[i].text;
		char text[BH_CLOCK_TEXT];
		int64_t at_ms = 42;

		if (!bh_is_time(good[i].text, &at_ms) || at_ms != good[i].at_ms)
			fail_msg("%s read as %lld", good[i].text, (long long)at_ms);
		bh_rfc3339(text, at_ms);
		assert_string_equal(text, want);
	}
}

static void
no_times(void **state BH_UNUSED)
{
	static const char *const texts[] = {"", "2026", "2026-11", "2026-11-", "2026-1-22",
	    "2026-13-01", "2026-00-01", "2026-11-00", "2026-11-31", "2025-02-29", "1900-02-29",
	    "2100-02-29", "0000-01-01", "02026-11-22", "-026-11-22", "2026-11-22T", "2026-11-22T04",
	    "2026-11-22T04:29", "2026-11-22T04:29Z", "2026-11-22T04:29:31", "2026-11-22T24:00:00Z",
	    "2026-11-22T04:60:00Z", "2026-11-22T04:29:61Z", "2026-11-22T04:29:31.Z",
	    "2026-11-22T04:29:31,5Z", "2026-11-22T04:29:31+24:00", "2026-11-22T04:29:31+05",
	    "2026-11-22T04:29:31+05:60", "2026-11-22T04:29:31Z ", "2026-11-22T04:29:31ZZ",
	    "2026-11-22T04:29:31 UTC+1", "2026-11-22T 4:29:31Z", " 2026-11-22", "2026/11/22",
	    "2026-11-22X04:29:31Z", "tomorrow", "1795321771"};

	for (size_t i = 0; i < BH_LEN(texts); i++) {
		int64_t at_ms;

		if (bh_is_time(texts[i], &at_ms))
			fail_msg("taken for a time: \"%s\"", texts[i]);
	}
}

static void
every_day_of_800_years(void **state BH_UNUSED)
{
	int64_t days = bh_days_from_civil(1600, 1, 1);
	int year, month, day;

	assert_int_equal(bh_days_from_civil(1970, 1, 1), 0);
	for (int y = 1600; y < 2400; y++) {
		for (int m = 1; m <= 12; m++) {
			for (int d = 1; d <= bh_days_in_month(y, m); d++) {
				assert_true(bh_days_from_civil(y, m, d) == days);
				bh_civil_from_days(days, &year, &month, &day);
				assert_true(year == y && month == m && day == d);
				days++;
			}
		}
	}
	/* 400 Gregorian years are 146,097 days. */
	assert_true(days - bh_days_from_civil(1600, 1, 1) == 2 * 146097);
}

static void
leap_years(void **state BH_UNUSED)
{
	assert_int_equal(bh_days_in_month(2000, 2), 29);
	assert_int_equal(bh_days_in_month(1900, 2), 28);
	assert_int_equal(bh_days_in_month(2024, 2), 29);
	assert_int_equal(bh_days_in_month(2026, 2), 28);
	assert_int_equal(bh_days_in_month(2026, 12), 31);
	assert_int_equal(bh_days_in_month(2026, 4), 30);
}

static void
dates_before_1970(void **state BH_UNUSED)
{
	char text[BH_CLOCK_TEXT];

	bh_date(text, -1);
	assert_string_equal(text, "1969-12-31");
	bh_date(text, 0);
	assert_string_equal(text, "1970-01-01");
	bh_date(text, -86400000);
	assert_string_equal(text, "1969-12-31");
	bh_date(text, -86400001);
	assert_string_equal(text, "1969-12-30");
}

/* No date of ours, but it may come from a broken stored value. */
static void
ends_of_the_range(void **state BH_UNUSED)
{
	char text[BH_CLOCK_TEXT];

	bh_rfc3339(text, INT64_MAX);
	assert_string_equal(text, "292278994-08-17T07:12:55.807Z");
	bh_rfc3339(text, INT64_MIN);
	assert_string_equal(text, "-292275055-05-16T16:47:04.192Z");
}

static void
clock_set_and_let_go(void **state BH_UNUSED)
{
	int64_t real = (int64_t)time(NULL) * 1000;

	bh_clock_set(1234567);
	assert_true(bh_now_ms() == 1234567);
	bh_clock_set(0);
	assert_true(bh_now_ms() >= real && bh_now_ms() < real + 60000);
}

static void
mono_only_grows(void **state BH_UNUSED)
{
	int64_t from = bh_mono_us(), last = from;

	for (int i = 0; i < 1000; i++) {
		int64_t now = bh_mono_us();

		assert_true(now >= last);
		last = now;
	}
	bh_sleep_ms(5);
	assert_true(bh_mono_us() - from >= 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_read_and_written),
	    cmocka_unit_test(no_times),
	    cmocka_unit_test(every_day_of_800_years),
	    cmocka_unit_test(leap_years),
	    cmocka_unit_test(dates_before_1970),
	    cmocka_unit_test(ends_of_the_range),
	    cmocka_unit_test(clock_set_and_let_go),
	    cmocka_unit_test(mono_only_grows),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
