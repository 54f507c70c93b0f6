/* The verb audit: how the CRM's records differ from what was pushed, found by a worker. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "sync/audit.h"

#define LOOK_MS 100
#define WAIT_MS 60000 /* so long nothing may move, but for a pause that the CRM asks for */

static int
press(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct cli *cli = arg;
	const char *code = cli->args[0], *action = cli->args[1];
	struct account_sync sync;
	int rc = account_sync_load(txn, code, &sync, err);

	if (rc <= 0)
		return rc < 0 ? -1 : bh_fail(err, BH_INVALID, "there is no sync \"%.70s\"", code);
	account_sync_release(&sync);
	if (strcmp(action, "stop") == 0)
		return audit_stop(txn, code, err);
	if (strcmp(action, "go-on") == 0)
		return audit_go_on(txn, code, bh_now_ms(), err);
	return audit_begin(txn, code, bh_now_ms(), err);
}

static int
load(const struct cli *cli, struct audit *audit, struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	struct account_sync sync;
	int rc = account_sync_load(txn, cli->args[0], &sync, err);

	if (rc > 0)
		account_sync_release(&sync);
	rc = rc == 0  ? bh_fail(err, BH_INVALID, "there is no sync \"%.70s\"", cli->args[0])
	     : rc > 0 ? audit_load(txn, cli->args[0], audit, err)
		      : -1;
	store_free(&txn);
	return rc < 0 ? -1 : 0;
}

/* -- waiting -- */

/* On standard error, so that standard output holds the answer alone. */
static void
say_progress(const struct cli *cli, const struct audit *audit)
{
	if (cli->json)
		return;
	cli_line(stderr, "%lld of about %lld%s%s", (long long)audit->done, (long long)audit->total,
	    audit->note[0] != '\0' ? ", waiting: " : "", audit->note);
}

/* Until it does not run any more; -1: nothing moves. */
static int
wait_for(const struct cli *cli, struct audit *audit, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + WAIT_MS, done = -1, waits_ms = 0;
	int rc;

	while ((rc = load(cli, audit, err)) == 0 && audit->state == AUDIT_RUNNING) {
		if (audit->done != done || audit->waits_until_ms != waits_ms) {
			if (!audit->is_clearing)
				say_progress(cli, audit);
			end_ms = bh_mono_ms() + WAIT_MS;
			if (audit->waits_until_ms > bh_now_ms())
				end_ms += audit->waits_until_ms - bh_now_ms();
		}
		done = audit->done;
		waits_ms = audit->waits_until_ms;
		if (bh_mono_ms() > end_ms)
			return bh_fail(err, BH_UNAVAILABLE,
			    "nothing moved for %d seconds; it goes on", WAIT_MS / 1000);
		bh_sleep_ms(LOOK_MS);
	}
	return rc;
}

/* -- printing -- */

static void
print_object(const char *name, const json_t *totals)
{
	const char *field;
	json_t *n;

	cli_line(stdout, "%s: %s, %lld compared, %lld differ, %lld are gone", name,
	    bh_json_str(totals, "to"), (long long)bh_json_int(totals, "compared", 0),
	    (long long)bh_json_int(totals, "differing", 0),
	    (long long)bh_json_int(totals, "missing", 0));
	json_object_foreach (json_object_get(totals, "fields"), field, n)
		cli_line(stdout, "  %s: %lld", field, (long long)json_integer_value(n));
	json_object_foreach (json_object_get(totals, "links"), field, n)
		cli_line(stdout, "  %s, the record that it belongs to: %lld", field,
		    (long long)json_integer_value(n));
	json_object_foreach (json_object_get(totals, "money"), field, n)
		cli_line(stdout, "  off by %s %s", json_string_value(n), field);
}

static int
print_json(const struct cli *cli, const struct audit *audit, struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	json_t *rows = NULL, *doc;
	int rc = audit_rows(txn, cli->args[0], 0, AUDIT_ROWS, &rows, err);

	store_free(&txn);
	doc = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O*, s:O}",
	    "sync", cli->args[0], "state", audit_state_name(audit->state), "note", audit->note,
	    "looked_at", (json_int_t)audit->done, "compared", (json_int_t)audit->compared,
	    "differing", (json_int_t)audit->differing, "missing", (json_int_t)audit->missing,
	    "differences", (json_int_t)audit->differences, "repaired", (json_int_t)audit->repaired,
	    "calls", (json_int_t)audit->calls, "ended", (json_int_t)audit->ended_ms, "objects",
	    audit->objects, "rows", rows);
	if (rc == 0)
		cli_print_json(doc);
	json_decref(doc);
	json_decref(rows);
	return rc;
}

static void
print_rest(const struct audit *audit)
{
	if (audit->kept < audit->differences)
		cli_line(stdout,
		    "The first %lld of %lld differences are kept: mend these, then audit again.",
		    (long long)audit->kept, (long long)audit->differences);
}

static int
print(const struct cli *cli, const struct audit *audit)
{
	struct bh_err err = BH_ERR_INIT;
	const char *name;
	json_t *totals;

	if (cli->json && print_json(cli, audit, &err) < 0)
		return cli_error("%s", err.text);
	if (!cli->json) {
		cli_line(stdout, "%s%s%s: %lld looked at, %lld API calls, nothing was written.",
		    audit_state_name(audit->state), audit->note[0] != '\0' ? ", " : "", audit->note,
		    (long long)audit->done, (long long)audit->calls);
		json_object_foreach (audit->objects, name, totals)
			print_object(name, totals);
		if (audit->repaired > 0)
			cli_line(stdout, "%lld of %lld differences were given to the push.",
			    (long long)audit->repaired, (long long)audit->kept);
		print_rest(audit);
	}
	return audit->differences > 0 ? CLI_ATTENTION : 0;
}

/* -- actions -- */

static int
start(struct cli *cli)
{
	struct audit audit = AUDIT_INIT;
	struct bh_err err = BH_ERR_INIT;
	int status;

	if (store_run(cli->store, press, cli, NULL, &err) < 0 || wait_for(cli, &audit, &err) < 0)
		status = cli_error("%s", err.text);
	else if (audit.state != AUDIT_DONE)
		status =
		    cli_error("it %s%s%s", audit.state == AUDIT_STOPPED ? "was stopped" : "failed",
			audit.note[0] != '\0' ? ": " : "", audit.note);
	else
		status = print(cli, &audit);
	audit_release(&audit);
	return status;
}

static int
change(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;

	return store_run(cli->store, press, cli, NULL, &err) < 0 ? cli_error("%s", err.text) : 0;
}

static int
show(struct cli *cli)
{
	struct audit audit = AUDIT_INIT;
	struct bh_err err = BH_ERR_INIT;
	int status = load(cli, &audit, &err) < 0 ? cli_error("%s", err.text) : print(cli, &audit);

	audit_release(&audit);
	return status;
}

static int
repair(struct cli *cli)
{
	bool is_one = cli->args_n == 4;
	struct audit audit = AUDIT_INIT;
	struct bh_err err = BH_ERR_INIT;
	size_t n = 0;

	if (cli->args_n == 3) {
		cli_error("of one record: billhook audit SYNC repair OBJECT ID");
		return CLI_USAGE;
	}
	if (audit_repair(cli->store, &cli->key, cli->args[0], is_one ? cli->args[2] : NULL,
		cli->account != NULL ? cli->account : "", is_one ? cli->args[3] : NULL, &n,
		&err) < 0)
		return cli_error("%s", err.text);
	if (n == 0 && is_one)
		return cli_error("no difference of it is known that was not given to the push");
	cli_line(stdout, "%zu %s given to the push", n, n == 1 ? "record was" : "records were");
	if (!is_one && load(cli, &audit, &err) == 0)
		print_rest(&audit);
	audit_release(&audit);
	return 0;
}

static int
csv(struct cli *cli)
{
	struct store_txn *txn = store_begin(cli->store);
	struct bh_buf text = BH_BUF_INIT(SIZE_MAX / 2);
	struct bh_err err = BH_ERR_INIT;
	int rc = audit_csv(txn, cli->args[0], &text, &err);

	store_free(&txn);
	if (rc == 0)
		fwrite(bh_buf_str(&text), 1, text.len, stdout);
	bh_buf_release(&text);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}

static const struct action {
	const char *name;
	int (*run)(struct cli *cli);
} actions[] = {
    {"start", start},
    {"stop", change},
    {"go-on", change},
    {"show", show},
    {"repair", repair},
    {"csv", csv},
};

int
cli_audit(struct cli *cli)
{
	const char *name = cli->args_n > 1 ? cli->args[1] : "show";
	int status;

	for (size_t i = 0; i < BH_LEN(actions); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		if (cli->args_n > 2 && actions[i].run != repair)
			break;
		status = cli_store(cli);
		if (status == 0)
			status = cli_check_sync(cli, cli->args[0]);
		return status != 0 ? status : actions[i].run(cli);
	}
	cli_error("an audit's actions are start, stop, go-on, show, repair and csv");
	return CLI_USAGE;
}
