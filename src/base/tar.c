/* See tar.h.  Format: IEEE Std 1003.1, pax, "ustar Interchange Format". */
#include "base/base.h"

#include "base/tar.h"

#include <sys/stat.h>

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/proc.h"

#define CHUNK 65536
#define OCTAL_MOST ((UINT64_C(1) << 33) - 1) /* what eleven octal digits hold */

/* Fields of a header that we fill; the others stay zero. */
enum {
	AT_NAME = 0,
	AT_MODE = 100,
	AT_UID = 108,
	AT_GID = 116,
	AT_SIZE = 124,
	AT_TIME = 136,
	AT_SUM = 148,
	AT_TYPE = 156,
	AT_MAGIC = 257
};

static void
put_octal(char *field, int digits, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*llo", digits, (unsigned long long)number);
	memcpy(field, text, (size_t)digits + 1);
}

/* Beyond 8 GiB ustar has no number; GNU tar, bsdtar and busybox read these 11 bytes behind 0x80. */
static void
put_size(char *field, uint64_t size)
{
	if (size <= OCTAL_MOST) {
		put_octal(field, 11, size);
		return;
	}
	memset(field, 0, 12);
	field[0] = (char)0x80;
	for (int i = 11; size != 0; i--, size >>= 8)
		field[i] = (char)(size & 0xff);
}

static int
put_head(int to, const char *name, uint64_t size, int64_t at_s, struct bh_err *err)
{
	char head[BH_TAR_BLOCK] = {0};
	uint64_t sum = 0;

	assert(strlen(name) <= BH_TAR_NAME);
	memcpy(head + AT_NAME, name, strlen(name));
	put_octal(head + AT_MODE, 7, 0600);
	put_octal(head + AT_UID, 7, 0);
	put_octal(head + AT_GID, 7, 0);
	put_size(head + AT_SIZE, size);
	put_octal(head + AT_TIME, 11, at_s > 0 ? (uint64_t)at_s : 0);
	head[AT_TYPE] = '0';
	memcpy(head + AT_MAGIC, "ustar\00000", 8);
	/* The sum is of the header with blanks in its place. */
	memset(head + AT_SUM, ' ', 8);
	for (size_t i = 0; i < sizeof(head); i++)
		sum += (unsigned char)head[i];
	put_octal(head + AT_SUM, 6, sum);
	return bh_write_full(to, head, sizeof(head), NULL) == 0
		   ? 0
		   : bh_fail_errno(err, BH_STORAGE, "cannot write the archive");
}

/* Zeros up to the next whole block. */
static int
put_rest(int to, uint64_t size, struct bh_err *err)
{
	static const char zeros[BH_TAR_BLOCK];
	size_t over = (size_t)(size % BH_TAR_BLOCK);

	if (over == 0 || bh_write_full(to, zeros, BH_TAR_BLOCK - over, NULL) == 0)
		return 0;
	return bh_fail_errno(err, BH_STORAGE, "cannot write the archive");
}

/* One piece of a file: how much of it is left, or -1. */
static int64_t
copy_piece(int to, const char *name, int from, char *chunk, int64_t left, struct bh_err *err)
{
	ssize_t n;

	do
		n = read(from, chunk, left < CHUNK ? (size_t)left : CHUNK);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot read %s", name);
	if (n == 0)
		return bh_fail(err, BH_STORAGE, "%s has become shorter", name);
	if (bh_write_full(to, chunk, (size_t)n, NULL) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot write the archive");
	return left - n;
}

int
bh_tar_file(int to, const char *name, int from, bool (*may_go_on)(void *arg), void *arg,
    struct bh_err *err)
{
	char *chunk = bh_xmalloc(CHUNK);
	struct stat is;
	int64_t left = -1;

	if (fstat(from, &is) < 0)
		bh_fail_errno(err, BH_STORAGE, "cannot read %s", name);
	else if (put_head(to, name, (uint64_t)is.st_size, is.st_mtime, err) == 0)
		left = is.st_size;
	while (left > 0) {
		left = copy_piece(to, name, from, chunk, left, err);
		if (left > 0 && may_go_on != NULL && !may_go_on(arg))
			left = bh_fail(err, BH_UNAVAILABLE, "told to stop");
	}
	/* It may have been the key. */
	bh_wipe(chunk, CHUNK);
	free(chunk);
	return left < 0 ? -1 : put_rest(to, (uint64_t)is.st_size, err);
}

int
bh_tar_text(int to, const char *name, const char *text, int64_t at_ms, struct bh_err *err)
{
	size_t len = strlen(text);

	if (put_head(to, name, len, at_ms / 1000, err) < 0)
		return -1;
	if (bh_write_full(to, text, len, NULL) < 0)
		return bh_fail_errno(err, BH_STORAGE, "cannot write the archive");
	return put_rest(to, len, err);
}

int
bh_tar_end(int to, struct bh_err *err)
{
	static const char zeros[2 * BH_TAR_BLOCK];

	return bh_write_full(to, zeros, sizeof(zeros), NULL) == 0
		   ? 0
		   : bh_fail_errno(err, BH_STORAGE, "cannot write the archive");
}
