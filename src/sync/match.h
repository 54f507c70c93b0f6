/*
 * Which record of the CRM is an object's?  Asked for links that have none
 * yet, in the fewest calls, by the rules of the mapping (map/match.h).
 */
#ifndef SYNC_MATCH_H
#define SYNC_MATCH_H

#include "sync/render_internal.h"

/*
 * Look for the records of those items that are to be sent and name none: a
 * found one is adopted (written by its id from now on, link.how says why).
 * Several: RENDER_BROKEN as LINK_AMBIGUOUS, the candidates are stored for a person.  None, and
 * none may be made: RENDER_UNMATCHED.  A record that carries the key of another object is
 * nobody's candidate.  What would decide but cannot be asked (a field that is not there):
 * RENDER_BROKEN.  -1: the CRM cannot be asked now, or the store failed.
 */
int match_items(struct render_batch_state *batch, struct bh_err *err);

#endif
