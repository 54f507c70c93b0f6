/*
 * What a lane does once in a while beside pushing: objects that wait for a
 * match are looked for again once an hour, and the event log in the CRM is
 * kept to its age (a sync's setting event_log_days) once a day.
 */
#ifndef SYNC_CHORES_H
#define SYNC_CHORES_H

#include "sync/settle.h"

/* Do what is due; run->again_ms tells when the next is.  -1: the store failed. */
int chores_run(struct push_run *run, struct bh_err *err);

#endif
