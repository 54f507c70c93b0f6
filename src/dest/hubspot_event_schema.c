/*
 * Definitions of custom events: found in one list, made and deleted as a whole.  The
 * catalogue has "event": true, "label", "description", "primaryObject" (COMPANY,
 * CONTACT, DEAL or TICKET) and fields of the types string, number, enumeration and datetime.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/driver.h"
#include "dest/hubspot_schema.h"

#define PAGES_MAX 10 /* a portal has 500 definitions at most */

/* --- definitions ------------------------------------------------------------ */

json_t *
hubspot_event_property(const json_t *entry)
{
	static const char *const members[] = {"name", "label", "type", "description", "options"};
	json_t *property = json_object();

	for (size_t i = 0; i < BH_LEN(members); i++) {
		json_t *value = json_object_get(entry, members[i]);

		if (value != NULL)
			json_object_set(property, members[i], value);
	}
	return property;
}

static json_t *
properties_json(const json_t *object)
{
	const json_t *fields = json_object_get(object, "fields");
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(fields); i++)
		json_array_append_new(list, hubspot_event_property(json_array_get(fields, i)));
	return list;
}

json_t *
hubspot_event_json(const json_t *object)
{
	char *name = hubspot_event_name(bh_json_str(object, "name"));
	json_t *made = json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "name", name, "label",
	    dest_text(object, "label", name), "description",
	    dest_text(object, "description", "Billhook"), "primaryObject",
	    dest_text(object, "primaryObject", "CONTACT"), "includeDefaultProperties", 0,
	    "propertyDefinitions", properties_json(object));

	free(name);
	return made;
}

/* --- what is there ------------------------------------------------------------ */

const char *
hubspot_event_of(const struct hubspot_schema *schema, const char *object)
{
	return dest_text(json_object_get(schema->events, object), "fullyQualifiedName", NULL);
}

void
hubspot_take_event(struct hubspot_schema *schema, const json_t *object, json_t *definition)
{
	const char *name = bh_json_str(object, "name");
	struct hubspot_part *part = hubspot_part_find(schema, KIND_EVENT, object, name);

	json_object_set(schema->events, name, definition);
	part->state = STATE_EXISTS;
	part->is_ours = strcmp(dest_text(definition, "description", ""),
			    dest_text(object, "description", "Billhook")) == 0;
	hubspot_judge_properties(schema, object, json_object_get(definition, "properties"));
}

static void
take_definition(struct hubspot_schema *schema, json_t *definition)
{
	const char *full = dest_text(definition, "fullyQualifiedName", NULL);
	char *name;

	if (full == NULL || bh_is_json_true(definition, "archived"))
		return;
	name = hubspot_event_name(full);
	for (size_t i = 0; i < schema->parts_n; i++) {
		const struct hubspot_part *part = &schema->parts[i];
		char *wanted;

		if (part->kind != KIND_EVENT)
			continue;
		wanted = hubspot_event_name(part->name);
		if (strcmp(wanted, name) == 0)
			hubspot_take_event(schema, part->object, definition);
		free(wanted);
	}
	free(name);
}

static void
hide_events(struct hubspot_schema *schema)
{
	for (size_t i = 0; i < schema->parts_n; i++) {
		struct hubspot_part *part = &schema->parts[i];

		if (!hubspot_is_event_object(part->object))
			continue;
		part->state = STATE_HIDDEN;
		dest_copy(part->detail, sizeof(part->detail), schema->no_events.cause);
	}
}

/* after: where the page begins ("" the first), then where the next one does. */
static int
read_page(struct hubspot_schema *schema, struct bh_buf *after, struct bh_err *err)
{
	char *path = hubspot_event_path(schema->config,
	    "event-definitions?includeProperties=true&limit=100", NULL);
	struct hubspot_reply reply;
	const json_t *results;
	const char *next;
	char *whole = bh_xasprintf("%s%s", path, bh_buf_str(after));
	int rc = hubspot_try(schema->config, "GET", whole, NULL, &reply, err);

	free(whole);
	free(path);
	bh_buf_reset(after);
	results = json_object_get(reply.body, "results");
	next = bh_json_str(reply.body, "paging.next.after");
	if (rc == 0 && reply.refusal.code[0] != '\0') {
		schema->no_events = reply.refusal;
		hide_events(schema);
	} else if (rc == 0 && !json_is_array(results)) {
		rc = bh_fail(err, BH_UNAVAILABLE, "HubSpot's answer is not the list it should be");
	}
	for (size_t i = 0; rc == 0 && i < json_array_size(results); i++)
		take_definition(schema, json_array_get(results, i));
	if (rc == 0 && next != NULL) {
		bh_buf_adds(after, "&after=");
		bh_percent_add(after, next, strlen(next));
	}
	hubspot_reply_release(&reply);
	return rc;
}

int
hubspot_inspect_events(struct hubspot_schema *schema, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT((size_t)64 << 10);
	bool has_events = false;
	int rc = 0;

	for (size_t i = 0; i < schema->parts_n; i++)
		has_events = has_events || schema->parts[i].kind == KIND_EVENT;
	for (int page = 0; rc == 0 && has_events && page < PAGES_MAX; page++) {
		rc = read_page(schema, &after, err);
		has_events = after.len > 0;
	}
	bh_buf_release(&after);
	return rc;
}
