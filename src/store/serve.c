/*
 * Requests answered from a table: see serve.h.
 *
 * Records of our own (first byte 0):
 *   00 'f'              the format: "billhook store 1"
 *   00 'r' slot(32)     version: a commit's stamp; value: id(16) at_ms(64) keys(64)
 *
 * The next stamp and the number of keys need no record of their own: they
 * follow from the newest slot.  To change a layout here, raise the number in the format.
 */
#include "base/base.h"

#include "store/serve.h"

#include "base/clock.h"
#include "base/text.h"

#define FORMAT "billhook store 1"
#define SLOT_KEY_LEN 6
#define SLOT_LEN (WIRE_ID_LEN + 8 + 8)
#define SCRATCH_MAX (STORE_VALUE_MAX + STORE_STAMP_LEN)
#define SCRATCH_KEEP (256u << 10) /* a buffer larger than this is given back after use */

#define TRY_MS 1000

static const struct wire_slice format_key = {"\0f", 2};

/* -- what the last run left -- */

static void
slot_key(char key[SLOT_KEY_LEN], uint32_t slot)
{
	key[0] = WIRE_OWN_KEYS;
	key[1] = 'r';
	bh_put_be32((unsigned char *)key + 2, slot);
}

static bool
load_slot(void *arg, const struct wire_entry *entry)
{
	struct serve *serve = arg;
	const unsigned char *value = (const unsigned char *)entry->value.data;
	struct ring_entry remembered = {.stamp = entry->version};

	if (entry->value.len != SLOT_LEN || entry->version == 0)
		return true;
	memcpy(remembered.id, value, WIRE_ID_LEN);
	remembered.at_ms = (int64_t)bh_get_be64(value + WIRE_ID_LEN);
	ring_add(&serve->ring, &remembered);
	if (entry->version > serve->stamp) {
		serve->stamp = entry->version;
		serve->keys = bh_get_be64(value + WIRE_ID_LEN + 8);
	}
	return true;
}

static int
load_slots(struct serve *serve, struct bh_err *err)
{
	char first[SLOT_KEY_LEN];
	struct table_walk walk = {.prefix = {first, 2},
	    .from = {first, sizeof(first)},
	    .has_from = true,
	    .each = load_slot,
	    .arg = serve};

	slot_key(first, 0);
	if (serve->ops->walk(serve->table, &walk, err) < 0)
		return -1;
	ring_loaded(&serve->ring);
	return 0;
}

static int
write_format(struct serve *serve, struct bh_err *err)
{
	const struct wire_slice value = {FORMAT, sizeof(FORMAT) - 1};

	if (serve->ops->begin(serve->table, err) < 0)
		return -1;
	if (serve->ops->put(serve->table, &format_key, 1, &value, true, err) < 0) {
		serve->ops->abort(serve->table);
		return -1;
	}
	return serve->ops->commit(serve->table, err);
}

static int
check_format(struct serve *serve, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(SCRATCH_MAX);
	uint64_t version;
	int rc = serve->ops->read(serve->table, &format_key, &version, &value, err);

	if (rc == 1 && strcmp(bh_buf_str(&value), FORMAT) != 0)
		rc = bh_fail(err, BH_STORAGE,
		    "the store has a format that this version does not know");
	else if (rc == 0)
		rc = write_format(serve, err);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

int
serve_open(struct serve *serve, const struct table_ops *ops, void *table, uint32_t ring_slots,
    struct bh_err *err)
{
	memset(serve, 0, sizeof(*serve));
	serve->ops = ops;
	serve->table = table;
	ring_init(&serve->ring, ring_slots);
	bh_buf_init(&serve->scratch, SCRATCH_MAX);
	if (check_format(serve, err) == 0 && load_slots(serve, err) == 0)
		return 0;
	serve_close(serve);
	return -1;
}

void
serve_close(struct serve *serve)
{
	ring_release(&serve->ring);
	bh_buf_release(&serve->scratch);
}

/* -- reading -- */

static void
patch_u32(struct bh_buf *body, size_t at, uint32_t value)
{
	bh_put_be32((unsigned char *)body->data + at, value);
}

/* found, version and length are known after the value was read behind them. */
static int
add_value(struct serve *serve, const struct wire_slice *key, struct bh_buf *body,
    struct bh_err *err)
{
	size_t at = body->len, head = 1 + 8 + 4;
	struct wire_value none = {.is_found = false};
	uint64_t version;
	int rc;

	if (bh_buf_room(body, head) == NULL)
		return bh_fail(err, BH_STORAGE, "an answer grows too large");
	body->len += head;
	rc = serve->ops->read(serve->table, key, &version, body, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		body->len = at;
		wire_add_value(body, &none);
		return 0;
	}
	body->data[at] = 1;
	bh_put_be64((unsigned char *)body->data + at + 1, version);
	patch_u32(body, at + 9, (uint32_t)(body->len - at - head));
	bh_buf_addc(body, '\0');
	return 0;
}

int
serve_get(struct serve *serve, const struct wire_get *get, struct bh_buf *body, struct bh_err *err)
{
	struct wire_slice left = get->keys, key;
	size_t at = body->len;
	uint32_t n = 0;

	wire_add_u32(body, 0);
	while (n < get->n && (n == 0 || body->len - at < WIRE_ANSWER_STOP) &&
	       is_wire_next_key(&left, &key)) {
		if (add_value(serve, &key, body, err) < 0)
			return -1;
		n++;
	}
	if (bh_buf_check(body, "an answer", err) < 0)
		return -1;
	patch_u32(body, at, n);
	return 0;
}

struct page {
	const struct wire_scan *scan;
	struct bh_buf *body;
	size_t at; /* where the page begins in body */
	uint32_t n;
	bool more;
};

static bool
has_prefix(const struct wire_slice *key, const struct wire_slice *prefix)
{
	if (prefix->len == 0)
		return key->data[0] != WIRE_OWN_KEYS;
	return key->len >= prefix->len && memcmp(key->data, prefix->data, prefix->len) == 0;
}

enum walk_step
walk_step(const struct table_walk *walk, const struct wire_slice *key)
{
	const struct wire_slice *prefix = &walk->prefix;
	size_t len = key->len < prefix->len ? key->len : prefix->len;

	if (has_prefix(key, prefix))
		return WALK_VISIT;
	/* Downwards the walk begins at the least key behind the prefix, which may exist. */
	return walk->reverse && len != 0 && memcmp(key->data, prefix->data, len) > 0 ? WALK_SKIP
										     : WALK_END;
}

static bool
add_entry(void *arg, const struct wire_entry *entry)
{
	struct page *page = arg;

	if (page->n == page->scan->max || page->body->len - page->at >= WIRE_PAGE_STOP) {
		page->more = true;
		return false;
	}
	wire_add_entry(page->body, entry);
	page->n++;
	return true;
}

/* The least text greater than every text with this prefix; false when there is none. */
static bool
is_after_prefix(const struct wire_slice *prefix, char out[STORE_KEY_MAX], size_t *len_r)
{
	size_t len = prefix->len;

	while (len > 0 && (unsigned char)prefix->data[len - 1] == 0xff)
		len--;
	if (len == 0)
		return false;
	memcpy(out, prefix->data, len);
	out[len - 1] = (char)((unsigned char)out[len - 1] + 1);
	*len_r = len;
	return true;
}

static void
set_start(struct table_walk *walk, const struct wire_scan *scan, char after[STORE_KEY_MAX])
{
	walk->has_from = true;
	if (scan->has_from) {
		walk->from = scan->from;
	} else if (scan->reverse) {
		walk->from.data = after;
		walk->has_from = is_after_prefix(&scan->prefix, after, &walk->from.len);
	} else if (scan->prefix.len != 0) {
		walk->from = scan->prefix;
	} else {
		after[0] = WIRE_OWN_KEYS + 1;
		walk->from = (struct wire_slice){after, 1};
	}
}

int
serve_scan(struct serve *serve, const struct wire_scan *scan, struct bh_buf *body,
    struct bh_err *err)
{
	struct page page = {.scan = scan, .body = body, .at = body->len};
	struct table_walk walk = {.prefix = scan->prefix,
	    .reverse = scan->reverse,
	    .keys_only = scan->keys_only,
	    .each = add_entry,
	    .arg = &page};
	char after[STORE_KEY_MAX];

	set_start(&walk, scan, after);
	bh_buf_addc(body, 0);
	wire_add_u32(body, 0);
	if (serve->ops->walk(serve->table, &walk, err) < 0 ||
	    bh_buf_check(body, "an answer", err) < 0)
		return -1;
	body->data[page.at] = page.more ? 1 : 0;
	patch_u32(body, page.at + 1, page.n);
	return 0;
}

/* -- committing -- */

static int
check_versions(struct serve *serve, const struct wire_commit *commit, struct bh_err *err)
{
	struct wire_slice left = commit->checks;
	struct wire_check check;
	uint64_t version;

	while (is_wire_next_check(&left, &check)) {
		int rc = serve->ops->read(serve->table, &check.key, &version, NULL, err);

		if (rc < 0)
			return -1;
		if ((rc == 0 ? 0 : version) == check.version)
			continue;
		serve->conflicts++;
		return bh_fail(err, BH_CONFLICT, "somebody else changed it first");
	}
	return 0;
}

/* The key of an append, the value of a stamped put; else what the operation holds. */
static void
complete(struct serve *serve, const struct wire_op *op, uint64_t stamp, char key[STORE_KEY_MAX],
    struct wire_slice *key_r, struct wire_slice *value_r)
{
	size_t at = op->key.len;

	*key_r = op->key;
	*value_r = op->value;
	if (op->kind == WIRE_APPEND) {
		memcpy(key, op->key.data, at);
		bh_put_be64((unsigned char *)key + at, stamp);
		memcpy(key + at + STORE_STAMP_LEN, op->suffix.data, op->suffix.len);
		*key_r = (struct wire_slice){key, at + STORE_STAMP_LEN + op->suffix.len};
	} else if (op->kind == WIRE_PUT_STAMPED) {
		bh_buf_reset(&serve->scratch);
		bh_buf_add(&serve->scratch, op->value.data, op->value.len);
		wire_add_u64(&serve->scratch, stamp);
		*value_r = (struct wire_slice){serve->scratch.data, serve->scratch.len};
	}
}

/* *keys follows what was added and removed. */
static int
write_op(struct serve *serve, const struct wire_op *op, uint64_t stamp, uint64_t *keys,
    struct bh_err *err)
{
	char appended[STORE_KEY_MAX];
	struct wire_slice key, value;
	int rc;

	if (op->kind == WIRE_DELETE) {
		rc = serve->ops->remove(serve->table, &op->key, err);
		*keys -= rc == 1;
		return rc;
	}
	complete(serve, op, stamp, appended, &key, &value);
	rc = serve->ops->put(serve->table, &key, stamp, &value, op->kind == WIRE_APPEND, err);
	*keys += rc == 1;
	return rc;
}

static int
write_slot(struct serve *serve, const struct ring_entry *entry, uint64_t keys, struct bh_err *err)
{
	char key[SLOT_KEY_LEN];
	unsigned char value[SLOT_LEN];
	const struct wire_slice at = {key, sizeof(key)},
				text = {(const char *)value, sizeof(value)};

	slot_key(key, ring_slot(&serve->ring, entry->stamp));
	memcpy(value, entry->id, WIRE_ID_LEN);
	bh_put_be64(value + WIRE_ID_LEN, (uint64_t)entry->at_ms);
	bh_put_be64(value + WIRE_ID_LEN + 8, keys);
	return serve->ops->put(serve->table, &at, entry->stamp, &text, false, err) < 0 ? -1 : 0;
}

static int
write_all(struct serve *serve, const struct wire_commit *commit, const struct ring_entry *entry,
    uint64_t *keys, struct bh_err *err)
{
	struct wire_slice left = commit->ops;
	struct wire_op op;

	while (is_wire_next_op(&left, &op))
		if (write_op(serve, &op, entry->stamp, keys, err) < 0)
			return -1;
	return write_slot(serve, entry, *keys, err);
}

static int
apply(struct serve *serve, const struct wire_commit *commit, struct bh_err *err)
{
	struct ring_entry entry = {.at_ms = bh_mono_ms()};
	uint64_t keys = serve->keys;

	entry.stamp = (commit->floor > serve->stamp ? commit->floor : serve->stamp) + 1;
	memcpy(entry.id, commit->id, WIRE_ID_LEN);
	if (serve->ops->begin(serve->table, err) < 0)
		return -1;
	if (write_all(serve, commit, &entry, &keys, err) < 0) {
		serve->ops->abort(serve->table);
		return -1;
	}
	if (serve->ops->commit(serve->table, err) < 0)
		return -1;
	ring_add(&serve->ring, &entry);
	serve->stamp = entry.stamp;
	serve->keys = keys;
	if (serve->scratch.cap > SCRATCH_KEEP)
		bh_buf_release(&serve->scratch);
	return 0;
}

int
serve_commit(struct serve *serve, const struct wire_commit *commit, uint64_t *stamp_r,
    struct bh_err *err)
{
	uint64_t before = ring_find(&serve->ring, commit->id);

	if (before != 0) {
		serve->resent++;
		*stamp_r = before;
		return 0;
	}
	if (commit->first_sent_ms != 0 && !is_ring_covering(&serve->ring, commit->first_sent_ms))
		return bh_fail(err, BH_UNAVAILABLE,
		    "the commit was sent again so late that it is not known whether it was applied");
	if (check_versions(serve, commit, err) < 0)
		return -1;
	if (serve->may_write != NULL && serve->may_write(serve->arg, commit->ops.len, err) < 0)
		return -1;
	if (apply(serve, commit, err) < 0) {
		serve->refused++;
		serve->is_failing = serve->is_failing || (err != NULL && err->code == BH_STORAGE);
		return -1;
	}
	serve->is_failing = false;
	serve->commits++;
	*stamp_r = serve->stamp;
	return 1;
}

bool
serve_can_write(struct serve *serve)
{
	const struct wire_slice value = {FORMAT, sizeof(FORMAT) - 1};
	struct bh_err err = BH_ERR_INIT;
	int64_t now_ms = bh_mono_ms();

	if (!serve->is_failing || now_ms - serve->tried_ms < TRY_MS)
		return !serve->is_failing;
	serve->tried_ms = now_ms;
	if (serve->ops->begin(serve->table, &err) < 0)
		return false;
	serve->is_failing = serve->ops->put(serve->table, &format_key, 1, &value, false, &err) < 0;
	serve->ops->abort(serve->table);
	return !serve->is_failing;
}

json_t *
serve_stats(const struct serve *serve)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "keys", (json_int_t)serve->keys, "stamp",
	    (json_int_t)serve->stamp, "commits", (json_int_t)serve->commits, "conflicts",
	    (json_int_t)serve->conflicts, "resent", (json_int_t)serve->resent, "refused",
	    (json_int_t)serve->refused);
}
