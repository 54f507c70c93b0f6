/*
 * Salesforce's metadata service for the files of the driver that plan, make and
 * remove its schema: calls, components as JSON (see dest/soap.h), refusals.
 */
#ifndef DEST_SALESFORCE_META_H
#define DEST_SALESFORCE_META_H

#include "dest/salesforce.h"

#define META_CALL_MAX 10 /* components of one call, all of one type (Metadata API guide) */

/* What became of one component. */
struct meta_result {
	bool done;
	bool was_absent;   /* of a deletion: done, for there was nothing */
	char code[64];     /* the server's, when it was refused */
	char message[400]; /* its words */
};

/*
 * Make or change n components (1 to META_CALL_MAX), each {"@type", "fullName", ...}
 * of one type; they are sent in the order of the service's schema, whatever
 * order their members have.  Every result is set.  -1 where further calls
 * would fail as well: BH_DENIED for a dead session, BH_LIMITED, BH_UNAVAILABLE,
 * BH_UNCERTAIN.
 */
int meta_upsert(struct dest_config *config, json_t *const *components, size_t n,
    struct meta_result *results, struct bh_err *err);

/* Delete n components (1 to META_CALL_MAX) by full name. */
int meta_delete(struct dest_config *config, const char *type, const char *const *names, size_t n,
    struct meta_result *results, struct bh_err *err);

/*
 * Read n components (any number) into found, by full name; what is not there is
 * left out.  1; 0 with *refused filled when the user may not read metadata; -1 as above.
 */
int meta_read(struct dest_config *config, const char *type, const char *const *names, size_t n,
    json_t *found, struct meta_result *refused, struct bh_err *err);

/* {"name", "code", "cause", "remedy"} of a report: what was refused, and what a person can do. */
json_t *meta_failure(const char *name, const struct meta_result *result);

/* Another change of the schema runs in the org: worth another try. */
bool meta_is_busy(const struct meta_result *result);

/* Components of catalogue entries (see presets/schema/); new references. */
json_t *component_object(const json_t *object);
json_t *component_event(const json_t *object);
/* relation: the name of the list of children at a lookup's target; NULL for others. */
json_t *component_field(const char *full_name, const json_t *object, const json_t *field,
    const char *relation);
/* stages: array of texts, the first is the default. */
json_t *component_process(const char *full_name, const json_t *stages);
json_t *component_record_type(const char *full_name, const json_t *record_type);

/* The type that a field gets: events know fewer types than objects. */
const char *component_type(const json_t *object, const json_t *field);
/* Length, digits, digits behind the point of a field, with what holds when it says nothing. */
int component_length(const json_t *field, const char *type);
int component_precision(const json_t *field);
int component_scale(const json_t *field);

#endif
