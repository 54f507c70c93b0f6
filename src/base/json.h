/*
 * JSON over jansson: bounded parsing, typed look-ups, canonical text.
 * jansson's json_t is our value type everywhere.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"

#define BH_JSON_DEPTH 64 /* deepest nesting accepted from outside */

/*
 * Parse text of any origin: at most BH_JSON_DEPTH levels, no duplicate-key
 * check (the last wins), NUL escapes refused.  1 never returned; 0 and a new
 * reference in *json_r, or -1 BH_INVALID saying where it broke.
 */
int bh_json_parse(const char *text, size_t len, json_t **json_r, struct bh_err *err);
/* The same; a member that stands twice in its object is refused, too: for what a person wrote. */
int bh_json_parse_once(const char *text, size_t len, json_t **json_r, struct bh_err *err);
/* As bh_json_parse() for a file of at most max bytes; errors name the path. */
int bh_json_read(const char *path, size_t max, json_t **json_r, struct bh_err *err);

/* Canonical text: sorted keys, no spaces, reals with 15 digits.  Owned by the caller. */
char *bh_json_text(const json_t *json);
/* The same appended to out. */
void bh_json_add(struct bh_buf *out, const json_t *json);

/*
 * A JSON string (new reference) of any text: where json_string() would give
 * NULL, a character cut off at the end goes and other bytes become '?'.
 */
json_t *bh_json_string(const char *text);

/*
 * Walk "a.b.0.c": object members by name, array elements by number.
 * Borrowed; NULL when a step is missing or json is NULL.
 */
json_t *bh_json_at(const json_t *json, const char *path);
/* Text at path; NULL when absent or not a string.  Borrowed. */
const char *bh_json_str(const json_t *json, const char *path);
/* An integer, or a real without a fraction; false otherwise. */
bool bh_is_json_int(const json_t *json, const char *path, int64_t *value_r);
/* The integer at path, or fallback. */
int64_t bh_json_int(const json_t *json, const char *path, int64_t fallback);
/* True only for JSON true at path. */
bool bh_is_json_true(const json_t *json, const char *path);

/*
 * A first look without parsing: find the string value of a member of the
 * OUTERMOST object and copy it into out (size bytes, NUL-terminated).
 * Escapes in the value are refused.  False when it is absent, longer, not a
 * string of valid characters, or the text ends before.  Constant memory; reads at most len bytes.
 */
bool bh_is_json_scanned(const char *text, size_t len, const char *member, char *out, size_t size);

/*
 * Copy the text at a path (see bh_json_str()) into size bytes, cut where it does not fit;
 * "" when there is none.
 */
void bh_json_copy(char *to, size_t size, const json_t *json, const char *path);

/*
 * The JSON Pointer (RFC 6901) of a member: "/a" and "b/c" make "/a/b~1c".  At most size bytes,
 * cut where it does not fit; out may be path.
 */
void bh_json_below(char *out, size_t size, const char *path, const char *name);

#endif
