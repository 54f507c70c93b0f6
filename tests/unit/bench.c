/* The bench of the sync tests: see bench.h. */
#include "base/base.h"

#include "bench.h"

#include <sys/stat.h>

#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "state/cause.h"
#include "state/mirror.h"
#include "state/queue.h"
#include "store/key.h"
#include "sync/audit.h"
#include "sync/configure.h"
#include "sync/ingest.h"
#include "sync/preview.h"
#include "sync/push.h"
#include "sync/resync.h"
#include "sync/setup.h"
#include "sync/tend.h"
#include "sync/undo.h"
#include "unit.h"

#define START_MS INT64_C(1795500000000)
#define LEASE_MS 600000

static int64_t now_ms = START_MS;

static const char source_text[] = "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
				  "'secrets':{'webhook':'env:BENCH_SECRET'}}]}";

/* A lane each: what differs is who links how. */
static const struct {
	const char *driver;
	const char *connection;
} drivers[] = {
    {"salesforce", "'driver':'salesforce','settings':{'login_url':'" CRM_URL "','client_id':'id'},"
		   "'secrets':{'client_secret':'env:BENCH_SECRET'}"},
    {"hubspot",
	"'driver':'hubspot','settings':{'base_url':'" CRM_URL "','flow':'oauth','client_id':'id'},"
	"'secrets':{'client_secret':'env:BENCH_SECRET','refresh_token':'env:BENCH_SECRET'}"},
    {"sandbox", "'driver':'sandbox'"},
};

static const char sync_text[] =
    "{'billhook':1,'connections':[{'code':'crm',%s}],'syncs':[{'code':'s','from':'stripe','to':'crm',"
    "'mapping':{'name':'m','objects':["
    "{'name':'account','from':'customer','to':'Account','key':'Key__c','fields':["
    "{'to':'Name','from':'name'},{'to':'Email__c','from':'email'}]},"
    "{'name':'subscription','from':'subscription','to':'Sub__c','key':'Key__c',"
    "'parents':[{'object':'account','id':'customer','to':'Account__c'}],"
    "'fields':[{'to':'Status__c','from':'status'}]},"
    "{'name':'invoice','from':'invoice','to':'Inv__c','key':'Key__c','parents':["
    "{'object':'account','id':'customer','to':'Account__c'},"
    "{'object':'subscription','id':'subscription','to':'Sub__c'}],"
    "'if':{'field':'total','not_in':[0]},'fields':[{'to':'Total__c','from':'total'}]}]}}]}";

json_t *
bench_json(const char *text)
{
	char *copy = bh_xstrdup(text);
	struct bh_err err;
	json_t *json;

	for (char *s = copy; *s != '\0'; s++)
		if (*s == '\'')
			*s = '"';
	if (bh_json_parse(copy, strlen(copy), &json, &err) < 0)
		fail_msg("%s: %s", copy, err.text);
	free(copy);
	return json;
}

int
bench_configure(struct bench *bench, const json_t *document, size_t *changes_r)
{
	struct configure_options options = {.preset_dir = bench->conf.preset_dir};

	return configure_apply(bench->store, &bench->key, document, &options, changes_r,
	    &bench->err);
}

void
bench_apply(struct bench *bench, const char *document)
{
	json_t *json = bench_json(document);
	size_t changes;

	if (bench_configure(bench, json, &changes) < 0)
		fail_msg("%s", bench->err.text);
	json_decref(json);
}

/* Only locks are in it. */
static void
make_run_dir(const struct bench *bench, bool is_made)
{
	static const char *const locks[] = {"/auth-crm.lock", "/auth-stripe.lock", "/auth-two.lock",
	    "/hubspot-of-crm.pace", "/hubspot-4711.pace"};
	char *run = bh_xasprintf("%s/run", bench->dir);

	if (is_made)
		assert_int_equal(mkdir(run, 0700), 0);
	for (size_t i = 0; !is_made && i < BH_LEN(locks); i++) {
		char *lock = bh_xasprintf("%s%s", run, locks[i]);

		unlink(lock);
		free(lock);
	}
	if (!is_made) {
		assert_int_equal(rmdir(run), 0);
		assert_int_equal(rmdir(bench->dir), 0);
	}
	free(run);
}

struct bench *
bench_new(const char *driver)
{
	struct bench *bench = bh_xcalloc(1, sizeof(*bench));
	struct store_options options = {.engine = "mem", .data_dir = bench->dir};

	now_ms += 3600000; /* ingest remembers how fast events came */
	bh_clock_set(now_ms);
	crm_init(&bench->crm);
	snprintf(bench->dir, sizeof(bench->dir), "/tmp/t-bench.XXXXXX");
	assert_non_null(mkdtemp(bench->dir));
	make_run_dir(bench, true);
	assert_int_equal(conf_load(bench->dir, &bench->conf, &bench->err), 0);
	free(bench->conf.preset_dir);
	bench->conf.preset_dir = unit_path("presets");
	memset(&bench->key, 7, sizeof(bench->key));
	assert_int_equal(store_open(&options, &bench->store, &bench->err), 0);
	bench->context = (struct sync_context){.conf = &bench->conf,
	    .store = bench->store,
	    .key = &bench->key,
	    .transport = &bench->crm.transport};
	setenv("BENCH_SECRET", "secret", 1);
	for (size_t i = 0; driver != NULL && i < BH_LEN(drivers); i++) {
		char text[4096];

		if (strcmp(drivers[i].driver, driver) != 0)
			continue;
		snprintf(text, sizeof(text), sync_text, drivers[i].connection);
		bench_apply(bench, source_text);
		bench_apply(bench, text);
	}
	return bench;
}

void
bench_free(struct bench *bench)
{
	crm_release(&bench->crm);
	store_close(&bench->store);
	conf_release(&bench->conf);
	make_run_dir(bench, false);
	free(bench);
}

void
bench_pass(struct bench *bench BH_UNUSED, int64_t ms)
{
	now_ms += ms;
	bh_clock_set(now_ms);
}

/* -- events -- */

void
bench_journal(struct bench *bench, const char *connection, const char *id, const char *type,
    const char *body, size_t body_len)
{
	json_t *headers = json_object();
	struct journal_entry entry = {.connection = connection,
	    .id = id,
	    .type = type,
	    .received_ms = now_ms,
	    .headers = headers,
	    .body = body,
	    .body_len = body_len};

	if (journal_accept(bench->store, &entry, &bench->err) != 1)
		fail_msg("%s: %s", id, bench->err.text);
	bench->events++;
	json_decref(headers);
}

void
bench_event(struct bench *bench, const char *type, json_t *object)
{
	char id[32], *text;
	json_t *body;

	bench_pass(bench, 1000);
	snprintf(id, sizeof(id), "evt_%u", bench->events);
	body = json_pack("{s:s, s:s, s:s, s:I, s:{s:o}, s:b}", "id", id, "object", "event", "type",
	    type, "created", (json_int_t)(now_ms / 1000), "data", "object", object, "livemode", 1);
	assert_non_null(body);
	text = bh_json_text(body);
	bench_journal(bench, "stripe", id, type, text, strlen(text));
	free(text);
	json_decref(body);
}

void
bench_customer(struct bench *bench, const char *id, const char *name)
{
	bench_event(bench, "customer.updated",
	    json_pack("{s:s, s:s, s:s, s:s}", "object", "customer", "id", id, "name", name, "email",
		"ada@example.com"));
}

void
bench_subscription(struct bench *bench, const char *id, const char *customer, const char *status)
{
	bench_event(bench, "customer.subscription.updated",
	    json_pack("{s:s, s:s, s:s, s:s}", "object", "subscription", "id", id, "customer",
		customer, "status", status));
}

void
bench_invoice(struct bench *bench, const char *id, const char *customer, const char *subscription,
    int total)
{
	bench_event(bench, "invoice.updated",
	    json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:i}", "object", "invoice", "id", id,
		"customer", customer, "subscription", subscription, "status", "open", "currency",
		"eur", "total", total));
}

/* -- working -- */

size_t
bench_ingest(struct bench *bench)
{
	struct sync_outcome outcome;

	if (ingest_run(&bench->context, 0, &outcome, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	assert_int_equal(outcome.again_ms, -1);
	return outcome.handled;
}

struct sync_outcome
bench_push(struct bench *bench)
{
	struct sync_outcome outcome;

	if (push_run(&bench->context, "crm", false, &outcome, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	bench_recount(bench);
	return outcome;
}

static size_t
lease(struct bench *bench, struct queue_job *job, int64_t *next_due_r)
{
	size_t n;

	if (queue_lease(bench->store, "bench", now_ms, LEASE_MS, 1, job, &n, next_due_r,
		&bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return n;
}

int64_t
bench_next_due(struct bench *bench)
{
	struct store_scan scan = {.prefix = "Qd", .prefix_len = 2, .max = 1, .keys_only = true};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	uint64_t due = INT64_MAX;
	struct key_reader reader;
	size_t n;
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	if (n != 0) {
		key_read(&reader, entries[0].key, entries[0].key_len, "Qd");
		assert_true(is_key_u64(&reader, &due));
	}
	store_free(&txn);
	return (int64_t)due;
}

static int
run_job(struct bench *bench, const struct queue_job *job, struct sync_outcome *outcome)
{
	int rc;

	*outcome = (struct sync_outcome){.again_ms = -1};
	if (strcmp(job->kind, RESYNC_JOB) == 0)
		return resync_run(&bench->context, job->arg, outcome, &bench->err);
	if (strcmp(job->kind, TEND_JOB) == 0)
		return tend_run(&bench->context, outcome, &bench->err);
	if (strcmp(job->kind, PREVIEW_JOB) == 0)
		return preview_run(&bench->context, job->arg, outcome, &bench->err);
	if (strcmp(job->kind, AUDIT_JOB) == 0)
		return audit_run(&bench->context, job->arg, outcome, &bench->err);
	if (strcmp(job->kind, REVERT_JOB) == 0)
		return undo_run_job(&bench->context, job->arg, outcome, &bench->err);
	assert_string_equal(job->kind, "push");
	rc = push_run(&bench->context, job->arg, false, outcome, &bench->err);
	bench_recount(bench);
	return rc;
}

void
bench_work(struct bench *bench)
{
	struct queue_job job;
	int64_t next_due;

	bench_ingest(bench);
	for (size_t runs = 0; lease(bench, &job, &next_due) == 1; runs++) {
		struct sync_outcome outcome;
		int rc = run_job(bench, &job, &outcome);

		if (rc < 0)
			outcome.again_ms = now_ms + 1000; /* the dispatcher's first pause */
		assert_int_equal(queue_finish(bench->store, &job, rc < 0,
				     rc < 0 ? bench->err.text : "", outcome.again_ms, &bench->err),
		    0);
		if (runs > 50)
			fail_msg("%s is run for ever", job.id);
	}
	if (bench_lane(bench).dirty != 0 && bench_next_due(bench) == INT64_MAX)
		fail_msg("something is dirty and nothing will wake the lane");
}

/* -- looking -- */

struct link
bench_link(struct bench *bench, const char *object, const char *id)
{
	struct link_id link_id = {"crm", 0, "s", object, "", id};
	struct store_txn *txn = store_begin(bench->store);
	struct link link;

	assert_return_code(link_get(txn, &link_id, &link, &bench->err), 0);
	store_free(&txn);
	return link;
}

bool
bench_is_dirty(struct bench *bench, const char *object, int rank, const char *id)
{
	struct store_txn *txn = store_begin(bench->store);
	struct link_dirty_list list = {0};
	bool found = false;

	assert_int_equal(link_dirty(txn, "crm", 1000, &list, &bench->err), 0);
	for (size_t i = 0; i < list.n; i++)
		found = found || (list.items[i].id.rank == rank &&
				     strcmp(list.items[i].id.object, object) == 0 &&
				     strcmp(list.items[i].id.id, id) == 0);
	link_dirty_release(&list);
	store_free(&txn);
	return found;
}

struct link_lane
bench_lane(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	struct link_lane lane;

	assert_int_equal(link_lane_get(txn, "crm", &lane, &bench->err), 0);
	store_free(&txn);
	return lane;
}

/* Causes and their index tell of each held link once. */
static void
recount_causes(struct bench *bench, struct store_txn *txn, size_t held)
{
	struct store_scan scan = {.prefix = "Lc", .prefix_len = 2, .max = 10000, .keys_only = true};
	struct cause *causes = bh_xcalloc(200, sizeof(causes[0]));
	const struct store_entry *entries;
	size_t n, sum = 0;
	bool more;

	assert_int_equal(cause_list(txn, "crm", 200, causes, &n, &bench->err), 0);
	for (size_t i = 0; i < n; i++) {
		assert_true(causes[i].n > 0);
		sum += (size_t)causes[i].n;
	}
	assert_int_equal(sum, held);
	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	assert_int_equal(n, held);
	free(causes);
}

void
bench_recount(struct bench *bench)
{
	struct store_scan scan = {.prefix = "Lk", .prefix_len = 2, .max = 10000, .keys_only = true};
	struct store_txn *txn = store_begin(bench->store);
	struct link_lane lane = bench_lane(bench);
	size_t counts[LINK__MAX] = {0}, n;
	const struct store_entry *entries;
	bool more;

	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	assert_false(more);
	for (size_t i = 0; i < n; i++) {
		struct link_id id = {0};
		struct key_reader reader;
		struct link link;

		key_read(&reader, entries[i].key, entries[i].key_len, "Lk");
		assert_true(is_key_text(&reader, &id.dest) && is_key_text(&reader, &id.sync) &&
			    is_key_text(&reader, &id.object) && is_key_text(&reader, &id.account) &&
			    is_key_text(&reader, &id.id));
		assert_int_equal(link_get(txn, &id, &link, &bench->err), 1);
		counts[link.state] += strcmp(id.dest, "crm") == 0;
	}
	assert_int_equal(lane.in_step, counts[LINK_CLEAN]);
	assert_int_equal(lane.held, counts[LINK_HELD]);
	assert_int_equal(lane.waiting_parent, counts[LINK_WAITING]);
	assert_int_equal(lane.excluded, counts[LINK_EXCLUDED]);
	recount_causes(bench, txn, counts[LINK_HELD]);
	store_free(&txn);
}

int
bench_mirror(struct bench *bench, enum object_kind kind, const char *id,
    struct object_state *object)
{
	struct mirror_id mirror_id = {"stripe", "", kind, id};
	struct store_txn *txn = store_begin(bench->store);
	int rc = mirror_get(txn, &mirror_id, false, object, &bench->err);

	assert_return_code(rc, 0);
	store_free(&txn);
	return rc;
}

/* -- comparing -- */

struct comparison {
	struct bench *bench;
	const struct setup_sync *sync;
	size_t expected;
};

static void
compare_record(struct bench *bench, const struct record *record)
{
	const json_t *kept = crm_record(&bench->crm, record->object, record->key);
	const json_t *fields = json_object_get(kept, "fields");

	if (kept == NULL)
		fail_msg("%s %s is not in the CRM", record->object, record->key);
	for (size_t i = 0; i < record->fields_n; i++) {
		const struct record_field *field = &record->fields[i];
		const json_t *value = json_object_get(fields, field->name);
		char *want = bh_json_text(field->value), *have = bh_json_text(value);
		const char *text = json_string_value(field->value);

		/* Decimals are texts here and numbers at Salesforce. */
		if (strcmp(want, have) != 0 && !(json_is_number(value) && text != NULL &&
						   strtod(text, NULL) == json_number_value(value)))
			fail_msg("%s %s: %s is %s, not %s", record->object, record->key,
			    field->name, have, want);
		free(want);
		free(have);
	}
}

/* How many records a record is linked to at HubSpot. */
static size_t
count_links(const struct bench *bench, const char *id)
{
	char *begin = bh_xasprintf("%s>", id);
	const char *pair;
	json_t *times;
	size_t n = 0;

	json_object_foreach (bench->crm.links, pair, times)
		n += strncmp(pair, begin, strlen(begin)) == 0;
	free(begin);
	return n;
}

/* By key at Salesforce, by a pair of ids at HubSpot, and to nothing else. */
static void
compare_parents(struct bench *bench, const struct record *record)
{
	const json_t *kept = crm_record(&bench->crm, record->object, record->key);

	if (count_links(bench, bh_json_str(kept, "id")) > record->parents_n)
		fail_msg("%s %s is linked to a former parent", record->object, record->key);
	for (size_t i = 0; i < record->parents_n; i++) {
		const struct record_parent *parent = &record->parents[i];
		const json_t *other = crm_record(&bench->crm, parent->object, parent->key);
		char *pair =
		    bh_xasprintf("%s>%s", bh_json_str(kept, "id"), bh_json_str(other, "id"));
		char *name = bh_xasprintf("%.*sr", (int)strlen(parent->field) - 1, parent->field);
		const char *key =
		    json_string_value(json_object_get(json_object_get(kept, "parents"), name));

		if (json_object_get(bench->crm.links, pair) == NULL &&
		    (key == NULL || strcmp(key, parent->key) != 0))
			fail_msg("%s %s is not linked to %s", record->object, record->key,
			    parent->key);
		free(name);
		free(pair);
	}
}

static int
compare_object(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err)
{
	struct comparison *c = arg;
	const struct map_object *objects;
	size_t n = map_objects(c->sync->map, &objects);
	struct map_context context = {.key_prefix = "stripe", .account = ""};
	enum map_verdict verdict;
	struct record *record;

	for (size_t i = 0; i < n; i++) {
		if (objects[i].from != id->kind)
			continue;
		assert_int_equal(map_render(c->sync->map, i, id->id, object->fields, &context,
				     &verdict, &record, err),
		    0);
		if (record == NULL)
			continue;
		compare_record(c->bench, record);
		compare_parents(c->bench, record);
		record_free(&record);
		c->expected++;
	}
	return 0;
}

void
bench_compare(struct bench *bench)
{
	struct comparison c = {.bench = bench};
	struct store_txn *txn = store_begin(bench->store);
	struct setup *setup;

	assert_int_equal(setup_load(bench->store, &bench->key, &setup, &bench->err), 0);
	c.sync = setup_sync(setup, "s");
	assert_non_null(c.sync);
	for (int kind = 1; kind < OBJECT__MAX; kind++) {
		struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
		bool more;

		assert_int_equal(mirror_walk(txn, "stripe", (enum object_kind)kind, 1000, &after,
				     compare_object, &c, &more, &bench->err),
		    0);
		assert_false(more);
		bh_buf_release(&after);
	}
	setup_free(&setup);
	store_free(&txn);
	/* Nothing but these: one record for each. */
	assert_int_equal(json_object_size(bench->crm.records), c.expected);
}
