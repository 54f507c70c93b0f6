/* One customer: what it is worth, its records in the CRMs, and what happened. */
#include "base/base.h"

#include "web/page_customer.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/derived.h"
#include "state/journal.h"
#include "state/queue.h"
#include "state/roster.h"
#include "state/trail.h"
#include "web/page_event.h"
#include "web/words.h"

#define TIMES_SHOWN 40
#define SENT_MAX 500 /* objects of a customer that are sent at a person's word */

/* -- what happened -- */

static json_t *
event_view(const struct customer *customer, const struct journal_event *event)
{
	size_t changed = json_array_size(event->objects);
	json_t *view = event_row(customer->exchange, event, customer->now_ms);

	json_object_set_new(view, "at", json_integer((json_int_t)event->received_ms));
	json_object_set_new(view, "is_event", json_true());
	json_object_set_new(view, "text",
	    changed == 1 ? json_string("one object changed")
			 : json_sprintf("%zu objects changed", changed));
	return view;
}

static int
add_events(struct customer *customer, struct bh_err *err)
{
	struct journal_event *events = bh_xcalloc(ROSTER_EVENTS_MAX, sizeof(events[0]));
	struct store_txn *txn = exchange_read(customer->exchange);
	uint64_t stamps[ROSTER_EVENTS_MAX];
	size_t n;
	int rc = roster_events(txn, &customer->id, stamps, &n, err);

	if (rc == 0 && n != 0)
		rc = journal_read_many(txn, stamps, n, events, err);
	for (size_t i = 0; i < n; i++) {
		if (rc == 0 && events[i].stamp != 0)
			json_array_append_new(customer->times, event_view(customer, &events[i]));
		journal_event_release(&events[i]);
	}
	free(events);
	return rc;
}

static int
compare_times(const void *a, const void *b)
{
	int64_t left = bh_json_int(*(json_t *const *)a, "at", 0);
	int64_t right = bh_json_int(*(json_t *const *)b, "at", 0);

	return left < right ? 1 : left > right ? -1 : 0;
}

int
customer_add_times(struct customer *customer, struct bh_err *err)
{
	json_t *list = json_array(), **items;
	int rc = add_events(customer, err);
	size_t n = json_array_size(customer->times);

	items = bh_xcalloc(n + 1, sizeof(items[0]));
	for (size_t i = 0; i < n; i++)
		items[i] = json_array_get(customer->times, i);
	if (n > 1)
		qsort(items, n, sizeof(items[0]), compare_times);
	for (size_t i = 0; i < n && i < TIMES_SHOWN; i++)
		json_array_append(list, items[i]);
	free(items);
	json_object_set_new(customer->model, "has_times", json_boolean(n > 0));
	json_object_set_new(customer->model, "times", list);
	return rc;
}

/* -- the page -- */

static const char *
text_of(const char *text)
{
	return text != NULL ? text : "";
}

/* "It was not found" is a page of its own. */
static int
no_customer(struct exchange *exchange)
{
	exchange_error(exchange, 404, "There is no such customer here.");
	return 0;
}

static json_t *
search_url(const struct customer *customer)
{
	struct bh_buf url = BH_BUF_INIT(8192);
	json_t *text;

	bh_buf_addf(&url, "%s/activity?q=", customer->exchange->request->base);
	bh_percent_add(&url, customer->id.id, strlen(customer->id.id));
	text = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	return text;
}

static int
show(struct customer *customer, struct bh_err *err)
{
	struct exchange *exchange = customer->exchange;
	json_t *model = customer->model;

	customer_add_figures(customer);
	if (customer_add_records(customer, err) < 0 || customer_add_objects(customer, err) < 0 ||
	    customer_add_times(customer, err) < 0)
		return -1;
	json_object_set_new(model, "back_url",
	    json_sprintf("%s/customers", exchange->request->base));
	json_object_set_new(model, "source_url",
	    json_sprintf("%s/connections/%s", exchange->request->base, customer->id.connection));
	json_object_set_new(model, "activity_url", search_url(customer));
	json_object_set_new(model, "action",
	    json_sprintf("%s/customers/%s", exchange->request->base, customer->id.connection));
	json_object_set_new(model, "done",
	    json_boolean(request_query(exchange->request, "done") != NULL));
	json_object_set_new(model, "is_operator",
	    json_boolean(exchange->session.role >= ACCOUNT_OPERATOR));
	json_object_set_new(model, "is_admin",
	    json_boolean(exchange->session.role >= ACCOUNT_ADMIN));
	json_object_set_new(model, "person_url",
	    json_sprintf("%s/settings/person/look", exchange->request->base));
	json_object_set_new(model, "has_syncs", json_boolean(customer->mapped.n > 0));
	return exchange_page(exchange, 200, "customer",
	    json_string_value(json_object_get(model, "title")), json_incref(model), err);
}

int
page_customer(struct exchange *exchange, struct bh_err *err)
{
	struct customer customer = {.exchange = exchange,
	    .id = {exchange->match.args[0], text_of(request_query(exchange->request, "account")),
		OBJECT_CUSTOMER, text_of(request_query(exchange->request, "id"))},
	    .now_ms = bh_now_ms(),
	    .model = json_object(),
	    .times = json_array()};
	int rc = derived_view_many(exchange_read(exchange), &customer.id, 1, &customer.object, err);

	if (rc == 0 && (customer.object.fields == NULL || is_mirror_erased(&customer.object)))
		rc = no_customer(exchange);
	else if (rc == 0)
		rc = mapped_load(exchange, customer.id.connection, NULL, NULL, &customer.mapped,
			 err) < 0
			 ? -1
			 : show(&customer, err);
	mapped_release(&customer.mapped);
	mirror_object_release(&customer.object);
	json_decref(customer.model);
	json_decref(customer.times);
	return rc;
}

/* -- sync now -- */

struct sending {
	struct store_txn *txn;
	const char *user;
	const struct mapped *mapped;
	struct mirror_id customer;
	size_t n;
};

/* What the CRM holds may be wrong: it is sent whole. */
static int
send_object(void *arg, const struct mirror_id *id, struct bh_err *err)
{
	struct sending *sending = arg;

	for (size_t s = 0; s < sending->mapped->n; s++) {
		const struct mapped_sync *sync = &sending->mapped->items[s];
		const struct map_object *objects;
		size_t n = map_objects(sync->map, &objects);

		for (size_t k = 0; k < n; k++) {
			struct link_id link = mapped_link(sync, &objects[k], id->account, id->id);
			int rc;

			if (objects[k].from != id->kind)
				continue;
			rc = link_renew(sending->txn, &link, err);
			if (rc < 0)
				return -1;
			if (rc > 0)
				link_mark(sending->txn, &link);
			sending->n++;
		}
	}
	return 0;
}

static int
send_customer(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct sending *sending = arg;
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	char text[400];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "sync",
	    .subject = sending->customer.id,
	    .text = text,
	    .by = sending->user};
	bool more;
	int rc;

	sending->txn = txn;
	sending->n = 0;
	rc = send_object(sending, &sending->customer, err);
	if (rc == 0)
		rc = mirror_children(txn, &sending->customer, SENT_MAX, &after, send_object,
		    sending, &more, err);
	for (size_t s = 0; s < sending->mapped->n && rc == 0; s++)
		queue_wake(txn, "push", sending->mapped->items[s].account.to, bh_now_ms());
	snprintf(text, sizeof(text), "%zu records are sent whole, in the browser by %.80s",
	    sending->n, sending->user);
	trail_add(txn, 0, &entry);
	bh_buf_release(&after);
	return rc;
}

static void
go_back(struct exchange *exchange, const struct mirror_id *id)
{
	json_t *url = customer_url(exchange, id);
	char *path =
	    bh_xasprintf("%s&done=1", json_string_value(url) + strlen(exchange->request->base));

	response_redirect(exchange->response, exchange->request->base, path);
	free(path);
	json_decref(url);
}

int
page_customer_send(struct exchange *exchange, struct bh_err *err)
{
	struct mapped mapped = {0};
	struct sending sending = {.user = exchange->session.user,
	    .mapped = &mapped,
	    .customer = {exchange->match.args[0],
		text_of(request_field(exchange->request, "account")), OBJECT_CUSTOMER,
		text_of(request_field(exchange->request, "id"))}};
	struct object_state object = {0};
	int rc = mirror_get(exchange_read(exchange), &sending.customer, false, &object, err);

	mirror_object_release(&object);
	if (rc == 0)
		return no_customer(exchange);
	if (rc > 0)
		rc = mapped_load(exchange, sending.customer.connection, NULL, NULL, &mapped, err);
	if (rc == 0)
		rc = store_run(exchange->site->store, send_customer, &sending, NULL, err) < 0 ? -1
											      : 0;
	if (rc == 0)
		go_back(exchange, &sending.customer);
	mapped_release(&mapped);
	return rc;
}
