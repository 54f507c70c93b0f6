/* What settings make of a mapping (map/shape.h), and what its match rules ask (map/match.h). */
#include "base/base.h"

#include "map/map.h"
#include "map/shape.h"
#include "unit.h"

static json_t *
parse(const char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_DECODE_ANY, &error);

	if (json == NULL)
		fail_msg("%s: %s", error.text, text);
	return json;
}

static void
check_json(const char *name, const json_t *got, const char *wanted)
{
	json_t *want = parse(wanted);
	char *text = bh_json_text(got);

	if (!json_equal(got, want))
		fail_msg("%s: got %s\nwanted %s", name, text, wanted);
	free(text);
	json_decref(want);
}

#define OBJECT(more, fields)                                                                             \
	"{\"name\":\"a\",\"from\":\"customer\",\"to\":\"Billhook_A__c\",\"key\":\"Billhook_Id__c\"" more \
	",\"fields\":[" fields "]}"

static const struct shape_case {
	const char *name;
	const char *objects;
	const char *settings; /* of the sync; NULL */
	const char *to;       /* prefix */
	const char *shaped;   /* objects; NULL: refused */
	const char *why;
} shapes[] = {
    {"nothing to do", OBJECT("", ""), NULL, NULL, OBJECT("", ""), NULL},
    {"a prefix",
	OBJECT(
	    ",\"parents\":[{\"object\":\"a\",\"id\":\"id\",\"to\":\"Billhook_B__c\"}]"
	    ",\"match\":[{\"by\":\"value\",\"fields\":[{\"to\":\"Billhook_E__c\",\"from\":\"email\"}]}]",
	    "{\"to\":\"Billhook_Name__c\",\"from\":\"name\"},{\"to\":\"Name\",\"from\":\"name\"}"),
	NULL, "Acme_",
	"{\"name\":\"a\",\"from\":\"customer\",\"to\":\"Acme_A__c\",\"key\":\"Acme_Id__c\""
	",\"parents\":[{\"object\":\"a\",\"id\":\"id\",\"to\":\"Acme_B__c\"}]"
	",\"match\":[{\"by\":\"value\",\"fields\":[{\"to\":\"Acme_E__c\",\"from\":\"email\"}]}]"
	",\"fields\":[{\"to\":\"Acme_Name__c\",\"from\":\"name\"},{\"to\":\"Name\",\"from\":\"name\"}]}",
	NULL},
    {"switched off by default, and its children with it",
	OBJECT(",\"on\":\"extra\"",
	    "") ",{\"name\":\"b\",\"parents\":[{\"object\":\"a\"},{\"object\":\"b\"}]}",
	NULL, NULL, "{\"name\":\"b\",\"parents\":[{\"object\":\"b\"}]}", NULL},
    {"switched on", OBJECT(",\"on\":\"extra\"", ""), "{\"extra\":true}", NULL, OBJECT("", ""),
	NULL},
    {"switched on by a text", OBJECT(",\"on\":\"extra\"", ""), "{\"extra\":\"yes\"}", NULL,
	OBJECT("", ""), NULL},
    {"an unknown switch", OBJECT(",\"on\":\"none\"", ""), NULL, NULL, NULL,
	"a: on: the setting none"},
    {"create by setting", OBJECT(",\"create\":\"{make}\"", ""), NULL, NULL,
	OBJECT(",\"create\":\"wait\"", ""), NULL},
    {"create by a switch", OBJECT(",\"create\":\"{make}\"", ""), "{\"make\":false}", NULL,
	OBJECT(",\"create\":\"no\"", ""), NULL},
    {"create by an unknown setting", OBJECT(",\"create\":\"{none}\"", ""), NULL, NULL, NULL,
	"a: create: the setting none"},
    {"a row of a setting", OBJECT("", "{\"to\":\"R\",\"setting\":\"type\"}"), "{\"type\":\"012\"}",
	NULL, OBJECT("", "{\"to\":\"R\",\"value\":\"012\"}"), NULL},
    {"no row while it is empty", OBJECT("", "{\"to\":\"R\",\"setting\":\"type\"}"),
	"{\"type\":\"\"}", NULL, OBJECT("", ""), NULL},
    {"a default of a setting",
	OBJECT("", "{\"to\":\"R\",\"from\":\"name\",\"default\":{\"setting\":\"make\"}}"), NULL,
	NULL, OBJECT("", "{\"to\":\"R\",\"from\":\"name\",\"default\":\"wait\"}"), NULL},
    {"of one that is empty",
	OBJECT("", "{\"to\":\"R\",\"from\":\"name\",\"default\":{\"setting\":\"none\"}}"), NULL,
	NULL, OBJECT("", "{\"to\":\"R\",\"from\":\"name\"}"), NULL},
    {"two switches, both on", OBJECT(",\"on\":[\"extra\",\"more\"]", ""),
	"{\"extra\":true,\"more\":\"yes\"}", NULL, OBJECT("", ""), NULL},
    {"two switches, one off", OBJECT(",\"on\":[\"more\",\"extra\"]", ""), "{\"more\":\"yes\"}",
	NULL, "", NULL},
    {"a switch that is no name", OBJECT(",\"on\":[1]", ""), NULL, NULL, NULL,
	"a: on: the setting without a name"},
    {"words of settings",
	OBJECT("", "{\"to\":\"R\",\"enum\":{\"won\":\"{stage}\",\"*\":\"open\"}}"),
	"{\"stage\":\"closedwon\"}", NULL,
	OBJECT("", "{\"to\":\"R\",\"enum\":{\"won\":\"closedwon\",\"*\":\"open\"}}"), NULL},
    {"a word of an unknown setting", OBJECT("", "{\"to\":\"R\",\"enum\":{\"won\":\"{stage}\"}}"),
	NULL, NULL, NULL, "a: field R: enum: the setting stage"},
    {"a filter by a setting that is so",
	OBJECT(",\"if\":{\"setting\":\"make\",\"is\":\"wait\"}", ""), NULL, NULL,
	OBJECT(",\"if\":{\"field\":\"id\",\"not_in\":[]}", ""), NULL},
    {"and by one that is not, further down",
	OBJECT(
	    ",\"if\":{\"any\":[{\"field\":\"type\",\"is\":\"x\"},{\"all\":[{\"setting\":\"make\",\"is\":\"now\"}]}]}",
	    ""),
	NULL, NULL,
	OBJECT(
	    ",\"if\":{\"any\":[{\"field\":\"type\",\"is\":\"x\"},{\"all\":[{\"field\":\"id\",\"in\":[]}]}]}",
	    ""),
	NULL},
    {"a switch that is stored as such",
	OBJECT(",\"if\":{\"setting\":\"extra\",\"is\":\"yes\"}", ""), "{\"extra\":true}", NULL,
	OBJECT(",\"if\":{\"field\":\"id\",\"not_in\":[]}", ""), NULL},
    {"one of several values", OBJECT(",\"if\":{\"setting\":\"make\",\"in\":[\"x\",\"wait\"]}", ""),
	NULL, NULL, OBJECT(",\"if\":{\"field\":\"id\",\"not_in\":[]}", ""), NULL},
    {"none of several values",
	OBJECT(",\"if\":{\"setting\":\"make\",\"not_in\":[\"x\",\"y\"]}", ""), NULL, NULL,
	OBJECT(",\"if\":{\"field\":\"id\",\"not_in\":[]}", ""), NULL},
    {"nobody can pass, and its children go without it",
	OBJECT(
	    ",\"if\":{\"all\":[{\"field\":\"type\",\"is\":\"x\"},{\"setting\":\"make\",\"is\":\"now\"}]}",
	    "") ",{\"name\":\"b\",\"parents\":[{\"object\":\"a\"}]}",
	NULL, NULL, "{\"name\":\"b\",\"parents\":[]}", NULL},
    {"nobody can pass any of them",
	OBJECT(
	    ",\"if\":{\"any\":[{\"setting\":\"extra\",\"is\":\"yes\"},{\"setting\":\"make\",\"is\":\"now\"}]}",
	    "") ",{\"name\":\"b\"}",
	NULL, NULL, "{\"name\":\"b\"}", NULL},
    {"a rule's filter",
	OBJECT(",\"match\":[{\"by\":\"key\",\"if\":{\"setting\":\"make\",\"is\":\"now\"}}]", ""),
	NULL, NULL, OBJECT(",\"match\":[{\"by\":\"key\",\"if\":{\"field\":\"id\",\"in\":[]}}]", ""),
	NULL},
};

static void
test_shape(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(shapes); i++) {
		const struct shape_case *c = &shapes[i];
		char *text = bh_xasprintf(
		    "{\"settings\":{\"extra\":false,\"make\":\"wait\"},\"objects\":[%s]}",
		    c->objects);
		json_t *mapping = parse(text), *before = json_deep_copy(mapping), *shaped;
		json_t *settings = c->settings != NULL ? parse(c->settings) : NULL;
		struct bh_err err = BH_ERR_INIT;
		int rc = map_shape(mapping, settings, "Billhook_", c->to, &shaped, &err);

		if (c->shaped == NULL) {
			assert_int_equal(rc, -1);
			assert_int_equal(err.code, BH_INVALID);
			if (strstr(err.text, c->why) == NULL)
				fail_msg("%s: %s", c->name, err.text);
		} else {
			char *wanted = bh_xasprintf("[%s]", c->shaped);

			assert_int_equal(rc, 0);
			check_json(c->name, json_object_get(shaped, "objects"), wanted);
			free(wanted);
		}
		/* The mapping itself stays as it is. */
		assert_true(json_equal(mapping, before));
		json_decref(shaped);
		json_decref(settings);
		json_decref(before);
		json_decref(mapping);
		free(text);
	}
}

/* Names of objects with another prefix, written apart and together. */
static void
test_object_names(void **state BH_UNUSED)
{
	static const struct {
		const char *from, *to, *name, *renamed;
	} cases[] = {
	    {"billhook_", "acme_", "BillhookInvoices", "AcmeInvoices"},
	    {"billhook_", "acme_eu_", "BillhookInvoices", "AcmeEuInvoices"},
	    {"billhook_", "acme", "BillhookInvoices", "AcmeInvoices"},
	    {"billhook_", "acme_", "billhook_told", "acme_told"},
	    {"billhook_", "acme_", "companies", "companies"},
	    {"billhook_", "acme_", "Billhooks", "Billhooks"},
	    {"billhook_", "acme_", "Billhook", "Billhook"},
	    {"billhook_", "acme_", "LagoInvoices", "LagoInvoices"},
	    {"billhook_", "billhook_", "BillhookInvoices", "BillhookInvoices"},
	    {"billhook_", NULL, "BillhookInvoices", "BillhookInvoices"},
	    {NULL, "acme_", "BillhookInvoices", "BillhookInvoices"},
	    {"_", "acme_", "Invoices", "Invoices"},
	    {"Billhook_", "Acme_", "Billhook_Invoice__c", "Acme_Invoice__c"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char *renamed = map_object_name(cases[i].name, cases[i].from, cases[i].to);

		assert_string_equal(renamed, cases[i].renamed);
		free(renamed);
	}
}

/* Also where a setting names the object; what a setting names otherwise is left to it. */
static void
test_object_of_a_setting(void **state BH_UNUSED)
{
	json_t *mapping = parse(
	    "{\"settings\":{\"box\":\"BillhookBoxes\",\"other\":\"companies\"},"
	    "\"objects\":[{\"name\":\"a\",\"to\":\"{box}\"},{\"name\":\"b\",\"to\":\"{other}\"},"
	    "{\"name\":\"c\",\"to\":\"BillhookBags\"}]}");
	json_t *settings = parse("{\"other\":\"contacts\"}"), *shaped;

	assert_int_equal(map_shape(mapping, settings, "billhook_", "acme_", &shaped, NULL), 0);
	check_json("another prefix", json_object_get(shaped, "objects"),
	    "[{\"name\":\"a\",\"to\":\"AcmeBoxes\"},{\"name\":\"b\",\"to\":\"{other}\"},"
	    "{\"name\":\"c\",\"to\":\"AcmeBags\"}]");
	json_decref(shaped);
	json_decref(settings);
	json_decref(mapping);
}

/* [["id",["Id","001"]],["key"]] */
static json_t *
show(const struct map_questions *questions)
{
	static const char *const names[] = {"id", "key", "value", "domain"};
	json_t *list = json_array();

	for (size_t i = 0; i < questions->n; i++) {
		const struct map_question *q = &questions->items[i];
		json_t *one = json_pack("[s]", names[q->by]);

		for (size_t k = 0; k < q->n; k++)
			json_array_append_new(one, json_pack("[s, s]", q->fields[k], q->values[k]));
		json_array_append_new(list, one);
	}
	return list;
}

#define BY_ID "{\"by\":\"id\",\"from\":\"salesforce_id\"}"
#define BY_KEY "{\"by\":\"key\"}"
#define BY_EMAIL "{\"by\":\"value\",\"fields\":[{\"to\":\"Email\",\"from\":\"email\"}]}"
#define BY_PLACE                                                                                   \
	"{\"by\":\"value\",\"fields\":[{\"to\":\"Name\",\"from\":\"name\"},{\"to\":\"BillingCountry\",\"from\":\"address_country\",\"as\":\"country\"}]}"
#define BY_DOMAIN "{\"by\":\"domain\",\"to\":\"Website\",\"from\":\"{email|company_domain}\"}"

static const struct match_case {
	const char *name;
	const char *rules;
	const char *object;
	const char *asked; /* or the error's text */
} matches[] = {
    {"no rules", "[]", "{}", "[]"},
    {"all, in their order", "[" BY_ID "," BY_KEY "," BY_EMAIL "," BY_DOMAIN "," BY_PLACE "]",
	"{\"salesforce_id\":\"001A\",\"email\":\"ada@www.acme.example.com\",\"name\":\"Acme\",\"address_country\":\"DE\"}",
	"[[\"id\",[\"Id\",\"001A\"]],[\"key\"],[\"value\",[\"Email\",\"ada@www.acme.example.com\"]],"
	"[\"domain\",[\"Website\",\"acme.example.com\"]],[\"value\",[\"Name\",\"Acme\"],[\"BillingCountry\",\"Germany\"]]]"},
    {"what is not there is not asked for", "[" BY_ID "," BY_EMAIL "," BY_PLACE "]",
	"{\"salesforce_id\":null,\"email\":\"\",\"name\":\"Acme\"}", "[]"},
    {"free mail is no domain", "[" BY_DOMAIN "]", "{\"email\":\"ada@gmail.com\"}", "[]"},
    {"a rule for another object",
	"[{\"by\":\"id\",\"from\":\"salesforce_id\",\"on\":\"B\"},{\"by\":\"id\",\"from\":\"hubspot_id\",\"on\":\"A\"},"
	"{\"by\":\"value\",\"fields\":[{\"to\":\"Email\",\"from\":\"email\",\"on\":\"B\"}]}]",
	"{\"salesforce_id\":\"1\",\"hubspot_id\":\"2\",\"email\":\"ada@example.com\"}",
	"[[\"id\",[\"Id\",\"2\"]]]"},
    {"a rule for some objects only",
	"[{\"by\":\"id\",\"from\":\"hubspot_id\",\"if\":{\"field\":\"hubspot_object\",\"not_in\":[\"contacts\"]}},"
	"{\"by\":\"key\",\"if\":{\"field\":\"type\",\"is\":\"company\"}},"
	"{\"by\":\"value\",\"fields\":[{\"to\":\"Email\",\"from\":\"email\"}],\"if\":{\"field\":\"type\",\"is\":null}}]",
	"{\"hubspot_id\":\"2\",\"hubspot_object\":\"contacts\",\"type\":\"company\",\"email\":\"ada@example.com\"}",
	"[[\"key\"]]"},
    {"a rule's filter of no field", "[{\"by\":\"key\",\"if\":{\"field\":\"nothing\",\"is\":1}}]",
	"{}", "match rule 1: if"},
    {"an unknown way", "[{\"by\":\"luck\"}]", "{}", "match rule 1: by is"},
    {"an unknown field", "[{\"by\":\"id\",\"from\":\"nothing\"}]", "{}", "match rule 1"},
    {"an unknown member", "[{\"by\":\"key\",\"from\":\"name\"}]", "{}", "unknown member 'from'"},
    {"the end of a member", "[{\"by\":\"id\",\"from\":\"id\",\"rom\":1}]", "{}",
	"unknown member 'rom'"},
    {"no values", "[{\"by\":\"value\",\"fields\":[]}]", "{}", "fields lists 1 to"},
    {"a domain of no field", "[{\"by\":\"domain\",\"from\":\"website\"}]", "{}",
	"to is the CRM's field"},
};

static void
test_match(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(matches); i++) {
		const struct match_case *c = &matches[i];
		char *more = bh_xasprintf(
		    "{\"objects\":[{\"name\":\"a\",\"from\":\"customer\",\"to\":\"{object}\","
		    "\"key\":\"K\",\"match\":%s,\"fields\":[]}]}",
		    c->rules);
		json_t *mapping = parse(more), *object = parse(c->object), *shown;
		json_t *settings = parse("{\"object\":\"A\"}");
		struct map_context context = {.key_prefix = "stripe",
		    .account = "",
		    .settings = settings};
		struct map_questions questions;
		struct bh_err err = BH_ERR_INIT;
		struct map *map;

		if (map_new(mapping, &map, &err) < 0) {
			if (strstr(err.text, c->asked) == NULL)
				fail_msg("%s: %s", c->name, err.text);
		} else {
			map_questions(map, 0, "x1", object, &context, &questions);
			shown = show(&questions);
			check_json(c->name, shown, c->asked);
			json_decref(shown);
			map_questions_release(&questions);
			map_free(&map);
		}
		json_decref(settings);
		json_decref(object);
		json_decref(mapping);
		free(more);
	}
}

/* Companies and people are two objects; a subscription hangs below the one that there is. */
static void
test_left_out_parent(void **state BH_UNUSED)
{
	static const struct {
		const char *customer, *parent;
	} cases[] = {
	    {"{\"type\":\"individual\"}", "contacts"},
	    {"{\"type\":\"company\"}", "companies"},
	    {"{\"type\":null}", "companies"},
	    {NULL, "companies"},
	};
	json_t *mapping = parse(
	    "{\"objects\":[{\"name\":\"company\",\"from\":\"customer\",\"to\":\"companies\",\"key\":\"K\","
	    "\"if\":{\"field\":\"type\",\"not_in\":[\"individual\"]},\"fields\":[]},"
	    "{\"name\":\"person\",\"from\":\"customer\",\"to\":\"contacts\",\"key\":\"K\","
	    "\"if\":{\"field\":\"type\",\"is\":\"individual\"},\"fields\":[]},"
	    "{\"name\":\"sub\",\"from\":\"subscription\",\"to\":\"subs\",\"key\":\"K\",\"fields\":[],"
	    "\"parents\":[{\"object\":\"company\",\"id\":\"customer\"},{\"object\":\"person\",\"id\":\"customer\"}]}]}");
	json_t *object = parse("{\"customer\":\"c1\"}");
	struct bh_err err = BH_ERR_INIT;
	struct map *map;

	if (map_new(mapping, &map, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *customer = cases[i].customer != NULL ? parse(cases[i].customer) : NULL;
		struct map_context context = {.key_prefix = "s",
		    .account = "",
		    .customer = customer};
		struct record *record;
		enum map_verdict verdict;

		assert_int_equal(map_render(map, 2, "x", object, &context, &verdict, &record, &err),
		    0);
		assert_int_equal(record->parents_n, 1);
		assert_string_equal(record->parents[0].object, cases[i].parent);
		record_free(&record);
		json_decref(customer);
	}
	map_free(&map);
	json_decref(object);
	json_decref(mapping);
}

/* Several customers of one domain share an account; people of free mail have none. */
static void
test_shared_key(void **state BH_UNUSED)
{
	static const char *const objects[] = {"{\"email\":\"ada@acme.example.com\"}",
	    "{\"email\":\"bob@acme.example.com\"}", "{\"email\":\"eve@gmail.com\"}"};
	static const char *const keys[] = {"stripe:domain:acme.example.com",
	    "stripe:domain:acme.example.com", NULL};
	json_t *mapping = parse(
	    "{\"objects\":[{\"name\":\"account\",\"from\":\"customer\",\"to\":\"Account\",\"key\":\"K\","
	    "\"key_from\":\"domain:{email|company_domain}\",\"fields\":[]},"
	    "{\"name\":\"contact\",\"from\":\"customer\",\"to\":\"Contact\",\"key\":\"K\",\"fields\":[],"
	    "\"parents\":[{\"object\":\"account\",\"id\":\"id\",\"to\":\"AccountId\"}]}]}");
	struct bh_err err = BH_ERR_INIT;
	struct map *map;

	if (map_new(mapping, &map, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < BH_LEN(objects); i++) {
		struct map_context context = {.key_prefix = "stripe", .account = "acct_1"};
		json_t *object = parse(objects[i]);
		struct record *record;
		enum map_verdict verdict;

		assert_int_equal(map_render(map, 0, "x1", object, &context, &verdict, &record,
				     &err),
		    0);
		assert_int_equal(verdict, keys[i] != NULL ? MAP_RENDERED : MAP_FILTERED);
		if (keys[i] != NULL)
			assert_string_equal(record->key, keys[i]);
		record_free(&record);
		assert_int_equal(map_render(map, 1, "x1", object, &context, &verdict, &record,
				     &err),
		    0);
		assert_string_equal(record->key, "stripe:acct_1/x1");
		assert_int_equal(record->parents_n, keys[i] != NULL);
		if (keys[i] != NULL)
			assert_string_equal(record->parents[0].key, keys[i]);
		record_free(&record);
		json_decref(object);
	}
	map_free(&map);
	json_decref(mapping);
}

static void
test_when(void **state BH_UNUSED)
{
	static const char *const rows =
	    "[{\"to\":\"A\",\"from\":\"name\"},{\"to\":\"B\",\"from\":\"name\",\"when\":\"if_empty\"},"
	    "{\"to\":\"C\",\"from\":\"name\",\"when\":\"if_unchanged\"},{\"to\":\"D\",\"from\":\"email\",\"when\":\"on_create\"},"
	    "{\"to\":\"E\",\"from\":\"name\",\"when\":\"never\"}]";
	static const enum record_when want[] = {RECORD_ALWAYS, RECORD_IF_EMPTY, RECORD_IF_UNCHANGED,
	    RECORD_ON_CREATE};
	json_t *mapping = parse(
	    "{\"objects\":[{\"name\":\"a\",\"from\":\"customer\",\"to\":\"A\",\"key\":\"K\"}]}");
	json_t *object = parse("{\"name\":\"Acme\",\"email\":\"a@example.com\"}"), *fields;
	struct map_context context = {.key_prefix = "s", .account = ""};
	const struct map_object *objects;
	struct bh_err err = BH_ERR_INIT;
	char before[65], after[65];
	struct record *record;
	enum map_verdict verdict;
	struct map *map;

	json_object_set_new(json_array_get(json_object_get(mapping, "objects"), 0), "fields",
	    parse(rows));
	assert_int_equal(map_new(mapping, &map, &err), 0);
	map_objects(map, &objects);
	assert_true(objects[0].has_shared);
	fields = map_fields(map, 0, NULL);
	check_json("fields", fields, "[\"A\",\"B\",\"C\",\"D\"]");
	json_decref(fields);
	assert_int_equal(map_render(map, 0, "x", object, &context, &verdict, &record, &err), 0);
	assert_int_equal(record->fields_n, BH_LEN(want));
	for (size_t i = 0; i < BH_LEN(want); i++)
		assert_int_equal(record->fields[i].when, want[i]);
	record_hash(record, before);
	record_free(&record);
	/* What is written only once is no reason to write again. */
	json_object_set_new(object, "email", json_string("b@example.com"));
	assert_int_equal(map_render(map, 0, "x", object, &context, &verdict, &record, &err), 0);
	record_hash(record, after);
	assert_string_equal(before, after);
	record_free(&record);
	map_free(&map);
	json_decref(object);
	json_decref(mapping);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shape),
	    cmocka_unit_test(test_object_names),
	    cmocka_unit_test(test_object_of_a_setting),
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_left_out_parent),
	    cmocka_unit_test(test_shared_key),
	    cmocka_unit_test(test_when),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
