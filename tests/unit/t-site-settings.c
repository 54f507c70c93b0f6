/* web/page_settings.c, page_user.c, page_audit.c, page_configuration.c, page_options.c. */
#include <unistd.h>

#include "crm-unit.h"

#define NEW_PASSWORD "another+horse"

static int
sign_in_with(struct browser *browser, const char *name, const char *password)
{
	char fields[160];

	ask(browser, "GET", "/login", NULL);
	snprintf(fields, sizeof(fields), "name=%s&password=%s&next=/", name, password);
	post(browser, "/login", fields);
	return browser->status;
}

/* Is this browser signed in? */
static bool
is_in(struct browser *browser)
{
	ask(browser, "GET", "/settings", NULL);
	return browser->status == 200;
}

/* The newest entry with a user. */
static void
assert_audited(struct world *world, const char *by, const char *what, const char *text)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct trail_query all = {.by = NULL};
	json_t *entries;
	bool more;

	assert_int_equal(trail_audit(txn, &all, 10, 1, &after, &entries, &more, NULL), 0);
	assert_string_equal(bh_json_str(json_array_get(entries, 0), "by"), by);
	assert_string_equal(bh_json_str(json_array_get(entries, 0), "what"), what);
	assert_string_equal(bh_json_str(json_array_get(entries, 0), "text"), text);
	json_decref(entries);
	bh_buf_release(&after);
	store_free(&txn);
}

/* -- the own password and sessions -- */

static void
test_own_password(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "vic", "/settings");
	struct browser other = open_at(world, "vic", "/settings");

	lacks(&browser, "Add a user");
	lacks(&browser, "billhook.conf");
	post(&browser, "/settings/password", "old=wrong&new=" NEW_PASSWORD "&again=" NEW_PASSWORD);
	check_answer(&browser, "wrong", 400);
	assert_page(&browser, "That is not your password.");
	assert_audited(world, "vic", "signin", "wrong name or password, from 192.0.2.1, a browser");
	post(&browser, "/settings/password", "old=correct+horse&new=short&again=short");
	assert_page(&browser, "New password needs at least 8 characters.");
	post(&browser, "/settings/password", "old=correct+horse&new=" NEW_PASSWORD "&again=x");
	assert_page(&browser, "This is not the same as the new password.");
	lacks(&browser, "correct horse");
	assert_true(is_in(&other));
	post(&browser, "/settings/password",
	    "old=correct+horse&new=" NEW_PASSWORD "&again=" NEW_PASSWORD);
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/settings?done=password");
	assert_audited(world, "vic", "user", "changed the own password, in the browser by vic");
	/* This one stays, the other is out, and the old password opens nothing. */
	assert_true(is_in(&browser));
	assert_false(is_in(&other));
	assert_int_equal(sign_in_with(&other, "vic", "correct+horse"), 403);
	assert_int_equal(sign_in_with(&other, "vic", NEW_PASSWORD), 303);
	close_browser(&browser);
	close_browser(&other);
}

/* Guessing through the form is stopped as at the login. */
static void
test_own_password_throttle(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "vic", "/settings");

	for (int i = 0; i < SESSION_FAILURES; i++) {
		post(&browser, "/settings/password",
		    "old=wrong&new=" NEW_PASSWORD "&again=" NEW_PASSWORD);
		assert_int_equal(browser.status, 400);
	}
	post(&browser, "/settings/password",
	    "old=correct+horse&new=" NEW_PASSWORD "&again=" NEW_PASSWORD);
	assert_int_equal(browser.status, 429);
	close_browser(&browser);
}

static void
digest_of(const struct browser *browser, char digest[ACCOUNT_DIGEST_TEXT])
{
	const char *at = strstr(browser->body, "name=\"session\" value=\"");

	assert_non_null(at);
	snprintf(digest, ACCOUNT_DIGEST_TEXT, "%s", at + strlen("name=\"session\" value=\""));
}

static void
test_sessions(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "vic", "/settings");
	struct browser other, third, stranger = open_at(world, "oda", "/settings");
	char digest[ACCOUNT_DIGEST_TEXT], form[128];

	assert_page(&browser, "this one");
	lacks(&browser, "Sign out everywhere else");
	other = open_at(world, "vic", "/settings");
	look(&browser, "/settings", 200);
	digest_of(&browser, digest);
	snprintf(form, sizeof(form), "session=%s", digest);
	/* Somebody else's digest ends nothing. */
	post(&stranger, "/settings/sessions", form);
	assert_true(is_in(&other));
	post(&browser, "/settings/sessions", form);
	assert_string_equal(browser.location, "/settings?done=sessions");
	assert_audited(world, "vic", "user", "1 session ended, in the browser by vic");
	assert_false(is_in(&other));
	third = open_at(world, "vic", "/settings");
	look(&browser, "/settings", 200);
	assert_page(&browser, "Sign out everywhere else");
	post(&browser, "/settings/sessions", "session=all");
	assert_false(is_in(&third));
	assert_true(is_in(&browser));
	assert_true(is_in(&stranger));
	close_browser(&browser);
	close_browser(&other);
	close_browser(&third);
	close_browser(&stranger);
}

static void
test_browser_names(void **state BH_UNUSED)
{
	static const struct {
		const char *agent, *name;
	} cases[] = {
	    {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
		"Firefox on Linux"},
	    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
		"Edge on Windows"},
	    {"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
		"Chrome on Android"},
	    {"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile Safari/604.1",
		"Safari on iPhone"},
	    {"", "a browser"},
	    {"<script>", "a browser"},
	};
	char name[48];

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		session_browser(cases[i].agent, name, sizeof(name));
		assert_string_equal(name, cases[i].name);
	}
}

/* -- users -- */

static void
test_add_user(void **state)
{
	static const struct {
		const char *fields, *error;
	} wrong[] = {
	    {"name=&password=" NEW_PASSWORD "&role=viewer", "Please fill in: Name."},
	    {"name=%3Cscript%3E&password=" NEW_PASSWORD "&role=viewer", "A name has 1 to 64"},
	    {"name=vic&password=" NEW_PASSWORD "&role=admin", "There is a user of this name"},
	    {"name=new&password=short&role=viewer", "Password needs at least 8"},
	};
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings"), fresh;

	for (size_t i = 0; i < BH_LEN(wrong); i++) {
		post(&browser, "/settings/users", wrong[i].fields);
		check_answer(&browser, wrong[i].fields, 400);
		assert_page(&browser, wrong[i].error);
		lacks(&browser, "<script>");
	}
	post(&browser, "/settings/users", "name=new&password=" NEW_PASSWORD "&role=operator");
	assert_string_equal(browser.location, "/settings?done=added");
	assert_audited(world, "ada", "user", "added as operator, in the browser by ada");
	look(&browser, "/settings?done=added", 200);
	assert_page(&browser, "href=\"/settings/users/new\">new</a>");
	fresh = open_browser(world);
	assert_int_equal(sign_in_with(&fresh, "new", NEW_PASSWORD), 303);
	look(&fresh, "/", 200);
	assert_page(&fresh, "(operator)");
	close_browser(&fresh);
	/* A role that is none is the least. */
	look(&browser, "/settings", 200);
	post(&browser, "/settings/users", "name=last&password=" NEW_PASSWORD "&role=emperor");
	look(&browser, "/settings/users/last", 200);
	assert_page(&browser, "<small>viewer</small>");
	close_browser(&browser);
}

/* A role counts at once, in sessions that are open. */
static void
test_role(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings/users/vic");
	struct browser vic = open_at(world, "vic", "/settings");

	post(&browser, "/settings/users/vic/role", "role=admin");
	assert_string_equal(browser.location, "/settings/users/vic?done=role");
	assert_audited(world, "ada", "user", "role admin instead of viewer, in the browser by ada");
	look(&vic, "/settings", 200);
	assert_page(&vic, "Add a user");
	post(&vic, "/settings/users/ada/role", "role=viewer");
	assert_int_equal(vic.status, 303);
	look(&browser, "/settings", 200);
	lacks(&browser, "Add a user");
	/* The last one stays. */
	look(&vic, "/settings/users/vic", 200);
	post(&vic, "/settings/users/vic/role", "role=operator");
	check_answer(&vic, "last", 409);
	assert_page(&vic, "vic is the only administrator.");
	post(&vic, "/settings/users/ada/role", "role=emperor");
	assert_int_equal(vic.status, 400);
	close_browser(&browser);
	close_browser(&vic);
}

static void
test_set_password(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings/users/vic");
	struct browser vic = open_at(world, "vic", "/settings");

	post(&browser, "/settings/users/vic/password", "password=short");
	assert_int_equal(browser.status, 400);
	assert_page(&browser, "needs at least 8");
	post(&browser, "/settings/users/vic/password", "password=" NEW_PASSWORD);
	assert_string_equal(browser.location, "/settings/users/vic?done=password");
	assert_audited(world, "ada", "user", "got another password, in the browser by ada");
	assert_false(is_in(&vic));
	assert_int_equal(sign_in_with(&vic, "vic", NEW_PASSWORD), 303);
	look(&browser, "/settings/users/vic", 200);
	assert_page(&browser, "<td><button type=\"submit\" class=\"quiet\" name=\"session\"");
	post(&browser, "/settings/users/vic/sessions", "session=all");
	assert_false(is_in(&vic));
	/* Not the own one, which would not ask for the old. */
	look(&browser, "/settings/users/ada", 200);
	lacks(&browser, "Set the password");
	post(&browser, "/settings/users/ada/password", "password=" NEW_PASSWORD);
	assert_int_equal(browser.status, 409);
	close_browser(&browser);
	close_browser(&vic);
}

static void
test_remove(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings/users/vic");
	struct browser vic = open_at(world, "vic", "/settings");

	post(&browser, "/settings/users/vic/remove", "confirm=vi");
	assert_int_equal(browser.status, 409);
	assert_true(is_in(&vic));
	post(&browser, "/settings/users/vic/remove", "confirm=vic");
	assert_string_equal(browser.location, "/settings?done=removed");
	assert_audited(world, "ada", "user", "removed, in the browser by ada");
	assert_false(is_in(&vic));
	assert_int_equal(sign_in_with(&vic, "vic", "correct+horse"), 403);
	look(&browser, "/settings/users/vic", 404);
	look(&browser, "/settings/users/ada", 200);
	post(&browser, "/settings/users/ada/remove", "confirm=ada");
	check_answer(&browser, "self", 409);
	assert_true(is_in(&browser));
	post(&browser, "/settings/users/oda/explode", "x=1");
	assert_int_equal(browser.status, 404);
	look(&browser, "/settings", 200);
	post(&browser, "/settings/users/nobody/role", "role=admin");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
	close_browser(&vic);
}

/* -- the audit trail -- */

static void
test_audit(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings"), other = open_browser(world);

	assert_int_equal(sign_in_with(&other, "vic", "wrong"), 403);
	assert_int_equal(sign_in_with(&other, "my+secret+password", "x"), 403);
	post(&browser, "/settings/users", "name=new&password=" NEW_PASSWORD "&role=operator");
	look(&browser, "/settings/audit", 200);
	assert_page(&browser, "added as operator");
	assert_page(&browser, "<td>nobody known</td>");
	assert_page(&browser, "signed in, from 192.0.2.1, a browser");
	/* What was typed as a name may be a password. */
	lacks(&browser, "secret");
	look(&browser, "/settings/audit?user=vic", 200);
	assert_page(&browser, "wrong name or password, from 192.0.2.1");
	lacks(&browser, "added as operator");
	assert_page(&browser, "<option value=\"vic\" selected>");
	look(&browser, "/settings/audit?kind=user", 200);
	assert_page(&browser, "added as operator");
	lacks(&browser, "signed in");
	look(&browser, "/settings/audit?kind=other", 200);
	assert_page(&browser, "Nothing that was looked at fits.");
	look(&browser, "/settings/audit?user=%3Cscript%3E&kind=%3Cb%3E&after=%22x", 200);
	lacks(&browser, "<script>");
	lacks(&browser, "<b>");
	close_browser(&browser);
	close_browser(&other);
}

static int
put_entries(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	for (unsigned i = 0; i < 120; i++) {
		char text[40];
		struct trail_entry entry = {.at_ms = bh_now_ms(),
		    .what = "config",
		    .subject = "<script>",
		    .text = text,
		    .by = i % 2 == 0 ? "ada" : NULL};

		snprintf(text, sizeof(text), "entry %u.", i);
		trail_add(txn, i, &entry);
	}
	return 0;
}

/* Page by page each once, and nothing that no person did. */
static void
test_audit_pages(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings");
	char uri[600];
	const char *at;

	assert_int_equal(store_run(world->site.store, put_entries, NULL, NULL, NULL), 0);
	look(&browser, "/settings/audit?kind=config", 200);
	assert_page(&browser, ">entry 118.<");
	assert_page(&browser, ">entry 20.<");
	lacks(&browser, ">entry 117.<");
	lacks(&browser, ">entry 18.<");
	lacks(&browser, "<script>");
	at = strstr(browser.body, "<a href=\"/settings/audit?user=&amp;kind=config&amp;after=");
	assert_non_null(at);
	snprintf(uri, sizeof(uri), "/settings/audit?kind=config&after=%.*s",
	    (int)strcspn(strstr(at, "after=") + 6, "\""), strstr(at, "after=") + 6);
	look(&browser, uri, 200);
	assert_page(&browser, ">entry 18.<");
	assert_page(&browser, ">entry 0.<");
	lacks(&browser, ">entry 20.<");
	lacks(&browser, "Older entries");
	close_browser(&browser);
}

/* -- the configuration -- */

#define DOCUMENT                                                                                   \
	"{\"billhook\": 1, \"connections\": [{\"code\": \"box\", \"driver\": \"sandbox\", "        \
	"\"name\": \"Box <b>\"%s}], "                                                              \
	"\"syncs\": [{\"code\": \"eu-box\", \"from\": \"eu\", \"to\": \"box\", "                   \
	"\"preset\": \"stripe-hubspot\"}]}"

static char *
form_of(const char *more, const char *fields)
{
	char *document = bh_xasprintf(DOCUMENT, more);
	struct bh_buf form = BH_BUF_INIT(1 << 16);

	bh_buf_addf(&form, "%sdocument=", fields);
	bh_percent_add(&form, document, strlen(document));
	free(document);
	return bh_buf_steal(&form);
}

static void
send_form(struct browser *browser, const char *more, const char *fields, int status)
{
	char *form = form_of(more, fields);

	post(browser, "/settings/configuration", form);
	check_answer(browser, form, status);
	free(form);
}

static bool
has_sync(struct world *world, bool is_new)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct account_sync sync;
	int rc = account_sync_load(txn, "eu-box", &sync, NULL);

	store_free(&txn);
	if (rc > 0) {
		assert_int_equal(sync.is_new, is_new);
		account_sync_release(&sync);
	}
	return rc > 0;
}

static void
test_configuration(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings/configuration");
	char seen[100];
	const char *at;

	connect((struct connection_case){.world = world,
	    .code = "eu",
	    .driver = "stripe",
	    .name = "Money",
	    .is_source = true});
	send_form(&browser, "", "", 200);
	assert_page(&browser, "What this file would change");
	assert_page(&browser, "eu-box");
	lacks(&browser, "<b>");
	assert_false(has_sync(world, true));
	at = strstr(browser.body, "name=\"seen\" value=\"");
	assert_non_null(at);
	snprintf(seen, sizeof(seen), "seen=%.64s&", at + strlen("name=\"seen\" value=\""));
	send_form(&browser, "", "seen=0&", 409);
	assert_page(&browser, "Something was changed meanwhile.");
	assert_false(has_sync(world, true));
	send_form(&browser, "", seen, 303);
	assert_string_equal(browser.location, "/settings?done=configuration");
	/* It waits for a person to start it. */
	assert_true(has_sync(world, true));
	assert_audited(world, "ada", "config", "configuration changed in the browser by ada");
	look(&browser, "/settings/audit", 200);
	assert_page(&browser, "What was changed");
	look(&browser, "/settings/configuration", 200);
	send_form(&browser, "", "", 200);
	assert_page(&browser, "This file changes nothing");
	look(&browser, "/settings/configuration.json", 200);
	assert_page(&browser, "\"eu-box\"");
	lacks(&browser, "hush");
	close_browser(&browser);
}

static void
test_configuration_refused(void **state)
{
	static const struct {
		const char *form, *error;
	} cases[] = {
	    {"document=", "Choose the file, or paste its text."},
	    {"document=%7Bx", "This is no JSON"},
	    {"document=%5B%5D", "must be an object"},
	    {"document=%7B%22billhook%22:1,%22x%22:2%7D", "/x: there is no such member"},
	};
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings/configuration");

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		post(&browser, "/settings/configuration", cases[i].form);
		check_answer(&browser, cases[i].form, 400);
		assert_page(&browser, cases[i].error);
	}
	/* The server's own files and environment stay its own. */
	send_form(&browser, ", \"secrets\": {\"webhook\": \"file:/etc/hostname\"}", "", 400);
	assert_page(&browser,
	    "/connections/0/secrets/webhook: in the browser only &quot;keep&quot;");
	send_form(&browser, ", \"secrets\": {\"webhook\": [\"env:HOME\"]}", "", 400);
	assert_page(&browser, "only &quot;keep&quot;");
	post(&browser, "/settings/configuration",
	    "document=%7B%22billhook%22:1,%22alerts%22:%7B%22targets%22:%5B%7B%22code%22:%22a%22,"
	    "%22kind%22:%22slack%22,%22secrets%22:%7B%22url%22:%22file:/etc/hostname%22%7D%7D%5D%7D%7D");
	check_answer(&browser, "alerts", 400);
	assert_page(&browser,
	    "/alerts/targets/0/secrets/url: in the browser only &quot;keep&quot;");
	assert_false(has_sync(world, true));
	close_browser(&browser);
}

/* -- options -- */

/* Each option has its field, or is named as one that only the file has. */
static void
assert_all_options(struct browser *browser)
{
	static const char *const in_file[] = {"network_disk", "log_file", "template_dir",
	    "static_dir", "preset_dir", "flush_delay_ms"};
	size_t n, fields = 0;
	const struct conf_option *options = conf_options(&n);

	for (size_t i = 0; i < n; i++) {
		char *field = bh_xasprintf("id=\"option-%s\"", options[i].name);
		char *code = bh_xasprintf("<code>%s</code>", options[i].name);
		bool is_in_file = false;

		for (size_t k = 0; k < BH_LEN(in_file); k++)
			is_in_file = is_in_file || strcmp(in_file[k], options[i].name) == 0;
		assert_page(browser, code);
		if (is_in_file)
			lacks(browser, field);
		else
			assert_page(browser, field);
		fields += !is_in_file;
		free(field);
		free(code);
	}
	assert_int_equal(fields, n - BH_LEN(in_file));
}

static void
test_options(void **state)
{
	struct world *world = *state;
	char dir[] = "/tmp/t-options-XXXXXX", *path, text[200] = "";
	struct browser browser;
	FILE *file;

	assert_non_null(mkdtemp(dir));
	free(world->conf.data_dir);
	world->conf.data_dir = bh_xstrdup(dir);
	browser = open_at(world, "ada", "/settings/options");
	assert_page(&browser, "Days <small><code>keep_days</code></small>");
	assert_all_options(&browser);
	post(&browser, "/settings/options", "workers=99&keep_days=30");
	check_answer(&browser, "wrong", 400);
	assert_page(&browser, "workers must be a number from 1 to 32, not &quot;99&quot;");
	post(&browser, "/settings/options", "public_url=javascript:alert(1)");
	check_answer(&browser, "no address", 400);
	assert_page(&browser, "public_url must be like https://");
	/* Nothing of the file was written until all were right; places on the disk are not for the browser. */
	path = bh_xasprintf("%s/billhook.conf", dir);
	assert_null(fopen(path, "r"));
	post(&browser, "/settings/options", "workers=3&keep_days=30&log_file=/etc/passwd");
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/settings/options?done=changed");
	assert_audited(world, "ada", "config", "options: keep_days = 30");
	file = fopen(path, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	assert_string_equal(text, "keep_days = 30\n");
	fclose(file);
	remove(path);
	free(path);
	rmdir(dir);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_own_password),
	    TEST(test_own_password_throttle),
	    TEST(test_sessions),
	    TEST(test_browser_names),
	    TEST(test_add_user),
	    TEST(test_role),
	    TEST(test_set_password),
	    TEST(test_remove),
	    TEST(test_audit),
	    TEST(test_audit_pages),
	    TEST(test_configuration),
	    TEST(test_configuration_refused),
	    TEST(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
