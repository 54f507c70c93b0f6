/* Money: exponents, texts both ways, exact decimals. */
#include "model/money.h"
#include "unit.h"

static void
exponents(void **state BH_UNUSED)
{
	static const struct {
		const char *codes;
		int exponent;
	} cases[] = {
	    {"bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf", 0},
	    {"bhd jod kwd omr tnd iqd lyd", 3},
	    {"clf uyw", 4},
	    /* ISO says 0 for the first two; Stripe sends two decimals. */
	    {"isk ugx huf twd eur usd mro zzz", 2},
	    {"JPY Jpy XOF", 0},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char code[4];

		for (const char *s = cases[i].codes; *s != '\0'; s += s[3] == ' ' ? 4 : 3) {
			snprintf(code, sizeof(code), "%.3s", s);
			if (money_exponent(code) != cases[i].exponent)
				fail_msg("%s: %d", code, money_exponent(code));
		}
	}
	assert_int_equal(money_exponent(""), 2);
	assert_int_equal(money_exponent("JPYX"), 2);
	assert_int_equal(money_exponent("JP"), 2);
}

static void
texts(void **state BH_UNUSED)
{
	static const struct {
		int64_t minor;
		int exponent;
		const char *text;
	} cases[] = {
	    {-1250, 2, "-12.50"},
	    {0, 2, "0.00"},
	    {5, 2, "0.05"},
	    {-5, 2, "-0.05"},
	    {5, 0, "5"},
	    {0, 0, "0"},
	    {100000, 3, "100.000"},
	    {-1, 4, "-0.0001"},
	    {INT64_MAX, 2, "92233720368547758.07"},
	    {INT64_MIN, 2, "-92233720368547758.08"},
	    {INT64_MIN, 0, "-9223372036854775808"},
	    {1, 18, "0.000000000000000001"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char text[MONEY_TEXT];

		money_text(text, cases[i].minor, cases[i].exponent);
		assert_string_equal(text, cases[i].text);
	}
}

static void
reading(void **state BH_UNUSED)
{
	static const struct {
		const char *text;
		int exponent;
		bool good;
		int64_t minor;
	} cases[] = {
	    {"12.5", 2, true, 1250},
	    {"12", 2, true, 1200},
	    {"-0.005", 2, true, -1},
	    {"0.005", 2, true, 1},
	    {"0.0049", 2, true, 0},
	    {"-0.0049", 2, true, 0},
	    {"0.995", 2, true, 100},
	    {"2.4999999999", 0, true, 2},
	    {"2.5", 0, true, 3},
	    {"-2.5", 0, true, -3},
	    {"5.124", 3, true, 5124},
	    {"0000012.50", 2, true, 1250},
	    {"123456789012345678", 0, true, 123456789012345678},
	    {"1234567890123456.78", 2, true, 123456789012345678},
	    {"0.123456789012345678", 2, true, 12},
	    {"1234567890123456789", 0, false, 0}, /* 19 digits */
	    {"999999999999999999", 2, false, 0},  /* does not fit */
	    {"", 2, false, 0},
	    {"-", 2, false, 0},
	    {".5", 2, false, 0},
	    {"5.", 2, false, 0},
	    {"1.2.3", 2, false, 0},
	    {"+5", 2, false, 0},
	    {"1e3", 2, false, 0},
	    {" 5", 2, false, 0},
	    {"5 ", 2, false, 0},
	    {"0x10", 2, false, 0},
	    {"--5", 2, false, 0},
	    {"12,50", 2, false, 0},
	    {"NaN", 2, false, 0},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		int64_t minor = 77;

		if (is_money_read(cases[i].text, cases[i].exponent, &minor) != cases[i].good)
			fail_msg("\"%s\"", cases[i].text);
		assert_true(minor == (cases[i].good ? cases[i].minor : 77));
	}
}

/* Whatever is written is read back, for every exponent. */
static void
round_trip(void **state BH_UNUSED)
{
	static const int64_t values[] = {0, 1, -1, 9, 10, 99, -100, 12345, 123456789012345678,
	    -999999999999999999};

	for (size_t i = 0; i < BH_LEN(values); i++) {
		for (int exponent = 0; exponent <= 4; exponent++) {
			char text[MONEY_TEXT];
			int64_t back;

			money_text(text, values[i], exponent);
			assert_true(is_money_read(text, exponent, &back));
			assert_true(back == values[i]);
		}
	}
}

static void
decimals(void **state BH_UNUSED)
{
	static const struct {
		const char *a, *b, *sum, *product;
		int64_t rounded; /* the product */
	} cases[] = {
	    {"0.05", "1000", "1000.05", "50", 50},
	    {"1500", "12", "1512", "18000", 18000},
	    {"0.000000000001", "999999", "999999.000000000001", "0.000000999999", 0},
	    {"-2.5", "1", "-1.5", "-2.5", -3},
	    {"33.333333333333", "3", "36.333333333333", "99.999999999999", 100},
	    {"0", "5", "5", "0", 0},
	    {"1.50", "2.50", "4", "3.75", 4},
	    {"922337203685477580.7", "10", "922337203685477590.7", "9223372036854775807",
		INT64_MAX},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct money_decimal a, b, result;
		char text[MONEY_TEXT];
		int64_t rounded;

		assert_true(is_money_decimal(cases[i].a, &a));
		assert_true(is_money_decimal(cases[i].b, &b));
		assert_true(is_money_added(&a, &b, &result));
		money_decimal_text(text, &result);
		assert_string_equal(text, cases[i].sum);
		assert_true(is_money_multiplied(&a, &b, &result));
		money_decimal_text(text, &result);
		assert_string_equal(text, cases[i].product);
		assert_true(is_money_rounded(&result, &rounded));
		assert_true(rounded == cases[i].rounded);
	}
}

/* Too large is said, never wrapped. */
static void
overflow(void **state BH_UNUSED)
{
	struct money_decimal a, b, tiny;
	int64_t value;

	assert_true(is_money_decimal("9999999999999999999999999999999999", &a));
	assert_true(is_money_decimal("9999999999", &b));
	assert_true(is_money_decimal("0.000000000000000001", &tiny));
	assert_false(is_money_multiplied(&a, &b, &a));
	assert_false(is_money_added(&a, &tiny, &a));
	assert_false(is_money_rounded(&a, &value));
	assert_true(is_money_decimal("9223372036854775807.5", &a));
	assert_false(is_money_rounded(&a, &value));
	assert_false(is_money_decimal("99999999999999999999999999999999999", &a));
	assert_false(is_money_decimal("0.0000000000000000001", &a));
	assert_true(is_money_multiplied(&tiny, &tiny, &tiny));
	assert_false(is_money_multiplied(&tiny, &tiny, &tiny));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(exponents),
	    cmocka_unit_test(texts),
	    cmocka_unit_test(reading),
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(decimals),
	    cmocka_unit_test(overflow),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
