/*
 * A load generator that costs little beside what it measures: signed webhooks
 * over N kept-alive connections, each sent as soon as the one before it is
 * answered.
 *
 *   bench-hammer PORT PATH SECRET BODY-FILE CONNECTIONS SECONDS FIRST OBJECTS
 *
 * In the body "@EVENT@" is replaced by a number of 16 digits that counts up
 * from FIRST, "@OBJECT@" by one of OBJECTS numbers of 7 digits.  Prints one line of JSON.
 */
#include "base/base.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/proc.h"
#include "base/text.h"

#define BODY_MAX (1u << 20)
#define STEP 7919 /* prime: goes through all objects */
#define ANSWER_MAX 4096

struct connection {
	int fd;
	double sent_ms;
	size_t got;
	char answer[ANSWER_MAX];
};

struct hammer {
	int port, poll_fd;
	const char *path, *secret;
	struct bh_buf body, request;
	char *event_at, *object_at; /* where the numbers stand in the body */
	uint64_t next, objects;
	double end_ms;
	float *latencies_ms;
	size_t done, room, failed;
};

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
put_number(char *at, int digits, uint64_t number)
{
	for (int i = digits - 1; at != NULL && i >= 0; i--, number /= 10)
		at[i] = (char)('0' + number % 10);
}

/* Replace the placeholder by digits of zeros; where they stand, or NULL. */
static size_t
make_place(struct bh_buf *body, const char *placeholder, int digits)
{
	char *at = strstr(body->data, placeholder);
	size_t before, after;

	if (at == NULL)
		return SIZE_MAX;
	before = (size_t)(at - body->data);
	after = before + strlen(placeholder);
	if ((size_t)digits > strlen(placeholder))
		bh_buf_room(body, (size_t)digits);
	memmove(body->data + before + digits, body->data + after, body->len - after + 1);
	body->len = body->len - strlen(placeholder) + (size_t)digits;
	memset(body->data + before, '0', (size_t)digits);
	return before;
}

static int
read_body(struct hammer *h, const char *path)
{
	FILE *file = fopen(path, "re");
	size_t n, event, object;
	char chunk[8192];

	if (file == NULL)
		return -1;
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		bh_buf_add(&h->body, chunk, n);
	fclose(file);
	bh_buf_str(&h->body);
	event = make_place(&h->body, "@EVENT@", 16);
	object = make_place(&h->body, "@OBJECT@", 7);
	/* The later one may have moved the earlier. */
	if (event != SIZE_MAX && object != SIZE_MAX && object < event)
		event -= strlen("@OBJECT@") - 7;
	h->event_at = event != SIZE_MAX ? h->body.data + event : NULL;
	h->object_at = object != SIZE_MAX ? h->body.data + object : NULL;
	return 0;
}

/* Stripe: Webhooks, signatures. */
static void
make_request(struct hammer *h)
{
	char seconds[24], hex[2 * BH_SHA256_LEN + 1];
	unsigned char digest[BH_SHA256_LEN];
	struct bh_part parts[3];

	put_number(h->event_at, 16, h->next);
	put_number(h->object_at, 7, h->next * STEP % h->objects);
	h->next++;
	snprintf(seconds, sizeof(seconds), "%lld", (long long)(bh_now_ms() / 1000));
	parts[0] = (struct bh_part){seconds, strlen(seconds)};
	parts[1] = (struct bh_part){".", 1};
	parts[2] = (struct bh_part){h->body.data, h->body.len};
	bh_hmac_sha256(digest, h->secret, strlen(h->secret), parts, BH_LEN(parts));
	bh_hex(hex, digest, sizeof(digest));
	bh_buf_reset(&h->request);
	bh_buf_addf(&h->request,
	    "POST %s HTTP/1.1\r\nHost: billhook.example.com\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\nStripe-Signature: t=%s,v1=%s\r\n\r\n",
	    h->path, h->body.len, seconds, hex);
	bh_buf_add(&h->request, h->body.data, h->body.len);
}

static void
fail(const char *what)
{
	fprintf(stderr, "bench-hammer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
open_connection(struct hammer *h, struct connection *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)h->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("cannot connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

static void
send_next(struct hammer *h, struct connection *c)
{
	make_request(h);
	c->got = 0;
	c->sent_ms = now_ms();
	if (bh_write_full(c->fd, h->request.data, h->request.len, NULL) < 0)
		fail("cannot send");
}

/* 1 the answer is complete, 0 not yet, -1 it is none that we understand. */
static int
look(const struct connection *c)
{
	const char *end = strstr(c->answer, "\r\n\r\n"), *length;

	if (end == NULL)
		return c->got + 1 < ANSWER_MAX ? 0 : -1;
	length = strcasestr(c->answer, "\r\nContent-Length: ");
	if (length == NULL || length > end)
		return strstr(end, "\r\n0\r\n\r\n") != NULL;
	return c->got >= (size_t)(end + 4 - c->answer) + strtoul(length + 18, NULL, 10);
}

static void
note(struct hammer *h, const struct connection *c)
{
	if (strncmp(c->answer, "HTTP/1.1 200", 12) != 0) {
		h->failed++;
		return;
	}
	if (h->done == h->room) {
		h->room = h->room != 0 ? 2 * h->room : 65536;
		h->latencies_ms =
		    bh_xrealloc(h->latencies_ms, h->room * sizeof(h->latencies_ms[0]));
	}
	h->latencies_ms[h->done++] = (float)(now_ms() - c->sent_ms);
}

static void
take(struct hammer *h, struct connection *c)
{
	ssize_t n = read(c->fd, c->answer + c->got, ANSWER_MAX - 1 - c->got);
	int rc;

	if (n > 0)
		c->got += (size_t)n;
	c->answer[c->got] = '\0';
	rc = n > 0 ? look(c) : -1;
	if (rc == 0)
		return;
	if (rc < 0) {
		h->failed++;
		close(c->fd);
		open_connection(h, c);
	} else {
		note(h, c);
	}
	if (now_ms() < h->end_ms)
		send_next(h, c);
}

static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double
quantile(const struct hammer *h, double q)
{
	return h->done != 0 ? (double)h->latencies_ms[(size_t)((double)(h->done - 1) * q)] : -1;
}

int
main(int argc, char **argv)
{
	struct hammer h = {.body = BH_BUF_INIT(BODY_MAX),
	    .request = BH_BUF_INIT(2 * BODY_MAX),
	    .poll_fd = epoll_create1(EPOLL_CLOEXEC)};
	struct connection *connections;
	struct epoll_event events[64];
	double start_ms, stop_ms;
	int n;

	if (argc != 9) {
		fprintf(stderr,
		    "usage: bench-hammer PORT PATH SECRET BODY-FILE CONNECTIONS SECONDS FIRST OBJECTS\n");
		return 2;
	}
	bh_proc_init();
	h.port = atoi(argv[1]);
	h.path = argv[2];
	h.secret = argv[3];
	if (read_body(&h, argv[4]) < 0)
		fail(argv[4]);
	n = atoi(argv[5]);
	h.next = strtoull(argv[7], NULL, 10);
	h.objects = strtoull(argv[8], NULL, 10);
	connections = bh_xcalloc((size_t)n, sizeof(connections[0]));
	start_ms = now_ms();
	h.end_ms = start_ms + 1000 * strtod(argv[6], NULL);
	for (int i = 0; i < n; i++) {
		open_connection(&h, &connections[i]);
		send_next(&h, &connections[i]);
	}
	do {
		int ready = epoll_wait(h.poll_fd, events, BH_LEN(events), 100);

		for (int i = 0; i < ready; i++)
			take(&h, events[i].data.ptr);
	} while (now_ms() < h.end_ms);
	stop_ms = now_ms();
	qsort(h.latencies_ms, h.done, sizeof(h.latencies_ms[0]), compare);
	printf(
	    "{\"requests\":%zu,\"failed\":%zu,\"per_s\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"next\":%llu}\n",
	    h.done, h.failed, (double)h.done / (stop_ms - start_ms) * 1000, quantile(&h, 0.5),
	    quantile(&h, 0.99), quantile(&h, 1), (unsigned long long)h.next);
	return 0;
}
