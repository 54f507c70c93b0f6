/*
 * Writing spool files: data_dir/spool/new.<id>, complete and durable or not
 * there.  Used by the relay too, so it needs nothing but base/ and the C
 * library.  The keeper reads them: see import.c.
 */
#include "base/base.h"

#include "store/spool.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/proc.h"
#include "store/store.h"

bool
is_spool_id(const char *id)
{
	size_t len = strlen(id);

	if (len < 1 || len > SPOOL_ID_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = id[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
			c == '-'))
			return false;
	}
	return true;
}

static int
write_file(int dir_fd, const char *name, const void *content, size_t len, struct bh_err *err)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = 0;

	if (fd < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot make a spool file");
	if (bh_write_full(fd, content, len, err) < 0) {
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write a spool file");
	} else if (bh_fault("spool-written") || fdatasync(fd) < 0) {
		rc = bh_fail_errno(err, BH_STORAGE, "cannot flush a spool file");
	}
	/* What close() reports after a successful fdatasync() changes nothing. */
	close(fd);
	return rc;
}

static int
place_file(int dir_fd, const char *temporary, const char *name, struct bh_err *err)
{
	if (renameat(dir_fd, temporary, dir_fd, name) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot name a spool file");
	if (bh_fault("spool-renamed") || fsync(dir_fd) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot flush the spool directory");
	return 0;
}

/* Make the directory, and its own name durable, the first time. */
static int
open_dir(const char *data_dir, struct bh_err *err)
{
	char *path = bh_xasprintf("%s/%s", data_dir, SPOOL_DIR);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int parent;

	if (fd < 0 && errno == ENOENT && bh_make_dir(path, err) == 0) {
		parent = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent >= 0 && fsync(parent) == 0)
			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (parent >= 0)
			close(parent);
	}
	if (fd < 0)
		bh_fail_errno(err, BH_STORAGE, "cannot open the directory %s", path);
	free(path);
	return fd;
}

int
store_spool(const char *data_dir, const char *id, const void *content, size_t len,
    struct bh_err *err)
{
	static unsigned count;
	char temporary[SPOOL_ID_MAX + 64], name[SPOOL_ID_MAX + 16];
	int dir_fd, rc;

	if (!is_spool_id(id) || len > SPOOL_FILE_MAX)
		return bh_fail(err, BH_INVALID, "not to be spooled: a wrong id, or %zu bytes", len);
	dir_fd = open_dir(data_dir, err);
	if (dir_fd < 0)
		return -1;
	snprintf(temporary, sizeof(temporary), "tmp.%d.%u.%s", (int)getpid(), ++count, id);
	snprintf(name, sizeof(name), "new.%s", id);
	unlinkat(dir_fd, temporary, 0); /* of a process that had our number and died */
	rc = write_file(dir_fd, temporary, content, len, err);
	if (rc == 0)
		rc = place_file(dir_fd, temporary, name, err);
	if (rc < 0)
		unlinkat(dir_fd, temporary, 0);
	close(dir_fd);
	return rc;
}
