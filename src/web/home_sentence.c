/* See home_sentence.h. */
#include "base/base.h"

#include "web/home_sentence.h"

#include "base/json.h"
#include "model/object.h"
#include "state/link.h"
#include "web/words.h"

/* -- counting -- */

static int64_t
sum(const int64_t by_state[LINK__MAX])
{
	int64_t n = 0;

	for (int i = 0; i < LINK__MAX; i++)
		n += by_state[i];
	return n;
}

/* Of the sync's kinds of records that are made of customers, the one with most. */
static int
find_most(struct store_txn *txn, const struct account_sync *sync, int64_t most[LINK__MAX],
    bool *found_r, struct bh_err *err)
{
	const json_t *objects = json_object_get(sync->mapping, "objects");
	json_t *object;
	size_t i;

	memset(most, 0, LINK__MAX * sizeof(most[0]));
	*found_r = false;
	json_array_foreach ((json_t *)(uintptr_t)objects, i, object) {
		const char *from = bh_json_str(object, "from"), *name = bh_json_str(object, "name");
		int64_t by_state[LINK__MAX];

		if (from == NULL || name == NULL || object_kind_of(from) != OBJECT_CUSTOMER)
			continue;
		if (link_object_counts(txn, sync->to, sync->code, name, by_state, err) < 0)
			return -1;
		if (!*found_r || sum(by_state) > sum(most))
			memcpy(most, by_state, sizeof(by_state));
		*found_r = true;
	}
	return 0;
}

int
home_count_customers(struct store_txn *txn, const struct account_sync *sync,
    struct home_counts *counts, struct bh_err *err)
{
	int64_t most[LINK__MAX];
	size_t i = 0;
	bool found;

	if (find_most(txn, sync, most, &found, err) < 0)
		return -1;
	if (!found || counts->customers_n > HOME_CRMS)
		return 0;
	while (i < counts->customers_n && strcmp(counts->customers[i].code, sync->to) != 0)
		i++;
	if (i == counts->customers_n)
		counts->customers_n++;
	if (i == HOME_CRMS)
		return 0;
	snprintf(counts->customers[i].code, sizeof(counts->customers[i].code), "%s", sync->to);
	counts->customers[i].in_step += most[LINK_CLEAN];
	counts->customers_held += most[LINK_HELD];
	return 0;
}

/* -- saying -- */

/* Can they be told of?  Not while none has got anywhere, nor where there are too many CRMs. */
static bool
has_customers(const struct home_counts *counts)
{
	int64_t n = counts->customers_held;

	if (counts->customers_n > HOME_CRMS)
		return false;
	for (size_t i = 0; i < counts->customers_n; i++)
		n += counts->customers[i].in_step;
	return n > 0;
}

static void
add_number(struct bh_buf *out, int64_t n)
{
	char text[WORDS_MAX];

	words_count(text, n);
	bh_buf_adds(out, text);
}

/* "5 records are", "One record is". */
static void
add_things(struct bh_buf *out, int64_t n, const char *thing, const char *verb, const char *verbs)
{
	if (n == 1) {
		bh_buf_addf(out, "One %s%s", thing, verb);
		return;
	}
	add_number(out, n);
	bh_buf_addf(out, " %ss%s", thing, verbs);
}

/* Several CRMs: "1,204 customers are in step in A, 1,200 in B". */
static void
add_by_crm(struct bh_buf *out, const struct home_counts *counts)
{
	for (size_t i = 0; i < counts->customers_n; i++) {
		if (i == 0) {
			add_things(out, counts->customers[i].in_step, "customer", " is in step",
			    " are in step");
		} else {
			bh_buf_adds(out, ", ");
			add_number(out, counts->customers[i].in_step);
		}
		bh_buf_addf(out, " in %s", counts->customers[i].name);
	}
}

/* How many are in step; all of them, where nothing else is to be told. */
static void
add_in_step(struct bh_buf *out, const struct home_counts *counts, bool is_all)
{
	bool is_customers = has_customers(counts);
	const char *thing = is_customers ? "customer" : "record";
	int64_t n = is_customers ? counts->customers[0].in_step : counts->in_step;

	if (is_customers && counts->customers_n > 1) {
		add_by_crm(out, counts);
	} else if (is_all && n == 1) {
		bh_buf_addf(out, "The only %s is in step", thing);
	} else {
		bh_buf_adds(out, is_all && n > 0 ? "All " : "");
		add_things(out, n, thing, " is in step", " are in step");
	}
}

static void
add_needing(struct bh_buf *out, const struct home_counts *counts)
{
	bool is_customers = has_customers(counts);
	int64_t customers = is_customers ? counts->customers_held : 0;
	int64_t others = counts->held - customers;

	if (customers > 0 && counts->customers_n > 1) {
		/* The same customer may be held in each of them. */
		others = counts->held;
	} else if (customers > 0) {
		bh_buf_adds(out, " ");
		add_number(out, customers);
		bh_buf_adds(out, customers == 1 ? " needs you" : " need you");
		if (others > 0) {
			bh_buf_adds(out, ", and ");
			add_number(out, others);
			bh_buf_adds(out, others == 1 ? " other record" : " other records");
		}
		bh_buf_adds(out, ".");
		others = 0;
	}
	if (others > 0) {
		bh_buf_adds(out, " ");
		add_things(out, others, "record", " needs you.", " need you.");
	}
	if (counts->stopped > 0) {
		bh_buf_adds(out, " ");
		add_things(out, counts->stopped, "connection", " needs you.", " need you.");
	}
}

static const char *
not_connected(const struct home_counts *counts)
{
	if (counts->crms + counts->sources == 0)
		return "Nothing is connected yet.";
	return counts->crms == 0 ? "No CRM is connected yet."
				 : "No billing system is connected yet.";
}

/* Two sentences at most, of what is connected. */
static json_t *
say(const struct home_counts *counts, const char *state)
{
	struct bh_buf out = BH_BUF_INIT(4096);
	json_t *text;

	add_in_step(&out, counts, strcmp(state, "good") == 0);
	if (strcmp(state, "busy") == 0) {
		bh_buf_adds(&out, ", ");
		add_number(&out, counts->on_their_way);
		bh_buf_adds(&out, counts->on_their_way == 1 ? " record" : " records");
		bh_buf_adds(&out, " on the way");
	}
	bh_buf_adds(&out, ".");
	if (strcmp(state, "bad") == 0)
		add_needing(&out, counts);
	text = words_json(bh_buf_str(&out));
	bh_buf_release(&out);
	return text;
}

json_t *
home_sentence(const struct home_counts *counts, const char **state_r)
{
	*state_r = "idle";
	if (counts->crms == 0 || counts->sources == 0)
		return json_string(not_connected(counts));
	if (counts->held + counts->stopped > 0)
		*state_r = "bad";
	else if (counts->on_their_way > 0)
		*state_r = "busy";
	else if (counts->in_step == 0)
		return json_string("Connected. Nothing has come yet.");
	else
		*state_r = "good";
	return say(counts, *state_r);
}
