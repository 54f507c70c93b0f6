/* Home: is it all in the CRM, and if not, what is there to do? */
#include "base/base.h"

#include <dirent.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "conf/mode.h"
#include "dest/dest.h"
#include "source/source.h"
#include "state/account.h"
#include "state/link.h"
#include "web/crm_usage.h"
#include "web/home_sentence.h"
#include "web/live.h"
#include "web/page_connection.h"
#include "web/page_event.h"
#include "web/running.h"
#include "web/setup_facts.h"
#include "web/source_facts.h"
#include "web/words.h"

#define EVENTS_SHOWN 20
#define EVENTS_LOOKED_AT 200 /* for the last event of each source */
#define HELD_SHOWN 10
#define BACKLOG_MAX 10000
#define DIRTY_MAX 1000 /* link_lane_get() counts no further */

/* What is gathered for the page.  live: texts by key, refreshed by the script. */
struct home {
	struct exchange *exchange;
	struct store_txn *txn; /* borrowed */
	int64_t now_ms;
	json_t *lanes, *sources, *events, *held, *live;
	json_t *syncs;   /* {code of a CRM: [{"code", "from", "url"}]} */
	json_t *running; /* long work */
	struct journal_event *journal;
	size_t journal_n;
	struct home_counts counts; /* over all lanes */
	bool is_more_held;
};

static void
release(struct home *home)
{
	json_decref(home->lanes);
	json_decref(home->sources);
	json_decref(home->events);
	json_decref(home->held);
	json_decref(home->live);
	json_decref(home->syncs);
	json_decref(home->running);
	for (size_t i = 0; i < home->journal_n; i++)
		journal_event_release(&home->journal[i]);
	free(home->journal);
}

static void
set_live(struct home *home, json_t *object, const char *scope, const char *name, json_t *text)
{
	live_set(home->live, object, scope, name, text);
}

/* -- lanes: one for each destination -- */

/* A word for CSS and what people read. */
static void
lane_state(const struct account_connection *connection, const struct link_lane *lane,
    int64_t now_ms, const char **state_r, const char **word_r)
{
	bool is_stopped = connection->paused || lane->pause_until_ms > now_ms;

	if (connection->broken[0] != '\0' || (!is_stopped && lane->held > 0)) {
		*state_r = "bad";
		*word_r = "needs you";
	} else if (connection->paused) {
		*state_r = "idle";
		*word_r = "paused";
	} else if (is_stopped) {
		*state_r = "busy";
		*word_r = "waits";
	} else if (lane->dirty > 0 || lane->waiting_parent > 0) {
		*state_r = "busy";
		*word_r = "sending";
	} else {
		*state_r = lane->in_step > 0 ? "good" : "idle";
		*word_r = lane->in_step > 0 ? "in step" : "nothing yet";
	}
}

/* Why it does not go on; "" while it does. */
static json_t *
lane_reason(const struct account_connection *connection, const struct link_lane *lane,
    int64_t now_ms)
{
	char until[WORDS_MAX];

	if (connection->broken[0] != '\0')
		return words_json(connection->broken);
	if (connection->paused)
		return json_string("Paused by a person.");
	if (lane->pause_until_ms <= now_ms)
		return words_json(lane->reason);
	words_age(until, lane->pause_until_ms, now_ms);
	if (lane->reason[0] == '\0')
		return json_sprintf("Goes on %s.", until);
	return json_sprintf("%s. Goes on %s.", lane->reason, until);
}

static json_t *
dirty_text(size_t dirty)
{
	return dirty >= DIRTY_MAX ? json_string("1,000+") : words_count_json((int64_t)dirty);
}

/* "LIVE", "SANDBOX": what the connection says of its environment. */
static json_t *
environment(const struct account_connection *connection)
{
	const char *given = bh_json_str(connection->settings, "environment");

	return words_json(given != NULL ? given : "");
}

/* The syncs that lead there; and where its counts are explained: with the only one, else there. */
static void
add_lane_links(const struct home *home, json_t *json, const char *code)
{
	json_t *syncs = json_object_get(home->syncs, code);
	bool is_one = json_array_size(syncs) == 1;
	json_t *only = is_one ? json_object_get(json_array_get(syncs, 0), "url") : NULL;

	json_object_set_new(json, "has_syncs", json_boolean(json_array_size(syncs) > 0));
	if (syncs != NULL)
		json_object_set(json, "syncs", syncs);
	json_object_set(json, "why_url", is_one ? only : json_object_get(json, "url"));
}

static int
add_lane(struct home *home, const struct account_connection *connection, struct bh_err *err)
{
	const struct dest_driver *driver = dest_driver(connection->driver);
	const char *state, *word;
	struct link_lane lane;
	json_t *json = json_object();
	char scope[96], usage[110];

	if (link_lane_get(home->txn, connection->code, &lane, err) < 0) {
		json_decref(json);
		return -1;
	}
	snprintf(scope, sizeof(scope), "lane.%s", connection->code);
	lane_state(connection, &lane, home->now_ms, &state, &word);
	home->counts.in_step += lane.in_step;
	home->counts.on_their_way += (int64_t)lane.dirty + lane.waiting_parent;
	home->counts.held += lane.held;
	home->counts.stopped += connection->broken[0] != '\0';
	json_object_set_new(json, "code", json_string(connection->code));
	json_object_set_new(json, "name",
	    words_json(connection->name[0] != '\0' ? connection->name : connection->code));
	json_object_set_new(json, "driver",
	    json_string(driver != NULL ? driver->title : connection->driver));
	json_object_set_new(json, "environment", environment(connection));
	json_object_set_new(json, "url",
	    json_sprintf("%s/connections/%s", home->exchange->request->base, connection->code));
	json_object_set_new(json, "problems_url",
	    json_sprintf("%s/problems?crm=%s", home->exchange->request->base, connection->code));
	set_live(home, json, scope, "state", json_string(state));
	set_live(home, json, scope, "word", json_string(word));
	set_live(home, json, scope, "reason", lane_reason(connection, &lane, home->now_ms));
	set_live(home, json, scope, "in_step", words_count_json(lane.in_step));
	set_live(home, json, scope, "waiting",
	    dirty_text(lane.dirty + (size_t)lane.waiting_parent));
	set_live(home, json, scope, "held", words_count_json(lane.held));
	set_live(home, json, scope, "excluded", words_count_json(lane.excluded));
	snprintf(usage, sizeof(usage), "%s.usage", scope);
	json_object_set_new(json, "usage",
	    crm_usage_view(connection, driver, &lane, usage, home->live));
	add_lane_links(home, json, connection->code);
	json_object_set_new(json, "last_push", words_time_json(lane.last_push_ms, home->now_ms));
	json_array_append_new(home->lanes, json);
	return 0;
}

/* -- sources -- */

/* Arrival of the newest event of a connection among those looked at; 0 none. */
static int64_t
last_event_ms(const struct home *home, const char *code)
{
	for (size_t i = 0; i < home->journal_n; i++)
		if (strcmp(home->journal[i].connection, code) == 0)
			return home->journal[i].received_ms;
	return 0;
}

static void
add_source(struct home *home, const struct account_connection *connection)
{
	const struct source_driver *driver = source_driver(connection->driver);
	int64_t last_ms = last_event_ms(home, connection->code);
	json_t *json = json_object();
	char scope[96], age[WORDS_MAX] = "no event yet";
	char *path = bh_xasprintf("/hook/%s", connection->code);

	snprintf(scope, sizeof(scope), "source.%s", connection->code);
	if (last_ms != 0)
		words_age(age, last_ms, home->now_ms);
	json_object_set_new(json, "code", json_string(connection->code));
	json_object_set_new(json, "name",
	    words_json(connection->name[0] != '\0' ? connection->name : connection->code));
	json_object_set_new(json, "driver",
	    json_string(driver != NULL ? driver->title : connection->driver));
	json_object_set_new(json, "environment", words_json(source_mode(connection)));
	json_object_set_new(json, "url",
	    json_sprintf("%s/connections/%s", home->exchange->request->base, connection->code));
	json_object_set_new(json, "hook_url", connection_address(home->exchange, path));
	free(path);
	json_object_set_new(json, "is_paused", json_boolean(connection->paused));
	json_object_set_new(json, "broken", words_json(connection->broken));
	set_live(home, json, scope, "last", json_string(age));
	json_object_set_new(json, "time", words_time_json(last_ms, home->now_ms));
	json_array_append_new(home->sources, json);
}

static int
add_connections(struct home *home, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(home->txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection connection = {0};

		rc = account_connection_load(home->txn, NULL, json_string_value(code), &connection,
		    err);
		if (rc < 0)
			break;
		if (rc == 1 && connection.is_source)
			add_source(home, &connection);
		else if (rc == 1)
			rc = add_lane(home, &connection, err);
		if (rc >= 0)
			rc = running_of_connection(home->exchange, &connection, home->running,
			    home->live, err);
		account_connection_release(&connection);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* -- syncs -- */

static void
add_sync(const struct home *home, const struct account_sync *sync)
{
	json_t *of = json_object_get(home->syncs, sync->to);

	if (of == NULL) {
		of = json_array();
		json_object_set_new(home->syncs, sync->to, of);
	}
	json_array_append_new(of,
	    json_pack("{s:s, s:s, s:o}", "code", sync->code, "from", sync->from, "url",
		json_sprintf("%s/syncs/%s", home->exchange->request->base, sync->code)));
}

/* Whose customers it brings, and what runs of it. */
static int
add_work(struct home *home, const struct account_sync *sync, struct bh_err *err)
{
	if (home_count_customers(home->txn, sync, &home->counts, err) < 0)
		return -1;
	return running_of_sync(home->exchange, sync, home->running, home->live, err);
}

static int
add_syncs(struct home *home, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_syncs(home->txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_sync sync = {0};

		rc = account_sync_load(home->txn, json_string_value(code), &sync, err);
		if (rc > 0) {
			add_sync(home, &sync);
			rc = add_work(home, &sync, err);
		}
		account_sync_release(&sync);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* -- events -- */

static int
read_journal(struct home *home, struct bh_err *err)
{
	home->journal = bh_xcalloc(EVENTS_LOOKED_AT, sizeof(*home->journal));
	if (journal_list(home->txn, 0, EVENTS_LOOKED_AT, home->journal, &home->journal_n, err) < 0)
		return -1;
	for (size_t i = 0; i < home->journal_n && i < EVENTS_SHOWN; i++)
		json_array_append_new(home->events,
		    event_row(home->exchange, &home->journal[i], home->now_ms));
	return 0;
}

/* -- what needs a person -- */

static int
add_held(void *arg, const struct link_id *id, const struct link *link, struct bh_err *err)
{
	struct home *home = arg;

	(void)err;
	json_array_append_new(home->held,
	    json_pack("{so, so, so, so, so, so, si}", "object", words_json(id->object), "id",
		words_json(id->id), "lane", words_json(id->dest), "code", words_json(link->code),
		"cause", words_json(link->cause), "remedy", words_json(link->remedy), "attempts",
		link->attempts));
	return 0;
}

static int
read_held(struct home *home, struct bh_err *err)
{
	const json_t *lane;
	size_t i;

	json_array_foreach (home->lanes, i, lane) {
		struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX);
		size_t room = HELD_SHOWN - json_array_size(home->held);
		bool is_more = false;
		int rc = 0;

		if (room > 0)
			rc = link_held(home->txn, bh_json_str(lane, "code"), room, &after, add_held,
			    home, &is_more, err);
		else
			is_more = strcmp(bh_json_str(lane, "held"), "0") != 0;
		bh_buf_release(&after);
		if (rc < 0)
			return -1;
		home->is_more_held = home->is_more_held || is_more;
	}
	return 0;
}

/* -- the whole -- */

/* Files that wait to be verified, because nobody could when they came. */
static int64_t
count_spooled(const char *data_dir)
{
	char *path = bh_xasprintf("%s/spool/raw", data_dir);
	const struct dirent *entry;
	DIR *dir = opendir(path);
	int64_t n = 0;

	free(path);
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* CRMs by the names that people gave them. */
static void
name_crms(struct home *home)
{
	const json_t *lane;
	size_t i;

	for (size_t k = 0; k < home->counts.customers_n && k < HOME_CRMS; k++)
		json_array_foreach (home->lanes, i, lane) {
			struct home_crm *crm = &home->counts.customers[k];

			if (strcmp(bh_json_str(lane, "code"), crm->code) == 0)
				snprintf(crm->name, sizeof(crm->name), "%s",
				    bh_json_str(lane, "name"));
		}
}

static void
say_sentence(struct home *home, json_t *model)
{
	const char *state;
	json_t *text;

	name_crms(home);
	home->counts.crms = json_array_size(home->lanes);
	home->counts.sources = json_array_size(home->sources);
	text = home_sentence(&home->counts, &state);
	set_live(home, model, "home", "sentence", text);
	set_live(home, model, "home", "state", json_string(state));
}

/* How the work gets done here, and by which way the request came. */
static void
say_mode(struct home *home, json_t *model)
{
	const struct request *request = home->exchange->request;
	struct mode_report report;
	const char *way = "FastCGI";

	if (request_param(request, "BILLHOOK_RELAY") != NULL)
		way = "CGI, through billhook.cgi";
	else if (getenv("GATEWAY_INTERFACE") != NULL)
		way = "CGI";
	mode_report(home->exchange->site->conf, home->now_ms, &report);
	set_live(home, model, "home", "runs",
	    json_sprintf("%s Pages come by %s.", report.text, way));
	set_live(home, model, "home", "runs_state",
	    json_string(report.is_overdue ? "bad" : "good"));
}

static int
say_backlog(struct home *home, json_t *model, struct bh_err *err)
{
	int64_t spooled = count_spooled(home->exchange->site->conf->data_dir);
	char count[WORDS_MAX];
	size_t backlog = 0;

	if (journal_backlog(home->txn, BACKLOG_MAX, &backlog, err) < 0)
		return -1;
	words_count(count, (int64_t)backlog);
	set_live(home, model, "home", "backlog",
	    json_sprintf("%s%s", count, backlog >= BACKLOG_MAX ? "+" : ""));
	words_count(count, spooled);
	set_live(home, model, "home", "mode",
	    spooled == 0 ? json_string("Webhooks are stored as they come.")
			 : json_sprintf("%s %s in the spool and will be verified next.", count,
			       spooled == 1 ? "webhook waits" : "webhooks wait"));
	return 0;
}

/* Changes with the newest event, and when long work begins or ends. */
static void
say_newest(struct home *home)
{
	struct bh_buf newest = BH_BUF_INIT(100000);
	const json_t *work;
	size_t i;

	bh_buf_addf(&newest, "%llu",
	    home->journal_n > 0 ? (unsigned long long)home->journal[0].stamp : 0ULL);
	json_array_foreach (home->running, i, work)
		bh_buf_addf(&newest, " %s", bh_json_str(work, "key"));
	json_object_set_new(home->live, "newest", json_string(bh_buf_str(&newest)));
	bh_buf_release(&newest);
}

/* Everything; model and live are filled, home is to be released in any case. */
static int
gather(struct home *home, json_t *model, struct bh_err *err)
{
	if (read_journal(home, err) < 0 || add_syncs(home, err) < 0 ||
	    add_connections(home, err) < 0 || say_backlog(home, model, err) < 0)
		return -1;
	say_sentence(home, model);
	say_mode(home, model);
	say_newest(home);
	return 0;
}

static void
begin(struct home *home, struct exchange *exchange)
{
	*home = (struct home){.exchange = exchange,
	    .txn = exchange_read(exchange),
	    .now_ms = bh_now_ms(),
	    .lanes = json_array(),
	    .sources = json_array(),
	    .events = json_array(),
	    .held = json_array(),
	    .live = json_object(),
	    .syncs = json_object(),
	    .running = json_array()};
}

static void
complete(struct home *home, json_t *model)
{
	char *live_url = exchange_url(home->exchange, "/status.json");

	json_object_set_new(model, "live_url", json_string(live_url));
	free(live_url);
	json_object_set_new(model, "connections_url",
	    json_sprintf("%s/connections", home->exchange->request->base));
	json_object_set_new(model, "problems_url",
	    json_sprintf("%s/problems", home->exchange->request->base));
	json_object_set_new(model, "activity_url",
	    json_sprintf("%s/activity", home->exchange->request->base));
	json_object_set(model, "newest", json_object_get(home->live, "newest"));
	json_object_set(model, "lanes", home->lanes);
	json_object_set(model, "sources", home->sources);
	json_object_set(model, "events", home->events);
	json_object_set(model, "held", home->held);
	json_object_set(model, "running", home->running);
	json_object_set_new(model, "is_running", json_boolean(json_array_size(home->running) > 0));
	json_object_set_new(model, "has_lanes", json_boolean(json_array_size(home->lanes) > 0));
	json_object_set_new(model, "has_sources", json_boolean(json_array_size(home->sources) > 0));
	json_object_set_new(model, "has_events", json_boolean(json_array_size(home->events) > 0));
	json_object_set_new(model, "has_held", json_boolean(json_array_size(home->held) > 0));
	json_object_set_new(model, "is_more_held", json_boolean(home->is_more_held));
}

int
page_home(struct exchange *exchange, struct bh_err *err)
{
	json_t *model = json_object();
	struct home home;
	int rc;

	begin(&home, exchange);
	rc = gather(&home, model, err);
	if (rc == 0)
		rc = read_held(&home, err);
	if (rc == 0) {
		complete(&home, model);
		rc = setup_hint(exchange, model, err);
	}
	if (rc == 0)
		rc = alerts_hint(exchange, model, err);
	if (rc == 0) {
		rc = exchange_page(exchange, 200, "home", "Home", json_incref(model), err);
	}
	json_decref(model);
	release(&home);
	return rc;
}

int
page_status(struct exchange *exchange, struct bh_err *err)
{
	json_t *model = json_object();
	struct home home;
	int rc;

	begin(&home, exchange);
	rc = gather(&home, model, err);
	if (rc == 0)
		response_json(exchange->response, 200, json_incref(home.live));
	json_decref(model);
	release(&home);
	return rc;
}
