/*
 * What is known of the audit of a sync, for its page: how far it is, totals by
 * mapped object and field, and a page of the differences.  All of it was found by a worker.
 */
#ifndef WEB_SYNC_AUDIT_FACTS_H
#define WEB_SYNC_AUDIT_FACTS_H

#include "sync/audit.h"
#include "web/sync_facts.h"

struct sync_audit_facts {
	const struct sync_facts *sync;
	struct audit audit;
	json_t *model; /* borrowed from the caller */
	json_t *live;  /* texts for the script; borrowed */
};

/* Read what is stored and put how far it is into model and live.  To be released, also after -1. */
int sync_audit_facts_get(struct sync_audit_facts *facts, const struct sync_facts *sync,
    json_t *model, json_t *live, struct bh_err *err);
void sync_audit_facts_release(struct sync_audit_facts *facts);

void sync_audit_facts_totals(struct sync_audit_facts *facts);
/* The differences from the number on that the query names ("from"). */
int sync_audit_facts_rows(struct sync_audit_facts *facts, struct bh_err *err);

#endif
