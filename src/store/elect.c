/* Election and address of the keeper: see elect.h. */
#include "base/base.h"

#include "store/elect.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/proc.h"

#define SOCKET_NAME "keeper.sock"
#define BACKLOG 512

/* -- the address -- */

/*
 * A path over 107 bytes does not fit an address; shared hosts have such home
 * directories.  It is then reached through a descriptor of its directory,
 * kept open for the life of the process.
 */
static int
run_dir_fd(const char *run_dir, struct bh_err *err)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int kept = -1;
	struct stat now, then;
	int fd;

	pthread_mutex_lock(&lock);
	if (kept >= 0 && stat(run_dir, &now) == 0 && fstat(kept, &then) == 0 &&
	    now.st_dev == then.st_dev && now.st_ino == then.st_ino) {
		fd = kept;
	} else {
		fd = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			bh_fail_errno(err, BH_UNAVAILABLE, "cannot open the directory %s", run_dir);
		if (fd >= 0 && kept >= 0)
			close(kept);
		if (fd >= 0)
			kept = fd;
	}
	pthread_mutex_unlock(&lock);
	return fd;
}

static int
short_path(const char *data_dir, const char *name, char *out, size_t size, struct bh_err *err)
{
	int n = snprintf(out, size, "%s/run/%s", data_dir, name);
	char *run_dir;
	int fd;

	if (n < (int)size)
		return 0;
	run_dir = bh_xasprintf("%s/run", data_dir);
	fd = run_dir_fd(run_dir, err);
	free(run_dir);
	if (fd < 0)
		return -1;
	n = snprintf(out, size, "/proc/self/fd/%d/%s", fd, name);
	if (n >= (int)size)
		return bh_fail(err, BH_INVALID, "no room for the path of the keeper's socket");
	return 0;
}

int
keeper_socket_path(const char *data_dir, char *out, size_t size, struct bh_err *err)
{
	size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path);

	return short_path(data_dir, SOCKET_NAME, out, size < most ? size : most, err);
}

int
elect_address(const char *data_dir, const char *name, struct sockaddr_un *address,
    struct bh_err *err)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	return short_path(data_dir, name, address->sun_path, sizeof(address->sun_path), err);
}

/* -- the lock -- */

static int
lock_dir(const char *path, int *fd_r, struct bh_err *err)
{
	int rc = 1;

	*fd_r = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd_r < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot open the directory %s", path);
	if (flock(*fd_r, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? 0
					  : bh_fail_errno(err, BH_STORAGE, "cannot lock %s", path);
	if (rc != 1) {
		close(*fd_r);
		*fd_r = -1;
	}
	return rc;
}

int
elect_take(struct elect *elect, const char *data_dir, struct bh_err *err)
{
	char *run_dir = bh_xasprintf("%s/run", data_dir);
	char *db_dir = bh_xasprintf("%s/db", data_dir);
	int rc = -1;

	*elect = (struct elect){.lock_fd = -1,
	    .db_fd = -1,
	    .lock_path = bh_xasprintf("%s/run/keeper.lock", data_dir)};
	if (bh_make_dir(run_dir, err) == 0 && bh_make_dir(db_dir, err) == 0)
		rc = bh_lock_file(elect->lock_path, &elect->lock_fd, err);
	if (rc == 1)
		rc = lock_dir(db_dir, &elect->db_fd, err);
	free(run_dir);
	free(db_dir);
	if (rc != 1)
		elect_release(elect);
	return rc;
}

bool
is_elect_valid(const struct elect *elect)
{
	return bh_is_lock_valid(elect->lock_fd, elect->lock_path);
}

void
elect_release(struct elect *elect)
{
	if (elect->db_fd >= 0)
		close(elect->db_fd);
	if (elect->lock_fd >= 0)
		close(elect->lock_fd);
	elect->db_fd = elect->lock_fd = -1;
	free(elect->lock_path);
	elect->lock_path = NULL;
}

/* -- the socket -- */

static int
bind_and_rename(struct elect_socket *sock, struct bh_err *err)
{
	struct sockaddr_un address;
	char name[40];
	char *temporary;
	int rc = 0;

	snprintf(name, sizeof(name), "keeper.%d.tmp", (int)getpid());
	if (elect_address(sock->data_dir, name, &address, err) < 0)
		return -1;
	temporary = bh_xasprintf("%s/run/%s", sock->data_dir, name);
	unlink(temporary);
	if (bind(sock->fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(temporary, 0600) < 0 || listen(sock->fd, BACKLOG) < 0 ||
	    stat(temporary, &sock->is) < 0 || rename(temporary, sock->path) < 0) {
		rc = bh_fail_errno(err, BH_STORAGE, "cannot make the socket %s", sock->path);
		unlink(temporary);
	}
	free(temporary);
	return rc;
}

int
elect_listen(struct elect_socket *sock, const char *data_dir, struct bh_err *err)
{
	sock->data_dir = bh_xstrdup(data_dir);
	sock->path = bh_xasprintf("%s/run/%s", data_dir, SOCKET_NAME);
	memset(&sock->is, 0, sizeof(sock->is));
	sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock->fd < 0)
		bh_fail_errno(err, BH_STORAGE, "cannot make a socket");
	else if (bind_and_rename(sock, err) == 0)
		return 0;
	elect_unlisten(sock);
	return -1;
}

bool
is_elect_socket(const struct elect_socket *sock)
{
	struct stat there;

	return stat(sock->path, &there) == 0 && there.st_dev == sock->is.st_dev &&
	       there.st_ino == sock->is.st_ino;
}

void
elect_unlisten(struct elect_socket *sock)
{
	if (sock->path != NULL && is_elect_socket(sock))
		unlink(sock->path);
	if (sock->fd >= 0)
		close(sock->fd);
	sock->fd = -1;
	free(sock->path);
	free(sock->data_dir);
	sock->path = sock->data_dir = NULL;
}
