/* Stripe: invoices and their lines, in old shapes and new. */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe.h"

#define ATTEMPTS_MAX 15
#define RANK_DELETED 1000

/*
 * Statuses with their rank inside one second: draft, open, uncollectible
 * (which may still be paid), then paid or void.
 */
static const struct {
	const char *status;
	int rank;
} statuses[] = {{"draft", 0}, {"open", 1}, {"uncollectible", 2}, {"paid", 3}, {"void", 3}};

/* The part of a line's parent that says what it is for (since 2025-03-31); NULL before. */
static const json_t *
line_parent(const json_t *line)
{
	const json_t *parent = json_object_get(line, "parent");

	return READ_FIRST(json_object_get(parent, "subscription_item_details"),
	    json_object_get(parent, "invoice_item_details"));
}

static const json_t *
line_subscription(const json_t *line)
{
	return READ_FIRST(json_object_get(line_parent(line), "subscription"),
	    json_object_get(line, "subscription"));
}

static bool
is_proration(const json_t *line)
{
	return json_is_true(READ_FIRST(json_object_get(line_parent(line), "proration"),
	    json_object_get(line, "proration")));
}

/* True for a line that bills a subscription's period, false for items put on the invoice by hand. */
static bool
is_subscription_line(const json_t *line)
{
	const char *type = json_string_value(
	    READ_FIRST(bh_json_at(line, "parent.type"), json_object_get(line, "type")));

	return type != NULL && bh_has_prefix(type, "subscription") && !is_proration(line);
}

/* The sum of a member over a list; false when the list is not there or one is no amount. */
static bool
is_summed(const json_t *list, const char *member, struct read_unit unit, int64_t *sum_r)
{
	int64_t sum = 0, amount;
	size_t i;
	json_t *one;

	if (!json_is_array(list))
		return false;
	json_array_foreach (list, i, one)
		if (!is_amount_read(json_object_get(one, member), unit, &amount) ||
		    __builtin_add_overflow(sum, amount, &sum))
			return false;
	*sum_r = sum;
	return true;
}

void
stripe_sum(json_t *fields, const char *name, const json_t *list, const char *member,
    struct read_unit unit)
{
	int64_t sum;

	if (is_summed(list, member, unit, &sum))
		json_object_set_new(fields, name, json_integer(sum));
}

static void
put_sum(json_t *fields, const char *name, const json_t *list, struct read_unit unit)
{
	stripe_sum(fields, name, list, "amount", unit);
}

/* Price and product: objects until 2025-03-31, then ids under pricing. */
static void
add_line_price(json_t *one, const json_t *line, struct read_unit unit)
{
	const json_t *price =
	    READ_FIRST(json_object_get(line, "price"), json_object_get(line, "plan"));
	const json_t *pricing = json_object_get(line, "pricing");

	read_id(one, "price", READ_FIRST(bh_json_at(pricing, "price_details.price"), price));
	read_id(one, "product",
	    READ_FIRST(bh_json_at(pricing, "price_details.product"),
		json_object_get(price, "product")));
	read_precise(one, "unit_amount",
	    READ_FIRST(json_object_get(pricing, "unit_amount_decimal"),
		json_object_get(price, "unit_amount_decimal"),
		json_object_get(price, "unit_amount"), json_object_get(price, "amount_decimal"),
		json_object_get(price, "amount")),
	    unit);
}

static json_t *
line_json(const json_t *line, struct read_unit unit)
{
	json_t *one = json_object();

	read_text(one, "id", json_object_get(line, "id"));
	read_text(one, "description", json_object_get(line, "description"));
	read_money(one, "amount", json_object_get(line, "amount"), unit);
	read_decimal(one, "quantity",
	    READ_FIRST(json_object_get(line, "quantity_decimal"),
		json_object_get(line, "quantity")));
	read_unix(one, "period_start", bh_json_at(line, "period.start"));
	read_unix(one, "period_end", bh_json_at(line, "period.end"));
	json_object_set_new(one, "proration", json_boolean(is_proration(line)));
	json_object_set_new(one, "recurring", json_boolean(is_subscription_line(line)));
	add_line_price(one, line, unit);
	put_sum(one, "discount", json_object_get(line, "discount_amounts"), unit);
	put_sum(one, "tax",
	    READ_FIRST(json_object_get(line, "taxes"), json_object_get(line, "tax_amounts")), unit);
	read_id(one, "subscription", line_subscription(line));
	read_id(one, "subscription_item",
	    READ_FIRST(json_object_get(line_parent(line), "subscription_item"),
		json_object_get(line, "subscription_item")));
	read_prune(one);
	return one;
}

/* The service period: of the lines that bill one, else of all; false without lines. */
static bool
is_period_of_lines(const json_t *lines, bool all, int64_t *start_ms, int64_t *end_ms)
{
	size_t i;
	json_t *line;

	*start_ms = INT64_MAX;
	*end_ms = INT64_MIN;
	json_array_foreach (lines, i, line) {
		int64_t from_ms, to_ms;

		if ((!all && !is_subscription_line(line)) ||
		    !is_unix_read(bh_json_at(line, "period.start"), &from_ms) ||
		    !is_unix_read(bh_json_at(line, "period.end"), &to_ms))
			continue;
		*start_ms = from_ms < *start_ms ? from_ms : *start_ms;
		*end_ms = to_ms > *end_ms ? to_ms : *end_ms;
	}
	return *end_ms != INT64_MIN;
}

void
stripe_lines(json_t *fields, const json_t *invoice, struct read_unit unit)
{
	const json_t *lines = json_object_get(invoice, "lines");
	const json_t *data = json_object_get(lines, "data");
	int64_t start_ms, end_ms;
	json_t *list;
	size_t i;
	json_t *line;

	/* The invoice's own period is the one before, in which its items were collected. */
	if (is_period_of_lines(data, false, &start_ms, &end_ms) ||
	    is_period_of_lines(data, true, &start_ms, &end_ms)) {
		read_put_ms(fields, "period_start", start_ms);
		read_put_ms(fields, "period_end", end_ms);
	} else {
		read_unix(fields, "period_start", json_object_get(invoice, "period_start"));
		read_unix(fields, "period_end", json_object_get(invoice, "period_end"));
	}
	if (!json_is_array(data))
		return;
	list = json_array();
	json_array_foreach (data, i, line)
		json_array_append_new(list, line_json(line, unit));
	json_object_set_new(fields, "lines", list);
	json_object_set_new(fields, "lines_complete",
	    json_boolean(!bh_is_json_true(lines, "has_more")));
}

/* inv_subscription: under parent since 2025-03-31; the lines know it in all versions. */
static void
put_subscription(json_t *fields, const json_t *invoice)
{
	const json_t *lines = bh_json_at(invoice, "lines.data");
	const json_t *found =
	    READ_FIRST(bh_json_at(invoice, "parent.subscription_details.subscription"),
		json_object_get(invoice, "subscription"));
	size_t i;
	json_t *line;

	json_array_foreach (lines, i, line)
		if (found == NULL)
			found = line_subscription(line);
	found = read_id_of(found);
	json_object_set_new(fields, "type",
	    json_string(found != NULL ? "subscription" : "one_off"));
	if (found != NULL)
		read_id(fields, "subscription", found);
	else
		json_object_set_new(fields, "subscription", json_null());
}

/* Tax: one number until 2025-03-31, then a list. */
static void
put_tax(json_t *fields, const json_t *invoice, struct read_unit unit)
{
	put_sum(fields, "tax",
	    READ_FIRST(json_object_get(invoice, "total_taxes"),
		json_object_get(invoice, "total_tax_amounts")),
	    unit);
	if (json_object_get(fields, "tax") == NULL)
		read_money(fields, "tax", json_object_get(invoice, "tax"), unit);
}

static void
put_amounts(json_t *fields, const json_t *invoice, struct read_unit unit)
{
	static const char *const credits[] = {"pre_payment_credit_notes_amount",
	    "post_payment_credit_notes_amount"};
	int64_t total, credited = 0, amount;

	read_money(fields, "subtotal",
	    READ_FIRST(json_object_get(invoice, "subtotal_excluding_tax"),
		json_object_get(invoice, "subtotal")),
	    unit);
	read_money(fields, "total", json_object_get(invoice, "total"), unit);
	read_money(fields, "amount_due", json_object_get(invoice, "amount_due"), unit);
	read_money(fields, "amount_paid", json_object_get(invoice, "amount_paid"), unit);
	read_money(fields, "amount_remaining", json_object_get(invoice, "amount_remaining"), unit);
	put_tax(fields, invoice, unit);
	put_sum(fields, "discount", json_object_get(invoice, "total_discount_amounts"), unit);
	read_money(fields, "total_excluding_tax",
	    READ_FIRST(json_object_get(invoice, "total_excluding_tax")), unit);
	if (json_object_get(fields, "total_excluding_tax") == NULL &&
	    json_object_get(fields, "tax") != NULL && bh_is_json_int(fields, "total", &total) &&
	    !__builtin_sub_overflow(total, bh_json_int(fields, "tax", 0), &amount))
		json_object_set_new(fields, "total_excluding_tax", json_integer(amount));
	for (size_t i = 0; i < BH_LEN(credits); i++)
		if (!is_amount_read(json_object_get(invoice, credits[i]), unit, &amount) ||
		    __builtin_add_overflow(credited, amount, &credited))
			return;
	json_object_set_new(fields, "credited", json_integer(credited));
}

/* pending, succeeded or failed, from the status and the attempts. */
static void
put_payment_status(json_t *fields, const json_t *invoice, const char *status)
{
	const char *payment = NULL;

	if (strcmp(status, "paid") == 0)
		payment = "succeeded";
	else if (strcmp(status, "uncollectible") == 0)
		payment = "failed";
	else if (strcmp(status, "open") == 0)
		payment = bh_is_json_true(invoice, "attempted") &&
				  bh_json_int(invoice, "attempt_count", 0) > 0
			      ? "failed"
			      : "pending";
	else if (strcmp(status, "draft") == 0)
		payment = "pending";
	json_object_set_new(fields, "payment_status",
	    payment != NULL ? json_string(payment) : json_null());
}

static void
put_times(const struct source_news *news, json_t *fields, const json_t *invoice, const char *status)
{
	const json_t *moves = json_object_get(invoice, "status_transitions");
	const json_t *finalized = READ_FIRST(json_object_get(invoice, "effective_at"),
	    json_object_get(moves, "finalized_at"), json_object_get(invoice, "finalized_at"));
	int64_t due_ms;

	/* Old shapes do not tell when an invoice was finalised: then it is not known. */
	if (finalized != NULL)
		read_unix_day(fields, "issued_on", finalized);
	else if (moves != NULL)
		json_object_set_new(fields, "issued_on", json_null());
	read_unix_day(fields, "due_on", json_object_get(invoice, "due_date"));
	/* As of the event: later a due date may pass without one. */
	json_object_set_new(fields, "overdue",
	    json_boolean(strcmp(status, "open") == 0 &&
			 is_unix_read(json_object_get(invoice, "due_date"), &due_ms) &&
			 due_ms < news->at_ms));
	read_unix(fields, "paid_at", json_object_get(moves, "paid_at"));
	read_unix(fields, "voided_at", json_object_get(moves, "voided_at"));
	read_int(fields, "attempt_count", json_object_get(invoice, "attempt_count"));
	read_unix(fields, "next_attempt_at", json_object_get(invoice, "next_payment_attempt"));
	read_unix(fields, "created_at",
	    READ_FIRST(json_object_get(invoice, "created"), json_object_get(invoice, "date")));
}

static void
read_invoice(const struct source_news *news, json_t *fields, const json_t *invoice,
    const char *status)
{
	const char *currency = bh_json_str(invoice, "currency");
	struct read_unit unit = stripe_unit(news, currency != NULL ? currency : "");

	read_id(fields, "customer",
	    READ_FIRST(json_object_get(invoice, "customer"),
		json_object_get(invoice, "customer_account")));
	put_subscription(fields, invoice);
	read_filled(fields, "number", json_object_get(invoice, "number"));
	read_text(fields, "billing_reason", json_object_get(invoice, "billing_reason"));
	read_text(fields, "collection_method",
	    READ_FIRST(json_object_get(invoice, "collection_method"),
		json_object_get(invoice, "billing")));
	read_currency(fields, "currency", json_object_get(invoice, "currency"));
	put_amounts(fields, invoice, unit);
	put_payment_status(fields, invoice, status);
	put_times(news, fields, invoice, status);
	stripe_lines(fields, invoice, unit);
	read_url(fields, "hosted_url", json_object_get(invoice, "hosted_invoice_url"));
	read_url(fields, "file_url", json_object_get(invoice, "invoice_pdf"));
	read_text(fields, "error",
	    json_is_object(json_object_get(invoice, "last_finalization_error"))
		? bh_json_at(invoice, "last_finalization_error.message")
		: json_object_get(invoice, "last_finalization_error"));
	stripe_metadata(fields, json_object_get(invoice, "metadata"));
}

/* The status; before 2018-11-08 it had to be gathered from flags. */
static const char *
status_of(const json_t *invoice)
{
	const char *word = bh_json_str(invoice, "status");

	if (word != NULL)
		return word;
	if (bh_is_json_true(invoice, "paid"))
		return "paid";
	if (bh_is_json_true(invoice, "forgiven"))
		return "uncollectible";
	return json_is_false(json_object_get(invoice, "closed")) ? "open" : "";
}

int
stripe_invoice(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *word = status_of(object), *status = "other";
	int64_t attempts = bh_json_int(object, "attempt_count", 0);
	static const char *const of_lines[] = {"currency", "period_start", "period_end", NULL};
	struct object_change *change;
	int rank = 1;

	if (stripe_expect(object, "invoice", err) < 0)
		return -1;
	/* Previews asked for through the API have such ids since 2025-09-30. */
	if (bh_json_str(object, "id") != NULL &&
	    bh_has_prefix(bh_json_str(object, "id"), "upcoming_in_"))
		return source_leave(news, SOURCE_IGNORED,
		    "a preview of an invoice, not an invoice");
	change = source_change(news, OBJECT_INVOICE, json_object_get(object, "id"), err);
	if (change == NULL)
		return -1;
	for (size_t i = 0; i < BH_LEN(statuses); i++) {
		if (strcmp(statuses[i].status, word) == 0) {
			status = statuses[i].status;
			rank = statuses[i].rank;
		}
	}
	read_invoice(news, change->fields, object, status);
	if (*word != '\0')
		json_object_set_new(change->fields, "status", json_string(status));
	read_text(change->fields, "source_status", json_object_get(object, "status"));
	change->deleted =
	    strcmp(news->event->type, "invoice.deleted") == 0 || bh_is_json_true(object, "deleted");
	stripe_link(news, change->fields, "invoices", change->id);
	if (attempts < 0 || attempts > ATTEMPTS_MAX)
		attempts = ATTEMPTS_MAX;
	stripe_version(news, change,
	    change->deleted ? RANK_DELETED : rank * (ATTEMPTS_MAX + 1) + (int)attempts);
	if (!change->deleted && bh_is_json_true(object, "lines.has_more"))
		stripe_want_part(news, change, STRIPE_LINES, object, of_lines);
	if (!change->deleted)
		stripe_tell_payments(news, object);
	return 0;
}
