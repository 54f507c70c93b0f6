/* See terms.h. */
#include "base/base.h"

#include "sync/terms.h"

/* What of a price is taken over where the item does not say it itself. */
static const char *const price_members[] = {"unit_amount", "interval", "interval_count",
    "usage_type", "billing_scheme", "tiers_mode", "tiers", "divide_by", "round", "tax_behavior",
    "currency", "product"};
/* What of a coupon (or of the terms that came with a discount). */
static const char *const coupon_members[] = {"percent_off", "amount_off", "currency", "duration",
    "duration_in_months", "products"};
static const char *const discount_members[] = {"coupon", "start", "end", "subscription_item"};

static bool
is_there(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return value != NULL && !json_is_null(value);
}

static bool
is_tiered(const json_t *item)
{
	const char *scheme = bh_json_str(item, "billing_scheme");

	return is_there(item, "tiers_mode") || (scheme != NULL && strcmp(scheme, "tiered") == 0);
}

/* Metered items are worth nothing whatever their price. */
static bool
is_priced(const json_t *item)
{
	const char *usage = bh_json_str(item, "usage_type");

	if (usage != NULL && strcmp(usage, "metered") == 0)
		return true;
	return is_there(item, "interval") &&
	       is_there(item, is_tiered(item) ? "tiers" : "unit_amount");
}

static bool
is_termed(const json_t *discount)
{
	return is_there(discount, "percent_off") || is_there(discount, "amount_off");
}

static void
need(terms_each *each, void *arg, enum object_kind kind, const char *id)
{
	if (id != NULL && *id != '\0' && strlen(id) < 256)
		each(arg, kind, id);
}

static void
need_discounts(const json_t *discounts, terms_find *find, terms_each *each, void *arg)
{
	size_t i;
	json_t *one;

	json_array_foreach (discounts, i, one) {
		const char *id = bh_json_str(one, "id"), *coupon = bh_json_str(one, "coupon");
		const json_t *held;

		if (coupon == NULL && !is_termed(one)) {
			need(each, arg, OBJECT_DISCOUNT, id);
			held = find != NULL && id != NULL ? find(arg, OBJECT_DISCOUNT, id) : NULL;
			coupon = bh_json_str(held, "coupon");
		}
		/* Which products it is for is never sent along: the coupon is asked. */
		if (coupon != NULL && json_object_get(one, "products") == NULL)
			need(each, arg, OBJECT_COUPON, coupon);
	}
}

void
terms_needed(const json_t *state, terms_find *find, terms_each *each, void *arg)
{
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(state, "items"), i, item) {
		if (!is_priced(item))
			need(each, arg, OBJECT_PLAN, bh_json_str(item, "price"));
		need_discounts(json_object_get(item, "discounts"), find, each, arg);
	}
	need_discounts(json_object_get(state, "discounts"), find, each, arg);
}

static void
take(json_t *to, const json_t *from, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(from, names[i]);

		if (value != NULL && json_object_get(to, names[i]) == NULL)
			json_object_set(to, names[i], value);
	}
}

static void
fill_discount(json_t *one, terms_find *find, void *arg)
{
	const char *id = bh_json_str(one, "id"), *coupon;
	const json_t *discount = NULL;

	if (!is_termed(one) && id != NULL)
		discount = find(arg, OBJECT_DISCOUNT, id);
	if (discount != NULL) {
		take(one, discount, discount_members, BH_LEN(discount_members));
		take(one, json_object_get(discount, "terms"), coupon_members,
		    BH_LEN(coupon_members));
	}
	coupon = bh_json_str(one, "coupon");
	if (coupon != NULL)
		take(one, find(arg, OBJECT_COUPON, coupon), coupon_members, BH_LEN(coupon_members));
}

json_t *
terms_discounts(const json_t *discounts, terms_find *find, void *arg)
{
	json_t *list = json_array(), *one;
	size_t i;

	json_array_foreach (discounts, i, one) {
		json_t *copy = json_copy(one);

		if (json_is_object(copy))
			fill_discount(copy, find, arg);
		json_array_append_new(list, copy);
	}
	return list;
}

static json_t *
filled_item(json_t *item, terms_find *find, void *arg)
{
	json_t *copy = json_copy(item);
	const char *price = bh_json_str(copy, "price");

	if (!json_is_object(copy))
		return copy;
	if (!is_priced(copy) && price != NULL)
		take(copy, find(arg, OBJECT_PLAN, price), price_members, BH_LEN(price_members));
	if (json_is_array(json_object_get(copy, "discounts")))
		json_object_set_new(copy, "discounts",
		    terms_discounts(json_object_get(copy, "discounts"), find, arg));
	return copy;
}

void
terms_fill(json_t *state, terms_find *find, void *arg)
{
	json_t *items = json_object_get(state, "items"), *filled, *item;
	size_t i;

	/* What the state holds may be shared with the mirrored object: parts are copied. */
	if (json_is_array(items)) {
		filled = json_array();
		json_array_foreach (items, i, item)
			json_array_append_new(filled, filled_item(item, find, arg));
		json_object_set_new(state, "items", filled);
	}
	if (json_is_array(json_object_get(state, "discounts")))
		json_object_set_new(state, "discounts",
		    terms_discounts(json_object_get(state, "discounts"), find, arg));
}
