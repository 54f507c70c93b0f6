/* The version of the stored formats. */
#include "base/base.h"

#include "state.h"
#include "state/schema.h"

static void
put_version(struct fixture *f, const char *text)
{
	store_put(f->txn, "Vs", 2, text, strlen(text));
	state_commit(f);
}

static void
empty_store_is_stamped(void **state)
{
	struct fixture *f = *state;
	struct bh_buf value = BH_BUF_INIT(20);
	char want[12];

	assert_int_equal(MUST(schema_check(f->store, &f->err)), 0);
	MUST(store_get(f->txn, "Vs", 2, &value, &f->err));
	snprintf(want, sizeof(want), "%d", SCHEMA_VERSION);
	assert_string_equal(bh_buf_str(&value), want);
	bh_buf_release(&value);
	assert_int_equal(MUST(schema_check(f->store, &f->err)), 0);
}

static void
newer_store_is_refused(void **state)
{
	struct fixture *f = *state;
	struct bh_buf value = BH_BUF_INIT(20);

	put_version(f, "4711");
	MUST_FAIL(schema_check(f->store, &f->err), BH_INVALID);
	assert_non_null(strstr(f->err.text, "4711"));
	MUST(store_get(f->txn, "Vs", 2, &value, &f->err));
	assert_string_equal(bh_buf_str(&value), "4711");
	bh_buf_release(&value);
}

static void
broken_versions(void **state)
{
	static const char *const texts[] = {"", "x", "-1", "1 ", "99999999999999999999"};
	struct fixture *f = *state;

	for (size_t i = 0; i < BH_LEN(texts); i++) {
		put_version(f, texts[i]);
		MUST_FAIL(schema_check(f->store, &f->err), BH_STORAGE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(empty_store_is_stamped),
	    STATE_TEST(newer_store_is_refused),
	    STATE_TEST(broken_versions),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
