/* Which record of the CRM is an object's: found, adopted, made, or left to a person. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "fakecrm.h"
#include "unit.h"

static void
close_bench(struct bench *bench)
{
	bench_free(bench);
	fake_release();
}

/* A sync of customers to accounts with these members of its mapped object. */
static void
apply_sync(struct bench *bench, const char *members)
{
	char text[2000];

	snprintf(text, sizeof(text),
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c',%s,'fields':["
	    "{'to':'Name','from':'name'},{'to':'Email__c','from':'email'}]}]}}]}",
	    members);
	bench_apply(bench, text);
}

static struct bench *
open_bench(const char *members)
{
	struct bench *bench;

	fake_init();
	bench = bench_new("salesforce");
	apply_sync(bench, members);
	bench_work(bench);
	return bench;
}

/* News of a customer; JSON with ' for ". */
static void
news(struct bench *bench, const char *id, const char *fields)
{
	json_t *object = bench_json(fields);

	json_object_set_new(object, "object", json_string("customer"));
	json_object_set_new(object, "id", json_string(id));
	bench_event(bench, "customer.updated", object);
}

static json_t *
candidates(struct bench *bench, const char *id)
{
	struct link_id link_id = {"crm", 0, "s", "account", "", id};
	struct store_txn *txn = store_begin(bench->store);
	json_t *list = NULL;

	assert_return_code(link_candidates_get(txn, &link_id, &list, &bench->err), 0);
	store_free(&txn);
	return list;
}

/* -- one customer -- */

#define BY_NAME "'match':[{'by':'value','fields':[{'to':'Name','from':'name'}]}]"
#define BY_BOTH                                                                                    \
	"'match':[{'by':'value','fields':[{'to':'Name','from':'name'},"                            \
	"{'to':'City','from':'address_city'}]}]"
#define BY_ALL                                                                                     \
	"'match':[{'by':'id','from':'salesforce_id'},{'by':'key'},"                                \
	"{'by':'value','fields':[{'to':'Name','from':'name'}]},"                                   \
	"{'by':'domain','to':'Website','from':'{email|company_domain}'}]"
#define ADA "{'name':'Ada','email':'ada@acme.example'}"
#define ADA_OF_A1                                                                                  \
	"{'name':'Ada','email':'ada@acme.example','metadata':{'salesforce_account_id':'A1'}}"

/*
 * In the CRM: what A1, A2 ... hold.  Then: the state and code of the link, and the record;
 * "new": one that was made.
 */
static const struct {
	const char *name, *members, *there[7], *customer;
	enum link_state state;
	const char *remote_id, *code;
	const char *how; /* a part of it; "" it is empty */
	size_t candidates, questions;
} cases[] = {
    {"one", BY_NAME, {"{'Name':'Ada'}", "{'Name':'Bob'}"}, ADA, LINK_CLEAN, "A1", "", "Name is Ada",
	0, 2},
    {"none, make one", BY_NAME, {"{'Name':'Bob'}"}, ADA, LINK_CLEAN, "new", "", "", 0, 2},
    {"none, make none", BY_NAME ",'create':'no'", {"{'Name':'Bob'}"}, ADA, LINK_EXCLUDED, "",
	LINK_NO_MATCH, "", 0, 2},
    {"none, wait", BY_NAME ",'create':'wait'", {"{'Name':'Bob'}"}, ADA, LINK_EXCLUDED, "",
	LINK_NO_MATCH, "", 0, 2},
    {"one, make none", BY_NAME ",'create':'no'", {"{'Name':'Ada'}"}, ADA, LINK_CLEAN, "A1", "",
	"Name is Ada", 0, 2},
    {"several", BY_NAME, {"{'Name':'Ada'}", "{'Name':'Ada'}"}, ADA, LINK_HELD, "", LINK_AMBIGUOUS,
	"", 2, 2},
    {"very many", BY_NAME,
	{"{'Name':'Ada'}", "{'Name':'Ada'}", "{'Name':'Ada'}", "{'Name':'Ada'}", "{'Name':'Ada'}",
	    "{'Name':'Ada'}"},
	ADA, LINK_HELD, "", LINK_AMBIGUOUS, "", DEST_CANDIDATES_MAX, 2},
    {"several, all but one taken", BY_NAME,
	{"{'Name':'Ada','Key__c':'stripe:cus_7'}", "{'Name':'Ada'}",
	    "{'Name':'Ada','Key__c':'stripe:cus_8'}"},
	ADA, LINK_CLEAN, "A2", "", "Name is Ada", 0, 2},
    {"taken", BY_NAME, {"{'Name':'Ada','Key__c':'stripe:cus_7'}"}, ADA, LINK_CLEAN, "new", "", "",
	0, 2},
    {"taken, make none", BY_NAME ",'create':'no'", {"{'Name':'Ada','Key__c':'stripe:cus_7'}"}, ADA,
	LINK_EXCLUDED, "", LINK_NO_MATCH, "", 0, 2},
    {"it carries our key", BY_NAME, {"{'Name':'Ada'}", "{'Name':'X','Key__c':'stripe:cus_1'}"}, ADA,
	LINK_CLEAN, "A2", "", "carries the key", 0, 2},
    {"another object", BY_NAME, {"{'Name':'Ada ','Key__c':'stripe:cus_1x'}"}, ADA, LINK_CLEAN,
	"new", "", "", 0, 2},
    {"both values", BY_BOTH, {"{'Name':'Ada'}", "{'Name':'Ada','City':'Ulm'}"},
	"{'name':'Ada','address':{'city':'Ulm'}}", LINK_CLEAN, "A2", "", "City is Ulm", 0, 2},
    {"no value asks nothing", BY_BOTH, {"{'Name':'Ada'}"}, ADA, LINK_CLEAN, "new", "", "", 0, 1},
    {"id before name", BY_ALL, {"{'Name':'X'}", "{'Name':'Ada'}"}, ADA_OF_A1, LINK_CLEAN, "A1", "",
	"names its id", 0, 4},
    {"id of another", BY_ALL, {"{'Key__c':'stripe:cus_7'}", "{'Name':'Ada'}"}, ADA_OF_A1, LINK_HELD,
	"", "TAKEN", "", 0, 4},
    {"id of nothing", BY_ALL, {NULL, "{'Name':'Ada'}"}, ADA_OF_A1, LINK_CLEAN, "A2", "",
	"Name is Ada", 0, 4},
    {"name before domain", BY_ALL, {"{'Website':'acme.example'}", "{'Name':'Ada'}"}, ADA,
	LINK_CLEAN, "A2", "", "Name is Ada", 0, 3},
    {"domain", BY_ALL, {"{'Website':'acme.example'}"}, ADA, LINK_CLEAN, "A1", "",
	"Website is acme.example", 0, 3},
    {"free mail is no domain", BY_ALL, {"{'Website':'gmail.com'}"},
	"{'name':'Ada','email':'ada@gmail.com'}", LINK_CLEAN, "new", "", "", 0, 2},
};

static void
play_case(size_t at)
{
	struct bench *bench = open_bench(cases[at].members);
	size_t there = 0, n;
	const char *made;
	struct link link;
	json_t *list;

	for (size_t i = 0; i < BH_LEN(cases[at].there); i++) {
		char id[8];

		snprintf(id, sizeof(id), "A%u", (unsigned)i % 10 + 1);
		if (cases[at].there[i] == NULL)
			continue;
		fake_add(id, "Account", cases[at].there[i]);
		there++;
	}
	news(bench, "cus_1", cases[at].customer);
	bench_work(bench);
	link = bench_link(bench, "account", "cus_1");
	list = candidates(bench, "cus_1");
	n = json_array_size(list);
	made = fake_find("Key__c", "stripe:cus_1");
	if (link.state != cases[at].state || strcmp(link.code, cases[at].code) != 0 ||
	    n != cases[at].candidates || fake.questions != cases[at].questions)
		fail_msg("%s: %s %s, %zu candidates, %zu questions", cases[at].name,
		    link_state_name(link.state), link.code, n, fake.questions);
	if (strcmp(cases[at].remote_id, "new") == 0) {
		assert_int_equal(json_object_size(fake.records), there + 1);
		assert_string_equal(link.remote_id, made);
	} else {
		assert_int_equal(json_object_size(fake.records), there);
		assert_string_equal(link.remote_id, cases[at].remote_id);
	}
	if (strstr(link.how, cases[at].how) == NULL ||
	    (cases[at].how[0] == '\0') != (link.how[0] == '\0'))
		fail_msg("%s: because \"%s\"", cases[at].name, link.how);
	/* What was found carries the key from then on, and our values. */
	if (link.state == LINK_CLEAN) {
		assert_string_equal(made, link.remote_id);
		assert_string_equal(fake_text(link.remote_id, "Name"), "Ada");
	} else {
		assert_int_equal(fake.rows, 0);
		assert_true(link.cause[0] != '\0' && link.remedy[0] != '\0');
	}
	assert_int_equal(fake.finds, 1);
	json_decref(list);
	close_bench(bench);
}

static void
what_is_found(void **state BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(cases); i++)
		play_case(i);
}

/* -- many at once -- */

static void
asked_once_for_a_batch(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);
	char id[16], name[16], fields[32];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "Ada %d", i);
		snprintf(fields, sizeof(fields), "{'Name':'%s'}", name);
		snprintf(id, sizeof(id), "A%d", i);
		fake_add(id, "Account", fields);
		snprintf(id, sizeof(id), "cus_%d", i);
		bench_customer(bench, id, name);
	}
	bench_work(bench);
	assert_int_equal(fake.finds, 1);
	assert_int_equal(fake.questions, 100);
	assert_int_equal(json_object_size(fake.records), 50);
	assert_int_equal(bench_lane(bench).in_step, 50);

	/* Who is known is not asked for again. */
	bench_customer(bench, "cus_7", "Ada King");
	bench_work(bench);
	assert_int_equal(fake.finds, 1);
	assert_int_equal(json_object_size(fake.records), 50);
	close_bench(bench);
}

/* Two customers of one name: the first gets the record, it is not the second's any more. */
static void
taken_within_the_batch(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);

	fake_add("A1", "Account", "{'Name':'Ada'}");
	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "Ada");
	bench_work(bench);
	assert_int_equal(fake.finds, 1);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "A1");
	assert_string_not_equal(bench_link(bench, "account", "cus_2").remote_id, "A1");
	assert_int_equal(json_object_size(fake.records), 2);
	assert_string_equal(fake_text("A1", "Key__c"), "stripe:cus_1");
	close_bench(bench);
}

/* An id that is known to be that of its company is not asked for when the customer is a person by now. */
static void
id_of_the_other_sort(void **state BH_UNUSED)
{
#define SORT(name, to, type)                                                                       \
	"{'name':'" name "','from':'customer','to':'" to "','key':'Key__c',"                       \
	"'if':{'field':'type','is':'" type "'},'match':[{'by':'id','from':'salesforce_id'}],"      \
	"'fields':[{'to':'Name','from':'name'}]}"
	struct bench *bench = open_bench(BY_NAME);
	size_t questions;

	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':[" SORT(
		"account", "Account", "company") "," SORT("contact", "Contact",
		"individual") "]}}]}");
	bench_work(bench);
	fake_add("A1", "Account", "{'Name':'X'}");
	news(bench, "cus_1",
	    "{'business_name':'Ada Ltd','metadata':{'salesforce_account_id':'A1'}}");
	bench_work(bench);
	assert_string_equal(fake_text("A1", "Name"), "Ada Ltd");
	questions = fake.questions;
	news(bench, "cus_1", "{'individual_name':'Ada','metadata':{'salesforce_account_id':'A1'}}");
	bench_work(bench);
	assert_int_equal(fake.questions, questions + 1);
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_EXCLUDED);
	assert_int_equal(bench_link(bench, "contact", "cus_1").state, LINK_CLEAN);
	close_bench(bench);
#undef SORT
}

/* Objects that share a record by their key find it together. */
static void
shared_records(void **state BH_UNUSED)
{
	struct bench *bench =
	    open_bench("'key_from':'domain:{email|company_domain}',"
		       "'match':[{'by':'domain','to':'Website','from':'{email|company_domain}'}]");
	const char *id;

	fake_add("A1", "Account", "{'Website':'acme.example'}");
	news(bench, "cus_1", "{'name':'Ada','email':'ada@acme.example'}");
	news(bench, "cus_2", "{'name':'Bob','email':'bob@acme.example'}");
	news(bench, "cus_3", "{'name':'Cid','email':'cid@bolt.example'}");
	news(bench, "cus_4", "{'name':'Dan','email':'dan@bolt.example'}");
	bench_work(bench);
	assert_int_equal(json_object_size(fake.records), 2);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "A1");
	assert_string_equal(bench_link(bench, "account", "cus_2").remote_id, "A1");
	assert_string_equal(fake_text("A1", "Key__c"), "stripe:domain:acme.example");
	id = fake_find("Key__c", "stripe:domain:bolt.example");
	assert_non_null(id);
	assert_string_equal(bench_link(bench, "account", "cus_3").remote_id, id);
	assert_string_equal(bench_link(bench, "account", "cus_4").remote_id, id);
	assert_int_equal(bench_lane(bench).in_step, 4);
	close_bench(bench);
}

/* -- when it cannot be asked -- */

/* Customers are matched by a field that is not there, subscriptions by one that is. */
static void
missing_field_holds_only_those_that_need_it(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);
	struct link link;

	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c',"
	    "'match':[{'by':'value','fields':[{'to':'Oops__c','from':'name'}]}],"
	    "'fields':[{'to':'Name','from':'name'}]},"
	    "{'name':'subscription','from':'subscription','to':'Sub__c','key':'Key__c',"
	    "'match':[{'by':'value','fields':[{'to':'Sub_Id__c','from':'id'}]}],"
	    "'fields':[{'to':'Status__c','from':'status'}]}]}}]}");
	fake.missing = "Oops__c";
	fake_add("B1", "Sub__c", "{'Sub_Id__c':'sub_1'}");
	bench_customer(bench, "cus_1", "Ada");
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_subscription(bench, "sub_2", "cus_1", "active");
	bench_work(bench);
	link = bench_link(bench, "account", "cus_1");
	assert_int_equal(link.state, LINK_HELD);
	assert_string_equal(link.code, "MATCH");
	assert_non_null(strstr(link.cause, "Oops__c"));
	assert_string_equal(bench_link(bench, "subscription", "sub_1").remote_id, "B1");
	assert_int_equal(bench_link(bench, "subscription", "sub_2").state, LINK_CLEAN);
	assert_int_equal(json_object_size(fake.records), 2);

	/* It is there: a change, or a person's retry, brings it on. */
	fake.missing = NULL;
	bench_customer(bench, "cus_1", "Ada King");
	bench_work(bench);
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_CLEAN);
	close_bench(bench);
}

static void
outage_is_waited_for(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);

	fake_add("A1", "Account", "{'Name':'Ada'}");
	fake.fault = "find";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 3;
	bench_customer(bench, "cus_1", "Ada");
	for (int i = 0; i < 4; i++) {
		bench_work(bench);
		bench_pass(bench, 60000);
	}
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "A1");
	assert_int_equal(json_object_size(fake.records), 1);
	close_bench(bench);
}

static void
dead_token_is_replaced(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);
	size_t tokens;

	bench_customer(bench, "cus_0", "Bob");
	bench_work(bench);
	tokens = fake.tokens;
	fake.is_token_dead = true;
	fake_add("A1", "Account", "{'Name':'Ada'}");
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	assert_int_equal(fake.tokens, tokens + 1);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "A1");
	close_bench(bench);
}

/* Where nothing can be looked for, what must not be made is not made. */
static void
sandbox_makes_only_what_may_be_made(void **state BH_UNUSED)
{
	static const struct {
		const char *members;
		enum link_state state;
	} each[] = {{BY_NAME, LINK_CLEAN}, {BY_NAME ",'create':'no'", LINK_EXCLUDED},
	    {BY_NAME ",'create':'wait'", LINK_EXCLUDED}};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench;

		fake_init();
		bench = bench_new("sandbox");
		apply_sync(bench, each[i].members);
		bench_customer(bench, "cus_1", "Ada");
		bench_work(bench);
		assert_int_equal(bench_link(bench, "account", "cus_1").state, each[i].state);
		close_bench(bench);
	}
}

/* -- records without upsert by key -- */

/* Tasks are looked for by their key before one is made, and written by id from then on. */
static void
tasks_are_looked_for_by_key(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);

	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Task','key':'Key__c',"
	    "'fields':[{'to':'Name','from':'name'}]}]}}]}");
	fake.traits = DEST_OBJECT_LOOK;
	fake_add("T1", "Task", "{'Name':'by us, the answer was lost','Key__c':'stripe:cus_1'}");
	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "Bob");
	bench_work(bench);
	assert_int_equal(fake.questions, 2);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "T1");
	assert_string_equal(fake_text("T1", "Name"), "Ada");
	assert_int_equal(json_object_size(fake.records), 2);
	bench_customer(bench, "cus_2", "Bob King");
	bench_work(bench);
	assert_int_equal(fake.finds, 1);
	assert_int_equal(json_object_size(fake.records), 2);

	/* Events are sent, never looked for. */
	fake.traits = DEST_OBJECT_EVENT;
	bench_customer(bench, "cus_3", "Cid");
	bench_work(bench);
	assert_int_equal(fake.finds, 1);
	close_bench(bench);
}

/* -- a person decides -- */

struct choice {
	struct bench *bench;
	const char *id, *remote_id;
};

static int
adopt(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct choice *choice = arg;
	struct link_id id = {"crm", 0, "s", "account", "", choice->id};

	return link_adopt(txn, &id, choice->remote_id, "chosen by admin", err);
}

static void
choose(void *arg)
{
	struct choice *choice = arg;

	assert_return_code(store_run(choice->bench->store, adopt, choice, NULL,
			       &choice->bench->err),
	    0);
}

/* Of two records that may be meant the second; or neither. */
static void
chosen_by_a_person(void **state BH_UNUSED)
{
	static const struct {
		const char *members, *choice;
	} each[] = {{BY_NAME, "A2"}, {BY_NAME, ""}, {BY_NAME ",'create':'no'", ""},
	    {BY_NAME ",'create':'wait'", "A2"}};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench = open_bench(each[i].members);
		struct choice choice = {bench, "cus_1", each[i].choice};
		struct link link;
		json_t *list;

		fake_add("A1", "Account", "{'Name':'Ada'}");
		fake_add("A2", "Account", "{'Name':'Ada'}");
		bench_customer(bench, "cus_1", "Ada");
		bench_work(bench);
		list = candidates(bench, "cus_1");
		assert_string_equal(bh_json_str(list, "0.remote_id"), "A1");
		assert_string_equal(bh_json_str(list, "1.name"), "Ada");
		assert_true(bh_has_prefix(bh_json_str(list, "1.why"), "Name is Ada"));
		json_decref(list);

		choose(&choice);
		bench_work(bench);
		link = bench_link(bench, "account", "cus_1");
		assert_int_equal(link.state, LINK_CLEAN);
		assert_string_equal(link.how, "chosen by admin");
		if (each[i].choice[0] != '\0')
			assert_string_equal(link.remote_id, each[i].choice);
		assert_int_equal(json_object_size(fake.records), each[i].choice[0] != '\0' ? 2 : 3);
		assert_string_equal(fake_text(link.remote_id, "Key__c"), "stripe:cus_1");
		assert_int_equal(fake.finds, 1); /* it was not doubted */
		assert_null(candidates(bench, "cus_1"));
		close_bench(bench);
	}
}

/* Whoever is held for a choice has no failed tries behind him. */
static void
held_after_failures(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);
	struct link link;

	bench_customer(bench, "cus_1", "locked");
	bench_work(bench);
	assert_int_equal(bench_link(bench, "account", "cus_1").attempts, 1);
	fake_add("A1", "Account", "{'Name':'Ada'}");
	fake_add("A2", "Account", "{'Name':'Ada'}");
	bench_pass(bench, 2000);
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	link = bench_link(bench, "account", "cus_1");
	assert_string_equal(link.code, LINK_AMBIGUOUS);
	assert_int_equal(link.attempts, 0);
	assert_true(link.not_before_ms == 0);
	close_bench(bench);
}

/* What hangs below a record that is another one now is sent once more, however many they are. */
static void
children_follow_a_choice(void **state BH_UNUSED)
{
	enum {
		CHILDREN = 450
	};
	struct bench *bench = open_bench(BY_NAME);
	struct choice choice = {bench, "cus_1", "A2"};
	size_t rows;
	char id[24];

	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Key__c'," BY_NAME
	    ",'fields':[{'to':'Name','from':'name'}]},"
	    "{'name':'sub','from':'subscription','to':'Sub__c','key':'Key__c',"
	    "'parents':[{'object':'account','id':'customer','to':'Account__c'}],"
	    "'fields':[{'to':'Name','from':'source_status'}]}]}}]}");
	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "Bob");
	bench_subscription(bench, "sub_other", "cus_2", "active");
	for (int i = 0; i < CHILDREN; i++) {
		snprintf(id, sizeof(id), "sub_%d", i);
		bench_subscription(bench, id, "cus_1", "active");
	}
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, CHILDREN + 3);
	fake_add("A2", "Account", "{'Name':'The right one'}");
	rows = fake.rows;
	choose(&choice);
	bench_work(bench);
	assert_int_equal(fake.rows, rows + 1 + CHILDREN);
	assert_int_equal(bench_lane(bench).in_step, CHILDREN + 3);
	assert_int_equal(bench_lane(bench).dirty, 0);
	close_bench(bench);
}

/* A person's choice in the middle of a push is not undone by it. */
static void
choice_during_a_push(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);
	struct choice choice = {bench, "cus_1", "A2"};

	fake_add("A1", "Account", "{'Name':'Ada'}");
	fake_add("A2", "Account", "{'Name':'Ada'}");
	bench_customer(bench, "cus_1", "Ada");
	bench_customer(bench, "cus_2", "Bob");
	fake.meanwhile = choose;
	fake.arg = &choice;
	bench_work(bench);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "A2");
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_CLEAN);
	assert_string_equal(fake_text("A2", "Key__c"), "stripe:cus_1");
	bench_recount(bench);
	close_bench(bench);
}

/* The doubt may vanish by itself: one of the two was deleted in the CRM. */
static void
doubt_that_vanishes(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(BY_NAME);

	fake_add("A1", "Account", "{'Name':'Ada'}");
	fake_add("A2", "Account", "{'Name':'Ada'}");
	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	json_object_del(fake.records, "A1");
	news(bench, "cus_1", "{'name':'Ada','email':'ada@new.example'}");
	bench_work(bench);
	assert_string_equal(bench_link(bench, "account", "cus_1").remote_id, "A2");
	assert_null(candidates(bench, "cus_1"));
	close_bench(bench);
}

/* -- once an hour -- */

/* Only what waits is looked for again, an hour after it was looked for, not sooner. */
static void
looked_for_again(void **state BH_UNUSED)
{
	static const struct {
		const char *create;
		bool is_found;
	} each[] = {{"wait", true}, {"no", false}};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		char members[300];
		struct bench *bench;
		size_t finds;

		snprintf(members, sizeof(members), "%s,'create':'%s'", BY_NAME, each[i].create);
		bench = open_bench(members);
		bench_customer(bench, "cus_1", "Ada");
		bench_customer(bench, "cus_2", "Bob");
		bench_work(bench);
		assert_int_equal(bench_lane(bench).excluded, 2);
		fake_add("A1", "Account", "{'Name':'Ada'}");
		finds = fake.finds;
		assert_int_equal(bench_next_due(bench) != INT64_MAX, each[i].is_found);
		if (each[i].is_found)
			assert_true(bench_next_due(bench) <= bh_now_ms() + 3600000);
		bench_pass(bench,
		    (each[i].is_found ? bench_next_due(bench) : bh_now_ms() + 7200000) -
			bh_now_ms() - 1);
		bench_work(bench);
		assert_int_equal(fake.finds, finds);
		bench_pass(bench, 1);
		bench_work(bench);
		bench_work(bench);
		assert_int_equal(bench_link(bench, "account", "cus_1").state,
		    each[i].is_found ? LINK_CLEAN : LINK_EXCLUDED);
		assert_int_equal(bench_link(bench, "account", "cus_2").state, LINK_EXCLUDED);
		assert_int_equal(fake.finds, finds + each[i].is_found);
		assert_int_equal(bench_lane(bench).dirty, 0);
		close_bench(bench);
	}
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
	    cmocka_unit_test_teardown(what_is_found, teardown),
	    cmocka_unit_test_teardown(asked_once_for_a_batch, teardown),
	    cmocka_unit_test_teardown(taken_within_the_batch, teardown),
	    cmocka_unit_test_teardown(id_of_the_other_sort, teardown),
	    cmocka_unit_test_teardown(shared_records, teardown),
	    cmocka_unit_test_teardown(missing_field_holds_only_those_that_need_it, teardown),
	    cmocka_unit_test_teardown(outage_is_waited_for, teardown),
	    cmocka_unit_test_teardown(dead_token_is_replaced, teardown),
	    cmocka_unit_test_teardown(sandbox_makes_only_what_may_be_made, teardown),
	    cmocka_unit_test_teardown(tasks_are_looked_for_by_key, teardown),
	    cmocka_unit_test_teardown(chosen_by_a_person, teardown),
	    cmocka_unit_test_teardown(children_follow_a_choice, teardown),
	    cmocka_unit_test_teardown(held_after_failures, teardown),
	    cmocka_unit_test_teardown(choice_during_a_push, teardown),
	    cmocka_unit_test_teardown(doubt_that_vanishes, teardown),
	    cmocka_unit_test_teardown(looked_for_again, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
