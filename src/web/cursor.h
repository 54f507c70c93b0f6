/* Where a list goes on, as part of an address: a key of the store. */
#ifndef WEB_CURSOR_H
#define WEB_CURSOR_H

#include "web/request.h"

/* "after=...", for an address. */
void cursor_add(struct bh_buf *url, const struct bh_buf *after);
/* What the address says; empty where it says nothing that can be read.  It is not to be trusted. */
void cursor_read(const struct request *request, struct bh_buf *after);
/* The same of a posted form. */
void cursor_read_form(const struct request *request, struct bh_buf *after);

#endif
