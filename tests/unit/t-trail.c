/* The trail, and what is known of destinations. */
#include "base/base.h"

#include "base/json.h"
#include "state.h"
#include "state/target.h"
#include "state/trail.h"

static void
add(struct fixture *f, const char *text)
{
	struct trail_entry entry = {.at_ms = 1790000000000,
	    .what = "push",
	    .subject = "crm",
	    .text = text};

	trail_add(f->txn, 0, &entry);
	state_commit(f);
}

static void
newest_first_in_pages(void **state)
{
	struct fixture *f = *state;
	uint64_t before = 0;
	json_t *list;
	size_t n;
	int at = 9;

	for (int i = 0; i < 10; i++) {
		char text[20];

		snprintf(text, sizeof(text), "%d", i);
		add(f, text);
	}
	do {
		json_t *entry;
		size_t i;

		MUST(trail_list(f->txn, before, 4, &list, &f->err));
		json_array_foreach (list, i, entry) {
			assert_int_equal(atoi(bh_json_str(entry, "text")), at--);
			assert_string_equal(bh_json_str(entry, "what"), "push");
			assert_string_equal(bh_json_str(entry, "subject"), "crm");
			assert_int_equal(bh_json_int(entry, "at", 0), 1790000000000);
			before = (uint64_t)bh_json_int(entry, "stamp", 0);
		}
		n = json_array_size(list);
		json_decref(list);
		store_reset(f->txn);
	} while (n != 0);
	assert_int_equal(at, -1);
}

/* Several in one transaction keep the order in which they were counted. */
static void
several_at_once(void **state)
{
	struct fixture *f = *state;
	json_t *list, *facts = json_pack("{s:i}", "records", 7);
	struct trail_entry entry = {.what = "push", .subject = "crm", .facts = facts};

	for (unsigned i = 0; i < 300; i++) {
		char text[20];

		snprintf(text, sizeof(text), "%u", i);
		entry.text = text;
		trail_add(f->txn, i, &entry);
	}
	state_commit(f);
	json_decref(facts);
	MUST(trail_list(f->txn, 0, 1000, &list, &f->err));
	assert_int_equal(json_array_size(list), 300);
	assert_string_equal(bh_json_str(list, "0.text"), "299");
	assert_string_equal(bh_json_str(list, "299.text"), "0");
	assert_int_equal(bh_json_int(list, "0.facts.records", 0), 7);
	/* Before that commit: none of them. */
	assert_true(bh_json_int(list, "0.stamp", 0) == bh_json_int(list, "299.stamp", 1));
	store_reset(f->txn);
	json_decref(list);
	MUST(trail_list(f->txn, 1, 1000, &list, &f->err));
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
}

static void
odd_texts(void **state)
{
	struct fixture *f = *state;
	json_t *list;

	add(f, "the CRM says \xff\xc3");
	MUST(trail_list(f->txn, 0, 10, &list, &f->err));
	assert_string_equal(bh_json_str(list, "0.text"), "the CRM says ?");
	json_decref(list);
}

/* -- targets -- */

static void
descriptions(void **state)
{
	struct fixture *f = *state;
	json_t *description = json_pack("{s:[s]}", "fields", "Name"), *back;
	int64_t at_ms = 0;

	assert_int_equal(MUST(target_get(f->txn, "sf", "Account", &back, &at_ms, &f->err)), 0);
	target_put(f->txn, "sf", "Account", description, 1790000000000);
	state_commit(f);
	assert_int_equal(MUST(target_get(f->txn, "sf", "Account", &back, &at_ms, &f->err)), 1);
	assert_true(json_equal(back, description));
	assert_true(at_ms == 1790000000000);
	json_decref(back);
	assert_int_equal(MUST(target_get(f->txn, "s", "fAccount", &back, &at_ms, &f->err)), 0);
	target_drop(f->txn, "sf", "Account");
	state_commit(f);
	assert_int_equal(MUST(target_get(f->txn, "sf", "Account", &back, &at_ms, &f->err)), 0);
	json_decref(description);
}

static void
records_of_the_sandbox(void **state)
{
	struct fixture *f = *state;
	json_t *one = json_pack("{s:s}", "Name", "Example"),
	       *two = json_pack("{s:s}", "Name", "Example AG"), *list;

	target_keep(f->txn, "try", "Account", "stripe:cus_1", one);
	target_keep(f->txn, "try", "Account", "stripe:cus_2", one);
	target_keep(f->txn, "try2", "Account", "stripe:cus_3", one);
	state_commit(f);
	target_keep(f->txn, "try", "Account", "stripe:cus_1", two);
	state_commit(f);
	MUST(target_kept(f->txn, "try", 10, &list, &f->err));
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(bh_json_str(list, "0.object"), "Account");
	assert_string_equal(bh_json_str(list, "0.key"), "stripe:cus_1");
	assert_string_equal(bh_json_str(list, "0.record.Name"), "Example AG");
	json_decref(list);
	MUST(target_kept(f->txn, "try", 1, &list, &f->err));
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	json_decref(one);
	json_decref(two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(newest_first_in_pages),
	    STATE_TEST(several_at_once),
	    STATE_TEST(odd_texts),
	    STATE_TEST(descriptions),
	    STATE_TEST(records_of_the_sandbox),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
