/* For the tests of presets that map: as a sync with everything switched on, in a CRM that has the schema. */
#ifndef TESTS_UNIT_PRESETS_MAP_H
#define TESTS_UNIT_PRESETS_MAP_H

#include "map/map.h"
#include "map/shape.h"
#include "presets.h"

/* Standard fields that presets may write: type and length as the CRM describes them. */
struct standard {
	const char *object, *field;
	enum record_type type;
	size_t length;
};

static const struct standard standards[] = {
    {"Account", "Name", RECORD_TEXT, 255},
    {"Account", "Website", RECORD_TEXT, 255},
    {"Account", "Phone", RECORD_TEXT, 40},
    {"Account", "BillingStreet", RECORD_TEXT, 255},
    {"Account", "BillingCity", RECORD_TEXT, 40},
    {"Account", "BillingState", RECORD_TEXT, 80},
    {"Account", "BillingPostalCode", RECORD_TEXT, 20},
    {"Account", "BillingCountry", RECORD_TEXT, 80},
    {"Contact", "Email", RECORD_TEXT, 80},
    {"Contact", "FirstName", RECORD_TEXT, 40},
    {"Contact", "LastName", RECORD_TEXT, 80},
    {"Contact", "Phone", RECORD_TEXT, 40},
    {"Contact", "Title", RECORD_TEXT, 128},
    {"Opportunity", "Name", RECORD_TEXT, 120},
    {"Opportunity", "StageName", RECORD_ENUM, 0},
    {"Opportunity", "CloseDate", RECORD_DATE, 0},
    {"Opportunity", "Amount", RECORD_NUMBER, 0},
    {"Opportunity", "RecordTypeId", RECORD_TEXT, 18},
    {"Opportunity", "OwnerId", RECORD_TEXT, 18},
    {"companies", "name", RECORD_TEXT, 65536},
    {"companies", "domain", RECORD_TEXT, 65536},
    {"companies", "phone", RECORD_TEXT, 65536},
    {"companies", "address", RECORD_TEXT, 65536},
    {"companies", "address2", RECORD_TEXT, 65536},
    {"companies", "city", RECORD_TEXT, 65536},
    {"companies", "state", RECORD_TEXT, 65536},
    {"companies", "zip", RECORD_TEXT, 65536},
    {"companies", "country", RECORD_TEXT, 65536},
    {"contacts", "email", RECORD_TEXT, 65536},
    {"contacts", "firstname", RECORD_TEXT, 65536},
    {"contacts", "lastname", RECORD_TEXT, 65536},
    {"contacts", "company", RECORD_TEXT, 65536},
    {"contacts", "website", RECORD_TEXT, 65536},
    {"contacts", "phone", RECORD_TEXT, 65536},
    {"contacts", "address", RECORD_TEXT, 65536},
    {"contacts", "city", RECORD_TEXT, 65536},
    {"contacts", "state", RECORD_TEXT, 65536},
    {"contacts", "zip", RECORD_TEXT, 65536},
    {"contacts", "country", RECORD_TEXT, 65536},
    {"deals", "dealname", RECORD_TEXT, 65536},
    {"deals", "amount", RECORD_NUMBER, 0},
    {"deals", "closedate", RECORD_TIME, 0},
    {"deals", "pipeline", RECORD_ENUM, 0},
    {"deals", "dealstage", RECORD_ENUM, 0},
    {"deals", "hubspot_owner_id", RECORD_TEXT, 65536},
    {"billhook_recovery_event__e", "occurredAt", RECORD_TIME, 0},
    {"billhook_recovery_event__e", "email", RECORD_TEXT, 256},
};

static inline const struct standard *
find_standard(const char *object, const char *field)
{
	for (size_t i = 0; i < BH_LEN(standards); i++) {
		if (strcmp(standards[i].object, object) == 0 &&
		    strcmp(standards[i].field, field) == 0)
			return &standards[i];
	}
	return NULL;
}

static inline bool
is_salesforce(const struct preset *preset)
{
	return strcmp(preset->schema, "salesforce") == 0;
}

/*
 * Everything that can be switched on is.  The settings of a HubSpot sync put
 * the names of custom objects where the type ids will be.
 */
static inline json_t *
settings_for(const struct preset *preset, const char *customer_object)
{
	static const char *const switches[] = {"accounts", "contacts", "opportunities",
	    "invoice_lines", "recovery_events", "event_log", "deals", "custom_objects"};
	bool is_lago = strcmp(preset->name, "lago-hubspot") == 0;
	json_t *settings =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "customer_object", customer_object,
		"subscription_object", is_lago ? "LagoSubscriptions" : "BillhookSubscriptions",
		"invoice_object", is_lago ? "LagoInvoices" : "BillhookInvoices", "owner",
		"005000000000001AAA", "recovery_record_type", "012000000000001AAA",
		"subscription_record_type", "012000000000002AAA");

	for (size_t i = 0; i < BH_LEN(switches); i++)
		json_object_set_new(settings, switches[i], json_string("yes"));
	return settings;
}

/* A field's entry in the schema, wherever the schema keeps it; NULL when it is not there. */
static inline const json_t *
find_field(const json_t *schema, const char *object, const char *field)
{
	const json_t *entry = find_named(json_object_get(schema, "objects"), object);

	return find_named(json_object_get(entry, "fields"), field);
}

/* As the CRM would describe the field once the schema is installed. */
static inline bool
is_described(void *arg, const char *object, const char *field, struct map_limit *limit_r)
{
	const struct standard *standard = find_standard(object, field);
	const json_t *entry = find_field(arg, object, field);
	const struct type_word *type;

	if (standard != NULL) {
		*limit_r = (struct map_limit){.type = standard->type,
		    .length = standard->length,
		    .scale = -1};
		return true;
	}
	/* The name field of a Salesforce object that we make. */
	if (entry == NULL && strcmp(field, "Name") == 0 &&
	    bh_json_str(find_named(json_object_get(arg, "objects"), object), "nameField.label") !=
		NULL) {
		*limit_r = (struct map_limit){.type = RECORD_TEXT, .length = 80, .scale = -1};
		return true;
	}
	if (entry == NULL)
		return false;
	type = find_type(bh_json_str(entry, "type"));
	if (type == NULL)
		return false;
	limit_r->type = type->type;
	limit_r->length = (size_t)bh_json_int(entry, "length", (int64_t)type->length);
	limit_r->scale = (int)bh_json_int(entry, "scale", -1);
	limit_r->digits =
	    limit_r->scale >= 0 ? (int)bh_json_int(entry, "precision", 0) - limit_r->scale : 0;
	/* Only a restricted list refuses other values. */
	if (bh_is_json_true(entry, "restricted"))
		limit_r->options = json_object_get(entry, "values");
	return true;
}

static inline struct map *
load_map(const char *name, const json_t *settings, json_t **json_r)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *preset = read_json("presets", name);
	struct map *map;

	if (map_shape(preset, settings, NULL, NULL, json_r, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	json_decref(preset);
	if (map_new(*json_r, &map, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return map;
}

/* NULL when the mapping leaves the object out. */
static inline struct record *
render(const struct map *map, size_t index, const json_t *object, const struct map_context *context)
{
	struct bh_err err = BH_ERR_INIT;
	struct record *record;
	enum map_verdict verdict;

	if (map_render(map, index, "id_1", object, context, &verdict, &record, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(verdict == MAP_FILTERED, record == NULL);
	return record;
}

static inline const struct record_field *
find_written(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->fields_n; i++) {
		if (strcmp(record->fields[i].name, name) == 0)
			return &record->fields[i];
	}
	return NULL;
}

#endif
