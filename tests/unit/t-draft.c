/* The draft of a sync's mapping. */
#include "base/base.h"

#include "base/json.h"
#include "state.h"
#include "state/draft.h"

static struct account_sync
sample(void)
{
	return (struct account_sync){.code = "main",
	    .from = "stripe",
	    .to = "crm",
	    .preset = "stripe-hubspot",
	    .mapping = json_pack("{s:s, s:[]}", "name", "m", "objects"),
	    .settings = json_pack("{s:s}", "customer_object", "companies")};
}

/* The digest of the sample after one change of it. */
#define VERSION_WITH(change)                                                                       \
	do {                                                                                       \
		struct account_sync other = sample();                                              \
		change;                                                                            \
		draft_version(&other, seen);                                                       \
		account_sync_release(&other);                                                      \
	} while (0)

static void
version_follows_what_is_mapped(void **state)
{
	struct account_sync sync = sample();
	char first[DRAFT_VERSION_LEN + 1], seen[DRAFT_VERSION_LEN + 1];

	(void)state;
	draft_version(&sync, first);
	account_sync_release(&sync);
	assert_int_equal(strlen(first), DRAFT_VERSION_LEN);
	VERSION_WITH(other.paused = true);
	assert_string_equal(seen, first);
	VERSION_WITH(json_object_set_new(other.mapping, "name", json_string("n")));
	assert_string_not_equal(seen, first);
	VERSION_WITH(json_object_set_new(other.settings, "lines", json_string("yes")));
	assert_string_not_equal(seen, first);
	VERSION_WITH(snprintf(other.to, sizeof(other.to), "other"));
	assert_string_not_equal(seen, first);
}

static void
kept_and_replaced(void **state)
{
	struct fixture *f = *state;
	json_t *mapping = json_pack("{s:s}", "name", "changed \"<b>\""), *draft;

	assert_int_equal(MUST(draft_load(f->txn, "main", &draft, &f->err)), 0);
	assert_null(draft);
	draft_save(f->txn, "main", mapping, "0123456789abcdef", "ada", 1700000000123);
	state_commit(f);
	assert_int_equal(MUST(draft_load(f->txn, "main", &draft, &f->err)), 1);
	assert_true(json_equal(json_object_get(draft, "mapping"), mapping));
	assert_string_equal(bh_json_str(draft, "of"), "0123456789abcdef");
	assert_string_equal(bh_json_str(draft, "by"), "ada");
	assert_int_equal(bh_json_int(draft, "at", 0), 1700000000123);
	json_decref(draft);
	json_object_set_new(mapping, "name", json_string("again"));
	draft_save(f->txn, "main", mapping, "fedcba9876543210", "bob", 1700000000456);
	state_commit(f);
	assert_int_equal(MUST(draft_load(f->txn, "main", &draft, &f->err)), 1);
	assert_string_equal(bh_json_str(draft, "mapping.name"), "again");
	assert_string_equal(bh_json_str(draft, "by"), "bob");
	json_decref(draft);
	json_decref(mapping);
	assert_int_equal(MUST(draft_load(f->txn, "mai", &draft, &f->err)), 0);
}

/* Two people who change the same draft: the second one's commit is refused. */
static void
checked_at_commit(void **state)
{
	struct fixture *f = *state;
	struct store_txn *other = store_begin(f->store);
	json_t *mapping = json_object(), *draft;

	MUST(draft_load(f->txn, "main", &draft, &f->err));
	MUST(draft_load(other, "main", &draft, &f->err));
	draft_save(other, "main", mapping, "1", "bob", 1);
	MUST(store_commit(other, NULL, &f->err));
	draft_save(f->txn, "main", mapping, "1", "ada", 2);
	MUST_FAIL(store_commit(f->txn, NULL, &f->err), BH_CONFLICT);
	store_free(&other);
	json_decref(mapping);
}

static void
dropped_alone_and_with_its_sync(void **state)
{
	struct fixture *f = *state;
	struct account_sync sync = sample();
	json_t *mapping = json_object(), *draft;

	draft_save(f->txn, "main", mapping, "1", "ada", 1);
	state_commit(f);
	draft_drop(f->txn, "main");
	state_commit(f);
	assert_int_equal(MUST(draft_load(f->txn, "main", &draft, &f->err)), 0);
	MUST(account_sync_save(f->txn, &sync, &f->err));
	draft_save(f->txn, "main", mapping, "1", "ada", 1);
	state_commit(f);
	account_sync_drop(f->txn, "main");
	state_commit(f);
	assert_int_equal(state_count(f, "Ad"), 0);
	account_sync_release(&sync);
	json_decref(mapping);
}

static void
damaged_is_an_error(void **state)
{
	struct fixture *f = *state;
	json_t *draft;

	store_put(f->txn, "Admain\0", 7, "{", 1);
	state_commit(f);
	MUST_FAIL(draft_load(f->txn, "main", &draft, &f->err), BH_STORAGE);
	assert_null(draft);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(version_follows_what_is_mapped),
	    STATE_TEST(kept_and_replaced),
	    STATE_TEST(checked_at_commit),
	    STATE_TEST(dropped_alone_and_with_its_sync),
	    STATE_TEST(damaged_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
