/* Presets against fields.def, against their CRM's schema, and with sample objects (schemas: t-schemas). */
#include "base/base.h"

#include "base/json.h"
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
};

/* The settings of a HubSpot sync put the names of custom objects where the type ids will be. */
static json_t *
settings_for(const struct preset *preset, const char *customer_object)
{
	bool is_lago = strcmp(preset->schema, "hubspot-lago") == 0;

	return json_pack("{s:s, s:s, s:s}", "customer_object", customer_object,
	    "subscription_object", is_lago ? "LagoSubscriptions" : "BillhookSubscriptions",
	    "invoice_object", is_lago ? "LagoInvoices" : "BillhookInvoices");
}

/* A field's entry in the schema, wherever the schema keeps it; NULL when it is not there. */
static const json_t *
find_field(const json_t *schema, const char *object, const char *field)
{
	const json_t *list = json_object_get(json_object_get(schema, "properties"), object);

	if (list == NULL)
		list = json_object_get(find_named(json_object_get(schema, "schemas"), object),
		    "properties");
	if (list == NULL)
		list = json_object_get(find_named(json_object_get(schema, "objects"), object),
		    "fields");
	return find_named(list, field);
}

/* As the CRM would describe the field once the schema is installed. */
static bool
is_described(void *arg, const char *object, const char *field, struct map_limit *limit_r)
{
	const json_t *entry = find_field(arg, object, field);
	const struct type_word *type;

	for (size_t i = 0; i < BH_LEN(standards); i++) {
		if (strcmp(standards[i].object, object) == 0 &&
		    strcmp(standards[i].field, field) == 0) {
			*limit_r = (struct map_limit){.type = standards[i].type,
			    .length = standards[i].length,
			    .scale = -1};
			return true;
		}
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

/* A value of each type, so that a sample can have every field there is. */
static json_t *
sample_value(const struct object_field *field)
{
	switch (field->type) {
	case FIELD_URL:
		return json_string("https://example.com/a");
	case FIELD_EMAIL:
		return json_string("ada@example.com");
	case FIELD_DATE:
		return json_string("2026-11-22");
	case FIELD_TIME:
		return json_string("2026-11-22T10:11:12Z");
	case FIELD_MONEY:
	case FIELD_INT:
		return json_integer(1234);
	case FIELD_DECIMAL:
		return json_string("2.5");
	case FIELD_BOOL:
		return json_true();
	case FIELD_JSON:
		return json_object();
	case FIELD_TEXT:
	case FIELD_ENUM:
	case FIELD_NONE:
	case FIELD__MAX:
		break;
	}
	return json_string(strcmp(field->name, "currency") == 0       ? "EUR"
			   : strcmp(field->name, "interval") == 0     ? "month"
			   : strcmp(field->name, "billing_time") == 0 ? "calendar"
								      : "active");
}

/* Every canonical field of a kind, or all of them null. */
static json_t *
sample(enum object_kind kind, bool filled)
{
	struct bh_err err = BH_ERR_INIT;
	const struct object_field *fields;
	json_t *object = json_object();
	size_t n;

	fields = object_fields(&n);
	for (size_t i = 0; i < n; i++) {
		if (fields[i].kind == kind)
			json_object_set_new(object, fields[i].name,
			    filled ? sample_value(&fields[i]) : json_null());
	}
	assert_int_equal(object_check(kind, object, &err), 0);
	return object;
}

static const struct record_field *
find_written(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->fields_n; i++) {
		if (strcmp(record->fields[i].name, name) == 0)
			return &record->fields[i];
	}
	return NULL;
}

/* The JSON type that record.h promises. */
static void
check_written(const struct record *record, const struct record_field *field)
{
	bool good = json_is_null(field->value) ||
		    (field->type == RECORD_BOOL ? json_is_boolean(field->value)
						: json_is_string(field->value));

	if (!good)
		fail_msg("%s.%s: a value of the wrong JSON type", record->object, field->name);
}

/* Every field must be one that the CRM has, and get the same type with and without description. */
static void
check_record(const struct preset *preset, const json_t *schema, const struct record *record,
    const struct record *blind)
{
	struct map_limit limit;

	assert_int_equal(record->fields_n, blind->fields_n);
	for (size_t i = 0; i < record->fields_n; i++) {
		const struct record_field *field = &record->fields[i];
		enum record_type type = blind->fields[i].type;

		limit = (struct map_limit){.scale = -1};
		if (!is_described((void *)(uintptr_t)schema, record->object, field->name, &limit))
			fail_msg("%s: %s has no field %s", preset->name, record->object,
			    field->name);
		check_written(record, field);
		check_written(blind, &blind->fields[i]);
		/* Words may be kept in a text. */
		if (limit.type == RECORD_TEXT && type == RECORD_ENUM)
			type = RECORD_TEXT;
		if (limit.type != type)
			fail_msg("%s: %s.%s is of type %d in the schema, %d by the mapping",
			    preset->name, record->object, field->name, (int)limit.type, (int)type);
	}
}

static void
check_key(const struct preset *preset, const json_t *schema, const struct record *record)
{
	const json_t *key = find_field(schema, record->object, record->key_field);

	if (!bh_is_json_true(key, "externalId") && !bh_is_json_true(key, "hasUniqueValue"))
		fail_msg("%s: %s.%s is no key", preset->name, record->object, record->key_field);
	assert_true(bh_is_json_true(key, "unique") || bh_is_json_true(key, "hasUniqueValue"));
}

static void
check_parents(const struct preset *preset, const json_t *schema, const struct record *record)
{
	for (size_t i = 0; i < record->parents_n; i++) {
		const struct record_parent *parent = &record->parents[i];
		const json_t *lookup = find_field(schema, record->object, parent->field);

		if (strncmp(preset->schema, "salesforce", strlen("salesforce")) != 0)
			continue;
		if (lookup == NULL || strcmp(bh_json_str(lookup, "type"), "Lookup") != 0 ||
		    strcmp(bh_json_str(lookup, "referenceTo"), parent->object) != 0)
			fail_msg("%s: %s.%s is no lookup to %s", preset->name, record->object,
			    parent->field, parent->object);
	}
}

static struct record *
render(const struct map *map, size_t index, const json_t *object, const struct map_context *context)
{
	struct bh_err err = BH_ERR_INIT;
	struct record *record;
	enum map_verdict verdict;

	if (map_render(map, index, "id_1", object, context, &verdict, &record, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(verdict, MAP_RENDERED);
	return record;
}

static void
check_object(const struct preset *preset, const struct map *map, size_t index, const json_t *schema,
    const json_t *settings, bool filled)
{
	const struct map_object *objects;
	struct map_context context = {.key_prefix = "src",
	    .account = "",
	    .settings = settings,
	    .is_described = is_described,
	    .arg = (void *)(uintptr_t)schema};
	struct record *record, *blind;
	json_t *object;

	map_objects(map, &objects);
	object = sample(objects[index].from, filled);
	record = render(map, index, object, &context);
	context.is_described = NULL;
	blind = render(map, index, object, &context);
	assert_true(record->fields_n > 0);
	check_record(preset, schema, record, blind);
	check_key(preset, schema, record);
	check_parents(preset, schema, record);
	/* With every field there the parents are; with none they are not. */
	assert_int_equal(record->parents_n > 0, filled && objects[index].rank > 0);
	record_free(&record);
	record_free(&blind);
	json_decref(object);
}

static struct map *
load_map(const char *name, json_t **json_r)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *preset = read_json("presets", name);
	struct map *map;

	if (map_shape(preset, NULL, NULL, NULL, json_r, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	json_decref(preset);
	if (map_new(*json_r, &map, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	return map;
}

static void
test_presets(void **state BH_UNUSED)
{
	static const char *const customers[] = {"companies", "contacts"};

	for (size_t p = 0; p < BH_LEN(presets); p++) {
		json_t *json, *schema = read_json("presets/schema", presets[p].schema);
		struct map *map = load_map(presets[p].name, &json);
		const struct map_object *objects;
		size_t n = map_objects(map, &objects);
		char *name =
		    bh_xasprintf("%s-%s", bh_json_str(json, "source"), bh_json_str(json, "dest"));

		assert_string_equal(bh_json_str(json, "name"), presets[p].name);
		assert_string_equal(name, presets[p].name);
		assert_int_equal(n, strcmp(bh_json_str(json, "source"), "lostchurn") == 0 ? 2 : 3);
		for (size_t i = 0; i < 2 * n; i++) {
			json_t *settings = settings_for(&presets[p], customers[i / n]);

			check_object(&presets[p], map, i % n, schema, settings, true);
			check_object(&presets[p], map, i % n, schema, settings, false);
			json_decref(settings);
		}
		free(name);
		map_free(&map);
		json_decref(json);
		json_decref(schema);
	}
}

/* Sample objects and what must come out; fields that are not named are not looked at. */
struct golden {
	const char *name, *preset, *customer_object;
	enum object_kind kind;
	const char *object, *key, *wanted; /* {"Name": value, ...} */
	const char *missing;               /* a field that must not be written; NULL none */
};

#define CUSTOMER                                                                                                       \
	"{\"name\":\"Example Labs\",\"email\":\"Billing@Example.com\",\"phone\":null,\"website\":\"www.example.com\"," \
	"\"currency\":\"JPY\",\"balance\":-1500,\"address_line1\":\"1 Main St\",\"address_line2\":\"Floor 2\","        \
	"\"address_country\":\"CH\",\"created_at\":\"2026-01-02T03:04:05Z\",\"external_id\":\"ext-1\","                \
	"\"tax_id\":\"CHE-123\",\"link\":\"https://billing.example.com/c/1\"}"
#define PERSON                                                                                     \
	"{\"name\":\"Ada King\",\"email\":\"ada@gmail.com\",\"website\":null,\"legal_name\":null}"
#define INVOICE                                                                                                          \
	"{\"customer\":\"c1\",\"subscription\":\"s1\",\"number\":null,\"status\":\"draft\",\"source_status\":\"draft\"," \
	"\"currency\":\"KWD\",\"total\":1005,\"subtotal\":1000,\"issued_on\":\"2026-11-22\",\"overdue\":null}"

/* Amounts that Billhook works out are in figures_currency, whatever the customer's own is. */
#define FIGURES                                                                                               \
	"{\"name\":\"Acme\",\"currency\":\"JPY\",\"balance\":-5,\"figures_currency\":\"EUR\",\"mrr\":123450," \
	"\"arr\":1481400,\"mrr_known\":true,\"movement\":\"contraction\",\"movement_amount\":-50,"            \
	"\"movement_at\":\"2026-11-22T10:00:00Z\",\"payment_status\":\"past_due\",\"open_balance\":0,"        \
	"\"latest_invoice\":\"in_1\",\"active_subscriptions\":2,\"next_renewal_at\":"                         \
	"\"2026-12-31T23:59:59Z\"}"

#define RECOVERY                                                                                               \
	"{\"customer\":\"c_1\",\"customer_email\":\"ada@example.com\",\"currency\":\"USD\",\"stage\":\"won\"," \
	"\"amount\":4900,\"recovered_amount\":4900,\"retry_count\":2,\"started_at\":"                          \
	"\"2026-11-20T08:00:00Z\",\"completed_at\":\"2026-11-22T09:00:00Z\"}"

static const struct golden goldens[] = {
    {"a recovery in Salesforce", "lostchurn-salesforce", "", OBJECT_RECOVERY, RECOVERY, "src:id_1",
	"{\"Name\":\"Recovery - ada@example.com - 2026-11-20\",\"Stage__c\":\"won\",\"Recovered_Amount__c\":\"49.00\","
	"\"Retry_Count__c\":\"2\",\"Completed_At__c\":\"2026-11-22T09:00:00Z\"}",
	NULL},
    {"a recovery in HubSpot", "lostchurn-hubspot", "", OBJECT_RECOVERY, RECOVERY, "src:id_1",
	"{\"dealname\":\"Recovery - ada@example.com - 2026-11-20\",\"dealstage\":\"closedwon\",\"pipeline\":\"default\","
	"\"amount\":\"49.00\",\"billhook_recovery_stage\":\"won\"}",
	NULL},
    {"a customer at risk", "lostchurn-salesforce", "", OBJECT_CUSTOMER,
	"{\"name\":\"Ada King\",\"email\":\"ada@example.com\",\"churn_risk\":\"0.25\",\"figures_currency\":\"USD\","
	"\"mrr\":4900,\"recovery_count\":3}",
	"src:id_1",
	"{\"FirstName\":\"Ada\",\"LastName\":\"King\",\"Billhook_MRR__c\":\"49.00\",\"Billhook_Churn_Risk__c\":\"0.25\","
	"\"Billhook_Recovery_Count__c\":\"3\"}",
	NULL},
    {"figures in Salesforce", "stripe-salesforce", "companies", OBJECT_CUSTOMER, FIGURES,
	"src:id_1",
	"{\"Billhook_MRR__c\":\"1234.50\",\"Billhook_ARR__c\":\"14814.00\",\"Billhook_MRR_Known__c\":true,"
	"\"Billhook_Movement__c\":\"contraction\",\"Billhook_Movement_Amount__c\":\"-0.50\","
	"\"Billhook_Open_Balance__c\":\"0.00\",\"Billhook_Latest_Invoice__c\":\"in_1\","
	"\"Billhook_Next_Renewal__c\":\"2026-12-31\",\"Billhook_Figures_Currency__c\":\"EUR\","
	"\"Billhook_Balance__c\":\"-5\",\"Billhook_Active_Subscriptions__c\":\"2\"}",
	NULL},
    {"figures in HubSpot", "lago-hubspot", "contacts", OBJECT_CUSTOMER, FIGURES, "id_1",
	"{\"billhook_mrr\":\"1234.50\",\"billhook_payment_status\":\"past_due\","
	"\"billhook_mrr_movement_at\":\"2026-11-22T10:00:00Z\",\"billhook_mrr_known\":true}",
	NULL},
    {"a subscription's worth", "stripe-hubspot", "companies", OBJECT_SUBSCRIPTION,
	"{\"currency\":\"EUR\",\"mrr\":1800,\"arr\":21600}", "src:id_1",
	"{\"billhook_subscription_mrr\":\"18.00\",\"billhook_subscription_arr\":\"216.00\"}", NULL},
    {"a company in Salesforce", "stripe-salesforce", "companies", OBJECT_CUSTOMER, CUSTOMER,
	"src:id_1",
	"{\"Name\":\"Example Labs\",\"Website\":\"https://www.example.com\",\"BillingStreet\":\"1 Main St\\nFloor 2\","
	"\"BillingCountry\":\"Switzerland\",\"Billhook_Balance__c\":\"-1500\",\"Billhook_Currency__c\":\"JPY\","
	"\"Billhook_Delinquent__c\":false,\"Billhook_Source__c\":\"Stripe\",\"Billhook_Email__c\":"
	"\"billing@example.com\",\"Billhook_Customer_Since__c\":\"2026-01-02T03:04:05Z\"}",
	"Phone"},
    {"nobody's name in Salesforce", "lago-salesforce", "companies", OBJECT_CUSTOMER,
	"{\"name\":null,\"email\":\"ada@example.com\"}", "src:id_1",
	"{\"Name\":\"ada@example.com\"}", NULL},
    {"nothing but an id", "lago-salesforce", "companies", OBJECT_CUSTOMER, "{}", "src:id_1",
	"{\"Name\":\"id_1\"}", "Website"},
    {"an invoice in Salesforce", "lago-salesforce", "companies", OBJECT_INVOICE, INVOICE,
	"src:id_1",
	"{\"Name\":\"id_1\",\"Number__c\":null,\"Total__c\":\"1.01\",\"Subtotal__c\":\"1.00\",\"Overdue__c\":false,"
	"\"Issuing_Date__c\":\"2026-11-22\"}",
	"Tax__c"},
    {"a company in HubSpot", "lago-hubspot", "companies", OBJECT_CUSTOMER, CUSTOMER, "id_1",
	"{\"name\":\"Example Labs\",\"domain\":\"example.com\",\"address2\":\"Floor 2\",\"lago_billing_email\":"
	"\"billing@example.com\",\"lago_customer_external_id\":\"ext-1\",\"lago_tax_identification_number\":\"CHE-123\","
	"\"lago_customer_link\":\"https://billing.example.com/c/1\"}",
	"firstname"},
    {"a person in HubSpot", "lago-hubspot", "contacts", OBJECT_CUSTOMER, PERSON, "id_1",
	"{\"firstname\":\"Ada\",\"lastname\":\"King\",\"email\":\"ada@gmail.com\"}", "domain"},
    {"free mail is nobody's domain", "stripe-hubspot", "companies", OBJECT_CUSTOMER, PERSON,
	"src:id_1", "{\"name\":\"Ada King\"}", "domain"},
    {"the domain of the e-mail", "stripe-hubspot", "companies", OBJECT_CUSTOMER,
	"{\"name\":\"X\",\"email\":\"a@mail.example.com\"}", "src:id_1",
	"{\"domain\":\"mail.example.com\",\"billhook_source\":\"Stripe\",\"billhook_source_customer_id\":\"id_1\"}",
	NULL},
    {"a subscription in HubSpot", "lago-hubspot", "companies", OBJECT_SUBSCRIPTION,
	"{\"customer\":\"c1\",\"status\":\"canceled\",\"source_status\":\"terminated\",\"billing_time\":\"calendar\","
	"\"ended_at\":\"2026-11-22T23:00:00Z\"}",
	"id_1",
	"{\"lago_subscription_status\":\"terminated\",\"lago_billing_time\":\"calendar\","
	"\"lago_subscription_terminated_at\":\"2026-11-22\"}",
	"lago_subscription_started_at"},
    {"an invoice in HubSpot", "stripe-hubspot", "companies", OBJECT_INVOICE, INVOICE, "src:id_1",
	"{\"billhook_invoice_number\":\"id_1\",\"billhook_invoice_total\":\"1.005\",\"billhook_invoice_overdue\":false}",
	"billhook_invoice_tax"},
};

static void
check_golden(const struct golden *golden, const struct preset *preset)
{
	json_t *json, *schema = read_json("presets/schema", preset->schema);
	json_t *settings = settings_for(preset, golden->customer_object);
	json_t *object = json_loads(golden->object, 0, NULL),
	       *wanted = json_loads(golden->wanted, 0, NULL), *value;
	struct map *map = load_map(golden->preset, &json);
	struct map_context context = {.key_prefix = "src",
	    .account = "",
	    .settings = settings,
	    .is_described = is_described,
	    .arg = schema};
	const struct map_object *objects;
	struct record *record;
	size_t index = 0, n = map_objects(map, &objects);
	const char *name;

	while (index < n && objects[index].from != golden->kind)
		index++;
	record = render(map, index, object, &context);
	assert_string_equal(record->key, golden->key);
	json_object_foreach (wanted, name, value) {
		const struct record_field *field = find_written(record, name);

		if (field == NULL || !json_equal(field->value, value))
			fail_msg("%s: %s is not as wanted", golden->name, name);
	}
	if (golden->missing != NULL && find_written(record, golden->missing) != NULL)
		fail_msg("%s: %s is written", golden->name, golden->missing);
	record_free(&record);
	map_free(&map);
	json_decref(json);
	json_decref(schema);
	json_decref(settings);
	json_decref(object);
	json_decref(wanted);
}

static void
test_goldens(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(goldens); i++) {
		size_t p = 0;

		while (strcmp(presets[p].name, goldens[i].preset) != 0)
			p++;
		check_golden(&goldens[i], &presets[p]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_presets),
	    cmocka_unit_test(test_goldens),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
