/* The form of a source connection, made of its driver's settings table. */
#ifndef WEB_SOURCE_FORM_H
#define WEB_SOURCE_FORM_H

#include "source/source.h"
#include "state/account.h"
#include "web/request.h"

/*
 * For the template _setting: array of objects, two groups by "is_advanced".
 * A secret's value is never given back, only that there is one stored.
 * connection: as stored.  posted: what was typed, shown again after an error;
 * NULL: the stored values.  error: its sentence, to mark the field; may be NULL.
 */
json_t *source_form_view(const struct source_driver *driver,
    const struct account_connection *connection, const struct request *posted, const char *error);
/* A sentence about a setting, which it begins with, by the name that people see; new reference. */
json_t *source_form_error(const struct source_driver *driver, const char *error);
/* Was a secret typed? */
bool source_form_has_secret(const struct source_driver *driver, const struct request *request);
/* Has the driver settings that are shown only when asked for? */
bool source_form_has_more(const struct source_driver *driver);

/*
 * What was posted into connection->settings and ->secrets (both replaced).  A
 * secret left empty keeps the stored one, unless "drop.<name>" is there; a
 * setting left empty, or equal to what holds without, is left out.
 * -1 BH_INVALID naming the setting: no JSON, no number.
 */
int source_form_read(const struct source_driver *driver, const struct request *request,
    struct account_connection *connection, struct bh_err *err);

#endif
