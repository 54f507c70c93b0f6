/* web/site, session, page_*: requests answered over a store in memory. */
#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/journal.h"
#include "state/link.h"
#include "unit.h"
#include "web/hook.h"
#include "web/session.h"
#include "web/site.h"

#define PASSWORD "correct horse"

static const char *const words[] = {"hook", "login", "static", NULL};

struct world {
	struct conf conf;
	struct site site;
};

/* -- set-up -- */

static int
put_people(struct store_txn *txn, void *arg, struct bh_err *err)
{
	static const struct {
		const char *name;
		enum account_role role;
	} people[] = {{"ada", ACCOUNT_ADMIN}, {"vic", ACCOUNT_VIEWER}};
	const char *hash = arg;

	(void)err;
	for (size_t i = 0; i < BH_LEN(people); i++) {
		struct account_user user = {.role = people[i].role, .hash = bh_xstrdup(hash)};

		snprintf(user.name, sizeof(user.name), "%s", people[i].name);
		account_user_save(txn, &user);
		account_user_release(&user);
	}
	return 0;
}

static int
make_world(void **state)
{
	static char *hash;
	struct world *world = bh_xcalloc(1, sizeof(*world));
	struct store_options mem = {.engine = "mem"};
	struct bh_err err = BH_ERR_INIT;

	*state = world;
	if (hash == NULL)
		hash = bh_password_hash(PASSWORD);
	world->conf.data_dir = bh_xstrdup("/dev/null/none");
	world->conf.public_url = bh_xstrdup("");
	world->conf.template_dir = unit_path("templates");
	world->conf.static_dir = unit_path("static");
	world->conf.session_hours = 1;
	world->site.conf = &world->conf;
	world->site.has_key = true;
	world->site.place.base = "";
	world->site.place.words = words;
	if (store_open(&mem, &world->site.store, &err) < 0 ||
	    view_open(&world->conf, &world->site.view, &err) < 0 ||
	    store_run(world->site.store, put_people, hash, NULL, &err) != 0)
		return -1;
	world->site.hook = hook_new(&world->site);
	return 0;
}

static int
drop_world(void **state)
{
	struct world *world = *state;

	hook_free(&world->site.hook);
	view_close(&world->site.view);
	store_close(&world->site.store);
	free(world->conf.data_dir);
	free(world->conf.public_url);
	free(world->conf.template_dir);
	free(world->conf.static_dir);
	free(world);
	return 0;
}

/* -- a browser -- */

struct browser {
	struct world *world;
	char cookies[300];
	char token[80]; /* of the form last seen */
	int status;
	char location[300];
	char retry[32];
	char *body;
	const char *host, *peer;
};

static void
take_cookie(struct browser *browser, const char *value)
{
	size_t len = strcspn(value, ";"), name_len = strcspn(value, "=");
	char kept[300] = "";
	char *at = browser->cookies;

	/* The others stay; this one is replaced, or gone when it is empty. */
	while (*at != '\0') {
		size_t n = strcspn(at, ";");

		if (strncmp(at, value, name_len + 1) != 0)
			snprintf(kept + strlen(kept), sizeof(kept) - strlen(kept), "%.*s;", (int)n,
			    at);
		at += n + (at[n] == ';');
	}
	if (value[name_len + 1] != ';')
		snprintf(kept + strlen(kept), sizeof(kept) - strlen(kept), "%.*s;", (int)len,
		    value);
	memcpy(browser->cookies, kept, sizeof(kept));
}

static void
take_token(struct browser *browser)
{
	const char *at = strstr(browser->body, "name=\"token\" value=\"");

	browser->token[0] = '\0';
	if (at == NULL)
		return;
	at += strlen("name=\"token\" value=\"");
	snprintf(browser->token, sizeof(browser->token), "%.*s", (int)strcspn(at, "\""), at);
}

static void
ask(struct browser *browser, const char *method, const char *uri, const char *form)
{
	char method_param[32], uri_param[200], cookie[320], host[100], peer[64], query[200];
	const char *question = strchr(uri, '?');
	const char *params[] = {method_param, uri_param, cookie, host, peer, query,
	    "CONTENT_TYPE=application/x-www-form-urlencoded", NULL};
	struct response response;
	struct request request;

	snprintf(method_param, sizeof(method_param), "REQUEST_METHOD=%s", method);
	snprintf(uri_param, sizeof(uri_param), "REQUEST_URI=%s", uri);
	snprintf(cookie, sizeof(cookie), "HTTP_COOKIE=%s", browser->cookies);
	snprintf(host, sizeof(host), "HTTP_HOST=%s", browser->host);
	snprintf(peer, sizeof(peer), "REMOTE_ADDR=%s", browser->peer);
	snprintf(query, sizeof(query), "QUERY_STRING=%s", question != NULL ? question + 1 : "");
	request_init(&request, 1 << 16);
	request_begin(&request, params, &browser->world->site.place);
	if (form != NULL)
		bh_buf_adds(&request.body, form);
	response_init(&response);
	site_answer(&browser->world->site, &request, &response);
	browser->status = response.status;
	snprintf(browser->location, sizeof(browser->location), "%s",
	    response.location != NULL ? response.location : "");
	snprintf(browser->retry, sizeof(browser->retry), "%d", response.retry_after_s);
	for (size_t i = 0; i < VIEW_COOKIES; i++)
		if (response.cookies[i] != NULL)
			take_cookie(browser, response.cookies[i]);
	free(browser->body);
	browser->body = bh_xstrdup(bh_buf_str(&response.body));
	take_token(browser);
	response_release(&response);
	request_release(&request);
}

static void
post(struct browser *browser, const char *uri, const char *fields)
{
	char *form = bh_xasprintf("token=%s&%s", browser->token, fields);

	ask(browser, "POST", uri, form);
	free(form);
}

static struct browser
open_browser(struct world *world)
{
	return (struct browser){.world = world, .host = "localhost:8080", .peer = "192.0.2.1"};
}

static void
close_browser(struct browser *browser)
{
	free(browser->body);
}

static void
sign_in(struct browser *browser, const char *name)
{
	char fields[100];

	ask(browser, "GET", "/login", NULL);
	assert_int_equal(browser->status, 200);
	snprintf(fields, sizeof(fields), "name=%s&password=correct+horse&next=/", name);
	post(browser, "/login", fields);
	assert_int_equal(browser->status, 303);
	assert_string_equal(browser->location, "/");
}

static void
assert_page(const struct browser *browser, const char *part)
{
	if (strstr(browser->body, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, browser->body);
}

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

struct connection_case {
	struct world *world;
	const char *code, *driver, *name, *broken, *environment;
	bool is_source, is_paused;
};

static int
put_connection(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct connection_case *c = arg;
	struct account_connection connection = {.is_source = c->is_source,
	    .paused = c->is_paused,
	    .settings = json_object(),
	    .secrets = json_object()};
	int rc;

	snprintf(connection.code, sizeof(connection.code), "%s", c->code);
	snprintf(connection.driver, sizeof(connection.driver), "%s", c->driver);
	snprintf(connection.name, sizeof(connection.name), "%s", c->name);
	snprintf(connection.broken, sizeof(connection.broken), "%s",
	    c->broken != NULL ? c->broken : "");
	if (c->environment != NULL)
		json_object_set_new(connection.settings, "environment",
		    json_string(c->environment));
	rc = account_connection_save(txn, &c->world->site.key, &connection, err);
	account_connection_release(&connection);
	return rc;
}

static void
connect(struct connection_case c)
{
	struct bh_err err = BH_ERR_INIT;

	if (store_run(c.world->site.store, put_connection, &c, NULL, &err) != 0)
		fail_msg("%s", err.text);
}

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
	assert_page(&browser, "2 records are in step. 12 need you.");
	assert_page(&browser, "Name &lt;is&gt; too long <small>(TOO_LONG)</small>");
	assert_page(&browser, "Shorten it");
	assert_page(&browser, "<code>h09</code>");
	assert_null(strstr(browser.body, "<code>h10</code>"));
	assert_page(&browser, "There are more");
	assert_page(&browser, "Stripe &quot;EU&quot; <span class=\"badge\">test</span>");
	assert_page(&browser, "<code>evt_&lt;1&gt;</code>");
	assert_page(&browser, ">90 s ago</time>");
	assert_page(&browser, "<code class=\"url\">http://localhost:8080/hook/stripe</code>");
	assert_page(&browser, "Paused by a person.");
	assert_page(&browser, "data-live=\"lane.crm.held\">12</td>");
	browser.host = "\"><script>";
	ask(&browser, "GET", "/", NULL);
	assert_page(&browser, "<code class=\"url\">/hook/stripe</code>");
	ask(&browser, "GET", "/status.json", NULL);
	assert_int_equal(browser.status, 200);
	assert_page(&browser, "\"lane.crm.held\":\"12\"");
	assert_page(&browser, "\"home.sentence\":\"2 records are in step. 12 need you.\"");
	assert_page(&browser, "\"home.backlog\":\"1\"");
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

static void
test_health(void **state)
{
	struct browser browser = open_browser(*state);

	ask(&browser, "GET", "/healthz", NULL);
	assert_int_equal(browser.status, 200);
	assert_string_equal(browser.body, "{\"status\":\"ok\"}\n");
	close_browser(&browser);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, drop_world)

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_session), TEST(test_stolen_cookie),
	    TEST(test_session_expires), TEST(test_login_refused), TEST(test_next),
	    TEST(test_throttle), TEST(test_home_empty), TEST(test_home), TEST(test_live_keys),
	    TEST(test_health)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
