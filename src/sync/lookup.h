/*
 * Look-ups: wants (state/want.h) are asked at the source, one by one, and
 * what it answers goes into the mirror.
 */
#ifndef SYNC_LOOKUP_H
#define SYNC_LOOKUP_H

#include "sync/setup.h"

#define LOOKUP_JOB "fetch" /* its arg is the connection */

/* A slice of a connection's wants; outcome->again_ms when more are due. */
int lookup_run(const struct sync_context *context, const char *connection,
    struct sync_outcome *outcome, struct bh_err *err);

#endif
