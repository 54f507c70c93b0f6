/* Putting back what a sync wrote over: its runs, what would come of it, doing it, letting go. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/trail.h"
#include "sync/undo.h"
#include "web/page_sync.h"
#include "web/sync_undo_facts.h"
#include "web/words.h"

#define ID_MAX 255

static void
set_url(const struct exchange *exchange, json_t *model, const char *name, const char *below)
{
	json_object_set_new(model, name,
	    json_sprintf("%s/syncs/%s%s", exchange->request->base, exchange->match.args[0], below));
}

/* How many records were let go: "freed" of the query. */
static json_t *
freed(const struct exchange *exchange)
{
	const char *text = request_query(exchange->request, "freed");
	uint64_t n;

	if (text == NULL || !bh_is_uint(text, strlen(text), INT64_MAX, &n))
		return json_null();
	return json_pack("{s:o, s:b}", "count", words_count_json((int64_t)n), "is_one", n == 1);
}

static void
complete(const struct sync_undo_facts *facts, const char *problem)
{
	struct exchange *exchange = facts->sync->exchange;
	json_t *model = facts->model;
	const char *name = facts->sync->to.name;
	int64_t days = undo_days(&facts->sync->sync);

	set_url(exchange, model, "base_url", "/undo");
	set_url(exchange, model, "live_url", "/undo/status.json");
	set_url(exchange, model, "sync_url", "");
	json_object_set_new(model, "list_url", json_sprintf("%s/syncs", exchange->request->base));
	json_object_set_new(model, "code", json_string(facts->sync->sync.code));
	json_object_set_new(model, "sync_name", sync_facts_name(facts->sync));
	json_object_set_new(model, "dest", words_json(*name != '\0' ? name : facts->sync->sync.to));
	json_object_set_new(model, "is_hubspot",
	    json_boolean(strcmp(facts->sync->to.driver, "hubspot") == 0));
	json_object_set_new(model, "is_paused",
	    json_boolean(facts->sync->to.paused && facts->revert.state == REVERT_DOING));
	json_object_set_new(model, "problem", words_json(problem != NULL ? problem : ""));
	json_object_set_new(model, "freed", freed(exchange));
	json_object_set_new(model, "has_days", json_boolean(days > 0));
	json_object_set_new(model, "days", words_count_json(days));
	json_object_set_new(model, "is_daily", json_boolean(days == 1));
	json_object_set_new(model, "is_operator",
	    json_boolean(exchange->session.role >= ACCOUNT_OPERATOR));
}

static int
make_page(struct sync_undo_facts *facts, const char *problem, struct bh_err *err)
{
	if (sync_undo_facts_rows(facts, err) < 0 || sync_undo_facts_runs(facts, err) < 0)
		return -1;
	complete(facts, problem);
	return exchange_page(facts->sync->exchange, problem != NULL ? 409 : 200, "sync_undo",
	    "Undo", json_incref(facts->model), err);
}

/* The page, or what of it changes. */
static int
answer(struct exchange *exchange, bool is_status, const char *problem, struct bh_err *err)
{
	json_t *live = json_object(), *model = json_object();
	struct sync_undo_facts facts;
	struct sync_facts sync;
	int rc = sync_load(exchange, &sync, live, err);

	if (rc > 0) {
		json_object_clear(live);
		rc = sync_undo_facts_get(&facts, &sync, model, live, err);
		if (rc == 0 && is_status)
			response_json(exchange->response, 200, json_incref(live));
		else if (rc == 0)
			rc = make_page(&facts, problem, err);
		sync_undo_facts_release(&facts);
		sync_facts_release(&sync);
	}
	json_decref(model);
	json_decref(live);
	return rc;
}

int
page_sync_undo(struct exchange *exchange, struct bh_err *err)
{
	return answer(exchange, false, NULL, err);
}

int
page_sync_undo_status(struct exchange *exchange, struct bh_err *err)
{
	return answer(exchange, true, NULL, err);
}

/* -- buttons -- */

struct press {
	struct exchange *exchange;
	const char *code, *action;
	char dest[72];
	size_t freed; /* records that were let go */
};

static const char *
field(const struct press *press, const char *name)
{
	const char *text = request_field(press->exchange->request, name);

	return text != NULL ? text : "";
}

static int64_t
number(const struct press *press, const char *name)
{
	const char *text = field(press, name);
	uint64_t n = 0;

	return bh_is_uint(text, strlen(text), INT64_MAX - 1, &n) ? (int64_t)n : 0;
}

/* As a browser's form gives it, "2026-11-22T10:00" in UTC, or whole; "" is 0. */
static int
read_time(const struct press *press, const char *name, int64_t *at_ms_r, struct bh_err *err)
{
	const char *text = field(press, name);
	char whole[BH_CLOCK_TEXT];

	*at_ms_r = 0;
	if (*text == '\0' || bh_is_time(text, at_ms_r))
		return 0;
	snprintf(whole, sizeof(whole), "%.19s%s", text, strlen(text) == 16 ? ":00Z" : "Z");
	return bh_is_time(whole, at_ms_r)
		   ? 0
		   : bh_fail(err, BH_INVALID, "That is no time: 2026-11-22T10:00 is one, in UTC.");
}

static int
select_what(struct store_txn *txn, const struct press *press, struct revert_what *what,
    struct bh_err *err)
{
	struct link_id id = {.dest = press->dest,
	    .sync = press->code,
	    .object = field(press, "object"),
	    .account = field(press, "account"),
	    .id = field(press, "id")};
	int64_t since_ms, until_ms;

	if (read_time(press, "since", &since_ms, err) < 0 ||
	    read_time(press, "until", &until_ms, err) < 0)
		return -1;
	if (strlen(id.object) >= sizeof(what->object) ||
	    strlen(id.account) >= sizeof(what->account) || strlen(id.id) > ID_MAX)
		return bh_fail(err, BH_INVALID, "There is no such record.");
	if (*id.id != '\0')
		return undo_select_record(txn, &id, since_ms, what, err);
	if (number(press, "run") != 0)
		return undo_select_run(txn, press->code, number(press, "run"), what, err);
	if (since_ms == 0)
		return bh_fail(err, BH_INVALID, "Say since when.");
	return undo_select_span(txn, press->code, since_ms, until_ms, bh_now_ms(), what, err);
}

static int
press_look(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	struct revert_what what;

	if (select_what(txn, press, &what, err) < 0)
		return -1;
	what.removes = *field(press, "remove") != '\0';
	return revert_look(txn, press->code, &what, press->exchange->session.user, bh_now_ms(),
	    err);
}

/* Where records are removed the code of the sync is typed. */
static int
press_do(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	struct revert revert = REVERT_INIT;
	int rc = revert_load(txn, press->code, &revert, err);
	bool is_sure = !revert.what.removes || strcmp(field(press, "confirm"), press->code) == 0;

	revert_release(&revert);
	if (rc < 0)
		return -1;
	if (!is_sure)
		return bh_fail(err, BH_INVALID,
		    "Records are removed by it: type the code of the sync to confirm.");
	return revert_do(txn, press->code, press->dest, number(press, "turn"),
	    press->exchange->session.user, bh_now_ms(), err);
}

static int
turn(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	if (strcmp(press->action, "look") == 0)
		return press_look(txn, press, err);
	if (strcmp(press->action, "do") == 0)
		return press_do(txn, press, err);
	if (strcmp(press->action, "stop") == 0)
		return revert_stop(txn, press->code, err);
	if (strcmp(press->action, "go-on") == 0)
		return revert_go_on(txn, press->code, press->dest, bh_now_ms(), err);
	return 0;
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	struct account_sync sync;
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "undo",
	    .subject = press->code,
	    .text = text,
	    .by = press->exchange->session.user};
	int rc = account_sync_load(txn, press->code, &sync, err);

	if (rc <= 0)
		return rc < 0 ? -1 : bh_fail(err, BH_INVALID, "There is no such sync.");
	snprintf(press->dest, sizeof(press->dest), "%s", sync.to);
	account_sync_release(&sync);
	if (turn(txn, press, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "undo: %s, in the browser by %s", press->action,
	    press->exchange->session.user);
	trail_add(txn, 0, &entry);
	return 0;
}

static bool
is_button(const char *action)
{
	static const char *const actions[] = {"look", "do", "stop", "go-on", "release"};

	for (size_t i = 0; i < BH_LEN(actions); i++)
		if (strcmp(actions[i], action) == 0)
			return true;
	return false;
}

static int
do_press(struct press *press, struct bh_err *err)
{
	const struct site *site = press->exchange->site;

	if (store_run(site->store, press_in, press, NULL, err) != 0)
		return -1;
	if (strcmp(press->action, "release") != 0)
		return 0;
	if (!site->has_key)
		return bh_fail(err, BH_INVALID, "The key of this Billhook cannot be read.");
	return undo_let_go(site->store, &site->key, press->code, number(press, "run"),
	    &press->freed, err);
}

static void
go_back(const struct press *press)
{
	char query[40] = "";
	char *path;

	if (strcmp(press->action, "release") == 0)
		snprintf(query, sizeof(query), "?freed=%zu", press->freed);
	path = bh_xasprintf("/syncs/%s/undo%s", press->code, query);
	response_redirect(press->exchange->response, press->exchange->request->base, path);
	free(path);
}

int
page_sync_undo_action(struct exchange *exchange, struct bh_err *err)
{
	struct press press = {.exchange = exchange,
	    .code = exchange->match.args[0],
	    .action = exchange->match.args[1]};
	struct bh_err why = BH_ERR_INIT;

	if (!is_button(press.action)) {
		exchange_error(exchange, 404, "There is no such button.");
		return 0;
	}
	if (do_press(&press, &why) == 0) {
		go_back(&press);
		return 0;
	}
	if (why.code != BH_INVALID)
		return bh_fail(err, why.code, "%s", why.text);
	return answer(exchange, false, why.text, err);
}
