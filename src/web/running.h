/* Long work that runs now, of all connections and syncs: for the home page. */
#ifndef WEB_RUNNING_H
#define WEB_RUNNING_H

#include "web/page.h"

/*
 * What of this connection, or of this sync, runs: appended to list as {"key", "what", "name",
 * "url", "text", "percent"}.  Under "<key>." live has is_on ("" once it is over), text and
 * percent of each that could run.  0, -1.
 */
int running_of_connection(struct exchange *exchange, const struct account_connection *connection,
    json_t *list, json_t *live, struct bh_err *err);
int running_of_sync(struct exchange *exchange, const struct account_sync *sync, json_t *list,
    json_t *live, struct bh_err *err);

#endif
