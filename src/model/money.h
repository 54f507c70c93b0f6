/*
 * Money: integers in minor units and currency exponents; never floating
 * point.  Exponents: ISO 4217 with the providers' exceptions (Stripe: zero-decimal
 * and three-decimal currencies; ISK and UGX are sent with two decimals).
 */
#ifndef MODEL_MONEY_H
#define MODEL_MONEY_H

#include "base/buf.h"

#define MONEY_TEXT 48

/* Decimals of a currency, 0 to 4, for code in any case; 2 when the code is not known. */
int money_exponent(const char *currency);
/* "-12.50" for (-1250, 2). */
void money_text(char out[MONEY_TEXT], int64_t minor, int exponent);
/*
 * Read a decimal text ("12.5", "-0.005", up to 18 significant digits) into
 * minor units, half away from zero.  False when it is no decimal or does not fit.
 */
bool is_money_read(const char *text, int exponent, int64_t *minor_r);

#endif
