/*
 * The permission set.  An upsert replaces the whole of it (API 40 and later), so
 * what was read is the ground on which ours is laid: nothing that stands there
 * goes, and a right that is there already is not touched.
 */
#include "base/base.h"

#include "dest/salesforce_schema.h"
#include "dest/soap.h"

struct merge {
	json_t *component;
	size_t lacking;
};

/* The entry of a list whose member has that value; made with that member when it is not there. */
static json_t *
entry_of(struct merge *merge, const char *list, const char *member, const char *value)
{
	json_t *items = soap_items(merge->component, list), *entry = NULL;

	for (size_t i = 0; entry == NULL && i < json_array_size(items); i++) {
		json_t *item = json_array_get(items, i);

		if (strcmp(dest_text(item, member, ""), value) == 0)
			entry = item;
	}
	if (entry == NULL) {
		entry = json_pack("{s:s}", member, value);
		json_array_append_new(items, entry);
	}
	json_object_set_new(merge->component, list, items);
	return entry;
}

static bool
is_granted(const json_t *entry, const char *right)
{
	return strcmp(dest_text(entry, right, ""), "true") == 0;
}

/* Set rights (a list that ends with NULL) that are not granted; those not named are false when new. */
static bool
has_raised(json_t *entry, const char *const *rights)
{
	bool raised = false;

	for (size_t i = 0; rights[i] != NULL; i++) {
		if (!is_granted(entry, rights[i])) {
			json_object_set_new(entry, rights[i], json_string("true"));
			raised = true;
		}
	}
	return raised;
}

static void
fill_up(json_t *entry, const char *const *members)
{
	for (size_t i = 0; members[i] != NULL; i++) {
		if (json_object_get(entry, members[i]) == NULL)
			json_object_set_new(entry, members[i], json_string("false"));
	}
}

/* --- fields ---------------------------------------------------------------- */

static void
grant_named_field(struct merge *merge, const char *name, bool is_readonly)
{
	static const char *const all[] = {"editable", "readable", NULL};
	json_t *entry = entry_of(merge, "fieldPermissions", "field", name);

	merge->lacking += has_raised(entry, is_readonly ? all + 1 : all);
	fill_up(entry, all);
}

/*
 * Fields of activities are granted by the names of both kinds of activities,
 * which share the right: one without the other would take it away again.
 */
static void
grant_field(struct merge *merge, const struct part *part)
{
	const char *object = bh_json_str(part->object, "name");
	const char *field = bh_json_str(part->entry, "name");
	static const char *const activities[] = {"Event", "Task"};
	char name[200];

	if (strcmp(object, "Activity") != 0) {
		grant_named_field(merge, part->name, part->is_readonly);
		return;
	}
	for (size_t i = 0; i < BH_LEN(activities); i++) {
		snprintf(name, sizeof(name), "%s.%s", activities[i], field);
		grant_named_field(merge, name, part->is_readonly);
	}
}

/* Salesforce refuses rights on what everybody has them on: required fields, fields of events. */
static bool
is_to_be_granted(const struct part *part)
{
	return part->is_custom && part_is_there(part) && !part->is_closed &&
	       !part_is_of_event(part) &&
	       (part->is_visible || !bh_is_json_true(part->entry, "required"));
}

/* --- objects ---------------------------------------------------------------- */

static const char *const object_members[] = {"allowCreate", "allowDelete", "allowEdit", "allowRead",
    "modifyAllRecords", "viewAllRecords", NULL};
/* Each depends on those behind it: delete on edit, both and create on read. */
static const char *const rights_own[] = {"allowCreate", "allowDelete", "allowEdit",
    "viewAllRecords", "allowRead", NULL};
static const char *const rights_standard[] = {"allowCreate", "allowEdit", "allowRead", NULL};
static const char *const rights_event[] = {"allowCreate", "allowRead", NULL};

static void
grant_on(struct merge *merge, const char *object, const char *const *rights)
{
	json_t *entry = entry_of(merge, "objectPermissions", "object", object);

	merge->lacking += has_raised(entry, rights);
	fill_up(entry, object_members);
}

/* No object permission rules tasks: whoever may do anything with them needs this one. */
static void
grant_tasks(struct merge *merge)
{
	static const char *const rights[] = {"enabled", NULL};

	merge->lacking +=
	    has_raised(entry_of(merge, "userPermissions", "name", "EditTask"), rights);
}

/*
 * On Salesforce's own objects only what the user lacks: the profile rules them.
 * Reading contacts and opportunities depends on reading accounts.
 */
static void
grant_standard(struct merge *merge, const struct schema *schema, const struct part *part)
{
	const json_t *described = schema_described(schema, part);

	if (bh_is_json_true(described, "createable") && bh_is_json_true(described, "updateable") &&
	    !json_is_false(json_object_get(described, "queryable")))
		return;
	if (strcmp(part->name, "Activity") == 0 || strcmp(part->name, "Task") == 0) {
		grant_tasks(merge);
		return;
	}
	grant_on(merge, part->name, rights_standard);
	if (strcmp(part->name, "Contact") == 0 || strcmp(part->name, "Opportunity") == 0)
		grant_on(merge, "Account", rights_standard + 2);
}

static void
grant_part(struct merge *merge, const struct schema *schema, const struct part *part)
{
	static const char *const visible[] = {"visible", NULL};

	switch (part->kind) {
	case PART_OBJECT:
		if (!part->is_custom)
			grant_standard(merge, schema, part);
		else if (part_is_there(part))
			grant_on(merge, part->name, rights_own);
		break;
	case PART_EVENT:
		if (part_is_there(part))
			grant_on(merge, part->name, rights_event);
		break;
	case PART_FIELD:
		if (is_to_be_granted(part))
			grant_field(merge, part);
		break;
	case PART_RECORD_TYPE:
		if (part_is_there(part))
			merge->lacking += has_raised(entry_of(merge, "recordTypeVisibilities",
							 "recordType", part->name),
			    visible);
		break;
	case PART_PROCESS:
	case PART_RIGHTS:
	case PART_ASSIGNMENT:
	case PART__MAX:
		break;
	}
}

/* --- the whole ---------------------------------------------------------------- */

static json_t *
ground(const json_t *entry, const json_t *found)
{
	const char *name = bh_json_str(entry, "name");
	json_t *component = found != NULL ? json_deep_copy(found) : json_object();
	char label[80 * 4];

	json_object_set_new(component, "@type", json_string("PermissionSet"));
	json_object_set_new(component, "fullName", json_string(name));
	if (found != NULL)
		return component;
	dest_copy(label, sizeof(label), dest_text(entry, "label", name));
	json_object_set_new(component, "label", json_string(label));
	json_object_set_new(component, "description",
	    json_string("What Billhook's user may see and write."));
	json_object_set_new(component, "hasActivationRequired", json_false());
	return component;
}

json_t *
rights_merged(const struct schema *schema, size_t *lacking_r)
{
	struct merge merge = {.component = NULL};

	*lacking_r = 0;
	for (size_t i = 0; i < schema->parts_n; i++) {
		if (schema->parts[i].kind == PART_RIGHTS)
			merge.component =
			    ground(schema->parts[i].entry, schema_found(schema, &schema->parts[i]));
	}
	if (merge.component == NULL)
		return NULL;
	for (size_t i = 0; i < schema->parts_n; i++)
		grant_part(&merge, schema, &schema->parts[i]);
	*lacking_r = merge.lacking;
	return merge.component;
}
