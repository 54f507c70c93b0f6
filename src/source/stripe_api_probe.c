/* Stripe: whose key it is, and what it may not read. */
#include "base/base.h"

#include "base/text.h"
#include "source/stripe_api.h"

/* Every list that is read, with the permission for it (the slugs that Stripe's own messages name). */
static const struct list {
	const char *path, *slug;
} lists[] = {
    {"/v1/products?limit=1", "rak_product_read"},
    {"/v1/prices?limit=1", "rak_plan_read"},
    {"/v1/coupons?limit=1", "rak_coupon_read"},
    {"/v1/customers?limit=1", "rak_customer_read"},
    {"/v1/subscriptions?limit=1&status=all", "rak_subscription_read"},
    {"/v1/subscription_schedules?limit=1", "rak_subscription_schedule_read"},
    {"/v1/invoices?limit=1", "rak_invoice_read"},
    {"/v1/credit_notes?limit=1", "rak_credit_note_read"},
    {"/v1/charges?limit=1", "rak_charge_read"},
    {"/v1/payment_intents?limit=1", "rak_payment_intent_read"},
    {"/v1/invoice_payments?limit=1", "rak_invoice_read"},
    {"/v1/refunds?limit=1", "rak_charge_read"},
    {"/v1/disputes?limit=1", "rak_dispute_read"},
    {"/v1/events?limit=1", "rak_event_read"},
};

/* What can be said without asking. */
static int
check_key(const struct source_config *config, const char *mode, struct bh_err *err)
{
	const char *key = bh_json_str(config->secrets, "api_key");
	const char *wanted = bh_json_str(config->settings, "mode");

	if (mode == NULL)
		return bh_fail(err, BH_INVALID, "the connection has no API key");
	key += strspn(key, " \t\r\n");
	if (bh_has_prefix(key, "pk_"))
		return bh_fail(err, BH_DENIED,
		    "this is a publishable key: a restricted or secret key is needed");
	if (bh_has_prefix(key, "whsec_"))
		return bh_fail(err, BH_DENIED, "this is the secret of a webhook, not an API key");
	if (*mode != '\0' && wanted != NULL && *wanted != '\0' && strcmp(mode, wanted) != 0)
		return bh_fail(err, BH_INVALID,
		    "the key is for %s mode, and the connection is for %s mode", mode, wanted);
	return 0;
}

static const char *
name_of(const json_t *account)
{
	const char *const paths[] = {"business_profile.name", "settings.dashboard.display_name",
	    "email", "id"};

	for (size_t i = 0; i < BH_LEN(paths); i++) {
		const char *text = bh_json_str(account, paths[i]);

		if (text != NULL && *text != '\0')
			return text;
	}
	return "";
}

static void
put_detail(json_t *who, const json_t *account, const char *version)
{
	const char *country = bh_json_str(account, "country");
	const char *currency = bh_json_str(account, "default_currency");
	struct bh_buf text = BH_BUF_INIT(1024);

	if (country != NULL)
		bh_buf_addf(&text, "country %.8s, ", country);
	if (currency != NULL)
		bh_buf_addf(&text, "currency %.8s, ", currency);
	if (bh_json_str(account, "object") == NULL)
		bh_buf_adds(&text, "the key may not read more about the account, ");
	bh_buf_addf(&text, "API version %.64s", version);
	json_object_set_new(who, "detail", bh_json_string(bh_buf_str(&text)));
	bh_buf_release(&text);
}

/*
 * A restricted key may usually not read its account; the refusal names it all
 * the same ("... on account 'acct_1'").  {"id"} or {}.
 */
static json_t *
named_account(const struct source_answer *answer)
{
	const char *message = bh_json_str(answer->json, "error.message");
	const char *at = message != NULL ? strstr(message, "on account 'acct_") : NULL;
	json_t *account = json_object();
	char id[64];

	if (at != NULL) {
		at += strlen("on account '");
		snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, "'"), at);
		if (is_source_word(id))
			json_object_set_new(account, "id", json_string(id));
	}
	return account;
}

/* The account of the key, or as much as a key that may not read it is told. */
static int
get_account(const struct source_api *api, const char *account, json_t **account_r,
    struct bh_err *err)
{
	struct stripe_session session = {.api = api, .account = account};
	struct source_answer answer;
	unsigned dropped = 0;
	char slug[64];
	int rc = stripe_get(&session, "/v1/account", NULL, &dropped, &answer, err);

	*account_r = NULL;
	if (rc == 0) {
		*account_r = json_incref(answer.json);
	} else if (answer.status == 403 && (*account == '\0' || is_stripe_slug(&answer, slug))) {
		*account_r = named_account(&answer);
		rc = 0;
	}
	source_answer_release(&answer);
	return rc;
}

static void
add_missing(json_t *missing, const char *slug)
{
	size_t i;
	json_t *one;

	json_array_foreach (missing, i, one)
		if (strcmp(json_string_value(one), slug) == 0)
			return;
	json_array_append_new(missing, json_string(slug));
}

static int
find_missing(const struct source_api *api, json_t *missing, struct bh_err *err)
{
	struct stripe_session session = {.api = api, .account = ""};

	for (size_t i = 0; i < BH_LEN(lists); i++) {
		struct source_answer answer;
		unsigned dropped = 0;
		char slug[64];
		int rc = stripe_get(&session, lists[i].path, NULL, &dropped, &answer, err);

		if (rc < 0 && answer.status == 403) {
			add_missing(missing, is_stripe_slug(&answer, slug) ? slug : lists[i].slug);
			rc = 0;
		} else if (is_stripe_unknown_call(&answer)) {
			rc = 0; /* an older version: nothing is missed there */
		}
		source_answer_release(&answer);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* The key's own account, and the one of settings where that is another. */
static int
get_accounts(const struct source_api *api, json_t **own_r, json_t **account_r, struct bh_err *err)
{
	const json_t *settings = api->config->settings;
	const char *wanted = bh_json_str(settings, "account");
	json_t *plain = json_object();
	struct source_config config = *api->config;
	struct source_api own = *api;
	const char *id;
	int rc;

	/* Asked without settings.account, which may be the own one or another. */
	if (settings != NULL)
		json_object_update(plain, (json_t *)(uintptr_t)settings);
	json_object_del(plain, "account");
	config.settings = plain;
	own.config = &config;
	*account_r = NULL;
	rc = get_account(&own, "", own_r, err);
	id = bh_json_str(*own_r, "id");
	if (rc == 0 && wanted != NULL && *wanted != '\0' && !bh_is_json_true(settings, "connect") &&
	    (id == NULL || strcmp(id, wanted) != 0)) {
		rc = get_account(api, wanted, account_r, err);
		if (rc < 0 && err != NULL && err->code == BH_DENIED)
			bh_during(err, "account %.64s", wanted);
	}
	json_decref(plain);
	return rc;
}

int
stripe_probe(const struct source_api *api, json_t **who_r, struct bh_err *err)
{
	const char *mode = stripe_key_mode(api->config);
	const char *version = bh_json_str(api->config->settings, "api_version");
	json_t *own = NULL, *account = NULL, *missing = json_array(), *learnt = json_object();
	const json_t *who;
	int rc = -1;

	*who_r = NULL;
	if (check_key(api->config, mode, err) < 0 || get_accounts(api, &own, &account, err) < 0 ||
	    find_missing(api, missing, err) < 0)
		goto out;
	who = account != NULL ? account : own;
	if (bh_json_str(own, "id") != NULL)
		json_object_set(learnt, "own_account", json_object_get(own, "id"));
	if (*mode != '\0')
		json_object_set_new(learnt, "mode", json_string(mode));
	*who_r = json_pack("{s:o, s:s, s:s, s:O, s:O}", "name", bh_json_string(name_of(who)), "id",
	    bh_json_str(who, "id") != NULL ? bh_json_str(who, "id") : "", "mode", mode, "settings",
	    learnt, "missing", missing);
	put_detail(*who_r, who, version != NULL && *version != '\0' ? version : STRIPE_API_VERSION);
	rc = 0;
out:
	json_decref(own);
	json_decref(account);
	json_decref(missing);
	json_decref(learnt);
	return rc;
}
