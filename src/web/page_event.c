/* One event: its body, what it changed, and handling it again. */
#include "base/base.h"

#include "web/page_event.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/trail.h"
#include "web/event_effects.h"
#include "web/words.h"

#define BODY_SHOWN 65536

static const struct {
	const char *state, *word;
} states[JOURNAL__MAX] = {{"busy", "received"}, {"good", "applied"}, {"idle", "older"},
    {"idle", "ignored"}, {"idle", "unknown type"}, {"bad", "failed"}, {"busy", "looked up"}};

const char *
event_state(enum journal_state state)
{
	return states[state < JOURNAL__MAX ? state : JOURNAL_FAILED].state;
}

const char *
event_word(enum journal_state state)
{
	return states[state < JOURNAL__MAX ? state : JOURNAL_FAILED].word;
}

json_t *
event_row(const struct exchange *exchange, const struct journal_event *event, int64_t now_ms)
{
	unsigned long long stamp = event->stamp;
	size_t changed = json_array_size(event->objects);

	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "state",
	    event_state(event->state), "word", event_word(event->state), "type",
	    words_json(event->type[0] != '\0' ? event->type : "event"), "id", words_json(event->id),
	    "connection", words_json(event->connection), "note", words_json(event->note), "time",
	    words_time_json(event->received_ms, now_ms), "url",
	    json_sprintf("%s/activity/%llu", exchange->request->base, stamp), "stamp",
	    json_sprintf("%llu", stamp), "changed",
	    changed == 0 ? json_string("") : json_sprintf("%zu", changed));
}

uint64_t
event_stamp(const char *text)
{
	uint64_t stamp = 0;

	return bh_is_uint(text, strlen(text), UINT64_MAX, &stamp) ? stamp : 0;
}

/* -- showing -- */

static json_t *
headers_view(const struct journal_event *event)
{
	json_t *list = json_array(), *value;
	const char *name;

	json_object_foreach (event->headers, name, value)
		if (json_is_string(value))
			json_array_append_new(list,
			    json_pack("{s:o, s:o}", "name", words_json(name), "value",
				words_json(json_string_value(value))));
	return list;
}

/* Not in the middle of a letter. */
static size_t
cut_at(const char *text, size_t len)
{
	if (len <= BODY_SHOWN)
		return len;
	len = BODY_SHOWN;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* Cut; indented where it is JSON, or as it came. */
static json_t *
body_view(const struct journal_event *event, bool is_raw, bool *is_cut_r)
{
	json_t *body = NULL, *text;
	char *pretty = NULL;
	const char *shown = event->body != NULL ? event->body : "";
	struct bh_buf cut = BH_BUF_INIT(BODY_SHOWN + 1);
	size_t len;

	if (!is_raw && event->body != NULL &&
	    bh_json_parse(event->body, event->body_len, &body, NULL) == 0)
		pretty = json_dumps(body, JSON_INDENT(2) | JSON_ENCODE_ANY);
	if (pretty != NULL)
		shown = pretty;
	len = cut_at(shown, strlen(shown));
	*is_cut_r = shown[len] != '\0';
	bh_buf_add(&cut, shown, len);
	text = words_json(bh_buf_str(&cut));
	bh_buf_release(&cut);
	free(pretty);
	json_decref(body);
	return text;
}

static const char *
verification(const struct journal_event *event)
{
	return bh_json_str(event->headers, "billhook-via") != NULL
		   ? "read from the source with its key, over TLS"
		   : "proved to be the sender's when it came";
}

/* "backfill" as people call it. */
static const char *
way(const struct journal_event *event)
{
	const char *via = bh_json_str(event->headers, "billhook-via");

	if (via == NULL)
		return "webhook";
	return strcmp(via, "catchup") == 0 ? "catch-up" : via;
}

/* is_raw: as it came; else the way there is offered. */
static void
add_body(struct exchange *exchange, json_t *model, const struct journal_event *event)
{
	const char *asked = request_query(exchange->request, "body");
	char len[WORDS_MAX];
	bool is_cut, is_gone = event->erased || event->body == NULL,
		     is_raw = asked != NULL && strcmp(asked, "raw") == 0;

	words_count(len, (int64_t)event->body_len);
	json_object_set_new(model, "body", body_view(event, is_raw, &is_cut));
	json_object_set_new(model, "has_body", json_boolean(!is_gone));
	json_object_set_new(model, "is_raw", json_boolean(is_raw));
	json_object_set_new(model, "is_cut", json_boolean(is_cut));
	json_object_set_new(model, "body_len", json_string(len));
}

static int
show_event(struct exchange *exchange, const struct journal_event *event, struct bh_err *err)
{
	const char *base = exchange->request->base;
	int64_t now = bh_now_ms();
	json_t *model, *objects;

	if (event_effects(exchange, event, &objects, err) < 0)
		return -1;
	model = event_row(exchange, event, now);
	json_object_set_new(model, "headers", headers_view(event));
	json_object_set_new(model, "has_headers",
	    json_boolean(json_object_size(event->headers) > 0));
	json_object_set_new(model, "has_objects", json_boolean(json_array_size(objects) > 0));
	json_object_set_new(model, "objects", objects);
	json_object_set_new(model, "way", words_json(way(event)));
	json_object_set_new(model, "verification", json_string(verification(event)));
	json_object_set_new(model, "handled", words_time_json(event->handled_ms, now));
	json_object_set_new(model, "done",
	    json_boolean(request_query(exchange->request, "replayed") != NULL));
	json_object_set_new(model, "can_replay",
	    json_boolean(exchange->session.role >= ACCOUNT_OPERATOR && !event->erased));
	json_object_set_new(model, "back_url", json_sprintf("%s/activity", base));
	json_object_set_new(model, "source_url",
	    json_sprintf("%s/connections/%s", base, event->connection));
	add_body(exchange, model, event);
	return exchange_page(exchange, 200, "event", event->type[0] != '\0' ? event->type : "Event",
	    model, err);
}

static int
no_event(struct exchange *exchange)
{
	exchange_error(exchange, 404, "There is no such event, or it was removed by age.");
	return 0;
}

int
page_event(struct exchange *exchange, struct bh_err *err)
{
	struct journal_event event;
	int rc = journal_read(exchange_read(exchange), event_stamp(exchange->match.args[0]), &event,
	    err);

	if (rc == 0)
		return no_event(exchange);
	if (rc > 0) {
		rc = show_event(exchange, &event, err);
		journal_event_release(&event);
	}
	return rc;
}

/* -- again -- */

struct again {
	const char *user;
	const uint64_t *stamps;
	size_t n, found;
};

static int
replay_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct again *again = arg;
	char text[160];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "replay",
	    .subject = again->user,
	    .text = text,
	    .by = again->user};

	again->found = 0;
	for (size_t i = 0; i < again->n; i++) {
		struct journal_event event;
		int rc = journal_read(txn, again->stamps[i], &event, err);

		if (rc < 0)
			return -1;
		if (rc == 0)
			continue;
		journal_event_release(&event);
		journal_replay(txn, again->stamps[i]);
		again->found++;
	}
	snprintf(text, sizeof(text), "%zu events are handled again, asked for in the browser",
	    again->found);
	if (again->found == 0)
		return 1;
	trail_add(txn, 0, &entry);
	return 0;
}

int
event_replay(struct exchange *exchange, const uint64_t *stamps, size_t n, size_t *n_r,
    struct bh_err *err)
{
	struct again again = {exchange->session.user, stamps, n, 0};
	int rc = store_run(exchange->site->store, replay_in, &again, NULL, err);

	*n_r = again.found;
	return rc < 0 ? -1 : 0;
}

int
page_event_replay(struct exchange *exchange, struct bh_err *err)
{
	uint64_t stamp = event_stamp(exchange->match.args[0]);
	char path[80];
	size_t n;

	if (event_replay(exchange, &stamp, 1, &n, err) < 0)
		return -1;
	if (n == 0)
		return no_event(exchange);
	snprintf(path, sizeof(path), "/activity/%llu?replayed=1", (unsigned long long)stamp);
	response_redirect(exchange->response, exchange->request->base, path);
	return 0;
}
