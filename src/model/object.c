/* Canonical objects: the field table, checks, versions, merging.  See object.h. */
#include "base/base.h"

#include "model/object.h"

#include <assert.h>

#include "base/clock.h"
#include "model/money.h"

static const char *const kind_names[OBJECT__MAX] = {
    [OBJECT_NONE] = "none",
    [OBJECT_CUSTOMER] = "customer",
    [OBJECT_SUBSCRIPTION] = "subscription",
    [OBJECT_INVOICE] = "invoice",
    [OBJECT_CREDIT_NOTE] = "credit_note",
    [OBJECT_PAYMENT] = "payment",
    [OBJECT_REFUND] = "refund",
    [OBJECT_DISPUTE] = "dispute",
    [OBJECT_RECOVERY] = "recovery",
    [OBJECT_PLAN] = "plan",
    [OBJECT_COUPON] = "coupon",
    [OBJECT_DISCOUNT] = "discount",
    [OBJECT_PRODUCT] = "product",
    [OBJECT_SCHEDULE] = "schedule",
    [OBJECT_ACTION] = "action",
    [OBJECT_INVOICE_LINE] = "invoice_line",
    [OBJECT_EVENT] = "event",
};

static const int kind_ranks[OBJECT__MAX] = {
    [OBJECT_SUBSCRIPTION] = 1,
    [OBJECT_INVOICE] = 2,
    [OBJECT_CREDIT_NOTE] = 3,
    [OBJECT_PAYMENT] = 3,
    [OBJECT_REFUND] = 3,
    [OBJECT_DISPUTE] = 3,
    [OBJECT_RECOVERY] = 3,
    [OBJECT_DISCOUNT] = 2,
    [OBJECT_SCHEDULE] = 2,
    [OBJECT_ACTION] = 4,
    [OBJECT_INVOICE_LINE] = 3,
    [OBJECT_EVENT] = 4,
};

static const struct object_field fields[] = {
#define FIELD(kind, name, type, flags, meaning)                                                    \
	{OBJECT_##kind, #name, FIELD_##type, flags, meaning},
#include "model/fields.def"
#undef FIELD
};

const char *
object_kind_name(enum object_kind kind)
{
	return kind < OBJECT__MAX ? kind_names[kind] : kind_names[OBJECT_NONE];
}

enum object_kind
object_kind_of(const char *name)
{
	for (int i = 1; i < OBJECT__MAX; i++)
		if (strcmp(kind_names[i], name) == 0)
			return (enum object_kind)i;
	return OBJECT_NONE;
}

bool
is_object_virtual(enum object_kind kind)
{
	return kind == OBJECT_INVOICE_LINE || kind == OBJECT_EVENT;
}

bool
is_object_told(enum object_kind kind)
{
	return kind != OBJECT_NONE && kind < OBJECT_ACTION;
}

const struct object_field *
object_fields(size_t *n_r)
{
	*n_r = BH_LEN(fields);
	return fields;
}

const struct object_field *
object_field(enum object_kind kind, const char *name)
{
	for (size_t i = 0; i < BH_LEN(fields); i++)
		if (fields[i].kind == kind && strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

bool
is_object_value(const json_t *value, enum field_type type)
{
	const char *text = json_string_value(value);
	struct money_decimal decimal;
	int64_t at_ms;

	switch (type) {
	case FIELD_TEXT:
	case FIELD_ENUM:
	case FIELD_URL:
	case FIELD_EMAIL:
		return text != NULL;
	case FIELD_DATE:
		return text != NULL && strlen(text) == 10 && bh_is_time(text, &at_ms);
	case FIELD_TIME:
		return text != NULL && bh_is_time(text, &at_ms);
	case FIELD_MONEY:
	case FIELD_INT:
		return json_is_integer(value);
	case FIELD_DECIMAL:
		return text != NULL && is_money_decimal(text, &decimal);
	case FIELD_BOOL:
		return json_is_boolean(value);
	case FIELD_JSON:
		return true;
	case FIELD_NONE:
	case FIELD__MAX:
		break;
	}
	return false;
}

int
object_check(enum object_kind kind, const json_t *object, struct bh_err *err)
{
	const char *name;
	json_t *value;
	const struct object_field *field;

	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		if (strcmp(name, OBJECT_OLDER) == 0)
			continue;
		field = object_field(kind, name);
		if (field == NULL)
			return bh_fail(err, BH_INVALID, "%s has no field %s",
			    object_kind_name(kind), name);
		if (!json_is_null(value) && !is_object_value(value, field->type))
			return bh_fail(err, BH_INVALID, "%s.%s has a value of the wrong type",
			    object_kind_name(kind), name);
	}
	return 0;
}

int
object_rank(enum object_kind kind)
{
	return kind < OBJECT__MAX ? kind_ranks[kind] : 0;
}

int
object_version_compare(const struct object_version *a, const struct object_version *b)
{
	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(a->tie, b->tie);
}

struct object_change *
object_changes_add(struct object_changes *changes, enum object_kind kind, const char *id)
{
	struct object_change *change;

	assert(!is_object_virtual(kind));
	if (changes->n == changes->cap) {
		changes->cap = changes->cap != 0 ? changes->cap * 2 : 4;
		changes->items =
		    bh_xrealloc(changes->items, changes->cap * sizeof(changes->items[0]));
	}
	change = &changes->items[changes->n++];
	memset(change, 0, sizeof(*change));
	change->kind = kind;
	snprintf(change->id, sizeof(change->id), "%s", id);
	return change;
}

void
object_changes_release(struct object_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		json_decref(changes->items[i].fields);
	free(changes->items);
	*changes = (struct object_changes){0};
}

/* Members of OBJECT_OLDER that are no fields: the newest whole change, the deletion. */
#define OLDER_WHOLE ""
#define OLDER_DELETED "!"

void
object_version_text(char out[OBJECT_VERSION_TEXT], const struct object_version *version)
{
	snprintf(out, OBJECT_VERSION_TEXT, "%016llx%08x%.63s",
	    (unsigned long long)((uint64_t)version->at_ms ^ (uint64_t)1 << 63),
	    (unsigned)version->rank ^ 1u << 31, version->tie);
}

/* What is known of one object while a change is merged into it: every stamp spelt out. */
struct merge {
	json_t *fields;
	json_t *stamps;                    /* of each field that is there */
	char whole[OBJECT_VERSION_TEXT];   /* newest change that is not partial */
	char deleted[OBJECT_VERSION_TEXT]; /* newest deletion */
	bool changed;
};

static const char *
stamp_of(const json_t *stamps, const char *name, const char *otherwise)
{
	const char *stamp = json_string_value(json_object_get(stamps, name));

	return stamp != NULL ? stamp : otherwise;
}

/* What came before it stays out, as with a deletion; whatever comes after it is news of something that is there. */
static bool
is_erasure(const struct object_state *object)
{
	return object->deleted && json_object_size(object->fields) == 0 &&
	       strcmp(object->version.tie, OBJECT_TIE_ERASED) == 0;
}

static void
merge_init(struct merge *merge, const struct object_state *before)
{
	char newest[OBJECT_VERSION_TEXT];
	const json_t *older;
	const char *name;
	json_t *value;

	*merge = (struct merge){.fields = json_object(), .stamps = json_object()};
	if (before->fields == NULL)
		return;
	object_version_text(newest, &before->version);
	older = json_object_get(before->fields, OBJECT_OLDER);
	json_object_update(merge->fields, before->fields);
	json_object_del(merge->fields, OBJECT_OLDER);
	json_object_foreach (merge->fields, name, value)
		json_object_set_new(merge->stamps, name,
		    json_string(stamp_of(older, name, newest)));
	snprintf(merge->whole, OBJECT_VERSION_TEXT, "%s", stamp_of(older, OLDER_WHOLE, newest));
	if (before->deleted && !is_erasure(before))
		snprintf(merge->deleted, OBJECT_VERSION_TEXT, "%s",
		    stamp_of(older, OLDER_DELETED, newest));
}

static void
merge_release(struct merge *merge)
{
	json_decref(merge->fields);
	json_decref(merge->stamps);
}

/* A whole change: what is older and not in it goes. */
static void
merge_replace(struct merge *merge, const char *stamp)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe (merge->stamps, next, name, value) {
		if (strcmp(json_string_value(value), stamp) < 0) {
			json_object_del(merge->fields, name);
			json_object_del(merge->stamps, name);
		}
	}
	snprintf(merge->whole, OBJECT_VERSION_TEXT, "%s", stamp);
	merge->changed = true;
}

static void
merge_change(struct merge *merge, const struct object_change *change)
{
	char stamp[OBJECT_VERSION_TEXT], floor[OBJECT_VERSION_TEXT];
	const char *name;
	json_t *value;

	object_version_text(stamp, &change->version);
	memcpy(floor, merge->whole, sizeof(floor));
	if (!change->partial && strcmp(stamp, floor) > 0)
		merge_replace(merge, stamp);
	json_object_foreach (change->fields, name, value) {
		if (strcmp(stamp, stamp_of(merge->stamps, name, floor)) <= 0)
			continue;
		json_object_set(merge->fields, name, value);
		json_object_set_new(merge->stamps, name, json_string(stamp));
		merge->changed = true;
	}
	if (change->deleted && strcmp(stamp, merge->deleted) > 0 &&
	    strcmp(stamp, merge->whole) >= 0) {
		memcpy(merge->deleted, stamp, sizeof(stamp));
		merge->changed = true;
	}
}

/* The state to be stored: only stamps that differ from the newest are written out. */
static void
merge_finish(struct merge *merge, struct object_state *after)
{
	char newest[OBJECT_VERSION_TEXT];
	const char *name;
	json_t *value;
	void *next;

	object_version_text(newest, &after->version);
	after->deleted = merge->deleted[0] != '\0' && strcmp(merge->deleted, merge->whole) >= 0;
	json_object_foreach_safe (merge->stamps, next, name, value) {
		if (strcmp(json_string_value(value), newest) == 0)
			json_object_del(merge->stamps, name);
	}
	if (strcmp(merge->whole, newest) != 0)
		json_object_set_new(merge->stamps, OLDER_WHOLE, json_string(merge->whole));
	if (after->deleted && strcmp(merge->deleted, newest) != 0)
		json_object_set_new(merge->stamps, OLDER_DELETED, json_string(merge->deleted));
	if (json_object_size(merge->stamps) > 0)
		json_object_set(merge->fields, OBJECT_OLDER, merge->stamps);
	after->fields = json_incref(merge->fields);
}

/* The usual case, of sources that always send the whole object: no stamps are needed. */
static bool
is_plain(const struct object_state *before, const struct object_change *change)
{
	return !change->partial && json_object_get(before->fields, OBJECT_OLDER) == NULL;
}

static int
merge_plain(const struct object_state *before, const struct object_change *change,
    struct object_state *after)
{
	if (before->fields != NULL &&
	    object_version_compare(&change->version, &before->version) <= 0)
		return 0;
	after->version = change->version;
	after->deleted = change->deleted;
	after->fields = change->fields != NULL ? json_copy(change->fields) : json_object();
	return 1;
}

int
object_merge(const struct object_state *before, const struct object_change *change,
    struct object_state *after)
{
	struct merge merge;

	*after = (struct object_state){0};
	if (is_plain(before, change))
		return merge_plain(before, change, after);
	merge_init(&merge, before);
	merge_change(&merge, change);
	if (merge.changed) {
		after->version = before->fields != NULL && object_version_compare(&before->version,
							       &change->version) > 0
				     ? before->version
				     : change->version;
		merge_finish(&merge, after);
	}
	merge_release(&merge);
	return merge.changed;
}
