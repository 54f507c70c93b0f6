/* See jsonschema.h. */
#include "base/base.h"

#include "base/jsonschema.h"

#include <regex.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"

#define PATH_MAX_LEN 512
#define DEPTH_MAX 64

struct check {
	const json_t *root;
	json_t *faults;
	int depth;
};

/* 0 it fits, else how many faults there were. */
static int check_value(struct check *check, const json_t *schema, const json_t *value,
    const char *path);

static int
fault(struct check *check, const char *path, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bh_utf8_mend(text, n >= (int)sizeof(text));
	if (json_array_size(check->faults) < JSONSCHEMA_FAULTS)
		json_array_append_new(check->faults,
		    json_sprintf("%s: %s", *path != '\0' ? path : "/", text));
	return 1;
}

/* -- single words of a schema -- */

static bool
is_type(const json_t *value, const char *type)
{
	static const struct {
		const char *name;
		json_type type;
	} types[] = {{"object", JSON_OBJECT}, {"array", JSON_ARRAY}, {"string", JSON_STRING},
	    {"integer", JSON_INTEGER}, {"null", JSON_NULL}};

	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(value);
	if (strcmp(type, "number") == 0)
		return json_is_number(value);
	for (size_t i = 0; i < BH_LEN(types); i++)
		if (strcmp(types[i].name, type) == 0)
			return json_typeof(value) == types[i].type;
	return false;
}

static const char *
type_words(const char *type)
{
	static const char *const words[][2] = {{"string", "a text"}, {"integer", "a whole number"},
	    {"number", "a number"}, {"boolean", "true or false"}, {"object", "an object"},
	    {"array", "a list"}};

	for (size_t i = 0; i < BH_LEN(words); i++)
		if (strcmp(words[i][0], type) == 0)
			return words[i][1];
	return type;
}

static int
check_type(struct check *check, const json_t *types, const json_t *value, const char *path)
{
	char all[200] = "";
	json_t *one;
	size_t i, len = 0;

	if (json_is_string(types))
		return is_type(value, json_string_value(types))
			   ? 0
			   : fault(check, path, "must be %s", type_words(json_string_value(types)));
	json_array_foreach ((json_t *)(uintptr_t)types, i, one) {
		if (is_type(value, json_string_value(one)))
			return 0;
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? " or " : "",
		    type_words(json_string_value(one)));
	}
	return fault(check, path, "must be %s", all);
}

static bool
is_in(const json_t *list, const json_t *value)
{
	json_t *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, one)
		if (json_equal(one, value))
			return true;
	return false;
}

static int
check_enum(struct check *check, const json_t *list, const json_t *value, const char *path)
{
	struct bh_buf words = BH_BUF_INIT(300);
	json_t *one;
	size_t i;

	if (is_in(list, value))
		return 0;
	json_array_foreach ((json_t *)(uintptr_t)list, i, one)
		if (json_string_length(one) > 0)
			bh_buf_addf(&words, "%s%s", words.len > 0 ? ", " : "",
			    json_string_value(one));
	fault(check, path, "must be one of: %s%s", bh_buf_str(&words), words.full ? " ..." : "");
	bh_buf_release(&words);
	return 1;
}

static int
check_text(struct check *check, const json_t *schema, const json_t *value, const char *path)
{
	size_t len = json_string_length(value);
	int64_t least = bh_json_int(schema, "minLength", 0);
	int64_t most = bh_json_int(schema, "maxLength", INT64_MAX);
	const char *pattern = bh_json_str(schema, "pattern");
	regex_t regex;
	bool fits;

	if ((int64_t)len < least)
		return fault(check, path, least == 1 ? "must not be empty" : "is too short");
	if ((int64_t)len > most)
		return fault(check, path, "has more than %lld characters", (long long)most);
	if (pattern == NULL)
		return 0;
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return fault(check, path, "the schema's pattern cannot be read");
	fits = regexec(&regex, json_string_value(value), 0, NULL, 0) == 0;
	regfree(&regex);
	return fits ? 0
		    : fault(check, path, "must be %s",
			  bh_json_str(schema, "description") != NULL
			      ? bh_json_str(schema, "description")
			      : pattern);
}

static int
check_number(struct check *check, const json_t *schema, const json_t *value, const char *path)
{
	const json_t *least = json_object_get(schema, "minimum");
	const json_t *most = json_object_get(schema, "maximum");
	double number = json_number_value(value);

	if (least != NULL && number < json_number_value(least))
		return fault(check, path, "must be at least %.15g", json_number_value(least));
	if (most != NULL && number > json_number_value(most))
		return fault(check, path, "must be at most %.15g", json_number_value(most));
	return 0;
}

/* -- what is below -- */

static int
check_member(struct check *check, const json_t *schema, const char *name, const json_t *value,
    const char *path)
{
	const json_t *known = json_object_get(json_object_get(schema, "properties"), name);
	const json_t *others = json_object_get(schema, "additionalProperties");
	char deeper[PATH_MAX_LEN];

	bh_json_below(deeper, sizeof(deeper), path, name);
	if (known != NULL)
		return check_value(check, known, value, deeper);
	if (json_is_false(others))
		return fault(check, deeper, "there is no such member");
	return json_is_object(others) ? check_value(check, others, value, deeper) : 0;
}

static int
check_object(struct check *check, const json_t *schema, const json_t *value, const char *path)
{
	const char *name;
	json_t *one;
	size_t i;
	int faults = 0;

	json_array_foreach (json_object_get(schema, "required"), i, one)
		if (json_object_get(value, json_string_value(one)) == NULL)
			faults += fault(check, path, "lacks \"%s\"", json_string_value(one));
	json_object_foreach ((json_t *)(uintptr_t)value, name, one)
		faults += check_member(check, schema, name, one, path);
	return faults;
}

static int
check_list(struct check *check, const json_t *schema, const json_t *value, const char *path)
{
	const json_t *items = json_object_get(schema, "items");
	char deeper[PATH_MAX_LEN], number[24];
	json_t *one;
	size_t i;
	int faults = 0;

	if ((int64_t)json_array_size(value) < bh_json_int(schema, "minItems", 0))
		faults += fault(check, path, "must not be empty");
	json_array_foreach ((json_t *)(uintptr_t)value, i, one) {
		snprintf(number, sizeof(number), "%zu", i);
		bh_json_below(deeper, sizeof(deeper), path, number);
		if (items != NULL)
			faults += check_value(check, items, one, deeper);
	}
	return faults;
}

/* -- schemas in schemas -- */

/* Without telling why not. */
static bool
is_fit(struct check *check, const json_t *schema, const json_t *value)
{
	struct check quiet = {check->root, json_array(), check->depth};
	int faults = check_value(&quiet, schema, value, "");

	json_decref(quiet.faults);
	return faults == 0;
}

/* Of several forms the one that is meant is that whose type fits: its faults are told. */
static int
check_any(struct check *check, const json_t *list, const json_t *value, const char *path)
{
	const json_t *meant = NULL;
	json_t *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		const char *type = bh_json_str(one, "type");

		if (is_fit(check, one, value))
			return 0;
		if (meant == NULL && type != NULL && is_type(value, type))
			meant = one;
	}
	return meant != NULL ? check_value(check, meant, value, path)
			     : check_value(check, json_array_get(list, 0), value, path);
}

static int
check_combined(struct check *check, const json_t *schema, const json_t *value, const char *path)
{
	const char *ref = bh_json_str(schema, "$ref");
	const json_t *any = json_object_get(schema, "anyOf"), *test = json_object_get(schema, "if");
	json_t *one;
	size_t i;
	int faults = 0;

	if (ref != NULL && bh_has_prefix(ref, "#/$defs/"))
		faults += check_value(check,
		    json_object_get(json_object_get(check->root, "$defs"),
			ref + strlen("#/$defs/")),
		    value, path);
	json_array_foreach (json_object_get(schema, "allOf"), i, one)
		faults += check_value(check, one, value, path);
	if (any != NULL)
		faults += check_any(check, any, value, path);
	if (test != NULL && is_fit(check, test, value))
		faults += check_value(check, json_object_get(schema, "then"), value, path);
	return faults;
}

static int
check_value(struct check *check, const json_t *schema, const json_t *value, const char *path)
{
	const json_t *types = json_object_get(schema, "type"),
		     *list = json_object_get(schema, "enum");
	const json_t *constant = json_object_get(schema, "const");
	int faults = 0;

	if (check->depth == DEPTH_MAX)
		return fault(check, path, "stands too deep");
	if (types != NULL && check_type(check, types, value, path) != 0)
		return 1;
	check->depth++;
	if (list != NULL)
		faults += check_enum(check, list, value, path);
	if (constant != NULL && !json_equal(constant, value))
		faults +=
		    fault(check, path, "must be %lld", (long long)json_integer_value(constant));
	if (json_is_string(value))
		faults += check_text(check, schema, value, path);
	else if (json_is_number(value))
		faults += check_number(check, schema, value, path);
	else if (json_is_object(value))
		faults += check_object(check, schema, value, path);
	else if (json_is_array(value))
		faults += check_list(check, schema, value, path);
	faults += check_combined(check, schema, value, path);
	check->depth--;
	return faults;
}

json_t *
bh_jsonschema_faults(const json_t *schema, const json_t *value)
{
	struct check check = {schema, json_array(), 0};

	check_value(&check, schema, value, "");
	return check.faults;
}
