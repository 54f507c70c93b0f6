/*
 * Lago: subscriptions, of events and of lists.
 *
 * One record is one period of a plan: an upgrade ends it and starts another
 * one under the same external_id.  There is no time of update, so order is
 * made of what a record itself tells:
 *
 *   state     rank  worth counting since        told by
 *   pending    0    -                           lists only
 *   incomplete 1    -                           subscription.incomplete (first payment awaited)
 *   active     2    activated, or trial over    subscription.started and the rest
 *   terminated 3    until terminated_at         subscription.terminated
 *   canceled   3    never                       subscription.canceled, .terminated
 *
 * A canceled one never ran: it is a cancelled order, not churn, and "expired" here.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "source/lago.h"

#define DAY_MS INT64_C(86400000)
#define TRIAL_DAYS_MAX 36500

static const struct {
	const char *lago, *status;
	int rank;
} statuses[] = {
    {"pending", "pending", 0},
    {"incomplete", "incomplete", 1},
    {"active", "active", 2},
    {"terminated", "canceled", 3},
    {"canceled", "expired", 3},
};
#define RANK_ACTIVE 2

static bool
is_status(const json_t *subscription, const char *word)
{
	const char *status = bh_json_str(subscription, "status");

	return status != NULL && strcmp(status, word) == 0;
}

/* -- time -- */

/*
 * Start of the trial's count: that of the first record of the chain, whose
 * ordered start its successors keep.
 */
static int64_t
trial_base_ms(const json_t *subscription)
{
	int64_t ordered_ms = lago_ms(subscription, "subscription_at");

	if (bh_json_str(subscription, "previous_plan_code") != NULL && ordered_ms > 0)
		return ordered_ms;
	return lago_ms(subscription, "started_at");
}

static double
trial_days(const json_t *subscription)
{
	double days = json_number_value(bh_json_at(subscription, "plan.trial_period"));

	return days > 0 && days <= TRIAL_DAYS_MAX ? days : 0;
}

/* When its trial ends by the plan; 0 when there is none or it is over as told. */
static int64_t
trial_end_ms(const json_t *subscription)
{
	int64_t base_ms = trial_base_ms(subscription);
	double days = trial_days(subscription);

	if (base_ms == 0 || days <= 0 || lago_ms(subscription, "trial_ended_at") != 0)
		return 0;
	return base_ms + (int64_t)(days * (double)DAY_MS);
}

/* When it became active; at least its creation, because it may start in the past. */
static int64_t
activated_ms(const json_t *subscription)
{
	int64_t at_ms = lago_ms(subscription, "activated_at");
	int64_t created_ms = lago_ms(subscription, "created_at");

	if (at_ms == 0)
		at_ms = lago_ms(subscription, "started_at");
	return at_ms == 0 || at_ms > created_ms ? at_ms : created_ms;
}

int64_t
lago_running_since(const json_t *subscription)
{
	int64_t at_ms = activated_ms(subscription);
	int64_t trial_ms = lago_ms(subscription, "trial_ended_at");

	if (at_ms == 0 || is_status(subscription, "canceled"))
		return 0;
	return trial_ms > at_ms ? trial_ms : at_ms;
}

/* Since when what it says has held; states follow each other in time as they do in rank. */
static int64_t
effective_ms(const json_t *subscription, int64_t running_ms, bool in_trial)
{
	int64_t since_ms = in_trial ? activated_ms(subscription) : lago_running_since(subscription);
	int64_t at_ms = 0;

	if (is_status(subscription, "terminated"))
		at_ms = lago_ms(subscription, "terminated_at");
	else if (is_status(subscription, "canceled"))
		at_ms = lago_ms(subscription, "canceled_at");
	else if (is_status(subscription, "pending") || is_status(subscription, "incomplete"))
		at_ms = lago_ms(subscription, "created_at");
	else
		at_ms = running_ms > since_ms ? running_ms : since_ms;
	return at_ms != 0 ? at_ms : running_ms;
}

/* -- fields -- */

/* The plan is in the subscription's own events, and put into the rows of lists. */
static void
read_plan(json_t *fields, const json_t *subscription)
{
	const json_t *plan = json_object_get(subscription, "plan");
	const char *interval = lago_interval(bh_json_str(plan, "interval"));

	if (!json_is_object(plan))
		return;
	read_filled(fields, "plan_name", lago_plan_name(plan));
	if (json_is_null(json_object_get(fields, "name")) &&
	    json_is_string(json_object_get(fields, "plan_name")))
		read_filled(fields, "name", json_object_get(fields, "plan_name"));
	if (interval == NULL)
		return;
	json_object_set_new(fields, "interval", json_string(interval));
	json_object_set_new(fields, "interval_count", json_integer(1));
}

/*
 * One item: the plan.  Its price names the plan by code, as a list does; an
 * amount or name of this customer's own stands in the item.  Without a plan the
 * interval is missing: it is the same for all that share the code.
 */
static void
read_item(json_t *fields, const json_t *subscription, struct read_unit unit)
{
	json_t *item = json_pack("{s:s, s:s, s:s}", "quantity", "1", "usage_type", "licensed",
	    "billing_scheme", "per_unit");

	if (json_is_string(json_object_get(fields, "interval"))) {
		json_object_set(item, "interval", json_object_get(fields, "interval"));
		json_object_set(item, "interval_count", json_object_get(fields, "interval_count"));
	}
	read_text(item, "id", json_object_get(subscription, "lago_id"));
	read_text(item, "price", json_object_get(subscription, "plan_code"));
	read_text(item, "name", json_object_get(fields, "plan_name"));
	read_currency(item, "currency", json_object_get(subscription, "plan_amount_currency"));
	read_precise(item, "unit_amount", json_object_get(subscription, "plan_amount_cents"), unit);
	read_money(item, "amount", json_object_get(subscription, "plan_amount_cents"), unit);
	if (trial_days(subscription) > 0)
		read_decimal(item, "trial_days", bh_json_at(subscription, "plan.trial_period"));
	read_prune(item);
	json_object_set_new(fields, "items", json_pack("[o]", item));
	json_object_set_new(fields, "items_complete", json_true());
}

/* period_ending is the last second of the period; the renewal is the next one. */
static void
put_renewal(json_t *fields, bool active)
{
	int64_t end_ms = lago_ms(fields, "period_end"), last_ms = lago_ms(fields, "ending_at");

	if (!active)
		read_put_ms(fields, "renewal_at", INT64_MIN);
	else if (end_ms != 0)
		read_put_ms(fields, "renewal_at",
		    last_ms != 0 && last_ms <= end_ms ? INT64_MIN : end_ms + 1000);
}

static void
read_times(json_t *fields, const json_t *subscription, bool active)
{
	static const char *const times[][2] = {
	    {"started_at", "started_at"},
	    {"subscription_at", "subscription_at"},
	    {"ending_at", "ending_at"},
	    {"period_start", "current_billing_period_started_at"},
	    {"period_end", "current_billing_period_ending_at"},
	    {"canceled_at", "canceled_at"},
	    {"ended_at", "terminated_at"},
	    {"created_at", "created_at"},
	};
	int64_t trial_ms = trial_end_ms(subscription);

	for (size_t i = 0; i < BH_LEN(times); i++)
		read_time(fields, times[i][0], json_object_get(subscription, times[i][1]));
	/* Null only says that a trial is not over: the plan tells whether there is one. */
	if (trial_ms != 0)
		read_put_ms(fields, "trial_end", trial_ms);
	else if (lago_ms(subscription, "trial_ended_at") != 0 ||
		 json_is_object(json_object_get(subscription, "plan")))
		read_time(fields, "trial_end", json_object_get(subscription, "trial_ended_at"));
	if (trial_days(subscription) > 0)
		read_time(fields, "trial_start", json_object_get(subscription, "started_at"));
	/* An ended one has nothing planned any more, whatever was known before. */
	json_object_set_new(fields, "cancel_at", json_null());
	if (active)
		read_time(fields, "cancel_at", json_object_get(subscription, "ending_at"));
	put_renewal(fields, active);
}

static void
read_subscription(json_t *fields, const json_t *subscription)
{
	struct read_unit unit = lago_unit(bh_json_str(subscription, "plan_amount_currency"));

	read_text(fields, "customer", json_object_get(subscription, "lago_customer_id"));
	read_text(fields, "external_id", json_object_get(subscription, "external_id"));
	read_filled(fields, "name", json_object_get(subscription, "name"));
	read_text(fields, "plan_code", json_object_get(subscription, "plan_code"));
	read_text(fields, "previous_plan_code",
	    json_object_get(subscription, "previous_plan_code"));
	read_text(fields, "next_plan_code", json_object_get(subscription, "next_plan_code"));
	read_date(fields, "next_plan_on", json_object_get(subscription, "downgrade_plan_date"));
	read_text(fields, "previous_id", json_object_get(subscription, "previous_id"));
	read_text(fields, "next_id", json_object_get(subscription, "next_id"));
	read_currency(fields, "currency", json_object_get(subscription, "plan_amount_currency"));
	read_money(fields, "amount", json_object_get(subscription, "plan_amount_cents"), unit);
	read_text(fields, "billing_time", json_object_get(subscription, "billing_time"));
	read_text(fields, "cancel_reason", json_object_get(subscription, "cancellation_reason"));
	read_filled(fields, "purchase_order",
	    json_object_get(subscription, "purchase_order_number"));
	read_plan(fields, subscription);
	read_item(fields, subscription, unit);
	/* A row without its plan must not take the name that the plan gave. */
	if (json_is_null(json_object_get(fields, "name")) &&
	    !json_is_object(json_object_get(subscription, "plan")))
		json_object_del(fields, "name");
	read_times(fields, subscription, is_status(subscription, "active"));
}

/* -- changes -- */

/*
 * Order inside a rank: the latest time that the record tells, the start in
 * front of everything else (it is told once), then arrival.
 */
static void
subscription_version(const struct source_news *news, const json_t *subscription, int rank,
    struct object_change *change)
{
	static const char *const times[] = {"created_at", "activated_at", "started_at",
	    "trial_ended_at", "current_billing_period_started_at", "canceled_at", "terminated_at"};
	bool first = strcmp(news->event->type, "subscription.started") == 0;
	int64_t latest_ms = 0;
	char prefix[16];

	for (size_t i = 0; i < BH_LEN(times); i++) {
		int64_t at_ms = lago_ms(subscription, times[i]);

		latest_ms = at_ms > latest_ms ? at_ms : latest_ms;
	}
	snprintf(prefix, sizeof(prefix), "%011llx%c", (unsigned long long)latest_ms & 0xfffffffffff,
	    first ? '1' : '2');
	change->version.at_ms = 0;
	change->version.rank = rank;
	lago_arrival_tie(news, prefix, change);
}

static const char *
status_of(const json_t *subscription, int64_t now_ms, int *rank_r)
{
	const char *word = bh_json_str(subscription, "status");
	/* Servers that know no activation cancel only what has not started. */
	bool ran = is_status(subscription, "canceled") &&
		   (json_object_get(subscription, "activated_at") != NULL
			   ? lago_ms(subscription, "activated_at") != 0
			   : lago_ms(subscription, "started_at") != 0);

	*rank_r = RANK_ACTIVE;
	if (is_status(subscription, "active") && trial_end_ms(subscription) > now_ms)
		return "trialing";
	for (size_t i = 0; word != NULL && i < BH_LEN(statuses); i++) {
		if (strcmp(statuses[i].lago, word) == 0) {
			*rank_r = statuses[i].rank;
			return ran ? "canceled" : statuses[i].status;
		}
	}
	return "other";
}

/*
 * What a list cannot tell any more: that an ended or changed one ran since its
 * start.  The lowest version of its rank: only the history of revenue
 * takes it, and there a real event of that time wins.  Of several, the first told wins.
 */
static int
add_start(struct source_news *news, const json_t *subscription, const json_t *now_fields,
    struct bh_err *err)
{
	static const char *const kept[] = {"customer", "currency", "items", "items_complete"};
	struct object_change *change =
	    source_change(news, OBJECT_SUBSCRIPTION, json_object_get(subscription, "lago_id"), err);
	struct source_news past = *news;

	if (change == NULL)
		return -1;
	for (size_t i = 0; i < BH_LEN(kept); i++)
		if (json_object_get(now_fields, kept[i]) != NULL)
			json_object_set(change->fields, kept[i],
			    json_object_get(now_fields, kept[i]));
	json_object_set_new(change->fields, "status", json_string("active"));
	json_object_set_new(change->fields, "source_status", json_string("active"));
	change->partial = true;
	change->effective_ms = lago_running_since(subscription);
	change->version.rank = RANK_ACTIVE;
	past.received_ms = ~news->received_ms;
	lago_arrival_tie(&past, "000000000000", change);
	return 0;
}

int
lago_put_subscription(struct source_news *news, const json_t *subscription, int64_t running_ms,
    bool whole_life, struct bh_err *err)
{
	struct object_change *change =
	    source_change(news, OBJECT_SUBSCRIPTION, json_object_get(subscription, "lago_id"), err);
	const char *status;
	json_t *fields;
	int rank, rc = 0;

	if (change == NULL)
		return -1;
	status = status_of(subscription, news->received_ms, &rank);
	fields = json_incref(change->fields);
	change->partial = true;
	read_subscription(fields, subscription);
	if (bh_json_str(subscription, "status") != NULL)
		json_object_set_new(fields, "status", json_string(status));
	read_text(fields, "source_status", json_object_get(subscription, "status"));
	lago_link(news, change, "/customer/@/subscription/@/overview",
	    json_object_get(subscription, "lago_customer_id"),
	    json_object_get(subscription, "lago_id"));
	change->effective_ms =
	    effective_ms(subscription, running_ms, strcmp(status, "trialing") == 0);
	subscription_version(news, subscription, rank, change);
	/* change is borrowed until the next one is added. */
	if (whole_life && rank >= RANK_ACTIVE && strcmp(status, "trialing") != 0 &&
	    lago_running_since(subscription) != 0)
		rc = add_start(news, subscription, fields, err);
	json_decref(fields);
	return rc;
}

/*
 * A snapshot may be older than it looks (Lago sends a failed one again later), and
 * only a list names both records of an upgrade: those two are looked up.
 */
static void
want_again(struct source_news *news, const json_t *subscription)
{
	bool started = strcmp(news->event->type, "subscription.started") == 0;
	const char *external_id = bh_json_str(subscription, "external_id");
	json_t *hint;

	if (external_id == NULL ||
	    (started ? bh_json_str(subscription, "previous_plan_code") == NULL
		     : strcmp(news->event->type, "subscription.updated") != 0))
		return;
	hint = json_pack("{s:s, s:I}", "external_id", external_id, "since_ms",
	    (json_int_t)(started ? 0 : news->received_ms));
	if (json_is_object(json_object_get(subscription, "plan")))
		json_object_set_new(hint, "plan",
		    lago_plan_brief(json_object_get(subscription, "plan")));
	source_want(news, "subscription", bh_json_str(subscription, "lago_id"), hint);
}

int
lago_subscription(struct source_news *news, const json_t *object, struct bh_err *err)
{
	bool started = strcmp(news->event->type, "subscription.started") == 0;

	if (is_lago_partner(json_object_get(object, "customer")))
		return source_leave(news, SOURCE_IGNORED, "a subscription of a partner account");
	if (lago_nested_customer(news, object, err) < 0 ||
	    lago_put_subscription(news, object,
		started || strcmp(news->event->type, "subscription.trial_ended") == 0
		    ? 0
		    : news->received_ms,
		false, err) < 0)
		return -1;
	want_again(news, object);
	return 0;
}

/* -- chains -- */

static bool
is_equal_text(const json_t *a, const char *a_name, const json_t *b, const char *b_name)
{
	const char *text = bh_json_str(a, a_name), *other = bh_json_str(b, b_name);

	return text != NULL && other != NULL && strcmp(text, other) == 0;
}

static bool
is_followed(const json_t *one, const json_t *next)
{
	return is_equal_text(one, "external_id", next, "external_id") &&
	       is_equal_text(one, "lago_customer_id", next, "lago_customer_id") &&
	       is_equal_text(one, "next_plan_code", next, "plan_code") &&
	       is_equal_text(one, "plan_code", next, "previous_plan_code") &&
	       lago_ms(one, "created_at") <= lago_ms(next, "created_at");
}

void
lago_link_chains(json_t *rows)
{
	size_t i, k;
	json_t *next, *one;

	json_array_foreach (rows, i, next) {
		json_t *before = NULL;

		if (bh_json_str(next, "previous_plan_code") == NULL)
			continue;
		/* Plans may alternate: the latest one before it that nobody follows yet. */
		json_array_foreach (rows, k, one)
			if (one != next && json_object_get(one, "next_id") == NULL &&
			    is_followed(one, next) &&
			    (before == NULL ||
				lago_ms(before, "created_at") < lago_ms(one, "created_at")))
				before = one;
		if (before == NULL)
			continue;
		json_object_set(next, "previous_id", json_object_get(before, "lago_id"));
		json_object_set(before, "next_id", json_object_get(next, "lago_id"));
	}
}
