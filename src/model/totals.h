/*
 * Totals of recurring revenue over many customers, and how they moved month by
 * month.  Pure; the rules are those of figures.h.  A JSON object that is stored as it is:
 *
 *   { "customers": n looked at, "unknown": n of them whose figures are not all known,
 *     "sums": { "USD": { "mrr", "arr": now, in minor units; "told": the part of mrr that the source
 *                        itself told, which has no movements;
 *                        "customers": n with MRR by their movements;
 *                        "before": [amount, customers] of all movements before the months below,
 *                        "months": { "2026-11": { "new": [amount, n], "churn": ... } } } },
 *     "currency": "USD", "converted": as one of sums, all in that currency }
 *
 * mrr - told = before + every amount of months; customers likewise, where a
 * movement "new" or "reactivation" brings one and "churn" takes one away.
 */
#ifndef MODEL_TOTALS_H
#define MODEL_TOTALS_H

#include "model/figures.h"

#define TOTALS_MONTHS 30 /* kept one by one; what is older stands in "before" */
#define TOTALS_MONTH 8   /* "2026-11" */

/* The kinds of movements, in the order in which people read them; NULL at the end. */
extern const char *const totals_kinds[];

/* An empty one, in the currency of these switches. */
json_t *totals_new(const struct revenue_switches *switches);
/* One customer more: facts and canonical fields as for figures_customer(). */
void totals_add(json_t *totals, const json_t *facts, const json_t *customer,
    const struct revenue_switches *switches, int64_t now_ms);

/* The month of a time. */
void totals_month(char month[TOTALS_MONTH], int64_t at_ms);
/* The month n before the one of a time. */
void totals_month_before(char month[TOTALS_MONTH], int64_t at_ms, int n);

#endif
