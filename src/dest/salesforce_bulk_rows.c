/*
 * Rows of a bulk upload: CSV with LF.  An empty value leaves the field alone,
 * "#N/A" clears it (bulk guide), so that a text "#N/A" cannot be sent.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/csv.h"
#include "dest/salesforce_bulk.h"

#define CLEARED "#N/A"
/* Characters of a value and of a row (bulk guide, limits). */
#define VALUE_CHARS_MAX 131072
#define ROW_CHARS_MAX 400000
#define ROW_BYTES_MAX ((size_t)2 * 1000 * 1000)

/* Written by the driver itself, in front of all: a mapping must not give it a second time. */
static bool
is_key_column(const struct dest_bulk *bulk, const char *name)
{
	return strcasecmp(name, SALESFORCE_BULK_ID) == 0 || strcmp(name, "attributes") == 0 ||
	       strcmp(name, bulk->key_field) == 0;
}

/* Account__r.Billhook_Id__c; Account:What.Billhook_Id__c where the lookup takes several kinds. */
static void
add_lookup_name(struct bh_buf *out, const struct dest_column *column)
{
	char *name = salesforce_relationship(column->name);

	if (salesforce_is_polymorphic(column->name))
		bh_buf_addf(out, "%s:", column->parent_object);
	bh_buf_addf(out, "%s.%s", name, column->parent_key);
	free(name);
}

void
salesforce_bulk_head(const struct dest_bulk *bulk, const struct dest_column *columns, size_t n,
    struct bh_buf *rows)
{
	if (bulk->by_id)
		bh_buf_adds(rows, SALESFORCE_BULK_ID);
	if (bulk->by_id && bulk->key_field[0] != '\0')
		bh_buf_addc(rows, ',');
	csv_add(rows, bulk->key_field);
	for (size_t i = 0; i < n; i++) {
		struct bh_buf name = BH_BUF_INIT(1024);

		if (is_key_column(bulk, columns[i].name))
			continue;
		if (columns[i].parent_object != NULL)
			add_lookup_name(&name, &columns[i]);
		else
			bh_buf_adds(&name, columns[i].name);
		bh_buf_addc(rows, ',');
		csv_add(rows, bh_buf_str(&name));
		bh_buf_release(&name);
	}
	bh_buf_addc(rows, '\n');
}

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

/* Blanks around it may be trimmed before it is looked at. */
static bool
is_clearing(const char *text)
{
	size_t front = strspn(text, " \t\r\n");

	return bh_has_prefix(text + front, CLEARED) && is_blank(text + front + strlen(CLEARED));
}

/* A value that is not null. */
static int
add_text(struct bh_buf *out, const char *name, const char *text, struct bh_err *err)
{
	if (is_clearing(text))
		return bh_fail(err, BH_INVALID, "the value of %s would clear it in a bulk job: %s",
		    name, CLEARED);
	if (bh_utf8_units(text, strlen(text)) > VALUE_CHARS_MAX)
		return bh_fail(err, BH_INVALID, "the value of %s is too long for a bulk job", name);
	/* As JSON does: an empty text is none, where an empty value would change nothing. */
	csv_add(out, is_blank(text) ? CLEARED : text);
	return 0;
}

static int
add_field(struct bh_buf *out, const struct record_field *field, struct bh_err *err)
{
	struct bh_buf plain = BH_BUF_INIT(ROW_BYTES_MAX);
	int rc;

	if (json_is_null(field->value) && field->type != RECORD_BOOL) {
		bh_buf_adds(out, CLEARED);
		return 0;
	}
	if (!salesforce_has_value(&plain, field->type, field->value))
		rc = bh_fail(err, BH_INVALID, "the value of %s has not the form of its type",
		    field->name);
	else if (plain.full)
		rc = bh_fail(err, BH_INVALID, "the value of %s is too long for a bulk job",
		    field->name);
	else
		rc = add_text(out, field->name, bh_buf_str(&plain), err);
	bh_buf_release(&plain);
	return rc;
}

static int
add_parent(struct bh_buf *out, const struct record_parent *parent, const struct dest_column *column,
    struct bh_err *err)
{
	if (strcmp(parent->object, column->parent_object) != 0 ||
	    strcmp(parent->key_field, column->parent_key) != 0)
		return bh_fail(err, BH_INVALID,
		    "%s links to another kind of record than its column", parent->field);
	if (is_blank(parent->key))
		return bh_fail(err, BH_INVALID,
		    "a bulk job cannot write %s without the parent's key", parent->field);
	return add_text(out, parent->field, parent->key, err);
}

/* The record's value for a column, if it has one.  Counts in *used_r what was found. */
static int
add_column(struct bh_buf *out, const struct record *record, const struct dest_column *column,
    size_t *used, struct bh_err *err)
{
	for (size_t i = 0; column->parent_object != NULL && i < record->parents_n; i++) {
		if (strcmp(record->parents[i].field, column->name) != 0)
			continue;
		++*used;
		return add_parent(out, &record->parents[i], column, err);
	}
	for (size_t i = 0; column->parent_object == NULL && i < record->fields_n; i++) {
		if (strcmp(record->fields[i].name, column->name) != 0)
			continue;
		++*used;
		return add_field(out, &record->fields[i], err);
	}
	return 0;
}

/* Fields and links that must find a column, or something would be lost. */
static size_t
count_values(const struct dest_bulk *bulk, const struct record *record)
{
	size_t n = 0;

	for (size_t i = 0; i < record->fields_n; i++)
		n += !is_key_column(bulk, record->fields[i].name);
	for (size_t i = 0; i < record->parents_n; i++)
		n += record->parents[i].field[0] != '\0';
	return n;
}

/* The value of the key column; NULL when the record does not belong into such a job. */
static const char *
key_of(const struct dest_bulk *bulk, const struct record *record)
{
	if (strcmp(record->object, bulk->object) != 0)
		return NULL;
	if (bulk->by_id && bulk->key_field[0] == '\0')
		return record->remote_id;
	if (strcmp(record->key_field, bulk->key_field) != 0)
		return NULL;
	if (bulk->by_id)
		return record->remote_id;
	/* One that was matched has no key in Salesforce yet: an upsert would make a second. */
	return salesforce_way(record) == SALESFORCE_UPSERT ? record->key : NULL;
}

static int
make_row(struct bh_buf *row, const struct dest_bulk *bulk, const struct record *record,
    const struct dest_column *columns, size_t n, struct bh_err *err)
{
	const char *key = key_of(bulk, record);
	size_t used = 0;

	if (key == NULL || is_blank(key))
		return bh_fail(err, BH_INVALID, "the record does not fit the bulk job of %s",
		    bulk->object);
	if (add_text(row, "the key", key, err) < 0)
		return -1;
	/* Records that were matched get their key so. */
	if (bulk->by_id && bulk->key_field[0] != '\0') {
		bh_buf_addc(row, ',');
		if (record->key[0] != '\0' && add_text(row, "the key", record->key, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (is_key_column(bulk, columns[i].name))
			continue;
		bh_buf_addc(row, ',');
		if (add_column(row, record, &columns[i], &used, err) < 0)
			return -1;
	}
	bh_buf_addc(row, '\n');
	if (used != count_values(bulk, record))
		return bh_fail(err, BH_INVALID, "the record has fields without a column");
	if (row->full || bh_utf8_units(row->data, row->len) > ROW_CHARS_MAX)
		return bh_fail(err, BH_INVALID, "the record is too long for a bulk job");
	return 0;
}

int
salesforce_bulk_row(const struct dest_bulk *bulk, const struct record *record,
    const struct dest_column *columns, size_t n, struct bh_buf *rows, struct bh_err *err)
{
	struct bh_buf row = BH_BUF_INIT(ROW_BYTES_MAX);
	int rc = make_row(&row, bulk, record, columns, n, err);

	if (rc == 0 && rows->len + row.len > rows->max)
		rc = bh_fail(err, BH_LIMITED, "the upload is full");
	if (rc == 0)
		bh_buf_add(rows, row.data, row.len);
	bh_buf_release(&row);
	return rc;
}
