/* Plan and count: what of a schema is there, and how many records it has.  Nothing is changed. */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_schema.h"

/* --- plan ------------------------------------------------------------------ */

static const char *const states[PART_STATE__MAX] = {
    [PART_MISSING] = "missing",
    [PART_EXISTS] = "exists",
    [PART_DIFFERS] = "differs",
    [PART_HIDDEN] = "hidden",
};

static json_t *
row_json(const struct part *part)
{
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:o, s:o}", "kind", part_kind_name(part->kind),
	    "name", part->name, "label",
	    bh_json_string(dest_text(part->entry, "label", part->name)), "type", part->type,
	    "state", states[part->state], "detail", bh_json_string(part->detail), "why",
	    bh_json_string(dest_text(part->entry, "why", "")));
}

static json_t *
plan_json(const struct schema *schema)
{
	json_int_t counts[PART_STATE__MAX] = {0};
	json_t *rows = json_array(), *plan;

	for (size_t i = 0; i < schema->parts_n; i++) {
		json_array_append_new(rows, row_json(&schema->parts[i]));
		counts[schema->parts[i].state]++;
	}
	plan = json_pack("{s:o}", "rows", rows);
	for (int state = 0; state < PART_STATE__MAX; state++)
		json_object_set_new(plan, states[state], json_integer(counts[state]));
	return plan;
}

int
salesforce_schema_plan(struct dest_config *config, const json_t *catalogue, json_t **plan_r,
    struct bh_err *err)
{
	struct schema schema;
	int rc = schema_open(&schema, config, catalogue, err);

	*plan_r = NULL;
	if (rc == 0)
		rc = schema_inspect(&schema, err);
	if (rc == 0)
		*plan_r = plan_json(&schema);
	schema_close(&schema);
	return rc;
}

/* --- count ----------------------------------------------------------------- */

/* Only whole objects of ours, and our fields on others: what an uninstall would take. */
static bool
is_counted(const struct part *part)
{
	if (part->kind == PART_OBJECT)
		return part->is_custom;
	return part->kind == PART_FIELD && part->is_custom && part_is_on_standard(part);
}

/* Long texts cannot be asked for; a checkbox is never null. */
static bool
has_question(const struct part *part, struct bh_buf *soql)
{
	const char *type, *object = schema_rest_name(bh_json_str(part->object, "name"));

	bh_buf_addf(soql, "SELECT COUNT() FROM %s", object);
	if (part->kind == PART_OBJECT)
		return true;
	type = component_type(part->object, part->entry);
	bh_buf_addf(soql, " WHERE %s %s", bh_json_str(part->entry, "name"),
	    strcmp(type, "Checkbox") == 0 ? "= true" : "!= null");
	return strcmp(type, "LongTextArea") != 0;
}

static void
add_query(struct bh_buf *body, const struct dest_config *config, const struct bh_buf *soql,
    size_t number)
{
	bh_buf_addf(body,
	    "%s{\"method\":\"GET\",\"url\":\"/services/data/v%s/query?q=", number > 0 ? "," : "",
	    salesforce_version(config));
	bh_percent_add(body, bh_buf_str(soql), soql->len);
	bh_buf_addf(body, "\",\"referenceId\":\"q%zu\"}", number);
}

/* The count in the answer to query number; null when it was refused. */
static json_t *
count_of(const json_t *answer, size_t number)
{
	const json_t *parts = json_object_get(answer, "compositeResponse");
	char id[24];

	snprintf(id, sizeof(id), "q%zu", number);
	for (size_t i = 0; i < json_array_size(parts); i++) {
		const json_t *part = json_array_get(parts, i);
		json_t *count = bh_json_at(part, "body.totalSize");

		if (strcmp(dest_text(part, "referenceId", ""), id) == 0)
			return json_is_integer(count) ? json_incref(count) : json_null();
	}
	return json_null();
}

/* Ask for the counts of up to SALESFORCE_COLLECTIONS parts. */
static int
count_parts(struct dest_config *config, struct part *const *parts, size_t n, json_t **counts,
    struct bh_err *err)
{
	struct bh_buf body = BH_BUF_INIT(65536);
	struct salesforce_answer answer;
	char *path = bh_xasprintf("/services/data/v%s/composite", salesforce_version(config));
	int rc;

	bh_buf_adds(&body,
	    "{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":[");
	for (size_t i = 0; i < n; i++) {
		struct bh_buf soql = BH_BUF_INIT(4096);

		has_question(parts[i], &soql);
		add_query(&body, config, &soql, i);
		bh_buf_release(&soql);
	}
	bh_buf_adds(&body, "]}");
	rc = salesforce_call(config, "POST", path, &body, &answer, err);
	if (rc == 0 && answer.response.status != 200)
		rc = salesforce_fail(config, &answer, NULL, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		counts[i] = count_of(answer.json, i);
	salesforce_answer_release(&answer);
	bh_buf_release(&body);
	free(path);
	return rc;
}

static void
add_count(json_t *counts, const struct part *part, json_t *count)
{
	json_t *list = json_object_get(counts, part->kind == PART_OBJECT ? "objects" : "fields");

	json_array_append_new(list,
	    json_pack("{s:s, s:o, s:o}", "name", part->name, "label",
		bh_json_string(dest_text(part->entry, "label", part->name)), "records", count));
}

/* Up to a call's worth of parts from *next_r on. */
static int
count_some(struct schema *schema, size_t *next_r, json_t *counts, struct bh_err *err)
{
	struct part *parts[SALESFORCE_COLLECTIONS];
	json_t *found[SALESFORCE_COLLECTIONS];
	size_t n = 0;

	for (; *next_r < schema->parts_n && n < SALESFORCE_COLLECTIONS; (*next_r)++) {
		struct part *part = &schema->parts[*next_r];
		struct bh_buf soql = BH_BUF_INIT(4096);

		if (!is_counted(part))
			continue;
		if (has_question(part, &soql))
			parts[n++] = part;
		else
			add_count(counts, part, json_null());
		bh_buf_release(&soql);
	}
	if (n > 0 && count_parts(schema->config, parts, n, found, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		add_count(counts, parts[i], found[i]);
	return 0;
}

int
salesforce_schema_count(struct dest_config *config, const json_t *catalogue, json_t **counts_r,
    struct bh_err *err)
{
	json_t *counts = json_pack("{s:[], s:[]}", "objects", "fields");
	struct schema schema;
	size_t next = 0;
	int rc = schema_open(&schema, config, catalogue, err);

	while (rc == 0 && next < schema.parts_n)
		rc = count_some(&schema, &next, counts, err);
	*counts_r = rc == 0 ? json_incref(counts) : NULL;
	json_decref(counts);
	schema_close(&schema);
	return rc;
}
