/*
 * Mapping: canonical objects to CRM records.  Pure: no I/O, no clock, no
 * state; tested by tables.
 *
 * A mapping is JSON (presets/<name>.json; manual: billhook-mapping(5)):
 *
 *   { "name": "stripe-salesforce", "title": "...", "source": "stripe", "dest": "salesforce",
 *     "settings": { "customer_object": "companies" },   defaults of the sync's settings
 *     "prefix": "",                     of keys, instead of the source's; optional
 *     "objects": [                      none: nothing is written
 *       { "name": "account",              unique in the mapping; part of a link's identity
 *         "from": "customer",             canonical kind
 *         "to": "Account",                CRM object; "{setting}" takes it from the sync's settings
 *         "key": "Billhook_Id__c",        external id field or unique property
 *         "parents": [ { "object": "account", "id": "customer", "to": "Account__c" } ],
 *         "if": { "field": "status", "in": ["open","paid"] },          optional filter
 *         "match": [ {"by": "key"}, ... ],  which record it is: see match.h; optional
 *         "create": "yes",                "no": link only; "wait": until there is a match
 *         "key_from": "domain:{email|company_domain}",   the key's text in place of the id; optional
 *         "urgent": true,                 sent above the throttle of calls, too
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

/*
 * All that is wrong with a mapping: tell is called for each fault, with the place of the object
 * in "objects" and of the row in its "fields", from 0, MAP_NO_PLACE where it is none of them.
 * Of an object that has a fault of its own some rows may not be looked at.
 */
#define MAP_NO_PLACE SIZE_MAX
typedef void map_fault_fn(void *arg, size_t object, size_t row, const char *text);
void map_faults(const json_t *mapping, map_fault_fn *tell, void *arg);

/* What is done for an object that no record of the CRM matches. */
enum map_create {
	MAP_CREATE = 0, /* one is made */
	MAP_LINK_ONLY,  /* nothing */
	MAP_WAIT        /* nothing, and it is looked for again */
};

/* Mapped objects, in parent order. */
struct map_object {
	const char *name;
	enum object_kind from;
	const char *to; /* as written; may hold "{setting}" */
	const char *key;
	int rank; /* parents have a lower one */
	enum map_create create;
	bool is_urgent;
	bool has_match;  /* it has rules by which a record is found */
	bool has_shared; /* it has fields that are not always ours: "if_empty" ... */
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
	const json_t *aliases; /* object: what is written for a name; NULL none; borrowed */
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

/* What the CRM is to be asked to find an object's record: one for each rule that has a value. */
#define MAP_RULES 8
#define MAP_PAIRS 3
enum map_by {
	MAP_BY_ID = 0,
	MAP_BY_KEY,
	MAP_BY_VALUE,
	MAP_BY_DOMAIN,
	MAP_BY__MAX
};
struct map_question {
	enum map_by by;
	const char
	    *fields[MAP_PAIRS];  /* borrowed from the mapping; with MAP_BY_ID no field's name */
	char *values[MAP_PAIRS]; /* owned */
	size_t n;                /* 0 with MAP_BY_KEY */
};
struct map_questions {
	struct map_question items[MAP_RULES];
	size_t n;
};
/* As map_render() sees the object.  To be released. */
void map_questions(const struct map *map, size_t index, const char *id, const json_t *object,
    const struct map_context *context, struct map_questions *questions);
void map_question_release(struct map_question *question);
void map_questions_release(struct map_questions *questions);

/*
 * The CRM fields that a mapped object may write, each once, without key and
 * lookups: array of texts (new reference).  to: only those of this object of the CRM
 * ("on"); NULL: of any.
 */
json_t *map_fields(const struct map *map, size_t index, const char *to);
/* Does it name the mapped object at `parent` as a parent? */
bool is_map_below(const struct map *map, size_t index, size_t parent);
/* Its lookups: array of {"to", "object": place of the parent among the objects} (new reference). */
json_t *map_lookups(const struct map *map, size_t index);

/* The key of a record: "stripe:cus_1", "stripe:acct_1/cus_1"; "cus_1" for the prefix "".  Appended to out. */
void map_key(struct bh_buf *out, const char *key_prefix, const char *account, const char *id);

#endif
