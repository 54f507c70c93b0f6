/*
 * The trail.  Entries are written once and do not change, but for one that is
 * erased on request; they are removed when they are old.
 *
 * Keys: Tr <stamp> <nth, 2 bytes>; Tw the same of those that have a user, with "user what".
 */
#include "base/base.h"

#include "state/trail.h"

#include "base/json.h"
#include "base/text.h"
#include "store/key.h"

#define AUDIT_KEY 12 /* prefix, stamp, nth */

void
trail_add(struct store_txn *txn, unsigned nth, const struct trail_entry *entry)
{
	unsigned char suffix[2] = {(unsigned char)(nth >> 8 & 0xff), (unsigned char)(nth & 0xff)};
	json_t *doc =
	    json_pack("{s:I, s:s, s:o, s:o}", "at", (json_int_t)entry->at_ms, "what", entry->what,
		"subject", bh_json_string(entry->subject), "text", bh_json_string(entry->text));
	char *text;

	if (entry->facts != NULL)
		json_object_set(doc, "facts", (json_t *)(uintptr_t)entry->facts);
	if (entry->by != NULL) {
		/* One commit, one stamp: both keys end alike. */
		json_object_set_new(doc, "by", bh_json_string(entry->by));
		text = bh_xasprintf("%s %s", entry->by, entry->what);
		store_append(txn, "Tw", 2, suffix, sizeof(suffix), text, strlen(text));
		free(text);
	}
	text = bh_json_text(doc);
	store_append(txn, "Tr", 2, suffix, sizeof(suffix), text, strlen(text));
	free(text);
	json_decref(doc);
}

int
trail_list(struct store_txn *txn, uint64_t before, size_t max, json_t **entries_r,
    struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Tr", .prefix_len = 2, .max = max, .reverse = true};
	const struct store_entry *entries;
	struct key from;
	size_t n;
	bool more;

	*entries_r = NULL;
	key_begin(&from, "Tr");
	key_u64(&from, before != 0 ? before : UINT64_MAX);
	key_raw(&from, "\xff\xff", before != 0 ? 0 : 2);
	scan.from = from.data;
	scan.from_len = from.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	*entries_r = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);
		uint64_t stamp = entries[i].key_len >= 10
				     ? bh_get_be64((const unsigned char *)entries[i].key + 2)
				     : 0;

		if (doc == NULL)
			continue;
		json_object_set_new(doc, "stamp", json_integer((json_int_t)stamp));
		json_array_append_new(*entries_r, doc);
	}
	return 0;
}

/* -- what people did -- */

static bool
is_asked(const struct trail_query *query, const char *by, const char *what)
{
	const char *const *one = query->what;

	if (query->by != NULL && strcmp(query->by, by) != 0)
		return false;
	if (one == NULL)
		return true;
	while (*one != NULL && strcmp(*one, what) != 0)
		one++;
	return (*one != NULL) != query->is_other;
}

/* By its line in the list of what people did. */
static bool
is_line_asked(const struct trail_query *query, const struct store_entry *entry)
{
	char line[160];
	char *gap;

	snprintf(line, sizeof(line), "%.*s", (int)entry->value_len, (const char *)entry->value);
	gap = strrchr(line, ' ');
	if (gap == NULL)
		return false;
	*gap = '\0';
	return is_asked(query, line, gap + 1);
}

/* The entry of a key of that list; erased or removed ones do not count. */
static int
add_audited(struct store_txn *txn, const struct bh_buf *line_key, json_t *entries,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(1 << 20);
	struct key key;
	int rc;

	key_begin(&key, "Tr");
	key_raw(&key, line_key->data + 2, line_key->len - 2);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0) {
		json_t *doc = json_loadb(value.data, value.len, 0, NULL);

		if (doc != NULL)
			json_array_append_new(entries, doc);
	}
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

/* A place to go on from comes from outside. */
static bool
is_line_key(const struct bh_buf *key)
{
	return key->len == AUDIT_KEY && memcmp(key->data, "Tw", 2) == 0;
}

static bool
is_same_key(const struct bh_buf *key, const struct store_entry *entry)
{
	return key->len == entry->key_len && memcmp(key->data, entry->key, key->len) == 0;
}

/* One page of the list: the keys of the lines that fit, and how far it was looked at. */
static int
find_audited(struct store_txn *txn, const struct trail_query *query, size_t look, size_t max,
    struct bh_buf *after, struct bh_buf *keys, size_t *n_r, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Tw", .prefix_len = 2, .max = look, .reverse = true};
	const struct store_entry *entries;
	size_t n, i;

	*n_r = 0;
	if (is_line_key(after)) {
		scan.from = after->data;
		scan.from_len = after->len;
		scan.max++; /* that one itself comes again */
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (i = 0; i < n && *n_r < max; i++) {
		if (i == 0 && is_same_key(after, &entries[i]))
			continue;
		bh_buf_reset(after);
		bh_buf_add(after, entries[i].key, entries[i].key_len);
		if (entries[i].key_len == AUDIT_KEY && is_line_asked(query, &entries[i])) {
			bh_buf_add(keys, entries[i].key, entries[i].key_len);
			++*n_r;
		}
	}
	*more_r = *more_r || i < n;
	return 0;
}

int
trail_audit(struct store_txn *txn, const struct trail_query *query, size_t look, size_t max,
    struct bh_buf *after, json_t **entries_r, bool *more_r, struct bh_err *err)
{
	struct bh_buf keys = BH_BUF_INIT(max * AUDIT_KEY + 1);
	size_t n;
	int rc = find_audited(txn, query, look, max, after, &keys, &n, more_r, err);

	*entries_r = json_array();
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct bh_buf key = BH_BUF_INIT(AUDIT_KEY + 1);

		bh_buf_add(&key, keys.data + i * AUDIT_KEY, AUDIT_KEY);
		rc = add_audited(txn, &key, *entries_r, err);
		bh_buf_release(&key);
	}
	bh_buf_release(&keys);
	return rc;
}

/* The line of an entry goes with it. */
static void
drop_line(struct store_txn *txn, const struct store_entry *entry)
{
	struct key key;

	if (entry->key_len != AUDIT_KEY)
		return;
	key_begin(&key, "Tw");
	key_raw(&key, (const char *)entry->key + 2, entry->key_len - 2);
	store_delete(txn, key.data, key.len);
}

int
trail_walk(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct store_entry *entry, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Tr", .prefix_len = 2, .max = max};
	const struct store_entry *entries;
	size_t n;
	int rc = 0;

	if (after->len != 0) {
		bh_buf_addc(after, '\0');
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = each(arg, &entries[i], err);
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return rc;
}

void
trail_erase(struct store_txn *txn, const struct store_entry *entry)
{
	json_t *doc = json_loadb(entry->value, entry->value_len, 0, NULL);
	const char *what = bh_json_str(doc, "what"), *by = bh_json_str(doc, "by");
	json_t *blank =
	    json_pack("{s:I, s:s, s:s, s:s}", "at", (json_int_t)bh_json_int(doc, "at", 0), "what",
		what != NULL ? what : "", "subject", "", "text", "erased on request");
	char *text;

	if (by != NULL)
		json_object_set_new(blank, "by", bh_json_string(by));
	text = bh_json_text(blank);
	store_put(txn, entry->key, entry->key_len, text, strlen(text));
	free(text);
	json_decref(blank);
	json_decref(doc);
}

int
trail_prune(struct store_txn *txn, int64_t before_ms, size_t max, size_t *n_r, bool *more_r,
    struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Tr", .prefix_len = 2, .max = max};
	const struct store_entry *entries;
	size_t n;

	*n_r = 0;
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		json_t *doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);
		bool is_old = bh_json_int(doc, "at", 0) < before_ms;
		bool has_user = bh_json_str(doc, "by") != NULL;

		json_decref(doc);
		if (!is_old) {
			*more_r = false;
			break;
		}
		if (has_user)
			drop_line(txn, &entries[i]);
		store_delete(txn, entries[i].key, entries[i].key_len);
		(*n_r)++;
	}
	return *n_r == 0;
}
