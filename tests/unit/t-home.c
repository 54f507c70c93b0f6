/* web/home_sentence.c: the words for what is in step, and what is counted for them. */
#include "people-unit.h"
#include "web/home_sentence.h"

/* -- words -- */

#define ONE_CRM(n) .customers = {{"a", "A", n}}, .customers_n = 1
#define TWO_CRMS .customers = {{"a", "A", 1204}, {"b", "<B>", 1200}}, .customers_n = 2
#define CONNECTED .sources = 1, .crms = 1

static const struct {
	struct home_counts counts;
	const char *state, *text;
} cases[] = {
    {{.sources = 0}, "idle", "Nothing is connected yet."},
    {{.sources = 1}, "idle", "No CRM is connected yet."},
    {{.crms = 1, .held = 7}, "idle", "No billing system is connected yet."},
    {{CONNECTED}, "idle", "Connected. Nothing has come yet."},
    {{CONNECTED, .in_step = 5000, ONE_CRM(1204)}, "good", "All 1,204 customers are in step."},
    {{CONNECTED, .in_step = 4, ONE_CRM(1)}, "good", "The only customer is in step."},
    {{CONNECTED, .in_step = 12}, "good", "All 12 records are in step."},
    {{CONNECTED, .in_step = 1}, "good", "The only record is in step."},
    /* Records of them are, none of their own: a mapping that brings invoices first. */
    {{CONNECTED, .in_step = 4, ONE_CRM(0)}, "good", "All 4 records are in step."},
    {{CONNECTED, .in_step = 5000, .on_their_way = 12, ONE_CRM(1204)}, "busy",
	"1,204 customers are in step, 12 records on the way."},
    {{CONNECTED, .on_their_way = 1, ONE_CRM(0)}, "busy",
	"0 records are in step, 1 record on the way."},
    {{CONNECTED, .in_step = 5000, .held = 3, .customers_held = 3, ONE_CRM(1204)}, "bad",
	"1,204 customers are in step. 3 need you."},
    {{CONNECTED, .in_step = 5000, .held = 1, .customers_held = 1, ONE_CRM(1)}, "bad",
	"One customer is in step. 1 needs you."},
    {{CONNECTED, .in_step = 5000, .held = 8, .customers_held = 3, ONE_CRM(1204)}, "bad",
	"1,204 customers are in step. 3 need you, and 5 other records."},
    {{CONNECTED, .in_step = 5000, .held = 2, .customers_held = 1, ONE_CRM(1204)}, "bad",
	"1,204 customers are in step. 1 needs you, and 1 other record."},
    {{CONNECTED, .in_step = 5000, .held = 5, ONE_CRM(1204)}, "bad",
	"1,204 customers are in step. 5 records need you."},
    {{CONNECTED, .in_step = 5000, .held = 1, .stopped = 1, ONE_CRM(1204)}, "bad",
	"1,204 customers are in step. One record needs you. One connection needs you."},
    {{CONNECTED, .in_step = 5000, .stopped = 2, ONE_CRM(1204)}, "bad",
	"1,204 customers are in step. 2 connections need you."},
    {{CONNECTED, .in_step = 5000, TWO_CRMS}, "good",
	"1,204 customers are in step in A, 1,200 in <B>."},
    {{CONNECTED, .in_step = 5000, .held = 4, .customers_held = 3, TWO_CRMS}, "bad",
	"1,204 customers are in step in A, 1,200 in <B>. 4 records need you."},
    {{CONNECTED, .in_step = 5000, .held = 4, .customers_held = 3, .customers_n = 4}, "bad",
	"5,000 records are in step. 4 records need you."},
};

static void
test_words(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const char *got;
		json_t *text = home_sentence(&cases[i].counts, &got);

		assert_string_equal(json_string_value(text), cases[i].text);
		assert_string_equal(got, cases[i].state);
		json_decref(text);
	}
}

/* -- counts -- */

static struct home_counts
count(struct world *world, struct home_counts counts)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct account_sync sync;

	assert_int_equal(account_sync_load(txn, "people", &sync, NULL), 1);
	assert_int_equal(home_count_customers(txn, &sync, &counts, NULL), 0);
	account_sync_release(&sync);
	store_free(&txn);
	return counts;
}

/* Only customers count, invoices and subscriptions do not. */
static void
test_counts(void **state)
{
	struct world *world = *state;
	struct home_counts counts = {.sources = 1};
	struct browser browser;

	crm_put(world, "The <CRM>", NULL);
	people_fill(world);
	counts = count(world, counts);
	assert_int_equal(counts.customers_n, 1);
	assert_string_equal(counts.customers[0].code, "sf");
	assert_int_equal(counts.customers[0].in_step, 2);
	assert_int_equal(counts.customers_held, 58);
	/* Another sync to the same CRM adds its own. */
	counts = count(world, counts);
	assert_int_equal(counts.customers_n, 1);
	assert_int_equal(counts.customers[0].in_step, 4);
	people_link(world, "sub", "s_1",
	    (struct link){.state = LINK_HELD, .code = "X", .cause = "no"});
	assert_int_equal(count(world, (struct home_counts){.sources = 1}).customers_held, 58);
	browser = open_at(world, "vic", "/");
	assert_page(&browser,
	    "2 customers are in step. 58 need you, and 1 other record.");
	close_browser(&browser);
}

static int
drop_sync(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	return link_drop_sync(txn, "sf", "people", 100, err) < 0 ? -1 : 0;
}

/* What was left out, and the sync that is forgotten, are counted no more. */
static void
test_counts_follow(void **state)
{
	struct world *world = *state;
	struct link_id id = people_link_id("account", "c_2");
	struct store_txn *txn;
	struct home_counts counts;

	crm_put(world, "CRM", NULL);
	people_fill(world);
	txn = store_begin(world->site.store);
	assert_int_equal(link_skip(txn, &id, "ada", NULL), 0);
	id = people_link_id("account", "c_63");
	assert_int_equal(link_forget(txn, &id, NULL), 1);
	crm_commit(&txn);
	counts = count(world, (struct home_counts){.sources = 1});
	assert_int_equal(counts.customers[0].in_step, 1);
	assert_int_equal(counts.customers_held, 57);
	assert_int_equal(store_run(world->site.store, drop_sync, NULL, NULL, NULL), 0);
	counts = count(world, (struct home_counts){.sources = 1});
	assert_int_equal(counts.customers[0].in_step, 0);
	assert_int_equal(counts.customers_held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    TEST(test_counts),
	    TEST(test_counts_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
