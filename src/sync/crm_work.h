/* An errand at a CRM while it runs: shared by the files that do them. */
#ifndef SYNC_CRM_WORK_H
#define SYNC_CRM_WORK_H

#include "state/walk.h"
#include "sync/lane.h"

struct crm_work {
	const struct sync_context *context;
	const struct setup *setup;
	const struct setup_connection *connection;
	const char *name;
	const json_t *ask;
	struct errand *errand;
	struct lane lane; /* once it is open */
	bool is_open;
	bool is_stopped; /* the worker is to end: the errand goes on another time */
	bool is_left;    /* the connection is gone */
};

/* Open the lane, with a token; bare: without asking for one.  -1 as lane_open(). */
int crm_work_open(struct crm_work *work, struct bh_err *err);
int crm_work_open_bare(struct crm_work *work, struct bh_err *err);
void crm_work_close(struct crm_work *work);

/* Store how far it is; false when the worker is to end.  For dest.h's say. */
bool crm_work_say(void *work, const json_t *progress);

/* One call of the driver, with schema; again after a fresh token where the old one was dead. */
typedef int crm_call(struct crm_work *work, const json_t *schema, json_t **answer_r,
    struct bh_err *err);
int crm_work_call(struct crm_work *work, crm_call *call, const json_t *schema, json_t **answer_r,
    struct bh_err *err);
crm_call crm_plan, crm_install, crm_count, crm_uninstall;

#endif
