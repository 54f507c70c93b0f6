/*
 * Parts of a mapping as fields of a form and back.  Nothing that the file can
 * say is lost: what a form cannot hold is a field of JSON.
 *
 * A view is an object of texts by the names of the fields; reading one gives
 * the part as it was, where nothing was typed over it.
 */
#ifndef WEB_MAPPING_FORM_H
#define WEB_MAPPING_FORM_H

#include "model/object.h"
#include "web/request.h"

/* The fields of a row: to, kind (from, value, json, setting), source, as, default, empty, when, on, with, enum. */
json_t *mapping_row_view(const json_t *row);
/* What was posted, as a view; new reference. */
json_t *mapping_row_posted(const struct request *request);
/*
 * The row that a view says; before (NULL: a new one) is kept as it stands where both
 * look the same.  -1 BH_INVALID with a sentence: what is typed as JSON is none ...
 */
int mapping_row_read(const json_t *view, const json_t *before, json_t **row_r, struct bh_err *err);

#define MAPPING_CONDITIONS 8
/*
 * A filter as a form: {"mode": "all" or "any", "conditions": [{"field", "op", "value"}]},
 * at most MAPPING_CONDITIONS; NULL where it is deeper than that.  filter NULL: an empty one.
 */
json_t *mapping_filter_view(const json_t *filter, enum object_kind kind);
json_t *mapping_filter_posted(const struct request *request);
/* NULL in *filter_r: no filter. */
int mapping_filter_read(const json_t *view, enum object_kind kind, json_t **filter_r,
    struct bh_err *err);

/*
 * A matching rule as a form: by, to, from, on, and for more pairs to2, from2, to3, from3, as, as2, as3, if;
 * NULL where it says more than that.  rule NULL: an empty one.
 */
json_t *mapping_rule_view(const json_t *rule);
json_t *mapping_rule_posted(const struct request *request);
int mapping_rule_read(const json_t *view, json_t **rule_r, struct bh_err *err);

/* Text typed as JSON; what says which field it was. */
int mapping_json_read(const char *text, const char *what, json_t **json_r, struct bh_err *err);
/* JSON to be changed by hand: indented text. */
json_t *mapping_json_view(const json_t *json);

/* A posted field, "" where there is none; white space around it is cut off, and lines end as ours do. */
json_t *mapping_posted(const struct request *request, const char *name);

#endif
