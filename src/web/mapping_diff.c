/* See mapping_diff.h. */
#include "base/base.h"

#include "web/mapping_diff.h"

#include "web/mapping_words.h"
#include "web/words.h"

#define SHOWN_BYTES 2000 /* of a part that is shown as JSON */

struct diff {
	json_t *list;
	const char *object; /* its name; "" the mapping itself */
};

/* Takes before and after, which may be NULL: there is none. */
static void
add(struct diff *diff, const char *part, const char *what, json_t *before, json_t *after)
{
	char *where = bh_xasprintf("%s%s%s", diff->object,
	    *diff->object != '\0' && *part != '\0' ? " · " : "", part);

	json_array_append_new(diff->list,
	    json_pack("{s:o, s:s, s:o, s:o}", "where", words_json(where), "what", what, "before",
		before != NULL ? before : json_string(""), "after",
		after != NULL ? after : json_string("")));
	free(where);
}

static const char *
what_of(const json_t *before, const json_t *after)
{
	return before == NULL ? "added" : after == NULL ? "removed" : "changed";
}

/* A part without words of its own. */
static json_t *
json_words(const json_t *json)
{
	char *text = json != NULL ? json_dumps(json, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	json_t *words;

	if (text != NULL && strlen(text) > SHOWN_BYTES)
		text[SHOWN_BYTES] = '\0';
	words = words_json(text != NULL ? text : "");
	free(text);
	return words;
}

static bool
is_same(const json_t *a, const json_t *b)
{
	return a == b || (a != NULL && b != NULL && json_equal(a, b));
}

/* -- rows -- */

/* Two rows of one field are for different objects. */
static char *
row_name(const json_t *row)
{
	const char *to = bh_json_str(row, "to");
	const json_t *on = json_object_get(row, "on");
	char *text = on != NULL ? json_dumps(on, JSON_ENCODE_ANY) : NULL;
	char *name = bh_xasprintf("%s%s%s", to != NULL ? to : "?", text != NULL ? " " : "",
	    text != NULL ? text : "");

	free(text);
	return name;
}

/* Name -> row; the last of several of one name counts. */
static json_t *
index_rows(const json_t *rows)
{
	json_t *index = json_object(), *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		char *name = row_name(row);

		json_object_set(index, name, row);
		free(name);
	}
	return index;
}

/* Do those that are in both stand in another order? */
static bool
is_order_other(const json_t *before, const json_t *after)
{
	void *a = json_object_iter((json_t *)(uintptr_t)before);
	void *b = json_object_iter((json_t *)(uintptr_t)after);

	for (;;) {
		while (a != NULL && json_object_get(after, json_object_iter_key(a)) == NULL)
			a = json_object_iter_next((json_t *)(uintptr_t)before, a);
		while (b != NULL && json_object_get(before, json_object_iter_key(b)) == NULL)
			b = json_object_iter_next((json_t *)(uintptr_t)after, b);
		if (a == NULL || b == NULL)
			return false;
		if (strcmp(json_object_iter_key(a), json_object_iter_key(b)) != 0)
			return true;
		a = json_object_iter_next((json_t *)(uintptr_t)before, a);
		b = json_object_iter_next((json_t *)(uintptr_t)after, b);
	}
}

static void
diff_rows(struct diff *diff, const json_t *before, const json_t *after)
{
	json_t *was = index_rows(before), *is = index_rows(after), *row;
	const char *name;
	size_t n = json_array_size(diff->list);

	json_object_foreach (is, name, row) {
		const json_t *old = json_object_get(was, name);
		const char *to = bh_json_str(row, "to");

		if (!is_same(old, row))
			add(diff, to != NULL ? to : "?", what_of(old, row),
			    old != NULL ? mapping_row_words(old) : NULL, mapping_row_words(row));
	}
	json_object_foreach (was, name, row) {
		const char *to = bh_json_str(row, "to");

		if (json_object_get(is, name) == NULL)
			add(diff, to != NULL ? to : "?", "removed", mapping_row_words(row), NULL);
	}
	/* Also where nothing else tells them apart: then the difference must not be silent. */
	if (is_order_other(was, is) ||
	    (n == json_array_size(diff->list) && !is_same(before, after)))
		add(diff, "order of the fields", "moved", NULL, NULL);
	json_decref(is);
	json_decref(was);
}

/* -- objects -- */

/* A list in words, one after the other. */
static json_t *
list_words(const json_t *list, json_t *(*words)(const json_t *one))
{
	struct bh_buf out = BH_BUF_INIT(64u << 10);
	json_t *one, *text;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		text = words(one);
		bh_buf_addf(&out, "%s%zu. %s", i > 0 ? "; " : "", i + 1, json_string_value(text));
		json_decref(text);
	}
	text = words_json(bh_buf_str(&out));
	bh_buf_release(&out);
	return text;
}

static json_t *
member_words(const char *name, const json_t *value)
{
	if (value == NULL)
		return NULL;
	if (strcmp(name, "if") == 0)
		return mapping_filter_words(value);
	if (strcmp(name, "match") == 0)
		return list_words(value, mapping_match_words);
	return json_is_string(value) ? words_json(json_string_value(value)) : json_words(value);
}

static const char *
member_label(const char *name)
{
	static const char *const labels[][2] = {{"if", "filter"}, {"match", "matching rules"},
	    {"create", "where nothing matches"}, {"to", "CRM object"}, {"from", "billing object"},
	    {"on", "switched by"}};

	for (size_t i = 0; i < BH_LEN(labels); i++)
		if (strcmp(labels[i][0], name) == 0)
			return labels[i][1];
	return name;
}

/* Every member but the list that is looked into. */
static void
diff_members(struct diff *diff, const json_t *before, const json_t *after, const char *list)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)after, name, value) {
		const json_t *old = json_object_get(before, name);

		if (strcmp(name, list) != 0 && !is_same(old, value))
			add(diff, member_label(name), what_of(old, value), member_words(name, old),
			    member_words(name, value));
	}
	json_object_foreach ((json_t *)(uintptr_t)before, name, value)
		if (strcmp(name, list) != 0 && json_object_get(after, name) == NULL)
			add(diff, member_label(name), "removed", member_words(name, value), NULL);
}

static json_t *
rows_count(const json_t *object)
{
	const json_t *rows = json_object_get(object, "fields");

	return json_array_size(rows) == 1 ? json_string("1 field")
					  : json_sprintf("%zu fields", json_array_size(rows));
}

static void
diff_object(struct diff *diff, const json_t *before, const json_t *after)
{
	if (before == NULL || after == NULL) {
		add(diff, "", what_of(before, after), before != NULL ? rows_count(before) : NULL,
		    after != NULL ? rows_count(after) : NULL);
		return;
	}
	diff_members(diff, before, after, "fields");
	if (!is_same(json_object_get(before, "fields"), json_object_get(after, "fields")))
		diff_rows(diff, json_object_get(before, "fields"),
		    json_object_get(after, "fields"));
}

/* Name -> object. */
static json_t *
index_objects(const json_t *mapping)
{
	json_t *index = json_object(), *object;
	size_t i;

	json_array_foreach (json_object_get(mapping, "objects"), i, object) {
		const char *name = bh_json_str(object, "name");

		json_object_set(index, name != NULL ? name : "?", object);
	}
	return index;
}

json_t *
mapping_diff(const json_t *before, const json_t *after)
{
	json_t *was = index_objects(before), *is = index_objects(after), *object;
	struct diff diff = {json_array(), ""};
	const char *name;

	diff_members(&diff, before, after, "objects");
	json_object_foreach (is, name, object) {
		const json_t *old = json_object_get(was, name);

		diff.object = name;
		if (!is_same(old, object))
			diff_object(&diff, old, object);
	}
	json_object_foreach (was, name, object) {
		diff.object = name;
		if (json_object_get(is, name) == NULL)
			diff_object(&diff, object, NULL);
	}
	diff.object = "";
	if (json_array_size(diff.list) == 0 && !is_same(before, after))
		add(&diff, "order of the objects", "moved", NULL, NULL);
	json_decref(is);
	json_decref(was);
	return diff.list;
}
