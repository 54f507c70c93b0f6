/*
 * The job of audits: see audit.h.  Runs of it are short; what is compared is stored page by
 * page (audit_page.c), so that the next run, or the next worker, goes on there.
 */
#include "base/base.h"

#include "sync/audit.h"

#include "base/clock.h"
#include "base/log.h"
#include "sync/audit_internal.h"
#include "sync/throttle.h"

#define SLICE_MS 10000     /* then the worker is free for another job */
#define PAUSE_MS 5000      /* before a CRM that does not answer is asked again */
#define PATIENCE_MS 120000 /* so long it may not answer */
#define DAY_MS (24 * 3600 * INT64_C(1000))

/* -- making ready -- */

static bool
is_never_coming(void *arg BH_UNUSED, const struct link_id *parent BH_UNUSED)
{
	return false;
}

static bool
is_given_to_none(void *arg BH_UNUSED, const char *record BH_UNUSED, struct bh_buf *out BH_UNUSED)
{
	return false;
}

static void
close_work(struct audit_work *work)
{
	if (work->is_open) {
		lane_note_calls(&work->lane);
		lane_close(&work->lane);
	}
	json_decref(work->mapping);
	setup_free(&work->setup);
}

/* A paused sync is looked at, too: its records are there. */
static int
load_sync(struct audit_work *work, struct bh_err *err)
{
	struct store_txn *txn;
	int rc = setup_load(work->context->store, work->context->key, &work->setup, err);

	if (rc < 0)
		return -1;
	txn = store_begin(work->context->store);
	rc = setup_try(work->setup, txn, work->code, NULL, err);
	store_free(&txn);
	if (rc < 0)
		return -1;
	work->sync = setup_sync(work->setup, work->code);
	return setup_shape(&work->sync->account, work->sync->to, &work->mapping, err);
}

static int
open_work(struct audit_work *work, struct bh_err *err)
{
	const struct setup_connection *to;

	if (load_sync(work, err) < 0)
		return -1;
	to = work->sync->to;
	if (to->why[0] != '\0')
		return bh_fail(err, BH_INVALID, "%s cannot be used: %s", to->account.code, to->why);
	if (to->account.broken[0] != '\0')
		return bh_fail(err, BH_INVALID, "%s has to be connected again: %s",
		    to->account.code, to->account.broken);
	if (lane_open(work->context, work->setup, to, &work->lane, err) < 0)
		return -1;
	work->is_open = true;
	work->hooks = (struct lane_preview){is_never_coming, is_given_to_none, work};
	work->lane.preview = &work->hooks;
	return 0;
}

/* -- the stored state -- */

struct turn {
	struct audit_work *work;
	struct audit *audit;
	const struct bh_err *why;
};

/* 1: it is not to go on. */
static int
load_same(struct store_txn *txn, struct turn *turn, struct bh_err *err)
{
	int64_t run = turn->audit->run;

	if (audit_load(txn, turn->work->code, turn->audit, err) < 0)
		return -1;
	return turn->audit->run != run || turn->audit->state != AUDIT_RUNNING;
}

static int
change_state(struct turn *turn, int (*change)(struct store_txn *txn, void *arg, struct bh_err *err),
    struct bh_err *err)
{
	return store_run(turn->work->context->store, change, turn, NULL, err) < 0 ? -1 : 0;
}

static int
save_start(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	turn->audit->is_clearing = false;
	turn->audit->total = turn->work->lane.condition.in_step;
	audit_save(txn, turn->work->code, turn->audit);
	return 0;
}

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
save_wait(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	struct audit *audit = turn->audit;
	int64_t wait_ms =
	    turn->why->retry_after_s > 0 ? turn->why->retry_after_s * INT64_C(1000) : PAUSE_MS;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	audit->calls += turn->work->lane.config.calls - turn->work->calls;
	if (audit->failing_ms == 0 && turn->why->code != BH_LIMITED)
		audit->failing_ms = bh_now_ms();
	audit->waits_until_ms = bh_now_ms() + wait_ms;
	snprintf(audit->note, sizeof(audit->note), "%s", turn->why->text);
	audit_save(txn, turn->work->code, audit);
	return 0;
}

static int
save_failure(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	turn->audit->calls += turn->work->lane.config.calls - turn->work->calls;
	turn->audit->state = AUDIT_FAILED;
	turn->audit->waits_until_ms = 0;
	snprintf(turn->audit->note, sizeof(turn->audit->note), "%s", turn->why->text);
	audit_save(txn, turn->work->code, turn->audit);
	return 0;
}

static bool
is_passing(const struct turn *turn)
{
	const struct audit *audit = turn->audit;

	if (turn->why->code == BH_LIMITED)
		return true;
	return (turn->why->code == BH_UNAVAILABLE || turn->why->code == BH_UNCERTAIN) &&
	       (audit->failing_ms == 0 || bh_now_ms() - audit->failing_ms < PATIENCE_MS);
}

/* The CRM could not be asked: later, or not at all.  -1: our own store failed. */
static int
settle_failure(struct turn *turn, struct sync_outcome *outcome, struct bh_err *err)
{
	if (turn->why->code == BH_STORAGE || turn->why->code == BH_CONFLICT) {
		if (err != NULL)
			*err = *turn->why;
		return -1;
	}
	bh_log_err(BH_WARN, turn->why, "audit of %s", turn->work->code);
	if (!is_passing(turn))
		return change_state(turn, save_failure, err);
	if (change_state(turn, save_wait, err) < 0)
		return -1;
	outcome->again_ms = turn->audit->waits_until_ms;
	return 0;
}

/* -- the job -- */

static int
run_pages(struct turn *turn, struct sync_outcome *outcome, struct bh_err *err)
{
	const struct sync_context *context = turn->work->context;
	int64_t end_ms = bh_mono_ms() + SLICE_MS;
	bool is_over;
	int rc = 0;

	if (turn->audit->is_clearing) {
		rc = drop_pages(context->store, turn->work->code, audit_drop_rows, err);
		if (rc == 0)
			rc = change_state(turn, save_start, err);
	}
	is_over = turn->audit->state != AUDIT_RUNNING || turn->audit->is_clearing;
	while (rc == 0 && !is_over) {
		rc = throttle_check(&turn->work->lane, err);
		if (rc == 0)
			rc = audit_page(turn->work, turn->audit, &is_over, err);
		outcome->handled++;
		if (rc == 0 && !is_over && (bh_mono_ms() > end_ms || sync_is_stopping(context))) {
			outcome->again_ms = bh_now_ms();
			break;
		}
	}
	return rc;
}

static int
run(const struct sync_context *context, const char *sync, struct audit *audit,
    struct sync_outcome *outcome, struct bh_err *err)
{
	struct audit_work work = {.context = context, .code = sync};
	struct bh_err why = BH_ERR_INIT;
	struct turn turn = {&work, audit, &why};
	int rc = open_work(&work, &why);

	if (rc == 0)
		rc = run_pages(&turn, outcome, &why);
	if (rc < 0)
		rc = settle_failure(&turn, outcome, err);
	if (rc == 0 && audit->state == AUDIT_DONE)
		bh_log(BH_INFO, "audit of %s: %lld records compared, %lld differ, %lld are gone",
		    sync, (long long)audit->compared, (long long)audit->differing,
		    (long long)audit->missing);
	close_work(&work);
	return rc;
}

int
audit_run(const struct sync_context *context, const char *sync, struct sync_outcome *outcome,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct audit audit = AUDIT_INIT;
	struct account_sync account;
	int is_there = account_sync_load(txn, sync, &account, err);
	int rc = is_there < 0 ? -1 : audit_load(txn, sync, &audit, err);

	store_free(&txn);
	if (is_there > 0)
		account_sync_release(&account);
	*outcome = (struct sync_outcome){.again_ms = -1};
	if (rc >= 0 && is_there == 0)
		rc = drop_pages(context->store, sync, audit_drop, err);
	else if (rc >= 0 && audit.state == AUDIT_RUNNING && sync_is_ahead(audit.waits_until_ms))
		outcome->again_ms = audit.waits_until_ms;
	else if (rc >= 0 && audit.state == AUDIT_RUNNING)
		rc = run(context, sync, &audit, outcome, err);
	audit_release(&audit);
	return rc < 0 ? -1 : 0;
}

/* -- by itself -- */

struct beginning {
	const char *sync;
	int64_t now_ms, every_ms, next_ms;
};

static int
begin_due(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct beginning *b = arg;
	struct audit audit = AUDIT_INIT;
	int rc = audit_load(txn, b->sync, &audit, err);
	/* A time that lies ahead was noted by a clock that was wrong. */
	bool is_due = audit.started_ms > b->now_ms || b->now_ms - audit.started_ms >= b->every_ms;

	b->next_ms = (is_due ? b->now_ms : audit.started_ms) + b->every_ms;
	if (rc >= 0 && is_due && audit.state != AUDIT_RUNNING)
		rc = audit_begin(txn, b->sync, b->now_ms, err);
	else if (rc >= 0)
		rc = 1;
	audit_release(&audit);
	return rc;
}

int
audit_schedule(const struct sync_context *context, const struct setup *setup, int64_t now_ms,
    int64_t *next_ms_r, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < setup->syncs_n && rc >= 0; i++) {
		const struct account_sync *sync = &setup->syncs[i].account;
		int64_t days = bh_json_int(sync->settings, AUDIT_SETTING, 0);
		struct beginning b = {sync->code, now_ms, days * DAY_MS, 0};

		if (days <= 0 || days > 3650)
			continue;
		rc = store_run(context->store, begin_due, &b, NULL, err);
		if (rc >= 0 && b.next_ms < *next_ms_r)
			*next_ms_r = b.next_ms;
	}
	return rc < 0 ? -1 : 0;
}

int
audit_forget(struct store *store, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_syncs(txn, &codes, err);

	store_free(&txn);
	json_array_foreach (codes, i, code)
		if (rc == 0)
			rc = drop_pages(store, json_string_value(code), audit_drop, err);
	json_decref(codes);
	return rc;
}
