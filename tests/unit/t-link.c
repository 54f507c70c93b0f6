/* Links: marks that survive a push, waiting children, held ones, and counts that stay true. */
#include "base/base.h"

#include "base/text.h"
#include "state.h"
#include "state/link.h"
#include "store/key.h"

static struct link_id
company(const char *id)
{
	return (struct link_id){"crm", 0, "s", "company", "", id};
}

static struct link_id
invoice(const char *id)
{
	return (struct link_id){"crm", 1, "s", "invoice", "", id};
}

static void
mark(struct fixture *f, struct link_id id)
{
	link_mark(f->txn, &id);
	state_commit(f);
}

/* All that is dirty; the caller releases. */
static struct link_dirty_list
dirty(struct fixture *f)
{
	struct link_dirty_list list = {0};
	struct store_txn *txn = store_begin(f->store);

	MUST(link_dirty(txn, "crm", 1000, &list, &f->err));
	assert_false(list.more);
	store_free(&txn);
	return list;
}

static size_t
count_dirty(struct fixture *f)
{
	struct link_dirty_list list = dirty(f);
	size_t n = list.n;

	link_dirty_release(&list);
	return n;
}

static struct link
get(struct fixture *f, struct link_id id)
{
	struct store_txn *txn = store_begin(f->store);
	struct link link;

	MUST(link_get(txn, &id, &link, &f->err));
	store_free(&txn);
	return link;
}

static struct link_lane
lane_of(struct fixture *f)
{
	struct store_txn *txn = store_begin(f->store);
	struct link_lane lane;

	MUST(link_lane_get(txn, "crm", &lane, &f->err));
	store_free(&txn);
	return lane;
}

/* Settle one link as state, clearing the mark that was read. */
static void
settle(struct fixture *f, const struct link_dirty_entry *entry, enum link_state state)
{
	struct link link = {.state = state};
	bool clear = true;

	MUST(link_settle(f->store, entry, &link, &clear, 1, &f->err));
}

/* -- marks -- */

static void
parents_first(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list;
	struct link_id late = {"crm", 10, "s", "line", "", "l"}, other = company("c");

	other.dest = "crm2";
	mark(f, late);
	mark(f, invoice("b"));
	mark(f, company("b"));
	mark(f, invoice("a"));
	mark(f, company("a"));
	mark(f, other);
	list = dirty(f);
	assert_int_equal(list.n, 5);
	assert_string_equal(list.items[0].id.id, "a");
	assert_string_equal(list.items[0].id.object, "company");
	assert_string_equal(list.items[0].id.dest, "crm");
	assert_string_equal(list.items[0].id.sync, "s");
	assert_string_equal(list.items[0].id.account, "");
	assert_int_equal(list.items[0].id.rank, 0);
	assert_string_equal(list.items[1].id.id, "b");
	assert_string_equal(list.items[2].id.object, "invoice");
	assert_int_equal(list.items[3].id.rank, 1);
	assert_int_equal(list.items[4].id.rank, 10);
	link_dirty_release(&list);
	assert_int_equal(MUST(link_lane_is_dirty(f->txn, "crm2", &f->err)), 1);
	assert_int_equal(MUST(link_lane_is_dirty(f->txn, "cr", &f->err)), 0);
	assert_int_equal(lane_of(f).dirty, 5);
}

static void
pages_of_marks(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list = {0};
	size_t seen = 0;

	for (int i = 0; i < 25; i++) {
		char id[20];

		snprintf(id, sizeof(id), "%02d", i);
		mark(f, company(id));
	}
	do {
		MUST(link_dirty(f->txn, "crm", 7, &list, &f->err));
		for (size_t i = 0; i < list.n; i++, seen++)
			assert_int_equal(atoi(list.items[i].id.id), seen);
		store_reset(f->txn);
	} while (list.more);
	assert_int_equal(seen, 25);
	link_dirty_release(&list);
	assert_null(list.items);
}

/* What stands behind the cut comes again, and once. */
static void
page_of_marks_is_cut(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list = {0};

	for (int i = 0; i < 5; i++) {
		char id[20];

		snprintf(id, sizeof(id), "%02d", i);
		mark(f, company(id));
	}
	MUST(link_dirty(f->txn, "crm", 10, &list, &f->err));
	assert_int_equal(list.n, 5);
	assert_false(list.more);
	link_dirty_cut(&list, 2);
	assert_int_equal(list.n, 2);
	assert_true(list.more);
	store_reset(f->txn);
	MUST(link_dirty(f->txn, "crm", 10, &list, &f->err));
	assert_int_equal(list.n, 3);
	assert_string_equal(list.items[0].id.id, "02");
	assert_false(list.more);
	link_dirty_cut(&list, 3);
	assert_int_equal(list.n, 3);
	assert_false(list.more);
	link_dirty_release(&list);
}

/* Of one rank and sync; its other ranks, and syncs whose code begins alike, come. */
static void
marks_of_a_sync_are_skipped(void **state)
{
	static const struct link_id marks[] = {{"crm", 0, "s", "company", "", "a"},
	    {"crm", 0, "s", "company", "", "b"}, {"crm", 0, "s", "\xf4\x8f\xbf\xbf", "", "c"},
	    {"crm", 0, "s2", "company", "", "d"}, {"crm", 1, "s", "invoice", "", "e"}};
	struct fixture *f = *state;
	struct link_dirty_list list = {0};

	for (size_t i = 0; i < BH_LEN(marks); i++)
		mark(f, marks[i]);
	MUST(link_dirty(f->txn, "crm", 1, &list, &f->err));
	assert_string_equal(list.items[0].id.id, "a");
	link_dirty_skip_sync(&list);
	MUST(link_dirty(f->txn, "crm", 10, &list, &f->err));
	assert_int_equal(list.n, 2);
	assert_string_equal(list.items[0].id.id, "d");
	assert_string_equal(list.items[1].id.id, "e");
	link_dirty_skip_sync(&list);
	MUST(link_dirty(f->txn, "crm", 10, &list, &f->err));
	assert_int_equal(list.n, 0);
	link_dirty_release(&list);
}

static void
a_push_clears_what_it_read(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list;
	struct link link;

	mark(f, company("a"));
	list = dirty(f);
	settle(f, &list.items[0], LINK_CLEAN);
	assert_int_equal(count_dirty(f), 0);
	assert_int_equal(get(f, company("a")).state, LINK_CLEAN);
	/* Settled again, without a mark: no harm. */
	settle(f, &list.items[0], LINK_CLEAN);
	link = get(f, company("b"));
	assert_int_equal(link.state, LINK_NEW);
	assert_true(link.version == 0);
	link_dirty_release(&list);
}

static void
a_later_mark_survives(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list, again;

	mark(f, company("a"));
	list = dirty(f);
	mark(f, company("a"));
	settle(f, &list.items[0], LINK_CLEAN);
	again = dirty(f);
	assert_int_equal(again.n, 1);
	assert_true(again.items[0].mark > list.items[0].mark);
	settle(f, &again.items[0], LINK_CLEAN);
	assert_int_equal(count_dirty(f), 0);
	link_dirty_release(&again);
	link_dirty_release(&list);
}

static void
a_mark_that_is_not_to_be_cleared(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list;
	struct link link = {.state = LINK_UNCERTAIN, .attempts = 1, .not_before_ms = 99};
	bool clear = false;

	mark(f, company("a"));
	list = dirty(f);
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	assert_int_equal(count_dirty(f), 1);
	link = get(f, company("a"));
	assert_int_equal(link.state, LINK_UNCERTAIN);
	assert_int_equal(link.attempts, 1);
	assert_true(link.not_before_ms == 99);
	link_dirty_release(&list);
}

/* -- the stored link -- */

static void
fields_are_kept(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list;
	struct link link = {.state = LINK_HELD,
	    .remote_id = "001000000000001AAA",
	    .hash = "abcd",
	    .parents = "ef01",
	    .pushed_ms = 1790000000000,
	    .attempts = 7,
	    .not_before_ms = 1790000001000,
	    .code = "INVALID_EMAIL",
	    .remedy = "Correct it"};
	bool clear = true;

	mark(f, company("a"));
	list = dirty(f);
	/* What the CRM says may be cut anywhere. */
	memset(link.cause, 'x', 233);
	memcpy(link.cause + 233, "\xf0\x9f\x98\x80\xf0\x9f", 7);
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	link = get(f, company("a"));
	assert_int_equal(link.state, LINK_HELD);
	assert_string_equal(link.remote_id, "001000000000001AAA");
	assert_string_equal(link.hash, "abcd");
	assert_string_equal(link.parents, "ef01");
	assert_true(link.pushed_ms == 1790000000000);
	assert_int_equal(link.attempts, 7);
	assert_true(link.not_before_ms == 1790000001000);
	assert_string_equal(link.code, "INVALID_EMAIL");
	assert_string_equal(link.remedy, "Correct it");
	assert_int_equal(strlen(link.cause), 237);
	assert_true(bh_is_utf8(link.cause, strlen(link.cause)));
	link_dirty_release(&list);
}

/* -- what may not be so any more -- */

static void
renew(struct fixture *f, struct link_id id, int want)
{
	assert_int_equal(link_renew(f->txn, &id, &f->err), want);
	state_commit(f);
}

/* A push that began before hands in what it had read. */
static void
renewed_is_sent_whole(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list;
	struct link link = {.state = LINK_CLEAN, .remote_id = "001", .hash = "ab", .parents = "cd"};
	bool clear = true;

	mark(f, company("a"));
	list = dirty(f);
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	link = get(f, company("a"));
	renew(f, company("a"), 0);
	assert_int_equal(count_dirty(f), 1);
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	assert_int_equal(count_dirty(f), 1);
	link = get(f, company("a"));
	assert_string_equal(link.hash, "");
	assert_string_equal(link.parents, "");
	assert_string_equal(link.remote_id, "001");
	link_dirty_release(&list);
	/* The push that knows of it ends it. */
	list = dirty(f);
	snprintf(link.hash, sizeof(link.hash), "ab");
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	assert_string_equal(get(f, company("a")).hash, "ab");
	assert_int_equal(count_dirty(f), 0);
	link_dirty_release(&list);
}

/* What a push writes of a link before it settles it is nobody else's word. */
static void
own_writes_are_no_news(void **state)
{
	struct fixture *f = *state;
	struct link_id parent = company("a"), child = invoice("b");
	const char *kept = "0123456789abcdef";
	struct link_dirty_list list;
	struct link link = {.state = LINK_CLEAN, .remote_id = "001"};
	bool clear = true;

	/* Sent whole as link_renew() asked for. */
	mark(f, parent);
	list = dirty(f);
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	link_dirty_release(&list);
	renew(f, parent, 0);
	list = dirty(f);
	link = get(f, parent);
	MUST(link_mean(f->store, list.items, &kept, 1, &f->err));
	snprintf(link.hash, sizeof(link.hash), "ab");
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	assert_string_equal(get(f, parent).hash, "ab");
	link_dirty_release(&list);

	/* A new one, as a person said, and refused; a child of the same batch waits for it. */
	MUST(link_adopt(f->txn, &parent, "", "by hand", &f->err));
	state_commit(f);
	list = dirty(f);
	link = get(f, parent);
	assert_int_equal(MUST(link_wait_for(f->store, &parent, &child, &f->err)), 0);
	link.state = LINK_HELD;
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	assert_int_equal(get(f, parent).state, LINK_HELD);
	assert_true(get(f, parent).has_waiters);
	assert_int_equal(lane_of(f).held, 1);
	assert_int_equal(count_dirty(f), 0);
	link_dirty_release(&list);

	/* What a person says meanwhile is. */
	mark(f, parent);
	list = dirty(f);
	link = get(f, parent);
	MUST(link_adopt(f->txn, &parent, "002", "by hand", &f->err));
	state_commit(f);
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	assert_string_equal(get(f, parent).remote_id, "002");
	assert_int_equal(count_dirty(f), 1);
	link_dirty_release(&list);
}

static void
only_clean_ones_are_renewed(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list;

	renew(f, company("unknown"), 1);
	mark(f, company("a"));
	list = dirty(f);
	settle(f, &list.items[0], LINK_HELD);
	renew(f, company("a"), 1);
	assert_int_equal(count_dirty(f), 0);
	link_dirty_release(&list);
}

/* Another record than before: noted until a push has dealt with it. */
static void
adopted_in_place_of_another(void **state)
{
	struct fixture *f = *state;
	struct link_id id = company("a");
	struct link_dirty_list list;
	struct link link = {.state = LINK_CLEAN, .remote_id = "001"};
	bool clear = true;

	MUST(link_adopt(f->txn, &id, "001", "by hand", &f->err));
	state_commit(f);
	assert_false(get(f, id).is_replaced);
	list = dirty(f);
	link.version = get(f, id).version;
	MUST(link_settle(f->store, list.items, &link, &clear, 1, &f->err));
	link_dirty_release(&list);
	MUST(link_adopt(f->txn, &id, "002", "by hand", &f->err));
	state_commit(f);
	assert_true(get(f, id).is_replaced);
	MUST(link_adopt(f->txn, &id, "002", "by hand again", &f->err));
	state_commit(f);
	assert_true(get(f, id).is_replaced);
}

static void
many_at_once(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list;
	struct link_id ids[] = {company("b"), company("none"), company("a")};
	struct link links[3] = {{.state = LINK_CLEAN, .remote_id = "1"},
	    {.state = LINK_EXCLUDED, .remote_id = "2"}};
	bool clear[] = {true, true};

	mark(f, company("a"));
	mark(f, company("b"));
	list = dirty(f);
	MUST(link_settle(f->store, list.items, links, clear, 2, &f->err));
	MUST(link_settle(f->store, NULL, NULL, NULL, 0, &f->err));
	MUST(link_get_many(f->txn, ids, 3, links, &f->err));
	assert_string_equal(links[0].remote_id, "2");
	assert_true(links[1].version == 0);
	assert_string_equal(links[2].remote_id, "1");
	assert_int_equal(lane_of(f).in_step, 1);
	assert_int_equal(lane_of(f).excluded, 1);
	link_dirty_release(&list);
}

/* -- waiting -- */

static int
wait_for(struct fixture *f, const char *child, const char *parent)
{
	struct link_id child_id = invoice(child), parent_id = company(parent);

	return MUST(link_wait_for(f->store, &parent_id, &child_id, &f->err));
}

static void
children_are_woken(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list, woken;
	struct link_id parent = company("a");

	assert_int_equal(wait_for(f, "1", "a"), 0);
	assert_int_equal(wait_for(f, "2", "a"), 0);
	assert_int_equal(wait_for(f, "2", "a"), 0);
	assert_int_equal(wait_for(f, "3", "b"), 0);
	assert_true(get(f, parent).has_waiters);
	mark(f, parent);
	list = dirty(f);
	/* Refused, or without an answer: they go on waiting. */
	settle(f, &list.items[0], LINK_HELD);
	settle(f, &list.items[0], LINK_UNCERTAIN);
	assert_int_equal(count_dirty(f), 0);
	settle(f, &list.items[0], LINK_CLEAN);
	woken = dirty(f);
	assert_int_equal(woken.n, 2);
	assert_string_equal(woken.items[0].id.id, "1");
	assert_string_equal(woken.items[0].id.object, "invoice");
	assert_int_equal(woken.items[0].id.rank, 1);
	assert_string_equal(woken.items[1].id.id, "2");
	assert_false(get(f, parent).has_waiters);
	/* The parent is there by now. */
	assert_int_equal(wait_for(f, "4", "a"), 1);
	assert_int_equal(state_count(f, "Lw"), 1);
	link_dirty_release(&woken);
	link_dirty_release(&list);
}

/* Parent and child settled in one batch: the child's old mark is cleared, its wake-up is not. */
static void
child_in_the_same_batch(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list, woken;
	struct link links[2] = {{.state = LINK_CLEAN}, {.state = LINK_WAITING}};
	bool clear[] = {true, true};

	mark(f, company("a"));
	mark(f, invoice("1"));
	list = dirty(f);
	assert_int_equal(wait_for(f, "1", "a"), 0);
	MUST(link_settle(f->store, list.items, links, clear, 2, &f->err));
	woken = dirty(f);
	assert_int_equal(woken.n, 1);
	assert_string_equal(woken.items[0].id.id, "1");
	link_dirty_release(&woken);
	link_dirty_release(&list);
}

/*
 * Registering changes the parent's version even when others wait already: a
 * settling that has listed the waiters before must not commit.
 */
static void
registering_disturbs_the_parent(void **state)
{
	struct fixture *f = *state;
	uint64_t version;

	wait_for(f, "1", "a");
	version = get(f, company("a")).version;
	wait_for(f, "2", "a");
	assert_true(get(f, company("a")).version > version);
}

/* As link_wait_for() stores it; many in one commit. */
static void
add_waiter(struct fixture *f, const char *parent, int child)
{
	char id[20];
	struct key key;

	snprintf(id, sizeof(id), "%d", child);
	key_begin(&key, "Lw");
	key_text(&key, "crm");
	key_text(&key, "s");
	key_text(&key, "company");
	key_text(&key, "");
	key_text(&key, parent);
	key_text(&key, "01");
	key_text(&key, "invoice");
	key_text(&key, "");
	key_text(&key, id);
	store_put(f->txn, key.data, key.len, "", 0);
}

/* More children than one settling wakes: the parent is looked at again until all are. */
static void
very_many_children(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list = {0};
	struct link_id parent = company("a");
	size_t rounds = 0;

	wait_for(f, "0", "a");
	for (int i = 1; i <= 10500; i++)
		add_waiter(f, "a", i);
	state_commit(f);
	mark(f, parent);
	for (;;) {
		MUST(link_dirty(f->txn, "crm", 1, &list, &f->err));
		store_reset(f->txn);
		if (list.n == 0 || list.items[0].id.rank != 0)
			break;
		settle(f, &list.items[0], LINK_CLEAN);
		link_dirty_release(&list);
		assert_true(++rounds < 10);
	}
	link_dirty_release(&list);
	assert_int_equal(state_count(f, "Lw"), 0);
	assert_int_equal(state_count(f, "Ly"), 10501);
}

/* Several such parents in one batch keep to the limit of one commit together. */
static void
many_parents_with_many_children(void **state)
{
	static const char *const parents[] = {"a", "b", "c", "d"};
	struct fixture *f = *state;
	size_t rounds = 0;

	for (size_t p = 0; p < BH_LEN(parents); p++) {
		wait_for(f, "0", parents[p]);
		for (int i = 1; i < 3000; i++)
			add_waiter(f, parents[p], (int)p * 10000 + i);
		state_commit(f);
		mark(f, company(parents[p]));
	}
	do {
		struct link links[4] = {{0}};
		bool clear[4] = {true, true, true, true};
		struct link_dirty_list list = {0};
		size_t n = 0;

		MUST(link_dirty(f->txn, "crm", 4, &list, &f->err));
		store_reset(f->txn);
		while (n < list.n && list.items[n].id.rank == 0)
			links[n++].state = LINK_CLEAN;
		MUST(link_settle(f->store, list.items, links, clear, n, &f->err));
		link_dirty_release(&list);
		assert_true(++rounds < 10);
	} while (state_count(f, "Lw") != 0);
	assert_int_equal(lane_of(f).in_step, 4);
	assert_true(state_count(f, "Ly") >= 4 * 2999 + 1);
}

/* -- held -- */

struct listed {
	char ids[200];
	int rank;
};

static int
note_held(void *arg, const struct link_id *id, const struct link *link,
    struct bh_err *err BH_UNUSED)
{
	struct listed *listed = arg;
	size_t len = strlen(listed->ids);

	snprintf(listed->ids + len, sizeof(listed->ids) - len, "%s:%s ", id->object, id->id);
	listed->rank = id->rank;
	assert_int_equal(link->state, LINK_HELD);
	return 0;
}

static void
held_ones_are_listed(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_list list;
	struct listed listed = {0};
	struct link_id deep = {"crm", 42, "s", "line", "acct", "z"};
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX);
	bool more;

	mark(f, company("a"));
	mark(f, company("b"));
	mark(f, invoice("1"));
	mark(f, deep);
	list = dirty(f);
	for (size_t i = 0; i < list.n; i++)
		settle(f, &list.items[i], LINK_HELD);
	assert_int_equal(lane_of(f).held, 4);
	settle(f, &list.items[1], LINK_CLEAN);
	assert_int_equal(lane_of(f).held, 3);
	MUST(link_held(f->txn, "crm", 2, &after, note_held, &listed, &more, &f->err));
	assert_string_equal(listed.ids, "company:a invoice:1 ");
	assert_int_equal(listed.rank, 1);
	assert_true(more);
	MUST(link_held(f->txn, "crm", 2, &after, note_held, &listed, &more, &f->err));
	assert_string_equal(listed.ids, "company:a invoice:1 line:z ");
	assert_int_equal(listed.rank, 42);
	assert_false(more);
	MUST(link_held(f->txn, "crm", 2, &after, note_held, &listed, &more, &f->err));
	assert_string_equal(listed.ids, "company:a invoice:1 line:z ");
	bh_buf_release(&after);
	link_dirty_release(&list);
}

/* -- lanes -- */

static void
condition_of_a_lane(void **state)
{
	struct fixture *f = *state;
	struct link_lane lane = {.pause_until_ms = 5,
	    .reason = "daily limit",
	    .last_push_ms = 6,
	    .calls = 7,
	    .day_used = 8,
	    .day_limit = 9,
	    .in_step = 1000};

	assert_int_equal(lane_of(f).calls, 0);
	link_lane_note(f->txn, "crm", &lane);
	state_commit(f);
	lane = lane_of(f);
	assert_true(lane.pause_until_ms == 5 && lane.last_push_ms == 6 && lane.calls == 7);
	assert_true(lane.day_used == 8 && lane.day_limit == 9);
	assert_string_equal(lane.reason, "daily limit");
	assert_int_equal(lane.in_step, 0); /* counted, not noted */
}

/* -- random operations against a model -- */

#define PARENTS 4
#define LINKS 16

struct model {
	bool exists[LINKS];
	enum link_state state[LINKS];
	unsigned marks[LINKS]; /* 0: clean; else which mark stands */
	unsigned last_mark;
	bool waits[LINKS]; /* a child, for its parent */
};

static uint64_t random_state;

static unsigned
pick(unsigned n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)(random_state * 0x2545f4914f6cdd1du >> 33) % n;
}

static struct link_id
nth(unsigned i)
{
	static const char *const ids[LINKS] = {"00", "01", "02", "03", "04", "05", "06", "07", "08",
	    "09", "10", "11", "12", "13", "14", "15"};

	return i < PARENTS ? company(ids[i]) : invoice(ids[i]);
}

static void
model_mark(struct model *m, unsigned i)
{
	m->marks[i] = ++m->last_mark;
}

static void
do_mark(struct fixture *f, struct model *m)
{
	unsigned i = pick(LINKS);

	mark(f, nth(i));
	model_mark(m, i);
}

static void
do_wait(struct fixture *f, struct model *m)
{
	unsigned child = PARENTS + pick(LINKS - PARENTS), parent = child % PARENTS;
	struct link_id child_id = nth(child), parent_id = nth(parent);
	int rc = MUST(link_wait_for(f->store, &parent_id, &child_id, &f->err));

	assert_int_equal(rc, m->exists[parent] && m->state[parent] == LINK_CLEAN);
	if (rc == 0) {
		m->waits[child] = true;
		m->exists[parent] = true;
	}
}

/* Push some of what is dirty, while other changes come in. */
static void
do_push(struct fixture *f, struct model *m)
{
	struct link_dirty_list list = dirty(f);
	struct link_dirty_entry entries[LINKS];
	struct link links[LINKS] = {0};
	unsigned seen[LINKS], at[LINKS], n = 0;
	bool clear[LINKS];

	for (size_t k = 0; k < list.n; k++) {
		if (pick(3) == 0)
			continue;
		at[n] = (unsigned)atoi(list.items[k].id.id);
		seen[n] = m->marks[at[n]];
		entries[n] = list.items[k];
		links[n].state = (enum link_state)(LINK_CLEAN + pick(LINK__MAX - 1));
		clear[n] = pick(4) != 0;
		n++;
	}
	for (unsigned k = pick(3); k > 0; k--)
		do_mark(f, m);
	if (pick(2) == 0)
		do_wait(f, m);
	MUST(link_settle(f->store, entries, links, clear, n, &f->err));
	for (unsigned k = 0; k < n; k++)
		if (clear[k] && m->marks[at[k]] == seen[k])
			m->marks[at[k]] = 0;
	for (unsigned k = 0; k < n; k++) {
		m->exists[at[k]] = true;
		m->state[at[k]] = links[k].state;
		if (at[k] >= PARENTS || links[k].state != LINK_CLEAN)
			continue;
		for (unsigned c = PARENTS; c < LINKS; c++) {
			if (c % PARENTS == at[k] && m->waits[c]) {
				m->waits[c] = false;
				model_mark(m, c);
			}
		}
	}
	link_dirty_release(&list);
}

static int
count_held(void *arg, const struct link_id *id BH_UNUSED, const struct link *link BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	++*(size_t *)arg;
	return 0;
}

/* Each mapped object's counts are those of its links. */
static void
compare_objects(struct fixture *f, const struct model *m)
{
	static const unsigned first[] = {0, PARENTS, LINKS};
	int64_t by_state[LINK__MAX], expected;

	for (int object = 0; object < 2; object++) {
		struct link_id id = nth(first[object]);

		MUST(link_object_counts(f->txn, "crm", id.sync, id.object, by_state, &f->err));
		for (int state = 0; state < LINK__MAX; state++) {
			expected = 0;
			for (unsigned i = first[object]; i < first[object + 1]; i++)
				expected += m->exists[i] && (int)m->state[i] == state;
			assert_int_equal(by_state[state], expected);
		}
	}
}

/* The store says what the model says, link by link and in the counts. */
static void
compare(struct fixture *f, const struct model *m)
{
	size_t by_state[LINK__MAX] = {0}, dirty_n = 0, waits_n = 0, held = 0;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX);
	struct link_lane lane = lane_of(f);
	bool more;

	for (unsigned i = 0; i < LINKS; i++) {
		struct link link = get(f, nth(i));

		assert_int_equal(link.version != 0, m->exists[i]);
		assert_int_equal(link.state, m->state[i]);
		by_state[link.state] += link.version != 0;
		dirty_n += m->marks[i] != 0;
		waits_n += m->waits[i];
	}
	assert_int_equal(lane.in_step, by_state[LINK_CLEAN]);
	assert_int_equal(lane.held, by_state[LINK_HELD]);
	assert_int_equal(lane.waiting_parent, by_state[LINK_WAITING]);
	assert_int_equal(lane.excluded, by_state[LINK_EXCLUDED]);
	compare_objects(f, m);
	assert_int_equal(lane.dirty, dirty_n);
	assert_int_equal(state_count(f, "Lw"), waits_n);
	MUST(link_held(f->txn, "crm", 100, &after, count_held, &held, &more, &f->err));
	assert_int_equal(held, by_state[LINK_HELD]);
	store_reset(f->txn);
	bh_buf_release(&after);
}

static void
counts_stay_true(void **state)
{
	struct fixture *f = *state;
	struct model model = {0};

	random_state = 20261122;
	for (int i = 0; i < 3000; i++) {
		switch (pick(3)) {
		case 0:
			do_mark(f, &model);
			break;
		case 1:
			do_wait(f, &model);
			break;
		default:
			do_push(f, &model);
		}
		compare(f, &model);
	}
}

/* The same link dirty under two ranks, as after a change of the mapping. */
static void
two_ranks_of_one_link(void **state)
{
	struct fixture *f = *state;
	struct link_id id = company("a"), now = company("a");
	struct link links[2] = {{.state = LINK_CLEAN}, {.state = LINK_CLEAN}};
	bool clear[] = {true, true};
	struct link_dirty_list list;

	now.rank = 3;
	for (int round = 0; round < 2; round++) {
		mark(f, id);
		mark(f, now);
		list = dirty(f);
		assert_int_equal(list.n, 2);
		MUST(link_settle(f->store, list.items, links, clear, 2, &f->err));
		assert_int_equal(lane_of(f).in_step, 1);
		assert_int_equal(count_dirty(f), 0);
		link_dirty_release(&list);
	}
}

static void
state_names(void **state BH_UNUSED)
{
	assert_string_equal(link_state_name(LINK_NEW), "new");
	assert_string_equal(link_state_name(LINK_EXCLUDED), "excluded");
	assert_string_equal(link_state_name(LINK__MAX), "new");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(parents_first),
	    STATE_TEST(pages_of_marks),
	    STATE_TEST(page_of_marks_is_cut),
	    STATE_TEST(marks_of_a_sync_are_skipped),
	    STATE_TEST(a_push_clears_what_it_read),
	    STATE_TEST(a_later_mark_survives),
	    STATE_TEST(a_mark_that_is_not_to_be_cleared),
	    STATE_TEST(fields_are_kept),
	    STATE_TEST(renewed_is_sent_whole),
	    STATE_TEST(own_writes_are_no_news),
	    STATE_TEST(only_clean_ones_are_renewed),
	    STATE_TEST(adopted_in_place_of_another),
	    STATE_TEST(many_at_once),
	    STATE_TEST(children_are_woken),
	    STATE_TEST(child_in_the_same_batch),
	    STATE_TEST(registering_disturbs_the_parent),
	    STATE_TEST(very_many_children),
	    STATE_TEST(many_parents_with_many_children),
	    STATE_TEST(held_ones_are_listed),
	    STATE_TEST(condition_of_a_lane),
	    STATE_TEST(two_ranks_of_one_link),
	    STATE_TEST(counts_stay_true),
	    cmocka_unit_test(state_names),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
