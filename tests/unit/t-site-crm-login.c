/* web/page_crm_login: a person lets Billhook into a CRM. */
#include "crm-unit.h"

/* Presses the button and takes the state out of the address that is shown. */
static void
begin(struct browser *browser, char state[BH_ID_LEN + 1])
{
	const char *at;

	look(browser, "/connections/sf", 200);
	post(browser, "/connections/sf/login", "x=1");
	check_answer(browser, "login", 200);
	at = strstr(browser->body, "/authorize?state=");
	assert_non_null(at);
	snprintf(state, BH_ID_LEN + 1, "%s", at + strlen("/authorize?state="));
	assert_int_equal(strspn(state, "abcdefghijklmnopqrstuvwxyz234567"), BH_ID_LEN);
}

static void
come_back(struct browser *browser, const char *state, const char *rest, int status)
{
	char *uri = bh_xasprintf("/oauth/callback?state=%s&%s", state, rest);

	ask(browser, "GET", uri, NULL);
	check_answer(browser, "/oauth/callback", status);
	lacks(browser, state);
	free(uri);
}

static int
load_login(struct world *world, const char *state, struct account_login *login)
{
	struct store_txn *txn = store_begin(world->site.store);
	int rc = account_login_load(txn, &world->site.key, state, login, NULL);

	store_free(&txn);
	return rc;
}

static void
test_login(void **state)
{
	struct world *world = *state;
	struct account_login login;
	struct browser browser;
	struct errand errand;
	char id[BH_ID_LEN + 1];

	crm_put(world, "CRM", NULL);
	browser = open_at(world, "ada", "/connections/sf");
	begin(&browser, id);
	/* A plain link: forms may not lead to elsewhere. */
	assert_page(&browser,
	    "<a class=\"button\" href=\"https://crm.example.com/authorize?state=");
	assert_page(&browser, "http%3A%2F%2Flocalhost%3A8080%2Foauth%2Fcallback");
	assert_page(&browser, "<b>crm.example.com</b>");
	assert_trail(world, "login", "begun in the browser by ada");
	assert_int_equal(load_login(world, id, &login), 1);
	assert_string_equal(login.connection, "sf");
	assert_string_equal(login.user, "ada");
	assert_string_equal(login.redirect_uri, "http://localhost:8080/oauth/callback");
	assert_in_range(login.expires_ms - bh_now_ms(), 14 * 60 * 1000, 15 * 60 * 1000);
	assert_null(strstr(browser.body, login.verifier));
	come_back(&browser, id, "code=aPrx%3D%3D", 303);
	assert_string_equal(browser.location, "/connections/sf");
	assert_trail(world, "login", "allowed in the browser by ada");
	assert_int_equal(load_login(world, id, &login), 1);
	assert_string_equal(login.code, "aPrx==");
	errand = errand_of(world, ERRAND_LOGIN);
	assert_true(errand.is_open);
	assert_string_equal(bh_json_str(errand.ask, "login"), id);
	errand_release(&errand);
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "Logging in \xe2\x80\xa6");
	lacks(&browser, "Nobody has let Billhook in");
	/* Once only. */
	come_back(&browser, id, "code=other", 400);
	assert_page(&browser, "This login is not known here");
	assert_int_equal(load_login(world, id, &login), 1);
	assert_string_equal(login.code, "aPrx==");
	/* What came of it is what the page says, as long as it is the newer. */
	crm_put_errand(world, ERRAND_LOGIN, "{\"name\": \"Example\", \"mode\": \"live\"}", NULL,
	    bh_now_ms());
	look(&browser, "/connections/sf", 200);
	assert_page(&browser, "data-live=\"who.text\">Example</span>");
	assert_page(&browser, "<span class=\"badge\">live</span>");
	close_browser(&browser);
}

static void
test_login_refused(void **state)
{
	static const struct {
		const char *query, *text;
	} cases[] = {
	    {"error=access_denied&error_description=end-user+denied+authorization",
		"The access was not allowed"},
	    {"error=OAUTH_APPROVAL_ERROR_GENERIC&error_description=x", "The app is not installed"},
	    {"error=redirect_uri_mismatch", "another callback URL"},
	    {"error=odd_thing&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
		"refused: &lt;script&gt;alert(1)"},
	    {"error=%3Ci%3E", "refused: &lt;i&gt;"},
	    {"error=access_denied&code=smuggled", "The access was not allowed"},
	};
	struct world *world = *state;
	struct account_login login;
	struct browser browser;
	char id[BH_ID_LEN + 1];

	crm_put(world, "CRM", NULL);
	browser = open_at(world, "ada", "/connections/sf");
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		begin(&browser, id);
		come_back(&browser, id, cases[i].query, 400);
		assert_page(&browser, cases[i].text);
		assert_page(&browser, "<a href=\"/connections/sf\">");
		lacks(&browser, "<script>");
		lacks(&browser, "<i>");
		assert_trail(world, "login", "refused in the browser by ada");
		assert_int_equal(load_login(world, id, &login), 0);
		come_back(&browser, id, "code=late", 400);
		assert_page(&browser, "This login is not known here");
	}
	assert_false(is_asked(world, ERRAND_LOGIN));
	crm_put(world, "CRM", "https://refuses.example.com");
	look(&browser, "/connections/sf", 200);
	post(&browser, "/connections/sf/login", "x=1");
	check_answer(&browser, "refusing driver", 409);
	assert_page(&browser, "the login address &lt;refuses&gt;");
	look(&browser, "/connections/sf", 200);
	crm_put(world, "CRM", "javascript:alert(1)//");
	post(&browser, "/connections/sf/login", "x=1");
	check_answer(&browser, "a driver that leads astray", 409);
	assert_page(&browser, "no address of the web");
	close_browser(&browser);
}

static void
expire(struct world *world, const char *state)
{
	struct account_login login;
	struct store_txn *txn = store_begin(world->site.store);

	assert_int_equal(account_login_load(txn, &world->site.key, state, &login, NULL), 1);
	login.expires_ms = bh_now_ms() - 1;
	account_login_save(txn, &world->site.key, state, &login);
	crm_commit(&txn);
}

static void
add_admin(struct world *world, const char *name)
{
	struct account_user user = {.role = ACCOUNT_ADMIN, .hash = bh_password_hash(PASSWORD)};
	struct store_txn *txn = store_begin(world->site.store);

	snprintf(user.name, sizeof(user.name), "%s", name);
	account_user_save(txn, &user);
	crm_commit(&txn);
	account_user_release(&user);
}

/* A login belongs to who began it, for a while; nothing else counts. */
static void
test_login_strangers(void **state)
{
	static const char *const queries[] = {"", "?code=x", "?state=&code=x",
	    "?error=access_denied", "?state=aaaaaaaaaaaaaaaaaaaaaaaa&code=x",
	    "?state=a&error=access_denied"};
	struct world *world = *state;
	struct browser browser, other;
	struct account_login login;
	char id[BH_ID_LEN + 1], uri[120], *large = bh_xcalloc(1, 2200);

	crm_put(world, "CRM", NULL);
	browser = open_at(world, "ada", "/connections/sf");
	begin(&browser, id);
	for (size_t i = 0; i < BH_LEN(queries); i++) {
		snprintf(uri, sizeof(uri), "/oauth/callback%s", queries[i]);
		look(&browser, uri, 400);
		assert_page(&browser, "This login is not known here");
	}
	memcpy(large, "code=", 5);
	memset(large + 5, 'x', 2100);
	come_back(&browser, id, large, 400);
	/* Another administrator, and those who are none. */
	other = open_browser(world);
	add_admin(world, "eve");
	sign_in(&other, "eve");
	come_back(&other, id, "code=theirs", 400);
	come_back(&other, id, "error=access_denied", 400);
	close_browser(&other);
	other = open_at(world, "oda", "/connections/sf");
	come_back(&other, id, "code=theirs", 403);
	close_browser(&other);
	assert_int_equal(load_login(world, id, &login), 1);
	assert_string_equal(login.code, "");
	assert_false(is_asked(world, ERRAND_LOGIN));
	expire(world, id);
	come_back(&browser, id, "code=late", 400);
	assert_false(is_asked(world, ERRAND_LOGIN));
	free(large);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_login), TEST(test_login_refused),
	    TEST(test_login_strangers)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
