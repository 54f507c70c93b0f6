/* See kin.h. */
#include "base/base.h"

#include "sync/kin.h"

#include "base/log.h"
#include "state/mirror.h"
#include "sync/setup.h"

#define PAGE 200 /* children of a commit */

/* -- parents -- */

static int
renew(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return link_renew(txn, arg, err);
}

int
kin_look(struct lane *lane, struct render_item *item, struct bh_err *err)
{
	const struct record *record = item->record;
	bool is_renewed = false;
	struct link_id id;

	for (size_t i = 0; i < record->parents_n; i++) {
		int rc;

		id = render_parent_id(lane->setup, &item->entry->id, &record->parents[i]);
		rc = store_run(lane->context->store, renew, &id, NULL, err);
		if (rc < 0)
			return -1;
		is_renewed = is_renewed || rc == 0;
	}
	if (is_renewed || record->parents_n == 0)
		return 0;
	id = render_parent_id(lane->setup, &item->entry->id, &record->parents[0]);
	render_wait_for(item, &id);
	return 1;
}

/* -- children -- */

struct below {
	const struct lane *lane;
	const struct setup_sync *sync;
	const struct link_id *parent;
	bool *is_child; /* of the mapped objects: do their records hang below the parent's? */
	struct store_txn *txn;
	size_t n;
};

static int
renew_child(void *arg, const struct mirror_id *id, struct bh_err *err)
{
	struct below *below = arg;
	const struct map_object *objects;
	size_t n = map_objects(below->sync->map, &objects);

	for (size_t i = 0; i < n; i++) {
		struct link_id link = {below->parent->dest, objects[i].rank, below->parent->sync,
		    objects[i].name, id->account, id->id};
		int rc;

		if (!below->is_child[i] || objects[i].from != id->kind)
			continue;
		rc = link_renew(below->txn, &link, err);
		if (rc < 0)
			return -1;
		below->n += rc == 0;
	}
	return 0;
}

struct page {
	struct below *below;
	const struct mirror_id *customer;
	const struct bh_buf *begin; /* where it starts: it may be run again */
	struct bh_buf after;
	size_t n;
	bool more;
};

static int
renew_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct page *page = arg;

	bh_buf_reset(&page->after);
	bh_buf_add(&page->after, bh_buf_str(page->begin), page->begin->len);
	page->below->txn = txn;
	page->below->n = page->n;
	return mirror_children(txn, page->customer, PAGE, &page->after, renew_child, page->below,
	    &page->more, err);
}

/* Of this customer's objects. */
static int
renew_pages(struct below *below, const struct mirror_id *customer, struct bh_err *err)
{
	struct bh_buf begin = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct page page = {.below = below,
	    .customer = customer,
	    .begin = &begin,
	    .after = BH_BUF_INIT(STORE_KEY_MAX + 1)};
	int rc;

	do {
		page.n = below->n;
		rc = store_run(below->lane->context->store, renew_page, &page, NULL, err);
		bh_buf_reset(&begin);
		bh_buf_add(&begin, bh_buf_str(&page.after), page.after.len);
	} while (rc == 0 && page.more);
	bh_buf_release(&page.after);
	bh_buf_release(&begin);
	return rc;
}

/* The customer of an object of this kind, appended to out: 1, 0 there is none, -1. */
static int
customer_of(const struct below *below, enum object_kind kind, struct bh_buf *out,
    struct bh_err *err)
{
	struct mirror_id id = {below->sync->account.from, below->parent->account, kind,
	    below->parent->id};
	struct object_state object = {0};
	struct store_txn *txn;
	const char *customer;
	int rc = 1;

	if (kind == OBJECT_CUSTOMER) {
		bh_buf_adds(out, below->parent->id);
		return 1;
	}
	txn = store_begin(below->lane->context->store);
	if (!is_object_virtual(kind))
		rc = mirror_get(txn, &id, false, &object, err);
	customer = bh_json_str(object.fields, "customer");
	if (rc > 0 && customer != NULL)
		bh_buf_adds(out, customer);
	mirror_object_release(&object);
	store_free(&txn);
	return rc < 0 ? -1 : out->len != 0;
}

static int
renew_all(struct below *below, enum object_kind kind, struct bh_err *err)
{
	struct bh_buf name = BH_BUF_INIT(4096);
	struct mirror_id customer = {below->sync->account.from, below->parent->account,
	    OBJECT_CUSTOMER, NULL};
	int rc = customer_of(below, kind, &name, err);

	customer.id = bh_buf_str(&name);
	if (rc > 0)
		rc = renew_pages(below, &customer, err);
	bh_buf_release(&name);
	return rc < 0 ? -1 : 0;
}

int
kin_renew_below(struct lane *lane, const struct link_id *id, struct bh_err *err)
{
	struct below below = {.lane = lane,
	    .sync = setup_sync(lane->setup, id->sync),
	    .parent = id};
	const struct map_object *object, *objects;
	size_t place = 0, n;
	bool has_children = false;
	int rc = 0;

	object = below.sync != NULL ? setup_object(below.sync, id->object, &place) : NULL;
	if (object == NULL)
		return 0;
	n = map_objects(below.sync->map, &objects);
	below.is_child = bh_xcalloc(n, sizeof(below.is_child[0]));
	for (size_t i = 0; i < n; i++) {
		below.is_child[i] = is_map_below(below.sync->map, i, place);
		has_children = has_children || below.is_child[i];
	}
	if (has_children)
		rc = renew_all(&below, object->from, err);
	if (below.n != 0)
		bh_log(BH_INFO, "lane %s: %zu records below %s %s are sent again",
		    lane->connection->account.code, below.n, object->name, id->id);
	free(below.is_child);
	return rc;
}
