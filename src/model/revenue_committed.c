/* What is agreed and not in force yet: phases of a schedule, ordered changes, planned ends. */
#include "base/base.h"

#include "model/revenue_parts.h"

/* A schedule that is through or let go agrees nothing any more. */
static bool
is_live(const json_t *schedule)
{
	const char *status = revenue_text(schedule, "status");

	return *status == '\0' || strcmp(status, "active") == 0 ||
	       strcmp(status, "not_started") == 0;
}

/* When the schedule ends the subscription; INT64_MAX: it does not. */
static int64_t
schedule_end(const json_t *schedule)
{
	const json_t *phases = json_object_get(schedule, "phases");
	const json_t *last = json_array_get(phases, json_array_size(phases) - 1);

	if (!is_live(schedule) || strcmp(revenue_text(schedule, "end_behavior"), "cancel") != 0)
		return INT64_MAX;
	return revenue_time(schedule, "ends_at", revenue_time(last, "end", INT64_MAX));
}

int64_t
revenue_contract_end(const json_t *subscription, const json_t *schedule)
{
	int64_t end_ms = schedule_end(schedule);

	return end_ms < INT64_MAX ? end_ms : revenue_time(subscription, "cancel_at", INT64_MAX);
}

static int64_t
planned_end(const json_t *subscription, const json_t *schedule)
{
	int64_t end_ms = schedule_end(schedule);
	int64_t cancel_ms = revenue_time(subscription, "cancel_at", INT64_MAX);
	int64_t period_ms = bh_is_json_true(subscription, "cancel_at_period_end")
				? revenue_time(subscription, "period_end", INT64_MAX)
				: INT64_MAX;

	end_ms = cancel_ms < end_ms ? cancel_ms : end_ms;
	return period_ms < end_ms ? period_ms : end_ms;
}

/* The last phase that begins between now and the horizon; NULL.  *from_ms_r is its begin. */
static const json_t *
next_phase(const json_t *schedule, int64_t at_ms, int64_t horizon_ms, int64_t *from_ms_r,
    int64_t *changes_ms)
{
	const json_t *phases = is_live(schedule) ? json_object_get(schedule, "phases") : NULL;
	const json_t *found = NULL;
	size_t i;
	json_t *phase;

	json_array_foreach (phases, i, phase) {
		int64_t start_ms = revenue_time(phase, "start", INT64_MIN);

		if (start_ms == INT64_MIN)
			continue;
		revenue_nearer(changes_ms, at_ms, start_ms);
		revenue_nearer(changes_ms, at_ms, start_ms - (horizon_ms - at_ms));
		if (start_ms <= at_ms || start_ms > horizon_ms ||
		    (found != NULL && start_ms < *from_ms_r))
			continue;
		found = phase;
		*from_ms_r = start_ms;
	}
	return found;
}

/* The subscription with the items that are ordered, then with those of the phase. */
static json_t *
with_changes(const json_t *subscription, const json_t *phase)
{
	json_t *changed = json_copy((json_t *)(uintptr_t)subscription);
	json_t *ordered =
	    json_object_get(json_object_get(subscription, "pending_changes"), "items");
	json_t *items = json_object_get(phase, "items");
	json_t *discounts = json_object_get(phase, "discounts");

	if (!json_is_array(items))
		items = ordered;
	if (json_is_array(items)) {
		json_object_set(changed, "items", items);
		json_object_set_new(changed, "items_complete", json_true());
	}
	if (json_is_array(discounts))
		json_object_set(changed, "discounts", discounts);
	return changed;
}

void
revenue_committed(const json_t *subscription, const json_t *schedule,
    const struct revenue_switches *switches, int64_t at_ms, struct revenue_figure *figure)
{
	int64_t horizon_ms = at_ms + switches->committed_days * REVENUE_DAY_MS;
	int64_t end_ms = planned_end(subscription, schedule), from_ms = at_ms;
	int64_t changes_ms = INT64_MAX;
	const json_t *phase;
	json_t *changed;

	revenue_figure(subscription, switches, at_ms, figure);
	if (!is_revenue_counted(subscription, switches, at_ms,
		revenue_time(subscription, "period_start", INT64_MIN), &changes_ms))
		return;
	phase = next_phase(schedule, at_ms, horizon_ms, &from_ms, &changes_ms);
	if (end_ms < INT64_MAX)
		revenue_nearer(&changes_ms, at_ms, end_ms - (horizon_ms - at_ms));
	changed = with_changes(subscription, phase);
	revenue_worth(changed, switches, from_ms, figure);
	if (end_ms <= horizon_ms) {
		figure->is_known = true;
		figure->why[0] = '\0';
		figure->arr = FRACTION_ZERO;
	}
	if (changes_ms < figure->changes_ms)
		figure->changes_ms = changes_ms;
	json_decref(changed);
}
