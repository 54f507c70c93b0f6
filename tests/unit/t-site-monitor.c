/* web/page_monitor.c and the token of page_settings.c: who may read figures, and what they say. */
#include "crm-unit.h"
#include "state/journal.h"
#include "state/monitor.h"

static void
get(struct browser *browser, const char *header, const char *uri, int status)
{
	browser->header = header;
	ask(browser, "GET", uri, NULL);
	browser->header = NULL;
	assert_int_equal(browser->status, status);
}

static void
connect_both(struct world *world, const char *broken)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct account_connection crm = {.code = "box", .driver = "sandbox", .name = "Secret Ltd"};
	struct account_connection source = {.code = "eu",
	    .driver = "stripe",
	    .name = "Secret Money",
	    .is_source = true};

	crm.settings = json_object();
	source.settings = json_object();
	source.secrets = json_pack("{s:s}", "webhook", "whsec_0123456789");
	snprintf(crm.broken, sizeof(crm.broken), "%s", broken);
	assert_int_equal(account_connection_save(txn, NULL, &crm, NULL), 0);
	assert_int_equal(account_connection_save(txn, &world->site.key, &source, NULL), 0);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	json_decref(crm.settings);
	json_decref(source.settings);
	json_decref(source.secrets);
}

static void
receive(struct world *world, int64_t at_ms)
{
	struct journal_entry entry = {.connection = "eu",
	    .id = "evt_1",
	    .type = "t",
	    .received_ms = at_ms,
	    .body = "{}",
	    .body_len = 2};

	assert_int_equal(journal_accept(world->site.store, &entry, NULL), 1);
}

/* -- health -- */

static void
test_healthy(void **state)
{
	struct browser browser = open_browser(*state);

	connect_both(*state, "");
	get(&browser, NULL, "/healthz", 200);
	assert_string_equal(browser.body,
	    "{\"backlog\":{\"age_s\":0,\"events\":0},"
	    "\"lanes\":{\"all\":1,\"paused\":0,\"stopped\":0},\"reason\":\"\",\"status\":\"ok\"}\n");
	get(&browser, NULL, "/healthz?strict", 200);
	close_browser(&browser);
}

/* Webhooks can be stored, which is what a load balancer asks; a person is wanted all the same. */
static void
test_late(void **state)
{
	struct browser browser = open_browser(*state);

	receive(*state, bh_now_ms() - 901 * 1000);
	get(&browser, NULL, "/healthz", 200);
	assert_page(&browser, "\"status\":\"late\"");
	assert_page(&browser, "\"age_s\":90");
	get(&browser, NULL, "/healthz?strict=1", 503);
	assert_page(&browser, "events have waited too long");
	close_browser(&browser);
}

static void
test_stopped(void **state)
{
	struct browser browser = open_browser(*state);

	connect_both(*state, "the refresh token of Secret Ltd is dead");
	get(&browser, NULL, "/healthz", 200);
	get(&browser, NULL, "/healthz?strict", 503);
	assert_page(&browser, "\"stopped\":1");
	lacks(&browser, "Secret");
	lacks(&browser, "box");
	close_browser(&browser);
}

/* Webhooks cannot be verified without the key: they are answered 503, so is this. */
static void
test_key(void **state)
{
	struct world *world = *state;
	struct browser browser = open_browser(world);

	connect_both(world, "");
	world->site.key.bytes[0] ^= 1;
	get(&browser, NULL, "/healthz", 503);
	assert_page(&browser, "\"status\":\"key\"");
	world->site.key.bytes[0] ^= 1;
	get(&browser, NULL, "/healthz", 200);
	close_browser(&browser);
}

/* -- figures -- */

static void
test_token(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings");
	struct store_txn *txn = store_begin(world->site.store);
	char token[MONITOR_TOKEN_LEN + 1], bearer[120], own[120];

	get(&browser, NULL, "/metrics", 404);
	assert_page(&browser, "\"error\":\"no token was made");
	monitor_token_new(txn, bh_now_ms(), token);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	/* A session is no token. */
	get(&browser, NULL, "/metrics", 401);
	get(&browser, "HTTP_AUTHORIZATION=Bearer x", "/metrics", 401);
	get(&browser, "HTTP_AUTHORIZATION=Basic YTpi", "/metrics", 401);
	get(&browser, "HTTP_X_BILLHOOK_TOKEN=", "/metrics", 401);
	snprintf(bearer, sizeof(bearer), "QUERY_STRING=token=%s", token);
	get(&browser, bearer, "/metrics", 401);
	snprintf(bearer, sizeof(bearer), "HTTP_AUTHORIZATION=bearer  %s", token);
	get(&browser, bearer, "/metrics", 200);
	snprintf(own, sizeof(own), "HTTP_X_BILLHOOK_TOKEN=%s", token);
	get(&browser, own, "/metrics", 200);
	snprintf(own, sizeof(own), "REDIRECT_HTTP_AUTHORIZATION=Bearer %s", token);
	get(&browser, own, "/metrics", 200);
	close_browser(&browser);
}

static void
test_figures(void **state)
{
	struct world *world = *state;
	struct browser browser = open_browser(world);
	struct store_txn *txn = store_begin(world->site.store);
	struct link_lane lane = {.calls = 12,
	    .day_used = 5,
	    .day_limit = 100,
	    .last_push_ms = 1500};
	int64_t more[JOURNAL__MAX] = {[JOURNAL_APPLIED] = 4};
	char token[MONITOR_TOKEN_LEN + 1], own[120];

	connect_both(world, "broken by Secret Person");
	monitor_token_new(txn, bh_now_ms(), token);
	link_lane_note(txn, "box", &lane);
	assert_int_equal(journal_count(txn, "eu", more, NULL), 0);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	receive(world, bh_now_ms() - 60000);
	snprintf(own, sizeof(own), "HTTP_X_BILLHOOK_TOKEN=%s", token);
	get(&browser, own, "/metrics", 200);
	assert_page(&browser, "billhook_build_info{version=\"" VERSION "\"} 1\n");
	assert_page(&browser,
	    "billhook_events_handled_total{source=\"eu\",outcome=\"applied\"} 4\n");
	assert_page(&browser,
	    "billhook_events_handled_total{source=\"eu\",outcome=\"failed\"} 0\n");
	assert_page(&browser, "billhook_events_backlog 1\n");
	assert_page(&browser, "billhook_events_backlog_age_seconds 6");
	assert_page(&browser, "billhook_lane_stopped{lane=\"box\"} 1\n");
	assert_page(&browser, "billhook_lane_calls_total{lane=\"box\"} 12\n");
	assert_page(&browser, "billhook_lane_day_calls_limit{lane=\"box\"} 100\n");
	assert_page(&browser, "billhook_lane_last_push_timestamp_seconds{lane=\"box\"} 1.5\n");
	assert_page(&browser, "billhook_webhook_duration_seconds_bucket{le=\"+Inf\"} 0\n");
	lacks(&browser, "Secret");
	close_browser(&browser);
}

static void
test_token_in_settings(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/settings"),
		       vic = open_at(world, "vic", "/settings");
	char own[120];
	const char *at;

	lacks(&vic, "Make a token");
	lacks(&browser, "Take it back");
	post(&browser, "/settings/monitor", "action=make");
	assert_int_equal(browser.status, 200);
	at = strstr(browser.body, "shown only now: <code>");
	assert_non_null(at);
	snprintf(own, sizeof(own), "HTTP_X_BILLHOOK_TOKEN=%.*s", MONITOR_TOKEN_LEN,
	    at + strlen("shown only now: <code>"));
	get(&vic, own, "/metrics", 200);
	ask(&browser, "GET", "/settings", NULL);
	lacks(&browser, own + strlen("HTTP_X_BILLHOOK_TOKEN="));
	assert_page(&browser, "There is a token since ");
	post(&browser, "/settings/monitor", "action=remove");
	assert_string_equal(browser.location, "/settings?done=no-token");
	get(&vic, own, "/metrics", 404);
	close_browser(&browser);
	close_browser(&vic);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_healthy), TEST(test_key), TEST(test_late),
	    TEST(test_stopped), TEST(test_token), TEST(test_figures), TEST(test_token_in_settings)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
