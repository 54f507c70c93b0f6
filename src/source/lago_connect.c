/* Lago: whose key it is, webhook endpoints, a CRM's id stored on a customer, and new customers. */
#include "base/base.h"

#include "base/text.h"
#include "source/lago.h"

#define NAME "Billhook"
#define SCAN_PAGES 20 /* for a customer whose external id is not known */

/* -- probe -- */

/* 1 when the key may read it, 0 when it may not, -1. */
static int
may_read(const struct source_api *api, const char *path, struct bh_err *err)
{
	struct source_answer answer;
	char *query = bh_xasprintf("%s?page=1&per_page=1", path);
	struct bh_err call_err = BH_ERR_INIT;
	int rc = lago_call(api, "GET", query, NULL, &answer, &call_err);
	int status = answer.status;

	free(query);
	source_answer_release(&answer);
	if (rc >= 0 || status == 403)
		return rc > 0;
	if (err != NULL)
		*err = call_err;
	return -1;
}

static int
add_missing(const struct source_api *api, json_t *who, struct bh_err *err)
{
	static const char *const needed[][2] = {
	    {"customers", "read for customer"},
	    {"subscriptions", "read for subscription"},
	    {"invoices", "read for invoice"},
	    {"credit_notes", "read for credit note"},
	    {"payments", "read for payment"},
	    {"plans", "read for plan"},
	};
	json_t *missing = json_array();
	int rc = 0;

	json_object_set_new(who, "missing", missing);
	for (size_t i = 0; rc >= 0 && i < BH_LEN(needed); i++) {
		rc = may_read(api, needed[i][0], err);
		if (rc == 0)
			json_array_append_new(missing, json_string(needed[i][1]));
	}
	return rc < 0 ? -1 : 0;
}

/* The key that checks webhooks signed with JWT, where the API key may read it. */
static void
learn_public_key(const struct source_api *api, json_t *settings)
{
	struct source_answer answer;

	if (lago_call(api, "GET", "webhooks/json_public_key", NULL, &answer, NULL) > 0) {
		json_t *key =
		    json_object_get(json_object_get(answer.json, "webhook"), "public_key");

		if (json_is_string(key) && json_string_length(key) < 8192)
			json_object_set(settings, "public_key", key);
	}
	source_answer_release(&answer);
}

static json_t *
who_json(const json_t *organization)
{
	const char *name = bh_json_str(organization, "name");
	const char *currency = bh_json_str(organization, "default_currency");
	const char *zone = bh_json_str(organization, "timezone");
	json_t *who = json_object(), *settings = json_object();
	char *detail = bh_xasprintf("%.10s%s%.60s", currency != NULL ? currency : "",
	    currency != NULL && zone != NULL ? ", " : "", zone != NULL ? zone : "");

	json_object_set_new(who, "name", bh_json_string(name != NULL ? name : ""));
	json_object_set(who, "id", json_object_get(organization, "lago_id"));
	json_object_set_new(who, "mode", json_string(""));
	json_object_set_new(who, "detail", bh_json_string(detail));
	json_object_set(settings, "organization_id", json_object_get(organization, "lago_id"));
	if (json_is_string(json_object_get(organization, "slug")))
		json_object_set(settings, "slug", json_object_get(organization, "slug"));
	json_object_set_new(who, "settings", settings);
	free(detail);
	return who;
}

int
lago_probe(const struct source_api *api, json_t **who_r, struct bh_err *err)
{
	struct source_answer answer;
	const json_t *organization;
	json_t *who = NULL;
	int rc = lago_call(api, "GET", "organizations", NULL, &answer, err);

	*who_r = NULL;
	organization = json_object_get(answer.json, "organization");
	if (rc == 0 || (rc > 0 && bh_json_str(organization, "lago_id") == NULL))
		rc = bh_fail(err, BH_INVALID, "no Lago answers at this address: is api_url right?");
	if (rc > 0) {
		who = who_json(organization);
		rc = add_missing(api, who, err);
	}
	source_answer_release(&answer);
	if (rc < 0) {
		json_decref(who);
		return -1;
	}
	learn_public_key(api, json_object_get(who, "settings"));
	*who_r = who;
	return 0;
}

/* -- webhook endpoints -- */

static json_t *
endpoint_json(const json_t *endpoint)
{
	const char *algorithm = bh_json_str(endpoint, "signature_algo");
	const json_t *events = json_object_get(endpoint, "event_types");
	json_t *one = json_pack("{s:b, s:s}", "enabled", 1, "version", "");

	json_object_set(one, "id", json_object_get(endpoint, "lago_id"));
	json_object_set(one, "url", json_object_get(endpoint, "webhook_url"));
	json_object_set_new(one, "events",
	    json_is_array(events) ? json_deep_copy(events) : json_pack("[s]", "*"));
	json_object_set_new(one, "problem",
	    json_string(algorithm != NULL && strcmp(algorithm, "jwt") == 0
			    ? "signed with JWT, whose header grows beyond what web servers accept"
			    : ""));
	return one;
}

int
lago_endpoints(const struct source_api *api, json_t **list_r, struct bh_err *err)
{
	struct source_answer answer;
	struct lago_rows rows;
	int rc;
	size_t i;
	json_t *endpoint;

	*list_r = NULL;
	/* At most ten: one page. */
	rc = lago_list(api, "webhook_endpoints", "webhook_endpoints", 1, &answer, &rows, err);
	if (rc == 0) {
		*list_r = json_array();
		json_array_foreach (rows.rows, i, endpoint)
			json_array_append_new(*list_r, endpoint_json(endpoint));
	}
	source_answer_release(&answer);
	return rc;
}

/* The types to be sent; the one that Lago sends but does not know is left out. */
static json_t *
chosen_events(const json_t *events)
{
	json_t *list = json_array(), *type;
	size_t i;

	if (events == NULL) {
		const struct source_type *known = source_lago.types;

		for (; known->type != NULL; known++)
			if (known->choice == SOURCE_BY_DEFAULT)
				json_array_append_new(list, json_string(known->type));
	}
	json_array_foreach (events, i, type) {
		const char *name = json_string_value(type);

		if (name != NULL && strcmp(name, "credit_note.refund_failure") != 0)
			json_array_append(list, type);
	}
	return list;
}

static bool
has_detail(const struct source_answer *answer, const char *field, const char *code)
{
	const json_t *codes =
	    json_object_get(json_object_get(answer->json, "error_details"), field);
	size_t i;
	json_t *one;

	json_array_foreach (codes, i, one)
		if (json_is_string(one) &&
		    (code == NULL || strcmp(json_string_value(one), code) == 0))
			return true;
	return false;
}

/* What Lago refuses, in words; err holds the usual text before. */
static int
fail_endpoint(const struct source_answer *answer, struct bh_err *err)
{
	if (answer->status != 422)
		return -1;
	if (has_detail(answer, "webhook_url", "value_already_exist"))
		return bh_fail(err, BH_INVALID,
		    "Lago has a webhook endpoint with this address already: mend that one");
	if (has_detail(answer, "base", "exceeded_limit"))
		return bh_fail(err, BH_INVALID,
		    "Lago keeps at most ten webhook endpoints of an organization: remove one first");
	if (has_detail(answer, "webhook_url", NULL))
		return bh_fail(err, BH_INVALID, "Lago does not accept this address for webhooks");
	if (has_detail(answer, "event_types", NULL))
		return bh_fail(err, BH_INVALID,
		    "this Lago does not know one of the chosen types of events: choose fewer, or update it");
	return -1;
}

int
lago_endpoint_put(const struct source_api *api, const struct source_endpoint *endpoint,
    json_t **endpoint_r, struct bh_err *err)
{
	struct source_answer answer;
	struct bh_buf path = BH_BUF_INIT(1024);
	json_t *events = chosen_events(endpoint->events);
	json_t *body;
	int rc;

	*endpoint_r = NULL;
	/* None is a choice for Lago: the endpoint would be silent. */
	if (json_array_size(events) == 0) {
		json_decref(events);
		return bh_fail(err, BH_INVALID, "no type of events is chosen");
	}
	body = json_pack("{s:{s:s, s:s, s:s, s:o}}", "webhook_endpoint", "webhook_url",
	    endpoint->url, "signature_algo", "hmac", "name", NAME, "event_types", events);
	bh_buf_adds(&path, "webhook_endpoints");
	if (endpoint->id != NULL) {
		bh_buf_addc(&path, '/');
		bh_percent_add(&path, endpoint->id, strlen(endpoint->id));
	}
	rc = lago_call(api, endpoint->id != NULL ? "PUT" : "POST", bh_buf_str(&path), body, &answer,
	    err);
	if (rc < 0)
		rc = fail_endpoint(&answer, err);
	else if (rc == 0)
		rc = bh_fail(err, BH_INVALID, "Lago has no such webhook endpoint any more");
	else
		*endpoint_r = endpoint_json(json_object_get(answer.json, "webhook_endpoint"));
	source_answer_release(&answer);
	json_decref(body);
	bh_buf_release(&path);
	return rc < 0 ? -1 : 0;
}

int
lago_endpoint_remove(const struct source_api *api, const char *id, struct bh_err *err)
{
	struct source_answer answer;
	struct bh_buf path = BH_BUF_INIT(1024);
	int rc;

	bh_buf_adds(&path, "webhook_endpoints/");
	bh_percent_add(&path, id, strlen(id));
	rc = lago_call(api, "DELETE", bh_buf_str(&path), NULL, &answer, err);
	source_answer_release(&answer);
	bh_buf_release(&path);
	/* Gone already is what was wanted. */
	return rc < 0 ? -1 : 0;
}

/* -- a CRM's id -- */

/* Account ids of 15 characters are the first of those of 18. */
static bool
is_same_account(const char *one, const char *other)
{
	size_t len = strlen(one), other_len = strlen(other);

	if ((len == 15 || len == 18) && (other_len == 15 || other_len == 18))
		return strncmp(one, other, 15) == 0;
	return strcmp(one, other) == 0;
}

int
lago_write_back(const struct source_api *api, const char *account BH_UNUSED, const char *customer,
    const char *crm, const char *remote_id, struct bh_err *err)
{
	struct source_answer answer;
	json_t *found = NULL, *body;
	const char *held, *external_id;
	int64_t answer_ms;
	int rc;

	if (strcmp(crm, "salesforce") != 0)
		return bh_fail(err, BH_INVALID,
		    "Lago keeps no HubSpot id that can be set this way");
	rc = lago_find_customer(api, customer, NULL, SCAN_PAGES, &found, &answer_ms, err);
	if (rc == 0)
		rc = bh_fail(err, BH_INVALID, "Lago has no such customer any more");
	held = bh_json_str(found, "external_salesforce_id");
	external_id = bh_json_str(found, "external_id");
	if (rc > 0 && external_id == NULL)
		rc = bh_fail(err, BH_INVALID, "Lago's customer has no external id");
	if (rc > 0 && (held == NULL || !is_same_account(held, remote_id))) {
		/* An upsert by the external id: what is not named stays as it is. */
		body = json_pack("{s:{s:s, s:s}}", "customer", "external_id", external_id,
		    "external_salesforce_id", remote_id);
		rc = lago_call(api, "POST", "customers", body, &answer, err);
		if (rc == 0)
			rc = bh_fail(err, BH_INVALID, "Lago has no customers at this address");
		source_answer_release(&answer);
		json_decref(body);
	}
	json_decref(found);
	return rc < 0 ? -1 : 0;
}

/* -- a new customer -- */

/*
 * Lago knows customers by the merchant's own id: it is made from the CRM's, so that the
 * same record is the same customer.  Ids of 15 characters are the first of those of 18.
 */
static void
add_external_id(struct bh_buf *out, const struct source_who *who)
{
	bool is_salesforce = strcmp(who->crm, "salesforce") == 0;

	bh_buf_addf(out, "%s-%.*s", who->crm, is_salesforce ? 15 : 255, who->remote_id);
}

/* As lago_call(); the answer's customer is in id_r after 1. */
static int
call_customer(const struct source_api *api, const char *method, const char *path,
    const json_t *body, char id_r[256], struct bh_err *err)
{
	struct source_answer answer;
	int rc = lago_call(api, method, path, body, &answer, err);

	if (rc > 0)
		rc = source_customer_id(answer.json, "customer.lago_id", id_r, err) < 0 ? -1 : 1;
	source_answer_release(&answer);
	return rc;
}

static int
make_customer(const struct source_api *api, const struct source_who *who, const char *external_id,
    char id_r[256], struct bh_err *err)
{
	bool is_salesforce = strcmp(who->crm, "salesforce") == 0;
	json_t *body = json_pack("{s:{s:s, s:s, s:s*, s:s*}}", "customer", "external_id",
	    external_id, "name", who->name, "email", who->email, "external_salesforce_id",
	    is_salesforce ? who->remote_id : NULL);
	int rc = call_customer(api, "POST", "customers", body, id_r, err);

	json_decref(body);
	return rc == 0 ? bh_fail(err, BH_INVALID, "Lago has no customers at this address") : rc;
}

/* One that is there is left as it is: a creation would write over what changed since. */
int
lago_create_customer(const struct source_api *api, const json_t *json, char id_r[256],
    struct bh_err *err)
{
	struct bh_buf external_id = BH_BUF_INIT(512), path = BH_BUF_INIT(2048);
	struct source_who who;
	int rc = source_who(json, &who, err);

	if (rc < 0)
		return -1;
	add_external_id(&external_id, &who);
	bh_buf_adds(&path, "customers/");
	bh_percent_add(&path, bh_buf_str(&external_id), external_id.len);
	rc = call_customer(api, "GET", bh_buf_str(&path), NULL, id_r, err);
	if (rc == 0)
		rc = make_customer(api, &who, bh_buf_str(&external_id), id_r, err);
	bh_buf_release(&external_id);
	bh_buf_release(&path);
	return rc < 0 ? -1 : 0;
}
