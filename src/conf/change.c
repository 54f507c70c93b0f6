/* Changing billhook.conf: see change.h. */
#include "base/base.h"

#include "conf/change.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/text.h"

#define FILE_MOST ((size_t)1 << 20)

static char *
conf_file(const char *data_dir)
{
	return bh_xasprintf("%s/billhook.conf", data_dir);
}

static int
read_whole(const char *path, struct bh_buf *text, struct bh_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;

	if (fd < 0)
		return errno == ENOENT ? 0 : bh_fail_errno(err, BH_STORAGE, "cannot open %s", path);
	while (got > 0) {
		char part[4096];

		got = read(fd, part, sizeof(part));
		if (got > 0)
			bh_buf_add(text, part, (size_t)got);
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	if (got < 0)
		bh_fail_errno(err, BH_STORAGE, "cannot read %s", path);
	close(fd);
	return got < 0 ? -1 : bh_buf_check(text, "billhook.conf", err);
}

/* Which of the changes is the line about?  n: of none. */
static size_t
change_of(const char *line, size_t len, const struct conf_change *changes, size_t n)
{
	const char *equals = memchr(line, '=', len);
	size_t i = n, name_len;

	while (len > 0 && strchr(" \t", *line) != NULL)
		line++, len--;
	if (equals == NULL || equals < line)
		return n;
	name_len = (size_t)(equals - line);
	while (name_len > 0 && strchr(" \t", line[name_len - 1]) != NULL)
		name_len--;
	for (i = 0; i < n; i++)
		if (strlen(changes[i].name) == name_len &&
		    memcmp(changes[i].name, line, name_len) == 0)
			break;
	return i;
}

/* The file's lines with the changes in them.  Of an option that stands there twice one line stays. */
static void
change_lines(const struct bh_buf *old, const struct conf_change *changes, size_t n,
    struct bh_buf *out)
{
	const char *line = old->data, *end = line + old->len;
	bool *is_done = bh_xcalloc(n, sizeof(*is_done));

	while (line != NULL && line < end) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop != NULL ? stop : end) - line);
		size_t which = change_of(line, len, changes, n);

		if (which == n)
			bh_buf_add(out, line, len);
		else if (!is_done[which])
			bh_buf_addf(out, "%s = %s", changes[which].name, changes[which].value);
		if (which == n || !is_done[which])
			bh_buf_addc(out, '\n');
		if (which < n)
			is_done[which] = true;
		line += len + 1;
	}
	for (size_t i = 0; i < n; i++)
		if (!is_done[i])
			bh_buf_addf(out, "%s = %s\n", changes[i].name, changes[i].value);
	free(is_done);
}

static int
sync_dir(const char *dir, struct bh_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc =
	    fd < 0 || fsync(fd) < 0 ? bh_fail_errno(err, BH_STORAGE, "cannot sync %s", dir) : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

/* As writable as the old one was, and no more. */
static mode_t
mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 0777 : 0600;
}

static int
replace_file(const char *data_dir, const char *path, const struct bh_buf *text, struct bh_err *err)
{
	char *temp = bh_xasprintf("%s.%ld", path, (long)getpid());
	int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = fd < 0 ? bh_fail_errno(err, BH_STORAGE, "cannot write %s", temp) : 0;

	if (rc == 0)
		rc = bh_write_full(fd, text->data, text->len, err);
	if (rc == 0 && (fchmod(fd, mode_of(path)) < 0 || fdatasync(fd) < 0))
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write %s", temp);
	if (fd >= 0)
		close(fd);
	if (rc == 0 && rename(temp, path) < 0)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot replace %s", path);
	if (rc == 0)
		rc = sync_dir(data_dir, err);
	else
		(void)unlink(temp);
	free(temp);
	return rc;
}

int
conf_change(const char *data_dir, const struct conf_change *changes, size_t n, struct bh_err *err)
{
	char *path = conf_file(data_dir);
	struct bh_buf old = BH_BUF_INIT(FILE_MOST), text = BH_BUF_INIT(2 * FILE_MOST);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = conf_check_option(changes[i].name, changes[i].value, err);
	if (rc == 0)
		rc = read_whole(path, &old, err);
	if (rc == 0) {
		change_lines(&old, changes, n, &text);
		rc = bh_buf_check(&text, "billhook.conf", err);
	}
	if (rc == 0)
		rc = replace_file(data_dir, path, &text, err);
	bh_buf_release(&old);
	bh_buf_release(&text);
	free(path);
	return rc;
}

void
conf_note(const char *data_dir, struct conf_seen *seen)
{
	char *path = conf_file(data_dir);
	struct stat st;

	memset(seen, 0, sizeof(*seen));
	if (stat(path, &st) == 0) {
		seen->inode = st.st_ino;
		seen->size = st.st_size;
		seen->written = st.st_mtim;
	}
	free(path);
}

static bool
is_same_file(const struct conf_seen *a, const struct conf_seen *b)
{
	return a->inode == b->inode && a->size == b->size &&
	       a->written.tv_sec == b->written.tv_sec && a->written.tv_nsec == b->written.tv_nsec;
}

bool
conf_is_settled(const char *data_dir, struct conf_seen *seen)
{
	struct conf_seen now;

	conf_note(data_dir, &now);
	now.is_stale = !is_same_file(&now, seen);
	if (!now.is_stale && seen->is_stale) {
		seen->is_stale = false;
		return true;
	}
	now.is_stale |= seen->is_stale;
	*seen = now;
	return false;
}
