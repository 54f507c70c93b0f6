/* What is known of a customer: figures, what it bought and paid, its records in the CRMs. */
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

#define LOOKED_AT 200 /* objects of a kind, for the newest of them */
#define SHOWN 10
#define LISTED 50   /* of one kind, when a person asks for all */
#define LINKS_MAX 8 /* records of one object */

/* -- words -- */

json_t *
customer_url(const struct exchange *exchange, const struct mirror_id *customer)
{
	struct bh_buf url = BH_BUF_INIT(8192);
	json_t *text;

	bh_buf_addf(&url, "%s/customers/", exchange->request->base);
	bh_percent_add(&url, customer->connection, strlen(customer->connection));
	bh_buf_adds(&url, "?id=");
	bh_percent_add(&url, customer->id, strlen(customer->id));
	if (*customer->account != '\0') {
		bh_buf_adds(&url, "&account=");
		bh_percent_add(&url, customer->account, strlen(customer->account));
	}
	text = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	return text;
}

/* Amounts by currency: "1,250.00 USD, 10.00 EUR". */
static json_t *
amounts(const json_t *by_currency)
{
	struct bh_buf text = BH_BUF_INIT(4096);
	const char *currency;
	json_t *amount, *json;

	json_object_foreach ((json_t *)(uintptr_t)by_currency, currency, amount) {
		json_t *one = words_money_json(json_integer_value(amount), currency);

		if (text.len < 2048)
			bh_buf_addf(&text, "%s%s", text.len != 0 ? ", " : "",
			    json_string_value(one));
		json_decref(one);
	}
	json = words_json(bh_buf_str(&text));
	bh_buf_release(&text);
	return json;
}

json_t *
customer_mrr(const json_t *fields)
{
	if (json_is_false(json_object_get(fields, "mrr_known")))
		return json_string("not known");
	return amounts(json_object_get(fields, "mrr_by_currency"));
}

void
customer_add_payment(json_t *view, const json_t *fields)
{
	static const struct {
		const char *status, *state, *words;
	} known[] = {{"ok", "good", "paid up"}, {"open", "busy", "open"},
	    {"overdue", "bad", "overdue"}, {"past_due", "bad", "past due"},
	    {"unpaid", "bad", "unpaid"}};
	const char *status = bh_json_str(fields, "payment_status");
	const char *state = "idle", *words = status != NULL ? status : "";

	for (size_t i = 0; i < BH_LEN(known) && status != NULL; i++) {
		if (strcmp(known[i].status, status) != 0)
			continue;
		state = known[i].state;
		words = known[i].words;
	}
	json_object_set_new(view, "payment", words_json(words));
	json_object_set_new(view, "payment_state", json_string(state));
}

json_t *
customer_day(const char *text)
{
	return text == NULL ? json_string("")
			    : json_stringn(text, strlen(text) < 10 ? strlen(text) : 10);
}

json_t *
customer_link(const json_t *fields, const char *name)
{
	const char *url = bh_json_str(fields, name);

	if (url == NULL || (!bh_has_prefix(url, "https://") && !bh_has_prefix(url, "http://")))
		url = "";
	return words_json(url);
}

/* -- figures -- */

static json_t *
in_currency(const json_t *fields, const char *name)
{
	const json_t *amount = json_object_get(fields, name);

	return json_is_integer(amount) ? words_money_json(json_integer_value(amount),
					     bh_json_str(fields, "figures_currency"))
				       : json_string("");
}

static void
add_text(json_t *model, const char *name, const json_t *fields, const char *field)
{
	const char *text = bh_json_str(fields, field);

	json_object_set_new(model, name, words_json(text != NULL ? text : ""));
}

static json_t *
movement(const json_t *fields)
{
	const char *word = bh_json_str(fields, "movement");
	json_t *amount, *day, *text;

	if (word == NULL || *word == '\0')
		return json_string("");
	amount = in_currency(fields, "movement_amount");
	day = customer_day(bh_json_str(fields, "movement_at"));
	text =
	    json_sprintf("%s, %s on %s", word, json_string_value(amount), json_string_value(day));
	json_decref(amount);
	json_decref(day);
	return text;
}

void
customer_add_figures(struct customer *customer)
{
	const json_t *fields = customer->object.fields;
	json_t *model = customer->model;

	json_object_set_new(model, "title", words_json(roster_title(fields, customer->id.id)));
	json_object_set_new(model, "id", words_json(customer->id.id));
	json_object_set_new(model, "account", words_json(customer->id.account));
	json_object_set_new(model, "connection", words_json(customer->id.connection));
	json_object_set_new(model, "is_deleted", json_boolean(customer->object.deleted));
	json_object_set_new(model, "link", customer_link(fields, "link"));
	add_text(model, "email", fields, "email");
	add_text(model, "legal_name", fields, "legal_name");
	add_text(model, "external_id", fields, "external_id");
	json_object_set_new(model, "mrr", customer_mrr(fields));
	json_object_set_new(model, "arr", amounts(json_object_get(fields, "arr_by_currency")));
	json_object_set_new(model, "open_balance",
	    amounts(json_object_get(fields, "open_balance_by_currency")));
	json_object_set_new(model, "overdue_since",
	    customer_day(bh_json_str(fields, "overdue_since")));
	json_object_set_new(model, "renewal", customer_day(bh_json_str(fields, "next_renewal_at")));
	json_object_set_new(model, "movement", movement(fields));
	json_object_set_new(model, "subscriptions_count",
	    words_count_json(bh_json_int(fields, "active_subscriptions", 0)));
	json_object_set_new(model, "updated",
	    words_time_json(customer->object.version.at_ms, customer->now_ms));
	customer_add_payment(model, fields);
}

/* -- records in the CRMs -- */

/* Steps of a link become part of what happened. */
static void
add_steps(struct customer *customer, const struct mapped_sync *sync, const struct link_id *id,
    const struct link *link)
{
	const char *crm = sync->to.name[0] != '\0' ? sync->to.name : sync->to.code;
	json_t *steps = link_steps(link, customer->now_ms), *step;
	size_t i;

	json_array_foreach (steps, i, step) {
		json_object_set_new(step, "is_event", json_false());
		json_object_set_new(step, "subject", words_json(id->object));
		json_object_set_new(step, "place", words_json(crm));
		json_object_set_new(step, "url", mapped_url(customer->exchange, id));
		json_array_append(customer->times, step);
	}
	json_decref(steps);
}

/* The records of one object in all CRMs; appended to list. */
static int
add_records(struct customer *customer, enum object_kind kind, const char *id, json_t *list,
    struct bh_err *err)
{
	struct store_txn *txn = exchange_read(customer->exchange);

	for (size_t s = 0; s < customer->mapped.n; s++) {
		const struct mapped_sync *sync = &customer->mapped.items[s];
		const struct map_object *objects, *of[LINKS_MAX];
		struct link_id ids[LINKS_MAX];
		struct link links[LINKS_MAX];
		bool marked[LINKS_MAX];
		size_t all = map_objects(sync->map, &objects), n = 0;

		for (size_t k = 0; k < all && n < LINKS_MAX; k++) {
			if (objects[k].from != kind)
				continue;
			of[n] = &objects[k];
			ids[n++] = mapped_link(sync, &objects[k], customer->id.account, id);
		}
		if (n == 0)
			continue;
		if (link_get_many(txn, ids, n, links, err) < 0 ||
		    link_marked_many(txn, ids, n, marked, err) < 0)
			return -1;
		for (size_t k = 0; k < n; k++) {
			json_array_append_new(list,
			    link_view(customer->exchange, sync, of[k], &ids[k], &links[k],
				marked[k], customer->now_ms));
			add_steps(customer, sync, &ids[k], &links[k]);
		}
	}
	return 0;
}

int
customer_add_records(struct customer *customer, struct bh_err *err)
{
	json_t *list = json_array();
	int rc = add_records(customer, OBJECT_CUSTOMER, customer->id.id, list, err);

	json_object_set_new(customer->model, "has_records",
	    json_boolean(json_array_size(list) > 0));
	json_object_set_new(customer->model, "records", list);
	return rc;
}

/* -- what it bought and paid -- */

/* A kind as it is shown: which fields tell name, state, amount and day; the first that is there counts. */
static const struct shown {
	enum object_kind kind;
	const char *title, *none, *status;
	const char *names[3], *amounts[2], *days[3];
} kinds[] = {
    {OBJECT_SUBSCRIPTION, "Subscriptions", "It has no subscription.", "status",
	{"name", "plan_name", "plan_code"}, {"mrr", "amount"},
	{"started_at", "subscription_at", "created_at"}},
    {OBJECT_INVOICE, "Invoices", "There is no invoice.", "status", {"number"},
	{"total", "amount_due"}, {"issued_on", "created_at"}},
    {OBJECT_PAYMENT, "Payments", "There is no payment.", "status", {"reference"}, {"amount"},
	{"paid_at", "created_at"}},
    {OBJECT_RECOVERY, "Recoveries", "No payment had to be recovered.", "status", {"customer_name"},
	{"recovered_amount", "amount"}, {"completed_at", "started_at"}},
    {OBJECT_ACTION, "What automations asked for", "No automation asked for anything.", "state",
	{"title", "rule_title"}, {"amount"}, {"opened_at"}},
};

struct children {
	char *ids[LOOKED_AT]; /* owned */
	size_t n;
};

static int
take_child(void *arg, const struct mirror_id *id, struct bh_err *err BH_UNUSED)
{
	struct children *children = arg;

	children->ids[children->n++] = bh_xstrdup(id->id);
	return 0;
}

static const char *
first_text(const json_t *fields, const char *const *names, size_t n, const char *fallback)
{
	for (size_t i = 0; i < n && names[i] != NULL; i++) {
		const char *text = bh_json_str(fields, names[i]);

		if (text != NULL && *text != '\0')
			return text;
	}
	return fallback;
}

static json_t *
amount_view(const struct shown *shown, const json_t *fields)
{
	for (size_t i = 0; i < BH_LEN(shown->amounts) && shown->amounts[i] != NULL; i++) {
		const json_t *amount = json_object_get(fields, shown->amounts[i]);

		if (json_is_integer(amount))
			return words_money_json(json_integer_value(amount),
			    bh_json_str(fields, "currency"));
	}
	return json_string("");
}

static json_t *
object_view(const struct shown *shown, const char *id, const struct object_state *object)
{
	const char *status = bh_json_str(object->fields, shown->status);
	const char *day = first_text(object->fields, shown->days, BH_LEN(shown->days), "");
	const char *title = first_text(object->fields, shown->names, BH_LEN(shown->names), id);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:b}", "title",
	    words_json(title), "id", words_json(id), "other_id",
	    words_json(strcmp(title, id) == 0 ? "" : id), "status",
	    words_json(status != NULL ? status : ""), "amount", amount_view(shown, object->fields),
	    "at", day, "day", customer_day(day), "link", customer_link(object->fields, "link"),
	    "is_deleted", object->deleted);
}

static int
compare_days(const void *a, const void *b)
{
	const char *left = bh_json_str(*(json_t *const *)a, "at");
	const char *right = bh_json_str(*(json_t *const *)b, "at");

	return strcmp(right != NULL ? right : "", left != NULL ? left : "");
}

/* Those that are still the customer's, newest first unless all are listed in their order. */
static int
view_children(struct customer *customer, const struct shown *shown, const struct children *children,
    bool is_listing, json_t **list_r, struct bh_err *err)
{
	struct mirror_id *ids = bh_xcalloc(children->n + 1, sizeof(ids[0]));
	struct object_state *objects = bh_xcalloc(children->n + 1, sizeof(objects[0]));
	json_t **views = bh_xcalloc(children->n + 1, sizeof(views[0]));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < children->n; i++)
		ids[i] = (struct mirror_id){customer->id.connection, customer->id.account,
		    shown->kind, children->ids[i]};
	if (children->n != 0)
		rc = derived_view_many(exchange_read(customer->exchange), ids, children->n, objects,
		    err);
	for (size_t i = 0; i < children->n && rc == 0; i++) {
		const char *of = bh_json_str(objects[i].fields, "customer");

		if (of != NULL && strcmp(of, customer->id.id) == 0)
			views[n++] = object_view(shown, ids[i].id, &objects[i]);
		mirror_object_release(&objects[i]);
	}
	if (!is_listing && n > 1)
		qsort(views, n, sizeof(views[0]), compare_days);
	*list_r = json_array();
	for (size_t i = 0; i < n; i++) {
		if (is_listing || i < SHOWN)
			json_array_append(*list_r, views[i]);
		json_decref(views[i]);
	}
	free(views);
	free(objects);
	free(ids);
	return rc;
}

static json_t *
kind_url(const struct customer *customer, enum object_kind kind, const struct bh_buf *after)
{
	json_t *whole = customer_url(customer->exchange, &customer->id), *text;
	struct bh_buf url = BH_BUF_INIT(16384);

	bh_buf_addf(&url, "%s&kind=%s", json_string_value(whole), object_kind_name(kind));
	if (after != NULL) {
		bh_buf_addc(&url, '&');
		cursor_add(&url, after);
	}
	text = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	json_decref(whole);
	return text;
}

static int
add_crms(struct customer *customer, const struct shown *shown, json_t *list, struct bh_err *err)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		json_t *records = json_array();
		int rc = add_records(customer, shown->kind, bh_json_str(one, "id"), records, err);

		json_object_set_new(one, "crms", records);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* What rules wanted done is part of what happened. */
static void
add_rules(struct customer *customer, const json_t *list)
{
	json_t *url = kind_url(customer, OBJECT_ACTION, NULL);
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, one) {
		int64_t at_ms;

		if (!bh_is_time(bh_json_str(one, "at"), &at_ms))
			continue;
		json_array_append_new(customer->times,
		    json_pack("{s:I, s:o, s:b, s:O, s:s, s:O, s:s, s:s, s:s}", "at",
			(json_int_t)at_ms, "time", words_time_json(at_ms, customer->now_ms),
			"is_event", false, "subject", json_object_get(one, "title"), "place",
			"automation", "url", url, "state", "good", "text", "asked for by a rule",
			"code", ""));
	}
	json_decref(url);
}

static int
add_kind(struct customer *customer, const struct shown *shown, bool is_listing, json_t *sections,
    struct bh_err *err)
{
	struct children *children = bh_xcalloc(1, sizeof(*children));
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	json_t *list = NULL, *section;
	bool more = false;
	int rc;

	if (is_listing)
		cursor_read(customer->exchange->request, &after);
	rc = mirror_children_of(exchange_read(customer->exchange), &customer->id, shown->kind,
	    is_listing ? LISTED : LOOKED_AT, &after, take_child, children, &more, err);
	if (rc == 0)
		rc = view_children(customer, shown, children, is_listing, &list, err);
	if (rc == 0)
		rc = add_crms(customer, shown, list, err);
	if (rc == 0 && shown->kind == OBJECT_ACTION)
		add_rules(customer, list);
	section = json_pack("{s:s, s:s, s:s, s:b, s:b}", "name", object_kind_name(shown->kind),
	    "title", shown->title, "none", shown->none, "has_rows", json_array_size(list) > 0,
	    "is_listing", is_listing);
	json_object_set_new(section, "more_url",
	    is_listing ? more ? kind_url(customer, shown->kind, &after) : json_string("")
	    : more || children->n > SHOWN ? kind_url(customer, shown->kind, NULL)
					  : json_string(""));
	json_object_set_new(section, "rows", list != NULL ? list : json_array());
	json_array_append_new(sections, section);
	for (size_t i = 0; i < children->n; i++)
		free(children->ids[i]);
	free(children);
	bh_buf_release(&after);
	return rc;
}

int
customer_add_objects(struct customer *customer, struct bh_err *err)
{
	const char *asked = request_query(customer->exchange->request, "kind");
	json_t *sections = json_array();
	int rc = 0;

	for (size_t i = 0; i < BH_LEN(kinds) && rc == 0; i++)
		if (asked == NULL || strcmp(asked, object_kind_name(kinds[i].kind)) == 0)
			rc = add_kind(customer, &kinds[i], asked != NULL, sections, err);
	json_object_set_new(customer->model, "sections", sections);
	json_object_set_new(customer->model, "is_listing", json_boolean(asked != NULL));
	json_object_set_new(customer->model, "whole_url",
	    customer_url(customer->exchange, &customer->id));
	return rc;
}
