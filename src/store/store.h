/*
 * The store for its callers: ordered byte keys, byte values, optimistic
 * transactions.
 *
 * A struct store is one connection, used by one thread of one process; open
 * it after fork().  Every value carries a version: the commit stamp (a
 * number that only grows) of the commit that wrote it.  Stamp 0 means
 * "absent".
 *
 * A transaction collects reads and writes on our side and holds no lock.
 * store_commit() sends everything at once; it is applied as a whole or not at
 * all, and is durable (flushed) when it answers.  What was read with
 * store_get() is checked at commit: if somebody wrote it since, the commit
 * answers BH_CONFLICT.  store_run() repeats the caller's function then.
 *
 * A commit whose answer is lost (keeper killed) is sent again under the same
 * commit id; the keeper remembers recent ids durably, so nothing is applied twice.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <jansson.h>

#include "base/buf.h"

#define STORE_KEY_MAX 1024           /* bytes in a key */
#define STORE_VALUE_MAX (20u << 20)  /* bytes in a value */
#define STORE_COMMIT_MAX (64u << 20) /* bytes in one commit */
#define STORE_OPS_MAX 20000          /* writes in one commit */
#define STORE_STAMP_LEN 8            /* bytes that an append adds to its key */

struct store;
struct store_txn;

struct store_options {
	const char *engine;   /* "bdb" (through the keeper) or "mem" */
	const char *data_dir; /* for bdb: run/keeper.sock and db/ are below it */
	int deadline_ms; /* longest wait of one call, starting the keeper included; 0: 10,000 */
	bool no_start;   /* bdb: fail at once instead of starting the keeper */
	/*
	 * Starts whatever runs the keeper (detached) and returns at once; may be
	 * called again every 250 ms until the socket answers.  NULL: never.
	 */
	int (*start)(const char *data_dir, struct bh_err *err);
};

/* Nothing is contacted yet for bdb.  -1 BH_INVALID for an unknown engine. */
int store_open(const struct store_options *options, struct store **store_r, struct bh_err *err);
void store_close(struct store **store);

/* -- transactions -- */

struct store_txn *store_begin(struct store *store);
/* Forget everything collected; the transaction may be filled again. */
void store_reset(struct store_txn *txn);
void store_free(struct store_txn **txn);

/*
 * 1 and the value appended to value, 0 absent (value unchanged), -1 BH_UNAVAILABLE or BH_STORAGE.
 * Sees the writes already collected in txn.  value may be NULL (is it there?).
 */
int store_get(struct store_txn *txn, const void *key, size_t key_len, struct bh_buf *value,
    struct bh_err *err);
/* As store_get() without the check at commit. */
int store_peek(struct store_txn *txn, const void *key, size_t key_len, struct bh_buf *value,
    struct bh_err *err);

/*
 * Many at once, in one message.  For each item the caller sets key, key_len
 * and checked; found, value and version are set here.  value (a NUL stands
 * behind it) is owned by the transaction until store_reset() or store_free().  Does not see collected writes.
 */
struct store_item {
	const void *key;
	size_t key_len;
	bool checked; /* compare at commit, as store_get() does */
	bool found;
	const char *value;
	size_t value_len;
	uint64_t version;
};
int store_get_many(struct store_txn *txn, struct store_item *items, size_t n, struct bh_err *err);

/*
 * Up to max entries whose key starts with prefix, in key order from the first
 * key >= from (NULL: the start of the prefix; it must start with prefix),
 * or, with reverse, downwards from the last key <= from.  Not checked at
 * commit; does not see collected writes.  A page may end early when it grows
 * over 4 MiB; more_r tells whether entries follow.  The array and its bytes
 * belong to the transaction until store_reset() or store_free().
 */
struct store_entry {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
	uint64_t version;
};
struct store_scan {
	const void *prefix;
	size_t prefix_len;
	const void *from; /* borrowed for the call */
	size_t from_len;
	size_t max; /* 1 to 100,000 */
	bool reverse;
	bool keys_only; /* values stay empty */
};
int store_scan(struct store_txn *txn, const struct store_scan *scan,
    const struct store_entry **entries_r, size_t *n_r, bool *more_r, struct bh_err *err);

void store_put(struct store_txn *txn, const void *key, size_t key_len, const void *value,
    size_t value_len);
void store_delete(struct store_txn *txn, const void *key, size_t key_len);
/*
 * Append: the key is prefix + the 8 bytes (big-endian) of this commit's stamp
 * + suffix.  Several appends in one commit need different prefixes or suffixes.
 */
void store_append(struct store_txn *txn, const void *prefix, size_t prefix_len, const void *suffix,
    size_t suffix_len, const void *value, size_t value_len);
/*
 * As store_put(), with the 8 bytes of this commit's stamp behind the value: how an index points to an append.
 * Before the commit, zeros are read in their place.
 */
void store_put_stamped(struct store_txn *txn, const void *key, size_t key_len, const void *value,
    size_t value_len);
/* The commit answers BH_CONFLICT when the key exists. */
void store_expect_absent(struct store_txn *txn, const void *key, size_t key_len);
/* The commit answers BH_CONFLICT unless the key is at this version. */
void store_expect(struct store_txn *txn, const void *key, size_t key_len, uint64_t version);

/*
 * Apply what was collected; stamp_r (may be NULL) receives this commit's
 * stamp.  -1: BH_CONFLICT (nothing was applied), BH_UNAVAILABLE (no answer
 * within the deadline: it may have been applied), BH_STORAGE (refused: disk full or
 * failing; nothing was applied), BH_INVALID (too large).  txn is reset by 0 and by BH_CONFLICT.
 * After BH_UNAVAILABLE it may be committed again, unchanged: it is the same commit, applied once in all.
 * Without writes it answers 0 at once and checks nothing.
 */
int store_commit(struct store_txn *txn, uint64_t *stamp_r, struct bh_err *err);

/*
 * Run fn inside a transaction and commit; on BH_CONFLICT run it again from
 * the start (with a short random pause, at most 50 times).  fn returns 0 to
 * commit, 1 to end without committing (store_run() then returns 1), -1 to fail.
 * stamp_r may be NULL.
 */
int store_run(struct store *store, int (*fn)(struct store_txn *txn, void *arg, struct bh_err *err),
    void *arg, uint64_t *stamp_r, struct bh_err *err);

/* -- waking up -- */

/*
 * Ask for wake-ups when a commit touches a key with this prefix.  A promise of
 * "at least one wake-up soon", not of what changed; at its begin and after a reconnect every
 * watch wakes once.  At most 16 prefixes a connection.  Even after -1 BH_UNAVAILABLE the
 * watch is kept and begins when the keeper answers.
 */
int store_watch(struct store *store, const void *prefix, size_t prefix_len, struct bh_err *err);
/* The descriptor to poll for wake-ups; it may change after any call.  -1: not connected, poll again soon. */
int store_watch_fd(struct store *store);
/* Take the wake-ups that came: true when there was one.  Never blocks. */
bool store_is_woken(struct store *store);

/* -- upkeep, for the command line -- */

/* A key-value line as JSON: {"k":"<text or base64>","v":...}; see store/dump.c.  Ends with a count line.
 * 0 it is all of one moment; 1 somebody wrote meanwhile, and a part of that may be in it; -1. */
int store_dump(struct store *store, int (*write)(void *arg, const char *text, size_t len),
    void *arg, struct bh_err *err);
/*
 * Into an empty store, the key last ("": none) with the last commit: who finds it, finds all; -1 BH_INVALID with the line number, BH_CONFLICT when the store is not empty.
 * After a failure the lines before it are there: begin again with an empty store.
 */
int store_load(struct store *store, int (*read)(void *arg, char *buf, size_t size), void *arg,
    const char *last, struct bh_err *err);
/* A consistent copy of the running store below dir (made, must be empty). */
int store_backup(struct store *store, const char *dir, struct bh_err *err);
/* Does the keeper answer?  For the supervisor, with a short deadline. */
int store_ping(struct store *store, struct bh_err *err);
/*
 * Put such a copy in place of data_dir/db while no keeper runs, once it was recovered and
 * written to.  What was there is kept: *aside_r is its path, owned by the caller; NULL, there was nothing.
 * -1: the store is as it was.
 */
int store_restore(const char *data_dir, const char *backup_dir, char **aside_r, struct bh_err *err);
/* Counts for status and metrics: JSON object (new reference): keys, log bytes, flushes, commits, batch sizes, spool ... */
int store_stats(struct store *store, json_t **stats_r, struct bh_err *err);

/*
 * Make a durable spool file that the keeper will import: for the front and
 * the relay when no keeper can be reached.  id makes it idempotent (1 to 128
 * bytes of a-z 0-9 . _ -): a second file of the same id replaces the first.  The keeper hands
 * content to the import function it was started with.
 */
int store_spool(const char *data_dir, const char *id, const void *content, size_t len,
    struct bh_err *err);

#endif
