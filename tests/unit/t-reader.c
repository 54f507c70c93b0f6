/* The reader: conversions, paths, conditions, what a table may not say, and what it costs. */
#include "base/clock.h"
#include "source/lostchurn.h"
#include "source/reader.h"
#include "unit.h"

static json_t *
json_of(const char *text)
{
	char *copy = bh_xstrdup(text);
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	for (char *s = copy; *s != '\0'; s++)
		if (*s == '\'')
			*s = '"';
	if (bh_json_parse(copy, strlen(copy), &json, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	free(copy);
	return json;
}

static void
read_with(const char *settings, const char *table, const char *type, const char *body,
    struct source_result *result, struct bh_err *err, int *rc_r)
{
	json_t *parsed[] = {json_of(settings), json_of(table), json_of(body)};
	struct source_config config = {.code = "test", .settings = parsed[0]};
	struct source_event event = {.id = "e-1"};
	struct source_news news = {.config = &config,
	    .event = &event,
	    .body = parsed[2],
	    .received_ms = 5000,
	    .account = "",
	    .result = result};

	snprintf(event.type, sizeof(event.type), "%s", type);
	*err = (struct bh_err)BH_ERR_INIT;
	*rc_r = reader_read(&news, parsed[1], err);
	for (size_t i = 0; i < BH_LEN(parsed); i++)
		json_decref(parsed[i]);
}

/* One field by its rule: what becomes of the value. */
static void
conversions(void **state BH_UNUSED)
{
	static const struct {
		const char *kind, *field, *rule, *value;
		const char *want; /* JSON; NULL nothing */
		const char *note; /* words of it; NULL none */
	} cases[] = {
	    {"customer", "name", "'v'", "'Ada'", "\"Ada\"", NULL},
	    {"customer", "name", "'v'", "''", "\"\"", NULL},
	    {"customer", "name", "'v'", "17", "\"17\"", NULL},
	    {"customer", "name", "'v'", "1.50", "\"1.5\"", NULL},
	    {"customer", "name", "'v'", "true", NULL, "not understood"},
	    {"customer", "name", "'v'", "[1]", NULL, "not understood"},
	    {"customer", "name", "'v'", "null", "null", NULL},
	    {"customer", "name", "{'from':'v','null':'unknown'}", "null", NULL, NULL},
	    {"customer", "name", "{'from':'v','as':'filled'}", "''", "null", NULL},
	    {"customer", "email", "'v'", "''", "null", NULL},
	    {"customer", "email", "{'from':'v','as':'lower'}", "'A@B.EXAMPLE'", "\"a@b.example\"",
		NULL},
	    {"customer", "address_country", "{'from':'v','as':'upper'}", "'de'", "\"DE\"", NULL},
	    {"customer", "website", "'v'", "'https://a.example'", "\"https://a.example\"", NULL},
	    {"customer", "website", "'v'", "'javascript:alert(1)'", NULL, "not understood"},
	    {"customer", "delinquent", "'v'", "'Yes'", "true", NULL},
	    {"customer", "delinquent", "'v'", "0", "false", NULL},
	    {"customer", "delinquent", "'v'", "2", NULL, "not understood"},
	    {"customer", "source_recovery_count", "'v'", "'12'", "12", NULL},
	    {"customer", "source_recovery_count", "'v'", "12.0", "12", NULL},
	    {"customer", "source_recovery_count", "'v'", "12.5", NULL, "not understood"},
	    {"customer", "churn_risk", "'v'", "0.1", "\"0.1\"", NULL},
	    {"customer", "churn_risk", "'v'", "'0.30'", "\"0.3\"", NULL},
	    {"customer", "churn_risk", "'v'", "'high'", NULL, "not understood"},
	    {"customer", "created_at", "'v'", "'2026-10-05T06:12:44+02:00'",
		"\"2026-10-05T04:12:44Z\"", NULL},
	    {"customer", "created_at", "'v'", "1791180764", "\"2026-10-05T06:12:44Z\"", NULL},
	    {"customer", "created_at", "'v'", "'1791180764'", "\"2026-10-05T06:12:44Z\"", NULL},
	    {"customer", "created_at", "'v'", "1791180764.25", "\"2026-10-05T06:12:44.250Z\"",
		NULL},
	    {"customer", "created_at", "'v'", "1791180764250", "\"2026-10-05T06:12:44.250Z\"",
		NULL},
	    {"customer", "created_at", "'v'", "0", "\"1970-01-01T00:00:00Z\"", NULL},
	    {"customer", "created_at", "'v'", "99999999999999999", NULL, "not understood"},
	    {"customer", "created_at", "'v'", "'soon'", NULL, "not understood"},
	    {"invoice", "due_on", "'v'", "'2026-10-05'", "\"2026-10-05\"", NULL},
	    {"invoice", "due_on", "'v'", "'2026-10-05T23:00:00-02:00'", "\"2026-10-06\"", NULL},
	    {"invoice", "due_on", "'v'", "1791180764", "\"2026-10-05\"", NULL},
	    {"invoice", "total", "{'from':'v','as':'minor'}", "1250", "1250", NULL},
	    {"invoice", "total", "{'from':'v','as':'minor'}", "'1250'", "1250", NULL},
	    {"invoice", "total", "{'from':'v','as':'minor'}", "1250.5", "1251", "rounded"},
	    {"invoice", "total", "{'from':'v','as':'minor'}", "9007199254740993",
		"9007199254740993", NULL},
	    {"invoice", "total", "{'from':'v','as':'minor'}", "'9223372036854775808'", NULL,
		"not understood"},
	    {"invoice", "total", "{'from':'v','as':'minor','currency':'jp'}", "1250", "1250", NULL},
	    {"invoice", "total", "{'from':'v','as':'minor','currency':'is'}", "1250", "125000",
		NULL},
	    {"invoice", "total", "{'from':'v','as':'minor','currency':'mg'}", "12350", "124",
		"rounded"},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'us'}", "'12.5'", "1250",
		NULL},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'us'}", "12.5", "1250", NULL},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'us'}", "0.07", "7", NULL},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'us'}", "-1.005", "-101",
		"rounded"},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'us'}", "1.004", "100",
		"rounded"},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'us'}", "'1,200'", NULL,
		"not understood"},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'us'}",
		"'92233720368547758.07'", "9223372036854775807", NULL},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'us'}",
		"'92233720368547758.08'", NULL, "not understood"},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'kw'}", "'12.345'", "12345",
		NULL},
	    {"invoice", "total", "{'from':'v','as':'major','currency':'jp'}", "1250", "1250", NULL},
	    {"invoice", "total", "{'from':'v','as':'major'}", "'12.5'", NULL, "no currency"},
	    {"invoice", "total", "{'from':'v','as':'setting:unit','currency':'us'}", "12", "1200",
		NULL},
	    {"invoice", "status", "{'from':'v','as':'map','map':{'late':'open','1':'paid'}}",
		"'late'", "\"open\"", NULL},
	    {"invoice", "status", "{'from':'v','as':'map','map':{'late':'open','1':'paid'}}", "1",
		"\"paid\"", NULL},
	    {"invoice", "status", "{'from':'v','as':'map','map':{'late':'open'}}", "'new'", NULL,
		"not understood"},
	    {"invoice", "status", "{'from':'v','as':'map','map':{'late':'open','*':'other'}}",
		"'new'", "\"other\"", NULL},
	    {"invoice", "status",
		"{'from':'v','as':'map','map':{'late':'open'},'else':{'const':'draft'}}", "'new'",
		"\"draft\"", NULL},
	    {"invoice", "overdue", "{'from':'v','as':'map','map':{'late':true}}", "'late'", "true",
		NULL},
	    {"invoice", "metadata", "'v'", "{'a':[1]}", "{\"a\":[1]}", NULL},
	    {"invoice", "number", "{'const':'N','when':{'where':{'v':[1,'x']}}}", "'x'", "\"N\"",
		NULL},
	    {"invoice", "number", "{'const':'N','when':{'where':{'v':[1,'x']}}}", "2", NULL, NULL},
	    {"invoice", "number", "{'const':'N','when':{'present':'v'}}", "null", NULL, NULL},
	    {"invoice", "number", "{'const':'N','when':{'type':'a.*'}}", "1", "\"N\"", NULL},
	    {"invoice", "number", "{'const':'N','when':{'type':['b.*','a']}}", "1", NULL, NULL},
	    {"invoice", "number", "['gone',{'path':'v','prefix':'rec_'},'us']", "'rec_1'",
		"\"rec_1\"", NULL},
	    {"invoice", "number", "['gone',{'path':'v','prefix':['rec_','pay_']},'us']", "'x_1'",
		"\"usd\"", NULL},
	    {"invoice", "number", "{'from':'v','else':'us'}", "null", "\"usd\"", NULL},
	    {"invoice", "number", "{'from':'v','else':'gone'}", "null", "null", NULL},
	    {"invoice", "number", "'/deep/a~1b/1/~0c'", "1", "\"found\"", NULL},
	    {"invoice", "number", "'./deep/a~1b/1/~0c'", "1", "\"found\"", NULL},
	    {"invoice", "number", "'deep.list.1'", "1", "\"two\"", NULL},
	    {"invoice", "number", "'/deep/list/01x'", "1", NULL, NULL},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct source_result result = {0};
		struct bh_err err;
		char *table =
		    bh_xasprintf("{'objects':[{'kind':'%s','id':'id','fields':{'%s':%s}}]}",
			cases[i].kind, cases[i].field, cases[i].rule);
		char *body = bh_xasprintf(
		    "{'id':'x','v':%s,'us':'usd','jp':'JPY','kw':'kwd','is':'ISK','mg':'MGA','deep':"
		    "{'list':['one','two'],'a/b':[0,{'~c':'found'}]}}",
		    cases[i].value);
		const json_t *got;
		json_t *parsed = json_of(table);
		char *text;
		int rc;

		if (reader_check(parsed, &err) < 0)
			fail_msg("%s: %s", table, err.text);
		read_with("{'unit':'major'}", table, "a.b", body, &result, &err, &rc);
		assert_int_equal(rc, 0);
		got = result.changes.n > 0
			  ? json_object_get(result.changes.items[0].fields, cases[i].field)
			  : NULL;
		text = got != NULL ? bh_json_text(got) : NULL;
		if ((text == NULL) != (cases[i].want == NULL) ||
		    (text != NULL && strcmp(text, cases[i].want) != 0))
			fail_msg("%s of %s gives %s", cases[i].rule, cases[i].value,
			    text != NULL ? text : "nothing");
		if (cases[i].note == NULL ? result.note[0] != '\0'
					  : strstr(result.note, cases[i].note) == NULL)
			fail_msg("%s of %s notes: %s", cases[i].rule, cases[i].value, result.note);
		free(text);
		free(table);
		free(body);
		json_decref(parsed);
		source_result_release(&result);
	}
}

/* An amount in another currency than its object has no place there. */
static void
currencies(void **state BH_UNUSED)
{
	static const char table[] =
	    "{'objects':[{'kind':'customer','id':'id','fields':{"
	    "'source_mrr':{'from':'mrr','as':'major','currency':'mrr_cur'},"
	    "'currency':{'from':'cur','as':'currency'},'balance':{'from':'bal','as':'minor'}}}]}";
	struct source_result result = {0};
	struct bh_err err;
	int rc;

	read_with("{'currency':'eur'}", table, "t",
	    "{'id':'c','cur':'jpy','mrr':5,'mrr_cur':'usd','bal':70}", &result, &err, &rc);
	assert_null(json_object_get(result.changes.items[0].fields, "source_mrr"));
	assert_int_equal(bh_json_int(result.changes.items[0].fields, "balance", 0), 70);
	assert_non_null(strstr(result.note, "another currency"));
	source_result_release(&result);
	/* The connection's, where the sender tells none. */
	read_with("{'currency':'jpy'}", table, "t", "{'id':'c','mrr':5}", &result, &err, &rc);
	assert_string_equal(bh_json_str(result.changes.items[0].fields, "currency"), "JPY");
	assert_int_equal(bh_json_int(result.changes.items[0].fields, "source_mrr", 0), 5);
	source_result_release(&result);
	read_with("{'exponents':{'JPY':2}}", table, "t", "{'id':'c','cur':'jpy','bal':7000}",
	    &result, &err, &rc);
	assert_int_equal(bh_json_int(result.changes.items[0].fields, "balance", 0), 70);
	source_result_release(&result);
}

/* What a table may not say, and where. */
static void
refused(void **state BH_UNUSED)
{
#define ONE(member) "{'objects':[{'kind':'invoice','id':'a'," member "}]}"
	static const struct {
		const char *table, *place;
	} cases[] = {
	    {"[]", "must be an object"},
	    {"{}", "objects must be an array"},
	    {"{'objects':[]}", "1 to 20"},
	    {"{'objects':[{}],'bass':1}", "no member bass"},
	    {"{'base':'data','objects':[{}]}", "base must be a JSON Pointer"},
	    {"{'null':'nothing','objects':[{}]}", "null must be"},
	    {"{'objects':[7]}", "objects[0]: must be an object"},
	    {"{'objects':[{'kind':'bill'}]}", "objects[0]: kind must be"},
	    {"{'objects':[{'kind':'event'}]}", "objects[0]: kind must be"},
	    {"{'objects':[{'kind':'invoice_line'}]}", "objects[0]: kind must be"},
	    {"{'objects':[{'kind':'event'}]}", "objects[0]: kind must be"},
	    {"{'objects':[{'kind':'invoice_line'}]}", "objects[0]: kind must be"},
	    {"{'objects':[{'kind':'invoice','fields':{}}]}", "objects[0].id: is no path"},
	    {"{'objects':[{'kind':'invoice','id':[]}]}", "objects[0].id: must be 1 to 10"},
	    {"{'objects':[{'kind':'invoice','id':['a','']}]}", "objects[0].id[1]: is no path"},
	    {"{'objects':[{'kind':'invoice','id':'/a~2'}]}", "objects[0].id: is no path"},
	    {"{'objects':[{'kind':'invoice','id':'a..b'}]}", "objects[0].id: is no path"},
	    {"{'objects':[{'kind':'invoice','id':{'path':'a','if':1}}]}",
		"objects[0].id: has no member if"},
	    {"{'objects':[{'kind':'invoice','id':'a'}]}", "objects[0].fields: must be an object"},
	    {ONE("'fields':{'totale':'a'}"), "objects[0].fields.totale: a invoice has no such"},
	    {ONE("'fields':{'total':'a'}"), "objects[0].fields.total: an amount must say"},
	    {ONE("'fields':{'total':{'from':'a','as':'cents'}}"),
		"objects[0].fields.total.as: is no conversion"},
	    {ONE("'fields':{'number':{'from':'a','as':'minor'}}"),
		"objects[0].fields.number.as: minor does not fit"},
	    {ONE("'fields':{'number':{'as':'text'}}"), "number: needs either from or const"},
	    {ONE("'fields':{'number':{'from':'a','const':'b'}}"), "needs either from or const"},
	    {ONE("'fields':{'number':{'const':7}}"), "number: the field cannot hold"},
	    {ONE("'fields':{'status':{'from':'a','as':'map'}}"), "status.map: must be an object"},
	    {ONE("'fields':{'status':{'from':'a','as':'map','map':{'x':1}}}"),
		"status.map.x: the field cannot hold"},
	    {ONE("'fields':{'number':{'from':'a','else':{'from':''}}}"),
		"number.else.from: is no path"},
	    {ONE("'fields':{'number':{'from':'a','else':{'from':'a','else':{'from':'a','else':"
		 "{'from':'a','else':{'from':'a','else':'a'}}}}}}"),
		"more than 4"},
	    {ONE("'fields':{'number':{'from':'a','when':{'typ':'b'}}}"),
		"number.when: has no member typ"},
	    {ONE("'fields':{'number':{'from':'a','when':{'type':[]}}}"),
		"number.when.type: must be"},
	    {ONE("'fields':{'number':{'from':'a','when':{'where':{}}}}"),
		"number.when.where: must be"},
	    {ONE("'fields':{'number':{'from':'a','when':{'present':7}}}"),
		"number.when.present: must be"},
	    {ONE("'fields':{},'lead':'rank'"), "there must be a rank"},
	    {ONE("'fields':{},'lead':'first'"), "lead must be"},
	    {ONE("'fields':{},'rank':{'from':'a','as':'map','map':{'b':'c'}}"),
		"objects[0].rank.map.b: the field cannot hold"},
	    {ONE("'fields':{},'partial':'yes'"), "partial must be true or false"},
	    {ONE("'fields':{},'link':'https://a.example/'"), "link must be"},
	    {ONE("'fields':{},'link':'javascript:{id}'"), "link must be"},
	    {ONE("'fields':{},'each':7"), "is no path"},
	    {ONE("'fields':{},'deleted':{'is':1}"), "objects[0].deleted: has no member is"},
	    {ONE("'fields':{'mrr':{'from':'a','as':'minor'}}"), "objects[0].fields.mrr"},
	    {"{'objects':[{'kind':'customer','id':'a','fields':{'mrr':{'from':'a','as':'minor'}}}]}",
		"no such field that a source can tell"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *table = json_of(cases[i].table);
		struct bh_err err = BH_ERR_INIT;

		assert_int_equal(reader_check(table, &err), -1);
		assert_int_equal(err.code, BH_INVALID);
		if (strstr(err.text, cases[i].place) == NULL || strncmp(err.text, "reader", 6) != 0)
			fail_msg("%s: %s", cases[i].table, err.text);
		json_decref(table);
	}
}

/* As large as it may be, and one more. */
static void
bounds(void **state BH_UNUSED)
{
	json_t *object = json_of("{'kind':'customer','id':'a','fields':{'name':'n'}}");
	json_t *table = json_pack("{s:[]}", "objects");
	json_t *objects = json_object_get(table, "objects"), *fields, *paths;
	const struct object_field *list;
	size_t n, added = 0;

	for (int i = 0; i < READER_OBJECTS_MAX; i++)
		json_array_append(objects, object);
	assert_int_equal(reader_check(table, NULL), 0);
	json_array_append(objects, object);
	assert_int_equal(reader_check(table, NULL), -1);
	json_array_clear(objects);
	paths = json_array();
	for (int i = 0; i < READER_PATHS_MAX; i++)
		json_array_append_new(paths, json_string("x"));
	json_object_set(object, "id", paths);
	json_array_append(objects, object);
	assert_int_equal(reader_check(table, NULL), 0);
	json_array_append_new(paths, json_string("x"));
	assert_int_equal(reader_check(table, NULL), -1);
	json_array_remove(paths, 0);
	/* 20 objects with all text fields of a customer are too many fields. */
	fields = json_object_get(object, "fields");
	list = object_fields(&n);
	for (size_t i = 0; i < n; i++) {
		if (list[i].kind == OBJECT_CUSTOMER && list[i].type == FIELD_TEXT &&
		    !(list[i].flags & FIELD_DERIVED) && added < 20) {
			json_object_set_new(fields, list[i].name, json_string("x"));
			added = json_object_size(fields);
		}
	}
	assert_int_equal(added, 20);
	while (json_array_size(objects) < 10)
		json_array_append(objects, object);
	assert_int_equal(reader_check(table, NULL), 0);
	json_array_append(objects, object);
	assert_int_equal(reader_check(table, NULL), -1);
	json_decref(paths);
	json_decref(object);
	json_decref(table);
}

/* Tables that would not be saved give less, never something that is no object. */
static void
unchecked(void **state BH_UNUSED)
{
	static const char *const tables[] = {"{}", "{'objects':7}", "{'objects':[{}]}",
	    "{'objects':[{'kind':7}]}", "{'objects':[{'kind':'invoice'}]}",
	    "{'objects':[{'kind':'event','id':'id','fields':{'type':'id'}}]}",
	    "{'objects':[{'kind':'event','id':'id','fields':{'type':'id'}}]}",
	    "{'objects':[{'kind':'invoice','id':7,'fields':7}]}",
	    "{'objects':[{'kind':'invoice','id':'id','fields':{'total':'id','number':7,'status':{'const':9},"
	    "'due_on':{'from':'id','as':'text'},'tax':{'from':'id','as':'nothing'},'nofield':'id'}}]}",
	    "{'objects':[{'kind':'invoice','id':'id','rank':{'const':'x'},'lead':7,'link':7,'alias':9,"
	    "'fields':{'number':{'from':[7,{'path':8},{}],'when':{'type':7,'present':[9],'where':7}}}}]}",
	    "{'objects':[{'kind':'invoice','each':'id','id':'id','fields':{'number':'id'}}]}"};

	for (size_t i = 0; i < BH_LEN(tables); i++) {
		struct source_result result = {0};
		struct bh_err err;
		int rc;

		read_with("{}", tables[i], "t", "{'id':'x'}", &result, &err, &rc);
		assert_true(rc == 0 || err.code == BH_INVALID);
		for (size_t k = 0; k < result.changes.n; k++)
			assert_int_equal(object_check(result.changes.items[k].kind,
					     result.changes.items[k].fields, NULL),
			    0);
		source_result_release(&result);
	}
}

/* Whole bodies are told from cut ones without parsing. */
static void
whole(void **state BH_UNUSED)
{
	static const char *const good[] = {"{}", " {\"a\":\"}\"}\n", "[]", "[{\"a\":\"\\\"]\"}]"};
	static const char *const bad[] = {"", " ", "{", "}", "]", "\"{}\"", "{}{}", "{} x", "7",
	    "{\"a\":\"}", "{\"a\":\"\\\"}", "[[]", "x{}\\"};

	for (size_t i = 0; i < BH_LEN(good); i++)
		assert_true(is_reader_whole(good[i], strlen(good[i])));
	for (size_t i = 0; i < BH_LEN(bad); i++)
		if (is_reader_whole(bad[i], strlen(bad[i])))
			fail_msg("%s is not whole", bad[i]);
}

/* The largest table of our own is read for each event: it must not be felt. */
static void
cost(void **state BH_UNUSED)
{
	static const char text[] =
	    "{'id':'evt_1','type':'recovery.succeeded','created_at':'2026-10-13T08:44:31Z','data':{"
	    "'recovery_id':'rec_1','payment_id':'pay_1','customer_id':'cus_1','customer_email':'a@b.example',"
	    "'amount':12900,'currency':'usd','decline_code':'insufficient_funds','status':'recovered',"
	    "'retry_count':5,'recovered_amount':12900,'completed_at':'2026-10-13T08:44:30Z',"
	    "'customer':{'mrr':12900,'recovery_count':2,'churn_risk_score':31}}}";
	json_t *body = json_of(text);
	struct source_config config = {.code = "test"};
	struct source_event event = {.id = "evt_1", .type = "recovery.succeeded"};
	int64_t began_us = bh_mono_us(), spent_us;
	int n = 2000;

	for (int i = 0; i < n; i++) {
		struct source_result result = {0};

		assert_int_equal(source_driver("lostchurn")
				     ->normalise(&config, &event, body, 1, &result, NULL),
		    0);
		assert_int_equal(result.changes.n, 3);
		source_result_release(&result);
	}
	spent_us = bh_mono_us() - began_us;
	print_message("%lld us an event\n", (long long)(spent_us / n));
	/* Measured about 50; with sanitizers, valgrind or a busy machine many times that. */
	assert_true(spent_us / n < 20000);
	json_decref(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(conversions),
	    cmocka_unit_test(currencies),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(bounds),
	    cmocka_unit_test(unchecked),
	    cmocka_unit_test(whole),
	    cmocka_unit_test(cost),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
