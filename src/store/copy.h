/* Inside store/: directories of database files, for backup and restore. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "base/err.h"

/* Make dir, or check that it is empty.  -1 BH_INVALID or BH_STORAGE. */
int copy_prepare(const char *dir, struct bh_err *err);
/* Make the files in dir, and their names, durable. */
int copy_flush(const char *dir, struct bh_err *err);
/* Copy the plain files of one directory into another, durably. */
int copy_files(const char *from, const char *to, struct bh_err *err);

#endif
