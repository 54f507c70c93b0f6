/*
 * The job of previews: see preview.h.  Runs of it are short; what is worked out
 * is stored page by page (preview_page.c), so that the next run, or the next worker, goes on there.
 */
#include "base/base.h"

#include "sync/preview.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "state/mirror.h"
#include "sync/preview_internal.h"
#include "sync/throttle.h"

#define SLICE_MS 10000     /* then the worker is free for another job */
#define PAUSE_MS 5000      /* before a CRM that does not answer is asked again */
#define PATIENCE_MS 120000 /* so long it may not answer */
#define DEPTH_MAX 20       /* parents above a single object */

/* -- what it shows -- */

static int
prefix_of(struct store_txn *txn, const char *connection, json_t **prefix_r, struct bh_err *err)
{
	struct account_connection to;
	int rc = account_connection_load(txn, NULL, connection, &to, err);

	if (rc < 0)
		return -1;
	*prefix_r = json_incref(json_object_get(rc > 0 ? to.settings : NULL, "prefix"));
	if (rc > 0)
		account_connection_release(&to);
	return 0;
}

int
preview_digest(struct store_txn *txn, const char *sync, const json_t *mapping,
    char digest[DRAFT_VERSION_LEN + 1], struct bh_err *err)
{
	struct account_sync account;
	json_t *prefix = NULL, *all;
	int rc = account_sync_load(txn, sync, &account, err);

	digest[0] = '\0';
	if (rc <= 0)
		return rc;
	if (prefix_of(txn, account.to, &prefix, err) < 0) {
		account_sync_release(&account);
		return -1;
	}
	all = json_pack("{s:s, s:s, s:O*, s:o*}", "from", account.from, "to", account.to, "mapping",
	    mapping != NULL ? mapping : account.mapping, "prefix", prefix);
	if (json_object_size(account.settings) > 0)
		json_object_set(all, "settings", account.settings);
	draft_digest(all, digest);
	json_decref(all);
	account_sync_release(&account);
	return 1;
}

int
preview_digest_now(struct store_txn *txn, const char *sync, char digest[DRAFT_VERSION_LEN + 1],
    struct bh_err *err)
{
	json_t *draft;
	int rc = draft_load(txn, sync, &draft, err);

	if (rc >= 0)
		rc = preview_digest(txn, sync, json_object_get(draft, "mapping"), digest, err);
	json_decref(draft);
	return rc;
}

int
preview_is_seen(struct store_txn *txn, const char *sync, const json_t *mapping, struct bh_err *err)
{
	char digest[DRAFT_VERSION_LEN + 1];
	struct preview preview = PREVIEW_INIT;
	int rc = preview_load(txn, sync, &preview, err);

	if (rc > 0 && (preview.state != PREVIEW_DONE || preview.seen_ms == 0))
		rc = 0;
	if (rc > 0)
		rc = preview_digest(txn, sync, mapping, digest, err);
	if (rc > 0)
		rc = strcmp(digest, preview.digest) == 0;
	preview_release(&preview);
	return rc;
}

/* -- hooks -- */

static struct mirror_id
mirrored(const struct preview_work *work, const struct link_id *id)
{
	const struct map_object *object = setup_object(work->sync, id->object, NULL);

	return (struct mirror_id){work->sync->account.from, id->account,
	    object != NULL ? object->from : OBJECT_NONE, id->id};
}

/* Parents come before their children: one that is held and is not marked would be there. */
static bool
is_coming_in_all(void *arg, const struct link_id *parent)
{
	struct preview_work *work = arg;
	struct mirror_id id = mirrored(work, parent);
	struct object_state object = {0};
	struct store_txn *txn;
	bool is_there;

	if (is_preview_absent(work, parent))
		return false;
	txn = store_begin(work->context->store);
	is_there =
	    mirror_get(txn, &id, false, &object, &work->failure) > 0 && !is_mirror_erased(&object);
	mirror_object_release(&object);
	store_free(&txn);
	return is_there;
}

/* The parent of a single object is looked at itself. */
static bool
is_coming_for_one(void *arg, const struct link_id *parent)
{
	struct preview_work *work = arg;
	struct link_dirty_entry entry = {.id = *parent};
	struct render_item item = {0};
	struct bh_err why = BH_ERR_INIT;
	bool is_sent;

	if (work->depth >= DEPTH_MAX)
		return false;
	work->depth++;
	if (render_batch(&work->lane, &entry, 1, &item, &why) < 0)
		work->failure = why;
	is_sent = item.verdict == RENDER_SEND && item.record != NULL;
	render_release(&item, 1);
	work->depth--;
	return is_sent;
}

static bool
is_given_in_all(void *arg, const char *record, struct bh_buf *out)
{
	return is_preview_given(arg, record, out);
}

static bool
is_given_to_none(void *arg BH_UNUSED, const char *record BH_UNUSED, struct bh_buf *out BH_UNUSED)
{
	return false;
}

/* -- making ready -- */

static void
close_work(struct preview_work *work)
{
	if (work->is_open) {
		lane_note_calls(&work->lane);
		lane_close(&work->lane);
	}
	json_decref(work->mapping);
	setup_free(&work->setup);
}

static bool
has_shared_keys(const json_t *mapping)
{
	json_t *object;
	size_t i;

	json_array_foreach (json_object_get(mapping, "objects"), i, object)
		if (json_object_get(object, "key_from") != NULL)
			return true;
	return false;
}

/* The sync with its draft, in a snapshot of its own. */
static int
try_sync(struct preview_work *work, struct store_txn *txn, struct bh_err *err)
{
	json_t *draft, *mapping;
	int rc = draft_load(txn, work->code, &draft, err);

	if (rc < 0)
		return -1;
	mapping = json_object_get(draft, "mapping");
	work->is_draft = mapping != NULL;
	rc = setup_try(work->setup, txn, work->code, mapping, err);
	if (rc == 0)
		rc = preview_digest(txn, work->code, mapping, work->digest, err) < 0 ? -1 : 0;
	json_decref(draft);
	if (rc < 0)
		return -1;
	work->sync = setup_sync(work->setup, work->code);
	rc = setup_shape(&work->sync->account, work->sync->to, &work->mapping, err);
	work->has_shared_keys = rc == 0 && has_shared_keys(work->mapping);
	return rc;
}

static int
check_connection(const struct setup_connection *to, struct bh_err *err)
{
	if (to->why[0] != '\0')
		return bh_fail(err, BH_INVALID, "%s cannot be used: %s", to->account.code, to->why);
	if (to->account.broken[0] != '\0')
		return bh_fail(err, BH_INVALID, "%s has to be connected again: %s",
		    to->account.code, to->account.broken);
	return 0;
}

static int
open_work(struct preview_work *work, bool is_all, struct bh_err *err)
{
	struct store_txn *txn;
	int rc = setup_load(work->context->store, work->context->key, &work->setup, err);

	if (rc < 0)
		return -1;
	txn = store_begin(work->context->store);
	rc = try_sync(work, txn, err);
	store_free(&txn);
	if (rc == 0)
		rc = check_connection(work->sync->to, err);
	if (rc == 0)
		rc = lane_open(work->context, work->setup, work->sync->to, &work->lane, err);
	if (rc < 0)
		return -1;
	work->is_open = true;
	work->hooks = (struct lane_preview){is_all ? is_coming_in_all : is_coming_for_one,
	    is_all ? is_given_in_all : is_given_to_none, work};
	work->lane.preview = &work->hooks;
	return 0;
}

/* -- of all -- */

struct turn {
	struct preview_work *work;
	struct preview *preview;
	const struct bh_err *why;
	int64_t total;
};

/* Run change() on the stored state, if it is still this run of it. */
static int
change_state(struct turn *turn, int (*change)(struct store_txn *txn, void *arg, struct bh_err *err),
    struct bh_err *err)
{
	int rc = store_run(turn->work->context->store, change, turn, NULL, err);

	return rc < 0 ? -1 : 0;
}

/* 1: it is not to go on. */
static int
load_same(struct store_txn *txn, struct turn *turn, struct bh_err *err)
{
	int64_t run = turn->preview->run;

	if (preview_load(txn, turn->work->code, turn->preview, err) < 0)
		return -1;
	return turn->preview->run != run || turn->preview->state != PREVIEW_RUNNING;
}

/* An empty row of totals for each mapped object. */
static json_t *
make_objects(const struct preview_work *work)
{
	const struct map_object *objects;
	size_t n = map_objects(work->sync->map, &objects);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		struct bh_buf to = BH_BUF_INIT(1024);

		map_object_to(work->sync->map, i, work->sync->account.settings, &to, NULL);
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:o, s:{}, s:{}}", "name", objects[i].name, "from",
			object_kind_name(objects[i].from), "to", bh_json_string(bh_buf_str(&to)),
			"counts", "rules"));
		bh_buf_release(&to);
	}
	return list;
}

static int
save_start(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	struct preview *preview = turn->preview;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	preview->is_clearing = false;
	preview->is_draft = turn->work->is_draft;
	preview->total = turn->total;
	memcpy(preview->digest, turn->work->digest, sizeof(preview->digest));
	json_decref(preview->objects);
	preview->objects = make_objects(turn->work);
	preview_save(txn, turn->work->code, preview);
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

/* What an older one left goes, and what is to be looked at is counted. */
static int
start(struct turn *turn, struct bh_err *err)
{
	struct preview_work *work = turn->work;

	if (drop_pages(work->context->store, work->code, preview_drop_results, err) < 0 ||
	    preview_count(work, &turn->total, err) < 0)
		return -1;
	return change_state(turn, save_start, err);
}

static int
save_wait(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	struct preview *preview = turn->preview;
	int64_t wait_ms =
	    turn->why->retry_after_s > 0 ? turn->why->retry_after_s * INT64_C(1000) : PAUSE_MS;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	preview->calls += turn->work->lane.config.calls - turn->work->calls;
	if (preview->failing_ms == 0 && turn->why->code != BH_LIMITED)
		preview->failing_ms = bh_now_ms();
	preview->waits_until_ms = bh_now_ms() + wait_ms;
	snprintf(preview->note, sizeof(preview->note), "%s", turn->why->text);
	preview_save(txn, turn->work->code, preview);
	return 0;
}

static int
save_failure(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct turn *turn = arg;
	int rc = load_same(txn, turn, err);

	if (rc != 0)
		return rc;
	turn->preview->calls += turn->work->lane.config.calls - turn->work->calls;
	turn->preview->state = PREVIEW_FAILED;
	turn->preview->waits_until_ms = 0;
	snprintf(turn->preview->note, sizeof(turn->preview->note), "%s", turn->why->text);
	preview_save(txn, turn->work->code, turn->preview);
	return 0;
}

static bool
is_passing(const struct turn *turn)
{
	const struct preview *preview = turn->preview;

	if (turn->why->code == BH_LIMITED)
		return true;
	return (turn->why->code == BH_UNAVAILABLE || turn->why->code == BH_UNCERTAIN) &&
	       (preview->failing_ms == 0 || bh_now_ms() - preview->failing_ms < PATIENCE_MS);
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
	bh_log_err(BH_WARN, turn->why, "preview of %s", turn->work->code);
	if (!is_passing(turn))
		return change_state(turn, save_failure, err);
	if (change_state(turn, save_wait, err) < 0)
		return -1;
	outcome->again_ms = turn->preview->waits_until_ms;
	return 0;
}

/* Does a person wait for a single object? */
static bool
is_asked(const struct preview_work *work)
{
	struct store_txn *txn = store_begin(work->context->store);
	json_t *ask = NULL;
	bool is_open =
	    preview_asked(txn, work->code, &ask, NULL) > 0 && bh_is_json_true(ask, "open");

	json_decref(ask);
	store_free(&txn);
	return is_open;
}

static int
run_pages(struct turn *turn, struct sync_outcome *outcome, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + SLICE_MS;
	bool is_over = false;
	int rc = 0;

	if (turn->preview->is_clearing)
		rc = start(turn, err);
	else if (strcmp(turn->preview->digest, turn->work->digest) != 0)
		rc = bh_fail(err, BH_INVALID,
		    "The mapping or the settings were changed meanwhile: begin again.");
	is_over = turn->preview->state != PREVIEW_RUNNING;
	while (rc == 0 && !is_over) {
		rc = throttle_check(&turn->work->lane, err);
		if (rc == 0)
			rc = preview_page(turn->work, turn->preview, &is_over, err);
		if (rc == 0 && !is_over &&
		    (bh_mono_ms() > end_ms || sync_is_stopping(turn->work->context) ||
			is_asked(turn->work))) {
			outcome->again_ms = bh_now_ms();
			break;
		}
		outcome->handled++;
	}
	return rc;
}

static int
run_all(const struct sync_context *context, const char *sync, struct preview *preview,
    struct sync_outcome *outcome, struct bh_err *err)
{
	struct preview_work work = {.context = context, .code = sync};
	struct bh_err why = BH_ERR_INIT;
	struct turn turn = {.work = &work, .preview = preview, .why = &why};
	int rc = open_work(&work, true, &why);

	if (rc == 0)
		rc = run_pages(&turn, outcome, &why);
	if (rc < 0)
		rc = settle_failure(&turn, outcome, err);
	if (rc == 0 && preview->state == PREVIEW_DONE)
		rc = drop_pages(context->store, sync, preview_drop_marks, err);
	close_work(&work);
	return rc;
}

/* -- of one -- */

static int
look_at(struct preview_work *work, size_t place, const struct mirror_id *id, json_t *title,
    json_t *parts, struct bh_err *err)
{
	const struct map_object *objects;
	struct link_dirty_entry entry;
	struct render_item item = {0};
	json_t *doc = NULL;
	int rc;

	map_objects(work->sync->map, &objects);
	entry =
	    (struct link_dirty_entry){.id = {work->sync->account.to, objects[place].rank,
					  work->code, objects[place].name, id->account, id->id}};
	rc = render_batch(&work->lane, &entry, 1, &item, err);
	if (rc == 0)
		rc = preview_documents(work, place, &item, 1, &title, &doc, err);
	if (rc == 0 && work->failure.code != BH_OK)
		rc = bh_fail(err, work->failure.code, "%s", work->failure.text);
	if (rc == 0)
		json_array_append(parts, doc);
	json_decref(doc);
	render_release(&item, 1);
	return rc;
}

/* What it is made of: the object itself, or the invoice of a line. */
static int
title_of(struct preview_work *work, const struct mirror_id *id, json_t **title_r,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(work->context->store);
	struct object_state object = {0};
	int rc = 1;

	*title_r = NULL;
	if (!is_object_virtual(id->kind))
		rc = mirror_get(txn, id, false, &object, err);
	if (rc > 0)
		*title_r = preview_title(object.fields, id->id);
	mirror_object_release(&object);
	store_free(&txn);
	return rc > 0   ? 0
	       : rc < 0 ? -1
			: bh_fail(err, BH_INVALID, "There is no %s %.100s.",
			      object_kind_name(id->kind), id->id);
}

static int
look_at_all(struct preview_work *work, const struct mirror_id *id, json_t *parts,
    struct bh_err *err)
{
	const struct map_object *objects;
	size_t n = map_objects(work->sync->map, &objects);
	json_t *title;
	int rc = title_of(work, id, &title, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		if (objects[i].from == id->kind)
			rc = look_at(work, i, id, title, parts, err);
	if (rc == 0 && json_array_size(parts) == 0)
		rc = bh_fail(err, BH_INVALID, "The mapping makes no record of a %s.",
		    object_kind_name(id->kind));
	json_decref(title);
	return rc;
}

struct answer {
	const char *sync;
	json_t *ask;
};

/* Unless something else was asked for meanwhile. */
static int
save_answer(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct answer *answer = arg;
	json_t *stored;
	int rc = preview_asked(txn, answer->sync, &stored, err);
	bool is_same =
	    rc > 0 && bh_is_json_true(stored, "open") &&
	    json_equal(json_object_get(stored, "asked"), json_object_get(answer->ask, "asked")) &&
	    json_equal(json_object_get(stored, "id"), json_object_get(answer->ask, "id"));

	json_decref(stored);
	if (rc < 0)
		return -1;
	if (is_same)
		preview_asked_save(txn, answer->sync, answer->ask);
	return !is_same;
}

/* A person waits for it: what cannot be told now is told as it is. */
static int
answer_one(const struct sync_context *context, const char *sync, json_t *ask, struct bh_err *err)
{
	struct preview_work work = {.context = context, .code = sync};
	const char *kind = bh_json_str(ask, "kind"), *account = bh_json_str(ask, "account"),
		   *id = bh_json_str(ask, "id");
	struct mirror_id of = {"", account != NULL ? account : "",
	    object_kind_of(kind != NULL ? kind : ""), id != NULL ? id : ""};
	struct answer answer = {sync, ask};
	struct bh_err why = BH_ERR_INIT;
	json_t *parts = json_array();
	int rc = open_work(&work, false, &why);

	if (rc == 0)
		rc = throttle_check(&work.lane, &why);
	if (rc == 0) {
		of.connection = work.sync->account.from;
		rc = look_at_all(&work, &of, parts, &why);
	}
	json_object_set_new(ask, "open", json_false());
	json_object_set_new(ask, "done", json_integer((json_int_t)bh_now_ms()));
	json_object_set_new(ask, "error", bh_json_string(rc < 0 ? why.text : ""));
	json_object_set_new(ask, "parts", rc == 0 ? json_incref(parts) : json_array());
	json_object_set_new(ask, "calls",
	    json_integer((json_int_t)(work.is_open ? work.lane.config.calls : 0)));
	json_object_set_new(ask, "draft", json_boolean(work.is_draft));
	json_object_set_new(ask, "digest", json_string(work.digest));
	json_decref(parts);
	close_work(&work);
	return store_run(context->store, save_answer, &answer, NULL, err) < 0 ? -1 : 0;
}

/* -- the job -- */

struct wanted {
	bool is_sync;
	json_t *ask; /* NULL, or it is not open */
	struct preview preview;
};

static int
load_wanted(const struct sync_context *context, const char *sync, struct wanted *wanted,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct account_sync account;
	int rc = account_sync_load(txn, sync, &account, err);

	wanted->is_sync = rc > 0;
	if (rc > 0)
		account_sync_release(&account);
	if (rc >= 0)
		rc = preview_asked(txn, sync, &wanted->ask, err);
	if (rc >= 0)
		rc = preview_load(txn, sync, &wanted->preview, err);
	store_free(&txn);
	return rc < 0 ? -1 : 0;
}

int
preview_run(const struct sync_context *context, const char *sync, struct sync_outcome *outcome,
    struct bh_err *err)
{
	struct wanted wanted = {.preview = PREVIEW_INIT};
	int rc = load_wanted(context, sync, &wanted, err);

	*outcome = (struct sync_outcome){.again_ms = -1};
	if (rc == 0 && !wanted.is_sync)
		rc = drop_pages(context->store, sync, preview_drop, err);
	if (rc == 0 && wanted.is_sync && bh_is_json_true(wanted.ask, "open"))
		rc = answer_one(context, sync, wanted.ask, err);
	if (rc == 0 && wanted.is_sync && wanted.preview.state == PREVIEW_RUNNING &&
	    sync_is_ahead(wanted.preview.waits_until_ms))
		outcome->again_ms = wanted.preview.waits_until_ms;
	else if (rc == 0 && wanted.is_sync && wanted.preview.state == PREVIEW_RUNNING)
		rc = run_all(context, sync, &wanted.preview, outcome, err);
	json_decref(wanted.ask);
	preview_release(&wanted.preview);
	return rc;
}

int
preview_forget(struct store *store, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	json_t *codes, *code;
	size_t i;
	int rc = preview_syncs(txn, &codes, err);

	store_free(&txn);
	json_array_foreach (codes, i, code)
		if (rc == 0)
			rc = drop_pages(store, json_string_value(code), preview_drop, err);
	json_decref(codes);
	return rc;
}
