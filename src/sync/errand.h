/*
 * Errands at a source that a person asks for: whose key is it, make the
 * webhook, take it away.  Pages and verbs ask and look at what came of it
 * (state/walk.h); workers run them, since only they call out.
 */
#ifndef SYNC_ERRAND_H
#define SYNC_ERRAND_H

#include "state/walk.h"
#include "sync/setup.h"

#define ERRAND_JOB "errand" /* its arg is the connection */

/* What can be asked for.  Answers are the driver's (source.h), of put the endpoint as it is now. */
#define ERRAND_PROBE "probe"         /* whose key is it; what it tells is learnt */
#define ERRAND_ENDPOINTS "endpoints" /* the webhooks there; "ours" marks the one to our address */
#define ERRAND_REGISTER "register"   /* make or mend ours; ask: {"events": [types]} or nothing */
#define ERRAND_REMOVE "remove"       /* take ours away */

/* Ask; -1 BH_INVALID when the source knows no such errand (say how it is done by hand). */
int errand_ask(struct store_txn *txn, const char *connection, const char *name, json_t *ask_take,
    struct bh_err *err);
/* Run what is open. */
int errand_run(const struct sync_context *context, const char *connection,
    struct sync_outcome *outcome, struct bh_err *err);
/* The address that a connection's webhook has: public_url/hook/CODE, appended. */
void errand_url(struct bh_buf *out, const struct conf *conf, const char *connection);
/* The types of events that are wanted: settings.events, or those offered by default; new reference. */
json_t *errand_events(const struct source_driver *driver, const json_t *settings);

#endif
