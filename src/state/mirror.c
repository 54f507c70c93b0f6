/*
 * The mirror.  States of an object:
 *
 *   state    | meaning                                  | moves to
 *   absent   | never heard of                           | held
 *   held     | newest known fields and their version    | held (newer), deleted
 *   deleted  | tombstone: version and last known fields | held (a newer change revives it)
 *   erased   | tombstone: version, no fields            | held (a newer change revives it)
 *
 * Keys: Mo <connection> <kind> <account> <id> the object; Mc <connection>
 * <account> <customer> <kind> <id> the objects of a customer; Ma <connection>
 * <kind> <account> <id> under which id it is held, where that is another; Md
 * <connection> <account> <customer> those of it still to be looked at.
 */
#include "base/base.h"

#include "state/mirror.h"

#include "base/text.h"
#include "store/key.h"

/* Version of the stored object: at_ms, rank, deleted, tie ended by NUL, then the fields as JSON. */
#define OBJECT_VERSION 1
#define HEAD_LEN 14
#define COUNT_PAGE 10000 /* keys counted at once */
#define ID_MAX 255       /* bytes in an id that an object can have */

void
mirror_object_release(struct object_state *object)
{
	json_decref(object->fields);
	memset(object, 0, sizeof(*object));
}

static void
key_object(struct key *key, const struct mirror_id *id)
{
	key_begin(key, "Mo");
	key_text(key, id->connection);
	key_text(key, object_kind_name(id->kind));
	key_text(key, id->account);
	key_text(key, id->id);
}

static int
decode(const char *value, size_t len, struct object_state *object, struct bh_err *err)
{
	const unsigned char *head = (const unsigned char *)value;
	const char *nul;

	memset(object, 0, sizeof(*object));
	nul = len > HEAD_LEN ? memchr(value + HEAD_LEN, '\0', len - HEAD_LEN) : NULL;
	if (nul == NULL || value[0] != OBJECT_VERSION)
		return bh_fail(err, BH_STORAGE, "a mirrored object has an unknown form");
	object->version.at_ms = (int64_t)bh_get_be64(head + 1);
	object->version.rank = (int)bh_get_be32(head + 9);
	object->deleted = head[13] != 0;
	snprintf(object->version.tie, sizeof(object->version.tie), "%s", value + HEAD_LEN);
	object->fields = json_loadb(nul + 1, len - (size_t)(nul + 1 - value), 0, NULL);
	if (object->fields == NULL)
		return bh_fail(err, BH_STORAGE, "a mirrored object cannot be read");
	return 0;
}

int
mirror_get(struct store_txn *txn, const struct mirror_id *id, bool checked,
    struct object_state *object, struct bh_err *err)
{
	if (mirror_get_many(txn, id, 1, checked, object, err) < 0)
		return -1;
	return object->fields != NULL;
}

int
mirror_get_many(struct store_txn *txn, const struct mirror_id *ids, size_t n, bool checked,
    struct object_state *objects, struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc;

	memset(objects, 0, n * sizeof(objects[0]));
	for (size_t i = 0; i < n; i++) {
		key_object(&keys[i], &ids[i]);
		items[i] = (struct store_item){.key = keys[i].data,
		    .key_len = keys[i].len,
		    .checked = checked};
	}
	rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (items[i].found)
			rc = decode(items[i].value, items[i].value_len, &objects[i], err);
	if (rc < 0)
		for (size_t i = 0; i < n; i++)
			mirror_object_release(&objects[i]);
	free(items);
	free(keys);
	return rc;
}

static void
key_customer(struct key *key, const char *connection, const char *account, const char *customer)
{
	key_begin(key, "Mc");
	key_text(key, connection);
	key_text(key, account);
	key_text(key, customer);
}

void
mirror_put_again(struct store_txn *txn, const struct mirror_id *id,
    const struct object_state *object)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX);
	unsigned char head[HEAD_LEN] = {OBJECT_VERSION};
	struct key key;

	bh_put_be64(head + 1, (uint64_t)object->version.at_ms);
	bh_put_be32(head + 9, (uint32_t)object->version.rank);
	head[13] = object->deleted;
	bh_buf_add(&value, head, sizeof(head));
	bh_buf_add(&value, object->version.tie, strlen(object->version.tie) + 1);
	bh_json_add(&value, object->fields);
	key_object(&key, id);
	store_put(txn, key.data, key.len, value.data, value.len);
	bh_buf_release(&value);
}

void
mirror_put(struct store_txn *txn, const struct mirror_id *id, const struct object_state *object)
{
	const char *customer = bh_json_str(object->fields, "customer");
	struct key key;

	mirror_put_again(txn, id, object);
	if (customer != NULL && strlen(customer) <= ID_MAX && !object->deleted) {
		key_customer(&key, id->connection, id->account, customer);
		key_text(&key, object_kind_name(id->kind));
		key_text(&key, id->id);
		store_put(txn, key.data, key.len, "", 0);
	}
}

static void
key_alias(struct key *key, const struct mirror_id *id)
{
	key_begin(key, "Ma");
	key_text(key, id->connection);
	key_text(key, object_kind_name(id->kind));
	key_text(key, id->account);
	key_text(key, id->id);
}

int
mirror_held(struct store_txn *txn, const struct mirror_id *id, struct bh_buf *held,
    struct bh_err *err)
{
	struct key key;

	key_alias(&key, id);
	return store_get(txn, key.data, key.len, held, err);
}

void
mirror_hold(struct store_txn *txn, const struct mirror_id *id, const char *held)
{
	struct key key;

	key_alias(&key, id);
	store_put(txn, key.data, key.len, held, strlen(held));
}

int
mirror_children(struct store_txn *txn, const struct mirror_id *customer, size_t max,
    struct bh_buf *after, int (*each)(void *arg, const struct mirror_id *id, struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	int rc = 0;

	key_customer(&prefix, customer->connection, customer->account, customer->id);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (after->len != 0) {
		bh_buf_addc(after, '\0');
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct mirror_id id = {customer->connection, customer->account, OBJECT_NONE, NULL};
		struct key_reader reader = {entries[i].key + prefix.len,
		    entries[i].key_len - prefix.len};
		const char *kind;

		if (!is_key_text(&reader, &kind) || !is_key_text(&reader, &id.id))
			return bh_fail(err, BH_STORAGE,
			    "the index of a customer's objects is broken");
		id.kind = object_kind_of(kind);
		rc = each(arg, &id, err);
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return rc;
}

int
mirror_children_of(struct store_txn *txn, const struct mirror_id *customer, enum object_kind kind,
    size_t max, struct bh_buf *after,
    int (*each)(void *arg, const struct mirror_id *id, struct bh_err *err), void *arg, bool *more_r,
    struct bh_err *err)
{
	struct store_scan scan = {.max = max, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	int rc = 0;

	key_customer(&prefix, customer->connection, customer->account, customer->id);
	key_text(&prefix, object_kind_name(kind));
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (after->len >= prefix.len && memcmp(after->data, prefix.data, prefix.len) == 0) {
		bh_buf_addc(after, '\0');
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct mirror_id id = {customer->connection, customer->account, kind, NULL};
		struct key_reader reader = {entries[i].key + prefix.len,
		    entries[i].key_len - prefix.len};

		if (!is_key_text(&reader, &id.id))
			return bh_fail(err, BH_STORAGE,
			    "the index of a customer's objects is broken");
		rc = each(arg, &id, err);
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return rc;
}

static void
key_deferred(struct key *key, const struct mirror_id *customer)
{
	key_begin(key, "Md");
	key_text(key, customer->connection);
	key_text(key, customer->account);
	key_text(key, customer->id);
}

void
mirror_defer_children(struct store_txn *txn, const struct mirror_id *customer,
    const struct bh_buf *after)
{
	struct key key;

	key_deferred(&key, customer);
	store_put(txn, key.data, key.len, bh_buf_str(after), after->len);
}

int
mirror_deferred(struct store_txn *txn, struct bh_buf *names, struct mirror_id *customer,
    struct bh_buf *after, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Md", .prefix_len = 2, .max = 1};
	const struct store_entry *entries;
	struct key_reader reader;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	if (n == 0)
		return 0;
	/* The entry belongs to the transaction, which the caller may empty. */
	bh_buf_reset(names);
	bh_buf_add(names, entries[0].key, entries[0].key_len);
	bh_buf_reset(after);
	bh_buf_add(after, entries[0].value, entries[0].value_len);
	*customer = (struct mirror_id){.kind = OBJECT_CUSTOMER};
	key_read(&reader, names->data, names->len, "Md");
	if (!is_key_text(&reader, &customer->connection) ||
	    !is_key_text(&reader, &customer->account) || !is_key_text(&reader, &customer->id))
		return bh_fail(err, BH_STORAGE, "an entry of work put off has a broken key");
	/* Checked at commit: a change that puts it off anew must not be forgotten. */
	return store_get(txn, names->data, names->len, NULL, err);
}

void
mirror_deferred_done(struct store_txn *txn, const struct mirror_id *customer)
{
	struct key key;

	key_deferred(&key, customer);
	store_delete(txn, key.data, key.len);
}

static void
key_kind(struct key *key, const char *connection, enum object_kind kind)
{
	key_begin(key, "Mo");
	key_text(key, connection);
	key_text(key, object_kind_name(kind));
}

int
mirror_walk(struct store_txn *txn, const char *connection, enum object_kind kind, size_t max,
    struct bh_buf *after,
    int (*each)(void *arg, const struct mirror_id *id, const struct object_state *object,
	struct bh_err *err),
    void *arg, bool *more_r, struct bh_err *err)
{
	const struct store_entry *entries;
	struct store_scan scan = {.max = max};
	struct key prefix;
	size_t n;
	int rc = 0;

	key_kind(&prefix, connection, kind);
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
		struct mirror_id id = {.connection = connection, .kind = kind};
		struct object_state object;
		struct key_reader reader;
		const char *skipped;

		key_read(&reader, entries[i].key, entries[i].key_len, "Mo");
		if (!is_key_text(&reader, &skipped) || !is_key_text(&reader, &skipped) ||
		    !is_key_text(&reader, &id.account) || !is_key_text(&reader, &id.id))
			return bh_fail(err, BH_STORAGE, "a mirrored object has a broken key");
		if (decode(entries[i].value, entries[i].value_len, &object, err) < 0)
			return -1;
		rc = each(arg, &id, &object, err);
		mirror_object_release(&object);
	}
	if (n != 0) {
		bh_buf_reset(after);
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
	}
	return rc;
}

int
mirror_connections(struct store_txn *txn, json_t **codes_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Mo", .prefix_len = 2, .max = 1, .keys_only = true};
	const struct store_entry *entries;
	json_t *codes = json_array();
	struct key from;
	bool more;
	size_t n;
	int rc;

	*codes_r = NULL;
	while ((rc = store_scan(txn, &scan, &entries, &n, &more, err)) == 0 && n != 0) {
		struct key_reader reader;
		const char *code;

		key_read(&reader, entries[0].key, entries[0].key_len, "Mo");
		if (!is_key_text(&reader, &code)) {
			rc = bh_fail(err, BH_STORAGE, "a mirrored object has a broken key");
			break;
		}
		json_array_append_new(codes, json_string(code));
		/* Behind everything of this connection. */
		key_begin(&from, "Mo");
		key_raw(&from, code, strlen(code));
		key_raw(&from, "\1", 1);
		scan.from = from.data;
		scan.from_len = from.len;
	}
	if (rc == 0)
		*codes_r = codes;
	else
		json_decref(codes);
	return rc;
}

void
mirror_erase(struct store_txn *txn, const struct mirror_id *id, const struct object_state *object,
    int64_t now_ms)
{
	struct object_state erased = {.version = {.at_ms = now_ms, .tie = OBJECT_TIE_ERASED},
	    .deleted = true};

	/* The source's clock is ahead: behind what it said last. */
	if (object->version.at_ms >= now_ms) {
		erased.version.at_ms = object->version.at_ms;
		erased.version.rank = INT32_MAX;
	}
	erased.fields = json_object();
	mirror_put(txn, id, &erased);
	json_decref(erased.fields);
}

bool
is_mirror_erased(const struct object_state *object)
{
	return object->deleted && json_object_size(object->fields) == 0;
}

void
mirror_walk_behind(struct bh_buf *after, const struct mirror_id *id)
{
	struct key key;

	key_object(&key, id);
	bh_buf_reset(after);
	bh_buf_add(after, key.data, key.len);
}

int
mirror_count(struct store_txn *txn, const char *connection, enum object_kind kind, size_t max,
    size_t *n_r, struct bh_err *err)
{
	struct store_scan scan = {.keys_only = true};
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	const struct store_entry *entries;
	struct key prefix;
	bool more = true;
	int rc = 0;

	key_kind(&prefix, connection, kind);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	for (*n_r = 0; rc == 0 && more && *n_r < max;) {
		size_t n = 0;

		scan.max = max - *n_r < COUNT_PAGE ? max - *n_r : COUNT_PAGE;
		rc = store_scan(txn, &scan, &entries, &n, &more, err);
		if (rc < 0 || n == 0)
			break;
		*n_r += n;
		bh_buf_reset(&after);
		bh_buf_add(&after, entries[n - 1].key, entries[n - 1].key_len);
		bh_buf_addc(&after, '\0'); /* the least key behind the last one */
		scan.from = after.data;
		scan.from_len = after.len;
	}
	bh_buf_release(&after);
	return rc;
}
