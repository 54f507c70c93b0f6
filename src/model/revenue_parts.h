/* Inside the reckoning of revenue: what revenue.c and its neighbours share. */
#ifndef MODEL_REVENUE_PARTS_H
#define MODEL_REVENUE_PARTS_H

#include "model/revenue.h"

#define REVENUE_DAY_MS INT64_C(86400000)
#define REVENUE_WHY 96

/* An item of a subscription: its worth a period, and how many periods a year has. */
struct revenue_item {
	const json_t *json;
	struct fraction gross;
	struct fraction per_year;
};
/*
 * Before discounts and tax.  Metered and one-off items are worth nothing.  False with why
 * told when something is missing or does not fit.
 */
bool is_revenue_item_read(const json_t *item, const json_t *subscription,
    struct revenue_item *result_r, char why[REVENUE_WHY]);

/* What lowers the worth of items: see revenue_discount.c. */
struct revenue_sum {
	const json_t *subscription;
	const struct revenue_switches *switches;
	int64_t at_ms;
	char currency[4];
	struct revenue_item *items;
	size_t items_n;
	int64_t changes_ms; /* the next begin or end of a discount */
	char *why;          /* REVENUE_WHY bytes */
};
/* Take the items' own discounts off, then the subscription's.  False with why told. */
bool is_revenue_discounted(struct revenue_sum *sum);

/* What a subscription that counts is worth, whatever its status says. */
void revenue_worth(const json_t *subscription, const struct revenue_switches *switches,
    int64_t at_ms, struct revenue_figure *figure);
/* Whether its status counts; with one that will not for ever, *changes_ms comes nearer. */
bool is_revenue_counted(const json_t *subscription, const struct revenue_switches *switches,
    int64_t at_ms, int64_t grace_from_ms, int64_t *changes_ms);
/* revenue_figure() with the time from which the grace of past_due runs; INT64_MIN: not known. */
void revenue_figure_since(const json_t *subscription, const struct revenue_switches *switches,
    int64_t at_ms, int64_t grace_from_ms, struct revenue_figure *figure);
/* A cancellation is planned. */
bool is_revenue_leaving(const json_t *subscription);

/* Two points of a history that tell the same; what both lie on needs no third between them. */
bool is_revenue_point_same(const json_t *points, size_t i, size_t j);
#define REVENUE_PARTIAL 1 /* flags of a point */
#define REVENUE_DELETED 2

/* When the agreed term ends; INT64_MAX: no end is agreed. */
int64_t revenue_contract_end(const json_t *subscription, const json_t *schedule);

/* then_ms is the next change when it lies after at_ms and before the one known. */
static inline void
revenue_nearer(int64_t *changes_ms, int64_t at_ms, int64_t then_ms)
{
	if (then_ms > at_ms && then_ms < *changes_ms)
		*changes_ms = then_ms;
}

/* An integer, or a decimal in a text; false for anything else. */
bool is_revenue_number(const json_t *json, struct fraction *value_r);
/* A time in a member, or otherwise. */
int64_t revenue_time(const json_t *object, const char *name, int64_t otherwise);
/* A text in a member, or "". */
const char *revenue_text(const json_t *object, const char *name);
/* why := what, and which one.  Always false. */
bool is_revenue_missing(char why[REVENUE_WHY], const char *what, const char *which);
/* why := "too large".  Always false. */
bool is_revenue_too_large(char why[REVENUE_WHY]);

#endif
