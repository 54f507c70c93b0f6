/*
 * Messages: see wire.h.  All reading goes through the few is_wire_ functions
 * that check the length first; nothing here trusts a count or a length.
 */
#include "base/base.h"

#include "store/wire.h"

#include "base/text.h"

#define SCAN_REVERSE 1
#define SCAN_KEYS_ONLY 2
#define SCAN_FROM 4

bool
is_wire_key(const void *key, size_t len)
{
	return len >= 1 && len <= STORE_KEY_MAX && *(const char *)key != WIRE_OWN_KEYS;
}

/* -- taking apart -- */

static bool
is_taken(struct wire_slice *left, size_t len, const char **at_r)
{
	if (left->len < len)
		return false;
	*at_r = left->data;
	left->data += len;
	left->len -= len;
	return true;
}

bool
is_wire_u8(struct wire_slice *left, uint8_t *value_r)
{
	const char *at;

	if (!is_taken(left, 1, &at))
		return false;
	*value_r = (uint8_t)*at;
	return true;
}

static bool
is_wire_u16(struct wire_slice *left, uint16_t *value_r)
{
	uint8_t high, low;

	if (!is_wire_u8(left, &high) || !is_wire_u8(left, &low))
		return false;
	*value_r = (uint16_t)(high << 8 | low);
	return true;
}

bool
is_wire_u32(struct wire_slice *left, uint32_t *value_r)
{
	const char *at;

	if (!is_taken(left, 4, &at))
		return false;
	*value_r = bh_get_be32((const unsigned char *)at);
	return true;
}

bool
is_wire_u64(struct wire_slice *left, uint64_t *value_r)
{
	const char *at;

	if (!is_taken(left, 8, &at))
		return false;
	*value_r = bh_get_be64((const unsigned char *)at);
	return true;
}

/* A length of 16 bits and the bytes. */
static bool
is_short_text(struct wire_slice *left, struct wire_slice *text_r)
{
	uint16_t len;

	if (!is_wire_u16(left, &len) || !is_taken(left, len, &text_r->data))
		return false;
	text_r->len = len;
	return true;
}

/* A length of 32 bits and the bytes. */
static bool
is_long_text(struct wire_slice *left, struct wire_slice *text_r)
{
	uint32_t len;

	if (!is_wire_u32(left, &len) || !is_taken(left, len, &text_r->data))
		return false;
	text_r->len = len;
	return true;
}

/* Values in answers are followed by a NUL, for readers of text. */
static bool
is_answer_text(struct wire_slice *left, struct wire_slice *text_r)
{
	uint8_t end;

	return is_long_text(left, text_r) && is_wire_u8(left, &end) && end == 0;
}

bool
is_wire_next_key(struct wire_slice *left, struct wire_slice *key_r)
{
	return is_short_text(left, key_r) && is_wire_key(key_r->data, key_r->len);
}

bool
is_wire_next_check(struct wire_slice *left, struct wire_check *check_r)
{
	return is_wire_next_key(left, &check_r->key) && is_wire_u64(left, &check_r->version);
}

static bool
is_op_sound(const struct wire_op *op)
{
	bool is_append = op->kind == WIRE_APPEND;
	size_t stamp = is_append || op->kind == WIRE_PUT_STAMPED ? STORE_STAMP_LEN : 0;

	if (!is_wire_key(op->key.data, op->key.len) || (!is_append && op->suffix.len != 0))
		return false;
	if (is_append && op->key.len + STORE_STAMP_LEN + op->suffix.len > STORE_KEY_MAX)
		return false;
	if (op->kind == WIRE_DELETE)
		return op->value.len == 0;
	return op->value.len + (is_append ? 0 : stamp) <= STORE_VALUE_MAX;
}

bool
is_wire_next_op(struct wire_slice *left, struct wire_op *op_r)
{
	uint8_t kind;

	if (!is_wire_u8(left, &kind) || kind == 0 || kind >= WIRE_OP__MAX)
		return false;
	op_r->kind = (enum wire_op_kind)kind;
	return is_short_text(left, &op_r->key) && is_short_text(left, &op_r->suffix) &&
	       is_long_text(left, &op_r->value) && is_op_sound(op_r);
}

static bool
is_get(struct wire_slice *left, struct wire_get *get)
{
	struct wire_slice walk, key;

	if (!is_wire_u32(left, &get->n) || get->n == 0 || get->n > WIRE_KEYS_MAX)
		return false;
	get->keys = walk = *left;
	for (uint32_t i = 0; i < get->n; i++)
		if (!is_wire_next_key(&walk, &key))
			return false;
	*left = walk;
	return true;
}

static bool
has_slice_prefix(const struct wire_slice *text, const struct wire_slice *prefix)
{
	return text->len >= prefix->len &&
	       (prefix->len == 0 || memcmp(text->data, prefix->data, prefix->len) == 0);
}

/* A prefix may be empty; it may not reach the store's own keys. */
static bool
is_prefix(struct wire_slice *left, struct wire_slice *prefix_r)
{
	return is_short_text(left, prefix_r) &&
	       (prefix_r->len == 0 || is_wire_key(prefix_r->data, prefix_r->len));
}

static bool
is_scan(struct wire_slice *left, struct wire_scan *scan)
{
	uint8_t flags;

	if (!is_wire_u8(left, &flags) || flags > (SCAN_REVERSE | SCAN_KEYS_ONLY | SCAN_FROM))
		return false;
	scan->reverse = (flags & SCAN_REVERSE) != 0;
	scan->keys_only = (flags & SCAN_KEYS_ONLY) != 0;
	scan->has_from = (flags & SCAN_FROM) != 0;
	if (!is_wire_u32(left, &scan->max) || scan->max == 0 || scan->max > WIRE_KEYS_MAX)
		return false;
	if (!is_prefix(left, &scan->prefix) || !is_prefix(left, &scan->from))
		return false;
	if (!scan->has_from)
		return scan->from.len == 0;
	return scan->from.len != 0 && has_slice_prefix(&scan->from, &scan->prefix);
}

static bool
is_commit(struct wire_slice *left, struct wire_commit *commit)
{
	struct wire_slice checks, ops;
	struct wire_check check;
	struct wire_op op;
	const char *id;
	uint64_t first_sent;
	uint32_t checks_len;

	if (!is_taken(left, WIRE_ID_LEN, &id) || !is_wire_u64(left, &first_sent) ||
	    !is_wire_u64(left, &commit->floor) || !is_wire_u32(left, &commit->checks_n) ||
	    !is_wire_u32(left, &commit->ops_n) || !is_wire_u32(left, &checks_len))
		return false;
	if (first_sent > INT64_MAX || commit->floor > INT64_MAX || checks_len > left->len ||
	    commit->checks_n > WIRE_CHECKS_MAX || commit->ops_n > STORE_OPS_MAX)
		return false;
	memcpy(commit->id, id, WIRE_ID_LEN);
	commit->first_sent_ms = (int64_t)first_sent;
	commit->checks = checks = (struct wire_slice){left->data, checks_len};
	commit->ops = ops = (struct wire_slice){left->data + checks_len, left->len - checks_len};
	for (uint32_t i = 0; i < commit->checks_n; i++)
		if (!is_wire_next_check(&checks, &check))
			return false;
	for (uint32_t i = 0; i < commit->ops_n; i++)
		if (!is_wire_next_op(&ops, &op))
			return false;
	*left = ops;
	return checks.len == 0;
}

/* A path may not be cut by a NUL. */
static bool
is_path(struct wire_slice *left, struct wire_slice *path)
{
	return is_short_text(left, path) && path->len > 0 && path->len < WIRE_PATH_MAX &&
	       memchr(path->data, '\0', path->len) == NULL;
}

static bool
is_body(struct wire_request *request, struct wire_slice *left)
{
	switch (request->type) {
	case WIRE_GET:
		return is_get(left, &request->get);
	case WIRE_SCAN:
		return is_scan(left, &request->scan);
	case WIRE_COMMIT:
		return is_commit(left, &request->commit);
	case WIRE_WATCH:
		return is_prefix(left, &request->prefix);
	case WIRE_BACKUP:
		return is_path(left, &request->path);
	case WIRE_PING:
	case WIRE_STATS:
		return true;
	case WIRE_NONE:
	case WIRE_OK:
	case WIRE_ERROR:
	case WIRE_WAKE:
		break;
	}
	return false;
}

int
wire_decode(struct wire_request *request, const void *data, size_t len, struct bh_err *err)
{
	struct wire_slice left = {data, len};
	uint8_t version, type;

	memset(request, 0, sizeof(*request));
	if (len > WIRE_FRAME_MAX || !is_wire_u8(&left, &version) || !is_wire_u8(&left, &type))
		return bh_fail(err, BH_INVALID, "a message of %zu bytes is no request", len);
	if (version != WIRE_VERSION)
		return bh_fail(err, BH_INVALID,
		    "the caller speaks version %u, the keeper version %d", version, WIRE_VERSION);
	request->type = (enum wire_type)type;
	if (!is_body(request, &left) || left.len != 0)
		return bh_fail(err, BH_INVALID, "a request of type %u is malformed", type);
	return 0;
}

int
wire_decode_answer(const void *data, size_t len, struct wire_slice *body_r, struct bh_err *err)
{
	struct wire_slice left = {data, len};
	uint8_t version, type, code;
	uint32_t retry_after;

	if (!is_wire_u8(&left, &version) || !is_wire_u8(&left, &type) ||
	    (type != WIRE_OK && type != WIRE_ERROR))
		return bh_fail(err, BH_UNAVAILABLE, "the keeper sent no answer of ours");
	if (type == WIRE_OK && version == WIRE_VERSION) {
		*body_r = left;
		return 0;
	}
	if (type == WIRE_OK || !is_wire_u8(&left, &code) || code == 0 || code >= BH__MAX ||
	    !is_wire_u32(&left, &retry_after))
		return bh_fail(err, BH_UNAVAILABLE, "the keeper sent no answer of ours");
	bh_fail(err, (enum bh_code)code, "%.*s", (int)(left.len < 240 ? left.len : 240), left.data);
	if (err != NULL)
		err->retry_after_s = (int)(retry_after & 0xffff);
	return -1;
}

bool
is_wire_value(struct wire_slice *left, struct wire_value *value_r)
{
	uint8_t found;

	if (!is_wire_u8(left, &found) || found > 1 || !is_wire_u64(left, &value_r->version) ||
	    !is_answer_text(left, &value_r->value))
		return false;
	value_r->is_found = found != 0;
	return true;
}

bool
is_wire_entry(struct wire_slice *left, struct wire_entry *entry_r)
{
	return is_short_text(left, &entry_r->key) && is_wire_u64(left, &entry_r->version) &&
	       is_answer_text(left, &entry_r->value);
}

/* -- putting together -- */

static void
add_u8(struct bh_buf *out, uint8_t value)
{
	bh_buf_add(out, &value, 1);
}

static void
add_u16(struct bh_buf *out, size_t value)
{
	unsigned char bytes[2] = {(unsigned char)(value >> 8 & 0xff),
	    (unsigned char)(value & 0xff)};

	bh_buf_add(out, bytes, sizeof(bytes));
}

void
wire_add_u32(struct bh_buf *out, uint32_t value)
{
	unsigned char bytes[4];

	bh_put_be32(bytes, value);
	bh_buf_add(out, bytes, sizeof(bytes));
}

void
wire_add_u64(struct bh_buf *out, uint64_t value)
{
	unsigned char bytes[8];

	bh_put_be64(bytes, value);
	bh_buf_add(out, bytes, sizeof(bytes));
}

void
wire_add_key(struct bh_buf *out, const void *key, size_t len)
{
	add_u16(out, len);
	bh_buf_add(out, key, len);
}

static void
add_long(struct bh_buf *out, const struct wire_slice *text)
{
	wire_add_u32(out, (uint32_t)text->len);
	bh_buf_add(out, text->data, text->len);
}

void
wire_add_head(struct bh_buf *out, enum wire_type type)
{
	add_u8(out, WIRE_VERSION);
	add_u8(out, (uint8_t)type);
}

void
wire_add_check(struct bh_buf *out, const void *key, size_t len, uint64_t version)
{
	wire_add_key(out, key, len);
	wire_add_u64(out, version);
}

void
wire_add_op(struct bh_buf *out, const struct wire_op *op)
{
	add_u8(out, (uint8_t)op->kind);
	wire_add_key(out, op->key.data, op->key.len);
	wire_add_key(out, op->suffix.data, op->suffix.len);
	add_long(out, &op->value);
}

void
wire_add_scan(struct bh_buf *out, const struct wire_scan *scan)
{
	wire_add_head(out, WIRE_SCAN);
	add_u8(out,
	    (uint8_t)((scan->reverse ? SCAN_REVERSE : 0) | (scan->keys_only ? SCAN_KEYS_ONLY : 0) |
		      (scan->has_from ? SCAN_FROM : 0)));
	wire_add_u32(out, scan->max);
	wire_add_key(out, scan->prefix.data, scan->prefix.len);
	wire_add_key(out, scan->from.data, scan->from.len);
}

void
wire_add_commit_head(struct bh_buf *out, const struct wire_commit *commit)
{
	wire_add_head(out, WIRE_COMMIT);
	bh_buf_add(out, commit->id, WIRE_ID_LEN);
	wire_add_u64(out, (uint64_t)commit->first_sent_ms);
	wire_add_u64(out, commit->floor);
	wire_add_u32(out, commit->checks_n);
	wire_add_u32(out, commit->ops_n);
	wire_add_u32(out, (uint32_t)commit->checks.len);
}

void
wire_add_value(struct bh_buf *out, const struct wire_value *value)
{
	add_u8(out, value->is_found);
	wire_add_u64(out, value->version);
	add_long(out, &value->value);
	bh_buf_addc(out, '\0');
}

void
wire_add_entry(struct bh_buf *out, const struct wire_entry *entry)
{
	wire_add_key(out, entry->key.data, entry->key.len);
	wire_add_u64(out, entry->version);
	add_long(out, &entry->value);
	bh_buf_addc(out, '\0');
}

void
wire_add_error(struct bh_buf *out, const struct bh_err *err)
{
	wire_add_head(out, WIRE_ERROR);
	add_u8(out, (uint8_t)err->code);
	wire_add_u32(out, (uint32_t)err->retry_after_s & 0xffff);
	bh_buf_adds(out, err->text);
}
