/* Stripe: money that goes back: refunds, disputes, credit notes. */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe.h"

/* The provider's word, ours, and its rank inside one second. */
struct status {
	const char *stripe, *status;
	int rank;
};

static const struct status refund_statuses[] = {
    {"other", "other", 1}, /* the first: any that is not listed */
    {"pending", "pending", 1},
    {"requires_action", "requires_action", 2},
    {"succeeded", "succeeded", 3},
    {"failed", "failed", 4}, /* the money came back, even after a success */
    {"canceled", "canceled", 4},
    {NULL, NULL, 0},
};

static const struct status dispute_statuses[] = {
    {"other", "other", 3},
    {"warning_needs_response", "warning", 1},
    {"warning_under_review", "warning", 2},
    {"warning_closed", "warning", 5},
    {"needs_response", "needs_response", 3},
    {"under_review", "under_review", 4},
    {"won", "won", 5},
    {"lost", "lost", 5},
    {"prevented", "prevented", 5},
    {NULL, NULL, 0},
};

static const struct status note_statuses[] = {
    {"other", "other", 1},
    {"issued", "issued", 1},
    {"void", "void", 2},
    {NULL, NULL, 0},
};

static const struct status *
put_status(json_t *fields, const struct status *statuses, const json_t *object)
{
	const char *word = bh_json_str(object, "status");
	const struct status *status = &statuses[0];

	for (const struct status *s = statuses; word != NULL && s->stripe != NULL; s++)
		if (strcmp(s->stripe, word) == 0)
			status = s;
	if (word != NULL)
		json_object_set_new(fields, "status", json_string(status->status));
	read_text(fields, "source_status", json_object_get(object, "status"));
	return status;
}

static struct read_unit
unit_of(const struct source_news *news, const json_t *object)
{
	const char *currency = bh_json_str(object, "currency");

	return stripe_unit(news, currency != NULL ? currency : "");
}

/* What was paid: the intent, else the charge. */
static const json_t *
payment_of(const json_t *object)
{
	return read_id_of(READ_FIRST(json_object_get(object, "payment_intent"),
	    json_object_get(object, "charge")));
}

static int
is_later(const struct source_news *news)
{
	return !bh_has_suffix(news->event->type, ".created");
}

static void
put_refund(const struct source_news *news, json_t *fields, const json_t *refund,
    const json_t *charge)
{
	static const char *const owned[] = {"status", "source_status", "currency", "amount",
	    "reason", "failure_reason", "created_at", "metadata", NULL};
	const json_t *customer = read_id_of(
	    READ_FIRST(json_object_get(refund, "customer"), json_object_get(charge, "customer")));
	const json_t *payment = payment_of(refund);

	if (payment == NULL && charge != NULL)
		payment = read_id_of(READ_FIRST(json_object_get(charge, "payment_intent"), charge));
	if (customer != NULL)
		read_id(fields, "customer", customer);
	if (payment != NULL) {
		read_id(fields, "payment", payment);
		/* It has no page of its own: it stands on the payment's. */
		stripe_link(news, fields, "payments", json_string_value(payment));
	}
	read_currency(fields, "currency", json_object_get(refund, "currency"));
	read_money(fields, "amount", json_object_get(refund, "amount"), unit_of(news, refund));
	read_text(fields, "reason", json_object_get(refund, "reason"));
	read_text(fields, "failure_reason", json_object_get(refund, "failure_reason"));
	read_unix(fields, "created_at", json_object_get(refund, "created"));
	stripe_metadata(fields, json_object_get(refund, "metadata"));
	stripe_own(fields, owned);
}

/* Partial: only newer versions and the charge around it name the customer. */
static int
add_refund(struct source_news *news, const json_t *refund, const json_t *charge, struct bh_err *err)
{
	struct object_change *change =
	    source_change(news, OBJECT_REFUND, json_object_get(refund, "id"), err);
	const struct status *status;

	if (change == NULL)
		return -1;
	change->partial = true;
	status = put_status(change->fields, refund_statuses, refund);
	put_refund(news, change->fields, refund, charge);
	stripe_version(news, change, 2 * status->rank + (charge == NULL && is_later(news)));
	return 0;
}

int
stripe_refund(struct source_news *news, const json_t *object, struct bh_err *err)
{
	if (stripe_expect(object, "refund", err) < 0)
		return -1;
	return add_refund(news, object, NULL, err);
}

void
stripe_tell_refund(struct source_news *news, const json_t *refund, const json_t *charge)
{
	if (json_is_object(refund))
		add_refund(news, refund, charge, NULL);
}

/* The payment under dispute; a warning and one that was prevented are not one yet. */
static void
tell_disputed(struct source_news *news, const json_t *payment, const char *status, int rank)
{
	static const char *const opened[] = {"needs_response", "under_review", "won", "lost"};
	struct object_change *change;
	bool is_opened = false;

	for (size_t i = 0; i < BH_LEN(opened); i++)
		is_opened = is_opened || strcmp(opened[i], status) == 0;
	if (!is_opened || payment == NULL)
		return;
	change = source_change(news, OBJECT_PAYMENT, payment, NULL);
	if (change == NULL)
		return;
	change->partial = true;
	json_object_set_new(change->fields, "disputed", json_true());
	stripe_version(news, change, rank);
}

int
stripe_dispute(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *payment = payment_of(object);
	const struct status *status;
	struct object_change *change;

	if (stripe_expect(object, "dispute", err) < 0)
		return -1;
	change = source_change(news, OBJECT_DISPUTE, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	status = put_status(change->fields, dispute_statuses, object);
	if (payment != NULL)
		read_id(change->fields, "payment", payment);
	read_currency(change->fields, "currency", json_object_get(object, "currency"));
	read_money(change->fields, "amount", json_object_get(object, "amount"),
	    unit_of(news, object));
	read_text(change->fields, "reason", json_object_get(object, "reason"));
	read_unix(change->fields, "due_at", bh_json_at(object, "evidence_details.due_by"));
	read_unix(change->fields, "created_at", json_object_get(object, "created"));
	stripe_metadata(change->fields, json_object_get(object, "metadata"));
	stripe_link(news, change->fields, "disputes", change->id);
	stripe_version(news, change, 2 * status->rank + is_later(news));
	tell_disputed(news, payment, status->status, INT16_MAX);
	return 0;
}

static json_t *
note_lines(const json_t *lines, struct read_unit unit)
{
	json_t *list = json_array();
	size_t i;
	json_t *line;

	json_array_foreach (lines, i, line) {
		json_t *one = json_object();

		read_text(one, "id", json_object_get(line, "id"));
		read_text(one, "description", json_object_get(line, "description"));
		read_money(one, "amount", json_object_get(line, "amount"), unit);
		read_decimal(one, "quantity", json_object_get(line, "quantity"));
		read_precise(one, "unit_amount",
		    READ_FIRST(json_object_get(line, "unit_amount_decimal"),
			json_object_get(line, "unit_amount")),
		    unit);
		read_money(one, "discount", json_object_get(line, "discount_amount"), unit);
		stripe_sum(one, "tax",
		    READ_FIRST(json_object_get(line, "taxes"),
			json_object_get(line, "tax_amounts")),
		    "amount", unit);
		read_id(one, "invoice_line", json_object_get(line, "invoice_line_item"));
		read_prune(one);
		json_array_append_new(list, one);
	}
	return list;
}

/* The part of a note that comes after the invoice's payment: money to give back. */
static bool
is_given_back(const json_t *note, struct read_unit unit, int64_t *amount_r)
{
	const char *type = bh_json_str(note, "type");

	if (is_amount_read(json_object_get(note, "post_payment_amount"), unit, amount_r))
		return true;
	*amount_r = 0;
	if (type == NULL || strcmp(type, "post_payment") != 0)
		return type != NULL && strcmp(type, "pre_payment") == 0;
	return is_amount_read(json_object_get(note, "total"), unit, amount_r);
}

/*
 * Where the money went: back by refunds (listed with their amounts since
 * 2025-03-31, one id before) or past Stripe, the rest to the customer's balance.
 */
static void
put_return(json_t *fields, const json_t *note, struct read_unit unit)
{
	bool to_balance = read_id_of(json_object_get(note, "customer_balance_transaction")) != NULL;
	bool by_refund = read_id_of(json_object_get(note, "refund")) != NULL;
	int64_t given, outside = 0, refunded = 0;

	if (!is_given_back(note, unit, &given))
		return;
	is_amount_read(json_object_get(note, "out_of_band_amount"), unit, &outside);
	stripe_sum(fields, "refunded", json_object_get(note, "refunds"), "amount_refunded", unit);
	if (json_object_get(fields, "refunded") != NULL)
		refunded = bh_json_int(fields, "refunded", 0);
	else if (by_refund && to_balance)
		return; /* how much of each is not told */
	else if (by_refund)
		refunded = given - outside;
	json_object_set_new(fields, "refunded", json_integer(refunded + outside));
	json_object_set_new(fields, "credited",
	    json_integer(to_balance ? given - refunded - outside : 0));
}

static void
put_note_amounts(json_t *fields, const json_t *note, struct read_unit unit)
{
	int64_t total, tax, subtotal;

	read_money(fields, "total", json_object_get(note, "total"), unit);
	stripe_sum(fields, "tax",
	    READ_FIRST(json_object_get(note, "total_taxes"), json_object_get(note, "tax_amounts")),
	    "amount", unit);
	read_money(fields, "subtotal", READ_FIRST(json_object_get(note, "total_excluding_tax")),
	    unit);
	/* Before 2022-11-15 it is what is left of the total. */
	if (json_object_get(fields, "subtotal") == NULL &&
	    bh_is_json_int(fields, "total", &total) && bh_is_json_int(fields, "tax", &tax) &&
	    !__builtin_sub_overflow(total, tax, &subtotal))
		json_object_set_new(fields, "subtotal", json_integer(subtotal));
	put_return(fields, note, unit);
}

static void
put_note(const struct source_news *news, json_t *fields, const json_t *note)
{
	struct read_unit unit = unit_of(news, note);

	read_id(fields, "customer",
	    READ_FIRST(json_object_get(note, "customer"),
		json_object_get(note, "customer_account")));
	read_id(fields, "invoice", json_object_get(note, "invoice"));
	read_filled(fields, "number", json_object_get(note, "number"));
	read_text(fields, "type", json_object_get(note, "type"));
	read_text(fields, "reason", json_object_get(note, "reason"));
	read_filled(fields, "description", json_object_get(note, "memo"));
	read_currency(fields, "currency", json_object_get(note, "currency"));
	put_note_amounts(fields, note, unit);
	read_unix_day(fields, "issued_on",
	    READ_FIRST(json_object_get(note, "effective_at"), json_object_get(note, "created")));
	read_unix(fields, "voided_at", json_object_get(note, "voided_at"));
	read_unix(fields, "created_at", json_object_get(note, "created"));
	if (json_is_array(bh_json_at(note, "lines.data")))
		json_object_set_new(fields, "lines",
		    note_lines(bh_json_at(note, "lines.data"), unit));
	read_url(fields, "file_url", json_object_get(note, "pdf"));
	stripe_metadata(fields, json_object_get(note, "metadata"));
}

int
stripe_credit_note(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const struct status *status;
	struct object_change *change;

	if (stripe_expect(object, "credit_note", err) < 0)
		return -1;
	change = source_change(news, OBJECT_CREDIT_NOTE, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	status = put_status(change->fields, note_statuses, object);
	put_note(news, change->fields, object);
	stripe_link(news, change->fields, "credit_notes", change->id);
	stripe_version(news, change, 2 * status->rank + is_later(news));
	return 0;
}
