/* The preview of a sync: what it would do, before anything is written. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "model/object.h"
#include "state/trail.h"
#include "web/page_sync.h"
#include "web/preview_facts.h"
#include "web/words.h"

#define ID_MAX 255

static void
set_url(const struct exchange *exchange, json_t *model, const char *name, const char *below)
{
	json_object_set_new(model, name,
	    json_sprintf("%s/syncs/%s%s", exchange->request->base, exchange->match.args[0], below));
}

/* The page as it is, with its query: what the script turns to when there is news. */
static json_t *
own_url(const struct exchange *exchange)
{
	static const char *const names[] = {"object", "verdict", "kind", "account", "id"};
	struct bh_buf url = BH_BUF_INIT(16384);
	const char *separator = "?";
	json_t *json;

	bh_buf_addf(&url, "%s/syncs/%s/preview", exchange->request->base, exchange->match.args[0]);
	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *value = request_query(exchange->request, names[i]);

		if (value == NULL || *value == '\0')
			continue;
		bh_buf_addf(&url, "%s%s=", separator, names[i]);
		bh_percent_add(&url, value, strlen(value));
		separator = "&";
	}
	json = words_json(bh_buf_str(&url));
	bh_buf_release(&url);
	return json;
}

static void
complete(const struct preview_facts *facts, const char *problem)
{
	struct exchange *exchange = facts->sync->exchange;
	enum account_role role = exchange->session.role;
	json_t *model = facts->model;
	const char *name = facts->sync->to.name;

	set_url(exchange, model, "base_url", "/preview");
	set_url(exchange, model, "live_url", "/preview/status.json");
	set_url(exchange, model, "sync_url", "");
	set_url(exchange, model, "mapping_url", "/mapping");
	json_object_set_new(model, "list_url", json_sprintf("%s/syncs", exchange->request->base));
	json_object_set_new(model, "self_url", own_url(exchange));
	json_object_set_new(model, "sync_name", sync_facts_name(facts->sync));
	json_object_set_new(model, "dest", words_json(*name != '\0' ? name : facts->sync->sync.to));
	json_object_set(model, "clash", json_object_get(facts->sync->view, "clash"));
	json_object_set_new(model, "problem", words_json(problem != NULL ? problem : ""));
	json_object_set_new(model, "is_new", json_boolean(facts->sync->sync.is_new));
	json_object_set_new(model, "is_operator", json_boolean(role >= ACCOUNT_OPERATOR));
}

static int
make_page(struct preview_facts *facts, const char *problem, struct bh_err *err)
{
	preview_facts_totals(facts);
	if (preview_facts_samples(facts, err) < 0 || preview_facts_record(facts, err) < 0)
		return -1;
	complete(facts, problem);
	return exchange_page(facts->sync->exchange, problem != NULL ? 409 : 200, "preview",
	    "Preview", json_incref(facts->model), err);
}

struct seeing {
	const char *sync;
};

static int
see(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct seeing *seeing = arg;

	return preview_see(txn, seeing->sync, bh_now_ms(), err);
}

/* Whoever may act on it has seen it: that is what a start asks for. */
static int
note_seen(const struct preview_facts *facts, struct bh_err *err)
{
	struct exchange *exchange = facts->sync->exchange;
	struct seeing seeing = {facts->sync->sync.code};

	if (facts->preview.state != PREVIEW_DONE || facts->preview.seen_ms != 0 ||
	    facts->is_stale || exchange->session.role < ACCOUNT_OPERATOR)
		return 0;
	return store_run(exchange->site->store, see, &seeing, NULL, err) < 0 ? -1 : 0;
}

static int
show(struct exchange *exchange, const char *problem, struct bh_err *err)
{
	json_t *live = json_object(), *model = json_object();
	struct preview_facts facts;
	struct sync_facts sync;
	int rc = sync_load(exchange, &sync, live, err);

	if (rc > 0) {
		rc = preview_facts_get(&facts, &sync, model, live, err);
		if (rc == 0)
			rc = note_seen(&facts, err);
		if (rc == 0)
			rc = make_page(&facts, problem, err);
		preview_facts_release(&facts);
		sync_facts_release(&sync);
	}
	json_decref(model);
	json_decref(live);
	return rc;
}

int
page_preview(struct exchange *exchange, struct bh_err *err)
{
	return show(exchange, NULL, err);
}

int
page_preview_status(struct exchange *exchange, struct bh_err *err)
{
	json_t *live = json_object(), *model = json_object();
	struct preview_facts facts;
	struct sync_facts sync;
	int rc = sync_load(exchange, &sync, live, err);

	if (rc > 0) {
		json_object_clear(live);
		rc = preview_facts_get(&facts, &sync, model, live, err);
		if (rc == 0)
			response_json(exchange->response, 200, json_incref(live));
		preview_facts_release(&facts);
		sync_facts_release(&sync);
	}
	json_decref(model);
	json_decref(live);
	return rc;
}

/* -- buttons -- */

struct press {
	struct exchange *exchange;
	const char *code, *action;
	struct bh_buf then; /* query of the page that is shown */
};

static const char *
field(const struct press *press, const char *name)
{
	const char *text = request_field(press->exchange->request, name);

	return text != NULL ? text : "";
}

/* "acct_1/cus_1" or an id alone, of which the account may be a field of its own. */
static int
ask_for(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	const char *kind = field(press, "kind"), *account = field(press, "account"),
		   *id = field(press, "id");
	enum object_kind of = object_kind_of(kind);

	if (*id == '\0' || strlen(id) > ID_MAX || strlen(account) > ID_MAX)
		return bh_fail(err, BH_INVALID, "Enter the id of an object at the billing system.");
	if (of == OBJECT_NONE || is_object_virtual(of))
		return bh_fail(err, BH_INVALID, "Choose what kind of object it is.");
	preview_ask(txn, press->code, kind, account, id, bh_now_ms());
	bh_buf_reset(&press->then);
	bh_buf_addf(&press->then, "?kind=%s&account=", kind);
	bh_percent_add(&press->then, account, strlen(account));
	bh_buf_adds(&press->then, "&id=");
	bh_percent_add(&press->then, id, strlen(id));
	bh_buf_adds(&press->then, "#record");
	return 0;
}

static int
act(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	int64_t now = bh_now_ms();

	if (strcmp(press->action, "begin") == 0)
		return preview_begin(txn, press->code, now, err);
	if (strcmp(press->action, "stop") == 0)
		return preview_stop(txn, press->code, err);
	if (strcmp(press->action, "go-on") == 0)
		return preview_go_on(txn, press->code, now, err);
	return ask_for(txn, press, err);
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	struct account_sync sync;
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "preview",
	    .subject = press->code,
	    .text = text,
	    .by = press->exchange->session.user};
	int rc = account_sync_load(txn, press->code, &sync, err);

	if (rc <= 0)
		return rc < 0 ? -1 : bh_fail(err, BH_INVALID, "There is no such sync.");
	account_sync_release(&sync);
	if (act(txn, press, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "%s, in the browser by %s", press->action,
	    press->exchange->session.user);
	trail_add(txn, 0, &entry);
	return 0;
}

static bool
is_button(const char *action)
{
	static const char *const actions[] = {"begin", "stop", "go-on", "look"};

	for (size_t i = 0; i < BH_LEN(actions); i++)
		if (strcmp(actions[i], action) == 0)
			return true;
	return false;
}

int
page_preview_action(struct exchange *exchange, struct bh_err *err)
{
	struct press press = {.exchange = exchange,
	    .code = exchange->match.args[0],
	    .action = exchange->match.args[1],
	    .then = BH_BUF_INIT(8192)};
	struct bh_err why = BH_ERR_INIT;
	char *path;
	int rc = 0;

	if (!is_button(press.action)) {
		exchange_error(exchange, 404, "There is no such button.");
		return 0;
	}
	if (store_run(exchange->site->store, press_in, &press, NULL, &why) == 0) {
		path = bh_xasprintf("/syncs/%s/preview%s", press.code, bh_buf_str(&press.then));
		response_redirect(exchange->response, exchange->request->base, path);
		free(path);
	} else if (why.code == BH_INVALID) {
		rc = show(exchange, why.text, err);
	} else {
		rc = bh_fail(err, why.code, "%s", why.text);
	}
	bh_buf_release(&press.then);
	return rc;
}
