/*
 * Readers from a provider's JSON into canonical fields.  Each takes the value
 * found (NULL: the key is absent, nothing is written), writes null for null,
 * and writes nothing for a value of another type or beyond its range: what
 * is not understood is not known.
 */
#ifndef SOURCE_READ_H
#define SOURCE_READ_H

#include "base/json.h"
#include "model/money.h"

void read_text(json_t *fields, const char *name, const json_t *value);
/* As read_text(), and "" is null. */
void read_filled(json_t *fields, const char *name, const json_t *value);
/* Only http and https. */
void read_url(json_t *fields, const char *name, const json_t *value);
void read_bool(json_t *fields, const char *name, const json_t *value);
void read_int(json_t *fields, const char *name, const json_t *value);
/* Three letters, put into capitals. */
void read_currency(json_t *fields, const char *name, const json_t *value);
/* Unix seconds to a time, or to the UTC day. */
void read_unix(json_t *fields, const char *name, const json_t *value);
void read_unix_day(json_t *fields, const char *name, const json_t *value);
/* RFC 3339 text to UTC, or a plain date. */
void read_time(json_t *fields, const char *name, const json_t *value);
void read_date(json_t *fields, const char *name, const json_t *value);

/* How a provider's smallest units become canonical ones: times multiply, by divide. */
struct read_unit {
	int multiply, divide;
};
/* From a provider's exponent to the canonical one of the currency. */
struct read_unit read_unit(const char *currency, int exponent);
/* The amount in canonical units; false when it is no whole number or does not fit. */
bool is_amount_read(const json_t *value, struct read_unit unit, int64_t *minor_r);
void read_money(json_t *fields, const char *name, const json_t *value, struct read_unit unit);
/* A decimal of a string, an integer or a real ("1500", 1500, 0.05); false otherwise. */
bool is_source_decimal(const json_t *value, struct money_decimal *decimal_r);
/* The same written as text; money in canonical units, still with its decimals. */
void read_decimal(json_t *fields, const char *name, const json_t *value);
void read_precise(json_t *fields, const char *name, const json_t *value, struct read_unit unit);

/* An id, or the id of an expanded object; NULL when there is none.  Borrowed. */
const json_t *read_id_of(const json_t *value);
/* The id as text; null for null. */
void read_id(json_t *fields, const char *name, const json_t *value);
/* The first value that is there and not null; NULL.  Ends with NULL only when n are through. */
const json_t *read_first(size_t n, const json_t *const *values);
#define READ_FIRST(...)                                                                            \
	read_first(BH_LEN(((const json_t *const[]){__VA_ARGS__})),                                 \
	    (const json_t *const[]){__VA_ARGS__})

/* Time of a Unix seconds value; false outside the years 1 to 9999. */
bool is_unix_read(const json_t *value, int64_t *at_ms_r);
/* Write a time or null when at_ms is INT64_MIN. */
void read_put_ms(json_t *fields, const char *name, int64_t at_ms);
/* Remove members that are null: for parts of JSON fields. */
void read_prune(json_t *object);

#endif
