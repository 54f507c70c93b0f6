/*
 * Putting back: see revert.h for its states.
 *
 * Keys: Us <sync> the state; Ud <sync> <number> a record.  Values are JSON.
 */
#include "base/base.h"

#include "state/revert.h"

#include "base/text.h"
#include "state/queue.h"
#include "store/key.h"

#define DOC_MAX (1u << 20)

static const char *const state_names[REVERT__MAX] = {"none", "looking", "looked", "doing", "done",
    "stopped", "failed"};

const char *
revert_state_name(enum revert_state state)
{
	return state < REVERT__MAX ? state_names[state] : state_names[REVERT_NONE];
}

void
revert_release(struct revert *revert)
{
	bh_buf_release(&revert->after);
	*revert = (struct revert)REVERT_INIT;
}

static void
key_state(struct key *key, const char *sync)
{
	key_begin(key, "Us");
	key_text(key, sync);
}

static void
key_row(struct key *key, const char *sync, int64_t number)
{
	key_begin(key, "Ud");
	key_text(key, sync);
	key_u64(key, (uint64_t)number);
}

static void
write_doc(struct store_txn *txn, const struct key *key, const json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
}

/* The numbers, once, for reading and writing. */
static const struct number {
	const char *name;
	size_t offset;
} numbers[] = {
    {"turn", offsetof(struct revert, turn)},
    {"what_run", offsetof(struct revert, what.run)},
    {"what_from", offsetof(struct revert, what.from_ms)},
    {"what_until", offsetof(struct revert, what.until_ms)},
    {"total", offsetof(struct revert, total)},
    {"seen", offsetof(struct revert, seen)},
    {"kept", offsetof(struct revert, kept)},
    {"run", offsetof(struct revert, run)},
    {"started", offsetof(struct revert, started_ms)},
    {"looked", offsetof(struct revert, looked_ms)},
    {"ended", offsetof(struct revert, ended_ms)},
    {"calls", offsetof(struct revert, calls)},
    {"waits_until", offsetof(struct revert, waits_until_ms)},
    {"failing", offsetof(struct revert, failing_ms)},
};
static const struct number counts[] = {
    {"records", offsetof(struct revert_counts, records)},
    {"back", offsetof(struct revert_counts, back)},
    {"same", offsetof(struct revert_counts, same)},
    {"left", offsetof(struct revert_counts, left)},
    {"gone", offsetof(struct revert_counts, gone)},
    {"made", offsetof(struct revert_counts, made)},
    {"removed", offsetof(struct revert_counts, removed)},
    {"refused", offsetof(struct revert_counts, refused)},
    {"fields", offsetof(struct revert_counts, fields)},
    {"changed", offsetof(struct revert_counts, changed)},
    {"unknown", offsetof(struct revert_counts, unknown)},
    {"unseen", offsetof(struct revert_counts, unseen)},
};

static void
take_numbers(void *to, const struct number *table, size_t n, const json_t *doc)
{
	for (size_t i = 0; i < n; i++)
		*(int64_t *)(void *)((char *)to + table[i].offset) =
		    bh_json_int(doc, table[i].name, 0);
}

static void
put_numbers(json_t *doc, const struct number *table, size_t n, const void *from)
{
	for (size_t i = 0; i < n; i++)
		json_object_set_new(doc, table[i].name,
		    json_integer((json_int_t) * (const int64_t *)(const void *)((const char *)from +
										table[i].offset)));
}

static void
read_hex(struct bh_buf *bytes, const char *hex)
{
	unsigned char raw[STORE_KEY_MAX + 1];
	size_t len = hex != NULL ? strlen(hex) / 2 : 0;

	bh_buf_reset(bytes);
	if (len <= sizeof(raw) && len > 0 && bh_is_hex_decoded(raw, len, hex))
		bh_buf_add(bytes, raw, len);
}

static void
take_doc(struct revert *revert, const json_t *doc)
{
	int64_t state = bh_json_int(doc, "state", 0);

	revert->state = state >= 0 && state < REVERT__MAX ? (enum revert_state)state : REVERT_NONE;
	take_numbers(revert, numbers, BH_LEN(numbers), doc);
	take_numbers(&revert->look, counts, BH_LEN(counts), json_object_get(doc, "look"));
	take_numbers(&revert->done, counts, BH_LEN(counts), json_object_get(doc, "done"));
	revert->is_doing = bh_is_json_true(doc, "is_doing");
	revert->is_clearing = bh_is_json_true(doc, "clearing");
	revert->what.removes = bh_is_json_true(doc, "removes");
	bh_json_copy(revert->what.object, sizeof(revert->what.object), doc, "object");
	bh_json_copy(revert->what.account, sizeof(revert->what.account), doc, "account");
	bh_json_copy(revert->what.id, sizeof(revert->what.id), doc, "id");
	bh_json_copy(revert->by, sizeof(revert->by), doc, "by");
	bh_json_copy(revert->note, sizeof(revert->note), doc, "note");
	read_hex(&revert->after, bh_json_str(doc, "after"));
}

int
revert_load(struct store_txn *txn, const char *sync, struct revert *revert, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	json_t *doc = NULL;
	struct key key;
	int rc;

	revert_release(revert);
	key_state(&key, sync);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0 && (doc = json_loadb(value.data, value.len, 0, NULL)) == NULL)
		rc = bh_fail(err, BH_STORAGE, "what is put back cannot be read");
	if (rc > 0)
		take_doc(revert, doc);
	json_decref(doc);
	bh_buf_release(&value);
	return rc;
}

static json_t *
counts_json(const struct revert_counts *of)
{
	json_t *doc = json_object();

	put_numbers(doc, counts, BH_LEN(counts), of);
	return doc;
}

void
revert_save(struct store_txn *txn, const char *sync, const struct revert *revert)
{
	const struct revert_what *what = &revert->what;
	char hex[2 * (STORE_KEY_MAX + 1) + 1];
	json_t *doc;
	struct key key;

	bh_hex(hex, bh_buf_str(&revert->after), revert->after.len);
	doc = json_pack("{s:i, s:b, s:b, s:b, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state",
	    (int)revert->state, "is_doing", revert->is_doing, "clearing", revert->is_clearing,
	    "removes", what->removes, "after", hex, "object", bh_json_string(what->object),
	    "account", bh_json_string(what->account), "id", bh_json_string(what->id), "by",
	    bh_json_string(revert->by), "note", bh_json_string(revert->note), "look",
	    counts_json(&revert->look), "done", counts_json(&revert->done));
	put_numbers(doc, numbers, BH_LEN(numbers), revert);
	key_state(&key, sync);
	write_doc(txn, &key, doc);
	json_decref(doc);
}

/* -- buttons -- */

static bool
is_running(const struct revert *revert)
{
	return revert->state == REVERT_LOOKING || revert->state == REVERT_DOING;
}

int
revert_look(struct store_txn *txn, const char *sync, const struct revert_what *what, const char *by,
    int64_t now_ms, struct bh_err *err)
{
	struct revert old = REVERT_INIT, fresh = REVERT_INIT;
	int rc = revert_load(txn, sync, &old, err);

	if (rc >= 0 && is_running(&old))
		rc = bh_fail(err, BH_INVALID,
		    "Values of this sync are being put back: stop that first.");
	if (rc >= 0) {
		fresh.state = REVERT_LOOKING;
		fresh.turn = old.turn + 1;
		fresh.is_clearing = true;
		fresh.what = *what;
		fresh.started_ms = now_ms;
		snprintf(fresh.by, sizeof(fresh.by), "%s", by);
		revert_save(txn, sync, &fresh);
		queue_wake(txn, REVERT_JOB, sync, now_ms);
	}
	revert_release(&old);
	return rc < 0 ? -1 : 0;
}

int
revert_do(struct store_txn *txn, const char *sync, const char *dest, int64_t turn, const char *by,
    int64_t now_ms, struct bh_err *err)
{
	struct revert revert = REVERT_INIT;
	int rc = revert_load(txn, sync, &revert, err);

	if (rc >= 0 && (revert.state != REVERT_LOOKED || revert.turn != turn))
		rc = bh_fail(err, BH_INVALID,
		    "This is not what was looked at last: look at it once more, then do it.");
	if (rc > 0) {
		revert.state = REVERT_DOING;
		revert.is_doing = revert.is_clearing = true;
		revert.seen = revert.kept = 0;
		bh_buf_reset(&revert.after);
		snprintf(revert.by, sizeof(revert.by), "%s", by);
		revert_save(txn, sync, &revert);
		queue_wake(txn, "push", dest, now_ms);
	}
	revert_release(&revert);
	return rc < 0 ? -1 : 0;
}

int
revert_stop(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	struct revert revert = REVERT_INIT;
	int rc = revert_load(txn, sync, &revert, err);

	if (rc >= 0 && !is_running(&revert))
		rc = bh_fail(err, BH_INVALID, "It does not run.");
	if (rc > 0) {
		revert.state = REVERT_STOPPED;
		revert.note[0] = '\0';
		revert_save(txn, sync, &revert);
	}
	revert_release(&revert);
	return rc < 0 ? -1 : 0;
}

int
revert_go_on(struct store_txn *txn, const char *sync, const char *dest, int64_t now_ms,
    struct bh_err *err)
{
	struct revert revert = REVERT_INIT;
	int rc = revert_load(txn, sync, &revert, err);

	if (rc >= 0 && revert.state != REVERT_STOPPED && revert.state != REVERT_FAILED)
		rc = bh_fail(err, BH_INVALID, "It was not stopped.");
	if (rc > 0) {
		revert.state = revert.is_doing ? REVERT_DOING : REVERT_LOOKING;
		revert.waits_until_ms = revert.failing_ms = 0;
		revert.note[0] = '\0';
		revert_save(txn, sync, &revert);
		queue_wake(txn, revert.is_doing ? "push" : REVERT_JOB,
		    revert.is_doing ? dest : sync, now_ms);
	}
	revert_release(&revert);
	return rc < 0 ? -1 : 0;
}

/* -- records -- */

void
revert_row_save(struct store_txn *txn, const char *sync, int64_t number, const json_t *row)
{
	struct key key;

	key_row(&key, sync, number);
	write_doc(txn, &key, row);
}

int
revert_rows(struct store_txn *txn, const char *sync, int64_t from, size_t max, json_t **rows_r,
    struct bh_err *err)
{
	const struct store_entry *entries;
	struct store_scan scan = {.max = max};
	struct key prefix, first;
	size_t n;
	bool more;

	*rows_r = json_array();
	key_begin(&prefix, "Ud");
	key_text(&prefix, sync);
	key_row(&first, sync, from);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	scan.from = first.data;
	scan.from_len = first.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct key_reader reader = {entries[i].key + prefix.len,
		    entries[i].key_len - prefix.len};
		json_t *row = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);
		uint64_t number;

		if (row == NULL || !is_key_u64(&reader, &number)) {
			json_decref(row);
			return bh_fail(err, BH_STORAGE,
			    "a record of what is put back cannot be read");
		}
		json_object_set_new(row, "number", json_integer((json_int_t)number));
		json_array_append_new(*rows_r, row);
	}
	return 0;
}

int
revert_drop_rows(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	return key_drop_page(txn, "Ud", sync, err);
}

int
revert_drop(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	int rc = revert_drop_rows(txn, sync, err);

	return rc <= 0 ? rc : key_drop_page(txn, "Us", sync, err);
}
