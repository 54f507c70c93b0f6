/* Money: see money.h. */
#include "base/base.h"

#include "model/money.h"

#include <strings.h>

#include "base/text.h"

#define READ_DIGITS 18
#define WIDE_DIGITS 34
#define DECIMALS_MAX 18

/* ISO 4217 where it is not 2, with the exceptions that money.h explains. */
static const struct {
	char code[4];
	int exponent;
} exponents[] = {
    {"BIF", 0},
    {"CLP", 0},
    {"DJF", 0},
    {"GNF", 0},
    {"JPY", 0},
    {"KMF", 0},
    {"KRW", 0},
    {"MGA", 0},
    {"PYG", 0},
    {"RWF", 0},
    {"UYI", 0},
    {"VND", 0},
    {"VUV", 0},
    {"XAF", 0},
    {"XOF", 0},
    {"XPF", 0},
    {"BHD", 3},
    {"IQD", 3},
    {"JOD", 3},
    {"KWD", 3},
    {"LYD", 3},
    {"OMR", 3},
    {"TND", 3},
    {"CLF", 4},
    {"UYW", 4},
};

int
money_exponent(const char *currency)
{
	for (size_t i = 0; i < BH_LEN(exponents); i++)
		if (strcasecmp(exponents[i].code, currency) == 0)
			return exponents[i].exponent;
	return 2;
}

void
money_text(char out[MONEY_TEXT], int64_t minor, int exponent)
{
	uint64_t left = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
	char digits[MONEY_TEXT];
	size_t n = 0, to = 0;

	/* Backwards: at least one digit in front of the point. */
	for (int i = 0; left > 0 || i <= exponent; i++) {
		if (i == exponent && exponent > 0)
			digits[n++] = '.';
		digits[n++] = (char)('0' + left % 10);
		left /= 10;
	}
	if (minor < 0)
		out[to++] = '-';
	while (n > 0)
		out[to++] = digits[--n];
	out[to] = '\0';
}

/* Drop zeros behind the point that say nothing. */
static void
shorten(struct money_decimal *decimal)
{
	while (decimal->scale > 0 && decimal->digits % 10 == 0) {
		decimal->digits /= 10;
		decimal->scale--;
	}
}

/* As is_money_decimal() with a limit of significant digits; keeps zeros at the end. */
static bool
is_decimal_read(const char *text, int digits_max, struct money_decimal *decimal_r)
{
	const char *s = text + (*text == '-');
	struct money_decimal decimal = {0, 0};
	int significant = 0;
	bool point = false;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s != '\0'; s++) {
		if (*s == '.' && !point && s[1] != '\0') {
			point = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			return false;
		if ((significant > 0 || *s != '0') && ++significant > digits_max)
			return false;
		if (point && ++decimal.scale > DECIMALS_MAX)
			return false;
		decimal.digits = decimal.digits * 10 + (*s - '0');
	}
	if (*text == '-')
		decimal.digits = -decimal.digits;
	*decimal_r = decimal;
	return true;
}

bool
is_money_decimal(const char *text, struct money_decimal *decimal_r)
{
	if (!is_decimal_read(text, WIDE_DIGITS, decimal_r))
		return false;
	shorten(decimal_r);
	return true;
}

/* The same value with more decimals. */
static bool
is_rescaled(struct money_decimal *decimal, int scale)
{
	for (; decimal->scale < scale; decimal->scale++)
		if (__builtin_mul_overflow(decimal->digits, (money_wide)10, &decimal->digits))
			return false;
	return true;
}

bool
is_money_added(const struct money_decimal *a, const struct money_decimal *b,
    struct money_decimal *result_r)
{
	struct money_decimal left = *a, right = *b;

	if (!is_rescaled(&left, right.scale) || !is_rescaled(&right, left.scale) ||
	    __builtin_add_overflow(left.digits, right.digits, &left.digits))
		return false;
	shorten(&left);
	*result_r = left;
	return true;
}

bool
is_money_multiplied(const struct money_decimal *a, const struct money_decimal *b,
    struct money_decimal *result_r)
{
	struct money_decimal product = {0, a->scale + b->scale};

	if (__builtin_mul_overflow(a->digits, b->digits, &product.digits))
		return false;
	shorten(&product);
	if (product.scale > 2 * DECIMALS_MAX)
		return false;
	*result_r = product;
	return true;
}

bool
is_money_rounded(const struct money_decimal *decimal, int64_t *value_r)
{
	money_wide value = decimal->digits;
	int last = 0;

	/* Only the last digit dropped decides: half away from zero looks at nothing behind it. */
	for (int i = 0; i < decimal->scale; i++) {
		last = (int)(value % 10);
		value /= 10;
	}
	if (last >= 5)
		value++;
	else if (last <= -5)
		value--;
	if (value > INT64_MAX || value < INT64_MIN)
		return false;
	*value_r = (int64_t)value;
	return true;
}

void
money_decimal_text(char out[MONEY_TEXT], const struct money_decimal *decimal)
{
	struct money_decimal left = *decimal;
	bool minus = left.digits < 0;
	char digits[MONEY_TEXT];
	size_t n = 0, to = 0;

	shorten(&left);
	for (int i = 0; left.digits != 0 || i <= left.scale; i++) {
		int digit = (int)(left.digits % 10);

		if (i == left.scale && left.scale > 0)
			digits[n++] = '.';
		digits[n++] = (char)('0' + (digit < 0 ? -digit : digit));
		left.digits /= 10;
	}
	if (minus)
		out[to++] = '-';
	while (n > 0)
		out[to++] = digits[--n];
	out[to] = '\0';
}

bool
is_money_read(const char *text, int exponent, int64_t *minor_r)
{
	struct money_decimal decimal;

	if (!is_decimal_read(text, READ_DIGITS, &decimal))
		return false;
	shorten(&decimal);
	if (!is_rescaled(&decimal, exponent))
		return false;
	decimal.scale -= exponent;
	return is_money_rounded(&decimal, minor_r);
}
