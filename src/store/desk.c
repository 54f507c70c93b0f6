/*
 * What arrives at the keeper and what leaves it: connections, requests,
 * answers, wake-ups.  See turn.h.
 */
#include "base/base.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "store/turn.h"

#define EVENTS_MAX 256
#define STUCK_MS 30000

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

void
desk_answer(struct keeper *k, struct peer *peer, const struct wire_slice *body,
    const struct bh_err *err)
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
		desk_answer(k, peer, NULL, &err);
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
	json_object_set_new(stats, "can_write", json_boolean(serve_can_write(&k->serve)));
	json_object_set_new(stats, "has_room", json_boolean(space_check(&k->space, 0, NULL) == 0));
	text = json_dumps(stats, JSON_COMPACT | JSON_SORT_KEYS);
	body = (struct wire_slice){text, strlen(text)};
	desk_answer(k, peer, &body, NULL);
	free(text);
	json_decref(stats);
}

static void
add_watch(struct keeper *k, struct peer *peer, const struct wire_slice *prefix)
{
	struct bh_err err = BH_ERR_INIT;

	if (watch_set_add(&peer->watches, prefix, &err) < 0) {
		peer->is_closing = true;
		desk_answer(k, peer, NULL, &err);
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
	desk_answer(k, peer, NULL, &err);
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
		desk_answer(k, peer, NULL, &err);
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
		desk_answer(k, peer, &nothing, NULL);
	}
}

/* As many requests as may be handled now; a commit stays in the input until its answer. */
void
desk_handle(struct keeper *k, struct peer *peer)
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
			desk_answer(k, peer, rc == 0 ? &nothing : NULL, &err);
			desk_handle(k, peer);
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
	desk_handle(k, peer);
}

void
desk_sweep(struct keeper *k)
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

void
desk_drop_stuck(struct keeper *k)
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

/* epoll counts in whole milliseconds, hence ppoll. */
void
desk_take_events(struct keeper *k, int64_t wait_us)
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

/* -- wake-ups -- */

void
desk_note_wakes(void *arg, const struct wire_commit *commit)
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

void
desk_send_wakes(struct keeper *k)
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

/* -- beginning -- */

int
desk_listen(struct keeper *k, struct bh_err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &tag_listen};

	if (elect_listen(&k->sock, k->options->data_dir, err) < 0)
		return -1;
	if (epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, k->sock.fd, &event) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot poll the socket");
	return 0;
}

int
desk_open(struct keeper *k, struct bh_err *err)
{
	struct epoll_event on_signal = {.events = EPOLLIN, .data.ptr = &tag_signal};
	struct epoll_event on_upkeep = {.events = EPOLLIN, .data.ptr = &tag_upkeep};

	k->signal_fd = bh_signal_pipe();
	k->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (k->epoll_fd < 0 ||
	    epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, k->signal_fd, &on_signal) < 0 ||
	    epoll_ctl(k->epoll_fd, EPOLL_CTL_ADD, upkeep_fd(k->upkeep), &on_upkeep) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot poll");
	return desk_listen(k, err);
}
