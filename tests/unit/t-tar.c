/* base/tar.c: what is written is what tar unpacks (the flow of backups asks the real one). */
#include "base/base.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/tar.h"
#include "unit.h"

static int
open_temp(char path[32])
{
	snprintf(path, 32, "/tmp/t-tar.XXXXXX");
	return mkstemp(path);
}

static char *
read_back(int fd, size_t *len_r)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = bh_xcalloc((size_t)len + 1, 1);

	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	*len_r = (size_t)len;
	return text;
}

/* The sum as a reader works it out, and as it stands in the header. */
static void
assert_sum(const char *head)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < BH_TAR_BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)head[i];
	assert_int_equal(strtoul(head + 148, NULL, 8), sum);
}

static void
test_text(void **state BH_UNUSED)
{
	char path[32], *archive;
	int fd = open_temp(path);
	size_t len;

	assert_int_equal(bh_tar_text(fd, "top/RESTORE", "read me\n", 1700000000000, NULL), 0);
	assert_int_equal(bh_tar_text(fd, "top/empty", "", 0, NULL), 0);
	assert_int_equal(bh_tar_end(fd, NULL), 0);
	archive = read_back(fd, &len);
	assert_int_equal(len, 5 * BH_TAR_BLOCK);
	assert_string_equal(archive, "top/RESTORE");
	assert_string_equal(archive + 100, "0000600");
	assert_string_equal(archive + 124, "00000000010");
	assert_string_equal(archive + 136, "14524770400");
	assert_memory_equal(archive + 156, "0", 2);
	assert_memory_equal(archive + 257, "ustar\00000", 8);
	assert_sum(archive);
	assert_string_equal(archive + BH_TAR_BLOCK, "read me\n");
	assert_string_equal(archive + 2 * BH_TAR_BLOCK, "top/empty");
	assert_sum(archive + 2 * BH_TAR_BLOCK);
	free(archive);
	close(fd);
	unlink(path);
}

static bool
is_refused(void *arg)
{
	++*(int *)arg;
	return false;
}

static void
test_file(void **state BH_UNUSED)
{
	char path[32], from_path[32], *archive;
	char *body = bh_xcalloc(150001, 1);
	int fd = open_temp(path), from = open_temp(from_path), asked = 0;
	size_t len;

	memset(body, 'x', 150000);
	assert_int_equal(write(from, body, 150000), 150000);
	lseek(from, 0, SEEK_SET);
	assert_int_equal(bh_tar_file(fd, "top/db/billhook", from, NULL, NULL, NULL), 0);
	archive = read_back(fd, &len);
	assert_int_equal(len, BH_TAR_BLOCK + (150000 + 511) / 512 * 512);
	assert_memory_equal(archive + BH_TAR_BLOCK, body, 150001);
	assert_int_equal(strtoul(archive + 124, NULL, 8), 150000);
	free(archive);
	/* Told to stop after a piece. */
	lseek(from, 0, SEEK_SET);
	assert_int_equal(bh_tar_file(fd, "top/x", from, is_refused, &asked, NULL), -1);
	assert_int_equal(asked, 1);
	free(body);
	close(from);
	close(fd);
	unlink(path);
	unlink(from_path);
}

static void
test_failures(void **state BH_UNUSED)
{
	char path[32];
	int fd = open_temp(path), full = open("/dev/full", O_WRONLY), closed = open_temp(path);
	struct bh_err err = BH_ERR_INIT;

	close(closed);
	assert_int_equal(bh_tar_text(full, "a", "b", 0, &err), -1);
	assert_int_equal(err.code, BH_STORAGE);
	assert_int_equal(bh_tar_end(full, &err), -1);
	assert_int_equal(bh_tar_file(fd, "a", closed, NULL, NULL, &err), -1);
	assert_int_equal(err.code, BH_STORAGE);
	close(full);
	close(fd);
}

/* A number that has no eleven octal digits: GNU's way.  The file is sparse; only its head is read. */
static void
test_huge(void **state BH_UNUSED)
{
	static const unsigned char size[12] = {0x80, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1};
	char path[32], from_path[32], head[BH_TAR_BLOCK];
	int fd = open_temp(path), from = open_temp(from_path), asked = 0;

	assert_int_equal(ftruncate(from, (off_t)3 * (1LL << 32) + 1), 0);
	assert_int_equal(bh_tar_file(fd, "huge", from, is_refused, &asked, NULL), -1);
	assert_int_equal(asked, 1);
	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	assert_memory_equal(head + 124, size, 12);
	assert_sum(head);
	close(from);
	close(fd);
	unlink(path);
	unlink(from_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_failures),
	    cmocka_unit_test(test_huge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
