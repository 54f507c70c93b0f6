/* Customers: the list, by name or by what they are worth, with search. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/derived.h"
#include "state/roster.h"
#include "web/cursor.h"
#include "web/link_view.h"
#include "web/page_customer.h"
#include "web/words.h"

#define SHOWN 50
#define CURRENCIES_SHOWN 20

struct list {
	struct exchange *exchange;
	struct roster_query query;
	int64_t now_ms;
	struct mapped mapped;
	struct mirror_id ids[SHOWN]; /* borrowed from the transaction */
	struct object_state objects[SHOWN];
	size_t n;
	json_t *seen; /* names of those that are there */
	struct bh_buf after;
	bool more;
};

/* -- which -- */

static int
take_customer(void *arg, const struct mirror_id *customer, struct bh_err *err BH_UNUSED)
{
	struct list *list = arg;
	char *name =
	    bh_xasprintf("%s\n%s\n%s", customer->connection, customer->account, customer->id);

	if (json_object_get(list->seen, name) == NULL && list->n < SHOWN) {
		json_object_set_new(list->seen, name, json_true());
		list->ids[list->n++] = *customer;
	}
	free(name);
	return 0;
}

/* Found by its id one may be deleted. */
static void
drop_deleted(struct list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (list->objects[i].fields == NULL || list->objects[i].deleted) {
			mirror_object_release(&list->objects[i]);
			continue;
		}
		list->ids[n] = list->ids[i];
		list->objects[n++] = list->objects[i];
	}
	list->n = n;
}

static int
read_customers(struct list *list, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(list->exchange);
	size_t n;

	cursor_read(list->exchange->request, &list->after);
	if (roster_list(txn, &list->query, SHOWN, &list->after, take_customer, list, &list->more,
		err) < 0)
		return -1;
	n = list->n;
	list->n = 0;
	if (n == 0)
		return 0;
	if (derived_view_many(txn, list->ids, n, list->objects, err) < 0)
		return -1;
	list->n = n;
	drop_deleted(list);
	return 0;
}

/* -- in step -- */

/* The links of all customers shown, with whose they are. */
struct marks {
	struct link_id *ids;
	struct link *links;
	bool *marked;
	size_t *of, *by; /* places of the customer, and of the sync */
	size_t n, cap;
};

static void
marks_release(struct marks *marks)
{
	free(marks->ids);
	free(marks->links);
	free(marks->marked);
	free(marks->of);
	free(marks->by);
}

static void
collect_marks(const struct list *list, struct marks *marks)
{
	for (size_t i = 0; i < list->n; i++)
		for (size_t s = 0; s < list->mapped.n; s++) {
			const struct mapped_sync *sync = &list->mapped.items[s];
			const struct map_object *objects;
			size_t n = map_objects(sync->map, &objects);

			if (strcmp(sync->account.from, list->ids[i].connection) != 0)
				continue;
			for (size_t k = 0; k < n && marks->n < marks->cap; k++) {
				if (objects[k].from != OBJECT_CUSTOMER)
					continue;
				marks->ids[marks->n] = mapped_link(sync, &objects[k],
				    list->ids[i].account, list->ids[i].id);
				marks->of[marks->n] = i;
				marks->by[marks->n++] = s;
			}
		}
}

static int
read_marks(const struct list *list, struct marks *marks, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(list->exchange);

	for (size_t s = 0; s < list->mapped.n; s++)
		marks->cap += list->n * map_objects(list->mapped.items[s].map,
					    &(const struct map_object *){NULL});
	marks->ids = bh_xcalloc(marks->cap + 1, sizeof(marks->ids[0]));
	marks->links = bh_xcalloc(marks->cap + 1, sizeof(marks->links[0]));
	marks->marked = bh_xcalloc(marks->cap + 1, sizeof(marks->marked[0]));
	marks->of = bh_xcalloc(marks->cap + 1, sizeof(marks->of[0]));
	marks->by = bh_xcalloc(marks->cap + 1, sizeof(marks->by[0]));
	collect_marks(list, marks);
	if (marks->n == 0)
		return 0;
	if (link_get_many(txn, marks->ids, marks->n, marks->links, err) < 0)
		return -1;
	return link_marked_many(txn, marks->ids, marks->n, marks->marked, err);
}

/* Of a customer's records in one CRM the one that is worst. */
static json_t *
marks_view(const struct list *list, const struct marks *marks, size_t customer)
{
	json_t *view = json_array();

	for (size_t s = 0; s < list->mapped.n; s++) {
		const struct mapped_sync *sync = &list->mapped.items[s];
		const char *name = sync->to.name[0] != '\0' ? sync->to.name : sync->to.code;
		struct link_words worst = {.weight = -1};

		for (size_t m = 0; m < marks->n; m++) {
			struct link_words words;

			if (marks->of[m] != customer || marks->by[m] != s)
				continue;
			words = link_words(&marks->links[m], marks->marked[m]);
			if (words.weight > worst.weight)
				worst = words;
		}
		if (worst.weight >= 0)
			json_array_append_new(view,
			    json_pack("{s:o, s:s, s:s}", "crm", words_json(name), "state",
				worst.state, "word", worst.word));
	}
	return view;
}

/* -- showing -- */

static json_t *
row(const struct list *list, const struct marks *marks, size_t i)
{
	const struct mirror_id *id = &list->ids[i];
	const json_t *fields = list->objects[i].fields;
	const char *email = bh_json_str(fields, "email");
	json_t *view = json_object();

	json_object_set_new(view, "title", words_json(roster_title(fields, id->id)));
	json_object_set_new(view, "id", words_json(id->id));
	json_object_set_new(view, "email", words_json(email != NULL ? email : ""));
	json_object_set_new(view, "connection", words_json(id->connection));
	json_object_set_new(view, "mrr", customer_mrr(fields));
	customer_add_payment(view, fields);
	json_object_set_new(view, "renewal", customer_day(bh_json_str(fields, "next_renewal_at")));
	json_object_set_new(view, "crms", marks_view(list, marks, i));
	json_object_set_new(view, "url", customer_url(list->exchange, id));
	return view;
}

static int
add_rows(struct list *list, json_t *model, struct bh_err *err)
{
	struct marks marks = {0};
	json_t *rows = json_array();
	int rc = read_marks(list, &marks, err);

	for (size_t i = 0; i < list->n && rc == 0; i++)
		json_array_append_new(rows, row(list, &marks, i));
	json_object_set_new(model, "has_customers", json_boolean(json_array_size(rows) > 0));
	json_object_set_new(model, "customers", rows);
	marks_release(&marks);
	return rc;
}

static json_t *
url_of(const struct list *list, const char *currency, bool with_cursor)
{
	struct bh_buf url = BH_BUF_INIT(16384);
	const char *search = list->query.search;
	json_t *text;

	bh_buf_addf(&url, "%s/customers?", list->exchange->request->base);
	if (search != NULL && *search != '\0') {
		bh_buf_adds(&url, "q=");
		bh_percent_add(&url, search, strlen(search));
	} else if (currency != NULL) {
		bh_buf_adds(&url, "mrr=");
		bh_percent_add(&url, currency, strlen(currency));
	}
	if (with_cursor) {
		bh_buf_addc(&url, '&');
		cursor_add(&url, &list->after);
	}
	text = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	return text;
}

/* By which the list can be ordered: the name, and each currency. */
static int
add_orders(const struct list *list, json_t *model, struct bh_err *err)
{
	const char *chosen = list->query.currency;
	json_t *currencies = NULL, *currency, *orders = json_array();
	size_t i;
	int rc =
	    roster_currencies(exchange_read(list->exchange), CURRENCIES_SHOWN, &currencies, err);

	json_array_append_new(orders, json_pack("{s:s, s:s, s:b}", "value", "", "label", "name",
					  "is_chosen", chosen == NULL));
	json_array_foreach (currencies, i, currency) {
		const char *code = json_string_value(currency);

		json_array_append_new(orders,
		    json_pack("{s:s, s:o, s:b}", "value", code, "label",
			json_sprintf("MRR in %s, largest first", code), "is_chosen",
			chosen != NULL && strcmp(chosen, code) == 0));
	}
	json_object_set_new(model, "orders", orders);
	json_object_set_new(model, "has_orders", json_boolean(json_array_size(orders) > 1));
	json_decref(currencies);
	return rc;
}

static int
show(struct list *list, struct bh_err *err)
{
	const struct request *request = list->exchange->request;
	const char *search = list->query.search != NULL ? list->query.search : "";
	bool is_begun = request_query(request, "after") != NULL;
	json_t *model = json_object();

	if (add_rows(list, model, err) < 0 || add_orders(list, model, err) < 0) {
		json_decref(model);
		return -1;
	}
	json_object_set_new(model, "action", json_sprintf("%s/customers", request->base));
	json_object_set_new(model, "q", words_json(search));
	json_object_set_new(model, "is_searched", json_boolean(*search != '\0'));
	json_object_set_new(model, "is_empty",
	    json_boolean(
		list->n == 0 && *search == '\0' && !is_begun && list->query.currency == NULL));
	json_object_set_new(model, "next_url",
	    list->more ? url_of(list, list->query.currency, true) : json_string(""));
	json_object_set_new(model, "first_url",
	    is_begun ? url_of(list, list->query.currency, false) : json_string(""));
	json_object_set_new(model, "connections_url",
	    json_sprintf("%s/connections", request->base));
	return exchange_page(list->exchange, 200, "customers", "Customers", model, err);
}

int
page_customers(struct exchange *exchange, struct bh_err *err)
{
	const char *currency = request_query(exchange->request, "mrr");
	struct list *list = bh_xcalloc(1, sizeof(*list));
	int rc;

	*list = (struct list){.exchange = exchange,
	    .query = {currency != NULL && *currency != '\0' && strlen(currency) <= 8 ? currency
										     : NULL,
		request_query(exchange->request, "q")},
	    .now_ms = bh_now_ms(),
	    .seen = json_object(),
	    .after = BH_BUF_INIT(STORE_KEY_MAX + 1)};
	rc = mapped_load(exchange, NULL, NULL, NULL, &list->mapped, err);
	if (rc == 0)
		rc = read_customers(list, err);
	if (rc == 0)
		rc = show(list, err);
	for (size_t i = 0; i < list->n; i++)
		mirror_object_release(&list->objects[i]);
	mapped_release(&list->mapped);
	json_decref(list->seen);
	bh_buf_release(&list->after);
	free(list);
	return rc;
}
