/*
 * Recorded webhooks: each gives the changes that stand beside it.  After a
 * change of meaning run with BH_HOOKS_WRITE=1, which writes what is got, and
 * read the difference before it is committed.
 */
#include "hooks.h"

static const char *const outcomes[] = {"applied", "ignored", "unknown", "foreign", "asked"};

static json_t *
change_json(const struct object_change *change)
{
	json_t *json =
	    json_pack("{s:s, s:s, s:{s:I, s:i, s:s}, s:O}", "kind", object_kind_name(change->kind),
		"id", change->id, "version", "at_ms", (json_int_t)change->version.at_ms, "rank",
		change->version.rank, "tie", change->version.tie, "fields", change->fields);

	if (*change->account != '\0')
		json_object_set_new(json, "account", json_string(change->account));
	if (*change->alias != '\0')
		json_object_set_new(json, "alias", json_string(change->alias));
	if (change->partial)
		json_object_set_new(json, "partial", json_true());
	if (change->deleted)
		json_object_set_new(json, "deleted", json_true());
	if (change->effective_ms != 0)
		json_object_set_new(json, "effective_ms", json_integer(change->effective_ms));
	return json;
}

static json_t *
result_json(const struct hook *hook, const struct hook_result *result)
{
	static const char *const inputs[] = {"settings", "headers"};
	json_t *json = json_object(), *changes = json_array(), *wants = json_array();

	for (size_t i = 0; i < BH_LEN(inputs); i++)
		if (json_object_get(hook->want, inputs[i]) != NULL)
			json_object_set(json, inputs[i], json_object_get(hook->want, inputs[i]));
	if (result->rc < 0) {
		json_object_set_new(json, "error", json_string(result->err.text));
		json_decref(changes);
		json_decref(wants);
		return json;
	}
	json_object_set_new(json, "event",
	    json_pack("{s:s, s:s}", "id", result->event.id, "type", result->event.type));
	json_object_set_new(json, "outcome", json_string(outcomes[result->got.outcome]));
	if (*result->got.note != '\0')
		json_object_set_new(json, "note", json_string(result->got.note));
	for (size_t i = 0; i < result->got.changes.n; i++)
		json_array_append_new(changes, change_json(&result->got.changes.items[i]));
	json_object_set_new(json, "changes", changes);
	for (size_t i = 0; i < result->got.wants.n; i++) {
		const struct source_want *want = &result->got.wants.items[i];
		json_t *one = json_pack("{s:s, s:s, s:s}", "what", want->what, "account",
		    want->account, "id", want->id);

		if (want->hint != NULL)
			json_object_set(one, "hint", want->hint);
		json_array_append_new(wants, one);
	}
	if (json_array_size(wants) > 0)
		json_object_set(json, "wants", wants);
	json_decref(wants);
	return json;
}

static void
compare(const struct hooks *hooks, const struct hook *hook, const json_t *got)
{
	char *is, *path;

	if (getenv("BH_HOOKS_WRITE") != NULL) {
		path = hooks_path(hooks, hook->name, ".want.json");
		assert_int_equal(json_dump_file(got, path, JSON_INDENT(2) | JSON_SORT_KEYS), 0);
		free(path);
	} else if (hook->want == NULL || !json_equal(hook->want, got)) {
		is = json_dumps(got, JSON_INDENT(2) | JSON_SORT_KEYS);
		fail_msg("%s/%s gives something else:\n%s", hooks->driver->name, hook->name, is);
	}
}

/* What holds for every result, whatever is wanted. */
static void
check_result(const struct hook *hook, const struct hook_result *result)
{
	struct bh_err err = BH_ERR_INIT;

	if ((result->rc < 0) != bh_has_prefix(hook->name, "invalid-") &&
	    (result->rc < 0) != bh_has_prefix(hook->name, "eventbridge_"))
		fail_msg("%s: %s", hook->name, result->err.text);
	assert_true(result->rc == 0 || result->err.code == BH_INVALID);
	assert_true(result->rc < 0 ||
		    (result->got.changes.n > 0) == (result->got.outcome == SOURCE_APPLIED));
	assert_true(
	    result->rc < 0 || result->got.outcome != SOURCE_ASKED || result->got.wants.n > 0);
	for (size_t i = 0; i < result->got.changes.n; i++) {
		const struct object_change *change = &result->got.changes.items[i];

		if (object_check(change->kind, change->fields, &err) < 0)
			fail_msg("%s: %s", hook->name, err.text);
		assert_true(*change->id != '\0');
		assert_true(*change->version.tie != '\0');
	}
}

static void
play(const char *source)
{
	struct hooks *hooks = hooks_load(source);

	for (size_t i = 0; i < hooks->n; i++) {
		struct hook_result result;
		json_t *got;

		hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS, &result);
		check_result(&hooks->items[i], &result);
		got = result_json(&hooks->items[i], &result);
		compare(hooks, &hooks->items[i], got);
		json_decref(got);
		source_result_release(&result.got);
	}
	print_message("%zu cases of %s\n", hooks->n, source);
	hooks_free(hooks);
}

static void
stripe(void **state BH_UNUSED)
{
	play("stripe");
}

static void
lago(void **state BH_UNUSED)
{
	play("lago");
}

static void
alguna(void **state BH_UNUSED)
{
	play("alguna");
}

static void
lostchurn(void **state BH_UNUSED)
{
	play("lostchurn");
}

static void
generic(void **state BH_UNUSED)
{
	play("generic");
}

/* The change that an event is about; others may stand beside it.  Members of differ go. */
static json_t *
main_fields(const struct hooks *hooks, const char *name, enum object_kind kind,
    const char *const *differ)
{
	json_t *fields = NULL;

	for (size_t i = 0; i < hooks->n; i++) {
		struct hook_result result;

		if (strcmp(hooks->items[i].name, name) != 0)
			continue;
		hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS, &result);
		assert_true(result.got.changes.n > 0);
		assert_int_equal(result.got.changes.items[0].kind, kind);
		fields = json_deep_copy(result.got.changes.items[0].fields);
		source_result_release(&result.got);
	}
	if (fields == NULL)
		fail_msg("no case %s", name);
	for (; *differ != NULL; differ++)
		json_object_del(fields, *differ);
	return fields;
}

/* The same subscription, invoice, discount in four API versions: what matters to a CRM is equal. */
static void
bridges(void **state BH_UNUSED)
{
	static const char *const versions[] = {"2024", "basil", "clover", "dahlia"};
	static const struct {
		const char *event;
		enum object_kind kind;
		const char *differ[2]; /* told by the version: terms that newer ones leave out */
	} events[] = {
	    {"customer.subscription.created", OBJECT_SUBSCRIPTION, {"discounts"}},
	    {"invoice.paid", OBJECT_INVOICE, {NULL}},
	    {"customer.discount.created", OBJECT_DISCOUNT, {"terms"}},
	};
	struct hooks *hooks = hooks_load("stripe");

	for (size_t e = 0; e < BH_LEN(events); e++) {
		json_t *first = NULL;

		for (size_t v = 0; v < BH_LEN(versions); v++) {
			char name[100];
			json_t *fields;

			snprintf(name, sizeof(name), "bridge_%s_%s", versions[v], events[e].event);
			fields = main_fields(hooks, name, events[e].kind, events[e].differ);
			if (first == NULL)
				first = json_incref(fields);
			if (!json_equal(first, fields)) {
				char *a = bh_json_text(first), *b = bh_json_text(fields);

				fail_msg("%s differs:\n%s\n%s", name, a, b);
			}
			json_decref(fields);
		}
		json_decref(first);
	}
	hooks_free(hooks);
}

/* The tables: every type once, offered by default where the driver can use it. */
static void
tables(void **state BH_UNUSED)
{
	for (const struct source_driver *const *d = source_drivers(); *d != NULL; d++) {
		assert_ptr_equal(source_driver((*d)->name), *d);
		for (const struct source_type *a = (*d)->types; a->type != NULL; a++)
			for (const struct source_type *b = a + 1; b->type != NULL; b++)
				assert_string_not_equal(a->type, b->type);
	}
	assert_null(source_driver("nothing"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(stripe),
	    cmocka_unit_test(lago),
	    cmocka_unit_test(lostchurn),
	    cmocka_unit_test(generic),
	    cmocka_unit_test(alguna),
	    cmocka_unit_test(bridges),
	    cmocka_unit_test(tables),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
