/* Listening sockets: see front.h. */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/text.h"
#include "web/front.h"
#include "web/gateway.h"

#define LISTEN_BACKLOG 1024
#define INHERITED_FD 3 /* SD_LISTEN_FDS_START */

bool
front_is_listening(int fd)
{
	return gateway_is_listening(fd);
}

/* A variable that is this number. */
static bool
is_variable(const char *name, uint64_t number)
{
	const char *text = getenv(name);
	uint64_t told;

	return text != NULL && bh_is_uint(text, strlen(text), INT32_MAX, &told) && told == number;
}

int
front_inherited(void)
{
	/* A variable that came by other ways is about a socket of somebody else. */
	if (!is_variable("LISTEN_PID", (uint64_t)getppid()) || !is_variable("LISTEN_FDS", 1) ||
	    !front_is_listening(INHERITED_FD))
		return -1;
	fcntl(INHERITED_FD, F_SETFD, FD_CLOEXEC);
	return INHERITED_FD;
}

/* Where the whole path does not fit, one through a descriptor of the directory does; that needs /proc. */
static bool
is_address_made(struct sockaddr_un *address, const char *dir, int dir_fd, const char *name)
{
	size_t size = sizeof(address->sun_path);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	return snprintf(address->sun_path, size, "%s/%s", dir, name) < (int)size ||
	       snprintf(address->sun_path, size, "/proc/self/fd/%d/%s", dir_fd, name) < (int)size;
}

static int
bind_at(int fd, const char *dir, int dir_fd, const char *name, int mode, struct bh_err *err)
{
	struct sockaddr_un address;

	if (!is_address_made(&address, dir, dir_fd, name))
		return bh_fail(err, BH_INVALID, "the socket's name %s is too long", name);
	unlinkat(dir_fd, name, 0);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return bh_fail_errno(err, BH_UNAVAILABLE, "cannot bind the socket %s", name);
	if (fchmodat(dir_fd, name, (mode_t)mode, 0) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return bh_fail_errno(err, BH_UNAVAILABLE, "cannot listen on the socket %s", name);
	return 0;
}

int
front_listen(const char *path, int mode, struct bh_err *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash != NULL ? bh_xstrndup(path, (size_t)(slash - path + 1)) : bh_xstrdup(".");
	const char *name = slash != NULL ? slash + 1 : path;
	char *temporary = bh_xasprintf("%s.%d", name, (int)getpid());
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = -1;

	if (dir_fd < 0 || fd < 0)
		bh_fail_errno(err, BH_UNAVAILABLE, "cannot listen in %s", dir);
	else if (bind_at(fd, dir, dir_fd, temporary, mode, err) == 0)
		rc = renameat(dir_fd, temporary, dir_fd, name);
	if (rc < 0 && err != NULL && err->code == BH_OK)
		bh_fail_errno(err, BH_UNAVAILABLE, "cannot rename the socket %s", name);
	if (rc < 0 && fd >= 0) {
		close(fd);
		fd = -1;
	}
	if (dir_fd >= 0)
		close(dir_fd);
	free(dir);
	free(temporary);
	return fd;
}
