/*
 * The engine "bdb" as its callers see it: a connection to the keeper, made
 * when it is first needed, made again when it breaks, starting the keeper
 * where none answers.
 *
 * Every request may be sent again after a broken connection: reads because
 * they change nothing, commits because the keeper knows their ids.  Watches
 * have a connection of their own, so that its descriptor is readable exactly
 * when a wake-up waits.
 */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/elect.h"
#include "store/engine.h"

#define DEADLINE_MS 10000
#define BACKUP_DEADLINE_MS 3600000
#define RETRY_MS 2
#define START_MS 250
#define TICK_MS 100 /* how often a blocked call looks at its deadline */
#define READ_SIZE 16384

struct client {
	char *data_dir;
	int deadline_ms;
	bool no_start;
	int (*start)(const char *data_dir, struct bh_err *err);
	int64_t started_ms; /* the last start; 0: never */
	int fd;
	int watch_fd;
	struct watch_set watches;
	bool watch_lost; /* the watch connection broke: that is a wake-up */
};

static int
client_open(const struct store_options *options, void **handle_r, struct bh_err *err)
{
	struct client *client;

	if (options->data_dir == NULL || options->data_dir[0] == '\0')
		return bh_fail(err, BH_INVALID, "the store needs a data directory");
	client = bh_xcalloc(1, sizeof(*client));
	client->data_dir = bh_xstrdup(options->data_dir);
	client->deadline_ms = options->deadline_ms > 0 ? options->deadline_ms : DEADLINE_MS;
	client->no_start = options->no_start;
	client->start = options->start;
	client->fd = client->watch_fd = -1;
	*handle_r = client;
	return 0;
}

static void
drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void
client_close(void *handle)
{
	struct client *client = handle;

	drop(&client->fd);
	drop(&client->watch_fd);
	watch_set_release(&client->watches);
	free(client->data_dir);
	free(client);
}

/* -- connecting -- */

/* Will another try help, once somebody has started the keeper? */
static bool
is_absence(int error)
{
	return error == ENOENT || error == ECONNREFUSED || error == EAGAIN || error == EINTR ||
	       error == ECONNRESET;
}

/* One try.  A descriptor; -1 with errno, 0 when no address could be made. */
static int
connect_once(const struct client *client, struct bh_err *err)
{
	const struct timeval tick = {0, TICK_MS * 1000L};
	struct sockaddr_un address;
	int fd, error;

	errno = 0;
	if (elect_address(client->data_dir, "keeper.sock", &address, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    fcntl(fd, F_SETFL, 0) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick)) == 0)
		return fd;
	error = errno;
	bh_fail_errno(err, BH_UNAVAILABLE, "the keeper of %s cannot be reached", client->data_dir);
	drop(&fd);
	errno = error;
	return -1;
}

static void
start_keeper(struct client *client, struct bh_err *err)
{
	int64_t now_ms = bh_mono_ms();

	if (client->start == NULL ||
	    (client->started_ms != 0 && now_ms - client->started_ms < START_MS))
		return;
	client->started_ms = now_ms;
	if (client->start(client->data_dir, err) < 0)
		bh_during(err, "starting the keeper");
}

static int
connect_by(struct client *client, int64_t deadline_ms, int *fd_r, struct bh_err *err)
{
	for (;;) {
		*fd_r = connect_once(client, err);
		if (*fd_r >= 0)
			return 0;
		if (!is_absence(errno) || client->no_start || bh_mono_ms() >= deadline_ms)
			return -1;
		start_keeper(client, err);
		bh_sleep_ms(RETRY_MS);
	}
}

/* -- one exchange -- */

static bool
is_time_left(int64_t deadline_ms)
{
	return bh_mono_ms() < deadline_ms;
}

/* An errno after which the same call is worth repeating, while there is time. */
static bool
is_passing(void)
{
	return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

/* The frame's parts; false when the connection broke or time is over. */
static bool
is_sent(int fd, struct iovec *parts, int n, int64_t deadline_ms)
{
	while (n > 0) {
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)n};
		ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);

		if (sent < 0 && is_passing() && is_time_left(deadline_ms))
			continue;
		if (sent < 0)
			return false;
		while (n > 0 && (size_t)sent >= parts->iov_len) {
			sent -= (ssize_t)parts->iov_len;
			parts++;
			n--;
		}
		if (n > 0) {
			parts->iov_base = (char *)parts->iov_base + sent;
			parts->iov_len -= (size_t)sent;
		}
	}
	return true;
}

/* A whole frame into mem, its length included. */
static bool
is_received(int fd, struct bh_buf *mem, int64_t deadline_ms)
{
	size_t want = 4;

	bh_buf_reset(mem);
	while (mem->len < want) {
		size_t room = want - mem->len > READ_SIZE ? want - mem->len : READ_SIZE;
		char *at = bh_buf_room(mem, room);
		ssize_t got = at != NULL ? recv(fd, at, room, 0) : 0;

		if (got < 0 && is_passing() && is_time_left(deadline_ms))
			continue;
		if (got <= 0)
			return false;
		mem->len += (size_t)got;
		if (want == 4 && mem->len >= 4)
			want += bh_get_be32((const unsigned char *)mem->data);
		if (want > WIRE_FRAME_MAX + 4)
			return false;
	}
	return mem->len == want;
}

struct exchange {
	const struct iovec *parts; /* of the payload */
	int n;
	/* Of a commit: where first_sent_ms stands in its head, for further tries. */
	unsigned char *first_sent;
	int64_t *first_sent_ms;
};

static bool
is_exchanged(struct client *client, const struct exchange *exchange, struct bh_buf *mem,
    int64_t deadline_ms)
{
	unsigned char length[4];
	struct iovec parts[5] = {{length, sizeof(length)}};
	size_t len = 0;

	for (int i = 0; i < exchange->n; i++) {
		parts[i + 1] = exchange->parts[i];
		len += parts[i + 1].iov_len;
	}
	bh_put_be32(length, (uint32_t)len);
	return is_sent(client->fd, parts, exchange->n + 1, deadline_ms) &&
	       is_received(client->fd, mem, deadline_ms);
}

/* From the first byte sent on, the commit may have been applied. */
static void
note_attempt(const struct exchange *exchange)
{
	if (exchange->first_sent_ms == NULL)
		return;
	bh_put_be64(exchange->first_sent, (uint64_t)*exchange->first_sent_ms);
	if (*exchange->first_sent_ms == 0)
		*exchange->first_sent_ms = bh_mono_ms();
}

static int
run_exchange(struct client *client, const struct exchange *exchange, int patience_ms,
    struct bh_buf *mem, struct wire_slice *body_r, struct bh_err *err)
{
	int64_t deadline_ms = bh_mono_ms() + patience_ms;

	mem->max = WIRE_FRAME_MAX + READ_SIZE;
	for (;;) {
		if (client->fd < 0 && connect_by(client, deadline_ms, &client->fd, err) < 0)
			return -1;
		note_attempt(exchange);
		if (is_exchanged(client, exchange, mem, deadline_ms))
			break;
		drop(&client->fd);
		if (!is_time_left(deadline_ms))
			return bh_fail(err, BH_UNAVAILABLE,
			    "the keeper of %s did not answer within %d ms", client->data_dir,
			    patience_ms);
		bh_sleep_ms(RETRY_MS);
	}
	return wire_decode_answer(mem->data + 4, mem->len - 4, body_r, err);
}

/* A request whose payload is one piece. */
static int
ask(struct client *client, const struct bh_buf *payload, int patience_ms, struct bh_buf *mem,
    struct wire_slice *body_r, struct bh_err *err)
{
	const struct iovec part = {payload->data, payload->len};
	const struct exchange exchange = {.parts = &part, .n = 1};

	return run_exchange(client, &exchange, patience_ms, mem, body_r, err);
}

/* -- the engine's calls -- */

static int
client_get(void *handle, const struct wire_get *get, struct bh_buf *mem, struct wire_slice *body_r,
    struct bh_err *err)
{
	struct client *client = handle;
	struct bh_buf head = BH_BUF_INIT(64);
	struct iovec parts[2];
	const struct exchange exchange = {.parts = parts, .n = 2};
	int rc;

	wire_add_head(&head, WIRE_GET);
	wire_add_u32(&head, get->n);
	parts[0] = (struct iovec){head.data, head.len};
	parts[1] = (struct iovec){(void *)(uintptr_t)get->keys.data, get->keys.len};
	rc = run_exchange(client, &exchange, client->deadline_ms, mem, body_r, err);
	bh_buf_release(&head);
	return rc;
}

static int
client_scan(void *handle, const struct wire_scan *scan, struct bh_buf *mem,
    struct wire_slice *body_r, struct bh_err *err)
{
	struct client *client = handle;
	struct bh_buf payload = BH_BUF_INIT(64 + 2 * STORE_KEY_MAX);
	int rc;

	wire_add_scan(&payload, scan);
	rc = ask(client, &payload, client->deadline_ms, mem, body_r, err);
	bh_buf_release(&payload);
	return rc;
}

static int
client_commit(void *handle, struct wire_commit *commit, uint64_t *stamp_r, struct bh_err *err)
{
	struct client *client = handle;
	struct bh_buf head = BH_BUF_INIT(128), mem = BH_BUF_INIT(0);
	struct iovec parts[3];
	struct exchange exchange = {.parts = parts,
	    .n = 3,
	    .first_sent_ms = &commit->first_sent_ms};
	struct wire_slice body;
	int rc;

	wire_add_commit_head(&head, commit);
	exchange.first_sent = (unsigned char *)head.data + WIRE_FIRST_SENT_AT;
	parts[0] = (struct iovec){head.data, head.len};
	parts[1] = (struct iovec){(void *)(uintptr_t)commit->checks.data, commit->checks.len};
	parts[2] = (struct iovec){(void *)(uintptr_t)commit->ops.data, commit->ops.len};
	rc = run_exchange(client, &exchange, client->deadline_ms, &mem, &body, err);
	if (rc == 0 && !is_wire_u64(&body, stamp_r))
		rc = bh_fail(err, BH_UNAVAILABLE, "the keeper sent no answer of ours");
	bh_buf_release(&head);
	bh_buf_release(&mem);
	return rc;
}

/* A request without a body; text_r (may be NULL) receives the answer's. */
static int
ask_short(struct client *client, enum wire_type type, struct bh_buf *text_r, struct bh_err *err)
{
	struct bh_buf payload = BH_BUF_INIT(WIRE_HEAD_LEN), mem = BH_BUF_INIT(0);
	struct wire_slice body;
	int rc;

	wire_add_head(&payload, type);
	rc = ask(client, &payload, client->deadline_ms, &mem, &body, err);
	if (rc == 0 && text_r != NULL)
		bh_buf_add(text_r, body.data, body.len);
	bh_buf_release(&payload);
	bh_buf_release(&mem);
	return rc;
}

static int
client_ping(void *handle, struct bh_err *err)
{
	return ask_short(handle, WIRE_PING, NULL, err);
}

static int
client_stats(void *handle, json_t **stats_r, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(WIRE_FRAME_MAX);
	int rc = ask_short(handle, WIRE_STATS, &text, err);

	if (rc == 0) {
		*stats_r = json_loadb(bh_buf_str(&text), text.len, 0, NULL);
		if (*stats_r == NULL)
			rc = bh_fail(err, BH_UNAVAILABLE, "the keeper's counts cannot be read");
	}
	bh_buf_release(&text);
	return rc;
}

static int
client_backup(void *handle, const char *dir, struct bh_err *err)
{
	struct client *client = handle;
	struct bh_buf payload = BH_BUF_INIT(WIRE_PATH_MAX + 64), mem = BH_BUF_INIT(0);
	char here[WIRE_PATH_MAX], path[WIRE_PATH_MAX];
	struct wire_slice body;
	int n, rc;

	/* The keeper has another working directory. */
	if (dir[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		return bh_fail_errno(err, BH_INVALID, "cannot tell where %s is", dir);
	n = snprintf(path, sizeof(path), "%s%s%s", dir[0] != '/' ? here : "",
	    dir[0] != '/' ? "/" : "", dir);
	if (n >= (int)sizeof(path))
		return bh_fail(err, BH_INVALID, "the path of the copy is too long");
	wire_add_head(&payload, WIRE_BACKUP);
	wire_add_key(&payload, path, (size_t)n);
	rc = ask(client, &payload, BACKUP_DEADLINE_MS, &mem, &body, err);
	bh_buf_release(&payload);
	bh_buf_release(&mem);
	return rc;
}

/* -- watches -- */

static int
send_watch(struct client *client, const struct wire_slice *prefix)
{
	struct bh_buf payload = BH_BUF_INIT(64 + STORE_KEY_MAX);
	unsigned char length[4];
	struct iovec parts[2] = {{length, sizeof(length)}};
	bool sent;

	wire_add_head(&payload, WIRE_WATCH);
	wire_add_key(&payload, prefix->data, prefix->len);
	bh_put_be32(length, (uint32_t)payload.len);
	parts[1] = (struct iovec){payload.data, payload.len};
	sent = is_sent(client->watch_fd, parts, 2, bh_mono_ms() + client->deadline_ms);
	bh_buf_release(&payload);
	return sent ? 0 : -1;
}

/* Ask for all watches on a fresh connection. */
static int
send_watches(struct client *client)
{
	for (size_t i = 0; i < client->watches.n; i++) {
		const struct bh_buf *prefix = &client->watches.prefix[i];
		const struct wire_slice slice = {prefix->data, prefix->len};

		if (send_watch(client, &slice) < 0) {
			drop(&client->watch_fd);
			return -1;
		}
	}
	return 0;
}

static int
client_watch(void *handle, const struct wire_slice *prefix, struct bh_err *err)
{
	struct client *client = handle;
	size_t before = client->watches.n;

	if (watch_set_add(&client->watches, prefix, err) < 0)
		return -1;
	if (client->watch_fd >= 0 && client->watches.n == before)
		return 0;
	if (client->watch_fd >= 0 && send_watch(client, prefix) == 0)
		return 0;
	drop(&client->watch_fd);
	if (connect_by(client, bh_mono_ms() + client->deadline_ms, &client->watch_fd, err) < 0)
		return -1;
	if (send_watches(client) < 0)
		client->watch_lost = true; /* store_watch_fd() connects again */
	return 0;
}

static int
client_watch_fd(void *handle)
{
	struct client *client = handle;
	struct bh_err ignored;

	if (client->watch_fd < 0 && client->watches.n != 0) {
		client->watch_fd = connect_once(client, &ignored);
		if (client->watch_fd >= 0)
			send_watches(client);
		else if (is_absence(errno) && !client->no_start)
			start_keeper(client, &ignored);
	}
	return client->watch_fd;
}

static bool
client_is_woken(void *handle)
{
	struct client *client = handle;
	bool is_woken = client->watch_lost;
	char bytes[4096];
	ssize_t n;

	client->watch_lost = false;
	while (client->watch_fd >= 0) {
		n = recv(client->watch_fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && is_passing())
			break;
		is_woken = true;
		if (n <= 0)
			drop(&client->watch_fd);
	}
	return is_woken;
}

const struct store_engine store_engine_bdb = {
    .name = "bdb",
    .open = client_open,
    .close = client_close,
    .get = client_get,
    .scan = client_scan,
    .commit = client_commit,
    .watch = client_watch,
    .watch_fd = client_watch_fd,
    .is_woken = client_is_woken,
    .ping = client_ping,
    .stats = client_stats,
    .backup = client_backup,
};
