/*
 * Order does not matter: all recorded events of a source, shuffled, doubled
 * and normalised one by one, end in the same objects.
 */
#include "hooks.h"
#include "world.h"

#define ORDERS 1500
#define ORDERS_FRESH 60 /* with everything normalised again, arrival times and all */

static uint32_t seed;

static size_t
dice(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
expect_same(const json_t *first, const json_t *end, const char *source, int order)
{
	const char *key;
	json_t *value;

	if (json_equal(first, end))
		return;
	json_object_foreach ((json_t *)(uintptr_t)first, key, value) {
		if (!json_equal(value, json_object_get(end, key))) {
			char *a = bh_json_text(value), *b = bh_json_text(json_object_get(end, key));

			fail_msg("%s, order %d: %s differs\n%s\n%s", source, order, key, a, b);
		}
	}
	fail_msg("%s, order %d: other objects", source, order);
}

static void
shuffle(size_t *order, size_t n)
{
	for (size_t i = n - 1; i > 0; i--) {
		size_t pick = dice(i + 1), swap = order[i];

		order[i] = order[pick];
		order[pick] = swap;
	}
}

/* All changes, made once and merged in many orders, each event perhaps twice. */
static void
merge_orders(const struct hooks *hooks)
{
	struct hook_result *results = bh_xcalloc(hooks->n, sizeof(results[0]));
	size_t order[2 * HOOKS_MAX], n = 2 * hooks->n;
	json_t *first = NULL;

	for (size_t i = 0; i < hooks->n; i++)
		hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS + (int64_t)i, &results[i]);
	for (size_t i = 0; i < n; i++)
		order[i] = i % hooks->n;
	for (int k = 0; k < ORDERS; k++) {
		struct world world = {.places = json_object()};
		json_t *end;

		for (size_t i = 0; i < n; i++)
			for (size_t c = 0; c < results[order[i]].got.changes.n; c++)
				world_apply(&world, &results[order[i]].got.changes.items[c]);
		end = world_json(&world);
		if (first == NULL)
			first = json_incref(end);
		expect_same(first, end, hooks->driver->name, k);
		json_decref(end);
		world_release(&world);
		shuffle(order, n);
	}
	assert_true(json_object_size(first) > 10);
	print_message("%s: %zu objects from %zu events\n", hooks->driver->name,
	    json_object_size(first), hooks->n);
	json_decref(first);
	for (size_t i = 0; i < hooks->n; i++)
		source_result_release(&results[i].got);
	free(results);
}

/*
 * The same with real arrivals: received_ms grows with the place in the order.
 * Cases made up to try one thing leave out what orders them; only recorded
 * ones count here.
 */
static void
arrival_orders(const struct hooks *hooks)
{
	size_t order[HOOKS_MAX];
	json_t *first = NULL;

	for (size_t i = 0; i < hooks->n; i++)
		order[i] = i;
	for (int k = 0; k < ORDERS_FRESH; k++) {
		struct world world = {.places = json_object()};
		json_t *end;

		for (size_t i = 0; i < hooks->n; i++) {
			struct hook_result result;

			hook_run(hooks, &hooks->items[order[i]],
			    HOOKS_RECEIVED_MS + (int64_t)i * 100, &result);
			for (size_t c = 0; c < result.got.changes.n; c++)
				world_apply(&world, &result.got.changes.items[c]);
			source_result_release(&result.got);
		}
		end = world_json(&world);
		if (first == NULL)
			first = json_incref(end);
		expect_same(first, end, hooks->driver->name, k);
		json_decref(end);
		world_release(&world);
		shuffle(order, hooks->n);
	}
	json_decref(first);
}

static void
stripe(void **state BH_UNUSED)
{
	struct hooks *hooks = hooks_load("stripe");

	seed = 1;
	merge_orders(hooks);
	arrival_orders(hooks);
	hooks_free(hooks);
}

static void
lago(void **state BH_UNUSED)
{
	struct hooks *hooks = hooks_load("lago");

	seed = 2;
	merge_orders(hooks);
	arrival_orders(hooks);
	hooks_free(hooks);
}

static void
alguna(void **state BH_UNUSED)
{
	struct hooks *hooks = hooks_load("alguna");

	seed = 5;
	merge_orders(hooks);
	arrival_orders(hooks);
	hooks_free(hooks);
}

static void
lostchurn(void **state BH_UNUSED)
{
	struct hooks *hooks = hooks_load("lostchurn");

	seed = 3;
	merge_orders(hooks);
	arrival_orders(hooks);
	hooks_free(hooks);
}

static void
generic(void **state BH_UNUSED)
{
	struct hooks *hooks = hooks_load("generic");

	seed = 4;
	merge_orders(hooks);
	arrival_orders(hooks);
	hooks_free(hooks);
}

/* Merge some cases by name in this order and in the opposite one; the caller decrefs. */
static json_t *
end_of(const struct hooks *hooks, const char *const *names, size_t n, const char *key)
{
	json_t *ends[2];

	for (int way = 0; way < 2; way++) {
		struct world world = {.places = json_object()};
		json_t *end;

		for (size_t k = 0; k < n; k++) {
			const char *name = names[way == 0 ? k : n - 1 - k];
			size_t found = 0;

			for (size_t i = 0; i < hooks->n; i++) {
				struct hook_result result;

				if (strcmp(hooks->items[i].name, name) != 0)
					continue;
				found++;
				hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS, &result);
				for (size_t c = 0; c < result.got.changes.n; c++)
					world_apply(&world, &result.got.changes.items[c]);
				source_result_release(&result.got);
			}
			if (found != 1)
				fail_msg("no case %s", name);
		}
		end = world_json(&world);
		ends[way] = json_incref(json_object_get(end, key));
		json_decref(end);
		world_release(&world);
	}
	assert_non_null(ends[0]);
	assert_true(json_equal(ends[0], ends[1]));
	json_decref(ends[1]);
	return ends[0];
}

/* Known stories with a known end, forwards and backwards. */
static void
stories(void **state BH_UNUSED)
{
	static const struct {
		const char *source, *key, *path, *want; /* want: JSON text */
		const char *names[5];
	} cases[] = {
	    {"stripe", "subscription  sub_1QOczUqrx6CubM95zbLSFuAP", "fields.status", "\"active\"",
		{"endive_02_customer.subscription.created_acme_incomplete_two_items",
		    "endive_10_customer.subscription.updated_acme_incomplete_to_active"}},
	    {"stripe", "invoice  in_1QzwTWs9s7H5FJufZaA7mLt7", "fields.status", "\"paid\"",
		{"endive_03_invoice.created_acme_draft", "endive_04_invoice.finalized_acme",
		    "endive_08_invoice.paid_acme", "endive_09_invoice.payment_succeeded_acme"}},
	    {"stripe", "customer  cus_mDLgt9B2WY79Mk", "deleted", "true",
		{"endive_68_customer.deleted_oresund"}},
	    /* a charge, its intent, the payment of the invoice: one payment */
	    {"stripe", "payment  pi_3QGTT2HDX7LLDPq3KP6z2cta", "fields.invoice",
		"\"in_1QzwTWs9s7H5FJufZaA7mLt7\"",
		{"endive_05_charge.succeeded_acme", "endive_06_payment_intent.succeeded_acme",
		    "endive_07_invoice_payment.paid_acme"}},
	    {"stripe", "payment  pi_3QGTT2HDX7LLDPq3KP6z2cta", "fields.paid_at",
		"\"2026-10-01T09:00:05Z\"",
		{"endive_05_charge.succeeded_acme", "endive_07_invoice_payment.paid_acme"}},
	    {"stripe", "payment  pi_3QGTT2HDX7LLDPq3KP6z2cta", "fields.disputed", "true",
		{"endive_05_charge.succeeded_acme", "endive_29_charge.dispute.created_acme"}},
	    {"stripe", "payment  pi_3QPAQqOyvSF4Y3YASvL3Ezyw", "fields.amount_refunded", "10603",
		{"endive_17_charge.failed_acme_insufficient_funds",
		    "endive_18_payment_intent.payment_failed_acme",
		    "endive_26_charge.refunded_acme_partial_no_refunds_list"}},
	    {"stripe", "payment  pi_3QPAQqOyvSF4Y3YASvL3Ezyw", "fields.status", "\"succeeded\"",
		{"endive_17_charge.failed_acme_insufficient_funds",
		    "endive_18_payment_intent.payment_failed_acme",
		    "endive_26_charge.refunded_acme_partial_no_refunds_list"}},
	    {"stripe", "payment  pi_3QPAQqOyvSF4Y3YASvL3Ezyw", "fields.created_at",
		"\"2026-11-01T10:00:01Z\"",
		{"endive_17_charge.failed_acme_insufficient_funds",
		    "endive_18_payment_intent.payment_failed_acme",
		    "endive_26_charge.refunded_acme_partial_no_refunds_list"}},
	    {"stripe", "payment  pi_3QjvnDc64IK0NFmcVaEYwYcC", "fields.invoice",
		"\"in_1Qj4zlFCyH3I1XEbX1H53LAl\"",
		{"legacy2020_03_invoice.paid_inclusive_vat_amount_off",
		    "legacy2020_11_charge.refunded_full_refunds_list_embedded"}},
	    /* a first try that is touched again after the second one succeeded */
	    {"stripe", "payment  pi_made_late", "fields.status", "\"succeeded\"",
		{"charge-second-try", "charge-failed-updated-later", "intent-requires-action"}},
	    {"stripe", "payment  pi_made_held", "fields.status", "\"canceled\"",
		{"charge-held", "charge-held-expired"}},
	    {"stripe", "refund  re_3QHxAl1GNfvbeZWY5tU0w8tI", "fields.status", "\"failed\"",
		{"legacy2023_07_refund.created", "legacy2023_08_refund.failed"}},
	    {"stripe", "dispute  du_1QljeYRyvVGotSHhD4chs6kC", "fields.status", "\"won\"",
		{"endive_29_charge.dispute.created_acme",
		    "endive_30_charge.dispute.closed_acme_won"}},
	    {"stripe", "credit_note  cn_1Q3i6D8hZGdy9oTeZhACg9PQ", "fields.status", "\"void\"",
		{"endive_55_credit_note.created_kuwait_kwd_to_balance",
		    "endive_56_credit_note.voided_kuwait"}},
	    {"stripe", "schedule  sub_sched_1QJPLkdSQxXs6BGEs9R5GkYy", "fields.status",
		"\"released\"",
		{"endive_49_subscription_schedule.created_nihon_two_phases",
		    "endive_50_subscription_schedule.updated_nihon",
		    "endive_51_subscription_schedule.released_nihon"}},
	    {"stripe", "discount  di_1QiL0hfBeaWC19Eb0VfH7CFD", "deleted", "true",
		{"endive_12_customer.discount.created_acme_partner10",
		    "endive_78_customer.discount.deleted_acme"}},
	    /* the terms that one event brought stay when another knows the coupon's id alone */
	    {"stripe", "discount  di_1QXio2R1JMWL1NVhNzkHSXHY", "fields.terms.percent_off",
		"\"20\"",
		{"bridge_2024_customer.discount.created",
		    "bridge_clover_customer.discount.created"}},
	    {"stripe", "plan  gold", "fields.code", "\"gold\"", {"plan-twin", "price-deleted"}},
	    {"stripe", "plan  gold", "deleted", "true", {"plan-twin", "price-deleted"}},
	    {"stripe", "product  prod_5mVVrK6eX0nMaI", "deleted", "false",
		{"endive_71_product.created_team", "endive_72_product.updated_team_renamed"}},
	    /* a tax number is another event's than everything else of a customer */
	    {"stripe", "customer  cus_HrUs2VWJtENfgq", "fields.tax_id", "\"DE123456789\"",
		{"endive_01_customer.created_acme", "tax-id-created",
		    "endive_21_customer.updated_acme_delinquent"}},
	    {"stripe", "customer  cus_HrUs2VWJtENfgq", "fields.delinquent", "true",
		{"endive_01_customer.created_acme", "tax-id-created",
		    "endive_21_customer.updated_acme_delinquent"}},
	    /* the lines of invoice.created, the PDF of invoice.generated, the payment of the third */
	    {"lago", "invoice  60091573-8a05-4d8a-b631-30cf55dfea6b", "fields.lines.1.price",
		"\"api_calls\"",
		{"invoice.drafted", "invoice.created.eur", "invoice.generated.eur"}},
	    {"lago", "invoice  35880725-1a78-452b-a548-ea00ae709b29", "fields.status", "\"paid\"",
		{"invoice.created.jpy", "invoice.generated.jpy",
		    "invoice.payment_status_updated.jpy"}},
	    {"lago", "subscription  a6d5d476-1e96-4235-99f4-f08ce3b2b198", "fields.source_status",
		"\"terminated\"",
		{"subscription.started.eur", "subscription.updated",
		    "subscription.terminated.upgraded",
		    "subscription.started.upgrade_same_external_id"}},
	    {"lago", "subscription  51ec697e-2309-4aac-b1cb-8d3f000bc041", "fields.source_status",
		"\"active\"",
		{"subscription.terminated.upgraded",
		    "subscription.started.upgrade_same_external_id"}},
	    /* the customer inside an invoice does not undo the link that the customer's event made */
	    {"lago", "customer  a9385e75-ac74-4f8a-8961-4da8ef935dd1", "fields.hubspot_id",
		"\"18334455667\"",
		{"customer.updated.company_eur", "invoice.created.eur", "subscription.updated"}},
	    {"lago", "customer  a9385e75-ac74-4f8a-8961-4da8ef935dd1", "fields.hubspot_id",
		"\"18334455667\"",
		{"customer.created.company_eur", "customer.crm_provider_created"}},
	    {"lago", "invoice  eeaaafdf-5484-4b1f-90d7-762eecd04454", "deleted", "true",
		{"invoice.deleted"}},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct hooks *hooks = hooks_load(cases[i].source);
		size_t n = 0;
		char *text;
		json_t *end;

		while (n < 5 && cases[i].names[n] != NULL)
			n++;
		end = end_of(hooks, cases[i].names, n, cases[i].key);
		text = bh_json_text(bh_json_at(end, cases[i].path));
		if (strcmp(text, cases[i].want) != 0)
			fail_msg("%s: %s is %s", cases[i].key, cases[i].path, text);
		free(text);
		json_decref(end);
		hooks_free(hooks);
	}
}

/* A customer seen again inside other objects is no news. */
static void
nested_is_no_news(void **state BH_UNUSED)
{
	static const char *const names[] = {"customer.updated.company_eur", "invoice.created.eur",
	    "invoice.generated.eur"};
	struct hooks *hooks = hooks_load("lago");
	struct world world = {.places = json_object()};
	size_t customers = 0;

	for (size_t k = 0; k < BH_LEN(names); k++) {
		for (size_t i = 0; i < hooks->n; i++) {
			struct hook_result result;

			if (strcmp(hooks->items[i].name, names[k]) != 0)
				continue;
			hook_run(hooks, &hooks->items[i], HOOKS_RECEIVED_MS, &result);
			for (size_t c = 0; c < result.got.changes.n; c++) {
				size_t before = world.news;

				world_apply(&world, &result.got.changes.items[c]);
				if (result.got.changes.items[c].kind == OBJECT_CUSTOMER)
					customers += world.news - before;
			}
			source_result_release(&result.got);
		}
	}
	assert_int_equal(customers, 1);
	world_release(&world);
	hooks_free(hooks);
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
	    cmocka_unit_test(stories),
	    cmocka_unit_test(nested_is_no_news),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
