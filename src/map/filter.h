/*
 * Filters of a mapping: which objects it writes.
 *
 *   {"field": "status", "in": ["open", "paid"]}   also "not_in", and "is" with one value
 *   {"all": [...]}   {"any": [...]}
 *
 * An unknown or absent value counts as null.  Values are compared as JSON.
 */
#ifndef MAP_FILTER_H
#define MAP_FILTER_H

#include "map/reference.h"

struct filter;

/* json is borrowed for the life of the filter.  -1 BH_INVALID. */
int filter_new(const json_t *json, enum object_kind kind, struct filter **filter_r,
    struct bh_err *err);
void filter_free(struct filter **filter);
bool is_filter_passed(const struct filter *filter, const struct reference_view *view);

#endif
