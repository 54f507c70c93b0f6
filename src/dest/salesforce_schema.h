/*
 * The parts of a schema in a Salesforce org: what the catalogue wants, and what
 * of it is there.  Shared by plan, install, count and uninstall; nobody else
 * includes it.
 */
#ifndef DEST_SALESFORCE_SCHEMA_H
#define DEST_SALESFORCE_SCHEMA_H

#include "dest/salesforce_meta.h"

enum part_kind {
	PART_OBJECT = 0,
	PART_EVENT,
	PART_FIELD,
	PART_PROCESS,
	PART_RECORD_TYPE,
	PART_RIGHTS, /* the permission set */
	PART_ASSIGNMENT,
	PART__MAX
};

enum part_state {
	PART_MISSING = 0,
	PART_EXISTS,
	PART_DIFFERS, /* it is there and stays as it is, but it is not what is wanted */
	PART_HIDDEN, /* it is there, but the connection's user does not see it or may not write it */
	PART_STATE__MAX
};

struct part {
	enum part_kind kind;
	enum part_state state;
	const json_t *object; /* its object in the catalogue; NULL: permission set, assignment */
	const json_t *entry;  /* the field or record type; of an object itself: object */
	char *name;           /* full: "Account.Billhook_Id__c" */
	char *type;           /* of fields, for people: "Text(255)"; "" */
	char detail[240];
	bool is_custom;   /* made by an install; else Salesforce's own */
	bool is_visible;  /* in the description that the connection's user gets */
	bool is_closed;   /* no rights can be granted to it: required, a parent, a name */
	bool is_readonly; /* a formula */
	bool is_failed;   /* tried in vain: nothing is built upon it */
};

struct schema {
	struct dest_config *config;
	const json_t *catalogue;
	struct part *parts; /* in the catalogue's order */
	size_t parts_n;
	json_t *described; /* describes by the name that they have in REST; null: not visible */
	json_t *found;     /* components that were read, by kind's name and full name */
	/* Why metadata cannot be read; code "" when it can. */
	struct meta_result blind;
	char user_id[32], user_name[128]; /* whose token it is; "" not known */
	char rights_id[32];               /* the permission set's record; "" none */
};

/* The parts of a catalogue, all missing as yet.  -1 BH_INVALID naming what no org would take. */
int schema_open(struct schema *schema, struct dest_config *config, const json_t *catalogue,
    struct bh_err *err);
void schema_close(struct schema *schema);

/* "field", "record_type" ...: as in a plan's rows. */
const char *part_kind_name(enum part_kind kind);
/* Is it there, whatever it looks like? */
bool part_is_there(const struct part *part);
/* Does it belong to one of Salesforce's own objects? */
bool part_is_on_standard(const struct part *part);
bool part_is_lookup(const struct part *part);
bool part_is_of_event(const struct part *part);
/* The part of that kind and full name; NULL. */
struct part *schema_part(const struct schema *schema, enum part_kind kind, const char *name);
/* A custom object or field: "__c", "__e". */
bool schema_is_custom(const char *name);
/* Fields of tasks stand on Activity, which cannot be described or asked: Task can. */
const char *schema_rest_name(const char *object);
/* What was read of a part; NULL.  Borrowed. */
json_t *schema_found(const struct schema *schema, const struct part *part);
/* What the user sees of a part's object; NULL. */
const json_t *schema_described(const struct schema *schema, const struct part *part);

/*
 * Find every part's state: the descriptions that the connection's user gets,
 * then the metadata of what they do not show, then the user's rights.
 */
int schema_inspect(struct schema *schema, struct bh_err *err);
/* Describe again what some part is not visible of, and settle what is visible now. */
int schema_look_again(struct schema *schema, struct bh_err *err);

/* The stages of a record type's process that the org has, all of the org's when it has none
 * of them (new reference). */
json_t *schema_stages(const struct schema *schema, const struct part *part);
/* Names of the children's lists at lookups' targets: array in the order of parts, null for
 * others (new reference). */
json_t *schema_relations(const struct schema *schema);

/* What a field is, by description or metadata; texts are borrowed. */
struct shape {
	const char *type; /* as in the catalogue */
	int length, precision, scale;
	bool is_formula, is_external_id, is_unique, is_case_sensitive, is_restricted;
	const json_t *targets; /* of a lookup: text or array of texts */
	json_t *values;        /* of a restricted picklist; owned */
};
void shape_of_description(struct shape *shape, const json_t *field);
void shape_of_component(struct shape *shape, const json_t *component);
void shape_release(struct shape *shape);
/* Can a field of that shape take what the catalogue's field wants?  If not, detail tells why. */
bool shape_fits(const struct shape *is, const json_t *object, const json_t *field, char *detail,
    size_t size);
/* "Text(255)", "Lookup(Account)"; owned by the caller. */
char *shape_wanted(const json_t *object, const json_t *field);

/*
 * What the permission set needs for all parts that are there, merged into the
 * one that was read (nothing of it goes), as a new component; *lacking_r counts
 * the rights that were not in it.
 */
json_t *rights_merged(const struct schema *schema, size_t *lacking_r);

/* Whose token it is, the permission set's record, whether it is assigned to the user. */
int assignment_find(struct schema *schema, struct bh_err *err);
/* Assign the permission set to the user.  0 with the verdict in *result. */
int assignment_make(struct schema *schema, struct meta_result *result, struct bh_err *err);
/* Take the permission set from everybody who has it. */
int assignment_drop(struct schema *schema, struct meta_result *result, struct bh_err *err);

#endif
