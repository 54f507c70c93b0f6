/*
 * See connection_form.h.  A field's name is "set.<setting>"; beside it stands
 * "drop.<setting>" where a stored secret can be removed, and "pick.<setting>"
 * where most people want one of a few addresses: "" is the one typed beside.
 */
#include "base/base.h"

#include "web/connection_form.h"

#include "base/json.h"
#include "base/text.h"
#include "source/source.h"
#include "web/words.h"

static bool
is_secret(const struct setting *setting)
{
	return (setting->flags & SETTING_SECRET) != 0;
}

static const json_t *
stored(const struct account_connection *connection, const struct setting *setting)
{
	return json_object_get(is_secret(setting) ? connection->secrets : connection->settings,
	    setting->name);
}

static const char *
fallback_of(const struct setting *setting)
{
	return setting->fallback != NULL ? setting->fallback : "";
}

static const char *
posted_text(const struct request *request, const char *prefix, const char *name)
{
	char field[80];
	const char *text;

	snprintf(field, sizeof(field), "%s.%s", prefix, name);
	text = request_field(request, field);
	return text != NULL ? text : "";
}

/* Is it one of the words of a list with spaces between? */
static bool
is_option(const char *options, const char *word)
{
	size_t word_len = strlen(word);

	for (const char *at = options != NULL ? options : ""; *at != '\0'; at += strspn(at, " ")) {
		size_t len = strcspn(at, " ");

		if (len == word_len && strncmp(at, word, len) == 0)
			return true;
		at += len;
	}
	return false;
}

/* -- showing -- */

/* A value as it stands in its field. */
static json_t *
field_text(const struct setting *setting, const json_t *value)
{
	char *text;
	json_t *json;

	if (value == NULL || json_is_null(value) || is_secret(setting))
		return json_string("");
	if (json_is_string(value))
		return words_json(json_string_value(value));
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_INDENT(2) | JSON_SORT_KEYS);
	json = words_json(text);
	free(text);
	return json;
}

/* What holds when nothing is chosen is one of the options, or an empty one in front of them. */
static json_t *
options_view(const struct setting *setting, const char *chosen)
{
	const char *fallback = fallback_of(setting);
	bool is_listed = is_option(setting->options, fallback);
	json_t *list = json_array();

	if (*chosen == '\0' && is_listed)
		chosen = fallback;
	if (!is_listed && !(setting->flags & SETTING_NEEDED))
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "value", "", "label",
			*fallback != '\0' ? fallback : "not set", "is_chosen", *chosen == '\0'));
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

static bool
is_pick(const struct setting *setting)
{
	return setting->type == SETTING_URL && setting->options != NULL;
}

/* "production=https://…" of the list as {label, value, is_chosen}. */
static json_t *
picks_view(const struct setting *setting, const char *value, bool *is_own_r)
{
	json_t *list = json_array();

	if (*value == '\0')
		value = fallback_of(setting);
	*is_own_r = true;
	for (const char *at = setting->options; *at != '\0'; at += strspn(at, " ")) {
		size_t len = strcspn(at, " "), word = strcspn(at, "=");
		json_t *url = json_stringn(at + word + 1, len - word - 1);
		bool is_chosen = strcmp(json_string_value(url), value) == 0;

		json_array_append_new(list, json_pack("{s:s%, s:o, s:b}", "label", at, word,
						"value", url, "is_chosen", is_chosen));
		if (is_chosen)
			*is_own_r = false;
		at += len;
	}
	return list;
}

/* The phrase of the table as a sentence. */
static json_t *
sentence(const char *phrase)
{
	size_t len = strlen(phrase);
	bool is_ended = len > 0 && strchr(".!?", phrase[len - 1]) != NULL;

	if (len == 0)
		return json_string("");
	return json_sprintf("%c%s%s",
	    phrase[0] >= 'a' && phrase[0] <= 'z' ? phrase[0] - 'a' + 'A' : phrase[0], phrase + 1,
	    is_ended ? "" : ".");
}

/* Does a sentence begin with this name, as those of a check do? */
static bool
is_about(const char *error, const char *name)
{
	size_t len = strlen(name);

	return error != NULL && strncmp(error, name, len) == 0 &&
	       strchr(" :,.", error[len]) != NULL;
}

static bool
is_named(const char *error, const struct setting *setting)
{
	return is_about(error, setting->name) || is_about(error, setting->label);
}

/* How it is entered: what the template branches by. */
static void
add_kind(json_t *view, const struct setting *setting, const char *value)
{
	bool is_json = setting->type == SETTING_JSON;
	bool is_long = is_json || (setting->flags & SETTING_LINES) != 0;
	bool is_choice = setting->type == SETTING_CHOICE;
	bool is_bool = setting->type == SETTING_BOOL;

	json_object_set_new(view, "is_json", json_boolean(is_json));
	json_object_set_new(view, "is_long", json_boolean(is_long));
	json_object_set_new(view, "is_choice", json_boolean(is_choice));
	json_object_set_new(view, "is_bool", json_boolean(is_bool));
	json_object_set_new(view, "is_pick", json_boolean(is_pick(setting)));
	json_object_set_new(view, "is_plain",
	    json_boolean(!is_long && !is_choice && !is_bool && !is_pick(setting)));
	json_object_set_new(view, "is_number", json_boolean(setting->type == SETTING_NUMBER));
	json_object_set_new(view, "options",
	    is_choice ? options_view(setting, value) : json_array());
}

static bool
is_on(const struct setting *setting, const json_t *value, const struct request *posted)
{
	if (posted != NULL)
		return *posted_text(posted, "set", setting->name) != '\0';
	return value != NULL ? json_is_true(value) : strcmp(fallback_of(setting), "true") == 0;
}

/* Did the person pick that it is another one? */
static bool
is_own_pick(const struct setting *setting, const struct request *posted)
{
	char field[80];
	const char *text;

	snprintf(field, sizeof(field), "pick.%s", setting->name);
	text = request_field(posted, field);
	return text != NULL && *text == '\0';
}

/* The addresses to pick, and what stands beside them as the person's own.  Takes text, gives one back. */
static json_t *
add_picks(json_t *view, const struct setting *setting, json_t *text, const struct request *posted)
{
	const char *picked = posted != NULL ? posted_text(posted, "pick", setting->name) : "";
	bool is_own, is_own_picked = posted != NULL && is_own_pick(setting, posted);

	json_object_set_new(view, "picks",
	    picks_view(setting,
		is_own_picked     ? "?"
		: *picked != '\0' ? picked
				  : json_string_value(text),
		&is_own));
	json_object_set_new(view, "is_own", json_boolean(is_own));
	if (is_own && *picked == '\0')
		return text;
	json_decref(text);
	return words_json(is_own ? picked : "");
}

static json_t *
setting_view(const struct setting *setting, const struct account_connection *connection,
    const struct request *posted, const char *error)
{
	const json_t *value = stored(connection, setting);
	bool is_needed = (setting->flags & SETTING_NEEDED) != 0;
	bool is_set = is_secret(setting) && value != NULL;
	json_t *text = posted != NULL && !is_secret(setting)
			   ? words_json(posted_text(posted, "set", setting->name))
			   : field_text(setting, value);
	json_t *view = json_pack("{s:s, s:s, s:o, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:b}", "name",
	    setting->name, "label", setting->label, "meaning",
	    sentence(setting->meaning != NULL ? setting->meaning : ""), "fallback",
	    fallback_of(setting), "is_advanced", (setting->flags & SETTING_ADVANCED) != 0,
	    "is_secret", is_secret(setting), "is_set", is_set, "can_drop", is_set && !is_needed,
	    "is_needed", is_needed && !is_set && setting->type != SETTING_BOOL, "is_on",
	    is_on(setting, value, posted), "is_wrong", is_named(error, setting));

	add_kind(view, setting, json_string_value(text));
	if (is_pick(setting))
		text = add_picks(view, setting, text, posted);
	json_object_set_new(view, "value", text);
	return view;
}

json_t *
connection_form_view(const struct setting *table, const struct account_connection *connection,
    const struct request *posted, const char *error)
{
	json_t *list = json_array();

	for (const struct setting *setting = table; setting != NULL && setting->name != NULL;
	     setting++)
		json_array_append_new(list, setting_view(setting, connection, posted, error));
	return list;
}

json_t *
connection_form_error(const struct setting *table, const char *error)
{
	for (const struct setting *setting = table; setting != NULL && setting->name != NULL;
	     setting++)
		if (is_about(error, setting->name))
			return json_sprintf("%s%s", setting->label, error + strlen(setting->name));
	return words_json(error);
}

bool
connection_form_has_secret(const struct setting *table, const struct request *request)
{
	for (const struct setting *setting = table; setting != NULL && setting->name != NULL;
	     setting++)
		if (is_secret(setting) && *posted_text(request, "set", setting->name) != '\0')
			return true;
	return false;
}

bool
connection_form_has_more(const struct setting *table)
{
	for (const struct setting *setting = table; setting != NULL && setting->name != NULL;
	     setting++)
		if (setting->flags & SETTING_ADVANCED)
			return true;
	return false;
}

/* -- reading -- */

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
read_json(const struct setting *setting, const char *text, json_t **value_r, struct bh_err *err)
{
	if (bh_json_parse(text, strlen(text), value_r, NULL) < 0)
		return bh_fail(err, BH_INVALID, "%s: this is no JSON", setting->label);
	return 0;
}

static int
read_number(const struct setting *setting, const char *text, json_t **value_r, struct bh_err *err)
{
	bool is_negative = *text == '-';
	uint64_t number;

	text += is_negative;
	if (!bh_is_uint(text, strlen(text), INT64_MAX, &number))
		return bh_fail(err, BH_INVALID, "%s must be a number", setting->label);
	*value_r = json_integer(is_negative ? -(json_int_t)number : (json_int_t)number);
	return 0;
}

static json_t *
read_bool(const struct setting *setting, bool is_ticked)
{
	bool holds = strcmp(fallback_of(setting), "true") == 0;

	return is_ticked == holds ? NULL : json_boolean(is_ticked);
}

/* NULL in *value_r: nothing was given, or what holds anyway. */
static int
read_setting(const struct setting *setting, const char *posted, json_t **value_r,
    struct bh_err *err)
{
	json_t *trim = trimmed(posted);
	const char *text = json_string_value(trim);
	int rc = 0;

	*value_r = NULL;
	if (setting->type == SETTING_BOOL)
		*value_r = read_bool(setting, *text != '\0');
	else if (*text == '\0' ||
		 ((setting->type == SETTING_CHOICE || is_pick(setting)) && !is_secret(setting) &&
		     strcmp(text, fallback_of(setting)) == 0))
		*value_r = NULL;
	else if (setting->type == SETTING_JSON)
		rc = read_json(setting, text, value_r, err);
	else if (setting->type == SETTING_NUMBER)
		rc = read_number(setting, text, value_r, err);
	else
		*value_r = json_incref(trim);
	json_decref(trim);
	return rc;
}

static const char *
posted_value(const struct setting *setting, const struct request *request)
{
	const char *picked = is_pick(setting) ? posted_text(request, "pick", setting->name) : "";

	return *picked != '\0' ? picked : posted_text(request, "set", setting->name);
}

static int
read_one(const struct setting *setting, const struct request *request, json_t *settings,
    json_t *secrets, struct bh_err *err)
{
	json_t *into = is_secret(setting) ? secrets : settings, *value;

	if (read_setting(setting, posted_value(setting, request), &value, err) < 0)
		return -1;
	if (value == NULL && is_pick(setting) && is_own_pick(setting, request) &&
	    *posted_value(setting, request) == '\0')
		return bh_fail(err, BH_INVALID, "%s: the other address is missing", setting->name);
	if (value != NULL)
		json_object_set_new(into, setting->name, value);
	else if (!is_secret(setting) || *posted_text(request, "drop", setting->name) != '\0')
		json_object_del(into, setting->name);
	return 0;
}

int
connection_form_read(const struct setting *table, const struct request *request,
    struct account_connection *connection, struct bh_err *err)
{
	json_t *settings =
	    connection->settings != NULL ? json_copy(connection->settings) : json_object();
	json_t *secrets =
	    connection->secrets != NULL ? json_copy(connection->secrets) : json_object();
	int rc = 0;

	for (const struct setting *setting = table;
	     setting != NULL && setting->name != NULL && rc == 0; setting++)
		rc = read_one(setting, request, settings, secrets, err);
	json_decref(connection->settings);
	json_decref(connection->secrets);
	connection->settings = settings;
	connection->secrets = secrets;
	return rc;
}
