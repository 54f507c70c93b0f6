/*
 * Counters that all processes of a data directory share: what was answered,
 * and which processes were started.  They stand in the file run/tally, mapped
 * into each process, so that counting costs neither a call nor a lock.  They
 * begin again at 0 with a new run/ or another version of the file: counters of
 * monitoring systems may.
 */
#ifndef STATE_TALLY_H
#define STATE_TALLY_H

#include "base/base.h"

/* Upper bounds of the buckets of acknowledgements, microseconds; one more is without bound. */
#define TALLY_BUCKETS 12
extern const int64_t tally_bounds_us[TALLY_BUCKETS];

enum tally_slot {
	TALLY_ACCEPTED = 0, /* webhooks, by answer */
	TALLY_DUPLICATE,
	TALLY_REFUSED,
	TALLY_UNAVAILABLE,
	TALLY_UNKNOWN,
	TALLY_START_KEEPER, /* processes */
	TALLY_START_DISPATCHER,
	TALLY_START_FRONT,
	TALLY_ACK_US, /* all acknowledgements together */
	TALLY_ACK,    /* the first of the buckets */
	TALLY__MAX = TALLY_ACK + TALLY_BUCKETS + 1
};

/*
 * Map the file of this data directory, made where it is absent.  Until then,
 * and where it cannot be had, nothing is counted.  Children inherit it.
 */
void tally_open(const char *data_dir);
void tally_close(void);

void tally_add(enum tally_slot slot, uint64_t n);
/* An acknowledgement (accepted or duplicate) that took so long. */
void tally_ack(int64_t took_us);
/* All counters; zeros where there is no file. */
void tally_read(const char *data_dir, uint64_t counters[TALLY__MAX]);

#endif
