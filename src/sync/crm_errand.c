/* See crm_errand.h. */
#include "base/base.h"

#include "sync/crm_errand.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "state/queue.h"
#include "state/trail.h"
#include "sync/configure.h"
#include "sync/crm_leave.h"
#include "sync/crm_people.h"
#include "sync/crm_work.h"
#include "sync/resync.h"
#include "sync/schema.h"

#define PATIENCE_MS 120000 /* so long a CRM may ask to be asked later */
#define PAUSE_MS 5000

/* -- who is it -- */

/* The lines of text as an array. */
static json_t *
list_lines(const char *text)
{
	json_t *list = json_array();

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		json_array_append_new(list, json_stringn(text, len));
		text += len + (text[len] != '\0');
	}
	return list;
}

static json_t *
describe_account(const struct dest_auth *auth, json_t *limits_take)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:b, s:o, s:o}", "name",
	    bh_json_string(auth->account_name), "id", bh_json_string(auth->account_id), "kind",
	    bh_json_string(auth->account_kind), "mode", auth->is_sandbox ? "test" : "live",
	    "is_production", auth->is_production, "missing", list_lines(auth->missing), "limits",
	    limits_take);
}

/* Limits are told where they can be had; they are no reason to fail. */
static int
identify(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	struct lane *lane = &work->lane;
	json_t *limits = NULL;
	struct bh_err why = BH_ERR_INIT;

	if (lane->driver->identify(&lane->config, err) < 0 || lane_keep_account(lane, err) < 0)
		return -1;
	if (lane->driver->limits != NULL && lane->driver->limits(&lane->config, &limits, &why) < 0)
		bh_log_err(BH_WARN, &why, "limits of %s", lane->connection->account.code);
	*answer_r = describe_account(&lane->auth, limits != NULL ? limits : json_array());
	return 0;
}

/* A connection that answers is not broken (any more): its lane goes on. */
static int
mend(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct crm_work *work = arg;
	const char *code = work->lane.connection->account.code;
	struct account_connection connection;
	int rc = account_connection_load(txn, work->lane.context->key, code, &connection, err);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	if (connection.broken[0] == '\0') {
		account_connection_release(&connection);
		return 1;
	}
	connection.broken[0] = '\0';
	rc = account_connection_save(txn, work->lane.context->key, &connection, err);
	queue_wake(txn, "push", code, bh_now_ms());
	account_connection_release(&connection);
	return rc;
}

static int
run_probe(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	if (crm_work_open(work, err) < 0)
		return -1;
	if (identify(work, answer_r, err) < 0 &&
	    (err->code != BH_DENIED || lane_authorize(&work->lane, err) < 0 ||
		identify(work, answer_r, err) < 0))
		return -1;
	return store_run(work->context->store, mend, work, NULL, err) < 0 ? -1 : 0;
}

/* -- a person has let us in -- */

static int
take_login(struct store_txn *txn, const struct crm_work *work, const char *state,
    struct account_login *login, struct bh_err *err)
{
	int rc = account_login_load(txn, work->context->key, state, login, err);

	if (rc < 0)
		return -1;
	if (rc == 0 || login->code[0] == '\0' ||
	    strcmp(login->connection, work->connection->account.code) != 0)
		return bh_fail(err, BH_INVALID,
		    "this login is over: begin it again on the connection's page");
	return 0;
}

static int
drop_login(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	account_login_drop(txn, arg);
	return 0;
}

static int
use_login(struct crm_work *work, const struct dest_login *way, const char *code, json_t **answer_r,
    struct bh_err *err)
{
	if (crm_work_open_bare(work, err) < 0 ||
	    work->lane.driver->exchange(&work->lane.config, way, code, err) < 0 ||
	    lane_keep_auth(&work->lane, err) < 0 || identify(work, answer_r, err) < 0)
		return -1;
	return store_run(work->context->store, mend, work, NULL, err) < 0 ? -1 : 0;
}

/* A code is good once: what holds it goes before it is used, and no failure is tried again. */
static int
run_login(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	const char *state = bh_json_str(work->ask, "login");
	struct account_login login;
	struct store_txn *txn;
	int rc;

	if (state == NULL)
		return bh_fail(err, BH_INVALID, "there is no login to be finished");
	txn = store_begin(work->context->store);
	rc = take_login(txn, work, state, &login, err);
	store_free(&txn);
	if (rc == 0)
		rc = store_run(work->context->store, drop_login, (void *)(uintptr_t)state, NULL,
			 err) < 0
			 ? -1
			 : 0;
	if (rc == 0) {
		struct dest_login way = {login.redirect_uri, state, login.verifier};

		rc = use_login(work, &way, login.code, answer_r, err);
		if (rc < 0)
			err->code = BH_INVALID;
	}
	bh_wipe(&login, sizeof(login));
	return rc;
}

/* -- the schema -- */

/* Fields that mappings name and Billhook does not make: are they there? */
static void
add_others(struct crm_work *work, json_t *plan, const json_t *others)
{
	json_t *rows = json_object_get(plan, "rows"), *other;
	int64_t missing = bh_json_int(plan, "missing", 0);
	size_t i;

	/* Whoever asks may just have made one by hand. */
	json_array_foreach (others, i, other)
		lane_forget(&work->lane, bh_json_str(other, "object"));
	json_array_foreach (others, i, other) {
		const char *object = bh_json_str(other, "object"),
			   *field = bh_json_str(other, "field");
		const struct dest_object *described = NULL;
		bool is_there;

		if (lane_describe(&work->lane, object, &described, NULL) < 0 || described == NULL)
			continue;
		is_there = dest_object_field(described, field) != NULL;
		if (is_there)
			continue;
		missing++;
		json_array_append_new(rows,
		    json_pack("{s:s, s:s++, s:s, s:s, s:s, s:s, s:O}", "kind", "field", "name",
			object, ".", field, "label", field, "type", "", "state", "missing",
			"detail",
			"Billhook does not make it: make it by hand, or take it out of the mapping",
			"why", json_object_get(other, "why")));
	}
	json_object_set_new(plan, "missing", json_integer((json_int_t)missing));
}

static int
build_schema(struct crm_work *work, json_t **schema_r, struct bh_err *err)
{
	return schema_build(work->context->conf->preset_dir, work->setup, work->connection,
	    schema_r, err);
}

static int
run_plan(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	json_t *schema = NULL;
	int rc = build_schema(work, &schema, err);

	if (rc == 0)
		rc = crm_work_open(work, err);
	if (rc == 0)
		rc = crm_work_call(work, crm_plan, schema, answer_r, err);
	if (rc == 0)
		add_others(work, *answer_r, json_object_get(schema, "others"));
	json_decref(schema);
	return rc;
}

/* Descriptions from before are of no use after it. */
static void
forget_descriptions(struct crm_work *work, const json_t *schema)
{
	json_t *object;
	size_t i;

	json_array_foreach (json_object_get(schema, "objects"), i, object)
		lane_forget(&work->lane, strcmp(bh_json_str(object, "name"), "Activity") == 0
					     ? "Task"
					     : bh_json_str(object, "name"));
}

static int
wake_syncs(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct crm_work *work = arg;

	for (size_t i = 0; i < work->setup->syncs_n; i++)
		if (work->setup->syncs[i].to == work->connection)
			resync_begin(txn, work->setup->syncs[i].account.code, bh_now_ms());
	return 0;
}

/*
 * What was left out for want of a field is looked at again, and what was refused: events are not
 * part of a resync.
 */
static int
look_again(const struct crm_work *work, struct bh_err *err)
{
	struct store *store = work->context->store;
	size_t n = 0;

	if (store_run(store, wake_syncs, (void *)(uintptr_t)work, NULL, err) < 0)
		return -1;
	return configure_retry(store, work->connection->account.code, &n, err);
}

static int
run_install(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	json_t *schema = NULL;
	int rc = build_schema(work, &schema, err);

	if (rc == 0)
		rc = crm_work_open(work, err);
	if (rc == 0)
		rc = crm_work_call(work, crm_install, schema, answer_r, err);
	if (rc == 0) {
		forget_descriptions(work, schema);
		rc = look_again(work, err);
	}
	json_decref(schema);
	return rc;
}

/* Of the whole catalogue: earlier mappings may have needed more. */
static int
run_count(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	json_t *schema = NULL;
	int rc = schema_catalogue(work->context->conf->preset_dir, work->connection, &schema, err);

	if (rc == 0)
		rc = crm_work_open(work, err);
	if (rc == 0)
		rc = crm_work_call(work, crm_count, schema, answer_r, err);
	json_decref(schema);
	return rc;
}

/* How many fields each of the objects has; those that the CRM does not describe are told apart. */
static int
run_describe(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	const json_t *names = json_object_get(work->ask, "objects");
	json_t *found = json_object(), *name;
	size_t i, described = 0;
	int rc = crm_work_open(work, err);

	json_array_foreach ((json_t *)(uintptr_t)names, i, name) {
		const struct dest_object *object = NULL;

		if (rc < 0 || !json_is_string(name))
			continue;
		rc = lane_describe_anew(&work->lane, json_string_value(name), &object, err);
		described += object != NULL;
		json_object_set_new(found, json_string_value(name),
		    object != NULL ? json_integer((json_int_t)object->fields_n) : json_null());
	}
	if (rc == 0 && described == 0 && json_array_size(names) > 0)
		rc = bh_fail(err, BH_INVALID, "%s describes none of the objects that are mapped",
		    work->connection->dest->title);
	*answer_r = found;
	return rc;
}

static const struct kind {
	const char *name;
	int (*run)(struct crm_work *work, json_t **answer_r, struct bh_err *err);
} kinds[] = {
    {ERRAND_PROBE, run_probe},
    {ERRAND_LOGIN, run_login},
    {ERRAND_PLAN, run_plan},
    {ERRAND_INSTALL, run_install},
    {ERRAND_COUNT, run_count},
    {ERRAND_DISCONNECT, crm_leave},
    {ERRAND_DESCRIBE, run_describe},
    {ERRAND_IMPORT, crm_people_list},
    {ERRAND_CREATE, crm_people_create},
};

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < BH_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* -- settling -- */

struct settling {
	const struct crm_work *work;
	const struct errand *errand;
};

/* Of a connection that is gone nothing is kept but the trail. */
static int
settle(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct settling *s = arg;
	const char *code = s->work->connection->account.code;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = s->work->name,
	    .subject = code,
	    .text = s->errand->error[0] != '\0' ? s->errand->error : "done"};

	trail_add(txn, 0, &entry);
	return s->work->is_left ? 0 : errand_settle(txn, code, s->work->name, s->errand, err);
}

/* When one that asks for patience may be asked again; 0: it is none, or that would be too late. */
static int64_t
later_ms(const struct bh_err *why, const struct errand *errand)
{
	int64_t at =
	    bh_now_ms() + (why->retry_after_s > 0 ? why->retry_after_s * INT64_C(1000) : PAUSE_MS);

	if ((why->code != BH_LIMITED && why->code != BH_UNAVAILABLE) ||
	    at - errand->asked_ms > PATIENCE_MS)
		return 0;
	return at;
}

static int
run_kind(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	const struct kind *kind = find_kind(work->name);

	if (kind == NULL)
		return bh_fail(err, BH_INVALID, "there is no such errand");
	if (work->connection->why[0] != '\0')
		return bh_fail(err, BH_INVALID, "%s", work->connection->why);
	if (dest_check_can(work->connection->dest, work->name, err) < 0)
		return -1;
	return kind->run(work, answer_r, err);
}

int
crm_errand_run(const struct sync_context *context, const struct setup *setup,
    const struct setup_connection *connection, const char *name, struct errand *errand,
    int64_t *again_r, struct bh_err *err)
{
	struct crm_work work = {.context = context,
	    .setup = setup,
	    .connection = connection,
	    .name = name,
	    .ask = errand->ask,
	    .errand = errand};
	struct settling settling = {&work, errand};
	struct bh_err why = BH_ERR_INIT;
	json_t *answer = NULL;
	int done = run_kind(&work, &answer, &why), rc;

	crm_work_close(&work);
	*again_r = done < 0 ? later_ms(&why, errand) : 0;
	if (*again_r != 0 || work.is_stopped) {
		json_decref(answer);
		if (work.is_stopped)
			*again_r = bh_now_ms();
		return 0; /* it stays open */
	}
	errand->is_open = false;
	errand->done_ms = bh_now_ms();
	json_decref(errand->answer);
	errand->answer = done == 0 ? answer : NULL;
	if (done < 0)
		json_decref(answer);
	/* What it was asked with may have been a secret. */
	json_decref(errand->ask);
	errand->ask = NULL;
	snprintf(errand->error, sizeof(errand->error), "%s", done < 0 ? why.text : "");
	if (done < 0)
		bh_log_err(BH_INFO, &why, "%s of %s", name, connection->account.code);
	else
		bh_log(BH_INFO, "%s of %s: done", name, connection->account.code);
	rc = store_run(context->store, settle, &settling, NULL, err);
	return rc < 0 ? -1 : 0;
}
