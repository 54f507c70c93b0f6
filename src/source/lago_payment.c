/*
 * Lago: payments, their receipts, payment requests (dunning) and credit notes.
 * Payments have no time of update: a state that cannot go back ranks
 * higher, then the later arrival wins, and what REST tells is never a
 * snapshot of before.
 */
#include "base/base.h"

#include <ctype.h>

#include "base/text.h"
#include "source/lago.h"

#define INVOICES_MAX 100 /* of one payment */

/* -- payments -- */

static const struct {
	const char *lago, *status;
	int rank;
} payments[] = {
    {"pending", "pending", 0},
    {"processing", "pending", 1},
    {"failed", "failed", 2},
    {"succeeded", "succeeded", 3},
};
#define RANK_FINAL 3

static const char *
payment_status(const struct source_news *news, const json_t *payment, int *rank_r)
{
	const char *word = bh_json_str(payment, "payment_status");
	const char *raw = bh_json_str(payment, "status");

	*rank_r = 0;
	/* The provider's own word tells more while it is not decided. */
	if (raw != NULL && strcmp(raw, "requires_action") == 0 &&
	    (word == NULL || strcmp(word, "processing") == 0 || strcmp(word, "pending") == 0)) {
		*rank_r = 1;
		return "requires_action";
	}
	if (word == NULL)
		word = raw;
	for (size_t i = 0; word != NULL && i < BH_LEN(payments); i++) {
		if (strcmp(payments[i].lago, word) != 0)
			continue;
		/* An answer that says failed is as final as a success: one may follow the other. */
		*rank_r = payments[i].rank;
		if (is_lago_rest(news) && *rank_r == 2)
			*rank_r = RANK_FINAL;
		return payments[i].status;
	}
	return "other";
}

/* "PaymentProviders::StripeProvider" is "stripe". */
static void
read_provider(json_t *fields, const json_t *payment)
{
	const char *class = bh_json_str(payment, "payment_provider_type");
	const char *name = class != NULL ? strrchr(class, ':') : NULL;
	char word[64];
	size_t len;

	name = name != NULL ? name + 1 : class;
	len = name != NULL ? strlen(name) : 0;
	if (name == NULL || len >= sizeof(word)) {
		read_filled(fields, "provider", json_object_get(payment, "payment_provider_code"));
		return;
	}
	if (len > 8 && bh_has_suffix(name, "Provider"))
		len -= 8;
	for (size_t i = 0; i < len; i++)
		word[i] = (char)tolower((unsigned char)name[i]);
	word[len] = '\0';
	json_object_set_new(fields, "provider", bh_json_string(word));
}

static void
read_invoices(json_t *fields, const json_t *payment)
{
	const json_t *ids = json_object_get(payment, "invoice_ids");
	const char *payable = bh_json_str(payment, "payable_type");
	json_t *list = json_array(), *id;
	size_t i;

	json_array_foreach (ids, i, id)
		if (json_is_string(id) && i < INVOICES_MAX)
			json_array_append(list, id);
	if (json_array_size(list) == 0 && payable != NULL && strcmp(payable, "Invoice") == 0 &&
	    bh_json_str(payment, "lago_payable_id") != NULL)
		json_array_append(list, json_object_get(payment, "lago_payable_id"));
	if (json_array_size(list) > 0)
		json_object_set(fields, "invoice", json_array_get(list, 0));
	json_object_set_new(fields, "invoices", list);
}

static void
read_payment(json_t *fields, const json_t *payment)
{
	struct read_unit unit = lago_unit(bh_json_str(payment, "amount_currency"));
	const char *type = bh_json_str(payment, "type");
	const char *status = bh_json_str(fields, "status");
	bool manual = type != NULL && strcmp(type, "manual") == 0;

	read_text(fields, "customer", json_object_get(payment, "lago_customer_id"));
	read_invoices(fields, payment);
	read_text(fields, "source_status",
	    READ_FIRST(json_object_get(payment, "payment_status"),
		json_object_get(payment, "status")));
	read_currency(fields, "currency", json_object_get(payment, "amount_currency"));
	read_money(fields, "amount", json_object_get(payment, "amount_cents"), unit);
	if (status != NULL && strcmp(status, "succeeded") == 0)
		read_money(fields, "amount_captured", json_object_get(payment, "amount_cents"),
		    unit);
	read_provider(fields, payment);
	read_filled(fields, "provider_id",
	    READ_FIRST(json_object_get(payment, "provider_payment_id"),
		json_object_get(payment, "external_payment_id")));
	read_filled(fields, "reference", json_object_get(payment, "reference"));
	read_time(fields, "created_at", json_object_get(payment, "created_at"));
	/* Only one by hand is made when it was paid. */
	if (manual)
		json_object_set_new(fields, "method", json_string("manual"));
	if (manual && status != NULL && strcmp(status, "succeeded") == 0)
		read_time(fields, "paid_at", json_object_get(payment, "created_at"));
}

int
lago_put_payment(struct source_news *news, const json_t *payment, struct bh_err *err)
{
	struct object_change *change =
	    source_change(news, OBJECT_PAYMENT, json_object_get(payment, "lago_id"), err);
	int rank;

	if (change == NULL)
		return -1;
	change->partial = true;
	json_object_set_new(change->fields, "status",
	    json_string(payment_status(news, payment, &rank)));
	read_payment(change->fields, payment);
	lago_link(news, change, "/customer/@/payment/@",
	    json_object_get(payment, "lago_customer_id"), json_object_get(payment, "lago_id"));
	change->version.at_ms = 0;
	change->version.rank = rank;
	change->effective_ms = lago_ms(payment, "created_at");
	lago_arrival_tie(news, "", change);
	return 0;
}

/* What it paid moved without a word (a part, by hand), or is told by an event that may be lost. */
static void
want_invoices(struct source_news *news, const json_t *payment)
{
	const json_t *ids = json_object_get(payment, "invoice_ids");
	const char *payable = bh_json_str(payment, "payable_type");

	if (json_array_size(ids) > 0)
		lago_want_all(news, "invoice", ids);
	else if (payable != NULL && strcmp(payable, "Invoice") == 0)
		lago_want_all(news, "invoice", json_object_get(payment, "lago_payable_id"));
}

int
lago_payment(struct source_news *news, const json_t *object, struct bh_err *err)
{
	if (lago_put_payment(news, object, err) < 0)
		return -1;
	want_invoices(news, object);
	return 0;
}

int
lago_payment_receipt(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *payment = json_object_get(object, "payment");
	struct object_change *change;

	if (!json_is_object(payment))
		return source_leave(news, SOURCE_IGNORED, "a receipt without its payment");
	if (lago_payment(news, payment, err) < 0)
		return -1;
	/* The paper comes with payment_receipt.generated. */
	change = &news->result->changes.items[news->result->changes.n - 1];
	if (json_is_string(json_object_get(object, "file_url")))
		read_url(change->fields, "receipt_url", json_object_get(object, "file_url"));
	return 0;
}

int
lago_payment_request(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *invoices = json_object_get(object, "invoices");
	json_t *invoice;
	size_t i;

	if (is_lago_partner(json_object_get(object, "customer")))
		return source_leave(news, SOURCE_IGNORED, "a request to a partner account");
	if (lago_nested_customer(news, object, err) < 0)
		return -1;
	json_array_foreach (invoices, i, invoice) {
		if (bh_is_json_true(invoice, "self_billed"))
			continue;
		if (lago_put_invoice(news, invoice, err) < 0)
			return -1;
		lago_want_all(news, "invoice", json_object_get(invoice, "lago_id"));
	}
	lago_settle(news);
	return 0;
}

/* -- credit notes -- */

static bool
is_word(const json_t *object, const char *name, const char *word)
{
	const char *text = bh_json_str(object, name);

	return text != NULL && strcmp(text, word) == 0;
}

static const char *
credit_note_status(const json_t *note)
{
	int64_t refund = bh_json_int(note, "refund_amount_cents", 0);
	int64_t credit = bh_json_int(note, "credit_amount_cents", 0);

	if (is_word(note, "credit_status", "voided"))
		return "void";
	if (refund > 0 && is_word(note, "refund_status", "pending"))
		return "pending_refund";
	/* Open while there is credit left, whatever was paid back. */
	if (credit > 0 && !is_word(note, "credit_status", "consumed"))
		return "issued";
	if (refund > 0 && is_word(note, "refund_status", "succeeded"))
		return "refunded";
	return refund > 0 ? "issued" : "applied";
}

/* Inside one second: open, used up, void; a refund that is decided last. */
static int
credit_note_rank(const json_t *note)
{
	int credit = is_word(note, "credit_status", "voided")     ? 2
		     : is_word(note, "credit_status", "consumed") ? 1
								  : 0;
	bool refunded =
	    is_word(note, "refund_status", "succeeded") || is_word(note, "refund_status", "failed");

	return 2 * credit + refunded;
}

static const char *
credit_note_type(const json_t *note)
{
	static const char *const names[][2] = {{"credit_amount_cents", "credit"},
	    {"refund_amount_cents", "refund"}, {"offset_amount_cents", "offset"}};
	const char *type = NULL;

	for (size_t i = 0; i < BH_LEN(names); i++)
		if (bh_json_int(note, names[i][0], 0) > 0)
			type = type == NULL ? names[i][1] : "mixed";
	return type;
}

static void
read_note_lines(json_t *fields, const json_t *note, struct read_unit unit)
{
	const json_t *items = json_object_get(note, "items");
	json_t *list, *item;
	size_t i;

	if (!json_is_array(items))
		return;
	list = json_array();
	json_array_foreach (items, i, item) {
		json_t *line = json_object();

		read_text(line, "id", json_object_get(item, "lago_id"));
		read_filled(line, "description",
		    READ_FIRST(bh_json_at(item, "fee.item.invoice_display_name"),
			bh_json_at(item, "fee.item.name"), bh_json_at(item, "fee.description")));
		read_text(line, "kind", bh_json_at(item, "fee.item.type"));
		read_text(line, "price", bh_json_at(item, "fee.item.code"));
		read_money(line, "amount", json_object_get(item, "amount_cents"), unit);
		read_text(line, "subscription", bh_json_at(item, "fee.lago_subscription_id"));
		read_prune(line);
		json_array_append_new(list, line);
	}
	json_object_set_new(fields, "lines", list);
}

static void
read_note_amounts(json_t *fields, const json_t *note, struct read_unit unit)
{
	static const char *const names[][2] = {
	    {"subtotal", "sub_total_excluding_taxes_amount_cents"},
	    {"tax", "taxes_amount_cents"},
	    {"total", "total_amount_cents"},
	    {"refunded", "refund_amount_cents"},
	    {"balance", "balance_amount_cents"},
	};
	int64_t credit, offset = bh_json_int(note, "offset_amount_cents", 0);

	for (size_t i = 0; i < BH_LEN(names); i++)
		read_money(fields, names[i][0], json_object_get(note, names[i][1]), unit);
	/* What lowers its invoice is credit that was used at once. */
	if (bh_is_json_int(note, "credit_amount_cents", &credit) &&
	    !__builtin_add_overflow(credit, offset, &credit)) {
		json_t *sum = json_integer(credit);

		read_money(fields, "credited", sum, unit);
		json_decref(sum);
	}
}

static void
read_note(json_t *fields, const json_t *note)
{
	struct read_unit unit = lago_unit(bh_json_str(note, "currency"));
	const char *type = credit_note_type(note);

	read_text(fields, "customer", bh_json_at(note, "customer.lago_id"));
	read_text(fields, "invoice", json_object_get(note, "lago_invoice_id"));
	read_filled(fields, "number", json_object_get(note, "number"));
	json_object_set_new(fields, "status", json_string(credit_note_status(note)));
	read_text(fields, "source_status",
	    READ_FIRST(json_object_get(note, "credit_status"),
		json_object_get(note, "refund_status")));
	read_text(fields, "refund_status", json_object_get(note, "refund_status"));
	if (type != NULL)
		json_object_set_new(fields, "type", json_string(type));
	read_text(fields, "reason", json_object_get(note, "reason"));
	read_filled(fields, "description", json_object_get(note, "description"));
	read_currency(fields, "currency", json_object_get(note, "currency"));
	read_note_amounts(fields, note, unit);
	read_date(fields, "issued_on", json_object_get(note, "issuing_date"));
	read_time(fields, "created_at", json_object_get(note, "created_at"));
	read_note_lines(fields, note, unit);
	/* Null only says that the paper is not there yet. */
	if (json_is_string(json_object_get(note, "file_url")))
		read_url(fields, "file_url", json_object_get(note, "file_url"));
	lago_metadata(fields, json_object_get(note, "metadata"));
}

int
lago_credit_note(struct source_news *news, const json_t *object, struct bh_err *err)
{
	struct object_change *change;

	if (bh_is_json_true(object, "self_billed") ||
	    is_lago_partner(json_object_get(object, "customer")))
		return source_leave(news, SOURCE_IGNORED, "a credit note of a self-billed invoice");
	if (lago_nested_customer(news, object, err) < 0)
		return -1;
	change = source_change(news, OBJECT_CREDIT_NOTE, json_object_get(object, "lago_id"), err);
	if (change == NULL)
		return -1;
	change->partial = !is_lago_rest(news) || !json_is_array(json_object_get(object, "items"));
	read_note(change->fields, object);
	lago_link(news, change, "/customer/@/credit-notes/@",
	    bh_json_at(object, "customer.lago_id"), json_object_get(object, "lago_id"));
	lago_version(news, object, credit_note_rank(object), change);
	return 0;
}
