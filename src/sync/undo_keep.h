/*
 * Keeping what a push writes over (state/undo.h): what the CRM holds is asked with the
 * read that settles shared fields (conflict.h), stored before the records travel, and made
 * sure of when their results are known.
 *
 * What a run made itself is not asked for again while the run goes on: there was nothing before.
 */
#ifndef SYNC_UNDO_KEEP_H
#define SYNC_UNDO_KEEP_H

#include "state/undo.h"
#include "sync/render.h"

/* Whether and how each item that is to be sent is kept: sets its undo. */
int undo_plan(const struct lane *lane, struct render_item *items, size_t n, struct bh_err *err);

/* A lookup is a field of the CRM by this name; NULL: it is not, or it is written in another way. */
const char *undo_lookup(const struct lane *lane, const struct record_parent *parent);

/* Store what is about to be written over by those that are sent (is_sent NULL: all of them). */
int undo_mean(struct lane *lane, struct render_item *items, size_t n, const bool *is_sent,
    struct bh_err *err);
/* What became of them: entries of what was not written go, runs are counted. */
int undo_confirm(struct lane *lane, struct render_item *items, const struct dest_result *results,
    size_t n, struct bh_err *err);

#endif
