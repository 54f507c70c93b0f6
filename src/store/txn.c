/*
 * Transactions: reads, and the writes and checks collected until the commit.
 * Both are encoded at once in the form in which the commit carries them.
 */
#include "base/base.h"

#include "store/txn.h"

#include <assert.h>

#include "base/crypt.h"
#include "base/text.h"

/* Room for what stands before the checks. */
#define COLLECTED_MAX (STORE_COMMIT_MAX - WIRE_COMMIT_HEAD_LEN)
#define WRITES_MIN 64
#define KEEP_MAX (256u << 10) /* a larger buffer is given back at a reset */

struct txn_memory {
	struct txn_memory *next;
	struct bh_buf bytes;
	void *list; /* entries or items that point into bytes */
};

struct store_txn *
store_begin(struct store *store)
{
	struct store_txn *txn = bh_xcalloc(1, sizeof(*txn));

	txn->store = store;
	bh_buf_init(&txn->checks, COLLECTED_MAX);
	bh_buf_init(&txn->ops, COLLECTED_MAX);
	return txn;
}

static void
empty(struct bh_buf *buf)
{
	if (buf->cap > KEEP_MAX)
		bh_buf_release(buf);
	buf->full = false;
	bh_buf_reset(buf);
}

static void
forget_memory(struct store_txn *txn)
{
	while (txn->memory != NULL) {
		struct txn_memory *memory = txn->memory;

		txn->memory = memory->next;
		bh_buf_release(&memory->bytes);
		free(memory->list);
		free(memory);
	}
}

void
store_reset(struct store_txn *txn)
{
	empty(&txn->checks);
	empty(&txn->ops);
	forget_memory(txn);
	free(txn->writes);
	txn->writes = NULL;
	txn->writes_n = txn->writes_cap = 0;
	txn->checks_n = txn->ops_n = 0;
	txn->too_large = txn->has_id = false;
	txn->first_sent_ms = 0;
}

void
store_free(struct store_txn **txn)
{
	if (*txn == NULL)
		return;
	store_reset(*txn);
	bh_buf_release(&(*txn)->checks);
	bh_buf_release(&(*txn)->ops);
	free(*txn);
	*txn = NULL;
}

/* -- own writes -- */

static uint32_t
hash(const struct wire_slice *key)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < key->len; i++)
		h = (h ^ (unsigned char)key->data[i]) * 16777619u;
	return h ^ h >> 15;
}

/* The operation encoded at offset. */
static struct wire_op
op_at(const struct store_txn *txn, uint32_t offset)
{
	struct wire_slice left = {txn->ops.data + offset, txn->ops.len - offset};
	struct wire_op op;
	bool is_op = is_wire_next_op(&left, &op);

	assert(is_op);
	return op;
}

/* The place in the table where key stands, or would stand. */
static uint32_t *
write_place(const struct store_txn *txn, const struct wire_slice *key)
{
	uint32_t mask = txn->writes_cap - 1;

	for (uint32_t i = hash(key);; i++) {
		uint32_t *place = &txn->writes[i & mask];
		struct wire_op op;

		if (*place == 0)
			return place;
		op = op_at(txn, *place - 1);
		if (op.key.len == key->len && memcmp(op.key.data, key->data, key->len) == 0)
			return place;
	}
}

static void
grow_writes(struct store_txn *txn)
{
	uint32_t *old = txn->writes, old_cap = txn->writes_cap;

	txn->writes_cap = old_cap != 0 ? 2 * old_cap : WRITES_MIN;
	txn->writes = bh_xcalloc(txn->writes_cap, sizeof(txn->writes[0]));
	for (uint32_t i = 0; i < old_cap; i++) {
		if (old[i] != 0) {
			struct wire_op op = op_at(txn, old[i] - 1);

			*write_place(txn, &op.key) = old[i];
		}
	}
	free(old);
}

static void
note_write(struct store_txn *txn, const struct wire_slice *key, size_t offset)
{
	uint32_t *place;

	if (txn->writes_n >= txn->writes_cap / 2)
		grow_writes(txn);
	place = write_place(txn, key);
	txn->writes_n += *place == 0;
	*place = (uint32_t)offset + 1;
}

static bool
is_own_write(const struct store_txn *txn, const struct wire_slice *key, struct wire_op *op_r)
{
	uint32_t place = txn->writes_n != 0 ? *write_place(txn, key) : 0;

	if (place == 0)
		return false;
	*op_r = op_at(txn, place - 1);
	return true;
}

/* -- collecting -- */

static bool
is_room(struct store_txn *txn, size_t len)
{
	/* A commit with other contents is another commit. */
	txn->has_id = false;
	txn->first_sent_ms = 0;
	if (txn->checks.len + txn->ops.len + len > COLLECTED_MAX)
		txn->too_large = true;
	return !txn->too_large;
}

static void
add_op(struct store_txn *txn, const struct wire_op *op)
{
	size_t at = txn->ops.len, key_len = op->key.len, stamp_len = 0;

	if (op->kind == WIRE_APPEND)
		key_len += STORE_STAMP_LEN + op->suffix.len;
	if (op->kind == WIRE_PUT_STAMPED)
		stamp_len = STORE_STAMP_LEN;
	if (!is_wire_key(op->key.data, op->key.len) || key_len > STORE_KEY_MAX ||
	    op->value.len > STORE_VALUE_MAX - stamp_len)
		txn->too_large = true;
	if (txn->ops_n == STORE_OPS_MAX)
		txn->too_large = true;
	if (!is_room(txn, 1 + 2 + 2 + 4 + op->key.len + op->suffix.len + op->value.len))
		return;
	wire_add_op(&txn->ops, op);
	txn->ops_n++;
	if (op->kind != WIRE_APPEND)
		note_write(txn, &op->key, at);
}

static void
add_check(struct store_txn *txn, const void *key, size_t key_len, uint64_t version)
{
	if (!is_wire_key(key, key_len) || txn->checks_n == WIRE_CHECKS_MAX)
		txn->too_large = true;
	if (!is_room(txn, 2 + key_len + 8))
		return;
	wire_add_check(&txn->checks, key, key_len, version);
	txn->checks_n++;
}

void
store_put(struct store_txn *txn, const void *key, size_t key_len, const void *value,
    size_t value_len)
{
	add_op(txn, &(struct wire_op){.kind = WIRE_PUT,
			.key = {key, key_len},
			.value = {value, value_len}});
}

void
store_delete(struct store_txn *txn, const void *key, size_t key_len)
{
	add_op(txn, &(struct wire_op){.kind = WIRE_DELETE, .key = {key, key_len}});
}

void
store_append(struct store_txn *txn, const void *prefix, size_t prefix_len, const void *suffix,
    size_t suffix_len, const void *value, size_t value_len)
{
	add_op(txn, &(struct wire_op){.kind = WIRE_APPEND,
			.key = {prefix, prefix_len},
			.suffix = {suffix, suffix_len},
			.value = {value, value_len}});
}

void
store_put_stamped(struct store_txn *txn, const void *key, size_t key_len, const void *value,
    size_t value_len)
{
	add_op(txn, &(struct wire_op){.kind = WIRE_PUT_STAMPED,
			.key = {key, key_len},
			.value = {value, value_len}});
}

void
store_expect_absent(struct store_txn *txn, const void *key, size_t key_len)
{
	add_check(txn, key, key_len, 0);
}

void
store_expect(struct store_txn *txn, const void *key, size_t key_len, uint64_t version)
{
	add_check(txn, key, key_len, version);
}

/* -- reading -- */

static struct txn_memory *
new_memory(struct store_txn *txn, size_t list_len, size_t size)
{
	struct txn_memory *memory = bh_xcalloc(1, sizeof(*memory));

	bh_buf_init(&memory->bytes, WIRE_FRAME_MAX);
	memory->list = size != 0 ? bh_xcalloc(list_len, size) : NULL;
	memory->next = txn->memory;
	txn->memory = memory;
	return memory;
}

static int
bad_answer(struct bh_err *err)
{
	return bh_fail(err, BH_UNAVAILABLE, "the store's answer is malformed");
}

/* One key; 1, 0, -1.  The version is set for 1 and 0. */
static int
fetch(struct store_txn *txn, const struct wire_slice *key, struct bh_buf *value,
    uint64_t *version_r, struct bh_err *err)
{
	struct bh_buf ask = BH_BUF_INIT(2 + STORE_KEY_MAX), mem = BH_BUF_INIT(WIRE_FRAME_MAX);
	struct wire_get get = {.n = 1};
	struct wire_slice body;
	struct wire_value got = {.is_found = false};
	uint32_t n;
	int rc;

	wire_add_key(&ask, key->data, key->len);
	get.keys = (struct wire_slice){ask.data, ask.len};
	rc = txn->store->engine->get(txn->store->handle, &get, &mem, &body, err);
	if (rc == 0 && (!is_wire_u32(&body, &n) || n != 1 || !is_wire_value(&body, &got)))
		rc = bad_answer(err);
	if (rc == 0) {
		*version_r = got.is_found ? got.version : 0;
		rc = got.is_found;
		if (got.is_found && value != NULL)
			bh_buf_add(value, got.value.data, got.value.len);
	}
	bh_buf_release(&ask);
	bh_buf_release(&mem);
	return rc;
}

/* The stamp of a stamped put is not known yet: zeros stand for it. */
static int
give_own_write(const struct wire_op *op, struct bh_buf *value)
{
	static const char unknown[STORE_STAMP_LEN];

	if (op->kind == WIRE_DELETE)
		return 0;
	if (value != NULL) {
		bh_buf_add(value, op->value.data, op->value.len);
		if (op->kind == WIRE_PUT_STAMPED)
			bh_buf_add(value, unknown, sizeof(unknown));
	}
	return 1;
}

static int
get(struct store_txn *txn, const struct wire_slice *key, struct bh_buf *value, bool checked,
    struct bh_err *err)
{
	uint64_t version = 0;
	struct wire_op op;
	int rc;

	if (!is_wire_key(key->data, key->len))
		return bh_fail(err, BH_INVALID, "no key of the store can have %zu bytes", key->len);
	if (is_own_write(txn, key, &op))
		return give_own_write(&op, value);
	rc = fetch(txn, key, value, &version, err);
	if (rc >= 0 && checked)
		add_check(txn, key->data, key->len, version);
	return rc;
}

int
store_get(struct store_txn *txn, const void *key, size_t key_len, struct bh_buf *value,
    struct bh_err *err)
{
	return get(txn, &(const struct wire_slice){key, key_len}, value, true, err);
}

int
store_peek(struct store_txn *txn, const void *key, size_t key_len, struct bh_buf *value,
    struct bh_err *err)
{
	return get(txn, &(const struct wire_slice){key, key_len}, value, false, err);
}

/* Ask for the first n items; returns how many were answered, -1. */
static int64_t
get_some(struct store_txn *txn, struct store_item *items, size_t n, struct bh_err *err)
{
	struct txn_memory *memory = new_memory(txn, 0, 0);
	struct bh_buf ask = BH_BUF_INIT(SIZE_MAX / 2);
	struct wire_get get = {.n = (uint32_t)n};
	struct wire_slice body;
	struct wire_value got;
	uint32_t answered;
	int rc;

	for (size_t i = 0; i < n; i++)
		wire_add_key(&ask, items[i].key, items[i].key_len);
	get.keys = (struct wire_slice){ask.data, ask.len};
	rc = txn->store->engine->get(txn->store->handle, &get, &memory->bytes, &body, err);
	bh_buf_release(&ask);
	if (rc < 0)
		return -1;
	if (!is_wire_u32(&body, &answered) || answered == 0 || answered > n)
		return bad_answer(err);
	for (uint32_t i = 0; i < answered; i++) {
		if (!is_wire_value(&body, &got))
			return bad_answer(err);
		items[i].found = got.is_found;
		items[i].version = got.is_found ? got.version : 0;
		items[i].value = got.value.data;
		items[i].value_len = got.value.len;
		if (items[i].checked)
			add_check(txn, items[i].key, items[i].key_len, items[i].version);
	}
	return answered;
}

int
store_get_many(struct store_txn *txn, struct store_item *items, size_t n, struct bh_err *err)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_wire_key(items[i].key, items[i].key_len))
			return bh_fail(err, BH_INVALID, "no key of the store can have %zu bytes",
			    items[i].key_len);
	while (at < n) {
		size_t now = n - at < WIRE_KEYS_MAX / 2 ? n - at : WIRE_KEYS_MAX / 2;
		int64_t answered = get_some(txn, items + at, now, err);

		if (answered < 0)
			return -1;
		at += (size_t)answered;
	}
	return 0;
}

static int
take_page(struct txn_memory *memory, struct wire_slice *body, const struct wire_scan *scan,
    size_t *n_r, bool *more_r)
{
	struct store_entry *entries;
	struct wire_entry got;
	uint8_t more;
	uint32_t n;

	if (!is_wire_u8(body, &more) || !is_wire_u32(body, &n) || n > scan->max)
		return -1;
	memory->list = entries = bh_xcalloc(n, sizeof(*entries));
	for (uint32_t i = 0; i < n; i++) {
		if (!is_wire_entry(body, &got))
			return -1;
		entries[i] = (struct store_entry){.key = got.key.data,
		    .key_len = got.key.len,
		    .value = got.value.data,
		    .value_len = got.value.len,
		    .version = got.version};
	}
	*n_r = n;
	*more_r = more != 0;
	return 0;
}

static bool
is_scan_sound(const struct store_scan *scan)
{
	if (scan->max == 0 || scan->max > WIRE_KEYS_MAX ||
	    (scan->prefix_len != 0 && !is_wire_key(scan->prefix, scan->prefix_len)))
		return false;
	if (scan->from == NULL || scan->from_len == 0)
		return true;
	return is_wire_key(scan->from, scan->from_len) && scan->from_len >= scan->prefix_len &&
	       (scan->prefix_len == 0 || memcmp(scan->from, scan->prefix, scan->prefix_len) == 0);
}

int
store_scan(struct store_txn *txn, const struct store_scan *scan,
    const struct store_entry **entries_r, size_t *n_r, bool *more_r, struct bh_err *err)
{
	struct wire_scan ask = {.prefix = {scan->prefix, scan->prefix_len},
	    .has_from = scan->from != NULL && scan->from_len != 0,
	    .reverse = scan->reverse,
	    .keys_only = scan->keys_only,
	    .max = (uint32_t)scan->max};
	struct txn_memory *memory;
	struct wire_slice body;

	*entries_r = NULL;
	*n_r = 0;
	*more_r = false;
	if (!is_scan_sound(scan))
		return bh_fail(err, BH_INVALID, "a scan with a wrong limit, prefix or start");
	if (ask.has_from)
		ask.from = (struct wire_slice){scan->from, scan->from_len};
	memory = new_memory(txn, 0, 0);
	if (txn->store->engine->scan(txn->store->handle, &ask, &memory->bytes, &body, err) < 0)
		return -1;
	if (take_page(memory, &body, &ask, n_r, more_r) < 0)
		return bad_answer(err);
	*entries_r = memory->list;
	return 0;
}

/* -- committing -- */

void
txn_set_id(struct store_txn *txn, const unsigned char id[WIRE_ID_LEN])
{
	memcpy(txn->id, id, WIRE_ID_LEN);
	txn->first_sent_ms = 0;
	txn->has_id = true;
}

int
txn_commit(struct store_txn *txn, uint64_t floor, uint64_t *stamp_r, struct bh_err *err)
{
	struct wire_commit commit = {.floor = floor,
	    .checks_n = txn->checks_n,
	    .ops_n = txn->ops_n,
	    .checks = {txn->checks.data, txn->checks.len},
	    .ops = {txn->ops.data, txn->ops.len}};
	struct bh_err own = BH_ERR_INIT;
	uint64_t stamp = 0;
	int rc;

	if (txn->too_large)
		return bh_fail(err, BH_INVALID, "a key, a value or the whole commit is too large");
	if (!txn->has_id)
		bh_random(txn->id, sizeof(txn->id));
	txn->has_id = true;
	memcpy(commit.id, txn->id, sizeof(commit.id));
	commit.first_sent_ms = txn->first_sent_ms;
	rc = txn->store->engine->commit(txn->store->handle, &commit, &stamp, &own);
	txn->first_sent_ms = commit.first_sent_ms;
	if (rc < 0 && err != NULL)
		*err = own;
	if (rc == 0 || own.code == BH_CONFLICT)
		store_reset(txn);
	if (rc == 0 && stamp_r != NULL)
		*stamp_r = stamp;
	return rc;
}

int
store_commit(struct store_txn *txn, uint64_t *stamp_r, struct bh_err *err)
{
	if (txn->ops_n == 0 && !txn->too_large) {
		store_reset(txn);
		if (stamp_r != NULL)
			*stamp_r = 0;
		return 0;
	}
	return txn_commit(txn, 0, stamp_r, err);
}
