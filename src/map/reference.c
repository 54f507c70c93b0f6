/* Names of values inside a mapping: see reference.h. */
#include "base/base.h"

#include "map/reference.h"

#include "base/text.h"
#include "model/money.h"

#define ANY_EXPONENT 2 /* of money whose object names no currency */

static bool
is_own_name(const char *name, struct reference *ref)
{
	static const char *const names[] = {"id", "key", "account"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		if (strcmp(names[i], name) == 0) {
			ref->name = name[0];
			return true;
		}
	}
	return false;
}

int
reference_parse(const char *text, size_t len, enum object_kind kind, struct reference *ref,
    struct bh_err *err)
{
	char full[REFERENCE_BYTES + 1];
	char *name = full, *rest;

	*ref = (struct reference){0};
	if (len == 0 || len > REFERENCE_BYTES)
		return bh_fail(err, BH_INVALID, "a field name has 1 to %d bytes", REFERENCE_BYTES);
	memcpy(full, text, len);
	full[len] = '\0';
	if (kind != OBJECT_CUSTOMER && bh_has_prefix(full, "customer.")) {
		ref->of_customer = true;
		name += strlen("customer.");
		kind = OBJECT_CUSTOMER;
	}
	if (!ref->of_customer && is_own_name(name, ref))
		return 0;
	rest = strchr(name, '.');
	if (rest != NULL)
		*rest++ = '\0';
	ref->field = object_field(kind, name);
	if (ref->field == NULL)
		return bh_fail(err, BH_INVALID, "%s has no field '%.80s'", object_kind_name(kind),
		    name);
	if (rest != NULL && (ref->field->type != FIELD_JSON || *rest == '\0'))
		return bh_fail(err, BH_INVALID, "%s has no parts", name);
	if (rest != NULL)
		snprintf(ref->path, sizeof(ref->path), "%s", rest);
	return 0;
}

enum field_type
reference_type(const struct reference *ref)
{
	return ref->field != NULL ? ref->field->type : FIELD_TEXT;
}

/* Inside a structure only the value tells; numbers with a fraction become text, as nothing else keeps them exact. */
static void
take_json(struct map_value *value, const json_t *json)
{
	char text[40];

	if (json_is_real(json)) {
		snprintf(text, sizeof(text), "%.15g", json_real_value(json));
		map_value_take(value, json_string(text), FIELD_DECIMAL);
		return;
	}
	/* References count in jansson's const objects as well. */
	map_value_take(value, json_incref((json_t *)(uintptr_t)json),
	    json_is_boolean(json)   ? FIELD_BOOL
	    : json_is_integer(json) ? FIELD_INT
	    : json_is_string(json)  ? FIELD_TEXT
				    : FIELD_JSON);
}

/* Whether the value is what its field promises; if not, it is taken for what it is. */
static bool
is_of_type(const json_t *json, enum field_type type)
{
	if (json_is_null(json))
		return type != FIELD_JSON;
	if (type == FIELD_MONEY || type == FIELD_INT)
		return json_is_integer(json);
	if (type == FIELD_BOOL)
		return json_is_boolean(json);
	return type != FIELD_JSON && json_is_string(json);
}

/* The member that names the currency of a field's money: a customer's figures may be converted. */
static const char *
currency_member(const struct object_field *field)
{
	return field->kind == OBJECT_CUSTOMER && (field->flags & FIELD_DERIVED) ? "figures_currency"
										: "currency";
}

static void
read_field(const struct reference *ref, const json_t *object, struct map_value *value)
{
	const json_t *json = json_object_get(object, ref->field->name);
	const char *currency = bh_json_str(object, currency_member(ref->field));

	if (json == NULL)
		return;
	if (ref->path[0] != '\0' && json_is_object(json)) {
		const json_t *part = json_object_get(json, ref->path);

		/* Names in metadata may themselves hold dots. */
		json = part != NULL ? part : bh_json_at(json, ref->path);
	} else if (ref->path[0] != '\0') {
		json = bh_json_at(json, ref->path);
	}
	if (json == NULL) {
		map_value_take(value, json_null(), FIELD_JSON);
		return;
	}
	if (!is_of_type(json, ref->field->type)) {
		take_json(value, json);
		return;
	}
	value->exponent = currency != NULL ? money_exponent(currency) : ANY_EXPONENT;
	map_value_take(value, json_incref((json_t *)(uintptr_t)json), ref->field->type);
}

const char *
reference_currency(const struct reference *ref, const struct reference_view *view)
{
	return ref->field != NULL ? bh_json_str(ref->of_customer ? view->customer : view->object,
					currency_member(ref->field))
				  : NULL;
}

void
reference_read(const struct reference *ref, const struct reference_view *view,
    struct map_value *value)
{
	const char *text;

	if (ref->field != NULL) {
		read_field(ref, ref->of_customer ? view->customer : view->object, value);
		return;
	}
	text = ref->name == 'i' ? view->id : ref->name == 'k' ? view->key : view->account;
	if (text != NULL)
		map_value_take(value, json_string(text), FIELD_TEXT);
}
