/*
 * The spool: files appear whole or not at all; the keeper imports each once,
 * removes it after its flush, keeps what cannot be imported now and sets aside what never can.
 */
#include "base/base.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "store/keeper.h"
#include "unit.h"

struct fixture {
	char dir[64];
	pid_t keeper; /* 0: none */
	struct store *store;
	struct store_txn *txn;
	struct bh_err err;
};

/*
 * Contents: "bad..." can never be imported, "later..." not now, "skip..." is
 * known; "k=v" puts v at k and appends v, counted under n.
 */
static int
import_line(struct store_txn *txn, const void *content, size_t len, struct bh_err *err)
{
	const char *text = content, *equals = memchr(text, '=', len);
	struct bh_buf count = BH_BUF_INIT(100);
	char number[16];
	int rc;

	if (len >= 5 && memcmp(text, "later", 5) == 0)
		return bh_fail(err, BH_UNAVAILABLE, "not now");
	if (len >= 4 && memcmp(text, "skip", 4) == 0)
		return 1;
	if (equals == NULL)
		return bh_fail(err, BH_INVALID, "no line of ours");
	rc = store_get(txn, "n", 1, &count, err);
	snprintf(number, sizeof(number), "%d", atoi(bh_buf_str(&count)) + 1);
	bh_buf_release(&count);
	if (rc < 0)
		return -1;
	store_put(txn, "n", 1, number, strlen(number));
	store_put(txn, text, (size_t)(equals - text), equals + 1,
	    len - (size_t)(equals + 1 - text));
	store_append(txn, "J", 1, "", 0, equals + 1, len - (size_t)(equals + 1 - text));
	return 0;
}

static void
start_keeper(struct fixture *f, const char *fault)
{
	const struct keeper_options options = {.data_dir = f->dir, .import = import_line};
	char path[128];

	f->keeper = fork();
	if (f->keeper == 0) {
		if (fault != NULL)
			setenv("BILLHOOK_FAULT", fault, 1);
		snprintf(path, sizeof(path), "%s/keeper.log", f->dir);
		bh_log_hook(NULL);
		bh_log_fd(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
		_exit(keeper_run(&options));
	}
}

static int
end_keeper(struct fixture *f, int number)
{
	int status;

	if (number != 0)
		kill(f->keeper, number);
	waitpid(f->keeper, &status, 0);
	f->keeper = 0;
	return status;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct store_options options = {.engine = "bdb"};

	snprintf(f->dir, sizeof(f->dir), "/tmp/t-spool.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	options.data_dir = f->dir;
	if (store_open(&options, &f->store, NULL) < 0)
		return -1;
	f->txn = store_begin(f->store);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	if (f->keeper != 0)
		end_keeper(f, SIGTERM);
	store_free(&f->txn);
	store_close(&f->store);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	if (fork() == 0)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	wait(NULL);
	free(f);
	return 0;
}

static void
spool(struct fixture *f, const char *id, const char *content)
{
	if (store_spool(f->dir, id, content, strlen(content), &f->err) < 0)
		fail_msg("spool: %s", f->err.text);
}

/* Plain files in spool/<sub>. */
static int
count_files(const struct fixture *f, const char *sub)
{
	char path[128];
	const struct dirent *entry;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/spool/%s", f->dir, sub);
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.' && strcmp(entry->d_name, "bad") != 0;
	if (dir != NULL)
		closedir(dir);
	return n;
}

static void
await_files(const struct fixture *f, int n)
{
	int64_t end_ms = bh_mono_ms() + 10000;

	while (count_files(f, "") != n) {
		assert_true(bh_mono_ms() < end_ms);
		bh_sleep_ms(5);
	}
}

static void
holds(struct fixture *f, const char *key, const char *value)
{
	struct bh_buf got = BH_BUF_INIT(1u << 20);
	int rc = store_peek(f->txn, key, strlen(key), &got, &f->err);

	if (rc < 0)
		fail_msg("%s", f->err.text);
	assert_string_equal(rc == 1 ? bh_buf_str(&got) : "(absent)", value);
	bh_buf_release(&got);
}

static void
test_file(void **state)
{
	struct fixture *f = *state;
	char path[128], text[32];
	struct stat is;
	FILE *file;

	spool(f, "evt_1.a-b", "first");
	spool(f, "evt_1.a-b", "second, longer");
	spool(f, "other", "");
	assert_int_equal(count_files(f, ""), 2);
	snprintf(path, sizeof(path), "%s/spool/new.evt_1.a-b", f->dir);
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0600);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	assert_string_equal(text, "second, longer");
	fclose(file);
}

static void
test_ids(void **state)
{
	struct fixture *f = *state;
	static const char *const wrong[] = {"", "UPPER", "a/b", "..\\", "a b", "\xc3\xa9", "a\n"};
	char id[140];

	for (size_t i = 0; i < BH_LEN(wrong); i++) {
		assert_int_equal(store_spool(f->dir, wrong[i], "x", 1, &f->err), -1);
		assert_int_equal(f->err.code, BH_INVALID);
	}
	memset(id, 'a', sizeof(id));
	id[129] = '\0';
	assert_int_equal(store_spool(f->dir, id, "x", 1, &f->err), -1);
	id[128] = '\0';
	assert_int_equal(store_spool(f->dir, id, "x", 1, &f->err), 0);
	assert_int_equal(store_spool(f->dir, "..", "x", 1, &f->err),
	    0); /* harmless behind "new." */
	assert_int_equal(count_files(f, ""), 2);
	assert_int_equal(store_spool("/nonexistent/x/y/z", "a", "x", 1, &f->err), -1);
	assert_int_equal(f->err.code, BH_STORAGE);
}

static void
test_import(void **state)
{
	struct fixture *f = *state;
	char id[32], content[32];

	for (int i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "id%d", i);
		snprintf(content, sizeof(content), "k%d=value %d", i, i);
		spool(f, id, content);
	}
	spool(f, "known", "skip this");
	start_keeper(f, NULL);
	await_files(f, 0);
	holds(f, "k0", "value 0");
	holds(f, "k199", "value 199");
	holds(f, "n", "200");
	/* While it runs, too. */
	spool(f, "late", "late=yes");
	await_files(f, 0);
	holds(f, "late", "yes");
	holds(f, "n", "201");
}

static void
test_set_aside(void **state)
{
	struct fixture *f = *state;
	char path[128];

	spool(f, "a", "bad content");
	spool(f, "b", "k=v");
	snprintf(path, sizeof(path), "%s/spool/new.UPPER", f->dir);
	close(open(path, O_WRONLY | O_CREAT, 0600)); /* no file of ours: left alone */
	snprintf(path, sizeof(path), "%s/spool/new.dir", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	start_keeper(f, NULL);
	await_files(f, 1);
	holds(f, "k", "v");
	assert_int_equal(count_files(f, "bad"), 2);
}

/* Oldest first; what has to wait holds up those behind it, not those before. */
static void
test_waits(void **state)
{
	struct fixture *f = *state;

	spool(f, "z-first", "a=1");
	bh_sleep_ms(5);
	spool(f, "b", "later");
	start_keeper(f, NULL);
	await_files(f, 1);
	holds(f, "a", "1");
	spool(f, "b", "a=2"); /* it replaces the file that waits */
	await_files(f, 0);
	holds(f, "a", "2");
	assert_int_equal(count_files(f, "bad"), 0);
}

/* Killed between flush and removal: the file is met again, and changes nothing. */
static void
test_killed_after_flush(void **state)
{
	struct fixture *f = *state;

#ifndef BH_FAULTS
	(void)f;
	skip();
#endif
	spool(f, "a", "k=v");
	start_keeper(f, "spool-imported:die");
	assert_true(WIFSIGNALED(end_keeper(f, 0)));
	assert_int_equal(count_files(f, ""), 1);
	start_keeper(f, NULL);
	await_files(f, 0);
	holds(f, "k", "v");
	holds(f, "n", "1");
	/* The same id with other contents is other news. */
	spool(f, "a", "k=w");
	await_files(f, 0);
	holds(f, "k", "w");
	holds(f, "n", "2");
}

static void
test_killed_before_flush(void **state)
{
	struct fixture *f = *state;
	int status;

#ifndef BH_FAULTS
	(void)f;
	skip();
#endif
	spool(f, "a", "k=v");
	start_keeper(f, "bdb-flush:fail");
	status = end_keeper(f, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), KEEPER_EXIT_STORE);
	assert_int_equal(count_files(f, ""), 1);
	start_keeper(f, NULL);
	await_files(f, 0);
	holds(f, "n", "1");
}

/* A writer that dies or fails leaves nothing that would be imported. */
static void
test_writer_dies(void **state)
{
	struct fixture *f = *state;
	int status;

#ifndef BH_FAULTS
	(void)f;
	(void)status;
	skip();
#endif
	if (fork() == 0) {
		setenv("BILLHOOK_FAULT", "spool-written:die", 1);
		_exit(store_spool(f->dir, "a", "k=v", 3, NULL) == 0);
	}
	wait(&status);
	assert_true(WIFSIGNALED(status));
	if (fork() == 0) {
		setenv("BILLHOOK_FAULT", "spool-written:full", 1);
		_exit(store_spool(f->dir, "b", "k=v", 3, NULL) == 0);
	}
	wait(&status);
	assert_int_equal(status, 0);
	assert_int_equal(count_files(f, ""), 1); /* the dead one's, under a temporary name */
	start_keeper(f, NULL);
	if (store_ping(f->store, &f->err) < 0)
		fail_msg("%s", f->err.text);
	holds(f, "k", "(absent)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_import, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_set_aside, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_after_flush, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_before_flush, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_writer_dies, setup, teardown),
	};

	bh_proc_init();
	bh_log_hook(unit_log);
	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
