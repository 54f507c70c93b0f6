/* Undo: what pushes wrote over is kept, put back where nobody changed it since, and then left alone. */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "fakecrm.h"
#include "state/undo.h"
#include "sync/retain.h"
#include "sync/undo.h"
#include "sync/undo_keep.h"
#include "unit.h"

#define MINUTE_MS 60000
#define DAY_MS (24 * 3600 * INT64_C(1000))

/* -- the stage: customers become accounts -- */

#define MAPPING                                                                                    \
	"'mapping':{'objects':[{'name':'account','from':'customer','to':'Account','key':'Key__c'," \
	"'fields':[{'to':'Name','from':'name'},{'to':'Website','from':'email'},"                   \
	"{'to':'Phone','from':'phone'}]}]}"
/* The phone is written by nobody any more, the name otherwise. */
#define OTHER                                                                                      \
	"'mapping':{'objects':[{'name':'account','from':'customer','to':'Account','key':'Key__c'," \
	"'fields':[{'to':'Name','from':'{name} Inc'},{'to':'Website','from':'email'}]}]}"

static void
apply(struct bench *bench, const char *settings, const char *mapping)
{
	char text[4000];

	snprintf(text, sizeof(text),
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','settings':%s,%s}]}",
	    settings, mapping);
	bench_apply(bench, text);
}

static struct bench *
open_bench(const char *settings)
{
	struct bench *bench;

	fake_init();
	fake.extra_field = "Phone";
	bench = bench_new("salesforce");
	apply(bench, settings, MAPPING);
	bench_work(bench);
	return bench;
}

static void
close_bench(struct bench *bench)
{
	bench_free(bench);
	fake_release();
	unit_log_expected(false);
}

static void
customer(struct bench *bench, const char *id, const char *name, const char *phone)
{
	json_t *object = bench_json("{'object':'customer','email':'ada@example.com'}");

	json_object_set_new(object, "id", json_string(id));
	json_object_set_new(object, "name", json_string(name));
	json_object_set_new(object, "phone", json_string(phone));
	bench_event(bench, "customer.updated", object);
}

static void
people(const char *id, const char *field, const char *value)
{
	json_t *record = json_object_get(fake.records, id);

	assert_non_null(record);
	json_object_set_new(json_object_get(record, "fields"), field,
	    value != NULL ? json_string(value) : json_null());
}

static void
remote(struct bench *bench, const char *id, char out[64])
{
	struct link link = bench_link(bench, "account", id);

	snprintf(out, 64, "%s", link.remote_id);
	assert_string_not_equal(out, "");
}

/* Two customers, made in one run; a second one wrote over both. */
static void
write_over(struct bench *bench, char ada[64], char bob[64])
{
	customer(bench, "cus_1", "Ada", "+1");
	customer(bench, "cus_2", "Bob", "+2");
	bench_work(bench);
	remote(bench, "cus_1", ada);
	remote(bench, "cus_2", bob);
	people(ada, "Phone", "human 1");
	people(bob, "Phone", "human 2");
	bench_pass(bench, 10 * MINUTE_MS);
	customer(bench, "cus_1", "Ada King", "+1");
	customer(bench, "cus_2", "Bob King", "+2");
	bench_work(bench);
	assert_string_equal(fake_text(ada, "Phone"), "+1");
}

/* -- buttons -- */

struct press {
	struct bench *bench;
	struct revert_what what;
	int64_t run, since_ms, turn, number;
	const char *id;
	bool removes;
};

static struct link_id
id_of(const char *id)
{
	return (struct link_id){"crm", 0, "s", "account", "", id};
}

static int
do_select(struct store_txn *txn, struct press *press, struct bh_err *err)
{
	struct link_id id = id_of(press->id);

	if (press->id != NULL)
		return undo_select_record(txn, &id, press->since_ms, &press->what, err);
	if (press->run != 0)
		return undo_select_run(txn, "s", press->run, &press->what, err);
	return undo_select_span(txn, "s", press->since_ms, 0, bh_now_ms(), &press->what, err);
}

static int
do_look(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;

	if (do_select(txn, press, err) < 0)
		return -1;
	press->what.removes = press->removes;
	return revert_look(txn, "s", &press->what, "eve", bh_now_ms(), err);
}

static int
do_do(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct press *press = arg;

	return revert_do(txn, "s", "crm", press->turn, "eve", bh_now_ms(), err);
}

static int
do_redo(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct press *press = arg;
	struct link_id id = id_of(press->id);

	return link_redo(txn, &id, err);
}

static int
do_run(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct press *press = arg;
	struct undo_run run;
	size_t n;
	int rc = undo_runs(txn, "s", 0, 1, &run, &n, err);

	press->number = n > 0 ? run.number : 0;
	return rc < 0 ? -1 : 1;
}

static int64_t
newest_run(struct bench *bench)
{
	struct press press = {.bench = bench};

	assert_return_code(store_run(bench->store, do_run, &press, NULL, &bench->err), 0);
	return press.number;
}

static struct revert
state_of(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct revert revert = REVERT_INIT;

	assert_return_code(revert_load(txn, "s", &revert, &bench->err), 0);
	store_free(&txn);
	return revert;
}

static struct revert
look(struct bench *bench, struct press *press)
{
	struct revert revert;

	if (store_run(bench->store, do_look, press, NULL, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	bench_work(bench);
	revert = state_of(bench);
	if (revert.waits_until_ms != 0) {
		bench_pass(bench, revert.waits_until_ms - bh_now_ms());
		bench_work(bench);
		revert_release(&revert);
		revert = state_of(bench);
	}
	if (revert.state != REVERT_LOOKED)
		fail_msg("it is %s: %s", revert_state_name(revert.state), revert.note);
	press->turn = revert.turn;
	return revert;
}

static struct revert
put_back(struct bench *bench, struct press *press)
{
	struct revert revert;

	if (store_run(bench->store, do_do, press, NULL, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	bench_work(bench);
	revert = state_of(bench);
	if (revert.state != REVERT_DONE)
		fail_msg("it is %s: %s", revert_state_name(revert.state), revert.note);
	return revert;
}

/* -- what is put back -- */

static void
a_run_is_put_back_but_for_what_people_changed(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char ada[64], bob[64];
	struct press press = {.bench = bench, .id = NULL};
	struct revert revert;
	size_t pushes;

	write_over(bench, ada, bob);
	people(bob, "Name", "Robert");
	pushes = fake.pushes;
	press.run = newest_run(bench);
	revert = look(bench, &press);
	assert_int_equal(fake.pushes, pushes);
	assert_int_equal(revert.look.records, 2);
	assert_int_equal(revert.look.back, 2);
	assert_int_equal(revert.look.fields, 3);
	assert_int_equal(revert.look.changed, 1);

	revert = put_back(bench, &press);
	assert_int_equal(revert.done.back, 2);
	assert_int_equal(revert.done.fields, 3);
	assert_int_equal(revert.done.changed, 1);
	assert_string_equal(fake_text(ada, "Name"), "Ada");
	assert_string_equal(fake_text(ada, "Phone"), "human 1");
	assert_string_equal(fake_text(ada, "Website"), "ada@example.com");
	assert_string_equal(fake_text(bob, "Name"), "Robert");
	assert_string_equal(fake_text(bob, "Phone"), "human 2");

	/* News does not write it again, until a person lets it. */
	customer(bench, "cus_1", "Ada Byron", "+1");
	bench_work(bench);
	assert_string_equal(fake_text(ada, "Phone"), "human 1");
	assert_string_equal(bench_link(bench, "account", "cus_1").code, LINK_UNDONE);
	assert_false(bench_is_dirty(bench, "account", 0, "cus_1"));
	bench_recount(bench);
	press.id = "cus_1";
	assert_int_equal(store_run(bench->store, do_redo, &press, NULL, &bench->err), 0);
	bench_pass(bench, MINUTE_MS);
	bench_push(bench);
	assert_string_equal(fake_text(ada, "Name"), "Ada Byron");
	assert_string_equal(fake_text(ada, "Phone"), "+1");
	assert_string_equal(fake_text(bob, "Phone"), "human 2");
	bench_recount(bench);
	close_bench(bench);
}

static void
what_was_put_back_can_be_put_back(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char ada[64], bob[64];
	struct press press = {.bench = bench};
	struct revert revert;
	size_t n;

	write_over(bench, ada, bob);
	press.run = newest_run(bench);
	look(bench, &press);
	revert = put_back(bench, &press);
	assert_string_equal(fake_text(bob, "Phone"), "human 2");
	bench_pass(bench, MINUTE_MS);
	press.run = revert.run;
	look(bench, &press);
	put_back(bench, &press);
	assert_string_equal(fake_text(ada, "Name"), "Ada King");
	assert_string_equal(fake_text(bob, "Phone"), "+2");
	assert_int_equal(undo_let_go(bench->store, &bench->key, "s", newest_run(bench), &n,
			     &bench->err),
	    0);
	assert_int_equal(n, 2);
	bench_work(bench);
	assert_int_equal(bench_link(bench, "account", "cus_1").state, LINK_CLEAN);
	bench_recount(bench);
	close_bench(bench);
}

static void
one_record_and_a_span(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char ada[64], bob[64];
	struct press press = {.bench = bench, .id = "cus_2"};
	struct revert revert;
	int64_t since_ms;

	write_over(bench, ada, bob);
	since_ms = bh_now_ms() - 5 * MINUTE_MS;
	bench_pass(bench, 10 * MINUTE_MS);
	customer(bench, "cus_1", "Ada Byron", "+11");
	bench_work(bench);
	revert = look(bench, &press);
	assert_int_equal(revert.look.records, 1);
	put_back(bench, &press);
	assert_string_equal(fake_text(bob, "Phone"), "human 2");
	assert_string_equal(fake_text(ada, "Phone"), "+11");

	/* Two writes of one field: what the first of them met. */
	press = (struct press){.bench = bench, .since_ms = since_ms};
	revert = look(bench, &press);
	assert_int_equal(revert.look.records, 2);
	assert_int_equal(revert.look.back, 1);
	assert_int_equal(revert.look.same, 1);
	put_back(bench, &press);
	assert_string_equal(fake_text(ada, "Name"), "Ada");
	assert_string_equal(fake_text(ada, "Phone"), "human 1");
	close_bench(bench);
}

static void
records_that_were_made_stay_or_go(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char ada[64], bob[64];
	struct press press = {.bench = bench};
	struct revert revert;
	size_t n;

	customer(bench, "cus_1", "Ada", "+1");
	customer(bench, "cus_2", "Bob", "+2");
	bench_work(bench);
	remote(bench, "cus_1", ada);
	remote(bench, "cus_2", bob);
	people(bob, "Phone", "human 2");
	press.run = newest_run(bench);
	revert = look(bench, &press);
	assert_int_equal(revert.look.made, 2);
	put_back(bench, &press);
	assert_non_null(fake_text(ada, "Name"));

	press.removes = true;
	revert = look(bench, &press);
	assert_int_equal(revert.look.removed, 1);
	assert_int_equal(revert.look.made, 1);
	revert = put_back(bench, &press);
	assert_int_equal(revert.done.removed, 1);
	assert_null(json_object_get(fake.records, ada));
	assert_string_equal(fake_text(bob, "Phone"), "human 2");
	customer(bench, "cus_1", "Ada King", "+1");
	bench_work(bench);
	assert_null(fake_find("Name", "Ada King"));
	assert_int_equal(undo_let_go(bench->store, &bench->key, "s", revert.run, &n, &bench->err),
	    0);
	assert_int_equal(n, 1);
	bench_work(bench);
	assert_non_null(fake_find("Name", "Ada King"));
	bench_recount(bench);
	close_bench(bench);
}

static void
a_changed_mapping_lets_go(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char ada[64], bob[64];
	struct press press = {.bench = bench};

	write_over(bench, ada, bob);
	press.run = newest_run(bench);
	look(bench, &press);
	put_back(bench, &press);
	apply(bench, "{}", MAPPING); /* the same: nothing changes */
	bench_work(bench);
	assert_string_equal(fake_text(ada, "Name"), "Ada");
	apply(bench, "{}", OTHER);
	bench_work(bench);
	assert_string_equal(fake_text(ada, "Name"), "Ada King Inc");
	assert_string_equal(fake_text(ada, "Phone"), "human 1");
	close_bench(bench);
}

/* -- how it is done -- */

static void
only_what_was_looked_at_is_done(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char ada[64], bob[64];
	struct press press = {.bench = bench};

	write_over(bench, ada, bob);
	press.run = newest_run(bench);
	assert_int_equal(store_run(bench->store, do_do, &press, NULL, &bench->err), -1);
	assert_int_equal(bench->err.code, BH_INVALID);
	look(bench, &press);
	press.turn--;
	assert_int_equal(store_run(bench->store, do_do, &press, NULL, &bench->err), -1);
	press.turn++;
	/* In between a person changes a field: what was looked at holds no more. */
	people(ada, "Phone", "human 9");
	put_back(bench, &press);
	assert_string_equal(fake_text(ada, "Phone"), "human 9");
	assert_string_equal(fake_text(ada, "Name"), "Ada");
	close_bench(bench);
}

static void
a_crm_that_fails_is_asked_again(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	char ada[64], bob[64];
	struct press press = {.bench = bench};
	struct revert revert;

	write_over(bench, ada, bob);
	unit_log_expected(true);
	fake.fault = "read";
	fake.fault_code = BH_UNAVAILABLE;
	fake.fault_times = 1;
	press.run = newest_run(bench);
	look(bench, &press);
	fake.is_token_dead = true;
	put_back(bench, &press);
	assert_string_equal(fake_text(ada, "Phone"), "human 1");
	revert = state_of(bench);
	assert_int_equal(revert.done.back, 2);
	assert_int_equal(revert.done.same, 0);
	json_object_del(fake.records, ada);
	press.run = newest_run(bench);
	revert = look(bench, &press);
	assert_int_equal(revert.look.gone, 1);
	close_bench(bench);
}

static void
nothing_is_kept_where_nobody_wants_it(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{'undo_days':0}");
	char ada[64], bob[64];
	size_t reads = fake.reads;

	write_over(bench, ada, bob);
	assert_int_equal(fake.reads, reads);
	assert_int_equal(newest_run(bench), 0);
	close_bench(bench);
}

/* What a run made it need not read again. */
static void
no_call_for_what_is_known(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	size_t reads = fake.reads;

	customer(bench, "cus_1", "Ada", "+1");
	bench_work(bench);
	customer(bench, "cus_1", "Ada King", "+1");
	bench_work(bench);
	assert_int_equal(fake.reads, reads);
	bench_pass(bench, 2 * MINUTE_MS);
	customer(bench, "cus_1", "Ada Byron", "+1");
	bench_work(bench);
	assert_int_equal(fake.reads, reads + 1);
	assert_int_equal(newest_run(bench), 2);
	close_bench(bench);
}

static size_t
count_entries(struct bench *bench, const char *id)
{
	struct store_txn *txn = store_begin(bench->store);
	struct link_id link = id_of(id);
	json_t *entries;
	size_t n;

	assert_int_equal(undo_of_record(txn, &link, 0, INT64_MAX, &entries, &bench->err), 0);
	n = json_array_size(entries);
	json_decref(entries);
	store_free(&txn);
	return n;
}

static int
do_prune(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err)
{
	size_t n;

	return undo_prune(txn, "s", bh_now_ms() - 30 * DAY_MS, 100, &n, err);
}

static int
do_drop(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	account_sync_drop(txn, "s");
	return 0;
}

static void
it_is_forgotten(void **state BH_UNUSED)
{
	struct bench *bench = open_bench("{}");
	struct link_id id = id_of("cus_2");
	char ada[64], bob[64];

	write_over(bench, ada, bob);
	assert_int_equal(count_entries(bench, "cus_1"), 2);
	bench_pass(bench, 30 * DAY_MS - 5 * MINUTE_MS);
	assert_int_equal(store_run(bench->store, do_prune, NULL, NULL, &bench->err), 0);
	assert_int_equal(count_entries(bench, "cus_1"), 1);
	assert_int_equal(undo_erase(bench->store, &id, &bench->err), 0);
	assert_int_equal(count_entries(bench, "cus_2"), 0);
	assert_int_equal(store_run(bench->store, do_drop, NULL, NULL, &bench->err), 0);
	bench_work(bench);
	assert_int_equal(count_entries(bench, "cus_1"), 0);
	assert_int_equal(newest_run(bench), 0);
	close_bench(bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_run_is_put_back_but_for_what_people_changed),
	    cmocka_unit_test(what_was_put_back_can_be_put_back),
	    cmocka_unit_test(one_record_and_a_span),
	    cmocka_unit_test(records_that_were_made_stay_or_go),
	    cmocka_unit_test(a_changed_mapping_lets_go),
	    cmocka_unit_test(only_what_was_looked_at_is_done),
	    cmocka_unit_test(a_crm_that_fails_is_asked_again),
	    cmocka_unit_test(nothing_is_kept_where_nobody_wants_it),
	    cmocka_unit_test(no_call_for_what_is_known),
	    cmocka_unit_test(it_is_forgotten),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
