/* What the tests of bulk jobs share: an org of many customers, and its lane. */
#ifndef TESTS_BULK_UNIT_H
#define TESTS_BULK_UNIT_H

#include "base/clock.h"
#include "fakecrm.h"
#include "state/account.h"
#include "state/bulk.h"
#include "sync/bulk.h"
#include "sync/configure.h"
#include "sync/throttle.h"
#include "unit.h"

#define HOUR_MS (3600 * INT64_C(1000))
#define FROM 10 /* as many of an object go in bulk */
#define ACCOUNT                                                                                    \
	"{'name':'account','from':'customer','to':'Account','key':'Key__c','fields':["             \
	"{'to':'Name','from':'name'}]}"
#define MATCHED                                                                                    \
	"{'name':'account','from':'customer','to':'Account','key':'Key__c',"                       \
	"'match':[{'by':'value','fields':[{'to':'Name','from':'name'}]}],"                         \
	"'fields':[{'to':'Name','from':'name'}]}"

static inline void
apply_objects(struct bench *bench, const char *objects)
{
	char text[4000];

	snprintf(text, sizeof(text),
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "%s]}}]}",
	    objects);
	bench_apply(bench, text);
	bench_work(bench);
}

/* Lower than a document may say it: the driver of these tests takes any number. */
static inline void
bulk_from(struct bench *bench, json_int_t from)
{
	struct store_txn *txn = store_begin(bench->store);
	struct account_connection connection;

	assert_int_equal(account_connection_load(txn, NULL, "crm", &connection, &bench->err), 1);
	json_object_set_new(connection.settings, "bulk_from", json_integer(from));
	assert_int_equal(account_connection_save(txn, &bench->key, &connection, &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	account_connection_release(&connection);
	store_free(&txn);
}

static inline struct bench *
open_bench(const char *objects)
{
	struct bench *bench;

	fake_init();
	bench = bench_new("salesforce");
	bench_apply(bench,
	    "{'billhook':1,'connections':[{'code':'crm','driver':'salesforce','settings':{"
	    "'login_url':'" CRM_URL "','client_id':'id'},"
	    "'secrets':{'client_secret':'env:BENCH_SECRET'}}]}");
	bulk_from(bench, FROM);
	apply_objects(bench, objects);
	return bench;
}

static inline void
close_bench(struct bench *bench)
{
	bench_free(bench);
	fake_release();
}

/* Customers cus_<from> to cus_<to - 1>, called "Ada <number>" unless name is given. */
static inline void
customers(struct bench *bench, int from, int to, const char *name)
{
	char id[24], own[24];

	for (int i = from; i < to; i++) {
		snprintf(id, sizeof(id), "cus_%d", i);
		snprintf(own, sizeof(own), "Ada %d", i);
		bench_customer(bench, id, name != NULL ? name : own);
	}
}

static inline struct bulk_job
stored_job(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct bulk_job job;

	assert_return_code(bulk_load(txn, "crm", &job, &bench->err), 0);
	store_free(&txn);
	return job;
}

static inline size_t
stored_rows(struct bench *bench)
{
	struct store_scan scan = {.prefix = "Lr", .prefix_len = 2, .max = 10000, .keys_only = true};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	size_t n;
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	store_free(&txn);
	return n;
}

static inline int
put_job(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	bulk_save(txn, "crm", arg);
	return 0;
}

static inline int
note_lane(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	link_lane_note(txn, "crm", arg);
	return 0;
}

/* As if the CRM had just told so, of 1000 calls a day. */
static inline void
set_usage(struct bench *bench, int64_t used)
{
	struct link_lane lane = bench_lane(bench);

	lane.day_used = used;
	lane.day_limit = 1000;
	lane.day_at_ms = bh_now_ms();
	assert_return_code(store_run(bench->store, note_lane, &lane, NULL, &bench->err), 0);
}

/* Work, and wait, until nothing is due within the next minutes. */
static inline void
work_until_quiet(struct bench *bench)
{
	for (int i = 0; i < 100; i++) {
		bench_work(bench);
		if (bench_next_due(bench) > bh_now_ms() + 300000)
			return;
		bench_pass(bench, bench_next_due(bench) - bh_now_ms());
	}
	fail_msg("it does not come to rest");
}

static inline void
assert_over(struct bench *bench)
{
	assert_int_equal(stored_job(bench).phase, BULK_NONE);
	assert_int_equal(stored_rows(bench), 0);
	bench_recount(bench);
}

static inline int
teardown(void **state BH_UNUSED)
{
	unit_log_expected(false);
	bh_clock_set(0);
	return 0;
}

#endif
