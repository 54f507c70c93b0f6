/*
 * The dispatcher.  It leases due jobs to idle workers, gives them back when a
 * worker dies, and keeps one worker free for ingest.  Leases that the store
 * holds and nobody works on (of a dispatcher that was killed; or the store
 * did not answer) are reclaimed.
 *
 * Ingest is no leased job: the journal's cursor lets only one batch commit,
 * so a second ingest would be wasted work, never wrong.  A push lane is
 * leased: no two writers on one org.
 */
#include "base/base.h"

#include "run/dispatcher.h"

#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "run/worker.h"
#include "state/alert.h"
#include "state/journal.h"
#include "state/schema.h"
#include "sync/ingest.h"
#include "sync/retain.h"
#include "sync/tend.h"

#define LEASE_MS (600 * 1000)
#define RESTART_MS 1000 /* a worker's place is filled at most so often */
#define RETRY_LONGEST_MS 300000
#define STOP_MS 10000
#define STORE_WAIT_MS 2000
#define LOOK_AGAIN_MS 1000
#define LANES_MAX 64
#define WORKERS_MAX 32

/* What a worker does now. */
struct slot {
	struct worker worker;
	bool is_busy;
	bool is_ingest;
	struct queue_job job;
	int64_t since_ms;   /* of the job; monotonic */
	int64_t started_ms; /* of the worker; monotonic; 0: never */
};

/* A leased lane that waits for a batch to form. */
struct held {
	struct queue_job job;
	int64_t since_ms; /* when it began to wait; monotonic */
	int64_t next_ms;  /* when to ask again; monotonic; 0: it is with a worker */
};

struct dispatcher {
	const struct conf *conf;
	struct store *store;
	struct account_key key;
	char owner[32];
	struct slot slots[WORKERS_MAX];
	size_t slots_n;
	struct held held[LANES_MAX];
	size_t held_n;
	bool is_in_doubt;  /* the store may hold leases that nobody works on */
	bool is_ready;     /* the store may be worked on */
	char unready[240]; /* why not, as it was logged */
	bool is_stopping;
	int64_t next_due_ms;
	int64_t next_ingest_ms; /* monotonic: not before; ingest has failed */
	int ingest_failures;    /* in a row */
	int64_t busy_ms;        /* monotonic: when there was work last */
};

static struct slot *
idle_slot(struct dispatcher *d)
{
	for (size_t i = 0; i < d->slots_n; i++)
		if (d->slots[i].worker.pid != 0 && !d->slots[i].is_busy)
			return &d->slots[i];
	return NULL;
}

static size_t
count_idle(const struct dispatcher *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->slots_n; i++)
		n += d->slots[i].worker.pid != 0 && !d->slots[i].is_busy;
	return n;
}

static bool
is_ingesting(const struct dispatcher *d)
{
	for (size_t i = 0; i < d->slots_n; i++)
		if (d->slots[i].is_busy && d->slots[i].is_ingest)
			return true;
	return false;
}

static struct held *
held_lane(struct dispatcher *d, const struct queue_job *job)
{
	for (size_t i = 0; i < d->held_n; i++)
		if (strcmp(d->held[i].job.id, job->id) == 0)
			return &d->held[i];
	return NULL;
}

static void
forget_held(struct dispatcher *d, const struct queue_job *job)
{
	struct held *held = held_lane(d, job);

	if (held != NULL)
		*held = d->held[--d->held_n];
}

static void
start_workers(struct dispatcher *d)
{
	struct bh_err err = BH_ERR_INIT;
	int64_t now = bh_mono_ms();

	for (size_t i = 0; i < d->slots_n; i++) {
		struct slot *slot = &d->slots[i];

		if (slot->worker.pid != 0 ||
		    (slot->started_ms != 0 && now - slot->started_ms < RESTART_MS))
			continue;
		slot->started_ms = now;
		if (worker_start(d->conf, &d->key, &slot->worker, &err) < 0)
			bh_log(BH_ERROR, "%s", err.text);
	}
}

static void
finish_job(struct dispatcher *d, const struct queue_job *job, bool failed, const char *reason,
    int64_t again_ms)
{
	struct bh_err err = BH_ERR_INIT;

	forget_held(d, job);
	if (queue_finish(d->store, job, failed, reason, again_ms, &err) < 0) {
		bh_log(BH_WARN, "job %s: %s", job->id, err.text);
		d->is_in_doubt = true;
	}
}

static int64_t
pause_ms(int failures, int retry_after_s)
{
	int64_t wait = 1000;

	if (retry_after_s > 0)
		return retry_after_s * (int64_t)1000;
	for (int i = 0; i < failures && wait < RETRY_LONGEST_MS; i++)
		wait *= 2;
	return wait;
}

static void
hold_lane(struct dispatcher *d, const struct queue_job *job, int64_t next_ms)
{
	struct held *held = held_lane(d, job);

	if (held == NULL) {
		if (d->held_n == LANES_MAX) {
			finish_job(d, job, false, "", next_ms);
			return;
		}
		held = &d->held[d->held_n++];
		*held = (struct held){.job = *job, .since_ms = bh_mono_ms()};
	}
	/* A span, so that a clock that is set holds nothing up. */
	held->next_ms = bh_mono_ms() + next_ms - bh_now_ms();
}

/*
 * Ingest that fails (the disk is full, an event kills the worker) is tried
 * again after a pause, or it would take the whole machine.  The first time at once.
 */
static void
note_ingest(struct dispatcher *d, bool failed, int retry_after_s)
{
	d->next_ingest_ms = 0;
	if (!failed)
		d->ingest_failures = 0;
	else if (d->ingest_failures++ > 0)
		d->next_ingest_ms = bh_mono_ms() + pause_ms(d->ingest_failures - 2, retry_after_s);
}

static void
end_slot(struct dispatcher *d, struct slot *slot)
{
	close(slot->worker.fd);
	kill(slot->worker.pid, SIGKILL);
	waitpid(slot->worker.pid, NULL, 0);
	slot->worker = (struct worker){.fd = -1};
	if (slot->is_busy && slot->is_ingest)
		note_ingest(d, true, 0);
	else if (slot->is_busy)
		finish_job(d, &slot->job, true, "the worker ended in the middle",
		    bh_now_ms() + (slot->job.attempts == 0 ? 50 : pause_ms(slot->job.attempts, 0)));
	slot->is_busy = false;
}

static void
take_answer(struct dispatcher *d, struct slot *slot)
{
	struct worker_answer answer;
	struct bh_err err = BH_ERR_INIT;

	if (worker_receive(&slot->worker, &answer, &err) != 1) {
		end_slot(d, slot);
		return;
	}
	d->busy_ms = bh_mono_ms();
	slot->is_busy = false;
	if (slot->is_ingest)
		note_ingest(d, answer.code != BH_OK, answer.retry_after_s);
	else if (answer.held)
		hold_lane(d, &slot->job, answer.again_ms);
	else if (answer.code != BH_OK)
		finish_job(d, &slot->job, true, answer.error,
		    bh_now_ms() + pause_ms(slot->job.attempts, answer.retry_after_s));
	else
		finish_job(d, &slot->job, false, "", answer.again_ms);
}

static bool
is_given(struct dispatcher *d, const struct queue_job *job, bool is_ingest, bool may_hold)
{
	struct slot *slot = idle_slot(d);
	struct bh_err err = BH_ERR_INIT;

	if (slot == NULL)
		return false;
	if (worker_send(&slot->worker, job, may_hold, &err) < 0) {
		end_slot(d, slot);
		return false;
	}
	slot->is_busy = true;
	slot->is_ingest = is_ingest;
	slot->job = *job;
	slot->since_ms = d->busy_ms = bh_mono_ms();
	return true;
}

static void
give_ingest(struct dispatcher *d)
{
	struct queue_job job = {.id = "ingest", .kind = "ingest"};
	struct store_txn *txn;

	if (is_ingesting(d) || count_idle(d) == 0 || bh_mono_ms() < d->next_ingest_ms)
		return;
	txn = store_begin(d->store);
	if (ingest_is_due(txn, NULL) > 0)
		is_given(d, &job, true, false);
	store_free(&txn);
}

static void
give_held(struct dispatcher *d)
{
	for (size_t i = 0; i < d->held_n; i++) {
		struct held *held = &d->held[i];
		int64_t now = bh_mono_ms();

		if (held->next_ms == 0 || held->next_ms > now)
			continue;
		if (is_given(d, &held->job, false, now - held->since_ms < d->conf->push_wait_ms))
			held->next_ms = 0;
	}
}

/* What the store holds as leased and is with no worker and not held goes back. */
static int
reclaim(struct dispatcher *d, struct bh_err *err)
{
	struct queue_job mine[WORKERS_MAX + LANES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < d->slots_n; i++)
		if (d->slots[i].is_busy && !d->slots[i].is_ingest)
			mine[n++] = d->slots[i].job;
	for (size_t i = 0; i < d->held_n; i++)
		mine[n++] = d->held[i].job;
	return queue_reclaim(d->store, d->owner, mine, n, bh_now_ms(), err);
}

/* One worker stays free for ingest, so that slow CRMs cannot stop it. */
static void
give_jobs(struct dispatcher *d)
{
	size_t idle = count_idle(d), free_ones = is_ingesting(d) ? idle : idle - (idle > 1);
	struct queue_job jobs[WORKERS_MAX];
	struct bh_err err = BH_ERR_INIT;
	size_t n;

	if (free_ones == 0 || (d->slots_n > 1 && !is_ingesting(d) && idle < 2)) {
		d->next_due_ms = INT64_MAX; /* a worker's answer brings us back */
		return;
	}
	if (d->is_in_doubt && reclaim(d, &err) == 0)
		d->is_in_doubt = false;
	if (d->is_in_doubt || queue_lease(d->store, d->owner, bh_now_ms(), LEASE_MS, free_ones,
				  jobs, &n, &d->next_due_ms, &err) < 0) {
		d->is_in_doubt = true;
		d->next_due_ms = bh_now_ms() + 100;
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!is_given(d, &jobs[i], false, true))
			finish_job(d, &jobs[i], false, "", bh_now_ms());
}

static void
reap(struct dispatcher *d)
{
	for (size_t i = 0; i < d->slots_n; i++) {
		struct slot *slot = &d->slots[i];

		if (slot->worker.pid == 0)
			continue;
		if (slot->is_busy && bh_mono_ms() - slot->since_ms > LEASE_MS) {
			bh_log(BH_ERROR, "job %s has run for ten minutes: its worker is ended",
			    slot->job.id);
			end_slot(d, slot);
		}
	}
}

static void
take_signals(struct dispatcher *d)
{
	for (int number = bh_signal_next(); number != 0; number = bh_signal_next())
		if (number == SIGTERM || number == SIGINT || number == SIGHUP)
			d->is_stopping = true;
}

static int
wait_ms(const struct dispatcher *d)
{
	int64_t wait = LOOK_AGAIN_MS, now = bh_mono_ms();

	if (d->next_due_ms - bh_now_ms() < wait)
		wait = d->next_due_ms - bh_now_ms();
	for (size_t i = 0; i < d->held_n; i++)
		if (d->held[i].next_ms != 0 && d->held[i].next_ms - now < wait)
			wait = d->held[i].next_ms - now;
	return wait < 1 ? 1 : (int)wait;
}

/* Wait for a signal, a wake-up of the store, an answer, or the next due time. */
static void
wait_for_news(struct dispatcher *d)
{
	struct pollfd fds[WORKERS_MAX + 2];
	struct slot *of[WORKERS_MAX + 2];
	size_t n = 0;

	fds[n++] = (struct pollfd){.fd = bh_signal_pipe(), .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = store_watch_fd(d->store), .events = POLLIN};
	for (size_t i = 0; i < d->slots_n; i++) {
		if (d->slots[i].worker.pid == 0)
			continue;
		of[n] = &d->slots[i];
		fds[n++] = (struct pollfd){.fd = d->slots[i].worker.fd, .events = POLLIN};
	}
	if (poll(fds, n, wait_ms(d)) < 0 && errno != EINTR)
		bh_sleep_ms(10);
	take_signals(d);
	for (size_t i = 2; i < n; i++)
		if (fds[i].revents != 0)
			take_answer(d, of[i]);
	if (store_is_woken(d->store))
		d->busy_ms = bh_mono_ms();
}

static bool
is_any_busy(const struct dispatcher *d)
{
	for (size_t i = 0; i < d->slots_n; i++)
		if (d->slots[i].is_busy)
			return true;
	return false;
}

static void
stop_workers(struct dispatcher *d)
{
	int64_t end_ms = bh_mono_ms() + STOP_MS;

	for (size_t i = 0; i < d->slots_n; i++)
		if (d->slots[i].worker.pid != 0)
			kill(d->slots[i].worker.pid, SIGTERM);
	while (is_any_busy(d) && bh_mono_ms() < end_ms) {
		d->next_due_ms = bh_now_ms() + 50;
		wait_for_news(d);
	}
	while (d->held_n != 0)
		finish_job(d, &d->held[0].job, false, "", bh_now_ms());
	for (size_t i = 0; i < d->slots_n; i++)
		if (d->slots[i].worker.pid != 0)
			end_slot(d, &d->slots[i]);
}

static int
open_store(struct dispatcher *d, struct bh_err *err)
{
	static const char *const watched[] = {JOURNAL_WATCH_NEW, JOURNAL_WATCH_REPLAY, QUEUE_WATCH,
	    SCHEMA_WATCH};
	/* The supervisor starts the keeper again; until then a call waits rather than fails. */
	struct store_options options = {.engine = "bdb",
	    .data_dir = d->conf->data_dir,
	    .deadline_ms = STORE_WAIT_MS};

	if (store_open(&options, &d->store, err) < 0)
		return -1;
	for (size_t i = 0; i < BH_LEN(watched); i++)
		store_watch(d->store, watched[i], strlen(watched[i]), NULL);
	return 0;
}

/* What goes by the clock may have missed its time while nothing ran. */
static int
wake_periodic(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	queue_wake(txn, TEND_JOB, "", bh_now_ms());
	queue_wake(txn, RETAIN_JOB, "", bh_now_ms());
	queue_wake(txn, ALERT_JOB, "", bh_now_ms());
	return 0;
}

/*
 * 1 what an older Billhook left is brought up to date, before anybody works on it; 0 the store is
 * not set up yet, or is being loaded: load refuses what somebody else has written; -1.
 */
static int
make_ready(struct dispatcher *d, struct bh_err *err)
{
	struct store_txn *txn = store_begin(d->store);
	int rc = schema_is_set(txn, err);

	store_free(&txn);
	if (rc > 0 && (schema_check(d->store, err) < 0 ||
			  store_run(d->store, wake_periodic, NULL, NULL, err) < 0))
		rc = -1;
	return rc;
}

/* Until the store is ready nothing is given to anybody.  The reason is logged once, not at each look. */
static bool
is_ready(struct dispatcher *d)
{
	struct bh_err err = BH_ERR_INIT;
	int rc;

	if (d->is_ready)
		return true;
	rc = make_ready(d, &err);
	d->is_ready = rc > 0;
	/* A newer Billhook's store stays so; what failed is tried again. */
	d->next_due_ms = rc < 0 && err.code != BH_INVALID ? bh_now_ms() + LOOK_AGAIN_MS : INT64_MAX;
	if (rc < 0 && strcmp(d->unready, err.text) != 0) {
		snprintf(d->unready, sizeof(d->unready), "%s", err.text);
		bh_log(BH_ERROR, "nothing is handled: %s", err.text);
	}
	return d->is_ready;
}

int
dispatcher_run(const struct dispatcher_options *options)
{
	struct dispatcher d = {.conf = options->conf, .is_in_doubt = true, .busy_ms = bh_mono_ms()};
	struct bh_err err = BH_ERR_INIT;
	bool is_idle = false;

	bh_signal_pipe();
	bh_random_id(d.owner);
	if (account_key_load(d.conf->data_dir, &d.key, &err) < 0) {
		bh_log(BH_ERROR, "%s", err.text);
		return 1;
	}
	d.slots_n = (size_t)d.conf->workers;
	start_workers(&d);
	if (open_store(&d, &err) < 0) {
		bh_log(BH_ERROR, "%s", err.text);
		return 1;
	}
	is_ready(&d);
	while (!d.is_stopping && !is_idle) {
		wait_for_news(&d);
		start_workers(&d);
		reap(&d);
		if (d.is_stopping)
			break;
		if (is_ready(&d)) {
			give_ingest(&d);
			give_held(&d);
			give_jobs(&d);
		}
		is_idle = options->idle_exit_ms > 0 && !is_any_busy(&d) && d.held_n == 0 &&
			  d.next_due_ms - bh_now_ms() > options->idle_exit_ms &&
			  bh_mono_ms() - d.busy_ms > options->idle_exit_ms;
	}
	stop_workers(&d);
	store_close(&d.store);
	return is_idle ? DISPATCHER_EXIT_IDLE : 0;
}
