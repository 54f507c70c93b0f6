/*
 * Lago: plans.
 *
 * A subscription of a list names its plan by code only, so the canonical plan
 * has the code as its id, and items name it as their price.  Two things
 * follow.  A code may be given again after its plan was deleted: the version
 * begins with the plan's creation, so that a new plan takes the place of the old
 * one, and late news about the old one does not.  A plan changed for one
 * customer keeps the code of its parent: it has its own lago_id as id, and
 * subscriptions carry its terms in their items.
 */
#include "base/base.h"

#include "base/text.h"
#include "source/lago.h"

static const struct {
	const char *lago, *interval;
} intervals[] = {
    {"weekly", "week"},
    {"monthly", "month"},
    {"quarterly", "quarter"},
    {"semiannual", "semiannual"},
    {"yearly", "year"},
};

const char *
lago_interval(const char *word)
{
	for (size_t i = 0; word != NULL && i < BH_LEN(intervals); i++)
		if (strcmp(intervals[i].lago, word) == 0)
			return intervals[i].interval;
	return NULL;
}

/* What customers read on invoices, where it is filled in. */
const json_t *
lago_plan_name(const json_t *plan)
{
	const json_t *shown = json_object_get(plan, "invoice_display_name");

	return json_string_length(shown) > 0 ? shown : json_object_get(plan, "name");
}

json_t *
lago_plan_brief(const json_t *plan)
{
	static const char *const kept[] = {"interval", "amount_cents", "trial_period"};
	const json_t *name = lago_plan_name(plan);
	json_t *brief = json_object();

	if (json_is_string(name))
		json_object_set(brief, "name", (json_t *)(uintptr_t)name);
	for (size_t i = 0; i < BH_LEN(kept); i++)
		if (json_is_string(json_object_get(plan, kept[i])) ||
		    json_is_number(json_object_get(plan, kept[i])))
			json_object_set(brief, kept[i], json_object_get(plan, kept[i]));
	return brief;
}

void
lago_add_plan(json_t *subscription, const json_t *brief)
{
	json_t *plan = json_copy((json_t *)(uintptr_t)brief);

	/* Another amount than the plan's: changed for this customer, perhaps its name, too. */
	if (!json_equal(json_object_get(plan, "amount_cents"),
		json_object_get(subscription, "plan_amount_cents")))
		json_object_del(plan, "name");
	json_object_set_new(subscription, "plan", plan);
}

/* The first and the last thing told of a plan; what stands between goes by arrival. */
static int
plan_rank(const struct source_news *news)
{
	if (strcmp(news->event->type, "plan.created") == 0)
		return 0;
	return strcmp(news->event->type, "plan.deleted") == 0 ? 2 : 1;
}

static void
read_terms(json_t *fields, const json_t *plan)
{
	const char *interval = lago_interval(bh_json_str(plan, "interval"));

	read_filled(fields, "name", lago_plan_name(plan));
	read_text(fields, "code", json_object_get(plan, "code"));
	json_object_set_new(fields, "active",
	    json_boolean(!bh_is_json_true(plan, "pending_deletion")));
	read_currency(fields, "currency", json_object_get(plan, "amount_currency"));
	read_precise(fields, "unit_amount", json_object_get(plan, "amount_cents"),
	    lago_unit(bh_json_str(plan, "amount_currency")));
	json_object_set_new(fields, "interval",
	    interval != NULL ? json_string(interval) : json_null());
	json_object_set_new(fields, "interval_count", json_integer(1));
	json_object_set_new(fields, "usage_type", json_string("licensed"));
	json_object_set_new(fields, "billing_scheme", json_string("per_unit"));
	read_decimal(fields, "trial_days", json_object_get(plan, "trial_period"));
	read_time(fields, "created_at", json_object_get(plan, "created_at"));
	lago_metadata(fields, json_object_get(plan, "metadata"));
}

/* An edit changes what its subscriptions cost, and they send nothing. */
static void
want_edited(struct source_news *news, const char *code)
{
	if (code == NULL || strcmp(news->event->type, "plan.updated") != 0)
		return;
	source_want(news, "plan", code, NULL);
	source_want(news, "plan_subscriptions", code,
	    json_pack("{s:s, s:i, s:I}", "plan_code", code, "page", 1, "since_ms",
		(json_int_t)news->received_ms));
}

int
lago_plan(struct source_news *news, const json_t *object, struct bh_err *err)
{
	bool own = json_is_string(json_object_get(object, "parent_id"));
	struct object_change *change = source_change(news, OBJECT_PLAN,
	    json_object_get(object, own ? "lago_id" : "code"), err);

	if (change == NULL)
		return -1;
	read_terms(change->fields, object);
	change->deleted = strcmp(news->event->type, "plan.deleted") == 0;
	if (change->deleted)
		json_object_set_new(change->fields, "active", json_false());
	change->version.at_ms = lago_ms(object, "created_at");
	change->version.rank = plan_rank(news);
	lago_arrival_tie(news, "", change);
	if (!own)
		want_edited(news, bh_json_str(object, "code"));
	return 0;
}
