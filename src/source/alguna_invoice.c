/*
 * Alguna: invoices and credit notes.  Webhooks and lists show a few fields,
 * the single form all: every change is partial.
 */
#include "base/base.h"

#include "source/alguna.h"

/*
 * Terminal states win where the time of update did not move: overdue has no
 * event and is told only by being asked.
 */
static const struct alguna_word invoice_statuses[] = {
    {"draft", "draft", 0},
    {"upcoming", "draft", 0},
    {"pending_approval", "draft", 0},
    {"scheduled", "draft", 0},
    {"processing", "pending", 1},
    {"issuing", "pending", 1},
    {"issued", "open", 2},
    {"overdue", "open", 3},
    {"paid", "paid", 4},
    {"void", "void", 5},
    {"voided", "void", 5},
    {"canceled", "void", 5},
    {NULL, "other", 1},
};

static const struct alguna_word credit_note_statuses[] = {
    {"draft", "draft", 0},
    {"issued", "issued", 1},
    {"applied", "applied", 2},
    {"pending_refund", "pending_refund", 3},
    {"refunded", "refunded", 4},
    {"void", "void", 5},
    {"voided", "void", 5},
    {NULL, "other", 1},
};

static const char *
currency_of(const json_t *fields)
{
	return bh_json_str(fields, "currency");
}

static json_t *
line_json(struct source_news *news, const json_t *line, const char *currency)
{
	json_t *one = json_object();

	read_text(one, "id", json_object_get(line, "id"));
	read_filled(one, "description", json_object_get(line, "description"));
	read_text(one, "product", alguna_at(line, "product_id"));
	read_decimal(one, "quantity", json_object_get(line, "quantity"));
	alguna_money(news, one, "amount", alguna_at(line, "total_price"), currency);
	alguna_money(news, one, "tax", alguna_at(line, "tax_amount"), currency);
	if (currency != NULL)
		read_precise(one, "unit_amount", alguna_at(line, "unit_price"),
		    alguna_unit(currency));
	read_time(one, "period_start", alguna_at(line, "billing_period_start"));
	read_time(one, "period_end", alguna_at(line, "billing_period_end"));
	read_prune(one);
	return one;
}

static bool
has_lines(struct source_news *news, json_t *fields, const json_t *object)
{
	const json_t *lines = alguna_at(object, "line_items");
	json_t *list, *line;
	size_t i;

	if (!json_is_array(lines))
		return false;
	list = json_array();
	json_array_foreach (lines, i, line)
		json_array_append_new(list, line_json(news, line, currency_of(fields)));
	json_object_set_new(fields, "lines", list);
	return true;
}

static void
read_amounts(struct source_news *news, json_t *fields, const json_t *invoice)
{
	static const char *const names[][2] = {
	    {"subtotal", "subtotal"},
	    {"total_excluding_tax", "subtotal"},
	    {"tax", "tax"},
	    {"total", "total"},
	    {"amount_due", "total"},
	    {"amount_paid", "amount_paid"},
	    {"amount_remaining", "amount_remaining"},
	};

	for (size_t i = 0; i < BH_LEN(names); i++)
		alguna_money(news, fields, names[i][0], alguna_at(invoice, names[i][1]),
		    currency_of(fields));
}

static void
read_invoice(struct source_news *news, json_t *fields, const json_t *invoice)
{
	const json_t *autopay = json_object_get(invoice, "autopay");

	read_text(fields, "customer", alguna_account(invoice));
	read_text(fields, "subscription", alguna_at(invoice, "subscription_id"));
	read_currency(fields, "currency", json_object_get(invoice, "currency"));
	read_filled(fields, "description", json_object_get(invoice, "description"));
	read_filled(fields, "number",
	    ALGUNA_ANY(invoice, "invoice_number", "number", "external_reference"));
	read_filled(fields, "purchase_order", alguna_at(invoice, "purchase_order_number"));
	read_time(fields, "period_start", alguna_at(invoice, "billing_period_start"));
	read_time(fields, "period_end", alguna_at(invoice, "billing_period_end"));
	read_time(fields, "created_at", alguna_at(invoice, "created_at"));
	read_time(fields, "paid_at", ALGUNA_ANY(invoice, "paid_date", "paid_at"));
	alguna_day(fields, "issued_on", alguna_at(invoice, "issue_date"));
	alguna_day(fields, "due_on", alguna_at(invoice, "due_date"));
	read_url(fields, "hosted_url", alguna_at(invoice, "external_url"));
	if (json_is_boolean(autopay))
		json_object_set_new(fields, "collection_method",
		    json_string(json_is_true(autopay) ? "charge_automatically" : "send_invoice"));
	read_amounts(news, fields, invoice);
	if (has_lines(news, fields, invoice))
		json_object_set_new(fields, "lines_complete", json_true());
}

/* Not told outright: nothing is open on a paid one, and it was paid when it was said to be. */
static json_t *
supposed_of(const struct source_news *news, const json_t *fields)
{
	const char *status = bh_json_str(fields, "status");
	json_t *supposed = json_object();

	if (status == NULL || strcmp(status, "paid") != 0)
		return supposed;
	if (json_object_get(fields, "amount_remaining") == NULL && currency_of(fields) != NULL)
		json_object_set_new(supposed, "amount_remaining", json_integer(0));
	if (!json_is_string(json_object_get(fields, "paid_at")) && news->at_ms > 0 &&
	    strcmp(news->event->type, "invoice.paid") == 0)
		read_put_ms(supposed, "paid_at", news->at_ms);
	return supposed;
}

int
alguna_invoice(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *id =
	    READ_FIRST(json_object_get(object, "id"), alguna_at(object, "invoice_id"));
	struct object_change *change = source_change(news, OBJECT_INVOICE, id, err);
	const struct alguna_word *word;
	json_t *supposed;

	if (change == NULL)
		return -1;
	word = alguna_status(change->fields, object, invoice_statuses, BH_LEN(invoice_statuses));
	if (word != NULL)
		json_object_set_new(change->fields, "overdue",
		    json_boolean(word->word != NULL && strcmp(word->word, "overdue") == 0));
	read_invoice(news, change->fields, object);
	alguna_link(news, change, "invoices");
	if (alguna_stamp(news, object, word != NULL ? word->rank : 1, change, err) < 0)
		return -1;
	supposed = supposed_of(news, change->fields);
	alguna_suppose(news, OBJECT_INVOICE, id, object, supposed);
	/* The documented payload has neither number, dates nor what is open. */
	if (news->at_ms > 0 && alguna_at(object, "amount_remaining") == NULL)
		source_want(news, "invoice", json_string_value(id), NULL);
	return 0;
}

int
alguna_line_deleted(struct source_news *news, const json_t *object, struct bh_err *err BH_UNUSED)
{
	const char *invoice = alguna_text(object, "invoice_id");

	if (invoice == NULL || *invoice == '\0' || strlen(invoice) > 255)
		return source_leave(news, SOURCE_IGNORED, "a line of no invoice");
	source_want(news, "invoice", invoice, NULL);
	news->result->outcome = SOURCE_ASKED;
	return 0;
}

static void
read_credit_note(struct source_news *news, json_t *fields, const json_t *note)
{
	static const char *const amounts[] = {"subtotal", "tax", "total"};

	read_text(fields, "customer", alguna_account(note));
	read_text(fields, "invoice", alguna_at(note, "invoice_id"));
	read_currency(fields, "currency", json_object_get(note, "currency"));
	read_filled(fields, "number", ALGUNA_ANY(note, "external_reference", "number"));
	read_filled(fields, "description", json_object_get(note, "description"));
	alguna_day(fields, "issued_on", alguna_at(note, "credit_date"));
	read_time(fields, "voided_at", alguna_at(note, "void_date"));
	read_time(fields, "created_at", alguna_at(note, "created_at"));
	for (size_t i = 0; i < BH_LEN(amounts); i++)
		alguna_money(news, fields, amounts[i], alguna_at(note, amounts[i]),
		    currency_of(fields));
	read_url(fields, "file_url",
	    alguna_at(json_array_get(json_object_get(note, "attachments"), 0), "file_url"));
	has_lines(news, fields, note);
}

int
alguna_credit_note(struct source_news *news, const json_t *object, struct bh_err *err)
{
	struct object_change *change =
	    source_change(news, OBJECT_CREDIT_NOTE, json_object_get(object, "id"), err);
	const struct alguna_word *word;
	const char *refund;

	if (change == NULL)
		return -1;
	word = alguna_status(change->fields, object, credit_note_statuses,
	    BH_LEN(credit_note_statuses));
	read_credit_note(news, change->fields, object);
	refund = word == NULL || word->word == NULL               ? NULL
		 : strcmp(word->canonical, "pending_refund") == 0 ? "pending"
		 : strcmp(word->canonical, "refunded") == 0       ? "succeeded"
								  : NULL;
	if (refund != NULL)
		json_object_set_new(change->fields, "refund_status", json_string(refund));
	return alguna_stamp(news, object, word != NULL ? word->rank : 1, change, err);
}
