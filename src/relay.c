/*
 * billhook.cgi: the CGI program.  Tiny, statically linked, without secrets:
 * hands the request to the front pool over its FastCGI socket
 * (data_dir/run/front.sock).  Where nobody answers it starts `billhook serve`
 * and tries again for two seconds; then a webhook becomes a durable raw spool
 * file (web/raw.h) and is answered 200, anything else 503.  Where no process
 * may stay (daemons = 0) webhooks go there at once, and the program answers everything else.  After a start in
 * vain others do not wait so long for a while (run/relay.down remembers it).
 *
 * A web server may filter the environment (suEXEC), so what we must know is
 * in a file next to this program, billhook.relay:
 *
 *   dir = /home/example/billhook     data directory
 *   bin = /home/example/bin/billhook the program to start
 *
 * (body_max is read from the data directory's billhook.conf.)
 *
 * Where our archive was unpacked, the program is app/bin/billhook, and the
 * data directory stands in a billhook.conf beside us (data_dir = ...).
 * Without either BILLHOOK_DIR and BILLHOOK_BIN are used, then the installed
 * places.  Never argv: a CGI's arguments come from the query string.
 */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"
#include "base/text.h"
#include "web/raw.h"

#define WAIT_MS 2000 /* for somebody to answer the socket */
#define RETRY_MS 5
#define BODY_WAIT_MS 20000
#define ANSWER_WAIT_MS 30000
#define HOOK_WAIT_MS 5000 /* a front stores or spools within 2 s */
#define DRAIN_FACTOR 4
#define DOWN_MS 10000 /* after a start in vain */
#define ANSWER_HELD                                                                                \
	(256u << 10) /* kept back until it is complete, so that a dead front can be asked again */
#define PARAMS_MAX (64u << 10)
#define RECORD_MAX 65535
#define CHUNK 16384

/* FastCGI 1.0, sections 3.3, 5.1, 5.5, 8 */
enum {
	FCGI_BEGIN = 1,
	FCGI_END = 3,
	FCGI_PARAMS = 4,
	FCGI_STDIN = 5,
	FCGI_STDOUT = 6,
	FCGI_STDERR = 7
};

struct relay {
	char *own; /* our directory, while the configuration is read; NULL: unknown */
	char *dir, *bin;
	uint64_t body_max;
	struct bh_buf body;
	uint64_t dropped; /* bytes read beyond the limit */
	int64_t received_ms;
	bool is_started;   /* the supervisor was asked for */
	bool is_cron_only; /* no process may stay: nobody to hand a request to */
	bool is_archive;   /* the program stands in app/ beside us */
};

static int64_t
clock_ms(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int64_t
mono_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? value : "";
}

/* -- configuration -- */

static void
set(char **to, const char *value)
{
	free(*to);
	*to = bh_xstrdup(value);
}

/* A relative one is seen from this program; in the data directory itself nothing says where it is. */
static void
set_dir(struct relay *relay, const char *value)
{
	if (relay->own == NULL)
		return;
	free(relay->dir);
	relay->dir = value[0] == '/' ? bh_xstrdup(value) : bh_xasprintf("%s/%s", relay->own, value);
}

static void
take_line(struct relay *relay, char *line)
{
	char *equals = strchr(line, '='), *name = line, *value, *end;

	if (line[0] == '#' || equals == NULL)
		return;
	for (end = equals; end > name && strchr(" \t", end[-1]) != NULL; end--)
		continue;
	*end = '\0';
	value = equals + 1 + strspn(equals + 1, " \t");
	for (end = value + strlen(value); end > value && strchr(" \t\r\n", end[-1]) != NULL; end--)
		continue;
	*end = '\0';
	if (strcmp(name, "dir") == 0 || strcmp(name, "data_dir") == 0)
		set_dir(relay, value);
	else if (strcmp(name, "bin") == 0)
		set(&relay->bin, value);
	else if (strcmp(name, "daemons") == 0)
		relay->is_cron_only = strcmp(value, "0") == 0;
	else if (strcmp(name, "body_max") == 0 &&
		 !bh_is_uint(value, strlen(value), 16u << 20, &relay->body_max))
		fprintf(stderr, "billhook.cgi: body_max is no number up to 16777216\n");
}

/* A file that is not there says nothing. */
static void
take_file(struct relay *relay, const char *path)
{
	char line[2048];
	FILE *file = fopen(path, "re");

	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		take_line(relay, line);
	if (file != NULL)
		fclose(file);
}

static void
take_beside(struct relay *relay, const char *dir, const char *name)
{
	char *path = bh_xasprintf("%s/%s", dir, name);

	take_file(relay, path);
	free(path);
}

/* Unpacked into a web space, there is a program beside us, and perhaps a file that says where its data is. */
static void
take_archive(struct relay *relay)
{
	char *bin = bh_xasprintf("%s/app/bin/billhook", relay->own);

	relay->is_archive = access(bin, F_OK) == 0;
	if (relay->is_archive) {
		set(&relay->bin, bin);
		take_beside(relay, relay->own, "billhook.conf");
		/* Some ways of copying files lose who may run them. */
		if (access(bin, X_OK) < 0 && chmod(bin, 0755) < 0)
			fprintf(stderr, "billhook.cgi: %s cannot be run: chmod 755\n", bin);
	}
	free(bin);
}

static void
configure(struct relay *relay)
{
	unsetenv(BH_ROOT_VARIABLE);
	relay->own = bh_exe_dir();
	relay->dir = bh_xstrdup(variable("BILLHOOK_DIR"));
	relay->bin = bh_xstrdup(variable("BILLHOOK_BIN"));
	relay->body_max = 1u << 20;
	if (relay->own != NULL) {
		take_archive(relay);
		take_beside(relay, relay->own, "billhook.relay");
	}
	if (relay->dir[0] == '\0' && !relay->is_archive)
		set(&relay->dir, BH_LOCALSTATEDIR "/lib/billhook");
	if (relay->bin[0] == '\0')
		set(&relay->bin, BH_BINDIR "/billhook");
	free(relay->own);
	relay->own = NULL;
	/* One option of ours stands in the configuration that all others read. */
	if (relay->dir[0] != '\0')
		take_beside(relay, relay->dir, "billhook.conf");
	bh_buf_init(&relay->body, (size_t)relay->body_max);
}

/* -- plain answers of our own -- */

static void
write_out(const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			exit(1); /* the server no longer reads */
		at += n;
		len -= (size_t)n;
	}
}

static void
answer(const char *status, const char *extra, const char *json)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
	    "Status: %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n%s\r\n%s\n",
	    status, extra, json);

	write_out(text, (size_t)n);
}

/* -- the request -- */

/* Up to size bytes of standard input: > 0, 0 the end, -1 too slow or broken. */
static ssize_t
read_input(char *to, size_t size, int64_t end_ms)
{
	for (;;) {
		struct pollfd poll_fd = {.fd = STDIN_FILENO, .events = POLLIN};
		int64_t left = end_ms - mono_ms();
		ssize_t n;

		if (left <= 0)
			return -1;
		if (poll(&poll_fd, 1, (int)left) <= 0)
			continue;
		n = read(STDIN_FILENO, to, size);
		if (n >= 0 || errno != EINTR)
			return n;
	}
}

/* 1 the whole body is read, 0 it is too large, -1 it broke off or was too slow. */
static int
read_body(struct relay *relay, bool has_length, uint64_t length)
{
	int64_t end_ms = mono_ms() + BODY_WAIT_MS;
	uint64_t left = has_length ? length : UINT64_MAX;
	char chunk[CHUNK];

	if (has_length && length > relay->body_max)
		relay->body.full = true;
	/* What is too large is read a while longer, so that the server can hear our answer. */
	while (left > 0 && relay->dropped < DRAIN_FACTOR * relay->body_max) {
		ssize_t n = read_input(chunk, left < CHUNK ? (size_t)left : CHUNK, end_ms);

		if (n < 0)
			return relay->body.full ? 0 : -1;
		if (n == 0)
			break;
		bh_buf_add(&relay->body, chunk, (size_t)n);
		if (relay->body.full)
			relay->dropped += (uint64_t)n;
		left -= (uint64_t)n;
	}
	if (relay->body.full)
		return 0;
	return has_length && left > 0 ? -1 : 1;
}

static bool
is_method(const char *method)
{
	return strcmp(variable("REQUEST_METHOD"), method) == 0;
}

/* The body, by the rules of web/gateway.c.  False: answered already. */
static bool
is_body_taken(struct relay *relay)
{
	const char *text = variable("CONTENT_LENGTH");
	bool has_length = text[0] != '\0';
	uint64_t length = 0;
	int rc = 1;

	if (has_length && !bh_is_uint(text, strlen(text), 1ull << 40, &length)) {
		answer("400 Bad Request", "", "{\"error\":\"Content-Length is no number\"}");
		return false;
	}
	/* Chunked bodies come without a length, and only to methods that have one. */
	if (has_length || !(is_method("GET") || is_method("HEAD")))
		rc = read_body(relay, has_length, length);
	if (rc == 0)
		answer("413 Content Too Large", "", "{\"error\":\"the body is too large\"}");
	else if (rc < 0)
		answer("400 Bad Request", "", "{\"error\":\"the body broke off\"}");
	return rc == 1;
}

/* Is it a webhook: POST to .../hook/<connection>? */
static bool
is_webhook(void)
{
	const char *uri = variable("REQUEST_URI"), *at = NULL, *found;
	char code[72];
	size_t len;

	if (!is_method("POST"))
		return false;
	if (uri[0] == '\0')
		uri = variable("PATH_INFO");
	for (found = uri; (found = strstr(found, "/hook/")) != NULL; found++)
		at = found + strlen("/hook/");
	if (at == NULL)
		return false;
	len = strcspn(at, "?");
	if (len >= sizeof(code))
		return false;
	memcpy(code, at, len);
	code[len] = '\0';
	return bh_is_code(code);
}

/* -- FastCGI -- */

static void
add_record(struct bh_buf *out, int type, const char *data, size_t len)
{
	/* An empty record ends a stream. */
	do {
		size_t n = len < RECORD_MAX ? len : RECORD_MAX;
		const char head[8] = {1, (char)type, 0, 1, (char)(n >> 8), (char)(n & 0xff), 0, 0};

		bh_buf_add(out, head, sizeof(head));
		if (n > 0)
			bh_buf_add(out, data, n);
		data += n;
		len -= n;
	} while (len > 0);
}

static void
add_length(struct bh_buf *out, size_t len)
{
	unsigned char four[4];

	if (len < 128) {
		bh_buf_addc(out, (char)len);
		return;
	}
	bh_put_be32(four, (uint32_t)len | 0x80000000u);
	bh_buf_add(out, four, sizeof(four));
}

static void
add_param(struct bh_buf *out, const char *name, size_t name_len, const char *value)
{
	add_length(out, name_len);
	add_length(out, strlen(value));
	bh_buf_add(out, name, name_len);
	bh_buf_adds(out, value);
}

/* Meta-variables; the rest of the environment is nobody's business. */
static bool
is_forwarded(const char *name)
{
	static const char *const begins[] = {"HTTP_", "HTTPS=", "REDIRECT_", "SERVER_", "REMOTE_",
	    "REQUEST_", "SCRIPT_",
	    "PATH_INFO=", "QUERY_STRING=", "DOCUMENT_ROOT=", "CONTENT_TYPE=", "GATEWAY_",
	    "AUTH_TYPE="};

	for (size_t i = 0; i < BH_LEN(begins); i++)
		if (bh_has_prefix(name, begins[i]))
			return true;
	return false;
}

/* The whole request as FastCGI records. */
static void
encode(const struct relay *relay, struct bh_buf *out)
{
	static const char begin[8] = {0, 1, 0, 0, 0, 0, 0,
	    0}; /* responder, do not keep the connection */
	struct bh_buf params = BH_BUF_INIT((size_t)2 * PARAMS_MAX);
	char length[24];

	for (char **p = environ; *p != NULL; p++) {
		const char *equals = strchr(*p, '=');

		if (equals != NULL && is_forwarded(*p))
			add_param(&params, *p, (size_t)(equals - *p), equals + 1);
	}
	snprintf(length, sizeof(length), "%zu", relay->body.len);
	add_param(&params, "BILLHOOK_RELAY", strlen("BILLHOOK_RELAY"), "1");
	if (relay->body.len > 0 || !(is_method("GET") || is_method("HEAD")))
		add_param(&params, "CONTENT_LENGTH", strlen("CONTENT_LENGTH"), length);
	add_record(out, FCGI_BEGIN, begin, sizeof(begin));
	if (params.len > 0)
		add_record(out, FCGI_PARAMS, params.data, params.len);
	add_record(out, FCGI_PARAMS, "", 0);
	if (relay->body.len > 0)
		add_record(out, FCGI_STDIN, relay->body.data, relay->body.len);
	add_record(out, FCGI_STDIN, "", 0);
	out->full = out->full || params.full;
	bh_buf_release(&params);
}

/* A connection to the front pool, -1 when nobody listens. */
static int
connect_front(const struct relay *relay, int wait_ms)
{
	struct timeval limit = {wait_ms / 1000, wait_ms % 1000 * 1000L};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char *run = bh_xasprintf("%s/run", relay->dir);
	int dir_fd = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* However long the data directory's path is, one of them fits. */
	if (strlen(run) + strlen("/front.sock") < sizeof(address.sun_path))
		snprintf(address.sun_path, sizeof(address.sun_path), "%s/front.sock", run);
	else
		snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/front.sock",
		    dir_fd);
	free(run);
	if (fd >= 0 &&
	    (dir_fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)) {
		close(fd);
		fd = -1;
	}
	if (dir_fd >= 0)
		close(dir_fd);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return fd;
}

/* Standard output is held back until it is complete or large. */
static void
take_output(struct bh_buf *held, const char *data, size_t len, bool *is_flushed)
{
	if (held->len + len > ANSWER_HELD) {
		write_out(bh_buf_str(held), held->len);
		write_out(data, len);
		bh_buf_reset(held);
		*is_flushed = true;
		return;
	}
	bh_buf_add(held, data, len);
}

/* Copy the answer out until END_REQUEST.  False when it broke off with nothing written. */
static bool
is_answer_copied(int fd)
{
	struct bh_buf held = BH_BUF_INIT(ANSWER_HELD);
	unsigned char head[8];
	char content[RECORD_MAX + 255];
	bool is_flushed = false, is_over = false;

	while (!is_over && bh_read_full(fd, head, sizeof(head), NULL) == 1) {
		size_t len = (size_t)head[4] << 8 | head[5], padding = head[6];

		if (len + padding > 0 && bh_read_full(fd, content, len + padding, NULL) != 1)
			break;
		if (head[1] == FCGI_STDOUT)
			take_output(&held, content, len, &is_flushed);
		else if (head[1] == FCGI_STDERR && len > 0 &&
			 write(STDERR_FILENO, content, len) < 0)
			continue;
		is_over = head[1] == FCGI_END;
	}
	if (is_over)
		write_out(bh_buf_str(&held), held.len);
	/* Half an answer is out: nothing that we add would make sense. */
	if (!is_over && is_flushed)
		exit(1);
	is_over = is_over && (held.len > 0 || is_flushed);
	bh_buf_release(&held);
	return is_over;
}

/* 1 answered, 0 nobody listens, -1 somebody did and broke off. */
static int
ask_front(const struct relay *relay, const struct bh_buf *request, int wait_ms)
{
	int fd = connect_front(relay, wait_ms), rc = -1;

	if (fd < 0)
		return 0;
	if (bh_write_full(fd, request->data, request->len, NULL) == 0 && is_answer_copied(fd))
		rc = 1;
	close(fd);
	return rc;
}

/* -- nobody there -- */

/* Start `billhook serve`, detached, with an environment of its own. */
static void
start_supervisor(struct relay *relay)
{
	const char *const argv[] = {relay->bin, "serve", "--quiet", "--dir", relay->dir, NULL};
	char *own[16] = {NULL}, **request = environ;
	struct bh_err err = BH_ERR_INIT;
	size_t n = 0;

	relay->is_started = true;
	own[n++] = bh_xasprintf("BILLHOOK_DIR=%s", relay->dir);
	own[n++] = bh_xstrdup("PATH=/usr/local/bin:/usr/bin:/bin");
	for (char **p = request; *p != NULL && n < BH_LEN(own) - 1; p++)
		if (bh_has_prefix(*p, "BILLHOOK_") && !bh_has_prefix(*p, "BILLHOOK_DIR="))
			own[n++] = bh_xstrdup(*p);
	environ = own;
	if (bh_spawn_detached(argv, &err) < 0)
		fprintf(stderr, "billhook.cgi: %s\n", err.text);
	environ = request;
	while (n > 0)
		free(own[--n]);
}

/* A webhook on disk is a webhook accepted; fronts verify it later. */
static void
spool(const struct relay *relay)
{
	struct bh_err err = BH_ERR_INIT;

	if (raw_write(relay->dir, (const char *const *)environ, bh_buf_str(&relay->body),
		relay->body.len, relay->received_ms, &err) < 0) {
		fprintf(stderr, "billhook.cgi: %s\n", err.text);
		answer("503 Service Unavailable", "Retry-After: 30\r\n",
		    "{\"error\":\"storage is not available\"}");
		return;
	}
	answer("200 OK", "", "{\"status\":\"accepted\"}");
}

/* Did a start fail in the last seconds?  Then nobody waits for another. */
static bool
is_down(const char *mark)
{
	struct stat st;

	return stat(mark, &st) == 0 &&
	       clock_ms(CLOCK_REALTIME) - st.st_mtim.tv_sec * 1000LL < DOWN_MS;
}

static void
note_down(const char *mark)
{
	int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	/* Without the mark everybody waits: slower, not wrong. */
	if (futimens(fd, NULL) < 0)
		fprintf(stderr, "billhook.cgi: cannot touch %s\n", mark);
	close(fd);
}

/* Ask until somebody answers or the time is up.  False: nobody did. */
static bool
is_relayed(struct relay *relay, const struct bh_buf *request, bool is_hook)
{
	char *mark = bh_xasprintf("%s/run/relay.down", relay->dir);
	bool was_down = is_down(mark),
	     is_repeatable = is_hook || is_method("GET") || is_method("HEAD");
	int64_t end_ms = mono_ms() + (was_down ? RETRY_MS : WAIT_MS);
	int rc;

	for (;;) {
		struct timespec pause = {0, RETRY_MS * 1000000L};

		rc = ask_front(relay, request, is_hook ? HOOK_WAIT_MS : ANSWER_WAIT_MS);
		/* It may have been done: only what is harmless twice is asked twice. */
		if (rc == 1 || (rc < 0 && !is_repeatable))
			break;
		if (rc == 0 && !relay->is_started && !was_down)
			start_supervisor(relay);
		if (mono_ms() >= end_ms)
			break;
		nanosleep(&pause, NULL);
	}
	if (rc == 0 && !was_down)
		note_down(mark);
	free(mark);
	return rc == 1;
}

/*
 * The program itself answers: where there is no front pool, and an archive's
 * first request, when nobody has chosen a data directory yet: it chooses, and
 * writes down what we read the next time.
 */
static void
run_program(const struct relay *relay)
{
	char *const argv[] = {relay->bin, NULL};

	setenv("BILLHOOK_RELAY", "1", 1);
	execv(relay->bin, argv);
	fprintf(stderr, "billhook.cgi: cannot run %s: %s\n", relay->bin, strerror(errno));
	answer("503 Service Unavailable", "",
	    "{\"error\":\"app/bin/billhook cannot be run: give it the permissions 755\"}");
}

/* Read, ask, and otherwise keep or refuse. */
static void
relay_request(struct relay *relay, struct bh_buf *request)
{
	bool is_hook = is_webhook();

	if (!is_body_taken(relay))
		return;
	if (relay->is_cron_only) {
		spool(relay);
		return;
	}
	encode(relay, request);
	if (request->full)
		answer("431 Request Header Fields Too Large", "",
		    "{\"error\":\"the headers are too large\"}");
	else if (is_relayed(relay, request, is_hook))
		return;
	else if (is_hook)
		spool(relay);
	else
		answer("503 Service Unavailable", "Retry-After: 5\r\n",
		    "{\"error\":\"Billhook is starting or cannot be started\"}");
}

int
main(void)
{
	struct relay relay = {.received_ms = clock_ms(CLOCK_REALTIME)};
	struct bh_buf request;

	bh_proc_init();
	configure(&relay);
	bh_buf_init(&request, (size_t)relay.body_max + (1u << 20));
	if (relay.dir[0] == '\0' || (relay.is_cron_only && !is_webhook()))
		run_program(&relay);
	else
		relay_request(&relay, &request);
	bh_buf_release(&request);
	bh_buf_release(&relay.body);
	free(relay.dir);
	free(relay.bin);
	return 0;
}
