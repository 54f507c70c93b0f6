/*
 * Keeping less: see retain.h.  States of an event's body and id:
 *
 *   body    | id         | meaning                                  | moves to
 *   kept    | with it    | Ze, Ji                                   | removed, erased
 *   erased  | with it    | Ze says so and nothing more, Ji          | removed
 *   removed | remembered | Ji and Jx, until RETAIN_IDS_MS are over  | forgotten
 *   removed | forgotten  | nothing                                  | kept: it would be news
 *
 * Sizes are not added up by a scan.  The cursor (Jc) holds the bytes of all
 * events that were ever handled, which ingest adds to for nothing; Jz holds
 * the bytes of those that are gone again.  What is kept is the difference.
 *
 * Keys: Jx <time> <connection> <id> when an id may be forgotten, with the
 * event's stamp; Jz bytes that are gone; Jy the last run.
 */
#include "base/base.h"

#include "state/retain.h"

#include "base/json.h"
#include "base/text.h"
#include "state/journal_internal.h"

#define PAGE 500 /* events in one commit, so that no webhook waits long behind it */
#define COUNT_PAGE 1000
#define IDS_PAGE 1000

/* -- bytes -- */

/* Bytes that are gone; may be negative where the first Billhook did not count what it handled. */
static int
read_gone(struct store_txn *txn, int64_t *gone_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(64);
	int rc = store_get(txn, "Jz", 2, &value, err);

	*gone_r = rc > 0 && value.len == 8 ? (int64_t)bh_get_be64((unsigned char *)value.data) : 0;
	bh_buf_release(&value);
	return rc;
}

static void
put_gone(struct store_txn *txn, int64_t gone)
{
	unsigned char value[8];

	bh_put_be64(value, (uint64_t)gone);
	store_put(txn, "Jz", 2, value, sizeof(value));
}

/* So many bytes more are gone; nothing to be done while nobody has counted. */
static int
add_gone(struct store_txn *txn, int64_t bytes, struct bh_err *err)
{
	int64_t gone;
	int rc = read_gone(txn, &gone, err);

	if (rc > 0 && bytes != 0)
		put_gone(txn, gone + bytes);
	return rc < 0 ? -1 : 0;
}

int
retain_bytes(struct store_txn *txn, int64_t *bytes_r, struct bh_err *err)
{
	struct journal_cursor cursor;
	int64_t gone;
	int rc = read_gone(txn, &gone, err);

	*bytes_r = 0;
	if (rc <= 0 || journal_cursor_read(txn, false, &cursor, err) < 0)
		return rc < 0 ? -1 : 0;
	*bytes_r = cursor.bytes - gone;
	return *bytes_r >= 0;
}

/* A page of sizes up to the stamp upto; 1 more follow, 0 the end, -1. */
static int
count_page(struct store *store, uint64_t upto, uint64_t *after, int64_t *sum, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	struct store_scan scan = {.prefix = JOURNAL_EVENTS, .prefix_len = 2, .max = COUNT_PAGE};
	const struct store_entry *entries;
	struct key from;
	size_t n;
	bool more;
	int rc;

	journal_key_stamp(&from, JOURNAL_EVENTS, *after + 1);
	scan.from = from.data;
	scan.from_len = from.len;
	rc = store_scan(txn, &scan, &entries, &n, &more, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		*after = journal_stamp_of(entries[i].key, entries[i].key_len);
		if (*after > upto)
			more = false;
		else
			*sum += (int64_t)entries[i].value_len;
	}
	store_free(&txn);
	return rc < 0 ? -1 : more && n != 0;
}

int
retain_count(struct store *store, bool (*is_stopping)(void *arg), void *arg, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	struct journal_cursor cursor;
	uint64_t after = 0;
	int64_t sum = 0, gone;
	int rc = read_gone(txn, &gone, err);

	if (rc >= 0)
		rc = journal_cursor_read(txn, false, &cursor, err);
	if (rc >= 0)
		rc = cursor.stamp != 0;
	while (rc > 0) {
		if (is_stopping != NULL && is_stopping(arg)) {
			store_free(&txn);
			return 0;
		}
		rc = count_page(store, cursor.stamp, &after, &sum, err);
	}
	if (rc == 0) {
		put_gone(txn, cursor.bytes - sum);
		rc = store_commit(txn, NULL, err);
	}
	store_free(&txn);
	return rc < 0 ? -1 : 1;
}

/* -- removing -- */

/* One commit while it is made up. */
struct removal {
	const struct retain_limits *limits;
	uint64_t cursor;
	int64_t excess; /* bytes beyond the limit; <= 0: none */
	int64_t gone;
	size_t n;
};

static void
remove_event(struct store_txn *txn, struct removal *removal, uint64_t stamp,
    const struct journal_entry *entry, size_t len)
{
	unsigned char value[8];
	struct key key;

	journal_key_stamp(&key, JOURNAL_EVENTS, stamp);
	store_delete(txn, key.data, key.len);
	journal_key_stamp(&key, "Jo", stamp);
	store_delete(txn, key.data, key.len);
	journal_key_stamp(&key, "Jf", stamp);
	store_delete(txn, key.data, key.len);
	if (entry->received_ms + RETAIN_IDS_MS <= removal->limits->now_ms) {
		journal_key_index(&key, entry->connection, entry->id);
		store_delete(txn, key.data, key.len);
	} else {
		key_begin(&key, "Jx");
		key_u64(&key, (uint64_t)(entry->received_ms + RETAIN_IDS_MS));
		key_text(&key, entry->connection);
		key_text(&key, entry->id);
		bh_put_be64(value, stamp);
		store_put(txn, key.data, key.len, value, sizeof(value));
	}
	removal->excess -= (int64_t)len;
	removal->gone += (int64_t)len;
	removal->n++;
}

/* Which of a page's events wait for a replay; checked, so that one that is asked for now is not lost. */
static int
find_replays(struct store_txn *txn, const struct store_entry *entries, size_t n, bool *waits,
    struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc;

	for (size_t i = 0; i < n; i++) {
		journal_key_stamp(&keys[i], "Jr",
		    journal_stamp_of(entries[i].key, entries[i].key_len));
		items[i] = (struct store_item){.key = keys[i].data,
		    .key_len = keys[i].len,
		    .checked = true};
	}
	rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		waits[i] = items[i].found;
	free(items);
	free(keys);
	return rc;
}

/* How many of a page's events are beyond the limits: a beginning, for the oldest go first. */
static int
count_beyond(const struct removal *removal, const struct store_entry *entries, size_t n,
    size_t *beyond_r, struct bh_err *err)
{
	int64_t excess = removal->excess;

	*beyond_r = n;
	for (size_t i = 0; i < n; i++) {
		struct journal_entry entry;
		const char *headers;

		if (journal_decode(entries[i].value, entries[i].value_len, &entry, &headers, err) <
		    0)
			return -1;
		if (journal_stamp_of(entries[i].key, entries[i].key_len) > removal->cursor ||
		    (entry.received_ms >= removal->limits->before_ms && excess <= 0)) {
			*beyond_r = i;
			return 0;
		}
		excess -= (int64_t)entries[i].value_len;
	}
	return 0;
}

static int
remove_page(struct store_txn *txn, struct removal *removal, uint64_t from, uint64_t *next_r,
    bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = JOURNAL_EVENTS, .prefix_len = 2, .max = PAGE};
	const struct store_entry *entries;
	bool waits[PAGE];
	struct key key;
	size_t n, beyond;

	journal_key_stamp(&key, JOURNAL_EVENTS, from);
	scan.from = key.data;
	scan.from_len = key.len;
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0 ||
	    count_beyond(removal, entries, n, &beyond, err) < 0)
		return -1;
	*more_r = *more_r && beyond == n;
	if (beyond != 0 && find_replays(txn, entries, beyond, waits, err) < 0)
		return -1;
	for (size_t i = 0; i < beyond; i++) {
		uint64_t stamp = journal_stamp_of(entries[i].key, entries[i].key_len);
		struct journal_entry entry;
		const char *headers;

		*next_r = stamp + 1;
		if (waits[i])
			continue;
		journal_decode(entries[i].value, entries[i].value_len, &entry, &headers, NULL);
		remove_event(txn, removal, stamp, &entry, entries[i].value_len);
	}
	return 0;
}

int
retain_events(struct store_txn *txn, const struct retain_limits *limits, uint64_t from,
    uint64_t *next_r, size_t *n_r, bool *more_r, struct bh_err *err)
{
	struct removal removal = {.limits = limits};
	struct journal_cursor cursor;
	int64_t bytes = 0;

	*n_r = 0;
	*more_r = false;
	*next_r = from;
	if (journal_cursor_read(txn, false, &cursor, err) < 0 ||
	    (limits->bytes >= 0 && retain_bytes(txn, &bytes, err) < 0))
		return -1;
	removal.cursor = cursor.stamp;
	removal.excess = limits->bytes >= 0 ? bytes - limits->bytes : 0;
	if (remove_page(txn, &removal, from, next_r, more_r, err) < 0 ||
	    (removal.n != 0 && add_gone(txn, removal.gone, err) < 0))
		return -1;
	*n_r = removal.n;
	return removal.n == 0;
}

/* -- ids -- */

/* Forget the ids of a page; one that stands for another event by now stays. */
static int
forget_ids(struct store_txn *txn, const struct store_entry *entries, size_t n, struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		const char *connection = "", *id = "";
		struct key_reader reader;
		uint64_t due;

		key_read(&reader, entries[i].key, entries[i].key_len, "Jx");
		if (!is_key_u64(&reader, &due) || !is_key_text(&reader, &connection) ||
		    !is_key_text(&reader, &id))
			rc = bh_fail(err, BH_STORAGE, "an id to be forgotten has a broken key");
		journal_key_index(&keys[i], connection, id);
		items[i] = (struct store_item){.key = keys[i].data, .key_len = keys[i].len};
	}
	if (rc == 0)
		rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (items[i].found && items[i].value_len >= 8 && entries[i].value_len == 8 &&
		    memcmp(items[i].value + items[i].value_len - 8, entries[i].value, 8) == 0)
			store_delete(txn, keys[i].data, keys[i].len);
		store_delete(txn, entries[i].key, entries[i].key_len);
	}
	free(items);
	free(keys);
	return rc;
}

int
retain_ids(struct store_txn *txn, int64_t now_ms, size_t *n_r, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Jx", .prefix_len = 2, .max = IDS_PAGE};
	const struct store_entry *entries;
	size_t n, due = 0;

	*n_r = 0;
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (; due < n; due++) {
		struct key_reader reader;
		uint64_t at;

		key_read(&reader, entries[due].key, entries[due].key_len, "Jx");
		if (!is_key_u64(&reader, &at))
			return bh_fail(err, BH_STORAGE, "an id to be forgotten has a broken key");
		if ((int64_t)at > now_ms)
			break;
	}
	*more_r = *more_r && due == n;
	*n_r = due;
	if (due == 0)
		return 1;
	return forget_ids(txn, entries, due, err);
}

/* -- erasing -- */

/* 1 blanked, 0 there was nothing to blank, -1; *gone: bytes that it takes less. */
static int
erase_event(struct store_txn *txn, uint64_t stamp, int64_t now_ms, int64_t *gone,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX), blank = BH_BUF_INIT(STORE_VALUE_MAX);
	struct journal_event outcome = {.stamp = stamp,
	    .state = JOURNAL_IGNORED,
	    .handled_ms = now_ms,
	    .note = "erased on request"};
	struct journal_entry entry;
	const char *headers;
	struct key key;
	int rc;

	journal_key_stamp(&key, JOURNAL_EVENTS, stamp);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0)
		rc = journal_decode(value.data, value.len, &entry, &headers, err) < 0
			 ? -1
			 : !journal_is_erased(&entry);
	if (rc > 0) {
		entry.headers = NULL;
		entry.body = JOURNAL_ERASED;
		entry.body_len = strlen(JOURNAL_ERASED);
		journal_encode(&blank, &entry);
		store_put(txn, key.data, key.len, blank.data, blank.len);
		*gone += (int64_t)value.len - (int64_t)blank.len;
		journal_settle(txn, &outcome);
		journal_key_stamp(&key, "Jr", stamp);
		store_delete(txn, key.data, key.len);
		journal_key_stamp(&key, "Jf", stamp);
		store_delete(txn, key.data, key.len);
	}
	bh_buf_release(&value);
	bh_buf_release(&blank);
	return rc;
}

int
retain_erase(struct store_txn *txn, const uint64_t *stamps, size_t n, int64_t now_ms,
    struct bh_err *err)
{
	struct journal_cursor cursor;
	int64_t gone = 0, gone_unhandled = 0;
	size_t erased = 0;

	if (journal_cursor_read(txn, true, &cursor, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		/* What is not handled yet is not counted yet: it will be, at its new size. */
		bool is_counted = stamps[i] <= cursor.stamp;
		int rc =
		    erase_event(txn, stamps[i], now_ms, is_counted ? &gone : &gone_unhandled, err);

		if (rc < 0)
			return -1;
		erased += rc > 0;
	}
	if (erased == 0)
		return 1;
	/* Written though it is the same: ingest, which may hold the bodies, must read them again. */
	journal_cursor_put(txn, &cursor);
	return add_gone(txn, gone, err);
}

/* -- the job -- */

int
retain_last(struct store_txn *txn, struct retain_run *run, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(4096);
	json_t *doc;
	int rc = store_get(txn, "Jy", 2, &value, err);

	*run = (struct retain_run){0};
	if (rc > 0) {
		doc = json_loadb(value.data, value.len, 0, NULL);
		*run = (struct retain_run){bh_json_int(doc, "next", 0), bh_json_int(doc, "days", 0),
		    bh_json_int(doc, "mb", 0)};
		json_decref(doc);
	}
	bh_buf_release(&value);
	return rc;
}

void
retain_note(struct store_txn *txn, const struct retain_run *run)
{
	json_t *doc = json_pack("{s:I, s:I, s:I}", "next", (json_int_t)run->next_ms, "days",
	    (json_int_t)run->days, "mb", (json_int_t)run->mb);
	char *text = bh_json_text(doc);

	store_put(txn, "Jy", 2, text, strlen(text));
	free(text);
	json_decref(doc);
}
