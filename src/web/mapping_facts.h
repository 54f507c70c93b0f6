/* What the pages of a mapping show: models for their templates. */
#ifndef WEB_MAPPING_FACTS_H
#define WEB_MAPPING_FACTS_H

#include "web/mapping_sample.h"

/* A form that is open on an object's page. */
struct mapping_open {
	char what[16]; /* "row", "filter", "filter-json", "rule", "create", "rest"; "" none */
	bool is_new;   /* a row or rule that is not there yet */
	size_t n;      /* place of the row or rule */
	const json_t
	    *posted;       /* view of what was typed, shown again; NULL: what is in the mapping */
	const char *error; /* a sentence about it; NULL none */
};
/* Of the query's "row-3", "rule-new", "filter" ... */
void mapping_open_read(struct mapping_open *open, const char *text);

/* What every page of a mapping has: crumbs, roles, the bar of the draft.  problem: of a button; NULL none. */
void mapping_facts_common(json_t *model, const struct exchange *exchange, const struct mapping *m,
    const char *problem);
/* The overview: objects, presets, import.  typed, error: of an import that was refused; NULL. */
int mapping_facts_all(json_t *model, struct exchange *exchange, const struct mapping *m,
    const char *typed, const char *error, struct bh_err *err);
/* One object's page. */
int mapping_facts_object(json_t *model, struct exchange *exchange,
    const struct mapping_bench *bench, size_t index, const struct mapping_open *open,
    struct bh_err *err);

/* The path of an object's page behind ".../mapping", with the sample that is asked for; to be freed. */
char *mapping_object_rest(const struct exchange *exchange, const json_t *object, size_t index,
    const char *query);

/* The preset that the sync came from, or that is usual for its ends: 1 and a new reference, 0 there is none. */
int mapping_preset(const struct exchange *exchange, const struct mapping *m, json_t **preset_r);

/* The errand that asks the CRM for its description of objects. */
json_t *mapping_asked_facts(struct exchange *exchange, const struct mapping *m, struct bh_err *err);

/* Members of an object that have no form of their own; new reference. */
json_t *mapping_rest(const json_t *object);

#endif
