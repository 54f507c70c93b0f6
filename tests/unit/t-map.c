/* Mapping: the cases of tests/map/, parent order, keys, decimals, and the table of transforms. */
#include "base/base.h"

#include "base/json.h"
#include "map/decimal.h"
#include "map/map.h"
#include "map/transform.h"
#include "unit.h"

static const char *const type_words[] = {"text", "number", "bool", "date", "time", "enum"};

static json_t *
load(const char *text)
{
	json_error_t why;
	json_t *json = json_loads(text, JSON_DECODE_ANY, &why);

	if (json == NULL)
		fail_msg("bad JSON in the test: %s: %s", why.text, text);
	return json;
}

/* {"Name": {"type": 0, "length": 5, ...}}, the same for every object. */
static bool
is_described(void *arg, const char *object BH_UNUSED, const char *field, struct map_limit *limit_r)
{
	const json_t *limit = json_object_get(arg, field);
	const char *type = bh_json_str(limit, "type");

	if (limit == NULL)
		return false;
	for (size_t i = 0; i < BH_LEN(type_words); i++) {
		if (strcmp(type_words[i], type) == 0)
			limit_r->type = (enum record_type)i;
	}
	limit_r->length = (size_t)bh_json_int(limit, "length", 0);
	limit_r->digits = (int)bh_json_int(limit, "digits", 0);
	limit_r->scale = (int)bh_json_int(limit, "scale", -1);
	limit_r->options = json_object_get(limit, "options");
	limit_r->aliases = json_object_get(limit, "aliases");
	return true;
}

/* {"Name": {"text": "x"}, "Account__c": {"parent": "Account.K__c", "key": "stripe:cus_1"}}. */
static json_t *
show(const struct record *record)
{
	json_t *shown = json_object();

	for (size_t i = 0; i < record->fields_n; i++)
		json_object_set_new(shown, record->fields[i].name,
		    json_pack("{s:O}", type_words[record->fields[i].type],
			record->fields[i].value));
	for (size_t i = 0; i < record->parents_n; i++)
		json_object_set_new(shown, record->parents[i].field,
		    json_pack("{s:s++, s:s}", "parent", record->parents[i].object, ".",
			record->parents[i].key_field, "key", record->parents[i].key));
	return shown;
}

/* Parse a mapping and render its last object: the record, "filtered", or the error's text. */
static json_t *
render(const json_t *mapping, const json_t *object, const struct map_context *context)
{
	struct bh_err err = BH_ERR_INIT;
	struct map *map;
	const struct map_object *objects;
	struct record *record = NULL;
	enum map_verdict verdict = MAP_RENDERED;
	json_t *shown;
	int rc = map_new(mapping, &map, &err);

	if (rc == 0)
		rc = map_render(map, map_objects(map, &objects) - 1, "x1", object, context,
		    &verdict, &record, &err);
	assert_int_equal(record != NULL, rc == 0 && verdict == MAP_RENDERED);
	assert_int_equal(err.code, rc == 0 ? BH_OK : BH_INVALID);
	if (record != NULL)
		shown = show(record);
	else
		shown = json_string(rc == 0 ? "filtered" : err.text);
	record_free(&record);
	map_free(&map);
	return shown;
}

/* The mapping of a case, or one made around its fields. */
static json_t *
mapping_of(const json_t *test)
{
	json_t *mapping = json_object_get(test, "mapping");

	if (mapping != NULL)
		return json_incref(mapping);
	return json_pack("{s:[{s:s, s:s, s:s, s:s, s:O}]}", "objects", "name", "o", "from",
	    bh_json_str(test, "from"), "to", "O", "key", "K", "fields",
	    json_object_get(test, "fields"));
}

static void
run_case(const json_t *test, const json_t *customer)
{
	const char *from = bh_json_str(test, "from");
	struct map_context context = {.key_prefix = "stripe",
	    .account = "acct_1",
	    .customer = from == NULL || strcmp(from, "customer") != 0 ? customer : NULL,
	    .is_described = is_described,
	    .arg = json_object_get(test, "limits")};
	json_t *mapping = mapping_of(test);
	json_t *got = render(mapping, json_object_get(test, "object"), &context);
	char *text = bh_json_text(got);

	if (!json_equal(got, json_object_get(test, "want")))
		fail_msg("%s: got %s", bh_json_str(test, "name"), text);
	free(text);
	json_decref(got);
	json_decref(mapping);
}

/* A file of cases under tests/map/; at least n of them. */
static void
run_file(const char *name, size_t n)
{
	char *path = unit_path(name);
	json_t *customer = load(
	    "{\"email\":\"ada@example.com\",\"metadata\":{\"tier\":\"gold\"},\"currency\":\"USD\","
	    "\"balance\":1250,\"figures_currency\":\"JPY\",\"mrr\":1250,"
	    "\"_older\":{\"email\":\"x\"}}");
	struct bh_err err = BH_ERR_INIT;
	json_t *tests, *test;
	size_t i;

	if (bh_json_read(path, 1 << 20, &tests, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(json_array_size(tests) >= n);
	json_array_foreach (tests, i, test)
		run_case(test, customer);
	json_decref(tests);
	json_decref(customer);
	free(path);
}

/* Rows: transforms, templates, defaults, limits, money, and what is refused. */
static void
test_rows(void **state BH_UNUSED)
{
	run_file("tests/map/rows.json", 160);
}

/* Whole mappings: filters, parents, settings, and what is refused. */
static void
test_mappings(void **state BH_UNUSED)
{
	run_file("tests/map/mappings.json", 40);
}

/* Written children first; kept parents first, indexes and all. */
static void
test_order(void **state BH_UNUSED)
{
	static const char mapping[] =
	    "{\"objects\":["
	    "{\"name\":\"i\",\"from\":\"invoice\",\"to\":\"I\",\"key\":\"K\",\"fields\":[],\"parents\":["
	    "{\"object\":\"s\",\"id\":\"subscription\",\"to\":\"S__c\"},{\"object\":\"c\",\"id\":\"customer\",\"to\":\"C__c\"}]},"
	    "{\"name\":\"s\",\"from\":\"subscription\",\"to\":\"S\",\"key\":\"K\",\"fields\":[],\"parents\":["
	    "{\"object\":\"c\",\"id\":\"customer\",\"to\":\"C__c\"}]},"
	    "{\"name\":\"c\",\"from\":\"customer\",\"to\":\"{who} {x}\",\"key\":\"K\",\"fields\":[]}]}";
	json_t *json = load(mapping),
	       *object = load("{\"customer\":\"c1\",\"subscription\":\"s1\"}");
	json_t *settings = load("{\"who\":\"Account\",\"x\":\"Y\"}");
	struct map_context context = {.key_prefix = "lago", .settings = settings};
	const struct map_object *objects;
	struct bh_err err = BH_ERR_INIT;
	struct bh_buf to = BH_BUF_INIT(100);
	struct record *record;
	enum map_verdict verdict;
	struct map *map;
	json_t *shown;

	assert_int_equal(map_new(json, &map, &err), 0);
	json_decref(json);
	assert_int_equal(map_objects(map, &objects), 3);
	assert_string_equal(objects[0].name, "c");
	assert_string_equal(objects[1].name, "s");
	assert_string_equal(objects[2].name, "i");
	assert_int_equal(objects[0].rank, 0);
	assert_int_equal(objects[1].rank, 1);
	assert_int_equal(objects[2].rank, 2);
	assert_int_equal(objects[2].from, OBJECT_INVOICE);
	assert_string_equal(objects[0].to, "{who} {x}");
	assert_int_equal(map_object_to(map, 0, settings, &to, &err), 0);
	assert_string_equal(bh_buf_str(&to), "Account Y");

	assert_int_equal(map_render(map, 2, "i1", object, &context, &verdict, &record, &err), 0);
	assert_string_equal(record->object, "I");
	assert_string_equal(record->key_field, "K");
	assert_string_equal(record->key, "lago:i1");
	shown = show(record);
	assert_string_equal(bh_json_str(shown, "S__c.key"), "lago:s1");
	assert_string_equal(bh_json_str(shown, "S__c.parent"), "S.K");
	assert_string_equal(bh_json_str(shown, "C__c.key"), "lago:c1");
	assert_string_equal(bh_json_str(shown, "C__c.parent"), "Account Y.K");
	json_decref(shown);
	record_free(&record);
	map_free(&map);
	assert_null(map);
	bh_buf_release(&to);
	json_decref(object);
	json_decref(settings);
}

static void
test_keys(void **state BH_UNUSED)
{
	struct bh_buf key = BH_BUF_INIT(100);

	map_key(&key, "stripe", "", "cus_1");
	bh_buf_addc(&key, ' ');
	map_key(&key, "stripe", "acct_1", "cus_1");
	bh_buf_addc(&key, ' ');
	map_key(&key, "", NULL, "c1");
	assert_string_equal(bh_buf_str(&key), "stripe:cus_1 stripe:acct_1/cus_1 c1");
	bh_buf_release(&key);
}

struct decimal_case {
	const char *text, *read; /* NULL: refused */
	int scale;
	const char *rounded;
};

static const struct decimal_case decimal_cases[] = {
    {"0", "0", 0, "0"},
    {"-0", "0", 0, "0"},
    {"-0.00", "0.00", 1, "0.0"},
    {"00012.340", "12.340", 2, "12.34"},
    {"5.", "5", 2, "5"},
    {".5", "0.5", 0, "1"},
    {"+1.4", "1.4", 0, "1"},
    {"999.995", "999.995", 2, "1000.00"},
    {"-999.995", "-999.995", 2, "-1000.00"},
    {"0.4999999999999999999999", "0.4999999999999999999999", 0, "0"},
    {"123456789012345678901234567890.5", "123456789012345678901234567890.5", 0,
	"123456789012345678901234567891"},
    {"", NULL, 0, NULL},
    {"-", NULL, 0, NULL},
    {".", NULL, 0, NULL},
    {"1.2.3", NULL, 0, NULL},
    {"1,5", NULL, 0, NULL},
    {"1e5", NULL, 0, NULL},
    {" 1", NULL, 0, NULL},
    {"--1", NULL, 0, NULL},
    {"0x10", NULL, 0, NULL},
    {"NaN", NULL, 0, NULL},
};

static void
test_decimals(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(decimal_cases); i++) {
		const struct decimal_case *c = &decimal_cases[i];
		struct bh_buf out = BH_BUF_INIT(1000), rounded = BH_BUF_INIT(1000);

		if (is_decimal_read(c->text, &out) != (c->read != NULL))
			fail_msg("%s: read or refused against expectation", c->text);
		if (c->read != NULL) {
			assert_string_equal(bh_buf_str(&out), c->read);
			decimal_round(c->read, c->scale, &rounded);
			assert_string_equal(bh_buf_str(&rounded), c->rounded);
		}
		bh_buf_release(&out);
		bh_buf_release(&rounded);
	}
	assert_int_equal(decimal_digits("-123.4"), 3);
	assert_int_equal(decimal_digits("0.4"), 0);
}

static const char *const field_words[FIELD__MAX] = {[FIELD_NONE] = "A",
    [FIELD_TEXT] = "text",
    [FIELD_ENUM] = "enum",
    [FIELD_URL] = "url",
    [FIELD_EMAIL] = "email",
    [FIELD_DATE] = "date",
    [FIELD_TIME] = "time",
    [FIELD_MONEY] = "money",
    [FIELD_DECIMAL] = "decimal",
    [FIELD_INT] = "int",
    [FIELD_BOOL] = "bool",
    [FIELD_JSON] = "json"};

/* The manual's JSON table says the same as the program's. */
static void
check_manual_table(const char *manual)
{
	const char *start = strstr(manual, "\n{\n  \"text\": {"), *end;
	struct bh_err err = BH_ERR_INIT;
	const struct transform *list;
	json_t *table;
	size_t n;

	assert_non_null(start);
	end = strstr(start, "\n.Ed");
	assert_non_null(end);
	if (bh_json_parse(start, (size_t)(end - start), &table, &err) < 0)
		fail_msg("%s", err.text);
	list = transform_list(&n);
	assert_int_equal(json_object_size(table), n);
	for (size_t i = 0; i < n; i++) {
		const json_t *entry = json_object_get(table, list[i].name),
			     *takes = json_object_get(entry, "takes");
		unsigned bits = 0;

		for (size_t k = 0; k < json_array_size(takes); k++) {
			for (int type = FIELD_NONE; type < FIELD__MAX; type++) {
				if (strcmp(field_words[type],
					json_string_value(json_array_get(takes, k))) == 0)
					bits |= type == FIELD_NONE ? (1u << FIELD__MAX) - 2
								   : TRANSFORM_TAKES(type);
			}
		}
		if (bits != list[i].takes ||
		    strcmp(bh_json_str(entry, "gives"), field_words[list[i].gives]) != 0)
			fail_msg("the manual is wrong on %s", list[i].name);
	}
	json_decref(table);
}

/* Every transform has a function that can be reached, and its line in the manual. */
static void
test_transforms(void **state BH_UNUSED)
{
	struct bh_buf manual = BH_BUF_INIT(1 << 20);
	char *path = unit_path("man/billhook-mapping.5"), chunk[4096], line[100];
	FILE *file = fopen(path, "re");
	const struct transform *list;
	size_t n, len;

	assert_non_null(file);
	while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
		bh_buf_add(&manual, chunk, len);
	fclose(file);
	check_manual_table(bh_buf_str(&manual));
	list = transform_list(&n);
	assert_true(n >= 20);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(transform_find(list[i].name, strlen(list[i].name)), &list[i]);
		assert_true((list[i].takes == 0) == (list[i].apply == NULL));
		snprintf(line, sizeof(line), "\n.It Cm %s\n", list[i].name);
		if (strstr(bh_buf_str(&manual), line) == NULL)
			fail_msg("%s is not in the manual", list[i].name);
	}
	for (int type = FIELD_NONE + 1; type < FIELD__MAX; type++)
		assert_true(
		    can_transform(transform_for((enum field_type)type), (enum field_type)type));
	free(path);
	bh_buf_release(&manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_mappings),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_decimals),
	    cmocka_unit_test(test_transforms),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
