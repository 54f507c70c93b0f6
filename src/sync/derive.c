/*
 * See derive.h.  The order of things in one run:
 *
 *   due      what changed makes its subscription and customer due
 *   whole    customers whose facts start anew get all their subscriptions
 *   terms    what due subscriptions refer to is read
 *   steps    due subscriptions: steps of worth, derived fields
 *   facts    parts of customers' facts are replaced
 *   figures  derived fields of due customers
 */
#include "base/base.h"

#include "sync/derive.h"

#include "base/log.h"
#include "model/figures.h"
#include "state/derived.h"
#include "state/queue.h"
#include "sync/tend.h"
#include "sync/terms.h"

#define CHILDREN_PAGE 500
#define HOUR_MS 3600000

static const struct revenue_switches *
switches_of(const struct derive *d, const char *connection)
{
	static const struct revenue_switches none = {.grace_days = -1, .window_min = 60};
	const struct setup_connection *found = setup_connection(d->setup, connection);

	return found != NULL ? &found->revenue : &none;
}

static size_t
place(struct derive *d, const struct working_object *near, enum object_kind kind, const char *id)
{
	return working_place(d->work,
	    &(struct mirror_id){near->id.connection, near->id.account, kind, id});
}

/* -- due -- */

static bool
is_counting(enum object_kind kind)
{
	return kind == OBJECT_SUBSCRIPTION || kind == OBJECT_INVOICE || kind == OBJECT_RECOVERY;
}

static bool
is_referred(enum object_kind kind)
{
	return kind == OBJECT_PLAN || kind == OBJECT_COUPON || kind == OBJECT_DISCOUNT ||
	       kind == OBJECT_SCHEDULE;
}

static void
customer_due(struct derive *d, size_t of, const char *customer)
{
	size_t at;

	if (customer == NULL || *customer == '\0' || strlen(customer) > 255)
		return;
	at = place(d, &d->work->items[of], OBJECT_CUSTOMER, customer);
	d->work->items[at].is_due = true;
}

/* Items may move when others are placed: by number only. */
static void
note_due(struct derive *d, size_t i)
{
	struct working_object *object = &d->work->items[i];
	enum object_kind kind = object->id.kind;
	json_t *customer = NULL;

	if (object->is_changed && is_referred(kind))
		derived_defer(d->txn, &object->id, NULL);
	if (kind == OBJECT_SUBSCRIPTION && (object->is_changed || object->is_history_changed))
		object->is_due = true;
	if (kind == OBJECT_CUSTOMER && object->is_changed) {
		object->is_due = true;
		object->is_whole = object->is_whole || object->was_erased ||
				   !json_equal(object->discounts_before,
				       json_object_get(object->object.fields, "discounts"));
		return;
	}
	if (!is_counting(kind) || !(object->is_changed || object->is_due))
		return;
	customer = json_incref(json_object_get(object->object.fields, "customer"));
	customer_due(d, i, json_string_value(customer));
	customer_due(d, i, d->work->items[i].customer_before);
	json_decref(customer);
}

/* -- documents -- */

static int
read_docs(struct derive *d, struct bh_err *err)
{
	struct working *work = d->work;
	struct derived_doc *docs = bh_xcalloc(2 * work->n, sizeof(docs[0]));
	size_t *of = bh_xcalloc(work->n, sizeof(of[0])), n = 0;
	int rc;

	for (size_t i = 0; i < work->n; i++) {
		const struct working_object *object = &work->items[i];

		if (object->is_read ||
		    (object->id.kind != OBJECT_SUBSCRIPTION && object->id.kind != OBJECT_CUSTOMER))
			continue;
		docs[2 * n] =
		    (struct derived_doc){object->id.kind == OBJECT_CUSTOMER ? DERIVED_FACTS
									    : DERIVED_HISTORY,
			object->id, NULL};
		docs[2 * n + 1] = (struct derived_doc){DERIVED_FIELDS, object->id, NULL};
		of[n++] = i;
	}
	rc = derived_get_many(d->txn, docs, 2 * n, true, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct working_object *object = &work->items[of[i]];
		json_t *first = docs[2 * i].doc != NULL ? docs[2 * i].doc : json_object();

		object->is_read = true;
		object->fields = docs[2 * i + 1].doc;
		if (object->id.kind == OBJECT_CUSTOMER) {
			object->facts = first;
			object->due_before_ms = bh_json_int(first, "due", INT64_MAX);
		} else {
			object->history = first;
		}
	}
	free(of);
	free(docs);
	return rc;
}

int
derive_read(struct derive *derive, struct bh_err *err)
{
	return read_docs(derive, err);
}

/*
 * What of a customer its figures depend on is kept with its facts, so that
 * news of an invoice does not read the whole customer.
 */
static const char *const brief_members[] = {"currency", "discounts", "source_mrr",
    "source_recovery_count"};

static void
keep_brief(struct working_object *customer)
{
	json_t *brief = NULL;

	if (customer->is_brief)
		return;
	if (customer->object.fields != NULL && !customer->object.deleted)
		brief = json_object();
	for (size_t i = 0; brief != NULL && i < BH_LEN(brief_members); i++) {
		json_t *value = json_object_get(customer->object.fields, brief_members[i]);

		if (value != NULL)
			json_object_set(brief, brief_members[i], value);
	}
	if (brief == NULL && json_object_del(customer->facts, "customer") == 0)
		customer->is_facts_changed = true;
	if (brief != NULL && !json_equal(brief, json_object_get(customer->facts, "customer"))) {
		json_object_set(customer->facts, "customer", brief);
		customer->is_facts_changed = true;
	}
	json_decref(brief);
}

/* Documents first: customers whose facts tell enough need not be read. */
static int
read_all(struct derive *d, struct bh_err *err)
{
	if (read_docs(d, err) < 0)
		return -1;
	for (size_t i = 0; i < d->work->n; i++) {
		struct working_object *object = &d->work->items[i];
		json_t *brief = json_object_get(object->facts, "customer");

		if (object->is_loaded || brief == NULL)
			continue;
		object->object.fields = json_incref(brief);
		object->is_loaded = object->is_brief = true;
	}
	return working_load(d->work, d->txn, err);
}

/* -- whole -- */

struct gather {
	struct derive *d;
	size_t customer;
	struct mirror_id ids[CHILDREN_PAGE]; /* of what is no subscription; strings are owned */
	size_t n;
};

static int
gather_child(void *arg, const struct mirror_id *id, struct bh_err *err BH_UNUSED)
{
	struct gather *g = arg;

	if (id->kind == OBJECT_SUBSCRIPTION) {
		size_t place = working_place(g->d->work, id); /* may move the items */

		g->d->work->items[place].is_due = true;
	} else if (is_counting(id->kind)) {
		g->ids[g->n++] =
		    (struct mirror_id){id->connection, id->account, id->kind, bh_xstrdup(id->id)};
	}
	return 0;
}

/* The part of an object in the facts of the customer that it names now. */
static bool
is_part_put(struct working_object *customer, const struct mirror_id *id,
    const struct object_state *object, const json_t *steps)
{
	const char *names = bh_json_str(object->fields, "customer");
	bool is_its = !object->deleted && names != NULL && strcmp(names, customer->id.id) == 0;

	customer->is_facts_changed = true;
	return is_figures_put(customer->facts, id->kind, id->id, is_its ? object->fields : NULL,
	    steps);
}

/* Invoices and the like of a page: what the batch changed as it will be, the rest as stored. */
static int
put_gathered(struct gather *g, struct bh_err *err)
{
	struct object_state objects[CHILDREN_PAGE];
	int rc = 0;

	memset(objects, 0, sizeof(objects));
	if (g->n != 0)
		rc = mirror_get_many(g->d->txn, g->ids, g->n, true, objects, err);
	for (size_t i = 0; i < g->n; i++) {
		size_t known = working_find(g->d->work, &g->ids[i]);

		if (rc == 0)
			is_part_put(&g->d->work->items[g->customer], &g->ids[i],
			    known != SIZE_MAX ? &g->d->work->items[known].object : &objects[i],
			    NULL);
		mirror_object_release(&objects[i]);
		free((char *)(uintptr_t)g->ids[i].id);
	}
	g->n = 0;
	return rc;
}

/* Who a customer refers to, and what it is itself, is noted in its facts, which begin anew. */
static void
keep_references(struct working_object *customer)
{
	static const char *const names[] = {"refers", "customer"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		json_t *value = json_object_get(customer->facts_before, names[i]);

		if (value != NULL)
			json_object_set(customer->facts, names[i], value);
	}
}

static int
gather_customer(struct derive *d, size_t customer, struct bh_err *err)
{
	struct gather *g = bh_xcalloc(1, sizeof(*g));
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct mirror_id id = d->work->items[customer].id;
	bool more = true;
	int rc = 0;

	*g = (struct gather){.d = d, .customer = customer};
	json_decref(d->work->items[customer].facts_before);
	d->work->items[customer].facts_before = d->work->items[customer].facts;
	d->work->items[customer].facts = json_object();
	keep_references(&d->work->items[customer]);
	d->work->items[customer].is_facts_changed = true;
	while (more && rc == 0) {
		rc = mirror_children(d->txn, &id, CHILDREN_PAGE, &after, gather_child, g, &more,
		    err);
		if (rc == 0)
			rc = put_gathered(g, err);
	}
	/* What this very batch brought is not in the index yet. */
	for (size_t i = 0; i < d->work->n && rc == 0; i++) {
		struct working_object *object = &d->work->items[i];
		const char *names = bh_json_str(object->object.fields, "customer");

		if (!object->is_changed || names == NULL || strcmp(names, id.id) != 0 ||
		    strcmp(object->id.connection, id.connection) != 0 ||
		    strcmp(object->id.account, id.account) != 0)
			continue;
		if (object->id.kind == OBJECT_SUBSCRIPTION)
			object->is_due = true;
		else if (is_counting(object->id.kind))
			is_part_put(&d->work->items[customer], &object->id, &object->object, NULL);
	}
	bh_buf_release(&after);
	free(g);
	return rc;
}

static int
gather_whole(struct derive *d, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < d->work->n && rc == 0; i++)
		if (d->work->items[i].id.kind == OBJECT_CUSTOMER && d->work->items[i].is_whole)
			rc = gather_customer(d, i, err);
	if (rc == 0)
		rc = working_load(d->work, d->txn, err);
	return rc == 0 ? read_docs(d, err) : rc;
}

/* -- terms -- */

struct terms {
	struct derive *d;
	size_t of; /* the subscription or customer that needs them */
};

static const json_t *
find_term(void *arg, enum object_kind kind, const char *id)
{
	const struct terms *terms = arg;
	const struct working_object *of = &terms->d->work->items[terms->of];
	size_t at = working_find(terms->d->work,
	    &(struct mirror_id){of->id.connection, of->id.account, kind, id});

	return at != SIZE_MAX ? terms->d->work->items[at].object.fields : NULL;
}

/* Remember who refers to it: once, as long as the history lives. */
static void
note_reference(struct derive *d, size_t of, size_t at)
{
	struct working_object *user = &d->work->items[of];
	const struct working_object *used = &d->work->items[at];
	json_t *known, *doc = user->id.kind == OBJECT_CUSTOMER ? user->facts : user->history;
	char *name = bh_xasprintf("%s %s", object_kind_name(used->id.kind), used->id.id);

	known = json_object_get(doc, "refers");
	if (known == NULL) {
		known = json_object();
		json_object_set_new(doc, "refers", known);
	}
	if (json_object_get(known, name) == NULL) {
		json_object_set_new(known, name, json_true());
		derived_refer(d->txn, &used->id, &user->id);
		if (user->id.kind == OBJECT_CUSTOMER)
			user->is_facts_changed = true;
		else
			user->is_history_changed = true;
	}
	free(name);
}

static void
need_term(void *arg, enum object_kind kind, const char *id)
{
	struct terms *terms = arg;
	size_t at = place(terms->d, &terms->d->work->items[terms->of], kind, id);

	note_reference(terms->d, terms->of, at);
}

static size_t
customer_of(struct derive *d, size_t subscription)
{
	const struct working_object *object = &d->work->items[subscription];
	const char *customer = bh_json_str(object->object.fields, "customer");

	return customer == NULL
		   ? SIZE_MAX
		   : working_find(d->work, &(struct mirror_id){object->id.connection,
					       object->id.account, OBJECT_CUSTOMER, customer});
}

static size_t
schedule_of(struct derive *d, size_t subscription)
{
	const struct working_object *object = &d->work->items[subscription];
	const char *schedule = bh_json_str(object->object.fields, "schedule");

	return schedule == NULL
		   ? SIZE_MAX
		   : working_find(d->work, &(struct mirror_id){object->id.connection,
					       object->id.account, OBJECT_SCHEDULE, schedule});
}

/* Everything that a due subscription needs as far as it can be told by now. */
static void
need_terms(struct derive *d, size_t i, bool again)
{
	struct terms terms = {d, i};
	terms_find *find = again ? find_term : NULL;
	json_t *history = json_incref(d->work->items[i].history), *state;
	json_t *fields = json_incref(d->work->items[i].object.fields);
	json_t *schedule = json_incref(json_object_get(fields, "schedule"));
	const char *name;
	size_t at, k;

	json_object_foreach (json_object_get(history, "states"), name, state)
		terms_needed(state, find, need_term, &terms);
	terms_needed(fields, find, need_term, &terms);
	if (json_string_length(schedule) > 0 && json_string_length(schedule) < 256)
		need_term(&terms, OBJECT_SCHEDULE, json_string_value(schedule));
	at = again ? schedule_of(d, i) : SIZE_MAX;
	if (at != SIZE_MAX) {
		json_t *phases =
		    json_incref(json_object_get(d->work->items[at].object.fields, "phases"));

		json_array_foreach (phases, k, state)
			terms_needed(state, find, need_term, &terms);
		json_decref(phases);
	}
	json_decref(schedule);
	json_decref(fields);
	json_decref(history);
}

/* A customer's own discounts. */
static void
need_customer_terms(struct derive *d, size_t i, bool again)
{
	struct terms terms = {d, i};
	json_t *state = json_object();

	json_object_set(state, "discounts",
	    json_object_get(d->work->items[i].object.fields, "discounts"));
	terms_needed(state, again ? find_term : NULL, need_term, &terms);
	json_decref(state);
}

/* Twice: what only a discount or a schedule names is known after the first reading. */
static int
read_terms(struct derive *d, struct bh_err *err)
{
	int rc = 0;

	for (int round = 0; round < 2 && rc == 0; round++) {
		size_t n = d->work->n;

		for (size_t i = 0; i < n; i++) {
			const struct working_object *object = &d->work->items[i];

			if (!object->is_due || object->object.fields == NULL)
				continue;
			if (object->id.kind == OBJECT_SUBSCRIPTION)
				need_terms(d, i, round > 0);
			else if (object->id.kind == OBJECT_CUSTOMER)
				need_customer_terms(d, i, round > 0);
		}
		rc = working_load(d->work, d->txn, err);
	}
	return rc;
}

/* -- steps and derived fields of subscriptions -- */

static void
resolve_state(void *arg, json_t *state)
{
	struct terms *terms = arg;
	size_t customer = customer_of(terms->d, terms->of);

	terms_fill(state, find_term, terms);
	if (customer != SIZE_MAX)
		json_object_set_new(state, "customer_discounts",
		    terms_discounts(json_object_get(terms->d->work->items[customer].object.fields,
					"discounts"),
			find_term, terms));
}

/* The schedule with the terms of its phases; NULL; new reference. */
static json_t *
resolved_schedule(struct terms *terms)
{
	size_t at = schedule_of(terms->d, terms->of), i;
	json_t *schedule, *phases = json_array(), *phase;

	if (at == SIZE_MAX || terms->d->work->items[at].object.fields == NULL) {
		json_decref(phases);
		return NULL;
	}
	schedule = json_copy(terms->d->work->items[at].object.fields);
	json_array_foreach (json_object_get(schedule, "phases"), i, phase) {
		json_t *copy = json_copy(phase);

		if (json_is_object(copy))
			terms_fill(copy, find_term, terms);
		json_array_append_new(phases, copy);
	}
	json_object_set_new(schedule, "phases", phases);
	return schedule;
}

/* A subscription that was stored before histories were kept has its present state as its first. */
static void
begin_history(struct working_object *object)
{
	struct object_change change = {.kind = OBJECT_SUBSCRIPTION,
	    .version = object->object.version,
	    .deleted = object->object.deleted,
	    .fields = object->object.fields};

	if (json_object_get(object->history, "points") == NULL &&
	    is_revenue_history_added(object->history, &change))
		object->is_history_changed = true;
}

static void
set_fields(struct working_object *object, json_t *fields_take)
{
	if (object->fields != NULL && json_equal(object->fields, fields_take)) {
		json_decref(fields_take);
		return;
	}
	json_decref(object->fields_before);
	object->fields_before = object->fields;
	object->fields = fields_take;
	object->is_fields_changed = true;
}

/* When a subscription's worth changes by itself; kept with its customer's facts, whose timer it sets. */
static void
note_changes(struct working_object *customer, const char *subscription, int64_t changes_ms)
{
	json_t *changes = json_object_get(customer->facts, "changes");

	if (bh_json_int(json_object_get(changes, subscription), "", INT64_MAX) == changes_ms)
		return;
	customer->is_facts_changed = true;
	if (changes == NULL) {
		changes = json_object();
		json_object_set_new(customer->facts, "changes", changes);
	}
	if (changes_ms == INT64_MAX)
		json_object_del(changes, subscription);
	else
		json_object_set_new(changes, subscription, json_integer(changes_ms));
	if (json_object_size(changes) == 0)
		json_object_del(customer->facts, "changes");
}

static void
derive_subscription(struct derive *d, size_t i)
{
	struct terms terms = {d, i};
	struct working_object *object = &d->work->items[i];
	const struct revenue_switches *switches = switches_of(d, object->id.connection);
	size_t at = customer_of(d, i);
	int64_t steps_ms, changes_ms = INT64_MAX;
	json_t *resolved, *schedule, *steps;
	char why[96];

	begin_history(object);
	resolved = json_copy(object->object.fields);
	resolve_state(&terms, resolved);
	schedule = resolved_schedule(&terms);
	steps = revenue_steps(object->history, resolve_state, &terms, switches, d->now_ms,
	    &steps_ms, why);
	if (object->object.deleted)
		set_fields(object, json_object());
	else
		set_fields(object,
		    figures_subscription(resolved, schedule, switches, d->now_ms, &changes_ms));
	/* The part wants the resolved object: what it is worth is told by its items. */
	if (at != SIZE_MAX) {
		struct object_state state = {object->object.version, object->object.deleted,
		    resolved};

		json_object_update(resolved, object->fields);
		is_part_put(&d->work->items[at], &object->id, &state, steps);
		note_changes(&d->work->items[at], object->id.id,
		    steps_ms < changes_ms ? steps_ms : changes_ms);
	}
	json_decref(steps);
	json_decref(schedule);
	json_decref(resolved);
}

/* -- facts -- */

/* Of a subscription or invoice that moved: its part at the customer it left. */
static void
leave_customer(struct derive *d, struct working_object *object)
{
	const char *now = bh_json_str(object->object.fields, "customer");
	size_t at;

	if (object->customer_before == NULL ||
	    (now != NULL && strcmp(now, object->customer_before) == 0 && !object->object.deleted))
		return;
	at = working_find(d->work, &(struct mirror_id){object->id.connection, object->id.account,
				       OBJECT_CUSTOMER, object->customer_before});
	if (at == SIZE_MAX || d->work->items[at].is_whole)
		return;
	d->work->items[at].is_facts_changed = true;
	if (!is_figures_put(d->work->items[at].facts, object->id.kind, object->id.id, NULL, NULL))
		d->work->items[at].is_whole = true;
}

/* Parts of changed objects.  Customers whose facts cannot be kept up so are marked whole. */
static void
put_parts(struct derive *d)
{
	for (size_t i = 0; i < d->work->n; i++) {
		struct working_object *object = &d->work->items[i], *customer;
		size_t at;

		if (!is_counting(object->id.kind) || !(object->is_changed || object->is_due))
			continue;
		leave_customer(d, object);
		at = customer_of(d, i);
		customer = at != SIZE_MAX ? &d->work->items[at] : NULL;
		if (customer == NULL || object->id.kind == OBJECT_SUBSCRIPTION ||
		    customer->is_whole)
			continue;
		if (!is_part_put(customer, &object->id, &object->object, NULL))
			customer->is_whole = true;
	}
}

/* -- figures -- */

static void
derive_customer(struct derive *d, struct working_object *customer)
{
	const struct revenue_switches *switches = switches_of(d, customer->id.connection);
	const char *name;
	int64_t changes_ms;
	json_t *value, *fields;

	keep_brief(customer);
	fields = figures_customer(customer->facts, customer->object.fields, switches, d->now_ms,
	    &changes_ms);
	set_fields(customer, fields);
	json_object_foreach (json_object_get(customer->facts, "changes"), name, value)
		if (json_integer_value(value) < changes_ms)
			changes_ms = json_integer_value(value);
	if (bh_json_int(customer->facts, "due", INT64_MAX) != changes_ms) {
		customer->is_facts_changed = true;
		if (changes_ms == INT64_MAX)
			json_object_del(customer->facts, "due");
		else
			json_object_set_new(customer->facts, "due", json_integer(changes_ms));
	}
}

/* -- wants -- */

static void
want(struct derive *d, const struct working_object *object, json_t *hint_take)
{
	struct source_wants *wants = &d->wants;

	source_wants_add(wants, object_kind_name(object->id.kind), object->id.account,
	    object->id.id, hint_take);
	d->want_connections =
	    bh_xrealloc(d->want_connections, wants->n * sizeof(d->want_connections[0]));
	d->want_connections[wants->n - 1] = bh_xstrdup(object->id.connection);
}

/*
 * "missing": asked for because it is not held, so that it need not be looked
 * up when it has come meanwhile.  A discount can only be had from whoever has it.
 */
static json_t *
missing_hint(const struct derive *d, const struct working_object *object)
{
	char *name = bh_xasprintf("%s %s", object_kind_name(object->id.kind), object->id.id);
	json_t *hint = json_object();

	if (object->object.fields == NULL)
		json_object_set_new(hint, "missing", json_true());
	for (size_t i = 0; i < d->work->n && json_object_get(hint, "owner") == NULL; i++) {
		const struct working_object *user = &d->work->items[i];
		const json_t *refers =
		    json_object_get(user->id.kind == OBJECT_CUSTOMER ? user->facts : user->history,
			"refers");

		if (object->id.kind != OBJECT_DISCOUNT || !user->is_due ||
		    json_object_get(refers, name) == NULL)
			continue;
		json_object_set_new(hint, "owner_kind",
		    json_string(object_kind_name(user->id.kind)));
		json_object_set_new(hint, "owner", json_string(user->id.id));
	}
	free(name);
	return hint;
}

static void
collect_wants(struct derive *d)
{
	for (size_t i = 0; i < d->work->n; i++) {
		const struct working_object *object = &d->work->items[i];
		enum object_kind kind = object->id.kind;
		bool is_partial = kind == OBJECT_COUPON && object->object.fields != NULL &&
				  !object->object.deleted &&
				  json_object_get(object->object.fields, "products") == NULL;

		if ((!is_referred(kind) && !(kind == OBJECT_CUSTOMER && object->is_due)) ||
		    object->is_changed || (object->object.fields != NULL && !is_partial) ||
		    !setup_is_askable(setup_connection(d->setup, object->id.connection)))
			continue;
		want(d, object, missing_hint(d, object));
	}
}

/* -- all of it -- */

static void
derive_all(struct derive *d)
{
	for (size_t i = 0; i < d->work->n; i++)
		if (d->work->items[i].id.kind == OBJECT_SUBSCRIPTION && d->work->items[i].is_due &&
		    d->work->items[i].object.fields != NULL)
			derive_subscription(d, i);
	for (size_t i = 0; i < d->work->n; i++)
		if (d->work->items[i].id.kind == OBJECT_CUSTOMER && d->work->items[i].is_due)
			derive_customer(d, &d->work->items[i]);
}

/* Of what a person asked to have erased nothing is kept, whoever looks at it again. */
static void
leave_erased(struct derive *d)
{
	for (size_t i = 0; i < d->work->n; i++) {
		struct working_object *object = &d->work->items[i];

		if (object->was_erased && !object->is_changed)
			object->is_history_changed = object->is_facts_changed =
			    object->is_fields_changed = false;
	}
}

int
derive_run(struct derive *d, struct bh_err *err)
{
	size_t n = d->work->n;

	for (size_t i = 0; i < n; i++)
		note_due(d, i);
	if (read_all(d, err) < 0)
		return -1;
	/* Subscriptions that were asked for by name have a customer too. */
	n = d->work->n;
	for (size_t i = 0; i < n; i++)
		if (d->work->items[i].is_due && d->work->items[i].id.kind == OBJECT_SUBSCRIPTION)
			note_due(d, i);
	if (read_all(d, err) < 0)
		return -1;
	put_parts(d);
	if (gather_whole(d, err) < 0 || read_terms(d, err) < 0)
		return -1;
	derive_all(d);
	collect_wants(d);
	leave_erased(d);
	return 0;
}

/* The tending job looks once an hour at most: so many wake-ups there are, however many timers. */
static void
set_timer(struct derive *d, const struct working_object *customer)
{
	int64_t due_ms = bh_json_int(customer->facts, "due", INT64_MAX);

	derived_timer(d->txn, &customer->id, customer->due_before_ms, due_ms);
	if (due_ms != INT64_MAX && due_ms != customer->due_before_ms)
		queue_wake(d->txn, TEND_JOB, "", (due_ms / HOUR_MS + 1) * HOUR_MS);
}

void
derive_store(struct derive *d)
{
	for (size_t i = 0; i < d->work->n; i++) {
		const struct working_object *object = &d->work->items[i];

		if (object->is_history_changed)
			derived_put(d->txn, DERIVED_HISTORY, &object->id, object->history);
		if (object->is_facts_changed) {
			derived_put(d->txn, DERIVED_FACTS, &object->id, object->facts);
			set_timer(d, object);
		}
		if (object->is_fields_changed)
			derived_put(d->txn, DERIVED_FIELDS, &object->id, object->fields);
	}
}

void
derive_release(struct derive *d)
{
	for (size_t i = 0; i < d->wants.n; i++)
		free(d->want_connections[i]);
	free(d->want_connections);
	d->want_connections = NULL;
	source_wants_release(&d->wants);
}
