/*
 * Push: one lane's dirty links to its CRM, parents first, in the largest
 * batches; each result is settled.
 */
#ifndef SYNC_PUSH_H
#define SYNC_PUSH_H

#include "sync/sync.h"

/*
 * Run lane dest until nothing that may be sent now is dirty, the time slice
 * is over or the context is stopping.  While events stream in faster than the option
 * push_rate, nothing is sent until they pause or may_hold is false: outcome->held.
 * A CRM that cannot be reached, or asks for silence, pauses the lane: outcome->again_ms.
 * -1: the store failed, or no token is to be had at the moment (BH_UNAVAILABLE,
 * BH_LIMITED with retry_after_s): try the lane again later.
 */
int push_run(const struct sync_context *context, const char *dest, bool may_hold,
    struct sync_outcome *outcome, struct bh_err *err);

#endif
