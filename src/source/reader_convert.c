/* The reader: conversions from a sender's value to a canonical one.  See reader.h. */
#include "base/base.h"

#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/read.h"
#include "source/reader_internal.h"

#define TEXTS (READER_FIT(TEXT) | READER_FIT(ENUM) | READER_FIT(EMAIL))
#define SETTING "setting:"

static json_t *
same(const json_t *value)
{
	return json_incref((json_t *)(uintptr_t)value);
}

/* Numbers are texts too: ids often come so. */
static json_t *
make_text(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	struct money_decimal decimal;
	char text[MONEY_TEXT];

	if (json_is_string(value))
		return same(value);
	if (!json_is_number(value) || !is_source_decimal(value, &decimal))
		return NULL;
	money_decimal_text(text, &decimal);
	return json_string(text);
}

static json_t *
make_filled(const struct reading *reading, const json_t *spec, const json_t *value)
{
	if (json_is_string(value) && json_string_length(value) == 0)
		return json_null();
	return make_text(reading, spec, value);
}

static json_t *
make_url(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL)
		return NULL;
	if (*text == '\0')
		return json_null();
	return bh_has_prefix(text, "https://") || bh_has_prefix(text, "http://") ? same(value)
										 : NULL;
}

/* ASCII only: what else letters are is the mapping's affair. */
static json_t *
fold(const json_t *value, char from, int distance)
{
	char *text, *s;
	json_t *folded;

	if (!json_is_string(value))
		return NULL;
	if (json_string_length(value) == 0)
		return json_null();
	text = bh_xstrdup(json_string_value(value));
	for (s = text; *s != '\0'; s++)
		if (*s >= from && *s <= from + 25)
			*s = (char)(*s + distance);
	folded = json_string(text);
	free(text);
	return folded;
}

static json_t *
make_lower(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	return fold(value, 'A', 'a' - 'A');
}

static json_t *
make_upper(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	return fold(value, 'a', 'A' - 'a');
}

json_t *
reader_currency(const json_t *value)
{
	json_t *fields = json_object(), *currency;

	read_currency(fields, "currency", json_is_string(value) ? value : NULL);
	currency = json_incref(json_object_get(fields, "currency"));
	json_decref(fields);
	return currency;
}

static json_t *
make_currency(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	return reader_currency(value);
}

static json_t *
make_time(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	char text[BH_CLOCK_TEXT];
	int64_t at_ms;

	if (!is_reader_time(value, &at_ms))
		return NULL;
	bh_rfc3339(text, at_ms);
	return json_string(text);
}

/* The UTC day of a time; a plain day stays what it is. */
static json_t *
make_date(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	char text[BH_CLOCK_TEXT];
	int64_t at_ms;

	if (!is_reader_time(value, &at_ms))
		return NULL;
	bh_date(text, at_ms);
	return json_string(text);
}

static json_t *
make_bool(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}, {"0", "1"}};
	const char *text = json_string_value(value);

	if (json_is_boolean(value))
		return same(value);
	if (json_is_integer(value) &&
	    (json_integer_value(value) == 0 || json_integer_value(value) == 1))
		return json_boolean(json_integer_value(value) == 1);
	for (size_t i = 0; text != NULL && i < BH_LEN(words); i++)
		for (int k = 0; k < 2; k++)
			if (strcasecmp(text, words[i][k]) == 0)
				return json_boolean(k);
	return NULL;
}

static json_t *
make_int(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED, const json_t *value)
{
	int64_t number;

	if (json_is_string(value)
		? !bh_is_int(json_string_value(value), json_string_length(value), &number)
		: !bh_is_json_int(value, "", &number))
		return NULL;
	return json_integer(number);
}

static json_t *
make_decimal(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	struct money_decimal decimal;
	char text[MONEY_TEXT];

	if (!is_source_decimal(value, &decimal))
		return NULL;
	money_decimal_text(text, &decimal);
	return json_string(text);
}

/*
 * The currency by which an amount is read: the field's own path, else the
 * object's, else the connection's.  *other_r: its own is not the object's, so the amount has no place there.
 */
static json_t *
currency_of(const struct reading *reading, const json_t *spec, bool *other_r)
{
	const json_t *paths = json_object_get(spec, "currency"), *known;
	bool null;
	json_t *own = paths != NULL ? reader_currency(reader_find(reading, paths, &null)) : NULL;

	*other_r = own != NULL && reading->currency != NULL && !json_equal(own, reading->currency);
	if (own != NULL)
		return own;
	known = reading->currency != NULL ? reading->currency : reading->fallback;
	return known != NULL ? same(known) : NULL;
}

/* Decimals of a sender's smallest unit: ISO 4217's, unless settings.exponents knows better. */
static int
sender_exponent(const struct reading *reading, const char *currency)
{
	static const struct {
		char code[4];
		int exponent;
	} iso[] = {{"ISK", 0}, {"UGX", 0}, {"MGA", 2}}; /* where money.h widens or narrows */
	const json_t *exponents = json_object_get(reading->news->config->settings, "exponents");
	int64_t told = bh_json_int(json_object_get(exponents, currency), "", -1);

	if (told >= 0 && told <= 4)
		return (int)told;
	for (size_t i = 0; i < BH_LEN(iso); i++)
		if (strcmp(iso[i].code, currency) == 0)
			return iso[i].exponent;
	return money_exponent(currency);
}

/* value times ten to the power of shift, as a whole number. */
static json_t *
shifted(const struct reading *reading, const json_t *value, int shift)
{
	struct money_decimal amount, factor = {1, 0};
	int64_t minor;

	if (!is_source_decimal(value, &amount))
		return NULL;
	for (; shift > 0; shift--)
		factor.digits *= 10;
	factor.scale = -shift;
	if (!is_money_multiplied(&amount, &factor, &amount) || !is_money_rounded(&amount, &minor))
		return NULL;
	if (amount.scale > 0)
		reader_note(reading, "more decimals than the currency has, rounded");
	return json_integer(minor);
}

static json_t *
make_amount(const struct reading *reading, const json_t *spec, const json_t *value, bool is_major)
{
	bool other;
	json_t *currency = currency_of(reading, spec, &other), *made = NULL;
	const char *code = json_string_value(currency);

	if (other)
		reader_note(reading, "in another currency than the %s, left out",
		    reading->object_kind);
	else if (code == NULL && is_major)
		reader_note(reading, "no currency is known, left out");
	else if (code == NULL)
		made = shifted(reading, value, 0);
	else
		made = shifted(reading, value,
		    money_exponent(code) - (is_major ? 0 : sender_exponent(reading, code)));
	json_decref(currency);
	return made;
}

static json_t *
make_minor(const struct reading *reading, const json_t *spec, const json_t *value)
{
	return make_amount(reading, spec, value, false);
}

static json_t *
make_major(const struct reading *reading, const json_t *spec, const json_t *value)
{
	return make_amount(reading, spec, value, true);
}

/* Words, numbers and truth values by their text; "*" stands for every other. */
static json_t *
make_map(const struct reading *reading, const json_t *spec, const json_t *value)
{
	const json_t *map = json_object_get(spec, "map"), *found;
	json_t *word = json_is_boolean(value) ? json_string(json_is_true(value) ? "true" : "false")
					      : make_text(reading, spec, value);

	found = word != NULL ? json_object_get(map, json_string_value(word)) : NULL;
	if (found == NULL)
		found = json_object_get(map, "*");
	json_decref(word);
	return found != NULL ? same(found) : NULL;
}

static json_t *
make_json(const struct reading *reading BH_UNUSED, const json_t *spec BH_UNUSED,
    const json_t *value)
{
	return same(value);
}

static const struct reader_conversion conversions[] = {
    {"text", TEXTS, make_text},
    {"filled", TEXTS, make_filled},
    {"lower", TEXTS, make_lower},
    {"upper", TEXTS, make_upper},
    {"url", READER_FIT(URL), make_url},
    {"currency", READER_FIT(TEXT), make_currency},
    {"minor", READER_FIT(MONEY), make_minor},
    {"major", READER_FIT(MONEY), make_major},
    {"time", READER_FIT(TIME), make_time},
    {"date", READER_FIT(DATE), make_date},
    {"bool", READER_FIT(BOOL), make_bool},
    {"int", READER_FIT(INT), make_int},
    {"decimal", READER_FIT(DECIMAL), make_decimal},
    {"map", ~0u, make_map},
    {"json", READER_FIT(JSON), make_json},
};

const struct reader_conversion *
reader_conversion(const char *name, const json_t *settings)
{
	if (bh_has_prefix(name, SETTING)) {
		name = json_string_value(json_object_get(settings, name + strlen(SETTING)));
		/* Only the unit of an amount can be left to a setting. */
		if (name == NULL || strcmp(name, "major") != 0)
			name = "minor";
	}
	for (size_t i = 0; i < BH_LEN(conversions); i++)
		if (strcmp(conversions[i].name, name) == 0)
			return &conversions[i];
	return NULL;
}

const struct reader_conversion *
reader_conversion_for(enum field_type type)
{
	static const char *const names[FIELD__MAX] = {
	    [FIELD_TEXT] = "text",
	    [FIELD_ENUM] = "text",
	    [FIELD_URL] = "url",
	    [FIELD_EMAIL] = "filled",
	    [FIELD_DATE] = "date",
	    [FIELD_TIME] = "time",
	    [FIELD_DECIMAL] = "decimal",
	    [FIELD_INT] = "int",
	    [FIELD_BOOL] = "bool",
	    [FIELD_JSON] = "json",
	};

	return names[type] != NULL ? reader_conversion(names[type], NULL) : NULL;
}
