/* Inside store/: what writer and reader of the spool agree on. */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include "base/base.h"

#define SPOOL_DIR "spool"
#define SPOOL_BAD "bad" /* below SPOOL_DIR: files that could not be imported */
#define SPOOL_ID_MAX 128
#define SPOOL_FILE_MAX (24u << 20) /* bytes in a file */

bool is_spool_id(const char *id);

#endif
