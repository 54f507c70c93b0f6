/*
 * Errands at a CRM that a person asks for: who is it, log in, what of the
 * schema is there, install it, take it away, whom does it hold that billing does not know.
 */
#ifndef SYNC_CRM_ERRAND_H
#define SYNC_CRM_ERRAND_H

#include "state/walk.h"
#include "sync/setup.h"

/*
 * Do one and store what came of it; errand is as loaded, and is_open no more
 * afterwards.  *again_r: when it is to be tried again; 0 it is settled.  -1: the store failed.
 */
int crm_errand_run(const struct sync_context *context, const struct setup *setup,
    const struct setup_connection *connection, const char *name, struct errand *errand,
    int64_t *again_r, struct bh_err *err);

#endif
