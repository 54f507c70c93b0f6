/*
 * Movements: how the sum of a customer's subscriptions moved.  All changes of
 * one instant count together; then changes inside the window are one, from
 * what was before the first to what is after the last, dated by the first.
 *
 *   before   after   positive before?   kind
 *   0        > 0     never              new
 *   0        > 0     yes                reactivation
 *   > 0      0                          churn
 *   a        > a                        expansion
 *   a        < a                        contraction
 *   a        a                          none
 *
 * Converted, only rates move between two changes ("fx"): inside a window they
 * stand still, so that an upgrade at midnight is no churn.
 */
#include "base/base.h"

#include "model/figures_parts.h"

struct event {
	int64_t at_ms;
	struct fraction arr;
	const char *currency;
	size_t owner; /* which subscription */
	size_t place; /* among all that were read */
};

/* The last value of each subscription. */
struct holding {
	struct fraction arr;
	const char *currency;
};

struct series {
	const struct revenue_switches *switches;
	const char *currency; /* of the amounts */
	bool converted;
	struct event *events;
	size_t events_n;
	struct holding *held;
	struct figures_sum sum;      /* of what is held */
	struct figures_rates *rates; /* of each currency in sum, by its place in codes */
	const struct figures_sum *codes;
	int64_t *turns; /* when a rate changes, oldest first */
	size_t turns_n;
	int64_t rates_ms; /* rates stand as they were then */
	struct fraction now, before;
	int64_t first_ms; /* of the open group, which began from before */
	bool is_open, was_positive;
	json_t *out;
};

static int
compare_events(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

static const char *
kind_of(const struct series *series, const struct fraction *before)
{
	if (before->above <= 0 && series->now.above > 0)
		return series->was_positive ? "reactivation" : "new";
	if (before->above > 0 && series->now.above <= 0)
		return "churn";
	return fraction_compare(&series->now, before) > 0 ? "expansion" : "contraction";
}

/* Amounts are differences of what is shown, so that they add up. */
static void
put_movement(struct series *series, const char *kind, int64_t at_ms, const struct fraction *before)
{
	int64_t from, to, amount;

	if (!is_fraction_rounded(before, 12, &from) ||
	    !is_fraction_rounded(&series->now, 12, &to) ||
	    __builtin_sub_overflow(to, from, &amount))
		return;
	if (amount == 0 && strcmp(kind, "fx") == 0)
		return;
	json_array_append_new(series->out,
	    json_pack("{s:I, s:s, s:s, s:I, s:I}", "at_ms", (json_int_t)at_ms, "kind", kind,
		"currency", series->currency, "amount", (json_int_t)amount, "mrr", (json_int_t)to));
}

static void
close_group(struct series *series)
{
	if (!series->is_open)
		return;
	series->is_open = false;
	if (fraction_compare(&series->before, &series->now) != 0)
		put_movement(series, kind_of(series, &series->before), series->first_ms,
		    &series->before);
	if (series->now.above > 0)
		series->was_positive = true;
}

static bool
is_in_group(const struct series *series, int64_t at_ms)
{
	return series->is_open &&
	       at_ms - series->first_ms < series->switches->window_min * INT64_C(60000);
}

static const struct fraction *
rate_of(const struct series *series, const char *currency)
{
	for (size_t i = 0; i < series->codes->n; i++)
		if (strcmp(series->codes->items[i].currency, currency) == 0)
			return figures_rates_at(&series->rates[i], series->rates_ms);
	return NULL;
}

/* The sum of all in the series' currency; what has no rate is left out. */
static struct fraction
value_of(const struct series *series)
{
	struct fraction total = FRACTION_ZERO, one;

	if (!series->converted) {
		const struct fraction *held = figures_sum_find(&series->sum, series->currency);

		return held != NULL ? *held : total;
	}
	for (size_t i = 0; i < series->sum.n; i++) {
		const struct fraction *rate = rate_of(series, series->sum.items[i].currency);

		if (rate != NULL &&
		    is_fraction_multiplied(&series->sum.items[i].amount, rate, &one))
			is_fraction_added(&total, &one, &total);
	}
	return total;
}

static void
hold(struct series *series, const struct event *event)
{
	struct holding *held = &series->held[event->owner];
	struct fraction less = {-held->arr.above, held->arr.below};

	if (held->currency != NULL)
		figures_sum_add(&series->sum, held->currency, &less);
	figures_sum_add(&series->sum, event->currency, &event->arr);
	*held = (struct holding){event->arr, event->currency};
}

/* All events of one instant; returns the place of the next. */
static size_t
change(struct series *series, size_t at)
{
	int64_t at_ms = series->events[at].at_ms;
	struct fraction value;

	for (; at < series->events_n && series->events[at].at_ms == at_ms; at++)
		hold(series, &series->events[at]);
	value = value_of(series);
	if (!is_in_group(series, at_ms)) {
		close_group(series);
		if (fraction_compare(&value, &series->now) == 0)
			return at;
		series->is_open = true;
		series->first_ms = at_ms;
		series->before = series->now;
	}
	series->now = value;
	return at;
}

static void
turn_rates(struct series *series, int64_t at_ms)
{
	struct fraction before;

	close_group(series);
	before = series->now;
	series->rates_ms = at_ms;
	series->now = value_of(series);
	if (fraction_compare(&before, &series->now) != 0)
		put_movement(series, "fx", at_ms, &before);
}

static void
run(struct series *series)
{
	size_t at = 0, turn = 0;

	while (at < series->events_n || turn < series->turns_n) {
		bool has_event = at < series->events_n, has_turn = turn < series->turns_n;
		int64_t at_ms = has_event ? series->events[at].at_ms : INT64_MAX;

		if (has_event &&
		    (!has_turn || is_in_group(series, at_ms) || at_ms < series->turns[turn]))
			at = change(series, at);
		else
			turn_rates(series, series->turns[turn++]);
	}
	close_group(series);
}

/* Every step of every subscription, in the order of time. */
static void
read_events(struct series *series, json_t *subscriptions, struct figures_sum *codes)
{
	const char *id;
	json_t *part, *step;
	size_t i, owner = 0, cap = 0;

	json_object_foreach (subscriptions, id, part) {
		const json_t *steps = json_object_get(part, "steps");

		cap += json_array_size(steps);
		series->events = bh_xrealloc(series->events, (cap + 1) * sizeof(struct event));
		json_array_foreach (steps, i, step) {
			struct event *event = &series->events[series->events_n];
			struct fraction nothing = FRACTION_ZERO;

			if (!is_figures_step_read(step, &event->at_ms, &event->arr,
				&event->currency))
				continue;
			event->owner = owner;
			event->place = series->events_n;
			figures_sum_add(codes, event->currency, &nothing);
			series->events_n++;
		}
		owner++;
	}
	if (series->events_n > 1)
		qsort(series->events, series->events_n, sizeof(struct event), compare_events);
	series->held = bh_xcalloc(owner + 1, sizeof(struct holding));
}

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* When any rate changes, up to now. */
static void
read_turns(struct series *series, int64_t now_ms)
{
	size_t n = 0, kept = 0;

	series->rates = bh_xcalloc(series->codes->n + 1, sizeof(struct figures_rates));
	for (size_t i = 0; i < series->codes->n; i++) {
		struct figures_rates *rates = &series->rates[i];

		figures_rates_read(rates, series->switches, series->codes->items[i].currency);
		series->turns =
		    bh_xrealloc(series->turns, (n + rates->n + 1) * sizeof(series->turns[0]));
		for (size_t j = 0; j < rates->n; j++)
			if (rates->lines[j].from_ms <= now_ms)
				series->turns[n++] = rates->lines[j].from_ms;
	}
	if (n > 1)
		qsort(series->turns, n, sizeof(series->turns[0]), compare_times);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || series->turns[kept - 1] != series->turns[i])
			series->turns[kept++] = series->turns[i];
	series->turns_n = kept;
}

/* Start over for the amounts of one currency. */
static void
run_in(struct series *series, size_t owners, const char *currency)
{
	figures_sum_release(&series->sum);
	memset(series->held, 0, owners * sizeof(series->held[0]));
	series->currency = currency;
	series->rates_ms = INT64_MIN;
	series->now = series->before = FRACTION_ZERO;
	series->is_open = series->was_positive = false;
	run(series);
}

static int
compare_movements(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	json_int_t m = json_integer_value(json_object_get(x, "at_ms"));
	json_int_t n = json_integer_value(json_object_get(y, "at_ms"));

	return m != n ? (m > n) - (m < n)
		      : strcmp(revenue_text(x, "currency"), revenue_text(y, "currency"));
}

/* Those of several currencies, in the order of time. */
static json_t *
sorted(json_t *list)
{
	size_t n = json_array_size(list), i;
	json_t **all = bh_xcalloc(n + 1, sizeof(json_t *)), *one, *result = json_array();

	json_array_foreach (list, i, one)
		all[i] = one;
	if (n > 1)
		qsort(all, n, sizeof(json_t *), compare_movements);
	for (i = 0; i < n; i++)
		json_array_append(result, all[i]);
	free(all);
	json_decref(list);
	return result;
}

json_t *
figures_movements(const json_t *facts, const struct revenue_switches *switches, bool converted,
    int64_t now_ms)
{
	json_t *subscriptions = json_object_get(facts, "subscriptions");
	struct figures_sum codes = {0};
	struct series series = {.switches = switches,
	    .converted = converted,
	    .codes = &codes,
	    .out = json_array()};
	size_t owners = json_object_size(subscriptions);

	read_events(&series, subscriptions, &codes);
	if (converted) {
		read_turns(&series, now_ms);
		run_in(&series, owners, switches->currency);
	}
	for (size_t i = 0; i < codes.n && !converted; i++)
		if (codes.items[i].currency[0] != '\0')
			run_in(&series, owners, codes.items[i].currency);
	for (size_t i = 0; i < codes.n && converted; i++)
		figures_rates_release(&series.rates[i]);
	free(series.rates);
	free(series.turns);
	free(series.events);
	free(series.held);
	figures_sum_release(&series.sum);
	figures_sum_release(&codes);
	return converted ? series.out : sorted(series.out);
}
