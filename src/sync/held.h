/* What the records of a CRM hold now, for those who only look. */
#ifndef SYNC_HELD_H
#define SYNC_HELD_H

#include "model/record.h"
#include "sync/lane.h"

/*
 * Fill values of n readings, whose records have these keys, as the driver's read(); a sandbox holds what
 * it was given here.  A token that is over is got anew.  -1 as the driver says.
 */
int held_read(struct lane *lane, struct dest_reading *readings, const char *const *keys, size_t n,
    struct bh_err *err);
/* Does the CRM hold this value, whatever it makes of texts, numbers and times?  NULL is like nothing. */
bool is_held_alike(enum record_type type, const json_t *held, const json_t *value);
/* A value for people, cut: a JSON string (new reference), "" for none. */
json_t *held_shown(const json_t *value);

#endif
