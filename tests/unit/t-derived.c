/* What is kept beside the mirror: documents, references, work put off, timers, wants, walks. */
#include "base/base.h"

#include "base/json.h"
#include "state.h"
#include "state/derived.h"
#include "state/walk.h"
#include "state/want.h"

static struct mirror_id
id_of(enum object_kind kind, const char *id)
{
	return (struct mirror_id){"stripe", "acct_1", kind, id};
}

static void
documents(void **state)
{
	struct fixture *f = *state;
	struct mirror_id sub = id_of(OBJECT_SUBSCRIPTION, "s"), cus = id_of(OBJECT_CUSTOMER, "s");
	json_t *one = json_pack("{s:i}", "a", 1), *two = json_pack("{s:i}", "b", 2);
	struct derived_doc docs[] = {{DERIVED_HISTORY, sub, NULL}, {DERIVED_FIELDS, sub, NULL},
	    {DERIVED_FACTS, cus, NULL}, {DERIVED_FIELDS, cus, NULL}};

	derived_put(f->txn, DERIVED_HISTORY, &sub, one);
	derived_put(f->txn, DERIVED_FIELDS, &cus, two);
	state_commit(f);
	MUST(derived_get_many(f->txn, docs, BH_LEN(docs), false, &f->err));
	assert_true(json_equal(docs[0].doc, one));
	assert_null(docs[1].doc);
	assert_null(docs[2].doc);
	assert_true(json_equal(docs[3].doc, two));
	derived_release(docs, BH_LEN(docs));
	store_reset(f->txn);
	derived_put(f->txn, DERIVED_HISTORY, &sub, NULL);
	state_commit(f);
	MUST(derived_get_many(f->txn, docs, 1, true, &f->err));
	assert_null(docs[0].doc);
	json_decref(one);
	json_decref(two);
}

static void
view(void **state)
{
	struct fixture *f = *state;
	struct mirror_id ids[] = {id_of(OBJECT_CUSTOMER, "c"), id_of(OBJECT_CUSTOMER, "none")};
	struct object_state objects[2],
	    held = {.version = {.at_ms = 1, .tie = "t"}, .fields = json_pack("{s:s}", "name", "N")};
	json_t *fields = json_pack("{s:i}", "mrr", 5);

	mirror_put(f->txn, &ids[0], &held);
	derived_put(f->txn, DERIVED_FIELDS, &ids[0], fields);
	derived_put(f->txn, DERIVED_FIELDS, &ids[1], fields);
	state_commit(f);
	MUST(derived_view_many(f->txn, ids, 2, objects, &f->err));
	assert_true(bh_json_int(objects[0].fields, "mrr", 0) == 5);
	assert_string_equal(bh_json_str(objects[0].fields, "name"), "N");
	/* An object that is not held is not there, whatever was worked out about it. */
	assert_null(objects[1].fields);
	mirror_object_release(&objects[0]);
	mirror_object_release(&held);
	json_decref(fields);
}

static int
collect(void *arg, const struct mirror_id *id, struct bh_err *err BH_UNUSED)
{
	json_array_append_new(arg, json_sprintf("%s %s %s %s", id->connection, id->account,
				       object_kind_name(id->kind), id->id));
	return 0;
}

static void
references(void **state)
{
	struct fixture *f = *state;
	struct mirror_id plan = id_of(OBJECT_PLAN, "p"), other = id_of(OBJECT_PLAN, "p2");
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	json_t *seen = json_array();
	bool more = true;
	int pages = 0;

	for (int i = 0; i < 25; i++) {
		char name[16];
		struct mirror_id user;

		snprintf(name, sizeof(name), "s%02d", i);
		user = id_of(OBJECT_SUBSCRIPTION, name);
		derived_refer(f->txn, &plan, &user);
		derived_refer(f->txn, &plan, &user);
	}
	derived_refer(f->txn, &other, &plan);
	state_commit(f);
	for (; more; pages++) {
		MUST(derived_users(f->txn, &plan, 10, &after, collect, seen, &more, &f->err));
		store_reset(f->txn);
	}
	assert_int_equal(pages, 3);
	assert_int_equal(json_array_size(seen), 25);
	assert_string_equal(json_string_value(json_array_get(seen, 24)),
	    "stripe acct_1 subscription s24");
	json_decref(seen);
	bh_buf_release(&after);
}

static void
put_off(void **state)
{
	struct fixture *f = *state;
	struct mirror_id plan = id_of(OBJECT_PLAN, "p"), all = {"lago", "", OBJECT_CUSTOMER, ""},
			 got;
	struct bh_buf names = BH_BUF_INIT(STORE_KEY_MAX), after = BH_BUF_INIT(STORE_KEY_MAX + 1);

	assert_int_equal(MUST(derived_deferred(f->txn, &names, &got, &after, &f->err)), 0);
	store_reset(f->txn);
	derived_defer(f->txn, &plan, NULL);
	derived_defer(f->txn, &all, NULL);
	state_commit(f);
	assert_int_equal(MUST(derived_deferred(f->txn, &names, &got, &after, &f->err)), 1);
	assert_string_equal(got.connection, "lago");
	assert_string_equal(got.id, "");
	assert_int_equal(got.kind, OBJECT_CUSTOMER);
	/* Put off anew before it is done: the commit must not forget that. */
	derived_deferred_done(f->txn, &got);
	{
		struct store_txn *txn = store_begin(f->store);

		derived_defer(txn, &all, NULL);
		MUST(store_commit(txn, NULL, &f->err));
		store_free(&txn);
	}
	MUST_FAIL(store_commit(f->txn, NULL, &f->err), BH_CONFLICT);
	MUST(derived_deferred(f->txn, &names, &got, &after, &f->err));
	derived_deferred_done(f->txn, &got);
	state_commit(f);
	MUST(derived_deferred(f->txn, &names, &got, &after, &f->err));
	assert_int_equal(got.kind, OBJECT_PLAN);
	assert_string_equal(got.account, "acct_1");
	bh_buf_release(&names);
	bh_buf_release(&after);
}

static int
note_due(void *arg, const struct mirror_id *customer, int64_t at_ms, struct bh_err *err)
{
	collect(arg, customer, err);
	json_array_append_new(arg, json_integer(at_ms));
	return 0;
}

static void
timers(void **state)
{
	struct fixture *f = *state;
	struct mirror_id a = id_of(OBJECT_CUSTOMER, "a"), b = id_of(OBJECT_CUSTOMER, "b");
	json_t *due = json_array();
	size_t n;

	derived_timer(f->txn, &a, INT64_MAX, 2000);
	derived_timer(f->txn, &b, INT64_MAX, 1000);
	state_commit(f);
	derived_timer(f->txn, &a, 2000, 1500);
	state_commit(f);
	MUST(derived_due(f->txn, 999, 10, note_due, due, &n, &f->err));
	assert_int_equal(n, 0);
	MUST(derived_due(f->txn, 5000, 10, note_due, due, &n, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(json_string_value(json_array_get(due, 0)), "stripe acct_1 customer b");
	assert_true(json_integer_value(json_array_get(due, 3)) == 1500);
	derived_timer(f->txn, &a, 1500, INT64_MAX);
	derived_timer(f->txn, &b, 1000, INT64_MAX);
	state_commit(f);
	assert_int_equal(state_count(f, "Ft"), 0);
	json_decref(due);
}

static void
wants(void **state)
{
	struct fixture *f = *state;
	json_t *hint = json_pack("{s:s}", "owner", "sub_1");
	struct want_entry entries[10];
	int64_t next;
	size_t n;

	want_put(f->txn, "stripe", "plan", "", "p", NULL);
	want_put(f->txn, "stripe", "plan", "", "p", NULL);
	want_put(f->txn, "stripe", "discount", "acct_1", "d", hint);
	want_put(f->txn, "lago", "plan", "", "p", NULL);
	state_commit(f);
	MUST(want_count(f->txn, "stripe", 100, &n, &f->err));
	assert_int_equal(n, 2);
	MUST(want_due(f->txn, "stripe", 1000, 10, entries, &n, &next, &f->err));
	assert_int_equal(n, 2);
	assert_string_equal(entries[0].what, "discount");
	assert_string_equal(entries[0].account, "acct_1");
	assert_true(json_equal(entries[0].hint, hint));
	want_later(f->txn, &entries[0], 5000);
	want_done(f->txn, &entries[1]);
	state_commit(f);
	want_release(entries, n);
	MUST(want_due(f->txn, "stripe", 1000, 10, entries, &n, &next, &f->err));
	assert_int_equal(n, 0);
	assert_true(next == 5000);
	MUST(want_due(f->txn, "stripe", 5000, 10, entries, &n, &next, &f->err));
	assert_int_equal(n, 1);
	assert_int_equal(entries[0].attempts, 1);
	/* Asked for again meanwhile: what was fetched may be too old. */
	want_done(f->txn, &entries[0]);
	{
		struct store_txn *txn = store_begin(f->store);

		want_put(txn, "stripe", "discount", "acct_1", "d", hint);
		MUST(store_commit(txn, NULL, &f->err));
		store_free(&txn);
	}
	MUST_FAIL(store_commit(f->txn, NULL, &f->err), BH_CONFLICT);
	want_release(entries, n);
	json_decref(hint);
}

static void
walks(void **state)
{
	struct fixture *f = *state;
	struct walk walk = {.state = WALK_RUNNING,
			.cursor = json_pack("{s:i}", "page", 7),
			.phase = "customers",
			.phase_number = 2,
			.phases = 5,
			.phase_read = 200,
			.phase_total = -1,
			.read = 300,
			.changed = 9,
			.started_ms = 11,
			.note = "n"},
		    got;
	struct errand errand = {.is_open = true, .asked_ms = 5, .ask = json_array()}, back;
	json_t *names;

	assert_int_equal(MUST(walk_load(f->txn, "stripe", "backfill", &got, &f->err)), 0);
	assert_int_equal(got.state, WALK_IDLE);
	walk_save(f->txn, "stripe", "backfill", &walk);
	state_commit(f);
	assert_int_equal(MUST(walk_load(f->txn, "stripe", "backfill", &got, &f->err)), 1);
	assert_int_equal(got.state, WALK_RUNNING);
	assert_true(json_equal(got.cursor, walk.cursor));
	assert_string_equal(got.phase, "customers");
	assert_true(got.phase_read == 200 && got.phase_total == -1 && got.read == 300);
	assert_true(got.changed == 9 && got.started_ms == 11);
	walk_release(&got);
	walk_release(&walk);
	errand_save(f->txn, "stripe", "probe", &errand);
	state_commit(f);
	MUST(errand_open(f->txn, "stripe", &names, &f->err));
	assert_int_equal(json_array_size(names), 1);
	assert_string_equal(json_string_value(json_array_get(names, 0)), "probe");
	json_decref(names);
	assert_int_equal(MUST(errand_load(f->txn, "stripe", "probe", &back, &f->err)), 1);
	assert_true(back.is_open && back.asked_ms == 5 && json_is_array(back.ask));
	errand_release(&back);
	errand_release(&errand);
}

/* Documents, references and the timer go with whom they are of; others keep theirs. */
static void
erased(void **state)
{
	struct fixture *f = *state;
	struct mirror_id hers[] = {id_of(OBJECT_CUSTOMER, "c"), id_of(OBJECT_SUBSCRIPTION, "s")};
	struct mirror_id other = id_of(OBJECT_SUBSCRIPTION, "t"), plan = id_of(OBJECT_PLAN, "p q");
	json_t *facts = json_pack("{s:i, s:{s:b}}", "due", 77, "refers", "plan p q", 1);
	json_t *history = json_pack("{s:{s:b}}", "refers", "plan p q", 1);
	struct store_scan scan = {.prefix = "F", .prefix_len = 1, .max = 100, .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	derived_put(f->txn, DERIVED_HISTORY, &other, history);
	derived_refer(f->txn, &plan, &other);
	state_commit(f);
	derived_put(f->txn, DERIVED_FACTS, &hers[0], facts);
	derived_put(f->txn, DERIVED_FIELDS, &hers[0], history);
	derived_put(f->txn, DERIVED_HISTORY, &hers[1], history);
	derived_refer(f->txn, &plan, &hers[0]);
	derived_refer(f->txn, &plan, &hers[1]);
	derived_timer(f->txn, &hers[0], INT64_MAX, 77);
	derived_defer(f->txn, &hers[1], NULL);
	state_commit(f);
	MUST(derived_erase_many(f->txn, hers, 2, &n, &f->err));
	assert_int_equal(n, 3);
	state_commit(f);
	MUST(store_scan(f->txn, &scan, &entries, &n, &more, &f->err));
	assert_int_equal(n, 2);
	assert_memory_equal(entries[0].key, "Fh", 2);
	assert_memory_equal(entries[1].key, "Fr", 2);
	store_reset(f->txn);
	MUST(derived_erase_many(f->txn, hers, 2, &n, &f->err));
	assert_int_equal(n, 0);
	json_decref(facts);
	json_decref(history);
}

static int
note_want(void *arg, const struct want_entry *entry, struct bh_err *err BH_UNUSED)
{
	bh_buf_addf(arg, "%s %s %s,", entry->connection, entry->what, entry->id);
	return 0;
}

static void
wants_walked(void **state)
{
	struct fixture *f = *state;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1), seen = BH_BUF_INIT(400);
	bool more = true;

	want_put(f->txn, "stripe", "plan", "", "b", NULL);
	want_put(f->txn, "lago", "plan", "", "c", NULL);
	want_put(f->txn, "stripe", "plan", "", "a", NULL);
	state_commit(f);
	while (more)
		MUST(want_walk(f->txn, 2, &after, note_want, &seen, &more, &f->err));
	assert_string_equal(bh_buf_str(&seen), "lago plan c,stripe plan a,stripe plan b,");
	bh_buf_release(&after);
	bh_buf_release(&seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(documents),
	    STATE_TEST(view),
	    STATE_TEST(references),
	    STATE_TEST(put_off),
	    STATE_TEST(timers),
	    STATE_TEST(wants),
	    STATE_TEST(wants_walked),
	    STATE_TEST(erased),
	    STATE_TEST(walks),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
