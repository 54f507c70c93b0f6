/*
 * What an engine gives to store.c.  Two exist: "bdb" (client.c, through the
 * keeper) and "mem" (mem.c); inside the keeper a third serves the spool
 * import without a socket.  Errors, deadlines and meanings are those of store.h.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/wire.h"

struct store_engine {
	const char *name;
	int (*open)(const struct store_options *options, void **handle_r, struct bh_err *err);
	void (*close)(void *handle);
	/*
	 * Both replace the contents of mem by something that holds the answer's
	 * body (see wire.h), and point body_r into it.
	 */
	int (*get)(void *handle, const struct wire_get *get, struct bh_buf *mem,
	    struct wire_slice *body_r, struct bh_err *err);
	int (*scan)(void *handle, const struct wire_scan *scan, struct bh_buf *mem,
	    struct wire_slice *body_r, struct bh_err *err);
	/*
	 * Sets commit->first_sent_ms at the first attempt whose fate is not
	 * known, so that the same commit can be handed in again.
	 */
	int (*commit)(void *handle, struct wire_commit *commit, uint64_t *stamp_r,
	    struct bh_err *err);
	/* NULL: this engine cannot. */
	int (*watch)(void *handle, const struct wire_slice *prefix, struct bh_err *err);
	int (*watch_fd)(void *handle);
	bool (*is_woken)(void *handle);
	int (*ping)(void *handle, struct bh_err *err);
	int (*stats)(void *handle, json_t **stats_r, struct bh_err *err);
	int (*backup)(void *handle, const char *dir, struct bh_err *err);
};

extern const struct store_engine store_engine_bdb;
extern const struct store_engine store_engine_mem;

/* A store over a handle that is open already; store_close() closes the handle. */
struct store *store_over(const struct store_engine *engine, void *handle);

/* Prefixes being watched on one connection. */
struct watch_set {
	size_t n;
	struct bh_buf prefix[16];
};

/* -1 BH_INVALID when all places are taken.  A prefix that is there already is taken once. */
int watch_set_add(struct watch_set *set, const struct wire_slice *prefix, struct bh_err *err);
void watch_set_release(struct watch_set *set);
/* Does the commit touch a key with one of the prefixes?  (Of an append, the bytes before the stamp are compared.) */
bool is_watch_touched(const struct watch_set *set, const struct wire_commit *commit);

#endif
