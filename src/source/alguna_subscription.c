/*
 * Alguna: subscriptions.  A webhook's shows the contract flat and little
 * else; REST (generation 2) nests it in contract, renewal, billing.  What a
 * subscription costs stands in its versions: alguna_items.c.
 */
#include "base/base.h"

#include "base/clock.h"
#include "source/alguna.h"

#define DAY_MS INT64_C(86400000)
#define TRIAL_MAX_MS INT64_C(249000000000000) /* so that its end is within the year 9999 */
#define RANK_SCHEDULED 2 /* an active one whose cancellation was just planned */

static const struct alguna_word statuses[] = {
    {"draft", "pending", 0},
    {"sent", "pending", 0},
    {"accepted", "pending", 0},
    {"pending", "pending", 0},
    {"pending_acceptance", "pending", 0},
    {"active", "active", 1},
    {"canceling", "active", RANK_SCHEDULED},
    {"paused", "paused", 1},
    {"expired", "expired", 3},
    {"canceled", "canceled", 3},
    {"cancelled", "canceled", 3},
    {"ended", "canceled", 3},
    {NULL, "other", 1},
};

static bool
is_event(const struct source_news *news, const char *type)
{
	return strcmp(news->event->type, type) == 0;
}

static bool
is_over(const json_t *fields)
{
	const char *status = bh_json_str(fields, "status");

	return status != NULL &&
	       (strcmp(status, "canceled") == 0 || strcmp(status, "expired") == 0);
}

/* A member of the contract: nested in REST's second generation, else flat with a prefix. */
static const json_t *
contract_at(const json_t *subscription, const char *name, const char *flat)
{
	const json_t *contract = json_object_get(subscription, "contract");

	return json_is_object(contract) ? alguna_at(contract, name) : alguna_at(subscription, flat);
}

/*
 * The renewal is the contract's end where it renews by itself, else that is its end.
 * Webhooks do not tell which: then the renewal is only supposed, so that what REST told stands.
 */
static void
put_term(struct source_news *news, const json_t *subscription, json_t *fields, json_t *supposed)
{
	const json_t *renewal = json_object_get(subscription, "renewal");
	const json_t *end = contract_at(subscription, "end_date", "contract_end_date");
	const json_t *renews = json_is_object(renewal) ? alguna_at(renewal, "auto_renew")
						       : alguna_at(subscription, "auto_renew");

	read_bool(fields, "auto_renew", renews);
	if (is_over(fields) || is_event(news, "subscription.cancelation_scheduled") ||
	    json_is_null(end)) {
		json_object_set_new(fields, "renewal_at", json_null());
		if (json_is_null(end))
			json_object_set_new(fields, "ending_at", json_null());
	} else if (json_is_true(renews)) {
		read_time(fields, "renewal_at", end);
		json_object_set_new(fields, "ending_at", json_null());
	} else if (json_is_false(renews)) {
		json_object_set_new(fields, "renewal_at", json_null());
		read_time(fields, "ending_at", end);
	} else {
		read_time(supposed, "renewal_at", end);
	}
}

/* The name of the date is not documented: any that it may have. */
static const json_t *
cancel_date(const json_t *subscription)
{
	return ALGUNA_ANY(subscription, "cancelation_scheduled_for", "cancellation_scheduled_for",
	    "cancelation_date", "cancel_at", "cancelation_effective_at");
}

static void
put_end(struct source_news *news, const json_t *subscription, json_t *fields, json_t *supposed)
{
	const json_t *ended = ALGUNA_ANY(subscription, "ended_at", "canceled_at");

	read_filled(fields, "cancel_reason", alguna_at(subscription, "cancelation_reason"));
	read_filled(fields, "cancel_comment",
	    alguna_at(subscription, "cancelation_reason_description"));
	if (is_over(fields)) {
		/* An ended one has nothing planned any more, whatever was known before. */
		json_object_set_new(fields, "cancel_at", json_null());
		read_time(fields, "ended_at", ended);
		if (!json_is_string(ended) && news->at_ms > 0)
			read_put_ms(supposed, "ended_at", news->at_ms);
		return;
	}
	read_time(fields, "cancel_at", cancel_date(subscription));
	if (!is_event(news, "subscription.cancelation_scheduled"))
		return;
	if (news->at_ms > 0)
		read_put_ms(fields, "canceled_at", news->at_ms);
	if (!json_is_string(cancel_date(subscription)))
		source_want(news, "subscription",
		    json_string_value(json_object_get(subscription, "id")), NULL);
}

/* Days counted from the contract's begin. */
static void
put_trial(const json_t *subscription, json_t *fields)
{
	const char *start =
	    json_string_value(contract_at(subscription, "start_date", "contract_start_date"));
	int64_t days, start_ms;

	if (!bh_is_json_int(alguna_at(subscription, "trial_period_days"), "", &days) || days <= 0 ||
	    days > 36500 || start == NULL || !bh_is_time(start, &start_ms) ||
	    start_ms > TRIAL_MAX_MS)
		return;
	read_put_ms(fields, "trial_start", start_ms);
	read_put_ms(fields, "trial_end", start_ms + days * DAY_MS);
}

static void
put_pending(const json_t *subscription, json_t *fields)
{
	static const char *const names[] = {"status", "version_id", "description"};
	const json_t *changes = alguna_at(subscription, "pending_changes");
	json_t *list, *change;
	size_t i;

	if (!json_is_array(changes))
		return;
	list = json_array();
	json_array_foreach (changes, i, change) {
		json_t *one = json_object();

		for (size_t k = 0; k < BH_LEN(names); k++)
			read_text(one, names[k], alguna_at(change, names[k]));
		read_time(one, "effective_at", alguna_at(change, "effective_at"));
		read_prune(one);
		json_array_append_new(list, one);
	}
	json_object_set_new(fields, "pending_changes", list);
}

static void
put_collection(const json_t *subscription, json_t *fields)
{
	const json_t *pays =
	    alguna_at(json_object_get(subscription, "billing"), "auto_pay_invoices");

	if (json_is_boolean(pays))
		json_object_set_new(fields, "collection_method",
		    json_string(json_is_true(pays) ? "charge_automatically" : "send_invoice"));
}

static void
put_discount(const json_t *subscription, json_t *fields)
{
	const json_t *discount = alguna_at(subscription, "discount");
	json_t *one;

	if (discount == NULL)
		return;
	one = alguna_discount(discount, bh_json_str(fields, "currency"),
	    json_string_value(contract_at(subscription, "start_date", "contract_start_date")));
	json_object_set_new(fields, "discounts",
	    one != NULL ? json_pack("[o]", one) : json_array());
}

static void
read_subscription(const json_t *subscription, json_t *fields)
{
	const json_t *metadata = json_object_get(subscription, "metadata");

	read_text(fields, "customer", alguna_account(subscription));
	read_filled(fields, "name", json_object_get(subscription, "name"));
	read_currency(fields, "currency", json_object_get(subscription, "currency"));
	read_text(fields, "plan_code", alguna_at(subscription, "plan_id"));
	read_filled(fields, "purchase_order", alguna_at(subscription, "purchase_order_number"));
	read_time(fields, "started_at",
	    contract_at(subscription, "start_date", "contract_start_date"));
	read_time(fields, "created_at", alguna_at(subscription, "created_at"));
	if (json_is_object(metadata))
		json_object_set_new(fields, "metadata", json_deep_copy(metadata));
	put_collection(subscription, fields);
	put_trial(subscription, fields);
	put_pending(subscription, fields);
	put_discount(subscription, fields);
}

int
alguna_subscription(struct source_news *news, const json_t *object, struct bh_err *err)
{
	static const char *const reread[] = {"subscription.activated", "subscription.updated"};
	const json_t *id =
	    READ_FIRST(json_object_get(object, "id"), alguna_at(object, "subscription_id"));
	struct object_change *change = source_change(news, OBJECT_SUBSCRIPTION, id, err);
	const struct alguna_word *word;
	json_t *supposed;
	int rank;

	if (change == NULL)
		return -1;
	supposed = json_object();
	word = alguna_status(change->fields, object, statuses, BH_LEN(statuses));
	rank = word != NULL ? word->rank : 1;
	if (is_event(news, "subscription.cancelation_scheduled") && rank < RANK_SCHEDULED)
		rank = RANK_SCHEDULED;
	read_subscription(object, change->fields);
	put_term(news, object, change->fields, supposed);
	put_end(news, object, change->fields, supposed);
	alguna_link(news, change, "subscriptions");
	if (alguna_stamp(news, object, rank, change, err) < 0) {
		json_decref(supposed);
		return -1;
	}
	alguna_suppose(news, OBJECT_SUBSCRIPTION, id, object, supposed);
	for (size_t i = 0; i < BH_LEN(reread); i++)
		if (is_event(news, reread[i]))
			source_want(news, "subscription", json_string_value(id), NULL);
	return 0;
}

/* It names a version, which is in force now, later or never: the version is read. */
int
alguna_version_event(struct source_news *news, const json_t *object, struct bh_err *err)
{
	const char *id = json_string_value(
	    READ_FIRST(json_object_get(object, "id"), alguna_at(object, "version_id")));
	const char *subscription = alguna_text(object, "subscription_id");

	if (id == NULL || *id == '\0' || strlen(id) > 255)
		return bh_fail(err, BH_INVALID, "a subscription version without a usable id");
	if (subscription == NULL || *subscription == '\0' || strlen(subscription) > 255)
		return source_leave(news, SOURCE_IGNORED, "a version of no subscription");
	source_want(news, "subscription_version", id,
	    json_pack("{s:s}", "subscription", subscription));
	news->result->outcome = SOURCE_ASKED;
	return 0;
}
