/*
 * What comes over the keeper's socket: a request that is understood says the
 * same when it is written again; an answer is walked to its end.
 */
#include "base/base.h"

#include "store/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_get(struct bh_buf *out, const struct wire_get *get)
{
	struct wire_slice left = get->keys, key;
	uint32_t n = 0;

	wire_add_u32(out, get->n);
	while (is_wire_next_key(&left, &key)) {
		wire_add_key(out, key.data, key.len);
		n++;
	}
	if (n != get->n || left.len != 0)
		abort();
}

static void
write_commit(struct bh_buf *out, const struct wire_commit *commit)
{
	struct wire_slice left = commit->checks;
	struct wire_check check;
	struct wire_op op;
	uint32_t n = 0;

	while (is_wire_next_check(&left, &check)) {
		wire_add_check(out, check.key.data, check.key.len, check.version);
		n++;
	}
	if (n != commit->checks_n || left.len != 0)
		abort();
	left = commit->ops;
	for (n = 0; is_wire_next_op(&left, &op); n++) {
		if (op.key.len == 0 || op.key.len > STORE_KEY_MAX)
			abort();
		wire_add_op(out, &op);
	}
	if (n != commit->ops_n || left.len != 0)
		abort();
}

static void
fuzz_request(const uint8_t *data, size_t size)
{
	struct bh_buf out = BH_BUF_INIT(4 << 20);
	struct bh_err err = BH_ERR_INIT;
	struct wire_request request;

	if (wire_decode(&request, data, size, &err) < 0) {
		if (err.code != BH_INVALID || err.text[0] == '\0')
			abort();
		return;
	}
	if (request.type == WIRE_COMMIT) {
		wire_add_commit_head(&out, &request.commit);
		write_commit(&out, &request.commit);
	} else if (request.type == WIRE_GET) {
		wire_add_head(&out, WIRE_GET);
		write_get(&out, &request.get);
	} else if (request.type == WIRE_SCAN) {
		wire_add_scan(&out, &request.scan);
	} else {
		bh_buf_add(&out, data, size);
	}
	if (out.len != size || memcmp(bh_buf_str(&out), data, size) != 0)
		abort();
	bh_buf_release(&out);
}

static void
fuzz_answer(const uint8_t *data, size_t size)
{
	struct bh_err err = BH_ERR_INIT;
	struct wire_slice body, left;
	struct wire_value value;
	struct wire_entry entry;

	if (wire_decode_answer(data, size, &body, &err) < 0) {
		if (err.code == BH_OK)
			abort();
		return;
	}
	left = body;
	while (is_wire_value(&left, &value))
		if (value.value.data[value.value.len] != '\0')
			abort();
	left = body;
	while (is_wire_entry(&left, &entry))
		if (entry.value.data[entry.value.len] != '\0')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_request(data, size);
	fuzz_answer(data, size);
	return 0;
}
