/*
 * Rules of automations: which billing objects ask for something to be done,
 * and what that is.  Pure.  A rule is data:
 *
 *   { "code": "renewals", "title": "Renewal opportunities", "from": "stripe",
 *     "on": "subscription",
 *     "if": { "field": "status", "in": ["active", "past_due"] },
 *     "amount": { "of": "mrr", "at_least": { "EUR": "500", "*": "600" } },
 *     "date": { "of": ["contract_end_at", "renewal_at"], "days": -90, "zone": "Europe/Berlin" },
 *     "ends": [ { "if": { "field": "status", "in": ["canceled"] }, "as": "lost" } ],
 *     "make": { "type": "opportunity", "title": "Renewal - {customer.name}", "text": "...",
 *               "due": { "days": 0 }, "priority": "high", "amount": "amount",
 *               "link": "{link}", "owner": ["record", "005A", "005B"] } }
 *
 *   on      the kind of object that is looked at
 *   each    "movement": for each movement of a customer's MRR, as if it were the last; needs once
 *   if      a filter as in mappings
 *   amount  of: a field of money; at_least, in major units, by currency, "*" any other.  The
 *           size counts: a fall is as large as a rise
 *   date    the first of these fields that is there, moved by days or months.  Before the date
 *           (days below 0): from then until the date.  Else: from then on
 *   once    it stays as it was made, whatever becomes of the object
 *   ends    what it comes to when it applies no more: the first that passes; "won" once the date
 *           was reached, else "done"
 *   make    what is to be done; title, text and link are templates.  owner: users of the CRM, who
 *           take turns; "record" in front: the owner of the record that it hangs on, else those
 *
 * Whoever looks at an object calls rule_decide() (auto/decide.h).
 */
#ifndef AUTO_RULE_H
#define AUTO_RULE_H

#include "model/object.h"

enum rule_type {
	RULE_TASK = 0,
	RULE_OPPORTUNITY,
	RULE_ALERT, /* tells people, writes nothing to a CRM */
	RULE__MAX
};
/* "task", "opportunity", "alert". */
const char *rule_type_name(enum rule_type type);

struct rule;

/* json is copied.  -1 BH_INVALID naming member and reason. */
int rule_new(const json_t *json, struct rule **rule_r, struct bh_err *err);
void rule_free(struct rule **rule);

/* Borrowed from the rule. */
const char *rule_code(const struct rule *rule);
const char *rule_title(const struct rule *rule);
const char *rule_from(const struct rule *rule); /* the source connection */
enum object_kind rule_on(const struct rule *rule);
enum rule_type rule_makes(const struct rule *rule);
/* The users who take turns, *n_r of them: an array of texts, those from *from_r on; NULL none are named. */
const json_t *rule_owners(const struct rule *rule, size_t *from_r, size_t *n_r);
/* Does what it says depend on the time as well? */
bool is_rule_timed(const struct rule *rule);
/* Does what it makes stay as it was made? */
bool is_rule_once(const struct rule *rule);

#endif
