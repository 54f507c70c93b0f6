/*
 * Time zones: "+01:00", a fixed distance from UTC, or a name of the host's tz
 * database such as "Europe/Berlin", whose distance changes with daylight saving.
 * NULL is UTC.
 *
 * Names are looked up by the C library.  Its TZ belongs to this file: nothing
 * else in the program has a local time.
 */
#ifndef BASE_ZONE_H
#define BASE_ZONE_H

#include "base/err.h"

#define BH_ZONE_MAX 64 /* bytes of a name */

/* -1 BH_INVALID: it is neither, or this host has no such name. */
int bh_zone_check(const char *zone, struct bh_err *err);

/* How far east of UTC its clocks are at that moment; false as bh_zone_check(). */
bool bh_is_zone(const char *zone, int64_t at_ms, int64_t *east_ms_r);

/*
 * When its clocks show local_ms, which counts as if they stood at UTC: the first time, where
 * they show it twice; as if they had not been put forward, where they never do.  UTC where
 * the zone is not known.
 */
int64_t bh_zone_moment(const char *zone, int64_t local_ms);

#endif
