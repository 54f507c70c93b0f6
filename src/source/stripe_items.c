/* Stripe: the items of a subscription, their prices, and what they add up to. */
#include "base/base.h"

#include "source/stripe_items.h"

/* Lengths in thousandths of a day, a year being twelve months. */
static const struct {
	const char *name;
	int64_t length;
} intervals[] = {{"day", 1000}, {"week", 7000}, {"month", 30437}, {"year", INT64_C(12) * 30437}};

/* The price of an item; before 2020 there was only its twin, the plan. */
static const json_t *
price_of(const json_t *item)
{
	return READ_FIRST(json_object_get(item, "price"), json_object_get(item, "plan"));
}

/* A member of price.recurring, which in a plan stands at the top. */
const json_t *
stripe_recurring(const json_t *price, const char *name)
{
	const json_t *inner = json_object_get(json_object_get(price, "recurring"), name);

	return READ_FIRST(inner, json_object_get(price, name));
}

static bool
is_metered(const json_t *price)
{
	const char *usage = json_string_value(stripe_recurring(price, "usage_type"));

	return usage != NULL && strcmp(usage, "metered") == 0;
}

static int64_t
interval_length(const json_t *price)
{
	const char *name = json_string_value(stripe_recurring(price, "interval"));
	int64_t count = bh_json_int(stripe_recurring(price, "interval_count"), "", 1);

	for (size_t i = 0; name != NULL && i < BH_LEN(intervals); i++)
		if (strcmp(intervals[i].name, name) == 0 && count > 0 && count <= 10000)
			return intervals[i].length * count;
	return 0;
}

/* Amount of a unit: the decimal says more; a plan calls it amount. */
static const json_t *
unit_amount(const json_t *price)
{
	return READ_FIRST(json_object_get(price, "unit_amount_decimal"),
	    json_object_get(price, "unit_amount"), json_object_get(price, "amount_decimal"),
	    json_object_get(price, "amount"));
}

/* Quantity in packs: divided and rounded up or down to a whole number. */
static bool
is_transformed(const json_t *price, struct money_decimal *quantity)
{
	const json_t *rule = READ_FIRST(json_object_get(price, "transform_quantity"),
	    json_object_get(price, "transform_usage"));
	int64_t divide = bh_json_int(rule, "divide_by", 0), units;
	const char *round = bh_json_str(rule, "round");

	if (rule == NULL)
		return true;
	if (divide <= 0 || round == NULL || quantity->scale != 0 || quantity->digits < 0 ||
	    !is_money_rounded(quantity, &units))
		return false;
	quantity->digits = units / divide + (strcmp(round, "up") == 0 && units % divide != 0);
	return true;
}

/* unit × quantity + flat of one tier, added to sum. */
static bool
is_tier_added(const json_t *tier, const struct money_decimal *quantity, struct money_decimal *sum)
{
	const json_t *unit = READ_FIRST(json_object_get(tier, "unit_amount_decimal"),
	    json_object_get(tier, "unit_amount"));
	const json_t *flat = READ_FIRST(json_object_get(tier, "flat_amount_decimal"),
	    json_object_get(tier, "flat_amount"));
	struct money_decimal part;

	if (unit != NULL &&
	    (!is_source_decimal(unit, &part) || !is_money_multiplied(&part, quantity, &part) ||
		!is_money_added(sum, &part, sum)))
		return false;
	return flat == NULL || (is_source_decimal(flat, &part) && is_money_added(sum, &part, sum));
}

/*
 * Tiers are only there when they were asked for, never in webhooks.  Volume:
 * the one tier that the quantity falls into; graduated: each tier for its part.
 */
static bool
is_tiered_amount(const json_t *price, const struct money_decimal *quantity,
    struct money_decimal *amount)
{
	const json_t *tiers = json_object_get(price, "tiers");
	const char *mode = bh_json_str(price, "tiers_mode");
	bool volume = mode != NULL && strcmp(mode, "volume") == 0;
	int64_t units, low = 0;
	size_t i;
	json_t *tier;

	*amount = (struct money_decimal){0, 0};
	if (json_array_size(tiers) == 0 || mode == NULL || quantity->scale != 0 ||
	    !is_money_rounded(quantity, &units))
		return false;
	json_array_foreach (tiers, i, tier) {
		int64_t up_to = bh_json_int(tier, "up_to", INT64_MAX);
		struct money_decimal part = {volume ? units : (units < up_to ? units : up_to) - low,
		    0};

		if (volume && units > up_to)
			continue;
		if (!volume && part.digits <= 0)
			break;
		if (!is_tier_added(tier, &part, amount))
			return false;
		if (volume)
			return true;
		low = up_to;
	}
	return !volume && low >= units;
}

/* What an item costs a period, in Stripe's units; false when that cannot be told. */
static bool
is_item_amount(const json_t *price, struct money_decimal quantity, struct money_decimal *amount)
{
	const char *scheme = bh_json_str(price, "billing_scheme");

	if (!is_transformed(price, &quantity))
		return false;
	if (scheme != NULL && strcmp(scheme, "tiered") == 0)
		return is_tiered_amount(price, &quantity, amount);
	return is_source_decimal(unit_amount(price), amount) &&
	       is_money_multiplied(amount, &quantity, amount);
}

static json_t *
tiers_json(const json_t *tiers, struct read_unit unit)
{
	json_t *list = json_array();
	size_t i;
	json_t *tier;

	json_array_foreach (tiers, i, tier) {
		json_t *one = json_object();

		read_int(one, "up_to", json_object_get(tier, "up_to"));
		read_precise(one, "unit_amount",
		    READ_FIRST(json_object_get(tier, "unit_amount_decimal"),
			json_object_get(tier, "unit_amount")),
		    unit);
		read_precise(one, "flat_amount",
		    READ_FIRST(json_object_get(tier, "flat_amount_decimal"),
			json_object_get(tier, "flat_amount")),
		    unit);
		read_prune(one);
		json_array_append_new(list, one);
	}
	return list;
}

void
stripe_price(json_t *fields, const json_t *price, struct read_unit unit)
{
	const json_t *rule = READ_FIRST(json_object_get(price, "transform_quantity"),
	    json_object_get(price, "transform_usage"));

	read_id(fields, "product", json_object_get(price, "product"));
	read_filled(fields, "name", json_object_get(price, "nickname"));
	read_filled(fields, "code", json_object_get(price, "lookup_key"));
	read_currency(fields, "currency", json_object_get(price, "currency"));
	read_precise(fields, "unit_amount", unit_amount(price), unit);
	read_text(fields, "interval", stripe_recurring(price, "interval"));
	read_int(fields, "interval_count", stripe_recurring(price, "interval_count"));
	read_text(fields, "usage_type", stripe_recurring(price, "usage_type"));
	read_text(fields, "billing_scheme", json_object_get(price, "billing_scheme"));
	read_text(fields, "tiers_mode", json_object_get(price, "tiers_mode"));
	read_text(fields, "tax_behavior", json_object_get(price, "tax_behavior"));
	if (json_is_array(json_object_get(price, "tiers")))
		json_object_set_new(fields, "tiers",
		    tiers_json(json_object_get(price, "tiers"), unit));
	if (json_is_object(rule)) {
		read_int(fields, "divide_by", json_object_get(rule, "divide_by"));
		read_text(fields, "round", json_object_get(rule, "round"));
	}
}

/* A bound of the current period: the item's since 2025-03-31, the subscription's before. */
static const json_t *
period_of(const struct stripe_items *items, const json_t *item, const char *name)
{
	return READ_FIRST(json_object_get(item, name), json_object_get(items->subscription, name));
}

static json_t *
item_json(const struct stripe_items *items, const json_t *item, const json_t *price,
    struct read_unit unit)
{
	json_t *one = json_object(), *discounts = stripe_discounts(items->news, item);
	json_t *rates = stripe_tax_rates(json_object_get(item, "tax_rates"));

	read_id(one, "id", item);
	read_id(one, "price", price);
	stripe_price(one, price, unit);
	read_filled(one, "product_name", bh_json_at(price, "product.name"));
	/* A price that is only named is in the subscription's currency. */
	if (json_object_get(one, "currency") == NULL)
		read_currency(one, "currency", json_object_get(items->subscription, "currency"));
	read_decimal(one, "quantity", json_object_get(item, "quantity"));
	read_unix(one, "period_start", period_of(items, item, "current_period_start"));
	read_unix(one, "period_end", period_of(items, item, "current_period_end"));
	if (json_array_size(discounts) > 0)
		json_object_set(one, "discounts", discounts);
	if (json_array_size(rates) > 0)
		json_object_set(one, "tax_rates", rates);
	read_prune(one);
	json_decref(discounts);
	json_decref(rates);
	return one;
}

/* The period of the subscription is that of the item which ends last, licensed items first. */
static void
add_period(struct stripe_items *items, const json_t *item, bool licensed)
{
	int64_t start_ms, end_ms;

	if (!is_unix_read(period_of(items, item, "current_period_end"), &end_ms) ||
	    !is_unix_read(period_of(items, item, "current_period_start"), &start_ms))
		return;
	if ((items->end_licensed && !licensed) ||
	    (items->end_licensed == licensed && end_ms <= items->end_ms))
		return;
	items->start_ms = start_ms;
	items->end_ms = end_ms;
	items->end_licensed = licensed;
}

/* Seats and money of one item that is not metered. */
static void
add_licensed(struct stripe_items *items, const json_t *item, const json_t *price, json_t *one,
    struct read_unit unit)
{
	struct money_decimal quantity = {1, 0}, amount = {0, 0};
	const json_t *given = json_object_get(item, "quantity");
	int64_t length = interval_length(price), end_ms, minor;
	bool known =
	    (given == NULL || json_is_null(given) || is_source_decimal(given, &quantity)) &&
	    is_item_amount(price, quantity, &amount);

	if (!is_money_added(&items->quantity, &quantity, &items->quantity))
		items->quantity_known = false;
	if (known && is_money_rounded(&amount, &minor)) {
		json_t *rounded = json_integer(minor);

		read_money(one, "amount", rounded, unit);
		json_decref(rounded);
	}
	if (length > items->length) {
		items->length = length;
		items->longest = price;
		items->amount = (struct money_decimal){0, 0};
		items->amount_known = true;
		items->renewal_ms = INT64_MIN;
	}
	if (length < items->length)
		return;
	if (!known || !is_money_added(&items->amount, &amount, &items->amount))
		items->amount_known = false;
	if (is_unix_read(period_of(items, item, "current_period_end"), &end_ms) &&
	    end_ms > items->renewal_ms)
		items->renewal_ms = end_ms;
}

static void
add_item(struct stripe_items *items, const json_t *item)
{
	const json_t *price = price_of(item);
	const char *currency = bh_json_str(price, "currency");
	struct read_unit unit = stripe_unit(items->news, currency != NULL ? currency : "");
	bool licensed = !is_metered(price);
	json_t *one;

	if (!json_is_object(item))
		return;
	one = item_json(items, item, price, unit);
	json_array_append_new(items->list, one);
	if (items->first == NULL || (licensed && !items->first_licensed)) {
		items->first = price;
		items->first_licensed = licensed;
	}
	add_period(items, item, licensed);
	if (licensed)
		add_licensed(items, item, price, one, unit);
}

void
stripe_items(struct stripe_items *items, const struct source_news *news, const json_t *subscription)
{
	const json_t *list = json_object_get(subscription, "items");
	const json_t *data = json_object_get(list, "data");
	size_t i;
	json_t *item;

	*items = (struct stripe_items){
	    .news = news,
	    .subscription = subscription,
	    .list = json_array(),
	    .complete = !bh_is_json_true(list, "has_more"),
	    .quantity_known = true,
	    .start_ms = INT64_MIN,
	    .end_ms = INT64_MIN,
	    .renewal_ms = INT64_MIN,
	};
	json_array_foreach (data, i, item)
		add_item(items, item);
	/* Before there were items, the subscription itself had one plan and its quantity. */
	if (!json_is_array(data) && json_is_object(json_object_get(subscription, "plan")))
		add_item(items, subscription);
}
