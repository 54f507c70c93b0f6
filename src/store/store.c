/* The store for its callers: the table of engines, repetition, and what is handed through.  See store.h. */
#include "base/base.h"

#include "store/store.h"

#include "base/clock.h"
#include "base/crypt.h"
#include "store/txn.h"

#define RUN_TRIES 50
#define PAUSE_MAX_US 20000

static const struct store_engine *const engines[] = {
    &store_engine_bdb,
    &store_engine_mem,
};

struct store *
store_over(const struct store_engine *engine, void *handle)
{
	struct store *store = bh_xcalloc(1, sizeof(*store));

	store->engine = engine;
	store->handle = handle;
	return store;
}

int
store_open(const struct store_options *options, struct store **store_r, struct bh_err *err)
{
	void *handle;

	*store_r = NULL;
	for (size_t i = 0; i < BH_LEN(engines); i++) {
		if (strcmp(engines[i]->name, options->engine) != 0)
			continue;
		if (engines[i]->open(options, &handle, err) < 0)
			return -1;
		*store_r = store_over(engines[i], handle);
		return 0;
	}
	return bh_fail(err, BH_INVALID, "there is no store engine \"%s\"", options->engine);
}

void
store_close(struct store **store)
{
	if (*store == NULL)
		return;
	(*store)->engine->close((*store)->handle);
	free(*store);
	*store = NULL;
}

/* -- repetition -- */

/* Two that collided must not collide again: a random pause that grows with the tries. */
static void
pause_before(int attempt)
{
	unsigned most_us = attempt < 6 ? 500u << attempt : PAUSE_MAX_US;
	struct timespec pause = {0, 0};
	uint32_t random;

	bh_random(&random, sizeof(random));
	pause.tv_nsec = (long)(random % most_us) * 1000;
	nanosleep(&pause, NULL);
}

int
store_run(struct store *store, int (*fn)(struct store_txn *txn, void *arg, struct bh_err *err),
    void *arg, uint64_t *stamp_r, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	struct bh_err own = BH_ERR_INIT;
	int rc = -1;

	for (int attempt = 0; attempt < RUN_TRIES; attempt++) {
		if (attempt > 0)
			pause_before(attempt);
		store_reset(txn);
		own = (struct bh_err)BH_ERR_INIT;
		rc = fn(txn, arg, &own);
		if (rc != 0)
			break;
		rc = store_commit(txn, stamp_r, &own);
		if (rc == 0 || own.code != BH_CONFLICT)
			break;
	}
	store_free(&txn);
	if (rc < 0 && err != NULL)
		*err = own;
	return rc;
}

/* -- handed through -- */

static int
cannot(const struct store *store, const char *what, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "the store engine %s has no %s", store->engine->name, what);
}

int
store_watch(struct store *store, const void *prefix, size_t prefix_len, struct bh_err *err)
{
	const struct wire_slice slice = {prefix, prefix_len};

	if (prefix_len != 0 && !is_wire_key(prefix, prefix_len))
		return bh_fail(err, BH_INVALID, "no key of the store has such a prefix");
	if (store->engine->watch == NULL)
		return cannot(store, "watches", err);
	return store->engine->watch(store->handle, &slice, err);
}

int
store_watch_fd(struct store *store)
{
	return store->engine->watch_fd != NULL ? store->engine->watch_fd(store->handle) : -1;
}

bool
store_is_woken(struct store *store)
{
	return store->engine->is_woken != NULL && store->engine->is_woken(store->handle);
}

int
store_ping(struct store *store, struct bh_err *err)
{
	return store->engine->ping != NULL ? store->engine->ping(store->handle, err)
					   : cannot(store, "ping", err);
}

int
store_stats(struct store *store, json_t **stats_r, struct bh_err *err)
{
	*stats_r = NULL;
	return store->engine->stats != NULL ? store->engine->stats(store->handle, stats_r, err)
					    : cannot(store, "counts", err);
}

int
store_backup(struct store *store, const char *dir, struct bh_err *err)
{
	return store->engine->backup != NULL ? store->engine->backup(store->handle, dir, err)
					     : cannot(store, "backup", err);
}
