/*
 * What of a schema is there.  First as the connection's user sees it, for that
 * is what a push meets; then the metadata of what is not seen, which tells
 * "not there" from "not allowed to see".
 *
 *   described  metadata   state
 *   fits       -          exists (hidden where it may not be written)
 *   other      -          differs
 *   no         fits       hidden
 *   no         other      differs
 *   no         no         missing
 *   no         unreadable missing, and the detail says that nobody can tell
 */
#include "base/base.h"

#include "dest/salesforce_schema.h"

static void
set_detail(struct part *part, const char *text)
{
	dest_copy(part->detail, sizeof(part->detail), text);
}

static void
set_state(struct part *part, enum part_state state, const char *detail)
{
	part->state = state;
	set_detail(part, detail);
}

/* --- descriptions --------------------------------------------------------- */

/* An object that is not there and one without any right look the same. */
static bool
is_not_visible(const struct salesforce_answer *answer)
{
	int status = answer->response.status;
	const json_t *error = json_array_get(answer->json, 0);
	const char *code = dest_text(error, "errorCode", "");

	return strcmp(code, "NOT_FOUND") == 0 || strcmp(code, "INVALID_TYPE") == 0 ||
	       (status == 403 && strncmp(code, "INSUFFICIENT_ACCESS", 19) == 0);
}

static int
describe(struct schema *schema, const char *object, struct bh_err *err)
{
	struct salesforce_answer answer;
	char *path = bh_xasprintf("/services/data/v%s/sobjects/%s/describe",
	    salesforce_version(schema->config), object);
	int rc = salesforce_call(schema->config, "GET", path, NULL, &answer, err);

	if (rc == 0 && answer.response.status == 200 && json_is_object(answer.json))
		json_object_set(schema->described, object, answer.json);
	else if (rc == 0 && is_not_visible(&answer))
		json_object_set_new(schema->described, object, json_null());
	else if (rc == 0)
		rc = salesforce_fail(schema->config, &answer, object, err);
	salesforce_answer_release(&answer);
	free(path);
	return rc;
}

/* The member of an array whose "name" (or other member) is that. */
static const json_t *
item_named(const json_t *list, const char *member, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (strcmp(dest_text(item, member, ""), name) == 0)
			return item;
	}
	return NULL;
}

static void
judge_object(struct part *part, const json_t *described)
{
	bool is_open = bh_is_json_true(described, "createable") &&
		       (part->kind == PART_EVENT || bh_is_json_true(described, "updateable"));

	part->is_visible = true;
	if (is_open)
		set_state(part, PART_EXISTS, "");
	else
		set_state(part, PART_HIDDEN,
		    "the connection's user sees it, but may not create and change its records");
}

static void
judge_field(struct part *part, const json_t *field)
{
	struct shape shape;

	part->is_visible = true;
	part->is_closed = json_is_false(json_object_get(field, "permissionable"));
	part->is_readonly = bh_is_json_true(field, "calculated");
	set_state(part, PART_EXISTS, "");
	if (!part->is_custom)
		return;
	shape_of_description(&shape, field);
	if (!shape_fits(&shape, part->object, part->entry, part->detail, sizeof(part->detail)))
		part->state = PART_DIFFERS;
	else if (!bh_is_json_true(field, "createable"))
		set_state(part, PART_HIDDEN, "the connection's user sees it, but may not write it");
	shape_release(&shape);
}

static void
judge_record_type(struct part *part, const json_t *info)
{
	if (json_is_false(json_object_get(info, "active"))) {
		set_detail(part, "is there, but not active");
	} else if (bh_is_json_true(info, "available")) {
		part->is_visible = true;
		set_state(part, PART_EXISTS, "");
	} else {
		set_state(part, PART_HIDDEN, "is there, but the connection's user may not use it");
	}
}

/* What the user's description says of a part; nothing of what it does not show. */
static void
judge_described(const struct schema *schema, struct part *part)
{
	const json_t *described = schema_described(schema, part), *item;

	if (described == NULL)
		return;
	switch (part->kind) {
	case PART_OBJECT:
	case PART_EVENT:
		judge_object(part, described);
		break;
	case PART_FIELD:
		item = item_named(json_object_get(described, "fields"), "name",
		    bh_json_str(part->entry, "name"));
		if (item != NULL)
			judge_field(part, item);
		break;
	case PART_RECORD_TYPE:
		item = item_named(json_object_get(described, "recordTypeInfos"), "developerName",
		    bh_json_str(part->entry, "name"));
		if (item != NULL)
			judge_record_type(part, item);
		break;
	case PART_PROCESS:
	case PART_RIGHTS:
	case PART_ASSIGNMENT:
	case PART__MAX:
		break;
	}
}

static int
describe_all(struct schema *schema, struct bh_err *err)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		const struct part *part = &schema->parts[i];

		if ((part->kind == PART_OBJECT || part->kind == PART_EVENT) &&
		    describe(schema, schema_rest_name(part->name), err) < 0)
			return -1;
	}
	for (size_t i = 0; i < schema->parts_n; i++)
		judge_described(schema, &schema->parts[i]);
	return 0;
}

/* --- metadata ------------------------------------------------------------- */

static const char *const metadata_types[PART__MAX] = {
    [PART_OBJECT] = "CustomObject",
    [PART_EVENT] = "CustomObject",
    [PART_FIELD] = "CustomField",
    [PART_PROCESS] = "BusinessProcess",
    [PART_RECORD_TYPE] = "RecordType",
    [PART_RIGHTS] = "PermissionSet",
};

/* The part of the object that a part belongs to. */
static const struct part *
owner_of(const struct schema *schema, const struct part *part)
{
	return schema_part(schema, part_is_of_event(part) ? PART_EVENT : PART_OBJECT,
	    bh_json_str(part->object, "name"));
}

/* What need not be asked: what is seen, Salesforce's own, and fields of an object that is not there. */
static bool
is_to_be_read(const struct schema *schema, const struct part *part)
{
	if (part->kind == PART_FIELD)
		return part->is_custom && !part->is_visible &&
		       (part_is_there(owner_of(schema, part)) || part_is_on_standard(part));
	return part->is_custom && !part_is_there(part);
}

static void
judge_found_field(struct part *part, const json_t *component)
{
	struct shape shape;

	part->is_closed = strcmp(dest_text(component, "required", ""), "true") == 0 ||
			  strcmp(dest_text(component, "type", ""), "MasterDetail") == 0;
	shape_of_component(&shape, component);
	part->is_readonly = shape.is_formula;
	set_state(part, PART_HIDDEN, "is there, but the connection's user does not see it");
	if (!shape_fits(&shape, part->object, part->entry, part->detail, sizeof(part->detail)))
		part->state = PART_DIFFERS;
	else
		set_detail(part, "is there, but the connection's user does not see it");
	shape_release(&shape);
}

static void
judge_found(struct part *part, const json_t *component)
{
	switch (part->kind) {
	case PART_OBJECT:
	case PART_EVENT:
		set_state(part, PART_HIDDEN, "is there, but the connection's user does not see it");
		break;
	case PART_FIELD:
		judge_found_field(part, component);
		break;
	case PART_RECORD_TYPE:
		if (strcmp(dest_text(component, "active", ""), "true") == 0)
			set_state(part, PART_HIDDEN,
			    "is there, but the connection's user may not use it");
		else
			set_detail(part, "is there, but not active");
		break;
	case PART_PROCESS:
	case PART_RIGHTS:
		set_state(part, PART_EXISTS, "");
		break;
	case PART_ASSIGNMENT:
	case PART__MAX:
		break;
	}
}

/* Read all parts of a kind that need it.  As meta_read(). */
static int
read_kind(struct schema *schema, enum part_kind kind, struct bh_err *err)
{
	const char **names = bh_xcalloc(schema->parts_n + 1, sizeof(names[0]));
	json_t *found = json_object_get(schema->found, part_kind_name(kind));
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < schema->parts_n; i++) {
		const struct part *part = &schema->parts[i];

		if (part->kind == kind && is_to_be_read(schema, part))
			names[n++] = part->name;
	}
	rc = meta_read(schema->config, metadata_types[kind], names, n, found, &schema->blind, err);
	for (size_t i = 0; i < schema->parts_n; i++) {
		struct part *part = &schema->parts[i];
		const json_t *component = schema_found(schema, part);

		if (part->kind == kind && component != NULL)
			judge_found(part, component);
	}
	free(names);
	return rc;
}

/* Objects first: whether there is anything to be asked of fields depends on them. */
static int
read_metadata(struct schema *schema, struct bh_err *err)
{
	int rc = 1;

	for (int kind = 0; rc == 1 && kind < PART_ASSIGNMENT; kind++)
		rc = read_kind(schema, (enum part_kind)kind, err);
	return rc < 0 ? -1 : 0;
}

/* --- all of it ------------------------------------------------------------- */

/* Nobody can tell whether what is not visible is there. */
static void
judge_blind(struct schema *schema)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		struct part *part = &schema->parts[i];

		if (part->is_custom && !part_is_there(part) && part->kind < PART_RIGHTS)
			snprintf(part->detail, sizeof(part->detail),
			    "is not visible; whether it is there could not be asked: %.30s: %.130s",
			    schema->blind.code, schema->blind.message);
	}
}

static void
judge_rights(struct schema *schema, struct part *part)
{
	size_t lacking;

	if (schema->blind.code[0] != '\0') {
		if (schema->rights_id[0] != '\0')
			set_state(part, PART_EXISTS, "what it grants could not be asked");
		return;
	}
	if (part_is_there(part)) {
		json_decref(rights_merged(schema, &lacking));
		if (lacking > 0) {
			snprintf(part->detail, sizeof(part->detail), "lacks %zu %s added to it",
			    lacking, lacking == 1 ? "right, which is" : "rights, which are");
			part->state = PART_DIFFERS;
		}
	}
}

/* A standard object or field that is not seen is there all the same. */
static void
judge_standard(struct part *part)
{
	if (!part->is_custom && !part_is_there(part))
		set_state(part, PART_HIDDEN, "the connection's user does not see it");
}

int
schema_inspect(struct schema *schema, struct bh_err *err)
{
	if (describe_all(schema, err) < 0 || read_metadata(schema, err) < 0 ||
	    assignment_find(schema, err) < 0)
		return -1;
	if (schema->blind.code[0] != '\0')
		judge_blind(schema);
	for (size_t i = 0; i < schema->parts_n; i++) {
		judge_standard(&schema->parts[i]);
		if (schema->parts[i].kind == PART_RIGHTS)
			judge_rights(schema, &schema->parts[i]);
	}
	return 0;
}

int
schema_look_again(struct schema *schema, struct bh_err *err)
{
	json_t *seen = json_object();
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < schema->parts_n; i++) {
		struct part *part = &schema->parts[i];
		const char *object;

		if (part->object == NULL || part->kind == PART_PROCESS || !part_is_there(part) ||
		    (part->is_visible && part->state != PART_HIDDEN))
			continue;
		object = schema_rest_name(bh_json_str(part->object, "name"));
		if (json_object_get(seen, object) == NULL) {
			json_object_set_new(seen, object, json_true());
			rc = describe(schema, object, err);
		}
		if (rc == 0)
			judge_described(schema, part);
	}
	json_decref(seen);
	return rc;
}
