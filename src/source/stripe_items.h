/* Stripe: the items of a subscription, for stripe_subscription.c. */
#ifndef SOURCE_STRIPE_ITEMS_H
#define SOURCE_STRIPE_ITEMS_H

#include "source/stripe.h"

/* What the subscription's own fields are made of, collected over its items. */
struct stripe_items {
	struct money_decimal amount; /* of the items of the longest interval, not metered */
	struct money_decimal quantity;
	const struct source_news *news;
	const json_t *subscription;
	json_t *list;
	const json_t *first;   /* price of the first item that is not metered, else of the first */
	const json_t *longest; /* price of the first item of the longest interval */
	int64_t length;        /* of that interval; 0: every item is metered */
	int64_t start_ms, end_ms; /* of the period that ends last; INT64_MIN: not told */
	int64_t renewal_ms;       /* end of the longest interval's period */
	bool complete;            /* all items were sent */
	bool amount_known, quantity_known;
	bool first_licensed, end_licensed;
};

/* Read all items of a subscription in any shape; items->list is the caller's to release. */
void stripe_items(struct stripe_items *items, const struct source_news *news,
    const json_t *subscription);
/* The terms of a price or plan, as items and plans hold them. */
void stripe_price(json_t *fields, const json_t *price, struct read_unit unit);
/* A member of price.recurring, which in a plan stands at the top.  Borrowed. */
const json_t *stripe_recurring(const json_t *price, const char *name);

#endif
