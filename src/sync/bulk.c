/* See bulk.h. */
#include "base/base.h"

#include "sync/bulk.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/bulk.h"
#include "sync/bulk_parts.h"
#include "sync/throttle.h"

#define SCAN_PAGE 5000
#define OFF_MS (3600 * INT64_C(1000))
#define NOTHING_OFF_MS 60000
#define POLL_FIRST_MS 2000
#define POLL_LONGEST_MS 60000
#define FAILED_MS 10000
#define DROPS_MOST 6

/* -- is there so much? -- */

static bool
is_of_group(const struct bulk_group *group, const struct link_id *id)
{
	return id->rank == group->rank && strcmp(id->sync, group->sync) == 0 &&
	       strcmp(id->object, group->object) == 0;
}

bool
is_bulk_before(const struct bulk_group *group, const struct link_id *id)
{
	int order;

	if (!group->is_there || id->rank != group->rank)
		return !group->is_there || id->rank < group->rank;
	order = strcmp(id->sync, group->sync);
	return order < 0 || (order == 0 && strcmp(id->object, group->object) < 0);
}

/* An object that can go in bulk: the CRM upserts it by its key, or its records are known. */
static bool
can_go(const struct lane *lane, const struct link_id *id)
{
	const struct setup_sync *sync = setup_sync(lane->setup, id->sync);
	const struct map_object *object =
	    sync != NULL ? setup_object(sync, id->object, NULL) : NULL;
	struct bh_buf to = BH_BUF_INIT(1024);
	unsigned traits = 0;
	size_t index;

	if (object == NULL || sync->account.paused)
		return false;
	setup_object(sync, id->object, &index);
	if (map_object_to(sync->map, index, sync->account.settings, &to, NULL) == 0 &&
	    lane->driver->object_traits != NULL)
		traits = lane->driver->object_traits(bh_buf_str(&to));
	bh_buf_release(&to);
	return traits == 0;
}

static void
start_group(struct bulk_group *group, const struct link_id *id)
{
	group->rank = id->rank;
	snprintf(group->sync, sizeof(group->sync), "%s", id->sync);
	snprintf(group->object, sizeof(group->object), "%s", id->object);
}

static int
scan_groups(const struct lane *lane, struct store_txn *txn, int64_t from, struct bulk_group *group,
    struct bh_err *err)
{
	struct link_dirty_list list = {0};
	int64_t count = 0;
	int rc = 0;

	do {
		rc = lane_dirty(lane, txn, SCAN_PAGE, &list, err);
		store_reset(txn); /* it would keep all pages */
		for (size_t i = 0; i < list.n && rc == 0 && !group->is_there; i++) {
			const struct link_id *id = &list.items[i].id;

			if (count == 0 || !is_of_group(group, id)) {
				start_group(group, id);
				count = 0;
			}
			count++;
			group->is_there = count >= from && can_go(lane, id);
		}
	} while (rc == 0 && list.more && !group->is_there);
	link_dirty_release(&list);
	return rc;
}

int
bulk_find(const struct lane *lane, struct bulk_group *group, struct bh_err *err)
{
	int64_t from = setting_number(lane->driver->settings, lane->config.settings, "bulk_from");
	struct store_txn *txn;
	struct bulk_job job;
	int rc;

	memset(group, 0, sizeof(*group));
	if (lane->driver->bulk_step == NULL || from <= 0)
		return 0;
	txn = store_begin(lane->context->store);
	rc = bulk_load(txn, lane->connection->account.code, &job, err);
	if (rc >= 0 && !sync_is_ahead(job.off_until_ms))
		rc = scan_groups(lane, txn, from, group, err);
	store_free(&txn);
	return rc < 0 ? -1 : 0;
}

/* -- the job at the CRM -- */

struct save {
	const char *dest;
	const struct bulk_job *job;
};

static int
save_job(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct save *save = arg;

	bulk_save(txn, save->dest, save->job);
	return 0;
}

int
bulk_keep(const struct push_run *run, const struct bulk_job *job, struct bh_err *err)
{
	struct save save = {run->lane->connection->account.code, job};

	return store_run(run->context->store, save_job, &save, NULL, err) < 0 ? -1 : 0;
}

static void
to_driver(const struct bulk_job *job, struct dest_bulk *bulk, enum dest_bulk_phase phase)
{
	memset(bulk, 0, sizeof(*bulk));
	snprintf(bulk->object, sizeof(bulk->object), "%s", job->crm_object);
	snprintf(bulk->key_field, sizeof(bulk->key_field), "%s", job->key_field);
	snprintf(bulk->id, sizeof(bulk->id), "%s", job->id);
	bulk->by_id = job->by_id;
	bulk->phase = phase;
}

/* One step; again with a fresh token where the old one was dead. */
static int
step(struct push_run *run, struct dest_bulk *bulk, const struct bh_buf *rows, struct bh_err *err)
{
	struct lane *lane = run->lane;
	struct bh_err why = BH_ERR_INIT;
	int rc = lane->driver->bulk_step(&lane->config, bulk, rows, &why);

	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->bulk_step(&lane->config, bulk, rows, &why);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

static int
forget_rows(const struct push_run *run, struct bh_err *err)
{
	int rc;

	do
		rc = store_run(run->context->store, bulk_rows_drop_page,
		    (void *)(uintptr_t)run->lane->connection->account.code, NULL, err);
	while (rc == 0);
	return rc < 0 ? -1 : 0;
}

/* Look at it again after so long, and not sooner when the lane is woken. */
static void
look_later(struct push_run *run, struct bulk_job *job, int64_t wait_ms)
{
	run->again_ms = job->look_ms = bh_now_ms() + wait_ms;
}

/* It cannot be had now, and is tried again. */
static int
put_off(struct push_run *run, struct bulk_job *job, const struct bh_err *why, struct bh_err *err)
{
	look_later(run, job, FAILED_MS);
	if (bulk_keep(run, job, err) < 0)
		return -1;
	if (err != NULL)
		*err = *why;
	return -1;
}

/*
 * The job is not to stay at the CRM.  What cannot be taken away now is tried again, so that nobody
 * who dies here leaves it behind; after that many times the CRM removes it itself, some days later.
 */
static int
drop(struct push_run *run, struct bulk_job *job, enum dest_bulk_phase phase, struct bh_err *err)
{
	struct lane *lane = run->lane;
	struct bh_err why = BH_ERR_INIT;
	struct dest_bulk bulk;
	int rc;

	if (job->id[0] == '\0')
		return 0;
	to_driver(job, &bulk, phase);
	rc = lane->driver->bulk_drop(&lane->config, &bulk, &why);
	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->bulk_drop(&lane->config, &bulk, &why);
	if (rc == 0)
		return 0;
	if (why.code != BH_INVALID && ++job->drops < DROPS_MOST)
		return put_off(run, job, &why, err);
	bh_log_err(BH_WARN, &why, "lane %s: bulk job %s stays at the CRM",
	    lane->connection->account.code, job->id);
	return 0;
}

/* Nothing of it is waited for any more: what is at the CRM is taken away, and the job forgotten. */
static int
close_job(struct push_run *run, struct bulk_job *job, struct bh_err *err)
{
	int64_t from =
	    setting_number(run->lane->driver->settings, run->lane->config.settings, "bulk_from");
	bool is_failed = job->note[0] != '\0', is_much_left = job->failed >= from;
	char note[sizeof(job->note)];

	if (drop(run, job, is_failed ? DEST_BULK_FAILED : DEST_BULK_DONE, err) < 0)
		return -1;
	bh_log(is_failed ? BH_WARN : BH_INFO,
	    "lane %s: bulk job of %s over: rows=%lld failed=%lld%s%s",
	    run->lane->connection->account.code, job->crm_object, (long long)job->rows,
	    (long long)job->failed, is_failed ? ": " : "", job->note);
	memcpy(note, job->note, sizeof(note));
	memset(job, 0, sizeof(*job));
	memcpy(job->note, note, sizeof(note));
	if (is_failed || is_much_left)
		job->off_until_ms = bh_now_ms() + OFF_MS;
	run->again_ms = bh_now_ms();
	return bulk_keep(run, job, err);
}

/*
 * The job is over; why it failed, or NULL.  Rows without a result, and those that the CRM
 * refused, keep their marks: a push sends them again, mends what can be mended, and parks the rest.
 * Noted first: a job that went away in a call whose answer was lost is none that failed.
 */
static int
end_job(struct push_run *run, struct bulk_job *job, const char *failure, struct bh_err *err)
{
	job->phase = BULK_OVER;
	snprintf(job->note, sizeof(job->note), "%s", failure != NULL ? failure : "");
	if (forget_rows(run, err) < 0 || bulk_keep(run, job, err) < 0)
		return -1;
	return close_job(run, job, err);
}

/* What the CRM refuses as a whole is done without it. */
static int
fail_job(struct push_run *run, struct bulk_job *job, const struct bh_err *why, struct bh_err *err)
{
	return why->code == BH_INVALID ? end_job(run, job, why->text, err)
				       : put_off(run, job, why, err);
}

/* Make the job, upload, close: from then on it is the CRM's. */
static int
send_job(struct push_run *run, struct bulk_job *job, const struct bh_buf *rows, struct bh_err *err)
{
	enum dest_bulk_phase phase = DEST_BULK_NEW;
	struct bh_err why = BH_ERR_INIT;
	struct dest_bulk bulk;

	to_driver(job, &bulk, phase);
	while (bulk.phase < DEST_BULK_RUNNING) {
		bh_fault("bulk-step");
		if (step(run, &bulk, rows, &why) < 0)
			return fail_job(run, job, &why, err);
		snprintf(job->id, sizeof(job->id), "%s", bulk.id);
		/* Known before it is filled: begun anew it is dropped at the CRM, too. */
		if (bulk_keep(run, job, err) < 0)
			return -1;
	}
	if (bulk.phase == DEST_BULK_FAILED)
		return end_job(run, job, bulk.error, err);
	job->phase = BULK_SENT;
	look_later(run, job, POLL_FIRST_MS);
	bh_log(BH_INFO, "lane %s: bulk job of %s sent: rows=%lld",
	    run->lane->connection->account.code, job->crm_object, (long long)job->rows);
	return bulk_keep(run, job, err);
}

/* No row came of it: done with, unless what kept its marks would only be gathered again. */
static int
end_empty(struct push_run *run, const struct bulk_group *group, struct bulk_job *job,
    struct bh_err *err)
{
	struct bulk_group left = {.is_there = false};

	memset(job, 0, sizeof(*job));
	if (forget_rows(run, err) < 0 || (!run->is_stopped && bulk_find(run->lane, &left, err) < 0))
		return -1;
	if (left.is_there && left.rank == group->rank && strcmp(left.sync, group->sync) == 0 &&
	    strcmp(left.object, group->object) == 0)
		job->off_until_ms = bh_now_ms() + NOTHING_OFF_MS;
	run->again_ms = bh_now_ms();
	return bulk_keep(run, job, err);
}

int
bulk_begin(struct push_run *run, const struct bulk_group *group, struct bh_err *err)
{
	struct bulk_job job = {.phase = BULK_COLLECTING,
	    .rank = group->rank,
	    .started_ms = bh_now_ms()};
	struct bh_buf rows = BH_BUF_INIT(run->lane->driver->bulk_bytes + (4u << 20));
	int rc;

	snprintf(job.sync, sizeof(job.sync), "%s", group->sync);
	snprintf(job.object, sizeof(job.object), "%s", group->object);
	rc = bulk_keep(run, &job, err);
	if (rc == 0)
		rc = bulk_collect(run, &job, &rows, err);
	if (rc == 0 && (job.rows == 0 || run->is_stopped))
		rc = end_empty(run, group, &job, err);
	else if (rc == 0)
		rc = send_job(run, &job, &rows, err);
	bh_buf_release(&rows);
	return rc;
}

/* -- waiting for it -- */

static int64_t
poll_ms(const struct bulk_job *job)
{
	int64_t wait = POLL_FIRST_MS * (1 + job->polls / 4);

	return wait < POLL_LONGEST_MS ? wait : POLL_LONGEST_MS;
}

static int
look(struct push_run *run, struct bulk_job *job, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	struct dest_bulk bulk;

	to_driver(job, &bulk, DEST_BULK_RUNNING);
	if (step(run, &bulk, NULL, &why) < 0)
		return fail_job(run, job, &why, err);
	job->processed = bulk.processed;
	job->failed = bulk.failed;
	job->polls++;
	if (bulk.phase == DEST_BULK_DONE || bulk.phase == DEST_BULK_FAILED) {
		job->phase = BULK_SETTLING;
		snprintf(job->note, sizeof(job->note), "%s",
		    bulk.phase == DEST_BULK_FAILED ? bulk.error : "");
	} else {
		look_later(run, job, poll_ms(job));
	}
	return bulk_keep(run, job, err);
}

/* Repeating it after a crash settles the rest: settled rows are forgotten. */
static int
finish_job(struct push_run *run, struct bulk_job *job, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	struct dest_bulk bulk;
	char failure[sizeof(job->note)];

	to_driver(job, &bulk, job->note[0] != '\0' ? DEST_BULK_FAILED : DEST_BULK_DONE);
	if (bulk_settle(run, job, &bulk, &why) < 0)
		return fail_job(run, job, &why, err);
	snprintf(failure, sizeof(failure), "%s", job->note);
	return end_job(run, job, failure[0] != '\0' ? failure : NULL, err);
}

/* Not yet to be looked at, or not at all: above the reserve it is waited for without a call. */
static bool
is_waiting(struct push_run *run, const struct bulk_job *job)
{
	if (throttle_level(run->lane) == THROTTLE_SHUT)
		run->again_ms = bh_now_ms() + THROTTLE_LOOK_MS;
	else if (sync_is_ahead(job->look_ms))
		run->again_ms = job->look_ms;
	else
		return false;
	return true;
}

/* Whoever gathered it is gone: begun anew. */
static int
forget_job(struct push_run *run, struct bulk_job *job, struct bh_err *err)
{
	if (drop(run, job, DEST_BULK_OPEN, err) < 0)
		return -1;
	memset(job, 0, sizeof(*job));
	return forget_rows(run, err) < 0 || bulk_keep(run, job, err) < 0 ? -1 : 0;
}

int
bulk_go_on(struct push_run *run, struct bh_err *err)
{
	struct store_txn *txn = store_begin(run->context->store);
	struct bulk_job job;
	int rc = bulk_load(txn, run->lane->connection->account.code, &job, err);

	store_free(&txn);
	if (rc < 0 || run->lane->driver->bulk_step == NULL || job.phase == BULK_NONE)
		return rc < 0 ? -1 : 0;
	if (is_waiting(run, &job))
		return 1;
	if (job.phase == BULK_COLLECTING)
		return forget_job(run, &job, err);
	if (job.phase == BULK_OVER)
		return close_job(run, &job, err);
	if (job.phase == BULK_SENT && look(run, &job, err) < 0)
		return -1;
	if (job.phase == BULK_SETTLING && finish_job(run, &job, err) < 0)
		return -1;
	return job.phase != BULK_NONE;
}
