/*
 * Ingest: events of the journal into the mirror, what becomes of each event,
 * and which records are marked as changed.
 */
#include "base/base.h"

#include "base/clock.h"
#include "bench.h"
#include "hooks.h"
#include "state/mirror.h"
#include "state/queue.h"
#include "state/roster.h"
#include "sync/configure.h"
#include "sync/ingest.h"

/* -- helpers -- */

static struct journal_event
event_of(struct bench *bench, const char *id)
{
	struct store_txn *txn = store_begin(bench->store);
	struct journal_event event;
	uint64_t stamp;

	assert_int_equal(journal_find(txn, "stripe", id, &stamp, &bench->err), 1);
	assert_int_equal(journal_read(txn, stamp, &event, &bench->err), 1);
	store_free(&txn);
	return event;
}

static void
assert_event(struct bench *bench, const char *id, enum journal_state state, const char *note)
{
	struct journal_event event = event_of(bench, id);

	if (event.state != state)
		fail_msg("%s is %s, not %s: %s", id, journal_state_name(event.state),
		    journal_state_name(state), event.note);
	if (strstr(event.note, note) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", id, event.note, note);
	assert_int_equal(event.handled_ms, bh_now_ms());
	journal_event_release(&event);
}

static void
assert_name(struct bench *bench, const char *id, const char *name)
{
	struct object_state object;

	assert_int_equal(bench_mirror(bench, OBJECT_CUSTOMER, id, &object), 1);
	assert_string_equal(bh_json_str(object.fields, "name"), name);
	mirror_object_release(&object);
}

/* An event with a time of its own. */
static void
customer_at(struct bench *bench, const char *event_id, const char *id, const char *name,
    int64_t at_s)
{
	char body[400];

	snprintf(body, sizeof(body),
	    "{\"id\":\"%s\",\"object\":\"event\",\"type\":\"customer.updated\",\"created\":%lld,"
	    "\"livemode\":true,\"data\":{\"object\":{\"id\":\"%s\",\"object\":\"customer\","
	    "\"name\":\"%s\"}}}",
	    event_id, (long long)at_s, id, name);
	bench_journal(bench, "stripe", event_id, "customer.updated", body, strlen(body));
}

static size_t
backlog(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	size_t n;

	assert_int_equal(journal_backlog(txn, 1000, &n, &bench->err), 0);
	store_free(&txn);
	return n;
}

static void
replay(struct bench *bench, const char *id)
{
	struct store_txn *txn = store_begin(bench->store);
	struct journal_event event = event_of(bench, id);

	journal_replay(txn, event.stamp);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	journal_event_release(&event);
	store_free(&txn);
}

/* Is a push of the lane "crm" due? */
static bool
is_lane_woken(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	int due = queue_is_due(txn, bh_now_ms(), &bench->err);

	store_free(&txn);
	return due == 1;
}

/* -- the list of customers -- */

static int
collect_customer(void *arg, const struct mirror_id *customer, struct bh_err *err BH_UNUSED)
{
	bh_buf_addf(arg, "%s ", customer->id);
	return 0;
}

static void
assert_found(struct bench *bench, const char *currency, const char *search, const char *want)
{
	struct bh_buf text = BH_BUF_INIT(1000), after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct roster_query query = {currency, search};
	struct store_txn *txn = store_begin(bench->store);
	bool more;

	assert_int_equal(roster_list(txn, &query, 50, &after, collect_customer, &text, &more,
			     &bench->err),
	    0);
	assert_string_equal(bh_buf_str(&text), want);
	store_free(&txn);
	bh_buf_release(&text);
	bh_buf_release(&after);
}

static size_t
count_events(struct bench *bench, const char *customer)
{
	struct mirror_id id = {"stripe", "", OBJECT_CUSTOMER, customer};
	struct store_txn *txn = store_begin(bench->store);
	uint64_t stamps[ROSTER_EVENTS_MAX];
	size_t n;

	assert_int_equal(roster_events(txn, &id, stamps, &n, &bench->err), 0);
	store_free(&txn);
	return n;
}

/* It follows names and MRR, forgets who is deleted, and keeps each customer's events. */
static void
customers_are_listed(void **state)
{
	static const char subscribed[] =
	    "{\"id\":\"evt_s\",\"object\":\"event\",\"type\":\"customer.subscription.updated\",\"created\":300,"
	    "\"livemode\":true,\"data\":{\"object\":{\"id\":\"sub_1\",\"object\":\"subscription\","
	    "\"customer\":\"cus_2\",\"status\":\"active\",\"currency\":\"usd\",\"start_date\":200,\"created\":200,"
	    "\"metadata\":{},\"items\":{\"object\":\"list\",\"has_more\":false,\"data\":[{\"id\":\"si_1\","
	    "\"object\":\"subscription_item\",\"quantity\":3,\"price\":{\"id\":\"price_1\",\"object\":\"price\","
	    "\"currency\":\"usd\",\"unit_amount\":1500,\"unit_amount_decimal\":\"1500\","
	    "\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":{\"interval\":\"month\","
	    "\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}}}}";
	static const char deleted[] =
	    "{\"id\":\"evt_e\",\"object\":\"event\",\"type\":\"customer.deleted\",\"created\":1990000000,"
	    "\"livemode\":true,\"data\":{\"object\":{\"id\":\"cus_2\",\"object\":\"customer\"}}}";
	struct bench *bench = bench_new("sandbox");

	(void)state;
	customer_at(bench, "evt_a", "cus_1", "Zeta", 100);
	customer_at(bench, "evt_b", "cus_2", "alpha", 100);
	bench_ingest(bench);
	assert_found(bench, NULL, NULL, "cus_2 cus_1 ");
	customer_at(bench, "evt_c", "cus_1", "Aachen", 200);
	/* Older than what is known. */
	customer_at(bench, "evt_d", "cus_2", "Zorro", 50);
	bench_ingest(bench);
	assert_found(bench, NULL, NULL, "cus_1 cus_2 ");
	assert_found(bench, NULL, "ZETA", "");
	assert_int_equal(count_events(bench, "cus_1"), 2);
	assert_int_equal(count_events(bench, "cus_2"), 1);
	bench_journal(bench, "stripe", "evt_s", "customer.subscription.updated", subscribed,
	    strlen(subscribed));
	bench_ingest(bench);
	assert_found(bench, "USD", NULL, "cus_2 ");
	assert_int_equal(count_events(bench, "cus_2"), 2);
	bench_journal(bench, "stripe", "evt_e", "customer.deleted", deleted, strlen(deleted));
	bench_ingest(bench);
	assert_found(bench, NULL, NULL, "cus_1 ");
	assert_found(bench, "USD", NULL, "");
	bench_free(bench);
}

/* -- what becomes of an event -- */

static void
applied_marks_and_wakes(void **state)
{
	struct bench *bench = bench_new("sandbox");
	struct journal_event event;

	(void)state;
	while (is_lane_woken(bench)) /* what setting up has woken */
		bench_work(bench);
	customer_at(bench, "evt_1", "cus_1", "Ada", 1790000000);
	assert_int_equal(bench_ingest(bench), 1);
	assert_event(bench, "evt_1", JOURNAL_APPLIED, "");
	event = event_of(bench, "evt_1");
	assert_string_equal(bh_json_str(event.objects, "0"), "customer cus_1");
	journal_event_release(&event);
	assert_name(bench, "cus_1", "Ada");
	assert_true(bench_is_dirty(bench, "account", 0, "cus_1"));
	assert_true(is_lane_woken(bench));
	assert_int_equal(bench_lane(bench).dirty, 1);
	assert_int_equal(backlog(bench), 0);
	assert_int_equal(bench_ingest(bench), 0);
	bench_free(bench);
}

static void
older_news_is_stale(void **state)
{
	struct bench *bench = bench_new("sandbox");

	(void)state;
	customer_at(bench, "evt_1", "cus_1", "Ada", 1790000005);
	customer_at(bench, "evt_2", "cus_1", "Bob", 1790000001);
	bench_ingest(bench);
	assert_event(bench, "evt_1", JOURNAL_APPLIED, "");
	assert_event(bench, "evt_2", JOURNAL_STALE, "older than state");
	assert_name(bench, "cus_1", "Ada");

	/* The same in a batch of its own, when nothing is to be marked. */
	bench_work(bench);
	customer_at(bench, "evt_3", "cus_1", "Eve", 1790000002);
	bench_ingest(bench);
	assert_event(bench, "evt_3", JOURNAL_STALE, "older than state");
	assert_name(bench, "cus_1", "Ada");
	assert_int_equal(bench_lane(bench).dirty, 0);
	bench_free(bench);
}

static void
bad_events_do_not_stop_others(void **state)
{
	struct bench *bench = bench_new("sandbox");

	(void)state;
	unit_log_expected(true);
	customer_at(bench, "evt_1", "cus_1", "Ada", 1790000000);
	bench_journal(bench, "stripe", "evt_broken", "customer.updated", "{\"id\":", 6);
	bench_journal(bench, "stripe", "evt_empty", "customer.updated", "", 0);
	bench_journal(bench, "stripe", "evt_array", "customer.updated", "[]", 2);
	bench_journal(bench, "stripe", "evt_nobody", "customer.updated", "{}", 2);
	bench_journal(bench, "gone", "evt_gone", "customer.updated", "{}", 2);
	bench_journal(bench, "crm", "evt_crm", "customer.updated", "{}", 2);
	customer_at(bench, "evt_2", "cus_2", "Bob", 1790000000);
	assert_int_equal(bench_ingest(bench), 8);
	assert_event(bench, "evt_1", JOURNAL_APPLIED, "");
	assert_event(bench, "evt_broken", JOURNAL_FAILED, "JSON");
	assert_event(bench, "evt_empty", JOURNAL_FAILED, "JSON");
	assert_event(bench, "evt_array", JOURNAL_FAILED, "carries no object");
	assert_event(bench, "evt_nobody", JOURNAL_FAILED, "carries no object");
	assert_event(bench, "evt_2", JOURNAL_APPLIED, "");
	assert_name(bench, "cus_2", "Bob");
	assert_int_equal(backlog(bench), 0);
	bench_free(bench);
}

/* An event of a connection that was taken away waits for a replay, with the reason. */
static void
connection_that_is_gone(void **state)
{
	struct bench *bench = bench_new("sandbox");
	struct store_txn *txn = store_begin(bench->store);

	(void)state;
	account_connection_drop(txn, "stripe");
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	unit_log_expected(true);
	customer_at(bench, "evt_1", "cus_1", "Ada", 1790000000);
	bench_ingest(bench);
	unit_log_expected(false);
	assert_event(bench, "evt_1", JOURNAL_FAILED, "not set up any more");
	bench_apply(bench, "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
			   "'secrets':{'webhook':'env:BENCH_SECRET'}}]}");
	replay(bench, "evt_1");
	assert_int_equal(backlog(bench), 1);
	assert_int_equal(bench_ingest(bench), 1);
	assert_event(bench, "evt_1", JOURNAL_APPLIED, "");
	assert_name(bench, "cus_1", "Ada");
	assert_int_equal(backlog(bench), 0);
	store_free(&txn);
	bench_free(bench);
}

static void
replay_of_what_was_applied_changes_nothing(void **state)
{
	struct bench *bench = bench_new("sandbox");

	(void)state;
	customer_at(bench, "evt_1", "cus_1", "Ada", 1790000000);
	customer_at(bench, "evt_2", "cus_1", "Ada King", 1790000001);
	bench_work(bench);
	replay(bench, "evt_1");
	replay(bench, "evt_2");
	assert_int_equal(bench_ingest(bench), 2);
	assert_event(bench, "evt_1", JOURNAL_STALE, "");
	assert_event(bench, "evt_2", JOURNAL_STALE, "");
	assert_name(bench, "cus_1", "Ada King");
	assert_int_equal(bench_lane(bench).dirty, 0);
	bench_free(bench);
}

/* -- the recorded webhooks, as a whole -- */

/* The outcome that the case tells of a first delivery; "foreign" counts as ignored. */
static enum journal_state
wanted_state(const struct hook *hook)
{
	const char *outcome = bh_json_str(hook->want, "outcome");

	if (outcome == NULL)
		return JOURNAL_FAILED;
	if (strcmp(outcome, "applied") == 0)
		return JOURNAL_APPLIED;
	if (strcmp(outcome, "asked") == 0)
		return JOURNAL_ASKED;
	return strcmp(outcome, "unknown") == 0 ? JOURNAL_UNKNOWN : JOURNAL_IGNORED;
}

static void
recorded_events(void **state)
{
	struct bench *bench = bench_new("sandbox");
	struct hooks *hooks = hooks_load("stripe");
	size_t states[JOURNAL__MAX] = {0};

	(void)state;
	unit_log_expected(true);
	for (size_t i = 0; i < hooks->n; i++)
		if (json_object_get(hooks->items[i].want, "settings") == NULL)
			bench_journal(bench, "stripe", hooks->items[i].name,
			    bh_json_str(hooks->items[i].want, "event.type") != NULL
				? bh_json_str(hooks->items[i].want, "event.type")
				: "",
			    hooks->items[i].body, hooks->items[i].body_len);
	assert_int_equal(bench_ingest(bench), bench->events);
	for (size_t i = 0; i < hooks->n; i++) {
		const struct hook *hook = &hooks->items[i];
		struct journal_event event;

		if (json_object_get(hook->want, "settings") != NULL ||
		    bh_json_str(hook->want, "event.type") == NULL)
			continue;
		event = event_of(bench, hook->name);
		/* Several cases tell of one object: an older one is stale then. */
		if (event.state != wanted_state(hook) &&
		    !(event.state == JOURNAL_STALE && wanted_state(hook) == JOURNAL_APPLIED))
			fail_msg("%s is %s: %s", hook->name, journal_state_name(event.state),
			    event.note);
		states[event.state]++;
		journal_event_release(&event);
	}
	assert_true(states[JOURNAL_APPLIED] > 40 && states[JOURNAL_STALE] > 0);
	assert_true(states[JOURNAL_IGNORED] > 5 && states[JOURNAL_UNKNOWN] > 0);
	hooks_free(hooks);
	bench_free(bench);
}

/* -- marks -- */

static const char two_syncs[] =
    "{'billhook':1,'connections':[{'code':'two','driver':'sandbox'}],'syncs':["
    "{'code':'t','from':'stripe','to':'two','mapping':{'objects':["
    "{'name':'person','from':'customer','to':'Person','key':'K','fields':["
    "{'to':'Name','from':'name'}]},"
    "{'name':'contract','from':'subscription','to':'Contract','key':'K','fields':["
    "{'to':'Title','from':'{customer.name} {status}'}]}]}}]}";

static size_t
dirty_in(struct bench *bench, const char *dest)
{
	struct store_txn *txn = store_begin(bench->store);
	struct link_lane lane;

	assert_int_equal(link_lane_get(txn, dest, &lane, &bench->err), 0);
	store_free(&txn);
	return lane.dirty;
}

static void
each_sync_gets_its_marks(void **state)
{
	struct bench *bench = bench_new("sandbox");

	(void)state;
	bench_apply(bench, two_syncs);
	bench_customer(bench, "cus_1", "Ada");
	bench_invoice(bench, "in_1", "cus_1", NULL, 500); /* of no interest to sync t */
	bench_ingest(bench);
	assert_int_equal(dirty_in(bench, "crm"), 2);
	assert_int_equal(dirty_in(bench, "two"), 1);
	bench_work(bench);
	assert_int_equal(dirty_in(bench, "crm"), 0);
	assert_int_equal(dirty_in(bench, "two"), 0);
	bench_free(bench);
}

/* A template shows the customer's name: its change reaches the customer's other records. */
static void
customer_change_marks_children(void **state)
{
	struct bench *bench = bench_new("sandbox");
	char id[16];

	(void)state;
	bench_apply(bench, two_syncs);
	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "Bob");
	for (int i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "sub_%d", i);
		bench_subscription(bench, id, i < 3 ? "cus_1" : "cus_2", "active");
	}
	bench_work(bench);
	assert_int_equal(dirty_in(bench, "crm") + dirty_in(bench, "two"), 0);
	bench_customer(bench, "cus_1", "Ada King");
	bench_ingest(bench);
	assert_int_equal(dirty_in(bench, "crm"), 1);     /* the customer */
	assert_int_equal(dirty_in(bench, "two"), 1 + 3); /* and three subscriptions */
	bench_free(bench);
}

/* -- settings that change -- */

static void
settings_are_seen_between_batches(void **state)
{
	struct bench *bench = bench_new("sandbox");

	(void)state;
	bench_customer(bench, "cus_1", "Ada");
	bench_ingest(bench);
	assert_int_equal(dirty_in(bench, "two"), 0);
	bench_apply(bench, two_syncs);
	bench_customer(bench, "cus_2", "Bob");
	bench_ingest(bench);
	assert_int_equal(dirty_in(bench, "two"), 1);

	/* A mode of the connection: what is foreign now was not before. */
	bench_apply(bench,
	    "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
	    "'settings':{'mode':'test'},'secrets':{'webhook':'env:BENCH_SECRET'}}]}");
	bench_customer(bench, "cus_3", "Eve");
	bench_ingest(bench);
	assert_event(bench, "evt_2", JOURNAL_IGNORED, "live");
	bench_free(bench);
}

/* At the first question whether to stop, between two batches of one run, a sync is added. */
static bool
is_sync_added(void *arg)
{
	struct bench *bench = arg;

	if (bench->context.arg != NULL)
		bench_apply(bench, two_syncs);
	bench->context.arg = NULL;
	bench->context.is_stopping = NULL;
	return false;
}

static void
settings_are_seen_within_a_run(void **state)
{
	struct bench *bench = bench_new("sandbox");
	char id[16];

	(void)state;
	for (int i = 0; i < 300; i++) { /* more than a batch */
		snprintf(id, sizeof(id), "cus_%d", i);
		bench_customer(bench, id, "Ada");
	}
	bench->context.is_stopping = is_sync_added;
	bench->context.arg = bench;
	assert_int_equal(bench_ingest(bench), 300);
	assert_int_equal(dirty_in(bench, "two"), 300 - 256); /* the second batch */
	bench_free(bench);
}

static bool
is_stopping_at_once(void *arg BH_UNUSED)
{
	return true;
}

static void
stops_between_batches(void **state)
{
	struct bench *bench = bench_new("sandbox");
	char id[16];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "cus_%d", i);
		bench_customer(bench, id, "Ada");
	}
	bench->context.is_stopping = is_stopping_at_once;
	assert_int_equal(bench_ingest(bench), 256);
	assert_int_equal(backlog(bench), 44);
	bench->context.is_stopping = NULL;
	assert_int_equal(bench_ingest(bench), 44);
	bench_free(bench);
}

/* A second's worth of events, however many wait. */
static void
keeps_the_pace_of_the_host(void **state)
{
	struct bench *bench = bench_new("sandbox");
	struct conf conf = *bench->context.conf;
	char id[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "cus_%d", i);
		bench_customer(bench, id, "Ada");
	}
	conf.ingest_rate = 40;
	bench->context.conf = &conf;
	bench->context.is_stopping = is_stopping_at_once;
	assert_int_equal(bench_ingest(bench), 40);
	conf.ingest_rate = 1000;
	assert_int_equal(bench_ingest(bench), 60);
	assert_int_equal(backlog(bench), 0);
	bench_free(bench);
}

/* -- two at once -- */

static void
two_at_once_are_harmless(void **state)
{
	struct bench *bench = bench_new("sandbox");
	struct store_options options = {.engine = "mem", .data_dir = bench->dir};
	struct sync_context other = bench->context;
	struct journal_batch batches[2];
	struct store_txn *txns[2];
	struct sync_outcome outcome;
	struct journal_pace pace = {0};

	(void)state;
	assert_int_equal(store_open(&options, &other.store, &bench->err), 0);
	bench_customer(bench, "cus_1", "Ada");
	/* Both have read the same batch; the cursor lets only one commit. */
	for (int i = 0; i < 2; i++) {
		txns[i] = store_begin(i == 0 ? bench->store : other.store);
		assert_int_equal(journal_next(txns[i], 10, &batches[i], &bench->err), 0);
		assert_int_equal(batches[i].n, 1);
	}
	journal_advance(txns[0], &batches[0], &pace);
	journal_advance(txns[1], &batches[1], &pace);
	assert_int_equal(store_commit(txns[0], NULL, &bench->err), 0);
	assert_int_equal(store_commit(txns[1], NULL, &bench->err), -1);
	assert_int_equal(bench->err.code, BH_CONFLICT);
	for (int i = 0; i < 2; i++) {
		journal_batch_release(&batches[i]);
		store_free(&txns[i]);
	}

	bench_customer(bench, "cus_2", "Bob");
	assert_int_equal(ingest_run(&other, 0, &outcome, &bench->err), 0);
	assert_int_equal(outcome.handled, 1);
	assert_int_equal(bench_ingest(bench), 0);
	assert_name(bench, "cus_2", "Bob");
	store_close(&other.store);
	bench_free(bench);
}

/* -- other accounts of one connection -- */

static void
accounts_are_kept_apart(void **state)
{
	struct bench *bench = bench_new("sandbox");
	const char *bodies[] = {
	    "{\"id\":\"e1\",\"object\":\"event\",\"type\":\"customer.updated\",\"created\":1790000000,"
	    "\"account\":\"acct_a\",\"livemode\":true,"
	    "\"data\":{\"object\":{\"id\":\"cus_1\",\"object\":\"customer\",\"name\":\"Ada\"}}}",
	    "{\"id\":\"e2\",\"object\":\"event\",\"type\":\"customer.updated\",\"created\":1790000000,"
	    "\"account\":\"acct_b\",\"livemode\":true,"
	    "\"data\":{\"object\":{\"id\":\"cus_1\",\"object\":\"customer\",\"name\":\"Bob\"}}}"};
	struct store_txn *txn = store_begin(bench->store);
	struct link_dirty_list list = {0};

	(void)state;
	bench_apply(bench, "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
			   "'settings':{'connect':true}}]}");
	bench_journal(bench, "stripe", "e1", "customer.updated", bodies[0], strlen(bodies[0]));
	bench_journal(bench, "stripe", "e2", "customer.updated", bodies[1], strlen(bodies[1]));
	bench_ingest(bench);
	assert_int_equal(link_dirty(txn, "crm", 10, &list, &bench->err), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.items[0].id.account, "acct_a");
	assert_string_equal(list.items[1].id.account, "acct_b");
	link_dirty_release(&list);
	store_free(&txn);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 2);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(customers_are_listed, teardown),
	    cmocka_unit_test_teardown(applied_marks_and_wakes, teardown),
	    cmocka_unit_test_teardown(older_news_is_stale, teardown),
	    cmocka_unit_test_teardown(bad_events_do_not_stop_others, teardown),
	    cmocka_unit_test_teardown(connection_that_is_gone, teardown),
	    cmocka_unit_test_teardown(replay_of_what_was_applied_changes_nothing, teardown),
	    cmocka_unit_test_teardown(recorded_events, teardown),
	    cmocka_unit_test_teardown(each_sync_gets_its_marks, teardown),
	    cmocka_unit_test_teardown(customer_change_marks_children, teardown),
	    cmocka_unit_test_teardown(settings_are_seen_between_batches, teardown),
	    cmocka_unit_test_teardown(settings_are_seen_within_a_run, teardown),
	    cmocka_unit_test_teardown(stops_between_batches, teardown),
	    cmocka_unit_test_teardown(keeps_the_pace_of_the_host, teardown),
	    cmocka_unit_test_teardown(two_at_once_are_harmless, teardown),
	    cmocka_unit_test_teardown(accounts_are_kept_apart, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
