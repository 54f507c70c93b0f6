/* web/page_activity, page_event: the log of events, its filters, replay. */
#include "site-unit.h"
#include "state/journal.h"
#include "state/trail.h"

#define T0 INT64_C(1795305600000) /* 2026-11-22T00:00:00Z */

struct put {
	const char *connection, *id, *type, *body;
	int64_t at_ms;
};

/* -- helpers -- */

static uint64_t
receive(struct world *world, struct put put)
{
	json_t *headers = json_pack("{s:s}", "x-from", "<sender>");
	struct journal_entry entry = {.connection = put.connection != NULL ? put.connection : "eu",
	    .id = put.id,
	    .type = put.type != NULL ? put.type : "invoice.paid",
	    .received_ms = put.at_ms != 0 ? put.at_ms : T0,
	    .headers = headers,
	    .body = put.body != NULL ? put.body : "{\"a\":1}",
	    .body_len = strlen(put.body != NULL ? put.body : "{\"a\":1}")};
	struct store_txn *txn = store_begin(world->site.store);
	struct bh_err err = BH_ERR_INIT;
	uint64_t stamp = 0;

	if (journal_accept(world->site.store, &entry, &err) != 1 ||
	    journal_find(txn, entry.connection, entry.id, &stamp, &err) != 1)
		fail_msg("%s: %s", put.id, err.text);
	store_free(&txn);
	json_decref(headers);
	return stamp;
}

static void
settle(struct world *world, uint64_t stamp, enum journal_state state, const char *note,
    const char *object)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct journal_event event;

	assert_int_equal(journal_read(txn, stamp, &event, NULL), 1);
	event.state = state;
	event.handled_ms = T0 + 5000;
	snprintf(event.note, sizeof(event.note), "%s", note);
	if (object != NULL) {
		json_decref(event.objects);
		event.objects = json_pack("[s]", object);
	}
	journal_settle(txn, &event);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	journal_event_release(&event);
}

/* Stamps that wait to be handled again. */
static size_t
replays(struct world *world, uint64_t stamp)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct journal_batch batch;
	size_t n = 0;

	assert_int_equal(journal_next(txn, 200, &batch, NULL), 0);
	for (size_t i = 0; i < batch.replays; i++)
		n += stamp == 0 || batch.events[i].stamp == stamp;
	journal_batch_release(&batch);
	store_free(&txn);
	return n;
}

static void
look(struct browser *browser, const char *uri, int status)
{
	ask(browser, "GET", uri, NULL);
	if (browser->status != status)
		fail_msg("%s: %d instead of %d: %s", uri, browser->status, status, browser->body);
}

/* The ids of the rows shown, with a space behind each. */
static char *
rows(const struct browser *browser)
{
	static char list[4096];

	list[0] = '\0';
	for (const char *at = browser->body; (at = strstr(at, "\"><code>")) != NULL;) {
		size_t len = strlen(list);

		at += strlen("\"><code>");
		snprintf(list + len, sizeof(list) - len, "%.*s ", (int)strcspn(at, "<"), at);
	}
	return list;
}

static size_t
row_count(const struct browser *browser)
{
	size_t n = 0;

	for (const char *at = rows(browser); (at = strchr(at, ' ')) != NULL; at++)
		n++;
	return n;
}

/* The address behind rel="next", unescaped; "" when there is none. */
static const char *
older(const struct browser *browser)
{
	static char uri[1000];
	const char *end = strstr(browser->body, "\" rel=\"next\""), *at = end;
	size_t n = 0;

	uri[0] = '\0';
	if (end == NULL)
		return uri;
	while (at > browser->body && at[-1] != '"')
		at--;
	while (at < end && n + 1 < sizeof(uri)) {
		uri[n++] = *at;
		at += bh_has_prefix(at, "&amp;") ? 5 : 1;
	}
	uri[n] = '\0';
	return uri;
}

static struct browser
open_as(struct world *world, const char *user)
{
	struct browser browser = open_browser(world);
	static const char *const codes[] = {"eu", "us"};

	for (size_t i = 0; i < BH_LEN(codes); i++)
		connect((struct connection_case){.world = world,
		    .code = codes[i],
		    .driver = "stripe",
		    .name = "",
		    .is_source = true});
	connect((struct connection_case){.world = world,
	    .code = "crm",
	    .driver = "hubspot",
	    .name = ""});
	sign_in(&browser, user);
	return browser;
}

/* -- the list -- */

static void
test_empty(void **state)
{
	struct browser browser = open_as(*state, "vic");

	look(&browser, "/activity", 200);
	assert_page(&browser, "Nothing has been received.");
	assert_page(&browser, "<option value=\"eu\">eu</option>");
	assert_null(strstr(browser.body, "<option value=\"crm\">"));
	assert_null(strstr(browser.body, "rel=\"next\""));
	assert_page(&browser, "<a href=\"/activity\" aria-current=\"page\">");
	look(&browser, "/activity?type=x", 200);
	assert_page(&browser, "None of the 0 events that were looked at fits.");
	close_browser(&browser);
}

static void
test_filters(void **state)
{
	static const struct {
		const char *query, *ids;
	} cases[] = {
	    {"", "e6 e5 e4 e3 e2 e1 "},
	    {"?type=invoice.paid", "e4 e1 "},
	    {"?type=invoice.*", "e4 e2 e1 "},
	    {"?type=*", "e6 e5 e4 e3 e2 e1 "},
	    {"?type=invoice", ""},
	    {"?type=invoice.%2A&state=failed", "e2 "},
	    {"?state=applied", "e4 "},
	    {"?state=stale", "e3 "},
	    {"?state=ignored", "e5 "},
	    {"?state=unknown", "e6 "},
	    {"?state=received", "e1 "},
	    {"?state=nonsense", ""},
	    {"?connection=us", "e5 e3 "},
	    {"?connection=nobody", ""},
	    {"?since=2026-11-22T00:03:00Z", "e6 e5 e4 e3 "},
	    {"?since=2026-11-22T00:03", "e6 e5 e4 e3 "},
	    {"?since=2026-11-22T00:03:30", "e6 e5 e4 "},
	    {"?until=2026-11-22T00:03:00Z", "e2 e1 "},
	    {"?since=2026-11-22T00:02&until=2026-11-22T01:05:00%2B01:00", "e4 e3 e2 "},
	    {"?since=2026-11-23", ""},
	    {"?until=2026-11-22", ""},
	    {"?q=e3", "e3 "},
	    {"?q=cus_77", "e4 "},
	    {"?q=in_object", "e4 "},
	    {"?q=needle", "e2 "},
	    {"?q=needle&type=customer.*", ""},
	    {"?q=%3Cnothing%3E", ""},
	    {"?before=0", "e6 e5 e4 e3 e2 e1 "},
	    {"?before=xyz", "e6 e5 e4 e3 e2 e1 "},
	    {"?before=1", ""},
	};
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");
	uint64_t stamps[7];

	stamps[1] = receive(world, (struct put){.id = "e1", .at_ms = T0 + 60000});
	stamps[2] = receive(world, (struct put){.id = "e2",
				       .type = "invoice.voided",
				       .body = "{\"has\":\"a needle in it\"}",
				       .at_ms = T0 + 120000});
	stamps[3] = receive(world, (struct put){.connection = "us",
				       .id = "e3",
				       .type = "customer.created",
				       .at_ms = T0 + 180000});
	stamps[4] = receive(world,
	    (struct put){.id = "e4", .body = "{\"customer\":\"cus_77\"}", .at_ms = T0 + 240000});
	stamps[5] = receive(world, (struct put){.connection = "us",
				       .id = "e5",
				       .type = "charge.failed",
				       .at_ms = T0 + 300000});
	stamps[6] = receive(world, (struct put){.id = "e6", .type = "odd", .at_ms = T0 + 360000});
	settle(world, stamps[2], JOURNAL_FAILED, "cannot <be> read", NULL);
	settle(world, stamps[3], JOURNAL_STALE, "", NULL);
	settle(world, stamps[4], JOURNAL_APPLIED, "", "invoice in_object");
	settle(world, stamps[5], JOURNAL_IGNORED, "of another mode", NULL);
	settle(world, stamps[6], JOURNAL_UNKNOWN, "", NULL);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char uri[200];

		snprintf(uri, sizeof(uri), "/activity%s", cases[i].query);
		look(&browser, uri, 200);
		if (strcmp(rows(&browser), cases[i].ids) != 0)
			fail_msg("%s: %s", uri, rows(&browser));
		if (*cases[i].ids == '\0')
			assert_page(&browser, "that were looked at fit");
	}
	look(&browser, "/activity?type=%22%3E%3Cscript%3E&q=%3Cb%3E&state=applied&connection=us",
	    200);
	assert_null(strstr(browser.body, "<script>"));
	assert_page(&browser, "value=\"&quot;&gt;&lt;script&gt;\"");
	assert_page(&browser, "value=\"&lt;b&gt;\"");
	assert_page(&browser, "<option value=\"applied\" selected>");
	assert_page(&browser, "<option value=\"us\" selected>");
	look(&browser, "/activity", 200);
	assert_page(&browser, "cannot &lt;be&gt; read");
	assert_page(&browser, "title=\"2026-11-22 00:04:00 UTC\"");
	close_browser(&browser);
}

static void
test_bad_times(void **state)
{
	static const char *const times[] = {"yesterday", "2026-13-01", "2026-11-22T25:00",
	    "%3Cscript%3E", "99999999999999999999999999999999999999999999999999"};
	struct browser browser = open_as(*state, "vic");

	receive(*state, (struct put){.id = "e1"});
	for (size_t i = 0; i < BH_LEN(times); i++) {
		char uri[200];

		snprintf(uri, sizeof(uri), "/activity?since=%s", times[i]);
		look(&browser, uri, 400);
		assert_page(&browser, "A time is written like");
		assert_null(strstr(browser.body, "<script>"));
		snprintf(uri, sizeof(uri), "/activity?until=%s", times[i]);
		look(&browser, uri, 400);
	}
	look(&browser, "/activity?since=yesterday", 400);
	assert_page(&browser, "type=\"text\" step=\"any\" value=\"yesterday\"");
	assert_page(&browser,
	    "aria-describedby=\"time-error\"></p>\n<p class=\"field\"><label for=\"until\"");
	look(&browser, "/activity?since=2026-11-22T01:00:00%2B01:00", 200);
	assert_page(&browser, "type=\"datetime-local\" step=\"any\" value=\"2026-11-22T00:00:00\"");
	close_browser(&browser);
}

/* Page by page through more than one page looks at, each event once, filters kept. */
static void
test_paging(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");
	char uri[1000] = "/activity?type=rare.%2A";
	size_t n = 0, pages = 0;

	for (int i = 0; i < 2300; i++) {
		char id[16];

		snprintf(id, sizeof(id), "e%04d", i);
		receive(world, (struct put){.id = id,
				   .type = i % 100 == 7 ? "rare.one" : "invoice.paid",
				   .at_ms = T0 + i * 1000});
	}
	while (uri[0] != '\0') {
		assert_in_range(++pages, 1, 10);
		look(&browser, uri, 200);
		n += row_count(&browser);
		assert_int_equal(strstr(browser.body, "Newest events") != NULL, pages > 1);
		snprintf(uri, sizeof(uri), "%s", older(&browser));
		if (uri[0] != '\0')
			assert_non_null(strstr(uri, "type=rare.%2A"));
	}
	assert_int_equal(n, 23);
	assert_int_equal(pages, 3);

	/* Without filters: fifty a page, no gap, no event twice. */
	snprintf(uri, sizeof(uri), "/activity");
	for (int i = 2299; i >= 0; i--) {
		char id[16];

		if ((2299 - i) % 50 == 0)
			look(&browser, uri, 200);
		snprintf(id, sizeof(id), ">e%04d<", i);
		assert_page(&browser, id);
		snprintf(uri, sizeof(uri), "%s", older(&browser));
	}
	/* The last page is full, so one more may be offered; it is empty then. */
	if (uri[0] != '\0') {
		look(&browser, uri, 200);
		assert_int_equal(row_count(&browser), 0);
		assert_string_equal(older(&browser), "");
	}
	/* A fit far back: the page says so and leads on. */
	look(&browser, "/activity?q=e0003%22", 200);
	assert_page(&browser, "None of the 200 events that were looked at fits. There are older");
	/* The very id is found at any depth; a time, too. */
	look(&browser, "/activity?q=e0003", 200);
	assert_string_equal(rows(&browser), "e0003 ");
	look(&browser, "/activity?until=2026-11-22T00:00:05", 200);
	assert_page(&browser, ">e0004<");
	assert_null(strstr(browser.body, ">e0005<"));
	look(&browser, "/activity?since=2026-11-22T00:38:10", 200);
	assert_int_equal(row_count(&browser), 10);
	close_browser(&browser);
}

/* Days of events: the time filter goes to its place and stops behind it. */
static void
test_time_in_a_long_log(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");

	for (int i = 0; i < 3000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "e%04d", i);
		receive(world, (struct put){.id = id, .at_ms = T0 + i * INT64_C(600000)});
	}
	/* One that waited in the spool while later ones were received. */
	receive(world, (struct put){.id = "late", .at_ms = T0 + 2999 * INT64_C(600000) - 1800000});
	bh_clock_set(T0 + 3100 * INT64_C(600000));
	close_browser(&browser);
	browser = open_browser(world);
	sign_in(&browser, "vic");
	look(&browser, "/activity?since=2026-11-23&until=2026-11-23T01:00", 200);
	assert_string_equal(rows(&browser), "e0149 e0148 e0147 e0146 e0145 e0144 ");
	assert_string_equal(older(&browser), "");
	look(&browser, "/activity?since=2026-12-12T19:00&until=2026-12-12T19:21", 200);
	assert_string_equal(rows(&browser), "late e2996 e2995 e2994 ");
	bh_clock_set(0);
	close_browser(&browser);
}

/* Large bodies make the store give short pages: the log goes on behind them. */
static void
test_short_pages(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");
	char *body = bh_xcalloc(1, 1000001);

	memset(body, ' ', 1000000);
	for (int i = 0; i < 20; i++) {
		char id[16];

		snprintf(id, sizeof(id), "e%02d", i);
		receive(world, (struct put){.id = id, .body = body});
	}
	free(body);
	look(&browser, "/activity", 200);
	assert_int_equal(row_count(&browser), 20);
	assert_string_equal(older(&browser), "");
	close_browser(&browser);
}

/* -- one event -- */

static void
test_event(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");
	uint64_t stamp = receive(world,
	    (struct put){.id = "evt_<1>", .body = "{\"b\":{\"c\":\"<script>\"},\"n\":12.50}"});
	char uri[100];

	snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
	settle(world, stamp, JOURNAL_APPLIED, "a <note>", "customer cus_<1>");
	look(&browser, uri, 200);
	assert_page(&browser, "<h1>invoice.paid</h1>");
	assert_page(&browser, "evt_&lt;1&gt;");
	assert_page(&browser, "    &quot;c&quot;: &quot;&lt;script&gt;&quot;\n");
	assert_page(&browser, "<dt>x-from</dt><dd><code>&lt;sender&gt;</code></dd>");
	assert_page(&browser, "customer cus_&lt;1&gt;");
	assert_page(&browser, "a &lt;note&gt;");
	assert_page(&browser, "title=\"2026-11-22 00:00:05 UTC\"");
	assert_page(&browser, "<dt>By</dt><dd>webhook, proved to be");
	assert_null(strstr(browser.body, "<script>"));
	assert_null(strstr(browser.body, "Handle again"));
	assert_page(&browser, "<a href=\"/activity\" aria-current=\"page\">");
	look(&browser, "/activity/999999999", 404);
	look(&browser, "/activity/0", 404);
	look(&browser, "/activity/-1", 404);
	look(&browser, "/activity/99999999999999999999999", 404);
	look(&browser, "/activity/x%3Cb%3E", 404);
	close_browser(&browser);
}

static void
test_states(void **state)
{
	static const struct {
		enum journal_state state;
		const char *text;
	} cases[] = {{JOURNAL_RECEIVED, "data-state=\"busy\">received<"},
	    {JOURNAL_APPLIED, "data-state=\"good\">applied<"},
	    {JOURNAL_STALE, "data-state=\"idle\">older<"},
	    {JOURNAL_IGNORED, "data-state=\"idle\">ignored<"},
	    {JOURNAL_UNKNOWN, "data-state=\"idle\">unknown type<"},
	    {JOURNAL_FAILED, "data-state=\"bad\">failed<"},
	    {JOURNAL_ASKED, "data-state=\"busy\">looked up<"}};
	struct browser browser = open_as(*state, "vic");

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char id[16], uri[100];
		uint64_t stamp;

		snprintf(id, sizeof(id), "s%zu", i);
		stamp = receive(*state, (struct put){.id = id});
		settle(*state, stamp, cases[i].state, "", NULL);
		snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
		look(&browser, uri, 200);
		assert_page(&browser, cases[i].text);
		assert_page(&browser, "nothing");
		snprintf(uri, sizeof(uri), "/activity?state=%s",
		    journal_state_name(cases[i].state));
		look(&browser, uri, 200);
		assert_page(&browser, cases[i].text);
		assert_int_equal(row_count(&browser), 1);
	}
	close_browser(&browser);
}

static void
test_bodies(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");
	char *large = bh_xcalloc(1, 200001), uri[100];
	uint64_t stamp =
	    receive(world, (struct put){.id = "text", .body = "no <JSON> \xff at all"});

	snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
	look(&browser, uri, 200);
	assert_page(&browser, "no &lt;JSON&gt; \xef\xbf\xbd at all");
	assert_null(strstr(browser.body, "its beginning"));
	stamp = receive(world, (struct put){.id = "none", .body = " "});
	snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
	look(&browser, uri, 200);

	/* 100,000 letters of two bytes: cut before one, not inside it. */
	large[0] = 'x';
	for (size_t i = 1; i + 1 < 200000; i += 2)
		memcpy(large + i, "\xc3\xa9", 2);
	stamp = receive(world, (struct put){.id = "large", .body = large});
	snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
	look(&browser, uri, 200);
	assert_page(&browser, "the whole has 199,999 bytes");
	assert_null(strstr(browser.body, "\xef\xbf\xbd"));
	assert_in_range(strlen(browser.body), 65000, 75000);
	/* Exactly as much as is shown is not cut. */
	memset(large, 'y', 65536);
	large[65536] = '\0';
	stamp = receive(world, (struct put){.id = "just", .body = large});
	snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
	look(&browser, uri, 200);
	assert_null(strstr(browser.body, "its beginning"));
	free(large);
	close_browser(&browser);
}

/* Indented, or each byte as it was signed. */
static void
test_raw_body(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");
	uint64_t stamp = receive(world,
	    (struct put){.id = "e1", .body = "{ \"b\":1,\n\"a\":\"<b>\",  \"n\":1.50}"});
	char uri[100];

	snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
	look(&browser, uri, 200);
	assert_page(&browser, "<code>{\n  &quot;b&quot;: 1,");
	snprintf(uri, sizeof(uri), "/activity/%llu?body=raw#body", (unsigned long long)stamp);
	assert_page(&browser, uri);
	*strchr(uri, '#') = '\0';
	look(&browser, uri, 200);
	assert_page(&browser,
	    "<code>{ &quot;b&quot;:1,\n&quot;a&quot;:&quot;&lt;b&gt;&quot;,  &quot;n&quot;:1.50}<");
	assert_page(&browser, "as it came · <a href=\"/activity/");
	close_browser(&browser);
}

/* What it changed leads to the customer; what no sync writes is said to be so. */
static void
test_effects(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");
	uint64_t stamp = receive(world, (struct put){.id = "e1"});
	char uri[100];

	snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
	look(&browser, uri, 200);
	assert_page(&browser, "It changed nothing.");
	settle(world, stamp, JOURNAL_APPLIED, "", "customer cus_<1>&");
	look(&browser, uri, 200);
	assert_page(&browser, "<a href=\"/customers/eu?id=cus_%3C1%3E%26\"><code>customer");
	assert_page(&browser, "no sync writes it");
	settle(world, stamp, JOURNAL_APPLIED, "", "<odd>");
	look(&browser, uri, 200);
	assert_page(&browser, "<code>&lt;odd&gt;</code>");
	close_browser(&browser);
}

/* The newest event that fits, as the open page asks for it. */
static void
test_tail(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "vic");
	uint64_t stamp;
	char want[100];

	look(&browser, "/activity/status.json", 200);
	assert_page(&browser, "\"newest\":\"\"");
	stamp = receive(world, (struct put){.id = "e1", .type = "invoice.paid"});
	receive(world, (struct put){.id = "e2", .type = "customer.updated"});
	snprintf(want, sizeof(want), "%llu received", (unsigned long long)stamp);
	look(&browser, "/activity/status.json?type=invoice.%2A", 200);
	assert_page(&browser, want);
	look(&browser, "/activity?type=invoice.%2A", 200);
	assert_page(&browser, want);
	assert_page(&browser, "data-live-url=\"/activity/status.json?type=invoice.%2A\"");
	settle(world, stamp, JOURNAL_APPLIED, "", NULL);
	snprintf(want, sizeof(want), "%llu applied", (unsigned long long)stamp);
	look(&browser, "/activity/status.json?type=invoice.%2A", 200);
	assert_page(&browser, want);
	/* Older pages, and those of a time that is over, stand still. */
	look(&browser, "/activity?until=2026-11-22T01:00", 200);
	assert_null(strstr(browser.body, "data-live-url"));
	look(&browser, "/activity/status.json?since=yesterday", 200);
	assert_page(&browser, "\"newest\":\"\"");
	close_browser(&browser);
}

/* -- again -- */

static void
test_replay_one(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "oda");
	uint64_t stamp = receive(world, (struct put){.id = "e1"});
	struct store_txn *txn;
	json_t *trail;
	char uri[100], want[120];

	snprintf(uri, sizeof(uri), "/activity/%llu", (unsigned long long)stamp);
	look(&browser, uri, 200);
	assert_page(&browser, "Handle again");
	ask(&browser, "POST", uri, "x=1");
	assert_int_equal(browser.status, 403);
	assert_int_equal(replays(world, 0), 0);
	look(&browser, uri, 200);
	post(&browser, uri, "x=1");
	assert_int_equal(browser.status, 303);
	snprintf(want, sizeof(want), "%s?replayed=1", uri);
	assert_string_equal(browser.location, want);
	assert_int_equal(replays(world, stamp), 1);
	look(&browser, want, 200);
	assert_page(&browser, "It is handled again.");
	txn = store_begin(world->site.store);
	assert_int_equal(trail_list(txn, 0, 10, &trail, NULL), 0);
	assert_string_equal(bh_json_str(trail, "0.subject"), "oda");
	assert_string_equal(bh_json_str(trail, "0.what"), "replay");
	json_decref(trail);
	store_free(&txn);
	/* What is not there is not queued. */
	post(&browser, "/activity/4711", "x=1");
	assert_int_equal(browser.status, 404);
	look(&browser, uri, 200);
	post(&browser, "/activity/zero", "x=1");
	assert_int_equal(browser.status, 404);
	assert_int_equal(replays(world, 0), 1);
	close_browser(&browser);
	browser = open_as(world, "vic");
	look(&browser, uri, 200);
	post(&browser, uri, "x=1");
	assert_int_equal(browser.status, 403);
	close_browser(&browser);
}

static void
test_replay_shown(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "oda");
	struct bh_buf form = BH_BUF_INIT(8192);
	uint64_t kept = 0;

	for (int i = 0; i < 120; i++) {
		char id[16];
		uint64_t stamp;

		snprintf(id, sizeof(id), "e%03d", i);
		stamp = receive(world,
		    (struct put){.id = id, .type = i % 2 ? "invoice.paid" : "customer.created"});
		if (i == 1)
			kept = stamp;
	}
	look(&browser, "/activity?type=invoice.*", 200);
	assert_page(&browser, "Handle the 50 shown again");
	assert_page(&browser, "action=\"/activity/replay?type=invoice.%2A\"");
	for (const char *at = browser.body; (at = strstr(at, "name=\"stamp.")) != NULL; at++)
		bh_buf_addf(&form, "%.*s=1&", (int)strcspn(at + 6, "\""), at + 6);
	bh_buf_adds(&form, "stamp.=1&stamp.x=1&stamp.99999=1");
	post(&browser, "/activity/replay?type=invoice.%2A&evil=%0d%0ax", bh_buf_str(&form));
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/activity?type=invoice.%2A&replayed=50");
	assert_int_equal(replays(world, 0), 50);
	assert_int_equal(replays(world, kept), 0);
	look(&browser, "/activity?type=invoice.%2A&replayed=50", 200);
	assert_page(&browser, "50 events are handled again.");
	look(&browser, "/activity?replayed=%3Cb%3E", 200);
	assert_null(strstr(browser.body, "handled again.</p>"));
	/* None, or none that is there. */
	look(&browser, "/activity", 200);
	post(&browser, "/activity/replay", "x=1");
	assert_string_equal(browser.location, "/activity?replayed=0");
	look(&browser, "/activity?replayed=0", 200);
	assert_page(&browser, "0 events are handled again.");
	post(&browser, "/activity/replay", "stamp.4711=1");
	assert_string_equal(browser.location, "/activity?replayed=0");
	look(&browser, "/activity/replay", 404);
	bh_buf_release(&form);
	close_browser(&browser);
	browser = open_as(world, "vic");
	look(&browser, "/activity", 200);
	assert_null(strstr(browser.body, "shown again"));
	post(&browser, "/activity/replay", "stamp.1=1");
	assert_int_equal(browser.status, 403);
	close_browser(&browser);
}

/* All that fit a filter, also behind the page that is shown. */
static void
test_replay_all(void **state)
{
	struct world *world = *state;
	struct browser browser = open_as(world, "oda");
	const char *at;

	for (int i = 0; i < 1500; i++) {
		char id[16];

		snprintf(id, sizeof(id), "e%04d", i);
		receive(world, (struct put){.id = id,
				   .type = i % 10 == 0 ? "rare.one" : "invoice.paid",
				   .at_ms = T0 + i * 1000});
	}
	look(&browser, "/activity?type=rare.%2A&since=2026-11-22", 200);
	assert_page(&browser, "Handle all that fit again");
	post(&browser, "/activity/replay?type=rare.%2A&since=2026-11-22", "all=1&stamp.1=1");
	assert_int_equal(browser.status, 303);
	assert_int_equal(replays(world, 0), 100);
	at = strstr(browser.location, "&before=");
	assert_non_null(at);
	assert_non_null(strstr(browser.location, "&replayed=100&left=1"));
	assert_true(bh_has_prefix(browser.location, "/activity?type=rare.%2A&since=2026-11-22&"));
	look(&browser, browser.location, 200);
	assert_page(&browser, "100 events are handled again. Older ones may fit, too");
	assert_int_equal(row_count(&browser), 50);
	post(&browser, "/activity/replay?type=nothing.%2A", "all=1");
	assert_non_null(strstr(browser.location, "replayed=0"));
	look(&browser, "/activity", 200);
	post(&browser, "/activity/replay?since=yesterday", "all=1");
	assert_string_equal(browser.location, "/activity?since=yesterday&replayed=0");
	assert_int_equal(replays(world, 0), 100);
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_empty), TEST(test_filters),
	    TEST(test_bad_times), TEST(test_paging), TEST(test_time_in_a_long_log),
	    TEST(test_short_pages), TEST(test_event), TEST(test_states), TEST(test_bodies),
	    TEST(test_raw_body), TEST(test_effects), TEST(test_tail), TEST(test_replay_one),
	    TEST(test_replay_all), TEST(test_replay_shown)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
