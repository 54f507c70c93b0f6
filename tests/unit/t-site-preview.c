/* web/page_preview, preview_facts, preview_record: the preview of a sync in the browser. */
#include "base/clock.h"
#include "preview-unit.h"

#define PAGE "/syncs/eu-sf/preview"

static void
set_up(struct world *world)
{
	connect((struct connection_case){.world = world,
	    .code = "eu",
	    .driver = "stripe",
	    .name = "Money <b>",
	    .is_source = true});
	crm_put(world, "The \"CRM\" <script>", NULL);
	crm_put_sync(world);
	crm_put_customer(world, "cus_1", "Acme <script>alert(3)</script>", (struct link){0});
}

static struct browser
open_page(struct world *world, const char *user)
{
	set_up(world);
	return open_at(world, user, PAGE);
}

/* What stands at the top, here and on the sync's page, where a side is not for the other's data. */
static void
test_clash(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "vic");

	lacks(&browser, "Test data");
	connect((struct connection_case){.world = world,
	    .code = "eu",
	    .driver = "stripe",
	    .name = "Money <b>",
	    .environment = "test",
	    .is_source = true});
	look(&browser, PAGE, 200);
	lacks(&browser, "Test data");
	crm_put_errand(world, ERRAND_PROBE, "{\"mode\": \"live\", \"is_production\": true}", NULL,
	    bh_now_ms());
	look(&browser, PAGE, 200);
	assert_page(&browser,
	    "Test data would go into production: Money &lt;b&gt; is in test mode, and The &quot;CRM&quot; &lt;script&gt; is a production account.");
	look(&browser, "/syncs/eu-sf", 200);
	assert_page(&browser,
	    "Test data would go into production: Money &lt;b&gt; is in test mode");
	close_browser(&browser);
}

static struct preview
preview_of(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct preview preview = PREVIEW_INIT;

	assert_true(preview_load(txn, "eu-sf", &preview, NULL) >= 0);
	store_free(&txn);
	return preview;
}

static enum preview_state
state_of(struct world *world)
{
	struct preview preview = preview_of(world);
	enum preview_state state = preview.state;

	preview_release(&preview);
	return state;
}

static bool
is_seen(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	int rc = preview_is_seen(txn, "eu-sf", NULL, NULL);

	assert_true(rc >= 0);
	store_free(&txn);
	return rc > 0;
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
test_begin_stop_go_on(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "oda");

	bh_clock_set(bh_now_ms()); /* words for what is left stand still */
	assert_page(&browser, "Nothing has been looked at yet.");
	assert_page(&browser, "Look at all records</button>");
	press(&browser, "stop", "x=1", 409);
	assert_page(&browser, "It does not run.");
	press(&browser, "begin", "x=1", 303);
	assert_string_equal(browser.location, PAGE);
	assert_int_equal(state_of(world), PREVIEW_RUNNING);
	look(&browser, PAGE, 200);
	assert_page(&browser, "It begins");
	preview_put(world, "eu-sf", PREVIEW_RUNNING, "");
	look(&browser, PAGE, 200);
	assert_page(&browser, "1,210 of 5,000 looked at, 121 a second, over in 31 s. 17 API calls");
	assert_page(&browser, "<progress max=\"100\" value=\"24\"");
	look(&browser, PAGE "/status.json", 200);
	assert_page(&browser, "\"preview.percent\":\"24\"");
	assert_page(&browser, "\"newest\":\"1-1-0-0\"");
	press(&browser, "stop", "x=1", 303);
	assert_int_equal(state_of(world), PREVIEW_STOPPED);
	press(&browser, "go-on", "x=1", 303);
	assert_int_equal(state_of(world), PREVIEW_RUNNING);
	preview_put(world, "eu-sf", PREVIEW_RUNNING, "850 of 1000 API calls <are> used");
	look(&browser, PAGE, 200);
	assert_page(&browser,
	    "It waits: 850 of 1000 API calls &lt;are&gt; used. It goes on in 5 min.");
	press(&browser, "explode", "x=1", 404);
	close_browser(&browser);
	bh_clock_set(0);
}

static void
test_totals_and_samples(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "vic");

	preview_put(world, "eu-sf", PREVIEW_DONE, "");
	preview_put_samples(world, "eu-sf");
	look(&browser, PAGE, 200);
	assert_page(&browser, ">1,204<");
	assert_page(&browser, "3 × account, by Email &lt;b&gt;");
	assert_page(&browser, ">Needs a choice</th>");
	assert_page(&browser, "of each credit note");
	lacks(&browser, ">No match</th>");
	look(&browser, PAGE "?object=account&verdict=adopt", 200);
	assert_page(&browser, "&lt;script&gt;alert(1)&lt;/script&gt;");
	assert_page(&browser, "001&quot;X");
	assert_page(&browser, "acct_1/cus_1");
	lacks(&browser, "<script>alert");
	look(&browser, PAGE "?object=account&verdict=create", 200);
	assert_page(&browser, "There is none.");
	look(&browser, PAGE "?object=none&verdict=%3Cb%3E", 200);
	lacks(&browser, "There is none.");
	/* The sample's fields as they were. */
	look(&browser, PAGE "?object=account&verdict=adopt&kind=customer&account=acct_1&id=cus_1",
	    200);
	assert_page(&browser, "As it was when all records were looked at.");
	assert_page(&browser, "&lt;u&gt;Old");
	assert_page(&browser, "Account &lt;Name&gt;");
	assert_page(&browser, "a person changed it: stays");
	assert_page(&browser, "billing says: ours");
	lacks(&browser, "<script>alert");
	close_browser(&browser);
}

static void
test_one_record(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "oda");
	struct store_txn *txn;
	json_t *ask;

	assert_page(&browser, "Acme &lt;script&gt;");
	press(&browser, "look", "kind=customer&account=&id=", 409);
	assert_page(&browser, "Enter the id of an object");
	press(&browser, "look", "kind=event&account=&id=1", 409);
	press(&browser, "look", "kind=customer&account=&id=cus_7%26%3C", 303);
	assert_string_equal(browser.location, PAGE "?kind=customer&account=&id=cus_7%26%3C#record");
	txn = store_begin(world->site.store);
	assert_int_equal(preview_asked(txn, "eu-sf", &ask, NULL), 1);
	store_free(&txn);
	assert_true(bh_is_json_true(ask, "open"));
	json_decref(ask);
	look(&browser, PAGE "?kind=customer&account=&id=cus_7%26%3C", 200);
	assert_page(&browser, "Looking at customer cus_7&amp;&lt;");
	preview_put_answer(world, "eu-sf", "There is no <customer>.", "");
	look(&browser, PAGE "?kind=customer&id=cus_7", 200);
	assert_page(&browser, "There is no &lt;customer&gt;.");
	preview_put_answer(world, "eu-sf", "",
	    PREVIEW_DOCUMENT("choice",
		"\"unread\": \"not <now>\", \"candidates\": [{\"remote_id\": \"001B\", \"name\": \"<s>Beta\"}],"));
	look(&browser, PAGE "?kind=customer&id=cus_7", 200);
	assert_page(&browser, "before a person has chosen");
	assert_page(&browser, "not &lt;now&gt;");
	assert_page(&browser, "&lt;s&gt;Beta");
	lacks(&browser, "<script>alert");
	/* Another one was not looked at. */
	look(&browser, PAGE "?kind=customer&id=cus_8", 200);
	assert_page(&browser, "Look at customer cus_8</button>");
	close_browser(&browser);
}

/* A start asks for a preview that somebody who may act has seen, of what would be started. */
static void
test_seen(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "vic");
	struct store_txn *txn;
	json_t *mapping;

	preview_put(world, "eu-sf", PREVIEW_RUNNING, "");
	look(&browser, PAGE, 200);
	preview_put(world, "eu-sf", PREVIEW_DONE, "");
	look(&browser, PAGE, 200);
	assert_false(is_seen(world));
	close_browser(&browser);
	browser = open_at(world, "oda", PAGE);
	assert_true(is_seen(world));
	look(&browser, PAGE, 200);
	lacks(&browser, "what stands here is old");
	mapping = preview_json("{\"objects\": []}");
	txn = store_begin(world->site.store);
	draft_save(txn, "eu-sf", mapping, "0", "oda", bh_now_ms());
	crm_commit(&txn);
	json_decref(mapping);
	look(&browser, PAGE, 200);
	assert_page(&browser, "what stands here is old");
	assert_page(&browser, "The draft of the mapping</a>");
	assert_page(&browser, "The mapping makes no records yet.");
	assert_true(is_seen(world)); /* what is stored is what was seen */
	preview_put(world, "eu-sf", PREVIEW_FAILED, "the CRM is down");
	look(&browser, PAGE, 200);
	assert_page(&browser, "the CRM is down");
	assert_page(&browser, "Go on where it stood</button>");
	close_browser(&browser);
}

static void
test_roles(void **state)
{
	static const char *const actions[] = {"begin", "stop", "go-on", "look"};
	struct world *world = *state;
	struct browser browser = open_page(world, "vic");

	for (size_t i = 0; i < BH_LEN(actions); i++)
		press(&browser, actions[i], "kind=customer&account=&id=cus_1", 403);
	assert_int_equal(state_of(world), PREVIEW_NONE);
	look(&browser, PAGE, 200);
	lacks(&browser, "Look at all records");
	look(&browser, "/syncs/none/preview", 404);
	look(&browser, "/syncs/none/preview/status.json", 404);
	close_browser(&browser);
	browser = open_at(world, "ada", PAGE);
	post(&browser, "/syncs/none/preview/begin", "x=1");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
	browser = open_browser(world);
	look(&browser, PAGE, 303);
	look(&browser, PAGE "/status.json", 401);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_clash),
	    TEST(test_begin_stop_go_on),
	    TEST(test_totals_and_samples),
	    TEST(test_one_record),
	    TEST(test_seen),
	    TEST(test_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
