/* See revenue_facts.h: what is chosen, and its months.  What is said of it: revenue_view.c. */
#include "base/base.h"

#include "web/revenue_facts.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/totals.h"
#include "web/words.h"

#define FRESH_MS (15 * 60 * INT64_C(1000))
#define LOST_MS (60 * INT64_C(1000))

const char *
revenue_currency(const char *name)
{
	return bh_has_prefix(name, "all-") ? name + 4 : name;
}

/* -- sums -- */

static void
add_integer(json_t *to, const char *name, int64_t by)
{
	int64_t sum;

	if (!__builtin_add_overflow(bh_json_int(to, name, 0), by, &sum))
		json_object_set_new(to, name, json_integer(sum));
}

static void
add_pair(json_t *object, const char *name, const json_t *pair)
{
	const json_t *old = json_object_get(object, name);
	int64_t sums[2];

	for (size_t i = 0; i < 2; i++)
		if (__builtin_add_overflow((int64_t)json_integer_value(json_array_get(old, i)),
			(int64_t)json_integer_value(json_array_get(pair, i)), &sums[i]))
			return;
	json_object_set_new(object, name,
	    json_pack("[I, I]", (json_int_t)sums[0], (json_int_t)sums[1]));
}

/* One connection's sum on top of another's. */
static void
add_sum(json_t *sums, const char *name, json_t *sum)
{
	static const char *const numbers[] = {"mrr", "arr", "told", "customers"};
	json_t *to = json_object_get(sums, name), *months, *of, *pair;
	const char *month, *kind;

	if (to == NULL) {
		to = json_pack("{s:{}}", "months");
		json_object_set_new(sums, name, to);
	}
	for (size_t i = 0; i < BH_LEN(numbers); i++)
		add_integer(to, numbers[i], bh_json_int(sum, numbers[i], 0));
	add_pair(to, "before", json_object_get(sum, "before"));
	months = json_object_get(to, "months");
	json_object_foreach (json_object_get(sum, "months"), month, of) {
		if (json_object_get(months, month) == NULL)
			json_object_set_new(months, month, json_object());
		json_object_foreach (of, kind, pair)
			add_pair(json_object_get(months, month), kind, pair);
	}
}

static void
add_connection(struct revenue_facts *facts, const json_t *totals)
{
	const char *currency = bh_json_str(totals, "currency"), *name;
	char all[16];
	json_t *sum;

	json_object_foreach (json_object_get(totals, "sums"), name, sum)
		add_sum(facts->sums, name, sum);
	if (currency == NULL)
		return;
	snprintf(all, sizeof(all), "all-%s", currency);
	add_sum(facts->sums, all, json_object_get(totals, "converted"));
}

/* What was asked for, if it is there; else all in one currency, else the one of most customers. */
static void
choose_currency(struct revenue_facts *facts)
{
	const char *asked = request_query(facts->exchange->request, "currency"), *name;
	const char *found = "";
	int64_t most = -1;
	json_t *sum;

	json_object_foreach (facts->sums, name, sum) {
		int64_t n = bh_json_int(sum, "customers", 0);

		if (asked != NULL && strcmp(asked, name) == 0)
			n = INT64_MAX;
		else if (bh_has_prefix(name, "all-"))
			n = INT64_MAX - 1;
		if (n > most) {
			most = n;
			found = name;
		}
	}
	snprintf(facts->currency, sizeof(facts->currency), "%s", found);
}

/* -- months -- */

static int
months_asked(const struct revenue_facts *facts)
{
	const char *asked = request_query(facts->exchange->request, "months");

	return asked != NULL && strcmp(asked, "24") == 0 ? 24 : 12;
}

/* All movements of a month, on top of what was. */
static void
move(struct revenue_month *month, const json_t *of)
{
	month->end = month->begin;
	month->customers_end = month->customers_begin;
	for (size_t k = 0; k < REVENUE_KINDS; k++) {
		const json_t *pair = json_object_get(of, totals_kinds[k]);

		month->amounts[k] = json_integer_value(json_array_get(pair, 0));
		month->counts[k] = json_integer_value(json_array_get(pair, 1));
		month->end += month->amounts[k];
		if (strcmp(totals_kinds[k], "new") == 0 ||
		    strcmp(totals_kinds[k], "reactivation") == 0)
			month->customers_end += month->counts[k];
		else if (strcmp(totals_kinds[k], "churn") == 0)
			month->customers_end -= month->counts[k];
	}
}

static void
read_months(struct revenue_facts *facts)
{
	const json_t *sum = json_object_get(facts->sums, facts->currency);
	const json_t *before = json_object_get(sum, "before"),
		     *months = json_object_get(sum, "months");
	int64_t at_ms = bh_json_int(facts->totals, "at", facts->now_ms);
	struct revenue_month month = {.end = json_integer_value(json_array_get(before, 0)),
	    .customers_end = json_integer_value(json_array_get(before, 1))};

	for (int n = TOTALS_MONTHS; n-- > 0;) {
		month.begin = month.end;
		month.customers_begin = month.customers_end;
		totals_month_before(month.name, at_ms, n);
		move(&month, json_object_get(months, month.name));
		if (n < facts->months)
			facts->month[facts->months - 1 - n] = month;
	}
}

/* -- the whole -- */

static int
read_sources(struct revenue_facts *facts, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(facts->exchange);
	json_t *codes = NULL, *code;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		struct account_connection one = {0};

		rc = account_connection_load(txn, NULL, json_string_value(code), &one, err);
		if (rc > 0 && one.is_source)
			json_array_append_new(facts->sources,
			    json_pack("{s:s, s:o}", "code", one.code, "name",
				words_json(one.name[0] != '\0' ? one.name : one.code)));
		account_connection_release(&one);
		if (rc < 0)
			break;
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

int
revenue_facts_get(struct revenue_facts *facts, struct exchange *exchange, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	const json_t *connections;
	const json_t *source;
	size_t i;

	*facts = (struct revenue_facts){.exchange = exchange,
	    .now_ms = bh_now_ms(),
	    .sources = json_array(),
	    .sums = json_object(),
	    .connection = request_query(exchange->request, "connection")};
	if (facts->connection == NULL)
		facts->connection = "";
	facts->months = months_asked(facts);
	if (totals_state_get(txn, &facts->state, err) < 0 ||
	    totals_get(txn, &facts->totals, err) < 0 || read_sources(facts, err) < 0)
		return -1;
	connections = json_object_get(facts->totals, "connections");
	json_array_foreach (facts->sources, i, source) {
		const char *code = bh_json_str(source, "code");

		if (facts->connection[0] == '\0' || strcmp(facts->connection, code) == 0)
			add_connection(facts, json_object_get(connections, code));
	}
	choose_currency(facts);
	read_months(facts);
	return 0;
}

void
revenue_facts_release(struct revenue_facts *facts)
{
	json_decref(facts->state);
	json_decref(facts->totals);
	json_decref(facts->sources);
	json_decref(facts->sums);
}

bool
is_revenue_old(const struct revenue_facts *facts)
{
	const char *state = bh_json_str(facts->state, "state");
	int64_t asked = bh_json_int(facts->state, "asked", 0);

	if (json_array_size(facts->sources) == 0)
		return false;
	if (state != NULL && strcmp(state, "open") == 0)
		return asked < facts->now_ms - LOST_MS;
	return asked < facts->now_ms - FRESH_MS &&
	       bh_json_int(facts->totals, "at", 0) < facts->now_ms - FRESH_MS;
}
