/* Revenue: what recurs now, and how it moved month by month. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "model/money.h"
#include "state/totals.h"
#include "state/trail.h"
#include "web/page.h"
#include "web/revenue_facts.h"

static int
ask_for(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	return totals_ask(txn, bh_now_ms(), err);
}

/* Old totals are shown all the same while new ones are made. */
static void
refresh(struct revenue_facts *facts)
{
	struct bh_err why = BH_ERR_INIT;

	if (!is_revenue_old(facts))
		return;
	if (store_run(facts->exchange->site->store, ask_for, NULL, NULL, &why) < 0) {
		bh_log(BH_DEBUG, "totals of revenue: %s", why.text);
		return;
	}
	if (facts->state == NULL)
		facts->state = json_object();
	json_object_set_new(facts->state, "state", json_string("open"));
	json_object_set_new(facts->state, "seen", json_integer(0));
}

static void
set_url(struct exchange *exchange, json_t *model, const char *name, const char *path)
{
	char *url = exchange_url(exchange, path);

	json_object_set_new(model, name, json_string(url));
	free(url);
}

int
page_revenue(struct exchange *exchange, struct bh_err *err)
{
	json_t *live = json_object(), *model;
	struct revenue_facts facts;
	int rc = revenue_facts_get(&facts, exchange, err);

	if (rc == 0) {
		refresh(&facts);
		model = revenue_facts_model(&facts, live);
		set_url(exchange, model, "action", "/revenue");
		set_url(exchange, model, "live_url", "/revenue/status.json");
		set_url(exchange, model, "connections_url", "/connections");
		json_object_set_new(model, "is_operator",
		    json_boolean(exchange->session.role >= ACCOUNT_OPERATOR));
		rc = exchange_page(exchange, 200, "revenue", "Revenue", model, err);
	}
	revenue_facts_release(&facts);
	json_decref(live);
	return rc;
}

int
page_revenue_status(struct exchange *exchange, struct bh_err *err)
{
	json_t *live = json_object();
	struct revenue_facts facts;
	int rc = revenue_facts_get(&facts, exchange, err);

	if (rc == 0) {
		json_decref(revenue_facts_model(&facts, live));
		response_json(exchange->response, 200, json_incref(live));
	}
	revenue_facts_release(&facts);
	json_decref(live);
	return rc;
}

/* -- the table as a file -- */

static void
add_amount(struct bh_buf *csv, int64_t minor, int exponent)
{
	char text[MONEY_TEXT];

	money_text(text, minor, exponent);
	bh_buf_addf(csv, ",%s", text);
}

static void
add_line(struct bh_buf *csv, const struct revenue_month *month, const char *currency)
{
	int exponent = money_exponent(currency);

	bh_buf_addf(csv, "%s,%s", month->name, currency);
	add_amount(csv, month->begin, exponent);
	for (size_t k = 0; k < REVENUE_KINDS; k++)
		add_amount(csv, month->amounts[k], exponent);
	add_amount(csv, month->end, exponent);
	bh_buf_addf(csv, ",%lld", (long long)month->customers_begin);
	for (size_t k = 0; k < REVENUE_KINDS; k++)
		bh_buf_addf(csv, ",%lld", (long long)month->counts[k]);
	bh_buf_addf(csv, ",%lld\r\n", (long long)month->customers_end);
}

int
page_revenue_file(struct exchange *exchange, struct bh_err *err)
{
	struct response *response = exchange->response;
	struct revenue_facts facts;
	int rc = revenue_facts_get(&facts, exchange, err);

	if (rc == 0) {
		response->status = 200;
		response->type = "text/csv; charset=utf-8";
		bh_buf_reset(&response->body);
		bh_buf_adds(&response->body, "month,currency,mrr_begin");
		for (size_t k = 0; k < REVENUE_KINDS; k++)
			bh_buf_addf(&response->body, ",%s", totals_kinds[k]);
		bh_buf_adds(&response->body, ",mrr_end,customers_begin");
		for (size_t k = 0; k < REVENUE_KINDS; k++)
			bh_buf_addf(&response->body, ",%s_n", totals_kinds[k]);
		bh_buf_adds(&response->body, ",customers_end\r\n");
		for (int i = 0; i < facts.months && facts.currency[0] != '\0'; i++)
			add_line(&response->body, &facts.month[i],
			    revenue_currency(facts.currency));
	}
	revenue_facts_release(&facts);
	return rc;
}

/* -- the button -- */

static int
press(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct exchange *exchange = arg;
	char text[120];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "revenue",
	    .subject = "totals",
	    .text = text,
	    .by = exchange->session.user};

	if (totals_ask(txn, entry.at_ms, err) < 0)
		return -1;
	snprintf(text, sizeof(text), "worked out anew, in the browser by %s",
	    exchange->session.user);
	trail_add(txn, 0, &entry);
	return 0;
}

int
page_revenue_press(struct exchange *exchange, struct bh_err *err)
{
	if (store_run(exchange->site->store, press, exchange, NULL, err) < 0)
		return -1;
	response_redirect(exchange->response, exchange->request->base, "/revenue");
	return 0;
}
