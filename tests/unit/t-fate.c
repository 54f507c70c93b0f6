/* Records that the CRM no longer has under the id that we know. */
#include "base/base.h"

#include "base/clock.h"
#include "fakecrm.h"
#include "state/trail.h"
#include "sync/fate.h"
#include "unit.h"

#define KEY "stripe:cus_1"

static struct bench *
open_bench(void)
{
	fake_init();
	return bench_new("salesforce");
}

static void
close_bench(struct bench *bench)
{
	bench_free(bench);
	fake_release();
}

static size_t
count_alarms(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	json_t *list = NULL, *entry;
	size_t n = 0, i;

	assert_int_equal(trail_list(txn, 0, 100, &list, &bench->err), 0);
	json_array_foreach (list, i, entry)
		n += strcmp(bh_json_str(entry, "what"), "alarm") == 0;
	json_decref(list);
	store_free(&txn);
	return n;
}

/* An item that was sent by id and refused as gone. */
static void
make_gone(struct render_item *item, struct dest_result *result, const char *id)
{
	memset(item, 0, sizeof(*item));
	item->verdict = RENDER_SEND;
	item->record = record_new("Account", "Key__c", KEY);
	item->link.state = LINK_CLEAN;
	snprintf(item->link.remote_id, sizeof(item->link.remote_id), "%s", id);
	snprintf(item->link.hash, sizeof(item->link.hash), "hash");
	snprintf(item->link.kept, sizeof(item->link.kept), "kept");
	memset(result, 0, sizeof(*result));
	dest_result_set(result, DEST_REJECTED, FATE_GONE, "entity is deleted", "look");
}

/* -- what becomes of it -- */

static void
each_fate(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *end;
		const char *survivor; /* fields of 002; NULL: it is not there */
		const char *fault;
		enum render_verdict verdict;
		enum dest_outcome outcome;
		bool doubtful;
		const char *code;
		size_t alarms;
	} cases[] = {
	    {"merged", "merged 002", "{'Name':'Acme'}", NULL, RENDER_MOVED, DEST_REJECTED, false,
		"GONE", 1},
	    {"its own survivor", "merged 002", "{'Key__c':'" KEY "'}", NULL, RENDER_MOVED,
		DEST_REJECTED, false, "GONE", 1},
	    {"another object's", "merged 002", "{'Key__c':'stripe:cus_2'}", NULL, RENDER_SEND,
		DEST_REJECTED, false, "MERGED", 1},
	    {"survivor not seen", "merged 002", NULL, NULL, RENDER_SEND, DEST_LATER, false, "GONE",
		0},
	    {"survivor not asked", "merged 002", "{}", "find", RENDER_SEND, DEST_LATER, false,
		"GONE", 0},
	    {"deleted", "deleted", NULL, NULL, RENDER_SEND, DEST_REJECTED, false, "DELETED", 1},
	    {"gone", "gone", NULL, NULL, RENDER_SEND, DEST_REJECTED, false, "DELETED", 1},
	    {"there", "there", NULL, NULL, RENDER_SEND, DEST_LATER, true, "GONE", 0},
	    {"unknown", "?", NULL, NULL, RENDER_SEND, DEST_LATER, true, "GONE", 0},
	    /* A CRM that cannot be asked says nothing against the record. */
	    {"not asked", "deleted", NULL, "end", RENDER_SEND, DEST_LATER, false, "GONE", 0},
	};

	unit_log_expected(true);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bench *bench = open_bench();
		struct fake_lane open;
		struct render_item item;
		struct dest_result result;

		fake_open(bench, &open);
		json_object_set_new(fake.ends, "001", json_string(cases[i].end));
		if (cases[i].survivor != NULL)
			fake_add("002", "Account", cases[i].survivor);
		fake.fault = cases[i].fault;
		fake.fault_code = BH_UNAVAILABLE;
		fake.fault_times = 1;
		make_gone(&item, &result, "001");
		fate_resolve(&open.lane, &item, &result, 1);
		if (item.verdict != cases[i].verdict || result.outcome != cases[i].outcome ||
		    result.doubtful != cases[i].doubtful ||
		    strcmp(result.code, cases[i].code) != 0 ||
		    count_alarms(bench) != cases[i].alarms)
			fail_msg("%s: verdict %d, outcome %d, doubtful %d, code %s", cases[i].name,
			    (int)item.verdict, (int)result.outcome, result.doubtful, result.code);
		assert_true(result.cause[0] != '\0' && result.remedy[0] != '\0');
		assert_string_equal(item.link.remote_id,
		    item.verdict == RENDER_MOVED ? "002" : "001");
		assert_string_equal(item.link.hash, item.verdict == RENDER_MOVED ? "" : "hash");
		assert_string_equal(item.link.kept, item.verdict == RENDER_MOVED ? "" : "kept");
		render_release(&item, 1);
		fake_close(&open);
		close_bench(bench);
	}
}

/* What was not refused as gone, or not sent by an id, is nobody's concern here. */
static void
others_are_left_alone(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct fake_lane open;
	struct render_item items[4];
	struct dest_result results[4];

	fake_open(bench, &open);
	for (size_t i = 0; i < BH_LEN(items); i++)
		make_gone(&items[i], &results[i], "001");
	dest_result_set(&results[0], DEST_APPLIED, "", "", "");
	dest_result_set(&results[1], DEST_REJECTED, "BAD", "bad", "mend");
	items[2].link.remote_id[0] = '\0';
	items[3].verdict = RENDER_SAME;
	fake.fault = "end";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 1;
	fate_resolve(&open.lane, items, results, BH_LEN(items));
	assert_int_equal(fake.fault_times, 1); /* it was not asked */
	assert_int_equal(results[0].outcome, DEST_APPLIED);
	assert_string_equal(results[1].code, "BAD");
	assert_string_equal(results[2].code, FATE_GONE);
	assert_string_equal(results[3].code, FATE_GONE);
	render_release(items, BH_LEN(items));
	fake_close(&open);
	close_bench(bench);
}

/* -- whose it is that stands in the way -- */

static void
each_owner(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *known, *owner;
		const char *fields; /* of 002; NULL: it is not there */
		enum render_verdict verdict;
		enum dest_outcome outcome;
		bool doubtful;
		const char *id;
	} cases[] = {
	    {"nobody's", "", "002", "{'Name':'Acme'}", RENDER_MOVED, DEST_REJECTED, false, "002"},
	    {"our own", "", "002", "{'Key__c':'" KEY "'}", RENDER_MOVED, DEST_REJECTED, false,
		"002"},
	    {"another object's", "", "002", "{'Key__c':'stripe:cus_2'}", RENDER_SEND, DEST_REJECTED,
		false, ""},
	    {"not seen", "", "002", NULL, RENDER_SEND, DEST_LATER, true, ""},
	    {"not named", "", "", "{'Name':'Acme'}", RENDER_SEND, DEST_REJECTED, false, ""},
	    /* What we know is not given up for another. */
	    {"known", "001", "002", "{'Name':'Acme'}", RENDER_SEND, DEST_REJECTED, false, "001"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bench *bench = open_bench();
		struct fake_lane open;
		struct render_item item;
		struct dest_result result;

		fake_open(bench, &open);
		if (cases[i].fields != NULL)
			fake_add("002", "Account", cases[i].fields);
		make_gone(&item, &result, cases[i].known);
		dest_result_set(&result, DEST_REJECTED, FATE_OWNED, "taken", "merge them");
		snprintf(result.remote_id, sizeof(result.remote_id), "%s", cases[i].owner);
		fate_resolve(&open.lane, &item, &result, 1);
		if (item.verdict != cases[i].verdict || result.outcome != cases[i].outcome ||
		    result.doubtful != cases[i].doubtful || strcmp(result.code, FATE_OWNED) != 0 ||
		    strcmp(item.link.remote_id, cases[i].id) != 0)
			fail_msg("%s: verdict %d, outcome %d, doubtful %d, id %s", cases[i].name,
			    (int)item.verdict, (int)result.outcome, result.doubtful,
			    item.link.remote_id);
		assert_true(result.cause[0] != '\0' && result.remedy[0] != '\0');
		assert_true((item.link.how[0] != '\0') == (item.verdict == RENDER_MOVED));
		render_release(&item, 1);
		fake_close(&open);
		close_bench(bench);
	}
}

/* A person who knows is not told again with each try. */
static void
told_once(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct fake_lane open;
	struct render_item item;
	struct dest_result result;

	unit_log_expected(true);
	fake_open(bench, &open);
	json_object_set_new(fake.ends, "001", json_string("deleted"));
	make_gone(&item, &result, "001");
	snprintf(item.link.code, sizeof(item.link.code), "DELETED");
	fate_resolve(&open.lane, &item, &result, 1);
	assert_string_equal(result.code, "DELETED");
	assert_int_equal(count_alarms(bench), 0);
	render_release(&item, 1);
	fake_close(&open);
	close_bench(bench);
}

/* -- the whole way -- */

static void
match_by_name(struct bench *bench)
{
	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c',"
	    "'match':[{'by':'value','fields':[{'to':'Name','from':'name'}]}],'fields':["
	    "{'to':'Name','from':'name'}]}]}}]}");
}

/* A customer that was found in the CRM as 001, which is gone now. */
static struct bench *
lose_record(const char *end)
{
	struct bench *bench = open_bench();

	match_by_name(bench);
	fake_add("001", "Account", "{'Name':'Ada'}");
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "001");
	json_object_del(fake.records, "001");
	json_object_set_new(fake.ends, "001", json_string(end));
	return bench;
}

static void
survivor_is_kept_in_step(void **state BH_UNUSED)
{
	struct bench *bench = lose_record("merged 002");
	struct link link;

	unit_log_expected(true);
	fake_add("002", "Account", "{'Name':'Ada & Co'}");
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	link = bench_link(bench, "account", "cus_1");
	assert_int_equal(link.state, LINK_CLEAN);
	assert_string_equal(link.remote_id, "002");
	assert_true(link.how[0] != '\0');
	assert_string_equal(fake_text("002", "Name"), "Ada King");
	assert_string_equal(fake_text("002", "Key__c"), KEY);
	assert_int_equal(json_object_size(fake.records), 1);
	assert_int_equal(bench_lane(bench).dirty, 0);
	close_bench(bench);
}

/* It is not made anew, whatever changes; restored it is written again. */
static void
deleted_is_held_until_it_is_back(void **state BH_UNUSED)
{
	struct bench *bench = lose_record("deleted");

	unit_log_expected(true);
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_HELD);
	assert_string_equal(bench_link(bench, "account", "cus_1").code, "DELETED");
	bench_customer(bench, "cus_1", "Ada Lovelace");
	bench_work(bench);
	assert_int_equal(json_object_size(fake.records), 0);
	assert_int_equal(count_alarms(bench), 1);

	fake_add("001", "Account", "{'Name':'Ada','Key__c':'" KEY "'}");
	bench_customer(bench, "cus_1", "Ada Byron");
	bench_work(bench);
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_CLEAN);
	assert_string_equal(fake_text("001", "Name"), "Ada Byron");
	close_bench(bench);
}

/* An outage of some minutes while the fate is asked for holds nothing. */
static void
outage_while_asking(void **state BH_UNUSED)
{
	struct bench *bench = lose_record("merged 002");

	unit_log_expected(true);
	fake_add("002", "Account", "{'Name':'Ada & Co'}");
	fake.fault = "end";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 6;
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	for (int i = 0; i < 10; i++) {
		assert_int_not_equal(bench_link(bench, "account", "cus_1").state, LINK_HELD);
		bench_pass(bench, 60000);
		bench_work(bench);
	}
	assert_string_equal(fake_text("002", "Name"), "Ada King");
	close_bench(bench);
}

static int
teardown(void **state BH_UNUSED)
{
	unit_log_expected(false);
	bh_clock_set(0);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(each_fate, teardown),
	    cmocka_unit_test_teardown(others_are_left_alone, teardown),
	    cmocka_unit_test_teardown(each_owner, teardown),
	    cmocka_unit_test_teardown(told_once, teardown),
	    cmocka_unit_test_teardown(survivor_is_kept_in_step, teardown),
	    cmocka_unit_test_teardown(deleted_is_held_until_it_is_back, teardown),
	    cmocka_unit_test_teardown(outage_while_asking, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
