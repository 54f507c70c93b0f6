/* The errand "disconnect": give everything back, forget everything. */
#ifndef SYNC_CRM_LEAVE_H
#define SYNC_CRM_LEAVE_H

#include "sync/crm_work.h"

/*
 * ask {"remove": bool}: take the schema away, or leave it and the records as they are;
 * then the tokens are given back, and the connection, its syncs and all links are forgotten.
 * Where not all could be taken away the connection stays, and the report says what and why.
 */
int crm_leave(struct crm_work *work, json_t **answer_r, struct bh_err *err);

/* Forget all links and descriptions of a lane whose connection is gone, or goes. */
int crm_forget_lane(struct store *store, const char *code, struct bh_err *err);

#endif
