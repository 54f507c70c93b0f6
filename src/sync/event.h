/* Events of the journal as objects of their own (OBJECT_EVENT).  Pure. */
#ifndef SYNC_EVENT_H
#define SYNC_EVENT_H

#include "source/source.h"
#include "state/journal.h"

/*
 * The change that an event is about: the first that is of no customer, else
 * the first; NULL without any.  Its object may have several changes: parts with versions of
 * their own.  Borrowed.
 */
const struct object_change *event_subject(const struct object_changes *changes);
/* The customer of the subject, as the changes tell it; NULL.  Borrowed. */
const char *event_customer(const struct object_changes *changes);
/*
 * The fields of an event, which has a subject; id: under which the mirror
 * holds that; customer: NULL when nobody knows.  As of the event; the same however
 * often it is handled.  New reference.
 */
json_t *event_fields(const struct journal_event *event, const struct object_changes *changes,
    const char *id, const char *customer);

/* The name of an event in ids of links: sorts as events came.  20 digits. */
#define EVENT_NAME 21
void event_name(char out[EVENT_NAME], uint64_t stamp);
/* False when it is none. */
bool is_event_name(const char *name, uint64_t *stamp_r);

#endif
