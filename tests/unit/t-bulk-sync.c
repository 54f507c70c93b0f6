/* Very many changed records as jobs of the CRM's bulk API: what goes so, and what comes of it. */
#include "base/base.h"

#include "bulk-unit.h"
#include "sync/resync.h"

/* -- is there so much? -- */

static void
threshold(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *objects;
		int n;
		unsigned traits;
		size_t jobs, rows;
	} each[] = {
	    {"one too few", ACCOUNT, FROM - 1, 0, 0, 0},
	    {"just enough", ACCOUNT, FROM, 0, 1, FROM},
	    {"more", ACCOUNT, FROM + 5, 0, 1, FROM + 5},
	    {"no upsert by key",
		"{'name':'account','from':'customer','to':'Task','key':'Key__c','fields':["
		"{'to':'Name','from':'name'}]}",
		FROM, DEST_OBJECT_LOOK, 0, 0},
	    {"events",
		"{'name':'account','from':'customer','to':'Task','key':'Key__c','fields':["
		"{'to':'Name','from':'name'}]}",
		FROM, DEST_OBJECT_EVENT, 0, 0},
	    {"two objects of few",
		ACCOUNT ",{'name':'contact','from':'customer','to':'Contact','key':'Key__c',"
			"'fields':[{'to':'Name','from':'name'}]}",
		FROM - 1, 0, 0, 0},
	};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench = open_bench(each[i].objects);

		fake.traits = each[i].traits;
		customers(bench, 0, each[i].n, NULL);
		work_until_quiet(bench);
		if (fake.jobs != each[i].jobs || fake.job_rows != each[i].rows)
			fail_msg("%s: %zu jobs, %zu rows", each[i].name, fake.jobs, fake.job_rows);
		assert_int_equal(fake.pushes == 0, each[i].jobs == 1);
		assert_int_equal(bench_lane(bench).dirty, 0);
		assert_over(bench);
		close_bench(bench);
	}
}

static void
paused_sync_does_not_count(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);

	customers(bench, 0, FROM, NULL);
	bench_ingest(bench);
	bench_apply(bench, "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm',"
			   "'paused':true,'mapping':{'objects':[" ACCOUNT "]}}]}");
	bench_push(bench);
	assert_int_equal(fake.jobs, 0);
	assert_int_equal(bench_lane(bench).dirty, FROM);
	close_bench(bench);
}

/* -- the order -- */

#define THREE                                                                                      \
	ACCOUNT ",{'name':'subscription','from':'subscription','to':'Sub__c','key':'Key__c',"      \
		"'parents':[{'object':'account','id':'customer','to':'Account__c'}],"              \
		"'fields':[{'to':'Name','from':'source_status'}]},"                                \
		"{'name':'invoice','from':'invoice','to':'Inv__c','key':'Key__c',"                 \
		"'parents':[{'object':'subscription','id':'subscription','to':'Sub__c'}],"         \
		"'fields':[{'to':'Total__c','from':'total'}]}"

/* Accounts go first, as ever; while the subscriptions' job runs the invoices wait for its end. */
static void
what_stands_before_goes_first(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(THREE);
	char id[24];

	customers(bench, 0, 3, NULL);
	for (int i = 0; i < FROM; i++) {
		snprintf(id, sizeof(id), "sub_%d", i);
		bench_subscription(bench, id, "cus_1", "active");
	}
	bench_invoice(bench, "in_1", "cus_1", "sub_1", 500);
	fake.bulk_looks = 3;
	bench_work(bench);
	assert_int_equal(fake.pushes, 1);
	assert_int_equal(fake.rows, 3);
	assert_int_equal(stored_job(bench).phase, BULK_SENT);
	assert_string_equal(stored_job(bench).crm_object, "Sub__c");
	assert_int_equal(stored_rows(bench), FROM);
	assert_int_equal(fake.is_by_id, false);

	/* News of an account waits, too: the CRM would lock one against the other. */
	customers(bench, 1, 2, "Ada King");
	bench_work(bench);
	assert_int_equal(fake.pushes, 1);
	assert_int_equal(bench_lane(bench).dirty, 1 + FROM + 1);

	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 1);
	assert_non_null(fake_find("Name", "Ada King"));
	assert_string_equal(fake_text(fake_find("Key__c", "stripe:in_1"), "Sub__c"),
	    fake_find("Key__c", "stripe:sub_1"));
	assert_string_equal(fake_text(fake_find("Key__c", "stripe:sub_4"), "Account__c"),
	    "stripe:cus_1");
	assert_int_equal(bench_lane(bench).in_step, 3 + FROM + 1);
	assert_over(bench);
	close_bench(bench);
}

static void
looks_become_rarer(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);
	int64_t last = 0;

	customers(bench, 0, FROM, NULL);
	fake.bulk_looks = 200;
	bench_work(bench);
	for (int i = 0; i < 150; i++) {
		int64_t wait = bench_next_due(bench) - bh_now_ms();

		assert_in_range(wait, 1000, 60000);
		assert_true(wait >= last);
		last = wait;
		bench_pass(bench, wait);
		bench_work(bench);
	}
	assert_int_equal(last, 60000);
	assert_int_equal(stored_job(bench).processed, FROM);
	close_bench(bench);
}

/* News wake the lane: the job is not looked at sooner for that, nor above the reserve. */
static void
woken_before_its_time(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);
	int64_t due, polls;

	customers(bench, 0, FROM, NULL);
	fake.bulk_looks = 5;
	bench_work(bench);
	due = bench_next_due(bench);
	customers(bench, FROM, FROM + 1, NULL); /* a second passes */
	bench_work(bench);
	assert_int_equal(stored_job(bench).polls, 0);
	assert_int_equal(bench_next_due(bench), due);
	bench_pass(bench, due - bh_now_ms());
	bench_work(bench);
	polls = stored_job(bench).polls;
	assert_int_equal(polls, 1);

	set_usage(bench, 990);
	bench_pass(bench, 60000);
	assert_int_equal(bench_push(bench).again_ms, bh_now_ms() + THROTTLE_LOOK_MS);
	assert_int_equal(stored_job(bench).polls, polls);
	set_usage(bench, 0);
	work_until_quiet(bench);
	assert_over(bench);
	close_bench(bench);
}

/* Above the throttle there are no jobs, however many are marked: urgent ones are picked out of them. */
static void
urgent_among_very_many(void **state BH_UNUSED)
{
	static const char urgent[] =
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c','urgent':true,"
	    "'fields':[{'to':'Name','from':'name'}]}";
	struct bench *bench = open_bench(urgent);

	set_usage(bench, 900);
	fake.used_by_others = 900;
	fake.limit = 1000;
	customers(bench, 0, 2 * FROM, NULL);
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 0);
	assert_int_equal(bench_lane(bench).in_step, 2 * FROM);
	close_bench(bench);
}

/* A resync that finds nothing new is over; the next job is not kept off by it. */
static void
nothing_new_is_no_failure(void **state BH_UNUSED)
{
	static const char invoice[] =
	    ACCOUNT ",{'name':'invoice','from':'invoice','to':'Invoice__c','key':'Key__c',"
		    "'fields':[{'to':'Name','from':'number'},{'to':'Source__c','value':'%c'}]}";
	struct bench *bench = open_bench(ACCOUNT);
	char text[1000], id[24];
	size_t n;

	customers(bench, 0, FROM, NULL);
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 1);
	assert_int_equal(resync_all(bench->store, &bench->key, "s", &n, &bench->err), 0);
	bench_work(bench);
	assert_int_equal(fake.jobs, 1);
	assert_int_equal(bench_lane(bench).dirty, 0);
	assert_int_equal(stored_job(bench).off_until_ms, 0);

	/* Nothing new of the first object, and very much of the one behind it. */
	for (int i = 0; i < FROM; i++) {
		snprintf(id, sizeof(id), "in_%d", i);
		bench_invoice(bench, id, "cus_0", NULL, 500);
	}
	bench_work(bench);
	for (size_t i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), invoice, (int)('A' + i));
		apply_objects(bench, text);
		work_until_quiet(bench);
		assert_int_equal(fake.jobs, 2 + i);
		assert_int_equal(fake.job_rows, FROM);
	}
	assert_over(bench);
	close_bench(bench);
}

/* -- two ways -- */

/* Found records go by id, new ones by key: a job each where there are many of both. */
static void
by_id_and_by_key_apart(void **state BH_UNUSED)
{
	static const struct {
		int found, made;
		size_t jobs, pushed;
	} each[] = {{FROM, FROM, 2, 0}, {FROM, FROM - 2, 1, FROM - 2}, {FROM + 1, 0, 1, 0}};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench = open_bench(MATCHED);
		struct link link;
		char id[24], fields[40];
		int n = each[i].found + each[i].made;

		for (int k = 0; k < each[i].found; k++) {
			snprintf(id, sizeof(id), "A%d", k);
			snprintf(fields, sizeof(fields), "{'Name':'Ada %d'}", k);
			fake_add(id, "Account", fields);
		}
		customers(bench, 0, n, NULL);
		work_until_quiet(bench);
		assert_int_equal(fake.jobs, each[i].jobs);
		assert_int_equal(fake.rows, each[i].pushed);
		assert_int_equal(json_object_size(fake.records), n);
		assert_int_equal(bench_lane(bench).in_step, n);
		link = bench_link(bench, "account", "cus_1");
		assert_string_equal(link.remote_id, "A1");
		assert_non_null(strstr(link.how, "Name is Ada 1"));
		assert_string_equal(fake_text("A1", "Key__c"), "stripe:cus_1");
		assert_over(bench);
		close_bench(bench);
	}
}

/* As in a push: a field that cannot be read is named, and its record counts as not whole. */
static void
field_that_cannot_be_read(void **state BH_UNUSED)
{
	struct bench *bench =
	    open_bench("{'name':'account','from':'customer','to':'Account','key':'Key__c',"
		       "'match':[{'by':'value','fields':[{'to':'Name','from':'name'}]}],"
		       "'fields':[{'to':'Name','from':'name'},"
		       "{'to':'Email__c','from':'email','when':'if_empty'}]}");
	char id[24], fields[40];

	for (int i = 0; i < FROM; i++) {
		snprintf(id, sizeof(id), "A%d", i);
		snprintf(fields, sizeof(fields), "{'Name':'Ada %d'}", i);
		fake_add(id, "Account", fields);
	}
	fake.hidden = "Email__c";
	customers(bench, 0, FROM, NULL);
	work_until_quiet(bench);
	assert_int_equal(fake.job_rows, FROM);
	assert_int_equal(fake.reads, 1);
	assert_string_equal(bench_link(bench, "account", "cus_3").code, "HIDDEN_FIELD");
	assert_string_equal(bench_link(bench, "account", "cus_3").hash, "");
	assert_null(fake_text("A3", "Email__c"));
	close_bench(bench);
}

/* While the rows travel both what was there and what they bring may be what we wrote. */
static void
shared_fields_are_noted_before(void **state BH_UNUSED)
{
	struct bench *bench =
	    open_bench("{'name':'account','from':'customer','to':'Account','key':'Key__c',"
		       "'match':[{'by':'value','fields':[{'to':'Name','from':'name'}]}],"
		       "'fields':[{'to':'Name','from':'name'},"
		       "{'to':'Type','value':'Customer','when':'if_unchanged'}]}");
	char id[24], fields[40];

	for (int i = 0; i < FROM; i++) {
		snprintf(id, sizeof(id), "A%d", i);
		snprintf(fields, sizeof(fields), "{'Name':'Ada %d'}", i);
		fake_add(id, "Account", fields);
	}
	customers(bench, 0, FROM, NULL);
	bench_work(bench);
	assert_int_equal(stored_job(bench).phase, BULK_SENT);
	assert_int_equal(strlen(bench_link(bench, "account", "cus_3").kept), 32);
	work_until_quiet(bench);
	assert_int_equal(strlen(bench_link(bench, "account", "cus_3").kept), 16);
	assert_int_equal(bench_link(bench, "account", "cus_3").state, LINK_CLEAN);
	assert_string_equal(fake_text("A3", "Type"), "Customer");
	assert_over(bench);
	close_bench(bench);
}

/* Several objects may share a record: a CRM refuses a key that comes twice in a job. */
static void
shared_records_come_once_in_a_job(void **state BH_UNUSED)
{
	struct bench *bench =
	    open_bench("{'name':'account','from':'customer','to':'Account','key':'Key__c',"
		       "'key_from':'{email|company_domain}',"
		       "'fields':[{'to':'Website','from':'{email|company_domain}'}]}");

	customers(bench, 0, 2 * FROM, NULL); /* all of example.com */
	work_until_quiet(bench);
	assert_int_equal(fake.job_rows, 1);
	assert_int_equal(json_object_size(fake.records), 1);
	assert_int_equal(bench_lane(bench).in_step, 2 * FROM);
	assert_over(bench);
	close_bench(bench);
}

/* -- results -- */

/* More than a page of them, in any order, each perhaps twice. */
static void
results_in_any_order(void **state BH_UNUSED)
{
	static const struct {
		bool reversed, twice;
	} each[] = {{false, false}, {true, false}, {false, true}, {true, true}};
	const int n = 1100;

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench = open_bench(ACCOUNT);
		struct link link;

		fake.bulk_reversed = each[i].reversed;
		fake.bulk_twice = each[i].twice;
		customers(bench, 0, n, NULL);
		work_until_quiet(bench);
		assert_int_equal(fake.jobs, 1);
		assert_int_equal(fake.job_rows, n);
		assert_int_equal(fake.rows, 0);
		assert_int_equal(bench_lane(bench).in_step, n);
		assert_int_equal(bench_lane(bench).dirty, 0);
		link = bench_link(bench, "account", "cus_777");
		assert_string_equal(fake_text(link.remote_id, "Name"), "Ada 777");
		assert_int_equal(link.pushed_ms != 0, true);
		assert_over(bench);

		/* What is equal is not sent again. */
		customers(bench, 0, n, NULL);
		work_until_quiet(bench);
		assert_int_equal(fake.jobs, 1);
		close_bench(bench);
	}
}

/* What a job refuses is pushed once more: a push may mend it, or parks it. */
static void
each_verdict(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);

	unit_log_expected(true);
	customers(bench, 0, FROM, NULL);
	customers(bench, 20, 21, "refused");
	customers(bench, 21, 22, "locked");
	customers(bench, 22, 23, "unsendable");
	bench_work(bench);
	assert_int_equal(fake.job_rows, FROM + 2);
	bench_pass(bench, 2000);
	bench_work(bench);
	assert_int_equal(bench_link(bench, "account", "cus_20").state, LINK_NEW);
	assert_int_equal(bench_link(bench, "account", "cus_20").attempts, 1);
	assert_true(bench_is_dirty(bench, "account", 0, "cus_20"));
	assert_true(bench_is_dirty(bench, "account", 0, "cus_21"));
	assert_int_equal(bench_link(bench, "account", "cus_22").state, LINK_CLEAN); /* by a push */
	assert_over(bench);

	customers(bench, 21, 22, "free");
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 1);
	assert_int_equal(bench_link(bench, "account", "cus_20").state, LINK_HELD);
	assert_string_equal(bench_link(bench, "account", "cus_20").code, "BAD");
	assert_int_equal(bench_link(bench, "account", "cus_21").state, LINK_CLEAN);
	assert_int_equal(bench_lane(bench).in_step, FROM + 2);
	close_bench(bench);
}

/* As many refused as would be a job again: they are not sent round and round. */
static void
many_are_refused(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);

	unit_log_expected(true);
	customers(bench, 0, FROM, "refused");
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 1);
	assert_int_equal(fake.rows, FROM);
	assert_int_equal(bench_lane(bench).held, FROM);
	assert_true(stored_job(bench).off_until_ms > bh_now_ms());
	assert_over(bench);
	close_bench(bench);
}

/* The first row cannot be sent so: the others have one head all the same. */
static void
first_row_cannot_be_sent(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);

	customers(bench, 0, 1, "unsendable");
	customers(bench, 1, FROM + 1, NULL);
	work_until_quiet(bench);
	assert_int_equal(fake.job_rows, FROM);
	assert_int_equal(bench_lane(bench).in_step, FROM + 1);
	close_bench(bench);
}

/* All of them are for later: no job without rows, no endless run, and others behind them go. */
static void
all_are_for_later(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(THREE);
	struct bulk_job job = {0};

	customers(bench, 0, FROM, "locked");
	bench_work(bench);
	bench_pass(bench, 2000);
	bench_work(bench);
	assert_int_equal(fake.jobs, 1);
	assert_int_equal(bench_link(bench, "account", "cus_1").attempts, 1);
	assert_true(stored_job(bench).off_until_ms > bh_now_ms());
	/* A worker that does not know of the pause finds them all waiting. */
	assert_return_code(store_run(bench->store, put_job, &job, NULL, &bench->err), 0);
	bench_invoice(bench, "in_1", "cus_99", NULL, 500);
	bench_pass(bench, -1001);
	bench_work(bench);
	assert_non_null(fake_find("Key__c", "stripe:in_1"));
	assert_int_equal(fake.jobs, 1);
	assert_true(bench_next_due(bench) > bh_now_ms());
	close_bench(bench);
}

static void
news_in_the_middle(void *arg)
{
	customers(arg, 1, 2, "Ada King");
	bench_ingest(arg);
}

static void
mark_set_meanwhile_survives(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);

	customers(bench, 0, FROM, NULL);
	fake.meanwhile = news_in_the_middle;
	fake.arg = bench;
	bench_work(bench);
	bench_pass(bench, 2000);
	bench_work(bench);
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 1);
	assert_int_equal(fake.rows, 1); /* by itself */
	assert_non_null(fake_find("Name", "Ada King"));
	assert_int_equal(bench_lane(bench).in_step, FROM);
	assert_over(bench);
	close_bench(bench);
}

static const struct link_id one_account = {"crm", 0, "s", "account", "", "cus_1"};

static int
adopt(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return link_adopt(txn, &one_account, arg, "chosen by admin", err);
}

static void
choose(struct bench *bench, const char *remote_id)
{
	assert_return_code(store_run(bench->store, adopt, (void *)(uintptr_t)remote_id, NULL,
			       &bench->err),
	    0);
}

/* A person who chooses while the job runs is heard. */
static void
choice_during_a_job(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(MATCHED);
	struct link link;

	customers(bench, 0, FROM, NULL);
	bench_work(bench);
	assert_int_equal(stored_job(bench).phase, BULK_SENT);
	fake_add("A9", "Account", "{'Name':'The right one'}");
	choose(bench, "A9");
	work_until_quiet(bench);
	link = bench_link(bench, "account", "cus_1");
	assert_string_equal(link.remote_id, "A9");
	assert_string_equal(link.how, "chosen by admin");
	assert_int_equal(link.state, LINK_CLEAN);
	assert_string_equal(fake_text("A9", "Name"), "Ada 1");
	assert_over(bench);
	close_bench(bench);
}

/* It was the same person's other choice that the job is about. */
static void
second_choice_during_a_job(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(MATCHED);

	fake_add("A8", "Account", "{'Name':'The wrong one'}");
	fake_add("A9", "Account", "{'Name':'The right one'}");
	customers(bench, 0, FROM, NULL);
	choose(bench, "A8");
	for (int i = 0; i < FROM; i++) {
		char id[24], fields[40];

		snprintf(id, sizeof(id), "B%d", i);
		snprintf(fields, sizeof(fields), "{'Name':'Ada %d'}", i);
		if (i != 1)
			fake_add(id, "Account", fields);
	}
	bench_work(bench);
	assert_int_equal(stored_job(bench).phase, BULK_SENT);
	assert_int_equal(fake.job_rows, FROM);
	choose(bench, "A9");
	work_until_quiet(bench);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "A9");
	assert_string_equal(fake_text("A9", "Name"), "Ada 1");
	assert_over(bench);
	close_bench(bench);
}

static int
renew(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	return link_renew(txn, &one_account, err);
}

/* What may not be there any more is sent once more, though a job has just brought the same. */
static void
renewed_during_a_job(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT);

	customers(bench, 0, FROM, NULL);
	work_until_quiet(bench);
	customers(bench, 0, FROM, "Ada King");
	bench_work(bench);
	assert_int_equal(stored_job(bench).phase, BULK_SENT);
	assert_int_equal(fake.rows, 0);
	assert_int_equal(store_run(bench->store, renew, NULL, NULL, &bench->err), 0);
	work_until_quiet(bench);
	assert_int_equal(fake.rows, 1);
	assert_int_equal(bench_lane(bench).in_step, FROM);
	assert_over(bench);
	close_bench(bench);
}

/* A job by id knows no keys: whose the survivor is a push finds out. */
static void
merged_before_a_job(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(MATCHED);

	unit_log_expected(true);
	for (int i = 0; i < FROM; i++) {
		char id[24], fields[40];

		snprintf(id, sizeof(id), "A%d", i);
		snprintf(fields, sizeof(fields), "{'Name':'Ada %d'}", i);
		fake_add(id, "Account", fields);
	}
	customers(bench, 0, FROM, NULL);
	work_until_quiet(bench);
	json_object_del(fake.records, "A1");
	json_object_set_new(fake.ends, "A1", json_string("merged B1"));
	fake_add("B1", "Account", "{'Name':'Ada','Key__c':'stripe:cus_1'}");
	customers(bench, 0, FROM, "Ada King");
	work_until_quiet(bench);
	assert_int_equal(fake.jobs, 2);
	assert_true(fake.is_by_id);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "B1");
	assert_string_equal(fake_text("B1", "Name"), "Ada King");
	assert_int_equal(bench_lane(bench).in_step, FROM);
	assert_over(bench);
	close_bench(bench);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(threshold, teardown),
	    cmocka_unit_test_teardown(paused_sync_does_not_count, teardown),
	    cmocka_unit_test_teardown(what_stands_before_goes_first, teardown),
	    cmocka_unit_test_teardown(looks_become_rarer, teardown),
	    cmocka_unit_test_teardown(woken_before_its_time, teardown),
	    cmocka_unit_test_teardown(urgent_among_very_many, teardown),
	    cmocka_unit_test_teardown(nothing_new_is_no_failure, teardown),
	    cmocka_unit_test_teardown(by_id_and_by_key_apart, teardown),
	    cmocka_unit_test_teardown(field_that_cannot_be_read, teardown),
	    cmocka_unit_test_teardown(shared_fields_are_noted_before, teardown),
	    cmocka_unit_test_teardown(shared_records_come_once_in_a_job, teardown),
	    cmocka_unit_test_teardown(results_in_any_order, teardown),
	    cmocka_unit_test_teardown(each_verdict, teardown),
	    cmocka_unit_test_teardown(many_are_refused, teardown),
	    cmocka_unit_test_teardown(first_row_cannot_be_sent, teardown),
	    cmocka_unit_test_teardown(all_are_for_later, teardown),
	    cmocka_unit_test_teardown(mark_set_meanwhile_survives, teardown),
	    cmocka_unit_test_teardown(choice_during_a_job, teardown),
	    cmocka_unit_test_teardown(second_choice_during_a_job, teardown),
	    cmocka_unit_test_teardown(renewed_during_a_job, teardown),
	    cmocka_unit_test_teardown(merged_before_a_job, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
