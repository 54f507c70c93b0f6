/*
 * Bytes of any origin as a request of a client and as an answer of the
 * keeper.  What decodes must be walkable to the announced counts, and a request must
 * come out the same when it is written again.
 */
#include "base/base.h"

#include <assert.h>

#include "store/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk_get(const struct wire_get *get)
{
	struct wire_slice left = get->keys, key;
	uint32_t n = 0;

	while (is_wire_next_key(&left, &key)) {
		assert(is_wire_key(key.data, key.len));
		n++;
	}
	assert(n == get->n && left.len == 0);
}

static void
rewrite_scan(const struct wire_scan *scan, const uint8_t *data, size_t size)
{
	struct bh_buf out = BH_BUF_INIT(WIRE_FRAME_MAX);

	wire_add_scan(&out, scan);
	assert(out.len == size && memcmp(out.data, data, size) == 0);
	bh_buf_release(&out);
}

static void
rewrite_commit(const struct wire_commit *commit, const uint8_t *data, size_t size)
{
	struct bh_buf out = BH_BUF_INIT(WIRE_FRAME_MAX);
	struct wire_slice checks = commit->checks, ops = commit->ops;
	struct wire_check check;
	struct wire_op op;
	uint32_t n = 0;

	wire_add_commit_head(&out, commit);
	for (; is_wire_next_check(&checks, &check); n++)
		wire_add_check(&out, check.key.data, check.key.len, check.version);
	assert(n == commit->checks_n && checks.len == 0);
	for (n = 0; is_wire_next_op(&ops, &op); n++)
		wire_add_op(&out, &op);
	assert(n == commit->ops_n && ops.len == 0);
	assert(out.len == size && memcmp(out.data, data, size) == 0);
	bh_buf_release(&out);
}

static void
try_request(const uint8_t *data, size_t size)
{
	struct wire_request request;
	struct bh_err err;

	if (wire_decode(&request, data, size, &err) < 0) {
		assert(err.code == BH_INVALID);
		return;
	}
	if (request.type == WIRE_GET)
		walk_get(&request.get);
	else if (request.type == WIRE_SCAN)
		rewrite_scan(&request.scan, data, size);
	else if (request.type == WIRE_COMMIT)
		rewrite_commit(&request.commit, data, size);
}

static void
try_answer(const uint8_t *data, size_t size)
{
	struct wire_slice body, left;
	struct wire_value value;
	struct wire_entry entry;
	struct bh_err err;

	if (wire_decode_answer(data, size, &body, &err) < 0) {
		assert(err.code > BH_OK && err.code < BH__MAX);
		return;
	}
	left = body;
	while (is_wire_value(&left, &value))
		assert(value.value.data[value.value.len] == '\0');
	left = body;
	while (is_wire_entry(&left, &entry))
		assert(entry.value.data[entry.value.len] == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_request(data, size);
	try_answer(data, size);
	return 0;
}
