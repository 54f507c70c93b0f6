/*
 * Entries of the catalogue as metadata components (Metadata API guide:
 * CustomObject, CustomField, BusinessProcess, RecordType).  Members may stand in
 * any order here; meta_upsert() puts them into the service's.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_meta.h"

/* What the service takes at most, in UTF-16 units. */
#define LABEL_MAX 40
#define HELP_MAX 510
#define DESCRIPTION_MAX 1000

/* Text cut at a character. */
static json_t *
cut(const char *text, size_t max_units)
{
	struct bh_buf clean = BH_BUF_INIT(65536);
	json_t *json;

	bh_utf8_clean_add(&clean, text, strnlen(text, 32768));
	json =
	    json_stringn(bh_buf_str(&clean), bh_utf8_cut(bh_buf_str(&clean), clean.len, max_units));
	bh_buf_release(&clean);
	return json;
}

static void
put_text(json_t *component, const char *name, const char *text, size_t max_units)
{
	if (text != NULL && text[0] != '\0')
		json_object_set_new(component, name, cut(text, max_units));
}

/* --- objects and events -------------------------------------------------- */

static json_t *
name_field(const json_t *object)
{
	const json_t *wanted = json_object_get(object, "nameField");
	const char *type = dest_text(wanted, "type", "Text");
	json_t *field = json_pack("{s:s}", "type", type);

	put_text(field, "label", dest_text(wanted, "label", "Name"), LABEL_MAX);
	if (strcmp(type, "AutoNumber") == 0)
		put_text(field, "displayFormat", dest_text(wanted, "displayFormat", "{00000}"), 30);
	return field;
}

static json_t *
new_object(const json_t *object)
{
	const char *name = bh_json_str(object, "name");
	const char *label = dest_text(object, "label", name);
	json_t *component = json_pack("{s:s, s:s, s:s}", "@type", "CustomObject", "fullName", name,
	    "deploymentStatus", "Deployed");

	put_text(component, "label", label, LABEL_MAX);
	put_text(component, "pluralLabel", dest_text(object, "plural", label), LABEL_MAX);
	put_text(component, "description",
	    dest_text(object, "description", "Written by Billhook from the billing system."),
	    DESCRIPTION_MAX);
	return component;
}

/* The three of bulk, sharing and streaming must be the same (Metadata API guide). */
json_t *
component_object(const json_t *object)
{
	static const char *const switches[] = {"enableActivities", "enableBulkApi", "enableReports",
	    "enableSharing", "enableStreamingApi"};
	json_t *component = new_object(object);

	for (size_t i = 0; i < BH_LEN(switches); i++)
		json_object_set_new(component, switches[i], json_true());
	json_object_set_new(component, "nameField", name_field(object));
	json_object_set_new(component, "sharingModel", json_string("ReadWrite"));
	return component;
}

/* --- fields -------------------------------------------------------------- */

static bool
is_event(const json_t *object)
{
	return bh_is_json_true(object, "event");
}

const char *
component_type(const json_t *object, const json_t *field)
{
	static const char *const known[] = {"Text", "LongTextArea", "Number", "Checkbox", "Date",
	    "DateTime"};
	const char *type = dest_text(field, "type", "Text");

	if (!is_event(object))
		return type;
	for (size_t i = 0; i < BH_LEN(known); i++) {
		if (strcmp(type, known[i]) == 0)
			return type;
	}
	return strcmp(type, "Currency") == 0 || strcmp(type, "Percent") == 0 ? "Number" : "Text";
}

int
component_length(const json_t *field, const char *type)
{
	int64_t length = bh_json_int(field, "length", 0);

	if (strcmp(type, "LongTextArea") == 0)
		return length >= 256 && length <= 131072 ? (int)length : 32768;
	return length >= 1 && length <= 255 ? (int)length : 255;
}

int
component_precision(const json_t *field)
{
	int64_t precision = bh_json_int(field, "precision", 18);

	return precision >= 1 && precision <= 18 ? (int)precision : 18;
}

int
component_scale(const json_t *field)
{
	int64_t scale = bh_json_int(field, "scale", 0);

	return scale >= 0 && scale <= component_precision(field) ? (int)scale : 0;
}

/* "past_due" is shown as "Past due". */
static json_t *
value_label(const char *value)
{
	char label[LABEL_MAX * 4];

	dest_copy(label, sizeof(label), value);
	for (char *c = label; *c != '\0'; c++) {
		if (*c == '_')
			*c = ' ';
	}
	if (label[0] >= 'a' && label[0] <= 'z')
		label[0] = (char)(label[0] - 'a' + 'A');
	return cut(label, LABEL_MAX);
}

static json_t *
value_set(const json_t *field)
{
	const json_t *values = json_object_get(field, "values");
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(values); i++) {
		const char *value = json_string_value(json_array_get(values, i));

		if (value != NULL)
			json_array_append_new(list, json_pack("{s:s, s:b, s:o}", "fullName", value,
							"default", 0, "label", value_label(value)));
	}
	return json_pack("{s:b, s:{s:b, s:o}}", "restricted",
	    bh_is_json_true(field, "restricted") ? 1 : 0, "valueSetDefinition", "sorted", 0,
	    "value", list);
}

static void
put_lookup(json_t *component, const json_t *object, const json_t *field, const char *relation)
{
	const char *label = dest_text(object, "plural", bh_json_str(object, "name"));

	json_object_set_new(component, "deleteConstraint", json_string("SetNull"));
	json_object_set_new(component, "referenceTo",
	    json_string(dest_text(field, "referenceTo", "Account")));
	json_object_set_new(component, "relationshipName", json_string(relation));
	put_text(component, "relationshipLabel", label, LABEL_MAX);
}

static void
put_flag(json_t *component, const json_t *field, const char *name)
{
	json_object_set_new(component, name, json_boolean(bh_is_json_true(field, name)));
}

/* Whether it is a key (field NULL: it is none); caseSensitive goes with unique texts only. */
static void
put_key(json_t *component, const json_t *field, bool is_text)
{
	put_flag(component, field, "externalId");
	put_flag(component, field, "unique");
	if (is_text && bh_is_json_true(field, "unique"))
		put_flag(component, field, "caseSensitive");
}

static void
put_type(json_t *component, const json_t *object, const json_t *field, const char *relation)
{
	const char *type = component_type(object, field);
	bool is_text = strcmp(type, "Text") == 0;

	if (is_text || strcmp(type, "LongTextArea") == 0)
		json_object_set_new(component, "length",
		    json_integer(component_length(field, type)));
	if (strcmp(type, "Number") == 0 || strcmp(type, "Currency") == 0 ||
	    strcmp(type, "Percent") == 0) {
		json_object_set_new(component, "precision",
		    json_integer(component_precision(field)));
		json_object_set_new(component, "scale", json_integer(component_scale(field)));
	}
	if (is_text || strcmp(type, "Number") == 0 || bh_is_json_true(field, "externalId"))
		put_key(component, is_event(object) ? NULL : field, is_text);
	if (strcmp(type, "LongTextArea") == 0)
		json_object_set_new(component, "visibleLines", json_integer(5));
	else if (strcmp(type, "Checkbox") == 0)
		json_object_set_new(component, "defaultValue", json_false());
	else
		put_flag(component, field, "required");
	if (strcmp(type, "Picklist") == 0)
		json_object_set_new(component, "valueSet", value_set(field));
	if (strcmp(type, "Lookup") == 0)
		put_lookup(component, object, field, relation);
}

json_t *
component_field(const char *full_name, const json_t *object, const json_t *field,
    const char *relation)
{
	const char *help = dest_text(field, "help", NULL);
	json_t *component = json_pack("{s:s, s:s, s:s}", "@type", "CustomField", "fullName",
	    full_name, "type", component_type(object, field));

	put_text(component, "label", dest_text(field, "label", bh_json_str(field, "name")),
	    LABEL_MAX);
	put_text(component, "description",
	    dest_text(field, "description", help != NULL ? help : "Written by Billhook."),
	    DESCRIPTION_MAX);
	if (!is_event(object))
		put_text(component, "inlineHelpText", help, HELP_MAX);
	put_type(component, object, field, relation);
	return component;
}

/* An event is made with its fields; what stands inside has neither type nor object in its name. */
json_t *
component_event(const json_t *object)
{
	const json_t *fields = json_object_get(object, "fields");
	json_t *component = new_object(object), *list = json_array();

	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *field = json_array_get(fields, i);
		json_t *inside = component_field(bh_json_str(field, "name"), object, field, NULL);

		json_object_del(inside, "@type");
		json_array_append_new(list, inside);
	}
	json_object_set_new(component, "eventType", json_string("HighVolume"));
	json_object_set_new(component, "fields", list);
	json_object_set_new(component, "publishBehavior", json_string("PublishImmediately"));
	return component;
}

/* --- record types --------------------------------------------------------- */

/* In metadata a value's slash is written as in an URL. */
static json_t *
stage_name(const char *stage)
{
	struct bh_buf name = BH_BUF_INIT(1024);
	json_t *json;

	for (const char *c = stage; *c != '\0'; c++) {
		if (*c == '/' || *c == '%')
			bh_buf_addf(&name, "%%%02X", (unsigned char)*c);
		else
			bh_buf_addc(&name, *c);
	}
	json = bh_json_string(bh_buf_str(&name));
	bh_buf_release(&name);
	return json;
}

json_t *
component_process(const char *full_name, const json_t *stages)
{
	json_t *values = json_array();

	for (size_t i = 0; i < json_array_size(stages); i++)
		json_array_append_new(values,
		    json_pack("{s:o, s:b}", "fullName",
			stage_name(json_string_value(json_array_get(stages, i))), "default",
			i == 0));
	return json_pack("{s:s, s:s, s:b, s:o}", "@type", "BusinessProcess", "fullName", full_name,
	    "isActive", 1, "values", values);
}

json_t *
component_record_type(const char *full_name, const json_t *record_type)
{
	const char *process = dest_text(record_type, "process", NULL);
	json_t *component =
	    json_pack("{s:s, s:s, s:b}", "@type", "RecordType", "fullName", full_name, "active", 1);

	if (process != NULL)
		json_object_set_new(component, "businessProcess", json_string(process));
	put_text(component, "label",
	    dest_text(record_type, "label", bh_json_str(record_type, "name")), LABEL_MAX);
	put_text(component, "description", dest_text(record_type, "description", NULL), 255);
	return component;
}
