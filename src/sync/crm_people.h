/* Accounts of a CRM that billing does not know: list them, make a customer for one. */
#ifndef SYNC_CRM_PEOPLE_H
#define SYNC_CRM_PEOPLE_H

#include "sync/crm_work.h"

/*
 * ask {"sync", "after"} (both may be absent: the first sync, from the start).  Answer
 * {"sync", "object", "source", "rows": as unlinked() of dest.h, "after", "more", "can_create"}.
 */
int crm_people_list(struct crm_work *work, json_t **answer_r, struct bh_err *err);

/*
 * ask {"sync", "remote_id", "name", "email"}: make the customer at the sync's source, and link
 * both.  Answer {"id"}.  Asked twice it makes one.
 */
int crm_people_create(struct crm_work *work, json_t **answer_r, struct bh_err *err);

#endif
