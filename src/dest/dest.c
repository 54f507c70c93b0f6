/*
 * The table of destinations, and what all of them share: results, tokens and
 * descriptions of CRM objects.  A new CRM is one line in the table.
 */
#include "base/base.h"

#include "dest/dest.h"

#include "base/text.h"
#include "dest/driver.h"

static const struct dest_driver *const drivers[] = {
    &dest_salesforce,
    &dest_hubspot,
    &dest_sandbox,
    NULL,
};

static const char *const outcome_names[DEST__MAX] = {
    [DEST_UNKNOWN] = "unknown",
    [DEST_APPLIED] = "applied",
    [DEST_UNCHANGED] = "unchanged",
    [DEST_LATER] = "later",
    [DEST_UNCERTAIN] = "uncertain",
    [DEST_WAITING] = "waiting",
    [DEST_REJECTED] = "rejected",
    [DEST_AUTH] = "auth",
};

int
dest_check(const struct dest_driver *driver, const struct dest_config *config, struct bh_err *err)
{
	if (setting_check(driver->settings, config->settings, config->secrets, err) < 0)
		return -1;
	return driver->check != NULL ? driver->check(config, err) : 0;
}

int
dest_check_can(const struct dest_driver *driver, const char *what, struct bh_err *err)
{
	const struct {
		const char *what;
		bool can;
	} abilities[] = {
	    {"probe", driver->identify != NULL},
	    {"login", driver->login != NULL && driver->exchange != NULL},
	    {"plan", driver->plan != NULL},
	    {"install", driver->install != NULL},
	    {"count", driver->count != NULL},
	    {"describe", (driver->caps & DEST_CAP_DESCRIBE) != 0},
	    {"import", driver->unlinked != NULL},
	    {"create", driver->unlinked != NULL},
	    {"disconnect", true},
	};

	for (size_t i = 0; i < BH_LEN(abilities); i++)
		if (strcmp(abilities[i].what, what) == 0 && abilities[i].can)
			return 0;
	return bh_fail(err, BH_INVALID, "%s cannot be asked for that", driver->title);
}

bool
dest_goes_on(struct dest_progress *progress, const char *at)
{
	json_t *told;

	if (progress->say == NULL || progress->is_stopped)
		return !progress->is_stopped;
	told = json_pack("{s:I, s:I, s:s}", "done", (json_int_t)progress->done, "of",
	    (json_int_t)progress->of, "at", at);
	progress->is_stopped = !progress->say(progress->arg, told);
	json_decref(told);
	return !progress->is_stopped;
}

const struct dest_driver *const *
dest_drivers(void)
{
	return drivers;
}

const struct dest_driver *
dest_driver(const char *name)
{
	for (size_t i = 0; drivers[i] != NULL; i++) {
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	}
	return NULL;
}

const char *
dest_outcome_name(enum dest_outcome outcome)
{
	return (unsigned)outcome < DEST__MAX ? outcome_names[outcome] : "unknown";
}

void
dest_copy(char *out, size_t size, const char *text)
{
	struct bh_buf clean = BH_BUF_INIT(SIZE_MAX / 2);
	size_t len;

	out[0] = '\0';
	if (text == NULL)
		return;
	/* Never clean more than could fit: a cut character in front of the end is mended, then dropped. */
	bh_utf8_clean_add(&clean, text, strnlen(text, size * 4));
	len = clean.len < size ? clean.len : size - 1;
	while (len > 0 && len < clean.len && ((unsigned char)clean.data[len] & 0xC0) == 0x80)
		len--;
	if (len > 0)
		memcpy(out, clean.data, len);
	for (size_t i = 0; i < len; i++) {
		if (out[i] == '\n' || out[i] == '\t')
			out[i] = ' ';
	}
	out[len] = '\0';
	bh_buf_release(&clean);
}

void
dest_result_set(struct dest_result *result, enum dest_outcome outcome, const char *code,
    const char *cause, const char *remedy)
{
	memset(result, 0, sizeof(*result));
	result->outcome = outcome;
	dest_copy(result->code, sizeof(result->code), code);
	dest_copy(result->cause, sizeof(result->cause), cause);
	dest_copy(result->remedy, sizeof(result->remedy), remedy);
}

int
dest_result_fail(const struct dest_result *result, enum bh_code code, struct bh_err *err)
{
	bh_fail(err, code, "%s", result->cause);
	return bh_quotes(err, result->own_len, result->code);
}

void
dest_result_say(struct dest_result *result, const json_t *error)
{
	char *text = error != NULL ? bh_json_text(error) : NULL;

	if (text != NULL)
		dest_copy(result->said, sizeof(result->said), text);
	free(text);
}

void
dest_results_set(struct dest_result *results, size_t n, enum dest_outcome outcome, const char *code,
    const char *cause, const char *remedy)
{
	for (size_t i = 0; i < n; i++)
		dest_result_set(&results[i], outcome, code, cause, remedy);
}

const char *
dest_text(const json_t *object, const char *name, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && text[0] != '\0' ? text : fallback;
}

void
dest_auth_release(struct dest_auth *auth)
{
	bh_secret_release(&auth->access_token);
	bh_secret_release(&auth->refresh_token);
	memset(auth, 0, sizeof(*auth));
}

void
dest_object_free(struct dest_object **object)
{
	struct dest_object *o = *object;

	if (o == NULL)
		return;
	for (size_t i = 0; i < o->fields_n; i++) {
		free(o->fields[i].name);
		free(o->fields[i].label);
		json_decref(o->fields[i].options);
		json_decref(o->fields[i].aliases);
	}
	free(o->fields);
	free(o->name);
	free(o);
	*object = NULL;
}

const struct dest_field *
dest_object_field(const struct dest_object *object, const char *name)
{
	for (size_t i = 0; i < object->fields_n; i++) {
		if (strcmp(object->fields[i].name, name) == 0)
			return &object->fields[i];
	}
	return NULL;
}

/*
 * Kept in the store: {"name", "fields": [{"name", "label", "type", ...}]}.
 * Members that hold their zero value are left out, unknown ones are ignored,
 * so that both older and newer descriptions can be read.
 */
static const char *const type_names[] = {
    [RECORD_TEXT] = "text",
    [RECORD_NUMBER] = "number",
    [RECORD_BOOL] = "bool",
    [RECORD_DATE] = "date",
    [RECORD_TIME] = "time",
    [RECORD_ENUM] = "enum",
};

static void
put_int(json_t *json, const char *name, int64_t value)
{
	if (value != 0)
		json_object_set_new(json, name, json_integer(value));
}

static void
put_flag(json_t *json, const char *name, bool value)
{
	if (value)
		json_object_set_new(json, name, json_true());
}

static json_t *
field_json(const struct dest_field *field)
{
	json_t *json = json_object();

	json_object_set_new(json, "name", json_string(field->name));
	json_object_set_new(json, "label", json_string(field->label));
	json_object_set_new(json, "type", json_string(type_names[field->type]));
	put_int(json, "length", (int64_t)field->length);
	put_int(json, "digits", field->digits);
	put_int(json, "scale", field->scale);
	put_flag(json, "writable", field->writable);
	put_flag(json, "required", field->required);
	put_flag(json, "unique", field->unique);
	if (field->options != NULL)
		json_object_set(json, "options", field->options);
	if (field->aliases != NULL)
		json_object_set(json, "aliases", field->aliases);
	return json;
}

json_t *
dest_object_json(const struct dest_object *object)
{
	json_t *json = json_object(), *fields = json_array();

	for (size_t i = 0; i < object->fields_n; i++)
		json_array_append_new(fields, field_json(&object->fields[i]));
	json_object_set_new(json, "name", json_string(object->name));
	json_object_set_new(json, "fields", fields);
	return json;
}

static enum record_type
type_of(const char *name)
{
	for (size_t i = 0; name != NULL && i < BH_LEN(type_names); i++) {
		if (strcmp(type_names[i], name) == 0)
			return (enum record_type)i;
	}
	return RECORD_TEXT;
}

static int
small_int(const json_t *json, const char *name)
{
	int64_t value = bh_json_int(json, name, 0);

	return value > 0 && value < 1000 ? (int)value : 0;
}

static void
field_read(struct dest_field *field, const json_t *json)
{
	int64_t length = bh_json_int(json, "length", 0);
	json_t *options = json_object_get(json, "options"),
	       *aliases = json_object_get(json, "aliases");

	field->name = bh_xstrdup(bh_json_str(json, "name"));
	field->label = bh_xstrdup(dest_text(json, "label", field->name));
	field->type = type_of(bh_json_str(json, "type"));
	field->length = length > 0 ? (size_t)length : 0;
	field->digits = small_int(json, "digits");
	field->scale = small_int(json, "scale");
	field->writable = bh_is_json_true(json, "writable");
	field->required = bh_is_json_true(json, "required");
	field->unique = bh_is_json_true(json, "unique");
	field->options = json_is_array(options) ? json_incref(options) : NULL;
	field->aliases = json_is_object(aliases) ? json_incref(aliases) : NULL;
}

struct dest_object *
dest_object_from_json(const json_t *json)
{
	const char *name = bh_json_str(json, "name");
	const json_t *fields = json_object_get(json, "fields");
	struct dest_object *object;

	if (name == NULL || !json_is_array(fields))
		return NULL;
	object = bh_xcalloc(1, sizeof(*object));
	object->name = bh_xstrdup(name);
	object->fields = bh_xcalloc(json_array_size(fields) + 1, sizeof(object->fields[0]));
	for (size_t i = 0; i < json_array_size(fields); i++) {
		const json_t *field = json_array_get(fields, i);

		if (bh_json_str(field, "name") != NULL)
			field_read(&object->fields[object->fields_n++], field);
	}
	return object;
}
