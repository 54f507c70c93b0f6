/* Filters and matching rules: see mapping_form.h. */
#include "base/base.h"

#include "map/map.h"
#include "map/reference.h"
#include "web/mapping_form.h"
#include "web/mapping_text.h"
#include "web/words.h"

#define EMPTY "(empty)" /* how null is typed among values */

/* -- filters -- */

static const char *const ops[] = {"is", "in", "not_in"};

/* What values of a field are compared as; TEXT where only the value tells. */
static enum field_type
type_of(const char *field, enum object_kind kind)
{
	struct reference ref;

	if (reference_parse(field, strlen(field), kind, &ref, NULL) < 0)
		return FIELD_TEXT;
	return reference_type(&ref);
}

/* Appended to out; false where it cannot be typed. */
static bool
is_value_typed(struct bh_buf *out, const json_t *value, bool is_in_list)
{
	const char *text = json_string_value(value);

	if (json_is_null(value))
		bh_buf_adds(out, EMPTY);
	else if (json_is_boolean(value))
		bh_buf_adds(out, json_is_true(value) ? "yes" : "no");
	else if (json_is_integer(value))
		bh_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (text == NULL || *text == '\0' || (is_in_list && strchr(text, ',') != NULL))
		return false;
	else
		bh_buf_adds(out, text);
	return true;
}

/* A condition with its values as text; NULL where it has none of its own. */
static json_t *
condition_view(const json_t *filter)
{
	struct bh_buf out = BH_BUF_INIT(MAPPING_TEXT_BYTES);
	const char *field = bh_json_str(filter, "field"), *op = NULL;
	json_t *view = NULL, *value = NULL, *one;
	bool is_good = field != NULL;
	size_t i;

	for (i = 0; i < BH_LEN(ops) && op == NULL; i++) {
		value = json_object_get(filter, ops[i]);
		op = value != NULL ? ops[i] : NULL;
	}
	if (op != NULL && json_is_array(value)) {
		json_array_foreach (value, i, one) {
			bh_buf_adds(&out, i > 0 ? ", " : "");
			is_good = is_good && is_value_typed(&out, one, true);
		}
	} else {
		is_good = is_good && op != NULL && is_value_typed(&out, value, false);
	}
	if (is_good)
		view = json_pack("{s:s, s:s, s:o}", "field", field, "op", op, "value",
		    words_json(bh_buf_str(&out)));
	bh_buf_release(&out);
	return view;
}

static json_t *
filter_view(const json_t *filter)
{
	const json_t *all = json_object_get(filter, "all"), *any = json_object_get(filter, "any");
	const json_t *list = all != NULL ? all : any;
	json_t *conditions = json_array(), *one;
	size_t n = list != NULL ? json_array_size(list) : filter != NULL ? 1 : 0;

	for (size_t i = 0; i < n && i < MAPPING_CONDITIONS; i++) {
		one = condition_view(list != NULL ? json_array_get(list, i) : filter);
		if (one != NULL)
			json_array_append_new(conditions, one);
	}
	if (json_array_size(conditions) != n) {
		json_decref(conditions);
		return NULL;
	}
	return json_pack("{s:s, s:o}", "mode", any != NULL ? "any" : "all", "conditions",
	    conditions);
}

/* Is it one that reads back as it was?  Others are kept as JSON. */
static bool
is_filter_held(const json_t *view, const json_t *filter, enum object_kind kind)
{
	json_t *again = NULL;
	const json_t *list = json_object_get(filter, "all");
	bool is_held;

	if (list == NULL)
		list = json_object_get(filter, "any");
	if (mapping_filter_read(view, kind, &again, NULL) < 0)
		return false;
	is_held = filter == NULL ? again == NULL : json_equal(again, filter) != 0;
	/* A group of one says what the one says. */
	if (!is_held && json_array_size(list) == 1)
		is_held = json_equal(again, json_array_get(list, 0)) != 0;
	json_decref(again);
	return is_held;
}

json_t *
mapping_filter_view(const json_t *filter, enum object_kind kind)
{
	json_t *view = filter_view(filter);

	if (view != NULL && !is_filter_held(view, filter, kind)) {
		json_decref(view);
		view = NULL;
	}
	return view;
}

json_t *
mapping_filter_posted(const struct request *request)
{
	json_t *conditions = json_array();

	for (int i = 0; i < MAPPING_CONDITIONS; i++) {
		json_t *one = json_object();

		static const char *const parts[] = {"field", "op", "value"};

		for (size_t k = 0; k < BH_LEN(parts); k++) {
			char name[24];

			snprintf(name, sizeof(name), "%s.%d", parts[k], i);
			json_object_set_new(one, parts[k], mapping_posted(request, name));
		}
		if (*typed_get(one, "field") != '\0' || *typed_get(one, "value") != '\0')
			json_array_append(conditions, one);
		json_decref(one);
	}
	return json_pack("{s:o, s:o}", "mode", mapping_posted(request, "mode"), "conditions",
	    conditions);
}

/* One typed value as the field's type has it. */
static int
value_read(const char *text, enum field_type type, json_t **value_r, struct bh_err *err)
{
	static const struct {
		const char *word;
		bool is_true;
	} words[] = {{"yes", true}, {"true", true}, {"no", false}, {"false", false}};
	int64_t number;

	if (strcmp(text, EMPTY) == 0) {
		*value_r = json_null();
		return 0;
	}
	if (type == FIELD_BOOL) {
		for (size_t i = 0; i < BH_LEN(words); i++) {
			if (strcmp(words[i].word, text) == 0) {
				*value_r = json_boolean(words[i].is_true);
				return 0;
			}
		}
		return bh_fail(err, BH_INVALID, "\"%.60s\" is neither yes nor no", text);
	}
	if (type == FIELD_INT || type == FIELD_MONEY) {
		json_t *wrapped = NULL;
		char *list = bh_xasprintf("[%s]", text);
		int rc = bh_json_parse(list, strlen(list), &wrapped, NULL);

		free(list);
		if (rc == 0 && json_array_size(wrapped) == 1 &&
		    bh_is_json_int(wrapped, "0", &number)) {
			*value_r = json_integer(number);
			json_decref(wrapped);
			return 0;
		}
		if (rc == 0)
			json_decref(wrapped);
		return bh_fail(err, BH_INVALID, "\"%.60s\" is no whole number%s", text,
		    type == FIELD_MONEY ? "; amounts are typed in minor units, such as cents" : "");
	}
	*value_r = json_string(text);
	return 0;
}

static int
list_read(const char *text, enum field_type type, json_t **list_r, struct bh_err *err)
{
	json_t *texts = typed_split(text), *one, *value;
	size_t i;
	int rc = 0;

	*list_r = json_array();
	json_array_foreach (texts, i, one) {
		rc = value_read(json_string_value(one), type, &value, err);
		if (rc < 0)
			break;
		json_array_append_new(*list_r, value);
	}
	json_decref(texts);
	if (rc < 0) {
		json_decref(*list_r);
		*list_r = NULL;
	}
	return rc;
}

static int
condition_read(const json_t *view, enum object_kind kind, json_t **filter_r, struct bh_err *err)
{
	const char *field = typed_get(view, "field"), *op = typed_get(view, "op"),
		   *text = typed_get(view, "value");
	enum field_type type = type_of(field, kind);
	json_t *value = NULL;
	int rc;

	if (*field == '\0')
		return bh_fail(err, BH_INVALID, "Say which field.");
	if (*text == '\0' && strcmp(op, "is") == 0)
		return bh_fail(err, BH_INVALID,
		    "Say which value %.60s is compared with; " EMPTY " stands for none.", field);
	rc = strcmp(op, "is") == 0 ? value_read(text, type, &value, err)
				   : list_read(text, type, &value, err);
	if (rc < 0)
		return bh_during(err, "%.60s", field);
	*filter_r = json_pack("{s:s, s:o}", "field", field,
	    strcmp(op, "is") == 0   ? "is"
	    : strcmp(op, "in") == 0 ? "in"
				    : "not_in",
	    value);
	return 0;
}

int
mapping_filter_read(const json_t *view, enum object_kind kind, json_t **filter_r,
    struct bh_err *err)
{
	const json_t *conditions = json_object_get(view, "conditions");
	size_t n = json_array_size(conditions);
	json_t *list = json_array(), *one = NULL;

	*filter_r = NULL;
	for (size_t i = 0; i < n; i++) {
		if (condition_read(json_array_get(conditions, i), kind, &one, err) < 0) {
			json_decref(list);
			return -1;
		}
		json_array_append_new(list, one);
	}
	if (n == 1)
		*filter_r = json_incref(json_array_get(list, 0));
	else if (n > 1)
		*filter_r = json_pack("{s:O}",
		    strcmp(typed_get(view, "mode"), "any") == 0 ? "any" : "all", list);
	json_decref(list);
	return 0;
}

/* -- matching rules -- */

static const struct {
	const char *to, *from, *as;
} pairs[MAP_PAIRS] = {{"to", "from", "as"}, {"to2", "from2", "as2"}, {"to3", "from3", "as3"}};

static void
view_pair(json_t *view, size_t i, const json_t *row)
{
	json_object_set_new(view, pairs[i].to, typed_text_or(row, "to", ""));
	json_object_set_new(view, pairs[i].from, typed_either_view(json_object_get(row, "from")));
	json_object_set_new(view, pairs[i].as, typed_text_or(row, "as", ""));
}

static json_t *
rule_view(const json_t *rule)
{
	const json_t *rows = json_object_get(rule, "fields");
	const json_t *on = json_object_get(rule, "on");
	json_t *view = json_object();

	json_object_set_new(view, "by", typed_text_or(rule, "by", "key"));
	for (size_t i = 0; i < MAP_PAIRS; i++)
		view_pair(view, i, rows != NULL ? json_array_get(rows, i) : i == 0 ? rule : NULL);
	/* All rows of a rule are for one object, or it is JSON. */
	if (rows != NULL)
		on = json_object_get(json_array_get(rows, 0), "on");
	json_object_set_new(view, "on", typed_names_view(on));
	json_object_set_new(view, "if",
	    json_object_get(rule, "if") != NULL ? typed_line(json_object_get(rule, "if"))
						: json_string(""));
	return view;
}

json_t *
mapping_rule_view(const json_t *rule)
{
	json_t *view = rule_view(rule), *again = NULL;
	bool is_held =
	    rule == NULL || (mapping_rule_read(view, &again, NULL) == 0 && json_equal(again, rule));

	json_decref(again);
	if (!is_held) {
		json_decref(view);
		view = NULL;
	}
	return view;
}

json_t *
mapping_rule_posted(const struct request *request)
{
	json_t *view = json_object();

	json_object_set_new(view, "by", mapping_posted(request, "by"));
	json_object_set_new(view, "on", mapping_posted(request, "on"));
	json_object_set_new(view, "if", mapping_posted(request, "if"));
	for (size_t i = 0; i < MAP_PAIRS; i++) {
		json_object_set_new(view, pairs[i].to, mapping_posted(request, pairs[i].to));
		json_object_set_new(view, pairs[i].from, mapping_posted(request, pairs[i].from));
		json_object_set_new(view, pairs[i].as, mapping_posted(request, pairs[i].as));
	}
	return view;
}

static json_t *
pair_read(const json_t *view, size_t i)
{
	json_t *row = json_object(), *on = typed_names(typed_get(view, "on"));
	const char *as = typed_get(view, pairs[i].as);

	json_object_set_new(row, "to", json_string(typed_get(view, pairs[i].to)));
	json_object_set_new(row, "from", typed_either(typed_get(view, pairs[i].from)));
	if (*as != '\0')
		json_object_set_new(row, "as", json_string(as));
	if (on != NULL)
		json_object_set_new(row, "on", on);
	return row;
}

static json_t *
pairs_read(const json_t *view)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < MAP_PAIRS; i++)
		if (*typed_get(view, pairs[i].to) != '\0' ||
		    *typed_get(view, pairs[i].from) != '\0')
			json_array_append_new(rows, pair_read(view, i));
	return rows;
}

/* What id and domain say of themselves. */
static int
read_single(const json_t *view, json_t *rule, bool is_domain, struct bh_err *err)
{
	json_t *on = typed_names(typed_get(view, "on"));

	if (on != NULL)
		json_object_set_new(rule, "on", on);
	if (*typed_get(view, "from") == '\0')
		return bh_fail(err, BH_INVALID, "Say where the value comes from.");
	if (is_domain)
		json_object_set_new(rule, "to", json_string(typed_get(view, "to")));
	json_object_set_new(rule, "from", typed_either(typed_get(view, "from")));
	return 0;
}

int
mapping_rule_read(const json_t *view, json_t **rule_r, struct bh_err *err)
{
	const char *by = typed_get(view, "by");
	json_t *rule = json_pack("{s:s}", "by", by), *filter = NULL;
	int rc = 0;

	if (strcmp(by, "value") == 0)
		json_object_set_new(rule, "fields", pairs_read(view));
	else if (strcmp(by, "key") != 0)
		rc = read_single(view, rule, strcmp(by, "domain") == 0, err);
	if (rc == 0 && *typed_get(view, "if") != '\0')
		rc = mapping_json_read(typed_get(view, "if"), "Only for", &filter, err);
	if (filter != NULL)
		json_object_set_new(rule, "if", filter);
	*rule_r = rc == 0 ? json_incref(rule) : NULL;
	json_decref(rule);
	return rc;
}
