/* Activity: the log of events with its filters, one event, and handling them again. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/journal.h"
#include "state/trail.h"
#include "web/page.h"
#include "web/words.h"

#define SHOWN 50
#define LOOKED_AT 1000 /* events that one page looks at for those that fit */
#define SEARCHED 200   /* the same when their bodies are searched */
#define PAGE 200
#define BODY_SHOWN 65536

static const struct {
	const char *state, *word;
} states[JOURNAL__MAX] = {{"busy", "received"}, {"good", "applied"}, {"idle", "older"},
    {"idle", "ignored"}, {"idle", "unknown type"}, {"bad", "failed"}, {"busy", "looked up"}};

/* What is asked for; all may be empty. */
struct filter {
	const char *q, *connection, *state, *type;
	int64_t since_ms, until_ms; /* INT64_MIN, INT64_MAX: open */
	uint64_t before;
};

struct log {
	struct exchange *exchange;
	struct filter filter;
	int64_t now_ms;
	json_t *events;
	size_t looked_at;
	uint64_t last; /* stamp of the last one looked at; 0: the log is through */
};

static const char *
query(const struct exchange *exchange, const char *name)
{
	const char *text = request_query(exchange->request, name);

	return text != NULL ? text : "";
}

/* False: a time cannot be read. */
static bool
is_filter_read(const struct exchange *exchange, struct filter *filter)
{
	const char *since = query(exchange, "since"), *until = query(exchange, "until");
	const char *before = query(exchange, "before");
	uint64_t stamp = 0;

	*filter = (struct filter){query(exchange, "q"), query(exchange, "connection"),
	    query(exchange, "state"), query(exchange, "type"), INT64_MIN, INT64_MAX, 0};
	if (*before != '\0' && bh_is_uint(before, strlen(before), UINT64_MAX, &stamp))
		filter->before = stamp;
	return (*since == '\0' || bh_is_time(since, &filter->since_ms)) &&
	       (*until == '\0' || bh_is_time(until, &filter->until_ms));
}

/* "invoice.*" takes all that begin so. */
static bool
is_type(const char *pattern, const char *type)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(pattern, type, len - 1) == 0;
	return len == 0 || strcmp(pattern, type) == 0;
}

static bool
is_fitting(const struct filter *filter, const struct journal_event *event)
{
	return (*filter->connection == '\0' ||
		   strcmp(filter->connection, event->connection) == 0) &&
	       (*filter->state == '\0' ||
		   strcmp(filter->state, journal_state_name(event->state)) == 0) &&
	       is_type(filter->type, event->type) && event->received_ms >= filter->since_ms &&
	       event->received_ms < filter->until_ms;
}

/* The id itself, or anywhere in what it changed or carries. */
static bool
is_mentioned(struct log *log, const struct journal_event *event)
{
	struct journal_event whole;
	char *objects;
	bool found;

	if (strcmp(event->id, log->filter.q) == 0)
		return true;
	objects = event->objects != NULL ? bh_json_text(event->objects) : bh_xstrdup("");
	found = strstr(objects, log->filter.q) != NULL;
	free(objects);
	if (found || journal_read(exchange_read(log->exchange), event->stamp, &whole, NULL) <= 0)
		return found;
	found = whole.body != NULL && strstr(whole.body, log->filter.q) != NULL;
	journal_event_release(&whole);
	return found;
}

static void
add_event(struct log *log, const struct journal_event *event)
{
	enum journal_state state = event->state < JOURNAL__MAX ? event->state : JOURNAL_FAILED;
	size_t changed = json_array_size(event->objects);

	json_array_append_new(log->events,
	    json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state",
		states[state].state, "word", states[state].word, "type",
		words_json(event->type[0] != '\0' ? event->type : "event"), "id",
		words_json(event->id), "connection", words_json(event->connection), "note",
		words_json(event->note), "time", words_time_json(event->received_ms, log->now_ms),
		"url",
		json_sprintf("%s/activity/%llu", log->exchange->request->base,
		    (unsigned long long)event->stamp),
		"stamp", json_sprintf("%llu", (unsigned long long)event->stamp), "changed",
		changed == 0 ? json_string("") : json_sprintf("%zu", changed)));
}

/* One page of the journal; 1 go on, 0 enough, -1. */
static int
look_at(struct log *log, struct journal_event *events, struct bh_err *err)
{
	size_t most = *log->filter.q != '\0' ? SEARCHED : LOOKED_AT, n = 0;
	int rc;

	if (journal_list(exchange_read(log->exchange), log->last, PAGE, events, &n, err) < 0)
		return -1;
	rc = n == PAGE;
	if (n == 0)
		log->last = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_room = json_array_size(log->events) < SHOWN && log->looked_at < most;

		if (is_room) {
			log->looked_at++;
			log->last = events[i].stamp;
			if (is_fitting(&log->filter, &events[i]) &&
			    (*log->filter.q == '\0' || is_mentioned(log, &events[i])))
				add_event(log, &events[i]);
			if (events[i].received_ms < log->filter.since_ms)
				rc = 0;
		} else {
			rc = 0;
		}
		journal_event_release(&events[i]);
	}
	if (n < PAGE && log->looked_at < most && json_array_size(log->events) < SHOWN)
		log->last = 0;
	return rc;
}

static int
read_log(struct log *log, struct bh_err *err)
{
	struct journal_event *events = bh_xcalloc(PAGE, sizeof(events[0]));
	int rc;

	log->last = log->filter.before;
	do {
		rc = look_at(log, events, err);
	} while (rc > 0);
	free(events);
	return rc;
}

static json_t *
states_view(const char *chosen)
{
	json_t *list = json_array();

	for (int i = 0; i < JOURNAL__MAX; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "value", journal_state_name((enum journal_state)i),
			"label", states[i].word, "is_chosen",
			strcmp(chosen, journal_state_name((enum journal_state)i)) == 0));
	return list;
}

static int
connections_view(struct exchange *exchange, const char *chosen, json_t **list_r, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;

	*list_r = json_array();
	if (account_connections(exchange_read(exchange), &codes, err) < 0)
		return -1;
	json_array_foreach (codes, i, code)
		json_array_append_new(*list_r, json_pack("{s:O, s:b}", "code", code, "is_chosen",
						   strcmp(chosen, json_string_value(code)) == 0));
	json_decref(codes);
	return 0;
}

/* The same filters, further back. */
static json_t *
older_url(const struct log *log)
{
	static const char *const names[] = {"q", "connection", "state", "type", "since", "until"};
	struct bh_buf url = BH_BUF_INIT(8192);
	json_t *json;

	bh_buf_addf(&url, "%s/activity?before=%llu", log->exchange->request->base,
	    (unsigned long long)log->last);
	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *value = query(log->exchange, names[i]);

		if (*value == '\0')
			continue;
		bh_buf_addf(&url, "&%s=", names[i]);
		bh_percent_add(&url, value, strlen(value));
	}
	json = log->last > 1 ? words_json(bh_buf_str(&url)) : json_string("");
	bh_buf_release(&url);
	return json;
}

int
page_activity(struct exchange *exchange, struct bh_err *err)
{
	struct log log = {.exchange = exchange, .now_ms = bh_now_ms(), .events = json_array()};
	bool is_good = is_filter_read(exchange, &log.filter);
	const char *replayed = query(exchange, "replayed"), *base = exchange->request->base;
	char looked_at[WORDS_MAX];
	json_t *connections = NULL, *model;
	size_t n;
	int rc = connections_view(exchange, log.filter.connection, &connections, err);

	if (rc == 0 && is_good)
		rc = read_log(&log, err);
	if (rc < 0) {
		json_decref(connections);
		json_decref(log.events);
		return -1;
	}
	words_count(looked_at, (int64_t)log.looked_at);
	n = json_array_size(log.events);
	model = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o}", "q",
	    words_json(log.filter.q), "type", words_json(log.filter.type), "since",
	    words_json(query(exchange, "since")), "until", words_json(query(exchange, "until")),
	    "states", states_view(log.filter.state), "connections", connections, "older_url",
	    older_url(&log), "looked_at", looked_at, "has_events", n > 0, "action",
	    json_sprintf("%s/activity", base));
	json_object_set_new(model, "error",
	    json_string(is_good ? "" : "A time is written like 2026-11-22T10:00:00Z."));
	json_object_set_new(model, "done",
	    *replayed != '\0' ? json_string("They will be handled again.") : json_string(""));
	json_object_set_new(model, "can_replay",
	    json_boolean(n > 0 && exchange->session.role >= ACCOUNT_OPERATOR));
	json_object_set_new(model, "replay_url", json_sprintf("%s/activity/replay", base));
	json_object_set_new(model, "shown_count", json_integer((json_int_t)n));
	json_object_set(model, "shown", log.events);
	json_object_set_new(model, "events", log.events);
	return exchange_page(exchange, is_good ? 200 : 400, "activity", "Activity", model, err);
}

/* -- one event -- */

static uint64_t
stamp_of(const char *text)
{
	uint64_t stamp = 0;

	return bh_is_uint(text, strlen(text), UINT64_MAX, &stamp) ? stamp : 0;
}

static json_t *
headers_view(const struct journal_event *event)
{
	json_t *list = json_array(), *value;
	const char *name;

	json_object_foreach (event->headers, name, value)
		json_array_append_new(list,
		    json_pack("{s:o, s:o}", "name", words_json(name), "value",
			words_json(
			    json_string_value(value) != NULL ? json_string_value(value) : "")));
	return list;
}

/* Indented where it is JSON, and cut. */
static json_t *
body_view(const struct journal_event *event, bool *is_cut_r)
{
	json_t *body = NULL, *text;
	char *pretty = NULL;
	const char *shown = event->body != NULL ? event->body : "";
	struct bh_buf cut = BH_BUF_INIT(BODY_SHOWN + 1);
	size_t len;

	if (event->body != NULL && bh_json_parse(event->body, event->body_len, &body, NULL) == 0)
		pretty = json_dumps(body, JSON_INDENT(2) | JSON_ENCODE_ANY);
	if (pretty != NULL)
		shown = pretty;
	len = strlen(shown);
	*is_cut_r = len > BODY_SHOWN;
	bh_buf_add(&cut, shown, len < BODY_SHOWN ? len : BODY_SHOWN);
	text = words_json(bh_buf_str(&cut));
	bh_buf_release(&cut);
	free(pretty);
	json_decref(body);
	return text;
}

static json_t *
objects_view(const struct journal_event *event)
{
	json_t *list = json_array(), *one;
	size_t i;

	json_array_foreach (event->objects, i, one)
		json_array_append_new(list, json_pack("{s:O}", "text", one));
	return list;
}

static int
show_event(struct exchange *exchange, const struct journal_event *event, struct bh_err *err)
{
	const char *via = bh_json_str(event->headers, "billhook-via");
	const char *base = exchange->request->base;
	enum journal_state state = event->state < JOURNAL__MAX ? event->state : JOURNAL_FAILED;
	int64_t now = bh_now_ms();
	bool is_cut;
	json_t *body = body_view(event, &is_cut);
	json_t *model = json_pack("{s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:b, s:I, s:o}",
	    "type", words_json(event->type[0] != '\0' ? event->type : "event"), "id",
	    words_json(event->id), "connection", words_json(event->connection), "note",
	    words_json(event->note), "state", states[state].state, "word", states[state].word,
	    "time", words_time_json(event->received_ms, now), "headers", headers_view(event),
	    "body", body, "is_cut", is_cut, "body_len", (json_int_t)event->body_len, "objects",
	    objects_view(event));

	json_object_set_new(model, "has_objects",
	    json_boolean(json_array_size(event->objects) > 0));
	json_object_set_new(model, "via", json_string(via != NULL ? via : ""));
	json_object_set_new(model, "verification",
	    json_string(via != NULL ? "read from the source with its key, over TLS"
				    : "the signature was right when it came"));
	json_object_set_new(model, "handled",
	    event->handled_ms != 0
		? json_pack("{s:o}", "time", words_time_json(event->handled_ms, now))
		: json_null());
	json_object_set_new(model, "done",
	    json_string(request_query(exchange->request, "replayed") != NULL
			    ? "It will be handled again."
			    : ""));
	json_object_set_new(model, "replay_url",
	    json_sprintf("%s/activity/%llu", base, (unsigned long long)event->stamp));
	json_object_set_new(model, "back_url", json_sprintf("%s/activity", base));
	return exchange_page(exchange, 200, "event", "Event", model, err);
}

int
page_event(struct exchange *exchange, struct bh_err *err)
{
	struct journal_event event;
	int rc =
	    journal_read(exchange_read(exchange), stamp_of(exchange->match.args[0]), &event, err);

	if (rc > 0) {
		rc = show_event(exchange, &event, err);
		journal_event_release(&event);
	} else if (rc == 0) {
		exchange_error(exchange, 404, "There is no such event, or it was removed by age.");
	}
	return rc;
}

/* -- again -- */

struct again {
	struct exchange *exchange;
	uint64_t stamps[SHOWN];
	size_t n;
};

static int
replay_in(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct again *again = arg;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "replay",
	    .subject = again->exchange->session.user,
	    .text = "events are handled again, asked for in the browser"};

	for (size_t i = 0; i < again->n; i++)
		journal_replay(txn, again->stamps[i]);
	trail_add(txn, 0, &entry);
	return 0;
}

static int
replay(struct again *again, const char *path, struct bh_err *err)
{
	struct exchange *exchange = again->exchange;

	if (again->n != 0 && store_run(exchange->site->store, replay_in, again, NULL, err) < 0)
		return -1;
	response_redirect(exchange->response, exchange->request->base, path);
	return 0;
}

int
page_event_replay(struct exchange *exchange, struct bh_err *err)
{
	struct again again = {.exchange = exchange, .n = 1};
	char path[80];

	again.stamps[0] = stamp_of(exchange->match.args[0]);
	snprintf(path, sizeof(path), "/activity/%llu?replayed=1",
	    (unsigned long long)again.stamps[0]);
	return replay(&again, path, err);
}

int
page_activity_replay(struct exchange *exchange, struct bh_err *err)
{
	const struct request_fields *form = &exchange->request->form;
	struct again again = {.exchange = exchange};

	for (size_t i = 0; i < form->n && again.n < SHOWN; i++)
		if (bh_has_prefix(form->items[i].name, "stamp."))
			again.stamps[again.n++] = stamp_of(form->items[i].name + strlen("stamp."));
	return replay(&again, "/activity?replayed=1", err);
}
