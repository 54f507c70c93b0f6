/* Time: see clock.h. */
#include "base/base.h"

#include "base/clock.h"

#include <errno.h>

#include "base/text.h"

#define DAY_MS (86400 * (int64_t)1000)

static int64_t fixed_ms;

static int64_t
offset_ms(void)
{
	static int64_t offset = INT64_MIN;

	if (offset == INT64_MIN) {
		const char *text = getenv("BILLHOOK_CLOCK_OFFSET_S");
		int64_t s = 0;

		offset = text != NULL && bh_is_int(text, strlen(text), &s) ? s * 1000 : 0;
	}
	return offset;
}

int64_t
bh_now_ms(void)
{
	struct timespec ts;

	if (fixed_ms != 0)
		return fixed_ms;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + offset_ms();
}

void
bh_clock_set(int64_t now_ms)
{
	fixed_ms = now_ms;
}

int64_t
bh_mono_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t
bh_mono_ms(void)
{
	return bh_mono_us() / 1000;
}

void
bh_sleep_ms(int ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		continue;
}

/* Howard Hinnant's era arithmetic: exact over the whole range of years. */
int64_t
bh_days_from_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return era * 146097 + doe - 719468;
}

void
bh_civil_from_days(int64_t days, int *year_r, int *month_r, int *day_r)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*day_r = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month_r = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year_r = (int)(yoe + era * 400 + (*month_r <= 2));
}

int
bh_days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

void
bh_date(char out[BH_CLOCK_TEXT], int64_t at_ms)
{
	int year, month, day;

	bh_civil_from_days(floor_div(at_ms, DAY_MS), &year, &month, &day);
	snprintf(out, BH_CLOCK_TEXT, "%04d-%02d-%02d", year, month, day);
}

void
bh_rfc3339(char out[BH_CLOCK_TEXT], int64_t at_ms)
{
	int64_t of_day = at_ms % DAY_MS;
	int ms = (int)(of_day < 0 ? of_day + DAY_MS : of_day);
	char date[BH_CLOCK_TEXT], fraction[8] = "";

	bh_date(date, at_ms);
	if (ms % 1000 != 0)
		snprintf(fraction, sizeof(fraction), ".%03d", ms % 1000);
	snprintf(out, BH_CLOCK_TEXT, "%.17sT%02d:%02d:%02d%sZ", date, ms / 3600000, ms / 60000 % 60,
	    ms / 1000 % 60, fraction);
}

static bool
is_number(const char **s, int digits, int max, int *value_r)
{
	uint64_t value;

	for (int i = 0; i < digits; i++)
		if ((*s)[i] == '\0')
			return false;
	if (!bh_is_uint(*s, (size_t)digits, (uint64_t)max, &value))
		return false;
	*s += digits;
	*value_r = (int)value;
	return true;
}

static bool
is_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool
is_zone(const char **s, int *minutes_r)
{
	int h, m, sign;

	*minutes_r = 0;
	if (is_char(s, 'Z') || is_char(s, 'z'))
		return true;
	sign = **s == '-' ? -1 : 1;
	if (!is_char(s, '+') && !is_char(s, '-'))
		return false;
	if (!is_number(s, 2, 23, &h))
		return false;
	is_char(s, ':');
	if (!is_number(s, 2, 59, &m))
		return false;
	*minutes_r = sign * (h * 60 + m);
	return true;
}

bool
bh_is_time(const char *text, int64_t *at_ms_r)
{
	int year, month, day, h = 0, m = 0, sec = 0, zone = 0, ms = 0;
	const char *s = text;

	if (!is_number(&s, 4, 9999, &year) || !is_char(&s, '-') || !is_number(&s, 2, 12, &month) ||
	    !is_char(&s, '-') || !is_number(&s, 2, 31, &day))
		return false;
	if (year < 1 || month < 1 || day < 1 || day > bh_days_in_month(year, month))
		return false;
	if (*s != '\0') {
		if (!is_char(&s, 'T') && !is_char(&s, 't') && !is_char(&s, ' '))
			return false;
		if (!is_number(&s, 2, 23, &h) || !is_char(&s, ':') || !is_number(&s, 2, 59, &m) ||
		    !is_char(&s, ':') || !is_number(&s, 2, 60, &sec))
			return false;
		if (is_char(&s, '.')) {
			int scale = 100;

			if (*s < '0' || *s > '9')
				return false;
			for (; *s >= '0' && *s <= '9'; s++, scale /= 10)
				ms += (*s - '0') * scale;
		}
		if (is_char(&s, ' ') && bh_has_prefix(s, "UTC"))
			s += 3; /* Ruby's Time#to_s, seen in Lago payloads */
		else if (!is_zone(&s, &zone))
			return false;
		if (*s != '\0')
			return false;
	}
	*at_ms_r = bh_days_from_civil(year, month, day) * DAY_MS +
		   ((int64_t)h * 3600 + (int64_t)(m - zone) * 60 + sec) * 1000 + ms;
	return true;
}
