/* See throttle.h. */
#include "base/base.h"

#include "sync/throttle.h"

#include "base/clock.h"
#include "base/log.h"

static void
read_usage(const struct lane *lane, int64_t *used_r, int64_t *limit_r)
{
	const struct dest_usage *usage = &lane->config.usage;

	*used_r = usage->day_limit != 0 ? usage->day_used : lane->condition.day_used;
	*limit_r = usage->day_limit != 0 ? usage->day_limit : lane->condition.day_limit;
}

static int64_t
percent_setting(const struct lane *lane, const char *name)
{
	return setting_number(lane->driver->settings, lane->config.settings, name);
}

enum throttle_level
throttle_level(const struct lane *lane)
{
	int64_t throttle = percent_setting(lane, "throttle"),
		reserve = percent_setting(lane, "reserve"), used, limit;

	read_usage(lane, &used, &limit);
	if (limit <= 0)
		return THROTTLE_OPEN;
	if (reserve > 0 && used * 100 >= limit * reserve)
		return THROTTLE_SHUT;
	if (throttle > 0 && used * 100 >= limit * throttle)
		return THROTTLE_URGENT;
	return THROTTLE_OPEN;
}

void
throttle_refresh(struct lane *lane)
{
	int64_t at_ms = lane->condition.day_at_ms, now = bh_now_ms();
	struct bh_err why = BH_ERR_INIT;
	json_t *detail = NULL;
	int rc;

	if (lane->driver->recall != NULL)
		lane->driver->recall(&lane->config);
	if (throttle_level(lane) == THROTTLE_OPEN || lane->driver->limits == NULL ||
	    (at_ms <= now && now - at_ms < THROTTLE_LOOK_MS))
		return;
	rc = lane->driver->limits(&lane->config, &detail, &why);
	/* While nothing else is sent nobody else finds the token dead. */
	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->limits(&lane->config, &detail, &why);
	if (rc < 0)
		bh_log_err(BH_WARN, &why, "limits of %s", lane->connection->account.code);
	json_decref(detail);
}

void
throttle_say(const struct lane *lane, char *out, size_t size)
{
	enum throttle_level level = throttle_level(lane);
	int64_t used, limit;

	read_usage(lane, &used, &limit);
	out[0] = '\0';
	if (level == THROTTLE_SHUT)
		snprintf(out, size,
		    "%lld of %lld API calls of the day are used: nothing is sent until the limit resets",
		    (long long)used, (long long)limit);
	else if (level == THROTTLE_URGENT)
		snprintf(out, size,
		    "%lld of %lld API calls of the day are used: only urgent changes are sent",
		    (long long)used, (long long)limit);
}

static int
wait(struct bh_err *err, int64_t seconds, const char *text)
{
	bh_fail(err, BH_LIMITED, "%s", text);
	if (err != NULL)
		err->retry_after_s = (int)seconds;
	return -1;
}

int
throttle_check(struct lane *lane, struct bh_err *err)
{
	char text[240];

	throttle_refresh(lane);
	if (throttle_level(lane) != THROTTLE_OPEN) {
		throttle_say(lane, text, sizeof(text));
		return wait(err, THROTTLE_LOOK_MS / 1000, text);
	}
	if (lane->config.usage.pause_s > 0)
		return wait(err, lane->config.usage.pause_s, "the CRM asks for a pause");
	if (sync_is_ahead(lane->condition.pause_until_ms))
		return wait(err, (lane->condition.pause_until_ms - bh_now_ms()) / 1000 + 1,
		    "the CRM asked for a pause");
	return 0;
}
