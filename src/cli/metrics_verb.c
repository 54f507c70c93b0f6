/* The verb metrics: the figures for a monitoring system, and the token to read them with over HTTP. */
#include "base/base.h"

#include "base/clock.h"
#include "cli/cli.h"
#include "state/monitor.h"
#include "state/trail.h"
#include "sync/metrics.h"

static int
print_figures(struct cli *cli)
{
	struct bh_buf text = BH_BUF_INIT(METRICS_MAX);
	struct bh_err err = BH_ERR_INIT;
	int status = 0;

	if (metrics_add(cli->store, cli->conf.data_dir, bh_now_ms(), &text, &err) < 0)
		status = cli_error("%s", err.text);
	else
		fwrite(text.data, 1, text.len, stdout);
	bh_buf_release(&text);
	return status;
}

static void
note(struct store_txn *txn, const char *text)
{
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = "metrics",
	    .text = text,
	    .by = "command line"};

	trail_add(txn, 0, &entry);
}

static int
make_token(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	monitor_token_new(txn, bh_now_ms(), arg);
	note(txn, "a token for figures was made on the command line");
	return 0;
}

static int
drop_token(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	monitor_token_drop(txn);
	note(txn, "the token for figures was taken back on the command line");
	return 0;
}

static int
print_token(struct cli *cli)
{
	char token[MONITOR_TOKEN_LEN + 1];
	struct bh_err err = BH_ERR_INIT;

	if (store_run(cli->store, make_token, token, NULL, &err) < 0)
		return cli_error("%s", err.text);
	printf("%s\n", token);
	if (!cli->quiet)
		fputs("Shown only now; the token before it is of no use any more.\n", stderr);
	bh_wipe(token, sizeof(token));
	return 0;
}

int
cli_metrics(struct cli *cli)
{
	const char *action = cli->args_n > 0 ? cli->args[0] : "";
	struct bh_err err = BH_ERR_INIT;
	int status;

	if (*action != '\0' && strcmp(action, "token") != 0 && strcmp(action, "no-token") != 0) {
		cli_error("metrics: there is no %.60s; token or no-token", action);
		return CLI_USAGE;
	}
	status = cli_store(cli);
	if (status != 0)
		return status;
	if (strcmp(action, "token") == 0)
		return print_token(cli);
	if (*action == '\0')
		return print_figures(cli);
	return store_run(cli->store, drop_token, NULL, NULL, &err) < 0 ? cli_error("%s", err.text)
								       : 0;
}
