/* What ties the records of an audit to their parents: lookups, associations. */
#ifndef SYNC_AUDIT_TIES_H
#define SYNC_AUDIT_TIES_H

#include "sync/render.h"

struct audit_tie {
	size_t item;
	struct dest_tie tie; /* borrows from the item and from parent */
	char parent[64];     /* the CRM's id of the parent */
};
struct audit_ties {
	struct audit_tie *items; /* in the order of the items that they are of */
	size_t n;
};

/*
 * Those of the items that are to be compared (RENDER_SEND), to parents that are in the CRM, each
 * once.  -1: the store failed.
 */
int audit_ties_find(const struct lane *lane, const struct render_item *items, size_t n,
    struct audit_ties *ties, struct bh_err *err);
void audit_ties_release(struct audit_ties *ties);

/* What names a tie in what is told: the lookup field, else the parent's object. */
const char *audit_tie_name(const struct audit_tie *tie);

/*
 * Do they hold?  Where lookups are fields, values of their record are looked at by
 * audit_tie_judge(); else the CRM is asked for all of them, in the largest calls.
 */
bool is_audit_tie_field(const struct lane *lane);
int audit_ties_read(struct lane *lane, struct audit_ties *ties, struct bh_err *err);
void audit_tie_judge(struct audit_tie *tie, const json_t *values);
/* Those that do not hold because the parent is gone are nobody's difference: they become DEST_TIE_UNKNOWN. */
int audit_ties_excuse(struct lane *lane, struct audit_ties *ties, struct bh_err *err);

#endif
