/* Gathering a bulk job's rows: see bulk_parts.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "sync/bulk_parts.h"
#include "sync/conflict.h"
#include "sync/owner.h"
#include "sync/undo_keep.h"

#define PAGE 1000

struct collect {
	struct push_run *run;
	struct bulk_job *job;
	struct dest_bulk bulk;
	struct dest_column *columns; /* texts owned by names */
	size_t columns_n;
	json_t *names;
	json_t *sent; /* keys or ids of the rows: what comes twice in a job is refused */
	struct bh_buf *rows;
	bool has_head;
};

/* -- columns -- */

static const char *
own(struct collect *c, const char *text)
{
	json_array_append_new(c->names, bh_json_string(text));
	return json_string_value(json_array_get(c->names, json_array_size(c->names) - 1));
}

static int
add_lookups(struct collect *c, const struct setup_sync *sync, const json_t *lookups,
    struct bh_err *err)
{
	const struct map_object *objects;
	json_t *lookup;
	size_t i;

	map_objects(sync->map, &objects);
	json_array_foreach (lookups, i, lookup) {
		size_t above = (size_t)bh_json_int(lookup, "object", 0);
		struct bh_buf to = BH_BUF_INIT(1024);

		if (map_object_to(sync->map, above, sync->account.settings, &to, err) < 0) {
			bh_buf_release(&to);
			return -1;
		}
		c->columns[c->columns_n++] = (struct dest_column){own(c, bh_json_str(lookup, "to")),
		    own(c, bh_buf_str(&to)), own(c, objects[above].key)};
		bh_buf_release(&to);
	}
	return 0;
}

static int
make_columns(struct collect *c, const struct setup_sync *sync, size_t index, struct bh_err *err)
{
	json_t *fields = map_fields(sync->map, index, NULL), *lookups = map_lookups(sync->map, index),
	       *field;
	size_t i;
	int rc;

	c->columns =
	    bh_xcalloc(json_array_size(fields) + json_array_size(lookups), sizeof(c->columns[0]));
	json_array_foreach (fields, i, field)
		c->columns[c->columns_n++] =
		    (struct dest_column){.name = own(c, json_string_value(field))};
	rc = add_lookups(c, sync, lookups, err);
	json_decref(lookups);
	json_decref(fields);
	return rc;
}

/* What all rows have in common; the first one decides whether they go by id. */
static void
begin_rows(struct collect *c, const struct record *record)
{
	struct bulk_job *job = c->job;

	job->by_id = record->matched;
	snprintf(job->crm_object, sizeof(job->crm_object), "%s", record->object);
	snprintf(job->key_field, sizeof(job->key_field), "%s", record->key_field);
	snprintf(c->bulk.object, sizeof(c->bulk.object), "%s", record->object);
	snprintf(c->bulk.key_field, sizeof(c->bulk.key_field), "%s", record->key_field);
	c->bulk.by_id = job->by_id;
	c->has_head = true;
	c->run->lane->driver->bulk_head(&c->bulk, c->columns, c->columns_n, c->rows);
}

/* -- rows -- */

struct remember {
	const char *dest;
	const struct render_item *items;
	const bool *is_row;
	size_t n;
	bool by_id;
};

static int
remember_rows(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct remember *r = arg;

	for (size_t i = 0; i < r->n; i++) {
		const struct render_item *item = &r->items[i];
		struct bulk_row row = {.mark = item->entry->mark, .version = item->link.version};

		if (!r->is_row[i])
			continue;
		snprintf(row.account, sizeof(row.account), "%s", item->entry->id.account);
		snprintf(row.id, sizeof(row.id), "%s", item->entry->id.id);
		memcpy(row.hash, item->hash, sizeof(row.hash));
		memcpy(row.parents, item->parents, sizeof(row.parents));
		memcpy(row.kept, item->kept, sizeof(row.kept));
		memcpy(row.how, item->link.how, sizeof(row.how));
		memcpy(row.unseen, item->unseen, sizeof(row.unseen));
		row.undo_ms = item->undo_ms;
		bulk_row_put(txn, r->dest, r->by_id ? item->record->remote_id : item->record->key,
		    &row);
	}
	return 0;
}

/*
 * A record as a row.  False: it keeps its mark, for another job (it goes the other way, it is
 * there already for another object, the upload is full), or for a push, which can send more or
 * say what is wrong.
 */
static bool
has_row(struct collect *c, struct render_item *item)
{
	struct bh_err why = BH_ERR_INIT;
	const char *name;

	if (!c->has_head)
		begin_rows(c, item->record);
	name = c->job->by_id ? item->record->remote_id : item->record->key;
	if (item->record->matched != c->job->by_id || json_object_get(c->sent, name) != NULL ||
	    c->run->lane->driver->bulk_row(&c->bulk, item->record, c->columns, c->columns_n,
		c->rows, &why) < 0)
		return false;
	c->job->rows++;
	json_object_set_new(c->sent, name, json_true());
	return true;
}

/* What does not travel is settled now, in its own order. */
static int
settle_rest(struct collect *c, struct render_item *items, const bool *is_out, size_t n,
    struct bh_err *err)
{
	struct render_item *rest = bh_xcalloc(n, sizeof(rest[0]));
	struct dest_result *none = bh_xcalloc(n, sizeof(none[0])); /* of what was not sent */
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		if (!is_out[i])
			rest[count++] = items[i]; /* what it points to stays with items */
	rc = settle_items(c->run, rest, count, none, err);
	free(none);
	free(rest);
	return rc;
}

static int
collect_page(struct collect *c, const struct link_dirty_entry *entries, size_t n,
    struct bh_err *err)
{
	struct render_item *items = bh_xcalloc(n, sizeof(items[0]));
	bool *is_row = bh_xcalloc(n, sizeof(is_row[0])), *is_out = bh_xcalloc(n, sizeof(is_out[0]));
	struct remember remember = {c->run->lane->connection->account.code, items, is_row, n,
	    false};
	int rc = render_batch(c->run->lane, entries, n, items, err);

	if (rc == 0)
		rc = conflict_resolve(c->run->lane, items, n, err);
	if (rc == 0)
		rc = owner_resolve(c->run->lane, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (items[i].verdict != RENDER_SEND)
			continue;
		is_row[i] = has_row(c, &items[i]);
		is_out[i] = true;
	}
	remember.by_id = c->job->by_id;
	if (rc == 0)
		rc = undo_mean(c->run->lane, items, n, is_row, err);
	if (rc == 0)
		rc = store_run(c->run->context->store, remember_rows, &remember, NULL, err) < 0 ? -1
												: 0;
	if (rc == 0)
		rc = conflict_mean(c->run->lane, items, n, is_row, err);
	if (rc == 0)
		rc = settle_rest(c, items, is_out, n, err);
	render_release(items, n);
	free(is_out);
	free(is_row);
	free(items);
	return rc;
}

/* How many entries at the list's start are the group's; those before it are passed over. */
static size_t
group_part(const struct bulk_job *job, const struct link_dirty_list *list, size_t *from_r,
    bool *is_over_r)
{
	size_t n = 0;

	*from_r = 0;
	for (size_t i = 0; i < list->n; i++) {
		const struct link_id *id = &list->items[i].id;

		if (id->rank == job->rank && strcmp(id->sync, job->sync) == 0 &&
		    strcmp(id->object, job->object) == 0) {
			if (n++ == 0)
				*from_r = i;
		} else if (n > 0) {
			*is_over_r = true;
			break;
		}
	}
	return n;
}

static bool
is_full(const struct collect *c)
{
	const struct dest_driver *driver = c->run->lane->driver;

	return (size_t)c->job->rows + PAGE > driver->bulk_rows ||
	       c->rows->len + (driver->bulk_bytes / 50) > driver->bulk_bytes;
}

static int
collect_all(struct collect *c, struct bh_err *err)
{
	struct link_dirty_list list = {0};
	bool is_over = false;
	int rc = 0;

	do {
		struct store_txn *txn = store_begin(c->run->context->store);
		size_t from, n;

		rc = lane_dirty(c->run->lane, txn, PAGE, &list, err);
		store_free(&txn);
		n = rc == 0 ? group_part(c->job, &list, &from, &is_over) : 0;
		if (n > 0)
			rc = collect_page(c, list.items + from, n, err);
		if (sync_is_stopping(c->run->context))
			c->run->is_stopped = true;
	} while (rc == 0 && list.more && !is_over && !is_full(c) && !c->run->is_stopped);
	link_dirty_release(&list);
	if (rc == 0)
		rc = bh_buf_check(c->rows, "the rows of the bulk job", err);
	return rc;
}

int
bulk_collect(struct push_run *run, struct bulk_job *job, struct bh_buf *rows, struct bh_err *err)
{
	struct collect c = {.run = run,
	    .job = job,
	    .names = json_array(),
	    .sent = json_object(),
	    .rows = rows};
	const struct setup_sync *sync = setup_sync(run->lane->setup, job->sync);
	size_t index;
	int rc = 0;

	if (sync == NULL || setup_object(sync, job->object, &index) == NULL)
		rc = bh_fail(err, BH_INVALID, "the sync %s is gone", job->sync);
	if (rc == 0)
		rc = make_columns(&c, sync, index, err);
	if (rc == 0)
		rc = collect_all(&c, err);
	free(c.columns);
	json_decref(c.names);
	json_decref(c.sent);
	return rc;
}
