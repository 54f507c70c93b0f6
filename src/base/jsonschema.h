/*
 * Does a JSON value fit a JSON Schema (draft 2020-12)?  All faults at once.
 *
 * Of the draft there is what our own schemas use: type, const, enum,
 * properties, required, additionalProperties, items, minItems, minimum,
 * maximum, minLength, maxLength, pattern (what POSIX ERE and ECMA 262 have in
 * common), allOf, anyOf, if and then, and $ref to #/$defs/NAME.  Other members
 * are taken for descriptions: schemas are trusted, values are not.
 */
#ifndef BASE_JSONSCHEMA_H
#define BASE_JSONSCHEMA_H

#include "base/base.h"

#include <jansson.h>

#define JSONSCHEMA_FAULTS 50

/*
 * Array of texts "/syncs/0/from: must be a text", at most JSONSCHEMA_FAULTS (new reference);
 * empty: it fits.  Texts quote names of members and what may stand there, never a value.
 */
json_t *bh_jsonschema_faults(const json_t *schema, const json_t *value);

#endif
