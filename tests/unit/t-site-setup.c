/* web/page_setup, setup_facts, state/first: from nobody to the first sync that runs. */
#include <sys/stat.h>

#include <unistd.h>

#include "crm-unit.h"
#include "state/first.h"
#include "state/journal.h"
#include "state/schema.h"

#define GOOD "&name=ada&password=correct+horse&again=correct+horse"

/* -- helpers -- */

struct first {
	struct world *world;
	char dir[32], *path, code[FIRST_CODE_TEXT];
	struct browser browser;
};

/* A new installation, with the form before us. */
static struct first
begin(struct world *world)
{
	struct first first = {.world = world, .browser = open_browser(world)};

	empty_world(world, first.dir);
	first.path = bh_xasprintf("%s/setup-code", first.dir);
	look(&first.browser, "/setup", 200);
	assert_int_equal(first_code(first.dir, first.code, NULL), 0);
	return first;
}

static void
end(struct first *first)
{
	unlink(first->path);
	assert_int_equal(rmdir(first->dir), 0);
	free(first->path);
	close_browser(&first->browser);
}

static void
try(struct first *first, const char *code, const char *fields, int status)
{
	char *form = bh_xasprintf("code=%s%s", code, fields);

	post(&first->browser, "/setup", form);
	check_answer(&first->browser, form, status);
	free(form);
}

static enum account_role
role_of(struct world *world, const char *name)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct account_user user;
	enum account_role role = ACCOUNT_NOBODY;

	if (account_user_load(txn, name, &user, NULL) > 0) {
		role = user.role;
		account_user_release(&user);
	}
	store_free(&txn);
	return role;
}

/* Of the step of that title, "done" or what else. */
static void
assert_step(struct browser *browser, const char *title, const char *word)
{
	char *head = bh_xasprintf("<h2>%s <span class=\"state\"", title);
	const char *at = strstr(browser->body, head), *end_of_head;
	char *said = bh_xasprintf(">%s</span>", word);

	if (at == NULL)
		fail_msg("there is no step %s: %s", title, browser->body);
	end_of_head = strstr(at, "</h2>");
	at = strstr(at, said);
	if (at == NULL || at > end_of_head)
		fail_msg("%s is not \"%s\": %s", title, word, browser->body);
	free(head);
	free(said);
}

/* -- the first administrator -- */

static void
test_offer(void **state)
{
	struct first first = begin(*state);
	struct stat st;

	assert_page(&first.browser, "<code>setup-code</code>");
	assert_page(&first.browser, first.dir + strlen("/tmp/"));
	lacks(&first.browser, "/tmp/"); /* strangers need not know where */
	lacks(&first.browser, first.code);
	assert_int_equal(stat(first.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Looking again changes nothing; every way leads there. */
	look(&first.browser, "/setup", 200);
	assert_true(first_is_code(first.dir, first.code));
	look(&first.browser, "/", 303);
	assert_string_equal(first.browser.location, "/login");
	look(&first.browser, "/login", 303);
	assert_string_equal(first.browser.location, "/setup");
	end(&first);
}

static void
test_make(void **state)
{
	struct first first = begin(*state);
	char loud[FIRST_CODE_TEXT];
	struct store_txn *txn;
	size_t n = 0;

	/* As people retype it: in capitals, with blanks. */
	for (const char *c = first.code; *c != '\0'; c++)
		loud[n++] = *c == '-' ? '+' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	loud[n] = '\0';
	try(&first, loud, GOOD, 303);
	assert_string_equal(first.browser.location, "/setup");
	assert_int_equal(role_of(first.world, "ada"), ACCOUNT_ADMIN);
	assert_int_equal(access(first.path, F_OK), -1);
	/* And the store carries our format: nobody ran init. */
	txn = store_begin(first.world->site.store);
	assert_int_equal(schema_look(txn, NULL), 1);
	store_free(&txn);
	/* Signed in. */
	look(&first.browser, "/setup", 200);
	assert_page(&first.browser, "First steps");
	assert_step(&first.browser, "Administrator", "done");
	look(&first.browser, "/", 200);
	assert_page(&first.browser, "first steps are done. <a href=\"/setup\">");
	/* It cannot be done again. */
	close_browser(&first.browser);
	first.browser = open_browser(first.world);
	look(&first.browser, "/login", 200);
	try(&first, first.code, "&name=eve&password=correct+horse&again=correct+horse", 303);
	assert_string_equal(first.browser.location, "/login");
	assert_int_equal(role_of(first.world, "eve"), ACCOUNT_NOBODY);
	look(&first.browser, "/setup", 303);
	assert_string_equal(first.browser.location, "/login?next=/setup");
	assert_int_equal(access(first.path, F_OK), -1);
	end(&first);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *fields, *error;
	} cases[] = {
	    {"&name=ada&password=short&again=short", "Password needs at least 8 characters."},
	    {"&name=ada&password=correct+horse&again=correct+house",
		"The two passwords are not the same."},
	    {"&name=Ada+L&password=correct+horse&again=correct+horse", "A name is of lower-case"},
	    {"&name=&password=correct+horse&again=correct+horse", "Please fill in: Name."},
	    {"&name=%3Cscript%3E&password=correct+horse&again=correct+horse",
		"value=\"&lt;script&gt;\""},
	};
	struct first first = begin(*state);

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		try(&first, first.code, cases[i].fields, 400);
		assert_page(&first.browser, cases[i].error);
		lacks(&first.browser, "correct hor");
		lacks(&first.browser, "<script>");
	}
	/* None of them counted as a wrong code. */
	try(&first, "wrong", GOOD, 403);
	assert_page(&first.browser, "This is not the setup code.");
	assert_page(&first.browser, "value=\"wrong\"");
	/* Without the form's own token. */
	snprintf(first.browser.token, sizeof(first.browser.token), "made-up");
	try(&first, first.code, GOOD, 403);
	assert_int_equal(role_of(first.world, "ada"), ACCOUNT_NOBODY);
	end(&first);
}

static void
test_guessing(void **state)
{
	struct first first = begin(*state);
	char almost[FIRST_CODE_TEXT];

	memcpy(almost, first.code, sizeof(almost));
	almost[0] = almost[0] == 'a' ? 'b' : 'a';
	for (int i = 0; i < SESSION_FAILURES; i++)
		try(&first, i == 0 ? almost : "", "x" GOOD, 403);
	/* Even the right one has to wait now, but not from elsewhere. */
	try(&first, first.code, GOOD, 429);
	assert_page(&first.browser, "Wait 15 minutes");
	assert_int_equal(role_of(first.world, "ada"), ACCOUNT_NOBODY);
	first.browser.peer = "192.0.2.2";
	try(&first, first.code, GOOD, 303);
	assert_int_equal(role_of(first.world, "ada"), ACCOUNT_ADMIN);
	end(&first);
}

static void
test_code(void **state)
{
	char dir[32] = "/tmp/t-first.XXXXXX", code[FIRST_CODE_TEXT], again[FIRST_CODE_TEXT];
	char *path;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = bh_xasprintf("%s/setup-code", dir);
	assert_false(first_is_code(dir, ""));
	assert_int_equal(first_code(dir, code, NULL), 1);
	assert_int_equal(strlen(code), FIRST_CODE_TEXT - 1);
	assert_int_equal(first_code(dir, again, NULL), 0);
	assert_string_equal(code, again);
	assert_true(first_is_code(dir, code));
	assert_false(first_is_code(dir, "aaaaa-aaaaa-aaaaa-aaaaa"));
	assert_false(first_is_code(dir, ""));
	/* A file that holds no code opens nothing, and is replaced. */
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("\n", file);
	fclose(file);
	assert_false(first_is_code(dir, ""));
	assert_int_equal(first_code(dir, again, NULL), 1);
	assert_string_not_equal(code, again);
	first_code_drop(dir);
	assert_false(first_is_code(dir, again));
	assert_int_equal(rmdir(dir), 0);
	free(path);
	assert_int_equal(first_code("/dev/null/none", code, NULL), -1);
}

/* -- the steps -- */

static void
put_event(struct world *world)
{
	json_t *headers = json_object();
	struct journal_entry entry = {.connection = "eu",
	    .id = "evt_1",
	    .type = "x",
	    .received_ms = bh_now_ms(),
	    .headers = headers,
	    .body = "{}",
	    .body_len = 2};

	assert_int_equal(journal_accept(world->site.store, &entry, NULL), 1);
	json_decref(headers);
}

static void
test_steps(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/setup");

	assert_step(&browser, "Billing system", "to do");
	assert_step(&browser, "First webhook", "to do");
	assert_step(&browser, "CRM", "to do");
	assert_step(&browser, "Sync", "to do");
	assert_step(&browser, "Fields in the CRM", "to do");
	assert_step(&browser, "Preview", "to do");
	assert_step(&browser, "Start", "to do");
	connect((struct connection_case){.world = world,
	    .code = "eu",
	    .driver = "stripe",
	    .name = "Money <b>",
	    .is_source = true});
	crm_fill(world);
	put_event(world);
	look(&browser, "/setup", 200);
	assert_step(&browser, "Billing system", "done");
	assert_page(&browser, "href=\"/connections/eu\">Money &lt;b&gt;</a>");
	assert_step(&browser, "First webhook", "done");
	assert_step(&browser, "CRM", "done");
	assert_page(&browser, "&lt;b&gt;Example Corp answers.");
	assert_step(&browser, "Sync", "done");
	assert_step(&browser, "Fields in the CRM", "to do"); /* something could not be made */
	crm_put_errand(world, ERRAND_PLAN, "{\"missing\": 0, \"rows\": []}", NULL, bh_now_ms());
	crm_put_errand(world, ERRAND_PROBE, NULL, "the token is <dead>", bh_now_ms());
	look(&browser, "/setup", 200);
	assert_step(&browser, "Fields in the CRM", "done");
	assert_step(&browser, "CRM", "needs you");
	assert_page(&browser, "the token is &lt;dead&gt;");
	assert_step(&browser, "Start", "done");
	lacks(&browser, "<b>");
	close_browser(&browser);
}

static void
test_installation(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "vic", "/setup");
	char dir[32] = "/tmp/t-setup.XXXXXX";

	assert_step(&browser, "Public address", "look at it");
	assert_page(&browser, "You came by http://localhost:8080");
	assert_step(&browser, "Data directory", "needs you");
	assert_step(&browser, "Work in the background", "look at it");
	assert_non_null(mkdtemp(dir));
	free(world->conf.data_dir);
	world->conf.data_dir = bh_xstrdup(dir);
	free(world->conf.public_url);
	world->conf.public_url = bh_xstrdup("https://bill.example.com");
	look(&browser, "/setup", 200);
	assert_page(&browser,
	    "billhook.conf says https://bill.example.com, but you came by http://localhost:8080.");
	assert_step(&browser, "Data directory", "done");
	browser.root = "/tmp/";
	browser.host = "\"><script>alert(1)</script>";
	look(&browser, "/setup", 200);
	assert_step(&browser, "Data directory", "needs you");
	assert_page(&browser, "It lies where the web server hands out files.");
	lacks(&browser, "<script>");
	browser.root = "/tmp/t-set"; /* no folder of this name, but one that begins so */
	assert_int_equal(chmod(dir, 0750), 0);
	look(&browser, "/setup", 200);
	assert_page(&browser, "its mode is 750, make it 700");
	assert_int_equal(rmdir(dir), 0);
	close_browser(&browser);
}

static void
test_put_away(void **state)
{
	static const char *const few[] = {"vic", "oda"};
	struct browser browser;

	for (size_t i = 0; i < BH_LEN(few); i++) {
		browser = open_at(*state, few[i], "/setup");
		lacks(&browser, "Do not remind me");
		send(&browser, "/setup/dismiss", "x=1", 403);
		close_browser(&browser);
	}
	browser = open_at(*state, "ada", "/");
	assert_page(&browser, "first steps are done.");
	look(&browser, "/setup", 200);
	assert_page(&browser, "Do not remind me");
	send(&browser, "/setup/dismiss", "x=1", 303);
	look(&browser, "/", 200);
	lacks(&browser, "first steps are done.");
	/* Still there for who asks. */
	look(&browser, "/setup", 200);
	lacks(&browser, "Do not remind me");
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_offer),
	    TEST(test_make),
	    TEST(test_refused),
	    TEST(test_guessing),
	    TEST(test_code),
	    TEST(test_steps),
	    TEST(test_installation),
	    TEST(test_put_away),
	};

	bh_log_hook(unit_log);
	unit_log_expected(true); /* wrong codes are told of */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
