/*
 * Install: what is missing is made, in the order of dependence; what is there
 * stays as it is, and is reported where it does not fit.  Each part has its own
 * verdict: one that is refused is reported, what depends on it is not tried,
 * everything else goes on.
 *
 *   groups and properties of HubSpot's objects, custom objects with their
 *   properties and associations, properties and associations that custom objects
 *   lack, custom events; then a look whether HubSpot shows all of it
 *
 * A portal without custom objects and events gets everything else.  Doing it again is always
 * safe: it begins with what is there.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_schema.h"

#define LOOKS 5 /* new properties show within a second or so */

struct install {
	struct hubspot_schema schema;
	struct dest_progress progress;
	json_t *created, *failed;
};

/* --- progress and report ---------------------------------------------------- */

static void
fail_part(struct install *install, const struct hubspot_part *part,
    const struct hubspot_refusal *refusal)
{
	json_array_append_new(install->failed, hubspot_failure(part->name, refusal));
}

/* Somebody else was faster: it is there. */
static bool
is_there_already(const struct hubspot_refusal *refusal)
{
	return strstr(refusal->code, "ALREADY_EXIST") != NULL ||
	       bh_has_suffix(refusal->code, "_EXISTS");
}

static void
settle(struct install *install, struct hubspot_part *part, const struct hubspot_refusal *refusal)
{
	install->progress.done++;
	if (refusal->code[0] != '\0' && !is_there_already(refusal)) {
		fail_part(install, part, refusal);
		return;
	}
	part->state = STATE_EXISTS;
	if (refusal->code[0] == '\0')
		json_array_append_new(install->created, json_string(part->name));
}

static void
not_tried(struct install *install, struct hubspot_part *part, const char *ground)
{
	struct hubspot_refusal refusal = {.code = "NOT_TRIED",
	    .remedy = "Do this again once that is there"};

	snprintf(refusal.cause, sizeof(refusal.cause), "It needs %.120s, which could not be made",
	    ground);
	settle(install, part, &refusal);
}

static int
post(struct install *install, const char *pattern, const char *type, const json_t *body,
    struct hubspot_reply *reply, struct bh_err *err)
{
	char *path = hubspot_path(install->schema.config, pattern, type, NULL);
	int rc = hubspot_try(install->schema.config, "POST", path, body, reply, err);

	free(path);
	return rc;
}

/* --- groups ------------------------------------------------------------------- */

static int
make_group(struct install *install, struct hubspot_part *part, struct bh_err *err)
{
	json_t *body = json_pack("{s:s, s:s, s:i}", "name", bh_json_str(part->entry, "name"),
	    "label", dest_text(part->entry, "label", "Billhook"), "displayOrder", -1);
	struct hubspot_reply reply;
	int rc = post(install, "/crm/properties/{v}/{a}/groups", hubspot_part_object(part), body,
	    &reply, err);

	if (rc == 0)
		settle(install, part, &reply.refusal);
	hubspot_reply_release(&reply);
	json_decref(body);
	return rc;
}

/* --- properties ----------------------------------------------------------------- */

/* A name that was deleted comes back as it was: it may be of another kind. */
static void
settle_made(struct install *install, struct hubspot_part *part, const json_t *made)
{
	static const struct hubspot_refusal none;
	char detail[160];

	if (hubspot_property_fits(made, part->entry, detail, sizeof(detail))) {
		settle(install, part, &none);
		return;
	}
	install->progress.done++;
	part->state = STATE_DIFFERS;
	snprintf(part->detail, sizeof(part->detail),
	    "was deleted once and came back as it had been: %s", detail);
}

/* The error of a batch that names this property; else the only one, or the first. */
static const json_t *
error_of(const json_t *errors, const char *name)
{
	char *quoted = bh_xasprintf("'%s'", name), *doubled = bh_xasprintf("\"%s\"", name);
	const json_t *found = json_array_get(errors, 0);

	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);
		const char *message = dest_text(error, "message", "");
		const char *named = json_string_value(
		    json_array_get(json_object_get(json_object_get(error, "context"), "name"), 0));

		if ((named != NULL && strcmp(named, name) == 0) ||
		    strstr(message, quoted) != NULL || strstr(message, doubled) != NULL) {
			found = error;
			break;
		}
	}
	free(quoted);
	free(doubled);
	return found;
}

static const json_t *
result_of(const json_t *results, const char *name)
{
	for (size_t i = 0; i < json_array_size(results); i++)
		if (strcmp(dest_text(json_array_get(results, i), "name", ""), name) == 0)
			return json_array_get(results, i);
	return NULL;
}

static void
settle_batch(struct install *install, struct hubspot_part *const *parts, size_t n,
    const json_t *body)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = bh_json_str(parts[i]->entry, "name");
		const json_t *made = result_of(json_object_get(body, "results"), name);
		struct hubspot_refusal refusal = {.code = "NO_ANSWER",
		    .cause = "HubSpot did not tell what became of it",
		    .remedy = "Do this again"};
		const json_t *error = error_of(json_object_get(body, "errors"), name);

		if (made != NULL) {
			settle_made(install, parts[i], made);
			continue;
		}
		if (error != NULL)
			hubspot_refusal_of_item(&refusal, error);
		settle(install, parts[i], &refusal);
	}
}

static int
make_batch(struct install *install, const char *type, const char *group,
    struct hubspot_part *const *parts, size_t n, struct bh_err *err)
{
	json_t *inputs = json_array(), *body;
	struct hubspot_reply reply;
	bool is_refused;
	int rc;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(inputs, hubspot_property_json(parts[i]->entry,
						  dest_text(parts[i]->entry, "groupName", group)));
	body = json_pack("{s:o}", "inputs", inputs);
	rc = post(install, "/crm/properties/{v}/{a}/batch/create", type, body, &reply, err);
	json_decref(body);
	is_refused = rc == 0 && reply.refusal.code[0] != '\0';
	if (rc == 0 && !is_refused)
		settle_batch(install, parts, n, reply.body);
	else if (rc == 0 && (n == 1 || reply.refusal.status == 403))
		for (size_t i = 0; i < n; i++)
			settle(install, parts[i], &reply.refusal);
	hubspot_reply_release(&reply);
	/* Refused as a whole: one of them is at fault, and the others are not. */
	for (size_t i = 0; rc == 0 && is_refused && n > 1 && reply.refusal.status != 403 && i < n;
	     i++)
		rc = make_batch(install, type, group, parts + i, 1, err);
	return rc;
}

/* What of an object is still to be made and can be; owned by the caller. */
static struct hubspot_part **
properties_of(struct install *install, const json_t *object, size_t *n_r)
{
	struct hubspot_schema *schema = &install->schema;
	struct hubspot_part **parts = bh_xcalloc(schema->parts_n + 1, sizeof(parts[0]));

	*n_r = 0;
	for (size_t i = 0; i < schema->parts_n; i++) {
		struct hubspot_part *part = &schema->parts[i];
		const struct hubspot_part *group;

		if (part->object != object || part->kind != KIND_PROPERTY ||
		    part->state != STATE_MISSING)
			continue;
		group = hubspot_part_find(schema, KIND_GROUP, object,
		    dest_text(part->entry, "groupName", ""));
		if (group != NULL && group->state == STATE_MISSING)
			not_tried(install, part, group->name);
		else
			parts[(*n_r)++] = part;
	}
	return parts;
}

static int
make_properties(struct install *install, const json_t *object, const char *type, const char *group,
    struct bh_err *err)
{
	size_t n;
	struct hubspot_part **parts = properties_of(install, object, &n);
	char at[160];
	int rc = 0;

	snprintf(at, sizeof(at), "properties of %.120s", bh_json_str(object, "name"));
	for (size_t i = 0; rc == 0 && i < n && dest_goes_on(&install->progress, at);
	     i += HUBSPOT_INPUTS)
		rc = make_batch(install, type, group, parts + i,
		    n - i < HUBSPOT_INPUTS ? n - i : HUBSPOT_INPUTS, err);
	free(parts);
	return rc;
}

static int
make_standard(struct install *install, const json_t *object, struct bh_err *err)
{
	const char *name = bh_json_str(object, "name");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < install->schema.parts_n; i++) {
		struct hubspot_part *part = &install->schema.parts[i];

		if (part->object == object && part->kind == KIND_GROUP &&
		    part->state == STATE_MISSING && dest_goes_on(&install->progress, part->name))
			rc = make_group(install, part, err);
	}
	return rc == 0 ? make_properties(install, object, name, NULL, err) : rc;
}

/* --- custom objects ---------------------------------------------------------------- */

#define INSTEAD                                                                                    \
	"Use the roll-up properties of companies and contacts, and deals, instead; with "          \
	"Enterprise, grant the scopes crm.schemas.custom and crm.objects.custom, then do this again"

static void
no_enterprise(struct hubspot_refusal *refusal)
{
	char why[250];

	snprintf(why, sizeof(why), "%.249s", refusal->cause);
	snprintf(refusal->cause, sizeof(refusal->cause),
	    "Custom objects need an Enterprise subscription, and the token their scopes: %s", why);
	snprintf(refusal->remedy, sizeof(refusal->remedy), INSTEAD);
}

/* What came with an object, or could not. */
static void
settle_members(struct install *install, const struct hubspot_part *made, bool is_made)
{
	static const struct hubspot_refusal none;

	for (size_t i = 0; i < install->schema.parts_n; i++) {
		struct hubspot_part *part = &install->schema.parts[i];

		if (part->object != made->object || part == made)
			continue;
		if (is_made && part->state == STATE_EXISTS)
			settle(install, part, &none);
		else if (!is_made && part->state == STATE_MISSING)
			install->progress.done++;
	}
}

/* Lists lag behind by up to a minute: until then nobody can tell what it lacks. */
static const struct hubspot_refusal not_listed = {.code = "NOT_LISTED_YET",
    .cause = "HubSpot has it, but does not list it yet",
    .remedy = "Do this again in a minute"};

static int
make_object(struct install *install, struct hubspot_part *part, struct bh_err *err)
{
	json_t *body = hubspot_object_json(&install->schema, part->object);
	struct hubspot_reply reply;
	bool is_made;
	int rc = post(install, "/crm-object-schemas/{v}/schemas", NULL, body, &reply, err);

	json_decref(body);
	if (rc < 0)
		return -1;
	is_made = reply.refusal.code[0] == '\0';
	if (is_made && dest_text(reply.body, "objectTypeId", NULL) == NULL)
		rc = bh_fail(err, BH_UNAVAILABLE, "HubSpot tells no type id of the new %s",
		    part->name);
	if (reply.refusal.status == 403)
		no_enterprise(&reply.refusal);
	if (is_there_already(&reply.refusal))
		reply.refusal = not_listed;
	if (rc == 0 && is_made)
		hubspot_take_type(&install->schema, part->object, reply.body);
	if (rc == 0) {
		settle(install, part, &reply.refusal);
		settle_members(install, part, is_made);
	}
	hubspot_reply_release(&reply);
	return rc;
}

/* Where properties of a custom object land by themselves. */
static char *
group_of(const struct hubspot_schema *schema, const json_t *object)
{
	const char *name = bh_json_str(object, "name");
	const json_t *type = json_object_get(schema->types, name);
	const json_t *first = result_of(json_object_get(type, "properties"),
	    dest_text(type, "primaryDisplayProperty", ""));
	const char *group = dest_text(first, "groupName", NULL);
	char *made;

	if (group != NULL)
		return bh_xstrdup(group);
	made = bh_xasprintf("%s_information", name);
	for (char *s = made; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
	return made;
}

static int
make_association(struct install *install, struct hubspot_part *part, struct bh_err *err)
{
	const char *other = json_string_value(part->entry);
	const char *from = hubspot_type_of(&install->schema, hubspot_part_object(part));
	const char *to = hubspot_type_of(&install->schema, other);
	struct hubspot_reply reply;
	json_t *body;
	int rc;

	if (to == NULL) {
		not_tried(install, part, other);
		return 0;
	}
	body = json_pack("{s:s, s:s, s:s++}", "fromObjectTypeId", from, "toObjectTypeId", to,
	    "name", hubspot_part_object(part), "_to_", other);
	rc = post(install, "/crm-object-schemas/{v}/schemas/{a}/associations", from, body, &reply,
	    err);
	if (rc == 0)
		settle(install, part, &reply.refusal);
	hubspot_reply_release(&reply);
	json_decref(body);
	return rc;
}

static int
make_associations(struct install *install, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < install->schema.parts_n; i++) {
		struct hubspot_part *part = &install->schema.parts[i];

		if (part->kind == KIND_ASSOCIATION && part->state == STATE_MISSING &&
		    hubspot_type_of(&install->schema, hubspot_part_object(part)) != NULL &&
		    dest_goes_on(&install->progress, part->name))
			rc = make_association(install, part, err);
	}
	return rc;
}

static int
make_custom(struct install *install, struct hubspot_part *part, struct bh_err *err)
{
	const char *type = hubspot_type_of(&install->schema, part->name);
	char *group;
	int rc;

	if (part->state == STATE_MISSING)
		return dest_goes_on(&install->progress, part->name)
			   ? make_object(install, part, err)
			   : 0;
	if (type == NULL)
		return 0;
	group = group_of(&install->schema, part->object);
	rc = make_properties(install, part->object, type, group, err);
	free(group);
	return rc;
}

/* --- custom events ------------------------------------------------------------------- */

static void
no_events(struct hubspot_refusal *refusal)
{
	char why[250];

	snprintf(why, sizeof(why), "%.249s", refusal->cause);
	snprintf(refusal->cause, sizeof(refusal->cause),
	    "Custom events need an Enterprise subscription, and the token their scopes: %s", why);
	snprintf(refusal->remedy, sizeof(refusal->remedy),
	    "Switch events off in the sync's settings; with Enterprise, grant the scopes "
	    "behavioral_events.event_definitions.read_write and analytics.behavioral_events.send, "
	    "then do this again");
}

/* HubSpot lists every definition that there is, so that this name is one of the past. */
static const struct hubspot_refusal name_spent = {.code = "NAME_SPENT",
    .cause = "HubSpot had an event of this name once, and takes no name a second time",
    .remedy = "Choose another prefix of names in the settings of the connection"};

static int
make_event(struct install *install, struct hubspot_part *part, struct bh_err *err)
{
	char *path = hubspot_event_path(install->schema.config, "event-definitions", NULL);
	json_t *body = hubspot_event_json(part->object);
	struct hubspot_reply reply;
	int rc = hubspot_try(install->schema.config, "POST", path, body, &reply, err);
	bool is_made = rc == 0 && reply.refusal.code[0] == '\0';

	if (is_made)
		hubspot_take_event(&install->schema, part->object, reply.body);
	else if (rc == 0 && reply.refusal.status == 403)
		no_events(&reply.refusal);
	else if (rc == 0 && reply.refusal.status == 409)
		reply.refusal = name_spent;
	if (rc == 0) {
		settle(install, part, &reply.refusal);
		settle_members(install, part, is_made);
	}
	hubspot_reply_release(&reply);
	json_decref(body);
	free(path);
	return rc;
}

static int
make_event_property(struct install *install, struct hubspot_part *part, struct bh_err *err)
{
	const char *event = hubspot_event_of(&install->schema, hubspot_part_object(part));
	char *path =
	    hubspot_event_path(install->schema.config, "event-definitions/{n}/property", event);
	json_t *body = hubspot_event_property(part->entry);
	struct hubspot_reply reply;
	int rc = hubspot_try(install->schema.config, "POST", path, body, &reply, err);

	if (rc == 0)
		settle(install, part, &reply.refusal);
	hubspot_reply_release(&reply);
	json_decref(body);
	free(path);
	return rc;
}

/* Definitions stand in front of their properties; what came with one is there by then. */
static int
make_events(struct install *install, struct bh_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < install->schema.parts_n; i++) {
		struct hubspot_part *part = &install->schema.parts[i];
		const char *event = hubspot_part_object(part);

		if (!hubspot_is_event_object(part->object) || part->state != STATE_MISSING)
			continue;
		if (part->kind == KIND_EVENT && dest_goes_on(&install->progress, part->name))
			rc = make_event(install, part, err);
		else if (part->kind == KIND_PROPERTY &&
			 hubspot_event_of(&install->schema, event) != NULL &&
			 dest_goes_on(&install->progress, part->name))
			rc = make_event_property(install, part, err);
	}
	return rc;
}

/* --- the whole -------------------------------------------------------------------- */

/* Where custom objects or events cannot be seen none is tried: each is told once, without its properties. */
static void
fail_blind(struct install *install)
{
	struct hubspot_refusal no_objects = install->schema.blind,
			       events = install->schema.no_events;
	bool has_objects = no_objects.code[0] == '\0', has_events = events.code[0] == '\0';

	no_enterprise(&no_objects);
	no_events(&events);
	for (size_t i = 0; i < install->schema.parts_n; i++) {
		struct hubspot_part *part = &install->schema.parts[i];

		if (!has_objects && part->kind == KIND_OBJECT && hubspot_is_custom(part->object))
			fail_part(install, part, &no_objects);
		if (!has_events && part->kind == KIND_EVENT)
			fail_part(install, part, &events);
	}
}

/* What is there in another form stays so; a person has to know. */
static void
fail_others(struct install *install)
{
	struct hubspot_refusal refusal = {.code = "OTHER_FORM",
	    .remedy = "If nobody needs it, delete it in HubSpot, or change it there; else name "
		      "another property in the mapping"};

	for (size_t i = 0; i < install->schema.parts_n; i++) {
		struct hubspot_part *part = &install->schema.parts[i];

		if (part->state != STATE_DIFFERS)
			continue;
		snprintf(refusal.cause, sizeof(refusal.cause),
		    "It is there, but in another form: %s", part->detail);
		fail_part(install, part, &refusal);
	}
}

static bool
was_made(const struct install *install, const json_t *object)
{
	for (size_t i = 0; i < json_array_size(install->created); i++) {
		const char *name = json_string_value(json_array_get(install->created, i));
		const char *owner = bh_json_str(object, "name");

		if (bh_has_prefix(name, owner) && name[strlen(owner)] == '.')
			return true;
	}
	return false;
}

/* A push writes what it sees: wait until the new properties show. */
static int
look_again(struct install *install, const json_t *object, struct bh_err *err)
{
	struct hubspot_schema *schema = &install->schema;
	size_t failed = json_array_size(install->failed);
	int rc = 0;

	if (!was_made(install, object))
		return 0;
	for (int look = 0; rc == 0 && look < LOOKS; look++) {
		size_t missing = 0;

		if (look > 0)
			bh_sleep_ms(1000);
		rc = hubspot_inspect_standard(schema, object, err);
		for (size_t i = 0; i < schema->parts_n; i++)
			missing += schema->parts[i].object == object &&
				   schema->parts[i].state == STATE_MISSING;
		if (missing <= failed)
			break;
	}
	return rc;
}

static int
make_all(struct install *install, struct bh_err *err)
{
	struct hubspot_schema *schema = &install->schema;
	int rc = 0;

	for (size_t i = 0; i < schema->parts_n; i++)
		install->progress.of += schema->parts[i].state == STATE_MISSING;
	for (size_t i = 0; rc == 0 && i < schema->parts_n; i++)
		if (schema->parts[i].kind == KIND_OBJECT &&
		    !hubspot_is_custom(schema->parts[i].object))
			rc = make_standard(install, schema->parts[i].object, err);
	for (size_t i = 0; rc == 0 && i < schema->parts_n; i++)
		if (schema->parts[i].kind == KIND_OBJECT &&
		    hubspot_is_custom(schema->parts[i].object))
			rc = make_custom(install, &schema->parts[i], err);
	if (rc == 0)
		rc = make_associations(install, err);
	if (rc == 0)
		rc = make_events(install, err);
	for (size_t i = 0; rc == 0 && i < schema->parts_n; i++)
		if (schema->parts[i].kind == KIND_OBJECT &&
		    !hubspot_is_custom(schema->parts[i].object))
			rc = look_again(install, schema->parts[i].object, err);
	if (rc == 0)
		fail_blind(install);
	if (rc == 0)
		fail_others(install);
	return rc;
}

/* What is out of the token's sight; custom objects and events that cannot be had are told as failed. */
static json_t *
hidden_names(const struct install *install)
{
	json_t *names = json_array();

	for (size_t i = 0; i < install->schema.parts_n; i++) {
		const struct hubspot_part *part = &install->schema.parts[i];

		if (part->state == STATE_HIDDEN && !hubspot_is_whole(part->object))
			json_array_append_new(names, json_string(part->name));
	}
	return names;
}

static json_t *
report_json(const struct install *install)
{
	json_t *hidden = hidden_names(install);
	bool is_complete = !install->progress.is_stopped && json_array_size(install->failed) == 0 &&
			   json_array_size(hidden) == 0;

	return json_pack("{s:O, s:O, s:o, s:b}", "created", install->created, "failed",
	    install->failed, "hidden", hidden, "is_complete", is_complete);
}

int
hubspot_schema_install(struct dest_config *config, const json_t *catalogue,
    bool (*say)(void *arg, const json_t *progress), void *arg, json_t **report_r,
    struct bh_err *err)
{
	struct install install = {.progress = {.say = say, .arg = arg}};
	int rc;

	*report_r = NULL;
	install.created = json_array();
	install.failed = json_array();
	rc = hubspot_schema_open(&install.schema, config, catalogue, err);
	if (rc == 0 && dest_goes_on(&install.progress, "what is there"))
		rc = hubspot_inspect(&install.schema, err);
	if (rc == 0 && !install.progress.is_stopped)
		rc = make_all(&install, err);
	if (rc == 0)
		*report_r = report_json(&install);
	json_decref(install.created);
	json_decref(install.failed);
	hubspot_schema_close(&install.schema);
	return rc;
}
