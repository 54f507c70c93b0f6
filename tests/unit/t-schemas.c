/* Schemas: what their CRM allows, and that a preset writes all that is installed. */
#include "base/base.h"

#include "base/text.h"
#include "presets.h"

/* Installed for what no mapping writes: tasks come from automations. */
static const char *const unmapped[] = {"Activity", "tasks"};

/* "to" of all rows of a mapped object, and its key and lookups. */
static bool
is_written_by(const json_t *mapped, const char *to)
{
	json_t *entry;
	size_t k;

	if (strcmp(bh_json_str(mapped, "key"), to) == 0)
		return true;
	json_array_foreach (json_object_get(mapped, "fields"), k, entry) {
		if (strcmp(bh_json_str(entry, "to"), to) == 0)
			return true;
	}
	json_array_foreach (json_object_get(mapped, "parents"), k, entry) {
		if (bh_json_str(entry, "to") != NULL && strcmp(bh_json_str(entry, "to"), to) == 0)
			return true;
	}
	return false;
}

/* object: the CRM's, where presets name it; HubSpot's are settings. */
static bool
is_used(const json_t *preset, const char *object, const char *to)
{
	json_t *mapped;
	size_t i;

	json_array_foreach (json_object_get(preset, "objects"), i, mapped) {
		if ((object == NULL || strcmp(bh_json_str(mapped, "to"), object) == 0) &&
		    is_written_by(mapped, to))
			return true;
	}
	return false;
}

static bool
is_unmapped(const char *object)
{
	size_t i = 0;

	while (object != NULL && i < BH_LEN(unmapped) && strcmp(unmapped[i], object) != 0)
		i++;
	return object != NULL && i < BH_LEN(unmapped);
}

static void
check_used(const struct preset *preset, const char *object, const json_t *list)
{
	json_t *field;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, field) {
		const char *name = bh_json_str(field, "name");
		bool used = false;

		for (size_t p = 0; p < BH_LEN(presets); p++) {
			json_t *json;

			if (strcmp(presets[p].schema, preset->schema) != 0)
				continue;
			json = read_json("presets", presets[p].name);
			used = used || is_used(json, object, name);
			json_decref(json);
		}
		if (used == is_unmapped(object))
			fail_msg("%s: %s is %s", preset->schema, name,
			    used ? "written after all" : "written by no preset");
	}
}

/* What is installed is written by somebody. */
static void
test_schemas_used(void **state BH_UNUSED)
{
	for (size_t p = 0; p < BH_LEN(presets); p++) {
		json_t *schema = read_json("presets/schema", presets[p].schema), *item;
		bool is_hubspot = strcmp(presets[p].schema, "hubspot") == 0;
		size_t i;

		json_array_foreach (json_object_get(schema, "objects"), i, item) {
			const char *name = bh_json_str(item, "name");

			check_used(&presets[p], is_hubspot && !is_unmapped(name) ? NULL : name,
			    json_object_get(item, "fields"));
		}
		json_decref(schema);
	}
}

static bool
is_api_name(const char *name, const char *first, const char *more, size_t max)
{
	size_t len = strspn(name, more);

	return strchr(first, name[0]) != NULL && len <= max && name[len] == '\0' && len > 0 &&
	       strstr(name, "__") == NULL && name[len - 1] != '_';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What a field of each type must and must not have (Metadata API). */
static void
check_type(const json_t *field)
{
	const char *type = bh_json_str(field, "type");
	int64_t length = bh_json_int(field, "length", 0),
		precision = bh_json_int(field, "precision", 0),
		scale = bh_json_int(field, "scale", -1);
	bool is_number = strcmp(type, "Number") == 0 || strcmp(type, "Currency") == 0 ||
			 strcmp(type, "Percent") == 0;
	bool is_list = strcmp(type, "Picklist") == 0;

	if (strcmp(type, "Lookup") != 0 && find_type(type) == NULL)
		fail_msg("%s: unknown type %s", bh_json_str(field, "name"), type);
	assert_int_equal(strcmp(type, "Text") == 0, length >= 1 && length <= 255);
	assert_int_equal(strcmp(type, "LongTextArea") == 0, length >= 256 && length <= 131072);
	assert_int_equal(is_number, precision >= 16 && precision <= 18 && scale >= 0);
	assert_int_equal(is_list, json_array_size(json_object_get(field, "values")) > 0);
	/* A new word of the billing system must not break the sync. */
	if (is_list)
		assert_true(json_is_false(json_object_get(field, "restricted")));
	if (bh_is_json_true(field, "externalId"))
		assert_true(bh_is_json_true(field, "unique") &&
			    bh_is_json_true(field, "caseSensitive") && strcmp(type, "Text") == 0);
	assert_int_equal(strcmp(type, "Lookup") == 0, bh_json_str(field, "referenceTo") != NULL);
}

/* Only these types are there in a platform event, and nothing in it is a key. */
static void
check_event_field(const json_t *field)
{
	static const char *const types[] = {"Checkbox", "Date", "DateTime", "Number", "Text",
	    "LongTextArea"};
	const char *type = bh_json_str(field, "type");
	size_t i = 0;

	while (i < BH_LEN(types) && strcmp(types[i], type) != 0)
		i++;
	if (i == BH_LEN(types))
		fail_msg("%s: no event has a %s", bh_json_str(field, "name"), type);
	assert_null(json_object_get(field, "externalId"));
	assert_null(json_object_get(field, "unique"));
}

static void
check_salesforce_field(const json_t *field, const char *object)
{
	const char *name = bh_json_str(field, "name"), *help = bh_json_str(field, "help");
	char *bare = bh_xstrdup(name);
	size_t len = strlen(name);
	bool is_standard_object = !bh_has_suffix(object, "__c") && !bh_has_suffix(object, "__e");

	assert_true(len > 3 && strcmp(name + len - 3, "__c") == 0);
	bare[len - 3] = '\0';
	if (!is_api_name(bare, LOWER UPPER, LOWER UPPER DIGITS "_", 40))
		fail_msg("%s is no API name", name);
	free(bare);
	if (is_standard_object && strncmp(name, "Billhook_", 9) != 0)
		fail_msg("%s.%s could be somebody else's", object, name);
	if (strlen(bh_json_str(field, "label")) > 40)
		fail_msg("%s: the label is too long", name);
	if (help != NULL && (strlen(help) > 255 || help[strlen(help) - 1] != '.'))
		fail_msg("%s: the help is no sentence of at most 255 bytes", name);
	/* Required fields cannot be granted, and cannot be left out of a write. */
	assert_int_equal(bh_is_json_true(field, "required"),
	    strcmp(name, "Event_Id__c") == 0 && bh_has_suffix(object, "__e"));
	check_type(field);
	if (bh_has_suffix(object, "__e"))
		check_event_field(field);
}

/* The objects that it looks up are made with it, or are there. */
static void
check_lookup(const json_t *objects, const json_t *field)
{
	const char *to = bh_json_str(field, "referenceTo");

	if (to != NULL && find_named(objects, to) == NULL)
		fail_msg("%s looks up %s", bh_json_str(field, "name"), to);
}

static void
check_salesforce_object(const json_t *objects, const json_t *object)
{
	const char *name = bh_json_str(object, "name"), *label = bh_json_str(object, "label");
	json_t *fields = json_object_get(object, "fields"), *field;
	size_t k, keys = 0;

	if (bh_has_suffix(name, "__c") || bh_has_suffix(name, "__e")) {
		assert_true(label != NULL && strlen(label) <= 40);
		assert_true(strlen(bh_json_str(object, "plural")) <= 40);
		assert_true(strlen(bh_json_str(object, "description")) <= 1000);
		assert_int_equal(bh_has_suffix(name, "__e"), bh_is_json_true(object, "event"));
		if (bh_has_suffix(name, "__c"))
			assert_string_equal(bh_json_str(object, "nameField.type"), "Text");
	}
	json_array_foreach (fields, k, field) {
		check_salesforce_field(field, name);
		check_lookup(objects, field);
		keys += bh_is_json_true(field, "externalId");
		/* Names come once: the first of this name is this one. */
		assert_ptr_equal(find_named(fields, bh_json_str(field, "name")), field);
	}
	assert_in_range(keys, 0, 25);
}

static void
test_salesforce_schema(void **state BH_UNUSED)
{
	json_t *schema = read_json("presets/schema", "salesforce"), *object,
	       *objects = json_object_get(schema, "objects"), *stages;
	size_t i;

	json_array_foreach (objects, i, object) {
		check_salesforce_object(objects, object);
		assert_ptr_equal(find_named(objects, bh_json_str(object, "name")), object);
	}
	assert_true(is_api_name(bh_json_str(schema, "permissionSet.name"), LOWER UPPER,
	    LOWER UPPER DIGITS "_", 80));
	assert_non_null(bh_json_str(schema, "permissionSet.label"));
	stages = (json_t *)(uintptr_t)bh_json_at(find_named(objects, "Opportunity"),
	    "recordTypes.0.stages");
	assert_int_equal(json_array_size(stages), 4);
	json_decref(schema);
}

static void
check_property(const json_t *property)
{
	static const char *const forms[][2] = {
	    {"string", "text"},
	    {"string", "file"},
	    {"number", "number"},
	    {"date", "date"},
	    {"datetime", "date"},
	    {"bool", "booleancheckbox"},
	    {"enumeration", "radio"},
	};
	const char *name = bh_json_str(property, "name"), *type = bh_json_str(property, "type");
	size_t i = 0, options = json_array_size(json_object_get(property, "options"));

	if (!is_api_name(name, LOWER, LOWER DIGITS "_", 100))
		fail_msg("%s is no name of a property", name);
	assert_non_null(bh_json_str(property, "label"));
	while (
	    i < BH_LEN(forms) && (strcmp(forms[i][0], type) != 0 ||
				     strcmp(forms[i][1], bh_json_str(property, "fieldType")) != 0))
		i++;
	if (i == BH_LEN(forms))
		fail_msg("%s: the type does not go with its field type", name);
	if (strcmp(type, "bool") == 0) {
		assert_int_equal(options, 2);
		assert_string_equal(bh_json_str(property, "options.0.value"), "true");
		assert_string_equal(bh_json_str(property, "options.1.value"), "false");
	} else {
		assert_int_equal(strcmp(type, "enumeration") == 0, options > 0);
	}
}

static void
check_properties(const json_t *list, const char *group, size_t keys)
{
	json_t *property;
	size_t i, unique = 0;

	json_array_foreach ((json_t *)(uintptr_t)list, i, property) {
		check_property(property);
		assert_ptr_equal(find_named(list, bh_json_str(property, "name")), property);
		if (group != NULL)
			assert_string_equal(bh_json_str(property, "groupName"), group);
		else
			assert_null(bh_json_str(property, "groupName"));
		unique += bh_is_json_true(property, "hasUniqueValue");
	}
	assert_int_equal(unique, keys);
}

/* Every name in the list is a property of the object, required ones even where no mapping names them. */
static void
check_listed(const json_t *schema, const char *list, size_t max)
{
	json_t *names = json_object_get(schema, list), *name;
	size_t i;

	assert_in_range(json_array_size(names), 1, max);
	json_array_foreach (names, i, name) {
		const json_t *field =
		    find_named(json_object_get(schema, "fields"), json_string_value(name));

		assert_non_null(field);
		if (strcmp(list, "requiredProperties") == 0)
			assert_true(bh_is_json_true(field, "required"));
	}
}

static void
check_custom(const json_t *object)
{
	const json_t *fields = json_object_get(object, "fields");
	const json_t *display = find_named(fields, bh_json_str(object, "primaryDisplayProperty"));

	assert_true(
	    is_api_name(bh_json_str(object, "name"), LOWER UPPER, LOWER UPPER DIGITS "_", 50));
	assert_non_null(bh_json_str(object, "labels.singular"));
	assert_non_null(bh_json_str(object, "labels.plural"));
	assert_true(bh_is_json_true(display, "required"));
	/* By it a removal knows Billhook's objects from others of the same name. */
	assert_non_null(strstr(bh_json_str(object, "description"), "kept by Billhook"));
	check_listed(object, "secondaryDisplayProperties", 2);
	check_listed(object, "searchableProperties", 20);
	check_listed(object, "requiredProperties", 1);
	assert_string_equal(bh_json_str(object, "associatedObjects.0"), "companies");
	assert_string_equal(bh_json_str(object, "associatedObjects.1"), "contacts");
	check_properties(fields, NULL, 1);
}

static void
check_standard(const json_t *object)
{
	const char *name = bh_json_str(object, "name");

	bool is_task = strcmp(name, "tasks") == 0;

	assert_true(strcmp(name, "companies") == 0 || strcmp(name, "contacts") == 0 ||
		    strcmp(name, "deals") == 0 || is_task);
	assert_string_equal(bh_json_str(object, "groups.0.name"), "billhook");
	/* Lago's key and Billhook's; of a deal the recovery's and the subscription's; ten are allowed. */
	check_properties(json_object_get(object, "fields"), "billhook", is_task ? 1 : 2);
}

/* A custom event: its properties have neither group nor field type, and few types. */
static void
check_event(const json_t *object)
{
	static const char *const types[] = {"string", "number", "enumeration", "datetime"};
	json_t *fields = json_object_get(object, "fields"), *field;
	char *bare = bh_xstrdup(bh_json_str(object, "name"));
	size_t k, t;

	assert_true(bh_has_suffix(bare, "__e"));
	bare[strlen(bare) - 3] = '\0';
	assert_true(is_api_name(bare, LOWER, LOWER DIGITS "_", 50));
	free(bare);
	assert_non_null(strstr(bh_json_str(object, "description"), "by Billhook"));
	assert_in_range(json_array_size(fields), 1, 50);
	json_array_foreach (fields, k, field) {
		assert_true(is_api_name(bh_json_str(field, "name"), LOWER, LOWER DIGITS "_", 50));
		assert_non_null(bh_json_str(field, "label"));
		assert_null(json_object_get(field, "fieldType"));
		for (t = 0; strcmp(types[t], bh_json_str(field, "type")) != 0;)
			assert_in_range(++t, 0, BH_LEN(types) - 1);
	}
}

static void
test_hubspot_schema(void **state BH_UNUSED)
{
	json_t *schema = read_json("presets/schema", "hubspot"), *object;
	json_t *objects = json_object_get(schema, "objects");
	size_t i;

	assert_int_equal(json_array_size(objects), 13);
	json_array_foreach (objects, i, object) {
		assert_ptr_equal(find_named(objects, bh_json_str(object, "name")), object);
		if (bh_json_str(object, "primaryDisplayProperty") != NULL)
			check_custom(object);
		else if (bh_is_json_true(object, "event"))
			check_event(object);
		else
			check_standard(object);
	}
	json_decref(schema);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_schemas_used),
	    cmocka_unit_test(test_salesforce_schema),
	    cmocka_unit_test(test_hubspot_schema),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
