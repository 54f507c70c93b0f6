/*
 * The course of a subscription's worth: its history's points in order, each
 * with the value that its state has until the next one.
 */
#include "base/base.h"

#include "base/text.h"
#include "model/revenue_parts.h"

struct walk {
	const json_t *points, *states;
	void (*resolve)(void *arg, json_t *state);
	void *arg;
	const struct revenue_switches *switches;
	int64_t now_ms;        /* not before the last point: news is never of the future */
	json_t *current;       /* the state as it is told up to the point */
	int64_t grace_from_ms; /* since when it is past due, or its period; INT64_MIN: it is not */
	json_t *steps;
	int64_t changes_ms;
	char *why;
	bool is_deleted;
	bool is_first; /* no state has been known yet */
};

/* Steps from at_ms on never were. */
static void
cut_steps(struct walk *walk, int64_t at_ms)
{
	size_t n = json_array_size(walk->steps);

	while (n > 0 &&
	       json_integer_value(json_array_get(json_array_get(walk->steps, n - 1), 0)) >= at_ms)
		json_array_remove(walk->steps, --n);
}

/* What held before: zero at first. */
static void
last_value(const struct walk *walk, struct fraction *arr_r, const char **currency_r,
    bool *is_known_r)
{
	const json_t *last = json_array_get(walk->steps, json_array_size(walk->steps) - 1);
	const char *arr = json_string_value(json_array_get(last, 1));

	*arr_r = FRACTION_ZERO;
	if (arr != NULL)
		is_fraction_read(arr, arr_r);
	*currency_r = last != NULL ? json_string_value(json_array_get(last, 2)) : "";
	*is_known_r = json_array_size(last) < 4;
}

/* A step where the value differs; one that is not known goes on as before and says so. */
static void
put_step(struct walk *walk, int64_t at_ms, const struct revenue_figure *figure)
{
	struct fraction before, arr = figure->arr;
	char text[FRACTION_TEXT];
	const char *before_currency, *currency = figure->currency;
	bool was_known, same_currency;
	json_t *step;

	cut_steps(walk, at_ms);
	last_value(walk, &before, &before_currency, &was_known);
	if (!figure->is_known)
		arr = before;
	if (!figure->is_known || *currency == '\0')
		currency = before_currency;
	same_currency = strcmp(currency, before_currency) == 0 || arr.above == 0;
	if (fraction_compare(&arr, &before) == 0 && same_currency && figure->is_known == was_known)
		return;
	fraction_text(text, &arr);
	step = json_pack("[I, s, s]", (json_int_t)at_ms, text, currency);
	if (!figure->is_known)
		json_array_append_new(step, bh_json_string(figure->why));
	json_array_append_new(walk->steps, step);
}

static void
put_zero(struct walk *walk, int64_t at_ms)
{
	struct revenue_figure zero = {.is_known = true, .arr = FRACTION_ZERO};

	put_step(walk, at_ms, &zero);
	walk->changes_ms = INT64_MAX;
}

/* The values of one state from start to before end, with those that come by themselves. */
static void
put_span(struct walk *walk, const json_t *state, int64_t start_ms, int64_t end_ms)
{
	struct revenue_figure figure;

	for (int64_t at_ms = start_ms; at_ms < end_ms && at_ms <= walk->now_ms;
	     at_ms = figure.changes_ms) {
		revenue_figure_since(state, walk->switches, at_ms, walk->grace_from_ms, &figure);
		put_step(walk, at_ms, &figure);
		walk->changes_ms = figure.changes_ms;
		if (!figure.is_known)
			snprintf(walk->why, REVENUE_WHY, "%s", figure.why);
		if (figure.changes_ms == INT64_MAX)
			break;
	}
}

/* When it began to be worth something; INT64_MAX when that is not told. */
static int64_t
begin_of(const json_t *state)
{
	int64_t created_ms = revenue_time(state, "created_at", INT64_MIN);
	int64_t begin_ms = revenue_time(state, "started_at", created_ms);
	int64_t trial_ms = revenue_time(state, "trial_end", INT64_MIN);

	if (begin_ms < created_ms)
		begin_ms = created_ms;
	if (begin_ms == INT64_MIN)
		return INT64_MAX;
	return begin_ms < trial_ms ? trial_ms : begin_ms;
}

static bool
is_ended(const json_t *state)
{
	const char *status = revenue_text(state, "status");

	return strcmp(status, "canceled") == 0 || strcmp(status, "expired") == 0;
}

/* When an ended one, or one that counts until it is asked to end, ceased to count. */
static int64_t
end_of(const struct walk *walk, const json_t *state, int64_t at_ms)
{
	int64_t end_ms = is_ended(state) ? revenue_time(state, "ended_at", at_ms) : INT64_MAX;
	int64_t asked_ms =
	    walk->switches->at_request ? revenue_time(state, "canceled_at", INT64_MAX) : INT64_MAX;

	if (asked_ms < end_ms)
		end_ms = asked_ms;
	return end_ms < at_ms ? end_ms : at_ms;
}

/* The same as it was while it counted. */
static json_t *
while_it_ran(const json_t *state)
{
	json_t *before = json_copy((json_t *)(uintptr_t)state);

	if (is_ended(state))
		json_object_set_new(before, "status", json_string("active"));
	json_object_del(before, "ended_at");
	json_object_del(before, "cancel_at");
	json_object_del(before, "cancel_at_period_end");
	return before;
}

/*
 * The first state that is known of one that had begun long before, as a
 * reading of the whole past finds it: what it is worth, or was when it ended,
 * it was worth from its begin.
 */
static int64_t
put_past(struct walk *walk, const json_t *state, int64_t at_ms)
{
	bool is_gone = is_ended(state) || (walk->switches->at_request && is_revenue_leaving(state));
	const char *ended_at = revenue_text(state, "ended_at");
	int64_t begin_ms = begin_of(state), end_ms = end_of(walk, state, at_ms), ever;
	json_t *before;

	if (begin_ms >= at_ms)
		return at_ms;
	if (!is_gone)
		return is_revenue_counted(state, walk->switches, at_ms, walk->grace_from_ms, &ever)
			   ? begin_ms
			   : at_ms;
	/* One that expired was never paid; one without an end is no more than canceled. */
	if (strcmp(revenue_text(state, "status"), "expired") == 0 ||
	    (is_ended(state) && *ended_at == '\0') || begin_ms >= end_ms)
		return at_ms;
	before = while_it_ran(state);
	put_span(walk, before, begin_ms, end_ms);
	put_zero(walk, end_ms);
	json_decref(before);
	return at_ms;
}

/* What holds from start to before end. */
static void
put_state(struct walk *walk, int64_t start_ms, int64_t end_ms)
{
	json_t *state = json_deep_copy(walk->current);
	const json_t *last;

	if (walk->resolve != NULL)
		walk->resolve(walk->arg, state);
	if (walk->is_deleted) {
		put_zero(walk, start_ms);
	} else {
		if (walk->is_first)
			start_ms = put_past(walk, state, start_ms);
		if (is_ended(state))
			put_zero(walk, end_of(walk, state, start_ms));
		else
			put_span(walk, state, start_ms, end_ms);
	}
	last = json_array_get(walk->steps, json_array_size(walk->steps) - 1);
	walk->is_first = walk->is_first && json_array_size(last) > 3;
	json_decref(state);
}

/* Lay one point over what was told before it. */
static void
apply_point(struct walk *walk, const json_t *point)
{
	const char *digest = json_string_value(json_array_get(point, 2));
	json_int_t flags = json_integer_value(json_array_get(point, 3));
	const json_t *grace = json_array_get(point, 4);

	if (!(flags & REVENUE_PARTIAL))
		json_object_clear(walk->current);
	json_object_update(walk->current, json_object_get(walk->states, digest));
	if (flags & REVENUE_DELETED)
		walk->is_deleted = true;
	else if (!(flags & REVENUE_PARTIAL))
		walk->is_deleted = false;
	if (strcmp(revenue_text(walk->current, "status"), "past_due") != 0)
		walk->grace_from_ms = INT64_MIN;
	else if (json_is_integer(grace))
		walk->grace_from_ms = json_integer_value(grace);
	else if (walk->grace_from_ms == INT64_MIN)
		walk->grace_from_ms = json_integer_value(json_array_get(point, 0));
}

static int64_t
point_time(const json_t *points, size_t i, int64_t otherwise)
{
	const json_t *at = json_array_get(json_array_get(points, i), 0);

	return json_is_integer(at) ? json_integer_value(at) : otherwise;
}

/* The latest time of any point. */
static int64_t
last_time(const json_t *points, int64_t otherwise)
{
	size_t n = json_array_size(points);
	int64_t last_ms = n != 0 ? point_time(points, 0, otherwise) : otherwise;

	for (size_t i = 1; i < n; i++)
		if (point_time(points, i, otherwise) > last_ms)
			last_ms = point_time(points, i, otherwise);
	return last_ms;
}

json_t *
revenue_steps(const json_t *history, void (*resolve)(void *arg, json_t *state), void *arg,
    const struct revenue_switches *switches, int64_t now_ms, int64_t *changes_ms_r, char why_r[96])
{
	const json_t *points = json_object_get(history, "points");
	size_t n = json_array_size(points);
	int64_t last_ms = last_time(points, now_ms), start_ms = INT64_MIN;
	struct walk walk = {
	    .points = points,
	    .states = json_object_get(history, "states"),
	    .resolve = resolve,
	    .arg = arg,
	    .switches = switches,
	    .now_ms = last_ms > now_ms ? last_ms : now_ms,
	    .current = json_object(),
	    .grace_from_ms = INT64_MIN,
	    .steps = json_array(),
	    .changes_ms = INT64_MAX,
	    .why = why_r,
	    .is_first = true,
	};

	why_r[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		int64_t at_ms = point_time(points, i, 0), end_ms;

		/* A newer state never begins before an older one. */
		start_ms = at_ms > start_ms ? at_ms : start_ms;
		apply_point(&walk, json_array_get(points, i));
		while (i + 1 < n && is_revenue_point_same(points, i, i + 1))
			i++;
		end_ms = point_time(points, i + 1, INT64_MAX);
		end_ms = end_ms > start_ms ? end_ms : start_ms;
		if (start_ms < end_ms)
			put_state(&walk, start_ms, end_ms);
	}
	*changes_ms_r = walk.changes_ms;
	json_decref(walk.current);
	return walk.steps;
}
