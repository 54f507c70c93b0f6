/* The results of a bulk job back to their links: see bulk_parts.h. */
#include "base/base.h"

#include "base/log.h"
#include "sync/bulk_parts.h"
#include "sync/undo_keep.h"

#define PAGE 500

/* Results that came in, until there are enough for a commit. */
struct results {
	struct push_run *run;
	const struct bulk_job *job;
	char *keys[PAGE]; /* owned */
	struct dest_result told[PAGE];
	size_t n;
};

/* What is known of those rows: entries and items for settling.  Unknown ones (settled before) fall out. */
struct page {
	struct link_dirty_entry *entries;
	struct render_item *items;
	struct dest_result *told;
	const char **keys; /* borrowed */
	struct bulk_row *rows;
	size_t n;
};

static void
page_make(struct page *page, size_t n)
{
	page->entries = bh_xcalloc(n, sizeof(page->entries[0]));
	page->items = bh_xcalloc(n, sizeof(page->items[0]));
	page->told = bh_xcalloc(n, sizeof(page->told[0]));
	page->keys = bh_xcalloc(n, sizeof(page->keys[0]));
	page->rows = bh_xcalloc(n, sizeof(page->rows[0]));
	page->n = 0;
}

static void
page_free(struct page *page)
{
	render_release(page->items, page->n);
	free(page->rows);
	free((void *)(uintptr_t)page->keys);
	free(page->told);
	free(page->items);
	free(page->entries);
}

static void
page_add(struct page *page, const struct results *r, size_t at, const struct bulk_row *row)
{
	const struct bulk_job *job = r->job;
	size_t i = page->n++;
	struct render_item *item = &page->items[i];

	page->rows[i] = *row;
	page->keys[i] = r->keys[at];
	page->told[i] = r->told[at];
	page->entries[i] =
	    (struct link_dirty_entry){{r->run->lane->connection->account.code, job->rank, job->sync,
					  job->object, page->rows[i].account, page->rows[i].id},
		row->mark};
	item->entry = &page->entries[i];
	item->verdict = RENDER_SEND;
	item->record = record_new(job->crm_object, job->key_field, r->keys[at]);
	memcpy(item->hash, row->hash, sizeof(item->hash));
	memcpy(item->parents, row->parents, sizeof(item->parents));
	memcpy(item->kept, row->kept, sizeof(item->kept));
	memcpy(item->meant, row->kept, sizeof(item->meant));
	memcpy(item->unseen, row->unseen, sizeof(item->unseen));
	item->undo_ms = row->undo_ms;
}

/*
 * What is stored now, known since the row was made: what came between stands (link_settle()).
 * A person's choice does so untouched, and is marked.
 */
static void
page_take_link(struct page *page, size_t i, const struct link *link)
{
	const struct bulk_row *row = &page->rows[i];
	struct render_item *item = &page->items[i];

	item->link = *link;
	item->link.version = row->version;
	if (link->state == LINK_NEW && link->how[0] != '\0' && link->version != row->version)
		item->verdict = RENDER_PAUSED;
	else
		memcpy(item->link.how, row->how, sizeof(item->link.how));
}

static int
load_page(struct results *r, struct page *page, struct bh_err *err)
{
	struct store_txn *txn = store_begin(r->run->context->store);
	struct bulk_row *rows = bh_xcalloc(r->n, sizeof(rows[0]));
	bool *found = bh_xcalloc(r->n, sizeof(found[0]));
	struct link_id *ids = bh_xcalloc(r->n, sizeof(ids[0]));
	struct link *links = bh_xcalloc(r->n, sizeof(links[0]));
	json_t *seen = json_object(); /* a verdict that comes twice counts once */
	int rc = bulk_row_get_many(txn, r->run->lane->connection->account.code,
	    (const char *const *)r->keys, r->n, rows, found, err);

	for (size_t i = 0; i < r->n && rc == 0; i++)
		if (found[i] && json_object_get(seen, r->keys[i]) == NULL) {
			json_object_set_new(seen, r->keys[i], json_true());
			page_add(page, r, i, &rows[i]);
		}
	for (size_t i = 0; i < page->n; i++)
		ids[i] = page->entries[i].id;
	if (rc == 0 && page->n > 0)
		rc = link_get_many(txn, ids, page->n, links, err);
	for (size_t i = 0; i < page->n && rc == 0; i++)
		page_take_link(page, i, &links[i]);
	json_decref(seen);
	free(links);
	free(ids);
	free(found);
	free(rows);
	store_free(&txn);
	return rc;
}

struct drop {
	const char *dest;
	const struct page *page;
};

static int
drop_rows(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct drop *drop = arg;

	for (size_t i = 0; i < drop->page->n; i++)
		bulk_row_drop(txn, drop->dest, drop->page->keys[i]);
	return 0;
}

static void
forget_results(struct results *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->keys[i]);
	r->n = 0;
}

/* First the links, then the rows: between the two a crash only settles the same again. */
static int
settle_page(struct results *r, struct bh_err *err)
{
	struct drop drop = {r->run->lane->connection->account.code, NULL};
	struct page page;
	int rc;

	if (r->n == 0)
		return 0;
	page_make(&page, r->n);
	drop.page = &page;
	rc = load_page(r, &page, err);
	if (rc == 0 && page.n > 0)
		rc = undo_confirm(r->run->lane, page.items, page.told, page.n, err);
	if (rc == 0 && page.n > 0)
		rc = settle_items(r->run, page.items, page.n, page.told, err);
	if (rc == 0 && page.n > 0)
		rc = store_run(r->run->context->store, drop_rows, &drop, NULL, err) < 0 ? -1 : 0;
	r->run->sent += page.n;
	page_free(&page);
	forget_results(r);
	return rc;
}

/* What a job refuses a push may mend, find the end of, or park with all that is to be said. */
static int
take_result(void *arg, const char *key, const struct dest_result *result, struct bh_err *err)
{
	struct results *r = arg;

	r->keys[r->n] = bh_xstrdup(key);
	r->told[r->n] = *result;
	if (result->outcome == DEST_REJECTED)
		r->told[r->n].outcome = DEST_LATER;
	r->n++;
	return r->n == PAGE ? settle_page(r, err) : 0;
}

int
bulk_settle(struct push_run *run, struct bulk_job *job, const struct dest_bulk *bulk,
    struct bh_err *err)
{
	struct results *r = bh_xcalloc(1, sizeof(*r));
	struct lane *lane = run->lane;
	struct bh_err why = BH_ERR_INIT;
	int rc;

	r->run = run;
	r->job = job;
	rc = lane->driver->bulk_results(&lane->config, bulk, take_result, r, &why);
	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0) {
		forget_results(r);
		rc = lane->driver->bulk_results(&lane->config, bulk, take_result, r, &why);
	}
	if (rc == 0)
		rc = settle_page(r, &why);
	forget_results(r);
	free(r);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}
