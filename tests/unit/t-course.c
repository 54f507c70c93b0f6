/* Recurring revenue in the course of time: recorded webhooks, histories in any order, steps. */
#include "revenue-unit.h"

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
	    {"grace, period after period", "{'grace_days':2}",
		{{0, "{'status':'active'," ITEM("10") "}"},
		    {3, "{'status':'past_due','period_start':'2001-09-11T01:46:40Z'," ITEM(
			    "10") "}"},
		    {6, "{'status':'past_due','period_start':'2001-09-15T01:46:40Z'," ITEM(
			    "10") "}"}},
		"0:10 4:0 6:10 8:0"},
	    {"a trial that is longer than is known", "{}",
		{{3,
		    "{'status':'active','created_at':'2001-09-10T01:46:40Z','trial_end':'2001-09-30T01:46:40Z'," ITEM(
			"10") "}"}},
		"3:10"},
	    {"grace from when it is told", "{'grace_days':2}",
		{{0, "{'status':'active'," ITEM("10") "}"},
		    {3, "{'status':'past_due'," ITEM("10") "}"},
		    {4, "{'status':'past_due'," ITEM("20") "}"}},
		"0:10 4:20 5:0"},
	    {"not known, then known", "{}",
		{{0, "{'status':'active','currency':'USD','items':[{'price':'p'}]}"},
		    {3, "{'status':'active'," ITEM("10") "}"}},
		"0:0? 3:10"},
	    {"read long after its begin, at first in part", "{}",
		{{3, "{'status':'active','created_at':'2001-09-11T01:46:40Z'}"},
		    {4, "{'status':'active','created_at':'2001-09-11T01:46:40Z'," ITEM("10") "}"},
		    {5, "{'status':'active','created_at':'2001-09-11T01:46:40Z'," ITEM("20") "}"}},
		"2:10 5:20"},
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

	/* The last that is known of what is deleted may be what it was. */
	history = json_object();
	history_add(history, DAY(0), 0, "{'status':'active'," ITEM("10") "}");
	change = change_of(DAY(1), 0, "", false, json_of("{'status':'active'," ITEM("10") "}"));
	change.deleted = true;
	assert_true(is_revenue_history_added(history, &change));
	json_decref(change.fields);
	steps = steps_of(history, &switches, DAY(7));
	assert_steps("deleted as it was", steps, "0:10 1:0");
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
