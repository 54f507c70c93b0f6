/* Alguna: payments and refunds. */
#include "base/base.h"

#include "source/alguna.h"

/* A paid one is completed in webhooks and succeeded in REST. */
static const struct alguna_word payment_statuses[] = {
    {"pending", "pending", 0},
    {"pending_authorization", "pending", 0},
    {"processing", "pending", 1},
    {"pending_client_action", "requires_action", 2},
    {"requires_action", "requires_action", 2},
    {"failed", "failed", 3},
    {"canceled", "canceled", 3},
    {"completed", "succeeded", 4},
    {"succeeded", "succeeded", 4},
    {NULL, "other", 1},
};

static const struct alguna_word refund_statuses[] = {
    {"pending", "pending", 0},
    {"processing", "pending", 1},
    {"failed", "failed", 3},
    {"canceled", "canceled", 3},
    {"succeeded", "succeeded", 4},
    {"completed", "succeeded", 4},
    {NULL, "other", 1},
};

/* A reason of one word is a code ("card_declined"), and what people read as well. */
static void
read_failure(json_t *fields, const json_t *reason)
{
	const char *text = json_string_value(reason);

	read_filled(fields, "failure_message", reason);
	if (text != NULL && strlen(text) < 64 && is_source_word(text))
		read_text(fields, "failure_code", reason);
}

static void
read_payment(struct source_news *news, json_t *fields, const json_t *payment)
{
	static const char *const amounts[][2] = {{"amount", "amount"},
	    {"amount_captured", "amount_received"}, {"amount_refunded", "amount_refunded"}};
	const char *currency;

	read_text(fields, "customer", alguna_account(payment));
	read_text(fields, "invoice", alguna_at(payment, "invoice_id"));
	read_currency(fields, "currency", json_object_get(payment, "currency"));
	currency = bh_json_str(fields, "currency");
	for (size_t i = 0; i < BH_LEN(amounts); i++)
		alguna_money(news, fields, amounts[i][0], alguna_at(payment, amounts[i][1]),
		    currency);
	read_failure(fields, alguna_at(payment, "failure_reason"));
	read_filled(fields, "provider_id", alguna_at(payment, "external_id"));
	read_url(fields, "link", alguna_at(payment, "external_url"));
	read_time(fields, "paid_at", alguna_at(payment, "paid_at"));
	read_time(fields, "failed_at", alguna_at(payment, "failed_at"));
	read_time(fields, "created_at", alguna_at(payment, "created_at"));
}

int
alguna_payment(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *id =
	    READ_FIRST(json_object_get(object, "id"), alguna_at(object, "payment_id"));
	struct object_change *change = source_change(news, OBJECT_PAYMENT, id, err);
	const struct alguna_word *word;

	if (change == NULL)
		return -1;
	word = alguna_status(change->fields, object, payment_statuses, BH_LEN(payment_statuses));
	read_payment(news, change->fields, object);
	return alguna_stamp(news, object, word != NULL ? word->rank : 1, change, err);
}

static void
read_refund(struct source_news *news, json_t *fields, const json_t *refund)
{
	read_text(fields, "customer", alguna_account(refund));
	read_text(fields, "payment", alguna_at(refund, "payment_id"));
	read_currency(fields, "currency", json_object_get(refund, "currency"));
	alguna_money(news, fields, "amount", json_object_get(refund, "amount"),
	    bh_json_str(fields, "currency"));
	read_filled(fields, "reason", json_object_get(refund, "reason"));
	read_filled(fields, "failure_reason", alguna_at(refund, "failure_reason"));
	read_filled(fields, "provider_id", ALGUNA_ANY(refund, "external_id", "processor_id"));
	read_url(fields, "link", alguna_at(refund, "external_url"));
	read_time(fields, "created_at", alguna_at(refund, "created_at"));
}

/* What a payment was paid back in all stands in the payment, which has no event for it. */
int
alguna_refund(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *id =
	    READ_FIRST(json_object_get(object, "id"), alguna_at(object, "refund_id"));
	struct object_change *change = source_change(news, OBJECT_REFUND, id, err);
	const char *payment = alguna_text(object, "payment_id");
	const struct alguna_word *word;

	if (change == NULL)
		return -1;
	word = alguna_status(change->fields, object, refund_statuses, BH_LEN(refund_statuses));
	read_refund(news, change->fields, object);
	if (alguna_stamp(news, object, word != NULL ? word->rank : 1, change, err) < 0)
		return -1;
	if (news->at_ms > 0 && payment != NULL && *payment != '\0' && strlen(payment) < 256)
		source_want(news, "payment", payment, NULL);
	return 0;
}
