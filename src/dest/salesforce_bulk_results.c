/*
 * Results of a bulk job: three lists in CSV, of rows that were written, that
 * were refused, and that were not come to.  They hold all columns of the
 * upload and stand in no order: rows are told apart by the key column.
 */
#include "base/base.h"

#include <ctype.h>

#include "base/text.h"
#include "dest/csv.h"
#include "dest/salesforce_bulk.h"

/* The upload again, with quotes and ids. */
#define ANSWER_MAX (2 * (SALESFORCE_BULK_BYTES + (size_t)8 * 1024 * 1024))
#define R_WAIT "Nothing is to be done: Billhook sends it again."

struct list;

struct results {
	struct dest_config *config;
	const struct dest_bulk *bulk;
	dest_bulk_each *each;
	void *arg;
	/* Of the list being read: places of columns, -1 where there is none. */
	int key_at, id_at, detail_at;
};

struct list {
	const char *part;   /* of the address */
	const char *detail; /* the column that tells more */
	void (*settle)(const struct results *results, const struct csv_reader *row,
	    struct dest_result *result);
};

/* A value of the row, "" where the column is missing. */
static const char *
value_at(const struct csv_reader *row, int column)
{
	return column >= 0 ? csv_value(row, (size_t)column) : "";
}

/* --- the three kinds of rows -------------------------------------------- */

static void
settle_written(const struct results *results, const struct csv_reader *row,
    struct dest_result *result)
{
	const char *id = value_at(row, results->id_at);

	if (id[0] == '\0' || strlen(id) >= sizeof(result->remote_id)) {
		dest_result_set(result, DEST_UNCERTAIN, "NO_RESULT",
		    "Salesforce's answer holds no id for this record", R_WAIT);
		return;
	}
	dest_result_set(result, DEST_APPLIED, "", "", "");
	dest_copy(result->remote_id, sizeof(result->remote_id), id);
	result->created = strcasecmp(value_at(row, results->detail_at), "true") == 0;
}

/* "Name Due__c": every word could be a field's name. */
static bool
is_names(const char *text)
{
	for (; *text != '\0'; text++) {
		if (!isalnum((unsigned char)*text) && strchr("_., ", *text) == NULL)
			return false;
	}
	return true;
}

static json_t *
split_names(const char *text)
{
	json_t *names = json_array();

	while (*text != '\0') {
		size_t len = strcspn(text, ", ");

		if (len > 0)
			json_array_append_new(names, json_stringn(text, len));
		text += len;
		text += strspn(text, ", ");
	}
	return names;
}

/* Cut " --" and blanks off the end; true when it stood there. */
static bool
has_cut_mark(char *text)
{
	size_t len = strlen(text);
	bool had = bh_has_suffix(text, "--");

	if (had)
		len -= 2;
	while (len > 0 && text[len - 1] == ' ')
		len--;
	text[len] = '\0';
	return had;
}

/*
 * "CODE:message:Field1 Field2 --", or only "CODE", as the error object that
 * REST would give.  The message may hold colons itself.
 */
static json_t *
error_of(const char *text)
{
	json_t *error = json_object();
	char *rest = bh_xstrdup(text), *fields;
	size_t code_len =
	    strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	char *message = rest;

	if (rest[code_len] == ':' || rest[code_len] == '\0') {
		json_object_set_new(error, "statusCode", json_stringn(rest, code_len));
		message += code_len + (rest[code_len] == ':');
	}
	if (has_cut_mark(message) && (fields = strrchr(message, ':')) != NULL &&
	    is_names(fields + 1)) {
		*fields = '\0';
		json_object_set_new(error, "fields", split_names(fields + 1));
	}
	json_object_set_new(error, "message", bh_json_string(message));
	free(rest);
	return error;
}

static void
settle_refused(const struct results *results, const struct csv_reader *row,
    struct dest_result *result)
{
	json_t *error = error_of(value_at(row, results->detail_at));

	salesforce_explain(result, 200, error, results->bulk->object);
	if (results->bulk->by_id && result->outcome == DEST_REJECTED &&
	    (salesforce_hints(200, error) & SALESFORCE_GONE) != 0)
		dest_copy(result->code, sizeof(result->code), "GONE");
	json_decref(error);
}

/* A job that failed may fail for the same reason again: not for ever. */
static void
settle_unprocessed(const struct results *results, const struct csv_reader *row BH_UNUSED,
    struct dest_result *result)
{
	struct bh_buf cause = BH_BUF_INIT(1024);

	bh_buf_adds(&cause, "The bulk job ended before it came to this record");
	if (results->bulk->error[0] != '\0')
		bh_buf_addf(&cause, ": %s", results->bulk->error);
	dest_result_set(result, DEST_LATER, "UNPROCESSED", bh_buf_str(&cause), R_WAIT);
	result->doubtful = results->bulk->phase == DEST_BULK_FAILED;
	bh_buf_release(&cause);
}

/* --- lists -------------------------------------------------------------- */

static void
find_columns(struct results *results, const struct list *list, const struct csv_reader *heads)
{
	const struct dest_bulk *bulk = results->bulk;

	results->key_at = csv_column(heads, bulk->by_id ? SALESFORCE_BULK_ID : bulk->key_field);
	results->id_at = csv_column(heads, "sf__Id");
	results->detail_at = list->detail != NULL ? csv_column(heads, list->detail) : -1;
}

static int
hand_over(const struct results *results, const struct list *list, const struct csv_reader *row,
    struct bh_err *err)
{
	struct dest_result result;

	if (results->key_at < 0)
		return bh_fail(err, BH_INVALID,
		    "Salesforce's %s of the bulk job lack the key column", list->part);
	list->settle(results, row, &result);
	return results->each(results->arg, value_at(row, results->key_at), &result, err);
}

static int
read_list(struct results *results, const struct list *list, const struct bh_buf *body,
    struct bh_err *err)
{
	struct csv_reader reader;
	int rc;

	csv_open(&reader, bh_buf_str(body), body->len);
	rc = csv_next(&reader, err);
	if (rc == 1)
		find_columns(results, list, &reader);
	while (rc == 1) {
		rc = csv_next(&reader, err);
		if (rc == 1 && hand_over(results, list, &reader, err) < 0)
			rc = -1;
	}
	csv_release(&reader);
	return rc;
}

/* A job that failed before it began has no lists. */
static int
refuse(const struct results *results, const struct salesforce_answer *answer, struct bh_err *err)
{
	struct dest_result result;

	salesforce_explain_call(results->config, answer, results->bulk->object, &result);
	if (results->bulk->phase == DEST_BULK_FAILED && salesforce_bulk_is_refused(answer, &result))
		return 0;
	return salesforce_fail(results->config, answer, results->bulk->object, err);
}

static int
fetch_list(struct results *results, const struct list *list, struct bh_err *err)
{
	char *path = salesforce_bulk_path(results->config, results->bulk, list->part);
	const struct salesforce_ask ask = {.method = "GET",
	    .path = path,
	    .accept = "text/csv",
	    .timeout_ms = SALESFORCE_BULK_TIMEOUT_MS,
	    .answer_max = ANSWER_MAX};
	struct salesforce_answer answer;
	int rc = salesforce_ask(results->config, &ask, &answer, err);

	if (rc == 0 && answer.response.status != 200)
		rc = refuse(results, &answer, err);
	else if (rc == 0)
		rc = read_list(results, list, &answer.response.body, err);
	salesforce_answer_release(&answer);
	free(path);
	return rc;
}

int
salesforce_bulk_results(struct dest_config *config, const struct dest_bulk *bulk,
    dest_bulk_each *each, void *arg, struct bh_err *err)
{
	static const struct list lists[] = {
	    {"successfulResults", "sf__Created", settle_written},
	    {"failedResults", "sf__Error", settle_refused},
	    {"unprocessedrecords", NULL, settle_unprocessed}, /* the vendor's spelling */
	};
	struct results results = {.config = config, .bulk = bulk, .each = each, .arg = arg};

	for (size_t i = 0; i < BH_LEN(lists); i++) {
		if (fetch_list(&results, &lists[i], err) < 0)
			return -1;
	}
	return 0;
}
