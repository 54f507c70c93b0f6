/*
 * Reading the spool: each file becomes one commit under an id made from its
 * name and contents, so that a file met again after a crash is not applied
 * twice.  A file is removed only after the flush.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "store/keeper.h"
#include "store/serve.h"

struct import;

struct import_options {
	const char *data_dir;
	struct serve *serve; /* borrowed */
	int (*import)(struct store_txn *txn, const void *content, size_t len, struct bh_err *err);
	/* Called for each commit applied: watches. */
	void (*applied)(void *arg, const struct wire_commit *commit);
	/* Make what was applied durable; -1: end everything, nothing may be removed. */
	int (*flush)(void *arg);
	void *arg;
};

struct import *import_new(const struct import_options *options);
void import_free(struct import **import);
/*
 * Import some files.  1 there may be more, 0 all done for now, -1 the store
 * failed (see flush).  A file that cannot be imported now (BH_STORAGE, BH_UNAVAILABLE)
 * stays; one that never can is moved to spool/bad.
 */
int import_pass(struct import *import);
void import_stats(const struct import *import, json_t *stats);

#endif
