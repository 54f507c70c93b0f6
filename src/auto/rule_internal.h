/* A compiled rule: shared by the files of this folder. */
#ifndef AUTO_RULE_INTERNAL_H
#define AUTO_RULE_INTERNAL_H

#include "auto/rule.h"
#include "map/filter.h"
#include "map/template.h"

#define RULE_DATES 4
#define RULE_ENDS 8
#define RULE_OWNERS 50

struct rule_end {
	struct filter *filter; /* NULL: always */
	const char *outcome;
};

struct rule {
	json_t *json; /* our copy; texts borrow from it */
	enum object_kind on;
	bool is_each_movement;
	bool is_once;
	struct filter *filter; /* NULL: all objects */

	bool has_amount;
	struct reference amount_of;
	const json_t *at_least; /* currency -> major units as text */

	size_t dates_n; /* 0: not timed */
	struct reference dates[RULE_DATES];
	int days, months; /* one of them */
	const char *zone; /* of days; NULL UTC */

	struct rule_end ends[RULE_ENDS];
	size_t ends_n;

	enum rule_type type;
	struct template *title, *text, *link; /* text, link: NULL none */
	bool has_due;
	int due_days;
	const char *priority;
	bool has_worth;
	struct reference worth; /* the amount that is shown */
	bool is_owner_record;   /* the owner of the record that it hangs on, where there is one */
	const json_t *owners;   /* array of texts; NULL */
	size_t owners_from;     /* the first that is a user */
};

#endif
