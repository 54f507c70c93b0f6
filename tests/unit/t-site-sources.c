/* web/page_connections, page_source, source_facts, connection_form: sources in the browser. */
#include "site-unit.h"
#include "source/source.h"
#include "state/journal.h"
#include "state/trail.h"
#include "state/walk.h"
#include "state/want.h"
#include "web/connection_form.h"

#define KEY "rk_test_0123456789abcdef"
#define SECRET "whsec_hush_0123456789"
#define GOOD "name=Money&code=eu&set.api_key=" KEY "&set.webhook=" SECRET "&set.mode=test"

/* -- helpers -- */

static void
look(struct browser *browser, const char *uri, int status)
{
	ask(browser, "GET", uri, NULL);
	if (browser->status != status)
		fail_msg("%s: %d instead of %d: %s", uri, browser->status, status, browser->body);
	if (strstr(browser->body, KEY) != NULL || strstr(browser->body, SECRET) != NULL)
		fail_msg("%s gives a secret away", uri);
}

static void
send(struct browser *browser, const char *uri, const char *fields, int status)
{
	post(browser, uri, fields);
	if (browser->status != status)
		fail_msg("POST %s %s: %d instead of %d: %s", uri, fields, browser->status, status,
		    browser->body);
	if (strstr(browser->body, KEY) != NULL || strstr(browser->body, SECRET) != NULL)
		fail_msg("%s gives a secret away", uri);
}

static void
lacks(const struct browser *browser, const char *part)
{
	if (strstr(browser->body, part) != NULL)
		fail_msg("\"%s\" is in: %s", part, browser->body);
}

/* Signed in, with a form of that page in hand. */
static struct browser
open_at(struct world *world, const char *user, const char *uri)
{
	struct browser browser = open_browser(world);

	sign_in(&browser, user);
	look(&browser, uri, 200);
	return browser;
}

static int
load(struct world *world, const char *code, struct account_connection *connection)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_err err = BH_ERR_INIT;
	int rc = account_connection_load(txn, &world->site.key, code, connection, &err);

	if (rc < 0)
		fail_msg("%s", err.text);
	store_free(&txn);
	return rc;
}

static struct errand
errand_of(struct world *world, const char *code, const char *name)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct errand errand;

	assert_true(errand_load(txn, code, name, &errand, NULL) >= 0);
	store_free(&txn);
	return errand;
}

static struct walk
walk_of(struct world *world, const char *code, const char *name)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct walk walk;

	assert_true(walk_load(txn, code, name, &walk, NULL) >= 0);
	store_free(&txn);
	return walk;
}

static void
put_walk(struct world *world, const char *code, const char *name, struct walk walk)
{
	struct store_txn *txn = store_begin(world->site.store);

	walk_save(txn, code, name, &walk);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
}

static void
put_errand(struct world *world, const char *code, const char *name, const char *answer,
    const char *error, int64_t at_ms)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct errand errand = {.asked_ms = at_ms, .done_ms = at_ms};

	if (answer != NULL)
		assert_int_equal(bh_json_parse(answer, strlen(answer), &errand.answer, NULL), 0);
	snprintf(errand.error, sizeof(errand.error), "%s", error != NULL ? error : "");
	errand_save(txn, code, name, &errand);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	errand_release(&errand);
}

/* A Stripe source of the code "eu", as the form makes it. */
static void
make_source(struct world *world)
{
	struct browser browser = open_at(world, "ada", "/connections/new/stripe");

	send(&browser, "/connections/new/stripe", GOOD, 303);
	close_browser(&browser);
}

/* -- the list, and a new one -- */

static void
test_list(void **state)
{
	struct browser browser = open_at(*state, "vic", "/connections");

	assert_page(&browser, "No billing system is connected yet. An administrator can");
	assert_page(&browser, "No CRM is connected yet. An administrator can");
	lacks(&browser, "/connections/new/");
	close_browser(&browser);
	browser = open_at(*state, "ada", "/connections");
	for (size_t i = 0; source_drivers()[i] != NULL; i++) {
		char part[100];

		snprintf(part, sizeof(part), "href=\"/connections/new/%s\"",
		    source_drivers()[i]->name);
		assert_page(&browser, part);
	}
	make_source(*state);
	connect((struct connection_case){.world = *state,
	    .code = "bad",
	    .driver = "lago",
	    .name = "<b>&\"",
	    .broken = "the key <was> refused",
	    .is_source = true});
	connect((struct connection_case){.world = *state,
	    .code = "crm",
	    .driver = "hubspot",
	    .name = "",
	    .broken = "token <gone>"});
	look(&browser, "/connections", 200);
	assert_page(&browser,
	    "<a href=\"/connections/eu\">Money</a> <span class=\"badge\">test</span>");
	assert_page(&browser, "<a href=\"/connections/bad\">&lt;b&gt;&amp;&quot;</a>");
	assert_page(&browser, "data-state=\"bad\">needs you</span>");
	assert_page(&browser, "data-state=\"good\">connected</span>");
	assert_page(&browser, "<a href=\"/connections/crm\">crm</a> <small>crm</small>");
	assert_page(&browser, "token &lt;gone&gt;");
	assert_page(&browser, "<a href=\"/connections\" aria-current=\"page\">");
	close_browser(&browser);
}

static void
test_card_states(void **state)
{
	struct world *world = *state;
	struct browser browser;

	make_source(world);
	browser = open_at(world, "vic", "/connections");
	put_walk(world, "eu", WALK_BACKFILL,
	    (struct walk){.state = WALK_RUNNING, .read = 1234, .phase_total = -1});
	look(&browser, "/connections", 200);
	assert_page(&browser, "data-state=\"busy\">reading</span>");
	assert_page(&browser, "1,234 read in all");
	put_walk(world, "eu", WALK_CATCHUP, (struct walk){.state = WALK_FAILED});
	look(&browser, "/connections", 200);
	assert_page(&browser, "needs you");
	put_walk(world, "eu", WALK_CATCHUP, (struct walk){.state = WALK_DONE});
	put_errand(world, "eu", ERRAND_PROBE, NULL, "refused", 1);
	look(&browser, "/connections", 200);
	assert_page(&browser, "needs you");
	close_browser(&browser);
}

static void
test_new_form(void **state)
{
	struct browser browser = open_at(*state, "ada", "/connections/new/stripe");

	assert_page(&browser, "<h1>Connect Stripe</h1>");
	assert_page(&browser, "name=\"code\" value=\"stripe\"");
	assert_page(&browser, "http://localhost:8080/hook/stripe");
	assert_page(&browser, "name=\"set.api_key\" type=\"password\" value=\"\"");
	assert_page(&browser, "<a href=\"/connections\" aria-current=\"page\">");
	look(&browser, "/connections/new/sap", 404);
	look(&browser, "/connections/new/%3Cb%3E", 404);
	for (size_t i = 0; source_drivers()[i] != NULL; i++) {
		char uri[100];

		snprintf(uri, sizeof(uri), "/connections/new/%s", source_drivers()[i]->name);
		look(&browser, uri, 200);
		assert_page(&browser, "Save and validate");
	}
	connect((struct connection_case){.world = *state,
	    .code = "stripe",
	    .driver = "hubspot",
	    .name = "taken"});
	look(&browser, "/connections/new/stripe", 200);
	assert_page(&browser, "name=\"code\" value=\"stripe-2\"");
	close_browser(&browser);
	browser = open_at(*state, "oda", "/connections/new/stripe");
	assert_page(&browser, "Only an administrator");
	lacks(&browser, "Save and validate");
	close_browser(&browser);
}

static void
test_create(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/connections/new/stripe");
	struct account_connection connection = {0};
	struct errand errand;
	struct store_txn *txn;
	json_t *trail;

	send(&browser, "/connections/new/stripe",
	    "name=%3Cb%3E%22M%C3%BCller%22&code=eu&set.api_key=+" KEY
	    "%0A&set.mode=test&set.tolerance_s=600"
	    "&set.exponents=%7B%22UGX%22%3A2%7D&set.connect=1&set.unknown=x",
	    303);
	assert_string_equal(browser.location, "/connections/eu?saved=1");
	assert_int_equal(load(world, "eu", &connection), 1);
	assert_true(connection.is_source);
	assert_string_equal(connection.driver, "stripe");
	assert_string_equal(connection.name, "<b>\"M\xc3\xbcller\"");
	assert_string_equal(bh_json_str(connection.secrets, "api_key"), KEY);
	assert_null(json_object_get(connection.secrets, "webhook"));
	assert_string_equal(bh_json_str(connection.settings, "mode"), "test");
	assert_int_equal(bh_json_int(connection.settings, "tolerance_s", 0), 600);
	assert_int_equal(bh_json_int(connection.settings, "exponents.UGX", 0), 2);
	assert_true(bh_is_json_true(connection.settings, "connect"));
	/* What was not said, and what the table does not know, is not there. */
	assert_int_equal(json_object_size(connection.settings), 4);
	account_connection_release(&connection);

	errand = errand_of(world, "eu", ERRAND_PROBE);
	assert_true(errand.is_open);
	errand_release(&errand);
	txn = store_begin(world->site.store);
	assert_int_equal(trail_list(txn, 0, 10, &trail, NULL), 0);
	assert_string_equal(bh_json_str(trail, "0.subject"), "eu");
	assert_string_equal(bh_json_str(trail, "0.text"), "connection added in the browser by ada");
	json_decref(trail);
	store_free(&txn);

	look(&browser, "/connections/eu?saved=1", 200);
	assert_page(&browser, "Saved. The source is being asked");
	assert_page(&browser, "&lt;b&gt;&quot;M\xc3\xbcller&quot;");
	lacks(&browser, "<b>\"M");
	assert_page(&browser, "stored; leave this empty to keep it");
	look(&browser, "/connections/eu/status.json", 200);
	assert_page(&browser, "\"probe.state\":\"busy\"");
	look(&browser, "/connections", 200);
	look(&browser, "/", 200);
	assert_page(&browser, "href=\"/connections/eu\"");
	close_browser(&browser);
}

static void
test_create_refused(void **state)
{
	static const struct {
		const char *driver, *fields, *error, *kept;
	} cases[] = {
	    {"stripe", "name=N&code=&set.api_key=" KEY, "The code must be", "value=\"N\""},
	    {"stripe", "name=N&code=A+b&set.api_key=" KEY, "The code must be", "value=\"A b\""},
	    {"stripe", "name=N&code=%22%3E%3Cscript%3E&set.api_key=" KEY, "The code must be",
		"value=\"&quot;&gt;&lt;script&gt;\""},
	    {"stripe", "name=N&code=new&set.api_key=" KEY, "The code must be", "value=\"new\""},
	    {"stripe", "name=N", "The code must be", "value=\"N\""},
	    {"stripe", "name=N&code=taken&set.api_key=" KEY,
		"There is a connection of the code taken already.", "value=\"taken\""},
	    {"stripe", "name=N&code=ok&set.mode=live&set.api_key=" KEY,
		"API key is not of the mode live", "<option value=\"live\" selected>"},
	    {"stripe", "name=N&code=ok&set.mode=warp&set.api_key=" KEY,
		"Mode must be one of: live test", "value=\"ok\""},
	    {"stripe", "name=N&code=ok", "the connection has no webhook secret", "value=\"ok\""},
	    {"stripe", "name=N&code=ok&set.exponents=%7Bbad&set.api_key=" KEY,
		"Decimals of currencies: this is no JSON", ">{bad</textarea>"},
	    {"stripe", "name=N&code=ok&set.exponents=%5B%5D&set.api_key=" KEY,
		"Decimals of currencies must be an object", ">[]</textarea>"},
	    {"stripe", "name=N&code=ok&set.exponents=7&set.api_key=" KEY,
		"Decimals of currencies must be a JSON object", ">7</textarea>"},
	    {"stripe",
		"name=N&code=ok&set.exponents=%3C%2Ftextarea%3E%3Cscript%3E&set.api_key=" KEY,
		"this is no JSON", ">&lt;/textarea&gt;&lt;script&gt;</textarea>"},
	    {"stripe", "name=N&code=ok&set.tolerance_s=soon&set.api_key=" KEY, "must be a number",
		"value=\"soon\""},
	    {"stripe", "name=N&code=ok&set.tolerance_s=-5&set.api_key=" KEY,
		"must be a number from 10 to 86400", "value=\"-5\""},
	    {"stripe", "name=N&code=ok&set.tolerance_s=99999999999999999999&set.api_key=" KEY,
		"must be a number", "value=\"99999999999999999999\""},
	    {"stripe", "name=N&code=ok&set.api_url=ftp%3A%2F%2Fx&set.api_key=" KEY,
		"Address of the API", "value=\"ftp://x\""},
	    {"stripe", "name=N&code=ok&set.unwrap=1&set.api_key=" KEY,
		"Token of wrapped events must have", "name=\"set.unwrap\" value=\"1\" checked"},
	    {"lostchurn", "name=N&code=ok", "Signing secret is missing", "value=\"ok\""},
	    {"generic", "name=N&code=ok&set.webhook=" SECRET "&set.scheme=", "Scheme is missing",
		"value=\"ok\""},
	};
	struct browser browser = open_at(*state, "ada", "/connections/new/stripe");
	struct account_connection connection = {0};

	connect((struct connection_case){.world = *state,
	    .code = "taken",
	    .driver = "salesforce",
	    .name = "CRM"});
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char uri[100];

		snprintf(uri, sizeof(uri), "/connections/new/%s", cases[i].driver);
		look(&browser, uri, 200);
		send(&browser, uri, cases[i].fields, 400);
		assert_page(&browser, "role=\"alert\"");
		assert_page(&browser, cases[i].error);
		assert_page(&browser, cases[i].kept);
		lacks(&browser, "<script>");
		/* What was typed as a secret is gone, and not said to be stored. */
		lacks(&browser, "stored; leave");
		if (strstr(cases[i].fields, "set.api_key") != NULL)
			assert_page(&browser, "Secrets have to be entered again.");
		assert_int_equal(load(*state, "ok", &connection), 0);
	}
	assert_int_equal(load(*state, "taken", &connection), 1);
	assert_false(connection.is_source);
	account_connection_release(&connection);
	look(&browser, "/connections/new/stripe", 200);
	send(&browser, "/connections/new/sap", "name=N&code=ok", 404);
	close_browser(&browser);
}

/* Who may look, who may press, who may save; and never without the form's token. */
static void
test_roles(void **state)
{
	static const struct {
		const char *user;
		int press, save;
	} people[] = {{"vic", 403, 403}, {"oda", 303, 403}, {"ada", 303, 303}};
	static const char *const forms[] = {"/connections/new/stripe", "/connections/eu",
	    "/connections/eu/test", "/connections/eu/start-backfill"};
	struct browser browser;

	make_source(*state);
	for (size_t i = 0; i < BH_LEN(people); i++) {
		char fields[200];

		browser = open_at(*state, people[i].user, "/connections/eu");
		look(&browser, "/connections/eu/status.json", 200);
		look(&browser, "/connections/eu", 200);
		assert_int_equal(strstr(browser.body, "action=\"/connections/eu/test\"") != NULL,
		    people[i].press == 303);
		assert_int_equal(strstr(browser.body, "Save and validate") != NULL,
		    people[i].save == 303);
		assert_int_equal(strstr(browser.body, "<fieldset disabled>") != NULL,
		    people[i].save == 403);
		send(&browser, "/connections/eu/test", "x=1", people[i].press);
		look(&browser, "/connections/eu", 200);
		send(&browser, "/connections/eu", "name=Money&set.mode=test", people[i].save);
		look(&browser, "/connections/eu", 200);
		snprintf(fields, sizeof(fields), "name=N&code=by-%s&set.api_key=" KEY,
		    people[i].user);
		send(&browser, "/connections/new/stripe", fields, people[i].save);
		close_browser(&browser);
	}
	browser = open_at(*state, "ada", "/connections/eu");
	for (size_t i = 0; i < BH_LEN(forms); i++) {
		ask(&browser, "POST", forms[i], GOOD);
		assert_int_equal(browser.status, 403);
		ask(&browser, "POST", forms[i], "token=0123456789abcdef0123456789abcdef&" GOOD);
		assert_int_equal(browser.status, 403);
	}
	close_browser(&browser);
	browser = open_browser(*state);
	ask(&browser, "GET", "/connections/eu", NULL);
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/login?next=%2Fconnections%2Feu");
	ask(&browser, "GET", "/connections/eu/status.json", NULL);
	assert_int_equal(browser.status, 401);
	ask(&browser, "POST", "/connections/eu", "token=x&name=N");
	assert_int_equal(browser.status, 303);
	close_browser(&browser);
}

/* -- saving -- */

static void
test_save(void **state)
{
	struct world *world = *state;
	struct account_connection connection = {0};
	struct browser browser;

	make_source(world);
	browser = open_at(world, "ada", "/connections/eu");
	/* Left empty: the secrets stay; ticked off: gone.  A setting left empty is left out. */
	send(&browser, "/connections/eu",
	    "name=New&set.api_key=&set.webhook=&set.mode=&set.account=acct_1", 303);
	assert_string_equal(browser.location, "/connections/eu?saved=1");
	assert_int_equal(load(world, "eu", &connection), 1);
	assert_string_equal(connection.name, "New");
	assert_string_equal(bh_json_str(connection.secrets, "api_key"), KEY);
	assert_string_equal(bh_json_str(connection.secrets, "webhook"), SECRET);
	assert_null(json_object_get(connection.settings, "mode"));
	assert_string_equal(bh_json_str(connection.settings, "account"), "acct_1");
	account_connection_release(&connection);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "value=\"acct_1\"");
	send(&browser, "/connections/eu", "name=New&drop.webhook=1", 303);
	assert_int_equal(load(world, "eu", &connection), 1);
	assert_null(json_object_get(connection.secrets, "webhook"));
	assert_string_equal(bh_json_str(connection.secrets, "api_key"), KEY);
	account_connection_release(&connection);
	/* The last one that it needs cannot be taken away. */
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/eu", "name=New&drop.api_key=1", 400);
	assert_page(&browser, "no webhook secret");
	assert_int_equal(load(world, "eu", &connection), 1);
	assert_string_equal(bh_json_str(connection.secrets, "api_key"), KEY);
	account_connection_release(&connection);
	close_browser(&browser);
}

static void
test_save_refused(void **state)
{
	struct world *world = *state;
	struct account_connection connection = {0};
	struct browser browser;

	make_source(world);
	browser = open_at(world, "ada", "/connections/eu");
	send(&browser, "/connections/eu",
	    "name=%3Ci%3E&set.mode=test&set.webhook=whsec_other&set.exponents=%7B%22UGX%22"
	    "&set.salesforce_id_key=sf",
	    400);
	assert_page(&browser, "Decimals of currencies: this is no JSON");
	assert_page(&browser, "Secrets have to be entered again.");
	assert_page(&browser, "value=\"&lt;i&gt;\"");
	assert_page(&browser, ">{&quot;UGX&quot;</textarea>");
	assert_page(&browser, "value=\"sf\"");
	assert_page(&browser, "<details open>\n<summary>More settings");
	assert_page(&browser, "aria-invalid=\"true\">{&quot;UGX");
	assert_page(&browser, "<h1>Money");
	lacks(&browser, "whsec_other");
	assert_int_equal(load(world, "eu", &connection), 1);
	assert_string_equal(connection.name, "Money");
	assert_string_equal(bh_json_str(connection.secrets, "webhook"), SECRET);
	account_connection_release(&connection);
	/* A page that says 400 has a token to go on with. */
	send(&browser, "/connections/eu", "name=Fine&set.mode=test", 303);
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/nobody", "name=N", 404);
	close_browser(&browser);
}

/* Saving keeps what errands learnt, and is the person's "try again" for a broken one. */
static void
test_save_heals(void **state)
{
	struct world *world = *state;
	struct account_connection connection = {0};
	struct store_txn *txn = store_begin(world->site.store);
	struct browser browser;

	make_source(world);
	assert_int_equal(load(world, "eu", &connection), 1);
	snprintf(connection.broken, sizeof(connection.broken), "<refused>");
	connection.learnt = json_pack("{s:s, s:s}", "endpoint_id", "we_1", "mode", "test");
	assert_int_equal(account_connection_save(txn, &world->site.key, &connection, NULL), 0);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	account_connection_release(&connection);
	browser = open_at(world, "ada", "/connections/eu");
	assert_page(&browser, "&lt;refused&gt;");
	send(&browser, "/connections/eu", "name=Money", 303);
	assert_int_equal(load(world, "eu", &connection), 1);
	assert_string_equal(connection.broken, "");
	assert_string_equal(bh_json_str(connection.learnt, "endpoint_id"), "we_1");
	account_connection_release(&connection);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "<span class=\"badge\">test</span>");
	close_browser(&browser);
}

static void
test_without_key_file(void **state)
{
	struct world *world = *state;
	struct browser browser;

	make_source(world);
	world->site.has_key = false;
	browser = open_at(world, "ada", "/connections/eu");
	unit_log_expected(true);
	send(&browser, "/connections/eu", "name=Other", 503);
	unit_log_expected(false);
	world->site.has_key = true;
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "<h1>Money");
	close_browser(&browser);
}

/* -- every driver -- */

/* Whatever its table says, or without one: the page shows, and its buttons say why they cannot. */
static void
test_every_driver(void **state)
{
	struct browser browser = open_browser(*state);

	sign_in(&browser, "ada");
	for (size_t i = 0; source_drivers()[i] != NULL; i++) {
		const struct source_driver *driver = source_drivers()[i];
		char uri[100], part[100];

		connect((struct connection_case){.world = *state,
		    .code = driver->name,
		    .driver = driver->name,
		    .name = "",
		    .is_source = true});
		snprintf(uri, sizeof(uri), "/connections/%s", driver->name);
		look(&browser, uri, 200);
		snprintf(part, sizeof(part), "http://localhost:8080/hook/%s</code>", driver->name);
		assert_page(&browser, part);
		assert_page(&browser, "Save and validate");
		assert_page(&browser, "No API key is stored");
		if (driver->pull != NULL)
			assert_page(&browser, "Store an API key under");
		else
			assert_page(&browser, "it only sends events");
		for (const struct setting *setting = driver->settings;
		     setting != NULL && setting->name != NULL; setting++) {
			snprintf(part, sizeof(part), "name=\"set.%s\"", setting->name);
			assert_page(&browser, part);
		}
	}
	connect((struct connection_case){.world = *state,
	    .code = "gone",
	    .driver = "withdrawn",
	    .name = "",
	    .is_source = true});
	look(&browser, "/connections/gone", 404);
	look(&browser, "/connections", 200);
	assert_page(&browser, "<td>withdrawn</td>");
	close_browser(&browser);
}

/* What holds without saying so is shown, and not stored. */
static void
test_fallbacks(void **state)
{
	static const struct setting settings[] = {
	    {.name = "on", .label = "On", .type = SETTING_BOOL, .fallback = "true"},
	    {.name = "off", .label = "Off", .type = SETTING_BOOL, .fallback = "false"},
	    {.name = "way",
		.label = "Way",
		.type = SETTING_CHOICE,
		.options = "auto left right",
		.fallback = "auto"},
	    {.name = NULL},
	};
	struct account_connection connection = {0};
	struct request request;
	json_t *view;

	(void)state;
	request_init(&request, 100);
	view = connection_form_view(settings, &connection, NULL, NULL);
	assert_true(bh_is_json_true(view, "0.is_on"));
	assert_false(bh_is_json_true(view, "1.is_on"));
	assert_int_equal(json_array_size(bh_json_at(view, "2.options")), 3);
	assert_true(bh_is_json_true(view, "2.options.0.is_chosen"));
	json_decref(view);
	assert_int_equal(request_fields_parse(&request.form, "set.on=1&set.way=auto", 21, NULL), 0);
	assert_int_equal(connection_form_read(settings, &request, &connection, NULL), 0);
	assert_int_equal(json_object_size(connection.settings), 0);
	request_fields_release(&request.form);
	assert_int_equal(request_fields_parse(&request.form, "set.off=1&set.way=left", 22, NULL),
	    0);
	assert_int_equal(connection_form_read(settings, &request, &connection, NULL), 0);
	assert_true(json_is_false(json_object_get(connection.settings, "on")));
	assert_true(json_is_true(json_object_get(connection.settings, "off")));
	assert_string_equal(bh_json_str(connection.settings, "way"), "left");
	view = connection_form_view(settings, &connection, NULL, NULL);
	assert_false(bh_is_json_true(view, "0.is_on"));
	assert_true(bh_is_json_true(view, "2.options.1.is_chosen"));
	json_decref(view);
	request_release(&request);
	account_connection_release(&connection);
}

/* -- walks -- */

static void
test_walks(void **state)
{
	static const struct {
		struct walk walk;
		const char *text[6], *not [3];
	} cases[] = {
	    {{.state = WALK_IDLE, .phase_total = -1},
		{">not begun<", ">Start<", "data-live-shown=\"backfill.can_pause\" hidden"},
		{"backfill.can_start\" hidden", "read in all"}},
	    {{.state = WALK_RUNNING,
		 .phase = "<i>nvoices",
		 .phase_number = 2,
		 .phases = 4,
		 .phase_read = 1200,
		 .phase_total = 4800,
		 .read = 3600,
		 .changed = 7,
		 .started_ms = 1000000 - 3600000,
		 .turned_ms = 1000000 - 10000,
		 .turned_read = 1600},
		{"Step 2 of 4, &lt;i&gt;nvoices: 1,200 of 4,800, 200 a second, over in 18 s.",
		    "3,600 read in all, 7 changed.", "value=\"31\"",
		    "data-live-shown=\"backfill.can_start\" hidden", ">reading<",
		    "data-live-shown=\"backfill.can_resume\" hidden"},
		{"backfill.can_pause\" hidden", "backfill.has_bar\" hidden"}},
	    {{.state = WALK_RUNNING,
		 .phase = "customers",
		 .phase_number = 1,
		 .phases = 1,
		 .phase_read = 10,
		 .phase_total = -1,
		 .waits_until_ms = 1000000 + 90000},
		{"Step 1 of 1, customers: 10. ", "asks for a pause; it goes on in 90 s",
		    "value=\"0\""},
		{" of -1", "a second"}},
	    {{.state = WALK_PAUSED, .phase_number = 2, .phases = 4, .phase_total = -1, .read = 5},
		{">paused<", "value=\"25\"", ">Start over<", "5 read in all"},
		{"backfill.can_resume\" hidden", "Step 2"}},
	    {{.state = WALK_FAILED, .phase_total = -1, .note = "the key <lacks> something"},
		{">stopped<", "the key &lt;lacks&gt; something",
		    "data-state=\"bad\" data-live-state=\"backfill.state\""},
		{"backfill.can_resume\" hidden"}},
	    {{.state = WALK_DONE, .phase_total = -1, .read = 99, .ended_ms = 1000000 - 7200000},
		{">done 2 h ago<", "99 read in all", ">Read again<", "backfill.has_bar\" hidden"},
		{"backfill.can_start\" hidden"}},
	};
	struct world *world = *state;
	struct browser browser;

	make_source(world);
	bh_clock_set(1000000 + 1795321771000);
	browser = open_at(world, "oda", "/connections/eu");
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct walk walk = cases[i].walk;
		int64_t *const times[] = {&walk.started_ms, &walk.turned_ms, &walk.ended_ms,
		    &walk.waits_until_ms};

		for (size_t j = 0; j < BH_LEN(times); j++)
			if (*times[j] != 0)
				*times[j] += 1795321771000;
		put_walk(world, "eu", WALK_BACKFILL, walk);
		look(&browser, "/connections/eu", 200);
		for (size_t j = 0; j < BH_LEN(cases[i].text) && cases[i].text[j] != NULL; j++)
			assert_page(&browser, cases[i].text[j]);
		for (size_t j = 0; j < BH_LEN(cases[i].not ) && cases[i].not [j] != NULL; j++)
			lacks(&browser, cases[i].not [j]);
	}
	assert_page(&browser, "By itself every 15 min.");
	bh_clock_set(0);
	close_browser(&browser);
}

static void
test_buttons(void **state)
{
	static const struct {
		const char *button;
		int status;
		enum walk_state after;
	} steps[] = {{"pause-backfill", 409, WALK_IDLE}, {"resume-backfill", 409, WALK_IDLE},
	    {"start-backfill", 303, WALK_RUNNING}, {"start-backfill", 303, WALK_RUNNING},
	    {"resume-backfill", 409, WALK_RUNNING}, {"pause-backfill", 303, WALK_PAUSED},
	    {"pause-backfill", 409, WALK_PAUSED}, {"resume-backfill", 303, WALK_RUNNING},
	    {"explode", 404, WALK_RUNNING}};
	struct world *world = *state;
	struct browser browser;
	struct walk walk;

	make_source(world);
	browser = open_at(world, "oda", "/connections/eu");
	for (size_t i = 0; i < BH_LEN(steps); i++) {
		char uri[100];

		snprintf(uri, sizeof(uri), "/connections/eu/%s", steps[i].button);
		look(&browser, "/connections/eu", 200);
		send(&browser, uri, "x=1", steps[i].status);
		if (steps[i].status == 303)
			assert_string_equal(browser.location, "/connections/eu");
		walk = walk_of(world, "eu", WALK_BACKFILL);
		assert_int_equal(walk.state, steps[i].after);
		walk_release(&walk);
	}
	/* The rate is that since it was last set going. */
	walk = walk_of(world, "eu", WALK_BACKFILL);
	assert_true(walk.turned_ms >= walk.started_ms && walk.started_ms > 0);
	walk.state = WALK_PAUSED;
	walk.read = 77;
	walk.turned_ms = 1;
	put_walk(world, "eu", WALK_BACKFILL, walk);
	walk_release(&walk);
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/eu/resume-backfill", "x=1", 303);
	walk = walk_of(world, "eu", WALK_BACKFILL);
	assert_int_equal(walk.turned_read, 77);
	assert_true(walk.turned_ms >= walk.started_ms);
	walk_release(&walk);
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/eu/start-catchup", "x=1", 303);
	walk = walk_of(world, "eu", WALK_CATCHUP);
	assert_int_equal(walk.state, WALK_RUNNING);
	walk_release(&walk);
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/eu/pause-catchup", "x=1", 303);
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/eu/resume-catchup", "x=1", 303);
	/* What a driver cannot do is said; a CRM is no source. */
	connect((struct connection_case){.world = world,
	    .code = "events",
	    .driver = "generic",
	    .name = "",
	    .is_source = true});
	connect((struct connection_case){.world = world,
	    .code = "crm",
	    .driver = "hubspot",
	    .name = ""});
	look(&browser, "/connections/events", 200);
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/events/start-backfill", "x=1", 409);
	assert_page(&browser, "it only sends events");
	look(&browser, "/connections/eu", 200);
	/* What a source has, a CRM has not. */
	send(&browser, "/connections/crm/start-backfill", "x=1", 404);
	look(&browser, "/connections/none", 404);
	look(&browser, "/connections/none/status.json", 404);
	look(&browser, "/connections/eu/explode", 405);
	close_browser(&browser);
}

/* -- errands -- */

static void
test_probe(void **state)
{
	struct world *world = *state;
	struct browser browser;
	int64_t now = bh_now_ms();

	make_source(world);
	browser = open_at(world, "oda", "/connections/eu");
	assert_page(&browser, "Asking \xe2\x80\xa6");
	put_errand(world, "eu", ERRAND_PROBE,
	    "{\"name\": \"<Acme>\", \"id\": \"acct_1\", \"mode\": \"test\", \"detail\": \"EUR\", "
	    "\"missing\": [\"rak_charge_read\", \"<x>\", 7]}",
	    NULL, now - 600000);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "&lt;Acme&gt; (acct_1), EUR");
	assert_page(&browser, "asked 10 min ago");
	assert_page(&browser, "The key lacks permissions");
	assert_page(&browser, "<code>rak_charge_read</code>");
	assert_page(&browser, "<code>&lt;x&gt;</code>");
	put_errand(world, "eu", ERRAND_PROBE, "{}", NULL, now);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, ">It answers<");
	lacks(&browser, "lacks permissions");
	put_errand(world, "eu", ERRAND_PROBE, NULL, "the key is <refused>", now);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "the key is &lt;refused&gt;");
	assert_page(&browser, "data-state=\"bad\" data-live-state=\"probe.state\"");
	send(&browser, "/connections/eu/test", "x=1", 303);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "Asking \xe2\x80\xa6");
	close_browser(&browser);
}

static void
test_webhook(void **state)
{
	struct world *world = *state;
	struct browser browser;

	make_source(world);
	free(world->conf.public_url);
	world->conf.public_url = bh_xstrdup("https://bill.example.com/x");
	browser = open_at(world, "oda", "/connections/eu");
	assert_page(&browser, "<code class=\"url\">https://bill.example.com/x/hook/eu</code>");
	assert_page(&browser, "Not looked at yet.");
	lacks(&browser, "as you opened this page");
	/* By hand: the steps with the address in them. */
	assert_page(&browser, "enter this address: <code class=\"url\">https://bill.example.com");
	put_errand(world, "eu", ERRAND_ENDPOINTS, "[{\"id\": \"we_9\", \"url\": \"https://<o>\"}]",
	    NULL, 1000);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "There is no webhook with this address.");
	assert_page(&browser, "<code>https://&lt;o&gt;</code>");
	put_errand(world, "eu", ERRAND_ENDPOINTS,
	    "[{\"url\": \"https://a\"}, {\"url\": \"https://b\", \"ours\": true, "
	    "\"problem\": \"is <disabled>\"}]",
	    NULL, 2000);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "is &lt;disabled&gt;");
	assert_page(&browser, "<code>https://a</code>");
	lacks(&browser, "<code>https://b</code>");
	put_errand(world, "eu", ERRAND_REGISTER, "{\"id\": \"we_1\"}", NULL, 3000);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "The webhook is made.");
	put_errand(world, "eu", ERRAND_ENDPOINTS, "[{\"url\": \"u\", \"ours\": true}]", NULL, 4000);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "The webhook is in order.");
	assert_page(&browser, ">Save the choice there</button>");
	put_errand(world, "eu", ERRAND_REMOVE, "{\"removed\": true}", NULL, 5000);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "The webhook was taken away.");
	assert_page(&browser, ">Make the webhook</button>");
	put_errand(world, "eu", ERRAND_REGISTER, NULL, "rak_<write> is missing", 6000);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "rak_&lt;write&gt; is missing");
	send(&browser, "/connections/eu/endpoints", "x=1", 303);
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/eu/unregister", "x=1", 303);
	close_browser(&browser);
}

static void
test_without_address(void **state)
{
	struct browser browser;

	make_source(*state);
	browser = open_at(*state, "ada", "/connections/eu");
	assert_page(&browser, "The address is as you opened this page.");
	lacks(&browser, "Make the webhook<");
	assert_page(&browser, "<details open>\n<summary>Make it by hand");
	browser.host = "\"><script>";
	look(&browser, "/connections/eu", 200);
	lacks(&browser, "<script>");
	assert_page(&browser, "<code class=\"url\">/hook/eu</code>");
	close_browser(&browser);
}

static void
test_choice_of_events(void **state)
{
	struct world *world = *state;
	struct browser browser;
	struct errand errand;
	struct account_connection connection = {0};
	struct store_txn *txn;

	make_source(world);
	free(world->conf.public_url);
	world->conf.public_url = bh_xstrdup("https://bill.example.com");
	browser = open_at(world, "oda", "/connections/eu");
	assert_page(&browser, "name=\"event.customer.created\" value=\"1\" checked");
	assert_page(&browser, "name=\"event.invoice.created\" value=\"1\"> ");
	/* Only types that there are; none is no choice. */
	send(&browser, "/connections/eu/register",
	    "event.customer.created=1&event.invoice.paid=1&event.evil=1&event.=1", 303);
	errand = errand_of(world, "eu", ERRAND_REGISTER);
	assert_true(errand.is_open);
	assert_int_equal(json_array_size(json_object_get(errand.ask, "events")), 2);
	assert_string_equal(bh_json_str(errand.ask, "events.0"), "customer.created");
	assert_string_equal(bh_json_str(errand.ask, "events.1"), "invoice.paid");
	errand_release(&errand);
	look(&browser, "/connections/eu", 200);
	send(&browser, "/connections/eu/register", "x=1", 303);
	errand = errand_of(world, "eu", ERRAND_REGISTER);
	assert_null(errand.ask);
	errand_release(&errand);
	/* What was registered is what is chosen. */
	assert_int_equal(load(world, "eu", &connection), 1);
	connection.learnt = json_pack("{s:[s]}", "events", "invoice.paid");
	txn = store_begin(world->site.store);
	assert_int_equal(account_connection_save(txn, &world->site.key, &connection, NULL), 0);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	account_connection_release(&connection);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "(1 chosen)");
	assert_page(&browser, "name=\"event.invoice.paid\" value=\"1\" checked");
	lacks(&browser, "name=\"event.customer.created\" value=\"1\" checked");
	close_browser(&browser);
}

/* -- the live page -- */

static void
test_live_keys(void **state)
{
	static const char *const names[] = {"data-live", "data-live-state", "data-live-shown",
	    "data-live-value"};
	struct browser browser;
	char *html;
	json_t *live;
	size_t n = 0;

	make_source(*state);
	browser = open_at(*state, "oda", "/connections/eu");
	html = bh_xstrdup(browser.body);
	look(&browser, "/connections/eu/status.json", 200);
	assert_int_equal(bh_json_parse(browser.body, strlen(browser.body), &live, NULL), 0);
	for (size_t i = 0; i < BH_LEN(names); i++) {
		char pattern[40];

		snprintf(pattern, sizeof(pattern), " %s=\"", names[i]);
		for (const char *at = html; (at = strstr(at, pattern)) != NULL; n++) {
			char key[100];

			at += strlen(pattern);
			snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, "\""), at);
			if (json_object_get(live, key) == NULL)
				fail_msg("status.json has no %s", key);
		}
	}
	assert_in_range(n, 20, 100);
	assert_page(&browser, "\"newest\":");
	free(html);
	json_decref(live);
	close_browser(&browser);
}

static void
test_many_wants(void **state)
{
	struct world *world = *state;
	struct store_txn *txn = store_begin(world->site.store);
	struct browser browser;

	make_source(world);
	for (int i = 0; i < 10001; i++) {
		char id[16];

		snprintf(id, sizeof(id), "p%05d", i);
		want_put(txn, "eu", "price", "", id, NULL);
		if (i % 1000 == 0 || i == 10000)
			assert_int_equal(store_commit(txn, NULL, NULL), 0);
		if (i == 1) {
			browser = open_at(world, "vic", "/connections/eu");
			assert_page(&browser, "1 single object waits");
			assert_page(&browser, "No event came twice.");
		}
	}
	assert_int_equal(journal_count_duplicates(txn, "eu", 1, NULL), 0);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	look(&browser, "/connections/eu", 200);
	assert_page(&browser, "10,000+ single objects wait");
	assert_page(&browser, "1 repeated event was acknowledged and dropped.");
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_list), TEST(test_card_states),
	    TEST(test_new_form), TEST(test_create), TEST(test_create_refused), TEST(test_roles),
	    TEST(test_save), TEST(test_save_refused), TEST(test_save_heals),
	    TEST(test_without_key_file), TEST(test_every_driver), cmocka_unit_test(test_fallbacks),
	    TEST(test_walks), TEST(test_buttons), TEST(test_probe), TEST(test_webhook),
	    TEST(test_without_address), TEST(test_choice_of_events), TEST(test_live_keys),
	    TEST(test_many_wants)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
