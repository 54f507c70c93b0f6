/*
 * References: names of values inside a mapping.
 *
 *   total               a canonical field of the object
 *   metadata.tier       a value inside a structured field
 *   customer.email      a field of the object's customer (not for customers themselves)
 *   id, key, account    the source's id, the record's key, the part of keys for accounts
 */
#ifndef MAP_REFERENCE_H
#define MAP_REFERENCE_H

#include "map/value.h"

#define REFERENCE_BYTES 200

/* Against what references are read; everything is borrowed and may be NULL. */
struct reference_view {
	const json_t *object, *customer;
	const char *id, *key, *account;
};

struct reference {
	bool of_customer;
	const struct object_field *field; /* NULL: one of the three names */
	char name;                        /* 'i', 'k', 'a' */
	char path[REFERENCE_BYTES + 1];   /* inside a JSON field; "" all of it */
};

/* -1 BH_INVALID when kind has no such field. */
int reference_parse(const char *text, size_t len, enum object_kind kind, struct reference *ref,
    struct bh_err *err);
/* What the mapping knows of its type; JSON where only the value will tell. */
enum field_type reference_type(const struct reference *ref);
/*
 * Fill value, which is absent before and afterwards when the source does not know it.
 * Money is in the object's "currency", a customer's figures (FIELD_DERIVED) in its "figures_currency".
 */
void reference_read(const struct reference *ref, const struct reference_view *view,
    struct map_value *value);
/* The currency of what it reads, where that is money; borrowed from the view, NULL it is not known. */
const char *reference_currency(const struct reference *ref, const struct reference_view *view);

#endif
