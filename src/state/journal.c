/*
 * The journal.  States of an event:
 *
 *   state     | meaning                              | moves to
 *   received  | stored, behind the cursor's reach    | any below, when ingest reaches it
 *   applied   | changed the mirror                   | received, by replay
 *   stale     | older than what the mirror held      | received, by replay
 *   ignored   | carries nothing for us               | received, by replay
 *   unknown   | a type that the driver does not know | received, by replay
 *   failed    | cannot be read                       | received, by replay
 *   asked     | names what is looked up at the source | received, by replay
 *
 * An event that is handled may be removed or erased at any time: see retain.c.
 *
 * Keys: Ze <stamp> the event; Ji <connection> <id> its stamp; Jo <stamp> what
 * became of it; Jr <stamp> a replay asked for; Jf <stamp> it failed; Jc the
 * cursor, the pace, and the bytes of all events handled.
 */
#include "base/base.h"

#include "state/journal.h"

#include "base/crypt.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/journal_internal.h"

/* Version of the stored event: received_ms, then connection, id, type, headers, each ended by NUL, then the body. */
#define EVENT_VERSION 1
#define KEPT_PAGE 10000 /* keys read at once when events are counted */
#define SPOOL_MAGIC "BHJ1"
#define BATCH_BYTES (4u << 20) /* of replayed bodies; a scan has the same limit */

static const char *const state_names[JOURNAL__MAX] = {"received", "applied", "stale", "ignored",
    "unknown", "failed", "asked"};

const char *
journal_state_name(enum journal_state state)
{
	return state < JOURNAL__MAX ? state_names[state] : "received";
}

void
journal_encode(struct bh_buf *out, const struct journal_entry *entry)
{
	unsigned char head[9] = {EVENT_VERSION};
	char *headers = entry->headers != NULL ? bh_json_text(entry->headers) : bh_xstrdup("{}");

	bh_put_be64(head + 1, (uint64_t)entry->received_ms);
	bh_buf_add(out, head, sizeof(head));
	bh_buf_add(out, entry->connection, strlen(entry->connection) + 1);
	bh_buf_add(out, entry->id, strlen(entry->id) + 1);
	bh_buf_add(out, entry->type, strlen(entry->type) + 1);
	bh_buf_add(out, headers, strlen(headers) + 1);
	bh_buf_add(out, entry->body, entry->body_len);
	free(headers);
}

/* The text at *at, ended by NUL before end; NULL when it is not. */
static const char *
take_text(const char **at, const char *end)
{
	const char *text = *at;
	const char *nul = memchr(text, '\0', (size_t)(end - text));

	if (nul == NULL)
		return NULL;
	*at = nul + 1;
	return text;
}

int
journal_decode(const char *value, size_t len, struct journal_entry *entry, const char **headers_r,
    struct bh_err *err)
{
	const char *at = value + 9, *end = value + len;

	if (len < 13 || value[0] != EVENT_VERSION)
		return bh_fail(err, BH_STORAGE, "a stored event has an unknown form");
	entry->received_ms = (int64_t)bh_get_be64((const unsigned char *)value + 1);
	entry->connection = take_text(&at, end);
	entry->id = entry->connection != NULL ? take_text(&at, end) : NULL;
	entry->type = entry->id != NULL ? take_text(&at, end) : NULL;
	*headers_r = entry->type != NULL ? take_text(&at, end) : NULL;
	if (*headers_r == NULL)
		return bh_fail(err, BH_STORAGE, "a stored event breaks off");
	entry->body = at;
	entry->body_len = (size_t)(end - at);
	return 0;
}

void
journal_key_index(struct key *key, const char *connection, const char *id)
{
	key_begin(key, "Ji");
	key_text(key, connection);
	key_text(key, id);
}

void
journal_key_stamp(struct key *key, const char *family, uint64_t stamp)
{
	key_begin(key, family);
	key_u64(key, stamp);
}

bool
journal_is_erased(const struct journal_entry *entry)
{
	return entry->body_len == strlen(JOURNAL_ERASED) &&
	       memcmp(entry->body, JOURNAL_ERASED, entry->body_len) == 0;
}

static int
check_entry(const struct journal_entry *entry, struct bh_err *err)
{
	if (*entry->id == '\0' || strlen(entry->id) > 255)
		return bh_fail(err, BH_INVALID, "the event's id is empty or longer than 255 bytes");
	if (strlen(entry->type) > 127)
		return bh_fail(err, BH_INVALID, "the event's type is longer than 127 bytes");
	if (entry->body_len > JOURNAL_BODY_MAX)
		return bh_fail(err, BH_INVALID, "the event's body is larger than %u bytes",
		    JOURNAL_BODY_MAX);
	return 0;
}

static void
collect(struct store_txn *txn, const char *connection, const char *id, const char *value,
    size_t len)
{
	struct key index;

	journal_key_index(&index, connection, id);
	store_expect_absent(txn, index.data, index.len);
	store_put_stamped(txn, index.data, index.len, "", 0);
	store_append(txn, JOURNAL_EVENTS, 2, "", 0, value, len);
}

int
journal_accept(struct store *store, const struct journal_entry *entry, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX);
	struct bh_err why = BH_ERR_INIT;
	struct store_txn *txn;
	int rc;

	if (check_entry(entry, err) < 0)
		return -1;
	journal_encode(&value, entry);
	if (bh_buf_check(&value, "the event with its headers", err) < 0) {
		bh_buf_release(&value);
		return -1;
	}
	txn = store_begin(store);
	collect(txn, entry->connection, entry->id, bh_buf_str(&value), value.len);
	rc = store_commit(txn, NULL, &why);
	if (rc == 0)
		rc = 1;
	else if (why.code == BH_CONFLICT)
		rc = 0;
	else if (err != NULL)
		*err = why;
	store_free(&txn);
	bh_buf_release(&value);
	return rc;
}

int
journal_spool(const char *data_dir, const struct journal_entry *entry, struct bh_err *err)
{
	struct bh_buf content = BH_BUF_INIT(STORE_VALUE_MAX);
	unsigned char digest[BH_SHA256_LEN];
	char name[2 * BH_SHA256_LEN + 1];
	struct bh_part parts[] = {{entry->connection, strlen(entry->connection) + 1},
	    {entry->id, strlen(entry->id)}};
	int rc;

	if (check_entry(entry, err) < 0)
		return -1;
	/* The same event makes the same file, so a repeated delivery does not pile up. */
	bh_hmac_sha256(digest, "spool", 5, parts, BH_LEN(parts));
	bh_hex(name, digest, sizeof(digest));
	bh_buf_adds(&content, SPOOL_MAGIC);
	journal_encode(&content, entry);
	rc = bh_buf_check(&content, "the event with its headers", err);
	if (rc == 0)
		rc = store_spool(data_dir, name, bh_buf_str(&content), content.len, err);
	bh_buf_release(&content);
	return rc;
}

int
journal_import(struct store_txn *txn, const void *content, size_t len, struct bh_err *err)
{
	const char *text = content, *headers;
	struct journal_entry entry;
	uint64_t stamp;
	int rc;

	if (len < 4 || memcmp(text, SPOOL_MAGIC, 4) != 0)
		return bh_fail(err, BH_INVALID, "it is not a spooled event");
	if (journal_decode(text + 4, len - 4, &entry, &headers, err) < 0 ||
	    check_entry(&entry, err) < 0)
		return -1;
	rc = journal_find(txn, entry.connection, entry.id, &stamp, err);
	if (rc != 0)
		return rc;
	collect(txn, entry.connection, entry.id, text + 4, len - 4);
	return 0;
}

void
journal_event_release(struct journal_event *event)
{
	json_decref(event->headers);
	json_decref(event->objects);
	free(event->body);
	memset(event, 0, sizeof(*event));
}

static int
fill_event(struct journal_event *event, uint64_t stamp, const char *value, size_t len,
    bool with_body, struct bh_err *err)
{
	struct journal_entry entry;
	const char *headers;

	memset(event, 0, sizeof(*event));
	if (journal_decode(value, len, &entry, &headers, err) < 0)
		return -1;
	event->stamp = stamp;
	event->received_ms = entry.received_ms;
	snprintf(event->connection, sizeof(event->connection), "%s", entry.connection);
	snprintf(event->id, sizeof(event->id), "%s", entry.id);
	snprintf(event->type, sizeof(event->type), "%s", entry.type);
	event->headers = json_loads(headers, 0, NULL);
	event->stored_len = len;
	event->body_len = entry.body_len;
	event->erased = journal_is_erased(&entry);
	if (with_body) {
		event->body = bh_xmalloc(entry.body_len + 1);
		memcpy(event->body, entry.body, entry.body_len);
		event->body[entry.body_len] = '\0';
	}
	return 0;
}

static void
fill_outcome(struct journal_event *event, const char *value, size_t len)
{
	json_t *doc = json_loadb(value, len, 0, NULL);
	const char *note = bh_json_str(doc, "n");
	int64_t state = bh_json_int(doc, "s", 0);

	event->state =
	    state >= 0 && state < JOURNAL__MAX ? (enum journal_state)state : JOURNAL_RECEIVED;
	event->handled_ms = bh_json_int(doc, "t", 0);
	snprintf(event->note, sizeof(event->note), "%s", note != NULL ? note : "");
	event->objects = json_incref(json_object_get(doc, "o"));
	json_decref(doc);
}

static int
read_outcome(struct store_txn *txn, struct journal_event *event, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(1 << 20);
	struct key key;
	int rc;

	journal_key_stamp(&key, "Jo", event->stamp);
	rc = store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0)
		fill_outcome(event, value.data, value.len);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

int
journal_read(struct store_txn *txn, uint64_t stamp, struct journal_event *event, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX);
	struct key key;
	int rc;

	memset(event, 0, sizeof(*event));
	journal_key_stamp(&key, JOURNAL_EVENTS, stamp);
	rc = store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0 && (fill_event(event, stamp, value.data, value.len, true, err) < 0 ||
			  read_outcome(txn, event, err) < 0)) {
		journal_event_release(event);
		rc = -1;
	}
	bh_buf_release(&value);
	return rc;
}

int
journal_find(struct store_txn *txn, const char *connection, const char *id, uint64_t *stamp_r,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(64);
	struct key key;
	int rc;

	journal_key_index(&key, connection, id);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0)
		*stamp_r =
		    value.len >= 8 ? bh_get_be64((unsigned char *)value.data + value.len - 8) : 0;
	bh_buf_release(&value);
	return rc;
}

uint64_t
journal_stamp_of(const char *key, size_t len)
{
	return len == 10 ? bh_get_be64((const unsigned char *)key + 2) : 0;
}

/* What became of n events, in one message. */
static int
read_outcomes(struct store_txn *txn, struct journal_event *events, size_t n, struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc;

	for (size_t i = 0; i < n; i++) {
		journal_key_stamp(&keys[i], "Jo", events[i].stamp);
		items[i] = (struct store_item){.key = keys[i].data, .key_len = keys[i].len};
	}
	rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (items[i].found)
			fill_outcome(&events[i], items[i].value, items[i].value_len);
	free(items);
	free(keys);
	return rc;
}

int
journal_read_many(struct store_txn *txn, const uint64_t *stamps, size_t n,
    struct journal_event *events, struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc;

	memset(events, 0, n * sizeof(events[0]));
	for (size_t i = 0; i < n; i++) {
		journal_key_stamp(&keys[i], JOURNAL_EVENTS, stamps[i]);
		items[i] = (struct store_item){.key = keys[i].data, .key_len = keys[i].len};
	}
	rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (items[i].found)
			rc = fill_event(&events[i], stamps[i], items[i].value, items[i].value_len,
			    false, err);
	if (rc == 0 && n != 0)
		rc = read_outcomes(txn, events, n, err);
	free(items);
	free(keys);
	return rc;
}

static int
list_events(struct store_txn *txn, const struct store_scan *scan, bool with_bodies,
    struct journal_event *events, size_t *n_r, struct bh_err *err)
{
	const struct store_entry *entries;
	size_t n;
	bool more;

	*n_r = 0;
	if (store_scan(txn, scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (fill_event(&events[i], journal_stamp_of(entries[i].key, entries[i].key_len),
			entries[i].value, entries[i].value_len, with_bodies, err) < 0)
			return -1;
		*n_r = i + 1; /* the caller releases it from here on */
	}
	return n != 0 ? read_outcomes(txn, events, n, err) : 0;
}

int
journal_list(struct store_txn *txn, uint64_t before, size_t max, struct journal_event *events,
    size_t *n_r, struct bh_err *err)
{
	struct key from;
	struct store_scan scan = {.prefix = JOURNAL_EVENTS,
	    .prefix_len = 2,
	    .max = max,
	    .reverse = true};

	journal_key_stamp(&from, JOURNAL_EVENTS, before != 0 ? before - 1 : UINT64_MAX);
	scan.from = from.data;
	scan.from_len = from.len;
	return list_events(txn, &scan, false, events, n_r, err);
}

int
journal_failed(struct store_txn *txn, uint64_t before, size_t max, uint64_t *stamps, size_t *n_r,
    struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Jf",
	    .prefix_len = 2,
	    .max = max,
	    .reverse = true,
	    .keys_only = true};
	const struct store_entry *entries;
	struct key from;
	bool more;

	journal_key_stamp(&from, "Jf", before != 0 ? before - 1 : UINT64_MAX);
	scan.from = from.data;
	scan.from_len = from.len;
	if (store_scan(txn, &scan, &entries, n_r, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < *n_r; i++)
		stamps[i] = journal_stamp_of(entries[i].key, entries[i].key_len);
	return 0;
}

int
journal_find_failed(struct store_txn *txn, uint64_t *after, size_t max, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Jo", .prefix_len = 2, .max = max};
	const struct store_entry *entries;
	struct key key;
	size_t n;
	bool more;

	journal_key_stamp(&key, "Jo", *after + 1);
	scan.from = key.data;
	scan.from_len = key.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct journal_event event = {0};

		*after = journal_stamp_of(entries[i].key, entries[i].key_len);
		fill_outcome(&event, entries[i].value, entries[i].value_len);
		if (event.state == JOURNAL_FAILED) {
			journal_key_stamp(&key, "Jf", *after);
			store_put(txn, key.data, key.len, "", 0);
		}
		journal_event_release(&event);
	}
	return more;
}

int
journal_walk(struct store_txn *txn, uint64_t after, size_t max, struct journal_event *events,
    size_t *n_r, struct bh_err *err)
{
	struct key from;
	struct store_scan scan = {.prefix = JOURNAL_EVENTS, .prefix_len = 2, .max = max};

	journal_key_stamp(&from, JOURNAL_EVENTS, after + 1);
	scan.from = from.data;
	scan.from_len = from.len;
	return list_events(txn, &scan, true, events, n_r, err);
}

/* Big-endian: stamp, last_event_ms, rate, bytes; the first Billhook did not count bytes. */
#define CURSOR_LEN 32
#define CURSOR_LEN_1 24

int
journal_cursor_read(struct store_txn *txn, bool checked, struct journal_cursor *cursor,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(64);
	int rc =
	    checked ? store_get(txn, "Jc", 2, &value, err) : store_peek(txn, "Jc", 2, &value, err);

	*cursor = (struct journal_cursor){0};
	if (rc > 0 && value.len >= CURSOR_LEN_1) {
		const unsigned char *at = (unsigned char *)value.data;

		cursor->stamp = bh_get_be64(at);
		cursor->pace = (struct journal_pace){(int64_t)bh_get_be64(at + 8),
		    (int64_t)bh_get_be64(at + 16)};
		if (value.len >= CURSOR_LEN)
			cursor->bytes = (int64_t)bh_get_be64(at + 24);
	}
	bh_buf_release(&value);
	return rc;
}

void
journal_cursor_put(struct store_txn *txn, const struct journal_cursor *cursor)
{
	unsigned char value[CURSOR_LEN];

	bh_put_be64(value, cursor->stamp);
	bh_put_be64(value + 8, (uint64_t)cursor->pace.last_event_ms);
	bh_put_be64(value + 16, (uint64_t)cursor->pace.rate);
	bh_put_be64(value + 24, (uint64_t)cursor->bytes);
	store_put(txn, "Jc", 2, value, sizeof(value));
}

static int
add_replays(struct store_txn *txn, size_t max, struct journal_batch *batch, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Jr", .prefix_len = 2, .max = max, .keys_only = true};
	const struct store_entry *entries;
	size_t n, bytes = 0;

	if (store_scan(txn, &scan, &entries, &n, &batch->more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t stamp = journal_stamp_of(entries[i].key, entries[i].key_len);
		int rc = journal_read(txn, stamp, &batch->events[batch->n], err);

		if (rc < 0)
			return -1;
		if (rc == 0) /* pruned meanwhile: still taken off the queue */
			batch->events[batch->n] = (struct journal_event){.stamp = stamp};
		bytes += batch->events[batch->n++].body_len;
		if (bytes > BATCH_BYTES) {
			batch->more = true;
			break;
		}
	}
	batch->replays = batch->n;
	return 0;
}

static int
add_new(struct store_txn *txn, size_t max, struct journal_batch *batch, struct bh_err *err)
{
	struct key from;
	struct store_scan scan = {.prefix = JOURNAL_EVENTS, .prefix_len = 2, .max = max};
	const struct store_entry *entries;
	size_t n;
	bool more;

	journal_key_stamp(&from, JOURNAL_EVENTS, batch->cursor + 1);
	scan.from = from.data;
	scan.from_len = from.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	batch->more = batch->more || more;
	for (size_t i = 0; i < n; i++) {
		if (fill_event(&batch->events[batch->n],
			journal_stamp_of(entries[i].key, entries[i].key_len), entries[i].value,
			entries[i].value_len, true, err) < 0)
			return -1;
		batch->n++;
	}
	return 0;
}

/* Nothing is left to be read: it is passed like one that was removed. */
static void
drop_body(struct journal_event *event)
{
	free(event->body);
	event->body = NULL;
}

int
journal_next(struct store_txn *txn, size_t max, struct journal_batch *batch, struct bh_err *err)
{
	struct journal_cursor cursor;
	int rc;

	memset(batch, 0, sizeof(*batch));
	batch->events = bh_xcalloc(max, sizeof(batch->events[0]));
	rc = journal_cursor_read(txn, true, &cursor, err);
	batch->cursor = cursor.stamp;
	batch->bytes = cursor.bytes;
	if (rc >= 0)
		rc = add_replays(txn, max, batch, err);
	if (rc == 0 && (batch->more || batch->n == max))
		batch->more = true; /* not looked at: what is new */
	else if (rc == 0)
		rc = add_new(txn, max - batch->n, batch, err);
	for (size_t i = 0; i < batch->n; i++)
		if (batch->events[i].erased)
			drop_body(&batch->events[i]);
	if (rc < 0)
		journal_batch_release(batch);
	return rc;
}

void
journal_batch_release(struct journal_batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		journal_event_release(&batch->events[i]);
	free(batch->events);
	memset(batch, 0, sizeof(*batch));
}

void
journal_settle(struct store_txn *txn, const struct journal_event *event)
{
	json_t *doc =
	    json_pack("{s:i, s:I}", "s", (int)event->state, "t", (json_int_t)event->handled_ms);
	struct key key;
	char *text;

	if (event->note[0] != '\0')
		json_object_set_new(doc, "n", bh_json_string(event->note));
	if (event->objects != NULL)
		json_object_set(doc, "o", event->objects);
	text = bh_json_text(doc);
	journal_key_stamp(&key, "Jo", event->stamp);
	store_put(txn, key.data, key.len, text, strlen(text));
	if (event->state == JOURNAL_FAILED) {
		journal_key_stamp(&key, "Jf", event->stamp);
		store_put(txn, key.data, key.len, "", 0);
	}
	free(text);
	json_decref(doc);
}

void
journal_advance(struct store_txn *txn, const struct journal_batch *batch,
    const struct journal_pace *pace)
{
	struct journal_cursor cursor = {batch->cursor, *pace, batch->bytes};
	struct key key;

	for (size_t i = 0; i < batch->replays; i++) {
		journal_key_stamp(&key, "Jr", batch->events[i].stamp);
		store_delete(txn, key.data, key.len);
		if (batch->events[i].state != JOURNAL_FAILED || batch->events[i].body == NULL) {
			journal_key_stamp(&key, "Jf", batch->events[i].stamp);
			store_delete(txn, key.data, key.len);
		}
	}
	for (size_t i = batch->replays; i < batch->n; i++) {
		cursor.stamp = batch->events[i].stamp;
		cursor.bytes += (int64_t)batch->events[i].stored_len;
	}
	journal_cursor_put(txn, &cursor);
}

int
journal_pace(struct store_txn *txn, struct journal_pace *pace, struct bh_err *err)
{
	struct journal_cursor cursor;
	int rc = journal_cursor_read(txn, false, &cursor, err);

	*pace = cursor.pace;
	return rc;
}

void
journal_replay(struct store_txn *txn, uint64_t stamp)
{
	struct key key;

	journal_key_stamp(&key, "Jr", stamp);
	store_put(txn, key.data, key.len, "", 0);
}

int
journal_backlog(struct store_txn *txn, size_t max, size_t *n_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Jr", .prefix_len = 2, .max = max, .keys_only = true};
	const struct store_entry *entries;
	struct journal_cursor cursor;
	struct key from;
	size_t replays;
	bool more;

	if (journal_cursor_read(txn, false, &cursor, err) < 0 ||
	    store_scan(txn, &scan, &entries, &replays, &more, err) < 0)
		return -1;
	journal_key_stamp(&from, JOURNAL_EVENTS, cursor.stamp + 1);
	scan.prefix = JOURNAL_EVENTS;
	scan.from = from.data;
	scan.from_len = from.len;
	if (store_scan(txn, &scan, &entries, n_r, &more, err) < 0)
		return -1;
	*n_r = *n_r + replays < max ? *n_r + replays : max;
	return 0;
}

/* -- duplicates -- */

static void
key_duplicates(struct key *key, const char *connection)
{
	key_begin(key, "Jd");
	key_text(key, connection);
}

int
journal_duplicates(struct store_txn *txn, const char *connection, int64_t *n_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(64);
	struct key key;
	int rc;

	*n_r = 0;
	key_duplicates(&key, connection);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0 && value.len == 8)
		*n_r = (int64_t)bh_get_be64((const unsigned char *)value.data);
	bh_buf_release(&value);
	return rc;
}

int
journal_count_duplicates(struct store_txn *txn, const char *connection, int64_t n,
    struct bh_err *err)
{
	unsigned char value[8];
	struct key key;
	int64_t before;

	if (journal_duplicates(txn, connection, &before, err) < 0)
		return -1;
	bh_put_be64(value, (uint64_t)(before + n));
	key_duplicates(&key, connection);
	store_put(txn, key.data, key.len, value, sizeof(value));
	return 0;
}

int
journal_kept(struct store_txn *txn, size_t max, size_t *n_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = JOURNAL_EVENTS,
	    .prefix_len = strlen(JOURNAL_EVENTS),
	    .max = KEPT_PAGE,
	    .keys_only = true};
	struct bh_buf from = BH_BUF_INIT(STORE_KEY_MAX + 1);
	const struct store_entry *entries;
	bool more = true;
	size_t n;
	int rc = 0;

	for (*n_r = 0; rc == 0 && more && *n_r < max;) {
		rc = store_scan(txn, &scan, &entries, &n, &more, err);
		if (rc < 0 || n == 0)
			break;
		*n_r += n;
		bh_buf_reset(&from);
		bh_buf_add(&from, entries[n - 1].key, entries[n - 1].key_len);
		bh_buf_addc(&from, '\0'); /* the least key behind the last one */
		scan.from = from.data;
		scan.from_len = from.len;
	}
	bh_buf_release(&from);
	return rc;
}
