/* What the revenue page says: totals of the chosen connections and currency, month by month. */
#ifndef WEB_REVENUE_FACTS_H
#define WEB_REVENUE_FACTS_H

#include "model/totals.h"
#include "web/site.h"

#define REVENUE_KINDS 6 /* of totals_kinds */
#define REVENUE_MONTHS 24

struct revenue_month {
	char name[TOTALS_MONTH];
	int64_t begin, end; /* MRR in minor units */
	int64_t customers_begin, customers_end;
	int64_t amounts[REVENUE_KINDS], counts[REVENUE_KINDS]; /* as totals_kinds */
};

struct revenue_facts {
	struct exchange *exchange;
	int64_t now_ms;
	json_t *state, *totals; /* as stored; NULL none */
	json_t *sources;        /* [{code, name}] that are set up */
	json_t *sums; /* of what is chosen: {"EUR": ..., "all-USD": ...} as in model/totals.h */
	const char *connection; /* "" all; borrowed from the request */
	char currency[16];      /* a name of sums; "" there is none */
	int months;
	struct revenue_month month[REVENUE_MONTHS]; /* the oldest first */
};

/* The caller releases, whatever is returned. */
int revenue_facts_get(struct revenue_facts *facts, struct exchange *exchange, struct bh_err *err);
void revenue_facts_release(struct revenue_facts *facts);
/* "USD" of "all-USD". */
const char *revenue_currency(const char *name);
/* Are these totals old, with nobody at work on new ones? */
bool is_revenue_old(const struct revenue_facts *facts);
/* What the page shows (new reference); live gets what changes while totals are made. */
json_t *revenue_facts_model(const struct revenue_facts *facts, json_t *live);
/* "November 2026" of "2026-11". */
void revenue_month_words(char out[32], const char *month);

#endif
