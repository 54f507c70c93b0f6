/* Ingest: see ingest.h. */
#include "base/base.h"

#include "sync/ingest.h"

#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/journal.h"
#include "state/roster.h"
#include "sync/apply.h"
#include "sync/event.h"
#include "sync/part.h"

#define BATCH_MAX 256
#define GATHER_MS 10 /* between small batches while events stream in */
#define PACE_SLOTS 10
#define PACE_SLOT_MS 100

/* Arrivals of the last second, by tenths; kept over batches. */
struct pace {
	int64_t slot[PACE_SLOTS];
	int64_t newest; /* number of the newest slot */
	int64_t last_ms;
};

static void
pace_note(struct pace *pace, int64_t at_ms)
{
	int64_t slot = at_ms / PACE_SLOT_MS;

	if (slot > pace->newest) {
		int64_t gap = slot - pace->newest;

		for (int64_t i = 1; i <= gap && i <= PACE_SLOTS; i++)
			pace->slot[(pace->newest + i) % PACE_SLOTS] = 0;
		pace->newest = slot;
	}
	if (slot > pace->newest - PACE_SLOTS)
		pace->slot[slot % PACE_SLOTS]++;
	if (at_ms > pace->last_ms)
		pace->last_ms = at_ms;
}

static int64_t
pace_rate(const struct pace *pace)
{
	int64_t sum = 0;

	for (int i = 0; i < PACE_SLOTS; i++)
		sum += pace->slot[i];
	return sum;
}

/* Why a body cannot be read, without the piece of it that the parser quotes. */
static void
note_failure(struct journal_event *event, struct bh_err *why)
{
	char *quoted = strstr(why->text, " near '");

	if (quoted != NULL)
		*quoted = '\0';
	snprintf(event->note, sizeof(event->note), "%.190s", why->text);
	bh_log_err(BH_WARN, why, "event cannot be read connection=%s event=%s", event->connection,
	    event->id);
}

/* Turn one event into changes; what cannot be read is noted on the event. */
static void
read_event(const struct setup *setup, struct journal_event *event, struct source_result *result_r)
{
	const struct setup_connection *connection = setup_connection(setup, event->connection);
	struct bh_err why = BH_ERR_INIT;
	struct source_result result = {0};

	event->handled_ms = bh_now_ms();
	event->state = JOURNAL_FAILED;
	if (connection == NULL || connection->source == NULL) {
		snprintf(event->note, sizeof(event->note),
		    "the connection %s is not set up any more", event->connection);
		return;
	}
	if (part_normalise(connection, event, &result, &why) < 0) {
		note_failure(event, &why);
	} else {
		snprintf(event->note, sizeof(event->note), "%s", result.note);
		event->state = result.outcome == SOURCE_APPLIED   ? JOURNAL_STALE
			       : result.outcome == SOURCE_UNKNOWN ? JOURNAL_UNKNOWN
			       : result.outcome == SOURCE_ASKED   ? JOURNAL_ASKED
								  : JOURNAL_IGNORED;
		*result_r = result;
		result = (struct source_result){0};
	}
	source_result_release(&result);
}

/* What came of one event, as the log shows it. */
static void
note_news(struct journal_event *event, json_t *news)
{
	if (news != NULL) {
		event->state = JOURNAL_APPLIED;
		event->objects = json_incref(news);
	} else if (event->state == JOURNAL_STALE && event->note[0] == '\0') {
		snprintf(event->note, sizeof(event->note), "older than state, ignored");
	}
}

/* What is kept of an event's changes while they are applied. */
struct handled {
	size_t number; /* for apply_news() */
	bool has_subject;
	char account[128]; /* of the subject */
};

static void
keep_subject(struct handled *handled, const struct source_result *result)
{
	const struct object_change *subject = event_subject(&result->changes);

	handled->has_subject = subject != NULL;
	if (subject != NULL)
		snprintf(handled->account, sizeof(handled->account), "%s", subject->account);
}

/* One that is late says as much of what happened as one that is not. */
static bool
is_to_tell(const struct handled *handled, const struct journal_event *event)
{
	return handled->has_subject &&
	       (event->state == JOURNAL_APPLIED || event->state == JOURNAL_STALE);
}

/* Of whom each event of a batch told something. */
struct told {
	struct roster_event *items;
	size_t n, cap;
	json_t *names; /* keeps the strings */
};

static void
tell_customer(struct told *told, const struct journal_event *event, const char *account,
    const char *customer)
{
	if (told->n == told->cap) {
		told->cap = told->cap != 0 ? told->cap * 2 : BATCH_MAX;
		told->items = bh_xrealloc(told->items, told->cap * sizeof(told->items[0]));
	}
	told->items[told->n++] =
	    (struct roster_event){{event->connection, account, OBJECT_CUSTOMER, customer},
		event->stamp};
}

static void
note_customers(struct told *told, const struct apply *apply, size_t number,
    const struct journal_event *event)
{
	const char *account, *customer;
	json_t *customers = json_object(), *of, *one;

	apply_customers(apply, number, customers);
	json_object_foreach (customers, account, of)
		json_object_foreach (of, customer, one)
			tell_customer(told, event, account, customer);
	json_array_append_new(told->names, customers);
}

static int
keep_told(struct store_txn *txn, struct told *told, struct bh_err *err)
{
	int rc = told->n != 0 ? roster_note_events(txn, told->items, told->n, err) : 0;

	free(told->items);
	json_decref(told->names);
	return rc;
}

/* What became of the batch's events, added to the counts of their connections. */
static int
count_outcomes(struct store_txn *txn, const struct journal_batch *batch, struct bh_err *err)
{
	int64_t more[JOURNAL__MAX];
	int rc = 0;

	for (size_t i = 0; i < batch->n && rc == 0; i++) {
		const char *connection = batch->events[i].connection;
		size_t first = 0;

		while (strcmp(batch->events[first].connection, connection) != 0)
			first++;
		if (first != i)
			continue; /* counted with the first of its connection */
		memset(more, 0, sizeof(more));
		for (size_t k = i; k < batch->n; k++)
			if (batch->events[k].body != NULL &&
			    strcmp(batch->events[k].connection, connection) == 0)
				more[batch->events[k].state]++;
		rc = journal_count(txn, connection, more, err);
	}
	return rc;
}

/* Everything that one batch changes, collected into txn. */
static int
collect(struct store_txn *txn, const struct setup *setup, struct journal_batch *batch,
    struct pace *pace, struct bh_err *err)
{
	struct handled *handled = bh_xcalloc(batch->n, sizeof(handled[0]));
	struct apply *apply = apply_new(txn, setup);
	struct told told = {.names = json_array()};
	struct journal_pace noted;
	int rc;

	for (size_t i = 0; i < batch->n; i++) {
		struct journal_event *event = &batch->events[i];
		struct source_result result = {0};

		if (event->body == NULL)
			continue; /* a replay of what is pruned */
		read_event(setup, event, &result);
		keep_subject(&handled[i], &result);
		handled[i].number = apply_add(apply, event->connection, &result);
		source_result_release(&result);
		if (i >= batch->replays)
			pace_note(pace, event->received_ms);
	}
	rc = apply_run(apply, err);
	for (size_t i = 0; i < batch->n && rc == 0; i++) {
		if (batch->events[i].body == NULL)
			continue;
		note_news(&batch->events[i], apply_news(apply, handled[i].number));
		journal_settle(txn, &batch->events[i]);
		if (batch->events[i].state == JOURNAL_APPLIED)
			note_customers(&told, apply, handled[i].number, &batch->events[i]);
		if (is_to_tell(&handled[i], &batch->events[i]))
			part_mark_event(txn, setup, &batch->events[i], handled[i].account);
	}
	if (keep_told(txn, &told, err) < 0)
		rc = -1;
	if (rc == 0)
		rc = count_outcomes(txn, batch, err);
	noted = (struct journal_pace){pace->last_ms, pace_rate(pace)};
	journal_advance(txn, batch, &noted);
	apply_free(&apply);
	free(handled);
	return rc;
}

#define OBJECTS_LOGGED 8

/* What became of each event, once it is stored: ids only. */
static void
log_batch(const struct journal_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++) {
		const struct journal_event *event = &batch->events[i];
		struct bh_buf objects = BH_BUF_INIT(4096);
		json_t *object;
		size_t k;

		json_array_foreach (event->objects, k, object)
			if (k < OBJECTS_LOGGED)
				bh_buf_addf(&objects, "%s%s", k > 0 ? "," : "",
				    json_string_value(object));
		if (event->body != NULL)
			bh_log(BH_DEBUG,
			    "event handled connection=%s event=%s outcome=%s objects=\"%s\"",
			    event->connection, event->id, journal_state_name(event->state),
			    bh_buf_str(&objects));
		bh_buf_release(&objects);
	}
}

/* A page of work put off: 1 done, 0 there is none, -1. */
static int
run_deferred(const struct sync_context *context, struct setup **setup, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	int rc = apply_is_deferred(txn, err);

	if (rc > 0) {
		store_reset(txn);
		rc = setup_refresh(context, txn, setup, err);
		if (rc == 0)
			rc = apply_deferred(txn, *setup, err);
		if (rc > 0)
			rc = store_commit(txn, NULL, err) < 0 ? -1 : 1;
	}
	store_free(&txn);
	return rc;
}

/* A batch is not more than a second's worth of events. */
static size_t
within_pace(const struct sync_context *context, size_t n)
{
	int64_t rate = context->conf->ingest_rate;

	return rate > 0 && (int64_t)n > rate ? (size_t)rate : n;
}

/* 1 a batch was committed, 0 nothing to do, -1. */
static int
ingest_batch(const struct sync_context *context, struct setup **setup, struct pace *pace,
    size_t *handled_r, struct bh_err *err)
{
	static size_t batch_max = BATCH_MAX; /* halved while a batch does not fit into a commit */
	struct store_txn *txn = store_begin(context->store);
	struct pace before = *pace;
	struct bh_err why = BH_ERR_INIT;
	struct journal_batch batch;
	int rc = journal_next(txn, within_pace(context, batch_max), &batch, &why);

	*handled_r = 0;
	if (rc == 0 && batch.n != 0) {
		rc = setup_refresh(context, txn, setup, &why);
		if (rc == 0)
			rc = collect(txn, *setup, &batch, pace, &why);
		bh_fault("ingest-collected");
		if (rc == 0)
			rc = store_commit(txn, NULL, &why);
		bh_fault("ingest-committed");
		if (rc == 0) {
			log_batch(&batch);
			*handled_r = batch.n;
			batch_max = batch_max * 2 < BATCH_MAX ? batch_max * 2 : BATCH_MAX;
			rc = 1;
		} else {
			*pace = before;
		}
	}
	if (rc < 0 && why.code == BH_INVALID && batch.n > 1) {
		batch_max = batch.n / 2;
		rc = 1;
	}
	if (rc < 0 && err != NULL)
		*err = why;
	journal_batch_release(&batch);
	store_free(&txn);
	return rc;
}

/* Wait for a wake-up; true when one came. */
static bool
is_woken(const struct sync_context *context, int wait_ms)
{
	struct pollfd pfd = {.fd = store_watch_fd(context->store), .events = POLLIN};

	if (store_is_woken(context->store))
		return true;
	poll(&pfd, pfd.fd >= 0 ? 1 : 0, wait_ms);
	return store_is_woken(context->store);
}

/* Where the host counts what is written, so many events a second are enough: the rest of their time. */
static void
keep_pace(const struct sync_context *context, size_t handled, int64_t began_ms)
{
	int64_t rate = context->conf->ingest_rate;
	int64_t end_ms = rate > 0 ? began_ms + (int64_t)handled * 1000 / rate : 0;

	while (bh_mono_ms() < end_ms && !sync_is_stopping(context))
		bh_sleep_ms(PACE_SLOT_MS / 2);
}

int
ingest_run(const struct sync_context *context, int linger_ms, struct sync_outcome *outcome,
    struct bh_err *err)
{
	static struct pace pace; /* arrivals are seen over runs of one worker */
	struct setup *setup = NULL;
	struct bh_err why = BH_ERR_INIT;
	size_t handled;
	int rc;

	*outcome = (struct sync_outcome){.again_ms = -1};
	do {
		int64_t began_ms = bh_mono_ms();

		rc = ingest_batch(context, &setup, &pace, &handled, &why);
		if (rc == 0)
			rc = run_deferred(context, &setup, &why);
		if (rc < 0 && why.code == BH_CONFLICT)
			rc = 1; /* another reader was faster */
		outcome->handled += handled;
		keep_pace(context, handled, began_ms);
		if (rc > 0 && handled < BATCH_MAX / 4 &&
		    pace_rate(&pace) > context->conf->push_rate)
			bh_sleep_ms(GATHER_MS);
		if (rc == 0 && linger_ms > 0)
			rc = is_woken(context, linger_ms) ? 1 : 0;
	} while (rc > 0 && !sync_is_stopping(context));
	setup_free(&setup);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc < 0 ? -1 : 0;
}

int
ingest_is_due(struct store_txn *txn, struct bh_err *err)
{
	size_t backlog = 0;
	int rc = journal_backlog(txn, 1, &backlog, err);

	if (rc == 0)
		rc = backlog != 0 ? 1 : apply_is_deferred(txn, err);
	return rc;
}
