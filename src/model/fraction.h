/*
 * Exact fractions, for what cannot be said in decimals: a twelfth of a price,
 * the price without the tax inside it.  128 bits on each side; an operation
 * that would not fit says so, nothing is ever rounded on the way.
 */
#ifndef MODEL_FRACTION_H
#define MODEL_FRACTION_H

#include "model/money.h"

/* In lowest terms; below > 0.  {0, 1} is zero; a zeroed struct is no fraction. */
struct fraction {
	money_wide above, below;
};

#define FRACTION_TEXT 96
#define FRACTION_ZERO ((struct fraction){0, 1})

struct fraction fraction_of(int64_t value);
/* False when it does not fit. */
bool is_fraction_decimal(const struct money_decimal *decimal, struct fraction *result_r);
/*
 * Results may be arguments.  False when the result does not fit (of a sum: also
 * when the terms over one denominator do not), or b is 0 in a division; then
 * the result is left as it was.
 */
bool is_fraction_added(const struct fraction *a, const struct fraction *b,
    struct fraction *result_r);
bool is_fraction_taken(const struct fraction *a, const struct fraction *b,
    struct fraction *result_r);
bool is_fraction_multiplied(const struct fraction *a, const struct fraction *b,
    struct fraction *result_r);
bool is_fraction_divided(const struct fraction *a, const struct fraction *b,
    struct fraction *result_r);
/* Less, equal, greater: -1, 0, 1.  Never fails. */
int fraction_compare(const struct fraction *a, const struct fraction *b);
/* value / by (by > 0) to a whole number, half away from zero; false when it does not fit. */
bool is_fraction_rounded(const struct fraction *value, int64_t by, int64_t *result_r);
/* "301320" or "-7/12", and back; false for any other text. */
void fraction_text(char out[FRACTION_TEXT], const struct fraction *value);
bool is_fraction_read(const char *text, struct fraction *value_r);

#endif
