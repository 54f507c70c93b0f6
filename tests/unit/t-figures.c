/* Figures: facts kept up piece by piece, totals, movements, the customer's derived fields. */
#include "revenue-unit.h"

#define HOUR(n) (INT64_C(1000000000000) + (n)*HOUR_MS)

/* facts.subscriptions.ID.steps += a step. */
static void
add_step(json_t *facts, const char *id, int64_t at_ms, const char *arr, const char *currency)
{
	json_t *all = json_object_get(facts, "subscriptions"), *part, *steps;

	if (all == NULL) {
		all = json_object();
		json_object_set_new(facts, "subscriptions", all);
	}
	part = json_object_get(all, id);
	if (part == NULL) {
		part = json_pack("{s:[], s:s}", "steps", "status", "active");
		json_object_set_new(all, id, part);
	}
	steps = json_object_get(part, "steps");
	json_array_append_new(steps, json_pack("[I, s, s]", (json_int_t)at_ms, arr, currency));
}

/* Steps written as "id hour ARR currency" with spaces, ended by NULL. */
static json_t *
facts_of(const char *const *steps)
{
	json_t *facts = json_object();

	for (; *steps != NULL; steps++) {
		char id[32], hour[16], arr[64], currency[8];
		int hours, tenths = 0;

		assert_int_equal(sscanf(*steps, "%31s %15s %63s %7s", id, hour, arr, currency), 4);
		assert_true(sscanf(hour, "%d.%1d", &hours, &tenths) >= 1);
		add_step(facts, id, HOUR(hours) + tenths * (HOUR_MS / 10), arr, currency);
	}
	return facts;
}

/* Movements as "kind amount" in words, hours since HOUR(0) in front when they are asked for. */
static void
movements_text(const json_t *movements, char *out, size_t size)
{
	size_t i, len = 0;
	json_t *one;

	out[0] = '\0';
	json_array_foreach (movements, i, one) {
		int64_t minutes = (bh_json_int(one, "at_ms", 0) - HOUR(0)) / 60000;

		len += (size_t)snprintf(out + len, size - len, "%s%lld:%s %lld %s =%lld",
		    i > 0 ? ", " : "", (long long)minutes, bh_json_str(one, "kind"),
		    (long long)bh_json_int(one, "amount", 0), bh_json_str(one, "currency"),
		    (long long)bh_json_int(one, "mrr", 0));
		assert_true(len < size);
	}
}

/* The chains of vectors.json, told by the totals after each step. */
static void
chains(void **state BH_UNUSED)
{
	json_t *file = json_file("tests/data/mrr/vectors.json"), *chain, *step;
	struct revenue_switches switches = switches_of(NULL);
	size_t i, j;

	assert_int_equal(json_array_size(json_object_get(file, "movements")), 6);
	json_array_foreach (json_object_get(file, "movements"), i, chain) {
		json_t *facts = json_object(), *got;
		size_t at = 0;

		json_array_foreach (json_object_get(chain, "steps"), j, step) {
			char arr[32];

			snprintf(arr, sizeof(arr), "%lld",
			    (long long)bh_json_int(step, "mrr_minor", -1) * 12);
			add_step(facts, "sub", HOUR(2 * (int)j), arr, "USD");
		}
		got = figures_movements(facts, &switches, false, HOUR(1000));
		json_array_foreach (json_object_get(chain, "steps"), j, step) {
			const char *kind = bh_json_str(step, "kind");
			const json_t *one = json_array_get(got, at);

			if (kind == NULL)
				continue;
			assert_string_equal(bh_json_str(one, "kind"), kind);
			assert_int_equal(bh_json_int(one, "amount", 0),
			    bh_json_int(step, "amount_minor", 1));
			assert_int_equal(bh_json_int(one, "mrr", -1),
			    bh_json_int(step, "mrr_minor", -2));
			assert_true(bh_json_int(one, "at_ms", 0) == HOUR(2 * (int)j));
			at++;
		}
		assert_int_equal(at, json_array_size(got));
		json_decref(got);
		json_decref(facts);
	}
	json_decref(file);
}

#define RATES                                                                                      \
	"'currency':'USD','rates':[{'on':'2001-09-01','rates':{'EUR':'1.00','JPY':'0.01'}},"       \
	"{'on':'2001-09-10','rates':{'EUR':'0.95'}},{'on':'2001-09-12','rates':{'EUR':'0.95'}}]"
/* HOUR(0) is 2001-09-09T01:46:40Z: the rate of EUR falls 1333 minutes later. */

static void
movements(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *settings, *steps[8], *expected;
	} cases[] = {
	    {"second is expansion, ending it contraction", "{}",
		{"a 0 1200 USD", "b 2 600 USD", "b 4 0 USD", "a 6 0 USD", "c 8 1800 USD", NULL},
		"0:new 100 USD =100, 120:expansion 50 USD =150, 240:contraction -50 USD =100, "
		"360:churn -100 USD =0, 480:reactivation 150 USD =150"},
	    {"an upgrade in one instant, no window", "{'window_min':0}",
		{"a 0 1200 USD", "a 5 0 USD", "b 5 2400 USD", NULL},
		"0:new 100 USD =100, 300:expansion 100 USD =200"},
	    {"a change of plan in one instant at the same price", "{'window_min':0}",
		{"a 0 1200 USD", "a 5 0 USD", "b 5 1200 USD", NULL}, "0:new 100 USD =100"},
	    {"an upgrade within the window", "{}",
		{"a 0 1200 USD", "a 5 0 USD", "b 5.9 2400 USD", NULL},
		"0:new 100 USD =100, 300:expansion 100 USD =200"},
	    {"an upgrade beyond the window", "{}",
		{"a 0 1200 USD", "a 5 0 USD", "b 6 2400 USD", NULL},
		"0:new 100 USD =100, 300:churn -100 USD =0, 360:reactivation 200 USD =200"},
	    {"the window begins with the first", "{}",
		{"a 0 1200 USD", "a 0.8 2400 USD", "a 1.2 3600 USD", NULL},
		"0:new 200 USD =200, 72:expansion 100 USD =300"},
	    {"gone before it was there", "{}",
		{"a 0 1200 USD", "a 0.5 0 USD", "a 9 1200 USD", NULL}, "540:new 100 USD =100"},
	    {"gone and back within the window", "{}",
		{"a 0 1200 USD", "a 5 0 USD", "a 5.5 1200 USD", NULL}, "0:new 100 USD =100"},
	    {"rounded amounts add up", "{}", {"a 0 999 USD", "b 2 999 USD", "c 4 999 USD", NULL},
		"0:new 83 USD =83, 120:expansion 84 USD =167, 240:expansion 83 USD =250"},
	    {"less than can be shown", "{}", {"a 0 1/12 USD", "a 2 1/6 USD", "a 4 0 USD", NULL},
		"0:new 0 USD =0, 120:expansion 0 USD =0, 240:churn 0 USD =0"},
	    {"each currency for itself", "{}",
		{"a 0 1200 USD", "b 0 2400 EUR", "b 3 0 EUR", "a 3 600 USD", NULL},
		"0:new 200 EUR =200, 0:new 100 USD =100, 180:churn -200 EUR =0, "
		"180:contraction -50 USD =50"},
	    {"one in another currency now", "{}", {"a 0 1200 USD", "a 3 1200 EUR", NULL},
		"0:new 100 USD =100, 180:new 100 EUR =100, 180:churn -100 USD =0"},
	    {"converted", "{" RATES "}", {"a 0 1200 USD", "b 3 2400 EUR", NULL},
		"0:new 100 USD =100, 180:expansion 200 USD =300, 1333:fx -10 USD =290"},
	    {"yen into dollars", "{" RATES "}", {"a 0 12000 JPY", NULL}, "0:new 1000 USD =1000"},
	    {"one in another currency now, converted", "{" RATES "}",
		{"a 0 1200 USD", "a 3 1200 EUR", NULL}, "0:new 100 USD =100, 1333:fx -5 USD =95"},
	    {"rates that stay are nothing", "{" RATES "}", {"a 90 1200 EUR", NULL},
		"5400:new 95 USD =95"},
	    {"rates stand still in a window", "{" RATES "}",
		{"a 0 1200 EUR", "a 22 0 EUR", "b 22.5 1200 EUR", NULL},
		"0:new 100 USD =100, 1333:fx -5 USD =95"},
	    {"without a rate it is left out", "{" RATES "}", {"a 0 1200 CHF", "b 1 1200 EUR", NULL},
		"60:new 100 USD =100, 1333:fx -5 USD =95"},
	    {"nothing", "{}", {NULL}, ""},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *settings = json_pack("{s:o}", "revenue", json_of(cases[i].settings));
		struct revenue_switches switches = switches_of(settings);
		json_t *facts = facts_of(cases[i].steps), *got;
		char text[1024];

		got = figures_movements(facts, &switches, switches.currency[0] != '\0',
		    HOUR(24 * 365));
		movements_text(got, text, sizeof(text));
		if (strcmp(text, cases[i].expected) != 0)
			fail_msg("%s: %s", cases[i].name, text);
		json_decref(got);
		json_decref(facts);
		json_decref(settings);
	}
}

/* Rates that are not in force yet move nothing, and say when they will. */
static void
rates_to_come(void **state BH_UNUSED)
{
	json_t *settings = json_of("{'revenue':{" RATES "}}");
	struct revenue_switches switches = switches_of(settings);
	const char *const steps[] = {"a 0 1200 EUR", NULL};
	json_t *facts = facts_of(steps), *got;
	int64_t changes_ms;

	got = figures_customer(facts, NULL, &switches, HOUR(1), &changes_ms);
	assert_int_equal(bh_json_int(got, "mrr", -1), 100);
	assert_int_equal(json_array_size(json_object_get(got, "movements")), 1);
	assert_true(changes_ms == time_of("2001-09-10"));
	json_decref(got);
	got = figures_customer(facts, NULL, &switches, changes_ms, &changes_ms);
	assert_int_equal(bh_json_int(got, "mrr", -1), 95);
	assert_int_equal(json_array_size(json_object_get(got, "movements")), 2);
	assert_string_equal(bh_json_str(got, "movements.1.kind"), "fx");
	/* The last movement of the customer is what it did itself. */
	assert_string_equal(bh_json_str(got, "movement"), "new");
	assert_int_equal(bh_json_int(got, "movement_amount", -1), 100);
	assert_true(changes_ms == time_of("2001-09-12"));
	json_decref(got);
	json_decref(facts);
	json_decref(settings);
}

/* A period of a company of five customers: what it began with, what moved, what it ended with. */
static void
period(void **state BH_UNUSED)
{
	static const char *const customers[][4] = {
	    {"a 24 120000 USD", NULL},
	    {"b 0 600000 USD", "b 30 660000 USD", NULL},
	    {"c 0 300000 USD", "c 32 252000 USD", NULL},
	    {"d 0 72000 USD", "d 34 0 USD", NULL},
	    {"e 0 108000 USD", "f 0 120000 EUR", NULL},
	};
	static const char *const kinds[] = {"new", "reactivation", "expansion", "contraction",
	    "churn", "fx"};
	json_t *file = json_file("tests/data/mrr/vectors.json"), *example, *one;
	json_t *settings = json_of("{'revenue':{" RATES "}}");
	struct revenue_switches switches = switches_of(settings);
	int64_t start = 0, end = 0, sums[BH_LEN(kinds)] = {0}, all = 0;
	size_t i;

	for (size_t c = 0; c < BH_LEN(customers); c++) {
		json_t *facts = facts_of(customers[c]), *got;
		int64_t last = 0;

		got = figures_movements(facts, &switches, true, HOUR(48));
		json_array_foreach (got, i, one) {
			int64_t amount = bh_json_int(one, "amount", 0);

			if (bh_json_int(one, "at_ms", 0) < HOUR(20))
				start += amount;
			else
				for (size_t k = 0; k < BH_LEN(kinds); k++)
					if (strcmp(bh_json_str(one, "kind"), kinds[k]) == 0)
						sums[k] += amount;
			last = bh_json_int(one, "mrr", 0);
		}
		end += last;
		json_decref(got);
		json_decref(facts);
	}
	example = json_object_get(file, "period_example");
	assert_int_equal(start, bh_json_int(example, "start", -1));
	assert_int_equal(end, bh_json_int(example, "end", -1));
	for (size_t k = 0; k < BH_LEN(kinds); k++) {
		assert_int_equal(sums[k], bh_json_int(example, kinds[k], -1));
		all += sums[k];
	}
	assert_int_equal(start + all, end);
	json_decref(settings);
	json_decref(file);
}

/* rollups of vectors.json: {"fx": {"to", "rates"}} as settings. */
static json_t *
rollup_settings(const json_t *fx)
{
	json_t *rates = json_object(), *value;
	const char *code;
	char upper[4];

	if (!json_is_object(fx)) {
		json_decref(rates);
		return json_object();
	}
	json_object_foreach (json_object_get(fx, "rates"), code, value) {
		vector_upper(code, upper);
		json_object_set(rates, upper, value);
	}
	vector_upper(bh_json_str(fx, "to"), upper);
	return json_pack("{s:{s:s, s:[{s:s, s:o}]}}", "revenue", "currency", upper, "rates", "on",
	    "2001-01-01", "rates", rates);
}

static void
rollups(void **state BH_UNUSED)
{
	json_t *file = json_file("tests/data/mrr/vectors.json"), *rollup, *vector, *expect;
	size_t i, j;

	assert_int_equal(json_array_size(json_object_get(file, "rollups")), 3);
	json_array_foreach (json_object_get(file, "rollups"), i, rollup) {
		json_t *settings = rollup_settings(json_object_get(rollup, "fx"));
		struct revenue_switches switches = switches_of(settings);
		json_t *facts = json_object(), *got;
		const json_t *converted = bh_json_at(rollup, "expect.converted");
		const char *code;
		int64_t changes_ms;

		json_array_foreach (json_object_get(rollup, "subscriptions"), j, vector) {
			json_t *subscription = vector_subscription(vector), *steps;
			json_t *history = json_object();
			struct object_change change =
			    change_of(HOUR(0), 0, "", false, subscription);
			char id[32], why[96];

			assert_true(is_revenue_history_added(history, &change));
			steps = revenue_steps(history, NULL, NULL, &switches, HOUR(9), &changes_ms,
			    why);
			snprintf(id, sizeof(id), "sub_%zu", j);
			assert_true(
			    is_figures_put(facts, OBJECT_SUBSCRIPTION, id, subscription, steps));
			json_decref(steps);
			json_decref(history);
			json_decref(subscription);
		}
		got = figures_customer(facts, NULL, &switches, HOUR(9), &changes_ms);
		json_object_foreach (bh_json_at(rollup, "expect.per_currency"), code, expect) {
			char upper[4];

			vector_upper(code, upper);
			assert_int_equal(bh_json_int(json_object_get(got, "mrr_by_currency"), upper,
					     -1),
			    bh_json_int(expect, "mrr_minor", -2));
			assert_int_equal(bh_json_int(json_object_get(got, "arr_by_currency"), upper,
					     -1),
			    bh_json_int(expect, "arr_minor", -2));
			if (converted == NULL)
				converted = expect;
		}
		assert_int_equal(bh_json_int(got, "mrr", -1),
		    bh_json_int(converted, "mrr_minor", -2));
		assert_int_equal(bh_json_int(got, "arr", -1),
		    bh_json_int(converted, "arr_minor", -2));
		assert_true(bh_is_json_true(got, "mrr_known"));
		json_decref(got);
		json_decref(facts);
		json_decref(settings);
	}
	json_decref(file);
}

#define TODAY "2026-11-22T12:00:00Z"

static void
put(json_t *facts, enum object_kind kind, const char *id, const char *object, const char *steps)
{
	json_t *json = json_of(object), *list = steps != NULL ? json_of(steps) : NULL;

	assert_true(is_figures_put(facts, kind, id, json, list));
	json_decref(json);
	json_decref(list);
}

/* Objects that a customer has, and some of its fields then. */
static void
customers(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *settings, *customer; /* NULL: not held */
		struct {
			enum object_kind kind;
			const char *object, *steps;
		} objects[5];
		const char *expected;
		const char *changes; /* NULL: never */
	} cases[] = {
	    {"nothing at all", "{}", NULL, {{OBJECT_NONE, NULL, NULL}},
		"{'figures_currency':null,'mrr':null,'arr':null,'mrr_known':true,'mrr_by_currency':{},"
		"'committed_mrr':null,'movement':null,'movements':[],'payment_status':'ok',"
		"'is_delinquent':false,'open_balance':null,'overdue_since':null,'latest_invoice':null,"
		"'active_subscriptions':0,'next_renewal_at':null,'recovery_count':null,"
		"'main_subscription':null,'main_subscription_amount':null}",
		NULL},
	    {"no more than a customer", "{}", "{'currency':'EUR'}", {{OBJECT_NONE, NULL, NULL}},
		"{'figures_currency':'EUR','mrr':null,'open_balance':0,'payment_status':'ok'}",
		NULL},
	    {"one subscription", "{}", "{'currency':'USD'}",
		{{OBJECT_SUBSCRIPTION,
		    "{'status':'active','name':'Pro','interval':'year','started_at':'2026-11-01T00:00:00Z',"
		    "'renewal_at':'2027-11-01T00:00:00Z','amount':1200,'currency':'USD','link':'https://a',"
		    "'cancel_at':null,'mrr':100,'committed_mrr':150}",
		    "[[1793491200000,'1200','USD']]"}},
		"{'figures_currency':'USD','mrr':100,'arr':1200,'mrr_by_currency':{'USD':100},"
		"'arr_by_currency':{'USD':1200},'committed_mrr':150,'movement':'new','movement_amount':100,"
		"'movement_at':'2026-11-01T00:00:00Z','movements':[{'at_ms':1793491200000,'kind':'new',"
		"'currency':'USD','amount':100,'mrr':100}],'active_subscriptions':1,"
		"'next_renewal_at':'2027-11-01T00:00:00Z','main_subscription':'o0',"
		"'main_subscription_name':'Pro','main_subscription_status':'active',"
		"'main_subscription_interval':'year','main_subscription_started_at':'2026-11-01T00:00:00Z',"
		"'main_subscription_renewal_at':'2027-11-01T00:00:00Z','main_subscription_cancel_at':null,"
		"'main_subscription_amount':1200,'main_subscription_link':'https://a','open_balance':0}",
		NULL},
	    {"rounded once", "{}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'active','mrr':83,'committed_mrr':83}",
		     "[[1,'999','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'active','mrr':83,'committed_mrr':83}",
			"[[1,'999','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'active','mrr':83,'committed_mrr':83}",
			"[[1,'999','USD']]"}},
		"{'mrr':250,'arr':2997,'committed_mrr':250,'active_subscriptions':3,'main_subscription':'o2'}",
		NULL},
	    {"the one that is worth most", "{}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'active','name':'a'}", "[[1,'999','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'past_due','name':'b'}", "[[1,'1000','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'unpaid','name':'c'}",
			"[[1,'5000','USD'],[2,'0','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'trialing','name':'d'}", "[]"}},
		"{'main_subscription_name':'b','active_subscriptions':3,'payment_status':'unpaid',"
		"'is_delinquent':true,'mrr':167}",
		NULL},
	    {"the one that ended last", "{}", NULL,
		{{OBJECT_SUBSCRIPTION,
		     "{'status':'canceled','ended_at':'2026-02-01T00:00:00Z','cancel_at':null}",
		     "[[1,'9','USD'],[2,'0','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'canceled','ended_at':'2026-03-01T00:00:00Z'}",
			"[]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'expired','ended_at':'2026-01-01T00:00:00Z'}",
			"[]"}},
		"{'main_subscription':'o1','main_subscription_cancel_at':'2026-03-01T00:00:00Z',"
		"'active_subscriptions':0,'mrr':0,'mrr_known':true,'mrr_by_currency':{'USD':0},'next_renewal_at':null}",
		NULL},
	    {"deleted ones only moved", "{}", NULL,
		{{OBJECT_SUBSCRIPTION, "null",
		    "[[1000000000000,'1200','USD'],[1000100000000,'0','USD']]"}},
		"{'main_subscription':null,'mrr':0,'movement':'churn','movement_amount':-100,'active_subscriptions':0}",
		NULL},
	    {"the next renewal", "{}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'active','renewal_at':'2027-02-01T00:00:00Z'}",
		     "[]"},
		    {OBJECT_SUBSCRIPTION,
			"{'status':'canceled','renewal_at':'2026-12-01T00:00:00Z'}", "[]"},
		    {OBJECT_SUBSCRIPTION,
			"{'status':'trialing','renewal_at':'2027-01-01T00:00:00Z'}", "[]"}},
		"{'next_renewal_at':'2027-01-01T00:00:00Z'}", NULL},
	    {"one of them is not known", "{}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'active'}",
		     "[[1,'1200','USD'],[2,'1200','USD','the price p']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'600','USD']]"}},
		"{'mrr':150,'mrr_known':false}", NULL},
	    {"it was not known once", "{}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'active'}",
		    "[[1,'0','','the price p'],[2,'1200','USD']]"}},
		"{'mrr':100,'mrr_known':true,'mrr_by_currency':{'USD':100}}", NULL},
	    {"two currencies, the customer's", "{}", "{'currency':'EUR'}",
		{{OBJECT_SUBSCRIPTION, "{'status':'active','amount':7,'currency':'USD'}",
		     "[[1,'1200','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'600','EUR']]"}},
		"{'figures_currency':'EUR','mrr':50,'mrr_by_currency':{'EUR':50,'USD':100},"
		"'movement_amount':50,'main_subscription':'o0','main_subscription_amount':null}",
		NULL},
	    {"two currencies, the largest", "{}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'120000','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'60000','JPY']]"}},
		"{'figures_currency':'JPY','mrr':5000}", NULL},
	    {"nothing in the customer's currency", "{}", "{'currency':'EUR'}",
		{{OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'1200','USD']]"}},
		"{'figures_currency':'USD','mrr':100}", NULL},
	    {"converted", "{'currency':'USD','rates':[{'on':'2026-01-01','rates':{'EUR':'1.1'}}]}",
		"{'currency':'EUR'}",
		{{OBJECT_SUBSCRIPTION,
		     "{'status':'active','amount':100,'currency':'EUR','mrr':100,'committed_mrr':0}",
		     "[[1,'1200','EUR']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'600','USD']]"},
		    {OBJECT_INVOICE, "{'status':'open','amount_remaining':1000,'currency':'EUR'}",
			NULL}},
		"{'figures_currency':'USD','mrr':160,'arr':1920,'committed_mrr':50,'mrr_known':true,"
		"'main_subscription_amount':110,'open_balance':1100,'open_balance_by_currency':{'EUR':1000}}",
		NULL},
	    {"no rate", "{'currency':'USD','rates':[]}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'1200','EUR']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'600','USD']]"},
		    {OBJECT_INVOICE, "{'status':'open','amount_remaining':1000,'currency':'EUR'}",
			NULL}},
		"{'figures_currency':'USD','mrr':50,'mrr_known':false,'open_balance':null,"
		"'mrr_by_currency':{'EUR':100,'USD':50}}",
		NULL},
	    {"no rate for what is over", "{'currency':'USD','rates':[]}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'canceled'}",
		    "[[1,'1200','EUR'],[2,'0','EUR']]"}},
		"{'mrr':0,'mrr_known':true}", NULL},
	    {"what the source says", "{}",
		"{'currency':'USD','source_mrr':4900,'source_recovery_count':3}",
		{{OBJECT_RECOVERY, "{'stage':'won'}", NULL}},
		"{'mrr':4900,'arr':58800,'mrr_by_currency':{'USD':4900},'mrr_known':true,'recovery_count':3,'committed_mrr':4900}",
		NULL},
	    {"what the source says, converted",
		"{'currency':'USD','rates':[{'on':'2026-01-01','rates':{'JPY':'0.01'}}]}",
		"{'currency':'JPY','source_mrr':4900}", {{OBJECT_NONE, NULL, NULL}},
		"{'figures_currency':'USD','mrr':4900,'mrr_by_currency':{'JPY':4900}}", NULL},
	    {"what the source says where there are subscriptions", "{}",
		"{'currency':'USD','source_mrr':4900}",
		{{OBJECT_SUBSCRIPTION, "{'status':'trialing'}", "[]"}},
		"{'mrr':0,'mrr_by_currency':{}}", NULL},
	    {"recoveries", "{}", NULL,
		{{OBJECT_RECOVERY, "{'stage':'won'}", NULL},
		    {OBJECT_RECOVERY, "{'stage':'open_late'}", NULL}},
		"{'recovery_count':2}", NULL},
	    {"open invoices", "{}", NULL,
		{{OBJECT_INVOICE,
		     "{'status':'open','amount_remaining':100,'currency':'USD','due_on':'2026-11-22','number':'A-1','issued_on':'2026-11-01'}",
		     NULL},
		    {OBJECT_INVOICE,
			"{'status':'open','amount_due':70,'amount_paid':20,'total':70,'currency':'USD','due_on':'2026-12-01','number':'A-2','issued_on':'2026-11-02'}",
			NULL},
		    {OBJECT_INVOICE,
			"{'status':'paid','amount_remaining':0,'total':9,'currency':'USD','due_on':'2026-01-01','issued_on':'2026-01-01'}",
			NULL},
		    {OBJECT_INVOICE,
			"{'status':'draft','amount_remaining':900,'currency':'USD','due_on':'2026-01-01','issued_on':'2026-11-20'}",
			NULL}},
		"{'payment_status':'open','is_delinquent':false,'open_balance':150,'overdue_since':null,"
		"'figures_currency':'USD','latest_invoice':'o1','latest_invoice_number':'A-2',"
		"'latest_invoice_status':'open','latest_invoice_on':'2026-11-02'}",
		"2026-11-23"},
	    {"overdue", "{}", "{'currency':'USD'}",
		{{OBJECT_INVOICE,
		     "{'status':'open','amount_remaining':100,'currency':'USD','due_on':'2026-11-21'}",
		     NULL},
		    {OBJECT_INVOICE,
			"{'status':'open','amount_remaining':100,'currency':'USD','due_on':'2026-11-20'}",
			NULL},
		    {OBJECT_INVOICE,
			"{'status':'open','amount_remaining':100,'currency':'EUR','due_on':'2026-11-30'}",
			NULL}},
		"{'payment_status':'overdue','is_delinquent':true,'overdue_since':'2026-11-20','open_balance':200,"
		"'open_balance_by_currency':{'EUR':100,'USD':200},'latest_invoice_on':null}",
		"2026-12-01"},
	    {"overdue, says the source", "{}", NULL,
		{{OBJECT_INVOICE, "{'status':'open','total':100,'currency':'USD','overdue':true}",
		    NULL}},
		"{'payment_status':'overdue','overdue_since':null,'open_balance':100}", NULL},
	    {"past due is worse", "{}", NULL,
		{{OBJECT_INVOICE, "{'status':'open','total':100,'currency':'USD','overdue':true}",
		     NULL},
		    {OBJECT_SUBSCRIPTION, "{'status':'past_due'}", "[]"}},
		"{'payment_status':'past_due','is_delinquent':true}", NULL},
	    {"the latest of one day", "{}", NULL,
		{{OBJECT_INVOICE, "{'status':'paid','created_at':'2026-11-01T10:00:00Z'}", NULL},
		    {OBJECT_INVOICE, "{'status':'void','created_at':'2026-11-01T12:00:00Z'}", NULL},
		    {OBJECT_INVOICE, "{'status':'paid','created_at':'2026-11-01T11:00:00Z'}",
			NULL}},
		"{'latest_invoice':'o1','latest_invoice_status':'void','latest_invoice_on':'2026-11-01'}",
		NULL},
	    {"too large together", "{}", NULL,
		{{OBJECT_SUBSCRIPTION, "{'status':'active'}", "[[1,'9223372036854775807','USD']]"},
		    {OBJECT_SUBSCRIPTION, "{'status':'active'}",
			"[[1,'9223372036854775807','USD']]"}},
		"{'mrr':1537228672809129301,'arr':null,'mrr_known':false}", NULL},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *settings = json_pack("{s:o}", "revenue", json_of(cases[i].settings));
		struct revenue_switches switches = switches_of(settings);
		json_t *facts = json_object(), *got, *expected = json_of(cases[i].expected), *value;
		json_t *customer = cases[i].customer != NULL ? json_of(cases[i].customer) : NULL;
		int64_t changes_ms,
		    expected_ms = cases[i].changes != NULL ? time_of(cases[i].changes) : INT64_MAX;
		const char *name;

		for (size_t j = 0; j < 5 && cases[i].objects[j].object != NULL; j++) {
			char id[32];
			json_t *object = NULL;

			snprintf(id, sizeof(id), "o%zu", j);
			if (strcmp(cases[i].objects[j].object, "null") != 0) {
				put(facts, cases[i].objects[j].kind, id, cases[i].objects[j].object,
				    cases[i].objects[j].steps);
				continue;
			}
			value = json_of(cases[i].objects[j].steps);
			assert_true(
			    is_figures_put(facts, cases[i].objects[j].kind, id, object, value));
			json_decref(value);
		}
		got = figures_customer(facts, customer, &switches, time_of(TODAY), &changes_ms);
		json_object_foreach (expected, name, value) {
			char *text = bh_json_text(json_object_get(got, name));

			if (!json_equal(json_object_get(got, name), value))
				fail_msg("%s: %s is %s", cases[i].name, name, text);
			free(text);
		}
		if (changes_ms != expected_ms)
			fail_msg("%s: changes at %lld", cases[i].name, (long long)changes_ms);
		assert_int_equal(object_check(OBJECT_CUSTOMER, got, NULL), 0);
		json_decref(got);
		json_decref(facts);
		json_decref(expected);
		json_decref(customer);
		json_decref(settings);
	}
}

/* Every derived field is given, whatever is known, and no other. */
static void
all_fields(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);
	json_t *got, *facts = json_object();
	const struct object_field *fields;
	size_t n, derived[2] = {0, 0};
	int64_t changes_ms;

	fields = object_fields(&n);
	got = figures_customer(facts, NULL, &switches, 0, &changes_ms);
	for (size_t i = 0; i < n; i++) {
		if (fields[i].kind != OBJECT_CUSTOMER || !(fields[i].flags & FIELD_DERIVED))
			continue;
		if (json_object_get(got, fields[i].name) == NULL)
			fail_msg("no %s", fields[i].name);
		derived[0]++;
	}
	assert_int_equal(json_object_size(got), derived[0]);
	json_decref(got);
	got = figures_subscription(facts, NULL, &switches, 0, &changes_ms);
	for (size_t i = 0; i < n; i++) {
		if (fields[i].kind != OBJECT_SUBSCRIPTION || !(fields[i].flags & FIELD_DERIVED))
			continue;
		if (json_object_get(got, fields[i].name) == NULL)
			fail_msg("no %s", fields[i].name);
		derived[1]++;
	}
	assert_int_equal(json_object_size(got), derived[1]);
	assert_true(derived[0] > 30 && derived[1] > 5);
	json_decref(got);
	json_decref(facts);
}

static void
fifty_movements(void **state BH_UNUSED)
{
	struct revenue_switches switches = switches_of(NULL);
	json_t *facts = json_object(), *got;
	int64_t changes_ms;
	char arr[32];

	for (int i = 1; i <= 70; i++) {
		snprintf(arr, sizeof(arr), "%d", 1200 * i);
		add_step(facts, "s", HOUR(3 * i), arr, "USD");
	}
	got = figures_customer(facts, NULL, &switches, HOUR(1000), &changes_ms);
	assert_int_equal(json_array_size(json_object_get(got, "movements")), 50);
	assert_int_equal(bh_json_int(got, "movements.0.mrr", 0), 2100);
	assert_int_equal(bh_json_int(got, "movements.49.mrr", 0), 7000);
	json_decref(got);
	json_decref(facts);
}

/* When facts cannot be kept up. */
static void
latest_gone(void **state BH_UNUSED)
{
	json_t *facts = json_object(), *object;

	put(facts, OBJECT_INVOICE, "a", "{'status':'paid','issued_on':'2026-01-01'}", NULL);
	put(facts, OBJECT_INVOICE, "b", "{'status':'paid','issued_on':'2026-02-01'}", NULL);
	/* An older one may go, the latest may change or become later still. */
	assert_true(is_figures_put(facts, OBJECT_INVOICE, "a", NULL, NULL));
	put(facts, OBJECT_INVOICE, "b", "{'status':'void','issued_on':'2026-02-01'}", NULL);
	put(facts, OBJECT_INVOICE, "b", "{'status':'void','issued_on':'2026-02-03'}", NULL);
	object = json_of("{'status':'void','issued_on':'2026-02-02'}");
	assert_false(is_figures_put(facts, OBJECT_INVOICE, "b", object, NULL));
	json_decref(object);
	object = json_of("{'status':'draft','issued_on':'2026-02-03'}");
	assert_false(is_figures_put(facts, OBJECT_INVOICE, "b", object, NULL));
	json_decref(object);
	assert_false(is_figures_put(facts, OBJECT_INVOICE, "b", NULL, NULL));
	/* What is nobody's concern is kept up by doing nothing. */
	put(facts, OBJECT_PAYMENT, "p", "{'status':'failed'}", NULL);
	assert_int_equal(json_object_size(facts), 1);
	json_decref(facts);
}

/* An object of a customer, at random. */
static json_t *
any_object(enum object_kind kind)
{
	static const char *const invoices[] = {"open", "paid", "void", "draft"};
	static const char *const subscriptions[] = {"active", "canceled", "past_due", "trialing"};
	static const char *const stages[] = {"won", "lost", "open_early"};
	char text[200];

	if (any(6) == 0)
		return NULL;
	if (kind == OBJECT_INVOICE)
		snprintf(text, sizeof(text),
		    "{'status':'%s','issued_on':'2026-01-%02d','currency':'USD',"
		    "'amount_remaining':%d,'number':'N%d'}",
		    invoices[any(4)], 1 + any(28), any(3) * 100, any(5));
	else if (kind == OBJECT_SUBSCRIPTION)
		snprintf(text, sizeof(text),
		    "{'status':'%s','amount':%d,'mrr':%d,'committed_mrr':5}", subscriptions[any(4)],
		    any(1000), any(9));
	else
		snprintf(text, sizeof(text), "{'stage':'%s'}", stages[any(3)]);
	return json_of(text);
}

#define OBJECTS 9

/* What the customer has, told in any order. */
static json_t *
facts_anew(json_t *const objects[OBJECTS], json_t *const steps[OBJECTS],
    const enum object_kind kinds[OBJECTS], bool backwards)
{
	json_t *facts = json_object();

	for (int i = 0; i < OBJECTS; i++) {
		int at = backwards ? OBJECTS - 1 - i : i;
		char id[32];

		snprintf(id, sizeof(id), "o%d", at);
		assert_true(is_figures_put(facts, kinds[at], id, objects[at],
		    objects[at] != NULL ? steps[at] : NULL));
	}
	return facts;
}

/* Replaced one by one, facts are what they are when they are made from what there is in the end. */
static void
kept_up(void **state BH_UNUSED)
{
	static const enum object_kind kinds[OBJECTS] = {OBJECT_INVOICE, OBJECT_INVOICE,
	    OBJECT_INVOICE, OBJECT_INVOICE, OBJECT_SUBSCRIPTION, OBJECT_SUBSCRIPTION,
	    OBJECT_SUBSCRIPTION, OBJECT_RECOVERY, OBJECT_RECOVERY};
	int rebuilt = 0, kept = 0;

	for (int round = 0; round < 2000; round++) {
		json_t *objects[OBJECTS] = {NULL}, *steps[OBJECTS] = {NULL};
		json_t *facts = json_object(), *anew, *backwards;

		for (int i = 0; i < 25; i++) {
			int at = any(OBJECTS);
			char id[32], text[64];

			snprintf(id, sizeof(id), "o%d", at);
			json_decref(objects[at]);
			json_decref(steps[at]);
			objects[at] = any_object(kinds[at]);
			snprintf(text, sizeof(text), "[[%d,'%d','USD']]", any(100), 1 + any(100));
			steps[at] = kinds[at] == OBJECT_SUBSCRIPTION ? json_of(text) : NULL;
			if (is_figures_put(facts, kinds[at], id, objects[at],
				objects[at] != NULL ? steps[at] : NULL)) {
				kept++;
				continue;
			}
			rebuilt++;
			json_decref(facts);
			facts = facts_anew(objects, steps, kinds, false);
		}
		anew = facts_anew(objects, steps, kinds, false);
		backwards = facts_anew(objects, steps, kinds, true);
		assert_json(facts, anew);
		assert_json(facts, backwards);
		json_decref(facts);
		json_decref(anew);
		json_decref(backwards);
		for (int i = 0; i < OBJECTS; i++) {
			json_decref(objects[i]);
			json_decref(steps[i]);
		}
	}
	assert_true(rebuilt > 1000 && kept > 30000);
}

/* The sum of what a customer's subscriptions are worth after all steps, by currency. */
static int64_t
worth(const json_t *facts, const char *currency)
{
	struct fraction total = FRACTION_ZERO, arr;
	const char *id;
	json_t *part;
	int64_t mrr;

	json_object_foreach (json_object_get(facts, "subscriptions"), id, part) {
		const json_t *steps = json_object_get(part, "steps");
		const json_t *last = json_array_get(steps, json_array_size(steps) - 1);

		if (strcmp(json_string_value(json_array_get(last, 2)), currency) != 0)
			continue;
		assert_true(is_fraction_read(json_string_value(json_array_get(last, 1)), &arr));
		assert_true(is_fraction_added(&total, &arr, &total));
	}
	assert_true(is_fraction_rounded(&total, 12, &mrr));
	return mrr;
}

/* Whatever happens, amounts add up to what there is, kinds follow from what was before. */
static void
sums(void **state BH_UNUSED)
{
	static const char *const currencies[] = {"USD", "EUR"};
	json_t *settings = json_of("{'revenue':{" RATES "}}");
	struct revenue_switches switches = switches_of(settings);

	for (int round = 0; round < 3000; round++) {
		json_t *facts = json_object(), *got, *again, *one, *figures;
		int64_t all[3] = {0}, last[3] = {0}, before_ms = 0, changes_ms;
		bool ever[3] = {false};
		size_t i;

		switches.window_min = any(3) * 60;
		for (int s = 0; s < 4; s++) {
			int hour = any(20), n = any(8);
			char id[32], arr[32];

			snprintf(id, sizeof(id), "s%d", s);
			for (int i_step = 0; i_step < n; i_step++) {
				snprintf(arr, sizeof(arr), "%d/%d", any(3) * (1 + any(500)),
				    1 + any(7));
				add_step(facts, id, HOUR(0) + hour * (HOUR_MS / 2), arr,
				    currencies[any(2)]);
				hour += 1 + any(30);
			}
		}
		got = figures_movements(facts, &switches, false, HOUR(1000));
		again = figures_movements(facts, &switches, true, HOUR(1000));
		json_array_extend(got, again);
		json_array_foreach (got, i, one) {
			const char *kind = bh_json_str(one, "kind");
			size_t which = i >= json_array_size(got) - json_array_size(again) ? 2
				       : strcmp(bh_json_str(one, "currency"), "EUR") == 0 ? 1
											  : 0;
			int64_t amount = bh_json_int(one, "amount", 0),
				mrr = bh_json_int(one, "mrr", -1),
				at_ms = bh_json_int(one, "at_ms", 0);

			if (which == 2 && i == json_array_size(got) - json_array_size(again))
				before_ms = 0;
			assert_true(at_ms >= before_ms);
			before_ms = at_ms;
			all[which] += amount;
			assert_int_equal(mrr, last[which] + amount);
			assert_int_equal(all[which], mrr);
			if (strcmp(kind, "new") == 0)
				assert_true(!ever[which] && amount >= 0 && last[which] == 0);
			else if (strcmp(kind, "reactivation") == 0)
				assert_true(ever[which] && amount >= 0 && last[which] == 0);
			else if (strcmp(kind, "churn") == 0)
				assert_true(mrr == 0 && amount <= 0);
			else if (strcmp(kind, "expansion") == 0)
				assert_true(amount >= 0 && ever[which]);
			else if (strcmp(kind, "contraction") == 0)
				assert_true(amount <= 0 && ever[which]);
			else
				assert_true(which == 2 && amount != 0);
			ever[which] = true;
			last[which] = mrr;
		}
		if (json_object_size(json_object_get(facts, "subscriptions")) > 0) {
			assert_int_equal(last[0], worth(facts, "USD"));
			assert_int_equal(last[1], worth(facts, "EUR"));
			figures = figures_customer(facts, NULL, &switches, HOUR(1000), &changes_ms);
			assert_int_equal(bh_json_int(figures, "mrr", -1), last[2]);
			json_decref(figures);
		}
		json_decref(got);
		json_decref(again);
		json_decref(facts);
	}
	json_decref(settings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chains),
	    cmocka_unit_test(movements),
	    cmocka_unit_test(rates_to_come),
	    cmocka_unit_test(period),
	    cmocka_unit_test(rollups),
	    cmocka_unit_test(customers),
	    cmocka_unit_test(all_fields),
	    cmocka_unit_test(fifty_movements),
	    cmocka_unit_test(latest_gone),
	    cmocka_unit_test(kept_up),
	    cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
