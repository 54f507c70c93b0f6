/* See totals.h. */
#include "base/base.h"

#include "sync/totals.h"

#include "base/clock.h"
#include "model/totals.h"
#include "state/derived.h"
#include "state/totals.h"
#include "sync/setup.h"

#define PAGE 200
#define TELL_EVERY 2000 /* customers */
#define DAY_MS (86400 * INT64_C(1000))
#define NIGHT_MS (3 * 3600 * INT64_C(1000)) /* after midnight, UTC */
#define OLD_MS (20 * 3600 * INT64_C(1000))

struct run {
	const struct sync_context *context;
	int64_t now_ms, seen;
	json_t *totals; /* of the connection that is walked; borrowed */
	const struct revenue_switches *switches;
	json_t *all; /* of all connections, by code */
	bool is_stopped;
	struct derived_doc docs[PAGE]; /* strings of their ids are owned */
	json_t *customers[PAGE];       /* NULL: deleted */
	size_t n;
};

/* -- one page -- */

static int
take_customer(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err BH_UNUSED)
{
	struct run *run = arg;

	run->docs[run->n] = (struct derived_doc){DERIVED_FACTS,
	    {bh_xstrdup(id->connection), bh_xstrdup(id->account), id->kind, bh_xstrdup(id->id)},
	    NULL};
	run->customers[run->n++] = object->deleted ? NULL : json_incref(object->fields);
	return 0;
}

static void
release_page(struct run *run)
{
	derived_release(run->docs, run->n);
	for (size_t i = 0; i < run->n; i++) {
		free((char *)(uintptr_t)run->docs[i].id.connection);
		free((char *)(uintptr_t)run->docs[i].id.account);
		free((char *)(uintptr_t)run->docs[i].id.id);
		json_decref(run->customers[i]);
	}
	run->n = 0;
}

static int
add_page(struct run *run, const char *connection, struct bh_buf *after, bool *more_r,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(run->context->store);
	int rc = mirror_walk(txn, connection, OBJECT_CUSTOMER, PAGE, after, take_customer, run,
	    more_r, err);

	if (rc == 0)
		rc = derived_get_many(txn, run->docs, run->n, false, err);
	for (size_t i = 0; i < run->n && rc == 0; i++) {
		totals_add(run->totals, run->docs[i].doc, run->customers[i], run->switches,
		    run->now_ms);
		run->seen++;
	}
	release_page(run);
	store_free(&txn);
	return rc;
}

/* -- the answer -- */

static int
tell_seen(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct run *run = arg;
	json_t *doc;
	int rc = totals_state_get(txn, &doc, err);

	if (rc > 0) {
		json_object_set_new(doc, "seen", json_integer((json_int_t)run->seen));
		json_object_set_new(doc, "asked", json_integer((json_int_t)bh_now_ms()));
		totals_state_put(txn, doc);
	}
	json_decref(doc);
	return rc < 0 ? -1 : 0;
}

struct end {
	const struct run *run;
	const char *note; /* NULL: it is done */
};

static int
tell_end(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct end *end = arg;
	const struct run *run = end->run;
	json_t *doc, *totals;

	if (totals_state_get(txn, &doc, err) < 0)
		return -1;
	if (doc == NULL)
		doc = json_object();
	json_object_set_new(doc, "state", json_string(end->note != NULL ? "failed" : "done"));
	json_object_set_new(doc, "note", bh_json_string(end->note != NULL ? end->note : ""));
	json_object_set_new(doc, "seen", json_integer((json_int_t)run->seen));
	if (end->note == NULL) {
		json_object_set_new(doc, "of", json_integer((json_int_t)run->seen));
		json_object_set_new(doc, "done", json_integer((json_int_t)run->now_ms));
		totals =
		    json_pack("{s:I, s:O}", "at", (json_int_t)run->now_ms, "connections", run->all);
		totals_put(txn, totals);
		json_decref(totals);
	}
	totals_state_put(txn, doc);
	json_decref(doc);
	return 0;
}

/* -- the walk -- */

static int
walk(struct run *run, const struct setup_connection *connection, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	run->switches = &connection->revenue;
	run->totals = totals_new(run->switches);
	json_object_set_new(run->all, connection->account.code, run->totals);
	while (rc == 0 && more && !run->is_stopped) {
		int64_t before = run->seen;

		rc = add_page(run, connection->account.code, &after, &more, err);
		if (rc == 0 && before / TELL_EVERY != run->seen / TELL_EVERY)
			rc = store_run(run->context->store, tell_seen, run, NULL, err);
		run->is_stopped = sync_is_stopping(run->context);
	}
	bh_buf_release(&after);
	return rc;
}

static int
walk_all(struct run *run, struct bh_err *err)
{
	struct setup *setup = NULL;
	int rc = setup_load(run->context->store, run->context->key, &setup, err);

	for (size_t i = 0; rc == 0 && !run->is_stopped && i < setup->connections_n; i++)
		if (setup->connections[i].account.is_source)
			rc = walk(run, &setup->connections[i], err);
	setup_free(&setup);
	return rc;
}

/* Asked for, or as old as a day: 1, 0, -1. */
static int
is_wanted(const struct run *run, struct bh_err *err)
{
	struct store_txn *txn = store_begin(run->context->store);
	json_t *doc;
	int rc = totals_state_get(txn, &doc, err);
	const char *state = bh_json_str(doc, "state");

	if (rc > 0)
		rc = (state != NULL && strcmp(state, "open") == 0) ||
		     bh_json_int(doc, "done", 0) < run->now_ms - OLD_MS;
	json_decref(doc);
	store_free(&txn);
	return rc;
}

int
totals_run(const struct sync_context *context, struct sync_outcome *outcome, struct bh_err *err)
{
	struct run *run = bh_xcalloc(1, sizeof(*run));
	struct bh_err why = BH_ERR_INIT;
	struct end end = {run, NULL};
	int rc;

	*outcome = (struct sync_outcome){.again_ms = -1};
	*run = (struct run){.context = context, .now_ms = bh_now_ms(), .all = json_object()};
	rc = is_wanted(run, err);
	if (rc > 0) {
		rc = walk_all(run, &why);
		if (rc < 0 && why.code == BH_INVALID)
			end.note = why.text;
		else if (rc < 0)
			bh_fail(err, why.code, "%s", why.text);
		if (!run->is_stopped && (rc == 0 || end.note != NULL))
			rc = store_run(context->store, tell_end, &end, NULL, err);
	}
	outcome->handled = (size_t)run->seen;
	outcome->again_ms =
	    run->is_stopped ? bh_now_ms() : (run->now_ms / DAY_MS + 1) * DAY_MS + NIGHT_MS;
	json_decref(run->all);
	free(run);
	return rc < 0 ? -1 : 0;
}
