/*
 * Discounts: which are in force and count, and what they take off.  An item's
 * own come first, then those of the subscription; the customer's count where
 * the subscription has none in force (Stripe lets the subscription's replace it).
 */
#include "base/base.h"

#include "model/revenue_parts.h"

/* More than any source gives to one owner; a longer list is not reckoned with. */
#define DISCOUNTS_MAX 200

/* A discount whose terms are known. */
struct terms {
	bool is_percent;
	struct fraction off; /* of 1, or minor units of an invoice */
	const json_t *products;
};

static bool
is_in_force(const json_t *discount, int64_t at_ms, int64_t *changes_ms)
{
	int64_t start_ms = revenue_time(discount, "start", INT64_MIN);
	int64_t end_ms = revenue_time(discount, "end", INT64_MAX);

	if (end_ms <= start_ms)
		return false;
	revenue_nearer(changes_ms, at_ms, start_ms > at_ms ? start_ms : end_ms);
	return start_ms <= at_ms && at_ms < end_ms;
}

/* One without a duration is for ever when it has no end. */
static bool
is_chosen(const json_t *discount, enum revenue_discounts discounts)
{
	const char *duration = revenue_text(discount, "duration");

	if (*duration == '\0')
		duration =
		    revenue_time(discount, "end", INT64_MAX) < INT64_MAX ? "repeating" : "forever";
	switch (discounts) {
	case REVENUE_NONE:
		return false;
	case REVENUE_FOREVER:
		return strcmp(duration, "forever") == 0;
	case REVENUE_ALL:
		return true;
	case REVENUE_RECURRING:
		break;
	}
	return strcmp(duration, "once") != 0;
}

static const char *
name_of(const json_t *discount)
{
	const char *id = revenue_text(discount, "id");

	return json_is_string(discount) ? json_string_value(discount)
	       : *id != '\0'            ? id
					: revenue_text(discount, "coupon");
}

/* False when they are not known, or an amount is in another currency. */
static bool
is_terms_read(const struct revenue_sum *sum, const json_t *discount, struct terms *terms_r)
{
	const json_t *percent = json_object_get(discount, "percent_off");
	const json_t *amount = json_object_get(discount, "amount_off");
	const char *currency = revenue_text(discount, "currency");
	struct fraction hundred = fraction_of(100), one = fraction_of(1);

	*terms_r = (struct terms){.products = json_object_get(discount, "products")};
	if (is_revenue_number(percent, &terms_r->off)) {
		terms_r->is_percent = true;
		return is_fraction_divided(&terms_r->off, &hundred, &terms_r->off) &&
		       terms_r->off.above >= 0 && fraction_compare(&terms_r->off, &one) <= 0;
	}
	return is_revenue_number(amount, &terms_r->off) && terms_r->off.above >= 0 &&
	       (*currency == '\0' || strcmp(currency, sum->currency) == 0);
}

/* Whether it may lower this item, which then has a worth. */
static bool
is_touched(const struct terms *terms, const struct revenue_item *item)
{
	const json_t *product = json_object_get(item->json, "product");
	size_t i;
	json_t *one;

	if (item->gross.above <= 0)
		return false;
	if (!json_is_array(terms->products))
		return true;
	json_array_foreach (terms->products, i, one)
		if (json_equal(one, product))
			return true;
	return false;
}

/* g × (1 - off) */
static bool
is_lowered(struct revenue_item *item, const struct fraction *off)
{
	struct fraction rest = fraction_of(1);

	return is_fraction_taken(&rest, off, &rest) &&
	       is_fraction_multiplied(&item->gross, &rest, &item->gross);
}

/* Off one item: an amount is taken off each of its periods, down to nothing. */
static bool
is_item_lowered(const struct terms *terms, struct revenue_item *item)
{
	if (!is_touched(terms, item))
		return true;
	if (terms->is_percent)
		return is_lowered(item, &terms->off);
	if (fraction_compare(&terms->off, &item->gross) >= 0) {
		item->gross = FRACTION_ZERO;
		return true;
	}
	return is_fraction_taken(&item->gross, &terms->off, &item->gross);
}

/* What the touched items are worth a year, and how many invoices they cause. */
static bool
is_yearly(const struct revenue_sum *sum, const struct terms *terms, struct fraction *worth_r,
    struct fraction *invoices_r)
{
	*worth_r = *invoices_r = FRACTION_ZERO;
	for (size_t i = 0; i < sum->items_n; i++) {
		struct fraction year;

		if (!is_touched(terms, &sum->items[i]))
			continue;
		if (!is_fraction_multiplied(&sum->items[i].gross, &sum->items[i].per_year, &year) ||
		    !is_fraction_added(worth_r, &year, worth_r))
			return false;
		if (fraction_compare(&sum->items[i].per_year, invoices_r) > 0)
			*invoices_r = sum->items[i].per_year;
	}
	return true;
}

/*
 * Off the whole subscription: an amount is taken off every invoice, which
 * come as often as the shortest interval, and is spread in proportion.
 */
static bool
is_whole_lowered(struct revenue_sum *sum, const struct terms *terms)
{
	struct fraction off = terms->off, worth, invoices, one = fraction_of(1);

	if (!terms->is_percent) {
		if (!is_yearly(sum, terms, &worth, &invoices))
			return false;
		if (worth.above == 0)
			return true;
		if (!is_fraction_multiplied(&off, &invoices, &off) ||
		    !is_fraction_divided(&off, &worth, &off))
			return false;
		if (fraction_compare(&off, &one) > 0)
			off = one;
	}
	for (size_t i = 0; i < sum->items_n; i++)
		if (is_touched(terms, &sum->items[i]) && !is_lowered(&sum->items[i], &off))
			return false;
	return true;
}

/* The discounts of one owner, in their order; item NULL: the subscription's. */
static bool
is_list_taken(struct revenue_sum *sum, const json_t *list, struct revenue_item *item)
{
	struct terms terms;
	size_t i;
	json_t *discount;

	if (json_array_size(list) > DISCOUNTS_MAX)
		return is_revenue_too_large(sum->why);
	json_array_foreach (list, i, discount) {
		if (!is_chosen(discount, sum->switches->discounts) ||
		    !is_in_force(discount, sum->at_ms, &sum->changes_ms))
			continue;
		if (!is_terms_read(sum, discount, &terms))
			return is_revenue_missing(sum->why, "the terms of discount",
			    name_of(discount));
		if (!(item != NULL ? is_item_lowered(&terms, item) : is_whole_lowered(sum, &terms)))
			return is_revenue_too_large(sum->why);
	}
	return true;
}

/* The subscription's own while one is in force, else the customer's. */
static const json_t *
owner_list(struct revenue_sum *sum)
{
	const json_t *own = json_object_get(sum->subscription, "discounts");
	const json_t *others = json_object_get(sum->subscription, "customer_discounts");
	bool found = false;
	size_t i;
	json_t *discount;

	if (json_array_size(others) == 0 || json_array_size(own) > DISCOUNTS_MAX)
		return own;
	json_array_foreach (own, i, discount)
		if (is_in_force(discount, sum->at_ms, &sum->changes_ms))
			found = true;
	return found ? own : others;
}

bool
is_revenue_discounted(struct revenue_sum *sum)
{
	if (sum->switches->discounts == REVENUE_NONE)
		return true;
	for (size_t i = 0; i < sum->items_n; i++)
		if (!is_list_taken(sum, json_object_get(sum->items[i].json, "discounts"),
			&sum->items[i]))
			return false;
	return is_list_taken(sum, owner_list(sum), NULL);
}
