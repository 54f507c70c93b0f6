/* Shared by the parts of the reader only. */
#ifndef SOURCE_READER_INTERNAL_H
#define SOURCE_READER_INTERNAL_H

#include "source/reader.h"

#define READER_ELSE_MAX 4 /* "else" inside "else" */

/* One object being read.  Everything is borrowed. */
struct reading {
	struct source_news *news;
	const json_t *table;
	const json_t *hand;      /* the object at hand */
	const json_t *spec;      /* of the canonical object */
	const json_t *currency;  /* that the object tells; NULL none */
	const json_t *fallback;  /* currency of the connection's settings; NULL none */
	const char *field;       /* canonical name, for notes */
	const char *object_kind; /* likewise */
};

/* Keep the first phrase about something that was left out or rounded. */
void reader_note(const struct reading *reading, const char *fmt, ...) BH_PRINTF(2, 3);
/* The first value of paths that is not null; *null_r: one of them was null. */
const json_t *reader_find(const struct reading *reading, const json_t *paths, bool *null_r);
/* NULL (no condition) holds. */
bool is_reader_met(const struct reading *reading, const json_t *condition);
bool is_reader_pattern(const char *pattern, const char *word);

/*
 * A conversion makes the canonical value (new reference) or NULL when it does
 * not understand; fits tells for which types of field.
 */
#define READER_FIT(type) (1u << FIELD_##type)
struct reader_conversion {
	const char *name;
	unsigned fits;
	json_t *(*make)(const struct reading *reading, const json_t *spec, const json_t *value);
};
/* By name, "setting:NAME" included (then by settings, which may be NULL); NULL when there is none. */
const struct reader_conversion *reader_conversion(const char *name, const json_t *settings);
/* What is taken where a field names none; NULL for money, which must say its unit. */
const struct reader_conversion *reader_conversion_for(enum field_type type);
/* A currency of three letters in capitals; new reference or NULL. */
json_t *reader_currency(const json_t *value);

#endif
