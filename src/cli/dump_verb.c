/*
 * The verb dump.  What a file gets is of one moment: where somebody wrote
 * while the store was read, a copy is made (as for a backup), served by a
 * keeper of its own below run/, and read in its place.
 */
#include "base/base.h"

#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "cli/cli.h"
#include "store/keeper.h"

#define COPY_CACHE (16u << 20)
#define COPY_WAIT_MS 60000 /* until the copy's keeper serves */

static int
write_file(void *arg, const char *text, size_t len)
{
	return fwrite(text, 1, len, arg) == len ? 0 : -1;
}

/* The files of a directory, and itself. */
static void
remove_dir(const char *path)
{
	DIR *handle = opendir(path);
	const struct dirent *entry;

	while (handle != NULL && (entry = readdir(handle)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(handle), entry->d_name, 0);
	if (handle != NULL)
		closedir(handle);
	(void)rmdir(path);
}

static void
remove_copy(const char *dir)
{
	static const char *const parts[] = {"db", "run", "spool"};

	for (size_t i = 0; i < BH_LEN(parts); i++) {
		char *path = bh_xasprintf("%s/%s", dir, parts[i]);

		remove_dir(path);
		free(path);
	}
	remove_dir(dir);
}

/* The keeper of the copy, which ends with us; its pid, -1. */
static pid_t
serve_copy(const struct cli *cli, const char *dir)
{
	struct keeper_options options = {.data_dir = dir,
	    .cache_bytes = COPY_CACHE,
	    .checkpoint_bytes = COPY_CACHE,
	    .may_be_network = cli->conf.network_disk != 0};
	pid_t parent = getpid(), pid = bh_fork();

	if (pid != 0)
		return pid;
	bh_die_with_parent(parent);
	_exit(keeper_run(&options));
}

static int
dump_served(const char *dir, FILE *file, struct bh_err *err)
{
	struct store_options options = {.engine = "bdb",
	    .data_dir = dir,
	    .deadline_ms = COPY_WAIT_MS};
	struct store *store;
	int rc = store_open(&options, &store, err);

	if (rc < 0)
		return -1;
	rc = store_dump(store, write_file, file, err);
	store_close(&store);
	return rc;
}

static int
dump_copy(const struct cli *cli, const char *dir, FILE *file, struct bh_err *err)
{
	char *db = bh_xasprintf("%s/db", dir), *run = bh_xasprintf("%s/run", dir);
	int rc = bh_make_dir(run, err);
	pid_t pid = -1;

	if (rc == 0)
		rc = store_backup(cli->store, db, err);
	if (rc == 0) {
		pid = serve_copy(cli, dir);
		rc = pid < 0 ? bh_fail_errno(err, BH_STORAGE, "cannot fork") : 0;
	}
	if (rc == 0)
		rc = dump_served(dir, file, err);
	if (pid > 0) {
		kill(pid, SIGTERM);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	free(db);
	free(run);
	return rc;
}

/* Again into the file, of a copy.  One process at a time: what is left of one that was killed goes. */
static int
dump_again(const struct cli *cli, FILE *file, struct bh_err *err)
{
	char *dir = bh_xasprintf("%s/run/dump", cli->conf.data_dir), *lock;
	int fd = -1, rc;

	lock = bh_xasprintf("%s.lock", dir);
	rc = bh_lock_file(lock, &fd, err);
	if (rc == 0)
		rc = bh_fail(err, BH_UNAVAILABLE, "another dump is being made");
	else if (rc > 0)
		rc = 0;
	if (rc == 0 && (fseek(file, 0, SEEK_SET) < 0 || ftruncate(fileno(file), 0) < 0))
		rc = bh_fail_errno(err, BH_STORAGE, "cannot write the dump");
	if (rc == 0) {
		remove_copy(dir);
		rc = bh_make_dir(dir, err);
	}
	if (rc == 0) {
		rc = dump_copy(cli, dir, file, err);
		remove_copy(dir);
	}
	if (fd >= 0)
		close(fd);
	free(lock);
	free(dir);
	return rc;
}

static int
dump(const struct cli *cli, FILE *file, struct bh_err *err)
{
	int rc = store_dump(cli->store, write_file, file, err);

	if (rc > 0 && file != stdout)
		return dump_again(cli, file, err);
	/* For a person: what Billhook itself writes when it begins counts, too, and would be told of always. */
	if (rc > 0 && !cli->quiet && isatty(STDERR_FILENO))
		fprintf(stderr,
		    "billhook: somebody wrote meanwhile, and a part of that may be in the dump; "
		    "what is written to a file is of one moment\n");
	return rc < 0 ? -1 : 0;
}

int
cli_dump(struct cli *cli)
{
	bool is_file = cli->args_n != 0 && strcmp(cli->args[0], "-") != 0;
	FILE *file = is_file ? fopen(cli->args[0], "wxe") : stdout;
	struct bh_err err = BH_ERR_INIT;
	int status;

	if (file == NULL)
		return cli_error("cannot write %s: %s", cli->args[0], strerror(errno));
	status = cli_store_as_is(cli);
	if (status == 0 && dump(cli, file, &err) < 0)
		status = cli_error("%s", err.text);
	if (fflush(file) != 0)
		status = cli_error("cannot write the dump: %s", strerror(errno));
	if (file != stdout)
		fclose(file);
	return status;
}
