/*
 * Values that Salesforce tells, in the form that records have here.  Numbers
 * are taken from the answer's text: jansson keeps reals as doubles, and an
 * amount of 18 digits must come back as it was sent.
 */
#include "base/base.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/text.h"
#include "dest/salesforce_look.h"

#define DIGITS_MAX 400 /* behind and before the point, with what the exponent adds */

/* --- decimals ----------------------------------------------------------- */

/* A number of JSON, taken apart: all digits without the point, and how many stand behind it. */
struct decimal {
	bool is_negative;
	char digits[2 * DIGITS_MAX + 2];
	size_t len;
	long behind;
};

static void
add_digit(struct decimal *decimal, char digit)
{
	if (decimal->len < sizeof(decimal->digits))
		decimal->digits[decimal->len++] = digit;
}

/* False where it is longer than any number that a field can hold. */
static bool
is_taken_apart(struct decimal *decimal, const char *text, size_t len)
{
	size_t i = text[0] == '-';
	long exponent = 0;

	memset(decimal, 0, sizeof(*decimal));
	decimal->is_negative = i == 1;
	if (len > DIGITS_MAX)
		return false;
	for (bool is_behind = false; i < len && tolower((unsigned char)text[i]) != 'e'; i++) {
		if (text[i] == '.') {
			is_behind = true;
			continue;
		}
		add_digit(decimal, text[i]);
		decimal->behind += is_behind;
	}
	if (i < len)
		exponent = strtol(text + i + 1, NULL, 10);
	if (exponent > DIGITS_MAX || exponent < -DIGITS_MAX)
		return false;
	decimal->behind -= exponent;
	return true;
}

/* Zeros so that the point stands within the digits, one before it. */
static void
fill_up(struct decimal *decimal)
{
	for (; decimal->behind < 0; decimal->behind++)
		add_digit(decimal, '0');
	if (decimal->len <= (size_t)decimal->behind) {
		size_t zeros = (size_t)decimal->behind + 1 - decimal->len;

		memmove(decimal->digits + zeros, decimal->digits, decimal->len);
		memset(decimal->digits, '0', zeros);
		decimal->len += zeros;
	}
}

/* "-012.500" as "-12.5". */
static void
write_decimal(struct bh_buf *out, const struct decimal *decimal)
{
	size_t whole = decimal->len - (size_t)decimal->behind, first = 0, last = decimal->len;

	while (first + 1 < whole && decimal->digits[first] == '0')
		first++;
	while (last > whole && decimal->digits[last - 1] == '0')
		last--;
	if (decimal->is_negative && (last > whole || decimal->digits[first] != '0'))
		bh_buf_addc(out, '-');
	bh_buf_add(out, decimal->digits + first, whole - first);
	if (last > whole) {
		bh_buf_addc(out, '.');
		bh_buf_add(out, decimal->digits + whole, last - whole);
	}
}

/* --- exact answers ------------------------------------------------------ */

static void
add_number(struct bh_buf *out, const char *text, size_t len)
{
	struct decimal decimal;

	bh_buf_addc(out, '"');
	if (is_taken_apart(&decimal, text, len)) {
		fill_up(&decimal);
		write_decimal(out, &decimal);
	} else {
		bh_buf_add(out, text, len);
	}
	bh_buf_addc(out, '"');
}

/* Bytes of the string that begins at text, with its quotes. */
static size_t
string_len(const char *text, size_t len)
{
	size_t i = 1;

	while (i < len && text[i] != '"')
		i += text[i] == '\\' ? 2 : 1;
	return i < len ? i + 1 : len;
}

/* Outside strings a digit or minus can only begin a number. */
static void
quote_numbers(struct bh_buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = 1;

		if (text[i] == '"') {
			n = string_len(text + i, len - i);
			bh_buf_add(out, text + i, n);
		} else if (text[i] == '-' || isdigit((unsigned char)text[i])) {
			while (i + n < len && strchr("0123456789.eE+-", text[i + n]) != NULL &&
			       text[i + n] != '\0')
				n++;
			add_number(out, text + i, n);
		} else {
			bh_buf_addc(out, text[i]);
		}
		i += n;
	}
}

json_t *
salesforce_exact(const struct bh_buf *text)
{
	struct bh_buf quoted = BH_BUF_INIT(SIZE_MAX / 2);
	struct bh_err ignored = BH_ERR_INIT;
	json_t *json = NULL;

	quote_numbers(&quoted, bh_buf_str(text), text->len);
	bh_json_parse(bh_buf_str(&quoted), quoted.len, &json, &ignored);
	bh_buf_release(&quoted);
	return json;
}

/* --- one value ---------------------------------------------------------- */

/* "2026-11-22T10:00:00.000+0000": times come with an offset that has no colon. */
static bool
is_their_time(const char *text, int64_t *at_ms_r)
{
	size_t len = strlen(text);
	char zulu[32];

	if (len != strlen("2026-11-22T10:00:00.000+0000") || text[10] != 'T' ||
	    strcmp(text + len - 5, "+0000") != 0)
		return false;
	snprintf(zulu, sizeof(zulu), "%.*sZ", (int)(len - 5), text);
	return bh_is_time(zulu, at_ms_r);
}

json_t *
salesforce_value(const json_t *value)
{
	const char *text = json_string_value(value);
	char at[BH_CLOCK_TEXT];
	int64_t at_ms;

	if (text != NULL && is_their_time(text, &at_ms)) {
		bh_rfc3339(at, at_ms);
		return json_string(at);
	}
	if (text != NULL || json_is_boolean(value) || json_is_null(value))
		return json_deep_copy(value);
	return NULL;
}
