/* What kind of disk a directory lies on, and what its files take. */
#ifndef BASE_DISK_H
#define BASE_DISK_H

#include <stdio.h>

#include "base/err.h"

/*
 * Name of the network file system of that number (f_type of statfs), NULL when it is
 * none that we know.  Their locks and flushes are not what a database needs.
 */
const char *bh_network_disk(unsigned long type);

/* The same of FUSE, by the text of /proc/self/mountinfo (proc_pid_mountinfo(5)), for a device. */
const char *bh_network_mount(FILE *mounts, unsigned int major, unsigned int minor);

/* The same for a directory; NULL also when it cannot be looked at. */
const char *bh_network_disk_of(const char *dir);

/* BH_STORAGE: the database is not kept in dir, on that kind of disk, and what to do.  Always -1. */
int bh_fail_network_disk(struct bh_err *err, const char *dir, const char *kind);

/* Of the plain files in dir, without those of folders below it; 0 also when it cannot be read. */
int64_t bh_disk_bytes(const char *dir);

#endif
