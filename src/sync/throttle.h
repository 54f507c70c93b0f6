/*
 * How much of a CRM's daily allowance of calls Billhook may use: the settings
 * throttle and reserve of a connection, in percent of what the org may call in
 * a day, whoever calls.
 */
#ifndef SYNC_THROTTLE_H
#define SYNC_THROTTLE_H

#include "sync/lane.h"

enum throttle_level {
	THROTTLE_OPEN = 0,
	THROTTLE_URGENT, /* only what a mapping calls urgent */
	THROTTLE_SHUT    /* nothing */
};

/* By what the CRM told last; THROTTLE_OPEN where it told nothing. */
enum throttle_level throttle_level(const struct lane *lane);

/*
 * What it told other lanes of the same account counts, too, and the pause that it asked them for.
 * What the CRM told may be old, and others' calls age out of the window: above
 * the throttle it is asked again, every ten minutes at most.
 */
void throttle_refresh(struct lane *lane);

/* Milliseconds until it is worth looking again. */
#define THROTTLE_LOOK_MS (10 * 60 * INT64_C(1000))

/* For people; "" when open. */
void throttle_say(const struct lane *lane, char *out, size_t size);

/*
 * May what is not urgent ask the CRM now?  -1 BH_LIMITED with retry_after_s: above the throttle, or
 * the CRM asks, or asked the lane, for silence.
 */
int throttle_check(struct lane *lane, struct bh_err *err);

#endif
