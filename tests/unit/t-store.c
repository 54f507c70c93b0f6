/*
 * The store's contract, the same tests on every engine.  For bdb a keeper is
 * forked by the start callback, in a directory of its own for each test.
 */
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

static bool
is_wanted(void *arg)
{
	(void)arg;
	return kill(test_pid, 0) == 0;
}

static _Noreturn void
be_keeper(const char *data_dir)
{
	const struct keeper_options options = {.data_dir = data_dir,
	    .cache_bytes = 8u << 20,
	    .ballast_bytes = ballast_bytes,
	    .checkpoint_bytes = 1u << 20,
	    .is_wanted = is_wanted};
	char path[128];

	close_range(3, ~0U, 0);
	snprintf(path, sizeof(path), "%s/keeper.log", data_dir);
	bh_log_fd(open(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
	bh_log_hook(NULL);
	bh_log_role("keeper");
	_exit(keeper_run(&options));
}

static int
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

static pid_t
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
static void
await_end(pid_t pid)
{
	int64_t end_ms = bh_mono_ms() + 10000;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		assert_true(bh_mono_ms() < end_ms);
		bh_sleep_ms(2);
	}
}

static void
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

static int
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

static int
setup_mem(void **state)
{
	return setup(state, "mem");
}

static int
setup_bdb(void **state)
{
	return setup(state, "bdb");
}

static void
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

static int
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

static void
put(struct fixture *f, const char *key, const char *value)
{
	store_put(f->txn, key, strlen(key), value, strlen(value));
}

static uint64_t
commit(struct fixture *f)
{
	uint64_t stamp = 0;

	if (store_commit(f->txn, &stamp, &f->err) < 0)
		fail_msg("commit: %s", f->err.text);
	return stamp;
}

static void
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

static void
holds(struct fixture *f, const char *key, const char *value)
{
	const char *got = look(f, key);

	if (value == NULL)
		assert_null(got);
	else
		assert_string_equal(got != NULL ? got : "(absent)", value);
}

/* -- transactions -- */

static void
test_put_get_delete(void **state)
{
	struct fixture *f = *state;
	uint64_t first, second;

	holds(f, "a", NULL);
	put(f, "a", "one");
	put(f, "b", "");
	first = commit(f);
	assert_true(first > 0);
	holds(f, "a", "one");
	holds(f, "b", "");
	put(f, "a", "two");
	store_delete(f->txn, "b", 1);
	store_delete(f->txn, "never", 5);
	second = commit(f);
	assert_true(second > first);
	holds(f, "a", "two");
	holds(f, "b", NULL);
	assert_int_equal(store_get(f->txn, "a", 1, NULL, &f->err), 1);
	assert_int_equal(store_get(f->txn, "b", 1, NULL, &f->err), 0);
}

/* A value is appended to what the buffer holds; an absent one leaves it alone. */
static void
test_get_appends(void **state)
{
	struct fixture *f = *state;

	put(f, "a", "one");
	commit(f);
	bh_buf_adds(&f->value, "<");
	assert_int_equal(store_get(f->txn, "a", 1, &f->value, &f->err), 1);
	assert_int_equal(store_get(f->txn, "b", 1, &f->value, &f->err), 0);
	assert_string_equal(f->value.data, "<one");
}

static void
test_own_writes(void **state)
{
	struct fixture *f = *state;
	char key[16];

	put(f, "a", "old");
	commit(f);
	put(f, "a", "new");
	holds(f, "a", "new");
	put(f, "a", "newer");
	holds(f, "a", "newer");
	store_delete(f->txn, "a", 1);
	holds(f, "a", NULL);
	store_put_stamped(f->txn, "s", 1, "x", 1);
	bh_buf_reset(&f->value);
	assert_int_equal(store_get(f->txn, "s", 1, &f->value, &f->err), 1);
	assert_int_equal(f->value.len, 1 + STORE_STAMP_LEN);
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		put(f, key, key);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		holds(f, key, key);
	}
	store_reset(f->txn);
	holds(f, "a", "old");
	holds(f, "k1", NULL);
}

/* Operations of one commit are applied in their order. */
static void
test_order_in_commit(void **state)
{
	struct fixture *f = *state;

	put(f, "a", "1");
	store_delete(f->txn, "a", 1);
	put(f, "b", "1");
	put(f, "b", "2");
	store_delete(f->txn, "c", 1);
	put(f, "c", "3");
	commit(f);
	holds(f, "a", NULL);
	holds(f, "b", "2");
	holds(f, "c", "3");
}

static void
test_append(void **state)
{
	struct fixture *f = *state;
	const struct store_scan scan = {.prefix = "J", .prefix_len = 1, .max = 10};
	const struct store_entry *entries;
	uint64_t first, second;
	unsigned char key[16] = "J";
	size_t n;
	bool more;

	store_append(f->txn, "J", 1, "", 0, "one", 3);
	store_put_stamped(f->txn, "index", 5, "at", 2);
	first = commit(f);
	store_append(f->txn, "J", 1, "b", 1, "three", 5);
	store_append(f->txn, "J", 1, "a", 1, "two", 3);
	second = commit(f);
	assert_int_equal(store_scan(f->txn, &scan, &entries, &n, &more, &f->err), 0);
	assert_int_equal(n, 3);
	assert_false(more);
	bh_put_be64(key + 1, first);
	assert_int_equal(entries[0].key_len, 9);
	assert_memory_equal(entries[0].key, key, 9);
	assert_string_equal(entries[0].value, "one");
	assert_true(entries[0].version == first);
	bh_put_be64(key + 1, second);
	assert_memory_equal(entries[1].key, key, 9);
	assert_int_equal(entries[1].key[9], 'a');
	assert_string_equal(entries[1].value, "two");
	assert_string_equal(entries[2].value, "three");
	bh_buf_reset(&f->value);
	assert_int_equal(store_get(f->txn, "index", 5, &f->value, &f->err), 1);
	assert_int_equal(f->value.len, 10);
	assert_memory_equal(f->value.data, "at", 2);
	assert_true(bh_get_be64((const unsigned char *)f->value.data + 2) == first);
}

/* Two appends with one key: nothing of the commit is applied, and the store goes on. */
static void
test_append_twice(void **state)
{
	struct fixture *f = *state;

	put(f, "a", "before");
	commit(f);
	put(f, "a", "x");
	put(f, "new", "x");
	store_delete(f->txn, "a", 1);
	store_append(f->txn, "J", 1, "s", 1, "x", 1);
	store_append(f->txn, "J", 1, "s", 1, "y", 1);
	refuse(f, BH_INVALID);
	store_reset(f->txn);
	holds(f, "a", "before");
	holds(f, "new", NULL);
	put(f, "a", "after");
	commit(f);
	holds(f, "a", "after");
}

static void
test_conflict(void **state)
{
	struct fixture *f = *state;
	struct store *other = open_store(f);
	struct store_txn *txn = store_begin(other);

	put(f, "a", "1");
	commit(f);
	assert_int_equal(store_get(f->txn, "a", 1, NULL, &f->err), 1);
	assert_int_equal(store_get(f->txn, "none", 4, NULL, &f->err), 0);
	put(f, "b", "1");
	store_put(txn, "a", 1, "2", 1);
	assert_int_equal(store_commit(txn, NULL, &f->err), 0);
	refuse(f, BH_CONFLICT);
	holds(f, "b", NULL);
	holds(f, "a", "2");
	/* The conflict reset it: only this goes. */
	put(f, "c", "1");
	commit(f);
	holds(f, "b", NULL);

	/* A key that was absent and appears conflicts too; one that is peeked at does not. */
	assert_int_equal(store_get(f->txn, "none", 4, NULL, &f->err), 0);
	put(f, "d", "1");
	store_put(txn, "none", 4, "", 0);
	assert_int_equal(store_commit(txn, NULL, &f->err), 0);
	refuse(f, BH_CONFLICT);
	assert_int_equal(store_peek(f->txn, "a", 1, NULL, &f->err), 1);
	put(f, "d", "1");
	store_put(txn, "a", 1, "3", 1);
	assert_int_equal(store_commit(txn, NULL, &f->err), 0);
	commit(f);
	holds(f, "d", "1");
	store_free(&txn);
	store_close(&other);
}

static void
test_expect(void **state)
{
	struct fixture *f = *state;
	uint64_t first, second;

	store_expect_absent(f->txn, "a", 1);
	put(f, "a", "1");
	first = commit(f);
	store_expect_absent(f->txn, "a", 1);
	put(f, "a", "2");
	refuse(f, BH_CONFLICT);
	store_expect(f->txn, "a", 1, first);
	put(f, "a", "3");
	second = commit(f);
	store_expect(f->txn, "a", 1, first);
	put(f, "a", "4");
	refuse(f, BH_CONFLICT);
	store_expect(f->txn, "a", 1, 0);
	put(f, "a", "5");
	refuse(f, BH_CONFLICT);
	holds(f, "a", "3");
	store_expect(f->txn, "a", 1, second);
	store_delete(f->txn, "a", 1);
	commit(f);
	store_expect(f->txn, "a", 1, 0);
	put(f, "a", "6");
	commit(f);
	/* Written again is another version, even with the same bytes. */
	store_expect(f->txn, "a", 1, second);
	put(f, "a", "7");
	refuse(f, BH_CONFLICT);
}

/* Without writes nothing is checked and nothing is sent. */
static void
test_empty_commit(void **state)
{
	struct fixture *f = *state;
	uint64_t stamp = 77;

	store_expect(f->txn, "a", 1, 12345);
	assert_int_equal(store_commit(f->txn, &stamp, &f->err), 0);
	assert_true(stamp == 0);
}

struct counter {
	struct store *other;
	int runs, spoil; /* how often somebody else writes in between */
	int answer;
};

static int
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

static void
test_run(void **state)
{
	struct fixture *f = *state;
	struct counter c = {.other = open_store(f)};
	uint64_t stamp = 0;

	assert_int_equal(store_run(f->store, count_up, &c, &stamp, &f->err), 0);
	assert_true(stamp > 0);
	assert_int_equal(c.runs, 1);
	c.spoil = 3;
	assert_int_equal(store_run(f->store, count_up, &c, NULL, &f->err), 0);
	assert_int_equal(c.runs, 5);
	holds(f, "n", "101");
	c.answer = 1;
	assert_int_equal(store_run(f->store, count_up, &c, NULL, &f->err), 1);
	holds(f, "n", "101");
	c.answer = -1;
	assert_int_equal(store_run(f->store, count_up, &c, NULL, &f->err), -1);
	assert_int_equal(f->err.code, BH_DENIED);
	c = (struct counter){.other = c.other, .spoil = 1000};
	assert_int_equal(store_run(f->store, count_up, &c, NULL, &f->err), -1);
	assert_int_equal(f->err.code, BH_CONFLICT);
	assert_int_equal(c.runs, 50);
	store_close(&c.other);
}

static void
test_too_large(void **state)
{
	struct fixture *f = *state;
	char *big = bh_xcalloc(1, STORE_VALUE_MAX + 1);
	char key[STORE_KEY_MAX + 1];

	memset(key, 'k', sizeof(key));
	memset(big, 'v', STORE_VALUE_MAX);
	store_put(f->txn, "a", 1, big, STORE_VALUE_MAX + 1);
	refuse(f, BH_INVALID);
	store_reset(f->txn);
	store_put(f->txn, key, STORE_KEY_MAX + 1, "", 0);
	refuse(f, BH_INVALID);
	store_reset(f->txn);
	store_append(f->txn, key, STORE_KEY_MAX - 7, "", 0, "", 0);
	refuse(f, BH_INVALID);
	store_reset(f->txn);
	store_put(f->txn, "", 0, "", 0);
	refuse(f, BH_INVALID);
	store_reset(f->txn);
	store_put(f->txn, "\0f", 2, "", 0);
	refuse(f, BH_INVALID);
	store_reset(f->txn);
	for (int i = 0; i < 4; i++) {
		key[0] = (char)('a' + i);
		store_put(f->txn, key, 1, big, STORE_VALUE_MAX);
	}
	refuse(f, BH_INVALID);
	store_reset(f->txn);
	for (int i = 0; i <= STORE_OPS_MAX; i++)
		store_append(f->txn, "J", 1, &i, sizeof(i), "", 0);
	refuse(f, BH_INVALID);
	store_reset(f->txn);
	/* What is just allowed works. */
	for (int i = 0; i < STORE_OPS_MAX; i++)
		store_append(f->txn, "J", 1, &i, sizeof(i), "", 0);
	commit(f);
	key[0] = 'k';
	store_put(f->txn, key, STORE_KEY_MAX, big, STORE_VALUE_MAX);
	store_append(f->txn, key, STORE_KEY_MAX - 8, "", 0, "", 0);
	store_put_stamped(f->txn, "s", 1, big, STORE_VALUE_MAX - 8);
	commit(f);
	assert_int_equal(store_get(f->txn, key, STORE_KEY_MAX, &f->value, &f->err), 1);
	assert_int_equal(f->value.len, STORE_VALUE_MAX);
	assert_memory_equal(f->value.data, big, STORE_VALUE_MAX);
	free(big);
}

/* -- many at once -- */

static void
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

static void
test_get_many(void **state)
{
	struct fixture *f = *state;
	struct store_item *items = calloc(2000, sizeof(*items));
	char(*keys)[16] = calloc(2000, sizeof(*keys));
	uint64_t stamp;

	fill(f, "m", 1000);
	put(f, "x", "1");
	stamp = commit(f);
	for (int i = 0; i < 2000; i++) {
		snprintf(keys[i], sizeof(keys[i]), "m%05d", i);
		items[i] = (struct store_item){.key = keys[i], .key_len = 6, .checked = i == 5};
	}
	items[1999] = (struct store_item){.key = "x", .key_len = 1, .checked = true};
	assert_int_equal(store_get_many(f->txn, items, 2000, &f->err), 0);
	for (int i = 0; i < 1999; i++) {
		assert_int_equal(items[i].found, i < 1000);
		if (i < 1000)
			assert_memory_equal(items[i].value, "value of m", 10);
		else
			assert_true(items[i].version == 0 && items[i].value_len == 0);
	}
	assert_true(items[1999].found && items[1999].version == stamp);
	assert_string_equal(items[1999].value, "1");

	/* Only the checked ones are compared. */
	put(f, "result", "1");
	commit(f);
	assert_int_equal(store_get_many(f->txn, items, 2000, &f->err), 0);
	put(f, "result", "2");
	store_expect(f->txn, "m00007", 6, 99);
	refuse(f, BH_CONFLICT);
	assert_int_equal(store_get_many(f->txn, items, 0, &f->err), 0);
	free(items);
	free(keys);
}

/* Answers are bounded: large values come in several messages, unseen by the caller. */
static void
test_get_many_large(void **state)
{
	struct fixture *f = *state;
	size_t len = 15u << 20;
	char *big = bh_xmalloc(len);
	char keys[6];
	struct store_item items[6];

	for (int i = 0; i < 6; i++) {
		memset(big, 'a' + i, len);
		keys[i] = (char)('a' + i);
		store_put(f->txn, &keys[i], 1, big, len);
		commit(f);
		items[i] = (struct store_item){.key = &keys[i], .key_len = 1};
	}
	assert_int_equal(store_get_many(f->txn, items, 6, &f->err), 0);
	for (int i = 0; i < 6; i++) {
		assert_true(items[i].found && items[i].value_len == len);
		assert_int_equal(items[i].value[0], keys[i]);
		assert_int_equal(items[i].value[len - 1], keys[i]);
	}
	free(big);
}

struct scan_case {
	const char *name;
	struct store_scan scan;
	const char *want; /* keys, separated by spaces; then '+' when more follow */
};

#define PREFIX(text) .prefix = (text), .prefix_len = sizeof(text) - 1
#define FROM(text) .from = (text), .from_len = sizeof(text) - 1

static const struct scan_case scan_cases[] = {
    {"all", {.max = 100}, "a b1 b2 b3 b\377x b\377y c d"},
    {"prefix", {PREFIX("b"), .max = 100}, "b1 b2 b3 b\377x b\377y"},
    {"one", {PREFIX("c"), .max = 100}, "c"},
    {"none between", {PREFIX("bb"), .max = 100}, ""},
    {"none behind", {PREFIX("z"), .max = 100}, ""},
    {"none before", {PREFIX("A"), .max = 100}, ""},
    {"limit", {PREFIX("b"), .max = 2}, "b1 b2 +"},
    {"exact limit", {PREFIX("b"), .max = 5}, "b1 b2 b3 b\377x b\377y"},
    {"from", {PREFIX("b"), FROM("b2"), .max = 2}, "b2 b3 +"},
    {"from between", {PREFIX("b"), FROM("b2!"), .max = 2}, "b3 b\377x +"},
    {"from behind", {PREFIX("b"), FROM("b\377z"), .max = 2}, ""},
    {"from without prefix", {FROM("b\377y"), .max = 2}, "b\377y c +"},
    {"high bytes", {PREFIX("b\377"), .max = 9}, "b\377x b\377y"},
    {"reverse all", {.max = 100, .reverse = true}, "d c b\377y b\377x b3 b2 b1 a"},
    {"reverse limit", {.max = 2, .reverse = true}, "d c +"},
    {"reverse prefix", {PREFIX("b"), .max = 2, .reverse = true}, "b\377y b\377x +"},
    {"reverse prefix, next key exists", {PREFIX("c"), .max = 2, .reverse = true}, "c"},
    {"reverse prefix of high bytes", {PREFIX("b\377"), .max = 9, .reverse = true}, "b\377y b\377x"},
    {"reverse last", {PREFIX("d"), .max = 9, .reverse = true}, "d"},
    {"reverse none behind", {PREFIX("z"), .max = 9, .reverse = true}, ""},
    {"reverse none before", {PREFIX("A"), .max = 9, .reverse = true}, ""},
    {"reverse none between", {PREFIX("bb"), .max = 9, .reverse = true}, ""},
    {"reverse all high", {PREFIX("\377"), .max = 9, .reverse = true}, ""},
    {"reverse from", {PREFIX("b"), FROM("b2"), .max = 9, .reverse = true}, "b2 b1"},
    {"reverse from between", {PREFIX("b"), FROM("b2!"), .max = 1, .reverse = true}, "b2 +"},
    {"reverse from the prefix", {PREFIX("b"), FROM("b"), .max = 1, .reverse = true}, ""},
    {"reverse from behind", {FROM("x"), .max = 1, .reverse = true}, "d +"},
};

static void
test_scan(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[] = {"a", "b1", "b2", "b3", "b\377x", "b\377y", "c", "d"};

	for (size_t i = 0; i < BH_LEN(keys); i++)
		put(f, keys[i], keys[i]);
	commit(f);
	for (size_t i = 0; i < BH_LEN(scan_cases); i++) {
		struct store_scan scan = scan_cases[i].scan;

		for (int keys_only = 0; keys_only < 2; keys_only++) {
			struct bh_buf got = BH_BUF_INIT(1000);
			const struct store_entry *entries;
			size_t n;
			bool more;

			scan.keys_only = keys_only != 0;
			assert_int_equal(store_scan(f->txn, &scan, &entries, &n, &more, &f->err),
			    0);
			for (size_t k = 0; k < n; k++) {
				bh_buf_addf(&got, "%s%.*s", k > 0 ? " " : "",
				    (int)entries[k].key_len, entries[k].key);
				assert_int_equal(entries[k].value_len,
				    keys_only ? 0 : entries[k].key_len);
				assert_memory_equal(entries[k].value, entries[k].key,
				    entries[k].value_len);
				assert_true(entries[k].version > 0);
			}
			bh_buf_adds(&got, more ? " +" : "");
			if (strcmp(bh_buf_str(&got), scan_cases[i].want) != 0)
				fail_msg("%s: got \"%s\"", scan_cases[i].name, bh_buf_str(&got));
			bh_buf_release(&got);
		}
	}
}

static void
test_scan_refused(void **state)
{
	struct fixture *f = *state;
	const struct store_scan wrong[] = {
	    {.max = 0},
	    {.max = 100001},
	    {PREFIX("b"), FROM("c"), .max = 1},
	    {PREFIX("b"), FROM("a"), .max = 1},
	    {.prefix = "\0f", .prefix_len = 2, .max = 1},
	    {.from = "\0f", .from_len = 2, .max = 1},
	};
	const struct store_entry *entries;
	size_t n;
	bool more;

	for (size_t i = 0; i < BH_LEN(wrong); i++) {
		assert_int_equal(store_scan(f->txn, &wrong[i], &entries, &n, &more, &f->err), -1);
		assert_int_equal(f->err.code, BH_INVALID);
	}
}

static void
test_scan_pages(void **state)
{
	struct fixture *f = *state;
	struct store_scan scan = {PREFIX("p"), .max = 700};
	const struct store_entry *entries;
	char from[64], want[64];
	size_t n, seen = 0, from_len = 0;
	bool more = true;

	fill(f, "o", 3);
	fill(f, "p", 5000);
	fill(f, "q", 3);
	while (more) {
		assert_int_equal(store_scan(f->txn, &scan, &entries, &n, &more, &f->err), 0);
		assert_true(n > 0);
		for (size_t i = 0; i < n; i++) {
			snprintf(want, sizeof(want), "p%05zu", seen++);
			assert_int_equal(entries[i].key_len, 6);
			assert_memory_equal(entries[i].key, want, 6);
		}
		/* The next page begins just behind the last key. */
		from_len = entries[n - 1].key_len + 1;
		memcpy(from, entries[n - 1].key, from_len - 1);
		from[from_len - 1] = '\0';
		scan.from = from;
		scan.from_len = from_len;
	}
	assert_int_equal(seen, 5000);
}

/* A page ends when it grows over 4 MiB, and says that more follow. */
static void
test_scan_large(void **state)
{
	struct fixture *f = *state;
	struct store_scan scan = {PREFIX("p"), .max = 100};
	const struct store_entry *entries;
	size_t n, len = 1500u << 10;
	char *big = bh_xmalloc(len);
	char key[16];
	bool more;

	for (int i = 0; i < 8; i++) {
		memset(big, '0' + i, len);
		snprintf(key, sizeof(key), "p%d", i);
		store_put(f->txn, key, 2, big, len);
		commit(f);
	}
	assert_int_equal(store_scan(f->txn, &scan, &entries, &n, &more, &f->err), 0);
	assert_true(n >= 2 && n <= 4 && more);
	for (size_t i = 0; i < n; i++)
		assert_true(
		    entries[i].value_len == len && entries[i].value[len - 1] == '0' + (int)i);
	scan.keys_only = true;
	assert_int_equal(store_scan(f->txn, &scan, &entries, &n, &more, &f->err), 0);
	assert_true(n == 8 && !more);
	free(big);
}

/* A small model of the store, against which random work is compared. */
static void
test_random_work(void **state)
{
	struct fixture *f = *state;
	char model[64][40] = {{0}};
	unsigned seed = 12345;

	for (int round = 0; round < 300; round++) {
		char next[64][40];

		memcpy(next, model, sizeof(next));
		for (int i = 0; i < 6; i++) {
			unsigned at;
			char key[2] = "A";

			seed = seed * 1103515245u + 12345u;
			at = seed >> 16 & 63;
			key[0] = (char)('A' + at);
			if ((seed >> 8 & 3) == 0) {
				store_delete(f->txn, key, 1);
				next[at][0] = '\0';
			} else {
				snprintf(next[at], sizeof(next[at]), "%u", seed);
				put(f, key, next[at]);
			}
		}
		if (round % 7 == 3) {
			store_expect(f->txn, "nothing", 7, 9);
			refuse(f, BH_CONFLICT);
		} else {
			commit(f);
			memcpy(model, next, sizeof(model));
		}
	}
	for (int i = 0; i < 64; i++) {
		char key[2] = {(char)('A' + i), '\0'};

		holds(f, key, model[i][0] != '\0' ? model[i] : NULL);
	}
}

static json_int_t
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

static void
test_stats(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(stat_of(f, "keys"), 0);
	fill(f, "k", 10);
	store_append(f->txn, "J", 1, "", 0, "", 0);
	put(f, "k00001", "again");
	store_delete(f->txn, "k00002", 6);
	store_delete(f->txn, "k99999", 6);
	commit(f);
	assert_int_equal(stat_of(f, "keys"), 10);
	store_expect(f->txn, "k00001", 6, 1000);
	put(f, "new", "");
	refuse(f, BH_CONFLICT);
	assert_int_equal(stat_of(f, "keys"), 10);
	assert_int_equal(stat_of(f, "commits"), 2);
	assert_int_equal(stat_of(f, "conflicts"), 1);
	assert_int_equal(store_ping(f->store, &f->err), 0);
}

/* -- watches -- */

static bool
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

static void
test_watch(void **state)
{
	struct fixture *f = *state;
	struct store *watcher = open_store(f);

	assert_int_equal(store_watch_fd(watcher), -1);
	assert_false(store_is_woken(watcher));
	assert_int_equal(store_watch(watcher, "J", 1, &f->err), 0);
	assert_int_equal(store_watch(watcher, "Q:", 2, &f->err), 0);
	/* Each wakes once when it begins. */
	assert_true(is_awake(watcher, 2000));
	while (is_awake(watcher, 100))
		continue;
	put(f, "other", "1");
	put(f, "Q", "1");
	commit(f);
	assert_false(is_awake(watcher, 100));
	put(f, "Q:1", "1");
	commit(f);
	assert_true(is_awake(watcher, 2000));
	assert_false(is_awake(watcher, 50));
	store_append(f->txn, "J", 1, "", 0, "1", 1);
	commit(f);
	assert_true(is_awake(watcher, 2000));
	store_delete(f->txn, "Q:1", 3);
	commit(f);
	assert_true(is_awake(watcher, 2000));
	/* A commit that conflicts touches nothing. */
	store_expect(f->txn, "J", 1, 99);
	put(f, "Q:2", "1");
	refuse(f, BH_CONFLICT);
	assert_false(is_awake(watcher, 50));
	/* Several commits may be one wake-up, but never none. */
	for (int i = 0; i < 500; i++) {
		put(f, "Q:3", "1");
		commit(f);
	}
	assert_true(is_awake(watcher, 2000));
	store_close(&watcher);
}

static void
test_watch_limit(void **state)
{
	struct fixture *f = *state;
	char prefix[2] = "a";

	for (int i = 0; i < 16; i++) {
		prefix[0] = (char)('a' + i);
		assert_int_equal(store_watch(f->store, prefix, 1, &f->err), 0);
	}
	assert_int_equal(store_watch(f->store, "a", 1, &f->err), 0);
	assert_int_equal(store_watch(f->store, "z", 1, &f->err), -1);
	assert_int_equal(f->err.code, BH_INVALID);
}

/* -- dump and load -- */

static int
write_to_buf(void *arg, const char *text, size_t len)
{
	bh_buf_add(arg, text, len);
	return 0;
}

struct source {
	const char *text;
	size_t len, at;
};

static int
read_from_text(void *arg, char *buf, size_t size)
{
	struct source *source = arg;
	size_t n = source->len - source->at;

	/* Uneven pieces, so that lines are cut anywhere. */
	n = n < 777 ? n : 777;
	n = n < size ? n : size;
	memcpy(buf, source->text + source->at, n);
	source->at += n;
	return (int)n;
}

static void
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

static void
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

static void
test_dump_load(void **state)
{
	struct fixture *f = *state;
	const struct store_options options = {.engine = "mem"};
	struct bh_buf first = BH_BUF_INIT(64u << 20), second = BH_BUF_INIT(64u << 20);
	struct source source;
	struct store *copy;
	struct store_txn *txn;
	uint64_t stamp;

	fill_random(f);
	assert_int_equal(store_dump(f->store, write_to_buf, &first, &f->err), 0);
	assert_int_equal(store_open(&options, &copy, &f->err), 0);
	source = (struct source){first.data, first.len, 0};
	if (store_load(copy, read_from_text, &source, &f->err) < 0)
		fail_msg("load: %s", f->err.text);
	check_same(f, copy);
	/* What is appended later sorts behind what was loaded. */
	txn = store_begin(copy);
	store_append(txn, "J", 1, "", 0, "later", 5);
	assert_int_equal(store_commit(txn, &stamp, &f->err), 0);
	assert_true(stamp > (uint64_t)stat_of(f, "stamp"));
	store_free(&txn);
	source.at = 0;
	assert_int_equal(store_load(copy, read_from_text, &source, &f->err), -1);
	assert_int_equal(f->err.code, BH_CONFLICT);
	store_close(&copy);
	/* And back into an engine of the kind under test. */
	assert_int_equal(store_dump(f->store, write_to_buf, &second, &f->err), 0);
	assert_string_equal(first.data, second.data);
	bh_buf_release(&first);
	bh_buf_release(&second);
}

static void
test_load_refused(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *line;
	} cases[] = {
	    {"", "line 0"},
	    {"{\"billhook_dump\":2}\n", "line 1"},
	    {"garbage\n", "line 1"},
	    {"{\"billhook_dump\":1}\n{\"k\":\"a\",\"v\":\"b\"}\n", "line 2"},
	    {"{\"billhook_dump\":1}\n{\"k\":\"a\",\"v\":\"b\"}\n{\"count\":2,\"stamp\":1}\n",
		"line 3"},
	    {"{\"billhook_dump\":1}\n{\"k\":\"a\"}\n{\"count\":1,\"stamp\":1}\n", "line 2"},
	    {"{\"billhook_dump\":1}\n{\"k64\":\"*\",\"v\":\"b\"}\n", "line 2"},
	    {"{\"billhook_dump\":1}\n{\"k\":\"\",\"v\":\"b\"}\n", "line 2"},
	    {"{\"billhook_dump\":1}\n{\"k\":\"a\",\"v\":\"b\"}", "line 2"},
	    {"{\"billhook_dump\":1}\n{\"count\":0,\"stamp\":1}\n{\"k\":\"a\",\"v\":\"b\"}\n",
		"line 3"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		const struct store_options options = {.engine = "mem"};
		struct source source = {cases[i].text, strlen(cases[i].text), 0};
		struct store *copy;

		assert_int_equal(store_open(&options, &copy, &f->err), 0);
		assert_int_equal(store_load(copy, read_from_text, &source, &f->err), -1);
		assert_int_equal(f->err.code, BH_INVALID);
		if (strstr(f->err.text, cases[i].line) == NULL)
			fail_msg("case %zu: %s", i, f->err.text);
		store_close(&copy);
	}
}

static void
test_load_here(void **state)
{
	struct fixture *f = *state;
	struct bh_buf text = BH_BUF_INIT(8u << 20);
	struct source source;

	bh_buf_adds(&text, "{\"billhook_dump\":1}\n");
	for (int i = 0; i < 5000; i++)
		bh_buf_addf(&text, "{\"k\":\"key%05d\",\"v\":\"value %d\"}\n", i, i);
	bh_buf_adds(&text, "{\"count\":5000,\"stamp\":123456}\n");
	source = (struct source){text.data, text.len, 0};
	if (store_load(f->store, read_from_text, &source, &f->err) < 0)
		fail_msg("load: %s", f->err.text);
	assert_int_equal(stat_of(f, "keys"), 5000);
	assert_true(stat_of(f, "stamp") > 123456);
	holds(f, "key04999", "value 4999");
	bh_buf_release(&text);
}

/* -- the same commit again -- */

static void
test_resend(void **state)
{
	struct fixture *f = *state;
	unsigned char id[WIRE_ID_LEN];
	uint64_t first = 0, again = 0;

	bh_random(id, sizeof(id));
	store_append(f->txn, "J", 1, "", 0, "once", 4);
	store_expect_absent(f->txn, "a", 1);
	put(f, "a", "1");
	txn_set_id(f->txn, id);
	assert_int_equal(store_commit(f->txn, &first, &f->err), 0);
	put(f, "b", "1");
	commit(f);
	if (strcmp(f->engine, "bdb") == 0)
		end_keeper(f, SIGKILL); /* it is remembered on the disk */
	store_append(f->txn, "J", 1, "", 0, "once", 4);
	store_expect_absent(f->txn, "a", 1);
	put(f, "a", "1");
	txn_set_id(f->txn, id);
	f->txn->first_sent_ms = bh_mono_ms();
	assert_int_equal(store_commit(f->txn, &again, &f->err), 0);
	assert_true(first == again);
	assert_int_equal(stat_of(f, "keys"), 3);
}

/* One that is older than what is remembered is refused, not applied a second time. */
static void
test_resend_late(void **state)
{
	struct fixture *f = *state;
	int64_t long_ago = bh_mono_ms();
	unsigned char id[WIRE_ID_LEN];

	bh_sleep_ms(2);
	for (int i = 0; i < 100; i++) {
		put(f, "a", "1");
		commit(f);
	}
	bh_random(id, sizeof(id));
	put(f, "a", "2");
	txn_set_id(f->txn, id);
	f->txn->first_sent_ms = long_ago;
	refuse(f, BH_UNAVAILABLE);
	holds(f, "a", "2"); /* our own, still collected */
	store_reset(f->txn);
	holds(f, "a", "1");
	put(f, "a", "2");
	txn_set_id(f->txn, id);
	f->txn->first_sent_ms = bh_mono_ms() + 1;
	commit(f);
}

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
	char backup[128], text[16];
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
	assert_int_equal(store_restore(f->dir, backup, &f->err), -1);
	assert_int_equal(f->err.code, BH_CONFLICT);

	snprintf(g.dir, sizeof(g.dir), "%.40s/copy", f->dir);
	assert_int_equal(mkdir(g.dir, 0700), 0);
	if (store_restore(g.dir, backup, &f->err) < 0)
		fail_msg("restore: %s", f->err.text);
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
	if (store_restore(g.dir, backup, &f->err) < 0)
		fail_msg("restore: %s", f->err.text);
	check_same(f, g.store);
	end_keeper(&g, SIGTERM);
	store_close(&g.store);
	assert_int_equal(store_restore(g.dir, f->dir, &f->err), -1);
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
	char backup[128], from[64];
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
	if (store_restore(g.dir, backup, &f->err) < 0)
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

#define BOTH(function)                                                                             \
	{"mem " #function, function, setup_mem, teardown, NULL},                                   \
	{                                                                                          \
		"bdb " #function, function, setup_bdb, teardown, NULL                              \
	}
#define BDB(function)                                                                              \
	{                                                                                          \
		"bdb " #function, function, setup_bdb, teardown, NULL                              \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_put_get_delete),
	    BOTH(test_get_appends),
	    BOTH(test_own_writes),
	    BOTH(test_order_in_commit),
	    BOTH(test_append),
	    BOTH(test_append_twice),
	    BOTH(test_conflict),
	    BOTH(test_expect),
	    BOTH(test_empty_commit),
	    BOTH(test_run),
	    BOTH(test_too_large),
	    BOTH(test_get_many),
	    BOTH(test_get_many_large),
	    BOTH(test_scan),
	    BOTH(test_scan_refused),
	    BOTH(test_scan_pages),
	    BOTH(test_scan_large),
	    BOTH(test_random_work),
	    BOTH(test_stats),
	    BOTH(test_watch),
	    BOTH(test_watch_limit),
	    BOTH(test_dump_load),
	    BOTH(test_load_refused),
	    BOTH(test_load_here),
	    BOTH(test_resend),
	    {"mem test_resend_late", test_resend_late, setup_mem, teardown, NULL},
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

	test_pid = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	bh_proc_init();
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
