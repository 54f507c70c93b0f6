/*
 * Uninstall: what is in the schema and nothing else, in the reverse order of an
 * install.  What is not there (any more) is done.
 *
 *   the permission set's assignments, the permission set, record types (which
 *   cannot be deleted: they are made inactive and stay, and so do their processes),
 *   fields of Salesforce's objects, lookups of ours, our objects from the last
 *   to the first with all their fields and records, events
 */
#include "base/base.h"

#include "dest/salesforce_schema.h"

struct removal {
	struct schema schema;
	struct dest_progress progress;
	json_t *removed, *failed, *kept;
};

static void
settle(struct removal *removal, const struct part *part, const struct meta_result *result)
{
	removal->progress.done++;
	if (!result->done)
		json_array_append_new(removal->failed, meta_failure(part->name, result));
	else if (!result->was_absent)
		json_array_append_new(removal->removed, json_string(part->name));
}

/* --- what goes when ------------------------------------------------------------ */

enum step {
	STEP_ASSIGNMENT = 0,
	STEP_RIGHTS,
	STEP_RECORD_TYPES,
	STEP_OTHER_FIELDS,
	STEP_LOOKUPS,
	STEP_OBJECTS,
	STEP_EVENTS,
	STEP__MAX /* goes with something else, or stays */
};

static const struct {
	const char *text;
	const char *type; /* of metadata; NULL: not deleted there */
} steps[STEP__MAX] = {
    [STEP_ASSIGNMENT] = {"the permission set's assignments", NULL},
    [STEP_RIGHTS] = {"the permission set", "PermissionSet"},
    [STEP_RECORD_TYPES] = {"record types", NULL},
    [STEP_OTHER_FIELDS] = {"fields of Salesforce's objects", "CustomField"},
    [STEP_LOOKUPS] = {"lookups", "CustomField"},
    [STEP_OBJECTS] = {"objects", "CustomObject"},
    [STEP_EVENTS] = {"events", "CustomObject"},
};

static enum step
step_of(const struct part *part)
{
	static const enum step of_kind[PART__MAX] = {
	    [PART_OBJECT] = STEP_OBJECTS,
	    [PART_EVENT] = STEP_EVENTS,
	    [PART_FIELD] = STEP__MAX,
	    [PART_PROCESS] = STEP__MAX,
	    [PART_RECORD_TYPE] = STEP_RECORD_TYPES,
	    [PART_RIGHTS] = STEP_RIGHTS,
	    [PART_ASSIGNMENT] = STEP_ASSIGNMENT,
	};

	if (!part->is_custom)
		return STEP__MAX;
	if (part->kind != PART_FIELD)
		return of_kind[part->kind];
	if (part_is_on_standard(part))
		return STEP_OTHER_FIELDS;
	return part_is_lookup(part) ? STEP_LOOKUPS : STEP__MAX;
}

/* The parts of a step, last first; owned by the caller. */
static struct part **
parts_of(struct removal *removal, enum step step, size_t *n_r)
{
	struct schema *schema = &removal->schema;
	struct part **parts = bh_xcalloc(schema->parts_n + 1, sizeof(struct part *));

	*n_r = 0;
	for (size_t i = schema->parts_n; i > 0; i--) {
		if (step_of(&schema->parts[i - 1]) == step)
			parts[(*n_r)++] = &schema->parts[i - 1];
	}
	return parts;
}

/* --- deleting ---------------------------------------------------------------------- */

/* One call.  Those that another change of the org's setup held up stand at the front of parts afterwards; how many in *n_r. */
static int
delete_call(struct removal *removal, enum step step, struct part **parts, size_t n, bool is_last,
    size_t *busy_r, struct bh_err *err)
{
	const char *names[META_CALL_MAX] = {NULL};
	struct meta_result results[META_CALL_MAX];

	for (size_t i = 0; i < n; i++)
		names[i] = parts[i]->name;
	if (meta_delete(removal->schema.config, steps[step].type, names, n, results, err) < 0)
		return -1;
	*busy_r = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_last && meta_is_busy(&results[i]))
			parts[(*busy_r)++] = parts[i];
		else
			settle(removal, parts[i], &results[i]);
	}
	return 0;
}

/* Ten a call; what was held up once more. */
static int
delete_parts(struct removal *removal, enum step step, struct part **parts, size_t n,
    struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n && dest_goes_on(&removal->progress, steps[step].text);
	     i += META_CALL_MAX) {
		size_t count = n - i < META_CALL_MAX ? n - i : META_CALL_MAX, busy;

		rc = delete_call(removal, step, parts + i, count, false, &busy, err);
		if (rc == 0 && busy > 0)
			rc = delete_call(removal, step, parts + i, busy, true, &busy, err);
	}
	return rc;
}

/* --- what cannot be deleted ----------------------------------------------------------- */

static bool
is_active(const json_t *component)
{
	return strcmp(dest_text(component, "active", ""), "true") == 0;
}

/* As it stands, but inactive. */
static int
retire(struct removal *removal, const struct part *part, const json_t *found, struct bh_err *err)
{
	json_t *component = json_deep_copy(found);
	struct meta_result result;
	int rc;

	json_object_set_new(component, "@type", json_string("RecordType"));
	json_object_set_new(component, "active", json_false());
	rc = meta_upsert(removal->schema.config, &component, 1, &result, err);
	json_decref(component);
	if (rc < 0)
		return -1;
	removal->progress.done++;
	if (result.done)
		json_array_append_new(removal->kept, json_string(part->name));
	else
		json_array_append_new(removal->failed, meta_failure(part->name, &result));
	return 0;
}

static int
retire_parts(struct removal *removal, struct part **parts, size_t n, struct bh_err *err)
{
	json_t *found = json_object();
	const char **names = bh_xcalloc(n + 1, sizeof(names[0]));
	struct meta_result refused;
	int rc;

	for (size_t i = 0; i < n; i++)
		names[i] = parts[i]->name;
	rc = meta_read(removal->schema.config, "RecordType", names, n, found, &refused, err);
	for (size_t i = 0; rc >= 0 && i < n && dest_goes_on(&removal->progress, "record types");
	     i++) {
		const json_t *component = json_object_get(found, parts[i]->name);

		if (rc == 0)
			settle(removal, parts[i], &refused);
		else if (is_active(component) && retire(removal, parts[i], component, err) < 0)
			rc = -1;
		else if (component != NULL && !is_active(component))
			json_array_append_new(removal->kept, json_string(parts[i]->name));
	}
	free(names);
	json_decref(found);
	return rc < 0 ? -1 : 0;
}

/* --- the whole -------------------------------------------------------------------------- */

static int
unassign(struct removal *removal, const struct part *part, struct bh_err *err)
{
	struct meta_result result;

	if (!dest_goes_on(&removal->progress, steps[STEP_ASSIGNMENT].text))
		return 0;
	if (assignment_drop(&removal->schema, &result, err) < 0)
		return -1;
	settle(removal, part, &result);
	return 0;
}

static int
take_step(struct removal *removal, enum step step, struct bh_err *err)
{
	size_t n;
	struct part **parts = parts_of(removal, step, &n);
	int rc = 0;

	if (n > 0 && step == STEP_ASSIGNMENT)
		rc = unassign(removal, parts[0], err);
	else if (n > 0 && step == STEP_RECORD_TYPES)
		rc = retire_parts(removal, parts, n, err);
	else if (n > 0)
		rc = delete_parts(removal, step, parts, n, err);
	free(parts);
	return rc;
}

static int
remove_all(struct removal *removal, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < removal->schema.parts_n; i++)
		removal->progress.of += step_of(&removal->schema.parts[i]) != STEP__MAX;
	for (int step = 0; rc == 0 && !removal->progress.is_stopped && step < STEP__MAX; step++)
		rc = take_step(removal, (enum step)step, err);
	return rc;
}

int
salesforce_schema_uninstall(struct dest_config *config, const json_t *catalogue,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err)
{
	struct removal removal = {.progress = {.say = say, .arg = arg}};
	int rc;

	*report_r = NULL;
	removal.removed = json_array();
	removal.failed = json_array();
	removal.kept = json_array();
	rc = schema_open(&removal.schema, config, catalogue, err);
	if (rc == 0)
		rc = remove_all(&removal, err);
	if (rc == 0)
		*report_r = json_pack("{s:O, s:O, s:[], s:O, s:b}", "removed", removal.removed,
		    "failed", removal.failed, "hidden", "kept", removal.kept, "is_complete",
		    !removal.progress.is_stopped && json_array_size(removal.failed) == 0);
	json_decref(removal.removed);
	json_decref(removal.failed);
	json_decref(removal.kept);
	schema_close(&removal.schema);
	return rc;
}
