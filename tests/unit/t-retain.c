/* What the journal may forget, how its size is known, and how events are erased. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state.h"
#include "state/account.h"
#include "state/journal.h"
#include "state/retain.h"
#include "state/trail.h"

#define START_MS INT64_C(1790000000000)
#define DAY_MS (86400 * (int64_t)1000)

/* -- helpers -- */

static int
accept_sized(struct fixture *f, const char *id, int64_t received_ms, size_t body_len)
{
	char *body = bh_xmalloc(body_len + 1);
	struct journal_entry entry = {.connection = "stripe",
	    .id = id,
	    .type = "invoice.paid",
	    .received_ms = received_ms,
	    .body = body,
	    .body_len = body_len};
	int rc;

	memset(body, ' ', body_len);
	rc = MUST(journal_accept(f->store, &entry, &f->err));
	free(body);
	return rc;
}

/* evt_<first> and so on, a day apart, the first at START_MS. */
static void
accept_days(struct fixture *f, int first, int n)
{
	for (int i = first; i < first + n; i++) {
		char id[32];

		snprintf(id, sizeof(id), "evt_%d", i);
		assert_int_equal(accept_sized(f, id, START_MS + i * DAY_MS, 100), 1);
	}
}

static size_t
handle(struct fixture *f, size_t max)
{
	const struct journal_pace pace = {START_MS, 1};
	struct journal_batch batch;
	size_t n;

	MUST(journal_next(f->txn, max, &batch, &f->err));
	n = batch.n;
	for (size_t i = 0; i < n; i++) {
		batch.events[i].state = JOURNAL_APPLIED;
		if (batch.events[i].body != NULL)
			journal_settle(f->txn, &batch.events[i]);
	}
	if (n != 0)
		journal_advance(f->txn, &batch, &pace);
	journal_batch_release(&batch);
	state_commit(f);
	return n;
}

/* 1 and the stamp, 0 the id is not known. */
static int
find(struct fixture *f, const char *id, uint64_t *stamp_r)
{
	int rc = MUST(journal_find(f->txn, "stripe", id, stamp_r, &f->err));

	store_reset(f->txn);
	return rc;
}

static uint64_t
stamp_of(struct fixture *f, const char *id)
{
	uint64_t stamp;

	assert_int_equal(find(f, id, &stamp), 1);
	return stamp;
}

static bool
is_kept(struct fixture *f, const char *id)
{
	struct journal_event event;
	uint64_t stamp;
	int rc = find(f, id, &stamp);

	if (rc == 0)
		return false;
	rc = MUST(journal_read(f->txn, stamp, &event, &f->err));
	if (rc > 0)
		journal_event_release(&event);
	store_reset(f->txn);
	return rc > 0;
}

/* Everything that may go, with the job's loop; how many events went. */
static size_t
prune(struct fixture *f, int64_t now_ms, int64_t before_ms, int64_t bytes)
{
	struct retain_limits limits = {now_ms, before_ms, bytes};
	uint64_t from = 0, next;
	size_t n, sum = 0;
	bool more = true;

	while (more) {
		MUST(retain_events(f->txn, &limits, from, &next, &n, &more, &f->err));
		state_commit(f);
		sum += n;
		assert_true(next >= from);
		from = next;
	}
	return sum;
}

static size_t
forget(struct fixture *f, int64_t now_ms)
{
	size_t n, sum = 0;
	bool more = true;

	while (more) {
		MUST(retain_ids(f->txn, now_ms, &n, &more, &f->err));
		state_commit(f);
		sum += n;
	}
	return sum;
}

/* What stands in the journal up to the stamp upto, added up. */
static int64_t
sum_of(struct fixture *f, uint64_t upto)
{
	struct store_scan scan = {.prefix = "Ze", .prefix_len = 2, .max = 100000};
	const struct store_entry *entries;
	int64_t sum = 0;
	size_t n;
	bool more;

	MUST(store_scan(f->txn, &scan, &entries, &n, &more, &f->err));
	for (size_t i = 0; i < n; i++)
		if (bh_get_be64((const unsigned char *)entries[i].key + 2) <= upto)
			sum += (int64_t)entries[i].value_len;
	store_reset(f->txn);
	return sum;
}

static int64_t
bytes_of(struct fixture *f)
{
	int64_t bytes;

	assert_int_equal(MUST(retain_bytes(f->txn, &bytes, &f->err)), 1);
	store_reset(f->txn);
	return bytes;
}

static void
count(struct fixture *f)
{
	assert_int_equal(MUST(retain_count(f->store, NULL, NULL, &f->err)), 1);
}

/* -- age -- */

static void
old_ones_go(void **state)
{
	struct fixture *f = *state;
	uint64_t stamp;

	accept_days(f, 0, 10);
	handle(f, 100);
	assert_int_equal(prune(f, START_MS + 10 * DAY_MS, START_MS + 4 * DAY_MS, -1), 4);
	assert_int_equal(state_count(f, "Ze"), 6);
	assert_int_equal(state_count(f, "Jo"), 6);
	assert_false(is_kept(f, "evt_3"));
	assert_true(is_kept(f, "evt_4"));
	/* What is sent again is known all the same. */
	assert_int_equal(find(f, "evt_0", &stamp), 1);
	assert_int_equal(accept_sized(f, "evt_0", START_MS + 10 * DAY_MS, 100), 0);
	assert_int_equal(prune(f, START_MS + 10 * DAY_MS, START_MS + 4 * DAY_MS, -1), 0);
}

static void
ids_outlive_their_events(void **state)
{
	struct fixture *f = *state;

	accept_days(f, 0, 3);
	handle(f, 100);
	prune(f, START_MS + 10 * DAY_MS, START_MS + 10 * DAY_MS, -1);
	assert_int_equal(state_count(f, "Ze"), 0);
	assert_int_equal(state_count(f, "Ji"), 3);
	assert_int_equal(forget(f, START_MS + RETAIN_IDS_MS - 1), 0);
	assert_int_equal(accept_sized(f, "evt_0", START_MS, 100), 0);
	assert_int_equal(forget(f, START_MS + RETAIN_IDS_MS), 1);
	assert_int_equal(state_count(f, "Ji"), 2);
	assert_int_equal(accept_sized(f, "evt_0", START_MS, 100), 1);
	/* Its entry went with it: the new event of this id keeps its own. */
	assert_int_equal(forget(f, START_MS + RETAIN_IDS_MS + 30 * DAY_MS), 2);
	assert_int_equal(state_count(f, "Ji"), 1);
	assert_int_equal(state_count(f, "Jx"), 0);
	assert_true(is_kept(f, "evt_0"));
}

static void
very_old_ones_go_with_their_ids(void **state)
{
	struct fixture *f = *state;

	accept_days(f, 0, 10);
	handle(f, 100);
	assert_int_equal(prune(f, START_MS + RETAIN_IDS_MS + 4 * DAY_MS, START_MS + 7 * DAY_MS, -1),
	    7);
	assert_int_equal(state_count(f, "Ji"), 5);
	assert_int_equal(state_count(f, "Jx"), 2);
}

static void
what_is_to_be_handled_stays(void **state)
{
	struct fixture *f = *state;

	accept_days(f, 0, 10);
	assert_int_equal(prune(f, START_MS, INT64_MAX, -1), 0);
	handle(f, 6);
	journal_replay(f->txn, stamp_of(f, "evt_2"));
	state_commit(f);
	assert_int_equal(prune(f, START_MS, INT64_MAX, -1), 5);
	assert_true(is_kept(f, "evt_2"));
	assert_true(is_kept(f, "evt_6"));
	assert_int_equal(state_count(f, "Ze"), 5);
	/* The replay first, then what is new: nothing is lost to ingest. */
	assert_int_equal(handle(f, 100), 5);
	assert_int_equal(prune(f, START_MS, INT64_MAX, -1), 5);
	assert_int_equal(state_count(f, "Jo"), 0);
}

/* A replay that is asked for in this moment is not cut off. */
static void
replay_against_removal(void **state)
{
	struct fixture *f = *state;
	struct retain_limits limits = {START_MS, INT64_MAX, -1};
	struct store_txn *other = store_begin(f->store);
	uint64_t next, stamp;
	size_t n;
	bool more;

	accept_days(f, 0, 3);
	handle(f, 100);
	stamp = stamp_of(f, "evt_1");
	MUST(retain_events(f->txn, &limits, 0, &next, &n, &more, &f->err));
	assert_int_equal(n, 3);
	journal_replay(other, stamp);
	MUST(store_commit(other, NULL, &f->err));
	MUST_FAIL(store_commit(f->txn, NULL, &f->err), BH_CONFLICT);
	assert_int_equal(prune(f, START_MS, INT64_MAX, -1), 2);
	assert_int_equal(handle(f, 100), 1);
	store_free(&other);
}

static void
many_in_small_commits(void **state)
{
	struct fixture *f = *state;
	struct retain_limits limits = {START_MS, INT64_MAX, -1};
	uint64_t next;
	size_t n;
	bool more;

	for (int i = 0; i < 1200; i++) {
		char id[32];

		snprintf(id, sizeof(id), "evt_%d", i);
		accept_sized(f, id, START_MS, 10);
	}
	while (handle(f, 256) != 0)
		continue;
	MUST(retain_events(f->txn, &limits, 0, &next, &n, &more, &f->err));
	assert_true(n > 0 && n <= 1000);
	assert_true(more);
	store_reset(f->txn);
	assert_int_equal(prune(f, START_MS, INT64_MAX, -1), 1200);
	assert_int_equal(forget(f, START_MS + RETAIN_IDS_MS), 1200);
	assert_int_equal(state_count(f, "J"), 1); /* the cursor */
}

/* -- size -- */

static void
beyond_a_size_the_oldest_go(void **state)
{
	struct fixture *f = *state;
	int64_t one;

	accept_days(f, 0, 10);
	handle(f, 100);
	count(f);
	one = bytes_of(f) / 10;
	assert_int_equal(bytes_of(f), sum_of(f, UINT64_MAX));
	assert_true(one > 100);
	assert_int_equal(prune(f, START_MS, INT64_MIN, 4 * one), 6);
	assert_int_equal(bytes_of(f), 4 * one);
	assert_true(is_kept(f, "evt_6"));
	/* One byte less is one event less. */
	assert_int_equal(prune(f, START_MS, INT64_MIN, 4 * one - 1), 1);
	assert_int_equal(prune(f, START_MS, INT64_MIN, 3 * one), 0);
	/* The idempotency of those that went for their size holds as long. */
	assert_int_equal(accept_sized(f, "evt_0", START_MS, 100), 0);
	/* What waits to be handled is not counted, and not removed. */
	accept_sized(f, "evt_large", START_MS, 100000);
	assert_int_equal(prune(f, START_MS, INT64_MIN, 3 * one), 0);
	handle(f, 100);
	assert_int_equal(bytes_of(f), sum_of(f, UINT64_MAX));
	assert_int_equal(prune(f, START_MS, INT64_MIN, 3 * one), 4);
	assert_int_equal(bytes_of(f), 0);
}

/* The count never needs a scan again, whatever happens. */
static void
size_follows(void **state)
{
	struct fixture *f = *state;
	uint32_t dice = 4711;
	int next = 0, erased = 0;

	count(f);
	for (int round = 0; round < 300; round++) {
		dice = dice * 1664525 + 1013904223;
		if (dice >> 28 < 8) {
			char id[32];

			snprintf(id, sizeof(id), "evt_%d", next);
			accept_sized(f, id, START_MS + next++ * DAY_MS, dice >> 20);
		} else if (dice >> 28 < 12) {
			handle(f, 1 + (dice >> 20 & 3));
		} else if (dice >> 28 < 14) {
			prune(f, START_MS, START_MS + (next - 20) * DAY_MS, -1);
		} else if (next > 0) {
			char id[32];
			uint64_t stamp;
			int rc;

			snprintf(id, sizeof(id), "evt_%d", (int)(dice >> 10) % next);
			stamp = stamp_of(f, id);
			rc = MUST(retain_erase(f->txn, &stamp, 1, START_MS, &f->err));
			state_commit(f);
			erased += rc == 0;
		}
		{
			struct journal_batch batch;
			uint64_t cursor;

			MUST(journal_next(f->txn, 1, &batch, &f->err));
			cursor = batch.cursor;
			journal_batch_release(&batch);
			store_reset(f->txn);
			assert_int_equal(bytes_of(f), sum_of(f, cursor));
		}
	}
	assert_true(next > 50 && erased > 5);
}

/* A store of the first Billhook: the cursor says nothing of bytes. */
static void
counted_in_an_older_store(void **state)
{
	struct fixture *f = *state;
	struct bh_buf cursor = BH_BUF_INIT(64);
	int64_t bytes;

	accept_days(f, 0, 5);
	handle(f, 100);
	assert_int_equal(MUST(store_get(f->txn, "Jc", 2, &cursor, &f->err)), 1);
	store_put(f->txn, "Jc", 2, cursor.data, 24);
	state_commit(f);
	bh_buf_release(&cursor);
	assert_int_equal(MUST(retain_bytes(f->txn, &bytes, &f->err)), 0);
	store_reset(f->txn);
	accept_days(f, 5, 5);
	handle(f, 3);
	count(f);
	assert_int_equal(bytes_of(f), sum_of(f, stamp_of(f, "evt_7")));
	handle(f, 100);
	assert_int_equal(bytes_of(f), sum_of(f, UINT64_MAX));
	prune(f, START_MS, START_MS + 7 * DAY_MS, -1);
	assert_int_equal(bytes_of(f), sum_of(f, UINT64_MAX));
}

static bool
at_once(void *arg BH_UNUSED)
{
	return true;
}

static void
counting_may_be_stopped(void **state)
{
	struct fixture *f = *state;
	int64_t bytes;

	accept_days(f, 0, 2);
	handle(f, 100);
	assert_int_equal(MUST(retain_count(f->store, at_once, NULL, &f->err)), 0);
	assert_int_equal(MUST(retain_bytes(f->txn, &bytes, &f->err)), 0);
}

/* -- erasing -- */

static void
erased_events_keep_their_ids(void **state)
{
	struct fixture *f = *state;
	json_t *headers = json_pack("{s:s}", "user-agent", "Stripe/1.0");
	struct journal_entry entry = {.connection = "stripe",
	    .id = "evt_1",
	    .type = "customer.updated",
	    .received_ms = START_MS,
	    .headers = headers,
	    .body = "{\"name\":\"Ada\"}",
	    .body_len = 14};
	struct journal_event event;
	uint64_t stamp;

	MUST(journal_accept(f->store, &entry, &f->err));
	json_decref(headers);
	handle(f, 10);
	stamp = stamp_of(f, "evt_1");
	journal_replay(f->txn, stamp);
	state_commit(f);
	assert_int_equal(MUST(retain_erase(f->txn, &stamp, 1, START_MS + 5, &f->err)), 0);
	state_commit(f);
	assert_int_equal(MUST(journal_read(f->txn, stamp, &event, &f->err)), 1);
	assert_true(event.erased);
	assert_string_equal(event.body, "{\"erased\":true}");
	assert_string_equal(event.id, "evt_1");
	assert_string_equal(event.type, "customer.updated");
	assert_int_equal(event.received_ms, START_MS);
	assert_int_equal(json_object_size(event.headers), 0);
	assert_int_equal(event.state, JOURNAL_IGNORED);
	assert_string_equal(event.note, "erased on request");
	assert_null(event.objects);
	journal_event_release(&event);
	store_reset(f->txn);
	assert_int_equal(state_count(f, "Jr"), 0);
	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 0);
	/* Again: nothing to do. */
	assert_int_equal(MUST(retain_erase(f->txn, &stamp, 1, START_MS + 9, &f->err)), 1);
	/* A replay that is asked for finds nothing to handle. */
	journal_replay(f->txn, stamp);
	state_commit(f);
	assert_int_equal(handle(f, 10), 1);
	assert_int_equal(MUST(journal_read(f->txn, stamp, &event, &f->err)), 1);
	assert_int_equal(event.state, JOURNAL_IGNORED);
	journal_event_release(&event);
}

/* Ingest that holds the bodies already must not bring them back. */
static void
erasing_under_the_reader(void **state)
{
	struct fixture *f = *state;
	const struct journal_pace pace = {0, 0};
	struct store_txn *reader = store_begin(f->store);
	struct journal_batch batch;
	uint64_t stamp;

	accept_days(f, 0, 3);
	stamp = stamp_of(f, "evt_1");
	MUST(journal_next(reader, 10, &batch, &f->err));
	assert_int_equal(MUST(retain_erase(f->txn, &stamp, 1, START_MS, &f->err)), 0);
	state_commit(f);
	journal_advance(reader, &batch, &pace);
	MUST_FAIL(store_commit(reader, NULL, &f->err), BH_CONFLICT);
	journal_batch_release(&batch);
	MUST(journal_next(reader, 10, &batch, &f->err));
	assert_int_equal(batch.n, 3);
	assert_non_null(batch.events[0].body);
	assert_null(batch.events[1].body);
	assert_string_equal(batch.events[1].id, "evt_1");
	journal_batch_release(&batch);
	store_free(&reader);
}

static void
removed_meanwhile(void **state)
{
	struct fixture *f = *state;
	uint64_t stamp = 4711;

	assert_int_equal(MUST(retain_erase(f->txn, &stamp, 1, START_MS, &f->err)), 1);
}

/* -- trail, sessions -- */

static void
add_trail(struct fixture *f, int64_t at_ms, const char *text)
{
	struct trail_entry entry = {.at_ms = at_ms, .what = "push", .subject = "crm", .text = text};

	trail_add(f->txn, 0, &entry);
	state_commit(f);
}

static void
old_trail_goes(void **state)
{
	struct fixture *f = *state;
	json_t *list;
	size_t n;
	bool more;

	for (int i = 0; i < 10; i++)
		add_trail(f, START_MS + i, "text");
	assert_int_equal(MUST(trail_prune(f->txn, START_MS + 7, 5, &n, &more, &f->err)), 0);
	assert_int_equal(n, 5);
	assert_true(more);
	state_commit(f);
	assert_int_equal(MUST(trail_prune(f->txn, START_MS + 7, 5, &n, &more, &f->err)), 0);
	assert_int_equal(n, 2);
	assert_false(more);
	state_commit(f);
	assert_int_equal(MUST(trail_prune(f->txn, START_MS + 7, 5, &n, &more, &f->err)), 1);
	MUST(trail_list(f->txn, 0, 100, &list, &f->err));
	assert_int_equal(json_array_size(list), 3);
	json_decref(list);
}

static int
erase_second(void *arg, const struct store_entry *entry, struct bh_err *err BH_UNUSED)
{
	if (strstr(entry->value, "second") != NULL)
		trail_erase(arg, entry);
	return 0;
}

static void
trail_lines_are_erased(void **state)
{
	struct fixture *f = *state;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	json_t *list;
	bool more = true;

	add_trail(f, START_MS, "first");
	add_trail(f, START_MS + 1, "second");
	add_trail(f, START_MS + 2, "third");
	while (more) {
		MUST(trail_walk(f->txn, 1, &after, erase_second, f->txn, &more, &f->err));
		state_commit(f);
	}
	bh_buf_release(&after);
	MUST(trail_list(f->txn, 0, 100, &list, &f->err));
	assert_int_equal(json_array_size(list), 3);
	assert_string_equal(bh_json_str(list, "0.text"), "third");
	assert_string_equal(bh_json_str(list, "1.text"), "erased on request");
	assert_string_equal(bh_json_str(list, "1.subject"), "");
	assert_int_equal(bh_json_int(list, "1.at", 0), START_MS + 1);
	json_decref(list);
}

static size_t
prune_accounts(struct fixture *f, size_t page)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1), next = BH_BUF_INIT(STORE_KEY_MAX + 1);
	size_t n, sum = 0;
	bool more = true;

	while (more) {
		MUST(account_prune(f->txn, page, &after, &next, &n, &more, &f->err));
		state_commit(f);
		sum += n;
		bh_buf_reset(&after);
		bh_buf_add(&after, bh_buf_str(&next), next.len);
	}
	bh_buf_release(&after);
	bh_buf_release(&next);
	return sum;
}

static void
sessions_that_are_over_go(void **state)
{
	struct fixture *f = *state;
	char ids[7][BH_ID_LEN + 1];
	struct account_session session = {.role = ACCOUNT_ADMIN};

	bh_clock_set(START_MS);
	for (int i = 0; i < 7; i++) {
		session.expires_ms = START_MS + i * 1000;
		account_session_new(f->txn, &session, ids[i]);
	}
	for (int i = 0; i < 5; i++) {
		char who[32];

		snprintf(who, sizeof(who), "192.0.2.%d", i);
		bh_clock_set(START_MS - (i + 13) * 60000);
		MUST(account_login_failed(f->txn, who, &f->err));
	}
	state_commit(f);
	bh_clock_set(START_MS + 3000);
	/* Sessions 0 to 3; failures of 15 minutes ago and earlier. */
	assert_int_equal(prune_accounts(f, 2), 4 + 3);
	assert_int_equal(prune_accounts(f, 2), 0);
	assert_int_equal(MUST(account_session_load(f->txn, ids[4], &session, &f->err)), 1);
	store_reset(f->txn);
	bh_clock_set(START_MS + 3600000);
	assert_int_equal(prune_accounts(f, 100), 3 + 2);
	assert_int_equal(state_count(f, "A"), 0);
	bh_clock_set(0);
}

/* A failure that is counted in this moment is not forgotten. */
static void
failure_against_removal(void **state)
{
	struct fixture *f = *state;
	struct bh_buf after = BH_BUF_INIT(64), next = BH_BUF_INIT(STORE_KEY_MAX);
	struct store_txn *other = store_begin(f->store);
	int64_t failures;
	size_t n;
	bool more;

	bh_clock_set(START_MS);
	MUST(account_login_failed(f->txn, "admin", &f->err));
	state_commit(f);
	bh_clock_set(START_MS + 3600000);
	bh_buf_adds(&after, "Af");
	MUST(account_prune(f->txn, 10, &after, &next, &n, &more, &f->err));
	assert_int_equal(n, 1);
	MUST(account_login_failed(other, "admin", &f->err));
	MUST(store_commit(other, NULL, &f->err));
	MUST_FAIL(store_commit(f->txn, NULL, &f->err), BH_CONFLICT);
	MUST(account_login_failures(f->txn, "admin", &failures, &f->err));
	assert_int_equal(failures, 1);
	bh_clock_set(0);
	store_free(&other);
	bh_buf_release(&after);
	bh_buf_release(&next);
}

static void
last_run_is_noted(void **state)
{
	struct fixture *f = *state;
	struct retain_run run = {START_MS, 90, 1024}, read;

	assert_int_equal(MUST(retain_last(f->txn, &read, &f->err)), 0);
	retain_note(f->txn, &run);
	state_commit(f);
	assert_int_equal(MUST(retain_last(f->txn, &read, &f->err)), 1);
	assert_memory_equal(&read, &run, sizeof(run));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(old_ones_go),
	    STATE_TEST(ids_outlive_their_events),
	    STATE_TEST(very_old_ones_go_with_their_ids),
	    STATE_TEST(what_is_to_be_handled_stays),
	    STATE_TEST(replay_against_removal),
	    STATE_TEST(many_in_small_commits),
	    STATE_TEST(beyond_a_size_the_oldest_go),
	    STATE_TEST(size_follows),
	    STATE_TEST(counted_in_an_older_store),
	    STATE_TEST(counting_may_be_stopped),
	    STATE_TEST(erased_events_keep_their_ids),
	    STATE_TEST(erasing_under_the_reader),
	    STATE_TEST(removed_meanwhile),
	    STATE_TEST(old_trail_goes),
	    STATE_TEST(trail_lines_are_erased),
	    STATE_TEST(sessions_that_are_over_go),
	    STATE_TEST(failure_against_removal),
	    STATE_TEST(last_run_is_noted),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
