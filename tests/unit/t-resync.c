/* A sync from its making to its end: not started, looked at again in steps, forgotten. */
#include "base/base.h"

#include "base/clock.h"
#include "bench.h"
#include "state/account.h"
#include "state/mirror.h"
#include "state/preview.h"
#include "sync/configure.h"
#include "sync/resync.h"
#include "unit.h"

#define CUSTOMERS 2500 /* three pages */
#define SOURCE "{'code':'stripe','driver':'stripe','secrets':{'webhook':'env:BENCH_SECRET'}}"
#define OBJECTS                                                                                    \
	"'objects':[{'name':'a','from':'customer','to':'A','key':'K','fields':["                   \
	"{'to':'Name','from':'name'}]},"                                                           \
	"{'name':'s','from':'subscription','to':'S','key':'K','fields':["                          \
	"{'to':'Name','from':'id'}]}]"
#define SYNC(more) "{'code':'s','from':'stripe','to':'crm','mapping':{" OBJECTS "}" more "}"
#define DOCUMENT(sync)                                                                             \
	"{'billhook':1,'connections':[" SOURCE                                                     \
	",{'code':'crm','driver':'sandbox'}],'syncs':[" sync "]}"

/* -- helpers -- */

static struct bench *
begin(const char *document, int customers)
{
	struct bench *bench = bench_new(NULL);

	bench_apply(bench, document);
	for (int i = 0; i < customers; i++) {
		char id[16];

		snprintf(id, sizeof(id), "cus_%d", i);
		bench_customer(bench, id, "Ada");
	}
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_ingest(bench);
	return bench;
}

static struct walk
walk_of(struct bench *bench, const char *name)
{
	struct store_txn *txn = store_begin(bench->store);
	struct walk walk;

	assert_true(walk_load(txn, "s", name, &walk, &bench->err) >= 0);
	store_free(&txn);
	walk_release(&walk);
	return walk;
}

/* fn takes a transaction and "s". */
static void
change(struct bench *bench, void (*fn)(struct store_txn *txn, const char *sync))
{
	struct store_txn *txn = store_begin(bench->store);

	fn(txn, "s");
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
}

static void
ask(struct store_txn *txn, const char *sync)
{
	resync_begin(txn, sync, bh_now_ms());
}

static void
stop(struct store_txn *txn, const char *sync)
{
	assert_int_equal(walk_pause(txn, sync, WALK_RESYNC, NULL), 0);
}

static void
resume(struct store_txn *txn, const char *sync)
{
	assert_int_equal(walk_resume(txn, sync, WALK_RESYNC, bh_now_ms(), NULL), 0);
}

static void
drop(struct store_txn *txn, const char *sync)
{
	account_sync_drop(txn, sync);
	resync_forget(txn, sync, "crm", bh_now_ms());
}

static void
cancel(struct store_txn *txn, const char *sync)
{
	resync_cancel(txn, sync, "crm", bh_now_ms());
}

/* Runs the job until it has asked steps times whether to stop. */
static bool
is_enough(void *arg)
{
	int *left = arg;

	return (*left)-- <= 0;
}

static struct sync_outcome
run_steps(struct bench *bench, int steps)
{
	struct sync_context context = bench->context;
	struct sync_outcome outcome;

	context.is_stopping = is_enough;
	context.arg = &steps;
	assert_int_equal(resync_run(&context, "s", &outcome, &bench->err), 0);
	return outcome;
}

/* -- not started -- */

static void
nothing_is_pushed_before_the_start(void **state BH_UNUSED)
{
	struct bench *bench = begin(DOCUMENT(SYNC(",'started':false")), 3);
	json_t *exported, *again;
	size_t changes;

	bench_push(bench);
	assert_int_equal(bench_lane(bench).in_step, 0);
	assert_int_equal(bench_lane(bench).dirty, 4); /* marked, and kept */
	/* The document says so, and applying it changes nothing. */
	assert_int_equal(configure_export(bench->store, &exported, &bench->err), 0);
	assert_true(json_is_false(
	    bh_json_at(json_array_get(json_object_get(exported, "syncs"), 0), "started")));
	assert_int_equal(bench_configure(bench, exported, &changes), 0);
	assert_int_equal(changes, 0);
	json_decref(exported);
	/* One that does not speak of it is started. */
	bench_apply(bench, DOCUMENT(SYNC("")));
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 4);
	assert_int_equal(configure_export(bench->store, &again, &bench->err), 0);
	assert_null(bh_json_at(json_array_get(json_object_get(again, "syncs"), 0), "started"));
	json_decref(again);
	bench_free(bench);
}

static void
only_new_ones(void **state BH_UNUSED)
{
	struct bench *bench = begin(DOCUMENT(SYNC("")), 1);
	struct configure_options options = {.preset_dir = bench->conf.preset_dir,
	    .only_new = true,
	    .by = "ada"};
	json_t *document = bench_json("{'billhook':1,'syncs':[" SYNC(",'paused':true") "]}");
	size_t changes;

	assert_int_equal(configure_apply(bench->store, &bench->key, document, &options, &changes,
			     &bench->err),
	    -1);
	assert_int_equal(bench->err.code, BH_INVALID);
	assert_non_null(strstr(bench->err.text, "/syncs/0/code: there is a sync of this code already"));
	json_decref(document);
	bench_free(bench);
}

static void
nothing_mapped_yet(void **state BH_UNUSED)
{
	struct bench *bench = begin(
	    DOCUMENT(
		"{'code':'s','from':'stripe','to':'crm','mapping':{'objects':[]},'started':false}"),
	    2);
	size_t n;

	bench_work(bench);
	assert_int_equal(bench_lane(bench).dirty, 0);
	assert_int_equal(resync_all(bench->store, &bench->key, "s", &n, &bench->err), 0);
	assert_int_equal(n, 0);
	bench_free(bench);
}

/* -- in steps -- */

static void
goes_on_where_it_stood(void **state BH_UNUSED)
{
	struct bench *bench = begin(DOCUMENT(SYNC("")), CUSTOMERS);
	struct walk walk;

	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, CUSTOMERS + 1);
	assert_int_equal(walk_of(bench, WALK_RESYNC).state, WALK_DONE);
	change(bench, ask);
	/* Forgetting is looked at first; then it counts, and turns two pages. */
	assert_true(run_steps(bench, 4).again_ms >= 0);
	walk = walk_of(bench, WALK_RESYNC);
	assert_int_equal(walk.state, WALK_RUNNING);
	assert_string_equal(walk.phase, "customer");
	assert_int_equal(walk.phase_number, 1);
	assert_int_equal(walk.phases, 2);
	assert_int_equal(walk.phase_total, CUSTOMERS);
	assert_int_equal(walk.phase_read, 2000);
	assert_int_equal(walk.changed, 2000);
	change(bench, stop);
	assert_int_equal(run_steps(bench, 100).again_ms, -1);
	assert_int_equal(walk_of(bench, WALK_RESYNC).read, 2000);
	change(bench, resume);
	bench_work(bench);
	walk = walk_of(bench, WALK_RESYNC);
	assert_int_equal(walk.state, WALK_DONE);
	assert_int_equal(walk.read, CUSTOMERS + 1);
	assert_int_equal(walk.changed, CUSTOMERS + 1);
	assert_true(walk.ended_ms != 0);
	assert_int_equal(bench_lane(bench).dirty, 0);
	bench_free(bench);
}

/* What it has marked may have been pushed with the settings of before. */
static void
begins_anew_with_other_settings(void **state BH_UNUSED)
{
	struct bench *bench = begin(DOCUMENT(SYNC("")), CUSTOMERS);

	bench_work(bench);
	change(bench, ask);
	run_steps(bench, 4);
	assert_int_equal(walk_of(bench, WALK_RESYNC).read, 2000);
	bench_apply(bench, DOCUMENT(SYNC(",'settings':{'x':1}")));
	assert_int_equal(walk_of(bench, WALK_RESYNC).read, 0);
	bench_work(bench);
	assert_int_equal(walk_of(bench, WALK_RESYNC).read, CUSTOMERS + 1);
	bench_free(bench);
}

static void
cancelled_it_stays_so(void **state BH_UNUSED)
{
	struct bench *bench = begin(DOCUMENT(SYNC("")), CUSTOMERS);

	bench_work(bench);
	change(bench, ask);
	run_steps(bench, 4);
	change(bench, cancel);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).dirty, 0); /* what it had marked */
	assert_int_equal(walk_of(bench, WALK_RESYNC).state, WALK_IDLE);
	assert_int_equal(walk_of(bench, WALK_RESYNC).read, 0);
	bench_free(bench);
}

/* A wake-up from before there was a walk. */
static void
woken_without_a_walk(void **state BH_UNUSED)
{
	struct bench *bench = begin(DOCUMENT(SYNC(",'started':false")), 3);
	struct sync_outcome outcome;
	struct store_txn *txn = store_begin(bench->store);

	walk_drop(txn, "s", WALK_RESYNC);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
	assert_int_equal(resync_run(&bench->context, "s", &outcome, &bench->err), 0);
	assert_int_equal(walk_of(bench, WALK_RESYNC).read, 4);
	/* A sync that is not there is no failure. */
	assert_int_equal(resync_run(&bench->context, "t", &outcome, &bench->err), 0);
	assert_int_equal(outcome.again_ms, -1);
	bench_free(bench);
}

/* -- the end -- */

static void
removed_it_is_forgotten(void **state BH_UNUSED)
{
	struct bench *bench = begin(DOCUMENT(SYNC("")), 1200);
	json_t *document = bench_json(DOCUMENT(SYNC("")));
	struct store_txn *txn = store_begin(bench->store);
	struct preview preview = PREVIEW_INIT;
	size_t changes;

	preview_save(txn, "s", &preview);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 1201);
	change(bench, drop);
	/* The code is taken until nothing of it is left. */
	assert_int_equal(bench_configure(bench, document, &changes), -1);
	assert_non_null(strstr(bench->err.text, "still being forgotten"));
	assert_true(run_steps(bench, 1).again_ms >= 0);
	assert_int_equal(bench_lane(bench).in_step, 701);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 0);
	assert_int_equal(bench_link(bench, "a", "cus_1").state, LINK_NEW);
	txn = store_begin(bench->store);
	assert_int_equal(preview_load(txn, "s", &preview, &bench->err), 0);
	preview_release(&preview);
	store_free(&txn);
	assert_int_equal(bench_configure(bench, document, &changes), 0);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 1201);
	json_decref(document);
	bench_free(bench);
}

/* -- counting -- */

static void
counts_more_than_a_page(void **state BH_UNUSED)
{
	struct bench *bench = begin(DOCUMENT(SYNC(",'started':false")), 0);
	struct store_txn *txn = store_begin(bench->store);
	struct object_state object = {.fields = json_object()};
	size_t n;

	for (int i = 0; i < 10003; i++) {
		char id[16];
		struct mirror_id mirror = {"stripe", "", OBJECT_PLAN, id};

		snprintf(id, sizeof(id), "p_%d", i);
		mirror_put(txn, &mirror, &object);
	}
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
	txn = store_begin(bench->store);
	assert_int_equal(mirror_count(txn, "stripe", OBJECT_PLAN, 100000, &n, &bench->err), 0);
	assert_int_equal(n, 10003);
	assert_int_equal(mirror_count(txn, "stripe", OBJECT_PLAN, 10001, &n, &bench->err), 0);
	assert_int_equal(n, 10001);
	assert_int_equal(mirror_count(txn, "stripe", OBJECT_COUPON, 10, &n, &bench->err), 0);
	assert_int_equal(n, 0);
	store_free(&txn);
	json_decref(object.fields);
	bench_free(bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_is_pushed_before_the_start),
	    cmocka_unit_test(only_new_ones),
	    cmocka_unit_test(nothing_mapped_yet),
	    cmocka_unit_test(goes_on_where_it_stood),
	    cmocka_unit_test(begins_anew_with_other_settings),
	    cmocka_unit_test(cancelled_it_stays_so),
	    cmocka_unit_test(woken_without_a_walk),
	    cmocka_unit_test(removed_it_is_forgotten),
	    cmocka_unit_test(counts_more_than_a_page),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
