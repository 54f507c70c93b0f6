/*
 * Rules by which a CRM's record is recognised as an object's.  In order; the
 * first that finds something decides.
 *
 *   {"by": "id", "from": "salesforce_id"}              the CRM's id, as the source holds it
 *   {"by": "key"}                                      the key that Billhook wrote
 *   {"by": "value", "fields": [{"to", "from", "as"}]}  equal values; all of them
 *   {"by": "domain", "to": "Website", "from": "{email|company_domain}"}
 *
 * A rule with "if" asks only for the objects that pass this filter (filter.h).
 * A rule of whose values one is empty asks nothing; providers of free mail are no domain.
 */
#ifndef MAP_MATCH_H
#define MAP_MATCH_H

#include "map/map.h"
#include "map/reference.h"

struct match;

/* json: the list of rules; NULL none.  Not borrowed.  -1 BH_INVALID naming the rule. */
int match_new(const json_t *json, enum object_kind kind, struct match **match_r,
    struct bh_err *err);
void match_free(struct match **match);
/* Is there any rule? */
bool has_match_rules(const struct match *match);

/* What the rules ask for one object; see map_questions(). */
void match_questions(const struct match *match, const char *crm_object,
    const struct reference_view *view, const struct map_context *context,
    struct map_questions *questions);

#endif
