/* The two jobs that put back: see undo.h.  Pages: undo_page.c. */
#include "base/base.h"

#include "sync/undo.h"

#include "base/clock.h"
#include "base/log.h"
#include "state/bulk.h"
#include "state/trail.h"
#include "state/undo.h"
#include "sync/throttle.h"
#include "sync/undo_internal.h"

#define SLICE_MS 10000 /* then the worker is free for another job */
#define PAUSE_MS 5000  /* before a CRM that does not answer is asked again */
#define BULK_MS 5000   /* before it is looked again whether a bulk job is over */

struct turn {
	struct undo_work *work;
	struct revert *revert;
	const struct bh_err *why;
};

/* -- the stored state -- */

/* 1: it is not to go on. */
static int
load_same(struct store_txn *txn, struct turn *turn, struct bh_err *err)
{
	enum revert_state state = turn->revert->state;
	int64_t number = turn->revert->turn;

	if (revert_load(txn, turn->work->code, turn->revert, err) < 0)
		return -1;
	return turn->revert->turn != number || turn->revert->state != state;
}

static int
change(struct turn *turn, int (*step)(struct store_txn *txn, void *arg, struct bh_err *err),
    struct bh_err *err)
{
	return store_run(turn->work->context->store, step, turn, NULL, err) < 0 ? -1 : 0;
}

static int64_t
new_calls(const struct turn *turn)
{
	const struct undo_work *work = turn->work;

	return work->lane != NULL ? work->lane->config.calls - work->calls : 0;
}

static int
save_start(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	struct revert *revert = turn->revert;
	struct undo_run run;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	revert->is_clearing = false;
	if (!revert->is_doing && revert->what.run != 0) {
		rc = undo_run_load(txn, turn->work->code, revert->what.run, &run, err);
		revert->total = rc > 0 ? run.records : 0;
	}
	revert_save(txn, turn->work->code, revert);
	return rc < 0 ? -1 : 0;
}

static int
save_wait(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	struct revert *revert = turn->revert;
	int64_t wait_ms =
	    turn->why->retry_after_s > 0 ? turn->why->retry_after_s * INT64_C(1000) : PAUSE_MS;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	revert->calls += new_calls(turn);
	if (revert->failing_ms == 0 && turn->why->code != BH_LIMITED)
		revert->failing_ms = bh_now_ms();
	revert->waits_until_ms = bh_now_ms() + wait_ms;
	snprintf(revert->note, sizeof(revert->note), "%s", turn->why->text);
	revert_save(txn, turn->work->code, revert);
	return 0;
}

static int
save_failure(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	struct revert *revert = turn->revert;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	revert->calls += new_calls(turn);
	revert->state = REVERT_FAILED;
	revert->waits_until_ms = 0;
	snprintf(revert->note, sizeof(revert->note), "%s", turn->why->text);
	revert_save(txn, turn->work->code, revert);
	return 0;
}

static bool
is_passing(const struct turn *turn)
{
	const struct revert *revert = turn->revert;

	if (turn->why->code == BH_LIMITED)
		return true;
	return (turn->why->code == BH_UNAVAILABLE || turn->why->code == BH_UNCERTAIN) &&
	       (revert->failing_ms == 0 || bh_now_ms() - revert->failing_ms < UNDO_PATIENCE_MS);
}

/* The CRM could not be asked: later (*again_r), or not at all.  -1: our own store failed. */
static int
settle_failure(struct turn *turn, int64_t *again_r, struct bh_err *err)
{
	if (turn->why->code == BH_STORAGE || turn->why->code == BH_CONFLICT) {
		if (err != NULL)
			*err = *turn->why;
		return -1;
	}
	bh_log_err(BH_WARN, turn->why, "undo of %s", turn->work->code);
	if (!is_passing(turn))
		return change(turn, save_failure, err);
	if (change(turn, save_wait, err) < 0)
		return -1;
	*again_r = turn->revert->waits_until_ms;
	return 0;
}

/* -- what was done, in the trail -- */

static int
add_trail(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct turn *turn = arg;
	const struct revert_counts *done = &turn->revert->done;
	char text[240];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "undo",
	    .subject = turn->work->code,
	    .text = text,
	    .by = turn->revert->by};

	snprintf(text, sizeof(text),
	    "put back: %lld fields of %lld records, %lld removed; left: %lld fields that a person changed since, %lld records made, %lld gone, %lld refused",
	    (long long)done->fields, (long long)done->back, (long long)done->removed,
	    (long long)done->changed, (long long)done->made, (long long)done->gone,
	    (long long)done->refused);
	bh_log(BH_INFO, "undo of %s: %s", turn->work->code, text);
	trail_add(txn, 0, &entry);
	return 0;
}

/* -- pages -- */

static int
drop_pages(struct store *store, const char *sync,
    int (*drop)(struct store_txn *txn, const char *sync, struct bh_err *err), struct bh_err *err)
{
	int rc;

	do {
		struct store_txn *txn = store_begin(store);

		rc = drop(txn, sync, err);
		if (rc == 0)
			rc = store_commit(txn, NULL, err);
		store_free(&txn);
	} while (rc == 0);
	return rc < 0 ? -1 : 0;
}

static int
clear_rows(struct turn *turn, struct bh_err *err)
{
	if (!turn->revert->is_clearing)
		return 0;
	if (drop_pages(turn->work->context->store, turn->work->code, revert_drop_rows, err) < 0)
		return -1;
	return change(turn, save_start, err);
}

static int
run_pages(struct turn *turn, int64_t *again_r, struct bh_err *err)
{
	enum revert_state state = turn->revert->state;
	const struct sync_context *context = turn->work->context;
	int64_t end_ms = bh_mono_ms() + SLICE_MS;
	int rc = clear_rows(turn, err);
	bool is_over = turn->revert->state != state || turn->revert->is_clearing;

	while (rc == 0 && !is_over) {
		rc = throttle_check(turn->work->lane, err);
		if (rc == 0)
			rc = undo_page(turn->work, turn->revert, &is_over, err);
		if (rc == 0 && !is_over && (bh_mono_ms() > end_ms || sync_is_stopping(context))) {
			*again_r = bh_now_ms();
			break;
		}
	}
	if (rc == 0 && state == REVERT_DOING && turn->revert->state == REVERT_DONE)
		rc = change(turn, add_trail, err);
	return rc;
}

/* -- looking -- */

static int
open_lane(const struct sync_context *context, const char *dest, struct setup **setup,
    struct lane *lane, struct bh_err *err)
{
	const struct setup_connection *to;

	if (setup_load(context->store, context->key, setup, err) < 0)
		return -1;
	to = setup_connection(*setup, dest);
	if (to == NULL || to->dest == NULL)
		return bh_fail(err, BH_INVALID, "There is no connection %.64s.", dest);
	if (to->why[0] != '\0')
		return bh_fail(err, BH_INVALID, "%s cannot be used: %s", to->account.code, to->why);
	if (to->account.broken[0] != '\0')
		return bh_fail(err, BH_INVALID, "%s has to be connected again: %s",
		    to->account.code, to->account.broken);
	return lane_open(context, *setup, to, lane, err);
}

static int
look(const struct sync_context *context, const char *sync, const char *dest, struct revert *revert,
    int64_t *again_r, struct bh_err *err)
{
	struct undo_work work = {.context = context, .code = sync, .dest = dest};
	struct bh_err why = BH_ERR_INIT;
	struct turn turn = {&work, revert, &why};
	struct setup *setup = NULL;
	struct lane lane;
	int rc = open_lane(context, dest, &setup, &lane, &why);

	if (rc == 0) {
		work.lane = &lane;
		rc = run_pages(&turn, again_r, &why);
	}
	if (rc < 0)
		rc = settle_failure(&turn, again_r, err);
	if (work.lane != NULL) {
		lane_note_calls(&lane);
		lane_close(&lane);
	}
	setup_free(&setup);
	return rc;
}

static int
forget_sync(struct store *store, const char *sync, struct bh_err *err)
{
	int rc = drop_pages(store, sync, undo_drop, err);

	return rc == 0 ? drop_pages(store, sync, revert_drop, err) : rc;
}

int
undo_run_job(const struct sync_context *context, const char *sync, struct sync_outcome *outcome,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct revert revert = REVERT_INIT;
	struct account_sync account;
	int is_there = account_sync_load(txn, sync, &account, err);
	int rc = is_there < 0 ? -1 : revert_load(txn, sync, &revert, err);

	store_free(&txn);
	*outcome = (struct sync_outcome){.again_ms = -1};
	if (rc >= 0 && is_there == 0)
		rc = forget_sync(context->store, sync, err);
	else if (rc >= 0 && revert.state == REVERT_LOOKING && sync_is_ahead(revert.waits_until_ms))
		outcome->again_ms = revert.waits_until_ms;
	else if (rc >= 0 && revert.state == REVERT_LOOKING)
		rc = look(context, sync, account.to, &revert, &outcome->again_ms, err);
	if (is_there > 0)
		account_sync_release(&account);
	revert_release(&revert);
	return rc < 0 ? -1 : 0;
}

/* -- doing -- */

static void
come_again(struct push_run *run, int64_t at_ms)
{
	if (at_ms < run->again_ms)
		run->again_ms = at_ms;
}

/* What the CRM has taken, and not done yet, would come after what is put back.  1 there is such a job, 0, -1. */
static int
is_bulk_under_way(const struct push_run *run, struct bh_err *err)
{
	struct store_txn *txn = store_begin(run->context->store);
	struct bulk_job job;
	int rc = bulk_load(txn, run->lane->connection->account.code, &job, err);

	store_free(&txn);
	return rc < 0 ? -1 : job.phase != BULK_NONE;
}

static int
put_back(struct push_run *run, const char *sync, struct revert *revert, struct bh_err *err)
{
	struct undo_work work = {.context = run->context,
	    .code = sync,
	    .dest = run->lane->connection->account.code,
	    .lane = run->lane,
	    .calls = run->lane->config.calls};
	struct bh_err why = BH_ERR_INIT;
	struct turn turn = {&work, revert, &why};
	int64_t again_ms = INT64_MAX;
	int rc = is_bulk_under_way(run, err);

	if (rc != 0) {
		come_again(run, bh_now_ms() + BULK_MS);
		return rc < 0 ? -1 : 0;
	}
	rc = run_pages(&turn, &again_ms, &why);
	if (rc < 0)
		rc = settle_failure(&turn, &again_ms, err);
	come_again(run, again_ms);
	return rc;
}

int
undo_turn(struct push_run *run, struct bh_err *err)
{
	const struct setup *setup = run->lane->setup;
	int rc = 0;

	for (size_t i = 0; i < setup->syncs_n && rc >= 0; i++) {
		const char *sync = setup->syncs[i].account.code;
		struct revert revert = REVERT_INIT;
		struct store_txn *txn;

		if (setup->syncs[i].to != run->lane->connection)
			continue;
		txn = store_begin(run->context->store);
		rc = revert_load(txn, sync, &revert, err);
		store_free(&txn);
		if (rc > 0 && revert.state == REVERT_DOING) {
			if (sync_is_ahead(revert.waits_until_ms))
				come_again(run, revert.waits_until_ms);
			else
				rc = put_back(run, sync, &revert, err);
		}
		revert_release(&revert);
	}
	return rc < 0 ? -1 : 0;
}

/* -- forgetting -- */

int
undo_forget_looks(struct store *store, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_syncs(txn, &codes, err);

	store_free(&txn);
	json_array_foreach (codes, i, code)
		if (rc == 0)
			rc = drop_pages(store, json_string_value(code), revert_drop_rows, err);
	json_decref(codes);
	return rc;
}

static int
erase_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return undo_forget_record(txn, arg, err);
}

int
undo_erase(struct store *store, const struct link_id *id, struct bh_err *err)
{
	int rc;

	do
		rc = store_run(store, erase_page, (void *)(uintptr_t)id, NULL, err);
	while (rc == 0);
	return rc < 0 ? -1 : 0;
}
