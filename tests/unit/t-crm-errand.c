/* Errands at a CRM: what each answers, what it leaves behind, what becomes of failures. */
#include "base/base.h"

#include "base/clock.h"
#include "fakecrm.h"
#include "state/queue.h"
#include "state/target.h"
#include "state/trail.h"
#include "state/walk.h"
#include "store/key.h"
#include "sync/crm_errand.h"
#include "unit.h"

#define VERIFIER "verifier-of-forty-three-characters-or-more-0"

/* What came of an errand. */
struct outcome {
	struct errand errand;
	int64_t again_ms;
	bool is_stored;
};

static int
forget_account(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	target_drop(txn, "crm", "Account");
	return 0;
}

/* Customers are matched by name; Custom__c is nobody's making. */
static struct bench *
open_bench(void)
{
	struct bench *bench;

	fake_init();
	bench = bench_new("salesforce");
	bench_apply(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{'objects':["
	    "{'name':'account','from':'customer','to':'Account','key':'Billhook_Id__c',"
	    "'match':[{'by':'value','fields':[{'to':'Name','from':'name'}]}],'fields':["
	    "{'to':'Name','from':'name'},{'to':'Billhook_Email__c','from':'email'},"
	    "{'to':'Custom__c','from':'currency'}]}]}}]}");
	bench_work(bench);
	assert_return_code(store_run(bench->store, forget_account, NULL, NULL, &bench->err), 0);
	return bench;
}

static void
close_bench(struct bench *bench)
{
	bench_free(bench);
	fake_release();
}

static void
release(struct outcome *outcome)
{
	errand_release(&outcome->errand);
}

/* -- running one -- */

static int64_t asked_ms; /* 0: now */
static int (*create_customer)(const struct source_api *api, const json_t *who, char id_r[256],
    struct bh_err *err);

/* The source, which can make customers where create_customer is set. */
static void
put_source(struct setup *setup, struct source_driver *driver)
{
	for (size_t i = 0; i < setup->connections_n; i++) {
		struct setup_connection *connection = &setup->connections[i];

		if (connection->source == NULL)
			continue;
		*driver = *connection->source;
		driver->create_customer = create_customer;
		connection->source = driver;
	}
}

/* ask is JSON with ' for "; NULL none. */
static struct outcome
run(struct bench *bench, const char *name, const char *ask)
{
	struct errand errand = {.is_open = true,
	    .asked_ms = asked_ms != 0 ? asked_ms : bh_now_ms(),
	    .ask = ask != NULL ? bench_json(ask) : NULL};
	struct outcome outcome;
	struct source_driver source;
	struct store_txn *txn;
	struct setup *setup;

	memset(&outcome, 0, sizeof(outcome));
	assert_int_equal(setup_load(bench->store, &bench->key, &setup, &bench->err), 0);
	put_source(setup, &source);
	if (crm_errand_run(&bench->context, setup, setup_connection(setup, "crm"), name, &errand,
		&outcome.again_ms, &bench->err) < 0)
		fail_msg("%s: %s", name, bench->err.text);
	setup_free(&setup);
	errand_release(&errand);
	txn = store_begin(bench->store);
	outcome.is_stored = errand_load(txn, "crm", name, &outcome.errand, &bench->err) > 0;
	store_free(&txn);
	return outcome;
}

static void
assert_done(const struct outcome *outcome)
{
	if (outcome->errand.error[0] != '\0')
		fail_msg("%s", outcome->errand.error);
	assert_true(outcome->is_stored);
	assert_false(outcome->errand.is_open);
	assert_int_equal(outcome->again_ms, 0);
	assert_int_equal(outcome->errand.done_ms, bh_now_ms());
	assert_non_null(outcome->errand.answer);
	assert_null(outcome->errand.ask);
}

static void
assert_failed(const struct outcome *outcome, const char *part)
{
	if (strstr(outcome->errand.error, part) == NULL)
		fail_msg("\"%s\", not \"%s\"", outcome->errand.error, part);
	assert_true(outcome->is_stored);
	assert_false(outcome->errand.is_open);
	assert_int_equal(outcome->again_ms, 0);
	assert_null(outcome->errand.answer);
	assert_null(outcome->errand.ask); /* it may have been a secret */
}

/* -- all of them -- */

/* Each answers, survives a dead token, tells why it failed, and is patient for a while. */
static void
each_errand(void **state BH_UNUSED)
{
	static const struct {
		const char *name, *ask, *call, *part;
	} each[] = {
	    {ERRAND_PROBE, NULL, "identify", "kind"},
	    {ERRAND_PLAN, NULL, "plan", "rows"},
	    {ERRAND_INSTALL, NULL, "install", "created"},
	    {ERRAND_COUNT, NULL, "count", "objects"},
	    {ERRAND_IMPORT, NULL, "unlinked", "rows"},
	    {ERRAND_DISCONNECT, "{'remove':true}", "uninstall", "removed"},
	};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench = open_bench();
		struct outcome outcome = run(bench, each[i].name, each[i].ask);
		size_t tokens = fake.tokens;

		assert_done(&outcome);
		assert_non_null(json_object_get(outcome.errand.answer, each[i].part));
		release(&outcome);

		fake.is_token_dead = true;
		outcome = run(bench, each[i].name, each[i].ask);
		assert_done(&outcome);
		assert_int_equal(fake.tokens, tokens + 1);
		release(&outcome);

		fake.fault = each[i].call;
		fake.fault_code = BH_INVALID;
		fake.fault_times = 1;
		outcome = run(bench, each[i].name, each[i].ask);
		assert_failed(&outcome, "fails");
		release(&outcome);

		/* A token that stays dead is asked for once, not for ever. */
		tokens = fake.tokens;
		fake.fault_code = BH_DENIED;
		fake.fault_times = 5;
		outcome = run(bench, each[i].name, each[i].ask);
		assert_failed(&outcome, "fails");
		assert_int_equal(fake.tokens, tokens + 1);
		assert_int_equal(fake.fault_times, 3);
		release(&outcome);

		/* Out of order: again in some seconds, for two minutes. */
		fake.fault_code = BH_UNAVAILABLE;
		outcome = run(bench, each[i].name, each[i].ask);
		assert_int_equal(outcome.again_ms, bh_now_ms() + 5000);
		release(&outcome);
		asked_ms = bh_now_ms() - 120001;
		outcome = run(bench, each[i].name, each[i].ask);
		assert_failed(&outcome, "fails");
		release(&outcome);
		asked_ms = 0;
		close_bench(bench);
	}
}

static void
what_is_not_known(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome = run(bench, "dance", NULL);

	assert_failed(&outcome, "no such errand");
	release(&outcome);
	close_bench(bench);
}

/* What was done, and to what, stands in the trail. */
static void
trail_tells(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome = run(bench, ERRAND_PROBE, NULL);
	struct store_txn *txn = store_begin(bench->store);
	json_t *list;

	assert_int_equal(trail_list(txn, 0, 1, &list, &bench->err), 0);
	assert_string_equal(bh_json_str(list, "0.what"), ERRAND_PROBE);
	assert_string_equal(bh_json_str(list, "0.subject"), "crm");
	assert_string_equal(bh_json_str(list, "0.text"), "done");
	json_decref(list);
	store_free(&txn);
	release(&outcome);
	close_bench(bench);
}

/* -- who is it -- */

static void
set_broken(struct bench *bench, const char *why)
{
	struct store_txn *txn = store_begin(bench->store);
	struct account_connection connection;

	assert_int_equal(account_connection_load(txn, &bench->key, "crm", &connection, &bench->err),
	    1);
	snprintf(connection.broken, sizeof(connection.broken), "%s", why);
	assert_int_equal(account_connection_save(txn, &bench->key, &connection, &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	account_connection_release(&connection);
	store_free(&txn);
}

static bool
is_broken(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct account_connection connection;
	bool broken;

	assert_int_equal(account_connection_load(txn, &bench->key, "crm", &connection, &bench->err),
	    1);
	broken = connection.broken[0] != '\0';
	account_connection_release(&connection);
	store_free(&txn);
	return broken;
}

static json_t *
stored_auth(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	json_t *doc = NULL;

	assert_return_code(account_auth_load(txn, &bench->key, "crm", &doc, &bench->err), 0);
	store_free(&txn);
	return doc;
}

static void
who_it_is(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome;
	json_t *auth;

	fake.used = 12;
	fake.limit = 15000;
	outcome = run(bench, ERRAND_PROBE, NULL);
	assert_string_equal(bh_json_str(outcome.errand.answer, "name"), "Acme");
	assert_string_equal(bh_json_str(outcome.errand.answer, "id"), "org-1");
	assert_string_equal(bh_json_str(outcome.errand.answer, "kind"), "Enterprise Edition");
	assert_string_equal(bh_json_str(outcome.errand.answer, "mode"), "test");
	assert_string_equal(bh_json_str(outcome.errand.answer, "missing.0"), "a, to do b");
	assert_string_equal(bh_json_str(outcome.errand.answer, "missing.1"), "c, to do d");
	assert_null(bh_json_str(outcome.errand.answer, "missing.2"));
	assert_string_equal(bh_json_str(outcome.errand.answer, "limits.0.name"),
	    "DailyApiRequests");
	auth = stored_auth(bench);
	assert_string_equal(bh_json_str(auth, "account_id"), "org-1");
	assert_true(bh_is_json_true(auth, "is_sandbox"));
	assert_int_equal(bench_lane(bench).day_used, 12);
	json_decref(auth);
	release(&outcome);

	/* Limits are no reason to fail. */
	fake.fault = "limits";
	fake.fault_code = BH_INVALID;
	fake.fault_times = 1;
	unit_log_expected(true);
	outcome = run(bench, ERRAND_PROBE, NULL);
	assert_done(&outcome);
	assert_int_equal(json_array_size(json_object_get(outcome.errand.answer, "limits")), 0);
	release(&outcome);
	close_bench(bench);
}

static void
refresh_tokens(void *arg)
{
	struct bench *bench = arg;
	struct store_txn *txn = store_begin(bench->store);
	json_t *auth = bench_json("{'access_token':'newer','refresh_token':'rotated'}");

	account_auth_save(txn, &bench->key, "crm", auth);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	json_decref(auth);
	store_free(&txn);
}

/* A push may refresh the tokens while an errand asks who it is: the old ones are dead then. */
static void
newer_tokens_are_kept(void **state BH_UNUSED)
{
	static const char *const errands[] = {ERRAND_PROBE, ERRAND_PLAN};

	for (size_t i = 0; i < BH_LEN(errands); i++) {
		struct bench *bench = open_bench();
		struct outcome outcome;
		json_t *auth;

		fake.while_asked = refresh_tokens;
		fake.arg = bench;
		outcome = run(bench, errands[i], NULL);
		assert_done(&outcome);
		release(&outcome);
		auth = stored_auth(bench);
		assert_string_equal(bh_json_str(auth, "access_token"), "newer");
		assert_string_equal(bh_json_str(auth, "refresh_token"), "rotated");
		assert_string_equal(bh_json_str(auth, "account_id"), "org-1");
		json_decref(auth);
		close_bench(bench);
	}
}

static void
ask_again(void *arg)
{
	struct bench *bench = arg;
	struct store_txn *txn = store_begin(bench->store);

	errand_ask(txn, "crm", ERRAND_PROBE, NULL, bh_now_ms() + 1);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
}

/* It may be about other settings than the one that runs. */
static void
asked_again_meanwhile(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome;

	fake.while_asked = ask_again;
	fake.arg = bench;
	outcome = run(bench, ERRAND_PROBE, NULL);
	assert_true(outcome.errand.is_open);
	assert_true(outcome.errand.asked_ms == bh_now_ms() + 1);
	release(&outcome);
	close_bench(bench);
}

/* A connection that answers is whole again, and its lane goes on. */
static void
probe_mends(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome;

	set_broken(bench, "the token was revoked");
	fake.fault = "identify";
	fake.fault_code = BH_INVALID;
	fake.fault_times = 1;
	outcome = run(bench, ERRAND_PROBE, NULL);
	assert_true(is_broken(bench));
	release(&outcome);
	assert_int_equal(bench_next_due(bench), INT64_MAX);
	outcome = run(bench, ERRAND_PROBE, NULL);
	assert_false(is_broken(bench));
	assert_int_equal(bench_next_due(bench), bh_now_ms());
	release(&outcome);
	close_bench(bench);
}

/* -- a person lets us in -- */

static void
put_login(struct bench *bench, const char *state, const char *connection, const char *code,
    int64_t expires_ms)
{
	struct store_txn *txn = store_begin(bench->store);
	struct account_login login = {.verifier = VERIFIER, .expires_ms = expires_ms};

	snprintf(login.connection, sizeof(login.connection), "%s", connection);
	snprintf(login.code, sizeof(login.code), "%s", code);
	snprintf(login.redirect_uri, sizeof(login.redirect_uri), "https://b.example.com/");
	account_login_save(txn, &bench->key, state, &login);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
}

static int
has_login(struct bench *bench, const char *state)
{
	struct store_txn *txn = store_begin(bench->store);
	struct account_login login;
	int rc = account_login_load(txn, &bench->key, state, &login, &bench->err);

	store_free(&txn);
	return rc;
}

static void
login_is_used_once(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome;
	json_t *auth;

	fake.verifier = VERIFIER;
	set_broken(bench, "nobody has logged in");
	put_login(bench, "state-1", "crm", "good", bh_now_ms() + 60000);
	outcome = run(bench, ERRAND_LOGIN, "{'login':'state-1'}");
	assert_done(&outcome);
	assert_string_equal(bh_json_str(outcome.errand.answer, "name"), "Acme");
	release(&outcome);
	assert_int_equal(fake.exchanges, 1);
	assert_false(is_broken(bench));
	auth = stored_auth(bench);
	assert_string_equal(bh_json_str(auth, "refresh_token"), "refresh");
	assert_string_equal(bh_json_str(auth, "account_name"), "Acme");
	json_decref(auth);

	assert_int_equal(has_login(bench, "state-1"), 0);
	outcome = run(bench, ERRAND_LOGIN, "{'login':'state-1'}");
	assert_failed(&outcome, "this login is over");
	assert_int_equal(fake.exchanges, 1);
	release(&outcome);
	close_bench(bench);
}

/* Only for its connection, with a code, and before it expires; none of it spends anything. */
static void
logins_that_do_not_hold(void **state BH_UNUSED)
{
	static const struct {
		const char *connection, *code, *ask, *error;
		int64_t left_ms;
	} each[] = {
	    {"other", "good", "{'login':'state-1'}", "this login is over", 60000},
	    {"crm", "", "{'login':'state-1'}", "this login is over", 60000},
	    {"crm", "good", "{'login':'state-2'}", "this login is over", 60000},
	    {"crm", "good", "{'login':'state-1'}", "this login is over", 0},
	    {"crm", "good", "{}", "no login", 60000},
	    {"crm", "good", NULL, "no login", 60000},
	};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench = open_bench();
		struct outcome outcome;

		fake.verifier = VERIFIER;
		put_login(bench, "state-1", each[i].connection, each[i].code,
		    bh_now_ms() + each[i].left_ms);
		outcome = run(bench, ERRAND_LOGIN, each[i].ask);
		assert_failed(&outcome, each[i].error);
		assert_int_equal(fake.exchanges, 0);
		assert_int_equal(has_login(bench, "state-1"), each[i].left_ms > 0);
		release(&outcome);
		close_bench(bench);
	}
}

/* A code that is spent is not tried again: the person hears at once why it failed. */
static void
login_that_fails(void **state BH_UNUSED)
{
	static const struct {
		const char *code, *call, *error;
		enum bh_code fault;
	} each[] = {
	    {"bad", NULL, "the code is not good", BH_OK},
	    {"good", "authorize", "authorize fails", BH_UNAVAILABLE},
	    {"good", "authorize", "authorize fails", BH_LIMITED},
	    {"good", "identify", "identify fails", BH_UNAVAILABLE},
	};

	for (size_t i = 0; i < BH_LEN(each); i++) {
		struct bench *bench = open_bench();
		struct outcome outcome;

		fake.verifier = VERIFIER;
		set_broken(bench, "nobody has logged in");
		put_login(bench, "state-1", "crm", each[i].code, bh_now_ms() + 60000);
		fake.fault = each[i].call;
		fake.fault_code = each[i].fault;
		fake.fault_times = 1;
		outcome = run(bench, ERRAND_LOGIN, "{'login':'state-1'}");
		assert_failed(&outcome, each[i].error);
		assert_int_equal(has_login(bench, "state-1"), 0);
		assert_int_equal(fake.exchanges, 1);
		assert_true(is_broken(bench));
		release(&outcome);
		close_bench(bench);
	}
}

/* -- the schema -- */

static const json_t *
find_row(const json_t *plan, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach (json_object_get(plan, "rows"), i, row)
		if (strcmp(bh_json_str(row, "name"), name) == 0)
			return row;
	return NULL;
}

/* What a mapping names and Billhook does not make is looked for, too. */
static void
plan_with_others(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome = run(bench, ERRAND_PLAN, NULL);
	const json_t *row = find_row(outcome.errand.answer, "Account.Custom__c");

	assert_done(&outcome);
	assert_string_equal(bh_json_str(row, "state"), "missing");
	assert_non_null(strstr(bh_json_str(row, "why"), "sync s"));
	assert_null(find_row(outcome.errand.answer, "Account.Name"));
	assert_int_equal(bh_json_int(outcome.errand.answer, "missing", 0), 1 + 1);
	/* The catalogue, cut down to what the mapping names. */
	assert_int_equal(json_array_size(json_object_get(fake.schema, "objects")), 1);
	assert_string_equal(bh_json_str(fake.schema, "objects.0.fields.0.name"), "Billhook_Id__c");
	assert_string_equal(bh_json_str(fake.schema, "objects.0.fields.1.name"),
	    "Billhook_Email__c");
	assert_non_null(bh_json_str(fake.schema, "objects.0.fields.1.why"));
	release(&outcome);

	/* It was made by hand: what was described before is not believed. */
	fake.extra_field = "Custom__c";
	outcome = run(bench, ERRAND_PLAN, NULL);
	assert_null(find_row(outcome.errand.answer, "Account.Custom__c"));
	release(&outcome);

	/* An object that cannot be described is no object without fields. */
	fake.fault = "describe";
	fake.fault_code = BH_INVALID;
	fake.fault_times = 1;
	unit_log_expected(true);
	outcome = run(bench, ERRAND_PLAN, NULL);
	assert_null(find_row(outcome.errand.answer, "Account.Custom__c"));
	release(&outcome);
	close_bench(bench);
}

static void
plan_without_a_sync(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct store_txn *txn = store_begin(bench->store);
	struct outcome outcome;

	account_sync_drop(txn, "s");
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
	outcome = run(bench, ERRAND_PLAN, NULL);
	assert_failed(&outcome, "no sync leads to crm");
	release(&outcome);
	outcome = run(bench, ERRAND_IMPORT, NULL);
	assert_failed(&outcome, "no sync to crm");
	release(&outcome);
	close_bench(bench);
}

static void
see_progress(void *arg)
{
	struct bench *bench = arg;
	struct store_txn *txn = store_begin(bench->store);
	struct errand errand;

	assert_int_equal(errand_load(txn, "crm", ERRAND_INSTALL, &errand, &bench->err), 1);
	assert_true(errand.is_open);
	assert_string_equal(bh_json_str(errand.answer, "progress.at"), "Account");
	assert_int_equal(bh_json_int(errand.answer, "progress.of", 0), 2);
	bench->events = 1000; /* it was called */
	errand_release(&errand);
	store_free(&txn);
}

static bool
is_stopping_at_once(void *arg BH_UNUSED)
{
	return true;
}

/* People see how far it is; a worker that ends leaves the rest to another. */
static void
install_goes_on(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome;

	fake.meanwhile = see_progress;
	fake.arg = bench;
	bench->context.is_stopping = is_stopping_at_once;
	outcome = run(bench, ERRAND_INSTALL, NULL);
	assert_int_equal(bench->events, 1000);
	assert_true(outcome.errand.is_open);
	assert_int_equal(outcome.again_ms, bh_now_ms());
	release(&outcome);
	bench->context.is_stopping = NULL;
	outcome = run(bench, ERRAND_INSTALL, NULL);
	assert_done(&outcome);
	assert_true(bh_is_json_true(outcome.errand.answer, "is_complete"));
	release(&outcome);
	close_bench(bench);
}

/* Behind an install objects are described anew. */
static void
install_forgets_descriptions(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome;
	struct store_txn *txn;
	int64_t fetched_ms;
	json_t *doc;

	bench_customer(bench, "cus_1", "Ada");
	bench_work(bench);
	txn = store_begin(bench->store);
	assert_int_equal(target_get(txn, "crm", "Account", &doc, &fetched_ms, &bench->err), 1);
	json_decref(doc);
	store_free(&txn);
	outcome = run(bench, ERRAND_INSTALL, NULL);
	release(&outcome);
	txn = store_begin(bench->store);
	assert_int_equal(target_get(txn, "crm", "Account", &doc, &fetched_ms, &bench->err), 0);
	json_decref(doc);
	store_free(&txn);
	close_bench(bench);
}

/* What is asked for is described anew, also where no mapping in use names it. */
static void
describe_keeps_fields(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome =
	    run(bench, ERRAND_DESCRIBE, "{'objects':['Account','Opportunity']}");
	struct store_txn *txn;
	int64_t fetched_ms, before;
	json_t *doc;

	assert_done(&outcome);
	txn = store_begin(bench->store);
	assert_int_equal(target_get(txn, "crm", "Account", &doc, &fetched_ms, &bench->err), 1);
	json_decref(doc);
	assert_int_equal(target_get(txn, "crm", "Opportunity", &doc, &fetched_ms, &bench->err), 1);
	json_decref(doc);
	store_free(&txn);

	/* A field that was made since is seen at once. */
	fake.extra_field = "Custom__c";
	before = bh_json_int(outcome.errand.answer, "Account", 0);
	release(&outcome);
	outcome = run(bench, ERRAND_DESCRIBE, "{'objects':['Account']}");
	assert_int_equal(bh_json_int(outcome.errand.answer, "Account", 0), before + 1);
	release(&outcome);

	/* One of them is there all the same; none is a failure. */
	fake.fault = "describe";
	fake.fault_code = BH_INVALID;
	fake.fault_times = 1;
	unit_log_expected(true);
	outcome = run(bench, ERRAND_DESCRIBE, "{'objects':['Nothing','Account']}");
	assert_done(&outcome);
	assert_true(json_is_null(json_object_get(outcome.errand.answer, "Nothing")));
	release(&outcome);
	fake.fault_times = 1;
	outcome = run(bench, ERRAND_DESCRIBE, "{'objects':['Account']}");
	assert_failed(&outcome, "describes none");
	release(&outcome);
	/* What was known stays. */
	txn = store_begin(bench->store);
	assert_int_equal(target_get(txn, "crm", "Account", &doc, &fetched_ms, &bench->err), 1);
	json_decref(doc);
	store_free(&txn);
	close_bench(bench);
}

/* Of the whole catalogue, whatever the mappings of today name. */
static void
count_is_of_everything(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome = run(bench, ERRAND_COUNT, NULL);

	assert_done(&outcome);
	assert_int_equal(bh_json_int(outcome.errand.answer, "objects.0.records", 0), 7);
	assert_true(json_array_size(json_object_get(fake.schema, "objects")) > 5);
	release(&outcome);
	close_bench(bench);
}

/* -- leaving -- */

/* Keys of a family that name this destination first. */
static size_t
count_keys(struct bench *bench, const char *family, const char *code)
{
	struct store_scan scan = {.max = 1000, .keys_only = true};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	key_begin(&prefix, family);
	key_text(&prefix, code);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	store_free(&txn);
	return n;
}

static const char *const families[] = {"Lk", "Ly", "Lh", "Lu", "Lm", "Ln", "Lp", "Lb", "Lr", "Dd",
    "We"};

/* Something of everything that is known of a destination. */
static int
put_all(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	for (size_t i = 0; i < BH_LEN(families); i++) {
		struct key key;

		key_begin(&key, families[i]);
		key_text(&key, arg);
		key_text(&key, "x");
		store_put(txn, key.data, key.len, "{}", 2);
	}
	return 0;
}

/* A second connection whose code begins with the first one's, with a sync of its own. */
static struct bench *
open_two(void)
{
	struct bench *bench = open_bench();
	static char codes[2][8] = {"crm", "crm2"};

	bench_apply(bench,
	    "{'billhook':1,'connections':[{'code':'crm2','driver':'sandbox'}],'syncs':[{'code':"
	    "'s2','from':'stripe','to':'crm2','mapping':{'objects':[{'name':'account',"
	    "'from':'customer','to':'Account','key':'Key__c','fields':["
	    "{'to':'Name','from':'name'}]}]}}]}");
	for (size_t i = 0; i < BH_LEN(codes); i++)
		assert_return_code(store_run(bench->store, put_all, codes[i], NULL, &bench->err),
		    0);
	return bench;
}

static json_t *
list_of(struct bench *bench,
    int (*list)(struct store_txn *txn, json_t **codes_r, struct bh_err *err))
{
	struct store_txn *txn = store_begin(bench->store);
	json_t *codes;

	assert_int_equal(list(txn, &codes, &bench->err), 0);
	store_free(&txn);
	return codes;
}

static void
assert_left(struct bench *bench)
{
	json_t *connections = list_of(bench, account_connections);
	json_t *syncs = list_of(bench, account_syncs), *auth = stored_auth(bench);

	assert_int_equal(json_array_size(connections), 2);
	assert_string_equal(bh_json_str(connections, "0"), "crm2");
	assert_string_equal(bh_json_str(connections, "1"), "stripe");
	assert_int_equal(json_array_size(syncs), 1);
	assert_string_equal(bh_json_str(syncs, "0"), "s2");
	assert_null(auth);
	for (size_t i = 0; i < BH_LEN(families); i++) {
		if (count_keys(bench, families[i], "crm") != 0)
			fail_msg("%s is left", families[i]);
		assert_int_equal(count_keys(bench, families[i], "crm2"), 1);
	}
	json_decref(connections);
	json_decref(syncs);
}

static void
disconnect_forgets_all_of_one(void **state BH_UNUSED)
{
	for (int i = 0; i < 3; i++) {
		struct bench *bench = open_two();
		struct outcome outcome;

		/* Tokens that are dead, or cannot be given back, keep nobody. */
		fake.is_token_dead = i == 1;
		fake.fault = i == 2 ? "revoke" : NULL;
		fake.fault_code = BH_UNAVAILABLE;
		fake.fault_times = 1;
		unit_log_expected(i > 0);
		outcome = run(bench, ERRAND_DISCONNECT, NULL);
		assert_int_equal(outcome.again_ms, 0);
		assert_false(outcome.is_stored);
		assert_int_equal(fake.revokes, 1);
		assert_null(fake.schema); /* it stays in the CRM */
		assert_left(bench);
		release(&outcome);
		close_bench(bench);
	}
}

static void
disconnect_removes_the_schema(void **state BH_UNUSED)
{
	struct bench *bench = open_two();
	struct outcome outcome;
	json_t *connections;

	/* Not all could be taken away: everything stays, and the report says what. */
	outcome = run(bench, ERRAND_DISCONNECT, "{'remove':true}");
	assert_done(&outcome);
	assert_false(bh_is_json_true(outcome.errand.answer, "is_complete"));
	connections = list_of(bench, account_connections);
	assert_int_equal(json_array_size(connections), 3);
	assert_int_equal(fake.revokes, 0);
	assert_int_equal(count_keys(bench, "Lk", "crm"), 1);
	json_decref(connections);
	release(&outcome);

	fake.is_removable = true;
	outcome = run(bench, ERRAND_DISCONNECT, "{'remove':true}");
	assert_false(outcome.is_stored);
	assert_true(json_array_size(json_object_get(fake.schema, "objects")) > 5);
	assert_int_equal(fake.revokes, 1);
	assert_left(bench);
	release(&outcome);
	close_bench(bench);
}

/* -- accounts that billing does not know -- */

static void
import_page_by_page(void **state BH_UNUSED)
{
	struct bench *bench = open_bench();
	struct outcome outcome;

	fake_add("A1", "Account", "{'Name':'Ada'}");
	fake_add("A2", "Account", "{'Name':'Bob','Billhook_Id__c':'stripe:cus_1'}");
	fake_add("A3", "Account", "{'Name':'Cid'}");
	fake_add("A4", "Account", "{'Name':'Dan'}");
	fake_add("B1", "Contact", "{'Name':'Eve'}");
	outcome = run(bench, ERRAND_IMPORT, NULL);
	assert_done(&outcome);
	assert_string_equal(bh_json_str(outcome.errand.answer, "sync"), "s");
	assert_string_equal(bh_json_str(outcome.errand.answer, "object"), "Account");
	assert_string_equal(bh_json_str(outcome.errand.answer, "source"), "stripe");
	assert_string_equal(bh_json_str(outcome.errand.answer, "rows.0.remote_id"), "A1");
	assert_string_equal(bh_json_str(outcome.errand.answer, "rows.1.name"), "Cid");
	assert_string_equal(bh_json_str(outcome.errand.answer, "after"), "A3");
	assert_true(bh_is_json_true(outcome.errand.answer, "more"));
	assert_false(bh_is_json_true(outcome.errand.answer, "can_create"));
	release(&outcome);
	outcome = run(bench, ERRAND_IMPORT, "{'sync':'s','after':'A3'}");
	assert_string_equal(bh_json_str(outcome.errand.answer, "rows.0.remote_id"), "A4");
	assert_int_equal(json_array_size(json_object_get(outcome.errand.answer, "rows")), 1);
	assert_false(bh_is_json_true(outcome.errand.answer, "more"));
	release(&outcome);
	outcome = run(bench, ERRAND_IMPORT, "{'sync':'other'}");
	assert_failed(&outcome, "no sync to crm");
	release(&outcome);
	close_bench(bench);
}

/* Makes cus_9 of whom it is told. */
static json_t *who_was_told;

static int
make_customer(const struct source_api *api BH_UNUSED, const json_t *who, char id_r[256],
    struct bh_err *err BH_UNUSED)
{
	json_decref(who_was_told);
	who_was_told = json_deep_copy(who);
	snprintf(id_r, 256, "cus_9");
	return 0;
}

static int
refuse_customer(const struct source_api *api BH_UNUSED, const json_t *who BH_UNUSED,
    char id_r[256] BH_UNUSED, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "the e-mail is bad");
}

/* The customer is linked to the record that it was made for, before it is heard of. */
static void
customer_for_a_record(void **state BH_UNUSED)
{
	static const char ask[] =
	    "{'sync':'s','remote_id':'A1','name':'Ada','email':'ada@example.com'}";
	struct bench *bench = open_bench();
	struct outcome outcome;

	fake_add("A1", "Account", "{'Name':'Ada'}");
	outcome = run(bench, ERRAND_CREATE, ask);
	assert_failed(&outcome, "lets nobody make customers");
	release(&outcome);

	create_customer = refuse_customer;
	outcome = run(bench, ERRAND_CREATE, ask);
	assert_failed(&outcome, "the e-mail is bad");
	release(&outcome);
	create_customer = make_customer;
	outcome = run(bench, ERRAND_CREATE, "{'sync':'s','remote_id':'A1'}");
	assert_failed(&outcome, "name are needed");
	release(&outcome);
	assert_null(who_was_told);

	outcome = run(bench, ERRAND_CREATE, ask);
	assert_done(&outcome);
	assert_string_equal(bh_json_str(outcome.errand.answer, "id"), "cus_9");
	assert_string_equal(bh_json_str(who_was_told, "email"), "ada@example.com");
	assert_string_equal(bh_json_str(who_was_told, "crm"), "salesforce");
	assert_string_equal(bh_json_str(who_was_told, "remote_id"), "A1");
	assert_string_equal(bench_link(bench, "account", "cus_9").remote_id, "A1");
	release(&outcome);

	bench_customer(bench, "cus_9", "Ada King");
	bench_work(bench);
	assert_string_equal(fake_text("A1", "Billhook_Id__c"), "stripe:cus_9");
	assert_string_equal(fake_text("A1", "Name"), "Ada King");
	assert_int_equal(json_object_size(fake.records), 1);
	create_customer = NULL;
	json_decref(who_was_told);
	who_was_told = NULL;
	close_bench(bench);
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
	    cmocka_unit_test_teardown(each_errand, teardown),
	    cmocka_unit_test_teardown(what_is_not_known, teardown),
	    cmocka_unit_test_teardown(trail_tells, teardown),
	    cmocka_unit_test_teardown(who_it_is, teardown),
	    cmocka_unit_test_teardown(newer_tokens_are_kept, teardown),
	    cmocka_unit_test_teardown(asked_again_meanwhile, teardown),
	    cmocka_unit_test_teardown(probe_mends, teardown),
	    cmocka_unit_test_teardown(login_is_used_once, teardown),
	    cmocka_unit_test_teardown(logins_that_do_not_hold, teardown),
	    cmocka_unit_test_teardown(login_that_fails, teardown),
	    cmocka_unit_test_teardown(plan_with_others, teardown),
	    cmocka_unit_test_teardown(plan_without_a_sync, teardown),
	    cmocka_unit_test_teardown(install_goes_on, teardown),
	    cmocka_unit_test_teardown(install_forgets_descriptions, teardown),
	    cmocka_unit_test_teardown(describe_keeps_fields, teardown),
	    cmocka_unit_test_teardown(count_is_of_everything, teardown),
	    cmocka_unit_test_teardown(disconnect_forgets_all_of_one, teardown),
	    cmocka_unit_test_teardown(disconnect_removes_the_schema, teardown),
	    cmocka_unit_test_teardown(import_page_by_page, teardown),
	    cmocka_unit_test_teardown(customer_for_a_record, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
