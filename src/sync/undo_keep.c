/* See undo_keep.h. */
#include "base/base.h"

#include "sync/undo_keep.h"

#include "base/clock.h"
#include "base/proc.h"
#include "sync/conflict.h"
#include "sync/held.h"
#include "sync/render_internal.h"
#include "sync/undo.h"

#define DAYS_MAX 365
#define DAYS_DEFAULT 30
#define CUT_NAMES 40    /* fields that are named as too long */
#define DIGESTS_MAX 400 /* fields of a new record */

int64_t
undo_days(const struct account_sync *sync)
{
	int64_t days = bh_json_int(sync->settings, UNDO_SETTING, DAYS_DEFAULT);

	return days < 0 ? 0 : days > DAYS_MAX ? DAYS_MAX : days;
}

/* -- whether -- */

static bool
is_made_since(const struct link *link, int64_t began_ms)
{
	for (size_t i = 0; i < LINK_PAST_MAX && link->past[i].what != LINK_NOTHING; i++)
		if (link->past[i].what == LINK_CREATED && link->past[i].at_ms >= began_ms)
			return true;
	return false;
}

/* What happened is sent once: there is nothing to be put back. */
static bool
is_event(const struct lane *lane, const struct record *record)
{
	return lane->driver->object_traits != NULL &&
	       (lane->driver->object_traits(record->object) & DEST_OBJECT_EVENT) != 0;
}

static enum render_undo
way_of(const struct lane *lane, const struct render_item *item, const struct undo_run *run)
{
	const struct record *record = item->record;

	if (is_event(lane, record))
		return RENDER_UNDO_NOT;
	if (record->remote_id == NULL || record->remote_id[0] == '\0')
		return RENDER_UNDO_NEW;
	if (run->number != 0 && !item->is_adopted && is_made_since(&item->link, run->began_ms))
		return RENDER_UNDO_AGAIN;
	return RENDER_UNDO_OLD;
}

static bool
is_of(const struct render_item *item, const struct setup_sync *sync)
{
	return is_render_sending(item) && item->entry != NULL &&
	       strcmp(item->entry->id.sync, sync->account.code) == 0;
}

int
undo_plan(const struct lane *lane, struct render_item *items, size_t n, struct bh_err *err)
{
	const struct setup *setup = lane->setup;
	int rc = 0;

	if (lane->preview != NULL)
		return 0;
	for (size_t k = 0; k < setup->syncs_n && rc >= 0; k++) {
		const struct setup_sync *sync = &setup->syncs[k];
		struct store_txn *txn;
		struct undo_run run;

		if (sync->to != lane->connection || undo_days(&sync->account) == 0)
			continue;
		txn = store_begin(lane->context->store);
		rc = undo_run_now(txn, sync->account.code, bh_now_ms(), &run, err);
		store_free(&txn);
		for (size_t i = 0; i < n && rc >= 0; i++)
			if (is_of(&items[i], sync))
				items[i].undo = way_of(lane, &items[i], &run);
	}
	return rc < 0 ? -1 : 0;
}

/* Associations are no fields; a sandbox knows none. */
const char *
undo_lookup(const struct lane *lane, const struct record_parent *parent)
{
	unsigned caps = lane->driver->caps;

	if ((caps & DEST_CAP_LINK_BY_KEY) == 0 || (caps & DEST_CAP_KEEP) != 0 ||
	    parent->field[0] == '\0')
		return NULL;
	return parent->field;
}

/* -- entries -- */

struct draft {
	json_t *fields, *cut;
	size_t bytes;
};

static size_t
size_of(const json_t *value)
{
	struct bh_buf text = BH_BUF_INIT(SIZE_MAX / 2);
	size_t len;

	if (value != NULL)
		bh_json_add(&text, value);
	len = text.len;
	bh_buf_release(&text);
	return len;
}

/* before NULL: not known; after NULL: not known yet. */
static void
add_field(struct draft *draft, const char *name, enum record_type type, json_t *before,
    json_t *after)
{
	size_t bytes = strlen(name) + size_of(before) + size_of(after);

	if (draft->bytes + bytes > UNDO_ENTRY_MAX) {
		if (json_array_size(draft->cut) < CUT_NAMES)
			json_array_append_new(draft->cut, bh_json_string(name));
		return;
	}
	draft->bytes += bytes;
	json_object_set_new(draft->fields, name,
	    json_pack("{s:i, s:O*, s:O*}", "t", (int)type, "b", before, "a", after));
}

static void
add_fields(struct draft *draft, const struct render_item *item)
{
	const struct record *record = item->record;

	for (size_t i = 0; i < record->fields_n; i++) {
		const struct record_field *field = &record->fields[i];
		json_t *before = json_object_get(item->before, field->name);

		if (before == NULL || !is_held_alike(field->type, before, field->value))
			add_field(draft, field->name, field->type, before, field->value);
	}
}

/* Lookups hold ids; that of a parent in the same batch is known when it is there. */
static void
add_lookups(struct draft *draft, const struct lane *lane, const struct render_item *item)
{
	const struct record *record = item->record;

	for (size_t i = 0; i < record->parents_n; i++) {
		const struct record_parent *parent = &record->parents[i];
		const char *name = undo_lookup(lane, parent);
		json_t *before = name != NULL ? json_object_get(item->before, name) : NULL;
		json_t *after = parent->remote_id != NULL ? json_string(parent->remote_id) : NULL;

		if (before != NULL && (after == NULL || !is_held_alike(RECORD_TEXT, before, after)))
			add_field(draft, name, RECORD_TEXT, before, after);
		json_decref(after);
	}
}

static json_t *
digests_of(const struct record *record)
{
	char digest[CONFLICT_DIGEST + 1];
	struct bh_buf text = BH_BUF_INIT(2 * CONFLICT_DIGEST * DIGESTS_MAX + 1);
	json_t *json;

	for (size_t i = 0; i < record->fields_n && i < DIGESTS_MAX; i++) {
		json_t *name = bh_json_string(record->fields[i].name);

		conflict_digest(digest, RECORD_BOOL, name);
		bh_buf_adds(&text, digest);
		conflict_digest(digest, record->fields[i].type, record->fields[i].value);
		bh_buf_adds(&text, digest);
		json_decref(name);
	}
	json = json_string(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

static json_t *
base_entry(const struct render_item *item, const char *is)
{
	const struct record *record = item->record;
	const char *id = record->remote_id != NULL ? record->remote_id : "";

	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "is", is, "to",
	    bh_json_string(record->object), "rid", bh_json_string(id), "kf",
	    bh_json_string(record->key_field), "k", bh_json_string(record->key));
}

/* NULL: nothing is written over. */
static json_t *
old_entry(const struct lane *lane, const struct render_item *item)
{
	struct draft draft = {json_object(), json_array(), 0};
	json_t *entry = NULL;

	if (item->before == NULL) {
		entry = base_entry(item, "blind");
	} else {
		add_fields(&draft, item);
		add_lookups(&draft, lane, item);
		if (json_object_size(draft.fields) > 0 || json_array_size(draft.cut) > 0) {
			entry = base_entry(item, "old");
			json_object_set(entry, "f", draft.fields);
		}
		if (json_array_size(draft.cut) > 0)
			json_object_set(entry, "cut", draft.cut);
	}
	json_decref(draft.cut);
	json_decref(draft.fields);
	return entry;
}

static json_t *
entry_of(const struct lane *lane, const struct render_item *item)
{
	json_t *entry;

	if (item->undo == RENDER_UNDO_OLD)
		return old_entry(lane, item);
	entry = base_entry(item, item->undo == RENDER_UNDO_NEW ? "new" : "again");
	json_object_set_new(entry, "d", digests_of(item->record));
	return entry;
}

/* -- before they travel -- */

struct batch {
	struct lane *lane;
	const struct setup_sync *sync;
	struct render_item *items;
	const bool *is_sent;
	const struct dest_result *results;
	size_t n;
};

static bool
is_meant(const struct batch *b, size_t i)
{
	const struct render_item *item = &b->items[i];

	return is_of(item, b->sync) && item->undo != RENDER_UNDO_NOT &&
	       (b->is_sent == NULL || b->is_sent[i]);
}

/* A connection that was never written to is written to for the first time. */
static enum undo_cause
cause_of(const struct lane *lane)
{
	return lane->condition.last_push_ms == 0 ? UNDO_FIRST : UNDO_CHANGES;
}

static int
mean_batch(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct batch *b = arg;
	const char *sync = b->sync->account.code;
	int64_t now = bh_now_ms(), at_ms;
	struct undo_run run;
	size_t count = 0;

	if (undo_run_open(txn, sync, cause_of(b->lane), now, &run, err) < 0 ||
	    undo_tick(txn, sync, &run, now, &at_ms, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		struct render_item *item = &b->items[i];

		item->undo_ms = is_of(item, b->sync) ? 0 : item->undo_ms;
		if (!is_meant(b, i))
			continue;
		json_decref(item->kept_entry);
		item->kept_entry = entry_of(b->lane, item);
		if (item->kept_entry == NULL)
			continue;
		json_object_set_new(item->kept_entry, "run", json_integer((json_int_t)run.number));
		undo_put(txn, &item->entry->id, at_ms, item->kept_entry);
		item->undo_ms = at_ms;
		count++;
	}
	undo_run_save(txn, sync, &run);
	return count == 0;
}

static int
each_sync(struct lane *lane, struct batch *b,
    int (*step)(struct store_txn *txn, void *arg, struct bh_err *err),
    bool (*has)(const struct batch *b, size_t i), struct bh_err *err)
{
	int rc = 0;

	for (size_t k = 0; k < lane->setup->syncs_n && rc >= 0; k++) {
		bool is_any = false;

		b->sync = &lane->setup->syncs[k];
		for (size_t i = 0; i < b->n && !is_any; i++)
			is_any = has(b, i);
		if (is_any)
			rc = store_run(lane->context->store, step, b, NULL, err);
	}
	return rc < 0 ? -1 : 0;
}

int
undo_mean(struct lane *lane, struct render_item *items, size_t n, const bool *is_sent,
    struct bh_err *err)
{
	struct batch b = {.lane = lane, .items = items, .is_sent = is_sent, .n = n};
	int rc = each_sync(lane, &b, mean_batch, is_meant, err);

	bh_fault("undo-meant");
	return rc;
}

/* -- when they are there -- */

static bool
is_written(const struct dest_result *result)
{
	return result->outcome == DEST_APPLIED || result->outcome == DEST_UNCHANGED;
}

/* Nobody knows, or a part of it is there. */
static bool
is_open(const struct dest_result *result)
{
	return result->outcome == DEST_UNCERTAIN || result->outcome == DEST_UNKNOWN ||
	       result->remote_id[0] != '\0';
}

static bool
is_kept(const struct batch *b, size_t i)
{
	const struct render_item *item = &b->items[i];

	return item->undo_ms != 0 && strcmp(item->entry->id.sync, b->sync->account.code) == 0;
}

/* The id of a parent that was sent in the same batch; NULL. */
static const char *
sent_parent(const struct batch *b, const struct record_parent *parent)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct record *record = b->items[i].record;

		if (record != NULL && is_written(&b->results[i]) &&
		    strcmp(record->key, parent->key) == 0 &&
		    strcmp(record->object, parent->object) == 0)
			return b->results[i].remote_id;
	}
	return NULL;
}

static bool
has_set_lookups(const struct batch *b, const struct render_item *item, json_t *entry)
{
	const struct record *record = item->record;
	bool is_any = false;

	for (size_t i = 0; i < record->parents_n; i++) {
		const char *name = undo_lookup(b->lane, &record->parents[i]), *id;
		json_t *field =
		    name != NULL ? json_object_get(json_object_get(entry, "f"), name) : NULL;

		if (field == NULL || json_object_get(field, "a") != NULL)
			continue;
		id = sent_parent(b, &record->parents[i]);
		if (id != NULL)
			json_object_set_new(field, "a", json_string(id));
		is_any = is_any || id != NULL;
	}
	return is_any;
}

/* Is there more to be said than was stored before? */
static bool
is_completed(const struct batch *b, size_t i, json_t *entry)
{
	const struct dest_result *result = &b->results[i];
	const char *is = bh_json_str(entry, "is");

	if (is == NULL || strcmp(is, "new") != 0)
		return has_set_lookups(b, &b->items[i], entry);
	json_object_set_new(entry, "rid", bh_json_string(result->remote_id));
	json_object_set_new(entry, "sure", json_true());
	if (!result->created)
		json_object_set_new(entry, "is", json_string("blind"));
	return true;
}

static int
confirm(struct store_txn *txn, const struct batch *b, size_t i, struct undo_run *run,
    struct bh_err *err)
{
	struct render_item *item = &b->items[i];
	const struct link_id *id = &item->entry->id;
	json_t *entry = json_incref(item->kept_entry);
	int rc = entry != NULL ? 1 : undo_get(txn, id, item->undo_ms, &entry, err);

	if (rc <= 0)
		return rc;
	if (is_completed(b, i, entry))
		undo_put(txn, id, item->undo_ms, entry);
	run->records++;
	run->created += b->results[i].created;
	run->fields += (int64_t)json_object_size(json_object_get(entry, "f"));
	json_decref(entry);
	return 0;
}

/* The run that they were meant in: it may be that of another process' push before. */
static int
load_run(struct store_txn *txn, const struct batch *b, struct undo_run *run, struct bh_err *err)
{
	json_t *entry = NULL;
	int rc = 0;

	for (size_t i = 0; i < b->n && entry == NULL && rc >= 0; i++) {
		if (!is_kept(b, i))
			continue;
		entry = json_incref(b->items[i].kept_entry);
		if (entry == NULL)
			rc =
			    undo_get(txn, &b->items[i].entry->id, b->items[i].undo_ms, &entry, err);
	}
	memset(run, 0, sizeof(*run));
	if (rc >= 0 && entry != NULL)
		rc = undo_run_load(txn, b->sync->account.code, bh_json_int(entry, "run", 0), run,
		    err);
	json_decref(entry);
	return rc < 0 ? -1 : 0;
}

static int
confirm_batch(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct batch *b = arg;
	struct undo_run run;
	int rc = load_run(txn, b, &run, err);

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		const struct render_item *item = &b->items[i];

		if (!is_kept(b, i))
			continue;
		if (is_written(&b->results[i]))
			rc = confirm(txn, b, i, &run, err);
		else if (!is_open(&b->results[i]))
			undo_delete(txn, &item->entry->id, item->undo_ms);
	}
	if (rc == 0 && run.number != 0)
		undo_run_save(txn, b->sync->account.code, &run);
	return rc;
}

int
undo_confirm(struct lane *lane, struct render_item *items, const struct dest_result *results,
    size_t n, struct bh_err *err)
{
	struct batch b = {.lane = lane, .items = items, .results = results, .n = n};

	return each_sync(lane, &b, confirm_batch, is_kept, err);
}
