/*
 * Decimal texts, exact: "-12.50".  No leading zeros but the one before the
 * point, no sign on zero, no exponent; zeros behind the point stay.
 */
#ifndef MAP_DECIMAL_H
#define MAP_DECIMAL_H

#include "base/buf.h"

#define DECIMAL_BYTES 128 /* longest text that is read */

/* Read ("+", leading zeros, ".5" and "5." allowed) into the form above, appended to out. */
bool is_decimal_read(const char *text, struct bh_buf *out);
/* Round a text of that form to at most scale decimals, half away from zero; appended to out. */
void decimal_round(const char *text, int scale, struct bh_buf *out);
/* Digits before the point; 0 for "0.5". */
int decimal_digits(const char *text);

#endif
