/* The two ends of a bulk job: gathering its rows, settling their results.  For bulk.c. */
#ifndef SYNC_BULK_PARTS_H
#define SYNC_BULK_PARTS_H

#include "state/bulk.h"
#include "sync/settle.h"

/* Store the job as it is. */
int bulk_keep(const struct push_run *run, const struct bulk_job *job, struct bh_err *err);

/*
 * Render the group's marked entries into rows and remember each; what is not to be
 * sent is settled at once.  Fills job's CRM object, key, by_id and count.  All rows of a job
 * are of one way (by key or by id): the others keep their marks for another one.
 */
int bulk_collect(struct push_run *run, struct bulk_job *job, struct bh_buf *rows,
    struct bh_err *err);

/* Fetch the results and settle their links; rows that are settled are forgotten. */
int bulk_settle(struct push_run *run, struct bulk_job *job, const struct dest_bulk *bulk,
    struct bh_err *err);

#endif
