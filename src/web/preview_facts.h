/*
 * What is known of the preview of a sync, for its page: how far it is, totals
 * and samples; and one object with its fields.  All of it was worked out by a worker.
 */
#ifndef WEB_PREVIEW_FACTS_H
#define WEB_PREVIEW_FACTS_H

#include "sync/preview.h"
#include "web/sync_facts.h"

/* Kinds of objects that the sync's mapping (the draft where there is one) makes records of. */
struct preview_facts {
	const struct sync_facts *sync;
	struct preview preview;
	json_t *mapping;  /* as it would be used; owned; NULL: it cannot be */
	bool is_stale;    /* it shows something else than would be shown now */
	json_t *ask;      /* the object asked for last; owned; NULL */
	json_t *model;    /* borrowed from the caller */
	json_t *live;     /* texts for the script; borrowed */
	char newest[120]; /* changes when the page is to be shown anew */
};

/* Read what is stored and put how far it is into model and live.  To be released, also after -1. */
int preview_facts_get(struct preview_facts *facts, const struct sync_facts *sync, json_t *model,
    json_t *live, struct bh_err *err);
void preview_facts_release(struct preview_facts *facts);

/* Totals, with links to samples. */
void preview_facts_totals(struct preview_facts *facts);
/* The samples that the query chooses ("object", "verdict"). */
int preview_facts_samples(struct preview_facts *facts, struct bh_err *err);
/* The object that the query names ("kind", "account", "id", and "object" of a sample), and the form for choosing one. */
int preview_facts_record(struct preview_facts *facts, struct bh_err *err);

/* "credit note" of a kind. */
json_t *preview_kind_words(const char *kind);

#endif
