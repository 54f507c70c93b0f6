/* Terms: what a subscription still needs, and what is filled in. */
#include "base/base.h"

#include "sync/terms.h"
#include "unit.h"

struct held {
	json_t *objects; /* "kind id" -> fields */
	json_t *needed;  /* array of "kind id" */
};

static json_t *
parse(const char *text)
{
	char *json = bh_xstrdup(text);
	json_t *value;

	for (char *c = json; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	free(json);
	return value;
}

static const json_t *
find(void *arg, enum object_kind kind, const char *id)
{
	struct held *held = arg;
	char name[300];

	snprintf(name, sizeof(name), "%s %s", object_kind_name(kind), id);
	return json_object_get(held->objects, name);
}

static void
note(void *arg, enum object_kind kind, const char *id)
{
	struct held *held = arg;

	json_array_append_new(held->needed, json_sprintf("%s %s", object_kind_name(kind), id));
}

static const struct {
	const char *name, *state, *objects, *first, *second, *filled;
} cases[] = {
    {"everything is there",
	"{'items':[{'price':'p','unit_amount':'100','interval':'month'}],'discounts':[]}", "{}",
	"[]", "[]",
	"{'items':[{'price':'p','unit_amount':'100','interval':'month'}],'discounts':[]}"},
    {"a tiered price without tiers",
	"{'items':[{'price':'p','billing_scheme':'tiered','interval':'month'}]}",
	"{'plan p':{'tiers':[{'up_to':null,'unit_amount':'5'}],'tiers_mode':'volume','name':'x'}}",
	"['plan p']", "['plan p']",
	"{'items':[{'price':'p','billing_scheme':'tiered','interval':'month','tiers_mode':'volume','tiers':[{'up_to':null,'unit_amount':'5'}]}]}"},
    {"metered items need nothing",
	"{'items':[{'price':'p','billing_scheme':'tiered','usage_type':'metered','interval':'month'}]}",
	"{}", "[]", "[]",
	"{'items':[{'price':'p','billing_scheme':'tiered','usage_type':'metered','interval':'month'}]}"},
    {"a bare discount, then its coupon", "{'discounts':[{'id':'di_1'}]}",
	"{'discount di_1':{'coupon':'c','start':'2026-01-01T00:00:00Z','end':null},"
	"'coupon c':{'percent_off':'10','duration':'forever','products':null}}",
	"['discount di_1']", "['discount di_1','coupon c']",
	"{'discounts':[{'id':'di_1','coupon':'c','start':'2026-01-01T00:00:00Z','end':null,"
	"'percent_off':'10','duration':'forever','products':null}]}"},
    {"terms that came with the discount come first", "{'discounts':[{'id':'di_1'}]}",
	"{'discount di_1':{'coupon':'c','terms':{'percent_off':'20'}},'coupon c':{'percent_off':'10'}}",
	"['discount di_1']", "['discount di_1','coupon c']",
	"{'discounts':[{'id':'di_1','coupon':'c','percent_off':'20'}]}"},
    {"an item's own discount",
	"{'items':[{'price':'p','unit_amount':'1','interval':'year','discounts':[{'id':'d','coupon':'c'}]}]}",
	"{'coupon c':{'amount_off':5,'products':['x']}}", "['coupon c']", "['coupon c']",
	"{'items':[{'price':'p','unit_amount':'1','interval':'year','discounts':[{'id':'d','coupon':'c','amount_off':5,'products':['x']}]}]}"},
    {"what is not held stays bare", "{'discounts':[{'id':'di_9'}],'items':[{'price':'q'}]}", "{}",
	"['plan q','discount di_9']", "['plan q','discount di_9']",
	"{'discounts':[{'id':'di_9'}],'items':[{'price':'q'}]}"},
};

static void
table(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct held held = {parse(cases[i].objects), json_array()};
		json_t *first = parse(cases[i].first), *second = parse(cases[i].second);
		json_t *subject = parse(cases[i].state), *before = json_deep_copy(subject);
		json_t *shared = json_incref(json_object_get(subject, "items"));
		json_t *want = parse(cases[i].filled), *copy = json_deep_copy(shared);

		terms_needed(subject, NULL, note, &held);
		if (!json_equal(held.needed, first))
			fail_msg("%s: first", cases[i].name);
		json_array_clear(held.needed);
		terms_needed(subject, find, note, &held);
		if (!json_equal(held.needed, second))
			fail_msg("%s: second", cases[i].name);
		assert_true(json_equal(subject, before));
		terms_fill(subject, find, &held);
		if (!json_equal(subject, want))
			fail_msg("%s: filled %s", cases[i].name, json_dumps(subject, 0));
		/* What the state shares with a mirrored object is never written to. */
		assert_true(copy == NULL || json_equal(shared, copy));
		json_decref(copy);
		json_decref(want);
		json_decref(shared);
		json_decref(before);
		json_decref(subject);
		json_decref(first);
		json_decref(second);
		json_decref(held.needed);
		json_decref(held.objects);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table)};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
