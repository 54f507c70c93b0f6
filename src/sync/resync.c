/* See resync.h. */
#include "base/base.h"

#include "sync/resync.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/link.h"
#include "state/mirror.h"
#include "state/queue.h"
#include "state/undo.h"
#include "sync/part.h"
#include "sync/setup.h"

#define PAGE 1000
#define PAGE_INVOICES 100 /* with their lines */
#define FORGET_PAGE 500
#define COUNT_MAX 10000000 /* objects of a kind, for the progress */
#define CONFLICT_MS 5

struct resync {
	const struct sync_context *context;
	const char *code;
	struct setup *setup;
	size_t page; /* objects in one commit; 0 not tried yet */
	/* of one commit */
	struct store_txn *txn;
	const struct setup_sync *sync; /* NULL: there is none that works */
	struct walk walk;
	json_t *last; /* {"account", "id"} of the last object looked at */
	bool is_over;
};

/* -- what people ask for -- */

static void
begin(struct store_txn *txn, const char *sync, int64_t now_ms)
{
	struct walk walk = {.state = WALK_RUNNING,
	    .started_ms = now_ms,
	    .turned_ms = now_ms,
	    .phase_total = -1};

	walk_save(txn, sync, WALK_RESYNC, &walk);
}

void
resync_begin(struct store_txn *txn, const char *sync, int64_t now_ms)
{
	begin(txn, sync, now_ms);
	queue_wake(txn, RESYNC_JOB, sync, now_ms);
}

void
resync_cancel(struct store_txn *txn, const char *sync, const char *dest, int64_t now_ms)
{
	struct walk walk = {.phase_total = -1};

	walk_save(txn, sync, WALK_RESYNC, &walk);
	queue_wake(txn, "push", dest, now_ms);
}

void
resync_forget(struct store_txn *txn, const char *sync, const char *dest, int64_t now_ms)
{
	struct walk walk = {.state = WALK_RUNNING,
	    .started_ms = now_ms,
	    .cursor = json_pack("{s:s}", "to", dest)};

	walk_save(txn, sync, WALK_FORGET, &walk);
	walk_release(&walk);
	queue_wake(txn, RESYNC_JOB, sync, now_ms);
}

/* -- phases: the kinds of objects that it maps -- */

static bool
is_mapped(const struct setup_sync *sync, enum object_kind kind)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);

	/* Virtual ones come with what they are made of; what happened is not told again. */
	if (is_object_virtual(kind))
		return false;
	for (size_t i = 0; i < n; i++)
		if (objects[i].from == kind)
			return true;
	return kind == OBJECT_INVOICE && sync->maps_lines;
}

static enum object_kind
next_kind(const struct setup_sync *sync, enum object_kind after)
{
	for (int kind = (int)after + 1; kind < OBJECT__MAX; kind++)
		if (is_mapped(sync, (enum object_kind)kind))
			return (enum object_kind)kind;
	return OBJECT_NONE;
}

static int
count_phases(const struct setup_sync *sync)
{
	int n = 0;

	for (int kind = 1; kind < OBJECT__MAX; kind++)
		n += is_mapped(sync, (enum object_kind)kind);
	return n;
}

/* Not before all is marked: who pushes has to see how much there is. */
static void
finish(struct resync *r)
{
	struct walk *walk = &r->walk;
	int64_t now = bh_now_ms();

	json_decref(walk->cursor);
	walk->cursor = NULL;
	walk->state = WALK_DONE;
	walk->ended_ms = walk->last_ms = now;
	r->is_over = true;
	queue_wake(r->txn, "push", r->sync->account.to, now);
}

static int
begin_phase(struct resync *r, enum object_kind kind, struct bh_err *err)
{
	struct walk *walk = &r->walk;
	size_t total = 0;

	if (kind == OBJECT_NONE) {
		finish(r);
		return 0;
	}
	if (mirror_count(r->txn, r->sync->account.from, kind, COUNT_MAX, &total, err) < 0)
		return -1;
	json_decref(walk->cursor);
	walk->cursor = json_pack("{s:s}", "kind", object_kind_name(kind));
	snprintf(walk->phase, sizeof(walk->phase), "%s", object_kind_name(kind));
	walk->phase_number++;
	walk->phases = count_phases(r->sync);
	walk->phase_read = 0;
	walk->phase_total = (int64_t)total;
	r->page = 0;
	return 0;
}

/* -- pages -- */

static int
mark_one(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err BH_UNUSED)
{
	struct resync *r = arg;
	const struct map_object *objects;
	size_t n = map_objects(r->sync->map, &objects);

	for (size_t i = 0; i < n; i++) {
		struct link_id link = {r->sync->account.to, objects[i].rank, r->sync->account.code,
		    objects[i].name, id->account, id->id};

		if (objects[i].from != id->kind)
			continue;
		link_mark(r->txn, &link);
		r->walk.changed++;
	}
	if (id->kind == OBJECT_INVOICE)
		r->walk.changed += (int64_t)part_mark_lines(r->txn, r->sync, id,
		    json_object_get(object->fields, "lines"), NULL);
	r->walk.read++;
	r->walk.phase_read++;
	json_decref(r->last);
	r->last = json_pack("{s:o, s:o}", "account", bh_json_string(id->account), "id",
	    bh_json_string(id->id));
	return 0;
}

/* The next objects of the kind that the cursor names; behind the last of them the next kind begins. */
static int
turn_page(struct resync *r, enum object_kind kind, struct bh_err *err)
{
	const char *account = bh_json_str(r->walk.cursor, "account");
	const char *id = bh_json_str(r->walk.cursor, "id");
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = false;
	int rc;

	if (r->page == 0)
		r->page = kind == OBJECT_INVOICE && r->sync->maps_lines ? PAGE_INVOICES : PAGE;
	if (account != NULL && id != NULL) {
		struct mirror_id last = {r->sync->account.from, account, kind, id};

		mirror_walk_behind(&after, &last);
	}
	rc = mirror_walk(r->txn, r->sync->account.from, kind, r->page, &after, mark_one, r, &more,
	    err);
	bh_buf_release(&after);
	if (rc == 0 && !more)
		return begin_phase(r, next_kind(r->sync, kind), err);
	if (rc == 0)
		json_object_update(r->walk.cursor, r->last);
	return rc;
}

static int
go_on(struct resync *r, struct bh_err *err)
{
	const char *name = bh_json_str(r->walk.cursor, "kind");
	enum object_kind kind = name != NULL ? object_kind_of(name) : OBJECT_NONE;

	if (r->sync == NULL) {
		r->walk.state = WALK_FAILED;
		snprintf(r->walk.note, sizeof(r->walk.note), "the sync does not work");
		r->is_over = true;
		return 0;
	}
	if (kind != OBJECT_NONE)
		return turn_page(r, kind, err);
	if (undo_hint(r->txn, r->code, UNDO_RESYNC, bh_now_ms(), err) < 0)
		return -1;
	return begin_phase(r, next_kind(r->sync, OBJECT_NONE), err);
}

/*
 * One commit.  The settings and the walk are checked with it: a person who changes
 * either meanwhile is heeded.
 */
static int
step_in(struct resync *r, struct bh_err *err)
{
	if (setup_refresh(r->context, r->txn, &r->setup, err) < 0 ||
	    walk_load(r->txn, r->code, WALK_RESYNC, &r->walk, err) < 0)
		return -1;
	r->sync = setup_sync(r->setup, r->code);
	if (r->walk.state != WALK_RUNNING) {
		r->is_over = true;
		return 0;
	}
	if (go_on(r, err) < 0)
		return -1;
	walk_save(r->txn, r->code, WALK_RESYNC, &r->walk);
	return store_commit(r->txn, NULL, err);
}

static int
step(struct resync *r, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc;

	r->is_over = false;
	walk_release(&r->walk);
	r->txn = store_begin(r->context->store);
	rc = step_in(r, &why);
	store_free(&r->txn);
	json_decref(r->last);
	r->last = NULL;
	if (rc == 0)
		return 0;
	r->is_over = false;
	if (why.code == BH_CONFLICT) {
		bh_sleep_ms(CONFLICT_MS);
		return 0;
	}
	/* The page does not fit into one commit. */
	if (why.code == BH_INVALID && r->page > 1) {
		r->page /= 2;
		return 0;
	}
	if (err != NULL)
		*err = why;
	return -1;
}

/* Until it is over, or we are to stop (*stopped_r). */
static int
run(struct resync *r, bool *stopped_r, struct bh_err *err)
{
	int rc = 0;

	*stopped_r = false;
	do {
		*stopped_r = sync_is_stopping(r->context);
		if (!*stopped_r)
			rc = step(r, err);
	} while (rc == 0 && !r->is_over && !*stopped_r);
	return rc;
}

static void
release(struct resync *r)
{
	walk_release(&r->walk);
	setup_free(&r->setup);
}

/* -- forgetting -- */

/* A page; 1: nothing is left, and the walk is gone, too. */
static int
forget_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const char *sync = arg, *dest;
	struct walk walk;
	int rc = walk_load(txn, sync, WALK_FORGET, &walk, err);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	dest = bh_json_str(walk.cursor, "to");
	rc = dest != NULL ? link_drop_sync(txn, dest, sync, FORGET_PAGE, err) : 1;
	if (rc > 0) {
		walk_drop(txn, sync, WALK_FORGET);
		rc = 0;
	}
	walk_release(&walk);
	return rc;
}

static int
forget(const struct sync_context *context, const char *sync, bool *stopped_r, struct bh_err *err)
{
	int rc;

	do {
		*stopped_r = sync_is_stopping(context);
		rc = *stopped_r ? 1
				: store_run(context->store, forget_page, (void *)(uintptr_t)sync,
				      NULL, err);
	} while (rc == 0);
	return rc < 0 ? -1 : 0;
}

/* -- the job -- */

static int
begin_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct walk walk;
	int rc = walk_load(txn, arg, WALK_RESYNC, &walk, err);

	walk_release(&walk);
	if (rc == 0) /* woken before it was a walk */
		begin(txn, arg, bh_now_ms());
	return rc < 0 ? -1 : rc;
}

int
resync_run(const struct sync_context *context, const char *sync, struct sync_outcome *outcome,
    struct bh_err *err)
{
	struct resync r = {.context = context, .code = sync};
	bool is_stopped = false;
	int rc;

	*outcome = (struct sync_outcome){.again_ms = -1};
	rc = forget(context, sync, &is_stopped, err);
	if (rc == 0 && !is_stopped && setup_load(context->store, context->key, &r.setup, err) < 0)
		rc = -1;
	if (rc == 0 && !is_stopped && setup_sync(r.setup, sync) != NULL) {
		rc = store_run(context->store, begin_in, (void *)(uintptr_t)sync, NULL, err);
		if (rc >= 0)
			rc = run(&r, &is_stopped, err);
		if (rc == 0 && r.walk.state == WALK_DONE)
			bh_log(BH_INFO, "resync of %s: %lld records are looked at again", sync,
			    (long long)r.walk.changed);
	} else if (rc == 0 && !is_stopped) {
		bh_log(BH_INFO, "resync: there is no sync \"%.70s\" that works", sync);
	}
	if (is_stopped)
		outcome->again_ms = bh_now_ms();
	release(&r);
	return rc;
}

static int
begin_at_once(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	begin(txn, arg, bh_now_ms());
	return 0;
}

int
resync_all(struct store *store, const struct account_key *key, const char *sync, size_t *n_r,
    struct bh_err *err)
{
	struct sync_context context = {.store = store, .key = key};
	struct resync r = {.context = &context, .code = sync};
	bool is_stopped;
	int rc;

	*n_r = 0;
	if (setup_load(store, key, &r.setup, err) < 0)
		return -1;
	if (setup_sync(r.setup, sync) == NULL) {
		release(&r);
		return bh_fail(err, BH_INVALID, "there is no sync \"%.70s\" that works", sync);
	}
	rc = store_run(store, begin_at_once, (void *)(uintptr_t)sync, NULL, err) < 0 ? -1 : 0;
	if (rc == 0)
		rc = run(&r, &is_stopped, err);
	*n_r = (size_t)r.walk.changed;
	release(&r);
	return rc;
}
