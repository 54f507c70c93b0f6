/* Connections: the list of billing systems and CRMs, and what can be connected. */
#include "base/base.h"

#include "base/json.h"
#include "web/crm_facts.h"
#include "web/page_connection.h"
#include "web/source_facts.h"

static int
add_connections(struct exchange *exchange, json_t *sources, json_t *crms, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection connection = {0};
		json_t *view = NULL;

		rc = account_connection_load(txn, NULL, json_string_value(code), &connection, err);
		if (rc > 0 && connection.is_source)
			rc = source_card(exchange, &connection, &view, err);
		else if (rc > 0)
			rc = crm_card(exchange, &connection, &view, err);
		if (view != NULL)
			json_array_append_new(connection.is_source ? sources : crms, view);
		account_connection_release(&connection);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static void
add_choice(const struct exchange *exchange, json_t *list, const char *name, const char *title)
{
	json_array_append_new(list,
	    json_pack("{s:s, s:o}", "title", title, "url",
		json_sprintf("%s/connections/new/%s", exchange->request->base, name)));
}

static json_t *
sources_view(const struct exchange *exchange)
{
	const struct source_driver *const *drivers = source_drivers();
	json_t *list = json_array();

	for (size_t i = 0; drivers[i] != NULL; i++)
		add_choice(exchange, list, drivers[i]->name, drivers[i]->title);
	return list;
}

/* Those that have a form, or need none. */
static json_t *
crms_view(const struct exchange *exchange)
{
	const struct dest_driver *const *drivers = dest_drivers();
	json_t *list = json_array();

	for (size_t i = 0; drivers[i] != NULL; i++)
		if (crm_is_offered(drivers[i]))
			add_choice(exchange, list, drivers[i]->name, drivers[i]->title);
	return list;
}

int
page_connections(struct exchange *exchange, struct bh_err *err)
{
	json_t *sources = json_array(), *crms = json_array(), *model;

	if (add_connections(exchange, sources, crms, err) < 0) {
		json_decref(sources);
		json_decref(crms);
		return -1;
	}
	model = json_pack("{s:b, s:b, s:o, s:o}", "has_sources", json_array_size(sources) > 0,
	    "has_crms", json_array_size(crms) > 0, "drivers", sources_view(exchange), "crm_drivers",
	    crms_view(exchange));
	json_object_set_new(model, "sources", sources);
	json_object_set_new(model, "crms", crms);
	json_object_set_new(model, "can_add",
	    json_boolean(exchange->session.role >= ACCOUNT_ADMIN));
	json_object_set_new(model, "gone",
	    json_boolean(request_query(exchange->request, "gone") != NULL));
	return exchange_page(exchange, 200, "connections", "Connections", model, err);
}
