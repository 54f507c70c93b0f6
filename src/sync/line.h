/*
 * Lines of an invoice as objects of their own (OBJECT_INVOICE_LINE).  Pure.
 *
 * A line is "<id of the invoice>/<name>".  Its name is its id at the source
 * where that tells the line from the others and fits; else its place, from 1,
 * with dots behind where another line's id reads so.
 */
#ifndef SYNC_LINE_H
#define SYNC_LINE_H

#include "model/object.h"

/* More lines of an invoice are left out: what one event marks has to fit into a commit. */
#define LINES_MAX 1000
#define LINE_ID_MAX 255 /* bytes of invoice and name: as long as an id can be */

/* Name -> place in lines (from 0) for each of them; new reference, empty when lines is no list. */
json_t *line_names(const char *invoice, const json_t *lines);
/* Behind the last slash of a line's id; NULL when there is none. */
const char *line_name(const char *id);
/*
 * The fields of a line, names being those of the invoice's lines.  One that the
 * invoice has no more, or of an invoice that was deleted, is "deleted" and
 * amounts to nothing.  NULL when nobody knows: the source told not all lines.  New reference.
 */
json_t *line_fields(const char *invoice, const struct object_state *state, const json_t *names,
    const char *name);

#endif
