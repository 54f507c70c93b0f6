/*
 * How far a customer reaches into the records of its subscriptions, invoices
 * and so on: the fields of the customer that their templates and filters name,
 * and those that decide which record is their parent.
 */
#ifndef SYNC_REACH_H
#define SYNC_REACH_H

#include "sync/working.h"

/* Add to names, an object, the fields that records of this mapped object depend on.  mapping: as shaped. */
void reach_add(const json_t *mapping, const json_t *object, json_t *names);
/* Those of all mapped objects (new reference); NULL: there are none. */
json_t *reach_fields(const json_t *mapping);

/* Does this customer, as it was changed, say something else in one of these fields?  names may be NULL. */
bool is_reach_changed(const json_t *names, const struct working_object *customer);

#endif
