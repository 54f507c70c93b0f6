/*
 * Pushing, record by record: from events through the mirror to a CRM in
 * memory, by a driver that links by key (Salesforce) and one that links by id
 * (HubSpot).  What concerns the whole lane is in t-lane.c.
 */
#include "base/base.h"

#include "base/clock.h"
#include "bench.h"
#include "state/target.h"
#include "sync/configure.h"
#include "unit.h"

#define CUSTOMER "stripe:cus_1"

static void
assert_link(struct bench *bench, const char *object, const char *id, enum link_state state,
    bool is_dirty)
{
	static const char *const names[] = {"account", "subscription", "invoice"};
	struct link link = bench_link(bench, object, id);
	int rank = 0;

	while (strcmp(names[rank], object) != 0)
		rank++;
	if (link.state != state)
		fail_msg("%s %s is %s, not %s: %s %s", object, id, link_state_name(link.state),
		    link_state_name(state), link.code, link.cause);
	assert_int_equal(bench_is_dirty(bench, object, rank, id), is_dirty);
}

/* -- the plain way -- */

static void
created_then_unchanged_then_updated(void **state)
{
	struct bench *bench = bench_new(*state);
	size_t writes;

	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_string_equal(crm_text(&bench->crm, "Account", CUSTOMER, "Name"), "Ada");
	assert_link(bench, "account", "cus_1", LINK_CLEAN, false);
	assert_int_equal(bench_lane(bench).in_step, 1);

	writes = bench->crm.writes;
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_int_equal(bench->crm.writes, writes); /* news, but nothing new in the record */
	assert_link(bench, "account", "cus_1", LINK_CLEAN, false);

	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_int_equal(bench->crm.writes, writes + 1);
	assert_string_equal(crm_text(&bench->crm, "Account", CUSTOMER, "Name"), "Ada King");
	bench_compare(bench);
	bench_free(bench);
}

static void
ten_events_are_one_row(void **state)
{
	struct bench *bench = bench_new(*state);
	char name[16];

	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "Ada %d", i);
		bench_customer(bench, "cus_1", name);
	}
	bench_work(bench);
	assert_int_equal(bench->crm.rows, 1);
	assert_string_equal(crm_text(&bench->crm, "Account", CUSTOMER, "Name"), "Ada 9");
	bench_free(bench);
}

/* The events come in the wrong order; in the CRM each finds its parent. */
static void
parents_go_first(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_invoice(bench, "in_1", "cus_1", "sub_1", 500);
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 3);
	assert_int_equal(bench->crm.rows, 3);
	if (strcmp(*state, "salesforce") == 0)
		assert_int_equal(bench->crm.writes, 1);
	bench_compare(bench);
	bench_free(bench);
}

static void
moved_to_another_parent(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "Bob");
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_work(bench);
	bench_subscription(bench, "sub_1", "cus_2", "active");
	bench_work(bench);
	bench_compare(bench);
	assert_int_equal(bench_lane(bench).in_step, 3);
	bench_free(bench);
}

/* -- children and absent parents -- */

static void
child_waits_and_follows(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_invoice(bench, "in_1", "cus_1", NULL, 500);
	bench_work(bench);
	assert_link(bench, "invoice", "in_1", LINK_WAITING, false);
	assert_int_equal(bench_lane(bench).waiting_parent, 1);
	assert_int_equal(bench->crm.writes, 0);
	assert_non_null(strstr(bench_link(bench, "invoice", "in_1").cause, "account cus_1"));

	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_link(bench, "invoice", "in_1", LINK_CLEAN, false);
	bench_compare(bench);
	bench_free(bench);
}

static void
grandchild_follows_too(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_invoice(bench, "in_1", "cus_1", "sub_1", 500);
	bench_work(bench);
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_work(bench);
	assert_link(bench, "invoice", "in_1", LINK_WAITING, false);
	assert_link(bench, "subscription", "sub_1", LINK_WAITING, false);
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 3);
	bench_compare(bench);
	bench_free(bench);
}

/* The page of dirty links reaches beyond the child when its parent comes. */
static void
child_is_not_left_behind(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_invoice(bench, "in_1", "cus_1", NULL, 500);
	bench_work(bench);
	bench_customer(bench, "cus_2", "Bob");
	bench_work(bench);
	bench_customer(bench, "cus_1", "Ada");
	bench_invoice(bench, "in_2", "cus_2", NULL, 700);
	bench_work(bench);
	assert_link(bench, "invoice", "in_1", LINK_CLEAN, false);
	bench_compare(bench);
	bench_free(bench);
}

static void
child_of_a_held_parent(void **state)
{
	struct bench *bench = bench_new(*state);

	unit_log_expected(true);
	crm_set_mood(&bench->crm, "Account", CUSTOMER, CRM_REFUSE);
	bench_customer(bench, "cus_1", "Ada");
	bench_invoice(bench, "in_1", "cus_1", NULL, 500);
	bench_work(bench);
	assert_link(bench, "account", "cus_1", LINK_HELD, false);
	for (int i = 0; i < 100 && bench_next_due(bench) != INT64_MAX; i++) {
		bench_pass(bench, bench_next_due(bench) - bh_now_ms());
		bench_work(bench);
	}
	assert_link(bench, "invoice", "in_1", LINK_WAITING, false);
	assert_int_equal(bench_lane(bench).held, 1);
	assert_int_equal(json_object_size(bench->crm.records), 0);

	crm_set_mood(&bench->crm, "Account", CUSTOMER, CRM_TAKE);
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_link(bench, "account", "cus_1", LINK_CLEAN, false);
	assert_link(bench, "invoice", "in_1", LINK_CLEAN, false);
	assert_int_equal(bench_lane(bench).held, 0);
	bench_compare(bench);
	bench_free(bench);
}

/* -- failures -- */

static void
refused_is_held_with_its_cause(void **state)
{
	struct bench *bench = bench_new(*state);
	struct link link;

	unit_log_expected(true);
	crm_set_mood(&bench->crm, "Account", CUSTOMER, CRM_REFUSE);
	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "Bob");
	bench_work(bench);
	link = bench_link(bench, "account", "cus_1");
	assert_int_equal(link.state, LINK_HELD);
	assert_true(link.code[0] != '\0' && link.cause[0] != '\0' && link.remedy[0] != '\0');
	assert_false(bench_is_dirty(bench, "account", 0, "cus_1"));
	assert_int_equal(bench_lane(bench).held, 1);
	assert_int_equal(bench_lane(bench).in_step, 1);

	/* Time alone does not bring it back; a change does. */
	bench_pass(bench, 86400000);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).held, 1);
	crm_set_mood(&bench->crm, "Account", CUSTOMER, CRM_TAKE);
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	link = bench_link(bench, "account", "cus_1");
	assert_int_equal(link.state, LINK_CLEAN);
	assert_string_equal(link.code, "");
	assert_string_equal(link.cause, "");
	assert_int_equal(bench_lane(bench).held, 0);
	bench_compare(bench);
	bench_free(bench);
}

/* A record that is locked is tried again, with growing pauses. */
static void
later_with_growing_pauses(void **state)
{
	struct bench *bench = bench_new(*state);
	int64_t last = 0;

	crm_set_mood(&bench->crm, "Account", CUSTOMER, CRM_LOCK);
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	for (int i = 1; i <= 6; i++) {
		struct link link = bench_link(bench, "account", "cus_1");
		int64_t wait = link.not_before_ms - bh_now_ms();
		size_t rows = bench->crm.rows;

		assert_int_equal(link.attempts, i);
		assert_true(wait > 0 && wait >= last);
		assert_int_equal(bench_next_due(bench), link.not_before_ms);
		assert_link(bench, "account", "cus_1", LINK_NEW, true);
		bench_pass(bench, wait - 1);
		bench_push(bench);
		assert_int_equal(bench->crm.rows, rows); /* not before its time */
		bench_pass(bench, 1);
		bench_work(bench);
		assert_int_equal(bench->crm.rows, rows + 1);
		last = wait;
	}
	crm_set_mood(&bench->crm, "Account", CUSTOMER, CRM_TAKE);
	bench_pass(bench, 3600000);
	bench_work(bench);
	assert_link(bench, "account", "cus_1", LINK_CLEAN, false);
	assert_int_equal(bench_link(bench, "account", "cus_1").attempts, 0);
	bench_free(bench);
}

/* After many tries a person must look; a new change begins anew, with all tries. */
static void
given_up_and_begun_anew(void **state)
{
	struct bench *bench = bench_new(*state);
	int tries = 0;

	crm_set_mood(&bench->crm, "Account", CUSTOMER, CRM_LOCK);
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	while (bench_link(bench, "account", "cus_1").state != LINK_HELD) {
		bench_pass(bench, 3600000);
		bench_work(bench);
		assert_true(++tries < 100);
	}
	assert_true(tries > 30);
	assert_false(bench_is_dirty(bench, "account", 0, "cus_1"));

	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_true(bench_is_dirty(bench, "account", 0, "cus_1"));
	crm_set_mood(&bench->crm, "Account", CUSTOMER, CRM_TAKE);
	bench_pass(bench, 3600000);
	bench_work(bench);
	assert_link(bench, "account", "cus_1", LINK_CLEAN, false);
	assert_int_equal(bench_lane(bench).held, 0);
	bench_free(bench);
}

/* No answer: it may have been written.  The upsert is repeated, no second record comes of it. */
static void
uncertain_is_repeated(void **state)
{
	struct bench *bench = bench_new(*state);

	bench->crm.line = CRM_CUT;
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_link(bench, "account", "cus_1", LINK_UNCERTAIN, true);
	assert_int_equal(json_object_size(bench->crm.records), 1);
	bench->crm.line = CRM_FINE;
	bench_pass(bench, 60000);
	bench_work(bench);
	assert_link(bench, "account", "cus_1", LINK_CLEAN, false);
	assert_int_equal(bench->crm.rows, 2);
	bench_compare(bench);
	bench_free(bench);
}

/* Uncertain, and meanwhile changed back to what was pushed before: still to be sent. */
static void
uncertain_and_changed_back(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	bench->crm.line = CRM_CUT;
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_string_equal(crm_text(&bench->crm, "Account", CUSTOMER, "Name"), "Ada King");
	bench->crm.line = CRM_FINE;
	bench_customer(bench, "cus_1", "Ada");
	bench_pass(bench, 60000);
	bench_work(bench);
	assert_string_equal(crm_text(&bench->crm, "Account", CUSTOMER, "Name"), "Ada");
	bench_free(bench);
}

/* HubSpot: written, then not linked, then changed back to what was pushed before: still to be sent. */
static void
written_but_not_linked(void **state)
{
	struct bench *bench = bench_new("hubspot");

	(void)state;
	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "Bob");
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_work(bench);
	bench->crm.link_line = CRM_BUSY;
	bench_subscription(bench, "sub_1", "cus_2", "past_due");
	bench_work(bench);
	assert_string_equal(crm_text(&bench->crm, "Sub__c", "stripe:sub_1", "Status__c"),
	    "past_due");
	assert_link(bench, "subscription", "sub_1", LINK_UNCERTAIN, true);
	bench->crm.link_line = CRM_FINE;
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_pass(bench, 60000);
	bench_work(bench);
	assert_string_equal(crm_text(&bench->crm, "Sub__c", "stripe:sub_1", "Status__c"), "active");
	assert_link(bench, "subscription", "sub_1", LINK_CLEAN, false);
	bench_free(bench);
}

/* A value that the mapping cannot turn does not stop the others. */
static void
broken_by_its_value(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c','fields':["
	    "{'to':'Name','from':'name'},{'to':'Number__c','from':'name','as':'number'}]}]}}]}");
	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "42");
	bench_work(bench);
	assert_link(bench, "account", "cus_1", LINK_HELD, false);
	assert_string_equal(bench_link(bench, "account", "cus_1").code, "MAPPING");
	assert_link(bench, "account", "cus_2", LINK_CLEAN, false);
	bench_customer(bench, "cus_1", "43");
	bench_work(bench);
	assert_link(bench, "account", "cus_1", LINK_CLEAN, false);
	bench_free(bench);
}

/* An id that no object can have: the child says so, and nothing else suffers. */
static void
parent_of_an_impossible_id(void **state)
{
	struct bench *bench = bench_new(*state);
	char *id = bh_xmalloc(5001);

	memset(id, 'x', 5000);
	id[5000] = '\0';
	bench_invoice(bench, "in_1", id, NULL, 500);
	bench_invoice(bench, "in_2", "cus_1", NULL, 500);
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_link(bench, "invoice", "in_1", LINK_HELD, false);
	assert_link(bench, "invoice", "in_2", LINK_CLEAN, false);
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 2);
	free(id);
	bench_free(bench);
}

/* -- changes under way, filters, mappings -- */

static void
change_in_the_middle(void *arg)
{
	struct bench *bench = arg;

	bench->crm.meanwhile = NULL;
	bench_customer(bench, "cus_1", "Ada King");
	bench_ingest(bench);
}

static void
mark_set_during_a_push_survives(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_customer(bench, "cus_1", "Ada");
	bench_ingest(bench);
	bench->crm.meanwhile = change_in_the_middle;
	bench->crm.arg = bench;
	bench_push(bench);
	assert_string_equal(crm_text(&bench->crm, "Account", CUSTOMER, "Name"), "Ada");
	assert_link(bench, "account", "cus_1", LINK_CLEAN, true);
	bench_work(bench);
	assert_string_equal(crm_text(&bench->crm, "Account", CUSTOMER, "Name"), "Ada King");
	assert_link(bench, "account", "cus_1", LINK_CLEAN, false);
	bench_free(bench);
}

static void
filter_excludes_and_lets_in(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_customer(bench, "cus_1", "Ada");
	bench_invoice(bench, "in_1", "cus_1", NULL, 0);
	bench_work(bench);
	assert_link(bench, "invoice", "in_1", LINK_EXCLUDED, false);
	assert_int_equal(bench_lane(bench).excluded, 1);
	bench_compare(bench);
	bench_invoice(bench, "in_1", "cus_1", NULL, 500);
	bench_work(bench);
	assert_link(bench, "invoice", "in_1", LINK_CLEAN, false);
	assert_int_equal(bench_lane(bench).excluded, 0);
	bench_compare(bench);
	bench_free(bench);
}

/* The sync with customers and subscriptions only; word is what "Ada" becomes. */
static void
apply_word(struct bench *bench, const char *word)
{
	char text[1000];

	snprintf(text, sizeof(text),
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c','fields':["
	    "{'to':'Name','from':'name','as':'enum','enum':{'Ada':'%s'}}]},"
	    "{'name':'subscription','from':'subscription','to':'Sub__c','key':'Key__c','parents':["
	    "{'object':'account','id':'customer','to':'Account__c'}],"
	    "'fields':[{'to':'Status__c','from':'status'}]}]}}]}",
	    word);
	bench_apply(bench, text);
}

static void
mapping_change_sends_what_differs(void **state)
{
	struct bench *bench = bench_new(*state);

	apply_word(bench, "Ada");
	for (int i = 0; i < 20; i++) {
		char id[16];

		snprintf(id, sizeof(id), "cus_%d", i);
		bench_customer(bench, id, i < 5 ? "Ada" : "Bob");
		snprintf(id, sizeof(id), "sub_%d", i);
		bench_subscription(bench, id, "cus_1", "active");
	}
	bench_work(bench);
	assert_int_equal(bench->crm.rows, 40);
	apply_word(bench, "Ada King");
	bench_work(bench);
	assert_int_equal(bench_lane(bench).dirty, 0);
	assert_int_equal(bench->crm.rows, 45);
	bench_compare(bench);
	bench_free(bench);
}

/* What a mapping no longer names is let go, without a trace in the counts. */
static void
object_taken_out_of_the_mapping(void **state)
{
	struct bench *bench = bench_new(*state);

	bench_customer(bench, "cus_1", "Ada");
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_ingest(bench);
	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c','fields':["
	    "{'to':'Name','from':'name'}]}]}}]}");
	bench_work(bench);
	assert_int_equal(bench_lane(bench).dirty, 0);
	assert_int_equal(bench_lane(bench).in_step, 1);
	assert_int_equal(bench_link(bench, "subscription", "sub_1").version, 0);
	bench_free(bench);
}

/* -- the sandbox -- */

static void
sandbox_keeps_records(void **state)
{
	struct bench *bench = bench_new("sandbox");
	struct store_txn *txn = store_begin(bench->store);
	json_t *kept;

	(void)state;
	bench_customer(bench, "cus_1", "Ada");
	bench_invoice(bench, "in_1", "cus_1", NULL, 500);
	bench_work(bench);
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_int_equal(target_kept(txn, "crm", 10, &kept, &bench->err), 0);
	assert_int_equal(json_array_size(kept), 2);
	assert_string_equal(bh_json_str(kept, "0.object"), "Account");
	assert_string_equal(bh_json_str(kept, "0.record.fields.Name"), "Ada King");
	assert_string_equal(bh_json_str(kept, "1.record.parents.Account__c"), CUSTOMER);
	assert_int_equal(bench_lane(bench).in_step, 2);
	assert_int_equal(bench_lane(bench).calls, 0);
	json_decref(kept);
	store_free(&txn);
	bench_free(bench);
}

/* -- */

static int
teardown(void **state BH_UNUSED)
{
	unit_log_expected(false);
	bh_clock_set(0);
	return 0;
}

static char salesforce[] = "salesforce", hubspot[] = "hubspot";

#define BOTH(name)                                                                                 \
	{#name "/salesforce", name, NULL, teardown, salesforce},                                   \
	{                                                                                          \
#		name "/hubspot", name, NULL, teardown, hubspot                                    \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(created_then_unchanged_then_updated),
	    BOTH(ten_events_are_one_row),
	    BOTH(parents_go_first),
	    BOTH(moved_to_another_parent),
	    BOTH(child_waits_and_follows),
	    BOTH(grandchild_follows_too),
	    BOTH(child_is_not_left_behind),
	    BOTH(child_of_a_held_parent),
	    BOTH(refused_is_held_with_its_cause),
	    BOTH(later_with_growing_pauses),
	    BOTH(given_up_and_begun_anew),
	    BOTH(uncertain_is_repeated),
	    BOTH(uncertain_and_changed_back),
	    cmocka_unit_test_teardown(written_but_not_linked, teardown),
	    BOTH(broken_by_its_value),
	    BOTH(parent_of_an_impossible_id),
	    BOTH(mark_set_during_a_push_survives),
	    BOTH(filter_excludes_and_lets_in),
	    BOTH(mapping_change_sends_what_differs),
	    BOTH(object_taken_out_of_the_mapping),
	    cmocka_unit_test_teardown(sandbox_keeps_records, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
