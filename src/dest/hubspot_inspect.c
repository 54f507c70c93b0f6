/*
 * What of a schema is there: properties and groups of each of HubSpot's own
 * objects, then the definitions of all custom objects in one call, and of all custom events.  What the token's
 * scopes do not show is hidden; whether it is there nobody can tell.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_schema.h"

static void
set_state(struct hubspot_part *part, enum hubspot_state state, const char *detail)
{
	part->state = state;
	dest_copy(part->detail, sizeof(part->detail), detail);
}

static const json_t *
item_named(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (strcmp(dest_text(item, "name", ""), name) == 0)
			return item;
	}
	return NULL;
}

static void
hide_object(struct hubspot_schema *schema, const json_t *object,
    const struct hubspot_refusal *refusal)
{
	for (size_t i = 0; i < schema->parts_n; i++)
		if (schema->parts[i].object == object)
			set_state(&schema->parts[i], STATE_HIDDEN, refusal->cause);
}

/* Of HubSpot's own objects Billhook's properties are those in its group: others were there before. */
static void
judge_property(struct hubspot_part *part, const json_t *found)
{
	const char *group = dest_text(part->entry, "groupName", NULL);

	part->is_ours = group == NULL || strcmp(dest_text(found, "groupName", ""), group) == 0;
	part->state = STATE_EXISTS;
	if (!hubspot_property_fits(found, part->entry, part->detail, sizeof(part->detail)))
		part->state = STATE_DIFFERS;
}

void
hubspot_judge_properties(struct hubspot_schema *schema, const json_t *object,
    const json_t *properties)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		struct hubspot_part *part = &schema->parts[i];
		const json_t *found;

		if (part->object != object || part->kind != KIND_PROPERTY)
			continue;
		found = item_named(properties, bh_json_str(part->entry, "name"));
		if (found != NULL && !bh_is_json_true(found, "archived"))
			judge_property(part, found);
		else
			set_state(part, STATE_MISSING, "");
	}
}

/* --- HubSpot's own objects ----------------------------------------------------- */

/* As hubspot_try(), of a list that HubSpot may refuse. */
static int
get_list(struct hubspot_schema *schema, const char *pattern, const char *type,
    struct hubspot_reply *reply, const json_t **list_r, struct bh_err *err)
{
	char *path = hubspot_path(schema->config, pattern, type, NULL);
	int rc = hubspot_try(schema->config, "GET", path, NULL, reply, err);

	free(path);
	*list_r = json_object_get(reply->body, "results");
	if (rc == 0 && reply->refusal.code[0] == '\0' && !json_is_array(*list_r)) {
		hubspot_reply_release(reply);
		rc = bh_fail(err, BH_UNAVAILABLE, "HubSpot's answer is not the list it should be");
	}
	return rc;
}

static int
inspect_groups(struct hubspot_schema *schema, const json_t *object, struct bh_err *err)
{
	struct hubspot_reply reply;
	const json_t *groups;
	int rc = get_list(schema, "/crm/properties/{v}/{a}/groups", bh_json_str(object, "name"),
	    &reply, &groups, err);

	for (size_t i = 0; rc == 0 && i < schema->parts_n; i++) {
		struct hubspot_part *part = &schema->parts[i];

		if (part->object != object || part->kind != KIND_GROUP)
			continue;
		if (reply.refusal.code[0] != '\0')
			set_state(part, STATE_HIDDEN, reply.refusal.cause);
		else if (item_named(groups, bh_json_str(part->entry, "name")) != NULL)
			set_state(part, STATE_EXISTS, "");
		part->is_ours = part->state == STATE_EXISTS;
	}
	hubspot_reply_release(&reply);
	return rc;
}

static bool
needs_groups(const struct hubspot_schema *schema, const json_t *object)
{
	for (size_t i = 0; i < schema->parts_n; i++)
		if (schema->parts[i].object == object && schema->parts[i].kind == KIND_GROUP)
			return true;
	return false;
}

int
hubspot_inspect_standard(struct hubspot_schema *schema, const json_t *object, struct bh_err *err)
{
	struct hubspot_reply reply;
	const json_t *properties;
	const char *name = bh_json_str(object, "name");
	int rc = get_list(schema, "/crm/properties/{v}/{a}", name, &reply, &properties, err);
	bool is_seen = rc == 0 && reply.refusal.code[0] == '\0';

	if (rc == 0 && !is_seen)
		hide_object(schema, object, &reply.refusal);
	if (is_seen) {
		hubspot_part_find(schema, KIND_OBJECT, object, name)->state = STATE_EXISTS;
		hubspot_judge_properties(schema, object, properties);
	}
	hubspot_reply_release(&reply);
	if (is_seen && needs_groups(schema, object))
		rc = inspect_groups(schema, object, err);
	return rc;
}

/* --- custom objects -------------------------------------------------------------- */

/* An association counts in either direction: HubSpot makes both. */
static bool
is_associated(const json_t *type, const char *other)
{
	const json_t *list = json_object_get(type, "associations");

	for (size_t i = 0; other != NULL && i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (strcmp(dest_text(item, "toObjectTypeId", ""), other) == 0 ||
		    strcmp(dest_text(item, "fromObjectTypeId", ""), other) == 0)
			return true;
	}
	return false;
}

static void
judge_associations(struct hubspot_schema *schema, const json_t *object, const json_t *type)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		struct hubspot_part *part = &schema->parts[i];

		if (part->object != object || part->kind != KIND_ASSOCIATION)
			continue;
		if (is_associated(type, hubspot_type_of(schema, json_string_value(part->entry))))
			set_state(part, STATE_EXISTS, "");
	}
}

void
hubspot_take_type(struct hubspot_schema *schema, const json_t *object, json_t *type)
{
	const char *name = bh_json_str(object, "name");
	struct hubspot_part *part = hubspot_part_find(schema, KIND_OBJECT, object, name);

	json_object_set(schema->types, name, type);
	set_state(part, STATE_EXISTS, "");
	part->is_ours = strcmp(dest_text(type, "description", ""),
			    dest_text(object, "description", "Billhook")) == 0;
	hubspot_judge_properties(schema, object, json_object_get(type, "properties"));
	judge_associations(schema, object, type);
}

/* Names of custom objects are compared without regard to case. */
static json_t *
type_named(const json_t *types, const char *name)
{
	for (size_t i = 0; i < json_array_size(types); i++) {
		json_t *type = json_array_get(types, i);

		if (strcasecmp(dest_text(type, "name", ""), name) == 0 &&
		    dest_text(type, "objectTypeId", NULL) != NULL)
			return type;
	}
	return NULL;
}

static void
take_types(struct hubspot_schema *schema, const json_t *types)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		const struct hubspot_part *part = &schema->parts[i];
		json_t *type = NULL;

		if (part->kind == KIND_OBJECT && hubspot_is_custom(part->object))
			type = type_named(types, part->name);
		if (type != NULL)
			hubspot_take_type(schema, part->object, type);
	}
	/* Once more: now the types of all are known that associations name. */
	for (size_t i = 0; i < schema->parts_n; i++) {
		const struct hubspot_part *part = &schema->parts[i];

		if (part->kind == KIND_OBJECT)
			judge_associations(schema, part->object,
			    json_object_get(schema->types, part->name));
	}
}

static int
inspect_custom(struct hubspot_schema *schema, struct bh_err *err)
{
	struct hubspot_reply reply;
	const json_t *types;
	int rc = get_list(schema,
	    "/crm-object-schemas/{v}/schemas?includePropertyDefinitions=true"
	    "&includeAssociationDefinitions=true&includeAuditMetadata=false",
	    NULL, &reply, &types, err);

	if (rc == 0 && reply.refusal.code[0] == '\0') {
		take_types(schema, types);
	} else if (rc == 0) {
		schema->blind = reply.refusal;
		for (size_t i = 0; i < schema->parts_n; i++)
			if (hubspot_is_custom(schema->parts[i].object))
				set_state(&schema->parts[i], STATE_HIDDEN, reply.refusal.cause);
	}
	hubspot_reply_release(&reply);
	return rc;
}

int
hubspot_inspect(struct hubspot_schema *schema, struct bh_err *err)
{
	bool has_custom = false;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < schema->parts_n; i++) {
		const struct hubspot_part *part = &schema->parts[i];

		if (part->kind != KIND_OBJECT)
			continue;
		if (hubspot_is_custom(part->object))
			has_custom = true;
		else
			rc = hubspot_inspect_standard(schema, part->object, err);
	}
	if (rc == 0 && has_custom)
		rc = inspect_custom(schema, err);
	return rc == 0 ? hubspot_inspect_events(schema, err) : rc;
}
