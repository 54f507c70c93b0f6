/* The form of a connection, made of its driver's table of settings (NULL: it has none). */
#ifndef WEB_CONNECTION_FORM_H
#define WEB_CONNECTION_FORM_H

#include "state/account.h"
#include "web/request.h"

struct setting; /* net/setting.h */

/*
 * For the template _setting: array of objects, two groups by "is_advanced".
 * A secret's value is never given back, only that there is one stored.
 * connection: as stored.  posted: what was typed, shown again after an error;
 * NULL: the stored values.  error: its sentence, to mark the field; may be NULL.
 */
json_t *connection_form_view(const struct setting *table,
    const struct account_connection *connection, const struct request *posted, const char *error);
/* A sentence about a setting, which it begins with, by the name that people see; new reference. */
json_t *connection_form_error(const struct setting *table, const char *error);
/* Was a secret typed? */
bool connection_form_has_secret(const struct setting *table, const struct request *request);
/* Has the table settings that are shown only when asked for? */
bool connection_form_has_more(const struct setting *table);

/*
 * What was posted into connection->settings and ->secrets (both replaced).  A
 * secret left empty keeps the stored one, unless "drop.<name>" is there; a
 * setting left empty, or equal to what holds without, is left out.
 * -1 BH_INVALID naming the setting: no JSON, no number.
 */
int connection_form_read(const struct setting *table, const struct request *request,
    struct account_connection *connection, struct bh_err *err);

#endif
