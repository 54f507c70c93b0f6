/*
 * The permission set's record and who has it: REST, for metadata knows nothing
 * of users.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_look.h"
#include "dest/salesforce_schema.h"

#define DROP_ROUNDS 50 /* of SALESFORCE_ROWS_MAX assignments each */

static int
query(struct dest_config *config, const char *soql, struct salesforce_answer *answer,
    struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(8192);
	int rc;

	salesforce_soql_begin(config, &path, "query");
	salesforce_soql_add(&path, soql);
	rc = salesforce_call(config, "GET", bh_buf_str(&path), NULL, answer, err);
	bh_buf_release(&path);
	return rc;
}

/* An id goes into queries and bodies as it stands: anything else counts as none. */
static void
take_id(char *out, size_t size, const char *id)
{
	dest_copy(out, size, id != NULL && salesforce_is_id(id) ? id : "");
}

/*
 * The first row's id into out; "" when there is none or the user may not ask.
 * -1 only where every call would fail.
 */
static int
query_id(struct dest_config *config, const char *soql, char *out, size_t size, struct bh_err *err)
{
	struct salesforce_answer answer;
	int rc = query(config, soql, &answer, err);

	out[0] = '\0';
	if (rc == 0 && answer.response.status == 200)
		take_id(out, size, bh_json_str(answer.json, "records.0.Id"));
	else if (rc == 0 && answer.response.status != 400 && answer.response.status != 403)
		rc = salesforce_fail(config, &answer, "PermissionSet", err);
	salesforce_answer_release(&answer);
	return rc;
}

/* An app without the scope for it may not ask: then the user stays unknown. */
static int
find_user(struct schema *schema, struct bh_err *err)
{
	struct salesforce_answer answer;
	int rc =
	    salesforce_call(schema->config, "GET", "/services/oauth2/userinfo", NULL, &answer, err);

	if (rc == 0 && answer.response.status == 200) {
		take_id(schema->user_id, sizeof(schema->user_id),
		    bh_json_str(answer.json, "user_id"));
		dest_copy(schema->user_name, sizeof(schema->user_name),
		    dest_text(answer.json, "preferred_username", schema->user_id));
	}
	salesforce_answer_release(&answer);
	return rc;
}

static int
find_record(struct schema *schema, const struct part *part, struct bh_err *err)
{
	char *soql = bh_xasprintf(
	    "SELECT Id FROM PermissionSet WHERE Name = '%s' AND NamespacePrefix = null",
	    bh_json_str(part->entry, "name"));
	int rc = query_id(schema->config, soql, schema->rights_id, sizeof(schema->rights_id), err);

	free(soql);
	return rc;
}

static struct part *
assignment_part(const struct schema *schema)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		if (schema->parts[i].kind == PART_ASSIGNMENT)
			return &schema->parts[i];
	}
	return NULL;
}

static int
find_assignment(struct schema *schema, struct part *part, struct bh_err *err)
{
	char *soql = bh_xasprintf(
	    "SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = '%s' AND AssigneeId = '%s'",
	    schema->rights_id, schema->user_id);
	char id[32];
	int rc = query_id(schema->config, soql, id, sizeof(id), err);

	if (rc == 0 && id[0] != '\0')
		part->state = PART_EXISTS;
	free(soql);
	return rc;
}

int
assignment_find(struct schema *schema, struct bh_err *err)
{
	struct part *part = assignment_part(schema);

	if (part == NULL)
		return 0;
	if (find_user(schema, err) < 0 || find_record(schema, part, err) < 0)
		return -1;
	snprintf(part->detail, sizeof(part->detail), "to %s",
	    schema->user_id[0] != '\0' ? schema->user_name
				       : "the connection's user, who cannot be asked for");
	if (schema->rights_id[0] == '\0' || schema->user_id[0] == '\0')
		return 0;
	return find_assignment(schema, part, err);
}

static void
refuse(struct meta_result *result, const char *code, const char *message)
{
	memset(result, 0, sizeof(*result));
	dest_copy(result->code, sizeof(result->code), code);
	dest_copy(result->message, sizeof(result->message), message);
}

/* A refusal of REST as the verdict of a part; -1 where every call would fail. */
static int
take_refusal(struct schema *schema, const struct salesforce_answer *answer,
    struct meta_result *result, struct bh_err *err)
{
	const json_t *error = json_array_get(answer->json, 0);

	if (answer->response.status != 400 && answer->response.status != 403 &&
	    answer->response.status != 404)
		return salesforce_fail(schema->config, answer, "PermissionSetAssignment", err);
	refuse(result, dest_text(error, "errorCode", "REFUSED"), dest_text(error, "message", ""));
	/* Somebody has it already. */
	result->done = strcmp(result->code, "DUPLICATE_VALUE") == 0;
	return 0;
}

static int
assign(struct schema *schema, struct meta_result *result, struct bh_err *err)
{
	struct salesforce_answer answer;
	struct bh_buf body = BH_BUF_INIT(1024);
	char *path = bh_xasprintf("/services/data/v%s/sobjects/PermissionSetAssignment",
	    salesforce_version(schema->config));
	int rc;

	bh_buf_addf(&body, "{\"AssigneeId\":\"%s\",\"PermissionSetId\":\"%s\"}", schema->user_id,
	    schema->rights_id);
	rc = salesforce_call(schema->config, "POST", path, &body, &answer, err);
	if (rc == 0 && answer.response.status == 201)
		*result = (struct meta_result){.done = true};
	else if (rc == 0)
		rc = take_refusal(schema, &answer, result, err);
	salesforce_answer_release(&answer);
	bh_buf_release(&body);
	free(path);
	return rc;
}

int
assignment_make(struct schema *schema, struct meta_result *result, struct bh_err *err)
{
	const struct part *part = assignment_part(schema);

	if (schema->rights_id[0] == '\0' && find_record(schema, part, err) < 0)
		return -1;
	if (schema->user_id[0] == '\0') {
		refuse(result, "NO_USER", "Salesforce does not tell whose access token this is");
		return 0;
	}
	if (schema->rights_id[0] == '\0') {
		refuse(result, "NO_PERMISSION_SET", "The permission set is not found");
		return 0;
	}
	return assign(schema, result, err);
}

/* --- taking it away --------------------------------------------------------- */

/* The first row that was not deleted. */
static void
take_rows(const json_t *rows, struct meta_result *result)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		if (!bh_is_json_true(row, "success")) {
			const char *code = bh_json_str(row, "errors.0.statusCode");

			refuse(result, code != NULL ? code : "NO_RESULT",
			    bh_json_str(row, "errors.0.message"));
			return;
		}
	}
}

static int
drop_rows(struct schema *schema, const json_t *records, struct meta_result *result,
    struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(16384);
	struct salesforce_answer answer;
	int rc;

	bh_buf_addf(&path, "/services/data/v%s/composite/sobjects?allOrNone=false&ids=",
	    salesforce_version(schema->config));
	for (size_t i = 0; i < json_array_size(records) && i < SALESFORCE_ROWS_MAX; i++) {
		const char *id = dest_text(json_array_get(records, i), "Id", "");

		bh_buf_adds(&path, i > 0 ? "," : "");
		bh_percent_add(&path, id, strlen(id));
	}
	rc = salesforce_call(schema->config, "DELETE", bh_buf_str(&path), NULL, &answer, err);
	if (rc == 0 && answer.response.status == 200)
		take_rows(answer.json, result);
	else if (rc == 0)
		rc = take_refusal(schema, &answer, result, err);
	salesforce_answer_release(&answer);
	bh_buf_release(&path);
	return rc;
}

/* One round: 1 when rows went, 0 when there are none or one was refused, -1. */
static int
drop_some(struct schema *schema, struct meta_result *result, struct bh_err *err)
{
	char *soql = bh_xasprintf(
	    "SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = '%s' LIMIT %d",
	    schema->rights_id, SALESFORCE_ROWS_MAX);
	struct salesforce_answer answer;
	int rc = query(schema->config, soql, &answer, err);
	const json_t *records;
	bool is_some;

	free(soql);
	records = json_object_get(answer.json, "records");
	is_some = json_array_size(records) > 0;
	if (rc == 0 && answer.response.status != 200)
		rc = take_refusal(schema, &answer, result, err);
	else if (rc == 0 && is_some)
		rc = drop_rows(schema, records, result, err);
	salesforce_answer_release(&answer);
	return rc == 0 && is_some && result->done ? 1 : rc;
}

int
assignment_drop(struct schema *schema, struct meta_result *result, struct bh_err *err)
{
	int rc = 1;

	*result = (struct meta_result){.done = true};
	if (find_record(schema, assignment_part(schema), err) < 0)
		return -1;
	result->was_absent = schema->rights_id[0] == '\0';
	for (int round = 0; rc == 1 && !result->was_absent && round < DROP_ROUNDS; round++)
		rc = drop_some(schema, result, err);
	return rc < 0 ? -1 : 0;
}
