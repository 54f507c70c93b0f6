/* Stripe: subscriptions and their items, in old shapes and new. */
#include "base/base.h"

#include "source/stripe.h"

/*
 * Statuses with their rank inside one second: a subscription moves from
 * incomplete through trial to active, then to arrears, then to an end.
 */
static const struct {
	const char *stripe, *status;
	int rank;
	bool ended;
} statuses[] = {
    {"incomplete", "incomplete", 1, false},
    {"trialing", "trialing", 2, false},
    {"paused", "paused", 3, false},
    {"active", "active", 4, false},
    {"past_due", "past_due", 5, false},
    {"unpaid", "unpaid", 6, false},
    {"incomplete_expired", "expired", 9, true},
    {"canceled", "canceled", 9, true},
};
#define RANK_UNKNOWN 4

/* Lengths in thousandths of a day, a year being twelve months. */
static const struct {
	const char *name;
	int64_t length;
} intervals[] = {{"day", 1000}, {"week", 7000}, {"month", 30437},
    {"year", 12 * 30437}};

/* What the subscription's own fields are made of, collected over its items. */
struct items {
	const struct source_news *news;
	json_t *list;
	bool complete;
	int64_t
	    length; /* longest interval among the items that are not metered */
	struct money_decimal amount; /* of those of that interval */
	bool amount_known;
	struct money_decimal quantity;
	bool quantity_known;
	const json_t *
	    first; /* price of the first item that is not metered, else of the first */
	bool first_licensed;
	const json_t
	    *longest; /* price of the first item of the longest interval */
	int64_t start_ms,
	    end_ms; /* of the period that ends last; INT64_MIN: the items have none */
	bool end_licensed;
	int64_t renewal_ms; /* end of the longest interval's period */
};

/* The price of an item; before 2020 there was only its twin, the plan. */
static const json_t *
price_of(const json_t *item)
{
	return READ_FIRST(json_object_get(item, "price"),
	    json_object_get(item, "plan"));
}

/* A member of price.recurring, which in a plan stands at the top. */
static const json_t *
recurring(const json_t *price, const char *name)
{
	const json_t *inner =
	    json_object_get(json_object_get(price, "recurring"), name);

	return READ_FIRST(inner, json_object_get(price, name));
}

static bool
is_metered(const json_t *price)
{
	const char *usage = json_string_value(recurring(price, "usage_type"));

	return usage != NULL && strcmp(usage, "metered") == 0;
}

static int64_t
interval_length(const json_t *price)
{
	const char *name = json_string_value(recurring(price, "interval"));
	int64_t count = bh_json_int(recurring(price, "interval_count"), "", 1);

	for (size_t i = 0; name != NULL && i < BH_LEN(intervals); i++)
		if (strcmp(intervals[i].name, name) == 0 && count > 0 &&
		    count <= 10000)
			return intervals[i].length * count;
	return 0;
}

/* Amount of a unit: the decimal says more; a plan calls it amount. */
static const json_t *
unit_amount(const json_t *price)
{
	return READ_FIRST(json_object_get(price, "unit_amount_decimal"),
	    json_object_get(price, "unit_amount"),
	    json_object_get(price, "amount_decimal"),
	    json_object_get(price, "amount"));
}

/* Quantity in packs: divided and rounded up or down to a whole number. */
static bool
is_transformed(const json_t *price, struct money_decimal *quantity)
{
	const json_t *rule =
	    READ_FIRST(json_object_get(price, "transform_quantity"),
		json_object_get(price, "transform_usage"));
	int64_t divide = bh_json_int(rule, "divide_by", 0), units;
	const char *round = bh_json_str(rule, "round");

	if (rule == NULL)
		return true;
	if (divide <= 0 || round == NULL || quantity->scale != 0 ||
	    quantity->digits < 0 || !is_money_rounded(quantity, &units))
		return false;
	quantity->digits =
	    units / divide + (strcmp(round, "up") == 0 && units % divide != 0);
	return true;
}

/* unit × quantity + flat of one tier, added to sum. */
static bool
is_tier_added(const json_t *tier, const struct money_decimal *quantity,
    struct money_decimal *sum)
{
	const json_t *unit =
	    READ_FIRST(json_object_get(tier, "unit_amount_decimal"),
		json_object_get(tier, "unit_amount"));
	const json_t *flat =
	    READ_FIRST(json_object_get(tier, "flat_amount_decimal"),
		json_object_get(tier, "flat_amount"));
	struct money_decimal part;

	if (unit != NULL && (!is_decimal_read(unit, &part) ||
				!is_money_multiplied(&part, quantity, &part) ||
				!is_money_added(sum, &part, sum)))
		return false;
	return flat == NULL || (is_decimal_read(flat, &part) &&
				   is_money_added(sum, &part, sum));
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
	if (json_array_size(tiers) == 0 || mode == NULL ||
	    quantity->scale != 0 || !is_money_rounded(quantity, &units))
		return false;
	json_array_foreach (tiers, i, tier) {
		int64_t up_to = bh_json_int(tier, "up_to", INT64_MAX);
		struct money_decimal part =
		    {volume ? units : (units < up_to ? units : up_to) - low, 0};

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
is_item_amount(const json_t *price, struct money_decimal quantity,
    struct money_decimal *amount)
{
	const char *scheme = bh_json_str(price, "billing_scheme");

	if (!is_transformed(price, &quantity))
		return false;
	if (scheme != NULL && strcmp(scheme, "tiered") == 0)
		return is_tiered_amount(price, &quantity, amount);
	return is_decimal_read(unit_amount(price), amount) &&
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

/* The price's part of an item's canonical form. */
static void
add_price(json_t *one, const json_t *price, struct read_unit unit)
{
	const json_t *rule =
	    READ_FIRST(json_object_get(price, "transform_quantity"),
		json_object_get(price, "transform_usage"));

	read_id(one, "price", price);
	read_id(one, "product", json_object_get(price, "product"));
	read_filled(one, "product_name", bh_json_at(price, "product.name"));
	read_filled(one, "name", json_object_get(price, "nickname"));
	read_filled(one, "code", json_object_get(price, "lookup_key"));
	read_currency(one, "currency", json_object_get(price, "currency"));
	read_precise(one, "unit_amount", unit_amount(price), unit);
	read_text(one, "interval", recurring(price, "interval"));
	read_int(one, "interval_count", recurring(price, "interval_count"));
	read_text(one, "usage_type", recurring(price, "usage_type"));
	read_text(one, "billing_scheme",
	    json_object_get(price, "billing_scheme"));
	read_text(one, "tiers_mode", json_object_get(price, "tiers_mode"));
	read_text(one, "tax_behavior", json_object_get(price, "tax_behavior"));
	if (json_is_array(json_object_get(price, "tiers")))
		json_object_set_new(one, "tiers",
		    tiers_json(json_object_get(price, "tiers"), unit));
	if (json_is_object(rule)) {
		read_int(one, "divide_by", json_object_get(rule, "divide_by"));
		read_text(one, "round", json_object_get(rule, "round"));
	}
}

static json_t *
item_json(const struct items *items, const json_t *item, const json_t *price,
    struct read_unit unit)
{
	json_t *one = json_object(),
	       *discounts = stripe_discounts(items->news, item);
	json_t *rates = stripe_tax_rates(json_object_get(item, "tax_rates"));

	read_id(one, "id", item);
	add_price(one, price, unit);
	read_decimal(one, "quantity", json_object_get(item, "quantity"));
	read_unix(one, "period_start",
	    json_object_get(item, "current_period_start"));
	read_unix(one, "period_end",
	    json_object_get(item, "current_period_end"));
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
add_period(struct items *items, const json_t *item, bool licensed)
{
	int64_t start_ms, end_ms;

	if (!is_unix_read(json_object_get(item, "current_period_end"),
		&end_ms) ||
	    !is_unix_read(json_object_get(item, "current_period_start"),
		&start_ms))
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
add_licensed(struct items *items, const json_t *item, const json_t *price,
    json_t *one, struct read_unit unit)
{
	struct money_decimal quantity = {1, 0}, amount = {0, 0};
	const json_t *given = json_object_get(item, "quantity");
	int64_t length = interval_length(price), end_ms, minor;
	bool known = (given == NULL || json_is_null(given) ||
			 is_decimal_read(given, &quantity)) &&
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
	if (is_unix_read(json_object_get(item, "current_period_end"),
		&end_ms) &&
	    end_ms > items->renewal_ms)
		items->renewal_ms = end_ms;
}

static void
add_item(struct items *items, const json_t *item)
{
	const json_t *price = price_of(item);
	const char *currency = bh_json_str(price, "currency");
	struct read_unit unit =
	    stripe_unit(items->news, currency != NULL ? currency : "");
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

static void
items_init(struct items *items, const struct source_news *news,
    const json_t *subscription)
{
	const json_t *list = json_object_get(subscription, "items");
	const json_t *data = json_object_get(list, "data");
	size_t i;
	json_t *item;

	*items = (struct items){
	    .news = news,
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
	if (!json_is_array(data) &&
	    json_is_object(json_object_get(subscription, "plan")))
		add_item(items, subscription);
}

static void
put_plan(json_t *fields, const struct items *items)
{
	const json_t *price = items->first;
	const json_t *longest = items->longest != NULL ? items->longest : price;

	read_id(fields, "plan_code", price);
	read_filled(fields, "plan_name",
	    READ_FIRST(json_object_get(price, "nickname"),
		bh_json_at(price, "product.name"),
		json_object_get(price, "lookup_key")));
	read_text(fields, "interval", recurring(longest, "interval"));
	read_int(fields, "interval_count",
	    recurring(longest, "interval_count"));
	json_object_set(fields, "items", items->list);
	json_object_set_new(fields, "items_complete",
	    json_boolean(items->complete));
}

/* Sums are only told when every item was seen and could be reckoned. */
static void
put_sums(json_t *fields, const struct items *items, struct read_unit unit)
{
	char text[MONEY_TEXT];
	int64_t amount;

	if (!items->complete || items->length == 0)
		return;
	if (items->quantity_known) {
		money_decimal_text(text, &items->quantity);
		json_object_set_new(fields, "quantity", json_string(text));
	}
	if (items->amount_known && is_money_rounded(&items->amount, &amount)) {
		json_t *rounded = json_integer(amount);

		read_money(fields, "amount", rounded, unit);
		json_decref(rounded);
	}
}

/* sub_period_end: the items' since 2025-03-31, the subscription's before. */
static void
put_periods(json_t *fields, const struct items *items,
    const json_t *subscription, bool ended)
{
	const json_t *cancel_at = json_object_get(subscription, "cancel_at");
	bool at_end = bh_is_json_true(subscription, "cancel_at_period_end");
	int64_t end_ms = items->end_ms, renewal_ms, cancel_ms = INT64_MIN;

	if (end_ms != INT64_MIN) {
		read_put_ms(fields, "period_start", items->start_ms);
		read_put_ms(fields, "period_end", end_ms);
	} else {
		read_unix(fields, "period_start",
		    json_object_get(subscription, "current_period_start"));
		read_unix(fields, "period_end",
		    json_object_get(subscription, "current_period_end"));
		is_unix_read(json_object_get(subscription,
				 "current_period_end"),
		    &end_ms);
	}
	renewal_ms =
	    items->renewal_ms != INT64_MIN ? items->renewal_ms : end_ms;
	/* cancel_at_period_end stays true when the end has come: then nothing is planned any more. */
	if (!ended && !is_unix_read(cancel_at, &cancel_ms) && at_end)
		cancel_ms = end_ms;
	read_put_ms(fields, "cancel_at", cancel_ms);
	if (ended || (cancel_ms != INT64_MIN && cancel_ms <= renewal_ms))
		read_put_ms(fields, "renewal_at", INT64_MIN);
	else if (renewal_ms != INT64_MIN)
		read_put_ms(fields, "renewal_at", renewal_ms);
}

static void
put_cancellation(json_t *fields, const json_t *subscription)
{
	const json_t *details =
	    json_object_get(subscription, "cancellation_details");
	const json_t *pause = json_object_get(subscription, "pause_collection");

	read_unix(fields, "canceled_at",
	    json_object_get(subscription, "canceled_at"));
	read_unix(fields, "ended_at",
	    json_object_get(subscription, "ended_at"));
	read_bool(fields, "cancel_at_period_end",
	    json_object_get(subscription, "cancel_at_period_end"));
	read_text(fields, "cancel_reason", json_object_get(details, "reason"));
	read_text(fields, "cancel_feedback",
	    json_object_get(details, "feedback"));
	read_text(fields, "cancel_comment",
	    json_object_get(details, "comment"));
	read_text(fields, "pause_collection",
	    json_is_object(pause) ? json_object_get(pause, "behavior") : pause);
	read_unix(fields, "pause_resumes_at",
	    json_is_object(pause) ? json_object_get(pause, "resumes_at")
				  : pause);
}

static void
read_subscription(json_t *fields, const struct items *items,
    const json_t *subscription, bool ended)
{
	const json_t *currency =
	    READ_FIRST(json_object_get(subscription, "currency"),
		json_object_get(items->first, "currency"));
	const char *code = json_string_value(currency);

	read_id(fields, "customer",
	    READ_FIRST(json_object_get(subscription, "customer"),
		json_object_get(subscription, "customer_account")));
	read_currency(fields, "currency", currency);
	put_plan(fields, items);
	put_sums(fields, items,
	    stripe_unit(items->news, code != NULL ? code : ""));
	read_filled(fields, "name",
	    READ_FIRST(json_object_get(subscription, "description"),
		json_object_get(fields, "plan_name"),
		json_object_get(fields, "plan_code")));
	read_text(fields, "collection_method",
	    READ_FIRST(json_object_get(subscription, "collection_method"),
		json_object_get(subscription, "billing")));
	read_unix(fields, "started_at",
	    READ_FIRST(json_object_get(subscription, "start_date"),
		json_object_get(subscription, "start")));
	read_unix(fields, "trial_start",
	    json_object_get(subscription, "trial_start"));
	read_unix(fields, "trial_end",
	    json_object_get(subscription, "trial_end"));
	read_unix(fields, "created_at",
	    json_object_get(subscription, "created"));
	put_periods(fields, items, subscription, ended);
	put_cancellation(fields, subscription);
	read_id(fields, "latest_invoice",
	    json_object_get(subscription, "latest_invoice"));
	json_object_set_new(fields, "discounts",
	    stripe_discounts(items->news, subscription));
	json_object_set_new(fields, "tax_rates",
	    stripe_tax_rates(
		json_object_get(subscription, "default_tax_rates")));
	stripe_metadata(fields, json_object_get(subscription, "metadata"));
}

int
stripe_subscription(struct source_news *news, const json_t *object,
    struct bh_err *err)
{
	const char *word = bh_json_str(object, "status"), *status = "other";
	struct object_change *change;
	struct items items;
	int rank = RANK_UNKNOWN;
	bool ended = false;

	if (stripe_expect(object, "subscription", err) < 0)
		return -1;
	change = source_change(news, OBJECT_SUBSCRIPTION,
	    json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	for (size_t i = 0; word != NULL && i < BH_LEN(statuses); i++) {
		if (strcmp(statuses[i].stripe, word) == 0) {
			status = statuses[i].status;
			rank = statuses[i].rank;
			ended = statuses[i].ended;
		}
	}
	items_init(&items, news, object);
	read_subscription(change->fields, &items, object, ended);
	json_decref(items.list);
	if (word != NULL)
		json_object_set_new(change->fields, "status",
		    json_string(status));
	read_text(change->fields, "source_status",
	    json_object_get(object, "status"));
	stripe_link(news, change, "subscriptions");
	/* created is before any other event of the same second and status. */
	stripe_version(news, change,
	    2 * rank + (strcmp(news->event->type,
			    "customer.subscription.created") != 0));
	return 0;
}
