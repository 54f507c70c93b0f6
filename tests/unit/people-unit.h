/*
 * For the tests of the pages about customers, records and problems: a billing
 * system "pay", the sync "people" to the CRM "sf", and customers in every state.
 * Names are hostile.
 */
#ifndef TESTS_UNIT_PEOPLE_UNIT_H
#define TESTS_UNIT_PEOPLE_UNIT_H

#include "crm-unit.h"
#include "state/derived.h"
#include "state/journal.h"
#include "state/roster.h"

#define PEOPLE_XSS "<script>alert(1)</script> \"Acme\" & S\xc3\xb6hne"
#define PEOPLE_SAID "{\"errorCode\":\"STRING_TOO_LONG\",\"message\":\"<b>data value too large\"}"

static inline void
people_put_sync(struct world *world)
{
	static const char mapping[] =
	    "{\"name\": \"m\", \"source\": \"stripe\", \"dest\": \"salesforce\", \"objects\": ["
	    "{\"name\": \"account\", \"from\": \"customer\", \"to\": \"Account\", \"key\": \"Billhook_Id__c\","
	    " \"match\": [{\"by\": \"key\"}], \"fields\": ["
	    "{\"to\": \"Name\", \"from\": \"name\", \"when\": \"if_unchanged\"},"
	    "{\"to\": \"Site\", \"from\": \"description\", \"default\": \"none <given>\"},"
	    "{\"to\": \"Email__c\", \"from\": [\"email\", \"{phone|text}\"], \"with\": \" \", \"when\": \"if_empty\"},"
	    "{\"to\": \"Tax__c\", \"from\": \"tax_id\", \"default\": \"-\", \"when\": \"on_create\"},"
	    "{\"to\": \"Phone\", \"from\": \"phone\", \"when\": \"never\"},"
	    "{\"to\": \"Website\", \"from\": \"website\"},"
	    "{\"to\": \"MRR__c\", \"from\": \"mrr\", \"as\": \"money\"},"
	    "{\"to\": \"Kind__c\", \"value\": \"billing\"}]},"
	    "{\"name\": \"bill\", \"from\": \"invoice\", \"to\": \"Bill__c\", \"key\": \"Billhook_Id__c\","
	    " \"parents\": [{\"object\": \"account\", \"id\": \"customer\", \"to\": \"Account__c\"}],"
	    " \"fields\": [{\"to\": \"Name\", \"from\": \"number\"},"
	    " {\"to\": \"Who__c\", \"from\": \"Invoice of {customer.name}\"}]},"
	    "{\"name\": \"sub\", \"from\": \"subscription\", \"to\": \"Sub__c\", \"key\": \"Billhook_Id__c\","
	    " \"if\": {\"field\": \"status\", \"in\": [\"active\"]}, \"fields\": [{\"to\": \"Name\", \"from\": \"name\"}]}]}";
	struct account_sync sync = {.code = "people", .from = "pay", .to = "sf"};
	struct store_txn *txn = store_begin(world->site.store);

	assert_int_equal(bh_json_parse(mapping, strlen(mapping), &sync.mapping, NULL), 0);
	assert_int_equal(account_sync_save(txn, &sync, NULL), 0);
	crm_commit(&txn);
	account_sync_release(&sync);
}

static inline struct mirror_id
people_id(enum object_kind kind, const char *id)
{
	return (struct mirror_id){"pay", "", kind, id};
}

/* An object, as JSON; of customers the list, too. */
static inline void
people_put(struct world *world, enum object_kind kind, const char *id, const char *fields,
    const char *derived)
{
	struct mirror_id held = people_id(kind, id);
	struct object_state state = {.version = {.at_ms = bh_now_ms()}};
	struct store_txn *txn = store_begin(world->site.store);
	json_t *doc = NULL;

	assert_int_equal(bh_json_parse(fields, strlen(fields), &state.fields, NULL), 0);
	mirror_put(txn, &held, &state);
	if (derived != NULL) {
		assert_int_equal(bh_json_parse(derived, strlen(derived), &doc, NULL), 0);
		derived_put(txn, DERIVED_FIELDS, &held, doc);
	}
	if (kind == OBJECT_CUSTOMER)
		roster_move(txn, &held, &(struct roster_view){0},
		    &(struct roster_view){state.fields, doc}, true);
	crm_commit(&txn);
	json_decref(doc);
	mirror_object_release(&state);
}

static inline struct link_id
people_link_id(const char *object, const char *id)
{
	return (
	    struct link_id){"sf", strcmp(object, "bill") == 0 ? 1 : 0, "people", object, "", id};
}

static inline void
people_link(struct world *world, const char *object, const char *id, struct link link)
{
	struct link_dirty_entry entry = {.id = people_link_id(object, id)};
	bool clear = true;

	assert_int_equal(link_settle(world->site.store, &entry, &link, &clear, 1, NULL), 0);
}

static inline void
people_mark(struct world *world, const char *object, const char *id)
{
	struct link_id link = people_link_id(object, id);
	struct store_txn *txn = store_begin(world->site.store);

	link_mark(txn, &link);
	crm_commit(&txn);
}

static inline void
people_hold(struct world *world, const char *id)
{
	struct link link = {.state = LINK_HELD,
	    .code = "STRING_TOO_LONG",
	    .cause = "Name is too long: <b>data",
	    .remedy = "Shorten <it>.",
	    .said = PEOPLE_SAID};

	if (strcmp(id, "c_2") == 0)
		snprintf(link.cause, sizeof(link.cause), "Name is too long: <b>data of c_2");
	link_note(&link, LINK_REFUSED, bh_now_ms());
	people_link(world, "account", id, link);
}

/* An event that changed the first customer's invoice, or that failed. */
static inline uint64_t
people_event(struct world *world, const char *id, enum journal_state state)
{
	json_t *headers = json_object();
	struct journal_entry entry = {.connection = "pay",
	    .id = id,
	    .type = "invoice.<paid>",
	    .received_ms = bh_now_ms(),
	    .headers = headers,
	    .body = "{}",
	    .body_len = 2};
	struct roster_event of = {people_id(OBJECT_CUSTOMER, "c_1"), 0};
	struct store_txn *txn = store_begin(world->site.store);
	struct journal_event event;

	assert_int_equal(journal_accept(world->site.store, &entry, NULL), 1);
	assert_int_equal(journal_find(txn, "pay", id, &of.stamp, NULL), 1);
	assert_int_equal(journal_read(txn, of.stamp, &event, NULL), 1);
	event.state = state;
	event.handled_ms = bh_now_ms();
	if (state == JOURNAL_APPLIED)
		event.objects = json_pack("[s, s]", "customer c_1", "invoice i_01");
	snprintf(event.note, sizeof(event.note), "a <note>");
	journal_settle(txn, &event);
	if (state == JOURNAL_APPLIED)
		assert_int_equal(roster_note_events(txn, &of, 1, NULL), 0);
	crm_commit(&txn);
	journal_event_release(&event);
	json_decref(headers);
	return of.stamp;
}

static inline void
people_put_tokens(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *auth = json_pack("{s:s, s:s}", "refresh_token", "5Aep-hush-token", "base_url",
	    "https://example.my.salesforce.com");

	account_auth_save(txn, &world->site.key, "sf", auth);
	crm_commit(&txn);
	json_decref(auth);
}

/* The first customer has everything. */
static inline void
people_put_first(struct world *world)
{
	struct link link = {.state = LINK_CLEAN,
	    .remote_id = "001000000000001AAA",
	    .hash = "x",
	    .pushed_ms = bh_now_ms(),
	    .how = "Name is <Acme>"};

	people_put(world, OBJECT_CUSTOMER, "c_1",
	    "{\"name\": \"<script>alert(1)</script> \\\"Acme\\\" & S\xc3\xb6hne\","
	    " \"email\": \"ada@example.com\", \"legal_name\": \"<i>Acme\", \"external_id\": \"x\\\"y\","
	    " \"currency\": \"USD\", \"tax_id\": \"T\", \"website\": null, \"link\": \"https://pay.example.com/c_1\"}",
	    "{\"mrr_by_currency\": {\"USD\": 123456, \"JPY\": 500}, \"arr_by_currency\": {\"USD\": 1481472},"
	    " \"mrr\": 123456, \"mrr_known\": true, \"figures_currency\": \"USD\", \"payment_status\": \"overdue\","
	    " \"open_balance_by_currency\": {\"USD\": 5}, \"overdue_since\": \"2026-11-01\","
	    " \"next_renewal_at\": \"2027-01-31T00:00:00Z\", \"movement\": \"new\", \"movement_amount\": 123456,"
	    " \"movement_at\": \"2026-01-31T00:00:00Z\", \"active_subscriptions\": 1}");
	/* 8 of the digest of "Name" begin it. */
	snprintf(link.kept, sizeof(link.kept), "dcd1d52211111111");
	link_note(&link, LINK_CREATED, bh_now_ms());
	snprintf(link.code, sizeof(link.code), "<C>");
	link_note(&link, LINK_LATER, bh_now_ms());
	link.code[0] = '\0';
	people_link(world, "account", "c_1", link);
	for (int i = 0; i < 60; i++) {
		char id[16], *fields;

		snprintf(id, sizeof(id), "i_%02d", i);
		fields = bh_xasprintf(
		    "{\"customer\": \"c_1\", \"number\": \"N-<%02d>\", \"status\": \"open\","
		    " \"total\": %d, \"currency\": \"JPY\", \"issued_on\": \"2026-%02d-%02d\"%s}",
		    i, 1000 + i, 1 + i / 28, 1 + i % 28,
		    i == 59 ? ", \"link\": \"https://pay.example.com/i\"" : "");
		people_put(world, OBJECT_INVOICE, id, fields, NULL);
		free(fields);
	}
	people_put(world, OBJECT_SUBSCRIPTION, "s_1",
	    "{\"customer\": \"c_1\", \"name\": \"<Plan>\", \"status\": \"canceled\", \"currency\": \"USD\","
	    " \"started_at\": \"2026-01-01T00:00:00Z\"}",
	    "{\"mrr\": 100}");
	people_link(world, "bill", "i_59",
	    (struct link){.state = LINK_WAITING, .cause = "waits for account c_1"});
	people_put(world, OBJECT_ACTION, "a_1",
	    "{\"customer\": \"c_1\", \"title\": \"Call <them>\", \"state\": \"open\", \"type\": \"task\","
	    " \"opened_at\": \"2026-11-01T08:00:00Z\"}",
	    NULL);
	people_event(world, "evt_a", JOURNAL_APPLIED);
}

/* One of another account, and one that no sync takes anywhere; both are deleted. */
static inline void
people_put_others(struct world *world)
{
	struct mirror_id ids[] = {{"pay", "acct_1", OBJECT_CUSTOMER, "c_1"},
	    {"other", "", OBJECT_CUSTOMER, "o_1"}, {"other", "", OBJECT_SUBSCRIPTION, "os_1"}};
	struct object_state state = {.version = {.at_ms = 1},
	    .deleted = true,
	    .fields = json_pack("{s:s}", "customer", "o_1")};
	struct store_txn *txn = store_begin(world->site.store);

	for (size_t i = 0; i < BH_LEN(ids); i++) {
		state.deleted = ids[i].kind == OBJECT_CUSTOMER;
		mirror_put(txn, &ids[i], &state);
		state.deleted = true;
	}
	/* Its place among the customer's objects stands when it is deleted later. */
	mirror_put_again(txn, &ids[2], &state);
	crm_commit(&txn);
	mirror_object_release(&state);
}

static inline void
people_fill(struct world *world)
{
	struct link_id parent = people_link_id("account", "c_7"),
		       child = people_link_id("bill", "i_59");

	connect((struct connection_case){.world = world,
	    .code = "pay",
	    .driver = "stripe",
	    .name = "Pay <b>",
	    .broken = "its <key> was refused",
	    .is_source = true});
	people_put_tokens(world);
	people_put_sync(world);
	people_put_first(world);
	people_put_others(world);
	for (int i = 2; i < 70; i++) {
		char id[16], *fields = bh_xasprintf("{\"name\": \"Customer %02d\"}", i);

		snprintf(id, sizeof(id), "c_%d", i);
		people_put(world, OBJECT_CUSTOMER, id, fields, NULL);
		if (i < 60)
			people_hold(world, id);
		free(fields);
	}
	people_link(world, "account", "c_60",
	    (struct link){.state = LINK_EXCLUDED, .code = LINK_NO_MATCH, .cause = "no account"});
	people_link(world, "account", "c_61", (struct link){.state = LINK_EXCLUDED});
	people_link(world, "account", "c_62",
	    (struct link){.state = LINK_UNCERTAIN, .remote_id = "odd"});
	people_link(world, "account", "c_63",
	    (struct link){.state = LINK_CLEAN, .remote_id = "001000000000063AAA"});
	people_mark(world, "account", "c_63");
	people_mark(world, "account", "c_3");
	assert_int_equal(link_wait_for(world->site.store, &parent, &child, NULL), 0);
	people_event(world, "evt_bad", JOURNAL_FAILED);
}

/* One that may be two. */
static inline void
people_put_choice(struct world *world)
{
	struct link_id id = people_link_id("account", "c_64");
	json_t *list = json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}]", "remote_id",
	    "001000000000064AAA", "name", "Acme <script>", "key", "", "why", "the same <e-mail>",
	    "remote_id", "weird", "name", "Beta", "key", "stripe:cus_9", "why", "the same domain");
	struct store_txn *txn;

	people_link(world, "account", "c_64",
	    (struct link){.state = LINK_HELD, .code = LINK_AMBIGUOUS, .cause = "2 records match"});
	txn = store_begin(world->site.store);
	link_candidates_put(txn, &id, list);
	crm_commit(&txn);
	json_decref(list);
}

#endif
