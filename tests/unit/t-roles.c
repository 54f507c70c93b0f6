/*
 * Every route with every role and without a session.  The table says who may;
 * a route that is not in it fails.  With what is asked here some answer 404 or
 * 409: what counts is whether they let the person in.
 */
#include "preview-unit.h"

#define EVERYBODY ACCOUNT_NOBODY

static const struct {
	const char *method, *pattern, *uri;
	enum account_role least;
} expected[] = {
    {"GET", "/", "/", ACCOUNT_VIEWER},
    {"GET", "/status.json", "/status.json", ACCOUNT_VIEWER},
    {"GET", "/connections", "/connections", ACCOUNT_VIEWER},
    {"GET", "/connections/new/:driver", "/connections/new/stripe", ACCOUNT_VIEWER},
    {"POST", "/connections/new/:driver", "/connections/new/stripe", ACCOUNT_ADMIN},
    {"GET", "/connections/:connection", "/connections/eu", ACCOUNT_VIEWER},
    {"POST", "/connections/:connection", "/connections/eu", ACCOUNT_ADMIN},
    {"GET", "/connections/:connection/status.json", "/connections/eu/status.json", ACCOUNT_VIEWER},
    {"POST", "/connections/:connection/:action", "/connections/eu/test", ACCOUNT_OPERATOR},
    {"GET", "/syncs", "/syncs", ACCOUNT_VIEWER},
    {"GET", "/syncs/status.json", "/syncs/status.json", ACCOUNT_VIEWER},
    {"GET", "/syncs/new", "/syncs/new", ACCOUNT_VIEWER},
    {"POST", "/syncs/new", "/syncs/new", ACCOUNT_ADMIN},
    {"GET", "/syncs/:sync", "/syncs/eu-box", ACCOUNT_VIEWER},
    {"POST", "/syncs/:sync", "/syncs/eu-box", ACCOUNT_ADMIN},
    {"GET", "/syncs/:sync/status.json", "/syncs/eu-box/status.json", ACCOUNT_VIEWER},
    {"POST", "/syncs/:sync/start", "/syncs/eu-box/start", ACCOUNT_ADMIN},
    {"POST", "/syncs/:sync/pause", "/syncs/eu-box/pause", ACCOUNT_OPERATOR},
    {"POST", "/syncs/:sync/resume", "/syncs/eu-box/resume", ACCOUNT_OPERATOR},
    {"POST", "/syncs/:sync/resync/:turn", "/syncs/eu-box/resync/begin", ACCOUNT_OPERATOR},
    {"POST", "/syncs/:sync/delete", "/syncs/eu-box/delete", ACCOUNT_ADMIN},
    {"GET", "/syncs/:sync/preview", "/syncs/eu-box/preview", ACCOUNT_VIEWER},
    {"GET", "/syncs/:sync/preview/status.json", "/syncs/eu-box/preview/status.json",
	ACCOUNT_VIEWER},
    {"POST", "/syncs/:sync/preview/:action", "/syncs/eu-box/preview/begin", ACCOUNT_OPERATOR},
    {"GET", "/syncs/:sync/audit", "/syncs/eu-box/audit", ACCOUNT_VIEWER},
    {"GET", "/syncs/:sync/audit.csv", "/syncs/eu-box/audit.csv", ACCOUNT_VIEWER},
    {"GET", "/syncs/:sync/audit/status.json", "/syncs/eu-box/audit/status.json", ACCOUNT_VIEWER},
    {"POST", "/syncs/:sync/audit/:action", "/syncs/eu-box/audit/begin", ACCOUNT_OPERATOR},
    {"GET", "/syncs/:sync/undo", "/syncs/eu-box/undo", ACCOUNT_VIEWER},
    {"GET", "/syncs/:sync/undo/status.json", "/syncs/eu-box/undo/status.json", ACCOUNT_VIEWER},
    {"POST", "/syncs/:sync/undo/:action", "/syncs/eu-box/undo/stop", ACCOUNT_OPERATOR},
    {"GET", "/oauth/callback", "/oauth/callback", ACCOUNT_ADMIN},
    {"GET", "/activity", "/activity", ACCOUNT_VIEWER},
    {"GET", "/activity/status.json", "/activity/status.json", ACCOUNT_VIEWER},
    {"POST", "/activity/replay", "/activity/replay", ACCOUNT_OPERATOR},
    {"GET", "/activity/:stamp", "/activity/77", ACCOUNT_VIEWER},
    {"POST", "/activity/:stamp", "/activity/77", ACCOUNT_OPERATOR},
    {"GET", "/syncs/:sync/mapping", "/syncs/eu-box/mapping", ACCOUNT_VIEWER},
    {"POST", "/syncs/:sync/mapping", "/syncs/eu-box/mapping", ACCOUNT_ADMIN},
    {"GET", "/syncs/:sync/mapping.json", "/syncs/eu-box/mapping.json", ACCOUNT_VIEWER},
    {"GET", "/syncs/:sync/mapping/status.json", "/syncs/eu-box/mapping/status.json",
	ACCOUNT_VIEWER},
    {"GET", "/syncs/:sync/mapping/:object", "/syncs/eu-box/mapping/company", ACCOUNT_VIEWER},
    {"POST", "/syncs/:sync/mapping/:object", "/syncs/eu-box/mapping/company", ACCOUNT_ADMIN},
    {"POST", "/syncs/:sync/mapping/:object/try.json", "/syncs/eu-box/mapping/company/try.json",
	ACCOUNT_ADMIN},
    {"GET", "/customers", "/customers", ACCOUNT_VIEWER},
    {"GET", "/customers/:connection", "/customers/eu?id=cus_1", ACCOUNT_VIEWER},
    {"POST", "/customers/:connection", "/customers/eu?id=cus_1", ACCOUNT_OPERATOR},
    {"GET", "/records/:sync/:object", "/records/eu-box/company?id=cus_1", ACCOUNT_VIEWER},
    {"POST", "/records/:sync/:object", "/records/eu-box/company?id=cus_1", ACCOUNT_OPERATOR},
    {"GET", "/problems", "/problems", ACCOUNT_VIEWER},
    {"GET", "/problems/:crm/:sync/:object", "/problems/box/eu-box/company?code=x", ACCOUNT_VIEWER},
    {"POST", "/problems/:crm/:sync/:object", "/problems/box/eu-box/company?code=x",
	ACCOUNT_OPERATOR},
    {"GET", "/automations", "/automations", ACCOUNT_VIEWER},
    {"GET", "/automations/new/:preset", "/automations/new/renewal", ACCOUNT_VIEWER},
    {"POST", "/automations/new/:preset", "/automations/new/renewal", ACCOUNT_ADMIN},
    {"GET", "/automations/:automation", "/automations/none", ACCOUNT_VIEWER},
    {"GET", "/automations/:automation/status.json", "/automations/none/status.json",
	ACCOUNT_VIEWER},
    {"POST", "/automations/:automation", "/automations/none", ACCOUNT_ADMIN},
    {"POST", "/automations/:automation/:action", "/automations/none/test", ACCOUNT_OPERATOR},
    {"GET", "/revenue", "/revenue", ACCOUNT_VIEWER},
    {"POST", "/revenue", "/revenue", ACCOUNT_OPERATOR},
    {"GET", "/revenue/status.json", "/revenue/status.json", ACCOUNT_VIEWER},
    {"GET", "/revenue/movements.csv", "/revenue/movements.csv", ACCOUNT_VIEWER},
    {"GET", "/alerts", "/alerts", ACCOUNT_VIEWER},
    {"POST", "/alerts", "/alerts", ACCOUNT_ADMIN},
    {"GET", "/alerts/new/:kind", "/alerts/new/email", ACCOUNT_VIEWER},
    {"POST", "/alerts/new/:kind", "/alerts/new/email", ACCOUNT_ADMIN},
    {"GET", "/alerts/:target", "/alerts/none", ACCOUNT_VIEWER},
    {"POST", "/alerts/:target", "/alerts/none", ACCOUNT_ADMIN},
    {"POST", "/alerts/:target/test", "/alerts/none/test", ACCOUNT_OPERATOR},
    {"POST", "/alerts/:target/remove", "/alerts/none/remove", ACCOUNT_ADMIN},
    {"GET", "/setup", "/setup", EVERYBODY},
    {"POST", "/setup", "/setup", EVERYBODY},
    {"POST", "/setup/dismiss", "/setup/dismiss", ACCOUNT_ADMIN},
    {"GET", "/settings", "/settings", ACCOUNT_VIEWER},
    {"POST", "/settings/password", "/settings/password", ACCOUNT_VIEWER},
    {"POST", "/settings/sessions", "/settings/sessions", ACCOUNT_VIEWER},
    {"POST", "/settings/users", "/settings/users", ACCOUNT_ADMIN},
    {"POST", "/settings/monitor", "/settings/monitor", ACCOUNT_ADMIN},
    {"GET", "/settings/users/:user", "/settings/users/vic", ACCOUNT_ADMIN},
    {"POST", "/settings/users/:user/:action", "/settings/users/vic/role", ACCOUNT_ADMIN},
    {"GET", "/settings/audit", "/settings/audit", ACCOUNT_ADMIN},
    {"GET", "/settings/options", "/settings/options", ACCOUNT_ADMIN},
    {"POST", "/settings/options", "/settings/options", ACCOUNT_ADMIN},
    {"GET", "/settings/backup", "/settings/backup", ACCOUNT_ADMIN},
    {"GET", "/settings/backup/status.json", "/settings/backup/status.json", ACCOUNT_ADMIN},
    {"POST", "/settings/backup/:action", "/settings/backup/make", ACCOUNT_ADMIN},
    {"GET", "/settings/person", "/settings/person", ACCOUNT_ADMIN},
    {"GET", "/settings/person/status.json", "/settings/person/status.json", ACCOUNT_ADMIN},
    {"GET", "/settings/person/erase", "/settings/person/erase", ACCOUNT_ADMIN},
    {"POST", "/settings/person/:action", "/settings/person/look", ACCOUNT_ADMIN},
    {"GET", "/settings/configuration", "/settings/configuration", ACCOUNT_ADMIN},
    {"POST", "/settings/configuration", "/settings/configuration", ACCOUNT_ADMIN},
    {"GET", "/settings/configuration.json", "/settings/configuration.json", ACCOUNT_ADMIN},
    {"GET", "/login", "/login", EVERYBODY},
    {"POST", "/login", "/login", EVERYBODY},
    {"POST", "/logout", "/logout", ACCOUNT_VIEWER},
    {"GET", "/healthz", "/healthz", EVERYBODY},
    {"GET", "/metrics", "/metrics", EVERYBODY},
    {"GET", "/static/:name", "/static/style.css", EVERYBODY},
    {"POST", "/hook/:connection", "/hook/nobody", EVERYBODY},
};

#define REFUSED "Your role does not include this."
#define NO_TOKEN "This form is too old"

static void
set_up(struct world *world)
{
	struct browser browser;

	connect((struct connection_case){.world = world,
	    .code = "eu",
	    .driver = "stripe",
	    .name = "Money",
	    .environment = "test",
	    .is_source = true});
	connect((struct connection_case){.world = world,
	    .code = "box",
	    .driver = "sandbox",
	    .name = "Box"});
	browser = open_at(world, "ada", "/syncs/new");
	send(&browser, "/syncs/new", "code=eu-box&from=eu&to=box&preset=stripe-hubspot", 303);
	close_browser(&browser);
}

static void
test_table(void **state BH_UNUSED)
{
	const struct route *routes;
	size_t n;

	routes = site_routes(&n);
	assert_int_equal(n, BH_LEN(expected));
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < n && (strcmp(expected[k].pattern, routes[i].pattern) != 0 ||
				    strcmp(expected[k].method, routes[i].method) != 0))
			k++;
		if (k == n)
			fail_msg("%s %s is not in the table of this test", routes[i].method,
			    routes[i].pattern);
	}
}

static bool
is_get(size_t i)
{
	return strcmp(expected[i].method, "GET") == 0;
}

/* Leads the answer to the login page?  (/setup does too where there is an administrator.) */
static bool
is_login_asked(const struct browser *browser, size_t i, bool is_nobody)
{
	if (browser->status == 401)
		return strstr(browser->body, "not signed in") != NULL;
	return browser->status == 303 && strncmp(browser->location, "/login", 6) == 0 &&
	       (is_nobody || strcmp(expected[i].uri, "/logout") != 0) &&
	       strcmp(expected[i].uri, "/setup") != 0;
}

/* One route in a browser that is signed in with a role, or as nobody. */
static void
try_route(struct browser *browser, size_t i, enum account_role role, bool has_token)
{
	bool is_nobody = role == ACCOUNT_NOBODY, is_refused, is_asked;

	if (is_get(i))
		ask(browser, "GET", expected[i].uri, NULL);
	else if (has_token)
		post(browser, expected[i].uri, "x=1");
	else
		ask(browser, "POST", expected[i].uri, "x=1");
	is_asked = is_login_asked(browser, i, is_nobody);
	is_refused = browser->status == 403 && strstr(browser->body, REFUSED) != NULL;
	if (is_asked != (is_nobody && expected[i].least > EVERYBODY) ||
	    is_refused != (!is_nobody && role < expected[i].least))
		fail_msg("%s %s as %s: %d %s", expected[i].method, expected[i].uri,
		    account_role_name(role), browser->status, browser->body);
	/* A webhook has no token; without a keeper of its own it is put off here. */
	if (strncmp(expected[i].uri, "/hook/", 6) == 0)
		return;
	assert_true(browser->status < 500);
	if (!is_get(i) && !has_token && !is_asked && !is_refused) {
		check_answer(browser, expected[i].uri, 403);
		assert_page(browser, NO_TOKEN);
	}
}

static void
test_each(void **state, const char *name, enum account_role role)
{
	struct browser browser = open_browser(*state);

	set_up(*state);
	if (name != NULL)
		sign_in(&browser, name);
	for (size_t i = 0; i < BH_LEN(expected); i++) {
		try_route(&browser, i, role, false);
		ask(&browser, "GET", name != NULL ? "/settings" : "/login", NULL);
		try_route(&browser, i, role, true);
		if (name != NULL && strcmp(expected[i].uri, "/logout") == 0)
			sign_in(&browser, name);
	}
	close_browser(&browser);
}

static void
test_nobody(void **state)
{
	test_each(state, NULL, ACCOUNT_NOBODY);
}

static void
test_viewer(void **state)
{
	test_each(state, "vic", ACCOUNT_VIEWER);
}

static void
test_operator(void **state)
{
	test_each(state, "oda", ACCOUNT_OPERATOR);
}

static void
test_admin(void **state)
{
	test_each(state, "ada", ACCOUNT_ADMIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    TEST(test_nobody),
	    TEST(test_viewer),
	    TEST(test_operator),
	    TEST(test_admin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
