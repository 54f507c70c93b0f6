/*
 * What a field is and whether it will do: descriptions (REST) and components
 * (metadata) say the same in different words.  A field that takes more than is
 * wanted will do; so will a picklist with other values.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_schema.h"

/* REST's type names and the catalogue's (REST guide: describe; Metadata API guide: FieldType). */
static const char *
type_of(const json_t *field)
{
	static const char *const types[][2] = {
	    {"string", "Text"},
	    {"email", "Email"},
	    {"url", "Url"},
	    {"phone", "Phone"},
	    {"double", "Number"},
	    {"int", "Number"},
	    {"long", "Number"},
	    {"currency", "Currency"},
	    {"percent", "Percent"},
	    {"date", "Date"},
	    {"datetime", "DateTime"},
	    {"boolean", "Checkbox"},
	    {"picklist", "Picklist"},
	    {"multipicklist", "MultiselectPicklist"},
	    {"reference", "Lookup"},
	};
	const char *type = dest_text(field, "type", "");

	if (strcmp(type, "textarea") == 0)
		return bh_json_int(field, "length", 0) > 255 ? "LongTextArea" : "TextArea";
	for (size_t i = 0; i < BH_LEN(types); i++) {
		if (strcmp(types[i][0], type) == 0)
			return types[i][1];
	}
	return type;
}

static int
small_int(const json_t *json, const char *name)
{
	int64_t value = bh_json_int(json, name, 0);

	return value > 0 && value < 1000000 ? (int)value : 0;
}

void
shape_of_description(struct shape *shape, const json_t *field)
{
	const json_t *values = json_object_get(field, "picklistValues");

	*shape = (struct shape){.type = type_of(field)};
	shape->length = small_int(field, "length");
	shape->precision = small_int(field, "precision");
	if (shape->precision == 0)
		shape->precision = small_int(field, "digits");
	shape->scale = small_int(field, "scale");
	shape->is_formula = bh_is_json_true(field, "calculated");
	shape->is_external_id = bh_is_json_true(field, "externalId");
	shape->is_unique = bh_is_json_true(field, "unique");
	shape->is_case_sensitive = bh_is_json_true(field, "caseSensitive");
	shape->is_restricted = bh_is_json_true(field, "restrictedPicklist");
	shape->targets = json_object_get(field, "referenceTo");
	shape->values = json_array();
	for (size_t i = 0; i < json_array_size(values); i++)
		json_array_append(shape->values,
		    json_object_get(json_array_get(values, i), "value"));
}

/* Components hold texts: "true", "18". */
static bool
is_set(const json_t *component, const char *path)
{
	const char *text = bh_json_str(component, path);

	return text != NULL && strcmp(text, "true") == 0;
}

static int
number_of(const json_t *component, const char *name)
{
	const char *text = dest_text(component, name, "");
	uint64_t value;

	return bh_is_uint(text, strlen(text), 1000000, &value) ? (int)value : 0;
}

/* A picklist may have one value or many. */
static json_t *
values_of(const json_t *component)
{
	const json_t *list = bh_json_at(component, "valueSet.valueSetDefinition.value");
	json_t *values = json_array();

	if (json_is_object(list))
		json_array_append(values, json_object_get(list, "fullName"));
	for (size_t i = 0; i < json_array_size(list); i++)
		json_array_append(values, json_object_get(json_array_get(list, i), "fullName"));
	return values;
}

void
shape_of_component(struct shape *shape, const json_t *component)
{
	*shape = (struct shape){.type = dest_text(component, "type", "")};
	if (strcmp(shape->type, "MasterDetail") == 0)
		shape->type = "Lookup";
	shape->length = strcmp(shape->type, "TextArea") == 0 ? 255 : number_of(component, "length");
	shape->precision = number_of(component, "precision");
	shape->scale = number_of(component, "scale");
	shape->is_formula = dest_text(component, "formula", NULL) != NULL;
	shape->is_external_id = is_set(component, "externalId");
	shape->is_unique = is_set(component, "unique");
	shape->is_case_sensitive = is_set(component, "caseSensitive");
	shape->is_restricted = is_set(component, "valueSet.restricted");
	shape->targets = json_object_get(component, "referenceTo");
	shape->values = values_of(component);
}

void
shape_release(struct shape *shape)
{
	json_decref(shape->values);
	shape->values = NULL;
}

/* --- texts for people ------------------------------------------------------ */

static bool
is_number(const char *type)
{
	return strcmp(type, "Number") == 0 || strcmp(type, "Currency") == 0 ||
	       strcmp(type, "Percent") == 0;
}

static bool
has_length(const char *type)
{
	return strcmp(type, "Text") == 0 || strcmp(type, "LongTextArea") == 0;
}

/* The first target of a lookup; "". */
static const char *
target_of(const json_t *targets)
{
	const json_t *first = json_is_array(targets) ? json_array_get(targets, 0) : targets;
	const char *name = json_string_value(first);

	return name != NULL ? name : "";
}

static void
add_shape(struct bh_buf *out, const struct shape *shape)
{
	bh_buf_adds(out, shape->type);
	if (has_length(shape->type))
		bh_buf_addf(out, "(%d)", shape->length);
	else if (is_number(shape->type))
		bh_buf_addf(out, "(%d,%d)", shape->precision, shape->scale);
	else if (strcmp(shape->type, "Lookup") == 0)
		bh_buf_addf(out, "(%s)", target_of(shape->targets));
}

/* Events have no keys. */
static struct shape
wanted_shape(const json_t *object, const json_t *field)
{
	struct shape shape = {.type = component_type(object, field)};
	bool is_event = bh_is_json_true(object, "event");

	shape.length = component_length(field, shape.type);
	shape.precision = component_precision(field);
	shape.scale = component_scale(field);
	shape.is_external_id = !is_event && bh_is_json_true(field, "externalId");
	shape.is_unique = !is_event && bh_is_json_true(field, "unique");
	shape.is_case_sensitive = bh_is_json_true(field, "caseSensitive");
	shape.targets = json_object_get(field, "referenceTo");
	return shape;
}

char *
shape_wanted(const json_t *object, const json_t *field)
{
	struct shape shape = wanted_shape(object, field);
	struct bh_buf text = BH_BUF_INIT(1024);

	add_shape(&text, &shape);
	return bh_buf_steal(&text);
}

/* --- will it do? ------------------------------------------------------------ */

static bool
has_value(const json_t *list, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (json_equal(json_array_get(list, i), value))
			return true;
	}
	return false;
}

/* Long text takes what text takes, but it can be no key. */
static bool
is_wide_enough(const struct shape *is, const struct shape *wanted)
{
	bool is_area = strcmp(is->type, "LongTextArea") == 0 || strcmp(is->type, "TextArea") == 0;
	bool is_key = wanted->is_external_id || wanted->is_unique;

	if (strcmp(is->type, wanted->type) != 0 &&
	    !(is_area && strcmp(wanted->type, "Text") == 0 && !is_key))
		return false;
	if (has_length(wanted->type))
		return is->length >= wanted->length;
	if (is_number(wanted->type))
		return is->precision - is->scale >= wanted->precision - wanted->scale &&
		       is->scale >= wanted->scale;
	return true;
}

static bool
refers_to(const struct shape *is, const struct shape *wanted)
{
	const char *target = target_of(wanted->targets);

	return strcmp(wanted->type, "Lookup") != 0 || strcmp(target_of(is->targets), target) == 0 ||
	       has_value(is->targets, wanted->targets);
}

/* The first value that a restricted picklist lacks; NULL. */
static const char *
lacking_value(const struct shape *is, const json_t *field)
{
	const json_t *values = json_object_get(field, "values");

	for (size_t i = 0; is->is_restricted && i < json_array_size(values); i++) {
		if (!has_value(is->values, json_array_get(values, i)))
			return json_string_value(json_array_get(values, i));
	}
	return NULL;
}

/* Why a field of the right type is no key; NULL when it is. */
static const char *
no_key(const struct shape *is, const struct shape *wanted)
{
	if (wanted->is_external_id && !is->is_external_id)
		return "is no External ID";
	if (wanted->is_unique && !is->is_unique)
		return "is not unique";
	if (wanted->is_case_sensitive && wanted->is_unique && !is->is_case_sensitive)
		return "is not case sensitive: keys that differ in case only would clash";
	return NULL;
}

bool
shape_fits(const struct shape *is, const json_t *object, const json_t *field, char *detail,
    size_t size)
{
	struct shape wanted = wanted_shape(object, field);
	struct bh_buf text = BH_BUF_INIT(1024);
	const char *lacks = lacking_value(is, field), *key = no_key(is, &wanted);

	if (is->is_formula) {
		bh_buf_adds(&text, "is a formula, which cannot be written");
	} else if (!is_wide_enough(is, &wanted) || !refers_to(is, &wanted)) {
		bh_buf_adds(&text, "is ");
		add_shape(&text, is);
		bh_buf_adds(&text, ", wanted ");
		add_shape(&text, &wanted);
	} else if (key != NULL) {
		bh_buf_adds(&text, key);
	} else if (lacks != NULL) {
		bh_buf_addf(&text, "is a restricted picklist without the value %s", lacks);
	}
	dest_copy(detail, size, bh_buf_str(&text));
	bh_buf_release(&text);
	return detail[0] == '\0';
}
