/*
 * The copy of everything that a person asked for in the browser: how far it is (the job that
 * makes it: sync/backup.h).
 *
 *   state   | meaning                                | moves to
 *   none    | nothing asked for, or it is removed    | asked
 *   asked   | the job has not begun                  | copying
 *   copying | the job copies, or died while it did   | ready, failed
 *   ready   | the file waits in the data directory   | none, when it is old; asked
 *   failed  | it could not be made                   | asked
 */
#ifndef STATE_BACKUP_H
#define STATE_BACKUP_H

#include "store/store.h"

#define BACKUP_JOB "backup" /* its arg is "" */
#define BACKUP_DIR "backup" /* below the data directory */
#define BACKUP_COPY "copy"  /* below that, while the job runs: the store as the keeper copies it */
#define BACKUP_KEPT_MS (24 * 3600 * INT64_C(1000))
#define BACKUP_FETCHED_MS (3600 * INT64_C(1000)) /* is kept on after it was fetched */

enum backup_state {
	BACKUP_NONE = 0,
	BACKUP_ASKED,
	BACKUP_COPYING,
	BACKUP_READY,
	BACKUP_FAILED,
	BACKUP__MAX
};

struct backup {
	enum backup_state state;
	int64_t asked_ms; /* tells one copy from the next */
	bool has_key;     /* the key that opens the stored secrets is in it */
	int64_t made_ms;
	int64_t until_ms; /* then it is removed */
	int64_t bytes;    /* of the file; while it is copied: what is written altogether, about */
	char name[64];    /* of the file, in BACKUP_DIR; "" before it is ready */
	char note[240];   /* why it failed; "" */
};

/* 0 and what is stored (BACKUP_NONE: nothing), or -1.  Checked at commit. */
int backup_get(struct store_txn *txn, struct backup *backup, struct bh_err *err);
void backup_put(struct store_txn *txn, const struct backup *backup);
/*
 * Have one made, in place of the one that is there, and wake the job: 0; 1 one is
 * under way already; -1.
 */
int backup_ask(struct store_txn *txn, bool has_key, int64_t now_ms, struct bh_err *err);
/* It goes at until_ms, if it would stay longer, and the job is woken for that: 0; 1 there is none; -1. */
int backup_end(struct store_txn *txn, int64_t until_ms, struct bh_err *err);
/* The path of a ready one's file.  Owned by the caller. */
char *backup_path(const char *data_dir, const struct backup *backup);

/* Bytes that stand on the disk of what is being copied. */
int64_t backup_written(const char *data_dir);

#endif
