/* What an item of a subscription is worth a period: seats, packs, tiers. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "model/revenue_parts.h"

/* Periods a year has (ARR of a weekly price is 52 times the price, of a daily one 365 times). */
static const struct {
	const char *name;
	int per_year;
} intervals[] = {{"day", 365}, {"week", 52}, {"month", 12}, {"quarter", 4}, {"semiannual", 2},
    {"year", 1}};

bool
is_revenue_number(const json_t *json, struct fraction *value_r)
{
	struct money_decimal decimal;

	if (json_is_integer(json)) {
		*value_r = fraction_of(json_integer_value(json));
		return true;
	}
	return json_is_string(json) && is_money_decimal(json_string_value(json), &decimal) &&
	       is_fraction_decimal(&decimal, value_r);
}

const char *
revenue_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

int64_t
revenue_time(const json_t *object, const char *name, int64_t otherwise)
{
	int64_t at_ms;

	return bh_is_time(revenue_text(object, name), &at_ms) ? at_ms : otherwise;
}

bool
is_revenue_missing(char why[REVENUE_WHY], const char *what, const char *which)
{
	int len = snprintf(why, REVENUE_WHY, "%s%s%s", what, *which != '\0' ? " " : "", which);

	bh_utf8_mend(why, len >= REVENUE_WHY);
	return false;
}

bool
is_revenue_too_large(char why[REVENUE_WHY])
{
	return is_revenue_missing(why, "too large", "");
}

/*
 * Steps of reckoning give 1: done; 0: a term of the price is not known;
 * -1: a number does not fit.
 */
#define DONE_OR_LARGE(done) ((done) ? 1 : -1)

/* Quantity in packs, of which a part is a whole one or none. */
static int
pack(const json_t *item, struct fraction *quantity)
{
	const json_t *by = json_object_get(item, "divide_by");
	const char *round = revenue_text(item, "round");
	struct fraction size;
	money_wide whole;

	if (by == NULL || json_is_null(by))
		return 1;
	if (!is_revenue_number(by, &size) || size.above <= 0 ||
	    (strcmp(round, "up") != 0 && strcmp(round, "down") != 0))
		return 0;
	if (!is_fraction_divided(quantity, &size, quantity))
		return -1;
	whole = quantity->above / quantity->below;
	if (*round == 'u' && quantity->above % quantity->below != 0)
		whole++;
	*quantity = (struct fraction){whole, 1};
	return 1;
}

/* sum += price × times; a price that is not there is nothing. */
static int
add_times(const json_t *price, const struct fraction *times, struct fraction *sum)
{
	struct fraction amount;

	if (price == NULL || json_is_null(price))
		return 1;
	if (!is_revenue_number(price, &amount))
		return 0;
	return DONE_OR_LARGE(is_fraction_multiplied(&amount, times, &amount) &&
			     is_fraction_added(sum, &amount, sum));
}

/* sum += unit × part + flat of one tier. */
static int
add_tier(const json_t *tier, const struct fraction *part, struct fraction *sum)
{
	struct fraction one = fraction_of(1);
	int rc = add_times(json_object_get(tier, "unit_amount"), part, sum);

	return rc == 1 ? add_times(json_object_get(tier, "flat_amount"), &one, sum) : rc;
}

/* Up to where the tier holds; the last one is open: up_to is not there. */
static bool
is_tier_end(const json_t *tier, const struct fraction *quantity, struct fraction *end_r)
{
	const json_t *up_to = json_object_get(tier, "up_to");

	if (up_to == NULL || json_is_null(up_to)) {
		*end_r = *quantity;
		return true;
	}
	return is_revenue_number(up_to, end_r);
}

/* The one tier into which the quantity falls. */
static int
add_volume(const json_t *tiers, const struct fraction *quantity, struct fraction *sum)
{
	struct fraction end;
	size_t i;
	json_t *tier;

	json_array_foreach (tiers, i, tier) {
		if (!is_tier_end(tier, quantity, &end))
			return 0;
		if (fraction_compare(quantity, &end) <= 0)
			return add_tier(tier, quantity, sum);
	}
	return 0;
}

/* Each tier for the part of the quantity that lies in it. */
static int
add_graduated(const json_t *tiers, const struct fraction *quantity, struct fraction *sum)
{
	struct fraction low = FRACTION_ZERO, end, part;
	size_t i;
	json_t *tier;

	json_array_foreach (tiers, i, tier) {
		int rc = 1;

		if (!is_tier_end(tier, quantity, &end))
			return 0;
		if (fraction_compare(quantity, &end) < 0)
			end = *quantity;
		if (!is_fraction_taken(&end, &low, &part))
			return -1;
		if (part.above > 0)
			rc = add_tier(tier, &part, sum);
		if (rc != 1 || fraction_compare(&end, quantity) >= 0)
			return rc;
		low = end;
	}
	return 0;
}

/* The worth of a quantity above 0. */
static int
add_priced(const json_t *item, const struct fraction *quantity, struct fraction *gross)
{
	const json_t *tiers = json_object_get(item, "tiers");
	const json_t *unit = json_object_get(item, "unit_amount");
	const char *scheme = revenue_text(item, "billing_scheme");
	const char *mode = revenue_text(item, "tiers_mode");

	if (strcmp(scheme, "tiered") != 0 && (*scheme != '\0' || json_array_size(tiers) == 0))
		return unit != NULL && !json_is_null(unit) ? add_times(unit, quantity, gross) : 0;
	if (strcmp(mode, "volume") == 0)
		return add_volume(tiers, quantity, gross);
	return strcmp(mode, "graduated") == 0 ? add_graduated(tiers, quantity, gross) : 0;
}

/* The item's interval, else that of the subscription. */
static bool
is_interval_read(const json_t *item, const json_t *subscription, struct fraction *per_year_r)
{
	const json_t *from = json_object_get(item, "interval") != NULL ? item : subscription;
	const char *name = revenue_text(from, "interval");
	const json_t *given = json_object_get(from, "interval_count");
	struct fraction count = fraction_of(1);

	if (given != NULL && !json_is_null(given) &&
	    (!json_is_integer(given) || !is_revenue_number(given, &count) || count.above <= 0))
		return false;
	for (size_t i = 0; i < BH_LEN(intervals); i++) {
		if (strcmp(intervals[i].name, name) == 0) {
			*per_year_r = fraction_of(intervals[i].per_year);
			return is_fraction_divided(per_year_r, &count, per_year_r);
		}
	}
	return false;
}

bool
is_revenue_item_read(const json_t *item, const json_t *subscription, struct revenue_item *result_r,
    char why[REVENUE_WHY])
{
	const json_t *given = json_object_get(item, "quantity");
	const char *price = revenue_text(item, "price");
	struct fraction quantity = fraction_of(1);
	int rc;

	*result_r =
	    (struct revenue_item){.json = item, .gross = FRACTION_ZERO, .per_year = FRACTION_ZERO};
	if (strcmp(revenue_text(item, "usage_type"), "metered") == 0 ||
	    json_is_null(json_object_get(item, "interval")))
		return true;
	if (given != NULL && !json_is_null(given) &&
	    (!is_revenue_number(given, &quantity) || quantity.above < 0))
		return is_revenue_missing(why, "the quantity of price", price);
	if (quantity.above == 0)
		return true;
	rc = pack(item, &quantity);
	if (rc == 1 && quantity.above > 0)
		rc = add_priced(item, &quantity, &result_r->gross);
	if (rc != 1)
		return rc < 0 ? is_revenue_too_large(why)
			      : is_revenue_missing(why, "the price", price);
	if (!is_interval_read(item, subscription, &result_r->per_year))
		return is_revenue_missing(why, "the interval of price", price);
	return true;
}
