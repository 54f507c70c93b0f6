/*
 * Lago: what is told in events and in answers, in any order, ends as it
 * must: an answer is neither undone by an older snapshot nor undoes a newer one.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "source/source.h"
#include "unit.h"

#define NOW_MS INT64_C(1788220800000) /* 2026-09-01T00:00:00Z */
#define ORDERS 1000
#define TOLD_MAX 6

/* -- a transport with one answer -- */

struct one {
	struct http_transport transport; /* first */
	const char *body;
	int64_t date_ms;
};

static void
perform(struct http_transport *transport, const struct http_request *requests BH_UNUSED,
    struct http_response *responses, size_t n)
{
	static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	    "Sep", "Oct", "Nov", "Dec"};
	const struct one *one = (const struct one *)(void *)transport;
	int64_t day = one->date_ms / 86400000, second = one->date_ms / 1000 % 86400;
	int year, month, date;

	bh_civil_from_days(day, &year, &month, &date);
	for (size_t i = 0; i < n; i++) {
		responses[i].status = 200;
		responses[i].headers = bh_xcalloc(1, sizeof(responses[i].headers[0]));
		responses[i].headers_n = 1;
		responses[i].headers[0].name = bh_xstrdup("Date");
		responses[i].headers[0].value = bh_xasprintf("%s, %02d %s %d %02d:%02d:%02d GMT",
		    days[day % 7], date, months[month - 1], year, (int)(second / 3600),
		    (int)(second / 60 % 60), (int)(second % 60));
		bh_buf_adds(&responses[i].body, one->body);
	}
}

/* -- what is told -- */

struct told {
	const char *word; /* type of an event, or "? what id" of a look-up */
	int at_s;         /* after NOW_MS: arrival, or time of the answer */
	const char *json; /* with ' for ": the object, or the whole answer */
};

static char *
quoted(const char *json)
{
	char *text = bh_xstrdup(json);

	for (char *at = text; *at != '\0'; at++)
		if (*at == '\'')
			*at = '"';
	return text;
}

static void
tell_event(const struct told *told, const char *json, struct source_result *result)
{
	char kind[64];
	struct source_config config = {.code = "t"};
	struct source_event event = {0};
	struct bh_err err = BH_ERR_INIT;
	json_t *body, *object;

	snprintf(kind, sizeof(kind), "%.*s", (int)strcspn(told->word, "."), told->word);
	snprintf(event.type, sizeof(event.type), "%s", told->word);
	snprintf(event.id, sizeof(event.id), "key-%d-%s", told->at_s, told->word);
	assert_int_equal(bh_json_parse(json, strlen(json), &object, &err), 0);
	body = json_pack("{s:s, s:s, s:o}", "webhook_type", told->word, "object_type", kind, kind,
	    object);
	if (source_driver("lago")->normalise(&config, &event, body, NOW_MS + told->at_s * 1000,
		result, &err) < 0)
		fail_msg("%s: %s", told->word, err.text);
	json_decref(body);
}

static void
tell_answer(const struct told *told, const char *json, struct source_result *result)
{
	json_t *secrets = json_pack("{s:s}", "api_key", "k");
	struct source_config config = {.code = "t", .secrets = secrets};
	struct one one = {.transport = {perform},
	    .body = json,
	    .date_ms = NOW_MS + told->at_s * 1000};
	struct source_api api = {.config = &config,
	    .transport = &one.transport,
	    .now_ms = NOW_MS + told->at_s * 1000};
	struct source_want want = {.hint = json_pack("{s:s, s:{}}", "external_id", "x", "plan")};
	struct bh_err err = BH_ERR_INIT;
	const char *id = strchr(told->word + 2, ' ') + 1;

	snprintf(want.what, sizeof(want.what), "%.*s", (int)(id - told->word - 3), told->word + 2);
	snprintf(want.id, sizeof(want.id), "%s", id);
	if (source_driver("lago")->fetch(&api, &want, result, &err) < 0)
		fail_msg("%s: %s", told->word, err.text);
	json_decref(want.hint);
	json_decref(secrets);
}

static void
tell(const struct told *told, struct source_result *result)
{
	char *json = quoted(told->json);

	*result = (struct source_result){0};
	if (told->word[0] == '?')
		tell_answer(told, json, result);
	else
		tell_event(told, json, result);
	assert_true(result->changes.n > 0);
	free(json);
}

/* -- ends -- */

static uint32_t seed = 7;

static size_t
dice(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* The changes about the first object told of, in this order; the state's fields, with "_deleted". */
static json_t *
end_of(const struct source_result *results, const size_t *order, size_t n)
{
	struct object_state held = {0}, after;
	const struct object_change *first = &results[0].changes.items[results[0].changes.n - 1];
	json_t *fields;

	for (size_t i = 0; i < n; i++) {
		const struct object_changes *changes = &results[order[i]].changes;

		for (size_t k = 0; k < changes->n; k++) {
			const struct object_change *change = &changes->items[k];

			if (change->kind != first->kind || strcmp(change->id, first->id) != 0 ||
			    object_merge(&held, change, &after) != 1)
				continue;
			json_decref(held.fields);
			held = after;
		}
	}
	fields = json_copy(held.fields);
	json_object_del(fields, OBJECT_OLDER);
	json_object_set_new(fields, "_deleted", json_boolean(held.deleted));
	json_decref(held.fields);
	return fields;
}

static void
expect_end(const char *name, const struct told *told, size_t n, const char *want)
{
	struct source_result results[TOLD_MAX];
	size_t order[2 * TOLD_MAX];
	char *text = quoted(want);
	json_t *wanted, *first = NULL, *value;
	const char *member;

	assert_int_equal(bh_json_parse(text, strlen(text), &wanted, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		tell(&told[i], &results[i]);
		order[i] = order[n + i] = i;
	}
	for (int k = 0; k < ORDERS; k++) {
		json_t *end = end_of(results, order, 2 * n);

		if (first == NULL)
			first = json_incref(end);
		if (!json_equal(first, end)) {
			char *a = bh_json_text(first), *b = bh_json_text(end);

			fail_msg("%s: order %d differs\n%s\n%s", name, k, a, b);
		}
		json_decref(end);
		for (size_t i = 2 * n - 1; i > 0; i--) {
			size_t pick = dice(i + 1), swap = order[i];

			order[i] = order[pick];
			order[pick] = swap;
		}
	}
	json_object_foreach (wanted, member, value) {
		const json_t *got = json_object_get(first, member);

		if (!(json_is_null(value) && got == NULL) && !json_equal(value, got)) {
			char *is = bh_json_text(json_object_get(first, member));

			fail_msg("%s: %s is %s", name, member, is);
		}
	}
	json_decref(first);
	json_decref(wanted);
	free(text);
	for (size_t i = 0; i < n; i++)
		source_result_release(&results[i]);
}

#define SUB(rest)                                                                                  \
	"{'lago_id':'s','external_id':'x','plan_code':'p','plan_amount_currency':'EUR',"           \
	"'created_at':'2026-08-01T00:00:00Z'," rest "}"
#define ACTIVE                                                                                     \
	"'status':'active','started_at':'2026-08-01T00:00:00.000Z','activated_at':'2026-08-01T00:" \
	"00:00Z',"
#define ENDED "'status':'terminated','terminated_at':'2026-08-20T00:00:00Z',"
#define ROWS(row) "{'subscriptions':[" row "],'meta':{'next_page':null}}"
#define INVOICE(rest) "{'lago_id':'i','currency':'EUR','status':'finalized'," rest "}"
#define SHOWN(rest) "{'invoice':" INVOICE(rest) "}"
#define PAYMENT(rest)                                                                              \
	"{'lago_id':'p','amount_currency':'EUR','amount_cents':5,'created_at':'2026-08-31T00:00:"  \
	"00Z'," rest "}"
#define PLAN(rest) "{'code':'p','amount_currency':'EUR','interval':'monthly'," rest "}"
#define CUSTOMER(rest) "{'lago_id':'c','external_id':'x'," rest "}"
#define FOUND(row) "{'customers':[" row "],'meta':{'next_page':null}}"

static const struct {
	const char *name;
	struct told told[TOLD_MAX];
	const char *want;
} ends[] = {
    {"a later snapshot wins, and the start never does",
	{{"subscription.updated", 10, SUB(ACTIVE "'name':'new'")},
	    {"subscription.started", 40, SUB(ACTIVE "'name':'sent again'")},
	    {"subscription.updated", 5, SUB(ACTIVE "'name':'old'")}},
	"{'name':'new','status':'active'}"},
    {"an answer after a snapshot that was sent again",
	{{"subscription.updated", 10, SUB(ACTIVE "'name':'new'")},
	    {"subscription.updated", 30, SUB(ACTIVE "'name':'sent again'")},
	    {"? subscription s", 31, ROWS(SUB(ACTIVE "'name':'new'"))}},
	"{'name':'new'}"},
    {"an answer of before",
	{{"subscription.updated", 10, SUB(ACTIVE "'name':'new'")},
	    {"? subscription s", 5, ROWS(SUB(ACTIVE "'name':'old','purchase_order_number':'7'"))}},
	"{'name':'new','purchase_order':'7'}"},
    {"an end stays an end",
	{{"subscription.terminated", 10, SUB(ENDED "'name':'end'")},
	    {"? subscription s", 60, ROWS(SUB(ACTIVE "'name':'late'"))},
	    {"subscription.trial_ended", 50, SUB(ACTIVE "'name':'later'")}},
	"{'status':'canceled','name':'end','ended_at':'2026-08-20T00:00:00Z','renewal_at':null}"},
    {"an order that is cancelled never ran",
	{{"subscription.incomplete", 1, SUB("'status':'incomplete','activated_at':null")},
	    {"subscription.canceled", 0,
		SUB("'status':'canceled','started_at':'2026-08-01T00:00:00Z','activated_at':null,"
		    "'canceled_at':'2026-08-02T00:00:00Z'")}},
	"{'status':'expired','source_status':'canceled'}"},
    {"servers of before activations",
	{{"subscription.canceled", 0,
	    SUB("'status':'canceled','started_at':'2026-08-01T00:00:00Z','canceled_at':'2026-08-02T00:00:00Z'")}},
	"{'status':'canceled'}"},
    {"inside a trial, then over",
	{{"subscription.started", -2000000,
	    SUB(ACTIVE
		"'trial_ended_at':null,'plan':{'code':'p','interval':'monthly','trial_period':14.0}")}},
	"{'status':'trialing','trial_end':'2026-08-15T00:00:00Z'}"},
    {"the trial's end is told",
	{{"subscription.started", -2000000,
	     SUB(ACTIVE
		 "'trial_ended_at':null,'plan':{'code':'p','interval':'monthly','trial_period':14.0}")},
	    {"subscription.trial_ended", -1000000,
		SUB(ACTIVE
		    "'trial_ended_at':'2026-08-15T00:00:00Z','plan':{'code':'p','interval':'monthly','trial_period':14.0}")}},
	"{'status':'active','trial_end':'2026-08-15T00:00:00Z'}"},
    {"an invoice: an answer of a second that is over",
	{{"invoice.generated", 3,
	     INVOICE(
		 "'updated_at':'2026-09-01T00:00:00Z','total_paid_amount_cents':0,'payment_status':'pending'")},
	    {"? invoice i", 2,
		SHOWN(
		    "'updated_at':'2026-09-01T00:00:00Z','total_paid_amount_cents':50,'payment_status':'pending','fees':[]")}},
	"{'amount_paid':50}"},
    {"an invoice: an answer inside its second",
	{{"invoice.payment_status_updated", 3,
	     INVOICE("'updated_at':'2026-09-01T00:00:00Z','payment_status':'succeeded'")},
	    {"? invoice i", 1,
		SHOWN("'updated_at':'2026-09-01T00:00:00Z','payment_status':'pending','fees':[]")}},
	"{'status':'paid','payment_status':'succeeded'}"},
    {"an invoice: an older answer",
	{{"invoice.voided", 3,
	     INVOICE(
		 "'updated_at':'2026-09-01T00:00:09Z','status':'voided','voided_at':'2026-09-01T00:00:09Z'")},
	    {"? invoice i", 8,
		SHOWN(
		    "'updated_at':'2026-09-01T00:00:00Z','payment_status':'pending','number':'N-1','fees':[]")}},
	"{'status':'void','number':'N-1','lines':[]}"},
    {"an invoice: what an answer does not show any more",
	{{"invoice.generated", 1,
	     INVOICE(
		 "'updated_at':'2026-08-31T00:00:00Z','purchase_order_number':'7','file_url':'https://x.example.com/a.pdf'")},
	    {"? invoice i", 8, SHOWN("'updated_at':'2026-09-01T00:00:00Z','fees':[]")}},
	"{'lines':[],'purchase_order':null,'file_url':null}"},
    {"a payment goes forward",
	{{"payment.succeeded", 1, PAYMENT("'payment_status':'succeeded'")},
	    {"payment.requires_action", 30,
		PAYMENT("'payment_status':'processing','status':'requires_action'")}},
	"{'status':'succeeded','amount_captured':5}"},
    {"a payment that failed after all",
	{{"payment.succeeded", 1, PAYMENT("'payment_status':'succeeded'")},
	    {"? payment p", 60, "{'payment':" PAYMENT("'payment_status':'failed'") "}"}},
	"{'status':'failed'}"},
    {"a payment that succeeded after all",
	{{"payment.succeeded", 61, PAYMENT("'payment_status':'succeeded'")},
	    {"? payment p", 60, "{'payment':" PAYMENT("'payment_status':'failed'") "}"}},
	"{'status':'succeeded'}"},
    {"a plan goes by arrival between its first and last news",
	{{"plan.updated", 9, PLAN("'name':'third','created_at':'2026-01-01T00:00:00Z'")},
	    {"plan.updated", 5, PLAN("'name':'second','created_at':'2026-01-01T00:00:00Z'")},
	    {"plan.created", 50, PLAN("'name':'first','created_at':'2026-01-01T00:00:00Z'")},
	    {"? plan p", 7,
		"{'plan':" PLAN("'name':'read between','created_at':'2026-01-01T00:00:00Z'") "}"}},
	"{'name':'third','_deleted':false}"},
    {"a code that is given again",
	{{"plan.created", 5, PLAN("'name':'new','created_at':'2026-08-01T00:00:00Z'")},
	    {"plan.deleted", 9, PLAN("'name':'old','created_at':'2026-01-01T00:00:00Z'")}},
	"{'name':'new','active':true,'_deleted':false}"},
    {"a deleted plan",
	{{"plan.deleted", 5, PLAN("'name':'old','created_at':'2026-01-01T00:00:00Z'")},
	    {"plan.updated", 9, PLAN("'name':'later','created_at':'2026-01-01T00:00:00Z'")}},
	"{'name':'old','active':false,'_deleted':true}"},
    {"a customer that is gone",
	{{"customer.updated", 1, CUSTOMER("'name':'A','updated_at':'2026-09-01T00:00:00Z'")},
	    {"? customer c", 60, FOUND("")}},
	"{'name':'A','_deleted':true}"},
    {"a customer that an answer shows after all",
	{{"customer.updated", 1, CUSTOMER("'name':'A','updated_at':'2026-09-01T00:00:00Z'")},
	    {"? customer c", 60, FOUND("")},
	    {"? customer c", 99,
		FOUND(CUSTOMER("'name':'B','updated_at':'2026-09-01T00:01:30Z'"))}},
	"{'name':'B','_deleted':false}"},
    {"a CRM link that was taken back without an update",
	{{"customer.updated", 1,
	     CUSTOMER(
		 "'name':'A','updated_at':'2026-09-01T00:00:00Z','external_salesforce_id':null,"
		 "'integration_customers':[{'type':'hubspot','external_customer_id':'7','targeted_object':'companies'}]")},
	    {"? customer c", 60,
		FOUND(CUSTOMER(
		    "'name':'A','updated_at':'2026-09-01T00:00:00Z','external_salesforce_id':null,'integration_customers':[]"))}},
	"{'hubspot_id':null,'hubspot_object':null,'salesforce_id':null}"},
};

static void
told_in_any_order(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(ends); i++) {
		size_t n = 0;

		while (n < TOLD_MAX && ends[i].told[n].word != NULL)
			n++;
		expect_end(ends[i].name, ends[i].told, n, ends[i].want);
	}
	print_message("%zu stories, %d orders each\n", BH_LEN(ends), ORDERS);
}

/* -- when it took effect -- */

static void
effects(void **state BH_UNUSED)
{
	static const struct {
		struct told told;
		const char *at; /* "" the arrival */
	} cases[] = {
	    {{"subscription.started", 5, SUB(ACTIVE "'name':null")}, "2026-08-01T00:00:00Z"},
	    /* its start lies in the past: it counts from when it was made */
	    {{"subscription.started", 5,
		 SUB("'status':'active','started_at':'2025-01-01T00:00:00.000Z'")},
		"2026-08-01T00:00:00Z"},
	    {{"subscription.started", 5,
		 SUB("'status':'active','started_at':'2026-08-01T00:00:00Z','activated_at':'2026-08-03T00:00:00Z'")},
		"2026-08-03T00:00:00Z"},
	    {{"subscription.updated", 5, SUB(ACTIVE "'name':null")}, ""},
	    {{"subscription.trial_ended", 5, SUB(ACTIVE "'trial_ended_at':'2026-08-15T00:00:00Z'")},
		"2026-08-15T00:00:00Z"},
	    {{"subscription.terminated", 5, SUB(ENDED "'name':null")}, "2026-08-20T00:00:00Z"},
	    {{"subscription.incomplete", 5, SUB("'status':'incomplete'")}, "2026-08-01T00:00:00Z"},
	    {{"subscription.canceled", 5,
		 SUB("'status':'canceled','canceled_at':'2026-08-02T00:00:00Z'")},
		"2026-08-02T00:00:00Z"},
	    {{"subscription.termination_alert", 5, SUB("'status':'odd'")}, ""},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct source_result result;
		int64_t at_ms = NOW_MS + cases[i].told.at_s * 1000;

		if (*cases[i].at != '\0')
			assert_true(bh_is_time(cases[i].at, &at_ms));
		tell(&cases[i].told, &result);
		if (result.changes.items[0].effective_ms != at_ms)
			fail_msg("case %zu: %lld", i,
			    (long long)result.changes.items[0].effective_ms);
		source_result_release(&result);
	}
}

/* -- chains -- */

#define LINK(id, plan, previous, next, created)                                                    \
	"{'lago_id':'" id "','external_id':'x','lago_customer_id':'c','status':'terminated',"      \
	"'plan_code':'" plan "','previous_plan_code':" previous ",'next_plan_code':" next          \
	",'created_at':'2026-0" created "-01T00:00:00Z'}"

/* Plans that alternate, and a new beginning under the same external id. */
static void
chains(void **state BH_UNUSED)
{
	static const char *const wanted[][3] = {
	    {"a", NULL, "b"},
	    {"b", "a", "d"},
	    {"d", "b", "e"},
	    {"e", "d", NULL},
	    {"f", NULL, NULL},
	};
	const struct told told = {"? subscription a", 0,
	    ROWS(LINK("f", "month", "null", "null", "7") "," LINK("e", "year", "'month'", "null",
		"5") "," LINK("d", "month", "'year'", "'year'", "4") "," LINK("b", "year",
		"'month'", "'month'", "3") "," LINK("a", "month", "null", "'year'", "2"))};
	struct source_result result;

	tell(&told, &result);
	assert_int_equal(result.changes.n, BH_LEN(wanted));
	for (size_t i = 0; i < BH_LEN(wanted); i++) {
		bool found = false;

		for (size_t k = 0; k < result.changes.n; k++) {
			const struct object_change *change = &result.changes.items[k];
			const char *previous = bh_json_str(change->fields, "previous_id");
			const char *next = bh_json_str(change->fields, "next_id");

			if (strcmp(change->id, wanted[i][0]) != 0)
				continue;
			found = true;
			if (strcmp(previous != NULL ? previous : "",
				wanted[i][1] != NULL ? wanted[i][1] : "") != 0 ||
			    strcmp(next != NULL ? next : "",
				wanted[i][2] != NULL ? wanted[i][2] : "") != 0)
				fail_msg("%s follows %s and is followed by %s", change->id,
				    previous, next);
		}
		assert_true(found);
	}
	source_result_release(&result);
}

/* -- settings -- */

static void
settings(void **state BH_UNUSED)
{
	static const struct {
		const char *secrets, *settings, *error;
	} cases[] = {
	    {"{'webhook':'k'}", "{}", NULL},
	    {"{'webhook':'k','api_key':'a'}", "{'api_url':'https://api.eu.getlago.com'}", NULL},
	    {"{'webhook':'k'}", "{'api_url':'http://127.0.0.1:3000'}", NULL},
	    {"{'webhook':'k'}", "{'api_url':'http://lago.example.com'}", "api_url"},
	    {"{'webhook':'k'}", "{'api_url':7}", "api_url"},
	    {"{'webhook':'k'}", "{'app_url':'http://lago.example.com'}", NULL},
	    {"{'webhook':'k'}", "{'app_url':'lago.example.com'}", "app_url"},
	    {"{'webhook':'k'}", "{'revenue':{'discounts':'all'}}", NULL},
	    {"{'webhook':'k'}", "{'revenue':'all'}", "revenue"},
	    {"{'api_key':'a'}", "{}", "secret"},
	};
	const struct source_driver *driver = source_driver("lago");

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char *texts[2] = {quoted(cases[i].secrets), quoted(cases[i].settings)};
		struct source_config config = {.code = "t"};
		struct bh_err err = BH_ERR_INIT;
		json_t *parsed[2];
		int rc;

		for (int k = 0; k < 2; k++)
			assert_int_equal(bh_json_parse(texts[k], strlen(texts[k]), &parsed[k],
					     NULL),
			    0);
		config.secrets = parsed[0];
		config.settings = parsed[1];
		rc = source_check(driver, &config, &err);
		if ((rc == 0) != (cases[i].error == NULL) ||
		    (rc < 0 && strstr(err.text, cases[i].error) == NULL))
			fail_msg("case %zu gives %d %s", i, rc, err.text);
		for (int k = 0; k < 2; k++) {
			json_decref(parsed[k]);
			free(texts[k]);
		}
	}
	assert_non_null(strstr(driver->steps, "%s"));
	assert_null(strstr(strstr(driver->steps, "%s") + 1, "%s"));
	for (const struct setting *one = driver->settings; one->name != NULL; one++)
		assert_true(*one->label != '\0' && *one->meaning != '\0' && one->fallback != NULL);
}

/* What is offered by default is what the reference suggests, and can be chosen at Lago. */
static void
default_events(void **state BH_UNUSED)
{
	size_t n = 0;

	for (const struct source_type *type = source_driver("lago")->types; type->type != NULL;
	     type++) {
		n += type->choice == SOURCE_BY_DEFAULT;
		if (type->choice == SOURCE_BY_DEFAULT && type->handle == NULL)
			fail_msg("%s is offered and not handled", type->type);
	}
	assert_int_equal(n, 25);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(told_in_any_order),
	    cmocka_unit_test(effects),
	    cmocka_unit_test(chains),
	    cmocka_unit_test(settings),
	    cmocka_unit_test(default_events),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
