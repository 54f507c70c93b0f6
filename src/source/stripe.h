/*
 * Parts of the Stripe driver.  Payloads come in every shape since 2011, and
 * the version they name is no help: probe for keys, the new place first, and
 * never look at api_version (Stripe: API changelog, 2025-03-31 "basil" and others).
 */
#ifndef SOURCE_STRIPE_H
#define SOURCE_STRIPE_H

#include "source/driver.h"
#include "source/read.h"

int stripe_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err);

/* Handlers: object is data.object of a snapshot event. */
int stripe_customer(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_subscription(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_invoice(struct source_news *news, const json_t *object, struct bh_err *err);

/* -1 BH_INVALID unless object is of the type named (or does not say). */
int stripe_expect(const json_t *object, const char *type, struct bh_err *err);
/* Version of the change: the event's time, a rank for the same second, the event's id. */
void stripe_version(const struct source_news *news, struct object_change *change, int rank);
/* Page of an object in the dashboard; what is "customers", "subscriptions" ... */
void stripe_link(const struct source_news *news, struct object_change *change, const char *what);
/* Stripe's smallest unit of a currency (settings.exponents overrides). */
struct read_unit stripe_unit(const struct source_news *news, const char *currency);
/* A discount or its id, in canonical form: id, coupon, terms.  Owned by the caller. */
json_t *stripe_discount(const struct source_news *news, const json_t *discount);
/*
 * The discounts of a customer, subscription, item or invoice: "discounts"
 * (ids or objects), with the terms of the single "discount" where it is one of them.
 */
json_t *stripe_discounts(const struct source_news *news, const json_t *owner);
/* Tax rates as percentage and inclusive. */
json_t *stripe_tax_rates(const json_t *rates);
/* metadata: an object of texts. */
void stripe_metadata(json_t *fields, const json_t *metadata);

#endif
