/* What is meant, and the records that belong to it: see undo.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "state/queue.h"
#include "state/undo.h"
#include "sync/undo_internal.h"

#define PAGE 200 /* entries: of most CRMs a batch of records */
#define LET_GO_PAGE 500

/* -- choosing -- */

int
undo_select_run(struct store_txn *txn, const char *sync, int64_t run, struct revert_what *what,
    struct bh_err *err)
{
	struct undo_run kept;
	int rc = undo_run_load(txn, sync, run, &kept, err);

	memset(what, 0, sizeof(*what));
	if (rc == 0)
		return bh_fail(err, BH_INVALID, "Nothing is kept of run %lld.", (long long)run);
	*what = (struct revert_what){.run = run,
	    .from_ms = kept.began_ms,
	    .until_ms = kept.last_ms + 1};
	return rc < 0 ? -1 : 0;
}

static int
see_one(void *arg, const struct link_id *id BH_UNUSED, int64_t at_ms BH_UNUSED,
    const json_t *entry BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	*(bool *)arg = true;
	return 0;
}

int
undo_select_span(struct store_txn *txn, const char *sync, int64_t since_ms, int64_t until_ms,
    int64_t now_ms, struct revert_what *what, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool is_any = false, more;
	int rc;

	*what = (struct revert_what){.from_ms = since_ms,
	    .until_ms = until_ms > 0 && until_ms < now_ms ? until_ms : now_ms + 1};
	rc = undo_walk(txn, sync, what->from_ms, what->until_ms, 1, &after, see_one, &is_any, &more,
	    err);
	bh_buf_release(&after);
	if (rc == 0 && !is_any)
		return bh_fail(err, BH_INVALID, "Nothing is kept that was written in that time.");
	return rc;
}

int
undo_select_record(struct store_txn *txn, const struct link_id *id, int64_t since_ms,
    struct revert_what *what, struct bh_err *err)
{
	json_t *newest = NULL;
	int rc = undo_newest(txn, id, &newest, err);
	int64_t at_ms = bh_json_int(newest, "at", 0);

	*what =
	    (struct revert_what){.from_ms = since_ms > 0 ? since_ms : at_ms, .until_ms = at_ms + 1};
	snprintf(what->object, sizeof(what->object), "%s", id->object);
	snprintf(what->account, sizeof(what->account), "%s", id->account);
	snprintf(what->id, sizeof(what->id), "%s", id->id);
	json_decref(newest);
	if (rc < 0)
		return -1;
	return rc > 0 && what->from_ms <= at_ms
		   ? 0
		   : bh_fail(err, BH_INVALID, "Nothing is kept that was written to this record.");
}

/* -- gathering -- */

static bool
is_meant(const struct revert_what *what, const json_t *entry)
{
	return what->run == 0 || bh_json_int(entry, "run", 0) == what->run;
}

/* Its writes that are meant; new reference. */
static int
writes_of(struct store_txn *txn, const struct revert_what *what, const struct link_id *id,
    json_t **entries_r, struct bh_err *err)
{
	int rc = undo_of_record(txn, id, what->from_ms, what->until_ms, entries_r, err);

	for (size_t i = json_array_size(*entries_r); i-- > 0;)
		if (!is_meant(what, json_array_get(*entries_r, i)))
			json_array_remove(*entries_r, i);
	return rc;
}

static void
add_record(struct undo_page *page, const struct link_id *id, json_t *entries)
{
	struct undo_record *record;

	if (page->n == page->cap) {
		page->cap = page->cap > 0 ? 2 * page->cap : PAGE;
		page->records = bh_xrealloc(page->records, page->cap * sizeof(page->records[0]));
	}
	record = &page->records[page->n++];
	memset(record, 0, sizeof(*record));
	record->id = (struct link_id){.dest = page->work->dest,
	    .sync = page->work->code,
	    .object = bh_xstrdup(id->object),
	    .account = bh_xstrdup(id->account),
	    .id = bh_xstrdup(id->id)};
	record->entries = json_incref(entries);
}

struct gather {
	struct undo_page *page;
	struct store_txn *txn;
};

/* A record comes with the first of its writes that are meant, and only then. */
static int
take_entry(void *arg, const struct link_id *id, int64_t at_ms, const json_t *entry,
    struct bh_err *err)
{
	struct gather *g = arg;
	const struct revert_what *what = &g->page->revert->what;
	json_t *entries;
	int rc;

	g->page->read++;
	if (!is_meant(what, entry))
		return 0;
	rc = writes_of(g->txn, what, id, &entries, err);
	if (rc == 0 && bh_json_int(json_array_get(entries, 0), "at", 0) == at_ms)
		add_record(g->page, id, entries);
	json_decref(entries);
	return rc;
}

static int
gather_one(struct gather *g, struct bh_err *err)
{
	const struct revert_what *what = &g->page->revert->what;
	struct link_id id = {.dest = g->page->work->dest,
	    .sync = g->page->work->code,
	    .object = what->object,
	    .account = what->account,
	    .id = what->id};
	json_t *entries;
	int rc = writes_of(g->txn, what, &id, &entries, err);

	g->page->more = false;
	g->page->read = json_array_size(entries);
	if (rc == 0 && json_array_size(entries) > 0)
		add_record(g->page, &id, entries);
	json_decref(entries);
	return rc;
}

/* The record that was written is the one that is put back, whatever became of the link since. */
static void
name_record(struct undo_record *record)
{
	const json_t *newest =
	    json_array_get(record->entries, json_array_size(record->entries) - 1);
	const char *to = bh_json_str(newest, "to");

	record->to = to != NULL ? to : "";
	for (size_t i = json_array_size(record->entries); i-- > 0 && record->remote_id[0] == '\0';)
		bh_json_copy(record->remote_id, sizeof(record->remote_id),
		    json_array_get(record->entries, i), "rid");
	if (record->remote_id[0] == '\0')
		snprintf(record->remote_id, sizeof(record->remote_id), "%s",
		    record->link.remote_id);
}

static int
read_links(struct undo_page *page, struct store_txn *txn, struct bh_err *err)
{
	struct link_id *ids = bh_xcalloc(page->n + 1, sizeof(ids[0]));
	struct link *links = bh_xcalloc(page->n + 1, sizeof(links[0]));
	int rc = 0;

	for (size_t i = 0; i < page->n; i++)
		ids[i] = page->records[i].id;
	if (page->n > 0)
		rc = link_get_many(txn, ids, page->n, links, err);
	for (size_t i = 0; i < page->n; i++) {
		page->records[i].link = links[i];
		name_record(&page->records[i]);
	}
	free(links);
	free(ids);
	return rc;
}

int
undo_gather(struct undo_page *page, struct bh_err *err)
{
	const struct revert_what *what = &page->revert->what;
	struct gather g = {page, store_begin(page->work->context->store)};
	int rc = what->object[0] != '\0'
		     ? gather_one(&g, err)
		     : undo_walk(g.txn, page->work->code, what->from_ms, what->until_ms, PAGE,
			   &page->after, take_entry, &g, &page->more, err);

	if (rc == 0)
		rc = read_links(page, g.txn, err);
	store_free(&g.txn);
	return rc;
}

/* -- letting go -- */

struct let_go {
	struct setup *setup;
	const struct setup_sync *sync;
	struct undo_run run;
	struct store_txn *txn;
	struct bh_buf after, start;
	size_t n;
	bool more;
};

static int
let_one_go(void *arg, const struct link_id *id, int64_t at_ms BH_UNUSED, const json_t *entry,
    struct bh_err *err)
{
	struct let_go *g = arg;
	const struct map_object *object = setup_object(g->sync, id->object, NULL);
	struct link_id link = *id;
	int rc;

	if (bh_json_int(entry, "run", 0) != g->run.number || object == NULL)
		return 0;
	link.dest = g->sync->account.to;
	link.rank = object->rank;
	rc = link_redo(g->txn, &link, err);
	g->n += rc == 0;
	return rc < 0 ? -1 : 0;
}

static int
let_page_go(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct let_go *g = arg;
	const char *sync = g->sync->account.code;

	g->txn = txn;
	g->n = 0;
	bh_buf_reset(&g->after);
	bh_buf_add(&g->after, bh_buf_str(&g->start), g->start.len);
	if (undo_walk(txn, sync, g->run.began_ms, g->run.last_ms + 1, LET_GO_PAGE, &g->after,
		let_one_go, g, &g->more, err) < 0)
		return -1;
	if (!g->more) {
		g->run.is_let_go = true;
		undo_run_save(txn, sync, &g->run);
	}
	queue_wake(txn, "push", g->sync->account.to, bh_now_ms());
	return 0;
}

static int
find_run(struct let_go *g, struct store *store, int64_t run, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	int rc = undo_run_load(txn, g->sync->account.code, run, &g->run, err);

	store_free(&txn);
	if (rc == 0 || (rc > 0 && g->run.cause != UNDO_UNDONE))
		return bh_fail(err, BH_INVALID, "Run %lld put nothing back.", (long long)run);
	return rc < 0 ? -1 : 0;
}

int
undo_let_go(struct store *store, const struct account_key *key, const char *sync, int64_t run,
    size_t *n_r, struct bh_err *err)
{
	struct let_go g = {.after = BH_BUF_INIT(STORE_KEY_MAX + 1),
	    .start = BH_BUF_INIT(STORE_KEY_MAX + 1),
	    .more = true};
	int rc = setup_load(store, key, &g.setup, err);

	*n_r = 0;
	if (rc == 0 && (g.sync = setup_sync(g.setup, sync)) == NULL)
		rc = bh_fail(err, BH_INVALID, "The sync does not work.");
	if (rc == 0)
		rc = find_run(&g, store, run, err);
	while (rc == 0 && g.more) {
		rc = store_run(store, let_page_go, &g, NULL, err);
		*n_r += rc == 0 ? g.n : 0;
		bh_buf_reset(&g.start);
		bh_buf_add(&g.start, bh_buf_str(&g.after), g.after.len);
	}
	bh_buf_release(&g.after);
	bh_buf_release(&g.start);
	setup_free(&g.setup);
	return rc < 0 ? -1 : 0;
}

static int
let_this_go(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct link_id *id = arg;
	int rc = link_redo(txn, id, err);

	if (rc == 0)
		queue_wake(txn, "push", id->dest, bh_now_ms());
	return rc;
}

int
undo_let_one_go(struct store *store, const struct account_key *key, const struct link_id *id,
    struct bh_err *err)
{
	const struct map_object *object = NULL;
	const struct setup_sync *sync;
	struct setup *setup = NULL;
	struct link_id link = *id;
	int rc = setup_load(store, key, &setup, err);

	if (rc == 0 && (sync = setup_sync(setup, id->sync)) != NULL)
		object = setup_object(sync, id->object, NULL);
	if (rc == 0 && object == NULL)
		rc = bh_fail(err, BH_INVALID, "The sync does not work, or does not map that.");
	if (rc == 0) {
		link.dest = sync->account.to;
		link.rank = object->rank;
		rc = store_run(store, let_this_go, &link, NULL, err);
	}
	setup_free(&setup);
	return rc;
}
