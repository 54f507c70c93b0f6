/* See backup.h. */
#include "base/base.h"

#include "sync/backup.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/tar.h"
#include "state/backup.h"

#define TOP "billhook-backup/" /* every name in the archive begins so */
#define SPARE_BYTES (64u << 20)

static const char how_to_restore[] =
    "A copy of Billhook's data. To put it in place, on the server:\n"
    "\n"
    "  tar xf billhook-TIME.tar\n"
    "  billhook stop --dir DIRECTORY\n"
    "  billhook restore --dir DIRECTORY billhook-backup\n"
    "\n"
    "DIRECTORY is the data directory; a new one is made. A store that is there\n"
    "already is kept beside the restored one, as db.before-TIME.\n"
    "\n"
    "Without the file \"key\" in this copy, the stored passwords and tokens can only\n"
    "be opened with the key of the data directory from which the copy was taken: put\n"
    "that file into DIRECTORY, or enter the secrets of each connection again.\n";

/* One copy on its way. */
struct run {
	const struct sync_context *context;
	struct backup backup;
	char *dir, *copy, *marker; /* owned */
};

static void
begin(struct run *run, const struct sync_context *context)
{
	*run = (struct run){.context = context};
	run->dir = conf_path(context->conf, BACKUP_DIR);
	run->copy = bh_xasprintf("%s/" BACKUP_COPY, run->dir);
}

static void
release(struct run *run)
{
	free(run->dir);
	free(run->copy);
	free(run->marker);
}

/* -- files -- */

/* Remove the plain files of a directory, but those that begin with keep (NULL none). */
static void
sweep(const char *dir, const char *keep)
{
	const struct dirent *entry;
	DIR *handle = opendir(dir);

	while (handle != NULL && (entry = readdir(handle)) != NULL)
		if (keep == NULL || strcmp(entry->d_name, keep) != 0)
			(void)unlinkat(dirfd(handle), entry->d_name, 0);
	if (handle != NULL)
		closedir(handle);
}

static void
remove_copy(const struct run *run)
{
	sweep(run->copy, NULL);
	(void)rmdir(run->copy);
}

/* All that is below the directory; and itself, where nothing is kept. */
static void
remove_all(const struct run *run, const char *keep)
{
	remove_copy(run);
	sweep(run->dir, keep);
	if (keep == NULL)
		(void)rmdir(run->dir);
}

/* The copy and the archive stand there together for a while. */
static int64_t
bytes_to_write(const struct run *run)
{
	char *db = conf_path(run->context->conf, "db");
	int64_t bytes = 2 * bh_disk_bytes(db);

	free(db);
	return bytes;
}

static int
check_space(const struct run *run, struct bh_err *err)
{
	int64_t needed = bytes_to_write(run) + SPARE_BYTES, left;
	struct statvfs disk;

	if (statvfs(run->context->conf->data_dir, &disk) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot look at the disk");
	left = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	if (left >= needed)
		return 0;
	return bh_fail(err, BH_STORAGE,
	    "There is too little room on the disk: it takes %lld MiB for a while, and %lld are free.",
	    (long long)(needed >> 20), (long long)(left >> 20));
}

/* -- the archive -- */

static bool
may_go_on(void *arg)
{
	const struct run *run = arg;

	return !sync_is_stopping(run->context);
}

/* A file that is not there is none of the copy. */
static int
add_file(struct run *run, int to, const char *dir, const char *name, const char *as,
    struct bh_err *err)
{
	char *path = bh_xasprintf("%s/%s", dir, name);
	char inside[BH_TAR_NAME + 1];
	int from = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

	if (from < 0 && errno != ENOENT)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot read %s", name);
	if (snprintf(inside, sizeof(inside), TOP "%s%s", as, name) >= (int)sizeof(inside))
		rc = bh_fail(err, BH_STORAGE, "the name %.60s is too long", name);
	if (rc == 0 && from >= 0)
		rc = bh_tar_file(to, inside, from, may_go_on, run, err);
	if (from >= 0)
		close(from);
	free(path);
	return rc;
}

static int
add_store(struct run *run, int to, struct bh_err *err)
{
	const struct dirent *entry;
	DIR *handle = opendir(run->copy);
	int rc = 0;

	if (handle == NULL)
		return bh_fail_errno(err, BH_STORAGE, "cannot read the copy");
	while (rc == 0 && (entry = readdir(handle)) != NULL)
		if (entry->d_name[0] != '.')
			rc = add_file(run, to, run->copy, entry->d_name, "db/", err);
	closedir(handle);
	return rc;
}

static int
write_archive(struct run *run, int to, struct bh_err *err)
{
	const char *data_dir = run->context->conf->data_dir;

	if (bh_tar_text(to, TOP "RESTORE", how_to_restore, run->backup.made_ms, err) < 0 ||
	    add_file(run, to, data_dir, "billhook.conf", "", err) < 0 ||
	    (run->backup.has_key && add_file(run, to, data_dir, "key", "", err) < 0) ||
	    add_store(run, to, err) < 0 || bh_tar_end(to, err) < 0)
		return -1;
	return fsync(to) == 0 ? 0 : bh_fail_errno(err, BH_STORAGE, "cannot flush the archive");
}

/* Under its name at once and as a whole. */
static int
make_archive(struct run *run, struct bh_err *err)
{
	char *path = backup_path(run->context->conf->data_dir, &run->backup);
	char *part = bh_xasprintf("%s.part", path);
	int to = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc;
	struct stat is;

	rc = to < 0 ? bh_fail_errno(err, BH_STORAGE, "cannot write the archive")
		    : write_archive(run, to, err);
	if (rc == 0 && (fstat(to, &is) < 0 || rename(part, path) < 0))
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write the archive");
	if (rc == 0)
		run->backup.bytes = is.st_size;
	if (to >= 0)
		close(to);
	free(part);
	free(path);
	return rc;
}

/* -- the steps -- */

static int
store_state(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct run *run = arg;
	struct backup now;

	/* Somebody may have asked for another meanwhile: that one counts. */
	if (backup_get(txn, &now, err) < 0)
		return -1;
	if (now.asked_ms != run->backup.asked_ms)
		return 1;
	backup_put(txn, &run->backup);
	return 0;
}

static int
tell(struct run *run, enum backup_state state, struct bh_err *err)
{
	run->backup.state = state;
	return store_run(run->context->store, store_state, run, NULL, err) < 0 ? -1 : 0;
}

/* With how much there is to write: the page compares it with what stands there. */
static int
begin_telling(struct run *run, struct bh_err *err)
{
	run->backup.bytes = bytes_to_write(run);
	return tell(run, BACKUP_COPYING, err);
}

/* "billhook-20261122-175900.tar" */
static void
name_it(struct run *run)
{
	char at[BH_CLOCK_TEXT], digits[16];
	size_t n = 0;

	run->backup.made_ms = bh_now_ms();
	run->backup.until_ms = run->backup.made_ms + BACKUP_KEPT_MS;
	bh_rfc3339(at, run->backup.made_ms);
	for (const char *c = at; *c != '\0' && n < 14; c++)
		if (*c >= '0' && *c <= '9')
			digits[n++] = *c;
	digits[n] = '\0';
	snprintf(run->backup.name, sizeof(run->backup.name), "billhook-%.8s-%.6s.tar", digits,
	    digits + 8);
}

static int
make(struct run *run, const char *keep, struct bh_err *err)
{
	remove_all(run, keep);
	if (check_space(run, err) < 0 || store_backup(run->context->store, run->copy, err) < 0)
		return -1;
	bh_fault("backup-copied");
	name_it(run);
	if (make_archive(run, err) < 0)
		return -1;
	remove_copy(run);
	return 0;
}

static int
leave_marker(const struct run *run, struct bh_err *err)
{
	int fd;

	if (bh_make_dir(run->dir, err) < 0)
		return -1;
	fd = open(run->marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot write below %s", run->dir);
	close(fd);
	return 0;
}

static int
forget(struct run *run, struct bh_err *err)
{
	remove_all(run, NULL);
	return tell(run, BACKUP_NONE, err);
}

static int
make_it(struct run *run, struct sync_outcome *outcome, struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	bool is_begun = run->backup.state == BACKUP_COPYING;

	/* This store is the copy: nobody asked for another one here. */
	if (is_begun && access(run->marker, F_OK) < 0)
		return forget(run, err);
	if (leave_marker(run, &why) == 0) {
		if (!is_begun && begin_telling(run, err) < 0)
			return -1;
		if (make(run, strrchr(run->marker, '/') + 1, &why) == 0) {
			outcome->again_ms = run->backup.until_ms;
			return tell(run, BACKUP_READY, err);
		}
	}
	if (sync_is_stopping(run->context)) {
		outcome->again_ms = bh_now_ms();
		return 0;
	}
	bh_log(BH_WARN, "the backup asked for in the browser: %s", why.text);
	remove_all(run, NULL);
	snprintf(run->backup.note, sizeof(run->backup.note), "%s", why.text);
	return tell(run, BACKUP_FAILED, err);
}

static int
look(struct run *run, struct bh_err *err)
{
	struct store_txn *txn = store_begin(run->context->store);
	int rc = backup_get(txn, &run->backup, err);

	store_free(&txn);
	run->marker = bh_xasprintf("%s/begun-%lld", run->dir, (long long)run->backup.asked_ms);
	return rc;
}

int
backup_run(const struct sync_context *context, struct sync_outcome *outcome, struct bh_err *err)
{
	struct run run;
	int rc;

	begin(&run, context);
	rc = look(&run, err);
	if (rc == 0 && (run.backup.state == BACKUP_ASKED || run.backup.state == BACKUP_COPYING))
		rc = make_it(&run, outcome, err);
	else if (rc == 0 && run.backup.state == BACKUP_READY && run.backup.until_ms > bh_now_ms())
		outcome->again_ms = run.backup.until_ms;
	else if (rc == 0)
		rc = run.backup.state == BACKUP_READY ? forget(&run, err) : 0;
	release(&run);
	return rc;
}
