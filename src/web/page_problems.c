/* Problems: what needs a person, grouped by cause, the largest group first. */
#include "base/base.h"

#include "web/page_problems.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/journal.h"
#include "state/mirror.h"
#include "web/link_view.h"
#include "web/page_event.h"
#include "web/words.h"

#define CAUSES_MAX 200 /* of one CRM */
#define GROUPS_SHOWN 100
#define WAITING_SHOWN 20
#define FAILED_SHOWN 10

struct problems {
	struct exchange *exchange;
	struct store_txn *txn; /* borrowed */
	int64_t now_ms;
	const char *only; /* code of the CRM that is looked at; NULL: all */
	json_t *crms;     /* to choose from */
	json_t *groups, *broken, *waiting, *failed;
	int64_t held, waiting_n;
	struct mapped mapped;
};

/* -- causes -- */

void
problem_path_add(struct bh_buf *out, const char *dest, const struct cause *cause)
{
	bh_buf_addf(out, "/problems/%s/%s/", dest, cause->sync);
	bh_percent_add(out, cause->object, strlen(cause->object));
	bh_buf_adds(out, "?code=");
	bh_percent_add(out, cause->code, strlen(cause->code));
}

json_t *
problems_url(const struct exchange *exchange, const char *only)
{
	return json_sprintf("%s/problems%s%s", exchange->request->base, only != NULL ? "?crm=" : "",
	    only != NULL ? only : "");
}

json_t *
problem_url(const struct exchange *exchange, const char *dest, const struct cause *cause,
    bool is_only)
{
	struct bh_buf url = BH_BUF_INIT(8192);
	json_t *text;

	bh_buf_adds(&url, exchange->request->base);
	problem_path_add(&url, dest, cause);
	if (is_only)
		bh_buf_addf(&url, "&crm=%s", dest);
	text = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	return text;
}

json_t *
problem_view(const struct exchange *exchange, const char *dest, const struct cause *cause,
    bool is_only, int64_t now_ms)
{
	return json_pack("{s:o, s:o, s:I, s:o, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:b}", "heading",
	    link_code_words(cause->code, cause->cause), "code", words_json(cause->code), "n",
	    (json_int_t)cause->n, "count", words_count_json(cause->n), "is_one", cause->n == 1,
	    "object", words_json(cause->object), "sync", cause->sync, "cause",
	    words_json(cause->cause), "remedy", words_json(cause->remedy), "last",
	    words_time_json(cause->last_ms, now_ms), "url",
	    problem_url(exchange, dest, cause, is_only), "is_choice",
	    strcmp(cause->code, LINK_AMBIGUOUS) == 0);
}

static int
compare_groups(const void *a, const void *b)
{
	int64_t left = bh_json_int(*(json_t *const *)a, "n", 0);
	int64_t right = bh_json_int(*(json_t *const *)b, "n", 0);

	return left < right ? 1 : left > right ? -1 : 0;
}

/* The largest first; what is left over is counted. */
static void
sort_groups(struct problems *p)
{
	size_t n = json_array_size(p->groups);
	json_t **items = bh_xcalloc(n, sizeof(items[0])), *sorted = json_array();

	for (size_t i = 0; i < n; i++)
		items[i] = json_array_get(p->groups, i);
	if (n > 1)
		qsort(items, n, sizeof(items[0]), compare_groups);
	for (size_t i = 0; i < n && i < GROUPS_SHOWN; i++)
		json_array_append(sorted, items[i]);
	json_decref(p->groups);
	p->groups = sorted;
	free(items);
}

static int
add_causes(struct problems *p, const struct account_connection *connection, const char *name,
    struct bh_err *err)
{
	struct cause *causes = bh_xcalloc(CAUSES_MAX, sizeof(causes[0]));
	size_t n;
	int rc = cause_list(p->txn, connection->code, CAUSES_MAX, causes, &n, err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		json_t *group = problem_view(p->exchange, connection->code, &causes[i],
		    p->only != NULL, p->now_ms);

		json_object_set_new(group, "crm", words_json(name));
		json_array_append_new(p->groups, group);
		p->held += causes[i].n;
	}
	free(causes);
	return rc;
}

/* -- waiting for a parent -- */

struct waiters {
	struct problems *p;
	struct link_id parents[WAITING_SHOWN],
	    children[WAITING_SHOWN]; /* borrowed from the transaction */
	size_t n;
};

static int
take_waiter(void *arg, const struct link_id *parent, const struct link_id *child,
    struct bh_err *err BH_UNUSED)
{
	struct waiters *w = arg;

	if (w->n == WAITING_SHOWN)
		return 0;
	w->parents[w->n] = *parent;
	w->children[w->n++] = *child;
	return 0;
}

static int
add_waiting(struct problems *p, const char *dest, const char *name, struct bh_err *err)
{
	struct waiters w = {.p = p};
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	json_t *titles[2 * WAITING_SHOWN] = {NULL};
	struct link_id ids[2 * WAITING_SHOWN];
	size_t room = WAITING_SHOWN - json_array_size(p->waiting);
	bool more;
	int rc = 0;

	if (room > 0)
		rc = link_waiters(p->txn, dest, room, &after, take_waiter, &w, &more, err);
	for (size_t i = 0; i < w.n; i++) {
		ids[i] = w.children[i];
		ids[w.n + i] = w.parents[i];
	}
	if (rc == 0)
		rc = problem_titles(p->exchange, &p->mapped, ids, 2 * w.n, titles, err);
	for (size_t i = 0; i < w.n && rc == 0; i++)
		json_array_append_new(p->waiting,
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "title", titles[i], "object",
			words_json(w.children[i].object), "url",
			mapped_url(p->exchange, &w.children[i]), "parent", titles[w.n + i],
			"parent_object", words_json(w.parents[i].object), "parent_url",
			mapped_url(p->exchange, &w.parents[i]), "crm", words_json(name)));
	bh_buf_release(&after);
	return rc;
}

/* -- connections -- */

static int
add_connection(struct problems *p, const struct account_connection *connection, struct bh_err *err)
{
	const char *name = connection->name[0] != '\0' ? connection->name : connection->code;
	struct link_lane lane;

	if (!connection->is_source)
		json_array_append_new(p->crms,
		    json_pack("{s:s, s:o, s:b}", "value", connection->code, "label",
			words_json(name), "is_chosen",
			p->only != NULL && strcmp(p->only, connection->code) == 0));
	if (p->only != NULL && strcmp(p->only, connection->code) != 0)
		return 0;
	if (connection->broken[0] != '\0')
		json_array_append_new(p->broken,
		    json_pack("{s:o, s:o, s:o, s:b}", "name", words_json(name), "why",
			words_json(connection->broken), "url",
			json_sprintf("%s/connections/%s", p->exchange->request->base,
			    connection->code),
			"is_source", connection->is_source));
	if (connection->is_source)
		return 0;
	if (add_causes(p, connection, name, err) < 0 ||
	    link_lane_get(p->txn, connection->code, &lane, err) < 0)
		return -1;
	p->waiting_n += lane.waiting_parent;
	return lane.waiting_parent > 0 ? add_waiting(p, connection->code, name, err) : 0;
}

static int
add_connections(struct problems *p, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(p->txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection connection = {0};

		rc = account_connection_load(p->txn, NULL, json_string_value(code), &connection,
		    err);
		if (rc > 0)
			rc = add_connection(p, &connection, err);
		account_connection_release(&connection);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* -- events that failed -- */

static int
add_failed(struct problems *p, struct bh_err *err)
{
	struct journal_event events[FAILED_SHOWN];
	uint64_t stamps[FAILED_SHOWN];
	size_t n;
	int rc;

	/* They are a billing system's, no CRM's. */
	if (p->only != NULL)
		return 0;
	if (journal_failed(p->txn, 0, FAILED_SHOWN, stamps, &n, err) < 0)
		return -1;
	rc = journal_read_many(p->txn, stamps, n, events, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && events[i].stamp != 0)
			json_array_append_new(p->failed,
			    event_row(p->exchange, &events[i], p->now_ms));
		journal_event_release(&events[i]);
	}
	return rc;
}

/* -- the page -- */

static json_t *
sentence(const struct problems *p)
{
	char n[WORDS_MAX];

	words_count(n, p->held);
	if (p->held == 1)
		return json_string("One record needs you.");
	if (p->held > 1)
		return json_sprintf("%s records need you.", n);
	if (json_array_size(p->broken) > 0)
		return json_string("A connection needs you.");
	if (p->only != NULL)
		return json_string("Nothing needs you there.");
	return json_string(json_array_size(p->failed) > 0 ? "Some events could not be read."
							  : "Nothing needs you.");
}

static void
set_list(json_t *model, const char *name, const char *has, json_t *list)
{
	json_object_set(model, name, list);
	json_object_set_new(model, has, json_boolean(json_array_size(list) > 0));
}

/* "214 records are tried again.": what a button on a cause's page did. */
static json_t *
done_text(const struct exchange *exchange)
{
	const char *done = request_query(exchange->request, "done");
	const char *number = request_query(exchange->request, "n");
	char count[WORDS_MAX];
	uint64_t n;

	if (done == NULL || number == NULL || !bh_is_uint(number, strlen(number), INT32_MAX, &n))
		return json_string("");
	words_count(count, (int64_t)n);
	return json_sprintf("%s %s %s.", count, n == 1 ? "record is" : "records are",
	    strcmp(done, "skip") == 0 ? "left out until they change" : "tried again");
}

static json_t *
model_of(const struct problems *p)
{
	const char *base = p->exchange->request->base;
	json_t *model = json_object();

	json_object_set_new(model, "sentence", sentence(p));
	json_object_set_new(model, "state",
	    json_string(p->held > 0 || json_array_size(p->broken) > 0 ? "bad" : "good"));
	json_object_set_new(model, "done", done_text(p->exchange));
	set_list(model, "groups", "has_groups", p->groups);
	set_list(model, "broken", "has_broken", p->broken);
	set_list(model, "waiting", "has_waiting", p->waiting);
	set_list(model, "failed", "has_failed", p->failed);
	json_object_set_new(model, "crms", json_incref(p->crms));
	json_object_set_new(model, "has_choice",
	    json_boolean(json_array_size(p->crms) > 1 || p->only != NULL));
	json_object_set_new(model, "is_all", json_boolean(p->only == NULL));
	json_object_set_new(model, "action", problems_url(p->exchange, NULL));
	json_object_set_new(model, "waiting_count", words_count_json(p->waiting_n));
	json_object_set_new(model, "is_more_waiting",
	    json_boolean(p->waiting_n > (int64_t)json_array_size(p->waiting)));
	json_object_set_new(model, "failed_url", json_sprintf("%s/activity?state=failed", base));
	json_object_set_new(model, "is_calm",
	    json_boolean(json_array_size(p->groups) + json_array_size(p->broken) +
			     json_array_size(p->waiting) + json_array_size(p->failed) ==
			 0));
	return model;
}

const char *
problems_only(const struct exchange *exchange)
{
	const struct request *request = exchange->request;
	const char *crm = strcmp(request->method, "GET") == 0 ? request_query(request, "crm")
							      : request_field(request, "crm");

	return crm != NULL && bh_is_code(crm) ? crm : NULL;
}

int
page_problems(struct exchange *exchange, struct bh_err *err)
{
	struct problems p = {.exchange = exchange,
	    .txn = exchange_read(exchange),
	    .now_ms = bh_now_ms(),
	    .only = problems_only(exchange),
	    .crms = json_array(),
	    .groups = json_array(),
	    .broken = json_array(),
	    .waiting = json_array(),
	    .failed = json_array()};
	int rc = mapped_load(exchange, NULL, NULL, NULL, &p.mapped, err);

	if (rc == 0)
		rc = add_connections(&p, err);
	if (rc == 0)
		rc = add_failed(&p, err);
	if (rc == 0) {
		sort_groups(&p);
		rc = exchange_page(exchange, 200, "problems", "Problems", model_of(&p), err);
	}
	mapped_release(&p.mapped);
	json_decref(p.crms);
	json_decref(p.groups);
	json_decref(p.broken);
	json_decref(p.waiting);
	json_decref(p.failed);
	return rc;
}

/* -- titles -- */

static const char *
title_of(const struct object_state *object, const char *id)
{
	static const char *const names[] = {"name", "legal_name", "email", "number",
	    "customer_name"};

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = bh_json_str(object->fields, names[i]);

		if (text != NULL && *text != '\0')
			return text;
	}
	return id;
}

int
problem_titles(struct exchange *exchange, const struct mapped *mapped, const struct link_id *ids,
    size_t n, json_t **titles, struct bh_err *err)
{
	struct mirror_id *held = bh_xcalloc(n, sizeof(held[0]));
	struct object_state *objects = bh_xcalloc(n, sizeof(objects[0]));
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		const struct mapped_sync *sync = mapped_find(mapped, ids[i].sync);
		const struct map_object *object =
		    sync != NULL ? mapped_object(sync, ids[i].object, NULL) : NULL;

		held[i] = (struct mirror_id){sync != NULL ? sync->account.from : "", ids[i].account,
		    object != NULL ? object->from : OBJECT_NONE, ids[i].id};
	}
	if (n != 0)
		rc = mirror_get_many(exchange_read(exchange), held, n, false, objects, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		titles[i] = words_json(title_of(&objects[i], ids[i].id));
		mirror_object_release(&objects[i]);
	}
	free(objects);
	free(held);
	return rc;
}
