/* One sync: its state, what can be done with it, its re-sync, its settings. */
#include "base/base.h"

#include "web/page_sync.h"

#include "base/json.h"
#include "web/sync_form.h"
#include "web/words.h"

int
sync_load(struct exchange *exchange, struct sync_facts *facts, json_t *live, struct bh_err *err)
{
	int rc = sync_facts_get(facts, exchange, exchange->match.args[0], live, err);

	if (rc == 0)
		exchange_error(exchange, 404, "There is no such sync.");
	else if (rc < 0)
		sync_facts_release(facts);
	return rc;
}

void
sync_go(struct exchange *exchange, const char *code, const char *query)
{
	char *path = bh_xasprintf("/syncs/%s%s", code, query);

	response_redirect(exchange->response, exchange->request->base, path);
	free(path);
}

static void
set_url(const struct sync_facts *facts, json_t *model, const char *name, const char *below)
{
	json_object_set_new(model, name,
	    json_sprintf("%s/syncs/%s%s", facts->exchange->request->base, facts->sync.code, below));
}

static void
add_urls(const struct sync_facts *facts, json_t *model)
{
	const char *base = facts->exchange->request->base;

	set_url(facts, model, "base_url", "");
	set_url(facts, model, "live_url", "/status.json");
	json_object_set_new(model, "list_url", json_sprintf("%s/syncs", base));
	json_object_set_new(model, "problems_url",
	    json_sprintf("%s/problems?crm=%s", base, facts->sync.to));
	json_object_set_new(model, "customers_url", json_sprintf("%s/customers", base));
	json_object_set_new(model, "gone_url", json_sprintf("%s/syncs?gone=1", base));
}

static void
add_settings(const struct sync_facts *facts, json_t *model, const char *error)
{
	struct exchange *exchange = facts->exchange;
	const struct request *posted = error != NULL ? exchange->request : NULL;
	json_t *fields = sync_form_fields(exchange->site->conf->preset_dir, facts->sync.mapping,
	    facts->from.driver);

	json_object_set_new(model, "settings",
	    sync_form_view(fields, facts->sync.settings, posted, error));
	json_object_set_new(model, "has_settings", json_boolean(json_array_size(fields) > 0));
	json_object_set_new(model, "has_more", json_boolean(sync_form_has_more(fields)));
	json_object_set_new(model, "error", words_json(error != NULL ? error : ""));
	json_decref(fields);
}

static bool
is_asked(const struct exchange *exchange, const char *name)
{
	return strcmp(exchange->request->method, "GET") == 0 &&
	       request_query(exchange->request, name) != NULL;
}

static void
complete(struct sync_facts *facts, json_t *model, const char *problem, const char *why)
{
	struct exchange *exchange = facts->exchange;
	enum account_role role = exchange->session.role;
	const struct account_sync *sync = &facts->sync;

	add_urls(facts, model);
	json_object_set_new(model, "problem", words_json(problem != NULL ? problem : ""));
	json_object_set_new(model, "created", json_boolean(is_asked(exchange, "created")));
	json_object_set_new(model, "saved", json_boolean(is_asked(exchange, "saved")));
	json_object_set_new(model, "started", json_boolean(is_asked(exchange, "started")));
	json_object_set_new(model, "is_new", json_boolean(sync->is_new));
	json_object_set_new(model, "is_paused", json_boolean(sync->paused && !sync->is_new));
	json_object_set_new(model, "can_pause", json_boolean(!sync->paused && !sync->is_new));
	json_object_set_new(model, "may_start", json_boolean(*why == '\0'));
	json_object_set_new(model, "why_not", json_string(why));
	json_object_set_new(model, "is_operator", json_boolean(role >= ACCOUNT_OPERATOR));
	json_object_set_new(model, "is_admin", json_boolean(role >= ACCOUNT_ADMIN));
}

int
sync_show(struct exchange *exchange, const char *problem, const char *error, struct bh_err *err)
{
	json_t *live = json_object(), *model;
	struct sync_facts facts;
	char why[160];
	int rc = sync_load(exchange, &facts, live, err);

	if (rc <= 0) {
		json_decref(live);
		return rc;
	}
	rc = sync_facts_resync(&facts, live, err);
	if (rc == 0)
		rc = sync_facts_may_start(&facts, why, err);
	if (rc == 0) {
		model = json_incref(facts.view);
		complete(&facts, model, problem, why);
		add_settings(&facts, model, error);
		rc = exchange_page(exchange,
		    error != NULL     ? 400
		    : problem != NULL ? 409
				      : 200,
		    "sync", bh_json_str(model, "name"), model, err);
	}
	json_decref(live);
	sync_facts_release(&facts);
	return rc;
}

int
page_sync(struct exchange *exchange, struct bh_err *err)
{
	return sync_show(exchange, NULL, NULL, err);
}

int
page_sync_status(struct exchange *exchange, struct bh_err *err)
{
	json_t *live = json_object();
	struct sync_facts facts;
	int rc = sync_load(exchange, &facts, live, err);

	if (rc > 0) {
		rc = sync_facts_resync(&facts, live, err);
		if (rc == 0)
			response_json(exchange->response, 200, json_incref(live));
		sync_facts_release(&facts);
	}
	json_decref(live);
	return rc;
}
