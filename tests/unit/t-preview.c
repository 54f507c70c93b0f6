/* Previews: that they say what a push then does, and leave nothing behind. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "fakecrm.h"
#include "state/queue.h"
#include "sync/person.h"
#include "sync/preview.h"
#include "unit.h"

/* -- the stage: customers become accounts, their invoices bills below them -- */

#define FIELDS                                                                                     \
	"'fields':[{'to':'Name','from':'name'},{'to':'Email__c','from':'email'},"                  \
	"{'to':'City','from':'address_city','when':'if_empty'},"                                   \
	"{'to':'Phone','from':'phone','when':'if_unchanged'},"                                     \
	"{'to':'First__c','from':'name','when':'on_create'}]"
#define MATCH "'match':[{'by':'key'},{'by':'value','fields':[{'to':'Website','from':'email'}]}],"
#define BILL                                                                                       \
	"{'name':'bill','from':'invoice','to':'Bill__c','key':'Key__c',"                           \
	"'parents':[{'object':'account','id':'customer','to':'Account__c'}],"                      \
	"'fields':[{'to':'Number__c','from':'id'},{'to':'Total__c','from':'total'}]}"
#define ACCOUNT(members, fields)                                                                   \
	"{'objects':[{'name':'account','from':'customer','to':'Account','key':'Key__c'," members   \
	    fields "}," BILL "]}"

static void
apply_mapping(struct bench *bench, const char *mapping, bool is_paused)
{
	char text[4000];

	snprintf(text, sizeof(text),
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','paused':%s,'mapping':%s}]}",
	    is_paused ? "true" : "false", mapping);
	bench_apply(bench, text);
}

static struct bench *
open_bench(const char *mapping)
{
	struct bench *bench;

	fake_init();
	bench = bench_new("salesforce");
	apply_mapping(bench, mapping, true);
	return bench;
}

static void
close_bench(struct bench *bench)
{
	bench_free(bench);
	fake_release();
}

/* JSON with ' for ". */
static void
news(struct bench *bench, const char *id, const char *fields)
{
	json_t *object = bench_json(fields);

	json_object_set_new(object, "object", json_string("customer"));
	json_object_set_new(object, "id", json_string(id));
	bench_event(bench, "customer.updated", object);
}

/* -- pressing buttons -- */

static int
do_begin(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return preview_begin(txn, arg, bh_now_ms(), err);
}

static int
do_stop(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return preview_stop(txn, arg, err);
}

static int
do_go_on(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return preview_go_on(txn, arg, bh_now_ms(), err);
}

static int
do_see(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return preview_see(txn, arg, bh_now_ms(), err);
}

static void
press(struct bench *bench, int (*button)(struct store_txn *txn, void *arg, struct bh_err *err))
{
	char sync[] = "s";

	if (store_run(bench->store, button, sync, NULL, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
}

static struct sync_outcome
run(struct bench *bench)
{
	struct sync_outcome outcome;

	if (preview_run(&bench->context, "s", &outcome, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return outcome;
}

static struct preview
state_of(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct preview preview = PREVIEW_INIT;

	assert_return_code(preview_load(txn, "s", &preview, &bench->err), 0);
	store_free(&txn);
	return preview;
}

/* "account create 2, bill waiting 1" of all that is not zero. */
static char *
totals_of(const struct preview *preview)
{
	struct bh_buf text = BH_BUF_INIT(4096);
	json_t *object;
	char *copy;
	size_t i;

	json_array_foreach (preview->objects, i, object) {
		for (int v = 0; v < PREVIEW_VERDICT__MAX; v++) {
			const char *name = preview_verdict_name((enum preview_verdict)v);
			json_t *n = json_object_get(json_object_get(object, "counts"), name);

			if (n != NULL)
				bh_buf_addf(&text, "%s%s %s %lld", text.len > 0 ? ", " : "",
				    bh_json_str(object, "name"), name,
				    (long long)json_integer_value(n));
		}
	}
	copy = bh_xstrdup(bh_buf_str(&text));
	bh_buf_release(&text);
	return copy;
}

static void
assert_state(struct bench *bench, enum preview_state state)
{
	struct preview preview = state_of(bench);

	if (preview.state != state)
		fail_msg("it is %s (%s)", preview_state_name(preview.state), preview.note);
	preview_release(&preview);
}

static void
assert_totals(struct bench *bench, const char *want)
{
	struct preview preview = state_of(bench);
	char *totals = totals_of(&preview);

	assert_string_equal(totals, want);
	free(totals);
	preview_release(&preview);
}

static void
preview_all(struct bench *bench, const char *want)
{
	press(bench, do_begin);
	run(bench);
	assert_state(bench, PREVIEW_DONE);
	assert_totals(bench, want);
}

/* -- nothing was written -- */

struct image {
	struct bh_buf text;
};

/* Previews' own, jobs, what is learnt of the CRM, and counts of calls may change. */
static bool
is_own(const char *key)
{
	static const char *const families[] = {"Pr", "Ps", "Pd", "Pa", "Pm", "Qj", "Qd", "Dd", "Lp",
	    "Aa"};

	for (size_t i = 0; i < BH_LEN(families); i++)
		if (strncmp(key, families[i], 2) == 0)
			return true;
	return false;
}

static void
take_image(struct bench *bench, struct image *image)
{
	struct store_scan scan = {.prefix = "", .max = 10000};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	char *records = bh_json_text(fake.records);
	size_t n;
	bool more;

	image->text = (struct bh_buf)BH_BUF_INIT(64u << 20);
	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	assert_false(more);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		if (is_own(entries[i].key))
			continue;
		bh_buf_add(&image->text, entries[i].key, entries[i].key_len);
		bh_buf_addf(&image->text, "=%llu:", (unsigned long long)entries[i].version);
		bh_buf_add(&image->text, entries[i].value, entries[i].value_len);
	}
	bh_buf_adds(&image->text, records);
	bh_buf_addf(&image->text, "pushes %zu", fake.pushes);
	free(records);
	store_free(&txn);
}

static void
assert_untouched(struct bench *bench, struct image *before)
{
	struct image now;

	take_image(bench, &now);
	assert_int_equal(now.text.len, before->text.len);
	assert_memory_equal(now.text.data, before->text.data, now.text.len);
	bh_buf_release(&now.text);
	bh_buf_release(&before->text);
}

/* Are there marks of a run left? */
static size_t
count_family(struct bench *bench, const char *family)
{
	struct store_scan scan = {.prefix = family,
	    .prefix_len = 2,
	    .max = 10000,
	    .keys_only = true};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	size_t n;
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	store_free(&txn);
	return n;
}

/* -- what is said is what is done -- */

static void
fill(struct bench *bench)
{
	fake_add("A1", "Account", "{'Website':'bob@example.com'}");
	fake_add("A2", "Account", "{'Website':'two@example.com','Name':'One'}");
	fake_add("A3", "Account", "{'Website':'two@example.com','Name':'Other'}");
	fake_add("A4", "Account", "{'Key__c':'stripe:cus_4'}");
	news(bench, "cus_1", "{'name':'Ada','email':'ada@example.com'}");
	news(bench, "cus_2", "{'name':'Bob','email':'bob@example.com'}");
	news(bench, "cus_3", "{'name':'Two','email':'two@example.com'}");
	news(bench, "cus_4", "{'name':'Four','email':'four@example.com'}");
	for (int i = 1; i <= 4; i++) {
		char invoice[16], customer[16];

		snprintf(invoice, sizeof(invoice), "in_%d", i);
		snprintf(customer, sizeof(customer), "cus_%d", i);
		bench_invoice(bench, invoice, customer, NULL, 100 * i);
	}
	bench_invoice(bench, "in_9", "cus_unknown", NULL, 5);
	bench_ingest(bench);
}

static size_t
count_state(struct bench *bench, const char *object, const char *const *ids, enum link_state state)
{
	size_t n = 0;

	for (; *ids != NULL; ids++) {
		struct link_id id = {"crm", strcmp(object, "bill") == 0, "s", object, "", *ids};
		struct store_txn *txn = store_begin(bench->store);
		struct link link;

		assert_return_code(link_get(txn, &id, &link, &bench->err), 0);
		n += link.state == state;
		store_free(&txn);
	}
	return n;
}

static void
all_is_as_the_push_does_it(void **state BH_UNUSED)
{
	static const char *const customers[] = {"cus_1", "cus_2", "cus_3", "cus_4", NULL};
	static const char *const invoices[] = {"in_1", "in_2", "in_3", "in_4", "in_9", NULL};
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct preview preview;
	struct image before;
	size_t records;

	fill(bench);
	take_image(bench, &before);
	preview_all(bench,
	    "account create 1, account adopt 2, account choice 1, bill create 3, bill waiting 2");
	assert_untouched(bench, &before);
	assert_int_equal(count_family(bench, "Pm"), 0);
	preview = state_of(bench);
	assert_int_equal(preview.done, 9);
	assert_int_equal(preview.total, 9);
	assert_true(preview.calls > 0);
	assert_int_equal(preview.calls, bench_lane(bench).calls);
	assert_int_equal(bh_json_int(preview.objects, "0.rules.its key", 0), 1);
	assert_int_equal(bh_json_int(preview.objects, "0.rules.Website", 0), 1);
	preview_release(&preview);

	records = json_object_size(fake.records);
	apply_mapping(bench, ACCOUNT(MATCH, FIELDS), false);
	bench_work(bench);
	assert_int_equal(json_object_size(fake.records) - records, 1 + 3);
	assert_int_equal(count_state(bench, "account", customers, LINK_CLEAN), 3);
	assert_int_equal(count_state(bench, "account", customers, LINK_HELD), 1);
	assert_int_equal(count_state(bench, "bill", invoices, LINK_CLEAN), 3);
	assert_int_equal(count_state(bench, "bill", invoices, LINK_WAITING), 2);
	preview_all(bench,
	    "account unchanged 3, account choice 1, bill unchanged 3, bill waiting 2");
	close_bench(bench);
}

static void
filters_refusals_and_no_match(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH
	    "'create':'no','if':{'field':'name','not_in':['Out']},",
	    "'fields':[{'to':'Name','from':'name'},{'to':'Since__c','from':'phone','as':'date'}]"));
	struct image before;

	fake_add("A1", "Account", "{'Website':'bob@example.com'}");
	news(bench, "cus_1", "{'name':'Ada','email':'ada@example.com'}");
	news(bench, "cus_2", "{'name':'Bob','email':'bob@example.com'}");
	news(bench, "cus_3", "{'name':'Out','email':'x@example.com'}");
	news(bench, "cus_4", "{'name':'Bad','email':'y@example.com','phone':'no date'}");
	bench_invoice(bench, "in_1", "cus_1", NULL, 1);
	bench_invoice(bench, "in_2", "cus_2", NULL, 2);
	bench_invoice(bench, "in_4", "cus_4", NULL, 4);
	bench_ingest(bench);
	take_image(bench, &before);
	preview_all(bench,
	    "account adopt 1, account refused 1, account unmatched 1, account excluded 1, bill create 1, bill waiting 2");
	assert_untouched(bench, &before);
	close_bench(bench);
}

/* More than a page, so that what one would adopt or make is known to the next. */
static void
what_another_gets_is_not_given_twice(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	char id[16];

	fake_add("A1", "Account", "{'Website':'same@example.com'}");
	news(bench, "cus_000", "{'name':'First','email':'same@example.com'}");
	for (int i = 1; i < 420; i++) {
		snprintf(id, sizeof(id), "cus_%03d", i);
		news(bench, id, "{'name':'Ada','email':'x@example.com'}");
	}
	news(bench, "cus_999", "{'name':'Last','email':'same@example.com'}");
	while (bench_ingest(bench) > 0)
		;
	preview_all(bench, "account create 420, account adopt 1");
	apply_mapping(bench, ACCOUNT(MATCH, FIELDS), false);
	bench_work(bench);
	assert_int_equal(json_object_size(fake.records), 421);
	close_bench(bench);
}

static void
shared_records_are_made_once(void **state BH_UNUSED)
{
	static const char mapping[] =
	    "{'objects':[{'name':'firm','from':'customer','to':'Account','key':'Key__c',"
	    "'key_from':'domain:{email|company_domain}','match':[{'by':'key'}],"
	    "'fields':[{'to':'Name','from':'{email|company_domain}'}]}]}";
	struct bench *bench = open_bench(mapping);
	struct preview preview;
	char id[16];

	for (int i = 0; i < 250; i++) {
		snprintf(id, sizeof(id), "cus_%03d", i);
		news(bench, id,
		    i % 2 == 0 ? "{'email':'a@even.example'}" : "{'email':'b@odd.example'}");
	}
	while (bench_ingest(bench) > 0)
		;
	preview_all(bench, "firm create 2, firm adopt 248");
	preview = state_of(bench);
	assert_int_equal(bh_json_int(preview.objects, "0.rules.a record that it shares", 0), 248);
	preview_release(&preview);
	apply_mapping(bench, mapping, false);
	bench_work(bench);
	assert_int_equal(json_object_size(fake.records), 2);
	close_bench(bench);
}

/* What the mirror does not hold by itself: lines of invoices, and events that wait to be told. */
static void
lines_and_events_are_counted(void **state BH_UNUSED)
{
	static const char mapping[] =
	    "{'objects':["
	    "{'name':'bill','from':'invoice','to':'Bill__c','key':'Key__c','fields':[{'to':'Number__c','from':'id'}]},"
	    "{'name':'line','from':'invoice_line','to':'Line__c','key':'Key__c',"
	    "'parents':[{'object':'bill','id':'invoice','to':'Bill__c'}],"
	    "'fields':[{'to':'Name','from':'description'}]},"
	    "{'name':'told','from':'event','to':'Task','key':'Key__c','fields':[{'to':'Name','from':'type'}]}]}";
	struct bench *bench;
	size_t records;

	fake_init();
	fake.traits = DEST_OBJECT_EVENT;
	bench = bench_new("salesforce");
	apply_mapping(bench, mapping, true);
	for (int i = 1; i <= 25; i++) {
		json_t *invoice = bench_json(
		    "{'object':'invoice','customer':'cus_1','status':'open','currency':'eur','total':300,"
		    "'lines':{'object':'list','has_more':false,'total_count':2,'data':["
		    "{'id':'il_1','object':'line_item','amount':100,'currency':'eur','description':'One'},"
		    "{'id':'il_2','object':'line_item','amount':200,'currency':'eur','description':'Two'}]}}");

		json_object_set_new(invoice, "id", json_sprintf("in_%02d", i));
		bench_event(bench, "invoice.updated", invoice);
	}
	while (bench_ingest(bench) > 0)
		;
	preview_all(bench, "bill create 25, told create 25, line create 50");
	records = json_object_size(fake.records);
	apply_mapping(bench, mapping, false);
	bench_work(bench);
	assert_int_equal(json_object_size(fake.records) - records, 100);
	preview_all(bench, "bill unchanged 25, line unchanged 50");
	close_bench(bench);
}

static int
put_draft(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	json_t *mapping = bench_json(arg);

	draft_save(txn, "s", mapping, "0", "ada", bh_now_ms());
	json_decref(mapping);
	return 0;
}

/* Only Ada's record says something new. */
static void
a_draft_is_what_is_shown(void **state BH_UNUSED)
{
	static char draft[] =
	    ACCOUNT(MATCH, "'fields':[{'to':'Name','from':'name','as':'enum','enum':{'Ada':'ADA'}},"
			   "{'to':'Email__c','from':'email'},"
			   "{'to':'City','from':'address_city','when':'if_empty'},"
			   "{'to':'Phone','from':'phone','when':'if_unchanged'},"
			   "{'to':'First__c','from':'name','when':'on_create'}]");
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct preview preview;
	struct image before;
	json_t *mapping;
	struct store_txn *txn;

	news(bench, "cus_1", "{'name':'Ada','email':'ada@example.com'}");
	news(bench, "cus_2", "{'name':'Bob','email':'bob@example.com'}");
	bench_ingest(bench);
	apply_mapping(bench, ACCOUNT(MATCH, FIELDS), false);
	bench_work(bench);
	preview_all(bench, "account unchanged 2");
	assert_return_code(store_run(bench->store, put_draft, draft, NULL, &bench->err), 0);
	take_image(bench, &before);
	preview_all(bench, "account update 1, account unchanged 1");
	assert_untouched(bench, &before);
	preview = state_of(bench);
	assert_true(preview.is_draft);
	preview_release(&preview);

	/* It was seen: that is so for the draft's mapping, and not for the stored one. */
	press(bench, do_see);
	mapping = bench_json(draft);
	txn = store_begin(bench->store);
	assert_int_equal(preview_is_seen(txn, "s", mapping, &bench->err), 1);
	assert_int_equal(preview_is_seen(txn, "s", NULL, &bench->err), 0);
	store_free(&txn);
	json_decref(mapping);
	close_bench(bench);
}

static void
seen_is_what_was_whole_and_is_the_same(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct store_txn *txn;

	news(bench, "cus_1", "{'name':'Ada'}");
	bench_ingest(bench);
	txn = store_begin(bench->store);
	assert_int_equal(preview_is_seen(txn, "s", NULL, &bench->err), 0);
	store_free(&txn);
	press(bench, do_begin);
	press(bench, do_see); /* it is not whole yet */
	run(bench);
	txn = store_begin(bench->store);
	assert_int_equal(preview_is_seen(txn, "s", NULL, &bench->err), 0);
	store_free(&txn);
	press(bench, do_see);
	txn = store_begin(bench->store);
	assert_int_equal(preview_is_seen(txn, "s", NULL, &bench->err), 1);
	store_free(&txn);
	apply_mapping(bench, ACCOUNT(MATCH, FIELDS), false); /* started: the same mapping */
	txn = store_begin(bench->store);
	assert_int_equal(preview_is_seen(txn, "s", NULL, &bench->err), 1);
	store_free(&txn);
	apply_mapping(bench, ACCOUNT(MATCH, "'fields':[{'to':'Name','from':'name'}]"), true);
	txn = store_begin(bench->store);
	assert_int_equal(preview_is_seen(txn, "s", NULL, &bench->err), 0);
	assert_int_equal(preview_is_seen(txn, "none", NULL, &bench->err), 0);
	store_free(&txn);
	close_bench(bench);
}

/* -- one object -- */

/* Without a description every field of the mapping is there. */
static void
hide_description(void)
{
	unit_log_expected(true);
	fake.fault = "describe";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 1000;
}

static int
do_ask(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	preview_ask(txn, "s", "customer", "", arg, bh_now_ms());
	return 0;
}

static json_t *
ask_for(struct bench *bench, const char *id)
{
	char *copy = bh_xstrdup(id);
	struct store_txn *txn;
	json_t *ask;

	assert_return_code(store_run(bench->store, do_ask, copy, NULL, &bench->err), 0);
	free(copy);
	run(bench);
	txn = store_begin(bench->store);
	assert_int_equal(preview_asked(txn, "s", &ask, &bench->err), 1);
	store_free(&txn);
	assert_false(bh_is_json_true(ask, "open"));
	return ask;
}

static void
assert_field(const json_t *ask, const char *to, const char *now, const char *then,
    const char *field_state)
{
	json_t *field;
	size_t i;

	json_array_foreach (bh_json_at(ask, "parts.0.fields"), i, field) {
		if (strcmp(bh_json_str(field, "to"), to) != 0)
			continue;
		assert_string_equal(bh_json_str(field, "now"), now);
		assert_string_equal(bh_json_str(field, "then"), then);
		assert_string_equal(bh_json_str(field, "state"), field_state);
		assert_true(strlen(bh_json_str(field, "why")) > 0);
		return;
	}
	fail_msg("no field %s", to);
}

static void
one_shows_each_field(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct image before;
	json_t *ask;

	hide_description();
	fake_add("A1", "Account",
	    "{'Website':'bob@example.com','Name':'Robert','City':'Ulm','Email__c':'bob@example.com'}");
	news(bench, "cus_1", "{'name':'Ada','email':'ada@example.com'}");
	news(bench, "cus_2",
	    "{'name':'Bob','email':'bob@example.com','phone':'123','address':{'city':'Bonn'}}");
	bench_ingest(bench);
	take_image(bench, &before);
	ask = ask_for(bench, "cus_2");
	assert_string_equal(bh_json_str(ask, "error"), "");
	assert_string_equal(bh_json_str(ask, "parts.0.verdict"), "adopt");
	assert_string_equal(bh_json_str(ask, "parts.0.remote_id"), "A1");
	assert_non_null(strstr(bh_json_str(ask, "parts.0.why"), "Website is bob@example.com"));
	assert_field(ask, "Name", "Robert", "Bob", "change");
	assert_field(ask, "Email__c", "bob@example.com", "bob@example.com", "same");
	assert_field(ask, "City", "Ulm", "Ulm", "stays");
	assert_field(ask, "Phone", "", "123", "set");
	assert_field(ask, "First__c", "", "", "stays");
	json_decref(ask);
	ask = ask_for(bench, "cus_1");
	assert_string_equal(bh_json_str(ask, "parts.0.verdict"), "create");
	assert_field(ask, "First__c", "", "Ada", "set");
	assert_field(ask, "City", "", "", "same");
	json_decref(ask);
	ask = ask_for(bench, "cus_7");
	assert_non_null(strstr(bh_json_str(ask, "error"), "There is no customer cus_7"));
	json_decref(ask);
	assert_untouched(bench, &before);
	unit_log_expected(false);
	close_bench(bench);
}

/* The CRM describes Name, and no City. */
static void
one_tells_of_fields_that_are_missing(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	json_t *ask;

	fake.missing = "City"; /* who asks for it is refused */
	fake_add("A1", "Account", "{'Website':'bob@example.com','Name':'Robert'}");
	news(bench, "cus_2", "{'name':'Bob','email':'bob@example.com','address':{'city':'Bonn'}}");
	bench_ingest(bench);
	unit_log_expected(true); /* the rules of who wins cannot be asked there */
	ask = ask_for(bench, "cus_2");
	unit_log_expected(false);
	assert_field(ask, "Name", "Robert", "Bob", "change");
	assert_field(ask, "City", "", "", "none");
	assert_non_null(strstr(bh_json_str(ask, "parts.0.fields.2.why"), "no such field"));
	json_decref(ask);
	close_bench(bench);
}

/* What a person changed stays where the rule says so, and is told. */
static void
one_tells_what_a_person_changed(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	json_t *ask;
	const char *id;

	hide_description();
	apply_mapping(bench, ACCOUNT(MATCH, FIELDS), false);
	news(bench, "cus_1", "{'name':'Ada','email':'ada@example.com','phone':'1'}");
	bench_work(bench);
	id = fake_find("Key__c", "stripe:cus_1");
	json_object_set_new(json_object_get(json_object_get(fake.records, id), "fields"), "Phone",
	    json_string("person's"));
	ask = ask_for(bench, "cus_1");
	assert_string_equal(bh_json_str(ask, "parts.0.verdict"), "unchanged");
	assert_field(ask, "Phone", "person's", "person's", "stays");
	json_decref(ask);
	apply_mapping(bench, ACCOUNT(MATCH, FIELDS), true);
	news(bench, "cus_1", "{'name':'Ada','email':'ada@example.com','phone':'2'}");
	bench_ingest(bench);
	ask = ask_for(bench, "cus_1");
	assert_string_equal(bh_json_str(ask, "parts.0.verdict"), "update");
	assert_field(ask, "Phone", "person's", "person's", "stays");
	assert_non_null(strstr(bh_json_str(ask, "parts.0.fields.3.why"), "a person changed it"));
	assert_string_equal(bh_json_str(ask, "parts.0.fields.3.value"), "2");
	json_decref(ask);
	unit_log_expected(false);
	close_bench(bench);
}

static int
do_ask_bill(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	preview_ask(txn, "s", "invoice", "", arg, bh_now_ms());
	return 0;
}

/* Its parent is looked at, too: one that would be made, and one that a person has to choose. */
static void
one_looks_at_its_parents(void **state BH_UNUSED)
{
	static char ids[][8] = {"in_1", "in_3", "in_9"};
	static const char *const verdicts[] = {"create", "waiting", "waiting"};
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));

	fill(bench);
	for (size_t i = 0; i < BH_LEN(ids); i++) {
		struct store_txn *txn;
		json_t *ask;

		assert_return_code(store_run(bench->store, do_ask_bill, ids[i], NULL, &bench->err),
		    0);
		run(bench);
		txn = store_begin(bench->store);
		assert_int_equal(preview_asked(txn, "s", &ask, &bench->err), 1);
		store_free(&txn);
		assert_string_equal(bh_json_str(ask, "error"), "");
		assert_string_equal(bh_json_str(ask, "parts.0.verdict"), verdicts[i]);
		json_decref(ask);
	}
	close_bench(bench);
}

/* -- what goes wrong -- */

static void
a_crm_that_is_down_is_asked_again(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct sync_outcome outcome;
	struct preview preview;

	unit_log_expected(true);
	fill(bench);
	fake.fault = "find";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 1;
	press(bench, do_begin);
	outcome = run(bench);
	assert_state(bench, PREVIEW_RUNNING);
	preview = state_of(bench);
	assert_non_null(strstr(preview.note, "find fails"));
	assert_int_equal(preview.waits_until_ms, outcome.again_ms);
	preview_release(&preview);
	assert_true(run(bench).again_ms == outcome.again_ms); /* woken too early */
	bench_pass(bench, 6000);
	run(bench);
	assert_state(bench, PREVIEW_DONE);

	fake.fault_times = 100;
	press(bench, do_begin);
	for (int i = 0; i < 40; i++) {
		run(bench);
		bench_pass(bench, 6000);
	}
	assert_state(bench, PREVIEW_FAILED);
	fake.fault_times = 0;
	press(bench, do_go_on);
	run(bench);
	assert_totals(bench,
	    "account create 1, account adopt 2, account choice 1, bill create 3, bill waiting 2");
	unit_log_expected(false);
	close_bench(bench);
}

static void
a_dead_token_is_told(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct preview preview;
	json_t *ask;

	unit_log_expected(true);
	fill(bench);
	fake.fault = "authorize";
	fake.fault_code = BH_DENIED;
	press(bench, do_begin);
	run(bench);
	assert_state(bench, PREVIEW_FAILED);
	preview = state_of(bench);
	assert_non_null(strstr(preview.note, "authorize fails"));
	preview_release(&preview);
	ask = ask_for(bench, "cus_1");
	assert_true(strlen(bh_json_str(ask, "error")) > 0);
	json_decref(ask);
	unit_log_expected(false);
	close_bench(bench);
}

static void
limits_are_heeded(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct preview preview;

	unit_log_expected(true);
	news(bench, "cus_0", "{'name':'Zed'}");
	apply_mapping(bench, ACCOUNT(MATCH, FIELDS), false);
	fake.used = 850;
	fake.limit = 1000;
	bench_work(bench);
	apply_mapping(bench, ACCOUNT(MATCH, FIELDS), true);
	fill(bench);
	press(bench, do_begin);
	run(bench);
	assert_state(bench, PREVIEW_RUNNING);
	preview = state_of(bench);
	assert_non_null(strstr(preview.note, "850 of 1000"));
	assert_true(preview.waits_until_ms > bh_now_ms());
	assert_int_equal(preview.done, 0);
	preview_release(&preview);
	fake.used = 10;
	bench_pass(bench, 11 * 60 * 1000);
	run(bench);
	assert_state(bench, PREVIEW_DONE);
	unit_log_expected(false);
	close_bench(bench);
}

static bool
is_always_stopping(void *arg BH_UNUSED)
{
	return true;
}

/* A worker that ends after each page, or in the middle of one: the next goes on. */
static void
it_goes_on_where_it_stood(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	int runs = 0;

	fill(bench);
	bench->context.is_stopping = is_always_stopping;
	press(bench, do_begin);
	while (run(bench).again_ms >= 0)
		runs++;
	assert_true(runs >= 1);
	assert_totals(bench,
	    "account create 1, account adopt 2, account choice 1, bill create 3, bill waiting 2");
	press(bench, do_begin);
	run(bench);
	assert_state(bench, PREVIEW_RUNNING);
	press(bench, do_stop);
	run(bench);
	assert_state(bench, PREVIEW_STOPPED);
	press(bench, do_go_on);
	while (run(bench).again_ms >= 0)
		;
	assert_state(bench, PREVIEW_DONE);
	assert_totals(bench,
	    "account create 1, account adopt 2, account choice 1, bill create 3, bill waiting 2");
	close_bench(bench);
}

static void
a_change_meanwhile_ends_it(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct preview preview;

	unit_log_expected(true);
	fill(bench);
	bench->context.is_stopping = is_always_stopping;
	press(bench, do_begin);
	run(bench);
	apply_mapping(bench, ACCOUNT(MATCH, "'fields':[{'to':'Name','from':'name'}]"), true);
	run(bench);
	assert_state(bench, PREVIEW_FAILED);
	preview = state_of(bench);
	assert_non_null(strstr(preview.note, "begin again"));
	preview_release(&preview);
	unit_log_expected(false);
	close_bench(bench);
}

static int
do_drop(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	account_sync_drop(txn, arg);
	return 0;
}

static void
with_its_sync_it_goes(void **state BH_UNUSED)
{
	static const char *const families[] = {"Pr", "Ps", "Pd", "Pa", "Pm"};
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));

	fill(bench);
	preview_all(bench,
	    "account create 1, account adopt 2, account choice 1, bill create 3, bill waiting 2");
	json_decref(ask_for(bench, "cus_1"));
	assert_true(count_family(bench, "Ps") > 0 && count_family(bench, "Pd") > 0);
	assert_true(bench_next_due(bench) == INT64_MAX || bench_next_due(bench) <= bh_now_ms());
	press(bench, do_drop);
	run(bench);
	for (size_t i = 0; i < BH_LEN(families); i++)
		assert_int_equal(count_family(bench, families[i]), 0);
	close_bench(bench);
}

static void
with_a_person_all_go(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct person_done done;
	struct person *person;

	fill(bench);
	preview_all(bench,
	    "account create 1, account adopt 2, account choice 1, bill create 3, bill waiting 2");
	json_decref(ask_for(bench, "cus_1"));
	assert_return_code(person_find(&bench->context, "ada@example.com", NULL, &person,
			       &bench->err),
	    0);
	assert_return_code(person_erase(person, NULL, NULL, &done, &bench->err), 0);
	person_free(&person);
	assert_state(bench, PREVIEW_NONE);
	assert_int_equal(count_family(bench, "Ps"), 0);
	assert_int_equal(count_family(bench, "Pd"), 0);
	assert_int_equal(count_family(bench, "Pa"), 0);
	close_bench(bench);
}

static void
samples_are_bounded(void **state BH_UNUSED)
{
	struct bench *bench = open_bench(ACCOUNT(MATCH, FIELDS));
	struct store_txn *txn;
	json_t *list;
	char id[16];

	for (int i = 0; i < PREVIEW_SAMPLES + 250; i++) {
		snprintf(id, sizeof(id), "cus_%03d", i);
		news(bench, id, "{'name':'Ada'}");
	}
	while (bench_ingest(bench) > 0)
		;
	preview_all(bench, "account create 450");
	txn = store_begin(bench->store);
	assert_int_equal(preview_samples(txn, "s", "account", "create", &list, &bench->err), 1);
	store_free(&txn);
	assert_int_equal(json_array_size(list), PREVIEW_SAMPLES);
	assert_string_equal(bh_json_str(list, "0.title"), "Ada");
	json_decref(list);
	assert_int_equal(count_family(bench, "Pd"), PREVIEW_DETAILS);
	preview_all(bench, "account create 450"); /* the older ones are replaced */
	assert_int_equal(count_family(bench, "Pd"), PREVIEW_DETAILS);
	close_bench(bench);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_is_as_the_push_does_it),
	    cmocka_unit_test(filters_refusals_and_no_match),
	    cmocka_unit_test(what_another_gets_is_not_given_twice),
	    cmocka_unit_test(shared_records_are_made_once),
	    cmocka_unit_test(lines_and_events_are_counted),
	    cmocka_unit_test(a_draft_is_what_is_shown),
	    cmocka_unit_test(seen_is_what_was_whole_and_is_the_same),
	    cmocka_unit_test(one_shows_each_field),
	    cmocka_unit_test(one_tells_of_fields_that_are_missing),
	    cmocka_unit_test(one_tells_what_a_person_changed),
	    cmocka_unit_test(one_looks_at_its_parents),
	    cmocka_unit_test(a_crm_that_is_down_is_asked_again),
	    cmocka_unit_test(a_dead_token_is_told),
	    cmocka_unit_test(limits_are_heeded),
	    cmocka_unit_test(it_goes_on_where_it_stood),
	    cmocka_unit_test(a_change_meanwhile_ends_it),
	    cmocka_unit_test(with_its_sync_it_goes),
	    cmocka_unit_test(with_a_person_all_go),
	    cmocka_unit_test(samples_are_bounded),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
