/* Verbs about data: load, backup, restore, retry, resync. */
#include "base/base.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/cli.h"
#include "run/supervisor.h"
#include "state/first.h"
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

/* A store in which no more than `billhook init` was done makes room for what is loaded. */
static int
make_room(struct store_txn *txn, void *arg, struct bh_err *err)
{
	(void)arg;
	return first_clear(txn, err) < 0 ? -1 : 0;
}

/* Do the secrets that were loaded open with our key?  1, 0, -1. */
static int
has_their_key(struct cli *cli, struct bh_err *err)
{
	struct store_txn *txn = store_begin(cli->store);
	json_t *codes = NULL, *code;
	int rc = account_connections(txn, &codes, err), found = 1;
	size_t i;

	json_array_foreach (codes, i, code) {
		struct account_connection connection;
		struct bh_err why = BH_ERR_INIT;

		if (rc < 0 || found < 1)
			break;
		rc = account_connection_load(txn, &cli->key, json_string_value(code), &connection,
		    &why);
		if (rc < 0 && why.code != BH_DENIED && err != NULL)
			*err = why;
		if (rc < 0 && why.code == BH_DENIED)
			found = rc = 0;
		account_connection_release(&connection);
	}
	json_decref(codes);
	store_free(&txn);
	return rc < 0 ? -1 : found;
}

static int
load(struct cli *cli, FILE *file)
{
	struct bh_err err = BH_ERR_INIT;
	int rc;

	if (store_run(cli->store, make_room, NULL, NULL, &err) < 0 ||
	    store_load(cli->store, read_file, file, SCHEMA_WATCH, &err) < 0)
		return cli_error("%s", err.text);
	/* Killed here, the dispatcher brings it up when it begins. */
	if (bh_fault("load-schema") || schema_check(cli->store, &err) < 0)
		return cli_error("%s", err.text);
	rc = has_their_key(cli, &err);
	if (rc == 0)
		return cli_error("the dump is loaded, but %s/key does not open its secrets: "
				 "put the key of the directory that the dump was made in there",
		    cli->conf.data_dir);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}

int
cli_load(struct cli *cli)
{
	bool is_stdin = strcmp(cli->args[0], "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(cli->args[0], "re");
	int status;

	if (file == NULL)
		return cli_error("cannot open %s: %s", cli->args[0], strerror(errno));
	if (supervisor_pid(cli->conf.data_dir) != 0)
		status = cli_error(
		    "Billhook runs in %s: stop it first (billhook stop, and the web server)",
		    cli->conf.data_dir);
	else
		status = cli_store_alone(cli);
	if (status == 0)
		status = load(cli, file);
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

/* The keeper takes whatever lies in db/ for its own. */
static bool
is_below_store(const struct conf *conf, const char *dir)
{
	char *path = conf_path(conf, "db"), *db = realpath(path, NULL), *real = realpath(dir, NULL);
	bool is_below =
	    db != NULL && real != NULL && bh_has_prefix(real, db) && real[strlen(db)] == '/';

	free(path);
	free(db);
	free(real);
	return is_below;
}

static int
make_target(const struct conf *conf, const char *dir)
{
	if (mkdir(dir, 0700) < 0)
		return errno == EEXIST
			   ? cli_error("%s is there already: a copy wants a new directory", dir)
			   : cli_error("cannot make %s: %s", dir, strerror(errno));
	if (!is_below_store(conf, dir))
		return 0;
	(void)rmdir(dir);
	return cli_error("%s lies in the store itself: put the copy elsewhere", dir);
}

int
cli_backup(struct cli *cli)
{
	const char *dir = cli->args[0];
	char *db = bh_xasprintf("%s/db", dir);
	struct bh_err err = BH_ERR_INIT;
	int status = cli_store_as_is(cli);

	if (status == 0)
		status = make_target(&cli->conf, dir);
	/* The store last: a place that has one, of a backup that was killed, is whole. */
	if (status == 0 && (copy_beside(cli->conf.data_dir, dir, "key", &err) < 0 ||
			       copy_beside(cli->conf.data_dir, dir, "billhook.conf", &err) < 0 ||
			       store_backup(cli->store, db, &err) < 0))
		status = cli_error("%s", err.text);
	else if (status == 0 && !cli->quiet)
		printf("backup is in %s; it holds the key: keep it as safe as the original\n", dir);
	free(db);
	return status;
}

static bool
has_key(const char *dir)
{
	char *path = bh_xasprintf("%s/key", dir);
	bool is_there = access(path, F_OK) == 0;

	free(path);
	return is_there;
}

/* The copy's key and options, into a directory that has no key. */
static int
restore_beside(const struct conf *conf, const char *dir, struct bh_err *err)
{
	if (has_key(conf->data_dir))
		return 0;
	if (copy_beside(dir, conf->data_dir, "key", err) < 0)
		return -1;
	return copy_beside(dir, conf->data_dir, "billhook.conf", err);
}

int
cli_restore(struct cli *cli)
{
	const char *dir = cli->args[0], *data_dir = cli->conf.data_dir;
	char *db = bh_xasprintf("%s/db", dir), *aside = NULL;
	struct bh_err err = BH_ERR_INIT;
	int status = 0;

	if (supervisor_pid(data_dir) != 0)
		status = cli_error(
		    "Billhook runs in %s: stop it first (billhook stop, and the web server)",
		    data_dir);
	else if (bh_make_dir(data_dir, &err) < 0 || store_restore(data_dir, db, &aside, &err) < 0)
		status = cli_error("%s", err.text);
	else if (restore_beside(&cli->conf, dir, &err) < 0)
		status = cli_error("the store is restored, but: %s", err.text);
	else if (!has_key(data_dir))
		status = cli_error("the store is restored, but the copy holds no key: "
				   "put the one that it was made with at %s/key",
		    data_dir);
	else if (!cli->quiet)
		printf(aside != NULL ? "restored; the store that was there before is kept: %s\n"
				     : "restored\n",
		    aside);
	free(aside);
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
