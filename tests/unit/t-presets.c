/* Presets against fields.def and their CRM's schema (what they make of samples: t-preset-goldens; schemas: t-schemas). */
#include "base/base.h"

#include "base/json.h"
#include "base/text.h"
#include "presets-map.h"

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

/* A platform event has no unique field; its key is only told along. */
static void
check_key(const struct preset *preset, const json_t *schema, const struct record *record)
{
	const json_t *key = find_field(schema, record->object, record->key_field);
	bool is_event =
	    bh_is_json_true(find_named(json_object_get(schema, "objects"), record->object),
		"event");

	if (is_event
		? !bh_is_json_true(key, "required")
		: !bh_is_json_true(key, "externalId") && !bh_is_json_true(key, "hasUniqueValue"))
		fail_msg("%s: %s.%s is no key", preset->name, record->object, record->key_field);
	assert_true(
	    is_event || bh_is_json_true(key, "unique") || bh_is_json_true(key, "hasUniqueValue"));
}

/* What a lookup looks up; NULL when it is none. */
static const char *
lookup_target(const json_t *schema, const char *object, const char *field)
{
	const json_t *entry = find_field(schema, object, field);

	if (strcmp(field, "AccountId") == 0 &&
	    (strcmp(object, "Contact") == 0 || strcmp(object, "Opportunity") == 0))
		return "Account";
	return entry != NULL && strcmp(bh_json_str(entry, "type"), "Lookup") == 0
		   ? bh_json_str(entry, "referenceTo")
		   : NULL;
}

static const json_t *
find_mapped(const json_t *json, const char *name)
{
	return find_named(json_object_get(json, "objects"), name);
}

static void
check_parents(const struct preset *preset, const json_t *schema, const struct record *record)
{
	for (size_t i = 0; i < record->parents_n; i++) {
		const struct record_parent *parent = &record->parents[i];
		const char *target = is_salesforce(preset)
					 ? lookup_target(schema, record->object, parent->field)
					 : parent->object;

		if (target == NULL || strcmp(target, parent->object) != 0)
			fail_msg("%s: %s.%s is no lookup to %s", preset->name, record->object,
			    parent->field, parent->object);
	}
}

/* A customer, and its object of HubSpot for those of the other sort? */
static bool
is_other_sort(const json_t *mapped, const char *sort)
{
	return strcmp(bh_json_str(mapped, "from"), "customer") == 0 &&
	       json_object_get(mapped, "if") != NULL &&
	       strcmp(bh_json_str(mapped, "to"), sort) != 0;
}

/*
 * With every field there all parents are, but a customer's of the other sort;
 * with none only those that are made of the same object.
 */
static void
check_parents_told(const struct record *record, const json_t *mapping, const json_t *mapped,
    const char *sort, bool filled)
{
	json_t *parents = json_object_get(mapped, "parents"), *parent;
	size_t n = 0, k;

	json_array_foreach (parents, k, parent)
		n += !is_other_sort(find_mapped(mapping, bh_json_str(parent, "object")), sort);
	if (filled)
		assert_int_equal(record->parents_n, n);
	for (size_t i = 0; !filled && i < record->parents_n; i++)
		assert_string_equal(record->parents[i].source_id, "id_1");
}

/* What a preset is checked with. */
struct check {
	const struct preset *preset;
	const struct map *map;
	const json_t *json, *schema, *settings;
	const char *type; /* of the customer; NULL: not told */
	const char *sort; /* of HubSpot's objects for customers, that for this type */
};

static json_t *
sample_for(const struct check *check, enum object_kind kind, bool filled)
{
	json_t *object = sample(kind, filled);

	if (kind == OBJECT_CUSTOMER)
		json_object_set_new(object, "type",
		    check->type != NULL ? json_string(check->type) : json_null());
	return object;
}

static void
check_object(const struct check *check, size_t index, const json_t *mapped, bool filled)
{
	const struct preset *preset = check->preset;
	const json_t *schema = check->schema;
	const struct map_object *objects;
	json_t *customer = sample_for(check, OBJECT_CUSTOMER, filled), *object;
	struct map_context context = {.key_prefix = "src",
	    .account = "",
	    .settings = check->settings,
	    .customer = customer,
	    .is_described = is_described,
	    .arg = (void *)(uintptr_t)schema};
	struct record *record, *blind;

	map_objects(check->map, &objects);
	object = sample_for(check, objects[index].from, filled);
	record = render(check->map, index, object, &context);
	context.is_described = NULL;
	blind = render(check->map, index, object, &context);
	if (is_other_sort(mapped, check->sort)) {
		assert_null(record);
	} else if (record == NULL) {
		/* Nothing is known of it, and the mapping wants something. */
		assert_false(filled);
		assert_true(json_object_get(mapped, "if") != NULL ||
			    json_object_get(mapped, "key_from") != NULL);
	} else {
		assert_true(record->fields_n > 0);
		check_record(preset, schema, record, blind);
		check_key(preset, schema, record);
		check_parents(preset, schema, record);
		check_parents_told(record, check->json, mapped, check->sort, filled);
	}
	record_free(&record);
	record_free(&blind);
	json_decref(customer);
	json_decref(object);
}

/* row: of a rule, or the rule itself.  Where it is asked, the CRM has its field. */
static void
check_asked(const struct preset *preset, const json_t *schema, const char *object,
    const json_t *row)
{
	const char *to = bh_json_str(row, "to"), *on = bh_json_str(row, "on");
	struct map_limit limit;

	if (to != NULL && (on == NULL || strcmp(on, object) == 0) &&
	    !is_described((void *)(uintptr_t)schema, object, to, &limit))
		fail_msg("%s: %s is matched by %s, which it has not", preset->name, object, to);
}

/* Its rules ask for fields that the CRM has.  object: settings filled in. */
static void
check_match(const struct preset *preset, const json_t *schema, const char *object,
    const json_t *mapped)
{
	json_t *rule, *row;
	size_t i, k;

	json_array_foreach (json_object_get(mapped, "match"), i, rule) {
		check_asked(preset, schema, object, rule);
		json_array_foreach (json_object_get(rule, "fields"), k, row)
			check_asked(preset, schema, object, row);
	}
}

/* Of a field or an object: made for Billhook alone. */
static bool
is_ours(const char *name)
{
	return bh_has_suffix(name, "__c") || strncmp(name, "billhook_", 9) == 0 ||
	       strncmp(name, "lago_", 5) == 0 || strncmp(name, "Billhook", 8) == 0 ||
	       strncmp(name, "Lago", 4) == 0;
}

/*
 * A record that people may have made is not overwritten: what is the CRM's
 * own there is written until a person changes it.  Only what a recovery brought in is billing's alone.
 */
static void
check_shared(const struct preset *preset, const char *object, const json_t *mapped)
{
	bool is_recovery = strcmp(bh_json_str(mapped, "from"), "recovery") == 0;
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(mapped, "fields"), i, row) {
		const char *to = bh_json_str(row, "to"), *when = bh_json_str(row, "when");
		bool is_won = is_recovery && strcasecmp(to, "amount") == 0;

		if (!is_ours(to) && !is_ours(object) && !is_won &&
		    (when == NULL || strcmp(when, "always") == 0))
			fail_msg("%s: %s.%s would overwrite what people write", preset->name,
			    object, to);
	}
}

/* Which objects a preset maps, parents first. */
static void
check_objects(const struct preset *preset, const struct map *map)
{
	const struct map_object *objects;
	size_t n = map_objects(map, &objects);
	struct bh_buf names = BH_BUF_INIT(1000);

	for (size_t i = 0; i < n; i++)
		bh_buf_addf(&names, "%s%s", i > 0 ? " " : "", objects[i].name);
	assert_string_equal(bh_buf_str(&names), preset->objects);
	bh_buf_release(&names);
}

/* What people made is found, and what they write stays. */
static void
check_people(const struct preset *preset, const struct map *map, size_t index, const json_t *schema,
    const json_t *settings, const json_t *mapped)
{
	struct bh_buf object = BH_BUF_INIT(1000);
	struct bh_err err = BH_ERR_INIT;

	assert_int_equal(map_object_to(map, index, settings, &object, &err), 0);
	check_match(preset, schema, bh_buf_str(&object), mapped);
	check_shared(preset, bh_buf_str(&object), mapped);
	bh_buf_release(&object);
}

/* type: the customer's; NULL: not told. */
static void
check_preset(const struct preset *preset, const char *customer_object, const char *type)
{
	json_t *settings = settings_for(preset, customer_object), *json,
	       *schema = read_json("presets/schema", preset->schema);
	struct map *map = load_map(preset->name, settings, &json);
	struct check check = {preset, map, json, schema, settings, type, customer_object};
	const struct map_object *objects;
	size_t n = map_objects(map, &objects);
	char *name = bh_xasprintf("%s-%s", bh_json_str(json, "source"), bh_json_str(json, "dest"));

	if (type != NULL)
		check.sort = strcmp(type, "company") == 0 ? "companies" : "contacts";
	assert_string_equal(bh_json_str(json, "name"), preset->name);
	assert_string_equal(name, preset->name);
	check_objects(preset, map);
	for (size_t i = 0; i < n; i++) {
		const json_t *mapped = find_mapped(json, objects[i].name);

		check_object(&check, i, mapped, true);
		check_object(&check, i, mapped, false);
		check_people(preset, map, i, schema, settings, mapped);
	}
	free(name);
	map_free(&map);
	json_decref(json);
	json_decref(schema);
	json_decref(settings);
}

static void
test_presets(void **state BH_UNUSED)
{
	for (size_t p = 0; p < BH_LEN(presets); p++) {
		check_preset(&presets[p], "companies", NULL);
		check_preset(&presets[p], "contacts", NULL);
		check_preset(&presets[p], "contacts", "company");
		check_preset(&presets[p], "companies", "individual");
	}
}

/* The rule switched off: one object for all customers, whatever their type. */
static void
test_one_sort(void **state BH_UNUSED)
{
	static const char *const names[] = {"stripe-hubspot", "lago-hubspot", "alguna-hubspot"};
	static const char *const settings[] = {"{\"by_type\":\"no\"}",
	    "{\"by_type\":false,\"customer_object\":\"contacts\"}"};
	static const char *const kept[] = {"customer", "person"};

	for (size_t i = 0; i < BH_LEN(names) * BH_LEN(settings); i++) {
		size_t which = i % BH_LEN(settings);
		json_t *given = json_loads(settings[which], 0, NULL), *json;
		struct map *map = load_map(names[i / BH_LEN(settings)], given, &json);

		assert_non_null(find_mapped(json, kept[which]));
		assert_null(find_mapped(json, kept[1 - which]));
		map_free(&map);
		json_decref(json);
		json_decref(given);
	}
}

/* What stays without a switch: of each, the mapped objects that the presets' own settings leave out. */
static void
test_defaults(void **state BH_UNUSED)
{
	static const struct {
		const char *preset, *object;
		bool is_there;
		enum map_create create;
	} cases[] = {
	    {"stripe-salesforce", "account", true, MAP_CREATE},
	    {"stripe-salesforce", "invoice_line", true, MAP_CREATE},
	    {"stripe-salesforce", "opportunity", false, MAP_CREATE},
	    {"stripe-salesforce", "event", false, MAP_CREATE},
	    {"lago-salesforce", "account", true, MAP_LINK_ONLY},
	    {"lago-salesforce", "opportunity", false, MAP_CREATE},
	    {"alguna-salesforce", "account", true, MAP_CREATE},
	    {"alguna-salesforce", "contact", true, MAP_CREATE},
	    {"alguna-salesforce", "event", false, MAP_CREATE},
	    {"lostchurn-salesforce", "account", true, MAP_CREATE},
	    {"lostchurn-salesforce", "contact", true, MAP_CREATE},
	    {"lostchurn-salesforce", "opportunity", true, MAP_CREATE},
	    {"lostchurn-salesforce", "recovery_event", true, MAP_CREATE},
	    {"lostchurn-salesforce", "event", false, MAP_CREATE},
	    {"stripe-hubspot", "customer", true, MAP_CREATE},
	    {"stripe-hubspot", "person", true, MAP_CREATE},
	    {"stripe-hubspot", "deal", false, MAP_CREATE},
	    {"stripe-hubspot", "subscription", true, MAP_CREATE},
	    {"stripe-hubspot", "invoice_line", false, MAP_CREATE},
	    {"stripe-hubspot", "payment", true, MAP_CREATE},
	    {"lago-hubspot", "customer", true, MAP_CREATE},
	    {"lago-hubspot", "credit_note", true, MAP_CREATE},
	    {"alguna-hubspot", "deal", false, MAP_CREATE},
	    {"lostchurn-hubspot", "contact", true, MAP_CREATE},
	    {"lostchurn-hubspot", "deal", true, MAP_CREATE},
	    {"lostchurn-hubspot", "recovery", true, MAP_CREATE},
	    {"lostchurn-hubspot", "recovery_event", false, MAP_CREATE},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *json;
		struct map *map = load_map(cases[i].preset, NULL, &json);
		const struct map_object *objects;
		size_t n = map_objects(map, &objects), at = 0;

		while (at < n && strcmp(objects[at].name, cases[i].object) != 0)
			at++;
		if ((at < n) != cases[i].is_there ||
		    (at < n && objects[at].create != cases[i].create))
			fail_msg("%s: %s is not as a new sync has it", cases[i].preset,
			    cases[i].object);
		map_free(&map);
		json_decref(json);
	}
}

/* A portal without Enterprise has no custom objects: customers with their figures are left, and deals where they are wanted. */
static void
test_no_custom_objects(void **state BH_UNUSED)
{
	static const char *const names[] = {"stripe-hubspot", "lago-hubspot", "alguna-hubspot"};
	static const char *const settings[] = {"{\"custom_objects\":\"no\"}",
	    "{\"custom_objects\":\"no\",\"deals\":\"yes\",\"invoice_lines\":\"yes\"}"};

	for (size_t i = 0; i < BH_LEN(names) * BH_LEN(settings); i++) {
		size_t more = i % BH_LEN(settings);
		json_t *given = json_loads(settings[more], 0, NULL), *json;
		struct map *map = load_map(names[i / BH_LEN(settings)], given, &json);
		const struct map_object *objects;

		assert_int_equal(map_objects(map, &objects), 2 + more);
		assert_string_equal(objects[0].name, "customer");
		assert_string_equal(objects[1].name, "person");
		if (more > 0)
			assert_string_equal(objects[2].name, "deal");
		map_free(&map);
		json_decref(json);
		json_decref(given);
	}
}

/* Recoveries are deals then, below their contacts, and nothing waits for an object that is not there. */
static void
test_no_recovery_object(void **state BH_UNUSED)
{
	json_t *given = json_pack("{s:s}", "custom_objects", "no"), *json;
	struct map *map = load_map("lostchurn-hubspot", given, &json);
	const struct map_object *objects;

	assert_int_equal(map_objects(map, &objects), 2);
	assert_string_equal(objects[0].name, "contact");
	assert_string_equal(objects[1].name, "deal");
	map_free(&map);
	json_decref(json);
	json_decref(given);
}

/* Does a row read the field, straight or in its default? */
static bool
is_read(const json_t *mapped, const char *field)
{
	char *braced = bh_xasprintf("{%s}", field);
	bool found = false;
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(mapped, "fields"), i, row) {
		const char *from = bh_json_str(row, "from"), *other = bh_json_str(row, "default");

		found = found || (from != NULL && strcmp(from, field) == 0) ||
			(other != NULL && strcmp(other, braced) == 0);
	}
	free(braced);
	return found;
}

/* What Billhook works out about a customer stands on its record, but for structures and LostChurn's counts. */
static void
test_figures(void **state BH_UNUSED)
{
	static const char *const names[] = {"stripe-salesforce", "lago-salesforce",
	    "alguna-salesforce", "stripe-hubspot", "lago-hubspot", "alguna-hubspot"};
	const struct object_field *fields;
	size_t n;

	fields = object_fields(&n);
	for (size_t p = 0; p < BH_LEN(names); p++) {
		json_t *json = read_json("presets", names[p]);

		for (size_t i = 0; i < n; i++) {
			if (fields[i].kind != OBJECT_CUSTOMER ||
			    (fields[i].flags & FIELD_DERIVED) == 0 ||
			    fields[i].type == FIELD_JSON ||
			    strcmp(fields[i].name, "recovery_count") == 0)
				continue;
			if (!is_read(json_array_get(json_object_get(json, "objects"), 0),
				fields[i].name))
				fail_msg("%s: %s is on no customer", names[p], fields[i].name);
		}
		json_decref(json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_presets),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_one_sort),
	    cmocka_unit_test(test_no_custom_objects),
	    cmocka_unit_test(test_no_recovery_object),
	    cmocka_unit_test(test_figures),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
