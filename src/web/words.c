/* Numbers and times as people read them: see words.h. */
#include "base/base.h"

#include "web/words.h"

#include "base/clock.h"
#include "base/text.h"

void
words_count(char out[WORDS_MAX], int64_t n)
{
	char digits[24];
	size_t len, at = 0;

	snprintf(digits, sizeof(digits), "%llu",
	    n < 0 ? 0ULL - (unsigned long long)n : (unsigned long long)n);
	len = strlen(digits);
	if (n < 0)
		out[at++] = '-';
	for (size_t i = 0; i < len; i++) {
		out[at++] = digits[i];
		if ((len - i) % 3 == 1 && i + 1 < len)
			out[at++] = ',';
	}
	out[at] = '\0';
}

void
words_age(char out[WORDS_MAX], int64_t at_ms, int64_t now_ms)
{
	static const struct {
		int64_t unit_s;
		const char *one, *many;
	} units[] = {{86400, "day", "days"}, {3600, "h", "h"}, {60, "min", "min"}, {1, "s", "s"}};
	int64_t s = (now_ms - at_ms) / 1000;
	bool is_past = s >= 0;
	size_t i = 0;

	s = is_past ? s : -s;
	if (s < 2) {
		snprintf(out, WORDS_MAX, "%s", is_past ? "just now" : "in a moment");
		return;
	}
	/* Two of a larger unit read better than 90 of a smaller one, not before. */
	while (i + 1 < BH_LEN(units) && s < 2 * units[i].unit_s)
		i++;
	snprintf(out, WORDS_MAX, "%s%lld %s%s", is_past ? "" : "in ",
	    (long long)(s / units[i].unit_s),
	    s / units[i].unit_s == 1 ? units[i].one : units[i].many, is_past ? " ago" : "");
}

json_t *
words_json(const char *text)
{
	struct bh_buf clean = BH_BUF_INIT(1u << 20);
	json_t *json;

	bh_utf8_clean_add(&clean, text, strlen(text));
	json = json_stringn(bh_buf_str(&clean), clean.len);
	bh_buf_release(&clean);
	return json;
}

json_t *
words_count_json(int64_t n)
{
	char text[WORDS_MAX];

	words_count(text, n);
	return json_string(text);
}

json_t *
words_time_json(int64_t at_ms, int64_t now_ms)
{
	char iso[BH_CLOCK_TEXT], utc[BH_CLOCK_TEXT], age[WORDS_MAX];

	if (at_ms == 0)
		return json_null();
	bh_rfc3339(iso, at_ms - at_ms % 1000);
	/* "2026-11-22 04:29:31 UTC" */
	snprintf(utc, sizeof(utc), "%.10s %.8s UTC", iso, iso + 11);
	words_age(age, at_ms, now_ms);
	return json_pack("{ss, ss, ss}", "iso", iso, "utc", utc, "text", age);
}
