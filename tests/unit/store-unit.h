/*
 * For the tests of the store: a store of either engine for each test; for bdb
 * a keeper is forked by the start callback, in a directory of its own.
 */
#ifndef TESTS_UNIT_STORE_UNIT_H
#define TESTS_UNIT_STORE_UNIT_H

#include "base/base.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/proc.h"
#include "base/text.h"
#include "store/keeper.h"
#include "store/key.h"
#include "store/txn.h"
#include "unit.h"

struct fixture {
	const char *engine;
	char dir[64];
	struct store *store;
	struct store_txn *txn;
	struct bh_err err;
	struct bh_buf value;
};

static size_t ballast_bytes; /* of keepers started from now on */
static pid_t test_pid;

/* -- a keeper of our own -- */

static inline bool
is_wanted(void *arg)
{
	(void)arg;
	return kill(test_pid, 0) == 0;
}

static inline _Noreturn void
be_keeper(const char *data_dir)
{
	const struct keeper_options options = {.data_dir = data_dir,
	    .cache_bytes = 8u << 20,
	    .ballast_bytes = ballast_bytes,
	    .checkpoint_bytes = 1u << 20,
	    .is_wanted = is_wanted};
	char path[160];

	close_range(3, ~0U, 0);
	snprintf(path, sizeof(path), "%s/keeper.log", data_dir);
	bh_log_fd(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
	bh_log_hook(NULL);
	bh_log_role("keeper");
	_exit(keeper_run(&options));
}

static inline int
start_keeper(const char *data_dir, struct bh_err *err)
{
	char copy[128];
	pid_t pid;

	snprintf(copy, sizeof(copy), "%s", data_dir);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return bh_fail_errno(err, BH_UNAVAILABLE, "cannot fork");
	if (pid == 0) {
		if (fork() == 0)
			be_keeper(copy);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return 0;
}

static inline pid_t
keeper_pid(struct store *store)
{
	struct bh_err err;
	json_t *stats;
	pid_t pid;

	if (store_stats(store, &stats, &err) < 0)
		fail_msg("%s", err.text);
	pid = (pid_t)json_integer_value(json_object_get(stats, "pid"));
	json_decref(stats);
	assert_true(pid > 1);
	return pid;
}

/* Keepers become our children when the process between has ended (see main). */
static inline void
await_end(pid_t pid)
{
	int64_t end_ms = bh_mono_ms() + 10000;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		assert_true(bh_mono_ms() < end_ms);
		bh_sleep_ms(2);
	}
}

static inline void
end_keeper(struct fixture *f, int number)
{
	pid_t pid = keeper_pid(f->store);

	kill(pid, number);
	await_end(pid);
}

static struct store *
open_store(const struct fixture *f)
{
	const struct store_options options = {.engine = f->engine,
	    .data_dir = f->dir,
	    .start = start_keeper};
	struct store *store;
	struct bh_err err;

	if (store_open(&options, &store, &err) < 0)
		fail_msg("%s", err.text);
	return store;
}

static inline int
setup(void **state, const char *engine)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->engine = engine;
	snprintf(f->dir, sizeof(f->dir), "/tmp/t-store.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->store = open_store(f);
	f->txn = store_begin(f->store);
	bh_buf_init(&f->value, STORE_VALUE_MAX);
	bh_log_hook(unit_log);
	unit_log_expected(false);
	*state = f;
	return 0;
}

static inline int
setup_mem(void **state)
{
	return setup(state, "mem");
}

static inline int
setup_bdb(void **state)
{
	return setup(state, "bdb");
}

static inline void
remove_tree(const char *dir)
{
	const char *const argv[] = {"/bin/rm", "-rf", dir, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;

	store_free(&f->txn);
	if (strcmp(f->engine, "bdb") == 0) {
		const struct store_options options = {.engine = "bdb",
		    .data_dir = f->dir,
		    .deadline_ms = 2000,
		    .no_start = true};
		struct store *store;
		json_t *stats = NULL;

		if (store_open(&options, &store, NULL) == 0) {
			if (store_stats(store, &stats, NULL) == 0) {
				pid_t pid =
				    (pid_t)json_integer_value(json_object_get(stats, "pid"));

				kill(pid, SIGTERM);
				await_end(pid);
			}
			json_decref(stats);
			store_close(&store);
		}
	}
	store_close(&f->store);
	bh_buf_release(&f->value);
	remove_tree(f->dir);
	ballast_bytes = 0;
	free(f);
	return 0;
}

/* -- small words -- */

static inline void
put(struct fixture *f, const char *key, const char *value)
{
	store_put(f->txn, key, strlen(key), value, strlen(value));
}

static inline uint64_t
commit(struct fixture *f)
{
	uint64_t stamp = 0;

	if (store_commit(f->txn, &stamp, &f->err) < 0)
		fail_msg("commit: %s", f->err.text);
	return stamp;
}

static inline void
refuse(struct fixture *f, enum bh_code code)
{
	assert_int_equal(store_commit(f->txn, NULL, &f->err), -1);
	assert_int_equal(f->err.code, code);
}

/* The value, or NULL when absent; borrowed until the next call. */
static const char *
look(struct fixture *f, const char *key)
{
	int rc;

	bh_buf_reset(&f->value);
	rc = store_peek(f->txn, key, strlen(key), &f->value, &f->err);
	if (rc < 0)
		fail_msg("peek: %s", f->err.text);
	return rc == 1 ? bh_buf_str(&f->value) : NULL;
}

static inline void
holds(struct fixture *f, const char *key, const char *value)
{
	const char *got = look(f, key);

	if (value == NULL)
		assert_null(got);
	else
		assert_string_equal(got != NULL ? got : "(absent)", value);
}

static inline void
fill(struct fixture *f, const char *prefix, int n)
{
	char key[64], value[96];

	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "%s%05d", prefix, i);
		snprintf(value, sizeof(value), "value of %s", key);
		put(f, key, value);
	}
	commit(f);
}

static inline json_int_t
stat_of(struct fixture *f, const char *name)
{
	json_t *stats;
	json_int_t value;

	if (store_stats(f->store, &stats, &f->err) < 0)
		fail_msg("%s", f->err.text);
	assert_non_null(json_object_get(stats, name));
	value = json_integer_value(json_object_get(stats, name));
	json_decref(stats);
	return value;
}

/* -- shared by several programs -- */

struct counter {
	struct store *other;
	int runs, spoil; /* how often somebody else writes in between */
	int answer;
};

static inline int
count_up(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct counter *c = arg;
	struct bh_buf value = BH_BUF_INIT(100);
	struct store_txn *txn2;
	char text[24];
	int rc = store_get(txn, "n", 1, &value, err);

	c->runs++;
	if (rc < 0)
		return -1;
	snprintf(text, sizeof(text), "%d", atoi(bh_buf_str(&value)) + 1);
	bh_buf_release(&value);
	store_put(txn, "n", 1, text, strlen(text));
	if (c->spoil-- > 0) {
		txn2 = store_begin(c->other);
		store_put(txn2, "n", 1, "100", 3);
		assert_int_equal(store_commit(txn2, NULL, err), 0);
		store_free(&txn2);
	}
	if (c->answer < 0)
		return bh_fail(err, BH_DENIED, "no");
	return c->answer;
}

static inline bool
is_awake(struct store *store, int wait_ms)
{
	int64_t end_ms = bh_mono_ms() + wait_ms;

	do {
		struct pollfd fd = {.fd = store_watch_fd(store), .events = POLLIN};
		int left_ms = (int)(end_ms - bh_mono_ms());

		if (fd.fd < 0)
			bh_sleep_ms(2);
		else
			poll(&fd, 1, left_ms > 0 ? left_ms : 0);
		if (store_is_woken(store))
			return true;
	} while (bh_mono_ms() < end_ms);
	return false;
}

static inline void
fill_random(struct fixture *f)
{
	unsigned char bytes[3000];
	char key[40];

	for (int i = 0; i < 300; i++) {
		size_t key_len = 3 + (size_t)i % 30, len = (size_t)i * 7;

		bh_random(bytes, sizeof(bytes));
		key[0] = 'r';
		memcpy(key + 1, bytes + 100, key_len - 1);
		key[1] = (char)(i >> 8); /* no two alike, however short */
		key[2] = (char)i;
		store_put(f->txn, key, key_len, bytes, len);
	}
	put(f, "text", "plain \"quoted\" text, \xc3\xa9, \\ and /");
	store_put(f->txn, "nul\0in key", 10, "and\0value\n", 10);
	store_put(f->txn, "empty", 5, "", 0);
	memset(bytes, 1, sizeof(bytes));
	store_put(f->txn, "controls", 8, bytes, sizeof(bytes));
	store_append(f->txn, "J", 1, "", 0, "event", 5);
	commit(f);
}

static inline void
check_same(struct fixture *f, struct store *copy)
{
	const struct store_scan scan = {.max = 1000};
	const struct store_entry *a, *b;
	struct store_txn *txn = store_begin(copy);
	size_t a_n, b_n;
	bool more;

	assert_int_equal(store_scan(f->txn, &scan, &a, &a_n, &more, &f->err), 0);
	assert_false(more);
	assert_int_equal(store_scan(txn, &scan, &b, &b_n, &more, &f->err), 0);
	assert_int_equal(a_n, b_n);
	assert_int_equal(a_n, 305);
	for (size_t i = 0; i < a_n; i++) {
		assert_int_equal(a[i].key_len, b[i].key_len);
		assert_memory_equal(a[i].key, b[i].key, a[i].key_len);
		assert_int_equal(a[i].value_len, b[i].value_len);
		assert_memory_equal(a[i].value, b[i].value, a[i].value_len);
	}
	store_free(&txn);
}

/* For struct store_scan. */
#define PREFIX(text) .prefix = (text), .prefix_len = sizeof(text) - 1

/* A test on both engines, or on bdb alone. */
#define BOTH(function)                                                                             \
	{"mem " #function, function, setup_mem, teardown, NULL},                                   \
	{                                                                                          \
		"bdb " #function, function, setup_bdb, teardown, NULL                              \
	}
#define BDB(function)                                                                              \
	{                                                                                          \
		"bdb " #function, function, setup_bdb, teardown, NULL                              \
	}

/* First thing in main(). */
static inline void
store_unit_begin(void)
{
	test_pid = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	bh_proc_init();
}

#endif
