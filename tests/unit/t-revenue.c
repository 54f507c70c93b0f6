/* Recurring revenue at a time: every vector, the rules by tables, plans, settings. */
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
