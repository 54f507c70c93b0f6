/* See crm_people.h. */
#include "base/base.h"

#include "sync/crm_people.h"

#include "base/clock.h"
#include "base/text.h"

/* A sync, and which of its mapped objects customers are. */
struct side {
	const struct setup_sync *sync;
	const struct map_object *object;
	struct bh_buf to; /* the CRM's name of it */
};

static const struct map_object *
customer_object(const struct setup_sync *sync)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);

	for (size_t i = 0; i < n; i++)
		if (objects[i].from == OBJECT_CUSTOMER && objects[i].has_match)
			return &objects[i];
	return NULL;
}

static int
find_side(const struct crm_work *work, struct side *side, struct bh_err *err)
{
	const char *wanted = bh_json_str(work->ask, "sync");
	size_t index;

	bh_buf_init(&side->to, 1024);
	for (size_t i = 0; i < work->setup->syncs_n; i++) {
		side->sync = &work->setup->syncs[i];
		side->object = customer_object(side->sync);
		if (side->sync->to == work->connection && side->object != NULL &&
		    (wanted == NULL || strcmp(wanted, side->sync->account.code) == 0)) {
			setup_object(side->sync, side->object->name, &index);
			return map_object_to(side->sync->map, index, side->sync->account.settings,
			    &side->to, err);
		}
	}
	return bh_fail(err, BH_INVALID,
	    "no sync to %s writes customers that are matched with what is there",
	    work->connection->account.code);
}

static int
list_page(struct crm_work *work, const struct side *side, json_t **rows_r, bool *more_r,
    struct bh_err *err)
{
	const char *after = bh_json_str(work->ask, "after");
	struct lane *lane = &work->lane;
	struct bh_err why = BH_ERR_INIT;
	int rc;

	after = after != NULL ? after : "";
	rc = lane->driver->unlinked(&lane->config, bh_buf_str(&side->to), side->object->key, after,
	    rows_r, more_r, &why);
	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->unlinked(&lane->config, bh_buf_str(&side->to), side->object->key,
		    after, rows_r, more_r, &why);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

int
crm_people_list(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	struct side side;
	json_t *rows = NULL;
	bool more = false;
	int rc = find_side(work, &side, err);

	if (rc == 0)
		rc = crm_work_open(work, err);
	if (rc == 0)
		rc = list_page(work, &side, &rows, &more, err);
	if (rc == 0) {
		size_t n = json_array_size(rows);
		const json_t *last = n > 0 ? json_array_get(rows, n - 1) : NULL;
		const char *after = bh_json_str(last, "remote_id");

		*answer_r = json_pack("{s:s, s:s, s:s, s:o, s:s, s:b, s:b}", "sync",
		    side.sync->account.code, "object", bh_buf_str(&side.to), "source",
		    side.sync->account.from, "rows", rows, "after", after != NULL ? after : "",
		    "more", more, "can_create", side.sync->from->source->create_customer != NULL);
	}
	bh_buf_release(&side.to);
	return rc;
}

/* -- making a customer -- */

struct made {
	const struct side *side;
	const struct crm_work *work;
	const char *id, *remote_id;
};

static int
link_made(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct made *made = arg;
	struct link_id id = {made->work->connection->account.code, made->side->object->rank,
	    made->side->sync->account.code, made->side->object->name, "", made->id};

	return link_adopt(txn, &id, made->remote_id, "the customer was made from this record", err);
}

int
crm_people_create(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	const char *remote_id = bh_json_str(work->ask, "remote_id");
	struct source_config config;
	struct source_api api;
	struct side side;
	char id[256];
	int rc = find_side(work, &side, err);

	if (rc == 0 && (remote_id == NULL || bh_json_str(work->ask, "name") == NULL))
		rc = bh_fail(err, BH_INVALID, "the record and the customer's name are needed");
	if (rc == 0 && side.sync->from->source->create_customer == NULL)
		rc = bh_fail(err, BH_INVALID, "%s lets nobody make customers",
		    side.sync->from->source->title);
	if (rc == 0) {
		json_t *who =
		    json_pack("{s:O, s:O?, s:s, s:s}", "name", json_object_get(work->ask, "name"),
			"email", json_object_get(work->ask, "email"), "crm",
			work->connection->account.driver, "remote_id", remote_id);
		struct made made = {&side, work, id, remote_id};

		config = setup_source_config(side.sync->from);
		api = (struct source_api){&config, work->context->transport, bh_now_ms()};
		rc = side.sync->from->source->create_customer(&api, who, id, err);
		json_decref(who);
		if (rc == 0)
			rc = store_run(work->context->store, link_made, &made, NULL, err) < 0 ? -1
											      : 0;
	}
	if (rc == 0)
		*answer_r = json_pack("{s:s}", "id", id);
	bh_buf_release(&side.to);
	return rc;
}
