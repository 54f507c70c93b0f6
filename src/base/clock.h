/*
 * Time.  Inside the program a time is milliseconds since 1970 in UTC
 * (int64_t, `_ms`); dates are `YYYY-MM-DD` text.  Tests may set the clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/buf.h"

#define BH_CLOCK_TEXT 40 /* room for any text made here */

/* Now.  BILLHOOK_CLOCK_OFFSET_S in the environment shifts it (tests of due dates). */
int64_t bh_now_ms(void);
/* Fixes now for this process; 0 lets it run again. */
void bh_clock_set(int64_t now_ms);
/* Milliseconds that only grow; for durations, never stored. */
int64_t bh_mono_ms(void);
/* The same in microseconds. */
int64_t bh_mono_us(void);
void bh_sleep_ms(int ms);

/* "2026-11-22T04:29:31Z", with ".123" before the Z when ms is not whole seconds. */
void bh_rfc3339(char out[BH_CLOCK_TEXT], int64_t at_ms);
/* "2026-11-22" of the UTC day. */
void bh_date(char out[BH_CLOCK_TEXT], int64_t at_ms);
/*
 * Read RFC 3339 (T or space, Z or an offset, any fraction) or a bare date
 * (midnight UTC), years 1 to 9999.  False when text is neither.
 */
bool bh_is_time(const char *text, int64_t *at_ms_r);

/* Calendar, proleptic Gregorian.  Days are counted from 1970-01-01. */
int64_t bh_days_from_civil(int year, int month, int day);
void bh_civil_from_days(int64_t days, int *year_r, int *month_r, int *day_r);
int bh_days_in_month(int year, int month);

#endif
