/*
 * Money: integers in minor units, exact decimals, and currency exponents;
 * never floating point.
 *
 * Canonical exponents are ISO 4217's, widened or narrowed so that every
 * provider's amounts fit without a remainder: ISK and UGX have two decimals
 * (Stripe sends them so, 5 ISK = 500), MGA none (Stripe: Supported currencies,
 * zero-decimal currencies).  A source whose units differ converts on reading.
 */
#ifndef MODEL_MONEY_H
#define MODEL_MONEY_H

#include "base/buf.h"

#define MONEY_TEXT 48

/* Decimals of a currency, 0 to 4, for code in any case; 2 when the code is not known. */
int money_exponent(const char *currency);
/* "-12.50" for (-1250, 2); exponent 0 to 18. */
void money_text(char out[MONEY_TEXT], int64_t minor, int exponent);
/*
 * Read a decimal text ("12.5", "-0.005", up to 18 significant digits) into
 * minor units, half away from zero.  False when it is no decimal or does not fit.
 */
bool is_money_read(const char *text, int exponent, int64_t *minor_r);

/* An exact decimal: digits / 10^scale.  Wide enough for 12 decimals times any quantity. */
__extension__ typedef __int128 money_wide;
struct money_decimal {
	money_wide digits;
	int scale; /* 0 to 36; trailing zeros are dropped */
};

/* "-0.0015", at most 34 significant digits and 18 decimals; no exponent, no plus. */
bool is_money_decimal(const char *text, struct money_decimal *decimal_r);
/* Exact; false when the result does not fit.  result_r may be an argument. */
bool is_money_added(const struct money_decimal *a, const struct money_decimal *b,
    struct money_decimal *result_r);
bool is_money_multiplied(const struct money_decimal *a, const struct money_decimal *b,
    struct money_decimal *result_r);
/* To a whole number, half away from zero; false when it does not fit. */
bool is_money_rounded(const struct money_decimal *decimal, int64_t *value_r);
/* The shortest text of it, for instance "1500" or "-0.05". */
void money_decimal_text(char out[MONEY_TEXT], const struct money_decimal *decimal);

#endif
