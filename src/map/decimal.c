/* Decimal texts: see decimal.h.  Digits are moved as characters: nothing is ever a double. */
#include "base/base.h"

#include "map/decimal.h"

#include "base/text.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
count_digits(const char *text)
{
	size_t n = 0;

	while (is_digit(text[n]))
		n++;
	return n;
}

/* Write sign, whole and fraction in the one form. */
static void
add_decimal(struct bh_buf *out, bool negative, const char *whole, size_t whole_len,
    const char *fraction, size_t fraction_len)
{
	bool is_zero = true;

	while (whole_len > 0 && *whole == '0') {
		whole++;
		whole_len--;
	}
	for (size_t i = 0; i < fraction_len; i++)
		is_zero = is_zero && fraction[i] == '0';
	if (negative && !(is_zero && whole_len == 0))
		bh_buf_addc(out, '-');
	if (whole_len == 0)
		bh_buf_addc(out, '0');
	bh_buf_add(out, whole, whole_len);
	if (fraction_len > 0) {
		bh_buf_addc(out, '.');
		bh_buf_add(out, fraction, fraction_len);
	}
}

bool
is_decimal_read(const char *text, struct bh_buf *out)
{
	bool negative = *text == '-';
	const char *whole = text + (*text == '-' || *text == '+');
	size_t whole_len = count_digits(whole);
	const char *fraction = whole + whole_len + (whole[whole_len] == '.');
	size_t fraction_len = count_digits(fraction);

	if (whole_len + fraction_len == 0 || fraction[fraction_len] != '\0' ||
	    whole_len + fraction_len > DECIMAL_BYTES - 4)
		return false;
	/* "1x": without a point there is no fraction. */
	if (fraction_len > 0 && fraction == whole + whole_len)
		return false;
	add_decimal(out, negative, whole, whole_len, fraction, fraction_len);
	return true;
}

/* Add one to a row of digits; the first is a zero put there for the carry. */
static void
increment(char *digits, size_t len)
{
	while (len > 0 && digits[len - 1] == '9')
		digits[--len] = '0';
	if (len > 0)
		digits[len - 1]++;
}

void
decimal_round(const char *text, int scale, struct bh_buf *out)
{
	bool negative = *text == '-';
	const char *whole = text + negative;
	size_t whole_len = count_digits(whole);
	const char *fraction = whole + whole_len + (whole[whole_len] == '.');
	size_t keep = (size_t)scale;
	char digits[DECIMAL_BYTES + 1];

	if (scale < 0 || strlen(fraction) <= keep || whole_len + keep >= sizeof(digits)) {
		bh_buf_adds(out, text);
		return;
	}
	digits[0] = '0';
	memcpy(digits + 1, whole, whole_len);
	memcpy(digits + 1 + whole_len, fraction, keep);
	if (fraction[keep] >= '5')
		increment(digits, 1 + whole_len + keep);
	add_decimal(out, negative, digits, 1 + whole_len, digits + 1 + whole_len, keep);
}

int
decimal_digits(const char *text)
{
	const char *whole = text + (*text == '-');

	return *whole == '0' ? 0 : (int)count_digits(whole);
}
