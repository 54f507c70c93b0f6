/* Backup and restore as far as they are about files; see copy.h, and store_restore() in store.h. */
#include "base/base.h"

#include "store/copy.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "store/bdb.h"
#include "store/elect.h"
#include "store/store.h"

#define CHUNK 65536
#define RESTORE_CACHE (32u << 20)
#define NOT_WHOLE "the copy is not whole: db/log.* belong to it, all of them and of one time"

/* Calls each for every plain file; stops at -1. */
static int
each_file(const char *dir, int (*each)(int dir_fd, const char *name, void *arg, struct bh_err *err),
    void *arg, struct bh_err *err)
{
	DIR *handle = opendir(dir);
	const struct dirent *entry;
	struct stat is;
	int rc = 0;

	if (handle == NULL)
		return bh_fail_errno(err, BH_STORAGE, "cannot read the directory %s", dir);
	while (rc == 0 && (entry = readdir(handle)) != NULL) {
		if (fstatat(dirfd(handle), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(is.st_mode))
			rc = each(dirfd(handle), entry->d_name, arg, err);
	}
	closedir(handle);
	return rc;
}

int
copy_prepare(const char *dir, struct bh_err *err)
{
	const struct dirent *entry;
	DIR *handle;
	int n = 0;

	if (bh_make_dir(dir, err) < 0)
		return -1;
	handle = opendir(dir);
	if (handle == NULL)
		return bh_fail_errno(err, BH_STORAGE, "cannot read the directory %s", dir);
	while ((entry = readdir(handle)) != NULL)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(handle);
	return n == 0 ? 0 : bh_fail(err, BH_INVALID, "the directory %s is not empty", dir);
}

static int
flush_at(int dir_fd, const char *name, struct bh_err *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot flush %s", name);
	if (fd >= 0)
		close(fd);
	return rc;
}

static int
flush_file(int dir_fd, const char *name, void *arg, struct bh_err *err)
{
	(void)arg;
	return flush_at(dir_fd, name, err);
}

static int
flush_parent(const char *path, struct bh_err *err)
{
	char *parent = bh_xasprintf("%s/..", path);
	int rc = flush_at(AT_FDCWD, parent, err);

	free(parent);
	return rc;
}

int
copy_flush(const char *dir, struct bh_err *err)
{
	if (each_file(dir, flush_file, NULL, err) < 0 || flush_at(AT_FDCWD, dir, err) < 0)
		return -1;
	return flush_parent(dir, err);
}

static int
copy_bytes(int from, int to, const char *name, struct bh_err *err)
{
	char *chunk = bh_xmalloc(CHUNK);
	ssize_t n = 0;
	int rc = 0;

	while (rc == 0 && (n = read(from, chunk, CHUNK)) > 0)
		rc = bh_write_full(to, chunk, (size_t)n, err);
	free(chunk);
	if (rc < 0 || n < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot copy %s", name);
	return 0;
}

static int
copy_file(int dir_fd, const char *name, void *arg, struct bh_err *err)
{
	char *path = bh_xasprintf("%s/%s", (const char *)arg, name);
	int from = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc;

	if (from < 0 || to < 0)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot copy %s", name);
	else
		rc = copy_bytes(from, to, name, err);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	free(path);
	return rc;
}

int
copy_files(const char *from, const char *to, struct bh_err *err)
{
	if (each_file(from, copy_file, (void *)(uintptr_t)to, err) < 0)
		return -1;
	return copy_flush(to, err);
}

/* -- restore -- */

static int
remove_file(int dir_fd, const char *name, void *arg, struct bh_err *err)
{
	(void)arg;
	return unlinkat(dir_fd, name, 0) == 0
		   ? 0
		   : bh_fail_errno(err, BH_STORAGE, "cannot remove %s", name);
}

static int
count_log(int dir_fd, const char *name, void *arg, struct bh_err *err)
{
	(void)dir_fd;
	(void)err;
	*(int *)arg += bh_has_prefix(name, "log.");
	return 0;
}

/* Without any of its log what was written last is missing, and nobody would notice. */
static int
check_log(const char *dir, struct bh_err *err)
{
	int n = 0;

	if (each_file(dir, count_log, &n, err) < 0)
		return -1;
	return n > 0 ? 0 : bh_fail(err, BH_INVALID, NOT_WHOLE);
}

/*
 * A commit of nothing.  It changes the page that the last one has changed: where a file of the log
 * is missing the database refuses that now, and not everything later.
 */
static int
try_commit(struct serve *serve, struct bdb *bdb, struct bh_err *err)
{
	struct wire_commit commit = {.ops_n = 0};
	uint64_t stamp;

	bh_random(commit.id, sizeof(commit.id));
	if (serve_commit(serve, &commit, &stamp, err) < 0 || bdb_flush(bdb, err) < 0)
		return bh_during(err, NOT_WHOLE);
	return 0;
}

/* Recover from the copy's whole log, and look whether the result is a store that can be written. */
static int
recover_copy(const char *dir, struct bh_err *err)
{
	const struct bdb_options options = {.dir = dir,
	    .cache_bytes = RESTORE_CACHE,
	    .is_restored = true};
	struct serve serve;
	struct bdb *bdb;
	int rc;

	if (bdb_open(&options, &bdb, err) < 0)
		return -1;
	rc = serve_open(&serve, &bdb_ops, bdb, KEEPER_RING, err);
	if (rc == 0) {
		bh_log(BH_INFO, "the copy holds %llu keys, last commit %llu",
		    (unsigned long long)serve.keys, (unsigned long long)serve.stamp);
		rc = try_commit(&serve, bdb, err);
		serve_close(&serve);
		if (rc == 0)
			rc = bdb_checkpoint(bdb, err);
	}
	bdb_close(&bdb);
	return rc;
}

/* What was there is kept under another name: a restore must not be what loses data. */
static int
put_in_place(const char *fresh, const char *db, char **aside_r, struct bh_err *err)
{
	char *old = bh_xasprintf("%s.before-%lld", db, (long long)bh_now_ms());
	bool is_kept = false;
	int rc = 0;

	if (rmdir(db) < 0 && errno != ENOENT) {
		is_kept = rename(db, old) == 0;
		if (!is_kept)
			rc = bh_fail_errno(err, BH_STORAGE, "cannot set %s aside", db);
	}
	if (rc == 0 && rename(fresh, db) < 0) {
		rc = bh_fail_errno(err, BH_STORAGE, "cannot name %s", db);
		is_kept = is_kept && rename(old, db) < 0;
	} else if (rc == 0)
		rc = flush_parent(db, err);
	if (is_kept)
		*aside_r = old;
	else
		free(old);
	return rc;
}

static int
restore(const char *data_dir, const char *backup_dir, char **aside_r, struct bh_err *err)
{
	char *db = bh_xasprintf("%s/db", data_dir),
	     *fresh = bh_xasprintf("%s/db.restore", data_dir);
	char *file = bh_xasprintf("%s/%s", backup_dir, BDB_FILE);
	int rc = -1;

	if (access(file, R_OK) < 0)
		bh_fail_errno(err, BH_INVALID, "%s holds no copy of a store", backup_dir);
	else if (check_log(backup_dir, err) == 0 && bh_make_dir(fresh, err) == 0 &&
		 each_file(fresh, remove_file, NULL, err) == 0 &&
		 copy_files(backup_dir, fresh, err) == 0 && recover_copy(fresh, err) == 0 &&
		 copy_flush(fresh, err) == 0)
		rc = put_in_place(fresh, db, aside_r, err);
	if (rc < 0 && each_file(fresh, remove_file, NULL, NULL) == 0)
		(void)rmdir(fresh);
	free(db);
	free(fresh);
	free(file);
	return rc;
}

int
store_restore(const char *data_dir, const char *backup_dir, char **aside_r, struct bh_err *err)
{
	struct elect elect;
	int rc = elect_take(&elect, data_dir, err);

	*aside_r = NULL;
	if (rc < 0)
		return -1;
	if (rc == 0)
		return bh_fail(err, BH_CONFLICT, "the keeper of %s is running", data_dir);
	rc = restore(data_dir, backup_dir, aside_r, err);
	elect_release(&elect);
	return rc;
}
