/* Stripe: subscriptions, in old shapes and new.  Their items: stripe_items.c. */
#include "base/base.h"

#include "source/stripe_items.h"

/*
 * Statuses with their rank inside one second: a subscription moves from
 * incomplete through trial to active, then to arrears, then to an end.
 */
static const struct status {
	const char *stripe, *status;
	int rank;
	bool renews, ended;
} statuses[] = {
    {"other", "other", 4, true, false}, /* any that is not listed: the set is open */
    {"incomplete", "incomplete", 1, true, false},
    {"trialing", "trialing", 2, true, false},
    {"paused", "paused", 3, false, false},
    {"active", "active", 4, true, false},
    {"past_due", "past_due", 5, true, false},
    {"unpaid", "unpaid", 6, true, false},
    {"incomplete_expired", "expired", 9, false, true},
    {"canceled", "canceled", 9, false, true},
};

static void
put_plan(json_t *fields, const struct stripe_items *items)
{
	const json_t *price = items->first;
	const json_t *longest = items->longest != NULL ? items->longest : price;

	read_id(fields, "plan_code", price);
	read_filled(fields, "plan_name",
	    READ_FIRST(json_object_get(price, "nickname"), bh_json_at(price, "product.name"),
		json_object_get(price, "name"), json_object_get(price, "lookup_key")));
	read_text(fields, "interval", stripe_recurring(longest, "interval"));
	read_int(fields, "interval_count", stripe_recurring(longest, "interval_count"));
	json_object_set(fields, "items", items->list);
	json_object_set_new(fields, "items_complete", json_boolean(items->complete));
}

/* Sums are only told when every item was seen and could be reckoned. */
static void
put_sums(json_t *fields, const struct stripe_items *items, struct read_unit unit)
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

static void
put_periods(json_t *fields, const struct stripe_items *items, const struct status *status)
{
	const json_t *subscription = items->subscription;
	const json_t *cancel_at = json_object_get(subscription, "cancel_at");
	bool at_end = bh_is_json_true(subscription, "cancel_at_period_end");
	int64_t end_ms = items->end_ms, renewal_ms, cancel_ms = INT64_MIN;

	if (end_ms != INT64_MIN) {
		read_put_ms(fields, "period_start", items->start_ms);
		read_put_ms(fields, "period_end", end_ms);
	}
	renewal_ms = items->renewal_ms != INT64_MIN ? items->renewal_ms : end_ms;
	/* cancel_at_period_end stays true when the end has come: then nothing is planned any more. */
	if (!status->ended && !is_unix_read(cancel_at, &cancel_ms) && at_end)
		cancel_ms = end_ms;
	read_put_ms(fields, "cancel_at", cancel_ms);
	if (!status->renews || (cancel_ms != INT64_MIN && cancel_ms <= renewal_ms))
		read_put_ms(fields, "renewal_at", INT64_MIN);
	else if (renewal_ms != INT64_MIN)
		read_put_ms(fields, "renewal_at", renewal_ms);
}

static void
put_cancellation(json_t *fields, const json_t *subscription)
{
	const json_t *details = json_object_get(subscription, "cancellation_details");
	const json_t *pause = json_object_get(subscription, "pause_collection");

	read_unix(fields, "canceled_at", json_object_get(subscription, "canceled_at"));
	read_unix(fields, "ended_at", json_object_get(subscription, "ended_at"));
	read_bool(fields, "cancel_at_period_end",
	    json_object_get(subscription, "cancel_at_period_end"));
	read_text(fields, "cancel_reason", json_object_get(details, "reason"));
	read_text(fields, "cancel_feedback", json_object_get(details, "feedback"));
	read_text(fields, "cancel_comment", json_object_get(details, "comment"));
	read_text(fields, "pause_collection",
	    json_is_object(pause) ? json_object_get(pause, "behavior") : pause);
	read_unix(fields, "pause_resumes_at",
	    json_is_object(pause) ? json_object_get(pause, "resumes_at") : pause);
}

/* What an item tells about the whole: these fields alone change when the other items come later. */
static void
put_items(json_t *fields, const struct stripe_items *items, const struct status *status)
{
	const json_t *currency = READ_FIRST(json_object_get(items->subscription, "currency"),
	    json_object_get(items->first, "currency"));
	const char *code = json_string_value(currency);

	read_currency(fields, "currency", currency);
	put_plan(fields, items);
	put_sums(fields, items, stripe_unit(items->news, code != NULL ? code : ""));
	read_filled(fields, "name",
	    READ_FIRST(json_object_get(items->subscription, "description"),
		json_object_get(fields, "plan_name"), json_object_get(fields, "plan_code")));
	put_periods(fields, items, status);
}

static void
read_subscription(json_t *fields, const struct stripe_items *items, const struct status *status)
{
	const json_t *subscription = items->subscription;

	read_id(fields, "customer",
	    READ_FIRST(json_object_get(subscription, "customer"),
		json_object_get(subscription, "customer_account")));
	put_items(fields, items, status);
	read_text(fields, "collection_method",
	    READ_FIRST(json_object_get(subscription, "collection_method"),
		json_object_get(subscription, "billing")));
	read_unix(fields, "started_at",
	    READ_FIRST(json_object_get(subscription, "start_date"),
		json_object_get(subscription, "start")));
	read_unix(fields, "trial_start", json_object_get(subscription, "trial_start"));
	read_unix(fields, "trial_end", json_object_get(subscription, "trial_end"));
	read_unix(fields, "created_at", json_object_get(subscription, "created"));
	put_cancellation(fields, subscription);
	read_id(fields, "latest_invoice", json_object_get(subscription, "latest_invoice"));
	read_id(fields, "schedule", json_object_get(subscription, "schedule"));
	json_object_set_new(fields, "discounts", stripe_discounts(items->news, subscription));
	json_object_set_new(fields, "tax_rates",
	    stripe_tax_rates(json_object_get(subscription, "default_tax_rates")));
	stripe_metadata(fields, json_object_get(subscription, "metadata"));
}

static const struct status *
status_of(const char *word)
{
	for (size_t i = 0; word != NULL && i < BH_LEN(statuses); i++)
		if (strcmp(statuses[i].stripe, word) == 0)
			return &statuses[i];
	return &statuses[0];
}

void
stripe_subscription_items(const struct source_news *news, json_t *fields, const json_t *object)
{
	struct stripe_items items;

	stripe_items(&items, news, object);
	put_items(fields, &items, status_of(bh_json_str(object, "status")));
	json_decref(items.list);
}

int
stripe_subscription(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *word = bh_json_str(object, "status");
	const struct status *status = status_of(word);
	static const char *const of_items[] = {"status", "currency", "description", "cancel_at",
	    "cancel_at_period_end", "current_period_start", "current_period_end", NULL};
	struct object_change *change;
	struct stripe_items items;

	if (stripe_expect(object, "subscription", err) < 0)
		return -1;
	change = source_change(news, OBJECT_SUBSCRIPTION, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	stripe_items(&items, news, object);
	read_subscription(change->fields, &items, status);
	json_decref(items.list);
	if (word != NULL)
		json_object_set_new(change->fields, "status", json_string(status->status));
	read_text(change->fields, "source_status", json_object_get(object, "status"));
	stripe_link(news, change->fields, "subscriptions", change->id);
	/* created is before any other event of the same second and status. */
	stripe_version(news, change,
	    2 * status->rank + (strcmp(news->event->type, "customer.subscription.created") != 0));
	if (!items.complete)
		stripe_want_part(news, change, STRIPE_ITEMS, object, of_items);
	stripe_tell_discounts(news, object);
	return 0;
}
