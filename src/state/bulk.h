/*
 * A bulk job of a lane on its way: which rows it holds, so that its results
 * find their links again after whatever happened in between.
 *
 *   phase      | meaning                                     | moves to
 *   (none)     | no job                                      | collecting
 *   collecting | rows are gathered; nothing is at the CRM    | sent; none, when it is begun anew
 *   sent       | the CRM has them all                        | settling
 *   settling   | the CRM is done, results are being stored   | over
 *   over       | nothing is waited for; it is taken away     | none
 */
#ifndef STATE_BULK_H
#define STATE_BULK_H

#include "base/json.h"
#include "state/link.h"

enum bulk_phase {
	BULK_NONE = 0,
	BULK_COLLECTING,
	BULK_SENT,
	BULK_SETTLING,
	BULK_OVER,
	BULK__MAX
};

struct bulk_job {
	enum bulk_phase phase;
	char sync[72], object[72]; /* whose links they are */
	int rank;
	char crm_object[128], key_field[128];
	bool by_id;
	char id[64]; /* the CRM's; "" not known yet */
	int64_t rows, processed, failed;
	int64_t started_ms, polls;
	int64_t drops;   /* times that the CRM could not be told to forget it */
	int64_t look_ms; /* not before: no call until then, whoever wakes the lane */
	int64_t
	    off_until_ms; /* phase none: bulk jobs failed, records go one call by another until then */
	char note[240]; /* why the last one failed; "" */
};
/* 1, 0 none was ever (job zeroed), -1. */
int bulk_load(struct store_txn *txn, const char *dest, struct bulk_job *job, struct bh_err *err);
void bulk_save(struct store_txn *txn, const char *dest, const struct bulk_job *job);

/* A row of the job, by the key that the CRM tells with its result. */
struct bulk_row {
	char account[128];
	char id[256];
	uint64_t mark;    /* as link_dirty() gave it */
	uint64_t version; /* of the link when the row was made */
	char hash[65], parents[65];
	char kept[LINK_KEPT_MAX * 16 + 1];
	char how[160];   /* why it is this CRM record, as the link will say */
	char unseen[80]; /* a field that was left out because it cannot be read; "" */
	int64_t undo_ms; /* what it writes over is kept under this time (state/undo.h); 0 it is not */
};
void bulk_row_put(struct store_txn *txn, const char *dest, const char *key,
    const struct bulk_row *row);
/* n rows at once; found[i] tells which there are. */
int bulk_row_get_many(struct store_txn *txn, const char *dest, const char *const *keys, size_t n,
    struct bulk_row *rows, bool *found, struct bh_err *err);
void bulk_row_drop(struct store_txn *txn, const char *dest, const char *key);
/* Forget a page of rows (arg: the destination's code): 0 something went, 1 nothing, -1. */
int bulk_rows_drop_page(struct store_txn *txn, void *dest, struct bh_err *err);

#endif
