/* Processes: see proc.h. */
#include "base/base.h"

#include "base/proc.h"

#include <sys/auxv.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include "base/text.h"

int
bh_read_full(int fd, void *out, size_t len, struct bh_err *err)
{
	char *at = out;
	size_t left = len;

	while (left > 0) {
		ssize_t n = read(fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return bh_fail_errno(err, BH_UNAVAILABLE, "cannot read from the peer");
		if (n == 0 && left == len)
			return 0;
		if (n == 0)
			return bh_fail(err, BH_UNAVAILABLE,
			    "the peer closed in the middle of a message");
		at += n;
		left -= (size_t)n;
	}
	return 1;
}

int
bh_write_full(int fd, const void *data, size_t len, struct bh_err *err)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return bh_fail_errno(err, BH_UNAVAILABLE, "cannot write to the peer");
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int
bh_frame_read(int fd, struct bh_buf *buf, struct bh_err *err)
{
	unsigned char head[4];
	char *room;
	size_t len;
	int rc = bh_read_full(fd, head, sizeof(head), err);

	if (rc <= 0)
		return rc;
	len = bh_get_be32(head);
	bh_buf_reset(buf);
	room = bh_buf_room(buf, len);
	if (room == NULL)
		return bh_fail(err, BH_UNAVAILABLE, "the peer announces a message of %zu bytes",
		    len);
	if (len != 0 && bh_read_full(fd, room, len, err) != 1) {
		bh_buf_reset(buf); /* half a message must not be taken for text */
		return bh_fail(err, BH_UNAVAILABLE, "the peer closed in the middle of a message");
	}
	buf->len = len;
	buf->data[len] = '\0';
	return 1;
}

int
bh_frame_write(int fd, const void *data, size_t len, struct bh_err *err)
{
	unsigned char head[4];

	bh_put_be32(head, (uint32_t)len);
	if (bh_write_full(fd, head, sizeof(head), err) < 0)
		return -1;
	return bh_write_full(fd, data, len, err);
}

void
bh_proc_init(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct rlimit core;

	sigaction(SIGPIPE, &ignore, NULL);
	umask(077);
	/* A core would hold secrets, and a web server's working directory is no place for one. */
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &core);
	}
}

static int signal_pipe[2] = {-1, -1};
static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD};

static void
on_signal(int number)
{
	int saved = errno;
	unsigned char byte = (unsigned char)number;

	/* A full pipe already holds a wake-up. */
	if (write(signal_pipe[1], &byte, 1) < 0)
		errno = saved;
	errno = saved;
}

int
bh_signal_pipe(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	if (signal_pipe[0] >= 0)
		return signal_pipe[0];
	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
	for (size_t i = 0; i < BH_LEN(caught); i++) {
		action.sa_flags = caught[i] == SIGCHLD ? SA_NOCLDSTOP : 0;
		sigaction(caught[i], &action, NULL);
	}
	return signal_pipe[0];
}

int
bh_signal_next(void)
{
	unsigned char byte;

	return signal_pipe[0] >= 0 && read(signal_pipe[0], &byte, 1) == 1 ? byte : 0;
}

void
bh_signal_forget(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	for (size_t i = 0; i < BH_LEN(caught); i++)
		sigaction(caught[i], &action, NULL);
	if (signal_pipe[0] >= 0) {
		close(signal_pipe[0]);
		close(signal_pipe[1]);
	}
	signal_pipe[0] = signal_pipe[1] = -1;
}

pid_t
bh_fork(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		bh_signal_forget();
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

bool
bh_is_lock_valid(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

int
bh_lock_file(const char *path, int *fd_r, struct bh_err *err)
{
	for (;;) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return bh_fail_errno(err, BH_STORAGE, "cannot open %s", path);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			int rc = errno == EWOULDBLOCK
				     ? 0
				     : bh_fail_errno(err, BH_STORAGE, "cannot lock %s", path);

			close(fd);
			return rc;
		}
		/* Somebody may have put another file there between open and lock. */
		if (bh_is_lock_valid(fd, path)) {
			*fd_r = fd;
			return 1;
		}
		close(fd);
	}
}

void
bh_die_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

int
bh_spawn_detached(const char *const argv[], struct bh_err *err)
{
	pid_t pid = fork();
	sigset_t none;
	int null;

	if (pid < 0)
		return bh_fail_errno(err, BH_UNAVAILABLE, "cannot fork");
	if (pid > 0) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
		return 0;
	}
	setsid();
	if (fork() != 0)
		_exit(0);
	bh_signal_forget();
	/* Our caller may hold signals back (the front does while it answers); that would pass through exec. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		if (null >= 0)
			dup2(null, fd);
	if (close_range(3, ~0U, 0) < 0)
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
	/* execv takes non-const for historical reasons; it does not write. */
	execv(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

void
bh_notify(const char *state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') /* the abstract namespace (unix(7)) */
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		/* Who does not hear it waits, and says so. */
		(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		    (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
		close(fd);
	}
	unsetenv("NOTIFY_SOCKET");
}

const char *
bh_root(void)
{
	const char *root = getenv(BH_ROOT_VARIABLE);

	return root != NULL && root[0] == '/' ? root : NULL;
}

/* Without /proc: what the kernel says that it started. */
static void
path_from_kernel(char *path)
{
	/* A number that is an address: getauxval() has no other way. */
	const char *started = (const char *)getauxval(AT_EXECFN);

	if (started == NULL || realpath(started, path) == NULL)
		path[0] = '\0';
}

const char *
bh_exe_path(void)
{
	static char path[PATH_MAX];
	const char *root = bh_root();
	ssize_t n;

	if (path[0] != '\0')
		return path;
	if (root != NULL && snprintf(path, sizeof(path), "%s/bin/billhook", root) < PATH_MAX)
		return path;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	/* The binary may have been replaced while it runs. */
	if (bh_has_suffix(path, " (deleted)"))
		path[strlen(path) - strlen(" (deleted)")] = '\0';
	if (n <= 0)
		path_from_kernel(path);
	return path;
}

char *
bh_exe_dir(void)
{
	const char *exe = bh_exe_path(), *slash = strrchr(exe, '/');

	return slash != NULL ? bh_xstrndup(exe, (size_t)(slash - exe)) : NULL;
}

/* Also true when somebody else made it just now. */
static bool
is_dir_made(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return true;
	if (errno != EEXIST)
		return false;
	if (stat(path, &st) < 0)
		return false;
	if (!S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	return S_ISDIR(st.st_mode);
}

int
bh_make_dir(const char *path, struct bh_err *err)
{
	char *parent;
	size_t len = strlen(path);
	bool made = is_dir_made(path);

	if (made)
		return 0;
	while (len > 0 && path[len - 1] == '/')
		len--;
	while (len > 0 && path[len - 1] != '/')
		len--;
	if (errno == ENOENT && len > 1) {
		parent = bh_xstrndup(path, len);
		made = is_dir_made(parent) && is_dir_made(path);
		free(parent);
	}
	if (made)
		return 0;
	return bh_fail_errno(err, BH_STORAGE, "cannot make the directory %s", path);
}

#ifdef BH_FAULTS
bool
bh_fault(const char *name)
{
	static unsigned passes;
	const char *spec = getenv("BILLHOOK_FAULT"), *once = getenv("BILLHOOK_FAULT_ONCE");
	size_t len = strlen(name);
	char action[8] = "";
	unsigned nth = 1;

	if (spec == NULL || strncmp(spec, name, len) != 0 || spec[len] != ':')
		return false;
	if (sscanf(spec + len + 1, "%7[a-z]:%u", action, &nth) < 1 || ++passes != nth)
		return false;
	if (once != NULL) {
		int fd = open(once, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

		if (fd < 0)
			return false;
		close(fd);
	}
	if (strcmp(action, "die") == 0)
		kill(getpid(), SIGKILL);
	errno = strcmp(action, "full") == 0 ? ENOSPC : EIO;
	return true;
}
#endif
