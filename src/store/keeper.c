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

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "store/bdb.h"
#include "store/elect.h"
#include "store/import.h"
#include "store/peer.h"
#include "store/space.h"
#include "store/upkeep.h"

#define EVENTS_MAX 256
#define PEERS_MAX 2000
#define BATCH_MAX PEERS_MAX /* a peer has one commit in it at most */
#define WANTED_MS 1000
#define LOOK_MS 2000     /* socket path, lock, spool */
#define STUCK_MS 30000   /* a half message that does not move */
#define GATHER_SHARE 0.3 /* of the average flush */
#define GATHER_MAX_US 5000
#define SPOOLED_BYTES 4096 /* a guess at what an imported file adds to the log */
#define CACHE_LEAST (8u << 20)
#define CACHE_MOST (64u << 20)
#define CHECKPOINT_S 60
#define CHECKPOINT_BYTES (8u << 20)

/* A commit waiting for its answer.  It borrows from its peer's input. */
struct waiting {
	struct peer *peer;
	struct wire_commit commit;
	uint64_t stamp;
	int rc;
	struct bh_err err;
};

struct keeper {
	const struct keeper_options *options;
	struct elect elect;
	struct elect_socket sock;
	struct space space;
	struct bdb *bdb;
	struct serve serve;
	struct upkeep *upkeep;
	struct import *import;
	int epoll_fd, signal_fd;
	struct peer *peers;
	size_t peers_n, peers_max;
	uint64_t serial;
	struct waiting batch[BATCH_MAX];
	size_t batch_n;
	uint64_t batches;
	double flush_us; /* moving average */
	bool must_stop, must_sweep, has_wakes;
	int64_t wanted_ms, looked_ms, started_ms;
};

/* What epoll gives back for the descriptors that are no peers: these addresses. */
static char tag_listen, tag_signal, tag_upkeep;

/* -- answers -- */

static void
drop(struct keeper *k, struct peer *peer)
{
	peer_drop(peer);
	k->must_sweep = true;
}

static void
poll_peer(struct keeper *k, struct peer *peer, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = peer};

	if (peer->polled == events)
		return;
	peer->polled = events;
	if (epoll_ctl(k->epoll_fd, EPOLL_CTL_MOD, peer->fd, &event) < 0)
		drop(k, peer);
}

static void
send_peer(struct keeper *k, struct peer *peer)
{
	int rc = peer->fd >= 0 ? peer_send(peer) : 0;

	if (rc < 0)
		drop(k, peer);
	else if (peer->fd >= 0)
		poll_peer(k, peer, rc == 0 ? EPOLLOUT : EPOLLIN);
}

/* body is what stands behind version and type; NULL: err. */
static void
answer(struct keeper *k, struct peer *peer, const struct wire_slice *body, const struct bh_err *err)
{
	size_t at = peer_answer(peer);

	if (body == NULL) {
		wire_add_error(&peer->out, err);
	} else {
		wire_add_head(&peer->out, WIRE_OK);
		bh_buf_add(&peer->out, body->data, body->len);
	}
	peer_finish(peer, at);
	send_peer(k, peer);
}

/* get and scan write their answers straight into the peer's output. */
static void
answer_read(struct keeper *k, struct peer *peer, const struct wire_request *request)
{
	struct bh_err err = BH_ERR_INIT;
	size_t at = peer_answer(peer);
	int rc;

	wire_add_head(&peer->out, WIRE_OK);
	rc = request->type == WIRE_GET ? serve_get(&k->serve, &request->get, &peer->out, &err)
				       : serve_scan(&k->serve, &request->scan, &peer->out, &err);
	if (rc < 0) {
		peer->out.len = at;
		peer->out.full = false;
		answer(k, peer, NULL, &err);
		return;
	}
	peer_finish(peer, at);
	send_peer(k, peer);
}

static void
answer_stats(struct keeper *k, struct peer *peer)
{
	json_t *stats = serve_stats(&k->serve);
	struct wire_slice body;
	char *text;

	bdb_stats(k->bdb, stats);
	import_stats(k->import, stats);
	json_object_set_new(stats, "engine", json_string("bdb"));
	json_object_set_new(stats, "pid", json_integer(getpid()));
	json_object_set_new(stats, "uptime_s", json_integer((bh_mono_ms() - k->started_ms) / 1000));
	json_object_set_new(stats, "connections", json_integer((json_int_t)k->peers_n));
	json_object_set_new(stats, "batches", json_integer((json_int_t)k->batches));
	json_object_set_new(stats, "flush_us", json_integer((json_int_t)k->flush_us));
	json_object_set_new(stats, "has_room", json_boolean(space_check(&k->space, 0, NULL) == 0));
	text = json_dumps(stats, JSON_COMPACT | JSON_SORT_KEYS);
	body = (struct wire_slice){text, strlen(text)};
	answer(k, peer, &body, NULL);
	free(text);
	json_decref(stats);
}

static void
add_watch(struct keeper *k, struct peer *peer, const struct wire_slice *prefix)
{
	struct bh_err err = BH_ERR_INIT;

	if (watch_set_add(&peer->watches, prefix, &err) < 0) {
		peer->is_closing = true;
		answer(k, peer, NULL, &err);
		return;
	}
	peer->is_watcher = true;
	peer->is_wake_due = true;
	k->has_wakes = true;
}

static void
begin_backup(struct keeper *k, struct peer *peer, const struct wire_slice *path)
{
	struct bh_err err = BH_ERR_INIT;
	char *dir = bh_xstrndup(path->data, path->len);

	peer->is_busy = is_upkeep_backup_begun(k->upkeep, dir, peer->serial);
	free(dir);
	if (peer->is_busy)
		return;
	bh_fail(&err, BH_LIMITED, "another backup is running");
	answer(k, peer, NULL, &err);
}

/* -- requests -- */

static void
wait_for_flush(struct keeper *k, struct peer *peer, const struct wire_request *request)
{
	k->batch[k->batch_n++] = (struct waiting){.peer = peer, .commit = request->commit};
	peer->is_busy = true;
	peer->batch = k->batches + 1;
}

static void
handle(struct keeper *k, struct peer *peer, const struct wire_slice *payload)
{
	const struct wire_slice nothing = {"", 0};
	struct bh_err err = BH_ERR_INIT;
	struct wire_request request;

	if (wire_decode(&request, payload->data, payload->len, &err) < 0) {
		peer->is_closing = true;
		answer(k, peer, NULL, &err);
	} else if (request.type == WIRE_COMMIT) {
		wait_for_flush(k, peer, &request);
	} else if (request.type == WIRE_GET || request.type == WIRE_SCAN) {
		answer_read(k, peer, &request);
	} else if (request.type == WIRE_WATCH) {
		add_watch(k, peer, &request.prefix);
	} else if (request.type == WIRE_STATS) {
		answer_stats(k, peer);
	} else if (request.type == WIRE_BACKUP) {
		begin_backup(k, peer, &request.path);
	} else {
		answer(k, peer, &nothing, NULL);
	}
}

/* As many requests as may be handled now; a commit stays in the input until its answer. */
static void
handle_input(struct keeper *k, struct peer *peer)
{
	struct wire_slice payload;
	int rc = 0;

	while (peer->fd >= 0 && !peer->is_busy && !peer->is_closing && peer->out.len == 0 &&
	       k->batch_n < BATCH_MAX && (rc = peer_payload(peer, &payload)) == 1) {
		handle(k, peer, &payload);
		if (k->batch_n == 0 || k->batch[k->batch_n - 1].peer != peer)
			peer_took(peer, &payload);
	}
	if (rc < 0)
		drop(k, peer);
}

static void
end_backup(struct keeper *k)
{
	struct bh_err err = BH_ERR_INIT;
	const struct wire_slice nothing = {"", 0};
	uint64_t serial;
	int rc;

	upkeep_seen(k->upkeep);
	if (!is_upkeep_backup_ended(k->upkeep, &serial, &rc, &err))
		return;
	for (struct peer *peer = k->peers; peer != NULL; peer = peer->next) {
		if (peer->serial == serial && peer->fd >= 0) {
			peer->is_busy = false;
			answer(k, peer, rc == 0 ? &nothing : NULL, &err);
			handle_input(k, peer);
		}
	}
}

/* -- connections -- */

static void
accept_one(struct keeper *k, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct peer *peer;

	if (!is_peer_ours(fd)) {
		bh_log(BH_WARN, "a connection of another user is refused");
		close(fd);
		return;
	}
	if (k->peers_n >= k->peers_max) {
		close(fd);
		return;
	}
	peer = peer_new(fd, ++k->serial);
	event.data.ptr = peer;
	if (epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		peer_free(peer);
		return;
	}
	peer->polled = EPOLLIN;
	peer->next = k->peers;
	k->peers = peer;
	k->peers_n++;
}

static void
accept_all(struct keeper *k)
{
	int fd;

	while ((fd = accept4(k->sock.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		accept_one(k, fd);
	/* No descriptor free: do not spin until one is. */
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		bh_sleep_ms(1);
}

static void
serve_peer(struct keeper *k, struct peer *peer, uint32_t events)
{
	if (peer->fd < 0)
		return;
	if (peer->is_busy) {
		/* What a dead peer committed stands all the same; only the answer has no reader. */
		if ((events & (EPOLLHUP | EPOLLERR)) != 0)
			drop(k, peer);
		else
			poll_peer(k, peer, 0); /* until its answer */
		return;
	}
	if (peer->polled == EPOLLOUT)
		send_peer(k, peer);
	if (peer->fd >= 0 && peer->polled != EPOLLOUT && peer_read(peer) < 0)
		drop(k, peer);
	handle_input(k, peer);
}

static void
sweep(struct keeper *k)
{
	struct peer **at = &k->peers;

	if (!k->must_sweep || k->batch_n != 0)
		return;
	k->must_sweep = false;
	while (*at != NULL) {
		struct peer *peer = *at;

		if (peer->fd >= 0) {
			at = &peer->next;
			continue;
		}
		*at = peer->next;
		k->peers_n--;
		peer_free(peer);
	}
}

static void
drop_stuck(struct keeper *k)
{
	int64_t now_ms = bh_mono_ms();

	for (struct peer *peer = k->peers; peer != NULL; peer = peer->next)
		if (peer->fd >= 0 && !peer->is_busy && peer->since_ms != 0 &&
		    now_ms - peer->since_ms > STUCK_MS)
			drop(k, peer);
}

static void
take_signals(struct keeper *k)
{
	int number;

	while ((number = bh_signal_next()) != 0)
		if (number == SIGTERM || number == SIGINT)
			k->must_stop = true;
}

static void
dispatch(struct keeper *k, const struct epoll_event *event)
{
	if (event->data.ptr == &tag_listen)
		accept_all(k);
	else if (event->data.ptr == &tag_signal)
		take_signals(k);
	else if (event->data.ptr == &tag_upkeep)
		end_backup(k);
	else
		serve_peer(k, event->data.ptr, event->events);
}

/* Handle what is ready, waiting for it at most so long.  epoll counts in whole milliseconds, hence ppoll. */
static void
take_events(struct keeper *k, int64_t wait_us)
{
	struct epoll_event events[EVENTS_MAX];
	struct pollfd ready = {.fd = k->epoll_fd, .events = POLLIN};
	struct timespec wait = {wait_us / 1000000, (long)(wait_us % 1000000) * 1000};
	int n;

	if (wait_us > 0 && ppoll(&ready, 1, &wait, NULL) <= 0)
		return;
	n = epoll_wait(k->epoll_fd, events, EVENTS_MAX, 0);
	for (int i = 0; i < n; i++)
		dispatch(k, &events[i]);
}

/* -- a batch -- */

/* Peers of the last two batches that have not sent a commit for this one. */
static size_t
missing(const struct keeper *k)
{
	size_t n = 0;

	for (const struct peer *peer = k->peers; peer != NULL; peer = peer->next)
		n += peer->fd >= 0 && !peer->is_busy && peer->batch != 0 &&
		     peer->batch + 1 >= k->batches;
	return n;
}

/*
 * Without this, batches alternate between one commit and all others: the
 * first to be answered comes back alone and makes the rest wait for its
 * flush.  So while fewer than in the last two batches have come (each peer
 * counted once), wait for a part of what a flush takes.
 */
static void
gather(struct keeper *k)
{
	double share_us = k->flush_us * GATHER_SHARE;
	int64_t now_us = bh_mono_us();
	int64_t until_us = now_us + (share_us < GATHER_MAX_US ? (int64_t)share_us : GATHER_MAX_US);

	while (now_us < until_us && k->batch_n < BATCH_MAX && missing(k) > 0) {
		take_events(k, until_us - now_us);
		now_us = bh_mono_us();
	}
}

static int
may_write(void *arg, size_t bytes, struct bh_err *err)
{
	struct keeper *k = arg;

	return space_check(&k->space, bytes, err);
}

static size_t
commit_bytes(const struct wire_commit *commit)
{
	return commit->ops.len + commit->checks.len;
}

static void
note_wakes(void *arg, const struct wire_commit *commit)
{
	struct keeper *k = arg;

	for (struct peer *peer = k->peers; peer != NULL; peer = peer->next) {
		if (peer->is_watcher && !peer->is_wake_due &&
		    is_watch_touched(&peer->watches, commit)) {
			peer->is_wake_due = true;
			k->has_wakes = true;
		}
	}
}

/* Commits in order of arrival; each sees those before it.  The bytes applied. */
static size_t
apply_batch(struct keeper *k)
{
	size_t bytes = 0;

	for (size_t i = 0; i < k->batch_n && !is_bdb_broken(k->bdb); i++) {
		struct waiting *w = &k->batch[i];

		w->rc = serve_commit(&k->serve, &w->commit, &w->stamp, &w->err);
		if (w->rc != 1)
			continue;
		bytes += commit_bytes(&w->commit) + 1;
		note_wakes(k, &w->commit);
	}
	return bytes;
}

static int
flush(void *arg)
{
	struct keeper *k = arg;
	struct bh_err err = BH_ERR_INIT;
	int64_t from_us = bh_mono_us();
	double took_us;

	if (is_bdb_broken(k->bdb))
		return -1;
	if (bdb_flush(k->bdb, &err) < 0) {
		bh_log(BH_ERROR, "%s", err.text);
		return -1;
	}
	took_us = (double)(bh_mono_us() - from_us);
	k->flush_us += (took_us - k->flush_us) / 8;
	return 0;
}

static void
answer_commit(struct keeper *k, struct waiting *w)
{
	struct bh_buf body = BH_BUF_INIT(16);
	struct wire_slice stamp, request;

	w->peer->is_busy = false;
	if (w->peer->fd < 0)
		return;
	if (peer_payload(w->peer, &request) == 1)
		peer_took(w->peer, &request);
	wire_add_u64(&body, w->stamp);
	stamp = (struct wire_slice){body.data, body.len};
	answer(k, w->peer, w->rc >= 0 ? &stamp : NULL, &w->err);
	bh_buf_release(&body);
}

static void
send_wakes(struct keeper *k)
{
	if (!k->has_wakes)
		return;
	k->has_wakes = false;
	for (struct peer *peer = k->peers; peer != NULL; peer = peer->next) {
		size_t at;

		/* One that does not read its wake-ups gets the next when it has. */
		if (!peer->is_wake_due || peer->fd < 0)
			continue;
		k->has_wakes = k->has_wakes || peer->out.len != 0;
		if (peer->out.len != 0)
			continue;
		peer->is_wake_due = false;
		at = peer_answer(peer);
		wire_add_head(&peer->out, WIRE_WAKE);
		peer_finish(peer, at);
		send_peer(k, peer);
	}
}

/* -1: nobody was answered, the process must end. */
static int
run_batch(struct keeper *k)
{
	struct peer *peers[BATCH_MAX];
	size_t n = k->batch_n, bytes;

	bytes = apply_batch(k);
	if (bh_fault("keeper-batch-applied") || is_bdb_broken(k->bdb) ||
	    (bytes > 0 && flush(k) < 0))
		return -1;
	if (bh_fault("keeper-flushed"))
		return -1;
	k->batches++;
	k->batch_n = 0;
	for (size_t i = 0; i < n; i++) {
		peers[i] = k->batch[i].peer;
		answer_commit(k, &k->batch[i]);
	}
	if (bytes > 0)
		upkeep_note(k->upkeep, bytes);
	if (bh_fault("keeper-replied"))
		return -1;
	/* What they sent meanwhile no event announces. */
	for (size_t i = 0; i < n; i++)
		handle_input(k, peers[i]);
	return 0;
}

/* -- now and then -- */

static int
import_spool(struct keeper *k)
{
	uint64_t before = k->serve.commits;
	int rc = space_check(&k->space, 0, NULL) == 0 ? import_pass(k->import) : 0;

	if (k->serve.commits != before)
		upkeep_note(k->upkeep, (k->serve.commits - before) * SPOOLED_BYTES);
	send_wakes(k);
	/* Callers come first: one batch of files between two turns. */
	k->looked_ms = rc == 1 ? 0 : bh_mono_ms();
	return rc < 0 ? -1 : 0;
}

static int
listen_here(struct keeper *k, struct bh_err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &tag_listen};

	if (elect_listen(&k->sock, k->options->data_dir, err) < 0)
		return -1;
	if (epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, k->sock.fd, &event) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot poll the socket");
	return 0;
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
	if (listen_here(k, &err) < 0)
		bh_log(BH_ERROR, "%s", err.text);
}

static int
tick(struct keeper *k)
{
	int64_t now_ms = bh_mono_ms();

	if (now_ms - k->wanted_ms >= WANTED_MS) {
		k->wanted_ms = now_ms;
		drop_stuck(k);
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
		take_events(k, idle_us(k));
		if (k->batch_n > 0) {
			gather(k);
			if (run_batch(k) < 0)
				return -1;
		}
		send_wakes(k);
		sweep(k);
		if (is_bdb_broken(k->bdb) || is_upkeep_failed(k->upkeep) || tick(k) < 0)
			return -1;
	}
	return k->batch_n > 0 ? run_batch(k) : 0;
}

/* -- beginning and end -- */

static size_t
within(size_t value, size_t least, size_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* Locks and flushes of a network file system are not what they seem. */
static void
warn_of_network(const char *dir)
{
	static const unsigned long network[] = {0x6969 /* NFS */, 0x517b /* SMB */,
	    0xff534d42 /* CIFS */, 0xfe534d42 /* SMB2 */};
	struct statfs is;

	for (size_t i = 0; i < BH_LEN(network) && statfs(dir, &is) == 0; i++)
		if (((unsigned long)is.f_type & 0xffffffff) == network[i])
			bh_log(BH_WARN, "%s is on a network file system: it may lose data", dir);
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

	warn_of_network(dir);
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
	    .applied = note_wakes,
	    .flush = flush,
	    .arg = k};

	k->import = import_new(&import);
	return upkeep_start(&upkeep, &k->upkeep, err);
}

static int
start_polling(struct keeper *k, struct bh_err *err)
{
	struct epoll_event on_signal = {.events = EPOLLIN, .data.ptr = &tag_signal};
	struct epoll_event on_upkeep = {.events = EPOLLIN, .data.ptr = &tag_upkeep};

	k->signal_fd = bh_signal_pipe();
	k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (k->epoll_fd < 0 ||
	    epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, k->signal_fd, &on_signal) < 0 ||
	    epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, upkeep_fd(k->upkeep), &on_upkeep) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot poll");
	return listen_here(k, err);
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
	sweep(k);
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

	if (open_store(k, &err) < 0 || start_threads(k, &err) < 0 || start_polling(k, &err) < 0) {
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
