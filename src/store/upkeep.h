/*
 * The keeper's second thread: checkpoints when enough was written or enough
 * time has passed, and backups on demand, one after the other (a checkpoint
 * removes log files that a running backup still needs).
 */
#ifndef STORE_UPKEEP_H
#define STORE_UPKEEP_H

#include "store/bdb.h"

struct upkeep;

struct upkeep_options {
	struct bdb *bdb; /* borrowed */
	int checkpoint_s;
	size_t checkpoint_bytes;
};

/* -1 BH_STORAGE when the thread cannot be made. */
int upkeep_start(const struct upkeep_options *options, struct upkeep **upkeep_r,
    struct bh_err *err);
/* Waits for what is being done. */
void upkeep_stop(struct upkeep **upkeep);
/* Readable when a backup has ended or something failed. */
int upkeep_fd(const struct upkeep *upkeep);
/* Take the signal from the descriptor. */
void upkeep_seen(const struct upkeep *upkeep);
/* So much was written since the last call. */
void upkeep_note(struct upkeep *upkeep, size_t bytes);
/* A checkpoint failed: end the process, so that the next one recovers. */
bool is_upkeep_failed(struct upkeep *upkeep);

/* False when a backup is running already. */
bool is_upkeep_backup_begun(struct upkeep *upkeep, const char *dir, uint64_t serial);
/* True once for each backup that has ended: whose it was; rc 0 or -1 with err. */
bool is_upkeep_backup_ended(struct upkeep *upkeep, uint64_t *serial_r, int *rc_r,
    struct bh_err *err);

#endif
