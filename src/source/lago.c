/*
 * Lago: facts, the table of event types, the envelope.  The object's key is
 * named by object_type, not by the event (several differ).
 */
#include "base/base.h"

#include "source/lago.h"

#include "base/crypt.h"
#include "base/text.h"

/* {"invoice": {...}} one level deeper; the published example shows the invoice flat. */
static int
dispute_lost(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const json_t *inner = json_object_get(object, "invoice");

	return lago_invoice(news, json_is_object(inner) ? inner : object, err);
}

static int
thin(struct source_news *news, const json_t *object BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	return source_leave(news, SOURCE_IGNORED, "names an object that it does not carry");
}

/* api:config/webhook_event_types.yml, and api:app/services/webhooks for what each carries. */
static const struct source_type types[] = {
    {"customer.created", SOURCE_BY_DEFAULT, lago_customer},
    {"customer.updated", SOURCE_BY_DEFAULT, lago_customer},
    {"customer.crm_provider_created", SOURCE_OPTIONAL, lago_customer},
    {"customer.accounting_provider_created", SOURCE_OPTIONAL, lago_customer},
    {"customer.payment_provider_created", SOURCE_OPTIONAL, lago_customer},
    {"customer.vies_check", SOURCE_OPTIONAL, lago_customer},
    {"customer.crm_provider_error", SOURCE_NOT_WANTED, NULL},
    {"customer.accounting_provider_error", SOURCE_NOT_WANTED, NULL},
    {"customer.payment_provider_error", SOURCE_NOT_WANTED, NULL},
    {"customer.tax_provider_error", SOURCE_NOT_WANTED, NULL},
    {"customer.checkout_url_generated", SOURCE_NOT_WANTED, NULL},
    {"subscription.started", SOURCE_BY_DEFAULT, lago_subscription},
    {"subscription.updated", SOURCE_BY_DEFAULT, lago_subscription},
    {"subscription.terminated", SOURCE_BY_DEFAULT, lago_subscription},
    {"subscription.canceled", SOURCE_BY_DEFAULT, lago_subscription},
    {"subscription.incomplete", SOURCE_BY_DEFAULT, lago_subscription},
    {"subscription.trial_ended", SOURCE_BY_DEFAULT, lago_subscription},
    {"subscription.termination_alert", SOURCE_OPTIONAL, lago_subscription},
    {"subscription.usage_threshold_reached", SOURCE_OPTIONAL, lago_subscription},
    {"invoice.drafted", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.ready_to_finalize", SOURCE_OPTIONAL, lago_invoice},
    {"invoice.created", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.one_off_created", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.paid_credit_added", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.add_on_added", SOURCE_OPTIONAL, lago_invoice},
    {"invoice.generated", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.voided", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.deleted", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.payment_status_updated", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.payment_overdue", SOURCE_BY_DEFAULT, lago_invoice},
    {"invoice.payment_failure", SOURCE_BY_DEFAULT, thin},
    {"invoice.payment_dispute_lost", SOURCE_BY_DEFAULT, dispute_lost},
    {"invoice.resynced", SOURCE_OPTIONAL, lago_invoice},
    {"credit_note.created", SOURCE_BY_DEFAULT, NULL},
    {"credit_note.generated", SOURCE_BY_DEFAULT, NULL},
    {"credit_note.refund_failure", SOURCE_OPTIONAL, thin},
    {"credit_note.provider_refund_failure", SOURCE_OPTIONAL, thin},
    {"payment.succeeded", SOURCE_BY_DEFAULT, NULL},
    {"payment.requires_action", SOURCE_OPTIONAL, NULL},
    {"payment_provider.error", SOURCE_NOT_WANTED, NULL},
    {"payment_receipt.created", SOURCE_BY_DEFAULT, NULL},
    {"payment_receipt.generated", SOURCE_OPTIONAL, NULL},
    {"payment_request.created", SOURCE_OPTIONAL, NULL},
    {"payment_request.payment_status_updated", SOURCE_BY_DEFAULT, NULL},
    {"payment_request.payment_failure", SOURCE_OPTIONAL, thin},
    {"plan.created", SOURCE_OPTIONAL, NULL},
    {"plan.updated", SOURCE_BY_DEFAULT, NULL},
    {"plan.deleted", SOURCE_OPTIONAL, NULL},
    {"fee.created", SOURCE_NOT_WANTED, NULL},
    {"fee.tax_provider_error", SOURCE_NOT_WANTED, NULL},
    {"wallet.created", SOURCE_NOT_WANTED, NULL},
    {"wallet.updated", SOURCE_NOT_WANTED, NULL},
    {"wallet.terminated", SOURCE_NOT_WANTED, NULL},
    {"wallet.depleted_ongoing_balance", SOURCE_NOT_WANTED, NULL},
    {"wallet_transaction.created", SOURCE_NOT_WANTED, NULL},
    {"wallet_transaction.updated", SOURCE_NOT_WANTED, NULL},
    {"wallet_transaction.payment_failure", SOURCE_NOT_WANTED, NULL},
    {"dunning_campaign.finished", SOURCE_OPTIONAL, NULL},
    {"integration.provider_error", SOURCE_NOT_WANTED, NULL},
    {"quote.created", SOURCE_NOT_WANTED, NULL},
    {"quote.approved", SOURCE_NOT_WANTED, NULL},
    {"quote.voided", SOURCE_NOT_WANTED, NULL},
    {"order_form.created", SOURCE_NOT_WANTED, NULL},
    {"order_form.signed", SOURCE_NOT_WANTED, NULL},
    {"order_form.expired", SOURCE_NOT_WANTED, NULL},
    {"order_form.voided", SOURCE_NOT_WANTED, NULL},
    {"order.created", SOURCE_NOT_WANTED, NULL},
    {"order.executed", SOURCE_NOT_WANTED, NULL},
    {"alert.triggered", SOURCE_NOT_WANTED, NULL},
    {"billable_metric.created", SOURCE_NOT_WANTED, NULL},
    {"billable_metric.updated", SOURCE_NOT_WANTED, NULL},
    {"billable_metric.deleted", SOURCE_NOT_WANTED, NULL},
    {"feature.created", SOURCE_NOT_WANTED, NULL},
    {"feature.updated", SOURCE_NOT_WANTED, NULL},
    {"feature.deleted", SOURCE_NOT_WANTED, NULL},
    {"event.error", SOURCE_NOT_WANTED, NULL},
    {"events.errors", SOURCE_NOT_WANTED, NULL},
    {NULL, SOURCE_NOT_WANTED, NULL},
};

/*
 * Lago's own key names a delivery: the same over its retries, another one at
 * another endpoint.  Without it (a hand-made request) the body is its own name.
 */
static int
identify(const struct source_config *config BH_UNUSED, const struct source_request *request,
    struct source_event *event, struct bh_err *err)
{
	const char *key = source_header(request, "x-lago-unique-key");
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];

	if (!bh_is_json_scanned(request->body, request->body_len, "webhook_type", event->type,
		sizeof(event->type)) ||
	    !is_source_word(event->type))
		return bh_fail(err, BH_INVALID, "the body is no Lago webhook");
	if (key != NULL && is_source_word(key)) {
		snprintf(event->id, sizeof(event->id), "%s", key);
		return 0;
	}
	bh_sha256(digest, request->body, request->body_len);
	bh_hex(hex, digest, sizeof(digest));
	snprintf(event->id, sizeof(event->id), "sha256:%s", hex);
	return 0;
}

static int
normalise(const struct source_config *config, const struct source_event *event, const json_t *body,
    int64_t received_ms, struct source_result *result, struct bh_err *err)
{
	struct source_news news = {
	    .config = config,
	    .event = event,
	    .body = body,
	    .received_ms = received_ms,
	    .account = "",
	    .live = true,
	    .result = result,
	};
	const char *organization = bh_json_str(body, "organization_id");
	const char *expected = bh_json_str(config->settings, "organization_id");
	const char *type = bh_json_str(body, "object_type");
	const json_t *object = type != NULL ? json_object_get(body, type) : NULL;
	int rc;

	if (expected != NULL && *expected != '\0' &&
	    (organization == NULL || strcmp(organization, expected) != 0))
		rc = source_leave(&news, SOURCE_FOREIGN, "an event of another organisation");
	else if (!json_is_object(object))
		rc = bh_fail(err, BH_INVALID, "the webhook carries no object");
	else
		rc = source_handle(&news, types, object, err);
	return rc;
}

static int
check(const struct source_config *config, struct bh_err *err)
{
	static const char *const urls[] = {"api_url", "app_url"};
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	struct bh_buf pem = BH_BUF_INIT(16384);
	int rc = lago_public_key(config, &pem, err);

	/* One of the two ways to sign must be there. */
	if (rc == 1)
		rc = bh_rs256_verify(bh_buf_str(&pem), "", 0, "", 0, err) < 0 ? -1 : 1;
	if (rc == 0)
		rc = source_secrets(config, secrets, err);
	bh_buf_release(&pem);
	for (size_t i = 0; rc > 0 && i < BH_LEN(urls); i++) {
		const char *url = bh_json_str(config->settings, urls[i]);

		if (url != NULL && *url != '\0' && !bh_has_prefix(url, "https://") &&
		    !bh_has_prefix(url, "http://"))
			rc = bh_fail(err, BH_INVALID, "%s must start with https://", urls[i]);
	}
	return rc < 0 ? -1 : 0;
}

const struct source_driver source_lago = {
    .name = "lago",
    .title = "Lago",
    .key_prefix = "lago",
    /* Not the signature: as a token it is larger than the body. */
    .kept_headers = (const char *const[]){"x-lago-unique-key", "x-lago-signature-algorithm", NULL},
    .types = types,
    .verify = lago_verify,
    .identify = identify,
    .normalise = normalise,
    .check = check,
};
