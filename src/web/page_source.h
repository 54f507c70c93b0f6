/* What the pages about sources share. */
#ifndef WEB_PAGE_SOURCE_H
#define WEB_PAGE_SOURCE_H

#include "source/source.h"
#include "web/page.h"

/*
 * The source connection that the path names (first argument), with its
 * secrets where the key is there: 1; 0 there is none (answered with 404); -1.
 */
int source_load(struct exchange *exchange, struct account_connection *connection,
    const struct source_driver **driver_r, struct bh_err *err);
/* Its page; error: a sentence about what was posted, shown with what was typed; NULL none. */
int source_show(struct exchange *exchange, const struct account_connection *connection,
    const struct source_driver *driver, const char *error, struct bh_err *err);
/* To its page; query: "?saved=1" or "". */
void source_go(struct exchange *exchange, const char *code, const char *query);
/* Where the billing system is to send its webhooks: as configured, else as we are seen now. */
json_t *source_hook_url(const struct exchange *exchange, const char *code);
/* How its webhook is made by hand, a line each: {text, url, rest}; new reference. */
json_t *source_steps(const struct exchange *exchange, const struct source_driver *driver,
    const char *code);

#endif
