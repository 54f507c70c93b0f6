/* Sums by currency and the rate table: see figures_parts.h. */
#include "base/base.h"

#include "base/clock.h"
#include "model/figures_parts.h"

static struct figures_amount *
place_of(struct figures_sum *sum, const char *currency)
{
	size_t at = 0;

	while (at < sum->n && strcmp(sum->items[at].currency, currency) < 0)
		at++;
	if (at < sum->n && strcmp(sum->items[at].currency, currency) == 0)
		return &sum->items[at];
	sum->items = bh_xrealloc(sum->items, (sum->n + 1) * sizeof(sum->items[0]));
	memmove(&sum->items[at + 1], &sum->items[at], (sum->n - at) * sizeof(sum->items[0]));
	sum->n++;
	sum->items[at] = (struct figures_amount){.amount = FRACTION_ZERO};
	snprintf(sum->items[at].currency, sizeof(sum->items[at].currency), "%s", currency);
	return &sum->items[at];
}

void
figures_sum_add(struct figures_sum *sum, const char *currency, const struct fraction *amount)
{
	struct figures_amount *place = place_of(sum, currency);

	if (!is_fraction_added(&place->amount, amount, &place->amount))
		sum->is_overflown = true;
}

void
figures_sum_release(struct figures_sum *sum)
{
	free(sum->items);
	*sum = (struct figures_sum){0};
}

const struct fraction *
figures_sum_find(const struct figures_sum *sum, const char *currency)
{
	for (size_t i = 0; i < sum->n; i++)
		if (strcmp(sum->items[i].currency, currency) == 0)
			return &sum->items[i].amount;
	return NULL;
}

/* 10 to the difference of the two currencies' decimals, times the rate. */
static bool
is_shifted(struct fraction *rate, const char *from, const char *to)
{
	int shift = money_exponent(to) - money_exponent(from);
	struct fraction ten = fraction_of(10);

	for (; shift > 0; shift--)
		if (!is_fraction_multiplied(rate, &ten, rate))
			return false;
	for (; shift < 0; shift++)
		if (!is_fraction_divided(rate, &ten, rate))
			return false;
	return true;
}

static int
compare_lines(const void *a, const void *b)
{
	const struct figures_rate *x = a, *y = b;

	if (x->from_ms != y->from_ms)
		return x->from_ms < y->from_ms ? -1 : 1;
	return fraction_compare(&x->rate, &y->rate);
}

void
figures_rates_read(struct figures_rates *rates, const struct revenue_switches *switches,
    const char *currency)
{
	size_t i;
	json_t *line;

	*rates = (struct figures_rates){0};
	rates->lines = bh_xcalloc(json_array_size(switches->rates) + 1, sizeof(rates->lines[0]));
	if (strcmp(currency, switches->currency) == 0) {
		rates->lines[rates->n++] = (struct figures_rate){INT64_MIN, fraction_of(1)};
		return;
	}
	json_array_foreach (switches->rates, i, line) {
		struct figures_rate *rate = &rates->lines[rates->n];

		rate->from_ms = revenue_time(line, "on", INT64_MIN);
		if (is_revenue_number(json_object_get(json_object_get(line, "rates"), currency),
			&rate->rate) &&
		    is_shifted(&rate->rate, currency, switches->currency))
			rates->n++;
	}
	qsort(rates->lines, rates->n, sizeof(rates->lines[0]), compare_lines);
}

void
figures_rates_release(struct figures_rates *rates)
{
	free(rates->lines);
	*rates = (struct figures_rates){0};
}

const struct fraction *
figures_rates_at(const struct figures_rates *rates, int64_t at_ms)
{
	size_t low = 0, high = rates->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rates->lines[middle].from_ms <= at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	if (rates->n == 0)
		return NULL;
	return &rates->lines[low > 0 ? low - 1 : 0].rate;
}

void
figures_exchange_release(struct figures_exchange *exchange)
{
	free(exchange->prices);
	exchange->prices = NULL;
	exchange->n = 0;
}

static const struct figures_price *
price_of(struct figures_exchange *exchange, const char *currency)
{
	struct figures_price *price;
	struct figures_rates rates;
	const struct fraction *rate;

	for (size_t i = 0; i < exchange->n; i++)
		if (strcmp(exchange->prices[i].currency, currency) == 0)
			return &exchange->prices[i];
	exchange->prices =
	    bh_xrealloc(exchange->prices, (exchange->n + 1) * sizeof(exchange->prices[0]));
	price = &exchange->prices[exchange->n++];
	*price = (struct figures_price){.rate = FRACTION_ZERO};
	snprintf(price->currency, sizeof(price->currency), "%s", currency);
	figures_rates_read(&rates, exchange->switches, currency);
	rate = figures_rates_at(&rates, exchange->at_ms);
	price->is_known = rate != NULL;
	if (rate != NULL)
		price->rate = *rate;
	figures_rates_release(&rates);
	return price;
}

bool
is_figures_converted(struct figures_exchange *exchange, const char *currency,
    const struct fraction *amount, struct fraction *result_r)
{
	const struct figures_price *price = price_of(exchange, currency);

	return price->is_known && is_fraction_multiplied(amount, &price->rate, result_r);
}

bool
is_figures_sum_converted(struct figures_exchange *exchange, const struct figures_sum *sum,
    struct fraction *total_r)
{
	bool all = !sum->is_overflown;

	*total_r = FRACTION_ZERO;
	for (size_t i = 0; i < sum->n; i++) {
		struct fraction one = sum->items[i].amount;

		/* Nothing is nothing in every currency. */
		if (one.above != 0 &&
		    (!is_figures_converted(exchange, sum->items[i].currency, &one, &one) ||
			!is_fraction_added(total_r, &one, total_r)))
			all = false;
	}
	return all;
}

int64_t
figures_next_rate_ms(const struct revenue_switches *switches, int64_t at_ms)
{
	int64_t next_ms = INT64_MAX;
	size_t i;
	json_t *line;

	json_array_foreach (switches->rates, i, line)
		revenue_nearer(&next_ms, at_ms, revenue_time(line, "on", INT64_MIN));
	return next_ms;
}

bool
is_figures_step_read(const json_t *step, int64_t *at_ms_r, struct fraction *arr_r,
    const char **currency_r)
{
	const char *arr = json_string_value(json_array_get(step, 1));

	*currency_r = json_string_value(json_array_get(step, 2));
	if (arr == NULL || *currency_r == NULL || !is_fraction_read(arr, arr_r))
		return false;
	*at_ms_r = json_integer_value(json_array_get(step, 0));
	return true;
}
