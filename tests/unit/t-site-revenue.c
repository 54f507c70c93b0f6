/* web/page_revenue, and the job behind it: what is said adds up, and nobody's words do harm. */
#include "people-unit.h"
#include "state/queue.h"
#include "state/totals.h"
#include "sync/totals.h"

/* -- helpers -- */

static void
set_clock(const char *text)
{
	int64_t at_ms;

	assert_true(bh_is_time(text, &at_ms));
	bh_clock_set(at_ms);
}

static void
put_source(struct world *world, const char *code, const char *name, const char *settings)
{
	struct account_connection connection = {.driver = "stripe",
	    .is_source = true,
	    .secrets = json_object()};
	struct store_txn *txn = store_begin(world->site.store);

	snprintf(connection.code, sizeof(connection.code), "%s", code);
	snprintf(connection.name, sizeof(connection.name), "%s", name);
	assert_int_equal(bh_json_parse(settings, strlen(settings), &connection.settings, NULL), 0);
	assert_int_equal(account_connection_save(txn, &world->site.key, &connection, NULL), 0);
	crm_commit(&txn);
	account_connection_release(&connection);
}

/* steps: "2026-09-03 120000 EUR; ..." of one subscription each. */
static void
put_customer(struct world *world, const char *connection, const char *id, const char *fields,
    const char *const *steps)
{
	struct mirror_id customer = {connection, "", OBJECT_CUSTOMER, id};
	struct object_state object = {.version = {.at_ms = 1}};
	struct store_txn *txn = store_begin(world->site.store);
	json_t *subscriptions = json_object(), *facts;

	assert_int_equal(bh_json_parse(fields, strlen(fields), &object.fields, NULL), 0);
	for (size_t i = 0; steps[i] != NULL; i++) {
		char name[8], day[16], arr[32], currency[8];
		json_t *part;
		int64_t at_ms;

		assert_int_equal(sscanf(steps[i], "%7s %15s %31s %7s", name, day, arr, currency),
		    4);
		assert_true(bh_is_time(day, &at_ms));
		part = json_object_get(subscriptions, name);
		if (part == NULL) {
			part = json_pack("{s:[], s:s}", "steps", "status", "active");
			json_object_set_new(subscriptions, name, part);
		}
		json_array_append_new(json_object_get(part, "steps"),
		    json_pack("[I, s, s]", (json_int_t)at_ms, arr, currency));
	}
	facts = json_pack("{s:o}", "subscriptions", subscriptions);
	mirror_put(txn, &customer, &object);
	derived_put(txn, DERIVED_FACTS, &customer, facts);
	crm_commit(&txn);
	json_decref(facts);
	mirror_object_release(&object);
}

static void
put_customers(struct world *world)
{
	set_clock("2026-11-22T12:00:00Z");
	put_source(world, "pay", "Pay <b>",
	    "{\"revenue\": {\"currency\": \"USD\", \"rates\": [{\"on\": \"2026-01-01\", \"rates\": "
	    "{\"EUR\": \"1.10\"}}, {\"on\": \"2026-10-01\", \"rates\": {\"EUR\": \"1.20\"}}]}}");
	put_source(world, "other", "", "{}");
	put_customer(world, "pay", "c_1", "{\"currency\": \"EUR\"}",
	    (const char *[]){"s 2024-01-05 1200000 EUR", "s 2026-10-03 2400000 EUR", NULL});
	put_customer(world, "pay", "c_2", "{\"currency\": \"EUR\"}",
	    (const char *[]){"s 2025-12-05 600000 EUR", "s 2026-10-09 0 EUR",
		"s 2026-11-09 300000 EUR", NULL});
	put_customer(world, "pay", "c_3", "{\"currency\": \"USD\"}",
	    (const char *[]){"s 2026-11-01 120000 USD", NULL});
	put_customer(world, "other", "o_1", "{\"currency\": \"EUR\"}",
	    (const char *[]){"s 2026-03-01 12000 EUR", NULL});
	put_customer(world, "other", "o_2", "{\"currency\": \"JPY\", \"source_mrr\": 500}",
	    (const char *[]){NULL});
}

static bool
is_never(void *arg BH_UNUSED)
{
	return false;
}

static bool
is_at_once(void *arg BH_UNUSED)
{
	return true;
}

static struct sync_outcome
run_job(struct world *world, bool (*is_stopping)(void *arg))
{
	struct sync_context context = {.conf = &world->conf,
	    .store = world->site.store,
	    .key = &world->site.key,
	    .is_stopping = is_stopping};
	struct sync_outcome outcome;
	struct bh_err err = BH_ERR_INIT;

	if (totals_run(&context, &outcome, &err) < 0)
		fail_msg("%s", err.text);
	return outcome;
}

/* Is the job woken? */
static bool
is_woken(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	int rc = queue_is_due(txn, bh_now_ms(), NULL);

	store_free(&txn);
	return rc == 1;
}

static char *
state_of(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *doc;
	char *state;

	assert_int_equal(totals_state_get(txn, &doc, NULL), 1);
	state = bh_xstrdup(bh_json_str(doc, "state"));
	json_decref(doc);
	store_free(&txn);
	return state;
}

static void
assert_state(struct world *world, const char *wanted)
{
	char *state = state_of(world);

	assert_string_equal(state, wanted);
	free(state);
}

/* -- the job -- */

static void
test_job(void **state)
{
	struct world *world = *state;
	struct sync_outcome outcome;
	int64_t night_ms;
	struct browser browser;

	put_customers(world);
	/* Nobody asked. */
	outcome = run_job(world, is_never);
	assert_int_equal(outcome.handled, 0);
	assert_false(is_woken(world));
	browser = open_at(world, "vic", "/revenue");
	assert_page(&browser, "Revenue is being added up.");
	assert_true(is_woken(world));
	assert_state(world, "open");
	/* One that is interrupted begins anew. */
	outcome = run_job(world, is_at_once);
	assert_int_equal(outcome.again_ms, bh_now_ms());
	assert_state(world, "open");
	outcome = run_job(world, is_never);
	assert_int_equal(outcome.handled, 5);
	assert_state(world, "done");
	assert_true(bh_is_time("2026-11-23T03:00:00Z", &night_ms));
	assert_int_equal(outcome.again_ms, night_ms);
	/* Done and of today: nothing to do, until a night has passed. */
	assert_int_equal(run_job(world, is_never).handled, 0);
	set_clock("2026-11-23T12:00:00Z");
	assert_int_equal(run_job(world, is_never).handled, 5);
	bh_clock_set(0);
	close_browser(&browser);
}

/* A page that is opened has old totals made anew. */
static void
test_fresh(void **state)
{
	struct world *world = *state;
	struct browser browser;

	put_customers(world);
	browser = open_at(world, "oda", "/revenue");
	run_job(world, is_never);
	set_clock("2026-11-22T12:14:00Z");
	look(&browser, "/revenue", 200);
	assert_state(world, "done");
	assert_page(&browser, "title=\"2026-11-22 12:00:00 UTC\">14 min ago</time>");
	set_clock("2026-11-22T12:16:00Z");
	look(&browser, "/revenue", 200);
	assert_state(world, "open");
	assert_page(&browser, "The figures are being worked out anew: 0 of about 5 customers.");
	assert_page(&browser, "MRR is");
	run_job(world, is_never);
	look(&browser, "/revenue", 200);
	post(&browser, "/revenue", "x=1");
	assert_int_equal(browser.status, 303);
	assert_state(world, "open");
	bh_clock_set(0);
	close_browser(&browser);
}

/* -- the page -- */

static void
test_empty(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "vic", "/revenue");

	assert_page(&browser, "No billing system is connected yet.");
	assert_false(is_woken(world));
	put_source(world, "pay", "P", "{}");
	look(&browser, "/revenue", 200);
	run_job(world, is_never);
	look(&browser, "/revenue", 200);
	assert_page(&browser, "There is no recurring revenue yet.");
	lacks(&browser, "<svg");
	look(&browser, "/revenue/movements.csv", 200);
	lacks(&browser, "2026");
	close_browser(&browser);
}

static void
test_converted(void **state)
{
	struct world *world = *state;
	struct browser browser;

	put_customers(world);
	browser = open_at(world, "vic", "/revenue");
	run_job(world, is_never);
	look(&browser, "/revenue", 200);
	/* 2,000 EUR and 250 EUR at 1.20, and 100 USD; the other system has no rates. */
	assert_page(&browser, "MRR is 2,800.00 USD, from 3 customers.");
	assert_page(&browser, ">All, in USD</a></th><td class=\"number\">2,800.00 USD</td>"
			      "<td class=\"number\">33,600.00 USD</td><td class=\"number\">3</td>");
	assert_page(&browser, ">EUR</a></th><td class=\"number\">2,260.00 EUR</td>"
			      "<td class=\"number\">27,120.00 EUR</td><td class=\"number\">3</td>");
	assert_page(&browser, "In October 2026 1 of 2 customers left (50.0 %), and with them");
	assert_page(&browser, ">Exchange rates</th>");
	assert_page(&browser, "role=\"img\" aria-labelledby=\"mrr-chart-title mrr-chart-desc\"");
	assert_page(&browser, "<title>October 2026, churn: -600.00 USD</title>");
	assert_page(&browser, "Pay &lt;b&gt;");
	lacks(&browser, "Pay <b>");
	lacks(&browser, "Work them out now");
	bh_clock_set(0);
	close_browser(&browser);
}

static void
test_chosen(void **state)
{
	struct world *world = *state;
	struct browser browser;

	put_customers(world);
	browser = open_at(world, "oda", "/revenue");
	run_job(world, is_never);
	look(&browser, "/revenue?connection=pay&currency=EUR&months=24", 200);
	assert_page(&browser, "MRR is 2,250.00 EUR, from 2 customers.");
	assert_page(&browser,
	    "<th scope=\"row\">December 2024</th><td class=\"number\">1,000.00</td>"
	    "<td class=\"number\">1</td>");
	assert_page(&browser,
	    "<th scope=\"row\">November 2026</th><td class=\"number\">2,000.00</td><td class=\"number\">"
	    "\xe2\x80\x93</td><td class=\"number\">250.00</td><td class=\"number\">\xe2\x80\x93</td>"
	    "<td class=\"number\">\xe2\x80\x93</td><td class=\"number\">\xe2\x80\x93</td>"
	    "<td class=\"number\">2,250.00</td>");
	lacks(&browser, "Exchange rates");
	assert_page(&browser, "<option value=\"EUR\" selected>");
	assert_page(&browser, "Work them out now");
	look(&browser, "/revenue?connection=other&currency=JPY", 200);
	assert_page(&browser, "500 JPY of it is what the billing system itself tells");
	assert_page(&browser, "At the beginning of October 2026 there was no customer to lose.");
	/* What is not there is as if nothing was asked. */
	look(&browser, "/revenue?connection=%3Cscript%3E&currency=%22%3E&months=-1", 200);
	assert_page(&browser, "There is no recurring revenue yet.");
	lacks(&browser, "<script>&");
	look(&browser, "/revenue?currency=%22%3E&months=1000", 200);
	assert_page(&browser, "MRR is 2,800.00 USD");
	bh_clock_set(0);
	close_browser(&browser);
}

static void
test_file(void **state)
{
	struct world *world = *state;
	struct browser browser;

	put_customers(world);
	browser = open_at(world, "vic", "/revenue");
	run_job(world, is_never);
	look(&browser, "/revenue/movements.csv?connection=pay&currency=EUR", 200);
	assert_page(&browser,
	    "month,currency,mrr_begin,new,reactivation,expansion,contraction,churn,fx,"
	    "mrr_end,customers_begin,new_n,");
	assert_page(&browser,
	    "\n2025-12,EUR,1000.00,500.00,0.00,0.00,0.00,0.00,0.00,1500.00,1,1,0,0,0,0,0,2\r\n");
	assert_page(&browser,
	    "\n2026-10,EUR,1500.00,0.00,0.00,1000.00,0.00,-500.00,0.00,2000.00,2,0,0,1,0,1,0,1\r\n");
	look(&browser, "/revenue/status.json", 200);
	assert_page(&browser, "\"revenue.has_bar\":\"\"");
	bh_clock_set(0);
	close_browser(&browser);
}

static void
test_roles(void **state)
{
	struct world *world = *state;
	struct browser browser;

	put_customers(world);
	browser = open_at(world, "vic", "/revenue");
	post(&browser, "/revenue", "x=1");
	assert_int_equal(browser.status, 403);
	sign_in(&browser, "oda");
	ask(&browser, "POST", "/revenue", "token=none");
	assert_int_equal(browser.status, 403);
	bh_clock_set(0);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_empty),
	    TEST(test_job),
	    TEST(test_fresh),
	    TEST(test_converted),
	    TEST(test_chosen),
	    TEST(test_file),
	    TEST(test_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
