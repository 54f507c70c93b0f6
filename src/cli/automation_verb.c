/* The verb for automations: show them, switch them, try them on what is stored. */
#include "base/base.h"

#include "auto/rule.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "state/automation.h"
#include "state/queue.h"
#include "state/trail.h"

#define LOOK_MS 100
#define WAIT_MS 60000
#define DAYS 90

static void
print_json(const json_t *json)
{
	char *text = bh_json_text(json);

	cli_line(stdout, "%s", text);
	free(text);
}

static int
show_all(struct cli *cli, struct store_txn *txn, struct bh_err *err)
{
	json_t *codes, *code, *list = json_array();
	size_t i;
	int rc = automation_codes(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct automation automation;

		if (automation_load(txn, json_string_value(code), &automation, err) <= 0) {
			rc = -1;
			break;
		}
		json_array_append_new(list,
		    json_pack("{s:s, s:b, s:O*, s:O*}", "code", automation.code, "enabled",
			automation.is_enabled, "from", json_object_get(automation.rule, "from"),
			"title", json_object_get(automation.rule, "title")));
		automation_release(&automation);
	}
	json_decref(codes);
	if (rc == 0 && cli->json)
		print_json(list);
	json_array_foreach (list, i, code)
		if (rc == 0 && !cli->json)
			cli_line(stdout, "%-24s %-4s %-16s %s", bh_json_str(code, "code"),
			    bh_is_json_true(code, "enabled") ? "on" : "off",
			    bh_json_str(code, "from"), bh_json_str(code, "title"));
	json_decref(list);
	return rc;
}

struct change {
	const char *code;
	const char *action;
};

/* on, off, remove; 1 there is none of this code. */
static int
change_one(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct change *change = arg;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "automation",
	    .subject = change->code,
	    .text = change->action};
	struct automation automation;
	int rc = automation_load(txn, change->code, &automation, err);

	if (rc > 0 && strcmp(change->action, "remove") == 0) {
		automation_drop(txn, change->code);
	} else if (rc > 0) {
		automation.is_enabled = strcmp(change->action, "on") == 0;
		automation.is_walking = automation.is_enabled;
		automation_save(txn, &automation);
		automation_walk_put(txn, change->code, NULL);
		queue_wake(txn, AUTOMATION_JOB, "", bh_now_ms());
	}
	if (rc > 0)
		trail_add(txn, 0, &entry);
	automation_release(&automation);
	return rc < 0 ? -1 : rc == 0;
}

/* -- dry run -- */

static int
ask_trial(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const char *code = arg;
	struct automation automation;
	int rc = automation_load(txn, code, &automation, err);

	if (rc > 0)
		automation_trial_ask(txn, code, automation.rule, DAYS, bh_now_ms());
	automation_release(&automation);
	return rc < 0 ? -1 : rc == 0;
}

static void
print_trial(const json_t *doc)
{
	const json_t *fired = json_object_get(doc, "fired"), *one;
	size_t i;

	cli_line(stdout, "since %s it would have fired %lld times",
	    bh_json_str(doc, "from") != NULL ? bh_json_str(doc, "from") : "?",
	    (long long)bh_json_int(doc, "n", 0));
	json_array_foreach ((json_t *)(uintptr_t)fired, i, one)
		cli_line(stdout, "%-20s %s", bh_json_str(one, "at"), bh_json_str(one, "title"));
	if ((int64_t)json_array_size(fired) < bh_json_int(doc, "n", 0))
		cli_line(stdout, "and more");
}

static int
run_trial(struct cli *cli, const char *code, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + WAIT_MS, events = -1;
	json_t *doc = NULL;
	const char *state = "open";
	int rc = store_run(cli->store, ask_trial, (void *)(uintptr_t)code, NULL, err);

	while (rc == 0 && strcmp(state, "open") == 0 && bh_mono_ms() < end_ms) {
		struct store_txn *txn = store_begin(cli->store);

		bh_sleep_ms(LOOK_MS);
		json_decref(doc);
		rc = automation_trial_get(txn, code, &doc, err) < 0 ? -1 : 0;
		store_free(&txn);
		state = bh_json_str(doc, "state") != NULL ? bh_json_str(doc, "state") : "open";
		if (bh_json_int(doc, "events", 0) + bh_json_int(doc, "objects", 0) != events)
			end_ms = bh_mono_ms() + WAIT_MS;
		events = bh_json_int(doc, "events", 0) + bh_json_int(doc, "objects", 0);
	}
	if (rc == 0 && strcmp(state, "done") == 0 && cli->json)
		print_json(doc);
	else if (rc == 0 && strcmp(state, "done") == 0)
		print_trial(doc);
	else if (rc == 0)
		rc = bh_fail(err, BH_UNAVAILABLE, "the dry run has not ended: %s",
		    bh_json_str(doc, "note") != NULL ? bh_json_str(doc, "note") : state);
	json_decref(doc);
	return rc;
}

int
cli_automation(struct cli *cli)
{
	static const char *const actions[] = {"on", "off", "remove", "try"};
	const char *code = cli->args_n > 0 ? cli->args[0] : NULL;
	struct change change = {code, cli->args_n > 1 ? cli->args[1] : "try"};
	struct bh_err err = BH_ERR_INIT;
	struct store_txn *txn;
	size_t i = 0;
	int rc;

	while (i < BH_LEN(actions) && strcmp(actions[i], change.action) != 0)
		i++;
	if (i == BH_LEN(actions)) {
		cli_error("an automation can be told: on, off, remove, try");
		return CLI_USAGE;
	}
	if ((rc = cli_store(cli)) != 0)
		return rc;
	if (code == NULL) {
		txn = store_begin(cli->store);
		rc = show_all(cli, txn, &err);
		store_free(&txn);
	} else if (strcmp(change.action, "try") == 0) {
		rc = run_trial(cli, code, &err);
	} else {
		rc = store_run(cli->store, change_one, &change, NULL, &err);
	}
	if (rc > 0)
		return cli_error("there is no automation \"%s\"", code);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}
