/*
 * The parts of a catalogue: made from it, found again, and everything that can be
 * said of them without asking the portal.
 */
#include "base/base.h"

#include "dest/hubspot_schema.h"

#include "base/text.h"
#include "dest/driver.h"

#define PARTS_MAX 5000
#define NAME_MAX_LEN 100

const char *
hubspot_kind_name(enum hubspot_kind kind)
{
	static const char *const names[KIND__MAX] = {
	    [KIND_OBJECT] = "object",
	    [KIND_GROUP] = "group",
	    [KIND_PROPERTY] = "property",
	    [KIND_ASSOCIATION] = "association",
	    [KIND_EVENT] = "event",
	};

	return names[kind];
}

bool
hubspot_is_custom(const json_t *object)
{
	return bh_json_str(object, "primaryDisplayProperty") != NULL;
}

bool
hubspot_is_event_object(const json_t *object)
{
	return bh_is_json_true(object, "event");
}

bool
hubspot_is_whole(const json_t *object)
{
	return hubspot_is_custom(object) || hubspot_is_event_object(object);
}

const char *
hubspot_part_object(const struct hubspot_part *part)
{
	return bh_json_str(part->object, "name");
}

static const char *
entry_name(const json_t *entry)
{
	return json_is_string(entry) ? json_string_value(entry) : bh_json_str(entry, "name");
}

struct hubspot_part *
hubspot_part_find(const struct hubspot_schema *schema, enum hubspot_kind kind, const json_t *object,
    const char *entry)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		struct hubspot_part *part = &schema->parts[i];

		if (part->kind == kind && part->object == object &&
		    strcmp(entry_name(part->entry), entry) == 0)
			return part;
	}
	return NULL;
}

const char *
hubspot_type_of(const struct hubspot_schema *schema, const char *object)
{
	static const char *const standard[][2] = {
	    {"contacts", "0-1"},
	    {"companies", "0-2"},
	    {"deals", "0-3"},
	    {"tickets", "0-5"},
	    {"products", "0-7"},
	    {"line_items", "0-8"},
	    {"tasks", "0-27"},
	};

	for (size_t i = 0; i < BH_LEN(standard); i++)
		if (strcmp(standard[i][0], object) == 0)
			return standard[i][1];
	return dest_text(json_object_get(schema->types, object), "objectTypeId", NULL);
}

/* --- from the catalogue --------------------------------------------------- */

/* Names become parts of paths and of HubSpot's own names. */
static int
check_name(const char *name, struct bh_err *err)
{
	size_t len;

	if (name == NULL || name[0] == '\0')
		return bh_fail(err, BH_INVALID, "the schema holds a part without a name");
	len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	if (name[len] != '\0' || len > NAME_MAX_LEN || strchr("0123456789_", name[0]) != NULL)
		return bh_fail(err, BH_INVALID, "HubSpot takes no name like %.80s", name);
	return 0;
}

static int
add_part(struct hubspot_schema *schema, enum hubspot_kind kind, const json_t *object,
    const json_t *entry, struct bh_err *err)
{
	static const char *const joints[KIND__MAX] = {
	    [KIND_GROUP] = ": ",
	    [KIND_PROPERTY] = ".",
	    [KIND_ASSOCIATION] = " to ",
	};
	const char *owner = bh_json_str(object, "name"), *name = entry_name(entry);
	struct hubspot_part *part;

	if (check_name(name, err) < 0)
		return -1;
	if (schema->parts_n == PARTS_MAX)
		return bh_fail(err, BH_INVALID, "the schema has more than %d parts", PARTS_MAX);
	schema->parts =
	    bh_xrealloc(schema->parts, (schema->parts_n + 1) * sizeof(schema->parts[0]));
	part = &schema->parts[schema->parts_n++];
	*part = (struct hubspot_part){.kind = kind, .object = object, .entry = entry};
	part->name = joints[kind] == NULL ? bh_xstrdup(name)
					  : bh_xasprintf("%s%s%s", owner, joints[kind], name);
	return 0;
}

static int
add_list(struct hubspot_schema *schema, enum hubspot_kind kind, const json_t *object,
    const char *list, struct bh_err *err)
{
	const json_t *entries = json_object_get(object, list);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_array_size(entries); i++)
		rc = add_part(schema, kind, object, json_array_get(entries, i), err);
	return rc;
}

/* A group is needed for the properties that stand in it. */
static bool
has_members(const json_t *object, const json_t *group)
{
	const json_t *fields = json_object_get(object, "fields");
	const char *name = dest_text(group, "name", "");

	for (size_t i = 0; i < json_array_size(fields); i++)
		if (strcmp(dest_text(json_array_get(fields, i), "groupName", ""), name) == 0)
			return true;
	return false;
}

static int
add_groups(struct hubspot_schema *schema, const json_t *object, struct bh_err *err)
{
	const json_t *groups = json_object_get(object, "groups");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_array_size(groups); i++)
		if (has_members(object, json_array_get(groups, i)))
			rc = add_part(schema, KIND_GROUP, object, json_array_get(groups, i), err);
	return rc;
}

static int
add_object(struct hubspot_schema *schema, const json_t *object, struct bh_err *err)
{
	if (hubspot_is_event_object(object)) {
		if (add_part(schema, KIND_EVENT, object, object, err) < 0)
			return -1;
		return add_list(schema, KIND_PROPERTY, object, "fields", err);
	}
	if (add_part(schema, KIND_OBJECT, object, object, err) < 0)
		return -1;
	if (!hubspot_is_custom(object) &&
	    hubspot_type_of(schema, bh_json_str(object, "name")) == NULL)
		return bh_fail(err, BH_INVALID, "HubSpot has no object %.80s",
		    bh_json_str(object, "name"));
	if (add_groups(schema, object, err) < 0 ||
	    add_list(schema, KIND_PROPERTY, object, "fields", err) < 0)
		return -1;
	return add_list(schema, KIND_ASSOCIATION, object, "associatedObjects", err);
}

int
hubspot_schema_open(struct hubspot_schema *schema, struct dest_config *config,
    const json_t *catalogue, struct bh_err *err)
{
	const json_t *objects = json_object_get(catalogue, "objects");
	int rc = 0;

	*schema = (struct hubspot_schema){.config = config,
	    .types = json_object(),
	    .events = json_object()};
	for (size_t i = 0; rc == 0 && i < json_array_size(objects); i++)
		rc = add_object(schema, json_array_get(objects, i), err);
	return rc;
}

void
hubspot_schema_close(struct hubspot_schema *schema)
{
	for (size_t i = 0; i < schema->parts_n; i++)
		free(schema->parts[i].name);
	free(schema->parts);
	json_decref(schema->types);
	json_decref(schema->events);
	memset(schema, 0, sizeof(*schema));
}

/* --- definitions ------------------------------------------------------------ */

static void
copy_members(json_t *out, const json_t *from, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(from, names[i]);

		if (value != NULL)
			json_object_set(out, names[i], value);
	}
}

json_t *
hubspot_property_json(const json_t *entry, const char *group)
{
	static const char *const members[] = {"name", "label", "type", "fieldType",
	    "hasUniqueValue", "description", "options", "formField"};
	json_t *property = json_object();

	copy_members(property, entry, members, BH_LEN(members));
	if (group != NULL)
		json_object_set_new(property, "groupName", json_string(group));
	return property;
}

static bool
has_field(const json_t *object, const char *name)
{
	const json_t *fields = json_object_get(object, "fields");

	for (size_t i = 0; i < json_array_size(fields); i++)
		if (strcmp(dest_text(json_array_get(fields, i), "name", ""), name) == 0)
			return true;
	return false;
}

/* Display and search may name only properties of the same call. */
static json_t *
known_fields(const json_t *object, const char *list)
{
	const json_t *names = json_object_get(object, list);
	json_t *known = json_array();

	for (size_t i = 0; i < json_array_size(names); i++) {
		json_t *name = json_array_get(names, i);

		if (json_is_string(name) && has_field(object, json_string_value(name)))
			json_array_append(known, name);
	}
	return known;
}

/* Those that have a type id by now; others are tied once they are there. */
static json_t *
known_types(const struct hubspot_schema *schema, const json_t *object)
{
	const json_t *names = json_object_get(object, "associatedObjects");
	json_t *known = json_array();

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		const char *type = name != NULL ? hubspot_type_of(schema, name) : NULL;

		if (type != NULL)
			json_array_append_new(known, json_string(type));
	}
	return known;
}

json_t *
hubspot_object_json(const struct hubspot_schema *schema, const json_t *object)
{
	static const char *const members[] = {"name", "labels", "description",
	    "primaryDisplayProperty"};
	static const char *const lists[] = {"secondaryDisplayProperties", "searchableProperties",
	    "requiredProperties"};
	const json_t *fields = json_object_get(object, "fields");
	json_t *made = json_object(), *properties = json_array();

	copy_members(made, object, members, BH_LEN(members));
	for (size_t i = 0; i < BH_LEN(lists); i++)
		json_object_set_new(made, lists[i], known_fields(object, lists[i]));
	for (size_t i = 0; i < json_array_size(fields); i++)
		json_array_append_new(properties,
		    hubspot_property_json(json_array_get(fields, i), NULL));
	json_object_set_new(made, "properties", properties);
	json_object_set_new(made, "associatedObjects", known_types(schema, object));
	json_object_set_new(made, "allowsSensitiveProperties", json_false());
	return made;
}

/* --- does it fit -------------------------------------------------------------- */

static bool
has_option(const json_t *options, const char *value)
{
	for (size_t i = 0; i < json_array_size(options); i++)
		if (strcmp(dest_text(json_array_get(options, i), "value", ""), value) == 0)
			return true;
	return false;
}

/* The first value that the property does not take; NULL. */
static const char *
lacking_option(const json_t *found, const json_t *entry)
{
	const json_t *wanted = json_object_get(entry, "options");

	for (size_t i = 0; i < json_array_size(wanted); i++) {
		const char *value = dest_text(json_array_get(wanted, i), "value", "");

		if (!has_option(json_object_get(found, "options"), value))
			return value;
	}
	return NULL;
}

/* A choice between true and false takes what a bool takes. */
static bool
is_type(const json_t *found, const char *wanted)
{
	const char *type = dest_text(found, "type", "");

	return strcmp(type, wanted) == 0 ||
	       (strcmp(wanted, "bool") == 0 && strcmp(type, "enumeration") == 0);
}

bool
hubspot_property_fits(const json_t *found, const json_t *entry, char *detail, size_t size)
{
	const char *wanted = dest_text(entry, "type", "");
	const char *option;

	detail[0] = '\0';
	if (!is_type(found, wanted)) {
		snprintf(detail, size, "is %.40s, wanted %.40s; it is not changed",
		    dest_text(found, "type", "of no type"), wanted);
	} else if (bh_is_json_true(entry, "hasUniqueValue") &&
		   !bh_is_json_true(found, "hasUniqueValue")) {
		snprintf(detail, size,
		    "does not have unique values, and HubSpot cannot change that later");
	} else if (bh_is_json_true(found, "calculated") ||
		   bh_is_json_true(found, "modificationMetadata.readOnlyValue")) {
		snprintf(detail, size, "cannot be written");
	} else {
		option = lacking_option(found, entry);
		if (option != NULL)
			snprintf(detail, size, "lacks the option %.60s; it is not changed", option);
	}
	return detail[0] == '\0';
}
