/* web/page_automations: from a shipped rule to one in use, tried, switched, changed and removed. */
#include "people-unit.h"
#include "state/automation.h"

static struct browser
begin(struct world *world)
{
	connect((struct connection_case){.world = world,
	    .code = "pay",
	    .driver = "stripe",
	    .name = "Pay <b>",
	    .is_source = true});
	return open_at(world, "ada", "/automations");
}

static void
add_failed(struct browser *browser)
{
	look(browser, "/automations/new/failed-payments", 200);
	post(browser, "/automations/new/failed-payments",
	    "from=pay&code=failed&title=Call+%3Cthem%3E&owners=005A%2C+005B");
	assert_int_equal(browser->status, 303);
	assert_string_equal(browser->location, "/automations/failed");
}

/* 1 with the stored one. */
static int
stored(struct world *world, const char *code, struct automation *automation)
{
	struct store_txn *txn = store_begin(world->site.store);
	int rc = automation_load(txn, code, automation, NULL);

	store_free(&txn);
	return rc;
}

static void
test_add(void **state)
{
	struct world *world = *state;
	struct browser browser = begin(world);
	struct automation automation;

	assert_page(&browser, "None is in use.");
	assert_page(&browser, "href=\"/automations/new/renewals\">Renewal opportunities</a>");
	add_failed(&browser);
	assert_int_equal(stored(world, "failed", &automation), 1);
	assert_true(automation.is_enabled);
	assert_string_equal(bh_json_str(automation.rule, "make.owner.1"), "005B");
	assert_string_equal(bh_json_str(automation.rule, "make.type"), "task");
	automation_release(&automation);
	look(&browser, "/automations", 200);
	assert_page(&browser, "Call &lt;them&gt;</a>");
	assert_page(&browser, "<td>not tried yet</td>");
	/* Amounts and days of those that have them. */
	look(&browser, "/automations/new/large-refunds", 200);
	assert_page(&browser, "value=\"* 1000\"");
	post(&browser, "/automations/new/large-refunds",
	    "from=pay&code=refunds&title=R&amounts=EUR+500%2C+*+600.50&owners=");
	assert_int_equal(browser.status, 303);
	assert_int_equal(stored(world, "refunds", &automation), 1);
	assert_string_equal(bh_json_str(automation.rule, "amount.at_least.EUR"), "500");
	assert_string_equal(bh_json_str(automation.rule, "amount.at_least.*"), "600.50");
	assert_string_equal(bh_json_str(automation.rule, "amount.of"), "amount");
	automation_release(&automation);
	look(&browser, "/automations/new/renewals", 200);
	assert_page(&browser, "value=\"-90\"");
	post(&browser, "/automations/new/renewals", "from=pay&code=renew&title=R&days=-30&owners=");
	assert_int_equal(browser.status, 303);
	assert_int_equal(stored(world, "renew", &automation), 1);
	assert_int_equal(bh_json_int(json_object_get(automation.rule, "date"), "days", 0), -30);
	automation_release(&automation);
	close_browser(&browser);
}

/* A sentence, and what was typed is still there. */
static void
test_refused(void **state)
{
	static const char *const cases[][3] = {
	    {"large-refunds",
		"from=pay&code=r&title=R&amounts=EURO+1&owners=", "a currency and a number each"},
	    {"large-refunds", "from=pay&code=r&title=R&amounts=EUR+much&owners=", "at_least"},
	    {"large-refunds",
		"from=none&code=r&title=R&amounts=EUR+1&owners=", "there is no source"},
	    {"large-refunds", "from=pay&code=a+b&title=R&amounts=EUR+1&owners=", "code"},
	    {"renewals",
		"from=pay&code=r&title=%3Cb%3E&days=soon&owners=", "Days are a whole number"},
	    {"disputes", "from=pay&code=failed&title=R&owners=", "of this code already"},
	};
	struct world *world = *state;
	struct browser browser = begin(world);
	struct automation automation;
	char uri[80];

	add_failed(&browser);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		snprintf(uri, sizeof(uri), "/automations/new/%s", cases[i][0]);
		look(&browser, uri, 200);
		post(&browser, uri, cases[i][1]);
		assert_int_equal(browser.status, 400);
		assert_page(&browser, cases[i][2]);
		lacks(&browser, "value=\"<b>");
		assert_int_equal(stored(world, "r", &automation), 0);
		automation_release(&automation);
	}
	assert_page(&browser, "id=\"f-code\" name=\"code\" value=\"failed\"");
	look(&browser, "/automations/new/none", 404);
	look(&browser, "/automations/none", 404);
	close_browser(&browser);
}

static void
test_switch(void **state)
{
	struct world *world = *state;
	struct browser browser = begin(world);
	struct automation automation;

	add_failed(&browser);
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed/off", "x=1");
	assert_int_equal(browser.status, 303);
	assert_int_equal(stored(world, "failed", &automation), 1);
	assert_false(automation.is_enabled);
	automation_release(&automation);
	look(&browser, "/automations/failed", 200);
	assert_page(&browser, "Switch it on");
	post(&browser, "/automations/failed/on", "x=1");
	assert_int_equal(stored(world, "failed", &automation), 1);
	assert_true(automation.is_enabled);
	automation_release(&automation);
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed/explode", "x=1");
	assert_int_equal(browser.status, 404);
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed/remove", "x=1");
	assert_string_equal(browser.location, "/automations");
	assert_int_equal(stored(world, "failed", &automation), 0);
	automation_release(&automation);
	close_browser(&browser);
}

static void
test_try(void **state)
{
	struct world *world = *state;
	struct browser browser = begin(world);
	struct store_txn *txn;
	json_t *doc;

	add_failed(&browser);
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed/try", "x=1");
	look(&browser, "/automations/failed", 200);
	assert_page(&browser, "is being tried: 0 events and objects so far");
	doc = json_pack("{s:s, s:i, s:i, s:[{s:s, s:s, s:s}]}", "state", "done", "days", 90, "n",
	    14, "fired", "id", "a", "title", "Call <script>alert(1)</script>", "at",
	    "2026-11-01T00:00:00Z");
	txn = store_begin(world->site.store);
	automation_trial_put(txn, "failed", doc);
	crm_commit(&txn);
	look(&browser, "/automations/failed", 200);
	assert_page(&browser, "would have fired 14 times in 90 days");
	assert_page(&browser, "Call &lt;script&gt;alert(1)&lt;/script&gt;");
	assert_page(&browser, "No sync of pay writes what automations make");
	look(&browser, "/automations/failed/status.json", 200);
	assert_page(&browser, "\"trial.text\":\"would have fired 14 times in 90 days\"");
	json_decref(doc);
	close_browser(&browser);
}

static void
test_edit(void **state)
{
	struct world *world = *state;
	struct browser browser = begin(world);
	struct automation automation;

	add_failed(&browser);
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed",
	    "rule=%7B%22code%22%3A%22failed%22%2C%22nonsense%22%3A1%7D");
	assert_int_equal(browser.status, 400);
	assert_page(&browser, "role=\"alert\">/nonsense: there is no such member");
	post(&browser, "/automations/failed", "rule=%3Cb%3E");
	assert_int_equal(browser.status, 400);
	assert_page(&browser, ">&lt;b&gt;</textarea>");
	post(&browser, "/automations/failed", "rule=%7B%22code%22%3A%22other%22%7D");
	assert_page(&browser, "The code must stay");
	post(&browser, "/automations/failed",
	    "rule=%7B%22code%22%3A%22failed%22%2C%22preset%22%3A%22disputes%22%2C%22from%22%3A%22pay%22%7D");
	assert_int_equal(browser.status, 303);
	assert_int_equal(stored(world, "failed", &automation), 1);
	assert_string_equal(bh_json_str(automation.rule, "on"), "dispute");
	assert_true(automation.is_enabled);
	automation_release(&automation);
	close_browser(&browser);
}

static void
add_tally(struct world *world, struct automation_tally by)
{
	struct store_txn *txn = store_begin(world->site.store);

	assert_int_equal(automation_tally_add(txn, "failed", &by, NULL), 0);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
}

/* The list tells what is open, and when something was opened last; of what is made once how often. */
static void
test_tally(void **state)
{
	struct world *world = *state;
	struct browser browser = begin(world);

	add_failed(&browser);
	look(&browser, "/automations", 200);
	assert_page(&browser, "<td>0 open</td><td><span class=\"faint\">never</span></td>");
	add_tally(world, (struct automation_tally){1204, 1210, bh_now_ms() - 7200000});
	add_tally(world, (struct automation_tally){-3, 0, 0});
	look(&browser, "/automations", 200);
	assert_page(&browser, "<td>1,201 open</td><td><time datetime=");
	assert_page(&browser, ">2 h ago</time>");
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed",
	    "rule=%7B%22code%22%3A%22failed%22%2C%22preset%22%3A%22large-refunds%22%2C%22from%22%3A%22pay%22%7D");
	assert_int_equal(browser.status, 303);
	look(&browser, "/automations", 200);
	assert_page(&browser, "<td>1,210 made</td>");
	/* Removed and made again it goes on, as what it decided stays. */
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed/remove", "x=1");
	add_failed(&browser);
	look(&browser, "/automations", 200);
	assert_page(&browser, "<td>1,201 open</td>");
	close_browser(&browser);
}

static void
test_roles(void **state)
{
	struct world *world = *state;
	struct browser browser = begin(world);
	struct automation automation;

	add_failed(&browser);
	sign_in(&browser, "oda");
	look(&browser, "/automations/failed", 200);
	lacks(&browser, "Save the rule");
	lacks(&browser, "Switch it");
	post(&browser, "/automations/failed/try", "x=1");
	assert_int_equal(browser.status, 303);
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed/off", "x=1");
	assert_int_equal(browser.status, 403);
	look(&browser, "/automations/failed", 200);
	post(&browser, "/automations/failed", "rule=1");
	assert_int_equal(browser.status, 403);
	sign_in(&browser, "vic");
	look(&browser, "/automations", 200);
	lacks(&browser, "Add one");
	post(&browser, "/automations/failed/try", "x=1");
	assert_int_equal(browser.status, 403);
	assert_int_equal(stored(world, "failed", &automation), 1);
	assert_true(automation.is_enabled);
	automation_release(&automation);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_add),
	    TEST(test_refused),
	    TEST(test_switch),
	    TEST(test_try),
	    TEST(test_edit),
	    TEST(test_tally),
	    TEST(test_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
