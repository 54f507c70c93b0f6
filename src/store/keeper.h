/*
 * The keeper: the one process that owns the Berkeley DB environment.  It
 * serves get, scan, commit, watch over data_dir/run/keeper.sock, flushes once
 * per batch of waiting commits, checkpoints, prunes the log, imports the spool.
 */
#ifndef STORE_KEEPER_H
#define STORE_KEEPER_H

#include "store/store.h"

#define KEEPER_EXIT_TAKEN 3 /* another keeper holds the lock */
/*
 * The environment cannot be opened, or a flush failed: start again, it
 * recovers.  The caller ends its process at once, without tidying up: the lock
 * and the library's second thread live until then.
 */
#define KEEPER_EXIT_STORE 4

struct keeper_options {
	const char *data_dir;
	size_t cache_bytes;   /* Berkeley DB cache; 8 to 64 MiB */
	size_t ballast_bytes; /* space kept free for recovery; below it commits answer BH_STORAGE */
	int checkpoint_s;     /* at least this often while there are writes */
	size_t checkpoint_bytes;
	bool may_be_network; /* the disk; else the keeper refuses one */
	int flush_delay_ms;  /* tests: a slower disk */
	/*
	 * Turn one spool file into writes inside txn.  0 to commit, 1 nothing to
	 * do (the file goes), -1 the file is set aside with the reason.  Runs in the keeper: no I/O.
	 */
	int (*import)(struct store_txn *txn, const void *content, size_t len, struct bh_err *err);
	/* Called about once a second; returning false ends the keeper cleanly (the supervisor is gone). */
	bool (*is_wanted)(void *arg);
	void *arg;
};

/*
 * Serve until SIGTERM (finish the batch, checkpoint, unlink the socket) or
 * !is_wanted().  Returns the process exit status: 0, KEEPER_EXIT_TAKEN, KEEPER_EXIT_STORE.
 */
int keeper_run(const struct keeper_options *options);

/* data_dir/run/keeper.sock, or a short relative way to it when that is over 107 bytes. */
int keeper_socket_path(const char *data_dir, char *out, size_t size, struct bh_err *err);

#endif
