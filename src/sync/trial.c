/* See trial.h. */
#include "base/base.h"

#include "sync/trial.h"

#include "auto/decide.h"
#include "base/clock.h"
#include "state/automation.h"
#include "state/derived.h"
#include "state/journal.h"
#include "sync/automate.h"
#include "sync/part.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define EVENTS_PAGE 200
#define OBJECTS_PAGE 100
#define PLAYED_MAX 50000 /* objects with events that are kept in memory */
#define STEPS_MAX 400    /* times that one object is looked at by the clock alone */

struct played {
	struct object_state object;
	struct rule_decision decision; /* of it; standing is owned */
};

struct trial {
	const struct sync_context *context;
	const char *code;
	json_t *doc;
	struct setup *setup;
	const struct setup_connection *connection;
	struct rule *rule;
	int64_t from_ms, now_ms;
	json_t *index; /* "account\nid" -> place among played */
	struct played *played;
	size_t played_n, played_cap;
	uint64_t turn;
	json_t *fired; /* all that fired, at most AUTOMATION_FIRED_MAX, in order of discovery */
	json_t *seen;  /* ids of actions that fired */
	int64_t n, events, objects, oldest_ms;
	bool is_stopped; /* the worker is to end, or it was asked anew */
};

/* -- one look -- */

/* Whatever the rule opens in these days counts once. */
static void
note_fired(struct trial *trial, const json_t *actions)
{
	const json_t *action;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)actions, i, action) {
		const json_t *fields = json_object_get(action, "fields");
		const char *id = bh_json_str(action, "id"), *at = bh_json_str(fields, "opened_at");
		int64_t at_ms;

		if (!bh_is_json_true(action, "is_whole") || at == NULL || !bh_is_time(at, &at_ms) ||
		    at_ms < trial->from_ms || json_object_get(trial->seen, id) != NULL)
			continue;
		json_object_set_new(trial->seen, id, json_true());
		trial->n++;
		if (json_array_size(trial->fired) < AUTOMATION_FIRED_MAX)
			json_array_append_new(trial->fired,
			    json_pack("{s:s, s:s, s:O, s:O*, s:O*, s:O*}", "id", id, "at", at,
				"title", json_object_get(fields, "title"), "amount",
				json_object_get(fields, "amount"), "currency",
				json_object_get(fields, "currency"), "customer",
				json_object_get(fields, "customer")));
	}
}

static void
look(struct trial *trial, const struct rule_subject *subject, struct rule_decision *decision,
    int64_t now_ms)
{
	decision->now_ms = now_ms;
	decision->since_ms = trial->from_ms;
	decision->turn = trial->turn;
	decision->actions = json_array();
	decision->next_ms = INT64_MAX;
	rule_decide(trial->rule, subject, decision);
	trial->turn = decision->turn;
	note_fired(trial, decision->actions);
	json_decref(decision->actions);
	decision->actions = NULL;
}

/* Whatever the clock alone brings until then. */
static void
let_time_pass(struct trial *trial, const struct rule_subject *subject,
    struct rule_decision *decision, int64_t until_ms)
{
	for (int i = 0; i < STEPS_MAX && decision->next_ms <= until_ms; i++)
		look(trial, subject, decision, decision->next_ms);
}

/* -- what is known beside the event -- */

struct beside {
	json_t *derived;  /* of the object */
	json_t *customer; /* with its figures */
};

static void
beside_release(struct beside *beside)
{
	json_decref(beside->derived);
	json_decref(beside->customer);
}

static int
read_customer(struct store_txn *txn, const struct mirror_id *id, const char *customer,
    json_t **fields_r, struct bh_err *err)
{
	struct mirror_id of = {id->connection, id->account, OBJECT_CUSTOMER, customer};
	struct object_state object = {0};

	if (derived_view_many(txn, &of, 1, &object, err) < 0)
		return -1;
	*fields_r = json_incref(object.fields);
	mirror_object_release(&object);
	return 0;
}

static int
read_beside(struct store_txn *txn, const struct mirror_id *id, const json_t *fields,
    struct beside *beside, struct bh_err *err)
{
	struct derived_doc doc = {DERIVED_FIELDS, *id, NULL};
	json_t *known = json_copy((json_t *)(uintptr_t)fields);
	const char *customer;
	int rc;

	memset(beside, 0, sizeof(*beside));
	rc = derived_get_many(txn, &doc, 1, false, err);
	beside->derived = doc.doc;
	if (rc == 0)
		rc = automate_know_customer(txn, id, known, err);
	customer = id->kind != OBJECT_CUSTOMER ? bh_json_str(known, "customer") : NULL;
	if (rc == 0 && customer != NULL)
		rc = read_customer(txn, id, customer, &beside->customer, err);
	json_decref(known);
	return rc;
}

/* -- the journal -- */

static struct played *
played_of(struct trial *trial, const struct object_change *change)
{
	char *name = bh_xasprintf("%s\n%s", change->account, change->id);
	const json_t *known = json_object_get(trial->index, name);
	size_t place = known != NULL ? (size_t)json_integer_value(known) : trial->played_n;

	if (known == NULL && trial->played_n < PLAYED_MAX) {
		if (trial->played_n == trial->played_cap) {
			trial->played_cap = trial->played_cap != 0 ? trial->played_cap * 2 : 64;
			trial->played = bh_xrealloc(trial->played,
			    trial->played_cap * sizeof(trial->played[0]));
		}
		trial->played[trial->played_n++] =
		    (struct played){.decision = {.standing = json_object(), .next_ms = INT64_MAX}};
		json_object_set_new(trial->index, name, json_integer((json_int_t)place));
	}
	free(name);
	return place < trial->played_n ? &trial->played[place] : NULL;
}

/* The object as this event left it. */
static bool
is_played_changed(struct played *played, const struct object_change *change)
{
	struct object_state after;

	if (object_merge(&played->object, change, &after) <= 0)
		return false;
	mirror_object_release(&played->object);
	played->object = after;
	return true;
}

static int
play_change(struct trial *trial, struct store_txn *txn, const struct object_change *change,
    int64_t at_ms, struct bh_err *err)
{
	struct played *played = played_of(trial, change);
	struct mirror_id id = {trial->connection->account.code, change->account, change->kind,
	    change->id};
	struct rule_subject subject = {change->kind, change->id, change->account, NULL, NULL,
	    at_ms};
	struct beside beside;
	json_t *view;

	if (played == NULL)
		return 0;
	if (read_beside(txn, &id, change->fields, &beside, err) < 0)
		return -1;
	subject.customer = beside.customer;
	for (int step = 0; step < 2; step++) {
		view = played->object.fields != NULL && !played->object.deleted
			   ? json_copy(played->object.fields)
			   : NULL;
		if (view != NULL)
			json_object_update(view, beside.derived);
		subject.object = view;
		if (step == 0)
			let_time_pass(trial, &subject, &played->decision, at_ms);
		else
			look(trial, &subject, &played->decision, at_ms);
		json_decref(view);
		if (step == 0 && !is_played_changed(played, change))
			break;
	}
	beside_release(&beside);
	return 0;
}

static int
play_event(struct trial *trial, struct store_txn *txn, const struct journal_event *event,
    struct bh_err *err)
{
	struct source_result result = {0};
	struct bh_err why = BH_ERR_INIT;
	int rc = 0;

	trial->events++;
	if (event->body == NULL || part_normalise(trial->connection, event, &result, &why) < 0) {
		source_result_release(&result);
		return 0;
	}
	for (size_t i = 0; i < result.changes.n && rc == 0; i++) {
		const struct object_change *change = &result.changes.items[i];
		int64_t at_ms = change->version.at_ms;

		if (change->kind != rule_on(trial->rule))
			continue;
		if (at_ms < trial->from_ms || at_ms > trial->now_ms)
			at_ms = event->received_ms;
		rc = play_change(trial, txn, change, at_ms, err);
	}
	source_result_release(&result);
	return rc;
}

/* -- the answer -- */

static int
store_answer(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct trial *trial = arg;
	json_t *stored = NULL;
	int rc = automation_trial_get(txn, trial->code, &stored, err);

	trial->is_stopped =
	    rc <= 0 || bh_json_int(stored, "asked", 0) != bh_json_int(trial->doc, "asked", 0);
	if (rc > 0 && !trial->is_stopped)
		automation_trial_put(txn, trial->code, trial->doc);
	json_decref(stored);
	return rc < 0 ? -1 : 0;
}

/* How far it is; asked anew meanwhile, this run is over. */
static int
tell(struct trial *trial, struct bh_err *err)
{
	char from[BH_CLOCK_TEXT];
	int rc;

	bh_rfc3339(from, trial->oldest_ms > trial->from_ms ? trial->oldest_ms : trial->from_ms);
	json_object_set_new(trial->doc, "events", json_integer((json_int_t)trial->events));
	json_object_set_new(trial->doc, "objects", json_integer((json_int_t)trial->objects));
	json_object_set_new(trial->doc, "n", json_integer((json_int_t)trial->n));
	json_object_set(trial->doc, "fired", trial->fired);
	json_object_set_new(trial->doc, "from", json_string(from));
	rc = store_run(trial->context->store, store_answer, trial, NULL, err);
	trial->is_stopped = trial->is_stopped || sync_is_stopping(trial->context);
	return rc < 0 ? -1 : 0;
}

/* -- the walks -- */

static int
play_journal(struct trial *trial, struct bh_err *err)
{
	struct journal_event *events = bh_xcalloc(EVENTS_PAGE, sizeof(events[0]));
	uint64_t after = 0;
	size_t n = 1;
	int rc = 0;

	while (rc == 0 && n > 0 && !trial->is_stopped) {
		struct store_txn *txn = store_begin(trial->context->store);

		rc = journal_walk(txn, after, EVENTS_PAGE, events, &n, err);
		for (size_t i = 0; i < n; i++) {
			if (trial->oldest_ms == 0)
				trial->oldest_ms = events[i].received_ms;
			after = events[i].stamp;
			if (rc == 0 && events[i].received_ms >= trial->from_ms &&
			    strcmp(events[i].connection, trial->connection->account.code) == 0)
				rc = play_event(trial, txn, &events[i], err);
			journal_event_release(&events[i]);
		}
		store_free(&txn);
		if (rc == 0)
			rc = tell(trial, err);
	}
	free(events);
	return rc;
}

struct ids {
	struct mirror_id items[OBJECTS_PAGE]; /* strings are owned */
	size_t n;
};

static int
collect_id(void *arg, const struct mirror_id *id, const struct object_state *object BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	struct ids *ids = arg;

	ids->items[ids->n++] = (struct mirror_id){bh_xstrdup(id->connection),
	    bh_xstrdup(id->account), id->kind, bh_xstrdup(id->id)};
	return 0;
}

static void
ids_release(struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++) {
		free((char *)(uintptr_t)ids->items[i].connection);
		free((char *)(uintptr_t)ids->items[i].account);
		free((char *)(uintptr_t)ids->items[i].id);
	}
	ids->n = 0;
}

/* From where its events left it, or, without any, from the first of the days, until now. */
static int
play_object(struct trial *trial, struct store_txn *txn, const struct mirror_id *id,
    const struct object_state *object, struct bh_err *err)
{
	char *name = bh_xasprintf("%s\n%s", id->account, id->id);
	const json_t *known = json_object_get(trial->index, name);
	struct rule_decision fresh = {.standing = json_object(), .next_ms = INT64_MAX};
	struct rule_decision *decision =
	    known != NULL ? &trial->played[json_integer_value(known)].decision : &fresh;
	struct rule_subject subject = {id->kind, id->id, id->account,
	    object->deleted ? NULL : object->fields, NULL, object->version.at_ms};
	struct beside beside;
	int rc = read_beside(txn, id, object->fields, &beside, err);

	free(name);
	if (rc == 0) {
		subject.customer = beside.customer;
		if (known == NULL)
			look(trial, &subject, decision, trial->from_ms);
		let_time_pass(trial, &subject, decision, trial->now_ms);
		look(trial, &subject, decision, trial->now_ms);
		trial->objects++;
	}
	beside_release(&beside);
	json_decref(fresh.standing);
	return rc;
}

static int
play_mirror(struct trial *trial, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct ids *ids = bh_xcalloc(1, sizeof(*ids));
	bool more = true;
	int rc = 0;

	while (rc == 0 && more && !trial->is_stopped) {
		struct store_txn *txn = store_begin(trial->context->store);
		struct object_state objects[OBJECTS_PAGE] = {0};

		rc = mirror_walk(txn, trial->connection->account.code, rule_on(trial->rule),
		    OBJECTS_PAGE, &after, collect_id, ids, &more, err);
		if (rc == 0 && ids->n > 0)
			rc = derived_view_many(txn, ids->items, ids->n, objects, err);
		for (size_t i = 0; i < ids->n; i++) {
			if (rc == 0 && objects[i].fields != NULL)
				rc = play_object(trial, txn, &ids->items[i], &objects[i], err);
			mirror_object_release(&objects[i]);
		}
		ids_release(ids);
		store_free(&txn);
		if (rc == 0)
			rc = tell(trial, err);
	}
	bh_buf_release(&after);
	free(ids);
	return rc;
}

/* -- the whole -- */

static int
newer_first(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;

	return -strcmp(bh_json_str(*x, "at"), bh_json_str(*y, "at"));
}

static void
sort_fired(struct trial *trial)
{
	size_t n = json_array_size(trial->fired);
	json_t **items = bh_xcalloc(n + 1, sizeof(items[0]));
	json_t *sorted = json_array();

	for (size_t i = 0; i < n; i++)
		items[i] = json_array_get(trial->fired, i);
	qsort(items, n, sizeof(items[0]), newer_first);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, items[i]);
	free(items);
	json_decref(trial->fired);
	trial->fired = sorted;
}

static int
play(struct trial *trial, struct bh_err *err)
{
	const json_t *rule = json_object_get(trial->doc, "rule");
	bool by_events = bh_json_str(rule, "each") == NULL;

	trial->now_ms = bh_now_ms();
	trial->from_ms = trial->now_ms - bh_json_int(trial->doc, "days", 90) * DAY_MS;
	if (rule_new(rule, &trial->rule, err) < 0 ||
	    setup_load(trial->context->store, trial->context->key, &trial->setup, err) < 0)
		return -1;
	trial->connection = setup_connection(trial->setup, rule_from(trial->rule));
	if (trial->connection == NULL || trial->connection->source == NULL)
		return bh_fail(err, BH_INVALID, "there is no source \"%.70s\"",
		    rule_from(trial->rule));
	if ((by_events && play_journal(trial, err) < 0) ||
	    (!trial->is_stopped && play_mirror(trial, err) < 0))
		return -1;
	return 0;
}

static void
trial_release(struct trial *trial)
{
	for (size_t i = 0; i < trial->played_n; i++) {
		mirror_object_release(&trial->played[i].object);
		json_decref(trial->played[i].decision.standing);
	}
	free(trial->played);
	json_decref(trial->index);
	json_decref(trial->fired);
	json_decref(trial->seen);
	json_decref(trial->doc);
	rule_free(&trial->rule);
	setup_free(&trial->setup);
}

int
trial_run(const struct sync_context *context, const char *code, struct sync_outcome *outcome,
    struct bh_err *err)
{
	struct trial trial = {.context = context,
	    .code = code,
	    .index = json_object(),
	    .fired = json_array(),
	    .seen = json_object()};
	struct store_txn *txn = store_begin(context->store);
	struct bh_err why = BH_ERR_INIT;
	const char *state;
	int rc = automation_trial_get(txn, code, &trial.doc, err);

	store_free(&txn);
	state = bh_json_str(trial.doc, "state");
	if (rc > 0 && state != NULL && strcmp(state, "open") == 0) {
		rc = play(&trial, &why);
		if (rc < 0 && why.code != BH_INVALID) {
			if (err != NULL)
				*err = why;
		} else if (!trial.is_stopped) {
			json_object_set_new(trial.doc, "state",
			    json_string(rc < 0 ? "failed" : "done"));
			json_object_set_new(trial.doc, "note", bh_json_string(why.text));
			json_object_set_new(trial.doc, "done",
			    json_integer((json_int_t)bh_now_ms()));
			sort_fired(&trial);
			rc = tell(&trial, err);
		}
	}
	if (rc >= 0 && sync_is_stopping(context))
		outcome->again_ms = bh_now_ms();
	trial_release(&trial);
	return rc < 0 ? -1 : 0;
}
