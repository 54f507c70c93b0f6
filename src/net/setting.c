/* See setting.h. */
#include "base/base.h"

#include "net/setting.h"

#include "base/text.h"
#include "net/http.h"

#define TEXT_MAX 65536

static const json_t *
value_of(const struct setting *setting, const json_t *settings, const json_t *secrets)
{
	const json_t *value =
	    json_object_get(setting->flags & SETTING_SECRET ? secrets : settings, setting->name);

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
check_text(const struct setting *setting, const json_t *value, struct bh_err *err)
{
	const char *text = json_string_value(value);

	if (text == NULL && (setting->flags & SETTING_SECRET) && json_is_array(value))
		return 0; /* several secrets: source_secrets() reads them */
	if (text == NULL || strlen(text) > TEXT_MAX)
		return bh_fail(err, BH_INVALID, "%s must be a text", setting->name);
	if (setting->type == SETTING_CHOICE && !is_option(setting->options, text))
		return bh_fail(err, BH_INVALID, "%s must be one of: %s", setting->name,
		    setting->options);
	if (setting->type == SETTING_URL)
		return http_check_url(text, err) < 0 ? bh_during(err, "%s", setting->name) : 0;
	return 0;
}

static int
check_number(const struct setting *setting, const json_t *value, struct bh_err *err)
{
	int64_t number;

	if (!bh_is_json_int(value, "", &number) || number < setting->least ||
	    number > setting->most)
		return bh_fail(err, BH_INVALID, "%s must be a number from %lld to %lld",
		    setting->name, (long long)setting->least, (long long)setting->most);
	return 0;
}

static int
check_one(const struct setting *setting, const json_t *value, struct bh_err *err)
{
	switch (setting->type) {
	case SETTING_NUMBER:
		return check_number(setting, value, err);
	case SETTING_BOOL:
		if (!json_is_boolean(value))
			return bh_fail(err, BH_INVALID, "%s must be true or false", setting->name);
		return 0;
	case SETTING_JSON:
		if (!json_is_object(value) && !json_is_array(value))
			return bh_fail(err, BH_INVALID, "%s must be a JSON object or array",
			    setting->name);
		return 0;
	case SETTING_TEXT:
	case SETTING_URL:
	case SETTING_CHOICE:
		break;
	}
	return check_text(setting, value, err);
}

int
setting_check(const struct setting *table, const json_t *settings, const json_t *secrets,
    struct bh_err *err)
{
	for (const struct setting *setting = table; setting != NULL && setting->name != NULL;
	     setting++) {
		const json_t *value = value_of(setting, settings, secrets);

		if (value == NULL && (setting->flags & SETTING_NEEDED))
			return bh_fail(err, BH_INVALID, "%s is missing: %s", setting->name,
			    setting->meaning);
		if (value != NULL && check_one(setting, value, err) < 0)
			return -1;
	}
	return 0;
}

static bool
is_other(const json_t *a, const json_t *b)
{
	return (a != NULL) != (b != NULL) || (a != NULL && !json_equal(a, b));
}

static bool
is_empty(const json_t *object)
{
	return json_object_size(object) == 0;
}

bool
is_setting_account_other(const struct setting *table, const json_t *old_settings,
    const json_t *old_secrets, const json_t *settings, const json_t *secrets)
{
	if (table == NULL)
		return is_other(is_empty(old_settings) ? NULL : old_settings,
			   is_empty(settings) ? NULL : settings) ||
		       is_other(is_empty(old_secrets) ? NULL : old_secrets,
			   is_empty(secrets) ? NULL : secrets);
	for (const struct setting *setting = table; setting->name != NULL; setting++)
		if ((setting->flags & SETTING_ACCOUNT) &&
		    is_other(value_of(setting, old_settings, old_secrets),
			value_of(setting, settings, secrets)))
			return true;
	return false;
}

static const struct setting *
find(const struct setting *table, const char *name)
{
	for (const struct setting *setting = table; setting != NULL && setting->name != NULL;
	     setting++)
		if (strcmp(setting->name, name) == 0)
			return setting;
	return NULL;
}

const char *
setting_text(const struct setting *table, const json_t *settings, const json_t *secrets,
    const char *name)
{
	const struct setting *setting = find(table, name);
	const char *text;

	if (setting == NULL)
		return NULL;
	text = json_string_value(value_of(setting, settings, secrets));
	return text != NULL ? text : setting->fallback;
}

int64_t
setting_number(const struct setting *table, const json_t *settings, const char *name)
{
	const struct setting *setting = find(table, name);
	int64_t number;

	if (setting == NULL)
		return 0;
	if (bh_is_json_int(settings, name, &number))
		return number;
	return strtoll(setting->fallback, NULL, 10);
}
