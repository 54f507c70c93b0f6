/* See crm_usage.h. */
#include "base/base.h"

#include "web/crm_usage.h"

#include "web/live.h"
#include "web/words.h"

#define GAUGE_WIDE 200 /* of the drawn gauge's own units; 2 a percent */

static int
part_of(int64_t n, int64_t limit)
{
	if (n <= 0 || limit <= 0)
		return 0;
	return n >= limit ? GAUGE_WIDE : (int)((double)n * GAUGE_WIDE / (double)limit);
}

static json_t *
usage_text(const struct link_lane *lane)
{
	char used[WORDS_MAX], limit[WORDS_MAX];

	words_count(used, lane->day_used);
	words_count(limit, lane->day_limit);
	if (lane->day_limit <= 0)
		return json_string("The CRM has not told yet how many calls a day it allows.");
	return json_sprintf("%s of %s calls of a day are used (%lld %%).", used, limit,
	    (long long)(lane->day_used * 100 / lane->day_limit));
}

static json_t *
forecast_text(const struct link_lane *lane, int64_t throttle)
{
	int64_t ahead = link_lane_forecast(lane);
	char calls[WORDS_MAX];

	if (lane->day_limit <= 0)
		return json_string("");
	words_count(calls, ahead);
	if (ahead == lane->day_used)
		return json_string("Forecast: as many as now, while so little changes.");
	return json_sprintf("Forecast, if all goes on as in the last hours: %s (%lld %%)%s", calls,
	    (long long)(ahead * 100 / lane->day_limit),
	    throttle > 0 && ahead * 100 / lane->day_limit >= throttle
		? ", which is above the throttle: what is not urgent will wait."
		: ".");
}

/* A limit in percent that the driver's table knows; 0: it knows none. */
static int64_t
percent_setting(const struct account_connection *connection, const struct dest_driver *driver,
    const char *name)
{
	return driver != NULL ? setting_number(driver->settings, connection->settings, name) : 0;
}

json_t *
crm_usage_view(const struct account_connection *connection, const struct dest_driver *driver,
    const struct link_lane *lane, const char *scope, json_t *live)
{
	int64_t throttle = percent_setting(connection, driver, "throttle"),
		reserve = percent_setting(connection, driver, "reserve");
	json_t *usage = json_object();

	json_object_set_new(usage, "scope", json_string(scope));
	live_set(live, usage, scope, "text", usage_text(lane));
	live_set(live, usage, scope, "forecast", forecast_text(lane, throttle));
	live_set(live, usage, scope, "width",
	    json_sprintf("%d", part_of(lane->day_used, lane->day_limit)));
	live_set(live, usage, scope, "ahead",
	    json_sprintf("%d", part_of(link_lane_forecast(lane), lane->day_limit)));
	live_set(live, usage, scope, "calls", words_count_json(lane->calls));
	json_object_set_new(usage, "has_gauge", json_boolean(lane->day_limit > 0));
	json_object_set_new(usage, "has_throttle", json_boolean(throttle > 0));
	json_object_set_new(usage, "throttle", json_integer((json_int_t)throttle));
	json_object_set_new(usage, "reserve", json_integer((json_int_t)reserve));
	json_object_set_new(usage, "throttle_at",
	    json_integer((json_int_t)(throttle * GAUGE_WIDE / 100)));
	json_object_set_new(usage, "reserve_at",
	    json_integer((json_int_t)(reserve * GAUGE_WIDE / 100)));
	return usage;
}
