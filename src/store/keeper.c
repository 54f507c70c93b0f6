/*
 * The keeper: see keeper.h.
 *
 * One turn of the loop: take what has arrived on all connections; answer
 * reads at once (everything they can see is flushed); collect commits; wait a
 * little for those that usually come along (gather); apply each in its own
 * transaction; one flush; all answers; wake-ups.  Nothing is ever answered
 * that a power failure could take back.
 */
#include "base/base.h"

#include "store/keeper.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/log.h"
#include "base/proc.h"
#include "store/turn.h"

#define WANTED_MS 1000
#define LOOK_MS 2000       /* socket path, lock, spool */
#define SPOOLED_BYTES 4096 /* a guess at what an imported file adds to the log */
#define CACHE_LEAST (8u << 20)
#define CACHE_MOST (64u << 20)
#define CHECKPOINT_S 60
#define CHECKPOINT_BYTES (8u << 20)

/* -- now and then -- */

static int
import_spool(struct keeper *k)
{
	uint64_t before = k->serve.commits;
	int rc = space_check(&k->space, 0, NULL) == 0 ? import_pass(k->import) : 0;

	if (k->serve.commits != before)
		upkeep_note(k->upkeep, (k->serve.commits - before) * SPOOLED_BYTES);
	desk_send_wakes(k);
	/* Callers come first: one batch of files between two turns. */
	k->looked_ms = rc == 1 ? 0 : bh_mono_ms();
	return rc < 0 ? -1 : 0;
}

/* Somebody may have removed run/, or put another socket there: be found again. */
static void
look_around(struct keeper *k)
{
	struct bh_err err = BH_ERR_INIT;

	if (!is_elect_valid(&k->elect)) {
		bh_log(BH_WARN,
		    "the keeper's lock file was removed: making room for another keeper");
		k->must_stop = true;
		return;
	}
	if (k->sock.fd >= 0 && is_elect_socket(&k->sock))
		return;
	bh_log(BH_WARN, "the keeper's socket was removed: making it again");
	elect_unlisten(&k->sock);
	if (desk_listen(k, &err) < 0)
		bh_log(BH_ERROR, "%s", err.text);
}

static int
tick(struct keeper *k)
{
	int64_t now_ms = bh_mono_ms();

	if (now_ms - k->wanted_ms >= WANTED_MS) {
		k->wanted_ms = now_ms;
		desk_drop_stuck(k);
		if (k->options->is_wanted != NULL && !k->options->is_wanted(k->options->arg))
			k->must_stop = true;
	}
	if (k->looked_ms != 0 && now_ms - k->looked_ms < LOOK_MS)
		return 0;
	look_around(k);
	return k->must_stop ? 0 : import_spool(k);
}

static int64_t
idle_us(const struct keeper *k)
{
	int64_t now_ms = bh_mono_ms();
	int64_t left_ms = k->wanted_ms + WANTED_MS - now_ms;

	if (k->batch_n > 0 || k->looked_ms == 0)
		return 0;
	if (k->looked_ms + LOOK_MS - now_ms < left_ms)
		left_ms = k->looked_ms + LOOK_MS - now_ms;
	return left_ms > 0 ? left_ms * 1000 : 0;
}

/* 0 stopped; -1 the store failed. */
static int
loop(struct keeper *k)
{
	while (!k->must_stop) {
		desk_take_events(k, idle_us(k));
		if (k->batch_n > 0) {
			batch_gather(k);
			if (batch_run(k) < 0)
				return -1;
		}
		desk_send_wakes(k);
		desk_sweep(k);
		if (is_bdb_broken(k->bdb) || is_upkeep_failed(k->upkeep) || tick(k) < 0)
			return -1;
	}
	return k->batch_n > 0 ? batch_run(k) : 0;
}

/* -- beginning and end -- */

static size_t
within(size_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : value;
}

static int
may_write(void *arg, size_t bytes, struct bh_err *err)
{
	struct keeper *k = arg;

	return space_check(&k->space, bytes, err);
}

/* Locks and flushes of a network file system are not what they seem. */
static int
check_disk(const struct keeper_options *options, const char *dir, struct bh_err *err)
{
	const char *network = bh_network_disk_of(dir);

	if (network == NULL)
		return 0;
	if (!options->may_be_network)
		return bh_fail_network_disk(err, options->data_dir, network);
	bh_log(BH_WARN, "%s is on a network file system (%s): it may lose data", dir, network);
	return 0;
}

/* Recovery needs space: when it fails, the ballast is given up for it. */
static int
open_store(struct keeper *k, struct bh_err *err)
{
	char *dir = bh_xasprintf("%s/db", k->options->data_dir);
	const struct bdb_options options = {.dir = dir,
	    .cache_bytes = within(k->options->cache_bytes, CACHE_LEAST, CACHE_MOST),
	    .flush_delay_ms = k->options->flush_delay_ms};
	int rc;

	if (check_disk(k->options, dir, err) < 0) {
		free(dir);
		return -1;
	}
	space_init(&k->space, dir, k->options->ballast_bytes);
	rc = bdb_open(&options, &k->bdb, err);
	if (rc < 0 && is_space_given_up(&k->space)) {
		bh_log(BH_WARN, "%s; trying again with the ballast removed", err->text);
		rc = bdb_open(&options, &k->bdb, err);
	}
	free(dir);
	if (rc == 0)
		rc = serve_open(&k->serve, &bdb_ops, k->bdb, KEEPER_RING, err);
	if (rc < 0)
		return -1;
	k->serve.may_write = may_write;
	k->serve.arg = k;
	space_hold(&k->space);
	return 0;
}

static int
start_threads(struct keeper *k, struct bh_err *err)
{
	const struct keeper_options *o = k->options;
	const struct upkeep_options upkeep = {.bdb = k->bdb,
	    .checkpoint_s = o->checkpoint_s > 0 ? o->checkpoint_s : CHECKPOINT_S,
	    .checkpoint_bytes = o->checkpoint_bytes > 0 ? o->checkpoint_bytes : CHECKPOINT_BYTES};
	const struct import_options import = {.data_dir = o->data_dir,
	    .serve = &k->serve,
	    .import = o->import,
	    .applied = desk_note_wakes,
	    .flush = batch_flush,
	    .arg = k};

	k->import = import_new(&import);
	return upkeep_start(&upkeep, &k->upkeep, err);
}

static void
raise_limits(struct keeper *k)
{
	struct rlimit files = {1024, 1024};

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur =
		    files.rlim_max < PEERS_MAX + 100 ? files.rlim_max : PEERS_MAX + 100;
		setrlimit(RLIMIT_NOFILE, &files);
		getrlimit(RLIMIT_NOFILE, &files);
	}
	k->peers_max = files.rlim_cur > 164 ? (size_t)files.rlim_cur - 100 : 64;
	if (k->peers_max > PEERS_MAX)
		k->peers_max = PEERS_MAX;
	/* The gather waits for microseconds. */
	prctl(PR_SET_TIMERSLACK, 1000UL);
}

static void
release(struct keeper *k)
{
	k->must_sweep = true;
	k->batch_n = 0;
	for (struct peer *peer = k->peers; peer != NULL; peer = peer->next)
		peer_drop(peer);
	desk_sweep(k);
	if (k->epoll_fd >= 0)
		close(k->epoll_fd);
	import_free(&k->import);
	serve_close(&k->serve);
	bdb_close(&k->bdb);
	space_release(&k->space);
}

/* In order: no new callers, no more work, everything written, the lock last of all. */
static int
finish(struct keeper *k)
{
	struct bh_err err = BH_ERR_INIT;
	int status = 0;

	elect_unlisten(&k->sock);
	upkeep_stop(&k->upkeep);
	if (bdb_checkpoint(k->bdb, &err) < 0) {
		bh_log(BH_ERROR, "%s", err.text);
		status = KEEPER_EXIT_STORE;
	}
	release(k);
	elect_release(&k->elect);
	bh_log(BH_INFO, "keeper ends");
	return status;
}

static int
serve_until_stopped(struct keeper *k)
{
	struct bh_err err = BH_ERR_INIT;

	if (open_store(k, &err) < 0 || start_threads(k, &err) < 0 || desk_open(k, &err) < 0) {
		bh_log(BH_ERROR, "%s", err.text);
		return KEEPER_EXIT_STORE;
	}
	bh_log(BH_INFO, "keeper serves %s: %llu keys, recovered in %lld ms", k->options->data_dir,
	    (unsigned long long)k->serve.keys, (long long)(bh_mono_ms() - k->started_ms));
	/*
	 * After a failure nothing is tidied up: the second thread may be inside
	 * the library, and the lock must not go before this process does.
	 */
	if (loop(k) < 0)
		return KEEPER_EXIT_STORE;
	return finish(k);
}

int
keeper_run(const struct keeper_options *options)
{
	struct keeper *k = bh_xcalloc(1, sizeof(*k));
	struct bh_err err = BH_ERR_INIT;
	int status;

	k->options = options;
	k->epoll_fd = k->sock.fd = -1;
	k->started_ms = k->wanted_ms = bh_mono_ms();
	bh_proc_init();
	status = elect_take(&k->elect, options->data_dir, &err);
	if (status == 0) {
		status = KEEPER_EXIT_TAKEN;
	} else if (status < 0) {
		bh_log(BH_ERROR, "%s", err.text);
		status = KEEPER_EXIT_STORE;
	} else {
		raise_limits(k);
		status = serve_until_stopped(k);
	}
	if (status != KEEPER_EXIT_STORE)
		free(k);
	return status;
}
