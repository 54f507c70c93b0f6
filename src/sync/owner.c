/* See owner.h. */
#include "base/base.h"

#include "sync/owner.h"

#include "base/clock.h"
#include "base/log.h"
#include "state/target.h"
#include "sync/held.h"
#include "sync/part.h"

#define MINUTE_MS (60 * INT64_C(1000))
#define RECORD_KEPT_MS (10 * MINUTE_MS)
#define USER_KEPT_MS (60 * MINUTE_MS)
#define KEPT_MAX 500 /* records, users */

/* One whose owner is to be found. */
struct asked {
	struct render_item *item;
	bool is_of_record;    /* the owner of what it hangs on comes first */
	const json_t *owners; /* who take turns, borrowed from the setup; NULL nobody is named */
	size_t from, n;       /* those of them */
};

struct work {
	struct lane *lane;
	struct render_item *items;
	size_t n;
	struct asked *asked;
	size_t asked_n;
	json_t *
	    known; /* {"records": {"<object> <id>": [owner or null, when]}, "users": {"<id>": [active, when]}} */
	bool is_changed;
	int64_t now_ms;
};

/* -- who asks -- */

/* Of those that are made, not of those that are there. */
static bool
is_candidate(const struct work *work, const struct render_item *item)
{
	const struct setup_sync *sync;
	const struct map_object *object;

	if (item->verdict != RENDER_SEND || item->record == NULL || item->record->parents_n == 0 ||
	    (item->record->remote_id != NULL && item->record->remote_id[0] != '\0'))
		return false;
	sync = setup_sync(work->lane->setup, item->entry->id.sync);
	object = sync != NULL ? setup_object(sync, item->entry->id.object, NULL) : NULL;
	return object != NULL && object->from == OBJECT_ACTION;
}

/* Does the mapping write the action's owner there? */
static bool
is_mapped(const struct work *work, const struct render_item *item)
{
	const struct setup_sync *sync = setup_sync(work->lane->setup, item->entry->id.sync);
	json_t *mapping = NULL, *object, *row;
	bool is_found = false;
	size_t i, k;

	if (setup_shape(&sync->account, sync->to, &mapping, NULL) < 0)
		return false;
	json_array_foreach (json_object_get(mapping, "objects"), i, object) {
		if (strcmp(bh_json_str(object, "name"), item->entry->id.object) != 0)
			continue;
		json_array_foreach (json_object_get(object, "fields"), k, row) {
			const char *to = bh_json_str(row, "to"), *from = bh_json_str(row, "from");

			is_found =
			    is_found || (to != NULL && from != NULL && strcmp(from, "owner") == 0 &&
					    strcmp(to, work->lane->driver->owner_field) == 0);
		}
	}
	json_decref(mapping);
	return is_found;
}

static const struct rule *
rule_of(const struct setup *setup, const char *code)
{
	for (size_t i = 0; code != NULL && i < setup->rules_n; i++)
		if (strcmp(rule_code(setup->rules[i].rule), code) == 0)
			return setup->rules[i].rule;
	return NULL;
}

/* Whose it may be, as the action and its rule say. */
static void
ask_for(struct work *work, struct render_item *item, const json_t *fields)
{
	const struct rule *rule = rule_of(work->lane->setup, bh_json_str(fields, "rule"));
	struct asked asked = {.item = item,
	    .is_of_record = bh_json_str(fields, "owner_of") != NULL};

	if (rule != NULL && bh_json_str(fields, "owner") != NULL)
		asked.owners = rule_owners(rule, &asked.from, &asked.n);
	if ((asked.is_of_record || asked.owners != NULL) && is_mapped(work, item))
		work->asked[work->asked_n++] = asked;
}

/* The actions themselves say whether they ask. */
static int
find_asking(struct work *work, struct render_item **candidates, size_t n, struct bh_err *err)
{
	struct mirror_id *ids = bh_xcalloc(n, sizeof(ids[0]));
	struct object_state *objects = bh_xcalloc(n, sizeof(objects[0]));
	struct store_txn *txn = store_begin(work->lane->context->store);
	int rc;

	for (size_t i = 0; i < n; i++) {
		const struct link_id *id = &candidates[i]->entry->id;

		ids[i] = (struct mirror_id){setup_sync(work->lane->setup, id->sync)->account.from,
		    id->account, OBJECT_ACTION, id->id};
	}
	rc = part_view_many(txn, work->lane->setup, ids, n, objects, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0)
			ask_for(work, candidates[i], objects[i].fields);
		mirror_object_release(&objects[i]);
	}
	store_free(&txn);
	free(objects);
	free(ids);
	return rc;
}

static int
collect(struct work *work, struct bh_err *err)
{
	struct render_item **candidates = bh_xcalloc(work->n + 1, sizeof(candidates[0]));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < work->n; i++)
		if (is_candidate(work, &work->items[i]))
			candidates[n++] = &work->items[i];
	if (n > 0)
		rc = find_asking(work, candidates, n, err);
	free(candidates);
	return rc;
}

/* -- what is known -- */

/* The answer that is kept, while it is young; NULL. */
static const json_t *
known_of(const struct work *work, const char *family, const char *name, int64_t kept_ms)
{
	const json_t *entry = json_object_get(json_object_get(work->known, family), name);
	int64_t at_ms = json_integer_value(json_array_get(entry, 1));

	return entry != NULL && at_ms <= work->now_ms && work->now_ms - at_ms < kept_ms
		   ? json_array_get(entry, 0)
		   : NULL;
}

static void
learn(struct work *work, const char *family, const char *name, json_t *answer_take)
{
	json_t *entries = json_object_get(work->known, family);

	if (json_object_size(entries) >= KEPT_MAX)
		json_object_clear(entries);
	json_object_set_new(entries, name,
	    json_pack("[o, I]", answer_take, (json_int_t)work->now_ms));
	work->is_changed = true;
}

static int
load_known(struct work *work, struct bh_err *err)
{
	struct store_txn *txn = store_begin(work->lane->context->store);
	int rc = target_owners_get(txn, work->lane->connection->account.code, &work->known, err);

	store_free(&txn);
	if (rc == 0)
		work->known = json_pack("{s:{}, s:{}}", "records", "users");
	return rc < 0 ? -1 : 0;
}

static int
put_known(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct work *work = arg;

	target_owners_put(txn, work->lane->connection->account.code, work->known);
	return 0;
}

/* -- parents -- */

/* One that travels in the same batch; NULL: none does. */
static const struct render_item *
travelling(const struct work *work, const struct record_parent *parent)
{
	for (size_t i = 0; i < work->n; i++) {
		const struct render_item *item = &work->items[i];

		if (item->verdict == RENDER_SEND && item->record != NULL &&
		    strcmp(item->record->object, parent->object) == 0 &&
		    strcmp(item->record->key, parent->key) == 0)
			return item;
	}
	return NULL;
}

/* The CRM's id; NULL: it is made only now. */
static const char *
record_of(const struct work *work, const struct record_parent *parent)
{
	const struct render_item *item;

	if (parent->remote_id != NULL && parent->remote_id[0] != '\0')
		return parent->remote_id;
	item = travelling(work, parent);
	return item != NULL && item->record->remote_id != NULL && item->record->remote_id[0] != '\0'
		   ? item->record->remote_id
		   : NULL;
}

static char *
record_name(const char *object, const char *remote_id)
{
	return bh_xasprintf("%s %s", object, remote_id);
}

/* Readings of parents that nothing is known of, each once. */
static size_t
add_readings(struct work *work, struct dest_reading *readings)
{
	json_t *seen = json_object();
	size_t n = 0;

	for (size_t i = 0; i < work->asked_n; i++) {
		const struct record *record = work->asked[i].item->record;

		for (size_t k = 0; work->asked[i].is_of_record && k < record->parents_n; k++) {
			const char *id = record_of(work, &record->parents[k]);
			char *name;

			if (id == NULL)
				continue;
			name = record_name(record->parents[k].object, id);
			if (json_object_get(seen, name) == NULL &&
			    known_of(work, "records", name, RECORD_KEPT_MS) == NULL)
				readings[n++] = (struct dest_reading){record->parents[k].object, id,
				    &work->lane->driver->owner_field, 1, NULL};
			json_object_set_new(seen, name, json_true());
			free(name);
		}
	}
	json_decref(seen);
	return n;
}

static int
read_parents(struct work *work, struct bh_err *err)
{
	struct dest_reading *readings;
	struct bh_err why = BH_ERR_INIT;
	size_t most = 0, n;
	int rc = 0;

	for (size_t i = 0; i < work->asked_n; i++)
		most += work->asked[i].item->record->parents_n;
	readings = bh_xcalloc(most + 1, sizeof(readings[0]));
	n = add_readings(work, readings);
	if (n > 0)
		rc = held_read(work->lane, readings, NULL, n, &why);
	for (size_t i = 0; i < n; i++) {
		const json_t *owner =
		    json_object_get(readings[i].values, work->lane->driver->owner_field);
		char *name = record_name(readings[i].object, readings[i].remote_id);

		if (rc == 0)
			learn(work, "records", name,
			    json_is_string(owner) ? json_string(json_string_value(owner))
						  : json_null());
		free(name);
		json_decref(readings[i].values);
	}
	free(readings);
	/* Objects without owners, rights that are missing: those whom the automation names get it. */
	if (rc < 0 && why.code == BH_INVALID) {
		bh_log_err(BH_WARN, &why, "lane %s: owners cannot be read",
		    work->lane->connection->account.code);
		return 0;
	}
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

/* -- owners -- */

static const char *
owner_of(const struct work *work, const struct record_parent *parent)
{
	const char *id = record_of(work, parent);
	const struct render_item *item;
	const json_t *owner = NULL;
	char *name;

	if (id != NULL) {
		name = record_name(parent->object, id);
		owner = known_of(work, "records", name, RECORD_KEPT_MS);
		free(name);
		return json_string_value(owner);
	}
	/* It is made in the same call: its owner is the one that it is made with. */
	item = travelling(work, parent);
	for (size_t i = 0; item != NULL && i < item->record->fields_n; i++)
		if (strcmp(item->record->fields[i].name, work->lane->driver->owner_field) == 0)
			owner = item->record->fields[i].value;
	return json_string_value(owner);
}

static int
ask_active(struct work *work, const char *const *ids, size_t n, bool *is_active, struct bh_err *err)
{
	struct lane *lane = work->lane;
	struct bh_err why = BH_ERR_INIT;
	int rc = lane->driver->active(&lane->config, ids, n, is_active, &why);

	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->active(&lane->config, ids, n, is_active, &why);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

static void
want_user(const struct work *work, json_t *wanted, const char *id)
{
	if (id != NULL && known_of(work, "users", id, USER_KEPT_MS) == NULL)
		json_object_set_new(wanted, id, json_true());
}

/* Who of the parents' owners, and of those who take turns, is active, where that is not known. */
static int
read_users(struct work *work, struct bh_err *err)
{
	json_t *wanted = json_object(), *unused;
	const char **ids, *id;
	bool *is_active;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < work->asked_n; i++) {
		const struct asked *asked = &work->asked[i];
		const struct record *record = asked->item->record;

		for (size_t k = 0; asked->is_of_record && k < record->parents_n; k++)
			want_user(work, wanted, owner_of(work, &record->parents[k]));
		for (size_t k = 0; asked->n > 1 && k < asked->n; k++)
			want_user(work, wanted,
			    json_string_value(json_array_get(asked->owners, asked->from + k)));
	}
	ids = bh_xcalloc(json_object_size(wanted) + 1, sizeof(ids[0]));
	is_active = bh_xcalloc(json_object_size(wanted) + 1, sizeof(is_active[0]));
	json_object_foreach (wanted, id, unused)
		ids[n++] = id;
	if (n > 0)
		rc = ask_active(work, ids, n, is_active, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		learn(work, "users", ids[i], json_boolean(is_active[i]));
	free(is_active);
	free(ids);
	json_decref(wanted);
	return rc;
}

/* -- the records -- */

static void
set_owner(const struct work *work, struct render_item *item, const char *owner)
{
	const char *name = work->lane->driver->owner_field;
	struct record *record = item->record;

	for (size_t i = record->fields_n; i-- > 0;)
		if (strcmp(record->fields[i].name, name) == 0)
			record_drop_field(record, i);
	record_take_field(record, name, RECORD_TEXT, json_string(owner));
	record->fields[record->fields_n - 1].when = RECORD_ON_CREATE;
}

static bool
is_active_user(const struct work *work, const char *owner)
{
	return owner != NULL && json_is_true(known_of(work, "users", owner, USER_KEPT_MS));
}

/* Whose turn it is; where he is not active, the next one who is.  NULL: as it is. */
static const char *
next_active(const struct work *work, const struct asked *asked)
{
	const char *name = work->lane->driver->owner_field, *mine = NULL, *owner = NULL;
	const struct record *record = asked->item->record;
	size_t at = 0;

	for (size_t i = 0; i < record->fields_n; i++)
		if (strcmp(record->fields[i].name, name) == 0)
			mine = json_string_value(record->fields[i].value);
	for (size_t k = 0; mine != NULL && k < asked->n; k++)
		if (strcmp(json_string_value(json_array_get(asked->owners, asked->from + k)),
			mine) == 0)
			at = k;
	for (size_t k = 0; mine != NULL && owner == NULL && k < asked->n; k++) {
		owner = json_string_value(
		    json_array_get(asked->owners, asked->from + (at + k) % asked->n));
		if (!is_active_user(work, owner))
			owner = NULL;
	}
	return owner;
}

static void
give(const struct work *work, const struct asked *asked)
{
	const struct record *record = asked->item->record;
	const char *owner = NULL;

	for (size_t k = 0; asked->is_of_record && owner == NULL && k < record->parents_n; k++) {
		owner = owner_of(work, &record->parents[k]);
		if (!is_active_user(work, owner))
			owner = NULL;
	}
	if (owner == NULL && asked->n > 1)
		owner = next_active(work, asked);
	if (owner != NULL)
		set_owner(work, asked->item, owner);
}

static int
resolve(struct work *work, struct bh_err *err)
{
	if (load_known(work, err) < 0 || read_parents(work, err) < 0 || read_users(work, err) < 0)
		return -1;
	for (size_t i = 0; i < work->asked_n; i++)
		give(work, &work->asked[i]);
	if (!work->is_changed || work->lane->preview != NULL)
		return 0;
	return store_run(work->lane->context->store, put_known, work, NULL, err) < 0 ? -1 : 0;
}

int
owner_resolve(struct lane *lane, struct render_item *items, size_t n, struct bh_err *err)
{
	struct work work = {.lane = lane, .items = items, .n = n, .now_ms = bh_now_ms()};
	int rc;

	if (lane->driver->owner_field == NULL)
		return 0;
	work.asked = bh_xcalloc(n + 1, sizeof(work.asked[0]));
	rc = collect(&work, err);
	if (rc == 0 && work.asked_n > 0)
		rc = resolve(&work, err);
	json_decref(work.known);
	free(work.asked);
	return rc;
}
