/*
 * Templates of a mapping: text with {field} and {field|transform|...} in it.
 * {{ and }} stand for one brace.  What is missing or empty leaves nothing.
 */
#ifndef MAP_TEMPLATE_H
#define MAP_TEMPLATE_H

#include "map/reference.h"

#define TEMPLATE_BYTES 2000 /* longest text of a template */

struct template;

/* -1 BH_INVALID: too long, a brace that is not closed, an unknown field or transform. */
int template_new(const char *text, enum object_kind kind, struct template **t_r,
    struct bh_err *err);
void template_free(struct template **t);

/*
 * Fill value, absent before: TEXT; null when every part is missing or empty;
 * absent when the source knows none of the parts.  A template without parts
 * is its own text.  -1 BH_INVALID when a part cannot be turned.
 */
int template_render(const struct template *t, const struct reference_view *view,
    struct map_value *value, struct bh_err *err);

#endif
