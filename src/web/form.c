/* Forms: see form.h. */
#include "base/base.h"

#include "web/form.h"

#include "base/json.h"
#include "base/text.h"

static const char *
type_name(enum form_type type)
{
	switch (type) {
	case FORM_PASSWORD:
		return "password";
	case FORM_HIDDEN:
		return "hidden";
	case FORM_TEXT:
	default:
		return "text";
	}
}

json_t *
form_view(const struct form_field *fields, size_t n, const json_t *values, const json_t *errors)
{
	json_t *view = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct form_field *field = &fields[i];
		const char *value = json_string_value(json_object_get(values, field->name));
		const char *error = json_string_value(json_object_get(errors, field->name));

		if (value == NULL || field->type == FORM_PASSWORD)
			value = "";
		json_array_append_new(view,
		    json_pack("{ss, ss, ss, ss, sb, sI, ss, ss, sb}", "name", field->name, "label",
			field->label, "type", type_name(field->type), "value", value, "is_required",
			field->least > 0, "most", (json_int_t)field->most, "autocomplete",
			field->autocomplete != NULL ? field->autocomplete : "off", "error",
			error != NULL ? error : "", "is_hidden", field->type == FORM_HIDDEN));
	}
	return view;
}

/* The value between its white space. */
static json_t *
trimmed(const char *text, bool is_exact)
{
	size_t len;

	if (is_exact)
		return json_string(text);
	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return json_stringn(text, len);
}

/* NULL when the value is right. */
static json_t *
complaint(const struct form_field *field, const char *value)
{
	size_t chars = bh_utf8_chars(value, strlen(value));

	if (chars == 0 && field->least > 0)
		return json_sprintf("Please fill in: %s.", field->label);
	if (chars < field->least)
		return json_sprintf("%s needs at least %zu characters.", field->label,
		    field->least);
	if (chars > field->most)
		return json_sprintf("%s can have at most %zu characters.", field->label,
		    field->most);
	return NULL;
}

bool
form_is_valid(const struct form_field *fields, size_t n, const struct request *request,
    json_t **values_r, json_t **errors_r)
{
	*values_r = json_object();
	*errors_r = NULL;
	for (size_t i = 0; i < n; i++) {
		const char *text = request_field(request, fields[i].name);
		json_t *value = trimmed(text != NULL ? text : "", fields[i].type == FORM_PASSWORD);
		json_t *error = complaint(&fields[i], json_string_value(value));

		if (fields[i].type == FORM_PASSWORD)
			json_decref(value);
		else
			json_object_set_new(*values_r, fields[i].name, value);
		if (error == NULL)
			continue;
		if (*errors_r == NULL)
			*errors_r = json_object();
		json_object_set_new(*errors_r, fields[i].name, error);
	}
	return *errors_r == NULL;
}
