/* See mapping_file.h. */
#include "base/base.h"

#include "web/mapping_file.h"

static const char *const file_members[] = {"name", "title", "description", "source", "dest",
    "settings", "prefix", "objects", NULL};
static const char *const object_members[] = {"name", "from", "to", "key", "on", "parents", "if",
    "match", "create", "key_from", "urgent", "fields", NULL};
static const char *const row_members[] = {"to", "by", "from", "value", "setting", "as", "enum",
    "with", "default", "on", "empty", "when", NULL};

/* A copy with the members of that order first. */
static json_t *
ordered(const json_t *object, const char *const *order)
{
	json_t *copy = json_object(), *value;
	const char *name;

	for (; *order != NULL; order++)
		if (json_object_get(object, *order) != NULL)
			json_object_set(copy, *order, json_object_get(object, *order));
	json_object_foreach ((json_t *)(uintptr_t)object, name, value)
		if (json_object_get(copy, name) == NULL)
			json_object_set(copy, name, value);
	return copy;
}

static void
add_line(struct bh_buf *out, const json_t *json)
{
	char *text = json_dumps(json, JSON_ENCODE_ANY);

	bh_buf_adds(out, text != NULL ? text : "null");
	free(text);
}

static void
add_name(struct bh_buf *out, const char *indent, const char *name)
{
	json_t *text = json_string(name);

	bh_buf_adds(out, indent);
	add_line(out, text);
	bh_buf_adds(out, ": ");
	json_decref(text);
}

/* A list with a line for each of its entries. */
static void
add_list(struct bh_buf *out, const json_t *list)
{
	json_t *one;
	size_t i;

	bh_buf_adds(out, "[");
	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		json_t *row = json_is_object(one) ? ordered(one, row_members) : json_incref(one);

		bh_buf_adds(out, i > 0 ? ",\n        " : "\n        ");
		add_line(out, row);
		json_decref(row);
	}
	bh_buf_adds(out, json_array_size(list) > 0 ? "\n      ]" : "]");
}

static bool
is_listed(const char *name, const json_t *value)
{
	return json_is_array(value) && (strcmp(name, "fields") == 0 || strcmp(name, "match") == 0 ||
					   strcmp(name, "parents") == 0);
}

static void
add_object(struct bh_buf *out, const json_t *object)
{
	json_t *sorted = ordered(object, object_members), *value;
	const char *name;
	bool is_first = true;

	bh_buf_adds(out, "    {");
	json_object_foreach (sorted, name, value) {
		bh_buf_adds(out, is_first ? "\n" : ",\n");
		add_name(out, "      ", name);
		if (is_listed(name, value))
			add_list(out, value);
		else
			add_line(out, value);
		is_first = false;
	}
	bh_buf_adds(out, "\n    }");
	json_decref(sorted);
}

static void
add_objects(struct bh_buf *out, const json_t *objects)
{
	json_t *one;
	size_t i;

	bh_buf_adds(out, "[");
	json_array_foreach ((json_t *)(uintptr_t)objects, i, one) {
		bh_buf_adds(out, i > 0 ? ",\n" : "\n");
		add_object(out, one);
	}
	bh_buf_adds(out, "\n  ]");
}

void
mapping_file_add(struct bh_buf *out, const json_t *mapping)
{
	json_t *sorted = ordered(mapping, file_members), *value;
	const char *name;
	bool is_first = true;

	bh_buf_adds(out, "{");
	json_object_foreach (sorted, name, value) {
		bh_buf_adds(out, is_first ? "\n" : ",\n");
		add_name(out, "  ", name);
		if (strcmp(name, "objects") == 0 && json_is_array(value))
			add_objects(out, value);
		else
			add_line(out, value);
		is_first = false;
	}
	bh_buf_adds(out, "\n}\n");
	json_decref(sorted);
}

/* The sync's mapping out of a whole configuration; NULL there is none. */
static json_t *
mapping_of(const json_t *document, const char *code)
{
	json_t *sync;
	size_t i;

	json_array_foreach (json_object_get(document, "syncs"), i, sync) {
		const char *its = bh_json_str(sync, "code");

		if (its != NULL && strcmp(its, code) == 0)
			return json_object_get(sync, "mapping");
	}
	return NULL;
}

int
mapping_file_read(const char *text, const char *sync, json_t **mapping_r, struct bh_err *err)
{
	json_t *document;

	*mapping_r = NULL;
	if (bh_json_parse(text, strlen(text), &document, err) < 0)
		return bh_during(err, "This is no JSON");
	if (json_is_object(document) && json_object_get(document, "billhook") != NULL) {
		*mapping_r = json_incref(mapping_of(document, sync));
		json_decref(document);
		return *mapping_r != NULL
			   ? 0
			   : bh_fail(err, BH_INVALID,
				 "This is a whole configuration, and it has no mapping of the sync %.64s.",
				 sync);
	}
	if (!json_is_object(document)) {
		json_decref(document);
		return bh_fail(err, BH_INVALID, "A mapping is a JSON object.");
	}
	*mapping_r = document;
	return 0;
}
