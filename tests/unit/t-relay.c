/* billhook.cgi run as a CGI program, before a FastCGI server of our own. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/proc.h"
#include "unit.h"
#include "web/front.h"
#include "web/gateway.h"
#include "web/raw.h"

static char dir[64], sock[96];

static int
make_dirs(void **state)
{
	char path[96];

	(void)state;
	bh_proc_init();
	snprintf(dir, sizeof(dir), "/tmp/t-relay.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/run", dir);
	snprintf(sock, sizeof(sock), "%s/run/front.sock", dir);
	return mkdir(path, 0700);
}

static void
remove_under(const char *path)
{
	DIR *list = opendir(path);
	struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		char *below = bh_xasprintf("%s/%s", path, entry->d_name);

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    unlink(below) < 0)
			remove_under(below);
		free(below);
	}
	if (list != NULL)
		closedir(list);
	rmdir(path);
}

static int
remove_dirs(void **state)
{
	(void)state;
	remove_under(dir);
	return 0;
}

/* Run the relay with body on its standard input; its standard output is returned. */
static char *
run_relay(const char *const *variables, const char *body)
{
	const char *top = getenv("BH_BUILDDIR");
	char *program = bh_xasprintf("%s/billhook.cgi", top != NULL ? top : ".");
	char *own[24], *argv[] = {program, NULL};
	struct bh_buf out = BH_BUF_INIT(4 << 20);
	char chunk[4096];
	int in[2], from[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	own[n++] = bh_xasprintf("BILLHOOK_DIR=%s", dir);
	own[n++] = bh_xstrdup("BILLHOOK_BIN=/bin/false");
	own[n++] = bh_xasprintf("CONTENT_LENGTH=%zu", strlen(body));
	for (; *variables != NULL; variables++)
		own[n++] = bh_xstrdup(*variables);
	own[n] = NULL;
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(from), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(from[1], 1);
		close(in[1]);
		close(from[0]);
		execve(program, argv, own);
		_exit(127);
	}
	close(in[0]);
	close(from[1]);
	assert_int_equal(bh_write_full(in[1], body, strlen(body), NULL), 0);
	close(in[1]);
	while ((got = read(from[0], chunk, sizeof(chunk))) > 0)
		bh_buf_add(&out, chunk, (size_t)got);
	close(from[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	while (n > 0)
		free(own[--n]);
	free(program);
	return bh_buf_steal(&out);
}

/* A server for one request after another: says what it saw; "/die" ends without an answer once. */
static pid_t
start_server(size_t pad)
{
	struct gateway_limits limits = {1 << 20, 5};
	struct request_place place = {.base = ""};
	struct gateway *gateway;
	struct request request;
	struct bh_err err = BH_ERR_INIT;
	int fd = front_listen(sock, 0600, &err);
	bool is_dead = false;
	pid_t pid;

	if (fd < 0)
		fail_msg("%s", err.text);
	pid = fork();
	if (pid != 0) {
		close(fd);
		return pid;
	}
	bh_die_with_parent(getppid());
	if (gateway_open(fd, &limits, &gateway, &err) < 0)
		_exit(1);
	for (;;) {
		struct bh_buf body = BH_BUF_INIT(4 << 20);
		static const char head[] = "Status: 200 OK\r\n\r\n";

		if (gateway_accept(gateway, 10000, NULL, &place, &request, &err) != 1)
			continue;
		if (strstr(request.path, "die") != NULL && !is_dead) {
			is_dead = true;
			gateway_close(&gateway);
			if (gateway_open(fd, &limits, &gateway, &err) < 0)
				_exit(1);
			request_release(&request);
			continue;
		}
		bh_buf_addf(&body, "%s %s %d %zu %s %s", request.method, request.path,
		    request.refused, request.body.len, request_header(&request, "X-Test"),
		    request_param(&request, "BILLHOOK_DIR") == NULL ? "clean" : "leaky");
		for (size_t i = 0; i < pad; i++)
			bh_buf_addc(&body, '.');
		gateway_answer(gateway, head, strlen(head), body.data, body.len);
		bh_buf_release(&body);
		request_release(&request);
	}
}

static void
stop_server(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(sock);
}

static void
test_relayed(void **state)
{
	static const char *const get[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/b.cgi/login",
	    "SCRIPT_NAME=/b.cgi", "PATH_INFO=/login", "HTTP_X_TEST=1", NULL};
	static const char *const post[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/b.cgi/hook/x",
	    "SCRIPT_NAME=/b.cgi", "PATH_INFO=/hook/x", "HTTP_X_TEST=2", NULL};
	struct bh_buf large = BH_BUF_INIT(1 << 20);
	pid_t pid = start_server(0);
	char *out;

	(void)state;
	out = run_relay(get, "");
	assert_string_equal(out, "Status: 200 OK\r\n\r\nGET /login 0 0 1 clean");
	free(out);
	out = run_relay(post, "{\"id\":1}");
	assert_string_equal(out, "Status: 200 OK\r\n\r\nPOST /hook/x 0 8 2 clean");
	free(out);
	for (int i = 0; i < 200000; i++)
		bh_buf_addc(&large, 'x');
	out = run_relay(post, large.data);
	assert_string_equal(out, "Status: 200 OK\r\n\r\nPOST /hook/x 0 200000 2 clean");
	free(out);
	bh_buf_release(&large);
	stop_server(pid);
}

static void
test_large_answer(void **state)
{
	static const char *const get[] = {"REQUEST_METHOD=GET", "REQUEST_URI=/b.cgi/",
	    "HTTP_X_TEST=1", NULL};
	pid_t pid = start_server(1000000);
	char *out = run_relay(get, "");

	(void)state;
	assert_in_range(strlen(out), 1000030, 1000100);
	assert_int_equal(out[strlen(out) - 1], '.');
	free(out);
	stop_server(pid);
}

static void
test_front_dies(void **state)
{
	static const char *const hook[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/hook/die",
	    "HTTP_X_TEST=1", NULL};
	static const char *const form[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/form/die",
	    "HTTP_X_TEST=1", NULL};
	pid_t pid = start_server(0);
	char *out = run_relay(hook, "{}");

	(void)state;
	/* A webhook is asked again ... */
	assert_string_equal(out, "Status: 200 OK\r\n\r\nPOST /hook/die 0 2 1 clean");
	free(out);
	stop_server(pid);
	pid = start_server(0);
	out = run_relay(form, "a=b");
	/* ... a form is not: it may have been done. */
	assert_int_equal(strncmp(out, "Status: 503 ", 12), 0);
	free(out);
	stop_server(pid);
}

static size_t
count_raw(void)
{
	char path[96];
	struct dirent *entry;
	size_t n = 0;
	DIR *list;

	snprintf(path, sizeof(path), "%s/spool/raw", dir);
	list = opendir(path);
	while (list != NULL && (entry = readdir(list)) != NULL)
		n += entry->d_name[0] != '.';
	if (list != NULL)
		closedir(list);
	return n;
}

static void
test_nobody(void **state)
{
	static const struct {
		const char *method, *uri, *status;
		size_t spooled;
	} cases[] = {{"REQUEST_METHOD=POST", "REQUEST_URI=/b.cgi/hook/x", "Status: 200 OK\r\n", 1},
	    {"REQUEST_METHOD=GET", "REQUEST_URI=/b.cgi/hook/x",
		"Status: 503 Service Unavailable\r\n", 1},
	    {"REQUEST_METHOD=POST", "REQUEST_URI=/b.cgi/login",
		"Status: 503 Service Unavailable\r\n", 1},
	    {"REQUEST_METHOD=POST", "REQUEST_URI=/b.cgi/hook/../x",
		"Status: 503 Service Unavailable\r\n", 1}};

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const char *const variables[] = {cases[i].method, cases[i].uri, NULL};
		int64_t begin_ms = bh_mono_ms();
		char *out = run_relay(variables, "{}");

		if (strncmp(out, cases[i].status, strlen(cases[i].status)) != 0)
			fail_msg("%s %s: %s", cases[i].method, cases[i].uri, out);
		/* The first waits for somebody to start; the others know that it is no use. */
		assert_in_range(bh_mono_ms() - begin_ms, i == 0 ? 1500 : 0, i == 0 ? 4000 : 1000);
		assert_int_equal(count_raw(), cases[i].spooled);
		free(out);
	}
}

static void
test_bodies(void **state)
{
	static const char *const post[] = {"REQUEST_METHOD=POST", "REQUEST_URI=/hook/x", NULL};
	struct bh_buf large = BH_BUF_INIT(4 << 20);
	char *out;

	(void)state;
	for (int i = 0; i < (1 << 20) + 1; i++)
		bh_buf_addc(&large, 'x');
	out = run_relay(post, large.data);
	assert_int_equal(strncmp(out, "Status: 413 ", 12), 0);
	free(out);
	bh_buf_release(&large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_relayed),
	    cmocka_unit_test(test_large_answer), cmocka_unit_test(test_front_dies),
	    cmocka_unit_test(test_bodies), cmocka_unit_test(test_nobody)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
