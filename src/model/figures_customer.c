/* The derived fields of a customer, from its facts: see figures.h. */
#include "base/base.h"

#include "base/clock.h"
#include "model/figures_parts.h"

#define MOVEMENTS_MAX 50

struct reckoning {
	const json_t *facts, *customer;
	const struct revenue_switches *switches;
	int64_t now_ms, changes_ms;
	struct figures_exchange exchange; /* as of now */
	struct figures_sum arr, balance;
	char currency[4]; /* of the figures; "" none */
	bool is_known;
	json_t *fields;
};

static bool
has_currency(const struct reckoning *reckoning)
{
	return reckoning->currency[0] != '\0';
}

static bool
is_converting(const struct reckoning *reckoning)
{
	return reckoning->switches->currency[0] != '\0';
}

static void
put(struct reckoning *reckoning, const char *name, json_t *value)
{
	json_object_set_new(reckoning->fields, name, value != NULL ? value : json_null());
}

/* A borrowed value, or null. */
static void
put_copy(struct reckoning *reckoning, const char *name, const json_t *value)
{
	put(reckoning, name, json_incref((json_t *)(uintptr_t)value));
}

/* A time, or null for INT64_MAX. */
static void
put_time(struct reckoning *reckoning, const char *name, int64_t at_ms)
{
	char text[BH_CLOCK_TEXT];

	if (at_ms < INT64_MAX)
		bh_rfc3339(text, at_ms);
	put(reckoning, name, at_ms < INT64_MAX ? json_string(text) : NULL);
}

/* value / by, or null. */
static void
put_amount(struct reckoning *reckoning, const char *name, bool is_told,
    const struct fraction *value, int by)
{
	int64_t amount;

	put(reckoning, name,
	    is_told && is_fraction_rounded(value, by, &amount) ? json_integer(amount) : NULL);
}

/* What every subscription is worth now: its last step; some steps say that they are not sure. */
static void
sum_arr(struct reckoning *reckoning)
{
	const char *id, *currency;
	struct fraction arr;
	int64_t at_ms;
	json_t *part, *step;
	size_t i;

	json_object_foreach (json_object_get(reckoning->facts, "subscriptions"), id, part) {
		const json_t *steps = json_object_get(part, "steps");
		const json_t *last = json_array_get(steps, json_array_size(steps) - 1);
		struct fraction nothing = FRACTION_ZERO;

		json_array_foreach (steps, i, step)
			if (is_figures_step_read(step, &at_ms, &arr, &currency) &&
			    *currency != '\0')
				figures_sum_add(&reckoning->arr, currency,
				    step == last ? &arr : &nothing);
		if (json_array_size(last) > 3)
			reckoning->is_known = false;
	}
	if (reckoning->arr.is_overflown)
		reckoning->is_known = false;
}

/* Of a source without subscriptions, what it tells itself. */
static void
take_source_mrr(struct reckoning *reckoning)
{
	const json_t *mrr = json_object_get(reckoning->customer, "source_mrr");
	const char *currency = revenue_text(reckoning->customer, "currency");
	struct fraction arr, months = fraction_of(12);

	if (!json_is_integer(mrr) || *currency == '\0' ||
	    json_object_size(json_object_get(reckoning->facts, "subscriptions")) > 0)
		return;
	arr = fraction_of(json_integer_value(mrr));
	if (is_fraction_multiplied(&arr, &months, &arr))
		figures_sum_add(&reckoning->arr, currency, &arr);
}

static void
sum_balance(struct reckoning *reckoning)
{
	const char *id;
	json_t *part;

	json_object_foreach (json_object_get(reckoning->facts, "invoices"), id, part) {
		const char *currency = revenue_text(part, "currency");
		struct fraction remaining = fraction_of(bh_json_int(part, "remaining", 0));

		if (*currency != '\0')
			figures_sum_add(&reckoning->balance, currency, &remaining);
	}
}

/* So large that amounts of different currencies can be put in an order, where nothing better is told. */
static struct fraction
comparable(struct reckoning *reckoning, const char *currency, const struct fraction *amount)
{
	struct fraction result = *amount, ten = fraction_of(10);

	if (is_converting(reckoning) &&
	    is_figures_converted(&reckoning->exchange, currency, amount, &result))
		return result;
	for (int i = money_exponent(currency); i > 0; i--)
		if (!is_fraction_divided(&result, &ten, &result))
			break;
	return result;
}

static const char *
largest(struct reckoning *reckoning, const struct figures_sum *sum)
{
	struct fraction most = FRACTION_ZERO;
	const char *found = "";

	for (size_t i = 0; i < sum->n; i++) {
		struct fraction one =
		    comparable(reckoning, sum->items[i].currency, &sum->items[i].amount);

		if (*found == '\0' || fraction_compare(&one, &most) > 0) {
			found = sum->items[i].currency;
			most = one;
		}
	}
	return found;
}

/*
 * The one that all are converted to, else the customer's, unless nothing of
 * the customer's is in it and something is in another; then the largest's.
 */
static void
choose_currency(struct reckoning *reckoning)
{
	const char *own = revenue_text(reckoning->customer, "currency"), *code = own;

	if (is_converting(reckoning)) {
		code = reckoning->switches->currency;
	} else if (figures_sum_find(&reckoning->arr, own) == NULL &&
		   figures_sum_find(&reckoning->balance, own) == NULL) {
		if (reckoning->arr.n > 0)
			code = largest(reckoning, &reckoning->arr);
		else if (reckoning->balance.n > 0)
			code = largest(reckoning, &reckoning->balance);
	}
	snprintf(reckoning->currency, sizeof(reckoning->currency), "%s", code);
	put(reckoning, "figures_currency", has_currency(reckoning) ? json_string(code) : NULL);
}

/* In the currency of the figures; false when some of it is missing there. */
static bool
is_totalled(struct reckoning *reckoning, const struct figures_sum *sum, struct fraction *total_r)
{
	const struct fraction *own = figures_sum_find(sum, reckoning->currency);

	if (is_converting(reckoning))
		return is_figures_sum_converted(&reckoning->exchange, sum, total_r);
	*total_r = own != NULL ? *own : FRACTION_ZERO;
	return !sum->is_overflown;
}

/* {"USD": 25110}: each for itself. */
static json_t *
by_currency(struct reckoning *reckoning, const struct figures_sum *sum, int by)
{
	json_t *all = json_object();
	int64_t amount;

	for (size_t i = 0; i < sum->n; i++) {
		if (is_fraction_rounded(&sum->items[i].amount, by, &amount))
			json_object_set_new(all, sum->items[i].currency, json_integer(amount));
		else
			reckoning->is_known = false;
	}
	return all;
}

/* MRR and what the plans of the subscriptions add to it, in the currency of the figures. */
static void
put_committed(struct reckoning *reckoning, const struct fraction *arr)
{
	struct figures_sum planned = {0};
	struct fraction total, months = fraction_of(12);
	const char *id;
	json_t *part;
	bool all;

	json_object_foreach (json_object_get(reckoning->facts, "subscriptions"), id, part) {
		struct fraction change = fraction_of(bh_json_int(part, "planned", 0));

		if (change.above != 0)
			figures_sum_add(&planned, revenue_text(part, "currency"), &change);
	}
	all = is_totalled(reckoning, &planned, &total) &&
	      is_fraction_multiplied(&total, &months, &total) &&
	      is_fraction_added(&total, arr, &total);
	put_amount(reckoning, "committed_mrr", all, &total, 12);
	figures_sum_release(&planned);
}

static void
put_revenue(struct reckoning *reckoning)
{
	const json_t *subscriptions = json_object_get(reckoning->facts, "subscriptions");
	bool is_told = has_currency(reckoning) &&
		       (reckoning->arr.n > 0 || json_object_size(subscriptions) > 0);
	struct fraction arr;

	if (!is_totalled(reckoning, &reckoning->arr, &arr))
		reckoning->is_known = false;
	put_amount(reckoning, "mrr", is_told, &arr, 12);
	put_amount(reckoning, "arr", is_told, &arr, 1);
	if (is_told && json_is_null(json_object_get(reckoning->fields, "arr")))
		reckoning->is_known = false;
	put(reckoning, "mrr_by_currency", by_currency(reckoning, &reckoning->arr, 12));
	put(reckoning, "arr_by_currency", by_currency(reckoning, &reckoning->arr, 1));
	put(reckoning, "mrr_known", json_boolean(reckoning->is_known));
	put(reckoning, "committed_mrr", NULL);
	if (is_told)
		put_committed(reckoning, &arr);
}

static void
put_movements(struct reckoning *reckoning)
{
	json_t *all = figures_movements(reckoning->facts, reckoning->switches,
	    is_converting(reckoning), reckoning->now_ms);
	const json_t *last = NULL;
	json_t *one, *kept = json_array();
	size_t i;

	json_array_foreach (all, i, one) {
		if (strcmp(revenue_text(one, "currency"), reckoning->currency) == 0 &&
		    strcmp(revenue_text(one, "kind"), "fx") != 0)
			last = one;
		if (i + MOVEMENTS_MAX >= json_array_size(all))
			json_array_append(kept, one);
	}
	put_copy(reckoning, "movement", json_object_get(last, "kind"));
	put_copy(reckoning, "movement_amount", json_object_get(last, "amount"));
	put_time(reckoning, "movement_at", bh_json_int(last, "at_ms", INT64_MAX));
	put(reckoning, "movements", kept);
	json_decref(all);
}

/* Ascending: a worse one hides the ones before it. */
enum payment {
	PAYMENT_OK = 0,
	PAYMENT_OPEN,
	PAYMENT_OVERDUE,
	PAYMENT_PAST_DUE,
	PAYMENT_UNPAID
};

/* A day after it is due; or the source says so. */
static bool
is_overdue(const json_t *invoice, const char *today)
{
	const char *due_on = revenue_text(invoice, "due_on");

	return bh_is_json_true(invoice, "overdue") ||
	       (*due_on != '\0' && strcmp(due_on, today) < 0);
}

static enum payment
worst_invoice(struct reckoning *reckoning)
{
	enum payment worst = PAYMENT_OK;
	const char *id, *since = "";
	char today[BH_CLOCK_TEXT];
	json_t *part;

	bh_date(today, reckoning->now_ms);
	json_object_foreach (json_object_get(reckoning->facts, "invoices"), id, part) {
		const char *due_on = revenue_text(part, "due_on");
		int64_t due_ms = revenue_time(part, "due_on", INT64_MIN);

		if (!is_overdue(part, today)) {
			worst = worst < PAYMENT_OPEN ? PAYMENT_OPEN : worst;
			if (due_ms != INT64_MIN)
				revenue_nearer(&reckoning->changes_ms, reckoning->now_ms,
				    due_ms + REVENUE_DAY_MS);
			continue;
		}
		worst = PAYMENT_OVERDUE;
		if (*due_on != '\0' && (*since == '\0' || strcmp(due_on, since) < 0))
			since = due_on;
	}
	put(reckoning, "overdue_since", *since != '\0' ? json_string(since) : NULL);
	return worst;
}

static enum payment
worst_subscription(const struct reckoning *reckoning)
{
	enum payment worst = PAYMENT_OK;
	const char *id;
	json_t *part;

	json_object_foreach (json_object_get(reckoning->facts, "subscriptions"), id, part) {
		const char *status = revenue_text(part, "status");

		if (strcmp(status, "unpaid") == 0)
			return PAYMENT_UNPAID;
		if (strcmp(status, "past_due") == 0)
			worst = PAYMENT_PAST_DUE;
	}
	return worst;
}

static void
put_payments(struct reckoning *reckoning)
{
	static const char *const words[] = {"ok", "open", "overdue", "past_due", "unpaid"};
	enum payment invoice = worst_invoice(reckoning),
		     subscription = worst_subscription(reckoning);
	enum payment worst = invoice > subscription ? invoice : subscription;
	struct fraction balance;
	bool is_told = is_totalled(reckoning, &reckoning->balance, &balance);

	put(reckoning, "payment_status", json_string(words[worst]));
	put(reckoning, "is_delinquent", json_boolean(worst >= PAYMENT_OVERDUE));
	put_amount(reckoning, "open_balance", is_told && has_currency(reckoning), &balance, 1);
	put(reckoning, "open_balance_by_currency", by_currency(reckoning, &reckoning->balance, 1));
}

static void
put_latest_invoice(struct reckoning *reckoning)
{
	const json_t *latest = json_object_get(reckoning->facts, "latest_invoice");

	put_copy(reckoning, "latest_invoice", json_object_get(latest, "id"));
	put_copy(reckoning, "latest_invoice_number", json_object_get(latest, "number"));
	put_copy(reckoning, "latest_invoice_status", json_object_get(latest, "status"));
	put_copy(reckoning, "latest_invoice_on", json_object_get(latest, "on"));
}

static bool
is_running(const json_t *part)
{
	const char *status = revenue_text(part, "status");

	return strcmp(status, "active") == 0 || strcmp(status, "past_due") == 0 ||
	       strcmp(status, "trialing") == 0;
}

/* Running, waiting (unpaid, paused, not begun), ended. */
static int
class_of(const json_t *part)
{
	const char *status = revenue_text(part, "status");

	return is_running(part)                                                    ? 2
	       : strcmp(status, "canceled") == 0 || strcmp(status, "expired") == 0 ? 0
										   : 1;
}

static struct fraction
worth_of(struct reckoning *reckoning, const json_t *part)
{
	const json_t *steps = json_object_get(part, "steps");
	struct fraction arr = FRACTION_ZERO;
	const char *currency;
	int64_t at_ms;

	if (is_figures_step_read(json_array_get(steps, json_array_size(steps) - 1), &at_ms, &arr,
		&currency))
		arr = comparable(reckoning, currency, &arr);
	return arr;
}

/* Worth most among the running; else the one that ended last; then the youngest. */
static int
compare_main(struct reckoning *reckoning, const json_t *a, const json_t *b)
{
	struct fraction x = worth_of(reckoning, a), y = worth_of(reckoning, b);
	int64_t m = revenue_time(a, "ended_at", INT64_MIN),
		n = revenue_time(b, "ended_at", INT64_MIN);
	int order = class_of(a) - class_of(b);

	if (order == 0 && class_of(a) > 0)
		order = fraction_compare(&x, &y);
	else if (order == 0)
		order = (m > n) - (m < n);
	m = revenue_time(a, "started_at", INT64_MIN);
	n = revenue_time(b, "started_at", INT64_MIN);
	return order != 0 ? order : (m > n) - (m < n);
}

static const char *
main_subscription(struct reckoning *reckoning)
{
	json_t *all = json_object_get(reckoning->facts, "subscriptions"), *part;
	const char *id, *found = NULL;

	json_object_foreach (all, id, part) {
		int order = 1;

		if (*revenue_text(part, "status") == '\0')
			continue;
		if (found != NULL)
			order = compare_main(reckoning, part, json_object_get(all, found));
		if (order > 0 || (order == 0 && strcmp(id, found) > 0))
			found = id;
	}
	return found;
}

/* Shown with the currency of the figures: converted, or not at all. */
static void
put_main_amount(struct reckoning *reckoning, const json_t *part)
{
	const json_t *given = json_object_get(part, "amount");
	const char *currency = revenue_text(part, "currency");
	struct fraction amount = fraction_of(json_integer_value(given));
	bool is_told = json_is_integer(given) && has_currency(reckoning);

	if (is_told && strcmp(currency, reckoning->currency) != 0)
		is_told = is_converting(reckoning) &&
			  is_figures_converted(&reckoning->exchange, currency, &amount, &amount);
	put_amount(reckoning, "main_subscription_amount", is_told, &amount, 1);
}

static void
put_main_subscription(struct reckoning *reckoning)
{
	static const char *const names[][2] = {
	    {"main_subscription_name", "name"},
	    {"main_subscription_status", "status"},
	    {"main_subscription_interval", "interval"},
	    {"main_subscription_started_at", "started_at"},
	    {"main_subscription_renewal_at", "renewal_at"},
	    {"main_subscription_link", "link"},
	};
	const json_t *all = json_object_get(reckoning->facts, "subscriptions");
	const char *id = main_subscription(reckoning);
	const json_t *part = id != NULL ? json_object_get(all, id) : NULL;
	const json_t *end = json_object_get(part, "ended_at");

	put(reckoning, "main_subscription", id != NULL ? bh_json_string(id) : NULL);
	for (size_t i = 0; i < BH_LEN(names); i++)
		put_copy(reckoning, names[i][0], json_object_get(part, names[i][1]));
	put_copy(reckoning, "main_subscription_cancel_at",
	    end != NULL ? end : json_object_get(part, "cancel_at"));
	put_main_amount(reckoning, part);
}

static void
put_subscriptions(struct reckoning *reckoning)
{
	int64_t next_ms = INT64_MAX;
	const char *id;
	json_t *part;
	int n = 0;

	json_object_foreach (json_object_get(reckoning->facts, "subscriptions"), id, part) {
		if (!is_running(part))
			continue;
		n++;
		revenue_nearer(&next_ms, INT64_MIN, revenue_time(part, "renewal_at", INT64_MAX));
	}
	put(reckoning, "active_subscriptions", json_integer(n));
	put_time(reckoning, "next_renewal_at", next_ms);
	put_main_subscription(reckoning);
}

static void
put_recoveries(struct reckoning *reckoning)
{
	const json_t *told = json_object_get(reckoning->customer, "source_recovery_count");
	size_t n = json_object_size(json_object_get(reckoning->facts, "recoveries"));

	if (json_is_integer(told))
		put_copy(reckoning, "recovery_count", told);
	else
		put(reckoning, "recovery_count", n > 0 ? json_integer((json_int_t)n) : NULL);
}

json_t *
figures_customer(const json_t *facts, const json_t *customer,
    const struct revenue_switches *switches, int64_t now_ms, int64_t *changes_ms_r)
{
	struct reckoning reckoning = {
	    .facts = facts,
	    .customer = customer,
	    .switches = switches,
	    .now_ms = now_ms,
	    .changes_ms = INT64_MAX,
	    .exchange = {.switches = switches, .at_ms = now_ms},
	    .is_known = true,
	    .fields = json_object(),
	};

	sum_arr(&reckoning);
	take_source_mrr(&reckoning);
	sum_balance(&reckoning);
	choose_currency(&reckoning);
	put_revenue(&reckoning);
	put_movements(&reckoning);
	put_payments(&reckoning);
	put_latest_invoice(&reckoning);
	put_subscriptions(&reckoning);
	put_recoveries(&reckoning);
	if (is_converting(&reckoning))
		revenue_nearer(&reckoning.changes_ms, now_ms,
		    figures_next_rate_ms(switches, now_ms));
	*changes_ms_r = reckoning.changes_ms;
	figures_sum_release(&reckoning.arr);
	figures_sum_release(&reckoning.balance);
	figures_exchange_release(&reckoning.exchange);
	return reckoning.fields;
}
