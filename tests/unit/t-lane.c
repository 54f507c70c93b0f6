/*
 * Pushing as far as it concerns a whole lane: tokens, descriptions, limits,
 * what is paused or broken, and when the lane runs again.
 */
#include "base/base.h"

#include "base/clock.h"
#include "bench.h"
#include "state/queue.h"
#include "sync/configure.h"
#include "sync/lane.h"
#include "sync/push.h"
#include "unit.h"

/* -- helpers -- */

static struct account_connection
connection_of(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct account_connection connection;

	assert_int_equal(account_connection_load(txn, &bench->key, "crm", &connection, &bench->err),
	    1);
	store_free(&txn);
	return connection;
}

static bool
is_broken(struct bench *bench)
{
	struct account_connection connection = connection_of(bench);
	bool broken = connection.broken[0] != '\0';

	account_connection_release(&connection);
	return broken;
}

/* Write the whole configuration again, one member of the sync or the connection changed. */
static void
reapply(struct bench *bench, const char *list, const char *code, const char *member, json_t *value)
{
	json_t *document, *item;
	size_t i, changes;

	assert_int_equal(configure_export(bench->store, &document, &bench->err), 0);
	json_array_foreach (json_object_get(document, list), i, item) {
		if (strcmp(bh_json_str(item, "code"), code) == 0)
			json_object_set(item, member, value);
	}
	if (bench_configure(bench, document, &changes) < 0)
		fail_msg("%s", bench->err.text);
	json_decref(value);
	json_decref(document);
}

static void
customers(struct bench *bench, int n)
{
	char id[16];

	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "cus_%d", i);
		bench_customer(bench, id, "Ada");
	}
	bench_ingest(bench);
}

/* -- tokens -- */

static void
first_token_is_asked_for_once(void **state)
{
	struct bench *bench = bench_new(*state);

	customers(bench, 1);
	bench_push(bench);
	assert_int_equal(bench->crm.tokens, 1);
	bench_customer(bench, "cus_0", "Ada King");
	bench_work(bench);
	assert_int_equal(bench->crm.tokens, 1);
	assert_int_equal(bench->crm.writes, 2);
	assert_int_equal(bench_lane(bench).calls,
	    2 + 1 + bench->crm.described + bench->crm.accounts);
	assert_int_equal(bench->crm.accounts, strcmp(*state, "hubspot") == 0);
	bench_free(bench);
}

static void
dead_token_is_replaced_and_the_push_repeated(void **state)
{
	struct bench *bench = bench_new(*state);

	customers(bench, 3);
	bench_push(bench);
	bench->crm.is_token_dead = true;
	bench_customer(bench, "cus_0", "Ada King");
	bench_ingest(bench);
	bench_push(bench);
	assert_int_equal(bench->crm.tokens, 2);
	assert_int_equal(bench_lane(bench).dirty, 0);
	assert_int_equal(bench_link(bench, "account", "cus_0").attempts, 0);
	bench_compare(bench);
	bench_free(bench);
}

static void
kill_token(void *arg)
{
	struct bench *bench = arg;

	bench->crm.meanwhile = NULL;
	bench->crm.is_token_dead = true;
}

/* The token dies between two calls: what the first one wrote is not written again. */
static void
only_what_the_dead_token_stopped_is_repeated(void **state)
{
	struct bench *bench = bench_new("hubspot");

	(void)state;
	customers(bench, 150);
	bench->crm.meanwhile = kill_token;
	bench->crm.arg = bench;
	bench_push(bench);
	assert_int_equal(bench->crm.tokens, 2);
	assert_int_equal(bench->crm.rows, 150);
	assert_int_equal(bench_lane(bench).in_step, 150);
	bench_free(bench);
}

/* The grant is gone: a person must act; until then everything stays dirty and no call is made. */
static void
revoked_grant_breaks_the_connection(void **state)
{
	struct bench *bench = bench_new(*state);
	int64_t calls;

	unit_log_expected(true);
	customers(bench, 2);
	bench_push(bench);
	bench->crm.is_token_dead = bench->crm.gives_no_token = true;
	bench_customer(bench, "cus_0", "Ada King");
	bench_ingest(bench);
	bench->err = (struct bh_err)BH_ERR_INIT;
	bench_push(bench);
	assert_int_equal(bench->err.code, BH_OK);
	assert_true(is_broken(bench));
	assert_true(bench_is_dirty(bench, "account", 0, "cus_0"));

	calls = bench_lane(bench).calls;
	bench_pass(bench, 3600000);
	bench_push(bench);
	assert_int_equal(bench_lane(bench).calls, calls);

	bench->crm.gives_no_token = false;
	reapply(bench, "connections", "crm", "name", json_string("again"));
	assert_false(is_broken(bench));
	bench_work(bench);
	assert_int_equal(bench_lane(bench).dirty, 0);
	bench_compare(bench);
	bench_free(bench);
}

/* Tokens are to be had, but none is good: the lane waits, and its records are not worn out. */
static void
fresh_token_is_refused(void **state)
{
	struct bench *bench = bench_new(*state);
	struct sync_outcome outcome;

	customers(bench, 2);
	bench_push(bench);
	unit_log_expected(true);
	bench->crm.refuses_tokens = true;
	bench_customer(bench, "cus_0", "Ada King");
	bench_ingest(bench);
	assert_int_equal(push_run(&bench->context, "crm", false, &outcome, &bench->err), -1);
	assert_int_equal(bench->err.code, BH_UNAVAILABLE);
	assert_int_equal(bench->crm.tokens, 2);
	assert_int_equal(bench_link(bench, "account", "cus_0").attempts, 0);
	assert_true(bench_is_dirty(bench, "account", 0, "cus_0"));
	assert_false(is_broken(bench));

	bench->crm.refuses_tokens = false;
	bench_push(bench);
	assert_int_equal(bench_lane(bench).in_step, 2);
	assert_int_equal(bench_lane(bench).dirty, 0);
	bench_free(bench);
}

/* The same before the first push: no token could be had at all. */
static void
no_first_token_breaks_the_connection(void **state)
{
	struct bench *bench = bench_new(*state);

	unit_log_expected(true);
	bench->crm.gives_no_token = true;
	customers(bench, 1);
	bench->err = (struct bh_err)BH_ERR_INIT;
	assert_int_equal(bench_push(bench).again_ms, -1);
	assert_int_equal(bench->err.code, BH_OK); /* nothing that trying again could mend */
	assert_true(is_broken(bench));
	assert_int_equal(bench_lane(bench).dirty, 1);
	bench_free(bench);
}

/* No token for the moment: the lane is tried again, no record is to blame, nothing is broken. */
static void
token_service_out_of_order(void **state)
{
	struct bench *bench = bench_new(*state);
	struct sync_outcome outcome;

	customers(bench, 2);
	bench->crm.token_line = CRM_BUSY;
	assert_int_equal(push_run(&bench->context, "crm", false, &outcome, &bench->err), -1);
	assert_int_equal(bench->err.code, BH_UNAVAILABLE);
	bench->crm.token_line = CRM_FINE;
	bench_push(bench);
	assert_int_equal(bench_lane(bench).in_step, 2);

	unit_log_expected(true);
	bench->crm.is_token_dead = true;
	bench->crm.token_line = CRM_BUSY;
	bench_customer(bench, "cus_0", "Ada King");
	bench_ingest(bench);
	for (int i = 0; i < 30; i++)
		assert_int_equal(push_run(&bench->context, "crm", false, &outcome, &bench->err),
		    -1);
	assert_false(is_broken(bench));
	assert_int_equal(bench_link(bench, "account", "cus_0").attempts, 0);
	bench->crm.token_line = CRM_FINE;
	bench_push(bench);
	assert_int_equal(bench_lane(bench).dirty, 0);
	bench_compare(bench);
	bench_free(bench);
}

/* A pasted token that HubSpot refuses cannot be refreshed. */
static void
refused_token_of_a_person(void **state)
{
	struct bench *bench = bench_new("hubspot");

	(void)state;
	unit_log_expected(true);
	bench_apply(bench, "{'billhook':1,'connections':[{'code':'crm','driver':'hubspot',"
			   "'settings':{'base_url':'" CRM_URL "'},"
			   "'secrets':{'access_token':'env:BENCH_SECRET'}}]}");
	customers(bench, 1);
	bench_push(bench);
	assert_true(is_broken(bench));
	assert_int_equal(bench_lane(bench).dirty, 1);
	assert_int_equal(bench->crm.rows, 0);
	bench_free(bench);
}

/* Settings that the driver refuses: the connection explains itself, the rest goes on. */
static void
unusable_settings(void **state)
{
	struct bench *bench = bench_new(*state);
	struct account_connection connection = connection_of(bench);
	struct store_txn *txn = store_begin(bench->store);

	unit_log_expected(true);
	customers(bench, 1);
	json_object_set_new(connection.settings, "login_url", json_string("ftp://example.com"));
	json_object_set_new(connection.settings, "base_url", json_string("ftp://example.com"));
	assert_int_equal(account_connection_save(txn, &bench->key, &connection, &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	bench_push(bench);
	assert_true(is_broken(bench));
	assert_int_equal(bench_lane(bench).dirty, 1);
	account_connection_release(&connection);
	store_free(&txn);
	bench_free(bench);
}

/* -- descriptions -- */

static void
description_shortens_texts_and_is_kept_a_day(void **state)
{
	struct bench *bench = bench_new("salesforce");

	(void)state;
	bench->crm.name_length = 5;
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_true(strlen(crm_text(&bench->crm, "Account", "stripe:cus_1", "Name")) < 8);
	assert_int_equal(bench->crm.described, 1);
	bench_customer(bench, "cus_1", "Bob King");
	bench_work(bench);
	assert_int_equal(bench->crm.described, 1);
	bench_pass(bench, 86400000);
	bench_customer(bench, "cus_1", "Eve King");
	bench_work(bench);
	assert_int_equal(bench->crm.described, 2);

	/* A field that does not exist: the description must be old. */
	unit_log_expected(true);
	bench->crm.refusal = "INVALID_FIELD";
	crm_set_mood(&bench->crm, "Account", "stripe:cus_1", CRM_REFUSE);
	bench_customer(bench, "cus_1", "Zoe King");
	bench_work(bench);
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_HELD);
	bench_customer(bench, "cus_1", "Ann King");
	bench_work(bench);
	assert_int_equal(bench->crm.described, 3);
	bench_free(bench);
}

/* Without a description it goes on, and does not ask for every field of every record. */
static void
no_description_is_to_be_had(void **state)
{
	struct bench *bench = bench_new(*state);

	unit_log_expected(true);
	bench->crm.hides_objects = true;
	customers(bench, 50);
	bench_push(bench);
	assert_int_equal(bench_lane(bench).in_step, 50);
	/* HubSpot: all custom objects in vain, then the one that is needed. */
	assert_int_equal(bench->crm.described, strcmp(*state, "hubspot") == 0 ? 2 : 1);
	bench_free(bench);
}

/* -- limits -- */

static void
pause_is_kept(void **state)
{
	struct bench *bench = bench_new(*state);
	int64_t calls;

	customers(bench, 3);
	bench->crm.line = CRM_LIMIT;
	assert_int_equal(bench_push(bench).again_ms, bh_now_ms() + 30000);
	assert_int_equal(bench_lane(bench).pause_until_ms, bh_now_ms() + 30000);
	assert_true(bench_lane(bench).reason[0] != '\0');
	calls = bench_lane(bench).calls;
	bench->crm.line = CRM_FINE;

	bench_pass(bench, 29999);
	assert_int_equal(bench_push(bench).again_ms, bh_now_ms() + 1);
	assert_int_equal(bench_lane(bench).calls, calls);
	assert_int_equal(bench_lane(bench).dirty, 3);

	bench_pass(bench, 1);
	bench_push(bench);
	assert_int_equal(bench_lane(bench).dirty, 0);
	assert_int_equal(bench_lane(bench).pause_until_ms, 0);
	assert_string_equal(bench_lane(bench).reason, "");
	bench_free(bench);
}

/* Out of order for hours: everything follows when it is back, nobody must help. */
static void
outage_heals(void **state)
{
	struct bench *bench = bench_new(*state);

	customers(bench, 20);
	bench->crm.line = CRM_DOWN;
	for (int i = 0; i < 30; i++) {
		bench_work(bench);
		bench_pass(bench, 600000);
	}
	assert_int_equal(bench_lane(bench).held, 0);
	bench->crm.line = CRM_BUSY;
	for (int i = 0; i < 30; i++) {
		bench_work(bench);
		bench_pass(bench, 600000);
	}
	bench->crm.line = CRM_FINE;
	for (int i = 0; i < 10 && bench_lane(bench).dirty != 0; i++) {
		bench_work(bench);
		bench_pass(bench, 3600000);
	}
	assert_int_equal(bench_lane(bench).in_step, 20);
	bench_compare(bench);
	bench_free(bench);
}

/* While events stream in a batch is left to form; when they pause, or it took too long, it goes. */
static void
batch_forms_while_events_stream(void **state)
{
	struct bench *bench = bench_new(*state);
	struct sync_outcome outcome;
	char id[32], body[200];

	bench->conf.push_rate = 5;
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "evt_stream_%d", i);
		snprintf(body, sizeof(body),
		    "{\"id\":\"%s\",\"type\":\"customer.updated\",\"created\":1790000000,"
		    "\"data\":{\"object\":{\"id\":\"cus_%d\",\"object\":\"customer\"}}}",
		    id, i);
		bench_journal(bench, "stripe", id, "customer.updated", body, strlen(body));
	}
	bench_ingest(bench);
	assert_int_equal(push_run(&bench->context, "crm", true, &outcome, &bench->err), 0);
	assert_true(outcome.held);
	assert_in_range(outcome.again_ms, bh_now_ms() + 1, bh_now_ms() + 200);
	assert_int_equal(bench->crm.rows, 0);

	/* Events wait to be handled: the pause is not there yet. */
	bench_pass(bench, 150);
	bench_journal(bench, "stripe", "evt_more", "customer.updated", body, strlen(body));
	assert_int_equal(push_run(&bench->context, "crm", true, &outcome, &bench->err), 0);
	assert_true(outcome.held);
	assert_int_equal(push_run(&bench->context, "crm", false, &outcome, &bench->err), 0);
	assert_false(outcome.held);
	assert_int_equal(bench->crm.rows, 20);

	bench_ingest(bench);
	bench_pass(bench, 150);
	assert_int_equal(push_run(&bench->context, "crm", true, &outcome, &bench->err), 0);
	assert_false(outcome.held);
	bench_free(bench);
}

/* What comes first is waited for while more comes; a lone change behind it goes at once. */
static void
first_push_waits_for_more(void **state)
{
	struct bench *bench = bench_new(*state);
	struct sync_outcome outcome;

	customers(bench, 1);
	assert_int_equal(push_run(&bench->context, "crm", true, &outcome, &bench->err), 0);
	assert_true(outcome.held);
	bench_pass(bench, 150);
	assert_int_equal(push_run(&bench->context, "crm", true, &outcome, &bench->err), 0);
	assert_false(outcome.held);
	assert_int_equal(bench->crm.rows, 1);

	bench_pass(bench, 60000);
	bench_customer(bench, "cus_0", "Grace");
	bench_ingest(bench);
	assert_int_equal(push_run(&bench->context, "crm", true, &outcome, &bench->err), 0);
	assert_false(outcome.held);
	assert_int_equal(bench->crm.rows, 2);
	bench_free(bench);
}

static void
subscriptions(struct bench *bench, int n, int customers_n)
{
	char id[16], customer[16];

	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "sub_%d", i);
		snprintf(customer, sizeof(customer), "cus_%d", i % customers_n);
		bench_subscription(bench, id, customer, "active");
	}
	bench_ingest(bench);
}

/*
 * The first page holds customers and subscriptions: at HubSpot the latter come with those of
 * the next page, so that all calls but the last of a kind are full.
 */
static void
pages_end_with_a_rank(void **state)
{
	struct bench *bench = bench_new(*state);

	customers(bench, 150);
	subscriptions(bench, 1990, 150);
	bench_push(bench);
	assert_int_equal(bench->crm.rows, 2140);
	assert_int_equal(bench->crm.writes, strcmp(*state, "hubspot") == 0 ? 2 + 20 : 3 + 1);
	bench_free(bench);
}

static bool
is_stopping_at_once(void *arg BH_UNUSED)
{
	return true;
}

/* Told to stop in the middle: the rest has a time when it goes on. */
static void
stopped_in_the_middle(void **state)
{
	size_t page = strcmp(*state, "hubspot") == 0 ? 1500 : 2000;
	struct bench *bench = bench_new(*state);
	struct sync_outcome outcome;

	customers(bench, 1500);
	subscriptions(bench, 600, 1500);
	bench->context.is_stopping = is_stopping_at_once;
	outcome = bench_push(bench);
	assert_int_equal(bench_lane(bench).in_step, page);
	assert_int_equal(outcome.handled, page);
	assert_int_equal(outcome.again_ms, bh_now_ms());
	bench->context.is_stopping = NULL;
	assert_int_equal(bench_push(bench).again_ms, -1);
	assert_int_equal(bench_lane(bench).in_step, 2100);
	bench_free(bench);
}

/* -- paused and unusable -- */

static void
paused_connection_keeps_marks(void **state)
{
	struct bench *bench = bench_new(*state);

	reapply(bench, "connections", "crm", "paused", json_true());
	customers(bench, 3);
	bench_push(bench);
	assert_int_equal(bench->crm.rows, 0);
	assert_int_equal(bench_lane(bench).dirty, 3);
	reapply(bench, "connections", "crm", "paused", json_false());
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 3);
	bench_free(bench);
}

static void
paused_sync_keeps_marks(void **state)
{
	struct bench *bench = bench_new(*state);

	customers(bench, 3);
	reapply(bench, "syncs", "s", "paused", json_true());
	bench_push(bench);
	assert_int_equal(bench->crm.rows, 0);
	assert_int_equal(bench_lane(bench).dirty, 3);
	reapply(bench, "syncs", "s", "paused", json_false());
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 3);
	bench_compare(bench);
	bench_free(bench);
}

/* However much is marked there: what stands behind it is reached with the next page. */
static void
paused_sync_is_passed_over(void **state)
{
	struct bench *bench = bench_new(*state);
	struct link_id behind = {"crm", 0, "t", "account", "", "cus_1"};
	struct link_dirty_list list = {0};
	struct lane lane = {0};
	struct store_txn *txn;
	struct setup *setup;

	customers(bench, 5);
	reapply(bench, "syncs", "s", "paused", json_true());
	assert_int_equal(setup_load(bench->store, &bench->key, &setup, &bench->err), 0);
	lane.setup = setup;
	lane.connection = setup_connection(setup, "crm");
	txn = store_begin(bench->store);
	link_mark(txn, &behind);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	assert_int_equal(lane_dirty(&lane, txn, 2, &list, &bench->err), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.items[1].id.sync, "s");
	assert_int_equal(lane_dirty(&lane, txn, 2, &list, &bench->err), 0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.items[0].id.sync, "t");
	assert_int_equal(lane_dirty(&lane, txn, 2, &list, &bench->err), 0);
	assert_int_equal(list.n, 0);
	link_dirty_release(&list);
	store_free(&txn);
	setup_free(&setup);
	bench_free(bench);
}

/* A mapping that does not compile (any more): nothing of it is thrown away. */
static void
unusable_sync_keeps_marks(void **state)
{
	struct bench *bench = bench_new(*state);
	struct store_txn *txn = store_begin(bench->store);
	struct account_sync sync;
	json_t *good;

	customers(bench, 3);
	assert_int_equal(account_sync_load(txn, "s", &sync, &bench->err), 1);
	good = sync.mapping;
	sync.mapping = bench_json("{'objects':5}");
	assert_int_equal(account_sync_save(txn, &sync, &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	unit_log_expected(true);
	bench_push(bench);
	unit_log_expected(false);
	assert_int_equal(bench_lane(bench).dirty, 3);
	assert_int_equal(bench->crm.rows, 0);

	reapply(bench, "syncs", "s", "mapping", good);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 3);
	account_sync_release(&sync);
	store_free(&txn);
	bench_free(bench);
}

static void
lane_that_is_not_there(void **state)
{
	struct bench *bench = bench_new(*state);
	struct sync_outcome outcome;

	assert_int_equal(push_run(&bench->context, "nobody", false, &outcome, &bench->err), 0);
	assert_int_equal(outcome.again_ms, -1);
	assert_int_equal(push_run(&bench->context, "stripe", false, &outcome, &bench->err), 0);
	assert_int_equal(outcome.handled, 0);
	bench_free(bench);
}

/* -- */

static int
teardown(void **state BH_UNUSED)
{
	unit_log_expected(false);
	bh_clock_set(0);
	return 0;
}

static char salesforce[] = "salesforce", hubspot[] = "hubspot";

#define BOTH(name)                                                                                 \
	{#name "/salesforce", name, NULL, teardown, salesforce},                                   \
	{                                                                                          \
#		name "/hubspot", name, NULL, teardown, hubspot                                    \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(first_token_is_asked_for_once),
	    BOTH(dead_token_is_replaced_and_the_push_repeated),
	    cmocka_unit_test_teardown(only_what_the_dead_token_stopped_is_repeated, teardown),
	    BOTH(revoked_grant_breaks_the_connection),
	    BOTH(fresh_token_is_refused),
	    BOTH(no_first_token_breaks_the_connection),
	    BOTH(token_service_out_of_order),
	    cmocka_unit_test_teardown(refused_token_of_a_person, teardown),
	    BOTH(unusable_settings),
	    cmocka_unit_test_teardown(description_shortens_texts_and_is_kept_a_day, teardown),
	    BOTH(no_description_is_to_be_had),
	    BOTH(pause_is_kept),
	    BOTH(outage_heals),
	    BOTH(batch_forms_while_events_stream),
	    BOTH(first_push_waits_for_more),
	    BOTH(pages_end_with_a_rank),
	    BOTH(stopped_in_the_middle),
	    BOTH(paused_connection_keeps_marks),
	    BOTH(paused_sync_keeps_marks),
	    BOTH(paused_sync_is_passed_over),
	    BOTH(unusable_sync_keeps_marks),
	    BOTH(lane_that_is_not_there),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
