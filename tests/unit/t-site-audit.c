/* web/page_sync_audit, sync_audit_facts: the audit of a sync in the browser. */
#include "audit-unit.h"
#include "base/clock.h"

#define PAGE "/syncs/eu-sf/audit"

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

static enum audit_state
state_of(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct audit audit = AUDIT_INIT;
	enum audit_state state;

	assert_true(audit_load(txn, "eu-sf", &audit, NULL) >= 0);
	store_free(&txn);
	state = audit.state;
	audit_release(&audit);
	return state;
}

static bool
is_link_dirty(struct world *world, const char *id)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct link_dirty_list list = {0};
	bool found = false;

	assert_true(link_dirty(txn, "sf", 100, &list, NULL) >= 0);
	for (size_t i = 0; i < list.n; i++)
		found |= strcmp(list.items[i].id.id, id) == 0;
	link_dirty_release(&list);
	store_free(&txn);
	return found;
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
	assert_page(&browser, "Nothing has been compared yet.");
	assert_page(&browser, "Compare all records</button>");
	assert_page(&browser, "None begins by itself.");
	assert_page(&browser, "None is known.");
	press(&browser, "stop", "x=1", 409);
	assert_page(&browser, "It does not run.");
	press(&browser, "begin", "x=1", 303);
	assert_string_equal(browser.location, PAGE);
	assert_int_equal(state_of(world), AUDIT_RUNNING);
	look(&browser, PAGE, 200);
	assert_page(&browser, "It begins");
	audit_put(world, "eu-sf", AUDIT_RUNNING, 7, "");
	look(&browser, PAGE, 200);
	assert_page(&browser,
	    "1,210 of about 5,000 looked at, 1,204 compared: 2 differ, 1 is gone. 17 API calls");
	assert_page(&browser, "<progress max=\"100\" value=\"24\"");
	assert_page(&browser, "every 7 days.");
	assert_page(&browser, "href=\"/syncs/eu-sf#settings\"");
	look(&browser, PAGE "/status.json", 200);
	assert_page(&browser, "\"audit.percent\":\"24\"");
	assert_page(&browser, "\"newest\":\"1-1-1\"");
	press(&browser, "stop", "x=1", 303);
	assert_int_equal(state_of(world), AUDIT_STOPPED);
	press(&browser, "go-on", "x=1", 303);
	assert_int_equal(state_of(world), AUDIT_RUNNING);
	audit_put(world, "eu-sf", AUDIT_RUNNING, 1, "850 of 1000 API calls <are> used");
	look(&browser, PAGE, 200);
	assert_page(&browser,
	    "It waits: 850 of 1000 API calls &lt;are&gt; used. It goes on in 5 min.");
	assert_page(&browser, "every day.");
	press(&browser, "explode", "x=1", 404);
	close_browser(&browser);
	bh_clock_set(0);
}

static void
test_differences(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "vic");

	audit_put(world, "eu-sf", AUDIT_DONE, 0, "");
	audit_put_rows(world, "eu-sf");
	look(&browser, PAGE, 200);
	assert_page(&browser, "Account &lt;b&gt;");
	assert_page(&browser, "Total&lt;i&gt;</code> 2");
	assert_page(&browser, "1,030.50 USD");
	assert_page(&browser, "7 JPY");
	assert_page(&browser,
	    "1,003 found. The first 1,000 are kept: mend these, then audit again for the rest.");
	assert_page(&browser, "&lt;script&gt;alert(1)&lt;/script&gt;");
	assert_page(&browser, "001&quot;X");
	assert_page(&browser, "acct_1/cus_0");
	assert_page(&browser, "The record is gone: deleted");
	assert_page(&browser, "given to the push");
	assert_page(&browser, "cus_49<");
	lacks(&browser, "cus_50<");
	lacks(&browser, "<script>alert");
	lacks(&browser, ">Mend<");
	lacks(&browser, "Mend all");
	assert_page(&browser, "href=\"" PAGE "?from=50#rows\"");
	look(&browser, PAGE "?from=50", 200);
	assert_page(&browser, "cus_50<");
	assert_page(&browser, "cus_59<");
	lacks(&browser, "cus_49<");
	lacks(&browser, ">More<");
	assert_page(&browser, ">The first<");
	look(&browser, PAGE "?from=%3Cb%3E", 200);
	assert_page(&browser, "cus_0<");
	look(&browser, PAGE "?from=9223372036854775807", 200);
	assert_page(&browser, "None is known");
	close_browser(&browser);
}

static void
test_file(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "vic");

	audit_put(world, "eu-sf", AUDIT_DONE, 0, "");
	audit_put_rows(world, "eu-sf");
	look(&browser, PAGE ".csv", 200);
	assert_int_equal(strncmp(browser.body, "Object,Account,Id,CRM object,CRM id,Field,", 42),
	    0);
	assert_page(&browser, "\r\naccount,acct_1,cus_0,");
	assert_page(&browser, ",'=1,USD,");
	look(&browser, "/syncs/none/audit.csv", 404);
	close_browser(&browser);
}

static void
test_repair(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "oda");
	struct link clean = {.state = LINK_CLEAN, .remote_id = "001\"X"};

	audit_put(world, "eu-sf", AUDIT_DONE, 0, "");
	audit_put_rows(world, "eu-sf");
	crm_put_customer(world, "cus_3", "Third", clean);
	crm_put_customer(world, "cus_4", "Fourth", clean);
	look(&browser, PAGE, 200);
	assert_page(&browser, "Mend all</button>");
	press(&browser, "repair", "object=account&account=&id=cus_3", 303);
	assert_string_equal(browser.location, PAGE "?given=1");
	assert_true(is_link_dirty(world, "cus_3"));
	assert_false(is_link_dirty(world, "cus_4"));
	look(&browser, PAGE "?given=1", 200);
	assert_page(&browser, "1 record was given to the push.");
	lacks(&browser, "value=\"cus_3\"");
	assert_page(&browser, "value=\"cus_4\"");
	press(&browser, "repair", "object=account&account=&id=cus_3", 303);
	look(&browser, PAGE "?given=0", 200);
	assert_page(&browser, "Nothing was left to be mended.");
	/* Those without a link any more are nobody's. */
	press(&browser, "repair", "x=1", 303);
	assert_string_equal(browser.location, PAGE "?given=1");
	assert_true(is_link_dirty(world, "cus_4"));
	look(&browser, PAGE, 200);
	lacks(&browser, "value=\"cus_");
	close_browser(&browser);
}

/* Every sync has it, whatever its mapping names. */
static void
test_setting(void **state)
{
	struct world *world = *state;
	struct browser browser = open_page(world, "ada");

	look(&browser, "/syncs/eu-sf", 200);
	assert_page(&browser, "name=\"set.audit_days\"");
	assert_page(&browser, "href=\"/syncs/eu-sf/audit\"");
	send(&browser, "/syncs/eu-sf", "set.audit_days=7", 303);
	look(&browser, PAGE, 200);
	assert_page(&browser, "every 7 days.");
	send(&browser, "/syncs/eu-sf", "set.audit_days=0", 303);
	look(&browser, PAGE, 200);
	assert_page(&browser, "None begins by itself.");
	send(&browser, "/syncs/eu-sf", "set.audit_days=x", 400);
	close_browser(&browser);
}

static void
test_roles(void **state)
{
	static const char *const actions[] = {"begin", "stop", "go-on", "repair"};
	struct world *world = *state;
	struct browser browser = open_page(world, "vic");

	audit_put(world, "eu-sf", AUDIT_STOPPED, 0, "");
	for (size_t i = 0; i < BH_LEN(actions); i++)
		press(&browser, actions[i], "object=account&account=&id=cus_1", 403);
	assert_int_equal(state_of(world), AUDIT_STOPPED);
	look(&browser, PAGE, 200);
	lacks(&browser, "<button type=\"submit\" form=");
	look(&browser, "/syncs/none/audit", 404);
	look(&browser, "/syncs/none/audit/status.json", 404);
	close_browser(&browser);
	browser = open_at(world, "ada", PAGE);
	post(&browser, "/syncs/none/audit/begin", "x=1");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
	browser = open_browser(world);
	look(&browser, PAGE, 303);
	look(&browser, PAGE ".csv", 303);
	look(&browser, PAGE "/status.json", 401);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_begin_stop_go_on),
	    TEST(test_differences),
	    TEST(test_file),
	    TEST(test_repair),
	    TEST(test_setting),
	    TEST(test_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
