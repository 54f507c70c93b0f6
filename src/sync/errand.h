/*
 * Errands that a person asks for, at a source (whose key is it, make the
 * webhook, take it away) or a CRM (crm_errand.h).  Pages and verbs ask and look at what came of it
 * (state/walk.h); workers run them, since only they call out.
 */
#ifndef SYNC_ERRAND_H
#define SYNC_ERRAND_H

#include "state/walk.h"
#include "sync/setup.h"

/* Run what is open. */
int errand_run(const struct sync_context *context, const char *connection,
    struct sync_outcome *outcome, struct bh_err *err);
/* The address that a connection's webhook has: public_url/hook/CODE, appended. */
void errand_url(struct bh_buf *out, const struct conf *conf, const char *connection);
#endif
