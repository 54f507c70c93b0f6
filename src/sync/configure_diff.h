/* What a document changes of something that is there, in lines for people. */
#ifndef SYNC_CONFIGURE_DIFF_H
#define SYNC_CONFIGURE_DIFF_H

#include "base/json.h"

#define CONFIGURE_DIFF_LINES 200 /* of one thing; more are counted */

/*
 * Append to lines (array of texts, each with two blanks in front) in what `is` differs from
 * `was`: "  settings.mode: "test" becomes "live"".  Either may be NULL.  Items of lists are
 * told apart by code, name or CRM field, else by place.
 */
void configure_diff(json_t *lines, const json_t *was, const json_t *is);
/* Which secrets of the document are other ones than those stored: names only. */
void configure_diff_secrets(json_t *lines, const json_t *references, const json_t *was,
    const json_t *is);
/* The lines without those of what differs: what is kept in the trail (new reference). */
json_t *configure_diff_heads(const json_t *lines);

#endif
