/* The mirror: objects with their versions, walks in pages, a customer's objects. */
#include "base/base.h"

#include "base/json.h"
#include "state.h"
#include "state/mirror.h"

static struct mirror_id
id_of(enum object_kind kind, const char *id)
{
	return (struct mirror_id){"stripe", "", kind, id};
}

static void
put(struct fixture *f, struct mirror_id id, int64_t at_ms, const char *customer, bool deleted)
{
	struct object_state object = {.version = {.at_ms = at_ms, .rank = 2, .tie = "evt_1"},
	    .deleted = deleted,
	    .fields = json_pack("{s:s}", "name", id.id)};

	if (customer != NULL)
		json_object_set_new(object.fields, "customer", json_string(customer));
	mirror_put(f->txn, &id, &object);
	state_commit(f);
	mirror_object_release(&object);
	assert_null(object.fields);
}

static void
kept_with_their_version(void **state)
{
	struct fixture *f = *state;
	struct mirror_id id = id_of(OBJECT_INVOICE, "in_1");
	struct object_state object;

	assert_int_equal(MUST(mirror_get(f->txn, &id, true, &object, &f->err)), 0);
	assert_null(object.fields);
	put(f, id, -5, "cus_1", false);
	assert_int_equal(MUST(mirror_get(f->txn, &id, true, &object, &f->err)), 1);
	assert_true(object.version.at_ms == -5);
	assert_int_equal(object.version.rank, 2);
	assert_string_equal(object.version.tie, "evt_1");
	assert_false(object.deleted);
	assert_string_equal(bh_json_str(object.fields, "customer"), "cus_1");
	mirror_object_release(&object);
	store_reset(f->txn);
	put(f, id, 7, NULL, true);
	MUST(mirror_get(f->txn, &id, false, &object, &f->err));
	assert_true(object.deleted);
	assert_true(object.version.at_ms == 7);
	mirror_object_release(&object);
}

/* Connection, account, kind and id tell objects apart, wherever the parts are cut. */
static void
told_apart(void **state)
{
	struct fixture *f = *state;
	const struct mirror_id ids[] = {{"a", "", OBJECT_CUSTOMER, "x"},
	    {"b", "", OBJECT_CUSTOMER, "x"}, {"a", "", OBJECT_INVOICE, "x"},
	    {"a", "x", OBJECT_CUSTOMER, ""}, {"a", "x", OBJECT_CUSTOMER, "x"},
	    {"a", "", OBJECT_CUSTOMER, "xx"}, {"a", "xx", OBJECT_CUSTOMER, ""}};
	struct object_state objects[BH_LEN(ids)];

	for (size_t i = 0; i < BH_LEN(ids); i++)
		put(f, ids[i], (int64_t)i + 1, NULL, false);
	MUST(mirror_get_many(f->txn, ids, BH_LEN(ids), false, objects, &f->err));
	for (size_t i = 0; i < BH_LEN(ids); i++) {
		assert_true(objects[i].version.at_ms == (int64_t)i + 1);
		mirror_object_release(&objects[i]);
	}
}

static void
many_with_gaps(void **state)
{
	struct fixture *f = *state;
	struct mirror_id ids[] = {id_of(OBJECT_PLAN, "none"), id_of(OBJECT_PLAN, "p")};
	struct object_state objects[2];

	put(f, ids[1], 1, NULL, false);
	MUST(mirror_get_many(f->txn, ids, 2, false, objects, &f->err));
	assert_null(objects[0].fields);
	assert_non_null(objects[1].fields);
	mirror_object_release(&objects[0]);
	mirror_object_release(&objects[1]);
}

/* Read and checked: a change by somebody else in between is a conflict.  Not checked: it is not. */
static void
checked_reads(void **state)
{
	struct fixture *f = *state;
	struct mirror_id id = id_of(OBJECT_CUSTOMER, "cus_1");
	struct store_txn *other = store_begin(f->store);
	struct object_state object;

	put(f, id, 1, NULL, false);
	for (int checked = 0; checked < 2; checked++) {
		MUST(mirror_get(other, &id, checked, &object, &f->err));
		mirror_put(other, &id, &object);
		mirror_object_release(&object);
		put(f, id, 2 + checked, NULL, false);
		if (checked)
			MUST_FAIL(store_commit(other, NULL, &f->err), BH_CONFLICT);
		else
			MUST(store_commit(other, NULL, &f->err));
	}
	store_free(&other);
}

/* -- walks -- */

struct seen {
	char text[200];
	size_t n;
	int stop_at; /* -1: never */
};

static void
note(struct seen *seen, const char *text)
{
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%s ", text);
	seen->n++;
}

static int
note_object(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err)
{
	struct seen *seen = arg;

	assert_string_equal(id->connection, "stripe");
	assert_int_equal(id->kind, OBJECT_INVOICE);
	assert_string_equal(bh_json_str(object->fields, "name"), id->id);
	note(seen, id->id);
	if ((int)seen->n == seen->stop_at)
		return bh_fail(err, BH_INVALID, "enough");
	return 0;
}

static void
walked_in_pages(void **state)
{
	struct fixture *f = *state;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX);
	struct seen seen = {.stop_at = -1};
	size_t n;
	bool more;

	for (int i = 0; i < 7; i++) {
		char id[20];

		snprintf(id, sizeof(id), "in_%d", i);
		put(f, id_of(OBJECT_INVOICE, id), 1, NULL, i == 3);
	}
	/* Neighbours that do not belong to it. */
	put(f, id_of(OBJECT_CREDIT_NOTE, "cn"), 1, NULL, false);
	put(f, id_of(OBJECT_PAYMENT, "py"), 1, NULL, false);
	put(f, (struct mirror_id){"stripe2", "", OBJECT_INVOICE, "in_x"}, 1, NULL, false);
	do {
		MUST(mirror_walk(f->txn, "stripe", OBJECT_INVOICE, 3, &after, note_object, &seen,
		    &more, &f->err));
		store_reset(f->txn);
	} while (more);
	assert_string_equal(seen.text, "in_0 in_1 in_2 in_3 in_4 in_5 in_6 ");
	MUST(mirror_count(f->txn, "stripe", OBJECT_INVOICE, 100, &n, &f->err));
	assert_int_equal(n, 7);
	MUST(mirror_count(f->txn, "stripe", OBJECT_INVOICE, 5, &n, &f->err));
	assert_int_equal(n, 5);
	MUST(mirror_count(f->txn, "stripe", OBJECT_REFUND, 5, &n, &f->err));
	assert_int_equal(n, 0);
	bh_buf_release(&after);
}

static void
walk_stopped(void **state)
{
	struct fixture *f = *state;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX);
	struct seen seen = {.stop_at = 2};
	bool more;

	for (int i = 0; i < 4; i++) {
		char id[20];

		snprintf(id, sizeof(id), "in_%d", i);
		put(f, id_of(OBJECT_INVOICE, id), 1, NULL, false);
	}
	MUST_FAIL(mirror_walk(f->txn, "stripe", OBJECT_INVOICE, 10, &after, note_object, &seen,
		      &more, &f->err),
	    BH_INVALID);
	assert_string_equal(seen.text, "in_0 in_1 ");
	bh_buf_release(&after);
}

static int
note_child(void *arg, const struct mirror_id *id, struct bh_err *err BH_UNUSED)
{
	assert_string_equal(id->connection, "stripe");
	note(arg, object_kind_name(id->kind));
	note(arg, id->id);
	return 0;
}

static void
objects_of_a_customer(void **state)
{
	struct fixture *f = *state;
	struct mirror_id customer = id_of(OBJECT_CUSTOMER, "cus_1");
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX);
	struct seen seen = {.stop_at = -1};
	bool more;

	put(f, customer, 1, NULL, false);
	put(f, id_of(OBJECT_INVOICE, "in_1"), 1, "cus_1", false);
	put(f, id_of(OBJECT_SUBSCRIPTION, "sub_1"), 1, "cus_1", false);
	put(f, id_of(OBJECT_INVOICE, "in_2"), 1, "cus_1", false);
	put(f, id_of(OBJECT_INVOICE, "in_3"), 1, "cus_12", false);
	put(f, id_of(OBJECT_INVOICE, "in_4"), 1, "cus_1", true);
	put(f, (struct mirror_id){"stripe", "acct", OBJECT_INVOICE, "in_5"}, 1, "cus_1", false);
	do {
		MUST(mirror_children(f->txn, &customer, 2, &after, note_child, &seen, &more,
		    &f->err));
		store_reset(f->txn);
	} while (more);
	assert_string_equal(seen.text, "invoice in_1 invoice in_2 subscription sub_1 ");
	bh_buf_release(&after);
}

static void
broken_values(void **state)
{
	static const struct {
		const char *value;
		size_t len;
	} values[] = {
	    {"", 0},
	    {"\2"
	     "12345678"
	     "1234"
	     "\0"
	     "tie\0{}",
		20}, /* a version that we do not know */
	    {"\1"
	     "12345678"
	     "1234"
	     "\0"
	     "tie",
		17},
	    {"\1"
	     "12345678"
	     "1234"
	     "\0"
	     "tie\0",
		18},
	    {"\1"
	     "12345678"
	     "1234"
	     "\0"
	     "tie\0{",
		19},
	};
	struct fixture *f = *state;
	struct mirror_id id = id_of(OBJECT_PLAN, "p");
	struct object_state object;

	for (size_t i = 0; i < BH_LEN(values); i++) {
		store_put(f->txn, "Mostripe\0plan\0\0p", 17, values[i].value, values[i].len);
		state_commit(f);
		MUST_FAIL(mirror_get(f->txn, &id, false, &object, &f->err), BH_STORAGE);
		assert_null(object.fields);
		store_reset(f->txn);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(kept_with_their_version),
	    STATE_TEST(told_apart),
	    STATE_TEST(many_with_gaps),
	    STATE_TEST(checked_reads),
	    STATE_TEST(walked_in_pages),
	    STATE_TEST(walk_stopped),
	    STATE_TEST(objects_of_a_customer),
	    STATE_TEST(broken_values),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
