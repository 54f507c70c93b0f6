/* Keys: Wn <connection> <what> <account> <id>: {"h": hint, "a": attempts, "d": due}. */
#include "base/base.h"

#include "state/want.h"

#include "store/key.h"

#define LOOK_MAX 1000 /* entries looked at for those that are due */

static void
key_want(struct key *key, const char *connection, const char *what, const char *account,
    const char *id)
{
	key_begin(key, "Wn");
	key_text(key, connection);
	key_text(key, what);
	key_text(key, account);
	key_text(key, id);
}

void
want_release(struct want_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(entries[i].key);
		json_decref(entries[i].hint);
	}
}

static void
put(struct store_txn *txn, const void *key, size_t key_len, const json_t *hint, int attempts,
    int64_t due_ms)
{
	json_t *doc = json_pack("{s:i, s:I}", "a", attempts, "d", (json_int_t)due_ms);
	char *text;

	if (hint != NULL)
		json_object_set(doc, "h", (json_t *)(uintptr_t)hint);
	text = bh_json_text(doc);
	store_put(txn, key, key_len, text, strlen(text));
	free(text);
	json_decref(doc);
}

void
want_put(struct store_txn *txn, const char *connection, const char *what, const char *account,
    const char *id, const json_t *hint)
{
	struct key key;

	key_want(&key, connection, what, account, id);
	put(txn, key.data, key.len, hint, 0, 0);
}

static int
read_entry(const struct store_entry *from, struct want_entry *entry, struct bh_err *err)
{
	const char *connection, *what, *account, *id;
	struct key_reader reader;
	json_t *doc;

	key_read(&reader, from->key, from->key_len, "Wn");
	if (!is_key_text(&reader, &connection) || !is_key_text(&reader, &what) ||
	    !is_key_text(&reader, &account) || !is_key_text(&reader, &id))
		return bh_fail(err, BH_STORAGE, "a look-up has a broken key");
	doc = json_loadb(from->value, from->value_len, 0, NULL);
	*entry = (struct want_entry){.key_len = from->key_len,
	    .version = from->version,
	    .attempts = (int)bh_json_int(doc, "a", 0),
	    .due_ms = bh_json_int(doc, "d", 0),
	    .hint = json_incref(json_object_get(doc, "h"))};
	snprintf(entry->connection, sizeof(entry->connection), "%s", connection);
	snprintf(entry->what, sizeof(entry->what), "%s", what);
	snprintf(entry->account, sizeof(entry->account), "%s", account);
	snprintf(entry->id, sizeof(entry->id), "%s", id);
	json_decref(doc);
	return 0;
}

static void
scan_of(struct store_scan *scan, struct key *prefix, const char *connection, size_t max)
{
	key_begin(prefix, "Wn");
	key_text(prefix, connection);
	*scan = (struct store_scan){.prefix = prefix->data, .prefix_len = prefix->len, .max = max};
}

int
want_due(struct store_txn *txn, const char *connection, int64_t now_ms, size_t max,
    struct want_entry *entries, size_t *n_r, int64_t *next_r, struct bh_err *err)
{
	const struct store_entry *found;
	struct store_scan scan;
	struct key prefix;
	size_t n;
	bool more;

	*n_r = 0;
	*next_r = INT64_MAX;
	scan_of(&scan, &prefix, connection, LOOK_MAX);
	if (store_scan(txn, &scan, &found, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n && *n_r < max; i++) {
		struct want_entry *entry = &entries[*n_r];

		if (read_entry(&found[i], entry, err) < 0) {
			want_release(entries, *n_r);
			*n_r = 0;
			return -1;
		}
		if (entry->due_ms > now_ms) {
			if (entry->due_ms < *next_r)
				*next_r = entry->due_ms;
			want_release(entry, 1);
			continue;
		}
		entry->key = bh_xmalloc(entry->key_len);
		memcpy(entry->key, found[i].key, entry->key_len);
		++*n_r;
	}
	return 0;
}

void
want_done(struct store_txn *txn, const struct want_entry *entry)
{
	store_expect(txn, entry->key, entry->key_len, entry->version);
	store_delete(txn, entry->key, entry->key_len);
}

void
want_later(struct store_txn *txn, const struct want_entry *entry, int64_t due_ms)
{
	store_expect(txn, entry->key, entry->key_len, entry->version);
	put(txn, entry->key, entry->key_len, entry->hint, entry->attempts + 1, due_ms);
}

int
want_count(struct store_txn *txn, const char *connection, size_t max, size_t *n_r,
    struct bh_err *err)
{
	const struct store_entry *found;
	struct store_scan scan;
	struct key prefix;
	bool more;

	scan_of(&scan, &prefix, connection, max);
	scan.keys_only = true;
	return store_scan(txn, &scan, &found, n_r, &more, err);
}

int
want_walk(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct want_entry *entry, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Wn", .prefix_len = 2, .max = max};
	const struct store_entry *found;
	size_t n;
	int rc = 0;

	if (after->len != 0) {
		bh_buf_addc(after, '\0'); /* the least key behind the last one */
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &found, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct want_entry entry;

		if (read_entry(&found[i], &entry, err) < 0)
			return -1;
		entry.key = bh_xmalloc(entry.key_len);
		memcpy(entry.key, found[i].key, entry.key_len);
		rc = each(arg, &entry, err);
		want_release(&entry, 1);
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, found[n - 1].key, found[n - 1].key_len);
	}
	return rc;
}
