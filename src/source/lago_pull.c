/*
 * Lago: walks over everything.
 *
 * Lists are newest first, in pages, and none knows "changed since".  A walk is
 * a row of phases; which ones depends on its depth:
 *
 *   full   everything: a backfill; a catch-up once in seven days, or when the
 *          cursor says "full": true
 *   log    catch-up where the key may read the activity log (premium): what it
 *          names is looked up, and nothing else
 *   day    catch-up without a log, once a day: all subscriptions, invoices issued
 *          in the last 45 days, unpaid ones, new customers, payments, credit notes
 *   quick  the others: running subscriptions, invoices of the last days, the rest as above
 *
 * Who was there and is on no page of a full walk is not told: the caller asks
 * for the customers that it has not seen ("customer", which ends as a deletion).
 *
 * Cursor: {"v", "walk", "since_ms", "depth", "phase", "page", "to_ms", "plans": {code: brief
 * or null}}; what lists of subscriptions do not tell of their plans travels in it.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "source/lago.h"

#define CURSOR_VERSION 1
#define DAY_MS INT64_C(86400000)
#define OVERLAP_MS INT64_C(900000) /* the log is written behind events */
#define PLANS_MAX 200              /* in a cursor */
#define PLANS_BYTES 8192
#define LOOKUPS_MAX 20 /* of plans, for one page */
#define PAGE_MAX 1000000

#define FULL 1u
#define DAY 2u
#define QUICK 4u
#define LOG 8u

struct walk {
	const struct source_api *api;
	struct source_page *page;
	struct source_news news;
	json_t *cursor; /* the next one, as it is made */
	unsigned depth;
	int64_t since_ms; /* with the overlap */
	int64_t start_ms; /* when the walk began */
	bool backfill;
	int broken; /* rows that could not be read */
};

struct phase;
static int put_plans(struct walk *walk, const struct phase *phase, json_t *rows,
    struct bh_err *err);
static int put_subscriptions(struct walk *walk, const struct phase *phase, json_t *rows,
    struct bh_err *err);
static int put_rows(struct walk *walk, const struct phase *phase, json_t *rows, struct bh_err *err);
static int put_payments(struct walk *walk, const struct phase *phase, json_t *rows,
    struct bh_err *err);
static int put_log(struct walk *walk, const struct phase *phase, json_t *rows, struct bh_err *err);

/* Parents first.  query stands behind the path; days: issued since so many days before. */
static const struct phase {
	const char *name;
	unsigned depths;
	const char *path, *query;
	bool newest; /* ends at the first page that is older than the walk's since */
	int days;
	int (*put)(struct walk *walk, const struct phase *phase, json_t *rows, struct bh_err *err);
	int (*handle)(struct source_news *news, const json_t *object, struct bh_err *err);
} phases[] = {
    {"activity log", LOG, "activity_logs",
	"resource_types%5B%5D=Customer&resource_types%5B%5D=Subscription&"
	"resource_types%5B%5D=Invoice&resource_types%5B%5D=CreditNote",
	false, 0, put_log, NULL},
    {"plans", FULL | DAY | QUICK, "plans", "", false, 0, put_plans, lago_plan},
    {"customers", FULL, "customers", "", false, 0, put_rows, lago_customer},
    {"new customers", DAY | QUICK, "customers", "", true, 0, put_rows, lago_customer},
    {"subscriptions", FULL | DAY, "subscriptions",
	"status%5B%5D=pending&status%5B%5D=incomplete&status%5B%5D=active&"
	"status%5B%5D=terminated&status%5B%5D=canceled",
	false, 0, put_subscriptions, NULL},
    {"running subscriptions", QUICK, "subscriptions",
	"status%5B%5D=pending&status%5B%5D=incomplete&status%5B%5D=active", false, 0,
	put_subscriptions, NULL},
    {"invoices", FULL, "invoices", "", false, 0, put_rows, lago_invoice},
    {"recent invoices", DAY, "invoices", "", false, 45, put_rows, lago_invoice},
    {"recent invoices", QUICK, "invoices", "", false, 2, put_rows, lago_invoice},
    {"unpaid invoices", DAY | QUICK, "invoices",
	"statuses%5B%5D=finalized&payment_statuses%5B%5D=pending&payment_statuses%5B%5D=failed",
	false, 0, put_rows, lago_invoice},
    {"credit notes", FULL, "credit_notes", "", false, 0, put_rows, lago_credit_note},
    {"new credit notes", DAY | QUICK, "credit_notes", "", true, 0, put_rows, lago_credit_note},
    {"payments", FULL, "payments", "", false, 0, put_payments, NULL},
    {"new payments", DAY | QUICK, "payments", "", true, 0, put_payments, NULL},
};

/* -- plans of rows -- */

static json_t *
plans_of(struct walk *walk)
{
	json_t *plans = json_object_get(walk->cursor, "plans");

	if (!json_is_object(plans)) {
		plans = json_object();
		json_object_set_new(walk->cursor, "plans", plans);
	}
	return plans;
}

/* Small enough to be kept with every page; the rest is looked up. */
static void
keep_plan(struct walk *walk, const char *code, json_t *brief_take)
{
	json_t *plans = plans_of(walk);
	size_t size =
	    json_object_size(plans) < PLANS_MAX ? json_dumpb(plans, NULL, 0, 0) : SIZE_MAX;

	if (size < PLANS_BYTES)
		json_object_set(plans, code, brief_take);
	json_decref(brief_take);
}

/* 1 and a new reference to a brief or null; 0 not in the cursor; -1. */
static int
look_plan_up(struct walk *walk, const char *code, json_t **brief_r, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(1024);
	struct source_answer answer;
	int rc;

	bh_buf_adds(&path, "plans/");
	bh_percent_add(&path, code, strlen(code));
	rc = lago_call(walk->api, "GET", bh_buf_str(&path), NULL, &answer, err);
	*brief_r = rc > 0 ? lago_plan_brief(json_object_get(answer.json, "plan")) : json_null();
	source_answer_release(&answer);
	bh_buf_release(&path);
	walk->page->wait_ms += 100;
	return rc < 0 ? -1 : 0;
}

static int
add_plans(struct walk *walk, json_t *rows, struct bh_err *err)
{
	json_t *seen = json_copy(plans_of(walk)), *row;
	size_t i;
	int lookups = 0, rc = 0;

	json_array_foreach (rows, i, row) {
		const char *code = bh_json_str(row, "plan_code");
		json_t *brief = code != NULL ? json_object_get(seen, code) : NULL;

		if (code != NULL && brief == NULL && rc == 0 && lookups++ < LOOKUPS_MAX) {
			rc = look_plan_up(walk, code, &brief, err);
			json_object_set(seen, code, brief);
			keep_plan(walk, code, brief);
			brief = json_object_get(seen, code);
		}
		if (json_is_object(brief))
			lago_add_plan(row, brief);
	}
	json_decref(seen);
	return rc;
}

/* -- rows -- */

/* One row that breaks does not stop a walk. */
static void
skip_broken(struct walk *walk, int rc)
{
	if (rc < 0)
		walk->broken++;
}

static int
put_plans(struct walk *walk, const struct phase *phase, json_t *rows, struct bh_err *err BH_UNUSED)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const char *code = bh_json_str(row, "code");

		/* Every hour anew they would be news each time. */
		if (walk->depth != QUICK)
			skip_broken(walk, phase->handle(&walk->news, row, NULL));
		if (code != NULL && !json_is_string(json_object_get(row, "parent_id")))
			keep_plan(walk, code, lago_plan_brief(row));
	}
	return 0;
}

static int
put_rows(struct walk *walk, const struct phase *phase, json_t *rows, struct bh_err *err BH_UNUSED)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		skip_broken(walk, phase->handle(&walk->news, row, NULL));
	return 0;
}

static int
put_subscriptions(struct walk *walk, const struct phase *phase BH_UNUSED, json_t *rows,
    struct bh_err *err)
{
	json_t *row;
	size_t i;

	if (add_plans(walk, rows, err) < 0)
		return -1;
	lago_link_chains(rows);
	json_array_foreach (rows, i, row) {
		/* One that started since the last catch-up is dated by itself. */
		bool new = lago_running_since(row) >= walk->since_ms && !walk->backfill;

		skip_broken(walk, lago_put_subscription(&walk->news, row,
				      new ? 0 : walk->api->now_ms, walk->depth == FULL, NULL));
	}
	return 0;
}

static bool
is_wanted(const struct walk *walk, const char *what, const char *id)
{
	const struct source_wants *wants = &walk->page->result.wants;

	for (size_t i = 0; i < wants->n; i++)
		if (strcmp(wants->items[i].what, what) == 0 && strcmp(wants->items[i].id, id) == 0)
			return true;
	return false;
}

static void
want(struct walk *walk, const char *what, const json_t *id, const char *member, const json_t *value)
{
	const char *text = json_string_value(id);

	if (text == NULL || *text == '\0' || strlen(text) > 255 || is_wanted(walk, what, text))
		return;
	source_want(&walk->news, what, text,
	    json_is_string(value) ? json_pack("{s:O}", member, value) : NULL);
}

/* A new payment moved its invoices; in a full walk they are read anyway. */
static int
put_payments(struct walk *walk, const struct phase *phase, json_t *rows,
    struct bh_err *err BH_UNUSED)
{
	json_t *row, *id;
	size_t i, k;

	json_array_foreach (rows, i, row) {
		skip_broken(walk, lago_put_payment(&walk->news, row, NULL));
		if (!phase->newest || lago_ms(row, "created_at") < walk->since_ms)
			continue;
		json_array_foreach (json_object_get(row, "invoice_ids"), k, id)
			want(walk, "invoice", id, NULL, NULL);
	}
	return 0;
}

/* -- the activity log -- */

static void
put_activity(struct walk *walk, const json_t *row)
{
	const char *type = bh_json_str(row, "activity_type");
	const char *resource = bh_json_str(row, "resource_type");
	const json_t *id = json_object_get(row, "resource_id");
	const json_t *object = json_object_get(row, "activity_object");
	int64_t at_ms = lago_ms(row, "logged_at");

	if (type == NULL || resource == NULL)
		return;
	if (strcmp(type, "customer.deleted") == 0) {
		if (!is_lago_partner(object))
			skip_broken(walk,
			    lago_delete(&walk->news, OBJECT_CUSTOMER, id, at_ms, NULL));
	} else if (strcmp(resource, "Customer") == 0) {
		want(walk, "customer", id, "external_id",
		    json_object_get(row, "external_customer_id"));
	} else if (strcmp(resource, "Subscription") == 0) {
		want(walk, "subscription", id, "external_id",
		    json_object_get(row, "external_subscription_id"));
	} else if (strcmp(resource, "Invoice") == 0) {
		/* Of a payment by hand the log is the only one to tell. */
		if (strcmp(type, "payment.recorded") == 0)
			want(walk, "payment", json_object_get(object, "lago_id"), NULL, NULL);
		want(walk, "invoice", id, NULL, NULL);
	} else if (strcmp(resource, "CreditNote") == 0) {
		want(walk, "credit_note", id, NULL, NULL);
	}
}

static int
put_log(struct walk *walk, const struct phase *phase BH_UNUSED, json_t *rows,
    struct bh_err *err BH_UNUSED)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row)
		put_activity(walk, row);
	return 0;
}

/* -- phases -- */

static int
next_phase(unsigned depth, int after)
{
	for (int i = after + 1; i < (int)BH_LEN(phases); i++)
		if (phases[i].depths & depth)
			return i;
	return -1;
}

static void
count_phases(struct source_page *page, unsigned depth, int current)
{
	for (int i = 0; i < (int)BH_LEN(phases); i++) {
		if (!(phases[i].depths & depth))
			continue;
		page->phases++;
		if (i <= current)
			page->phase_number++;
	}
}

static void
add_time(struct bh_buf *path, const char *name, int64_t at_ms)
{
	char text[BH_CLOCK_TEXT];

	bh_rfc3339(text, at_ms - at_ms % 1000);
	lago_query(path, name, text);
}

static void
add_path(struct bh_buf *path, const struct walk *walk, const struct phase *phase)
{
	char day[BH_CLOCK_TEXT];

	bh_buf_addf(path, "%s%s%s", phase->path, *phase->query != '\0' ? "?" : "", phase->query);
	if (phase->days > 0) {
		bh_date(day, walk->since_ms - phase->days * DAY_MS);
		lago_query(path, "issuing_date_from", day);
	}
	if (phase->depths == LOG) {
		add_time(path, "from_date", walk->since_ms);
		add_time(path, "to_date", walk->start_ms);
	}
}

/* True when a page of a newest-first list holds nothing newer than the walk's since. */
static bool
is_old(const struct walk *walk, const json_t *rows)
{
	size_t i;
	json_t *row;

	json_array_foreach (rows, i, row)
		if (lago_ms(row, "created_at") >= walk->since_ms)
			return false;
	return true;
}

static void
move_on(struct walk *walk, int current, int64_t next_page)
{
	int phase = next_page != 0 ? current : next_phase(walk->depth, current);

	if (phase < 0) {
		json_decref(walk->cursor);
		walk->cursor = NULL;
		return;
	}
	json_object_set_new(walk->cursor, "phase", json_integer(phase));
	json_object_set_new(walk->cursor, "page", json_integer(next_page != 0 ? next_page : 1));
}

/* Without a licence, or without what stores it, there is no log: the lists then. */
static bool
is_log_missing(const struct source_answer *answer)
{
	return answer->status == 403 || answer->status == 404 || answer->status == 405;
}

static int
read_page(struct walk *walk, int current, int64_t number, struct source_answer *answer,
    struct bh_err *err)
{
	const struct phase *phase = &phases[current];
	struct source_page *page = walk->page;
	struct bh_buf path = BH_BUF_INIT(2048);
	struct lago_rows list;
	int rc;

	add_path(&path, walk, phase);
	rc = lago_list(walk->api, bh_buf_str(&path), phase->path, number, answer, &list, err);
	bh_buf_release(&path);
	if (rc < 0)
		return -1;
	snprintf(page->phase, sizeof(page->phase), "%s", phase->name);
	count_phases(page, walk->depth, current);
	page->read = (int64_t)json_array_size(list.rows);
	page->total = list.total;
	page->wait_ms = list.wait_ms;
	walk->news = lago_news(walk->api, answer, &page->result);
	if (phase->put(walk, phase, (json_t *)(uintptr_t)list.rows, err) < 0)
		return -1;
	move_on(walk, current, phase->newest && is_old(walk, list.rows) ? 0 : list.next);
	return 0;
}

static void
finish(struct walk *walk)
{
	struct source_page *page = walk->page;

	page->result.outcome = SOURCE_APPLIED;
	lago_settle(&walk->news);
	page->result.note[0] = '\0';
	if (walk->broken > 0)
		snprintf(page->result.note, sizeof(page->result.note),
		    "%d rows without a usable id were left out", walk->broken);
	page->cursor = walk->cursor;
	walk->cursor = NULL;
}

/* -- the cursor -- */

static int
fail_cursor(struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "the walk's cursor cannot be used any more: start again");
}

/* In which span of so many days a time is: a walk in another one than the last goes deeper. */
static bool
is_new_span(int64_t one_ms, int64_t other_ms, int days)
{
	return one_ms / (days * DAY_MS) != other_ms / (days * DAY_MS);
}

static unsigned
depth_of(const struct walk *walk, const json_t *cursor, int64_t since_ms)
{
	if (walk->backfill || since_ms <= 0 || bh_is_json_true(cursor, "full") ||
	    is_new_span(since_ms, walk->start_ms, 7))
		return FULL;
	return LOG;
}

static int
start(struct walk *walk, const json_t *cursor)
{
	int64_t since_ms = bh_json_int(cursor, "since_ms", 0);

	walk->start_ms = walk->api->now_ms;
	walk->since_ms = since_ms > OVERLAP_MS ? since_ms - OVERLAP_MS : 0;
	walk->depth = depth_of(walk, cursor, since_ms);
	walk->cursor = json_pack("{s:i, s:s, s:I, s:I, s:i, s:i, s:i}", "v", CURSOR_VERSION, "walk",
	    walk->backfill ? SOURCE_WALK_BACKFILL : SOURCE_WALK_CATCHUP, "since_ms",
	    (json_int_t)walk->since_ms, "to_ms", (json_int_t)walk->start_ms, "depth",
	    (int)walk->depth, "phase", next_phase(walk->depth, -1), "page", 1);
	return 0;
}

static int
go_on(struct walk *walk, const json_t *cursor, struct bh_err *err)
{
	int64_t depth = bh_json_int(cursor, "depth", 0);
	int64_t phase = bh_json_int(cursor, "phase", -1);
	int64_t page = bh_json_int(cursor, "page", 0);

	if (bh_json_int(cursor, "v", 0) != CURSOR_VERSION ||
	    (depth != FULL && depth != DAY && depth != QUICK && depth != LOG) || phase < 0 ||
	    phase >= (int64_t)BH_LEN(phases) || !(phases[phase].depths & (unsigned)depth) ||
	    page < 1 || page > PAGE_MAX)
		return fail_cursor(err);
	walk->depth = (unsigned)depth;
	walk->since_ms = bh_json_int(cursor, "since_ms", -1);
	walk->start_ms = bh_json_int(cursor, "to_ms", -1);
	if (walk->since_ms < 0 || walk->start_ms < 0 || walk->since_ms > INT64_C(253402300799999) ||
	    walk->start_ms > INT64_C(253402300799999))
		return fail_cursor(err);
	walk->cursor = json_deep_copy(cursor);
	return 0;
}

/* There is no log: the same walk begins again over lists. */
static void
take_lists(struct walk *walk)
{
	walk->depth = is_new_span(walk->since_ms + OVERLAP_MS, walk->start_ms, 1) ? DAY : QUICK;
	json_object_set_new(walk->cursor, "depth", json_integer(walk->depth));
	json_object_set_new(walk->cursor, "phase", json_integer(next_phase(walk->depth, -1)));
	json_object_set_new(walk->cursor, "page", json_integer(1));
}

static int
pull(struct walk *walk, struct bh_err *err)
{
	struct source_answer answer;
	int current = (int)bh_json_int(walk->cursor, "phase", 0);
	int64_t number = bh_json_int(walk->cursor, "page", 1);
	int rc = read_page(walk, current, number, &answer, err);

	if (rc < 0 && walk->depth == LOG && is_log_missing(&answer)) {
		source_answer_release(&answer);
		take_lists(walk);
		current = (int)bh_json_int(walk->cursor, "phase", 0);
		rc = read_page(walk, current, 1, &answer, err);
	}
	if (rc == 0)
		finish(walk);
	source_answer_release(&answer);
	return rc;
}

int
lago_pull(const struct source_api *api, const json_t *cursor, struct source_page *page,
    struct bh_err *err)
{
	struct walk walk = {.api = api, .page = page};
	const char *name = bh_json_str(cursor, "walk");
	int rc;

	walk.backfill = name != NULL && strcmp(name, SOURCE_WALK_BACKFILL) == 0;
	if (name == NULL || (!walk.backfill && strcmp(name, SOURCE_WALK_CATCHUP) != 0))
		return fail_cursor(err);
	rc =
	    json_object_get(cursor, "v") == NULL ? start(&walk, cursor) : go_on(&walk, cursor, err);
	if (rc == 0)
		rc = pull(&walk, err);
	if (rc < 0)
		source_page_release(page);
	else
		page->is_complete = walk.depth == FULL;
	json_decref(walk.cursor);
	return rc;
}
