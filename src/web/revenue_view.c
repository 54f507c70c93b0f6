/* The revenue page in words, tables and charts: see revenue_facts.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "web/chart.h"
#include "web/live.h"
#include "web/revenue_facts.h"
#include "web/words.h"

static const char *const month_names[] = {"January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December"};
/* As totals_kinds. */
static const char *const kind_words[REVENUE_KINDS] = {"new", "reactivation", "expansion",
    "contraction", "churn", "exchange rates"};
#define KIND_CHURN 4
#define KIND_FX 5

void
revenue_month_words(char out[32], const char *month)
{
	snprintf(out, 32, "%s %.4s", month_names[(atoi(month + 5) + 11) % 12], month);
}

static const char *
own_currency(const struct revenue_facts *facts)
{
	return revenue_currency(facts->currency);
}

/* "1,204.50": the heading names the currency. */
static json_t *
amount_json(const struct revenue_facts *facts, int64_t minor)
{
	json_t *whole = words_money_json(minor, own_currency(facts)), *cut;
	const char *text = json_string_value(whole), *end = strrchr(text, ' ');

	cut = json_stringn(text, end != NULL ? (size_t)(end - text) : strlen(text));
	json_decref(whole);
	return cut;
}

/* "2.5 %" of what there was; "" where there was nothing. */
static void
share_text(char out[WORDS_MAX], int64_t part, int64_t whole)
{
	out[0] = '\0';
	if (whole > 0)
		snprintf(out, WORDS_MAX, "%.1f %%", (double)part * 100 / (double)whole);
}

/* -- what is chosen -- */

static json_t *
page_url(const struct revenue_facts *facts, const char *path, const char *currency, int months)
{
	struct bh_buf url = BH_BUF_INIT(8192);
	json_t *json;

	bh_buf_addf(&url, "%s%s?connection=", facts->exchange->request->base, path);
	bh_percent_add(&url, facts->connection, strlen(facts->connection));
	bh_buf_addf(&url, "&currency=%s&months=%d", currency, months);
	json = words_json(bh_buf_str(&url));
	bh_buf_release(&url);
	return json;
}

/* "EUR", "All, in USD". */
static json_t *
currency_label(const char *name)
{
	return bh_has_prefix(name, "all-") ? json_sprintf("All, in %s", name + 4)
					   : words_json(name);
}

static void
add_option(json_t *list, const char *value, json_t *label, bool is_chosen)
{
	json_array_append_new(list, json_pack("{s:o, s:o, s:b}", "value", words_json(value),
					"label", label, "is_chosen", is_chosen));
}

static void
put_choices(const struct revenue_facts *facts, json_t *model)
{
	json_t *connections = json_array(), *currencies = json_array(), *months = json_array();
	const json_t *source, *sum;
	const char *name;
	size_t i;

	add_option(connections, "", json_string("All billing systems"),
	    facts->connection[0] == '\0');
	json_array_foreach (facts->sources, i, source) {
		const char *code = bh_json_str(source, "code");

		add_option(connections, code, json_incref(json_object_get(source, "name")),
		    strcmp(code, facts->connection) == 0);
	}
	json_object_foreach (facts->sums, name, sum)
		add_option(currencies, name, currency_label(name),
		    strcmp(name, facts->currency) == 0);
	add_option(months, "12", json_string("12 months"), facts->months == 12);
	add_option(months, "24", json_string("24 months"), facts->months == 24);
	json_object_set_new(model, "connections", connections);
	json_object_set_new(model, "currencies", currencies);
	json_object_set_new(model, "months", months);
}

/* -- now -- */

static void
put_now(const struct revenue_facts *facts, json_t *model)
{
	json_t *rows = json_array(), *sum;
	const char *name;

	json_object_foreach (facts->sums, name, sum) {
		const char *currency = revenue_currency(name);

		json_array_append_new(rows,
		    json_pack("{s:o, s:o, s:o, s:o, s:o, s:b}", "label", currency_label(name),
			"url", page_url(facts, "/revenue", name, facts->months), "mrr",
			words_money_json(bh_json_int(sum, "mrr", 0), currency), "arr",
			words_money_json(bh_json_int(sum, "arr", 0), currency), "customers",
			words_count_json(bh_json_int(sum, "customers", 0)), "is_chosen",
			strcmp(name, facts->currency) == 0));
	}
	json_object_set_new(model, "now", rows);
}

static int64_t
unknown_customers(const struct revenue_facts *facts)
{
	const json_t *connections = json_object_get(facts->totals, "connections"), *source;
	int64_t n = 0;
	size_t i;

	json_array_foreach (facts->sources, i, source) {
		const char *code = bh_json_str(source, "code");

		if (facts->connection[0] == '\0' || strcmp(facts->connection, code) == 0)
			n += bh_json_int(json_object_get(connections, code), "unknown", 0);
	}
	return n;
}

static void
put_notes(const struct revenue_facts *facts, const json_t *sum, json_t *model)
{
	int64_t told = bh_json_int(sum, "told", 0), unknown = unknown_customers(facts);
	json_t *amount = words_money_json(told, own_currency(facts));
	char count[WORDS_MAX];

	words_count(count, unknown);
	json_object_set_new(model, "told",
	    told == 0 ? json_string("")
		      : json_sprintf("%s of it is what the billing system itself tells, without a "
				     "history: the months below are without it.",
			    json_string_value(amount)));
	json_object_set_new(model, "unknown",
	    unknown == 0 ? json_string("")
			 : json_sprintf("Of %s %s not everything is known, a price or a rate of "
					"exchange for instance: the figures may be too low.",
			       count, unknown == 1 ? "customer" : "customers"));
	json_decref(amount);
}

/* How many left in the last whole month. */
static json_t *
churn_words(const struct revenue_facts *facts)
{
	const struct revenue_month *month = &facts->month[facts->months - 2];
	char name[32], left[WORDS_MAX], of[WORDS_MAX], customers[WORDS_MAX], mrr[WORDS_MAX];

	revenue_month_words(name, month->name);
	words_count(left, month->counts[KIND_CHURN]);
	words_count(of, month->customers_begin);
	share_text(customers, month->counts[KIND_CHURN], month->customers_begin);
	share_text(mrr, -month->amounts[KIND_CHURN], month->begin);
	if (month->customers_begin == 0)
		return json_sprintf("At the beginning of %s there was no customer to lose.", name);
	if (month->counts[KIND_CHURN] == 0)
		return json_sprintf("In %s none of %s %s left.", name, of,
		    month->customers_begin == 1 ? "customer" : "customers");
	return json_sprintf("In %s %s of %s %s left (%s), and with them %s of MRR.", name, left, of,
	    month->customers_begin == 1 ? "customer" : "customers", customers,
	    mrr[0] != '\0' ? mrr : "nothing");
}

/* -- months -- */

static json_t *
month_row(const struct revenue_facts *facts, const struct revenue_month *month)
{
	char name[32], customers[WORDS_MAX], mrr[WORDS_MAX];
	json_t *row = json_object();

	revenue_month_words(name, month->name);
	share_text(customers, month->counts[KIND_CHURN], month->customers_begin);
	share_text(mrr, -month->amounts[KIND_CHURN], month->begin);
	json_object_set_new(row, "month", json_string(name));
	json_object_set_new(row, "begin", amount_json(facts, month->begin));
	json_object_set_new(row, "end", amount_json(facts, month->end));
	json_object_set_new(row, "customers", words_count_json(month->customers_end));
	json_object_set_new(row, "churn_customers", json_string(customers));
	json_object_set_new(row, "churn_mrr", json_string(mrr));
	for (size_t k = 0; k < REVENUE_KINDS; k++)
		json_object_set_new(row, totals_kinds[k],
		    month->counts[k] != 0 ? amount_json(facts, month->amounts[k])
					  : json_string("\xe2\x80\x93"));
	return row;
}

/* The newest first. */
static void
put_table(const struct revenue_facts *facts, json_t *model)
{
	json_t *rows = json_array();
	bool has_fx = false;

	for (int i = facts->months; i-- > 0;) {
		has_fx = has_fx || facts->month[i].counts[KIND_FX] != 0;
		json_array_append_new(rows, month_row(facts, &facts->month[i]));
	}
	json_object_set_new(model, "rows", rows);
	json_object_set_new(model, "has_fx", json_boolean(has_fx));
}

struct columns {
	struct chart_column items[REVENUE_MONTHS];
	char names[REVENUE_MONTHS][32], labels[REVENUE_MONTHS][4], years[REVENUE_MONTHS][5];
};

/* Labels alone; the year below the first month and each January, which may not meet. */
static void
begin_columns(const struct revenue_facts *facts, struct columns *columns)
{
	memset(columns, 0, sizeof(*columns));
	for (int i = 0; i < facts->months; i++) {
		const char *month = facts->month[i].name;

		revenue_month_words(columns->names[i], month);
		memcpy(columns->labels[i], columns->names[i], sizeof(columns->labels[i]) - 1);
		if ((i == 0 && strcmp(month + 5, "12") != 0) || strcmp(month + 5, "01") == 0)
			snprintf(columns->years[i], sizeof(columns->years[i]), "%.4s", month);
		columns->items[i] = (struct chart_column){.label = columns->labels[i],
		    .under = columns->years[i],
		    .name = columns->names[i]};
	}
}

static void
put_charts(const struct revenue_facts *facts, json_t *model)
{
	const char *currency = own_currency(facts);
	struct columns *columns = bh_xcalloc(1, sizeof(*columns));
	json_t *first = words_money_json(facts->month[0].begin, currency),
	       *last = words_money_json(facts->month[facts->months - 1].end, currency);
	char *desc =
	    bh_xasprintf("From %s at the beginning to %s now. The table below holds each month.",
		json_string_value(first), json_string_value(last));

	begin_columns(facts, columns);
	for (int i = 0; i < facts->months; i++) {
		columns->items[i].parts[0] =
		    (struct chart_part){"mrr", "MRR at the end", facts->month[i].end};
		columns->items[i].n = 1;
	}
	json_object_set_new(model, "mrr_chart",
	    chart_view("mrr-chart", "MRR at the end of each month", desc, columns->items,
		(size_t)facts->months, currency));
	for (int i = 0; i < facts->months; i++)
		for (size_t k = 0; k < REVENUE_KINDS; k++) {
			columns->items[i].parts[k] = (struct chart_part){totals_kinds[k],
			    kind_words[k], facts->month[i].amounts[k]};
			columns->items[i].n = k + 1;
		}
	json_object_set_new(model, "movement_chart",
	    chart_view("movement-chart", "Movements of MRR in each month",
		"Above the line what came, below it what went. The table below holds each month.",
		columns->items, (size_t)facts->months, currency));
	json_decref(first);
	json_decref(last);
	free(desc);
	free(columns);
}

static void
put_legend(json_t *model)
{
	json_t *legend = json_array();

	for (size_t k = 0; k < REVENUE_KINDS; k++)
		json_array_append_new(legend,
		    json_pack("{s:s, s:s}", "kind", totals_kinds[k], "word", kind_words[k]));
	json_object_set_new(model, "legend", legend);
}

/* -- how new it is -- */

static void
put_progress(const struct revenue_facts *facts, json_t *model, json_t *live)
{
	const char *state = bh_json_str(facts->state, "state");
	bool is_open = state != NULL && strcmp(state, "open") == 0;
	bool is_failed = state != NULL && strcmp(state, "failed") == 0;
	int64_t seen = bh_json_int(facts->state, "seen", 0),
		of = bh_json_int(facts->state, "of", 0);
	char seen_text[WORDS_MAX], of_text[WORDS_MAX];
	json_t *text = json_string("");

	words_count(seen_text, seen);
	words_count(of_text, of);
	if (is_open) {
		json_decref(text);
		text = of > 0
			   ? json_sprintf(
				 "The figures are being worked out anew: %s of about %s customers.",
				 seen_text, of_text)
			   : json_sprintf("The figures are being worked out: %s customers so far.",
				 seen_text);
	} else if (is_failed) {
		json_decref(text);
		text = json_sprintf("They could not be worked out anew: %s",
		    bh_json_str(facts->state, "note"));
	}
	live_set(live, model, "revenue", "text", text);
	live_set(live, model, "revenue", "percent",
	    json_sprintf("%d", of > 0 && seen < of ? (int)(seen * 100 / of) : 0));
	live_set_shown(live, model, "revenue", "has_bar", is_open && of > 0);
	json_object_set_new(live, "newest",
	    json_sprintf("%lld", (long long)bh_json_int(facts->totals, "at", 0)));
	json_object_set(model, "newest", json_object_get(live, "newest"));
}

static json_t *
sentence(const struct revenue_facts *facts, const json_t *sum)
{
	json_t *mrr, *text;
	char customers[WORDS_MAX];

	if (json_array_size(facts->sources) == 0)
		return json_string("No billing system is connected yet.");
	if (sum == NULL)
		return json_string(facts->totals == NULL ? "Revenue is being added up."
							 : "There is no recurring revenue yet.");
	mrr = words_money_json(bh_json_int(sum, "mrr", 0), own_currency(facts));
	words_count(customers, bh_json_int(sum, "customers", 0));
	text = json_sprintf("MRR is %s, from %s %s.", json_string_value(mrr), customers,
	    bh_json_int(sum, "customers", 0) == 1 ? "customer" : "customers");
	json_decref(mrr);
	return text;
}

json_t *
revenue_facts_model(const struct revenue_facts *facts, json_t *live)
{
	const json_t *sum = json_object_get(facts->sums, facts->currency);
	json_t *model = json_object();

	json_object_set_new(model, "sentence", sentence(facts, sum));
	json_object_set_new(model, "as_of",
	    words_time_json(bh_json_int(facts->totals, "at", 0), facts->now_ms));
	json_object_set_new(model, "has_sources",
	    json_boolean(json_array_size(facts->sources) > 0));
	json_object_set_new(model, "has_sums", json_boolean(sum != NULL));
	json_object_set_new(model, "self_url",
	    page_url(facts, "/revenue", facts->currency, facts->months));
	json_object_set_new(model, "csv_url",
	    page_url(facts, "/revenue/movements.csv", facts->currency, facts->months));
	json_object_set_new(model, "currency", currency_label(facts->currency));
	json_object_set_new(model, "in", words_json(own_currency(facts)));
	put_choices(facts, model);
	put_progress(facts, model, live);
	put_now(facts, model);
	put_notes(facts, sum, model);
	if (sum == NULL)
		return model;
	json_object_set_new(model, "churn", churn_words(facts));
	put_table(facts, model);
	put_charts(facts, model);
	put_legend(model);
	return model;
}
