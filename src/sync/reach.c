/* See reach.h. */
#include "base/base.h"

#include "sync/reach.h"

#include "base/text.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define OF_CUSTOMER "customer."

static void
add_name(json_t *names, const char *name)
{
	size_t len = strspn(name, NAME_CHARS);

	if (len != 0)
		json_object_setn_new(names, name, len, json_true());
}

/* What a text names behind each of these words; also where it is a name by itself, without braces. */
static void
add_named(json_t *names, const char *text, const char *word)
{
	const char *brace = text;

	if (bh_has_prefix(text, word))
		add_name(names, text + strlen(word));
	while ((brace = strchr(brace, '{')) != NULL)
		if (bh_has_prefix(++brace, word))
			add_name(names, brace + strlen(word));
}

/* All texts of a part of the mapping. */
static void
add_texts(json_t *names, const json_t *part, const char *word)
{
	const char *member;
	json_t *value;

	if (json_is_string(part))
		add_named(names, json_string_value(part), word);
	for (size_t i = 0; i < json_array_size(part); i++)
		add_texts(names, json_array_get(part, i), word);
	json_object_foreach ((json_t *)(uintptr_t)part, member, value)
		add_texts(names, value, word);
}

static const json_t *
object_named(const json_t *mapping, const char *name)
{
	json_t *object;
	size_t i;

	json_array_foreach (json_object_get(mapping, "objects"), i, object)
		if (name != NULL && strcmp(bh_json_str(object, "name"), name) == 0)
			return object;
	return NULL;
}

/* Its key, and whether it is anybody's parent, are made of the customer where it is one itself. */
static void
add_parent(json_t *names, const json_t *object, const json_t *parent)
{
	const json_t *kind = json_object_get(parent, "from");

	if (parent == NULL ||
	    json_equal((json_t *)(uintptr_t)kind, json_object_get(object, "from")))
		return;
	add_texts(names, json_object_get(parent, "key_from"), "");
	add_texts(names, json_object_get(parent, "if"), "");
}

void
reach_add(const json_t *mapping, const json_t *object, json_t *names)
{
	json_t *parent;
	size_t i;

	add_texts(names, object, OF_CUSTOMER);
	json_array_foreach (json_object_get(object, "parents"), i, parent)
		add_parent(names, object, object_named(mapping, bh_json_str(parent, "object")));
}

json_t *
reach_fields(const json_t *mapping)
{
	json_t *names = json_object(), *object;
	size_t i;

	json_array_foreach (json_object_get(mapping, "objects"), i, object)
		reach_add(mapping, object, names);
	if (json_object_size(names) != 0)
		return names;
	json_decref(names);
	return NULL;
}

static bool
is_equal(const json_t *before, const json_t *after, const char *name)
{
	const json_t *a = json_object_get(before, name), *b = json_object_get(after, name);

	return a == b || json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b);
}

bool
is_reach_changed(const json_t *names, const struct working_object *customer)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)names, name, value) {
		if (customer->is_changed &&
		    !is_equal(customer->told_before, customer->object.fields, name))
			return true;
		if (customer->is_fields_changed &&
		    !is_equal(customer->fields_before, customer->fields, name))
			return true;
	}
	return false;
}
