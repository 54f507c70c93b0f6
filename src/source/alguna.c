/*
 * Alguna: facts, the table of event types, the envelope.  Events are
 * Standard Webhooks that Svix delivers: the id is in a header only.
 */
#include "base/base.h"

#include "source/alguna.h"

#include "base/clock.h"
#include "base/crypt.h"
#include "base/text.h"

/* Alguna: API reference, Webhooks; the newest list of events. */
static const struct source_type types[] = {
    {"subscription.activated", SOURCE_BY_DEFAULT, alguna_subscription},
    {"subscription.started", SOURCE_BY_DEFAULT, alguna_subscription},
    {"subscription.updated", SOURCE_BY_DEFAULT, alguna_subscription},
    {"subscription.version.updated", SOURCE_BY_DEFAULT, alguna_version_event},
    {"subscription.cancelation_scheduled", SOURCE_BY_DEFAULT, alguna_subscription},
    {"subscription.canceled", SOURCE_BY_DEFAULT, alguna_subscription},
    {"invoice.issued", SOURCE_BY_DEFAULT, alguna_invoice},
    {"invoice.paid", SOURCE_BY_DEFAULT, alguna_invoice},
    {"payment.created", SOURCE_BY_DEFAULT, alguna_payment},
    {"payment.updated", SOURCE_BY_DEFAULT, alguna_payment},
    {"refund.updated", SOURCE_BY_DEFAULT, alguna_refund},
    {"line_item.deleted", SOURCE_BY_DEFAULT, alguna_line_deleted},
    {"checkout.session.completed", SOURCE_BY_DEFAULT, alguna_checkout},
    /* Credits may be units of use: they are no money and no part of what a CRM shows. */
    {"account.credits.granted", SOURCE_NOT_WANTED, NULL},
    {"account.credits.balance_depleted", SOURCE_NOT_WANTED, NULL},
    {NULL, SOURCE_NOT_WANTED, NULL},
};

/* The delivery's id is the same over its retries; a body without headers is its own name. */
static int
identify(const struct source_config *config BH_UNUSED, const struct source_request *request,
    struct source_event *event, struct bh_err *err)
{
	const char *id = alguna_headers(request).id;
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];

	if (id == NULL)
		id = source_header(request, "svix-id");
	if (!bh_is_json_scanned(request->body, request->body_len, "type", event->type,
		sizeof(event->type)) ||
	    !is_source_word(event->type))
		return bh_fail(err, BH_INVALID, "the body is no webhook of Alguna");
	if (id != NULL && is_source_word(id)) {
		snprintf(event->id, sizeof(event->id), "%s", id);
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
	const json_t *data = json_object_get(body, "data");
	const char *timestamp = bh_json_str(body, "timestamp");
	int64_t at_ms;

	if (timestamp != NULL && bh_is_time(timestamp, &at_ms) && at_ms > 0)
		news.at_ms = at_ms;
	if (!json_is_object(data))
		return bh_fail(err, BH_INVALID, "the webhook carries no data");
	return source_handle(&news, types, data, err);
}

/* Neither told by a list nor by an event: that an ordered change has come into force. */
static bool
is_reread(enum object_kind kind, const json_t *fields)
{
	if (kind != OBJECT_SUBSCRIPTION)
		return false;
	return fields == NULL || json_array_size(json_object_get(fields, "pending_changes")) > 0;
}

static const struct setting settings[] = {
    {.name = "webhook",
	.label = "Webhook secret",
	.flags = SETTING_SECRET,
	.fallback = "",
	.meaning = "Secret of the endpoint (whsec_...), shown once when the endpoint is made"},
    {.name = "webhook_previous",
	.label = "Previous webhook secret",
	.flags = SETTING_SECRET | SETTING_ADVANCED,
	.fallback = "",
	.meaning = "Still accepted while a secret is being replaced"},
    {.name = "api_key",
	.label = "API key",
	.flags = SETTING_SECRET,
	.fallback = "",
	.meaning = "Needed for names and e-mails, prices, credit notes and overdue invoices: "
		   "Alguna's webhooks do not tell them"},
    {.name = "generation",
	.label = "API generation",
	.type = SETTING_CHOICE,
	.options = "2 1",
	.fallback = "2",
	.meaning = "2: dated API 2026-04-01 (customers); 1: the one before (accounts)"},
    {.name = "api_url",
	.label = "API address",
	.type = SETTING_URL,
	.flags = SETTING_ADVANCED,
	.fallback = ALGUNA_API,
	.meaning = "Address of the API"},
    {.name = "app_url",
	.label = "Address of the app",
	.type = SETTING_URL,
	.flags = SETTING_ADVANCED,
	.fallback = ALGUNA_APP,
	.meaning = "For links to customers, subscriptions and invoices; the sandbox is "
		   "https://app.sandbox.alguna.io"},
    {.name = "invoice_details",
	.label = "Details of invoices",
	.type = SETTING_CHOICE,
	.flags = SETTING_ADVANCED,
	.options = "all open none",
	.fallback = "all",
	.meaning = "Lists lack number, due date, tax and what is open: which invoices of a list "
		   "are read one by one"},
    {.name = "currency",
	.label = "Currency of new customers",
	.flags = SETTING_ADVANCED,
	.fallback = "",
	.meaning = "ISO 4217; for customers that are made from a CRM's accounts"},
    {.name = "tolerance_s",
	.label = "Tolerance of the signature's age",
	.type = SETTING_NUMBER,
	.flags = SETTING_ADVANCED,
	.least = 10,
	.most = 86400,
	.fallback = "300",
	.meaning = "How many seconds a signature may be old or ahead"},
    {.name = "revenue",
	.label = "Revenue",
	.type = SETTING_JSON,
	.flags = SETTING_ADVANCED,
	.fallback = "",
	.meaning = "Which discounts, cancellations, pauses count in MRR"},
    {.name = NULL},
};

static int
check(const struct source_config *config, struct bh_err *err)
{
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	const char *key = bh_json_str(config->secrets, "api_key");
	const char *currency = bh_json_str(config->settings, "currency");

	if (currency != NULL && *currency != '\0' &&
	    (strlen(currency) != 3 || strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3))
		return bh_fail(err, BH_INVALID, "currency must be three capital letters: EUR");
	if (source_secrets(config, secrets, NULL) < 0 && (key == NULL || *key == '\0'))
		return bh_fail(err, BH_INVALID,
		    "the webhook secret is missing, and an API key as well: one is needed");
	return alguna_check_secrets(config, err);
}

static const char steps[] =
    "In Alguna open Settings > Webhooks and choose Add endpoint.\n"
    "Address of the endpoint: %s\n"
    "Choose the events: all of subscription, invoice, payment and refund; line_item.deleted; "
    "checkout.session.completed.\n"
    "Copy the secret (whsec_...) when it is shown: it is shown once. Put it into the field "
    "Webhook secret here.\n"
    "Make an API key in Alguna and put it into the field API key here: customers, "
    "prices, credit notes and overdue invoices are in no webhook, they are asked for every 15 "
    "minutes.\n"
    "Press \"send test event\" at the endpoint; the message log there shows what was answered.\n";

const struct source_driver source_alguna = {
    .name = "alguna",
    .title = "Alguna",
    .key_prefix = "alguna",
    .kept_headers = (const char *const[]){"webhook-id", "svix-id", NULL},
    .types = types,
    .verify = alguna_verify,
    .identify = identify,
    .normalise = normalise,
    .settings = settings,
    .check = check,
    .steps = steps,
    .is_reread = is_reread,
    .fetch_per_s = 5,
    .catchup_s = 900,
    .probe = alguna_probe,
    .fetch = alguna_fetch,
    .pull = alguna_pull,
    .write_back = alguna_write_back,
    .create_customer = alguna_create_customer,
};
