/* Disks: see disk.h. */
#include "base/base.h"

#include "base/disk.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <dirent.h>
#include <fcntl.h>

#include "base/proc.h"

/* statfs(2); the upper half of a long may be filled with the sign */
static const struct {
	unsigned long type;
	const char *name;
} network[] = {{0x6969, "NFS"}, {0x517b, "SMB"}, {0xff534d42, "SMB"}, {0xfe534d42, "SMB"},
    {0x5346414f, "AFS"}, {0x73757245, "Coda"}, {0x00c36400, "Ceph"}, {0x01021997, "9P"},
    {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"}, {0x19830326, "BeeGFS"}};

/* Of FUSE statfs tells no more; these are behind "fuse." in the table of mounts.  Others may be local. */
#define FUSE 0x65735546
static const char *const network_fuse[] = {"sshfs", "glusterfs", "ceph", "ceph-fuse", "s3fs",
    "rclone", "gcsfuse", "goofys", "juicefs", "mfs", "moosefs", "curlftpfs", "davfs"};

const char *
bh_network_disk(unsigned long type)
{
	for (size_t i = 0; i < BH_LEN(network); i++)
		if ((type & 0xffffffff) == network[i].type)
			return network[i].name;
	return NULL;
}

const char *
bh_network_mount(FILE *mounts, unsigned int major, unsigned int minor)
{
	char line[4096], type[64], *behind;
	unsigned int its_major, its_minor;
	const char *found = NULL;

	while (found == NULL && fgets(line, sizeof(line), mounts) != NULL) {
		behind = strstr(line, " - fuse.");
		if (behind == NULL || sscanf(line, "%*d %*d %u:%u", &its_major, &its_minor) != 2 ||
		    its_major != major || its_minor != minor ||
		    sscanf(behind, " - fuse.%63s", type) != 1)
			continue;
		for (size_t i = 0; i < BH_LEN(network_fuse); i++)
			if (strcmp(type, network_fuse[i]) == 0)
				found = network_fuse[i];
	}
	return found;
}

static const char *
network_fuse_of(const char *dir)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	const char *found = NULL;
	struct stat is;

	if (mounts != NULL && stat(dir, &is) == 0)
		found = bh_network_mount(mounts, major(is.st_dev), minor(is.st_dev));
	if (mounts != NULL)
		fclose(mounts);
	return found;
}

const char *
bh_network_disk_of(const char *dir)
{
	struct statfs is;

	if (bh_fault("disk-network"))
		return network[0].name;
	if (statfs(dir, &is) < 0)
		return NULL;
	return ((unsigned long)is.f_type & 0xffffffff) == FUSE
		   ? network_fuse_of(dir)
		   : bh_network_disk((unsigned long)is.f_type);
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
