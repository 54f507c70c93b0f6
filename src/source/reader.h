/*
 * The reader: canonical objects out of anybody's JSON, by a table that is
 * JSON itself, so that a person can change it when a sender names things in
 * another way.  LostChurn (its names are not settled) and generic senders are
 * read by it.  Pure; the table is interpreted as it stands.
 *
 *   table   {"base": "/data", "null": "empty" | "unknown", "objects": [object ...]}
 *   object  {"kind": "invoice", "id": paths, "fields": {name: field ...},
 *            "when": condition, "each": path of an array ("": base is one), "version": paths of a time,
 *            "rank": field, "lead": "time" | "rank", "partial": true, "optional": false,
 *            "deleted": condition, "alias": paths, "link": "https://...{id}"}
 *   field   paths, or {"from": paths, "as": conversion, "currency": paths, "map": {word: value},
 *            "const": value, "when": condition, "null": ..., "else": field}
 *   paths   path or [path ...]: the first that yields a value that is not null
 *   path    "a.b.0" under the object at hand, "/a/b" JSON Pointer from the top, "./a/b" pointer
 *            from the object at hand; or {"path": ..., "prefix": text or texts, "when": condition}
 *   condition  {"type": pattern or patterns ("invoice.*"), "present": paths,
 *            "where": {path: value or values}}; all parts must hold
 *
 * The object at hand is what base points to, or one element of each.  null
 * "empty" (the usual): a null means that the source says empty; "unknown": it
 * means nothing.  lead "rank": the rank decides before the time, so that a
 * closed thing stays closed whatever arrives late.  optional: no id is no
 * error.  What cannot be understood is left out and noted.
 */
#ifndef SOURCE_READER_H
#define SOURCE_READER_H

#include "source/driver.h"

#define READER_OBJECTS_MAX 20
#define READER_FIELDS_MAX 200 /* in the whole table */
#define READER_PATHS_MAX 10
#define READER_ROWS_MAX 1000 /* elements of "each" */
#define READER_PATH_MAX 256

/* An event's id for rows of a REST answer: their versions are tied by contents. */
#define READER_REST "rest"

/* 0, or -1 BH_INVALID naming the place in the table and what is wrong there. */
int reader_check(const json_t *table, struct bh_err *err);

/*
 * Read news->body (changes are added to news->result).  Settings that count:
 * "currency" (where the sender tells none), "exponents" ({"ISK": 2}: decimals
 * of a sender's smallest units that are not ISO 4217's), those that an "as":
 * "setting:NAME" names.  A table that reader_check() refuses gives less, not a
 * crash.  -1 BH_INVALID: an object has no usable id, or too many rows.
 */
int reader_read(struct source_news *news, const json_t *table, struct bh_err *err);

/* Some object is for events of this type; literally: names it without a pattern. */
bool is_reader_for(const json_t *table, const char *type, bool literally);

/* -- parts that drivers use by themselves -- */

/* The text is a path that can be walked: not empty, escapes right, not too long. */
bool is_reader_path(const char *path);
/* What stands at path; hand is the object at hand.  Borrowed; NULL when there is nothing. */
const json_t *reader_at(const json_t *body, const json_t *hand, const char *path);
/* RFC 3339, a date, Unix seconds or milliseconds, as text or number. */
bool is_reader_time(const json_t *value, int64_t *at_ms_r);
/* A text of 1 to 255 bytes, or a number as such; new reference, NULL otherwise. */
json_t *reader_id(const json_t *value);
/* Looks like one whole JSON object or array: brackets and quotes close at its end.  No parse. */
bool is_reader_whole(const char *text, size_t len);

#endif
