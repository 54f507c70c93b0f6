/* What every job of this folder works with. */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include "conf/conf.h"
#include "net/http.h"
#include "state/account.h"
#include "store/store.h"

struct sync_context {
	const struct conf *conf;
	struct store *store;
	const struct account_key *key;
	struct http_transport *transport; /* NULL: nothing that calls out may be run */
	/* Asked between steps: true = finish the step and return. */
	bool (*is_stopping)(void *arg);
	void *arg;
};

bool sync_is_stopping(const struct sync_context *context);

/*
 * Is a stored "not before" still ahead?  One more than a day ahead was stored
 * while the clock was wrong: no pause of ours is that long, so it is over.
 */
bool sync_is_ahead(int64_t at_ms);

/* How a run ended. */
struct sync_outcome {
	int64_t again_ms; /* when to run again; -1: when woken */
	bool held;        /* push: nothing was done, a batch is forming */
	size_t handled;   /* events, or records settled */
};

#endif
