/* The pace that several processes share which call for one HubSpot portal. */
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "dest/hubspot.h"
#include "unit.h"

#define TIMES_MAX 200

struct desk {
	char dir[64];
	struct dest_auth auth;
	struct dest_config config;
};

static struct desk *
desk_new(void)
{
	struct desk *desk = bh_xcalloc(1, sizeof(*desk));

	snprintf(desk->dir, sizeof(desk->dir), "/tmp/t-pace.XXXXXX");
	assert_non_null(mkdtemp(desk->dir));
	snprintf(desk->auth.account_id, sizeof(desk->auth.account_id), "4711");
	desk->config =
	    (struct dest_config){.code = "hs", .auth = &desk->auth, .run_dir = desk->dir};
	return desk;
}

static char *
desk_file(const struct desk *desk)
{
	return bh_xasprintf("%s/hubspot-4711.pace", desk->dir);
}

static void
desk_free(struct desk *desk)
{
	char *name = desk_file(desk);

	unlink(name);
	assert_int_equal(rmdir(desk->dir), 0);
	free(name);
	free(desk);
	bh_clock_set(0);
}

static void
tell_window(struct desk *desk, int64_t limit, int64_t left, int window_ms)
{
	const struct dest_usage told = {.burst_limit = limit,
	    .burst_left = left,
	    .burst_window_ms = window_ms};

	hubspot_pace_note(&desk->config, &told);
}

/* When n calls of a child were made, one by one, go into the pipe. */
static void
call_away(const struct desk *desk, bool is_search, int n, int out)
{
	for (int i = 0; i < n;) {
		struct hubspot_wait wait;
		size_t taken = hubspot_pace_take(&desk->config, 1, is_search, &wait);
		int64_t at;

		bh_sleep_ms((int)wait.ms);
		if (taken == 0)
			continue;
		at = bh_mono_ms();
		if (write(out, &at, sizeof(at)) != sizeof(at))
			_exit(1);
		i++;
	}
	_exit(0);
}

static int
compare_times(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

/* children processes make n calls each, side by side; their times in order.  How many. */
static size_t
call_together(const struct desk *desk, int children, bool is_search, int n, int64_t *times)
{
	size_t count = 0;
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	for (int i = 0; i < children; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			call_away(desk, is_search, n, ends[1]);
	}
	close(ends[1]);
	while (count < TIMES_MAX && read(ends[0], &times[count], sizeof(times[0])) > 0)
		count++;
	close(ends[0]);
	for (int i = 0; i < children; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	qsort(times, count, sizeof(times[0]), compare_times);
	return count;
}

/* Four a second at most, however many processes search; a little for waking up late. */
static void
searches_of_several_processes(void **state)
{
	struct desk *desk = desk_new();
	int64_t times[TIMES_MAX];
	size_t n = call_together(desk, 4, true, 3, times);

	(void)state;
	assert_int_equal(n, 12);
	for (size_t i = 5; i < n; i++)
		assert_true(times[i] - times[i - 5] > 1000);
	assert_true(times[n - 1] - times[0] < 11 * 250 + 1000);
	desk_free(desk);
}

/* A refused search holds up everybody's next for a second. */
static void
refused_search(void **state)
{
	struct desk *desk = desk_new();
	struct hubspot_wait wait;

	(void)state;
	hubspot_pace_rest(&desk->config);
	assert_int_equal(hubspot_pace_take(&desk->config, 1, true, &wait), 1);
	assert_in_range(wait.ms, 900, 1000);
	assert_int_equal(hubspot_pace_take(&desk->config, 6, false, &wait), 6);
	assert_int_equal(wait.ms, 0);
	desk_free(desk);
}

/* Three quarters of the limit in any window, and no more of it unused than that. */
static void
window_of_several_processes(void **state)
{
	struct desk *desk = desk_new();
	int64_t times[TIMES_MAX];
	size_t n;

	(void)state;
	tell_window(desk, 40, 40, 500);
	n = call_together(desk, 3, false, 25, times);
	assert_int_equal(n, 75);
	/* Who is put to sleep between taking and noting the time looks late: ten are spared for that. */
	for (size_t i = 40; i < n; i++)
		assert_true(times[i] - times[i - 40] >= 490);
	assert_true(times[n - 1] - times[0] >= 990);
	desk_free(desk);
}

/* What others use of the window is left to them, as long as it was seen in it. */
static void
others_use_it(void **state)
{
	struct desk *desk = desk_new();
	struct hubspot_wait wait;

	(void)state;
	tell_window(desk, 40, 15, 300); /* 25 are used, none of them ours: 30 less 25 are left */
	assert_int_equal(hubspot_pace_take(&desk->config, 9, false, &wait), 5);
	assert_int_equal(hubspot_pace_take(&desk->config, 9, false, &wait), 0);
	assert_in_range(wait.ms, 1, 300);
	assert_string_equal(wait.why, "");
	tell_window(desk, 40, 10, 300); /* 30 by now, of which 5 are ours */
	assert_int_equal(hubspot_pace_take(&desk->config, 9, false, &wait), 0);
	tell_window(desk, 40, 0, 300);
	assert_int_equal(hubspot_pace_take(&desk->config, 9, false, &wait), 0);
	assert_in_range(wait.ms, 1, 300);
	bh_sleep_ms(310);
	assert_int_equal(hubspot_pace_take(&desk->config, 9, false, &wait), 9);
	desk_free(desk);
}

/* What HubSpot asks one for holds for all, until it is over; the reason goes with it. */
static void
silence_is_shared(void **state)
{
	struct desk *desk = desk_new();
	struct dest_config other = desk->config;
	struct hubspot_wait wait;
	int64_t now = 1790000000000;

	(void)state;
	bh_clock_set(now);
	other.code = "another";
	hubspot_pace_stop(&desk->config, 600, "it moves");
	hubspot_pace_stop(&desk->config, 10, "too many");
	for (int search = 0; search < 2; search++) {
		assert_int_equal(hubspot_pace_take(&other, 3, search != 0, &wait), 0);
		assert_int_equal(wait.ms, 600000);
		assert_string_equal(wait.why, "it moves");
	}
	hubspot_recall(&other);
	assert_int_equal(other.usage.pause_s, 600);
	bh_clock_set(now + 600000);
	assert_int_equal(hubspot_pace_take(&other, 3, false, &wait), 3);
	other.usage.pause_s = 0;
	hubspot_recall(&other);
	assert_int_equal(other.usage.pause_s, 0);
	desk_free(desk);
}

/* What one is told of the day's calls all know, while it is young. */
static void
day_is_shared(void **state)
{
	static const struct dest_usage told = {.day_used = 850, .day_limit = 1000};
	struct desk *desk = desk_new();
	struct dest_config other = desk->config;
	int64_t now = 1790000000000;

	(void)state;
	bh_clock_set(now);
	hubspot_pace_note(&desk->config, &told);
	hubspot_recall(&other);
	assert_int_equal(other.usage.day_used, 850);
	assert_int_equal(other.usage.day_limit, 1000);
	other.usage = (struct dest_usage){0};
	bh_clock_set(now + 600000);
	hubspot_recall(&other);
	assert_int_equal(other.usage.day_limit, 0);
	desk_free(desk);
}

/* Locked records: half as many calls at a time, then half of that, one at least. */
static void
locks_narrow(void **state)
{
	struct desk *desk = desk_new();
	struct hubspot_wait wait;

	(void)state;
	hubspot_pace_narrow(&desk->config, 6);
	assert_int_equal(hubspot_pace_take(&desk->config, 6, false, &wait), 3);
	hubspot_pace_narrow(&desk->config, 3);
	assert_int_equal(hubspot_pace_take(&desk->config, 6, false, &wait), 1);
	hubspot_pace_narrow(&desk->config, 1);
	assert_int_equal(hubspot_pace_take(&desk->config, 6, false, &wait), 1);
	desk_free(desk);
}

/* Two portals have nothing to do with each other; nor has a portal that is not known yet. */
static void
portals_apart(void **state)
{
	struct desk *desk = desk_new();
	struct hubspot_wait wait;
	char *name;

	(void)state;
	hubspot_pace_stop(&desk->config, 60, "stop");
	desk->auth.account_id[0] = '\0';
	assert_int_equal(hubspot_pace_take(&desk->config, 1, false, &wait), 1);
	name = bh_xasprintf("%s/hubspot-of-hs.pace", desk->dir);
	assert_int_equal(unlink(name), 0);
	free(name);
	desk_free(desk);
}

/* Whatever stands in the file, calls go on; without a place for it, too. */
static void
file_is_lost_or_broken(void **state)
{
	struct desk *desk = desk_new();
	struct hubspot_wait wait;
	char *name = desk_file(desk), junk[4096];
	int fd;

	(void)state;
	for (int fill = 0; fill < 256; fill += 85) {
		for (size_t size = 0; size <= sizeof(junk); size += 512) {
			memset(junk, fill, sizeof(junk));
			fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
			assert_int_equal(write(fd, junk, size), size);
			close(fd);
			assert_int_equal(hubspot_pace_take(&desk->config, 6, false, &wait), 6);
			assert_int_equal(wait.ms, 0);
		}
	}
	assert_int_equal(unlink(name), 0);
	free(name);
	desk->config.run_dir = NULL;
	assert_int_equal(hubspot_pace_take(&desk->config, 6, false, &wait), 6);
	assert_int_equal(hubspot_pace_take(&desk->config, 6, true, &wait), 1);
	assert_int_equal(wait.ms, 250);
	hubspot_pace_stop(&desk->config, 60, "stop");
	hubspot_recall(&desk->config);
	assert_int_equal(desk->config.usage.pause_s, 0);
	desk_free(desk);
}

/* The day ends at midnight of the portal; what should be a new one and is none is tried hourly. */
static void
day_ends_at_midnight(void **state)
{
	static const struct {
		int64_t utc_s; /* of the day */
		bool has_clock;
		int clock_s, left_s;
	} cases[] = {
	    {43200, true, 0, 43200 + 60},
	    {43200, true, -4 * 3600, 57600 + 60},
	    {43200, true, 9 * 3600, 10800 + 60},
	    {86399, true, 0, 1 + 60},
	    {0, true, 0, 3600},
	    {7199, true, 0, 3600},
	    {7200, true, 0, 79200 + 60},
	    {14400, true, -4 * 3600, 3600},
	    {43200, false, 0, 3600},
	};
	struct desk *desk = desk_new();

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		bh_clock_set((INT64_C(20000) * 86400 + cases[i].utc_s) * 1000);
		desk->auth.has_clock = cases[i].has_clock;
		desk->auth.clock_s = cases[i].clock_s;
		assert_int_equal(hubspot_day_left(&desk->config), cases[i].left_s);
	}
	desk_free(desk);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(searches_of_several_processes),
	    cmocka_unit_test(refused_search),
	    cmocka_unit_test(window_of_several_processes),
	    cmocka_unit_test(others_use_it),
	    cmocka_unit_test(silence_is_shared),
	    cmocka_unit_test(day_is_shared),
	    cmocka_unit_test(locks_narrow),
	    cmocka_unit_test(portals_apart),
	    cmocka_unit_test(file_is_lost_or_broken),
	    cmocka_unit_test(day_ends_at_midnight),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
