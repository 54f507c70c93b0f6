/* Virtual objects: see part.h. */
#include "base/base.h"

#include "sync/part.h"

#include "base/clock.h"
#include "state/derived.h"
#include "state/queue.h"
#include "sync/event.h"
#include "sync/line.h"

/* -- marking -- */

static size_t
mark_kind(struct store_txn *txn, const struct setup_sync *sync, enum object_kind kind,
    const char *account, const char *id)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects), marked = 0;

	for (size_t i = 0; i < n; i++) {
		struct link_id link = {sync->account.to, objects[i].rank, sync->account.code,
		    objects[i].name, account, id};

		if (objects[i].from != kind)
			continue;
		link_mark(txn, &link);
		marked++;
	}
	return marked;
}

size_t
part_mark_lines(struct store_txn *txn, const struct setup_sync *sync,
    const struct mirror_id *invoice, const json_t *lines, const json_t *lines_before)
{
	json_t *names, *before, *place;
	size_t marked = 0;
	const char *name;

	if (!sync->maps_lines)
		return 0;
	names = line_names(invoice->id, lines);
	before = line_names(invoice->id, lines_before);
	json_object_update(names, before);
	json_object_foreach (names, name, place) {
		char *id = bh_xasprintf("%s/%s", invoice->id, name);

		marked += mark_kind(txn, sync, OBJECT_INVOICE_LINE, invoice->account, id);
		free(id);
	}
	json_decref(before);
	json_decref(names);
	return marked;
}

int
part_mark_told_lines(struct store_txn *txn, const struct setup_sync *sync,
    const struct mirror_id *invoice, struct bh_err *err)
{
	const struct map_object *objects;
	size_t n = map_objects(sync->map, &objects);
	char *below = bh_xasprintf("%s/", invoice->id);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct link_id of = {sync->account.to, objects[i].rank, sync->account.code,
		    objects[i].name, invoice->account, below};

		if (objects[i].from == OBJECT_INVOICE_LINE)
			rc = link_mark_below(txn, &of, 2 * LINES_MAX, err);
	}
	free(below);
	return rc;
}

bool
is_part_reaching_customer(const struct setup *setup, const char *connection)
{
	for (size_t i = 0; i < setup->syncs_n; i++)
		if (setup->syncs[i].lines_use_customer &&
		    strcmp(setup->syncs[i].account.from, connection) == 0)
			return true;
	return false;
}

static void
mark_lines_anew(struct store_txn *txn, const struct setup *setup, const struct mirror_id *invoice,
    const struct object_state *state)
{
	for (size_t i = 0; i < setup->syncs_n; i++)
		if (setup->syncs[i].lines_use_customer &&
		    strcmp(setup->syncs[i].account.from, invoice->connection) == 0)
			part_mark_lines(txn, &setup->syncs[i], invoice,
			    json_object_get(state->fields, "lines"), NULL);
}

int
part_mark_lines_of(struct store_txn *txn, const struct setup *setup,
    const struct mirror_id *invoices, size_t n, struct bh_err *err)
{
	struct object_state states[PART_INVOICES_PAGE] = {0};
	int rc;

	if (n == 0)
		return 0;
	rc = mirror_get_many(txn, invoices, n, false, states, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		mark_lines_anew(txn, setup, &invoices[i], &states[i]);
		mirror_object_release(&states[i]);
	}
	return rc;
}

void
part_mark_event(struct store_txn *txn, const struct setup *setup, const struct journal_event *event,
    const char *account)
{
	char name[EVENT_NAME];

	event_name(name, event->stamp);
	for (size_t i = 0; i < setup->syncs_n; i++) {
		const struct setup_sync *sync = &setup->syncs[i];

		if (strcmp(sync->account.from, event->connection) == 0 &&
		    mark_kind(txn, sync, OBJECT_EVENT, account, name) != 0)
			queue_wake(txn, "push", sync->account.to, bh_now_ms());
	}
}

/* -- making -- */

int
part_normalise(const struct setup_connection *connection, const struct journal_event *event,
    struct source_result *result, struct bh_err *err)
{
	struct source_event envelope = {0};
	struct source_config config;
	json_t *body = NULL;
	int rc;

	if (connection == NULL || connection->source == NULL)
		return bh_fail(err, BH_INVALID, "the connection %s is not set up any more",
		    event->connection);
	config = setup_source_config(connection);
	snprintf(envelope.id, sizeof(envelope.id), "%s", event->id);
	snprintf(envelope.type, sizeof(envelope.type), "%s", event->type);
	rc = bh_json_parse(event->body, event->body_len, &body, err);
	if (rc == 0)
		rc = connection->source->normalise(&config, &envelope, body, event->received_ms,
		    result, err);
	json_decref(body);
	return rc;
}

/* The subject's id in the mirror, which may know it by another one; appended to held. */
static int
find_subject(struct store_txn *txn, const char *connection, const struct object_change *subject,
    struct bh_buf *held, struct bh_err *err)
{
	const struct mirror_id by_id = {connection, subject->account, subject->kind, subject->id};
	const struct mirror_id by_alias = {connection, subject->account, subject->kind,
	    subject->alias};
	int rc = 0;

	if (subject->alias[0] != '\0')
		rc = mirror_held(txn, &by_id, held, err);
	if (rc == 0 && subject->alias[0] != '\0')
		rc = mirror_held(txn, &by_alias, held, err);
	if (rc == 0)
		bh_buf_adds(held, subject->id);
	return rc < 0 ? -1 : 0;
}

/* The event told no customer: the one that the mirror's object names now. */
static int
find_customer(struct store_txn *txn, const struct mirror_id *id, char customer[256],
    struct bh_err *err)
{
	struct object_state state = {0};
	const char *held;

	customer[0] = '\0';
	if (mirror_get(txn, id, false, &state, err) < 0)
		return -1;
	held = bh_json_str(state.fields, "customer");
	if (held != NULL)
		snprintf(customer, 256, "%s", held);
	mirror_object_release(&state);
	return 0;
}

static int
view_changes(struct store_txn *txn, const struct journal_event *event,
    const struct object_changes *changes, struct object_state *object, struct bh_err *err)
{
	const struct object_change *subject = event_subject(changes);
	const char *customer = event_customer(changes);
	struct bh_buf held = BH_BUF_INIT(sizeof(subject->id));
	struct mirror_id id;
	char found[256];
	int rc;

	if (subject == NULL)
		return 0;
	rc = find_subject(txn, event->connection, subject, &held, err);
	id = (struct mirror_id){event->connection, subject->account, subject->kind,
	    bh_buf_str(&held)};
	if (rc == 0 && customer == NULL) {
		rc = find_customer(txn, &id, found, err);
		customer = found[0] != '\0' ? found : NULL;
	}
	if (rc == 0)
		object->fields = event_fields(event, changes, id.id, customer);
	bh_buf_release(&held);
	return rc;
}

/* An event that was removed or erased, or that its driver reads no more, leaves nothing to be made. */
static int
view_event(struct store_txn *txn, const struct setup *setup, const struct mirror_id *id,
    struct object_state *object, struct bh_err *err)
{
	struct source_result result = {0};
	struct journal_event event;
	uint64_t stamp;
	int rc;

	if (!is_event_name(id->id, &stamp))
		return 0;
	rc = journal_read(txn, stamp, &event, err);
	if (rc > 0 && !event.erased &&
	    part_normalise(setup_connection(setup, event.connection), &event, &result, NULL) == 0)
		rc = view_changes(txn, &event, &result.changes, object, err);
	source_result_release(&result);
	journal_event_release(&event);
	return rc < 0 ? -1 : 0;
}

/* Lines of one invoice stand together, as their marks are sorted: it is read once. */
struct invoice_at_hand {
	struct mirror_id id; /* id owned; NULL: none */
	char *text;
	struct object_state state;
	json_t *names;
};

static void
put_down(struct invoice_at_hand *hand)
{
	mirror_object_release(&hand->state);
	json_decref(hand->names);
	free(hand->text);
	*hand = (struct invoice_at_hand){0};
}

static bool
is_at_hand(const struct invoice_at_hand *hand, const struct mirror_id *line, size_t invoice_len)
{
	return hand->text != NULL && strlen(hand->text) == invoice_len &&
	       strncmp(hand->text, line->id, invoice_len) == 0 &&
	       strcmp(hand->id.connection, line->connection) == 0 &&
	       strcmp(hand->id.account, line->account) == 0;
}

static int
pick_up(struct store_txn *txn, struct invoice_at_hand *hand, const struct mirror_id *line,
    size_t invoice_len, struct bh_err *err)
{
	if (is_at_hand(hand, line, invoice_len))
		return 0;
	put_down(hand);
	hand->text = bh_xstrndup(line->id, invoice_len);
	hand->id = (struct mirror_id){line->connection, line->account, OBJECT_INVOICE, hand->text};
	if (derived_view_many(txn, &hand->id, 1, &hand->state, err) < 0)
		return -1;
	hand->names = line_names(hand->text, json_object_get(hand->state.fields, "lines"));
	return 0;
}

/* On request; a deletion at the source may leave no fields either, and is told. */
static bool
is_erased(const struct object_state *invoice)
{
	return is_mirror_erased(invoice) && strcmp(invoice->version.tie, OBJECT_TIE_ERASED) == 0;
}

static int
view_line(struct store_txn *txn, struct invoice_at_hand *hand, const struct mirror_id *id,
    struct object_state *object, struct bh_err *err)
{
	const char *name = line_name(id->id);

	if (name == NULL)
		return 0;
	if (pick_up(txn, hand, id, (size_t)(name - 1 - id->id), err) < 0)
		return -1;
	if (hand->state.fields == NULL || is_erased(&hand->state))
		return 0;
	object->version = hand->state.version;
	object->fields = line_fields(hand->text, &hand->state, hand->names, name);
	return 0;
}

/* The others in one message, as ever; a batch of one lane seldom holds both. */
static int
view_mirrored(struct store_txn *txn, const struct mirror_id *ids, size_t n,
    struct object_state *objects, struct bh_err *err)
{
	struct mirror_id *some = bh_xcalloc(n, sizeof(some[0]));
	struct object_state *read = bh_xcalloc(n, sizeof(read[0]));
	size_t count = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_object_virtual(ids[i].kind))
			some[count++] = ids[i];
	if (count != 0)
		rc = derived_view_many(txn, some, count, read, err);
	count = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (!is_object_virtual(ids[i].kind))
			objects[i] = read[count++];
	free(read);
	free(some);
	return rc;
}

int
part_view_many(struct store_txn *txn, const struct setup *setup, const struct mirror_id *ids,
    size_t n, struct object_state *objects, struct bh_err *err)
{
	struct invoice_at_hand hand = {0};
	int rc = view_mirrored(txn, ids, n, objects, err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (ids[i].kind == OBJECT_INVOICE_LINE)
			rc = view_line(txn, &hand, &ids[i], &objects[i], err);
		else if (ids[i].kind == OBJECT_EVENT)
			rc = view_event(txn, setup, &ids[i], &objects[i], err);
	}
	put_down(&hand);
	return rc;
}

bool
is_part_over(enum object_kind kind, const json_t *fields, const struct link *link)
{
	return kind == OBJECT_INVOICE_LINE && bh_is_json_true(fields, "deleted") &&
	       link->remote_id[0] == '\0' && link->state != LINK_UNCERTAIN;
}

const char *
part_key_id(enum object_kind kind, const char *id, const json_t *fields)
{
	const char *own = kind == OBJECT_EVENT ? bh_json_str(fields, "event_id") : NULL;

	return own != NULL ? own : id;
}
