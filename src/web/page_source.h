/* What a source's page is made of; page_connection.c calls it. */
#ifndef WEB_PAGE_SOURCE_H
#define WEB_PAGE_SOURCE_H

#include "web/page_connection.h"

int source_show(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *error, struct bh_err *err);
int source_status(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err);
/* A button: the path's second argument. */
int source_act(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err);

#endif
