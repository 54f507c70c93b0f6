/*
 * Alguna: what is expected of each recorded body, REST objects beside events in
 * any order, hostile objects.  Signatures: t-alguna-signatures.c.
 */
#include "hooks.h"
#include "source/alguna.h"

#define ORDERS 1000
#define FOLDER "tests/data/alguna/"

static json_t *
load(const char *name)
{
	struct bh_err err = BH_ERR_INIT;
	char *path = unit_path(name);
	json_t *json;

	if (bh_json_read(path, 1 << 20, &json, &err) < 0)
		fail_msg("%s", err.text);
	free(path);
	return json;
}

/* -- what is expected of each body -- */

/* Everything that one case says of its first object, merged. */
struct told {
	struct hook_result result;
	struct object_state state;
};

static void
tell(const struct hooks *hooks, const char *file, struct told *told)
{
	*told = (struct told){0};
	for (size_t i = 0; i < hooks->n; i++) {
		const struct object_changes *changes = &told->result.got.changes;

		if (strncmp(hooks->items[i].name, file, strlen(file) - 5) != 0 ||
		    strlen(hooks->items[i].name) != strlen(file) - 5)
			continue;
		hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS, &told->result);
		assert_int_equal(told->result.rc, 0);
		for (size_t c = 0; c < changes->n; c++) {
			struct object_state after;

			assert_string_equal(changes->items[c].id, changes->items[0].id);
			if (object_merge(&told->state, &changes->items[c], &after) == 1) {
				json_decref(told->state.fields);
				told->state = after;
			}
		}
		return;
	}
	fail_msg("no case %s", file);
}

static void
told_release(struct told *told)
{
	json_decref(told->state.fields);
	source_result_release(&told->result.got);
}

static void
expect_field(const char *file, const struct told *told, const char *field, const char *want)
{
	const char *is = bh_json_str(told->state.fields, field);

	if (want == NULL ? !json_is_null(json_object_get(told->state.fields, field))
			 : is == NULL || strcasecmp(is, want) != 0)
		fail_msg("%s: %s is %s, not %s", file, field, is != NULL ? is : "nothing",
		    want != NULL ? want : "null");
}

/* The amount as people write it; rounded where the row says what comes of it. */
static void
expect_amount(const char *file, const struct told *told, const json_t *row)
{
	const char *currency = bh_json_str(told->state.fields, "currency");
	const char *want = bh_json_str(row, "rounded_2") != NULL ? bh_json_str(row, "rounded_2")
								 : bh_json_str(row, "amount");
	int64_t total = bh_json_int(told->state.fields, "total", INT64_MIN), minor;

	assert_true(is_money_read(want, money_exponent(currency), &minor));
	if (total != minor)
		fail_msg("%s: the total is %lld, not %s", file, (long long)total, want);
	/* What was rounded is said, with the text that came. */
	assert_int_equal(strstr(told->result.got.note, bh_json_str(row, "amount")) != NULL,
	    bh_json_str(row, "rounded_2") != NULL &&
		strlen(bh_json_str(row, "amount")) > strlen(want));
}

static void
expect_crm(const char *file, const struct told *told, const json_t *crm)
{
	static const struct {
		const char *crm, *field;
	} names[] = {
	    {"Alguna_Subscription_Name__c", "name"},
	    {"Alguna_Subscription_Status__c", "status"},
	    {"Alguna_Subscription_Started_Date__c", "started_at"},
	    {"Alguna_Subscription_Renewal_Date__c", "renewal_at"},
	    {"Alguna_Subscription_Cancelation_Date__c", "ended_at"},
	    {"cancelation_date", "cancel_at"},
	};
	size_t known = 0;

	for (size_t i = 0; i < BH_LEN(names); i++) {
		const json_t *value = json_object_get(crm, names[i].crm);

		known += value != NULL;
		if (value != NULL)
			expect_field(file, told, names[i].field, json_string_value(value));
	}
	if (json_object_get(crm, "Alguna_Subscription_ID__c") != NULL) {
		known++;
		assert_string_equal(told->result.got.changes.items[0].id,
		    bh_json_str(crm, "Alguna_Subscription_ID__c"));
	}
	assert_int_equal(known, json_object_size(crm));
}

static void
expect_refetch(const char *file, const struct told *told, const char *want)
{
	for (size_t i = 0; i < told->result.got.wants.n; i++) {
		const struct source_want *one = &told->result.got.wants.items[i];
		const char *subscription = bh_json_str(one->hint, "subscription");
		char *path =
		    subscription != NULL
			? bh_xasprintf("GET /subscriptions/%s/versions/%s", subscription, one->id)
			: bh_xasprintf("GET /%ss/%s", one->what, one->id);
		bool found = strcmp(path, want) == 0;

		free(path);
		if (found)
			return;
	}
	fail_msg("%s: nothing asks for %s", file, want);
}

static void
expect_row(const char *file, const struct told *told, const json_t *row)
{
	static const char *const fields[][2] = {
	    {"currency", "currency"},
	    {"status", "source_status"},
	    {"email", "email"},
	    {"description", "description"},
	    {"period_start_utc", "period_start"},
	};
	const struct object_change *change =
	    told->result.got.changes.n > 0 ? &told->result.got.changes.items[0] : NULL;
	const char *state = bh_json_str(row, "payment_state"),
		   *account = bh_json_str(row, "account");

	for (size_t i = 0; i < BH_LEN(fields); i++)
		if (bh_json_str(row, fields[i][0]) != NULL)
			expect_field(file, told, fields[i][1], bh_json_str(row, fields[i][0]));
	if (bh_json_str(row, "object") != NULL)
		assert_string_equal(object_kind_name(change->kind), bh_json_str(row, "object"));
	if (bh_json_str(row, "external_id") != NULL)
		assert_string_equal(change->id, bh_json_str(row, "external_id"));
	if (account != NULL && change->kind == OBJECT_CUSTOMER)
		assert_string_equal(change->id, account);
	else if (account != NULL)
		expect_field(file, told, "customer", account);
	if (bh_json_str(row, "amount") != NULL)
		expect_amount(file, told, row);
	if (state != NULL)
		expect_field(file, told, "status",
		    strcmp(state, "paid") == 0 ? "succeeded" : state);
	if (json_object_get(row, "crm") != NULL)
		expect_crm(file, told, json_object_get(row, "crm"));
	if (bh_json_str(row, "refetch") != NULL)
		expect_refetch(file, told, bh_json_str(row, "refetch"));
	if (bh_json_str(row, "effect") != NULL)
		assert_int_equal(told->result.got.outcome, SOURCE_UNKNOWN);
	if (bh_has_prefix(file, "16-"))
		assert_int_equal(told->result.got.outcome, SOURCE_IGNORED);
	if (bh_json_str(row, "clears_nothing") != NULL)
		expect_field(file, told, "description", NULL);
}

static void
expected(void **state BH_UNUSED)
{
	struct hooks *hooks = hooks_load("alguna");
	json_t *file = load(FOLDER "expected.json"), *row;
	size_t i;

	json_array_foreach (json_object_get(file, "rows"), i, row) {
		const char *name = bh_json_str(row, "file");
		struct told told;

		tell(hooks, name, &told);
		expect_row(name, &told, row);
		told_release(&told);
	}
	assert_int_equal(i, 20);
	json_decref(file);
	hooks_free(hooks);
}

/* -- REST and events, in any order -- */

struct world {
	struct object_change *changes;
	size_t n;
};

static void
add_changes(struct world *world, struct source_result *result)
{
	world->changes =
	    bh_xrealloc(world->changes, (world->n + result->changes.n) * sizeof(world->changes[0]));
	for (size_t i = 0; i < result->changes.n; i++) {
		world->changes[world->n] = result->changes.items[i];
		json_incref(world->changes[world->n++].fields);
	}
	source_result_release(result);
}

static void
add_rest(struct world *world, const char *name,
    int (*handle)(struct source_news *, const json_t *, struct bh_err *))
{
	json_t *file = load(name), *row;
	json_t *rows = json_object_get(file, "data");
	struct source_config config = {.code = "test"};
	struct bh_err err = BH_ERR_INIT;
	size_t i;

	if (rows == NULL)
		rows = json_object_get(file, "items");
	json_array_foreach (rows, i, row) {
		struct source_result result = {0};
		struct source_news news = alguna_rest(&config, &result);

		if (handle(&news, row, &err) < 0)
			fail_msg("%s: %s", name, err.text);
		for (size_t c = 0; c < result.changes.n; c++)
			if (object_check(result.changes.items[c].kind,
				result.changes.items[c].fields, &err) < 0)
				fail_msg("%s: %s", name, err.text);
		add_changes(world, &result);
	}
	assert_true(i > 0);
	json_decref(file);
}

static void
load_world(struct world *world)
{
	struct hooks *hooks = hooks_load("alguna");

	for (size_t i = 0; i < hooks->n; i++) {
		struct hook_result result;

		hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS, &result);
		add_changes(world, &result.got);
	}
	hooks_free(hooks);
	add_rest(world, FOLDER "rest/v2/customers-offset-0.json", alguna_customer);
	add_rest(world, FOLDER "rest/v2/customers-offset-2.json", alguna_customer);
	add_rest(world, FOLDER "rest/v2/subscriptions-offset-0.json", alguna_subscription);
	add_rest(world, FOLDER "rest/v2/invoices-offset-0.json", alguna_invoice);
	add_rest(world, FOLDER "rest/v2/payments-offset-0.json", alguna_payment);
	add_rest(world, FOLDER "rest/v2/refunds-offset-0.json", alguna_refund);
	add_rest(world, FOLDER "rest/v2/credit-notes-offset-0.json", alguna_credit_note);
	add_rest(world, FOLDER "rest/v1/accounts-page-1.json", alguna_customer);
	add_rest(world, FOLDER "rest/v1/invoices-page-1.json", alguna_invoice);
	add_rest(world, FOLDER "rest/v1/credit-notes-of-account.json", alguna_credit_note);
}

/* What is held of everything at the end: new reference. */
static json_t *
merged(const struct world *world, const size_t *order)
{
	json_t *places = json_object(), *end = json_object(), *place;
	struct object_state *states = bh_xcalloc(world->n, sizeof(states[0]));
	const char *key;

	for (size_t i = 0; i < world->n; i++) {
		const struct object_change *change = &world->changes[order[i]];
		char *name = bh_xasprintf("%s %s", object_kind_name(change->kind), change->id);
		struct object_state after, *state;

		if (json_object_get(places, name) == NULL)
			json_object_set_new(places, name,
			    json_integer((json_int_t)json_object_size(places)));
		state = &states[json_integer_value(json_object_get(places, name))];
		if (object_merge(state, change, &after) == 1) {
			json_decref(state->fields);
			*state = after;
		}
		free(name);
	}
	json_object_foreach (places, key, place) {
		json_t *fields = states[json_integer_value(place)].fields;

		json_object_del(fields, OBJECT_OLDER);
		json_object_set_new(end, key, fields);
	}
	free(states);
	json_decref(places);
	return end;
}

static void
any_order(void **state BH_UNUSED)
{
	static const struct {
		const char *object, *field, *want;
	} ends[] = {
	    /* The last word of each is the event of January 2027, with what only REST told beside it. */
	    {"subscription sub_01J9ZK4M7XQ2", "status", "\"canceled\""},
	    {"subscription sub_01J9ZK4M7XQ2", "renewal_at", "null"},
	    {"subscription sub_01J9ZK4M7XQ2", "plan_code", "\"pln_growth\""},
	    {"subscription sub_01J9ZK4M7XQ2", "auto_renew", "true"},
	    {"subscription sub_01JBR8C2D7WC", "trial_end", "\"2026-10-28T00:00:00Z\""},
	    {"payment pay_01JA0Q9V5C2Y", "amount_refunded", "9900"},
	    {"payment pay_01JA0Q9V5C2Y", "status", "\"succeeded\""},
	    {"payment pay_01JC7T1F6G9H", "failure_code", "\"card_declined\""},
	    {"invoice inv_01JC00OOO001", "status", "\"paid\""},
	    {"invoice inv_01JA0P6T3B8W", "status", "\"paid\""},
	    {"invoice inv_01JA00000001", "overdue", "true"},
	    {"credit_note cn_01JBY000001", "status", "\"applied\""},
	    {"credit_note cn_01JBY000002", "refund_status", "\"pending\""},
	    {"customer nWx7Rt2P", "email", "\"founder@klein-team.example\""},
	    {"customer nWx7Rt2P", "first_name", "\"Ida\""},
	    {"customer aKd93LmQ", "salesforce_id", "\"0018b00002aBcDeAAK\""},
	    {"customer aKd93LmQ", "address_country", "\"DEU\""},
	};
	struct world world = {0};
	json_t *first = NULL;
	size_t *order;
	uint32_t seed = 4;

	load_world(&world);
	order = bh_xcalloc(world.n, sizeof(order[0]));
	for (size_t i = 0; i < world.n; i++)
		order[i] = i;
	for (int k = 0; k < ORDERS; k++) {
		json_t *end = merged(&world, order);

		if (first == NULL)
			first = json_incref(end);
		if (!json_equal(first, end)) {
			const char *key;
			json_t *value;

			json_object_foreach (first, key, value)
				if (!json_equal(value, json_object_get(end, key)))
					fail_msg("order %d: %s differs\n%s\n%s", k, key,
					    bh_json_text(value),
					    bh_json_text(json_object_get(end, key)));
		}
		json_decref(end);
		for (size_t i = world.n - 1; i > 0; i--) {
			size_t pick, swap = order[i];

			seed = seed * 1664525 + 1013904223;
			pick = (seed >> 8) % (i + 1);
			order[i] = order[pick];
			order[pick] = swap;
		}
	}
	for (size_t i = 0; i < BH_LEN(ends); i++) {
		char *text = bh_json_text(
		    json_object_get(json_object_get(first, ends[i].object), ends[i].field));

		if (strcmp(text, ends[i].want) != 0)
			fail_msg("%s: %s is %s", ends[i].object, ends[i].field, text);
		free(text);
	}
	print_message("%zu objects from %zu changes\n", json_object_size(first), world.n);
	json_decref(first);
	for (size_t i = 0; i < world.n; i++)
		json_decref(world.changes[i].fields);
	free(world.changes);
	free(order);
}

/* Ids are those of the delivery; a body without headers is its own name. */
static void
names(void **state BH_UNUSED)
{
	const char body[] = "{\"type\":\"invoice.paid\",\"data\":{}}";
	const struct source_header all[] = {{"Svix-Id", "msg_2"}, {"webhook-id", "msg_1"},
	    {"svix-timestamp", "1"}, {"svix-signature", "v1,"}};
	struct source_request request = {.headers = all,
	    .body = body,
	    .body_len = sizeof(body) - 1};
	struct source_config config = {.code = "test"};
	struct source_event event, other;
	struct bh_err err;

	/* Only svix-* is whole. */
	request.headers_n = 4;
	assert_int_equal(source_alguna.identify(&config, &request, &event, &err), 0);
	assert_string_equal(event.id, "msg_2");
	assert_string_equal(event.type, "invoice.paid");
	/* What is kept of the headers is enough. */
	request.headers_n = 1;
	assert_int_equal(source_alguna.identify(&config, &request, &event, &err), 0);
	assert_string_equal(event.id, "msg_2");
	request.headers_n = 0;
	assert_int_equal(source_alguna.identify(&config, &request, &event, &err), 0);
	assert_int_equal(source_alguna.identify(&config, &request, &other, &err), 0);
	assert_true(bh_has_prefix(event.id, "sha256:"));
	assert_string_equal(event.id, other.id);
}

/* Only what has ordered changes is read again by itself. */
static void
rereads(void **state BH_UNUSED)
{
	json_t *with = json_pack("{s:[{}]}", "pending_changes");
	json_t *without = json_pack("{s:[]}", "pending_changes"), *none = json_object();

	assert_true(source_alguna.is_reread(OBJECT_SUBSCRIPTION, NULL));
	assert_true(source_alguna.is_reread(OBJECT_SUBSCRIPTION, with));
	assert_false(source_alguna.is_reread(OBJECT_SUBSCRIPTION, without));
	assert_false(source_alguna.is_reread(OBJECT_SUBSCRIPTION, none));
	assert_false(source_alguna.is_reread(OBJECT_CUSTOMER, NULL));
	json_decref(with);
	json_decref(without);
	json_decref(none);
}

/* -- hostile objects: every value of every recorded one, in turn, is something else -- */

struct hostile {
	const char *file;
	int (*handle)(struct source_news *news, const json_t *object, struct bh_err *err);
	const json_t *top;
	size_t n;
};

static int
handle_items(struct source_news *news, const json_t *object, struct bh_err *err)
{
	return alguna_items(news, "sub_1", object, err);
}

static void
try_object(struct hostile *hostile)
{
	struct source_config config = {.code = "test"};
	struct source_result result = {0};
	struct source_news news = alguna_rest(&config, &result);
	struct bh_err err = BH_ERR_INIT;

	if (hostile->handle(&news, hostile->top, &err) < 0) {
		assert_int_equal(err.code, BH_INVALID);
	} else {
		for (size_t i = 0; i < result.changes.n; i++) {
			const struct object_change *change = &result.changes.items[i];

			if (object_check(change->kind, change->fields, &err) < 0)
				fail_msg("%s: %s", hostile->file, err.text);
			assert_true(change->version.at_ms > 0 && *change->version.tie != '\0');
		}
	}
	hostile->n++;
	source_result_release(&result);
}

static void
spoil(struct hostile *hostile, json_t *at)
{
	static const char *const others[] = {"null", "7", "-1", "\"x\"", "[]", "{}", "[[{}]]",
	    "true", "\"99999999999999999999999999999999999999.5\"", "1e300",
	    "\"9999-12-31T23:59:59Z\"", "9223372036854775807"};
	json_t *keys = json_array(), *key, *value;
	const char *name;
	size_t i, n;

	json_object_foreach (at, name, value)
		json_array_append_new(keys, json_string(name));
	n = json_is_array(at) ? json_array_size(at) : json_array_size(keys);
	for (i = 0; i < n; i++) {
		key = json_array_get(keys, i);
		value = key != NULL ? json_object_get(at, json_string_value(key))
				    : json_array_get(at, i);
		json_incref(value);
		for (size_t k = 0; k < BH_LEN(others); k++) {
			json_t *other = json_loads(others[k], JSON_DECODE_ANY, NULL);

			assert_non_null(other);
			if (key != NULL)
				json_object_set_new(at, json_string_value(key), other);
			else
				json_array_set_new(at, i, other);
			try_object(hostile);
		}
		if (key != NULL)
			json_object_set(at, json_string_value(key), value);
		else
			json_array_set(at, i, value);
		spoil(hostile, value);
		json_decref(value);
	}
	json_decref(keys);
}

static void
hostile_objects(void **state BH_UNUSED)
{
	struct hostile all[] = {
	    {.file = FOLDER "rest/v2/customer-get-with-tax.json", .handle = alguna_customer},
	    {.file = FOLDER "made/subscription.json", .handle = alguna_subscription},
	    {.file = FOLDER "made/invoice.json", .handle = alguna_invoice},
	    {.file = FOLDER "made/version-documented.json", .handle = handle_items},
	    {.file = FOLDER "made/version-first.json", .handle = handle_items},
	};
	size_t n = 0;

	for (size_t i = 0; i < BH_LEN(all); i++) {
		json_t *top = load(all[i].file);

		all[i].top = top;
		spoil(&all[i], top);
		n += all[i].n;
		json_decref(top);
	}
	print_message("%zu hostile objects\n", n);
	assert_true(n > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expected),
	    cmocka_unit_test(any_order),
	    cmocka_unit_test(names),
	    cmocka_unit_test(rereads),
	    cmocka_unit_test(hostile_objects),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
