/* Syncs: the list, source → CRM, with state and counts. */
#include "base/base.h"

#include "base/json.h"
#include "web/sync_facts.h"

/* Each sync's view into list, where that is wanted, and its live texts into live. */
static int
gather(struct exchange *exchange, json_t *list, json_t *live, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_syncs(exchange_read(exchange), &codes, err);

	json_array_foreach (codes, i, code) {
		struct sync_facts facts;

		rc = sync_facts_get(&facts, exchange, json_string_value(code), live, err);
		if (rc > 0 && list != NULL)
			json_array_append(list, facts.view);
		if (rc != 0)
			sync_facts_release(&facts);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* Is there a source, and a CRM? */
static int
look_for_ends(struct exchange *exchange, bool *has_source_r, bool *has_crm_r, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	*has_source_r = *has_crm_r = false;
	json_array_foreach (codes, i, code) {
		struct account_connection connection = {0};

		rc = account_connection_load(txn, NULL, json_string_value(code), &connection, err);
		if (rc > 0 && connection.is_source)
			*has_source_r = true;
		else if (rc > 0)
			*has_crm_r = true;
		account_connection_release(&connection);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

int
page_syncs(struct exchange *exchange, struct bh_err *err)
{
	json_t *list = json_array(), *live = json_object(), *model;
	const char *base = exchange->request->base;
	bool has_source, has_crm;
	int rc = gather(exchange, list, live, err);

	json_decref(live);
	if (rc == 0)
		rc = look_for_ends(exchange, &has_source, &has_crm, err);
	if (rc < 0) {
		json_decref(list);
		return -1;
	}
	model = json_pack("{s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:b}", "has_syncs",
	    json_array_size(list) > 0, "lacks_source", !has_source, "lacks_crm", !has_crm,
	    "can_add", has_source && has_crm && exchange->session.role >= ACCOUNT_ADMIN, "new_url",
	    json_sprintf("%s/syncs/new", base), "connections_url",
	    json_sprintf("%s/connections", base), "live_url",
	    json_sprintf("%s/syncs/status.json", base), "gone",
	    request_query(exchange->request, "gone") != NULL);
	json_object_set_new(model, "syncs", list);
	return exchange_page(exchange, 200, "syncs", "Syncs", model, err);
}

int
page_syncs_status(struct exchange *exchange, struct bh_err *err)
{
	json_t *live = json_object();

	if (gather(exchange, NULL, live, err) < 0) {
		json_decref(live);
		return -1;
	}
	response_json(exchange->response, 200, live);
	return 0;
}
