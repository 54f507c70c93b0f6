/* Push: see push.h. */
#include "base/base.h"

#include "sync/push.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/journal.h"
#include "state/target.h"
#include "state/trail.h"
#include "sync/conflict.h"
#include "sync/fate.h"
#include "sync/lane.h"
#include "sync/render.h"
#include "sync/writeback.h"

#define SLICE_MS 20000 /* then the worker is free for another job */
#define QUIET_MS 120   /* no event for so long: the stream pauses */
#define HOLD_STEP_MS 40
#define ATTEMPTS_MAX 40 /* about a day and a half of pauses */
#define WAIT_FIRST_MS 1000
#define WAIT_LONGEST_MS (3600 * (int64_t)1000)
#define PARENT_TRIES 5
#define DOUBTFUL_TRIES 3

/* One run of a lane. */
struct run {
	const struct sync_context *context;
	struct lane *lane;
	int64_t again_ms;      /* earliest not_before of what stays dirty; INT64_MAX */
	int64_t pause_ms;      /* the CRM asks for silence until then; 0 */
	bool is_stopped;       /* the connection is broken, or asks for silence */
	struct bh_err failure; /* why no token is to be had at the moment */
	size_t sent, applied, created, refused, same, waiting, later;
};

static int64_t
backoff_ms(int attempts)
{
	int64_t wait = WAIT_FIRST_MS;

	for (int i = 1; i < attempts && wait < WAIT_LONGEST_MS; i++)
		wait *= 2;
	return wait < WAIT_LONGEST_MS ? wait : WAIT_LONGEST_MS;
}

static void
set_reason(struct link *link, const struct dest_result *result)
{
	snprintf(link->code, sizeof(link->code), "%s", result->code);
	snprintf(link->cause, sizeof(link->cause), "%s", result->cause);
	snprintf(link->remedy, sizeof(link->remedy), "%s", result->remedy);
}

/* The whole lane must wait, so no record is to blame. */
static bool
is_lane_waiting(const struct run *run)
{
	return run->is_stopped || run->lane->config.usage.pause_s > 0;
}

static void
postpone(struct run *run, struct link *link, const struct dest_result *result)
{
	int64_t wait;

	run->later++;
	if (is_lane_waiting(run))
		return;
	link->attempts++;
	wait = result->retry_after_s > 0 ? result->retry_after_s * (int64_t)1000
					 : backoff_ms(link->attempts);
	link->not_before_ms = bh_now_ms() + wait;
	set_reason(link, result);
	if (link->not_before_ms < run->again_ms)
		run->again_ms = link->not_before_ms;
}

/* When a person or a change frees it, it has all its tries again. */
static void
hold(struct run *run, struct link *link, const struct dest_result *result)
{
	link->state = LINK_HELD;
	link->attempts = 0;
	link->not_before_ms = 0;
	set_reason(link, result);
	run->refused++;
}

static void
accept(struct run *run, struct render_item *item, const struct dest_result *result)
{
	struct link *link = &item->link;

	if (result->created && link->remote_id[0] != '\0' &&
	    strcmp(link->remote_id, result->remote_id) != 0)
		bh_log(BH_WARN, "lane %s: %s %s was deleted in the CRM (%s) and made anew (%s)",
		    run->lane->connection->account.code, item->record->object, item->record->key,
		    link->remote_id, result->remote_id);
	if (result->remote_id[0] != '\0')
		snprintf(link->remote_id, sizeof(link->remote_id), "%s", result->remote_id);
	snprintf(link->hash, sizeof(link->hash), "%s", item->hash);
	snprintf(link->parents, sizeof(link->parents), "%s", item->parents);
	snprintf(link->kept, sizeof(link->kept), "%s", item->kept);
	link->state = LINK_CLEAN;
	link->attempts = 0;
	link->not_before_ms = 0;
	link->pushed_ms = bh_now_ms();
	set_reason(link, result); /* what was left out of it; else nothing */
	run->applied++;
	run->created += result->created;
}

/* What a result makes of the link; true when its mark may be cleared. */
static bool
is_settled(struct run *run, struct render_item *item, const struct dest_result *result)
{
	struct link *link = &item->link;

	switch (result->outcome) {
	case DEST_APPLIED:
	case DEST_UNCHANGED:
		accept(run, item, result);
		return true;
	case DEST_REJECTED:
		if (strcmp(result->code, "INVALID_FIELD") == 0 ||
		    strcmp(result->code, "PROPERTY_DOESNT_EXIST") == 0)
			lane_forget(run->lane, item->record->object);
		hold(run, link, result);
		return true;
	case DEST_WAITING:
		/* We hold the parent's id, the CRM does not find it: deleted there, or a moment late. */
		if (link->attempts >= PARENT_TRIES) {
			hold(run, link, result);
			return true;
		}
		postpone(run, link, result);
		return false;
	case DEST_UNCERTAIN:
		link->state = LINK_UNCERTAIN;
		postpone(run, link, result);
		return false;
	case DEST_LATER:
	case DEST_AUTH:
	case DEST_UNKNOWN:
	case DEST__MAX:
		break;
	}
	if (result->remote_id[0] != '\0') {
		/* Written, but not yet linked to its parents: what we pushed before is overwritten. */
		snprintf(link->remote_id, sizeof(link->remote_id), "%s", result->remote_id);
		link->state = LINK_UNCERTAIN;
	}
	if (!is_lane_waiting(run) &&
	    link->attempts >= (result->doubtful ? DOUBTFUL_TRIES : ATTEMPTS_MAX)) {
		hold(run, link, result);
		return true;
	}
	postpone(run, link, result);
	return false;
}

static void
log_refusals(const struct run *run, const struct render_item *items,
    const struct dest_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].record != NULL && results[i].outcome == DEST_REJECTED)
			bh_log(BH_WARN, "lane %s: %s %s refused: %s: %s",
			    run->lane->connection->account.code, items[i].record->object,
			    items[i].record->key, results[i].code, results[i].cause);
}

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

/* A dead token is refreshed once and what it stopped is sent again. */
static int
mend_token(struct run *run, struct record *const *records, size_t n, struct dest_result *results,
    struct bh_err *err)
{
	size_t *places = bh_xcalloc(n, sizeof(places[0]));
	const struct dest_result *auth = NULL;
	size_t stopped = find_stopped(results, n, places, &auth);
	int rc = 0;

	if (stopped != 0 && auth->permanent_auth) {
		run->is_stopped = true;
		rc = lane_break(run->lane, auth->cause, err);
	} else if (stopped != 0 && lane_authorize(run->lane, &run->failure) < 0) {
		run->is_stopped = true;
		bh_log(BH_WARN, "lane %s: %s", run->lane->connection->account.code,
		    run->failure.text);
	} else if (stopped != 0) {
		send_again(run->lane, records, places, stopped, results);
	}
	free(places);
	return rc;
}

static int
send_records(struct run *run, struct record *const *records, size_t n, struct dest_result *results,
    struct bh_err *err)
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
send_items(struct run *run, struct render_item *items, size_t n, struct dest_result *results,
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

/* -- settling -- */

static bool
is_item_settled(struct run *run, struct render_item *item, const struct dest_result *result,
    struct bh_err *err)
{
	struct link *link = &item->link;
	int rc;

	switch (item->verdict) {
	case RENDER_SEND:
		return is_settled(run, item, result);
	case RENDER_SAME:
		run->same++;
		return true;
	case RENDER_EXCLUDED:
		link->state = LINK_EXCLUDED;
		link->code[0] = link->cause[0] = link->remedy[0] = '\0';
		return true;
	case RENDER_GONE:
		return true;
	case RENDER_PAUSED:
		return false;
	case RENDER_LATER:
		if (link->not_before_ms < run->again_ms)
			run->again_ms = link->not_before_ms;
		return false;
	case RENDER_BROKEN:
		link->state = LINK_HELD;
		run->refused++;
		return true;
	case RENDER_UNMATCHED:
		link->state = LINK_EXCLUDED;
		return true;
	case RENDER_MOVED:
		run->again_ms = bh_now_ms();
		return false;
	case RENDER_WAITING:
		rc = link_wait_for(run->context->store, &item->parent, &item->entry->id, err);
		if (rc == 1)
			run->again_ms = bh_now_ms(); /* the parent has come meanwhile */
		if (rc != 0)
			return false;
		link->state = LINK_WAITING;
		snprintf(link->code, sizeof(link->code), "PARENT");
		snprintf(link->cause, sizeof(link->cause),
		    "waits for %s %.150s, which is not in the CRM", item->parent.object,
		    item->parent.id);
		link->remedy[0] = '\0';
		run->waiting++;
		return true;
	}
	return false;
}

/* An equal hash changes nothing but the mark: its link need not be written. */
static int
settle_items(struct run *run, struct render_item *items, size_t n,
    const struct dest_result *results, struct bh_err *err)
{
	struct link_dirty_entry *entries = bh_xcalloc(n, sizeof(entries[0]));
	struct link *links = bh_xcalloc(n, sizeof(links[0]));
	bool *clear = bh_xcalloc(n, sizeof(clear[0]));
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < n; i++) {
		clear[count] = is_item_settled(run, &items[i], &results[i], err);
		if (items[i].verdict == RENDER_LATER || items[i].verdict == RENDER_PAUSED)
			continue;
		entries[count] = *items[i].entry;
		links[count++] = items[i].link;
	}
	rc = link_settle(run->context->store, entries, links, clear, count, err);
	bh_fault("push-settled");
	if (rc == 0)
		rc = writeback_note(run->lane, entries, links, count, err);
	free(clear);
	free(links);
	free(entries);
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
push_entries(struct run *run, const struct link_dirty_entry *entries, size_t n, struct bh_err *err)
{
	struct render_item *items = bh_xcalloc(n, sizeof(items[0]));
	struct dest_result *results = bh_xcalloc(n, sizeof(results[0]));
	int rc = render_batch(run->lane, entries, n, items, err);

	if (rc == 0)
		rc = conflict_resolve(run->lane, items, n, err);
	if (rc == 0)
		rc = send_items(run, items, n, results, err);
	if (rc == 0) {
		fate_resolve(run->lane, items, results, n);
		log_refusals(run, items, results, n);
		rc = settle_items(run, items, n, results, err);
	}
	render_release(items, n);
	free(results);
	free(items);
	return rc;
}

/* The CRM asked for silence, or its daily limit is reached. */
static void
heed_limits(struct run *run)
{
	const struct dest_usage *usage = &run->lane->config.usage;

	if (usage->pause_s <= 0)
		return;
	run->pause_ms = bh_now_ms() + usage->pause_s * (int64_t)1000;
	run->is_stopped = true;
}

static int
push_all(struct run *run, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + SLICE_MS;
	struct link_dirty_list list = {0};
	int rc = 0;

	do {
		struct store_txn *txn = store_begin(run->context->store);
		size_t at = 0;

		rc = link_dirty(txn, run->lane->connection->account.code, run->lane->driver->batch,
		    &list, err);
		store_free(&txn);
		while (rc == 0 && at < list.n && !run->is_stopped) {
			struct link_dirty_list rest = {.items = list.items + at, .n = list.n - at};
			size_t n = batch_size(run->lane, &rest);

			rc = push_entries(run, rest.items, n, err);
			at += n;
			heed_limits(run);
		}
		if (list.n != 0 && (bh_mono_ms() > end_ms || sync_is_stopping(run->context))) {
			run->again_ms = bh_now_ms(); /* the pass is not at its end */
			break;
		}
	} while (rc == 0 && list.n != 0 && !run->is_stopped);
	link_dirty_release(&list);
	return rc;
}

/* -- the run -- */

/* Do events stream in, so that waiting makes the batches larger? */
static int
is_streaming(const struct sync_context *context, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct journal_pace pace;
	size_t backlog = 0;
	int rc = journal_pace(txn, &pace, err);

	if (rc >= 0 && pace.rate > context->conf->push_rate)
		rc = journal_backlog(txn, 1, &backlog, err);
	store_free(&txn);
	if (rc < 0)
		return -1;
	if (pace.rate <= context->conf->push_rate)
		return 0;
	return backlog != 0 || bh_now_ms() - pace.last_event_ms < QUIET_MS;
}

static int
save_summary(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct run *run = arg;
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
finish(struct run *run, struct sync_outcome *outcome, struct bh_err *err)
{
	struct lane *lane = run->lane;
	int rc = 0;

	outcome->handled = run->applied + run->same + run->refused;
	lane->condition.pause_until_ms = run->pause_ms;
	snprintf(lane->condition.reason, sizeof(lane->condition.reason), "%s",
	    run->pause_ms != 0 ? "the CRM asks for a pause" : "");
	if (run->sent != 0) {
		lane->condition.last_push_ms = bh_now_ms();
		rc = store_run(run->context->store, save_summary, run, NULL, err);
		bh_log(BH_INFO,
		    "lane %s: sent=%zu applied=%zu created=%zu refused=%zu later=%zu waiting=%zu calls=%lld",
		    lane->connection->account.code, run->sent, run->applied, run->created,
		    run->refused, run->later, run->waiting, (long long)lane->config.calls);
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

static int
push_lane(struct run *run, const struct setup *setup, const struct setup_connection *connection,
    struct sync_outcome *outcome, struct bh_err *err)
{
	struct lane lane;
	struct bh_err why = BH_ERR_INIT;
	int rc;

	if (lane_open(run->context, setup, connection, &lane, &why) < 0)
		return fail_lane(&why, err);
	run->lane = &lane;
	if (sync_is_ahead(lane.condition.pause_until_ms)) {
		outcome->again_ms = lane.condition.pause_until_ms;
		rc = 0;
	} else {
		rc = push_all(run, err);
		if (rc == 0)
			rc = finish(run, outcome, err);
		if (rc == 0 && run->failure.code != BH_OK)
			rc = fail_lane(&run->failure, err);
	}
	lane_close(&lane);
	return rc;
}

int
push_run(const struct sync_context *context, const char *dest, bool may_hold,
    struct sync_outcome *outcome, struct bh_err *err)
{
	struct run run = {.context = context, .again_ms = INT64_MAX};
	const struct setup_connection *connection;
	struct setup *setup;
	int streaming, rc = 0;

	*outcome = (struct sync_outcome){.again_ms = -1};
	streaming = is_streaming(context, err);
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
	return rc;
}
