/* See source_form.h.  A field's name is "set.<setting>". */
#include "base/base.h"

#include "web/source_form.h"

#include "base/json.h"
#include "base/text.h"
#include "web/words.h"

static const json_t *
stored(const struct account_connection *connection, const struct source_setting *setting)
{
	return json_object_get(setting->flags & SOURCE_SETTING_SECRET ? connection->secrets
								      : connection->settings,
	    setting->name);
}

static const char *
posted_text(const struct request *request, const char *name)
{
	char field[80];
	const char *text;

	snprintf(field, sizeof(field), "set.%s", name);
	text = request_field(request, field);
	return text != NULL ? text : "";
}

/* A value as it stands in its field. */
static json_t *
field_text(const struct source_setting *setting, const json_t *value)
{
	char *text;
	json_t *json;

	if (value == NULL || json_is_null(value) || (setting->flags & SOURCE_SETTING_SECRET))
		return json_string("");
	if (json_is_string(value))
		return json_incref((json_t *)(uintptr_t)value);
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_INDENT(2) | JSON_SORT_KEYS);
	json = words_json(text);
	free(text);
	return json;
}

static json_t *
options_view(const struct source_setting *setting, const char *chosen)
{
	json_t *list = json_array();

	if (!(setting->flags & SOURCE_SETTING_NEEDED))
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "value", "", "label",
			*setting->fallback != '\0' ? setting->fallback : "not set", "is_chosen",
			*chosen == '\0'));
	for (const char *at = setting->options; at != NULL && *at != '\0'; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");
		json_t *word = json_stringn(at, len);

		json_array_append_new(list,
		    json_pack("{s:O, s:O, s:b}", "value", word, "label", word, "is_chosen",
			strcmp(json_string_value(word), chosen) == 0));
		json_decref(word);
		at += len;
	}
	return list;
}

static json_t *
setting_view(const struct source_setting *setting, const struct account_connection *connection,
    const struct request *posted)
{
	const json_t *value = stored(connection, setting);
	bool is_secret = (setting->flags & SOURCE_SETTING_SECRET) != 0;
	bool is_long = setting->type == SOURCE_SETTING_JSON;
	bool is_choice = setting->type == SOURCE_SETTING_CHOICE;
	bool is_bool = setting->type == SOURCE_SETTING_BOOL;
	json_t *text = posted != NULL && !is_secret ? words_json(posted_text(posted, setting->name))
						    : field_text(setting, value);
	bool is_on =
	    posted != NULL ? *posted_text(posted, setting->name) != '\0' : json_is_true(value);
	json_t *view = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:b}",
	    "name", setting->name, "label", setting->label, "meaning", setting->meaning, "fallback",
	    setting->fallback != NULL ? setting->fallback : "", "type",
	    is_secret ? "password" : "text", "is_advanced",
	    (setting->flags & SOURCE_SETTING_ADVANCED) != 0, "is_secret", is_secret, "is_set",
	    is_secret && value != NULL, "is_long", is_long, "is_choice", is_choice, "is_bool",
	    is_bool, "is_on", is_on);

	json_object_set_new(view, "is_plain", json_boolean(!is_long && !is_choice && !is_bool));
	json_object_set_new(view, "is_needed",
	    json_boolean((setting->flags & SOURCE_SETTING_NEEDED) && value == NULL && !is_bool));
	json_object_set_new(view, "options",
	    is_choice ? options_view(setting, json_string_value(text)) : json_array());
	json_object_set_new(view, "value", text);
	return view;
}

json_t *
source_form_view(const struct source_driver *driver, const struct account_connection *connection,
    const struct request *posted)
{
	json_t *list = json_array();

	for (const struct source_setting *setting = driver->settings;
	     setting != NULL && setting->name != NULL; setting++)
		json_array_append_new(list, setting_view(setting, connection, posted));
	return list;
}

static json_t *
trimmed(const char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return json_stringn(text, len);
}

static int
read_json(const struct source_setting *setting, const char *text, json_t **value_r,
    struct bh_err *err)
{
	if (bh_json_parse(text, strlen(text), value_r, err) < 0)
		return bh_fail(err, BH_INVALID, "%s: this is no JSON", setting->label);
	return 0;
}

/* NULL in *value_r: nothing was given. */
static int
read_setting(const struct source_setting *setting, const char *text, json_t **value_r,
    struct bh_err *err)
{
	json_t *trim = trimmed(text);
	uint64_t number;
	int rc = 0;

	*value_r = NULL;
	if (json_string_length(trim) == 0) {
		if (setting->type == SOURCE_SETTING_BOOL)
			*value_r = json_false();
	} else if (setting->type == SOURCE_SETTING_BOOL) {
		*value_r = json_true();
	} else if (setting->type == SOURCE_SETTING_JSON) {
		rc = read_json(setting, json_string_value(trim), value_r, err);
	} else if (setting->type == SOURCE_SETTING_NUMBER) {
		if (bh_is_uint(json_string_value(trim), json_string_length(trim), INT32_MAX,
			&number))
			*value_r = json_integer((json_int_t)number);
		else
			rc = bh_fail(err, BH_INVALID, "%s must be a number", setting->label);
	} else {
		*value_r = json_incref(trim);
	}
	json_decref(trim);
	return rc;
}

int
source_form_read(const struct source_driver *driver, const struct request *request,
    struct account_connection *connection, struct bh_err *err)
{
	json_t *settings =
	    connection->settings != NULL ? json_copy(connection->settings) : json_object();
	json_t *secrets =
	    connection->secrets != NULL ? json_copy(connection->secrets) : json_object();
	int rc = 0;

	for (const struct source_setting *setting = driver->settings;
	     setting != NULL && setting->name != NULL && rc == 0; setting++) {
		bool is_secret = (setting->flags & SOURCE_SETTING_SECRET) != 0;
		json_t *value;

		rc = read_setting(setting, posted_text(request, setting->name), &value, err);
		if (rc < 0)
			break;
		if (value != NULL)
			json_object_set_new(is_secret ? secrets : settings, setting->name, value);
		else if (!is_secret)
			json_object_del(settings, setting->name);
	}
	json_decref(connection->settings);
	json_decref(connection->secrets);
	connection->settings = settings;
	connection->secrets = secrets;
	return rc;
}
