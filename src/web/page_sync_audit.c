/* The audit of a sync: what people changed in the CRM behind our back, and having it mended. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/trail.h"
#include "web/page_sync.h"
#include "web/sync_audit_facts.h"
#include "web/words.h"

static void
set_url(const struct exchange *exchange, json_t *model, const char *name, const char *below)
{
	json_object_set_new(model, name,
	    json_sprintf("%s/syncs/%s%s", exchange->request->base, exchange->match.args[0], below));
}

/* What was just given to the push: "given" of the query. */
static json_t *
given(const struct exchange *exchange)
{
	const char *text = request_query(exchange->request, "given");
	uint64_t n;

	if (text == NULL || !bh_is_uint(text, strlen(text), AUDIT_ROWS, &n))
		return json_null();
	return json_pack("{s:o, s:b, s:b}", "count", words_count_json((int64_t)n), "is_one", n == 1,
	    "is_none", n == 0);
}

static void
complete(const struct sync_audit_facts *facts, const char *problem)
{
	struct exchange *exchange = facts->sync->exchange;
	json_t *model = facts->model;
	const char *name = facts->sync->to.name;
	int64_t days = bh_json_int(facts->sync->sync.settings, AUDIT_SETTING, 0);

	set_url(exchange, model, "base_url", "/audit");
	set_url(exchange, model, "live_url", "/audit/status.json");
	set_url(exchange, model, "csv_url", "/audit.csv");
	set_url(exchange, model, "sync_url", "");
	json_object_set_new(model, "list_url", json_sprintf("%s/syncs", exchange->request->base));
	json_object_set_new(model, "sync_name", sync_facts_name(facts->sync));
	json_object_set_new(model, "dest", words_json(*name != '\0' ? name : facts->sync->sync.to));
	json_object_set_new(model, "problem", words_json(problem != NULL ? problem : ""));
	json_object_set_new(model, "given", given(exchange));
	json_object_set_new(model, "has_days", json_boolean(days > 0));
	json_object_set_new(model, "days", words_count_json(days));
	json_object_set_new(model, "is_daily", json_boolean(days == 1));
	json_object_set_new(model, "is_operator",
	    json_boolean(exchange->session.role >= ACCOUNT_OPERATOR));
}

static int
make_page(struct sync_audit_facts *facts, const char *problem, struct bh_err *err)
{
	sync_audit_facts_totals(facts);
	if (sync_audit_facts_rows(facts, err) < 0)
		return -1;
	complete(facts, problem);
	return exchange_page(facts->sync->exchange, problem != NULL ? 409 : 200, "sync_audit",
	    "Audit", json_incref(facts->model), err);
}

/* The page, or what of it changes. */
static int
answer(struct exchange *exchange, bool is_status, const char *problem, struct bh_err *err)
{
	json_t *live = json_object(), *model = json_object();
	struct sync_audit_facts facts;
	struct sync_facts sync;
	int rc = sync_load(exchange, &sync, live, err);

	if (rc > 0) {
		json_object_clear(live);
		rc = sync_audit_facts_get(&facts, &sync, model, live, err);
		if (rc == 0 && is_status)
			response_json(exchange->response, 200, json_incref(live));
		else if (rc == 0)
			rc = make_page(&facts, problem, err);
		sync_audit_facts_release(&facts);
		sync_facts_release(&sync);
	}
	json_decref(model);
	json_decref(live);
	return rc;
}

int
page_sync_audit(struct exchange *exchange, struct bh_err *err)
{
	return answer(exchange, false, NULL, err);
}

int
page_sync_audit_status(struct exchange *exchange, struct bh_err *err)
{
	return answer(exchange, true, NULL, err);
}

int
page_sync_audit_file(struct exchange *exchange, struct bh_err *err)
{
	struct response *response = exchange->response;
	json_t *live = json_object();
	struct sync_facts sync;
	int rc = sync_load(exchange, &sync, live, err);

	if (rc > 0) {
		response->status = 200;
		response->type = "text/csv; charset=utf-8";
		bh_buf_reset(&response->body);
		rc = audit_csv(exchange_read(exchange), sync.sync.code, &response->body, err);
		sync_facts_release(&sync);
	}
	json_decref(live);
	return rc < 0 ? -1 : 0;
}

/* -- buttons -- */

struct press {
	struct exchange *exchange;
	const char *code, *action;
	size_t given; /* records that were given to the push */
};

static int
turn(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	if (strcmp(press->action, "begin") == 0)
		return audit_begin(txn, press->code, bh_now_ms(), err);
	if (strcmp(press->action, "stop") == 0)
		return audit_stop(txn, press->code, err);
	if (strcmp(press->action, "go-on") == 0)
		return audit_go_on(txn, press->code, bh_now_ms(), err);
	return 0;
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	struct account_sync sync;
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "audit",
	    .subject = press->code,
	    .text = text,
	    .by = press->exchange->session.user};
	int rc = account_sync_load(txn, press->code, &sync, err);

	if (rc <= 0)
		return rc < 0 ? -1 : bh_fail(err, BH_INVALID, "There is no such sync.");
	account_sync_release(&sync);
	if (turn(txn, press, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "audit: %s, in the browser by %s", press->action,
	    press->exchange->session.user);
	trail_add(txn, 0, &entry);
	return 0;
}

static bool
is_button(const char *action)
{
	static const char *const actions[] = {"begin", "stop", "go-on", "repair"};

	for (size_t i = 0; i < BH_LEN(actions); i++)
		if (strcmp(actions[i], action) == 0)
			return true;
	return false;
}

/* One record where the form names it, else all. */
static int
repair(struct press *press, struct bh_err *err)
{
	const struct site *site = press->exchange->site;
	const struct request *request = press->exchange->request;
	const char *object = request_field(request, "object");
	const char *account = request_field(request, "account");
	const char *id = request_field(request, "id");

	if (!site->has_key)
		return bh_fail(err, BH_INVALID, "The key of this Billhook cannot be read.");
	return audit_repair(site->store, &site->key, press->code, object,
	    account != NULL ? account : "", id != NULL ? id : "", &press->given, err);
}

static int
do_press(struct press *press, struct bh_err *err)
{
	if (store_run(press->exchange->site->store, press_in, press, NULL, err) != 0)
		return -1;
	return strcmp(press->action, "repair") == 0 ? repair(press, err) : 0;
}

static void
go_back(const struct press *press)
{
	char query[40] = "";
	char *path;

	if (strcmp(press->action, "repair") == 0)
		snprintf(query, sizeof(query), "?given=%zu", press->given);
	path = bh_xasprintf("/syncs/%s/audit%s", press->code, query);
	response_redirect(press->exchange->response, press->exchange->request->base, path);
	free(path);
}

int
page_sync_audit_action(struct exchange *exchange, struct bh_err *err)
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
