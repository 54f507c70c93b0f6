/* Activity: the log of events with its filters, page by page backwards. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "web/page_event.h"
#include "web/words.h"

#define SHOWN EVENT_REPLAY_MAX
#define LOOKED_AT 1000 /* events that one page looks at for those that fit */
#define SEARCHED 200   /* the same when their bodies are searched */
#define TAILED 100     /* the same of who waits for news every other second */
#define PAGE 200
/* What waited in the spool stands behind events that were received later; seldom by more commits. */
#define DISORDER 500
#define TIME_MAX 40

/* What is asked for; all may be empty. */
struct filter {
	const char *q, *connection, *state, *type, *since, *until;
	int64_t since_ms, until_ms; /* INT64_MIN, INT64_MAX: open */
	bool is_since_wrong, is_until_wrong;
	uint64_t before;
};

struct log {
	struct exchange *exchange;
	struct filter filter;
	int64_t now_ms;
	json_t *events;
	size_t shown_max, looked_max; /* 0: LOOKED_AT, or SEARCHED */
	size_t looked_at;
	uint64_t last;  /* stamp of the last one looked at; go on below */
	uint64_t older; /* stamp of the first of those at the end that are older than asked for */
	bool is_ended;  /* the log is through, or too old from here on */
	uint64_t found; /* stamp of the event whose id was asked for; 0 none */
};

static const char *
query(const struct exchange *exchange, const char *name)
{
	const char *text = request_query(exchange->request, name);

	return text != NULL ? text : "";
}

/* Also without zone and seconds, as browsers' fields have it; UTC then. */
static bool
is_moment(const char *text, int64_t *at_ms_r)
{
	static const char *const ends[] = {"", "Z", ":00Z"};
	char whole[TIME_MAX + 8];

	if (*text == '\0')
		return true;
	if (strlen(text) >= TIME_MAX)
		return false;
	for (size_t i = 0; i < BH_LEN(ends); i++) {
		snprintf(whole, sizeof(whole), "%s%s", text, ends[i]);
		if (bh_is_time(whole, at_ms_r))
			return true;
	}
	return false;
}

/* False: a time cannot be read. */
static bool
is_filter_read(const struct exchange *exchange, struct filter *filter)
{
	const char *before = query(exchange, "before");
	uint64_t stamp = 0;

	*filter = (struct filter){.q = query(exchange, "q"),
	    .connection = query(exchange, "connection"),
	    .state = query(exchange, "state"),
	    .type = query(exchange, "type"),
	    .since = query(exchange, "since"),
	    .until = query(exchange, "until"),
	    .since_ms = INT64_MIN,
	    .until_ms = INT64_MAX};
	if (*before != '\0' && bh_is_uint(before, strlen(before), UINT64_MAX, &stamp))
		filter->before = stamp;
	filter->is_since_wrong = !is_moment(filter->since, &filter->since_ms);
	filter->is_until_wrong = !is_moment(filter->until, &filter->until_ms);
	return !filter->is_since_wrong && !filter->is_until_wrong;
}

static bool
is_any(const struct filter *filter)
{
	return *filter->q == '\0' && *filter->connection == '\0' && *filter->state == '\0' &&
	       *filter->type == '\0' && *filter->since == '\0' && *filter->until == '\0' &&
	       filter->before == 0;
}

/* -- which events fit -- */

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
is_mentioned(const struct log *log, const struct journal_event *event)
{
	const char *q = log->filter.q;
	struct journal_event whole;
	const json_t *one;
	size_t i;
	bool found = *q == '\0' || strcmp(event->id, q) == 0;

	json_array_foreach (event->objects, i, one)
		if (json_is_string(one) && strstr(json_string_value(one), q) != NULL)
			found = true;
	if (found || journal_read(exchange_read(log->exchange), event->stamp, &whole, NULL) <= 0)
		return found;
	found = whole.body != NULL && memmem(whole.body, whole.body_len, q, strlen(q)) != NULL;
	journal_event_release(&whole);
	return found;
}

/* -- reading -- */

/* Older than asked for, and not by an accident of order. */
static bool
is_behind(struct log *log, const struct journal_event *event)
{
	if (event->received_ms >= log->filter.since_ms)
		log->older = 0;
	else if (log->older == 0)
		log->older = event->stamp;
	return log->older != 0 && log->older - event->stamp > DISORDER;
}

static void
look_at(struct log *log, const struct journal_event *event)
{
	log->looked_at++;
	log->last = event->stamp;
	if (is_behind(log, event))
		log->is_ended = true;
	else if (event->stamp != log->found && is_fitting(&log->filter, event) &&
		 is_mentioned(log, event))
		json_array_append_new(log->events, event_row(log->exchange, event, log->now_ms));
}

static bool
is_enough(const struct log *log)
{
	size_t most = *log->filter.q != '\0' ? SEARCHED : LOOKED_AT;

	if (log->looked_max != 0)
		most = log->looked_max;
	return log->is_ended || log->looked_at >= most ||
	       json_array_size(log->events) >= log->shown_max;
}

static int
read_page(struct log *log, struct journal_event *events, struct bh_err *err)
{
	size_t n = 0;
	int rc = journal_list(exchange_read(log->exchange), log->last, PAGE, events, &n, err) < 0
		     ? -1
		     : 0;

	if (rc == 0 && n == 0)
		log->is_ended = true;
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && !is_enough(log))
			look_at(log, &events[i]);
		journal_event_release(&events[i]);
	}
	return rc;
}

/*
 * Begin where the events begin that were received before until: stamps grow
 * with time, so that a few dozen looks find it in a log of any length.
 */
static int
find_end(struct log *log, struct bh_err *err)
{
	uint64_t low = 0, top = log->last != 0 ? log->last : UINT64_MAX, high = top;

	if (log->filter.until_ms > log->now_ms)
		return 0;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		struct journal_event event;
		size_t n = 0;

		if (journal_list(exchange_read(log->exchange), middle, 1, &event, &n, err) < 0)
			return -1;
		if (n != 0 && event.received_ms >= log->filter.until_ms)
			high = event.stamp;
		else
			low = middle;
		if (n != 0)
			journal_event_release(&event);
	}
	log->last = top - high > DISORDER ? high + DISORDER : top;
	return 0;
}

/* An event of this very id, however long ago. */
static int
find_by_id(struct log *log, const json_t *codes, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(log->exchange);
	const json_t *code;
	size_t i;
	int rc = 0;

	if (*log->filter.q == '\0' || strlen(log->filter.q) > 255 || log->filter.before != 0)
		return 0;
	json_array_foreach (codes, i, code) {
		struct journal_event event;
		uint64_t stamp = 0;

		rc = journal_find(txn, json_string_value(code), log->filter.q, &stamp, err);
		if (rc > 0)
			rc = journal_read(txn, stamp, &event, err);
		if (rc < 0)
			break;
		if (rc == 0)
			continue;
		if (is_fitting(&log->filter, &event)) {
			log->found = stamp;
			json_array_append_new(log->events,
			    event_row(log->exchange, &event, log->now_ms));
		}
		journal_event_release(&event);
	}
	return rc < 0 ? -1 : 0;
}

static int
read_log(struct log *log, const json_t *codes, struct bh_err *err)
{
	struct journal_event *events = bh_xcalloc(PAGE, sizeof(events[0]));
	int rc = find_by_id(log, codes, err);

	log->last = log->filter.before;
	if (rc == 0)
		rc = find_end(log, err);
	while (rc == 0 && !is_enough(log))
		rc = read_page(log, events, err);
	free(events);
	return rc;
}

/* -- showing -- */

static json_t *
states_view(const char *chosen)
{
	json_t *list = json_array();

	for (int i = 0; i < JOURNAL__MAX; i++) {
		const char *name = journal_state_name((enum journal_state)i);

		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "value", name, "label",
			event_word((enum journal_state)i), "is_chosen", strcmp(chosen, name) == 0));
	}
	return list;
}

static json_t *
connections_view(const json_t *codes, const char *chosen)
{
	json_t *list = json_array(), *code;
	size_t i;

	json_array_foreach (codes, i, code)
		json_array_append_new(list, json_pack("{s:O, s:b}", "code", code, "is_chosen",
						strcmp(chosen, json_string_value(code)) == 0));
	return list;
}

/* Codes of the sources: others receive nothing. */
static int
source_codes(struct exchange *exchange, json_t **codes_r, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	json_t *all = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &all, err);

	*codes_r = json_array();
	json_array_foreach (all, i, code) {
		struct account_connection connection = {0};

		rc = account_connection_load(txn, NULL, json_string_value(code), &connection, err);
		if (rc > 0 && connection.is_source)
			json_array_append(*codes_r, code);
		account_connection_release(&connection);
		if (rc < 0)
			break;
	}
	json_decref(all);
	return rc < 0 ? -1 : 0;
}

static void
add_to_query(struct bh_buf *url, const char *name, const char *value)
{
	if (*value == '\0')
		return;
	bh_buf_addf(url, "%s%s=", strchr(bh_buf_str(url), '?') == NULL ? "?" : "&", name);
	bh_percent_add(url, value, strlen(value));
}

/* The path with the filters of this request. */
static void
add_path(struct bh_buf *url, const struct exchange *exchange, const char *path)
{
	static const char *const names[] = {"q", "connection", "state", "type", "since", "until"};

	bh_buf_adds(url, path);
	for (size_t i = 0; i < BH_LEN(names); i++)
		add_to_query(url, names[i], query(exchange, names[i]));
}

/* before 0: from the newest on. */
static json_t *
url_with_filters(const struct exchange *exchange, const char *path, uint64_t before)
{
	struct bh_buf url = BH_BUF_INIT((size_t)4 * REQUEST_PARAMS_MAX);
	char stamp[24] = "";
	json_t *json;

	if (before != 0)
		snprintf(stamp, sizeof(stamp), "%llu", (unsigned long long)before);
	bh_buf_adds(&url, exchange->request->base);
	add_path(&url, exchange, path);
	add_to_query(&url, "before", stamp);
	json = words_json(bh_buf_str(&url));
	bh_buf_release(&url);
	return json;
}

/* As the field of a browser takes it. */
static json_t *
moment_view(const char *text, int64_t at_ms, bool is_good)
{
	char iso[BH_CLOCK_TEXT];

	if (*text == '\0' || !is_good)
		return words_json(text);
	bh_rfc3339(iso, at_ms);
	return json_stringn(iso, strlen("2026-11-22T04:29:31"));
}

static void
add_form(const struct log *log, json_t *model, bool is_good)
{
	const struct filter *filter = &log->filter;

	json_object_set_new(model, "action",
	    json_sprintf("%s/activity", log->exchange->request->base));
	json_object_set_new(model, "q", words_json(filter->q));
	json_object_set_new(model, "type", words_json(filter->type));
	json_object_set_new(model, "since", moment_view(filter->since, filter->since_ms, is_good));
	json_object_set_new(model, "until", moment_view(filter->until, filter->until_ms, is_good));
	json_object_set_new(model, "is_since_wrong", json_boolean(filter->is_since_wrong));
	json_object_set_new(model, "is_until_wrong", json_boolean(filter->is_until_wrong));
	json_object_set_new(model, "states", states_view(filter->state));
	json_object_set_new(model, "is_filtered", json_boolean(!is_any(filter)));
	json_object_set_new(model, "error",
	    json_string(is_good ? "" : "A time is written like 2026-11-22T10:00:00Z."));
}

static json_t *
done_text(const struct exchange *exchange)
{
	const char *replayed = query(exchange, "replayed");
	bool is_left = *query(exchange, "left") != '\0';
	char count[WORDS_MAX];
	uint64_t n;

	if (!bh_is_uint(replayed, strlen(replayed), LOOKED_AT + 1, &n))
		return json_string("");
	words_count(count, (int64_t)n);
	return json_sprintf("%s %s handled again.%s", count, n == 1 ? "event is" : "events are",
	    is_left ? " Older ones may fit, too: press once more below." : "");
}

static void
add_events(const struct log *log, json_t *model)
{
	struct exchange *exchange = log->exchange;
	size_t n = json_array_size(log->events);
	char looked_at[WORDS_MAX];

	words_count(looked_at, (int64_t)log->looked_at);
	json_object_set_new(model, "looked_at", json_string(looked_at));
	json_object_set_new(model, "has_events", json_boolean(n > 0));
	json_object_set_new(model, "is_empty",
	    json_boolean(n == 0 && log->looked_at == 0 && is_any(&log->filter)));
	json_object_set_new(model, "shown_count", json_integer((json_int_t)n));
	json_object_set_new(model, "is_one", json_boolean(n == 1));
	json_object_set_new(model, "older_url",
	    log->is_ended || log->last <= 1 ? json_string("")
					    : url_with_filters(exchange, "/activity", log->last));
	json_object_set_new(model, "has_more", json_boolean(!log->is_ended && log->last > 1));
	json_object_set_new(model, "newest_url",
	    log->filter.before == 0 ? json_string("") : url_with_filters(exchange, "/activity", 0));
	json_object_set_new(model, "done", done_text(exchange));
	json_object_set_new(model, "can_replay",
	    json_boolean(n > 0 && exchange->session.role >= ACCOUNT_OPERATOR));
	json_object_set_new(model, "replay_url",
	    url_with_filters(exchange, "/activity/replay", log->filter.before));
	json_object_set_new(model, "connections_url",
	    json_sprintf("%s/connections", exchange->request->base));
	json_object_set(model, "events", log->events);
}

/* For the page that is open: the newest event that fits, and what became of it. */
static json_t *
newest_text(const struct log *log)
{
	const json_t *first = json_array_get(log->events, 0);

	if (first == NULL)
		return json_string("");
	return json_sprintf("%s %s", bh_json_str(first, "stamp"), bh_json_str(first, "word"));
}

/* The page follows new events while it shows the newest. */
static void
add_tail(const struct log *log, json_t *model)
{
	bool is_open = log->filter.before == 0 && *log->filter.until == '\0';

	json_object_set_new(model, "newest", newest_text(log));
	json_object_set_new(model, "self_url", url_with_filters(log->exchange, "/activity", 0));
	json_object_set_new(model, "live_url",
	    is_open ? url_with_filters(log->exchange, "/activity/status.json", 0)
		    : json_string(""));
}

int
page_activity_status(struct exchange *exchange, struct bh_err *err)
{
	struct log log = {.exchange = exchange,
	    .now_ms = bh_now_ms(),
	    .events = json_array(),
	    .shown_max = 1,
	    .looked_max = TAILED};
	json_t *codes;
	int rc = source_codes(exchange, &codes, err);

	if (rc == 0 && is_filter_read(exchange, &log.filter))
		rc = read_log(&log, codes, err);
	if (rc == 0)
		response_json(exchange->response, 200,
		    json_pack("{s:o}", "newest", newest_text(&log)));
	json_decref(codes);
	json_decref(log.events);
	return rc;
}

int
page_activity(struct exchange *exchange, struct bh_err *err)
{
	struct log log = {.exchange = exchange,
	    .now_ms = bh_now_ms(),
	    .events = json_array(),
	    .shown_max = SHOWN};
	bool is_good = is_filter_read(exchange, &log.filter);
	json_t *codes, *model = json_object();
	int rc = source_codes(exchange, &codes, err);

	if (rc == 0 && is_good)
		rc = read_log(&log, codes, err);
	if (!is_good)
		log.is_ended = true;
	if (rc == 0) {
		add_form(&log, model, is_good);
		add_events(&log, model);
		add_tail(&log, model);
		json_object_set_new(model, "connections",
		    connections_view(codes, log.filter.connection));
		rc = exchange_page(exchange, is_good ? 200 : 400, "activity", "Activity",
		    json_incref(model), err);
	}
	json_decref(model);
	json_decref(codes);
	json_decref(log.events);
	return rc;
}

/* -- again -- */

/* Stamps of the events that fit, n of them; the log stops behind as many as one page looks at. */
static int
fitting_stamps(struct log *log, uint64_t **stamps_r, size_t *n_r, struct bh_err *err)
{
	json_t *codes;
	int rc = source_codes(log->exchange, &codes, err);

	if (rc == 0)
		rc = read_log(log, codes, err);
	*n_r = json_array_size(log->events);
	*stamps_r = bh_xcalloc(*n_r + 1, sizeof(**stamps_r));
	for (size_t i = 0; i < *n_r; i++)
		(*stamps_r)[i] = event_stamp(bh_json_str(json_array_get(log->events, i), "stamp"));
	json_decref(codes);
	return rc;
}

/* All that fit, not only those shown: as many as one page looks at. */
static int
replay_fitting(struct log *log, size_t *found_r, struct bh_err *err)
{
	uint64_t *stamps;
	size_t n;
	int rc = fitting_stamps(log, &stamps, &n, err);

	*found_r = 0;
	for (size_t from = 0; rc == 0 && from < n; from += EVENT_REPLAY_MAX) {
		size_t left = n - from, found;

		rc = event_replay(log->exchange, stamps + from,
		    left < EVENT_REPLAY_MAX ? left : EVENT_REPLAY_MAX, &found, err);
		*found_r += rc == 0 ? found : 0;
	}
	free(stamps);
	return rc;
}

/* Back to the list; before "": to the newest. */
static void
go_back(struct exchange *exchange, size_t found, const char *before, bool is_left)
{
	struct bh_buf path = BH_BUF_INIT((size_t)4 * REQUEST_PARAMS_MAX);
	char count[24];

	snprintf(count, sizeof(count), "%zu", found);
	add_path(&path, exchange, "/activity");
	add_to_query(&path, "before", before);
	add_to_query(&path, "replayed", count);
	add_to_query(&path, "left", is_left ? "1" : "");
	response_redirect(exchange->response, exchange->request->base, bh_buf_str(&path));
	bh_buf_release(&path);
}

static int
replay_all(struct exchange *exchange, struct bh_err *err)
{
	struct log log = {.exchange = exchange,
	    .now_ms = bh_now_ms(),
	    .events = json_array(),
	    .shown_max = LOOKED_AT};
	bool is_left = false;
	size_t found = 0;
	char before[24] = "";
	int rc = 0;

	if (is_filter_read(exchange, &log.filter))
		rc = replay_fitting(&log, &found, err);
	is_left = !log.is_ended && log.last > 1;
	if (is_left)
		snprintf(before, sizeof(before), "%llu", (unsigned long long)log.last);
	if (rc == 0)
		go_back(exchange, found, before, is_left);
	json_decref(log.events);
	return rc;
}

int
page_activity_replay(struct exchange *exchange, struct bh_err *err)
{
	const struct request_fields *form = &exchange->request->form;
	uint64_t stamps[EVENT_REPLAY_MAX];
	size_t n = 0, found;

	if (request_field(exchange->request, "all") != NULL)
		return replay_all(exchange, err);
	for (size_t i = 0; i < form->n && n < EVENT_REPLAY_MAX; i++)
		if (bh_has_prefix(form->items[i].name, "stamp."))
			stamps[n++] = event_stamp(form->items[i].name + strlen("stamp."));
	if (event_replay(exchange, stamps, n, &found, err) < 0)
		return -1;
	go_back(exchange, found, query(exchange, "before"), false);
	return 0;
}
