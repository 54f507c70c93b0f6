/*
 * What looking for records, reading and deleting them share: calls of several
 * parts (salesforce_parts.c), SOQL (salesforce_soql.c), values (salesforce_value.c).
 */
#ifndef DEST_SALESFORCE_LOOK_H
#define DEST_SALESFORCE_LOOK_H

#include "dest/salesforce.h"

/* A part of a call: what is asked, and what came. */
struct salesforce_part {
	const char *method; /* literal */
	struct bh_buf path;
	struct bh_buf body; /* JSON; empty: none */
	const char *object; /* that it is about; borrowed */
	struct salesforce_answer answer;
};

void salesforce_part_init(struct salesforce_part *part, const char *method, const char *object);
void salesforce_part_release(struct salesforce_part *part);

/*
 * Make parts in one call: 1 to SALESFORCE_COLLECTIONS queries or collections, or up to 25 of other kinds.  0: each has an answer of
 * any status; -1 as of salesforce_fail(), then the status of the parts is that of the
 * call, 0 where none came.  is_exact: numbers are given as texts (salesforce_exact()).
 */
int salesforce_call_parts(struct dest_config *config, struct salesforce_part *parts, size_t n,
    bool is_exact, struct bh_err *err);

/*
 * Hand over the rows of a query's answer and of the pages behind it, a call
 * each.  *whole_r false: there were more pages than are read.  -1 also where the part
 * failed.
 */
int salesforce_rows(struct dest_config *config, struct salesforce_part *part,
    void (*each)(void *arg, const json_t *row), void *arg, bool *whole_r, struct bh_err *err);

/* -- SOQL -- */

#define SALESFORCE_QUERY_MAX                                                                       \
	14000 /* bytes of a query's address; the server takes 16,384 with the host */

/* Begin a part's address: "/services/data/v67.0/query?q="; what is query or queryAll. */
void salesforce_soql_begin(const struct dest_config *config, struct bh_buf *path, const char *what);
/* Append SOQL, encoded for an address. */
void salesforce_soql_add(struct bh_buf *path, const char *soql);
/* Append a value between quotes, encoded; is_like: % and _ stand for themselves. */
void salesforce_soql_quote(struct bh_buf *path, const char *value, bool is_like);
/* A name of an object or field ("Account.Name" too) that may stand in SOQL? */
bool salesforce_is_name(const char *text);
/* 15 characters, or 18 whose last three fit: only such an id may stand in a query. */
bool salesforce_is_id(const char *text);
/* Ids of 15 and 18 characters are the same when their first 15 are. */
bool salesforce_is_same_id(const char *a, const char *b);
/* The field by which people know an object's records: Name, of a few objects another one. */
const char *salesforce_name_field(const char *object);

/* -- values that were read -- */

/*
 * Parse an answer with each number as a text of its decimal value, without
 * needless zeros: jansson keeps reals as doubles, which hold 15 digits.  NULL: no JSON.
 */
json_t *salesforce_exact(const struct bh_buf *text);
/* A value of an exact answer as struct record_field holds it (new reference); NULL: it has no such form. */
json_t *salesforce_value(const json_t *value);

#endif
