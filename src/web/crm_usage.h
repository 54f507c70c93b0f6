/* How much of a CRM's API is used: text, gauge with limit and throttle, forecast. */
#ifndef WEB_CRM_USAGE_H
#define WEB_CRM_USAGE_H

#include "dest/dest.h"
#include "state/account.h"
#include "state/link.h"

/*
 * For _gauge.mustache (new reference); the texts that change are in live, too, under
 * "<scope>.<name>".  driver may be NULL.
 */
json_t *crm_usage_view(const struct account_connection *connection,
    const struct dest_driver *driver, const struct link_lane *lane, const char *scope,
    json_t *live);

#endif
