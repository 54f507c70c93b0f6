/* The CRM of the tests: see crm.h. */
#include "base/base.h"

#include "crm.h"

#include "base/text.h"
#include "unit.h"

static char *
path_of(const char *object, const char *key)
{
	return bh_xasprintf("%s/%s", object, key);
}

const json_t *
crm_record(const struct crm *crm, const char *object, const char *key)
{
	char *path = path_of(object, key);
	const json_t *record = json_object_get(crm->records, path);

	free(path);
	return record;
}

const char *
crm_text(const struct crm *crm, const char *object, const char *key, const char *field)
{
	const json_t *fields = json_object_get(crm_record(crm, object, key), "fields");

	return json_string_value(json_object_get(fields, field));
}

void
crm_set_mood(struct crm *crm, const char *object, const char *key, enum crm_mood mood)
{
	char *path = path_of(object, key);

	json_object_set_new(crm->moods, path, json_integer(mood));
	free(path);
}

static enum crm_mood
mood_of(struct crm *crm, const char *path)
{
	if (crm->next_mood != NULL)
		return crm->next_mood(crm->arg);
	return (enum crm_mood)json_integer_value(json_object_get(crm->moods, path));
}

/* Keep a record; its row has been taken.  Fields and parents are borrowed. */
static const json_t *
keep(struct crm *crm, const char *path, json_t *fields, json_t *parents, bool *is_new_r)
{
	json_t *record = json_object_get(crm->records, path);
	json_t *kept = json_object_get(record, "fields");
	char id[32];

	*is_new_r = record == NULL;
	if (record == NULL) {
		snprintf(id, sizeof(id), "%u", 1000 + crm->next_id++);
		record =
		    json_pack("{s:s, s:{}, s:{}, s:i}", "id", id, "fields", "parents", "writes", 0);
		json_object_set_new(crm->records, path, record);
		kept = json_object_get(record, "fields");
	}
	json_object_update(kept, fields);
	json_object_update(json_object_get(record, "parents"), parents);
	json_object_set_new(record, "writes",
	    json_integer(json_integer_value(json_object_get(record, "writes")) + 1));
	return record;
}

/* Is there a record of any object with this key? */
static bool
is_key_known(const struct crm *crm, const char *key)
{
	char *suffix = bh_xasprintf("/%s", key);
	const char *path;
	json_t *record;
	bool found = false;

	json_object_foreach (crm->records, path, record)
		found = found || bh_has_suffix(path, suffix);
	free(suffix);
	return found;
}

/* -- Salesforce -- */

static json_t *
salesforce_error(const char *code, const char *message)
{
	return json_pack("{s:b, s:[{s:s, s:s, s:[]}]}", "success", 0, "errors", "statusCode", code,
	    "message", message, "fields");
}

/* Members of a row that are objects are links by key. */
static bool
split_row(const struct crm *crm, const json_t *row, json_t *fields, json_t *parents)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)row, name, value) {
		const char *key = bh_json_str(value, "Key__c");

		if (strcmp(name, "attributes") == 0 || strcmp(name, "Key__c") == 0)
			continue;
		if (!json_is_object(value)) {
			json_object_set(fields, name, value);
			continue;
		}
		assert_non_null(key);
		if (!is_key_known(crm, key))
			return false;
		json_object_set_new(parents, name, json_string(key));
	}
	return true;
}

static json_t *
salesforce_row(struct crm *crm, const char *object, const json_t *row)
{
	json_t *fields = json_object(), *parents = json_object(), *result;
	const char *key = bh_json_str(row, "Key__c");
	char *path;
	bool is_new;

	assert_non_null(key);
	assert_string_equal(bh_json_str(row, "attributes.type"), object);
	path = path_of(object, key);
	crm->rows++;
	switch (mood_of(crm, path)) {
	case CRM_REFUSE:
		result = salesforce_error(crm->refusal != NULL ? crm->refusal : "STRING_TOO_LONG",
		    "Name is bad");
		break;
	case CRM_LOCK:
		result =
		    salesforce_error("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access");
		break;
	case CRM_TAKE:
	default:
		if (!split_row(crm, row, fields, parents)) {
			result = salesforce_error("INVALID_FIELD",
			    "Foreign key external ID: x not found for field Key__c");
			break;
		}
		result = json_pack("{s:O, s:b, s:[]}", "id",
		    json_object_get(keep(crm, path, fields, parents, &is_new), "id"), "success", 1,
		    "errors");
		json_object_set_new(result, "created", json_boolean(is_new));
	}
	free(path);
	json_decref(fields);
	json_decref(parents);
	return result;
}

/* url ends in "/composite/sobjects/<object>/Key__c". */
static json_t *
salesforce_collection(struct crm *crm, const char *url, const json_t *body)
{
	const char *from = strstr(url, "/composite/sobjects/"), *to;
	json_t *results = json_array(), *row;
	char *object;
	size_t i;

	assert_non_null(from);
	from += strlen("/composite/sobjects/");
	to = strchr(from, '/');
	assert_non_null(to);
	object = bh_xstrndup(from, (size_t)(to - from));
	json_array_foreach (json_object_get(body, "records"), i, row)
		json_array_append_new(results, salesforce_row(crm, object, row));
	free(object);
	return results;
}

static json_t *
describe(struct crm *crm, int *status_r)
{
	crm->described++;
	if (crm->hides_objects) {
		*status_r = 403;
		return json_pack("{s:s, s:s}", "errorCode", "INSUFFICIENT_ACCESS", "message",
		    "hidden");
	}
	if (crm->name_length == 0)
		return json_pack("{s:s, s:[], s:[]}", "name", "Any", "fields", "results");
	return json_pack("{s:s, s:[{s:s, s:s, s:I}], s:[]}", "name", "Any", "fields", "name",
	    "Name", "type", "string", "length", (json_int_t)crm->name_length, "results");
}

/* Several descriptions at once count as one. */
static json_t *
salesforce_composite(struct crm *crm, const json_t *body)
{
	json_t *answers = json_array(), *part;
	unsigned described = crm->described;
	size_t i;

	json_array_foreach (json_object_get(body, "compositeRequest"), i, part) {
		int status = 200;
		json_t *answer = strcmp(bh_json_str(part, "method"), "GET") == 0
				     ? describe(crm, &status)
				     : salesforce_collection(crm, bh_json_str(part, "url"),
					   json_object_get(part, "body"));

		json_array_append_new(answers,
		    json_pack("{s:o, s:i, s:s}", "body", answer, "httpStatusCode", status,
			"referenceId", bh_json_str(part, "referenceId")));
	}
	if (crm->described != described)
		crm->described = described + 1;
	return json_pack("{s:o}", "compositeResponse", answers);
}

/* -- HubSpot -- */

static json_t *
hubspot_error(const char *category, const char *message, const json_t *trace)
{
	return json_pack("{s:s, s:s, s:s, s:{s:[O]}}", "status", "error", "category", category,
	    "message", message, "context", "objectWriteTraceId", trace);
}

static void
hubspot_row(struct crm *crm, const char *object, const json_t *input, json_t *results,
    json_t *errors)
{
	json_t *properties = json_object_get(input, "properties"), *none = json_object();
	const json_t *trace = json_object_get(input, "objectWriteTraceId");
	char *path = path_of(object, bh_json_str(input, "id"));
	bool is_new;

	crm->rows++;
	switch (mood_of(crm, path)) {
	case CRM_REFUSE:
		json_array_append_new(errors,
		    hubspot_error("VALIDATION_ERROR", "The value is bad", trace));
		break;
	case CRM_LOCK:
		json_array_append_new(errors, hubspot_error("RATE_LIMITS", "Not now", trace));
		break;
	case CRM_TAKE:
	default:
		json_array_append_new(results,
		    json_pack("{s:O, s:O}", "id",
			json_object_get(keep(crm, path, properties, none, &is_new), "id"),
			"objectWriteTraceId", trace));
		json_object_set_new(json_array_get(results, json_array_size(results) - 1), "new",
		    json_boolean(is_new));
	}
	json_decref(none);
	free(path);
}

#define PORTAL "p4711_" /* stands in front of names of custom objects */

/* url holds "/crm/objects/<version>/<object>/batch/upsert". */
static json_t *
hubspot_upsert(struct crm *crm, const char *url, const json_t *body, int *status_r)
{
	json_t *results = json_array(), *errors = json_array(), *input;
	const char *from = strchr(strstr(url, "/crm/objects/") + strlen("/crm/objects/"), '/');
	const char *name = from + 1 + (bh_has_prefix(from + 1, PORTAL) ? strlen(PORTAL) : 0);
	char *object = bh_xstrndup(name, strcspn(name, "/"));
	size_t i;

	json_array_foreach (json_object_get(body, "inputs"), i, input)
		hubspot_row(crm, object, input, results, errors);
	free(object);
	*status_r = json_array_size(errors) != 0 ? 207 : 200;
	return json_pack("{s:s, s:o, s:o}", "status", "COMPLETE", "results", results, "errors",
	    errors);
}

static json_t *
hubspot_associate(struct crm *crm, const json_t *body)
{
	const json_t *inputs = json_object_get(body, "inputs");

	crm->associations++;
	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const json_t *input = json_array_get(inputs, i);
		char *pair = bh_xasprintf("%s>%s", bh_json_str(input, "from.id"),
		    bh_json_str(input, "to.id"));

		json_object_set_new(crm->links, pair,
		    json_integer(json_integer_value(json_object_get(crm->links, pair)) + 1));
		free(pair);
	}
	return json_pack("{s:s, s:O}", "status", "COMPLETE", "results", inputs);
}

static json_t *
hubspot_dissociate(struct crm *crm, const json_t *body)
{
	const json_t *inputs = json_object_get(body, "inputs");

	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const json_t *input = json_array_get(inputs, i);
		char *pair = bh_xasprintf("%s>%s", bh_json_str(input, "from.id"),
		    bh_json_str(input, "to.0.id"));

		json_object_del(crm->links, pair);
		free(pair);
	}
	return json_pack("{s:s, s:[]}", "status", "COMPLETE", "results");
}

/* -- both -- */

/* A record by its id; NULL. */
static const json_t *
find_id(const struct crm *crm, const char *id)
{
	const char *path;
	json_t *record;

	json_object_foreach (crm->records, path, record)
		if (strcmp(bh_json_str(record, "id"), id) == 0)
			return record;
	return NULL;
}

/* What a record holds in these fields; null for nothing. */
static json_t *
held_fields(const json_t *record, const json_t *names)
{
	json_t *held = json_object();

	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		json_t *value = json_object_get(json_object_get(record, "fields"), name);

		json_object_set(held, name, value != NULL ? value : json_null());
	}
	return held;
}

static json_t *
salesforce_read_ids(const struct crm *crm, const json_t *body)
{
	const json_t *ids = json_object_get(body, "ids");
	json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		const json_t *record = find_id(crm, id);
		json_t *row = record != NULL ? held_fields(record, json_object_get(body, "fields"))
					     : json_null();

		if (record != NULL)
			json_object_set_new(row, "Id", json_string(id));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *
hubspot_read_ids(const struct crm *crm, const json_t *body)
{
	const json_t *inputs = json_object_get(body, "inputs");
	json_t *results = json_array();

	for (size_t i = 0; i < json_array_size(inputs); i++) {
		const char *id = bh_json_str(json_array_get(inputs, i), "id");
		const json_t *record = find_id(crm, id);

		if (record != NULL)
			json_array_append_new(results,
			    json_pack("{s:s, s:o}", "id", id, "properties",
				held_fields(record, json_object_get(body, "properties"))));
	}
	return json_pack("{s:s, s:o}", "status", "COMPLETE", "results", results);
}

static json_t *
give_token(struct crm *crm, int *status_r)
{
	char token[32];

	if (crm->gives_no_token) {
		*status_r = 400;
		return json_pack("{s:s, s:s}", "error", "invalid_grant", "error_description",
		    "expired access/refresh token");
	}
	crm->is_token_dead = false;
	snprintf(token, sizeof(token), "token-%u", ++crm->tokens);
	return json_pack("{s:s, s:s, s:s, s:i}", "access_token", token, "instance_url", CRM_URL,
	    "refresh_token", "refresh", "expires_in", 1800);
}

static bool
is_authorized(const struct crm *crm, const struct http_request *request)
{
	char expected[48];

	snprintf(expected, sizeof(expected), "Bearer token-%u", crm->tokens);
	for (size_t i = 0; i < request->headers_n; i++)
		if (strcmp(request->headers[i].name, "Authorization") == 0)
			return !crm->is_token_dead && !crm->refuses_tokens &&
			       strcmp(request->headers[i].value, expected) == 0;
	return false;
}

static json_t *
handle(struct crm *crm, const struct http_request *request, int *status_r)
{
	json_t *body = NULL, *answer;

	if (bh_has_suffix(request->url, "/details")) {
		crm->accounts++;
		return json_pack("{s:i}", "portalId", 4711);
	}
	if (strcmp(request->method, "GET") == 0)
		return describe(crm, status_r);
	assert_int_equal(bh_json_parse(bh_buf_str((struct bh_buf *)(uintptr_t)&request->body),
			     request->body.len, &body, NULL),
	    0);
	if (bh_has_suffix(request->url, "/composite"))
		answer = salesforce_composite(crm, body);
	else if (json_object_get(body, "ids") != NULL)
		answer = salesforce_read_ids(crm, body);
	else if (strstr(request->url, "/batch/read") != NULL)
		answer = hubspot_read_ids(crm, body);
	else if (strstr(request->url, "/composite/sobjects/") != NULL)
		answer = salesforce_collection(crm, request->url, body);
	else if (strstr(request->url, "/batch/upsert") != NULL)
		answer = hubspot_upsert(crm, request->url, body, status_r);
	else if (strstr(request->url, "/batch/archive") != NULL)
		answer = hubspot_dissociate(crm, body);
	else
		answer = hubspot_associate(crm, body);
	json_decref(body);
	return answer;
}

static void
add_header(struct http_response *response, const char *name, const char *value)
{
	response->headers = bh_xcalloc(1, sizeof(response->headers[0]));
	response->headers[0] = (struct http_header){bh_xstrdup(name), bh_xstrdup(value)};
	response->headers_n = 1;
}

/* The line to the CRM fails before it has done anything. */
static bool
is_stopped(enum crm_line line, struct http_response *response)
{
	switch (line) {
	case CRM_DOWN:
		bh_fail(&response->err, BH_UNAVAILABLE, "no connection");
		return true;
	case CRM_BUSY:
		response->status = 503;
		return true;
	case CRM_LIMIT:
		response->status = 429;
		add_header(response, "Retry-After", "30");
		return true;
	case CRM_FINE:
	case CRM_CUT:
	default:
		return false;
	}
}

/* A call that only reads. */
static bool
is_asking(const struct http_request *request)
{
	return strstr(request->url, "/batch/read") != NULL ||
	       (request->body.len > 0 &&
		   (memmem(request->body.data, request->body.len, "/describe\"", 10) != NULL ||
		       memmem(request->body.data, request->body.len, "{\"ids\":[", 8) != NULL));
}

static void
answer_call(struct crm *crm, const struct http_request *request, struct http_response *response)
{
	bool is_write = strcmp(request->method, "GET") != 0 && !is_asking(request);
	bool is_link = strstr(request->url, "/associations/") != NULL;
	enum crm_line line = is_link ? crm->link_line : is_write ? crm->line : CRM_FINE;
	json_t *answer;

	if (is_write && crm->next_line != NULL)
		line = crm->next_line(crm->arg);
	if (is_stopped(line, response))
		return;
	response->status = 200;
	if (!is_authorized(crm, request)) {
		response->status = 401;
		bh_buf_adds(&response->body, "[{\"errorCode\":\"INVALID_SESSION_ID\","
					     "\"message\":\"Session expired or invalid\"}]");
		return;
	}
	crm->writes += is_write && !is_link;
	answer = handle(crm, request, &response->status);
	if (is_write && crm->meanwhile != NULL)
		crm->meanwhile(crm->arg);
	if (line == CRM_CUT) {
		response->status = 0;
		bh_fail(&response->err, BH_UNCERTAIN, "the connection broke");
	} else {
		bh_json_add(&response->body, answer);
	}
	json_decref(answer);
}

static void
perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	struct crm *crm = (struct crm *)(void *)transport;

	for (size_t i = 0; i < n; i++) {
		if (strstr(requests[i].url, "/oauth") != NULL) {
			json_t *answer;

			if (is_stopped(crm->token_line, &responses[i]))
				continue;
			responses[i].status = 200;
			answer = give_token(crm, &responses[i].status);
			bh_json_add(&responses[i].body, answer);
			json_decref(answer);
		} else {
			answer_call(crm, &requests[i], &responses[i]);
		}
	}
}

void
crm_init(struct crm *crm)
{
	memset(crm, 0, sizeof(*crm));
	crm->transport.perform = perform;
	crm->records = json_object();
	crm->links = json_object();
	crm->moods = json_object();
}

void
crm_release(struct crm *crm)
{
	json_decref(crm->records);
	json_decref(crm->links);
	json_decref(crm->moods);
	memset(crm, 0, sizeof(*crm));
}
