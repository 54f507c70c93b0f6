/* See zone.h. */
#include "base/base.h"

#include "base/zone.h"

#include <sys/stat.h>

#include <time.h>

#include "base/clock.h"
#include "base/text.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define EAST_MOST_H 14
#define PATH_MOST 512

/* -- fixed distances -- */

/* "+01:00" */
static bool
is_distance(const char *zone, int64_t *east_ms_r)
{
	uint64_t hours, minutes;

	if (strlen(zone) != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':' ||
	    !bh_is_uint(zone + 1, 2, EAST_MOST_H, &hours) || !bh_is_uint(zone + 4, 2, 59, &minutes))
		return false;
	*east_ms_r = (int64_t)(hours * 60 + minutes) * MINUTE_MS * (zone[0] == '-' ? -1 : 1);
	return true;
}

/* -- names -- */

/* Where hosts keep their database; TZDIR says it for all. */
static const char *
next_folder(size_t *at)
{
	static const char *const folders[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo",
	    "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};
	const char *said = getenv("TZDIR");

	if (said != NULL && said[0] != '\0')
		return (*at)++ == 0 ? said : NULL;
	return *at < BH_LEN(folders) ? folders[(*at)++] : NULL;
}

/* Nothing that leads out of the database. */
static bool
is_name(const char *zone)
{
	size_t len = strlen(zone);

	return len > 0 && len <= BH_ZONE_MAX && zone[0] != '/' && zone[0] != '.' &&
	       strstr(zone, "..") == NULL &&
	       strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") ==
		   len;
}

/* The C library takes whatever it cannot read for UTC: so we look first. */
static bool
is_zone_file(const char *path)
{
	char magic[4] = "";
	struct stat st;
	FILE *file;
	size_t n;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	file = fopen(path, "rb");
	if (file == NULL)
		return false;
	n = fread(magic, 1, sizeof(magic), file);
	fclose(file);
	return n == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
}

static bool
is_found(const char *zone, char path[PATH_MOST])
{
	const char *folder;
	size_t at = 0;

	while ((folder = next_folder(&at)) != NULL) {
		int n = snprintf(path, PATH_MOST, ":%s/%s", folder, zone);

		if (n > 0 && n < PATH_MOST && is_zone_file(path + 1))
			return true;
	}
	return false;
}

static bool
has_database(void)
{
	const char *folder;
	struct stat st;
	size_t at = 0;

	while ((folder = next_folder(&at)) != NULL)
		if (stat(folder, &st) == 0 && S_ISDIR(st.st_mode))
			return true;
	return false;
}

/* The C library's zone is this one from now on. */
static bool
is_set(const char *zone)
{
	static char current[BH_ZONE_MAX + 1];
	char path[PATH_MOST];

	if (strcmp(zone, current) == 0)
		return true;
	if (!is_name(zone) || !is_found(zone, path) || setenv("TZ", path, 1) < 0)
		return false;
	tzset();
	snprintf(current, sizeof(current), "%s", zone);
	return true;
}

static bool
is_named(const char *zone, int64_t at_ms, int64_t *east_ms_r)
{
	time_t at_s = (time_t)(at_ms / 1000 - (at_ms % 1000 < 0));
	struct tm tm;
	int64_t local_s;

	if (!is_set(zone) || localtime_r(&at_s, &tm) == NULL)
		return false;
	local_s = bh_days_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) * 86400 +
		  tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
	*east_ms_r = (local_s - (int64_t)at_s) * 1000;
	return true;
}

/* -- both -- */

bool
bh_is_zone(const char *zone, int64_t at_ms, int64_t *east_ms_r)
{
	*east_ms_r = 0;
	return zone == NULL || is_distance(zone, east_ms_r) || is_named(zone, at_ms, east_ms_r);
}

int
bh_zone_check(const char *zone, struct bh_err *err)
{
	int64_t east_ms;

	if (bh_is_zone(zone, 0, &east_ms))
		return 0;
	if (!is_name(zone))
		return bh_fail(err, BH_INVALID,
		    "zone is a name such as \"Europe/Berlin\", or a distance from UTC such as \"+01:00\"");
	if (!has_database())
		return bh_fail(err, BH_INVALID,
		    "this host has no tz database, so it knows no zone \"%s\": give a distance from UTC such as \"+01:00\"",
		    zone);
	return bh_fail(err, BH_INVALID,
	    "this host knows no zone \"%s\": it is a name such as \"Europe/Berlin\", or a distance from UTC such as \"+01:00\"",
	    zone);
}

int64_t
bh_zone_moment(const char *zone, int64_t local_ms)
{
	int64_t before, after, again, first;

	if (!bh_is_zone(zone, local_ms - DAY_MS, &before) ||
	    !bh_is_zone(zone, local_ms + DAY_MS, &after))
		return local_ms;
	first = local_ms - (before > after ? before : after);
	if (bh_is_zone(zone, first, &again) && first + again == local_ms)
		return first;
	/* Not that of the clocks' other distance: either the later one, or there is none. */
	return local_ms - (before < after ? before : after);
}
