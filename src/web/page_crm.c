/* One CRM: who answers, its schema, its limits, what waits for a person, its settings. */
#include "base/base.h"

#include "web/page_crm.h"

#include "base/json.h"
#include "web/crm_facts.h"
#include "web/words.h"

static void
add_roles(json_t *model, enum account_role role)
{
	json_object_set_new(model, "is_operator", json_boolean(role >= ACCOUNT_OPERATOR));
	json_object_set_new(model, "is_admin", json_boolean(role >= ACCOUNT_ADMIN));
}

static void
complete(const struct crm_facts *facts, const struct connection_kind *kind, const char *error,
    const char *problem)
{
	const struct account_connection *connection = facts->connection;
	struct exchange *exchange = facts->exchange;
	const char *base = exchange->request->base;
	bool is_fresh = error == NULL && problem == NULL;
	json_t *model = facts->model;

	json_object_set_new(model, "name", words_json(connection_name(connection)));
	json_object_set_new(model, "code", json_string(connection->code));
	json_object_set_new(model, "driver", json_string(kind->title));
	json_object_set_new(model, "saved",
	    json_boolean(is_fresh && request_query(exchange->request, "saved") != NULL));
	json_object_set_new(model, "linked",
	    json_boolean(is_fresh && request_query(exchange->request, "linked") != NULL));
	json_object_set_new(model, "problem", words_json(problem != NULL ? problem : ""));
	json_object_set_new(model, "broken", words_json(connection->broken));
	json_object_set_new(model, "is_paused", json_boolean(connection->paused));
	json_object_set_new(model, "base_url",
	    json_sprintf("%s/connections/%s", base, connection->code));
	json_object_set_new(model, "live_url",
	    json_sprintf("%s/connections/%s/status.json", base, connection->code));
	json_object_set_new(model, "list_url", json_sprintf("%s/connections", base));
	json_object_set_new(model, "gone_url", json_sprintf("%s/connections?gone=1", base));
	json_object_set_new(model, "steps", connection_steps(exchange, kind, connection->code));
	json_object_set_new(model, "has_steps", json_boolean(kind->steps != NULL));
	add_roles(model, exchange->session.role);
	connection_add_form(model, exchange, connection, kind, error);
}

static int
show(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *error, const char *problem, struct bh_err *err)
{
	struct crm_facts facts;
	int rc = crm_facts_get(&facts, exchange, connection, kind->dest, false, err);
	int status = error != NULL ? 400 : problem != NULL ? 409 : 200;

	if (rc == 0) {
		complete(&facts, kind, error, problem);
		rc = exchange_page(exchange, status, "crm", connection_name(connection),
		    json_incref(facts.model), err);
	}
	crm_facts_release(&facts);
	return rc;
}

int
crm_show(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *error, struct bh_err *err)
{
	return show(exchange, connection, kind, error, NULL, err);
}

int
crm_show_problem(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *problem, struct bh_err *err)
{
	return show(exchange, connection, kind, NULL, problem, err);
}

int
crm_status(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err)
{
	struct crm_facts facts;
	int rc = crm_facts_get(&facts, exchange, connection, kind->dest, true, err);

	if (rc == 0)
		response_json(exchange->response, 200, json_incref(facts.live));
	crm_facts_release(&facts);
	return rc;
}
