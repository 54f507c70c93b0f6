/*
 * A mapping as a sync uses it: what its settings switch off is taken out,
 * what they say is put in, and names begin with the connection's prefix.
 * map_new() takes the result.  Constant values are names, too (of record types).  Pure.
 *
 *   "on": "lines"          an object is there only while the setting lines is true; of a list: while all are
 *   "create": "{name}"     the setting's value; true is "yes", false "no"
 *   {"to", "setting": "x"} a row with the setting's value; no row while it is empty
 *   "default": {"setting": "x"}   the setting's value; no default while it is empty
 *   "enum": {"won": "{x}"} the setting's value as the word
 *   {"setting": "x", "is": "a"}   in a filter: does the setting have this value?  also "in", "not_in"
 *
 * An object that can have nobody pass its filter any more is switched off as well.
 */
#ifndef MAP_SHAPE_H
#define MAP_SHAPE_H

#include "base/json.h"

/*
 * New reference in *shaped_r.  settings: of the sync (may be NULL), over the mapping's
 * own defaults.  Names that begin with from begin with to instead; NULL or equal: they stay.
 * -1 BH_INVALID: an "on", "create" or "enum" names a setting that is not set.
 */
int map_shape(const json_t *mapping, const json_t *settings, const char *from, const char *to,
    json_t **shaped_r, struct bh_err *err);

/*
 * A prefix as it stands in names that are written together: "Billhook" of "billhook_".
 * Owned by the caller.
 */
char *map_stem(const char *prefix);
/*
 * The name of a CRM's object with another prefix: "acme_x" of "billhook_x", "AcmeInvoices" of
 * "BillhookInvoices"; others as they are, and all of them where from or to is NULL.  Owned by the caller.
 */
char *map_object_name(const char *name, const char *from, const char *to);

/* Renames the text of a member of an object, where it begins with from; both may be NULL: nothing. */
void map_rename(json_t *object, const char *member, const char *from, const char *to);

#endif
