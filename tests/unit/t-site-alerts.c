/* web/page_alerts, page_alert_target: who is told, what is open, and the buttons. */
#include "site-unit.h"
#include "state/alert.h"

#define XSS "<script>alert(1)</script>"
#define MAIL                                                                                       \
	"name=Ops&code=ops&server=smtps%3A%2F%2Fmail.example.com&login=me&secret=pass-word"        \
	"&from=a%40example.com&to=b%40example.com%2C+c%40example.com&least=high"

static struct browser
signed_in(struct world *world, const char *name)
{
	struct browser browser = open_browser(world);

	sign_in(&browser, name);
	ask(&browser, "GET", "/alerts", NULL);
	assert_int_equal(browser.status, 200);
	return browser;
}

static struct alert_target
stored(struct world *world, const char *code, int expected)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct alert_target target;

	assert_int_equal(alert_target_load(txn, &world->site.key, code, &target, NULL), expected);
	store_free(&txn);
	return target;
}

static void
a_target_is_made_and_changed(void **state)
{
	struct world *world = *state;
	struct browser ada = signed_in(world, "ada");
	struct alert_target target;

	assert_page(&ada, "Nobody is told yet");
	ask(&ada, "GET", "/alerts/new/mail", NULL);
	post(&ada, "/alerts/new/mail", MAIL);
	assert_string_equal(ada.location, "/alerts?saved=1");
	target = stored(world, "ops", 1);
	assert_string_equal(bh_json_str(target.settings, "to.1"), "c@example.com");
	assert_string_equal(bh_json_str(target.secrets, "password"), "pass-word");
	assert_int_equal(target.least, ALERT_HIGH);
	alert_target_release(&target);
	ask(&ada, "GET", "/alerts/ops", NULL);
	assert_page(&ada, "b@example.com, c@example.com");
	assert_null(strstr(ada.body, "pass-word"));
	post(&ada, "/alerts/ops",
	    "name=Ops2&server=smtps%3A%2F%2Fmail.example.com&from=a%40example.com&to=b%40example.com"
	    "&secret=&paused=1");
	target = stored(world, "ops", 1);
	assert_string_equal(target.name, "Ops2");
	assert_true(target.paused);
	assert_string_equal(bh_json_str(target.secrets, "password"), "pass-word");
	alert_target_release(&target);
	ask(&ada, "GET", "/alerts/ops", NULL);
	post(&ada, "/alerts/ops/remove", "");
	target = stored(world, "ops", 0);
	alert_target_release(&target);
	close_browser(&ada);
}

static void
what_is_wrong_is_said_and_kept(void **state)
{
	static const struct {
		const char *uri, *fields, *said;
	} cases[] = {
	    {"/alerts/new/slack", "code=Not+One&name=x&secret=https%3A%2F%2Fexample.com",
		"The code must be"},
	    {"/alerts/new/slack", "code=a&name=%3Cscript%3E",
		"needs the address of an incoming webhook"},
	    {"/alerts/new/slack", "code=a&name=x&secret=http%3A%2F%2Fexample.com",
		"only https URLs"},
	    {"/alerts/new/mail",
		"code=a&name=x&server=mail&from=a%40example.com&to=b%40example.com",
		"a mail server is"},
	    {"/alerts/new/mail",
		"code=a&name=x&server=smtps%3A%2F%2Fm.example.com&from=a&to=b%40example.com",
		"the sender is"},
	    {"/alerts", "remind_hours=-1&silent_hours=0", "Hours are a number"},
	    {"/alerts", "remind_hours=1&silent_hours=0&quiet_from=25%3A00&quiet_to=07%3A00",
		"Quiet hours have from and to"},
	    {"/alerts",
		"remind_hours=1&silent_hours=0&quiet_from=20%3A00&quiet_to=07%3A00&quiet_zone=Mars",
		"This host knows no zone"},
	};
	struct world *world = *state;
	struct browser ada = signed_in(world, "ada");

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		ask(&ada, "GET", cases[i].uri, NULL);
		post(&ada, cases[i].uri, cases[i].fields);
		assert_int_equal(ada.status, 400);
		assert_page(&ada, cases[i].said);
		assert_null(strstr(ada.body, "<script>"));
	}
	ask(&ada, "GET", "/alerts/new/pager", NULL);
	assert_int_equal(ada.status, 404);
	ask(&ada, "GET", "/alerts/none", NULL);
	assert_int_equal(ada.status, 404);
	close_browser(&ada);
}

static int
raise(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	struct alert_cause cause = {.key = "action/1",
	    .title = XSS,
	    .text = XSS,
	    .link = "javascript:alert(1)",
	    .priority = ALERT_HIGH};

	return alert_raise(txn, &cause, bh_now_ms() - 1000, err);
}

static void
incidents_are_shown(void **state)
{
	struct world *world = *state;
	struct browser vic;

	assert_int_equal(store_run(world->site.store, raise, NULL, NULL, NULL), 0);
	vic = signed_in(world, "vic");
	assert_page(&vic, "One alert is open.");
	assert_page(&vic, "&lt;script&gt;");
	assert_null(strstr(vic.body, XSS));
	assert_null(strstr(vic.body, "javascript:"));
	assert_null(strstr(vic.body, "Add Slack"));
	close_browser(&vic);
}

static void
who_may(void **state)
{
	struct world *world = *state;
	struct browser ada = signed_in(world, "ada"), oda, vic;
	struct store_txn *txn;
	json_t *doc;

	post(&ada, "/alerts/new/mail", MAIL);
	vic = signed_in(world, "vic");
	post(&vic, "/alerts/ops/test", "");
	assert_int_equal(vic.status, 403);
	oda = signed_in(world, "oda");
	post(&oda, "/alerts/ops/remove", "");
	assert_int_equal(oda.status, 403);
	post(&oda, "/alerts", "remind_hours=1&silent_hours=1");
	assert_int_equal(oda.status, 403);
	ask(&oda, "GET", "/alerts", NULL);
	post(&oda, "/alerts/ops/test", "");
	assert_string_equal(oda.location, "/alerts?asked=1");
	ask(&oda, "GET", oda.location, NULL);
	assert_page(&oda, "look again");
	ask(&ada, "GET", "/alerts", NULL);
	post(&ada, "/alerts",
	    "remind_hours=5&silent_hours=6&quiet_from=20%3A00&quiet_to=07%3A00&quiet_zone=%2B01%3A00");
	assert_string_equal(ada.location, "/alerts?saved=1");
	txn = store_begin(world->site.store);
	assert_int_equal(alert_settings_get(txn, &doc, NULL), 0);
	assert_int_equal(bh_json_int(doc, "remind_hours", 0), 5);
	assert_string_equal(bh_json_str(doc, "quiet.zone"), "+01:00");
	json_decref(doc);
	store_free(&txn);
	close_browser(&ada);
	close_browser(&oda);
	close_browser(&vic);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_target_is_made_and_changed),
	    TEST(what_is_wrong_is_said_and_kept),
	    TEST(incidents_are_shown),
	    TEST(who_may),
	};

	bh_proc_init();
	bh_log_hook(unit_log);
	unit_log_expected(true); /* forms that are refused */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
