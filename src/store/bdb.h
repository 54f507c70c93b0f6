/*
 * The Berkeley DB environment, as the keeper owns it: private to the process,
 * recovered at every opening, one B-tree.  Commits are not flushed by
 * themselves: bdb_flush() makes all before it durable.
 *
 * One thread reads and writes; bdb_checkpoint() and bdb_backup() may run in
 * another one meanwhile.
 */
#ifndef STORE_BDB_H
#define STORE_BDB_H

#include "store/serve.h"

#define BDB_FILE "store.db"
#define BDB_LOG_FILE_BYTES (16u << 20)
/* Commits remembered: at 8,000/s about two seconds of them; see ring.h for what happens beyond. */
#define KEEPER_RING 16384

struct bdb;

struct bdb_options {
	const char *dir; /* exists */
	size_t cache_bytes;
	int flush_delay_ms;
	bool is_restored; /* recover from the whole log: the files are a copy */
};

extern const struct table_ops bdb_ops;

/* -1 BH_STORAGE. */
int bdb_open(const struct bdb_options *options, struct bdb **bdb_r, struct bh_err *err);
/* Without a checkpoint: what was flushed is safe anyway. */
void bdb_close(struct bdb **bdb);

/* -1: nobody may be answered; end the process, so that the next one recovers. */
int bdb_flush(struct bdb *bdb, struct bh_err *err);
/* Something failed after which only recovery tells what was written. */
bool is_bdb_broken(const struct bdb *bdb);

/* Write changed pages and remove log files that are not needed.  -1 as bdb_flush(). */
int bdb_checkpoint(struct bdb *bdb, struct bh_err *err);
/* A copy of the running environment; dir is made or is empty. */
int bdb_backup(struct bdb *bdb, const char *dir, struct bh_err *err);
/* Log bytes, flushes, cache hits ... added to stats. */
void bdb_stats(struct bdb *bdb, json_t *stats);

#endif
