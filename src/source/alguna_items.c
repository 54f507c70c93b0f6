/*
 * Alguna: the priced items of a subscription's version (API reference,
 * "Pricing models"; "Get a subscription version"), and discounts.
 *
 * What is charged by use counts as metered.  Prices that are an expression, or are
 * paid ahead with overages, cannot be told from what the API shows: such an
 * item has no amount, and what depends on it is not known.
 */
#include "base/base.h"

#include "base/clock.h"
#include "source/alguna.h"

#define ITEMS_MAX 1000
#define TIME_MAX_MS INT64_C(253402300799999) /* 9999-12-31 */

static const struct {
	const char *word, *interval;
	int months;
} intervals[] = {
    {"monthly", "month", 1},
    {"month", "month", 1},
    {"quarterly", "quarter", 3},
    {"quarter", "quarter", 3},
    {"semi_annual", "semiannual", 6},
    {"semi_annually", "semiannual", 6},
    {"yearly", "year", 12},
    {"annual", "year", 12},
    {"annually", "year", 12},
    {"year", "year", 12},
};

/* -- discounts -- */

static int64_t
months_later(int64_t at_ms, int64_t months)
{
	int64_t days = at_ms / 86400000, rest = at_ms % 86400000, all;
	int year, month, day;

	bh_civil_from_days(days, &year, &month, &day);
	all = (int64_t)year * 12 + month - 1 + months;
	year = (int)(all / 12);
	month = (int)(all % 12) + 1;
	if (day > bh_days_in_month(year, month))
		day = bh_days_in_month(year, month);
	return bh_days_from_civil(year, month, day) * 86400000 + rest;
}

/* The end of value units after start; INT64_MIN when the unit is none of time. */
static int64_t
duration_end(int64_t start_ms, int64_t value, const char *unit)
{
	static const struct {
		const char *unit;
		int months, days;
	} units[] = {{"day", 0, 1}, {"week", 0, 7}, {"month", 1, 0}, {"quarter", 3, 0},
	    {"year", 12, 0}};

	for (size_t i = 0; unit != NULL && i < BH_LEN(units); i++) {
		size_t len = strlen(units[i].unit);

		if (strncmp(unit, units[i].unit, len) != 0 ||
		    (unit[len] != '\0' && strcmp(unit + len, "s") != 0))
			continue;
		return months_later(start_ms, value * units[i].months) +
		       value * units[i].days * 86400000;
	}
	return INT64_MIN;
}

static void
put_duration(json_t *one, const json_t *discount, const char *start)
{
	const char *type = alguna_text(discount, "duration_type");
	const char *unit = alguna_text(discount, "duration_unit");
	int64_t start_ms, end_ms, value = 0;

	bh_is_json_int(alguna_at(discount, "duration_value"), "", &value);
	if (type != NULL && strcmp(type, "once") == 0) {
		json_object_set_new(one, "duration", json_string("once"));
		return;
	}
	json_object_set_new(one, "duration", json_string(value > 0 ? "repeating" : "forever"));
	if (start == NULL || !bh_is_time(start, &start_ms) || start_ms < 0)
		return;
	read_put_ms(one, "start", start_ms);
	if (value <= 0 || value > 1200)
		return;
	end_ms = duration_end(start_ms, value, unit);
	if (end_ms != INT64_MIN && end_ms <= TIME_MAX_MS)
		read_put_ms(one, "end", end_ms);
}

json_t *
alguna_discount(const json_t *discount, const char *currency, const char *start)
{
	const json_t *amount = alguna_at(discount, "amount");
	const char *type = alguna_text(discount, "type");
	struct money_decimal decimal, factor = {1, 0};
	json_t *one;
	int64_t minor;

	if (type == NULL || amount == NULL || !is_source_decimal(amount, &decimal))
		return NULL;
	one = json_object();
	if (strncmp(type, "percent", 7) == 0) {
		read_decimal(one, "percent_off", amount);
	} else if (currency != NULL) {
		factor.digits = alguna_unit(currency).multiply;
		if (is_money_multiplied(&decimal, &factor, &decimal) &&
		    is_money_rounded(&decimal, &minor))
			json_object_set_new(one, "amount_off", json_integer(minor));
		json_object_set_new(one, "currency", json_string(currency));
	}
	put_duration(one, discount, start);
	return one;
}

/* -- items -- */

/* While the items of a version are read. */
struct reading {
	const json_t *version;
	const char *currency; /* of the subscription, where a price has none */
	json_t *list;
	int months; /* the longest interval of licensed items */
	bool amount_known, quantity_known;
	struct money_decimal amount, quantity; /* of that interval; of all licensed items */
};

/* A price: in the item, or in the version's own list by its id (or product). */
static const json_t *
price_of(const struct reading *reading, const json_t *item)
{
	const json_t *price = json_object_get(item, "price"), *one;
	const char *id = alguna_text(item, "price_id"), *product = alguna_text(item, "product_id");
	size_t i;

	if (json_is_object(price))
		return price;
	if (alguna_at(item, "billing_interval") != NULL)
		return item;
	json_array_foreach (json_object_get(reading->version, "prices"), i, one) {
		const char *its = bh_json_str(one, "id"), *of = alguna_text(one, "product_id");

		if (id != NULL ? its != NULL && strcmp(its, id) == 0
			       : product != NULL && of != NULL && strcmp(of, product) == 0)
			return one;
	}
	return NULL;
}

static const char *
model_type(const json_t *price)
{
	const char *type = alguna_text(price, "type");

	return type != NULL ? type : alguna_text(price, "model");
}

/* The model's own part: fixed_pricing_model ...; else the price itself. */
static const json_t *
model_of(const json_t *price)
{
	const char *type = model_type(price);
	const json_t *model;
	char name[64];

	snprintf(name, sizeof(name), "%.40s_pricing_model", type != NULL ? type : "");
	model = alguna_at(price, name);
	return json_is_object(model) ? model : price;
}

static json_t *
tiers_json(const json_t *tiers, struct read_unit unit)
{
	json_t *list = json_array(), *tier;
	size_t i;

	json_array_foreach (tiers, i, tier) {
		json_t *one = json_object();

		read_int(one, "up_to", alguna_at(tier, "max_units"));
		read_precise(one, "unit_amount", alguna_at(tier, "price_per_unit"), unit);
		read_precise(one, "flat_amount", alguna_at(tier, "fixed_fee"), unit);
		read_prune(one);
		json_array_append_new(list, one);
	}
	return list;
}

/* Tiers whose number of units is agreed. */
static bool
is_tiered_put(json_t *one, const char *type, const json_t *model, struct read_unit unit)
{
	const json_t *tiers = json_object_get(model, "tiers");

	if (!json_is_array(tiers) ||
	    (strcmp(type, "tiered") != 0 && strcmp(type, "graduated_tiered") != 0 &&
		strcmp(type, "graduated") != 0 && strcmp(type, "volume") != 0))
		return false;
	json_object_set_new(one, "billing_scheme", json_string("tiered"));
	json_object_set_new(one, "tiers_mode",
	    json_string(strncmp(type, "graduated", 9) == 0 ? "graduated" : "volume"));
	json_object_set_new(one, "tiers", tiers_json(tiers, unit));
	return true;
}

/* A price of a unit; a total where there is none. */
static bool
is_fixed_put(json_t *one, const char *type, const json_t *model, struct read_unit unit)
{
	const json_t *each =
	    READ_FIRST(alguna_at(model, "price_per_unit"), alguna_at(model, "unit_price"),
		alguna_at(model, "unit_amount"), json_object_get(model, "price"));
	const json_t *total =
	    READ_FIRST(json_object_get(model, "total"), json_object_get(model, "amount"));

	if (strcmp(type, "fixed") != 0 && strcmp(type, "unit") != 0)
		return false;
	json_object_set_new(one, "billing_scheme", json_string("per_unit"));
	if (each != NULL) {
		read_precise(one, "unit_amount", each, unit);
	} else {
		read_precise(one, "unit_amount", total, unit);
		json_object_set_new(one, "quantity", json_string("1"));
	}
	return json_object_get(one, "unit_amount") != NULL;
}

/* Its months; 0 it does not recur; -1 not known. */
static int
put_interval(json_t *one, const json_t *price)
{
	const char *frequency = alguna_text(price, "billing_frequency");
	const char *word = alguna_text(price, "billing_interval");

	if (frequency != NULL && strncmp(frequency, "one", 3) == 0) {
		json_object_set_new(one, "interval", json_null());
		return 0;
	}
	for (size_t i = 0; word != NULL && i < BH_LEN(intervals); i++) {
		if (strcmp(intervals[i].word, word) == 0) {
			json_object_set_new(one, "interval", json_string(intervals[i].interval));
			json_object_set_new(one, "interval_count", json_integer(1));
			return intervals[i].months;
		}
	}
	return -1;
}

static bool
is_metered(const json_t *price, const char *type)
{
	const char *fee = alguna_text(price, "fee_type");

	/* A commitment paid ahead, or an expression over anything, is not just use. */
	if (strncmp(type, "prepaid", 7) == 0 || strcmp(type, "expression") == 0)
		return false;
	return (fee != NULL && strcmp(fee, "metered") == 0) || strstr(type, "percentage") != NULL;
}

/* What one licensed item adds to the subscription's own figures. */
static void
add_licensed(struct reading *reading, const json_t *one, int months)
{
	struct money_decimal quantity, amount;
	bool counted = is_source_decimal(json_object_get(one, "quantity"), &quantity);

	if (months == 0)
		return;
	if (!counted || !is_money_added(&reading->quantity, &quantity, &reading->quantity))
		reading->quantity_known = false;
	if (months > reading->months) {
		reading->months = months;
		reading->amount = (struct money_decimal){0, 0};
		reading->amount_known = true;
	}
	if (months >= 0 && months < reading->months)
		return;
	if (months < 0 || !counted ||
	    !is_source_decimal(json_object_get(one, "unit_amount"), &amount) ||
	    !is_money_multiplied(&amount, &quantity, &amount) ||
	    !is_money_added(&reading->amount, &amount, &reading->amount))
		reading->amount_known = false;
}

static void
put_price(struct reading *reading, json_t *one, const json_t *item, const json_t *price)
{
	const json_t *model = model_of(price), *discount = json_object_get(price, "discount");
	const char *type = model_type(price), *currency;
	struct read_unit unit;
	bool metered, priced;
	int months;

	read_currency(one, "currency", json_object_get(price, "currency"));
	currency = bh_json_str(one, "currency");
	if (currency == NULL)
		currency = reading->currency;
	type = type != NULL ? type : "";
	unit = alguna_unit(currency);
	months = put_interval(one, price);
	read_decimal(one, "quantity",
	    READ_FIRST(json_object_get(item, "quantity"), json_object_get(model, "units"),
		json_object_get(model, "quantity")));
	metered = is_metered(price, type);
	priced = currency != NULL &&
		 (is_fixed_put(one, type, model, unit) || is_tiered_put(one, type, model, unit));
	if (metered || priced)
		json_object_set_new(one, "usage_type",
		    json_string(metered ? "metered" : "licensed"));
	/* Without terms there is nothing else to look a price up by. */
	if (priced && months > 0)
		read_text(one, "price",
		    READ_FIRST(json_object_get(price, "id"), alguna_at(item, "price_id")));
	if (json_is_object(discount)) {
		json_t *its = alguna_discount(discount, currency,
		    json_string_value(READ_FIRST(alguna_at(reading->version, "start_date"),
			alguna_at(reading->version, "effective_at"))));

		if (its != NULL)
			json_object_set_new(one, "discounts", json_pack("[o]", its));
	}
	if (!metered)
		add_licensed(reading, one, months);
}

/* A bundle's items stand in it, one level deep. */
static void
add_item(struct reading *reading, const json_t *item, bool is_outer)
{
	const json_t *inner = json_object_get(item, "items"), *price = price_of(reading, item);
	json_t *one, *child;
	size_t i;

	if (!json_is_object(item) || json_array_size(reading->list) >= ITEMS_MAX)
		return;
	if (is_outer && json_is_array(inner)) {
		json_array_foreach (inner, i, child)
			add_item(reading, child, false);
		if (price == NULL)
			return;
	}
	one = json_object();
	read_text(one, "id",
	    READ_FIRST(json_object_get(item, "id"), alguna_at(item, "product_id")));
	read_text(one, "product",
	    READ_FIRST(alguna_at(item, "product_id"), alguna_at(price, "product_id")));
	read_filled(one, "name",
	    READ_FIRST(alguna_at(item, "product_name"), json_object_get(item, "name"),
		json_object_get(item, "description")));
	if (price != NULL)
		put_price(reading, one, item, price);
	else
		reading->amount_known = reading->quantity_known = false;
	/* Pruned but for the interval: there null means that it does not recur. */
	if (json_is_null(json_object_get(one, "interval"))) {
		read_prune(one);
		json_object_set_new(one, "interval", json_null());
	} else {
		read_prune(one);
	}
	json_array_append_new(reading->list, one);
}

static void
put_figures(struct reading *reading, json_t *fields)
{
	char text[MONEY_TEXT];
	int64_t minor;

	for (size_t i = 0; i < BH_LEN(intervals); i++) {
		if (intervals[i].months == reading->months) {
			json_object_set_new(fields, "interval", json_string(intervals[i].interval));
			json_object_set_new(fields, "interval_count", json_integer(1));
			break;
		}
	}
	if (reading->months > 0 && reading->amount_known &&
	    is_money_rounded(&reading->amount, &minor))
		json_object_set_new(fields, "amount", json_integer(minor));
	else
		json_object_set_new(fields, "amount", json_null());
	if (reading->months > 0 && reading->quantity_known) {
		money_decimal_text(text, &reading->quantity);
		json_object_set_new(fields, "quantity", json_string(text));
	}
}

/*
 * Items are told by versions alone, so they are ordered among themselves: by
 * when the version began, was made or changed last, whichever is latest.
 */
static int64_t
version_ms(const json_t *version)
{
	static const char *const names[] = {"start_date", "effective_at", "created_at",
	    "updated_at"};
	int64_t latest_ms = 0, at_ms;

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const char *text = alguna_text(version, names[i]);

		if (text != NULL && bh_is_time(text, &at_ms) && at_ms > latest_ms)
			latest_ms = at_ms;
	}
	return latest_ms;
}

int
alguna_items(struct source_news *news, const char *subscription, const json_t *version,
    struct bh_err *err)
{
	const json_t *items = json_object_get(version, "items");
	json_t *id = json_string(subscription), *item;
	struct object_change *change = source_change(news, OBJECT_SUBSCRIPTION, id, err);
	struct reading reading = {.version = version,
	    .currency = bh_json_str(version, "currency"),
	    .list = json_array(),
	    .amount_known = true,
	    .quantity_known = true};
	size_t i;
	int rc = change != NULL ? 0 : -1;

	if (rc == 0 && !json_is_array(items) && json_is_array(json_object_get(version, "prices")))
		items = json_object_get(version, "prices");
	json_array_foreach (items, i, item)
		add_item(&reading, item, true);
	if (rc == 0) {
		json_object_set(change->fields, "items", reading.list);
		json_object_set_new(change->fields, "items_complete",
		    json_boolean(
			json_is_array(items) && json_array_size(reading.list) < ITEMS_MAX));
		put_figures(&reading, change->fields);
		change->partial = true;
		change->version.at_ms = version_ms(version);
		source_tie_fields(change->version.tie, change->fields);
		if (change->version.at_ms <= 0)
			rc = bh_fail(err, BH_INVALID, "a subscription version without a time");
	}
	json_decref(reading.list);
	json_decref(id);
	return rc;
}
