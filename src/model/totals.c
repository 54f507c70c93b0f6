/* See totals.h. */
#include "base/base.h"

#include "model/totals.h"

#include "base/clock.h"
#include "base/json.h"

#define DAY_MS INT64_C(86400000)

const char *const totals_kinds[] = {"new", "reactivation", "expansion", "contraction", "churn",
    "fx", NULL};

/* -- months -- */

void
totals_month_before(char month[TOTALS_MONTH], int64_t at_ms, int n)
{
	int64_t days = at_ms / DAY_MS - (at_ms % DAY_MS < 0);
	int year, in_year, day, all;

	bh_civil_from_days(days, &year, &in_year, &day);
	all = year * 12 + in_year - 1 - n;
	snprintf(month, TOTALS_MONTH, "%04u-%02u", ((unsigned)all / 12) % 10000, (unsigned)all % 12 + 1);
}

void
totals_month(char month[TOTALS_MONTH], int64_t at_ms)
{
	totals_month_before(month, at_ms, 0);
}

/* -- sums -- */

/* What does not fit a number of 64 bits is no money; it stays out. */
static void
raise_by(json_t *object, const char *name, int64_t by)
{
	int64_t sum;

	if (!__builtin_add_overflow(bh_json_int(object, name, 0), by, &sum))
		json_object_set_new(object, name, json_integer(sum));
}

static void
raise_pair(json_t *pair, int64_t amount, int64_t n)
{
	const int64_t by[] = {amount, n};

	for (size_t i = 0; i < BH_LEN(by); i++) {
		int64_t sum;

		if (!__builtin_add_overflow((int64_t)json_integer_value(json_array_get(pair, i)),
			by[i], &sum))
			json_array_set_new(pair, i, json_integer(sum));
	}
}

static json_t *
new_sum(void)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:[i, i], s:{}}", "mrr", 0, "arr", 0, "told", 0,
	    "customers", 0, "before", 0, 0, "months");
}

/* The member of this name, made with make where it is not there. */
static json_t *
member(json_t *object, const char *name, json_t *(*make)(void))
{
	json_t *found = json_object_get(object, name);

	if (found == NULL) {
		found = make();
		json_object_set_new(object, name, found);
	}
	return found;
}

static json_t *
new_pair(void)
{
	return json_pack("[i, i]", 0, 0);
}

/* How many customers with revenue a movement brings. */
static int
customers_of(const char *kind)
{
	if (strcmp(kind, "new") == 0 || strcmp(kind, "reactivation") == 0)
		return 1;
	return strcmp(kind, "churn") == 0 ? -1 : 0;
}

static void
add_movement(json_t *sum, const json_t *movement, const char *oldest)
{
	const char *kind = bh_json_str(movement, "kind");
	int64_t amount = bh_json_int(movement, "amount", 0);
	char month[TOTALS_MONTH];
	json_t *months;

	totals_month(month, bh_json_int(movement, "at_ms", 0));
	raise_by(sum, "customers", customers_of(kind));
	if (strcmp(month, oldest) < 0) {
		raise_pair(json_object_get(sum, "before"), amount, customers_of(kind));
		return;
	}
	months = member(json_object_get(sum, "months"), month, json_object);
	raise_pair(member(months, kind, new_pair), amount, 1);
}

/* What the movements of one customer come to, by currency: {"USD": amount}; new reference. */
static json_t *
add_movements(json_t *totals, json_t *all, bool converted, int64_t now_ms)
{
	json_t *ends = json_object(), *one;
	char oldest[TOTALS_MONTH];
	size_t i;

	totals_month_before(oldest, now_ms, TOTALS_MONTHS - 1);
	json_array_foreach (all, i, one) {
		const char *currency = bh_json_str(one, "currency");
		json_t *sum = converted
				  ? json_object_get(totals, "converted")
				  : member(json_object_get(totals, "sums"), currency, new_sum);

		add_movement(sum, one, oldest);
		json_object_set(ends, currency, json_object_get(one, "mrr"));
	}
	json_decref(all);
	return ends;
}

static void
add_now(json_t *sum, int64_t mrr, int64_t arr, int64_t moved)
{
	raise_by(sum, "mrr", mrr);
	raise_by(sum, "arr", arr);
	raise_by(sum, "told", mrr - moved);
}

/* -- the whole -- */

json_t *
totals_new(const struct revenue_switches *switches)
{
	json_t *totals = json_pack("{s:i, s:i, s:{}}", "customers", 0, "unknown", 0, "sums");

	if (switches->currency[0] != '\0') {
		json_object_set_new(totals, "currency", json_string(switches->currency));
		json_object_set_new(totals, "converted", new_sum());
	}
	return totals;
}

void
totals_add(json_t *totals, const json_t *facts, const json_t *customer,
    const struct revenue_switches *switches, int64_t now_ms)
{
	json_t *ends =
	    add_movements(totals, figures_movements(facts, switches, false, now_ms), false, now_ms);
	int64_t changes_ms;
	json_t *fields = figures_customer(facts, customer, switches, now_ms, &changes_ms);
	const json_t *arr = json_object_get(fields, "arr_by_currency");
	const char *currency;
	json_t *mrr;

	raise_by(totals, "customers", 1);
	raise_by(totals, "unknown", bh_is_json_true(fields, "mrr_known") ? 0 : 1);
	json_object_foreach (json_object_get(fields, "mrr_by_currency"), currency, mrr)
		add_now(member(json_object_get(totals, "sums"), currency, new_sum),
		    json_integer_value(mrr), json_integer_value(json_object_get(arr, currency)),
		    json_integer_value(json_object_get(ends, currency)));
	json_decref(ends);
	if (switches->currency[0] != '\0') {
		ends = add_movements(totals, figures_movements(facts, switches, true, now_ms), true,
		    now_ms);
		add_now(json_object_get(totals, "converted"), bh_json_int(fields, "mrr", 0),
		    bh_json_int(fields, "arr", 0),
		    json_integer_value(json_object_get(ends, switches->currency)));
		json_decref(ends);
	}
	json_decref(fields);
}
