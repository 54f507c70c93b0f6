/* Canonical objects: the field table, checks, versions, merging.  See object.h. */
#include "base/base.h"

#include "model/object.h"

#include "base/clock.h"
#include "base/text.h"

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

static bool
is_decimal(const char *text)
{
	size_t digits = 0, points = 0;

	for (const char *s = text + (*text == '-'); *s != '\0'; s++) {
		if (*s >= '0' && *s <= '9')
			digits++;
		else if (*s != '.' || ++points > 1)
			return false;
	}
	return digits > 0;
}

static bool
is_of_type(const json_t *value, enum field_type type)
{
	const char *text = json_string_value(value);
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
		return text != NULL && is_decimal(text);
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
		field = object_field(kind, name);
		if (field == NULL)
			return bh_fail(err, BH_INVALID, "%s has no field %s",
			    object_kind_name(kind), name);
		if (!json_is_null(value) && !is_of_type(value, field->type))
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

int
object_merge(const json_t *before, const struct object_version *before_version,
    const struct object_change *change, json_t **after_r)
{
	*after_r = NULL;
	if (before != NULL && object_version_compare(&change->version, before_version) <= 0)
		return 0;
	if (change->partial && before != NULL) {
		*after_r = json_copy((json_t *)(uintptr_t)before);
		json_object_update(*after_r, change->fields);
	} else {
		*after_r = change->fields != NULL ? json_copy(change->fields) : json_object();
	}
	return 1;
}
