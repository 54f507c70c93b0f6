/* Plan and count: what of a schema is there, and how many records it has.  Nothing is changed. */
#include "base/base.h"

#include "dest/salesforce_look.h"
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

/* Long texts cannot be asked for. */
static bool
can_be_asked(const struct part *part)
{
	return part->kind == PART_OBJECT ||
	       strcmp(component_type(part->object, part->entry), "LongTextArea") != 0;
}

/* A checkbox is never null. */
static void
add_question(struct bh_buf *path, const struct dest_config *config, const struct part *part)
{
	const char *object = schema_rest_name(bh_json_str(part->object, "name"));
	bool is_checkbox = part->kind == PART_FIELD &&
			   strcmp(component_type(part->object, part->entry), "Checkbox") == 0;

	salesforce_soql_begin(config, path, "query");
	salesforce_soql_add(path, "SELECT COUNT() FROM ");
	salesforce_soql_add(path, object);
	if (part->kind != PART_FIELD)
		return;
	salesforce_soql_add(path, " WHERE ");
	salesforce_soql_add(path, bh_json_str(part->entry, "name"));
	salesforce_soql_add(path, is_checkbox ? " = true" : " != null");
}

/* Would every other question be refused as well?  A lone question is a call of its own. */
static bool
is_end(const struct salesforce_answer *answer)
{
	struct dest_result meaning;

	return answer->response.status != 200 &&
	       (salesforce_explain(&meaning, answer->response.status, answer->json, NULL) > 0 ||
		   meaning.outcome == DEST_AUTH);
}

/* Ask for the counts of up to SALESFORCE_COLLECTIONS parts; null where it was refused. */
static int
count_parts(struct dest_config *config, struct part *const *parts, size_t n, json_t **counts,
    struct bh_err *err)
{
	struct salesforce_part asked[SALESFORCE_COLLECTIONS];
	int rc;

	for (size_t i = 0; i < n; i++) {
		salesforce_part_init(&asked[i], "GET", parts[i]->name);
		add_question(&asked[i].path, config, parts[i]);
	}
	rc = salesforce_call_parts(config, asked, n, false, err);
	for (size_t i = 0; i < n; i++) {
		json_t *count = json_object_get(asked[i].answer.json, "totalSize");

		if (rc == 0 && is_end(&asked[i].answer))
			rc = salesforce_fail(config, &asked[i].answer, NULL, err);
		counts[i] = json_is_integer(count) ? json_incref(count) : json_null();
		salesforce_part_release(&asked[i]);
	}
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
	int rc;

	for (; *next_r < schema->parts_n && n < SALESFORCE_COLLECTIONS; (*next_r)++) {
		struct part *part = &schema->parts[*next_r];

		if (is_counted(part) && can_be_asked(part))
			parts[n++] = part;
		else if (is_counted(part))
			add_count(counts, part, json_null());
	}
	if (n == 0)
		return 0;
	rc = count_parts(schema->config, parts, n, found, err);
	for (size_t i = 0; i < n; i++)
		add_count(counts, parts[i], found[i]);
	return rc;
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
