/* See running.h. */
#include "base/base.h"

#include "web/running.h"

#include "base/clock.h"
#include "base/json.h"
#include "state/audit.h"
#include "state/preview.h"
#include "web/live.h"
#include "web/walk_view.h"
#include "web/words.h"

/* One thing that could run. */
struct work {
	struct exchange *exchange;
	const char *folder;             /* "connections" or "syncs" */
	const char *code, *name, *more; /* more: what follows in the address */
	json_t *list, *live;
};

static int
part_of(int64_t done, int64_t of)
{
	if (done <= 0 || of <= 0)
		return 0;
	return done >= of ? 100 : (int)((double)done * 100 / (double)of);
}

/* Takes text; where it does not run, only that is told. */
static void
put(const struct work *work, const char *kind, const char *what, bool is_on, json_t *text,
    int percent)
{
	json_t *view = json_object();
	char scope[128];

	snprintf(scope, sizeof(scope), "work.%s.%s", kind, work->code);
	live_set_shown(work->live, view, scope, "is_on", is_on);
	if (is_on) {
		live_set(work->live, view, scope, "text", json_incref(text));
		live_set(work->live, view, scope, "percent", json_sprintf("%d", percent));
		json_object_set_new(view, "key", json_string(scope));
		json_object_set_new(view, "what", json_string(what));
		json_object_set_new(view, "name", words_json(work->name));
		json_object_set_new(view, "url",
		    json_sprintf("%s/%s/%s%s", work->exchange->request->base, work->folder,
			work->code, work->more));
		json_array_append(work->list, view);
	}
	json_decref(text);
	json_decref(view);
}

static json_t *
count_text(int64_t done, int64_t of)
{
	char n[WORDS_MAX], all[WORDS_MAX];

	words_count(n, done);
	words_count(all, of);
	return of > 0 ? json_sprintf("%s of %s", n, all) : json_sprintf("%s so far", n);
}

static json_t *
walk_text(const struct walk *walk)
{
	struct bh_buf text = BH_BUF_INIT(600);
	json_t *json;

	if (walk->phases > 0)
		walk_view_step(&text, walk, walk->phase, bh_now_ms());
	json = words_json(text.len > 0 ? bh_buf_str(&text) : "It begins.");
	bh_buf_release(&text);
	return json;
}

static int
add_walk(const struct work *work, const char *kind, const char *what, struct bh_err *err)
{
	struct walk walk;

	if (walk_load(exchange_read(work->exchange), work->code, kind, &walk, err) < 0)
		return -1;
	put(work, kind, what, walk.state == WALK_RUNNING, walk_text(&walk),
	    walk_view_percent(&walk));
	walk_release(&walk);
	return 0;
}

static int
add_errand(const struct work *work, const char *kind, const char *what, struct bh_err *err)
{
	struct errand errand = {0};
	int rc = errand_load(exchange_read(work->exchange), work->code, kind, &errand, err);
	const json_t *progress = json_object_get(errand.answer, "progress");
	int64_t done = bh_json_int(progress, "done", 0), of = bh_json_int(progress, "of", 0);

	if (rc >= 0)
		put(work, kind, what, rc > 0 && errand.is_open,
		    progress != NULL ? count_text(done, of) : json_string("It begins."),
		    part_of(done, of));
	errand_release(&errand);
	return rc < 0 ? -1 : 0;
}

static int
add_preview(const struct work *work, struct bh_err *err)
{
	struct preview preview = PREVIEW_INIT;
	int rc = preview_load(exchange_read(work->exchange), work->code, &preview, err);

	if (rc >= 0)
		put(work, "preview", "Preview", preview.state == PREVIEW_RUNNING,
		    count_text(preview.done, preview.total), part_of(preview.done, preview.total));
	preview_release(&preview);
	return rc < 0 ? -1 : 0;
}

static int
add_audit(const struct work *work, struct bh_err *err)
{
	struct audit audit = AUDIT_INIT;
	int rc = audit_load(exchange_read(work->exchange), work->code, &audit, err);

	if (rc >= 0)
		put(work, "audit", "Audit", audit.state == AUDIT_RUNNING,
		    count_text(audit.done, audit.total), part_of(audit.done, audit.total));
	audit_release(&audit);
	return rc < 0 ? -1 : 0;
}

int
running_of_connection(struct exchange *exchange, const struct account_connection *connection,
    json_t *list, json_t *live, struct bh_err *err)
{
	const char *name = connection->name[0] != '\0' ? connection->name : connection->code;
	const struct work work = {exchange, "connections", connection->code, name, "", list, live};

	if (connection->is_source)
		return add_walk(&work, WALK_BACKFILL, "Reading everything", err) < 0
			   ? -1
			   : add_walk(&work, WALK_CATCHUP, "Reading what was missed", err);
	return add_errand(&work, ERRAND_INSTALL, "Making fields and objects", err) < 0
		   ? -1
		   : add_errand(&work, ERRAND_DISCONNECT, "Disconnecting", err);
}

int
running_of_sync(struct exchange *exchange, const struct account_sync *sync, json_t *list,
    json_t *live, struct bh_err *err)
{
	struct work work = {exchange, "syncs", sync->code, sync->code, "", list, live};

	if (add_walk(&work, WALK_RESYNC, "Re-sync", err) < 0)
		return -1;
	work.more = "/audit";
	if (add_audit(&work, err) < 0)
		return -1;
	work.more = "/preview";
	return add_preview(&work, err);
}
