/* Readers: see read.h. */
#include "base/base.h"

#include "source/read.h"

#include "base/clock.h"
#include "base/text.h"

#define UNIX_MIN INT64_C(-62135596800) /* 0001-01-01 */
#define UNIX_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59 */

/* True when the rest of the reader is to look at value. */
static bool
is_worth_reading(json_t *fields, const char *name, const json_t *value)
{
	if (json_is_null(value))
		json_object_set_new(fields, name, json_null());
	return value != NULL && !json_is_null(value);
}

static void
put(json_t *fields, const char *name, const json_t *value)
{
	json_object_set(fields, name, (json_t *)(uintptr_t)value);
}

void
read_text(json_t *fields, const char *name, const json_t *value)
{
	if (is_worth_reading(fields, name, value) && json_is_string(value))
		put(fields, name, value);
}

void
read_filled(json_t *fields, const char *name, const json_t *value)
{
	if (json_is_string(value) && json_string_length(value) == 0)
		json_object_set_new(fields, name, json_null());
	else
		read_text(fields, name, value);
}

void
read_url(json_t *fields, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);

	if (text == NULL || bh_has_prefix(text, "https://") || bh_has_prefix(text, "http://"))
		read_text(fields, name, value);
}

void
read_bool(json_t *fields, const char *name, const json_t *value)
{
	if (is_worth_reading(fields, name, value) && json_is_boolean(value))
		put(fields, name, value);
}

void
read_int(json_t *fields, const char *name, const json_t *value)
{
	int64_t number;

	if (is_worth_reading(fields, name, value) && bh_is_json_int(value, "", &number))
		json_object_set_new(fields, name, json_integer(number));
}

void
read_currency(json_t *fields, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	char code[4] = "";

	if (!is_worth_reading(fields, name, value) || json_string_length(value) != 3)
		return;
	for (int i = 0; i < 3; i++) {
		char c = text[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c < 'A' || c > 'Z')
			return;
		code[i] = c;
	}
	json_object_set_new(fields, name, json_string(code));
}

bool
is_unix_read(const json_t *value, int64_t *at_ms_r)
{
	int64_t at_s;

	if (value == NULL || !bh_is_json_int(value, "", &at_s) || at_s < UNIX_MIN ||
	    at_s > UNIX_MAX)
		return false;
	*at_ms_r = at_s * 1000;
	return true;
}

void
read_put_ms(json_t *fields, const char *name, int64_t at_ms)
{
	char text[BH_CLOCK_TEXT];

	if (at_ms == INT64_MIN) {
		json_object_set_new(fields, name, json_null());
		return;
	}
	bh_rfc3339(text, at_ms);
	json_object_set_new(fields, name, json_string(text));
}

void
read_unix(json_t *fields, const char *name, const json_t *value)
{
	int64_t at_ms;

	if (is_worth_reading(fields, name, value) && is_unix_read(value, &at_ms))
		read_put_ms(fields, name, at_ms);
}

void
read_unix_day(json_t *fields, const char *name, const json_t *value)
{
	char text[BH_CLOCK_TEXT];
	int64_t at_ms;

	if (!is_worth_reading(fields, name, value) || !is_unix_read(value, &at_ms))
		return;
	bh_date(text, at_ms);
	json_object_set_new(fields, name, json_string(text));
}

void
read_time(json_t *fields, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t at_ms;

	if (is_worth_reading(fields, name, value) && text != NULL && bh_is_time(text, &at_ms))
		read_put_ms(fields, name, at_ms);
}

void
read_date(json_t *fields, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t at_ms;

	if (is_worth_reading(fields, name, value) && text != NULL && strlen(text) == 10 &&
	    bh_is_time(text, &at_ms))
		put(fields, name, value);
}

static int
power_of_ten(int exponent)
{
	int power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

struct read_unit
read_unit(const char *currency, int exponent)
{
	int canonical = money_exponent(currency);

	return (struct read_unit){power_of_ten(canonical - exponent),
	    power_of_ten(exponent - canonical)};
}

/* Amount times unit, exact. */
static bool
is_converted(struct money_decimal *amount, struct read_unit unit)
{
	struct money_decimal factor = {unit.multiply, 0};

	for (int divide = unit.divide; divide > 1; divide /= 10)
		factor.scale++;
	return is_money_multiplied(amount, &factor, amount);
}

bool
is_amount_read(const json_t *value, struct read_unit unit, int64_t *minor_r)
{
	struct money_decimal amount;

	return is_source_decimal(value, &amount) && amount.scale == 0 &&
	       is_converted(&amount, unit) && is_money_rounded(&amount, minor_r);
}

void
read_money(json_t *fields, const char *name, const json_t *value, struct read_unit unit)
{
	int64_t minor;

	if (is_worth_reading(fields, name, value) && is_amount_read(value, unit, &minor))
		json_object_set_new(fields, name, json_integer(minor));
}

bool
is_source_decimal(const json_t *value, struct money_decimal *decimal_r)
{
	char text[64];

	if (json_is_string(value))
		return is_money_decimal(json_string_value(value), decimal_r);
	if (json_is_integer(value)) {
		*decimal_r = (struct money_decimal){json_integer_value(value), 0};
		return true;
	}
	if (!json_is_real(value))
		return false;
	/* A JSON number with a fraction: the shortest text that gives it back was meant. */
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, json_real_value(value));
		if (!(strtod(text, NULL) < json_real_value(value)) &&
		    !(strtod(text, NULL) > json_real_value(value)))
			break;
	}
	if (strchr(text, 'e') != NULL)
		snprintf(text, sizeof(text), "%.18f", json_real_value(value));
	return is_money_decimal(text, decimal_r);
}

static void
put_decimal(json_t *fields, const char *name, const struct money_decimal *decimal)
{
	char text[MONEY_TEXT];

	money_decimal_text(text, decimal);
	json_object_set_new(fields, name, json_string(text));
}

void
read_decimal(json_t *fields, const char *name, const json_t *value)
{
	read_precise(fields, name, value, (struct read_unit){1, 1});
}

void
read_precise(json_t *fields, const char *name, const json_t *value, struct read_unit unit)
{
	struct money_decimal decimal;

	if (is_worth_reading(fields, name, value) && is_source_decimal(value, &decimal) &&
	    is_converted(&decimal, unit))
		put_decimal(fields, name, &decimal);
}

const json_t *
read_id_of(const json_t *value)
{
	if (json_is_object(value))
		value = json_object_get(value, "id");
	return json_string_length(value) > 0 ? value : NULL;
}

void
read_id(json_t *fields, const char *name, const json_t *value)
{
	const json_t *id = read_id_of(value);

	if (id != NULL || json_is_null(value))
		put(fields, name, id != NULL ? id : value);
}

const json_t *
read_first(size_t n, const json_t *const *values)
{
	for (size_t i = 0; i < n; i++)
		if (values[i] != NULL && !json_is_null(values[i]))
			return values[i];
	return NULL;
}

void
read_prune(json_t *object)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe (object, next, name, value)
		if (json_is_null(value))
			json_object_del(object, name);
}
