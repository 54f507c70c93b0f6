/*
 * Raw spool files back into the journal: see hook.h and raw.h.  The signature
 * is verified against the time at which the request came.
 */
#include "base/base.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "web/hook.h"
#include "web/hook_internal.h"
#include "web/raw.h"

#define FILE_MAX ((17u << 20) + (256u << 10)) /* the largest body and its head */
#define BAD_MAX 1000                          /* files kept in spool/bad */
#define LEFTOVER_MS 3600000                   /* a temporary file this old has no writer */
#define NOTE_MS 60000                         /* between log lines about files that wait */
#define SETTLED_NS 100000000 /* a directory time older than this cannot hide a change */

/* A temporary file whose writer was killed; its name is a dot and the time. */
static bool
is_leftover(const char *name)
{
	return name[0] == '.' && strlen(name) > 20 &&
	       strtoll(name + 1, NULL, 10) < bh_now_ms() - LEFTOVER_MS;
}

/*
 * The names waiting behind hook->raw_after, oldest first (names begin with
 * the time), at most max; then raw_after moves.
 */
static int
list_names(struct hook *hook, const char *dir, size_t max, char (*names)[RAW_NAME_MAX], size_t *n_r,
    struct bh_err *err)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);
	size_t taken = 0;

	*n_r = 0;
	if (n < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot read the directory %s", dir);
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		if (is_leftover(name)) {
			char *path = bh_xasprintf("%s/%s", dir, name);

			unlink(path);
			free(path);
		} else if (name[0] != '.' && strlen(name) < RAW_NAME_MAX && taken < max &&
			   strcmp(name, hook->raw_after) > 0) {
			memcpy(names[taken++], name, strlen(name) + 1);
		}
		free(entries[i]);
	}
	free(entries);
	snprintf(hook->raw_after, sizeof(hook->raw_after), "%s",
	    taken == max ? names[max - 1] : "");
	*n_r = taken;
	return 0;
}

/* 1 read, 0 it is gone (somebody else was faster), -1 BH_STORAGE or BH_INVALID. */
static int
read_file(int dir_fd, const char *name, struct bh_buf *content, struct bh_err *err)
{
	char chunk[65536];
	ssize_t n;
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT
			   ? 0
			   : bh_fail_errno(err,
				 errno == EACCES || errno == ELOOP ? BH_INVALID : BH_STORAGE,
				 "cannot open it");
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			bh_buf_add(content, chunk, (size_t)n);
	if (n < 0)
		bh_fail_errno(err, BH_STORAGE, "cannot read the spool file %s", name);
	close(fd);
	if (n < 0)
		return -1;
	return bh_buf_check(content, "the file", err) == 0 ? 1 : -1;
}

static size_t
count_names(const char *dir)
{
	const struct dirent *entry;
	size_t n = 0;
	DIR *list = opendir(dir);

	if (list == NULL)
		return 0;
	while ((entry = readdir(list)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(list);
	return n;
}

/* Out of the way, kept for a person to look at while there is room. */
static void
set_aside(const char *data_dir, int dir_fd, const char *name, const char *why)
{
	char *bad_dir = bh_xasprintf("%s/spool/bad", data_dir);
	char *bad = bh_xasprintf("%s/%s", bad_dir, name);
	struct bh_err err = BH_ERR_INIT;
	bool is_kept = bh_make_dir(bad_dir, &err) == 0 && count_names(bad_dir) < BAD_MAX &&
		       renameat(dir_fd, name, AT_FDCWD, bad) == 0;

	if (!is_kept)
		unlinkat(dir_fd, name, 0);
	bh_log(BH_WARN, "spooled webhook %s %s: %s", name,
	    is_kept ? "set aside in spool/bad" : "dropped", why);
	free(bad_dir);
	free(bad);
}

/* The connection in "/hook/<code>"; NULL when the path is another. */
static const char *
code_in(const char *path)
{
	if (!bh_has_prefix(path, "/hook/") || !bh_is_code(path + strlen("/hook/")))
		return NULL;
	return path + strlen("/hook/");
}

/* Judge one file's content.  HOOK_STORED and HOOK_DUPLICATE: it may go. */
static enum hook_result
take_content(struct hook *hook, const struct bh_buf *content, struct bh_err *err)
{
	struct raw_request raw;
	struct request request;
	enum hook_result result = HOOK_REFUSED;
	const char *code;

	if (raw_parse(bh_buf_str(content), content->len, &raw, err) < 0)
		return HOOK_REFUSED;
	request_init(&request, FILE_MAX);
	request_begin(&request, raw.params, &hook->site->place);
	request.received_ms = raw.received_ms;
	bh_buf_add(&request.body, raw.body, raw.body_len);
	code = code_in(request.path);
	if (request.refused != 0)
		*err = request.why;
	else if (code == NULL || strcmp(request.method, "POST") != 0)
		bh_fail(err, BH_INVALID, "it is no webhook");
	else
		result = hook_accept(hook, code, &request, false, err);
	request_release(&request);
	raw_release(&raw);
	return result;
}

/* 1 done with, 0 gone, -1 try again later. */
static int
take_file(struct hook *hook, const char *data_dir, int dir_fd, const char *name, struct bh_err *err)
{
	struct bh_buf content = BH_BUF_INIT(FILE_MAX);
	int rc = read_file(dir_fd, name, &content, err);
	enum hook_result result;

	if (rc <= 0) {
		bh_buf_release(&content);
		if (rc < 0 && err->code == BH_INVALID) {
			set_aside(data_dir, dir_fd, name, err->text);
			return 1;
		}
		return rc;
	}
	result = take_content(hook, &content, err);
	bh_buf_release(&content);
	if (result == HOOK_LATER || result == HOOK_FULL)
		return -1;
	/* A connection that lacks its secret gets it from a person: the request waits. */
	if (result == HOOK_UNREADY)
		return bh_during(err, "spooled webhook %s", name);
	if (result == HOOK_STORED || result == HOOK_DUPLICATE) {
		(void)bh_fault("raw-imported");
		unlinkat(dir_fd, name, 0);
	} else {
		set_aside(data_dir, dir_fd, name, err->text);
	}
	return 1;
}

/* A file that must wait for a person is said so, now and then. */
static void
note_waiting(struct hook *hook, const struct bh_err *err)
{
	int64_t now = bh_mono_ms();

	if (hook->raw_noted_ms != 0 && now - hook->raw_noted_ms < NOTE_MS)
		return;
	hook->raw_noted_ms = now;
	bh_log(BH_WARN, "%s; it waits in spool/raw", err->text);
}

static int
take_files(struct hook *hook, const char *data_dir, const char *dir, int dir_fd, size_t max,
    bool *is_empty_r, struct bh_err *err)
{
	char(*names)[RAW_NAME_MAX] = bh_xcalloc(max, sizeof(*names));
	size_t n = 0;
	int taken = 0, failed = 0;

	bool is_start = hook->raw_after[0] == '\0';

	if (list_names(hook, dir, max, names, &n, err) < 0)
		failed = -1;
	*is_empty_r = failed == 0 && n == 0 && is_start;
	for (size_t i = 0; i < n && failed == 0; i++) {
		int rc = take_file(hook, data_dir, dir_fd, names[i], err);

		if (rc < 0 && (err->code == BH_INVALID || err->code == BH_DENIED))
			note_waiting(hook, err);
		else if (rc < 0)
			failed = -1;
		taken += rc == 1;
	}
	free(names);
	return failed < 0 ? -1 : taken;
}

/* When the directory last changed; 0 when that is so recent that a change of the same time may follow. */
static int64_t
settled_ns(const struct stat *st)
{
	int64_t changed = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec - changed > SETTLED_NS ? changed : 0;
}

int
hook_import_raw(struct hook *hook, const char *data_dir, size_t max, struct bh_err *err)
{
	char *dir = bh_xasprintf("%s/spool/raw", data_dir);
	bool is_empty = false;
	int64_t changed = 0;
	struct stat st;
	int rc = 0, dir_fd = -1;

	if (stat(dir, &st) == 0) {
		changed = settled_ns(&st);
		if (changed == 0 || changed != hook->raw_empty_ns)
			dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	/* The lock is on the directory itself and dies with the process. */
	if (dir_fd >= 0 && flock(dir_fd, LOCK_EX | LOCK_NB) == 0) {
		rc = take_files(hook, data_dir, dir, dir_fd, max, &is_empty, err);
		hook->raw_empty_ns = is_empty ? changed : 0;
	}
	if (dir_fd >= 0)
		close(dir_fd);
	free(dir);
	return rc;
}
