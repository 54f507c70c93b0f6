/* Amounts as people read them: see words.h. */
#include "base/base.h"

#include "base/text.h"
#include "model/money.h"
#include "web/words.h"

json_t *
words_money_json(int64_t minor, const char *currency)
{
	char text[MONEY_TEXT], whole[WORDS_MAX];
	const char *rest;
	int64_t n;

	money_text(text, minor, currency != NULL ? money_exponent(currency) : 2);
	rest = text + strcspn(text, ".");
	if (!bh_is_int(text, (size_t)(rest - text), &n))
		return json_string(text);
	words_count(whole, n);
	/* "-0.50" keeps its sign. */
	return json_sprintf("%s%s%s%s%s", n == 0 && minor < 0 ? "-" : "", whole, rest,
	    currency != NULL ? " " : "", currency != NULL ? currency : "");
}
