/*
 * Lago: invoices.  Fees, subscriptions, periods and the PDF come with some
 * events and not with others, so a change is partial; only what REST shows of
 * a single invoice is whole.
 */
#include "base/base.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/lago.h"

/* Inside one second: draft, then in work, then final, then void; payments likewise. */
static const struct {
	const char *lago, *status;
	int rank;
} statuses[] = {
    {"draft", "draft", 0},
    {"generating", "draft", 0},
    {"open", "draft", 0},
    {"pending", "pending", 1},
    {"failed", "failed", 1},
    {"finalized", "open", 2},
    {"closed", "paid", 2},
    {"voided", "void", 3},
    {"deleted", "void", 3},
};
#define RANK_UNKNOWN 1

static int
payment_rank(const char *payment)
{
	if (payment == NULL || strcmp(payment, "pending") == 0)
		return 0;
	return strcmp(payment, "succeeded") == 0 ? 2 : 1;
}

/* precise_unit_amount is in the currency's whole units, not the smallest. */
static void
read_unit_price(json_t *one, const json_t *fee)
{
	const char *currency = bh_json_str(fee, "amount_currency");
	struct read_unit to_minor = {1, 1};

	for (int i = currency != NULL ? money_exponent(currency) : 2; i > 0; i--)
		to_minor.multiply *= 10;
	read_precise(one, "unit_amount", json_object_get(fee, "precise_unit_amount"), to_minor);
}

static json_t *
line_json(const json_t *fee, struct read_unit unit)
{
	const char *type = bh_json_str(fee, "item.type");
	json_t *one = json_object();

	read_text(one, "id", json_object_get(fee, "lago_id"));
	read_filled(one, "description",
	    READ_FIRST(bh_json_at(fee, "item.invoice_display_name"), bh_json_at(fee, "item.name"),
		json_object_get(fee, "description")));
	read_text(one, "kind", bh_json_at(fee, "item.type"));
	read_text(one, "price", bh_json_at(fee, "item.code"));
	read_money(one, "amount", json_object_get(fee, "amount_cents"), unit);
	read_money(one, "tax", json_object_get(fee, "taxes_amount_cents"), unit);
	read_decimal(one, "quantity", json_object_get(fee, "units"));
	read_unit_price(one, fee);
	read_time(one, "period_start", json_object_get(fee, "from_date"));
	read_time(one, "period_end", json_object_get(fee, "to_date"));
	read_text(one, "subscription", json_object_get(fee, "lago_subscription_id"));
	json_object_set_new(one, "proration", json_false());
	json_object_set_new(one, "recurring",
	    json_boolean(type != NULL && strcmp(type, "subscription") == 0));
	read_prune(one);
	return one;
}

static void
read_lines(json_t *fields, const json_t *invoice, struct read_unit unit)
{
	const json_t *fees = json_object_get(invoice, "fees");
	json_t *list;
	size_t i;
	json_t *fee;

	if (!json_is_array(fees))
		return;
	list = json_array();
	json_array_foreach (fees, i, fee)
		json_array_append_new(list, line_json(fee, unit));
	json_object_set_new(fields, "lines", list);
	json_object_set_new(fields, "lines_complete", json_true());
}

/* From the first start to the last end of the billing periods. */
static void
read_periods(json_t *fields, const json_t *periods)
{
	int64_t start_ms = INT64_MAX, end_ms = INT64_MIN, at_ms;
	size_t i;
	json_t *one;

	json_array_foreach (periods, i, one) {
		const char *from =
		    json_string_value(READ_FIRST(json_object_get(one, "subscription_from_datetime"),
			json_object_get(one, "charges_from_datetime")));
		const char *to =
		    json_string_value(READ_FIRST(json_object_get(one, "subscription_to_datetime"),
			json_object_get(one, "charges_to_datetime")));

		if (from != NULL && bh_is_time(from, &at_ms) && at_ms < start_ms)
			start_ms = at_ms;
		if (to != NULL && bh_is_time(to, &at_ms) && at_ms > end_ms)
			end_ms = at_ms;
	}
	if (start_ms == INT64_MAX || end_ms == INT64_MIN)
		return;
	read_put_ms(fields, "period_start", start_ms);
	read_put_ms(fields, "period_end", end_ms);
}

static void
read_amounts(json_t *fields, const json_t *invoice, struct read_unit unit)
{
	static const char *const names[][2] = {
	    {"subtotal", "sub_total_excluding_taxes_amount_cents"},
	    {"discount", "coupons_amount_cents"},
	    {"total_excluding_tax", "sub_total_excluding_taxes_amount_cents"},
	    {"tax", "taxes_amount_cents"},
	    {"total", "total_amount_cents"},
	    {"amount_due", "total_amount_cents"},
	    {"amount_paid", "total_paid_amount_cents"},
	    {"amount_remaining", "total_due_amount_cents"},
	    {"credited", "total_offsetted_credit_note_amount_cents"},
	};

	for (size_t i = 0; i < BH_LEN(names); i++)
		read_money(fields, names[i][0], json_object_get(invoice, names[i][1]), unit);
}

/*
 * A draft's number is shared by many drafts; a PDF appears after the invoice,
 * and null only says that it was not there yet.
 */
static void
read_paper(json_t *fields, const json_t *invoice)
{
	const json_t *file = json_object_get(invoice, "file_url");
	const char *number = bh_json_str(invoice, "number");

	if (number != NULL && bh_has_suffix(number, "-DRAFT"))
		json_object_set_new(fields, "number", json_null());
	else
		read_filled(fields, "number", json_object_get(invoice, "number"));
	if (!json_is_null(file))
		read_url(fields, "file_url", file);
	read_date(fields, "issued_on", json_object_get(invoice, "issuing_date"));
	read_date(fields, "due_on", json_object_get(invoice, "payment_due_date"));
	read_filled(fields, "purchase_order", json_object_get(invoice, "purchase_order_number"));
}

/* An invoice tells that it is paid; when, only its fees. */
static void
read_paid(json_t *fields, const json_t *invoice)
{
	const char *payment = bh_json_str(invoice, "payment_status");
	int64_t last_ms = 0;
	size_t i;
	json_t *fee;

	if (payment == NULL)
		return;
	json_array_foreach (json_object_get(invoice, "fees"), i, fee) {
		int64_t at_ms = lago_ms(fee, "succeeded_at");

		last_ms = at_ms > last_ms ? at_ms : last_ms;
	}
	if (strcmp(payment, "succeeded") != 0)
		read_put_ms(fields, "paid_at", INT64_MIN);
	else if (last_ms != 0)
		read_put_ms(fields, "paid_at", last_ms);
}

static void
read_invoice(json_t *fields, const json_t *invoice)
{
	struct read_unit unit = lago_unit(bh_json_str(invoice, "currency"));

	read_text(fields, "customer", bh_json_at(invoice, "customer.lago_id"));
	read_text(fields, "subscription",
	    READ_FIRST(bh_json_at(invoice, "subscriptions.0.lago_id"),
		bh_json_at(invoice, "billing_periods.0.lago_subscription_id")));
	read_text(fields, "type", json_object_get(invoice, "invoice_type"));
	read_text(fields, "billing_reason",
	    bh_json_at(invoice, "billing_periods.0.invoicing_reason"));
	read_text(fields, "payment_status", json_object_get(invoice, "payment_status"));
	read_bool(fields, "overdue", json_object_get(invoice, "payment_overdue"));
	read_currency(fields, "currency", json_object_get(invoice, "currency"));
	read_time(fields, "created_at", json_object_get(invoice, "created_at"));
	read_time(fields, "voided_at", json_object_get(invoice, "voided_at"));
	read_time(fields, "dispute_lost_at", json_object_get(invoice, "payment_dispute_lost_at"));
	read_paid(fields, invoice);
	read_paper(fields, invoice);
	read_amounts(fields, invoice, unit);
	read_periods(fields, json_object_get(invoice, "billing_periods"));
	read_lines(fields, invoice, unit);
	lago_metadata(fields, json_object_get(invoice, "metadata"));
}

int
lago_put_invoice(struct source_news *news, const json_t *invoice, struct bh_err *err)
{
	const char *word = bh_json_str(invoice, "status"), *status = "other";
	const char *payment = bh_json_str(invoice, "payment_status");
	struct object_change *change =
	    source_change(news, OBJECT_INVOICE, json_object_get(invoice, "lago_id"), err);
	int rank = RANK_UNKNOWN;

	if (change == NULL)
		return -1;
	for (size_t i = 0; word != NULL && i < BH_LEN(statuses); i++) {
		if (strcmp(statuses[i].lago, word) == 0) {
			status = statuses[i].status;
			rank = statuses[i].rank;
		}
	}
	if (strcmp(status, "open") == 0 && payment_rank(payment) == 2)
		status = "paid";
	change->partial = !is_lago_rest(news) || !json_is_array(json_object_get(invoice, "fees"));
	change->deleted = (word != NULL && strcmp(word, "deleted") == 0) ||
			  strcmp(news->event->type, "invoice.deleted") == 0;
	read_invoice(change->fields, invoice);
	if (word != NULL)
		json_object_set_new(change->fields, "status", json_string(status));
	read_text(change->fields, "source_status", json_object_get(invoice, "status"));
	/* web_url came in 2026-07; older servers leave it to us. */
	lago_link(news, change, "/customer/@/invoice/@/overview",
	    bh_json_at(invoice, "customer.lago_id"), json_object_get(invoice, "lago_id"));
	if (!json_is_null(json_object_get(invoice, "web_url")))
		read_url(change->fields, "link", json_object_get(invoice, "web_url"));
	lago_version(news, invoice, 3 * rank + payment_rank(payment), change);
	return 0;
}

int
lago_invoice(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *customer = json_object_get(object, "customer");

	/* A self-billed invoice is what the merchant owes a partner. */
	if (bh_is_json_true(object, "self_billed") || is_lago_partner(customer))
		return source_leave(news, SOURCE_IGNORED, "a self-billed invoice");
	if (lago_nested_customer(news, object, err) < 0)
		return -1;
	return lago_put_invoice(news, object, err);
}
