/* The form of a source connection, made of its driver's settings table. */
#ifndef WEB_SOURCE_FORM_H
#define WEB_SOURCE_FORM_H

#include "source/source.h"
#include "state/account.h"
#include "web/request.h"

/*
 * For the template _setting: array of objects, two groups by "is_advanced".
 * A secret's value is never given back, only that there is one.  posted: what
 * was typed, shown again after an error; NULL: the stored values.
 */
json_t *source_form_view(const struct source_driver *driver,
    const struct account_connection *connection, const struct request *posted);

/*
 * What was posted into connection->settings and ->secrets (both replaced).  A
 * secret left empty keeps the stored one; a setting left empty is left out.
 * -1 BH_INVALID naming the setting: no JSON, no number.
 */
int source_form_read(const struct source_driver *driver, const struct request *request,
    struct account_connection *connection, struct bh_err *err);

#endif
