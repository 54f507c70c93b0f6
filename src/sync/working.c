/* See working.h. */
#include "base/base.h"

#include "sync/working.h"

void
working_init(struct working *work)
{
	*work = (struct working){.index = json_object()};
}

void
working_release(struct working *work)
{
	for (size_t i = 0; i < work->n; i++) {
		struct working_object *object = &work->items[i];

		free((char *)(uintptr_t)object->id.connection);
		free((char *)(uintptr_t)object->id.account);
		free((char *)(uintptr_t)object->id.id);
		free(object->customer_before);
		json_decref(object->told_before);
		json_decref(object->discounts_before);
		json_decref(object->lines_before);
		json_decref(object->history);
		json_decref(object->facts);
		json_decref(object->fields);
		json_decref(object->facts_before);
		json_decref(object->fields_before);
		mirror_object_release(&object->object);
	}
	free(work->items);
	json_decref(work->index);
}

static char *
name_of(const struct mirror_id *id)
{
	return bh_xasprintf("%s\n%s\n%d\n%s", id->connection, id->account, (int)id->kind, id->id);
}

size_t
working_find(const struct working *work, const struct mirror_id *id)
{
	char *name = name_of(id);
	const json_t *known = json_object_get(work->index, name);

	free(name);
	return known != NULL ? (size_t)json_integer_value(known) : SIZE_MAX;
}

size_t
working_place(struct working *work, const struct mirror_id *id)
{
	char *name = name_of(id);
	const json_t *known = json_object_get(work->index, name);
	size_t place = work->n;

	if (known != NULL) {
		place = (size_t)json_integer_value(known);
	} else {
		if (work->n == work->cap) {
			work->cap = work->cap != 0 ? work->cap * 2 : 64;
			work->items = bh_xrealloc(work->items, work->cap * sizeof(work->items[0]));
		}
		work->items[work->n++] = (struct working_object){.id = {bh_xstrdup(id->connection),
								     bh_xstrdup(id->account),
								     id->kind, bh_xstrdup(id->id)},
		    .due_before_ms = INT64_MAX};
		json_object_set_new(work->index, name, json_integer((json_int_t)place));
	}
	free(name);
	return place;
}

static void
note_before(struct working_object *object)
{
	const char *customer = bh_json_str(object->object.fields, "customer");

	object->is_loaded = true;
	object->was_erased = object->object.fields != NULL && is_mirror_erased(&object->object);
	if (customer != NULL && !object->object.deleted)
		object->customer_before = bh_xstrdup(customer);
	object->was_deleted = object->object.deleted;
	if (object->id.kind == OBJECT_CUSTOMER) {
		object->told_before = json_incref(object->object.fields);
		object->discounts_before =
		    json_incref(json_object_get(object->object.fields, "discounts"));
	}
	if (object->id.kind == OBJECT_INVOICE) {
		object->lines_before = json_incref(json_object_get(object->object.fields, "lines"));
		object->was_partial =
		    json_is_false(json_object_get(object->object.fields, "lines_complete"));
	}
}

int
working_load(struct working *work, struct store_txn *txn, struct bh_err *err)
{
	struct mirror_id *ids = bh_xcalloc(work->n, sizeof(ids[0]));
	struct object_state *objects = bh_xcalloc(work->n, sizeof(objects[0]));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < work->n; i++)
		if (!work->items[i].is_loaded)
			ids[n++] = work->items[i].id;
	if (n != 0)
		rc = mirror_get_many(txn, ids, n, true, objects, err);
	n = 0;
	for (size_t i = 0; i < work->n && rc == 0; i++) {
		if (work->items[i].is_loaded)
			continue;
		work->items[i].object = objects[n++];
		note_before(&work->items[i]);
	}
	free(objects);
	free(ids);
	return rc;
}

/* Do two states say the same?  Versions, also those of fields, are left out. */
static bool
is_same(const struct object_state *a, const struct object_state *b)
{
	const char *name;
	json_t *value;
	size_t n = 0;

	if (a->fields == NULL || a->deleted != b->deleted)
		return false;
	json_object_foreach (a->fields, name, value) {
		if (strcmp(name, OBJECT_OLDER) == 0)
			continue;
		n++;
		if (!json_equal(value, json_object_get(b->fields, name)))
			return false;
	}
	return n ==
	       json_object_size(b->fields) - (json_object_get(b->fields, OBJECT_OLDER) != NULL);
}

bool
is_working_changed(struct working_object *object, const struct object_change *change)
{
	struct object_state after;

	if (object_merge(&object->object, change, &after) == 0)
		return false;
	object->is_different = object->is_different || !is_same(&object->object, &after);
	mirror_object_release(&object->object);
	object->object = after;
	object->is_changed = true;
	return true;
}
