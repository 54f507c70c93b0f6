/* See shape.h. */
#include "base/base.h"

#include "map/shape.h"

#include "base/text.h"

struct shape {
	json_t *settings; /* the sync's over the mapping's */
	const char *from, *to;
};

/* -- settings -- */

static json_t *
merge_settings(const json_t *mapping, const json_t *settings)
{
	json_t *merged = json_copy(json_object_get(mapping, "settings"));

	if (merged == NULL)
		merged = json_object();
	json_object_update(merged, (json_t *)(uintptr_t)settings);
	return merged;
}

static bool
is_set(const json_t *value)
{
	return value != NULL && !json_is_null(value) &&
	       !(json_is_string(value) && json_string_length(value) == 0);
}

/* A switch of a form may be stored as a text. */
static bool
is_on(const json_t *value)
{
	const char *text = json_string_value(value);

	return json_is_true(value) ||
	       (text != NULL && (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0));
}

/* -- names -- */

void
map_rename(json_t *object, const char *member, const char *from, const char *to)
{
	const char *name = bh_json_str(object, member);
	size_t len;

	if (from == NULL || to == NULL || name == NULL)
		return;
	len = strlen(from);
	if (strncmp(name, from, len) == 0)
		json_object_set_new(object, member, json_sprintf("%s%s", to, name + len));
}

char *
map_stem(const char *prefix)
{
	char *stem = bh_xstrdup(prefix), *out = stem;
	bool is_first = true;

	for (const char *s = prefix; *s != '\0'; s++) {
		if (*s != '_')
			*out++ = (char)(is_first && *s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
		is_first = *s == '_';
	}
	*out = '\0';
	return stem;
}

/* What stands behind the stem in a name that is made of it; NULL: it is another. */
static const char *
behind_stem(const char *name, const char *from)
{
	char *stem = map_stem(from);
	size_t len = strlen(stem);
	bool is_own =
	    len > 0 && strncmp(name, stem, len) == 0 && name[len] >= 'A' && name[len] <= 'Z';

	free(stem);
	return is_own ? name + len : NULL;
}

char *
map_object_name(const char *name, const char *from, const char *to)
{
	const char *rest;
	char *stem, *renamed;

	if (from == NULL || to == NULL)
		return bh_xstrdup(name);
	if (bh_has_prefix(name, from))
		return bh_xasprintf("%s%s", to, name + strlen(from));
	rest = behind_stem(name, from);
	if (rest == NULL)
		return bh_xstrdup(name);
	stem = map_stem(to);
	renamed = bh_xasprintf("%s%s", stem, rest);
	free(stem);
	return renamed;
}

static void
rename_member(const struct shape *shape, json_t *object, const char *member)
{
	map_rename(object, member, shape->from, shape->to);
}

static void
rename_list(const struct shape *shape, json_t *list, const char *member)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		rename_member(shape, item, member);
}

/* The name in "{name}"; NULL where it is another text.  To be freed. */
static char *
bare_name(const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;

	return len >= 3 && text[0] == '{' && text[len - 1] == '}' ? bh_xstrndup(text + 1, len - 2)
								  : NULL;
}

/* The CRM's object, which a setting may name: one of ours has the connection's prefix. */
static void
shape_to(const struct shape *shape, json_t *object)
{
	const char *to = bh_json_str(object, "to"), *name;
	char *setting = bare_name(to), *renamed;

	name = setting != NULL ? bh_json_str(shape->settings, setting) : to;
	free(setting);
	if (name == NULL)
		return;
	renamed = map_object_name(name, shape->from, shape->to);
	if (strcmp(renamed, name) != 0)
		json_object_set_new(object, "to", json_string(renamed));
	free(renamed);
}

static void
rename_object(const struct shape *shape, json_t *object)
{
	json_t *rule;
	size_t i;

	shape_to(shape, object);
	rename_member(shape, object, "key");
	rename_list(shape, json_object_get(object, "parents"), "to");
	rename_list(shape, json_object_get(object, "fields"), "to");
	rename_list(shape, json_object_get(object, "fields"), "value");
	json_array_foreach (json_object_get(object, "match"), i, rule) {
		rename_member(shape, rule, "to");
		rename_list(shape, json_object_get(rule, "fields"), "to");
	}
}

/* -- what settings decide -- */

static int
shape_create(const struct shape *shape, json_t *object, struct bh_err *err)
{
	char *name = bare_name(bh_json_str(object, "create"));
	const json_t *value;

	if (name == NULL)
		return 0;
	value = json_object_get(shape->settings, name);
	if (!is_set(value)) {
		bh_fail(err, BH_INVALID, "create: the setting %.60s is not set", name);
		free(name);
		return -1;
	}
	free(name);
	if (json_is_boolean(value))
		json_object_set_new(object, "create", json_string(is_on(value) ? "yes" : "no"));
	else
		json_object_set(object, "create", (json_t *)(uintptr_t)value);
	return 0;
}

/* Words "{setting}" of a row's enum become what the setting says. */
static int
shape_enum(const struct shape *shape, json_t *words, struct bh_err *err)
{
	const char *from;
	json_t *to;
	void *next;

	json_object_foreach_safe (words, next, from, to) {
		char *name = bare_name(json_string_value(to));
		json_t *value = name != NULL ? json_object_get(shape->settings, name) : NULL;
		int rc = 0;

		if (name != NULL && !is_set(value))
			rc = bh_fail(err, BH_INVALID, "enum: the setting %.60s is not set", name);
		else if (name != NULL)
			json_object_set(words, from, value);
		free(name);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* A default of a setting becomes its value; none while it is empty. */
static void
shape_default(const struct shape *shape, json_t *row)
{
	const char *name = bh_json_str(json_object_get(row, "default"), "setting");
	json_t *value = name != NULL ? json_object_get(shape->settings, name) : NULL;

	if (is_set(value))
		json_object_set(row, "default", value);
	else if (name != NULL)
		json_object_del(row, "default");
}

/* A row of a setting becomes a row of its value. */
static int
shape_rows(const struct shape *shape, json_t *rows, struct bh_err *err)
{
	for (size_t i = 0; i < json_array_size(rows);) {
		json_t *row = json_array_get(rows, i);
		const char *name = bh_json_str(row, "setting");
		json_t *value = name != NULL ? json_object_get(shape->settings, name) : NULL;

		if (name != NULL && !is_set(value)) {
			json_array_remove(rows, i);
			continue;
		}
		if (name != NULL) {
			json_object_del(row, "setting");
			json_object_set(row, "value", value);
		}
		shape_default(shape, row);
		if (shape_enum(shape, json_object_get(row, "enum"), err) < 0) {
			const char *to = bh_json_str(row, "to");

			return bh_during(err, "field %.80s", to != NULL ? to : "?");
		}
		i++;
	}
	return 0;
}

/* A switch that is stored as true or false is "yes" or "no" all the same. */
static bool
is_setting_as(const json_t *value, const json_t *wanted)
{
	const char *text = json_string_value(wanted);

	if (json_is_boolean(value) && text != NULL)
		return strcmp(text, is_on(value) ? "yes" : "no") == 0;
	return json_equal((json_t *)(uintptr_t)value, (json_t *)(uintptr_t)wanted) != 0;
}

static bool
is_setting_among(const json_t *value, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (is_setting_as(value, json_array_get(list, i)))
			return true;
	return false;
}

/* Does the setting's value pass this filter?  1, 0; -1 it is no filter of a setting. */
static int
is_setting_passed(const json_t *filter, const json_t *value)
{
	const json_t *is = json_object_get(filter, "is"), *in = json_object_get(filter, "in"),
		     *not_in = json_object_get(filter, "not_in");

	if (json_object_size(filter) != 2)
		return -1;
	if (is != NULL)
		return is_setting_as(value, is);
	if (json_is_array(in))
		return is_setting_among(value, in);
	return json_is_array(not_in) ? !is_setting_among(value, not_in) : -1;
}

/*
 * A filter of a setting becomes one that every object passes, or none.
 * Others stay; what is no filter at all is for map_new() to refuse.
 */
static void
shape_filter(const struct shape *shape, json_t *filter)
{
	const char *name = bh_json_str(filter, "setting");
	int is_passed = -1;
	json_t *one;
	void *next;
	const char *word;
	size_t i;

	if (name != NULL)
		is_passed = is_setting_passed(filter, json_object_get(shape->settings, name));
	if (is_passed >= 0) {
		json_object_clear(filter);
		json_object_set_new(filter, "field", json_string("id"));
		json_object_set_new(filter, is_passed ? "not_in" : "in", json_array());
		return;
	}
	json_object_foreach_safe (filter, next, word, one)
		for (i = 0; i < json_array_size(one); i++)
			shape_filter(shape, json_array_get(one, i));
}

/* Is it a filter that no object passes, whatever it is? */
static bool
is_never_passed(const json_t *filter)
{
	const json_t *in = json_object_get(filter, "in"), *all = json_object_get(filter, "all"),
		     *any = json_object_get(filter, "any");
	size_t never = 0;

	for (size_t i = 0; i < json_array_size(all); i++)
		if (is_never_passed(json_array_get(all, i)))
			return true;
	for (size_t i = 0; i < json_array_size(any); i++)
		never += is_never_passed(json_array_get(any, i));
	if (json_array_size(any) != 0)
		return never == json_array_size(any);
	return json_is_array(in) && json_array_size(in) == 0;
}

/* 1 the setting is on, 0 off. */
static int
is_setting_on(const struct shape *shape, const json_t *name, struct bh_err *err)
{
	const char *text = json_string_value(name);
	const json_t *value = text != NULL ? json_object_get(shape->settings, text) : NULL;

	if (value == NULL)
		return bh_fail(err, BH_INVALID, "on: the setting %.60s is not set",
		    text != NULL ? text : "without a name");
	return is_on(value);
}

/* 1 it is to stay, 0 it is switched off: by one setting, or by any of a list. */
static int
is_switched_on(const struct shape *shape, const json_t *object, struct bh_err *err)
{
	const json_t *on = json_object_get(object, "on");
	int rc = on != NULL && !json_is_array(on) ? is_setting_on(shape, on, err) : 1;

	for (size_t i = 0; rc > 0 && i < json_array_size(on); i++)
		rc = is_setting_on(shape, json_array_get(on, i), err);
	return rc;
}

static void
drop_parents(json_t *objects, const char *gone)
{
	json_t *object;
	size_t i;

	json_array_foreach (objects, i, object) {
		json_t *parents = json_object_get(object, "parents");

		for (size_t k = json_array_size(parents); k-- > 0;) {
			const char *name = bh_json_str(json_array_get(parents, k), "object");

			if (name != NULL && strcmp(name, gone) == 0)
				json_array_remove(parents, k);
		}
	}
}

/* Rules ask only of the objects that pass their filter. */
static void
shape_rules(const struct shape *shape, json_t *rules)
{
	json_t *rule;
	size_t i;

	json_array_foreach (rules, i, rule)
		shape_filter(shape, json_object_get(rule, "if"));
}

static int
shape_object(const struct shape *shape, json_t *object, struct bh_err *err)
{
	json_object_del(object, "on");
	shape_filter(shape, json_object_get(object, "if"));
	shape_rules(shape, json_object_get(object, "match"));
	if (shape_create(shape, object, err) < 0 ||
	    shape_rows(shape, json_object_get(object, "fields"), err) < 0)
		return -1;
	rename_object(shape, object);
	return 0;
}

static int
shape_objects(const struct shape *shape, json_t *objects, struct bh_err *err)
{
	for (size_t i = 0; i < json_array_size(objects);) {
		json_t *object = json_array_get(objects, i);
		const char *name = bh_json_str(object, "name");
		int on = is_switched_on(shape, object, err);

		if (on < 0 || (on > 0 && shape_object(shape, object, err) < 0))
			return bh_during(err, "%.80s", name != NULL ? name : "?");
		if (on > 0 && !is_never_passed(json_object_get(object, "if"))) {
			i++;
			continue;
		}
		if (name != NULL)
			drop_parents(objects, name);
		json_array_remove(objects, i);
	}
	return 0;
}

int
map_shape(const json_t *mapping, const json_t *settings, const char *from, const char *to,
    json_t **shaped_r, struct bh_err *err)
{
	struct shape shape = {merge_settings(mapping, settings), from, to};
	int rc;

	*shaped_r = json_deep_copy(mapping);
	rc = shape_objects(&shape, json_object_get(*shaped_r, "objects"), err);
	json_decref(shape.settings);
	if (rc < 0) {
		json_decref(*shaped_r);
		*shaped_r = NULL;
	}
	return rc;
}
