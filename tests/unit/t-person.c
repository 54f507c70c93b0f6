/* One person: found, handed out whole, erased without a trace, also when that is interrupted anywhere. */
#include "base/base.h"

#include <sys/stat.h>

#include <ctype.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "bench.h"
#include "state/derived.h"
#include "state/target.h"
#include "state/trail.h"
#include "state/walk.h"
#include "state/want.h"
#include "sync/automate.h"
#include "sync/configure.h"
#include "sync/person.h"
#include "sync/resync.h"
#include "sync/sweep.h"
#include "sync/verify.h"
#include "sync/writeback.h"
#include "unit.h"

/* -- helpers -- */

static void
customer_event(struct bench *bench, const char *id, const char *name, const char *email)
{
	bench_event(bench, "customer.updated",
	    json_pack("{s:s, s:s, s:s, s:s}", "object", "customer", "id", id, "name", name, "email",
		email));
}

static void
add_trail(struct bench *bench, const char *text)
{
	struct store_txn *txn = store_begin(bench->store);
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "refused",
	    .subject = "crm",
	    .text = text};

	trail_add(txn, 0, &entry);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
}

/* Ada with everything, and others whose ids, names and addresses are almost hers. */
static struct bench *
make_people(void)
{
	struct bench *bench = bench_new("sandbox");

	customer_event(bench, "cus_1", "Ada Person", "ada@person.example");
	customer_event(bench, "cus_10", "Bob Other", "bob@other.example");
	customer_event(bench, "cus_2", "Eve Other", "\xc3\x88ve@other.example");
	bench_subscription(bench, "sub_1", "cus_1", "active");
	bench_subscription(bench, "sub_10", "cus_10", "active");
	bench_invoice(bench, "in_1", "cus_1", "sub_1", 1900);
	bench_invoice(bench, "in_2", "cus_1", NULL, 2900);
	bench_invoice(bench, "in_10", "cus_10", "sub_10", 3900);
	/* A payment, which no mapping of the sync asks for; and one that names her by her address alone. */
	bench_event(bench, "charge.succeeded",
	    json_pack("{s:s, s:s, s:s, s:{s:s}}", "object", "charge", "id", "ch_1", "customer",
		"cus_1", "billing_details", "name", "Ada Person"));
	bench_event(bench, "checkout.session.completed",
	    json_pack("{s:s, s:s, s:s}", "object", "checkout.session", "id", "cs_1",
		"customer_email", "Ada@Person.example"));
	bench_work(bench);
	add_trail(bench, "Account stripe:cus_1 was refused: ada@person.example is no address");
	add_trail(bench, "Account stripe:cus_10 was refused: bob@other.example is no address");
	return bench;
}

static struct person *
find(struct bench *bench, const char *who, const char *connection)
{
	struct person *person;

	if (person_find(&bench->context, who, connection, &person, &bench->err) < 0)
		fail_msg("%s: %s", who, bench->err.text);
	return person;
}

static struct person_done
erase(struct bench *bench, const char *who)
{
	struct person *person = find(bench, who, NULL);
	struct person_done done;

	if (person_erase(person, NULL, NULL, &done, &bench->err) < 0)
		fail_msg("%s: %s", who, bench->err.text);
	person_free(&person);
	return done;
}

static int
add_text(void *arg, const char *text, size_t len)
{
	bh_buf_add(arg, text, len);
	return 0;
}

/* The whole store but for jobs and marks, which come and go by themselves. */
static char *
dump(struct bench *bench)
{
	struct bh_buf all = BH_BUF_INIT(SIZE_MAX / 2), kept = BH_BUF_INIT(SIZE_MAX / 2);
	const char *at;

	assert_int_equal(store_dump(bench->store, add_text, &all, &bench->err), 0);
	for (at = bh_buf_str(&all); *at != '\0';) {
		size_t len = strcspn(at, "\n") + 1;

		if (strncmp(at, "{\"k\":\"Q", 7) != 0 && strncmp(at, "{\"k64\":\"UW", 10) != 0 &&
		    strncmp(at, "{\"count\"", 8) != 0)
			bh_buf_add(&kept, at, len);
		at += len;
	}
	bh_buf_release(&all);
	return bh_buf_steal(&kept);
}

static bool
is_in(const char *bytes, size_t size, const char *text)
{
	return memmem(bytes, size, text, strlen(text)) != NULL;
}

/* What keys and values of the store say, where it is not text in a dump: search the raw bytes. */
static size_t
count_in_store(struct bench *bench, const char *text)
{
	struct store_scan scan = {.prefix = "", .prefix_len = 0, .max = 100000};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	size_t n, found = 0;
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	assert_false(more);
	for (size_t i = 0; i < n; i++)
		found += is_in(entries[i].key, entries[i].key_len, text) ||
			 is_in(entries[i].value, entries[i].value_len, text);
	store_free(&txn);
	return found;
}

/* -- finding -- */

static void
found_by(void **state)
{
	static const struct {
		const char *who, *connection;
		size_t customers, objects;
	} cases[] = {
	    {"cus_1", NULL, 1, 5}, /* and a subscription, two invoices, a payment */
	    {"cus_1", "stripe", 1, 5},
	    {"cus_1", "crm", 0, 0},
	    {"ada@person.example", NULL, 1, 5},
	    {"ADA@Person.Example", NULL, 1, 5},
	    {" ada@person.example\n", NULL, 1, 5},
	    {"\xc3\xa8VE@other.example", NULL, 1, 1},
	    {"ada@person.exampl", NULL, 0, 0},
	    {"cus_10", NULL, 1, 3},
	    {"cus_2", NULL, 1, 1},
	    {"cus", NULL, 0, 0},
	    {"Ada Person", NULL, 0, 0},
	    {"in_1", NULL, 0, 0},
	};
	struct bench *bench = *state = make_people();
	struct person *person;

	for (size_t i = 0; i < BH_LEN(cases); i++) {
		person = find(bench, cases[i].who, cases[i].connection);
		if (person_customers(person) != cases[i].customers ||
		    person_objects(person) != cases[i].objects)
			fail_msg("%s: %zu customers, %zu objects", cases[i].who,
			    person_customers(person), person_objects(person));
		person_free(&person);
	}
	assert_int_equal(person_find(&bench->context, "cus_1", "nowhere", &person, &bench->err),
	    -1);
	assert_int_equal(bench->err.code, BH_INVALID);
	assert_null(person);
}

/* Two customers with one address are both meant. */
static void
shared_address(void **state)
{
	struct bench *bench = *state = make_people();
	struct person *person;

	customer_event(bench, "cus_3", "Ada again", "ada@person.example");
	bench_work(bench);
	person = find(bench, "ada@person.example", NULL);
	assert_int_equal(person_customers(person), 2);
	assert_int_equal(person_objects(person), 6);
	person_free(&person);
	erase(bench, "ada@person.example");
	assert_int_equal(count_in_store(bench, "Ada "), 0);
}

/* An invoice that was hers and is Bob's now stays his. */
static void
moved_to_another(void **state)
{
	struct bench *bench = *state = make_people();
	struct object_state object;

	bench_invoice(bench, "in_2", "cus_10", NULL, 2900);
	bench_work(bench);
	assert_int_equal(erase(bench, "cus_1").n[PERSON_OBJECT], 4);
	assert_int_equal(bench_mirror(bench, OBJECT_INVOICE, "in_2", &object), 1);
	assert_string_equal(bh_json_str(object.fields, "customer"), "cus_10");
	mirror_object_release(&object);
}

/* Events of a connection that is gone, and of which nothing was ever mirrored. */
static void
connection_gone(void **state)
{
	static const char body[] = "{\"content\":{\"customer\":{\"external_id\":\"cus_1\"}}}";
	struct bench *bench = *state = make_people();
	struct person *person;
	struct person_done done;

	bench_journal(bench, "gone", "evt_gone", "x", body, strlen(body));
	person = find(bench, "cus_1", "stripe");
	assert_int_equal(person_erase(person, NULL, NULL, &done, &bench->err), 0);
	assert_int_equal(done.n[PERSON_EVENT], 5);
	person_free(&person);
	assert_int_equal(erase(bench, "cus_1").n[PERSON_EVENT], 1);
}

/* -- handing out -- */

struct handed {
	size_t n[PERSON__MAX];
	enum person_part last;
	struct bh_buf text;
};

static int
take(void *arg, enum person_part part, const json_t *item, struct bh_err *err BH_UNUSED)
{
	struct handed *handed = arg;

	assert_true(part >= handed->last);
	assert_true(json_is_object(item));
	handed->last = part;
	handed->n[part]++;
	bh_json_add(&handed->text, item);
	return 0;
}

static struct handed
hand_out(struct bench *bench, const char *who)
{
	struct person *person = find(bench, who, NULL);
	struct handed handed = {.text = BH_BUF_INIT(1 << 20)};

	if (person_visit(person, take, &handed, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	person_free(&person);
	return handed;
}

static void
handed_out_whole(void **state)
{
	struct bench *bench = *state = make_people();
	struct handed handed = hand_out(bench, "ada@person.example");

	assert_int_equal(handed.n[PERSON_OBJECT], 5);
	assert_int_equal(handed.n[PERSON_LINK], 4);
	assert_int_equal(handed.n[PERSON_RECORD], 4);
	assert_int_equal(handed.n[PERSON_EVENT], 6);
	assert_int_equal(handed.n[PERSON_TRAIL], 1);
	assert_int_equal(handed.n[PERSON_SPOOL], 0);
	assert_non_null(strstr(bh_buf_str(&handed.text), "charge.succeeded"));
	assert_non_null(strstr(bh_buf_str(&handed.text), "checkout.session.completed"));
	assert_non_null(strstr(bh_buf_str(&handed.text), "sbx_"));
	assert_null(strstr(bh_buf_str(&handed.text), "Other"));
	assert_null(strstr(bh_buf_str(&handed.text), "cus_10"));
	assert_null(strstr(bh_buf_str(&handed.text), "in_10"));
	assert_null(strstr(bh_buf_str(&handed.text), "_older"));
	bh_buf_release(&handed.text);
	/* By id, the event that knows only the address is not hers. */
	handed = hand_out(bench, "cus_1");
	assert_int_equal(handed.n[PERSON_EVENT], 5);
	bh_buf_release(&handed.text);
	handed = hand_out(bench, "nobody@person.example");
	for (int part = 0; part < PERSON__MAX; part++)
		assert_int_equal(handed.n[part], 0);
	bh_buf_release(&handed.text);
}

static int
refuse(void *arg, enum person_part part BH_UNUSED, const json_t *item BH_UNUSED, struct bh_err *err)
{
	++*(int *)arg;
	return bh_fail(err, BH_STORAGE, "the disk is full");
}

static void
handing_out_may_stop(void **state)
{
	struct bench *bench = *state = make_people();
	struct person *person = find(bench, "cus_1", NULL);
	int asked = 0;

	assert_int_equal(person_visit(person, refuse, &asked, &bench->err), -1);
	assert_int_equal(asked, 1);
	assert_string_equal(bench->err.text, "the disk is full");
	person_free(&person);
}

/* -- erasing -- */

static int
count_gone(void *arg, const json_t *link)
{
	assert_string_equal(bh_json_str(link, "destination"), "crm");
	assert_true(*bh_json_str(link, "record") != '\0');
	++*(int *)arg;
	return 0;
}

/* Records in a CRM are out of reach: they are told.  Those of a sandbox go themselves. */
static void
told_of_the_crm(void **state)
{
	struct bench *bench = *state = bench_new("salesforce");
	struct person_done done;
	struct person *person;
	int gone = 0;

	customer_event(bench, "cus_1", "Ada Person", "ada@person.example");
	bench_invoice(bench, "in_1", "cus_1", NULL, 1900);
	bench_work(bench);
	person = find(bench, "cus_1", NULL);
	assert_int_equal(person_erase(person, count_gone, &gone, &done, &bench->err), 0);
	person_free(&person);
	assert_int_equal(done.n[PERSON_LINK], 2);
	assert_int_equal(gone, 2);
}

static void
erased_without_a_trace(void **state)
{
	struct bench *bench = *state = make_people();
	size_t bobs = count_in_store(bench, "Bob Other"), cus_10 = count_in_store(bench, "cus_10");
	struct person *person = find(bench, "ada@person.example", NULL);
	struct person_done done;
	struct handed handed;
	int gone = 0;

	assert_true(count_in_store(bench, "Ada Person") > 3);
	assert_true(count_in_store(bench, "ada person") > 0); /* the list of customers */
	assert_true(count_in_store(bench, ":2900") > 1);
	assert_int_equal(person_erase(person, count_gone, &gone, &done, &bench->err), 0);
	person_free(&person);
	assert_int_equal(done.n[PERSON_OBJECT], 5);
	assert_int_equal(done.n[PERSON_LINK], 4);
	assert_int_equal(done.n[PERSON_RECORD], 4);
	assert_int_equal(done.n[PERSON_EVENT], 6);
	assert_int_equal(done.n[PERSON_TRAIL], 1);
	assert_int_equal(gone, 0);
	assert_int_equal(count_in_store(bench, "Ada "), 0);
	assert_int_equal(count_in_store(bench, "ada person"), 0);
	assert_int_equal(count_in_store(bench, "person.example"), 0);
	assert_int_equal(count_in_store(bench, "Person.example"), 0);
	assert_int_equal(count_in_store(bench, ":2900"),
	    0); /* with a sign that no sealed secret has */
	/* The others are as they were. */
	assert_int_equal(count_in_store(bench, "Bob Other"), bobs);
	assert_int_equal(count_in_store(bench, "cus_10"), cus_10);
	bench_recount(bench);
	assert_int_equal(bench_lane(bench).in_step, 4);
	/* Nothing is left to hand out, and nothing to erase. */
	handed = hand_out(bench, "cus_1");
	for (int part = 0; part < PERSON__MAX; part++)
		assert_int_equal(handed.n[part], 0);
	bh_buf_release(&handed.text);
	done = erase(bench, "cus_1");
	for (int part = 0; part < PERSON__MAX; part++)
		assert_int_equal(done.n[part], 0);
	/* Replays and a look at everything bring nothing back to life. */
	for (unsigned i = 0; i < bench->events; i++) {
		struct store_txn *txn = store_begin(bench->store);
		uint64_t stamp;
		char id[32];

		snprintf(id, sizeof(id), "evt_%u", i);
		assert_int_equal(journal_find(txn, "stripe", id, &stamp, &bench->err), 1);
		journal_replay(txn, stamp);
		assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
		store_free(&txn);
	}
	bench_work(bench);
	assert_int_equal(count_in_store(bench, "Ada "), 0);
	assert_int_equal(bench_lane(bench).in_step, 4);
}

/* -- what was worked out of them, and is to be looked up -- */

/* Ada's and Bob's: a price, and a discount whose end is known. */
static void
priced_subscription(struct bench *bench, const char *id, const char *customer)
{
	long long now_s = (long long)(bh_now_ms() / 1000);
	char *text = bh_xasprintf(
	    "{'object':'subscription','id':'%s','customer':'%s','status':'active','currency':'eur',"
	    "'created':%lld,'start_date':%lld,'current_period_end':%lld,'discounts':["
	    "{'id':'di_%s','object':'discount','subscription':'%s','start':%lld,'end':%lld,"
	    "'coupon':{'id':'ten','object':'coupon','percent_off':10,'duration':'repeating',"
	    "'duration_in_months':1,'valid':true}}],'items':{'object':'list','data':["
	    "{'id':'si_1','object':'subscription_item','quantity':2,'price':{'id':'price_1',"
	    "'object':'price','currency':'eur','unit_amount':1000,'product':'prod_1',"
	    "'type':'recurring','recurring':{'interval':'month','interval_count':1,"
	    "'usage_type':'licensed'}}}]}}",
	    id, customer, now_s - 864000, now_s - 864000, now_s + 864000, id, id, now_s - 864000,
	    now_s + 864000);

	bench_event(bench, "customer.subscription.updated", bench_json(text));
	free(text);
}

/* Entries of a family whose key names this, as a whole word of it. */
static size_t
count_keys(struct bench *bench, const char *family, const char *name)
{
	struct store_scan scan = {.prefix = family, .prefix_len = strlen(family), .max = 1000};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	size_t n, found = 0, len = strlen(name);
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	for (size_t i = 0; i < n; i++) {
		const char *at = memmem(entries[i].key, entries[i].key_len, name, len);

		found += at != NULL && (at + len == entries[i].key + entries[i].key_len ||
					   !isalnum((unsigned char)at[len]));
	}
	store_free(&txn);
	return found;
}

static const char *const figure_families[] = {"Fh", "Fc", "Fd", "Fr", "Fq", "Ft", "Wn", "Ws", "Mc"};

static struct bench *
make_figures(void)
{
	struct bench *bench = make_people();
	struct object_changes seen = {0};
	struct store_txn *txn;
	json_t *hint = json_pack("{s:s, s:s}", "owner_kind", "customer", "owner", "cus_1");

	priced_subscription(bench, "sub_7", "cus_1");
	priced_subscription(bench, "sub_17", "cus_10");
	bench_work(bench);
	txn = store_begin(bench->store);
	derived_defer(txn, &(struct mirror_id){"stripe", "", OBJECT_CUSTOMER, "cus_1"}, NULL);
	want_put(txn, "stripe", "subscription_items", "", "sub_7", NULL);
	want_put(txn, "stripe", "discount", "", "di_3", hint);
	want_put(txn, "stripe", WRITEBACK_WANT, "", "cus_1", NULL);
	want_put(txn, "stripe", "discount", "", "di_2", NULL);
	want_put(txn, "stripe", "subscription_items", "", "sub_17", NULL);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
	json_decref(hint);
	/* A backfill that is under way has seen both. */
	object_changes_add(&seen, OBJECT_CUSTOMER, "cus_1");
	object_changes_add(&seen, OBJECT_CUSTOMER, "cus_10");
	assert_int_equal(sweep_note(&bench->context, "stripe", &seen, &bench->err), 0);
	object_changes_release(&seen);
	return bench;
}

static size_t
count_figures(struct bench *bench, const char *const *names)
{
	size_t n = 0;

	for (size_t i = 0; i < BH_LEN(figure_families); i++)
		for (const char *const *name = names; *name != NULL; name++)
			n += count_keys(bench, figure_families[i], *name);
	return n;
}

/* What an automation told of her, a dry run that shows her, CRM records and customers that were looked for. */
static void
put_talk(struct bench *bench)
{
	struct mirror_id action = {"stripe", "", OBJECT_ACTION, "late/in_1"};
	struct store_txn *txn = store_begin(bench->store);
	struct alert_cause hers = {.title = "Ada Person pays late",
	    .text = "call ada@person.example"};
	struct alert_cause bobs = {.title = "Bob Other pays late"};
	struct errand errand = {.done_ms = 1, .answer = json_pack("[{s:s}]", "name", "Ada Person")};
	struct object_state object = {.version = {.at_ms = bh_now_ms()},
	    .fields = json_pack("{s:s, s:s}", "customer", "cus_1", "title", "Ada Person")};
	json_t *trial = json_pack("{s:s, s:[s]}", "state", "done", "fired", "Ada Person");
	char key[ALERT_KEY_MAX];

	mirror_put(txn, &action, &object);
	automate_alert_key(key, &action, action.id);
	hers.key = key;
	assert_int_equal(alert_raise(txn, &hers, bh_now_ms(), &bench->err), 0);
	bobs.key = "action/stripe//late/in_10";
	assert_int_equal(alert_raise(txn, &bobs, bh_now_ms(), &bench->err), 0);
	automation_trial_put(txn, "late", trial);
	errand_save(txn, "crm", ERRAND_IMPORT, &errand);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	store_free(&txn);
	mirror_object_release(&object);
	errand_release(&errand);
	json_decref(trial);
}

static void
what_was_told_of_them(void **state)
{
	struct bench *bench = *state = make_people();
	struct handed handed;

	put_talk(bench);
	assert_int_equal(count_keys(bench, "Xd", "late"), 1);
	assert_int_equal(count_keys(bench, "We", "crm"), 1);
	handed = hand_out(bench, "cus_1");
	assert_int_equal(handed.n[PERSON_ALERT], 1);
	assert_non_null(strstr(bh_buf_str(&handed.text), "Ada Person pays late"));
	assert_null(strstr(bh_buf_str(&handed.text), "Bob Other"));
	bh_buf_release(&handed.text);
	assert_int_equal(erase(bench, "cus_1").n[PERSON_ALERT], 1);
	assert_int_equal(count_in_store(bench, "Ada Person"), 0);
	assert_int_equal(count_keys(bench, "Xd", "late"), 0);
	assert_int_equal(count_keys(bench, "We", "crm"), 0);
	assert_true(count_in_store(bench, "Bob Other pays late") > 0);
}

static void
figures_handed_out(void **state)
{
	struct bench *bench = *state = make_figures();
	struct handed handed = hand_out(bench, "cus_1");

	assert_int_equal(handed.n[PERSON_OBJECT], 6);
	/* Two subscriptions and she herself, two documents each. */
	assert_int_equal(handed.n[PERSON_DERIVED], 6);
	assert_int_equal(handed.n[PERSON_WANT], 3);
	assert_non_null(strstr(bh_buf_str(&handed.text), "\"mrr\""));
	assert_null(strstr(bh_buf_str(&handed.text), "sub_17"));
	bh_buf_release(&handed.text);
}

static size_t
differences(struct bench *bench)
{
	struct verify verify = {0};

	if (verify_connection(&bench->context, "stripe", &verify, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return verify.differences;
}

static void
figures_erased(void **state)
{
	static const char *const hers[] = {"cus_1", "sub_1", "sub_7", NULL};
	static const char *const bobs[] = {"cus_10", "sub_10", "sub_17", NULL};
	struct bench *bench = *state = make_figures();
	size_t bobs_n = count_figures(bench, bobs);
	struct person_done done;

	/* There before: histories, facts, fields, references, put off, timers, look-ups. */
	for (size_t i = 0; i < BH_LEN(figure_families); i++)
		if (count_keys(bench, figure_families[i], "cus_1") +
			count_keys(bench, figure_families[i], "sub_7") ==
		    0)
			fail_msg("nothing in %s", figure_families[i]);
	assert_int_equal(differences(bench), 0);
	done = erase(bench, "cus_1");
	assert_int_equal(done.n[PERSON_OBJECT], 6);
	assert_int_equal(done.n[PERSON_DERIVED], 6);
	assert_int_equal(done.n[PERSON_WANT], 3);
	assert_int_equal(count_figures(bench, hers), 0);
	assert_int_equal(count_figures(bench, bobs), bobs_n);
	/* Neither a look at everything nor what was sent late brings them back. */
	assert_int_equal(differences(bench), 0);
	assert_int_equal(count_figures(bench, hers), 0);
	bench_pass(bench, 30 * 86400 * (int64_t)1000);
	bench_work(bench);
	assert_int_equal(count_figures(bench, hers), 0);
	assert_int_equal(count_figures(bench, bobs), bobs_n - 1); /* his timer rang */
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_NEW);
}

/* News from before the erasure, in a subscription's history too; then she comes back, with all her figures. */
static void
figures_come_back(void **state)
{
	static const char *const hers[] = {"cus_1", "sub_7", NULL};
	struct bench *bench = *state = make_figures();
	struct derived_doc doc = {DERIVED_FIELDS, {"stripe", "", OBJECT_CUSTOMER, "cus_1"}, NULL};
	struct store_txn *txn;

	priced_subscription(bench, "sub_7", "cus_1"); /* received, its time is before */
	bench_pass(bench, 60000);
	erase(bench, "cus_1");
	priced_subscription(bench, "sub_7", "cus_1");
	bench_work(bench);
	/* The subscription is news; the customer is still nobody. */
	assert_int_equal(count_keys(bench, "Fd", "sub_7"), 1);
	assert_int_equal(count_keys(bench, "Fd", "cus_1"), 0);
	customer_event(bench, "cus_1", "Ada New", "ada@person.example");
	bench_work(bench);
	txn = store_begin(bench->store);
	assert_int_equal(derived_get_many(txn, &doc, 1, false, &bench->err), 0);
	assert_int_equal(bh_json_int(doc.doc, "mrr", -1), 1800);
	derived_release(&doc, 1);
	store_free(&txn);
	assert_int_equal(differences(bench), 0);
	erase(bench, "cus_1");
	assert_int_equal(count_figures(bench, hers), 0);
}

/* A sync that looks at everything again writes no empty record for who was erased. */
static void
nothing_is_pushed_for_them(void **state)
{
	struct bench *bench = *state = make_people();
	struct store_txn *txn;
	json_t *kept;
	size_t n;

	erase(bench, "cus_1");
	assert_int_equal(resync_all(bench->store, &bench->key, "s", &n, &bench->err), 0);
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 4);
	assert_int_equal(bench_lane(bench).dirty, 0);
	txn = store_begin(bench->store);
	assert_int_equal(target_kept(txn, "crm", 100, &kept, &bench->err), 0);
	assert_int_equal(json_array_size(kept), 4);
	json_decref(kept);
	store_free(&txn);
}

static void
customer_at(struct bench *bench, const char *event_id, int64_t at_s)
{
	char body[400];

	snprintf(body, sizeof(body),
	    "{\"id\":\"%s\",\"object\":\"event\",\"type\":\"customer.updated\",\"created\":%lld,"
	    "\"livemode\":true,\"data\":{\"object\":{\"id\":\"cus_1\",\"object\":\"customer\","
	    "\"name\":\"Ada Late\"}}}",
	    event_id, (long long)at_s);
	bench_journal(bench, "stripe", event_id, "customer.updated", body, strlen(body));
}

/* News from before the erasure stays out; news from after it is a customer again. */
static void
late_and_new_events(void **state)
{
	struct bench *bench = *state = make_people();
	struct object_state object;

	bench_pass(bench, 60000);
	erase(bench, "cus_1");
	customer_at(bench, "evt_late", bh_now_ms() / 1000 - 30);
	bench_work(bench);
	assert_int_equal(bench_mirror(bench, OBJECT_CUSTOMER, "cus_1", &object), 1);
	assert_true(is_mirror_erased(&object));
	mirror_object_release(&object);
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_NEW);
	bench_pass(bench, 60000);
	customer_at(bench, "evt_new", bh_now_ms() / 1000);
	bench_work(bench);
	assert_int_equal(bench_mirror(bench, OBJECT_CUSTOMER, "cus_1", &object), 1);
	assert_string_equal(bh_json_str(object.fields, "name"), "Ada Late");
	assert_false(object.deleted);
	mirror_object_release(&object);
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_CLEAN);
}

/* What ingest has not reached is erased as well, and passed. */
static void
before_ingest(void **state)
{
	struct bench *bench = *state = make_people();
	struct journal_event event;
	struct store_txn *txn;
	uint64_t stamp;
	unsigned last;

	bench_invoice(bench, "in_3", "cus_1", NULL, 4900);
	last = bench->events - 1;
	assert_int_equal(erase(bench, "cus_1").n[PERSON_EVENT], 6);
	assert_int_equal(bench_ingest(bench), 1);
	assert_int_equal(count_in_store(bench, ":4900"), 0);
	txn = store_begin(bench->store);
	{
		char id[32];

		snprintf(id, sizeof(id), "evt_%u", last);
		assert_int_equal(journal_find(txn, "stripe", id, &stamp, &bench->err), 1);
	}
	assert_int_equal(journal_read(txn, stamp, &event, &bench->err), 1);
	assert_int_equal(event.state, JOURNAL_IGNORED);
	assert_true(event.erased);
	journal_event_release(&event);
	store_free(&txn);
}

/* Failing at the first, the second ... write, and done again: always the same end. */
static void
interrupted_anywhere(void **state)
{
	struct bench *bench = *state = make_people();
	char *want, *have, spec[40];
	unsigned passes = 0, n = 0;
	bool is_through = false;

	erase(bench, "ada@person.example");
	want = dump(bench);
	bench_free(bench);
	while (!is_through) {
		struct person_done done;
		struct person *person;

		*state = bench = make_people();
		n++;
		person = find(bench, "ada@person.example", NULL);
		snprintf(spec, sizeof(spec), "mem-put:fail:%u", passes + n);
		setenv("BILLHOOK_FAULT", spec, 1);
		is_through = person_erase(person, NULL, NULL, &done, &bench->err) == 0;
		unsetenv("BILLHOOK_FAULT");
		passes += n;
		person_free(&person);
		erase(bench, "ada@person.example");
		/* The clock differs, but within this store nothing of her is left. */
		assert_int_equal(count_in_store(bench, "Ada "), 0);
		assert_int_equal(count_in_store(bench, "person.example"), 0);
		bench_recount(bench);
		have = dump(bench);
		assert_int_equal(strlen(have), strlen(want));
		free(have);
		if (!is_through)
			bench_free(bench);
	}
	free(want);
#ifdef BH_FAULTS
	assert_true(n > 15);
#endif
}

/* -- the spool -- */

static void
write_file(const char *dir, const char *name, const char *head, size_t head_len, const char *body)
{
	char *path = bh_xasprintf("%s/%s", dir, name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fwrite(head, 1, head_len, file);
	fputs(body, file);
	fclose(file);
	free(path);
}

static void
spooled_files(void **state)
{
	static const char raw[] = "billhook-raw 1 1790000000000 20 99\nHTTP_X=\"odd\0B=\"\0";
	struct bench *bench = *state = make_people();
	char dir[] = "/tmp/t-person.XXXXXX", *spool, *bad, *path;
	struct handed handed;

	assert_non_null(mkdtemp(dir));
	spool = bh_xasprintf("%s/spool", dir);
	bad = bh_xasprintf("%s/bad", spool);
	assert_int_equal(mkdir(spool, 0700), 0);
	assert_int_equal(mkdir(bad, 0700), 0);
	write_file(spool, "new.1", raw, sizeof(raw) - 1, "{\"customer\":\"cus_1\"}");
	write_file(spool, "new.2", raw, sizeof(raw) - 1, "{\"customer\":\"cus_10\"}");
	write_file(bad, "3", raw, sizeof(raw) - 1, "{\"email\":\"ada@person.example\"");
	write_file(bad, "4", "", 0, "");
	free(bench->conf.data_dir);
	bench->conf.data_dir = bh_xstrdup(dir);
	handed = hand_out(bench, "ada@person.example");
	assert_int_equal(handed.n[PERSON_SPOOL], 2);
	bh_buf_release(&handed.text);
	assert_int_equal(erase(bench, "ada@person.example").n[PERSON_SPOOL], 2);
	path = bh_xasprintf("%s/new.1", spool);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
	path = bh_xasprintf("%s/3", bad);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
	path = bh_xasprintf("%s/new.2", spool);
	assert_int_equal(unlink(path), 0);
	free(path);
	path = bh_xasprintf("%s/4", bad);
	assert_int_equal(unlink(path), 0);
	free(path);
	rmdir(bad);
	rmdir(spool);
	rmdir(dir);
	free(bad);
	free(spool);
}

static int
teardown(void **state)
{
	struct bench *bench = *state;

	bench_free(bench);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(found_by),
	    TEST(shared_address),
	    TEST(moved_to_another),
	    TEST(connection_gone),
	    TEST(handed_out_whole),
	    TEST(handing_out_may_stop),
	    TEST(told_of_the_crm),
	    TEST(erased_without_a_trace),
	    TEST(what_was_told_of_them),
	    TEST(figures_handed_out),
	    TEST(figures_erased),
	    TEST(figures_come_back),
	    TEST(nothing_is_pushed_for_them),
	    TEST(late_and_new_events),
	    TEST(before_ingest),
	    TEST(interrupted_anywhere),
	    TEST(spooled_files),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
