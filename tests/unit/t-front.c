/* web/front: the pool under kills, replacement and stopping; site and pages as a client sees them. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "unit.h"
#include "web/front.h"

#define STATIC "/static/style.css" /* answered at once, whoever keeps the store */

static char dir[64], sock[96];

/* Nobody runs the keeper here: what needs it answers 503. */
static int
never_start(const char *data_dir, struct bh_err *err)
{
	(void)data_dir;
	return bh_fail(err, BH_UNAVAILABLE, "not in this test");
}

static int
make_dirs(void **state)
{
	char path[96], *key;
	FILE *file;

	(void)state;
	bh_proc_init();
	snprintf(dir, sizeof(dir), "/tmp/t-front.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/run", dir);
	snprintf(sock, sizeof(sock), "%s/run/front.sock", dir);
	key = bh_xasprintf("%s/key", dir);
	file = fopen(key, "w");
	fprintf(file, "%064d\n", 7);
	fclose(file);
	chmod(key, 0600);
	free(key);
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

/* A pool in a process of its own. */
static pid_t
start_pool(int processes)
{
	struct front_options options = {.processes = processes, .start = never_start};
	struct bh_err err = BH_ERR_INIT;
	struct conf conf;
	pid_t pid;

	options.listen_fd = front_listen(sock, 0600, &err);
	if (options.listen_fd < 0)
		fail_msg("%s", err.text);
	assert_true(front_is_listening(options.listen_fd));
	pid = fork();
	if (pid == 0) {
		char *source = unit_path("");

		setenv("BILLHOOK_SOURCE", source, 1);
		free(source);
		bh_log_hook(NULL);
		bh_log_level(BH_ERROR);
		bh_die_with_parent(getppid());
		if (conf_load(dir, &conf, &err) < 0)
			_exit(99);
		options.conf = &conf;
		_exit(front_run(&options));
	}
	close(options.listen_fd);
	return pid;
}

/* -- a client -- */

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

static int
connect_pool(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", sock);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
send_request(int fd, const char *method, const char *uri)
{
	const char begin[8] = {0, 1, 0, 0, 0, 0, 0, 0};
	struct bh_buf params = BH_BUF_INIT(1000), out = BH_BUF_INIT(10000);

	param(&params, "REQUEST_METHOD", method);
	param(&params, "REQUEST_URI", uri);
	record(&out, 1, begin, 8);
	record(&out, 4, params.data, params.len);
	record(&out, 4, "", 0);
	record(&out, 5, "", 0);
	assert_int_equal(bh_write_full(fd, out.data, out.len, NULL), 0);
	bh_buf_release(&params);
	bh_buf_release(&out);
}

/* The answer; NULL when the connection broke off. */
static char *
read_answer(int fd)
{
	struct bh_buf out = BH_BUF_INIT(1 << 20);
	unsigned char head[8];
	char content[70000];
	bool is_ended = false;

	while (bh_read_full(fd, head, 8, NULL) == 1) {
		size_t len = (size_t)head[4] << 8 | head[5];

		if (len + head[6] > 0 && bh_read_full(fd, content, len + head[6], NULL) != 1)
			break;
		if (head[1] == 6)
			bh_buf_add(&out, content, len);
		is_ended = is_ended || head[1] == 3;
	}
	close(fd);
	if (is_ended)
		return bh_buf_steal(&out);
	bh_buf_release(&out);
	return NULL;
}

static char *
ask(const char *method, const char *uri)
{
	int fd = connect_pool();

	if (fd < 0)
		return NULL;
	send_request(fd, method, uri);
	return read_answer(fd);
}

static void
assert_status(const char *method, const char *uri, const char *status)
{
	char *answer = ask(method, uri);

	if (answer == NULL)
		fail_msg("%s %s: no answer", method, uri);
	else if (strncmp(answer, status, strlen(status)) != 0)
		fail_msg("%s %s: %s", method, uri, answer);
	free(answer);
}

/* Children of a process, at most max. */
static size_t
children(pid_t parent, pid_t *pids, size_t max)
{
	char path[64], text[1024] = "";
	size_t n = 0;
	char *at = text;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	fclose(file);
	while (n < max && *at != '\0') {
		char *end;
		long pid = strtol(at, &end, 10);

		if (end == at)
			break;
		pids[n++] = (pid_t)pid;
		at = end;
	}
	return n;
}

static bool
is_any_of(pid_t pid, const pid_t *pids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static void
wait_for_children(pid_t parent, size_t n)
{
	pid_t pids[16];

	for (int i = 0; i < 300; i++) {
		if (children(parent, pids, 16) == n)
			return;
		bh_sleep_ms(10);
	}
	fail_msg("there are not %zu processes", n);
}

static void
assert_stops(pid_t pid, int number)
{
	int status;

	kill(pid, number);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	unlink(sock);
}

/* -- tests -- */

static void
test_pages_without_keeper(void **state)
{
	static const struct {
		const char *method, *uri, *status;
	} cases[] = {
	    {"GET", "/login", "Status: 200 OK\r\n"},
	    {"HEAD", "/login", "Status: 200 OK\r\n"},
	    {"GET", "/static/style.css", "Status: 200 OK\r\n"},
	    {"GET", "/static/none.css", "Status: 404 "},
	    {"GET", "/", "Status: 303 See Other\r\n"},
	    {"GET", "/status.json", "Status: 401 "},
	    {"GET", "/nothing", "Status: 404 "},
	    {"DELETE", "/login", "Status: 405 "},
	    {"GET", "/hook/stripe", "Status: 405 "},
	    {"POST", "/login", "Status: 400 "},
	    {"POST", "/logout", "Status: 303 "},
	    {"GET", "/static/../login", "Status: 400 "},
	    {"GET", "/healthz", "Status: 503 "},
	};
	pid_t pid = start_pool(1);

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++)
		assert_status(cases[i].method, cases[i].uri, cases[i].status);
	assert_stops(pid, SIGTERM);
}

static void
test_killed(void **state)
{
	pid_t pid = start_pool(3), before[16], after[16];

	(void)state;
	wait_for_children(pid, 3);
	assert_status("GET", "/login", "Status: 200 ");
	children(pid, before, 16);
	kill(before[1], SIGKILL);
	wait_for_children(pid, 3);
	for (int i = 0; i < 200 && is_any_of(before[1], after, children(pid, after, 16)); i++)
		bh_sleep_ms(10);
	wait_for_children(pid, 3);
	children(pid, after, 16);
	assert_false(is_any_of(before[1], after, 3));
	assert_true(is_any_of(before[0], after, 3));
	for (int i = 0; i < 10; i++)
		assert_status("GET", "/login", "Status: 200 ");
	assert_stops(pid, SIGTERM);
}

/* Processes that die at once are not started without end. */
static void
test_respawn_limit(void **state)
{
	pid_t pid = start_pool(2), pids[16];
	unsigned kills = 0;
	int64_t end_ms;

	(void)state;
	wait_for_children(pid, 2);
	end_ms = bh_mono_ms() + 900;
	while (bh_mono_ms() < end_ms) {
		size_t n = children(pid, pids, 16);

		for (size_t i = 0; i < n; i++)
			if (kill(pids[i], SIGKILL) == 0)
				kills++;
		bh_sleep_ms(20);
	}
	/*
	 * The first two, and five replacements; kills may hit corpses before they are gone.
	 * Without a limit it would be about 90.
	 */
	assert_in_range(kills, 5, 40);
	bh_sleep_ms(1100);
	wait_for_children(pid, 2);
	assert_status("GET", STATIC, "Status: 200 ");
	assert_stops(pid, SIGINT);
}

/* SIGUSR1: all are new afterwards, and nobody had to wait. */
static void
test_replaced(void **state)
{
	pid_t pid = start_pool(3), before[16], after[16];
	int64_t end_ms;
	size_t old = 3;

	(void)state;
	wait_for_children(pid, 3);
	children(pid, before, 16);
	kill(pid, SIGUSR1);
	end_ms = bh_mono_ms() + 5000;
	while (old > 0 && bh_mono_ms() < end_ms) {
		size_t n = children(pid, after, 16);

		assert_status("GET", STATIC, "Status: 200 ");
		old = 0;
		for (size_t i = 0; i < n; i++)
			old += is_any_of(after[i], before, 3);
	}
	assert_int_equal(old, 0);
	wait_for_children(pid, 3);
	assert_stops(pid, SIGTERM);
}

/* SIGTERM while requests are on their way: each is answered. */
static void
test_stop_answers(void **state)
{
	pid_t pid = start_pool(2);
	int fds[20], status;

	(void)state;
	wait_for_children(pid, 2);
	assert_status("GET", STATIC, "Status: 200 ");
	for (size_t i = 0; i < BH_LEN(fds); i++) {
		fds[i] = connect_pool();
		assert_true(fds[i] >= 0);
		send_request(fds[i], "GET", STATIC);
	}
	kill(pid, SIGTERM);
	for (size_t i = 0; i < BH_LEN(fds); i++) {
		char *answer = read_answer(fds[i]);

		if (answer == NULL)
			fail_msg("request %zu was not answered", i);
		free(answer);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	unlink(sock);
}

/* The manager is killed: its processes end, too. */
static void
test_manager_killed(void **state)
{
	pid_t pid = start_pool(2);
	int fd = 0;

	(void)state;
	wait_for_children(pid, 2);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* The socket is refused when the last one that held it is gone. */
	for (int i = 0; i < 300 && fd >= 0; i++) {
		fd = connect_pool();
		if (fd >= 0)
			close(fd);
		bh_sleep_ms(10);
	}
	assert_int_equal(fd, -1);
	unlink(sock);
}

static void
test_listen(void **state)
{
	char deep[400], path[500];
	struct bh_err err = BH_ERR_INIT;
	struct stat st;
	int fd, again;

	(void)state;
	fd = front_listen(sock, 0660, &err);
	assert_true(fd >= 0);
	assert_int_equal(stat(sock, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	/* A second one takes the name over. */
	again = front_listen(sock, 0600, &err);
	assert_true(again >= 0);
	close(fd);
	close(again);
	unlink(sock);
	assert_int_equal(front_listen("/dev/null/none/sock", 0600, &err), -1);
	assert_int_equal(err.code, BH_UNAVAILABLE);
	/* Longer than a socket address can hold. */
	snprintf(deep, sizeof(deep), "%s/%0150d", dir, 1);
	assert_int_equal(mkdir(deep, 0700), 0);
	snprintf(path, sizeof(path), "%s/front.sock", deep);
	fd = front_listen(path, 0600, &err);
	assert_true(fd >= 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages_without_keeper),
	    cmocka_unit_test(test_killed), cmocka_unit_test(test_respawn_limit),
	    cmocka_unit_test(test_replaced), cmocka_unit_test(test_stop_answers),
	    cmocka_unit_test(test_manager_killed), cmocka_unit_test(test_listen)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, make_dirs, remove_dirs);
}
