/*
 * Fields that are not always ours: "if_empty", "if_unchanged", "on_create".
 * Decides which of them a push writes, with the fewest reads: the CRM is asked
 * only for fields whose value is another than the one that we wrote last.
 *
 *   the CRM holds          | if_empty | if_unchanged
 *   nothing                | write    | write, unless we wrote something there before
 *   what we wrote last     | write    | write
 *   something else         | leave    | leave
 *
 * What we wrote last is kept as a digest in the link (state/link.h: kept).  A push
 * that dies between sending and settling must not make a person's value of ours:
 * what is about to be written stands in the link beforehand (link_mean()).
 */
#ifndef SYNC_CONFLICT_H
#define SYNC_CONFLICT_H

#include "sync/render_internal.h"

/* Why a field is not written; noted in an item's left where there is one. */
enum conflict_left {
	CONFLICT_WRITTEN = 0,
	CONFLICT_CREATED,  /* it is written with the record's creation only */
	CONFLICT_SAME,     /* what we wrote last is the same */
	CONFLICT_UNSEEN,   /* it cannot be seen, so it may hold a person's value */
	CONFLICT_OCCUPIED, /* it is not empty */
	CONFLICT_CHANGED   /* a person changed it */
};

/*
 * Take out of the records that are to be sent what must not be written, and
 * fill each item's kept and meant.  A field that the CRM cannot read is left alone, and named in unseen.  -1:
 * the CRM cannot be asked now.
 */
int conflict_resolve(struct lane *lane, struct render_item *items, size_t n, struct bh_err *err);

/*
 * What is about to be written becomes kept of the links of those items that are to be
 * sent (is_sent NULL: all of them), before they travel: whoever dies meanwhile leaves
 * behind what they may have brought; else it would be a person's at the next push.
 */
int conflict_mean(struct lane *lane, struct render_item *items, size_t n, const bool *is_sent,
    struct bh_err *err);

/* A value's digest as kept: alike for what the CRM makes of a text, number or time. */
#define CONFLICT_DIGEST 8
void conflict_digest(char out[CONFLICT_DIGEST + 1], enum record_type type, const json_t *value);

#endif
