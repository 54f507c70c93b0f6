/*
 * Stripe's objects as the REST API gives them: recorded answers become
 * changes, and together with events they end the same in any order.
 */
#include "hooks.h"
#include "source/stripe.h"
#include "world.h"

#define ANSWER_MS INT64_C(1795500000000)
#define ORDERS 150

static json_t *
load(const char *folder, const char *name)
{
	struct bh_err err = BH_ERR_INIT;
	char *file = bh_xasprintf("tests/%s/%s", folder, name), *path = unit_path(file);
	json_t *json;

	if (bh_json_read(path, 1 << 20, &json, &err) < 0)
		fail_msg("%s", err.text);
	free(file);
	free(path);
	return json;
}

/* An object as if it had been answered at at_ms. */
static int
tell(const json_t *object, int64_t at_ms, struct source_result *result, struct bh_err *err)
{
	static const struct source_event event = {"rest", "rest"};
	struct source_config config = {.code = "test"};
	struct source_news news = {.config = &config,
	    .event = &event,
	    .at_ms = at_ms,
	    .received_ms = at_ms,
	    .account = "",
	    .live = true,
	    .result = result};

	return stripe_object(&news, object, err);
}

static void
hear(const json_t *event, struct source_result *result)
{
	struct source_config config = {.code = "test"};
	struct source_event envelope = {0};
	struct bh_err err = BH_ERR_INIT;

	snprintf(envelope.id, sizeof(envelope.id), "%s", bh_json_str(event, "id"));
	snprintf(envelope.type, sizeof(envelope.type), "%s", bh_json_str(event, "type"));
	if (source_stripe.normalise(&config, &envelope, event, ANSWER_MS, result, &err) < 0)
		fail_msg("%s: %s", envelope.id, err.text);
}

static json_t *
parse(const char *text)
{
	char *json = bh_xstrdup(text);
	struct bh_err err = BH_ERR_INIT;
	json_t *parsed;

	for (char *s = json; *s != '\0'; s++)
		if (*s == '\'')
			*s = '"';
	if (bh_json_parse(json, strlen(json), &parsed, &err) < 0)
		fail_msg("%s: %s", err.text, json);
	free(json);
	return parsed;
}

/* An event around an object: type, seconds, the object's text. */
static void
hear_text(const char *type, int64_t at_s, const char *object, struct source_result *result)
{
	char *id = bh_xasprintf("evt_%s_%lld", type, (long long)at_s);
	json_t *event =
	    json_pack("{s:s, s:s, s:s, s:I, s:b, s:{s:o}}", "id", id, "object", "event", "type",
		type, "created", (json_int_t)at_s, "livemode", 1, "data", "object", parse(object));

	hear(event, result);
	json_decref(event);
	free(id);
}

static void
tell_text(const char *object, int64_t at_ms, struct source_result *result)
{
	struct bh_err err = BH_ERR_INIT;
	json_t *json = parse(object);

	if (tell(json, at_ms, result, &err) < 0)
		fail_msg("%s: %s", object, err.text);
	json_decref(json);
}

/* Merge the changes to one object, in the order given by n digits of order. */
static void
merge(const struct source_result *results, const char *order, enum object_kind kind, const char *id,
    struct object_state *held)
{
	*held = (struct object_state){0};
	for (; *order != '\0'; order++) {
		const struct object_changes *changes = &results[*order - '0'].changes;

		for (size_t i = 0; i < changes->n; i++) {
			struct object_state after;

			if (changes->items[i].kind != kind ||
			    strcmp(changes->items[i].id, id) != 0 ||
			    object_merge(held, &changes->items[i], &after) != 1)
				continue;
			json_decref(held->fields);
			*held = after;
		}
	}
	assert_non_null(held->fields);
}

/* Whatever the order of these results, path holds want (JSON) in the end. */
static void
expect_end(const struct source_result *results, const char *const *orders, enum object_kind kind,
    const char *id, const char *path, const char *want)
{
	for (; *orders != NULL; orders++) {
		struct object_state held;
		char *text;

		merge(results, *orders, kind, id, &held);
		text = strcmp(path, "deleted") == 0 ? bh_xstrdup(held.deleted ? "true" : "false")
						    : bh_json_text(bh_json_at(held.fields, path));
		if (strcmp(text, want) != 0)
			fail_msg("order %s: %s of %s is %s, not %s", *orders, path, id, text, want);
		free(text);
		json_decref(held.fields);
	}
}

static const char *const two[] = {"01", "10", "0101", NULL};
static const char *const three[] = {"012", "021", "102", "120", "201", "210", "012210", NULL};

static void
release(struct source_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++)
		source_result_release(&results[i]);
}

/* A recorded answer that is an object or a list of objects; not an error, an event, a part. */
static bool
is_answer(const char *name)
{
	static const char *const others[] = {"rest_error", "rest_events", "rest_webhook",
	    "rest_invoice_lines", "rest_invoice_create_preview"};

	for (size_t i = 0; i < BH_LEN(others); i++)
		if (bh_has_prefix(name, others[i]))
			return false;
	return bh_has_prefix(name, "rest_");
}

/* All objects of all recorded answers, in an array; each knows no file any more. */
static json_t *
answers(size_t *files)
{
	char *folder = unit_path("tests/data/stripe");
	json_t *all = json_array();
	struct dirent *entry;
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		json_t *json;

		if (!is_answer(entry->d_name))
			continue;
		json = load("data/stripe", entry->d_name);
		if (json_is_array(json_object_get(json, "data")))
			json_array_extend(all, json_object_get(json, "data"));
		else
			json_array_append(all, json);
		json_decref(json);
		++*files;
	}
	closedir(dir);
	free(folder);
	return all;
}

static void
check_object(const json_t *object, struct source_result *result, size_t *kinds)
{
	const char *name = bh_json_str(object, "id");
	struct bh_err err = BH_ERR_INIT;

	if (tell(object, ANSWER_MS, result, &err) < 0)
		fail_msg("%s: %s", name, err.text);
	assert_true(result->changes.n > 0);
	for (size_t i = 0; i < result->changes.n; i++) {
		const struct object_change *change = &result->changes.items[i];

		if (object_check(change->kind, change->fields, &err) < 0)
			fail_msg("%s: %s", name, err.text);
		assert_true(change->version.at_ms <= ANSWER_MS && change->version.rank <= 0);
		assert_true(*change->version.tie != '\0');
		kinds[change->kind]++;
	}
}

/* Every recorded answer, its rows one by one. */
static void
recorded(void **state BH_UNUSED)
{
	size_t kinds[OBJECT__MAX] = {0}, files = 0, i;
	json_t *all = answers(&files), *object;

	json_array_foreach (all, i, object) {
		struct source_result result = {0};

		check_object(object, &result, kinds);
		source_result_release(&result);
	}
	json_decref(all);
	assert_true(files >= 20);
	assert_true(kinds[OBJECT_CUSTOMER] > 5 && kinds[OBJECT_SUBSCRIPTION] > 3 &&
		    kinds[OBJECT_INVOICE] > 5 && kinds[OBJECT_PLAN] > 5 &&
		    kinds[OBJECT_PRODUCT] > 2 && kinds[OBJECT_COUPON] > 2 &&
		    kinds[OBJECT_DISCOUNT] > 0 && kinds[OBJECT_CREDIT_NOTE] > 1 &&
		    kinds[OBJECT_PAYMENT] > 2 && kinds[OBJECT_REFUND] > 0);
}

/* -- all of it together -- */

static void
expect_equal(const json_t *first, const json_t *end)
{
	const char *key;
	json_t *value;

	assert_int_equal(json_object_size(first), json_object_size(end));
	json_object_foreach ((json_t *)(uintptr_t)first, key, value) {
		char *a = bh_json_text(value), *b = bh_json_text(json_object_get(end, key));

		if (strcmp(a, b) != 0)
			fail_msg("%s differs\n%s\n%s", key, a, b);
		free(a);
		free(b);
	}
}

/* Answers of one moment between all recorded events: any order ends the same. */
static void
mixed(void **state BH_UNUSED)
{
	struct hooks *hooks = hooks_load("stripe");
	size_t kinds[OBJECT__MAX] = {0}, files = 0, i, n = 0;
	json_t *all = answers(&files), *object, *first = NULL;
	struct source_result *results =
	    bh_xcalloc(hooks->n + json_array_size(all), sizeof(results[0]));
	size_t *order = bh_xcalloc(hooks->n + json_array_size(all), sizeof(order[0]));
	uint32_t seed = 7;

	json_array_foreach (all, i, object)
		check_object(object, &results[n++], kinds);
	for (i = 0; i < hooks->n; i++) {
		struct hook_result got;

		hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS, &got);
		results[n++] = got.got;
	}
	for (i = 0; i < n; i++)
		order[i] = i;
	for (int k = 0; k < ORDERS; k++) {
		struct world world = {.places = json_object()};
		json_t *end;

		for (i = 0; i < n; i++)
			for (size_t c = 0; c < results[order[i]].changes.n; c++)
				world_apply(&world, &results[order[i]].changes.items[c]);
		end = world_json(&world);
		world_release(&world);
		if (first == NULL)
			first = json_incref(end);
		expect_equal(first, end);
		json_decref(end);
		for (i = n - 1; i > 0; i--) {
			size_t pick, swap = order[i];

			seed = seed * 1664525 + 1013904223;
			pick = (seed >> 8) % (i + 1);
			order[i] = order[pick];
			order[pick] = swap;
		}
	}
	print_message("%zu objects from %zu answers and events\n", json_object_size(first), n);
	json_decref(first);
	json_decref(all);
	release(results, n);
	free(results);
	free(order);
	hooks_free(hooks);
}

/* What REST says of the same second loses, of an older one too; of a newer one it wins. */
static void
versions(void **state BH_UNUSED)
{
	static const char customer[] = "{'id':'cus_1','object':'customer','name':'%s'}";
	static const struct {
		int64_t answer_ms;
		const char *want;
	} cases[] = {{1790000000000, "\"event\""}, {1789999999000, "\"event\""},
	    {1790000001000, "\"rest\""}};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct source_result results[2] = {0};
		char *event = bh_xasprintf(customer, "event"),
		     *rest = bh_xasprintf(customer, "rest");

		hear_text("customer.updated", 1790000000, event, &results[0]);
		tell_text(rest, cases[i].answer_ms, &results[1]);
		expect_end(results, two, OBJECT_CUSTOMER, "cus_1", "name", cases[i].want);
		release(results, 2);
		free(event);
		free(rest);
	}
}

static void
gone(void **state BH_UNUSED)
{
	struct source_result results[2] = {0};

	hear_text("customer.created", 1790000000, "{'id':'cus_1','object':'customer','name':'A'}",
	    &results[0]);
	tell_text("{'id':'cus_1','object':'customer','deleted':true}", 1795000000000, &results[1]);
	expect_end(results, two, OBJECT_CUSTOMER, "cus_1", "deleted", "true");
	expect_end(results, two, OBJECT_CUSTOMER, "cus_1", "name", "\"A\"");
	release(results, 2);
}

static void
refused(void **state BH_UNUSED)
{
	static const char *const objects[] = {"{}", "{'object':'balance','id':'b'}",
	    "{'object':'customer'}", "{'object':'product','id':7}", "[]",
	    "{'object':'payout','id':'po_1','deleted':true}"};

	for (size_t i = 0; i < BH_LEN(objects); i++) {
		struct source_result result = {0};
		struct bh_err err = BH_ERR_INIT;
		json_t *json = parse(objects[i]);

		assert_int_equal(tell(json, ANSWER_MS, &result, &err), -1);
		assert_int_equal(err.code, BH_INVALID);
		json_decref(json);
		source_result_release(&result);
	}
}

/* A row that tells nothing leaves the page what it was. */
static void
silent_row(void **state BH_UNUSED)
{
	struct source_result result = {0};

	tell_text("{'id':'inpay_1','object':'invoice_payment','status':'canceled',"
		  "'payment':{'payment_intent':'pi_1'}}",
	    ANSWER_MS, &result);
	assert_int_equal(result.outcome, SOURCE_IGNORED);
	tell_text("{'id':'prod_1','object':'product','name':'A'}", ANSWER_MS, &result);
	assert_int_equal(result.outcome, SOURCE_APPLIED);
	tell_text("{'id':'inpay_1','object':'invoice_payment','status':'canceled',"
		  "'payment':{'payment_intent':'pi_1'}}",
	    ANSWER_MS, &result);
	assert_int_equal(result.outcome, SOURCE_APPLIED);
	assert_string_equal(result.note, "");
	assert_int_equal(result.changes.n, 1);
	source_result_release(&result);
}

/* Look the first want of a result up: rows become its part. */
static void
take_part(const struct source_result *from, const json_t *rows, struct source_result *result)
{
	static const struct source_event event = {"rest", "rest"};
	struct source_config config = {.code = "test"};
	struct source_news news = {.config = &config,
	    .event = &event,
	    .account = "",
	    .result = result};
	struct bh_err err = BH_ERR_INIT;

	assert_int_equal(from->wants.n, 1);
	if (stripe_part(&news, &from->wants.items[0], rows, true, &err) < 0)
		fail_msg("%s", err.text);
}

/* The lines that an event left out; a later event of the invoice is newer than they are. */
static void
lines(void **state BH_UNUSED)
{
	static const char id[] = "in_1QjUu2FSbbtvDYHq6EtR20m4";
	json_t *event =
	    load("hooks/stripe", "endive_59_invoice.finalized_orbit_lines_has_more.json");
	json_t *page = load("data/stripe", "rest_invoice_lines_page2.json");
	json_t *rows = json_deep_copy(bh_json_at(event, "data.object.lines.data"));
	struct source_result results[3] = {0};

	hear(event, &results[0]);
	json_array_extend(rows, json_object_get(page, "data"));
	assert_true(json_array_size(json_object_get(page, "data")) > 0);
	assert_string_equal(results[0].wants.items[0].what, STRIPE_LINES);
	take_part(&results[0], rows, &results[1]);
	expect_end(results, two, OBJECT_INVOICE, id, "lines_complete", "true");
	for (const char *const *order = two; *order != NULL; order++) {
		struct object_state held;

		merge(results, *order, OBJECT_INVOICE, id, &held);
		assert_int_equal(json_array_size(json_object_get(held.fields, "lines")),
		    json_array_size(rows));
		assert_string_equal(bh_json_str(held.fields, "status"), "open");
		json_decref(held.fields);
	}
	json_object_set_new(event, "created", json_integer(bh_json_int(event, "created", 0) + 60));
	hear(event, &results[2]);
	expect_end(results, three, OBJECT_INVOICE, id, "lines_complete", "false");
	json_decref(rows);
	json_decref(event);
	json_decref(page);
	release(results, 3);
}

static void
items(void **state BH_UNUSED)
{
	static const char item[] = "{'id':'si_%d','object':'subscription_item','quantity':1,"
				   "'current_period_start':1789900000,'current_period_end':%d,"
				   "'price':{'id':'price_%d','currency':'eur','unit_amount':500,"
				   "'recurring':{'interval':'month','interval_count':1}}}";
	char *first = bh_xasprintf(item, 1, 1792500000, 1);
	char *second = bh_xasprintf(item, 2, 1792600000, 2);
	char *event = bh_xasprintf("{'id':'sub_1','object':'subscription','customer':'cus_1',"
				   "'status':'active','currency':'eur','cancel_at_period_end':true,"
				   "'items':{'data':[%s],'has_more':true}}",
	    first);
	char *all = bh_xasprintf("[%s,%s]", first, second);
	struct source_result results[2] = {0};
	json_t *rows = parse(all);

	hear_text("customer.subscription.updated", 1790000000, event, &results[0]);
	assert_string_equal(results[0].wants.items[0].what, STRIPE_ITEMS);
	take_part(&results[0], rows, &results[1]);
	expect_end(results, two, OBJECT_SUBSCRIPTION, "sub_1", "items_complete", "true");
	expect_end(results, two, OBJECT_SUBSCRIPTION, "sub_1", "amount", "1000");
	expect_end(results, two, OBJECT_SUBSCRIPTION, "sub_1", "quantity", "\"2\"");
	expect_end(results, two, OBJECT_SUBSCRIPTION, "sub_1", "customer", "\"cus_1\"");
	/* the end of the period is that of the item that was left out */
	expect_end(results, two, OBJECT_SUBSCRIPTION, "sub_1", "cancel_at",
	    "\"2026-10-21T16:26:40Z\"");
	json_decref(rows);
	release(results, 2);
	free(first);
	free(second);
	free(event);
	free(all);
}

/* A want that was kept and came back broken. */
static void
hints(void **state BH_UNUSED)
{
	static const char *const bad[] = {"null", "{}", "{'at_ms':1,'rank':1,'tie':'a'}",
	    "{'at_ms':1,'rank':1,'of':{}}", "{'at_ms':'x','rank':1,'tie':'a','of':{}}",
	    "{'at_ms':1,'rank':99999999999,'tie':'a','of':{}}",
	    "{'at_ms':1,'rank':1,'tie':'a','of':[]}",
	    "{'at_ms':1,'of':{},'rank':1,'tie':'012345678901234567890123456789012345678901234567890123456789012'}"};
	static const struct source_event event = {"rest", "rest"};
	struct source_config config = {.code = "test"};
	json_t *rows = json_array();

	for (size_t i = 0; i < BH_LEN(bad); i++) {
		struct source_result result = {0};
		struct source_news news = {.config = &config,
		    .event = &event,
		    .account = "",
		    .result = &result};
		struct source_want want = {.what = STRIPE_LINES, .id = "in_1"};
		struct bh_err err = BH_ERR_INIT;

		want.hint = parse(bad[i]);
		if (stripe_part(&news, &want, rows, true, &err) == 0)
			fail_msg("%s is taken", bad[i]);
		assert_int_equal(err.code, BH_INVALID);
		json_decref(want.hint);
		source_result_release(&result);
	}
	json_decref(rows);
}

/* Tiers, which only REST tells, survive the price's events, even when read in the very second. */
static void
tiers(void **state BH_UNUSED)
{
	static const char price[] =
	    "{'id':'price_1','object':'price','active':%s,'billing_scheme':'tiered',"
	    "'currency':'eur','tiers_mode':'volume',%s'recurring':{'interval':'month'}}";
	char *told = bh_xasprintf(price, "true",
	    "'tiers':[{'up_to':10,'unit_amount':500},{'up_to':null,'unit_amount':300}],");
	char *heard = bh_xasprintf(price, "true", ""), *later = bh_xasprintf(price, "false", "");
	struct source_result results[3] = {0};

	hear_text("price.created", 1790000000, heard, &results[0]);
	tell_text(told, 1789999998000, &results[1]);
	hear_text("price.updated", 1790000500, later, &results[2]);
	expect_end(results, three, OBJECT_PLAN, "price_1", "tiers.1.unit_amount", "\"300\"");
	expect_end(results, three, OBJECT_PLAN, "price_1", "active", "false");
	expect_end(results, three, OBJECT_PLAN, "price_1", "unit_amount", "null");
	release(results, 3);
	free(told);
	free(heard);
	free(later);
}

/* A coupon that was deleted and made again under its id, with other terms. */
static void
coupons(void **state BH_UNUSED)
{
	struct source_result results[4] = {0};
	static const char *const four[] = {"0123", "3210", "2031", "1302", NULL};

	hear_text("coupon.created", 1790000000,
	    "{'id':'C','object':'coupon','created':1790000000,'percent_off':10,"
	    "'duration':'forever','valid':true,'applies_to':{'products':['prod_1']}}",
	    &results[0]);
	hear_text("coupon.deleted", 1790001000,
	    "{'id':'C','object':'coupon','created':1790000000,'percent_off':10,"
	    "'duration':'forever','valid':false}",
	    &results[1]);
	hear_text("coupon.created", 1790002000,
	    "{'id':'C','object':'coupon','created':1790002000,'percent_off':25,"
	    "'duration':'forever','valid':true}",
	    &results[2]);
	/* an old discount still has the old coupon in it */
	hear_text("customer.discount.updated", 1790003000,
	    "{'id':'di_1','object':'discount','customer':'cus_1','start':1790000500,"
	    "'coupon':{'id':'C','object':'coupon','created':1790000000,'percent_off':10,"
	    "'duration':'forever','valid':false}}",
	    &results[3]);
	expect_end(results, four, OBJECT_COUPON, "C", "deleted", "false");
	expect_end(results, four, OBJECT_COUPON, "C", "percent_off", "\"25\"");
	expect_end(results, four, OBJECT_COUPON, "C", "products", "null");
	expect_end(results, four, OBJECT_DISCOUNT, "di_1", "terms.percent_off", "\"10\"");
	release(results, 4);
}

/* Read by itself, a coupon without applies_to is for all products; inside a discount that is not told. */
static void
products(void **state BH_UNUSED)
{
	struct source_result results[2] = {0};

	tell_text("{'id':'C','object':'coupon','created':1790000000,'percent_off':10,"
		  "'duration':'forever','valid':true}",
	    ANSWER_MS, &results[0]);
	tell_text("{'id':'sub_1','object':'subscription','status':'active','items':{'data':[]},"
		  "'discounts':[{'id':'di_1','object':'discount','source':{'type':'coupon',"
		  "'coupon':{'id':'D','object':'coupon','created':1790000000,'percent_off':5,"
		  "'duration':'forever','valid':true}}}]}",
	    ANSWER_MS, &results[1]);
	assert_true(json_is_null(json_object_get(results[0].changes.items[0].fields, "products")));
	assert_int_equal(results[1].changes.n, 3);
	assert_int_equal(results[1].changes.items[1].kind, OBJECT_DISCOUNT);
	assert_int_equal(results[1].changes.items[2].kind, OBJECT_COUPON);
	assert_null(json_object_get(results[1].changes.items[2].fields, "products"));
	release(results, 2);
}

/*
 * A list of charges names every try of a payment, the newest first, over
 * pages: the failed one of a later page does not undo the success.
 */
static void
tries(void **state BH_UNUSED)
{
	static const char charge[] =
	    "{'id':'ch_%d','object':'charge','payment_intent':%s,'created':%d,'status':'%s',"
	    "'captured':true,'amount':500,'currency':'eur','failure_code':%s}";
	char *good = bh_xasprintf(charge, 2, "'pi_1'", 1790000100, "succeeded", "null");
	char *bad = bh_xasprintf(charge, 1, "'pi_1'", 1790000000, "failed", "'card_declined'");
	char *last = bh_xasprintf(charge, 1, "{'id':'pi_1','latest_charge':'ch_1'}", 1790000000,
	    "failed", "'card_declined'");
	struct source_result results[3] = {0};

	tell_text(good, 1795000000000, &results[0]);
	tell_text(bad, 1795000009000, &results[1]);
	expect_end(results, two, OBJECT_PAYMENT, "pi_1", "status", "\"succeeded\"");
	expect_end(results, two, OBJECT_PAYMENT, "pi_1", "failure_code", "null");
	expect_end(results, two, OBJECT_PAYMENT, "pi_1", "created_at", "\"2026-09-21T14:13:20Z\"");
	expect_end(results, two, OBJECT_PAYMENT, "pi_1", "charge", "\"ch_2\"");
	/* where the intent names the failed one as the last, it is */
	tell_text(last, 1795000009000, &results[2]);
	assert_true(results[2].changes.items[0].version.at_ms == 1795000009000);
	assert_true(results[1].changes.items[0].version.at_ms == 1790000000000);
	release(results, 3);
	free(good);
	free(bad);
	free(last);
}

/* An expanded invoice ties its payments; a customer's tax numbers come with it. */
static void
expanded(void **state BH_UNUSED)
{
	json_t *invoice = load("data/stripe", "rest_invoice_retrieve_expand_payments.json");
	struct source_result results[2] = {0};
	struct bh_err err = BH_ERR_INIT;

	assert_int_equal(tell(invoice, ANSWER_MS, &results[0], &err), 0);
	assert_int_equal(results[0].outcome, SOURCE_APPLIED);
	assert_true(results[0].changes.n >= 2);
	assert_int_equal(results[0].changes.items[1].kind, OBJECT_PAYMENT);
	assert_string_equal(bh_json_str(results[0].changes.items[1].fields, "invoice"),
	    bh_json_str(invoice, "id"));
	tell_text("{'id':'cus_1','object':'customer','livemode':false,"
		  "'tax_ids':{'data':[{'id':'txi_1','value':'DE1'}]}}",
	    ANSWER_MS, &results[1]);
	assert_string_equal(bh_json_str(results[1].changes.items[0].fields, "tax_id"), "DE1");
	assert_string_equal(bh_json_str(results[1].changes.items[0].fields, "link"),
	    "https://dashboard.stripe.com/test/customers/cus_1");
	json_decref(invoice);
	release(results, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recorded),
	    cmocka_unit_test(mixed),
	    cmocka_unit_test(versions),
	    cmocka_unit_test(gone),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(silent_row),
	    cmocka_unit_test(lines),
	    cmocka_unit_test(items),
	    cmocka_unit_test(hints),
	    cmocka_unit_test(tiers),
	    cmocka_unit_test(coupons),
	    cmocka_unit_test(products),
	    cmocka_unit_test(tries),
	    cmocka_unit_test(expanded),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
