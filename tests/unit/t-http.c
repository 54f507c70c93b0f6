/* The HTTP client against a small server of our own, which also misbehaves on demand. */
#include "base/base.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http.h"
#include "unit.h"

/* Shared with the server's processes. */
struct shared {
	int active, most, connections, requests;
};

static struct shared *shared;
static int server_port;
static pid_t server_pid;
static struct http_transport *curl;

/* --- the server: one process per connection ----------------------------- */

static void
say(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void
say_answer(int fd, const char *headers, const char *body, size_t len)
{
	char head[512];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s\r\n",
	    len, headers);

	say(fd, head, (size_t)n);
	say(fd, body, len);
}

/* Read one request; false at the end of the connection.  The body follows the head in text. */
static bool
hear(int fd, char *text, size_t size, const char **body_r)
{
	size_t len = 0, want = 0;
	char *end = NULL;

	for (;;) {
		ssize_t n;

		if (end != NULL && len >= want)
			break;
		n = recv(fd, text + len, size - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		if (end == NULL && (end = strstr(text, "\r\n\r\n")) != NULL) {
			const char *length = strstr(text, "\r\nContent-Length: ");

			want = (size_t)(end + 4 - text) +
			       (length != NULL ? (size_t)atoi(length + 18) : 0);
		}
	}
	*body_r = end + 4;
	return true;
}

static void
say_big(int fd)
{
	static char big[1000000];

	memset(big, 'x', sizeof(big));
	say_answer(fd, "", big, sizeof(big));
}

/* 133 bytes that unpack to 100,000: a deflate block whose middle is zeros. */
static void
say_bomb(int fd)
{
	static const unsigned char head[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
	    0xff, 0xed, 0xc1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xc2, 0xa0, 0x2a, 0xeb, 0x9f, 0xd2,
	    0x1a, 0x1e, 0x40, 0x01};
	static const unsigned char tail[] = {0xaf, 0x06, 0x2d, 0xf0, 0x79, 0xca, 0xa0, 0x86, 0x01,
	    0x00};
	unsigned char bomb[133] = {0};

	memcpy(bomb, head, sizeof(head));
	memcpy(bomb + sizeof(bomb) - sizeof(tail), tail, sizeof(tail));
	say_answer(fd, "Content-Encoding: gzip\r\n", (const char *)bomb, sizeof(bomb));
}

static void
say_headers(int fd)
{
	say(fd, "HTTP/1.1 200 OK\r\n", 17);
	for (int i = 0; i < 300; i++)
		say(fd, "X-Many: 1\r\n", 11);
	say(fd, "Content-Length: 0\r\n\r\n", 21);
}

/* False: the connection is closed without another word. */
static bool
serve_one(int fd, const char *head, const char *body)
{
	if (strstr(head, " /drop ") != NULL)
		return false;
	if (strstr(head, " /cut ") != NULL) {
		static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";

		say(fd, cut, sizeof(cut) - 1);
		return false;
	}
	if (strstr(head, " /slow ") != NULL)
		bh_sleep_ms(1500);
	else if (strstr(head, " /wait ") != NULL)
		bh_sleep_ms(150);
	if (strstr(head, " /big ") != NULL)
		say_big(fd);
	else if (strstr(head, " /bomb ") != NULL)
		say_bomb(fd);
	else if (strstr(head, " /headers ") != NULL)
		say_headers(fd);
	else if (strstr(head, " /redirect ") != NULL)
		say(fd, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 55);
	else if (strstr(head, " /continue ") != NULL)
		say(fd,
		    "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
		    "HTTP/1.1 204 No Content\r\nX-Late: 1\r\n\r\n",
		    79);
	else if (strstr(head, " /head ") != NULL)
		say_answer(fd, "", head, strlen(head) - strlen(body));
	else
		say_answer(fd, "X-Answer:  yes \r\n", body, strlen(body));
	return strstr(head, " /close ") == NULL;
}

static void
serve_connection(int fd)
{
	static char text[2000000];
	const char *body;

	__atomic_add_fetch(&shared->connections, 1, __ATOMIC_SEQ_CST);
	while (hear(fd, text, sizeof(text), &body)) {
		int active = __atomic_add_fetch(&shared->active, 1, __ATOMIC_SEQ_CST);
		bool goes_on;

		if (active > shared->most)
			shared->most = active;
		__atomic_add_fetch(&shared->requests, 1, __ATOMIC_SEQ_CST);
		goes_on = serve_one(fd, text, body);
		__atomic_sub_fetch(&shared->active, 1, __ATOMIC_SEQ_CST);
		if (!goes_on)
			break;
	}
	_exit(0);
}

static void
serve(int listener)
{
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0)
			serve_connection(fd);
		close(fd);
	}
}

static int
listen_here(int *port_r)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port_r = ntohs(at.sin_port);
	return fd;
}

static int
start(void **state)
{
	int listener = listen_here(&server_port);

	(void)state;
	shared =
	    mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	server_pid = fork();
	if (server_pid == 0) {
		setpgid(0, 0);
		serve(listener);
	}
	setpgid(server_pid, server_pid);
	close(listener);
	curl = http_curl_new();
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	http_curl_free(&curl);
	assert_null(curl);
	kill(-server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
	munmap(shared, sizeof(*shared));
	return 0;
}

/* --- helpers ------------------------------------------------------------ */

static void
prepare(struct http_request *request, const char *method, const char *path)
{
	char *url = bh_xasprintf("http://127.0.0.1:%d%s", server_port, path);

	http_request_init(request, method, url);
	free(url);
}

/* Perform one request with defaults; returns the code of its error. */
static enum bh_code
ask(const char *method, const char *path, const char *body, struct http_response *response)
{
	struct http_request request;
	struct bh_err err = BH_ERR_INIT;

	prepare(&request, method, path);
	if (body != NULL)
		bh_buf_adds(&request.body, body);
	http_response_init(response);
	http_perform(curl, &request, response, &err);
	http_request_release(&request);
	return err.code;
}

/* --- tests -------------------------------------------------------------- */

static void
answers(void **state)
{
	struct http_response response;

	(void)state;
	assert_int_equal(ask("PATCH", "/", "{\"a\":1}", &response), BH_OK);
	assert_int_equal(response.status, 200);
	assert_string_equal(bh_buf_str(&response.body), "{\"a\":1}");
	assert_string_equal(http_response_header(&response, "x-ANSWER"), "yes");
	assert_null(http_response_header(&response, "x-answe"));
	http_response_release(&response);
}

static void
sends_what_is_asked(void **state)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
	struct http_response response;

	(void)state;
	for (size_t i = 0; i < BH_LEN(methods); i++) {
		struct http_request request;
		char *line = bh_xasprintf("%s /head HTTP/1.1\r\n", methods[i]);

		prepare(&request, methods[i], "/head");
		http_request_header(&request, "X-One", "1");
		http_request_header(&request, "X-None", "");
		http_response_init(&response);
		assert_int_equal(http_perform(curl, &request, &response, NULL), 0);
		assert_true(strncmp(response.body.data, line, strlen(line)) == 0);
		assert_non_null(strstr(response.body.data, "X-One: 1\r\n"));
		assert_non_null(strstr(response.body.data, "X-None:"));
		assert_non_null(strstr(response.body.data, "gzip"));
		assert_non_null(strstr(response.body.data, "billhook/"));
		assert_null(strstr(response.body.data, "Expect"));
		free(line);
		http_request_release(&request);
		http_response_release(&response);
	}
}

/* 24 calls of 150 ms: at the same time, but never more than 8. */
static void
parallel(void **state)
{
	struct http_request requests[24];
	struct http_response responses[24];
	int64_t before = bh_mono_ms();

	(void)state;
	shared->most = 0;
	for (size_t i = 0; i < 24; i++) {
		prepare(&requests[i], "POST", "/wait");
		bh_buf_addf(&requests[i].body, "body %zu", i);
		http_response_init(&responses[i]);
	}
	curl->perform(curl, requests, responses, 24);
	assert_true(bh_mono_ms() - before < 24 * 150 / 2);
	assert_in_range(shared->most, 2, 8);
	for (size_t i = 0; i < 24; i++) {
		assert_int_equal(responses[i].status, 200);
		assert_string_equal(bh_buf_str(&responses[i].body), bh_buf_str(&requests[i].body));
		http_request_release(&requests[i]);
		http_response_release(&responses[i]);
	}
}

static void
connection_is_kept(void **state)
{
	struct http_response response;
	int before;

	(void)state;
	assert_int_equal(ask("GET", "/", NULL, &response), BH_OK);
	http_response_release(&response);
	before = shared->connections;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(ask("GET", "/", NULL, &response), BH_OK);
		http_response_release(&response);
	}
	assert_int_equal(shared->connections, before);
}

/* One failure among good calls stays alone. */
static void
mixed(void **state)
{
	static const char *const paths[] = {"/", "/drop", "/", "/cut"};
	struct http_request requests[4];
	struct http_response responses[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		prepare(&requests[i], "POST", paths[i]);
		http_response_init(&responses[i]);
	}
	curl->perform(curl, requests, responses, 4);
	assert_int_equal(responses[0].err.code, BH_OK);
	assert_int_equal(responses[1].err.code, BH_UNCERTAIN);
	assert_int_equal(responses[2].err.code, BH_OK);
	assert_int_equal(responses[3].err.code, BH_UNCERTAIN);
	for (size_t i = 0; i < 4; i++) {
		http_request_release(&requests[i]);
		http_response_release(&responses[i]);
	}
}

/* A connection that the server closed while it was idle is no failure at all. */
static void
dead_kept_connection(void **state)
{
	struct http_response response;

	(void)state;
	assert_int_equal(ask("GET", "/close", NULL, &response), BH_OK);
	http_response_release(&response);
	bh_sleep_ms(50);
	assert_int_equal(ask("POST", "/", "again", &response), BH_OK);
	assert_string_equal(bh_buf_str(&response.body), "again");
	http_response_release(&response);
}

/*
 * Whatever has a body, or is no GET, is sent once: also when it went out on a
 * kept connection, where libcurl would repeat it by itself.
 */
static void
sent_once(void **state)
{
	static const struct {
		const char *method, *body;
		bool secret;
	} cases[] = {
	    {"POST", "{}", false},
	    {"PATCH", "{}", false},
	    {"POST", "refresh_token=x", true},
	    {"POST", "", false},
	    {"DELETE", "", false},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct http_request request;
		struct http_response response;
		int before;

		assert_int_equal(ask("GET", "/", NULL, &response), BH_OK);
		http_response_release(&response);
		before = shared->requests;
		prepare(&request, cases[i].method, "/drop");
		bh_buf_adds(&request.body, cases[i].body);
		request.secret_body = cases[i].secret;
		http_response_init(&response);
		assert_int_equal(http_perform(curl, &request, &response, NULL), -1);
		assert_int_equal(response.err.code, BH_UNCERTAIN);
		assert_int_equal(shared->requests, before + 1);
		http_request_release(&request);
		http_response_release(&response);
	}
}

/* A body that takes many reads arrives whole. */
static void
large_body(void **state)
{
	struct http_request request;
	struct http_response response;

	(void)state;
	prepare(&request, "PATCH", "/");
	for (int i = 0; i < 200000; i++)
		bh_buf_addf(&request.body, "%d,", i % 10);
	http_response_init(&response);
	assert_int_equal(http_perform(curl, &request, &response, NULL), 0);
	assert_int_equal(response.body.len, request.body.len);
	assert_memory_equal(response.body.data, request.body.data, request.body.len);
	http_request_release(&request);
	http_response_release(&response);
}

static void
nothing_listens(void **state)
{
	struct http_request request;
	struct http_response response;
	struct bh_err err = BH_ERR_INIT;
	int port, listener = listen_here(&port);
	char *url = bh_xasprintf("http://127.0.0.1:%d/", port);

	(void)state;
	close(listener);
	http_request_init(&request, "POST", url);
	http_response_init(&response);
	assert_int_equal(http_perform(curl, &request, &response, &err), -1);
	assert_int_equal(err.code, BH_UNAVAILABLE);
	http_request_release(&request);
	http_response_release(&response);
	free(url);
}

/* Plain HTTP where TLS is due: the handshake fails, nothing was sent. */
static void
no_tls(void **state)
{
	struct http_request request;
	struct http_response response;
	struct bh_err err = BH_ERR_INIT;
	char *url = bh_xasprintf("https://127.0.0.1:%d/", server_port);

	(void)state;
	http_request_init(&request, "GET", url);
	request.timeout_ms = 1000;
	http_response_init(&response);
	assert_int_equal(http_perform(curl, &request, &response, &err), -1);
	assert_int_equal(err.code, BH_UNAVAILABLE);
	http_request_release(&request);
	http_response_release(&response);
	free(url);
}

static void
truncated(void **state)
{
	struct http_response response;

	(void)state;
	assert_int_equal(ask("GET", "/cut", NULL, &response), BH_UNCERTAIN);
	assert_int_equal(response.status, 0);
	assert_string_equal(bh_buf_str(&response.body), "");
	http_response_release(&response);
}

static void
ask_bounded(const char *path)
{
	struct http_request request;
	struct http_response response;
	struct bh_err err = BH_ERR_INIT;

	prepare(&request, "GET", path);
	request.answer_max = 50000;
	http_response_init(&response);
	assert_int_equal(http_perform(curl, &request, &response, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_non_null(strstr(err.text, "larger than allowed"));
	http_request_release(&request);
	http_response_release(&response);
}

static void
too_large(void **state)
{
	struct http_response response;

	(void)state;
	ask_bounded("/big");
	ask_bounded("/headers");
	assert_int_equal(ask("GET", "/big", NULL, &response), BH_OK);
	assert_int_equal(response.body.len, 1000000);
	http_response_release(&response);
}

/* The ceiling counts unpacked bytes. */
static void
packed_bomb(void **state)
{
	struct http_response response;

	(void)state;
	assert_int_equal(ask("GET", "/bomb", NULL, &response), BH_OK);
	assert_int_equal(response.body.len, 100000);
	http_response_release(&response);
	ask_bounded("/bomb");
}

static void
slow(void **state)
{
	struct http_request request;
	struct http_response response;
	struct bh_err err = BH_ERR_INIT;
	int64_t before = bh_mono_ms();

	(void)state;
	prepare(&request, "POST", "/slow");
	request.timeout_ms = 200;
	http_response_init(&response);
	assert_int_equal(http_perform(curl, &request, &response, &err), -1);
	assert_int_equal(err.code, BH_UNCERTAIN);
	assert_in_range(bh_mono_ms() - before, 150, 1200);
	http_request_release(&request);
	http_response_release(&response);
}

static void
redirect_is_not_followed(void **state)
{
	struct http_response response;

	(void)state;
	assert_int_equal(ask("GET", "/redirect", NULL, &response), BH_OK);
	assert_int_equal(response.status, 302);
	http_response_release(&response);
}

/* Headers of an interim answer are not those of the answer. */
static void
early_hints(void **state)
{
	struct http_response response;

	(void)state;
	assert_int_equal(ask("GET", "/continue", NULL, &response), BH_OK);
	assert_int_equal(response.status, 204);
	assert_null(http_response_header(&response, "X-Early"));
	assert_string_equal(http_response_header(&response, "X-Late"), "1");
	http_response_release(&response);
}

static void
header_injection(void **state)
{
	struct http_request request;
	struct http_response response;
	struct bh_err err = BH_ERR_INIT;
	int before = shared->requests;

	(void)state;
	prepare(&request, "GET", "/");
	http_request_header(&request, "Authorization", "Bearer x\r\nX-Evil: 1");
	http_response_init(&response);
	assert_int_equal(http_perform(curl, &request, &response, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	assert_null(strstr(err.text, "Bearer"));
	assert_int_equal(shared->requests, before);
	http_request_release(&request);
	http_response_release(&response);
}

static void
urls(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} cases[] = {
	    {"https://example.com/a?b=c", true},
	    {"https://example.com:8443/", true},
	    {"http://127.0.0.1:80/", true},
	    {"http://127.9.9.9/", true},
	    {"http://[::1]:8080/x", true},
	    {"http://localhost:1/x", true},
	    {"http://LOCALHOST/x", true},
	    {"http://example.com/", false},
	    {"http://10.0.0.1/", false},
	    {"http://128.0.0.1/", false},
	    {"http://localhost.example.com/", false},
	    {"http://127.0.0.1.example.com/", false},
	    {"http://[::2]/", false},
	    {"https://user:pass@example.com/", false},
	    {"https://user@example.com/", false},
	    {"http://127.0.0.1@example.com/", false},
	    {"ftp://example.com/", false},
	    {"file:///etc/passwd", false},
	    {"gopher://127.0.0.1/", false},
	    {"example.com", false},
	    {"//example.com/", false},
	    {"https://", false},
	    {"https://exa mple.com/", false},
	    {"https://example.com/\r\nX: y", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_err err = BH_ERR_INIT;
		int rc = http_check_url(cases[i].url, &err);

		if ((rc == 0) != cases[i].good)
			fail_msg("%s: %d", cases[i].url, rc);
		if (rc < 0)
			assert_int_equal(err.code, BH_INVALID);
	}
}

static void
bad_url_is_not_called(void **state)
{
	struct http_request request;
	struct http_response response;
	struct bh_err err = BH_ERR_INIT;

	(void)state;
	http_request_init(&request, "GET", "ftp://127.0.0.1/");
	http_response_init(&response);
	assert_int_equal(http_perform(curl, &request, &response, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	http_request_release(&request);
	http_response_release(&response);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers),
	    cmocka_unit_test(sends_what_is_asked),
	    cmocka_unit_test(parallel),
	    cmocka_unit_test(connection_is_kept),
	    cmocka_unit_test(mixed),
	    cmocka_unit_test(dead_kept_connection),
	    cmocka_unit_test(sent_once),
	    cmocka_unit_test(large_body),
	    cmocka_unit_test(nothing_listens),
	    cmocka_unit_test(no_tls),
	    cmocka_unit_test(truncated),
	    cmocka_unit_test(too_large),
	    cmocka_unit_test(packed_bomb),
	    cmocka_unit_test(slow),
	    cmocka_unit_test(redirect_is_not_followed),
	    cmocka_unit_test(early_hints),
	    cmocka_unit_test(header_injection),
	    cmocka_unit_test(urls),
	    cmocka_unit_test(bad_url_is_not_called),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, start, stop);
}
