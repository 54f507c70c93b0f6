/*
 * The parts of a schema in a HubSpot portal: what the catalogue wants, and what
 * of it is there.  Shared by plan, install, count and uninstall; nobody else
 * includes it.
 *
 * In HubSpot's catalogue an object with a "primaryDisplayProperty" is a custom one
 * ("labels", "secondaryDisplayProperties", "searchableProperties", "requiredProperties",
 * "associatedObjects": names in the catalogue, "description"); others are HubSpot's own
 * and may have "groups" ("name", "label").  Fields are properties in HubSpot's words:
 * "name", "label", "type", "fieldType", "groupName", "hasUniqueValue", "description",
 * "options", "formField".  Custom events have "event": true (hubspot_event_schema.c).
 */
#ifndef DEST_HUBSPOT_SCHEMA_H
#define DEST_HUBSPOT_SCHEMA_H

#include "dest/hubspot.h"

enum hubspot_kind {
	KIND_OBJECT = 0,
	KIND_GROUP,
	KIND_PROPERTY,
	KIND_ASSOCIATION,
	KIND_EVENT,
	KIND__MAX
};

enum hubspot_state {
	STATE_MISSING = 0,
	STATE_EXISTS,
	STATE_DIFFERS, /* it is there and stays as it is, but it is not what is wanted */
	STATE_HIDDEN,  /* the token's scopes do not let it be seen */
	STATE__MAX
};

struct hubspot_part {
	enum hubspot_kind kind;
	enum hubspot_state state;
	const json_t *object; /* its object in the catalogue */
	const json_t *entry;  /* property, group, or the name of the other object */
	char *name;           /* full: "companies.billhook_mrr" */
	char detail[240];
	bool is_ours; /* it is there and bears Billhook's mark: its group, its description */
};

/* Why HubSpot did not do something; code "" when it did. */
struct hubspot_refusal {
	int status;
	char code[64];
	char cause[400];
	char remedy[240];
};

struct hubspot_reply {
	json_t *body; /* NULL: none */
	struct hubspot_refusal refusal;
};

struct hubspot_schema {
	struct dest_config *config;
	struct hubspot_part *parts; /* in the catalogue's order */
	size_t parts_n;
	json_t *types;  /* custom objects that are there, by their name in the catalogue */
	json_t *events; /* definitions that are there, by their name in the catalogue */
	struct hubspot_refusal blind;     /* why custom objects cannot be seen */
	struct hubspot_refusal no_events; /* why custom events cannot be seen */
};

/* -- hubspot_try.c -- */

/*
 * One call.  0: HubSpot did it or refused it, reply tells; -1: it could not be
 * asked, or asks for a pause (short ones are waited for).
 */
int hubspot_try(struct dest_config *config, const char *method, const char *path,
    const json_t *body, struct hubspot_reply *reply, struct bh_err *err);
void hubspot_reply_release(struct hubspot_reply *reply);
/* As of an answer's errors[]. */
void hubspot_refusal_of_item(struct hubspot_refusal *refusal, const json_t *error);
/* {"name", "code", "cause", "remedy"} */
json_t *hubspot_failure(const char *name, const struct hubspot_refusal *refusal);

/* -- hubspot_schema.c -- */

/* The parts of a catalogue, all missing as yet.  -1 BH_INVALID naming what no portal would take. */
int hubspot_schema_open(struct hubspot_schema *schema, struct dest_config *config,
    const json_t *catalogue, struct bh_err *err);
void hubspot_schema_close(struct hubspot_schema *schema);
const char *hubspot_kind_name(enum hubspot_kind kind);
bool hubspot_is_custom(const json_t *object);
bool hubspot_is_event_object(const json_t *object);
/* Is it made and removed with all that belongs to it?  A custom object or event. */
bool hubspot_is_whole(const json_t *object);
/* The object's name in the catalogue. */
const char *hubspot_part_object(const struct hubspot_part *part);
/* What stands for an object in paths: its type id; NULL: a custom object that is not there. */
const char *hubspot_type_of(const struct hubspot_schema *schema, const char *object);
struct hubspot_part *hubspot_part_find(const struct hubspot_schema *schema, enum hubspot_kind kind,
    const json_t *object, const char *entry);
/* The definition that makes a property (new reference); group NULL: none is named. */
json_t *hubspot_property_json(const json_t *entry, const char *group);
/* The definition that makes a custom object with its properties (new reference). */
json_t *hubspot_object_json(const struct hubspot_schema *schema, const json_t *object);
/* Can the property that is there take what the catalogue's wants?  If not, detail tells why. */
bool hubspot_property_fits(const json_t *found, const json_t *entry, char *detail, size_t size);

/* -- hubspot_inspect.c -- */

/* Find every part's state. */
int hubspot_inspect(struct hubspot_schema *schema, struct bh_err *err);
/* The same for what belongs to one of HubSpot's own objects. */
int hubspot_inspect_standard(struct hubspot_schema *schema, const json_t *object,
    struct bh_err *err);
/* Settle the properties of an object by those that are there. */
void hubspot_judge_properties(struct hubspot_schema *schema, const json_t *object,
    const json_t *properties);
/* Settle the parts of a custom object by its definition. */
void hubspot_take_type(struct hubspot_schema *schema, const json_t *object, json_t *type);

/* -- hubspot_event_schema.c -- */

/* What makes a custom event with its properties, and one of them (new references). */
json_t *hubspot_event_json(const json_t *object);
json_t *hubspot_event_property(const json_t *entry);
/* Find the state of every part of custom events. */
int hubspot_inspect_events(struct hubspot_schema *schema, struct bh_err *err);
/* Settle the parts of a custom event by its definition. */
void hubspot_take_event(struct hubspot_schema *schema, const json_t *object, json_t *definition);
/* The full name of an event that is there, by its name in the catalogue; NULL: it is not. */
const char *hubspot_event_of(const struct hubspot_schema *schema, const char *object);

#endif
