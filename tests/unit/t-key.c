/* Ordered keys: composing, order, splitting, limits. */
#include "base/base.h"

#include "store/key.h"
#include "unit.h"

static void
test_bytes(void **state)
{
	static const unsigned char want[] = "Fa\0bc\0\0\0\0\0\0\0\1\2raw";
	struct key key;

	(void)state;
	key_begin(&key, "F");
	key_text(&key, "a");
	key_text(&key, "bc");
	key_u64(&key, 258);
	key_raw(&key, "raw", 3);
	assert_int_equal(key_check(&key, NULL), 0);
	assert_int_equal(key.len, sizeof(want) - 1);
	assert_memory_equal(key.data, want, key.len);
}

static int
compare(const struct key *a, const struct key *b)
{
	int rc = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);

	return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}

/* Each pair sorts below the next: by the first part, then by the second. */
static void
test_order(void **state)
{
	static const struct {
		const char *first;
		uint64_t second;
	} sorted[] = {
	    {"", 0},
	    {"", UINT64_MAX},
	    {"a", 1},
	    {"a", 255},
	    {"a", 256},
	    {"a", UINT64_MAX},
	    {"a b", 0},
	    {"aa", 0},
	    {"ab", 0},
	    {"b", 0},
	};
	struct key keys[BH_LEN(sorted)];

	(void)state;
	for (size_t i = 0; i < BH_LEN(sorted); i++) {
		key_begin(&keys[i], "T");
		key_text(&keys[i], sorted[i].first);
		key_u64(&keys[i], sorted[i].second);
		for (size_t k = 0; k < i; k++)
			assert_true(compare(&keys[k], &keys[i]) < 0);
	}
}

static void
test_parts_differ(void **state)
{
	struct key a, b;

	(void)state;
	key_begin(&a, "T");
	key_text(&a, "a");
	key_text(&a, "bc");
	key_begin(&b, "T");
	key_text(&b, "ab");
	key_text(&b, "c");
	assert_int_not_equal(compare(&a, &b), 0);
}

static void
test_read(void **state)
{
	struct key_reader reader;
	const char *text;
	uint64_t number;
	struct key key;

	(void)state;
	key_begin(&key, "Fam");
	key_text(&key, "one");
	key_text(&key, "");
	key_u64(&key, 0x0102030405060708);
	key_text(&key, "last");
	key_read(&reader, key.data, key.len, "Fam");
	assert_true(is_key_text(&reader, &text));
	assert_string_equal(text, "one");
	assert_true(is_key_text(&reader, &text));
	assert_string_equal(text, "");
	assert_true(is_key_u64(&reader, &number));
	assert_true(number == 0x0102030405060708);
	assert_true(is_key_text(&reader, &text));
	assert_string_equal(text, "last");
	assert_false(is_key_text(&reader, &text));
	assert_false(is_key_u64(&reader, &number));
}

/* Keys that are not what the reader expects end it; nothing is read beyond them. */
static void
test_read_broken(void **state)
{
	struct key_reader reader;
	const char *text;
	uint64_t number;

	(void)state;
	key_read(&reader, "Xabc", 4, "F");
	assert_false(is_key_text(&reader, &text));
	key_read(&reader, "F", 1, "Fam");
	assert_false(is_key_u64(&reader, &number));
	key_read(&reader, "Fabc", 4, "F"); /* no NUL */
	assert_false(is_key_text(&reader, &text));
	assert_false(is_key_u64(&reader, &number)); /* 3 bytes are no number */
	key_read(&reader, "F1234567", 8, "F");
	assert_false(is_key_u64(&reader, &number));
	key_read(&reader, "F12345678", 9, "F");
	assert_true(is_key_u64(&reader, &number));
	key_read(&reader, "F", 1, "F");
	assert_false(is_key_text(&reader, &text));
}

static void
test_limit(void **state)
{
	char text[STORE_KEY_MAX];
	struct bh_err err = BH_ERR_INIT;
	struct key key;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[STORE_KEY_MAX - 2] = '\0';
	key_begin(&key, "F");
	key_text(&key, text); /* with family and NUL just the limit */
	assert_int_equal(key_check(&key, &err), 0);
	assert_int_equal(key.len, STORE_KEY_MAX);
	key_raw(&key, "", 0);
	assert_int_equal(key_check(&key, &err), 0);
	key_raw(&key, "x", 1);
	assert_int_equal(key_check(&key, &err), -1);
	assert_int_equal(err.code, BH_INVALID);
	/* It stays too long, whatever comes after. */
	key_raw(&key, "", 0);
	assert_int_equal(key_check(&key, NULL), -1);
	key_begin(&key, "F");
	key_u64(&key, 1);
	assert_int_equal(key_check(&key, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_parts_differ),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_read_broken),
	    cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
