/*
 * What is known of putting back what a sync wrote over, for its page: how far it is, what would
 * come of it or came of it, its records, and the runs that are kept.
 */
#ifndef WEB_SYNC_UNDO_FACTS_H
#define WEB_SYNC_UNDO_FACTS_H

#include "state/revert.h"
#include "web/sync_facts.h"

struct sync_undo_facts {
	const struct sync_facts *sync;
	struct revert revert;
	json_t *model; /* borrowed from the caller */
	json_t *live;  /* texts for the script; borrowed */
};

/* Read what is stored and put how far it is into model and live.  To be released, also after -1. */
int sync_undo_facts_get(struct sync_undo_facts *facts, const struct sync_facts *sync, json_t *model,
    json_t *live, struct bh_err *err);
void sync_undo_facts_release(struct sync_undo_facts *facts);

/* The records from the number on that the query names ("from"). */
int sync_undo_facts_rows(struct sync_undo_facts *facts, struct bh_err *err);
/* The runs before the number that the query names ("before"), newest first. */
int sync_undo_facts_runs(struct sync_undo_facts *facts, struct bh_err *err);

#endif
