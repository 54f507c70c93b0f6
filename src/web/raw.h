/*
 * Raw spool files: a webhook as it came, not yet verified, kept durably
 * because nobody who could verify it was to be reached.  Written by the relay
 * (which has no secrets and no OpenSSL) and by a front that never saw the
 * connection; read by the fronts (web/import.c), who verify, journal and
 * delete.  Needs nothing but libc, since the relay is linked statically.
 *
 * A file is data_dir/spool/raw/<milliseconds>-<random hex>, version 1:
 *
 *   billhook-raw 1 <received_ms> <bytes of parameters> <bytes of body>\n
 *   NAME=value\0 NAME=value\0 ...   the meta-variables that a hook may need
 *   body
 *
 * and nothing else: a file of another length is broken.  Cookies are left out.
 */
#ifndef WEB_RAW_H
#define WEB_RAW_H

#include "base/err.h"

#define RAW_NAME_MAX 64
#define RAW_FILES_MAX 20000 /* more waiting than this is answered 503 */

/* data_dir/spool/raw; made (with its parents below data_dir) when absent.  Owned by the caller. */
int raw_dir(const char *data_dir, char **path_r, struct bh_err *err);

/*
 * Keep a request: temporary file, fdatasync, rename, fsync of the directory.
 * 0 durable; -1 BH_STORAGE (also: RAW_FILES_MAX wait already).
 */
int raw_write(const char *data_dir, const char *const *params, const void *body, size_t body_len,
    int64_t received_ms, struct bh_err *err);

/* A file's contents taken apart; all of it points into content, which is borrowed. */
struct raw_request {
	int64_t received_ms;
	const char **params; /* NULL-terminated; the array is owned: raw_release() */
	const char *body;
	size_t body_len;
};
/* content holds len bytes and a NUL behind them.  -1 BH_INVALID. */
int raw_parse(const char *content, size_t len, struct raw_request *raw, struct bh_err *err);
void raw_release(struct raw_request *raw);

/* Should this meta-variable ("NAME=value") go into a file? */
bool raw_is_kept(const char *param);

#endif
