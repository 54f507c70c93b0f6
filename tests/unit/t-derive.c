/*
 * What follows from news: figures of customers and subscriptions, however the
 * events come, kept up bit by bit and equal to what comes out from scratch.
 */
#include "base/base.h"

#include "base/clock.h"
#include "bench.h"
#include "hooks.h"
#include "state/derived.h"
#include "state/want.h"
#include "sync/apply.h"
#include "sync/verify.h"

#define ORDERS 40

static uint32_t seed = 1;

static size_t
dice(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* -- helpers -- */

static json_t *
fields_of(struct bench *bench, const char *connection, enum object_kind kind, const char *id)
{
	struct mirror_id mirror = {connection, "", kind, id};
	struct store_txn *txn = store_begin(bench->store);
	struct derived_doc doc = {DERIVED_FIELDS, mirror, NULL};

	assert_int_equal(derived_get_many(txn, &doc, 1, false, &bench->err), 0);
	store_free(&txn);
	if (doc.doc == NULL)
		fail_msg("nothing was worked out for %s", id);
	return doc.doc;
}

static void
expect_int(struct bench *bench, const char *id, const char *field, int64_t wanted)
{
	json_t *fields = fields_of(bench, "stripe", OBJECT_CUSTOMER, id);
	int64_t got = bh_json_int(fields, field, -999);

	if (got != wanted) {
		char *text = bh_json_text(fields);

		fail_msg("%s: %s is %lld, not %lld: %s", id, field, (long long)got,
		    (long long)wanted, text);
	}
	json_decref(fields);
}

static void
expect_text(struct bench *bench, const char *id, const char *field, const char *wanted)
{
	json_t *fields = fields_of(bench, "stripe", OBJECT_CUSTOMER, id);
	const char *got = bh_json_str(fields, field);

	if (got == NULL || strcmp(got, wanted) != 0)
		fail_msg("%s: %s is %s, not %s", id, field, got != NULL ? got : "nothing", wanted);
	json_decref(fields);
}

static void
say(void *arg BH_UNUSED, const char *connection, const json_t *difference)
{
	char *text = bh_json_text(difference);

	print_message("%s: %s\n", connection, text);
	free(text);
}

static void
verify(struct bench *bench, const char *connection)
{
	struct verify verify = {.say = say};

	assert_int_equal(verify_connection(&bench->context, connection, &verify, &bench->err), 0);
	if (verify.differences != 0)
		fail_msg("%zu differences", verify.differences);
	assert_true(verify.customers > 0);
}

/* Everything that was worked out, as text. */
static char *
derived_text(struct bench *bench)
{
	static const char *const families[] = {"Fh", "Fc", "Fd", "Ft"};
	struct bh_buf all = BH_BUF_INIT(64u << 20);

	for (size_t f = 0; f < BH_LEN(families); f++) {
		struct store_scan scan = {.prefix = families[f], .prefix_len = 2, .max = 10000};
		struct store_txn *txn = store_begin(bench->store);
		const struct store_entry *entries;
		size_t n;
		bool more;

		assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
		for (size_t i = 0; i < n; i++) {
			json_t *doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);

			/* Who was ever referred to depends on what came between. */
			json_object_del(doc, "refers");
			for (size_t k = 0; k < entries[i].key_len; k++)
				bh_buf_addc(&all,
				    entries[i].key[k] != '\0' ? entries[i].key[k] : ' ');
			bh_buf_addc(&all, ' ');
			if (doc != NULL)
				bh_json_add(&all, doc);
			bh_buf_addc(&all, '\n');
			json_decref(doc);
		}
		store_free(&txn);
	}
	return bh_buf_steal(&all);
}

static void
first_difference(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0') {
		size_t a_len = strcspn(a, "\n"), b_len = strcspn(b, "\n");

		if (a_len != b_len || memcmp(a, b, a_len) != 0)
			fail_msg("\n%.*s\n%.*s", (int)a_len, a, (int)b_len, b);
		a += a_len + 1;
		b += b_len + 1;
	}
	fail_msg("one has more: %.300s%.300s", a, b);
}

/* -- Acme's story -- */

static bool
is_of(const char *name, const char *const *prefixes)
{
	for (; *prefixes != NULL; prefixes++)
		if (bh_has_prefix(name, *prefixes))
			return true;
	return false;
}

/* The first time it is delivered, later it is handled again. */
static void
feed(struct bench *bench, const struct hooks *hooks, size_t index)
{
	const char *code = hooks->driver->name;
	const struct hook *hook = &hooks->items[index];
	struct hook_result result;
	struct store_txn *txn = store_begin(bench->store);
	uint64_t stamp;

	hook_run(hooks, hook, HOOKS_RECEIVED_MS, &result);
	if (result.rc == 0 && journal_find(txn, code, result.event.id, &stamp, &bench->err) == 0) {
		bench_journal(bench, code, result.event.id, result.event.type, hook->body,
		    hook->body_len);
	} else if (result.rc == 0) {
		journal_replay(txn, stamp);
		assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	}
	store_free(&txn);
	source_result_release(&result.got);
}

static struct bench *
world(void)
{
	struct bench *bench = bench_new("sandbox");
	struct tm tm = {.tm_year = 126, .tm_mon = 11, .tm_mday = 1};

	/* The same arrival in every world: some versions name it. */
	bench_pass(bench, (int64_t)timegm(&tm) * 1000 - bh_now_ms());
	setenv("BENCH_WHSEC", "whsec_c2VjcmV0IG9mIHRoZSBiZW5jaCwgbG9uZw==", 1);
	bench_apply(bench,
	    "{'billhook':1,'connections':["
	    "{'code':'lago','driver':'lago','secrets':{'webhook':'env:BENCH_SECRET'}},"
	    "{'code':'lostchurn','driver':'lostchurn','secrets':{'webhook':'env:BENCH_SECRET'}},"
	    "{'code':'alguna','driver':'alguna','secrets':{'webhook':'env:BENCH_WHSEC'}}]}");
	return bench;
}

/* Coupons are named by discounts; their terms come by events of their own, or by a look-up. */
static void
feed_coupons(struct bench *bench)
{
	char *path = unit_path("tests/data/stripe/rest_coupons_page.json");
	json_t *page = json_load_file(path, 0, NULL), *coupon;
	size_t i;

	assert_true(json_array_size(json_object_get(page, "data")) > 0);
	json_array_foreach (json_object_get(page, "data"), i, coupon)
		bench_event(bench, "coupon.created", json_deep_copy(coupon));
	json_decref(page);
	free(path);
}

static void
acme_in_order(void **state BH_UNUSED)
{
	static const struct {
		const char *event; /* the first of this name and those before it were handled */
		int64_t mrr;
		const char *movement;
		int64_t amount;
	} steps[] = {
	    {"endive_12", 25110, "new", 25110},
	    {"endive_13", 35910, "expansion", 10800},
	    {"endive_20", 35910, "expansion", 10800},
	    {"endive_32", 35910, "expansion", 10800},
	};
	struct bench *bench = world();
	struct hooks *hooks = hooks_load("stripe");
	size_t at = 0;

	feed_coupons(bench);
	for (size_t i = 0; i < hooks->n && at < BH_LEN(steps); i++) {
		if (!bh_has_prefix(hooks->items[i].name, "endive_"))
			continue;
		feed(bench, hooks, i);
		if (!bh_has_prefix(hooks->items[i].name, steps[at].event))
			continue;
		bench_ingest(bench);
		expect_int(bench, "cus_HrUs2VWJtENfgq", "mrr", steps[at].mrr);
		if (steps[at].movement != NULL) {
			expect_text(bench, "cus_HrUs2VWJtENfgq", "movement", steps[at].movement);
			expect_int(bench, "cus_HrUs2VWJtENfgq", "movement_amount",
			    steps[at].amount);
		}
		verify(bench, "stripe");
		at++;
	}
	assert_int_equal(at, BH_LEN(steps));
	hooks_free(hooks);
	bench_free(bench);
}

/* Which events, each once; returns their number. */
static size_t
choose(const struct hooks *hooks, size_t *order)
{
	static const char *const skipped[] = {"invalid", "eventbridge", "thin", "bridge", NULL};
	size_t n = 0;

	for (size_t i = 0; i < hooks->n; i++)
		if (!is_of(hooks->items[i].name, skipped))
			order[n++] = i;
	return n;
}

/* Some twice, all shuffled; returns how many there are then. */
static size_t
shuffle(size_t *order, size_t n)
{
	size_t all = n;

	for (size_t i = 0; i < n / 4; i++)
		order[all++] = order[dice(n)];
	for (size_t i = all; i > 1; i--) {
		size_t j = dice(i), swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
	return all;
}

/* All events of a source, shuffled, some twice, in batches of any size: the same figures. */
static void
any_order(const char *source)
{
	struct hooks *hooks = hooks_load(source);
	size_t *order = bh_xcalloc(hooks->n * 2, sizeof(order[0]));
	char *first = NULL;

	for (int k = 0; k < ORDERS; k++) {
		struct bench *bench = world();
		size_t n = choose(hooks, order);
		char *text;

		if (k > 0)
			n = shuffle(order, n);
		unit_log_expected(true);
		for (size_t i = 0; i < n; i++) {
			feed(bench, hooks, order[i]);
			if (dice(10) == 0)
				bench_ingest(bench);
		}
		bench_ingest(bench);
		unit_log_expected(false);
		text = derived_text(bench);
		if (first == NULL)
			first = bh_xstrdup(text);
		if (strcmp(first, text) != 0) {
			print_message("%s, order %d\n", source, k);
			first_difference(first, text);
		}
		if (k < 3)
			verify(bench, source);
		free(text);
		bench_free(bench);
	}
	assert_true(strlen(first) > 1000);
	free(first);
	free(order);
	hooks_free(hooks);
}

static void
stripe_any_order(void **state BH_UNUSED)
{
	any_order("stripe");
}

static void
lago_any_order(void **state BH_UNUSED)
{
	any_order("lago");
}

static void
lostchurn_any_order(void **state BH_UNUSED)
{
	any_order("lostchurn");
}

static void
alguna_any_order(void **state BH_UNUSED)
{
	any_order("alguna");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(acme_in_order),
	    cmocka_unit_test(stripe_any_order),
	    cmocka_unit_test(lago_any_order),
	    cmocka_unit_test(lostchurn_any_order),
	    cmocka_unit_test(alguna_any_order),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
