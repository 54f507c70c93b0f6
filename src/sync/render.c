/* From dirty links to records: see render.h. */
#include "base/base.h"

#include "sync/render.h"

#include "base/clock.h"
#include "base/text.h"
#include "state/derived.h"
#include "state/undo.h"
#include "sync/match.h"
#include "sync/part.h"
#include "sync/render_internal.h"
#include "sync/tie.h"

static bool
is_described(void *arg, const char *object, const char *field, struct map_limit *limit_r)
{
	struct lane *lane = arg;
	const struct dest_object *described;
	const struct dest_field *f;

	if (lane_describe(lane, object, &described, NULL) < 0 || described == NULL)
		return false;
	f = dest_object_field(described, field);
	if (f == NULL)
		return false;
	*limit_r = (struct map_limit){.type = f->type,
	    .length = f->length,
	    .digits = f->digits,
	    .scale = f->digits == 0 && f->scale == 0 ? -1 : f->scale,
	    .options = f->options,
	    .aliases = f->aliases};
	return true;
}

static int
read_links(struct render_batch_state *b, struct store_txn *txn, struct bh_err *err)
{
	struct link_id *ids = bh_xcalloc(b->n, sizeof(ids[0]));
	struct link *links = bh_xcalloc(b->n, sizeof(links[0]));
	int rc;

	for (size_t i = 0; i < b->n; i++)
		ids[i] = b->entries[i].id;
	rc = link_get_many(txn, ids, b->n, links, err);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		b->items[i].link = links[i];
	free(links);
	free(ids);
	return rc;
}

/* The syncs and mapped objects that the links name; gone ones get their verdict. */
static void
find_mappings(struct render_batch_state *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct link_id *id = &b->entries[i].id;
		const struct setup_sync *sync = setup_sync(b->lane->setup, id->sync);

		b->items[i].entry = &b->entries[i];
		if (is_setup_resting(b->lane->setup, id->sync))
			b->items[i].verdict = RENDER_PAUSED;
		else if (sync == NULL || setup_object(sync, id->object, &b->mapped[i]) == NULL)
			b->items[i].verdict = RENDER_GONE;
		else
			b->syncs[i] = sync;
	}
}

static int
read_objects(struct render_batch_state *b, struct store_txn *txn, struct bh_err *err)
{
	struct mirror_id *ids = bh_xcalloc(b->n, sizeof(ids[0]));
	int rc;

	for (size_t i = 0; i < b->n; i++) {
		const struct map_object *objects;
		const struct link_id *id = &b->entries[i].id;

		ids[i] = (struct mirror_id){"", id->account, OBJECT_NONE, id->id};
		if (b->syncs[i] == NULL)
			continue;
		map_objects(b->syncs[i]->map, &objects);
		ids[i].connection = b->syncs[i]->account.from;
		ids[i].kind = objects[b->mapped[i]].from;
	}
	rc = part_view_many(txn, b->lane->setup, ids, b->n, b->objects, err);
	free(ids);
	return rc;
}

/* The customers that templates reach through an object. */
static int
read_customers(struct render_batch_state *b, struct store_txn *txn, struct bh_err *err)
{
	struct mirror_id *ids = bh_xcalloc(b->n, sizeof(ids[0]));
	bool wanted = false;
	int rc = 0;

	for (size_t i = 0; i < b->n; i++) {
		const char *customer = bh_json_str(b->objects[i].fields, "customer");

		ids[i] = (struct mirror_id){"", "", OBJECT_CUSTOMER, ""};
		if (b->syncs[i] == NULL || b->syncs[i]->reached == NULL || customer == NULL)
			continue;
		ids[i].connection = b->syncs[i]->account.from;
		ids[i].account = b->entries[i].id.account;
		ids[i].id = customer;
		wanted = true;
	}
	if (wanted)
		rc = derived_view_many(txn, ids, b->n, b->customers, err);
	free(ids);
	return rc;
}

static void
break_item(struct render_item *item, const struct bh_err *why)
{
	item->verdict = RENDER_BROKEN;
	snprintf(item->link.code, sizeof(item->link.code), "MAPPING");
	snprintf(item->link.cause, sizeof(item->link.cause), "%s", why->text);
	snprintf(item->link.remedy, sizeof(item->link.remedy),
	    "Change the mapping or the value at the source; the record is tried again by itself.");
}

struct map_context
render_context(const struct render_batch_state *b, size_t i)
{
	const struct setup_sync *sync = b->syncs[i];

	return (struct map_context){.key_prefix = sync->from->source->key_prefix,
	    .account = b->entries[i].id.account,
	    .settings = sync->account.settings,
	    .customer = b->customers[i].fields,
	    .is_described = is_described,
	    .arg = b->lane};
}

const struct map_object *
render_mapped(const struct render_batch_state *b, size_t i)
{
	const struct map_object *objects;

	map_objects(b->syncs[i]->map, &objects);
	return &objects[b->mapped[i]];
}

const char *
render_id(const struct render_batch_state *b, size_t i)
{
	return part_key_id(render_mapped(b, i)->from, b->entries[i].id.id, b->objects[i].fields);
}

/* An action that was over before anything of it came to the CRM: there is nothing to be done any more. */
static bool
is_over_unseen(const struct render_batch_state *b, size_t i)
{
	const struct link *link = &b->items[i].link;
	const char *state = bh_json_str(b->objects[i].fields, "state");

	return render_mapped(b, i)->from == OBJECT_ACTION && state != NULL &&
	       strcmp(state, "closed") == 0 && link->remote_id[0] == '\0' &&
	       link->hash[0] == '\0' && link->kept[0] == '\0';
}

static void
map_item(struct render_batch_state *b, size_t i)
{
	struct render_item *item = &b->items[i];
	const struct setup_sync *sync = b->syncs[i];
	struct map_context context = render_context(b, i);
	struct bh_err why = BH_ERR_INIT;
	enum map_verdict verdict;

	if (map_render(sync->map, b->mapped[i], render_id(b, i), b->objects[i].fields, &context,
		&verdict, &item->record, &why) < 0)
		break_item(item, &why);
	else if (verdict == MAP_FILTERED || is_over_unseen(b, i))
		item->verdict = RENDER_EXCLUDED;
}

static void
hash_parents(struct render_item *item)
{
	struct bh_buf keys = BH_BUF_INIT(1 << 20);
	unsigned char digest[BH_SHA256_LEN];

	for (size_t i = 0; i < item->record->parents_n; i++) {
		const struct record_parent *parent = &item->record->parents[i];

		bh_buf_addf(&keys, "%s\n%s\n%s\n", parent->field, parent->object, parent->key);
	}
	if (keys.len != 0) {
		bh_sha256(digest, keys.data, keys.len);
		bh_hex(item->parents, digest, sizeof(digest));
	}
	bh_buf_release(&keys);
}

/* Equal to what the CRM was last given, and the CRM is known to have taken it. */
static void
judge_item(const struct lane *lane, struct render_item *item)
{
	bool is_relinked;

	if (lane->preview == NULL && sync_is_ahead(item->link.not_before_ms)) {
		item->verdict = RENDER_LATER;
		return;
	}
	record_hash(item->record, item->hash);
	hash_parents(item);
	is_relinked = strcmp(item->parents, item->link.parents) != 0;
	if (item->link.state == LINK_CLEAN && !is_relinked &&
	    strcmp(item->hash, item->link.hash) == 0) {
		item->verdict = RENDER_SAME;
		return;
	}
	if (item->link.remote_id[0] != '\0')
		item->record->remote_id = bh_xstrdup(item->link.remote_id);
	for (size_t i = 0; i < item->record->parents_n; i++)
		item->record->parents[i].is_new = is_relinked;
}

bool
is_render_sending(const struct render_item *item)
{
	return item->verdict == RENDER_SEND && item->record != NULL;
}

static char *
sending_name(const struct link_id *id)
{
	return bh_xasprintf("%s\n%s\n%s\n%s", id->sync, id->object, id->account, id->id);
}

struct link_id
render_parent_id(const struct setup *setup, const struct link_id *child,
    const struct record_parent *parent)
{
	const struct map_object *objects;

	map_objects(setup_sync(setup, child->sync)->map, &objects);
	return (struct link_id){child->dest, objects[parent->mapped].rank, child->sync,
	    objects[parent->mapped].name, child->account, parent->source_id};
}

/* The links of all parents of what may be sent, in one message; in the order of items and their parents. */
static int
read_parents(struct render_batch_state *b, struct store_txn *txn, struct link **links_r,
    struct bh_err *err)
{
	struct link_id *ids;
	size_t n = 0, at = 0;
	int rc = 0;

	for (size_t i = 0; i < b->n; i++)
		if (is_render_sending(&b->items[i]))
			n += b->items[i].record->parents_n;
	ids = bh_xcalloc(n, sizeof(ids[0]));
	*links_r = bh_xcalloc(n, sizeof((*links_r)[0]));
	for (size_t i = 0; i < b->n; i++) {
		if (!is_render_sending(&b->items[i]))
			continue;
		for (size_t k = 0; k < b->items[i].record->parents_n; k++)
			ids[at++] = render_parent_id(b->lane->setup, &b->entries[i].id,
			    &b->items[i].record->parents[k]);
	}
	if (n != 0)
		rc = link_get_many(txn, ids, n, *links_r, err);
	free(ids);
	return rc;
}

void
render_wait_for(struct render_item *item, const struct link_id *parent)
{
	item->verdict = RENDER_WAITING;
	item->parent_id = bh_xstrdup(parent->id);
	item->parent = *parent;
	item->parent.id = item->parent_id;
}

static bool
is_coming(const struct lane *lane, const struct link_id *parent)
{
	return lane->preview != NULL && lane->preview->is_coming(lane->preview->arg, parent);
}

/* Parents present in the CRM get their id; an absent one makes the item wait.  links: of this item's parents. */
static void
resolve_parents(struct render_batch_state *b, size_t i, const struct link *links)
{
	bool is_by_key = (b->lane->driver->caps & DEST_CAP_LINK_BY_KEY) != 0;
	struct render_item *item = &b->items[i];

	for (size_t k = 0; k < item->record->parents_n; k++) {
		struct record_parent *parent = &item->record->parents[k];
		struct link_id id = render_parent_id(b->lane->setup, &b->entries[i].id, parent);
		char *name = sending_name(&id);
		bool is_sent = is_by_key && json_object_get(b->sending, name) != NULL;

		free(name);
		if (is_sent)
			continue;
		if (links[k].remote_id[0] == '\0' && is_coming(b->lane, &id))
			continue;
		if (links[k].remote_id[0] == '\0') {
			render_wait_for(item, &id);
			return;
		}
		parent->remote_id = bh_xstrdup(links[k].remote_id);
	}
}

/* Its values were put back, and nobody has let it be written again since: 1, 0, -1. */
static int
is_undone(struct store_txn *txn, const struct render_item *item, struct bh_err *err)
{
	int64_t freed;

	if (!is_link_undone(&item->link))
		return 0;
	return undo_freed(txn, item->entry->id.sync, &freed, err) < 0 ? -1
								      : item->link.undone > freed;
}

static int
leave_undone(struct render_batch_state *b, struct store_txn *txn, struct bh_err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		struct render_item *item = &b->items[i];
		int rc = item->verdict == RENDER_SEND ? is_undone(txn, item, err) : 0;

		if (rc < 0)
			return -1;
		if (rc > 0)
			item->verdict = RENDER_UNDONE;
	}
	return 0;
}

static void
map_items(struct render_batch_state *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct render_item *item = &b->items[i];

		if (item->verdict != RENDER_SEND)
			continue;
		if (b->objects[i].fields == NULL || is_mirror_erased(&b->objects[i])) {
			item->verdict = RENDER_GONE;
			continue;
		}
		if (is_part_over(render_mapped(b, i)->from, b->objects[i].fields, &item->link)) {
			item->verdict = item->link.version != 0 ? RENDER_EXCLUDED : RENDER_GONE;
			continue;
		}
		map_item(b, i);
		if (item->record != NULL)
			judge_item(b->lane, item);
	}
}

static int
render_items(struct render_batch_state *b, struct store_txn *txn, struct bh_err *err)
{
	struct link *links;
	size_t at = 0;
	int rc;

	if (leave_undone(b, txn, err) < 0)
		return -1;
	map_items(b);
	if (match_items(b, err) < 0)
		return -1;
	rc = read_parents(b, txn, &links, err);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		char *name;

		if (!is_render_sending(&b->items[i]))
			continue;
		resolve_parents(b, i, links + at);
		at += b->items[i].record->parents_n;
		if (b->items[i].verdict != RENDER_SEND)
			continue;
		if ((b->lane->driver->caps & DEST_CAP_UNLINK) != 0)
			tie_note(&b->items[i]);
		name = sending_name(&b->entries[i].id);
		json_object_set_new(b->sending, name, json_true());
		free(name);
	}
	free(links);
	return rc;
}

int
render_batch(struct lane *lane, const struct link_dirty_entry *entries, size_t n,
    struct render_item *items, struct bh_err *err)
{
	struct render_batch_state b = {lane, entries, items, n, bh_xcalloc(n, sizeof(b.syncs[0])),
	    bh_xcalloc(n, sizeof(b.mapped[0])), bh_xcalloc(n, sizeof(b.objects[0])),
	    bh_xcalloc(n, sizeof(b.customers[0])), json_object()};
	struct store_txn *txn = store_begin(lane->context->store);
	int rc;

	find_mappings(&b);
	rc = read_links(&b, txn, err);
	if (rc == 0)
		rc = read_objects(&b, txn, err);
	if (rc == 0)
		rc = read_customers(&b, txn, err);
	if (rc == 0)
		rc = render_items(&b, txn, err);
	store_free(&txn);
	for (size_t i = 0; i < n; i++) {
		mirror_object_release(&b.objects[i]);
		mirror_object_release(&b.customers[i]);
	}
	json_decref(b.sending);
	free(b.customers);
	free(b.objects);
	free(b.mapped);
	free(b.syncs);
	return rc;
}

void
render_release(struct render_item *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		record_free(&items[i].record);
		free(items[i].parent_id);
		json_decref(items[i].candidates);
		json_decref(items[i].left);
		json_decref(items[i].before);
		json_decref(items[i].kept_entry);
	}
}
