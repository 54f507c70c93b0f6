/* Inside the figures: sums by currency, and rates.  What figures.c and its neighbours share. */
#ifndef MODEL_FIGURES_PARTS_H
#define MODEL_FIGURES_PARTS_H

#include "model/figures.h"
#include "model/revenue_parts.h"

/* Exact sums, one for each currency, in the order of their codes; zeroed at first. */
struct figures_sum {
	struct figures_amount {
		char currency[4];
		struct fraction amount;
	} * items;
	size_t n;
	bool is_overflown; /* an amount did not fit and was left out */
};
void figures_sum_add(struct figures_sum *sum, const char *currency, const struct fraction *amount);
void figures_sum_release(struct figures_sum *sum);
/* NULL when there is none. */
const struct fraction *figures_sum_find(const struct figures_sum *sum, const char *currency);

/* The rates of one currency in time, oldest first: minor units of the target for one of it. */
struct figures_rates {
	struct figures_rate {
		int64_t from_ms;
		struct fraction rate;
	} * lines;
	size_t n; /* 0: no rate is known */
};
void figures_rates_read(struct figures_rates *rates, const struct revenue_switches *switches,
    const char *currency);
void figures_rates_release(struct figures_rates *rates);
/* The latest that holds at a time, else the first; NULL when none is known. */
const struct fraction *figures_rates_at(const struct figures_rates *rates, int64_t at_ms);
/* The rates of one time, each looked up once; the rest zeroed at first. */
struct figures_exchange {
	const struct revenue_switches *switches;
	int64_t at_ms;
	struct figures_price {
		char currency[4];
		bool is_known;
		struct fraction rate;
	} * prices;
	size_t n;
};
void figures_exchange_release(struct figures_exchange *exchange);
/* In switches->currency; false when there is no rate or it does not fit. */
bool is_figures_converted(struct figures_exchange *exchange, const char *currency,
    const struct fraction *amount, struct fraction *result_r);
/* All of a sum; what cannot be converted is left out.  False when something was. */
bool is_figures_sum_converted(struct figures_exchange *exchange, const struct figures_sum *sum,
    struct fraction *total_r);
/* When the next line of the rate table begins to hold; INT64_MAX: there is none. */
int64_t figures_next_rate_ms(const struct revenue_switches *switches, int64_t at_ms);

/* The value of a step; false when it is none.  *currency_r is borrowed. */
bool is_figures_step_read(const json_t *step, int64_t *at_ms_r, struct fraction *arr_r,
    const char **currency_r);

#endif
