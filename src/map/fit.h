/* Fitting a value to what the CRM says of a field: type, length, decimals, options. */
#ifndef MAP_FIT_H
#define MAP_FIT_H

#include "map/map.h"
#include "map/value.h"

/* What a value is for a CRM that does not describe the field. */
enum record_type fit_type(enum field_type type);

/*
 * Turn value into the JSON that struct record_field wants for limit->type.
 * Text is cut to the length; addresses (URL, EMAIL) that are longer become
 * null, as half of one is none.  Numbers are rounded to the scale.  -1
 * BH_INVALID: not of the type, too many digits, none of the options.
 */
int fit_value(struct map_value *value, const struct map_limit *limit, struct bh_err *err);

#endif
