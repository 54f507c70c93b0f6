/* How far a walk is, as people read it. */
#ifndef WEB_WALK_VIEW_H
#define WEB_WALK_VIEW_H

#include "state/walk.h"

/* "Step 2 of 7, invoices: 1,200 of 4,000, 310 a second, over in 9 s. ", appended.  what: "invoices". */
void walk_view_step(struct bh_buf *text, const struct walk *walk, const char *what, int64_t now_ms);
/* Of all phases as if they were of one size, of the phase by its rows where their number is known. */
int walk_view_percent(const struct walk *walk);

#endif
