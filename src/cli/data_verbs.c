/* Verbs about data: load, backup, restore, retry, resync. */
#include "base/base.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "cli/cli.h"
#include "run/supervisor.h"
#include "state/schema.h"
#include "sync/configure.h"
#include "sync/resync.h"

/* -- load -- */

static int
read_file(void *arg, char *buf, size_t size)
{
	size_t n = fread(buf, 1, size, arg);

	return ferror((FILE *)arg) ? -1 : (int)n;
}

int
cli_load(struct cli *cli)
{
	bool is_stdin = strcmp(cli->args[0], "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(cli->args[0], "re");
	struct bh_err err = BH_ERR_INIT;
	int status;

	if (file == NULL)
		return cli_error("cannot open %s: %s", cli->args[0], strerror(errno));
	status = cli_store_as_is(cli);
	if (status == 0 && store_load(cli->store, read_file, file, SCHEMA_WATCH, &err) < 0)
		status = cli_error("%s", err.text);
	/* Killed here, the dispatcher brings it up when it begins. */
	if (status == 0 && (bh_fault("load-schema") || schema_check(cli->store, &err) < 0))
		status = cli_error("%s", err.text);
	if (!is_stdin)
		fclose(file);
	return status;
}

/* -- backup, restore -- */

static int
copy_file(const char *from, const char *to, struct bh_err *err)
{
	char chunk[8192];
	int in = open(from, O_RDONLY | O_CLOEXEC), out, rc = 0;
	ssize_t n;

	if (in < 0)
		return errno == ENOENT ? 0 : bh_fail_errno(err, BH_STORAGE, "cannot open %s", from);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write %s", to);
	while (rc == 0 && (n = read(in, chunk, sizeof(chunk))) != 0) {
		if (n < 0)
			rc = bh_fail_errno(err, BH_STORAGE, "cannot read %s", from);
		else if (bh_write_full(out, chunk, (size_t)n, NULL) < 0)
			rc = bh_fail_errno(err, BH_STORAGE, "cannot write %s", to);
	}
	if (rc == 0 && fsync(out) < 0)
		rc = bh_fail_errno(err, BH_STORAGE, "cannot flush %s", to);
	close(in);
	if (out >= 0)
		close(out);
	bh_wipe(chunk, sizeof(chunk));
	return rc;
}

static int
copy_beside(const char *from_dir, const char *to_dir, const char *name, struct bh_err *err)
{
	char *from = bh_xasprintf("%s/%s", from_dir, name),
	     *to = bh_xasprintf("%s/%s", to_dir, name);
	int rc = copy_file(from, to, err);

	free(from);
	free(to);
	return rc;
}

int
cli_backup(struct cli *cli)
{
	const char *dir = cli->args[0];
	char *db = bh_xasprintf("%s/db", dir);
	struct bh_err err = BH_ERR_INIT;
	int status = cli_store_as_is(cli);

	if (status == 0 && mkdir(dir, 0700) < 0)
		status = cli_error("cannot make %s: %s", dir, strerror(errno));
	/* The store last: a place that has one, of a backup that was killed, is whole. */
	else if (status == 0 &&
		 (copy_beside(cli->conf.data_dir, dir, "key", &err) < 0 ||
		     copy_beside(cli->conf.data_dir, dir, "billhook.conf", &err) < 0 ||
		     store_backup(cli->store, db, &err) < 0))
		status = cli_error("%s", err.text);
	else if (status == 0 && !cli->quiet)
		printf("backup is in %s; it holds the key: keep it as safe as the original\n", dir);
	free(db);
	return status;
}

int
cli_restore(struct cli *cli)
{
	const char *dir = cli->args[0];
	char *db = bh_xasprintf("%s/db", dir), *key = conf_path(&cli->conf, "key");
	struct bh_err err = BH_ERR_INIT;
	int status = 0;

	if (supervisor_pid(cli->conf.data_dir) != 0)
		status = cli_error(
		    "Billhook runs in %s: stop it first (billhook stop, and the web server)",
		    cli->conf.data_dir);
	else if (bh_make_dir(cli->conf.data_dir, &err) < 0 ||
		 store_restore(cli->conf.data_dir, db, &err) < 0)
		status = cli_error("%s", err.text);
	else if (access(key, F_OK) < 0 &&
		 (copy_beside(dir, cli->conf.data_dir, "key", &err) < 0 ||
		     copy_beside(dir, cli->conf.data_dir, "billhook.conf", &err) < 0))
		status = cli_error("the store is restored, but: %s", err.text);
	else if (!cli->quiet)
		printf("restored; a store that was there before is kept in %s as db.before-TIME\n",
		    cli->conf.data_dir);
	if (status == 0 && access(key, F_OK) < 0)
		fprintf(stderr,
		    "billhook: the copy holds no key: put the one that it was made with at %s\n",
		    key);
	free(key);
	free(db);
	return status;
}

/* -- retry, resync -- */

int
cli_retry(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *codes = NULL, *code;
	struct store_txn *txn;
	size_t i, n = 0;
	int rc, status = cli_store(cli);

	if (status == 0 && cli->args_n != 0)
		status = cli_check_connection(cli, cli->args[0], false);
	if (status != 0)
		return status;
	txn = store_begin(cli->store);
	rc = account_connections(txn, &codes, &err);
	store_free(&txn);
	json_array_foreach (codes, i, code) {
		const char *dest = json_string_value(code);

		if (rc == 0 && (cli->args_n == 0 || strcmp(cli->args[0], dest) == 0))
			rc = configure_retry(cli->store, dest, &n, &err);
	}
	json_decref(codes);
	if (rc < 0)
		return cli_error("%s", err.text);
	printf("%zu records will be tried again\n", n);
	return 0;
}

int
cli_resync(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	size_t n;
	int status = cli_store(cli);

	if (status != 0)
		return status;
	if (resync_all(cli->store, &cli->key, cli->args[0], &n, &err) < 0)
		return cli_error("%s", err.text);
	printf("%zu records will be compared with what was pushed\n", n);
	return 0;
}
