/* See configure_diff.h. */
#include "base/base.h"

#include "sync/configure_diff.h"

#include "base/text.h"

#define VALUE_SHOWN 100 /* bytes of a value */
#define PATH_MAX_LEN 400
#define DEPTH_MAX 12

struct diff {
	json_t *lines;
	size_t n;
};

static void compare(struct diff *diff, const char *path, int depth, const json_t *was,
    const json_t *is);

/* -- lines -- */

/* A value as JSON, cut; "nothing" where there is none. */
static void
show_value(char out[VALUE_SHOWN + 8], const json_t *value)
{
	char *text;

	if (value == NULL) {
		snprintf(out, VALUE_SHOWN + 8, "nothing");
		return;
	}
	text = bh_json_text(value);
	snprintf(out, VALUE_SHOWN, "%s", text);
	bh_utf8_mend(out, strlen(text) >= VALUE_SHOWN);
	if (strlen(text) >= VALUE_SHOWN)
		strncat(out, " ...", 5);
	free(text);
}

static void
add_line(struct diff *diff, const char *path, const char *text)
{
	if (diff->n++ < CONFIGURE_DIFF_LINES)
		json_array_append_new(diff->lines, json_sprintf("  %s: %s", path, text));
}

static void
add_change(struct diff *diff, const char *path, const json_t *was, const json_t *is)
{
	char before[VALUE_SHOWN + 8], after[VALUE_SHOWN + 8], text[2 * VALUE_SHOWN + 40];

	show_value(before, was);
	show_value(after, is);
	if (was == NULL)
		snprintf(text, sizeof(text), "new, %s", after);
	else if (is == NULL)
		snprintf(text, sizeof(text), "removed, it was %s", before);
	else
		snprintf(text, sizeof(text), "%s becomes %s", before, after);
	add_line(diff, path, text);
}

static void
sub_path(char out[PATH_MAX_LEN], const char *path, const char *name)
{
	int n = snprintf(out, PATH_MAX_LEN, "%s%s%s", path, *path != '\0' ? "." : "", name);

	bh_utf8_mend(out, n >= PATH_MAX_LEN);
}

/* -- objects -- */

static void
compare_objects(struct diff *diff, const char *path, int depth, const json_t *was, const json_t *is)
{
	char below[PATH_MAX_LEN];
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)was, name, value) {
		sub_path(below, path, name);
		compare(diff, below, depth + 1, value, json_object_get(is, name));
	}
	json_object_foreach ((json_t *)(uintptr_t)is, name, value) {
		sub_path(below, path, name);
		if (json_object_get(was, name) == NULL)
			compare(diff, below, depth + 1, NULL, value);
	}
}

/* -- lists -- */

static bool
is_list_of_objects(const json_t *value)
{
	json_t *item;
	size_t i;

	if (!json_is_array(value))
		return false;
	json_array_foreach ((json_t *)(uintptr_t)value, i, item)
		if (!json_is_object(item))
			return false;
	return true;
}

/* What an item is called among those of its list; its number where it says nothing. */
static json_t *
name_of(const json_t *item, const json_t *taken, size_t place)
{
	static const char *const members[] = {"code", "name", "to", "by", "field"};
	const char *word = NULL;
	char name[160];

	for (size_t i = 0; i < BH_LEN(members) && word == NULL; i++)
		word = json_string_value(json_object_get(item, members[i]));
	if (word == NULL)
		return json_sprintf("%zu", place + 1);
	snprintf(name, sizeof(name), "%.120s", word);
	bh_utf8_mend(name, true);
	for (unsigned n = 2; json_object_get(taken, name) != NULL && n < 1000; n++) {
		snprintf(name, sizeof(name), "%.120s", word);
		bh_utf8_mend(name, true);
		snprintf(name + strlen(name), 12, "#%u", n);
	}
	return json_string(name);
}

/* {name: item} in the order of the list. */
static json_t *
by_name(const json_t *list)
{
	json_t *named = json_object(), *item, *name;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		name = name_of(item, named, i);
		json_object_set(named, json_string_value(name), item);
		json_decref(name);
	}
	return named;
}

/* Do those that are in both stand in another order? */
static bool
is_reordered(const json_t *was, const json_t *is)
{
	void *at = json_object_iter((json_t *)(uintptr_t)is);
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)was, name, value) {
		if (json_object_get(is, name) == NULL)
			continue;
		while (at != NULL && json_object_get(was, json_object_iter_key(at)) == NULL)
			at = json_object_iter_next((json_t *)(uintptr_t)is, at);
		if (at == NULL || strcmp(json_object_iter_key(at), name) != 0)
			return true;
		at = json_object_iter_next((json_t *)(uintptr_t)is, at);
	}
	return false;
}

static void
compare_lists(struct diff *diff, const char *path, int depth, const json_t *was, const json_t *is)
{
	json_t *before = by_name(was), *after = by_name(is);

	compare_objects(diff, path, depth, before, after);
	if (is_reordered(before, after))
		add_line(diff, path, "in another order");
	json_decref(before);
	json_decref(after);
}

static void
compare(struct diff *diff, const char *path, int depth, const json_t *was, const json_t *is)
{
	if (was != NULL && is != NULL && json_equal(was, is))
		return;
	if (depth < DEPTH_MAX && json_is_object(was) && json_is_object(is))
		compare_objects(diff, path, depth, was, is);
	else if (depth < DEPTH_MAX && is_list_of_objects(was) && is_list_of_objects(is))
		compare_lists(diff, path, depth, was, is);
	else
		add_change(diff, path, was, is);
}

void
configure_diff(json_t *lines, const json_t *was, const json_t *is)
{
	struct diff diff = {lines, 0};

	compare_objects(&diff, "", 0, was, is);
	if (diff.n > CONFIGURE_DIFF_LINES)
		json_array_append_new(lines,
		    json_sprintf("  and %zu more", diff.n - CONFIGURE_DIFF_LINES));
}

/* -- secrets -- */

void
configure_diff_secrets(json_t *lines, const json_t *references, const json_t *was, const json_t *is)
{
	struct diff diff = {lines, 0};
	char path[PATH_MAX_LEN];
	const char *name;
	json_t *reference;

	json_object_foreach ((json_t *)(uintptr_t)references, name, reference) {
		const json_t *before = json_object_get(was, name);
		const json_t *after = json_object_get(is, name);

		sub_path(path, "secrets", name);
		add_line(&diff, path,
		    before != NULL && after != NULL && json_equal(before, after) ? "unchanged"
										 : "set anew");
	}
}

json_t *
configure_diff_heads(const json_t *lines)
{
	json_t *heads = json_array(), *line;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)lines, i, line)
		if (!bh_has_prefix(json_string_value(line), "  "))
			json_array_append(heads, line);
	return heads;
}
