/*
 * Free space on the disk of the database.  A ballast file holds the space
 * that recovery needs, whoever fills the disk; it is given up when the
 * database cannot be opened, and made again when there is room.  While it is
 * missing, or little is free beside it, commits are refused.
 */
#ifndef STORE_SPACE_H
#define STORE_SPACE_H

#include "base/err.h"

struct space {
	char *dir;
	char *ballast;
	size_t ballast_bytes; /* 0: no ballast, nothing is ever refused */
	bool has_ballast;
	int64_t checked_ms;
	uint64_t free_bytes; /* when it was last looked at */
};

void space_init(struct space *space, const char *dir, size_t ballast_bytes);
void space_release(struct space *space);
/* Make the ballast file where it is missing. */
void space_hold(struct space *space);
/* Remove it; true when there was one. */
bool is_space_given_up(struct space *space);
/* May bytes more be written?  -1 BH_STORAGE. */
int space_check(struct space *space, size_t bytes, struct bh_err *err);

#endif
