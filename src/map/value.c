/* Values and their conversions: see value.h. */
#include "base/base.h"

#include "map/value.h"

#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "map/decimal.h"
#include "model/money.h"

#define SHOWN_BYTES 40 /* of a value in an error text */

static const char *const type_names[FIELD__MAX] = {
    [FIELD_NONE] = "nothing",
    [FIELD_TEXT] = "text",
    [FIELD_ENUM] = "a choice",
    [FIELD_URL] = "a URL",
    [FIELD_EMAIL] = "an e-mail address",
    [FIELD_DATE] = "a date",
    [FIELD_TIME] = "a time",
    [FIELD_MONEY] = "an amount of money",
    [FIELD_DECIMAL] = "a decimal number",
    [FIELD_INT] = "a whole number",
    [FIELD_BOOL] = "a yes-or-no",
    [FIELD_JSON] = "a structure",
};

void
map_value_release(struct map_value *value)
{
	json_decref(value->json);
	*value = (struct map_value)MAP_VALUE_ABSENT;
}

void
map_value_take(struct map_value *value, json_t *json, enum field_type type)
{
	json_decref(value->json);
	value->json = json;
	value->type = type;
}

void
map_value_take_text(struct map_value *value, struct bh_buf *text)
{
	json_t *json = text->len > 0 ? json_stringn(text->data, text->len) : NULL;

	/* What is no UTF-8 is refused by jansson, and then counts as empty. */
	map_value_take(value, json != NULL ? json : json_null(), FIELD_TEXT);
}

bool
is_map_value_empty(const struct map_value *value)
{
	return value->json == NULL || json_is_null(value->json) ||
	       (json_is_string(value->json) && json_string_length(value->json) == 0);
}

const char *
map_type_name(enum field_type type)
{
	return type < FIELD__MAX ? type_names[type] : type_names[FIELD_NONE];
}

json_t *
map_value_text(const struct map_value *value)
{
	char money[MONEY_TEXT];
	json_t *json;
	char *text;

	if (json_is_string(value->json))
		return json_incref(value->json);
	if (json_is_integer(value->json) && value->type == FIELD_MONEY) {
		money_text(money, json_integer_value(value->json), value->exponent);
		return json_string(money);
	}
	text = bh_json_text(value->json);
	json = json_string(text);
	free(text);
	return json;
}

/* "'abc' is no date". */
static int
refuse(const struct map_value *value, enum field_type wanted, struct bh_err *err)
{
	json_t *json = map_value_text(value);
	const char *text = json_string_value(json);
	size_t len = bh_utf8_cut(text, strlen(text), SHOWN_BYTES);

	bh_fail(err, BH_INVALID, "'%.*s%s' is not %s", (int)len, text,
	    text[len] != '\0' ? "..." : "", map_type_name(wanted));
	json_decref(json);
	return -1;
}

int
map_value_decimal(const struct map_value *value, json_t **json_r, struct bh_err *err)
{
	struct bh_buf out = BH_BUF_INIT(DECIMAL_BYTES);
	json_t *text;
	bool good;

	if (json_is_boolean(value->json) || json_is_object(value->json) ||
	    json_is_array(value->json))
		return refuse(value, FIELD_DECIMAL, err);
	text = map_value_text(value);
	good = is_decimal_read(json_string_value(text), &out);
	json_decref(text);
	if (good)
		*json_r = json_string(bh_buf_str(&out));
	bh_buf_release(&out);
	return good ? 0 : refuse(value, FIELD_DECIMAL, err);
}

int
map_value_bool(const struct map_value *value, json_t **json_r, struct bh_err *err)
{
	static const char *const words[] = {"false", "true", "no", "yes", "0", "1"};
	json_t *text = map_value_text(value);
	size_t i = 0;

	while (i < BH_LEN(words) && strcasecmp(json_string_value(text), words[i]) != 0)
		i++;
	json_decref(text);
	if (i == BH_LEN(words))
		return refuse(value, FIELD_BOOL, err);
	*json_r = json_boolean(i % 2);
	return 0;
}

static int
read_time(const struct map_value *value, enum field_type wanted, int64_t *at_ms_r,
    struct bh_err *err)
{
	const char *text = json_string_value(value->json);

	if (text == NULL || !bh_is_time(text, at_ms_r))
		return refuse(value, wanted, err);
	return 0;
}

int
map_value_date(const struct map_value *value, json_t **json_r, struct bh_err *err)
{
	char text[BH_CLOCK_TEXT];
	int64_t at_ms;

	if (read_time(value, FIELD_DATE, &at_ms, err) < 0)
		return -1;
	bh_date(text, at_ms);
	*json_r = json_string(text);
	return 0;
}

int
map_value_time(const struct map_value *value, json_t **json_r, struct bh_err *err)
{
	char text[BH_CLOCK_TEXT];
	int64_t at_ms;

	if (read_time(value, FIELD_TIME, &at_ms, err) < 0)
		return -1;
	bh_rfc3339(text, at_ms);
	*json_r = json_string(text);
	return 0;
}
