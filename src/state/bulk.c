/* Keys: Lb <dest> the job; Lr <dest> <key> a row.  Values are JSON; absent members are zero. */
#include "base/base.h"

#include "state/bulk.h"

#include "store/key.h"

#define VALUE_MAX 65536

static void
put_json(struct store_txn *txn, const struct key *key, json_t *doc_take)
{
	char *text = bh_json_text(doc_take);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
	json_decref(doc_take);
}

static void
key_job(struct key *key, const char *dest)
{
	key_begin(key, "Lb");
	key_text(key, dest);
}

static void
key_row(struct key *key, const char *dest, const char *name)
{
	key_begin(key, "Lr");
	key_text(key, dest);
	key_text(key, name);
}

int
bulk_load(struct store_txn *txn, const char *dest, struct bulk_job *job, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(VALUE_MAX);
	struct key key;
	int64_t phase;
	json_t *doc;
	int rc;

	memset(job, 0, sizeof(*job));
	key_job(&key, dest);
	rc = store_peek(txn, key.data, key.len, &value, err);
	doc = rc > 0 ? json_loadb(value.data, value.len, 0, NULL) : NULL;
	phase = bh_json_int(doc, "phase", 0);
	job->phase = phase > 0 && phase < BULK__MAX ? (enum bulk_phase)phase : BULK_NONE;
	bh_json_copy(job->sync, sizeof(job->sync), doc, "sync");
	bh_json_copy(job->object, sizeof(job->object), doc, "object");
	bh_json_copy(job->crm_object, sizeof(job->crm_object), doc, "crm_object");
	bh_json_copy(job->key_field, sizeof(job->key_field), doc, "key_field");
	bh_json_copy(job->id, sizeof(job->id), doc, "id");
	bh_json_copy(job->note, sizeof(job->note), doc, "note");
	job->rank = (int)bh_json_int(doc, "rank", 0);
	job->by_id = bh_is_json_true(doc, "by_id");
	job->rows = bh_json_int(doc, "rows", 0);
	job->processed = bh_json_int(doc, "processed", 0);
	job->failed = bh_json_int(doc, "failed", 0);
	job->started_ms = bh_json_int(doc, "started", 0);
	job->polls = bh_json_int(doc, "polls", 0);
	job->drops = bh_json_int(doc, "drops", 0);
	job->look_ms = bh_json_int(doc, "look", 0);
	job->off_until_ms = bh_json_int(doc, "off_until", 0);
	json_decref(doc);
	bh_buf_release(&value);
	return rc;
}

void
bulk_save(struct store_txn *txn, const char *dest, const struct bulk_job *job)
{
	json_t *doc = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:o}", "phase", (int)job->phase,
	    "sync", job->sync, "object", job->object, "crm_object", job->crm_object, "key_field",
	    job->key_field, "id", job->id, "note", bh_json_string(job->note));
	struct key key;

	json_object_set_new(doc, "rank", json_integer(job->rank));
	json_object_set_new(doc, "by_id", json_boolean(job->by_id));
	json_object_set_new(doc, "rows", json_integer((json_int_t)job->rows));
	json_object_set_new(doc, "processed", json_integer((json_int_t)job->processed));
	json_object_set_new(doc, "failed", json_integer((json_int_t)job->failed));
	json_object_set_new(doc, "started", json_integer((json_int_t)job->started_ms));
	json_object_set_new(doc, "polls", json_integer((json_int_t)job->polls));
	json_object_set_new(doc, "drops", json_integer((json_int_t)job->drops));
	json_object_set_new(doc, "look", json_integer((json_int_t)job->look_ms));
	json_object_set_new(doc, "off_until", json_integer((json_int_t)job->off_until_ms));
	key_job(&key, dest);
	put_json(txn, &key, doc);
}

void
bulk_row_put(struct store_txn *txn, const char *dest, const char *name, const struct bulk_row *row)
{
	json_t *doc = json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "a", row->account, "i",
	    row->id, "v", (json_int_t)row->mark, "l", (json_int_t)row->version, "h", row->hash, "p",
	    row->parents, "k", row->kept);
	struct key key;

	if (row->how[0] != '\0')
		json_object_set_new(doc, "w", bh_json_string(row->how));
	if (row->unseen[0] != '\0')
		json_object_set_new(doc, "u", bh_json_string(row->unseen));
	if (row->undo_ms != 0)
		json_object_set_new(doc, "b", json_integer((json_int_t)row->undo_ms));
	key_row(&key, dest, name);
	put_json(txn, &key, doc);
}

static void
decode_row(const struct store_item *item, struct bulk_row *row)
{
	json_t *doc = json_loadb(item->value, item->value_len, 0, NULL);

	bh_json_copy(row->account, sizeof(row->account), doc, "a");
	bh_json_copy(row->id, sizeof(row->id), doc, "i");
	bh_json_copy(row->hash, sizeof(row->hash), doc, "h");
	bh_json_copy(row->parents, sizeof(row->parents), doc, "p");
	bh_json_copy(row->kept, sizeof(row->kept), doc, "k");
	bh_json_copy(row->how, sizeof(row->how), doc, "w");
	bh_json_copy(row->unseen, sizeof(row->unseen), doc, "u");
	row->undo_ms = bh_json_int(doc, "b", 0);
	row->mark = (uint64_t)bh_json_int(doc, "v", 0);
	row->version = (uint64_t)bh_json_int(doc, "l", 0);
	json_decref(doc);
}

int
bulk_row_get_many(struct store_txn *txn, const char *dest, const char *const *keys, size_t n,
    struct bulk_row *rows, bool *found, struct bh_err *err)
{
	struct key *names = bh_xcalloc(n, sizeof(names[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc;

	memset(rows, 0, n * sizeof(rows[0]));
	for (size_t i = 0; i < n; i++) {
		key_row(&names[i], dest, keys[i]);
		items[i] = (struct store_item){.key = names[i].data, .key_len = names[i].len};
	}
	rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		found[i] = items[i].found;
		if (found[i])
			decode_row(&items[i], &rows[i]);
	}
	free(items);
	free(names);
	return rc;
}

void
bulk_row_drop(struct store_txn *txn, const char *dest, const char *name)
{
	struct key key;

	key_row(&key, dest, name);
	store_delete(txn, key.data, key.len);
}

int
bulk_rows_drop_page(struct store_txn *txn, void *dest, struct bh_err *err)
{
	return key_drop_page(txn, "Lr", dest, err);
}
