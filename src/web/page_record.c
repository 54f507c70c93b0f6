/* One record of a CRM: where it stands, why each field is as it is, and what a person may do. */
#include "base/base.h"

#include "web/page_record.h"

#include <ctype.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/derived.h"
#include "state/journal.h"
#include "state/queue.h"
#include "state/roster.h"
#include "state/trail.h"
#include "state/undo.h"
#include "web/link_view.h"
#include "web/page_customer.h"
#include "web/page_event.h"
#include "web/words.h"

#define REMOTE_ID_MAX 63 /* bytes of a CRM's id */

static const char *
text_of(const char *text)
{
	return text != NULL ? text : "";
}

/* -- reading -- */

static void
page_release(struct record_page *page)
{
	mapped_release(&page->mapped);
	mirror_object_release(&page->held);
	mirror_object_release(&page->customer);
	json_decref(page->model);
}

/* 1, 0 there is no such object of a sync (any more), -1. */
static int
find_object(struct record_page *page, const char *account, const char *id, struct bh_err *err)
{
	struct exchange *exchange = page->exchange;

	if (mapped_load(exchange, NULL, NULL, exchange->match.args[0], &page->mapped, err) < 0)
		return -1;
	if (page->mapped.n == 0 || *id == '\0' || strlen(id) > 255 || strlen(account) > 255)
		return 0;
	page->sync = &page->mapped.items[0];
	page->object = mapped_object(page->sync, exchange->match.args[1], &page->index);
	if (page->object == NULL)
		return 0;
	page->id = mapped_link(page->sync, page->object, account, id);
	return 1;
}

/* The billing object, and its customer where it has one. */
static int
read_held(struct record_page *page, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(page->exchange);
	struct mirror_id id = {page->sync->account.from, page->id.account, page->object->from,
	    page->id.id};
	const char *customer;

	if (is_object_virtual(id.kind))
		return 0;
	if (derived_view_many(txn, &id, 1, &page->held, err) < 0)
		return -1;
	customer = bh_json_str(page->held.fields, "customer");
	if (customer == NULL || id.kind == OBJECT_CUSTOMER)
		return 0;
	id.kind = OBJECT_CUSTOMER;
	id.id = customer;
	return derived_view_many(txn, &id, 1, &page->customer, err);
}

static int
read_link(struct record_page *page, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(page->exchange);

	if (link_get(txn, &page->id, &page->link, err) < 0)
		return -1;
	return link_marked_many(txn, &page->id, 1, &page->is_marked, err);
}

/* -- showing -- */

/* Whose it is: its page, with its name. */
static void
add_customer(struct record_page *page)
{
	bool is_itself = page->object->from == OBJECT_CUSTOMER;
	const struct object_state *customer = is_itself ? &page->held : &page->customer;
	const char *id =
	    is_itself ? page->id.id : text_of(bh_json_str(page->held.fields, "customer"));
	struct mirror_id of = {page->sync->account.from, page->id.account, OBJECT_CUSTOMER, id};

	if (customer->fields == NULL || *id == '\0') {
		json_object_set_new(page->model, "customer_url", json_string(""));
		return;
	}
	json_object_set_new(page->model, "customer_url", customer_url(page->exchange, &of));
	json_object_set_new(page->model, "customer",
	    words_json(roster_title(customer->fields, id)));
}

/* What was written to it last can be put back, where it is kept. */
static int
add_undo(struct record_page *page, struct bh_err *err)
{
	json_t *newest = NULL;
	int rc = undo_newest(exchange_read(page->exchange), &page->id, &newest, err);
	bool can = rc > 0 && !is_link_undone(&page->link);

	json_object_set_new(page->model, "can_undo", json_boolean(can));
	json_object_set_new(page->model, "undo_at",
	    words_time_json(can ? bh_json_int(newest, "at", 0) : 0, page->now_ms));
	json_object_set_new(page->model, "undo_url",
	    json_sprintf("%s/syncs/%s/undo", page->exchange->request->base, page->id.sync));
	json_object_set_new(page->model, "undo_object", json_string(page->id.object));
	json_decref(newest);
	return rc < 0 ? -1 : 0;
}

/* The newest event of the customer's last ones that changed this object. */
static int
add_event(struct record_page *page, struct bh_err *err)
{
	bool is_itself = page->object->from == OBJECT_CUSTOMER;
	struct mirror_id of = {page->sync->account.from, page->id.account, OBJECT_CUSTOMER,
	    is_itself ? page->id.id : text_of(bh_json_str(page->held.fields, "customer"))};
	struct journal_event *events = bh_xcalloc(ROSTER_EVENTS_MAX, sizeof(events[0]));
	char *name = bh_xasprintf("%s %s", object_kind_name(page->object->from), page->id.id);
	uint64_t stamps[ROSTER_EVENTS_MAX];
	json_t *found = json_null(), *one;
	size_t n = 0, k;
	int rc =
	    *of.id != '\0' ? roster_events(exchange_read(page->exchange), &of, stamps, &n, err) : 0;

	if (rc == 0 && n != 0)
		rc = journal_read_many(exchange_read(page->exchange), stamps, n, events, err);
	for (size_t i = 0; i < n; i++) {
		json_array_foreach (events[i].objects, k, one)
			if (rc == 0 && json_is_null(found) && json_is_string(one) &&
			    strcmp(json_string_value(one), name) == 0)
				found = event_row(page->exchange, &events[i], page->now_ms);
		journal_event_release(&events[i]);
	}
	json_object_set_new(page->model, "event", found);
	free(name);
	free(events);
	return rc;
}

/* Whom a person may choose from. */
static int
add_candidates(struct record_page *page, struct bh_err *err)
{
	static const char *const names[] = {"remote_id", "name", "key", "why"};
	json_t *list = json_array(), *candidates = NULL, *one;
	size_t i;
	int rc = 0;

	if (page->link.state == LINK_HELD && strcmp(page->link.code, LINK_AMBIGUOUS) == 0)
		rc =
		    link_candidates_get(exchange_read(page->exchange), &page->id, &candidates, err);
	json_array_foreach (candidates, i, one) {
		json_t *view = json_object();

		for (size_t k = 0; k < BH_LEN(names); k++)
			json_object_set_new(view, names[k],
			    words_json(text_of(bh_json_str(one, names[k]))));
		json_object_set_new(view, "url",
		    mapped_record_url(page->sync, page->object,
			text_of(bh_json_str(one, "remote_id"))));
		json_array_append_new(list, view);
	}
	json_object_set_new(page->model, "has_candidates", json_boolean(json_array_size(list) > 0));
	json_object_set_new(page->model, "candidates", list);
	json_decref(candidates);
	return rc < 0 ? -1 : 0;
}

static void
add_addresses(struct record_page *page)
{
	const char *base = page->exchange->request->base, *sync = page->id.sync;
	json_t *model = page->model;

	json_object_set_new(model, "mapping_url",
	    mapped_mapping_url(page->exchange, page->sync, page->object->name));
	json_object_set_new(model, "action",
	    json_sprintf("%s/records/%s/%s", base, sync, page->object->name));
	json_object_set_new(model, "whole_url", mapped_url(page->exchange, &page->id));
	json_object_set_new(model, "problems_url", json_sprintf("%s/problems", base));
	json_object_set_new(model, "link", customer_link(page->held.fields, "link"));
	json_object_set_new(model, "id", words_json(page->id.id));
	json_object_set_new(model, "account", words_json(page->id.account));
}

static const char *
title(const struct record_page *page)
{
	const char *number = bh_json_str(page->held.fields, "number");

	return number != NULL && *number != '\0' ? number
						 : roster_title(page->held.fields, page->id.id);
}

static json_t *
done_text(const struct exchange *exchange)
{
	static const struct {
		const char *done, *text;
	} known[] = {{"sync", "It is sent once more, whole."}, {"retry", "It is tried again."},
	    {"skip", "It is left out until it changes."},
	    {"redo", "It is written again."},
	    {"link", "Stored. It is written to that record from now on."},
	    {"new", "Stored. A record of its own is made."}};
	const char *done = request_query(exchange->request, "done");

	for (size_t i = 0; i < BH_LEN(known) && done != NULL; i++)
		if (strcmp(known[i].done, done) == 0)
			return json_string(known[i].text);
	return json_string("");
}

static int
show(struct record_page *page, const char *problem, struct bh_err *err)
{
	struct exchange *exchange = page->exchange;

	page->now_ms = bh_now_ms();
	if (read_held(page, err) < 0 || read_link(page, err) < 0)
		return -1;
	page->model = link_view(exchange, page->sync, page->object, &page->id, &page->link,
	    page->is_marked, page->now_ms);
	if (record_add_fields(page, err) < 0 || add_event(page, err) < 0 ||
	    add_candidates(page, err) < 0 || add_undo(page, err) < 0)
		return -1;
	add_customer(page);
	add_addresses(page);
	json_object_set_new(page->model, "title", words_json(title(page)));
	json_object_set_new(page->model, "kind", json_string(object_kind_name(page->object->from)));
	json_object_set_new(page->model, "said", words_json(page->link.said));
	json_object_set_new(page->model, "version",
	    words_time_json(page->held.version.at_ms, page->now_ms));
	json_object_set_new(page->model, "steps", link_steps(&page->link, page->now_ms));
	json_object_set_new(page->model, "has_steps",
	    json_boolean(page->link.past[0].what != LINK_NOTHING));
	json_object_set_new(page->model, "done",
	    problem != NULL ? json_string("") : done_text(exchange));
	json_object_set_new(page->model, "problem", words_json(text_of(problem)));
	json_object_set_new(page->model, "is_operator",
	    json_boolean(exchange->session.role >= ACCOUNT_OPERATOR));
	return exchange_page(exchange, problem != NULL ? 409 : 200, "record", title(page),
	    json_incref(page->model), err);
}

static int
no_record(struct exchange *exchange)
{
	exchange_error(exchange, 404, "There is no such record: its sync has no such object.");
	return 0;
}

int
page_record(struct exchange *exchange, struct bh_err *err)
{
	struct record_page page = {.exchange = exchange};
	int rc = find_object(&page, text_of(request_query(exchange->request, "account")),
	    text_of(request_query(exchange->request, "id")), err);

	rc = rc == 0 ? no_record(exchange) : rc > 0 ? show(&page, NULL, err) : -1;
	page_release(&page);
	return rc;
}

/* -- buttons -- */

struct press {
	struct record_page *page;
	const char *what, *remote_id;
};

/* A CRM's id as people paste it: letters, digits, '-' and '_'. */
static bool
is_remote_id(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
			return false;
	return len > 0 && len <= REMOTE_ID_MAX;
}

/* What the CRM holds may be wrong: it is sent whole. */
static int
press_sync(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	const struct link_id *id = &press->page->id;
	int rc = link_renew(txn, id, err);

	if (rc > 0)
		link_mark(txn, id);
	queue_wake(txn, "push", id->dest, bh_now_ms());
	return rc < 0 ? -1 : 0;
}

static int
press_skip(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	int rc = link_skip(txn, &press->page->id, press->page->exchange->session.user, err);

	return rc > 0 ? bh_fail(err, BH_INVALID, "It does not need you any more.") : rc;
}

static int
press_redo(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	int rc = link_redo(txn, &press->page->id, err);

	if (rc == 0)
		queue_wake(txn, "push", press->page->id.dest, bh_now_ms());
	return rc > 0 ? bh_fail(err, BH_INVALID, "It is not left alone any more.") : rc;
}

static int
press_link(struct store_txn *txn, const struct press *press, struct bh_err *err)
{
	bool is_new = strcmp(press->what, "new") == 0;
	char how[160];

	if (!is_new && !is_remote_id(press->remote_id))
		return bh_fail(err, BH_INVALID,
		    "That is no id of a record: paste it as the CRM shows it in its address.");
	snprintf(how, sizeof(how), "chosen by %.80s", press->page->exchange->session.user);
	return link_adopt(txn, &press->page->id, is_new ? "" : press->remote_id, how, err);
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct press *press = arg;
	char text[400];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = press->what,
	    .subject = press->page->id.id,
	    .text = text,
	    .by = press->page->exchange->session.user};
	int rc;

	if (strcmp(press->what, "skip") == 0)
		rc = press_skip(txn, press, err);
	else if (strcmp(press->what, "redo") == 0)
		rc = press_redo(txn, press, err);
	else if (strcmp(press->what, "link") == 0 || strcmp(press->what, "new") == 0)
		rc = press_link(txn, press, err);
	else
		rc = press_sync(txn, press, err);
	if (rc < 0)
		return -1;
	snprintf(text, sizeof(text), "%.60s of sync %.70s%s%.64s, in the browser by %.80s",
	    press->page->id.object, press->page->id.sync,
	    strcmp(press->what, "link") == 0 ? " is " : "", press->remote_id,
	    press->page->exchange->session.user);
	trail_add(txn, 0, &entry);
	return 0;
}

static bool
is_button(const char *what)
{
	static const char *const buttons[] = {"sync", "retry", "skip", "redo", "link", "new"};

	for (size_t i = 0; i < BH_LEN(buttons); i++)
		if (strcmp(buttons[i], what) == 0)
			return true;
	return false;
}

static void
go_back(const struct press *press)
{
	struct exchange *exchange = press->page->exchange;
	struct bh_buf path = BH_BUF_INIT(8192);

	mapped_path_add(&path, &press->page->id);
	bh_buf_addf(&path, "&done=%s", press->what);
	response_redirect(exchange->response, exchange->request->base, bh_buf_str(&path));
	bh_buf_release(&path);
}

/* It is an object that there is: else anything could be marked. */
static int
check_held(struct record_page *page, struct bh_err *err)
{
	if (read_held(page, err) < 0 || read_link(page, err) < 0)
		return -1;
	return page->held.fields != NULL || page->link.version != 0;
}

static int
press_button(struct record_page *page, struct bh_err *err)
{
	struct exchange *exchange = page->exchange;
	struct press press = {page, text_of(request_field(exchange->request, "do")),
	    text_of(request_field(exchange->request, "remote_id"))};
	struct bh_err why = BH_ERR_INIT;

	if (!is_button(press.what)) {
		exchange_error(exchange, 400, "There is no such button.");
		return 0;
	}
	if (strcmp(press.what, "link") != 0)
		press.remote_id = "";
	if (store_run(exchange->site->store, press_in, &press, NULL, &why) == 0) {
		go_back(&press);
		return 0;
	}
	if (why.code != BH_INVALID)
		return bh_fail(err, why.code, "%s", why.text);
	mirror_object_release(&page->held);
	mirror_object_release(&page->customer);
	return show(page, why.text, err);
}

int
page_record_press(struct exchange *exchange, struct bh_err *err)
{
	struct record_page page = {.exchange = exchange};
	int rc = find_object(&page, text_of(request_field(exchange->request, "account")),
	    text_of(request_field(exchange->request, "id")), err);

	if (rc > 0)
		rc = check_held(&page, err);
	rc = rc == 0 ? no_record(exchange) : rc > 0 ? press_button(&page, err) : -1;
	page_release(&page);
	return rc;
}
