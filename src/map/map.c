/*
 * Mappings: see map.h.  This file knows objects, parents, keys and settings;
 * rows stand in row.c, what is in them in template.c, transform.c, filter.c
 * and reference.c, and what the CRM allows in fit.c.
 */
#include "base/base.h"

#include "map/map.h"

#include "map/filter.h"
#include "map/match.h"
#include "map/row.h"
#include "map/template.h"

#define OBJECTS 64
#define ROWS 500
#define PARENTS 8
#define NAME_BYTES 255
#define KEY_BYTES 1024
#define ID_MAX 255         /* bytes in an id that an object can have */
#define OBJECT_NAME_MAX 60 /* bytes in a mapped object's name: it is part of keys of the store */

struct parent {
	size_t index; /* of the mapped object; while parsing, into the mapping's list */
	struct reference id;
	const char *to; /* borrowed from the mapping */
};

struct object {
	struct map_object shown; /* texts borrowed from the mapping */
	struct filter *filter;   /* NULL: all objects */
	struct match *match;     /* NULL: it is known by its key alone */
	struct template *key;    /* NULL: the id is the key */
	struct row **rows;
	size_t rows_n;
	struct parent parents[PARENTS];
	size_t parents_n;
};

struct map {
	json_t *json; /* our copy; everything else borrows from it */
	struct object *objects;
	struct map_object *shown;
	size_t n;
	map_fault_fn *tell; /* NULL: the first fault ends it */
	void *tell_arg;
	bool is_faulty; /* something was told */
};

/* May it go on behind this fault?  Then it was told; row MAP_NO_PLACE: of the object itself. */
static bool
is_told(struct map *map, size_t index, size_t row, const char *to, const struct bh_err *why)
{
	struct bh_err all = BH_ERR_INIT;

	if (map->tell == NULL)
		return false;
	map->is_faulty = true;
	bh_fail(&all, BH_INVALID, "%.60s: %.80s%s%s", map->objects[index].shown.name, to,
	    *to != '\0' ? ": " : "", why->text);
	map->tell(map->tell_arg, index, row, all.text);
	return true;
}

static int
check_members(const json_t *json, const char *const *members, size_t n, struct bh_err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)json, name, value) {
		size_t i = 0;

		while (i < n && strcmp(members[i], name) != 0)
			i++;
		if (i == n)
			return bh_fail(err, BH_INVALID, "unknown member '%.60s'", name);
	}
	return 0;
}

static int
parse_text(const json_t *json, const char *member, const char **text_r, struct bh_err *err)
{
	*text_r = bh_json_str(json, member);
	if (*text_r == NULL || **text_r == '\0' || strlen(*text_r) > NAME_BYTES)
		return bh_fail(err, BH_INVALID, "%s is a text of 1 to %d bytes", member,
		    NAME_BYTES);
	return 0;
}

static int
parse_row(const json_t *json, const struct object *object, struct row **row_r, struct bh_err *err)
{
	int rc = row_new(json, object->shown.from, row_r, err);

	for (size_t i = 0; rc == 0 && i < object->rows_n; i++)
		if (is_row_clash(object->rows[i], *row_r))
			rc = bh_fail(err, BH_INVALID, "a field before it writes it already");
	if (rc == 0 && strcmp(row_to(*row_r), object->shown.key) == 0)
		rc = bh_fail(err, BH_INVALID, "the key is written by itself");
	if (rc < 0)
		row_free(row_r);
	return rc;
}

static int
parse_rows(struct map *map, const json_t *list, struct object *object, struct bh_err *err)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > ROWS)
		return bh_fail(err, BH_INVALID, "fields is a list of at most %d", ROWS);
	object->rows = bh_xcalloc(n, sizeof(struct row *));
	for (size_t i = 0; i < n; i++) {
		const json_t *json = json_array_get(list, i);
		const char *to = bh_json_str(json, "to");

		if (to == NULL)
			to = "?";
		if (parse_row(json, object, &object->rows[object->rows_n], err) == 0)
			object->rows_n++;
		else if (!is_told(map, (size_t)(object - map->objects), i, to, err))
			return bh_during(err, "field %zu (%.80s)", i + 1, to);
	}
	return 0;
}

/* Braces in "to" must hold the name of a setting. */
static int
check_to(const char *to, struct bh_err *err)
{
	const char *s = to;

	while ((s = strpbrk(s, "{}")) != NULL) {
		size_t len = strcspn(s + 1, "{}");

		if (*s == '}' || s[1 + len] != '}' || len == 0)
			return bh_fail(err, BH_INVALID, "to: a brace is not closed");
		s += len + 2;
	}
	return 0;
}

/* Which record it is, and what is done where there is none. */
static int
parse_existence(const json_t *json, struct object *object, struct bh_err *err)
{
	static const char *const names[] = {"yes", "no", "wait"};
	const json_t *create = json_object_get(json, "create"),
		     *key = json_object_get(json, "key_from");
	size_t i = 0;

	if (match_new(json_object_get(json, "match"), object->shown.from, &object->match, err) < 0)
		return -1;
	object->shown.has_match = has_match_rules(object->match);
	object->shown.is_urgent = bh_is_json_true(json, "urgent");
	while (create != NULL && i < BH_LEN(names) &&
	       (!json_is_string(create) || strcmp(json_string_value(create), names[i]) != 0))
		i++;
	if (i == BH_LEN(names))
		return bh_fail(err, BH_INVALID, "create is yes, no or wait");
	object->shown.create = (enum map_create)i;
	if (i != MAP_CREATE && !object->shown.has_match)
		return bh_fail(err, BH_INVALID, "create %s needs rules to match by", names[i]);
	if (key == NULL)
		return 0;
	if (!json_is_string(key))
		return bh_fail(err, BH_INVALID, "key_from is a template");
	if (template_new(json_string_value(key), object->shown.from, &object->key, err) < 0)
		return bh_during(err, "key_from");
	return 0;
}

static int
parse_object(struct map *map, const json_t *json, struct object *object, struct bh_err *err)
{
	static const char *const members[] = {"name", "from", "to", "key", "parents", "if",
	    "fields", "match", "create", "key_from", "urgent"};
	const char *from;

	if (parse_text(json, "from", &from, err) < 0 ||
	    check_members(json, members, BH_LEN(members), err) < 0 ||
	    parse_text(json, "to", &object->shown.to, err) < 0 ||
	    parse_text(json, "key", &object->shown.key, err) < 0 ||
	    check_to(object->shown.to, err) < 0)
		return -1;
	object->shown.from = object_kind_of(from);
	if (object->shown.from == OBJECT_NONE)
		return bh_fail(err, BH_INVALID, "from: there is no kind '%.60s'", from);
	if (parse_existence(json, object, err) < 0)
		return -1;
	if (json_object_get(json, "if") != NULL &&
	    filter_new(json_object_get(json, "if"), object->shown.from, &object->filter, err) < 0)
		return -1;
	if (parse_rows(map, json_object_get(json, "fields"), object, err) < 0)
		return -1;
	for (size_t i = 0; i < object->rows_n; i++)
		object->shown.has_shared |= is_row_shared(object->rows[i]);
	return 0;
}

static int
find_object(const struct map *map, const char *name, size_t *index_r)
{
	for (*index_r = 0; *index_r < map->n; ++*index_r) {
		if (strcmp(map->objects[*index_r].shown.name, name) == 0)
			return 0;
	}
	return -1;
}

static int
parse_parent(const struct map *map, const json_t *json, enum object_kind kind,
    struct parent *parent, struct bh_err *err)
{
	static const char *const members[] = {"object", "id", "to"};
	const char *name, *id;
	const json_t *to = json_object_get(json, "to");

	if (parse_text(json, "object", &name, err) < 0 || parse_text(json, "id", &id, err) < 0 ||
	    check_members(json, members, BH_LEN(members), err) < 0)
		return -1;
	if (to != NULL && !json_is_string(to))
		return bh_fail(err, BH_INVALID, "to is a lookup field or a label");
	parent->to = to != NULL ? json_string_value(to) : "";
	if (find_object(map, name, &parent->index) < 0)
		return bh_fail(err, BH_INVALID, "there is no object '%.60s'", name);
	if (reference_parse(id, strlen(id), kind, &parent->id, err) < 0)
		return -1;
	/* "id": both are made of the same object. */
	if (parent->id.field == NULL ? parent->id.name != 'i'
				     : parent->id.field->type != FIELD_TEXT)
		return bh_fail(err, BH_INVALID, "'%.60s' holds no id", id);
	return 0;
}

static int
parse_parents(const struct map *map, const json_t *list, struct object *object, struct bh_err *err)
{
	size_t n = json_array_size(list);

	if (list == NULL)
		return 0;
	if (!json_is_array(list) || n > PARENTS)
		return bh_fail(err, BH_INVALID, "parents is a list of at most %d", PARENTS);
	for (; object->parents_n < n; object->parents_n++) {
		if (parse_parent(map, json_array_get(list, object->parents_n), object->shown.from,
			&object->parents[object->parents_n], err) < 0)
			return bh_during(err, "parent %zu", object->parents_n + 1);
	}
	return 0;
}

/* One step of ranking; true when a rank rose. */
static bool
has_rank_risen(struct map *map)
{
	bool risen = false;

	for (size_t i = 0; i < map->n; i++) {
		struct object *object = &map->objects[i];

		for (size_t p = 0; p < object->parents_n; p++) {
			int above = map->objects[object->parents[p].index].shown.rank;

			if (object->shown.rank <= above) {
				object->shown.rank = above + 1;
				risen = true;
			}
		}
	}
	return risen;
}

/* Bring the objects into parent order, and the parents' indexes with them. */
static void
sort_objects(struct map *map)
{
	struct object *sorted = bh_xcalloc(map->n, sizeof(sorted[0]));
	size_t *moved = bh_xcalloc(map->n, sizeof(moved[0]));
	size_t n = 0;

	for (int rank = 0; n < map->n; rank++) {
		for (size_t i = 0; i < map->n; i++) {
			if (map->objects[i].shown.rank == rank) {
				moved[i] = n;
				sorted[n++] = map->objects[i];
			}
		}
	}
	for (size_t i = 0; i < n; i++) {
		for (size_t p = 0; p < sorted[i].parents_n; p++)
			sorted[i].parents[p].index = moved[sorted[i].parents[p].index];
	}
	free(moved);
	free(map->objects);
	map->objects = sorted;
}

static int
order_objects(struct map *map, struct bh_err *err)
{
	size_t rounds = 0;

	while (has_rank_risen(map)) {
		if (++rounds > map->n)
			return bh_fail(err, BH_INVALID, "an object is its own parent");
	}
	sort_objects(map);
	map->shown = bh_xcalloc(map->n, sizeof(map->shown[0]));
	for (size_t i = 0; i < map->n; i++)
		map->shown[i] = map->objects[i].shown;
	return 0;
}

static int
parse_objects(struct map *map, const json_t *list, struct bh_err *err)
{
	size_t n = json_array_size(list), twin;

	if (!json_is_array(list) || n > OBJECTS)
		return bh_fail(err, BH_INVALID, "objects is a list of at most %d", OBJECTS);
	map->objects = bh_xcalloc(n, sizeof(map->objects[0]));
	for (; map->n < n; map->n++) {
		const json_t *json = json_array_get(list, map->n);
		struct object *object = &map->objects[map->n];

		if (parse_text(json, "name", &object->shown.name, err) < 0)
			return bh_during(err, "object %zu", map->n + 1);
		if (strlen(object->shown.name) > OBJECT_NAME_MAX)
			return bh_fail(err, BH_INVALID,
			    "the name of object %zu is longer than %d bytes", map->n + 1,
			    OBJECT_NAME_MAX);
		if (find_object(map, object->shown.name, &twin) == 0)
			return bh_fail(err, BH_INVALID, "two objects are named '%.60s'",
			    object->shown.name);
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *json = json_array_get(list, i);
		struct object *object = &map->objects[i];

		if ((parse_object(map, json, object, err) < 0 ||
			parse_parents(map, json_object_get(json, "parents"), object, err) < 0) &&
		    !is_told(map, i, MAP_NO_PLACE, "", err))
			return bh_during(err, "%.80s", object->shown.name);
	}
	return map->is_faulty ? 0 : order_objects(map, err);
}

static int
parse_map(struct map *map, struct bh_err *err)
{
	static const char *const members[] = {"name", "title", "description", "source", "dest",
	    "settings", "prefix", "objects"};
	const json_t *settings = json_object_get(map->json, "settings");
	const json_t *prefix = json_object_get(map->json, "prefix");

	if (!json_is_object(map->json))
		return bh_fail(err, BH_INVALID, "a mapping is a JSON object");
	if (check_members(map->json, members, BH_LEN(members), err) < 0)
		return -1;
	if (settings != NULL && !json_is_object(settings))
		return bh_fail(err, BH_INVALID, "settings is an object of texts");
	if (prefix != NULL && (!json_is_string(prefix) || json_string_length(prefix) > NAME_BYTES))
		return bh_fail(err, BH_INVALID, "prefix is a text");
	return parse_objects(map, json_object_get(map->json, "objects"), err);
}

int
map_new(const json_t *mapping, struct map **map_r, struct bh_err *err)
{
	struct map *map = bh_xcalloc(1, sizeof(*map));

	*map_r = NULL;
	map->json = json_deep_copy(mapping);
	if (parse_map(map, err) < 0) {
		map_free(&map);
		return -1;
	}
	*map_r = map;
	return 0;
}

void
map_faults(const json_t *mapping, map_fault_fn *tell, void *arg)
{
	struct map *map = bh_xcalloc(1, sizeof(*map));
	struct bh_err why = BH_ERR_INIT;

	map->json = json_deep_copy(mapping);
	map->tell = tell;
	map->tell_arg = arg;
	if (parse_map(map, &why) < 0)
		tell(arg, MAP_NO_PLACE, MAP_NO_PLACE, why.text);
	map_free(&map);
}

void
map_free(struct map **map)
{
	struct map *m = *map;

	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++) {
		filter_free(&m->objects[i].filter);
		match_free(&m->objects[i].match);
		template_free(&m->objects[i].key);
		for (size_t row = 0; row < m->objects[i].rows_n; row++)
			row_free(&m->objects[i].rows[row]);
		free(m->objects[i].rows);
	}
	free(m->objects);
	free(m->shown);
	json_decref(m->json);
	free(m);
	*map = NULL;
}

size_t
map_objects(const struct map *map, const struct map_object **objects_r)
{
	*objects_r = map->shown;
	return map->n;
}

void
map_key(struct bh_buf *out, const char *key_prefix, const char *account, const char *id)
{
	if (*key_prefix != '\0')
		bh_buf_addf(out, "%s:", key_prefix);
	if (account != NULL && *account != '\0')
		bh_buf_addf(out, "%s/", account);
	bh_buf_adds(out, id);
}

static const char *
find_setting(const struct map *map, const json_t *settings, const char *name)
{
	const char *value = json_string_value(json_object_get(settings, name));

	if (value == NULL || *value == '\0')
		value = json_string_value(
		    json_object_get(json_object_get(map->json, "settings"), name));
	return value != NULL && *value != '\0' ? value : NULL;
}

int
map_object_to(const struct map *map, size_t index, const json_t *settings, struct bh_buf *out,
    struct bh_err *err)
{
	const char *s = map->objects[index].shown.to, *value;
	char name[NAME_BYTES + 1];

	while (*s != '\0') {
		size_t len = strcspn(s, "{");

		bh_buf_add(out, s, len);
		s += len;
		if (*s == '\0')
			break;
		len = strcspn(++s, "}");
		memcpy(name, s, len);
		name[len] = '\0';
		value = find_setting(map, settings, name);
		if (value == NULL)
			return bh_fail(err, BH_INVALID, "%s: the setting %s is not set",
			    map->objects[index].shown.name, name);
		bh_buf_adds(out, value);
		s += len + 1;
	}
	return bh_buf_check(out, "the name of the CRM object", err);
}

static const char *
key_prefix(const struct map *map, const struct map_context *context)
{
	const char *own = json_string_value(json_object_get(map->json, "prefix"));

	if (own != NULL)
		return own;
	return context->key_prefix != NULL ? context->key_prefix : "";
}

/*
 * The key of an object as seen by view, whose id is id: 1; 0 its template gives nothing; -1.
 */
static int
render_key(const struct map *map, const struct object *object, const struct reference_view *view,
    const struct map_context *context, const char *id, struct bh_buf *key, struct bh_err *err)
{
	struct map_value value = MAP_VALUE_ABSENT;
	int rc = 1;

	if (object->key == NULL) {
		map_key(key, key_prefix(map, context), view->account, id);
		return bh_buf_check(key, "the key", err) < 0 ? -1 : 1;
	}
	if (template_render(object->key, view, &value, err) < 0)
		rc = bh_during(err, "key_from");
	else if (is_map_value_empty(&value))
		rc = 0;
	else
		map_key(key, key_prefix(map, context), "", json_string_value(value.json));
	map_value_release(&value);
	if (rc == 1 && bh_buf_check(key, "the key", err) < 0)
		rc = -1;
	return rc;
}

/*
 * What a parent's own template sees: the object itself where both are of one
 * kind, else the object's customer.
 */
static struct reference_view
parent_view(const struct map *map, const struct parent *parent, enum object_kind kind,
    const struct reference_view *view, const char *id)
{
	struct reference_view seen = *view;

	seen.id = id;
	if (map->objects[parent->index].shown.from != kind) {
		seen.object = view->customer;
		seen.customer = NULL;
	}
	return seen;
}

/* What its own filter leaves out is nobody's parent, as far as the filter can be asked here. */
static bool
is_left_out(const struct object *above, enum object_kind kind, const struct reference_view *seen)
{
	bool is_seen = above->shown.from == kind || above->shown.from == OBJECT_CUSTOMER;

	return above->filter != NULL && is_seen && !is_filter_passed(above->filter, seen);
}

static int
render_parent(const struct map *map, const struct parent *parent, enum object_kind kind,
    const struct reference_view *view, const struct map_context *context, struct record *record,
    struct bh_err *err)
{
	const struct object *above = &map->objects[parent->index];
	struct bh_buf object = BH_BUF_INIT(KEY_BYTES), key = BH_BUF_INIT(KEY_BYTES);
	struct map_value id = MAP_VALUE_ABSENT;
	int rc = 0;

	reference_read(&parent->id, view, &id);
	if (!is_map_value_empty(&id) && json_is_string(id.json)) {
		const char *text = json_string_value(id.json);
		struct reference_view seen = parent_view(map, parent, kind, view, text);

		if (json_string_length(id.json) > ID_MAX)
			rc = bh_fail(err, BH_INVALID, "the parent's id is longer than %d bytes",
			    ID_MAX);
		if (rc == 0)
			rc = map_object_to(map, parent->index, context->settings, &object, err);
		if (rc == 0 && !is_left_out(above, kind, &seen))
			rc = render_key(map, above, &seen, context, text, &key, err);
		if (rc > 0) {
			struct record_parent *added = record_add_parent(record, parent->to,
			    bh_buf_str(&object), above->shown.key, bh_buf_str(&key));

			added->mapped = parent->index;
			added->source_id = bh_xstrdup(text);
		}
	}
	map_value_release(&id);
	bh_buf_release(&object);
	bh_buf_release(&key);
	return rc < 0 ? -1 : 0;
}

static int
render_into(const struct map *map, const struct object *object, const struct reference_view *view,
    const struct map_context *context, struct record *record, struct bh_err *err)
{
	for (size_t i = 0; i < object->rows_n; i++) {
		if (row_render(object->rows[i], view, context, record, err) < 0)
			return bh_during(err, "%s: field %zu (%s)", object->shown.name, i + 1,
			    row_to(object->rows[i]));
	}
	for (size_t i = 0; i < object->parents_n; i++) {
		if (render_parent(map, &object->parents[i], object->shown.from, view, context,
			record, err) < 0)
			return -1;
	}
	return 0;
}

int
map_render(const struct map *map, size_t index, const char *id, const json_t *object,
    const struct map_context *context, enum map_verdict *verdict_r, struct record **record_r,
    struct bh_err *err)
{
	const struct object *mapped = &map->objects[index];
	struct bh_buf to = BH_BUF_INIT(KEY_BYTES), key = BH_BUF_INIT(KEY_BYTES);
	struct reference_view view = {object, context->customer, id, NULL, context->account};
	int rc;

	*record_r = NULL;
	*verdict_r = MAP_RENDERED;
	rc = render_key(map, mapped, &view, context, id, &key, err);
	view.key = bh_buf_str(&key);
	if (rc == 0 ||
	    (rc > 0 && mapped->filter != NULL && !is_filter_passed(mapped->filter, &view))) {
		*verdict_r = MAP_FILTERED;
		bh_buf_release(&key);
		return 0;
	}
	if (rc > 0)
		rc = map_object_to(map, index, context->settings, &to, err);
	if (rc == 0) {
		*record_r = record_new(bh_buf_str(&to), mapped->shown.key, view.key);
		rc = render_into(map, mapped, &view, context, *record_r, err);
	}
	if (rc < 0)
		record_free(record_r);
	bh_buf_release(&to);
	bh_buf_release(&key);
	return rc;
}

void
map_questions(const struct map *map, size_t index, const char *id, const json_t *object,
    const struct map_context *context, struct map_questions *questions)
{
	const struct object *mapped = &map->objects[index];
	struct reference_view view = {object, context->customer, id, "", context->account};
	struct bh_buf to = BH_BUF_INIT(KEY_BYTES);

	memset(questions, 0, sizeof(*questions));
	if (map_object_to(map, index, context->settings, &to, NULL) == 0)
		match_questions(mapped->match, bh_buf_str(&to), &view, context, questions);
	bh_buf_release(&to);
}

static bool
is_listed(const json_t *list, const char *text)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
			return true;
	return false;
}

json_t *
map_fields(const struct map *map, size_t index, const char *to)
{
	const struct object *object = &map->objects[index];
	json_t *list = json_array();

	for (size_t i = 0; i < object->rows_n; i++)
		if (is_row_written(object->rows[i], to) &&
		    !is_listed(list, row_to(object->rows[i])))
			json_array_append_new(list, json_string(row_to(object->rows[i])));
	return list;
}

bool
is_map_below(const struct map *map, size_t index, size_t parent)
{
	const struct object *object = &map->objects[index];

	for (size_t i = 0; i < object->parents_n; i++)
		if (object->parents[i].index == parent)
			return true;
	return false;
}

json_t *
map_lookups(const struct map *map, size_t index)
{
	const struct object *object = &map->objects[index];
	json_t *list = json_array();

	for (size_t i = 0; i < object->parents_n; i++)
		if (object->parents[i].to[0] != '\0')
			json_array_append_new(list,
			    json_pack("{s:s, s:I}", "to", object->parents[i].to, "object",
				(json_int_t)object->parents[i].index));
	return list;
}
