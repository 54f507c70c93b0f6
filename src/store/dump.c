/*
 * The store as text, one JSON object a line:
 *
 *   {"billhook_dump":1}
 *   {"k":"<text>","v":"<text>"}      one for each key, in key order
 *   {"k64":"<base64>","v64":"..."}   where the bytes are no plain text
 *   {"count":N,"stamp":S}            the last line: a dump without it is cut off
 *
 * Lossless for any bytes.  Versions are not kept: what is loaded gets new
 * ones, above S, so that appends made later sort behind those loaded.  A dump taken while
 * others write may hold a part of what they wrote; each key is whole, and store_dump() tells.
 */
#include "base/base.h"

#include <errno.h>

#include "base/json.h"
#include "base/text.h"
#include "store/txn.h"

#define DUMP_VERSION 1
#define PAGE 1000                  /* entries asked for at once */
#define LINE_MAX_BYTES (64u << 20) /* a 20 MiB value as base64, or as text, and room */
#define LOAD_BYTES (4u << 20)      /* loaded in commits of about this size */
#define LOAD_KEYS 2000
#define READ_SIZE 65536

/* -- dump -- */

struct writer {
	int (*write)(void *arg, const char *text, size_t len);
	void *arg;
	uint64_t count;
};

/* Escapes make control characters six times as long: base64 is better for those. */
static bool
is_text(const char *data, size_t len)
{
	size_t controls = 0;

	for (size_t i = 0; i < len; i++)
		controls += (unsigned char)data[i] < 0x20;
	return controls <= 16 + len / 16 && bh_is_utf8(data, len);
}

static void
set_bytes(json_t *line, const char *name, const char *name64, const char *data, size_t len)
{
	struct bh_buf base64 = BH_BUF_INIT(LINE_MAX_BYTES);

	if (is_text(data, len)) {
		json_object_set_new(line, name, json_stringn(len != 0 ? data : "", len));
		return;
	}
	bh_base64_add(&base64, data, len);
	json_object_set_new(line, name64, json_string(bh_buf_str(&base64)));
	bh_buf_release(&base64);
}

static int
write_line(struct writer *writer, json_t *line, struct bh_err *err)
{
	char *text = json_dumps(line, JSON_COMPACT);
	size_t len = text != NULL ? strlen(text) : 0;
	int rc = -1;

	json_decref(line);
	if (text != NULL) {
		text[len] = '\n'; /* in place of the NUL: one write a line */
		rc = writer->write(writer->arg, text, len + 1);
	}
	free(text);
	return rc < 0 ? bh_fail_errno(err, BH_STORAGE, "cannot write the dump") : 0;
}

static int
write_entry(struct writer *writer, const struct store_entry *entry, struct bh_err *err)
{
	json_t *line = json_object();

	set_bytes(line, "k", "k64", entry->key, entry->key_len);
	set_bytes(line, "v", "v64", entry->value, entry->value_len);
	writer->count++;
	return write_line(writer, line, err);
}

/* One page from the key in next on; next is set to the key after the page.  1 more, 0 all, -1. */
static int
write_page(struct store_txn *txn, struct writer *writer, struct bh_buf *next, struct bh_err *err)
{
	struct store_scan scan = {.from = next->data, .from_len = next->len, .max = PAGE};
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (write_entry(writer, &entries[i], err) < 0)
			return -1;
	if (!more || n == 0)
		return 0;
	bh_buf_reset(next);
	bh_buf_add(next, entries[n - 1].key, entries[n - 1].key_len);
	bh_buf_addc(next, '\0'); /* the least key behind the last one */
	return 1;
}

static int
write_pages(struct store_txn *txn, struct writer *writer, struct bh_err *err)
{
	struct bh_buf next = BH_BUF_INIT(STORE_KEY_MAX + 1);
	int rc;

	while ((rc = write_page(txn, writer, &next, err)) > 0)
		store_reset(txn);
	bh_buf_release(&next);
	return rc;
}

static int
last_stamp(struct store *store, json_int_t *stamp_r, struct bh_err *err)
{
	json_t *stats;

	if (store_stats(store, &stats, err) < 0)
		return -1;
	*stamp_r = json_integer_value(json_object_get(stats, "stamp"));
	json_decref(stats);
	return 0;
}

int
store_dump(struct store *store, int (*write)(void *arg, const char *text, size_t len), void *arg,
    struct bh_err *err)
{
	struct writer writer = {.write = write, .arg = arg};
	struct store_txn *txn = store_begin(store);
	json_int_t before = 0, stamp = 0;
	int rc = last_stamp(store, &before, err);

	if (rc == 0)
		rc = write_line(&writer, json_pack("{s:i}", "billhook_dump", DUMP_VERSION), err);
	if (rc == 0)
		rc = write_pages(txn, &writer, err);
	if (rc == 0)
		rc = last_stamp(store, &stamp, err);
	if (rc == 0)
		rc = write_line(&writer,
		    json_pack("{s:I, s:I}", "count", (json_int_t)writer.count, "stamp", stamp),
		    err);
	store_free(&txn);
	return rc == 0 ? stamp != before : rc;
}

/* -- load -- */

struct reader {
	int (*read)(void *arg, char *buf, size_t size);
	void *arg;
	struct bh_buf text; /* read and not yet used */
	size_t at;          /* start of the next line in text */
	size_t searched;    /* no line end before this */
	uint64_t line;
	struct store_txn *txn;
	size_t bytes, keys; /* collected in txn */
	uint64_t count;
	bool ended;       /* the count line was met */
	const char *last; /* this key is written with the last commit */
	struct bh_buf last_value;
	bool has_last;
};

static int
read_more(struct reader *reader, struct bh_err *err)
{
	char *room;
	int n;

	bh_buf_shift(&reader->text, reader->at);
	reader->searched -= reader->at;
	reader->at = 0;
	room = bh_buf_room(&reader->text, READ_SIZE);
	if (room == NULL)
		return bh_fail(err, BH_INVALID, "line %llu is too long",
		    (unsigned long long)reader->line + 1);
	n = reader->read(reader->arg, room, READ_SIZE);
	if (n < 0)
		return bh_fail_errno(err, BH_INVALID, "the dump cannot be read");
	reader->text.len += (size_t)n;
	return n > 0;
}

/* 1 and the next line (borrowed until the next call), 0 the end, -1. */
static int
next_line(struct reader *reader, struct wire_slice *line_r, struct bh_err *err)
{
	for (;;) {
		const char *data = bh_buf_str(&reader->text);
		const char *end =
		    memchr(data + reader->searched, '\n', reader->text.len - reader->searched);
		int rc;

		if (end != NULL) {
			*line_r = (struct wire_slice){data + reader->at,
			    (size_t)(end - data) - reader->at};
			reader->at = reader->searched = (size_t)(end - data) + 1;
			reader->line++;
			return 1;
		}
		reader->searched = reader->text.len;
		rc = read_more(reader, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			return reader->text.len == 0
				   ? 0
				   : bh_fail(err, BH_INVALID, "line %llu is cut off",
					 (unsigned long long)reader->line + 1);
	}
}

static int
bad_line(const struct reader *reader, const char *why, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "line %llu %s", (unsigned long long)reader->line, why);
}

static int
get_bytes(const json_t *line, const char *name, const char *name64, struct bh_buf *out,
    struct bh_err *err)
{
	const json_t *text = json_object_get(line, name), *base64 = json_object_get(line, name64);

	bh_buf_reset(out);
	if (json_is_string(text))
		bh_buf_add(out, json_string_value(text), json_string_length(text));
	else if (json_is_string(base64))
		return bh_base64_decode(out, json_string_value(base64), json_string_length(base64),
		    err);
	else
		return bh_fail(err, BH_INVALID, "it has no %s", name);
	return bh_buf_check(out, name, err);
}

static int
commit_loaded(struct reader *reader, uint64_t floor, struct bh_err *err)
{
	reader->bytes = reader->keys = 0;
	return txn_commit(reader->txn, floor, NULL, err);
}

static void
take_entry(struct reader *reader, const struct bh_buf *key, const struct bh_buf *value)
{
	reader->count++;
	if (strlen(reader->last) == key->len && memcmp(reader->last, key->data, key->len) == 0) {
		bh_buf_reset(&reader->last_value);
		bh_buf_add(&reader->last_value, value->data, value->len);
		reader->has_last = true;
		return;
	}
	store_expect_absent(reader->txn, key->data, key->len);
	store_put(reader->txn, key->data, key->len, value->data, value->len);
	reader->bytes += key->len + value->len;
}

static int
load_entry(struct reader *reader, const json_t *line, struct bh_err *err)
{
	struct bh_buf key = BH_BUF_INIT(STORE_KEY_MAX), value = BH_BUF_INIT(STORE_VALUE_MAX);
	struct bh_err why = BH_ERR_INIT;
	int rc = 0;

	if (get_bytes(line, "k", "k64", &key, &why) < 0 ||
	    get_bytes(line, "v", "v64", &value, &why) < 0)
		rc = bh_fail(err, BH_INVALID, "line %llu: %s", (unsigned long long)reader->line,
		    why.text);
	else if (!is_wire_key(key.data, key.len))
		rc = bad_line(reader, "has a key that no store can have", err);
	if (rc == 0)
		take_entry(reader, &key, &value);
	bh_buf_release(&key);
	bh_buf_release(&value);
	if (rc == 0 && (++reader->keys == LOAD_KEYS || reader->bytes >= LOAD_BYTES))
		rc = commit_loaded(reader, 0, err);
	return rc;
}

/* The last commit raises the stamp, so that new appends sort behind old ones. */
static int
load_end(struct reader *reader, const json_t *line, struct bh_err *err)
{
	json_int_t count = json_integer_value(json_object_get(line, "count"));
	json_int_t stamp = json_integer_value(json_object_get(line, "stamp"));

	if (count < 0 || stamp < 0 || (uint64_t)count != reader->count)
		return bad_line(reader, "counts other keys than the dump holds", err);
	reader->ended = true;
	if (reader->has_last) {
		store_expect_absent(reader->txn, reader->last, strlen(reader->last));
		store_put(reader->txn, reader->last, strlen(reader->last), reader->last_value.data,
		    reader->last_value.len);
	}
	return commit_loaded(reader, (uint64_t)stamp, err);
}

static int
load_line(struct reader *reader, const struct wire_slice *text, struct bh_err *err)
{
	json_t *line = json_loadb(text->data, text->len, JSON_ALLOW_NUL, NULL);
	int rc;

	if (!json_is_object(line))
		rc = bad_line(reader, "is no JSON object", err);
	else if (reader->ended)
		rc = bad_line(reader, "stands behind the count", err);
	else if (reader->line == 1)
		rc = json_integer_value(json_object_get(line, "billhook_dump")) == DUMP_VERSION
			 ? 0
			 : bad_line(reader, "names no version of a dump that can be loaded", err);
	else if (json_object_get(line, "count") != NULL)
		rc = load_end(reader, line, err);
	else
		rc = load_entry(reader, line, err);
	json_decref(line);
	return rc;
}

static int
check_empty(struct store_txn *txn, struct bh_err *err)
{
	const struct store_scan scan = {.max = 1, .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	store_reset(txn);
	return n == 0 ? 0 : bh_fail(err, BH_CONFLICT, "the store is not empty");
}

int
store_load(struct store *store, int (*read)(void *arg, char *buf, size_t size), void *arg,
    const char *last, struct bh_err *err)
{
	struct reader reader = {.read = read, .arg = arg, .last = last, .txn = store_begin(store)};
	struct wire_slice line = {NULL, 0};
	int rc = check_empty(reader.txn, err);

	bh_buf_init(&reader.text, LINE_MAX_BYTES + READ_SIZE);
	bh_buf_init(&reader.last_value, STORE_VALUE_MAX);
	while (rc == 0 && (rc = next_line(&reader, &line, err)) == 1)
		rc = load_line(&reader, &line, err);
	if (rc == 0 && !reader.ended)
		rc = bh_fail(err, BH_INVALID, "the dump ends after line %llu without its count",
		    (unsigned long long)reader.line);
	bh_buf_release(&reader.text);
	bh_buf_release(&reader.last_value);
	store_free(&reader.txn);
	return rc;
}
