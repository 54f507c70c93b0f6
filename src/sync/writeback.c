/* See writeback.h. */
#include "base/base.h"

#include "sync/writeback.h"

#include "base/clock.h"
#include "state/mirror.h"
#include "state/queue.h"
#include "state/want.h"
#include "sync/lookup.h"

/*
 * Customers may have several records, as an Account and its Contact: the
 * source knows them by the first in parent order.  Where it is a company or a
 * person, by the customer's type, the two stand side by side.
 */
static bool
is_customers_own(const struct setup_sync *sync, const struct map_object *object)
{
	const struct map_object *objects;
	size_t i = 0, n = map_objects(sync->map, &objects);

	while (i < n && objects[i].from != OBJECT_CUSTOMER)
		i++;
	return i < n && object->from == OBJECT_CUSTOMER && object->rank == objects[i].rank;
}

/* The sync of a link whose record is a customer's, where ids go back; NULL. */
static const struct setup_sync *
sync_of(const struct lane *lane, const struct link_id *id)
{
	const struct setup_sync *sync = setup_sync(lane->setup, id->sync);
	const struct map_object *object;
	size_t index;

	if (sync == NULL || !bh_is_json_true(sync->account.settings, "write_back") ||
	    sync->from->source->write_back == NULL)
		return NULL;
	object = setup_object(sync, id->object, &index);
	return object != NULL && is_customers_own(sync, object) ? sync : NULL;
}

/* 1 the source holds this id already, 0, -1 */
static int
is_known(struct store_txn *txn, const struct setup_sync *sync, const struct link_id *id,
    const char *crm, const char *remote_id, struct bh_err *err)
{
	struct mirror_id mirror = {sync->account.from, id->account, OBJECT_CUSTOMER, id->id};
	struct object_state object;
	char *field = bh_xasprintf("%s_id", crm);
	const char *held;
	int rc = mirror_get(txn, &mirror, false, &object, err);

	if (rc > 0) {
		held = bh_json_str(object.fields, field);
		rc = held != NULL && strcmp(held, remote_id) == 0;
	}
	mirror_object_release(&object);
	free(field);
	return rc;
}

int
writeback_note(struct lane *lane, const struct link_dirty_entry *entries, const struct link *links,
    size_t n, struct bh_err *err)
{
	const char *crm = lane->driver->name;
	struct store_txn *txn = NULL;
	int rc = 0;

	for (size_t i = 0; i < n && rc >= 0; i++) {
		const struct link_id *id = &entries[i].id;
		const struct setup_sync *sync = sync_of(lane, id);
		json_t *hint;

		if (sync == NULL || links[i].state != LINK_CLEAN || links[i].remote_id[0] == '\0')
			continue;
		if (txn == NULL)
			txn = store_begin(lane->context->store);
		rc = is_known(txn, sync, id, crm, links[i].remote_id, err);
		if (rc != 0)
			continue;
		hint = json_pack("{s:s, s:s}", "crm", crm, "remote_id", links[i].remote_id);
		want_put(txn, sync->account.from, WRITEBACK_WANT, id->account, id->id, hint);
		queue_wake(txn, LOOKUP_JOB, sync->account.from, bh_now_ms());
		json_decref(hint);
	}
	if (txn != NULL && rc >= 0)
		rc = store_commit(txn, NULL, err);
	store_free(&txn);
	return rc < 0 ? -1 : 0;
}
