/* Fitting values to fields: see fit.h. */
#include "base/base.h"

#include "map/fit.h"

#include <strings.h>

#include "base/text.h"
#include "map/decimal.h"

#define SHOWN_BYTES 60

enum record_type
fit_type(enum field_type type)
{
	switch (type) {
	case FIELD_DATE:
		return RECORD_DATE;
	case FIELD_TIME:
		return RECORD_TIME;
	case FIELD_MONEY:
	case FIELD_DECIMAL:
	case FIELD_INT:
		return RECORD_NUMBER;
	case FIELD_BOOL:
		return RECORD_BOOL;
	case FIELD_ENUM:
		return RECORD_ENUM;
	case FIELD_NONE:
	case FIELD_TEXT:
	case FIELD_URL:
	case FIELD_EMAIL:
	case FIELD_JSON:
	case FIELD__MAX:
		break;
	}
	return RECORD_TEXT;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* CRMs drop white space at the ends themselves; sent, it would look like a difference for ever. */
static void
fit_text(struct map_value *value, size_t length)
{
	json_t *json = map_value_text(value);
	/* Cleaning makes at most three bytes of one. */
	struct bh_buf out = BH_BUF_INIT(3 * json_string_length(json) + 1);
	const char *text;
	size_t len;
	bool is_address = value->type == FIELD_URL || value->type == FIELD_EMAIL;

	bh_utf8_clean_add(&out, json_string_value(json), json_string_length(json));
	json_decref(json);
	text = bh_buf_str(&out);
	len = out.len;
	while (len > 0 && is_blank(*text)) {
		text++;
		len--;
	}
	if (length != 0 && bh_utf8_units(text, len) > length)
		len = is_address ? 0 : bh_utf8_cut(text, len, length);
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	map_value_take(value, len > 0 ? json_stringn(text, len) : json_null(), value->type);
	bh_buf_release(&out);
}

static int
fit_number(struct map_value *value, const struct map_limit *limit, struct bh_err *err)
{
	struct bh_buf out = BH_BUF_INIT((size_t)2 * DECIMAL_BYTES);
	json_t *json;
	int digits;

	if (map_value_decimal(value, &json, err) < 0)
		return -1;
	decimal_round(json_string_value(json), limit->scale, &out);
	json_decref(json);
	digits = decimal_digits(bh_buf_str(&out));
	if (limit->digits > 0 && digits > limit->digits) {
		bh_fail(err, BH_INVALID, "%.60s has more than %d digits before the point",
		    bh_buf_str(&out), limit->digits);
		bh_buf_release(&out);
		return -1;
	}
	map_value_take(value, json_string(bh_buf_str(&out)), FIELD_DECIMAL);
	bh_buf_release(&out);
	return 0;
}

/* The option in its own spelling. */
static const char *
find_option(const json_t *options, const char *text)
{
	const char *option, *close = NULL;
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)options, i, item) {
		option = json_string_value(item);
		if (option != NULL && strcmp(option, text) == 0)
			return option;
		if (option != NULL && close == NULL && strcasecmp(option, text) == 0)
			close = option;
	}
	return close;
}

static int
fit_choice(struct map_value *value, const struct map_limit *limit, struct bh_err *err)
{
	const char *text, *option;
	size_t shown;

	fit_text(value, limit->length);
	text = json_string_value(value->json);
	if (limit->options == NULL || text == NULL)
		return 0;
	option = find_option(limit->options, text);
	shown = bh_utf8_cut(text, strlen(text), SHOWN_BYTES);
	if (option == NULL)
		return bh_fail(err, BH_INVALID, "'%.*s' is none of the CRM's options", (int)shown,
		    text);
	map_value_take(value, json_string(option), FIELD_ENUM);
	return 0;
}

/* A name becomes what it stands for; what is neither is left out: it does not exist there. */
static void
fit_alias(struct map_value *value, const json_t *aliases)
{
	const char *text = json_string_value(value->json), *name;
	json_t *named = text != NULL ? json_object_get(aliases, text) : NULL, *other;

	if (named != NULL) {
		map_value_take(value, json_incref(named), FIELD_TEXT);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)aliases, name, other) {
		if (text != NULL && strcmp(json_string_value(other), text) == 0)
			return;
	}
	map_value_release(value);
}

int
fit_value(struct map_value *value, const struct map_limit *limit, struct bh_err *err)
{
	json_t *json = NULL;
	int rc = 0;

	if (is_map_value_empty(value)) {
		map_value_take(value, json_null(), value->type);
		return 0;
	}
	if (limit->aliases != NULL) {
		fit_alias(value, limit->aliases);
		return 0;
	}
	switch (limit->type) {
	case RECORD_TEXT:
		fit_text(value, limit->length);
		return 0;
	case RECORD_ENUM:
		return fit_choice(value, limit, err);
	case RECORD_NUMBER:
		return fit_number(value, limit, err);
	case RECORD_BOOL:
		rc = map_value_bool(value, &json, err);
		break;
	case RECORD_DATE:
		rc = map_value_date(value, &json, err);
		break;
	case RECORD_TIME:
		rc = map_value_time(value, &json, err);
		break;
	}
	if (rc == 0)
		map_value_take(value, json, value->type);
	return rc;
}
