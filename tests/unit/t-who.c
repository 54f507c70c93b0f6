/*
 * Who changes something in the browser stands in the audit trail: every POST
 * route once, as ada, in a world where each has something to do.  A route that
 * is not in the table fails.
 */
#include "people-unit.h"
#include "preview-unit.h"
#include "state/revert.h"

#define RULE                                                                                       \
	"rule=%7B%22code%22%3A%22failed%22%2C%22preset%22%3A%22disputes%22%2C%22from%22%3A%22pay"  \
	"%22%7D"
#define DOCUMENT                                                                                   \
	"document=%7B%22billhook%22:1,%22connections%22:%5B%7B%22code%22:%22new%22,"               \
	"%22driver%22:%22sandbox%22%7D%5D%7D"

/* page: NULL: the form without "seen" shows it.  fields: "%s" stands for what the page holds as "seen", or for the event. */
static const struct press {
	const char *pattern, *uri, *page, *fields;
	const char *silent; /* why it leaves nothing; NULL: it has to */
} presses[] = {
    {"/setup", "/setup", "/login", "x=1", "nobody is signed in: test_first"},
    {"/login", "/login", "/login", "x=1", "test_first"},
    {"/hook/:connection", "/hook/pay", "/settings", "x=1", "no person sends it"},
    {"/connections/new/:driver", "/connections/new/sandbox", "/settings", "name=Fresh&code=fresh",
	NULL},
    {"/connections/:connection", "/connections/fresh", "/settings", "name=Renamed", NULL},
    {"/connections/:connection/:action", "/connections/pay/test", "/settings", "x=1", NULL},
    {"/connections/:connection/:action", "/connections/pay/start-catchup", "/settings", "x=1",
	NULL},
    {"/connections/:connection/:action", "/connections/sf/plan", "/settings", "x=1", NULL},
    {"/connections/:connection/:action", "/connections/sf/install", "/settings", "x=1", NULL},
    {"/connections/:connection/:action", "/connections/sf/match", "/settings",
	"sync=eu-sf&object=account&account=&id=cus_1&remote_id=001A", NULL},
    {"/connections/:connection/:action", "/connections/sf/link", "/settings",
	"sync=eu-sf&remote_id=001X&customer=cus_5", NULL},
    {"/connections/:connection/:action", "/connections/sf/login", "/settings", "x=1", NULL},
    {"/syncs/new", "/syncs/new", "/settings", "code=made&from=pay&to=fresh&preset=stripe-hubspot",
	NULL},
    {"/syncs/:sync", "/syncs/made", "/settings", "set.deals=yes", NULL},
    {"/syncs/:sync/mapping/:object", "/syncs/made/mapping/customer", "/settings",
	"do=row-drop&row=0", "a draft, which tells by itself who changed it"},
    {"/syncs/:sync/mapping/:object/try.json", "/syncs/made/mapping/customer/try.json", "/settings",
	"to=name", "nothing is stored"},
    {"/syncs/:sync/mapping", "/syncs/made/mapping", "/syncs/made/mapping",
	"do=add-object&name=other&from=refund&to=deals&key=k", "the same draft"},
    {"/syncs/:sync/mapping", "/syncs/made/mapping", "/syncs/made/mapping",
	"do=save&apply=new&seen=%s", NULL},
    {"/syncs/:sync/preview/:action", "/syncs/people/preview/begin", "/settings", "x=1", NULL},
    {"/syncs/:sync/preview/:action", "/syncs/people/preview/stop", "/settings", "x=1", NULL},
    {"/syncs/:sync/audit/:action", "/syncs/people/audit/begin", "/settings", "x=1", NULL},
    {"/syncs/:sync/audit/:action", "/syncs/people/audit/stop", "/settings", "x=1", NULL},
    {"/syncs/:sync/undo/:action", "/syncs/people/undo/stop", "/settings", "x=1", NULL},
    {"/syncs/:sync/start", "/syncs/made/start", "/settings", "x=1", NULL},
    {"/syncs/:sync/pause", "/syncs/made/pause", "/settings", "x=1", NULL},
    {"/syncs/:sync/resume", "/syncs/made/resume", "/settings", "x=1", NULL},
    {"/syncs/:sync/resync/:turn", "/syncs/made/resync/begin", "/settings", "x=1", NULL},
    {"/syncs/:sync/resync/:turn", "/syncs/made/resync/pause", "/settings", "x=1", NULL},
    {"/syncs/:sync/resync/:turn", "/syncs/made/resync/cancel", "/settings", "x=1", NULL},
    {"/syncs/:sync/delete", "/syncs/made/delete", "/settings", "confirm=made", NULL},
    {"/activity/replay", "/activity/replay", "/settings", "stamp.%s=1", NULL},
    {"/activity/:stamp", "/activity/%s", "/settings", "x=1", NULL},
    {"/customers/:connection", "/customers/pay", "/settings", "id=c_1", NULL},
    {"/records/:sync/:object", "/records/people/account", "/settings", "id=c_2&do=retry", NULL},
    {"/records/:sync/:object", "/records/people/account", "/settings", "id=c_2&do=skip", NULL},
    {"/problems/:crm/:sync/:object", "/problems/sf/people/account", "/settings",
	"code=STRING_TOO_LONG&do=retry", NULL},
    {"/problems/:crm/:sync/:object", "/problems/sf/people/account", "/settings",
	"code=STRING_TOO_LONG&do=skip", NULL},
    {"/automations/new/:preset", "/automations/new/failed-payments", "/settings",
	"from=pay&code=failed&title=Call", NULL},
    {"/automations/:automation", "/automations/failed", "/settings", RULE, NULL},
    {"/automations/:automation/:action", "/automations/failed/off", "/settings", "x=1", NULL},
    {"/automations/:automation/:action", "/automations/failed/try", "/settings", "x=1", NULL},
    {"/automations/:automation/:action", "/automations/failed/remove", "/settings", "x=1", NULL},
    {"/revenue", "/revenue", "/settings", "x=1", NULL},
    {"/setup/dismiss", "/setup/dismiss", "/settings", "x=1", NULL},
    {"/alerts", "/alerts", "/settings", "remind_hours=5&silent_hours=7", NULL},
    {"/alerts/new/:kind", "/alerts/new/mail", "/settings",
	"code=ops&name=Ops&server=smtps%3A%2F%2Fmail.example.com&from=a%40example.com"
	"&to=b%40example.com&least=1",
	NULL},
    {"/alerts/:target", "/alerts/ops", "/settings",
	"name=Other&server=smtps%3A%2F%2Fmail.example.com&from=a%40example.com&to=b%40example.com",
	NULL},
    {"/alerts/:target/test", "/alerts/ops/test", "/settings", "x=1", NULL},
    {"/alerts/:target/remove", "/alerts/ops/remove", "/settings", "x=1", NULL},
    {"/settings/users", "/settings/users", "/settings",
	"name=eve&password=another+horse&role=viewer", NULL},
    {"/settings/users/:user/:action", "/settings/users/eve/role", "/settings", "role=operator",
	NULL},
    {"/settings/users/:user/:action", "/settings/users/eve/password", "/settings",
	"password=third+horse&again=third+horse", NULL},
    {"/settings/users/:user/:action", "/settings/users/eve/remove", "/settings", "confirm=eve",
	NULL},
    {"/settings/sessions", "/settings/sessions", "/settings", "session=all", NULL},
    {"/settings/backup/:action", "/settings/backup/make", "/settings", "x=1", NULL},
    {"/settings/person/:action", "/settings/person/look", "/settings", "who=c_2", NULL},
    {"/settings/configuration", "/settings/configuration", NULL, DOCUMENT "&seen=%s", NULL},
    {"/settings/options", "/settings/options", "/settings", "keep_days=30", NULL},
    {"/settings/monitor", "/settings/monitor", "/settings", "do=make", NULL},
    {"/settings/password", "/settings/password", "/settings",
	"old=correct+horse&new=another+horse&again=another+horse", NULL},
    {"/logout", "/logout", "/settings", "x=1", "only the own session ends"},
};

static void
set_up(struct world *world, char stamp[24])
{
	struct link_id id;

	crm_fill(world);
	people_fill(world);
	connect((struct connection_case){.world = world,
	    .code = "eu",
	    .driver = "stripe",
	    .name = "Money",
	    .is_source = true});
	id = people_link_id("account", "c_2");
	assert_string_equal(id.dest, "sf");
	snprintf(stamp, 24, "%llu",
	    (unsigned long long)people_event(world, "evt_who", JOURNAL_APPLIED));
}

/* An undo of "people" that looks what would come of it. */
static void
put_undo(struct world *world)
{
	struct revert revert = REVERT_INIT;
	struct store_txn *txn = store_begin(world->site.store);

	revert.state = REVERT_LOOKING;
	revert_save(txn, "people", &revert);
	revert_release(&revert);
	crm_commit(&txn);
}

/* How many entries tell what people did; *newest_r: the last one, a new reference. */
static size_t
count_entries(struct world *world, json_t **newest_r)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct trail_query all = {.by = NULL};
	json_t *entries;
	size_t n;
	bool more;

	assert_int_equal(trail_audit(txn, &all, 2000, 1000, &after, &entries, &more, NULL), 0);
	n = json_array_size(entries);
	*newest_r = json_incref(json_array_get(entries, 0));
	json_decref(entries);
	bh_buf_release(&after);
	store_free(&txn);
	return n;
}

/* The value of the page's field "seen". */
static void
find_seen(const struct browser *browser, char *out, size_t size)
{
	static const char before[] = "name=\"seen\" value=\"";
	const char *at = strstr(browser->body, before);

	out[0] = '\0';
	if (at != NULL)
		snprintf(out, size, "%.*s", (int)strcspn(at + strlen(before), "\""),
		    at + strlen(before));
}

/* text with given in place of its "%s". */
static char *
with(const char *text, const char *given)
{
	const char *at = strstr(text, "%s");

	if (at == NULL)
		return bh_xstrdup(text);
	return bh_xasprintf("%.*s%s%s", (int)(at - text), text, given, at + 2);
}

static void
press(struct browser *browser, const struct press *press, const char *stamp)
{
	char seen[100], *uri = with(press->uri, stamp), *fields;

	if (strcmp(press->uri, "/syncs/made/start") == 0)
		preview_put_seen(browser->world, "made");
	ask(browser, "GET", press->page != NULL ? press->page : "/settings", NULL);
	if (press->page == NULL)
		post(browser, uri, DOCUMENT);
	find_seen(browser, seen, sizeof(seen));
	fields = with(press->fields, seen[0] != '\0' ? seen : stamp);
	post(browser, uri, fields);
	free(fields);
	free(uri);
}

static void
test_each(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char stamp[24], dir[32], conf[64];
	size_t before, after;
	json_t *newest;

	set_up(world, stamp);
	put_undo(world);
	put_backup(world, dir, false);
	browser = open_at(world, "ada", "/settings");
	for (size_t i = 0; i < BH_LEN(presses); i++) {
		before = count_entries(world, &newest);
		json_decref(newest);
		press(&browser, &presses[i], stamp);
		after = count_entries(world, &newest);
		if (presses[i].silent == NULL &&
		    (after == before || browser.status >= 400 ||
			strcmp(bh_json_str(newest, "by"), "ada") != 0 ||
			bh_json_int(newest, "at", 0) < bh_now_ms() - 60000))
			fail_msg("%s: status %d, %zu entries more, %s at %lld: %s", presses[i].uri,
			    browser.status, after - before, bh_json_str(newest, "by"),
			    (long long)bh_json_int(newest, "at", 0), strstr(browser.body, "<main"));
		json_decref(newest);
	}
	snprintf(conf, sizeof(conf), "%s/billhook.conf", dir);
	(void)unlink(conf);
	drop_backup(dir);
	close_browser(&browser);
}

/* The first administrator, and signing in. */
static void
test_first(void **state)
{
	struct world *world = *state;
	struct browser browser = open_browser(world);
	json_t *newest;

	assert_int_equal(count_entries(world, &newest), 0);
	sign_in(&browser, "ada");
	assert_int_equal(count_entries(world, &newest), 1);
	assert_string_equal(bh_json_str(newest, "by"), "ada");
	json_decref(newest);
	close_browser(&browser);
}

static void
test_table(void **state BH_UNUSED)
{
	const struct route *routes;
	size_t n;

	routes = site_routes(&n);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < BH_LEN(presses) && strcmp(presses[k].pattern, routes[i].pattern) != 0)
			k++;
		if (k == BH_LEN(presses) && strcmp(routes[i].method, "POST") == 0)
			fail_msg("POST %s is not in the table of this test", routes[i].pattern);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_table),
	    TEST(test_each),
	    TEST(test_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
