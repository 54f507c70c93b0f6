/*
 * Mapping: canonical objects to CRM records.  Pure: no I/O, no clock, no
 * state; tested by tables.
 *
 * A mapping is JSON (presets/<name>.json; manual: billhook-mapping(5)):
 *
 *   { "name": "stripe-salesforce", "title": "...", "source": "stripe", "dest": "salesforce",
 *     "settings": { "customer_object": "companies" },   defaults of the sync's settings
 *     "prefix": "",                     of keys, instead of the source's; optional
 *     "objects": [
 *       { "name": "account",              unique in the mapping; part of a link's identity
 *         "from": "customer",             canonical kind
 *         "to": "Account",                CRM object; "{setting}" takes it from the sync's settings
 *         "key": "Billhook_Id__c",        external id field or unique property
 *         "parents": [ { "object": "account", "id": "customer", "to": "Account__c" } ],
 *         "if": { "field": "status", "in": ["open","paid"] },          optional filter
 *         "fields": [ { "to": "Name", "from": "name", "as": "text", "when": "always" } ] } ] }
 *
 * "from" names a canonical field, or is a template: text with {field} or
 * {field|transform} in it.  {customer.email} reaches the parent customer.
 * A CRM record's key is "<source key prefix>:<account/>id"; without prefix, "<account/>id".
 */
#ifndef MAP_MAP_H
#define MAP_MAP_H

#include "model/object.h"
#include "model/record.h"

struct map;

/* -1 BH_INVALID naming the object, field and reason. */
int map_new(const json_t *mapping, struct map **map_r, struct bh_err *err);
void map_free(struct map **map);

/* Mapped objects, in parent order. */
struct map_object {
	const char *name;
	enum object_kind from;
	const char *to; /* as written; may hold "{setting}" */
	const char *key;
	int rank; /* parents have a lower one */
};
size_t map_objects(const struct map *map, const struct map_object **objects_r);
/*
 * The CRM object that mapped object `index` is written to, settings filled
 * in, appended to out.  settings may be NULL.  -1 BH_INVALID naming a setting that is not set.
 */
int map_object_to(const struct map *map, size_t index, const json_t *settings, struct bh_buf *out,
    struct bh_err *err);

/* What the CRM says of a field. */
struct map_limit {
	enum record_type type;
	size_t length;         /* UTF-16 units; 0 none */
	int digits;            /* before the point; 0 unknown */
	int scale;             /* decimals; -1 unknown */
	const json_t *options; /* array; NULL any; borrowed */
};

/* What rendering needs to know beside the object. */
struct map_context {
	const char *key_prefix; /* of the source: "stripe" */
	const char *account;    /* part of keys when not "" */
	const json_t *settings; /* of the sync; may be NULL */
	const json_t *customer; /* canonical customer of the object, NULL when not held */
	/* The CRM's own description of a field; false when not known.  May be NULL. */
	bool (*is_described)(void *arg, const char *object, const char *field,
	    struct map_limit *limit_r);
	void *arg;
};

enum map_verdict {
	MAP_RENDERED = 0,
	MAP_FILTERED /* the mapping's "if" leaves this object out */
};

/*
 * Render object (canonical fields) with id as mapped object `index`.  0 and a
 * new record in *record_r (NULL when filtered); -1 BH_INVALID naming the
 * field whose value cannot be turned.  Fields the source does not know (absent) are left out; null clears.
 */
int map_render(const struct map *map, size_t index, const char *id, const json_t *object,
    const struct map_context *context, enum map_verdict *verdict_r, struct record **record_r,
    struct bh_err *err);

/* The key of a record: "stripe:cus_1", "stripe:acct_1/cus_1"; "cus_1" for the prefix "".  Appended to out. */
void map_key(struct bh_buf *out, const char *key_prefix, const char *account, const char *id);

#endif
