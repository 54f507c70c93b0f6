/* web/site, session, page_home, page_login: requests answered over a store in memory. */
#include "site-unit.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/schema.h"
#include "state/walk.h"

/* -- sessions -- */

static void
test_session(void **state)
{
	struct browser browser = open_browser(*state);

	ask(&browser, "GET", "/", NULL);
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/login");
	ask(&browser, "GET", "/status.json", NULL);
	assert_int_equal(browser.status, 401);
	sign_in(&browser, "ada");
	ask(&browser, "GET", "/", NULL);
	assert_int_equal(browser.status, 200);
	assert_page(&browser, "ada <small>(admin)</small>");
	/* No token, a wrong one, the right one. */
	ask(&browser, "POST", "/logout", "");
	assert_int_equal(browser.status, 403);
	ask(&browser, "POST", "/logout", "token=abcdefghijklmnopqrstuvwx");
	assert_int_equal(browser.status, 403);
	ask(&browser, "GET", "/", NULL);
	assert_int_equal(browser.status, 200);
	post(&browser, "/logout", "x=1");
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/login");
	ask(&browser, "GET", "/", NULL);
	assert_int_equal(browser.status, 303);
	close_browser(&browser);
}

/* The cookie alone does not bring a session back that was ended. */
static void
test_stolen_cookie(void **state)
{
	struct browser browser = open_browser(*state), thief = open_browser(*state);

	sign_in(&browser, "vic");
	memcpy(thief.cookies, browser.cookies, sizeof(thief.cookies));
	ask(&thief, "GET", "/", NULL);
	assert_int_equal(thief.status, 200);
	ask(&browser, "GET", "/", NULL);
	post(&browser, "/logout", "x=1");
	assert_int_equal(browser.status, 303);
	ask(&thief, "GET", "/", NULL);
	assert_int_equal(thief.status, 303);
	close_browser(&browser);
	close_browser(&thief);
}

static void
test_session_expires(void **state)
{
	struct browser browser = open_browser(*state);
	int64_t now_ms = bh_now_ms();

	bh_clock_set(now_ms);
	sign_in(&browser, "ada");
	bh_clock_set(now_ms + 3599 * 1000);
	ask(&browser, "GET", "/", NULL);
	assert_int_equal(browser.status, 200);
	bh_clock_set(now_ms + 3601 * 1000);
	ask(&browser, "GET", "/", NULL);
	assert_int_equal(browser.status, 303);
	bh_clock_set(0);
	close_browser(&browser);
}

static void
test_login_refused(void **state)
{
	static const struct {
		const char *fields;
		int status;
		const char *text;
	} cases[] = {
	    {"name=ada&password=wrong&next=/", 403, "Name or password is wrong."},
	    {"name=nobody&password=correct+horse&next=/", 403, "Name or password is wrong."},
	    {"name=&password=x", 400, "Please fill in: Name."},
	    {"name=ada&password=", 400, "Please fill in: Password."},
	    {"name=a%2Fb&password=x", 403, "Name or password is wrong."},
	};
	struct browser browser = open_browser(*state);
	char peer[32];

	unit_log_expected(true);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		snprintf(peer, sizeof(peer), "192.0.2.%zu", i);
		browser.peer = peer;
		ask(&browser, "GET", "/login", NULL);
		post(&browser, "/login", cases[i].fields);
		assert_int_equal(browser.status, cases[i].status);
		assert_page(&browser, cases[i].text);
		assert_null(strstr(browser.body, "correct"));
		assert_null(strstr(browser.cookies, "billhook="));
	}
	unit_log_expected(false);
	/* The form of another browser: its cookie is not ours. */
	ask(&browser, "GET", "/login", NULL);
	browser.cookies[0] = '\0';
	post(&browser, "/login", "name=ada&password=correct+horse");
	assert_int_equal(browser.status, 403);
	close_browser(&browser);
}

static void
test_next(void **state)
{
	static const struct {
		const char *next, *location;
	} cases[] = {{"/status.json", "/status.json"}, {"//evil.example.com/", "/"},
	    {"https://evil.example.com/", "/"}, {"/\\evil.example.com", "/"}, {"/a%0d%0ab", "/"},
	    {"", "/"}};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct browser browser = open_browser(*state);
		char *fields =
		    bh_xasprintf("name=ada&password=correct+horse&next=%s", cases[i].next);

		ask(&browser, "GET", "/login", NULL);
		post(&browser, "/login", fields);
		assert_int_equal(browser.status, 303);
		assert_string_equal(browser.location, cases[i].location);
		free(fields);
		close_browser(&browser);
	}
}

/* Five failures of a name or an address; then even the right password waits. */
static void
test_throttle(void **state)
{
	struct browser browser = open_browser(*state);
	int64_t now_ms = bh_now_ms();

	unit_log_expected(true);
	bh_clock_set(now_ms);
	for (int i = 0; i < SESSION_FAILURES; i++) {
		ask(&browser, "GET", "/login", NULL);
		post(&browser, "/login", "name=ada&password=wrong");
		assert_int_equal(browser.status, 403);
	}
	post(&browser, "/login", "name=ada&password=correct+horse");
	assert_int_equal(browser.status, 429);
	assert_string_equal(browser.retry, "900");
	assert_page(&browser, "Wait 15 minutes");
	/* Another name from the same address waits, too; another address with another name does not. */
	post(&browser, "/login", "name=vic&password=correct+horse");
	assert_int_equal(browser.status, 429);
	browser.peer = "192.0.2.99";
	post(&browser, "/login", "name=vic&password=correct+horse");
	assert_int_equal(browser.status, 303);
	bh_clock_set(now_ms + (15 * 60 + 1) * 1000);
	browser.peer = "192.0.2.1";
	ask(&browser, "GET", "/login", NULL);
	post(&browser, "/login", "name=ada&password=correct+horse");
	assert_int_equal(browser.status, 303);
	bh_clock_set(0);
	unit_log_expected(false);
	close_browser(&browser);
}

/* -- home -- */

static void
settle(struct world *world, const char *dest, const char *id, struct link link)
{
	struct link_dirty_entry entry = {.id = {dest, 1, "s", "Account", "", id}};
	struct bh_err err = BH_ERR_INIT;
	bool clear = true;

	if (link_settle(world->site.store, &entry, &link, &clear, 1, &err) < 0)
		fail_msg("%s", err.text);
}

static void
test_home_empty(void **state)
{
	struct browser browser = open_browser(*state);

	sign_in(&browser, "vic");
	ask(&browser, "GET", "/", NULL);
	assert_int_equal(browser.status, 200);
	assert_page(&browser, "Nothing is connected yet.");
	assert_page(&browser, "No CRM is connected.");
	assert_page(&browser, "Nothing has been received.");
	assert_page(&browser, "<a href=\"/connections\">Connect one.</a>");
	assert_page(&browser, "<a href=\"/\" aria-current=\"page\">");
	connect((struct connection_case){.world = *state,
	    .code = "stripe",
	    .driver = "stripe",
	    .name = "S",
	    .is_source = true});
	ask(&browser, "GET", "/", NULL);
	assert_page(&browser, "No CRM is connected yet.");
	connect((struct connection_case){.world = *state,
	    .code = "crm",
	    .driver = "hubspot",
	    .name = "H"});
	ask(&browser, "GET", "/", NULL);
	assert_page(&browser, "Connected. Nothing has come yet.");
	assert_page(&browser, "nothing yet");
	close_browser(&browser);
}

static void
test_home(void **state)
{
	struct world *world = *state;
	struct browser browser = open_browser(world);
	struct journal_entry entry = {.connection = "stripe",
	    .id = "evt_<1>",
	    .type = "customer.created",
	    .received_ms = bh_now_ms() - 90000,
	    .body = "{}",
	    .body_len = 2};
	struct link held = {.state = LINK_HELD,
	    .code = "TOO_LONG",
	    .cause = "Name <is> too long",
	    .remedy = "Shorten it",
	    .attempts = 2};
	struct bh_err err = BH_ERR_INIT;
	struct store_txn *txn = store_begin(world->site.store);
	char link_to_event[100];
	uint64_t stamp = 0;

	connect((struct connection_case){.world = world,
	    .code = "stripe",
	    .driver = "stripe",
	    .name = "Stripe \"EU\"",
	    .is_source = true,
	    .environment = "test"});
	connect((struct connection_case){.world = world,
	    .code = "crm",
	    .driver = "hubspot",
	    .name = "Sales"});
	connect((struct connection_case){.world = world,
	    .code = "old",
	    .driver = "salesforce",
	    .name = "Old",
	    .is_paused = true});
	assert_int_equal(journal_accept(world->site.store, &entry, &err), 1);
	assert_int_equal(journal_find(txn, "stripe", "evt_<1>", &stamp, &err), 1);
	store_free(&txn);
	snprintf(link_to_event, sizeof(link_to_event),
	    "<a href=\"/activity/%llu\"><code>evt_&lt;1&gt;</code></a>", (unsigned long long)stamp);
	settle(world, "crm", "c1", (struct link){.state = LINK_CLEAN});
	settle(world, "crm", "c2", (struct link){.state = LINK_CLEAN});
	sign_in(&browser, "ada");
	ask(&browser, "GET", "/", NULL);
	assert_page(&browser, "All 2 records are in step.");
	assert_null(strstr(browser.body, "What to do"));
	for (int i = 0; i < 12; i++) {
		char id[16];

		snprintf(id, sizeof(id), "h%02d", i);
		settle(world, "crm", id, held);
	}
	ask(&browser, "GET", "/", NULL);
	assert_int_equal(browser.status, 200);
	assert_page(&browser, "2 records are in step. 12 records need you.");
	assert_page(&browser, "Name &lt;is&gt; too long <small>(TOO_LONG)</small>");
	assert_page(&browser, "Shorten it");
	assert_page(&browser, "<code>h09</code>");
	assert_null(strstr(browser.body, "<code>h10</code>"));
	assert_page(&browser, "There are more");
	assert_page(&browser,
	    "<a href=\"/connections/stripe\">Stripe &quot;EU&quot;</a> <span class=\"badge\">test</span>");
	assert_page(&browser, link_to_event);
	assert_page(&browser, ">90 s ago</time>");
	assert_page(&browser, "<code class=\"url\">http://localhost:8080/hook/stripe</code>");
	assert_page(&browser, "Paused by a person.");
	assert_page(&browser, "<a href=\"/problems?crm=crm\" data-live=\"lane.crm.held\">12</a>");
	browser.host = "\"><script>";
	ask(&browser, "GET", "/", NULL);
	assert_page(&browser, "<code class=\"url\">/hook/stripe</code>");
	ask(&browser, "GET", "/status.json", NULL);
	assert_int_equal(browser.status, 200);
	assert_page(&browser, "\"lane.crm.held\":\"12\"");
	assert_page(&browser, "\"home.sentence\":\"2 records are in step. 12 records need you.\"");
	assert_page(&browser, "\"home.backlog\":\"1\"");
	close_browser(&browser);
}

static void
put_walk(struct world *world, const char *code, const char *name, struct walk walk)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_err err = BH_ERR_INIT;

	walk_save(txn, code, name, &walk);
	if (store_commit(txn, NULL, &err) < 0)
		fail_msg("%s", err.text);
	store_free(&txn);
}

/* Long work is shown while it runs, and the reason of a count is a click away. */
static void
test_home_running(void **state)
{
	struct world *world = *state;
	struct browser browser = open_browser(world);
	const struct walk running = {.state = WALK_RUNNING,
	    .phase = "invoices",
	    .phase_number = 1,
	    .phases = 2,
	    .phase_read = 500,
	    .phase_total = 1000,
	    .read = 500};
	const struct walk done = {.state = WALK_DONE};

	connect((struct connection_case){.world = world,
	    .code = "stripe",
	    .driver = "stripe",
	    .name = "<b>S",
	    .is_source = true});
	connect((struct connection_case){.world = world,
	    .code = "crm",
	    .driver = "hubspot",
	    .name = "H"});
	sign_in(&browser, "vic");
	ask(&browser, "GET", "/", NULL);
	assert_null(strstr(browser.body, "Running now"));
	assert_page(&browser, "<a href=\"/connections/crm\" data-live=\"lane.crm.excluded\">");
	put_walk(world, "stripe", WALK_BACKFILL, running);
	ask(&browser, "GET", "/", NULL);
	assert_page(&browser, "Running now");
	assert_page(&browser, "<a href=\"/connections/stripe\">Reading everything: &lt;b&gt;S</a>");
	assert_page(&browser, "value=\"25\"");
	assert_page(&browser, "Step 1 of 2, invoices: 500 of 1,000");
	assert_page(&browser, "data-newest=\"0 work.backfill.stripe\"");
	ask(&browser, "GET", "/status.json", NULL);
	assert_page(&browser, "\"work.backfill.stripe.is_on\":\"yes\"");
	assert_page(&browser, "\"work.backfill.stripe.percent\":\"25\"");
	assert_page(&browser, "\"work.install.crm.is_on\":\"\"");
	put_walk(world, "stripe", WALK_BACKFILL, done);
	ask(&browser, "GET", "/status.json", NULL);
	assert_page(&browser, "\"work.backfill.stripe.is_on\":\"\"");
	assert_page(&browser, "\"newest\":\"0\"");
	close_browser(&browser);
}

/* Every text that the page shows live is in status.json under the same key. */
static void
test_live_keys(void **state)
{
	struct world *world = *state;
	struct browser browser = open_browser(world);
	char *html;
	json_t *live;
	struct bh_err err = BH_ERR_INIT;
	size_t n = 0;

	connect((struct connection_case){.world = world,
	    .code = "stripe",
	    .driver = "stripe",
	    .name = "S",
	    .is_source = true});
	connect((struct connection_case){.world = world,
	    .code = "crm",
	    .driver = "hubspot",
	    .name = "H"});
	sign_in(&browser, "ada");
	ask(&browser, "GET", "/", NULL);
	html = bh_xstrdup(browser.body);
	ask(&browser, "GET", "/status.json", NULL);
	assert_int_equal(bh_json_parse(browser.body, strlen(browser.body), &live, &err), 0);
	for (const char *at = html; (at = strstr(at, "data-live")) != NULL; at++) {
		char key[100];

		if (sscanf(at, "data-live=\"%99[^\"]", key) != 1 &&
		    sscanf(at, "data-live-state=\"%99[^\"]", key) != 1)
			continue;
		if (json_object_get(live, key) == NULL)
			fail_msg("status.json has no %s", key);
		n++;
	}
	assert_in_range(n, 10, 100);
	free(html);
	json_decref(live);
	close_browser(&browser);
}

/* -- the store's format -- */

static void
set_format(struct world *world, const char *version)
{
	struct store_txn *txn = store_begin(world->site.store);

	store_put(txn, SCHEMA_WATCH, strlen(SCHEMA_WATCH), version, strlen(version));
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	world->site.format_until_ms = 0; /* as if the last look was long ago */
}

/* Pages of an older or newer store say so, whoever asks; style and health are served. */
static void
test_format(void **state)
{
	static const struct {
		const char *version, *page;
		int health;
	} cases[] = {{"1", "is brought up to this version", 200},
	    {"4711", "A newer version of Billhook has worked on this data", 503}};
	struct world *world = *state;
	struct browser browser = open_browser(world);
	char ours[12];

	sign_in(&browser, "ada");
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		set_format(world, cases[i].version);
		ask(&browser, "GET", "/customers", NULL);
		assert_int_equal(browser.status, 503);
		assert_page(&browser, cases[i].page);
		post(&browser, "/login", "name=ada");
		assert_int_equal(browser.status, 503);
		ask(&browser, "GET", "/static/style.css", NULL);
		assert_int_equal(browser.status, 200);
		ask(&browser, "GET", "/healthz", NULL);
		assert_int_equal(browser.status, cases[i].health);
	}
	snprintf(ours, sizeof(ours), "%d", SCHEMA_VERSION);
	set_format(world, ours);
	ask(&browser, "GET", "/customers", NULL);
	assert_int_equal(browser.status, 200);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_session), TEST(test_stolen_cookie),
	    TEST(test_session_expires), TEST(test_login_refused), TEST(test_next),
	    TEST(test_throttle), TEST(test_home_empty), TEST(test_home), TEST(test_home_running),
	    TEST(test_live_keys), TEST(test_format)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
