/* Records: the hash changes exactly when something that is pushed changes. */
#include "base/base.h"

#include "model/record.h"
#include "unit.h"

/* The record that all tests compare with. */
static struct record *
sample(void)
{
	struct record *record = record_new("companies", "billhook_id", "stripe:cus_1");
	struct record_parent *parent;

	record_take_field(record, "name", RECORD_TEXT, json_string("Example GmbH"));
	record_take_field(record, "mrr", RECORD_NUMBER, json_string("12.50"));
	record_take_field(record, "phone", RECORD_TEXT, json_null());
	parent =
	    record_add_parent(record, "Parent__c", "Account", "Billhook_Id__c", "stripe:cus_0");
	parent->is_new = false;
	return record;
}

static void
set_text(char **at, const char *text)
{
	free(*at);
	*at = bh_xstrdup(text);
}

static void
set_value(struct record *record, size_t i, json_t *value)
{
	json_decref(record->fields[i].value);
	record->fields[i].value = value;
}

/* Each change of something that is pushed. */
static void
change(struct record *r, int what)
{
	struct record_parent *parent;
	struct record_field swap;

	switch (what) {
	case 0:
		set_text(&r->object, "contacts");
		break;
	case 1:
		set_text(&r->key_field, "other_id");
		break;
	case 2:
		set_text(&r->key, "stripe:cus_2");
		break;
	case 3:
		set_text(&r->fields[0].name, "legal_name");
		break;
	case 4:
		set_value(r, 0, json_string("Example AG"));
		break;
	case 5:
		set_value(r, 0, json_null());
		break;
	case 6:
		set_value(r, 2, json_string(""));
		break;
	case 7:
		r->fields[1].type = RECORD_TEXT;
		break;
	case 8:
		set_value(r, 1, json_string("12.5"));
		break;
	case 9:
		record_take_field(r, "active", RECORD_BOOL, json_true());
		break;
	case 10:
		record_take_field(r, "active", RECORD_BOOL, json_false());
		break;
	case 11:
		json_decref(r->fields[--r->fields_n].value);
		free(r->fields[r->fields_n].name);
		break;
	case 12:
		swap = r->fields[0];
		r->fields[0] = r->fields[1];
		r->fields[1] = swap;
		break;
	case 13:
		set_text(&r->parents[0].key, "stripe:cus_9");
		break;
	case 14:
		set_text(&r->parents[0].field, "Owner__c");
		break;
	case 15:
		set_text(&r->parents[0].object, "Contact");
		break;
	case 16:
		parent =
		    record_add_parent(r, "Second__c", "Account", "Billhook_Id__c", "stripe:cus_0");
		parent->is_new = false;
		break;
	case 17:
		set_text(&r->parents[0].key_field, "Other_Id__c");
		break;
	default:
		fail_msg("no change %d", what);
	}
}
#define CHANGES 18

static void
every_pushed_change_shows(void **state BH_UNUSED)
{
	char hashes[CHANGES + 1][65];

	for (int i = 0; i <= CHANGES; i++) {
		struct record *record = sample();

		if (i < CHANGES)
			change(record, i);
		record_hash(record, hashes[i]);
		assert_int_equal(strlen(hashes[i]), 64);
		for (int k = 0; k < i; k++)
			if (strcmp(hashes[i], hashes[k]) == 0)
				fail_msg("%d and %d hash alike", i, k);
		record_free(&record);
		assert_null(record);
	}
}

/* What the CRM told us, or what only steers the push, is not content. */
static void
ids_do_not_show(void **state BH_UNUSED)
{
	struct record *a = sample(), *b = sample();
	char hash_a[65], hash_b[65];

	b->remote_id = bh_xstrdup("001000000000001AAA");
	b->matched = true;
	b->parents[0].remote_id = bh_xstrdup("001000000000002AAA");
	b->parents[0].is_new = true;
	b->parents[0].mapped = 3;
	b->parents[0].source_id = bh_xstrdup("cus_0");
	record_hash(a, hash_a);
	record_hash(b, hash_b);
	assert_string_equal(hash_a, hash_b);
	record_free(&a);
	record_free(&b);
}

static void
same_content_hashes_alike(void **state BH_UNUSED)
{
	struct record *a = sample(), *b = sample();
	char hash_a[65], hash_b[65];
	json_t *nested = json_object();

	record_take_field(a, "x", RECORD_TEXT, json_pack("{s:i, s:i}", "one", 1, "two", 2));
	json_object_set_new(nested, "two", json_integer(2));
	json_object_set_new(nested, "one", json_integer(1));
	record_take_field(b, "x", RECORD_TEXT, nested);
	record_hash(a, hash_a);
	record_hash(b, hash_b);
	assert_string_equal(hash_a, hash_b);
	record_free(&a);
	record_free(&b);
}

/* Texts chosen so that three fields spell two parents. */
static void
fields_are_no_parents(void **state BH_UNUSED)
{
	struct record *a = record_new("o", "k", "1"), *b = record_new("o", "k", "1");
	char hash_a[65], hash_b[65];

	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"A", "B", "C"};

		record_take_field(a, names[i], RECORD_TEXT, json_string("x"));
	}
	record_add_parent(b, "A", "0\"x\"", "", "B");
	record_add_parent(b, "0\"x\"", "C", "", "0\"x\"");
	record_hash(a, hash_a);
	record_hash(b, hash_b);
	assert_string_not_equal(hash_a, hash_b);
	record_free(&a);
	record_free(&b);
}

static void
empty_record(void **state BH_UNUSED)
{
	struct record *record = record_new("", "", ""), *none = NULL;
	char hash[65];

	record_hash(record, hash);
	assert_int_equal(strlen(hash), 64);
	record_free(&record);
	record_free(&none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_pushed_change_shows),
	    cmocka_unit_test(ids_do_not_show),
	    cmocka_unit_test(same_content_hashes_alike),
	    cmocka_unit_test(fields_are_no_parents),
	    cmocka_unit_test(empty_record),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
