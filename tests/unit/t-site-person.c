/* web/page_person.c: who may look for a person, fetch what was found, and have it erased; what is told and noted. */
#include "crm-unit.h"
#include "state/queue.h"

static struct inquiry
stored(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct inquiry inquiry;

	assert_int_equal(inquiry_get(txn, &inquiry, NULL), 0);
	inquiry_release(&inquiry);
	store_free(&txn);
	return inquiry;
}

/* The newest entry of what people did. */
static void
assert_noted(struct world *world, const char *text)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct trail_query all = {.by = NULL};
	const json_t *entry;
	json_t *entries;
	bool more;

	assert_int_equal(trail_audit(txn, &all, 10, 1, &after, &entries, &more, NULL), 0);
	entry = json_array_get(entries, 0);
	assert_string_equal(bh_json_str(entry, "by"), "ada");
	assert_string_equal(bh_json_str(entry, "text"), text);
	assert_string_equal(bh_json_str(entry, "subject"), "person");
	json_decref(entries);
	bh_buf_release(&after);
	store_free(&txn);
}

static void
test_only_administrators(void **state)
{
	static const struct {
		const char *path, *form;
	} buttons[] = {{"/settings/person/look", "who=cus_1"},
	    {"/settings/person/fetch", "password=correct+horse"},
	    {"/settings/person/erase", "password=correct+horse&confirm=erase&asked=7"},
	    {"/settings/person/forget", "x=1"}};
	static const char *const pages[] = {"/settings/person", "/settings/person/erase",
	    "/settings/person/status.json"};
	struct world *world = *state;
	struct browser browser = open_at(world, "oda", "/settings");
	char dir[32];

	lacks(&browser, "/settings/person");
	put_backup(world, dir, false);
	put_inquiry(world, INQUIRY_LOOKED, dir);
	for (size_t i = 0; i < BH_LEN(buttons); i++) {
		ask(&browser, "GET", "/settings", NULL);
		post(&browser, buttons[i].path, buttons[i].form);
		assert_int_equal(browser.status, 403);
		assert_string_equal(browser.download, "");
	}
	for (size_t i = 0; i < BH_LEN(pages); i++) {
		ask(&browser, "GET", pages[i], NULL);
		assert_int_equal(browser.status, 403);
		lacks(&browser, "ada@person.example");
	}
	assert_int_equal(stored(world).state, INQUIRY_LOOKED);
	drop_inquiry(dir);
	drop_backup(dir);
	close_browser(&browser);
}

static void
test_looked_for(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings/person");

	assert_page(&browser, "Nobody is looked for at the moment.");
	post(&browser, "/settings/person/look", "who=++");
	check_answer(&browser, "nobody", 400);
	assert_page(&browser, "Please fill in: Id or e-mail address of a customer.");
	post(&browser, "/settings/person/look", "who=+ada%40person.example+&connection=eu");
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/settings/person");
	assert_int_equal(stored(world).state, INQUIRY_ASKED);
	assert_string_equal(stored(world).who, "ada@person.example");
	assert_string_equal(stored(world).connection, "eu");
	assert_noted(world, "what is kept about a person was looked for, in the browser by ada");
	look(&browser, "/settings/person", 200);
	assert_page(&browser, "It is looked for in a moment.");
	lacks(&browser, "Look for it</button>");
	ask(&browser, "GET", "/settings/person/status.json", NULL);
	assert_page(&browser, "\"person.state\":\"busy\"");
	/* One at a time. */
	look(&browser, "/settings", 200);
	post(&browser, "/settings/person/look", "who=cus_2");
	assert_string_equal(browser.location, "/settings/person?done=busy");
	assert_string_equal(stored(world).who, "ada@person.example");
	look(&browser, "/settings", 200);
	post(&browser, "/settings/person/what", "x=1");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
}

static void
test_fetched(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char dir[32];

	put_backup(world, dir, false);
	put_inquiry(world, INQUIRY_LOOKED, dir);
	browser = open_at(world, "ada", "/settings/person");
	assert_page(&browser, "ada@person.example");
	assert_page(&browser, "1,204");
	assert_page(&browser, "001&lt;x&gt;");
	assert_page(&browser, "And 4 more");
	assert_page(&browser, "<code>db.before-1</code>: remove it");
	post(&browser, "/settings/person/fetch", "password=");
	check_answer(&browser, "no password", 400);
	unit_log_expected(true);
	post(&browser, "/settings/person/fetch", "password=wrong");
	unit_log_expected(false);
	check_answer(&browser, "wrong", 400);
	assert_page(&browser, "That is not your password.");
	assert_string_equal(browser.download, "");
	post(&browser, "/settings/person/fetch", "password=correct+horse");
	assert_int_equal(browser.status, 200);
	assert_string_equal(browser.download, INQUIRY_FILE);
	assert_string_equal(browser.body, "{\"asked\": 1}\n");
	assert_noted(world, "what is kept about a person was fetched, in the browser by ada");
	assert_true(stored(world).until_ms <= bh_now_ms() + INQUIRY_FETCHED_MS);
	look(&browser, "/settings/person", 200);
	post(&browser, "/settings/person/forget", "x=1");
	assert_string_equal(browser.location, "/settings/person?done=forgotten");
	assert_true(stored(world).until_ms <= bh_now_ms());
	drop_inquiry(dir);
	/* Without the file there is nothing to fetch. */
	look(&browser, "/settings/person", 200);
	lacks(&browser, "Export</button>");
	post(&browser, "/settings/person/fetch", "password=correct+horse");
	assert_int_equal(browser.status, 404);
	drop_backup(dir);
	close_browser(&browser);
}

static void
test_erased(void **state)
{
	static const struct {
		const char *form, *says;
	} wrong[] = {{"password=&confirm=erase&asked=7", "Please fill in: Your password."},
	    {"password=correct+horse&confirm=&asked=7", "Please fill in: Type erase to confirm."},
	    {"password=correct+horse&confirm=yes&asked=7", "Type erase to confirm."},
	    {"password=wrong&confirm=erase&asked=7", "That is not your password."}};
	struct world *world = *state;
	struct browser browser;

	put_inquiry(world, INQUIRY_LOOKED, NULL);
	browser = open_at(world, "ada", "/settings/person/erase");
	assert_page(&browser, "This cannot be undone.");
	assert_page(&browser, "ada@person.example");
	unit_log_expected(true);
	for (size_t i = 0; i < BH_LEN(wrong); i++) {
		post(&browser, "/settings/person/erase", wrong[i].form);
		check_answer(&browser, wrong[i].form, 400);
		assert_page(&browser, wrong[i].says);
		assert_int_equal(stored(world).state, INQUIRY_LOOKED);
	}
	unit_log_expected(false);
	/* What was looked at is what is erased. */
	post(&browser, "/settings/person/erase", "password=correct+horse&confirm=erase&asked=6");
	assert_string_equal(browser.location, "/settings/person?done=stale");
	assert_int_equal(stored(world).state, INQUIRY_LOOKED);
	look(&browser, "/settings/person/erase", 200);
	post(&browser, "/settings/person/erase", "password=correct+horse&confirm=erase&asked=7");
	assert_string_equal(browser.location, "/settings/person");
	assert_int_equal(stored(world).state, INQUIRY_TOLD);
	assert_noted(world, "erasing a person was asked for, in the browser by ada");
	ask(&browser, "GET", "/settings/person/erase", NULL);
	assert_string_equal(browser.location, "/settings/person?done=stale");
	close_browser(&browser);
}

static void
test_told(void **state)
{
	struct world *world = *state;
	struct browser browser;

	put_inquiry(world, INQUIRY_ERASING, NULL);
	browser = open_at(world, "ada", "/settings/person");
	assert_page(&browser, "Erasing: 12,400 entries read, 3 erased so far.");
	put_inquiry(world, INQUIRY_ERASED, NULL);
	look(&browser, "/settings/person", 200);
	assert_page(&browser, "What was erased");
	assert_page(&browser, "001&lt;x&gt;");
	lacks(&browser, "person.example");
	put_inquiry(world, INQUIRY_FAILED, NULL);
	look(&browser, "/settings/person", 200);
	assert_page(&browser, "It did not end: No &lt;room&gt;. Look again");
	assert_page(&browser, "Look for it</button>");
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_only_administrators),
	    TEST(test_looked_for),
	    TEST(test_fetched),
	    TEST(test_erased),
	    TEST(test_told),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
