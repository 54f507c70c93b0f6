/* The list of customers: order, search, pages, currencies, and the last events of each. */
#include "base/base.h"

#include "base/json.h"
#include "base/text.h"
#include "state.h"
#include "state/roster.h"

static struct mirror_id
of(const char *id)
{
	return (struct mirror_id){"stripe", "", OBJECT_CUSTOMER, id};
}

/* As the mirror would have it, too: it is found by its id there. */
static void
put(struct fixture *f, const char *id, const char *was, const char *fields, const char *derived)
{
	struct mirror_id customer = of(id);
	json_t *before = was != NULL ? json_loads(was, 0, NULL) : NULL;
	json_t *now = json_loads(fields, 0, NULL);
	json_t *worked_out = derived != NULL ? json_loads(derived, 0, NULL) : NULL;
	struct object_state object = {.version = {.at_ms = 1}, .fields = now};

	assert_non_null(now);
	mirror_put(f->txn, &customer, &object);
	roster_move(f->txn, &customer, &(struct roster_view){before, NULL},
	    &(struct roster_view){now, worked_out}, false);
	state_commit(f);
	json_decref(before);
	json_decref(now);
	json_decref(worked_out);
}

static int
collect(void *arg, const struct mirror_id *customer, struct bh_err *err BH_UNUSED)
{
	bh_buf_addf(arg, "%s ", customer->id);
	return 0;
}

/* Page after page of so many, with a bar between. */
static void
assert_list(struct fixture *f, const char *currency, const char *search, size_t max,
    const char *want)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1), text = BH_BUF_INIT(4000);
	struct roster_query query = {currency, search};
	bool more = true;

	while (more) {
		store_reset(f->txn);
		MUST(roster_list(f->txn, &query, max, &after, collect, &text, &more, &f->err));
		if (more)
			bh_buf_adds(&text, "| ");
	}
	assert_string_equal(bh_buf_str(&text), want);
	bh_buf_release(&text);
	bh_buf_release(&after);
}

static void
by_name(void **state)
{
	struct fixture *f = *state;

	put(f, "c1", NULL, "{\"name\":\"beta\"}", NULL);
	put(f, "c2", NULL, "{\"name\":\"Alpha\"}", NULL);
	put(f, "c3", NULL, "{\"name\":\"  alpha   two\"}", NULL);
	put(f, "c4", NULL, "{\"email\":\"Zoe@example.com\"}", NULL);
	put(f, "c5", NULL, "{\"name\":\"\xc3\x84rzte\"}", NULL);
	assert_list(f, NULL, NULL, 100, "c2 c3 c1 c4 c5 ");
	assert_list(f, NULL, "", 2, "c2 c3 | c1 c4 | c5 ");
	/* Renamed: it stands in one place. */
	put(f, "c2", "{\"name\":\"Alpha\"}", "{\"name\":\"Omega\"}", NULL);
	assert_list(f, NULL, NULL, 100, "c3 c1 c2 c4 c5 ");
}

static void
searching(void **state)
{
	struct fixture *f = *state;

	put(f, "cus_1", NULL,
	    "{\"name\":\"Example Holding Ltd\",\"email\":\"Ada@example.com\",\"external_id\":\"X-9\"}",
	    NULL);
	put(f, "cus_2", NULL, "{\"name\":\"\xc3\x84rzte & S\xc3\xb6hne\"}", NULL);
	put(f, "cus_3", NULL, "{\"name\":\"holding\"}", NULL);
	assert_list(f, NULL, "EXAMPLE h", 10, "cus_1 ");
	assert_list(f, NULL, "holding", 10, "cus_3 cus_1 ");
	assert_list(f, NULL, "holding", 1, "cus_3 | cus_1 | ");
	assert_list(f, NULL, "\xc3\xa4RZ", 10, "cus_2 ");
	assert_list(f, NULL, "s\xc3\x96h", 10, "cus_2 ");
	assert_list(f, NULL, "ada@EX", 10, "cus_1 ");
	assert_list(f, NULL, "x-9", 10, "cus_1 ");
	assert_list(f, NULL, "cus_", 2, "cus_1 cus_2 | cus_3 ");
	assert_list(f, NULL, "CUS_", 10, "");
	assert_list(f, NULL, "nobody", 10, "");
	assert_list(f, NULL, "\xff\xfe", 10, "");
}

/* By the largest first, in each currency; what is nothing is not listed. */
static void
by_mrr(void **state)
{
	struct fixture *f = *state;
	json_t *list, *was = json_pack("{s:{s:i}}", "mrr_by_currency", "USD", 500);
	json_t *now = json_pack("{s:{s:i}}", "mrr_by_currency", "USD", 50000);
	struct mirror_id one = of("c1");

	put(f, "c1", NULL, "{\"name\":\"a\"}", "{\"mrr_by_currency\":{\"USD\":500}}");
	put(f, "c2", NULL, "{\"name\":\"b\"}", "{\"mrr_by_currency\":{\"USD\":9000,\"EUR\":1}}");
	put(f, "c3", NULL, "{\"name\":\"c\"}", "{\"mrr_by_currency\":{\"USD\":0}}");
	assert_list(f, "USD", NULL, 1, "c2 | c1 ");
	assert_list(f, "EUR", NULL, 5, "c2 ");
	assert_list(f, "CHF", NULL, 5, "");
	MUST(roster_currencies(f->txn, 10, &list, &f->err));
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_array_get(list, 0)), "EUR");
	json_decref(list);
	roster_move_derived(f->txn, &one, was, now);
	state_commit(f);
	assert_list(f, "USD", NULL, 5, "c1 c2 ");
	json_decref(was);
	json_decref(now);
}

static void
accounts_are_told_apart(void **state)
{
	static const char *const accounts[] = {"", "acct_1", "acct_2"};
	struct fixture *f = *state;
	json_t *fields = json_pack("{s:s}", "name", "Same");
	struct object_state object = {.version = {.at_ms = 1}, .fields = fields};

	for (size_t i = 0; i < BH_LEN(accounts); i++) {
		struct mirror_id id = {"stripe", accounts[i], OBJECT_CUSTOMER, "cus_1"};

		mirror_put(f->txn, &id, &object);
		roster_move(f->txn, &id, &(struct roster_view){0},
		    &(struct roster_view){fields, NULL}, false);
	}
	state_commit(f);
	assert_list(f, NULL, "same", 10, "cus_1 cus_1 cus_1 ");
	assert_list(f, NULL, "cus", 2, "cus_1 cus_1 | cus_1 ");
	json_decref(fields);
}

/* Nothing but ids is left of one that is erased. */
static void
erasing(void **state)
{
	struct fixture *f = *state;
	struct mirror_id id = of("c1");
	struct roster_event event = {id, 7};
	json_t *fields = json_pack("{s:s, s:s}", "name", "Ada Example", "email", "ada@example.com");

	put(f, "c1", NULL, "{\"name\":\"Ada Example\",\"email\":\"ada@example.com\"}",
	    "{\"mrr_by_currency\":{\"USD\":500}}");
	MUST(roster_note_events(f->txn, &event, 1, &f->err));
	state_commit(f);
	assert_int_equal(state_count(f, "C"), 5);
	{
		json_t *derived = json_pack("{s:{s:i}}", "mrr_by_currency", "USD", 500);

		roster_erase(f->txn, &id, &(struct roster_view){fields, derived});
		json_decref(derived);
	}
	state_commit(f);
	assert_int_equal(state_count(f, "C"), 0);
	json_decref(fields);
}

static void
put_again(void **state)
{
	struct fixture *f = *state;
	struct mirror_id id = of("c1");
	json_t *fields = json_pack("{s:s}", "name", "Ada");
	struct roster_view view = {fields, NULL};

	roster_move(f->txn, &id, &view, &view, false);
	state_commit(f);
	assert_int_equal(state_count(f, "C"), 0);
	roster_move(f->txn, &id, &view, &view, true);
	state_commit(f);
	assert_int_equal(state_count(f, "Cn"), 1);
	json_decref(fields);
}

static void
last_events(void **state)
{
	struct fixture *f = *state;
	struct roster_event events[ROSTER_EVENTS_MAX + 10];
	uint64_t stamps[ROSTER_EVENTS_MAX];
	struct mirror_id one = of("c1"), two = of("c2");
	size_t n;

	for (size_t i = 0; i < BH_LEN(events); i++)
		events[i] = (struct roster_event){i % 2 == 0 ? one : two, i + 1};
	MUST(roster_note_events(f->txn, events, 4, &f->err));
	state_commit(f);
	MUST(roster_events(f->txn, &one, stamps, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(stamps[0], 3);
	assert_int_equal(stamps[1], 1);
	/* A replay comes to the front, once. */
	MUST(roster_note_events(f->txn, events, 1, &f->err));
	state_commit(f);
	MUST(roster_events(f->txn, &one, stamps, &n, &f->err));
	assert_int_equal(n, 2);
	assert_int_equal(stamps[0], 1);
	for (size_t i = 0; i < BH_LEN(events); i++)
		events[i] = (struct roster_event){one, i + 100};
	MUST(roster_note_events(f->txn, events, BH_LEN(events), &f->err));
	state_commit(f);
	MUST(roster_events(f->txn, &one, stamps, &n, &f->err));
	assert_int_equal(n, ROSTER_EVENTS_MAX);
	assert_int_equal(stamps[0], 100 + BH_LEN(events) - 1);
	MUST(roster_events(f->txn, &two, stamps, &n, &f->err));
	assert_int_equal(n, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(by_name),
	    STATE_TEST(searching),
	    STATE_TEST(by_mrr),
	    STATE_TEST(accounts_are_told_apart),
	    STATE_TEST(erasing),
	    STATE_TEST(put_again),
	    STATE_TEST(last_events),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
