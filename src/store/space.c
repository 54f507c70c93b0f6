/* Free space: see space.h. */
#include "base/base.h"

#include "store/space.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define CHECK_MS 200
#define RETRY_AFTER_S 30
/* A commit is written to the log and, later, to pages; both may begin a new file. */
#define WRITTEN_TIMES 3
#define FREE_LEAST (16u << 20)

void
space_init(struct space *space, const char *dir, size_t ballast_bytes)
{
	*space = (struct space){.dir = bh_xstrdup(dir),
	    .ballast = bh_xasprintf("%s/ballast", dir),
	    .ballast_bytes = ballast_bytes};
}

void
space_release(struct space *space)
{
	free(space->dir);
	free(space->ballast);
	space->dir = space->ballast = NULL;
}

static bool
is_ballast_there(const struct space *space)
{
	struct stat is;

	return stat(space->ballast, &is) == 0 && (size_t)is.st_size == space->ballast_bytes &&
	       (size_t)is.st_blocks * 512 >= space->ballast_bytes;
}

void
space_hold(struct space *space)
{
	int fd;

	if (space->ballast_bytes == 0) {
		unlink(space->ballast);
		return;
	}
	space->has_ballast = is_ballast_there(space);
	if (space->has_ballast)
		return;
	fd = open(space->ballast, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	space->has_ballast = posix_fallocate(fd, 0, (off_t)space->ballast_bytes) == 0;
	close(fd);
	if (!space->has_ballast)
		unlink(space->ballast); /* a part of it would only take the room of others */
}

bool
is_space_given_up(struct space *space)
{
	space->has_ballast = false;
	return unlink(space->ballast) == 0;
}

/* statvfs() now and then; in between the bytes let through are subtracted. */
static void
look(struct space *space)
{
	int64_t now_ms = bh_mono_ms();
	struct statvfs is;

	if (space->checked_ms != 0 && now_ms - space->checked_ms < CHECK_MS)
		return;
	space->checked_ms = now_ms;
	if (!space->has_ballast)
		space_hold(space);
	space->free_bytes = statvfs(space->dir, &is) == 0 ? (uint64_t)is.f_bavail * is.f_frsize : 0;
}

int
space_check(struct space *space, size_t bytes, struct bh_err *err)
{
	uint64_t need = (uint64_t)bytes * WRITTEN_TIMES;

	if (space->ballast_bytes == 0)
		return 0;
	look(space);
	if (!space->has_ballast || space->free_bytes < need + FREE_LEAST) {
		bh_fail(err, BH_STORAGE, "the disk is nearly full: %llu MiB are free",
		    (unsigned long long)(space->free_bytes >> 20));
		if (err != NULL)
			err->retry_after_s = RETRY_AFTER_S;
		return -1;
	}
	space->free_bytes -= need;
	return 0;
}
