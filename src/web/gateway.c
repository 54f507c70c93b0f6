/* CGI and FastCGI: see gateway.h. */
#include "base/base.h"

#include "web/gateway.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "base/clock.h"
#include "base/proc.h"

#define DRAIN_FACTOR                                                                               \
	4 /* of a body that is too large, so much of the limit is read before answering */
#define CHUNK 8192

/* -- bodies -- */

/* Up to size bytes: > 0 read, 0 end, -1 too slow, -2 broken. */
typedef int body_read(void *arg, char *to, size_t size);

static void
refuse(struct request *request, int status, const char *why)
{
	if (request->refused != 0)
		return;
	request->refused = status;
	bh_fail(&request->why, BH_INVALID, "%s", why);
}

/* Read and forget, so that the server is not left writing to a closed door. */
static void
drain(body_read *read_some, void *arg, uint64_t most)
{
	char waste[CHUNK];
	int n;

	while (most > 0 && (n = read_some(arg, waste, most < CHUNK ? (size_t)most : CHUNK)) > 0)
		most -= (uint64_t)n;
}

/* The body up to its end or wanted bytes, whichever comes first. */
static void
read_into(struct request *request, body_read *read_some, void *arg, uint64_t wanted)
{
	char chunk[CHUNK];
	uint64_t left = wanted;
	int n = 1;

	while (left > 0 && !request->body.full) {
		n = read_some(arg, chunk, left < CHUNK ? (size_t)left : CHUNK);
		if (n <= 0)
			break;
		bh_buf_add(&request->body, chunk, (size_t)n);
		left -= (uint64_t)n;
	}
	if (n == -1)
		refuse(request, 408, "the body did not arrive in time");
	else if (n == -2)
		refuse(request, 400, "the body broke off");
}

static void
read_body(struct request *request, body_read *read_some, void *arg)
{
	size_t max = request->body.max;
	uint64_t length;
	int known = request_length(request, &length);

	if (known < 0) {
		refuse(request, 400, "Content-Length is no number");
		return;
	}
	if (request->refused != 0 || (known == 1 && length > max)) {
		refuse(request, 413, "the body is too large");
		drain(read_some, arg,
		    known == 1 && length < max * DRAIN_FACTOR ? length : max * DRAIN_FACTOR);
		return;
	}
	/* Without a length (chunked under Apache's CGI): to the end, within the limit. */
	read_into(request, read_some, arg, known == 1 ? length : UINT64_MAX);
	if (request->body.full) {
		refuse(request, 413, "the body is too large");
		drain(read_some, arg, max * DRAIN_FACTOR);
	} else if (known == 1 && request->body.len < length) {
		refuse(request, 400, "the body is shorter than announced");
	}
}

/* A GET may carry one (RFC 9110, 9.3.1); it means nothing. */
static bool
has_body(const struct request *request)
{
	uint64_t length;

	return strcmp(request->method, "GET") != 0 || request_length(request, &length) == 1;
}

/* -- FastCGI -- */

struct gateway {
	int listen_fd;
	struct gateway_limits limits;
	FCGX_Request fcgi;
	int64_t deadline_ms; /* for the body of the request at hand */
};

static bool
is_local(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       address.ss_family == AF_UNIX;
}

int
gateway_open(int listen_fd, const struct gateway_limits *limits, struct gateway **gateway_r,
    struct bh_err *err)
{
	struct gateway *gateway;
	int flags = fcntl(listen_fd, F_GETFL);

	*gateway_r = NULL;
	if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return bh_fail_errno(err, BH_UNAVAILABLE, "descriptor %d cannot be listened on",
		    listen_fd);
	/*
	 * After its answer libfcgi waits for the server to close, by default 2 s;
	 * a server that hoped to keep the connection would cost us that each time.
	 * A local socket keeps what was written when we close first: then there is
	 * nothing to wait for, and the next request need not wait either.
	 */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", is_local(listen_fd) ? "0" : "250", 0);
	gateway = bh_xcalloc(1, sizeof(*gateway));
	gateway->listen_fd = listen_fd;
	gateway->limits = *limits;
	if (FCGX_Init() != 0 ||
	    FCGX_InitRequest(&gateway->fcgi, listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
		free(gateway);
		return bh_fail(err, BH_UNAVAILABLE, "the FastCGI library does not start");
	}
	*gateway_r = gateway;
	return 0;
}

void
gateway_close(struct gateway **gateway)
{
	if (*gateway == NULL)
		return;
	FCGX_Free(&(*gateway)->fcgi, 1);
	free(*gateway);
	*gateway = NULL;
}

/* A connection, with time-outs on it; -1 as accept(). */
static int
accept_connection(const struct gateway *gateway)
{
	struct timeval limit = {.tv_sec = gateway->limits.body_timeout_s};
	int fd = accept4(gateway->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

/* Is this accept() error about one connection, or none being there? */
static bool
is_passing(int number)
{
	return number == EAGAIN || number == EINTR || number == ECONNABORTED || number == EPROTO ||
	       number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

/* body_read over the stream: gives what one read of the socket brought, so that the deadline is seen. */
static int
read_stream(void *arg, char *to, size_t size)
{
	struct gateway *gateway = arg;
	FCGX_Stream *in = gateway->fcgi.in;
	int c, more;

	if (bh_mono_ms() > gateway->deadline_ms)
		return -1;
	c = FCGX_GetChar(in);
	if (c < 0) {
		int error = FCGX_GetError(in);

		if (error == 0)
			return 0;
		return error == EAGAIN || error == EWOULDBLOCK ? -1 : -2;
	}
	to[0] = (char)c;
	more = (int)(in->stop - in->rdNext);
	if (more > (int)size - 1)
		more = (int)size - 1;
	return 1 + (more > 0 ? FCGX_GetStr(to + 1, more, in) : 0);
}

/* Let libfcgi read the head of a request from fd.  As FCGX_Accept_r(); -EAGAIN: there is none. */
static int
take_connection(struct gateway *gateway, int fd)
{
	FCGX_Request *fcgi = &gateway->fcgi;
	int rc;

	/*
	 * FCGX_Accept_r() goes on with a connection that was kept from the last
	 * request: this is how one that we accepted comes in.
	 */
	fcgi->ipcFd = fd;
	fcgi->keepConnection = 1;
	rc = FCGX_Accept_r(fcgi);
	if (rc != 0)
		return rc;
	/* Parameters that broke off look like the end of them. */
	if (FCGX_GetError(fcgi->in) != 0) {
		FCGX_Free(fcgi, 1);
		return -EAGAIN;
	}
	/* Whatever the server asked for: see gateway.h. */
	fcgi->keepConnection = 0;
	return 0;
}

int
gateway_accept(struct gateway *gateway, int timeout_ms, const sigset_t *unblocked,
    const struct request_place *place, struct request *request, struct bh_err *err)
{
	struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};
	struct pollfd poll_fd = {.fd = gateway->listen_fd, .events = POLLIN};
	int fd, rc;

	if (ppoll(&poll_fd, 1, &timeout, unblocked) <= 0)
		return 0;
	fd = accept_connection(gateway);
	if (fd < 0 && is_passing(errno)) {
		/* Out of descriptors or memory: the connection stays in the queue, so do not spin. */
		if (errno != EAGAIN && errno != EINTR)
			bh_sleep_ms(10);
		return 0;
	}
	if (fd < 0)
		return bh_fail_errno(err, BH_UNAVAILABLE, "cannot accept connections");
	gateway->deadline_ms = bh_mono_ms() + gateway->limits.body_timeout_s * 1000LL;
	rc = take_connection(gateway, fd);
	/* A connection that brought no request is gone; the library then tried the next: none there. */
	if (rc == -EAGAIN || rc == -EINTR)
		return 0;
	if (rc < 0)
		return bh_fail(err, BH_UNAVAILABLE, "the FastCGI library gives up (%d)", rc);
	request_init(request, gateway->limits.body_max);
	request->received_ms = bh_now_ms();
	request_begin(request, (const char *const *)gateway->fcgi.envp, place);
	read_body(request, read_stream, gateway);
	return 1;
}

/* A socket that is closed with unread bytes resets the answer behind it. */
static void
read_rest(struct gateway *gateway)
{
	char waste[CHUNK];

	if (FCGX_GetError(gateway->fcgi.in) == 0)
		for (int i = 0; i < 8 && read_stream(gateway, waste, sizeof(waste)) > 0; i++)
			continue;
}

void
gateway_answer(struct gateway *gateway, const void *head, size_t head_len, const void *body,
    size_t body_len)
{
	FCGX_Stream *out = gateway->fcgi.out;

	read_rest(gateway);
	FCGX_PutStr(head, (int)head_len, out);
	if (body_len != 0)
		FCGX_PutStr(body, (int)body_len, out);
	FCGX_Finish_r(&gateway->fcgi);
}

/* Takes a piece of a body: 0, or -1 when nobody reads it any more. */
typedef int piece_write(void *arg, const void *data, size_t len);

/* A file in pieces: 0 all of it, -1. */
static int
send_file(int fd, uint64_t len, piece_write *write_piece, void *arg)
{
	char chunk[CHUNK];

	while (len > 0) {
		ssize_t n = read(fd, chunk, len < CHUNK ? (size_t)len : CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || write_piece(arg, chunk, (size_t)n) < 0)
			return -1;
		len -= (uint64_t)n;
	}
	return 0;
}

static int
put_piece(void *arg, const void *data, size_t len)
{
	return FCGX_PutStr(data, (int)len, arg) == (int)len ? 0 : -1;
}

void
gateway_answer_file(struct gateway *gateway, const void *head, size_t head_len, int fd,
    uint64_t len)
{
	FCGX_Stream *out = gateway->fcgi.out;

	read_rest(gateway);
	FCGX_PutStr(head, (int)head_len, out);
	(void)send_file(fd, len, put_piece, out);
	FCGX_Finish_r(&gateway->fcgi);
}

/* -- CGI -- */

struct cgi_input {
	int fd;
	int64_t deadline_ms;
};

static int
read_input(void *arg, char *to, size_t size)
{
	const struct cgi_input *input = arg;
	int64_t left = input->deadline_ms - bh_mono_ms();
	struct pollfd poll_fd = {.fd = input->fd, .events = POLLIN};
	ssize_t n;

	if (left <= 0)
		return -1;
	n = poll(&poll_fd, 1, (int)left);
	if (n == 0)
		return -1;
	if (n > 0)
		n = read(input->fd, to, size);
	/* The next call finds the same, or the deadline. */
	if (n < 0 && errno == EINTR)
		return read_input(arg, to, size);
	return n < 0 ? -2 : (int)n;
}

void
gateway_cgi_read(const char *const *environment, int in_fd, const struct gateway_limits *limits,
    const struct request_place *place, struct request *request)
{
	struct cgi_input input = {in_fd, bh_mono_ms() + limits->body_timeout_s * 1000LL};

	request_init(request, limits->body_max);
	request->received_ms = bh_now_ms();
	request_begin(request, environment, place);
	/* Standard input may be anything (a terminal) when no body was announced. */
	if (has_body(request))
		read_body(request, read_input, &input);
}

int
gateway_cgi_answer(int out_fd, const void *head, size_t head_len, const void *body, size_t body_len,
    struct bh_err *err)
{
	if (bh_write_full(out_fd, head, head_len, err) < 0)
		return -1;
	return body_len != 0 ? bh_write_full(out_fd, body, body_len, err) : 0;
}

static int
write_piece_to(void *arg, const void *data, size_t len)
{
	return bh_write_full(*(const int *)arg, data, len, NULL);
}

int
gateway_cgi_answer_file(int out_fd, const void *head, size_t head_len, int fd, uint64_t len,
    struct bh_err *err)
{
	if (bh_write_full(out_fd, head, head_len, err) < 0)
		return -1;
	return send_file(fd, len, write_piece_to, &out_fd) == 0
		   ? 0
		   : bh_fail(err, BH_UNAVAILABLE, "the file could not be sent whole");
}

bool
gateway_is_listening(int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening != 0;
}
