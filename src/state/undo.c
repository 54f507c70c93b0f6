/*
 * What Billhook wrote over: see undo.h for states and the entry.
 *
 * Keys: Ue <sync> <time> <object> <account> <id> an entry; Ui <sync> <object> <account> <id>
 * <time> the same by record, empty; Un <sync> <number> a run; Uc <sync> numbers and times
 * given out, the run that pushes go on with, a cause that waits.  Values are JSON; what does
 * not know a member takes it for zero.
 */
#include "base/base.h"

#include "state/undo.h"

#include "store/key.h"

#define VALUE_MAX (1u << 20)
#define RUNS_PAGE 500

static const char *const cause_names[UNDO__MAX] = {"changes", "first push", "re-sync", "repair",
    "undo"};

const char *
undo_cause_name(enum undo_cause cause)
{
	return cause < UNDO__MAX ? cause_names[cause] : cause_names[UNDO_CHANGES];
}

/* -- keys and values -- */

static void
key_entry(struct key *key, const struct link_id *id, int64_t at_ms)
{
	key_begin(key, "Ue");
	key_text(key, id->sync);
	key_u64(key, (uint64_t)at_ms);
	key_text(key, id->object);
	key_text(key, id->account);
	key_text(key, id->id);
}

static void
key_record(struct key *key, const struct link_id *id)
{
	key_begin(key, "Ui");
	key_text(key, id->sync);
	key_text(key, id->object);
	key_text(key, id->account);
	key_text(key, id->id);
}

static void
key_index(struct key *key, const struct link_id *id, int64_t at_ms)
{
	key_record(key, id);
	key_u64(key, (uint64_t)at_ms);
}

static void
key_run(struct key *key, const char *sync, int64_t number)
{
	key_begin(key, "Un");
	key_text(key, sync);
	key_u64(key, (uint64_t)number);
}

static void
put_doc(struct store_txn *txn, const struct key *key, const json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
}

static void
put_new_doc(struct store_txn *txn, const struct key *key, json_t *doc_take)
{
	put_doc(txn, key, doc_take);
	json_decref(doc_take);
}

/* 1 and a new reference, 0, -1. */
static int
get_doc(struct store_txn *txn, const struct key *key, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(VALUE_MAX);
	int rc = store_get(txn, key->data, key->len, &value, err);

	*doc_r = rc > 0 ? json_loadb(value.data, value.len, 0, NULL) : NULL;
	bh_buf_release(&value);
	if (rc > 0 && *doc_r == NULL)
		return bh_fail(err, BH_STORAGE, "what was written over cannot be read");
	return rc;
}

/* -- runs -- */

static void
take_run(struct undo_run *run, int64_t number, const json_t *doc)
{
	int64_t cause = bh_json_int(doc, "cause", 0);

	*run = (struct undo_run){.number = number,
	    .cause = cause > 0 && cause < UNDO__MAX ? (enum undo_cause)cause : UNDO_CHANGES,
	    .began_ms = bh_json_int(doc, "began", 0),
	    .last_ms = bh_json_int(doc, "last", 0),
	    .records = bh_json_int(doc, "records", 0),
	    .created = bh_json_int(doc, "created", 0),
	    .fields = bh_json_int(doc, "fields", 0),
	    .of = bh_json_int(doc, "of", 0),
	    .is_let_go = bh_is_json_true(doc, "let_go")};
	bh_json_copy(run->by, sizeof(run->by), doc, "by");
}

void
undo_run_save(struct store_txn *txn, const char *sync, const struct undo_run *run)
{
	struct key key;

	key_run(&key, sync, run->number);
	put_new_doc(txn, &key,
	    json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:b}", "cause", (int)run->cause,
		"began", (json_int_t)run->began_ms, "last", (json_int_t)run->last_ms, "records",
		(json_int_t)run->records, "created", (json_int_t)run->created, "fields",
		(json_int_t)run->fields, "of", (json_int_t)run->of, "by", bh_json_string(run->by),
		"let_go", run->is_let_go));
}

int
undo_run_load(struct store_txn *txn, const char *sync, int64_t number, struct undo_run *run,
    struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int rc;

	memset(run, 0, sizeof(*run));
	key_run(&key, sync, number);
	rc = get_doc(txn, &key, &doc, err);
	if (rc > 0)
		take_run(run, number, doc);
	json_decref(doc);
	return rc;
}

/* What was given out for a sync; new reference, empty where nothing was. */
static int
get_counters(struct store_txn *txn, const char *sync, struct key *key, json_t **doc_r,
    struct bh_err *err)
{
	int rc;

	key_begin(key, "Uc");
	key_text(key, sync);
	rc = get_doc(txn, key, doc_r, err);
	if (rc == 0)
		*doc_r = json_object();
	return rc < 0 ? -1 : 0;
}

static void
set_int(json_t *doc, const char *name, int64_t value)
{
	json_object_set_new(doc, name, json_integer((json_int_t)value));
}

/* Does it go on?  A clock that was turned back begins another one. */
static bool
is_same_run(const struct undo_run *run, int64_t now_ms)
{
	return run->number != 0 && now_ms >= run->began_ms &&
	       now_ms - run->last_ms <= UNDO_GAP_MS && now_ms - run->began_ms < UNDO_RUN_MS;
}

static bool
is_hinted(const json_t *doc, int64_t now_ms)
{
	int64_t at_ms = bh_json_int(doc, "hint_at", 0);

	return at_ms != 0 && at_ms <= now_ms && now_ms - at_ms < UNDO_HINT_MS;
}

static void
number_run(struct undo_run *run, json_t *doc, enum undo_cause cause, int64_t now_ms)
{
	int64_t number = bh_json_int(doc, "number", 0) + 1;

	*run = (struct undo_run){.number = number,
	    .cause = cause,
	    .began_ms = now_ms,
	    .last_ms = now_ms};
	set_int(doc, "number", number);
}

int
undo_run_open(struct store_txn *txn, const char *sync, enum undo_cause cause, int64_t now_ms,
    struct undo_run *run, struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int rc = 0;

	if (get_counters(txn, sync, &key, &doc, err) < 0)
		return -1;
	memset(run, 0, sizeof(*run));
	if (bh_json_int(doc, "run", 0) != 0)
		rc = undo_run_load(txn, sync, bh_json_int(doc, "run", 0), run, err);
	if (rc >= 0 && (is_hinted(doc, now_ms) || !is_same_run(run, now_ms))) {
		if (is_hinted(doc, now_ms))
			cause = (enum undo_cause)bh_json_int(doc, "hint", UNDO_RESYNC);
		number_run(run, doc, cause, now_ms);
		set_int(doc, "run", run->number);
		json_object_del(doc, "hint_at");
		put_doc(txn, &key, doc);
	}
	json_decref(doc);
	return rc < 0 ? -1 : 0;
}

int
undo_run_begin(struct store_txn *txn, const char *sync, int64_t now_ms, struct undo_run *run,
    struct bh_err *err)
{
	struct key key;
	json_t *doc;

	if (get_counters(txn, sync, &key, &doc, err) < 0)
		return -1;
	number_run(run, doc, UNDO_UNDONE, now_ms);
	put_new_doc(txn, &key, doc);
	undo_run_save(txn, sync, run);
	return 0;
}

int
undo_tick(struct store_txn *txn, const char *sync, struct undo_run *run, int64_t now_ms,
    int64_t *at_ms_r, struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int64_t last_ms;

	if (get_counters(txn, sync, &key, &doc, err) < 0)
		return -1;
	last_ms = bh_json_int(doc, "at", 0);
	*at_ms_r = now_ms > last_ms ? now_ms : last_ms + 1;
	set_int(doc, "at", *at_ms_r);
	put_new_doc(txn, &key, doc);
	run->last_ms = *at_ms_r;
	return 0;
}

int
undo_run_now(struct store_txn *txn, const char *sync, int64_t now_ms, struct undo_run *run,
    struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int rc = get_counters(txn, sync, &key, &doc, err);
	int64_t number = rc == 0 ? bh_json_int(doc, "run", 0) : 0;

	memset(run, 0, sizeof(*run));
	if (rc == 0 && number != 0 && !is_hinted(doc, now_ms))
		rc = undo_run_load(txn, sync, number, run, err);
	if (rc >= 0 && !is_same_run(run, now_ms))
		memset(run, 0, sizeof(*run));
	json_decref(doc);
	return rc < 0 ? -1 : run->number != 0;
}

int
undo_runs(struct store_txn *txn, const char *sync, int64_t before, size_t max,
    struct undo_run *runs, size_t *n_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max, .reverse = true};
	const struct store_entry *entries;
	struct key prefix, from;
	bool more;

	*n_r = 0;
	if (before == 1)
		return 0;
	key_begin(&prefix, "Un");
	key_text(&prefix, sync);
	key_run(&from, sync, before > 0 ? before - 1 : INT64_MAX);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	scan.from = from.data;
	scan.from_len = from.len;
	if (store_scan(txn, &scan, &entries, n_r, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < *n_r; i++) {
		struct key_reader reader = {entries[i].key + prefix.len,
		    entries[i].key_len - prefix.len};
		json_t *doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);
		uint64_t number = 0;

		is_key_u64(&reader, &number);
		take_run(&runs[i], (int64_t)number, doc);
		json_decref(doc);
	}
	return 0;
}

int
undo_hint(struct store_txn *txn, const char *sync, enum undo_cause cause, int64_t now_ms,
    struct bh_err *err)
{
	struct key key;
	json_t *doc;

	if (get_counters(txn, sync, &key, &doc, err) < 0)
		return -1;
	set_int(doc, "hint", (int64_t)cause);
	set_int(doc, "hint_at", now_ms);
	put_new_doc(txn, &key, doc);
	return 0;
}

int
undo_free_all(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	struct key key;
	json_t *doc;

	if (get_counters(txn, sync, &key, &doc, err) < 0)
		return -1;
	if (bh_json_int(doc, "number", 0) != 0) {
		set_int(doc, "free", bh_json_int(doc, "number", 0));
		put_doc(txn, &key, doc);
	}
	json_decref(doc);
	return 0;
}

int
undo_freed(struct store_txn *txn, const char *sync, int64_t *number_r, struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int rc = get_counters(txn, sync, &key, &doc, err);

	*number_r = rc == 0 ? bh_json_int(doc, "free", 0) : 0;
	json_decref(doc);
	return rc;
}

/* -- entries -- */

void
undo_put(struct store_txn *txn, const struct link_id *id, int64_t at_ms, const json_t *entry)
{
	struct key key;

	key_entry(&key, id, at_ms);
	put_doc(txn, &key, entry);
	key_index(&key, id, at_ms);
	store_put(txn, key.data, key.len, "", 0);
}

int
undo_get(struct store_txn *txn, const struct link_id *id, int64_t at_ms, json_t **entry_r,
    struct bh_err *err)
{
	struct key key;

	key_entry(&key, id, at_ms);
	return get_doc(txn, &key, entry_r, err);
}

void
undo_delete(struct store_txn *txn, const struct link_id *id, int64_t at_ms)
{
	struct key key;

	key_entry(&key, id, at_ms);
	store_delete(txn, key.data, key.len);
	key_index(&key, id, at_ms);
	store_delete(txn, key.data, key.len);
}

/* The times of a record's entries; those of a scan whose prefix is that record. */
static int
scan_times(struct store_txn *txn, const struct link_id *id, int64_t from_ms, bool reverse,
    size_t max, const struct store_entry **entries_r, size_t *n_r, size_t *prefix_r,
    struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true, .reverse = reverse};
	struct key prefix, from;
	bool more;

	key_record(&prefix, id);
	key_index(&from, id, from_ms > 0 ? from_ms : 0);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (!reverse) {
		scan.from = from.data;
		scan.from_len = from.len;
	}
	*prefix_r = prefix.len;
	return store_scan(txn, &scan, entries_r, n_r, &more, err);
}

static int64_t
time_of(const struct store_entry *entry, size_t prefix)
{
	struct key_reader reader = {entry->key + prefix, entry->key_len - prefix};
	uint64_t at_ms = 0;

	is_key_u64(&reader, &at_ms);
	return (int64_t)at_ms;
}

static int
add_entry(struct store_txn *txn, const struct link_id *id, int64_t at_ms, json_t *entries,
    struct bh_err *err)
{
	json_t *entry;
	int rc = undo_get(txn, id, at_ms, &entry, err);

	if (rc > 0) {
		set_int(entry, "at", at_ms);
		json_array_append(entries, entry);
	}
	json_decref(entry);
	return rc < 0 ? -1 : 0;
}

int
undo_of_record(struct store_txn *txn, const struct link_id *id, int64_t from_ms, int64_t until_ms,
    json_t **entries_r, struct bh_err *err)
{
	const struct store_entry *times;
	size_t n, prefix;
	int rc = scan_times(txn, id, from_ms, false, UNDO_RECORD_WRITES, &times, &n, &prefix, err);

	*entries_r = json_array();
	for (size_t i = 0; i < n && rc == 0; i++) {
		int64_t at_ms = time_of(&times[i], prefix);

		if (at_ms >= until_ms)
			break;
		rc = add_entry(txn, id, at_ms, *entries_r, err);
	}
	return rc;
}

int
undo_newest(struct store_txn *txn, const struct link_id *id, json_t **entry_r, struct bh_err *err)
{
	const struct store_entry *times;
	size_t n = 0, prefix;
	int rc = scan_times(txn, id, 0, true, 1, &times, &n, &prefix, err);
	int64_t at_ms = rc == 0 && n > 0 ? time_of(&times[0], prefix) : 0;

	*entry_r = NULL;
	if (rc < 0 || n == 0)
		return rc;
	rc = undo_get(txn, id, at_ms, entry_r, err);
	if (rc > 0)
		set_int(*entry_r, "at", at_ms);
	return rc;
}

/* Read an entry's key behind family and sync. */
static bool
is_entry_key(const struct store_entry *entry, size_t prefix, struct link_id *id, int64_t *at_ms_r)
{
	struct key_reader reader = {entry->key + prefix, entry->key_len - prefix};
	uint64_t at_ms;

	if (!is_key_u64(&reader, &at_ms) || !is_key_text(&reader, &id->object) ||
	    !is_key_text(&reader, &id->account) || !is_key_text(&reader, &id->id))
		return false;
	*at_ms_r = (int64_t)at_ms;
	return true;
}

/* The next ones of a sync in order of time; keys alone where nobody wants more. */
static int
scan_entries(struct store_txn *txn, const char *sync, int64_t from_ms, size_t max, bool keys_only,
    const struct bh_buf *after, const struct store_entry **entries_r, size_t *n_r, size_t *prefix_r,
    bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = keys_only};
	struct key prefix, from;

	key_begin(&prefix, "Ue");
	key_text(&prefix, sync);
	from = prefix;
	key_u64(&from, (uint64_t)(from_ms > 0 ? from_ms : 0));
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	scan.from = after != NULL && after->len > 0 ? (const void *)after->data : from.data;
	scan.from_len = after != NULL && after->len > 0 ? after->len : from.len;
	*prefix_r = prefix.len;
	return store_scan(txn, &scan, entries_r, n_r, more_r, err);
}

int
undo_walk(struct store_txn *txn, const char *sync, int64_t from_ms, int64_t until_ms, size_t max,
    struct bh_buf *after,
    int (*each)(void *arg, const struct link_id *id, int64_t at_ms, const json_t *entry,
	struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err)
{
	const struct store_entry *entries;
	size_t n, prefix;
	int rc =
	    scan_entries(txn, sync, from_ms, max, false, after, &entries, &n, &prefix, more_r, err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct link_id id = {.dest = "", .sync = sync};
		json_t *entry;
		int64_t at_ms;

		if (!is_entry_key(&entries[i], prefix, &id, &at_ms))
			return bh_fail(err, BH_STORAGE, "what was written over has a broken key");
		if (at_ms >= until_ms) {
			*more_r = false;
			break;
		}
		entry = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);
		rc = each(arg, &id, at_ms, entry, err);
		json_decref(entry);
		bh_buf_reset(after);
		bh_buf_add(after, entries[i].key, entries[i].key_len);
		bh_buf_addc(after, '\0');
	}
	return rc;
}

/* -- forgetting -- */

/* Runs whose last entry is too old; the newest number stays known in Uc. */
static int
prune_runs(struct store_txn *txn, const char *sync, int64_t before_ms, size_t *n_r,
    struct bh_err *err)
{
	struct store_scan scan = {.max = RUNS_PAGE};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	key_begin(&prefix, "Un");
	key_text(&prefix, sync);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		json_t *doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);

		if (bh_json_int(doc, "last", 0) < before_ms) {
			store_delete(txn, entries[i].key, entries[i].key_len);
			(*n_r)++;
		}
		json_decref(doc);
	}
	return 0;
}

int
undo_prune(struct store_txn *txn, const char *sync, int64_t before_ms, size_t max, size_t *n_r,
    struct bh_err *err)
{
	const struct store_entry *entries;
	size_t n, prefix;
	bool more;

	*n_r = 0;
	if (scan_entries(txn, sync, 0, max, true, NULL, &entries, &n, &prefix, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct link_id id = {.dest = "", .sync = sync};
		int64_t at_ms;

		if (!is_entry_key(&entries[i], prefix, &id, &at_ms) || at_ms >= before_ms)
			break;
		undo_delete(txn, &id, at_ms);
		(*n_r)++;
	}
	if (*n_r < max && prune_runs(txn, sync, before_ms, n_r, err) < 0)
		return -1;
	return *n_r == 0;
}

int
undo_forget_record(struct store_txn *txn, const struct link_id *id, struct bh_err *err)
{
	const struct store_entry *times;
	size_t n, prefix;

	if (scan_times(txn, id, 0, false, UNDO_RECORD_WRITES, &times, &n, &prefix, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		undo_delete(txn, id, time_of(&times[i], prefix));
	return n == 0;
}

int
undo_drop(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	static const char *const families[] = {"Ue", "Ui", "Un", "Uc"};
	int rc = 1;

	for (size_t i = 0; i < BH_LEN(families) && rc > 0; i++)
		rc = key_drop_page(txn, families[i], sync, err);
	return rc;
}
