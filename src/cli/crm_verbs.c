/*
 * The verb crm: what a CRM can be asked for.  Workers do it (sync/crm_errand.c,
 * forms of answers in dest/dest.h); here it is asked for and its answer shown.
 */
#include "base/base.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "dest/dest.h"
#include "state/walk.h"

#define STILL_MS 180000 /* so long nothing may move: longer than a CRM may ask for patience */

static const char *
text_of(const json_t *json, const char *path)
{
	const char *text = bh_json_str(json, path);

	return text != NULL ? text : "";
}

static long long
number_of(const json_t *json, const char *path)
{
	return (long long)bh_json_int(json, path, 0);
}

/* -- answers in words; each returns the exit status -- */

static int
print_account(const struct cli *cli BH_UNUSED, const json_t *answer)
{
	const char *kind = text_of(answer, "kind");
	json_t *one;
	size_t i;

	cli_line(stdout, "%s %s%s%s, %s", text_of(answer, "name"), text_of(answer, "id"),
	    *kind != '\0' ? ", " : "", kind, text_of(answer, "mode"));
	json_array_foreach (json_object_get(answer, "missing"), i, one)
		cli_line(stdout, "right missing: %s", json_string_value(one));
	return 0;
}

static int
print_limits(const struct cli *cli BH_UNUSED, const json_t *answer)
{
	const json_t *limits = json_object_get(answer, "limits"), *one;
	size_t i;

	json_array_foreach (limits, i, one)
		cli_line(stdout, "%-40s %lld of %lld used", text_of(one, "name"),
		    number_of(one, "used"), number_of(one, "limit"));
	if (json_array_size(limits) == 0)
		printf("it tells no limits\n");
	return 0;
}

static int
print_plan(const struct cli *cli BH_UNUSED, const json_t *answer)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(answer, "rows"), i, row) {
		const char *type = text_of(row, "type"), *why = text_of(row, "why");
		const char *detail = text_of(row, "detail");

		cli_line(stdout, "%-8s %-14s %s%s%s%s%s", text_of(row, "state"),
		    text_of(row, "kind"), text_of(row, "name"), *type != '\0' ? " " : "", type,
		    *why != '\0' ? ", for " : "", why);
		if (*detail != '\0')
			cli_line(stdout, "%-8s %s", "", detail);
	}
	printf("%lld are there, %lld are missing, %lld differ, %lld are hidden\n",
	    number_of(answer, "exists"), number_of(answer, "missing"), number_of(answer, "differs"),
	    number_of(answer, "hidden"));
	return 0;
}

static int
judge_plan(const json_t *answer)
{
	bool is_good = number_of(answer, "missing") + number_of(answer, "differs") +
			   number_of(answer, "hidden") ==
		       0;

	return is_good ? 0 : CLI_ATTENTION;
}

/* What install and uninstall report; done: "created" or "removed". */
static void
print_report(const json_t *answer, const char *done)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(answer, done), i, one)
		cli_line(stdout, "%-8s %s", done, json_string_value(one));
	json_array_foreach (json_object_get(answer, "failed"), i, one) {
		cli_line(stdout, "%-8s %s: %s", "failed", text_of(one, "name"),
		    text_of(one, "cause"));
		cli_line(stdout, "%-8s %s", "", text_of(one, "remedy"));
	}
	json_array_foreach (json_object_get(answer, "hidden"), i, one)
		cli_line(stdout, "%-8s %s", "hidden", json_string_value(one));
}

static int
judge_report(const json_t *answer)
{
	return bh_is_json_true(answer, "is_complete") ? 0 : CLI_ATTENTION;
}

static int
print_install(const struct cli *cli BH_UNUSED, const json_t *answer)
{
	print_report(answer, "created");
	printf("%zu made, %zu failed, %zu hidden%s\n",
	    json_array_size(json_object_get(answer, "created")),
	    json_array_size(json_object_get(answer, "failed")),
	    json_array_size(json_object_get(answer, "hidden")),
	    judge_report(answer) == 0 ? "; all that the syncs need is there" : "");
	return 0;
}

static int
print_counts(const struct cli *cli BH_UNUSED, const json_t *answer)
{
	static const char *const parts[] = {"objects", "fields"};
	const json_t *one;
	size_t i;

	for (size_t part = 0; part < BH_LEN(parts); part++)
		json_array_foreach (json_object_get(answer, parts[part]), i, one)
			cli_line(stdout, "%10lld %s (%s)", number_of(one, "records"),
			    text_of(one, "name"), text_of(one, "label"));
	return 0;
}

static int
print_unlinked(const struct cli *cli, const json_t *answer)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(answer, "rows"), i, row)
		cli_line(stdout, "%s %s%s%s%s%s", text_of(row, "remote_id"), text_of(row, "name"),
		    *text_of(row, "email") != '\0' ? " " : "", text_of(row, "email"),
		    *text_of(row, "website") != '\0' ? " " : "", text_of(row, "website"));
	if (json_array_size(json_object_get(answer, "rows")) == 0)
		cli_line(stdout, "no %s%s is without a customer", text_of(answer, "object"),
		    cli->after != NULL ? " behind that one" : "");
	if (bh_is_json_true(answer, "more"))
		cli_line(stdout, "there are more: billhook crm %s unlinked --sync %s --after %s",
		    cli->args[0], text_of(answer, "sync"), text_of(answer, "after"));
	return 0;
}

static int
print_made(const struct cli *cli, const json_t *answer)
{
	cli_line(stdout, "made and linked: customer %s is %s", text_of(answer, "id"), cli->args[3]);
	return 0;
}

/* -- what it is asked with -- */

static json_t *
ask_unlinked(const struct cli *cli)
{
	return json_pack("{s:s*, s:s*}", "sync", cli->sync, "after", cli->after);
}

static json_t *
ask_create(const struct cli *cli)
{
	return json_pack("{s:s, s:s, s:s, s:s*}", "sync", cli->args[2], "remote_id", cli->args[3],
	    "name", cli->name, "email", cli->email);
}

static json_t *
ask_disconnect(const struct cli *cli)
{
	return json_pack("{s:b}", "remove", cli->remove);
}

static int disconnect(struct cli *cli);

static const struct action {
	const char *name, *usage;
	int words_least, words_most; /* with the connection's code */
	const char *errand;
	json_t *(*ask)(const struct cli *cli); /* NULL: with nothing */
	const char *part;                      /* of the answer; NULL: the whole */
	int (*print)(const struct cli *cli, const json_t *answer);
	int (*judge)(const json_t *answer); /* the exit status; NULL: always 0 */
	int (*run)(struct cli *cli);        /* in place of asking and showing */
} actions[] = {
    {"test", "", 2, 2, ERRAND_PROBE, NULL, NULL, print_account, NULL, NULL},
    {"limits", "", 2, 2, ERRAND_PROBE, NULL, "limits", print_limits, NULL, NULL},
    {"plan", "", 2, 2, ERRAND_PLAN, NULL, NULL, print_plan, judge_plan, NULL},
    {"install", "", 2, 2, ERRAND_INSTALL, NULL, NULL, print_install, judge_report, NULL},
    {"count", "", 2, 2, ERRAND_COUNT, NULL, NULL, print_counts, NULL, NULL},
    {"unlinked", " [--sync SYNC] [--after ID]", 2, 2, ERRAND_IMPORT, ask_unlinked, NULL,
	print_unlinked, NULL, NULL},
    {"create", " SYNC CRM_ID --name NAME [--email ADDRESS]", 4, 4, ERRAND_CREATE, ask_create, NULL,
	print_made, NULL, NULL},
    {"disconnect", " [--remove] --yes CODE", 2, 3, ERRAND_DISCONNECT, ask_disconnect, NULL, NULL,
	judge_report, disconnect},
};

static const struct action *
find_action(const char *name)
{
	for (size_t i = 0; i < BH_LEN(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	return NULL;
}

/* -- asking -- */

struct asking {
	struct cli *cli;
	const struct action *action;
};

static int
find_driver(struct store_txn *txn, const char *code, const struct dest_driver **driver_r,
    struct bh_err *err)
{
	struct account_connection connection = {0};
	int rc = account_connection_load(txn, NULL, code, &connection, err);

	*driver_r = rc > 0 ? dest_driver(connection.driver) : NULL;
	account_connection_release(&connection);
	if (rc < 0)
		return -1;
	return *driver_r != NULL
		   ? 0
		   : bh_fail(err, BH_INVALID, "there is no CRM connection \"%s\"", code);
}

static int
ask_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct asking *asking = arg;
	const struct action *action = asking->action;
	const char *code = asking->cli->args[0];
	const struct dest_driver *driver;

	if (find_driver(txn, code, &driver, err) < 0 ||
	    dest_check_can(driver, action->errand, err) < 0)
		return -1;
	errand_ask(txn, code, action->errand, action->ask != NULL ? action->ask(asking->cli) : NULL,
	    bh_now_ms());
	return 0;
}

/* 0 with the answer (as cli_errand_wait()), or the exit status after a message. */
static int
ask(struct cli *cli, const struct action *action, json_t **answer_r)
{
	struct cli_errand what = {"crm", cli->args[0], action->errand, STILL_MS};
	struct asking asking = {cli, action};
	struct bh_err err = BH_ERR_INIT;

	*answer_r = NULL;
	if (store_run(cli->store, ask_in, &asking, NULL, &err) < 0)
		return cli_error("%s", err.text);
	return cli_errand_wait(cli, &what, answer_r);
}

static int
ask_and_show(struct cli *cli, const struct action *action)
{
	json_t *answer;
	int status = ask(cli, action, &answer);

	if (status == 0 && cli->json)
		cli_print_json(
		    action->part != NULL ? json_object_get(answer, action->part) : answer);
	else if (status == 0)
		status = action->print(cli, answer);
	if (status == 0 && action->judge != NULL)
		status = action->judge(answer);
	json_decref(answer);
	return status;
}

/* -- disconnecting -- */

/* What removing would lose, where the CRM can tell; that it cannot be had stops only a removal. */
static int
show_counts(struct cli *cli, json_t **counts_r)
{
	const struct action *count = find_action("count");
	const struct dest_driver *driver;
	struct bh_err err = BH_ERR_INIT;
	struct store_txn *txn = store_begin(cli->store);
	int rc = find_driver(txn, cli->args[0], &driver, &err), status = 0;

	store_free(&txn);
	*counts_r = NULL;
	if (rc < 0)
		return cli_error("%s", err.text);
	if (cli->remove && driver->uninstall == NULL)
		return cli_error("%s cannot be tidied up from here", driver->title);
	if (driver->count != NULL)
		status = ask(cli, count, counts_r);
	if (*counts_r != NULL && !cli->json) {
		printf("records there that Billhook's objects and fields hold:\n");
		print_counts(cli, *counts_r);
	}
	return cli->remove ? status : 0;
}

/* The code typed again: as an argument, or on the terminal. */
static bool
is_agreed(const struct cli *cli)
{
	const char *code = cli->args[0];
	char typed[80] = "";

	if (cli->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		cli_error("nothing was done; to disconnect, type the code again: --yes %s", code);
		return false;
	}
	printf("%s  Type %s to disconnect: ",
	    cli->remove ? "All of it will be removed there.  This cannot be undone."
			: "What is there stays; Billhook forgets which record is whose.",
	    code);
	fflush(stdout);
	if (fgets(typed, sizeof(typed), stdin) != NULL)
		typed[strcspn(typed, "\n")] = '\0';
	if (strcmp(typed, code) == 0)
		return true;
	cli_error("nothing was done");
	return false;
}

static int
show_left(struct cli *cli, const json_t *counts, const json_t *report)
{
	if (cli->json) {
		json_t *doc = json_pack("{s:b, s:O?, s:O?}", "disconnected", report == NULL,
		    "counts", counts, "report", report);

		cli_print_json(doc);
		json_decref(doc);
	} else if (report != NULL) {
		print_report(report, "removed");
		printf("not all could be removed: the connection stays\n");
	} else {
		printf("%s is disconnected\n", cli->args[0]);
	}
	return report != NULL ? judge_report(report) : 0;
}

static int
disconnect(struct cli *cli)
{
	json_t *counts = NULL, *report = NULL;
	int status;

	if (cli->yes != (cli->args_n == 3) ||
	    (cli->yes && strcmp(cli->args[2], cli->args[0]) != 0)) {
		cli_error("nothing was done; to disconnect, type the code again: --yes %s",
		    cli->args[0]);
		return CLI_USAGE;
	}
	status = cli_store(cli);
	if (status == 0)
		status = show_counts(cli, &counts);
	if (status == 0 && !is_agreed(cli))
		status = CLI_FAILED;
	if (status == 0)
		status = ask(cli, find_action("disconnect"), &report);
	if (status == 0)
		status = show_left(cli, counts, report);
	json_decref(counts);
	json_decref(report);
	return status;
}

/* -- where it stands -- */

static json_t *
errand_json(const struct errand *errand)
{
	return json_pack("{s:b, s:I, s:o, s:O?}", "open", errand->is_open, "done_ms",
	    (json_int_t)errand->done_ms, "error", bh_json_string(errand->error), "answer",
	    errand->answer);
}

/* 0 with {"code", "driver", "paused", "broken", "errands"} (new reference), -1. */
static int
collect(struct store_txn *txn, const char *code, json_t **doc_r, struct bh_err *err)
{
	static const char *const errands[] = {ERRAND_PROBE, ERRAND_PLAN, ERRAND_INSTALL,
	    ERRAND_COUNT, ERRAND_IMPORT, ERRAND_CREATE, ERRAND_DISCONNECT};
	struct account_connection connection = {0};
	const struct dest_driver *driver;
	json_t *all = json_object();
	int rc = find_driver(txn, code, &driver, err);

	if (rc == 0)
		rc = account_connection_load(txn, NULL, code, &connection, err);
	for (size_t i = 0; i < BH_LEN(errands) && rc >= 0; i++) {
		struct errand errand;

		rc = errand_load(txn, code, errands[i], &errand, err);
		if (rc > 0)
			json_object_set_new(all, errands[i], errand_json(&errand));
		errand_release(&errand);
	}
	*doc_r = rc >= 0 ? json_pack("{s:s, s:s, s:b, s:o, s:O}", "code", code, "driver",
			       driver->name, "paused", connection.paused, "broken",
			       bh_json_string(connection.broken), "errands", all)
			 : NULL;
	account_connection_release(&connection);
	json_decref(all);
	return rc < 0 ? -1 : 0;
}

static void
print_errand(const char *name, const json_t *errand)
{
	const char *error = text_of(errand, "error");
	char age[64];

	cli_age(age, bh_json_int(errand, "done_ms", 0));
	if (bh_is_json_true(errand, "open"))
		printf("%-12s is under way\n", name);
	else
		cli_line(stdout, "%-12s %s%s%s", name, age, *error != '\0' ? ": " : "", error);
}

static int
show(struct cli *cli)
{
	struct store_txn *txn = store_begin(cli->store);
	struct bh_err err = BH_ERR_INIT;
	const json_t *errand;
	const char *name;
	json_t *doc;
	int rc = collect(txn, cli->args[0], &doc, &err);

	store_free(&txn);
	if (rc < 0)
		return cli_error("%s", err.text);
	if (cli->json) {
		cli_print_json(doc);
	} else {
		const char *broken = text_of(doc, "broken");

		cli_line(stdout, "%s, %s%s", text_of(doc, "driver"),
		    *broken != '\0'                  ? "stopped: "
		    : bh_is_json_true(doc, "paused") ? "paused"
						     : "ready",
		    broken);
		json_object_foreach (json_object_get(doc, "errands"), name, errand)
			print_errand(name, errand);
	}
	json_decref(doc);
	return 0;
}

/* Words and options fit the action; else a message. */
static bool
is_fit(const struct cli *cli, const struct action *action)
{
	if (action == NULL) {
		cli_error(
		    "usage: billhook crm CODE [ACTION]: there is no action %s; see billhook(1)",
		    cli->args[1]);
		return false;
	}
	if (cli->args_n >= action->words_least && cli->args_n <= action->words_most &&
	    (action->ask != ask_create || cli->name != NULL))
		return true;
	cli_error("usage: billhook crm CODE %s%s", action->name, action->usage);
	return false;
}

int
cli_crm(struct cli *cli)
{
	const struct action *action = cli->args_n > 1 ? find_action(cli->args[1]) : NULL;
	int status;

	if (cli->args_n > 1 && !is_fit(cli, action))
		return CLI_USAGE;
	if (action != NULL && action->run != NULL)
		return action->run(cli);
	status = cli_store(cli);
	if (status != 0)
		return status;
	return action != NULL ? ask_and_show(cli, action) : show(cli);
}
