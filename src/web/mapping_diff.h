/* What differs between two mappings, one entry for each thing that a person changed. */
#ifndef WEB_MAPPING_DIFF_H
#define WEB_MAPPING_DIFF_H

#include "base/json.h"

/*
 * Array (new reference) of {"where": "customer · Website", "what": "added", "removed", "changed"
 * or "moved", "before": words or "", "after": words or ""}.  Rows are told apart by
 * the CRM field and the objects that they are for; objects by their names.
 */
json_t *mapping_diff(const json_t *before, const json_t *after);

#endif
