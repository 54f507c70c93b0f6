/*
 * What rules make of an object: actions (kind "action" of model/fields.def),
 * each with an id, so that deciding again is harmless.  Pure; the caller keeps
 * what was decided before and brings it along.
 *
 *   action  | meaning                                  | moves to
 *   (none)  | the rule does not apply                  | open
 *   open    | it applies: its fields follow the object | closed: it applies no more, or its
 *           |                                          | date was reached
 *   closed  | with what it came to                     | open, when it applies again
 *
 * With "once" an action is open for ever and stays as it was made.
 *
 * An opportunity ahead of a date stays open on it: it is won when the date is
 * a later one (the subscription renewed), be it before its time, and after a
 * week without news; lost when its end is told first.
 */
#ifndef AUTO_DECIDE_H
#define AUTO_DECIDE_H

#include "auto/rule.h"

/* What is looked at; everything is borrowed. */
struct rule_subject {
	enum object_kind kind;
	const char *id, *account;
	const json_t *object;   /* with its derived fields; NULL: it is deleted */
	const json_t *customer; /* the customer of what is none itself; may be NULL */
	int64_t at_ms;          /* when the newest news about it were made */
};

struct rule_decision {
	int64_t now_ms;
	int64_t
	    since_ms; /* with "once": what is older is no cause; of money that moved its own date counts */
	uint64_t turn; /* whose turn of the owners it is; counted up */
	/*
	 * What this rule decided about this object, changed in place:
	 * {"<key>": {"state": "open", "on": "2027-03-01", "term": "2026-03-01", "opened": ms,
	 * "owner": "...", "currency": "..."}}.  Empty at first.
	 */
	json_t *standing;
	/* An array that gets {"id", "fields", "is_whole"} for each action that is to be stored. */
	json_t *actions;
	int64_t next_ms; /* lowered to when the time alone may change it; INT64_MAX never */
};

void rule_decide(const struct rule *rule, const struct rule_subject *subject,
    struct rule_decision *decision);

#endif
