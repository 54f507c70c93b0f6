/* Fields that are not always ours: which of them a push writes, and what it asks for that. */
#include "base/base.h"

#include "base/clock.h"
#include "fakecrm.h"
#include "sync/conflict.h"
#include "unit.h"

#define HIDDEN "(hidden)"
#define NOTHING "(nothing)"
#define NEVER NULL /* we never wrote it */

/* Who else may be in the CRM. */
struct stage {
	struct bench *bench;
	struct fake_lane open;
};

static void
stage_open(struct stage *stage)
{
	fake_init();
	stage->bench = bench_new("salesforce");
	fake_open(stage->bench, &stage->open);
}

static void
stage_close(struct stage *stage)
{
	fake_close(&stage->open);
	bench_free(stage->bench);
	fake_release();
}

/* A text, or JSON null for NOTHING. */
static json_t *
value_of(const char *text)
{
	return strcmp(text, NOTHING) == 0 ? json_null() : json_string(text);
}

static void
add_field(struct render_item *item, const char *name, enum record_type type, enum record_when when,
    json_t *value_take)
{
	record_take_field(item->record, name, type, value_take);
	item->record->fields[item->record->fields_n - 1].when = when;
}

static const struct record_field *
field_of(const struct render_item *item, const char *name)
{
	for (size_t i = 0; i < item->record->fields_n; i++)
		if (strcmp(item->record->fields[i].name, name) == 0)
			return &item->record->fields[i];
	return NULL;
}

/* remote_id NULL: it is about to be made. */
static void
item_init(struct render_item *item, const char *remote_id)
{
	memset(item, 0, sizeof(*item));
	item->record = record_new("Account", "Key__c", "stripe:cus_1");
	item->record->remote_id = remote_id != NULL ? bh_xstrdup(remote_id) : NULL;
}

static void
resolve(struct stage *stage, struct render_item *items, size_t n)
{
	if (conflict_resolve(&stage->open.lane, items, n, &stage->bench->err) < 0)
		fail_msg("%s", stage->bench->err.text);
}

/* What is kept once text was written into the field F. */
static void
write_before(struct stage *stage, struct render_item *item, enum record_when when, const char *text)
{
	struct render_item before;

	item_init(&before, NULL);
	add_field(&before, "F", RECORD_TEXT, when, value_of(text));
	resolve(stage, &before, 1);
	assert_non_null(field_of(&before, "F"));
	snprintf(item->link.kept, sizeof(item->link.kept), "%s", before.kept);
	render_release(&before, 1);
}

/* -- the table of conflict.h -- */

static void
each_cell(void **state BH_UNUSED)
{
	static const struct {
		enum record_when when;
		const char *wrote, *held, *wanted;
		bool is_written;
		int reads;
	} cells[] = {
	    {RECORD_IF_EMPTY, NEVER, NOTHING, "new", true, 1},
	    {RECORD_IF_EMPTY, "old", NOTHING, "new", true, 1},
	    {RECORD_IF_EMPTY, NOTHING, NOTHING, "new", true, 1},
	    {RECORD_IF_EMPTY, "old", "old", "new", true, 1},
	    {RECORD_IF_EMPTY, "old", "old", NOTHING, true, 1},
	    {RECORD_IF_EMPTY, "old", "theirs", "new", false, 1},
	    {RECORD_IF_EMPTY, NEVER, "theirs", "new", false, 1},
	    {RECORD_IF_EMPTY, NOTHING, "theirs", "new", false, 1},
	    {RECORD_IF_EMPTY, NEVER, HIDDEN, "new", false, 1},
	    {RECORD_IF_UNCHANGED, NEVER, NOTHING, "new", true, 1},
	    {RECORD_IF_UNCHANGED, "old", NOTHING, "new", false, 1},
	    {RECORD_IF_UNCHANGED, NOTHING, NOTHING, "new", true, 1},
	    {RECORD_IF_UNCHANGED, "old", "old", "new", true, 1},
	    {RECORD_IF_UNCHANGED, "old", "old", NOTHING, true, 1},
	    {RECORD_IF_UNCHANGED, "old", "theirs", "new", false, 1},
	    {RECORD_IF_UNCHANGED, NEVER, "theirs", "new", false, 1},
	    {RECORD_IF_UNCHANGED, NOTHING, "theirs", "new", false, 1},
	    {RECORD_IF_UNCHANGED, "old", HIDDEN, "new", false, 1},
	    /* What the CRM holds is what we want: no person's will is broken. */
	    {RECORD_IF_EMPTY, NEVER, "new", "new", true, 1},
	    {RECORD_IF_UNCHANGED, "old", "new", "new", true, 1},
	    /* Our value is the one that we wrote: nothing is asked, nothing written. */
	    {RECORD_IF_EMPTY, "new", "theirs", "new", false, 0},
	    {RECORD_IF_EMPTY, "new", NOTHING, "new", false, 0},
	    {RECORD_IF_UNCHANGED, "new", "theirs", "new", false, 0},
	    {RECORD_IF_UNCHANGED, NOTHING, "theirs", NOTHING, false, 0},
	    {RECORD_ON_CREATE, NEVER, NOTHING, "new", false, 0},
	    {RECORD_ON_CREATE, NEVER, "theirs", "new", false, 0},
	    {RECORD_ALWAYS, NEVER, "theirs", "new", true, 0},
	};
	struct stage stage;

	stage_open(&stage);
	for (size_t i = 0; i < BH_LEN(cells); i++) {
		struct render_item item;
		size_t reads = fake.reads;

		fake_add("001", "Account", "{}");
		json_object_set_new(json_object_get(json_object_get(fake.records, "001"), "fields"),
		    "F", value_of(cells[i].held));
		fake.hidden = strcmp(cells[i].held, HIDDEN) == 0 ? "F" : NULL;
		item_init(&item, "001");
		if (cells[i].wrote != NULL)
			write_before(&stage, &item, RECORD_IF_EMPTY, cells[i].wrote);
		add_field(&item, "F", RECORD_TEXT, cells[i].when, value_of(cells[i].wanted));
		resolve(&stage, &item, 1);
		if ((field_of(&item, "F") != NULL) != cells[i].is_written ||
		    (int)(fake.reads - reads) != cells[i].reads)
			fail_msg("cell %zu: written %d, %zu reads", i, field_of(&item, "F") != NULL,
			    fake.reads - reads);
		assert_string_equal(item.unseen,
		    cells[i].reads > 0 && fake.hidden != NULL ? "F" : "");
		render_release(&item, 1);
	}
	stage_close(&stage);
}

/* A record that is about to be made gets everything, without a question. */
static void
new_record_gets_all(void **state BH_UNUSED)
{
	struct render_item item;
	struct stage stage;

	stage_open(&stage);
	item_init(&item, NULL);
	add_field(&item, "A", RECORD_TEXT, RECORD_ON_CREATE, json_string("a"));
	add_field(&item, "B", RECORD_TEXT, RECORD_IF_EMPTY, json_string("b"));
	add_field(&item, "C", RECORD_TEXT, RECORD_IF_UNCHANGED, json_string("c"));
	add_field(&item, "D", RECORD_TEXT, RECORD_ALWAYS, json_string("d"));
	resolve(&stage, &item, 1);
	assert_int_equal(item.record->fields_n, 4);
	assert_int_equal(fake.reads, 0);
	assert_int_equal(strlen(item.kept), 2 * 16); /* B and C */
	render_release(&item, 1);
	stage_close(&stage);
}

/* What was left to a person is not taken for ours afterwards; what was written is. */
static void
kept_follows_what_is_written(void **state BH_UNUSED)
{
	struct render_item first, second;
	struct stage stage;

	stage_open(&stage);
	fake_add("001", "Account", "{'A':'theirs','B':null}");
	item_init(&first, "001");
	add_field(&first, "A", RECORD_TEXT, RECORD_IF_UNCHANGED, json_string("ours"));
	add_field(&first, "B", RECORD_TEXT, RECORD_IF_UNCHANGED, json_string("ours"));
	resolve(&stage, &first, 1);
	assert_null(field_of(&first, "A"));
	assert_non_null(field_of(&first, "B"));

	fake_add("001", "Account", "{'A':'theirs','B':'ours'}");
	item_init(&second, "001");
	snprintf(second.link.kept, sizeof(second.link.kept), "%s", first.kept);
	add_field(&second, "A", RECORD_TEXT, RECORD_IF_UNCHANGED, json_string("newer"));
	add_field(&second, "B", RECORD_TEXT, RECORD_IF_UNCHANGED, json_string("newer"));
	resolve(&stage, &second, 1);
	assert_null(field_of(&second, "A"));
	assert_non_null(field_of(&second, "B"));
	assert_int_equal(strlen(second.kept), 16);
	render_release(&first, 1);
	render_release(&second, 1);
	stage_close(&stage);
}

/* A push died while it wrote "sent": whether that arrived or not, it is ours, and nothing else is. */
static void
push_that_died(void **state BH_UNUSED)
{
	static const struct {
		const char *wrote, *held, *wanted;
		bool is_written;
	} cases[] = {
	    {"old", "sent", "newer", true},
	    {"old", "old", "newer", true},
	    {"old", "old", "sent", true},
	    {"old", "theirs", "newer", false},
	    {"old", NOTHING, "newer", false},
	    {NEVER, "sent", "newer", true},
	    {NEVER, NOTHING, "sent", true},
	    {NEVER, "theirs", "newer", false},
	};
	struct stage stage;

	stage_open(&stage);
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		struct render_item died, item;

		fake_add("001", "Account", "{}");
		json_object_set_new(json_object_get(json_object_get(fake.records, "001"), "fields"),
		    "F", value_of(cases[i].wrote != NULL ? cases[i].wrote : NOTHING));
		item_init(&died, "001");
		if (cases[i].wrote != NULL)
			write_before(&stage, &died, RECORD_IF_UNCHANGED, cases[i].wrote);
		add_field(&died, "F", RECORD_TEXT, RECORD_IF_UNCHANGED, value_of("sent"));
		resolve(&stage, &died, 1);
		json_object_set_new(json_object_get(json_object_get(fake.records, "001"), "fields"),
		    "F", value_of(cases[i].held));
		item_init(&item, "001");
		snprintf(item.link.kept, sizeof(item.link.kept), "%s", died.meant);
		add_field(&item, "F", RECORD_TEXT, RECORD_IF_UNCHANGED, value_of(cases[i].wanted));
		resolve(&stage, &item, 1);
		if ((field_of(&item, "F") != NULL) != cases[i].is_written)
			fail_msg("case %zu: written %d", i, field_of(&item, "F") != NULL);
		/* Once it is settled there is one value again. */
		if (cases[i].is_written)
			assert_int_equal(strlen(item.kept), 16);
		render_release(&died, 1);
		render_release(&item, 1);
	}
	stage_close(&stage);
}

/* The CRM took the record but not all of it: what is not there is no person's doing. */
static void
field_that_the_crm_left_out(void **state BH_UNUSED)
{
	static const char *const wanted[] = {"refused", "mended"};
	struct link_dirty_entry entry = {.id = {"crm", 0, "s", "account", "", "cus_1"}};
	struct stage stage;

	stage_open(&stage);
	fake_add("001", "Account", "{}");
	for (size_t i = 0; i < BH_LEN(wanted); i++) {
		struct dest_result result = {.outcome = DEST_APPLIED};
		struct render_item item, again;

		item_init(&item, "001");
		item.entry = &entry;
		add_field(&item, "F", RECORD_TEXT, RECORD_IF_UNCHANGED, value_of("refused"));
		resolve(&stage, &item, 1);
		dest_result_set(&result, DEST_APPLIED, "INVALID_EMAIL", "written without F", "");
		assert_int_equal(settle_items(&stage.open.run, &item, 1, &result,
				     &stage.bench->err),
		    0);
		item_init(&again, "001");
		again.link = item.link;
		add_field(&again, "F", RECORD_TEXT, RECORD_IF_UNCHANGED, value_of(wanted[i]));
		resolve(&stage, &again, 1);
		assert_non_null(field_of(&again, "F"));
		render_release(&item, 1);
		render_release(&again, 1);
	}
	stage_close(&stage);
}

/* -- digests -- */

/* as JSON */
static void
digest(char out[CONFLICT_DIGEST + 1], enum record_type type, const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(value);
	conflict_digest(out, type, value);
	json_decref(value);
}

/* What a CRM makes of a value is no person's change; another value is. */
static void
digests(void **state BH_UNUSED)
{
	static const struct {
		enum record_type type;
		const char *ours, *theirs;
		bool is_same;
	} pairs[] = {
	    {RECORD_TEXT, "\"Ada\"", "\"Ada\"", true},
	    {RECORD_TEXT, "\"Ada\"", "\" Ada\\n\"", true},
	    {RECORD_TEXT, "\"a\\nb\"", "\"a\\r\\nb\"", true},
	    {RECORD_TEXT, "\"Ada@Example.com\"", "\"ada@example.com\"", true},
	    {RECORD_TEXT, "\"\"", "null", true},
	    {RECORD_TEXT, "\"  \"", "null", true},
	    {RECORD_TEXT, "\"Ada\"", "\"Bob\"", false},
	    {RECORD_TEXT, "\"a b\"", "\"ab\"", false},
	    {RECORD_TEXT, "\"1\"", "\"1.0\"", false},
	    {RECORD_TEXT, "\"0\"", "null", false},
	    {RECORD_ENUM, "\"open\"", "\"open\"", true},
	    {RECORD_ENUM, "\"open\"", "\"paid\"", false},
	    {RECORD_NUMBER, "\"12.50\"", "\"12.5\"", true},
	    {RECORD_NUMBER, "\"12.00\"", "\"12\"", true},
	    {RECORD_NUMBER, "\"100\"", "\"100.0\"", true},
	    {RECORD_NUMBER, "\"0.00\"", "\"0\"", true},
	    {RECORD_NUMBER, "\"-1.10\"", "\"-1.1\"", true},
	    {RECORD_NUMBER, "\"12.50\"", "12.5", true},
	    {RECORD_NUMBER, "\"12.00\"", "12", true},
	    {RECORD_NUMBER, "\"100\"", "\"1\"", false},
	    {RECORD_NUMBER, "\"0\"", "null", false},
	    {RECORD_NUMBER, "\"1.05\"", "\"1.5\"", false},
	    {RECORD_NUMBER, "\"1\"", "\"-1\"", false},
	    {RECORD_BOOL, "true", "true", true},
	    {RECORD_BOOL, "false", "null", true}, /* a checkbox is never empty */
	    {RECORD_BOOL, "true", "false", false},
	    {RECORD_DATE, "\"2026-10-01\"", "\"2026-10-01\"", true},
	    {RECORD_DATE, "\"2026-10-01\"", "\"2026-10-02\"", false},
	    {RECORD_TIME, "\"2026-10-01T10:00:00Z\"", "\"2026-10-01T10:00:00.000Z\"", true},
	    {RECORD_TIME, "\"2026-10-01T10:00:00.789Z\"", "\"2026-10-01T10:00:00Z\"", true},
	    {RECORD_TIME, "\"2026-10-01T10:00:00Z\"", "\"2026-10-01T12:00:00+02:00\"", true},
	    {RECORD_TIME, "\"2026-10-01T10:00:00Z\"", "\"2026-10-01T10:00:01Z\"", false},
	    {RECORD_TIME, "\"2026-10-01T10:00:00Z\"", "null", false},
	};

	for (size_t i = 0; i < BH_LEN(pairs); i++) {
		char a[CONFLICT_DIGEST + 1], b[CONFLICT_DIGEST + 1];

		digest(a, pairs[i].type, pairs[i].ours);
		digest(b, pairs[i].type, pairs[i].theirs);
		assert_int_equal(strlen(a), CONFLICT_DIGEST);
		if ((strcmp(a, b) == 0) != pairs[i].is_same)
			fail_msg("%s and %s", pairs[i].ours, pairs[i].theirs);
	}
}

/* -- reading -- */

/* One call for all records that need it, and only for the fields that do. */
static void
one_read_for_a_batch(void **state BH_UNUSED)
{
	struct render_item items[20];
	struct stage stage;
	char id[24];

	stage_open(&stage);
	for (size_t i = 0; i < BH_LEN(items); i++) {
		snprintf(id, sizeof(id), "%03zu", i);
		fake_add(id, "Account", "{'F':null}");
		item_init(&items[i], i < 15 ? id : NULL);
		add_field(&items[i], "F", RECORD_TEXT, RECORD_IF_EMPTY, json_string("f"));
		add_field(&items[i], "G", RECORD_TEXT, RECORD_ALWAYS, json_string("g"));
		items[i].verdict = i == 3 ? RENDER_SAME : i == 4 ? RENDER_WAITING : RENDER_SEND;
	}
	fake.missing = "G"; /* it must not be asked for */
	resolve(&stage, items, BH_LEN(items));
	assert_int_equal(fake.reads, 1);
	assert_int_equal(fake.readings, 13);
	assert_int_equal(strlen(items[3].kept), 0);
	assert_int_equal(strlen(items[0].kept), 16);
	render_release(items, BH_LEN(items));
	stage_close(&stage);
}

/* A field or object that cannot be read is left alone; the others are sent, nothing fails. */
static void
unreadable_is_left_alone(void **state BH_UNUSED)
{
	struct render_item item;
	struct stage stage;

	stage_open(&stage);
	fake_add("001", "Account", "{}");
	fake.missing = "F";
	item_init(&item, "001");
	add_field(&item, "F", RECORD_TEXT, RECORD_IF_EMPTY, json_string("f"));
	add_field(&item, "G", RECORD_TEXT, RECORD_ALWAYS, json_string("g"));
	unit_log_expected(true);
	resolve(&stage, &item, 1);
	unit_log_expected(false);
	assert_null(field_of(&item, "F"));
	assert_non_null(field_of(&item, "G"));
	assert_string_equal(item.kept, "");
	assert_string_equal(item.unseen, "F");
	render_release(&item, 1);
	stage_close(&stage);
}

/* A record that is gone shows nothing of itself: the push will tell. */
static void
record_that_is_gone(void **state BH_UNUSED)
{
	struct render_item item;
	struct stage stage;

	stage_open(&stage);
	item_init(&item, "009");
	add_field(&item, "F", RECORD_TEXT, RECORD_IF_EMPTY, json_string("f"));
	resolve(&stage, &item, 1);
	assert_null(field_of(&item, "F"));
	render_release(&item, 1);
	stage_close(&stage);
}

/* A CRM of which nothing can be read: a person's value is safe there, too. */
static void
driver_that_cannot_read(void **state BH_UNUSED)
{
	struct dest_driver blind;
	struct render_item items[2];
	struct stage stage;

	stage_open(&stage);
	blind = *stage.open.lane.driver;
	blind.read = NULL;
	stage.open.lane.driver = &blind;
	for (size_t i = 0; i < 2; i++) {
		item_init(&items[i], i == 0 ? "001" : NULL);
		add_field(&items[i], "F", RECORD_TEXT, RECORD_IF_EMPTY, json_string("f"));
		add_field(&items[i], "G", RECORD_TEXT, RECORD_ALWAYS, json_string("g"));
	}
	resolve(&stage, items, 2);
	assert_null(field_of(&items[0], "F"));
	assert_non_null(field_of(&items[0], "G"));
	assert_int_equal(items[1].record->fields_n, 2); /* a new one gets all */
	render_release(items, 2);
	stage_close(&stage);
}

/* In a sandbox nobody else writes: its records stay whole. */
static void
sandbox_keeps_all(void **state BH_UNUSED)
{
	struct dest_driver sandbox;
	struct render_item item;
	struct stage stage;

	stage_open(&stage);
	sandbox = *stage.open.lane.driver;
	sandbox.read = NULL;
	sandbox.caps |= DEST_CAP_KEEP;
	stage.open.lane.driver = &sandbox;
	item_init(&item, "001");
	write_before(&stage, &item, RECORD_IF_UNCHANGED, "f");
	add_field(&item, "F", RECORD_TEXT, RECORD_IF_UNCHANGED, json_string("f"));
	add_field(&item, "G", RECORD_TEXT, RECORD_IF_EMPTY, json_string("g"));
	add_field(&item, "H", RECORD_TEXT, RECORD_ON_CREATE, json_string("h"));
	resolve(&stage, &item, 1);
	assert_int_equal(item.record->fields_n, 3);
	render_release(&item, 1);
	stage_close(&stage);
}

/* -- more fields than are kept -- */

static void
add_many(struct render_item *item, size_t n, const char *value)
{
	char name[24];

	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "F%zu", i);
		add_field(item, name, RECORD_TEXT, RECORD_IF_UNCHANGED, json_string(value));
	}
}

/* Those that do not fit count as a person's as soon as the CRM holds something. */
static void
more_fields_than_are_kept(void **state BH_UNUSED)
{
	const size_t n = LINK_KEPT_MAX + 3;
	struct render_item first, second;
	struct stage stage;
	size_t written = 0;

	stage_open(&stage);
	item_init(&first, NULL);
	add_many(&first, n, "old");
	resolve(&stage, &first, 1);
	assert_int_equal(first.record->fields_n, n);
	assert_int_equal(strlen(first.kept), sizeof(first.kept) - 1);

	fake_add("001", "Account", "{}");
	for (size_t i = 0; i < n; i++)
		json_object_set(json_object_get(json_object_get(fake.records, "001"), "fields"),
		    first.record->fields[i].name, first.record->fields[i].value);
	item_init(&second, "001");
	snprintf(second.link.kept, sizeof(second.link.kept), "%s", first.kept);
	add_many(&second, n, "new");
	resolve(&stage, &second, 1);
	for (size_t i = 0; i < n; i++)
		written += field_of(&second, first.record->fields[i].name) != NULL;
	assert_int_equal(written, LINK_KEPT_MAX);
	assert_int_equal(strlen(second.kept), sizeof(second.kept) - 1);
	assert_string_not_equal(second.kept, first.kept);
	render_release(&first, 1);
	render_release(&second, 1);
	stage_close(&stage);
}

/* -- when it cannot be asked -- */

static void
dead_token_is_replaced_once(void **state BH_UNUSED)
{
	struct render_item item;
	struct stage stage;
	size_t tokens;

	stage_open(&stage);
	tokens = fake.tokens;
	fake_add("001", "Account", "{'F':null}");
	fake.is_token_dead = true;
	item_init(&item, "001");
	add_field(&item, "F", RECORD_TEXT, RECORD_IF_EMPTY, json_string("f"));
	resolve(&stage, &item, 1);
	assert_int_equal(fake.tokens, tokens + 1);
	assert_int_equal(fake.reads, 2);
	assert_non_null(field_of(&item, "F"));
	render_release(&item, 1);

	/* One that stays dead is not asked for for ever. */
	fake.fault = "read";
	fake.fault_code = BH_DENIED;
	fake.fault_times = 10;
	item_init(&item, "001");
	add_field(&item, "F", RECORD_TEXT, RECORD_IF_EMPTY, json_string("f"));
	assert_int_equal(conflict_resolve(&stage.open.lane, &item, 1, &stage.bench->err), -1);
	assert_int_equal(stage.bench->err.code, BH_DENIED);
	assert_int_equal(fake.reads, 4);
	render_release(&item, 1);
	stage_close(&stage);
}

static void
out_of_order(void **state BH_UNUSED)
{
	struct render_item item;
	struct stage stage;

	stage_open(&stage);
	fake_add("001", "Account", "{'F':null}");
	fake.fault = "read";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 1;
	item_init(&item, "001");
	add_field(&item, "F", RECORD_TEXT, RECORD_IF_EMPTY, json_string("f"));
	assert_int_equal(conflict_resolve(&stage.open.lane, &item, 1, &stage.bench->err), -1);
	assert_int_equal(stage.bench->err.code, BH_UNAVAILABLE);
	render_release(&item, 1);
	stage_close(&stage);
}

static int
teardown(void **state BH_UNUSED)
{
	unit_log_expected(false);
	bh_clock_set(0);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(each_cell, teardown),
	    cmocka_unit_test_teardown(new_record_gets_all, teardown),
	    cmocka_unit_test_teardown(kept_follows_what_is_written, teardown),
	    cmocka_unit_test_teardown(push_that_died, teardown),
	    cmocka_unit_test_teardown(field_that_the_crm_left_out, teardown),
	    cmocka_unit_test_teardown(digests, teardown),
	    cmocka_unit_test_teardown(one_read_for_a_batch, teardown),
	    cmocka_unit_test_teardown(unreadable_is_left_alone, teardown),
	    cmocka_unit_test_teardown(record_that_is_gone, teardown),
	    cmocka_unit_test_teardown(driver_that_cannot_read, teardown),
	    cmocka_unit_test_teardown(sandbox_keeps_all, teardown),
	    cmocka_unit_test_teardown(more_fields_than_are_kept, teardown),
	    cmocka_unit_test_teardown(dead_token_is_replaced_once, teardown),
	    cmocka_unit_test_teardown(out_of_order, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
