/* web/page_crm*, crm_*: CRMs in the browser. */
#include "crm-unit.h"

#define GOOD                                                                                       \
	"name=CRM&code=sf&set.client_id=3MVG9&set.client_secret=" CRM_SECRET                       \
	"&set.flow=login&pick.login_url=https%3A%2F%2Ftest.salesforce.com"

/* -- helpers -- */

static struct link
link_of(struct world *world, const char *id)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct link_id link_id = crm_link_id(id);
	struct link link;

	assert_true(link_get(txn, &link_id, &link, NULL) >= 0);
	store_free(&txn);
	return link;
}

/* -- the list, adding, saving -- */

static void
test_list(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/connections");

	assert_page(&browser, "No CRM is connected yet. Choose one:");
	assert_page(&browser, "href=\"/connections/new/salesforce\"");
	assert_page(&browser, "href=\"/connections/new/sandbox\"");
	crm_put(world, "", NULL);
	look(&browser, "/connections", 200);
	assert_page(&browser, "<a href=\"/connections/sf\">sf</a>");
	assert_page(&browser, "nobody has logged in");
	crm_fill(world);
	look(&browser, "/connections", 200);
	assert_page(&browser,
	    "The &quot;CRM&quot; &lt;script&gt;</a> <span class=\"badge\">sandbox</span>");
	assert_page(&browser, "&lt;b&gt;Example Corp");
	assert_page(&browser, "9,000 of 15,000");
	/* One match waits for a person. */
	assert_page(&browser, "data-state=\"bad\">needs you</span>");
	lacks(&browser, "<script>");
	lacks(&browser, "It is disconnected.");
	look(&browser, "/connections?gone=1", 200);
	assert_page(&browser, "It is disconnected.");
	close_browser(&browser);
}

static void
test_new_form(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/connections/new/salesforce");

	assert_page(&browser, "<h1>Connect Salesforce</h1>");
	assert_page(&browser, "External Client App");
	assert_page(&browser, "<code class=\"url\">http://localhost:8080/oauth/callback</code>");
	assert_page(&browser, "value=\"https://login.salesforce.com\" checked> <span>production");
	assert_page(&browser, "value=\"https://test.salesforce.com\"> <span>sandbox");
	assert_page(&browser, "name=\"set.client_secret\" type=\"password\" value=\"\"");
	assert_page(&browser, "<textarea id=\"set-private_key\"");
	lacks(&browser, "As JSON");
	lacks(&browser, "webhook");
	free(world->conf.public_url);
	world->conf.public_url = bh_xstrdup("https://bill.example.com/x");
	look(&browser, "/connections/new/salesforce", 200);
	assert_page(&browser, "https://bill.example.com/x/oauth/callback");
	look(&browser, "/connections/new/sandbox", 200);
	assert_page(&browser, "Save and validate");
	close_browser(&browser);
	browser = open_at(world, "oda", "/connections/new/salesforce");
	assert_page(&browser, "Only an administrator");
	lacks(&browser, "Save and validate");
	close_browser(&browser);
}

static int
load(struct world *world, const char *code, struct account_connection *connection)
{
	struct store_txn *txn = store_begin(world->site.store);
	int rc = account_connection_load(txn, &world->site.key, code, connection, NULL);

	assert_true(rc >= 0);
	store_free(&txn);
	return rc;
}

static void
test_create(void **state)
{
	struct world *world = *state;
	struct account_connection connection = {0};
	struct browser browser = open_at(world, "ada", "/connections/new/salesforce");

	post(&browser, "/connections/new/salesforce", GOOD);
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/connections/sf?saved=1");
	assert_int_equal(load(world, "sf", &connection), 1);
	assert_false(connection.is_source);
	assert_string_equal(connection.driver, "salesforce");
	assert_string_equal(bh_json_str(connection.settings, "login_url"),
	    "https://test.salesforce.com");
	assert_string_equal(bh_json_str(connection.secrets, "client_secret"), CRM_SECRET);
	assert_int_equal(json_object_size(connection.settings), 3);
	account_connection_release(&connection);
	assert_trail(world, "config", "connection added in the browser by ada");
	/* Nobody has logged in: there is nobody to be asked. */
	assert_false(is_asked(world, ERRAND_PROBE));
	look(&browser, "/connections/sf?saved=1", 200);
	assert_page(&browser, "Saved. The next step is to log in.");
	assert_page(&browser, "Log in to Salesforce</button>");
	assert_page(&browser, "https://test.salesforce.com\" checked> <span>sandbox");
	/* The sandbox needs nothing. */
	look(&browser, "/connections/new/sandbox", 200);
	send(&browser, "/connections/new/sandbox", "name=Sandbox&code=box", 303);
	look(&browser, "/connections/box", 200);
	assert_page(&browser, "Nothing has to be made there");
	close_browser(&browser);
}

static void
test_create_refused(void **state)
{
	static const struct {
		const char *fields, *error, *kept;
	} cases[] = {
	    {"name=N&code=ok&set.flow=login", "Consumer key is missing", "value=\"ok\""},
	    {"name=N&code=ok&set.client_id=x&set.flow=%3Cwarp%3E", "must be one of", "value=\"N\""},
	    {"name=N&code=ok&set.client_id=x&set.flow=login&pick.login_url=",
		"Login address: the other address is missing",
		"name=\"pick.login_url\" value=\"\" checked"},
	    {"name=N&code=ok&set.client_id=x&set.flow=login&pick.login_url=&set.login_url=%22%3E%3Cscript%3E",
		"Login address", "value=\"&quot;&gt;&lt;script&gt;\""},
	    {"name=N&code=ok&set.client_id=x&set.flow=login&pick.login_url=javascript:alert(1)",
		"Login address", "value=\"javascript:alert(1)\""},
	    {"name=N&code=ok&set.client_id=x&set.client_secret=" CRM_SECRET
	     "&set.flow=client_credentials",
		"client credentials work only", "value=\"ok\""},
	    {"name=N&code=new&set.client_id=x&set.flow=login", "The code must be", "value=\"new\""},
	};
	struct browser browser = open_at(*state, "ada", "/connections/new/salesforce");
	struct account_connection connection = {0};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		look(&browser, "/connections/new/salesforce", 200);
		post(&browser, "/connections/new/salesforce", cases[i].fields);
		check_answer(&browser, cases[i].fields, 400);
		assert_page(&browser, "role=\"alert\"");
		assert_page(&browser, cases[i].error);
		assert_page(&browser, cases[i].kept);
		lacks(&browser, "<script>");
		assert_int_equal(load(*state, "ok", &connection), 0);
	}
	close_browser(&browser);
}

static bool
has_tokens(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *auth = NULL;
	int rc = account_auth_load(txn, &world->site.key, "sf", &auth, NULL);

	json_decref(auth);
	store_free(&txn);
	return rc > 0;
}

/* Tokens stay with settings that say how, and go with those that say who. */
static void
test_save(void **state)
{
	struct world *world = *state;
	struct browser browser;

	crm_put(world, "CRM", NULL);
	crm_put_tokens(world);
	browser = open_at(world, "ada", "/connections/sf");
	send(&browser, "/connections/sf",
	    "name=Renamed&set.flow=login&set.client_id=3MVG9&set.throttle=70&pick.login_url=https%3A%2F%2Flogin.salesforce.com",
	    303);
	assert_true(has_tokens(world));
	assert_true(is_asked(world, ERRAND_PROBE));
	assert_trail(world, "config", "connection changed in the browser by ada");
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "<h1>Renamed");
	assert_page(&browser, "name=\"set.throttle\" type=\"text\" value=\"70\"");
	assert_page(&browser, "From 70 % on only urgent changes");
	send(&browser, "/connections/sf", "name=Renamed&set.flow=login&set.client_id=other", 303);
	assert_false(has_tokens(world));
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "Nobody has let Billhook in yet.");
	post(&browser, "/connections/sf", "name=N&set.flow=login&set.client_id=&set.throttle=x");
	check_answer(&browser, "wrong", 400);
	assert_page(&browser, "Throttle must be a number");
	close_browser(&browser);
}

/* -- who may do what -- */

static void
test_roles(void **state)
{
	static const struct {
		const char *action;
		enum account_role role;
		const char *fields;
		int status; /* with the role */
	} buttons[] = {
	    {"test", ACCOUNT_OPERATOR, "x=1", 303},
	    {"plan", ACCOUNT_OPERATOR, "x=1", 303},
	    {"count", ACCOUNT_OPERATOR, "x=1", 303},
	    {"import", ACCOUNT_OPERATOR, "x=1", 303},
	    {"match", ACCOUNT_OPERATOR, "sync=none", 409},
	    {"link", ACCOUNT_OPERATOR, "remote_id=none", 409},
	    {"create", ACCOUNT_OPERATOR, "remote_id=none", 409},
	    {"install", ACCOUNT_ADMIN, "x=1", 303},
	    {"login", ACCOUNT_ADMIN, "x=1", 200},
	    {"disconnect", ACCOUNT_ADMIN, "confirm=no", 409},
	    {"", ACCOUNT_ADMIN, "name=N&set.flow=login&set.client_id=3MVG9", 303},
	};
	static const char *const people[] = {"vic", "oda", "ada"};
	struct world *world = *state;
	struct browser browser;
	char uri[100];

	for (size_t who = 0; who < BH_LEN(people); who++) {
		crm_fill(world);
		browser = open_at(world, people[who], "/connections/sf");
		look(&browser, "/connections/sf/status.json", 200);
		look(&browser, "/connections/sf", 200);
		assert_int_equal(strstr(browser.body, "form=\"test\"") != NULL, who >= 1);
		assert_int_equal(strstr(browser.body, "This one<") != NULL, who >= 1);
		assert_int_equal(strstr(browser.body, ">Link</button>") != NULL, who >= 1);
		assert_int_equal(strstr(browser.body, "form=\"install\"") != NULL, who == 2);
		assert_int_equal(strstr(browser.body, "form=\"login\"") != NULL, who == 2);
		assert_int_equal(strstr(browser.body, "class=\"danger\"") != NULL, who == 2);
		assert_int_equal(strstr(browser.body, "Save and validate") != NULL, who == 2);
		for (size_t i = 0; i < BH_LEN(buttons); i++) {
			bool may = who + 1 >= (size_t)buttons[i].role;

			snprintf(uri, sizeof(uri), "/connections/sf%s%s",
			    *buttons[i].action != '\0' ? "/" : "", buttons[i].action);
			send(&browser, uri, buttons[i].fields, may ? buttons[i].status : 403);
			look(&browser, "/connections", 200);
			ask(&browser, "POST", uri, buttons[i].fields);
			assert_int_equal(browser.status, 403); /* without the form's token */
			look(&browser, "/connections", 200);
		}
		send(&browser, "/connections/sf/explode", "x=1", who == 0 ? 403 : 404);
		close_browser(&browser);
	}
	browser = open_browser(world);
	look(&browser, "/connections/sf/status.json", 401);
	look(&browser, "/oauth/callback?state=x&code=y", 303);
	assert_string_equal(browser.location, "/login?next=%2Foauth%2Fcallback");
	close_browser(&browser);
}

/* -- errands -- */

static void
test_errands(void **state)
{
	static const struct {
		const char *action, *errand, *then, *busy;
	} cases[] = {
	    {"test", ERRAND_PROBE, "/connections/sf", "Asking \xe2\x80\xa6"},
	    {"plan", ERRAND_PLAN, "/connections/sf#schema", "Looking \xe2\x80\xa6"},
	    {"install", ERRAND_INSTALL, "/connections/sf#schema", "Making it:"},
	    {"count", ERRAND_COUNT, "/connections/sf#disconnect", "Counting \xe2\x80\xa6"},
	    {"import", ERRAND_IMPORT, "/connections/sf#accounts", "Looking \xe2\x80\xa6"},
	};
	struct world *world = *state;
	struct browser browser;
	char uri[100];

	crm_put(world, "CRM", NULL);
	crm_put_tokens(world);
	browser = open_at(world, "ada", "/connections/sf");
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		snprintf(uri, sizeof(uri), "/connections/sf/%s", cases[i].action);
		post(&browser, uri, "x=1");
		assert_int_equal(browser.status, 303);
		assert_string_equal(browser.location, cases[i].then);
		assert_true(is_asked(world, cases[i].errand));
		assert_trail(world, cases[i].action, "asked for, in the browser by ada");
		look(&browser, "/connections/sf", 200);
		assert_page(&browser, cases[i].busy);
		crm_put_errand(world, cases[i].errand, NULL, "it <refuses>", bh_now_ms());
		look(&browser, "/connections/sf", 200);
		assert_page(&browser, "it &lt;refuses&gt;");
		lacks(&browser, "it <refuses>");
	}
	/* One that runs is not begun anew: how far it is would be lost. */
	crm_put_errand(world, ERRAND_INSTALL,
	    "{\"progress\": {\"done\": 30, \"of\": 120, \"at\": \"Bill__c.<Z>\"}}", NULL, 0);
	send(&browser, "/connections/sf/install", "x=1", 303);
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "Making it: 30 of 120: Bill__c.&lt;Z&gt;");
	assert_page(&browser, "value=\"25\" aria-label=\"Making fields");
	lacks(&browser, "Make what is missing</button>");
	look(&browser, "/connections/sf/status.json", 200);
	assert_page(&browser, "\"install.percent\":\"25\"");
	assert_page(&browser, "\"install.has_bar\":\"yes\"");
	close_browser(&browser);
}

/* A CRM without a schema or a search has no such buttons, and does not take them. */
static void
test_unable(void **state)
{
	static const char *const actions[] = {"plan", "install", "count", "import"};
	struct browser browser;
	char uri[100];

	connect((struct connection_case){.world = *state,
	    .code = "sf",
	    .driver = "sandbox",
	    .name = "Box"});
	browser = open_at(*state, "ada", "/connections/sf");
	lacks(&browser, "form=\"plan\"");
	lacks(&browser, "form=\"login\"");
	for (size_t i = 0; i < BH_LEN(actions); i++) {
		snprintf(uri, sizeof(uri), "/connections/sf/%s", actions[i]);
		send(&browser, uri, "x=1", 409);
		assert_false(is_asked(*state, actions[i]));
	}
	post(&browser, "/connections/sf/login", "x=1");
	check_answer(&browser, "login", 409);
	assert_page(&browser, "Nobody has to log in");
	close_browser(&browser);
}

/* -- what it shows; all of it may be hostile -- */

static void
test_sections(void **state)
{
	static const char *const shown[] = {
	    "<h1>The &quot;CRM&quot; &lt;script&gt; <span class=\"badge\">sandbox</span>",
	    "&lt;b&gt;Example Corp (00D1), Enterprise Edition, as ada@example.com", "asked ",
	    "<li>deals.read, to find &lt;deals&gt;</li>", "Daily&lt;API&gt;",
	    "data-state=\"bad\" data-live-state=\"plan.state\"", "1 there, 1 missing, 1 differs.",
	    "data-state=\"bad\" data-live-state=\"install.state\"", "&lt;Bill&gt;",
	    "is a &lt;Text&gt;", "What is there (1)", "Not complete, 1 made, 1 failed, 1 hidden.",
	    "too many &lt;fields&gt;", "<small>(LIMIT)</small>", "remove one", "Bill__c.&lt;Y&gt;",
	    "This was before the last time", "9,000 of 15,000 calls of a day are used (60 %)",
	    "Forecast, if all goes on as in the last hours: 12,000 (80 %), which is above the throttle",
	    "From 80 % on only urgent changes are sent, from 95 % on nothing",
	    "width=\"120\" height=\"10\" data-live-width=\"usage.width\"", "x=\"160\"",
	    "made <span data-live=\"usage.calls\">1,204</span> calls", "&lt;img src=x&gt;",
	    "Acme &lt;script&gt;alert(1)&lt;/script&gt;", "two accounts have &lt;this&gt; e-mail",
	    "the same e-mail", "holds stripe:cus_9 already", "&lt;i&gt;Xenon",
	    "2 accounts have no customer, and there are more.",
	    "<a href=\"https://crm.example.com/001X\"", "name=\"after\" value=\"001Y\"",
	    "<option value=\"cus_5\">Fifth &lt;Ltd&gt;</option>", "Id of the customer of eu",
	    "1,204 records are there", "Type <code>sf</code> to confirm"};
	static const char *const not [] = {"<script>", "<b>Example", "<img", "<i>",
	    "javascript:", "<Bill>", "<select id=\"sync\"", "Nobody has let"};
	struct browser browser;

	crm_fill(*state);
	browser = open_at(*state, "ada", "/connections/sf");
	for (size_t i = 0; i < BH_LEN(shown); i++)
		assert_page(&browser, shown[i]);
	for (size_t i = 0; i < BH_LEN(not ); i++)
		lacks(&browser, not [i]);
	crm_put_errand(*state, ERRAND_PROBE, "{\"name\": \"Real\", \"mode\": \"live\"}", NULL, 9);
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "<span class=\"badge\">live</span>");
	/* Answers of another form than was agreed. */
	crm_put_errand(*state, ERRAND_PLAN,
	    "{\"rows\": [1, {\"state\": 7}, {}], \"missing\": \"x\"}", NULL, 1);
	crm_put_errand(*state, ERRAND_INSTALL, "[1]", NULL, 1);
	crm_put_errand(*state, ERRAND_COUNT, "{\"objects\": 1, \"fields\": [2]}", NULL, 1);
	crm_put_errand(*state, ERRAND_IMPORT, "{\"rows\": [1, {\"name\": \"x\"}]}", NULL, 1);
	crm_put_errand(*state, ERRAND_PROBE, "{\"limits\": [1, {}], \"missing\": [1], \"name\": 1}",
	    NULL, 1);
	look(&browser, "/connections/sf", 200);
	look(&browser, "/connections", 200);
	close_browser(&browser);
}

static void
test_live_keys(void **state)
{
	static const char *const names[] = {"data-live", "data-live-state", "data-live-shown",
	    "data-live-value", "data-live-width"};
	struct browser browser;
	char *html, key[100], pattern[40];
	json_t *live;
	size_t n = 0;

	crm_fill(*state);
	browser = open_at(*state, "oda", "/connections/sf");
	html = bh_xstrdup(browser.body);
	look(&browser, "/connections/sf/status.json", 200);
	assert_int_equal(bh_json_parse(browser.body, strlen(browser.body), &live, NULL), 0);
	for (size_t i = 0; i < BH_LEN(names); i++) {
		snprintf(pattern, sizeof(pattern), " %s=\"", names[i]);
		for (const char *at = html; (at = strstr(at, pattern)) != NULL; n++) {
			at += strlen(pattern);
			snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, "\""), at);
			if (json_object_get(live, key) == NULL)
				fail_msg("status.json has no %s", key);
		}
	}
	assert_in_range(n, 25, 100);
	/* The page knows that it is up to date. */
	snprintf(key, sizeof(key), "data-newest=\"%s\"", bh_json_str(live, "newest"));
	assert_non_null(strstr(html, key));
	free(html);
	json_decref(live);
	close_browser(&browser);
}

/* -- matches -- */

#define MATCH "sync=eu-sf&object=account&account=&id=cus_1"

static void
test_match(void **state)
{
	static const struct {
		const char *fields, *error;
	} refused[] = {
	    {MATCH "&remote_id=001Z", "has changed meanwhile"},
	    {"sync=eu-sf&object=account&account=&id=cus_5&remote_id=001A", "does not wait"},
	    {"sync=eu-sf&object=account&account=&id=cus_404&remote_id=001A", "does not wait"},
	    {"sync=none&object=account&account=&id=cus_1&remote_id=001A", "no such sync"},
	    {"sync=eu-sf&object=none&account=&id=cus_1&remote_id=001A", "no such sync"},
	    {"x=1", "no such sync"},
	};
	struct world *world = *state;
	struct link link;
	struct browser browser;

	crm_fill(world);
	crm_put_match(world, "cus_2", "Second", "Beta");
	browser = open_at(world, "oda", "/connections/sf");
	for (size_t i = 0; i < BH_LEN(refused); i++) {
		post(&browser, "/connections/sf/match", refused[i].fields);
		check_answer(&browser, refused[i].fields, 409);
		assert_page(&browser, refused[i].error);
	}
	post(&browser, "/connections/sf/match", MATCH "&remote_id=001A");
	check_answer(&browser, "a choice", 303);
	assert_string_equal(browser.location, "/connections/sf?linked=1");
	assert_trail(world, "match", "account cus_1 is 001A, in the browser by oda");
	link = link_of(world, "cus_1");
	assert_int_equal(link.state, LINK_NEW);
	assert_string_equal(link.remote_id, "001A");
	assert_string_equal(link.how, "chosen by oda");
	look(&browser, "/connections/sf?linked=1", 200);
	assert_page(&browser, "Stored. The record is sent with the next push.");
	lacks(&browser, "&lt;img");
	/* A second press comes too late. */
	post(&browser, "/connections/sf/match", MATCH "&remote_id=001B");
	check_answer(&browser, "again", 409);
	/* None of them. */
	post(&browser, "/connections/sf/match",
	    "sync=eu-sf&object=account&account=&id=cus_2&remote_id=");
	assert_int_equal(browser.status, 303);
	link = link_of(world, "cus_2");
	assert_string_equal(link.remote_id, "");
	assert_int_equal(link.state, LINK_NEW);
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "No match waits for a choice.");
	close_browser(&browser);
}

static size_t
count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
		n++;
	return n;
}

/* Page by page; other held links stand between. */
static void
test_many_matches(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char id[16], next[400];
	const char *at;

	crm_put(world, "CRM", NULL);
	crm_put_sync(world);
	for (int i = 0; i < 120; i++) {
		snprintf(id, sizeof(id), "c%03d", i);
		if (i % 6 == 5)
			crm_put_match(world, id, id, "C");
		else
			crm_put_customer(world, id, id,
			    (struct link){.state = LINK_HELD, .code = "TOO_LONG"});
	}
	browser = open_at(world, "vic", "/connections/sf");
	assert_int_equal(count_of(browser.body, "<article class=\"match\""), 10);
	assert_page(&browser, "aria-label=\"c005\"");
	assert_page(&browser, "aria-label=\"c059\"");
	at = strstr(browser.body, "\" rel=\"next\"");
	assert_non_null(at);
	while (at[-1] != '"')
		at--;
	snprintf(next, sizeof(next), "%.*s", (int)strcspn(at, "\"#"), at);
	for (char *amp; (amp = strstr(next, "&amp;")) != NULL;)
		memmove(amp + 1, amp + 5, strlen(amp + 5) + 1);
	look(&browser, next, 200);
	assert_int_equal(count_of(browser.body, "<article class=\"match\""), 10);
	assert_page(&browser, "aria-label=\"c065\"");
	assert_page(&browser, "aria-label=\"c119\"");
	assert_page(&browser, "First ones</a>");
	lacks(&browser, "rel=\"next\"");
	look(&browser, "/connections/sf?sync=eu-sf&object=account&account=&id=zzz", 200);
	assert_page(&browser, "No further match waits.");
	look(&browser, "/connections/sf?sync=%01%FF&object=&account=&id=", 400);
	look(&browser, "/connections/sf?sync=&object=&account=&id=", 200);
	assert_page(&browser, "aria-label=\"c005\"");
	close_browser(&browser);
}

/* A page looks at so many refused records; what stands behind them is not hidden. */
static void
test_match_behind_others(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char id[16];

	crm_put(world, "CRM", NULL);
	crm_put_sync(world);
	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "c%03d", i);
		crm_put_customer(world, id, id,
		    (struct link){.state = LINK_HELD, .code = "TOO_LONG"});
	}
	crm_put_match(world, "z", "Zed", "C");
	browser = open_at(world, "vic", "/connections/sf");
	assert_page(&browser, "there are further ones.");
	assert_page(&browser, "id=c299#waiting\" rel=\"next\"");
	look(&browser, "/connections/sf?sync=eu-sf&object=account&account=&id=c299", 200);
	assert_page(&browser, "aria-label=\"Zed\"");
	close_browser(&browser);
}

/* -- accounts without a customer -- */

static void
test_link_account(void **state)
{
	static const struct {
		const char *fields, *error;
	} refused[] = {
	    {"remote_id=001Z&customer=cus_5", "Choose one of the accounts"},
	    {"customer=cus_5", "Choose one of the accounts"},
	    {"remote_id=001X&customer=", "Enter the id"},
	    {"remote_id=001X", "Enter the id"},
	    {"remote_id=001X&customer=%3Cb%3E", "There is no customer &lt;b&gt; in eu"},
	    {"remote_id=001X&customer=acct_1%2Fcus_5", "There is no customer"},
	    {"remote_id=001X&customer=cus_6", "is linked to 001Q already"},
	};
	struct world *world = *state;
	struct browser browser;
	struct link link;

	crm_fill(world);
	crm_put_customer(world, "cus_6", "Sixth",
	    (struct link){.state = LINK_CLEAN, .remote_id = "001Q"});
	browser = open_at(world, "oda", "/connections/sf");
	for (size_t i = 0; i < BH_LEN(refused); i++) {
		post(&browser, "/connections/sf/link", refused[i].fields);
		check_answer(&browser, refused[i].fields, 409);
		assert_page(&browser, refused[i].error);
	}
	post(&browser, "/connections/sf/link", "remote_id=001X&customer=cus_5");
	assert_int_equal(browser.status, 303);
	assert_trail(world, "link", "account cus_5 is 001X, in the browser by oda");
	link = link_of(world, "cus_5");
	assert_string_equal(link.remote_id, "001X");
	look(&browser, "/connections/sf", 200);
	lacks(&browser, "Xenon");
	assert_page(&browser, "Yttrium");
	crm_put_errand(world, ERRAND_IMPORT,
	    "{\"sync\": \"gone\", \"rows\": [{\"remote_id\": \"001X\"}]}", NULL, 1);
	post(&browser, "/connections/sf/link", "remote_id=001X&customer=cus_7");
	check_answer(&browser, "a list of a sync that is gone", 409);
	assert_page(&browser, "no such sync");
	close_browser(&browser);
}

static void
test_create_customer(void **state)
{
	struct world *world = *state;
	struct browser browser;
	struct errand errand;

	crm_fill(world);
	browser = open_at(world, "oda", "/connections/sf");
	post(&browser, "/connections/sf/create", "remote_id=001Q");
	check_answer(&browser, "another account", 409);
	post(&browser, "/connections/sf/create", "remote_id=001X&source=us&name=mine&sync=other");
	assert_int_equal(browser.status, 303);
	assert_trail(world, "create", "customer of 001X asked for at eu, in the browser by oda");
	errand = errand_of(world, ERRAND_CREATE);
	assert_true(errand.is_open);
	assert_string_equal(bh_json_str(errand.ask, "source"), "eu");
	assert_string_equal(bh_json_str(errand.ask, "sync"), "eu-sf");
	assert_string_equal(bh_json_str(errand.ask, "remote_id"), "001X");
	assert_string_equal(bh_json_str(errand.ask, "name"), "<i>Xenon");
	errand_release(&errand);
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "Making the customer \xe2\x80\xa6");
	crm_put_errand(world, ERRAND_IMPORT,
	    "{\"sync\": \"eu-sf\", \"source\": \"eu\", \"rows\": [{\"remote_id\": \"001X\"}]}",
	    NULL, 1);
	look(&browser, "/connections/sf", 200);
	lacks(&browser, "formaction");
	post(&browser, "/connections/sf/create", "remote_id=001X");
	check_answer(&browser, "a source that lets nobody", 409);
	close_browser(&browser);
}

/* The next page of the list, and which sync is meant. */
static void
test_import_pages(void **state)
{
	struct world *world = *state;
	struct browser browser;
	struct errand errand;

	crm_fill(world);
	crm_put_sync_named(world, "other");
	browser = open_at(world, "oda", "/connections/sf");
	assert_page(&browser, "<option value=\"other\">other, from eu</option>");
	send(&browser, "/connections/sf/import", "sync=%3Cb%3E", 409);
	send(&browser, "/connections/sf/import", "sync=eu-sf&after=001Y", 303);
	errand = errand_of(world, ERRAND_IMPORT);
	assert_string_equal(bh_json_str(errand.ask, "sync"), "eu-sf");
	assert_string_equal(bh_json_str(errand.ask, "after"), "001Y");
	errand_release(&errand);
	crm_put_errand(world, ERRAND_IMPORT, CRM_IMPORT, NULL, 1);
	send(&browser, "/connections/sf/import", "x=1", 303);
	errand = errand_of(world, ERRAND_IMPORT);
	assert_int_equal(json_object_size(errand.ask), 0);
	errand_release(&errand);
	close_browser(&browser);
}

/* -- disconnecting -- */

static void
test_disconnect(void **state)
{
	static const struct {
		const char *fields, *error;
	} refused[] = {
	    {"what=keep&confirm=", "type the connection&#39;s code: sf. Nothing was done"},
	    {"what=keep&confirm=SF", "type the connection"},
	    {"what=remove&confirm=sf", "Count first what would be lost"},
	    {"what=burn&confirm=sf", "Choose what becomes of the records"},
	    {"confirm=sf", "Choose what becomes of the records"},
	};
	struct world *world = *state;
	struct browser browser;
	struct errand errand;
	struct store_txn *txn;

	crm_fill(world);
	crm_put_errand(world, ERRAND_COUNT, CRM_COUNT, NULL,
	    bh_now_ms() - INT64_C(61) * 60 * 1000); /* too old */
	browser = open_at(world, "ada", "/connections/sf");
	assert_page(&browser, "value=\"remove\" disabled");
	for (size_t i = 0; i < BH_LEN(refused); i++) {
		post(&browser, "/connections/sf/disconnect", refused[i].fields);
		check_answer(&browser, refused[i].fields, 409);
		assert_page(&browser, refused[i].error);
		assert_page(&browser, "<details open>\n<summary>Disconnect");
		assert_false(is_asked(world, ERRAND_DISCONNECT));
	}
	crm_put_errand(world, ERRAND_COUNT, NULL, "no answer", bh_now_ms());
	post(&browser, "/connections/sf/disconnect", "what=remove&confirm=sf");
	check_answer(&browser, "not counted", 409);
	crm_put_errand(world, ERRAND_COUNT, CRM_COUNT, NULL, bh_now_ms());
	look(&browser, "/connections/sf", 200);
	lacks(&browser, "value=\"remove\" disabled");
	post(&browser, "/connections/sf/disconnect", "what=remove&confirm=sf");
	assert_int_equal(browser.status, 303);
	errand = errand_of(world, ERRAND_DISCONNECT);
	assert_true(errand.is_open);
	assert_true(bh_is_json_true(errand.ask, "remove"));
	assert_string_equal(browser.location, "/connections/sf?leaving=1#disconnect");
	errand_release(&errand);
	assert_trail(world, "disconnect",
	    "asked for, removing what Billhook made there, in the browser by ada");
	look(&browser, "/connections/sf", 200);
	lacks(&browser, "class=\"danger\"");
	crm_put_errand(world, ERRAND_DISCONNECT, CRM_REPORT, NULL, bh_now_ms());
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "What could not be removed; the connection stays");
	crm_put_errand(world, ERRAND_DISCONNECT, NULL, "it <failed>", bh_now_ms());
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "it &lt;failed&gt;");
	post(&browser, "/connections/sf/disconnect", "what=keep&confirm=sf");
	assert_int_equal(browser.status, 303);
	errand = errand_of(world, ERRAND_DISCONNECT);
	assert_true(json_is_false(json_object_get(errand.ask, "remove")));
	errand_release(&errand);
	look(&browser, "/connections/sf?leaving=1", 200);
	txn = store_begin(world->site.store);
	account_connection_drop(txn, "sf");
	crm_commit(&txn);
	look(&browser, "/connections/sf", 404);
	look(&browser, "/connections/sf/status.json", 404);
	look(&browser, "/connections/sf?leaving=1", 303);
	assert_string_equal(browser.location, "/connections?gone=1");
	close_browser(&browser);
}

static void
test_without_key_file(void **state)
{
	struct world *world = *state;
	struct browser browser;

	crm_put(world, "CRM", NULL);
	browser = open_at(world, "ada", "/connections/sf");
	world->site.has_key = false;
	unit_log_expected(true);
	look(&browser, "/connections/sf", 200);
	post(&browser, "/connections/sf/login", "x=1");
	check_answer(&browser, "login", 503);
	look(&browser, "/oauth/callback?state=a&code=b", 503);
	look(&browser, "/connections", 200);
	unit_log_expected(false);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_list), TEST(test_new_form), TEST(test_create),
	    TEST(test_create_refused), TEST(test_save), TEST(test_roles), TEST(test_errands),
	    TEST(test_unable), TEST(test_sections), TEST(test_live_keys), TEST(test_match),
	    TEST(test_many_matches), TEST(test_match_behind_others), TEST(test_link_account),
	    TEST(test_create_customer), TEST(test_import_pages), TEST(test_disconnect),
	    TEST(test_without_key_file)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
