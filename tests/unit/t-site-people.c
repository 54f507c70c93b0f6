/* web/page_customer*, page_record, page_problem*: customers, their records, and what needs a person. */
#include "people-unit.h"
#include "state/cause.h"

/* -- helpers -- */

static void
set_up(struct world *world)
{
	crm_put(world, "The <CRM>", NULL);
	people_fill(world);
}

static struct link
link_of(struct world *world, const char *object, const char *id)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct link_id link_id = people_link_id(object, id);
	struct link link;

	assert_true(link_get(txn, &link_id, &link, NULL) >= 0);
	store_free(&txn);
	return link;
}

static bool
is_marked(struct world *world, const char *object, const char *id)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct link_id link_id = people_link_id(object, id);
	bool marked;

	assert_int_equal(link_marked_many(txn, &link_id, 1, &marked, NULL), 0);
	store_free(&txn);
	return marked;
}

static size_t
count_marks(struct world *world)
{
	struct link_dirty_list list = {0};
	struct store_txn *txn = store_begin(world->site.store);
	size_t n;

	assert_int_equal(link_dirty(txn, "sf", 1000, &list, NULL), 0);
	n = list.n;
	link_dirty_release(&list);
	store_free(&txn);
	return n;
}

/* The newest entry of the trail. */
static void
assert_done(struct world *world, const char *what, const char *subject, const char *text)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *trail;

	assert_int_equal(trail_list(txn, 0, 1, &trail, NULL), 0);
	assert_string_equal(bh_json_str(trail, "0.what"), what);
	assert_string_equal(bh_json_str(trail, "0.text"), text);
	assert_string_equal(bh_json_str(trail, "0.subject"), subject);
	json_decref(trail);
	store_free(&txn);
}

static size_t
count(const struct browser *browser, const char *part)
{
	size_t n = 0;

	for (const char *at = browser->body; (at = strstr(at, part)) != NULL; at++)
		n++;
	return n;
}

/* The address of the first link whose text is this. */
static void
find_link(const struct browser *browser, const char *text, char *out, size_t size)
{
	const char *at = strstr(browser->body, text), *begin;
	size_t n = 0;

	if (at == NULL)
		fail_msg("there is no link \"%s\" in %s", text, browser->body);
	for (begin = at; begin > browser->body && strncmp(begin, "href=\"", 6) != 0; begin--)
		;
	for (begin += 6; *begin != '"' && n + 1 < size; begin++) {
		if (strncmp(begin, "&amp;", 5) == 0) {
			out[n++] = '&';
			begin += 4;
		} else {
			out[n++] = *begin;
		}
	}
	out[n] = '\0';
}

/* -- the list of customers -- */

static void
test_list(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "vic", "/customers");
	char next[2000];

	assert_page(&browser, "No customer is known yet.");
	set_up(world);
	look(&browser, "/customers", 200);
	assert_page(&browser,
	    "&lt;script&gt;alert(1)&lt;/script&gt; &quot;Acme&quot; &amp; S\xc3\xb6hne</a>");
	assert_page(&browser, "1,234.56 USD");
	assert_page(&browser, "data-state=\"bad\">overdue</span>");
	assert_page(&browser, "2027-01-31");
	assert_page(&browser, "data-state=\"good\">in step</span> <small>The &lt;CRM&gt;</small>");
	assert_page(&browser, "<option value=\"USD\">MRR in USD, largest first</option>");
	lacks(&browser, "<script>alert");
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 50);
	/* A cursor, not an offset. */
	find_link(&browser, "More customers", next, sizeof(next));
	look(&browser, next, 200);
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 19);
	assert_page(&browser, "Customer 69");
	lacks(&browser, "More customers");
	assert_page(&browser, "From the beginning");
	close_browser(&browser);
}

static void
test_search(void **state)
{
	struct world *world = *state;
	struct browser browser;

	set_up(world);
	browser = open_at(world, "vic", "/customers?q=ADA%40example");
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 1);
	assert_page(&browser, "id=c_1\"");
	look(&browser, "/customers?q=cUstomer+0", 200);
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 8);
	look(&browser, "/customers?q=c_6", 200);
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 11);
	look(&browser, "/customers?mrr=USD", 200);
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 1);
	look(&browser, "/customers?q=%3Cscript%3Ealert(2)%22", 200);
	assert_page(&browser, "value=\"&lt;script&gt;alert(2)&quot;\"");
	assert_page(&browser, "begins so.");
	lacks(&browser, "<script>alert");
	/* What people make of the cursor does no harm. */
	look(&browser, "/customers?after=%3Cx%3E", 200);
	look(&browser, "/customers?after=Wm0", 200);
	look(&browser, "/customers?q=cust&after=TW8A", 200);
	close_browser(&browser);
}

/* -- one customer -- */

static void
test_customer(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char next[2000];

	set_up(world);
	browser = open_at(world, "vic", "/customers/pay?id=c_1");
	assert_page(&browser, "<h1>&lt;script&gt;alert(1)");
	assert_page(&browser, "14,814.72 USD");
	assert_page(&browser, "500 JPY, 1,234.56 USD");
	assert_page(&browser, "overdue since 2026-11-01");
	assert_page(&browser, "new, 1,234.56 USD on 2026-01-31");
	assert_page(&browser,
	    "href=\"https://pay.example.com/c_1\" rel=\"noreferrer\">Open in the billing system");
	assert_page(&browser, "href=\"https://example.my.salesforce.com/001000000000001AAA\"");
	assert_page(&browser, "<td>Name is &lt;Acme&gt;</td>");
	/* Newest invoice first, in its currency's decimals. */
	assert_page(&browser, "N-&lt;59&gt;");
	assert_page(&browser, "1,059 JPY");
	lacks(&browser, "N-&lt;49&gt;");
	assert_page(&browser, "data-state=\"busy\">waits</span>");
	/* What happened: the event, and what was made of it. */
	assert_page(&browser, "event <a href=\"/activity/");
	assert_page(&browser, "invoice.&lt;paid&gt;</a>");
	assert_page(&browser, "made in the CRM");
	assert_page(&browser, "Call &lt;them&gt;</a> <small>automation</small>");
	assert_page(&browser, "asked for by a rule");
	lacks(&browser, "<script>alert");
	lacks(&browser, "Sync now");
	find_link(&browser, "All Invoices", next, sizeof(next));
	look(&browser, next, 200);
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 50);
	find_link(&browser, "More Invoices", next, sizeof(next));
	look(&browser, next, 200);
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 10);
	look(&browser, "/customers/pay?id=none", 404);
	look(&browser, "/customers/none?id=c_1", 404);
	look(&browser, "/customers/pay", 404);
	look(&browser, "/customers/pay?id=c_1&kind=invoice&after=TWMA", 200);
	close_browser(&browser);
}

static void
test_sync_now(void **state)
{
	struct world *world = *state;
	struct browser browser;

	set_up(world);
	browser = open_at(world, "vic", "/customers/pay?id=c_1");
	post(&browser, "/customers/pay", "id=c_1");
	assert_int_equal(browser.status, 403);
	close_browser(&browser);
	browser = open_at(world, "oda", "/customers/pay?id=c_1");
	assert_page(&browser, "Sync now");
	post(&browser, "/customers/pay", "id=c_1");
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/customers/pay?id=c_1&done=1");
	/* The customer, its subscription, and each of its invoices. */
	assert_true(is_marked(world, "account", "c_1"));
	assert_true(is_marked(world, "bill", "i_00"));
	assert_true(is_marked(world, "sub", "s_1"));
	assert_string_equal(link_of(world, "account", "c_1").hash, "");
	assert_done(world, "sync", "c_1", "62 records are sent whole, in the browser by oda");
	look(&browser, "/customers/pay?id=c_1&done=1", 200);
	assert_page(&browser, "sent once more");
	post(&browser, "/customers/pay", "id=none");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
}

/* -- one record -- */

static void
test_why(void **state)
{
	struct world *world = *state;
	struct browser browser;

	set_up(world);
	browser = open_at(world, "vic", "/records/people/account?id=c_1");
	/* The value, the field it comes from, and what that holds. */
	assert_page(&browser, "<th scope=\"row\">MRR__c</th>\n<td>1234.56</td>");
	assert_page(&browser,
	    "<code>mrr</code> <small>as money</small><small class=\"block\">mrr: 1234.56</small>");
	/* The default counts where the source says nothing. */
	assert_page(&browser, "so the default counts: none &lt;given&gt;");
	assert_page(&browser, "<small class=\"block\">else -</small>");
	/* Who wins, and who wrote. */
	assert_page(&browser, "Whoever wrote last");
	assert_page(&browser, "Billhook has written here");
	assert_page(&browser, "Billhook has not written here");
	assert_page(&browser, "<td><span class=\"faint\">empty</span></td>");
	assert_page(&browser, "always billing");
	assert_page(&browser, "<span class=\"faint\">not written</span>");
	assert_page(&browser, "by the event <a href=\"/activity/");
	assert_page(&browser, "<code>stripe:c_1</code>");
	lacks(&browser, "<script>alert");
	look(&browser, "/records/people/account?id=c_1&field=MRR__c", 200);
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 1);
	/* Through the customer. */
	look(&browser, "/records/people/bill?id=i_59", 200);
	assert_page(&browser, "customer.name: &lt;script&gt;alert(1)");
	assert_page(&browser, "<h1>N-&lt;59&gt;");
	look(&browser, "/records/people/sub?id=s_1", 200);
	assert_page(&browser, "The filter of the mapping leaves it out.");
	look(&browser, "/records/people/none?id=c_1", 404);
	look(&browser, "/records/none/account?id=c_1", 404);
	look(&browser, "/records/people/account", 404);
	close_browser(&browser);
}

static void
test_held_record(void **state)
{
	struct world *world = *state;
	struct browser browser;

	set_up(world);
	browser = open_at(world, "oda", "/records/people/account?id=c_2");
	assert_page(&browser,
	    "data-state=\"bad\">needs you</span> Name is too long: &lt;b&gt;data");
	assert_page(&browser, "Shorten &lt;it&gt;.");
	assert_page(&browser, "{&quot;errorCode&quot;:&quot;STRING_TOO_LONG&quot;");
	assert_page(&browser, "could not be written");
	post(&browser, "/records/people/account", "id=c_2&do=retry");
	assert_string_equal(browser.location, "/records/people/account?id=c_2&done=retry");
	assert_true(is_marked(world, "account", "c_2"));
	look(&browser, browser.location, 200);
	assert_page(&browser, "It is tried again.");
	assert_page(&browser, "data-state=\"busy\">tried again");
	post(&browser, "/records/people/account", "id=c_2&do=skip");
	assert_int_equal(browser.status, 303);
	assert_int_equal(link_of(world, "account", "c_2").state, LINK_EXCLUDED);
	assert_false(is_marked(world, "account", "c_2"));
	assert_done(world, "skip", "c_2", "account of sync people, in the browser by oda");
	look(&browser, "/records/people/account?id=c_2", 200);
	assert_page(&browser, "left out by oda until it changes");
	/* Once more: it does not need anybody. */
	post(&browser, "/records/people/account", "id=c_2&do=skip");
	assert_int_equal(browser.status, 409);
	assert_page(&browser, "It does not need you any more.");
	post(&browser, "/records/people/account", "id=c_2&do=explode");
	assert_int_equal(browser.status, 400);
	look(&browser, "/records/people/account?id=c_2", 200);
	post(&browser, "/records/people/account", "id=nobody&do=sync");
	assert_int_equal(browser.status, 404);
	close_browser(&browser);
	browser = open_at(world, "vic", "/records/people/account?id=c_3");
	post(&browser, "/records/people/account", "id=c_3&do=retry");
	assert_int_equal(browser.status, 403);
	close_browser(&browser);
}

static void
test_link(void **state)
{
	struct world *world = *state;
	struct browser browser;

	set_up(world);
	people_put_choice(world);
	browser = open_at(world, "oda", "/records/people/account?id=c_64");
	assert_page(&browser, "Acme &lt;script&gt;");
	assert_page(&browser, "https://example.my.salesforce.com/001000000000064AAA");
	assert_page(&browser, "holds stripe:cus_9 already");
	post(&browser, "/records/people/account", "id=c_64&do=link&remote_id=001000000000064AAA");
	assert_string_equal(browser.location, "/records/people/account?id=c_64&done=link");
	assert_string_equal(link_of(world, "account", "c_64").remote_id, "001000000000064AAA");
	assert_string_equal(link_of(world, "account", "c_64").how, "chosen by oda");
	assert_true(is_marked(world, "account", "c_64"));
	look(&browser, "/records/people/account?id=c_1", 200);
	post(&browser, "/records/people/account", "id=c_1&do=link&remote_id=%3Cscript%3Ealert(3)");
	assert_int_equal(browser.status, 409);
	assert_page(&browser, "That is no id of a record");
	lacks(&browser, "<script>alert");
	assert_string_equal(link_of(world, "account", "c_1").remote_id, "001000000000001AAA");
	post(&browser, "/records/people/account", "id=c_1&do=new&remote_id=ignored");
	assert_int_equal(browser.status, 303);
	assert_string_equal(link_of(world, "account", "c_1").remote_id, "");
	assert_true(link_of(world, "account", "c_1").is_replaced);
	close_browser(&browser);
}

/* -- problems -- */

static void
test_problems(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "vic", "/problems");

	assert_page(&browser, "Nothing needs you.");
	assert_page(&browser, "on its way");
	assert_page(&browser, "aria-current=\"page\">Problems</a>");
	set_up(world);
	look(&browser, "/problems", 200);
	assert_page(&browser, "58 records need you.");
	assert_page(&browser, "Problems <small class=\"count\">58</small>");
	assert_page(&browser, "for example: Name is too long: &lt;b&gt;data");
	assert_page(&browser, "<td class=\"number\">58</td>");
	assert_page(&browser, "href=\"/problems/sf/people/account?code=STRING_TOO_LONG\"");
	assert_page(&browser, "Pay &lt;b&gt;</a>: its &lt;key&gt; was refused");
	/* What waits, and for what. */
	assert_page(&browser,
	    "N-&lt;59&gt;</a> <small>bill</small></th><td><a href=\"/records/people/account?id=c_7\">Customer 07</a>");
	assert_page(&browser, "<code>evt_bad</code>");
	lacks(&browser, "evt_a");
	lacks(&browser, "<b>data");
	close_browser(&browser);
}

/* Another CRM, with a record that it refuses. */
static void
put_second_crm(struct world *world)
{
	struct link_dirty_entry entry = {.id = {"hs", 0, "other", "company", "", "c_1"}};
	struct link link = {.state = LINK_HELD, .code = "TOO_<MANY>", .cause = "no", .remedy = "yes"};
	bool clear = true;

	connect((struct connection_case){.world = world,
	    .code = "hs",
	    .driver = "hubspot",
	    .name = "The <second>"});
	assert_int_equal(link_settle(world->site.store, &entry, &link, &clear, 1, NULL), 0);
}

static void
test_problems_of_one_crm(void **state)
{
	static const char own[] = "/problems/sf/people/account?code=STRING_TOO_LONG&crm=sf";
	struct world *world = *state;
	struct browser browser = open_at(world, "oda", "/problems");

	lacks(&browser, "<select id=\"crm\"");
	set_up(world);
	put_second_crm(world);
	look(&browser, "/problems", 200);
	assert_page(&browser, "59 records need you.");
	assert_page(&browser, "<option value=\"hs\">The &lt;second&gt;</option>");
	look(&browser, "/problems?crm=hs", 200);
	assert_page(&browser, "One record needs you.");
	assert_page(&browser, "<option value=\"hs\" selected>");
	assert_page(&browser, "href=\"/problems/hs/other/company?code=TOO_%3CMANY%3E&amp;crm=hs\"");
	lacks(&browser, "STRING_TOO_LONG");
	lacks(&browser, "evt_bad");
	lacks(&browser, "N-&lt;59&gt;");
	look(&browser, "/problems?crm=sf", 200);
	assert_page(&browser, "58 records need you.");
	assert_page(&browser, "N-&lt;59&gt;");
	/* There and back again. */
	look(&browser, own, 200);
	assert_page(&browser, "<a href=\"/problems?crm=sf\">Problems</a>");
	assert_page(&browser, "code=STRING_TOO_LONG&amp;crm=sf&amp;after=");
	post(&browser, "/problems/sf/people/account", "code=STRING_TOO_LONG&crm=sf&do=retry");
	assert_string_equal(browser.location, "/problems?crm=sf&done=retry&n=58");
	/* No code: as if nothing were asked. */
	look(&browser, "/problems?crm=%3Cb%3E", 200);
	assert_page(&browser, "59 records need you.");
	lacks(&browser, "<b>");
	look(&browser, "/problems?crm=none", 200);
	assert_page(&browser, "Nothing needs you there.");
	close_browser(&browser);
}

static void
test_group(void **state)
{
	struct world *world = *state;
	struct browser browser;
	char next[2000];

	set_up(world);
	browser = open_at(world, "vic", "/problems/sf/people/account?code=STRING_TOO_LONG");
	assert_page(&browser, "<h1>Name is too long <small>58 records in <a href=\"/connections/sf\">The &lt;CRM&gt;</a>");
	assert_page(&browser, "href=\"/syncs/people/mapping/account\"");
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 50);
	assert_page(&browser, "data-state=\"busy\">tried again");
	lacks(&browser, "Retry");
	find_link(&browser, "More records", next, sizeof(next));
	look(&browser, next, 200);
	assert_int_equal(count(&browser, "<th scope=\"row\">"), 8);
	/* Made up: another place, another lane, nothing. */
	look(&browser, "/problems/sf/people/account?code=STRING_TOO_LONG&after=TGcA", 200);
	look(&browser, "/problems/sf/people/account?code=NONE", 303);
	look(&browser, "/problems/none/people/account?code=STRING_TOO_LONG", 303);
	assert_string_equal(browser.location, "/problems");
	close_browser(&browser);
}

static void
test_retry_all(void **state)
{
	struct world *world = *state;
	struct browser browser;

	set_up(world);
	browser = open_at(world, "vic", "/problems");
	post(&browser, "/problems/sf/people/account", "code=STRING_TOO_LONG&do=retry");
	assert_int_equal(browser.status, 403);
	close_browser(&browser);
	browser = open_at(world, "oda", "/problems/sf/people/account?code=STRING_TOO_LONG");
	assert_page(&browser, "Retry these 58");
	post(&browser, "/problems/sf/people/account", "code=STRING_TOO_LONG&do=retry");
	assert_string_equal(browser.location, "/problems?done=retry&n=58");
	assert_int_equal(count_marks(world), 59); /* one of another state was marked already */
	assert_trail(world, "retry",
	    "58 records account held as STRING_TOO_LONG, in the browser by oda");
	look(&browser, browser.location, 200);
	assert_page(&browser, "58 records are tried again.");
	close_browser(&browser);
}

static void
test_skip_all(void **state)
{
	struct world *world = *state;
	struct store_txn *txn;
	struct browser browser;
	struct cause cause;

	set_up(world);
	browser = open_at(world, "oda", "/problems/sf/people/account?code=STRING_TOO_LONG");
	post(&browser, "/problems/sf/people/account", "code=STRING_TOO_LONG&do=what");
	assert_int_equal(browser.status, 400);
	look(&browser, "/problems", 200);
	look(&browser, "/problems/sf/people/account?code=STRING_TOO_LONG", 200);
	post(&browser, "/problems/sf/people/account", "code=STRING_TOO_LONG&do=skip");
	assert_string_equal(browser.location, "/problems?done=skip&n=58");
	txn = store_begin(world->site.store);
	assert_int_equal(cause_get(txn, "sf", "STRING_TOO_LONG", "people", "account", &cause, NULL),
	    0);
	store_free(&txn);
	look(&browser, browser.location, 200);
	assert_page(&browser, "58 records are left out until they change.");
	lacks(&browser, "class=\"count\"");
	post(&browser, "/problems/sf/people/account", "code=STRING_TOO_LONG&do=skip");
	assert_string_equal(browser.location, "/problems");
	close_browser(&browser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_list),
	    TEST(test_search),
	    TEST(test_customer),
	    TEST(test_sync_now),
	    TEST(test_why),
	    TEST(test_held_record),
	    TEST(test_link),
	    TEST(test_problems),
	    TEST(test_problems_of_one_crm),
	    TEST(test_group),
	    TEST(test_retry_all),
	    TEST(test_skip_all),
	};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
