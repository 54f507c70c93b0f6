/* The keeper: killed, stopped, hidden, full, damaged; backup and restore. */
#include "base/base.h"

#include "store-unit.h"

/* -- the keeper -- */

static void
test_keeper_killed(void **state)
{
	struct fixture *f = *state;
	char key[16];
	uint64_t last = 0;

	for (int i = 0; i < 8; i++) {
		uint64_t stamp;

		snprintf(key, sizeof(key), "k%d", i);
		put(f, key, key);
		stamp = commit(f);
		assert_true(stamp > last);
		last = stamp;
		end_keeper(f, i % 4 == 3 ? SIGTERM : SIGKILL);
		holds(f, key, key);
	}
	for (int i = 0; i < 8; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		holds(f, key, key);
	}
	assert_int_equal(stat_of(f, "keys"), 8);
}

static void
test_watch_heals(void **state)
{
	struct fixture *f = *state;
	struct store *watcher = open_store(f);

	assert_int_equal(store_watch(watcher, "a", 1, &f->err), 0);
	while (is_awake(watcher, 100))
		continue;
	end_keeper(f, SIGKILL);
	assert_true(is_awake(watcher, 2000)); /* the loss itself, or the new connection */
	while (is_awake(watcher, 200))
		continue;
	put(f, "a", "1");
	commit(f);
	assert_true(is_awake(watcher, 2000));
	store_close(&watcher);
}

static void
test_no_start(void **state)
{
	struct fixture *f = *state;
	struct store_options options = {.engine = "bdb", .data_dir = f->dir, .no_start = true};
	struct store *store;
	struct store_txn *txn;
	int64_t from_ms = bh_mono_ms();

	assert_int_equal(store_open(&options, &store, &f->err), 0);
	txn = store_begin(store);
	assert_int_equal(store_get(txn, "a", 1, NULL, &f->err), -1);
	assert_int_equal(f->err.code, BH_UNAVAILABLE);
	store_put(txn, "a", 1, "", 0);
	assert_int_equal(store_commit(txn, NULL, &f->err), -1);
	assert_int_equal(f->err.code, BH_UNAVAILABLE);
	assert_true(bh_mono_ms() - from_ms < 1000);
	store_free(&txn);
	store_close(&store);
	/* Nobody starts it, but somebody may: it is waited for, no longer than the deadline. */
	options = (struct store_options){.engine = "bdb", .data_dir = f->dir, .deadline_ms = 300};
	assert_int_equal(store_open(&options, &store, &f->err), 0);
	from_ms = bh_mono_ms();
	assert_int_equal(store_ping(store, &f->err), -1);
	assert_int_equal(f->err.code, BH_UNAVAILABLE);
	assert_in_range(bh_mono_ms() - from_ms, 290, 1500);
	store_close(&store);
	assert_int_equal(store_open(&(struct store_options){.engine = "oracle", .data_dir = f->dir},
			     &store, &f->err),
	    -1);
	assert_int_equal(f->err.code, BH_INVALID);
}

/* A keeper that does not answer is left at the deadline. */
static void
test_keeper_stopped(void **state)
{
	struct fixture *f = *state;
	const struct store_options options = {.engine = "bdb",
	    .data_dir = f->dir,
	    .deadline_ms = 300};
	pid_t pid = keeper_pid(f->store);
	struct store *store;
	struct store_txn *txn;
	uint64_t stamp = 0;
	int64_t from_ms;

	assert_int_equal(store_open(&options, &store, &f->err), 0);
	assert_int_equal(store_ping(store, &f->err), 0);
	txn = store_begin(store);
	kill(pid, SIGSTOP);
	store_append(txn, "J", 1, "", 0, "1", 1);
	from_ms = bh_mono_ms();
	assert_int_equal(store_commit(txn, NULL, &f->err), -1);
	assert_int_equal(f->err.code, BH_UNAVAILABLE);
	assert_in_range(bh_mono_ms() - from_ms, 290, 1500);
	kill(pid, SIGCONT);
	/* The same transaction again is the same commit: applied once, whenever that was. */
	assert_int_equal(store_commit(txn, &stamp, &f->err), 0);
	assert_true(stamp > 0);
	bh_sleep_ms(50);
	assert_int_equal(stat_of(f, "keys"), 1);
	store_free(&txn);
	store_close(&store);
}

static void
test_second_keeper(void **state)
{
	struct fixture *f = *state;
	int status = 0;
	pid_t pid;

	keeper_pid(f->store);
	pid = fork();
	if (pid == 0)
		be_keeper(f->dir);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), KEEPER_EXIT_TAKEN);
	assert_int_equal(store_ping(f->store, &f->err), 0);
}

/* Even when somebody removes run/, no second keeper opens the same database. */
static void
test_run_removed(void **state)
{
	struct fixture *f = *state;
	pid_t before = keeper_pid(f->store), after;
	char path[128];

	put(f, "a", "1");
	commit(f);
	snprintf(path, sizeof(path), "%s/run/keeper.sock", f->dir);
	assert_int_equal(unlink(path), 0);
	store_close(&f->store);
	store_free(&f->txn);
	f->store = open_store(f);
	f->txn = store_begin(f->store);
	holds(f, "a", "1");
	assert_int_equal(keeper_pid(f->store), before);
	snprintf(path, sizeof(path), "%s/run", f->dir);
	remove_tree(path);
	store_close(&f->store);
	store_free(&f->txn);
	f->store = open_store(f);
	f->txn = store_begin(f->store);
	holds(f, "a", "1");
	after = keeper_pid(f->store);
	assert_true(before != after);
	await_end(before);
}

static void
test_backup_restore(void **state)
{
	struct fixture *f = *state;
	struct fixture g = {.engine = "bdb"};
	char backup[128], log_file[150], text[16], *aside;
	struct store_txn *txn;

	fill_random(f);
	snprintf(backup, sizeof(backup), "%s/backup", f->dir);
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		put(f, "busy", text);
		commit(f);
	}
	store_delete(f->txn, "busy", 4);
	commit(f);
	if (store_backup(f->store, backup, &f->err) < 0)
		fail_msg("backup: %s", f->err.text);
	assert_int_equal(store_backup(f->store, backup, &f->err), -1);
	assert_int_equal(f->err.code, BH_INVALID);
	put(f, "later", "1");
	commit(f);
	assert_int_equal(store_restore(f->dir, backup, &aside, &f->err), -1);
	assert_int_equal(f->err.code, BH_CONFLICT);

	snprintf(g.dir, sizeof(g.dir), "%.40s/copy", f->dir);
	assert_int_equal(mkdir(g.dir, 0700), 0);
	if (store_restore(g.dir, backup, &aside, &f->err) < 0)
		fail_msg("restore: %s", f->err.text);
	assert_null(aside);
	store_delete(f->txn, "later", 5);
	commit(f);
	g.store = open_store(&g);
	check_same(f, g.store);
	txn = store_begin(g.store);
	store_put(txn, "goes on", 7, "", 0);
	assert_int_equal(store_commit(txn, NULL, &f->err), 0);
	store_free(&txn);
	end_keeper(&g, SIGTERM);
	/* Over a store that is there: it is kept aside. */
	if (store_restore(g.dir, backup, &aside, &f->err) < 0)
		fail_msg("restore: %s", f->err.text);
	assert_non_null(aside);
	assert_int_equal(access(aside, F_OK), 0);
	free(aside);
	check_same(f, g.store);
	end_keeper(&g, SIGTERM);
	/* Without its log a copy opens, and is an older one, or takes no writes. */
	snprintf(log_file, sizeof(log_file), "%s/log.0000000001", backup);
	assert_int_equal(unlink(log_file), 0);
	assert_int_equal(store_restore(g.dir, backup, &aside, &f->err), -1);
	assert_non_null(strstr(f->err.text, "the copy is not whole"));
	assert_null(aside);
	check_same(f, g.store);
	end_keeper(&g, SIGTERM);
	store_close(&g.store);
	assert_int_equal(store_restore(g.dir, f->dir, &aside, &f->err), -1);
	assert_int_equal(f->err.code, BH_INVALID);
}

/* Appends numbered values until it is killed; *acked counts them. */
static _Noreturn void
write_numbers(const struct fixture *f, volatile unsigned *acked)
{
	struct store *store = open_store(f);
	struct store_txn *txn = store_begin(store);
	char text[500] = "";

	for (unsigned i = 0;; i++) {
		snprintf(text, sizeof(text), "%u", i);
		store_append(txn, "N", 1, "", 0, text, sizeof(text));
		if (store_commit(txn, NULL, NULL) == 0)
			*acked = i + 1;
	}
}

/* A copy made while somebody writes holds everything up to some moment, and nothing after. */
static void
test_backup_under_load(void **state)
{
	struct fixture *f = *state;
	struct fixture g = {.engine = "bdb"};
	volatile unsigned *acked =
	    mmap(NULL, sizeof(*acked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct store_scan scan = {PREFIX("N"), .max = 100000};
	const struct store_entry *entries;
	struct store_txn *txn;
	unsigned before, seen = 0;
	char backup[128], from[64], *aside;
	bool more = true;
	pid_t writer;
	size_t n;

	keeper_pid(f->store);
	writer = fork();
	if (writer == 0)
		write_numbers(f, acked);
	while (*acked < 1500)
		bh_sleep_ms(1);
	before = *acked;
	snprintf(backup, sizeof(backup), "%s/backup", f->dir);
	if (store_backup(f->store, backup, &f->err) < 0)
		fail_msg("backup: %s", f->err.text);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	snprintf(g.dir, sizeof(g.dir), "%.40s/copy", f->dir);
	if (store_restore(g.dir, backup, &aside, &f->err) < 0)
		fail_msg("restore: %s", f->err.text);
	g.store = open_store(&g);
	txn = store_begin(g.store);
	while (more) {
		if (store_scan(txn, &scan, &entries, &n, &more, &f->err) < 0)
			fail_msg("scan: %s", f->err.text);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(atoi(entries[i].value), seen++);
		memcpy(from, entries[n - 1].key, entries[n - 1].key_len);
		from[entries[n - 1].key_len] = 0;
		scan.from = from;
		scan.from_len = entries[n - 1].key_len + 1;
	}
	assert_true(seen >= before);
	store_free(&txn);
	end_keeper(&g, SIGTERM);
	store_close(&g.store);
	munmap((void *)(uintptr_t)acked, sizeof(*acked));
}

/* A disk without room for the ballast: commits are refused, reads are answered. */
static void
test_disk_full(void **state)
{
	struct fixture *f = *state;

	unsigned char id[WIRE_ID_LEN];
	uint64_t first = 0, again = 0;

	bh_random(id, sizeof(id));
	put(f, "a", "1");
	txn_set_id(f->txn, id);
	assert_int_equal(store_commit(f->txn, &first, &f->err), 0);
	ballast_bytes = (size_t)1 << 50;
	end_keeper(f, SIGTERM);
	/* One that was applied before is not refused: that would say that it was not. */
	put(f, "a", "1");
	txn_set_id(f->txn, id);
	assert_int_equal(store_commit(f->txn, &again, &f->err), 0);
	assert_true(first == again);
	put(f, "a", "2");
	refuse(f, BH_STORAGE);
	assert_true(f->err.retry_after_s > 0);
	store_reset(f->txn);
	holds(f, "a", "1");
	ballast_bytes = 1u << 20;
	end_keeper(f, SIGTERM);
	put(f, "a", "3");
	commit(f);
	holds(f, "a", "3");
}

/* Change one byte of the database where text stands in it. */
static void
damage(const struct fixture *f, const char *text)
{
	char path[128], *bytes, *at;
	size_t len = 16u << 20;
	FILE *file;

	snprintf(path, sizeof(path), "%s/db/store.db", f->dir);
	bytes = bh_xmalloc(len);
	file = fopen(path, "r+");
	assert_non_null(file);
	len = fread(bytes, 1, len, file);
	at = memmem(bytes, len, text, strlen(text));
	assert_non_null(at);
	fseek(file, at - bytes, SEEK_SET);
	fputc(*at ^ 1, file);
	fclose(file);
	free(bytes);
}

/* What the disk changed is an error, not a value; the rest is served. */
static void
test_damaged(void **state)
{
	struct fixture *f = *state;
	const struct store_scan scan = {.max = 10};
	struct store_scan keys = {.max = 10, .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	put(f, "a", "a value that is to be damaged");
	put(f, "b", "another value");
	commit(f);
	end_keeper(f, SIGTERM);
	damage(f, "to be damaged");
	holds(f, "b", "another value");
	assert_int_equal(store_get(f->txn, "a", 1, &f->value, &f->err), -1);
	assert_int_equal(f->err.code, BH_STORAGE);
	assert_int_equal(store_scan(f->txn, &scan, &entries, &n, &more, &f->err), -1);
	assert_int_equal(f->err.code, BH_STORAGE);
	assert_int_equal(store_scan(f->txn, &keys, &entries, &n, &more, &f->err), 0);
	assert_int_equal(n, 2);
	put(f, "a", "written again");
	commit(f);
	holds(f, "a", "written again");
}

/* A data directory whose socket path does not fit an address. */
static void
test_long_path(void **state)
{
	struct fixture *f = *state;
	struct fixture g = {.engine = "bdb"};
	const struct store_options options = {.engine = "bdb", .data_dir = NULL};
	char path[200], socket_path[108];
	struct store_options o = options;

	snprintf(path, sizeof(path), "%s/%0*d", f->dir, 90, 0);
	assert_int_equal(mkdir(path, 0700), 0);
	o.data_dir = path;
	o.start = start_keeper;
	assert_int_equal(store_open(&o, &g.store, &f->err), 0);
	if (store_ping(g.store, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_int_equal(keeper_socket_path(path, socket_path, sizeof(socket_path), &f->err), 0);
	end_keeper(&g, SIGTERM);
	store_close(&g.store);
}

/* Several processes adding to one number: no update is lost. */
static void
test_many_processes(void **state)
{
	struct fixture *f = *state;
	pid_t pids[4];

	keeper_pid(f->store);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct store *store = open_store(f);
			struct counter c = {.other = store};
			int bad = 0;

			for (int k = 0; k < 100; k++)
				bad += store_run(store, count_up, &c, NULL, NULL) != 0;
			_exit(bad != 0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
	holds(f, "n", "400");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BDB(test_keeper_killed),
	    BDB(test_watch_heals),
	    BDB(test_no_start),
	    BDB(test_keeper_stopped),
	    BDB(test_second_keeper),
	    BDB(test_run_removed),
	    BDB(test_backup_restore),
	    BDB(test_backup_under_load),
	    BDB(test_disk_full),
	    BDB(test_damaged),
	    BDB(test_long_path),
	    BDB(test_many_processes),
	};

	store_unit_begin();
	return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
