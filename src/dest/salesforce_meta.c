/*
 * Calls of the metadata service (SOAP, Metadata API guide: upsertMetadata,
 * readMetadata, deleteMetadata).  They are synchronous and give one verdict per
 * component; what is refused as a whole is either the end of all calls (a dead
 * session, a limit) or the verdict of each component of the call.
 */
#include "base/base.h"

#include "dest/salesforce_meta.h"

#include <assert.h>

#include "dest/soap.h"

#define META_TIMEOUT_MS 600000 /* the server cuts a call at 10 minutes */
#define BODY_MAX ((size_t)8 * 1024 * 1024)

/* --- one call ----------------------------------------------------------- */

static void
set_request(struct http_request *request, const struct dest_config *config, const char *call,
    const json_t *body)
{
	char *url = bh_xasprintf("%s/services/Soap/m/%s", config->auth->base_url,
	    salesforce_version(config));

	http_request_init(request, "POST", url);
	free(url);
	request->timeout_ms = META_TIMEOUT_MS;
	request->answer_max = SOAP_ANSWER_MAX;
	request->secret_body = true;
	http_request_header(request, "Content-Type", "text/xml; charset=UTF-8");
	http_request_header(request, "SOAPAction", "\"\"");
	request->body.max = BODY_MAX;
	soap_write(&request->body, &config->auth->access_token, call, body);
}

/*
 * The service takes session-style tokens only and answers a JWT as if it had
 * expired, so that a new token would be refused as well (noted November 2026).
 */
static bool
is_jwt(const struct bh_secret *token)
{
	const char *text = bh_secret_str(token);
	const char *first = strchr(text, '.');
	const char *second = first != NULL ? strchr(first + 1, '.') : NULL;

	return strncmp(text, "eyJ", 3) == 0 && strchr(text, '!') == NULL && second != NULL &&
	       strchr(second + 1, '.') == NULL;
}

static int
fail_session(const struct dest_config *config, struct bh_err *err)
{
	if (is_jwt(&config->auth->access_token))
		return bh_fail(err, BH_DENIED,
		    "Salesforce's metadata service does not take JWT-based access tokens: switch off \"Issue JWT-based access tokens\" in the app's settings, then connect again");
	return bh_fail(err, BH_DENIED,
	    "Salesforce's metadata service says that the session is over");
}

/*
 * A fault: 0 with *result where it concerns this call, -1 where every further
 * call would meet it as well.
 */
static int
take_fault(struct dest_config *config, struct salesforce_answer *answer, const json_t *fault,
    struct meta_result *result, struct bh_err *err)
{
	const char *code = bh_json_str(fault, "code"), *message = bh_json_str(fault, "message");
	struct dest_result meaning;

	if (strcmp(code, "INVALID_SESSION_ID") == 0)
		return fail_session(config, err);
	answer->json = json_pack("{s:s, s:s}", "errorCode", code, "message", message);
	/* Every fault comes with 500; elsewhere this one has a status of its own. */
	if (strcmp(code, "REQUEST_LIMIT_EXCEEDED") == 0)
		answer->response.status = 403;
	if (salesforce_explain(&meaning, 500, answer->json, NULL) > 0 ||
	    meaning.outcome == DEST_AUTH)
		return salesforce_fail(config, answer, NULL, err);
	*result = (struct meta_result){.done = false};
	dest_copy(result->code, sizeof(result->code), code);
	dest_copy(result->message, sizeof(result->message), message);
	return 0;
}

/* 1 and what was answered; 0 and the refusal of the whole call; -1. */
static int
take_answer(struct dest_config *config, struct salesforce_answer *answer, json_t **json_r,
    struct meta_result *refused, struct bh_err *err)
{
	const struct bh_buf *body = &answer->response.body;
	json_t *json = NULL;
	int rc = soap_read(bh_buf_str(body), body->len, &json, err);

	if (rc == 0) {
		rc = take_fault(config, answer, json, refused, err);
	} else if (rc == 1 && answer->response.status == 200) {
		*json_r = json_incref(json);
	} else if (answer->response.status != 200) {
		rc = salesforce_fail(config, answer, NULL, err);
	} else {
		rc = bh_during(err, "Salesforce's metadata service");
	}
	json_decref(json);
	return rc;
}

/* As take_answer(), with the call in front of it. */
static int
meta_call(struct dest_config *config, const char *call, const json_t *body, json_t **json_r,
    struct meta_result *refused, struct bh_err *err)
{
	struct salesforce_answer answer = {.json = NULL};
	struct http_request request;
	int rc;

	*json_r = NULL;
	if (config->auth->access_token.len == 0 || config->auth->base_url[0] == '\0')
		return bh_fail(err, BH_DENIED, "there is no access token yet");
	http_response_init(&answer.response);
	set_request(&request, config, call, body);
	rc = bh_buf_check(&request.body, "the call of the metadata service", err);
	if (rc == 0) {
		config->calls++;
		config->usage.pause_s = 0;
		rc = http_perform(config->transport, &request, &answer.response, err);
	}
	if (rc == 0)
		rc = take_answer(config, &answer, json_r, refused, err);
	http_request_release(&request);
	salesforce_answer_release(&answer);
	return rc;
}

/* --- verdicts ----------------------------------------------------------- */

static bool
is_true(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL && strcmp(text, "true") == 0;
}

static void
take_result(struct meta_result *result, const json_t *json)
{
	json_t *errors = soap_items(json, "errors");
	const json_t *first = json_array_get(errors, 0);

	memset(result, 0, sizeof(*result));
	result->done = is_true(json, "success");
	if (json == NULL) {
		dest_copy(result->code, sizeof(result->code), "NO_RESULT");
	} else if (!result->done) {
		dest_copy(result->code, sizeof(result->code), bh_json_str(first, "statusCode"));
		dest_copy(result->message, sizeof(result->message), bh_json_str(first, "message"));
	}
	json_decref(errors);
}

/* A call with one result per component, in their order. */
static int
call_each(struct dest_config *config, const char *call, const json_t *body, size_t n,
    struct meta_result *results, struct bh_err *err)
{
	struct meta_result refused;
	json_t *json, *items;
	int rc = meta_call(config, call, body, &json, &refused, err);

	items = soap_items(json, "result");
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		if (rc == 0)
			results[i] = refused;
		else
			take_result(&results[i], json_array_get(items, i));
	}
	json_decref(items);
	json_decref(json);
	return rc < 0 ? -1 : 0;
}

/* --- the three calls ---------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *in_order(const json_t *value);

/*
 * The service's schema lists what is inside an element by the alphabet, behind
 * fullName; servers have taken other orders, but need not.
 */
static json_t *
object_in_order(const json_t *object)
{
	size_t n = json_object_size(object), i = 0;
	const char **names = bh_xcalloc(n + 1, sizeof(names[0]));
	json_t *sorted = json_object(), *value;
	const char *name;

	json_object_foreach ((json_t *)(uintptr_t)object, name, value)
		names[i++] = name;
	qsort(names, n, sizeof(names[0]), by_name);
	if (json_object_get(object, "fullName") != NULL)
		json_object_set_new(sorted, "fullName",
		    in_order(json_object_get(object, "fullName")));
	for (i = 0; i < n; i++) {
		if (strcmp(names[i], "fullName") != 0)
			json_object_set_new(sorted, names[i],
			    in_order(json_object_get(object, names[i])));
	}
	free(names);
	return sorted;
}

static json_t *
in_order(const json_t *value)
{
	json_t *list;

	if (json_is_object(value))
		return object_in_order(value);
	if (!json_is_array(value))
		return json_deep_copy(value);
	list = json_array();
	for (size_t i = 0; i < json_array_size(value); i++)
		json_array_append_new(list, in_order(json_array_get(value, i)));
	return list;
}

int
meta_upsert(struct dest_config *config, json_t *const *components, size_t n,
    struct meta_result *results, struct bh_err *err)
{
	json_t *list = json_array(), *body;
	int rc;

	assert(n >= 1 && n <= META_CALL_MAX);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, in_order(components[i]));
	body = json_pack("{s:o}", "metadata", list);
	rc = call_each(config, "upsertMetadata", body, n, results, err);
	json_decref(body);
	return rc;
}

/* {"type", "fullNames"}: type stands first in the service's schema. */
static json_t *
names_body(const char *type, const char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(names[i]));
	return json_pack("{s:s, s:o}", "type", type, "fullNames", list);
}

int
meta_delete(struct dest_config *config, const char *type, const char *const *names, size_t n,
    struct meta_result *results, struct bh_err *err)
{
	json_t *body = names_body(type, names, n);
	int rc;

	assert(n >= 1 && n <= META_CALL_MAX);
	rc = call_each(config, "deleteMetadata", body, n, results, err);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		/* The only way in which the service says so (noted November 2026). */
		results[i].was_absent = strcmp(results[i].code, "INVALID_CROSS_REFERENCE_KEY") == 0;
		results[i].done = results[i].done || results[i].was_absent;
	}
	json_decref(body);
	return rc;
}

/* What is not there comes as xsi:nil, or as a record without a name. */
static void
take_records(json_t *found, const json_t *json)
{
	json_t *records = soap_items(json_object_get(json, "result"), "records");

	for (size_t i = 0; i < json_array_size(records); i++) {
		json_t *record = json_array_get(records, i);
		const char *name = bh_json_str(record, "fullName");

		if (name != NULL && name[0] != '\0')
			json_object_set(found, name, record);
	}
	json_decref(records);
}

int
meta_read(struct dest_config *config, const char *type, const char *const *names, size_t n,
    json_t *found, struct meta_result *refused, struct bh_err *err)
{
	int rc = 1;

	for (size_t i = 0; rc == 1 && i < n; i += META_CALL_MAX) {
		size_t count = n - i < META_CALL_MAX ? n - i : META_CALL_MAX;
		json_t *body = names_body(type, names + i, count), *json;

		rc = meta_call(config, "readMetadata", body, &json, refused, err);
		if (rc == 1)
			take_records(found, json);
		json_decref(json);
		json_decref(body);
	}
	return rc;
}

/* --- what a person can do ------------------------------------------------ */

#define R_RIGHTS                                                                                   \
	"Let a Salesforce administrator connect, or grant the connection's user \"Modify Metadata Through Metadata API Functions\", \"Customize Application\" and \"Manage Profiles and Permission Sets\"; then do this again."
#define R_LIMIT                                                                                    \
	"Delete what is no longer needed (deleted fields and objects count for 15 days unless they are erased in Setup) or raise the edition's limit; then do this again."
#define R_BUG "This is an error in Billhook: please report it with the code shown here."
#define R_USED                                                                                     \
	"Take it out of what uses it (the flow, layout, report or code that the text names), then do this again."

/* The first rule whose code begins so applies; codes are open text. */
static const struct {
	const char *code;
	const char *meaning;
	const char *remedy;
} rules[] = {
    {"INSUFFICIENT_ACCESS", "The connection's user may not change the org's metadata", R_RIGHTS},
    {"FORBIDDEN", "The connection's user may not change the org's metadata", R_RIGHTS},
    {"NO_PERMISSION", "The connection's user may not change the org's metadata", R_RIGHTS},
    {"DUPLICATE_DEVELOPER_NAME", "The org has something else of this name",
	"Rename or remove it in Salesforce, or set another prefix of names in the connection's settings; then do this again."},
    {"DUPLICATE_VALUE", "The records hold values twice that must be unique",
	"Correct the records in Salesforce, then do this again."},
    {"CANNOT_CHANGE_FIELD_TYPE", "A field of this name has another type",
	"Delete or rename the field in Salesforce (deleted fields are to be erased too), then do this again."},
    {"DEPENDENCY_EXISTS", "Something else in the org uses it", R_USED},
    {"DELETE_FAILED", "Salesforce does not let it be deleted", R_USED},
    {"CUSTOM_ENTITY_OR_FIELD_LIMIT", "A limit of the org's edition is reached", R_LIMIT},
    {"LIMIT_EXCEEDED", "A limit of the org's edition is reached", R_LIMIT},
    {"LICENSE_LIMIT_EXCEEDED", "A licence limit of the org is reached",
	"Free or buy licences in Salesforce, then do this again."},
    {"UNABLE_TO_LOCK_ROW", "Another change of the org's setup is running",
	"Do this again in some minutes: what is there already stays."},
    {"INVALID_CROSS_REFERENCE_KEY", "Something that it refers to is not in the org",
	"Make or rename what the text names in Salesforce, then do this again."},
    {"FUNCTIONALITY_NOT_ENABLED", "The org lacks a feature that this needs",
	"Switch the feature on in Salesforce's Setup, then do this again."},
    {"FIELD_INTEGRITY_EXCEPTION", "Salesforce does not take these attributes together",
	"Look at what the text says; if nothing in the org explains it, report it with this text."},
    {"ALL_OR_NONE_OPERATION_ROLLED_BACK", "Another part of the same call was refused",
	"Clear the others first, then do this again."},
    {"UNKNOWN_EXCEPTION", "Salesforce had an inner error",
	"Do this again; if it stays, give the number in the text to Salesforce support."},
    {"NO_RESULT", "Salesforce's answer says nothing about it",
	"Do this again: what is there already stays."},
    {"OTHER_FORM", "It is there, but in another form",
	"Billhook does not change it: change it in Salesforce, or set another prefix of names in the connection's settings; then do this again."},
    {"NOT_TRIED", NULL, "Clear that first, then do this again."},
    {"NO_USER", NULL,
	"Give the app the scope \"openid\" and connect again, or assign the permission set in Salesforce's Setup."},
    {"NO_PERMISSION_SET", NULL, "Do this again."},
    {"INVALID_FULL_NAME", "Salesforce does not take the name", R_BUG},
    {"INVALID_FIELD", "Salesforce does not know a name that this holds", R_BUG},
    {"INVALID_TYPE", "The call was malformed", R_BUG},
    {"EXCEEDED_ID_LIMIT", "The call held too much", R_BUG},
    {"Client", "The call was malformed", R_BUG},
};

json_t *
meta_failure(const char *name, const struct meta_result *result)
{
	const char *meaning = "Salesforce refused it";
	const char *remedy = "Correct what the text says in Salesforce, then do this again.";
	struct bh_buf cause = BH_BUF_INIT(1024);
	json_t *json;

	for (size_t i = 0; i < BH_LEN(rules); i++) {
		if (strncmp(result->code, rules[i].code, strlen(rules[i].code)) == 0) {
			meaning = rules[i].meaning;
			remedy = rules[i].remedy;
			break;
		}
	}
	/* The server's own words follow: only they name what in the org stands in the way. */
	bh_buf_addf(&cause, "%s%s%s", meaning != NULL ? meaning : "",
	    meaning != NULL && result->message[0] != '\0' ? ": " : "", result->message);
	json = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "code", result->code, "cause",
	    bh_buf_str(&cause), "remedy", remedy);
	bh_buf_release(&cause);
	return json;
}

bool
meta_is_busy(const struct meta_result *result)
{
	return strcmp(result->code, "UNABLE_TO_LOCK_ROW") == 0;
}
