/* model/totals: what many customers are worth adds up, in every month. */
#include "model/totals.h"
#include "revenue-unit.h"

#define CUSTOMERS 300
#define YEARS 6
#define RATES                                                                                      \
	"{'revenue':{'currency':'USD','rates':[{'on':'2001-01-01','rates':{'EUR':'1.25','JPY':"    \
	"'0.01'}},{'on':'2004-03-01','rates':{'EUR':'1.07'}},{'on':'2006-05-01','rates':"          \
	"{'EUR':'1.1','JPY':'0.007'}}]}}"

static const char *const currencies[] = {"EUR", "USD", "JPY"};

static int64_t
day_ms(int year, int month, int day)
{
	return bh_days_from_civil(year, month, day) * INT64_C(86400000);
}

/* No step near the end of a month: a movement is dated by the first of its changes. */
static json_t *
any_facts(void)
{
	json_t *all = json_object();
	int subscriptions = 1 + any(3);

	for (int i = 0; i < subscriptions; i++) {
		const char *currency = currencies[any(10) < 7 ? 0 : any(3)];
		json_t *steps = json_array();
		int months = any(YEARS * 12);
		char id[8];

		for (; months < YEARS * 12; months += 1 + any(20)) {
			int64_t at_ms = day_ms(2001 + months / 12, months % 12 + 1, 2 + any(25)) +
					any(86400000);
			char arr[32];

			snprintf(arr, sizeof(arr), "%d", any(3) == 0 ? 0 : (1 + any(50)) * 7000 + any(7));
			json_array_append_new(steps,
			    json_pack("[I, s, s]", (json_int_t)at_ms, arr, currency));
		}
		snprintf(id, sizeof(id), "s%d", i);
		json_object_set_new(all, id,
		    json_pack("{s:o, s:s}", "steps", steps, "status", "active"));
	}
	return json_pack("{s:o}", "subscriptions", all);
}

/* The facts as they stood then. */
static json_t *
facts_until(const json_t *facts, int64_t at_ms)
{
	json_t *copy = json_deep_copy(facts), *part;
	const char *id;

	json_object_foreach (json_object_get(copy, "subscriptions"), id, part) {
		json_t *steps = json_object_get(part, "steps");

		for (size_t i = json_array_size(steps); i > 0; i--)
			if (json_integer_value(json_array_get(json_array_get(steps, i - 1), 0)) >=
			    at_ms)
				json_array_remove(steps, i - 1);
	}
	return copy;
}

/* What all were worth at a time, by their own figures. */
static int64_t
worth(json_t *const *all, const char *currency, const struct revenue_switches *switches,
    int64_t at_ms, bool converted, int64_t *customers_r)
{
	int64_t sum = 0;

	*customers_r = 0;
	for (size_t i = 0; i < CUSTOMERS; i++) {
		json_t *facts = facts_until(all[i], at_ms);
		int64_t changes_ms, one;
		json_t *fields = figures_customer(facts, NULL, switches, at_ms, &changes_ms);

		one = converted
			  ? bh_json_int(fields, "mrr", 0)
			  : bh_json_int(json_object_get(fields, "mrr_by_currency"), currency, 0);
		sum += one;
		*customers_r += one > 0;
		json_decref(fields);
		json_decref(facts);
	}
	return sum;
}

/* From "before" through every month to what is said of now; *months_r: how many were looked at. */
static void
check_sum(const json_t *sum, json_t *const *all, const char *currency,
    const struct revenue_switches *switches, bool converted, int64_t now_ms, int *moves_r)
{
	int64_t mrr = json_integer_value(json_array_get(json_object_get(sum, "before"), 0));
	int64_t customers = json_integer_value(json_array_get(json_object_get(sum, "before"), 1));

	for (int n = TOTALS_MONTHS; n-- > 0;) {
		char month[TOTALS_MONTH];
		int64_t wanted, paying, end_ms;
		const char *kind;
		json_t *pair;

		totals_month_before(month, now_ms, n);
		json_object_foreach (json_object_get(json_object_get(sum, "months"), month), kind,
		    pair) {
			int64_t count = json_integer_value(json_array_get(pair, 1));

			mrr += json_integer_value(json_array_get(pair, 0));
			if (strcmp(kind, "new") == 0 || strcmp(kind, "reactivation") == 0)
				customers += count;
			else if (strcmp(kind, "churn") == 0)
				customers -= count;
			*moves_r += (int)count;
		}
		end_ms = n == 0 ? now_ms
				: day_ms(atoi(month) + (atoi(month + 5) == 12),
				      atoi(month + 5) % 12 + 1, 1);
		wanted = worth(all, currency, switches, end_ms - 1, converted, &paying);
		if (mrr != wanted || customers != paying)
			fail_msg("%s at the end of %s: %lld and %lld customers, not %lld and %lld",
			    currency, month, (long long)mrr, (long long)customers,
			    (long long)wanted, (long long)paying);
	}
	assert_int_equal(bh_json_int(sum, "mrr", -1) - bh_json_int(sum, "told", -1), mrr);
	assert_int_equal(bh_json_int(sum, "customers", -1), customers);
}

/* MRR at the beginning of a month and its movements give MRR at its end, and now. */
static void
adds_up(void **state BH_UNUSED)
{
	int64_t now_ms = day_ms(2001 + YEARS, 1, 1) - 1;
	json_t *settings = json_of(RATES), *all[CUSTOMERS];
	struct revenue_switches switches = switches_of(settings);
	json_t *totals = totals_new(&switches);
	int moves = 0;

	for (size_t i = 0; i < CUSTOMERS; i++) {
		all[i] = any_facts();
		totals_add(totals, all[i], NULL, &switches, now_ms);
	}
	assert_int_equal(bh_json_int(totals, "customers", 0), CUSTOMERS);
	assert_int_equal(bh_json_int(totals, "unknown", -1), 0);
	for (size_t i = 0; i < BH_LEN(currencies); i++)
		check_sum(json_object_get(json_object_get(totals, "sums"), currencies[i]), all,
		    currencies[i], &switches, false, now_ms, &moves);
	assert_true(moves > 500);
	assert_string_equal(bh_json_str(totals, "currency"), "USD");
	check_sum(json_object_get(totals, "converted"), all, "USD", &switches, true, now_ms,
	    &moves);
	for (size_t i = 0; i < CUSTOMERS; i++)
		json_decref(all[i]);
	json_decref(totals);
	json_decref(settings);
}

/* Of a source without subscriptions, what it tells itself; of an unknown price, that it is not known. */
static void
told_and_unknown(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);
	json_t *totals = totals_new(&switches);
	json_t *customer = json_of("{'currency':'EUR','source_mrr':1500}");
	json_t *facts =
	    json_of("{'subscriptions':{'s':{'status':'active','steps':"
		    "[[1000000000000,'12000','EUR'],[1000000001000,'12000','EUR','a price']]}}}");

	totals_add(totals, NULL, customer, &switches, INT64_C(1000000002000));
	totals_add(totals, facts, NULL, &switches, INT64_C(1000000002000));
	assert_quoted(totals,
	    "{'customers':2,'unknown':1,'sums':{'EUR':{'mrr':2500,'arr':30000,'told':1500,"
	    "'customers':1,'before':[0,0],'months':{'2001-09':{'new':[1000,1]}}}}}");
	json_decref(facts);
	json_decref(customer);
	json_decref(totals);
}

static void
months(void **state BH_UNUSED)
{
	char month[TOTALS_MONTH];

	totals_month(month, day_ms(2026, 1, 1));
	assert_string_equal(month, "2026-01");
	totals_month(month, day_ms(2026, 1, 1) - 1);
	assert_string_equal(month, "2025-12");
	totals_month(month, -1);
	assert_string_equal(month, "1969-12");
	totals_month_before(month, day_ms(2026, 3, 31), 14);
	assert_string_equal(month, "2025-01");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(months),
	    cmocka_unit_test(told_and_unknown),
	    cmocka_unit_test(adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
