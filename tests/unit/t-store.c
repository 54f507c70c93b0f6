/* The store's contract, the same tests on every engine: transactions and reading. */
#include "base/base.h"

#include "store-unit.h"

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
	};

	store_unit_begin();
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
