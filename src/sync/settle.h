/*
 * What a push made of records becomes the state of their links: accepted,
 * tried again later, held for a person, waiting for a parent.
 */
#ifndef SYNC_SETTLE_H
#define SYNC_SETTLE_H

#include "sync/render.h"

/* One run of a lane. */
struct push_run {
	const struct sync_context *context;
	struct lane *lane;
	int64_t again_ms;      /* earliest not_before of what stays dirty; INT64_MAX */
	int64_t pause_ms;      /* the CRM asks for silence until then; 0 */
	bool is_stopped;       /* the connection is broken, or asks for silence */
	bool is_cut;           /* its time was over before all was looked at */
	struct bh_err failure; /* why no token is to be had at the moment */
	size_t sent, applied, created, refused, same, waiting, later;
	char batch[24]; /* names this run in the log; "" none */
};

/* The whole lane must wait, so no record is to blame. */
bool is_lane_waiting(const struct push_run *run);

/*
 * Settle n items of one lane; results are those of items that were sent.
 * Their links are stored in one transaction, marks that were set meanwhile stay.
 */
int settle_items(struct push_run *run, struct render_item *items, size_t n,
    const struct dest_result *results, struct bh_err *err);

#endif
