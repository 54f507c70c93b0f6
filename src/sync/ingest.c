/* Ingest: see ingest.h. */
#include "base/base.h"

#include "sync/ingest.h"

#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/mirror.h"
#include "state/queue.h"
#include "sync/setup.h"

#define BATCH_MAX 256
#define CHILDREN_PAGE 1000 /* a customer's objects marked by one commit */
#define GATHER_MS 10       /* between small batches while events stream in */
#define PACE_SLOTS 10
#define PACE_SLOT_MS 100

/* Arrivals of the last second, by tenths; kept over batches. */
struct pace {
	int64_t slot[PACE_SLOTS];
	int64_t newest; /* number of the newest slot */
	int64_t last_ms;
};

/* One object touched by a batch. */
struct touched {
	struct mirror_id id; /* strings owned */
	struct object_state object;
	bool is_changed;
};

/* All objects touched by a batch; index maps an identity to its place. */
struct working {
	struct touched *items;
	size_t n, cap;
	json_t *index;
};

/* What normalising an event gave. */
struct reading {
	struct object_changes changes;
	size_t *places; /* of each change's object in the working set */
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

static size_t
place_of(struct working *work, const char *connection, const struct object_change *change)
{
	char *name = bh_xasprintf("%s\n%s\n%d\n%s", connection, change->account, (int)change->kind,
	    change->id);
	const json_t *known = json_object_get(work->index, name);
	size_t place = work->n;

	if (known != NULL) {
		place = (size_t)json_integer_value(known);
	} else {
		if (work->n == work->cap) {
			work->cap = work->cap != 0 ? work->cap * 2 : 64;
			work->items = bh_xrealloc(work->items, work->cap * sizeof(work->items[0]));
		}
		work->items[work->n++] =
		    (struct touched){.id = {bh_xstrdup(connection), bh_xstrdup(change->account),
					 change->kind, bh_xstrdup(change->id)}};
		json_object_set_new(work->index, name, json_integer((json_int_t)place));
	}
	free(name);
	return place;
}

static void
working_release(struct working *work)
{
	for (size_t i = 0; i < work->n; i++) {
		free((char *)(uintptr_t)work->items[i].id.connection);
		free((char *)(uintptr_t)work->items[i].id.account);
		free((char *)(uintptr_t)work->items[i].id.id);
		mirror_object_release(&work->items[i].object);
	}
	free(work->items);
	json_decref(work->index);
}

/* Why a body cannot be read, without the piece of it that the parser quotes. */
static void
note_failure(struct journal_event *event, struct bh_err *why)
{
	char *quoted = strstr(why->text, " near '");

	if (quoted != NULL)
		*quoted = '\0';
	snprintf(event->note, sizeof(event->note), "%.190s", why->text);
	bh_log(BH_WARN, "event %s of %s cannot be read: %s", event->id, event->connection,
	    why->text);
}

/* Turn one event into changes; what cannot be read is noted on the event. */
static void
read_event(const struct setup *setup, struct journal_event *event, struct object_changes *changes)
{
	const struct setup_connection *connection = setup_connection(setup, event->connection);
	struct source_event envelope = {0};
	struct bh_err why = BH_ERR_INIT;
	struct source_result result = {0};
	struct source_config config;
	json_t *body = NULL;

	event->handled_ms = bh_now_ms();
	event->state = JOURNAL_FAILED;
	if (connection == NULL || connection->source == NULL) {
		snprintf(event->note, sizeof(event->note),
		    "the connection %s is not set up any more", event->connection);
		return;
	}
	config = setup_source_config(connection);
	snprintf(envelope.id, sizeof(envelope.id), "%s", event->id);
	snprintf(envelope.type, sizeof(envelope.type), "%s", event->type);
	if (bh_json_parse(event->body, event->body_len, &body, &why) < 0 ||
	    connection->source->normalise(&config, &envelope, body, event->received_ms, &result,
		&why) < 0) {
		note_failure(event, &why);
	} else {
		snprintf(event->note, sizeof(event->note), "%s", result.note);
		event->state = result.outcome == SOURCE_APPLIED   ? JOURNAL_STALE
			       : result.outcome == SOURCE_UNKNOWN ? JOURNAL_UNKNOWN
			       : result.outcome == SOURCE_ASKED   ? JOURNAL_ASKED
								  : JOURNAL_IGNORED;
		*changes = result.changes;
		result.changes = (struct object_changes){0};
	}
	source_result_release(&result);
	json_decref(body);
}

/* Newest wins; true when the change is news. */
static bool
is_news(struct touched *touched, const struct object_change *change)
{
	struct object_state after;

	if (object_merge(&touched->object, change, &after) == 0)
		return false;
	mirror_object_release(&touched->object);
	touched->object = after;
	touched->is_changed = true;
	return true;
}

static void
apply_event(struct working *work, struct journal_event *event, const struct reading *reading)
{
	for (size_t i = 0; i < reading->changes.n; i++) {
		const struct object_change *change = &reading->changes.items[i];

		if (!is_news(&work->items[reading->places[i]], change))
			continue;
		event->state = JOURNAL_APPLIED;
		if (event->objects == NULL)
			event->objects = json_array();
		json_array_append_new(event->objects,
		    json_sprintf("%s %s", object_kind_name(change->kind), change->id));
	}
	if (event->state == JOURNAL_STALE && event->note[0] == '\0')
		snprintf(event->note, sizeof(event->note), "older than state, ignored");
}

static void
mark_object(struct store_txn *txn, const struct setup_sync *sync, enum object_kind kind,
    const char *account, const char *id, bool as_child)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);

	if (as_child && !sync->uses_customer)
		return;
	for (size_t i = 0; i < n; i++) {
		struct link_id link = {sync->account.to, objects[i].rank, sync->account.code,
		    objects[i].name, account, id};

		if (objects[i].from == kind)
			link_mark(txn, &link);
	}
}

struct child_marks {
	struct store_txn *txn;
	const struct setup *setup;
	const char *connection;
};

static int
mark_child(void *arg, const struct mirror_id *id, struct bh_err *err BH_UNUSED)
{
	const struct child_marks *marks = arg;

	for (size_t i = 0; i < marks->setup->syncs_n; i++)
		if (strcmp(marks->setup->syncs[i].account.from, marks->connection) == 0)
			mark_object(marks->txn, &marks->setup->syncs[i], id->kind, id->account,
			    id->id, true);
	return 0;
}

/*
 * A customer's change shows in records of its subscriptions and invoices too,
 * where a template reaches it.  A page at a time: what is left over is put
 * off to commits of its own.
 */
static int
mark_children(struct store_txn *txn, const struct setup *setup, const struct mirror_id *customer,
    struct bh_buf *after, struct bh_err *err)
{
	struct child_marks marks = {txn, setup, customer->connection};
	bool more;

	if (mirror_children(txn, customer, CHILDREN_PAGE, after, mark_child, &marks, &more, err) <
	    0)
		return -1;
	if (more)
		mirror_defer_children(txn, customer, after);
	else
		mirror_deferred_done(txn, customer);
	return 0;
}

static int
store_object(struct store_txn *txn, const struct setup *setup, const struct touched *touched,
    struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool is_reached = false;
	int rc = 0;

	mirror_put(txn, &touched->id, &touched->object);
	for (size_t i = 0; i < setup->syncs_n; i++) {
		const struct setup_sync *sync = &setup->syncs[i];

		if (strcmp(sync->account.from, touched->id.connection) != 0)
			continue;
		mark_object(txn, sync, touched->id.kind, touched->id.account, touched->id.id,
		    false);
		queue_wake(txn, "push", sync->account.to, bh_now_ms());
		is_reached = is_reached || sync->uses_customer;
	}
	if (touched->id.kind == OBJECT_CUSTOMER && is_reached)
		rc = mark_children(txn, setup, &touched->id, &after, err);
	bh_buf_release(&after);
	return rc;
}

static int
read_mirror(struct store_txn *txn, struct working *work, struct bh_err *err)
{
	struct mirror_id *ids = bh_xcalloc(work->n, sizeof(ids[0]));
	struct object_state *objects = bh_xcalloc(work->n, sizeof(objects[0]));
	int rc;

	for (size_t i = 0; i < work->n; i++)
		ids[i] = work->items[i].id;
	rc = work->n != 0 ? mirror_get_many(txn, ids, work->n, true, objects, err) : 0;
	for (size_t i = 0; i < work->n && rc == 0; i++)
		work->items[i].object = objects[i];
	free(objects);
	free(ids);
	return rc;
}

/* Everything that one batch changes, collected into txn. */
static int
collect(struct store_txn *txn, const struct setup *setup, struct journal_batch *batch,
    struct pace *pace, struct bh_err *err)
{
	struct reading *readings = bh_xcalloc(batch->n, sizeof(readings[0]));
	struct working work = {.index = json_object()};
	struct journal_pace noted;
	int rc;

	for (size_t i = 0; i < batch->n; i++) {
		struct journal_event *event = &batch->events[i];
		struct reading *reading = &readings[i];

		if (event->body == NULL)
			continue; /* a replay of what is pruned */
		read_event(setup, event, &reading->changes);
		reading->places = bh_xcalloc(reading->changes.n, sizeof(reading->places[0]));
		for (size_t k = 0; k < reading->changes.n; k++)
			reading->places[k] =
			    place_of(&work, event->connection, &reading->changes.items[k]);
		if (i >= batch->replays)
			pace_note(pace, event->received_ms);
	}
	rc = read_mirror(txn, &work, err);
	for (size_t i = 0; i < batch->n && rc == 0; i++) {
		if (batch->events[i].body == NULL)
			continue;
		apply_event(&work, &batch->events[i], &readings[i]);
		journal_settle(txn, &batch->events[i]);
	}
	for (size_t i = 0; i < work.n && rc == 0; i++)
		if (work.items[i].is_changed)
			rc = store_object(txn, setup, &work.items[i], err);
	noted = (struct journal_pace){pace->last_ms, pace_rate(pace)};
	journal_advance(txn, batch, &noted);
	for (size_t i = 0; i < batch->n; i++) {
		object_changes_release(&readings[i].changes);
		free(readings[i].places);
	}
	free(readings);
	working_release(&work);
	return rc;
}

/* The snapshot, loaded again when the settings have changed. */
static int
refresh_setup(const struct sync_context *context, struct store_txn *txn, struct setup **setup,
    struct bh_err *err)
{
	uint64_t version;

	if (account_version(txn, &version, err) < 0)
		return -1;
	if (*setup != NULL && (*setup)->version == version)
		return 0;
	setup_free(setup);
	return setup_load(context->store, context->key, setup, err);
}

/* A page of work put off: 1 done, 0 there is none, -1. */
static int
mark_deferred(const struct sync_context *context, struct setup **setup, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct bh_buf names = BH_BUF_INIT(STORE_KEY_MAX), after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct mirror_id customer;
	int rc = mirror_deferred(txn, &names, &customer, &after, err);

	if (rc > 0) {
		rc = refresh_setup(context, txn, setup, err);
		if (rc == 0)
			rc = mark_children(txn, *setup, &customer, &after, err);
		for (size_t i = 0; rc == 0 && i < (*setup)->syncs_n; i++)
			queue_wake(txn, "push", (*setup)->syncs[i].account.to, bh_now_ms());
		if (rc == 0)
			rc = store_commit(txn, NULL, err) < 0 ? -1 : 1;
	}
	bh_buf_release(&names);
	bh_buf_release(&after);
	store_free(&txn);
	return rc;
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
	int rc = journal_next(txn, batch_max, &batch, &why);

	*handled_r = 0;
	if (rc == 0 && batch.n != 0) {
		rc = refresh_setup(context, txn, setup, &why);
		if (rc == 0)
			rc = collect(txn, *setup, &batch, pace, &why);
		bh_fault("ingest-collected");
		if (rc == 0)
			rc = store_commit(txn, NULL, &why);
		bh_fault("ingest-committed");
		if (rc == 0) {
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
		rc = ingest_batch(context, &setup, &pace, &handled, &why);
		if (rc == 0)
			rc = mark_deferred(context, &setup, &why);
		if (rc < 0 && why.code == BH_CONFLICT)
			rc = 1; /* another reader was faster */
		outcome->handled += handled;
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
	struct bh_buf names = BH_BUF_INIT(STORE_KEY_MAX), after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct mirror_id customer;
	size_t backlog = 0;
	int rc = journal_backlog(txn, 1, &backlog, err);

	if (rc == 0)
		rc = backlog != 0 ? 1 : mirror_deferred(txn, &names, &customer, &after, err);
	bh_buf_release(&names);
	bh_buf_release(&after);
	return rc;
}
