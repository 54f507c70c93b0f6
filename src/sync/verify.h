/*
 * Verifying: what was worked out bit by bit must equal what comes out when
 * it is worked out from everything that is held.
 */
#ifndef SYNC_VERIFY_H
#define SYNC_VERIFY_H

#include "sync/setup.h"

struct verify {
	bool mend; /* store what is right where it differs */
	/* One difference: as apply_differences() gives them.  May be NULL. */
	void (*say)(void *arg, const char *connection, const json_t *difference);
	void *arg;
	size_t customers, differences; /* counted here */
};

/*
 * All customers of a source connection.  Safe beside live events (a customer
 * that changes meanwhile is looked at again), in bounded memory.  -1: the store failed.
 */
int verify_connection(const struct sync_context *context, const char *connection,
    struct verify *verify, struct bh_err *err);

#endif
