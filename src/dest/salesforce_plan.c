/*
 * Which record goes into which collection.  Links go by external id, so that
 * parents and children are written by the same call; a parent only has to
 * stand in an earlier collection than its child.  Children of one account
 * stand together: a write locks the parent, and two collections that want the
 * same one get into each other's way.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_push.h"

/* Keep a call under the 5 MB that are known to be good; a lone huge row travels by itself. */
#define ROW_BYTES_MAX ((size_t)4 * 1000 * 1000)
#define SLOT_BYTES_MAX ((size_t)900 * 1000)
#define CALL_BYTES_MAX ((size_t)4500 * 1000)
/* Rows written by id may mix objects, but the object may change only this often (REST guide). */
#define SLOT_CHUNKS_MAX 10

/* --- the sequence ------------------------------------------------------- */

/* An object of the push. */
struct kind {
	const char *name;
	size_t place; /* behind those of its parents */
	bool is_tree; /* its records link to each other: their sequence stays */
};

struct kinds {
	struct kind *items;
	size_t n;
};

/* Where a record belongs; compared member by member. */
struct seat {
	size_t place, kind;
	const char *account;
	size_t index;
};

/* The number of an object; kinds->n when it is not there. */
static size_t
find_kind(const struct kinds *kinds, const char *name)
{
	size_t i = 0;

	while (i < kinds->n && strcmp(kinds->items[i].name, name) != 0)
		i++;
	return i;
}

static void
list_kinds(const struct plan *plan, struct kinds *kinds)
{
	kinds->items = bh_xcalloc(plan->n + 1, sizeof(kinds->items[0]));
	for (size_t i = 0; i < plan->n; i++) {
		const char *name = plan->records[i]->object;

		if (find_kind(kinds, name) == kinds->n) {
			kinds->items[kinds->n] = (struct kind){.name = name, .place = kinds->n};
			kinds->n++;
		}
	}
}

/* Move objects behind their parents' once; true when one moved. */
static bool
has_moved(const struct plan *plan, struct kinds *kinds)
{
	bool moved = false;

	for (size_t i = 0; i < plan->n; i++) {
		const struct record *record = plan->records[i];
		struct kind *kind = &kinds->items[find_kind(kinds, record->object)];

		for (size_t k = 0; k < record->parents_n; k++) {
			size_t parent = find_kind(kinds, record->parents[k].object);

			if (parent == kinds->n)
				continue;
			if (&kinds->items[parent] == kind) {
				kind->is_tree = true;
			} else if (kinds->items[parent].place >= kind->place) {
				kind->place = kinds->items[parent].place + 1;
				moved = true;
			}
		}
	}
	return moved;
}

/* False when objects link to each other in a circle: then the caller's sequence stays. */
static bool
can_rank(const struct plan *plan, struct kinds *kinds)
{
	for (size_t round = 0; round <= kinds->n; round++) {
		if (!has_moved(plan, kinds))
			return true;
	}
	return false;
}

static int
by_seat(const void *a, const void *b)
{
	const struct seat *left = a, *right = b;
	int order;

	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	order = strcmp(left->account, right->account);
	if (order != 0)
		return order;
	return left->index < right->index ? -1 : 1;
}

/* The key of the first parent, as a rule the account. */
static const char *
account_of(const struct record *record)
{
	const struct record_parent *parent = record->parents;

	if (record->parents_n == 0)
		return "";
	if (parent->key[0] == '\0' && parent->remote_id != NULL)
		return parent->remote_id;
	return parent->key;
}

/* Object by object, parents first, and inside an object account by account. */
static void
make_order(struct plan *plan)
{
	struct kinds kinds = {NULL, 0};
	struct seat *seats = bh_xcalloc(plan->n + 1, sizeof(seats[0]));
	bool ranked;

	list_kinds(plan, &kinds);
	ranked = can_rank(plan, &kinds);
	for (size_t i = 0; i < plan->n; i++) {
		size_t number = find_kind(&kinds, plan->records[i]->object);
		const struct kind *kind = &kinds.items[number];

		seats[i] = (struct seat){.account = "", .index = i};
		if (ranked) {
			seats[i].place = kind->place;
			seats[i].kind = number;
			seats[i].account = kind->is_tree ? "" : account_of(plan->records[i]);
		}
	}
	qsort(seats, plan->n, sizeof(seats[0]), by_seat);
	for (size_t i = 0; i < plan->n; i++)
		plan->order[i] = seats[i].index;
	free(seats);
	free(kinds.items);
}

/* --- collections -------------------------------------------------------- */

static char *
place_name(const char *object, const char *key)
{
	return bh_xasprintf("%s\n%s", object, key);
}

/* The first slot that is open and behind those of the record's parents. */
static size_t
first_slot(const struct plan *plan, const struct record *record)
{
	size_t first = plan->closed;

	for (size_t i = 0; i < record->parents_n; i++) {
		char *name = place_name(record->parents[i].object, record->parents[i].key);
		const json_t *slot = json_object_get(plan->placed, name);

		if (slot != NULL && (size_t)json_integer_value(slot) + 1 > first)
			first = (size_t)json_integer_value(slot) + 1;
		free(name);
	}
	return first;
}

static bool
has_room(const struct plan *plan, const struct slot *slot, const struct record *record,
    size_t bytes)
{
	enum salesforce_way way = salesforce_way(record);
	bool same = strcmp(slot->object, record->object) == 0;

	if (slot->way != way || slot->rows_n >= plan->slice || slot->bytes + bytes > SLOT_BYTES_MAX)
		return false;
	if (way == SALESFORCE_UPDATE)
		return same || slot->chunks < SLOT_CHUNKS_MAX;
	return same &&
	       (way == SALESFORCE_INSERT || strcmp(slot->key_field, record->key_field) == 0);
}

static struct slot *
find_slot(struct plan *plan, const struct record *record, size_t bytes)
{
	struct slot *slot;

	for (size_t i = first_slot(plan, record); i < plan->slots_n; i++) {
		if (has_room(plan, &plan->slots[i], record, bytes))
			return &plan->slots[i];
	}
	plan->slots = bh_xrealloc(plan->slots, (plan->slots_n + 1) * sizeof(plan->slots[0]));
	slot = &plan->slots[plan->slots_n++];
	*slot = (struct slot){.way = salesforce_way(record),
	    .object = record->object,
	    .key_field = record->key_field,
	    .chunks = 1};
	return slot;
}

static void
place(struct plan *plan, size_t index)
{
	const struct record *record = plan->records[index];
	size_t bytes = plan->bodies[index].len + 1;
	struct slot *slot = find_slot(plan, record, bytes);
	char *name = place_name(record->object, record->key);

	if (strcmp(slot->object, record->object) != 0) {
		slot->object = record->object;
		slot->chunks++;
	}
	slot->rows[slot->rows_n++] = index;
	slot->bytes += bytes;
	json_object_set_new(plan->placed, name, json_integer(slot - plan->slots));
	free(name);
}

/* One that cannot be encoded does not travel. */
static void
encode_all(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct bh_err err = BH_ERR_INIT;

		bh_buf_init(&plan->bodies[i], ROW_BYTES_MAX);
		if (salesforce_encode(&plan->bodies[i], plan->records[i], &err) == 0)
			continue;
		bh_buf_release(&plan->bodies[i]);
		dest_result_set(&plan->results[i], DEST_REJECTED, "NOT_SENT", err.text,
		    "Correct the value at the billing system or in the mapping, then retry.");
	}
}

/* Those of records from to end - 1 that could be encoded. */
static void
place_all(struct plan *plan, size_t from, size_t end)
{
	for (size_t i = 0; i < plan->n; i++) {
		size_t index = plan->order[i];

		if (index >= from && index < end && plan->bodies[index].len > 0)
			place(plan, index);
	}
}

void
salesforce_plan(struct plan *plan)
{
	plan->bodies = bh_xcalloc(plan->n + 1, sizeof(plan->bodies[0]));
	plan->order = bh_xcalloc(plan->n + 1, sizeof(plan->order[0]));
	plan->placed = json_object();
	encode_all(plan);
	make_order(plan);
	place_all(plan, 0, plan->second);
	plan->closed = plan->slots_n;
	place_all(plan, plan->second, plan->n);
	plan->closed = 0;
}

void
salesforce_plan_again(struct plan *plan, size_t first)
{
	bool *open = bh_xcalloc(plan->n + 1, sizeof(open[0]));

	for (size_t i = first; i < plan->slots_n; i++) {
		for (size_t k = 0; k < plan->slots[i].rows_n; k++)
			open[plan->slots[i].rows[k]] = true;
	}
	plan->slots_n = plan->closed = first;
	for (size_t i = 0; i < plan->n; i++) {
		if (open[plan->order[i]])
			place(plan, plan->order[i]);
	}
	free(open);
}

/* Five, fewer when they are large. */
size_t
salesforce_plan_count(const struct plan *plan, size_t first)
{
	size_t count = 0, bytes = 0;

	while (first + count < plan->slots_n && count < SALESFORCE_COLLECTIONS) {
		bytes += plan->slots[first + count].bytes;
		if (count > 0 && bytes > CALL_BYTES_MAX)
			break;
		count++;
	}
	return count;
}

void
salesforce_plan_release(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		bh_buf_release(&plan->bodies[i]);
	free(plan->bodies);
	free(plan->order);
	free(plan->slots);
	json_decref(plan->placed);
}
