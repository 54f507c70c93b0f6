/* Raw spool files: see raw.h.  Only libc and base/err, base/buf, base/text. */
#include "base/base.h"

#include "web/raw.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/text.h"

#define RAW_PARAMS_MAX (64u << 10)
#define RAW_SMALL_DIR                                                                              \
	(128 << 10) /* a directory of this many bytes cannot hold RAW_FILES_MAX names */
#define RAW_FREE_MIN (32ull << 20) /* the database's recovery needs room, too */

static const char magic[] = "billhook-raw 1 ";

bool
raw_is_kept(const char *param)
{
	static const char *const kept[] = {"REQUEST_METHOD=", "REQUEST_URI=", "SCRIPT_NAME=",
	    "SCRIPT_FILENAME=", "PATH_INFO=", "QUERY_STRING=", "CONTENT_TYPE=", "REMOTE_ADDR=",
	    "HTTPS=", "REDIRECT_HTTP_AUTHORIZATION="};

	if (strncmp(param, "HTTP_", 5) == 0)
		return strncmp(param, "HTTP_COOKIE=", 12) != 0;
	for (size_t i = 0; i < BH_LEN(kept); i++)
		if (strncmp(param, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}

static int
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

/* One level of directory, mode 0700, whose own name is as durable as what will stand in it. */
static int
make_dir(const char *parent, const char *path, struct bh_err *err)
{
	if (mkdir(path, 0700) == 0 ? sync_dir(parent) == 0 : errno == EEXIST)
		return 0;
	return bh_fail_errno(err, BH_STORAGE, "cannot make the directory %s", path);
}

int
raw_dir(const char *data_dir, char **path_r, struct bh_err *err)
{
	char *spool = bh_xasprintf("%s/spool", data_dir);
	char *path = bh_xasprintf("%s/raw", spool);
	struct stat st;

	*path_r = NULL;
	if (stat(path, &st) == 0 ||
	    (make_dir(data_dir, spool, err) == 0 && make_dir(spool, path, err) == 0)) {
		*path_r = path;
		path = NULL;
	}
	free(spool);
	free(path);
	return *path_r != NULL ? 0 : -1;
}

/* Names that can wait, counted; temporary ones begin with a dot. */
static bool
is_crowded(const char *dir)
{
	const struct dirent *entry;
	struct stat st;
	size_t n = 0;
	DIR *list;

	if (stat(dir, &st) < 0 || st.st_size < RAW_SMALL_DIR || (list = opendir(dir)) == NULL)
		return false;
	while (n < RAW_FILES_MAX && (entry = readdir(list)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(list);
	return n >= RAW_FILES_MAX;
}

/* Room for one more file, in number and in bytes. */
static int
check_room(const char *dir, struct bh_err *err)
{
	struct statvfs vfs;

	if (is_crowded(dir))
		return bh_fail(err, BH_STORAGE, "%d requests wait in %s already", RAW_FILES_MAX,
		    dir);
	if (statvfs(dir, &vfs) == 0 &&
	    (unsigned long long)vfs.f_bavail * vfs.f_frsize < RAW_FREE_MIN)
		return bh_fail(err, BH_STORAGE, "the disk is almost full");
	return 0;
}

static int
write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The file's bytes, synced; errno says why not. */
static int
fill(int fd, const struct bh_buf *head, const void *body, size_t body_len)
{
	if (write_all(fd, head->data, head->len) < 0 || write_all(fd, body, body_len) < 0)
		return -1;
	return fdatasync(fd);
}

static void
add_head(struct bh_buf *head, const char *const *params, size_t body_len, int64_t received_ms)
{
	struct bh_buf block = BH_BUF_INIT(RAW_PARAMS_MAX);

	for (size_t i = 0; params[i] != NULL; i++)
		if (raw_is_kept(params[i]))
			bh_buf_add(&block, params[i], strlen(params[i]) + 1);
	bh_buf_addf(head, "%s%lld %zu %zu\n", magic, (long long)received_ms, block.len, body_len);
	bh_buf_add(head, bh_buf_str(&block), block.len);
	head->full = head->full || block.full;
	bh_buf_release(&block);
}

static int
write_file(const char *dir, const struct bh_buf *head, const void *body, size_t body_len,
    int64_t received_ms, struct bh_err *err)
{
	unsigned char salt[8] = {0};
	char name[RAW_NAME_MAX];
	char *temporary, *final;
	int fd, rc = -1;

	if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
		return bh_fail_errno(err, BH_STORAGE, "no random bytes for a spool file's name");
	snprintf(name, sizeof(name), "%013lld-%02x%02x%02x%02x%02x%02x%02x%02x",
	    (long long)received_ms, salt[0], salt[1], salt[2], salt[3], salt[4], salt[5], salt[6],
	    salt[7]);
	temporary = bh_xasprintf("%s/.%s", dir, name);
	final = bh_xasprintf("%s/%s", dir, name);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fill(fd, head, body, body_len) < 0 || rename(temporary, final) < 0 ||
	    sync_dir(dir) < 0) {
		bh_fail_errno(err, BH_STORAGE, "cannot write the spool file %s", final);
		unlink(temporary);
	} else {
		rc = 0;
	}
	if (fd >= 0)
		close(fd);
	free(temporary);
	free(final);
	return rc;
}

int
raw_write(const char *data_dir, const char *const *params, const void *body, size_t body_len,
    int64_t received_ms, struct bh_err *err)
{
	struct bh_buf head = BH_BUF_INIT(RAW_PARAMS_MAX + 128);
	char *dir;
	int rc = -1;

	if (raw_dir(data_dir, &dir, err) < 0)
		return -1;
	add_head(&head, params, body_len, received_ms);
	if (check_room(dir, err) == 0 && bh_buf_check(&head, "the request's head", err) == 0)
		rc = write_file(dir, &head, body, body_len, received_ms, err);
	bh_buf_release(&head);
	free(dir);
	return rc;
}

/* Split the NUL-ended texts of the block; false when one is no "NAME=value". */
static bool
is_split(const char *block, size_t len, struct raw_request *raw)
{
	size_t n = 0;

	if (len != 0 && block[len - 1] != '\0')
		return false;
	for (size_t i = 0; i < len; i++)
		n += block[i] == '\0';
	raw->params = bh_xcalloc(n + 1, sizeof(*raw->params));
	n = 0;
	for (size_t i = 0; i < len; i += strlen(block + i) + 1) {
		if (strchr(block + i, '=') == NULL) {
			raw_release(raw);
			return false;
		}
		raw->params[n++] = block + i;
	}
	return true;
}

/* Decimal digits up to the character end, which is in the text; *at_r moves behind it. */
static bool
is_number(const char **at_r, char end, uint64_t most, uint64_t *value_r)
{
	const char *at = *at_r, *stop = strchr(at, end);

	if (stop == NULL || !bh_is_uint(at, (size_t)(stop - at), most, value_r))
		return false;
	*at_r = stop + 1;
	return true;
}

int
raw_parse(const char *content, size_t len, struct raw_request *raw, struct bh_err *err)
{
	const char *newline = memchr(content, '\n', len < 128 ? len : 128);
	const char *at = content + strlen(magic);
	uint64_t received, params_len, body_len;
	size_t head_len;

	memset(raw, 0, sizeof(*raw));
	if (newline == NULL || strncmp(content, magic, strlen(magic)) != 0)
		return bh_fail(err, BH_INVALID, "no raw spool file");
	head_len = (size_t)(newline - content) + 1;
	if (!is_number(&at, ' ', INT64_MAX, &received) ||
	    !is_number(&at, ' ', RAW_PARAMS_MAX, &params_len) ||
	    !is_number(&at, '\n', UINT32_MAX, &body_len))
		return bh_fail(err, BH_INVALID, "the first line is broken");
	if (len - head_len != params_len + body_len)
		return bh_fail(err, BH_INVALID, "the file has another length than it says");
	if (!is_split(content + head_len, params_len, raw))
		return bh_fail(err, BH_INVALID, "the parameters are broken");
	raw->received_ms = (int64_t)received;
	raw->body = content + head_len + params_len;
	raw->body_len = body_len;
	return 0;
}

void
raw_release(struct raw_request *raw)
{
	free(raw->params);
	memset(raw, 0, sizeof(*raw));
}
