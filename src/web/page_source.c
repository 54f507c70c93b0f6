/* One source: who answers, what was read, its webhook, its settings. */
#include "base/base.h"

#include "web/page_source.h"

#include "base/json.h"
#include "web/source_facts.h"
#include "web/words.h"

/* -- the choice of events -- */

static void
add_events(const struct source_facts *facts)
{
	json_t *wanted = source_events(facts->driver, facts->connection->settings);
	json_t *list = json_array(), *learnt = json_object_get(facts->connection->learnt, "events");
	json_t *chosen = json_object(), *one;
	size_t i, n = 0;

	if (json_array_size(json_object_get(facts->connection->settings, "events")) == 0 &&
	    json_array_size(learnt) > 0) {
		json_decref(wanted);
		wanted = json_incref(learnt);
	}
	json_array_foreach (wanted, i, one)
		if (json_is_string(one))
			json_object_set_new(chosen, json_string_value(one), json_true());
	for (const struct source_type *type = facts->driver->types;
	     type != NULL && type->type != NULL; type++) {
		bool is_chosen = json_object_get(chosen, type->type) != NULL;

		n += is_chosen;
		json_array_append_new(list,
		    json_pack("{s:s, s:b, s:s}", "type", type->type, "is_chosen", is_chosen, "hint",
			type->choice == SOURCE_NOT_WANTED ? "not needed"
			: type->choice == SOURCE_OPTIONAL ? "optional"
							  : ""));
	}
	json_object_set_new(facts->model, "events", list);
	json_object_set_new(facts->model, "chosen_count", json_integer((json_int_t)n));
	json_decref(chosen);
	json_decref(wanted);
}

/* -- the page -- */

static void
complete(struct exchange *exchange, const struct source_facts *facts,
    const struct connection_kind *kind, const char *error)
{
	const struct account_connection *connection = facts->connection;
	const char *base = exchange->request->base;
	json_t *model = facts->model;

	json_object_set_new(model, "name", words_json(connection_name(connection)));
	json_object_set_new(model, "badge", words_json(source_mode(connection)));
	json_object_set_new(model, "driver", json_string(kind->title));
	json_object_set_new(model, "saved",
	    json_boolean(error == NULL && request_query(exchange->request, "saved") != NULL));
	json_object_set_new(model, "broken", words_json(connection->broken));
	json_object_set_new(model, "is_paused", json_boolean(connection->paused));
	json_object_set_new(model, "base_url",
	    json_sprintf("%s/connections/%s", base, connection->code));
	json_object_set_new(model, "live_url",
	    json_sprintf("%s/connections/%s/status.json", base, connection->code));
	json_object_set_new(model, "list_url", json_sprintf("%s/connections", base));
	json_object_set_new(model, "activity_url",
	    json_sprintf("%s/activity?connection=%s", base, connection->code));
	json_object_set_new(model, "can_press",
	    json_boolean(exchange->session.role >= ACCOUNT_OPERATOR));
	json_object_set_new(model, "steps", connection_steps(exchange, kind, connection->code));
	json_object_set_new(model, "has_steps", json_boolean(kind->steps != NULL));
	json_object_set_new(model, "hook_url",
	    connection_own_url(exchange, kind, connection->code));
	connection_add_form(model, exchange, connection, kind, error);
	add_events(facts);
}

int
source_show(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *error, struct bh_err *err)
{
	struct source_facts facts;
	int rc = source_facts_get(&facts, exchange, connection, kind->source, err);

	if (rc == 0) {
		complete(exchange, &facts, kind, error);
		rc = exchange_page(exchange, error != NULL ? 400 : 200, "source",
		    connection_name(connection), json_incref(facts.model), err);
	}
	source_facts_release(&facts);
	return rc;
}

int
source_status(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err)
{
	struct source_facts facts;
	int rc = source_facts_get(&facts, exchange, connection, kind->source, err);

	if (rc == 0)
		response_json(exchange->response, 200, json_incref(facts.live));
	source_facts_release(&facts);
	return rc;
}
