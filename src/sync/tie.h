/*
 * What a record is tied to in a CRM that does not forget a former parent by
 * itself (DEST_CAP_UNLINK).  The link keeps it as lines "<CRM object> <id>\n".
 */
#ifndef SYNC_TIE_H
#define SYNC_TIE_H

#include "sync/render.h"

/*
 * The parents of an item that is to be sent are known: what it will be tied to
 * goes to item->tied, and what it was tied to before and is no longer becomes
 * the record's formers.  Ties that are too many to be kept are not followed.
 */
void tie_note(struct render_item *item);

/*
 * The item was sent, and what it is tied to now is not known: its link keeps both, the old ties and
 * the new; where old ones may have been taken away all are made anew.
 */
void tie_doubt(struct render_item *item);

#endif
