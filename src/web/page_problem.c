/* One cause: the records that it holds, and what a person does about them. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/queue.h"
#include "state/trail.h"
#include "web/cursor.h"
#include "web/link_view.h"
#include "web/page_problems.h"
#include "web/words.h"

#define SHOWN 50
#define PAGE 500     /* records in one commit */
#define TIME_MS 1500 /* that pressing a button may take */

/* -- the page -- */

struct group {
	struct exchange *exchange;
	const char *dest; /* borrowed from the path */
	struct cause cause;
	struct mapped mapped;
	struct link_id ids[SHOWN]; /* borrowed from the transaction */
	struct link *links;
	size_t n;
	bool more;
	struct bh_buf after;
};

static int
take_record(void *arg, const struct link_id *id, const struct link *link,
    struct bh_err *err BH_UNUSED)
{
	struct group *g = arg;

	g->ids[g->n] = *id;
	g->links[g->n++] = *link;
	return 0;
}

static json_t *
record_view(const struct group *g, size_t i, json_t *title_take, bool is_marked, int64_t now_ms)
{
	const struct link *link = &g->links[i];
	struct link_words words = link_words(link, is_marked);

	return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o}", "title", title_take, "id",
	    words_json(g->ids[i].id), "state", words.state, "word", words.word, "cause",
	    words_json(strcmp(link->cause, g->cause.cause) == 0 ? "" : link->cause), "since",
	    words_time_json(link->past[0].at_ms, now_ms), "url",
	    mapped_url(g->exchange, &g->ids[i]));
}

static int
add_records(struct group *g, json_t *model, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(g->exchange);
	json_t *list = json_array(), *titles[SHOWN] = {NULL};
	bool marked[SHOWN], has_others = false;
	int rc = problem_titles(g->exchange, &g->mapped, g->ids, g->n, titles, err);

	if (rc == 0)
		rc = link_marked_many(txn, g->ids, g->n, marked, err);
	for (size_t i = 0; i < g->n; i++) {
		if (rc == 0)
			json_array_append_new(list,
			    record_view(g, i, titles[i], marked[i], bh_now_ms()));
		else
			json_decref(titles[i]);
		has_others = has_others || strcmp(g->links[i].cause, g->cause.cause) != 0;
	}
	json_object_set_new(model, "has_others", json_boolean(has_others));
	json_object_set_new(model, "has_records", json_boolean(json_array_size(list) > 0));
	json_object_set_new(model, "records", list);
	return rc;
}

/* This page, with where its list goes on. */
static json_t *
next_url(const struct group *g)
{
	struct bh_buf url = BH_BUF_INIT(16384);
	json_t *text;

	bh_buf_adds(&url, g->exchange->request->base);
	problem_path_add(&url, g->dest, &g->cause);
	if (problems_only(g->exchange) != NULL)
		bh_buf_addf(&url, "&crm=%s", problems_only(g->exchange));
	bh_buf_addc(&url, '&');
	cursor_add(&url, &g->after);
	text = json_string(bh_buf_str(&url));
	bh_buf_release(&url);
	return text;
}

/* "500 are tried again": what was done, and where the rest begins. */
static void
add_done(const struct group *g, json_t *model)
{
	const struct request *request = g->exchange->request;
	const char *done = request_query(request, "done"), *n = request_query(request, "n");
	const char *rest = request_query(request, "rest");
	bool is_skip = done != NULL && strcmp(done, "skip") == 0;
	char count[WORDS_MAX] = "";
	uint64_t number;

	if (done != NULL && n != NULL && bh_is_uint(n, strlen(n), INT32_MAX, &number))
		words_count(count, (int64_t)number);
	json_object_set_new(model, "done_count", json_string(count));
	json_object_set_new(model, "is_skipped", json_boolean(is_skip));
	json_object_set_new(model, "rest", words_json(rest != NULL ? rest : ""));
	json_object_set_new(model, "rest_do", json_string(is_skip ? "skip" : "retry"));
}

static int
show(struct group *g, struct bh_err *err)
{
	const char *base = g->exchange->request->base;
	const struct mapped_sync *sync = mapped_find(&g->mapped, g->cause.sync);
	const char *only = problems_only(g->exchange);
	json_t *model = problem_view(g->exchange, g->dest, &g->cause, only != NULL, bh_now_ms());

	if (add_records(g, model, err) < 0) {
		json_decref(model);
		return -1;
	}
	json_object_set_new(model, "crm",
	    words_json(sync != NULL && sync->to.name[0] != '\0' ? sync->to.name : g->dest));
	json_object_set_new(model, "crm_url", json_sprintf("%s/connections/%s", base, g->dest));
	json_object_set_new(model, "choose_url",
	    json_sprintf("%s/connections/%s#waiting", base, g->dest));
	json_object_set_new(model, "mapping_url",
	    sync != NULL ? mapped_mapping_url(g->exchange, sync, g->cause.object)
			 : json_string(""));
	json_object_set_new(model, "action",
	    json_sprintf("%s/problems/%s/%s/%s", base, g->dest, g->cause.sync, g->cause.object));
	json_object_set_new(model, "back_url", problems_url(g->exchange, only));
	json_object_set_new(model, "only", json_string(only != NULL ? only : ""));
	json_object_set_new(model, "next_url", g->more ? next_url(g) : json_string(""));
	json_object_set_new(model, "is_operator",
	    json_boolean(g->exchange->session.role >= ACCOUNT_OPERATOR));
	add_done(g, model);
	return exchange_page(g->exchange, 200, "problem", "Problem", model, err);
}

/* What the path and a code name: 1, 0 there is nothing held so (any more), -1. */
static int
find_cause(struct exchange *exchange, const char *code, struct cause *cause, struct bh_err *err)
{
	return cause_get(exchange_read(exchange), exchange->match.args[0], code != NULL ? code : "",
	    exchange->match.args[1], exchange->match.args[2], cause, err);
}

static void
go_to_list(struct exchange *exchange, const char *done, size_t n)
{
	const char *only = problems_only(exchange);
	struct bh_buf path = BH_BUF_INIT(1024);

	bh_buf_adds(&path, "/problems");
	if (only != NULL)
		bh_buf_addf(&path, "?crm=%s", only);
	if (done != NULL)
		bh_buf_addf(&path, "%cdone=%s&n=%zu", only != NULL ? '&' : '?', done, n);
	response_redirect(exchange->response, exchange->request->base, bh_buf_str(&path));
	bh_buf_release(&path);
}

int
page_problem(struct exchange *exchange, struct bh_err *err)
{
	struct group g = {.exchange = exchange,
	    .dest = exchange->match.args[0],
	    .after = BH_BUF_INIT(STORE_KEY_MAX + 1)};
	int rc = find_cause(exchange, request_query(exchange->request, "code"), &g.cause, err);

	if (rc <= 0) {
		if (rc == 0)
			go_to_list(exchange, NULL, 0);
		return rc;
	}
	g.links = bh_xcalloc(SHOWN, sizeof(g.links[0]));
	cursor_read(exchange->request, &g.after);
	rc = mapped_load(exchange, NULL, g.dest, g.cause.sync, &g.mapped, err);
	if (rc == 0)
		rc = cause_links(exchange_read(exchange), g.dest, &g.cause, SHOWN, &g.after,
		    take_record, &g, &g.more, err);
	if (rc == 0)
		rc = show(&g, err);
	mapped_release(&g.mapped);
	free(g.links);
	bh_buf_release(&g.after);
	return rc;
}

/* -- all of them: again, or left out -- */

struct press {
	const char *dest, *user;
	struct cause cause;
	bool is_skip;
	struct bh_buf *after; /* where the page that is done ends */
	struct bh_buf before; /* where it began: a transaction may run again */
	struct store_txn *txn;
	size_t n; /* of this page */
	bool more;
};

static int
press_one(void *arg, const struct link_id *id, const struct link *link BH_UNUSED,
    struct bh_err *err)
{
	struct press *press = arg;

	press->n++;
	if (press->is_skip)
		return link_skip(press->txn, id, press->user, err) < 0 ? -1 : 0;
	link_mark(press->txn, id);
	return 0;
}

static int
press_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = press->is_skip ? "skip" : "retry",
	    .subject = press->dest,
	    .text = text,
	    .by = press->user};

	press->txn = txn;
	press->n = 0;
	bh_buf_reset(press->after);
	bh_buf_add(press->after, press->before.data, press->before.len);
	if (cause_links(txn, press->dest, &press->cause, PAGE, press->after, press_one, press,
		&press->more, err) < 0)
		return -1;
	if (press->n == 0)
		return 1;
	if (!press->is_skip)
		queue_wake(txn, "push", press->dest, bh_now_ms());
	snprintf(text, sizeof(text), "%zu records %.30s held as %.60s, in the browser by %.60s",
	    press->n, press->cause.object, press->cause.code, press->user);
	trail_add(txn, 0, &entry);
	return 0;
}

/* Page after page, as long as a person waits. */
static int
press_all(struct exchange *exchange, struct press *press, size_t *n_r, struct bh_err *err)
{
	int64_t end_ms = bh_now_ms() + TIME_MS;
	int rc = 0;

	press->more = true;
	while (rc == 0 && press->more && bh_now_ms() < end_ms) {
		bh_buf_reset(&press->before);
		bh_buf_add(&press->before, press->after->data, press->after->len);
		rc = store_run(exchange->site->store, press_page, press, NULL, err);
		*n_r += rc == 0 ? press->n : 0;
	}
	return rc < 0 ? -1 : 0;
}

/* Where there is a rest, its button is offered there. */
static void
go_on(struct exchange *exchange, const struct press *press, size_t n)
{
	const char *done = press->is_skip ? "skip" : "retry";
	struct bh_buf path = BH_BUF_INIT(16384);

	if (!press->more) {
		go_to_list(exchange, done, n);
		return;
	}
	problem_path_add(&path, press->dest, &press->cause);
	if (problems_only(exchange) != NULL)
		bh_buf_addf(&path, "&crm=%s", problems_only(exchange));
	bh_buf_addf(&path, "&done=%s&n=%zu&rest=", done, n);
	bh_base64url_add(&path, press->after->data, press->after->len);
	response_redirect(exchange->response, exchange->request->base, bh_buf_str(&path));
	bh_buf_release(&path);
}

int
page_problem_press(struct exchange *exchange, struct bh_err *err)
{
	const char *what = request_field(exchange->request, "do");
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct press press = {.dest = exchange->match.args[0],
	    .user = exchange->session.user,
	    .after = &after,
	    .before = BH_BUF_INIT(STORE_KEY_MAX + 1)};
	size_t n = 0;
	int rc = find_cause(exchange, request_field(exchange->request, "code"), &press.cause, err);

	if (rc == 0) {
		go_to_list(exchange, NULL, 0);
		return 0;
	}
	press.is_skip = what != NULL && strcmp(what, "skip") == 0;
	if (rc > 0 && !press.is_skip && (what == NULL || strcmp(what, "retry") != 0)) {
		exchange_error(exchange, 400, "There is no such button.");
		return 0;
	}
	cursor_read_form(exchange->request, &after);
	if (rc > 0)
		rc = press_all(exchange, &press, &n, err);
	if (rc == 0)
		go_on(exchange, &press, n);
	bh_buf_release(&press.before);
	bh_buf_release(&after);
	return rc;
}
