/*
 * Recurring revenue of one subscription at a time: see revenue.h.  Items and
 * their prices are revenue_item.c's, discounts revenue_discount.c's, the
 * course of time revenue_steps.c's.
 */
#include "base/base.h"

#include "model/revenue_parts.h"

/* More than any source gives one subscription. */
#define ITEMS_MAX 1000

/* The one currency of all; "" when nothing names one. */
static bool
is_currency_read(const json_t *subscription, char currency[4])
{
	const json_t *items = json_object_get(subscription, "items");
	size_t i;
	json_t *item;

	snprintf(currency, 4, "%s", revenue_text(subscription, "currency"));
	json_array_foreach (items, i, item) {
		const char *own = revenue_text(item, "currency");

		if (*currency == '\0')
			snprintf(currency, 4, "%s", own);
		else if (*own != '\0' && strcmp(own, currency) != 0)
			return false;
	}
	return true;
}

/* 1 + the inclusive rates of the item, else of the subscription; one without terms is left out. */
static bool
is_tax_read(const json_t *item, const json_t *subscription, struct fraction *divisor_r)
{
	const json_t *own = json_object_get(item, "tax_rates");
	const json_t *rates =
	    json_array_size(own) > 0 ? own : json_object_get(subscription, "tax_rates");
	struct fraction hundred = fraction_of(100), rate;
	size_t i;
	json_t *one;

	*divisor_r = hundred;
	json_array_foreach (rates, i, one)
		if (bh_is_json_true(one, "inclusive") &&
		    is_revenue_number(json_object_get(one, "percentage"), &rate) &&
		    rate.above > 0 && !is_fraction_added(divisor_r, &rate, divisor_r))
			return false;
	return is_fraction_divided(divisor_r, &hundred, divisor_r);
}

/* The sum over a year of what the discounts left, without the tax inside. */
static bool
is_year_summed(const struct revenue_sum *sum, struct fraction *arr_r)
{
	*arr_r = FRACTION_ZERO;
	for (size_t i = 0; i < sum->items_n; i++) {
		const struct revenue_item *item = &sum->items[i];
		struct fraction year, tax;

		if (item->gross.above == 0)
			continue;
		if (!is_fraction_multiplied(&item->gross, &item->per_year, &year) ||
		    !is_tax_read(item->json, sum->subscription, &tax) ||
		    !is_fraction_divided(&year, &tax, &year) ||
		    !is_fraction_added(arr_r, &year, arr_r))
			return is_revenue_too_large(sum->why);
	}
	return true;
}

/* All but the currency: false with why told. */
static bool
is_worth_known(struct revenue_sum *sum, const json_t *items, struct fraction *arr_r)
{
	const json_t *complete = json_object_get(sum->subscription, "items_complete");

	if (!json_is_array(items))
		return is_revenue_missing(sum->why, "its items", "");
	if (json_is_false(complete))
		return is_revenue_missing(sum->why, "more items than the source sent", "");
	if (sum->items_n > ITEMS_MAX)
		return is_revenue_too_large(sum->why);
	for (size_t i = 0; i < sum->items_n; i++)
		if (!is_revenue_item_read(json_array_get(items, i), sum->subscription,
			&sum->items[i], sum->why))
			return false;
	return is_revenue_discounted(sum) && is_year_summed(sum, arr_r);
}

void
revenue_worth(const json_t *subscription, const struct revenue_switches *switches, int64_t at_ms,
    struct revenue_figure *figure)
{
	const json_t *items = json_object_get(subscription, "items");
	struct revenue_sum sum = {
	    .subscription = subscription,
	    .switches = switches,
	    .at_ms = at_ms,
	    .items_n = json_array_size(items),
	    .changes_ms = INT64_MAX,
	    .why = figure->why,
	};
	bool one_currency = is_currency_read(subscription, sum.currency);

	*figure = (struct revenue_figure){.arr = FRACTION_ZERO};
	memcpy(figure->currency, sum.currency, sizeof(figure->currency));
	sum.items = bh_xcalloc(sum.items_n + 1, sizeof(sum.items[0]));
	if (!one_currency)
		is_revenue_missing(figure->why, "one currency for all items", "");
	else
		figure->is_known = is_worth_known(&sum, items, &figure->arr);
	if (figure->is_known && figure->arr.above != 0 && figure->currency[0] == '\0')
		figure->is_known = is_revenue_missing(figure->why, "its currency", "");
	if (!figure->is_known)
		figure->arr = FRACTION_ZERO;
	figure->changes_ms = sum.changes_ms;
	free(sum.items);
}

bool
is_revenue_leaving(const json_t *subscription)
{
	return bh_is_json_true(subscription, "cancel_at_period_end") ||
	       json_is_string(json_object_get(subscription, "cancel_at"));
}

static bool
is_paused(const json_t *subscription)
{
	const char *how = revenue_text(subscription, "pause_collection");

	return strcmp(how, "void") == 0 || strcmp(how, "mark_uncollectible") == 0;
}

static bool
is_status_counted(const char *status, const struct revenue_switches *switches, int64_t at_ms,
    int64_t grace_from_ms, int64_t *changes_ms)
{
	int64_t until_ms;

	if (strcmp(status, "trialing") == 0)
		return switches->count_trials;
	if (strcmp(status, "past_due") != 0)
		return strcmp(status, "active") == 0;
	if (switches->grace_days < 0 || grace_from_ms == INT64_MIN)
		return true;
	until_ms = grace_from_ms + switches->grace_days * REVENUE_DAY_MS;
	revenue_nearer(changes_ms, at_ms, until_ms);
	return at_ms < until_ms;
}

bool
is_revenue_counted(const json_t *subscription, const struct revenue_switches *switches,
    int64_t at_ms, int64_t grace_from_ms, int64_t *changes_ms)
{
	int64_t end_ms = revenue_time(subscription, "ended_at", INT64_MAX);

	if (!is_status_counted(revenue_text(subscription, "status"), switches, at_ms, grace_from_ms,
		changes_ms) ||
	    end_ms <= at_ms)
		return false;
	revenue_nearer(changes_ms, at_ms, end_ms);
	return (switches->count_paused || !is_paused(subscription)) &&
	       !(switches->at_request && is_revenue_leaving(subscription));
}

void
revenue_figure_since(const json_t *subscription, const struct revenue_switches *switches,
    int64_t at_ms, int64_t grace_from_ms, struct revenue_figure *figure)
{
	int64_t changes_ms = INT64_MAX;

	if (is_revenue_counted(subscription, switches, at_ms, grace_from_ms, &changes_ms)) {
		revenue_worth(subscription, switches, at_ms, figure);
		if (changes_ms < figure->changes_ms)
			figure->changes_ms = changes_ms;
		return;
	}
	*figure = (struct revenue_figure){.is_known = true,
	    .arr = FRACTION_ZERO,
	    .changes_ms = INT64_MAX};
	is_currency_read(subscription, figure->currency);
}

void
revenue_figure(const json_t *subscription, const struct revenue_switches *switches, int64_t at_ms,
    struct revenue_figure *figure)
{
	revenue_figure_since(subscription, switches, at_ms,
	    revenue_time(subscription, "period_start", INT64_MIN), figure);
}
