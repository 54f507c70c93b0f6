/*
 * Keys: Fh/Fc/Fd <connection> <kind> <account> <id> history, facts, fields;
 * Fr <connection> <account> <kind> <id> <user's kind> <user's id> references;
 * Fq <connection> <account> <kind> <id> put off, the value says from where on;
 * Ft <ms> <connection> <account> <customer> timers.
 */
#include "base/base.h"

#include "state/derived.h"

#include "store/key.h"

#define DOC_MAX (16u << 20)

static const char *const families[DERIVED_FAMILIES] = {"Fh", "Fc", "Fd"};
static const char *const family_names[DERIVED_FAMILIES] = {"history", "facts", "fields"};

const char *
derived_family_name(enum derived_family family)
{
	return family_names[family];
}

static void
key_doc(struct key *key, enum derived_family family, const struct mirror_id *id)
{
	key_begin(key, families[family]);
	key_text(key, id->connection);
	key_text(key, object_kind_name(id->kind));
	key_text(key, id->account);
	key_text(key, id->id);
}

void
derived_release(struct derived_doc *docs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_decref(docs[i].doc);
		docs[i].doc = NULL;
	}
}

int
derived_get_many(struct store_txn *txn, struct derived_doc *docs, size_t n, bool checked,
    struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		docs[i].doc = NULL;
		key_doc(&keys[i], docs[i].family, &docs[i].id);
		items[i] = (struct store_item){.key = keys[i].data,
		    .key_len = keys[i].len,
		    .checked = checked};
	}
	if (n != 0)
		rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!items[i].found)
			continue;
		docs[i].doc = json_loadb(items[i].value, items[i].value_len, 0, NULL);
		if (docs[i].doc == NULL)
			rc = bh_fail(err, BH_STORAGE, "a derived document cannot be read");
	}
	if (rc < 0)
		derived_release(docs, n);
	free(items);
	free(keys);
	return rc;
}

void
derived_put(struct store_txn *txn, enum derived_family family, const struct mirror_id *id,
    const json_t *doc)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	struct key key;

	key_doc(&key, family, id);
	if (doc == NULL) {
		store_delete(txn, key.data, key.len);
		return;
	}
	bh_json_add(&value, doc);
	store_put(txn, key.data, key.len, value.data, value.len);
	bh_buf_release(&value);
}

int
derived_view_many(struct store_txn *txn, const struct mirror_id *ids, size_t n,
    struct object_state *objects, struct bh_err *err)
{
	struct derived_doc *docs = bh_xcalloc(n, sizeof(docs[0]));
	int rc = mirror_get_many(txn, ids, n, false, objects, err);

	for (size_t i = 0; i < n; i++)
		docs[i] = (struct derived_doc){DERIVED_FIELDS, ids[i], NULL};
	if (rc == 0 && derived_get_many(txn, docs, n, false, err) < 0) {
		for (size_t i = 0; i < n; i++)
			mirror_object_release(&objects[i]);
		rc = -1;
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		if (objects[i].fields != NULL && docs[i].doc != NULL)
			json_object_update(objects[i].fields, docs[i].doc);
	derived_release(docs, n);
	free(docs);
	return rc;
}

/* -- references -- */

static void
key_reference(struct key *key, const struct mirror_id *of)
{
	key_begin(key, "Fr");
	key_text(key, of->connection);
	key_text(key, of->account);
	key_text(key, object_kind_name(of->kind));
	key_text(key, of->id);
}

void
derived_refer(struct store_txn *txn, const struct mirror_id *of, const struct mirror_id *user)
{
	struct key key;

	key_reference(&key, of);
	key_text(&key, object_kind_name(user->kind));
	key_text(&key, user->id);
	store_put(txn, key.data, key.len, "", 0);
}

int
derived_users(struct store_txn *txn, const struct mirror_id *of, size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct mirror_id *user, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	int rc = 0;

	key_reference(&prefix, of);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (after->len != 0) {
		bh_buf_addc(after, '\0'); /* the least key behind the last one */
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct mirror_id user = {of->connection, of->account, OBJECT_NONE, NULL};
		struct key_reader reader = {entries[i].key + prefix.len,
		    entries[i].key_len - prefix.len};
		const char *kind;

		if (!is_key_text(&reader, &kind) || !is_key_text(&reader, &user.id))
			return bh_fail(err, BH_STORAGE, "the index of references is broken");
		user.kind = object_kind_of(kind);
		rc = each(arg, &user, err);
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return rc;
}

/* -- put off -- */

static void
key_deferred(struct key *key, const struct mirror_id *of)
{
	key_begin(key, "Fq");
	key_text(key, of->connection);
	key_text(key, of->account);
	key_text(key, object_kind_name(of->kind));
	key_text(key, of->id != NULL ? of->id : "");
}

void
derived_defer(struct store_txn *txn, const struct mirror_id *of, const struct bh_buf *after)
{
	struct key key;

	key_deferred(&key, of);
	store_put(txn, key.data, key.len, after != NULL ? after->data : "",
	    after != NULL ? after->len : 0);
}

int
derived_deferred(struct store_txn *txn, struct bh_buf *names, struct mirror_id *of,
    struct bh_buf *after, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Fq", .prefix_len = 2, .max = 1};
	const struct store_entry *entries;
	struct key_reader reader;
	const char *kind;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	bh_buf_reset(names);
	bh_buf_add(names, entries[0].key, entries[0].key_len);
	bh_buf_reset(after);
	bh_buf_add(after, entries[0].value, entries[0].value_len);
	*of = (struct mirror_id){0};
	key_read(&reader, names->data, names->len, "Fq");
	if (!is_key_text(&reader, &of->connection) || !is_key_text(&reader, &of->account) ||
	    !is_key_text(&reader, &kind) || !is_key_text(&reader, &of->id))
		return bh_fail(err, BH_STORAGE, "an entry of work put off has a broken key");
	of->kind = object_kind_of(kind);
	/* Checked at commit: a change that puts it off anew must not be forgotten. */
	return store_get(txn, names->data, names->len, NULL, err);
}

void
derived_deferred_done(struct store_txn *txn, const struct mirror_id *of)
{
	struct key key;

	key_deferred(&key, of);
	store_delete(txn, key.data, key.len);
}

/* -- timers -- */

static void
key_timer(struct key *key, const struct mirror_id *customer, int64_t at_ms)
{
	key_begin(key, "Ft");
	key_u64(key, at_ms > 0 ? (uint64_t)at_ms : 0);
	key_text(key, customer->connection);
	key_text(key, customer->account);
	key_text(key, customer->id);
}

void
derived_timer(struct store_txn *txn, const struct mirror_id *customer, int64_t before_ms,
    int64_t at_ms)
{
	struct key key;

	if (before_ms == at_ms)
		return;
	if (before_ms != INT64_MAX) {
		key_timer(&key, customer, before_ms);
		store_delete(txn, key.data, key.len);
	}
	if (at_ms != INT64_MAX) {
		key_timer(&key, customer, at_ms);
		store_put(txn, key.data, key.len, "", 0);
	}
}

int
derived_due(struct store_txn *txn, int64_t now_ms, size_t max,
    int (*each)(void *arg, const struct mirror_id *customer, int64_t at_ms, struct bh_err *err),
    void *arg, size_t *n_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Ft", .prefix_len = 2, .max = max, .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;
	int rc = 0;

	*n_r = 0;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct mirror_id customer = {.kind = OBJECT_CUSTOMER};
		struct key_reader reader;
		uint64_t at_ms;

		key_read(&reader, entries[i].key, entries[i].key_len, "Ft");
		if (!is_key_u64(&reader, &at_ms) || !is_key_text(&reader, &customer.connection) ||
		    !is_key_text(&reader, &customer.account) || !is_key_text(&reader, &customer.id))
			return bh_fail(err, BH_STORAGE, "a timer has a broken key");
		if (at_ms > (uint64_t)now_ms)
			break;
		rc = each(arg, &customer, (int64_t)at_ms, err);
		++*n_r;
	}
	return rc;
}

/* -- erasing -- */

/* The names under "refers" are "kind id". */
static void
erase_references(struct store_txn *txn, const struct mirror_id *user, const json_t *doc)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_object_get(doc, "refers"), name, value) {
		const char *space = strchr(name, ' ');
		char *kind = bh_xstrndup(name, space != NULL ? (size_t)(space - name) : 0);
		struct mirror_id of = {user->connection, user->account, object_kind_of(kind),
		    space != NULL ? space + 1 : ""};
		struct key key;

		key_reference(&key, &of);
		key_text(&key, object_kind_name(user->kind));
		key_text(&key, user->id);
		store_delete(txn, key.data, key.len);
		free(kind);
	}
}

static void
erase_doc(struct store_txn *txn, const struct derived_doc *doc)
{
	erase_references(txn, &doc->id, doc->doc);
	if (doc->family == DERIVED_FACTS)
		derived_timer(txn, &doc->id, bh_json_int(doc->doc, "due", INT64_MAX), INT64_MAX);
	derived_put(txn, doc->family, &doc->id, NULL);
}

int
derived_erase_many(struct store_txn *txn, const struct mirror_id *ids, size_t n, size_t *n_r,
    struct bh_err *err)
{
	struct derived_doc *docs = bh_xcalloc(n * DERIVED_FAMILIES, sizeof(docs[0]));
	int rc;

	*n_r = 0;
	for (size_t i = 0; i < n * DERIVED_FAMILIES; i++)
		docs[i] = (struct derived_doc){(enum derived_family)(i % DERIVED_FAMILIES),
		    ids[i / DERIVED_FAMILIES], NULL};
	rc = derived_get_many(txn, docs, n * DERIVED_FAMILIES, true, err);
	for (size_t i = 0; i < n * DERIVED_FAMILIES && rc == 0; i++) {
		if (docs[i].doc == NULL)
			continue;
		erase_doc(txn, &docs[i]);
		++*n_r;
	}
	for (size_t i = 0; i < n && rc == 0; i++)
		derived_deferred_done(txn, &ids[i]);
	derived_release(docs, n * DERIVED_FAMILIES);
	free(docs);
	return rc;
}
