/*
 * Install: what is missing is made, in the order of dependence; what is there
 * stays as it is, and is reported where it does not fit.  Each component has its
 * own verdict: one that is refused is reported, what depends on it is not tried,
 * everything else goes on.
 *
 *   objects, their fields (keys, others, lookups), fields of Salesforce's
 *   objects, processes, record types, events, the permission set, its
 *   assignment; then a look with the eyes of the connection's user
 *
 * Doing it again is always safe: it begins with what is there.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_schema.h"

struct install {
	struct schema schema;
	struct dest_progress progress;
	json_t *created, *failed;
	json_t *relations; /* by part */
};

/* The order of work; parts of one stage may travel together. */
enum stage {
	STAGE_OBJECTS = 0,
	STAGE_OWN_FIELDS,
	STAGE_OTHER_FIELDS,
	STAGE_PROCESSES,
	STAGE_RECORD_TYPES,
	STAGE_EVENTS,
	STAGE_EVENT_FIELDS,
	STAGE__MAX
};

static const char *const stage_texts[STAGE__MAX] = {
    [STAGE_OBJECTS] = "objects",
    [STAGE_OWN_FIELDS] = "fields of Billhook's objects",
    [STAGE_OTHER_FIELDS] = "fields of Salesforce's objects",
    [STAGE_PROCESSES] = "processes",
    [STAGE_RECORD_TYPES] = "record types",
    [STAGE_EVENTS] = "events",
    [STAGE_EVENT_FIELDS] = "fields of events",
};

/* --- progress and report ---------------------------------------------------- */

static void
fail_part(struct install *install, struct part *part, const struct meta_result *result)
{
	part->is_failed = true;
	json_array_append_new(install->failed, meta_failure(part->name, result));
}

static void
settle(struct install *install, struct part *part, const struct meta_result *result)
{
	install->progress.done++;
	if (!result->done) {
		fail_part(install, part, result);
		return;
	}
	part->state = PART_EXISTS;
	part->detail[0] = '\0';
	json_array_append_new(install->created, json_string(part->name));
}

/* --- what depends on what ----------------------------------------------------- */

/* The missing part that this one needs; NULL. */
static const struct part *
missing_ground(const struct install *install, const struct part *part)
{
	const struct schema *schema = &install->schema;
	const struct part *ground = NULL;
	const char *process = dest_text(part->entry, "process", NULL);
	char name[200];

	if (part->kind == PART_FIELD)
		ground = schema_part(schema, part_is_of_event(part) ? PART_EVENT : PART_OBJECT,
		    bh_json_str(part->object, "name"));
	if (part->kind == PART_RECORD_TYPE && process != NULL) {
		snprintf(name, sizeof(name), "%s.%s", bh_json_str(part->object, "name"), process);
		ground = schema_part(schema, PART_PROCESS, name);
	}
	if (ground != NULL && !part_is_there(ground))
		return ground;
	if (part_is_lookup(part))
		ground = schema_part(schema, PART_OBJECT,
		    dest_text(part->entry, "referenceTo", "Account"));
	return ground != NULL && !part_is_there(ground) ? ground : NULL;
}

/* Has what it needs; else it is reported with what is missing. */
static bool
has_ground(struct install *install, struct part *part)
{
	const struct part *ground = missing_ground(install, part);
	struct meta_result result = {.code = "NOT_TRIED"};

	if (ground == NULL)
		return true;
	snprintf(result.message, sizeof(result.message), "It needs %s, which could not be made",
	    ground->name);
	install->progress.done++;
	fail_part(install, part, &result);
	return false;
}

/* --- making parts --------------------------------------------------------------- */

static enum stage
stage_of(const struct part *part)
{
	static const enum stage stages[PART__MAX] = {
	    [PART_OBJECT] = STAGE_OBJECTS,
	    [PART_EVENT] = STAGE_EVENTS,
	    [PART_PROCESS] = STAGE_PROCESSES,
	    [PART_RECORD_TYPE] = STAGE_RECORD_TYPES,
	    [PART_RIGHTS] = STAGE__MAX,
	    [PART_ASSIGNMENT] = STAGE__MAX,
	};

	if (part->kind != PART_FIELD)
		return stages[part->kind];
	if (part_is_of_event(part))
		return STAGE_EVENT_FIELDS;
	return part_is_on_standard(part) ? STAGE_OTHER_FIELDS : STAGE_OWN_FIELDS;
}

static bool
is_to_be_made(const struct part *part)
{
	return part->is_custom && !part_is_there(part) && !part->is_failed &&
	       part->kind < PART_RIGHTS;
}

#define RANKS 3

/* Within a stage: keys, others, lookups. */
static int
rank_of(const struct part *part)
{
	if (part_is_lookup(part))
		return 2;
	return bh_is_json_true(part->entry, "externalId") ? 0 : 1;
}

/* A record type that a person or an uninstall made inactive comes back as it was. */
static json_t *
record_type(const struct install *install, const struct part *part)
{
	json_t *found = schema_found(&install->schema, part), *component;

	if (found == NULL)
		return component_record_type(part->name, part->entry);
	component = json_deep_copy(found);
	json_object_set_new(component, "@type", json_string("RecordType"));
	json_object_set_new(component, "active", json_true());
	return component;
}

static json_t *
component_of(const struct install *install, const struct part *part)
{
	size_t number = (size_t)(part - install->schema.parts);
	json_t *stages, *component;

	switch (part->kind) {
	case PART_OBJECT:
		return component_object(part->object);
	case PART_EVENT:
		return component_event(part->object);
	case PART_FIELD:
		return component_field(part->name, part->object, part->entry,
		    json_string_value(json_array_get(install->relations, number)));
	case PART_RECORD_TYPE:
		return record_type(install, part);
	case PART_PROCESS:
		stages = schema_stages(&install->schema, part);
		component = component_process(part->name, stages);
		json_decref(stages);
		return component;
	case PART_RIGHTS:
	case PART_ASSIGNMENT:
	case PART__MAX:
		break;
	}
	return NULL;
}

/* An event comes with its fields. */
static void
settle_event_fields(struct install *install, const struct part *event)
{
	const struct meta_result done = {.done = true};

	for (size_t i = 0; i < install->schema.parts_n; i++) {
		struct part *part = &install->schema.parts[i];

		if (part->kind == PART_FIELD && part->object == event->object)
			settle(install, part, &done);
	}
}

/* One call.  Parts that another change of the org's setup held up stay as they are while busy_r is not NULL. */
static int
make_call(struct install *install, struct part *const *parts, size_t n, bool *busy_r,
    struct bh_err *err)
{
	json_t *components[META_CALL_MAX] = {NULL};
	struct meta_result results[META_CALL_MAX];
	int rc;

	for (size_t i = 0; i < n; i++)
		components[i] = component_of(install, parts[i]);
	rc = meta_upsert(install->schema.config, components, n, results, err);
	for (size_t i = 0; i < n; i++)
		json_decref(components[i]);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (busy_r != NULL && meta_is_busy(&results[i])) {
			*busy_r = true;
			continue;
		}
		settle(install, parts[i], &results[i]);
		if (parts[i]->kind == PART_EVENT && results[i].done)
			settle_event_fields(install, parts[i]);
	}
	return rc;
}

/* What of a stage is still to be made, by rank; owned by the caller. */
static struct part **
parts_of(struct install *install, enum stage stage, size_t *n_r)
{
	struct schema *schema = &install->schema;
	struct part **parts = bh_xcalloc(schema->parts_n + 1, sizeof(struct part *));

	*n_r = 0;
	for (int rank = 0; rank < RANKS; rank++) {
		for (size_t i = 0; i < schema->parts_n; i++) {
			struct part *part = &schema->parts[i];

			if (stage_of(part) == stage && rank_of(part) == rank &&
			    is_to_be_made(part) && has_ground(install, part))
				parts[(*n_r)++] = part;
		}
	}
	return parts;
}

static int
make_parts(struct install *install, enum stage stage, bool *busy_r, struct bh_err *err)
{
	size_t n;
	struct part **parts = parts_of(install, stage, &n);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n && dest_goes_on(&install->progress, stage_texts[stage]);
	     i += META_CALL_MAX)
		rc = make_call(install, parts + i, n - i < META_CALL_MAX ? n - i : META_CALL_MAX,
		    busy_r, err);
	free(parts);
	return rc;
}

/* Twice where another change of the org's setup was in the way: by then it may be over. */
static int
make_stage(struct install *install, enum stage stage, struct bh_err *err)
{
	bool is_busy = false;
	int rc = make_parts(install, stage, &is_busy, err);

	if (rc == 0 && is_busy)
		rc = make_parts(install, stage, NULL, err);
	return rc;
}

/* --- rights ----------------------------------------------------------------------- */

static int
make_rights(struct install *install, struct part *part, struct bh_err *err)
{
	size_t lacking;
	json_t *component = rights_merged(&install->schema, &lacking);
	struct meta_result result;
	int rc = 0;

	if (part_is_there(part) && lacking == 0) {
		part->state = PART_EXISTS;
	} else if (dest_goes_on(&install->progress, "the permission set")) {
		rc = meta_upsert(install->schema.config, &component, 1, &result, err);
		if (rc == 0)
			settle(install, part, &result);
	}
	json_decref(component);
	return rc;
}

static int
make_assignment(struct install *install, struct part *part, struct bh_err *err)
{
	struct meta_result result = {.code = "NOT_TRIED",
	    .message = "The permission set could not be made"};
	const struct part *rights =
	    schema_part(&install->schema, PART_RIGHTS, bh_json_str(part->entry, "name"));

	if (part_is_there(part))
		return 0;
	if (part_is_there(rights)) {
		if (!dest_goes_on(&install->progress, "the permission set's assignment"))
			return 0;
		if (assignment_make(&install->schema, &result, err) < 0)
			return -1;
	}
	settle(install, part, &result);
	return 0;
}

static int
make_access(struct install *install, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < install->schema.parts_n; i++) {
		struct part *part = &install->schema.parts[i];

		if (part->kind == PART_RIGHTS && install->schema.blind.code[0] == '\0')
			rc = make_rights(install, part, err);
		else if (part->kind == PART_ASSIGNMENT)
			rc = make_assignment(install, part, err);
	}
	return rc;
}

/* --- the whole -------------------------------------------------------------------- */

/* Where metadata cannot be read, an upsert might overwrite what is there: nothing is tried. */
static void
fail_blind(struct install *install)
{
	for (size_t i = 0; i < install->schema.parts_n; i++) {
		struct part *part = &install->schema.parts[i];

		if (is_to_be_made(part) || (part->kind == PART_RIGHTS && !part_is_there(part)))
			fail_part(install, part, &install->schema.blind);
	}
}

/* What is there in another form stays so; a person has to know. */
static void
fail_others(struct install *install)
{
	struct meta_result result = {.code = "OTHER_FORM"};

	for (size_t i = 0; i < install->schema.parts_n; i++) {
		struct part *part = &install->schema.parts[i];

		if (part->kind != PART_FIELD || part->state != PART_DIFFERS)
			continue;
		snprintf(result.message, sizeof(result.message), "%s", part->detail);
		fail_part(install, part, &result);
	}
}

static int
make_all(struct install *install, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < install->schema.parts_n; i++)
		install->progress.of += install->schema.parts[i].state == PART_MISSING;
	if (install->schema.blind.code[0] != '\0')
		fail_blind(install);
	install->relations = schema_relations(&install->schema);
	for (int stage = 0; rc == 0 && !install->progress.is_stopped && stage < STAGE__MAX; stage++)
		rc = make_stage(install, (enum stage)stage, err);
	if (rc == 0 && !install->progress.is_stopped)
		rc = make_access(install, err);
	if (rc == 0 && dest_goes_on(&install->progress, "what the connection's user sees"))
		rc = schema_look_again(&install->schema, err);
	if (rc == 0)
		fail_others(install);
	return rc;
}

/* Names of what is there but out of the user's sight or reach. */
static json_t *
hidden_names(const struct install *install)
{
	json_t *names = json_array();

	for (size_t i = 0; i < install->schema.parts_n; i++) {
		const struct part *part = &install->schema.parts[i];
		bool can_be_seen = part->object != NULL && part->kind != PART_PROCESS;

		if (can_be_seen && part_is_there(part) &&
		    (part->state == PART_HIDDEN || !part->is_visible))
			json_array_append_new(names, json_string(part->name));
	}
	return names;
}

static json_t *
report_json(const struct install *install)
{
	json_t *hidden = install->progress.is_stopped ? json_array() : hidden_names(install);
	bool is_complete = !install->progress.is_stopped && json_array_size(install->failed) == 0 &&
			   json_array_size(hidden) == 0;

	return json_pack("{s:O, s:O, s:o, s:b}", "created", install->created, "failed",
	    install->failed, "hidden", hidden, "is_complete", is_complete);
}

int
salesforce_schema_install(struct dest_config *config, const json_t *catalogue,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err)
{
	struct install install = {.progress = {.say = say, .arg = arg}};
	int rc;

	*report_r = NULL;
	install.created = json_array();
	install.failed = json_array();
	rc = schema_open(&install.schema, config, catalogue, err);
	if (rc == 0 && dest_goes_on(&install.progress, "what is there"))
		rc = schema_inspect(&install.schema, err);
	if (rc == 0 && !install.progress.is_stopped)
		rc = make_all(&install, err);
	if (rc == 0)
		*report_r = report_json(&install);
	json_decref(install.created);
	json_decref(install.failed);
	json_decref(install.relations);
	schema_close(&install.schema);
	return rc;
}
