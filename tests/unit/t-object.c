/* Canonical objects: the field table, checks, versions, merging in any order. */
#include "model/object.h"
#include "unit.h"

static void
kinds(void **state BH_UNUSED)
{
	for (int i = 1; i < OBJECT__MAX; i++)
		assert_int_equal(object_kind_of(object_kind_name((enum object_kind)i)), i);
	assert_int_equal(object_kind_of("none"), OBJECT_NONE);
	assert_int_equal(object_kind_of("Customer"), OBJECT_NONE);
	assert_string_equal(object_kind_name(OBJECT__MAX), "none");
	assert_true(object_rank(OBJECT_CUSTOMER) < object_rank(OBJECT_SUBSCRIPTION));
	assert_true(object_rank(OBJECT_SUBSCRIPTION) < object_rank(OBJECT_INVOICE));
	assert_true(object_rank(OBJECT_INVOICE) < object_rank(OBJECT_CREDIT_NOTE));
	assert_true(object_rank(OBJECT_INVOICE) < object_rank(OBJECT_INVOICE_LINE));
	assert_true(object_rank(OBJECT_RECOVERY) < object_rank(OBJECT_EVENT));
	for (int i = 0; i < OBJECT__MAX; i++)
		assert_int_equal(is_object_virtual((enum object_kind)i),
		    i == OBJECT_INVOICE_LINE || i == OBJECT_EVENT);
	assert_true(object_rank(OBJECT_INVOICE) < object_rank(OBJECT_INVOICE_LINE));
	assert_true(object_rank(OBJECT_RECOVERY) < object_rank(OBJECT_EVENT));
	for (int i = 0; i < OBJECT__MAX; i++)
		assert_int_equal(is_object_virtual((enum object_kind)i),
		    i == OBJECT_INVOICE_LINE || i == OBJECT_EVENT);
}

static void
table(void **state BH_UNUSED)
{
	size_t n;
	const struct object_field *fields = object_fields(&n);

	assert_true(n > 80);
	for (size_t i = 0; i < n; i++) {
		assert_true(fields[i].kind > OBJECT_NONE && fields[i].kind < OBJECT__MAX);
		assert_true(fields[i].type > FIELD_NONE && fields[i].type < FIELD__MAX);
		assert_true(strlen(fields[i].meaning) > 2);
		/* The first of this name is this one: no name is there twice. */
		assert_ptr_equal(object_field(fields[i].kind, fields[i].name), &fields[i]);
	}
	assert_null(object_field(OBJECT_CUSTOMER, "no_such_field"));
	assert_null(object_field(OBJECT_CUSTOMER, "period_end"));
	/* Mappings read fields by this table: versions are none. */
	for (int i = 0; i < OBJECT__MAX; i++)
		assert_null(object_field((enum object_kind)i, OBJECT_OLDER));
}

static void
checks(void **state BH_UNUSED)
{
	static const struct {
		const char *json;
		const char *error; /* NULL: good */
	} cases[] = {
	    {"{}", NULL},
	    {"{'number':'A-1','total':-5,'due_on':'2026-02-28','paid_at':'2026-02-28T10:00:00Z',"
	     "'overdue':false,'lines':[],'hosted_url':null,'attempt_count':1}",
		NULL},
	    {"{'_older':{'lines':'x'}}", NULL},
	    {"{'nummer':'A-1'}", "invoice has no field nummer"},
	    {"{'number':1}", "invoice.number has a value of the wrong type"},
	    {"{'total':1.5}", "invoice.total has a value of the wrong type"},
	    {"{'total':'15'}", "invoice.total has a value of the wrong type"},
	    {"{'due_on':'2026-02-30'}", "invoice.due_on has a value of the wrong type"},
	    {"{'due_on':'2026-02-28T10:00:00Z'}", "invoice.due_on has a value of the wrong type"},
	    {"{'paid_at':'yesterday'}", "invoice.paid_at has a value of the wrong type"},
	    {"{'overdue':'false'}", "invoice.overdue has a value of the wrong type"},
	    {"{'attempt_count':true}", "invoice.attempt_count has a value of the wrong type"},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		char text[256];
		struct bh_err err = BH_ERR_INIT;
		json_t *json;
		int rc;

		snprintf(text, sizeof(text), "%s", cases[i].json);
		for (char *s = text; *s != '\0'; s++)
			if (*s == '\'')
				*s = '"';
		assert_int_equal(bh_json_parse(text, strlen(text), &json, &err), 0);
		rc = object_check(OBJECT_INVOICE, json, &err);
		assert_int_equal(rc, cases[i].error != NULL ? -1 : 0);
		if (cases[i].error != NULL) {
			assert_string_equal(err.text, cases[i].error);
			assert_int_equal(err.code, BH_INVALID);
		}
		json_decref(json);
	}
}

static void
decimals_are_checked(void **state BH_UNUSED)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {{"12", true}, {"-0.0015", true}, {"1.", false}, {".5", false}, {"", false},
	    {"1e5", false}, {"12 ", false}};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		json_t *json = json_pack("{s:s}", "quantity", cases[i].text);

		assert_int_equal(object_check(OBJECT_SUBSCRIPTION, json, NULL),
		    cases[i].good ? 0 : -1);
		json_decref(json);
	}
}

static void
versions(void **state BH_UNUSED)
{
	/* In rising order. */
	static const struct object_version order[] = {{-5, 9, "z"}, {0, -1, ""}, {0, 0, ""},
	    {0, 0, "a"}, {0, 0, "b"}, {0, 1, "a"}, {1000, -2, ""}, {1000, 0, "evt_1"},
	    {1000, 0, "evt_2"}, {1000, 3, ""}, {2000, 0, ""}};

	for (size_t i = 0; i < BH_LEN(order); i++) {
		for (size_t k = 0; k < BH_LEN(order); k++) {
			int way = object_version_compare(&order[i], &order[k]);

			assert_int_equal((way > 0) - (way < 0), (i > k) - (i < k));
		}
	}
}

static void
state_release(struct object_state *held)
{
	json_decref(held->fields);
	*held = (struct object_state){0};
}

static int
apply(struct object_state *held, const struct object_change *change)
{
	struct object_state after;
	int news = object_merge(held, change, &after);

	if (news == 1) {
		state_release(held);
		*held = after;
	} else {
		assert_null(after.fields);
	}
	return news;
}

static json_t *
fields_of(const char *text)
{
	char copy[200];
	json_t *json;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *s = copy; *s != '\0'; s++)
		if (*s == '\'')
			*s = '"';
	assert_int_equal(bh_json_parse(copy, strlen(copy), &json, NULL), 0);
	return json;
}

struct step {
	int64_t at_ms;
	bool partial, deleted;
	const char *fields;
};

/* Merge the steps in the order given; the caller releases held. */
static void
play(const struct step *steps, const int *order, size_t n, struct object_state *held)
{
	*held = (struct object_state){0};
	for (size_t i = 0; i < n; i++) {
		const struct step *step = &steps[order[i]];
		struct object_change change = {
		    .kind = OBJECT_INVOICE,
		    .version = {.at_ms = step->at_ms},
		    .partial = step->partial,
		    .deleted = step->deleted,
		    .fields = fields_of(step->fields),
		};

		apply(held, &change);
		assert_int_equal(apply(held, &change), 0); /* a duplicate is never news */
		json_decref(change.fields);
	}
}

static void
expect_fields(const struct object_state *held, const char *want)
{
	json_t *expected = fields_of(want), *fields = json_copy(held->fields);

	json_object_del(fields, OBJECT_OLDER);
	if (!json_equal(expected, fields)) {
		char *is = bh_json_text(fields);

		fail_msg("%s is not %s", is, want);
	}
	json_decref(expected);
	json_decref(fields);
}

/* Each table of steps gives the same in all orders of its steps. */
static void
merging(void **state BH_UNUSED)
{
	static const struct {
		struct step steps[4];
		const char *want;
		bool deleted;
	} cases[] = {
	    /* whole changes: the newest stands alone */
	    {{{1, false, false, "{'number':'a','total':1}"}, {2, false, false, "{'number':'b'}"},
		 {3, false, false, "{'number':'c','tax':3}"}, {0, false, false, "{'type':'x'}"}},
		"{'number':'c','tax':3}", false},
	    /* partial ones: each field by itself */
	    {{{1, true, false, "{'number':'a','total':1,'tax':1}"},
		 {2, true, false, "{'number':'b'}"}, {3, true, false, "{'total':3}"},
		 {0, true, false, "{'type':'x','tax':0}"}},
		"{'number':'b','total':3,'tax':1,'type':'x'}", false},
	    /* a whole one in between clears what is older, not what is newer */
	    {{{1, true, false, "{'number':'a','tax':1}"},
		 {2, false, false, "{'number':'b','total':2}"}, {3, true, false, "{'total':3}"},
		 {0, true, false, "{'type':'x'}"}},
		"{'number':'b','total':3}", false},
	    /* a deletion is final for what is partial or older */
	    {{{1, false, false, "{'number':'a'}"}, {2, true, true, "{}"},
		 {3, true, false, "{'total':3}"}, {0, true, false, "{'number':'z'}"}},
		"{'number':'a','total':3}", true},
	    /* a whole change after a deletion: it lives again */
	    {{{1, false, false, "{'number':'a'}"}, {2, false, true, "{'number':'b'}"},
		 {4, true, false, "{'tax':4}"}, {3, false, false, "{'number':'c'}"}},
		"{'number':'c','tax':4}", false},
	    /* null is a value */
	    {{{1, true, false, "{'number':'a'}"}, {2, true, false, "{'number':null}"},
		 {3, true, false, "{'tax':3}"}, {0, true, false, "{'number':'z'}"}},
		"{'number':null,'tax':3}", false},
	};

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct object_state first = {0};

		for (int k = 0; k < 24; k++) {
			int order[4] = {0, 1, 2, 3};
			struct object_state held;

			/* The kth permutation. */
			for (int at = 0, left = k, n = 4; n > 1; at++, left /= n, n--) {
				int pick = at + left % n, swap = order[at];

				order[at] = order[pick];
				order[pick] = swap;
			}
			play(cases[i].steps, order, 4, &held);
			expect_fields(&held, cases[i].want);
			assert_int_equal(held.deleted, cases[i].deleted);
			assert_int_equal(object_check(OBJECT_INVOICE, held.fields, NULL), 0);
			if (k == 0) {
				first = held;
				continue;
			}
			assert_true(json_equal(first.fields, held.fields));
			assert_int_equal(object_version_compare(&first.version, &held.version), 0);
			state_release(&held);
		}
		state_release(&first);
	}
}

/* A world of random changes ends the same way in every order. */
static void
random_orders(void **state BH_UNUSED)
{
	static const char *const names[] = {"number", "type", "billing_reason", "source_status"};
	struct object_change changes[7];
	uint32_t seed = 20261122;

	for (int world = 0; world < 300; world++) {
		json_t *first = NULL;

		for (size_t i = 0; i < BH_LEN(changes); i++) {
			char value[16];

			seed = seed * 1664525 + 1013904223;
			changes[i] = (struct object_change){
			    .kind = OBJECT_INVOICE,
			    .version = {.at_ms = seed >> 30, .rank = (int)(seed >> 27 & 1)},
			    .partial = (seed >> 26 & 1) != 0,
			    .deleted = (seed >> 23 & 7) == 0,
			    .fields = json_object(),
			};
			snprintf(changes[i].version.tie, sizeof(changes[i].version.tie), "evt_%zu",
			    i);
			snprintf(value, sizeof(value), "value %zu", i);
			for (size_t f = 0; f < BH_LEN(names); f++)
				if ((seed >> (10 + f) & 1) != 0)
					json_object_set_new(changes[i].fields, names[f],
					    json_string(value));
		}
		for (int round = 0; round < 20; round++) {
			struct object_state held = {0};
			json_t *end;

			for (size_t i = BH_LEN(changes) - 1; i > 0; i--) {
				struct object_change swap = changes[i];
				size_t pick;

				seed = seed * 1664525 + 1013904223;
				pick = (seed >> 8) % (i + 1);
				changes[i] = changes[pick];
				changes[pick] = swap;
			}
			for (size_t i = 0; i < BH_LEN(changes); i++) {
				apply(&held, &changes[i]);
				seed = seed * 1664525 + 1013904223;
				apply(&held, &changes[(seed >> 8) % (i + 1)]);
			}
			end = json_pack("{s:I, s:i, s:s, s:b, s:O}", "at",
			    (json_int_t)held.version.at_ms, "rank", held.version.rank, "tie",
			    held.version.tie, "deleted", held.deleted, "fields", held.fields);
			if (first == NULL)
				first = json_incref(end);
			assert_true(json_equal(first, end));
			json_decref(end);
			state_release(&held);
		}
		json_decref(first);
		for (size_t i = 0; i < BH_LEN(changes); i++)
			json_decref(changes[i].fields);
	}
}

/* An erasure ends with the next news, be it partial, in any order; a deletion at the source does not. */
static void
after_an_erasure(void **state BH_UNUSED)
{
	static const struct step steps[] = {{90, true, false, "{'number':'late'}"},
	    {110, true, false, "{'number':'A-1'}"}, {120, true, false, "{'total':5}"},
	    {95, false, false, "{'total':9,'status':'late'}"}};
	static const int orders[][4] = {{0, 1, 2, 3}, {2, 1, 0, 3}, {3, 2, 0, 1}, {1, 3, 2, 0}};

	for (size_t i = 0; i < 2 * BH_LEN(orders); i++) {
		bool is_erasure = i % 2 == 0;
		struct object_state held = {.version = {.at_ms = 100},
		    .deleted = true,
		    .fields = json_object()};

		if (is_erasure)
			snprintf(held.version.tie, sizeof(held.version.tie), OBJECT_TIE_ERASED);
		for (size_t k = 0; k < 4; k++) {
			const struct step *step = &steps[orders[i / 2][k]];
			struct object_change change = {.kind = OBJECT_INVOICE,
			    .version = {.at_ms = step->at_ms},
			    .partial = step->partial,
			    .fields = fields_of(step->fields)};

			apply(&held, &change);
			json_decref(change.fields);
		}
		assert_int_equal(held.deleted, !is_erasure);
		assert_string_equal(bh_json_str(held.fields, "number"), "A-1");
		assert_int_equal(bh_json_int(held.fields, "total", 0), 5);
		assert_null(bh_json_str(held.fields, "status"));
		state_release(&held);
	}
}

static void
change_lists(void **state BH_UNUSED)
{
	struct object_changes changes = {0};

	for (int i = 0; i < 9; i++) {
		struct object_change *change =
		    object_changes_add(&changes, OBJECT_CUSTOMER, "cus_1");

		assert_string_equal(change->id, "cus_1");
		assert_null(change->fields);
		change->fields = json_object();
	}
	assert_int_equal(changes.n, 9);
	object_changes_release(&changes);
	assert_int_equal(changes.n, 0);
	assert_null(changes.items);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds),
	    cmocka_unit_test(table),
	    cmocka_unit_test(checks),
	    cmocka_unit_test(decimals_are_checked),
	    cmocka_unit_test(versions),
	    cmocka_unit_test(merging),
	    cmocka_unit_test(random_orders),
	    cmocka_unit_test(after_an_erasure),
	    cmocka_unit_test(change_lists),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
