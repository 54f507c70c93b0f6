/* What a CRM's page is made of; page_connection.c calls it. */
#ifndef WEB_PAGE_CRM_H
#define WEB_PAGE_CRM_H

#include "web/page_connection.h"

int crm_show(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *error, struct bh_err *err);
/* The same with a sentence about a button that could not be pressed. */
int crm_show_problem(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *problem, struct bh_err *err);
int crm_status(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err);
/* A button: the path's second argument. */
int crm_act(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err);
/* The button that begins a login: shows where the person goes next. */
int crm_begin_login(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err);

#endif
