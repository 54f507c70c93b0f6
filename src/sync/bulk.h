/*
 * Very many changed records of one object go as a job of the CRM's bulk API:
 * rows are gathered and remembered (state/bulk.h), uploaded, and their results come back to
 * their links when the CRM is done, whatever was restarted meanwhile.
 *
 * While a job runs its lane sends nothing else: the CRM would lock one against the other.
 */
#ifndef SYNC_BULK_H
#define SYNC_BULK_H

#include "sync/settle.h"

/* Where in the order of marks the first object begins that is to go in bulk. */
struct bulk_group {
	bool is_there;
	int rank;
	char sync[72], object[72];
};

/*
 * Look for one: as many marks of one object as the setting bulk_from says.
 * Keys only; not asked while bulk jobs are off after a failure.
 */
int bulk_find(const struct lane *lane, struct bulk_group *group, struct bh_err *err);
/* Does an entry stand before the group in the order of marks? */
bool is_bulk_before(const struct bulk_group *group, const struct link_id *id);

/* Begin a job with the group's entries, as many as it takes.  run->again_ms tells when to look. */
int bulk_begin(struct push_run *run, const struct bulk_group *group, struct bh_err *err);

/*
 * Go on with the lane's job: 1 there is one, run->again_ms says when to look again; 0 there is
 * none (any more); -1.
 */
int bulk_go_on(struct push_run *run, struct bh_err *err);

#endif
