/* Filters: see filter.h. */
#include "base/base.h"

#include "map/filter.h"

#define DEPTH 8
#define CHILDREN 50

enum filter_kind {
	FILTER_NONE = 0,
	FILTER_ALL,
	FILTER_ANY,
	FILTER_IN,
	FILTER_NOT_IN,
	FILTER_IS,
};

static const struct {
	const char *name;
	enum filter_kind kind;
	bool is_group;
} words[] = {
    {"all", FILTER_ALL, true},
    {"any", FILTER_ANY, true},
    {"in", FILTER_IN, false},
    {"not_in", FILTER_NOT_IN, false},
    {"is", FILTER_IS, false},
};

struct filter {
	enum filter_kind kind;
	struct reference ref;
	const json_t *value; /* borrowed */
	struct filter **children;
	size_t n;
};

static int parse(const json_t *json, enum object_kind kind, int depth, struct filter *filter,
    struct bh_err *err);

static int
parse_group(const json_t *list, enum object_kind kind, int depth, struct filter *filter,
    struct bh_err *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n == 0 || n > CHILDREN || depth == DEPTH)
		return bh_fail(err, BH_INVALID,
		    "all and any take a list of 1 to %d filters, %d deep at most", CHILDREN, DEPTH);
	filter->children = bh_xcalloc(n, sizeof(struct filter *));
	for (; filter->n < n; filter->n++) {
		filter->children[filter->n] = bh_xcalloc(1, sizeof(*filter));
		if (parse(json_array_get(list, filter->n), kind, depth + 1,
			filter->children[filter->n], err) < 0) {
			filter->n++;
			return -1;
		}
	}
	return 0;
}

static int
parse(const json_t *json, enum object_kind kind, int depth, struct filter *filter,
    struct bh_err *err)
{
	const char *field = bh_json_str(json, "field");
	size_t i = 0;

	while (i < BH_LEN(words) && json_object_get(json, words[i].name) == NULL)
		i++;
	if (i == BH_LEN(words) || json_object_size(json) != (words[i].is_group ? 1 : 2))
		return bh_fail(err, BH_INVALID,
		    "a filter has field and one of in, not_in, is; or it has all or any");
	filter->kind = words[i].kind;
	filter->value = json_object_get(json, words[i].name);
	if (words[i].is_group)
		return parse_group(filter->value, kind, depth, filter, err);
	if (filter->kind != FILTER_IS && !json_is_array(filter->value))
		return bh_fail(err, BH_INVALID, "%s takes a list of values", words[i].name);
	if (field == NULL)
		return bh_fail(err, BH_INVALID, "a filter names no field");
	return reference_parse(field, strlen(field), kind, &filter->ref, err);
}

int
filter_new(const json_t *json, enum object_kind kind, struct filter **filter_r, struct bh_err *err)
{
	*filter_r = bh_xcalloc(1, sizeof(**filter_r));
	if (parse(json, kind, 0, *filter_r, err) == 0)
		return 0;
	filter_free(filter_r);
	return bh_during(err, "if");
}

void
filter_free(struct filter **filter)
{
	if (*filter == NULL)
		return;
	for (size_t i = 0; i < (*filter)->n; i++)
		filter_free(&(*filter)->children[i]);
	free((*filter)->children);
	free(*filter);
	*filter = NULL;
}

static bool
is_in(const json_t *list, const json_t *wanted)
{
	const json_t *item;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, item) {
		if (json_equal(item, wanted))
			return true;
	}
	return false;
}

static bool
is_value_passed(const struct filter *filter, const struct reference_view *view)
{
	struct map_value value = MAP_VALUE_ABSENT;
	const json_t *json;
	bool passed;

	reference_read(&filter->ref, view, &value);
	json = value.json != NULL ? value.json : json_null();
	if (filter->kind == FILTER_IS)
		passed = json_equal(json, filter->value) != 0;
	else
		passed = is_in(filter->value, json) == (filter->kind == FILTER_IN);
	map_value_release(&value);
	return passed;
}

bool
is_filter_passed(const struct filter *filter, const struct reference_view *view)
{
	bool wants_all = filter->kind == FILTER_ALL;

	if (!wants_all && filter->kind != FILTER_ANY)
		return is_value_passed(filter, view);
	for (size_t i = 0; i < filter->n; i++) {
		if (is_filter_passed(filter->children[i], view) != wants_all)
			return !wants_all;
	}
	return wants_all;
}
