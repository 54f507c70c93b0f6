/* A page of an audit: clean links, what their records should be, what they are. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "map/reference.h"
#include "model/money.h"
#include "sync/audit_internal.h"
#include "sync/audit_ties.h"
#include "sync/conflict.h"
#include "sync/held.h"
#include "sync/part.h"

#define PAGE 1000

/* What is on the page; texts are owned by list. */
struct page {
	struct audit_work *work;
	struct link_dirty_entry *entries; /* those that are to be compared */
	struct render_item *items;
	size_t n, read;
	struct audit_ties ties;
	json_t *texts; /* array: keeps names, accounts and ids */
	struct bh_buf after;
	bool more;
	json_t *objects; /* as struct audit has them, of this page */
	json_t *rows;
	int64_t compared, differing, missing;
};

/* -- which -- */

static const char *
keep_text(struct page *page, const char *text)
{
	json_t *kept = bh_json_string(text);

	json_array_append_new(page->texts, kept);
	return json_string_value(kept);
}

/* What happened is sent once: nobody keeps it in step. */
static bool
is_compared(const struct page *page, const struct map_object *object)
{
	const struct dest_driver *driver = page->work->lane.driver;

	return object != NULL && object->from != OBJECT_EVENT &&
	       (driver->object_traits == NULL ||
		   (driver->object_traits(object->to) & DEST_OBJECT_EVENT) == 0);
}

static int
add_link(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err BH_UNUSED)
{
	struct page *page = arg;
	const struct setup_sync *sync = page->work->sync;
	const struct map_object *object = setup_object(sync, id->object, NULL);

	page->read++;
	if (link->state != LINK_CLEAN || link->remote_id[0] == '\0' || !is_compared(page, object))
		return 0;
	page->entries[page->n++] =
	    (struct link_dirty_entry){.id = {.dest = sync->account.to,
					  .rank = object->rank,
					  .sync = sync->account.code,
					  .object = object->name,
					  .account = keep_text(page, id->account),
					  .id = keep_text(page, id->id)}};
	return 0;
}

/* Those that are marked are on their way. */
static int
drop_marked(struct page *page, struct store_txn *txn, struct bh_err *err)
{
	struct link_id *ids = bh_xcalloc(page->n + 1, sizeof(ids[0]));
	bool *marked = bh_xcalloc(page->n + 1, sizeof(marked[0]));
	size_t left = 0;
	int rc;

	for (size_t i = 0; i < page->n; i++)
		ids[i] = page->entries[i].id;
	rc = page->n > 0 ? link_marked_many(txn, ids, page->n, marked, err) : 0;
	for (size_t i = 0; i < page->n && rc == 0; i++)
		if (!marked[i])
			page->entries[left++] = page->entries[i];
	page->n = left;
	free(marked);
	free(ids);
	return rc;
}

static int
read_links(struct page *page, struct bh_err *err)
{
	const struct account_sync *sync = &page->work->sync->account;
	struct store_txn *txn = store_begin(page->work->context->store);
	int rc = link_walk_sync(txn, sync->to, sync->code, PAGE, &page->after, add_link, page,
	    &page->more, err);

	if (rc == 0)
		rc = drop_marked(page, txn, err);
	store_free(&txn);
	return rc;
}

/* -- what they should be -- */

/*
 * Rendered as a push does.  One that would be sent as it is, or has changed since, is the push's; of the
 * others what a push would leave to people goes, as if they were to be sent now.
 */
static int
render_page(struct page *page, struct bh_err *err)
{
	struct lane *lane = &page->work->lane;
	size_t batch = lane->driver->batch;
	int rc = 0;

	if (batch == 0 || batch > PAGE)
		batch = PAGE;
	for (size_t at = 0; at < page->n && rc == 0; at += batch)
		rc = render_batch(lane, page->entries + at,
		    page->n - at < batch ? page->n - at : batch, page->items + at, err);
	for (size_t i = 0; i < page->n && rc == 0; i++) {
		struct render_item *item = &page->items[i];

		if (item->verdict != RENDER_SAME) {
			item->verdict = RENDER_GONE;
			continue;
		}
		item->verdict = RENDER_SEND;
		if (item->record->remote_id == NULL)
			item->record->remote_id = bh_xstrdup(item->link.remote_id);
	}
	return rc == 0 ? conflict_resolve(lane, page->items, page->n, err) : -1;
}

/* -- what they are -- */

struct look {
	struct page *page;
	struct dest_reading *readings;
	const char **keys;
	size_t *places; /* of their items */
	size_t n;
};

/* Of a record: its fields and lookups that may be asked for: one that the CRM does not have fails the whole call. */
static const char **
names_of(struct lane *lane, const struct record *record, size_t *n_r)
{
	const char **names = bh_xcalloc(record->fields_n + record->parents_n + 1, sizeof(names[0]));
	const struct dest_object *described = NULL;

	*n_r = 0;
	lane_describe(lane, record->object, &described, NULL);
	for (size_t i = 0; i < record->fields_n; i++)
		if (described == NULL ||
		    dest_object_field(described, record->fields[i].name) != NULL)
			names[(*n_r)++] = record->fields[i].name;
	for (size_t i = 0; i < record->parents_n && is_audit_tie_field(lane); i++)
		if (described == NULL ||
		    dest_object_field(described, record->parents[i].field) != NULL)
			names[(*n_r)++] = record->parents[i].field;
	return names;
}

static void
ask_for(struct look *look)
{
	struct page *page = look->page;

	for (size_t i = 0; i < page->n; i++) {
		const struct record *record = page->items[i].record;
		struct dest_reading *reading = &look->readings[look->n];

		if (page->items[i].verdict != RENDER_SEND)
			continue;
		reading->object = record->object;
		reading->remote_id = record->remote_id;
		reading->fields = names_of(&page->work->lane, record, &reading->fields_n);
		look->keys[look->n] = record->key;
		look->places[look->n++] = i;
	}
}

/* -- totals -- */

static json_t *
totals_of(struct page *page, const struct render_item *item)
{
	json_t *totals = json_object_get(page->objects, item->entry->id.object);

	if (totals == NULL) {
		totals = json_pack("{s:o, s:i, s:{}, s:{}, s:{}}", "to",
		    bh_json_string(item->record->object), "compared", 0, "fields", "links",
		    "money");
		json_object_set_new(page->objects, item->entry->id.object, totals);
	}
	return totals;
}

static void
count(json_t *to, const char *name, int64_t n)
{
	json_object_set_new(to, name, json_integer((json_int_t)(bh_json_int(to, name, 0) + n)));
}

static void
add_decimal(json_t *money, const char *currency, const struct money_decimal *amount)
{
	struct money_decimal sum = {0, 0};
	const char *was = json_string_value(json_object_get(money, currency));
	char text[MONEY_TEXT];

	if (was != NULL && !is_money_decimal(was, &sum))
		return;
	if (!is_money_added(&sum, amount, &sum))
		return;
	money_decimal_text(text, &sum);
	json_object_set_new(money, currency, json_string(text));
}

/* -- amounts -- */

/* Is it money that the mapping writes there?  ref: where that comes from. */
static bool
is_amount(const struct page *page, const struct render_item *item, const char *field,
    struct reference *ref)
{
	const struct map_object *object =
	    setup_object(page->work->sync, item->entry->id.object, NULL);
	json_t *mapped, *row;
	size_t i, k;

	json_array_foreach (json_object_get(page->work->mapping, "objects"), i, mapped) {
		if (strcmp(bh_json_str(mapped, "name"), object->name) != 0)
			continue;
		json_array_foreach (json_object_get(mapped, "fields"), k, row) {
			const char *to = bh_json_str(row, "to"), *from = bh_json_str(row, "from");

			if (to == NULL || from == NULL || strcmp(to, field) != 0)
				continue;
			if (*from == '{')
				from++;
			if (reference_parse(from, strcspn(from, "|}"), object->from, ref, NULL) ==
				0 &&
			    reference_type(ref) == FIELD_MONEY)
				return true;
		}
	}
	return false;
}

/* By how much an amount is off; nothing counts as 0. */
static bool
is_off_by(const json_t *want, const json_t *has, struct money_decimal *off_r)
{
	struct money_decimal a = {0, 0}, b = {0, 0}, minus = {-1, 0};

	if ((json_is_string(want) && !is_money_decimal(json_string_value(want), &a)) ||
	    (json_is_string(has) && *json_string_value(has) != '\0' &&
		!is_money_decimal(json_string_value(has), &b)) ||
	    !is_money_multiplied(&b, &minus, &b) || !is_money_added(&a, &b, off_r))
		return false;
	if (off_r->digits < 0)
		off_r->digits = -off_r->digits;
	return true;
}

/* In upper case; "" the object names none. */
static void
currency_of(const struct page *page, const struct render_item *item, const struct reference *ref,
    char out[8])
{
	const struct map_object *object =
	    setup_object(page->work->sync, item->entry->id.object, NULL);
	struct mirror_id id = {page->work->sync->account.from, item->entry->id.account,
	    object->from, item->entry->id.id};
	struct store_txn *txn = store_begin(page->work->context->store);
	struct object_state state = {0}, customer = {0};
	struct reference_view view = {0};
	const char *currency;

	if (part_view_many(txn, page->work->setup, &id, 1, &state, NULL) == 0) {
		view.object = state.fields;
		id.kind = OBJECT_CUSTOMER;
		id.id = bh_json_str(state.fields, "customer");
		if (ref->of_customer && id.id != NULL &&
		    part_view_many(txn, page->work->setup, &id, 1, &customer, NULL) == 0)
			view.customer = customer.fields;
	}
	currency = reference_currency(ref, &view);
	snprintf(out, 8, "%s", currency != NULL ? currency : "");
	for (char *at = out; *at != '\0'; at++)
		*at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
	mirror_object_release(&customer);
	mirror_object_release(&state);
	store_free(&txn);
}

/* -- comparing -- */

static void
add_row(struct page *page, const struct render_item *item, const char *field, const json_t *want,
    const json_t *has, const char *currency, const char *fate)
{
	const struct link_id *id = &item->entry->id;

	if (json_array_size(page->rows) >= AUDIT_ROWS)
		return;
	json_array_append_new(page->rows,
	    json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s}", "object", id->object,
		"account", id->account, "id", id->id, "to", bh_json_string(item->record->object),
		"remote_id", bh_json_string(item->record->remote_id), "field",
		bh_json_string(field), "want", held_shown(want), "has", held_shown(has), "currency",
		currency, "fate", fate));
}

static void
compare_amount(struct page *page, json_t *totals, const struct render_item *item,
    const struct record_field *field, const struct reference *ref, const json_t *has)
{
	struct money_decimal off;
	char currency[8];

	currency_of(page, item, ref, currency);
	if (is_off_by(field->value, has, &off))
		add_decimal(json_object_get(totals, "money"), currency, &off);
	add_row(page, item, field->name, field->value, has, currency, "");
}

static void
add_tie_row(struct page *page, const struct render_item *item, const struct audit_tie *tie)
{
	json_t *want = json_string(tie->tie.to_id), *has = bh_json_string(tie->tie.has);
	size_t n = json_array_size(page->rows);

	add_row(page, item, audit_tie_name(tie), want, has, "", "");
	if (json_array_size(page->rows) > n)
		json_object_set_new(json_array_get(page->rows, n), "kind", json_string("link"));
	json_decref(has);
	json_decref(want);
}

/* Is it tied to the parents that it should be?  How many ties do not hold. */
static int64_t
compare_ties(struct page *page, const struct render_item *item)
{
	json_t *totals = totals_of(page, item);
	int64_t off = 0;

	for (size_t i = 0; i < page->ties.n; i++) {
		struct audit_tie *tie = &page->ties.items[i];

		if (&page->items[tie->item] != item)
			continue;
		if (tie->tie.state != DEST_TIE_OTHER)
			continue;
		off++;
		count(json_object_get(totals, "links"), audit_tie_name(tie), 1);
		add_tie_row(page, item, tie);
	}
	return off;
}

static void
compare(struct page *page, const struct render_item *item, const json_t *values)
{
	json_t *totals = totals_of(page, item);
	int64_t off = compare_ties(page, item);

	for (size_t i = 0; i < item->record->fields_n; i++) {
		const struct record_field *field = &item->record->fields[i];
		const json_t *has = json_object_get(values, field->name);
		struct reference ref;

		if (has == NULL) {
			count(totals, "unseen", 1);
			continue;
		}
		if (is_held_alike(field->type, has, field->value))
			continue;
		off++;
		count(json_object_get(totals, "fields"), field->name, 1);
		if (is_amount(page, item, field->name, &ref))
			compare_amount(page, totals, item, field, &ref, has);
		else
			add_row(page, item, field->name, field->value, has, "", "");
	}
	if (off > 0) {
		page->differing++;
		count(totals, "differing", 1);
	}
}

/* -- what is gone -- */

static const char *
fate_text(enum dest_fate fate)
{
	switch (fate) {
	case DEST_FATE_MERGED:
		return "merged";
	case DEST_FATE_DELETED:
	case DEST_FATE_GONE:
		return "deleted";
	case DEST_FATE_THERE:
		return "hidden";
	case DEST_FATE_UNKNOWN:
		break;
	}
	return "gone";
}

static void
add_missing(struct page *page, const struct render_item *item, enum dest_fate fate)
{
	page->missing++;
	count(totals_of(page, item), "missing", 1);
	add_row(page, item, "", NULL, NULL, "", fate_text(fate));
}

/* What became of those that were not found, where the CRM can tell. */
static int
settle_missing(const struct look *look, struct bh_err *err)
{
	struct page *page = look->page;
	struct lane *lane = &page->work->lane;
	struct dest_end *ends = bh_xcalloc(look->n + 1, sizeof(ends[0]));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < look->n; i++)
		if (look->readings[i].values == NULL)
			ends[n++] = (struct dest_end){.object = look->readings[i].object,
			    .remote_id = look->readings[i].remote_id};
	if (n > 0 && lane->driver->end != NULL)
		rc = lane->driver->end(&lane->config, ends, n, err);
	n = 0;
	for (size_t i = 0; i < look->n && rc == 0; i++)
		if (look->readings[i].values == NULL)
			add_missing(page, &page->items[look->places[i]], ends[n++].fate);
	free(ends);
	return rc;
}

/* -- a page -- */

/* Which ties hold; what they lead to may be gone itself, and is told as that. */
static int
look_at_ties(struct look *look, struct bh_err *err)
{
	struct page *page = look->page;
	struct lane *lane = &page->work->lane;
	size_t at = 0;

	if (!is_audit_tie_field(lane))
		return audit_ties_read(lane, &page->ties, err) < 0
			   ? -1
			   : audit_ties_excuse(lane, &page->ties, err);
	for (size_t i = 0; i < look->n; i++)
		for (; at < page->ties.n && page->ties.items[at].item <= look->places[i]; at++)
			if (page->ties.items[at].item == look->places[i])
				audit_tie_judge(&page->ties.items[at], look->readings[i].values);
	return audit_ties_excuse(lane, &page->ties, err);
}

static int
look_at(struct look *look, struct bh_err *err)
{
	struct page *page = look->page;
	int rc = 0;

	ask_for(look);
	rc = audit_ties_find(&page->work->lane, page->items, page->n, &page->ties, err);
	if (rc == 0 && look->n > 0)
		rc = held_read(&page->work->lane, look->readings, look->keys, look->n, err);
	if (rc == 0)
		rc = look_at_ties(look, err);
	for (size_t i = 0; i < look->n && rc == 0; i++) {
		const struct render_item *item = &page->items[look->places[i]];

		page->compared++;
		count(totals_of(page, item), "compared", 1);
		if (look->readings[i].values != NULL)
			compare(page, item, look->readings[i].values);
	}
	return rc == 0 ? settle_missing(look, err) : -1;
}

static int
compare_page(struct page *page, struct bh_err *err)
{
	struct look look = {page, bh_xcalloc(page->n + 1, sizeof(look.readings[0])),
	    bh_xcalloc(page->n + 1, sizeof(look.keys[0])),
	    bh_xcalloc(page->n + 1, sizeof(look.places[0])), 0};
	int rc = look_at(&look, err);

	for (size_t i = 0; i < look.n; i++) {
		json_decref(look.readings[i].values);
		free((void *)(uintptr_t)look.readings[i].fields);
	}
	free(look.places);
	free(look.keys);
	free(look.readings);
	return rc;
}

/* -- storing -- */

static void
merge_totals(json_t *into, json_t *from)
{
	struct money_decimal amount;
	const char *name;
	json_t *n;

	json_object_foreach (from, name, n) {
		if (json_is_integer(n))
			count(into, name, json_integer_value(n));
		else if (strcmp(name, "to") == 0)
			json_object_set(into, name, n);
	}
	json_object_foreach (json_object_get(from, "fields"), name, n)
		count(json_object_get(into, "fields"), name, json_integer_value(n));
	json_object_foreach (json_object_get(from, "links"), name, n)
		count(json_object_get(into, "links"), name, json_integer_value(n));
	json_object_foreach (json_object_get(from, "money"), name, n)
		if (is_money_decimal(json_string_value(n), &amount))
			add_decimal(json_object_get(into, "money"), name, &amount);
}

static void
add_totals(const struct page *page, struct audit *audit)
{
	const char *name;
	json_t *totals;

	if (audit->objects == NULL)
		audit->objects = json_object();
	json_object_foreach (page->objects, name, totals) {
		json_t *into = json_object_get(audit->objects, name);

		if (into == NULL) {
			into = json_pack("{s:{}, s:{}, s:{}}", "fields", "links", "money");
			json_object_set_new(audit->objects, name, into);
		}
		merge_totals(into, totals);
	}
	audit->compared += page->compared;
	audit->differing += page->differing;
	audit->missing += page->missing;
}

static int64_t
count_differences(const struct page *page)
{
	int64_t n = page->missing;
	const char *name, *field;
	json_t *totals, *one;

	json_object_foreach (page->objects, name, totals)
		json_object_foreach (json_object_get(totals, "fields"), field, one)
			n += json_integer_value(one);
	json_object_foreach (page->objects, name, totals)
		json_object_foreach (json_object_get(totals, "links"), field, one)
			n += json_integer_value(one);
	return n;
}

struct commit {
	struct page *page;
	struct audit *audit; /* as it was read; on success as it is stored */
	int64_t calls;
	bool is_over;
};

static void
step(const struct page *page, struct audit *audit)
{
	audit->done += (int64_t)page->read;
	audit->waits_until_ms = audit->failing_ms = 0;
	audit->note[0] = '\0';
	bh_buf_reset(&audit->after);
	if (page->more) {
		bh_buf_add(&audit->after, page->after.data, page->after.len);
		return;
	}
	audit->state = AUDIT_DONE;
	audit->ended_ms = bh_now_ms();
	audit->total = audit->done;
}

static int
save_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct commit *c = arg;
	const char *sync = c->page->work->code;
	int64_t run = c->audit->run;
	json_t *row;
	size_t i;

	c->is_over = false;
	if (audit_load(txn, sync, c->audit, err) < 0)
		return -1;
	if (c->audit->run != run || c->audit->state != AUDIT_RUNNING) {
		c->is_over = true;
		return 1;
	}
	c->audit->calls += c->calls;
	add_totals(c->page, c->audit);
	c->audit->differences += count_differences(c->page);
	json_array_foreach (c->page->rows, i, row)
		if (c->audit->kept < AUDIT_ROWS)
			audit_row_save(txn, sync, c->audit->kept++, row);
	step(c->page, c->audit);
	c->is_over = c->audit->state != AUDIT_RUNNING;
	audit_save(txn, sync, c->audit);
	return 0;
}

static void
close_page(struct page *page)
{
	render_release(page->items, page->n);
	audit_ties_release(&page->ties);
	json_decref(page->rows);
	json_decref(page->objects);
	json_decref(page->texts);
	bh_buf_release(&page->after);
	free(page->items);
	free(page->entries);
}

int
audit_page(struct audit_work *work, struct audit *audit, bool *is_over_r, struct bh_err *err)
{
	struct page page = {.work = work,
	    .entries = bh_xcalloc(PAGE, sizeof(page.entries[0])),
	    .items = bh_xcalloc(PAGE, sizeof(page.items[0])),
	    .texts = json_array(),
	    .after = BH_BUF_INIT(STORE_KEY_MAX + 1),
	    .objects = json_object(),
	    .rows = json_array()};
	struct commit commit = {.page = &page, .audit = audit};
	int rc;

	bh_buf_add(&page.after, bh_buf_str(&audit->after), audit->after.len);
	rc = read_links(&page, err);
	if (rc == 0)
		rc = render_page(&page, err);
	if (rc == 0)
		rc = compare_page(&page, err);
	commit.calls = work->lane.config.calls - work->calls;
	if (rc == 0)
		rc = store_run(work->context->store, save_page, &commit, NULL, err) < 0 ? -1 : 0;
	if (rc == 0)
		work->calls = work->lane.config.calls;
	*is_over_r = commit.is_over;
	close_page(&page);
	return rc;
}
