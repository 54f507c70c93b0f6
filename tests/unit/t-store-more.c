/* The store's contract, the same tests on every engine: counts, watches, dump and load, repeated commits. */
#include "base/base.h"

#include "store-unit.h"

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
	if (store_load(copy, read_from_text, &source, "", &f->err) < 0)
		fail_msg("load: %s", f->err.text);
	check_same(f, copy);
	/* What is appended later sorts behind what was loaded. */
	txn = store_begin(copy);
	store_append(txn, "J", 1, "", 0, "later", 5);
	assert_int_equal(store_commit(txn, &stamp, &f->err), 0);
	assert_true(stamp > (uint64_t)stat_of(f, "stamp"));
	store_free(&txn);
	source.at = 0;
	assert_int_equal(store_load(copy, read_from_text, &source, "", &f->err), -1);
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
		assert_int_equal(store_load(copy, read_from_text, &source, "", &f->err), -1);
		assert_int_equal(f->err.code, BH_INVALID);
		if (strstr(f->err.text, cases[i].line) == NULL)
			fail_msg("case %zu: %s", i, f->err.text);
		store_close(&copy);
	}
}

static int
write_and_disturb(void *arg, const char *text BH_UNUSED, size_t len BH_UNUSED)
{
	struct store **store = arg;
	struct store_txn *txn = *store != NULL ? store_begin(*store) : NULL;
	int rc = 0;

	if (txn != NULL) {
		store_put(txn, "meanwhile", 9, "", 0);
		rc = store_commit(txn, NULL, NULL);
	}
	store_free(&txn);
	*store = NULL;
	return rc;
}

/* Whoever writes while a dump is made is told of. */
static void
test_dump_disturbed(void **state)
{
	struct fixture *f = *state;
	struct store *store = f->store;

	fill_random(f);
	assert_int_equal(store_dump(f->store, write_and_disturb, &store, &f->err), 1);
	assert_int_equal(store_dump(f->store, write_and_disturb, &store, &f->err), 0);
}

/* The key that is to be last is absent until all is there. */
static void
test_load_last(void **state)
{
	static const char text[] =
	    "{\"billhook_dump\":1}\n{\"k\":\"a\",\"v\":\"1\"}\n{\"k\":\"b\",\"v\":\"2\"}\n"
	    "{\"k\":\"c\",\"v\":\"3\"}\n";
	static const char *const ends[] = {"", "{\"count\":3,\"stamp\":9}\n"};
	const struct store_options options = {.engine = "mem"};
	struct fixture *f = *state;

	for (size_t i = 0; i < BH_LEN(ends); i++) {
		char *whole = bh_xasprintf("%s%s", text, ends[i]);
		struct source source = {whole, strlen(whole), 0};
		struct bh_buf value = BH_BUF_INIT(10);
		struct store_txn *txn;
		struct store *copy;

		assert_int_equal(store_open(&options, &copy, &f->err), 0);
		assert_int_equal(store_load(copy, read_from_text, &source, "b", &f->err),
		    i == 0 ? -1 : 0);
		txn = store_begin(copy);
		assert_int_equal(store_get(txn, "b", 1, &value, &f->err), i);
		assert_string_equal(bh_buf_str(&value), i == 0 ? "" : "2");
		store_free(&txn);
		store_close(&copy);
		bh_buf_release(&value);
		free(whole);
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
	if (store_load(f->store, read_from_text, &source, "", &f->err) < 0)
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

/* A dump of many pages names each entry once. */
static void
test_dump_pages(void **state)
{
	struct fixture *f = *state;
	struct bh_buf text = BH_BUF_INIT(1 << 20);
	size_t lines = 0;

	for (int i = 0; i < 2500; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%04d", i);
		put(f, key, "v");
	}
	commit(f);
	assert_int_equal(store_dump(f->store, write_to_buf, &text, &f->err), 0);
	for (const char *at = bh_buf_str(&text); (at = strstr(at, "{\"k\":\"k")) != NULL; at++)
		lines++;
	assert_int_equal(lines, 2500);
	bh_buf_release(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_stats),
	    BOTH(test_watch),
	    BOTH(test_watch_limit),
	    BOTH(test_dump_load),
	    BOTH(test_dump_pages),
	    BOTH(test_dump_disturbed),
	    BOTH(test_load_refused),
	    BOTH(test_load_last),
	    BOTH(test_load_here),
	    BOTH(test_resend),
	    {"mem test_resend_late", test_resend_late, setup_mem, teardown, NULL},
	};

	store_unit_begin();
	return cmocka_run_group_tests_name("store, more", tests, NULL, NULL);
}
