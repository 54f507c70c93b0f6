/*
 * Parts of the Stripe driver.  Payloads come in every shape since 2011, and
 * the version they name is no help: probe for keys, the new place first, and
 * never look at api_version (Stripe: API changelog, 2025-03-31 "basil" and others).
 */
#ifndef SOURCE_STRIPE_H
#define SOURCE_STRIPE_H

#include "source/driver.h"
#include "source/read.h"

/* Every type of event that is known here. */
extern const struct source_type stripe_types[];
extern const struct setting stripe_settings[];
extern const char stripe_steps[];
int stripe_check(const struct source_config *config, struct bh_err *err);

int stripe_verify(const struct source_config *config, const struct source_request *request,
    struct bh_err *err);

/* Handlers: object is data.object of a snapshot event. */
int stripe_customer(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_subscription(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_invoice(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_tax_id(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_discount_event(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_coupon(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_product(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_plan(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_credit_note(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_charge(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_payment_intent(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_invoice_payment(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_refund(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_dispute(struct source_news *news, const json_t *object, struct bh_err *err);
int stripe_schedule(struct source_news *news, const json_t *object, struct bh_err *err);

/* Snapshot or thin. */
bool is_stripe_event(const json_t *body);
bool is_stripe_thin(const json_t *body);
/* A thin event: a want for what it names.  Of no kind: STRIPE_INVOICE_PAYMENT, by its own id. */
int stripe_thin(struct source_news *news, struct bh_err *err);
#define STRIPE_INVOICE_PAYMENT "invoice_payment"
/* The event in a cloud's wrapper, where settings.unwrap allows it; else body.  Borrowed. */
const json_t *stripe_unwrapped(const struct source_config *config, const json_t *body);

/*
 * Any object that the REST API gave, by its own "object" word, deleted stubs
 * ({id, object, deleted: true}) included; with what is expanded inside it.
 * The caller makes news: event id and type "rest", at_ms the time of the
 * answer (source_answer_ms(), floored to the second, minus 2 s), account, live
 * by the key's mode (the object's livemode is believed where it is there),
 * result.  A list must be taken apart before: one call an object.
 *
 * What has to be asked for so that nothing is missed: prices with tiers,
 * coupons with applies_to (a coupon that comes by itself without it is for
 * all products), customers with tax_ids where tax numbers are wanted, a
 * failed charge's payment_intent where it is to count as the last one.
 *
 * -1 BH_INVALID for an object without id, and for a word that carries nothing for us.
 */
int stripe_object(struct source_news *news, const json_t *object, struct bh_err *err);
/* True while a REST object is at work, not an event. */
bool is_stripe_rest(const struct source_news *news);

/*
 * Parts that an event or a list left out, as wants: STRIPE_ITEMS of a
 * subscription, STRIPE_LINES of an invoice (id: the owner's).  The hint holds
 * the version of the change that they belong to and the members of the owner that the part depends on:
 * {"at_ms", "rank", "tie", "of": {...}}.
 */
#define STRIPE_ITEMS "subscription_items"
#define STRIPE_LINES "invoice_lines"
/*
 * The partial change of a looked-up part; rows: all of them (array, from
 * every page); complete false: not all could be read.  news as for
 * stripe_object(), its at_ms is not used.  -1 BH_INVALID: the want has no usable hint.
 */
int stripe_part(struct source_news *news, const struct source_want *want, const json_t *rows,
    bool complete, struct bh_err *err);
/* Ask for a part of what change is about, whose version stands already. */
void stripe_want_part(struct source_news *news, const struct object_change *change,
    const char *what, const json_t *owner, const char *const *members);

/* -1 BH_INVALID unless object is of the type named (or does not say). */
int stripe_expect(const json_t *object, const char *type, struct bh_err *err);
/*
 * Version of the change, once its fields are complete: of an event its time,
 * a rank from 0 for the same second, its id; of a REST object the time of the answer, the
 * lowest rank, so that an event of the same second wins, and a digest of the fields.
 */
void stripe_version(const struct source_news *news, struct object_change *change, int rank);
/*
 * For what may come again under an id it had (made by the merchant): when
 * the event is its creation, an additional change that clears what an earlier one left, deletion included,
 * yet stands below anything that REST told of the new one.
 */
void stripe_born(struct source_news *news, struct object_change *change);
/* Null for each of names (ending with NULL) that is missing: a partial change tells all it owns. */
void stripe_own(json_t *fields, const char *const *names);
/* Page of an object in the dashboard; what is "customers", "subscriptions" ... */
void stripe_link(const struct source_news *news, json_t *fields, const char *what, const char *id);
/* Stripe's smallest unit of a currency (settings.exponents overrides). */
struct read_unit stripe_unit(const struct source_news *news, const char *currency);
/* A discount or its id, in canonical form: id, coupon, terms.  Owned by the caller. */
json_t *stripe_discount(const struct source_news *news, const json_t *discount);
/*
 * The discounts of a customer, subscription, item or invoice: "discounts"
 * (ids or objects), with the terms of the single "discount" where it is one of them.
 */
json_t *stripe_discounts(const struct source_news *news, const json_t *owner);
/* The fields of an invoice that its lines decide: lines, lines_complete, period_start, period_end. */
void stripe_lines(json_t *fields, const json_t *invoice, struct read_unit unit);
/* Likewise those of a subscription that its items decide. */
void stripe_subscription_items(const struct source_news *news, json_t *fields,
    const json_t *subscription);
/* Changes for the discounts and coupons that stand whole in a customer or subscription and its items. */
void stripe_tell_discounts(struct source_news *news, const json_t *owner);
/* The link from an invoice to its payments: one id each until 2025-03-31, then a list where asked for. */
void stripe_tell_payments(struct source_news *news, const json_t *invoice);
/* A refund that stands inside its charge (until 2022-11-15). */
void stripe_tell_refund(struct source_news *news, const json_t *refund, const json_t *charge);
/* The sum of a member over a list as a field; nothing when the list is not there or one is no amount. */
void stripe_sum(json_t *fields, const char *name, const json_t *list, const char *member,
    struct read_unit unit);
/* Tax rates as percentage and inclusive. */
json_t *stripe_tax_rates(const json_t *rates);
/* metadata: an object of texts. */
void stripe_metadata(json_t *fields, const json_t *metadata);

#endif
