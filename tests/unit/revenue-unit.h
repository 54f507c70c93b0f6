/* For the tests of revenue and figures: JSON in single quotes, data files, canonical forms, chance. */
#ifndef TESTS_UNIT_REVENUE_UNIT_H
#define TESTS_UNIT_REVENUE_UNIT_H

#include "base/clock.h"
#include "base/json.h"
#include "model/figures.h"
#include "unit.h"

#define DAY_MS INT64_C(86400000)
#define HOUR_MS INT64_C(3600000)

/* JSON written with single quotes. */
static inline json_t *
json_of(const char *quoted)
{
	char *text = bh_xstrdup(quoted);
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	for (char *s = text; *s != '\0'; s++)
		if (*s == '\'')
			*s = '"';
	if (bh_json_parse(text, strlen(text), &json, &err) < 0)
		fail_msg("%s: %s", err.text, quoted);
	free(text);
	return json;
}

static inline json_t *
json_file(const char *name)
{
	char *path = unit_path(name);
	struct bh_err err = BH_ERR_INIT;
	json_t *json = NULL;

	if (bh_json_read(path, 4u << 20, &json, &err) < 0)
		fail_msg("%s", err.text);
	free(path);
	return json;
}

static inline int64_t
time_of(const char *text)
{
	int64_t at_ms = 0;

	if (!bh_is_time(text, &at_ms))
		fail_msg("no time: %s", text);
	return at_ms;
}

/* Switches with the defaults and what is said. */
static inline struct revenue_switches
switches_of(const json_t *settings)
{
	struct revenue_switches switches;
	struct bh_err err = BH_ERR_INIT;

	if (revenue_switches_read(settings, &switches, &err) < 0)
		fail_msg("%s", err.text);
	return switches;
}

/* A change of a subscription as a source makes it; takes fields. */
static inline struct object_change
change_of(int64_t at_ms, int rank, const char *tie, bool partial, json_t *fields)
{
	struct object_change change = {.kind = OBJECT_SUBSCRIPTION,
	    .version = {.at_ms = at_ms, .rank = rank},
	    .partial = partial,
	    .fields = fields};

	snprintf(change.version.tie, sizeof(change.version.tie), "%s", tie);
	return change;
}

static inline void
history_add(json_t *history, int64_t at_ms, int rank, const char *quoted)
{
	struct object_change change = change_of(at_ms, rank, "", false, json_of(quoted));

	assert_true(is_revenue_history_added(history, &change));
	json_decref(change.fields);
}

/* Pseudo-random numbers that are the same in every run. */
static uint64_t unit_seed = UINT64_C(20261122);

static inline int
any(int below)
{
	unit_seed = unit_seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int)((unit_seed >> 33) % (uint64_t)below);
}

static inline void
assert_json(const json_t *got, const json_t *expected)
{
	char *a = bh_json_text(got), *b = bh_json_text(expected);

	assert_string_equal(a, b);
	free(a);
	free(b);
}

/* As assert_json() with JSON in single quotes. */
static inline void
assert_quoted(const json_t *got, const char *quoted)
{
	json_t *expected = json_of(quoted);

	assert_json(got, expected);
	json_decref(expected);
}

/* The canonical form of the vectors' subscriptions, which are in Stripe's. */

static inline void
vector_time(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);
	char text[BH_CLOCK_TEXT];

	if (!json_is_integer(value))
		return;
	bh_rfc3339(text, json_integer_value(value) * 1000);
	json_object_set_new(object, name, json_string(text));
}

static inline void
vector_rename(json_t *object, const char *from, const char *to)
{
	json_t *value = json_object_get(object, from);

	if (value != NULL && !json_is_null(value))
		json_object_set(object, to, value);
	json_object_del(object, from);
}

static inline void
vector_discounts(json_t *owner)
{
	size_t i;
	json_t *discount;

	json_array_foreach (json_object_get(owner, "discounts"), i, discount) {
		vector_time(discount, "start");
		vector_time(discount, "end");
	}
}

static inline void
vector_item(json_t *item)
{
	json_t *packs = json_object_get(item, "transform_quantity");
	json_t *tax = json_object_get(item, "tax_inclusive_percent");
	size_t i;
	json_t *tier;

	vector_rename(item, "unit_amount_decimal", "unit_amount");
	json_array_foreach (json_object_get(item, "tiers"), i, tier) {
		vector_rename(tier, "unit_amount_decimal", "unit_amount");
		vector_rename(tier, "flat_amount_decimal", "flat_amount");
	}
	if (json_is_integer(json_object_get(item, "quantity"))) {
		char text[32];

		snprintf(text, sizeof(text), "%lld",
		    (long long)json_integer_value(json_object_get(item, "quantity")));
		json_object_set_new(item, "quantity", json_string(text));
	}
	if (packs != NULL) {
		json_object_update(item, packs);
		json_object_del(item, "transform_quantity");
	}
	if (tax != NULL) {
		json_object_set_new(item, "tax_rates",
		    json_pack("[{s:O, s:b}]", "percentage", tax, "inclusive", 1));
		json_object_del(item, "tax_inclusive_percent");
	}
	vector_discounts(item);
}

static inline void
vector_upper(const char *code, char out[4])
{
	snprintf(out, 4, "%s", code);
	for (int i = 0; out[i] != '\0'; i++)
		out[i] = (char)(out[i] - 'a' + 'A');
}

/* A new reference. */
static inline json_t *
vector_subscription(const json_t *vector)
{
	json_t *subscription = json_deep_copy(vector);
	const char *status = bh_json_str(subscription, "status");
	json_t *pause = json_object_get(subscription, "pause_collection");
	char currency[4];
	size_t i;
	json_t *item;

	vector_upper(bh_json_str(subscription, "currency"), currency);
	json_object_set_new(subscription, "currency", json_string(currency));
	if (strcmp(status, "incomplete_expired") == 0)
		json_object_set_new(subscription, "status", json_string("expired"));
	if (json_is_object(pause))
		json_object_set(subscription, "pause_collection",
		    json_object_get(pause, "behavior"));
	json_array_foreach (json_object_get(subscription, "items"), i, item)
		vector_item(item);
	json_object_set_new(subscription, "items_complete", json_true());
	vector_time(subscription, "cancel_at");
	vector_discounts(subscription);
	return subscription;
}

#endif
