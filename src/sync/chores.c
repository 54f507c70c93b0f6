/* See chores.h. */
#include "base/base.h"

#include "sync/chores.h"

#include "base/clock.h"
#include "base/log.h"
#include "sync/throttle.h"

#define HOUR_MS (3600 * INT64_C(1000))
#define DAY_MS (24 * HOUR_MS)
#define PAGE 1000
#define PURGE_PAGES 20 /* of a day */

static void
come_again(struct push_run *run, int64_t at_ms)
{
	if (at_ms < run->again_ms)
		run->again_ms = at_ms;
}

/* A time that lies ahead was noted by a clock that was wrong. */
static bool
is_due(int64_t last_ms, int64_t every_ms)
{
	int64_t now = bh_now_ms();

	return last_ms > now || now - last_ms >= every_ms;
}

/* -- waiting for a match -- */

struct rematch {
	struct push_run *run;
	struct store_txn *txn;
	size_t n;
};

static int
mark_waiting(void *arg, const struct link_id *id, const struct link *link BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	struct rematch *r = arg;
	const struct setup_sync *sync = setup_sync(r->run->lane->setup, id->sync);
	const struct map_object *object =
	    sync != NULL ? setup_object(sync, id->object, NULL) : NULL;

	if (object == NULL || object->create != MAP_WAIT)
		return 0;
	link_mark(r->txn, id);
	r->n++;
	return 0;
}

static int
rematch(struct push_run *run, size_t *n_r, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct rematch r = {run, NULL, 0};
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		r.txn = store_begin(run->context->store);
		rc = link_unmatched(r.txn, run->lane->connection->account.code, PAGE, &after,
		    mark_waiting, &r, &more, err);
		if (rc == 0 && r.n != 0)
			rc = store_commit(r.txn, NULL, err);
		store_free(&r.txn);
	}
	bh_buf_release(&after);
	*n_r = r.n;
	return rc;
}

static bool
has_waiting(const struct push_run *run)
{
	const struct setup *setup = run->lane->setup;

	for (size_t i = 0; i < setup->syncs_n; i++) {
		const struct map_object *objects;
		size_t n = map_objects(setup->syncs[i].map, &objects);

		for (size_t k = 0; k < n && setup->syncs[i].to == run->lane->connection; k++)
			if (objects[k].create == MAP_WAIT)
				return true;
	}
	return false;
}

static int
look_again(struct push_run *run, struct bh_err *err)
{
	struct link_lane *condition = &run->lane->condition;
	size_t n = 0;

	if (!has_waiting(run))
		return 0;
	if (is_due(condition->looked_ms, HOUR_MS)) {
		/* The first time there is nothing that has waited for an hour. */
		if (condition->looked_ms != 0 && rematch(run, &n, err) < 0)
			return -1;
		condition->looked_ms = bh_now_ms();
	}
	come_again(run, condition->looked_ms + HOUR_MS);
	return 0;
}

/* -- the event log's age -- */

/* The CRM's field that holds when an event came: what the mapping writes that into; borrowed. */
static const char *
time_field(const json_t *shaped, const char *name)
{
	const json_t *objects = json_object_get(shaped, "objects"), *object, *row;
	size_t i, k;

	json_array_foreach (objects, i, object) {
		if (strcmp(bh_json_str(object, "name"), name) != 0)
			continue;
		json_array_foreach (json_object_get(object, "fields"), k, row) {
			const char *from = bh_json_str(row, "from");

			if (from != NULL &&
			    (strcmp(from, "received_at") == 0 || strcmp(from, "occurred_at") == 0))
				return bh_json_str(row, "to");
		}
	}
	return NULL;
}

/* What cannot be deleted now is deleted tomorrow: no reason to stop. */
static void
purge(struct push_run *run, const struct setup_sync *sync, size_t index, int64_t days)
{
	struct lane *lane = run->lane;
	const struct map_object *objects;
	struct bh_buf to = BH_BUF_INIT(1024);
	struct bh_err why = BH_ERR_INIT;
	json_t *shaped = NULL;
	const char *field = NULL;
	size_t n, all = 0;
	bool more = true;
	int rc;

	map_objects(sync->map, &objects);
	if (setup_shape(&sync->account, sync->to, &shaped, &why) == 0)
		field = time_field(shaped, objects[index].name);
	rc =
	    field != NULL ? map_object_to(sync->map, index, sync->account.settings, &to, &why) : -1;
	for (int page = 0; rc == 0 && more && page < PURGE_PAGES; page++) {
		rc = lane->driver->purge(&lane->config, bh_buf_str(&to), field,
		    bh_now_ms() - days * DAY_MS, &n, &more, &why);
		all += rc == 0 ? n : 0;
	}
	if (all != 0 || rc < 0)
		bh_log(rc < 0 ? BH_WARN : BH_INFO, "lane %s: %zu old records of %s removed%s%s",
		    lane->connection->account.code, all, bh_buf_str(&to), rc < 0 ? ": " : "",
		    rc < 0 ? why.text : "");
	json_decref(shaped);
	bh_buf_release(&to);
}

static bool
is_log(const struct lane *lane, const struct map_object *object)
{
	return object->from == OBJECT_EVENT &&
	       (lane->driver->object_traits == NULL ||
		   (lane->driver->object_traits(object->to) & DEST_OBJECT_EVENT) == 0);
}

static void
tidy_sync(struct push_run *run, const struct setup_sync *sync, bool is_time, bool *has_r)
{
	int64_t days = bh_json_int(sync->account.settings, "event_log_days", 0);
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);

	if (sync->to != run->lane->connection || days <= 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!is_log(run->lane, &objects[i]))
			continue;
		*has_r = true;
		if (is_time)
			purge(run, sync, i, days);
	}
}

/* It is not urgent: above the throttle its calls are left to what is. */
static void
tidy(struct push_run *run)
{
	struct link_lane *condition = &run->lane->condition;
	const struct setup *setup = run->lane->setup;
	bool is_time = is_due(condition->tidied_ms, DAY_MS), has = false;
	bool is_open = throttle_level(run->lane) == THROTTLE_OPEN;

	if (run->lane->driver->purge == NULL)
		return;
	for (size_t i = 0; i < setup->syncs_n; i++)
		tidy_sync(run, &setup->syncs[i], is_time && is_open, &has);
	if (!has)
		return;
	if (is_time && is_open)
		condition->tidied_ms = bh_now_ms();
	come_again(run,
	    is_time && !is_open ? bh_now_ms() + THROTTLE_LOOK_MS : condition->tidied_ms + DAY_MS);
}

int
chores_run(struct push_run *run, struct bh_err *err)
{
	if (run->is_stopped)
		return 0;
	tidy(run);
	return look_again(run, err);
}
