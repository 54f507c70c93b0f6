/* Stripe: the settings and secrets of a connection, and how a webhook is made by hand. */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe.h"

#define TOKEN_MIN 16

const struct setting stripe_settings[] = {
    {.name = "webhook",
	.label = "Signing secret",
	.flags = SETTING_SECRET,
	.fallback = "",
	.meaning =
	    "Secret of the webhook endpoint (whsec_...); each endpoint and mode has its own"},
    {.name = "webhook_previous",
	.label = "Previous signing secret",
	.flags = SETTING_SECRET | SETTING_ADVANCED,
	.fallback = "",
	.meaning = "Still accepted while a secret is being replaced"},
    {.name = "api_key",
	.label = "API key",
	.flags = SETTING_SECRET,
	.fallback = "",
	.meaning = "Restricted key (rk_...) that may read customers, subscriptions, invoices, "
		   "credit notes, charges, payment intents, products, prices, coupons, events"},
    {.name = "mode",
	.label = "Mode",
	.type = SETTING_CHOICE,
	.options = "live test",
	.fallback = "",
	.meaning = "Events of the other mode are put aside; left out: both are taken"},
    {.name = "account",
	.label = "Account",
	.fallback = "",
	.meaning = "Own account (acct_...); events of another one are put aside"},
    {.name = "connect",
	.label = "Connected accounts",
	.type = SETTING_BOOL,
	.flags = SETTING_ADVANCED,
	.fallback = "false",
	.meaning = "Events of connected accounts are taken, each account's objects by themselves"},
    {.name = "salesforce_id_key",
	.label = "Metadata key of the Salesforce id",
	.fallback = "salesforce_account_id",
	.meaning = "Where a customer's metadata hold the Salesforce Account id"},
    {.name = "hubspot_id_key",
	.label = "Metadata key of the HubSpot id",
	.fallback = "hubspot_company_id",
	.meaning = "Where a customer's metadata hold the HubSpot record id"},
    {.name = "tolerance_s",
	.label = "Tolerance of the signature's age",
	.type = SETTING_NUMBER,
	.flags = SETTING_ADVANCED,
	.least = 10,
	.most = 86400,
	.fallback = "300",
	.meaning = "How many seconds a signature may be old or ahead"},
    {.name = "exponents",
	.label = "Decimals of currencies",
	.type = SETTING_JSON,
	.flags = SETTING_ADVANCED,
	.fallback = "",
	.meaning = "Decimals that Stripe sends, where they differ: {\"UGX\": 2}"},
    {.name = "revenue",
	.label = "Revenue",
	.type = SETTING_JSON,
	.flags = SETTING_ADVANCED,
	.fallback = "",
	.meaning = "Which discounts, cancellations, pauses count in MRR"},
    {.name = "api_version",
	.label = "API version",
	.flags = SETTING_ADVANCED,
	.fallback = "2026-10-28.endive",
	.meaning = "Version that is asked for; events may come in any"},
    {.name = "api_url",
	.label = "Address of the API",
	.type = SETTING_URL,
	.flags = SETTING_ADVANCED,
	.fallback = "https://api.stripe.com",
	.meaning = "Without /v1"},
    {.name = "unwrap",
	.label = "Events in a wrapper",
	.type = SETTING_BOOL,
	.flags = SETTING_ADVANCED,
	.fallback = "false",
	.meaning = "Events that Amazon EventBridge (detail) or Azure Event Grid (data) pass on are "
		   "taken, too; Stripe does not sign them"},
    {.name = "unwrap_token",
	.label = "Token of wrapped events",
	.flags = SETTING_SECRET | SETTING_ADVANCED,
	.fallback = "",
	.meaning = "What the header X-Billhook-Token of a wrapped event must hold, at least 16 "
		   "characters"},
    {.name = NULL},
};

const char stripe_steps[] =
    "In the Stripe Dashboard open Developers (Workbench), Webhooks, and choose Add destination.\n"
    "Choose Your account, the newest API version, and these events: customer.created, "
    "customer.updated, customer.deleted, customer.discount.*, customer.subscription.*, "
    "invoice.* but for invoice.created and invoice.payment_succeeded, invoice_payment.paid, "
    "credit_note.*, charge.succeeded, charge.failed, charge.refunded, charge.dispute.created, "
    "charge.dispute.closed, refund.*, payment_intent.payment_failed, product.*, price.*, coupon.*, "
    "subscription_schedule.*.\n"
    "Leave invoice.created out: Stripe waits for an answer to it before it finalises an invoice.\n"
    "Choose Webhook endpoint and enter this address: %s\n"
    "Create it, reveal the Signing secret (whsec_...) and store it as the secret \"webhook\".\n"
    "Live mode, test mode and every sandbox need an endpoint and a secret of their own.\n"
    "For history and look-ups open Developers, API keys, create a restricted key that may read "
    "what Billhook keeps, and store it as the secret \"api_key\".";

/* {"UGX": 2}: a currency and its decimals. */
static int
check_exponents(const json_t *exponents, struct bh_err *err)
{
	const char *name;
	json_t *value;

	if (json_is_array(exponents))
		return bh_fail(err, BH_INVALID, "exponents must be an object: {\"UGX\": 2}");
	json_object_foreach ((json_t *)(uintptr_t)exponents, name, value) {
		int64_t number = bh_json_int(value, "", -1);

		if (strlen(name) != 3 || number < 0 || number > 4)
			return bh_fail(err, BH_INVALID,
			    "exponents must name currencies and decimals from 0 to 4");
	}
	return 0;
}

/* Keys say what they are and of which mode; never repeat one in an error. */
static int
check_key(const char *key, const char *mode, struct bh_err *err)
{
	key += strspn(key, " \t\r\n");
	if (bh_has_prefix(key, "pk_"))
		return bh_fail(err, BH_INVALID,
		    "api_key is a publishable key: it must be a restricted or secret one");
	if (!bh_has_prefix(key, "rk_") && !bh_has_prefix(key, "sk_"))
		return bh_fail(err, BH_INVALID, "api_key must start with rk_ or sk_");
	if (mode != NULL && *mode != '\0' &&
	    (strncmp(key + 3, "test_", 5) == 0 || strncmp(key + 3, "live_", 5) == 0) &&
	    strncmp(key + 3, mode, 4) != 0)
		return bh_fail(err, BH_INVALID, "api_key is not of the mode %s", mode);
	return 0;
}

int
stripe_check(const struct source_config *config, struct bh_err *err)
{
	struct source_secret secrets[SOURCE_SECRETS_MAX];
	bool unwraps = bh_is_json_true(config->settings, "unwrap");
	const char *token = bh_json_str(config->secrets, "unwrap_token");
	const char *account = bh_json_str(config->settings, "account");
	const char *key = bh_json_str(config->secrets, "api_key");

	if (unwraps && (token == NULL || strlen(token) < TOKEN_MIN))
		return bh_fail(err, BH_INVALID,
		    "unwrap_token must have at least %d characters: wrapped events are not signed",
		    TOKEN_MIN);
	/* With a key Billhook makes its webhook itself, and learns the secret there. */
	if (!unwraps && (key == NULL || *key == '\0') && source_secrets(config, secrets, err) < 0)
		return -1;
	if (account != NULL && *account != '\0' && !bh_has_prefix(account, "acct_"))
		return bh_fail(err, BH_INVALID, "account must start with acct_");
	if (key != NULL && *key != '\0' &&
	    check_key(key, bh_json_str(config->settings, "mode"), err) < 0)
		return -1;
	return check_exponents(bh_json_at(config->settings, "exponents"), err);
}
