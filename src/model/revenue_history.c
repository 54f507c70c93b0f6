/*
 * Histories: what is kept of a subscription's changes to know its worth in
 * the course of time.  A change adds a point; equal states are kept once.
 *
 *   point: [effective_ms, version, digest, flags]
 *          [effective_ms, version, digest, flags, grace_from_ms]   of a past_due that tells its period
 *
 * Points are kept although they repeat the state before them: a change that
 * arrives late may still fall between the two.
 */
#include "base/base.h"

#include "base/crypt.h"
#include "base/text.h"
#include "model/revenue_parts.h"

#define POINTS_MAX 200
#define STATES_BYTES (2u << 20) /* about, of all states together */
#define DIGEST_BYTES 10         /* of states of one subscription */

/* All that revenue reads; nothing that changes with each renewal is among it. */
static const char *const subscription_fields[] = {"status", "currency", "interval",
    "interval_count", "items", "items_complete", "discounts", "tax_rates", "pause_collection",
    "cancel_at_period_end", "cancel_at", "canceled_at", "ended_at", "trial_end", "created_at",
    "started_at", NULL};
static const char *const item_fields[] = {"price", "product", "currency", "quantity", "unit_amount",
    "interval", "interval_count", "usage_type", "billing_scheme", "tiers_mode", "tiers",
    "divide_by", "round", "discounts", "tax_rates", NULL};
static const char *const discount_fields[] = {"id", "coupon", "percent_off", "amount_off",
    "currency", "duration", "start", "end", "products", NULL};
static const char *const rate_fields[] = {"percentage", "inclusive", NULL};

static json_t *lean(const json_t *object, const char *const *names);

/* The members of a list that are objects, lean; ids stay. */
static json_t *
lean_list(const json_t *list, const char *const *names)
{
	json_t *all = json_array();
	size_t i;
	json_t *one;

	json_array_foreach (list, i, one) {
		if (json_is_object(one))
			json_array_append_new(all, lean(one, names));
		else
			json_array_append(all, one);
	}
	return all;
}

/* A copy with these members only, and so of the lists inside it. */
static json_t *
lean(const json_t *object, const char *const *names)
{
	static const struct {
		const char *name;
		const char *const *fields;
	} lists[] = {{"items", item_fields}, {"discounts", discount_fields},
	    {"tax_rates", rate_fields}};
	json_t *copy = json_object();

	for (; *names != NULL; names++) {
		json_t *value = json_object_get(object, *names), *list = NULL;

		for (size_t i = 0; i < BH_LEN(lists) && json_is_array(value); i++)
			if (strcmp(lists[i].name, *names) == 0)
				list = lean_list(value, lists[i].fields);
		if (list != NULL)
			json_object_set_new(copy, *names, list);
		else if (value != NULL)
			json_object_set(copy, *names, value);
	}
	return copy;
}

/* Returns how many bytes the state has as text. */
static size_t
digest_of(const json_t *state, char out[2 * DIGEST_BYTES + 1])
{
	unsigned char digest[BH_SHA256_LEN];
	char *text = bh_json_text(state);
	size_t len = strlen(text);

	bh_sha256(digest, text, len);
	bh_hex(out, digest, DIGEST_BYTES);
	free(text);
	return len;
}

static json_t *
point_of(const struct object_change *change, const json_t *state, const char *digest)
{
	int64_t at_ms = change->effective_ms != 0 ? change->effective_ms : change->version.at_ms;
	int64_t grace_ms = revenue_time(change->fields, "period_start", INT64_MIN);
	char version[OBJECT_VERSION_TEXT];
	json_t *point;

	object_version_text(version, &change->version);
	point = json_pack("[I, o, s, i]", (json_int_t)at_ms, bh_json_string(version), digest,
	    (change->partial ? REVENUE_PARTIAL : 0) | (change->deleted ? REVENUE_DELETED : 0));
	if (strcmp(revenue_text(state, "status"), "past_due") == 0 && grace_ms != INT64_MIN)
		json_array_append_new(point, json_integer(grace_ms));
	return point;
}

/*
 * By version, as the mirror has it, then time, then what makes two points
 * different at all: order of arrival is none.  Where versions are times the
 * two agree; where they are not, a state that is known to be older never
 * stands behind a newer one, whenever it is said to have begun.
 */
static int
compare_points(const json_t *a, const json_t *b)
{
	static const size_t parts[] = {1, 0, 2, 3, 4};

	for (size_t i = 0; i < BH_LEN(parts); i++) {
		const json_t *x = json_array_get(a, parts[i]), *y = json_array_get(b, parts[i]);
		json_int_t m = json_integer_value(x), n = json_integer_value(y);
		int order = json_is_string(x) && json_is_string(y)
				? strcmp(json_string_value(x), json_string_value(y))
				: (m > n) - (m < n);

		if (order != 0)
			return order;
	}
	return (json_array_size(a) > json_array_size(b)) -
	       (json_array_size(a) < json_array_size(b));
}

static bool
is_point_there(const json_t *points, const json_t *point)
{
	size_t i;
	json_t *one;

	json_array_foreach (points, i, one)
		if (one == point)
			return true;
	return false;
}

/* Put a point in its place; false when an equal one is there. */
static bool
is_point_put(json_t *points, json_t *point)
{
	size_t at = json_array_size(points);

	while (at > 0) {
		int order = compare_points(json_array_get(points, at - 1), point);

		if (order == 0)
			return false;
		if (order < 0)
			break;
		at--;
	}
	json_array_insert(points, at, point);
	return true;
}

bool
is_revenue_point_same(const json_t *points, size_t i, size_t j)
{
	const json_t *a = json_array_get(points, i), *b = json_array_get(points, j);

	for (size_t part = 2; part < 5; part++) {
		const json_t *x = json_array_get(a, part), *y = json_array_get(b, part);

		if (x != y && !json_equal(x, y))
			return false;
	}
	return true;
}

/*
 * The oldest point between two of the same state says nothing.  Where there
 * is none the oldest change goes; the first point stays, it tells since when
 * there is anything at all.
 */
static void
drop_point(json_t *points)
{
	for (size_t i = 1; i + 1 < json_array_size(points); i++) {
		if (is_revenue_point_same(points, i - 1, i) &&
		    is_revenue_point_same(points, i, i + 1)) {
			json_array_remove(points, i);
			return;
		}
	}
	json_array_remove(points, 1);
}

/* States that no point names any more. */
static void
drop_states(json_t *states, const json_t *points)
{
	json_t *named = json_object();
	const char *digest;
	size_t i;
	json_t *point, *state;
	void *next;

	json_array_foreach (points, i, point)
		json_object_set_new(named, json_string_value(json_array_get(point, 2)),
		    json_true());
	json_object_foreach_safe (states, next, digest, state) {
		if (json_object_get(named, digest) == NULL)
			json_object_del(states, digest);
	}
	json_decref(named);
}

static json_t *
part_of(json_t *history, const char *name, json_t *empty)
{
	json_t *part = json_object_get(history, name);

	if (json_typeof(empty) == (part != NULL ? json_typeof(part) : JSON_NULL)) {
		json_decref(empty);
		return part;
	}
	json_object_set_new(history, name, empty);
	return empty;
}

bool
is_revenue_history_added(json_t *history, const struct object_change *change)
{
	json_t *states = part_of(history, "states", json_object());
	json_t *points = part_of(history, "points", json_array());
	json_t *state = lean(change->fields, subscription_fields), *point;
	char digest[2 * DIGEST_BYTES + 1];
	size_t len = digest_of(state, digest);
	bool changed;

	point = point_of(change, state, digest);
	changed = is_point_put(points, point);
	if (changed && json_object_get(states, digest) == NULL)
		json_object_set(states, digest, state);
	while (changed && (json_array_size(points) > POINTS_MAX ||
			      (json_array_size(points) > 2 &&
				  json_object_size(states) * len > STATES_BYTES))) {
		drop_point(points);
		drop_states(states, points);
		changed = is_point_there(points, point);
	}
	json_decref(point);
	json_decref(state);
	return changed;
}
