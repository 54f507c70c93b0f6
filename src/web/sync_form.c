/* See sync_form.h.  A field's name is "set.<setting>". */
#include "base/base.h"

#include "web/sync_form.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "web/words.h"

#define FILE_MAX (1u << 20)
#define VALUE_MAX 1000 /* bytes of a setting that is a text */
#define DEPTH_MAX 32

/* -- which fields -- */

/* The names under "setting", wherever they stand in a mapping. */
static void
collect_names(const json_t *json, int depth, json_t *names)
{
	const char *name = bh_json_str(json, "setting"), *member;
	json_t *part;
	size_t i;

	if (depth > DEPTH_MAX)
		return;
	if (name != NULL)
		json_object_set_new(names, name, json_true());
	json_array_foreach (json, i, part)
		collect_names(part, depth + 1, names);
	json_object_foreach ((json_t *)(uintptr_t)json, member, part)
		collect_names(part, depth + 1, names);
}

static bool
is_listed(const json_t *list, const char *word)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), word) == 0)
			return true;
	return false;
}

/* A value of the mapping's own, or what holds without. */
static json_t *
default_of(const json_t *described, const json_t *mapping, const char *name)
{
	json_t *own = json_object_get(json_object_get(mapping, "settings"), name);

	if (own == NULL)
		own = json_object_get(described, "default");
	return own != NULL ? json_incref(own) : json_string("");
}

static void
add_field(json_t *fields, const json_t *described, const json_t *mapping, const char *name)
{
	json_t *field = described != NULL ? json_copy((json_t *)(uintptr_t)described)
					  : json_pack("{s:s, s:s}", "name", name, "label", name);

	json_object_set_new(field, "default", default_of(described, mapping, name));
	if (described == NULL && json_is_boolean(json_object_get(field, "default")))
		json_object_set_new(field, "choices",
		    json_pack("[{s:b, s:s}, {s:b, s:s}]", "value", 1, "label", "yes", "value", 0,
			"label", "no"));
	json_array_append_new(fields, field);
}

/* What has no words is shown where it is a text, or a switch. */
static bool
is_shown(const json_t *value)
{
	return json_is_string(value) || json_is_boolean(value);
}

static json_t *
read_words(const char *preset_dir)
{
	char *path = bh_xasprintf("%s/settings/sync.json", preset_dir);
	struct bh_err err = BH_ERR_INIT;
	json_t *words = NULL;

	if (bh_json_read(path, FILE_MAX, &words, &err) < 0)
		bh_log(BH_ERROR, "settings have no words: %s", err.text);
	free(path);
	return words;
}

/* First those that have words, in the order of the file. */
json_t *
sync_form_fields(const char *preset_dir, const json_t *mapping, const char *source)
{
	json_t *words = read_words(preset_dir), *fields = json_array(), *described;
	json_t *names = json_object();
	const char *name;
	size_t i;

	json_object_update_missing(names, json_object_get(mapping, "settings"));
	collect_names(json_object_get(mapping, "objects"), 0, names);
	json_array_foreach (json_object_get(words, "settings"), i, described) {
		name = bh_json_str(described, "name");
		if (name != NULL && (bh_is_json_true(described, "always") ||
					json_object_get(names, name) != NULL ||
					is_listed(json_object_get(described, "sources"), source))) {
			add_field(fields, described, mapping, name);
			json_object_del(names, name);
		}
	}
	json_object_foreach (names, name, described)
		if (is_shown(described))
			add_field(fields, NULL, mapping, name);
	json_decref(names);
	json_decref(words);
	return fields;
}

/* -- showing -- */

/* As a value stands in its field. */
static json_t *
text_of(const json_t *value)
{
	char *text;
	json_t *json;

	if (value == NULL || json_is_null(value))
		return json_string("");
	if (json_is_string(value))
		return words_json(json_string_value(value));
	if (json_is_boolean(value))
		return json_string(json_is_true(value) ? "yes" : "no");
	text = json_dumps(value, JSON_ENCODE_ANY);
	json = words_json(text != NULL ? text : "");
	free(text);
	return json;
}

static const char *
posted_text(const struct request *request, const char *name)
{
	char *field = bh_xasprintf("set.%s", name);
	const char *text = request_field(request, field);

	free(field);
	return text;
}

static void
add_option(json_t *list, const char *value, const char *label, bool is_chosen)
{
	json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "value", value, "label",
					label != NULL ? label : value, "is_chosen", is_chosen));
}

/* What is stored is among them, even if it is none of ours. */
static json_t *
options_view(const json_t *field, const char *chosen)
{
	json_t *list = json_array(), *choice;
	bool is_found = false;
	size_t i;

	json_array_foreach (json_object_get(field, "choices"), i, choice) {
		json_t *text = text_of(json_object_get(choice, "value"));
		bool is_chosen = strcmp(json_string_value(text), chosen) == 0;

		is_found = is_found || is_chosen;
		add_option(list, json_string_value(text), bh_json_str(choice, "label"), is_chosen);
		json_decref(text);
	}
	if (!is_found && *chosen != '\0')
		add_option(list, chosen, chosen, true);
	return list;
}

static json_t *
field_view(const json_t *field, const json_t *settings, const struct request *posted,
    const char *error)
{
	const char *name = bh_json_str(field, "name"), *label = bh_json_str(field, "label");
	const char *meaning = bh_json_str(field, "meaning");
	const json_t *stored = json_object_get(settings, name);
	bool is_choice = json_object_get(field, "choices") != NULL;
	const char *typed = posted != NULL ? posted_text(posted, name) : NULL;
	json_t *value = typed != NULL
			    ? words_json(typed)
			    : text_of(stored != NULL ? stored : json_object_get(field, "default"));

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:b, s:b, s:b, "
			 "s:b, s:b, s:b, s:b, s:b}",
	    "name", name, "label", label != NULL ? label : name, "meaning",
	    meaning != NULL ? meaning : "", "fallback", "", "options",
	    is_choice ? options_view(field, json_string_value(value)) : json_array(), "value",
	    value, "is_advanced", bh_is_json_true(field, "advanced"), "is_choice", is_choice,
	    "is_plain", !is_choice, "is_wrong", error != NULL && strstr(error, name) != NULL,
	    "is_bool", 0, "is_long", 0, "is_pick", 0, "is_json", 0, "is_number", 0, "is_secret", 0,
	    "is_set", 0, "is_needed", 0, "can_drop", 0);
}

json_t *
sync_form_view(const json_t *fields, const json_t *settings, const struct request *posted,
    const char *error)
{
	json_t *view = json_array(), *field;
	size_t i;

	json_array_foreach (fields, i, field)
		json_array_append_new(view, field_view(field, settings, posted, error));
	return view;
}

bool
sync_form_has_more(const json_t *fields)
{
	json_t *field;
	size_t i;

	json_array_foreach (fields, i, field)
		if (bh_is_json_true(field, "advanced"))
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

/* The choice of that text (new reference); what is stored may stay as it is. */
static int
read_choice(const json_t *field, const json_t *stored, const char *text, json_t **value_r,
    struct bh_err *err)
{
	json_t *choice, *its;
	size_t i;
	bool is_it;

	json_array_foreach (json_object_get(field, "choices"), i, choice) {
		its = text_of(json_object_get(choice, "value"));
		is_it = strcmp(json_string_value(its), text) == 0;
		json_decref(its);
		if (is_it) {
			*value_r = json_incref(json_object_get(choice, "value"));
			return 0;
		}
	}
	its = text_of(stored);
	is_it = stored != NULL && strcmp(json_string_value(its), text) == 0;
	json_decref(its);
	if (!is_it)
		return bh_fail(err, BH_INVALID, "%s: choose one of the list",
		    bh_json_str(field, "label"));
	*value_r = json_incref((json_t *)(uintptr_t)stored);
	return 0;
}

static int
read_field(const json_t *field, const char *posted, json_t *settings, struct bh_err *err)
{
	const char *name = bh_json_str(field, "name");
	const json_t *stored = json_object_get(settings, name);
	json_t *text = trimmed(posted), *value = NULL;
	int rc = 0;

	if (json_string_length(text) > VALUE_MAX)
		rc = bh_fail(err, BH_INVALID, "%s is too long", bh_json_str(field, "label"));
	else if (json_object_get(field, "choices") != NULL)
		rc = read_choice(field, stored, json_string_value(text), &value, err);
	else
		value = json_incref(text);
	if (rc == 0 && json_equal(value, json_object_get(field, "default")))
		json_object_del(settings, name);
	else if (rc == 0)
		json_object_set(settings, name, value);
	json_decref(value);
	json_decref(text);
	return rc;
}

int
sync_form_read(const json_t *fields, const json_t *settings, const struct request *request,
    json_t **settings_r, struct bh_err *err)
{
	json_t *read = settings != NULL ? json_copy((json_t *)(uintptr_t)settings) : json_object();
	json_t *field;
	size_t i;

	*settings_r = NULL;
	json_array_foreach (fields, i, field) {
		const char *posted = posted_text(request, bh_json_str(field, "name"));

		if (posted != NULL && read_field(field, posted, read, err) < 0) {
			json_decref(read);
			return -1;
		}
	}
	*settings_r = read;
	return 0;
}
