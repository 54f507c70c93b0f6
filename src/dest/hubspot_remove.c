/*
 * Uninstall: what is in the schema, there, and Billhook's by its mark (the group
 * of a property, the description of a custom object), in the order that HubSpot
 * demands.  What is not there (any more) is done; what others made is kept.
 *
 *   the records of custom objects, which stand in the way of their definition; the
 *   definitions, twice: deleted, then purged, for else the name stays taken;
 *   definitions of custom events; properties of HubSpot's objects; their groups
 *
 * Associations go with the definitions of their objects.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_schema.h"

struct removal {
	struct hubspot_schema schema;
	struct dest_progress progress;
	json_t *removed, *failed, *kept, *hidden;
};

static void
settle(struct removal *removal, const struct hubspot_part *part,
    const struct hubspot_refusal *refusal)
{
	removal->progress.done++;
	if (refusal->code[0] != '\0' && refusal->status != 404)
		json_array_append_new(removal->failed, hubspot_failure(part->name, refusal));
	else
		json_array_append_new(removal->removed, json_string(part->name));
}

static bool
is_to_go(const struct hubspot_part *part)
{
	bool is_whole = hubspot_is_whole(part->object);

	if (!part->is_ours || (part->state != STATE_EXISTS && part->state != STATE_DIFFERS))
		return false;
	return part->kind == KIND_OBJECT || part->kind == KIND_EVENT ? is_whole : !is_whole;
}

/* As hubspot_try(), without a body. */
static int
ask(struct removal *removal, const char *method, const char *pattern, const char *a, const char *b,
    struct hubspot_reply *reply, struct bh_err *err)
{
	char *path = hubspot_path(removal->schema.config, pattern, a, b);
	int rc = hubspot_try(removal->schema.config, method, path, NULL, reply, err);

	free(path);
	return rc;
}

/* --- records ------------------------------------------------------------------------ */

static int
archive_page(struct removal *removal, const char *type, const json_t *records,
    struct hubspot_refusal *refusal, struct bh_err *err)
{
	json_t *inputs = json_array(), *body;
	char *path =
	    hubspot_path(removal->schema.config, "/crm/objects/{v}/{a}/batch/archive", type, NULL);
	struct hubspot_reply reply;
	int rc;

	for (size_t i = 0; i < json_array_size(records); i++)
		json_array_append_new(inputs,
		    json_pack("{s:s}", "id", dest_text(json_array_get(records, i), "id", "")));
	body = json_pack("{s:o}", "inputs", inputs);
	rc = hubspot_try(removal->schema.config, "POST", path, body, &reply, err);
	*refusal = reply.refusal;
	hubspot_reply_release(&reply);
	json_decref(body);
	free(path);
	return rc;
}

/* The first page anew each time: what is archived is not listed any more.  *n_r: how many went. */
static int
archive_some(struct removal *removal, const char *type, char *first, size_t size, size_t *n_r,
    struct hubspot_refusal *refusal, struct bh_err *err)
{
	struct hubspot_reply reply;
	const json_t *records;
	const char *id;
	int rc = ask(removal, "GET", "/crm/objects/{v}/{a}?limit=100&archived=false", type, NULL,
	    &reply, err);

	*n_r = 0;
	*refusal = reply.refusal;
	records = json_object_get(reply.body, "results");
	id = dest_text(json_array_get(records, 0), "id", "");
	if (rc == 0 && *id != '\0' && strcmp(first, id) == 0) {
		*refusal = (struct hubspot_refusal){.code = "RECORDS_STAY",
		    .cause = "HubSpot still lists records that were archived",
		    .remedy = "Do this again in some minutes"};
	} else if (rc == 0 && json_array_size(records) > 0) {
		snprintf(first, size, "%s", id);
		*n_r = json_array_size(records);
		rc = archive_page(removal, type, records, refusal, err);
	}
	hubspot_reply_release(&reply);
	return rc;
}

/* True in *clear_r: no records are left. */
static int
archive_records(struct removal *removal, const struct hubspot_part *part, const char *type,
    bool *clear_r, struct bh_err *err)
{
	struct hubspot_refusal refusal = {.status = 0};
	char first[64] = "", at[200];
	size_t done = 0, n = 1;
	int rc = 0;

	while (rc == 0 && n > 0 && refusal.code[0] == '\0') {
		snprintf(at, sizeof(at), "records of %.120s: %zu removed", part->name, done);
		if (!dest_goes_on(&removal->progress, at))
			break;
		rc = archive_some(removal, type, first, sizeof(first), &n, &refusal, err);
		done += n;
	}
	*clear_r = rc == 0 && n == 0 && refusal.code[0] == '\0';
	if (rc == 0 && refusal.code[0] != '\0')
		settle(removal, part, &refusal);
	return rc;
}

/* --- definitions ---------------------------------------------------------------------- */

static int
remove_object(struct removal *removal, const struct hubspot_part *part, struct bh_err *err)
{
	const char *type = hubspot_type_of(&removal->schema, part->name);
	struct hubspot_reply reply;
	bool is_clear;
	int rc;

	if (archive_records(removal, part, type, &is_clear, err) < 0)
		return -1;
	if (!is_clear || !dest_goes_on(&removal->progress, part->name))
		return 0;
	rc = ask(removal, "DELETE", "/crm-object-schemas/{v}/schemas/{a}", type, NULL, &reply, err);
	if (rc == 0 && (reply.refusal.code[0] == '\0' || reply.refusal.status == 404)) {
		hubspot_reply_release(&reply);
		rc = ask(removal, "DELETE", "/crm-object-schemas/{v}/schemas/{a}?archived=true",
		    type, NULL, &reply, err);
	}
	if (rc == 0)
		settle(removal, part, &reply.refusal);
	hubspot_reply_release(&reply);
	return rc;
}

/* What was sent stays where it is told, in the records' histories. */
static int
remove_event(struct removal *removal, const struct hubspot_part *part, struct bh_err *err)
{
	char *path = hubspot_event_path(removal->schema.config, "event-definitions/{n}",
	    hubspot_event_of(&removal->schema, part->name));
	struct hubspot_reply reply;
	int rc = 0;

	if (dest_goes_on(&removal->progress, part->name)) {
		rc = hubspot_try(removal->schema.config, "DELETE", path, NULL, &reply, err);
		if (rc == 0)
			settle(removal, part, &reply.refusal);
		hubspot_reply_release(&reply);
	}
	free(path);
	return rc;
}

/* --- properties and groups --------------------------------------------------------------- */

static int
remove_single(struct removal *removal, const struct hubspot_part *part, const char *pattern,
    struct bh_err *err)
{
	struct hubspot_reply reply;
	int rc = ask(removal, "DELETE", pattern, hubspot_part_object(part),
	    bh_json_str(part->entry, "name"), &reply, err);

	if (rc == 0)
		settle(removal, part, &reply.refusal);
	hubspot_reply_release(&reply);
	return rc;
}

/* The answer is the same whatever happens: what became of them a look must tell. */
static int
archive_batch(struct removal *removal, struct hubspot_part *const *parts, size_t n,
    struct bh_err *err)
{
	json_t *inputs = json_array(), *body;
	char *path = hubspot_path(removal->schema.config, "/crm/properties/{v}/{a}/batch/archive",
	    hubspot_part_object(parts[0]), NULL);
	struct hubspot_reply reply;
	int rc;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(inputs,
		    json_pack("{s:s}", "name", bh_json_str(parts[i]->entry, "name")));
	body = json_pack("{s:o}", "inputs", inputs);
	rc = hubspot_try(removal->schema.config, "POST", path, body, &reply, err);
	hubspot_reply_release(&reply);
	json_decref(body);
	free(path);
	return rc;
}

/* The parts of a kind that are to go; owned by the caller. */
static struct hubspot_part **
parts_of(struct removal *removal, const json_t *object, enum hubspot_kind kind, size_t *n_r)
{
	struct hubspot_schema *schema = &removal->schema;
	struct hubspot_part **parts = bh_xcalloc(schema->parts_n + 1, sizeof(parts[0]));

	*n_r = 0;
	for (size_t i = 0; i < schema->parts_n; i++) {
		struct hubspot_part *part = &schema->parts[i];

		if (part->object == object && part->kind == kind && is_to_go(part))
			parts[(*n_r)++] = part;
	}
	return parts;
}

/* Those that a batch left behind once more, one by one, for the reason. */
static int
settle_properties(struct removal *removal, struct hubspot_part *const *parts, size_t n,
    struct bh_err *err)
{
	static const struct hubspot_refusal none;
	int rc = hubspot_inspect_standard(&removal->schema, parts[0]->object, err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (parts[i]->state == STATE_MISSING)
			settle(removal, parts[i], &none);
		else
			rc = remove_single(removal, parts[i], "/crm/properties/{v}/{a}/{n}", err);
	}
	return rc;
}

static int
remove_properties(struct removal *removal, const json_t *object, struct bh_err *err)
{
	size_t n;
	struct hubspot_part **parts = parts_of(removal, object, KIND_PROPERTY, &n);
	char at[160];
	int rc = 0;

	snprintf(at, sizeof(at), "properties of %.120s", bh_json_str(object, "name"));
	for (size_t i = 0; rc == 0 && i < n && dest_goes_on(&removal->progress, at);
	     i += HUBSPOT_INPUTS)
		rc = archive_batch(removal, parts + i,
		    n - i < HUBSPOT_INPUTS ? n - i : HUBSPOT_INPUTS, err);
	if (rc == 0 && n > 0 && !removal->progress.is_stopped)
		rc = settle_properties(removal, parts, n, err);
	free(parts);
	return rc;
}

static int
remove_groups(struct removal *removal, const json_t *object, struct bh_err *err)
{
	size_t n;
	struct hubspot_part **parts = parts_of(removal, object, KIND_GROUP, &n);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n && dest_goes_on(&removal->progress, parts[i]->name);
	     i++)
		rc = remove_single(removal, parts[i], "/crm/properties/{v}/{a}/groups/{n}", err);
	free(parts);
	return rc;
}

/* --- the whole -------------------------------------------------------------------------- */

/* What stays because it is not Billhook's, or cannot be seen: said once, objects without their members. */
static void
note_stays(struct removal *removal)
{
	for (size_t i = 0; i < removal->schema.parts_n; i++) {
		const struct hubspot_part *part = &removal->schema.parts[i];
		bool is_thing = part->kind == KIND_OBJECT || part->kind == KIND_EVENT;
		bool is_there = part->state == STATE_EXISTS || part->state == STATE_DIFFERS;
		bool could_go =
		    hubspot_is_whole(part->object) ? is_thing : part->kind == KIND_PROPERTY;

		removal->progress.of += is_to_go(part);
		if (is_thing && part->state == STATE_HIDDEN)
			json_array_append_new(removal->hidden, json_string(part->name));
		else if (could_go && is_there && !part->is_ours)
			json_array_append_new(removal->kept, json_string(part->name));
	}
}

/* Last first: later objects may be tied to earlier ones. */
static int
remove_all(struct removal *removal, struct bh_err *err)
{
	struct hubspot_schema *schema = &removal->schema;
	int rc = 0;

	note_stays(removal);
	for (size_t i = schema->parts_n; rc == 0 && i > 0; i--) {
		const struct hubspot_part *part = &schema->parts[i - 1];

		if (part->kind == KIND_OBJECT && is_to_go(part) && !removal->progress.is_stopped)
			rc = remove_object(removal, part, err);
		else if (part->kind == KIND_EVENT && is_to_go(part))
			rc = remove_event(removal, part, err);
	}
	for (size_t i = 0; rc == 0 && i < schema->parts_n; i++) {
		const struct hubspot_part *part = &schema->parts[i];

		if (part->kind != KIND_OBJECT || hubspot_is_custom(part->object))
			continue;
		rc = remove_properties(removal, part->object, err);
		if (rc == 0 && !removal->progress.is_stopped)
			rc = remove_groups(removal, part->object, err);
	}
	return rc;
}

static json_t *
report_json(const struct removal *removal)
{
	return json_pack("{s:O, s:O, s:O, s:O, s:b}", "removed", removal->removed, "failed",
	    removal->failed, "hidden", removal->hidden, "kept", removal->kept, "is_complete",
	    !removal->progress.is_stopped && json_array_size(removal->failed) == 0);
}

int
hubspot_schema_uninstall(struct dest_config *config, const json_t *catalogue,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err)
{
	struct removal removal = {.progress = {.say = say, .arg = arg}};
	int rc;

	*report_r = NULL;
	removal.removed = json_array();
	removal.failed = json_array();
	removal.kept = json_array();
	removal.hidden = json_array();
	rc = hubspot_schema_open(&removal.schema, config, catalogue, err);
	if (rc == 0 && dest_goes_on(&removal.progress, "what is there"))
		rc = hubspot_inspect(&removal.schema, err);
	if (rc == 0 && !removal.progress.is_stopped)
		rc = remove_all(&removal, err);
	if (rc == 0)
		*report_r = report_json(&removal);
	json_decref(removal.removed);
	json_decref(removal.failed);
	json_decref(removal.kept);
	json_decref(removal.hidden);
	hubspot_schema_close(&removal.schema);
	return rc;
}
