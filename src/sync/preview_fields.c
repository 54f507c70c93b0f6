/* What becomes of each field: see preview.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "sync/conflict.h"
#include "sync/held.h"
#include "sync/preview_internal.h"

#define FIELDS_MAX 300

/* A record as the mapping makes it, before anything is left out of it. */
struct whole {
	struct record_field *fields; /* names are borrowed from names; values are owned */
	json_t *names;
	size_t n;
};

static void
keep_whole(struct whole *whole, const struct record *record)
{
	whole->names = json_array();
	whole->n = record != NULL ? record->fields_n : 0;
	whole->fields = bh_xcalloc(whole->n + 1, sizeof(whole->fields[0]));
	for (size_t i = 0; i < whole->n; i++) {
		json_array_append_new(whole->names, json_string(record->fields[i].name));
		whole->fields[i] = record->fields[i];
		whole->fields[i].name =
		    (char *)(uintptr_t)json_string_value(json_array_get(whole->names, i));
		json_incref(whole->fields[i].value);
	}
}

static void
release_whole(struct whole *whole)
{
	for (size_t i = 0; i < whole->n; i++)
		json_decref(whole->fields[i].value);
	free(whole->fields);
	json_decref(whole->names);
}

static const struct record_field *
whole_field(const struct whole *whole, const char *name)
{
	for (size_t i = 0; i < whole->n; i++)
		if (strcmp(whole->fields[i].name, name) == 0)
			return &whole->fields[i];
	return NULL;
}

/* -- the mapping's rows -- */

static const json_t *
mapped_json(const struct preview_work *work, size_t place)
{
	const struct map_object *objects;
	json_t *object;
	size_t i;

	map_objects(work->sync->map, &objects);
	json_array_foreach (json_object_get(work->mapping, "objects"), i, object)
		if (strcmp(bh_json_str(object, "name"), objects[place].name) == 0)
			return object;
	return NULL;
}

/* Is the row one of this object of the CRM, and ever written? */
static bool
is_row_there(const json_t *row, const char *to)
{
	const json_t *on = json_object_get(row, "on");
	const char *when = bh_json_str(row, "when");
	bool is_on = on == NULL || (json_is_string(on) && strcmp(json_string_value(on), to) == 0);

	for (size_t i = 0; i < json_array_size(on) && !is_on; i++) {
		const char *name = json_string_value(json_array_get(on, i));

		is_on = name != NULL && strcmp(name, to) == 0;
	}
	return is_on && (when == NULL || strcmp(when, "never") != 0);
}

/* Where the row's value comes from, as it is written. */
static json_t *
from_text(const json_t *row)
{
	const json_t *from = json_object_get(row, "from"), *value = json_object_get(row, "value");
	struct bh_buf text = BH_BUF_INIT(4096);
	json_t *json;

	if (json_is_string(from))
		bh_buf_adds(&text, json_string_value(from));
	for (size_t i = 0; i < json_array_size(from); i++) {
		const char *one = json_string_value(json_array_get(from, i));

		bh_buf_addf(&text, "%s%s", i > 0 ? ", " : "", one != NULL ? one : "");
	}
	if (value != NULL)
		bh_buf_adds(&text, "always the same");
	json = bh_json_string(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

/* -- values -- */

static bool
is_empty(const json_t *value)
{
	return value == NULL || json_is_null(value) ||
	       (json_is_string(value) && json_string_length(value) == 0);
}

/* -- one field -- */

struct outcome {
	const char *state, *why;
	bool is_kept; /* the CRM's value stays */
};

static struct outcome
judge_left(enum conflict_left left, bool is_same)
{
	switch (left) {
	case CONFLICT_CREATED:
		return (struct outcome){"stays", "written on create only: stays", true};
	case CONFLICT_UNSEEN:
		return (struct outcome){"stays",
		    "the connection's user may not read it, so it is left alone", true};
	case CONFLICT_OCCUPIED:
		return (struct outcome){"stays", "not empty: stays", true};
	case CONFLICT_CHANGED:
		return (struct outcome){"stays", "a person changed it: stays", true};
	case CONFLICT_SAME:
	case CONFLICT_WRITTEN:
		break;
	}
	return is_same
		   ? (struct outcome){"same", "Billhook wrote this before", true}
		   : (struct outcome){"stays",
			 "billing has not changed since Billhook wrote it: what stands there stays",
			 true};
}

static const char *
rule_text(enum record_when when)
{
	switch (when) {
	case RECORD_IF_EMPTY:
		return "only while it is empty or holds what Billhook wrote";
	case RECORD_IF_UNCHANGED:
		return "until a person changes it";
	case RECORD_ON_CREATE:
		return "on create only";
	case RECORD_ALWAYS:
		break;
	}
	return "billing decides";
}

/* now: what the CRM holds; NULL: nobody knows, or there is no record. */
static struct outcome
judge_written(const struct record_field *field, const json_t *now, bool is_unchanged)
{
	bool is_same = is_held_alike(field->type, now, field->value);

	if (is_unchanged)
		return judge_left(CONFLICT_SAME, is_same || now == NULL);
	if (is_same)
		return (struct outcome){"same",
		    is_empty(now) ? "empty on both sides" : "it is there already", false};
	if (is_empty(field->value))
		return (struct outcome){is_empty(now) ? "same" : "clear", rule_text(field->when),
		    false};
	return (struct outcome){is_empty(now) ? "set" : "change", rule_text(field->when), false};
}

struct telling {
	const struct preview_work *work;
	const struct render_item *item;
	const struct whole *whole;
	const struct dest_object *described; /* NULL */
	const json_t *values;                /* of the record that is there; NULL */
	bool is_unchanged;
	json_t *fields;
};

static const char *
label_of(const struct telling *t, const char *name)
{
	const struct dest_field *field =
	    t->described != NULL ? dest_object_field(t->described, name) : NULL;

	return field != NULL && field->label != NULL ? field->label : "";
}

static void
tell_row(const struct telling *t, const json_t *row)
{
	const char *to = bh_json_str(row, "to"), *as = bh_json_str(row, "as");
	const struct record_field *field = whole_field(t->whole, to);
	const json_t *now = json_object_get(t->values, to),
		     *left = json_object_get(t->item->left, to);
	struct outcome outcome = {"none", "the billing system tells no value: left as it is", true};

	if (field != NULL && left != NULL)
		outcome = judge_left((enum conflict_left)json_integer_value(left),
		    is_held_alike(field->type, now, field->value));
	else if (field != NULL)
		outcome = judge_written(field, now, t->is_unchanged);
	if (t->described != NULL && dest_object_field(t->described, to) == NULL)
		outcome =
		    (struct outcome){"none", "the CRM has no such field: install it first", true};
	json_array_append_new(t->fields,
	    json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:s}", "to", bh_json_string(to),
		"label", bh_json_string(label_of(t, to)), "from", from_text(row), "as",
		as != NULL ? as : "", "now", held_shown(now), "then",
		held_shown(outcome.is_kept || field == NULL ? now : field->value), "value",
		held_shown(field != NULL ? field->value : NULL), "state", outcome.state, "why",
		outcome.why));
}

static void
tell_parent(const struct telling *t, const struct record_parent *parent)
{
	const char *why = parent->remote_id != NULL ? "the record above it"
						    : "the record above it, which is made first";

	json_array_append_new(t->fields,
	    json_pack("{s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:s, s:s}", "to",
		bh_json_string(parent->field[0] != '\0' ? parent->field : parent->object), "label",
		bh_json_string(label_of(t, parent->field)), "from", bh_json_string(parent->object),
		"as", "", "now", "", "then",
		bh_json_string(parent->remote_id != NULL ? parent->remote_id : parent->key),
		"value", bh_json_string(parent->key), "state", "link", "why", why));
}

static json_t *
tell_fields(const struct telling *t, const json_t *mapped)
{
	const struct record *record = t->item->record;
	json_t *row;
	size_t i;

	if (record == NULL)
		return t->fields;
	json_array_foreach (json_object_get(mapped, "fields"), i, row)
		if (is_row_there(row, record->object) && json_array_size(t->fields) < FIELDS_MAX)
			tell_row(t, row);
	for (i = 0; i < record->parents_n; i++)
		tell_parent(t, &record->parents[i]);
	return t->fields;
}

/* -- reading -- */

/* The fields that may be asked for: one that the CRM does not have fails the whole call. */
static const char **
names_of(const struct dest_object *described, const json_t *mapped, const char *to, size_t *n_r)
{
	const json_t *rows = json_object_get(mapped, "fields");
	const char **names = bh_xcalloc(json_array_size(rows) + 1, sizeof(names[0]));
	json_t *row;
	size_t i;

	*n_r = 0;
	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		const char *name = bh_json_str(row, "to");
		bool is_there = is_row_there(row, to) &&
				(described == NULL || dest_object_field(described, name) != NULL);

		for (size_t k = 0; k < *n_r; k++)
			is_there = is_there && strcmp(names[k], name) != 0;
		if (is_there)
			names[(*n_r)++] = name;
	}
	return names;
}

static bool
is_there(const struct render_item *item)
{
	return item->record != NULL && item->record->remote_id != NULL &&
	       item->record->remote_id[0] != '\0';
}

/* values: of each of n items, NULL where it has no record or it is gone; unread: why none could be read. */
static int
read_values(struct preview_work *work, const struct render_item *items, size_t n,
    const json_t *mapped, json_t **values, char *unread, size_t unread_size, struct bh_err *err)
{
	struct dest_reading *readings = bh_xcalloc(n + 1, sizeof(readings[0]));
	const char **keys = bh_xcalloc(n + 1, sizeof(keys[0]));
	struct bh_err why = BH_ERR_INIT;
	size_t count = 0, *places = bh_xcalloc(n + 1, sizeof(places[0]));
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		const struct dest_object *described = NULL;
		struct dest_reading *reading = &readings[count];

		if (!is_there(&items[i]))
			continue;
		lane_describe(&work->lane, items[i].record->object, &described, NULL);
		reading->object = items[i].record->object;
		reading->remote_id = items[i].record->remote_id;
		reading->fields = names_of(described, mapped, reading->object, &reading->fields_n);
		keys[count] = items[i].record->key;
		places[count++] = i;
	}
	if (count > 0)
		rc = held_read(&work->lane, readings, keys, count, &why);
	for (size_t i = 0; i < count; i++) {
		values[places[i]] = readings[i].values;
		free((void *)(uintptr_t)readings[i].fields);
	}
	if (rc < 0 && why.code == BH_INVALID) {
		snprintf(unread, unread_size, "%s", why.text);
		rc = 0;
	}
	if (rc < 0 && err != NULL)
		*err = why;
	free(places);
	free(keys);
	free(readings);
	return rc;
}

/* -- documents -- */

static json_t *
document(const struct preview_work *work, size_t place, const struct render_item *item,
    json_t *title, const char *unread, json_t *fields_take)
{
	const struct map_object *objects;
	const struct record *record = item->record;
	bool is_none;
	enum preview_verdict verdict = preview_verdict_of(item, &is_none);
	json_t *doc;

	map_objects(work->sync->map, &objects);
	doc = json_pack("{s:s, s:s, s:s, s:o, s:o, s:O, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
	    "object", objects[place].name, "kind", object_kind_name(objects[place].from), "to",
	    record != NULL ? record->object : objects[place].to, "account",
	    bh_json_string(item->entry->id.account), "id", bh_json_string(item->entry->id.id),
	    "title", title, "verdict", is_none ? "none" : preview_verdict_name(verdict),
	    "remote_id", bh_json_string(is_there(item) ? record->remote_id : item->link.remote_id),
	    "why", preview_why(item, verdict), "remedy", bh_json_string(item->link.remedy),
	    "key_field", bh_json_string(record != NULL ? record->key_field : objects[place].key),
	    "key", bh_json_string(record != NULL ? record->key : ""), "is_there", is_there(item),
	    "unread", bh_json_string(unread));
	if (item->candidates != NULL)
		json_object_set(doc, "candidates", item->candidates);
	json_object_set_new(doc, "fields", fields_take);
	return doc;
}

static void
tell(struct preview_work *work, size_t place, const struct render_item *items, size_t n,
    const struct whole *wholes, json_t *const *titles, json_t *const *values, const char *unread,
    json_t **docs_r)
{
	const json_t *mapped = mapped_json(work, place);

	for (size_t i = 0; i < n; i++) {
		struct telling t = {.work = work,
		    .item = &items[i],
		    .whole = &wholes[i],
		    .values = values[i],
		    .is_unchanged = items[i].verdict == RENDER_SAME,
		    .fields = json_array()};
		bool is_gone = is_there(&items[i]) && values[i] == NULL && unread[0] == '\0';

		if (items[i].record != NULL)
			lane_describe(&work->lane, items[i].record->object, &t.described, NULL);
		docs_r[i] = document(work, place, &items[i], titles[i],
		    is_gone ? "The record is not there any more." : unread,
		    tell_fields(&t, mapped));
	}
}

int
preview_documents(struct preview_work *work, size_t place, struct render_item *items, size_t n,
    json_t *const *titles, json_t **docs_r, struct bh_err *err)
{
	struct whole *wholes = bh_xcalloc(n + 1, sizeof(wholes[0]));
	json_t **values = bh_xcalloc(n + 1, sizeof(values[0]));
	char unread[240] = "";
	int rc;

	for (size_t i = 0; i < n; i++) {
		keep_whole(&wholes[i], items[i].record);
		items[i].left = json_object();
		/* Nothing is sent, so its record was not named to the driver either. */
		if (items[i].verdict == RENDER_SAME && items[i].record->remote_id == NULL &&
		    items[i].link.remote_id[0] != '\0')
			items[i].record->remote_id = bh_xstrdup(items[i].link.remote_id);
	}
	rc = conflict_resolve(&work->lane, items, n, err);
	if (rc == 0)
		rc = read_values(work, items, n, mapped_json(work, place), values, unread,
		    sizeof(unread), err);
	if (rc == 0)
		tell(work, place, items, n, wholes, titles, values, unread, docs_r);
	for (size_t i = 0; i < n; i++) {
		json_decref(values[i]);
		release_whole(&wholes[i]);
	}
	free(values);
	free(wholes);
	return rc;
}
