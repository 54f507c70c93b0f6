/* See mapping_form.h. */
#include "base/base.h"

#include "web/mapping_form.h"

#include "base/text.h"
#include "map/map.h"
#include "map/reference.h"
#include "web/words.h"

#define TEXT_BYTES (64u << 10)
#define EMPTY "(empty)" /* how null is typed among values */

/* -- texts -- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without white space around it. */
static json_t *
trimmed(const char *text, size_t len)
{
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	return json_stringn(text, len);
}

static bool
is_trimmed(const char *text)
{
	size_t len = strlen(text);

	return len == 0 || (!is_blank(text[0]) && !is_blank(text[len - 1]));
}

json_t *
mapping_posted(const struct request *request, const char *name)
{
	const char *text = request_field(request, name);
	struct bh_buf lines = BH_BUF_INIT(REQUEST_FORM_MAX);
	json_t *json;

	for (; text != NULL && *text != '\0'; text++)
		if (text[0] != '\r' || text[1] != '\n')
			bh_buf_addc(&lines, *text);
	json = trimmed(bh_buf_str(&lines), lines.len);
	bh_buf_release(&lines);
	return json;
}

static const char *
get(const json_t *view, const char *name)
{
	const char *text = json_string_value(json_object_get(view, name));

	return text != NULL ? text : "";
}

int
mapping_json_read(const char *text, const char *what, json_t **json_r, struct bh_err *err)
{
	*json_r = NULL;
	if (bh_json_parse(text, strlen(text), json_r, err) < 0)
		return bh_during(err, "%s", what);
	return 0;
}

json_t *
mapping_json_view(const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY);
	json_t *view = words_json(text != NULL ? text : "");

	free(text);
	return view;
}

/* One line of JSON. */
static json_t *
json_line(const json_t *json)
{
	char *text = json_dumps(json, JSON_ENCODE_ANY);
	json_t *view = words_json(text != NULL ? text : "");

	free(text);
	return view;
}

/* A list of texts where text is the JSON of one; NULL otherwise. */
static json_t *
typed_list(const char *text)
{
	json_t *list = NULL, *one;
	size_t i;

	if (text[0] != '[' || bh_json_parse(text, strlen(text), &list, NULL) < 0)
		return NULL;
	json_array_foreach (list, i, one) {
		if (json_is_string(one))
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}

/* What is no text where text is its JSON; NULL otherwise: templates begin with braces, too. */
static json_t *
typed_other(const char *text)
{
	json_t *list = typed_list(text), *object = NULL;

	if (list == NULL && text[0] == '{')
		bh_json_parse(text, strlen(text), &object, NULL);
	return list != NULL ? list : object;
}

/* A text, or else JSON: a list of texts, a setting. */
static json_t *
either_view(const json_t *value)
{
	const char *text = json_string_value(value);
	json_t *other = text != NULL ? typed_other(text) : NULL, *wrapped, *view;

	if (value == NULL)
		return json_string("");
	if (text != NULL && other == NULL)
		return json_incref((json_t *)(uintptr_t)value);
	json_decref(other);
	if (text == NULL)
		return json_line(value);
	wrapped = json_pack("[O]", value);
	view = json_line(wrapped);
	json_decref(wrapped);
	return view;
}

static json_t *
either_read(const char *text)
{
	json_t *other = typed_other(text);

	return other != NULL ? other : json_string(text);
}

/* -- lists with commas -- */

static bool
is_plain_item(const char *text)
{
	return *text != '\0' && strchr(text, ',') == NULL && text[0] != '[' && is_trimmed(text);
}

/* Names with commas between; JSON where a name has one itself. */
static json_t *
names_view(const json_t *names)
{
	struct bh_buf out = BH_BUF_INIT(TEXT_BYTES);
	json_t *one, *view;
	size_t i;
	bool is_plain = true;

	if (names == NULL)
		return json_string("");
	if (json_is_string(names)) {
		if (is_plain_item(json_string_value(names)))
			return json_incref((json_t *)(uintptr_t)names);
		one = json_pack("[O]", names);
		view = json_line(one);
		json_decref(one);
		return view;
	}
	json_array_foreach ((json_t *)(uintptr_t)names, i, one) {
		const char *text = json_string_value(one);

		is_plain = is_plain && text != NULL && is_plain_item(text);
		bh_buf_addf(&out, "%s%s", i > 0 ? ", " : "", text != NULL ? text : "");
	}
	view = is_plain ? words_json(bh_buf_str(&out)) : json_line(names);
	bh_buf_release(&out);
	return view;
}

/* The parts of a text between commas, without those that are empty. */
static json_t *
split(const char *text)
{
	json_t *list = json_array();

	for (;;) {
		size_t len = strcspn(text, ",");
		json_t *one = trimmed(text, len);

		if (json_string_length(one) > 0)
			json_array_append_new(list, one);
		else
			json_decref(one);
		if (text[len] == '\0')
			return list;
		text += len + 1;
	}
}

/* NULL for none; one name is a text. */
static json_t *
names_read(const char *text)
{
	json_t *list = typed_list(text), *one;

	if (list == NULL)
		list = split(text);
	if (json_array_size(list) > 1)
		return list;
	one = json_incref(json_array_get(list, 0));
	json_decref(list);
	return one;
}

/* -- the table of words -- */

static bool
is_table_plain(const json_t *table)
{
	const char *from;
	json_t *to;

	if (json_object_size(table) == 0)
		return false;
	json_object_foreach ((json_t *)(uintptr_t)table, from, to) {
		const char *text = json_string_value(to);

		if (text == NULL || strpbrk(from, "=\n\r{") != NULL || !is_trimmed(from) ||
		    *from == '\0' || strpbrk(text, "\n\r") != NULL || !is_trimmed(text))
			return false;
	}
	return true;
}

static json_t *
table_view(const json_t *table)
{
	struct bh_buf out = BH_BUF_INIT(TEXT_BYTES);
	const char *from;
	json_t *to, *view;

	if (table == NULL)
		return json_string("");
	if (!is_table_plain(table))
		return mapping_json_view(table);
	json_object_foreach ((json_t *)(uintptr_t)table, from, to)
		bh_buf_addf(&out, "%s%s = %s", out.len > 0 ? "\n" : "", from,
		    json_string_value(to));
	view = words_json(bh_buf_str(&out));
	bh_buf_release(&out);
	return view;
}

/* "word = the CRM's word", a line each. */
static int
table_lines(const char *text, json_t *table, struct bh_err *err)
{
	for (size_t line = 1; *text != '\0'; line++) {
		size_t len = strcspn(text, "\n"), at = strcspn(text, "=\n");
		json_t *from = trimmed(text, at < len ? at : len);
		json_t *to = at < len ? trimmed(text + at + 1, len - at - 1) : NULL;
		bool is_empty = json_string_length(from) == 0 && to == NULL;

		if (!is_empty && to == NULL) {
			json_decref(from);
			return bh_fail(err, BH_INVALID,
			    "Table of words: line %zu has no \"=\": write one word = the CRM's word on each line.",
			    line);
		}
		if (!is_empty)
			json_object_set(table, json_string_value(from), to);
		json_decref(from);
		json_decref(to);
		text += len + (text[len] != '\0');
	}
	return 0;
}

static int
table_read(const char *text, json_t **table_r, struct bh_err *err)
{
	if (text[0] == '{')
		return mapping_json_read(text, "Table of words", table_r, err);
	*table_r = json_object();
	return table_lines(text, *table_r, err);
}

/* -- rows -- */

static const char *const row_fields[] = {"to", "kind", "source", "as", "default", "empty", "when",
    "on", "with", "enum"};

/* Which kind of source, and its text. */
static void
view_source(json_t *view, const json_t *row)
{
	const json_t *value = json_object_get(row, "value");
	const char *kind = "from";
	json_t *source;

	if (json_object_get(row, "setting") != NULL) {
		kind = "setting";
		source = json_incref(json_object_get(row, "setting"));
	} else if (value != NULL) {
		kind = json_is_string(value) ? "value" : "json";
		source = json_is_string(value) ? json_incref((json_t *)(uintptr_t)value)
					       : json_line(value);
	} else {
		source = either_view(json_object_get(row, "from"));
	}
	json_object_set_new(view, "kind", json_string(kind));
	json_object_set_new(view, "source", source);
}

static json_t *
text_or(const json_t *row, const char *name, const char *fallback)
{
	const char *text = bh_json_str(row, name);

	return json_string(text != NULL ? text : fallback);
}

json_t *
mapping_row_view(const json_t *row)
{
	json_t *view = json_object();
	const json_t *with = json_object_get(row, "with");

	json_object_set_new(view, "to", text_or(row, "to", ""));
	view_source(view, row);
	json_object_set_new(view, "as", text_or(row, "as", ""));
	json_object_set_new(view, "default", either_view(json_object_get(row, "default")));
	json_object_set_new(view, "empty", text_or(row, "empty", "clear"));
	json_object_set_new(view, "when", text_or(row, "when", "always"));
	json_object_set_new(view, "on", names_view(json_object_get(row, "on")));
	json_object_set_new(view, "with", with != NULL ? json_line(with) : json_string(""));
	json_object_set_new(view, "enum", table_view(json_object_get(row, "enum")));
	return view;
}

json_t *
mapping_row_posted(const struct request *request)
{
	json_t *view = json_object();
	const char *kind = request_field(request, "kind"),
		   *source = request_field(request, "source");

	for (size_t i = 0; i < BH_LEN(row_fields); i++)
		json_object_set_new(view, row_fields[i], mapping_posted(request, row_fields[i]));
	/* A fixed text is what was typed. */
	if (kind != NULL && strcmp(kind, "value") == 0 && source != NULL)
		json_object_set_new(view, "source", json_string(source));
	return view;
}

static int
read_source(const json_t *view, json_t *row, struct bh_err *err)
{
	const char *kind = get(view, "kind"), *source = get(view, "source");
	json_t *value;

	if (strcmp(kind, "value") == 0) {
		json_object_set_new(row, "value", json_string(source));
	} else if (strcmp(kind, "json") == 0) {
		/* A value by itself is no document. */
		char *list = bh_xasprintf("[%s]", source);
		int rc = mapping_json_read(list, "Value", &value, err);

		free(list);
		if (rc < 0 || json_array_size(value) != 1) {
			json_decref(rc < 0 ? NULL : value);
			return bh_fail(err, BH_INVALID,
			    "The value must be a whole number, true, false or null.");
		}
		json_object_set(row, "value", json_array_get(value, 0));
		json_decref(value);
	} else if (strcmp(kind, "setting") == 0) {
		if (*source == '\0')
			return bh_fail(err, BH_INVALID, "Say which setting.");
		json_object_set_new(row, "setting", json_string(source));
	} else {
		if (*source == '\0')
			return bh_fail(err, BH_INVALID,
			    "Say where the value comes from: a field, or a text with fields in braces.");
		json_object_set_new(row, "from", either_read(source));
	}
	return 0;
}

/* Words that are what holds without them are left out. */
static void
read_word(const json_t *view, json_t *row, const char *name, const char *usual)
{
	const char *text = get(view, name);

	if (*text != '\0' && strcmp(text, usual) != 0)
		json_object_set_new(row, name, json_string(text));
}

static void
read_with(const char *text, json_t *row)
{
	char *list = bh_xasprintf("[%s]", text);
	json_t *parsed = NULL;

	/* In quotes its blanks are seen. */
	if (text[0] == '"' && bh_json_parse(list, strlen(list), &parsed, NULL) == 0 &&
	    json_array_size(parsed) == 1 && json_is_string(json_array_get(parsed, 0)))
		json_object_set(row, "with", json_array_get(parsed, 0));
	else if (*text != '\0')
		json_object_set_new(row, "with", json_string(text));
	json_decref(parsed);
	free(list);
}

static int
read_row(const json_t *view, json_t *row, struct bh_err *err)
{
	const char *other = get(view, "default"), *table = get(view, "enum");
	json_t *on = names_read(get(view, "on")), *words = NULL;
	int rc = 0;

	json_object_set_new(row, "to", json_string(get(view, "to")));
	if (on != NULL)
		json_object_set_new(row, "on", on);
	if (*get(view, "to") == '\0')
		return bh_fail(err, BH_INVALID, "Say which field of the CRM.");
	if (read_source(view, row, err) < 0)
		return -1;
	read_word(view, row, "as", "");
	if (*other != '\0')
		json_object_set_new(row, "default", either_read(other));
	read_word(view, row, "empty", "clear");
	read_word(view, row, "when", "always");
	read_with(get(view, "with"), row);
	if (*table != '\0')
		rc = table_read(table, &words, err);
	if (words != NULL)
		json_object_set_new(row, "enum", words);
	return rc;
}

int
mapping_row_read(const json_t *view, const json_t *before, json_t **row_r, struct bh_err *err)
{
	json_t *row = json_object(), *again, *was = NULL;

	*row_r = NULL;
	if (read_row(view, row, err) < 0) {
		json_decref(row);
		return -1;
	}
	again = mapping_row_view(row);
	if (before != NULL)
		was = mapping_row_view(before);
	if (was != NULL && json_equal(again, was)) {
		json_decref(row);
		row = json_incref((json_t *)(uintptr_t)before);
	}
	json_decref(was);
	json_decref(again);
	*row_r = row;
	return 0;
}

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
	struct bh_buf out = BH_BUF_INIT(TEXT_BYTES);
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
		if (*get(one, "field") != '\0' || *get(one, "value") != '\0')
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
	json_t *texts = split(text), *one, *value;
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
	const char *field = get(view, "field"), *op = get(view, "op"), *text = get(view, "value");
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
		*filter_r =
		    json_pack("{s:O}", strcmp(get(view, "mode"), "any") == 0 ? "any" : "all", list);
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
	json_object_set_new(view, pairs[i].to, text_or(row, "to", ""));
	json_object_set_new(view, pairs[i].from, either_view(json_object_get(row, "from")));
	json_object_set_new(view, pairs[i].as, text_or(row, "as", ""));
}

static json_t *
rule_view(const json_t *rule)
{
	const json_t *rows = json_object_get(rule, "fields");
	const json_t *on = json_object_get(rule, "on");
	json_t *view = json_object();

	json_object_set_new(view, "by", text_or(rule, "by", "key"));
	for (size_t i = 0; i < MAP_PAIRS; i++)
		view_pair(view, i, rows != NULL ? json_array_get(rows, i) : i == 0 ? rule : NULL);
	/* All rows of a rule are for one object, or it is JSON. */
	if (rows != NULL)
		on = json_object_get(json_array_get(rows, 0), "on");
	json_object_set_new(view, "on", names_view(on));
	json_object_set_new(view, "if",
	    json_object_get(rule, "if") != NULL ? json_line(json_object_get(rule, "if"))
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
	json_t *row = json_object(), *on = names_read(get(view, "on"));

	json_object_set_new(row, "to", json_string(get(view, pairs[i].to)));
	json_object_set_new(row, "from", either_read(get(view, pairs[i].from)));
	read_word(view, row, pairs[i].as, "");
	if (i > 0 && json_object_get(row, pairs[i].as) != NULL) {
		json_object_set(row, "as", json_object_get(row, pairs[i].as));
		json_object_del(row, pairs[i].as);
	}
	if (on != NULL)
		json_object_set_new(row, "on", on);
	return row;
}

static json_t *
pairs_read(const json_t *view)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < MAP_PAIRS; i++)
		if (*get(view, pairs[i].to) != '\0' || *get(view, pairs[i].from) != '\0')
			json_array_append_new(rows, pair_read(view, i));
	return rows;
}

/* What id and domain say of themselves. */
static int
read_single(const json_t *view, json_t *rule, bool is_domain, struct bh_err *err)
{
	json_t *on = names_read(get(view, "on"));

	if (on != NULL)
		json_object_set_new(rule, "on", on);
	if (*get(view, "from") == '\0')
		return bh_fail(err, BH_INVALID, "Say where the value comes from.");
	if (is_domain)
		json_object_set_new(rule, "to", json_string(get(view, "to")));
	json_object_set_new(rule, "from", either_read(get(view, "from")));
	return 0;
}

int
mapping_rule_read(const json_t *view, json_t **rule_r, struct bh_err *err)
{
	const char *by = get(view, "by");
	json_t *rule = json_pack("{s:s}", "by", by), *filter = NULL;
	int rc = 0;

	if (strcmp(by, "value") == 0)
		json_object_set_new(rule, "fields", pairs_read(view));
	else if (strcmp(by, "key") != 0)
		rc = read_single(view, rule, strcmp(by, "domain") == 0, err);
	if (rc == 0 && *get(view, "if") != '\0')
		rc = mapping_json_read(get(view, "if"), "Only for", &filter, err);
	if (filter != NULL)
		json_object_set_new(rule, "if", filter);
	*rule_r = rc == 0 ? json_incref(rule) : NULL;
	json_decref(rule);
	return rc;
}
