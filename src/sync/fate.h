/*
 * What became of records that the CRM no longer has under the id that we
 * know: merged into another, or deleted by a person.  A known record is never
 * silently made anew.  And whose a record is that stands in the way of a new one.
 */
#ifndef SYNC_FATE_H
#define SYNC_FATE_H

#include "sync/render.h"

/* The driver's word for a record that is not there (any more) under its id. */
#define FATE_GONE "GONE"
/* Its word for a new record that another one stands in the way of, which it names. */
#define FATE_OWNED "CONFLICT"

/*
 * Look at the sent items that the CRM refused as FATE_GONE or FATE_OWNED.  An owner that has no
 * key of ours is adopted (RENDER_MOVED); one that has another's key stays in the way.  A merged one moves
 * to its survivor (RENDER_MOVED: to be sent again), a deleted one is refused with a
 * remedy, as is a merged one whose survivor belongs to another object.  What cannot be asked now is DEST_LATER.
 */
void fate_resolve(struct lane *lane, struct render_item *items, struct dest_result *results,
    size_t n);

#endif
