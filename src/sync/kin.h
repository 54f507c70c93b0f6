/*
 * Records that hang together: a parent that the CRM has no more, and the
 * children of a record that took another's place.
 */
#ifndef SYNC_KIN_H
#define SYNC_KIN_H

#include "sync/render.h"

/*
 * The CRM does not find a parent of this item's record, though all were thought to be there.
 * Those that are clean are to be sent whole once more: 0.  Where none is, the item waits
 * for one of them (RENDER_WAITING): 1.  -1.
 */
int kin_look(struct lane *lane, struct render_item *item, struct bh_err *err);

/*
 * The record of this link is another one than before: what hangs below it is sent once more.
 * Before the link is settled, so that a crash between repeats it.
 */
int kin_renew_below(struct lane *lane, const struct link_id *id, struct bh_err *err);

#endif
