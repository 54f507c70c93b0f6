/* Recurring revenue: every vector, the rules by tables, histories in any order, steps. */
#include "revenue-unit.h"

static struct revenue_switches
vector_switches(const json_t *options, int64_t *now_ms_r)
{
	static const char *const modes[] = {"recurring", "forever", "all", "none"};
	struct revenue_switches switches = switches_of(NULL);
	const char *name;
	json_t *value;
	int known = 0;

	*now_ms_r = INT64_C(1800000000000);
	json_object_foreach ((json_t *)(uintptr_t)options, name, value) {
		for (int i = 0; strcmp(name, "mode") == 0 && i < 4; i++) {
			if (strcmp(modes[i], json_string_value(value)) == 0) {
				switches.discounts = (enum revenue_discounts)i;
				known++;
			}
		}
		if (strcmp(name, "cancel") == 0) {
			assert_string_equal(json_string_value(value), "at_request");
			switches.at_request = true;
			known++;
		}
		if (strcmp(name, "now") == 0) {
			*now_ms_r = json_integer_value(value) * 1000;
			known++;
		}
	}
	assert_int_equal(known, json_object_size(options));
	return switches;
}

static void
assert_figure(const char *name, const struct revenue_figure *figure, const json_t *expect)
{
	char text[FRACTION_TEXT];
	int64_t mrr, arr;

	if (!figure->is_known)
		fail_msg("%s: not known: %s", name, figure->why);
	fraction_text(text, &figure->arr);
	if (strcmp(text, bh_json_str(expect, "arr_exact")) != 0)
		fail_msg("%s: %s", name, text);
	assert_true(is_fraction_rounded(&figure->arr, 1, &arr));
	assert_true(is_fraction_rounded(&figure->arr, 12, &mrr));
	assert_int_equal(arr, bh_json_int(expect, "arr_minor", -1));
	assert_int_equal(mrr, bh_json_int(expect, "mrr_minor", -1));
}

static void
vectors(void **state BH_UNUSED)
{
	json_t *file = json_file("tests/data/mrr/vectors.json"), *vector;
	size_t i;

	assert_int_equal(json_array_size(json_object_get(file, "vectors")), 58);
	json_array_foreach (json_object_get(file, "vectors"), i, vector) {
		int64_t now_ms;
		struct revenue_switches switches =
		    vector_switches(json_object_get(vector, "options"), &now_ms);
		json_t *subscription = vector_subscription(json_object_get(vector, "subscription"));
		struct revenue_figure figure;

		revenue_figure(subscription, &switches, now_ms, &figure);
		assert_figure(bh_json_str(vector, "name"), &figure,
		    json_object_get(vector, "expect"));
		json_decref(subscription);
	}
	json_decref(file);
}

/* A monthly price of 1000 and more: members are laid over it. */
static json_t *
plain(const char *quoted)
{
	json_t *subscription = json_of("{'status':'active','currency':'USD','items':[{'price':'p1',"
				       "'unit_amount':'1000','interval':'month'}]}");
	json_t *more = json_of(quoted);

	json_object_update(subscription, more);
	json_decref(more);
	return subscription;
}

#define NOW "2026-11-22T12:00:00Z"

/* Rules that the vectors leave out; all at NOW. */
static void
rules(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *subscription, *settings;
		const char *arr; /* NULL: not known */
		const char *why;
		const char *changes; /* NULL: never */
	} cases[] = {
	    {"quarter", "{'items':[{'unit_amount':'300','interval':'quarter'}]}", "{}", "1200", "",
		NULL},
	    {"semiannual", "{'items':[{'unit_amount':'300','interval':'semiannual'}]}", "{}", "600",
		"", NULL},
	    {"every other day",
		"{'items':[{'unit_amount':'2','interval':'day','interval_count':2}]}", "{}", "365",
		"", NULL},
	    {"interval of the subscription",
		"{'interval':'year','interval_count':2,'items':[{'unit_amount':'1000'}]}", "{}",
		"500", "", NULL},
	    {"not recurring", "{'items':[{'unit_amount':'1000','interval':null}]}", "{}", "0", "",
		NULL},
	    {"no items", "{'items':[]}", "{}", "0", "", NULL},
	    {"items not told", "{'items':null}", "{}", NULL, "its items", NULL},
	    {"not all items", "{'items_complete':false}", "{}", NULL,
		"more items than the source sent", NULL},
	    {"not all items of one that is over", "{'items_complete':false,'status':'canceled'}",
		"{}", "0", "", NULL},
	    {"price without terms", "{'items':[{'price':'p9','quantity':'2'}]}", "{}", NULL,
		"the price p9", NULL},
	    {"tiers not sent",
		"{'items':[{'price':'p9','billing_scheme':'tiered','tiers_mode':'volume','unit_amount':'5','interval':'month'}]}",
		"{}", NULL, "the price p9", NULL},
	    {"tiers end",
		"{'items':[{'price':'p9','tiers_mode':'volume','tiers':[{'up_to':5,'unit_amount':'1'}],'quantity':'6','interval':'month'}]}",
		"{}", NULL, "the price p9", NULL},
	    {"graduated tiers end",
		"{'items':[{'price':'p9','tiers_mode':'graduated','tiers':[{'up_to':5,'unit_amount':'1'}],'quantity':'6','interval':'month'}]}",
		"{}", NULL, "the price p9", NULL},
	    {"half a seat in tiers",
		"{'items':[{'price':'p9','tiers_mode':'graduated','tiers':[{'up_to':1,'unit_amount':'10'},{'unit_amount':'4'}],'quantity':'1.5','interval':'month'}]}",
		"{}", "144", "", NULL},
	    {"free",
		"{'items':[{'price':'p9','quantity':'0','unit_amount':'5','interval':'month'}]}",
		"{}", "0", "", NULL},
	    {"packs down",
		"{'items':[{'unit_amount':'100','quantity':'25','divide_by':10,'round':'down','interval':'year'}]}",
		"{}", "200", "", NULL},
	    {"packs without rule",
		"{'items':[{'price':'p9','unit_amount':'100','quantity':'25','divide_by':10,'interval':'year'}]}",
		"{}", NULL, "the price p9", NULL},
	    {"no interval", "{'items':[{'price':'p9','unit_amount':'100'}]}", "{}", NULL,
		"the interval of price p9", NULL},
	    {"odd interval", "{'items':[{'price':'p9','unit_amount':'100','interval':'decade'}]}",
		"{}", NULL, "the interval of price p9", NULL},
	    {"negative quantity",
		"{'items':[{'price':'p9','unit_amount':'100','quantity':'-1','interval':'year'}]}",
		"{}", NULL, "the quantity of price p9", NULL},
	    {"two currencies", "{'items':[{'unit_amount':'1','interval':'year','currency':'EUR'}]}",
		"{}", NULL, "one currency for all items", NULL},
	    {"no currency", "{'currency':null}", "{}", NULL, "its currency", NULL},
	    {"currency of the item",
		"{'currency':null,'items':[{'unit_amount':'1','interval':'year','currency':'USD'}]}",
		"{}", "1", "", NULL},
	    {"too large",
		"{'items':[{'unit_amount':'9999999999999999999999999999999999','quantity':'9999999999999999999999999999999999','interval':'year'}]}",
		"{}", NULL, "too large", NULL},
	    {"too many decimals",
		"{'items':[{'unit_amount':'0.000000000000000001','quantity':'1','interval':'day'},{'unit_amount':'99999999999999999999999999999999','interval':'day'}]}",
		"{}", NULL, "too large", NULL},
	    {"exclusive tax", "{'tax_rates':[{'percentage':'19','inclusive':false}]}", "{}",
		"12000", "", NULL},
	    {"inclusive tax of the subscription",
		"{'tax_rates':[{'percentage':'15','inclusive':true},{'percentage':'5','inclusive':true},{'percentage':'3','inclusive':false}]}",
		"{}", "10000", "", NULL},
	    {"the item's tax comes first",
		"{'items':[{'unit_amount':'1100','interval':'year','tax_rates':[{'percentage':'10','inclusive':true}]}],'tax_rates':[{'percentage':'20','inclusive':true}]}",
		"{}", "1000", "", NULL},
	    {"inclusive tax without a rate",
		"{'items':[{'unit_amount':'1000','interval':'year','tax_behavior':'inclusive'}],'tax_rates':[{'id':'txr_1'}]}",
		"{}", "1000", "", NULL},
	    {"discount without terms", "{'discounts':[{'id':'di_1'}]}", "{}", NULL,
		"the terms of discount di_1", NULL},
	    {"discount without terms, none counts", "{'discounts':[{'id':'di_1'}]}",
		"{'discounts':'none'}", "12000", "", NULL},
	    {"one for an invoice, without terms", "{'discounts':[{'id':'di_1','duration':'once'}]}",
		"{}", "12000", "", NULL},
	    {"discount without terms that is over",
		"{'discounts':[{'id':'di_1','end':'2026-11-22T12:00:00Z'}]}", "{}", "12000", "",
		NULL},
	    {"discount without terms until",
		"{'discounts':[{'id':'di_1','end':'2026-11-23T12:00:00Z'}]}", "{}", NULL,
		"the terms of discount di_1", "2026-11-23T12:00:00Z"},
	    {"discount of an item without terms",
		"{'items':[{'unit_amount':'1000','interval':'year','discounts':[{'coupon':'c1'}]}]}",
		"{}", NULL, "the terms of discount c1", NULL},
	    {"percent beyond all", "{'discounts':[{'id':'di_1','percent_off':'101'}]}", "{}", NULL,
		"the terms of discount di_1", NULL},
	    {"amount in another currency",
		"{'discounts':[{'id':'di_1','amount_off':5,'currency':'EUR'}]}", "{}", NULL,
		"the terms of discount di_1", NULL},
	    {"repeating, while it lasts",
		"{'discounts':[{'percent_off':'50','duration':'repeating','start':'2026-11-01T00:00:00Z','end':'2027-02-01T00:00:00Z'}]}",
		"{}", "6000", "", "2027-02-01T00:00:00Z"},
	    {"repeating, later",
		"{'discounts':[{'percent_off':'50','duration':'repeating','start':'2026-12-01T00:00:00Z','end':'2027-02-01T00:00:00Z'}]}",
		"{}", "12000", "", "2026-12-01T00:00:00Z"},
	    {"repeating does not count",
		"{'discounts':[{'percent_off':'50','duration':'repeating','end':'2027-02-01T00:00:00Z'}]}",
		"{'discounts':'forever'}", "12000", "", NULL},
	    {"no duration, no end", "{'discounts':[{'percent_off':'50'}]}",
		"{'discounts':'forever'}", "6000", "", NULL},
	    {"no duration, an end",
		"{'discounts':[{'percent_off':'50','end':'2027-02-01T00:00:00Z'}]}",
		"{'discounts':'forever'}", "12000", "", NULL},
	    {"one product only",
		"{'items':[{'unit_amount':'1000','interval':'year','product':'a'},{'unit_amount':'500','interval':'year','product':'b'}],'discounts':[{'percent_off':'10','products':['b']}]}",
		"{}", "1450", "", NULL},
	    {"an amount for one product",
		"{'items':[{'unit_amount':'1000','interval':'year','product':'a'},{'unit_amount':'50','interval':'month','product':'b'}],'discounts':[{'amount_off':10,'products':['b']}]}",
		"{}", "1480", "", NULL},
	    {"an item's amount each period",
		"{'items':[{'unit_amount':'1000','interval':'month','discounts':[{'amount_off':100}]},{'unit_amount':'50','interval':'month','discounts':[{'amount_off':100}]}]}",
		"{}", "10800", "", NULL},
	    {"an item's, then the whole's",
		"{'items':[{'unit_amount':'1000','interval':'year','discounts':[{'percent_off':'10'}]}],'discounts':[{'percent_off':'10'}]}",
		"{}", "810", "", NULL},
	    {"spread, then a product's",
		"{'items':[{'unit_amount':'600','interval':'year','product':'a'},{'unit_amount':'300','interval':'year','product':'b'}],'discounts':[{'amount_off':90},{'percent_off':'50','products':['b']}]}",
		"{}", "675", "", NULL},
	    {"the customer's", "{'customer_discounts':[{'percent_off':'25'}]}", "{}", "9000", "",
		NULL},
	    {"the subscription's replaces it",
		"{'customer_discounts':[{'percent_off':'25'}],'discounts':[{'percent_off':'10'}]}",
		"{}", "10800", "", NULL},
	    {"even one that does not count",
		"{'customer_discounts':[{'percent_off':'25'}],'discounts':[{'percent_off':'10','duration':'once'}]}",
		"{}", "12000", "", NULL},
	    {"until its own is over",
		"{'customer_discounts':[{'percent_off':'25'}],'discounts':[{'percent_off':'10','duration':'once','end':'2026-11-20T00:00:00Z'}]}",
		"{}", "9000", "", NULL},
	    {"which will be",
		"{'customer_discounts':[{'percent_off':'25'}],'discounts':[{'percent_off':'10','duration':'once','end':'2026-11-25T00:00:00Z'}]}",
		"{}", "12000", "", "2026-11-25T00:00:00Z"},
	    {"paused", "{'pause_collection':'void'}", "{}", "0", "", NULL},
	    {"paused counts", "{'pause_collection':'void'}", "{'paused':'count'}", "12000", "",
		NULL},
	    {"trial", "{'status':'trialing'}", "{}", "0", "", NULL},
	    {"ended, whatever the status", "{'ended_at':'2026-11-22T12:00:00Z'}", "{}", "0", "",
		NULL},
	    {"will have ended", "{'ended_at':'2026-11-22T12:00:01Z'}", "{}", "12000", "",
		"2026-11-22T12:00:01Z"},
	    {"canceled at the end",
		"{'cancel_at_period_end':true,'cancel_at':'2026-12-01T00:00:00Z'}", "{}", "12000",
		"", NULL},
	    {"canceled at a date, at request", "{'cancel_at':'2026-12-01T00:00:00Z'}",
		"{'cancellation':'at_request'}", "0", "", NULL},
	    {"nothing planned", "{'cancel_at':null,'cancel_at_period_end':false}",
		"{'cancellation':'at_request'}", "12000", "", NULL},
	    {"past due", "{'status':'past_due','period_start':'2026-01-01T00:00:00Z'}", "{}",
		"12000", "", NULL},
	    {"past due in the grace", "{'status':'past_due','period_start':'2026-11-01T00:00:00Z'}",
		"{'grace_days':30}", "12000", "", "2026-12-01T00:00:00Z"},
	    {"past due beyond the grace",
		"{'status':'past_due','period_start':'2026-11-01T12:00:00Z'}", "{'grace_days':21}",
		"0", "", NULL},
	    {"past due, period not told", "{'status':'past_due'}", "{'grace_days':21}", "12000", "",
		NULL},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *subscription = plain(cases[i].subscription);
		json_t *settings = json_pack("{s:o}", "revenue", json_of(cases[i].settings));
		struct revenue_switches switches = switches_of(settings);
		struct revenue_figure figure;
		int64_t changes_ms =
		    cases[i].changes != NULL ? time_of(cases[i].changes) : INT64_MAX;
		char text[FRACTION_TEXT];

		revenue_figure(subscription, &switches, time_of(NOW), &figure);
		fraction_text(text, &figure.arr);
		if (figure.is_known != (cases[i].arr != NULL))
			fail_msg("%s: known %d: %s", cases[i].name, figure.is_known, figure.why);
		if (strcmp(text, cases[i].arr != NULL ? cases[i].arr : "0") != 0)
			fail_msg("%s: %s", cases[i].name, text);
		if (strcmp(figure.why, cases[i].why) != 0)
			fail_msg("%s: '%s'", cases[i].name, figure.why);
		if (figure.changes_ms != changes_ms)
			fail_msg("%s: changes at %lld", cases[i].name,
			    (long long)figure.changes_ms);
		json_decref(subscription);
		json_decref(settings);
	}
}

static void
long_name(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);
	struct revenue_figure figure;
	char id[300] = "";
	json_t *subscription, *text;

	/* Characters of two bytes, of which one would be cut in the middle. */
	for (int i = 0; i < 100; i++)
		memcpy(id + 2 * i, "\xc3\xa9", 3);
	subscription = plain("{}");
	json_object_set_new(subscription, "items", json_pack("[{s:s}]", "price", id));
	revenue_figure(subscription, &switches, 0, &figure);
	assert_false(figure.is_known);
	assert_true(strlen(figure.why) > 90);
	text = json_string(figure.why);
	assert_non_null(text);
	json_decref(text);
	json_decref(subscription);
}

/* What is agreed; at NOW, with a horizon of 90 days. */
static void
committed(void **state BH_UNUSED)
{
	static const char phases[] =
	    "'phases':[{'start':'2026-11-01T00:00:00Z','end':'2026-12-01T00:00:00Z',"
	    "'items':[{'unit_amount':'1000','interval':'month'}]},"
	    "{'start':'2026-12-01T00:00:00Z','end':'2027-06-01T00:00:00Z',"
	    "'items':[{'unit_amount':'3000','interval':'month','quantity':'2'}],"
	    "'discounts':[{'percent_off':'50'}]},"
	    "{'start':'2027-06-01T00:00:00Z','items':[{'unit_amount':'1','interval':'month'}]}]}";
	static const struct {
		const char *name, *subscription, *schedule;
		bool with_phases;
		const char *arr;
		const char *changes; /* NULL: never */
		const char *contract_end;
	} cases[] = {
	    {"nothing", "{}", NULL, false, "12000", NULL, NULL},
	    {"phase", "{}", "{'status':'active',", true, "36000", "2026-12-01T00:00:00Z", NULL},
	    {"schedule let go", "{}", "{'status':'released',", true, "12000", NULL, NULL},
	    {"keeps its discounts", "{'discounts':[{'percent_off':'10'}]}", "{'status':'active',",
		true, "36000", "2026-12-01T00:00:00Z", NULL},
	    {"ends within", "{'cancel_at':'2027-02-01T00:00:00Z'}", NULL, false, "0", NULL,
		"2027-02-01T00:00:00Z"},
	    {"ends beyond", "{'cancel_at':'2027-05-01T12:00:00Z'}", NULL, false, "12000",
		"2027-01-31T12:00:00Z", "2027-05-01T12:00:00Z"},
	    {"ends with the period",
		"{'cancel_at_period_end':true,'period_end':'2026-12-01T00:00:00Z'}", NULL, false,
		"0", NULL, NULL},
	    {"does not end with it",
		"{'cancel_at_period_end':false,'period_end':'2026-12-01T00:00:00Z'}", NULL, false,
		"12000", NULL, NULL},
	    {"schedule cancels", "{}",
		"{'status':'active','end_behavior':'cancel','ends_at':'2026-12-24T00:00:00Z'}",
		false, "0", NULL, "2026-12-24T00:00:00Z"},
	    {"schedule renews", "{}",
		"{'status':'active','end_behavior':'release','ends_at':'2026-12-24T00:00:00Z'}",
		false, "12000", NULL, NULL},
	    {"ordered", "{'pending_changes':{'items':[{'unit_amount':'1900','interval':'month'}]}}",
		NULL, false, "22800", NULL, NULL},
	    {"a list of changes without prices", "{'pending_changes':[{'status':'scheduled'}]}",
		NULL, false, "12000", NULL, NULL},
	    {"ordered, price not known", "{'pending_changes':{'items':[{'price':'p9'}]}}", NULL,
		false, NULL, NULL, NULL},
	    {"now not known, then known", "{'items':[{'price':'p9'}]}", "{'status':'active',", true,
		"36000", "2026-12-01T00:00:00Z", NULL},
	    {"trial", "{'status':'trialing'}", "{'status':'active',", true, "0", NULL, NULL},
	    {"over", "{'status':'canceled'}", "{'status':'active',", true, "0", NULL, NULL},
	};
	struct revenue_switches switches = switches_of(NULL);

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *subscription = plain(cases[i].subscription), *schedule = NULL, *derived;
		char *text = cases[i].schedule != NULL ? bh_xasprintf("%s%s", cases[i].schedule,
							     cases[i].with_phases ? phases : "")
						       : NULL;
		struct revenue_figure figure;
		int64_t changes_ms, arr;
		char fraction[FRACTION_TEXT];

		if (text != NULL)
			schedule = json_of(text);
		revenue_committed(subscription, schedule, &switches, time_of(NOW), &figure);
		fraction_text(fraction, &figure.arr);
		if (figure.is_known != (cases[i].arr != NULL) ||
		    (figure.is_known && strcmp(fraction, cases[i].arr) != 0))
			fail_msg("%s: %s %s", cases[i].name, fraction, figure.why);
		changes_ms = cases[i].changes != NULL ? time_of(cases[i].changes) : INT64_MAX;
		if (figure.changes_ms != changes_ms)
			fail_msg("%s: changes at %lld", cases[i].name,
			    (long long)figure.changes_ms);
		derived = figures_subscription(subscription, schedule, &switches, time_of(NOW),
		    &changes_ms);
		assert_int_equal(json_object_size(derived), 6);
		if (cases[i].arr != NULL) {
			assert_true(is_fraction_rounded(&figure.arr, 12, &arr));
			assert_int_equal(bh_json_int(derived, "committed_mrr", -1), arr);
		} else {
			assert_true(json_is_null(json_object_get(derived, "committed_mrr")));
		}
		if (cases[i].contract_end != NULL)
			assert_string_equal(bh_json_str(derived, "contract_end_at"),
			    cases[i].contract_end);
		else
			assert_true(json_is_null(json_object_get(derived, "contract_end_at")));
		json_decref(derived);
		json_decref(subscription);
		json_decref(schedule);
		free(text);
	}
}

static void
subscription_fields(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);
	json_t *subscription = plain("{'discounts':[{'id':'di_7'}]}"), *derived;
	int64_t changes_ms;

	derived = figures_subscription(subscription, NULL, &switches, 0, &changes_ms);
	assert_quoted(derived,
	    "{'mrr':null,'arr':null,'mrr_known':false,'committed_mrr':null,"
	    "'mrr_missing':'the terms of discount di_7','contract_end_at':null}");
	assert_int_equal(object_check(OBJECT_SUBSCRIPTION, derived, NULL), 0);
	json_decref(derived);
	json_object_set_new(subscription, "discounts",
	    json_of("[{'percent_off':'50','end':'1970-01-01T00:00:05Z'}]"));
	derived = figures_subscription(subscription, NULL, &switches, 0, &changes_ms);
	assert_quoted(derived, "{'mrr':500,'arr':6000,'mrr_known':true,'committed_mrr':500,"
			       "'mrr_missing':null,'contract_end_at':null}");
	assert_int_equal(changes_ms, 5000);
	json_decref(derived);
	/* The fraction fits, the figure does not. */
	json_object_set_new(subscription, "items",
	    json_of("[{'unit_amount':'99999999999999999999','interval':'year'}]"));
	derived = figures_subscription(subscription, NULL, &switches, 9000, &changes_ms);
	assert_quoted(derived, "{'mrr':8333333333333333333,'arr':null,'mrr_known':false,"
			       "'committed_mrr':8333333333333333333,"
			       "'mrr_missing':'too large','contract_end_at':null}");
	json_decref(derived);
	json_decref(subscription);
}

static void
settings(void **state BH_UNUSED)
{
	static const char *const bad[][2] = {
	    {"7", "revenue must be an object"},
	    {"{'discount':'all'}", "revenue.discount is not known"},
	    {"{'discounts':'some'}",
		"revenue.discounts must be one of: recurring forever all none"},
	    {"{'discounts':1}", "revenue.discounts must be one of: recurring forever all none"},
	    {"{'cancellation':''}", "revenue.cancellation must be one of: at_end at_request"},
	    {"{'paused':true}", "revenue.paused must be one of: zero count"},
	    {"{'grace_days':-2}", "revenue.grace_days must be a number from -1 to 3660"},
	    {"{'window_min':'60'}", "revenue.window_min must be a number from 0 to 10080"},
	    {"{'committed_days':1.5}", "revenue.committed_days must be a number from 0 to 3660"},
	    {"{'currency':'usd'}", "revenue.currency must be a currency's three capitals"},
	    {"{'currency':'USDX'}", "revenue.currency must be a currency's three capitals"},
	    {"{'rates':{}}", "revenue.rates must be a list of at most 4000"},
	    {"{'rates':[{'on':'2026-13-01','rates':{}}]}", "revenue.rates.0.on must be a day"},
	    {"{'rates':[{'on':'2026-01-01'}]}", "revenue.rates.0.rates must be an object"},
	    {"{'rates':[{'on':'2026-01-01','rates':{'EUR':'1.1'}},{'on':'2026-01-02','rates':{'EUR':'-1'}}]}",
		"revenue.rates.1.rates.EUR must be a currency and its rate as text"},
	    {"{'rates':[{'on':'2026-01-01','rates':{'EUR':1.1}}]}",
		"revenue.rates.0.rates.EUR must be a currency and its rate as text"},
	    {"{'rates':[{'on':'2026-01-01','rates':{'euro':'1.1'}}]}",
		"revenue.rates.0.rates.euro must be a currency and its rate as text"},
	};
	struct revenue_switches switches;
	struct bh_err err = BH_ERR_INIT;
	json_t *json;

	for (size_t i = 0; i < BH_LEN(bad); i++) {
		json = json_pack("{s:o}", "revenue", json_of(bad[i][0]));
		assert_int_equal(revenue_switches_read(json, &switches, &err), -1);
		assert_int_equal(err.code, BH_INVALID);
		assert_string_equal(err.text, bad[i][1]);
		json_decref(json);
	}
	json = json_of("{'other':1}");
	switches = switches_of(json);
	assert_int_equal(switches.discounts, REVENUE_RECURRING);
	assert_true(!switches.at_request && !switches.count_paused && !switches.count_trials);
	assert_int_equal(switches.grace_days, -1);
	assert_int_equal(switches.window_min, 60);
	assert_int_equal(switches.committed_days, 90);
	assert_string_equal(switches.currency, "");
	assert_null(switches.rates);
	json_decref(json);
	json =
	    json_of("{'revenue':{'discounts':'none','cancellation':'at_request','paused':'count',"
		    "'grace_days':0,'window_min':0,'committed_days':30,'currency':'USD',"
		    "'rates':[{'on':'2026-01-01','rates':{'EUR':'1.08'}}]}}");
	switches = switches_of(json);
	assert_int_equal(switches.discounts, REVENUE_NONE);
	assert_true(switches.at_request && switches.count_paused);
	assert_int_equal(switches.grace_days, 0);
	assert_int_equal(switches.window_min, 0);
	assert_int_equal(switches.committed_days, 30);
	assert_string_equal(switches.currency, "USD");
	assert_int_equal(json_array_size(switches.rates), 1);
	json_decref(json);
}

/* The recorded webhooks of Stripe, as its driver reads them. */

static json_t *terms;

/* What the sync floor looks up: tiers of prices, terms of discounts. */
static void
resolve_list(const json_t *known, const char *id_name, json_t *list)
{
	size_t i;
	json_t *one;

	json_array_foreach (list, i, one) {
		const char *id = bh_json_str(one, id_name);

		if (id != NULL && json_object_get(known, id) != NULL)
			json_object_update(one, json_object_get(known, id));
		resolve_list(json_object_get(terms, "discounts"), "id",
		    json_object_get(one, "discounts"));
	}
}

static void
resolve(void *arg BH_UNUSED, json_t *subscription)
{
	resolve_list(json_object_get(terms, "prices"), "price",
	    json_object_get(subscription, "items"));
	resolve_list(json_object_get(terms, "discounts"), "id",
	    json_object_get(subscription, "discounts"));
}

/*
 * The change of the subscription that a recorded webhook makes; fields owned
 * by the caller.  One is of another account, of which the driver wants nothing:
 * there the state is that of a later webhook, before it was unpaid.
 */
static struct object_change
recorded(const char *file)
{
	bool is_foreign = strstr(file, "other_account") != NULL;
	char *name = is_foreign ? bh_xstrdup("tests/hooks/stripe/endive_69_customer.subscription."
					     "updated_oresund_unpaid.want.json")
				: bh_xasprintf("tests/hooks/stripe/%.*s.want.json",
				      (int)strlen(file) - 5, file);
	json_t *want = json_file(name), *one;
	struct object_change change = {0};
	size_t i;

	json_array_foreach (json_object_get(want, "changes"), i, one) {
		if (strcmp(bh_json_str(one, "kind"), "subscription") != 0)
			continue;
		change = change_of(bh_json_int(one, "version.at_ms", 0),
		    (int)bh_json_int(one, "version.rank", 0), bh_json_str(one, "version.tie"),
		    false, json_deep_copy(json_object_get(one, "fields")));
	}
	if (change.fields == NULL)
		fail_msg("%s: no subscription", name);
	if (is_foreign) {
		change.version.at_ms = INT64_C(1792486800000);
		json_object_set_new(change.fields, "status", json_string("active"));
	}
	json_decref(want);
	free(name);
	return change;
}

static void
stripe_files(void **state BH_UNUSED)
{
	static const char *const modes[] = {"recurring", "forever", "all", "none"};
	json_t *file = json_file("tests/data/mrr/stripe_files.json"), *one;
	size_t i;

	terms = json_file("tests/data/mrr/stripe_terms.json");
	assert_int_equal(json_array_size(json_object_get(file, "files")), 37);
	json_array_foreach (json_object_get(file, "files"), i, one) {
		const char *name = bh_json_str(one, "file");
		struct object_change change = recorded(name);
		int64_t at_ms = bh_json_int(one, "as_of", 0) * 1000, mrr, arr;
		struct revenue_switches switches = switches_of(NULL);
		struct revenue_figure figure;

		resolve(NULL, change.fields);
		for (int mode = 0; mode < 4; mode++) {
			switches.discounts = (enum revenue_discounts)mode;
			revenue_figure(change.fields, &switches, at_ms, &figure);
			if (!figure.is_known || !is_fraction_rounded(&figure.arr, 12, &mrr))
				fail_msg("%s: %s", name, figure.why);
			if (mrr != bh_json_int(json_object_get(one, "mrr_minor"), modes[mode], -1))
				fail_msg("%s: %s: %lld", name, modes[mode], (long long)mrr);
		}
		switches.discounts = REVENUE_RECURRING;
		revenue_figure(change.fields, &switches, at_ms, &figure);
		assert_true(is_fraction_rounded(&figure.arr, 1, &arr));
		assert_int_equal(arr, bh_json_int(one, "arr_minor", -1));
		switches.at_request = true;
		revenue_figure(change.fields, &switches, at_ms, &figure);
		assert_true(is_fraction_rounded(&figure.arr, 12, &mrr));
		assert_int_equal(mrr, bh_json_int(one, "mrr_minor_at_request", -1));
		json_decref(change.fields);
	}
	json_decref(terms);
	json_decref(file);
}

/* The chains of recorded webhooks: the steps of each subscription, in ARR. */
static void
stripe_chains(void **state BH_UNUSED)
{
	static const struct {
		const char *prefix, *subscription;
		bool at_request;
		const char *steps;
	} chains[] = {
	    {"endive_", "sub_1QOczUqrx6CubM95zbLSFuAP", false,
		"[[1790845205000,'301320','USD'],[1792141200000,'430920','USD'],"
		"[1794913800000,'619920','USD'],[1794996001000,'430920','USD']]"},
	    {"endive_", "sub_1QOczUqrx6CubM95zbLSFuAP", true,
		"[[1790845205000,'301320','USD'],[1792141200000,'430920','USD'],"
		"[1794740400000,'0','USD'],[1794913200000,'430920','USD'],"
		"[1794913800000,'619920','USD'],[1794996001000,'430920','USD']]"},
	    {"endive_", "sub_1QZWUiMjmVBkjdvg9XINJYBh", false,
		"[[1794207900000,'130000','EUR'],[1794380700000,'0','EUR']]"},
	    {"endive_", "sub_1QxvdzV4JLD4oHticmOOCCkE", false,
		"[[1786525200000,'831600','DKK'],[1793610540000,'0','DKK']]"},
	};
	json_t *file = json_file("tests/data/mrr/stripe_files.json"), *one;

	terms = json_file("tests/data/mrr/stripe_terms.json");
	for (size_t c = 0; c < BH_LEN(chains); c++) {
		struct revenue_switches switches = switches_of(NULL);
		json_t *history = json_object(), *steps;
		int64_t changes_ms;
		char why[96];
		size_t i;

		switches.at_request = chains[c].at_request;
		json_array_foreach (json_object_get(file, "files"), i, one) {
			const char *name = bh_json_str(one, "file");
			struct object_change change;

			if (strcmp(bh_json_str(one, "subscription"), chains[c].subscription) != 0)
				continue;
			change = recorded(name);
			assert_true(is_revenue_history_added(history, &change));
			json_decref(change.fields);
		}
		steps = revenue_steps(history, resolve, NULL, &switches, time_of("2027-01-01"),
		    &changes_ms, why);
		assert_string_equal(why, "");
		assert_quoted(steps, chains[c].steps);
		json_decref(steps);
		json_decref(history);
	}
	json_decref(terms);
	json_decref(file);
}

#define ITEM(amount) "'currency':'USD','items':[{'unit_amount':'" amount "','interval':'year'}]"
#define DAY(n) (INT64_C(1000000000000) + (n)*DAY_MS)
/* DAY(0) is 2001-09-09T01:46:40Z. */

static json_t *
steps_of(const json_t *history, const struct revenue_switches *switches, int64_t now_ms)
{
	int64_t changes_ms;
	char why[96];

	return revenue_steps(history, NULL, NULL, switches, now_ms, &changes_ms, why);
}

/* The steps as "day:worth day:worth ..." with day 0 as above. */
static void
assert_steps(const char *name, const json_t *steps, const char *expected)
{
	struct bh_buf text = BH_BUF_INIT(4096);
	size_t i;
	json_t *step;

	json_array_foreach (steps, i, step) {
		int64_t at_ms = json_integer_value(json_array_get(step, 0)) - DAY(0);

		bh_buf_addf(&text, "%s%lld", i > 0 ? " " : "", (long long)(at_ms / DAY_MS));
		if (at_ms % DAY_MS != 0)
			bh_buf_addf(&text, "+%llds", (long long)(at_ms % DAY_MS / 1000));
		bh_buf_addf(&text, ":%s%s", json_string_value(json_array_get(step, 1)),
		    json_array_size(step) > 3 ? "?" : "");
	}
	if (strcmp(bh_buf_str(&text), expected) != 0)
		fail_msg("%s: %s", name, bh_buf_str(&text));
	bh_buf_release(&text);
}

/* Whole histories, each with its steps.  Day n is 2001-09-(9+n) at 01:46:40. */
static void
courses(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *settings;
		struct {
			int day;
			const char *state;
		} points[5];
		const char *steps;
	} cases[] = {
	    {"paid at once", "{}", {{0, "{'status':'active'," ITEM("10") "}"}}, "0:10"},
	    {"incomplete, active, more, over", "{}",
		{{0, "{'status':'incomplete'," ITEM("10") "}"},
		    {1, "{'status':'active'," ITEM("10") "}"},
		    {2, "{'status':'active'," ITEM("30") "}"},
		    {3, "{'status':'canceled','ended_at':'2001-09-12T01:46:40Z'," ITEM("30") "}"}},
		"1:10 2:30 3:0"},
	    {"read long after its begin", "{}",
		{{9, "{'status':'active','created_at':'2001-09-11T01:46:40Z'," ITEM("10") "}"}},
		"2:10"},
	    {"read long after its trial", "{}",
		{{9,
		    "{'status':'active','created_at':'2001-09-11T01:46:40Z','trial_end':'2001-09-13T01:46:40Z'," ITEM(
			"10") "}"}},
		"4:10"},
	    {"started later than it was made", "{}",
		{{9,
		    "{'status':'active','created_at':'2001-09-11T01:46:40Z','started_at':'2001-09-14T01:46:40Z'," ITEM(
			"10") "}"}},
		"5:10"},
	    {"backdated", "{}",
		{{9,
		    "{'status':'active','created_at':'2001-09-11T01:46:40Z','started_at':'2001-09-01T01:46:40Z'," ITEM(
			"10") "}"}},
		"2:10"},
	    {"read after it ended", "{}",
		{{9,
		    "{'status':'canceled','created_at':'2001-09-11T01:46:40Z','ended_at':'2001-09-15T01:46:40Z'," ITEM(
			"10") "}"}},
		"2:10 6:0"},
	    {"ended in its trial", "{}",
		{{9,
		    "{'status':'canceled','created_at':'2001-09-11T01:46:40Z','ended_at':'2001-09-15T01:46:40Z','trial_end':'2001-09-15T01:46:40Z'," ITEM(
			"10") "}"}},
		""},
	    {"ended before its trial's end", "{}",
		{{9,
		    "{'status':'canceled','created_at':'2001-09-11T01:46:40Z','ended_at':'2001-09-15T01:46:40Z','trial_end':'2001-10-15T01:46:40Z'," ITEM(
			"10") "}"}},
		""},
	    {"never paid", "{}",
		{{9,
		    "{'status':'expired','created_at':'2001-09-11T01:46:40Z','ended_at':'2001-09-12T01:46:40Z'," ITEM(
			"10") "}"}},
		""},
	    {"over, when is not told", "{}",
		{{9, "{'status':'canceled','created_at':'2001-09-11T01:46:40Z'," ITEM("10") "}"}},
		""},
	    {"read after it ended, counted until asked", "{'cancellation':'at_request'}",
		{{9,
		    "{'status':'canceled','created_at':'2001-09-11T01:46:40Z','canceled_at':'2001-09-13T01:46:40Z','ended_at':'2001-09-15T01:46:40Z'," ITEM(
			"10") "}"}},
		"2:10 4:0"},
	    {"read when it was asked to end", "{'cancellation':'at_request'}",
		{{9,
		    "{'status':'active','created_at':'2001-09-11T01:46:40Z','canceled_at':'2001-09-13T01:46:40Z','cancel_at_period_end':true," ITEM(
			"10") "}"}},
		"2:10 4:0"},
	    {"its end was told late", "{}",
		{{0, "{'status':'active'," ITEM("10") "}"},
		    {3, "{'status':'active'," ITEM("20") "}"},
		    {8, "{'status':'canceled','ended_at':'2001-09-11T01:46:40Z'," ITEM("20") "}"}},
		"0:10 2:0"},
	    {"an end in the future is now", "{}",
		{{0, "{'status':'active'," ITEM("10") "}"},
		    {3, "{'status':'canceled','ended_at':'2001-10-11T01:46:40Z'," ITEM("20") "}"}},
		"0:10 3:0"},
	    {"comes back", "{}",
		{{0, "{'status':'active'," ITEM("10") "}"},
		    {1, "{'status':'unpaid'," ITEM("10") "}"},
		    {2, "{'status':'active'," ITEM("10") "}"}},
		"0:10 1:0 2:10"},
	    {"a discount ends by itself", "{}",
		{{0,
		    "{'status':'active','discounts':[{'percent_off':'50','end':'2001-09-14T01:46:40Z'}]," ITEM(
			"10") "}"}},
		"0:5 5:10"},
	    {"unless something else is told before", "{}",
		{{0, "{'status':'active','discounts':[{'percent_off':'50','end':'2001-09-14T01:46:40Z'}]," ITEM(
			 "10") "}"},
		    {4, "{'status':'unpaid','discounts':[{'percent_off':'50','end':'2001-09-14T01:46:40Z'}]," ITEM(
			    "10") "}"}},
		"0:5 4:0"},
	    {"a discount that is not over yet", "{}",
		{{0,
		    "{'status':'active','discounts':[{'percent_off':'50','end':'2002-09-14T01:46:40Z'}]," ITEM(
			"10") "}"}},
		"0:5"},
	    {"grace", "{'grace_days':2}",
		{{0, "{'status':'active','period_start':'2001-09-09T01:46:40Z'," ITEM("10") "}"},
		    {3, "{'status':'past_due','period_start':'2001-09-11T01:46:40Z'," ITEM(
			    "10") "}"},
		    {7, "{'status':'active','period_start':'2001-09-11T01:46:40Z'," ITEM(
			    "10") "}"}},
		"0:10 4:0 7:10"},
	    {"grace from when it is told", "{'grace_days':2}",
		{{0, "{'status':'active'," ITEM("10") "}"},
		    {3, "{'status':'past_due'," ITEM("10") "}"},
		    {4, "{'status':'past_due'," ITEM("20") "}"}},
		"0:10 4:20 5:0"},
	    {"not known, then known", "{}",
		{{0, "{'status':'active','currency':'USD','items':[{'price':'p'}]}"},
		    {3, "{'status':'active'," ITEM("10") "}"}},
		"0:0? 3:10"},
	    {"not known for a time", "{}",
		{{0, "{'status':'active'," ITEM("10") "}"},
		    {3, "{'status':'active','currency':'USD','items':[{'price':'p'}]}"},
		    {4, "{'status':'active'," ITEM("10") "}"}},
		"0:10 3:10? 4:10"},
	    {"after the clock", "{}",
		{{0, "{'status':'active'," ITEM("10") "}"},
		    {1000, "{'status':'active'," ITEM("20") "}"}},
		"0:10 1000:20"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *history = json_object(), *steps;
		json_t *given = json_pack("{s:o}", "revenue", json_of(cases[i].settings));
		struct revenue_switches switches = switches_of(given);

		for (size_t j = 0; j < 5 && cases[i].points[j].state != NULL; j++)
			history_add(history, DAY(cases[i].points[j].day), 0,
			    cases[i].points[j].state);
		steps = steps_of(history, &switches, DAY(100));
		assert_steps(cases[i].name, steps, cases[i].steps);
		json_decref(steps);
		json_decref(history);
		json_decref(given);
	}
}

/* Deletions, partial news, news of one instant, and when the next change is due. */
static void
odd_courses(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);
	json_t *history = json_object(), *steps;
	struct object_change change;
	int64_t changes_ms;
	char why[96];

	history_add(history, DAY(0), 0, "{'status':'active'," ITEM("10") "}");
	change = change_of(DAY(1), 0, "", true, json_of("{'status':'unpaid'}"));
	assert_true(is_revenue_history_added(history, &change));
	json_decref(change.fields);
	change = change_of(DAY(2), 0, "", true,
	    json_of(
		"{'status':'active','discounts':[{'percent_off':'10','end':'2001-12-01T00:00:00Z'}]}"));
	assert_true(is_revenue_history_added(history, &change));
	assert_false(is_revenue_history_added(history, &change));
	json_decref(change.fields);
	steps = revenue_steps(history, NULL, NULL, &switches, DAY(3), &changes_ms, why);
	assert_steps("partial", steps, "0:10 1:0 2:9");
	assert_int_equal(changes_ms, time_of("2001-12-01T00:00:00Z"));
	json_decref(steps);

	/* Inside one instant the later version stands. */
	history_add(history, DAY(4), 1, "{'status':'active'," ITEM("40") "}");
	history_add(history, DAY(4), 2, "{'status':'active'," ITEM("50") "}");
	history_add(history, DAY(4), 0, "{'status':'active'," ITEM("30") "}");
	/* A deletion needs no fields; a partial change does not undo it, a whole one does. */
	change = change_of(DAY(5), 0, "", true, json_object());
	change.deleted = true;
	assert_true(is_revenue_history_added(history, &change));
	json_decref(change.fields);
	change = change_of(DAY(6), 0, "", true, json_of("{'status':'active'}"));
	assert_true(is_revenue_history_added(history, &change));
	json_decref(change.fields);
	steps = steps_of(history, &switches, DAY(7));
	assert_steps("deleted", steps, "0:10 1:0 2:9 4:50 5:0");
	json_decref(steps);
	history_add(history, DAY(8), 0, "{'status':'active'," ITEM("60") "}");
	steps = steps_of(history, &switches, DAY(9));
	assert_steps("back", steps, "0:10 1:0 2:9 4:50 5:0 8:60");
	json_decref(steps);
	json_decref(history);

	/* Where the version is no time, effective_ms is. */
	history = json_object();
	change = change_of(0, 2, "b", true, json_of("{'status':'active'," ITEM("10") "}"));
	change.effective_ms = DAY(3);
	assert_true(is_revenue_history_added(history, &change));
	json_decref(change.fields);
	change = change_of(0, 3, "a", true, json_of("{'status':'canceled'}"));
	change.effective_ms = DAY(5);
	assert_true(is_revenue_history_added(history, &change));
	json_decref(change.fields);
	steps = steps_of(history, &switches, DAY(9));
	assert_steps("effective", steps, "3:10 5:0");
	json_decref(steps);
	json_decref(history);

	/* Nothing is known of nothing. */
	history = json_object();
	steps = revenue_steps(history, NULL, NULL, &switches, DAY(9), &changes_ms, why);
	assert_steps("empty", steps, "");
	assert_true(changes_ms == INT64_MAX);
	assert_string_equal(why, "");
	json_decref(steps);
	json_decref(history);
}

/* What a history keeps: only what revenue reads, and equal states once. */
static void
lean_histories(void **state BH_UNUSED)
{
	json_t *history = json_object();
	struct object_change change;

	for (int i = 0; i < 12; i++) {
		json_t *fields = json_of(
		    "{'status':'active','name':'Pro','metadata':{'a':'b'},"
		    "'currency':'USD','items':[{'id':'si_1','price':'p1','name':'Pro','amount':1,"
		    "'unit_amount':'1','interval':'month','discounts':[{'id':'di_1','name':'n'}]}]}");
		char text[BH_CLOCK_TEXT];

		bh_rfc3339(text, DAY(30 * i));
		json_object_set_new(fields, "period_start", json_string(text));
		json_object_set_new(json_array_get(json_object_get(fields, "items"), 0),
		    "period_end", json_string(text));
		change = change_of(DAY(30 * i), 0, "", false, fields);
		assert_true(is_revenue_history_added(history, &change));
		assert_false(is_revenue_history_added(history, &change));
		json_decref(fields);
	}
	assert_int_equal(json_array_size(json_object_get(history, "points")), 12);
	assert_int_equal(json_object_size(json_object_get(history, "states")), 1);
	assert_quoted(json_object_iter_value(json_object_iter(json_object_get(history, "states"))),
	    "{'status':'active','currency':'USD','items':[{'price':'p1','unit_amount':'1',"
	    "'interval':'month','discounts':[{'id':'di_1'}]}]}");
	json_decref(history);
}

/* More points than are kept: renewals go first, and what they told is told still. */
static void
long_histories(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);
	json_t *history = json_object(), *steps, *again;
	struct object_change change;
	char text[128];

	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "{'status':'active'," ITEM("%d") "}", 10 + i / 100);
		change = change_of(DAY(i), 0, "", false, json_of(text));
		assert_true(is_revenue_history_added(history, &change));
		json_decref(change.fields);
	}
	assert_int_equal(json_array_size(json_object_get(history, "points")), 200);
	steps = steps_of(history, &switches, DAY(2000));
	assert_steps("renewals", steps,
	    "0:10 100:11 200:12 300:13 400:14 500:15 600:16 700:17 800:18 900:19");
	/* One that was dropped is no news. */
	again = json_deep_copy(history);
	change = change_of(DAY(50), 0, "", false, json_of("{'status':'active'," ITEM("10") "}"));
	assert_false(is_revenue_history_added(history, &change));
	assert_json(history, again);
	json_decref(change.fields);
	json_decref(again);
	json_decref(steps);
	json_decref(history);

	/* Where every point is a change the first and the latest stay. */
	history = json_object();
	for (int i = 0; i < 300; i++) {
		snprintf(text, sizeof(text), "{'status':'active'," ITEM("%d") "}", 10 + i);
		change = change_of(DAY(i), 0, "", false, json_of(text));
		assert_true(is_revenue_history_added(history, &change));
		json_decref(change.fields);
	}
	assert_int_equal(json_array_size(json_object_get(history, "points")), 200);
	assert_int_equal(json_object_size(json_object_get(history, "states")), 200);
	steps = steps_of(history, &switches, DAY(2000));
	assert_int_equal(json_array_size(steps), 200);
	assert_string_equal(json_string_value(json_array_get(json_array_get(steps, 0), 1)), "10");
	assert_string_equal(json_string_value(json_array_get(json_array_get(steps, 199), 1)),
	    "309");
	json_decref(steps);
	json_decref(history);
}

/* States that are large are bounded in all. */
static void
large_states(void **state BH_UNUSED)
{
	json_t *history = json_object();
	char *text;

	for (int i = 0; i < 60; i++) {
		json_t *items = json_array(), *fields;
		struct object_change change;

		for (int j = 0; j < 1000; j++)
			json_array_append_new(items,
			    json_pack("{s:s, s:s, s:s, s:s}", "price",
				"price_0123456789012345678901234567890123456789", "unit_amount",
				"1000", "quantity", i % 2 == 0 ? "1" : "2", "interval", "month"));
		fields = json_pack("{s:s, s:s, s:o, s:i}", "status", "active", "currency", "USD",
		    "items", items, "interval_count", i);
		change = change_of(DAY(i), 0, "", false, fields);
		assert_true(is_revenue_history_added(history, &change));
		json_decref(fields);
	}
	text = bh_json_text(history);
	assert_true(strlen(text) < 3u << 20);
	assert_true(json_array_size(json_object_get(history, "points")) > 10);
	free(text);
	json_decref(history);
}

/* A random change: whole or partial, with states that repeat. */
static struct object_change
any_change(int i)
{
	static const char *const statuses[] = {"active", "active", "active", "past_due", "unpaid",
	    "trialing", "canceled", "incomplete"};
	json_t *fields = json_object();
	struct object_change change;
	bool partial = any(3) == 0;
	char tie[16], text[160];

	if (!partial || any(2) == 0)
		json_object_set_new(fields, "status", json_string(statuses[any(8)]));
	if (!partial || any(3) == 0) {
		snprintf(text, sizeof(text), "[{'unit_amount':'%d','interval':'month'%s}]",
		    1000 * (1 + any(3)), any(6) == 0 ? ",'discounts':[{'id':'d'}]" : "");
		json_object_set_new(fields, "items", json_of(text));
		json_object_set_new(fields, "currency", json_string(any(8) == 0 ? "EUR" : "USD"));
	}
	if (any(4) == 0) {
		snprintf(text, sizeof(text),
		    "[{'percent_off':'%d','end':'2001-10-%02dT00:00:00Z'}]", 10 * (1 + any(9)),
		    1 + any(28));
		json_object_set_new(fields, "discounts", json_of(text));
	}
	if (any(5) == 0)
		json_object_set_new(fields, "created_at", json_string("2001-09-01T00:00:00Z"));
	if (any(8) == 0)
		json_object_set_new(fields, "ended_at", json_string("2001-09-25T00:00:00Z"));
	if (any(3) == 0)
		json_object_set_new(fields, "period_start", json_string("2001-09-20T00:00:00Z"));
	snprintf(tie, sizeof(tie), "t%d", i % 5);
	change = change_of(DAY(any(20)), any(3), tie, partial, fields);
	if (any(6) == 0)
		change.effective_ms = DAY(any(20));
	change.deleted = any(15) == 0;
	return change;
}

/* The same changes in another order and some twice: the same history, steps and movements. */
static void
any_order(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);

	switches.grace_days = 7;
	for (int round = 0; round < 4000; round++) {
		struct object_change changes[12];
		json_t *histories[2] = {json_object(), json_object()}, *steps[2], *movements[2];
		int n = 1 + any(12);

		for (int i = 0; i < n; i++)
			changes[i] = any_change(i);
		for (int i = 0; i < n; i++)
			is_revenue_history_added(histories[0], &changes[i]);
		for (int i = n - 1; i > 0; i--) {
			struct object_change swap = changes[i];
			int j = any(i + 1);

			changes[i] = changes[j];
			changes[j] = swap;
		}
		for (int i = 0; i < n; i++) {
			is_revenue_history_added(histories[1], &changes[i]);
			is_revenue_history_added(histories[1], &changes[any(i + 1)]);
		}
		assert_json(histories[1], histories[0]);
		for (int i = 0; i < 2; i++) {
			json_t *facts = json_object();

			steps[i] = steps_of(histories[i], &switches, DAY(60));
			is_figures_put(facts, OBJECT_SUBSCRIPTION, "sub", NULL, steps[i]);
			movements[i] = figures_movements(facts, &switches, false, DAY(60));
			json_decref(facts);
		}
		assert_json(steps[1], steps[0]);
		assert_json(movements[1], movements[0]);
		for (int i = 0; i < 2; i++) {
			json_decref(histories[i]);
			json_decref(steps[i]);
			json_decref(movements[i]);
		}
		for (int i = 0; i < n; i++)
			json_decref(changes[i].fields);
	}
}

/* Steps ascend in time and each says something new. */
static void
sound_steps(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);

	for (int round = 0; round < 3000; round++) {
		json_t *history = json_object(), *steps;
		int64_t changes_ms;
		char why[96];
		int n = 1 + any(15);

		switches.at_request = any(2) == 0;
		switches.grace_days = any(10) - 1;
		switches.discounts = (enum revenue_discounts)any(4);
		for (int i = 0; i < n; i++) {
			struct object_change change = any_change(i);

			is_revenue_history_added(history, &change);
			json_decref(change.fields);
		}
		steps = revenue_steps(history, NULL, NULL, &switches, DAY(20), &changes_ms, why);
		assert_true(changes_ms > DAY(20));
		for (size_t i = 0; i < json_array_size(steps); i++) {
			json_t *step = json_array_get(steps, i),
			       *before = json_array_get(steps, i - 1);

			if (i == 0) {
				assert_true(
				    json_array_size(step) > 3 ||
				    strcmp(json_string_value(json_array_get(step, 1)), "0") != 0);
				continue;
			}
			assert_true(json_integer_value(json_array_get(step, 0)) >
				    json_integer_value(json_array_get(before, 0)));
			assert_true(
			    !json_equal(json_array_get(step, 1), json_array_get(before, 1)) ||
			    !json_equal(json_array_get(step, 2), json_array_get(before, 2)) ||
			    json_array_size(step) != json_array_size(before));
		}
		json_decref(steps);
		json_decref(history);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vectors),
	    cmocka_unit_test(rules),
	    cmocka_unit_test(long_name),
	    cmocka_unit_test(committed),
	    cmocka_unit_test(subscription_fields),
	    cmocka_unit_test(settings),
	    cmocka_unit_test(stripe_files),
	    cmocka_unit_test(stripe_chains),
	    cmocka_unit_test(courses),
	    cmocka_unit_test(odd_courses),
	    cmocka_unit_test(lean_histories),
	    cmocka_unit_test(long_histories),
	    cmocka_unit_test(large_states),
	    cmocka_unit_test(any_order),
	    cmocka_unit_test(sound_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
