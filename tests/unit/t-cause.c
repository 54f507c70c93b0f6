/* Held links by cause: counts equal a recount, pages, skipping, an older store, and what a link remembers. */
#include "base/base.h"

#include "base/json.h"
#include "state.h"
#include "state/cause.h"
#include "store/key.h"

static struct link_dirty_entry
entry(const char *object, const char *id)
{
	return (struct link_dirty_entry){{"crm", 1, "s", object, "", id}, 0};
}

static void
put(struct fixture *f, const char *object, const char *id, enum link_state state, const char *code)
{
	struct link_dirty_entry of = entry(object, id);
	struct link link = {.state = state};
	bool clear = true;

	snprintf(link.code, sizeof(link.code), "%s", code);
	snprintf(link.cause, sizeof(link.cause), "cause of %s", id);
	snprintf(link.remedy, sizeof(link.remedy), "mend %s", id);
	MUST(link_settle(f->store, &of, &link, &clear, 1, &f->err));
}

/* "code object n, code object n": what is counted. */
static char *
counted(struct fixture *f)
{
	struct cause causes[20];
	struct store_txn *txn = store_begin(f->store);
	struct bh_buf text = BH_BUF_INIT(2000);
	char *copy;
	size_t n;

	MUST(cause_list(txn, "crm", BH_LEN(causes), causes, &n, &f->err));
	for (size_t i = 0; i < n; i++)
		bh_buf_addf(&text, "%s%s %s %lld", i == 0 ? "" : ", ", causes[i].code,
		    causes[i].object, (long long)causes[i].n);
	copy = bh_xstrdup(bh_buf_str(&text));
	bh_buf_release(&text);
	store_free(&txn);
	return copy;
}

static void
assert_counted(struct fixture *f, const char *want)
{
	char *text = counted(f);

	assert_string_equal(text, want);
	free(text);
}

static int
collect(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err BH_UNUSED)
{
	bh_buf_addf(arg, "%s/%d/%s ", id->id, id->rank, link->code);
	return 0;
}

/* A page of a cause's links. */
static bool
is_more(struct fixture *f, const char *code, size_t max, struct bh_buf *after, const char *want)
{
	struct bh_buf text = BH_BUF_INIT(2000);
	struct cause cause;
	bool more;

	store_reset(f->txn);
	MUST(cause_get(f->txn, "crm", code, "s", "account", &cause, &f->err));
	MUST(cause_links(f->txn, "crm", &cause, max, after, collect, &text, &more, &f->err));
	assert_string_equal(bh_buf_str(&text), want);
	bh_buf_release(&text);
	return more;
}

static void
counts_follow(void **state)
{
	struct fixture *f = *state;

	assert_counted(f, "");
	put(f, "account", "a", LINK_HELD, "TOO_LONG");
	put(f, "account", "b", LINK_HELD, "TOO_LONG");
	put(f, "invoice", "a", LINK_HELD, "TOO_LONG");
	put(f, "account", "c", LINK_CLEAN, "");
	assert_counted(f, "TOO_LONG account 2, TOO_LONG invoice 1");
	/* Held for another reason: it moves; for the same: it stays. */
	put(f, "account", "a", LINK_HELD, "MISSING");
	put(f, "account", "b", LINK_HELD, "TOO_LONG");
	assert_counted(f, "MISSING account 1, TOO_LONG account 1, TOO_LONG invoice 1");
	put(f, "account", "b", LINK_CLEAN, "");
	put(f, "invoice", "a", LINK_EXCLUDED, "");
	assert_counted(f, "MISSING account 1");
	assert_int_equal(state_count(f, "Lc"), 1);
	assert_int_equal(state_count(f, "Lh"), 1);
}

static void
words_are_those_of_the_last(void **state)
{
	struct fixture *f = *state;
	struct cause cause;

	put(f, "account", "a", LINK_HELD, "X");
	put(f, "account", "b", LINK_HELD, "X");
	assert_int_equal(MUST(cause_get(f->txn, "crm", "X", "s", "account", &cause, &f->err)), 1);
	assert_string_equal(cause.cause, "cause of b");
	assert_string_equal(cause.remedy, "mend b");
	assert_true(cause.last_ms > 0);
	assert_int_equal(MUST(cause_get(f->txn, "crm", "Y", "s", "account", &cause, &f->err)), 0);
	assert_int_equal(cause.n, 0);
}

static void
pages(void **state)
{
	struct fixture *f = *state;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);

	put(f, "account", "a", LINK_HELD, "X");
	put(f, "account", "b", LINK_HELD, "XY");
	put(f, "account", "c", LINK_HELD, "X");
	put(f, "account", "d", LINK_HELD, "X");
	assert_true(is_more(f, "X", 2, &after, "a/1/X c/1/X "));
	assert_false(is_more(f, "X", 2, &after, "d/1/X "));
	assert_false(is_more(f, "X", 2, &after, ""));
	bh_buf_release(&after);
}

/* Forgotten, chosen by a person, dropped with its lane: no cause is left behind. */
static void
leaving(void **state)
{
	struct link_id a = entry("account", "a").id, b = entry("account", "b").id;
	struct fixture *f = *state;
	int rc;

	put(f, "account", "a", LINK_HELD, "X");
	put(f, "account", "b", LINK_HELD, "X");
	put(f, "account", "c", LINK_HELD, "X");
	assert_int_equal(MUST(link_forget(f->txn, &a, &f->err)), 1);
	MUST(link_adopt(f->txn, &b, "001", "chosen by ada", &f->err));
	state_commit(f);
	assert_counted(f, "X account 1");
	while ((rc = MUST(link_drop_lane(f->txn, "crm", &f->err))) == 0)
		state_commit(f);
	assert_counted(f, "");
	assert_int_equal(state_count(f, "L"), 0);
}

/* What the last one said may be a person's: it goes with the link. */
static void
forgotten_words(void **state)
{
	struct link_id a = entry("account", "a").id, b = entry("account", "b").id;
	struct fixture *f = *state;
	struct cause cause;

	put(f, "account", "a", LINK_HELD, "X");
	put(f, "account", "b", LINK_HELD, "X");
	assert_int_equal(MUST(link_forget(f->txn, &b, &f->err)), 1);
	state_commit(f);
	MUST(cause_get(f->txn, "crm", "X", "s", "account", &cause, &f->err));
	assert_string_equal(cause.cause, "cause of a");
	assert_int_equal(cause.n, 1);
	assert_int_equal(MUST(link_forget(f->txn, &a, &f->err)), 1);
	state_commit(f);
	assert_counted(f, "");
}

static void
skipping(void **state)
{
	struct link_id a = entry("account", "a").id, b = entry("account", "b").id;
	struct fixture *f = *state;
	struct link_lane lane;
	struct link link;

	put(f, "account", "a", LINK_HELD, "X");
	put(f, "account", "b", LINK_CLEAN, "");
	link_mark(f->txn, &a);
	state_commit(f);
	assert_int_equal(MUST(link_skip(f->txn, &a, "ada", &f->err)), 0);
	assert_int_equal(MUST(link_skip(f->txn, &b, "ada", &f->err)), 1);
	state_commit(f);
	MUST(link_get(f->txn, &a, &link, &f->err));
	assert_int_equal(link.state, LINK_EXCLUDED);
	assert_string_equal(link.code, LINK_SKIPPED);
	assert_string_equal(link.cause, "left out by ada until it changes");
	assert_int_equal(link.past[0].what, LINK_LEFT_OUT);
	assert_int_equal(state_count(f, "Ly"), 0);
	assert_counted(f, "");
	MUST(link_lane_get(f->txn, "crm", &lane, &f->err));
	assert_int_equal(lane.held, 0);
	assert_int_equal(lane.excluded, 1);
	assert_int_equal(lane.in_step, 1);
}

static void
drop_all(struct fixture *f, const char *family)
{
	struct store_scan scan = {.prefix = family, .prefix_len = 2, .max = 10000};
	const struct store_entry *entries;
	size_t n;
	bool more;

	MUST(store_scan(f->txn, &scan, &entries, &n, &more, &f->err));
	for (size_t i = 0; i < n; i++)
		store_delete(f->txn, entries[i].key, entries[i].key_len);
	state_commit(f);
}

/* As an older Billhook left it: held links without causes. */
static void
an_older_store_is_taken_in(void **state)
{
	struct fixture *f = *state;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	int rc = 1;
	char id[16];

	for (int i = 0; i < 2500; i++) {
		snprintf(id, sizeof(id), "%04d", i);
		put(f, "account", id, LINK_HELD, i % 2 == 0 ? "X" : "Y");
	}
	drop_all(f, "Lg");
	drop_all(f, "Lc");
	assert_counted(f, "");
	for (int i = 0; rc > 0; i++) {
		assert_true(i < 3);
		rc = MUST(cause_take_in(f->txn, &after, &f->err));
		state_commit(f);
	}
	assert_counted(f, "X account 1250, Y account 1250");
	assert_int_equal(state_count(f, "Lc"), 2500);
	bh_buf_release(&after);
}

/* -- what a link remembers -- */

static void
steps_are_kept(void **state)
{
	struct fixture *f = *state;
	struct link_dirty_entry of = entry("account", "a");
	struct link link = {.state = LINK_CLEAN}, read;
	bool clear = true;

	link_note(&link, LINK_CREATED, 1000);
	for (int i = 0; i < 10; i++)
		link_note(&link, LINK_WRITTEN, 2000 + i);
	snprintf(link.code, sizeof(link.code), "A_VERY_LONG_CODE_THAT_IS_CUT_SOMEWHERE_BEHIND_HERE");
	link_note(&link, LINK_LATER, 3000);
	link_note(&link, LINK_LATER, 4000); /* the same: the first stands */
	snprintf(link.said, sizeof(link.said), "{\"message\":\"no\"}");
	MUST(link_settle(f->store, &of, &link, &clear, 1, &f->err));
	MUST(link_get(f->txn, &of.id, &read, &f->err));
	assert_int_equal(read.past[0].what, LINK_LATER);
	assert_int_equal(read.past[0].at_ms, 3000);
	assert_string_equal(read.past[0].code, "A_VERY_LONG_CODE_THAT_IS_CUT_SOMEWHERE_BEHIND_H");
	assert_int_equal(read.past[1].what, LINK_WRITTEN);
	assert_int_equal(read.past[1].at_ms, 2009);
	assert_string_equal(read.past[1].code, "");
	assert_int_equal(read.past[LINK_PAST_MAX - 1].at_ms, 2003);
	assert_string_equal(read.said, "{\"message\":\"no\"}");
	/* The same once more is not written again. */
	read.version = 0;
	link = read;
	MUST(link_settle(f->store, &of, &link, &clear, 1, &f->err));
}

static int
collect_waiter(void *arg, const struct link_id *parent, const struct link_id *child,
    struct bh_err *err BH_UNUSED)
{
	bh_buf_addf(arg, "%s %s for %s %s; ", child->object, child->id, parent->object, parent->id);
	return 0;
}

static void
waiting_ones_name_their_parent(void **state)
{
	struct fixture *f = *state;
	struct link_id parent = entry("account", "a").id, child = entry("invoice", "i").id;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1), text = BH_BUF_INIT(500);
	bool more;

	MUST(link_wait_for(f->store, &parent, &child, &f->err));
	MUST(link_waiters(f->txn, "crm", 10, &after, collect_waiter, &text, &more, &f->err));
	assert_string_equal(bh_buf_str(&text), "invoice i for account a; ");
	assert_false(more);
	bh_buf_release(&text);
	bh_buf_release(&after);
}

static void
marks_are_seen(void **state)
{
	struct fixture *f = *state;
	struct link_id ids[] = {entry("account", "a").id, entry("account", "b").id};
	bool marked[2];

	link_mark(f->txn, &ids[1]);
	state_commit(f);
	MUST(link_marked_many(f->txn, ids, 2, marked, &f->err));
	assert_false(marked[0]);
	assert_true(marked[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(counts_follow),
	    STATE_TEST(words_are_those_of_the_last),
	    STATE_TEST(pages),
	    STATE_TEST(leaving),
	    STATE_TEST(forgotten_words),
	    STATE_TEST(skipping),
	    STATE_TEST(an_older_store_is_taken_in),
	    STATE_TEST(steps_are_kept),
	    STATE_TEST(waiting_ones_name_their_parent),
	    STATE_TEST(marks_are_seen),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
