/* One connection: which kind it is decides what its page shows. */
#include "base/base.h"

#include "web/page_connection.h"

#include "base/json.h"
#include "web/connection_form.h"
#include "web/page_crm.h"
#include "web/page_source.h"
#include "web/words.h"

bool
connection_kind_find(struct connection_kind *kind, const char *driver)
{
	const struct source_driver *source = source_driver(driver);
	const struct dest_driver *dest = source == NULL ? dest_driver(driver) : NULL;

	if (source != NULL)
		*kind = (struct connection_kind){source->name, source->title, true,
		    source->settings, source->steps, source, NULL};
	else if (dest != NULL)
		*kind = (struct connection_kind){dest->name, dest->title, false, dest->settings,
		    dest->steps, NULL, dest};
	return source != NULL || dest != NULL;
}

int
connection_load(struct exchange *exchange, struct account_connection *connection,
    struct connection_kind *kind, struct bh_err *err)
{
	const struct site *site = exchange->site;
	int rc = account_connection_load(exchange_read(exchange), site->has_key ? &site->key : NULL,
	    exchange->match.args[0], connection, err);

	if (rc < 0)
		return -1;
	if (rc > 0 && connection_kind_find(kind, connection->driver) &&
	    kind->is_source == connection->is_source)
		return 1;
	account_connection_release(connection);
	/* Whoever pressed the button waits for just that. */
	if (rc == 0 && request_query(exchange->request, "leaving") != NULL)
		response_redirect(exchange->response, exchange->request->base,
		    "/connections?gone=1");
	else
		exchange_error(exchange, 404, "There is no such connection.");
	return 0;
}

void
connection_go(struct exchange *exchange, const char *code, const char *query)
{
	char *path = bh_xasprintf("/connections/%s%s", code, query);

	response_redirect(exchange->response, exchange->request->base, path);
	free(path);
}

const char *
connection_name(const struct account_connection *connection)
{
	return connection->name[0] != '\0' ? connection->name : connection->code;
}

/* -- addresses, and the steps by hand -- */

/* A host as browsers send it; nothing else is shown as part of an address. */
static bool
is_host(const char *host)
{
	return host[0] != '\0' &&
	       strspn(host,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]") ==
		   strlen(host);
}

json_t *
connection_address(const struct exchange *exchange, const char *path)
{
	const struct request *request = exchange->request;
	const char *public_url = exchange->site->conf->public_url;
	const char *host = request->host;

	if (public_url[0] != '\0')
		return json_sprintf("%s%s", public_url, path);
	if (!is_host(host))
		return json_sprintf("%s%s", request->base, path);
	return json_sprintf("%s://%s%s%s", request->is_https ? "https" : "http", host,
	    request->base, path);
}

json_t *
connection_own_url(const struct exchange *exchange, const struct connection_kind *kind,
    const char *code)
{
	char *path = bh_xasprintf("/hook/%s", code);
	json_t *url = connection_address(exchange, kind->is_source ? path : CONNECTION_CALLBACK);

	free(path);
	return url;
}

json_t *
connection_steps(const struct exchange *exchange, const struct connection_kind *kind,
    const char *code)
{
	json_t *url = connection_own_url(exchange, kind, code);
	json_t *list = json_array();
	const char *at = kind->steps != NULL ? kind->steps : "";

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

/* -- the form -- */

void
connection_add_form(json_t *model, struct exchange *exchange,
    const struct account_connection *connection, const struct connection_kind *kind,
    const char *error)
{
	const struct request *posted = error != NULL ? exchange->request : NULL;
	const char *name = posted != NULL ? request_field(posted, "name") : NULL;

	json_object_set_new(model, "form_name",
	    words_json(name != NULL ? name : connection_name(connection)));
	json_object_set_new(model, "error",
	    error != NULL ? connection_form_error(kind->settings, error) : json_string(""));
	json_object_set_new(model, "is_retyped",
	    json_boolean(posted != NULL && connection_form_has_secret(kind->settings, posted)));
	json_object_set_new(model, "settings",
	    connection_form_view(kind->settings, connection, posted, error));
	json_object_set_new(model, "has_more",
	    json_boolean(connection_form_has_more(kind->settings)));
	json_object_set_new(model, "can_save",
	    json_boolean(exchange->session.role >= ACCOUNT_ADMIN));
}

/* -- pages -- */

int
connection_show(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *error, struct bh_err *err)
{
	return kind->is_source ? source_show(exchange, connection, kind, error, err)
			       : crm_show(exchange, connection, kind, error, err);
}

int
page_connection(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	struct connection_kind kind;
	int rc = connection_load(exchange, &connection, &kind, err);

	if (rc <= 0)
		return rc;
	rc = connection_show(exchange, &connection, &kind, NULL, err);
	account_connection_release(&connection);
	return rc;
}

int
page_connection_status(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	struct connection_kind kind;
	int rc = connection_load(exchange, &connection, &kind, err);

	if (rc <= 0)
		return rc;
	rc = kind.is_source ? source_status(exchange, &connection, &kind, err)
			    : crm_status(exchange, &connection, &kind, err);
	account_connection_release(&connection);
	return rc;
}

int
page_connection_action(struct exchange *exchange, struct bh_err *err)
{
	struct account_connection connection = {0};
	struct connection_kind kind;
	int rc = connection_load(exchange, &connection, &kind, err);

	if (rc <= 0)
		return rc;
	rc = kind.is_source ? source_act(exchange, &connection, &kind, err)
			    : crm_act(exchange, &connection, &kind, err);
	account_connection_release(&connection);
	return rc;
}
