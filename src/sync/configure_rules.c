/* See configure_rules.h. */
#include "base/base.h"

#include "sync/configure_rules.h"

#include "auto/rule.h"
#include "base/clock.h"
#include "base/text.h"
#include "state/automation.h"
#include "state/queue.h"
#include "sync/configure_diff.h"

#define PRESETS_MAX (1u << 20)

/* The rule that a preset's name stands for; NULL with err.  Borrowed from presets. */
static const json_t *
preset_of(const json_t *presets, const char *name, struct bh_err *err)
{
	json_t *preset;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)presets, i, preset) {
		const char *code = bh_json_str(preset, "code");

		if (code != NULL && strcmp(code, name) == 0)
			return preset;
	}
	bh_fail(err, BH_INVALID, "there is no automation \"%.60s\"", name);
	return NULL;
}

/* Of objects within both the members are put together: what is made is changed in part, too. */
static void
put_over(json_t *rule, const json_t *item)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)item, name, value) {
		json_t *old = json_object_get(rule, name);

		if (strcmp(name, "make") == 0 && json_is_object(old) && json_is_object(value))
			json_object_update(old, value);
		else
			json_object_set(rule, name, value);
	}
}

/* An item of the list as a whole rule: its preset's, with what it says itself over it (new reference). */
static int
whole_rule(const json_t *item, const char *preset_dir, json_t **rule_r, struct bh_err *err)
{
	const json_t *name = json_object_get(item, "preset"), *preset = NULL;
	json_t *presets = NULL;
	char *path;
	int rc = 0;

	*rule_r = NULL;
	if (name != NULL) {
		path = bh_xasprintf("%s/automations/rules.json", preset_dir);
		rc = bh_json_read(path, PRESETS_MAX, &presets, err);
		free(path);
		preset = rc == 0 ? preset_of(presets, json_string_value(name), err) : NULL;
	}
	if (name != NULL && preset == NULL) {
		json_decref(presets);
		return -1;
	}
	*rule_r = preset != NULL ? json_deep_copy(preset) : json_object();
	put_over(*rule_r, item);
	json_object_del(*rule_r, "preset");
	json_decref(presets);
	return 0;
}

int
configure_rule_check(const json_t *item, const char *preset_dir, const char **member_r,
    struct bh_err *err)
{
	const char *since = bh_json_str(item, "since");
	struct rule *rule = NULL;
	json_t *whole;
	int64_t at_ms;
	int rc;

	*member_r = "/preset";
	if (whole_rule(item, preset_dir, &whole, err) < 0)
		return -1;
	*member_r = "";
	rc = rule_new(whole, &rule, err);
	if (rc == 0 && since != NULL && !bh_is_time(since, &at_ms)) {
		*member_r = "/since";
		rc = bh_fail(err, BH_INVALID, "must be a time such as 2026-11-22T00:00:00Z");
	}
	rule_free(&rule);
	json_decref(whole);
	return rc;
}

/* -- into the store -- */

static int
check_source(struct store_txn *txn, const char *from, size_t place, struct bh_err *err)
{
	struct account_connection connection;
	int found = account_connection_load(txn, NULL, from, &connection, err);
	bool is_source = found > 0 && connection.is_source;

	if (found < 0)
		return -1;
	account_connection_release(&connection);
	return is_source ? 0
			 : bh_fail(err, BH_INVALID,
			       "/automations/%zu/from: there is no source \"%.70s\"", place, from);
}

/* Whether it is on, and since when, is kept beside the rule. */
static void
take_switches(json_t *rule, const struct automation *old, bool found, struct automation *fresh)
{
	const json_t *enabled = json_object_get(rule, "enabled");
	const char *since = bh_json_str(rule, "since");

	fresh->is_enabled = enabled != NULL ? json_is_true(enabled) : !found || old->is_enabled;
	fresh->since_ms = found && old->since_ms != 0 ? old->since_ms : bh_now_ms();
	if (since != NULL && !bh_is_time(since, &fresh->since_ms))
		fresh->since_ms = bh_now_ms();
	json_object_del(rule, "enabled");
	json_object_del(rule, "since");
}

static void
say_rule(struct configure_run *run, const struct automation *old, const struct automation *fresh,
    bool found)
{
	json_t *was = found ? json_copy(old->rule) : NULL, *is = json_copy(fresh->rule);

	configure_say(run, "automation", fresh->code, found ? "changed" : "added");
	if (found && old->is_enabled != fresh->is_enabled) {
		json_object_set_new(was, "enabled", json_boolean(old->is_enabled));
		json_object_set_new(is, "enabled", json_boolean(fresh->is_enabled));
	}
	configure_diff(run->said, was, is);
	if (found && old->since_ms != fresh->since_ms)
		json_array_append_new(run->said, json_string("  since: another time"));
	json_decref(was);
	json_decref(is);
}

static int
apply_rule(struct store_txn *txn, struct configure_run *run, const json_t *item, size_t place,
    struct bh_err *err)
{
	struct automation old, fresh = {0};
	const char *code;
	int found, rc;

	if (whole_rule(item, run->options->preset_dir, &fresh.rule, err) < 0)
		return -1;
	code = bh_json_str(fresh.rule, "code");
	snprintf(fresh.code, sizeof(fresh.code), "%s", code);
	found = automation_load(txn, code, &old, err);
	rc = found < 0 ? -1 : check_source(txn, bh_json_str(fresh.rule, "from"), place, err);
	take_switches(fresh.rule, &old, found > 0, &fresh);
	fresh.is_walking = fresh.is_enabled;
	if (rc == 0 && (found == 0 || old.is_enabled != fresh.is_enabled ||
			   old.since_ms != fresh.since_ms || !json_equal(old.rule, fresh.rule))) {
		say_rule(run, &old, &fresh, found > 0);
		automation_save(txn, &fresh);
		automation_walk_put(txn, code, NULL);
		queue_wake(txn, AUTOMATION_JOB, "", bh_now_ms());
	}
	automation_release(&old);
	automation_release(&fresh);
	return rc;
}

int
configure_rules_apply(struct store_txn *txn, struct configure_run *run, struct bh_err *err)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(run->document, "automations"), i, item)
		if (apply_rule(txn, run, item, i, err) < 0)
			return -1;
	return 0;
}

int
configure_rules_export(struct store_txn *txn, json_t **list_r, struct bh_err *err)
{
	json_t *codes, *code;
	size_t i;
	int rc = automation_codes(txn, &codes, err) < 0 ? -1 : 0;

	*list_r = json_array();
	json_array_foreach (codes, i, code) {
		struct automation automation;
		char since[BH_CLOCK_TEXT];

		if (automation_load(txn, json_string_value(code), &automation, err) <= 0) {
			rc = -1;
			break;
		}
		bh_rfc3339(since, automation.since_ms);
		json_object_set_new(automation.rule, "enabled",
		    json_boolean(automation.is_enabled));
		json_object_set_new(automation.rule, "since", json_string(since));
		json_array_append(*list_r, automation.rule);
		automation_release(&automation);
	}
	json_decref(codes);
	if (rc < 0) {
		json_decref(*list_r);
		*list_r = NULL;
	}
	return rc;
}
