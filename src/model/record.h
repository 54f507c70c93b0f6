/* What a destination receives: one record of one CRM object, rendered by the mapping. */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include "base/json.h"

enum record_type {
	RECORD_TEXT = 0, /* JSON string */
	RECORD_NUMBER,   /* JSON string holding a decimal: "12.50" */
	RECORD_BOOL,     /* JSON true or false */
	RECORD_DATE,     /* "YYYY-MM-DD" */
	RECORD_TIME,     /* RFC 3339 in UTC */
	RECORD_ENUM      /* JSON string: the option's value */
};

/* Who wins where both sides have a value. */
enum record_when {
	RECORD_ALWAYS = 0,   /* billing: written whenever it changed */
	RECORD_IF_EMPTY,     /* the CRM: written only while nobody else wrote something there */
	RECORD_IF_UNCHANGED, /* whoever wrote last: written until a person changes it */
	RECORD_ON_CREATE     /* the CRM: written with the record's creation only */
};

/* A value of JSON null clears the CRM's field. */
struct record_field {
	char *name; /* the CRM's API name; owned */
	enum record_type type;
	enum record_when when;
	json_t *value; /* owned */
};

/* A lookup (Salesforce) or association (HubSpot) to another record that Billhook keeps. */
struct record_parent {
	char *field;     /* Salesforce: the lookup field; HubSpot: an association label or "" */
	char *object;    /* CRM object of the parent */
	char *key_field; /* its external id field or unique property */
	char *key;       /* its value */
	char *remote_id; /* the CRM's id where known, else NULL */
	size_t mapped;   /* the parent's place among the mapping's objects */
	char *source_id; /* the parent's id at the source; owned */
	bool is_new;     /* the link was not written before, or points elsewhere now */
};

/* A record that it was tied to, and is no longer. */
struct record_former {
	char *object;
	char *remote_id;
};

struct record {
	char *object; /* CRM object: "Account", "companies", "2-123" */
	char *key_field;
	char *key;       /* unique; prefixed by source: "stripe:cus_1" */
	char *remote_id; /* NULL while unknown */
	bool matched;    /* remote_id was adopted: write by id, and write the key into key_field */
	struct record_field *fields;
	size_t fields_n;
	struct record_parent *parents;
	size_t parents_n;
	struct record_former *formers; /* for drivers with DEST_CAP_UNLINK */
	size_t formers_n;
};

struct record *record_new(const char *object, const char *key_field, const char *key);
void record_free(struct record **record);
/* Keeps value's reference (take). */
void record_take_field(struct record *record, const char *name, enum record_type type,
    json_t *value);
/* The order of the others stays. */
void record_drop_field(struct record *record, size_t index);
struct record_parent *record_add_parent(struct record *record, const char *field,
    const char *object, const char *key_field, const char *key);
void record_add_former(struct record *record, const char *object, const char *remote_id);
/*
 * SHA-256 in hex over everything that is pushed: object, key, fields, parents' fields and
 * keys; not ids, formers, nor fields that are written with the creation only.
 */
void record_hash(const struct record *record, char out[65]);

#endif
