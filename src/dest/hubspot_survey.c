/* Plan and count: what of a schema is there, and how many records it has.  Nothing is changed. */
#include "base/base.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_schema.h"

/* --- plan ------------------------------------------------------------------ */

static const char *const states[STATE__MAX] = {
    [STATE_MISSING] = "missing",
    [STATE_EXISTS] = "exists",
    [STATE_DIFFERS] = "differs",
    [STATE_HIDDEN] = "hidden",
};

static const char *
label_of(const struct hubspot_part *part)
{
	if (part->kind == KIND_OBJECT && hubspot_is_custom(part->object))
		return dest_text(json_object_get(part->object, "labels"), "plural", part->name);
	return json_is_string(part->entry) ? part->name
					   : dest_text(part->entry, "label", part->name);
}

/* What a property needs, or its object; a group is needed for its object. */
static const char *
why_of(const struct hubspot_part *part)
{
	return dest_text(part->entry, "why", dest_text(part->object, "why", ""));
}

static json_t *
row_json(const struct hubspot_part *part)
{
	const char *type = part->kind == KIND_PROPERTY ? dest_text(part->entry, "type", "") : "";

	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:o, s:o}", "kind",
	    hubspot_kind_name(part->kind), "name", part->name, "label",
	    bh_json_string(label_of(part)), "type", type, "state", states[part->state], "detail",
	    bh_json_string(part->detail), "why", bh_json_string(why_of(part)));
}

static json_t *
plan_json(const struct hubspot_schema *schema)
{
	json_int_t counts[STATE__MAX] = {0};
	json_t *rows = json_array(), *plan;

	for (size_t i = 0; i < schema->parts_n; i++) {
		json_array_append_new(rows, row_json(&schema->parts[i]));
		counts[schema->parts[i].state]++;
	}
	plan = json_pack("{s:o}", "rows", rows);
	for (int state = 0; state < STATE__MAX; state++)
		json_object_set_new(plan, states[state], json_integer(counts[state]));
	return plan;
}

int
hubspot_schema_plan(struct dest_config *config, const json_t *catalogue, json_t **plan_r,
    struct bh_err *err)
{
	struct hubspot_schema schema;
	int rc = hubspot_schema_open(&schema, config, catalogue, err);

	*plan_r = NULL;
	if (rc == 0)
		rc = hubspot_inspect(&schema, err);
	if (rc == 0)
		*plan_r = plan_json(&schema);
	hubspot_schema_close(&schema);
	return rc;
}

/* --- count ----------------------------------------------------------------- */

/* Only whole objects of ours, and our properties of others: what an uninstall would take. */
static bool
is_counted(const struct hubspot_part *part)
{
	if (part->kind == KIND_OBJECT || part->kind == KIND_EVENT)
		return hubspot_is_whole(part->object) && part->is_ours;
	return part->kind == KIND_PROPERTY && !hubspot_is_whole(part->object) && part->is_ours;
}

static json_t *
question(const struct hubspot_part *part)
{
	if (part->kind == KIND_OBJECT)
		return json_pack("{s:[], s:i}", "filterGroups", "limit", 1);
	return json_pack("{s:[{s:[{s:s, s:s}]}], s:i}", "filterGroups", "filters", "propertyName",
	    bh_json_str(part->entry, "name"), "operator", "HAS_PROPERTY", "limit", 1);
}

/* null where it was refused; how often an event was sent cannot be asked. */
static int
count_part(struct hubspot_schema *schema, const struct hubspot_part *part, json_t **count_r,
    struct bh_err *err)
{
	const char *type = hubspot_type_of(schema, hubspot_part_object(part));
	struct hubspot_reply reply;
	json_t *asked;
	int64_t total;
	char *path;
	int rc;

	*count_r = json_null();
	if (part->kind == KIND_EVENT)
		return 0;
	path = hubspot_path(schema->config, "/crm/objects/{v}/{a}/search", type, NULL);
	asked = question(part);
	rc = hubspot_try(schema->config, "POST", path, asked, &reply, err);
	*count_r = rc == 0 && bh_is_json_int(reply.body, "total", &total)
		       ? json_integer((json_int_t)total)
		       : json_null();
	hubspot_reply_release(&reply);
	json_decref(asked);
	free(path);
	return rc;
}

static int
add_count(struct hubspot_schema *schema, const struct hubspot_part *part, json_t *counts,
    struct bh_err *err)
{
	json_t *count;

	if (count_part(schema, part, &count, err) < 0) {
		json_decref(count);
		return -1;
	}
	json_array_append_new(json_object_get(counts,
				  part->kind == KIND_PROPERTY ? "fields" : "objects"),
	    json_pack("{s:s, s:o, s:o}", "name", part->name, "label",
		bh_json_string(label_of(part)), "records", count));
	return 0;
}

int
hubspot_schema_count(struct dest_config *config, const json_t *catalogue, json_t **counts_r,
    struct bh_err *err)
{
	json_t *counts = json_pack("{s:[], s:[]}", "objects", "fields");
	struct hubspot_schema schema;
	int rc = hubspot_schema_open(&schema, config, catalogue, err);

	if (rc == 0)
		rc = hubspot_inspect(&schema, err);
	for (size_t i = 0; rc == 0 && i < schema.parts_n; i++)
		if (is_counted(&schema.parts[i]))
			rc = add_count(&schema, &schema.parts[i], counts, err);
	*counts_r = rc == 0 ? json_incref(counts) : NULL;
	json_decref(counts);
	hubspot_schema_close(&schema);
	return rc;
}
