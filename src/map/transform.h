/*
 * Transforms: what may be done to a value between source and CRM.  One table
 * feeds the mapping, the templates, the mapping page and the manual.
 */
#ifndef MAP_TRANSFORM_H
#define MAP_TRANSFORM_H

#include "map/value.h"

#define TRANSFORM_TAKES(type) (1u << (type))

struct transform {
	const char *name;
	unsigned takes;        /* bits TRANSFORM_TAKES(enum field_type) */
	enum field_type gives; /* what the value is afterwards; NONE: only the value tells */
	const char *meaning;   /* a phrase for people */
	/*
	 * Turn value, which is not empty, into another (which may be null).  row is
	 * the mapping's row or NULL inside a template.  -1 BH_INVALID.
	 */
	int (*apply)(struct map_value *value, const json_t *row, struct bh_err *err);
};

/* NULL when there is none of this name. */
const struct transform *transform_find(const char *name, size_t len);
const struct transform *transform_list(size_t *n_r);
/* Where a row names none: by the field's type. */
const struct transform *transform_for(enum field_type type);
/* False for what the table says the transform does not take; JSON is taken by all and checked later. */
bool can_transform(const struct transform *transform, enum field_type type);
/*
 * As transform->apply(); absent stays absent, empty becomes null.  A value
 * that turns out to be of a type that it does not take is BH_INVALID.
 */
int transform_apply(const struct transform *transform, struct map_value *value, const json_t *row,
    struct bh_err *err);

#endif
