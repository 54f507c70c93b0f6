/*
 * Lago: one thing looked up, because an event or another object named it.
 *
 *   what                id                     hint
 *   customer            lago_id                external_id: else only the newest 500 are searched
 *   subscription        lago_id                external_id (needed); plan; since_ms
 *   invoice, payment,
 *   credit_note         lago_id                -
 *   plan                code                   -
 *   plan_subscriptions  code, later "page code"  plan_code, page, since_ms
 *   overdue_invoices    the customer's external id  -
 */
#include "base/base.h"

#include "base/text.h"
#include "source/lago.h"

#define SCAN_PAGES 5
#define ALL_STATUSES                                                                               \
	"status%5B%5D=pending&status%5B%5D=incomplete&status%5B%5D=active&"                        \
	"status%5B%5D=terminated&status%5B%5D=canceled"

static int
nothing(struct source_result *result, const char *why)
{
	result->outcome = SOURCE_IGNORED;
	snprintf(result->note, sizeof(result->note), "%s", why);
	return 0;
}

/* -- single objects -- */

typedef int (*handler)(struct source_news *news, const json_t *object, struct bh_err *err);

/* GET folder/id, whose answer holds the object under name. */
static int
fetch_one(const struct source_api *api, const char *folder, const char *name, const char *id,
    handler handle, struct source_result *result, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(1024);
	struct source_answer answer;
	struct source_news news;
	int rc;

	bh_buf_addf(&path, "%s/", folder);
	bh_percent_add(&path, id, strlen(id));
	rc = lago_call(api, "GET", bh_buf_str(&path), NULL, &answer, err);
	bh_buf_release(&path);
	if (rc == 0)
		nothing(result, "Lago does not show it any more");
	if (rc > 0) {
		const json_t *object = json_object_get(answer.json, name);

		news = lago_news(api, &answer, result);
		rc = json_is_object(object)
			 ? handle(&news, object, err)
			 : bh_fail(err, BH_UNAVAILABLE, "Lago's answer holds no %s", name);
		lago_settle(&news);
	}
	source_answer_release(&answer);
	return rc < 0 ? -1 : 0;
}

static int
fetch_customer(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	struct source_answer none = {0};
	struct source_news news;
	json_t *customer = NULL;
	int64_t answer_ms = 0;
	int rc = lago_find_customer(api, want->id, bh_json_str(want->hint, "external_id"),
	    SCAN_PAGES, &customer, &answer_ms, err);

	if (rc < 0)
		return -1;
	news = lago_news(api, &none, result);
	news.at_ms = answer_ms;
	if (rc > 0) {
		rc = lago_customer(&news, customer, err);
	} else {
		/* Its deletion sent nothing: that it is gone is all there is. */
		json_t *id = json_string(want->id);

		rc = lago_delete(&news, OBJECT_CUSTOMER, id, answer_ms, err);
		json_decref(id);
	}
	lago_settle(&news);
	json_decref(customer);
	return rc < 0 ? -1 : 0;
}

/* -- subscriptions -- */

/* The plan of a row whose trial or interval matters; kept in plans (code -> brief or null). */
static int
add_plan(const struct source_api *api, json_t *row, json_t *plans, struct bh_err *err)
{
	const char *code = bh_json_str(row, "plan_code");
	struct bh_buf path = BH_BUF_INIT(1024);
	struct source_answer answer;
	int rc = 1;

	if (code == NULL || *code == '\0')
		return 0;
	if (json_object_get(plans, code) == NULL) {
		bh_buf_adds(&path, "plans/");
		bh_percent_add(&path, code, strlen(code));
		rc = lago_call(api, "GET", bh_buf_str(&path), NULL, &answer, err);
		json_object_set_new(plans, code,
		    rc > 0 ? lago_plan_brief(json_object_get(answer.json, "plan")) : json_null());
		source_answer_release(&answer);
		bh_buf_release(&path);
	}
	if (rc >= 0 && json_is_object(json_object_get(plans, code)))
		lago_add_plan(row, json_object_get(plans, code));
	return rc < 0 ? -1 : 0;
}

/* Rows of other external ids show that the server does not know the filter. */
static json_t *
own_rows(const json_t *rows, const char *external_id)
{
	json_t *own = json_array(), *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const char *other = bh_json_str(row, "external_id");

		if (other != NULL && strcmp(other, external_id) == 0)
			json_array_append(own, row);
	}
	return own;
}

static int
put_rows(const struct source_api *api, const struct source_want *want, struct source_news *news,
    json_t *rows, struct bh_err *err)
{
	json_t *plans = json_object(), *row;
	size_t i;
	int rc = 0;

	lago_link_chains(rows);
	json_array_foreach (rows, i, row) {
		const char *id = bh_json_str(row, "lago_id");
		bool wanted = id != NULL && strcmp(id, want->id) == 0;

		if (wanted && json_is_object(json_object_get(want->hint, "plan")))
			lago_add_plan(row, json_object_get(want->hint, "plan"));
		else if (rc == 0)
			rc = add_plan(api, row, plans, err);
		/* A start is dated by itself, an edit by the event that told of it. */
		if (rc == 0)
			rc = lago_put_subscription(news, row,
			    wanted ? bh_json_int(want->hint, "since_ms", api->now_ms) : api->now_ms,
			    false, err);
	}
	json_decref(plans);
	return rc;
}

static int
fetch_subscription(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	const char *external_id = bh_json_str(want->hint, "external_id");
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	struct source_news news;
	struct lago_rows rows;
	json_t *own;
	int rc;

	if (external_id == NULL || *external_id == '\0')
		return bh_fail(err, BH_INVALID,
		    "Lago cannot be asked for a subscription without its external id");
	bh_buf_adds(&path, "subscriptions?" ALL_STATUSES);
	lago_query(&path, "external_id", external_id);
	rc = lago_list(api, bh_buf_str(&path), "subscriptions", 1, &answer, &rows, err);
	bh_buf_release(&path);
	if (rc == 0) {
		news = lago_news(api, &answer, result);
		own = own_rows(rows.rows, external_id);
		rc = put_rows(api, want, &news, own, err);
		if (rc == 0 && json_array_size(own) == 0)
			nothing(result, "Lago does not list it");
		json_decref(own);
		if (rc == 0)
			lago_settle(&news);
	}
	source_answer_release(&answer);
	return rc;
}

/* The next page is a want of its own: so each look-up is a few calls, and survives a stop. */
static void
want_page(struct source_news *news, const char *code, int64_t page, int64_t since_ms)
{
	char id[256];

	snprintf(id, sizeof(id), "%lld %.230s", (long long)page, code);
	bh_utf8_mend(id, true);
	source_want(news, "plan_subscriptions", id,
	    json_pack("{s:s, s:I, s:I}", "plan_code", code, "page", (json_int_t)page, "since_ms",
		(json_int_t)since_ms));
}

static int
put_plan_rows(const struct source_api *api, struct source_news *news, const json_t *rows,
    int64_t since_ms, struct bh_err *err)
{
	json_t *plans = json_object(), *row;
	size_t i;
	int rc = 0;

	json_array_foreach (rows, i, row) {
		if (rc == 0)
			rc = add_plan(api, row, plans, err);
		if (rc == 0)
			rc = lago_put_subscription(news, row, since_ms, false, err);
	}
	json_decref(plans);
	return rc;
}

static int
fetch_plan_subscriptions(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	const char *code = bh_json_str(want->hint, "plan_code");
	int64_t page = bh_json_int(want->hint, "page", 1);
	int64_t since_ms = bh_json_int(want->hint, "since_ms", api->now_ms);
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	struct source_news news;
	struct lago_rows rows;
	int rc;

	if (code == NULL)
		code = want->id;
	bh_buf_adds(&path, "subscriptions?status%5B%5D=active&status%5B%5D=incomplete&"
			   "status%5B%5D=pending");
	lago_query(&path, "plan_code", code);
	rc = lago_list(api, bh_buf_str(&path), "subscriptions", page, &answer, &rows, err);
	bh_buf_release(&path);
	if (rc == 0) {
		news = lago_news(api, &answer, result);
		rc = put_plan_rows(api, &news, rows.rows, since_ms, err);
		if (rc == 0 && rows.next != 0)
			want_page(&news, code, rows.next, since_ms);
		lago_settle(&news);
	}
	source_answer_release(&answer);
	return rc;
}

/* -- invoices of a customer whom dunning gave up -- */

static int
fetch_overdue(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(2048);
	struct source_answer answer;
	struct source_news news;
	struct lago_rows rows;
	json_t *row;
	size_t i;
	int rc;

	bh_buf_adds(&path, "invoices?payment_overdue=true");
	lago_query(&path, "external_customer_id", want->id);
	rc = lago_list(api, bh_buf_str(&path), "invoices", 1, &answer, &rows, err);
	bh_buf_release(&path);
	if (rc == 0) {
		news = lago_news(api, &answer, result);
		json_array_foreach (rows.rows, i, row)
			if (rc == 0)
				rc = lago_invoice(&news, row, err);
		lago_settle(&news);
	}
	source_answer_release(&answer);
	return rc;
}

static int
fetch(const struct source_api *api, const struct source_want *want, struct source_result *result,
    struct bh_err *err)
{
	static const struct {
		const char *what, *folder, *name;
		handler handle;
	} singles[] = {
	    {"invoice", "invoices", "invoice", lago_invoice},
	    {"credit_note", "credit_notes", "credit_note", lago_credit_note},
	    {"payment", "payments", "payment", lago_put_payment},
	    {"plan", "plans", "plan", lago_plan},
	};
	static const struct {
		const char *what;
		int (*fetch)(const struct source_api *api, const struct source_want *want,
		    struct source_result *result, struct bh_err *err);
	} others[] = {
	    {"customer", fetch_customer},
	    {"subscription", fetch_subscription},
	    {"plan_subscriptions", fetch_plan_subscriptions},
	    {"overdue_invoices", fetch_overdue},
	};

	for (size_t i = 0; i < BH_LEN(singles); i++)
		if (strcmp(want->what, singles[i].what) == 0)
			return fetch_one(api, singles[i].folder, singles[i].name, want->id,
			    singles[i].handle, result, err);
	for (size_t i = 0; i < BH_LEN(others); i++)
		if (strcmp(want->what, others[i].what) == 0)
			return others[i].fetch(api, want, result, err);
	return bh_fail(err, BH_INVALID, "Lago cannot be asked for a %s", want->what);
}

int
lago_fetch(const struct source_api *api, const struct source_want *want,
    struct source_result *result, struct bh_err *err)
{
	int rc = fetch(api, want, result, err);

	if (rc < 0)
		source_result_release(result);
	return rc;
}
