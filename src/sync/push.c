/* Push: see push.h. */
#include "base/base.h"

#include "sync/push.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/journal.h"
#include "state/target.h"
#include "state/trail.h"
#include "sync/bulk.h"
#include "sync/chores.h"
#include "sync/conflict.h"
#include "sync/crm_leave.h"
#include "sync/fate.h"
#include "sync/lane.h"
#include "sync/owner.h"
#include "sync/settle.h"
#include "sync/throttle.h"
#include "sync/undo.h"
#include "sync/undo_keep.h"

#define SLICE_MS 20000 /* then the worker is free for another job */
#define QUIET_MS 120   /* no event for so long: the stream pauses */
#define HOLD_STEP_MS 40

/* -- sending -- */

struct keep {
	const char *dest;
	struct record *const *records;
	size_t n;
};

static json_t *
record_json(const struct record *record)
{
	json_t *doc = json_object(), *parents = json_object();

	for (size_t i = 0; i < record->fields_n; i++)
		json_object_set(doc, record->fields[i].name, record->fields[i].value);
	for (size_t i = 0; i < record->parents_n; i++)
		json_object_set_new(parents, record->parents[i].field,
		    json_string(record->parents[i].key));
	return json_pack("{s:s, s:s, s:o, s:o}", "key_field", record->key_field, "key", record->key,
	    "fields", doc, "parents", parents);
}

static int
keep_records(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct keep *k = arg;

	for (size_t i = 0; i < k->n; i++) {
		json_t *doc = record_json(k->records[i]);

		target_keep(txn, k->dest, k->records[i]->object, k->records[i]->key, doc);
		json_decref(doc);
	}
	return 0;
}

/* Which records a dead token stopped: their places, how many; the first one's verdict in *auth_r. */
static size_t
find_stopped(const struct dest_result *results, size_t n, size_t *places,
    const struct dest_result **auth_r)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (results[i].outcome != DEST_AUTH)
			continue;
		if (count == 0)
			*auth_r = &results[i];
		places[count++] = i;
	}
	return count;
}

/* Send once more what stands at these places. */
static void
send_again(struct lane *lane, struct record *const *records, const size_t *places, size_t n,
    struct dest_result *results)
{
	struct record **some = bh_xcalloc(n, sizeof(some[0]));
	struct dest_result *again = bh_xcalloc(n, sizeof(again[0]));

	for (size_t i = 0; i < n; i++)
		some[i] = records[places[i]];
	lane->driver->push(&lane->config, some, n, again);
	for (size_t i = 0; i < n; i++)
		results[places[i]] = again[i];
	free(again);
	free(some);
}

static int
break_lane(struct push_run *run, const struct dest_result *auth, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;

	dest_result_fail(auth, BH_DENIED, &why);
	return lane_break(run->lane, &why, err);
}

/* A fresh token is refused as well: no record is to blame, and the next page would fare no better. */
static int
stop_refused(struct push_run *run, const struct dest_result *auth, struct bh_err *err)
{
	run->is_stopped = true;
	if (auth->permanent_auth)
		return break_lane(run, auth, err);
	dest_result_fail(auth, BH_UNAVAILABLE, &run->failure);
	bh_during(&run->failure, "a fresh token is refused");
	bh_log_err(BH_WARN, &run->failure, "lane %s", run->lane->connection->account.code);
	return 0;
}

/* A dead token is refreshed once and what it stopped is sent again. */
static int
mend_token(struct push_run *run, struct record *const *records, size_t n,
    struct dest_result *results, struct bh_err *err)
{
	size_t *places = bh_xcalloc(n, sizeof(places[0]));
	const struct dest_result *auth = NULL;
	size_t stopped = find_stopped(results, n, places, &auth);
	int rc = 0;

	if (stopped != 0 && auth->permanent_auth) {
		run->is_stopped = true;
		rc = break_lane(run, auth, err);
	} else if (stopped != 0 && lane_authorize(run->lane, &run->failure) < 0) {
		run->is_stopped = true;
		bh_log_err(BH_WARN, &run->failure, "lane %s", run->lane->connection->account.code);
	} else if (stopped != 0) {
		send_again(run->lane, records, places, stopped, results);
		if (find_stopped(results, n, places, &auth) != 0)
			rc = stop_refused(run, auth, err);
	}
	free(places);
	return rc;
}

static int
send_records(struct push_run *run, struct record *const *records, size_t n,
    struct dest_result *results, struct bh_err *err)
{
	struct lane *lane = run->lane;
	struct keep keep = {lane->connection->account.code, records, n};

	bh_fault("push-send");
	lane->driver->push(&lane->config, records, n, results);
	bh_fault("push-sent");
	if (mend_token(run, records, n, results, err) < 0)
		return -1;
	if ((lane->driver->caps & DEST_CAP_KEEP) != 0)
		return store_run(lane->context->store, keep_records, &keep, NULL, err) < 0 ? -1 : 0;
	return 0;
}

/*
 * The place of an item's record among those to be sent.  Objects that share a
 * record (the account of several contacts) send it once and share the answer.
 */
static size_t
place_of(json_t *places, const struct record *record, size_t next)
{
	char *name = bh_xasprintf("%s\n%s", record->object, record->key);
	const json_t *place = json_object_get(places, name);
	size_t at = place != NULL ? (size_t)json_integer_value(place) : next;

	if (place == NULL)
		json_object_set_new(places, name, json_integer((json_int_t)next));
	free(name);
	return at;
}

static int
send_items(struct push_run *run, struct render_item *items, size_t n, struct dest_result *results,
    struct bh_err *err)
{
	struct record **records = bh_xcalloc(n, sizeof(records[0]));
	struct dest_result *sent = bh_xcalloc(n, sizeof(sent[0]));
	size_t *at = bh_xcalloc(n, sizeof(at[0]));
	json_t *places = json_object();
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		if (items[i].verdict != RENDER_SEND)
			continue;
		at[i] = place_of(places, items[i].record, count);
		records[at[i]] = items[i].record;
		count += at[i] == count;
	}
	if (count != 0)
		rc = send_records(run, records, count, sent, err);
	run->sent += count;
	for (size_t i = 0; i < n; i++)
		if (items[i].verdict == RENDER_SEND)
			results[i] = sent[at[i]];
	json_decref(places);
	free(at);
	free(sent);
	free(records);
	return rc;
}

/* How many of the dirty entries go together: without links by key, one rank. */
static size_t
batch_size(const struct lane *lane, const struct link_dirty_list *list)
{
	if ((lane->driver->caps & DEST_CAP_LINK_BY_KEY) != 0)
		return list->n;
	for (size_t i = 1; i < list->n; i++)
		if (list->items[i].id.rank != list->items[0].id.rank)
			return i;
	return list->n;
}

static int
push_entries(struct push_run *run, const struct link_dirty_entry *entries, size_t n,
    struct bh_err *err)
{
	struct render_item *items = bh_xcalloc(n, sizeof(items[0]));
	struct dest_result *results = bh_xcalloc(n, sizeof(results[0]));
	int rc = render_batch(run->lane, entries, n, items, err);

	if (rc == 0)
		rc = conflict_resolve(run->lane, items, n, err);
	if (rc == 0)
		rc = owner_resolve(run->lane, items, n, err);
	if (rc == 0)
		rc = conflict_mean(run->lane, items, n, NULL, err);
	if (rc == 0)
		rc = undo_mean(run->lane, items, n, NULL, err);
	if (rc == 0)
		rc = send_items(run, items, n, results, err);
	if (rc == 0) {
		fate_resolve(run->lane, items, results, n);
		rc = undo_confirm(run->lane, items, results, n, err);
	}
	if (rc == 0)
		rc = settle_items(run, items, n, results, err);
	render_release(items, n);
	free(results);
	free(items);
	return rc;
}

/* The CRM asked for silence, or its daily limit is reached. */
static void
heed_limits(struct push_run *run)
{
	const struct dest_usage *usage = &run->lane->config.usage;

	if (usage->pause_s <= 0)
		return;
	run->pause_ms = bh_now_ms() + usage->pause_s * (int64_t)1000;
	run->is_stopped = true;
}

/* Above the throttle only urgent entries go on; the others keep their marks.  How many are left of the page. */
static size_t
keep_urgent(const struct push_run *run, struct link_dirty_list *list)
{
	const struct setup *setup = run->lane->setup;
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct setup_sync *sync = setup_sync(setup, list->items[i].id.sync);
		const struct map_object *object =
		    sync != NULL ? setup_object(sync, list->items[i].id.object, NULL) : NULL;
		struct link_dirty_entry kept = list->items[n];

		if (object == NULL || !object->is_urgent)
			continue;
		list->items[n++] = list->items[i];
		list->items[i] = kept;
	}
	return n;
}

/* How many entries of a page may be sent by now. */
static size_t
sendable(struct push_run *run, struct link_dirty_list *list)
{
	enum throttle_level level = throttle_level(run->lane);
	size_t n = level == THROTTLE_OPEN     ? list->n
		   : level == THROTTLE_URGENT ? keep_urgent(run, list)
					      : 0;

	if (n < list->n && run->again_ms > bh_now_ms() + THROTTLE_LOOK_MS)
		run->again_ms = bh_now_ms() + THROTTLE_LOOK_MS;
	return n;
}

/* How many entries of a page stand before the object that is to go in bulk. */
static size_t
before_bulk(const struct bulk_group *group, const struct link_dirty_list *list)
{
	size_t n = 0;

	while (n < list->n && is_bulk_before(group, &list->items[n].id))
		n++;
	return n;
}

/* The entries of one page, in as few batches as the CRM needs. */
static int
push_page(struct push_run *run, struct link_dirty_list *list, struct bh_err *err)
{
	size_t left = sendable(run, list), at = 0;
	int rc = 0;

	while (rc == 0 && at < left && !run->is_stopped) {
		struct link_dirty_list rest = {.items = list->items + at, .n = left - at};
		size_t n = batch_size(run->lane, &rest);

		rc = push_entries(run, rest.items, n, err);
		at += n;
		heed_limits(run);
	}
	return rc;
}

/* A page that others follow ends with its first batch: what is behind it comes with more of its rank. */
static void
cut_page(const struct push_run *run, struct link_dirty_list *list)
{
	size_t n = batch_size(run->lane, list);

	if (list->more && n < list->n && throttle_level(run->lane) == THROTTLE_OPEN)
		link_dirty_cut(list, n);
}

/* What is to go in bulk; nothing above the throttle, where entries are chosen one by one. */
static int
find_bulk(const struct push_run *run, struct bulk_group *group, struct bh_err *err)
{
	memset(group, 0, sizeof(*group));
	return throttle_level(run->lane) == THROTTLE_OPEN ? bulk_find(run->lane, group, err) : 0;
}

/*
 * Pages of what is marked, up to the object that goes in bulk.  A resync marks
 * while we push: where one page was not the end it is looked for again.
 */
static int
push_pages(struct push_run *run, struct bulk_group *group, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + SLICE_MS;
	struct link_dirty_list list = {0};
	bool is_over = false, is_first = true;
	int rc;

	do {
		struct store_txn *txn = store_begin(run->context->store);
		struct link_dirty_list part;

		rc = lane_dirty(run->lane, txn, run->lane->driver->batch, &list, err);
		store_free(&txn);
		if (rc == 0 && list.n != 0 && !is_first && !group->is_there)
			rc = find_bulk(run, group, err);
		is_first = false;
		if (rc == 0 && list.n != 0 && !group->is_there)
			cut_page(run, &list);
		part = list;
		part.n = rc == 0 ? before_bulk(group, &list) : 0;
		is_over = part.n < list.n;
		if (rc == 0)
			rc = push_page(run, &part, err);
		if (list.n != 0 && (bh_mono_ms() > end_ms || sync_is_stopping(run->context))) {
			run->again_ms = bh_now_ms(); /* the pass is not at its end */
			run->is_cut = true;
			break;
		}
	} while (rc == 0 && list.n != 0 && !is_over && !run->is_stopped &&
		 throttle_level(run->lane) != THROTTLE_SHUT);
	link_dirty_release(&list);
	return rc;
}

static int
push_all(struct push_run *run, struct bh_err *err)
{
	struct bulk_group group;
	int rc;

	throttle_refresh(run->lane);
	heed_limits(run);
	rc = run->is_stopped ? 1 : bulk_go_on(run, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (find_bulk(run, &group, err) < 0 || push_pages(run, &group, err) < 0)
		return -1;
	if (!group.is_there || run->is_stopped || run->is_cut)
		return 0;
	if (throttle_level(run->lane) == THROTTLE_OPEN)
		return bulk_begin(run, &group, err);
	run->again_ms =
	    bh_now_ms(); /* above the throttle by now: the next run sends what is urgent */
	return 0;
}

/* -- the run -- */

/* A connection that never sent anything meets a heap more often than a lone change. */
static int
is_first_push(struct store_txn *txn, const char *dest, struct bh_err *err)
{
	struct link_lane lane;

	return link_lane_get(txn, dest, &lane, err) < 0 ? -1 : lane.last_push_ms == 0;
}

/* Do events stream in, so that waiting makes the batches larger? */
static int
is_streaming(const struct sync_context *context, const char *dest, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct journal_pace pace;
	size_t backlog = 0;
	int rc = journal_pace(txn, &pace, err), is_fast = 0;

	if (rc >= 0)
		is_fast = pace.rate > context->conf->push_rate ? 1 : is_first_push(txn, dest, err);
	if (is_fast > 0)
		rc = journal_backlog(txn, 1, &backlog, err);
	store_free(&txn);
	if (rc < 0 || is_fast < 0)
		return -1;
	return is_fast > 0 && (backlog != 0 || bh_now_ms() - pace.last_event_ms < QUIET_MS);
}

static int
save_summary(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct push_run *run = arg;
	const char *dest = run->lane->connection->account.code;
	json_t *facts = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:I}", "sent", (int)run->sent,
	    "applied", (int)run->applied, "created", (int)run->created, "refused",
	    (int)run->refused, "waiting", (int)run->waiting, "later", (int)run->later, "calls",
	    (json_int_t)run->lane->config.calls);
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "push",
	    .subject = dest,
	    .text = text,
	    .facts = facts};

	snprintf(text, sizeof(text),
	    "%zu records sent in %lld calls: %zu applied, %zu refused, %zu later", run->sent,
	    (long long)run->lane->config.calls, run->applied, run->refused, run->later);
	trail_add(txn, 0, &entry);
	json_decref(facts);
	return 0;
}

static int
finish(struct push_run *run, struct sync_outcome *outcome, struct bh_err *err)
{
	struct lane *lane = run->lane;
	int rc = 0;

	outcome->handled = run->applied + run->same + run->refused;
	lane->condition.pause_until_ms = run->pause_ms;
	if (run->pause_ms != 0)
		snprintf(lane->condition.reason, sizeof(lane->condition.reason),
		    "the CRM asks for a pause");
	else
		throttle_say(lane, lane->condition.reason, sizeof(lane->condition.reason));
	if (run->sent != 0) {
		lane->condition.last_push_ms = bh_now_ms();
		if (run->applied != 0)
			lane->condition.taken_ms = lane->condition.last_push_ms;
		rc = store_run(run->context->store, save_summary, run, NULL, err);
		bh_log(BH_INFO,
		    "lane %s: batch=%s sent=%zu applied=%zu created=%zu refused=%zu later=%zu waiting=%zu calls=%lld",
		    lane->connection->account.code, run->batch, run->sent, run->applied,
		    run->created, run->refused, run->later, run->waiting,
		    (long long)lane->config.calls);
	}
	if (rc == 0)
		rc = lane_note(lane, err);
	if (run->pause_ms != 0)
		outcome->again_ms = run->pause_ms;
	else if (run->again_ms != INT64_MAX)
		outcome->again_ms = run->again_ms;
	return rc;
}

/* No token: denied, the connection is marked broken and only a person can help; else later. */
static int
fail_lane(const struct bh_err *why, struct bh_err *err)
{
	if (why->code == BH_DENIED)
		return 0;
	if (err != NULL)
		*err = *why;
	return -1;
}

/* A call that was refused because the CRM wants silence: the lane is silent, whoever wakes it. */
static int
pause_lane(const struct push_run *run, const struct bh_err *why, struct bh_err *err)
{
	if (run->pause_ms == 0) {
		lane_note_calls(run->lane);
		if (err != NULL)
			*err = *why;
		return -1;
	}
	bh_log_err(BH_WARN, why, "lane %s", run->lane->connection->account.code);
	return 0;
}

static int
push_lane(struct push_run *run, const struct setup *setup,
    const struct setup_connection *connection, struct sync_outcome *outcome, struct bh_err *err)
{
	struct lane lane;
	struct bh_err why = BH_ERR_INIT;
	int rc;

	if (lane_open(run->context, setup, connection, &lane, &why) < 0)
		return fail_lane(&why, err);
	run->lane = &lane;
	snprintf(run->batch, sizeof(run->batch), "%llx-%x", (unsigned long long)bh_now_ms(),
	    (unsigned)getpid());
	if (sync_is_ahead(lane.condition.pause_until_ms)) {
		outcome->again_ms = lane.condition.pause_until_ms;
		rc = 0;
	} else {
		rc = chores_run(run, &why);
		if (rc == 0)
			rc = undo_turn(run, &why);
		if (rc == 0)
			rc = push_all(run, &why);
		heed_limits(run);
		/* Looking for records was denied, with a token that was fetched anew. */
		if (rc < 0 && why.code == BH_DENIED)
			rc = lane_break(&lane, &why, err);
		else if (rc < 0)
			rc = pause_lane(run, &why, err);
		if (rc == 0)
			rc = finish(run, outcome, err);
		if (rc == 0 && run->failure.code != BH_OK)
			rc = fail_lane(&run->failure, err);
	}
	lane_close(&lane);
	return rc;
}

/* What this push has settled of a connection that a person left meanwhile goes as well. */
static int
forget_left(const struct sync_context *context, const char *dest, struct bh_err *err)
{
	struct account_connection connection;
	struct store_txn *txn = store_begin(context->store);
	int rc = account_connection_load(txn, NULL, dest, &connection, err);

	if (rc > 0)
		account_connection_release(&connection);
	store_free(&txn);
	return rc == 0 ? crm_forget_lane(context->store, dest, err) : rc;
}

int
push_run(const struct sync_context *context, const char *dest, bool may_hold,
    struct sync_outcome *outcome, struct bh_err *err)
{
	struct push_run run = {.context = context, .again_ms = INT64_MAX};
	const struct setup_connection *connection;
	struct setup *setup;
	int streaming, rc = 0;

	*outcome = (struct sync_outcome){.again_ms = -1};
	streaming = is_streaming(context, dest, err);
	if (streaming < 0)
		return -1;
	if (streaming > 0 && may_hold) {
		outcome->held = true;
		outcome->again_ms = bh_now_ms() + HOLD_STEP_MS;
		return 0;
	}
	if (setup_load(context->store, context->key, &setup, err) < 0)
		return -1;
	connection = setup_connection(setup, dest);
	if (connection != NULL && connection->dest != NULL && !connection->account.paused &&
	    connection->account.broken[0] == '\0')
		rc = push_lane(&run, setup, connection, outcome, err);
	setup_free(&setup);
	if (rc >= 0 && forget_left(context, dest, err) < 0)
		rc = -1;
	return rc;
}
