/* The settings and secrets of a connection, checked by its driver's table.  See source.h. */
#include "base/base.h"

#include "base/text.h"
#include "model/revenue.h"
#include "source/source.h"

#define TEXT_MAX 65536

static const json_t *
value_of(const struct source_config *config, const struct source_setting *setting)
{
	const json_t *value =
	    json_object_get(setting->flags & SOURCE_SETTING_SECRET ? config->secrets
								   : config->settings,
		setting->name);

	if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
		return NULL;
	return value;
}

static bool
is_option(const char *options, const char *text)
{
	size_t len = strlen(text);

	for (const char *at = options; *at != '\0'; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		if (word == len && strncmp(at, text, len) == 0)
			return true;
		at += word;
	}
	return false;
}

static int
check_text(const struct source_setting *setting, const json_t *value, struct bh_err *err)
{
	const char *text = json_string_value(value);

	if (text == NULL && (setting->flags & SOURCE_SETTING_SECRET) && json_is_array(value))
		return 0; /* several secrets: source_secrets() reads them */
	if (text == NULL || strlen(text) > TEXT_MAX)
		return bh_fail(err, BH_INVALID, "%s must be a text", setting->name);
	if (setting->type == SOURCE_SETTING_CHOICE && !is_option(setting->options, text))
		return bh_fail(err, BH_INVALID, "%s must be one of: %s", setting->name,
		    setting->options);
	if (setting->type == SOURCE_SETTING_URL)
		return http_check_url(text, err) < 0 ? bh_during(err, "%s", setting->name) : 0;
	return 0;
}

static int
check_number(const struct source_setting *setting, const json_t *value, struct bh_err *err)
{
	int64_t number;

	if (!bh_is_json_int(value, "", &number) || number < setting->least ||
	    number > setting->most)
		return bh_fail(err, BH_INVALID, "%s must be a number from %lld to %lld",
		    setting->name, (long long)setting->least, (long long)setting->most);
	return 0;
}

static int
check_one(const struct source_setting *setting, const json_t *value, struct bh_err *err)
{
	switch (setting->type) {
	case SOURCE_SETTING_NUMBER:
		return check_number(setting, value, err);
	case SOURCE_SETTING_BOOL:
		if (!json_is_boolean(value))
			return bh_fail(err, BH_INVALID, "%s must be true or false", setting->name);
		return 0;
	case SOURCE_SETTING_JSON:
		if (!json_is_object(value) && !json_is_array(value))
			return bh_fail(err, BH_INVALID, "%s must be a JSON object or array",
			    setting->name);
		return 0;
	case SOURCE_SETTING_TEXT:
	case SOURCE_SETTING_URL:
	case SOURCE_SETTING_CHOICE:
		break;
	}
	return check_text(setting, value, err);
}

int
source_check(const struct source_driver *driver, const struct source_config *config,
    struct bh_err *err)
{
	struct revenue_switches switches;

	for (const struct source_setting *setting = driver->settings;
	     setting != NULL && setting->name != NULL; setting++) {
		const json_t *value = value_of(config, setting);

		if (value == NULL && (setting->flags & SOURCE_SETTING_NEEDED))
			return bh_fail(err, BH_INVALID, "%s is missing: %s", setting->name,
			    setting->meaning);
		if (value != NULL && check_one(setting, value, err) < 0)
			return -1;
	}
	if (revenue_switches_read(config->settings, &switches, err) < 0)
		return -1;
	return driver->check != NULL ? driver->check(config, err) : 0;
}

const char *
source_setting_text(const struct source_driver *driver, const struct source_config *config,
    const char *name)
{
	for (const struct source_setting *setting = driver->settings;
	     setting != NULL && setting->name != NULL; setting++) {
		const char *text;

		if (strcmp(setting->name, name) != 0)
			continue;
		text = json_string_value(value_of(config, setting));
		return text != NULL ? text : setting->fallback;
	}
	return NULL;
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
