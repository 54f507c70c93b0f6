/* For tests of state/: a store in memory for each test, and calls that must succeed. */
#ifndef TESTS_UNIT_STATE_H
#define TESTS_UNIT_STATE_H

#include "store/store.h"
#include "unit.h"

struct fixture {
	struct store *store;
	struct store_txn *txn;
	struct bh_err err;
};

static inline int
state_open(void **state)
{
	static const struct store_options options = {.engine = "mem"};
	struct fixture *f = bh_xcalloc(1, sizeof(*f));

	if (store_open(&options, &f->store, &f->err) < 0)
		return -1;
	f->txn = store_begin(f->store);
	*state = f;
	return 0;
}

static inline int
state_close(void **state)
{
	struct fixture *f = *state;

	store_free(&f->txn);
	store_close(&f->store);
	free(f);
	return 0;
}

/* Value of a call that gives -1 with f->err when it fails. */
#define MUST(call) state_must(f, (call), __LINE__)

static inline int
state_must(const struct fixture *f, int rc, int line)
{
	if (rc < 0)
		fail_msg("line %d: %s: %s", line, bh_code_name(f->err.code), f->err.text);
	return rc;
}

/* The call fails with this code. */
#define MUST_FAIL(call, expected)                                                                  \
	do {                                                                                       \
		assert_int_equal((call), -1);                                                      \
		assert_int_equal(f->err.code, (expected));                                         \
	} while (0)

static inline void
state_commit(struct fixture *f)
{
	MUST(store_commit(f->txn, NULL, &f->err));
}

/* How many entries stand under prefix. */
static inline size_t
state_count(struct fixture *f, const char *prefix)
{
	struct store_scan scan = {.prefix = prefix,
	    .prefix_len = strlen(prefix),
	    .max = 100000,
	    .keys_only = true};
	struct store_txn *txn = store_begin(f->store);
	const struct store_entry *entries;
	size_t n;
	bool more;

	MUST(store_scan(txn, &scan, &entries, &n, &more, &f->err));
	store_free(&txn);
	return n;
}

#define STATE_TEST(test) cmocka_unit_test_setup_teardown(test, state_open, state_close)

#endif
