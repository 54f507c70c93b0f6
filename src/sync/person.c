/*
 * One person: see person.h.  Here: who is meant, the mirror, what hangs on a
 * customer by its key, and the order of things.  The rest is in person_parts.c.
 *
 * States of an erasure, which a run that is killed leaves for the next:
 *
 *   events, trail, records, links,       | found by the ids of the objects
 *   wants, alerts, spool                 |
 *   objects but the customers, with what | still listed as the customer's
 *   was worked out of each               |
 *   what hangs on a customer, with it    | the customer is found until here
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/derived.h"
#include "state/roster.h"
#include "store/key.h"
#include "sync/automate.h"
#include "sync/person_internal.h"

#define PAGE 1000
#define OBJECTS_PAGE 200 /* read and written at once: each may be large */
#define ROUNDS_MAX 10    /* of erasing what came in meanwhile */

/* Every family of the store whose keys begin with connection, account and customer: ids alone. */
static const char *const customer_families[] = {"Mc", "Md", "Ws"};

static const char *const part_names[PERSON__MAX] = {"objects", "links", "records", "derived",
    "alerts", "lookups", "events", "trail", "spool"};

const char *
person_part_name(enum person_part part)
{
	return part < PERSON__MAX ? part_names[part] : "";
}

/* -- the person -- */

const struct person_scope *
person_scope(const struct person *person, const char *connection)
{
	for (size_t i = 0; i < person->scopes_n; i++)
		if (strcmp(person->scopes[i].connection, connection) == 0)
			return &person->scopes[i];
	return NULL;
}

static char *
object_name(const struct mirror_id *id)
{
	return bh_xasprintf("%s\n%s\n%d\n%s", id->connection, id->account, (int)id->kind, id->id);
}

bool
is_person_object(const struct person *person, const struct mirror_id *id)
{
	char *name = object_name(id);
	bool is_known = json_object_get(person->index, name) != NULL;

	free(name);
	return is_known;
}

static void
add_object(struct person *person, const struct mirror_id *id)
{
	const struct person_scope *scope = person_scope(person, id->connection);
	char *name;

	if (scope == NULL || is_person_object(person, id))
		return;
	name = object_name(id);
	json_object_set_new(person->index, name, json_true());
	free(name);
	if (person->objects_n == person->objects_cap) {
		person->objects_cap = person->objects_cap != 0 ? person->objects_cap * 2 : 64;
		person->objects =
		    bh_xrealloc(person->objects, person->objects_cap * sizeof(person->objects[0]));
	}
	person->objects[person->objects_n++] = (struct mirror_id){bh_xstrdup(id->connection),
	    bh_xstrdup(id->account), id->kind, bh_xstrdup(id->id)};
	mention_add(scope->mention, id->kind, id->id);
}

void
person_free(struct person **person_at)
{
	struct person *person = *person_at;

	if (person == NULL)
		return;
	for (size_t i = 0; i < person->scopes_n; i++) {
		free(person->scopes[i].connection);
		mention_free(&person->scopes[i].mention);
	}
	for (size_t i = 0; i < person->objects_n; i++) {
		free((char *)(uintptr_t)person->objects[i].connection);
		free((char *)(uintptr_t)person->objects[i].account);
		free((char *)(uintptr_t)person->objects[i].id);
	}
	setup_free(&person->setup);
	json_decref(person->index);
	free(person->objects);
	free(person->scopes);
	free(person->who);
	free(person->email);
	free(person);
	*person_at = NULL;
}

size_t
person_customers(const struct person *person)
{
	return person->customers_n;
}

size_t
person_objects(const struct person *person)
{
	return person->objects_n;
}

struct mirror_id
person_object(const struct person *person, size_t i)
{
	return person->objects[i];
}

void
person_watch(struct person *person, int (*tick)(void *arg, size_t read, struct bh_err *err),
    void *arg)
{
	person->tick = tick;
	person->tick_arg = arg;
}

int
person_tick(const struct person *person, struct bh_err *err)
{
	return person->tick != NULL ? person->tick(person->tick_arg, person->read, err) : 0;
}

/* -- finding -- */

/* Is the address, folded, one of a list, separated by commas, semicolons or spaces? */
static bool
is_listed(const char *list, const char *email)
{
	struct bh_buf folded = BH_BUF_INIT(SIZE_MAX / 2);
	size_t len = strlen(email);
	const char *at;
	bool found = false;

	if (list != NULL)
		bh_fold_add(&folded, list, strlen(list));
	at = bh_buf_str(&folded);
	while (!found && *at != '\0') {
		size_t n = strcspn(at, ",; <>");

		found = n == len && strncmp(at, email, len) == 0;
		at += n + (at[n] != '\0');
	}
	bh_buf_release(&folded);
	return found;
}

static bool
is_meant(const struct person *person, const struct mirror_id *id, const json_t *fields)
{
	const char *external = bh_json_str(fields, "external_id");

	if (strcmp(id->id, person->who) == 0 ||
	    (external != NULL && strcmp(external, person->who) == 0))
		return true;
	return person->is_email &&
	       (is_listed(bh_json_str(fields, "email"), person->email) ||
		   is_listed(bh_json_str(fields, "billing_email"), person->email));
}

static int
look_at_customer(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err BH_UNUSED)
{
	struct person *person = arg;
	const char *external = bh_json_str(object->fields, "external_id");

	if (!is_meant(person, id, object->fields))
		return 0;
	add_object(person, id);
	if (external != NULL)
		mention_add(person_scope(person, id->connection)->mention, OBJECT_CUSTOMER,
		    external);
	return 0;
}

static int
find_customers(struct person *person, const char *connection, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct store_txn *txn = store_begin(person->context->store);

		rc = mirror_walk(txn, connection, OBJECT_CUSTOMER, PAGE, &after, look_at_customer,
		    person, &more, err);
		store_free(&txn);
	}
	bh_buf_release(&after);
	return rc;
}

/* Objects that a page of the index lists; each is looked at, for one may have moved to another customer. */
struct children {
	struct mirror_id ids[OBJECTS_PAGE]; /* id owned */
	size_t n;
};

static int
take_child(void *arg, const struct mirror_id *id, struct bh_err *err BH_UNUSED)
{
	struct children *children = arg;

	children->ids[children->n] = *id;
	children->ids[children->n++].id = bh_xstrdup(id->id);
	return 0;
}

static void
add_children(struct person *person, const struct mirror_id *customer,
    const struct children *children, struct object_state *objects)
{
	for (size_t i = 0; i < children->n; i++) {
		const char *of = bh_json_str(objects[i].fields, "customer");

		if (objects[i].fields != NULL && (is_mirror_erased(&objects[i]) ||
						     (of != NULL && strcmp(of, customer->id) == 0)))
			add_object(person, &children->ids[i]);
		mirror_object_release(&objects[i]);
		free((char *)(uintptr_t)children->ids[i].id);
	}
}

static int
find_children(struct person *person, size_t customer_at, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct mirror_id customer = person->objects[customer_at];
		struct store_txn *txn = store_begin(person->context->store);
		struct object_state objects[OBJECTS_PAGE] = {0};
		struct children children = {.n = 0};

		rc = mirror_children(txn, &customer, OBJECTS_PAGE, &after, take_child, &children,
		    &more, err);
		if (rc == 0 && children.n != 0)
			rc = mirror_get_many(txn, children.ids, children.n, false, objects, err);
		add_children(person, &customer, &children, objects);
		store_free(&txn);
	}
	bh_buf_release(&after);
	return rc;
}

static int
find_all_children(struct person *person, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < person->customers_n && rc == 0; i++)
		rc = find_children(person, i, err);
	return rc;
}

static void
add_scope(struct person *person, const char *connection)
{
	struct person_scope *scope;

	if (person_scope(person, connection) != NULL)
		return;
	person->scopes =
	    bh_xrealloc(person->scopes, (person->scopes_n + 1) * sizeof(person->scopes[0]));
	scope = &person->scopes[person->scopes_n++];
	*scope = (struct person_scope){bh_xstrdup(connection), mention_new()};
	/* Named in events that the mirror knows nothing of. */
	if (person->is_email)
		mention_add_email(scope->mention, person->email);
	else
		mention_add(scope->mention, OBJECT_CUSTOMER, person->who);
}

const struct person_scope *
person_scope_of_event(struct person *person, const char *connection)
{
	if (person->is_everywhere)
		add_scope(person, connection);
	return person_scope(person, connection);
}

/* The connections searched: those of which something is mirrored, or that are set up. */
static int
find_scopes(struct person *person, const char *connection, struct bh_err *err)
{
	struct store_txn *txn = store_begin(person->context->store);
	json_t *mirrored = NULL, *set_up = NULL, *code;
	size_t i;
	int rc = mirror_connections(txn, &mirrored, err);

	if (rc == 0)
		rc = account_connections(txn, &set_up, err);
	if (rc == 0)
		json_array_extend(mirrored, set_up);
	json_array_foreach (mirrored, i, code)
		if (rc == 0 &&
		    (connection == NULL || strcmp(connection, json_string_value(code)) == 0))
			add_scope(person, json_string_value(code));
	json_decref(mirrored);
	json_decref(set_up);
	store_free(&txn);
	if (rc == 0 && person->scopes_n == 0 && connection != NULL)
		return bh_fail(err, BH_INVALID, "there is no connection %.64s", connection);
	return rc;
}

static char *
folded(const char *text)
{
	struct bh_buf out = BH_BUF_INIT(SIZE_MAX / 2);
	char *copy;

	bh_fold_add(&out, text, strlen(text));
	copy = bh_xstrdup(bh_buf_str(&out));
	bh_buf_release(&out);
	return copy;
}

/* An id counts as it is written, but for blanks around it. */
static char *
trimmed(const char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return bh_xstrndup(text, len);
}

int
person_find(const struct sync_context *context, const char *who, const char *connection,
    struct person **person_r, struct bh_err *err)
{
	struct person *person = bh_xcalloc(1, sizeof(*person));
	int rc;

	person->context = context;
	person->who = trimmed(who);
	person->is_email = strchr(who, '@') != NULL;
	person->email = folded(who);
	person->is_everywhere = connection == NULL;
	person->index = json_object();
	rc = find_scopes(person, connection, err);
	if (rc == 0)
		rc = setup_load(context->store, context->key, &person->setup, err);
	for (size_t i = 0; i < person->scopes_n && rc == 0; i++)
		rc = find_customers(person, person->scopes[i].connection, err);
	person->customers_n = person->objects_n;
	if (rc == 0)
		rc = find_all_children(person, err);
	if (rc < 0)
		person_free(&person);
	*person_r = person;
	return rc;
}

/* -- objects -- */

static json_t *
object_json(const struct mirror_id *id, const struct object_state *object)
{
	json_t *fields = json_copy(object->fields);
	char at[BH_CLOCK_TEXT];

	json_object_del(fields, OBJECT_OLDER);
	bh_rfc3339(at, object->version.at_ms);
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:o}", "connection", id->connection,
	    "account", id->account, "kind", object_kind_name(id->kind), "id", id->id, "deleted",
	    object->deleted, "at", at, "fields", fields);
}

static int
show_objects(struct person_sweep *sweep, struct bh_err *err)
{
	const struct person *person = sweep->person;
	int rc = 0;

	for (size_t i = 0; i < person->objects_n && rc == 0; i++) {
		struct store_txn *txn = store_begin(person->context->store);
		struct object_state object = {0};
		json_t *item = NULL;

		rc = mirror_get(txn, &person->objects[i], false, &object, err);
		if (rc > 0 && !is_mirror_erased(&object))
			item = object_json(&person->objects[i], &object);
		if (rc >= 0)
			rc = item != NULL ? sweep->each(sweep->arg, PERSON_OBJECT, item, err) : 0;
		if (rc == 0)
			rc = person_tick(person, err);
		json_decref(item);
		mirror_object_release(&object);
		store_free(&txn);
	}
	return rc;
}

/* What was worked out of a page of them; the family is told by name. */
static int
show_derived_page(struct person_sweep *sweep, const struct mirror_id *ids, size_t n,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(sweep->person->context->store);
	size_t docs_n = n * DERIVED_FAMILIES;
	struct derived_doc *docs = bh_xcalloc(docs_n, sizeof(docs[0]));
	int rc;

	for (size_t i = 0; i < docs_n; i++)
		docs[i] = (struct derived_doc){(enum derived_family)(i % DERIVED_FAMILIES),
		    ids[i / DERIVED_FAMILIES], NULL};
	rc = derived_get_many(txn, docs, docs_n, false, err);
	for (size_t i = 0; i < docs_n && rc == 0; i++) {
		const struct mirror_id *id = &docs[i].id;
		json_t *item;

		if (docs[i].doc == NULL)
			continue;
		item = json_pack("{s:s, s:s, s:s, s:s, s:s, s:O}", "family",
		    derived_family_name(docs[i].family), "connection", id->connection, "account",
		    id->account, "kind", object_kind_name(id->kind), "id", id->id, "value",
		    docs[i].doc);
		rc = sweep->each(sweep->arg, PERSON_DERIVED, item, err);
		json_decref(item);
	}
	derived_release(docs, docs_n);
	free(docs);
	store_free(&txn);
	return rc;
}

static int
show_derived(struct person_sweep *sweep, struct bh_err *err)
{
	const struct person *person = sweep->person;
	int rc = 0;

	for (size_t i = 0; i < person->objects_n && rc == 0; i += OBJECTS_PAGE) {
		size_t left = person->objects_n - i;

		rc = show_derived_page(sweep, &person->objects[i],
		    left < OBJECTS_PAGE ? left : OBJECTS_PAGE, err);
		if (rc == 0)
			rc = person_tick(person, err);
	}
	return rc;
}

/* Some objects in one commit. */
struct erasure {
	const struct mirror_id *ids;
	size_t n;
	size_t erased, derived;
};

/* The list of customers forgets those of them that are customers; fields as they are still stored. */
static int
unlist(struct store_txn *txn, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err)
{
	struct derived_doc doc = {DERIVED_FIELDS, *id, NULL};
	struct roster_view was = {object->deleted ? NULL : object->fields, NULL};

	if (id->kind != OBJECT_CUSTOMER)
		return 0;
	if (derived_get_many(txn, &doc, 1, true, err) < 0)
		return -1;
	was.derived = doc.doc;
	roster_erase(txn, id, &was);
	derived_release(&doc, 1);
	return 0;
}

static int
erase_ids(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct object_state objects[OBJECTS_PAGE] = {0};
	struct erasure *erasure = arg;
	int rc = mirror_get_many(txn, erasure->ids, erasure->n, true, objects, err);

	erasure->erased = 0;
	for (size_t i = 0; i < erasure->n; i++) {
		if (rc == 0 && objects[i].fields != NULL && !is_mirror_erased(&objects[i])) {
			rc = unlist(txn, &erasure->ids[i], &objects[i], err);
			mirror_erase(txn, &erasure->ids[i], &objects[i], bh_now_ms());
			erasure->erased++;
		}
		mirror_object_release(&objects[i]);
	}
	if (rc == 0 && erasure->erased != 0)
		rc = automate_forget(txn, erasure->ids, erasure->n, err);
	if (rc == 0)
		rc = derived_erase_many(txn, erasure->ids, erasure->n, &erasure->derived, err);
	if (rc < 0)
		return -1;
	return erasure->erased == 0 && erasure->derived == 0;
}

static int
erase_objects(struct person_sweep *sweep, size_t from, size_t to, struct bh_err *err)
{
	const struct person *person = sweep->person;

	while (from < to) {
		size_t n = to - from < OBJECTS_PAGE ? to - from : OBJECTS_PAGE;
		struct erasure erasure = {&person->objects[from], n, 0, 0};

		(void)bh_fault("person-object");
		if (store_run(person->context->store, erase_ids, &erasure, NULL, err) < 0)
			return -1;
		sweep->done->n[PERSON_OBJECT] += erasure.erased;
		sweep->done->n[PERSON_DERIVED] += erasure.derived;
		from += n;
		if (person_tick(person, err) < 0)
			return -1;
	}
	return 0;
}

/* -- what hangs on a customer by its key -- */

static void
key_family(struct key *key, const char *family, const struct mirror_id *customer)
{
	key_begin(key, family);
	key_text(key, customer->connection);
	key_text(key, customer->account);
	key_text(key, customer->id);
}

/* A page of one family, deleted in one commit. */
static int
erase_entries(struct person_sweep *sweep, struct store_scan *scan, bool *more_r, struct bh_err *err)
{
	struct store_txn *txn = store_begin(sweep->person->context->store);
	const struct store_entry *entries;
	size_t n = 0;
	int rc = store_scan(txn, scan, &entries, &n, more_r, err);

	for (size_t i = 0; i < n && rc == 0; i++)
		store_delete(txn, entries[i].key, entries[i].key_len);
	if (rc == 0 && n != 0) {
		(void)bh_fault("person-family");
		rc = store_commit(txn, NULL, err);
	}
	store_free(&txn);
	return rc;
}

static int
erase_family(struct person_sweep *sweep, const char *family, const struct mirror_id *customer,
    struct bh_err *err)
{
	struct store_scan scan = {.max = PAGE, .keys_only = true};
	struct key prefix;
	bool more = true;
	int rc = 0;

	key_family(&prefix, family, customer);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	while (rc == 0 && more)
		rc = erase_entries(sweep, &scan, &more, err);
	return rc;
}

static int
erase_families(struct person_sweep *sweep, const struct mirror_id *customer, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < BH_LEN(customer_families) && rc == 0; i++)
		rc = erase_family(sweep, customer_families[i], customer, err);
	return rc;
}

/* -- in order -- */

int
person_visit(struct person *person,
    int (*each)(void *arg, enum person_part part, const json_t *item, struct bh_err *err),
    void *arg, struct bh_err *err)
{
	struct person_sweep sweep = {.person = person, .each = each, .arg = arg};
	int rc = show_objects(&sweep, err);

	person->events_seen = 0;
	if (rc == 0)
		rc = person_links(&sweep, err);
	if (rc == 0)
		rc = person_records(&sweep, err);
	if (rc == 0)
		rc = show_derived(&sweep, err);
	if (rc == 0)
		rc = person_alerts(&sweep, err);
	if (rc == 0)
		rc = person_wants(&sweep, err);
	if (rc == 0)
		rc = person_events(&sweep, err);
	if (rc == 0)
		rc = person_trail(&sweep, err);
	if (rc == 0)
		rc = person_spool(&sweep, err);
	return rc;
}

/* One way through; what came in while it went is left to the next. */
static int
erase_once(struct person_sweep *sweep, struct bh_err *err)
{
	const struct person *person = sweep->person;
	int rc = person_spool(sweep, err);

	if (rc == 0)
		rc = person_events(sweep, err);
	if (rc == 0)
		rc = person_trail(sweep, err);
	if (rc == 0)
		rc = person_records(sweep, err);
	if (rc == 0)
		rc = person_links(sweep, err);
	if (rc == 0)
		rc = person_wants(sweep, err);
	if (rc == 0)
		rc = person_alerts(sweep, err);
	if (rc == 0)
		rc = erase_objects(sweep, person->customers_n, person->objects_n, err);
	for (size_t i = 0; i < person->customers_n && rc == 0; i++) {
		rc = erase_families(sweep, &person->objects[i], err);
		if (rc == 0)
			rc = erase_objects(sweep, i, i + 1, err);
	}
	return rc;
}

int
person_erase(struct person *person, int (*gone)(void *arg, const json_t *link), void *arg,
    struct person_done *done, struct bh_err *err)
{
	struct person_sweep sweep = {.person = person, .gone = gone, .arg = arg, .done = done};
	size_t events;
	int rc;

	memset(done, 0, sizeof(*done));
	person->events_seen = 0;
	rc = erase_once(&sweep, err);
	/* What was sent meanwhile, and what ingest has made of it. */
	for (int round = 0; rc == 0 && round < ROUNDS_MAX; round++) {
		events = done->n[PERSON_EVENT];
		rc = person_events(&sweep, err);
		if (rc == 0 && events == done->n[PERSON_EVENT])
			break;
		if (rc == 0)
			rc = find_all_children(person, err);
		if (rc == 0)
			rc = erase_once(&sweep, err);
	}
	return rc == 0 ? person_forget_looks(person->context, err) : rc;
}
