/* The reader: objects and fields.  See reader.h; paths and conditions stand in reader_path.c. */
#include "base/base.h"

#include "source/reader.h"

#include <stdarg.h>

#include "base/text.h"
#include "source/read.h"
#include "source/reader_internal.h"

void
reader_note(const struct reading *reading, const char *fmt, ...)
{
	struct source_result *result = reading->news->result;
	size_t used;
	va_list ap;

	if (result->note[0] != '\0')
		return;
	used = (size_t)snprintf(result->note, sizeof(result->note), "%s.%s: ", reading->object_kind,
	    reading->field);
	if (used >= sizeof(result->note))
		return;
	va_start(ap, fmt);
	vsnprintf(result->note + used, sizeof(result->note) - used, fmt, ap);
	va_end(ap);
	bh_utf8_mend(result->note, strlen(result->note) + 1 == sizeof(result->note));
}

static bool
is_null_empty(const struct reading *reading, const json_t *spec)
{
	const char *word = bh_json_str(spec, "null");

	if (word == NULL)
		word = bh_json_str(reading->table, "null");
	return word == NULL || strcmp(word, "unknown") != 0;
}

static const struct reader_conversion *
conversion_of(const struct reading *reading, const json_t *spec, enum field_type type)
{
	const char *as = bh_json_str(spec, "as");

	return as != NULL ? reader_conversion(as, reading->news->config->settings)
			  : reader_conversion_for(type);
}

/* One alternative of a field; its "else" is the caller's affair.  *odd_r: a value was not understood. */
static json_t *
evaluate_one(const struct reading *reading, const json_t *spec, enum field_type type, bool *odd_r)
{
	const json_t *paths = json_is_object(spec) ? json_object_get(spec, "from") : spec;
	const json_t *value = json_object_get(spec, "const");
	const struct reader_conversion *conversion;
	bool null = false;
	json_t *made = NULL;

	if (!is_reader_met(reading, json_object_get(spec, "when")))
		return NULL;
	if (value != NULL)
		return json_incref((json_t *)(uintptr_t)value);
	value = reader_find(reading, paths, &null);
	if (value == NULL)
		return null && is_null_empty(reading, spec) ? json_null() : NULL;
	conversion = conversion_of(reading, spec, type);
	if (conversion != NULL && (conversion->fits & 1u << type))
		made = conversion->make(reading, spec, value);
	*odd_r = *odd_r || made == NULL;
	return made;
}

/* A field of the table as a value of type; new reference, NULL when it tells nothing. */
static json_t *
evaluate(const struct reading *reading, const json_t *spec, enum field_type type)
{
	json_t *null = NULL, *made = NULL;
	bool odd = false;

	for (int depth = 0; spec != NULL && made == NULL && depth <= READER_ELSE_MAX; depth++) {
		made = evaluate_one(reading, spec, type, &odd);
		/* A null is the last resort: an alternative may know more. */
		if (json_is_null(made) && json_object_get(spec, "else") != NULL) {
			null = made;
			made = NULL;
		}
		spec = json_object_get(spec, "else");
	}
	if (made == NULL && odd)
		reader_note(reading, "not understood, left out");
	return made != NULL ? made : null;
}

static json_t *
default_currency(const struct reading *reading)
{
	return reader_currency(json_object_get(reading->news->config->settings, "currency"));
}

/* Nothing gets into an object that its field cannot hold. */
static void
put(const struct reading *reading, struct object_change *change, json_t *value_take)
{
	json_t *one;

	if (value_take == NULL)
		return;
	one = json_pack("{s:o}", reading->field, value_take);
	if (object_check(change->kind, one, NULL) < 0)
		reader_note(reading, "not understood, left out");
	else
		json_object_update(change->fields, one);
	json_decref(one);
}

static void
read_field(struct reading *reading, struct object_change *change, const char *name,
    const json_t *spec)
{
	const struct object_field *field = object_field(change->kind, name);
	json_t *value;

	if (field == NULL)
		return;
	reading->field = field->name;
	value = evaluate(reading, spec, field->type);
	if (value == NULL && strcmp(name, "currency") == 0 &&
	    is_reader_met(reading, json_object_get(spec, "when")))
		value = default_currency(reading);
	put(reading, change, value);
}

/* The currency goes first: amounts are read by it. */
static void
read_fields(struct reading *reading, struct object_change *change)
{
	const json_t *specs = json_object_get(reading->spec, "fields");
	const json_t *currency = json_object_get(specs, "currency");
	json_t *fallback = default_currency(reading);
	const char *name;
	json_t *spec;

	if (currency != NULL)
		read_field(reading, change, "currency", currency);
	reading->currency = json_object_get(change->fields, "currency");
	if (!json_is_string(reading->currency))
		reading->currency = NULL;
	reading->fallback = fallback;
	json_object_foreach ((json_t *)(uintptr_t)specs, name, spec)
		if (strcmp(name, "currency") != 0)
			read_field(reading, change, name, spec);
	reading->currency = reading->fallback = NULL;
	json_decref(fallback);
}

/*
 * The time of what is told, else of the event, else of its arrival.  Where
 * the rank leads, at_ms is no time: the time stands in the tie.
 */
static void
put_version(struct reading *reading, struct object_change *change)
{
	const struct source_news *news = reading->news;
	const char *lead = bh_json_str(reading->spec, "lead");
	struct object_version *version = &change->version;
	int64_t at_ms = news->at_ms != 0 ? news->at_ms : news->received_ms;
	const json_t *rank = json_object_get(reading->spec, "rank");
	char digest[64], prefix[16] = "";
	json_t *number;
	bool null;

	reading->field = "version";
	is_reader_time(reader_find(reading, json_object_get(reading->spec, "version"), &null),
	    &at_ms);
	reading->field = "rank";
	number = rank != NULL ? evaluate(reading, rank, FIELD_INT) : NULL;
	if (json_is_integer(number) && llabs(json_integer_value(number)) <= 1000)
		version->rank = (int)json_integer_value(number);
	json_decref(number);
	version->at_ms = at_ms;
	if (lead != NULL && strcmp(lead, "rank") == 0) {
		snprintf(prefix, sizeof(prefix), "%012llx",
		    at_ms > 0 ? (unsigned long long)at_ms & 0xffffffffffff : 0);
		version->at_ms = 0;
		change->effective_ms = at_ms;
	}
	source_tie_fields(digest, change->fields);
	source_tie(version->tie, prefix,
	    strcmp(news->event->id, READER_REST) != 0 ? news->event->id : digest);
}

static void
put_link(const struct reading *reading, struct object_change *change)
{
	const char *text = bh_json_str(reading->spec, "link");
	const char *mark = text != NULL ? strstr(text, "{id}") : NULL;
	struct bh_buf url = BH_BUF_INIT(4096);

	if (mark != NULL && object_field(change->kind, "link") != NULL) {
		bh_buf_add(&url, text, (size_t)(mark - text));
		bh_percent_add(&url, change->id, strlen(change->id));
		bh_buf_adds(&url, mark + strlen("{id}"));
		if (!url.full)
			json_object_set_new(change->fields, "link", json_string(bh_buf_str(&url)));
	}
	bh_buf_release(&url);
}

static void
put_alias(const struct reading *reading, struct object_change *change)
{
	bool null;
	const json_t *paths = json_object_get(reading->spec, "alias");
	json_t *alias = reader_id(reader_find(reading, paths, &null));

	if (paths != NULL)
		snprintf(change->alias, sizeof(change->alias), "%s",
		    alias != NULL ? json_string_value(alias) : change->id);
	json_decref(alias);
}

/* Take the newest change away again. */
static void
drop(struct object_changes *changes)
{
	json_decref(changes->items[--changes->n].fields);
}

static int
read_object(struct reading *reading, struct bh_err *err)
{
	enum object_kind kind = object_kind_of(reading->object_kind);
	const json_t *deleted = json_object_get(reading->spec, "deleted");
	bool null, partial = !json_is_false(json_object_get(reading->spec, "partial"));
	struct object_change *change;
	json_t *id;

	if (!is_reader_met(reading, json_object_get(reading->spec, "when")))
		return 0;
	id = reader_id(reader_find(reading, json_object_get(reading->spec, "id"), &null));
	if (id == NULL && bh_is_json_true(reading->spec, "optional"))
		return 0;
	change = source_change(reading->news, kind, id, err);
	json_decref(id);
	if (change == NULL)
		return -1;
	change->partial = partial;
	change->deleted = deleted != NULL && is_reader_met(reading, deleted);
	read_fields(reading, change);
	if (json_object_size(change->fields) == 0 && partial && !change->deleted) {
		drop(&reading->news->result->changes);
		return 0;
	}
	put_link(reading, change);
	put_alias(reading, change);
	put_version(reading, change);
	return 0;
}

/* The object once, or for each element of the array that it names. */
static int
read_objects(struct reading *reading, const json_t *base, struct bh_err *err)
{
	const char *each = bh_json_str(reading->spec, "each");
	const json_t *rows;
	json_t *row;
	size_t i;

	reading->hand = base;
	if (each == NULL)
		return read_object(reading, err);
	rows = *each == '\0' ? base : reader_at(reading->news->body, base, each);
	if (json_array_size(rows) > READER_ROWS_MAX)
		return bh_fail(err, BH_INVALID, "more than %d elements in %.80s", READER_ROWS_MAX,
		    each);
	json_array_foreach ((json_t *)(uintptr_t)rows, i, row) {
		reading->hand = row;
		if (read_object(reading, err) < 0)
			return bh_during(err, "element %zu of %.80s", i, each);
	}
	return 0;
}

int
reader_read(struct source_news *news, const json_t *table, struct bh_err *err)
{
	const char *path = bh_json_str(table, "base");
	const json_t *base =
	    path != NULL && *path != '\0' ? reader_at(news->body, news->body, path) : news->body;
	struct reading reading = {.news = news, .table = table};
	json_t *spec;
	size_t i;

	if (!json_is_object(base) && !json_is_array(base))
		return bh_fail(err, BH_INVALID, "the body has nothing at %.80s",
		    path != NULL && *path != '\0' ? path : "its top");
	json_array_foreach (json_object_get(table, "objects"), i, spec) {
		reading.spec = spec;
		reading.object_kind = bh_json_str(spec, "kind");
		if (i >= READER_OBJECTS_MAX || reading.object_kind == NULL ||
		    object_kind_of(reading.object_kind) == OBJECT_NONE)
			return bh_fail(err, BH_INVALID, "the reader is no good table");
		if (read_objects(&reading, base, err) < 0)
			return -1;
	}
	return 0;
}

static bool
is_type_named(const json_t *patterns, const char *type, bool literally)
{
	size_t i, n = json_is_array(patterns) ? json_array_size(patterns) : 1;

	for (i = 0; i < n; i++) {
		const char *pattern = json_string_value(
		    json_is_array(patterns) ? json_array_get(patterns, i) : patterns);

		if (pattern != NULL &&
		    (literally ? strcmp(pattern, type) == 0 : is_reader_pattern(pattern, type)))
			return true;
	}
	return false;
}

bool
is_reader_for(const json_t *table, const char *type, bool literally)
{
	json_t *spec;
	size_t i;

	json_array_foreach (json_object_get(table, "objects"), i, spec) {
		const json_t *patterns = bh_json_at(spec, "when.type");

		if (patterns == NULL ? !literally : is_type_named(patterns, type, literally))
			return true;
	}
	return false;
}
