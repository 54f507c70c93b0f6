/* See errand.h. */
#include "base/base.h"

#include "sync/errand.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "state/trail.h"
#include "sync/crm_errand.h"

#define PATIENCE_MS 120000 /* so long a source may ask to be asked later */
#define PAUSE_MS 2000      /* where it does not say how much later */

struct job {
	const struct sync_context *context;
	const struct setup_connection *connection;
	struct source_config config;
	struct source_api api;
	const json_t *ask;
	json_t *learnt; /* settings to be kept; owned; NULL */
	char *secret;   /* of a webhook that was made; owned; NULL */
};

void
errand_url(struct bh_buf *out, const struct conf *conf, const char *connection)
{
	bh_buf_addf(out, "%s/hook/%s", conf->public_url, connection);
}

/* -- the errands: an answer (new reference), or -1 -- */

static int
run_probe(struct job *job, json_t **answer_r, struct bh_err *err)
{
	if (job->connection->source->probe(&job->api, answer_r, err) < 0)
		return -1;
	job->learnt = json_incref(json_object_get(*answer_r, "settings"));
	return 0;
}

/* Equal but for a final slash. */
static bool
is_same_url(const char *a, const char *b)
{
	size_t a_len = a != NULL ? strlen(a) : 0, b_len = b != NULL ? strlen(b) : 0;

	while (a_len > 0 && a[a_len - 1] == '/')
		a_len--;
	while (b_len > 0 && b[b_len - 1] == '/')
		b_len--;
	return a_len != 0 && a_len == b_len && memcmp(a, b, a_len) == 0;
}

static int
run_endpoints(struct job *job, json_t **answer_r, struct bh_err *err)
{
	struct bh_buf url = BH_BUF_INIT(4096);
	json_t *endpoint;
	size_t i;
	int rc = job->connection->source->endpoints(&job->api, answer_r, err);

	errand_url(&url, job->context->conf, job->connection->account.code);
	if (rc == 0)
		json_array_foreach (*answer_r, i, endpoint)
			json_object_set_new(endpoint, "ours",
			    json_boolean(
				is_same_url(bh_json_str(endpoint, "url"), bh_buf_str(&url))));
	bh_buf_release(&url);
	return rc;
}

/* Ours among the endpoints: its id as a new reference, json null when there is none. */
static int
find_ours(struct job *job, json_t **id_r, struct bh_err *err)
{
	json_t *list = NULL, *endpoint;
	size_t i;

	*id_r = json_null();
	if (run_endpoints(job, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, endpoint) {
		if (!bh_is_json_true(endpoint, "ours"))
			continue;
		*id_r = json_incref(json_object_get(endpoint, "id"));
		break;
	}
	json_decref(list);
	return 0;
}

static int
check_address(const struct job *job, struct bh_err *err)
{
	const char *url = job->context->conf->public_url;

	if (*url == '\0')
		return bh_fail(err, BH_INVALID,
		    "set public_url (Settings, Options) to the address under which the billing system reaches Billhook");
	if (!bh_has_prefix(url, "https://") && !bh_has_prefix(url, "http://127.0.0.1") &&
	    !bh_has_prefix(url, "http://localhost"))
		return bh_fail(err, BH_INVALID,
		    "public_url must begin with https:// before a webhook can be made");
	return 0;
}

/*
 * An endpoint whose secret we do not hold is of no use, and no source tells
 * it a second time: it is made anew.
 */
static int
run_register(struct job *job, json_t **answer_r, struct bh_err *err)
{
	const struct source_driver *driver = job->connection->source;
	bool has_secret = json_object_get(job->config.secrets, "webhook") != NULL;
	struct bh_buf url = BH_BUF_INIT(4096);
	json_t *events = json_array_size(json_object_get(job->ask, "events")) > 0
			     ? json_incref(json_object_get(job->ask, "events"))
			     : source_events(driver, job->config.settings);
	json_t *id = NULL;
	int rc = check_address(job, err);

	if (rc == 0)
		rc = find_ours(job, &id, err);
	if (rc == 0 && json_is_string(id) && !has_secret && driver->gives_secret) {
		rc = driver->endpoint_remove(&job->api, json_string_value(id), err);
		json_decref(id);
		id = json_null();
	}
	if (rc == 0) {
		struct source_endpoint endpoint = {.id = json_string_value(id), .events = events};

		errand_url(&url, job->context->conf, job->connection->account.code);
		endpoint.url = bh_buf_str(&url);
		rc = driver->endpoint_put(&job->api, &endpoint, answer_r, err);
	}
	if (rc == 0 && bh_json_str(*answer_r, "secret") != NULL) {
		job->secret = bh_xstrdup(bh_json_str(*answer_r, "secret"));
		json_object_del(*answer_r, "secret");
	}
	if (rc == 0)
		job->learnt = json_pack("{s:O, s:O?}", "events", events, "endpoint_id",
		    json_object_get(*answer_r, "id"));
	json_decref(id);
	json_decref(events);
	bh_buf_release(&url);
	return rc;
}

static int
run_remove(struct job *job, json_t **answer_r, struct bh_err *err)
{
	json_t *id = NULL;
	int rc = find_ours(job, &id, err);

	if (rc == 0 && json_is_string(id))
		rc =
		    job->connection->source->endpoint_remove(&job->api, json_string_value(id), err);
	if (rc == 0)
		*answer_r = json_pack("{s:b, s:O}", "removed", json_is_string(id), "id", id);
	json_decref(id);
	return rc;
}

static const struct errand_kind {
	const char *name;
	int (*run)(struct job *job, json_t **answer_r, struct bh_err *err);
} kinds[] = {
    {ERRAND_PROBE, run_probe},
    {ERRAND_ENDPOINTS, run_endpoints},
    {ERRAND_REGISTER, run_register},
    {ERRAND_REMOVE, run_remove},
};

static const struct errand_kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < BH_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

/* -- running -- */

static void
learn(struct account_connection *account, const struct job *job)
{
	json_t *learnt = account->learnt != NULL ? json_copy(account->learnt) : json_object();
	json_t *secrets = json_copy(account->secrets);

	json_object_update(learnt, job->learnt);
	json_decref(account->learnt);
	account->learnt = learnt;
	if (job->secret != NULL) {
		json_t *old = json_object_get(secrets, "webhook");

		if (old != NULL)
			json_object_set(secrets, "webhook_previous", old);
		json_object_set_new(secrets, "webhook", json_string(job->secret));
	}
	json_decref(account->secrets);
	account->secrets = secrets;
}

/* What was learnt, and the answer, in one commit; the settings as they are by now. */
static int
settle(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct settling {
		struct job *job;
		const char *name;
		const struct errand *errand;
	} *settling = arg;
	const char *code = settling->job->connection->account.code;
	struct account_connection account = {0};
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = settling->name,
	    .subject = code,
	    .text = settling->errand->error[0] != '\0' ? settling->errand->error : "done"};
	int rc = 0;

	if (settling->job->learnt != NULL || settling->job->secret != NULL) {
		rc = account_connection_load(txn, settling->job->context->key, code, &account, err);
		if (rc > 0) {
			learn(&account, settling->job);
			rc = account_connection_save(txn, settling->job->context->key, &account,
			    err);
		}
		account_connection_release(&account);
	}
	if (rc < 0)
		return -1;
	trail_add(txn, 0, &entry);
	return errand_settle(txn, code, settling->name, settling->errand, err);
}

/* When a source that is asked too fast may be asked again; 0: it is none, or has had its time. */
static int64_t
later_ms(const struct bh_err *why, const struct errand *errand)
{
	int64_t now = bh_now_ms();

	if (why->code != BH_LIMITED || now - errand->asked_ms > PATIENCE_MS)
		return 0;
	return now + (why->retry_after_s > 0 ? why->retry_after_s * INT64_C(1000) : PAUSE_MS);
}

/* *again_r: when it is to be tried again; 0 it is settled. */
static int
run_one(const struct sync_context *context, const struct setup_connection *connection,
    const char *name, struct errand *errand, int64_t *again_r, struct bh_err *err)
{
	struct job job = {.context = context,
	    .connection = connection,
	    .config = setup_source_config(connection),
	    .ask = errand->ask};
	struct settling {
		struct job *job;
		const char *name;
		const struct errand *errand;
	} settling = {&job, name, errand};
	const struct errand_kind *kind = find_kind(name);
	struct bh_err why = BH_ERR_INIT;
	json_t *answer = NULL;
	int done, rc;

	job.api = (struct source_api){&job.config, context->transport, bh_now_ms()};
	if (kind == NULL)
		done = bh_fail(&why, BH_INVALID, "there is no such errand");
	else if ((done = source_check_can(connection->source, name, &why)) == 0)
		done = kind->run(&job, &answer, &why);
	*again_r = done < 0 ? later_ms(&why, errand) : 0;
	if (*again_r != 0) {
		json_decref(answer);
		return 0; /* it stays open */
	}
	errand->is_open = false;
	errand->done_ms = bh_now_ms();
	json_decref(errand->answer);
	/* What went wrong on the way to a good end is no error. */
	errand->answer = done == 0 ? answer : NULL;
	if (done < 0)
		json_decref(answer);
	snprintf(errand->error, sizeof(errand->error), "%s", done < 0 ? why.text : "");
	if (done < 0)
		bh_log_err(BH_INFO, &why, "%s of %s", name, connection->account.code);
	else
		bh_log(BH_INFO, "%s of %s: done", name, connection->account.code);
	rc = store_run(context->store, settle, &settling, NULL, err);
	json_decref(job.learnt);
	if (job.secret != NULL)
		bh_wipe(job.secret, strlen(job.secret));
	free(job.secret);
	return rc;
}

int
errand_run(const struct sync_context *context, const char *code, struct sync_outcome *outcome,
    struct bh_err *err)
{
	const struct setup_connection *connection;
	struct setup *setup = NULL;
	struct store_txn *txn;
	json_t *names = NULL, *name;
	size_t i;
	int rc = setup_load(context->store, context->key, &setup, err);

	*outcome = (struct sync_outcome){.again_ms = -1};
	if (rc < 0)
		return -1;
	txn = store_begin(context->store);
	rc = errand_open(txn, code, &names, err);
	connection = setup_connection(setup, code);
	json_array_foreach (names, i, name) {
		struct errand errand;
		int64_t again_ms = 0;

		if (connection == NULL)
			break;
		rc = errand_load(txn, code, json_string_value(name), &errand, err);
		if (rc > 0 && connection->source != NULL)
			rc = run_one(context, connection, json_string_value(name), &errand,
			    &again_ms, err);
		else if (rc > 0)
			rc = crm_errand_run(context, setup, connection, json_string_value(name),
			    &errand, &again_ms, err);
		errand_release(&errand);
		if (rc < 0)
			break;
		if (again_ms != 0 && (outcome->again_ms < 0 || again_ms < outcome->again_ms))
			outcome->again_ms = again_ms;
		outcome->handled += again_ms == 0;
	}
	json_decref(names);
	store_free(&txn);
	setup_free(&setup);
	return rc < 0 ? -1 : 0;
}
