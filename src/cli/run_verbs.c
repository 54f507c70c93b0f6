/* Verbs that run: serve, stop, reload, drain. */
#include "base/base.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "cli/cli.h"
#include "conf/mode.h"
#include "run/supervisor.h"
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
	mode_note_drain(&cli->conf);
	status = supervise(cli, &options);
	return status == SUPERVISOR_EXIT_TAKEN ? wait_until_idle(cli) : status;
}
