/* web/page_sync_undo, sync_undo_facts: putting back in the browser. */
#include "base/clock.h"
#include "undo-unit.h"

#define PAGE "/syncs/eu-sf/undo"

static struct browser
open_page(struct world *world, const char *user)
{
	connect((struct connection_case){.world = world,
	    .code = "eu",
	    .driver = "stripe",
	    .name = "Money <b>",
	    .is_source = true});
	crm_put(world, "The \"CRM\" <script>", NULL);
	crm_put_sync(world);
	return open_at(world, user, PAGE);
}

static struct revert
state_of(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct revert revert = REVERT_INIT;

	assert_true(revert_load(txn, "eu-sf", &revert, NULL) >= 0);
	store_free(&txn);
	return revert;
}

static void
press(struct browser *browser, const char *action, const char *fields, int status)
{
	char uri[100];

	snprintf(uri, sizeof(uri), PAGE "/%s", action);
	look(browser, PAGE, 200);
	post(browser, uri, fields);
	check_answer(browser, uri, status);
}

static void
test_what_is_meant(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "oda");
	struct link_id id = {"sf", 0, "eu-sf", "account", "", "cus_1"};
	struct revert revert;

	assert_page(&browser, "Nothing was written since it is kept.");
	assert_page(&browser, "is kept for 30 days.");
	press(&browser, "look", "run=7", 409);
	assert_page(&browser, "Nothing is kept of run 7.");
	press(&browser, "look", "since=", 409);
	assert_page(&browser, "Say since when.");
	press(&browser, "look", "since=yesterday", 409);
	assert_page(&browser, "That is no time");
	press(&browser, "look", "since=2026-01-01T00:00", 409);
	assert_page(&browser, "Nothing is kept that was written in that time.");
	press(&browser, "look", "object=account&account=&id=cus_1", 409);
	assert_page(&browser, "Nothing is kept that was written to this record.");
	press(&browser, "explode", "x=1", 404);

	undo_put_runs(world, "eu-sf");
	undo_put_record(world, &id, false);
	press(&browser, "look", "run=58&remove=1", 303);
	assert_string_equal(browser.location, PAGE);
	revert = state_of(world);
	assert_int_equal(revert.state, REVERT_LOOKING);
	assert_int_equal(revert.what.run, 58);
	assert_true(revert.what.removes);
	assert_string_equal(revert.by, "oda");
	press(&browser, "look", "run=57", 409);
	assert_page(&browser, "stop that first");
	press(&browser, "stop", "x=1", 303);
	press(&browser, "stop", "x=1", 409);
	press(&browser, "go-on", "x=1", 303);
	press(&browser, "stop", "x=1", 303);
	press(&browser, "look", "object=account&account=&id=cus_1", 303);
	revert = state_of(world);
	assert_string_equal(revert.what.object, "account");
	assert_string_equal(revert.what.id, "cus_1");
	press(&browser, "stop", "x=1", 303);
	press(&browser, "look", "since=2026-01-01T00:00&until=", 303);
	revert = state_of(world);
	assert_int_equal(revert.what.run, 0);
	assert_int_equal(revert.what.from_ms, INT64_C(1767225600000));
	close_browser(&browser);
}

static void
test_shown_before_it_is_done(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "oda");
	struct revert revert;

	bh_clock_set(bh_now_ms());
	undo_put_rows(world, "eu-sf");
	undo_put_state(world, "eu-sf", REVERT_LOOKING, 2, "", false, "850 <of> 1000");
	look(&browser, PAGE, 200);
	assert_page(&browser, "Run 2");
	assert_page(&browser, "850 &lt;of&gt; 1000. It goes on in 5 min.");
	assert_page(&browser, "<progress max=\"100\" value=\"50\"");
	lacks(&browser, "Put it back");
	undo_put_state(world, "eu-sf", REVERT_LOOKED, 2, "", false, "");
	look(&browser, PAGE, 200);
	assert_page(&browser, "Ready: nothing is written yet");
	assert_page(&browser, "<b>4,990</b> records get values back");
	assert_page(&browser, "<b>7</b> fields are left: somebody changed them since");
	assert_page(&browser, "<b>14</b> records were made by Billhook; they stay");
	assert_page(&browser, "Put it back: 4,990 records</button>");
	assert_page(&browser, "&lt;script&gt;alert(1)&lt;/script&gt;");
	assert_page(&browser, "001&quot;X");
	assert_page(&browser, "href=\"" PAGE "?from=50#rows\"");
	look(&browser, PAGE "/status.json", 200);
	assert_page(&browser, "\"undo.percent\":\"100\"");
	press(&browser, "do", "turn=2", 409);
	assert_page(&browser, "look at it once more");
	press(&browser, "do", "turn=3", 303);
	revert = state_of(world);
	assert_int_equal(revert.state, REVERT_DOING);
	undo_put_state(world, "eu-sf", REVERT_DONE, 2, "", false, "");
	look(&browser, PAGE, 200);
	assert_page(&browser, "<b>4,990</b> records got values back");
	assert_page(&browser, "<b>1</b> records were refused");

	/* Where records are removed the code is typed. */
	undo_put_state(world, "eu-sf", REVERT_LOOKED, 2, "", true, "");
	press(&browser, "do", "turn=3&confirm=no", 409);
	assert_page(&browser, "type the code of the sync");
	assert_int_equal(state_of(world).state, REVERT_LOOKED);
	press(&browser, "do", "turn=3&confirm=eu-sf", 303);
	close_browser(&browser);
	bh_clock_set(0);
}

static void
test_runs(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "oda");

	undo_put_runs(world, "eu-sf");
	look(&browser, PAGE, 200);
	assert_page(&browser, "<th scope=\"row\">60</th>");
	assert_page(&browser, "put back of run 2 by eve &lt;b&gt;");
	assert_page(&browser, "href=\"" PAGE "?before=36#runs\"");
	look(&browser, PAGE "?before=36", 200);
	assert_page(&browser, "<th scope=\"row\">35</th>");
	lacks(&browser, "<th scope=\"row\">36</th>");
	look(&browser, PAGE "?before=-1&from=x", 200);
	press(&browser, "release", "run=58", 409);
	assert_page(&browser, "Run 58 put nothing back.");
	close_browser(&browser);
}

static void
test_viewers_only_see(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "vic");

	undo_put_runs(world, "eu-sf");
	undo_put_rows(world, "eu-sf");
	undo_put_state(world, "eu-sf", REVERT_LOOKED, 0, "account", false, "");
	look(&browser, PAGE, 200);
	assert_page(&browser, "account cus_&lt;1&gt;");
	lacks(&browser, "<form method=\"post\" action=\"" PAGE);
	press(&browser, "do", "turn=3", 403);
	assert_int_equal(state_of(world).state, REVERT_LOOKED);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_what_is_meant),
	    TEST(test_shown_before_it_is_done),
	    TEST(test_runs),
	    TEST(test_viewers_only_see),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
