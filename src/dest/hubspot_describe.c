/*
 * HubSpot: the properties of an object type.  The answer does not tell which
 * of them are required on create; a portal's own rules appear as refusals.
 */
#include "base/base.h"

#include <strings.h>

#include "dest/driver.h"
#include "dest/hubspot.h"

static enum record_type
type_of(const char *name)
{
	static const struct {
		const char *name;
		enum record_type type;
	} types[] = {
	    {"number", RECORD_NUMBER},
	    {"bool", RECORD_BOOL},
	    {"date", RECORD_DATE},
	    {"datetime", RECORD_TIME},
	    {"enumeration", RECORD_ENUM},
	};

	for (size_t i = 0; i < BH_LEN(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return RECORD_TEXT;
}

/* The allowed values; NULL where HubSpot takes them from elsewhere (owners). */
static json_t *
options_of(const json_t *property)
{
	const json_t *options = json_object_get(property, "options");
	json_t *values;

	if (bh_is_json_true(property, "externalOptions") || json_array_size(options) == 0)
		return NULL;
	values = json_array();
	for (size_t i = 0; i < json_array_size(options); i++) {
		json_t *value = json_object_get(json_array_get(options, i), "value");

		if (json_is_string(value))
			json_array_append(values, value);
	}
	return values;
}

static bool
is_writable(const json_t *property)
{
	return !bh_is_json_true(property, "calculated") &&
	       !bh_is_json_true(property, "modificationMetadata.readOnlyValue");
}

static void
read_field(struct dest_field *field, const json_t *property)
{
	const char *name = bh_json_str(property, "name");

	field->name = bh_xstrdup(name);
	field->label = bh_xstrdup(dest_text(property, "label", name));
	field->type = type_of(dest_text(property, "type", ""));
	field->writable = is_writable(property);
	field->unique = bh_is_json_true(property, "hasUniqueValue");
	if (field->type == RECORD_TEXT)
		field->length = HUBSPOT_TEXT_MAX;
	if (field->type == RECORD_ENUM)
		field->options = options_of(property);
}

static struct dest_object *
read_object(const char *name, const json_t *properties)
{
	struct dest_object *object = bh_xcalloc(1, sizeof(*object));

	object->name = bh_xstrdup(name);
	object->fields = bh_xcalloc(json_array_size(properties) + 1, sizeof(object->fields[0]));
	for (size_t i = 0; i < json_array_size(properties); i++) {
		const json_t *property = json_array_get(properties, i);

		if (dest_text(property, "name", NULL) != NULL &&
		    !bh_is_json_true(property, "archived"))
			read_field(&object->fields[object->fields_n++], property);
	}
	return object;
}

/* The key of a task stands in its body, and takes room there. */
static void
add_body_key(struct dest_object *object)
{
	struct dest_field *field;

	for (size_t i = 0; i < object->fields_n; i++)
		if (strcmp(object->fields[i].name, "hs_task_body") == 0)
			object->fields[i].length = HUBSPOT_TEXT_MAX - HUBSPOT_BODY_MARK;
	object->fields =
	    bh_xrealloc(object->fields, (object->fields_n + 1) * sizeof(object->fields[0]));
	field = &object->fields[object->fields_n++];
	*field = (struct dest_field){.name = bh_xstrdup(HUBSPOT_BODY_KEY),
	    .label = bh_xstrdup("Billhook's key, in the last line of the body"),
	    .writable = true,
	    .unique = true};
}

static void
cut_lengths(struct dest_object *event)
{
	for (size_t i = 0; i < event->fields_n; i++)
		if (event->fields[i].type == RECORD_TEXT)
			event->fields[i].length = hubspot_event_length(event->fields[i].name);
}

/* Where the definition stands; owned by the caller.  NULL: the portal's number cannot be had. */
static char *
path_of(struct dest_config *config, const char *object, struct bh_err *err)
{
	char *name, *path;

	if (!hubspot_is_event(object))
		return hubspot_path(config, "/crm/properties/{v}/{a}", object, NULL);
	if (hubspot_know_portal(config, err) < 0)
		return NULL;
	name = hubspot_event_full_name(config, object);
	path = hubspot_event_path(config, "event-definitions/{n}", name);
	free(name);
	return path;
}

static struct dest_object *
object_of(const char *name, const json_t *properties)
{
	struct dest_object *object = read_object(name, properties);

	if (hubspot_is_event(name)) {
		cut_lengths(object);
		hubspot_event_members(object);
	} else if (hubspot_is_task(name)) {
		add_body_key(object);
	}
	return object;
}

int
hubspot_describe(struct dest_config *config, const char *object, struct dest_object **object_r,
    struct bh_err *err)
{
	char *path = path_of(config, object, err);
	const json_t *properties;
	json_t *body;
	int rc;

	*object_r = NULL;
	if (path == NULL)
		return -1;
	rc = hubspot_get(config, path, &body, err);
	free(path);
	if (rc < 0)
		return bh_during(err, "properties of %.64s", object);
	properties = json_object_get(body, hubspot_is_event(object) ? "properties" : "results");
	if (json_is_array(properties))
		*object_r = object_of(object, properties);
	else
		rc = bh_fail(err, BH_UNAVAILABLE, "HubSpot's answer lists no properties of %.64s",
		    object);
	json_decref(body);
	return rc;
}

/* --- custom objects ----------------------------------------------------- */

/* Only of these one call tells of all. */
static bool
is_custom(const char *name)
{
	return hubspot_is_bare(name) || strncmp(name, "2-", 2) == 0;
}

static bool
is_named(const json_t *schema, const char *name)
{
	return strcasecmp(dest_text(schema, "name", ""), name) == 0 ||
	       strcmp(dest_text(schema, "objectTypeId", ""), name) == 0;
}

/* What is not among them is asked by itself, which tells why. */
static void
take_schemas(const json_t *schemas, const char *const *names, size_t n,
    struct dest_object **objects_r, bool *is_asked_r)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < json_array_size(schemas) && is_custom(names[i]); k++) {
			const json_t *schema = json_array_get(schemas, k);
			const json_t *properties = json_object_get(schema, "properties");

			if (objects_r[i] != NULL || !is_named(schema, names[i]) ||
			    json_array_size(properties) == 0)
				continue;
			objects_r[i] = read_object(names[i], properties);
			is_asked_r[i] = true;
		}
	}
}

int
hubspot_describe_many(struct dest_config *config, const char *const *names, size_t n,
    struct dest_object **objects_r, bool *is_asked_r, struct bh_err *err)
{
	size_t custom = 0;
	json_t *body;
	char *path;
	int rc;

	for (size_t i = 0; i < n; i++) {
		objects_r[i] = NULL;
		is_asked_r[i] = false;
		custom += is_custom(names[i]);
	}
	if (custom < 2 || !is_custom(names[0]))
		return 0;
	path = hubspot_path(config,
	    "/crm-object-schemas/{v}/schemas?includePropertyDefinitions=true"
	    "&includeAssociationDefinitions=false&includeAuditMetadata=false",
	    NULL, NULL);
	rc = hubspot_get(config, path, &body, err);
	free(path);
	if (rc < 0)
		return bh_during(err, "properties of custom objects");
	take_schemas(json_object_get(body, "results"), names, n, objects_r, is_asked_r);
	json_decref(body);
	return 0;
}
