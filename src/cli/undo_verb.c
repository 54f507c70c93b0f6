/* The verb undo: what Billhook wrote over is shown, looked at, and put back, by a worker. */
#include "base/base.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/cli.h"
#include "state/undo.h"
#include "sync/undo.h"

#define LOOK_MS 100
#define WAIT_MS 60000 /* so long nothing may move, but for a pause that the CRM asks for */
#define RUNS_SHOWN 50
#define ROWS_SHOWN 20
#define BY "command line"

/* What the words of the verb mean. */
struct wish {
	const struct cli *cli;
	const char *sync, *action;
	char dest[72]; /* of the sync */
	int64_t since_ms, until_ms;
	int64_t run, turn;
};

static int
read_time(const char *name, const char *text, int64_t *at_ms_r)
{
	*at_ms_r = 0;
	if (text == NULL || bh_is_time(text, at_ms_r))
		return 0;
	cli_error("--%s takes a time: 2026-11-22T10:00:00Z", name);
	return CLI_USAGE;
}

static int
load_sync(struct wish *wish, struct store_txn *txn, struct bh_err *err)
{
	struct account_sync sync;
	int rc = account_sync_load(txn, wish->sync, &sync, err);

	if (rc <= 0)
		return rc < 0 ? -1
			      : bh_fail(err, BH_INVALID, "there is no sync \"%.70s\"", wish->sync);
	snprintf(wish->dest, sizeof(wish->dest), "%s", sync.to);
	account_sync_release(&sync);
	return 0;
}

static struct link_id
record_of(const struct wish *wish)
{
	const struct cli *cli = wish->cli;

	return (struct link_id){.dest = wish->dest,
	    .sync = wish->sync,
	    .object = cli->args[2],
	    .account = cli->account != NULL ? cli->account : "",
	    .id = cli->args[3]};
}

/* -- buttons -- */

static int
select_what(struct store_txn *txn, const struct wish *wish, struct revert_what *what,
    struct bh_err *err)
{
	struct link_id id;

	if (wish->cli->args_n == 4) {
		id = record_of(wish);
		return undo_select_record(txn, &id, wish->since_ms, what, err);
	}
	if (wish->run != 0)
		return undo_select_run(txn, wish->sync, wish->run, what, err);
	return undo_select_span(txn, wish->sync, wish->since_ms, wish->until_ms, bh_now_ms(), what,
	    err);
}

static int
press_look(struct store_txn *txn, const struct wish *wish, struct bh_err *err)
{
	struct revert_what what;

	if (select_what(txn, wish, &what, err) < 0)
		return -1;
	what.removes = wish->cli->remove;
	return revert_look(txn, wish->sync, &what, BY, bh_now_ms(), err);
}

static int
press(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct wish *wish = arg;
	int64_t now = bh_now_ms();

	if (load_sync(wish, txn, err) < 0)
		return -1;
	if (strcmp(wish->action, "look") == 0)
		return press_look(txn, wish, err);
	if (strcmp(wish->action, "do") == 0)
		return revert_do(txn, wish->sync, wish->dest, wish->turn, BY, now, err);
	if (strcmp(wish->action, "stop") == 0)
		return revert_stop(txn, wish->sync, err);
	return revert_go_on(txn, wish->sync, wish->dest, now, err);
}

/* -- waiting -- */

static int
load(struct wish *wish, struct revert *revert, struct bh_err *err)
{
	struct store_txn *txn = store_begin(wish->cli->store);
	int rc = load_sync(wish, txn, err);

	if (rc == 0)
		rc = revert_load(txn, wish->sync, revert, err);
	store_free(&txn);
	return rc < 0 ? -1 : 0;
}

static bool
is_running(const struct revert *revert)
{
	return revert->state == REVERT_LOOKING || revert->state == REVERT_DOING;
}

/* On standard error, so that standard output holds the answer alone. */
static void
say_progress(const struct wish *wish, const struct revert *revert)
{
	if (wish->cli->json)
		return;
	cli_line(stderr, "%lld of about %lld%s%s", (long long)revert->seen,
	    (long long)revert->total, revert->note[0] != '\0' ? ", waiting: " : "", revert->note);
}

static int
wait_for(struct wish *wish, struct revert *revert, struct bh_err *err)
{
	int64_t end_ms = bh_mono_ms() + WAIT_MS, seen = -1, waits_ms = 0;
	int rc;

	while ((rc = load(wish, revert, err)) == 0 && is_running(revert)) {
		if (revert->seen != seen || revert->waits_until_ms != waits_ms) {
			if (!revert->is_clearing)
				say_progress(wish, revert);
			end_ms = bh_mono_ms() + WAIT_MS;
			if (revert->waits_until_ms > bh_now_ms())
				end_ms += revert->waits_until_ms - bh_now_ms();
		}
		seen = revert->seen;
		waits_ms = revert->waits_until_ms;
		if (bh_mono_ms() > end_ms)
			return bh_fail(err, BH_UNAVAILABLE,
			    "nothing moved for %d seconds; it goes on", WAIT_MS / 1000);
		bh_sleep_ms(LOOK_MS);
	}
	return rc;
}

/* -- printing -- */

static const struct {
	const char *name;
	size_t offset;
	const char *look, *done;
} lines[] = {
    {"back", offsetof(struct revert_counts, back), "records would get values back",
	"records got values back"},
    {"fields", offsetof(struct revert_counts, fields), "fields in them", "fields in them"},
    {"changed", offsetof(struct revert_counts, changed),
	"fields would be left: a person changed them since",
	"fields were left: a person changed them since"},
    {"unknown", offsetof(struct revert_counts, unknown),
	"fields would be left: what stood there before is not known",
	"fields were left: what stood there before is not known"},
    {"unseen", offsetof(struct revert_counts, unseen), "fields would be left: they cannot be read",
	"fields were left: they cannot be read"},
    {"same", offsetof(struct revert_counts, same), "records hold the values of before already",
	"records held the values of before already"},
    {"left", offsetof(struct revert_counts, left), "records would be left as they are",
	"records were left as they are"},
    {"made", offsetof(struct revert_counts, made), "records were made by Billhook; they stay",
	"records were made by Billhook; they stay"},
    {"removed", offsetof(struct revert_counts, removed),
	"records were made by Billhook; they would be removed",
	"records were made by Billhook; they were removed"},
    {"gone", offsetof(struct revert_counts, gone), "records are not there any more",
	"records are not there any more"},
    {"refused", offsetof(struct revert_counts, refused), "records were refused by the CRM",
	"records were refused by the CRM"},
};

static int64_t
count_of(const struct revert *revert, size_t i)
{
	const struct revert_counts *counts = revert->is_doing ? &revert->done : &revert->look;

	return *(const int64_t *)(const void *)((const char *)counts + lines[i].offset);
}

static void
print_row(const json_t *row)
{
	const char *cause = bh_json_str(row, "cause");
	json_t *field;
	size_t i;

	cli_line(stdout, "%s %s (%s %s): %s%s%s", bh_json_str(row, "object"),
	    bh_json_str(row, "id"), bh_json_str(row, "to"), bh_json_str(row, "remote_id"),
	    bh_json_str(row, "verdict"), *cause != '\0' ? ", " : "", cause);
	json_array_foreach (json_object_get(row, "fields"), i, field)
		cli_line(stdout, "  %s: \"%s\" -> \"%s\" %s", bh_json_str(field, "name"),
		    bh_json_str(field, "now"), bh_json_str(field, "back"),
		    bh_json_str(field, "verdict"));
}

static void
print_text(const struct revert *revert, json_t *rows)
{
	json_t *row;
	size_t i;

	cli_line(stdout, "%s%s%s: %lld records, %lld API calls.", revert_state_name(revert->state),
	    revert->note[0] != '\0' ? ", " : "", revert->note,
	    (long long)(revert->is_doing ? revert->done.records : revert->look.records),
	    (long long)revert->calls);
	for (size_t k = 0; k < BH_LEN(lines); k++)
		if (count_of(revert, k) > 0)
			cli_line(stdout, "  %lld %s", (long long)count_of(revert, k),
			    revert->is_doing ? lines[k].done : lines[k].look);
	json_array_foreach (rows, i, row)
		if (i < ROWS_SHOWN)
			print_row(row);
	if (json_array_size(rows) > ROWS_SHOWN)
		cli_line(stdout, "and others; all that are kept: --json");
	if (revert->state == REVERT_LOOKED)
		cli_line(stdout, "Nothing was written.  Associations in HubSpot stay as they are.");
}

static void
print_json(const struct wish *wish, const struct revert *revert, json_t *rows)
{
	json_t *doc = json_pack("{s:s, s:s, s:s, s:I, s:I, s:b, s:I, s:O}", "sync", wish->sync,
	    "state", revert_state_name(revert->state), "note", revert->note, "run",
	    (json_int_t)revert->run, "of", (json_int_t)revert->what.run, "removes",
	    revert->what.removes, "calls", (json_int_t)revert->calls, "rows", rows);

	for (size_t i = 0; i < BH_LEN(lines); i++)
		json_object_set_new(doc, lines[i].name,
		    json_integer((json_int_t)count_of(revert, i)));
	cli_print_json(doc);
	json_decref(doc);
}

static int
print(const struct wish *wish, const struct revert *revert)
{
	struct store_txn *txn = store_begin(wish->cli->store);
	struct bh_err err = BH_ERR_INIT;
	json_t *rows = NULL;
	int rc = revert_rows(txn, wish->sync, 0, REVERT_ROWS, &rows, &err);

	store_free(&txn);
	if (rc == 0 && wish->cli->json)
		print_json(wish, revert, rows);
	else if (rc == 0)
		print_text(revert, rows);
	json_decref(rows);
	if (rc < 0)
		return cli_error("%s", err.text);
	return revert->done.refused > 0 ? CLI_ATTENTION : 0;
}

/* -- runs -- */

static json_t *
run_json(const struct undo_run *run)
{
	char began[BH_CLOCK_TEXT], last[BH_CLOCK_TEXT];

	bh_rfc3339(began, run->began_ms);
	bh_rfc3339(last, run->last_ms);
	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:b}", "run",
	    (json_int_t)run->number, "cause", undo_cause_name(run->cause), "began", began, "ended",
	    last, "records", (json_int_t)run->records, "created", (json_int_t)run->created,
	    "fields", (json_int_t)run->fields, "of", (json_int_t)run->of, "by",
	    bh_json_string(run->by), "let_go", run->is_let_go);
}

static int
list(struct wish *wish)
{
	struct store_txn *txn = store_begin(wish->cli->store);
	struct undo_run *runs = bh_xcalloc(RUNS_SHOWN, sizeof(runs[0]));
	struct bh_err err = BH_ERR_INIT;
	json_t *docs = json_array(), *doc;
	size_t n = 0, i;
	int rc = load_sync(wish, txn, &err);

	if (rc == 0)
		rc = undo_runs(txn, wish->sync, 0, RUNS_SHOWN, runs, &n, &err);
	store_free(&txn);
	for (i = 0; i < n; i++)
		json_array_append_new(docs, run_json(&runs[i]));
	if (rc == 0 && wish->cli->json)
		cli_print_json(docs);
	json_array_foreach (docs, i, doc)
		if (!wish->cli->json)
			cli_line(stdout,
			    "%lld  %s  %s: %lld records, %lld of them made, %lld fields",
			    (long long)runs[i].number, bh_json_str(doc, "began"),
			    bh_json_str(doc, "cause"), (long long)runs[i].records,
			    (long long)runs[i].created, (long long)runs[i].fields);
	if (rc == 0 && n == 0 && !wish->cli->json)
		cli_line(stdout, "nothing is kept that was written");
	json_decref(docs);
	free(runs);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}

/* -- actions -- */

static int
work(struct wish *wish)
{
	struct revert revert = REVERT_INIT;
	struct bh_err err = BH_ERR_INIT;
	int status;

	if (store_run(wish->cli->store, press, wish, NULL, &err) < 0 ||
	    wait_for(wish, &revert, &err) < 0)
		status = cli_error("%s", err.text);
	else if (revert.state == REVERT_STOPPED || revert.state == REVERT_FAILED)
		status = cli_error("it %s%s%s",
		    revert.state == REVERT_STOPPED ? "was stopped" : "failed",
		    revert.note[0] != '\0' ? ": " : "", revert.note);
	else
		status = print(wish, &revert);
	revert_release(&revert);
	return status;
}

static int
show(struct wish *wish)
{
	struct revert revert = REVERT_INIT;
	struct bh_err err = BH_ERR_INIT;
	int status =
	    load(wish, &revert, &err) < 0 ? cli_error("%s", err.text) : print(wish, &revert);

	revert_release(&revert);
	return status;
}

static bool
is_sure(const struct wish *wish, const struct revert *revert)
{
	char answer[16];

	if (wish->cli->yes)
		return true;
	if (!isatty(STDIN_FILENO)) {
		cli_error("undo do asks on a terminal; without one give --yes");
		return false;
	}
	printf("%lld records of the CRM get values back, %lld are removed.  Do it?  Type yes: ",
	    (long long)revert->look.back, (long long)revert->look.removed);
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

/* What was looked at last. */
static int
do_it(struct wish *wish)
{
	struct revert revert = REVERT_INIT;
	struct bh_err err = BH_ERR_INIT;
	bool may;

	if (load(wish, &revert, &err) < 0)
		return cli_error("%s", err.text);
	wish->turn = revert.turn;
	may = revert.state != REVERT_LOOKED || is_sure(wish, &revert);
	revert_release(&revert);
	return may ? work(wish) : CLI_FAILED;
}

static int
change(struct wish *wish)
{
	struct bh_err err = BH_ERR_INIT;

	return store_run(wish->cli->store, press, wish, NULL, &err) < 0 ? cli_error("%s", err.text)
									: 0;
}

static int
release(struct wish *wish)
{
	const struct cli *cli = wish->cli;
	struct bh_err err = BH_ERR_INIT;
	struct link_id id;
	size_t n = 1;
	int rc;

	if (cli->args_n == 4) {
		id = record_of(wish);
		rc = undo_let_one_go(cli->store, &cli->key, &id, &err);
		if (rc > 0)
			return cli_error("it is not left alone");
	} else {
		rc = undo_let_go(cli->store, &cli->key, wish->sync, wish->run, &n, &err);
	}
	if (rc < 0)
		return cli_error("%s", err.text);
	cli_line(stdout, "%zu %s written again", n, n == 1 ? "record may be" : "records may be");
	return 0;
}

/* -- words -- */

static const struct action {
	const char *name;
	int (*run)(struct wish *wish);
	bool is_of; /* of a run or a record; looking also of a time */
} actions[] = {
    {"list", list, false},
    {"look", work, true},
    {"do", do_it, false},
    {"show", show, false},
    {"stop", change, false},
    {"go-on", work, false},
    {"release", release, true},
};

static int
usage(void)
{
	cli_error("an undo's actions are list, look, do, show, stop, go-on and release; look and "
		  "release take a run, or OBJECT ID; look also --since TIME [--until TIME]");
	return CLI_USAGE;
}

/* Do the words behind an action fit it? */
static bool
has_fitting_words(struct wish *wish, const struct action *action)
{
	const struct cli *cli = wish->cli;
	uint64_t run = 0;

	if (cli->args_n == 3 &&
	    (!bh_is_uint(cli->args[2], strlen(cli->args[2]), INT64_MAX, &run) || run == 0))
		return false;
	wish->run = (int64_t)run;
	if (!action->is_of)
		return cli->args_n <= 2;
	return cli->args_n > 2 || (action->run == work && cli->since != NULL);
}

int
cli_undo(struct cli *cli)
{
	struct wish wish = {.cli = cli,
	    .sync = cli->args[0],
	    .action = cli->args_n > 1 ? cli->args[1] : "list"};
	int status;

	if (read_time("since", cli->since, &wish.since_ms) != 0 ||
	    read_time("until", cli->until, &wish.until_ms) != 0)
		return CLI_USAGE;
	for (size_t i = 0; i < BH_LEN(actions); i++) {
		if (strcmp(actions[i].name, wish.action) != 0)
			continue;
		if (!has_fitting_words(&wish, &actions[i]))
			break;
		status = cli_store(cli);
		return status != 0 ? status : actions[i].run(&wish);
	}
	return usage();
}
