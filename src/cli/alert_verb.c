/* The verb for alerts: what is open, who is told and how that goes; try a target. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "state/alert.h"
#include "state/queue.h"
#include "state/trail.h"

#define LOOK_MS 100
#define WAIT_MS 90000
#define SHOWN_MAX 200

/* -- list -- */

static int
add_incident(void *arg, const struct alert_incident *incident, struct bh_err *err BH_UNUSED)
{
	json_t *list = arg;

	if (incident->due_ms > bh_now_ms())
		return 0;
	json_array_append_new(list,
	    json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:O}", "key", incident->key, "title",
		incident->title, "priority", alert_priority_name(incident->priority), "since_ms",
		(json_int_t)incident->since_ms, "cured_ms", (json_int_t)incident->cured_ms, "count",
		(json_int_t)incident->count, "told", incident->told));
	return 0;
}

static int
add_targets(struct store_txn *txn, json_t *list, struct bh_err *err)
{
	json_t *codes, *code, *delivery;
	size_t i;
	int rc = alert_targets(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct alert_target target;

		if (rc < 0 ||
		    alert_target_load(txn, NULL, json_string_value(code), &target, err) <= 0 ||
		    alert_delivery_get(txn, target.code, &delivery, err) < 0) {
			rc = -1;
			break;
		}
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:b, s:s, s:o}", "code", target.code, "name",
			target.name, "kind", alert_kind_name(target.kind), "paused", target.paused,
			"least", alert_priority_name(target.least), "delivery", delivery));
		alert_target_release(&target);
	}
	json_decref(codes);
	return rc;
}

static void
print_list(const json_t *doc)
{
	const json_t *one;
	char age[64];
	size_t i;

	json_array_foreach (json_object_get(doc, "targets"), i, one) {
		const char *error = bh_json_str(one, "delivery.error");

		cli_age(age, bh_json_int(one, "delivery.ok", 0));
		cli_line(stdout, "%-20s %-6s %s%s", bh_json_str(one, "code"),
		    bh_json_str(one, "kind"),
		    bh_is_json_true(one, "paused") ? "paused, last told " : "last told ", age);
		if (error != NULL && *error != '\0')
			cli_line(stdout, "%-20s failed: %s", "", error);
	}
	json_array_foreach (json_object_get(doc, "open"), i, one) {
		cli_age(age, bh_json_int(one, "since_ms", 0));
		cli_line(stdout, "open %-8s %s: %s", bh_json_str(one, "priority"), age,
		    bh_json_str(one, "title"));
	}
	json_array_foreach (json_object_get(doc, "cured"), i, one) {
		cli_age(age, bh_json_int(one, "cured_ms", 0));
		cli_line(stdout, "over %-8s %s: %s", bh_json_str(one, "priority"), age,
		    bh_json_str(one, "title"));
	}
}

static int
show_all(struct cli *cli, const char *target BH_UNUSED, struct bh_err *err)
{
	json_t *targets = json_array(), *open = json_array(), *cured = json_array();
	json_t *doc =
	    json_pack("{s:o, s:o, s:o}", "targets", targets, "open", open, "cured", cured);
	struct store_txn *txn = store_begin(cli->store);
	bool more;
	int rc = add_targets(txn, targets, err);

	if (rc == 0)
		rc = alert_newest(txn, false, SHOWN_MAX, add_incident, open, &more, err);
	if (rc == 0)
		rc = alert_newest(txn, true, SHOWN_MAX, add_incident, cured, &more, err);
	if (rc == 0 && cli->json)
		cli_print_json(doc);
	else if (rc == 0)
		print_list(doc);
	store_free(&txn);
	json_decref(doc);
	return rc;
}

/* -- look now -- */

static int
wake(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	queue_wake(txn, ALERT_JOB, "", bh_now_ms());
	return 0;
}

static int
check_now(struct cli *cli, const char *target BH_UNUSED, struct bh_err *err)
{
	return store_run(cli->store, wake, NULL, NULL, err);
}

/* -- a target -- */

static int
ask_test(struct store_txn *txn, void *arg, struct bh_err *err)
{
	int rc = alert_test_ask(txn, arg, bh_now_ms(), err);

	return rc < 0 ? -1 : rc == 0;
}

/* "" as long as nobody has tried. */
static int
read_result(struct cli *cli, const char *target, char state[16], struct bh_err *why,
    struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	json_t *doc = NULL;
	const char *text;
	int rc = alert_delivery_get(txn, target, &doc, err);

	bh_json_copy(state, 16, doc, "test");
	text = bh_json_str(doc, "test_error");
	bh_fail(why, BH_UNAVAILABLE, "%s", text != NULL ? text : "");
	json_decref(doc);
	store_free(&txn);
	return rc;
}

static int
test_target(struct cli *cli, const char *target, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + WAIT_MS;
	struct bh_err why = BH_ERR_INIT;
	char state[16] = "asked";
	int rc = store_run(cli->store, ask_test, (void *)(uintptr_t)target, NULL, err);

	while (rc == 0 && strcmp(state, "asked") == 0 && bh_mono_ms() < end_ms) {
		bh_sleep_ms(LOOK_MS);
		rc = read_result(cli, target, state, &why, err);
	}
	if (rc != 0)
		return rc;
	if (strcmp(state, "asked") == 0)
		return bh_fail(err, BH_UNAVAILABLE, "nobody has tried it: is Billhook running?");
	if (strcmp(state, "ok") != 0)
		return bh_fail(err, BH_UNAVAILABLE, "%s", why.text);
	cli_line(stdout, "%s took the message", target);
	return 0;
}

static int
drop_target(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "alert",
	    .subject = arg,
	    .text = "target removed"};
	struct alert_target target;
	int rc = alert_target_load(txn, NULL, arg, &target, err);

	if (rc > 0) {
		alert_target_drop(txn, arg);
		trail_add(txn, 0, &entry);
	}
	alert_target_release(&target);
	return rc < 0 ? -1 : rc == 0;
}

static int
remove_target(struct cli *cli, const char *target, struct bh_err *err)
{
	return store_run(cli->store, drop_target, (void *)(uintptr_t)target, NULL, err);
}

static const struct action {
	const char *name;
	bool is_of_target;
	int (*run)(struct cli *cli, const char *target, struct bh_err *err); /* 1: no such target */
} actions[] = {
    {"list", false, show_all},
    {"check", false, check_now},
    {"test", true, test_target},
    {"remove", true, remove_target},
};

int
cli_alert(struct cli *cli)
{
	const char *name = cli->args_n > 0 ? cli->args[0] : "list";
	const char *target = cli->args_n > 1 ? cli->args[1] : NULL;
	struct bh_err err = BH_ERR_INIT;
	size_t i = 0;
	int rc;

	while (i < BH_LEN(actions) && strcmp(actions[i].name, name) != 0)
		i++;
	if (i == BH_LEN(actions) || actions[i].is_of_target != (target != NULL)) {
		cli_error("alerts: list, check, test TARGET, remove TARGET");
		return CLI_USAGE;
	}
	if ((rc = cli_store(cli)) != 0)
		return rc;
	rc = actions[i].run(cli, target, &err);
	if (rc > 0)
		return cli_error("there is no alert target \"%s\"", target);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}
