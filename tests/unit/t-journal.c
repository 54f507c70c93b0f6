/* The journal: one entry for each event, readers that cannot both apply it, replays, lists, the spool. */
#include "base/base.h"

#include <sys/stat.h>

#include <dirent.h>
#include <unistd.h>

#include "base/proc.h"
#include "state.h"
#include "state/journal.h"

static struct journal_entry
entry_of(const char *connection, const char *id)
{
	return (struct journal_entry){.connection = connection,
	    .id = id,
	    .type = "invoice.paid",
	    .received_ms = 1790000000000,
	    .body = "{\"id\":1}",
	    .body_len = 8};
}

static void
accept_event(struct fixture *f, const char *connection, const char *id)
{
	struct journal_entry entry = entry_of(connection, id);

	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 1);
}

static uint64_t
stamp_of(struct fixture *f, const char *connection, const char *id)
{
	uint64_t stamp = 0;

	assert_int_equal(MUST(journal_find(f->txn, connection, id, &stamp, &f->err)), 1);
	assert_true(stamp != 0);
	store_reset(f->txn);
	return stamp;
}

static void
accepted_once(void **state)
{
	struct fixture *f = *state;
	struct journal_entry entry = entry_of("stripe", "evt_1");

	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 1);
	entry.body = "other";
	entry.body_len = 5;
	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 0);
	/* The same id at another connection is another event. */
	accept_event(f, "lago", "evt_1");
	accept_event(f, "stripe", "evt_2");
	assert_int_equal(state_count(f, JOURNAL_EVENTS), 3);
	assert_true(stamp_of(f, "stripe", "evt_1") != stamp_of(f, "lago", "evt_1"));
}

static void
read_back_as_received(void **state)
{
	static const char body[] = "a\0b\xff\n";
	struct fixture *f = *state;
	struct journal_entry entry = entry_of("stripe", "evt_\xc3\xa4");
	struct journal_event event;
	json_t *headers = json_pack("{s:s}", "stripe-signature", "t=1,v1=00");

	entry.headers = headers;
	entry.body = body;
	entry.body_len = sizeof(body) - 1;
	MUST(journal_accept(f->store, &entry, &f->err));
	assert_int_equal(MUST(journal_read(f->txn, stamp_of(f, "stripe", entry.id), &event,
			     &f->err)),
	    1);
	assert_string_equal(event.connection, "stripe");
	assert_string_equal(event.id, "evt_\xc3\xa4");
	assert_string_equal(event.type, "invoice.paid");
	assert_true(event.received_ms == 1790000000000);
	assert_true(json_equal(event.headers, headers));
	assert_int_equal(event.body_len, sizeof(body) - 1);
	assert_memory_equal(event.body, body, sizeof(body));
	assert_int_equal(event.state, JOURNAL_RECEIVED);
	assert_string_equal(event.note, "");
	assert_null(event.objects);
	journal_event_release(&event);
	json_decref(headers);
}

static void
limits(void **state)
{
	struct fixture *f = *state;
	struct journal_entry entry = entry_of("stripe", "");
	char long_id[300];
	json_t *headers = json_object();
	char *huge = bh_xmalloc(5 << 20);

	MUST_FAIL(journal_accept(f->store, &entry, &f->err), BH_INVALID);
	memset(long_id, 'x', sizeof(long_id));
	long_id[256] = '\0';
	entry.id = long_id;
	MUST_FAIL(journal_accept(f->store, &entry, &f->err), BH_INVALID);
	long_id[255] = '\0';
	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 1);
	entry.id = "evt_1";
	long_id[128] = '\0';
	entry.type = long_id;
	MUST_FAIL(journal_accept(f->store, &entry, &f->err), BH_INVALID);
	entry.type = "";
	entry.body_len = JOURNAL_BODY_MAX + 1;
	MUST_FAIL(journal_accept(f->store, &entry, &f->err), BH_INVALID);
	/* Headers over what a value holds: refused, not stored in part. */
	memset(huge, 'x', 5 << 20);
	json_object_set_new(headers, "x", json_stringn(huge, 5 << 20));
	free(huge);
	entry.headers = headers;
	entry.body_len = JOURNAL_BODY_MAX;
	entry.body = bh_xcalloc(1, JOURNAL_BODY_MAX);
	MUST_FAIL(journal_accept(f->store, &entry, &f->err), BH_INVALID);
	entry.headers = NULL;
	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 1);
	free((char *)(uintptr_t)entry.body);
	json_decref(headers);
	assert_int_equal(state_count(f, JOURNAL_EVENTS), 2);
}

static void
not_there(void **state)
{
	struct fixture *f = *state;
	struct journal_event event;
	uint64_t stamp;

	assert_int_equal(MUST(journal_read(f->txn, 4711, &event, &f->err)), 0);
	assert_int_equal(MUST(journal_find(f->txn, "stripe", "evt_1", &stamp, &f->err)), 0);
}

/* -- reading in order -- */

/* Take the next batch and note all of it as applied; the number of events. */
static size_t
handle_batch(struct fixture *f, size_t max)
{
	const struct journal_pace pace = {1790000000000, 7};
	struct journal_batch batch;
	size_t n;

	MUST(journal_next(f->txn, max, &batch, &f->err));
	for (size_t i = 0; i < batch.n; i++) {
		batch.events[i].state = JOURNAL_APPLIED;
		journal_settle(f->txn, &batch.events[i]);
	}
	n = batch.n;
	if (n != 0)
		journal_advance(f->txn, &batch, &pace);
	journal_batch_release(&batch);
	state_commit(f);
	return n;
}

static void
batches_in_order(void **state)
{
	struct fixture *f = *state;
	struct journal_batch batch;
	struct journal_pace pace;
	size_t n;

	assert_int_equal(MUST(journal_pace(f->txn, &pace, &f->err)), 0);
	assert_int_equal(handle_batch(f, 10), 0);
	for (int i = 0; i < 5; i++) {
		char id[32];

		snprintf(id, sizeof(id), "evt_%d", i);
		accept_event(f, "stripe", id);
	}
	MUST(journal_backlog(f->txn, 100, &n, &f->err));
	assert_int_equal(n, 5);
	MUST(journal_kept(f->txn, 100, &n, &f->err));
	assert_int_equal(n, 5);
	MUST(journal_backlog(f->txn, 3, &n, &f->err));
	assert_int_equal(n, 3);
	MUST(journal_next(f->txn, 3, &batch, &f->err));
	assert_int_equal(batch.n, 3);
	assert_true(batch.more);
	assert_int_equal(batch.replays, 0);
	assert_string_equal(batch.events[0].id, "evt_0");
	assert_string_equal(batch.events[2].id, "evt_2");
	assert_string_equal(batch.events[0].body, "{\"id\":1}");
	journal_batch_release(&batch);
	store_reset(f->txn);
	/* Looked at only: the same again. */
	assert_int_equal(handle_batch(f, 3), 3);
	MUST(journal_backlog(f->txn, 100, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(handle_batch(f, 3), 2);
	assert_int_equal(handle_batch(f, 3), 0);
	assert_int_equal(MUST(journal_pace(f->txn, &pace, &f->err)), 1);
	assert_true(pace.last_event_ms == 1790000000000 && pace.rate == 7);
}

/* Both see the event; the second to commit is told, and then finds nothing. */
static void
two_readers(void **state)
{
	struct fixture *f = *state;
	const struct journal_pace pace = {0, 0};
	struct store_txn *other = store_begin(f->store);
	struct journal_batch a, b;

	accept_event(f, "stripe", "evt_1");
	MUST(journal_next(f->txn, 10, &a, &f->err));
	MUST(journal_next(other, 10, &b, &f->err));
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 1);
	journal_advance(f->txn, &a, &pace);
	journal_advance(other, &b, &pace);
	MUST(store_commit(other, NULL, &f->err));
	MUST_FAIL(store_commit(f->txn, NULL, &f->err), BH_CONFLICT);
	journal_batch_release(&a);
	journal_batch_release(&b);
	assert_int_equal(handle_batch(f, 10), 0);
	store_free(&other);
}

static void
outcomes_are_kept(void **state)
{
	struct fixture *f = *state;
	struct journal_event event;
	uint64_t stamp;

	accept_event(f, "stripe", "evt_1");
	stamp = stamp_of(f, "stripe", "evt_1");
	MUST(journal_read(f->txn, stamp, &event, &f->err));
	event.state = JOURNAL_IGNORED;
	event.handled_ms = 1790000000777;
	/* A note may quote anything, and be cut anywhere. */
	snprintf(event.note, sizeof(event.note), "test mode \xff\xc3");
	event.objects = json_pack("[s, s]", "customer cus_1", "invoice in_1");
	journal_settle(f->txn, &event);
	state_commit(f);
	journal_event_release(&event);
	MUST(journal_read(f->txn, stamp, &event, &f->err));
	assert_int_equal(event.state, JOURNAL_IGNORED);
	assert_true(event.handled_ms == 1790000000777);
	assert_string_equal(event.note, "test mode ?");
	assert_int_equal(json_array_size(event.objects), 2);
	journal_event_release(&event);
}

/* -- replays -- */

static void
replays_come_first(void **state)
{
	struct fixture *f = *state;
	struct journal_batch batch;
	uint64_t first, second;
	size_t n;

	accept_event(f, "stripe", "evt_1");
	accept_event(f, "stripe", "evt_2");
	handle_batch(f, 10);
	first = stamp_of(f, "stripe", "evt_1");
	second = stamp_of(f, "stripe", "evt_2");
	journal_replay(f->txn, second);
	journal_replay(f->txn, first);
	journal_replay(f->txn, first);
	state_commit(f);
	accept_event(f, "stripe", "evt_3");
	MUST(journal_backlog(f->txn, 100, &n, &f->err));
	assert_int_equal(n, 3);
	MUST(journal_next(f->txn, 10, &batch, &f->err));
	assert_int_equal(batch.n, 3);
	assert_int_equal(batch.replays, 2);
	assert_string_equal(batch.events[0].id, "evt_1");
	assert_int_equal(batch.events[0].state, JOURNAL_APPLIED);
	assert_string_equal(batch.events[1].id, "evt_2");
	assert_string_equal(batch.events[2].id, "evt_3");
	assert_false(batch.more);
	journal_batch_release(&batch);
	store_reset(f->txn);
	assert_int_equal(handle_batch(f, 10), 3);
	assert_int_equal(handle_batch(f, 10), 0);
	assert_int_equal(state_count(f, "Jr"), 0);
}

/* What failed is listed until a replay goes well. */
static void
failed_ones_are_listed(void **state)
{
	static const char *const ids[] = {"evt_1", "evt_2", "evt_3"};
	const struct journal_pace pace = {0};
	struct fixture *f = *state;
	struct journal_event events[4];
	struct journal_batch batch;
	uint64_t stamps[4];
	size_t n;

	for (size_t i = 0; i < BH_LEN(ids); i++)
		accept_event(f, "stripe", ids[i]);
	MUST(journal_next(f->txn, 10, &batch, &f->err));
	for (size_t i = 0; i < batch.n; i++) {
		batch.events[i].state = i == 1 ? JOURNAL_APPLIED : JOURNAL_FAILED;
		journal_settle(f->txn, &batch.events[i]);
	}
	journal_advance(f->txn, &batch, &pace);
	journal_batch_release(&batch);
	state_commit(f);
	MUST(journal_failed(f->txn, 0, 4, stamps, &n, &f->err));
	assert_int_equal(n, 2);
	assert_true(stamps[0] == stamp_of(f, "stripe", "evt_3"));
	assert_true(stamps[1] == stamp_of(f, "stripe", "evt_1"));
	/* Many at once; one that is not there is told so. */
	stamps[2] = 4711;
	MUST(journal_read_many(f->txn, stamps, 3, events, &f->err));
	assert_string_equal(events[0].id, "evt_3");
	assert_int_equal(events[0].state, JOURNAL_FAILED);
	assert_null(events[0].body);
	assert_string_equal(events[1].id, "evt_1");
	assert_true(events[2].stamp == 0);
	for (size_t i = 0; i < 3; i++)
		journal_event_release(&events[i]);
	MUST(journal_failed(f->txn, stamps[0], 4, stamps, &n, &f->err));
	assert_int_equal(n, 1);
	journal_replay(f->txn, stamps[0]);
	state_commit(f);
	handle_batch(f, 10);
	MUST(journal_failed(f->txn, 0, 4, stamps, &n, &f->err));
	assert_int_equal(n, 1);
	assert_true(stamps[0] == stamp_of(f, "stripe", "evt_3"));
}

/* A batch of replays alone leaves the cursor, and says that what is new waits. */
static void
replays_fill_a_batch(void **state)
{
	struct fixture *f = *state;
	struct journal_batch batch;
	uint64_t first, second;

	accept_event(f, "stripe", "evt_1");
	accept_event(f, "stripe", "evt_2");
	handle_batch(f, 10);
	first = stamp_of(f, "stripe", "evt_1");
	second = stamp_of(f, "stripe", "evt_2");
	journal_replay(f->txn, first);
	journal_replay(f->txn, second);
	state_commit(f);
	accept_event(f, "stripe", "evt_3");
	MUST(journal_next(f->txn, 2, &batch, &f->err));
	assert_int_equal(batch.n, 2);
	assert_int_equal(batch.replays, 2);
	assert_true(batch.more);
	journal_batch_release(&batch);
	store_reset(f->txn);
	assert_int_equal(handle_batch(f, 2), 2);
	MUST(journal_next(f->txn, 2, &batch, &f->err));
	assert_int_equal(batch.n, 1);
	assert_string_equal(batch.events[0].id, "evt_3");
	journal_batch_release(&batch);
}

static void
replay_of_a_pruned_event(void **state)
{
	struct fixture *f = *state;
	struct journal_batch batch;

	journal_replay(f->txn, 4711);
	state_commit(f);
	MUST(journal_next(f->txn, 10, &batch, &f->err));
	assert_int_equal(batch.n, 1);
	assert_string_equal(batch.events[0].id, "");
	assert_null(batch.events[0].body);
	journal_batch_release(&batch);
	store_reset(f->txn);
	assert_int_equal(handle_batch(f, 10), 1);
	assert_int_equal(handle_batch(f, 10), 0);
}

/* Large bodies: a batch stays near 4 MiB, replayed or new. */
static void
batches_are_bounded(void **state)
{
	struct fixture *f = *state;
	char *body = bh_xcalloc(1, 1 << 20);

	for (int i = 0; i < 10; i++) {
		char id[32];
		struct journal_entry entry;

		snprintf(id, sizeof(id), "evt_%d", i);
		entry = entry_of("stripe", id);
		entry.body = body;
		entry.body_len = 1 << 20;
		MUST(journal_accept(f->store, &entry, &f->err));
		journal_replay(f->txn, stamp_of(f, "stripe", id));
		state_commit(f);
	}
	free(body);
	for (size_t left = 20; left != 0;) {
		struct journal_batch batch;
		size_t bytes = 0;

		MUST(journal_next(f->txn, 100, &batch, &f->err));
		assert_in_range(batch.n, 1, left);
		for (size_t i = 0; i < batch.n; i++)
			bytes += batch.events[i].body_len;
		assert_true(bytes <= 6 << 20);
		assert_int_equal(batch.more, batch.n < left);
		left -= batch.n;
		journal_advance(f->txn, &batch, &(struct journal_pace){0, 0});
		journal_batch_release(&batch);
		state_commit(f);
	}
}

/* -- lists -- */

static void
listed_newest_first(void **state)
{
	struct fixture *f = *state;
	struct journal_event events[4];
	uint64_t before = 0;
	size_t n;
	int at = 9;

	for (int i = 0; i < 10; i++) {
		char id[32];

		snprintf(id, sizeof(id), "evt_%d", i);
		accept_event(f, "stripe", id);
	}
	do {
		MUST(journal_list(f->txn, before, 4, events, &n, &f->err));
		for (size_t i = 0; i < n; i++) {
			char id[32];

			snprintf(id, sizeof(id), "evt_%d", at--);
			assert_string_equal(events[i].id, id);
			assert_null(events[i].body);
			assert_int_equal(events[i].body_len, 8);
			before = events[i].stamp;
			journal_event_release(&events[i]);
		}
	} while (n != 0);
	assert_int_equal(at, -1);
	MUST(journal_list(f->txn, 1, 4, events, &n, &f->err));
	assert_int_equal(n, 0);
}

static void
state_names(void **state BH_UNUSED)
{
	assert_string_equal(journal_state_name(JOURNAL_RECEIVED), "received");
	assert_string_equal(journal_state_name(JOURNAL_FAILED), "failed");
	for (int i = 0; i < JOURNAL__MAX; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(journal_state_name((enum journal_state)i),
			    journal_state_name((enum journal_state)k));
}

/* -- the spool -- */

struct import {
	char *content;
	size_t len;
};

static int
import(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct import *import = arg;

	return journal_import(txn, import->content, import->len, err);
}

/* The one file in dir/spool, read and removed. */
static struct import
take_spooled(const char *dir)
{
	char *spool = bh_xasprintf("%s/spool", dir), *path = NULL;
	struct import import = {bh_xmalloc(4096), 0};
	const struct dirent *entry;
	DIR *handle = opendir(spool);
	FILE *file;

	assert_non_null(handle);
	while ((entry = readdir(handle)) != NULL) {
		if (entry->d_type != DT_REG)
			continue;
		assert_null(path); /* one event, one file, however often it came */
		path = bh_xasprintf("%s/%s", spool, entry->d_name);
	}
	closedir(handle);
	assert_non_null(path);
	file = fopen(path, "r");
	assert_non_null(file);
	import.len = fread(import.content, 1, 4096, file);
	fclose(file);
	unlink(path);
	rmdir(spool);
	free(path);
	free(spool);
	return import;
}

static void
spooled_and_imported(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/t-journal-XXXXXX";
	struct journal_entry entry = entry_of("stripe", "evt_1");
	struct journal_event event;
	struct import spooled;

	assert_non_null(mkdtemp(dir));
	MUST(journal_spool(dir, &entry, &f->err));
	MUST(journal_spool(dir, &entry, &f->err));
	spooled = take_spooled(dir);
	rmdir(dir);
	assert_int_equal(MUST(store_run(f->store, import, &spooled, NULL, &f->err)), 0);
	MUST(journal_read(f->txn, stamp_of(f, "stripe", "evt_1"), &event, &f->err));
	assert_string_equal(event.body, "{\"id\":1}");
	assert_string_equal(event.type, "invoice.paid");
	journal_event_release(&event);
	/* Imported again, or delivered again: nothing more. */
	assert_int_equal(MUST(store_run(f->store, import, &spooled, NULL, &f->err)), 1);
	assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 0);
	assert_int_equal(handle_batch(f, 10), 1);
	free(spooled.content);
}

static void
spooled_garbage(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/t-journal-XXXXXX";
	struct journal_entry entry = entry_of("s", "e");
	struct import spooled;
	size_t whole;

	assert_non_null(mkdtemp(dir));
	entry.body_len = 0;
	MUST(journal_spool(dir, &entry, &f->err));
	spooled = take_spooled(dir);
	rmdir(dir);
	whole = spooled.len;
	for (spooled.len = 0; spooled.len < whole; spooled.len++) {
		char *all = spooled.content;

		spooled.content = bh_xmalloc(spooled.len);
		memcpy(spooled.content, all, spooled.len);
		assert_int_equal(store_run(f->store, import, &spooled, NULL, &f->err), -1);
		free(spooled.content);
		spooled.content = all;
	}
	assert_int_equal(state_count(f, "J"), 0);
	spooled.content[0] = 'X';
	MUST_FAIL(store_run(f->store, import, &spooled, NULL, &f->err), BH_INVALID);
	spooled.content[0] = 'B';
	spooled.content[4] = 77; /* another version of the format */
	assert_int_equal(store_run(f->store, import, &spooled, NULL, &f->err), -1);
	free(spooled.content);
}

/* Pages are bounded by bytes, too: only an empty one is the end. */
static void
pages_of_large_events(void **state)
{
	struct fixture *f = *state;
	struct journal_event events[50];
	struct journal_entry entry = entry_of("stripe", "");
	uint64_t before = 0, after = 0;
	size_t n, listed = 0, walked = 0, pages = 0;
	char id[32];

	entry.id = id;
	entry.body_len = 1 << 20;
	entry.body = bh_xcalloc(1, entry.body_len);
	for (int i = 0; i < 12; i++) {
		snprintf(id, sizeof(id), "evt_%d", i);
		assert_int_equal(MUST(journal_accept(f->store, &entry, &f->err)), 1);
	}
	free((char *)(uintptr_t)entry.body);
	do {
		MUST(journal_list(f->txn, before, 50, events, &n, &f->err));
		for (size_t i = 0; i < n; i++) {
			snprintf(id, sizeof(id), "evt_%d", 11 - (int)listed++);
			assert_string_equal(events[i].id, id);
			assert_null(events[i].body);
			before = events[i].stamp;
			journal_event_release(&events[i]);
		}
		store_reset(f->txn);
		pages++;
	} while (n != 0);
	assert_int_equal(listed, 12);
	assert_true(pages > 2);
	do {
		MUST(journal_walk(f->txn, after, 50, events, &n, &f->err));
		for (size_t i = 0; i < n; i++) {
			snprintf(id, sizeof(id), "evt_%d", (int)walked++);
			assert_string_equal(events[i].id, id);
			assert_int_equal(events[i].body_len, 1 << 20);
			assert_non_null(events[i].body);
			assert_true(events[i].stored_len > events[i].body_len);
			after = events[i].stamp;
			journal_event_release(&events[i]);
		}
		store_reset(f->txn);
	} while (n != 0);
	assert_int_equal(walked, 12);
}

static void
walked_with_outcomes(void **state)
{
	struct fixture *f = *state;
	struct journal_event events[3];
	size_t n;

	accept_event(f, "stripe", "evt_1");
	accept_event(f, "stripe", "evt_2");
	handle_batch(f, 1);
	MUST(journal_walk(f->txn, 0, 3, events, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(events[0].state, JOURNAL_APPLIED);
	assert_int_equal(events[1].state, JOURNAL_RECEIVED);
	assert_false(events[0].erased);
	journal_event_release(&events[0]);
	journal_event_release(&events[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(accepted_once),
	    STATE_TEST(read_back_as_received),
	    STATE_TEST(limits),
	    STATE_TEST(not_there),
	    STATE_TEST(batches_in_order),
	    STATE_TEST(two_readers),
	    STATE_TEST(outcomes_are_kept),
	    STATE_TEST(replays_come_first),
	    STATE_TEST(failed_ones_are_listed),
	    STATE_TEST(replays_fill_a_batch),
	    STATE_TEST(replay_of_a_pruned_event),
	    STATE_TEST(batches_are_bounded),
	    STATE_TEST(listed_newest_first),
	    STATE_TEST(pages_of_large_events),
	    STATE_TEST(walked_with_outcomes),
	    cmocka_unit_test(state_names),
	    STATE_TEST(spooled_and_imported),
	    STATE_TEST(spooled_garbage),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
