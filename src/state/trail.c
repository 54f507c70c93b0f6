/*
 * The trail.  Entries are written once and do not change, but for one that is
 * erased on request; they are removed when they are old.
 *
 * Keys: Tr <stamp> <nth, 2 bytes>.
 */
#include "base/base.h"

#include "state/trail.h"

#include "base/json.h"
#include "base/text.h"
#include "store/key.h"

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
	const char *what = bh_json_str(doc, "what");
	json_t *blank =
	    json_pack("{s:I, s:s, s:s, s:s}", "at", (json_int_t)bh_json_int(doc, "at", 0), "what",
		what != NULL ? what : "", "subject", "", "text", "erased on request");
	char *text = bh_json_text(blank);

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

		json_decref(doc);
		if (!is_old) {
			*more_r = false;
			break;
		}
		store_delete(txn, entries[i].key, entries[i].key_len);
		(*n_r)++;
	}
	return *n_r == 0;
}
