/*
 * Requests answered from an ordered table: the meaning of get, scan and
 * commit, the same for Berkeley DB and for memory.
 */
#ifndef STORE_SERVE_H
#define STORE_SERVE_H

#include "store/ring.h"

/*
 * How entries with a prefix are visited: upwards from the first key >= from,
 * or downwards from the last key <= from (or from the end).
 */
struct table_walk {
	struct wire_slice prefix; /* empty: all keys but the store's own */
	struct wire_slice from;
	bool has_from; /* false only with reverse */
	bool reverse;
	bool keys_only;
	/* False ends the walk.  Everything is borrowed for the call. */
	bool (*each)(void *arg, const struct wire_entry *entry);
	void *arg;
};

/* What a walk does with a key that it meets. */
enum walk_step {
	WALK_END = 0,
	WALK_VISIT,
	WALK_SKIP, /* downwards: it stands behind the prefix */
};

enum walk_step walk_step(const struct table_walk *walk, const struct wire_slice *key);

/*
 * An ordered table of bytes with versions.  One thread.  put, remove and
 * commit stand between begin and commit or abort; reads see what the open
 * transaction wrote.  Failures are BH_STORAGE unless said otherwise.
 */
struct table_ops {
	/* 1 found: its version, and its value appended to value (may be NULL); 0 absent; -1. */
	int (*read)(void *table, const struct wire_slice *key, uint64_t *version_r,
	    struct bh_buf *value, struct bh_err *err);
	int (*walk)(void *table, const struct table_walk *walk, struct bh_err *err);
	int (*begin)(void *table, struct bh_err *err);
	/* 1 the key is new, 0 it was there; -1.  With must_be_new a key that is there is -1 BH_INVALID. */
	int (*put)(void *table, const struct wire_slice *key, uint64_t version,
	    const struct wire_slice *value, bool must_be_new, struct bh_err *err);
	/* 1 removed, 0 was not there; -1. */
	int (*remove)(void *table, const struct wire_slice *key, struct bh_err *err);
	int (*commit)(void *table, struct bh_err *err);
	void (*abort)(void *table);
};

/* A table being served. */
struct serve {
	const struct table_ops *ops;
	void *table; /* borrowed */
	struct ring ring;
	uint64_t stamp;                               /* of the last commit */
	uint64_t keys;                                /* of callers, in the table */
	uint64_t commits, conflicts, resent, refused; /* since the start */
	bool is_failing;                              /* the last commit could not be written */
	int64_t tried_ms;                             /* when serve_can_write() tried, since */
	struct bh_buf scratch;
	/*
	 * Set by the owner, or NULL: may a commit of so many bytes be written?  -1
	 * BH_STORAGE.  Asked last, when it is certain that the commit was not applied before.
	 */
	int (*may_write)(void *arg, size_t bytes, struct bh_err *err);
	void *arg;
};

/* Reads what the last run left: stamp, recent commits.  -1 BH_STORAGE, also for a format that we do not know. */
int serve_open(struct serve *serve, const struct table_ops *ops, void *table, uint32_t ring_slots,
    struct bh_err *err);
void serve_close(struct serve *serve);
/*
 * Can the table be written?  While the last commit could not, a write that changes
 * nothing is tried, once a second at most: without commits nobody else would find it mended.
 */
bool serve_can_write(struct serve *serve);

/* Append the body of the answer (see wire.h). */
int serve_get(struct serve *serve, const struct wire_get *get, struct bh_buf *body,
    struct bh_err *err);
int serve_scan(struct serve *serve, const struct wire_scan *scan, struct bh_buf *body,
    struct bh_err *err);
/*
 * Apply one commit (not flushed yet).  1 applied; 0 it had been applied
 * before; both set *stamp_r.  -1: nothing was applied; BH_CONFLICT, BH_STORAGE, BH_INVALID,
 * or BH_UNAVAILABLE when a commit sent again is older than what we remember.
 */
int serve_commit(struct serve *serve, const struct wire_commit *commit, uint64_t *stamp_r,
    struct bh_err *err);
/* Counts since the start, and what is there: keys, stamp (new reference). */
json_t *serve_stats(const struct serve *serve);

#endif
