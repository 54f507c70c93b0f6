/*
 * HubSpot: reading rows by batches, and what a row tells.  Records that are
 * not there come as errors of the answer (OBJECT_NOT_FOUND), which is no failure.
 */
#include "base/base.h"

#include "dest/hubspot_look.h"

#include "base/text.h"
#include "dest/driver.h"

struct reader {
	struct hubspot_work work; /* first: the engine's callbacks get this */
	const char **ids;
	hubspot_each *each;
	void *arg;
	char *code;
	struct bh_err err; /* the first failure */
};

static json_t *
read_input(struct hubspot_work *work, size_t at)
{
	const struct reader *reader = (const struct reader *)work;

	return json_pack("{s:s}", "id", reader->ids[at]);
}

/* An error beside the rows that is not about a missing record. */
static void
note_errors(struct reader *reader, const json_t *errors)
{
	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);
		struct hubspot_fault fault;

		if (strcmp(dest_text(error, "category", ""), "OBJECT_NOT_FOUND") == 0 ||
		    reader->err.code != BH_OK)
			continue;
		hubspot_fault_item(&fault, error);
		dest_result_fail(&fault.result,
		    fault.result.outcome == DEST_LATER ? BH_UNAVAILABLE : BH_INVALID, &reader->err);
		hubspot_fault_release(&fault);
	}
}

static void
note_refusal(struct reader *reader, const struct hubspot_answer *answer)
{
	struct hubspot_fault fault;

	if (reader->err.code != BH_OK)
		return;
	hubspot_fail(answer, &reader->err);
	hubspot_fault_answer(&fault, answer);
	if (reader->code != NULL)
		snprintf(reader->code, sizeof(fault.result.code), "%s", fault.result.code);
	hubspot_fault_release(&fault);
}

static void
read_settle(struct hubspot_work *work, const struct hubspot_batch *batch BH_UNUSED,
    const struct hubspot_answer *answer)
{
	struct reader *reader = (struct reader *)work;
	const json_t *results = json_object_get(answer->body, "results");

	if (!hubspot_is_good(answer)) {
		note_refusal(reader, answer);
		return;
	}
	if (!json_is_array(results) && reader->err.code == BH_OK)
		bh_fail(&reader->err, BH_UNAVAILABLE, "HubSpot's answer has no records");
	for (size_t i = 0; i < json_array_size(results); i++)
		reader->each(reader->arg, json_array_get(results, i));
	note_errors(reader, json_object_get(answer->body, "errors"));
}

/* {"properties":[...],"idProperty":"...", as the engine wants it. */
static char *
head_of(const struct hubspot_rows *rows)
{
	struct bh_buf head = BH_BUF_INIT((size_t)4 << 20);

	bh_buf_adds(&head, "\"properties\":");
	bh_json_add(&head, rows->properties);
	bh_buf_addc(&head, ',');
	if (rows->id_property != NULL) {
		json_t *name = json_string(rows->id_property);

		bh_buf_adds(&head, "\"idProperty\":");
		bh_json_add(&head, name);
		bh_buf_addc(&head, ',');
		json_decref(name);
	}
	return bh_buf_steal(&head);
}

int
hubspot_read_rows(struct dest_config *config, const struct hubspot_rows *rows, hubspot_each *each,
    void *arg, char *code, struct bh_err *err)
{
	struct hubspot_talk talk = {.config = config};
	char *head = head_of(rows);
	char *path = hubspot_path(config,
	    rows->is_archived ? "/crm/objects/{v}/{a}/batch/read?archived=true"
			      : "/crm/objects/{v}/{a}/batch/read",
	    rows->object, NULL);
	struct reader reader = {
	    .work = {.talk = &talk,
		.head = head,
		.limit = HUBSPOT_INPUTS,
		.input = read_input,
		.settle = read_settle},
	    .ids = bh_xcalloc(json_object_size(rows->ids) + 1, sizeof(reader.ids[0])),
	    .each = each,
	    .arg = arg,
	    .code = code,
	};
	const char *id;
	json_t *unused;
	size_t n = 0;

	config->usage.pause_s = 0;
	if (config->auth->access_token.len == 0)
		bh_fail(&reader.err, BH_DENIED, "there is no access token yet");
	json_object_foreach (rows->ids, id, unused) {
		reader.ids[n] = id;
		if (reader.err.code == BH_OK)
			hubspot_work_add(&reader.work, path, "", n++);
	}
	hubspot_work_run(&reader.work);
	free(reader.ids);
	free(path);
	free(head);
	if (reader.err.code != BH_OK && err != NULL)
		*err = reader.err;
	return reader.err.code != BH_OK ? -1 : 0;
}

/* The address of a page of all rows; after: "" the first. */
static char *
list_path(const struct dest_config *config, const char *object, const json_t *properties,
    const char *after)
{
	char *base = hubspot_path(config, "/crm/objects/{v}/{a}", object, NULL);
	struct bh_buf path = BH_BUF_INIT((size_t)1 << 20);

	bh_buf_addf(&path, "%s?limit=%d&properties=", base, HUBSPOT_INPUTS);
	for (size_t i = 0; i < json_array_size(properties); i++) {
		const char *name = json_string_value(json_array_get(properties, i));

		bh_buf_adds(&path, i > 0 ? "," : "");
		bh_percent_add(&path, name, strlen(name));
	}
	if (after[0] != '\0')
		bh_buf_adds(&path, "&after=");
	bh_percent_add(&path, after, strlen(after));
	free(base);
	return bh_buf_steal(&path);
}

/* One page; after becomes where the next one begins, "" behind the last. */
static int
list_page(struct dest_config *config, const char *path, hubspot_each *each, void *arg,
    char after[64], struct bh_err *err)
{
	const json_t *results;
	const char *next;
	json_t *body;
	int rc = hubspot_get(config, path, &body, err);

	if (rc < 0)
		return rc;
	results = json_object_get(body, "results");
	next = bh_json_str(body, "paging.next.after");
	if (!json_is_array(results) || (next != NULL && strlen(next) >= 64))
		rc = bh_fail(err, BH_UNAVAILABLE, "HubSpot's answer has no records");
	for (size_t i = 0; i < json_array_size(results) && rc == 0; i++)
		each(arg, json_array_get(results, i));
	if (rc == 0)
		snprintf(after, 64, "%s", next != NULL ? next : "");
	json_decref(body);
	return rc;
}

int
hubspot_list_rows(struct dest_config *config, const char *object, const json_t *properties,
    size_t pages, hubspot_each *each, void *arg, struct bh_err *err)
{
	char after[64] = "";
	int rc = 0;

	for (size_t page = 0; page < pages && rc == 0; page++) {
		char *path = list_path(config, object, properties, after);

		rc = list_page(config, path, each, arg, after, err);
		free(path);
		if (rc == 0 && after[0] == '\0')
			return 1;
	}
	return rc;
}

int
hubspot_repeatable(int rc, struct bh_err *err)
{
	if (rc < 0 && err != NULL && err->code == BH_UNCERTAIN)
		err->code = BH_UNAVAILABLE;
	return rc;
}

bool
hubspot_is_id(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 20 && strspn(text, "0123456789") == len;
}

/* Standard types by their names in paths, and the properties by which people know their records. */
static const struct {
	const char *names[3];
	const char *properties[3];
} types[] = {
    {{"contact", "contacts", "0-1"}, {"firstname", "lastname", "email"}},
    {{"company", "companies", "0-2"}, {"name", NULL, NULL}},
    {{"deal", "deals", "0-3"}, {"dealname", NULL, NULL}},
    {{"task", "tasks", "0-27"}, {"hs_task_subject", NULL, NULL}},
};

static size_t
type_of(const char *object)
{
	for (size_t i = 0; i < BH_LEN(types); i++)
		for (size_t k = 0; k < BH_LEN(types[i].names); k++)
			if (strcmp(types[i].names[k], object) == 0)
				return i;
	return BH_LEN(types);
}

bool
hubspot_is_type(const char *object, const char *type)
{
	size_t at = type_of(object);

	return at < BH_LEN(types) && strcmp(types[at].names[0], type) == 0;
}

void
hubspot_add_name_properties(json_t *properties, const char *object)
{
	size_t at = type_of(object);

	for (size_t i = 0; at < BH_LEN(types) && i < BH_LEN(types[at].properties); i++)
		if (types[at].properties[i] != NULL)
			json_array_append_new(properties, json_string(types[at].properties[i]));
}

const char *
hubspot_value_of(const json_t *row, const char *name)
{
	const char *text =
	    json_string_value(json_object_get(json_object_get(row, "properties"), name));

	return text != NULL && *text != '\0' ? text : NULL;
}

/* A person's e-mail address only where there is no name. */
void
hubspot_name_of(const char *object, const json_t *row, char *out, size_t size)
{
	struct bh_buf name = BH_BUF_INIT((size_t)1 << 20);
	size_t at = type_of(object);

	for (size_t i = 0; at < BH_LEN(types) && i < BH_LEN(types[at].properties); i++) {
		const char *property = types[at].properties[i], *part = NULL;

		if (property != NULL && (i < 2 || name.len == 0))
			part = hubspot_value_of(row, property);
		if (part != NULL)
			bh_buf_addf(&name, "%s%s", name.len > 0 ? " " : "", part);
	}
	dest_copy(out, size, bh_buf_str(&name));
	bh_buf_release(&name);
}
