/*
 * Dry runs of automations: what a rule would have done over the last days,
 * from what is stored.  Nothing is written but the answer (state/automation.h).
 *
 * The journal's events of that time are read again, in their order, and shown
 * to the rule with the clock of their day; objects without an event in that
 * time are shown as they are, and the clock goes on until today.  What Billhook
 * works out itself (MRR ...) is taken as it is now.
 */
#ifndef SYNC_TRIAL_H
#define SYNC_TRIAL_H

#include "sync/sync.h"

/* The dry run of this code, if one is asked for.  One that is interrupted begins anew. */
int trial_run(const struct sync_context *context, const char *code, struct sync_outcome *outcome,
    struct bh_err *err);

#endif
