/* Disks: see disk.h. */
#include "base/base.h"

#include "base/disk.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include <dirent.h>
#include <fcntl.h>

#include "base/proc.h"

/* statfs(2); the upper half of a long may be filled with the sign */
static const struct {
	unsigned long type;
	const char *name;
} network[] = {{0x6969, "NFS"}, {0x517b, "SMB"}, {0xff534d42, "SMB"}, {0xfe534d42, "SMB"},
    {0x5346414f, "AFS"}, {0x73757245, "Coda"}, {0x00c36400, "Ceph"}, {0x01021997, "9P"}};

const char *
bh_network_disk(unsigned long type)
{
	for (size_t i = 0; i < BH_LEN(network); i++)
		if ((type & 0xffffffff) == network[i].type)
			return network[i].name;
	return NULL;
}

const char *
bh_network_disk_of(const char *dir)
{
	struct statfs is;

	if (bh_fault("disk-network"))
		return network[0].name;
	return statfs(dir, &is) == 0 ? bh_network_disk((unsigned long)is.f_type) : NULL;
}

int
bh_fail_network_disk(struct bh_err *err, const char *dir, const char *kind)
{
	return bh_fail(err, BH_STORAGE,
	    "%.80s is on a network file system (%s), where the database may be lost. Move the data "
	    "directory to a local disk, or set network_disk = 1",
	    dir, kind);
}

int64_t
bh_disk_bytes(const char *dir)
{
	const struct dirent *entry;
	DIR *handle = opendir(dir);
	int64_t bytes = 0;
	struct stat is;

	while (handle != NULL && (entry = readdir(handle)) != NULL)
		if (fstatat(dirfd(handle), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(is.st_mode))
			bytes += is.st_size;
	if (handle != NULL)
		closedir(handle);
	return bytes;
}
