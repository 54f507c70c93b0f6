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

/* It names an invoice, several, or a credit note, and does not carry it. */
static int
thin(struct source_news *news, const json_t *object, struct bh_err *err BH_UNUSED)
{
	lago_want_all(news, "invoice", json_object_get(object, "lago_invoice_id"));
	lago_want_all(news, "invoice", json_object_get(object, "lago_invoice_ids"));
	lago_want_all(news, "credit_note", json_object_get(object, "lago_credit_note_id"));
	return 0;
}

/* The campaign gave up on a customer's overdue invoices; it names only the customer. */
static int
dunning(struct source_news *news, const json_t *object, struct bh_err *err BH_UNUSED)
{
	lago_want_all(news, "overdue_invoices", json_object_get(object, "external_customer_id"));
	return 0;
}

/*
 * api:config/webhook_event_types.yml, and api:app/services/webhooks for what
 * each carries.  credit_note.refund_failure is sent but cannot be chosen: Lago
 * knows it as provider_refund_failure when it checks a choice.  Knowingly
 * ignored: errors of other integrations, usage (fees, wallets, metrics),
 * documents in front of a subscription (quotes, orders).
 */
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
    {"credit_note.created", SOURCE_BY_DEFAULT, lago_credit_note},
    {"credit_note.generated", SOURCE_BY_DEFAULT, lago_credit_note},
    {"credit_note.refund_failure", SOURCE_OPTIONAL, thin},
    {"credit_note.provider_refund_failure", SOURCE_OPTIONAL, thin},
    {"payment.succeeded", SOURCE_BY_DEFAULT, lago_payment},
    {"payment.requires_action", SOURCE_OPTIONAL, lago_payment},
    {"payment_provider.error", SOURCE_NOT_WANTED, NULL},
    {"payment_receipt.created", SOURCE_BY_DEFAULT, lago_payment_receipt},
    {"payment_receipt.generated", SOURCE_OPTIONAL, lago_payment_receipt},
    {"payment_request.created", SOURCE_OPTIONAL, lago_payment_request},
    {"payment_request.payment_status_updated", SOURCE_BY_DEFAULT, lago_payment_request},
    {"payment_request.payment_failure", SOURCE_OPTIONAL, thin},
    {"plan.created", SOURCE_OPTIONAL, lago_plan},
    {"plan.updated", SOURCE_BY_DEFAULT, lago_plan},
    {"plan.deleted", SOURCE_OPTIONAL, lago_plan},
    {"fee.created", SOURCE_NOT_WANTED, NULL},
    {"fee.tax_provider_error", SOURCE_NOT_WANTED, NULL},
    {"wallet.created", SOURCE_NOT_WANTED, NULL},
    {"wallet.updated", SOURCE_NOT_WANTED, NULL},
    {"wallet.terminated", SOURCE_NOT_WANTED, NULL},
    {"wallet.depleted_ongoing_balance", SOURCE_NOT_WANTED, NULL},
    {"wallet_transaction.created", SOURCE_NOT_WANTED, NULL},
    {"wallet_transaction.updated", SOURCE_NOT_WANTED, NULL},
    {"wallet_transaction.payment_failure", SOURCE_NOT_WANTED, NULL},
    {"dunning_campaign.finished", SOURCE_OPTIONAL, dunning},
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
	if (rc == 0 && result->outcome == SOURCE_APPLIED)
		lago_settle(&news);
	return rc;
}

/* An address that is only shown may be of a plain server inside a company. */
static int
check_app_url(const struct source_config *config, struct bh_err *err)
{
	const char *url = bh_json_str(config->settings, "app_url");

	if (url != NULL && *url != '\0' && !bh_has_prefix(url, "https://") &&
	    !bh_has_prefix(url, "http://"))
		return bh_fail(err, BH_INVALID, "app_url must start with https://");
	return 0;
}

static int
check(const struct source_config *config, struct bh_err *err)
{
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	struct bh_buf pem = BH_BUF_INIT(16384);
	int rc = lago_public_key(config, &pem, err);

	/* One of the two ways to sign must be there. */
	if (rc == 1)
		rc = bh_rs256_verify(bh_buf_str(&pem), "", 0, "", 0, err) < 0 ? -1 : 1;
	if (rc == 0)
		rc = source_secrets(config, secrets, err);
	bh_buf_release(&pem);
	return rc < 0 ? -1 : check_app_url(config, err);
}

static const struct setting settings[] = {
    {"api_key", "API key", SETTING_TEXT, SETTING_SECRET, NULL, 0, 0, "",
	"From Developers > API keys. Needed to read what is there already and to catch up: Lago gives a webhook up after three attempts"},
    {"webhook", "HMAC key", SETTING_TEXT, SETTING_SECRET, NULL, 0, 0, "",
	"Shown under Developers > Webhooks, with its dashes; Lago does not give it out by its API. Can be left out only where webhooks are signed with JWT"},
    {"webhook_previous", "Previous HMAC key", SETTING_TEXT,
	SETTING_SECRET | SETTING_ADVANCED, NULL, 0, 0, "",
	"Accepted as well, while webhooks signed with it still arrive"},
    {"api_url", "API address", SETTING_URL, 0, NULL, 0, 0, LAGO_CLOUD,
	"Of your own server, or https://api.eu.getlago.com; without /api/v1"},
    {"app_url", "Address of the Lago pages", SETTING_TEXT, 0, NULL, 0, 0, "",
	"For links to customers and invoices. The cloud's is known; leave it empty there"},
    {"slug", "Organization slug", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0, "",
	"Part of the links since 2026-05; learnt from the API"},
    {"organization_id", "Organization id", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0,
	"", "Webhooks of other organizations are left aside; learnt from the API"},
    {"public_key", "Public key", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0, "",
	"For webhooks signed with JWT: PEM, or base64 of it as the API tells it; learnt from the API"},
    {"jwt_issuer", "JWT issuer", SETTING_TEXT, SETTING_ADVANCED, NULL, 0, 0, "",
	"LAGO_API_URL of the server, where it is not the API address"},
    {"revenue", "Revenue", SETTING_JSON, SETTING_ADVANCED, NULL, 0, 0, "",
	"Which discounts, cancellations, pauses count in MRR"},
    {NULL, NULL, SETTING_TEXT, 0, NULL, 0, 0, NULL, NULL},
};

static const char steps[] =
    "Open Lago, Developers > Webhooks, Add a webhook endpoint.\n"
    "Endpoint URL: %s\n"
    "Signature: HMAC. A JWT repeats the whole body in a header and grows beyond what web servers accept.\n"
    "Events (servers since 2026-03; older ones send everything): customer.created and .updated; subscription.started, .updated, .terminated, .canceled, .incomplete, .trial_ended; invoice.drafted, .created, .one_off_created, .paid_credit_added, .generated, .voided, .deleted, .payment_status_updated, .payment_overdue, .payment_failure, .payment_dispute_lost; credit_note.created, .generated; payment.succeeded; payment_receipt.created; payment_request.payment_status_updated; plan.updated.\n"
    "Copy the HMAC key from the same page into this form. It is the same for all endpoints of the organization.\n"
    "For the API key: Developers > API keys. It needs read for customer, subscription, invoice, credit note, payment, plan and organization; write for webhook endpoint if Billhook is to register itself; write for customer if ids of CRM records are to be stored in Lago.\n";

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
    .settings = settings,
    .check = check,
    .steps = steps,
    .fetch_per_s = 10,
    .catchup_s = 3600,
    .is_swept = true,
    .probe = lago_probe,
    .fetch = lago_fetch,
    .pull = lago_pull,
    .endpoints = lago_endpoints,
    .endpoint_put = lago_endpoint_put,
    .endpoint_remove = lago_endpoint_remove,
    .write_back = lago_write_back,
    .create_customer = lago_create_customer,
};
