/* Stripe: subscription schedules, the agreed changes of a subscription's future. */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe_items.h"

static const struct status {
	const char *status;
	int rank; /* inside one second */
} statuses[] = {{"not_started", 1}, {"active", 2}, {"completed", 3}, {"released", 3},
    {"canceled", 3}};

/* Discounts of a phase or its items: a coupon, or a discount that is there already. */
static json_t *
phase_discounts(const struct source_news *news, const json_t *owner)
{
	const json_t *single = json_object_get(owner, "coupon");
	json_t *list = json_array();
	size_t i;
	json_t *given;

	json_array_foreach (json_object_get(owner, "discounts"), i, given) {
		const json_t *discount = json_object_get(given, "discount");
		json_t *one = stripe_discount(news, discount != NULL ? discount : json_null());

		if (read_id_of(json_object_get(given, "coupon")) != NULL)
			read_id(one, "coupon", json_object_get(given, "coupon"));
		if (read_id_of(json_object_get(given, "promotion_code")) != NULL)
			read_id(one, "promotion_code", json_object_get(given, "promotion_code"));
		json_array_append_new(list, one);
	}
	/* Until 2024 a phase had at most one coupon. */
	if (json_array_size(list) == 0 && read_id_of(single) != NULL) {
		json_t *one = json_object();

		read_id(one, "coupon", single);
		json_array_append_new(list, one);
	}
	return list;
}

/* In the form of a subscription's item, so that both are worth the same. */
static json_t *
phase_item(const struct source_news *news, const json_t *item, const json_t *currency)
{
	const json_t *price =
	    READ_FIRST(json_object_get(item, "price"), json_object_get(item, "plan"));
	const char *code =
	    json_string_value(READ_FIRST(json_object_get(price, "currency"), currency));
	json_t *one = json_object(), *discounts = phase_discounts(news, item);
	json_t *rates = stripe_tax_rates(json_object_get(item, "tax_rates"));

	read_id(one, "price", price);
	stripe_price(one, price, stripe_unit(news, code != NULL ? code : ""));
	if (json_object_get(one, "currency") == NULL)
		read_currency(one, "currency", currency);
	read_decimal(one, "quantity", json_object_get(item, "quantity"));
	if (json_array_size(discounts) > 0)
		json_object_set(one, "discounts", discounts);
	if (json_array_size(rates) > 0)
		json_object_set(one, "tax_rates", rates);
	read_prune(one);
	json_decref(discounts);
	json_decref(rates);
	return one;
}

static json_t *
phase_json(const struct source_news *news, const json_t *phase)
{
	const json_t *currency = json_object_get(phase, "currency");
	const json_t *items =
	    READ_FIRST(json_object_get(phase, "items"), json_object_get(phase, "plans"));
	json_t *one = json_object(), *list = json_array();
	size_t i;
	json_t *item;

	json_array_foreach (items, i, item)
		json_array_append_new(list, phase_item(news, item, currency));
	read_unix(one, "start", json_object_get(phase, "start_date"));
	read_unix(one, "end", json_object_get(phase, "end_date"));
	read_unix(one, "trial_end", json_object_get(phase, "trial_end"));
	read_currency(one, "currency", currency);
	read_prune(one);
	json_object_set_new(one, "items", list);
	json_object_set_new(one, "discounts", phase_discounts(news, phase));
	json_object_set_new(one, "tax_rates",
	    stripe_tax_rates(json_object_get(phase, "default_tax_rates")));
	return one;
}

static void
put_phases(const struct source_news *news, json_t *fields, const json_t *phases)
{
	json_t *list = json_array();
	int64_t end_ms, last_ms = INT64_MIN;
	size_t i;
	json_t *phase;

	json_array_foreach (phases, i, phase) {
		json_array_append_new(list, phase_json(news, phase));
		if (is_unix_read(json_object_get(phase, "end_date"), &end_ms) && end_ms > last_ms)
			last_ms = end_ms;
	}
	json_object_set_new(fields, "phases", list);
	read_put_ms(fields, "ends_at", last_ms);
}

int
stripe_schedule(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *word = bh_json_str(object, "status"), *status = "other";
	struct object_change *change;
	int rank = 2;

	if (stripe_expect(object, "subscription_schedule", err) < 0)
		return -1;
	change = source_change(news, OBJECT_SCHEDULE, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	for (size_t i = 0; word != NULL && i < BH_LEN(statuses); i++) {
		if (strcmp(statuses[i].status, word) == 0) {
			status = word;
			rank = statuses[i].rank;
		}
	}
	read_id(change->fields, "customer",
	    READ_FIRST(json_object_get(object, "customer"),
		json_object_get(object, "customer_account")));
	/* Once released it is only remembered which one it was. */
	read_id(change->fields, "subscription",
	    READ_FIRST(json_object_get(object, "subscription"),
		json_object_get(object, "released_subscription")));
	json_object_set_new(change->fields, "status", json_string(status));
	read_text(change->fields, "end_behavior", json_object_get(object, "end_behavior"));
	put_phases(news, change->fields, json_object_get(object, "phases"));
	stripe_version(news, change, 2 * rank + !bh_has_suffix(news->event->type, ".created"));
	return 0;
}
