/*
 * Stripe: facts, the table of event types, the envelope, and what all its
 * objects have in common.
 */
#include "base/base.h"

#include "source/stripe.h"

#include <strings.h>

#include "base/text.h"
#include "source/stripe_api.h"

#define REST_RANK (-1)

static int
upcoming(struct source_news *news, const json_t *object BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	/* A preview: no id, lines that vanish.  Storing it would make an invoice that does not exist. */
	return source_leave(news, SOURCE_IGNORED, "a preview of an invoice, not an invoice");
}

/*
 * Choices follow the effect at Stripe: invoice.created is not wanted because
 * Stripe waits up to 72 hours for a 2xx to it before it finalises an invoice;
 * payment_succeeded doubles invoice.paid.
 */
static const struct source_type types[] = {
    {"customer.created", SOURCE_BY_DEFAULT, stripe_customer},
    {"customer.updated", SOURCE_BY_DEFAULT, stripe_customer},
    {"customer.deleted", SOURCE_BY_DEFAULT, stripe_customer},
    {"customer.discount.created", SOURCE_BY_DEFAULT, NULL},
    {"customer.discount.updated", SOURCE_BY_DEFAULT, NULL},
    {"customer.discount.deleted", SOURCE_BY_DEFAULT, NULL},
    {"customer.tax_id.created", SOURCE_OPTIONAL, NULL},
    {"customer.tax_id.updated", SOURCE_OPTIONAL, NULL},
    {"customer.tax_id.deleted", SOURCE_OPTIONAL, NULL},
    {"customer.source.created", SOURCE_NOT_WANTED, NULL},
    {"customer.source.updated", SOURCE_NOT_WANTED, NULL},
    {"customer.source.deleted", SOURCE_NOT_WANTED, NULL},
    {"customer.source.expiring", SOURCE_OPTIONAL, NULL},
    {"customer.subscription.created", SOURCE_BY_DEFAULT, stripe_subscription},
    {"customer.subscription.updated", SOURCE_BY_DEFAULT, stripe_subscription},
    {"customer.subscription.deleted", SOURCE_BY_DEFAULT, stripe_subscription},
    {"customer.subscription.trial_will_end", SOURCE_BY_DEFAULT, stripe_subscription},
    {"customer.subscription.paused", SOURCE_BY_DEFAULT, stripe_subscription},
    {"customer.subscription.resumed", SOURCE_BY_DEFAULT, stripe_subscription},
    {"customer.subscription.pending_update_applied", SOURCE_BY_DEFAULT, stripe_subscription},
    {"customer.subscription.pending_update_expired", SOURCE_BY_DEFAULT, stripe_subscription},
    {"invoice.created", SOURCE_NOT_WANTED, stripe_invoice},
    {"invoice.finalized", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.finalization_failed", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.updated", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.sent", SOURCE_OPTIONAL, stripe_invoice},
    {"invoice.upcoming", SOURCE_BY_DEFAULT, upcoming},
    {"invoice.will_be_due", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.overdue", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.paid", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.payment_succeeded", SOURCE_NOT_WANTED, stripe_invoice},
    {"invoice.payment_failed", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.payment_action_required", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.payment_attempt_required", SOURCE_OPTIONAL, stripe_invoice},
    {"invoice.overpaid", SOURCE_OPTIONAL, stripe_invoice},
    {"invoice.voided", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.marked_uncollectible", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice.deleted", SOURCE_BY_DEFAULT, stripe_invoice},
    {"invoice_payment.paid", SOURCE_BY_DEFAULT, NULL},
    {"invoiceitem.created", SOURCE_NOT_WANTED, NULL},
    {"invoiceitem.updated", SOURCE_NOT_WANTED, NULL},
    {"invoiceitem.deleted", SOURCE_NOT_WANTED, NULL},
    {"credit_note.created", SOURCE_BY_DEFAULT, NULL},
    {"credit_note.updated", SOURCE_BY_DEFAULT, NULL},
    {"credit_note.voided", SOURCE_BY_DEFAULT, NULL},
    {"charge.succeeded", SOURCE_BY_DEFAULT, NULL},
    {"charge.failed", SOURCE_BY_DEFAULT, NULL},
    {"charge.pending", SOURCE_OPTIONAL, NULL},
    {"charge.captured", SOURCE_OPTIONAL, NULL},
    {"charge.expired", SOURCE_OPTIONAL, NULL},
    {"charge.updated", SOURCE_OPTIONAL, NULL},
    {"charge.refunded", SOURCE_BY_DEFAULT, NULL},
    {"charge.refund.updated", SOURCE_NOT_WANTED, NULL},
    {"refund.created", SOURCE_BY_DEFAULT, NULL},
    {"refund.updated", SOURCE_BY_DEFAULT, NULL},
    {"refund.failed", SOURCE_BY_DEFAULT, NULL},
    {"charge.dispute.created", SOURCE_BY_DEFAULT, NULL},
    {"charge.dispute.updated", SOURCE_OPTIONAL, NULL},
    {"charge.dispute.closed", SOURCE_BY_DEFAULT, NULL},
    {"charge.dispute.funds_withdrawn", SOURCE_OPTIONAL, NULL},
    {"charge.dispute.funds_reinstated", SOURCE_OPTIONAL, NULL},
    {"payment_intent.payment_failed", SOURCE_BY_DEFAULT, NULL},
    {"payment_intent.succeeded", SOURCE_NOT_WANTED, NULL},
    {"payment_intent.requires_action", SOURCE_NOT_WANTED, NULL},
    {"payment_intent.created", SOURCE_NOT_WANTED, NULL},
    {"payment_intent.canceled", SOURCE_NOT_WANTED, NULL},
    {"payment_intent.processing", SOURCE_NOT_WANTED, NULL},
    {"payment_intent.partially_funded", SOURCE_NOT_WANTED, NULL},
    {"payment_intent.amount_capturable_updated", SOURCE_NOT_WANTED, NULL},
    {"product.created", SOURCE_BY_DEFAULT, NULL},
    {"product.updated", SOURCE_BY_DEFAULT, NULL},
    {"product.deleted", SOURCE_BY_DEFAULT, NULL},
    {"price.created", SOURCE_BY_DEFAULT, NULL},
    {"price.updated", SOURCE_BY_DEFAULT, NULL},
    {"price.deleted", SOURCE_BY_DEFAULT, NULL},
    {"plan.created", SOURCE_NOT_WANTED, NULL},
    {"plan.updated", SOURCE_NOT_WANTED, NULL},
    {"plan.deleted", SOURCE_NOT_WANTED, NULL},
    {"coupon.created", SOURCE_BY_DEFAULT, NULL},
    {"coupon.updated", SOURCE_BY_DEFAULT, NULL},
    {"coupon.deleted", SOURCE_BY_DEFAULT, NULL},
    {"promotion_code.created", SOURCE_OPTIONAL, NULL},
    {"promotion_code.updated", SOURCE_OPTIONAL, NULL},
    {"subscription_schedule.created", SOURCE_BY_DEFAULT, NULL},
    {"subscription_schedule.updated", SOURCE_BY_DEFAULT, NULL},
    {"subscription_schedule.released", SOURCE_BY_DEFAULT, NULL},
    {"subscription_schedule.canceled", SOURCE_BY_DEFAULT, NULL},
    {"subscription_schedule.completed", SOURCE_BY_DEFAULT, NULL},
    {"subscription_schedule.aborted", SOURCE_BY_DEFAULT, NULL},
    {"subscription_schedule.expiring", SOURCE_BY_DEFAULT, NULL},
    {"entitlements.active_entitlement_summary.updated", SOURCE_OPTIONAL, NULL},
    {"checkout.session.completed", SOURCE_OPTIONAL, NULL},
    {"checkout.session.expired", SOURCE_NOT_WANTED, NULL},
    {"checkout.session.async_payment_succeeded", SOURCE_NOT_WANTED, NULL},
    {"checkout.session.async_payment_failed", SOURCE_NOT_WANTED, NULL},
    {"quote.accepted", SOURCE_OPTIONAL, NULL},
    {"quote.created", SOURCE_NOT_WANTED, NULL},
    {"quote.finalized", SOURCE_NOT_WANTED, NULL},
    {"quote.canceled", SOURCE_NOT_WANTED, NULL},
    {"billing.alert.triggered", SOURCE_OPTIONAL, NULL},
    {"billing.credit_grant.created", SOURCE_OPTIONAL, NULL},
    {"billing.credit_grant.updated", SOURCE_OPTIONAL, NULL},
    {"payment_method.attached", SOURCE_NOT_WANTED, NULL},
    {"payment_method.detached", SOURCE_NOT_WANTED, NULL},
    {"payment_method.updated", SOURCE_NOT_WANTED, NULL},
    {"payment_method.automatically_updated", SOURCE_OPTIONAL, NULL},
    {"setup_intent.created", SOURCE_NOT_WANTED, NULL},
    {"setup_intent.succeeded", SOURCE_NOT_WANTED, NULL},
    {"setup_intent.canceled", SOURCE_NOT_WANTED, NULL},
    {"setup_intent.requires_action", SOURCE_NOT_WANTED, NULL},
    {"setup_intent.setup_failed", SOURCE_OPTIONAL, NULL},
    {"test_helpers.test_clock.created", SOURCE_NOT_WANTED, NULL},
    {"test_helpers.test_clock.advancing", SOURCE_NOT_WANTED, NULL},
    {"test_helpers.test_clock.ready", SOURCE_NOT_WANTED, NULL},
    {"test_helpers.test_clock.deleted", SOURCE_NOT_WANTED, NULL},
    {"test_helpers.test_clock.internal_failure", SOURCE_NOT_WANTED, NULL},
    {NULL, SOURCE_NOT_WANTED, NULL},
};

static int
identify(const struct source_config *config BH_UNUSED, const struct source_request *request,
    struct source_event *event, struct bh_err *err)
{
	char object[32];
	const char *body = request->body;
	size_t len = request->body_len;

	if (!bh_is_json_scanned(body, len, "object", object, sizeof(object)) ||
	    (strcmp(object, "event") != 0 && strcmp(object, "v2.core.event") != 0))
		return bh_fail(err, BH_INVALID, "the body is no Stripe event");
	if (!bh_is_json_scanned(body, len, "id", event->id, sizeof(event->id)) ||
	    !is_source_word(event->id))
		return bh_fail(err, BH_INVALID, "the event has no usable id");
	if (!bh_is_json_scanned(body, len, "type", event->type, sizeof(event->type)) ||
	    !is_source_word(event->type))
		return bh_fail(err, BH_INVALID, "the event has no usable type");
	return 0;
}

/* The account that a Connect event is about; NULL: our own. */
static const char *
event_account(const json_t *body)
{
	return json_string_value(
	    READ_FIRST(json_object_get(body, "account"), json_object_get(body, "context")));
}

/* 1 when the event is for this connection; else 0, with the outcome set. */
static int
is_ours(struct source_news *news)
{
	const json_t *settings = news->config->settings;
	const char *mode = bh_json_str(settings, "mode");
	const char *account = event_account(news->body);
	const char *expected = bh_json_str(settings, "account");

	if (mode != NULL && strcmp(mode, news->live ? "live" : "test") != 0)
		return source_leave(news, SOURCE_FOREIGN,
		    "a %s event, and this connection takes %s ones",
		    news->live ? "live" : "test-mode", mode);
	if (account == NULL)
		return 1;
	if (bh_is_json_true(settings, "connect")) {
		news->account = account;
		return 1;
	}
	if (expected == NULL || strcmp(expected, account) != 0)
		return source_leave(news, SOURCE_FOREIGN, "an event of another account, %.64s",
		    account);
	return 1;
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
	    .live = bh_is_json_true(body, "livemode"),
	    .result = result,
	};
	const json_t *object = bh_json_at(body, "data.object");
	int rc = 0;

	if (is_ours(&news) == 0)
		rc = 0;
	else if (strlen(news.account) >= sizeof(((struct object_change *)0)->account))
		rc = bh_fail(err, BH_INVALID, "the event's account is too long");
	else if (object == NULL &&
		 strcmp(bh_json_str(body, "object") != NULL ? bh_json_str(body, "object") : "",
		     "v2.core.event") == 0)
		rc = source_leave(&news, SOURCE_IGNORED,
		    "a thin event: it names an object and does not carry it; send snapshot events here");
	else if (!json_is_object(object))
		rc = bh_fail(err, BH_INVALID, "the event carries no object");
	else if (!is_unix_read(bh_json_at(body, "created"), &news.at_ms))
		rc = bh_fail(err, BH_INVALID, "the event has no time");
	else
		rc = source_handle(&news, types, object, err);
	return rc;
}

static int
check(const struct source_config *config, struct bh_err *err)
{
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	const json_t *mode = bh_json_at(config->settings, "mode");
	const char *account = bh_json_str(config->settings, "account");
	int64_t tolerance_s = bh_json_int(config->settings, "tolerance_s", 300);

	if (source_secrets(config, secrets, err) < 0)
		return -1;
	if (mode != NULL && !json_is_null(mode) &&
	    (json_string_value(mode) == NULL || (strcmp(json_string_value(mode), "live") != 0 &&
						    strcmp(json_string_value(mode), "test") != 0)))
		return bh_fail(err, BH_INVALID, "mode must be live or test, or be left out");
	if (account != NULL && *account != '\0' && !bh_has_prefix(account, "acct_"))
		return bh_fail(err, BH_INVALID, "account must start with acct_");
	if (tolerance_s < 10 || tolerance_s > 86400)
		return bh_fail(err, BH_INVALID, "tolerance_s must be between 10 and 86400");
	return 0;
}

int
stripe_expect(const json_t *object, const char *type, struct bh_err *err)
{
	const char *is = bh_json_str(object, "object");

	if (is != NULL && strcmp(is, type) != 0)
		return bh_fail(err, BH_INVALID, "the event carries a %.40s, not a %s", is, type);
	return 0;
}

bool
is_stripe_rest(const struct source_news *news)
{
	return strcmp(news->event->type, "rest") == 0;
}

void
stripe_version(const struct source_news *news, struct object_change *change, int rank)
{
	change->version.at_ms = news->at_ms;
	change->version.rank = rank;
	source_tie(change->version.tie, "", news->event->id);
	if (is_stripe_rest(news)) {
		change->version.rank = REST_RANK;
		source_tie_fields(change->version.tie, change->fields);
	}
}

void
stripe_link(const struct source_news *news, struct object_change *change, const char *what)
{
	struct bh_buf url = BH_BUF_INIT(2048);

	bh_buf_adds(&url, "https://dashboard.stripe.com/");
	if (*news->account != '\0') {
		bh_percent_add(&url, news->account, strlen(news->account));
		bh_buf_addc(&url, '/');
	}
	bh_buf_addf(&url, "%s%s/", news->live ? "" : "test/", what);
	bh_percent_add(&url, change->id, strlen(change->id));
	json_object_set_new(change->fields, "link", json_string(bh_buf_str(&url)));
	bh_buf_release(&url);
}

/*
 * Stripe's own exponents are ours but for UGX: the list of zero-decimal
 * currencies has it, an older note says two decimals.  settings.exponents
 * ({"UGX": 2}) is for accounts where it proves otherwise.
 */
struct read_unit
stripe_unit(const struct source_news *news, const char *currency)
{
	const json_t *exponents = bh_json_at(news->config->settings, "exponents");
	int exponent = strcasecmp(currency, "UGX") == 0 ? 0 : money_exponent(currency);
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)exponents, name, value) {
		int64_t number = bh_json_int(value, "", -1);

		if (strcasecmp(name, currency) == 0 && number >= 0 && number <= 4)
			exponent = (int)number;
	}
	return read_unit(currency, exponent);
}

const struct source_driver source_stripe = {
    .name = "stripe",
    .title = "Stripe",
    .key_prefix = "stripe",
    .kept_headers = (const char *const[]){"stripe-signature", "user-agent", NULL},
    .types = types,
    .verify = stripe_verify,
    .identify = identify,
    .normalise = normalise,
    .check = check,
    .probe = stripe_probe,
    .fetch = stripe_fetch,
    .pull = stripe_pull,
    .endpoints = stripe_endpoints,
    .endpoint_put = stripe_endpoint_put,
    .endpoint_remove = stripe_endpoint_remove,
    .write_back = stripe_write_back,
};
