/* Exact fractions: arithmetic at the edges, order, rounding, texts. */
#include "model/fraction.h"
#include "unit.h"

static struct fraction
read(const char *text)
{
	struct fraction value = {0, 0};

	assert_true(is_fraction_read(text, &value));
	return value;
}

/* 2^127 - 1, the largest number there is. */
#define LARGEST "170141183460469231731687303715884105727"

static void
arithmetic(void **state BH_UNUSED)
{
	static const struct {
		char verb;
		const char *a, *b, *result; /* NULL: does not fit */
	} cases[] = {
	    {'+', "1/2", "1/3", "5/6"},
	    {'+', "1/6", "1/3", "1/2"},
	    {'+', "-1/2", "1/2", "0"},
	    {'-', "1/2", "1/3", "1/6"},
	    {'-', "0", "7/12", "-7/12"},
	    {'-', "-1", "-1", "0"},
	    {'*', "2/3", "3/4", "1/2"},
	    {'*', "-2/3", "3", "-2"},
	    {'*', "0", "9/7", "0"},
	    {'/', "1", "12", "1/12"},
	    {'/', "-7", "-14", "1/2"},
	    {'/', "3", "-6", "-1/2"},
	    {'/', "3", "0", NULL},
	    {'+', LARGEST, "1", NULL},
	    {'+', LARGEST, "-1", "170141183460469231731687303715884105726"},
	    {'-', "-" LARGEST, "1", NULL},
	    {'*', LARGEST, "2", NULL},
	    {'*', LARGEST, "1/2", LARGEST "/2"},
	    {'*', LARGEST "/2", "2/3", LARGEST "/3"},
	    {'*', "1/" LARGEST, LARGEST, "1"},
	    {'*', "1/" LARGEST, "1/2", NULL},
	    {'/', "1/" LARGEST, "1/" LARGEST, "1"},
	    {'+', "1/" LARGEST, "-1/" LARGEST, "0"},
	    {'+', "1/" LARGEST, "1/2", NULL},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct fraction a = read(cases[i].a), b = read(cases[i].b);
		bool done = cases[i].verb == '+'   ? is_fraction_added(&a, &b, &a)
			    : cases[i].verb == '-' ? is_fraction_taken(&a, &b, &a)
			    : cases[i].verb == '*' ? is_fraction_multiplied(&a, &b, &a)
						   : is_fraction_divided(&a, &b, &a);
		char text[FRACTION_TEXT];

		if (done != (cases[i].result != NULL))
			fail_msg("%s %c %s: %d", cases[i].a, cases[i].verb, cases[i].b, done);
		fraction_text(text, &a);
		/* What does not fit leaves the result as it was. */
		assert_string_equal(text, done ? cases[i].result : cases[i].a);
	}
}

static void
decimals(void **state BH_UNUSED)
{
	static const struct {
		const char *decimal, *fraction;
	} cases[] = {
	    {"0", "0"},
	    {"1500", "1500"},
	    {"-0.05", "-1/20"},
	    {"33.333333333333", "33333333333333/1000000000000"},
	    {"0.000000000000000001", "1/1000000000000000000"},
	};
	struct money_decimal decimal;
	struct fraction value;
	char text[FRACTION_TEXT];

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		assert_true(is_money_decimal(cases[i].decimal, &decimal));
		assert_true(is_fraction_decimal(&decimal, &value));
		fraction_text(text, &value);
		assert_string_equal(text, cases[i].fraction);
	}
	decimal = (struct money_decimal){1, 39};
	assert_false(is_fraction_decimal(&decimal, &value));
	value = fraction_of(INT64_MIN);
	fraction_text(text, &value);
	assert_string_equal(text, "-9223372036854775808");
}

static void
order(void **state BH_UNUSED)
{
	/* Ascending, all different. */
	static const char *const texts[] = {
	    "-" LARGEST,
	    "-" LARGEST "/2",
	    "-2",
	    "-5/3",
	    "-3/2",
	    "-1",
	    "-1/2",
	    "-1/" LARGEST,
	    "0",
	    "1/" LARGEST,
	    "1/170141183460469231731687303715884105726",
	    "1/3",
	    "33333333333333/100000000000000",
	    "170141183460469231731687303715884105725/170141183460469231731687303715884105726",
	    "170141183460469231731687303715884105726/" LARGEST,
	    "1",
	    "3/2",
	    LARGEST "/3",
	    LARGEST,
	};

	for (size_t i = 0; i < BH_LEN(texts); i++) {
		for (size_t j = 0; j < BH_LEN(texts); j++) {
			struct fraction a = read(texts[i]), b = read(texts[j]);
			int expect = i < j ? -1 : i > j;

			/* 1/3 is more than its decimals, which stand behind it. */
			if ((i == 11 && j == 12) || (i == 12 && j == 11))
				expect = -expect;
			if (fraction_compare(&a, &b) != expect)
				fail_msg("%s and %s", texts[i], texts[j]);
		}
	}
}

static void
rounding(void **state BH_UNUSED)
{
	static const struct {
		const char *value;
		int64_t by, result;
	} cases[] = {
	    {"0", 12, 0},
	    {"6", 12, 1},
	    {"-6", 12, -1},
	    {"71/12", 12, 0},
	    {"5999999999999/1000000000000", 12, 0},
	    {"6000000000001/1000000000000", 12, 1},
	    {"18", 12, 2},
	    {"35/2", 12, 1},
	    {"3/2", 3, 1},
	    {"7/5", 3, 0},
	    {"1/2", 1, 1},
	    {"-1/2", 1, -1},
	    {"49/100", 1, 0},
	    {"9223372036854775807", 1, INT64_MAX},
	    {"-9223372036854775808", 1, INT64_MIN},
	    {LARGEST "/2", INT64_MAX, 0},
	};
	struct fraction value;
	int64_t result = 0;

	for (size_t i = 0; i < BH_LEN(cases) - 1; i++) {
		value = read(cases[i].value);
		assert_true(is_fraction_rounded(&value, cases[i].by, &result));
		if (result != cases[i].result)
			fail_msg("%s / %lld: %lld", cases[i].value, (long long)cases[i].by,
			    (long long)result);
	}
	value = read("9223372036854775808");
	assert_false(is_fraction_rounded(&value, 1, &result));
	assert_true(is_fraction_rounded(&value, 2, &result));
	assert_true(result == INT64_C(4611686018427387904));
	value = read("18446744073709551615/2");
	assert_false(is_fraction_rounded(&value, 1, &result));
	value = read(LARGEST);
	assert_false(is_fraction_rounded(&value, INT64_MAX, &result));
	/* With m = 2^63 - 1 this is (2m² + 4m + 1) / 4m, a trace above 2^62 + 1/2. */
	value = read(LARGEST "/4");
	assert_true(is_fraction_rounded(&value, INT64_MAX, &result));
	assert_true(result == INT64_C(4611686018427387904) + 1);
}

static void
texts(void **state BH_UNUSED)
{
	static const char *const bad[] = {"", "-", "1/", "/2", "1/0", "1/-2", "+1", " 1", "1 ",
	    "1.5", "--1", "1/2/3", "170141183460469231731687303715884105728", "0x1"};
	static const char *const good[][2] = {{"301320", "301320"}, {"-7/12", "-7/12"},
	    {"4/6", "2/3"}, {"0/5", "0"}, {"-0", "0"}};
	struct fraction value = {7, 1};
	char text[FRACTION_TEXT];

	for (size_t i = 0; i < BH_LEN(bad); i++)
		if (is_fraction_read(bad[i], &value))
			fail_msg("read '%s'", bad[i]);
	assert_true(value.above == 7 && value.below == 1);
	for (size_t i = 0; i < BH_LEN(good); i++) {
		value = read(good[i][0]);
		fraction_text(text, &value);
		assert_string_equal(text, good[i][1]);
	}
	/* The longest text fits. */
	value = read("-" LARGEST "/170141183460469231731687303715884105726");
	fraction_text(text, &value);
	assert_string_equal(text, "-" LARGEST "/170141183460469231731687303715884105726");
}

static uint64_t seed = 20261122;

static int64_t
any(int64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int64_t)((seed >> 33) % (uint64_t)below);
}

/* Small numbers, where products of both sides can be told directly. */
static void
laws(void **state BH_UNUSED)
{
	for (int i = 0; i < 50000; i++) {
		struct fraction a = fraction_of(any(2001) - 1000),
				b = fraction_of(any(2001) - 1000), by = fraction_of(any(60) + 1),
				sum, back;
		int64_t rounded, cross;

		assert_true(is_fraction_divided(&a, &by, &a));
		by = fraction_of(any(60) + 1);
		assert_true(is_fraction_divided(&b, &by, &b));
		cross = (int64_t)(a.above * b.below - b.above * a.below);
		assert_int_equal(fraction_compare(&a, &b), (cross > 0) - (cross < 0));
		assert_true(is_fraction_added(&a, &b, &sum));
		assert_true(is_fraction_taken(&sum, &b, &back));
		assert_int_equal(fraction_compare(&a, &back), 0);
		if (b.above != 0) {
			assert_true(is_fraction_multiplied(&a, &b, &sum));
			assert_true(is_fraction_divided(&sum, &b, &back));
			assert_true(back.above == a.above && back.below == a.below);
		}
		/* |2 (value - rounded)| <= 1, and at one half it is the one farther from 0. */
		assert_true(is_fraction_rounded(&a, 1, &rounded));
		cross = (int64_t)(2 * (a.above - rounded * a.below));
		assert_true(cross <= a.below && cross >= -a.below);
		if (cross == a.below || cross == -a.below)
			assert_true((a.above > 0) == (cross < 0));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arithmetic),
	    cmocka_unit_test(decimals),
	    cmocka_unit_test(order),
	    cmocka_unit_test(rounding),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(laws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
