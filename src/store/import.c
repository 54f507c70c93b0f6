/* Reading the spool: see import.h. */
#include "base/base.h"

#include "store/import.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/log.h"
#include "base/proc.h"
#include "store/spool.h"
#include "store/txn.h"

#define LIST_MAX 4096 /* names looked at in one pass */
#define BATCH_MAX 64  /* files that share a flush */
#define CONFLICT_TRIES 3
#define STALE_MS (3600 * (int64_t)1000) /* an unfinished file of this age has no writer any more */

struct spool_file {
	int64_t at_us; /* when it was written */
	char name[SPOOL_ID_MAX + 16];
};

struct import {
	struct import_options options;
	char *dir;
	struct store *store; /* the serve as a store, for the import function */
	struct spool_file *files;
	size_t files_n;
	uint64_t imported, set_aside;
	char waits_for[sizeof(((struct bh_err *)NULL)->text)]; /* as it was logged */
};

/* -- the serve as an engine: no socket, no flush -- */

static int
local_get(void *handle, const struct wire_get *get, struct bh_buf *mem, struct wire_slice *body_r,
    struct bh_err *err)
{
	struct import *import = handle;

	bh_buf_reset(mem);
	if (serve_get(import->options.serve, get, mem, err) < 0)
		return -1;
	*body_r = (struct wire_slice){mem->data, mem->len};
	return 0;
}

static int
local_scan(void *handle, const struct wire_scan *scan, struct bh_buf *mem,
    struct wire_slice *body_r, struct bh_err *err)
{
	struct import *import = handle;

	bh_buf_reset(mem);
	if (serve_scan(import->options.serve, scan, mem, err) < 0)
		return -1;
	*body_r = (struct wire_slice){mem->data, mem->len};
	return 0;
}

static int
local_commit(void *handle, struct wire_commit *commit, uint64_t *stamp_r, struct bh_err *err)
{
	struct import *import = handle;
	int rc = serve_commit(import->options.serve, commit, stamp_r, err);

	if (rc == 1)
		import->options.applied(import->options.arg, commit);
	return rc < 0 ? -1 : 0;
}

static void
local_close(void *handle)
{
	(void)handle;
}

static const struct store_engine local_engine = {
    .name = "local",
    .close = local_close,
    .get = local_get,
    .scan = local_scan,
    .commit = local_commit,
};

struct import *
import_new(const struct import_options *options)
{
	struct import *import = bh_xcalloc(1, sizeof(*import));

	import->options = *options;
	import->dir = bh_xasprintf("%s/%s", options->data_dir, SPOOL_DIR);
	import->store = store_over(&local_engine, import);
	return import;
}

void
import_free(struct import **import)
{
	if (*import == NULL)
		return;
	store_close(&(*import)->store);
	free((*import)->files);
	free((*import)->dir);
	free(*import);
	*import = NULL;
}

/* -- what is there -- */

static int
by_age(const void *a, const void *b)
{
	const struct spool_file *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void
note_file(struct import *import, int dir_fd, const char *name)
{
	size_t len = strlen(name);
	struct spool_file *file;
	struct stat is;
	int64_t at_us;

	if (len >= sizeof(file->name) || fstatat(dir_fd, name, &is, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	at_us = (int64_t)is.st_mtim.tv_sec * 1000000 + is.st_mtim.tv_nsec / 1000;
	if (strncmp(name, "tmp.", 4) == 0 && bh_now_ms() - at_us / 1000 > STALE_MS)
		unlinkat(dir_fd, name, 0);
	if (strncmp(name, "new.", 4) != 0 || !is_spool_id(name + 4))
		return;
	if (import->files == NULL)
		import->files = bh_xcalloc(LIST_MAX, sizeof(*import->files));
	file = &import->files[import->files_n++];
	file->at_us = at_us;
	memcpy(file->name, name, len + 1);
}

/* Oldest first.  A descriptor of the directory; -1 when there is none. */
static int
list_files(struct import *import)
{
	DIR *handle = opendir(import->dir);
	const struct dirent *entry;
	int fd = -1;

	import->files_n = 0;
	if (handle == NULL)
		return -1;
	while (import->files_n < LIST_MAX && (entry = readdir(handle)) != NULL)
		note_file(import, dirfd(handle), entry->d_name);
	if (import->files_n != 0) {
		qsort(import->files, import->files_n, sizeof(import->files[0]), by_age);
		fd = fcntl(dirfd(handle), F_DUPFD_CLOEXEC, 0);
	}
	closedir(handle);
	return fd;
}

static int
read_file(int dir_fd, const char *name, struct bh_buf *content, struct bh_err *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat is;
	char *room;
	int rc;

	if (fd < 0 || fstat(fd, &is) < 0) {
		rc = bh_fail_errno(err, BH_INVALID, "it cannot be opened");
	} else if (!S_ISREG(is.st_mode) || is.st_size > SPOOL_FILE_MAX) {
		rc = bh_fail(err, BH_INVALID, "it is no file, or too large");
	} else {
		room = bh_buf_room(content, (size_t)is.st_size);
		rc = bh_read_full(fd, room, (size_t)is.st_size, err);
		content->len = rc > 0 ? (size_t)is.st_size : 0;
		if (rc < 0 || (rc == 0 && is.st_size != 0)) /* shorter than it was a moment ago */
			rc = bh_fail(err, BH_INVALID, "it cannot be read");
	}
	if (fd >= 0)
		close(fd);
	return rc < 0 ? -1 : 0;
}

/* -- one file -- */

/* Name and contents: another content under the same name is another commit. */
static void
make_id(unsigned char id[WIRE_ID_LEN], const char *name, const struct bh_buf *content)
{
	struct bh_buf both = BH_BUF_INIT(SIZE_MAX / 2);
	unsigned char digest[BH_SHA256_LEN];

	bh_sha256(digest, content->data != NULL ? content->data : "", content->len);
	bh_buf_add(&both, name, strlen(name) + 1);
	bh_buf_add(&both, digest, sizeof(digest));
	bh_sha256(digest, both.data, both.len);
	memcpy(id, digest, WIRE_ID_LEN);
	bh_buf_release(&both);
}

static int
import_content(struct import *import, const char *name, const struct bh_buf *content,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(import->store);
	unsigned char id[WIRE_ID_LEN];
	int rc = -1;

	make_id(id, name, content);
	for (int attempt = 0; attempt < CONFLICT_TRIES; attempt++) {
		err->code = BH_OK;
		rc = import->options.import(txn, bh_buf_str(content), content->len, err);
		if (rc != 0)
			break;
		txn_set_id(txn, id);
		rc = store_commit(txn, NULL, err);
		if (rc == 0 || err->code != BH_CONFLICT)
			break;
	}
	store_free(&txn);
	return rc;
}

static void
set_aside(struct import *import, int dir_fd, const char *name, const struct bh_err *err)
{
	char bad[sizeof(((struct spool_file *)NULL)->name) + 8];

	mkdirat(dir_fd, SPOOL_BAD, 0700);
	snprintf(bad, sizeof(bad), "%s/%s", SPOOL_BAD, name);
	if (renameat(dir_fd, name, dir_fd, bad) < 0) {
		bh_log(BH_ERROR, "spool file %s cannot be set aside: %s", name, strerror(errno));
		return;
	}
	import->set_aside++;
	bh_log(BH_ERROR, "spool file %s is set aside: %s", name, err->text);
}

static bool
is_passing(const struct bh_err *err)
{
	return err->code == BH_STORAGE || err->code == BH_UNAVAILABLE || err->code == BH_LIMITED;
}

/* 1 imported, 0 not now (nor those behind it), -1 set aside. */
static int
import_one(struct import *import, int dir_fd, const char *name)
{
	struct bh_buf content = BH_BUF_INIT(SPOOL_FILE_MAX);
	struct bh_err err = BH_ERR_INIT;
	int rc = read_file(dir_fd, name, &content, &err);

	if (rc == 0)
		rc = import_content(import, name, &content, &err);
	bh_buf_release(&content);
	if (rc >= 0) {
		import->waits_for[0] = '\0';
		return 1;
	}
	if (is_passing(&err)) {
		/* Others behind it wait for the same: that is said once. */
		if (strcmp(import->waits_for, err.text) != 0)
			bh_log(BH_WARN, "spool file %s waits: %s", name, err.text);
		snprintf(import->waits_for, sizeof(import->waits_for), "%s", err.text);
		return 0;
	}
	set_aside(import, dir_fd, name, &err);
	return -1;
}

/*
 * Files imported are removed after the flush.  One that was replaced
 * meanwhile has other contents and a newer time: it stays.
 */
static void
remove_files(struct import *import, int dir_fd, const struct spool_file *const done[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct stat is;

		if (fstatat(dir_fd, done[i]->name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
		    (int64_t)is.st_mtim.tv_sec * 1000000 + is.st_mtim.tv_nsec / 1000 ==
			done[i]->at_us &&
		    unlinkat(dir_fd, done[i]->name, 0) == 0)
			import->imported++;
	}
}

/* 1 go on, 0 stop for now, -1 the store failed. */
static int
import_batch(struct import *import, int dir_fd, size_t from, size_t to)
{
	const struct spool_file *done[BATCH_MAX];
	size_t n = 0;
	int rc = 1;

	for (size_t i = from; i < to && rc != 0; i++) {
		rc = import_one(import, dir_fd, import->files[i].name);
		if (rc == 1)
			done[n++] = &import->files[i];
	}
	if (import->options.flush(import->options.arg) < 0)
		return -1;
	if (bh_fault("spool-imported"))
		return 0;
	remove_files(import, dir_fd, done, n);
	return rc != 0;
}

int
import_pass(struct import *import)
{
	int dir_fd, rc = 0;
	size_t n;

	if (import->options.import == NULL)
		return 0;
	dir_fd = list_files(import);
	if (dir_fd < 0)
		return 0;
	n = import->files_n < BATCH_MAX ? import->files_n : BATCH_MAX;
	rc = import_batch(import, dir_fd, 0, n);
	close(dir_fd);
	return rc == 1 && n == import->files_n ? 0 : rc;
}

void
import_stats(const struct import *import, json_t *stats)
{
	json_object_set_new(stats, "spool_waiting", json_integer((json_int_t)import->files_n));
	json_object_set_new(stats, "spool_imported", json_integer((json_int_t)import->imported));
	json_object_set_new(stats, "spool_set_aside", json_integer((json_int_t)import->set_aside));
}
