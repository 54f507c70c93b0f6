/* Facts of a customer: what of its objects is kept to know its figures.  See figures.h. */
#include "base/base.h"

#include "base/clock.h"
#include "model/figures_parts.h"

/* The part of facts that holds these; made when there is something to hold. */
static void
put_part(json_t *facts, const char *name, const char *id, json_t *part)
{
	json_t *parts = json_object_get(facts, name);

	if (part == NULL) {
		json_object_del(parts, id);
		if (parts != NULL && json_object_size(parts) == 0)
			json_object_del(facts, name);
		return;
	}
	if (parts == NULL) {
		parts = json_object();
		json_object_set_new(facts, name, parts);
	}
	json_object_set_new(parts, id, part);
}

/* The members of an object that are there and not null. */
static json_t *
picked(const json_t *object, const char *const *names)
{
	json_t *part = json_object();

	for (; *names != NULL; names++) {
		json_t *value = json_object_get(object, *names);

		if (value != NULL && !json_is_null(value))
			json_object_set(part, *names, value);
	}
	return part;
}

/* By how much the plans change the subscription's MRR, where it was told along. */
static void
put_planned(json_t *part, const json_t *object)
{
	const json_t *mrr = json_object_get(object, "mrr");
	const json_t *committed = json_object_get(object, "committed_mrr");
	json_int_t change = json_integer_value(committed) - json_integer_value(mrr);

	if (json_is_integer(mrr) && json_is_integer(committed) && change != 0)
		json_object_set_new(part, "planned", json_integer(change));
}

static json_t *
subscription_part(const json_t *object, const json_t *steps)
{
	static const char *const names[] = {"status", "name", "interval", "started_at",
	    "renewal_at", "cancel_at", "ended_at", "amount", "currency", "link", NULL};
	json_t *part;

	if (object == NULL && steps == NULL)
		return NULL;
	part = picked(object, names);
	if (steps != NULL)
		json_object_set(part, "steps", (json_t *)(uintptr_t)steps);
	put_planned(part, object);
	return part;
}

/* What is still to be paid; 0 when that is nothing or not told. */
static int64_t
remaining_of(const json_t *invoice)
{
	int64_t remaining, due, paid = bh_json_int(invoice, "amount_paid", 0);

	if (bh_is_json_int(invoice, "amount_remaining", &remaining))
		return remaining;
	if (!bh_is_json_int(invoice, "amount_due", &due) && !bh_is_json_int(invoice, "total", &due))
		return 0;
	return __builtin_sub_overflow(due, paid, &remaining) ? 0 : remaining;
}

/* Open ones only: issued, and something is to be paid. */
static json_t *
invoice_part(const json_t *object)
{
	static const char *const names[] = {"currency", "due_on", "status", "total", "overdue",
	    NULL};
	json_t *part;

	if (object == NULL || strcmp(revenue_text(object, "status"), "open") != 0 ||
	    remaining_of(object) <= 0)
		return NULL;
	part = picked(object, names);
	json_object_set_new(part, "remaining", json_integer(remaining_of(object)));
	return part;
}

/* What the latest invoice is known by; NULL for one that is not issued. */
static json_t *
latest_part(const char *id, const json_t *object)
{
	static const char *const before[] = {"", "draft", "pending", "failed"};
	static const char *const names[] = {"number", "status", NULL};
	const char *status = revenue_text(object, "status"), *on;
	int64_t at_ms = revenue_time(object, "created_at", 0);
	char day[BH_CLOCK_TEXT];
	json_t *part;

	for (size_t i = 0; i < BH_LEN(before); i++)
		if (strcmp(before[i], status) == 0)
			return NULL;
	part = picked(object, names);
	json_object_set_new(part, "id", bh_json_string(id));
	on = revenue_text(object, "issued_on");
	bh_date(day, at_ms);
	if (*on != '\0' || at_ms != 0)
		json_object_set_new(part, "on", bh_json_string(*on != '\0' ? on : day));
	json_object_set_new(part, "at_ms", json_integer(at_ms));
	return part;
}

/* By day, then time, then id, so that it does not matter in which order they are seen. */
static int
compare_latest(const json_t *a, const json_t *b)
{
	int order = strcmp(revenue_text(a, "on"), revenue_text(b, "on"));
	json_int_t x = json_integer_value(json_object_get(a, "at_ms"));
	json_int_t y = json_integer_value(json_object_get(b, "at_ms"));

	if (order == 0)
		order = (x > y) - (x < y);
	return order != 0 ? order : strcmp(revenue_text(a, "id"), revenue_text(b, "id"));
}

/* False when the one that was latest is it no more: which is, only all of them can tell. */
static bool
is_latest_put(json_t *facts, const char *id, json_t *part)
{
	json_t *latest = json_object_get(facts, "latest_invoice");
	bool is_itself = latest != NULL && strcmp(revenue_text(latest, "id"), id) == 0;

	if (part == NULL)
		return !is_itself;
	if (latest == NULL || compare_latest(part, latest) >= 0)
		json_object_set(facts, "latest_invoice", part);
	else if (is_itself)
		return false;
	return true;
}

static bool
is_invoice_put(json_t *facts, const char *id, const json_t *object)
{
	json_t *latest = latest_part(id, object);
	bool kept = is_latest_put(facts, id, latest);

	json_decref(latest);
	put_part(facts, "invoices", id, invoice_part(object));
	return kept;
}

static json_t *
recovery_part(const json_t *object)
{
	const char *stage = revenue_text(object, "stage");

	if (object == NULL)
		return NULL;
	return json_string(strcmp(stage, "won") == 0    ? "won"
			   : strcmp(stage, "lost") == 0 ? "lost"
							: "open");
}

bool
is_figures_put(json_t *facts, enum object_kind kind, const char *id, const json_t *object,
    const json_t *steps)
{
	if (kind == OBJECT_INVOICE)
		return is_invoice_put(facts, id, object);
	if (kind == OBJECT_SUBSCRIPTION)
		put_part(facts, "subscriptions", id, subscription_part(object, steps));
	if (kind == OBJECT_RECOVERY)
		put_part(facts, "recoveries", id, recovery_part(object));
	return true;
}

/* A twelfth or the whole of a year; null when it is not known or too large. */
static bool
is_amount_set(json_t *fields, const char *name, bool is_known, const struct fraction *arr, int by)
{
	int64_t amount;

	if (!is_known || !is_fraction_rounded(arr, by, &amount)) {
		json_object_set_new(fields, name, json_null());
		return false;
	}
	json_object_set_new(fields, name, json_integer(amount));
	return true;
}

static json_t *
time_json(int64_t at_ms)
{
	char text[BH_CLOCK_TEXT];

	if (at_ms == INT64_MAX)
		return json_null();
	bh_rfc3339(text, at_ms);
	return json_string(text);
}

json_t *
figures_subscription(const json_t *subscription, const json_t *schedule,
    const struct revenue_switches *switches, int64_t now_ms, int64_t *changes_ms_r)
{
	struct revenue_figure figure, committed;
	json_t *fields = json_object();

	revenue_figure(subscription, switches, now_ms, &figure);
	revenue_committed(subscription, schedule, switches, now_ms, &committed);
	if (!is_amount_set(fields, "mrr", figure.is_known, &figure.arr, 12) && figure.is_known)
		figure.is_known = is_revenue_too_large(figure.why);
	if (!is_amount_set(fields, "arr", figure.is_known, &figure.arr, 1) && figure.is_known)
		figure.is_known = is_revenue_too_large(figure.why);
	is_amount_set(fields, "committed_mrr", committed.is_known, &committed.arr, 12);
	json_object_set_new(fields, "mrr_known", json_boolean(figure.is_known));
	json_object_set_new(fields, "mrr_missing",
	    figure.is_known ? json_null() : bh_json_string(figure.why));
	json_object_set_new(fields, "contract_end_at",
	    time_json(revenue_contract_end(subscription, schedule)));
	*changes_ms_r =
	    figure.changes_ms < committed.changes_ms ? figure.changes_ms : committed.changes_ms;
	return fields;
}
