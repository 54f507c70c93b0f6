/* One source: who answers, what was read, its webhook, its settings; and the buttons there. */
#include "base/base.h"

#include "web/page_source.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/trail.h"
#include "state/walk.h"
#include "state/want.h"
#include "web/source_form.h"
#include "web/words.h"

#define WANTS_MAX 10000

/* What is gathered; live: texts by key, refreshed by the script. */
struct view {
	struct exchange *exchange;
	const struct account_connection *connection;
	const struct source_driver *driver;
	int64_t now_ms;
	json_t *model, *live;
};

int
source_load(struct exchange *exchange, struct account_connection *connection,
    const struct source_driver **driver_r, struct bh_err *err)
{
	const struct site *site = exchange->site;
	int rc = account_connection_load(exchange_read(exchange), site->has_key ? &site->key : NULL,
	    exchange->match.args[0], connection, err);

	if (rc < 0)
		return -1;
	*driver_r = rc > 0 && connection->is_source ? source_driver(connection->driver) : NULL;
	if (*driver_r != NULL)
		return 1;
	account_connection_release(connection);
	exchange_error(exchange, 404, "There is no such billing system connected.");
	return 0;
}

void
source_go(struct exchange *exchange, const char *code, const char *query)
{
	char *path = bh_xasprintf("/connections/%s%s", code, query);

	response_redirect(exchange->response, exchange->request->base, path);
	free(path);
}

/* A host as browsers send it; nothing else is shown as part of an address. */
static bool
is_host(const char *host)
{
	return host != NULL && host[0] != '\0' &&
	       strspn(host,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]") ==
		   strlen(host);
}

json_t *
source_hook_url(const struct exchange *exchange, const char *code)
{
	const struct request *request = exchange->request;
	const char *public_url = exchange->site->conf->public_url;
	const char *host = request_header(request, "Host");

	if (public_url[0] != '\0')
		return json_sprintf("%s/hook/%s", public_url, code);
	if (!is_host(host))
		return json_sprintf("%s/hook/%s", request->base, code);
	return json_sprintf("%s://%s%s/hook/%s", request->is_https ? "https" : "http", host,
	    request->base, code);
}

static void
set_live(struct view *view, json_t *object, const char *scope, const char *name, json_t *text)
{
	char key[160];

	snprintf(key, sizeof(key), "%s.%s", scope, name);
	json_object_set(view->live, key, text);
	json_object_set_new(object, name, text);
}

/* -- walks -- */

static const struct {
	const char *state, *word;
} walk_words[WALK__MAX] = {{"idle", "not begun"}, {"busy", "reading"}, {"idle", "paused"},
    {"bad", "stopped"}, {"good", "done"}};

/* Rows a second, of what runs or ran. */
static int64_t
rate_of(const struct walk *walk, int64_t now_ms)
{
	int64_t end_ms = walk->state == WALK_RUNNING ? now_ms : walk->ended_ms;
	int64_t span_ms = end_ms - walk->started_ms;

	return walk->started_ms != 0 && span_ms > 1000 ? walk->read * 1000 / span_ms : 0;
}

static json_t *
walk_progress(const struct walk *walk, int64_t now_ms)
{
	char read[WORDS_MAX], total[WORDS_MAX], all[WORDS_MAX], changed[WORDS_MAX];
	int64_t rate = rate_of(walk, now_ms);
	struct bh_buf text = BH_BUF_INIT(400);
	json_t *json;

	words_count(read, walk->phase_read);
	words_count(total, walk->phase_total);
	words_count(all, walk->read);
	words_count(changed, walk->changed);
	if (walk->state == WALK_RUNNING && walk->phases > 0) {
		bh_buf_addf(&text, "step %d of %d, %s: %s", walk->phase_number, walk->phases,
		    walk->phase, read);
		if (walk->phase_total >= 0)
			bh_buf_addf(&text, " of %s", total);
		if (rate > 0)
			bh_buf_addf(&text, ", %lld a second", (long long)rate);
		bh_buf_adds(&text, "; ");
	}
	if (walk->state != WALK_IDLE)
		bh_buf_addf(&text, "%s read in all, %s changed", all, changed);
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

/* Of all phases as if they were of one size, of the phase by its rows where their number is known. */
static int
percent_of(const struct walk *walk)
{
	int64_t part = 0;

	if (walk->state == WALK_DONE)
		return 100;
	if (walk->phases <= 0 || walk->phase_number <= 0)
		return 0;
	if (walk->phase_total > 0)
		part = walk->phase_read * 100 / walk->phase_total;
	if (part > 100)
		part = 100;
	return (int)(((walk->phase_number - 1) * INT64_C(100) + part) / walk->phases);
}

static void
add_action(struct view *view, json_t *walk, const char *action, const char *name, const char *label)
{
	json_array_append_new(json_object_get(walk, "actions"),
	    json_pack("{s:o, s:s}", "url",
		json_sprintf("%s/connections/%s/%s-%s", view->exchange->request->base,
		    view->connection->code, action, name),
		"label", label));
}

static int
add_walk(struct view *view, const char *name, const char *title, struct bh_err *err)
{
	json_t *json = json_pack("{s:s, s:s, s:[]}", "walk", name, "title", title, "actions");
	char ended[WORDS_MAX];
	struct walk walk;

	json_array_append_new(json_object_get(view->model, "walks"), json);
	if (walk_load(exchange_read(view->exchange), view->connection->code, name, &walk, err) < 0)
		return -1;
	set_live(view, json, name, "state", json_string(walk_words[walk.state].state));
	words_age(ended, walk.ended_ms, view->now_ms);
	set_live(view, json, name, "word",
	    walk.state == WALK_DONE ? json_sprintf("done %s", ended)
				    : json_string(walk_words[walk.state].word));
	set_live(view, json, name, "progress", walk_progress(&walk, view->now_ms));
	set_live(view, json, name, "note", words_json(walk.note));
	json_object_set_new(json, "percent", json_integer(percent_of(&walk)));
	json_object_set_new(json, "has_bar",
	    json_boolean(walk.state == WALK_RUNNING || walk.state == WALK_PAUSED));
	if (walk.state == WALK_RUNNING)
		add_action(view, json, "pause", name, "Pause");
	else
		add_action(view, json, "start", name,
		    walk.state == WALK_IDLE ? "Start" : "Start from the beginning");
	if (walk.state == WALK_PAUSED || walk.state == WALK_FAILED)
		add_action(view, json, "resume", name, "Go on where it stood");
	walk_release(&walk);
	return 0;
}

static int
add_walks(struct view *view, struct bh_err *err)
{
	bool can = source_check_can(view->driver, WALK_BACKFILL, NULL) == 0;
	char count[WORDS_MAX];
	size_t wants = 0;

	json_object_set_new(view->model, "can_read", json_boolean(can));
	json_object_set_new(view->model, "walks", json_array());
	if (!can)
		return 0;
	if (add_walk(view, WALK_BACKFILL, "Everything (backfill)", err) < 0 ||
	    add_walk(view, WALK_CATCHUP, "What was missed (catch-up)", err) < 0 ||
	    want_count(exchange_read(view->exchange), view->connection->code, WANTS_MAX, &wants,
		err) < 0)
		return -1;
	words_count(count, (int64_t)wants);
	json_object_set_new(view->model, "lookups",
	    wants == 0
		? json_string("No look-up waits.")
		: json_sprintf("%s%s single look-ups wait.", count, wants == WANTS_MAX ? "+" : ""));
	json_object_set(view->live, "lookups", json_object_get(view->model, "lookups"));
	return 0;
}

/* -- errands -- */

static json_t *
probe_text(const struct errand *errand, int found, bool has_key)
{
	const char *name = bh_json_str(errand->answer, "name"),
		   *id = bh_json_str(errand->answer, "id"),
		   *detail = bh_json_str(errand->answer, "detail");

	if (found == 0)
		return json_string(has_key ? "Not asked yet."
					   : "No API key is stored: only webhooks are received.");
	if (errand->is_open)
		return json_string("Asking …");
	if (errand->error[0] != '\0')
		return words_json(errand->error);
	return json_sprintf("%s%s%s%s%s%s", name != NULL ? name : "It answers",
	    id != NULL && *id != '\0' ? " (" : "", id != NULL ? id : "",
	    id != NULL && *id != '\0' ? ")" : "", detail != NULL && *detail != '\0' ? ", " : "",
	    detail != NULL ? detail : "");
}

static const char *
errand_state(const struct errand *errand, int found)
{
	if (found == 0)
		return "idle";
	return errand->is_open ? "busy" : errand->error[0] != '\0' ? "bad" : "good";
}

static int
add_probe(struct view *view, struct bh_err *err)
{
	struct errand errand;
	json_t *missing = json_array(), *one;
	bool has_key = json_object_get(view->connection->secrets, "api_key") != NULL;
	size_t i;
	int rc = errand_load(exchange_read(view->exchange), view->connection->code, ERRAND_PROBE,
	    &errand, err);

	json_array_foreach (json_object_get(errand.answer, "missing"), i, one)
		json_array_append_new(missing, json_pack("{s:O}", "text", one));
	json_object_set_new(view->model, "has_missing", json_boolean(json_array_size(missing) > 0));
	json_object_set_new(view->model, "missing", missing);
	json_object_set_new(view->model, "can_probe",
	    json_boolean(has_key && source_check_can(view->driver, ERRAND_PROBE, NULL) == 0));
	if (rc >= 0) {
		set_live(view, view->model, "probe", "text", probe_text(&errand, rc, has_key));
		set_live(view, view->model, "probe", "state",
		    json_string(errand_state(&errand, rc)));
		json_object_set(view->model, "probe_text",
		    json_object_get(view->live, "probe.text"));
		json_object_set(view->model, "probe_state",
		    json_object_get(view->live, "probe.state"));
	}
	errand_release(&errand);
	return rc < 0 ? -1 : 0;
}

/* What is known of our webhook: the later one of making it and looking at it. */
static json_t *
endpoint_text(const struct errand *made, int is_made, const struct errand *seen, int is_seen,
    const char **state_r)
{
	const json_t *one;
	size_t i;

	*state_r = "idle";
	if ((is_made > 0 && made->is_open) || (is_seen > 0 && seen->is_open)) {
		*state_r = "busy";
		return json_string("Asking …");
	}
	if (is_made > 0 && (is_seen == 0 || made->done_ms >= seen->done_ms)) {
		*state_r = made->error[0] != '\0' ? "bad" : "good";
		return made->error[0] != '\0' ? words_json(made->error)
					      : json_string("The webhook is made.");
	}
	if (is_seen == 0)
		return json_string("Not looked at yet.");
	if (seen->error[0] != '\0') {
		*state_r = "bad";
		return words_json(seen->error);
	}
	json_array_foreach (seen->answer, i, one) {
		const char *problem = bh_json_str(one, "problem");

		if (!bh_is_json_true(one, "ours"))
			continue;
		*state_r = problem != NULL && *problem != '\0' ? "bad" : "good";
		return problem != NULL && *problem != '\0'
			   ? words_json(problem)
			   : json_string("The webhook is in order.");
	}
	*state_r = "bad";
	return json_string("There is no webhook with this address.");
}

static int
add_endpoint(struct view *view, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(view->exchange);
	const char *code = view->connection->code, *state;
	struct errand made = {0}, seen = {0};
	int is_made = errand_load(txn, code, ERRAND_REGISTER, &made, err),
	    is_seen = errand_load(txn, code, ERRAND_ENDPOINTS, &seen, err);
	bool can = source_check_can(view->driver, ERRAND_REGISTER, NULL) == 0 &&
		   json_object_get(view->connection->secrets, "api_key") != NULL;

	if (is_made >= 0 && is_seen >= 0) {
		json_object_set_new(view->live, "endpoint.text",
		    endpoint_text(&made, is_made, &seen, is_seen, &state));
		json_object_set_new(view->live, "endpoint.state", json_string(state));
		if (!can && is_made == 0 && is_seen == 0)
			json_object_set_new(view->live, "endpoint.text",
			    json_string("It is made by hand, as said below."));
		json_object_set(view->model, "endpoint_text",
		    json_object_get(view->live, "endpoint.text"));
		json_object_set(view->model, "endpoint_state",
		    json_object_get(view->live, "endpoint.state"));
		json_object_set_new(view->model, "can_register", json_boolean(can));
		json_object_set_new(view->model, "register_label",
		    json_string(is_made > 0 && made.error[0] == '\0' ? "Mend the webhook"
								     : "Make the webhook"));
	}
	errand_release(&made);
	errand_release(&seen);
	return is_made < 0 || is_seen < 0 ? -1 : 0;
}

static void
add_events(struct view *view)
{
	json_t *wanted = source_events(view->driver, view->connection->settings);
	json_t *list = json_array(), *learnt = json_object_get(view->connection->learnt, "events");
	json_t *chosen = json_object(), *one;
	size_t i, n = 0;

	if (json_array_size(json_object_get(view->connection->settings, "events")) == 0 &&
	    json_array_size(learnt) > 0) {
		json_decref(wanted);
		wanted = json_incref(learnt);
	}
	json_array_foreach (wanted, i, one)
		if (json_is_string(one))
			json_object_set_new(chosen, json_string_value(one), json_true());
	for (const struct source_type *type = view->driver->types;
	     type != NULL && type->type != NULL; type++) {
		bool is_chosen = json_object_get(chosen, type->type) != NULL;

		n += is_chosen;
		json_array_append_new(list,
		    json_pack("{s:s, s:b, s:s}", "type", type->type, "is_chosen", is_chosen, "hint",
			type->choice == SOURCE_NOT_WANTED ? "not needed"
			: type->choice == SOURCE_OPTIONAL ? "optional"
							  : ""));
	}
	json_object_set_new(view->model, "events", list);
	json_object_set_new(view->model, "chosen_count", json_integer((json_int_t)n));
	json_decref(chosen);
	json_decref(wanted);
}

/* The steps, a line each, with the address in its place. */
static json_t *
steps_view(const struct view *view, const char *url)
{
	json_t *list = json_array();
	const char *at = view->driver->steps != NULL ? view->driver->steps : "";

	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		struct bh_buf line = BH_BUF_INIT(8192);
		const char *place = memmem(at, len, "%s", 2);

		bh_buf_add(&line, at, place != NULL ? (size_t)(place - at) : len);
		if (place != NULL) {
			bh_buf_adds(&line, url);
			bh_buf_add(&line, place + 2, len - (size_t)(place + 2 - at));
		}
		json_array_append_new(list,
		    json_pack("{s:o}", "text", words_json(bh_buf_str(&line))));
		bh_buf_release(&line);
		at += len + (at[len] == '\n');
	}
	return list;
}

static const char *
mode_of(const struct account_connection *connection)
{
	const char *mode = bh_json_str(connection->settings, "mode");

	if (mode == NULL)
		mode = bh_json_str(connection->learnt, "mode");
	return mode != NULL ? mode : "";
}

/* -- the page -- */

static int
gather(struct view *view, struct bh_err *err)
{
	return add_probe(view, err) < 0 || add_walks(view, err) < 0 || add_endpoint(view, err) < 0
		   ? -1
		   : 0;
}

static void
begin(struct view *view, struct exchange *exchange, const struct account_connection *connection,
    const struct source_driver *driver)
{
	*view =
	    (struct view){exchange, connection, driver, bh_now_ms(), json_object(), json_object()};
}

int
source_show(struct exchange *exchange, const struct account_connection *connection,
    const struct source_driver *driver, const char *error, struct bh_err *err)
{
	const char *code = connection->code, *base = exchange->request->base;
	json_t *url = source_hook_url(exchange, code);
	struct view view;
	int rc;

	begin(&view, exchange, connection, driver);
	rc = gather(&view, err);
	json_object_set_new(view.model, "name",
	    words_json(connection->name[0] != '\0' ? connection->name : code));
	json_object_set_new(view.model, "code", json_string(code));
	json_object_set_new(view.model, "badge", words_json(mode_of(connection)));
	json_object_set_new(view.model, "driver", json_string(driver->title));
	json_object_set_new(view.model, "error", words_json(error != NULL ? error : ""));
	json_object_set_new(view.model, "saved",
	    json_boolean(error == NULL && request_query(exchange->request, "saved") != NULL));
	json_object_set_new(view.model, "broken", words_json(connection->broken));
	json_object_set_new(view.model, "base_url", json_sprintf("%s/connections/%s", base, code));
	json_object_set_new(view.model, "live_url",
	    json_sprintf("%s/connections/%s/status.json", base, code));
	json_object_set_new(view.model, "steps", steps_view(&view, json_string_value(url)));
	json_object_set_new(view.model, "settings",
	    source_form_view(driver, connection, error != NULL ? exchange->request : NULL));
	json_object_set_new(view.model, "hook_url", url);
	add_events(&view);
	if (rc == 0)
		rc = exchange_page(exchange, error != NULL ? 400 : 200, "source",
		    connection->name[0] != '\0' ? connection->name : code, json_incref(view.model),
		    err);
	json_decref(view.model);
	json_decref(view.live);
	return rc;
}

int
page_source(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	const struct source_driver *driver;
	int rc = source_load(exchange, &connection, &driver, err);

	if (rc > 0) {
		rc = source_show(exchange, &connection, driver, NULL, err);
		account_connection_release(&connection);
	}
	return rc;
}

int
page_source_status(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	const struct source_driver *driver;
	struct view view;
	int rc = source_load(exchange, &connection, &driver, err);

	if (rc <= 0)
		return rc;
	begin(&view, exchange, &connection, driver);
	rc = gather(&view, err);
	if (rc == 0)
		response_json(exchange->response, 200, json_incref(view.live));
	json_decref(view.model);
	json_decref(view.live);
	account_connection_release(&connection);
	return rc;
}

int
source_card(struct exchange *exchange, const struct account_connection *connection, json_t **view_r,
    struct bh_err *err)
{
	const struct source_driver *driver = source_driver(connection->driver);
	struct store_txn *txn = exchange_read(exchange);
	struct walk walk;
	struct errand probe;
	const char *state = "good", *word = "connected";
	int rc = walk_load(txn, connection->code, WALK_BACKFILL, &walk, err);

	*view_r = NULL;
	if (rc < 0)
		return -1;
	rc = errand_load(txn, connection->code, ERRAND_PROBE, &probe, err);
	if (connection->broken[0] != '\0' || (rc > 0 && probe.error[0] != '\0') ||
	    walk.state == WALK_FAILED) {
		state = "bad";
		word = "needs you";
	} else if (connection->paused) {
		state = "idle";
		word = "paused";
	} else if (walk.state == WALK_RUNNING) {
		state = "busy";
		word = "reading";
	}
	*view_r = json_pack("{s:o, s:s, s:s, s:o, s:s, s:s, s:o, s:o}", "name",
	    words_json(connection->name[0] != '\0' ? connection->name : connection->code), "code",
	    connection->code, "driver", driver != NULL ? driver->title : connection->driver, "url",
	    json_sprintf("%s/connections/%s", exchange->request->base, connection->code), "state",
	    state, "word", word, "badge", words_json(mode_of(connection)), "progress",
	    walk_progress(&walk, bh_now_ms()));
	walk_release(&walk);
	errand_release(&probe);
	return rc < 0 ? -1 : 0;
}

/* -- buttons -- */

static const struct button {
	const char *action; /* last part of the path */
	const char *can;
	const char *errand;
	const char *walk;
	char turn; /* 's'tart, 'p'ause, 'r'esume */
} buttons[] = {
    {"test", ERRAND_PROBE, ERRAND_PROBE, NULL, 0},
    {"endpoints", ERRAND_ENDPOINTS, ERRAND_ENDPOINTS, NULL, 0},
    {"register", ERRAND_REGISTER, ERRAND_REGISTER, NULL, 0},
    {"unregister", ERRAND_REMOVE, ERRAND_REMOVE, NULL, 0},
    {"start-backfill", WALK_BACKFILL, NULL, WALK_BACKFILL, 's'},
    {"pause-backfill", WALK_BACKFILL, NULL, WALK_BACKFILL, 'p'},
    {"resume-backfill", WALK_BACKFILL, NULL, WALK_BACKFILL, 'r'},
    {"start-catchup", WALK_CATCHUP, NULL, WALK_CATCHUP, 's'},
    {"pause-catchup", WALK_CATCHUP, NULL, WALK_CATCHUP, 'p'},
    {"resume-catchup", WALK_CATCHUP, NULL, WALK_CATCHUP, 'r'},
};

struct press {
	struct exchange *exchange;
	const struct button *button;
	const struct source_driver *driver;
	const char *code;
};

/* The types that were ticked; NULL when none was, or there was no choice. */
static json_t *
ticked(const struct press *press)
{
	json_t *events = json_array();

	for (const struct source_type *type = press->driver->types;
	     type != NULL && type->type != NULL; type++) {
		char field[160];

		snprintf(field, sizeof(field), "event.%s", type->type);
		if (request_field(press->exchange->request, field) != NULL)
			json_array_append_new(events, json_string(type->type));
	}
	if (json_array_size(events) == 0) {
		json_decref(events);
		return NULL;
	}
	return json_pack("{s:o}", "events", events);
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct press *press = arg;
	const struct button *button = press->button;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = button->action,
	    .subject = press->code,
	    .text = press->exchange->session.user};
	int64_t now = bh_now_ms();
	int rc = 0;

	if (button->errand != NULL)
		errand_ask(txn, press->code, button->errand, ticked(press), now);
	else if (button->turn == 's')
		rc = walk_begin(txn, press->code, button->walk, now, err);
	else if (button->turn == 'p')
		rc = walk_pause(txn, press->code, button->walk, err);
	else
		rc = walk_resume(txn, press->code, button->walk, now, err);
	if (rc == 0)
		trail_add(txn, 0, &entry);
	return rc;
}

int
page_source_action(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	struct press press = {.exchange = exchange};
	struct bh_err why = BH_ERR_INIT;
	int rc = source_load(exchange, &connection, &press.driver, err);

	if (rc <= 0)
		return rc;
	for (size_t i = 0; i < BH_LEN(buttons); i++)
		if (strcmp(buttons[i].action, exchange->match.args[1]) == 0)
			press.button = &buttons[i];
	press.code = connection.code;
	rc = 0;
	if (press.button == NULL) {
		exchange_error(exchange, 404, "There is no such button.");
	} else if (source_check_can(press.driver, press.button->can, &why) < 0 ||
		   store_run(exchange->site->store, press_in, &press, NULL, &why) < 0) {
		if (why.code == BH_INVALID)
			exchange_error(exchange, 409, why.text);
		else
			rc = bh_fail(err, why.code, "%s", why.text);
	} else {
		source_go(exchange, connection.code, "");
	}
	account_connection_release(&connection);
	return rc;
}
