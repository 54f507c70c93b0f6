/*
 * A value on its way from a canonical object to the CRM, and its conversions.
 * After a transform the type says what the JSON text stands for: DECIMAL,
 * DATE, TIME, URL, EMAIL, ENUM or TEXT.
 */
#ifndef MAP_VALUE_H
#define MAP_VALUE_H

#include "model/object.h"

struct map_value {
	json_t *json;         /* owned; NULL absent (not known), JSON null empty */
	enum field_type type; /* NONE while absent */
	int exponent;         /* MONEY: decimals of its currency */
};

#define MAP_VALUE_ABSENT                                                                           \
	{                                                                                          \
		NULL, FIELD_NONE, 2                                                                \
	}

void map_value_release(struct map_value *value);
/* Replace what value holds; takes json's reference. */
void map_value_take(struct map_value *value, json_t *json, enum field_type type);
/* Takes the contents of a buffer as TEXT; null when it is empty. */
void map_value_take_text(struct map_value *value, struct bh_buf *text);
/* Absent, null or "". */
bool is_map_value_empty(const struct map_value *value);

/* What a value may be read as; in words for errors: "a yes-or-no". */
const char *map_type_name(enum field_type type);

/*
 * Conversions of a value that is not empty.  New references.  -1 BH_INVALID
 * with the value, cut to what fits an error.
 */
/* Text of any type: money in major units, JSON compact.  Cannot fail. */
json_t *map_value_text(const struct map_value *value);
/* A decimal text as decimal.h describes it. */
int map_value_decimal(const struct map_value *value, json_t **json_r, struct bh_err *err);
int map_value_bool(const struct map_value *value, json_t **json_r, struct bh_err *err);
/* "YYYY-MM-DD" of the UTC day. */
int map_value_date(const struct map_value *value, json_t **json_r, struct bh_err *err);
/* RFC 3339 in UTC; midnight for a date. */
int map_value_time(const struct map_value *value, json_t **json_r, struct bh_err *err);

#endif
