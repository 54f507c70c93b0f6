/*
 * What rows of a mapping make of one real record: rendered by map/ from what
 * the mirror holds, held against the CRM's stored description.  Nothing is
 * asked of anybody.
 */
#ifndef WEB_MAPPING_SAMPLE_H
#define WEB_MAPPING_SAMPLE_H

#include "map/match.h"
#include "web/mapping.h"

/* The record that values are shown of. */
struct mapping_sample {
	enum object_kind kind;
	char account[128], id[512]; /* as the links know it; id "" there is none */
	char key_id[512];           /* what its key is made of */
	json_t *fields, *customer;  /* NULL: not held */
};

/*
 * The object that asked ("id" or "account/id") names, or with "" one that
 * changed lately.  1; 0 there is none (sample->id is ""); -1.  To be released after each.
 */
int mapping_sample_find(struct exchange *exchange, const struct mapping *m, enum object_kind kind,
    const char *asked, struct mapping_sample *sample, struct bh_err *err);
void mapping_sample_release(struct mapping_sample *sample);
/* Its name, number or id, for people; new reference. */
json_t *mapping_sample_title(const struct mapping_sample *sample);
/* As asked for again: "account/id" or the id; new reference. */
json_t *mapping_sample_asked(const struct mapping_sample *sample);

/* One mapped object at work on a sample. */
struct mapping_bench {
	const struct mapping *m;
	const json_t *object; /* as it stands in the mapping; borrowed */
	enum object_kind kind;
	struct mapping_sample sample;
	char to[256];                  /* the CRM's object; "" a setting is missing */
	char why[240];                 /* then: which */
	struct dest_object *described; /* NULL: the CRM's description is not known */
	int64_t described_ms;
};
/* 0, -1; to be released after both. */
int mapping_bench_open(struct mapping_bench *bench, struct exchange *exchange,
    const struct mapping *m, const json_t *object, const char *asked, struct bh_err *err);
void mapping_bench_close(struct mapping_bench *bench);

/*
 * What a row makes of the sample: {"value": text or "", "note": why there is none or
 * what is odd, "state": "good", "busy" (look at it), "bad" (it would be refused) or "idle" (not written),
 * "label", "type": of the CRM's field or ""}.  New reference; the row may be wrong.
 */
json_t *mapping_bench_row(const struct mapping_bench *bench, const json_t *row);
/*
 * What a row that is being typed (a view of mapping_form.h) would make of the sample:
 * {"state", "text"}, the value or why there is none.  before: the row that it was; NULL none.
 */
json_t *mapping_bench_tried(const struct mapping_bench *bench, const json_t *view,
    const json_t *before);
/* What a matching rule would look for: "Email is ada@example.com", "" nothing.  New reference. */
json_t *mapping_bench_rule(const struct mapping_bench *bench, const json_t *rule);
/* Does the filter pass the sample?  1, 0, -1 there is no sample to ask, or it is wrong. */
int mapping_bench_passes(const struct mapping_bench *bench);
/* "text, 255", "number, 16 before and 2 behind the point"; new reference. */
json_t *mapping_field_type(const struct dest_field *field);

#endif
