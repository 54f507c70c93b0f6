/* Ids that a CRM gave go back to the source, where that is wanted; redeliveries are counted. */
#include "base/base.h"

#include "bench.h"
#include "state/want.h"
#include "unit.h"

/* The sync's setting, and a key with which the source can be called. */
static void
configure(struct bench *bench, bool write_back)
{
	struct store_txn *txn = store_begin(bench->store);
	struct account_sync sync;

	assert_int_equal(account_sync_load(txn, "s", &sync, &bench->err), 1);
	json_decref(sync.settings);
	sync.settings = json_pack("{s:b}", "write_back", write_back);
	assert_int_equal(account_sync_save(txn, &sync, &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	account_sync_release(&sync);
	store_free(&txn);
}

/* How many wants there are; the first one's hint. */
static size_t
wanted(struct bench *bench, json_t **hint_r)
{
	struct store_txn *txn = store_begin(bench->store);
	struct want_entry entries[10];
	int64_t next;
	size_t n;

	assert_int_equal(want_due(txn, "stripe", INT64_MAX, 10, entries, &n, &next, &bench->err),
	    0);
	*hint_r = n > 0 ? json_incref(entries[0].hint) : NULL;
	if (n > 0) {
		assert_string_equal(entries[0].what, "write_back");
		assert_string_equal(entries[0].id, "cus_1");
	}
	want_release(entries, n);
	store_free(&txn);
	return n;
}

static void
asked_for_where_wanted(void **state BH_UNUSED)
{
	struct bench *bench = bench_new("salesforce");
	json_t *hint;

	configure(bench, false);
	bench_customer(bench, "cus_1", "Ada");
	bench_ingest(bench);
	bench_push(bench);
	assert_int_equal(wanted(bench, &hint), 0);
	configure(bench, true);
	bench_customer(bench, "cus_1", "Ada L");
	bench_ingest(bench);
	bench_push(bench);
	assert_int_equal(wanted(bench, &hint), 1);
	assert_string_equal(bh_json_str(hint, "crm"), "salesforce");
	assert_string_equal(bh_json_str(hint, "remote_id"),
	    bench_link(bench, "account", "cus_1").remote_id);
	json_decref(hint);
	bench_free(bench);
}

static void
known_already(void **state BH_UNUSED)
{
	struct bench *bench = bench_new("salesforce");
	json_t *hint;
	struct link link;

	configure(bench, true);
	bench_customer(bench, "cus_1", "Ada");
	bench_ingest(bench);
	bench_push(bench);
	assert_int_equal(wanted(bench, &hint), 1);
	json_decref(hint);
	link = bench_link(bench, "account", "cus_1");
	{
		struct store_txn *txn = store_begin(bench->store);
		struct want_entry entry;
		int64_t next;
		size_t n;

		assert_int_equal(want_due(txn, "stripe", INT64_MAX, 1, &entry, &n, &next,
				     &bench->err),
		    0);
		assert_int_equal(n, 1);
		want_done(txn, &entry);
		want_release(&entry, 1);
		assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
		store_free(&txn);
	}
	/* The source tells the id by now: nothing is to be written. */
	bench_event(bench, "customer.updated",
	    json_pack("{s:s, s:s, s:s, s:{s:s}}", "object", "customer", "id", "cus_1", "name",
		"Ada L", "metadata", "salesforce_account_id", link.remote_id));
	bench_ingest(bench);
	bench_push(bench);
	assert_int_equal(wanted(bench, &hint), 0);
	bench_free(bench);
}

static void
duplicates_counted(void **state BH_UNUSED)
{
	struct bench *bench = bench_new(NULL);
	int64_t n = -1;

	for (int i = 0; i < 2; i++) {
		struct store_txn *txn = store_begin(bench->store);

		assert_int_equal(journal_duplicates(txn, "stripe", &n, &bench->err), i);
		assert_int_equal(n, i * 3);
		assert_int_equal(journal_count_duplicates(txn, "stripe", 3, &bench->err), 0);
		assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
		store_free(&txn);
	}
	bench_free(bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(asked_for_where_wanted),
	    cmocka_unit_test(known_already),
	    cmocka_unit_test(duplicates_counted),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
