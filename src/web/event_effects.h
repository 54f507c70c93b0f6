/* What came of an event: the objects that it changed, and how each stands in the CRMs. */
#ifndef WEB_EVENT_EFFECTS_H
#define WEB_EVENT_EFFECTS_H

#include "state/journal.h"
#include "web/page.h"

/*
 * For templates: array of {text, customer_url ("" but for customers), records: as link_view()
 * makes them}; at most EVENT_EFFECTS_MAX objects.  0 with a new reference, -1.
 */
#define EVENT_EFFECTS_MAX 20
int event_effects(struct exchange *exchange, const struct journal_event *event, json_t **list_r,
    struct bh_err *err);

#endif
