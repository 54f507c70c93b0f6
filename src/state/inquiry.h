/*
 * What an administrator asks about one person in the browser: what is kept, handed out as a
 * file or erased; how far it is (the job that does it: sync/inquiry.h).
 *
 *   state   | meaning                                     | moves to
 *   none    | nothing asked for, or it is over            | asked
 *   asked   | the job has not begun                       | looking
 *   looking | all is read, the document is written        | looked, failed
 *   looked  | it can be fetched, or the person be erased  | told; asked; none, when it is old
 *   told    | erasing was asked for, and has not begun    | erasing
 *   erasing | page after page is erased                   | erased, failed
 *   erased  | what went, and what is out of reach         | asked; none, when it is old
 *   failed  | it did not end                              | asked; none, when it is old
 *
 * Whom it was about is forgotten when they are erased; ids of records in CRMs stay until it is old.
 */
#ifndef STATE_INQUIRY_H
#define STATE_INQUIRY_H

#include "base/json.h"
#include "store/store.h"

#define INQUIRY_JOB "inquiry" /* its arg is "" */
#define INQUIRY_DIR "person"  /* below the data directory */
#define INQUIRY_KEPT_MS (24 * 3600 * INT64_C(1000))
#define INQUIRY_FETCHED_MS (3600 * INT64_C(1000)) /* is kept on after it was fetched */
#define INQUIRY_WHO_MAX 256
#define INQUIRY_RECORDS_MAX 2000

enum inquiry_state {
	INQUIRY_NONE = 0,
	INQUIRY_ASKED,
	INQUIRY_LOOKING,
	INQUIRY_LOOKED,
	INQUIRY_TOLD,
	INQUIRY_ERASING,
	INQUIRY_ERASED,
	INQUIRY_FAILED,
	INQUIRY__MAX
};

struct inquiry {
	enum inquiry_state state;
	int64_t asked_ms; /* tells one from the next */
	char who[INQUIRY_WHO_MAX * 4 + 1];
	char connection[72]; /* only there; "" everywhere */
	char by[72];         /* who asked for it, or for the erasure */
	int64_t until_ms;    /* then it is forgotten, with the file */
	int64_t read;        /* entries of the store that were looked at */
	int64_t bytes;       /* of the file */
	char name[64];       /* of the file, in INQUIRY_DIR; "" there is none */
	char note[240];      /* why it failed; "" */
	/*
	 * {"found": {part: count}, "erased": {part: count}, "customers": [{"connection", "account", "id"}],
	 *  "records": [{"destination", "object", "id", "record"}], "more": records that are not listed,
	 *  "rest": [{"path", "what"}]}: parts as person_part_name(); rest: as person_rest() told.
	 */
	json_t *facts; /* owned */
};
#define INQUIRY_INIT                                                                               \
	{                                                                                          \
		.state = INQUIRY_NONE                                                              \
	}

void inquiry_release(struct inquiry *inquiry);
/* The job has something to do. */
bool is_inquiry_busy(const struct inquiry *inquiry);
/* 0 and what is stored (INQUIRY_NONE: nothing), to be released; or -1.  Checked at commit. */
int inquiry_get(struct store_txn *txn, struct inquiry *inquiry, struct bh_err *err);
void inquiry_put(struct store_txn *txn, const struct inquiry *inquiry);
/* Look for who, in place of what is there, and wake the job: 0; 1 one is under way already; -1. */
int inquiry_ask(struct store_txn *txn, const char *who, const char *connection, const char *by,
    int64_t now_ms, struct bh_err *err);
/* Erase whom the look of asked_ms found, and wake the job: 0; 1 that look is there no more; -1. */
int inquiry_tell(struct store_txn *txn, int64_t asked_ms, const char *by, int64_t now_ms,
    struct bh_err *err);
/* It goes at until_ms, if it would stay longer, and the job is woken for that: 0; 1 there is none; -1. */
int inquiry_end(struct store_txn *txn, int64_t until_ms, struct bh_err *err);
/* The path of the file.  Owned by the caller. */
char *inquiry_path(const char *data_dir, const struct inquiry *inquiry);

#endif
