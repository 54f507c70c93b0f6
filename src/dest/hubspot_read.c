/*
 * Read: what records hold now.  The properties that readings of one object ask
 * for are asked for together.  Every value comes as a text; which of them are something
 * else is told by the object's description, which is asked only where it matters: "true"
 * may be a text or a truth, and long digits a time.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_look.h"

/* What is asked of one object. */
struct shelf {
	const char *object;
	json_t *rows;  /* by id; null: not found (so far) */
	json_t *names; /* of properties */
	struct dest_object *described;
};

/* --- values ------------------------------------------------------------- */

/* Can it be something else than a text, depending on the property's type? */
static bool
is_doubtful(const char *text)
{
	size_t len = strlen(text);

	return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ||
	       (len >= 12 && len <= 14 && strspn(text, "0123456789") == len);
}

/* Times may come as milliseconds. */
static json_t *
time_value(const char *text, bool is_date)
{
	char out[BH_CLOCK_TEXT];
	uint64_t at_ms;

	if (!bh_is_uint(text, strlen(text), INT64_MAX, &at_ms))
		return json_string(text);
	if (is_date)
		bh_date(out, (int64_t)at_ms);
	else
		bh_rfc3339(out, (int64_t)at_ms);
	return json_string(out);
}

/* In the form of struct record_field.  HubSpot gives "" and null for nothing. */
static json_t *
value_of(const struct shelf *shelf, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	const struct dest_field *field;

	if (text == NULL || *text == '\0')
		return json_is_boolean(value) ? json_deep_copy(value) : json_null();
	if (strcmp(name, "hs_task_body") == 0 && hubspot_is_task(shelf->object))
		return hubspot_body_without_key(text);
	field = shelf->described != NULL && is_doubtful(text)
		    ? dest_object_field(shelf->described, name)
		    : NULL;
	if (field != NULL && field->type == RECORD_BOOL)
		return json_boolean(strcmp(text, "true") == 0);
	if (field != NULL && (field->type == RECORD_DATE || field->type == RECORD_TIME))
		return time_value(text, field->type == RECORD_DATE);
	return json_string(text);
}

static bool
needs_types(const struct shelf *shelf)
{
	const char *id, *name;
	json_t *row, *unused;

	json_object_foreach (shelf->rows, id, row) {
		json_object_foreach (shelf->names, name, unused) {
			const char *text = hubspot_value_of(row, name);

			if (text != NULL && is_doubtful(text))
				return true;
		}
	}
	return false;
}

/* --- one object --------------------------------------------------------- */

static void
keep_row(void *arg, const json_t *row)
{
	struct shelf *shelf = arg;
	const char *id = dest_text(row, "id", "");

	if (json_object_get(shelf->rows, id) != NULL)
		json_object_set(shelf->rows, id, (json_t *)(uintptr_t)row);
}

static json_t *
names_of(const json_t *members)
{
	json_t *names = json_array(), *unused;
	const char *name;

	json_object_foreach ((json_t *)(uintptr_t)members, name, unused)
		json_array_append_new(names, json_string(name));
	return names;
}

static int
read_shelf(struct dest_config *config, struct shelf *shelf, struct bh_err *err)
{
	json_t *names = names_of(shelf->names);
	json_t *ids = json_copy(shelf->rows);
	const struct hubspot_rows rows = {.object = shelf->object, .properties = names, .ids = ids};
	int rc = hubspot_read_rows(config, &rows, keep_row, shelf, NULL, err);

	if (rc == 0 && needs_types(shelf))
		rc = hubspot_describe(config, shelf->object, &shelf->described, err);
	json_decref(ids);
	json_decref(names);
	return rc;
}

static void
fill_reading(const struct shelf *shelf, struct dest_reading *reading)
{
	const json_t *row = json_object_get(shelf->rows, reading->remote_id);
	const json_t *properties = json_object_get(row, "properties");

	if (!json_is_object(row))
		return;
	reading->values = json_object();
	for (size_t i = 0; i < reading->fields_n; i++) {
		const json_t *value = json_object_get(properties, reading->fields[i]);

		if (value != NULL)
			json_object_set_new(reading->values, reading->fields[i],
			    value_of(shelf, reading->fields[i], value));
	}
}

/* Read the readings of the object that the one at first has. */
static int
read_object(struct dest_config *config, struct dest_reading *readings, size_t first, size_t n,
    bool *is_done, struct bh_err *err)
{
	struct shelf shelf = {.object = readings[first].object,
	    .rows = json_object(),
	    .names = json_object()};
	int rc = 0;

	for (size_t i = first; i < n; i++) {
		if (strcmp(readings[i].object, shelf.object) != 0)
			continue;
		is_done[i] = true;
		if (hubspot_is_id(readings[i].remote_id))
			json_object_set_new(shelf.rows, readings[i].remote_id, json_null());
		for (size_t k = 0; k < readings[i].fields_n; k++)
			json_object_set_new(shelf.names, readings[i].fields[k], json_true());
	}
	if (json_object_size(shelf.rows) > 0)
		rc = read_shelf(config, &shelf, err);
	for (size_t i = first; i < n && rc == 0; i++)
		if (strcmp(readings[i].object, shelf.object) == 0)
			fill_reading(&shelf, &readings[i]);
	json_decref(shelf.rows);
	json_decref(shelf.names);
	dest_object_free(&shelf.described);
	return rc;
}

int
hubspot_read(struct dest_config *config, struct dest_reading *readings, size_t n,
    struct bh_err *err)
{
	bool *is_done = bh_xcalloc(n + 1, sizeof(is_done[0]));
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		readings[i].values = NULL;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (!is_done[i])
			rc = read_object(config, readings, i, n, is_done, err);
	free(is_done);
	return hubspot_repeatable(rc, err);
}
