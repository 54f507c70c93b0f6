/*
 * See tally.h.  The file: FORM, then one number of 8 bytes for each slot, in
 * this machine's order.  Its space is taken when it is made: a write into a
 * mapped hole of a full disk would end the process.
 */
#include "base/base.h"

#include "state/tally.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"

#define FORM 0x62680001u /* another one for another enum tally_slot */
#define FILE_LEN ((TALLY__MAX + 1) * sizeof(uint64_t))

const int64_t tally_bounds_us[TALLY_BUCKETS] = {1000, 2500, 5000, 10000, 25000, 50000, 100000,
    250000, 500000, 1000000, 2500000, 5000000};

static void *mapped;            /* NULL: nothing is counted */
static _Atomic uint64_t *slots; /* the same; slots[0] is FORM */

static int
open_file(const char *data_dir, int flags)
{
	char *path = bh_xasprintf("%s/run/tally", data_dir);
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);

	free(path);
	return fd;
}

static bool
is_ours(int fd)
{
	uint64_t version;
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size == FILE_LEN &&
	       pread(fd, &version, sizeof(version), 0) == (ssize_t)sizeof(version) &&
	       version == FORM;
}

/* Empty counters, all of whose bytes are written; who makes them at the same time writes the same. */
static bool
is_made(int fd)
{
	uint64_t empty[TALLY__MAX + 1] = {FORM};

	return ftruncate(fd, FILE_LEN) == 0 &&
	       pwrite(fd, empty, sizeof(empty), 0) == (ssize_t)sizeof(empty);
}

void
tally_open(const char *data_dir)
{
	int fd = open_file(data_dir, O_RDWR | O_CREAT);
	void *map = MAP_FAILED;

	tally_close();
	if (fd < 0)
		return;
	if (is_ours(fd) || is_made(fd))
		map = mmap(NULL, FILE_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		slots = mapped = map;
	close(fd);
}

void
tally_close(void)
{
	if (mapped != NULL)
		munmap(mapped, FILE_LEN);
	slots = mapped = NULL;
}

void
tally_add(enum tally_slot slot, uint64_t n)
{
	if (slots != NULL)
		atomic_fetch_add_explicit(&slots[slot + 1], n, memory_order_relaxed);
}

void
tally_ack(int64_t took_us)
{
	int bucket = 0;

	while (bucket < TALLY_BUCKETS && took_us > tally_bounds_us[bucket])
		bucket++;
	tally_add((enum tally_slot)(TALLY_ACK + bucket), 1);
	tally_add(TALLY_ACK_US, took_us > 0 ? (uint64_t)took_us : 0);
}

void
tally_read(const char *data_dir, uint64_t counters[TALLY__MAX])
{
	int fd = open_file(data_dir, O_RDONLY);
	ssize_t len = TALLY__MAX * (ssize_t)sizeof(uint64_t);

	if (fd < 0 || !is_ours(fd) || pread(fd, counters, (size_t)len, sizeof(uint64_t)) != len)
		memset(counters, 0, (size_t)len);
	if (fd >= 0)
		close(fd);
}
