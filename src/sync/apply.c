/* See apply.h. */
#include "base/base.h"

#include "sync/apply.h"

#include "base/clock.h"
#include "model/revenue.h"
#include "state/automation.h"
#include "state/derived.h"
#include "state/link.h"
#include "state/queue.h"
#include "state/roster.h"
#include "state/want.h"
#include "sync/alias.h"
#include "sync/derive.h"
#include "sync/lookup.h"
#include "sync/part.h"
#include "sync/reach.h"

#define CHILDREN_PAGE 1000 /* a customer's objects marked by one commit */
#define USERS_PAGE 200     /* objects derived anew by one commit */
#define WANTS_MAX 1000     /* look-ups asked for by one commit: the rest comes up again */

/* News of one connection, as they were handed in. */
struct group {
	char *connection;
	struct object_changes changes;
	struct source_wants wants;
	size_t *places; /* of each change's object */
	json_t *news;
};

struct apply {
	struct store_txn *txn;
	const struct setup *setup;
	struct working work;
	struct group *groups;
	size_t groups_n, groups_cap;
	size_t changed;
	bool is_asking; /* something has to be looked up */
};

struct apply *
apply_new(struct store_txn *txn, const struct setup *setup)
{
	struct apply *apply = bh_xcalloc(1, sizeof(*apply));

	apply->txn = txn;
	apply->setup = setup;
	working_init(&apply->work);
	return apply;
}

void
apply_free(struct apply **apply)
{
	struct apply *a = *apply;

	if (a == NULL)
		return;
	for (size_t i = 0; i < a->groups_n; i++) {
		free(a->groups[i].connection);
		object_changes_release(&a->groups[i].changes);
		source_wants_release(&a->groups[i].wants);
		free(a->groups[i].places);
		json_decref(a->groups[i].news);
	}
	free(a->groups);
	working_release(&a->work);
	free(a);
	*apply = NULL;
}

size_t
apply_add(struct apply *apply, const char *connection, struct source_result *result)
{
	struct group *group;

	if (apply->groups_n == apply->groups_cap) {
		apply->groups_cap = apply->groups_cap != 0 ? apply->groups_cap * 2 : 64;
		apply->groups =
		    bh_xrealloc(apply->groups, apply->groups_cap * sizeof(apply->groups[0]));
	}
	group = &apply->groups[apply->groups_n++];
	*group = (struct group){.connection = bh_xstrdup(connection),
	    .changes = result->changes,
	    .wants = result->wants};
	result->changes = (struct object_changes){0};
	result->wants = (struct source_wants){0};
	group->places = bh_xcalloc(group->changes.n, sizeof(group->places[0]));
	return apply->groups_n - 1;
}

/* Where each change's object stands; what has two ids goes to the one that is held. */
static int
place_group(struct apply *apply, struct group *group, struct bh_err *err)
{
	for (size_t i = 0; i < group->changes.n; i++) {
		struct object_change *change = &group->changes.items[i];

		if (change->alias[0] != '\0' &&
		    alias_resolve(apply->txn, &apply->work, group->connection, change, err) < 0)
			return -1;
		group->places[i] =
		    working_place(&apply->work, &(struct mirror_id){group->connection,
						    change->account, change->kind, change->id});
	}
	return 0;
}

void
apply_again(struct apply *apply, const struct mirror_id *id, bool is_whole)
{
	size_t at = working_place(&apply->work, id);

	apply->work.items[at].is_due = true;
	apply->work.items[at].is_whole = is_whole && id->kind == OBJECT_CUSTOMER;
}

json_t *
apply_news(struct apply *apply, size_t number)
{
	return apply->groups[number].news;
}

void
apply_customers(const struct apply *apply, size_t number, json_t *customers)
{
	const struct group *group = &apply->groups[number];

	for (size_t i = 0; i < group->changes.n; i++) {
		const struct working_object *object = &apply->work.items[group->places[i]];
		const char *customer = object->id.kind == OBJECT_CUSTOMER
					   ? object->id.id
					   : bh_json_str(object->object.fields, "customer");
		json_t *of;

		if (customer == NULL || *customer == '\0' || strlen(customer) > 255)
			continue;
		of = json_object_get(customers, object->id.account);
		if (of == NULL) {
			of = json_object();
			json_object_set_new(customers, object->id.account, of);
		}
		json_object_set_new(of, customer, json_true());
	}
}

size_t
apply_changed(const struct apply *apply)
{
	return apply->changed;
}

json_t *
apply_differences(const struct apply *apply)
{
	json_t *list = json_array();

	for (size_t i = 0; i < apply->work.n; i++) {
		const struct working_object *object = &apply->work.items[i];
		bool is_facts = object->is_facts_changed && object->facts_before != NULL &&
				!json_equal(object->facts_before, object->facts);

		if (!object->is_fields_changed && !is_facts)
			continue;
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:O?, s:O?, s:b}", "kind",
			object_kind_name(object->id.kind), "id", object->id.id, "is",
			object->is_fields_changed ? object->fields_before : object->facts_before,
			"should_be", object->is_fields_changed ? object->fields : object->facts,
			"facts", !object->is_fields_changed));
	}
	return list;
}

/* -- merging -- */

static void
merge_group(struct apply *apply, struct group *group)
{
	for (size_t i = 0; i < group->changes.n; i++) {
		const struct object_change *change = &group->changes.items[i];
		struct working_object *object = &apply->work.items[group->places[i]];

		/* News or not: a change that came late has its place in the history. */
		if (change->kind == OBJECT_SUBSCRIPTION &&
		    is_revenue_history_added(object->history, change))
			object->is_history_changed = true;
		if (!is_working_changed(object, change))
			continue;
		apply->changed++;
		if (group->news == NULL)
			group->news = json_array();
		json_array_append_new(group->news,
		    json_sprintf("%s %s", object_kind_name(change->kind), change->id));
	}
}

/* -- marking -- */

static void
mark_object(struct store_txn *txn, const struct setup_sync *sync, enum object_kind kind,
    const char *account, const char *id, bool as_child)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);

	if (as_child && sync->reached == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		struct link_id link = {sync->account.to, objects[i].rank, sync->account.code,
		    objects[i].name, account, id};

		if (objects[i].from == kind)
			link_mark(txn, &link);
	}
}

struct child_marks {
	struct store_txn *txn;
	const struct setup *setup;
	const char *connection;
	bool is_for_lines;                             /* those of the invoices are marked, too */
	struct mirror_id invoices[PART_INVOICES_PAGE]; /* borrowed from the transaction */
	size_t invoices_n;
};

static int
mark_child(void *arg, const struct mirror_id *id, struct bh_err *err BH_UNUSED)
{
	struct child_marks *marks = arg;

	for (size_t i = 0; i < marks->setup->syncs_n; i++)
		if (strcmp(marks->setup->syncs[i].account.from, marks->connection) == 0)
			mark_object(marks->txn, &marks->setup->syncs[i], id->kind, id->account,
			    id->id, true);
	if (marks->is_for_lines && id->kind == OBJECT_INVOICE)
		marks->invoices[marks->invoices_n++] = *id;
	return 0;
}

/*
 * A customer's change shows in records of its subscriptions and invoices too,
 * where it is in a field that they depend on.  A page at a time: what is left over is put
 * off to commits of its own.
 */
static int
mark_children(struct store_txn *txn, const struct setup *setup, const struct mirror_id *customer,
    struct bh_buf *after, struct bh_err *err)
{
	struct child_marks marks = {.txn = txn,
	    .setup = setup,
	    .connection = customer->connection,
	    .is_for_lines = is_part_reaching_customer(setup, customer->connection)};
	size_t max = marks.is_for_lines ? PART_INVOICES_PAGE : CHILDREN_PAGE;
	bool more;

	if (mirror_children(txn, customer, max, after, mark_child, &marks, &more, err) < 0 ||
	    part_mark_lines_of(txn, setup, marks.invoices, marks.invoices_n, err) < 0)
		return -1;
	if (more)
		mirror_defer_children(txn, customer, after);
	else
		mirror_deferred_done(txn, customer);
	return 0;
}

static void
wake_lanes(struct store_txn *txn, const struct setup *setup, const char *connection)
{
	for (size_t i = 0; i < setup->syncs_n; i++)
		if (strcmp(setup->syncs[i].account.from, connection) == 0)
			queue_wake(txn, "push", setup->syncs[i].account.to, bh_now_ms());
}

static int
mark_lines(struct apply *apply, const struct setup_sync *sync, const struct working_object *invoice,
    struct bh_err *err)
{
	part_mark_lines(apply->txn, sync, &invoice->id,
	    json_object_get(invoice->object.fields, "lines"), invoice->lines_before);
	return invoice->was_partial ? part_mark_told_lines(apply->txn, sync, &invoice->id, err) : 0;
}

static int
mark(struct apply *apply, const struct working_object *object, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool is_reached = false;
	int rc = 0;

	for (size_t i = 0; i < apply->setup->syncs_n; i++) {
		const struct setup_sync *sync = &apply->setup->syncs[i];

		if (strcmp(sync->account.from, object->id.connection) != 0)
			continue;
		mark_object(apply->txn, sync, object->id.kind, object->id.account, object->id.id,
		    false);
		if (object->id.kind == OBJECT_INVOICE && mark_lines(apply, sync, object, err) < 0)
			return -1;
		is_reached = is_reached || (object->id.kind == OBJECT_CUSTOMER &&
					       is_reach_changed(sync->reached, object));
	}
	wake_lanes(apply->txn, apply->setup, object->id.connection);
	if (has_setup_rules(apply->setup, object->id.connection, object->id.kind)) {
		automation_mark(apply->txn, &object->id);
		queue_wake(apply->txn, AUTOMATION_JOB, "", bh_now_ms());
	}
	if (is_reached)
		rc = mark_children(apply->txn, apply->setup, &object->id, &after, err);
	bh_buf_release(&after);
	return rc;
}

/* -- looking up -- */

static void
ask(struct apply *apply, const char *connection, const struct source_wants *wants)
{
	for (size_t i = 0; i < wants->n && i < WANTS_MAX; i++)
		want_put(apply->txn, connection, wants->items[i].what, wants->items[i].account,
		    wants->items[i].id, wants->items[i].hint);
	if (wants->n != 0)
		queue_wake(apply->txn, LOOKUP_JOB, connection, bh_now_ms());
}

static void
ask_derived(struct apply *apply, const struct derive *derive)
{
	for (size_t i = 0; i < derive->wants.n && i < WANTS_MAX; i++) {
		const struct source_want *want = &derive->wants.items[i];

		want_put(apply->txn, derive->want_connections[i], want->what, want->account,
		    want->id, want->hint);
		queue_wake(apply->txn, LOOKUP_JOB, derive->want_connections[i], bh_now_ms());
	}
}

/* -- all of it -- */

/* Does it name the customer that it named when it was read? */
static bool
is_at_its_place(const struct working_object *object)
{
	const char *customer = bh_json_str(object->object.fields, "customer");

	return object->customer_before != NULL && customer != NULL &&
	       strcmp(object->customer_before, customer) == 0;
}

/* The list of customers follows; one that is looked at as a whole is put there even if it stands there. */
static void
list_customer(struct apply *apply, const struct working_object *object)
{
	const json_t *derived = object->fields;
	struct roster_view was, now = {NULL, derived};

	if (object->id.kind != OBJECT_CUSTOMER || !object->is_read ||
	    !(object->is_changed || object->is_fields_changed || object->is_whole))
		return;
	was = (struct roster_view){object->was_deleted ? NULL : object->told_before,
	    object->is_fields_changed ? object->fields_before : derived};
	if (object->is_brief) {
		roster_move_derived(apply->txn, &object->id, was.derived, derived);
		return;
	}
	if (!object->object.deleted)
		now.fields = object->object.fields;
	roster_move(apply->txn, &object->id, &was, &now, object->is_whole);
}

static int
store_all(struct apply *apply, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < apply->work.n && rc == 0; i++) {
		const struct working_object *object = &apply->work.items[i];

		if (object->is_changed && is_at_its_place(object))
			mirror_put_again(apply->txn, &object->id, &object->object);
		else if (object->is_changed)
			mirror_put(apply->txn, &object->id, &object->object);
		list_customer(apply, object);
		/* What is the same as before is stored for its version; nothing has to be pushed. */
		if (object->is_different || object->is_fields_changed)
			rc = mark(apply, object, err);
	}
	return rc;
}

int
apply_run(struct apply *apply, struct bh_err *err)
{
	struct derive derive = {.txn = apply->txn,
	    .setup = apply->setup,
	    .work = &apply->work,
	    .now_ms = bh_now_ms()};
	int rc = 0;

	for (size_t i = 0; i < apply->groups_n && rc == 0; i++)
		rc = place_group(apply, &apply->groups[i], err);
	if (rc == 0)
		rc = working_load(&apply->work, apply->txn, err);
	if (rc == 0)
		rc = derive_read(&derive, err);
	for (size_t i = 0; i < apply->groups_n && rc == 0; i++)
		merge_group(apply, &apply->groups[i]);
	if (rc == 0)
		rc = derive_run(&derive, err);
	if (rc == 0) {
		derive_store(&derive);
		ask_derived(apply, &derive);
		for (size_t i = 0; i < apply->groups_n; i++)
			if (setup_is_askable(
				setup_connection(apply->setup, apply->groups[i].connection)))
				ask(apply, apply->groups[i].connection, &apply->groups[i].wants);
		rc = store_all(apply, err);
	}
	derive_release(&derive);
	return rc;
}

/* -- work put off -- */

static int
children_deferred(struct store_txn *txn, const struct setup *setup, struct bh_err *err)
{
	struct bh_buf names = BH_BUF_INIT(STORE_KEY_MAX), after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct mirror_id customer;
	int rc = mirror_deferred(txn, &names, &customer, &after, err);

	if (rc > 0 && mark_children(txn, setup, &customer, &after, err) < 0)
		rc = -1;
	if (rc > 0)
		wake_lanes(txn, setup, customer.connection);
	bh_buf_release(&names);
	bh_buf_release(&after);
	return rc;
}

static int
user_again(void *arg, const struct mirror_id *user, struct bh_err *err BH_UNUSED)
{
	apply_again(arg, user, true);
	return 0;
}

static int
customer_again(void *arg, const struct mirror_id *id, const struct object_state *object BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	apply_again(arg, id, true);
	return 0;
}

static int
users_deferred(struct store_txn *txn, const struct setup *setup, struct bh_err *err)
{
	struct bh_buf names = BH_BUF_INIT(STORE_KEY_MAX), after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct apply *apply = apply_new(txn, setup);
	struct mirror_id of;
	bool more = false;
	int rc = derived_deferred(txn, &names, &of, &after, err);

	if (rc > 0) {
		bool is_all = of.kind == OBJECT_CUSTOMER && *of.id == '\0';
		int done = is_all ? mirror_walk(txn, of.connection, OBJECT_CUSTOMER, USERS_PAGE,
					&after, customer_again, apply, &more, err)
				  : derived_users(txn, &of, USERS_PAGE, &after, user_again, apply,
					&more, err);

		if (done == 0)
			done = apply_run(apply, err);
		if (done < 0)
			rc = -1;
		else if (more)
			derived_defer(txn, &of, &after);
		else
			derived_deferred_done(txn, &of);
	}
	apply_free(&apply);
	bh_buf_release(&names);
	bh_buf_release(&after);
	return rc;
}

int
apply_deferred(struct store_txn *txn, const struct setup *setup, struct bh_err *err)
{
	int rc = children_deferred(txn, setup, err);

	return rc != 0 ? rc : users_deferred(txn, setup, err);
}

int
apply_is_deferred(struct store_txn *txn, struct bh_err *err)
{
	struct bh_buf names = BH_BUF_INIT(STORE_KEY_MAX), after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct mirror_id id;
	int rc = mirror_deferred(txn, &names, &id, &after, err);

	if (rc == 0)
		rc = derived_deferred(txn, &names, &id, &after, err);
	bh_buf_release(&names);
	bh_buf_release(&after);
	return rc;
}

/* -- by the clock -- */

struct due {
	struct store_txn *txn;
	struct apply *apply;
};

/* All its subscriptions may have changed: a discount's end shows in theirs too. */
static int
note_due(void *arg, const struct mirror_id *customer, int64_t at_ms, struct bh_err *err BH_UNUSED)
{
	const struct due *due = arg;

	derived_timer(due->txn, customer, at_ms, INT64_MAX);
	apply_again(due->apply, customer, true);
	return 0;
}

int
apply_due(struct store_txn *txn, const struct setup *setup, int64_t now_ms, size_t max, size_t *n_r,
    struct bh_err *err)
{
	struct due due = {txn, apply_new(txn, setup)};
	int rc = derived_due(txn, now_ms, max, note_due, &due, n_r, err);

	if (rc == 0 && *n_r != 0)
		rc = apply_run(due.apply, err);
	apply_free(&due.apply);
	return rc;
}
