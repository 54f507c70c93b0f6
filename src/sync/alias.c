/* See alias.h. */
#include "base/base.h"

#include "sync/alias.h"

/* The object is in the mirror, or will be after this transaction. */
static int
is_known(struct store_txn *txn, const struct working *work, const struct mirror_id *id,
    struct bh_err *err)
{
	struct object_state object;
	int rc;

	if (working_find(work, id) != SIZE_MAX)
		return 1;
	rc = mirror_get(txn, id, true, &object, err);
	mirror_object_release(&object);
	return rc;
}

int
alias_resolve(struct store_txn *txn, const struct working *work, const char *connection,
    struct object_change *change, struct bh_err *err)
{
	const struct mirror_id id = {connection, change->account, change->kind, change->id};
	const struct mirror_id other = {connection, change->account, change->kind, change->alias};
	bool is_two = strcmp(change->id, change->alias) != 0;
	struct bh_buf held = BH_BUF_INIT(sizeof(change->id)), again = BH_BUF_INIT(256);
	int by_id = mirror_held(txn, &id, &held, err), by_other = 0, rc = by_id;

	if (rc >= 0 && is_two)
		rc = by_other = mirror_held(txn, &other, by_id > 0 ? &again : &held, err);
	/* Nothing is noted: what is held under the other id came first. */
	if (rc >= 0 && is_two && by_id == 0 && by_other == 0) {
		rc = is_known(txn, work, &other, err);
		bh_buf_adds(&held, rc > 0 ? other.id : id.id);
	} else if (rc >= 0 && held.len == 0) {
		bh_buf_adds(&held, id.id);
	}
	if (rc >= 0 && is_two && by_id == 0 && strcmp(id.id, held.data) != 0)
		mirror_hold(txn, &id, held.data);
	if (rc >= 0 && is_two && by_other == 0 && strcmp(other.id, held.data) != 0)
		mirror_hold(txn, &other, held.data);
	if (rc >= 0)
		snprintf(change->id, sizeof(change->id), "%s", held.data);
	bh_buf_release(&held);
	bh_buf_release(&again);
	return rc < 0 ? -1 : 0;
}
