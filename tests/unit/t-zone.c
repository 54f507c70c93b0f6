/* Zones: distances, names, and clocks that are put forward and back. */
#include "base/base.h"

#include "base/clock.h"
#include "base/zone.h"
#include "unit.h"

static int64_t
time_of(const char *text)
{
	int64_t at_ms = 0;

	if (!bh_is_time(text, &at_ms))
		fail_msg("%s is no time", text);
	return at_ms;
}

static void
what_clocks_show(void **state BH_UNUSED)
{
	static const struct {
		const char *zone, *at;
		int minutes;
	} cases[] = {
	    {NULL, "2026-07-01T00:00:00Z", 0},
	    {"+01:00", "2026-07-01T00:00:00Z", 60},
	    {"-05:30", "2026-07-01T00:00:00Z", -330},
	    {"UTC", "2026-07-01T00:00:00Z", 0},
	    {"Europe/Berlin", "2026-03-29T00:59:59.999Z", 60},
	    {"Europe/Berlin", "2026-03-29T01:00:00Z", 120},
	    {"Europe/Berlin", "2026-10-25T00:59:59.999Z", 120},
	    {"Europe/Berlin", "2026-10-25T01:00:00Z", 60},
	    {"Europe/Berlin", "2061-07-01T00:00:00Z", 120},
	    {"America/New_York", "2026-03-08T06:59:59Z", -300},
	    {"America/New_York", "2026-03-08T07:00:00Z", -240},
	    {"Australia/Lord_Howe", "2026-07-01T00:00:00Z", 630},
	    {"Australia/Lord_Howe", "2026-12-01T00:00:00Z", 660},
	    {"Asia/Kathmandu", "2026-12-01T00:00:00Z", 345},
	    {"Europe/Berlin", "1960-07-01T00:00:00Z", 60},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		int64_t east_ms = -1;

		if (!bh_is_zone(cases[i].zone, time_of(cases[i].at), &east_ms) ||
		    east_ms != cases[i].minutes * INT64_C(60000))
			fail_msg("%s at %s: %lld", cases[i].zone, cases[i].at, (long long)east_ms);
	}
}

static void
when_they_show_it(void **state BH_UNUSED)
{
	static const struct {
		const char *zone, *local, *moment;
	} cases[] = {
	    {NULL, "2026-07-01T08:00:00Z", "2026-07-01T08:00:00Z"},
	    {"-08:00", "2026-07-01T08:00:00Z", "2026-07-01T16:00:00Z"},
	    {"Europe/Berlin", "2026-07-01T08:00:00Z", "2026-07-01T06:00:00Z"},
	    {"Europe/Berlin", "2026-12-01T08:00:00Z", "2026-12-01T07:00:00Z"},
	    /* Forward, from 02:00 to 03:00. */
	    {"Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"},
	    {"Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z"},
	    {"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z"},
	    {"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
	    {"Europe/Berlin", "2026-03-28T20:00:00Z", "2026-03-28T19:00:00Z"},
	    {"Europe/Berlin", "2026-03-29T20:00:00Z", "2026-03-29T18:00:00Z"},
	    /* Back, from 03:00 to 02:00. */
	    {"Europe/Berlin", "2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z"},
	    {"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"},
	    {"Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
	    {"Europe/Berlin", "2026-10-24T20:00:00Z", "2026-10-24T18:00:00Z"},
	    /* At midnight: a day that begins at 01:00, one that begins a second time. */
	    {"Africa/Cairo", "2024-04-26T00:00:00Z", "2024-04-25T22:00:00Z"},
	    {"America/Havana", "2025-11-02T00:00:00Z", "2025-11-02T04:00:00Z"},
	    {"America/Havana", "2025-11-02T01:00:00Z", "2025-11-02T06:00:00Z"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		int64_t is = bh_zone_moment(cases[i].zone, time_of(cases[i].local));
		char text[BH_CLOCK_TEXT];

		bh_rfc3339(text, is);
		if (strcmp(text, cases[i].moment) != 0)
			fail_msg("%s %s: %s", cases[i].zone, cases[i].local, text);
	}
}

static void
no_zones(void **state BH_UNUSED)
{
	static const char *const zones[] = {"", "+1:00", "+15:00", "+01:60", "+01:00 ",
	    "/etc/passwd", "../../etc/passwd", "Europe/../../../etc/passwd", "Europe",
	    "Europe/Berlin ", "Mars/Phobos", "zone.tab", ":Europe/Berlin",
	    "CET-1CEST,M3.5.0,M10.5.0"};

	for (size_t i = 0; i < BH_LEN(zones); i++) {
		int64_t east_ms = -1;

		if (bh_zone_check(zones[i], NULL) == 0 || bh_is_zone(zones[i], 0, &east_ms))
			fail_msg("\"%s\" is taken", zones[i]);
		assert_int_equal(east_ms, 0);
		assert_int_equal(bh_zone_moment(zones[i], 42), 42);
	}
}

/* What it says where the host lacks the database; distances are known all the same. */
static void
a_host_without_names(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;

	setenv("TZDIR", "/nonexistent", 1);
	assert_int_equal(bh_zone_check("Europe/Paris", &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_non_null(strstr(err.text, "this host has no tz database"));
	assert_int_equal(bh_zone_check("+02:00", &err), 0);
	unsetenv("TZDIR");
	assert_int_equal(bh_zone_check("Europe/Paris", &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_clocks_show),
	    cmocka_unit_test(when_they_show_it),
	    cmocka_unit_test(no_zones),
	    cmocka_unit_test(a_host_without_names),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
