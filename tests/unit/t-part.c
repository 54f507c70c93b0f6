/* Virtual objects: lines of invoices and events of the journal, as fields, as marks and as records. */
#include "base/base.h"

#include "base/clock.h"
#include "bench.h"
#include "hooks.h"
#include "state/retain.h"
#include "state/target.h"
#include "sync/configure.h"
#include "sync/event.h"
#include "sync/line.h"
#include "sync/part.h"
#include "sync/person.h"
#include "sync/resync.h"
#include "sync/retain.h"

/* -- names of lines -- */

static void
names(void **state BH_UNUSED)
{
	static const struct {
		const char *lines, *names;
	} cases[] = {
	    {"null", "{}"},
	    {"[]", "{}"},
	    {"'text'", "{}"},
	    {"[{'id':'il_1'},{'id':'il_2'}]", "{'il_1':0,'il_2':1}"},
	    {"[{'id':'il_1'},{},{'id':null},{'id':''},{'id':7}]",
		"{'il_1':0,'2':1,'3':2,'4':3,'5':4}"},
	    {"[{'id':'seat'},{'id':'seat'}]", "{'seat':0,'2':1}"},
	    {"[{'id':'a/b'},{'id':'1'}]", "{'1':1,'1.':0}"},
	    {"['no object',{'id':'b'}]", "{'1':0,'b':1}"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *lines = bench_json(cases[i].lines), *want = bench_json(cases[i].names);
		json_t *got = line_names("in_1", lines);

		if (!json_equal(got, want))
			fail_msg("%s: %s", cases[i].lines, bh_json_text(got));
		json_decref(got);
		json_decref(want);
		json_decref(lines);
	}
	assert_string_equal(line_name("in_1/il_1"), "il_1");
	assert_string_equal(line_name("a/b/il_1"), "il_1");
	assert_null(line_name("in_1"));
}

/* An id of a line fits where an id of an object fits; there are not more than can be marked at once. */
static void
names_are_bounded(void **state BH_UNUSED)
{
	json_t *lines = json_array(), *got, *place;
	char invoice[256], id[200];
	const char *name;

	memset(invoice, 'i', 200);
	invoice[200] = '\0';
	memset(id, 'l', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	for (int i = 0; i < LINES_MAX + 10; i++)
		json_array_append_new(lines, json_object());
	json_array_set_new(lines, 0, json_pack("{s:s}", "id", id));
	got = line_names(invoice, lines);
	assert_int_equal(json_object_size(got), LINES_MAX);
	json_object_foreach (got, name, place)
		assert_true(strlen(invoice) + 1 + strlen(name) <= LINE_ID_MAX);
	assert_int_equal(json_integer_value(json_object_get(got, "1")), 0);
	json_decref(got);
	memset(invoice, 'i', 255);
	invoice[255] = '\0';
	got = line_names(invoice, lines);
	assert_int_equal(json_object_size(got), 0);
	json_decref(got);
	json_decref(lines);
}

/* -- fields of lines -- */

static json_t *
fields_of(const char *invoice, bool deleted, const char *name)
{
	struct object_state state = {.deleted = deleted, .fields = bench_json(invoice)};
	json_t *all = line_names("in_1", json_object_get(state.fields, "lines"));
	json_t *fields = line_fields("in_1", &state, all, name);

	json_decref(all);
	json_decref(state.fields);
	return fields;
}

static void
fields_of_lines(void **state BH_UNUSED)
{
	static const struct {
		const char *invoice;
		bool deleted;
		const char *name, *want; /* NULL: nobody knows */
	} cases[] = {
	    {"{'customer':'cus_1','number':'A-1','status':'open','currency':'EUR','subscription':null,"
	     "'lines':[{'id':'il_1','amount':700,'unit_amount':'0.15','quantity':'4666'}]}",
		false, "il_1",
		"{'invoice':'in_1','customer':'cus_1','invoice_number':'A-1','invoice_status':'open',"
		"'currency':'EUR','subscription':null,'line_id':'il_1','position':1,'amount':700,"
		"'unit_amount':'0.0015','quantity':'4666','deleted':false}"},
	    {"{'currency':'JPY','lines':[{},{'amount':5,'quantity':3,'unit_amount':'2'}]}", false,
		"2",
		"{'invoice':'in_1','currency':'JPY','position':2,'amount':5,'quantity':'3',"
		"'unit_amount':'2','deleted':false}"},
	    /* A line's own subscription and currency come first. */
	    {"{'currency':'EUR','subscription':'sub_1','lines':[{'subscription':'sub_2',"
	     "'currency':'KWD','unit_amount':'1500'}]}",
		false, "1",
		"{'invoice':'in_1','currency':'KWD','subscription':'sub_2','position':1,"
		"'unit_amount':'1.5','deleted':false}"},
	    /* What is no value of the field's type is left out. */
	    {"{'currency':'EUR','lines':[{'amount':'7','quantity':'many','proration':'yes',"
	     "'description':7,'period_start':'soon','unit_amount':'x','price':{'id':'p'}}]}",
		false, "1", "{'invoice':'in_1','currency':'EUR','position':1,'deleted':false}"},
	    /* Gone from the invoice. */
	    {"{'currency':'EUR','lines':[],'lines_complete':true}", false, "il_1",
		"{'invoice':'in_1','currency':'EUR','amount':0,'discount':0,'tax':0,'deleted':true}"},
	    {"{'lines':[]}", false, "il_1",
		"{'invoice':'in_1','amount':0,'discount':0,'tax':0,'deleted':true}"},
	    /* Not all of them were told, or none. */
	    {"{'lines':[],'lines_complete':false}", false, "il_1", NULL},
	    {"{'currency':'EUR'}", false, "il_1", NULL},
	    /* The invoice itself is gone. */
	    {"{'currency':'EUR','lines':[{'id':'il_1','amount':700}]}", true, "il_1",
		"{'invoice':'in_1','currency':'EUR','line_id':'il_1','position':1,'amount':0,"
		"'discount':0,'tax':0,'deleted':true}"},
	    {"{}", true, "il_1",
		"{'invoice':'in_1','amount':0,'discount':0,'tax':0,'deleted':true}"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *got = fields_of(cases[i].invoice, cases[i].deleted, cases[i].name);
		json_t *want = cases[i].want != NULL ? bench_json(cases[i].want) : NULL;

		if ((got == NULL) != (want == NULL) || (want != NULL && !json_equal(got, want)))
			fail_msg("%s: %s", cases[i].invoice,
			    got != NULL ? bh_json_text(got) : "nothing");
		if (got != NULL)
			assert_int_equal(object_check(OBJECT_INVOICE_LINE, got, NULL), 0);
		json_decref(got);
		json_decref(want);
	}
}

/* -- fields of events -- */

static void
event_names(void **state BH_UNUSED)
{
	static const char *const bad[] = {"", "1", "0000000000000000000x", "99999999999999999999",
	    "000000000000000000001"};
	char name[EVENT_NAME], other[EVENT_NAME];
	uint64_t stamp;

	event_name(name, 99);
	event_name(other, 100);
	assert_string_equal(name, "00000000000000000099");
	assert_true(strcmp(name, other) < 0);
	assert_true(is_event_name(name, &stamp));
	assert_int_equal(stamp, 99);
	event_name(name, UINT64_MAX);
	assert_true(is_event_name(name, &stamp) && stamp == UINT64_MAX);
	for (size_t i = 0; i < BH_LEN(bad); i++)
		assert_false(is_event_name(bad[i], &stamp));
}

static json_t *
event_of(enum object_kind kind, const char *id, const char *type, const char *fields)
{
	struct journal_event event = {.connection = "c", .id = "e", .received_ms = 1795500000000};
	struct object_changes changes = {0};
	struct object_change *change = object_changes_add(&changes, kind, id);
	json_t *got;

	snprintf(event.type, sizeof(event.type), "%s", type);
	change->fields = bench_json(fields);
	got = event_fields(&event, &changes, id, event_customer(&changes));
	assert_int_equal(object_check(OBJECT_EVENT, got, NULL), 0);
	object_changes_release(&changes);
	return got;
}

static void
recovery_events(void **state BH_UNUSED)
{
	static const struct {
		const char *type, *fields, *word; /* NULL: none */
	} cases[] = {
	    {"recovery.started", "{'stage':'won'}", "started"},
	    {"recovery.retry_attempted", "{}", "retried"},
	    {"recovery.escalated", "{'stage':'open_late'}", "escalated"},
	    {"recovery.succeeded", "{}", "succeeded"},
	    {"recovery.failed", "{'failure_reason':'hard_decline'}", "failed"},
	    {"recovery.failed", "{'failure_reason':'exhausted'}", "exhausted"},
	    {"recovery.failed", "{'failure_reason':'retries_exhausted'}", "exhausted"},
	    {"recovery.succeeded", "{'failure_reason':'exhausted'}", "succeeded"},
	    {"dunning", "{'stage':'open_early'}", "started"},
	    {"dunning", "{'stage':'open_late'}", "retried"},
	    {"dunning", "{'stage':'won'}", "succeeded"},
	    {"dunning", "{'stage':'lost'}", "failed"},
	    {"dunning", "{'stage':'odd'}", NULL},
	    {"dunning", "{}", NULL},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *got = event_of(OBJECT_RECOVERY, "rec_1", cases[i].type, cases[i].fields);
		const char *word = bh_json_str(got, "recovery_event");

		if ((word == NULL) != (cases[i].word == NULL) ||
		    (word != NULL && strcmp(word, cases[i].word) != 0))
			fail_msg("%s %s: %s", cases[i].type, cases[i].fields, word);
		json_decref(got);
	}
}

static void
summaries(void **state BH_UNUSED)
{
	static const struct {
		enum object_kind kind;
		const char *fields, *want;
	} cases[] = {
	    {OBJECT_INVOICE, "{'customer':'cus_1','status':'paid','currency':'EUR','total':12000}",
		"invoice x_1 of cus_1: paid, 120.00 EUR"},
	    {OBJECT_CREDIT_NOTE, "{'currency':'JPY','total':500}", "credit note x_1: 500 JPY"},
	    {OBJECT_CUSTOMER, "{'name':'Ada'}", "customer x_1"},
	    {OBJECT_SUBSCRIPTION, "{'customer':'cus_1','status':'active'}",
		"subscription x_1 of cus_1: active"},
	    {OBJECT_PAYMENT, "{'status':'failed','amount':700}", "payment x_1: failed"},
	};
	struct object_changes changes = {0};
	char id[256];
	json_t *got;

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		got = event_of(cases[i].kind, "x_1", "t", cases[i].fields);
		assert_string_equal(bh_json_str(got, "summary"), cases[i].want);
		json_decref(got);
	}
	/* Cut between two characters. */
	memset(id, 'i', 230);
	memcpy(id + 230, "üüüüüüüüüü", 21);
	got = event_of(OBJECT_INVOICE, id, "t", "{}");
	assert_int_equal(strlen(bh_json_str(got, "summary")), 250);
	json_decref(got);
	assert_null(event_subject(&changes));
	assert_null(event_customer(&changes));
}

/* -- of each source -- */

static void
check_golden(const char *of, const json_t *got, const json_t *want)
{
	char *is, *should_be;

	if (want == NULL ? got == NULL : json_equal(got, want))
		return;
	is = json_dumps(got, JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_INDENT(2));
	should_be = json_dumps(want, JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_INDENT(2));
	fail_msg("%s is\n%s\nand should be\n%s", of, is, should_be);
}

static json_t *
lines_of(const struct object_changes *changes)
{
	json_t *list = json_array(), *all, *place;
	const char *name;

	for (size_t i = 0; i < changes->n; i++) {
		const struct object_change *change = &changes->items[i];
		struct object_state invoice = {.deleted = change->deleted,
		    .fields = change->fields};

		all = line_names(change->id, json_object_get(change->fields, "lines"));
		json_object_foreach (all, name, place) {
			json_t *line = line_fields(change->id, &invoice, all, name);

			if (change->kind != OBJECT_INVOICE) {
				json_decref(line);
				continue;
			}
			assert_int_equal(object_check(OBJECT_INVOICE_LINE, line, NULL), 0);
			json_array_append_new(list, json_pack("[s, o]", name, line));
		}
		json_decref(all);
	}
	return list;
}

static void
check_case(const struct hooks *hooks, const struct hook *hook, const json_t *want)
{
	struct journal_event event = {.connection = "c", .received_ms = HOOKS_RECEIVED_MS};
	const struct object_change *subject;
	struct hook_result result;
	json_t *fields, *lines;

	hook_run(hooks, hook, HOOKS_RECEIVED_MS, &result);
	assert_int_equal(result.rc, 0);
	snprintf(event.id, sizeof(event.id), "%s", result.event.id);
	snprintf(event.type, sizeof(event.type), "%s", result.event.type);
	subject = event_subject(&result.got.changes);
	assert_non_null(subject);
	fields = event_fields(&event, &result.got.changes, subject->id,
	    event_customer(&result.got.changes));
	assert_int_equal(object_check(OBJECT_EVENT, fields, NULL), 0);
	lines = lines_of(&result.got.changes);
	check_golden(hook->name, fields, json_object_get(want, "event"));
	check_golden(hook->name, lines, json_object_get(want, "lines"));
	json_decref(lines);
	json_decref(fields);
	source_result_release(&result.got);
}

/* tests/map/parts.json: recorded events of each source, and what the mappings see of them. */
static void
golden(void **state BH_UNUSED)
{
	char *path = unit_path("tests/map/parts.json");
	json_t *all = NULL, *cases, *want;
	const char *source, *name;
	struct bh_err err;
	size_t played = 0;

	assert_int_equal(bh_json_read(path, 1 << 20, &all, &err), 0);
	json_object_foreach (all, source, cases) {
		struct hooks *hooks = hooks_load(source);

		json_object_foreach (cases, name, want)
			for (size_t i = 0; i < hooks->n; i++)
				if (strcmp(hooks->items[i].name, name) == 0) {
					check_case(hooks, &hooks->items[i], want);
					played++;
				}
		assert_true(json_object_size(cases) > 0);
		hooks_free(hooks);
	}
	assert_int_equal(json_object_size(all), 5);
	assert_int_equal(played, 12);
	json_decref(all);
	free(path);
}

/* -- records -- */

static const char mapping_text[] =
    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'name':'m','objects':["
    "{'name':'account','from':'customer','to':'Account','key':'Key__c','fields':["
    "{'to':'Name','from':'name'}]},"
    "{'name':'invoice','from':'invoice','to':'Inv__c','key':'Key__c','parents':["
    "{'object':'account','id':'customer','to':'Account__c'}],"
    "'fields':[{'to':'Total__c','from':'total'}]},"
    "{'name':'line','from':'invoice_line','to':'Line__c','key':'Key__c','parents':["
    "{'object':'invoice','id':'invoice','to':'Inv__c'}],'fields':["
    "{'to':'Amount__c','from':'amount'},{'to':'Text__c','from':'description'},"
    "{'to':'Status__c','from':'invoice_status'},{'to':'Gone__c','from':'deleted'}%s]},"
    "{'name':'event','from':'event','to':'Event__c','key':'Key__c','parents':["
    "{'object':'account','id':'customer','to':'Account__c'}],"
    "'if':{'field':'kind','in':['invoice','customer']},'fields':["
    "{'to':'Type__c','from':'type'},{'to':'Summary__c','from':'summary'},"
    "{'to':'Outcome__c','from':'outcome'}]}]}}]}";

static struct bench *
bench_of_parts(const char *driver, const char *more_fields)
{
	struct bench *bench = bench_new(driver);
	char text[4096];

	snprintf(text, sizeof(text), mapping_text, more_fields);
	bench_apply(bench, text);
	return bench;
}

/* lines: "id:amount id:amount ..." */
static json_t *
stripe_lines_of(const char *lines, bool has_more)
{
	json_t *data = json_array();
	char id[40];
	int amount, n;

	for (; sscanf(lines, " %39[^: ]:%d%n", id, &amount, &n) == 2; lines += n)
		json_array_append_new(data, json_pack("{s:s, s:s, s:i, s:s}", "id", id, "object",
						"line_item", "amount", amount, "description", id));
	return json_pack("{s:s, s:o, s:b}", "object", "list", "data", data, "has_more", has_more);
}

static void
invoice_with(struct bench *bench, const char *type, const char *status, const char *lines,
    bool has_more)
{
	bench_event(bench, type,
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:o}", "object", "invoice", "id", "in_1",
		"customer", "cus_1", "status", status, "currency", "eur", "total", 1900, "lines",
		stripe_lines_of(lines, has_more)));
}

static size_t
count_of(struct bench *bench, const char *object)
{
	size_t n = 0, len = strlen(object);
	const char *name;
	json_t *record;

	json_object_foreach (bench->crm.records, name, record)
		n += strncmp(name, object, len) == 0 && name[len] == '/';
	return n;
}

static void
assert_line(struct bench *bench, const char *name, double amount, bool is_gone)
{
	char *key = bh_xasprintf("stripe:in_1/%s", name);
	const json_t *fields = json_object_get(crm_record(&bench->crm, "Line__c", key), "fields");

	if (json_number_value(json_object_get(fields, "Amount__c")) != amount ||
	    json_is_true(json_object_get(fields, "Gone__c")) != is_gone)
		fail_msg("%s: %s", key, bh_json_text(fields));
	free(key);
}

static void
resync(struct bench *bench, size_t want)
{
	size_t n;

	assert_int_equal(resync_all(bench->store, &bench->key, "s", &n, &bench->err), 0);
	assert_int_equal(n, want);
	bench_work(bench);
}

static void
lines_come_change_and_go(void **state BH_UNUSED)
{
	struct bench *bench = bench_of_parts("salesforce", "");
	size_t rows;

	bench_customer(bench, "cus_1", "Ada");
	invoice_with(bench, "invoice.created", "draft", "il_1:700 il_2:1200", false);
	bench_work(bench);
	assert_int_equal(count_of(bench, "Line__c"), 2);
	assert_line(bench, "il_1", 7, false);
	assert_line(bench, "il_2", 12, false);
	assert_string_equal(crm_text(&bench->crm, "Line__c", "stripe:in_1/il_1", "Status__c"),
	    "draft");

	/* One changes, one goes, one comes: three rows beside the invoice and the event. */
	rows = bench->crm.rows;
	invoice_with(bench, "invoice.updated", "draft", "il_1:800 il_3:1100", false);
	bench_work(bench);
	assert_int_equal(count_of(bench, "Line__c"), 3);
	assert_line(bench, "il_1", 8, false);
	assert_line(bench, "il_2", 0, true);
	assert_line(bench, "il_3", 11, false);
	assert_int_equal(bench->crm.rows, rows + 4);

	/* Not all of them are told: the others stay as they are. */
	invoice_with(bench, "invoice.updated", "draft", "il_1:900", true);
	bench_work(bench);
	assert_line(bench, "il_1", 9, false);
	assert_line(bench, "il_3", 11, false);

	/* Then all of them are known again: one that none of the last two lists had is gone. */
	invoice_with(bench, "invoice.updated", "draft", "il_1:900", false);
	bench_work(bench);
	assert_line(bench, "il_3", 0, true);

	/* One that is back. */
	invoice_with(bench, "invoice.updated", "draft", "il_1:900 il_2:1000 il_3:1100", false);
	bench_work(bench);
	assert_line(bench, "il_2", 10, false);

	/* Nothing to send, and the lines are among what is looked at. */
	rows = bench->crm.rows;
	resync(bench, 5);
	assert_int_equal(bench->crm.rows, rows);

	/* A draft that is thrown away. */
	invoice_with(bench, "invoice.deleted", "draft", "il_1:900 il_2:1000 il_3:1100", false);
	bench_work(bench);
	assert_line(bench, "il_1", 0, true);
	assert_line(bench, "il_3", 0, true);
	assert_int_equal(count_of(bench, "Line__c"), 3);
	assert_int_equal(bench_lane(bench).dirty, 0);
	bench_free(bench);
}

/* A line that is gone before it had a record gets none; one that may have one does. */
static void
lines_that_never_were(void **state BH_UNUSED)
{
	struct bench *bench = bench_of_parts("salesforce", "");

	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	invoice_with(bench, "invoice.created", "draft", "il_1:700 il_2:100", false);
	bench_ingest(bench);
	invoice_with(bench, "invoice.updated", "draft", "il_2:100", false);
	bench_work(bench);
	assert_int_equal(count_of(bench, "Line__c"), 1);
	assert_int_equal(bench_link(bench, "line", "in_1/il_1").version, 0);

	/* Refused, then gone: nobody has to look at it any more. */
	unit_log_expected(true);
	crm_set_mood(&bench->crm, "Line__c", "stripe:in_1/il_3", CRM_REFUSE);
	invoice_with(bench, "invoice.updated", "draft", "il_2:100 il_3:1", false);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).held, 1);
	invoice_with(bench, "invoice.updated", "draft", "il_2:100", false);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).held, 0);
	assert_int_equal(bench_link(bench, "line", "in_1/il_3").state, LINK_EXCLUDED);
	assert_int_equal(count_of(bench, "Line__c"), 1);

	/* The answer was lost: it may be there. */
	bench->crm.line = CRM_CUT;
	invoice_with(bench, "invoice.updated", "draft", "il_2:100 il_4:400", false);
	bench_work(bench);
	bench->crm.line = CRM_FINE;
	assert_int_equal(bench_link(bench, "line", "in_1/il_4").state, LINK_UNCERTAIN);
	invoice_with(bench, "invoice.updated", "draft", "il_2:100", false);
	bench_pass(bench, 60000);
	bench_work(bench);
	assert_line(bench, "il_4", 0, true);
	bench_free(bench);
}

/* The customer shows in lines only where a line's own template reaches it. */
static void
lines_of_a_customer(void **state BH_UNUSED)
{
	struct bench *bench =
	    bench_of_parts("salesforce", ",{'to':'Who__c','from':'{customer.name}'}");
	char id[16];

	bench_customer(bench, "cus_1", "Ada");
	invoice_with(bench, "invoice.created", "open", "il_1:700 il_2:1200", false);
	for (int i = 10; i < 40; i++) { /* more than are looked at by one commit */
		snprintf(id, sizeof(id), "in_%d", i);
		bench_invoice(bench, id, "cus_1", NULL, 100);
	}
	bench_work(bench);
	bench_customer(bench, "cus_1", "Ada Two");
	bench_work(bench);
	assert_string_equal(crm_text(&bench->crm, "Line__c", "stripe:in_1/il_1", "Who__c"),
	    "Ada Two");
	assert_string_equal(crm_text(&bench->crm, "Line__c", "stripe:in_1/il_2", "Who__c"),
	    "Ada Two");
	bench_free(bench);

	bench = bench_of_parts("salesforce", "");
	bench_customer(bench, "cus_1", "Ada");
	invoice_with(bench, "invoice.created", "open", "il_1:700", false);
	bench_work(bench);
	bench_customer(bench, "cus_1", "Ada Two");
	bench_ingest(bench);
	assert_false(bench_is_dirty(bench, "line", 2, "in_1/il_1"));
	bench_free(bench);
}

static uint64_t
stamp_of(struct bench *bench, const char *id)
{
	struct store_txn *txn = store_begin(bench->store);
	uint64_t stamp;

	assert_int_equal(journal_find(txn, "stripe", id, &stamp, &bench->err), 1);
	store_free(&txn);
	return stamp;
}

static void
replay(struct bench *bench, const char *id)
{
	struct store_txn *txn = store_begin(bench->store);

	journal_replay(txn, stamp_of(bench, id));
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
}

/* Each event that says something has its record, once, late ones too; its key is the event's own id. */
static void
events_are_told_once(void **state BH_UNUSED)
{
	struct bench *bench = bench_of_parts("salesforce", "");
	static const char late[] =
	    "{\"id\":\"evt_late\",\"object\":\"event\",\"type\":\"invoice.finalized\","
	    "\"created\":1500000000,\"livemode\":true,\"data\":{\"object\":{\"object\":\"invoice\","
	    "\"id\":\"in_1\",\"customer\":\"cus_1\",\"status\":\"open\",\"currency\":\"eur\","
	    "\"total\":1900}}}";
	size_t rows;
	char name[EVENT_NAME];

	bench_customer(bench, "cus_1", "Ada"); /* evt_0 */
	invoice_with(bench, "invoice.created", "draft", "il_1:1900", false);
	invoice_with(bench, "invoice.paid", "paid", "il_1:1900", false);
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_journal(bench, "stripe", "evt_late", "invoice.finalized", late, strlen(late));
	bench_work(bench);
	assert_int_equal(count_of(bench, "Event__c"), 4);
	assert_string_equal(crm_text(&bench->crm, "Event__c", "stripe:evt_2", "Summary__c"),
	    "invoice in_1 of cus_1: paid, 19.00 EUR");
	assert_string_equal(crm_text(&bench->crm, "Event__c", "stripe:evt_late", "Summary__c"),
	    "invoice in_1 of cus_1: open, 19.00 EUR");
	assert_string_equal(crm_text(&bench->crm, "Event__c", "stripe:evt_0", "Type__c"),
	    "customer.updated");
	event_name(name, stamp_of(bench, "evt_3"));
	assert_int_equal(bench_link(bench, "event", name).state, LINK_EXCLUDED);

	rows = bench->crm.rows;
	replay(bench, "evt_0");
	replay(bench, "evt_2");
	replay(bench, "evt_late");
	assert_int_equal(bench_ingest(bench), 3);
	event_name(name, stamp_of(bench, "evt_2"));
	assert_true(bench_is_dirty(bench, "event", 1, name));
	bench_work(bench);
	assert_int_equal(bench->crm.rows, rows);
	/* What happened is history: a resync does not look at it. */
	resync(bench, 3);
	assert_int_equal(bench->crm.rows, rows);
	bench_free(bench);
}

static void
erase(struct bench *bench, const char *id)
{
	struct store_txn *txn = store_begin(bench->store);
	uint64_t stamp = stamp_of(bench, id);

	assert_int_equal(retain_erase(txn, &stamp, 1, bh_now_ms(), &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
}

/* An event that waits for its customer, and one whose body is gone meanwhile. */
static void
events_that_wait(void **state BH_UNUSED)
{
	struct bench *bench = bench_of_parts("salesforce", "");
	char name[EVENT_NAME];

	invoice_with(bench, "invoice.created", "open", "il_1:1900", false);
	bench_work(bench);
	event_name(name, stamp_of(bench, "evt_0"));
	assert_int_equal(bench_link(bench, "event", name).state, LINK_WAITING);
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_int_equal(count_of(bench, "Event__c"), 2);
	assert_line(bench, "il_1", 19, false);

	invoice_with(bench, "invoice.paid", "paid", "il_1:1900", false);
	bench_ingest(bench);
	erase(bench, "evt_2");
	bench_work(bench);
	assert_string_equal(crm_text(&bench->crm, "Line__c", "stripe:in_1/il_1", "Status__c"),
	    "paid");
	assert_int_equal(count_of(bench, "Event__c"), 2);
	assert_int_equal(bench_lane(bench).dirty, 0);
	bench_free(bench);
}

/* The link of an event stands under the account of what it is about, as its parents do. */
static void
accounts(void **state BH_UNUSED)
{
	struct bench *bench = bench_of_parts("salesforce", "");
	static const char *const bodies[][2] = {
	    {"evt_a", "{\"id\":\"evt_a\",\"object\":\"event\",\"type\":\"customer.created\","
		      "\"account\":\"acct_1\",\"created\":1790000000,\"livemode\":true,\"data\":{"
		      "\"object\":{\"object\":\"customer\",\"id\":\"cus_9\",\"name\":\"Ona\"}}}"},
	    {"evt_b", "{\"id\":\"evt_b\",\"object\":\"event\",\"type\":\"invoice.created\","
		      "\"account\":\"acct_1\",\"created\":1790000001,\"livemode\":true,\"data\":{"
		      "\"object\":{\"object\":\"invoice\",\"id\":\"in_9\",\"customer\":\"cus_9\","
		      "\"currency\":\"eur\",\"total\":100,\"lines\":{\"data\":[{\"id\":\"il_9\","
		      "\"amount\":100}]}}}}"}};

	bench_apply(bench, "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
			   "'settings':{'connect':true}}]}");
	for (size_t i = 0; i < BH_LEN(bodies); i++)
		bench_journal(bench, "stripe", bodies[i][0],
		    i == 0 ? "customer.created" : "invoice.created", bodies[i][1],
		    strlen(bodies[i][1]));
	bench_work(bench);
	assert_non_null(crm_record(&bench->crm, "Event__c", "stripe:acct_1/evt_a"));
	assert_non_null(crm_record(&bench->crm, "Event__c", "stripe:acct_1/evt_b"));
	assert_non_null(crm_record(&bench->crm, "Line__c", "stripe:acct_1/in_9/il_9"));
	bench_free(bench);
}

/* -- what is kept -- */

static int
note_link(void *arg, const struct link_id *id, const struct link *link BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	json_object_set_new(arg, id->id, json_string(id->object));
	return 0;
}

static int
note_record(void *arg, const char *dest BH_UNUSED, const char *object, const char *key,
    const char *record BH_UNUSED, size_t record_len BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	json_object_set_new(arg, key, json_string(object));
	return 0;
}

/* Links of this mapped object, and records of this object in the sandbox. */
static size_t
kept_of(struct bench *bench, const char *link_object, const char *record_object)
{
	struct store_txn *txn = store_begin(bench->store);
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	json_t *names = json_object(), *object;
	const char *name;
	size_t n = 0;
	bool more;

	assert_int_equal(link_walk(txn, 1000, &after, note_link, names, &more, &bench->err), 0);
	bh_buf_reset(&after);
	assert_int_equal(target_walk_kept(txn, 1000, &after, note_record, names, &more,
			     &bench->err),
	    0);
	json_object_foreach (names, name, object)
		n += strcmp(json_string_value(object), link_object) == 0 ||
		     strcmp(json_string_value(object), record_object) == 0;
	json_decref(names);
	bh_buf_release(&after);
	store_free(&txn);
	return n;
}

/* What became of an event in the CRM is forgotten with the event, of whatever account. */
static void
links_go_with_their_events(void **state BH_UNUSED)
{
	struct bench *bench = bench_of_parts("sandbox", "");
	struct sync_outcome outcome;
	char body[400], id[16];

	bench_apply(bench, "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
			   "'settings':{'connect':true}}]}");
	for (int i = 0; i < 9; i++) {
		bench_pass(bench, 86400000);
		snprintf(id, sizeof(id), "evt_x%d", i);
		snprintf(body, sizeof(body),
		    "{\"id\":\"%s\",\"object\":\"event\",\"type\":\"customer.updated\","
		    "\"account\":\"acct_%d\",\"created\":%d,\"livemode\":true,\"data\":{"
		    "\"object\":{\"object\":\"customer\",\"id\":\"cus_%d\",\"name\":\"Ona\"}}}",
		    id, i % 3, 1790000000 + i, i);
		bench_journal(bench, "stripe", id, "customer.updated", body, strlen(body));
	}
	bench_work(bench);
	assert_int_equal(kept_of(bench, "event", ""), 9);
	bench->conf.keep_days = 4;
	bench_pass(bench, 3600000);
	assert_int_equal(retain_run(&bench->context, &outcome, &bench->err), 0);
	assert_int_equal(kept_of(bench, "event", ""), 4);
	assert_int_equal(kept_of(bench, "account", ""), 9);
	bench_recount(bench);
	bench_free(bench);
}

/* -- one person -- */

static int
count_item(void *arg, enum person_part part, const json_t *item BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	size_t *n = arg;

	n[part]++;
	return 0;
}

static struct person_done
erase_person(struct bench *bench, const char *who)
{
	struct person_done done;
	struct person *person;

	assert_int_equal(person_find(&bench->context, who, NULL, &person, &bench->err), 0);
	assert_int_equal(person_erase(person, NULL, NULL, &done, &bench->err), 0);
	person_free(&person);
	return done;
}

static void
line_of_another(struct bench *bench, const char *customer, const char *invoice, const char *lines)
{
	bench_customer(bench, customer, "Bob");
	bench_event(bench, "invoice.created",
	    json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "object", "invoice", "id", invoice,
		"customer", customer, "currency", "eur", "total", 100, "lines",
		stripe_lines_of(lines, false)));
}

static struct bench *
two_people(void)
{
	struct bench *bench = bench_of_parts("sandbox", "");

	bench_customer(bench, "cus_1", "Ada");
	invoice_with(bench, "invoice.created", "open", "il_1:700 il_2:1200", false);
	line_of_another(bench, "cus_10", "in_10", "il_10:100");
	bench_work(bench);
	/* A link and a record each. */
	assert_int_equal(kept_of(bench, "line", "Line__c"), 6);
	assert_int_equal(kept_of(bench, "event", "Event__c"), 8);
	return bench;
}

static void
person_erased(void **state BH_UNUSED)
{
	struct bench *bench = two_people();
	size_t n[PERSON__MAX] = {0};
	struct person_done done;
	struct person *person;

	assert_int_equal(person_find(&bench->context, "cus_1", NULL, &person, &bench->err), 0);
	assert_int_equal(person_visit(person, count_item, n, &bench->err), 0);
	person_free(&person);
	/* Customer, invoice, two lines, two events. */
	assert_int_equal(n[PERSON_LINK], 6);
	assert_int_equal(n[PERSON_RECORD], 6);
	done = erase_person(bench, "cus_1");
	assert_int_equal(done.n[PERSON_LINK], 6);
	assert_int_equal(done.n[PERSON_RECORD], 6);
	assert_int_equal(kept_of(bench, "line", "Line__c"), 2);
	assert_int_equal(kept_of(bench, "event", "Event__c"), 4);
	bench_work(bench);
	resync(bench, 5); /* two tombstones among them */
	assert_int_equal(kept_of(bench, "line", "Line__c"), 2);
	done = erase_person(bench, "cus_1");
	assert_int_equal(done.n[PERSON_LINK], 0);
	bench_free(bench);
}

/* Nobody can say of what kind the links were. */
static void
person_erased_without_the_sync(void **state BH_UNUSED)
{
	struct bench *bench = two_people();
	struct store_txn *txn = store_begin(bench->store);

	line_of_another(bench, "cus_LongEnough123", "in_LongEnough123", "il_3:100");
	bench_work(bench);
	assert_int_equal(kept_of(bench, "line", ""), 4);
	account_sync_drop(txn, "s");
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	erase_person(bench, "cus_LongEnough123");
	assert_int_equal(kept_of(bench, "line", ""), 3);
	assert_int_equal(kept_of(bench, "event", ""), 4);
	store_free(&txn);
	bench_free(bench);
}

static int
teardown(void **state BH_UNUSED)
{
	bh_clock_set(0);
	unit_log_expected(false);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(names_are_bounded),
	    cmocka_unit_test(fields_of_lines),
	    cmocka_unit_test(event_names),
	    cmocka_unit_test(recovery_events),
	    cmocka_unit_test(summaries),
	    cmocka_unit_test(golden),
	    cmocka_unit_test_teardown(lines_come_change_and_go, teardown),
	    cmocka_unit_test_teardown(lines_that_never_were, teardown),
	    cmocka_unit_test_teardown(lines_of_a_customer, teardown),
	    cmocka_unit_test_teardown(events_are_told_once, teardown),
	    cmocka_unit_test_teardown(events_that_wait, teardown),
	    cmocka_unit_test_teardown(accounts, teardown),
	    cmocka_unit_test_teardown(links_go_with_their_events, teardown),
	    cmocka_unit_test_teardown(person_erased, teardown),
	    cmocka_unit_test_teardown(person_erased_without_the_sync, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
