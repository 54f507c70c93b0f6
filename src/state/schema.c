/*
 * Stored formats.  States of a store: empty -> stamped with SCHEMA_VERSION;
 * older -> each step of `steps` in turn, in one transaction a step; newer ->
 * refused.
 *
 * Key: Vs.
 */
#include "base/base.h"

#include "state/schema.h"

#include "base/text.h"

static int
check(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(64);
	uint64_t version = 0;
	char text[24];
	int rc = store_get(txn, "Vs", 2, &value, err);

	if (rc > 0 && !bh_is_uint(bh_buf_str(&value), value.len, UINT32_MAX, &version))
		rc = bh_fail(err, BH_STORAGE, "the store's format version cannot be read");
	bh_buf_release(&value);
	if (rc < 0)
		return -1;
	if (version == SCHEMA_VERSION)
		return 1;
	if (version > SCHEMA_VERSION)
		return bh_fail(err, BH_INVALID,
		    "the store has format %llu, this Billhook reads %d: install the newer Billhook again",
		    (unsigned long long)version, SCHEMA_VERSION);
	snprintf(text, sizeof(text), "%d", SCHEMA_VERSION);
	store_put(txn, "Vs", 2, text, strlen(text));
	return 0;
}

int
schema_check(struct store *store, struct bh_err *err)
{
	return store_run(store, check, NULL, NULL, err) < 0 ? -1 : 0;
}

int
schema_is_set(struct store_txn *txn, struct bh_err *err)
{
	return store_peek(txn, "Vs", 2, NULL, err);
}
