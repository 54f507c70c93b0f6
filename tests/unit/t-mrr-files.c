/*
 * From Stripe's payloads to MRR: recorded subscriptions through the driver,
 * prices and coupons as its REST API gives them, each with the worth that is
 * known for it.
 */
#include "base/base.h"

#include "hooks.h"
#include "model/figures.h"
#include "source/stripe.h"
#include "sync/terms.h"
#include "world.h"

static struct world held;

static json_t *
file_json(const char *name)
{
	char *path = unit_path(name);
	json_t *json = json_load_file(path, 0, NULL);

	if (json == NULL)
		fail_msg("cannot read %s", path);
	free(path);
	return json;
}

/* An object of REST, or each of a list, as it would be mirrored. */
static void
take(const json_t *object)
{
	static const struct source_event event = {"rest", "rest"};
	struct source_config config = {.code = "test"};
	struct source_result result = {0};
	struct source_news news = {.config = &config,
	    .event = &event,
	    .at_ms = 1,
	    .account = "",
	    .live = true,
	    .result = &result};
	struct bh_err err = BH_ERR_INIT;
	const json_t *data = json_object_get(object, "data"), *one;
	size_t i;

	json_array_foreach (data, i, one)
		take(one);
	if (data != NULL)
		return;
	assert_int_equal(stripe_object(&news, object, &err), 0);
	for (i = 0; i < result.changes.n; i++)
		world_apply(&held, &result.changes.items[i]);
	source_result_release(&result);
}

static const json_t *
find(void *arg BH_UNUSED, enum object_kind kind, const char *id)
{
	char *key = bh_xasprintf("%s  %s", object_kind_name(kind), id);
	const json_t *place = json_object_get(held.places, key);

	free(key);
	return place != NULL ? held.states[json_integer_value(place)].fields : NULL;
}

/* Terms come from all REST files, and from the events that carry discounts. */
static int
load(void **state BH_UNUSED)
{
	static const char *const names[] = {"rest_prices_page_expand_tiers",
	    "rest_price_retrieve_graduated_tiers_kwd", "rest_price_retrieve_volume_tiers",
	    "rest_price_retrieve_graduated_tiers_legacy2023_2023-10-16", "rest_coupons_page",
	    "rest_coupon_retrieve_ramp25", "rest_subscription_retrieve_orbit_expanded",
	    "rest_subscriptions_status_all_page1_expanded",
	    "rest_subscriptions_status_all_page2_expanded"};
	struct hooks *hooks;

	held.places = json_object();
	for (size_t i = 0; i < BH_LEN(names); i++) {
		char *path = bh_xasprintf("tests/data/stripe/%s.json", names[i]);
		json_t *json = file_json(path);

		take(json);
		json_decref(json);
		free(path);
	}
	hooks = hooks_load("stripe");
	for (size_t i = 0; i < hooks->n; i++) {
		struct hook_result result;

		if (strstr(hooks->items[i].name, "discount.created") == NULL)
			continue;
		hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS, &result);
		for (size_t c = 0; c < result.got.changes.n; c++)
			world_apply(&held, &result.got.changes.items[c]);
		source_result_release(&result.got);
	}
	hooks_free(hooks);
	return 0;
}

static int
unload(void **state BH_UNUSED)
{
	world_release(&held);
	return 0;
}

/* The subscription of an event, its references filled in as the sync floor does. */
static json_t *
subscription_of(const char *file)
{
	struct hooks hooks = {.driver = source_driver("stripe")};
	struct hook hook = {0};
	struct hook_result result;
	char *name = bh_xasprintf("tests/hooks/stripe/%s", file), *path = unit_path(name);
	json_t *fields = NULL;

	hook.body = hooks_slurp(path, &hook.body_len);
	hook.want = json_pack("{s:{s:b}}", "settings", "connect", 1);
	hook_run(&hooks, &hook, HOOKS_RECEIVED_MS, &result);
	for (size_t i = 0; i < result.got.changes.n; i++)
		if (result.got.changes.items[i].kind == OBJECT_SUBSCRIPTION)
			fields = json_deep_copy(result.got.changes.items[i].fields);
	source_result_release(&result.got);
	json_decref(hook.want);
	free(hook.body);
	free(path);
	free(name);
	if (fields == NULL)
		fail_msg("%s holds no subscription: %s", file, result.err.text);
	terms_fill(fields, find, NULL);
	return fields;
}

static void
expect(const char *file, const char *what, const json_t *subscription,
    const struct revenue_switches *switches, int64_t at_ms, int by, int64_t wanted)
{
	struct revenue_figure figure;
	int64_t got;

	revenue_figure(subscription, switches, at_ms, &figure);
	if (!figure.is_known)
		fail_msg("%s, %s: not known: %s", file, what, figure.why);
	assert_true(is_fraction_rounded(&figure.arr, by, &got));
	if (got != wanted)
		fail_msg("%s, %s: %lld, not %lld", file, what, (long long)got, (long long)wanted);
}

static void
every_file(void **state BH_UNUSED)
{
	static const struct {
		const char *name;
		enum revenue_discounts discounts;
	} modes[] = {{"none", REVENUE_NONE}, {"forever", REVENUE_FOREVER},
	    {"recurring", REVENUE_RECURRING}, {"all", REVENUE_ALL}};
	json_t *list = file_json("tests/data/mrr/stripe_files.json"), *one;
	size_t i, n = 0;

	json_array_foreach (json_object_get(list, "files"), i, one) {
		const char *file = bh_json_str(one, "file");
		json_t *subscription = subscription_of(file);
		int64_t at_ms = bh_json_int(one, "as_of", 0) * 1000;
		struct revenue_switches switches;

		for (size_t m = 0; m < BH_LEN(modes); m++) {
			revenue_switches_read(NULL, &switches, NULL);
			switches.discounts = modes[m].discounts;
			expect(file, modes[m].name, subscription, &switches, at_ms, 12,
			    bh_json_int(json_object_get(one, "mrr_minor"), modes[m].name, -1));
			n++;
		}
		revenue_switches_read(NULL, &switches, NULL);
		expect(file, "a year", subscription, &switches, at_ms, 1,
		    bh_json_int(one, "arr_minor", -1));
		switches.at_request = true;
		expect(file, "at request", subscription, &switches, at_ms, 12,
		    bh_json_int(one, "mrr_minor_at_request", -1));
		json_decref(subscription);
	}
	assert_true(n >= 37 * 4);
	json_decref(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_file)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, load, unload);
}
