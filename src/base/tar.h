/*
 * A tar archive (POSIX ustar), written piece by piece: what any host can
 * unpack.  Only plain files, mode 0600, whose names are ours.
 */
#ifndef BASE_TAR_H
#define BASE_TAR_H

#include "base/err.h"

#define BH_TAR_BLOCK 512
#define BH_TAR_NAME 99 /* bytes in a name, with its directories */

/*
 * Append the file that is open as from, as large as it is now.  may_go_on (may be NULL) is
 * asked after each piece.  -1 BH_STORAGE: the one file cannot be read or has become
 * shorter, the other cannot be written; BH_UNAVAILABLE: may_go_on said no.
 */
int bh_tar_file(int to, const char *name, int from, bool (*may_go_on)(void *arg), void *arg,
    struct bh_err *err);
/* Append a text as a file of that time.  -1 BH_STORAGE. */
int bh_tar_text(int to, const char *name, const char *text, int64_t at_ms, struct bh_err *err);
/* What stands behind the last file.  -1 BH_STORAGE. */
int bh_tar_end(int to, struct bh_err *err);

#endif
