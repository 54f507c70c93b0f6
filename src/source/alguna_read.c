/*
 * Alguna: reading.  Webhooks and the first API generation write camelCase,
 * the second snake_case; amounts are decimal texts of whole units.
 */
#include "base/base.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/text.h"
#include "source/alguna.h"

/* "billing_period_start" as "billingPeriodStart". */
static void
put_camel(char out[64], const char *name)
{
	size_t len = 0;
	bool raise = false;

	for (; *name != '\0' && len < 63; name++) {
		if (*name == '_') {
			raise = true;
			continue;
		}
		out[len++] = raise ? (char)toupper((unsigned char)*name) : *name;
		raise = false;
	}
	out[len] = '\0';
}

const json_t *
alguna_at(const json_t *object, const char *name)
{
	const json_t *camel, *snake = json_object_get(object, name);
	char other[64];

	put_camel(other, name);
	camel = json_object_get(object, other);
	if (camel == NULL || (json_is_null(camel) && snake != NULL))
		return snake;
	return camel;
}

const json_t *
alguna_any(const json_t *object, size_t n, const char *const *names)
{
	const json_t *null = NULL;

	for (size_t i = 0; i < n; i++) {
		const json_t *value = alguna_at(object, names[i]);

		if (value != NULL && !json_is_null(value))
			return value;
		if (value != NULL)
			null = value;
	}
	return null;
}

const char *
alguna_text(const json_t *object, const char *name)
{
	return json_string_value(alguna_at(object, name));
}

const json_t *
alguna_account(const json_t *object)
{
	return READ_FIRST(alguna_at(object, "account_id"), alguna_at(object, "customer_id"),
	    json_object_get(json_object_get(object, "account"), "id"),
	    json_object_get(json_object_get(object, "customer"), "id"));
}

void
alguna_day(json_t *fields, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t at_ms;

	if (json_is_null(value))
		json_object_set_new(fields, name, json_null());
	else if (text != NULL && bh_is_time(text, &at_ms))
		json_object_set_new(fields, name, json_stringn(text, 10));
}

struct read_unit
alguna_unit(const char *currency)
{
	struct read_unit unit = {1, 1};

	for (int i = currency != NULL ? money_exponent(currency) : 0; i > 0; i--)
		unit.multiply *= 10;
	return unit;
}

void
alguna_money(struct source_news *news, json_t *fields, const char *name, const json_t *value,
    const char *currency)
{
	struct money_decimal amount, factor = {1, 0};
	int64_t minor;

	if (json_is_null(value))
		json_object_set_new(fields, name, json_null());
	if (currency == NULL || value == NULL || !is_source_decimal(value, &amount))
		return;
	factor.digits = alguna_unit(currency).multiply;
	if (!is_money_multiplied(&amount, &factor, &amount) || !is_money_rounded(&amount, &minor))
		return;
	json_object_set_new(fields, name, json_integer(minor));
	if (amount.scale > 0)
		snprintf(news->result->note, sizeof(news->result->note),
		    "%s rounded to the decimals of %.3s: it was %.60s", name, currency,
		    json_is_string(value) ? json_string_value(value) : "finer");
}

void
alguna_link(const struct source_news *news, struct object_change *change, const char *what)
{
	const char *app = bh_json_str(news->config->settings, "app_url");
	struct bh_buf url = BH_BUF_INIT(4096);
	size_t len;

	if (app == NULL || *app == '\0')
		app = ALGUNA_APP;
	len = strlen(app);
	while (len > 0 && app[len - 1] == '/')
		len--;
	bh_buf_add(&url, app, len);
	bh_buf_addf(&url, "/%s/", what);
	bh_percent_add(&url, change->id, strlen(change->id));
	if (!url.full)
		json_object_set_new(change->fields, "link", json_string(bh_buf_str(&url)));
	bh_buf_release(&url);
}

const struct alguna_word *
alguna_status(json_t *fields, const json_t *object, const struct alguna_word *words, size_t n)
{
	const json_t *value = alguna_at(object, "status");
	const char *text = json_string_value(value);
	const struct alguna_word *found = &words[n - 1];

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (words[i].word != NULL && strcmp(words[i].word, text) == 0)
			found = &words[i];
	json_object_set_new(fields, "status", json_string(found->canonical));
	read_text(fields, "source_status", value);
	return found;
}

/* The object's own time of update, else the event's, else (a list without one) of its making; 0. */
static int64_t
told_ms(const struct source_news *news, const json_t *object)
{
	const char *updated = alguna_text(object, "updated_at");
	const char *created = alguna_text(object, "created_at");
	int64_t at_ms;

	if (updated != NULL && bh_is_time(updated, &at_ms))
		return at_ms;
	if (news->at_ms != 0)
		return news->at_ms;
	return created != NULL && bh_is_time(created, &at_ms) ? at_ms : 0;
}

int
alguna_stamp(const struct source_news *news, const json_t *object, int rank,
    struct object_change *change, struct bh_err *err)
{
	change->partial = true;
	change->version.at_ms = told_ms(news, object);
	change->version.rank = rank;
	source_tie_fields(change->version.tie, change->fields);
	if (change->version.at_ms <= 0)
		return bh_fail(err, BH_INVALID, "%s without a time",
		    object_kind_name(change->kind));
	return 0;
}

void
alguna_suppose(struct source_news *news, enum object_kind kind, const json_t *id,
    const json_t *object, json_t *fields_take)
{
	int64_t at_ms = told_ms(news, object);
	struct object_change *change = at_ms > 0 && json_object_size(fields_take) > 0
					   ? source_change(news, kind, id, NULL)
					   : NULL;

	if (change != NULL) {
		json_object_update(change->fields, fields_take);
		change->partial = true;
		/* Seconds where milliseconds are meant: January 1970, before anything told, and in order. */
		change->version.at_ms = at_ms / 1000;
		change->effective_ms = at_ms;
		source_tie_fields(change->version.tie, change->fields);
	}
	json_decref(fields_take);
}
