/* What the pages of a sync share. */
#ifndef WEB_PAGE_SYNC_H
#define WEB_PAGE_SYNC_H

#include "web/sync_facts.h"

/* The sync that the path names (first argument): 1; 0 there is none (answered with 404); -1. */
int sync_load(struct exchange *exchange, struct sync_facts *facts, json_t *live,
    struct bh_err *err);
/*
 * Its page.  problem: why a button did nothing; error: what is wrong with the settings that were
 * posted, which are shown again; NULL none.
 */
int sync_show(struct exchange *exchange, const char *problem, const char *error,
    struct bh_err *err);
/* To its page; query: "?saved=1" or "". */
void sync_go(struct exchange *exchange, const char *code, const char *query);

#endif
