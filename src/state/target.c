/*
 * Targets.  States of a description: absent -> fetched -> (older than a day,
 * or dropped after "no such field") fetched again.
 *
 * Keys: Dd <dest> <object> description; Do <dest> owners; Ds <dest> <object> <key> kept record.
 */
#include "base/base.h"

#include "state/target.h"

#include "store/key.h"

static void
key_object(struct key *key, const char *dest, const char *object)
{
	key_begin(key, "Dd");
	key_text(key, dest);
	key_text(key, object);
}

static void
put_json(struct store_txn *txn, const struct key *key, const json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
}

int
target_get(struct store_txn *txn, const char *dest, const char *object, json_t **description_r,
    int64_t *fetched_ms_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX);
	struct key key;
	json_t *doc;
	int rc;

	*description_r = NULL;
	key_object(&key, dest, object);
	rc = store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0) {
		doc = json_loadb(value.data, value.len, 0, NULL);
		*fetched_ms_r = bh_json_int(doc, "at", 0);
		*description_r = json_incref(json_object_get(doc, "object"));
		json_decref(doc);
		rc = *description_r != NULL;
	}
	bh_buf_release(&value);
	return rc;
}

void
target_put(struct store_txn *txn, const char *dest, const char *object, const json_t *description,
    int64_t fetched_ms)
{
	json_t *doc = json_pack("{s:I, s:O}", "at", (json_int_t)fetched_ms, "object", description);
	struct key key;

	key_object(&key, dest, object);
	put_json(txn, &key, doc);
	json_decref(doc);
}

void
target_drop(struct store_txn *txn, const char *dest, const char *object)
{
	struct key key;

	key_object(&key, dest, object);
	store_delete(txn, key.data, key.len);
}

static void
key_kept(struct key *key, const char *dest, const char *object, const char *record_key)
{
	key_begin(key, "Ds");
	key_text(key, dest);
	key_text(key, object);
	key_text(key, record_key);
}

static void
key_owners(struct key *key, const char *dest)
{
	key_begin(key, "Do");
	key_text(key, dest);
}

int
target_owners_get(struct store_txn *txn, const char *dest, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX);
	struct key key;
	int rc;

	*doc_r = NULL;
	key_owners(&key, dest);
	rc = store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0) {
		*doc_r = json_loadb(value.data, value.len, 0, NULL);
		rc = *doc_r != NULL;
	}
	bh_buf_release(&value);
	return rc;
}

void
target_owners_put(struct store_txn *txn, const char *dest, const json_t *doc)
{
	struct key key;

	key_owners(&key, dest);
	put_json(txn, &key, doc);
}

void
target_keep(struct store_txn *txn, const char *dest, const char *object, const char *record_key,
    const json_t *record)
{
	struct key key;

	key_kept(&key, dest, object, record_key);
	put_json(txn, &key, record);
}

void
target_forget(struct store_txn *txn, const char *dest, const char *object, const char *record_key)
{
	struct key key;

	key_kept(&key, dest, object, record_key);
	store_delete(txn, key.data, key.len);
}

int
target_kept_get(struct store_txn *txn, const char *dest, const char *object, const char *record_key,
    json_t **record_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX);
	struct key key;
	int rc;

	*record_r = NULL;
	key_kept(&key, dest, object, record_key);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0 && (*record_r = json_loadb(value.data, value.len, 0, NULL)) == NULL)
		rc = bh_fail(err, BH_STORAGE, "a kept record cannot be read");
	bh_buf_release(&value);
	return rc;
}

int
target_kept(struct store_txn *txn, const char *dest, size_t max, json_t **records_r,
    struct bh_err *err)
{
	struct store_scan scan = {.max = max};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	*records_r = NULL;
	key_begin(&prefix, "Ds");
	key_text(&prefix, dest);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	*records_r = json_array();
	for (size_t i = 0; i < n; i++) {
		const char *skipped, *object, *key;
		struct key_reader reader;
		json_t *doc;

		key_read(&reader, entries[i].key, entries[i].key_len, "Ds");
		if (!is_key_text(&reader, &skipped) || !is_key_text(&reader, &object) ||
		    !is_key_text(&reader, &key))
			continue;
		doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);
		json_array_append_new(*records_r,
		    json_pack("{s:s, s:s, s:o}", "object", object, "key", key, "record",
			doc != NULL ? doc : json_null()));
	}
	return 0;
}

int
target_walk_kept(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const char *dest, const char *object, const char *key,
	const char *record, size_t record_len, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Ds", .prefix_len = 2, .max = max};
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
	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *dest, *object, *key;
		struct key_reader reader;

		key_read(&reader, entries[i].key, entries[i].key_len, "Ds");
		if (!is_key_text(&reader, &dest) || !is_key_text(&reader, &object) ||
		    !is_key_text(&reader, &key))
			return bh_fail(err, BH_STORAGE, "a kept record has a broken key");
		rc = each(arg, dest, object, key, entries[i].value, entries[i].value_len, err);
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return rc;
}

int
target_drop_page(struct store_txn *txn, void *dest, struct bh_err *err)
{
	static const char *const families[] = {"Dd", "Do", "Ds"};

	for (size_t i = 0; i < BH_LEN(families); i++) {
		int rc = key_drop_page(txn, families[i], dest, err);

		if (rc <= 0)
			return rc;
	}
	return 1;
}
