/* Audits: what people changed is found, all of it and nothing else, and mended. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "dest/csv.h"
#include "fakecrm.h"
#include "sync/audit.h"
#include "sync/tend.h"
#include "sync/throttle.h"
#include "unit.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

/* -- the stage: customers become accounts, their invoices bills below them -- */

#define MAPPING                                                                                    \
	"'mapping':{'objects':[{'name':'account','from':'customer','to':'Account','key':'Key__c'," \
	"'fields':[{'to':'Name','from':'name'},{'to':'Email__c','from':'email'},"                  \
	"{'to':'City','from':'address_city','when':'if_empty'},"                                   \
	"{'to':'Phone','from':'phone','when':'if_unchanged'},"                                     \
	"{'to':'First__c','from':'name','when':'on_create'}]},"                                    \
	"{'name':'bill','from':'invoice','to':'Bill__c','key':'Key__c',"                           \
	"'parents':[{'object':'account','id':'customer','to':'Account__c'}],"                      \
	"'fields':[{'to':'Number__c','from':'id'},{'to':'Total__c','from':'total'},"               \
	"{'to':'Left__c','from':'{amount_due}'}]}]}"

static struct bench *
open_bench(const char *settings)
{
	struct bench *bench;
	char text[4000];

	fake_init();
	/* It says nothing of its fields: all of them may be asked for. */
	fake.fault = "describe";
	fake.fault_code = BH_INVALID;
	fake.fault_times = 1000000;
	unit_log_expected(true);
	bench = bench_new("salesforce");
	snprintf(text, sizeof(text),
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','settings':%s," MAPPING
	    "}]}",
	    settings);
	bench_apply(bench, text);
	return bench;
}

static void
close_bench(struct bench *bench)
{
	bench_free(bench);
	fake_release();
	unit_log_expected(false);
}

static void
customer(struct bench *bench, const char *id, const char *name)
{
	json_t *object = bench_json("{'object':'customer','email':'Ada@Example.com','phone':'1'}");

	json_object_set_new(object, "id", json_string(id));
	json_object_set_new(object, "name", json_string(name));
	bench_event(bench, "customer.updated", object);
}

static void
fill(struct bench *bench)
{
	customer(bench, "cus_1", "Ada");
	customer(bench, "cus_2", "Bob");
	bench_invoice(bench, "in_1", "cus_1", NULL, 1000);
	bench_invoice(bench, "in_2", "cus_2", NULL, 2050);
	bench_work(bench);
}

static void
people(const char *id, const char *field, json_t *value)
{
	json_t *record = json_object_get(fake.records, id);

	assert_non_null(record);
	json_object_set_new(json_object_get(record, "fields"), field, value);
}

static void
people_delete(const char *id)
{
	json_object_del(fake.records, id);
	json_object_set_new(fake.ends, id, json_string("deleted"));
}

static char *
remote(struct bench *bench, const char *object, const char *id)
{
	struct link link = bench_link(bench, object, id);

	assert_int_equal(link.state, LINK_CLEAN);
	return bh_xstrdup(link.remote_id);
}

/* -- pressing buttons -- */

static int
do_begin(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return audit_begin(txn, arg, bh_now_ms(), err);
}

static int
do_stop(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return audit_stop(txn, arg, err);
}

static int
do_go_on(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return audit_go_on(txn, arg, bh_now_ms(), err);
}

static int
do_drop(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	account_sync_drop(txn, arg);
	return 0;
}

static void
press(struct bench *bench, int (*button)(struct store_txn *txn, void *arg, struct bh_err *err))
{
	char sync[] = "s";

	if (store_run(bench->store, button, sync, NULL, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
}

static struct sync_outcome
run(struct bench *bench)
{
	struct sync_outcome outcome;

	if (audit_run(&bench->context, "s", &outcome, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return outcome;
}

static struct audit
state_of(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct audit audit = AUDIT_INIT;

	assert_return_code(audit_load(txn, "s", &audit, &bench->err), 0);
	store_free(&txn);
	return audit;
}

static json_t *
rows_of(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	json_t *rows;

	assert_int_equal(audit_rows(txn, "s", 0, AUDIT_ROWS + 1, &rows, &bench->err), 0);
	store_free(&txn);
	return rows;
}

static void
assert_state(struct bench *bench, enum audit_state state)
{
	struct audit audit = state_of(bench);

	if (audit.state != state)
		fail_msg("it is %s (%s)", audit_state_name(audit.state), audit.note);
	audit_release(&audit);
}

/* "account cus_1 Name Ada Eve": the rows as one text. */
static void
assert_found(struct bench *bench, const char *want)
{
	struct bh_buf text = BH_BUF_INIT(1 << 20);
	json_t *rows, *row;
	size_t i;

	press(bench, do_begin);
	run(bench);
	assert_state(bench, AUDIT_DONE);
	rows = rows_of(bench);
	json_array_foreach (rows, i, row)
		bh_buf_addf(&text, "%s%s %s %s%s %s %s", i > 0 ? ", " : "",
		    bh_json_str(row, "object"), bh_json_str(row, "id"), bh_json_str(row, "field"),
		    bh_json_str(row, "fate"), bh_json_str(row, "want"), bh_json_str(row, "has"));
	assert_string_equal(bh_buf_str(&text), want);
	bh_buf_release(&text);
	json_decref(rows);
}

static size_t
repair(struct bench *bench, const char *object, const char *id)
{
	size_t n;

	if (audit_repair(bench->store, &bench->key, "s", object, "", id, &n, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return n;
}

/* -- what is found -- */

/* A record that people moved elsewhere is its own kind of difference; one whose lookup nobody sees is none. */
static void
lookups_are_compared(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char *ada, *bob, *one, *two, *want;
	struct audit audit;

	fill(bench);
	ada = remote(bench, "account", "cus_1");
	bob = remote(bench, "account", "cus_2");
	one = remote(bench, "bill", "in_1");
	two = remote(bench, "bill", "in_2");
	people(one, "Account__c", json_string(ada));
	assert_found(bench, "");
	people(one, "Account__c", json_string(bob));
	people(two, "Account__c", json_null());
	want = bh_xasprintf("bill in_1 Account__c %s %s, bill in_2 Account__c %s ", ada, bob, bob);
	assert_found(bench, want);
	audit = state_of(bench);
	assert_int_equal(audit.differing, 2);
	assert_int_equal(audit.differences, 2);
	assert_int_equal(bh_json_int(audit.objects, "bill.links.Account__c", 0), 2);
	audit_release(&audit);
	assert_int_equal(repair(bench, NULL, NULL), 2);
	bench_work(bench);
	assert_string_equal(fake_text(one, "Account__c"), ada);
	assert_found(bench, "");
	free(want);
	free(two);
	free(one);
	free(bob);
	free(ada);
	close_bench(bench);
}

static void
all_that_people_did_is_found_and_mended(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char *ada, *bob, *one, *two;
	struct audit audit;
	size_t pushes;

	fill(bench);
	ada = remote(bench, "account", "cus_1");
	bob = remote(bench, "account", "cus_2");
	one = remote(bench, "bill", "in_1");
	two = remote(bench, "bill", "in_2");
	pushes = fake.pushes;
	assert_found(bench, "");

	people(ada, "Name", json_string("Eve"));
	people(ada, "Email__c", json_string(" ada@example.com ")); /* as the CRM writes it */
	people(ada, "Phone", json_string("theirs"));
	people(ada, "First__c", json_string("theirs"));
	people(bob, "Email__c", json_null());
	people(one, "Total__c", json_string("7.5"));
	people(two, "Total__c", json_string("100"));
	assert_found(bench, "account cus_1 Name Ada Eve, account cus_2 Email__c ada@example.com , "
			    "bill in_1 Total__c 10.00 7.5, bill in_2 Total__c 20.50 100");
	audit = state_of(bench);
	assert_int_equal(audit.compared, 4);
	assert_int_equal(audit.differing, 4);
	assert_int_equal(audit.differences, 4);
	assert_int_equal(audit.missing, 0);
	assert_int_equal(bh_json_int(audit.objects, "account.fields.Name", 0), 1);
	assert_string_equal(bh_json_str(audit.objects, "bill.money.EUR"), "82"); /* 2.50 + 79.50 */
	audit_release(&audit);
	assert_int_equal(fake.pushes, pushes);

	assert_int_equal(repair(bench, "account", "cus_9"), 0);
	assert_int_equal(repair(bench, "account", "cus_1"), 1);
	assert_int_equal(repair(bench, "account", "cus_1"), 0);
	bench_work(bench);
	assert_string_equal(fake_text(ada, "Name"), "Ada");
	assert_string_equal(fake_text(ada, "Phone"), "theirs");
	assert_string_equal(fake_text(ada, "First__c"), "theirs");
	assert_null(fake_text(bob, "Email__c"));
	assert_int_equal(repair(bench, NULL, NULL), 3);
	bench_work(bench);
	assert_string_equal(fake_text(one, "Total__c"), "10.00");
	assert_found(bench, "");
	bench_recount(bench);
	free(two);
	free(one);
	free(bob);
	free(ada);
	close_bench(bench);
}

static void
deleted_records_are_made_anew_when_told(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char *one, *two, *bob;
	size_t records;

	fill(bench);
	records = json_object_size(fake.records);
	one = remote(bench, "bill", "in_1");
	two = remote(bench, "bill", "in_2");
	bob = remote(bench, "account", "cus_2");
	people_delete(one);
	json_object_del(fake.records, two); /* nobody knows what became of it */
	assert_found(bench, "bill in_1 deleted  , bill in_2 gone  ");
	assert_int_equal(repair(bench, "bill", "in_1"), 1);
	bench_work(bench);
	assert_int_equal(json_object_size(fake.records), records - 1);
	free(one);
	one = remote(bench, "bill", "in_1");
	assert_string_equal(fake_text(one, "Total__c"), "10.00");
	assert_found(bench, "bill in_2 gone  ");
	bench_recount(bench);
	free(bob);
	free(two);
	free(one);
	close_bench(bench);
}

/* What is about to be pushed, was never pushed or is not seen is no difference. */
static void
what_is_on_its_way_is_no_difference(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char *ada;
	struct audit audit;

	fill(bench);
	ada = remote(bench, "account", "cus_1");
	customer(bench, "cus_1", "Ada Two");
	customer(bench, "cus_3", "refused");
	bench_ingest(bench);
	people(ada, "Email__c", json_string("else"));
	fake.hidden = "Total__c";
	assert_found(bench, "");
	audit = state_of(bench);
	assert_int_equal(audit.compared, 3);
	assert_int_equal(bh_json_int(audit.objects, "bill.unseen", 0), 2);
	audit_release(&audit);
	free(ada);
	close_bench(bench);
}

/* -- how it is done -- */

#define MANY 1500

static void
fill_many(struct bench *bench)
{
	char id[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "cus_%04d", i);
		customer(bench, id, "Ada");
	}
	while (bench_ingest(bench) > 0)
		;
	bench_work(bench);
}

static bool
is_second_look(void *arg)
{
	return fake.reads >= *(size_t *)arg;
}

static void
it_goes_on_where_it_stood_in_few_calls(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	size_t reads, after;
	struct audit audit;
	const char *id;
	json_t *record, *rows;

	fill_many(bench);
	json_object_foreach (fake.records, id, record)
		json_object_set_new(json_object_get(record, "fields"), "Name", json_string("Eve"));
	reads = fake.reads;
	after = reads + 1;
	bench->context.is_stopping = is_second_look;
	bench->context.arg = &after;
	press(bench, do_begin);
	assert_int_equal(run(bench).again_ms, bh_now_ms());
	audit = state_of(bench);
	assert_int_equal(audit.state, AUDIT_RUNNING);
	assert_int_equal(audit.done, 1000);
	assert_int_equal(audit.total, MANY);
	audit_release(&audit);
	press(bench, do_stop);
	bench->context.is_stopping = NULL;
	assert_int_equal(run(bench).again_ms, -1);
	assert_state(bench, AUDIT_STOPPED);
	press(bench, do_go_on);
	run(bench);
	audit = state_of(bench);
	assert_int_equal(audit.state, AUDIT_DONE);
	assert_int_equal(audit.compared, MANY);
	assert_int_equal(audit.differing, MANY);
	assert_int_equal(audit.kept, AUDIT_ROWS);
	assert_true(audit.calls <= 4);
	audit_release(&audit);
	assert_int_equal(fake.reads - reads, 2);
	rows = rows_of(bench);
	assert_int_equal(json_array_size(rows), AUDIT_ROWS);
	json_decref(rows);
	assert_int_equal(repair(bench, NULL, NULL), AUDIT_ROWS);
	bench_work(bench);
	press(bench, do_begin); /* the older one is replaced */
	run(bench);
	audit = state_of(bench);
	assert_int_equal(audit.differing, MANY - AUDIT_ROWS);
	audit_release(&audit);
	close_bench(bench);
}

static void
limits_are_heeded(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	struct audit audit;
	size_t reads;

	bench_apply(bench,
	    "{'billhook':1,'connections':[{'code':'crm','driver':'salesforce','settings':{'throttle':80}}]}");
	fake.limit = 1000;
	fake.used = 850;
	fill(bench);
	reads = fake.reads;
	press(bench, do_begin);
	assert_int_equal(run(bench).again_ms, bh_now_ms() + THROTTLE_LOOK_MS);
	assert_int_equal(run(bench).again_ms, bh_now_ms() + THROTTLE_LOOK_MS);
	audit = state_of(bench);
	assert_int_equal(audit.state, AUDIT_RUNNING);
	assert_true(strstr(audit.note, "API calls of the day are used") != NULL);
	audit_release(&audit);
	assert_int_equal(fake.reads, reads);
	fake.used = 100;
	bench_pass(bench, THROTTLE_LOOK_MS);
	run(bench);
	assert_state(bench, AUDIT_DONE);
	close_bench(bench);
}

static void
a_crm_that_is_down_is_asked_again(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");

	fill(bench);
	fake.fault = "read";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 1;
	press(bench, do_begin);
	assert_int_equal(run(bench).again_ms, bh_now_ms() + 5000);
	bench_pass(bench, 5000);
	fake.is_token_dead = true;
	run(bench);
	assert_state(bench, AUDIT_DONE);
	fake.fault_code = BH_INVALID;
	fake.fault_times = 1;
	press(bench, do_begin);
	run(bench);
	assert_state(bench, AUDIT_FAILED);
	close_bench(bench);
}

static int64_t
tend(struct bench *bench)
{
	struct sync_outcome outcome;

	if (tend_run(&bench->context, &outcome, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return outcome.again_ms;
}

static void
it_begins_by_itself(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{'audit_days':2}");
	struct audit audit;

	fill(bench);
	run(bench);
	audit = state_of(bench);
	assert_int_equal(audit.run, 1);
	audit_release(&audit);
	bench_pass(bench, 2 * DAY_MS - 3600000);
	tend(bench);
	assert_state(bench, AUDIT_DONE);
	bench_pass(bench, 3600000);
	tend(bench);
	assert_state(bench, AUDIT_RUNNING);
	run(bench);
	audit = state_of(bench);
	assert_int_equal(audit.run, 2);
	assert_int_equal(audit.compared, 4);
	audit_release(&audit);
	close_bench(bench);
}

static void
without_the_setting_it_never_does(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");

	fill(bench);
	bench_pass(bench, 100 * DAY_MS);
	tend(bench);
	assert_state(bench, AUDIT_NONE);
	close_bench(bench);
}

static void
with_its_sync_it_goes(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	json_t *rows;
	char *ada;

	fill(bench);
	ada = remote(bench, "account", "cus_1");
	people(ada, "Name", json_string("Eve"));
	assert_found(bench, "account cus_1 Name Ada Eve");
	press(bench, do_drop);
	run(bench);
	assert_state(bench, AUDIT_NONE);
	rows = rows_of(bench);
	assert_int_equal(json_array_size(rows), 0);
	json_decref(rows);
	free(ada);
	close_bench(bench);
}

static void
a_file_holds_no_formulas(void **state BH_UNUSED)
{
	static const char *const bad[] = {"=1+1", "+1", "-1", "@sum", "a \"quoted\", text"};
	struct bench *bench = open_bench("{}");
	char *ada;

	fill(bench);
	ada = remote(bench, "account", "cus_1");
	for (size_t i = 0; i < BH_LEN(bad); i++) {
		struct bh_buf text = BH_BUF_INIT(1 << 20);
		struct store_txn *txn = store_begin(bench->store);
		struct csv_reader reader;

		people(ada, "Name", json_string(bad[i]));
		press(bench, do_begin);
		run(bench);
		assert_int_equal(audit_csv(txn, "s", &text, &bench->err), 0);
		store_free(&txn);
		csv_open(&reader, bh_buf_str(&text), text.len);
		assert_int_equal(csv_next(&reader, &bench->err), 1);
		assert_string_equal(csv_value(&reader, 7), "CRM has");
		assert_int_equal(csv_next(&reader, &bench->err), 1);
		assert_string_equal(csv_value(&reader, 7) + (i < 4), bad[i]);
		assert_true(i >= 4 || csv_value(&reader, 7)[0] == '\'');
		assert_string_equal(csv_value(&reader, 6), "Ada");
		assert_int_equal(csv_next(&reader, &bench->err), 0);
		csv_release(&reader);
		bh_buf_release(&text);
	}
	free(ada);
	close_bench(bench);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lookups_are_compared),
	    cmocka_unit_test(all_that_people_did_is_found_and_mended),
	    cmocka_unit_test(deleted_records_are_made_anew_when_told),
	    cmocka_unit_test(what_is_on_its_way_is_no_difference),
	    cmocka_unit_test(it_goes_on_where_it_stood_in_few_calls),
	    cmocka_unit_test(limits_are_heeded),
	    cmocka_unit_test(a_crm_that_is_down_is_asked_again),
	    cmocka_unit_test(it_begins_by_itself),
	    cmocka_unit_test(without_the_setting_it_never_does),
	    cmocka_unit_test(with_its_sync_it_goes),
	    cmocka_unit_test(a_file_holds_no_formulas),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
