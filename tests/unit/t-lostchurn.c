/*
 * LostChurn: what expected.json says of each recorded webhook, as far as it
 * is a fact and not a mapping's affair; that a closed recovery stays closed;
 * and the table that comes with Billhook.
 */
#include "base/clock.h"
#include "hooks.h"
#include "model/money.h"
#include "source/lostchurn.h"

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

/* All fields that the changes of one kind tell, with "id". */
static json_t *
told(const struct hook_result *result, enum object_kind kind)
{
	json_t *all = json_object();

	for (size_t i = 0; i < result->got.changes.n; i++) {
		const struct object_change *change = &result->got.changes.items[i];

		if (change->kind != kind)
			continue;
		json_object_update(all, change->fields);
		json_object_set_new(all, "id", json_string(change->id));
	}
	return all;
}

static void
expect_text(const char *file, const char *what, const char *is, const char *want)
{
	if (is == NULL || strcmp(is, want) != 0)
		fail_msg("%s: %s is %s, not %s", file, what, is != NULL ? is : "(nothing)", want);
}

/* An amount of minor units as the decimal text that is expected. */
static void
expect_amount(const char *file, const json_t *object, const char *field, const char *want)
{
	const char *currency = bh_json_str(object, "currency");
	char text[MONEY_TEXT];

	if (currency == NULL || !json_is_integer(json_object_get(object, field)))
		fail_msg("%s: no %s", file, field);
	money_text(text, json_integer_value(json_object_get(object, field)),
	    money_exponent(currency));
	expect_text(file, field, text, want);
}

/* Members of a row and the canonical texts that say the same. */
static const struct {
	const char *member;
	enum object_kind kind;
	const char *field;
} texts[] = {
    {"external_id", OBJECT_RECOVERY, "id"},
    {"stage", OBJECT_RECOVERY, "stage"},
    {"currency", OBJECT_RECOVERY, "currency"},
    {"email", OBJECT_RECOVERY, "customer_email"},
    {"customer_id", OBJECT_RECOVERY, "customer"},
    {"payment_id", OBJECT_RECOVERY, "payment"},
};
static const struct {
	const char *member;
	enum object_kind kind;
	const char *field;
} amounts[] = {
    {"amount", OBJECT_RECOVERY, "amount"},
    {"recovered_amount", OBJECT_RECOVERY, "recovered_amount"},
    {"mrr", OBJECT_CUSTOMER, "source_mrr"},
};

static size_t
expect_values(const char *file, const json_t *row, const json_t *recovery, const json_t *customer)
{
	const json_t *count = json_object_get(row, "retry_count");
	const char *text;
	size_t n = 0;

	for (size_t i = 0; i < BH_LEN(texts); i++) {
		text = bh_json_str(row, texts[i].member);
		if (text != NULL)
			expect_text(file, texts[i].member, bh_json_str(recovery, texts[i].field),
			    text);
		n += text != NULL;
	}
	for (size_t i = 0; i < BH_LEN(amounts); i++) {
		text = bh_json_str(row, amounts[i].member);
		if (text != NULL)
			expect_amount(file,
			    amounts[i].kind == OBJECT_CUSTOMER ? customer : recovery,
			    amounts[i].field, text);
		n += text != NULL;
	}
	if (count != NULL)
		assert_true(json_equal(count, json_object_get(recovery, "retry_count")));
	if (bh_json_str(row, "close_date") != NULL) {
		text = bh_json_str(recovery, "completed_at");
		assert_non_null(text);
		assert_memory_equal(text, bh_json_str(row, "close_date"), 10);
	}
	return n;
}

/* By what the person can be found. */
static void
expect_match(const char *file, const json_t *row, const json_t *recovery, const json_t *customer)
{
	const json_t *keys = json_object_get(row, "match");
	bool email = false;
	json_t *key;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)keys, i, key)
		email = email || strcmp(json_string_value(key), "email") == 0;
	if (keys == NULL)
		return;
	assert_non_null(bh_json_str(customer, "id"));
	expect_text(file, "customer", bh_json_str(recovery, "customer"),
	    bh_json_str(customer, "id"));
	assert_int_equal(email, bh_json_str(customer, "email") != NULL);
	assert_int_equal(email, bh_json_str(recovery, "customer_email") != NULL);
}

static void
expect_customer(const char *file, const json_t *row, const json_t *customer)
{
	const char *first = bh_json_str(row, "first_name"), *last = bh_json_str(row, "last_name");
	const json_t *risk = json_object_get(row, "churn_risk");

	if (first != NULL) {
		char *name = bh_xasprintf("%s %s", first, last);

		expect_text(file, "name", bh_json_str(customer, "name"), name);
		free(name);
	}
	if (risk != NULL) {
		char number[32];

		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(risk));
		expect_text(file, "churn_risk", bh_json_str(customer, "churn_risk"), number);
	}
	if (json_object_get(row, "recovery_count") != NULL)
		assert_true(json_equal(json_object_get(row, "recovery_count"),
		    json_object_get(customer, "source_recovery_count")));
}

/* The rows whose effect is told in words. */
static void
expect_effect(const char *file, const struct hook_result *result, const json_t *customer)
{
	json_t *subscription = told(result, OBJECT_SUBSCRIPTION);

	if (bh_has_prefix(file, "15-")) {
		expect_text(file, "status", bh_json_str(customer, "source_status"), "churned");
		expect_text(file, "comment", bh_json_str(subscription, "cancel_comment"),
		    "予算の都合です。\nまた検討します。");
	} else if (bh_has_prefix(file, "16-")) {
		expect_text(file, "email", bh_json_str(customer, "email"),
		    "zoe@mueller-bau.example");
		expect_text(file, "id", bh_json_str(customer, "id"), "cus_6qZ8xW2vTy");
	} else if (bh_has_prefix(file, "23-")) {
		assert_int_equal(result->got.outcome, SOURCE_UNKNOWN);
	}
	json_decref(subscription);
}

static void
expected(void **state BH_UNUSED)
{
	struct hooks *hooks = hooks_load("lostchurn");
	json_t *file = load("tests/data/lostchurn/expected.json"), *row;
	size_t i, checked = 0;

	json_array_foreach (json_object_get(file, "rows"), i, row) {
		const char *name = bh_json_str(row, "file");
		const struct hook *hook = hooks->items;
		struct hook_result result;
		json_t *recovery, *customer;

		while (strncmp(hook->name, name, strlen(name) - 5) != 0)
			assert_true(++hook < hooks->items + hooks->n);
		hook_run(hooks, hook, HOOKS_RECEIVED_MS, &result);
		assert_int_equal(result.rc, 0);
		recovery = told(&result, OBJECT_RECOVERY);
		customer = told(&result, OBJECT_CUSTOMER);
		if (bh_is_json_true(row, "timeline_only")) {
			assert_int_equal(result.got.outcome, SOURCE_IGNORED);
			assert_int_equal(result.got.changes.n, 0);
			assert_non_null(strstr(result.got.note, result.event.type));
		}
		checked += expect_values(name, row, recovery, customer);
		expect_match(name, row, recovery, customer);
		expect_customer(name, row, customer);
		expect_effect(name, &result, customer);
		json_decref(recovery);
		json_decref(customer);
		source_result_release(&result.got);
	}
	assert_int_equal(i, 25);
	assert_true(checked > 45);
	json_decref(file);
	hooks_free(hooks);
}

/* Merge files, forwards or backwards; the recovery's fields (new reference). */
static json_t *
story(const struct hooks *hooks, const char *const *names, size_t n, bool is_backwards)
{
	struct object_state held = {0}, after;
	json_t *fields;

	for (size_t k = 0; k < n; k++) {
		const char *name = names[is_backwards ? n - 1 - k : k];
		const struct hook *hook = hooks->items;
		struct hook_result result;

		while (!bh_has_prefix(hook->name, name))
			assert_true(++hook < hooks->items + hooks->n);
		hook_run(hooks, hook, HOOKS_RECEIVED_MS, &result);
		for (size_t i = 0; i < result.got.changes.n; i++) {
			const struct object_change *change = &result.got.changes.items[i];

			if (change->kind != OBJECT_RECOVERY ||
			    object_merge(&held, change, &after) == 0)
				continue;
			json_decref(held.fields);
			held = after;
		}
		source_result_release(&result.got);
	}
	fields = json_copy(held.fields);
	json_object_del(fields, OBJECT_OLDER);
	json_decref(held.fields);
	return fields;
}

/* An older event fills what is empty, and never opens what is closed. */
static void
order_guard(void **state BH_UNUSED)
{
	static const struct {
		const char *names[4];
		const char *path, *want;
	} cases[] = {
	    {{"21-", "22-"}, "stage", "won"},
	    {{"21-", "22-"}, "status", "recovered"},
	    {{"01-", "02-", "03-", "08-"}, "stage", "won"},
	    {{"01-", "02-", "03-", "08-"}, "completed_at", "2026-10-13T08:44:30Z"},
	    {{"01-", "03-"}, "stage", "open_late"},
	    {{"01-", "03-"}, "status", "communication_pending"},
	    {{"01-", "02-"}, "next_retry_at", "2026-10-09T06:12:00Z"},
	    {{"09-", "10-"}, "stage", "lost"},
	    {{"09-", "10-"}, "failure_reason", "exhausted"},
	};
	struct hooks *hooks = hooks_load("lostchurn");

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		size_t n = 0;
		json_t *there, *back;

		while (n < 4 && cases[i].names[n] != NULL)
			n++;
		there = story(hooks, cases[i].names, n, false);
		back = story(hooks, cases[i].names, n, true);
		assert_true(json_equal(there, back));
		expect_text(cases[i].names[0], cases[i].path, bh_json_str(there, cases[i].path),
		    cases[i].want);
		json_decref(there);
		json_decref(back);
	}
	hooks_free(hooks);
}

/*
 * The clock of the event does not decide: a success whose created_at is
 * earlier than that of a retry, and of an escalation, still closes.
 */
static void
rank_leads(void **state BH_UNUSED)
{
	static const char *const types[] = {"recovery.succeeded", "recovery.started",
	    "recovery.escalated", "recovery.retry_attempted"};
	struct source_config config = {.code = "test"};
	struct object_state held = {0}, after;

	for (int i = 0; i < 4; i++) {
		struct source_event event = {.id = ""};
		struct source_result result = {0};
		json_t *body = json_pack("{s:s, s:s, s:o, s:{s:s, s:i}}", "id", "evt", "type",
		    types[i], "created_at", json_sprintf("2026-10-0%dT00:00:00Z", i + 1), "data",
		    "recovery_id", "rec_1", "retry_count", i);

		snprintf(event.id, sizeof(event.id), "evt_%d", i);
		snprintf(event.type, sizeof(event.type), "%s", types[i]);
		assert_int_equal(source_driver("lostchurn")
				     ->normalise(&config, &event, body, 1, &result, NULL),
		    0);
		for (size_t k = 0; k < result.changes.n; k++) {
			if (object_merge(&held, &result.changes.items[k], &after) == 0)
				continue;
			json_decref(held.fields);
			held = after;
		}
		source_result_release(&result);
		json_decref(body);
	}
	expect_text("ranks", "stage", bh_json_str(held.fields, "stage"), "won");
	/* What is no state goes by time. */
	assert_int_equal(bh_json_int(held.fields, "retry_count", -1), 3);
	json_decref(held.fields);
}

/* A payment that a list tells, and the recovery of which it is the payment. */
static void
aliases(void **state BH_UNUSED)
{
	struct source_config config = {.code = "test"};
	struct source_result result = {0};
	json_t *file = load("tests/data/lostchurn/rest/payments-page-1.json");
	const json_t *row = bh_json_at(file, "data.0");

	assert_int_equal(lostchurn_row(&config, LOSTCHURN_PAYMENT, row, NULL, 1, &result, NULL), 0);
	assert_int_equal(result.changes.n, 2);
	assert_string_equal(result.changes.items[0].id, "pay_5Tn8wRc30Zd");
	assert_string_equal(result.changes.items[0].alias, "pay_5Tn8wRc30Zd");
	source_result_release(&result);
	/* Looked up for what the mirror holds under another id. */
	assert_int_equal(lostchurn_row(&config, LOSTCHURN_PAYMENT, row, "rec_7Qm2xVb91Lk", 1,
			     &result, NULL),
	    0);
	for (size_t i = 0; i < result.changes.n; i++) {
		assert_string_equal(result.changes.items[i].id, "rec_7Qm2xVb91Lk");
		assert_string_equal(result.changes.items[i].alias, "pay_5Tn8wRc30Zd");
	}
	/* Not told by a list, and not guessed: it may be a part of the amount. */
	assert_null(json_object_get(result.changes.items[1].fields, "recovered_amount"));
	source_result_release(&result);
	json_decref(file);
}

static void
table(void **state BH_UNUSED)
{
	json_t *file = load("presets/readers/lostchurn.json"), *own = lostchurn_reader();
	json_t *example = load("presets/readers/generic.json");
	struct bh_err err = BH_ERR_INIT;

	if (reader_check(own, &err) < 0 || reader_check(example, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(json_equal(file, own));
	json_decref(file);
	json_decref(own);
	json_decref(example);
}

/* What is looked up again: open recoveries, and nothing else. */
static void
reread(void **state BH_UNUSED)
{
	const struct source_driver *driver = source_driver("lostchurn");
	json_t *open = json_pack("{s:s}", "stage", "open_late");
	json_t *won = json_pack("{s:s}", "stage", "won"), *bare = json_object();

	assert_true(driver->is_reread(OBJECT_RECOVERY, NULL));
	assert_true(driver->is_reread(OBJECT_RECOVERY, open));
	assert_true(driver->is_reread(OBJECT_RECOVERY, bare));
	assert_false(driver->is_reread(OBJECT_RECOVERY, won));
	assert_false(driver->is_reread(OBJECT_CUSTOMER, NULL));
	assert_false(driver->is_reread(OBJECT_CUSTOMER, open));
	json_decref(open);
	json_decref(won);
	json_decref(bare);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(expected),
	    cmocka_unit_test(order_guard),
	    cmocka_unit_test(rank_leads),
	    cmocka_unit_test(aliases),
	    cmocka_unit_test(table),
	    cmocka_unit_test(reread),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
