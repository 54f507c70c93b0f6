/* web/gateway: bodies over CGI pipes and FastCGI connections. */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "base/text.h"
#include "unit.h"
#include "web/gateway.h"

static const struct request_place place = {.base = ""};

/* -- CGI -- */

struct cgi_case {
	const char *name;
	const char *params[5];
	size_t sent;  /* bytes written to the pipe */
	bool is_open; /* the writer stays */
	int refused;
	size_t got;
};

static const struct cgi_case cgi_cases[] = {
    {"GET without a body", {"REQUEST_METHOD=GET"}, 0, true, 0, 0},
    {"POST with its length", {"REQUEST_METHOD=POST", "CONTENT_LENGTH=10"}, 10, true, 0, 10},
    {"no more than the length is read", {"REQUEST_METHOD=POST", "CONTENT_LENGTH=10"}, 30, true, 0,
	10},
    {"chunked: no length, to the end", {"REQUEST_METHOD=POST", "HTTP_TRANSFER_ENCODING=chunked"},
	50, false, 0, 50},
    {"no length and nothing", {"REQUEST_METHOD=POST"}, 0, false, 0, 0},
    {"short", {"REQUEST_METHOD=POST", "CONTENT_LENGTH=10"}, 9, false, 400, 9},
    {"exactly the limit", {"REQUEST_METHOD=POST", "CONTENT_LENGTH=100"}, 100, false, 0, 100},
    {"over the limit", {"REQUEST_METHOD=POST", "CONTENT_LENGTH=101"}, 101, false, 413, 0},
    {"over the limit without length", {"REQUEST_METHOD=POST"}, 101, false, 413, 0},
    {"far over the limit", {"REQUEST_METHOD=POST", "CONTENT_LENGTH=100000"}, 5000, true, 413, 0},
    {"length is no number", {"REQUEST_METHOD=POST", "CONTENT_LENGTH=ten"}, 10, false, 400, 0},
    {"too slow", {"REQUEST_METHOD=POST", "CONTENT_LENGTH=10"}, 5, true, 408, 5},
};

static void
test_cgi(void **state)
{
	static const struct gateway_limits limits = {100, 1};
	char bytes[8192];

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < BH_LEN(cgi_cases); i++) {
		const struct cgi_case *c = &cgi_cases[i];
		const char *params[8] = {"REQUEST_URI=/"};
		struct request request;
		int ends[2];

		for (size_t k = 0; c->params[k] != NULL; k++)
			params[k + 1] = c->params[k];
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(write(ends[1], bytes, c->sent), c->sent);
		if (!c->is_open)
			close(ends[1]);
		gateway_cgi_read(params, ends[0], &limits, &place, &request);
		if (request.refused != c->refused)
			fail_msg("%s: refused %d (%s)", c->name, request.refused, request.why.text);
		if (c->refused == 0 && request.body.len != c->got)
			fail_msg("%s: %zu bytes", c->name, request.body.len);
		assert_true(request.received_ms > 0);
		request_release(&request);
		close(ends[0]);
		if (c->is_open)
			close(ends[1]);
	}
}

static void
test_cgi_answer(void **state)
{
	struct bh_err err = BH_ERR_INIT;
	char got[64];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(gateway_cgi_answer(ends[1], "Status: 200 OK\r\n\r\n", 18, "body", 4, &err),
	    0);
	assert_int_equal(read(ends[0], got, sizeof(got)), 22);
	assert_memory_equal(got, "Status: 200 OK\r\n\r\nbody", 22);
	close(ends[0]);
	assert_int_equal(gateway_cgi_answer(ends[1], "x", 1, "", 0, &err), -1);
	close(ends[1]);
}

/* -- FastCGI -- */

struct fcgi {
	struct gateway *gateway;
	int listen_fd, client_fd;
	char dir[64], path[96];
};

static void
record(struct bh_buf *out, int type, const void *data, size_t len)
{
	const char head[8] = {1, (char)type, 0, 1, (char)(len >> 8), (char)(len & 255), 0, 0};

	bh_buf_add(out, head, 8);
	bh_buf_add(out, data, len);
}

static void
param(struct bh_buf *out, const char *name, const char *value)
{
	bh_buf_addc(out, (char)strlen(name));
	bh_buf_addc(out, (char)strlen(value));
	bh_buf_adds(out, name);
	bh_buf_adds(out, value);
}

static void
open_gateway(struct fcgi *fcgi)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct gateway_limits limits = {100, 1};
	struct bh_err err = BH_ERR_INIT;

	snprintf(fcgi->dir, sizeof(fcgi->dir), "/tmp/t-gateway.XXXXXX");
	assert_non_null(mkdtemp(fcgi->dir));
	snprintf(fcgi->path, sizeof(fcgi->path), "%s/sock", fcgi->dir);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fcgi->path);
	fcgi->listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fcgi->listen_fd, (const struct sockaddr *)&address, sizeof(address)),
	    0);
	assert_false(gateway_is_listening(fcgi->listen_fd));
	assert_int_equal(listen(fcgi->listen_fd, 5), 0);
	assert_true(gateway_is_listening(fcgi->listen_fd));
	if (gateway_open(fcgi->listen_fd, &limits, &fcgi->gateway, &err) < 0)
		fail_msg("%s", err.text);
}

static void
connect_client(struct fcgi *fcgi)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fcgi->path);
	fcgi->client_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fcgi->client_fd, (const struct sockaddr *)&address,
			     sizeof(address)),
	    0);
}

static void
close_gateway(struct fcgi *fcgi)
{
	gateway_close(&fcgi->gateway);
	close(fcgi->listen_fd);
	unlink(fcgi->path);
	rmdir(fcgi->dir);
}

/* A POST; end: the body's end is sent, too. */
static void
send_post(struct fcgi *fcgi, const char *length, const char *body, bool is_kept, bool is_ended)
{
	const char begin[8] = {0, 1, (char)is_kept, 0, 0, 0, 0, 0};
	struct bh_buf params = BH_BUF_INIT(1000), out = BH_BUF_INIT(10000);

	param(&params, "REQUEST_METHOD", "POST");
	param(&params, "REQUEST_URI", "/hook/x");
	if (length != NULL)
		param(&params, "CONTENT_LENGTH", length);
	record(&out, 1, begin, 8);
	record(&out, 4, params.data, params.len);
	record(&out, 4, "", 0);
	if (body[0] != '\0')
		record(&out, 5, body, strlen(body));
	if (is_ended)
		record(&out, 5, "", 0);
	assert_int_equal(write(fcgi->client_fd, out.data, out.len), out.len);
	bh_buf_release(&params);
	bh_buf_release(&out);
}

/* What came back on standard output; the connection must be closed by the other side. */
static void
read_answer(struct fcgi *fcgi, struct bh_buf *out)
{
	unsigned char head[8];
	char content[70000];
	bool is_ended = false;

	while (bh_read_full(fcgi->client_fd, head, 8, NULL) == 1) {
		size_t len = (size_t)head[4] << 8 | head[5];

		if (len + head[6] > 0)
			assert_int_equal(bh_read_full(fcgi->client_fd, content, len + head[6],
					     NULL),
			    1);
		if (head[1] == 6)
			bh_buf_add(out, content, len);
		is_ended = is_ended || head[1] == 3;
	}
	assert_true(is_ended);
	close(fcgi->client_fd);
}

struct fcgi_case {
	const char *name, *length, *body;
	bool is_kept, is_ended;
	int refused;
};

static const struct fcgi_case fcgi_cases[] = {
    {"plain", "5", "hello", false, true, 0},
    {"the server wants to keep the connection", "5", "hello", true, true, 0},
    {"no length", NULL, "hello", false, true, 0},
    {"shorter than announced", "6", "hello", false, true, 400},
    {"never comes", "6", "hello", false, false, 408},
    {"too large", "200", "hello", false, true, 413},
};

static void
test_fcgi(void **state)
{
	struct fcgi fcgi;

	(void)state;
	open_gateway(&fcgi);
	for (size_t i = 0; i < BH_LEN(fcgi_cases); i++) {
		const struct fcgi_case *c = &fcgi_cases[i];
		struct bh_buf answer = BH_BUF_INIT(100000);
		struct request request;
		struct bh_err err = BH_ERR_INIT;
		pid_t client;
		int status;

		connect_client(&fcgi);
		send_post(&fcgi, c->length, c->body, c->is_kept, c->is_ended);
		assert_int_equal(gateway_accept(fcgi.gateway, 1000, NULL, &place, &request, &err),
		    1);
		if (request.refused != c->refused)
			fail_msg("%s: refused %d (%s)", c->name, request.refused, request.why.text);
		if (c->refused == 0)
			assert_string_equal(bh_buf_str(&request.body), c->body);
		assert_string_equal(request.path, "/hook/x");
		client = fork();
		if (client == 0) {
			read_answer(&fcgi, &answer);
			_exit(
			    strcmp(bh_buf_str(&answer), "Status: 200 OK\r\n\r\nfine") == 0 ? 0 : 9);
		}
		close(fcgi.client_fd);
		gateway_answer(fcgi.gateway, "Status: 200 OK\r\n\r\n", 18, "fine", 4);
		assert_int_equal(waitpid(client, &status, 0), client);
		assert_int_equal(status, 0);
		request_release(&request);
	}
	close_gateway(&fcgi);
}

/* A body that stands in a file goes out in pieces; one that is shorter than told ends early. */
static void
test_fcgi_file(void **state)
{
	static const uint64_t told[] = {100000, 100001};
	char *body = bh_xcalloc(100001, 1), path[] = "/tmp/t-gateway.XXXXXX";
	int fd = mkstemp(path);
	struct fcgi fcgi;

	(void)state;
	memset(body, 'x', 100000);
	assert_int_equal(write(fd, body, 100000), 100000);
	open_gateway(&fcgi);
	for (size_t i = 0; i < BH_LEN(told); i++) {
		struct bh_buf answer = BH_BUF_INIT(200000);
		struct bh_err err = BH_ERR_INIT;
		struct request request;
		pid_t client;
		int status;

		connect_client(&fcgi);
		send_post(&fcgi, "5", "hello", false, true);
		assert_int_equal(gateway_accept(fcgi.gateway, 1000, NULL, &place, &request, &err),
		    1);
		client = fork();
		if (client == 0) {
			read_answer(&fcgi, &answer);
			_exit(answer.len == 18 + 100000 &&
				      strcmp(bh_buf_str(&answer) + 18, body) == 0
				  ? 0
				  : 9);
		}
		close(fcgi.client_fd);
		lseek(fd, 0, SEEK_SET);
		gateway_answer_file(fcgi.gateway, "Status: 200 OK\r\n\r\n", 18, fd, told[i]);
		assert_int_equal(waitpid(client, &status, 0), client);
		assert_int_equal(status, 0);
		request_release(&request);
	}
	close_gateway(&fcgi);
	close(fd);
	unlink(path);
	free(body);
}

static void
test_cgi_file(void **state)
{
	char path[] = "/tmp/t-gateway.XXXXXX", got[32] = "";
	int fd = mkstemp(path), ends[2];
	struct bh_err err = BH_ERR_INIT;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(fd, "body", 4), 4);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(gateway_cgi_answer_file(ends[1], "Head", 4, fd, 4, &err), 0);
	assert_int_equal(read(ends[0], got, sizeof(got)), 8);
	assert_string_equal(got, "Headbody");
	assert_int_equal(gateway_cgi_answer_file(ends[1], "", 0, fd, 1, &err), -1);
	assert_int_equal(err.code, BH_UNAVAILABLE);
	close(ends[0]);
	close(ends[1]);
	close(fd);
	unlink(path);
}

/* Connections that bring no request end without taking the process with them. */
static void
test_fcgi_garbage(void **state)
{
	static const char *const garbage[] = {"", "GET / HTTP/1.0\r\n\r\n",
	    "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\4\0\1\0\4"};
	struct bh_buf answer = BH_BUF_INIT(1000);
	struct request request;
	struct bh_err err = BH_ERR_INIT;
	struct fcgi fcgi;

	(void)state;
	open_gateway(&fcgi);
	for (size_t i = 0; i < BH_LEN(garbage); i++) {
		size_t len = i == 2 ? 22 : strlen(garbage[i]);

		connect_client(&fcgi);
		assert_int_equal(write(fcgi.client_fd, garbage[i], len), len);
		close(fcgi.client_fd);
		assert_int_equal(gateway_accept(fcgi.gateway, 1000, NULL, &place, &request, &err),
		    0);
	}
	assert_int_equal(gateway_accept(fcgi.gateway, 10, NULL, &place, &request, &err), 0);
	connect_client(&fcgi);
	send_post(&fcgi, "5", "hello", false, true);
	assert_int_equal(gateway_accept(fcgi.gateway, 1000, NULL, &place, &request, &err), 1);
	shutdown(fcgi.client_fd, SHUT_WR);
	gateway_answer(fcgi.gateway, "Status: 200 OK\r\n\r\n", 18, "", 0);
	read_answer(&fcgi, &answer);
	assert_string_equal(bh_buf_str(&answer), "Status: 200 OK\r\n\r\n");
	request_release(&request);
	bh_buf_release(&answer);
	close_gateway(&fcgi);
}

/* A connection that says nothing costs the time-out, not for ever. */
static void
test_fcgi_silent(void **state)
{
	struct request request;
	struct bh_err err = BH_ERR_INIT;
	struct fcgi fcgi;
	int64_t begin_ms = bh_mono_ms();

	(void)state;
	open_gateway(&fcgi);
	connect_client(&fcgi);
	assert_int_equal(gateway_accept(fcgi.gateway, 1000, NULL, &place, &request, &err), 0);
	assert_in_range(bh_mono_ms() - begin_ms, 500, 4000);
	close(fcgi.client_fd);
	close_gateway(&fcgi);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cgi),
	    cmocka_unit_test(test_cgi_answer), cmocka_unit_test(test_fcgi),
	    cmocka_unit_test(test_fcgi_file),
	    cmocka_unit_test(test_cgi_file),
	    cmocka_unit_test(test_fcgi_file), cmocka_unit_test(test_cgi_file),
	    cmocka_unit_test(test_fcgi_garbage), cmocka_unit_test(test_fcgi_silent)};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
