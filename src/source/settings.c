/* The settings and secrets of a connection, checked by its driver's table.  See source.h. */
#include "base/base.h"

#include "model/revenue.h"
#include "source/source.h"

int
source_check(const struct source_driver *driver, const struct source_config *config,
    struct bh_err *err)
{
	struct revenue_switches switches;

	if (setting_check(driver->settings, config->settings, config->secrets, err) < 0 ||
	    revenue_switches_read(config->settings, &switches, err) < 0)
		return -1;
	return driver->check != NULL ? driver->check(config, err) : 0;
}

const char *
source_setting_text(const struct source_driver *driver, const struct source_config *config,
    const char *name)
{
	return setting_text(driver->settings, config->settings, config->secrets, name);
}

json_t *
source_events(const struct source_driver *driver, const json_t *settings)
{
	const json_t *chosen = json_object_get(settings, "events");
	json_t *events;

	if (json_array_size(chosen) > 0)
		return json_deep_copy(chosen);
	events = json_array();
	for (const struct source_type *type = driver->types; type != NULL && type->type != NULL;
	     type++)
		if (type->choice == SOURCE_BY_DEFAULT)
			json_array_append_new(events, json_string(type->type));
	return events;
}

int
source_check_can(const struct source_driver *driver, const char *what, struct bh_err *err)
{
	if (strcmp(what, SOURCE_WALK_BACKFILL) == 0 || strcmp(what, SOURCE_WALK_CATCHUP) == 0)
		return driver->pull != NULL
			   ? 0
			   : bh_fail(err, BH_INVALID,
				 "%s has nothing that could be read: it only sends events",
				 driver->title);
	if (strcmp(what, "probe") == 0)
		return driver->probe != NULL
			   ? 0
			   : bh_fail(err, BH_INVALID,
				 "%s has no address where a key could be tried", driver->title);
	if (driver->endpoints != NULL && driver->endpoint_put != NULL &&
	    driver->endpoint_remove != NULL)
		return 0;
	return bh_fail(err, BH_INVALID, "%s lets nobody make its webhooks: make it by hand there",
	    driver->title);
}
