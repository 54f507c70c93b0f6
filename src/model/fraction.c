/* Exact fractions: see fraction.h. */
#include "base/base.h"

#include "model/fraction.h"

__extension__ typedef unsigned __int128 wide_size;

/* The least value has no positive twin: it counts as too large. */
#define WIDE_MIN ((money_wide)((wide_size)1 << 127))

static wide_size
size_of(money_wide value)
{
	return value < 0 ? -(wide_size)value : (wide_size)value;
}

static money_wide
common(money_wide a, money_wide b)
{
	wide_size x = size_of(a), y = size_of(b);

	while (y != 0) {
		wide_size rest = x % y;

		x = y;
		y = rest;
	}
	return (money_wide)x;
}

/* Lowest terms; neither side is the least value and below is not 0. */
static struct fraction
reduced(money_wide above, money_wide below)
{
	money_wide by = common(above, below);

	if (below < 0)
		by = -by;
	return (struct fraction){above / by, below / by};
}

struct fraction
fraction_of(int64_t value)
{
	return (struct fraction){value, 1};
}

bool
is_fraction_decimal(const struct money_decimal *decimal, struct fraction *result_r)
{
	money_wide below = 1;

	if (decimal->digits == WIDE_MIN)
		return false;
	for (int i = 0; i < decimal->scale; i++)
		if (__builtin_mul_overflow(below, (money_wide)10, &below))
			return false;
	*result_r = reduced(decimal->digits, below);
	return true;
}

/* a/b + c/d over the least common denominator, which keeps the numbers small. */
bool
is_fraction_added(const struct fraction *a, const struct fraction *b, struct fraction *result_r)
{
	money_wide by = common(a->below, b->below), left, right, below;

	if (__builtin_mul_overflow(a->above, b->below / by, &left) ||
	    __builtin_mul_overflow(b->above, a->below / by, &right) ||
	    __builtin_add_overflow(left, right, &left) || left == WIDE_MIN ||
	    __builtin_mul_overflow(a->below / by, b->below, &below))
		return false;
	*result_r = reduced(left, below);
	return true;
}

bool
is_fraction_taken(const struct fraction *a, const struct fraction *b, struct fraction *result_r)
{
	struct fraction minus = {-b->above, b->below};

	return is_fraction_added(a, &minus, result_r);
}

/* What can be shortened crosswise is, before it grows: then the product is in lowest terms. */
bool
is_fraction_multiplied(const struct fraction *a, const struct fraction *b,
    struct fraction *result_r)
{
	struct fraction x = reduced(a->above, b->below), y = reduced(b->above, a->below), product;

	if (__builtin_mul_overflow(x.above, y.above, &product.above) || product.above == WIDE_MIN ||
	    __builtin_mul_overflow(x.below, y.below, &product.below))
		return false;
	*result_r = product;
	return true;
}

bool
is_fraction_divided(const struct fraction *a, const struct fraction *b, struct fraction *result_r)
{
	struct fraction turned;

	if (b->above == 0)
		return false;
	turned = b->above < 0 ? (struct fraction){-b->below, -b->above}
			      : (struct fraction){b->below, b->above};
	return is_fraction_multiplied(a, &turned, result_r);
}

/* The whole part, rounded down, and what is left of above: 0 <= rest < below. */
static money_wide
whole_part(money_wide above, money_wide below, money_wide *rest_r)
{
	money_wide whole = above / below;

	*rest_r = above % below;
	if (*rest_r < 0) {
		*rest_r += below;
		whole--;
	}
	return whole;
}

/* By continued fractions: products of both sides might not fit, whole parts always do. */
int
fraction_compare(const struct fraction *a, const struct fraction *b)
{
	struct fraction x = *a, y = *b;

	for (int sign = 1;; sign = -sign) {
		money_wide x_rest, y_rest, x_whole = whole_part(x.above, x.below, &x_rest),
					   y_whole = whole_part(y.above, y.below, &y_rest);

		if (x_whole != y_whole)
			return x_whole < y_whole ? -sign : sign;
		if (x_rest == 0 || y_rest == 0)
			return x_rest == y_rest ? 0 : x_rest == 0 ? -sign : sign;
		/* Of two rests below 1, the one that is larger turned over is the smaller. */
		x = (struct fraction){x.below, x_rest};
		y = (struct fraction){y.below, y_rest};
	}
}

bool
is_fraction_rounded(const struct fraction *value, int64_t by, int64_t *result_r)
{
	money_wide above = value->above < 0 ? -value->above : value->above;
	money_wide rest = above % value->below, whole = above / value->below / by;
	money_wide twice = above / value->below % by * 2;

	/* What was cut off is (twice / 2 + rest / below) / by, with rest / below < 1. */
	if (twice >= by || (twice == by - 1 && rest >= value->below - rest))
		whole++;
	if (value->above < 0)
		whole = -whole;
	if (whole > INT64_MAX || whole < INT64_MIN)
		return false;
	*result_r = (int64_t)whole;
	return true;
}

/* value >= 0 in front of end; returns the first digit. */
static char *
digits_of(char *end, money_wide value)
{
	do {
		*--end = (char)('0' + (int)(value % 10));
		value /= 10;
	} while (value > 0);
	return end;
}

void
fraction_text(char out[FRACTION_TEXT], const struct fraction *value)
{
	char text[FRACTION_TEXT], *start = text + sizeof(text) - 1;

	*start = '\0';
	if (value->below != 1) {
		start = digits_of(start, value->below);
		*--start = '/';
	}
	start = digits_of(start, value->above < 0 ? -value->above : value->above);
	if (value->above < 0)
		*--start = '-';
	memcpy(out, start, (size_t)(text + sizeof(text) - start));
}

/* Digits up to the end or a slash; NULL when there are none or too many. */
static const char *
read_digits(const char *text, money_wide *value_r)
{
	const char *s = text;

	for (*value_r = 0; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(*value_r, (money_wide)10, value_r) ||
		    __builtin_add_overflow(*value_r, (money_wide)(*s - '0'), value_r))
			return NULL;
	return s > text ? s : NULL;
}

bool
is_fraction_read(const char *text, struct fraction *value_r)
{
	money_wide above, below = 1;
	const char *rest = read_digits(text + (*text == '-'), &above);

	if (rest != NULL && *rest == '/')
		rest = read_digits(rest + 1, &below);
	if (rest == NULL || *rest != '\0' || below == 0)
		return false;
	*value_r = reduced(*text == '-' ? -above : above, below);
	return true;
}
