/* Prefixes that somebody waits for: see engine.h. */
#include "base/base.h"

#include "store/engine.h"

int
watch_set_add(struct watch_set *set, const struct wire_slice *prefix, struct bh_err *err)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->prefix[i].len == prefix->len &&
		    (prefix->len == 0 ||
			memcmp(set->prefix[i].data, prefix->data, prefix->len) == 0))
			return 0;
	if (set->n == BH_LEN(set->prefix))
		return bh_fail(err, BH_INVALID, "more than %zu watches on one connection", set->n);
	bh_buf_init(&set->prefix[set->n], STORE_KEY_MAX);
	bh_buf_add(&set->prefix[set->n], prefix->data, prefix->len);
	set->n++;
	return 0;
}

void
watch_set_release(struct watch_set *set)
{
	while (set->n > 0)
		bh_buf_release(&set->prefix[--set->n]);
}

/*
 * The stamp of an append is not known here: where the watch's prefix is longer
 * than what stands before the stamp, it may match, so it wakes.
 */
static bool
is_op_touching(const struct wire_op *op, const struct bh_buf *prefix)
{
	size_t len = prefix->len;

	if (op->kind == WIRE_APPEND && len > op->key.len)
		len = op->key.len;
	return len <= op->key.len && (len == 0 || memcmp(op->key.data, prefix->data, len) == 0);
}

bool
is_watch_touched(const struct watch_set *set, const struct wire_commit *commit)
{
	struct wire_slice left = commit->ops;
	struct wire_op op;

	if (set->n == 0)
		return false;
	while (is_wire_next_op(&left, &op))
		for (size_t i = 0; i < set->n; i++)
			if (is_op_touching(&op, &set->prefix[i]))
				return true;
	return false;
}
