/*
 * Describe: which fields an object has as the connection's user sees it.  A
 * field that field-level security hides is absent, which to us is the same
 * as a field that does not exist.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_look.h"

#define FIELDS_MAX 2000 /* an object can have at most about 900 */
#define OPTIONS_MAX 1000
#define DESCRIBED_MAX                                                                              \
	12 /* of one call, which takes 25 parts: an answer has some hundred KB for each */

/* Salesforce's type names; what is not here is text (REST guide: describe, field types). */
static const struct {
	const char *name;
	enum record_type type;
} types[] = {
    {"boolean", RECORD_BOOL},
    {"int", RECORD_NUMBER},
    {"long", RECORD_NUMBER},
    {"double", RECORD_NUMBER},
    {"currency", RECORD_NUMBER},
    {"percent", RECORD_NUMBER},
    {"date", RECORD_DATE},
    {"datetime", RECORD_TIME},
    {"picklist", RECORD_ENUM},
};

static enum record_type
type_of(const char *name)
{
	for (size_t i = 0; name != NULL && i < BH_LEN(types); i++) {
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	}
	return RECORD_TEXT;
}

/* The active values of a restricted picklist; NULL when any text is taken. */
static json_t *
options_of(const json_t *json)
{
	const json_t *values = json_object_get(json, "picklistValues");
	json_t *options;

	if (!bh_is_json_true(json, "restrictedPicklist") ||
	    type_of(bh_json_str(json, "type")) != RECORD_ENUM)
		return NULL;
	options = json_array();
	for (size_t i = 0; i < json_array_size(values) && i < OPTIONS_MAX; i++) {
		const json_t *value = json_array_get(values, i);

		if (bh_is_json_true(value, "active") && bh_json_str(value, "value") != NULL)
			json_array_append(options, json_object_get(value, "value"));
	}
	return options;
}

static int
count_of(const json_t *json, const char *name)
{
	int64_t value = bh_json_int(json, name, 0);

	return value > 0 && value < 1000 ? (int)value : 0;
}

/* precision counts all digits, scale those behind the point; whole numbers have "digits" instead. */
static void
take_digits(struct dest_field *field, const json_t *json)
{
	int precision = count_of(json, "precision"), scale = count_of(json, "scale");

	if (field->type != RECORD_NUMBER)
		return;
	field->scale = scale;
	field->digits = precision > scale ? precision - scale : count_of(json, "digits");
}

static void
take_field(struct dest_field *field, const json_t *json)
{
	const char *name = bh_json_str(json, "name");
	int64_t length = bh_json_int(json, "length", 0);
	bool creatable = bh_is_json_true(json, "createable");

	field->name = bh_xstrdup(name);
	field->label = bh_xstrdup(dest_text(json, "label", name));
	field->type = type_of(bh_json_str(json, "type"));
	field->length = length > 0 ? (size_t)length : 0;
	take_digits(field, json);
	field->writable = creatable && bh_is_json_true(json, "updateable");
	field->unique = bh_is_json_true(json, "unique");
	/* Documented rule; a checkbox always has a value. */
	field->required = creatable && field->type != RECORD_BOOL &&
			  json_is_false(json_object_get(json, "nillable")) &&
			  !bh_is_json_true(json, "defaultedOnCreate");
	field->options = options_of(json);
}

/* Record types that the user may give, by the name that mappings use. */
static json_t *
record_types(const json_t *json)
{
	const json_t *infos = json_object_get(json, "recordTypeInfos");
	json_t *list = json_object();

	for (size_t i = 0; i < json_array_size(infos) && i < OPTIONS_MAX; i++) {
		const json_t *info = json_array_get(infos, i);
		const char *name = bh_json_str(info, "developerName");

		if (name != NULL && bh_json_str(info, "recordTypeId") != NULL &&
		    bh_is_json_true(info, "active") && bh_is_json_true(info, "available") &&
		    !bh_is_json_true(info, "master"))
			json_object_set(list, name, json_object_get(info, "recordTypeId"));
	}
	return list;
}

/* Objects without record types do not show the field: it is there with no type to choose. */
static void
add_record_types(struct dest_object *object, const json_t *json)
{
	struct dest_field *field = NULL;

	for (size_t i = 0; i < object->fields_n; i++)
		if (strcmp(object->fields[i].name, "RecordTypeId") == 0)
			field = &object->fields[i];
	if (field == NULL) {
		field = &object->fields[object->fields_n++];
		field->name = bh_xstrdup("RecordTypeId");
		field->label = bh_xstrdup("Record Type ID");
	}
	field->aliases = record_types(json);
}

static struct dest_object *
take_object(const json_t *json)
{
	const json_t *fields = json_object_get(json, "fields");
	struct dest_object *object;

	if (bh_json_str(json, "name") == NULL || !json_is_array(fields))
		return NULL;
	object = bh_xcalloc(1, sizeof(*object));
	object->name = bh_xstrdup(bh_json_str(json, "name"));
	object->fields = bh_xcalloc(json_array_size(fields) + 2, sizeof(object->fields[0]));
	for (size_t i = 0; i < json_array_size(fields) && object->fields_n < FIELDS_MAX; i++) {
		const json_t *field = json_array_get(fields, i);

		if (bh_json_str(field, "name") != NULL)
			take_field(&object->fields[object->fields_n++], field);
	}
	add_record_types(object, json);
	return object;
}

static char *
describe_path(const struct dest_config *config, const char *object)
{
	struct bh_buf path = BH_BUF_INIT(4096);

	bh_buf_addf(&path, "/services/data/v%s/sobjects/", salesforce_version(config));
	bh_percent_add(&path, object, strlen(object));
	bh_buf_adds(&path, "/describe");
	return bh_buf_steal(&path);
}

int
salesforce_describe(struct dest_config *config, const char *object, struct dest_object **object_r,
    struct bh_err *err)
{
	struct salesforce_answer answer;
	char *path = describe_path(config, object);
	int rc = salesforce_call(config, "GET", path, NULL, &answer, err);

	*object_r = NULL;
	if (rc == 0 && answer.response.status != 200) {
		rc = salesforce_fail(config, &answer, object, err);
	} else if (rc == 0) {
		*object_r = take_object(answer.json);
		if (*object_r == NULL)
			rc = bh_fail(err, BH_INVALID,
			    "Salesforce's description of %s cannot be read", object);
	}
	salesforce_answer_release(&answer);
	free(path);
	return rc;
}

/* At most DESCRIBED_MAX of them, in one call. */
static int
describe_some(struct dest_config *config, const char *const *names, size_t n,
    struct dest_object **objects_r, struct bh_err *err)
{
	struct salesforce_part parts[DESCRIBED_MAX];
	int rc;

	for (size_t i = 0; i < n; i++) {
		char *path = describe_path(config, names[i]);

		salesforce_part_init(&parts[i], "GET", names[i]);
		bh_buf_adds(&parts[i].path, path);
		free(path);
	}
	rc = salesforce_call_parts(config, parts, n, false, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && parts[i].answer.response.status == 200)
			objects_r[i] = take_object(parts[i].answer.json);
		salesforce_part_release(&parts[i]);
	}
	return rc;
}

int
salesforce_describe_many(struct dest_config *config, const char *const *names, size_t n,
    struct dest_object **objects_r, bool *is_asked_r, struct bh_err *err)
{
	memset(objects_r, 0, n * sizeof(objects_r[0]));
	for (size_t i = 0; i < n; i++)
		is_asked_r[i] = true;
	for (size_t i = 0; i < n; i += DESCRIBED_MAX) {
		size_t some = n - i < DESCRIBED_MAX ? n - i : DESCRIBED_MAX;

		if (describe_some(config, names + i, some, objects_r + i, err) < 0) {
			for (size_t k = 0; k < n; k++)
				dest_object_free(&objects_r[k]);
			return -1;
		}
	}
	return 0;
}
