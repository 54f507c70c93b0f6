/* A connection's choices about revenue: settings.revenue. */
#include "base/base.h"

#include "base/clock.h"
#include "model/revenue_parts.h"

#define WINDOW_MAX (7 * 24 * 60)
#define DAYS_MAX 3660
#define RATES_MAX 4000 /* lines of the rate table: ten years of days */

/* The place of a word among n; -1 BH_INVALID naming the member and the words. */
static int
word_read(const json_t *value, const char *name, const char *const *words, int n,
    struct bh_err *err)
{
	const char *text = json_string_value(value);
	char all[80] = "";
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		if (text != NULL && strcmp(text, words[i]) == 0)
			return i;
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i > 0 ? " " : "",
		    words[i]);
	}
	return bh_fail(err, BH_INVALID, "revenue.%s must be one of: %s", name, all);
}

static int
number_read(const json_t *value, const char *name, int least, int most, int *number_r,
    struct bh_err *err)
{
	int64_t number;

	if (!bh_is_json_int(value, "", &number) || number < least || number > most)
		return bh_fail(err, BH_INVALID, "revenue.%s must be a number from %d to %d", name,
		    least, most);
	*number_r = (int)number;
	return 0;
}

static bool
is_currency(const char *text)
{
	for (int i = 0; i < 3; i++)
		if (text[i] < 'A' || text[i] > 'Z')
			return false;
	return text[3] == '\0';
}

static int
discounts_read(const json_t *value, struct revenue_switches *switches, struct bh_err *err)
{
	static const char *const words[] = {"recurring", "forever", "all", "none"};
	int at = word_read(value, "discounts", words, BH_LEN(words), err);

	if (at < 0)
		return -1;
	switches->discounts = (enum revenue_discounts)at;
	return 0;
}

static int
cancellation_read(const json_t *value, struct revenue_switches *switches, struct bh_err *err)
{
	static const char *const words[] = {"at_end", "at_request"};
	int at = word_read(value, "cancellation", words, BH_LEN(words), err);

	switches->at_request = at == 1;
	return at < 0 ? -1 : 0;
}

static int
paused_read(const json_t *value, struct revenue_switches *switches, struct bh_err *err)
{
	static const char *const words[] = {"zero", "count"};
	int at = word_read(value, "paused", words, BH_LEN(words), err);

	switches->count_paused = at == 1;
	return at < 0 ? -1 : 0;
}

static int
grace_read(const json_t *value, struct revenue_switches *switches, struct bh_err *err)
{
	return number_read(value, "grace_days", -1, DAYS_MAX, &switches->grace_days, err);
}

static int
window_read(const json_t *value, struct revenue_switches *switches, struct bh_err *err)
{
	return number_read(value, "window_min", 0, WINDOW_MAX, &switches->window_min, err);
}

static int
committed_read(const json_t *value, struct revenue_switches *switches, struct bh_err *err)
{
	return number_read(value, "committed_days", 0, DAYS_MAX, &switches->committed_days, err);
}

static int
currency_read(const json_t *value, struct revenue_switches *switches, struct bh_err *err)
{
	const char *text = json_string_value(value);

	if (text != NULL && *text == '\0')
		return 0;
	if (text == NULL || !is_currency(text))
		return bh_fail(err, BH_INVALID,
		    "revenue.currency must be a currency's three capitals");
	memcpy(switches->currency, text, sizeof(switches->currency));
	return 0;
}

/* One line: {"on": "2026-01-01", "rates": {"EUR": "1.08"}} */
static int
rates_check(const json_t *line, size_t at, struct bh_err *err)
{
	const char *on = revenue_text(line, "on");
	json_t *rates = json_object_get(line, "rates");
	const char *code;
	json_t *value;
	struct fraction rate;
	int64_t on_ms;

	if (strlen(on) != 10 || !bh_is_time(on, &on_ms))
		return bh_fail(err, BH_INVALID, "revenue.rates.%zu.on must be a day", at);
	if (!json_is_object(rates))
		return bh_fail(err, BH_INVALID, "revenue.rates.%zu.rates must be an object", at);
	json_object_foreach (rates, code, value)
		if (strlen(code) != 3 || !is_currency(code) || !json_is_string(value) ||
		    !is_revenue_number(value, &rate) || rate.above <= 0)
			return bh_fail(err, BH_INVALID,
			    "revenue.rates.%zu.rates.%.8s must be a currency and its rate as text",
			    at, code);
	return 0;
}

static int
table_read(const json_t *value, struct revenue_switches *switches, struct bh_err *err)
{
	size_t i;
	json_t *line;

	if (!json_is_array(value) || json_array_size(value) > RATES_MAX)
		return bh_fail(err, BH_INVALID, "revenue.rates must be a list of at most %d",
		    RATES_MAX);
	json_array_foreach (value, i, line)
		if (rates_check(line, i, err) < 0)
			return -1;
	switches->rates = value;
	return 0;
}

static const struct member {
	const char *name;
	int (*read)(const json_t *value, struct revenue_switches *switches, struct bh_err *err);
} members[] = {
    {"discounts", discounts_read},
    {"cancellation", cancellation_read},
    {"paused", paused_read},
    {"grace_days", grace_read},
    {"window_min", window_read},
    {"committed_days", committed_read},
    {"currency", currency_read},
    {"rates", table_read},
};

static const struct member *
member_of(const char *name)
{
	for (size_t i = 0; i < BH_LEN(members); i++)
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	return NULL;
}

int
revenue_switches_read(const json_t *settings, struct revenue_switches *switches, struct bh_err *err)
{
	json_t *chosen = json_object_get(settings, "revenue");
	const char *name;
	json_t *value;

	*switches =
	    (struct revenue_switches){.grace_days = -1, .window_min = 60, .committed_days = 90};
	if (chosen == NULL || json_is_null(chosen))
		return 0;
	if (!json_is_object(chosen))
		return bh_fail(err, BH_INVALID, "revenue must be an object");
	json_object_foreach (chosen, name, value) {
		const struct member *member = member_of(name);

		if (member == NULL)
			return bh_fail(err, BH_INVALID, "revenue.%.40s is not known", name);
		if (!json_is_null(value) && member->read(value, switches, err) < 0)
			return -1;
	}
	return 0;
}
