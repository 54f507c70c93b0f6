/* What rules make of objects: the tables of tests/auto, and the presets. */
#include "base/base.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auto/decide.h"
#include "base/clock.h"

static json_t *
read_file(const char *name)
{
	const char *dir = getenv("BH_SRCDIR");
	char *path = bh_xasprintf("%s/%s", dir != NULL ? dir : ".", name);
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	if (bh_json_read(path, 1 << 20, &json, &err) < 0)
		fail_msg("%s", err.text);
	free(path);
	return json;
}

static int64_t
time_of(const json_t *json, const char *member)
{
	const char *text = bh_json_str(json, member);
	int64_t at_ms = 0;

	if (text != NULL && !bh_is_time(text, &at_ms))
		fail_msg("%s is no time", text);
	return at_ms;
}

/* Everything that want says is so; more may be. */
static bool
is_within(const json_t *want, const json_t *is)
{
	const char *name;
	json_t *value;

	if (!json_is_object(want))
		return json_equal(want, is) != 0;
	json_object_foreach ((json_t *)(uintptr_t)want, name, value)
		if (!is_within(value, json_object_get(is, name)))
			return false;
	return true;
}

/* Actions without what is not asked for: {"id", fields of the want}. */
static void
compare(const char *name, size_t step, const json_t *want, const json_t *actions)
{
	size_t n = json_array_size(actions);
	char *is = json_dumps(actions, JSON_COMPACT | JSON_SORT_KEYS);

	if (n != json_array_size(want))
		fail_msg("%s, step %zu: %zu actions: %s", name, step, n, is);
	for (size_t i = 0; i < n; i++) {
		const json_t *action = json_array_get(actions, i);
		json_t *whole = json_deep_copy(json_object_get(action, "fields"));

		json_object_set(whole, "id", json_object_get(action, "id"));
		if (!is_within(json_array_get(want, i), whole))
			fail_msg("%s, step %zu: %s", name, step, is);
		json_decref(whole);
	}
	free(is);
}

static void
play_step(const char *name, size_t number, const struct rule *rule, const json_t *step,
    struct rule_decision *decision)
{
	const char *next = bh_json_str(step, "next");
	const json_t *object = json_object_get(step, "object");
	struct rule_subject subject = {rule_on(rule),
	    bh_json_str(step, "id") != NULL ? bh_json_str(step, "id") : "x_1", "",
	    json_is_null(object) ? NULL : object, json_object_get(step, "customer"),
	    time_of(step, "at")};
	char text[BH_CLOCK_TEXT] = "";

	decision->now_ms = time_of(step, "now");
	decision->since_ms = time_of(step, "since");
	decision->actions = json_array();
	decision->next_ms = INT64_MAX;
	rule_decide(rule, &subject, decision);
	compare(name, number, json_object_get(step, "want"), decision->actions);
	if (decision->next_ms != INT64_MAX)
		bh_rfc3339(text, decision->next_ms);
	if (next != NULL && strcmp(next, text) != 0)
		fail_msg("%s, step %zu: next is %s", name, number, text);
	json_decref(decision->actions);
}

/* The rule of a case: its own, or a preset with members of its own over it. */
static struct rule *
rule_of_case(const json_t *presets, const json_t *one)
{
	const char *name = bh_json_str(one, "preset");
	json_t *json = json_pack("{s:s, s:s, s:s}", "code", "r", "title", "R", "from", "stripe"),
	       *preset;
	struct bh_err err = BH_ERR_INIT;
	struct rule *rule;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)presets, i, preset)
		if (name != NULL && strcmp(bh_json_str(preset, "code"), name) == 0)
			json_object_update(json, preset);
	json_object_update(json, json_object_get(one, "rule"));
	if (rule_new(json, &rule, &err) < 0)
		fail_msg("%s: %s", bh_json_str(one, "name"), err.text);
	json_decref(json);
	return rule;
}

static void
decisions(void **state)
{
	json_t *cases = read_file("tests/auto/decisions.json"), *one, *step;
	json_t *presets = read_file("presets/automations/rules.json");
	size_t i, k;

	(void)state;
	assert_true(json_array_size(cases) > 20);
	json_array_foreach (cases, i, one) {
		struct rule *rule = rule_of_case(presets, one);
		struct rule_decision decision = {.standing = json_object()};

		json_array_foreach (json_object_get(one, "steps"), k, step)
			play_step(bh_json_str(one, "name"), k + 1, rule, step, &decision);
		json_decref(decision.standing);
		rule_free(&rule);
	}
	json_decref(presets);
	json_decref(cases);
}

static void
bad_rules(void **state)
{
	json_t *cases = read_file("tests/auto/bad-rules.json"), *one;
	size_t i;

	(void)state;
	assert_true(json_array_size(cases) > 10);
	json_array_foreach (cases, i, one) {
		json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "code", "r", "title",
		    "R", "from", "stripe", "on", "invoice", "make", "type", "task", "title", "T");
		const char *want = bh_json_str(one, "error");
		struct bh_err err = BH_ERR_INIT;
		struct rule *rule;

		json_object_update(json, json_object_get(one, "rule"));
		if (rule_new(json, &rule, &err) == 0)
			fail_msg("case %zu is taken: %s", i + 1, want);
		if (strstr(err.text, want) == NULL)
			fail_msg("case %zu: \"%s\" instead of \"%s\"", i + 1, err.text, want);
		json_decref(json);
	}
	json_decref(cases);
}

/* Each is a rule, and says to people what it does. */
static void
presets_are_rules(void **state)
{
	json_t *presets = read_file("presets/automations/rules.json"), *one;
	size_t i;

	(void)state;
	json_array_foreach (presets, i, one) {
		struct bh_err err = BH_ERR_INIT;
		struct rule *rule;

		json_object_set_new(one, "from", json_string("stripe"));
		if (rule_new(one, &rule, &err) < 0)
			fail_msg("%s: %s", bh_json_str(one, "code"), err.text);
		rule_free(&rule);
	}
	assert_true(i > 5);
	json_decref(presets);
}

/* Turns are taken by what is new, so that everybody gets as many, however often things are looked at. */
static void
owners_get_as_many(void **state)
{
	static const char *const fronts[] = {"record", NULL};
	struct bh_err err = BH_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < BH_LEN(fronts); i++) {
		json_t *owners = json_pack("[s*, s, s, s]", fronts[i], "u0", "u1", "u2");
		json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:o}}", "code", "r",
		    "title", "R", "from", "stripe", "on", "invoice", "make", "type", "task",
		    "title", "T", "owner", owners);
		struct rule_decision decision = {.now_ms = 1};
		size_t given[3] = {0};
		struct rule *rule;

		assert_int_equal(rule_new(json, &rule, &err), 0);
		for (int k = 0; k < 300; k++) {
			json_t *object = json_object();
			struct rule_subject subject = {OBJECT_INVOICE, "in_1", "", object, NULL, 0};

			decision.standing = json_object();
			decision.actions = json_array();
			rule_decide(rule, &subject, &decision);
			rule_decide(rule, &subject, &decision);
			given[bh_json_str(json_array_get(decision.actions, 1), "fields.owner")[1] -
			      '0']++;
			json_decref(decision.actions);
			json_decref(decision.standing);
			json_decref(object);
		}
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(given[k], 100);
		rule_free(&rule);
		json_decref(json);
	}
}

/* What was made is not kept for ever, and what is open is not forgotten. */
static void
standing_is_bounded(void **state)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:i}, s:{s:s, s:s}}", "code", "r",
	    "title", "R", "from", "stripe", "on", "invoice", "date", "of", "due_on", "days", 1,
	    "make", "type", "task", "title", "T");
	struct rule_decision decision = {.standing = json_object()};
	struct bh_err err = BH_ERR_INIT;
	struct rule *rule;

	(void)state;
	assert_int_equal(rule_new(json, &rule, &err), 0);
	for (int day = 0; day < 200; day++) {
		json_t *object = json_object();
		struct rule_subject subject = {OBJECT_INVOICE, "in_1", "", object, NULL, 0};
		char text[BH_CLOCK_TEXT];

		bh_date(text, day * INT64_C(86400000));
		json_object_set_new(object, "due_on", json_string(text));
		decision.actions = json_array();
		decision.now_ms = (day + 1) * INT64_C(86400000);
		rule_decide(rule, &subject, &decision);
		assert_int_equal(json_array_size(decision.actions), 1);
		json_decref(decision.actions);
		decision.actions = json_array();
		subject.object = NULL;
		rule_decide(rule, &subject, &decision);
		assert_int_equal(json_array_size(decision.actions), 1);
		json_decref(decision.actions);
		json_decref(object);
	}
	assert_true(json_object_size(decision.standing) <= 60);
	json_decref(decision.standing);
	rule_free(&rule);
	json_decref(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decisions),
	    cmocka_unit_test(bad_rules),
	    cmocka_unit_test(presets_are_rules),
	    cmocka_unit_test(owners_get_as_many),
	    cmocka_unit_test(standing_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
