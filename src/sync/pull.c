/* See pull.h. */
#include "base/base.h"

#include "sync/pull.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/journal.h"
#include "state/queue.h"
#include "state/want.h"
#include "sync/apply.h"
#include "sync/lookup.h"
#include "sync/sweep.h"

#define SLICE_MS 20000     /* then others get the worker */
#define SHORT_WAIT_MS 1000 /* a pause that is waited for in place */
#define TRIES 20           /* commits of a page, when live events are faster */
#define CATCHUP_LEAST_S 60
#define REREAD_PAGE 500

struct pull {
	const struct sync_context *context;
	const char *connection;
	struct setup *setup;
	const char *name; /* of the walk at work */
	struct walk walk;
};

static const char *const names[] = {WALK_BACKFILL, WALK_CATCHUP};

/* The walk that runs, a backfill first: 1, 0 none, -1. */
static int
find_running(struct pull *pull, struct store_txn *txn, struct bh_err *err)
{
	for (size_t i = 0; i < BH_LEN(names); i++) {
		int rc = walk_load(txn, pull->connection, names[i], &pull->walk, err);

		if (rc < 0)
			return -1;
		if (pull->walk.state == WALK_RUNNING) {
			pull->name = names[i];
			return 1;
		}
		walk_release(&pull->walk);
	}
	return 0;
}

static json_t *
first_cursor(const struct pull *pull)
{
	return json_pack("{s:s, s:I}", "walk", pull->name, "since_ms",
	    (json_int_t)pull->walk.since_ms);
}

/* -- storing a page -- */

/* Events of an event list take the way of those that are delivered: known ones are dropped there. */
static int
accept_events(const struct pull *pull, const json_t *events, size_t *new_r, struct bh_err *err)
{
	json_t *headers = json_pack("{s:s}", "billhook-via", pull->name), *event;
	size_t i;
	int rc = 0;

	*new_r = 0;
	json_array_foreach (events, i, event) {
		const char *id = bh_json_str(event, "id"), *type = bh_json_str(event, "type");
		char *body = bh_json_text(json_object_get(event, "body"));
		struct journal_entry entry = {.connection = pull->connection,
		    .id = id != NULL ? id : "",
		    .type = type != NULL ? type : "",
		    .received_ms = bh_now_ms(),
		    .headers = headers,
		    .body = body,
		    .body_len = strlen(body)};

		rc = journal_accept(pull->context->store, &entry, err);
		free(body);
		if (rc < 0)
			break;
		*new_r += (size_t)rc;
	}
	json_decref(headers);
	return rc < 0 ? -1 : 0;
}

static void
advance(struct pull *pull, const struct source_page *page, size_t changed)
{
	struct walk *walk = &pull->walk;

	if (strcmp(walk->phase, page->phase) != 0)
		walk->phase_read = 0;
	snprintf(walk->phase, sizeof(walk->phase), "%s", page->phase);
	walk->phase_number = page->phase_number;
	walk->phases = page->phases;
	walk->phase_read += page->read;
	walk->phase_total = page->total;
	walk->read += page->read;
	walk->changed += (int64_t)changed;
	walk->waits_until_ms = page->wait_ms > 0 ? bh_now_ms() + page->wait_ms : 0;
	if (page->result.note[0] != '\0')
		snprintf(walk->note, sizeof(walk->note), "%s", page->result.note);
	json_decref(walk->cursor);
	walk->cursor = json_incref(page->cursor);
	if (page->cursor == NULL) {
		walk->state = WALK_DONE;
		walk->ended_ms = bh_now_ms();
		walk->last_ms = walk->started_ms;
	}
}

/* What was missed while a backfill ran is what the next catch-up begins with. */
static int
note_backfill(const struct pull *pull, struct store_txn *txn, struct bh_err *err)
{
	struct walk catchup;

	if (strcmp(pull->name, WALK_BACKFILL) != 0 || pull->walk.state != WALK_DONE)
		return 0;
	if (walk_load(txn, pull->connection, WALK_CATCHUP, &catchup, err) < 0)
		return -1;
	if (catchup.last_ms < pull->walk.started_ms && catchup.state != WALK_RUNNING) {
		catchup.last_ms = pull->walk.started_ms;
		walk_save(txn, pull->connection, WALK_CATCHUP, &catchup);
	}
	walk_release(&catchup);
	return 0;
}

/* 1 committed; 0 the walk is not as it was (stopped, or begun anew): the page is dropped; -1. */
static int
store_page(struct pull *pull, const struct source_page *page, size_t events, struct bh_err *err)
{
	struct store_txn *txn = store_begin(pull->context->store);
	struct source_result result = source_result_copy(&page->result);
	struct apply *apply = NULL;
	json_t *cursor = json_incref(pull->walk.cursor);
	int64_t started_ms = pull->walk.started_ms;
	int rc = setup_refresh(pull->context, txn, &pull->setup, err);

	walk_release(&pull->walk);
	if (rc == 0 && walk_load(txn, pull->connection, pull->name, &pull->walk, err) < 0)
		rc = -1;
	if (rc == 0 && pull->walk.state == WALK_RUNNING && pull->walk.started_ms == started_ms) {
		apply = apply_new(txn, pull->setup);
		apply_add(apply, pull->connection, &result);
		rc = apply_run(apply, err);
		if (rc == 0) {
			advance(pull, page, apply_changed(apply) + events);
			walk_save(txn, pull->connection, pull->name, &pull->walk);
			rc = note_backfill(pull, txn, err);
		}
		if (rc == 0 && bh_fault("pull-page"))
			rc = bh_fail_errno(err, BH_STORAGE, "a page cannot be stored");
		if (rc == 0)
			rc = store_commit(txn, NULL, err) < 0 ? -1 : 1;
		if (rc < 0) {
			json_decref(pull->walk.cursor);
			pull->walk.cursor = json_incref(cursor);
		}
	}
	json_decref(cursor);
	source_result_release(&result);
	apply_free(&apply);
	store_free(&txn);
	return rc;
}

static int
store_page_again(struct pull *pull, const struct source_page *page, size_t events,
    struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc = -1;

	for (int i = 0; i < TRIES; i++) {
		why = (struct bh_err)BH_ERR_INIT;
		rc = store_page(pull, page, events, &why);
		if (rc >= 0 || why.code != BH_CONFLICT)
			break;
		bh_sleep_ms(i);
	}
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

/* -- reading -- */

/* A refusal stops the walk and says why; what passes by itself is tried again. */
static int
note_failure(struct pull *pull, const struct bh_err *why, struct bh_err *err)
{
	struct store_txn *txn;
	int rc = 0;

	if (why->code == BH_LIMITED || why->code == BH_UNAVAILABLE || why->code == BH_UNCERTAIN) {
		if (err != NULL)
			*err = *why;
		return -1;
	}
	txn = store_begin(pull->context->store);
	walk_release(&pull->walk);
	rc = walk_load(txn, pull->connection, pull->name, &pull->walk, err);
	if (rc > 0) {
		pull->walk.state = WALK_FAILED;
		pull->walk.ended_ms = bh_now_ms();
		snprintf(pull->walk.note, sizeof(pull->walk.note), "%s", why->text);
		walk_save(txn, pull->connection, pull->name, &pull->walk);
		rc = store_commit(txn, NULL, err);
	}
	store_free(&txn);
	bh_log_err(BH_WARN, why, "%s of %s", pull->name, pull->connection);
	return rc < 0 ? -1 : 0;
}

/* What the mirror calls open and the source cannot list by change is asked for one by one. */
struct reread {
	struct store_txn *txn;
	const struct setup_connection *connection;
};

static int
reread_one(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err BH_UNUSED)
{
	const struct reread *reread = arg;
	const char *payment = bh_json_str(object->fields, "payment");
	/* A recovery is asked for by its payment, where the source knows it only so. */
	json_t *hint = payment != NULL ? json_pack("{s:s}", "payment", payment) : NULL;

	if (!object->deleted && reread->connection->source->is_reread(id->kind, object->fields))
		want_put(reread->txn, id->connection, object_kind_name(id->kind), id->account,
		    id->id, hint);
	json_decref(hint);
	return 0;
}

static int
reread_kind(const struct pull *pull, const struct setup_connection *connection,
    enum object_kind kind, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (more && rc == 0) {
		struct store_txn *txn = store_begin(pull->context->store);
		struct reread reread = {txn, connection};

		rc = mirror_walk(txn, pull->connection, kind, REREAD_PAGE, &after, reread_one,
		    &reread, &more, err);
		if (rc == 0)
			rc = store_commit(txn, NULL, err);
		store_free(&txn);
	}
	bh_buf_release(&after);
	return rc;
}

static int
reread_open(const struct pull *pull, const struct setup_connection *connection, struct bh_err *err)
{
	struct store_txn *txn;
	int rc = 0;

	if (connection->source->is_reread == NULL || strcmp(pull->name, WALK_CATCHUP) != 0 ||
	    pull->walk.cursor != NULL)
		return 0;
	for (int kind = 1; kind < OBJECT__MAX && rc == 0; kind++)
		if (connection->source->is_reread((enum object_kind)kind, NULL))
			rc = reread_kind(pull, connection, (enum object_kind)kind, err);
	if (rc < 0)
		return -1;
	txn = store_begin(pull->context->store);
	queue_wake(txn, LOOKUP_JOB, pull->connection, bh_now_ms());
	rc = store_commit(txn, NULL, err);
	store_free(&txn);
	return rc;
}

/* 1 the page was stored, 0 the walk stopped, -1 */
static int
take_page(struct pull *pull, const struct setup_connection *connection,
    const struct source_page *page, struct bh_err *err)
{
	size_t events = 0;

	if (accept_events(pull, page->events, &events, err) < 0)
		return -1;
	/* Before the walk is noted as ended: killed in between, its last page is read again. */
	if (connection->source->is_swept &&
	    (sweep_note(pull->context, pull->connection, &page->result.changes, err) < 0 ||
		(page->cursor == NULL && page->is_complete &&
		    sweep_finish(pull->context, pull->connection, pull->walk.started_ms, err) < 0)))
		return -1;
	return store_page_again(pull, page, events, err);
}

/* 1 a page was stored, 0 the walk stopped, -1 */
static int
pull_page(struct pull *pull, const struct setup_connection *connection, struct bh_err *err)
{
	struct source_config config = setup_source_config(connection);
	struct source_api api = {&config, pull->context->transport, bh_now_ms()};
	json_t *cursor =
	    pull->walk.cursor != NULL ? json_incref(pull->walk.cursor) : first_cursor(pull);
	struct source_page page = {.total = -1};
	struct bh_err why = BH_ERR_INIT;
	int rc = reread_open(pull, connection, err);

	if (rc == 0 && connection->source->is_swept && pull->walk.cursor == NULL)
		rc = sweep_begin(pull->context, pull->connection, err);
	if (rc == 0 && connection->source->pull(&api, cursor, &page, &why) < 0)
		rc = note_failure(pull, &why, err);
	else if (rc == 0)
		rc = take_page(pull, connection, &page, err);
	source_page_release(&page);
	json_decref(cursor);
	return rc;
}

/* Wait as long as the source asks: a short pause here, a long one without the worker. */
static bool
is_paced(const struct pull *pull, struct sync_outcome *outcome)
{
	int64_t wait = pull->walk.waits_until_ms - bh_now_ms();

	if (wait > SHORT_WAIT_MS && sync_is_ahead(pull->walk.waits_until_ms)) {
		outcome->again_ms = pull->walk.waits_until_ms;
		return false;
	}
	while (wait > 0 && wait <= SHORT_WAIT_MS && !sync_is_stopping(pull->context)) {
		bh_sleep_ms(wait < 50 ? (int)wait : 50);
		wait = pull->walk.waits_until_ms - bh_now_ms();
	}
	return true;
}

static bool
is_readable(const struct setup_connection *connection)
{
	return connection != NULL && connection->source != NULL &&
	       connection->source->pull != NULL && !connection->account.paused &&
	       bh_json_str(connection->account.secrets, "api_key") != NULL;
}

/* 1 go on, 0 nothing more now, -1 */
static int
pull_step(struct pull *pull, struct sync_outcome *outcome, struct bh_err *err)
{
	const struct setup_connection *connection;
	struct store_txn *txn = store_begin(pull->context->store);
	int rc = setup_refresh(pull->context, txn, &pull->setup, err);

	if (rc == 0)
		rc = find_running(pull, txn, err);
	store_free(&txn);
	if (rc <= 0)
		return rc;
	connection = setup_connection(pull->setup, pull->connection);
	if (!is_readable(connection) || !is_paced(pull, outcome))
		rc = 0;
	else
		rc = pull_page(pull, connection, err);
	if (rc > 0)
		outcome->handled++;
	walk_release(&pull->walk);
	return rc;
}

int
pull_run(const struct sync_context *context, const char *connection, struct sync_outcome *outcome,
    struct bh_err *err)
{
	struct pull pull = {.context = context, .connection = connection};
	int64_t end_ms = bh_mono_ms() + SLICE_MS;
	int rc;

	*outcome = (struct sync_outcome){.again_ms = -1};
	do {
		rc = pull_step(&pull, outcome, err);
	} while (rc > 0 && !sync_is_stopping(context) && bh_mono_ms() < end_ms);
	if (rc > 0)
		outcome->again_ms = bh_now_ms();
	setup_free(&pull.setup);
	return rc < 0 ? -1 : 0;
}

/* -- by the clock -- */

static int64_t
catchup_ms(const struct setup_connection *connection)
{
	int64_t seconds =
	    bh_json_int(connection->account.settings, "catchup_s", connection->source->catchup_s);

	if (seconds <= 0)
		return 0;
	return (seconds < CATCHUP_LEAST_S ? CATCHUP_LEAST_S : seconds) * 1000;
}

/* Begin it when it is due; *next_r: when it will be. */
static int
schedule_one(struct store_txn *txn, const struct setup_connection *connection, int64_t now_ms,
    int64_t *next_r, struct bh_err *err)
{
	int64_t period = catchup_ms(connection), due_ms;
	const char *code = connection->account.code;
	struct walk walk, backfill;
	int rc;

	*next_r = INT64_MAX;
	if (period == 0 || walk_load(txn, code, WALK_CATCHUP, &walk, err) < 0)
		return period == 0 ? 0 : -1;
	rc = walk_load(txn, code, WALK_BACKFILL, &backfill, err);
	due_ms = (walk.ended_ms > walk.started_ms ? walk.ended_ms : walk.started_ms) + period;
	if (rc >= 0 && walk.state != WALK_RUNNING && walk.state != WALK_PAUSED &&
	    backfill.state != WALK_RUNNING) {
		*next_r = due_ms > now_ms ? due_ms : now_ms + period;
		if (due_ms <= now_ms)
			rc = walk_begin(txn, code, WALK_CATCHUP, now_ms, err);
	}
	walk_release(&walk);
	walk_release(&backfill);
	return rc < 0 ? -1 : 0;
}

/* Work that stood while the connection was paused, or had no key, is found again. */
static int
wake_standing(struct store_txn *txn, const char *connection, struct bh_err *err)
{
	size_t wants = 0;

	if (want_count(txn, connection, 1, &wants, err) < 0)
		return -1;
	if (wants != 0)
		queue_wake(txn, LOOKUP_JOB, connection, bh_now_ms());
	for (size_t i = 0; i < BH_LEN(names); i++) {
		struct walk walk;
		int rc = walk_load(txn, connection, names[i], &walk, err);

		if (rc > 0 && walk.state == WALK_RUNNING)
			queue_wake(txn, WALK_JOB, connection, bh_now_ms());
		walk_release(&walk);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int
pull_schedule(const struct sync_context *context, const struct setup *setup, int64_t now_ms,
    int64_t *next_r, struct bh_err *err)
{
	int rc = 0;

	*next_r = INT64_MAX;
	for (size_t i = 0; i < setup->connections_n && rc == 0; i++) {
		struct store_txn *txn;
		int64_t next_ms;

		if (!is_readable(&setup->connections[i]))
			continue;
		txn = store_begin(context->store);
		rc = schedule_one(txn, &setup->connections[i], now_ms, &next_ms, err);
		if (rc == 0)
			rc = wake_standing(txn, setup->connections[i].account.code, err);
		if (rc == 0)
			rc = store_commit(txn, NULL, err);
		store_free(&txn);
		if (next_ms < *next_r)
			*next_r = next_ms;
	}
	return rc;
}
