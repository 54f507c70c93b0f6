/*
 * Stripe: payments.  A payment is a payment intent; its charges (tries), the
 * payments of invoices and old invoices tell parts of it, each under the
 * intent's id.  A charge without an intent is a payment of its own.
 */
#include "base/base.h"

#include "source/stripe.h"

/*
 * Statuses with their rank inside one second.  A charge has three; the rest
 * are an intent's.  requires_payment_method is before the first try, or after one that failed.
 */
static const struct status {
	const char *stripe, *status;
	int rank;
} statuses[] = {
    {"other", "other", 1}, /* any that is not listed: the set is open */
    {"pending", "pending", 1},
    {"processing", "pending", 1},
    {"requires_payment_method", "pending", 1},
    {"requires_confirmation", "pending", 1},
    {"requires_capture", "pending", 1},
    {"requires_action", "requires_action", 2},
    {"failed", "failed", 3},
    {"succeeded", "succeeded", 4},
    {"paid", "succeeded", 4}, /* of an invoice's payment; charges before 2015 */
    {"canceled", "canceled", 5},
};

#define RANK_STEP 2048 /* between statuses: room for the thousandths that were refunded */

static const struct status *
status_of(const char *word)
{
	for (size_t i = 0; word != NULL && i < BH_LEN(statuses); i++)
		if (strcmp(statuses[i].stripe, word) == 0)
			return &statuses[i];
	return &statuses[0];
}

static struct read_unit
unit_of(const struct source_news *news, const json_t *object)
{
	const char *currency = bh_json_str(object, "currency");

	return stripe_unit(news, currency != NULL ? currency : "");
}

static bool
is_word(const json_t *object, const char *path, const char *word)
{
	const char *is = bh_json_str(object, path);

	return is != NULL && strcmp(is, word) == 0;
}

static struct object_change *
add_payment(struct source_news *news, const json_t *id, struct bh_err *err)
{
	struct object_change *change = source_change(news, OBJECT_PAYMENT, id, err);

	if (change != NULL)
		change->partial = true;
	return change;
}

/*
 * When it was paid, as a change that is as old as the payment: whoever names
 * the latest time is the most exact (a charge knows its begin, an event of
 * success and an invoice's payment the end).
 */
static void
tell_paid(struct source_news *news, const json_t *id, int64_t paid_ms)
{
	struct object_change *change = add_payment(news, id, NULL);

	if (change == NULL)
		return;
	read_put_ms(change->fields, "paid_at", paid_ms);
	change->version.at_ms = paid_ms;
	source_tie_fields(change->version.tie, change->fields);
}

/*
 * A charge begins when it is tried, the payment with the first try: the
 * earliest charge counts, and less than what the intent itself says.
 */
static void
tell_begun(struct source_news *news, const json_t *id, const json_t *created)
{
	struct object_change *change;
	int64_t at_ms;

	if (!is_unix_read(created, &at_ms) || (change = add_payment(news, id, NULL)) == NULL)
		return;
	read_put_ms(change->fields, "created_at", at_ms);
	change->version.at_ms = 1;
	if (at_ms > 0)
		change->version.rank = at_ms / 1000 < INT32_MAX ? -(int)(at_ms / 1000) : -INT32_MAX;
	source_tie_fields(change->version.tie, change->fields);
}

static void
put_card(json_t *fields, const json_t *card)
{
	json_t *one;

	if (!json_is_object(card) || json_object_get(card, "last4") == NULL)
		return;
	one = json_object();
	read_text(one, "brand", json_object_get(card, "brand"));
	read_text(one, "last4", json_object_get(card, "last4"));
	read_int(one, "exp_month", json_object_get(card, "exp_month"));
	read_int(one, "exp_year", json_object_get(card, "exp_year"));
	read_prune(one);
	json_object_set_new(fields, "card", one);
}

/* How it was paid; before 2019 the charge's source told. */
static void
put_method(json_t *fields, const json_t *charge)
{
	const json_t *details = json_object_get(charge, "payment_method_details");
	const json_t *source = json_object_get(charge, "source");

	read_text(fields, "method",
	    READ_FIRST(json_object_get(details, "type"), json_object_get(source, "object")));
	put_card(fields, json_object_get(details, "card"));
	if (!json_is_object(details))
		put_card(fields, source);
}

/* Why a charge failed: the outcome's reason says more than the code ("card_declined"). */
static void
put_charge_failure(json_t *fields, const json_t *charge)
{
	read_text(fields, "failure_code",
	    READ_FIRST(bh_json_at(charge, "outcome.reason"),
		json_object_get(charge, "failure_code")));
	read_text(fields, "failure_message",
	    READ_FIRST(json_object_get(charge, "failure_message"),
		bh_json_at(charge, "outcome.seller_message")));
	read_text(fields, "advice", bh_json_at(charge, "outcome.advice_code"));
}

/* Money that is only held is not paid; what was held and let go is canceled. */
static const struct status *
charge_status(const json_t *charge)
{
	const char *word = bh_json_str(charge, "status");

	if (word == NULL && json_is_boolean(json_object_get(charge, "paid")))
		word = bh_is_json_true(charge, "paid") ? "succeeded" : "failed";
	if (json_is_false(json_object_get(charge, "captured")) &&
	    status_of(word)->rank == status_of("succeeded")->rank)
		word = bh_is_json_true(charge, "refunded") ? "canceled" : "pending";
	return status_of(word);
}

/* What every try tells of the payment. */
static void
put_charge(const struct source_news *news, json_t *fields, const json_t *charge,
    const struct status *status)
{
	static const char *const owned[] = {"customer", "source_status", "currency", "amount",
	    "amount_captured", "amount_refunded", "disputed", "method", "card", "failure_code",
	    "failure_message", "advice", "receipt_url", "metadata", NULL};
	struct read_unit unit = unit_of(news, charge);

	read_id(fields, "customer", json_object_get(charge, "customer"));
	json_object_set_new(fields, "status", json_string(status->status));
	read_text(fields, "source_status", json_object_get(charge, "status"));
	read_currency(fields, "currency", json_object_get(charge, "currency"));
	read_money(fields, "amount", json_object_get(charge, "amount"), unit);
	read_money(fields, "amount_captured", json_object_get(charge, "amount_captured"), unit);
	read_money(fields, "amount_refunded", json_object_get(charge, "amount_refunded"), unit);
	read_bool(fields, "disputed", json_object_get(charge, "disputed"));
	put_method(fields, charge);
	if (strcmp(status->status, "failed") == 0)
		put_charge_failure(fields, charge);
	read_url(fields, "receipt_url", json_object_get(charge, "receipt_url"));
	stripe_metadata(fields, json_object_get(charge, "metadata"));
	read_id(fields, "charge", json_object_get(charge, "id"));
	stripe_own(fields, owned);
	/* Until 2025-03-31 it knew its invoice. */
	if (read_id_of(json_object_get(charge, "invoice")) != NULL)
		read_id(fields, "invoice", json_object_get(charge, "invoice"));
}

/* Between two states of one charge in one second: the one that has more refunded. */
static int
charge_rank(const json_t *charge, const struct status *status)
{
	int64_t amount = bh_json_int(charge, "amount", 0);
	int64_t refunded = bh_json_int(charge, "amount_refunded", 0);
	int rank = status->rank * RANK_STEP;

	if (amount > 0 && refunded > 0 && refunded <= amount)
		rank += (int)(refunded / (amount / 1000 + 1));
	return rank;
}

/*
 * A try that failed stays so, and another one may have followed: what is told
 * of it later is as old as the try, unless the intent calls it the last one.
 */
static bool
is_past_try(const struct source_news *news, const json_t *charge, const struct status *status)
{
	const json_t *intent = json_object_get(charge, "payment_intent");
	const json_t *last = read_id_of(json_object_get(intent, "latest_charge"));

	if (read_id_of(intent) == NULL || strcmp(news->event->type, "charge.failed") == 0)
		return false;
	if (last != NULL)
		return !json_equal(last, json_object_get(charge, "id"));
	return strcmp(status->status, "failed") == 0;
}

static void
tell_refunds(struct source_news *news, const json_t *charge)
{
	size_t i;
	json_t *refund;

	json_array_foreach (bh_json_at(charge, "refunds.data"), i, refund)
		stripe_tell_refund(news, refund, charge);
}

int
stripe_charge(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *intent = read_id_of(json_object_get(object, "payment_intent"));
	const json_t *id = intent != NULL ? intent : json_object_get(object, "id");
	const struct status *status = charge_status(object);
	bool failed = strcmp(status->status, "failed") == 0;
	struct object_change *change;
	int64_t at_ms = news->at_ms, created_ms = news->at_ms;

	if (stripe_expect(object, "charge", err) < 0)
		return -1;
	change = add_payment(news, id, err);
	if (change == NULL)
		return -1;
	is_unix_read(json_object_get(object, "created"), &created_ms);
	put_charge(news, change->fields, object, status);
	if (failed)
		read_put_ms(change->fields, "failed_at",
		    strcmp(news->event->type, "charge.failed") == 0 ? at_ms : created_ms);
	stripe_link(news, change->fields, "payments", change->id);
	stripe_version(news, change, charge_rank(object, status));
	if (is_past_try(news, object, status))
		change->version.at_ms = created_ms;
	if (strcmp(status->status, "succeeded") == 0)
		tell_paid(news, id,
		    strcmp(news->event->type, "charge.succeeded") == 0 ? at_ms : created_ms);
	tell_begun(news, id, json_object_get(object, "created"));
	tell_refunds(news, object);
	return 0;
}

/* The last try, where the intent carries it: expanded, or the first of a list until 2022-11-15. */
static const json_t *
last_charge(const json_t *intent)
{
	return READ_FIRST(json_object_get(intent, "latest_charge"),
	    bh_json_at(intent, "charges.data.0"));
}

static void
put_intent_failure(json_t *fields, const json_t *intent)
{
	const json_t *error = json_object_get(intent, "last_payment_error");

	read_text(fields, "failure_code",
	    READ_FIRST(json_object_get(error, "decline_code"), json_object_get(error, "code")));
	read_text(fields, "failure_message", json_object_get(error, "message"));
	read_text(fields, "advice", json_object_get(error, "advice_code"));
	read_text(fields, "method", bh_json_at(error, "payment_method.type"));
	put_card(fields, bh_json_at(error, "payment_method.card"));
}

static const struct status *
intent_status(const json_t *intent)
{
	const char *word = bh_json_str(intent, "status");

	if (is_word(intent, "status", "requires_payment_method") &&
	    json_is_object(json_object_get(intent, "last_payment_error")))
		word = "failed";
	return status_of(word);
}

static void
put_intent(const struct source_news *news, json_t *fields, const json_t *intent,
    const struct status *status)
{
	static const char *const owned[] = {"customer", "source_status", "currency", "amount",
	    "amount_captured", "failure_code", "failure_message", "advice", "charge", "created_at",
	    "metadata", NULL};
	const json_t *charge = last_charge(intent);
	struct read_unit unit = unit_of(news, intent);

	if (json_is_object(charge))
		put_charge(news, fields, charge, status);
	read_id(fields, "customer",
	    READ_FIRST(json_object_get(intent, "customer"),
		json_object_get(intent, "customer_account")));
	json_object_set_new(fields, "status", json_string(status->status));
	read_text(fields, "source_status", json_object_get(intent, "status"));
	read_currency(fields, "currency", json_object_get(intent, "currency"));
	read_money(fields, "amount", json_object_get(intent, "amount"), unit);
	read_money(fields, "amount_captured", json_object_get(intent, "amount_received"), unit);
	if (strcmp(status->status, "failed") == 0)
		put_intent_failure(fields, intent);
	read_id(fields, "charge", charge);
	read_unix(fields, "created_at", json_object_get(intent, "created"));
	stripe_metadata(fields, json_object_get(intent, "metadata"));
	stripe_own(fields, owned);
	if (read_id_of(json_object_get(intent, "invoice")) != NULL)
		read_id(fields, "invoice", json_object_get(intent, "invoice"));
}

int
stripe_payment_intent(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const struct status *status = intent_status(object);
	const json_t *id = json_object_get(object, "id"), *charge = last_charge(object);
	bool paid = strcmp(status->status, "succeeded") == 0;
	struct object_change *change;
	int64_t at_ms = news->at_ms;

	if (stripe_expect(object, "payment_intent", err) < 0)
		return -1;
	change = add_payment(news, id, err);
	if (change == NULL)
		return -1;
	put_intent(news, change->fields, object, status);
	if (strcmp(news->event->type, "payment_intent.payment_failed") == 0)
		read_put_ms(change->fields, "failed_at", at_ms);
	stripe_link(news, change->fields, "payments", change->id);
	stripe_version(news, change, status->rank * RANK_STEP + RANK_STEP / 2);
	if (paid && (strcmp(news->event->type, "payment_intent.succeeded") == 0 ||
			is_unix_read(json_object_get(charge, "created"), &at_ms)))
		tell_paid(news, id, at_ms);
	tell_refunds(news, charge);
	return 0;
}

/*
 * The amount of an invoice that it pays is the payment's own where nobody
 * says more: as old as the invoice's payment.
 */
static void
tell_amount(struct source_news *news, const json_t *id, const json_t *object)
{
	struct object_change *change;
	int64_t created_ms;

	if (!is_unix_read(json_object_get(object, "created"), &created_ms) ||
	    (change = add_payment(news, id, NULL)) == NULL)
		return;
	read_currency(change->fields, "currency", json_object_get(object, "currency"));
	read_money(change->fields, "amount",
	    READ_FIRST(json_object_get(object, "amount_paid"),
		json_object_get(object, "amount_requested")),
	    unit_of(news, object));
	change->version.at_ms = created_ms;
	change->version.rank = -2;
	source_tie_fields(change->version.tie, change->fields);
}

/* Since 2025-03-31 the only one that ties a payment to an invoice. */
int
stripe_invoice_payment(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *by = json_object_get(object, "payment");
	const json_t *id = read_id_of(READ_FIRST(json_object_get(by, "payment_intent"),
	    json_object_get(by, "charge"), json_object_get(by, "payment_record")));
	struct object_change *change;
	int64_t paid_ms;

	if (stripe_expect(object, "invoice_payment", err) < 0)
		return -1;
	/* One that is canceled, or replaced by another, ties nothing. */
	if (id == NULL || is_word(object, "status", "canceled"))
		return source_leave(news, SOURCE_IGNORED, "no payment of an invoice");
	change = add_payment(news, id, err);
	if (change == NULL)
		return -1;
	read_id(change->fields, "invoice", json_object_get(object, "invoice"));
	if (is_word(object, "status", "paid"))
		json_object_set_new(change->fields, "status", json_string("succeeded"));
	stripe_version(news, change, status_of("succeeded")->rank * RANK_STEP);
	tell_amount(news, id, object);
	if (is_unix_read(bh_json_at(object, "status_transitions.paid_at"), &paid_ms))
		tell_paid(news, id, paid_ms);
	return 0;
}

/* The payment that an old invoice names, as far as the invoice knows it. */
static void
tell_named(struct source_news *news, const json_t *id, const json_t *invoice)
{
	struct object_change *change = add_payment(news, id, NULL);

	if (change == NULL)
		return;
	read_id(change->fields, "invoice", invoice);
	if (read_id_of(json_object_get(invoice, "customer")) != NULL)
		read_id(change->fields, "customer", json_object_get(invoice, "customer"));
	stripe_version(news, change, 0);
}

void
stripe_tell_payments(struct source_news *news, const json_t *invoice)
{
	const json_t *id = read_id_of(READ_FIRST(json_object_get(invoice, "payment_intent"),
	    json_object_get(invoice, "charge")));
	enum source_outcome outcome = news->result->outcome;
	size_t i;
	json_t *payment;

	if (id != NULL)
		tell_named(news, id, invoice);
	json_array_foreach (bh_json_at(invoice, "payments.data"), i, payment)
		stripe_invoice_payment(news, payment, NULL);
	news->result->outcome = outcome;
	if (outcome == SOURCE_APPLIED)
		news->result->note[0] = '\0';
}
