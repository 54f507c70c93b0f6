/* Rows: see mapping_form.h. */
#include "base/base.h"

#include "web/mapping_form.h"

#include "web/mapping_text.h"
#include "web/words.h"

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

		if (text == NULL || strpbrk(from, "=\n\r{") != NULL || !is_typed_trim(from) ||
		    *from == '\0' || strpbrk(text, "\n\r") != NULL || !is_typed_trim(text))
			return false;
	}
	return true;
}

static json_t *
table_view(const json_t *table)
{
	struct bh_buf out = BH_BUF_INIT(MAPPING_TEXT_BYTES);
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
		json_t *from = typed_trim(text, at < len ? at : len);
		json_t *to = at < len ? typed_trim(text + at + 1, len - at - 1) : NULL;
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
					       : typed_line(value);
	} else {
		source = typed_either_view(json_object_get(row, "from"));
	}
	json_object_set_new(view, "kind", json_string(kind));
	json_object_set_new(view, "source", source);
}

json_t *
mapping_row_view(const json_t *row)
{
	json_t *view = json_object();
	const json_t *with = json_object_get(row, "with");

	json_object_set_new(view, "to", typed_text_or(row, "to", ""));
	view_source(view, row);
	json_object_set_new(view, "as", typed_text_or(row, "as", ""));
	json_object_set_new(view, "default", typed_either_view(json_object_get(row, "default")));
	json_object_set_new(view, "empty", typed_text_or(row, "empty", "clear"));
	json_object_set_new(view, "when", typed_text_or(row, "when", "always"));
	json_object_set_new(view, "on", typed_names_view(json_object_get(row, "on")));
	json_object_set_new(view, "with", with != NULL ? typed_line(with) : json_string(""));
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
	const char *kind = typed_get(view, "kind"), *source = typed_get(view, "source");
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
		json_object_set_new(row, "from", typed_either(source));
	}
	return 0;
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
	const char *other = typed_get(view, "default"), *table = typed_get(view, "enum");
	json_t *on = typed_names(typed_get(view, "on")), *words = NULL;
	int rc = 0;

	json_object_set_new(row, "to", json_string(typed_get(view, "to")));
	if (on != NULL)
		json_object_set_new(row, "on", on);
	if (*typed_get(view, "to") == '\0')
		return bh_fail(err, BH_INVALID, "Say which field of the CRM.");
	if (read_source(view, row, err) < 0)
		return -1;
	typed_word(view, row, "as", "");
	if (*other != '\0')
		json_object_set_new(row, "default", typed_either(other));
	typed_word(view, row, "empty", "clear");
	typed_word(view, row, "when", "always");
	read_with(typed_get(view, "with"), row);
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
