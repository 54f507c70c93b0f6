/* One source: who answers, what was read, its webhook, its settings. */
#include "base/base.h"

#include "web/page_source.h"

#include "base/json.h"
#include "web/source_facts.h"
#include "web/source_form.h"
#include "web/words.h"

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

/* -- the choice of events, and the steps by hand -- */

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

json_t *
source_steps(const struct exchange *exchange, const struct source_driver *driver, const char *code)
{
	json_t *url = source_hook_url(exchange, code);
	json_t *list = json_array();
	const char *at = driver->steps != NULL ? driver->steps : "";

	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		const char *place = memmem(at, len, "%s", 2);
		size_t before = place != NULL ? (size_t)(place - at) : len;
		size_t behind = place != NULL ? before + 2 : len;

		json_array_append_new(list,
		    json_pack("{s:o, s:s, s:o}", "text", json_stringn(at, before), "url",
			place != NULL ? json_string_value(url) : "", "rest",
			json_stringn(at + behind, len - behind)));
		at += len + (at[len] == '\n');
	}
	json_decref(url);
	return list;
}

/* -- the page -- */

static void
add_form(struct exchange *exchange, const struct source_facts *facts, const char *error)
{
	const struct request *posted = error != NULL ? exchange->request : NULL;
	const struct account_connection *connection = facts->connection;
	const char *name = posted != NULL ? request_field(posted, "name") : NULL;
	json_t *model = facts->model;

	if (name == NULL)
		name = connection->name[0] != '\0' ? connection->name : connection->code;
	json_object_set_new(model, "form_name", words_json(name));
	json_object_set_new(model, "error",
	    error != NULL ? source_form_error(facts->driver, error) : json_string(""));
	json_object_set_new(model, "is_retyped",
	    json_boolean(posted != NULL && source_form_has_secret(facts->driver, posted)));
	json_object_set_new(model, "settings",
	    source_form_view(facts->driver, connection, posted, error));
	json_object_set_new(model, "has_more", json_boolean(source_form_has_more(facts->driver)));
	json_object_set_new(model, "can_save",
	    json_boolean(exchange->session.role >= ACCOUNT_ADMIN));
}

static void
complete(struct exchange *exchange, const struct source_facts *facts, const char *error)
{
	const struct account_connection *connection = facts->connection;
	const char *base = exchange->request->base;
	json_t *model = facts->model;

	json_object_set_new(model, "name",
	    words_json(connection->name[0] != '\0' ? connection->name : connection->code));
	json_object_set_new(model, "badge", words_json(source_mode(connection)));
	json_object_set_new(model, "driver", json_string(facts->driver->title));
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
	json_object_set_new(model, "steps",
	    source_steps(exchange, facts->driver, connection->code));
	json_object_set_new(model, "has_steps", json_boolean(facts->driver->steps != NULL));
	json_object_set_new(model, "hook_url", source_hook_url(exchange, connection->code));
	add_form(exchange, facts, error);
	add_events(facts);
}

int
source_show(struct exchange *exchange, const struct account_connection *connection,
    const struct source_driver *driver, const char *error, struct bh_err *err)
{
	struct source_facts facts;
	int rc = source_facts_get(&facts, exchange, connection, driver, err);

	if (rc == 0) {
		complete(exchange, &facts, error);
		rc = exchange_page(exchange, error != NULL ? 400 : 200, "source",
		    connection->name[0] != '\0' ? connection->name : connection->code,
		    json_incref(facts.model), err);
	}
	source_facts_release(&facts);
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
	struct source_facts facts;
	int rc = source_load(exchange, &connection, &driver, err);

	if (rc <= 0)
		return rc;
	rc = source_facts_get(&facts, exchange, &connection, driver, err);
	if (rc == 0)
		response_json(exchange->response, 200, json_incref(facts.live));
	source_facts_release(&facts);
	account_connection_release(&connection);
	return rc;
}
