/*
 * Read: what records hold now.  The fields that readings of one object ask
 * for are asked for together, by up to 2,000 ids a part and five parts a call.  A field
 * that is not there fails its part: then the object's description says which ones the
 * user sees, and the part is asked again with those.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_look.h"

#define IDS_MAX 2000 /* ids of one part (REST guide: sObject Collections, read) */

/* What is asked of one object. */
struct shelf {
	const char *object;
	json_t *fields; /* by name */
	json_t *rows;   /* by the first 15 characters of their ids; null: not found (so far) */
	char (*ids)[24];
	size_t ids_n;
	bool is_narrowed;
};

/* Some ids of a shelf: one part of a call. */
struct slice {
	struct shelf *shelf;
	size_t first, n;
};

struct errand {
	struct dest_config *config;
	struct shelf *shelves;
	size_t shelves_n;
	struct slice *slices;
	size_t slices_n;
};

static int read_slices(struct errand *errand, const struct slice *slices, size_t n,
    struct bh_err *err);

/* --- what is asked ------------------------------------------------------ */

static struct shelf *
find_shelf(struct errand *errand, const char *object)
{
	struct shelf *shelf;

	for (size_t i = 0; i < errand->shelves_n; i++) {
		if (strcmp(errand->shelves[i].object, object) == 0)
			return &errand->shelves[i];
	}
	errand->shelves =
	    bh_xrealloc(errand->shelves, (errand->shelves_n + 1) * sizeof(errand->shelves[0]));
	shelf = &errand->shelves[errand->shelves_n++];
	*shelf = (struct shelf){.object = object, .fields = json_object(), .rows = json_object()};
	json_object_set_new(shelf->fields, "Id", json_true());
	return shelf;
}

/* The part of an id by which records are told apart. */
static void
short_id(char out[16], const char *id)
{
	snprintf(out, 16, "%.15s", id);
}

static void
add_id(struct shelf *shelf, const char *id)
{
	char name[16];

	short_id(name, id);
	if (!salesforce_is_id(id) || json_object_get(shelf->rows, name) != NULL)
		return;
	json_object_set_new(shelf->rows, name, json_null());
	shelf->ids = bh_xrealloc(shelf->ids, (shelf->ids_n + 1) * sizeof(shelf->ids[0]));
	snprintf(shelf->ids[shelf->ids_n++], sizeof(shelf->ids[0]), "%s", id);
}

static int
add_reading(struct errand *errand, struct dest_reading *reading, struct bh_err *err)
{
	struct shelf *shelf;

	if (!salesforce_is_name(reading->object))
		return bh_fail(err, BH_INVALID, "%.100s is no name of an object", reading->object);
	shelf = find_shelf(errand, reading->object);
	add_id(shelf, reading->remote_id);
	for (size_t i = 0; i < reading->fields_n; i++) {
		if (!salesforce_is_name(reading->fields[i]))
			return bh_fail(err, BH_INVALID, "%.100s is no name of a field",
			    reading->fields[i]);
		json_object_set_new(shelf->fields, reading->fields[i], json_true());
	}
	return 0;
}

static void
add_slices(struct errand *errand, struct shelf *shelf)
{
	for (size_t first = 0; first < shelf->ids_n; first += IDS_MAX) {
		size_t left = shelf->ids_n - first;

		errand->slices =
		    bh_xrealloc(errand->slices, (errand->slices_n + 1) * sizeof(errand->slices[0]));
		errand->slices[errand->slices_n++] =
		    (struct slice){shelf, first, left < IDS_MAX ? left : IDS_MAX};
	}
}

static void
errand_release(struct errand *errand)
{
	for (size_t i = 0; i < errand->shelves_n; i++) {
		json_decref(errand->shelves[i].fields);
		json_decref(errand->shelves[i].rows);
		free(errand->shelves[i].ids);
	}
	free(errand->shelves);
	free(errand->slices);
}

/* --- asking ------------------------------------------------------------- */

static void
make_part(const struct errand *errand, const struct slice *slice, struct salesforce_part *part)
{
	const struct shelf *shelf = slice->shelf;
	const char *name, *separator = "";
	json_t *value;

	salesforce_part_init(part, "POST", shelf->object);
	bh_buf_addf(&part->path, "/services/data/v%s/composite/sobjects/%s",
	    salesforce_version(errand->config), shelf->object);
	bh_buf_adds(&part->body, "{\"ids\":[");
	for (size_t i = 0; i < slice->n; i++)
		bh_buf_addf(&part->body, "%s\"%s\"", i > 0 ? "," : "",
		    shelf->ids[slice->first + i]);
	bh_buf_adds(&part->body, "],\"fields\":[");
	json_object_foreach (shelf->fields, name, value) {
		bh_buf_addf(&part->body, "%s\"%s\"", separator, name);
		separator = ",";
	}
	bh_buf_adds(&part->body, "]}");
}

/* Rows come in the order of the ids, null where there is none; each says whose it is all the same. */
static void
take_rows(struct shelf *shelf, const json_t *rows)
{
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const char *id = dest_text(row, "Id", "");
		char name[16];

		short_id(name, id);
		if (json_object_get(shelf->rows, name) != NULL)
			json_object_set(shelf->rows, name, row);
	}
}

/*
 * Take fields that the user does not see out of what is asked.  1 when there
 * were any, 0 when there were none.
 */
static int
narrow(struct errand *errand, struct shelf *shelf, struct bh_err *err)
{
	struct dest_object *object = NULL;
	json_t *seen = json_object(), *value;
	const char *name;
	int rc = -1;

	shelf->is_narrowed = true;
	if (salesforce_describe(errand->config, shelf->object, &object, err) < 0)
		goto out;
	json_object_foreach (shelf->fields, name, value) {
		if (dest_object_field(object, name) != NULL)
			json_object_set(seen, name, value);
	}
	rc = json_object_size(seen) < json_object_size(shelf->fields);
	json_object_set_new(seen, "Id", json_true());
	json_decref(shelf->fields);
	shelf->fields = json_incref(seen);
out:
	dest_object_free(&object);
	json_decref(seen);
	return rc;
}

static bool
is_field_refused(const struct salesforce_part *part)
{
	const char *code = bh_json_str(part->answer.json, "0.errorCode");

	return part->answer.response.status == 400 && code != NULL &&
	       strcmp(code, "INVALID_FIELD") == 0;
}

static int
take_part(struct errand *errand, const struct slice *slice, const struct salesforce_part *part,
    struct bh_err *err)
{
	if (part->answer.response.status == 200 && json_is_array(part->answer.json)) {
		take_rows(slice->shelf, part->answer.json);
		return 0;
	}
	if (part->answer.response.status == 200)
		return bh_fail(err, BH_INVALID, "Salesforce's answer has no records of %s",
		    slice->shelf->object);
	if (is_field_refused(part)) {
		/* Another slice may have narrowed the shelf after this one was asked. */
		int rc = slice->shelf->is_narrowed ? 1 : narrow(errand, slice->shelf, err);

		if (rc != 0)
			return rc < 0 ? -1 : read_slices(errand, slice, 1, err);
	}
	return salesforce_fail(errand->config, &part->answer, part->object, err);
}

/* The answer was larger than is taken: ask for fewer at a time. */
static int
read_in_halves(struct errand *errand, const struct slice *slices, size_t n, struct bh_err *err)
{
	struct slice first = slices[0], second = slices[0];

	if (n > 1)
		return read_slices(errand, slices, n / 2, err) < 0
			   ? -1
			   : read_slices(errand, slices + n / 2, n - n / 2, err);
	first.n /= 2;
	second.first += first.n;
	second.n -= first.n;
	return read_slices(errand, &first, 1, err) < 0 ? -1 : read_slices(errand, &second, 1, err);
}

/* Read 1 to 5 slices in one call. */
static int
read_slices(struct errand *errand, const struct slice *slices, size_t n, struct bh_err *err)
{
	struct salesforce_part parts[SALESFORCE_COLLECTIONS];
	struct bh_err why = BH_ERR_INIT;
	bool is_too_large;
	int rc;

	for (size_t i = 0; i < n; i++)
		make_part(errand, &slices[i], &parts[i]);
	rc = salesforce_call_parts(errand->config, parts, n, true, &why);
	is_too_large = rc < 0 && why.code == BH_INVALID && parts[0].answer.response.status == 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = take_part(errand, &slices[i], &parts[i], &why);
	for (size_t i = 0; i < n; i++)
		salesforce_part_release(&parts[i]);
	if (is_too_large && (n > 1 || slices[0].n > 1))
		return read_in_halves(errand, slices, n, err);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

static int
read_all(struct errand *errand, struct bh_err *err)
{
	for (size_t i = 0; i < errand->shelves_n; i++)
		add_slices(errand, &errand->shelves[i]);
	for (size_t next = 0; next < errand->slices_n;) {
		size_t left = errand->slices_n - next;
		size_t count = left < SALESFORCE_COLLECTIONS ? left : SALESFORCE_COLLECTIONS;

		if (read_slices(errand, &errand->slices[next], count, err) < 0)
			return -1;
		next += count;
	}
	return 0;
}

/* --- what came ---------------------------------------------------------- */

static void
fill_reading(struct errand *errand, struct dest_reading *reading)
{
	struct shelf *shelf = find_shelf(errand, reading->object);
	const json_t *row;
	char name[16];

	short_id(name, reading->remote_id);
	row = salesforce_is_id(reading->remote_id) ? json_object_get(shelf->rows, name) : NULL;
	if (!json_is_object(row))
		return;
	reading->values = json_object();
	for (size_t i = 0; i < reading->fields_n; i++) {
		const json_t *value = json_object_get(row, reading->fields[i]);
		json_t *own = value != NULL ? salesforce_value(value) : NULL;

		if (own != NULL)
			json_object_set_new(reading->values, reading->fields[i], own);
	}
}

int
salesforce_read(struct dest_config *config, struct dest_reading *readings, size_t n,
    struct bh_err *err)
{
	struct errand errand = {.config = config};
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		readings[i].values = NULL;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_reading(&errand, &readings[i], err);
	if (rc == 0)
		rc = read_all(&errand, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		fill_reading(&errand, &readings[i]);
	errand_release(&errand);
	return salesforce_repeatable(rc, err);
}
