/* Frames, signals, directories, detached starts, fault points. */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/proc.h"
#include "base/text.h"
#include "unit.h"

static char *dir; /* an empty directory for the group */

static int
make_temp_dir(void **state BH_UNUSED)
{
	char name[] = "/tmp/t-proc-XXXXXX";

	bh_proc_init();
	dir = bh_xstrdup(mkdtemp(name));
	return 0;
}

/* Removes what the tests leave; they leave no deeper trees than this. */
static int
remove_temp_dir(void **state BH_UNUSED)
{
	static const char *const names[] = {"a/b", "a", "c/d", "c", "file", "mark", "once", "loop"};
	char path[200];

	for (size_t i = 0; i < BH_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (remove(path) < 0 && errno != ENOENT)
			return -1;
	}
	if (rmdir(dir) < 0)
		return -1;
	free(dir);
	return 0;
}

static char *
below(const char *name)
{
	return bh_xasprintf("%s/%s", dir, name);
}

/* The child's wait status; signals that are on their way do not matter. */
static int
ended(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	return status;
}

static void
make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

static void
frames_cross(void **state BH_UNUSED)
{
	static const size_t sizes[] = {0, 1, 4, 300, 60000};
	struct bh_buf buf = BH_BUF_INIT(60000);
	char *data = bh_xcalloc(1, 60000);
	int pair[2];

	make_pair(pair);
	for (size_t i = 0; i < BH_LEN(sizes); i++) {
		bh_random(data, sizes[i]);
		assert_int_equal(bh_frame_write(pair[0], data, sizes[i], NULL), 0);
		assert_int_equal(bh_frame_read(pair[1], &buf, NULL), 1);
		assert_int_equal(buf.len, sizes[i]);
		assert_memory_equal(bh_buf_str(&buf), data, sizes[i]);
		assert_int_equal(buf.data[buf.len], '\0');
	}
	close(pair[0]);
	assert_int_equal(bh_frame_read(pair[1], &buf, NULL), 0);
	close(pair[1]);
	bh_buf_release(&buf);
	free(data);
}

/* What the other side may send instead of a frame. */
static void
frames_broken(void **state BH_UNUSED)
{
	static const struct {
		const char *bytes;
		size_t len;
		int rc;
	} cases[] = {
	    {"", 0, 0},
	    {"\0\0", 2, -1},
	    {"\0\0\0\4abc", 7, -1},
	    {"\0\0\0\4", 4, -1},
	    {"\0\0\0\11abcdefghi", 13, -1},
	    {"\377\377\377\377abcd", 8, -1},
	    {"\200\0\0\0", 4, -1},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct bh_buf buf = BH_BUF_INIT(8);
		struct bh_err err = BH_ERR_INIT;
		int pair[2];

		make_pair(pair);
		bh_buf_adds(&buf, "before");
		assert_int_equal(bh_write_full(pair[0], cases[i].bytes, cases[i].len, NULL), 0);
		close(pair[0]);
		assert_int_equal(bh_frame_read(pair[1], &buf, &err), cases[i].rc);
		if (cases[i].rc < 0) {
			assert_int_equal(err.code, BH_UNAVAILABLE);
			assert_true(buf.len == 0 || strcmp(bh_buf_str(&buf), "before") == 0);
			assert_int_equal(bh_buf_str(&buf)[buf.len], '\0');
		}
		close(pair[1]);
		bh_buf_release(&buf);
	}
}

static void
peer_that_is_gone(void **state BH_UNUSED)
{
	struct bh_err err = BH_ERR_INIT;
	int pair[2];

	make_pair(pair);
	close(pair[1]);
	/* Without bh_proc_init() SIGPIPE would end the test here. */
	assert_int_equal(bh_frame_write(pair[0], "x", 1, &err), -1);
	assert_int_equal(err.code, BH_UNAVAILABLE);
	close(pair[0]);
	assert_int_equal(bh_write_full(pair[0], "x", 1, &err), -1);
	assert_int_equal(bh_read_full(pair[0], &pair, 1, &err), -1);
	assert_int_equal(err.code, BH_UNAVAILABLE);
}

/* A frame larger than the socket's buffer, interrupted by signals all the time. */
static void
large_frame_under_signals(void **state BH_UNUSED)
{
	size_t len = 4 << 20;
	struct bh_buf buf = BH_BUF_INIT(len);
	char *data = bh_xmalloc(len);
	pid_t writer, tickler, self = getpid();
	int pair[2];

	make_pair(pair);
	memset(data, 'x', len);
	bh_signal_pipe();
	writer = fork();
	if (writer == 0)
		_exit(bh_frame_write(pair[0], data, len, NULL) == 0 ? 0 : 1);
	tickler = fork();
	if (tickler == 0) {
		bh_die_with_parent(self);
		for (;;) {
			kill(self, SIGUSR1);
			kill(writer, SIGUSR1);
			bh_sleep_ms(1);
		}
	}
	close(pair[0]);
	assert_int_equal(bh_frame_read(pair[1], &buf, NULL), 1);
	kill(tickler, SIGKILL);
	ended(tickler);
	assert_int_equal(ended(writer), 0);
	assert_int_equal(buf.len, len);
	assert_memory_equal(buf.data, data, len);
	close(pair[1]);
	bh_signal_forget();
	bh_buf_release(&buf);
	free(data);
}

static void
signals_through_the_pipe(void **state BH_UNUSED)
{
	int fd = bh_signal_pipe();

	assert_true(fd >= 0);
	assert_int_equal(bh_signal_pipe(), fd);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(bh_signal_next(), 0);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGHUP);
	assert_int_equal(bh_signal_next(), SIGTERM);
	assert_int_equal(bh_signal_next(), SIGHUP);
	assert_int_equal(bh_signal_next(), 0);
	/* More than a pipe holds: nothing blocks, and a wake-up is there. */
	for (int i = 0; i < 70000; i++)
		raise(SIGUSR1);
	assert_int_equal(bh_signal_next(), SIGUSR1);
	bh_signal_forget();
	assert_int_equal(bh_signal_next(), 0);
}

static void
children_announce_their_end(void **state BH_UNUSED)
{
	pid_t pid;

	bh_signal_pipe();
	pid = fork();
	if (pid == 0)
		_exit(7);
	ended(pid);
	assert_int_equal(bh_signal_next(), SIGCHLD);
	bh_signal_forget();
}

/* However early it comes: the child must not take it for its parent's. */
static void
a_signal_right_after_fork_ends_the_child(void **state BH_UNUSED)
{
	int number;

	bh_signal_pipe();
	for (int i = 0; i < 200; i++) {
		pid_t pid = bh_fork();
		int status = 0;

		if (pid == 0) {
			bh_sleep_ms(10000);
			_exit(0);
		}
		assert_true(pid > 0);
		assert_int_equal(kill(pid, SIGTERM), 0);
		status = ended(pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGTERM);
	}
	while ((number = bh_signal_next()) != 0)
		assert_int_equal(number, SIGCHLD);
	bh_signal_forget();
}

static void
forgotten_signals_end_a_child(void **state BH_UNUSED)
{
	int status;
	pid_t pid;

	bh_signal_pipe();
	pid = fork();
	if (pid == 0) {
		bh_signal_forget();
		raise(SIGTERM);
		_exit(0);
	}
	status = ended(pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	/* The child's forgetting is not ours. */
	raise(SIGHUP);
	assert_int_equal(bh_signal_next(), SIGCHLD);
	assert_int_equal(bh_signal_next(), SIGHUP);
	bh_signal_forget();
}

static void
child_dies_with_its_parent(void **state BH_UNUSED)
{
	int pair[2];
	struct bh_err err = BH_ERR_INIT;
	pid_t parent, child;

	make_pair(pair);
	parent = fork();
	if (parent == 0) {
		pid_t self = getpid();

		if (fork() == 0) {
			pid_t me = getpid();

			bh_die_with_parent(self);
			bh_write_full(pair[0], &me, sizeof(me), NULL);
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	close(pair[0]);
	assert_int_equal(bh_read_full(pair[1], &child, sizeof(child), &err), 1);
	kill(parent, SIGKILL);
	ended(parent);
	/* End of file: the last holder of the other end is gone. */
	assert_int_equal(bh_read_full(pair[1], &child, 1, &err), 0);
	close(pair[1]);
}

static void
parent_that_was_gone_already(void **state BH_UNUSED)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		bh_die_with_parent(getpid()); /* we are not our own parent */
		_exit(0);
	}
	status = ended(pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void
spawned_without_our_descriptors(void **state BH_UNUSED)
{
	char *mark = below("mark"), *script;
	const char *argv[] = {"/bin/sh", "-c", NULL, NULL};
	char text[64] = "";
	FILE *file = NULL;
	int fd = open("/dev/null", O_RDONLY); /* inheritable on purpose */
	sigset_t held, before;

	script =
	    bh_xasprintf("{ if test -e /proc/self/fd/%d; then echo leaked; "
			 "elif grep -q '^SigBlk:.*[1-9a-f]' /proc/self/status; then echo deaf; "
			 "else echo clean; fi; } > %s.new; mv %s.new %s",
		fd, mark, mark, mark);
	argv[2] = script;
	/* A caller that holds signals back must not leave a process that cannot be stopped. */
	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, &before);
	assert_int_equal(bh_spawn_detached(argv, NULL), 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	for (int i = 0; i < 500 && file == NULL; i++) {
		bh_sleep_ms(10);
		file = fopen(mark, "r");
	}
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_string_equal(text, "clean\n");
	fclose(file);
	close(fd);
	unlink(mark);
	free(script);
	free(mark);
}

/* A shell would clear its mask: sed writes what it was given. */
static void
spawned_with_nothing_blocked(void **state BH_UNUSED)
{
	char *mark = below("mask"), *script = bh_xasprintf("/^SigBlk:/w %s", mark);
	const char *argv[] = {"/bin/sed", "-n", script, "/proc/self/status", NULL};
	char text[64] = "";
	sigset_t blocked, before;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	assert_int_equal(bh_spawn_detached(argv, NULL), 0);
	sigprocmask(SIG_SETMASK, &before, NULL);
	for (int i = 0; i < 500 && text[0] == '\0'; i++) {
		FILE *file = fopen(mark, "r");

		bh_sleep_ms(10);
		if (file != NULL && fgets(text, sizeof(text), file) == NULL)
			text[0] = '\0';
		if (file != NULL)
			fclose(file);
	}
	assert_string_equal(text, "SigBlk:\t0000000000000000\n");
	unlink(mark);
	free(script);
	free(mark);
}

static void
knows_its_own_path(void **state BH_UNUSED)
{
	assert_true(bh_has_suffix(bh_exe_path(), "t-proc"));
	assert_int_equal(access(bh_exe_path(), X_OK), 0);
}

static void
directories_made(void **state BH_UNUSED)
{
	char *two = below("a/b"), *slash = below("c/d/"), *file = below("file"),
	     *deep = below("x/y/z"), *under = below("file/x");
	struct bh_err err = BH_ERR_INIT;
	struct stat st;

	assert_int_equal(bh_make_dir(two, &err), 0);
	assert_int_equal(bh_make_dir(two, &err), 0);
	assert_int_equal(stat(two, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(bh_make_dir(slash, &err), 0);
	assert_int_equal(bh_make_dir(slash, &err), 0);
	assert_int_equal(bh_make_dir("/", &err), 0);
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(bh_make_dir(file, &err), -1);
	assert_int_equal(err.code, BH_STORAGE);
	assert_int_equal(bh_make_dir(under, &err), -1);
	assert_int_equal(bh_make_dir(deep, &err), -1);
	assert_int_equal(bh_make_dir("", &err), -1);
	free(under);
	free(deep);
	free(file);
	free(slash);
	free(two);
}

/* Several processes make the same directories: all find them made. */
static void
directories_made_at_once(void **state BH_UNUSED)
{
	char *two = below("c/d"), *one = below("c");

	for (int round = 0; round < 20; round++) {
		pid_t pids[4];

		rmdir(two);
		rmdir(one);
		for (size_t i = 0; i < BH_LEN(pids); i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				_exit(bh_make_dir(two, NULL) == 0 ? 0 : 1);
		}
		for (size_t i = 0; i < BH_LEN(pids); i++) {
			assert_int_equal(ended(pids[i]), 0);
		}
	}
	free(one);
	free(two);
}

#ifdef BH_FAULTS
static int
run_fault(const char *spec, const char *once, int passes)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int fired = 0;

		setenv("BILLHOOK_FAULT", spec, 1);
		if (once != NULL)
			setenv("BILLHOOK_FAULT_ONCE", once, 1);
		for (int i = 1; i <= passes; i++) {
			errno = 0;
			if (bh_fault("here"))
				fired = errno == ENOSPC ? 100 + i : i;
		}
		_exit(fired);
	}
	status = ended(pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
faults(void **state BH_UNUSED)
{
	char *once = below("once");

	assert_int_equal(run_fault("here:fail", NULL, 3), 1);
	assert_int_equal(run_fault("here:full", NULL, 3), 101);
	assert_int_equal(run_fault("here:fail:2", NULL, 3), 2);
	assert_int_equal(run_fault("here:fail:4", NULL, 3), 0);
	assert_int_equal(run_fault("here:die:3", NULL, 3), -SIGKILL);
	assert_int_equal(run_fault("there:die", NULL, 3), 0);
	assert_int_equal(run_fault("here2:die", NULL, 3), 0);
	assert_int_equal(run_fault("her:die", NULL, 3), 0);
	assert_int_equal(run_fault("here", NULL, 3), 0);
	assert_int_equal(run_fault("", NULL, 3), 0);
	assert_int_equal(run_fault("here:die", once, 3), -SIGKILL);
	assert_int_equal(run_fault("here:die", once, 3), 0);
	unlink(once);
	free(once);
}
#else
/* In a normal build the environment changes nothing. */
static void
faults(void **state BH_UNUSED)
{
	setenv("BILLHOOK_FAULT", "here:die", 1);
	assert_false(bh_fault("here"));
	unsetenv("BILLHOOK_FAULT");
}
#endif

/* A datagram to the socket of that name, once. */
static void
check_notify(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	size_t len = strlen(name);
	char got[40];

	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	    0);
	setenv("NOTIFY_SOCKET", name, 1);
	bh_notify("READY=1");
	assert_int_equal(recv(fd, got, sizeof(got), 0), strlen("READY=1"));
	assert_memory_equal(got, "READY=1", strlen("READY=1"));
	assert_null(getenv("NOTIFY_SOCKET"));
	bh_notify("READY=1");
	assert_int_equal(recv(fd, got, sizeof(got), 0), -1);
	close(fd);
}

static void
told_once_that_it_is_ready(void **state BH_UNUSED)
{
	char *path = below("file");
	char abstract[40];

	unlink(path);
	check_notify(path);
	snprintf(abstract, sizeof(abstract), "@t-proc-%d", (int)getpid());
	check_notify(abstract);
	/* Nobody listens any more: no harm. */
	setenv("NOTIFY_SOCKET", path, 1);
	bh_notify("READY=1");
	assert_null(getenv("NOTIFY_SOCKET"));
	unlink(path);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_cross),
	    cmocka_unit_test(frames_broken),
	    cmocka_unit_test(peer_that_is_gone),
	    cmocka_unit_test(large_frame_under_signals),
	    cmocka_unit_test(signals_through_the_pipe),
	    cmocka_unit_test(children_announce_their_end),
	    cmocka_unit_test(a_signal_right_after_fork_ends_the_child),
	    cmocka_unit_test(forgotten_signals_end_a_child),
	    cmocka_unit_test(child_dies_with_its_parent),
	    cmocka_unit_test(parent_that_was_gone_already),
	    cmocka_unit_test(spawned_without_our_descriptors),
	    cmocka_unit_test(spawned_with_nothing_blocked),
	    cmocka_unit_test(knows_its_own_path),
	    cmocka_unit_test(directories_made),
	    cmocka_unit_test(directories_made_at_once),
	    cmocka_unit_test(told_once_that_it_is_ready),
	    cmocka_unit_test(faults),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, make_temp_dir, remove_temp_dir);
}
