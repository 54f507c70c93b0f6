/* web/page_sync*, sync_facts, sync_form: syncs in the browser. */
#include "preview-unit.h"
#include "sync/resync.h"
#include "web/sync_form.h"

#define NEW "code=eu-box&from=eu&to=box&preset=stripe-hubspot"

/* -- helpers -- */

/* The source "eu" (Stripe), the CRMs "box" (takes everything) and "sf". */
static void
connect_all(struct world *world)
{
	connect((struct connection_case){.world = world,
	    .code = "eu",
	    .driver = "stripe",
	    .name = "Money <b>",
	    .environment = "test",
	    .is_source = true});
	connect((struct connection_case){.world = world,
	    .code = "box",
	    .driver = "sandbox",
	    .name = "The \"Box\" <script>"});
}

static struct account_sync
sync_of(struct world *world, const char *code)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct account_sync sync;

	assert_int_equal(account_sync_load(txn, code, &sync, NULL), 1);
	store_free(&txn);
	return sync;
}

/* Is it not started ('n'), paused ('p')? */
static bool
is_so(struct world *world, const char *code, char what)
{
	struct account_sync sync = sync_of(world, code);
	bool is_it = what == 'n' ? sync.is_new : sync.paused;

	account_sync_release(&sync);
	return is_it;
}

/* The newest entry of the trail. */
static void
assert_told(struct world *world, const char *what, const char *text)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *entries;

	assert_int_equal(trail_list(txn, 0, 1, &entries, NULL), 0);
	assert_string_equal(bh_json_str(json_array_get(entries, 0), "what"), what);
	assert_string_equal(bh_json_str(json_array_get(entries, 0), "text"), text);
	json_decref(entries);
	store_free(&txn);
}

static bool
is_there(struct world *world, const char *code)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct account_sync sync;
	int rc = account_sync_load(txn, code, &sync, NULL);

	assert_true(rc >= 0);
	account_sync_release(&sync);
	store_free(&txn);
	return rc > 0;
}

static struct walk
resync_of(struct world *world, const char *code)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct walk walk;

	assert_true(walk_load(txn, code, WALK_RESYNC, &walk, NULL) >= 0);
	store_free(&txn);
	walk_release(&walk);
	return walk;
}

static void
save_walk(struct world *world, const struct walk *walk)
{
	struct store_txn *txn = store_begin(world->site.store);

	walk_save(txn, "eu-box", WALK_RESYNC, walk);
	crm_commit(&txn);
}

/* The sync "eu-box", made in the browser; its page is open. */
static struct browser
open_made(struct world *world, const char *user)
{
	struct browser browser;

	connect_all(world);
	browser = open_at(world, "ada", "/syncs/new");
	send(&browser, "/syncs/new", NEW, 303);
	close_browser(&browser);
	return open_at(world, user, "/syncs/eu-box");
}

static void
start(struct world *world)
{
	struct browser browser = open_at(world, "ada", "/syncs/eu-box");

	preview_put_seen(world, "eu-box");
	send(&browser, "/syncs/eu-box/start", "x=1", 303);
	assert_string_equal(browser.location, "");
	close_browser(&browser);
}

/* -- the list -- */

static void
test_list(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/syncs");

	assert_page(&browser, "No billing system is connected yet.");
	connect_all(world);
	look(&browser, "/syncs", 200);
	assert_page(&browser, "No sync is there yet");
	assert_page(&browser, "href=\"/syncs/new\"");
	look(&browser, "/syncs/new", 200);
	send(&browser, "/syncs/new", NEW, 303);
	look(&browser, "/syncs", 200);
	assert_page(&browser,
	    "<a href=\"/syncs/eu-box\">Money &lt;b&gt; → The &quot;Box&quot; &lt;script&gt;</a>");
	assert_page(&browser, ">not started</span>");
	lacks(&browser, "<script>");
	lacks(&browser, "<b>");
	look(&browser, "/syncs/status.json", 200);
	assert_page(&browser, "\"sync.eu-box.word\":\"not started\"");
	look(&browser, "/syncs?gone=1", 200);
	assert_page(&browser, "What it wrote stays in the CRM.");
	close_browser(&browser);
	browser = open_at(world, "vic", "/syncs");
	lacks(&browser, "href=\"/syncs/new\"");
	close_browser(&browser);
}

/* -- making one -- */

static void
test_form(void **state)
{
	struct world *world = *state;
	struct browser browser = open_at(world, "ada", "/syncs/new");

	assert_page(&browser, "Connect them first.");
	connect_all(world);
	/* With one of each nothing has to be chosen; the first preset that fits is. */
	look(&browser, "/syncs/new", 200);
	assert_page(&browser, "value=\"stripe-hubspot\" checked>");
	assert_page(&browser, "name=\"code\" value=\"eu-box\"");
	assert_page(&browser, "<option value=\"companies\" selected>Companies</option>");
	assert_page(&browser, "is left out, and looked for again every hour");
	assert_page(&browser, "More settings");
	assert_page(&browser, "name=\"set.owner\" type=\"text\" value=\"\"");
	assert_page(&browser, "Id of the CRM&#39;s record");
	/* Presets of other billing systems do not fit. */
	lacks(&browser, "lago-hubspot");
	look(&browser, "/syncs/new?from=eu&to=box&preset=stripe-salesforce", 200);
	assert_page(&browser, "A customer whom no Account matches");
	lacks(&browser, "set.customer_object");
	look(&browser, "/syncs/new?from=eu&to=box&preset=empty", 200);
	assert_page(&browser, "value=\"empty\" checked>");
	lacks(&browser, "set.create_accounts");
	/* What is none of ours is as if it was not asked for. */
	look(&browser, "/syncs/new?from=%3Cscript%3E&to=nobody&preset=..%2Fschema%2Fhubspot", 200);
	assert_page(&browser, "value=\"stripe-hubspot\" checked>");
	lacks(&browser, "<script>");
	/* Of several somebody has to choose. */
	crm_put(world, "", NULL);
	look(&browser, "/syncs/new", 200);
	assert_page(&browser, ">Go on</button>");
	lacks(&browser, "Make the sync");
	look(&browser, "/syncs/new?from=eu&to=sf", 200);
	assert_page(&browser, "value=\"stripe-salesforce\" checked>");
	lacks(&browser, "stripe-hubspot");
	close_browser(&browser);
	browser = open_at(world, "oda", "/syncs/new");
	assert_page(&browser, "Only an administrator");
	lacks(&browser, "Make the sync");
	close_browser(&browser);
}

static void
test_create(void **state)
{
	struct world *world = *state;
	struct account_sync sync;
	struct browser browser;

	connect_all(world);
	browser = open_at(world, "ada", "/syncs/new");
	post(&browser, "/syncs/new",
	    NEW "&set.customer_object=contacts&set.create_customers=yes&set.pipeline=+p-1+"
		"&set.write_back=yes&set.owner=&set.unknown=x");
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/syncs/eu-box?created=1");
	sync = sync_of(world, "eu-box");
	assert_true(sync.is_new);
	assert_string_equal(sync.preset, "stripe-hubspot");
	/* What equals the preset's own is left out. */
	assert_int_equal(json_object_size(sync.settings), 3);
	assert_string_equal(bh_json_str(sync.settings, "customer_object"), "contacts");
	assert_string_equal(bh_json_str(sync.settings, "pipeline"), "p-1");
	assert_true(bh_is_json_true(sync.settings, "write_back"));
	account_sync_release(&sync);
	assert_told(world, "config", "configuration changed in the browser by ada");
	assert_int_equal(resync_of(world, "eu-box").state, WALK_IDLE);
	look(&browser, "/syncs/eu-box?created=1", 200);
	assert_page(&browser, "The sync is made.");
	assert_page(&browser, "<option value=\"contacts\" selected>Contacts</option>");
	/* An empty one. */
	look(&browser, "/syncs/new", 200);
	assert_page(&browser, "name=\"code\" value=\"eu-box-2\"");
	send(&browser, "/syncs/new", "code=bare&from=eu&to=box&preset=empty", 303);
	sync = sync_of(world, "bare");
	assert_int_equal(json_array_size(json_object_get(sync.mapping, "objects")), 0);
	account_sync_release(&sync);
	look(&browser, "/syncs/bare", 200);
	assert_page(&browser, "Nothing is mapped yet.");
	assert_page(&browser, "disabled>Start the sync");
	send(&browser, "/syncs/bare/start", "x=1", 409);
	assert_true(is_so(world, "bare", 'n'));
	close_browser(&browser);
}

static void
test_create_refused(void **state)
{
	static const struct {
		const char *fields, *error;
	} cases[] = {
	    {"code=new&from=eu&to=box&preset=stripe-hubspot", "The code must be"},
	    {"code=%3Cb%3E&from=eu&to=box&preset=stripe-hubspot", "The code must be"},
	    {"code=taken&from=eu&to=box&preset=stripe-hubspot",
		"there is a sync of this code already"},
	    {NEW "&set.create_customers=perhaps", "choose one of the list"},
	    {NEW "&set.create_customers=", "choose one of the list"},
	};
	struct world *world = *state;
	struct browser browser;

	connect_all(world);
	browser = open_at(world, "ada", "/syncs/new");
	send(&browser, "/syncs/new", "code=taken&from=eu&to=box&preset=empty", 303);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		look(&browser, "/syncs/new", 200);
		post(&browser, "/syncs/new", cases[i].fields);
		check_answer(&browser, cases[i].fields, 400);
		assert_page(&browser, cases[i].error);
		assert_page(&browser, "role=\"alert\"");
		lacks(&browser, "<b>");
	}
	assert_false(is_there(world, "eu-box"));
	assert_true(is_so(world, "taken", 'n'));
	look(&browser, "/syncs/new", 200);
	post(&browser, "/syncs/new", NEW "&set.pipeline=typed%22&set.create_customers=x");
	assert_page(&browser, "value=\"typed&quot;\"");
	close_browser(&browser);
}

/* -- one sync -- */

static void
test_start_and_pause(void **state)
{
	struct world *world = *state;
	struct browser browser = open_made(world, "ada");
	struct account_sync sync;
	struct store_txn *txn;
	json_t *mapping;

	assert_page(&browser, "Before it starts");
	assert_page(&browser, "href=\"/syncs/eu-box/preview\"");
	lacks(&browser, "Re-sync all");
	post(&browser, "/syncs/eu-box/resync/begin", "x=1");
	check_answer(&browser, "resync", 409);
	assert_page(&browser, "It is not started");
	look(&browser, "/syncs/eu-box", 200);
	post(&browser, "/syncs/eu-box/start", "x=1");
	check_answer(&browser, "start unseen", 409);
	assert_page(&browser, "Look at the whole preview first");
	/* Nor while it is being changed. */
	mapping = json_object();
	txn = store_begin(world->site.store);
	draft_save(txn, "eu-box", mapping, "of", "ada", 1);
	crm_commit(&txn);
	json_decref(mapping);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, "put the draft to use or throw it away");
	txn = store_begin(world->site.store);
	draft_drop(txn, "eu-box");
	crm_commit(&txn);
	preview_put_seen(world, "eu-box");
	look(&browser, "/syncs/eu-box", 200);
	post(&browser, "/syncs/eu-box/start", "x=1");
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/syncs/eu-box?started=1");
	assert_false(is_so(world, "eu-box", 'n'));
	assert_int_equal(resync_of(world, "eu-box").state, WALK_RUNNING);
	look(&browser, "/syncs/eu-box?started=1", 200);
	assert_page(&browser, "Started. All records are looked at");
	assert_page(&browser, ">Pause</button>");
	lacks(&browser, "Before it starts");
	post(&browser, "/syncs/eu-box/pause", "x=1");
	assert_string_equal(browser.location, "/syncs/eu-box");
	sync = sync_of(world, "eu-box");
	assert_true(sync.paused);
	account_sync_release(&sync);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, ">paused</span>");
	assert_page(&browser, ">Go on</button>");
	send(&browser, "/syncs/eu-box/resume", "x=1", 303);
	assert_false(is_so(world, "eu-box", 'p'));
	close_browser(&browser);
}

static void
test_settings(void **state)
{
	struct world *world = *state;
	struct browser browser = open_made(world, "ada");
	struct walk idle = {.phase_total = -1};
	struct account_sync sync;

	start(world);
	save_walk(world, &idle);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, "Apply it to what is already synced");
	/* Not to what is there. */
	post(&browser, "/syncs/eu-box", "set.deals=yes&set.owner=+o-1");
	assert_string_equal(browser.location, "/syncs/eu-box?saved=1");
	assert_int_equal(resync_of(world, "eu-box").state, WALK_IDLE);
	sync = sync_of(world, "eu-box");
	assert_string_equal(bh_json_str(sync.settings, "deals"), "yes");
	assert_string_equal(bh_json_str(sync.settings, "owner"), "o-1");
	account_sync_release(&sync);
	/* To all; and back to the preset's own. */
	look(&browser, "/syncs/eu-box", 200);
	send(&browser, "/syncs/eu-box", "set.deals=no&all=1", 303);
	assert_int_equal(resync_of(world, "eu-box").state, WALK_RUNNING);
	sync = sync_of(world, "eu-box");
	assert_null(json_object_get(sync.settings, "deals"));
	assert_string_equal(bh_json_str(sync.settings, "owner"), "o-1");
	account_sync_release(&sync);
	/* What is wrong is said, and what was typed stays. */
	look(&browser, "/syncs/eu-box", 200);
	post(&browser, "/syncs/eu-box", "set.deals=perhaps&set.pipeline=%3Cp%3E");
	check_answer(&browser, "settings", 400);
	assert_page(&browser, "Deals: choose one of the list");
	assert_page(&browser, "value=\"&lt;p&gt;\"");
	close_browser(&browser);
}

static void
test_resync(void **state)
{
	struct world *world = *state;
	struct browser browser = open_made(world, "oda");
	struct walk walk = {.state = WALK_RUNNING,
	    .phase = "credit_note",
	    .phase_number = 2,
	    .phases = 4,
	    .phase_read = 1200,
	    .phase_total = 2400,
	    .changed = 5200};

	start(world);
	save_walk(world, &walk);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser,
	    "Step 2 of 4, credit notes: 1,200 of 2,400. 5,200 records are compared");
	assert_page(&browser, "<progress max=\"100\" value=\"37\"");
	look(&browser, "/syncs/eu-box/status.json", 200);
	assert_page(&browser, "\"resync.percent\":\"37\"");
	look(&browser, "/syncs/eu-box", 200);
	post(&browser, "/syncs/eu-box/resync/pause", "x=1");
	assert_string_equal(browser.location, "/syncs/eu-box#resync");
	assert_int_equal(resync_of(world, "eu-box").state, WALK_PAUSED);
	assert_told(world, "resync", "re-sync: pause, in the browser by oda");
	look(&browser, "/syncs/eu-box", 200);
	post(&browser, "/syncs/eu-box/resync/pause", "x=1");
	check_answer(&browser, "pause again", 409);
	send(&browser, "/syncs/eu-box/resync/resume", "x=1", 303);
	assert_int_equal(resync_of(world, "eu-box").phase_read, 1200);
	send(&browser, "/syncs/eu-box/resync/cancel", "x=1", 303);
	assert_int_equal(resync_of(world, "eu-box").state, WALK_IDLE);
	send(&browser, "/syncs/eu-box/resync/begin", "x=1", 303);
	assert_int_equal(resync_of(world, "eu-box").state, WALK_RUNNING);
	post(&browser, "/syncs/eu-box/resync/explode", "x=1");
	assert_int_equal(browser.status, 404);
	walk.state = WALK_DONE;
	walk.ended_ms = bh_now_ms() - 3600 * 1000 * 3;
	save_walk(world, &walk);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, "3 h ago, 5,200 records are compared");
	close_browser(&browser);
}

/* The states in words, from the worst on. */
static void
test_states(void **state)
{
	struct world *world = *state;
	struct browser browser = open_made(world, "vic");
	struct link_dirty_entry entry = {.id = {"box", 0, "eu-box", "customer", "", "cus_1"}};
	struct link link = {.state = LINK_CLEAN};
	struct store_txn *txn;
	bool clear = true;

	start(world);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, ">running</span>");
	assert_page(&browser, "Nothing has come yet.");
	assert_int_equal(link_settle(world->site.store, &entry, &link, &clear, 1, NULL), 0);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, "All is in step.");
	txn = store_begin(world->site.store);
	link_mark(txn, &entry.id);
	crm_commit(&txn);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, "Records are on their way.");
	link.state = LINK_HELD;
	assert_int_equal(link_settle(world->site.store, &entry, &link, &clear, 1, NULL), 0);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, "data-state=\"bad\"");
	assert_page(&browser, "1 record is refused or waits for a choice.");
	connect((struct connection_case){.world = world,
	    .code = "box",
	    .driver = "sandbox",
	    .name = "Box",
	    .broken = "the token is <dead>"});
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, "the token is &lt;dead&gt;.");
	txn = store_begin(world->site.store);
	account_connection_drop(txn, "box");
	crm_commit(&txn);
	look(&browser, "/syncs/eu-box", 200);
	assert_page(&browser, ">does not work</span>");
	assert_page(&browser, "Its CRM box is not connected.");
	look(&browser, "/syncs", 200);
	assert_page(&browser, ">does not work</span>");
	close_browser(&browser);
}

static void
test_delete(void **state)
{
	struct world *world = *state;
	struct browser browser = open_made(world, "ada");
	struct store_txn *txn;
	struct walk walk;

	post(&browser, "/syncs/eu-box/delete", "confirm=box");
	check_answer(&browser, "delete", 409);
	assert_page(&browser, "type the sync&#39;s code: eu-box. Nothing was done.");
	assert_true(is_there(world, "eu-box"));
	post(&browser, "/syncs/eu-box/delete", "confirm=eu-box");
	assert_int_equal(browser.status, 303);
	assert_string_equal(browser.location, "/syncs?gone=1");
	assert_false(is_there(world, "eu-box"));
	assert_told(world, "config", "sync from eu to box removed, in the browser by ada");
	txn = store_begin(world->site.store);
	assert_int_equal(walk_load(txn, "eu-box", WALK_FORGET, &walk, NULL), 1);
	walk_release(&walk);
	store_free(&txn);
	look(&browser, "/syncs/eu-box", 404);
	look(&browser, "/syncs/eu-box/status.json", 404);
	/* Its code is free when it is forgotten. */
	look(&browser, "/syncs/new", 200);
	post(&browser, "/syncs/new", NEW);
	check_answer(&browser, "again", 400);
	assert_page(&browser, "still being forgotten");
	close_browser(&browser);
}

static void
test_roles(void **state)
{
	static const struct {
		const char *path, *fields;
		enum account_role needed;
	} posts[] = {
	    {"/syncs/new", NEW, ACCOUNT_ADMIN},
	    {"/syncs/eu-box", "set.deals=yes", ACCOUNT_ADMIN},
	    {"/syncs/eu-box/start", "x=1", ACCOUNT_ADMIN},
	    {"/syncs/eu-box/delete", "confirm=no", ACCOUNT_ADMIN},
	    {"/syncs/eu-box/pause", "x=1", ACCOUNT_OPERATOR},
	    {"/syncs/eu-box/resume", "x=1", ACCOUNT_OPERATOR},
	    {"/syncs/eu-box/resync/begin", "x=1", ACCOUNT_OPERATOR},
	};
	static const struct {
		const char *name;
		enum account_role role;
	} people[] = {{"ada", ACCOUNT_ADMIN}, {"oda", ACCOUNT_OPERATOR}, {"vic", ACCOUNT_VIEWER}};
	struct world *world = *state;
	struct browser browser = open_made(world, "ada");

	close_browser(&browser);
	for (size_t p = 0; p < BH_LEN(people); p++) {
		for (size_t i = 0; i < BH_LEN(posts); i++) {
			browser = open_at(world, people[p].name, "/syncs/eu-box");
			post(&browser, posts[i].path, posts[i].fields);
			if ((browser.status == 403) != (people[p].role < posts[i].needed))
				fail_msg("%s %s: %d", people[p].name, posts[i].path,
				    browser.status);
			snprintf(browser.token, sizeof(browser.token), "made-up");
			post(&browser, posts[i].path, posts[i].fields);
			assert_int_equal(browser.status, 403);
			close_browser(&browser);
		}
	}
	browser = open_browser(world);
	ask(&browser, "GET", "/syncs/eu-box", NULL);
	assert_string_equal(browser.location, "/login?next=%2Fsyncs%2Feu-box");
	close_browser(&browser);
}

/* Every setting of every preset has words, and its default is among its choices. */
static void
test_words(void **state)
{
	static const char *const presets[] = {"stripe-hubspot", "stripe-salesforce", "lago-hubspot",
	    "lago-salesforce", "alguna-hubspot", "alguna-salesforce", "lostchurn-hubspot",
	    "lostchurn-salesforce"};
	struct world *world = *state;

	for (size_t p = 0; p < BH_LEN(presets); p++) {
		char *name = bh_xasprintf("presets/%s.json", presets[p]), *path = unit_path(name);
		json_t *mapping = NULL, *fields, *field, *options, *option, *view;
		size_t i, k;

		assert_int_equal(bh_json_read(path, 1 << 20, &mapping, NULL), 0);
		fields = sync_form_fields(world->conf.preset_dir, mapping, "stripe");
		view = sync_form_view(fields, NULL, NULL, NULL);
		assert_in_range(json_array_size(view), 5, 30);
		json_array_foreach (view, i, field) {
			size_t chosen = 0;

			if (strcmp(bh_json_str(field, "name"), bh_json_str(field, "label")) == 0)
				fail_msg("%s: no words for %s", presets[p],
				    bh_json_str(field, "name"));
			options = json_object_get(field, "options");
			json_array_foreach (options, k, option) {
				chosen += bh_is_json_true(option, "is_chosen");
				/* One that is added because it is stored shows its value. */
				if (strcmp(bh_json_str(option, "value"), "yes") == 0)
					continue;
				assert_string_not_equal(bh_json_str(option, "value"),
				    bh_json_str(option, "label"));
			}
			assert_int_equal(chosen, json_array_size(options) > 0);
		}
		json_decref(view);
		json_decref(fields);
		json_decref(mapping);
		free(name);
		free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_list),
	    TEST(test_form),
	    TEST(test_create),
	    TEST(test_create_refused),
	    TEST(test_start_and_pause),
	    TEST(test_settings),
	    TEST(test_resync),
	    TEST(test_states),
	    TEST(test_delete),
	    TEST(test_roles),
	    TEST(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
