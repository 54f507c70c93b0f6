/*
 * Terms: what a subscription refers to (prices, discounts, coupons) and what
 * it needs of them to be worth something.  Pure.
 */
#ifndef SYNC_TERMS_H
#define SYNC_TERMS_H

#include "model/object.h"

/* The canonical fields of an object, borrowed; NULL when it is not held. */
typedef const json_t *terms_find(void *arg, enum object_kind kind, const char *id);
typedef void terms_each(void *arg, enum object_kind kind, const char *id);

/*
 * Name everything that state (a subscription, one of its earlier states, a
 * phase of a schedule) still needs; with what find gives, so that a second
 * call names what only a discount names.  find NULL: nothing is held yet.
 */
void terms_needed(const json_t *state, terms_find *find, terms_each *each, void *arg);
/* Fill in what is held, in place. */
void terms_fill(json_t *state, terms_find *find, void *arg);
/* The same for the discounts of a customer: new reference to the list with their terms. */
json_t *terms_discounts(const json_t *discounts, terms_find *find, void *arg);

#endif
