/* See mapping_text.h. */
#include "base/base.h"

#include "web/mapping_text.h"

#include "base/text.h"
#include "web/mapping_form.h"
#include "web/words.h"

/* -- texts -- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without white space around it. */
json_t *
typed_trim(const char *text, size_t len)
{
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	return json_stringn(text, len);
}

bool
is_typed_trim(const char *text)
{
	size_t len = strlen(text);

	return len == 0 || (!is_blank(text[0]) && !is_blank(text[len - 1]));
}

json_t *
mapping_posted(const struct request *request, const char *name)
{
	const char *text = request_field(request, name);
	struct bh_buf lines = BH_BUF_INIT(REQUEST_UPLOAD_MAX);
	json_t *json;

	for (; text != NULL && *text != '\0'; text++)
		if (text[0] != '\r' || text[1] != '\n')
			bh_buf_addc(&lines, *text);
	json = typed_trim(bh_buf_str(&lines), lines.len);
	bh_buf_release(&lines);
	return json;
}

const char *
typed_get(const json_t *view, const char *name)
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
json_t *
typed_line(const json_t *json)
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
json_t *
typed_either_view(const json_t *value)
{
	const char *text = json_string_value(value);
	json_t *other = text != NULL ? typed_other(text) : NULL, *wrapped, *view;

	if (value == NULL)
		return json_string("");
	if (text != NULL && other == NULL)
		return json_incref((json_t *)(uintptr_t)value);
	json_decref(other);
	if (text == NULL)
		return typed_line(value);
	wrapped = json_pack("[O]", value);
	view = typed_line(wrapped);
	json_decref(wrapped);
	return view;
}

json_t *
typed_either(const char *text)
{
	json_t *other = typed_other(text);

	return other != NULL ? other : json_string(text);
}

/* -- lists with commas -- */

static bool
is_plain_item(const char *text)
{
	return *text != '\0' && strchr(text, ',') == NULL && text[0] != '[' && is_typed_trim(text);
}

/* Names with commas between; JSON where a name has one itself. */
json_t *
typed_names_view(const json_t *names)
{
	struct bh_buf out = BH_BUF_INIT(MAPPING_TEXT_BYTES);
	json_t *one, *view;
	size_t i;
	bool is_plain = true;

	if (names == NULL)
		return json_string("");
	if (json_is_string(names)) {
		if (is_plain_item(json_string_value(names)))
			return json_incref((json_t *)(uintptr_t)names);
		one = json_pack("[O]", names);
		view = typed_line(one);
		json_decref(one);
		return view;
	}
	json_array_foreach ((json_t *)(uintptr_t)names, i, one) {
		const char *text = json_string_value(one);

		is_plain = is_plain && text != NULL && is_plain_item(text);
		bh_buf_addf(&out, "%s%s", i > 0 ? ", " : "", text != NULL ? text : "");
	}
	view = is_plain ? words_json(bh_buf_str(&out)) : typed_line(names);
	bh_buf_release(&out);
	return view;
}

/* The parts of a text between commas, without those that are empty. */
json_t *
typed_split(const char *text)
{
	json_t *list = json_array();

	for (;;) {
		size_t len = strcspn(text, ",");
		json_t *one = typed_trim(text, len);

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
json_t *
typed_names(const char *text)
{
	json_t *list = typed_list(text), *one;

	if (list == NULL)
		list = typed_split(text);
	if (json_array_size(list) > 1)
		return list;
	one = json_incref(json_array_get(list, 0));
	json_decref(list);
	return one;
}

json_t *
typed_text_or(const json_t *part, const char *name, const char *fallback)
{
	const char *text = bh_json_str(part, name);

	return json_string(text != NULL ? text : fallback);
}

/* Words that are what holds without them are left out. */
void
typed_word(const json_t *view, json_t *part, const char *name, const char *usual)
{
	const char *text = typed_get(view, name);

	if (*text != '\0' && strcmp(text, usual) != 0)
		json_object_set_new(part, name, json_string(text));
}
