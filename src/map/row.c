/* Rows: see row.h. */
#include "base/base.h"

#include "map/row.h"

#include "map/fit.h"
#include "map/template.h"
#include "map/transform.h"

#define SOURCES 16 /* of one row, and defaults of one row */
#define TO_BYTES 255

#define NEVER (RECORD_ON_CREATE + 1)

static const char *const when_names[NEVER + 1] = {
    [RECORD_ALWAYS] = "always",
    [RECORD_IF_EMPTY] = "if_empty",
    [RECORD_IF_UNCHANGED] = "if_unchanged",
    [RECORD_ON_CREATE] = "on_create",
    [NEVER] = "never",
};

const char *
row_when_name(unsigned i)
{
	return i < BH_LEN(when_names) ? when_names[i] : NULL;
}

/* A field by name, or a template. */
struct source {
	struct reference ref;
	struct template *template;
};

struct row {
	const json_t *json;         /* borrowed */
	const char *to;             /* borrowed from json */
	unsigned when;              /* enum record_when, or NEVER */
	bool keeps;                 /* "empty": "keep" */
	const struct transform *as; /* never NULL */
	const json_t *constant;     /* NULL: there are sources */
	struct source *sources;
	size_t sources_n;
	bool is_list; /* "from" is a list: its values are joined */
	struct template *defaults[SOURCES];
	size_t defaults_n;
};

static int
check_members(const json_t *json, struct bh_err *err)
{
	static const char *const members[] = {"to", "from", "as", "when", "enum", "value",
	    "default", "with", "on", "empty"};
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return bh_fail(err, BH_INVALID, "it is not an object");
	json_object_foreach ((json_t *)(uintptr_t)json, name, value) {
		size_t i = 0;

		while (i < BH_LEN(members) && strcmp(members[i], name) != 0)
			i++;
		if (i == BH_LEN(members))
			return bh_fail(err, BH_INVALID, "unknown member '%.60s'", name);
	}
	return 0;
}

static bool
is_word(const json_t *json, const char *word)
{
	return json_is_string(json) && strcmp(json_string_value(json), word) == 0;
}

static int
parse_words(struct row *row, struct bh_err *err)
{
	const json_t *when = json_object_get(row->json, "when"),
		     *empty = json_object_get(row->json, "empty");
	unsigned i = 0;

	while (when != NULL && i <= NEVER && !is_word(when, when_names[i]))
		i++;
	if (i > NEVER)
		return bh_fail(err, BH_INVALID,
		    "when is always, if_empty, if_unchanged, on_create or never");
	row->when = i;
	row->keeps = is_word(empty, "keep");
	if (empty != NULL && !row->keeps && !is_word(empty, "clear"))
		return bh_fail(err, BH_INVALID, "empty is clear or keep");
	if (json_object_get(row->json, "with") != NULL && bh_json_str(row->json, "with") == NULL)
		return bh_fail(err, BH_INVALID, "with is a text");
	return 0;
}

/* on: one name or a list of names. */
static int
check_on(const json_t *on, struct bh_err *err)
{
	bool good = on == NULL || json_is_string(on) || json_array_size(on) > 0;

	for (size_t i = 0; i < json_array_size(on); i++)
		good = good && json_is_string(json_array_get(on, i));
	return good ? 0
		    : bh_fail(err, BH_INVALID, "on is the name of a CRM object or a list of names");
}

static int
check_enum(const json_t *table, struct bh_err *err)
{
	const char *name;
	json_t *value;

	if (table != NULL && !json_is_object(table))
		return bh_fail(err, BH_INVALID, "enum is an object");
	json_object_foreach ((json_t *)(uintptr_t)table, name, value) {
		if (json_is_object(value) || json_is_array(value) || json_is_real(value))
			return bh_fail(err, BH_INVALID,
			    "enum: '%.60s' is not turned into a text, a whole number, true, false or null",
			    name);
	}
	return 0;
}

static int
parse_source(const json_t *json, enum object_kind kind, struct source *source, struct bh_err *err)
{
	const char *text = json_string_value(json);

	if (text == NULL || *text == '\0')
		return bh_fail(err, BH_INVALID,
		    "from is the name of a field, a template, or a list of them");
	if (strchr(text, '{') != NULL)
		return template_new(text, kind, &source->template, err);
	return reference_parse(text, strlen(text), kind, &source->ref, err);
}

static int
parse_sources(struct row *row, enum object_kind kind, struct bh_err *err)
{
	const json_t *from = json_object_get(row->json, "from");
	size_t n = json_is_array(from) ? json_array_size(from) : 1;

	if (n == 0 || n > SOURCES)
		return bh_fail(err, BH_INVALID, "from lists 1 to %d fields", SOURCES);
	row->is_list = json_is_array(from);
	row->sources = bh_xcalloc(n, sizeof(row->sources[0]));
	for (row->sources_n = 0; row->sources_n < n;) {
		const json_t *one = row->is_list ? json_array_get(from, row->sources_n) : from;

		if (parse_source(one, kind, &row->sources[row->sources_n++], err) < 0)
			return -1;
	}
	return 0;
}

static int
parse_defaults(struct row *row, enum object_kind kind, struct bh_err *err)
{
	const json_t *list = json_object_get(row->json, "default");
	size_t n = list == NULL ? 0 : json_is_array(list) ? json_array_size(list) : 1;

	if (n > SOURCES)
		return bh_fail(err, BH_INVALID, "default lists at most %d templates", SOURCES);
	while (row->defaults_n < n) {
		const json_t *one =
		    json_is_array(list) ? json_array_get(list, row->defaults_n) : list;

		if (!json_is_string(one))
			return bh_fail(err, BH_INVALID, "default is a template or a list of them");
		if (template_new(json_string_value(one), kind, &row->defaults[row->defaults_n],
			err) < 0)
			return bh_during(err, "default");
		row->defaults_n++;
	}
	return 0;
}

/* The type of what the sources give, before the transform. */
static enum field_type
source_type(const struct row *row)
{
	if (row->is_list)
		return FIELD_JSON;
	if (row->sources_n == 0 || row->sources[0].template != NULL)
		return FIELD_TEXT;
	return reference_type(&row->sources[0].ref);
}

static int
parse_transform(struct row *row, struct bh_err *err)
{
	const json_t *as = json_object_get(row->json, "as");
	const char *name = json_string_value(as);

	if (as != NULL && name == NULL)
		return bh_fail(err, BH_INVALID, "as is the name of a transform");
	if (name == NULL)
		name = row->constant != NULL ? "const"
		       : row->is_list        ? "join"
		       : json_object_get(row->json, "enum") != NULL
			   ? "enum"
			   : transform_for(source_type(row))->name;
	row->as = transform_find(name, strlen(name));
	if (row->as == NULL)
		return bh_fail(err, BH_INVALID, "unknown transform '%.60s'", name);
	if (row->constant != NULL)
		return row->as->takes == 0 ? 0
					   : bh_fail(err, BH_INVALID, "value goes with const only");
	if (!can_transform(row->as, source_type(row)) || row->as->takes == 0)
		return bh_fail(err, BH_INVALID, "%s does not take %s", row->as->name,
		    map_type_name(source_type(row)));
	return 0;
}

static int
parse(struct row *row, enum object_kind kind, struct bh_err *err)
{
	row->to = bh_json_str(row->json, "to");
	if (row->to == NULL || *row->to == '\0' || strlen(row->to) > TO_BYTES)
		return bh_fail(err, BH_INVALID, "to is the name of a CRM field");
	if (check_members(row->json, err) < 0 || parse_words(row, err) < 0 ||
	    check_on(json_object_get(row->json, "on"), err) < 0 ||
	    check_enum(json_object_get(row->json, "enum"), err) < 0)
		return -1;
	row->constant = json_object_get(row->json, "value");
	if (row->constant != NULL && json_object_get(row->json, "from") != NULL)
		return bh_fail(err, BH_INVALID, "it has both from and value");
	if (json_is_object(row->constant) || json_is_array(row->constant) ||
	    json_is_real(row->constant))
		return bh_fail(err, BH_INVALID,
		    "value is a text, a whole number, true, false or null");
	if (row->constant == NULL && parse_sources(row, kind, err) < 0)
		return -1;
	if (parse_transform(row, err) < 0)
		return -1;
	return parse_defaults(row, kind, err);
}

int
row_new(const json_t *json, enum object_kind kind, struct row **row_r, struct bh_err *err)
{
	*row_r = bh_xcalloc(1, sizeof(**row_r));
	(*row_r)->json = json;
	if (parse(*row_r, kind, err) == 0)
		return 0;
	row_free(row_r);
	return -1;
}

void
row_free(struct row **row)
{
	if (*row == NULL)
		return;
	for (size_t i = 0; i < (*row)->sources_n; i++)
		template_free(&(*row)->sources[i].template);
	for (size_t i = 0; i < (*row)->defaults_n; i++)
		template_free(&(*row)->defaults[i]);
	free((*row)->sources);
	free(*row);
	*row = NULL;
}

static bool
is_on(const json_t *on, const char *object)
{
	for (size_t i = 0; i < json_array_size(on); i++) {
		if (is_word(json_array_get(on, i), object))
			return true;
	}
	return on == NULL || is_word(on, object);
}

bool
is_row_written(const struct row *row, const char *object)
{
	return row->when != NEVER &&
	       (object == NULL || is_on(json_object_get(row->json, "on"), object));
}

bool
is_row_shared(const struct row *row)
{
	return row->when != RECORD_ALWAYS && row->when != NEVER;
}

const char *
row_to(const struct row *row)
{
	return row->to;
}

enum field_type
row_gives(const struct row *row)
{
	return row->as->gives;
}

bool
is_row_clash(const struct row *a, const struct row *b)
{
	const json_t *a_on = json_object_get(a->json, "on"), *b_on = json_object_get(b->json, "on");

	if (strcmp(a->to, b->to) != 0)
		return false;
	return a_on == NULL || b_on == NULL || json_equal(a_on, b_on);
}

static int
read_source(const struct source *source, const struct reference_view *view, struct map_value *value,
    struct bh_err *err)
{
	if (source->template != NULL)
		return template_render(source->template, view, value, err);
	reference_read(&source->ref, view, value);
	return 0;
}

/* A list of texts; absent when the source knows none of them. */
static int
read_list(const struct row *row, const struct reference_view *view, struct map_value *value,
    struct bh_err *err)
{
	struct map_value one = MAP_VALUE_ABSENT;
	json_t *list = json_array();
	bool known = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < row->sources_n; i++) {
		rc = read_source(&row->sources[i], view, &one, err);
		known = known || one.json != NULL;
		if (rc == 0 && !is_map_value_empty(&one))
			json_array_append_new(list, map_value_text(&one));
		map_value_release(&one);
	}
	if (rc == 0 && known)
		map_value_take(value, json_incref(list), FIELD_JSON);
	json_decref(list);
	return rc;
}

static int
read_value(const struct row *row, const struct reference_view *view, struct map_value *value,
    struct bh_err *err)
{
	if (row->constant != NULL) {
		/* Counting references does not change the mapping. */
		map_value_take(value, json_incref((json_t *)(uintptr_t)row->constant),
		    json_is_boolean(row->constant)   ? FIELD_BOOL
		    : json_is_integer(row->constant) ? FIELD_INT
						     : FIELD_TEXT);
		return 0;
	}
	if ((row->is_list ? read_list(row, view, value, err)
			  : read_source(&row->sources[0], view, value, err)) < 0)
		return -1;
	return transform_apply(row->as, value, row->json, err);
}

static int
apply_defaults(const struct row *row, const struct reference_view *view, struct map_value *value,
    struct bh_err *err)
{
	struct map_value other = MAP_VALUE_ABSENT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && is_map_value_empty(value) && i < row->defaults_n; i++) {
		rc = template_render(row->defaults[i], view, &other, err);
		if (rc == 0 && !is_map_value_empty(&other))
			map_value_take(value, json_incref(other.json),
			    row->as->gives == FIELD_URL || row->as->gives == FIELD_EMAIL
				? row->as->gives
				: FIELD_TEXT);
		map_value_release(&other);
	}
	return rc;
}

int
row_render(const struct row *row, const struct reference_view *view,
    const struct map_context *context, struct record *record, struct bh_err *err)
{
	struct map_value value = MAP_VALUE_ABSENT;
	struct map_limit limit = {.scale = -1};
	int rc = 0;

	if (!is_row_written(row, record->object))
		return 0;
	if (read_value(row, view, &value, err) < 0 || apply_defaults(row, view, &value, err) < 0) {
		map_value_release(&value);
		return -1;
	}
	if (context->is_described == NULL ||
	    !context->is_described(context->arg, record->object, row->to, &limit)) {
		limit = (struct map_limit){.scale = -1};
		limit.type = fit_type(row->as->gives != FIELD_NONE ? row->as->gives : value.type);
	}
	if (value.json != NULL)
		rc = fit_value(&value, &limit, err);
	if (rc == 0 && value.json != NULL && !(row->keeps && json_is_null(value.json))) {
		record_take_field(record, row->to, limit.type, json_incref(value.json));
		record->fields[record->fields_n - 1].when = (enum record_when)row->when;
	}
	map_value_release(&value);
	return rc;
}
