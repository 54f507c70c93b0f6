/* Verbs that run: serve, stop, reload, drain, status. */
#include "base/base.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "cli/cli.h"
#include "run/supervisor.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/queue.h"
#include "sync/ingest.h"

#define TAKEN_TRIES 30 /* serve: while another still holds the directory */
#define TAKEN_PAUSE_MS 100
#define DRAIN_IDLE_MS 400
#define START_MS 5000 /* longest wait for what was started in the background */

static int
supervise(struct cli *cli, const struct supervisor_options *options)
{
	struct bh_err err = BH_ERR_INIT;
	int status;

	bh_log_level(BH_INFO);
	if (conf_open_log(&cli->conf, "supervisor", &err) < 0)
		return cli_error("%s", err.text);
	status = supervisor_run(options);
	bh_log_fd(-1);
	return status;
}

/* Start a supervisor of its own and see that it holds the lock. */
static int
serve_detached(struct cli *cli)
{
	const char *dir = cli->conf.data_dir;
	int64_t end_ms = bh_mono_ms() + START_MS;
	struct bh_err err = BH_ERR_INIT;

	if (supervisor_start(dir, &err) < 0)
		return cli_error("%s", err.text);
	while (supervisor_pid(dir) == 0) {
		if (bh_mono_ms() > end_ms)
			return cli_error("Billhook does not start; its log says why");
		bh_sleep_ms(10);
	}
	return 0;
}

int
cli_serve(struct cli *cli)
{
	struct supervisor_options options = {.conf = &cli->conf, .front = cli->parts->front};
	struct bh_err err = BH_ERR_INIT;
	int status;

	/* Say at once what would otherwise fail over and over in the children. */
	if (account_key_load(cli->conf.data_dir, &cli->key, &err) < 0)
		return cli_error("%s", err.text);
	if (cli->detach && supervisor_pid(cli->conf.data_dir) == 0)
		return serve_detached(cli);
	status = cli->detach ? SUPERVISOR_EXIT_TAKEN : supervise(cli, &options);
	/* What a verb started ends with the verb: give it a moment. */
	for (int i = 0; i < TAKEN_TRIES && status == SUPERVISOR_EXIT_TAKEN && !cli->quiet; i++) {
		bh_sleep_ms(TAKEN_PAUSE_MS);
		status = supervise(cli, &options);
	}
	if (status == SUPERVISOR_EXIT_TAKEN && !cli->quiet)
		cli_error("Billhook runs already in %s (pid %d)", cli->conf.data_dir,
		    (int)supervisor_pid(cli->conf.data_dir));
	return status == SUPERVISOR_EXIT_TAKEN ? CLI_FAILED : status;
}

static int
signal_running(struct cli *cli, int number, pid_t *pid_r)
{
	*pid_r = supervisor_pid(cli->conf.data_dir);
	if (*pid_r == 0) {
		if (!cli->quiet)
			cli_error("nothing runs in %s", cli->conf.data_dir);
		return CLI_NOT_RUNNING;
	}
	if (kill(*pid_r, number) < 0)
		return cli_error("cannot signal process %d: %s", (int)*pid_r, strerror(errno));
	return 0;
}

int
cli_stop(struct cli *cli)
{
	pid_t pid;
	int status = signal_running(cli, SIGTERM, &pid);

	for (int i = 0; status == 0 && i < 4000; i++) {
		if (supervisor_pid(cli->conf.data_dir) != pid)
			return 0;
		bh_sleep_ms(10);
	}
	return status != 0 ? status : cli_error("process %d does not stop", (int)pid);
}

int
cli_reload(struct cli *cli)
{
	pid_t pid;

	return signal_running(cli, SIGUSR1, &pid);
}

/* -- drain -- */

/* Is anything due now?  1, 0, -1. */
static int
is_due(struct cli *cli, struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	json_t *jobs = NULL, *job;
	size_t i;
	int rc = ingest_is_due(txn, err);
	bool busy = rc > 0;

	if (rc == 0)
		rc = queue_list(txn, &jobs, err);
	json_array_foreach (jobs, i, job) {
		busy = busy || strcmp(bh_json_str(job, "state"), "leased") == 0;
	}
	json_decref(jobs);
	if (rc == 0 && !busy)
		rc = queue_is_due(txn, bh_now_ms(), err);
	store_free(&txn);
	return rc < 0 ? -1 : (busy || rc > 0);
}

/* Somebody else works here: wait until they are through. */
static int
wait_until_idle(struct cli *cli)
{
	int64_t end_ms = cli->seconds > 0 ? bh_mono_ms() + cli->seconds * 1000 : INT64_MAX;
	struct bh_err err = BH_ERR_INIT;
	int64_t idle_since = 0;
	int status = cli_store(cli);

	while (status == 0 && bh_mono_ms() < end_ms) {
		int due = is_due(cli, &err);

		if (due < 0)
			return cli_error("%s", err.text);
		if (due > 0)
			idle_since = 0;
		else if (idle_since == 0)
			idle_since = bh_mono_ms();
		else if (bh_mono_ms() - idle_since > DRAIN_IDLE_MS)
			return 0;
		bh_sleep_ms(50);
	}
	return status;
}

int
cli_drain(struct cli *cli)
{
	struct supervisor_options options = {.conf = &cli->conf,
	    .front = cli->parts->spool,
	    .idle_exit_ms = DRAIN_IDLE_MS,
	    .limit_ms = cli->seconds * 1000};
	struct bh_err err = BH_ERR_INIT;
	int status;

	if (account_key_load(cli->conf.data_dir, &cli->key, &err) < 0)
		return cli_error("%s", err.text);
	status = supervise(cli, &options);
	return status == SUPERVISOR_EXIT_TAKEN ? wait_until_idle(cli) : status;
}

/* -- status -- */

static void
show_age(char out[64], int64_t at_ms)
{
	int64_t age = (bh_now_ms() - at_ms) / 1000;

	if (at_ms == 0)
		snprintf(out, 64, "never");
	else if (age < 120)
		snprintf(out, 64, "%lld s ago", (long long)age);
	else if (age < 7200)
		snprintf(out, 64, "%lld min ago", (long long)age / 60);
	else
		bh_rfc3339(out, at_ms / 1000 * 1000);
}

static json_t *
lane_json(const struct account_connection *c, const struct link_lane *lane)
{
	return json_pack(
	    "{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I}", "code",
	    c->code, "driver", c->driver, "broken", c->broken, "paused", c->paused, "in_step",
	    (json_int_t)lane->in_step, "dirty", (json_int_t)lane->dirty, "held",
	    (json_int_t)lane->held, "waiting_parent", (json_int_t)lane->waiting_parent, "excluded",
	    (json_int_t)lane->excluded, "pause_until_ms", (json_int_t)lane->pause_until_ms,
	    "reason", lane->reason, "last_push_ms", (json_int_t)lane->last_push_ms, "calls",
	    (json_int_t)lane->calls, "day_used", (json_int_t)lane->day_used, "day_limit",
	    (json_int_t)lane->day_limit);
}

static int
collect_lanes(struct store_txn *txn, json_t *lanes, json_t *sources, struct bh_err *err)
{
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection c;
		struct link_lane lane;

		if (rc < 0 || (rc = account_connection_load(txn, NULL, json_string_value(code), &c,
				   err)) <= 0)
			continue;
		if (c.is_source)
			json_array_append_new(sources, json_pack("{s:s, s:s, s:b}", "code", c.code,
							   "driver", c.driver, "paused", c.paused));
		else if ((rc = link_lane_get(txn, c.code, &lane, err)) == 0)
			json_array_append_new(lanes, lane_json(&c, &lane));
		account_connection_release(&c);
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

static void
print_lane(const json_t *lane)
{
	const char *broken = bh_json_str(lane, "broken");
	char age[64];

	show_age(age, bh_json_int(lane, "last_push_ms", 0));
	printf(
	    "%-20s %8lld in step %8lld waiting %6lld need you %6lld excluded   last push %s, %lld calls\n",
	    bh_json_str(lane, "code"), (long long)bh_json_int(lane, "in_step", 0),
	    (long long)(bh_json_int(lane, "dirty", 0) + bh_json_int(lane, "waiting_parent", 0)),
	    (long long)bh_json_int(lane, "held", 0), (long long)bh_json_int(lane, "excluded", 0),
	    age, (long long)bh_json_int(lane, "calls", 0));
	if (*broken != '\0')
		printf("%-20s stopped: %s\n", "", broken);
	if (bh_json_int(lane, "pause_until_ms", 0) > bh_now_ms())
		printf("%-20s pauses: %s\n", "", bh_json_str(lane, "reason"));
}

int
cli_status(struct cli *cli)
{
	json_t *lanes = json_array(), *sources = json_array(), *stats = NULL, *lane, *doc;
	struct bh_err err = BH_ERR_INIT;
	struct store_txn *txn;
	size_t backlog = 0, i;
	bool attention = false;
	int status = cli_store(cli), rc = 0;

	if (status == 0) {
		txn = store_begin(cli->store);
		rc = collect_lanes(txn, lanes, sources, &err);
		if (rc == 0)
			rc = journal_backlog(txn, 100000, &backlog, &err);
		store_free(&txn);
		if (rc == 0)
			rc = store_stats(cli->store, &stats, &err);
	}
	if (rc < 0)
		status = cli_error("%s", err.text);
	json_array_foreach (lanes, i, lane) {
		attention = attention || bh_json_int(lane, "held", 0) != 0 ||
			    *bh_json_str(lane, "broken") != '\0';
	}
	doc = json_pack("{s:O, s:O, s:I, s:o}", "lanes", lanes, "sources", sources, "backlog",
	    (json_int_t)backlog, "store", stats != NULL ? stats : json_null());
	if (status == 0 && cli->json) {
		cli_print_json(doc);
	} else if (status == 0) {
		printf("%zu events wait to be handled\n", backlog);
		json_array_foreach (lanes, i, lane) {
			print_lane(lane);
		}
	}
	json_decref(doc);
	json_decref(lanes);
	json_decref(sources);
	return status != 0 ? status : attention ? CLI_ATTENTION : 0;
}
