/*
 * Owners: an automation may give what it makes to the owner of the record that
 * it hangs on (auto/rule.h).  Whose that is, each CRM tells by itself, so it is asked when
 * the record is about to be made: all parents of a batch in one read, and who of
 * their owners is active in another.  Answers are kept for a while (state/target.h).
 *
 *   the first parent that has an owner who is active | that one
 *   none                                             | whom the automation names beside, in turns
 *   nobody is named                                  | whoever the CRM takes
 *
 * Where several are named who take turns, one who is not active passes his on to the next.
 *
 * A record that is there keeps its owner: a person may have given it to somebody else.
 */
#ifndef SYNC_OWNER_H
#define SYNC_OWNER_H

#include "sync/render.h"

/*
 * Put owners into the records that are to be made.  Only where the mapping writes the
 * action's field "owner" into the CRM's.  -1: the CRM cannot be asked now.
 */
int owner_resolve(struct lane *lane, struct render_item *items, size_t n, struct bh_err *err);

#endif
