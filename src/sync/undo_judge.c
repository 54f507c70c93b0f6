/* See undo_judge.h. */
#include "base/base.h"

#include "sync/undo_judge.h"

#include "sync/conflict.h"
#include "sync/held.h"

#define PAIR (2 * CONFLICT_DIGEST)

const char *
undo_verdict_name(enum undo_verdict verdict)
{
	static const char *const names[] = {"back", "same", "changed", "unknown", "unseen"};

	return names[verdict];
}

/* -- fields -- */

static json_t *
field_of(const json_t *entry, const char *name)
{
	return json_object_get(json_object_get(entry, "f"), name);
}

json_t *
undo_names(const json_t *entries)
{
	json_t *names = json_object(), *field, *cut;
	const char *name;
	size_t k;

	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);

		json_object_foreach (json_object_get(entry, "f"), name, field)
			json_object_set_new(names, name, json_true());
		json_array_foreach (json_object_get(entry, "cut"), k, cut)
			if (json_is_string(cut))
				json_object_set_new(names, json_string_value(cut), json_true());
	}
	return names;
}

/* Down the writes, from the newest to the oldest, as long as each met what the one before it left. */
static json_t *
first_value(const json_t *entries, const char *name, enum record_type type)
{
	json_t *value = NULL;

	for (size_t i = json_array_size(entries); i-- > 0;) {
		const json_t *field = field_of(json_array_get(entries, i), name);

		if (field == NULL)
			continue;
		if (value != NULL && !is_held_alike(type, json_object_get(field, "a"), value))
			break;
		if (json_object_get(field, "b") == NULL)
			break;
		value = json_object_get(field, "b");
	}
	return value;
}

static const json_t *
newest_field(const json_t *entries, const char *name)
{
	for (size_t i = json_array_size(entries); i-- > 0;) {
		const json_t *field = field_of(json_array_get(entries, i), name);

		if (field != NULL)
			return field;
	}
	return NULL;
}

static bool
is_cut(const json_t *entries, const char *name)
{
	json_t *cut;
	size_t k;

	for (size_t i = 0; i < json_array_size(entries); i++)
		json_array_foreach (json_object_get(json_array_get(entries, i), "cut"), k, cut)
			if (json_is_string(cut) && strcmp(json_string_value(cut), name) == 0)
				return true;
	return false;
}

static enum undo_verdict
verdict_of(const json_t *entries, const struct undo_field *field, const json_t *after)
{
	if (field->now == NULL)
		return UNDO_UNSEEN;
	if (field->back == NULL || after == NULL || is_cut(entries, field->name))
		return UNDO_UNKNOWN;
	if (is_held_alike(field->type, field->now, field->back))
		return UNDO_SAME;
	return is_held_alike(field->type, field->now, after) ? UNDO_BACK : UNDO_CHANGED;
}

struct undo_field *
undo_judge(const json_t *entries, const json_t *names, const json_t *now)
{
	struct undo_field *fields = bh_xcalloc(json_object_size(names) + 1, sizeof(fields[0]));
	const char *name;
	json_t *unused;
	size_t n = 0;

	json_object_foreach ((json_t *)(uintptr_t)names, name, unused) {
		struct undo_field *field = &fields[n++];
		const json_t *newest = newest_field(entries, name);
		int64_t type = bh_json_int(newest, "t", 0);

		field->name = name;
		field->type =
		    type >= 0 && type <= RECORD_ENUM ? (enum record_type)type : RECORD_TEXT;
		field->now = json_object_get(now, name);
		field->back = first_value(entries, name, field->type);
		field->verdict = verdict_of(entries, field, json_object_get(newest, "a"));
	}
	return fields;
}

/* -- records that were made -- */

static bool
is_kind(const json_t *entry, const char *kind)
{
	const char *is = bh_json_str(entry, "is");

	return is != NULL && strcmp(is, kind) == 0;
}

bool
is_undo_made(const json_t *entries)
{
	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);

		if (is_kind(entry, "new") && bh_is_json_true(entry, "sure"))
			return true;
	}
	return false;
}

static void
name_digest(char out[CONFLICT_DIGEST + 1], const char *name)
{
	json_t *text = bh_json_string(name);

	conflict_digest(out, RECORD_BOOL, text);
	json_decref(text);
}

/* What it was given last, as digests: of the name to that of the value. */
static json_t *
given(const json_t *entries)
{
	json_t *digests = json_object(), *field;
	char of[CONFLICT_DIGEST + 1], value[CONFLICT_DIGEST + 1];
	const char *name;

	for (size_t i = 0; i < json_array_size(entries); i++) {
		const json_t *entry = json_array_get(entries, i);
		const char *at = bh_json_str(entry, "d");

		for (; at != NULL && strlen(at) >= PAIR; at += PAIR) {
			snprintf(of, sizeof(of), "%.*s", CONFLICT_DIGEST, at);
			json_object_set_new(digests, of,
			    json_stringn(at + CONFLICT_DIGEST, CONFLICT_DIGEST));
		}
		json_object_foreach (json_object_get(entry, "f"), name, field) {
			name_digest(of, name);
			conflict_digest(value, (enum record_type)bh_json_int(field, "t", 0),
			    json_object_get(field, "a"));
			json_object_set_new(digests, of, json_string(value));
		}
	}
	return digests;
}

json_t *
undo_made_names(const json_t *entries, const struct dest_object *described)
{
	json_t *digests = given(entries), *names = json_object();
	char of[CONFLICT_DIGEST + 1];

	for (size_t i = 0; described != NULL && i < described->fields_n; i++) {
		name_digest(of, described->fields[i].name);
		if (json_object_get(digests, of) != NULL)
			json_object_set_new(names, described->fields[i].name,
			    json_integer((json_int_t)described->fields[i].type));
	}
	if (json_object_size(names) < json_object_size(digests)) {
		json_decref(names);
		names = NULL;
	}
	json_decref(digests);
	return names;
}

/* The type by which it was digested is not known here: what it was written as is alike in one of them. */
static bool
is_given(const json_t *value, const char *digest)
{
	char held[CONFLICT_DIGEST + 1];

	for (int type = RECORD_TEXT; type <= RECORD_ENUM; type++) {
		conflict_digest(held, (enum record_type)type, value);
		if (strcmp(held, digest) == 0)
			return true;
	}
	return false;
}

bool
is_undo_untouched(const json_t *entries, const json_t *names, const json_t *now)
{
	json_t *digests = given(entries), *unused;
	char of[CONFLICT_DIGEST + 1];
	bool is_same = json_is_object(now);
	const char *name;

	json_object_foreach ((json_t *)(uintptr_t)names, name, unused) {
		const json_t *value = json_object_get(now, name);
		const char *digest;

		name_digest(of, name);
		digest = json_string_value(json_object_get(digests, of));
		if (digest == NULL)
			continue; /* it was written, but is none of the fields that were */
		is_same = is_same && value != NULL && is_given(value, digest);
	}
	json_decref(digests);
	return is_same;
}
