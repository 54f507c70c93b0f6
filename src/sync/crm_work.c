/* See crm_work.h. */
#include "base/base.h"

#include "sync/crm_work.h"

static int
open_work(struct crm_work *work, bool bare, struct bh_err *err)
{
	int rc;

	if (work->is_open)
		return 0;
	rc = bare ? lane_open_bare(work->context, work->setup, work->connection, &work->lane, err)
		  : lane_open(work->context, work->setup, work->connection, &work->lane, err);
	work->is_open = rc == 0;
	return rc;
}

int
crm_work_open(struct crm_work *work, struct bh_err *err)
{
	return open_work(work, false, err);
}

int
crm_work_open_bare(struct crm_work *work, struct bh_err *err)
{
	return open_work(work, true, err);
}

void
crm_work_close(struct crm_work *work)
{
	if (!work->is_open)
		return;
	if (!work->is_left)
		lane_note_calls(&work->lane);
	lane_close(&work->lane);
	work->is_open = false;
}

struct progress {
	const struct crm_work *work;
	const json_t *progress;
};

static int
save_progress(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct progress *p = arg;
	struct errand errand = *p->work->errand;
	json_t *answer = json_pack("{s:O}", "progress", p->progress);
	int rc;

	errand.answer = answer;
	rc = errand_settle(txn, p->work->connection->account.code, p->work->name, &errand, err);
	json_decref(answer);
	return rc;
}

bool
crm_work_say(void *arg, const json_t *progress)
{
	struct crm_work *work = arg;
	struct progress p = {work, progress};

	store_run(work->context->store, save_progress, &p, NULL, NULL);
	if (sync_is_stopping(work->context))
		work->is_stopped = true;
	return !work->is_stopped;
}

int
crm_plan(struct crm_work *work, const json_t *schema, json_t **answer_r, struct bh_err *err)
{
	return work->lane.driver->plan(&work->lane.config, schema, answer_r, err);
}

int
crm_install(struct crm_work *work, const json_t *schema, json_t **answer_r, struct bh_err *err)
{
	return work->lane.driver->install(&work->lane.config, schema, crm_work_say, work, answer_r,
	    err);
}

int
crm_count(struct crm_work *work, const json_t *schema, json_t **answer_r, struct bh_err *err)
{
	return work->lane.driver->count(&work->lane.config, schema, answer_r, err);
}

int
crm_uninstall(struct crm_work *work, const json_t *schema, json_t **answer_r, struct bh_err *err)
{
	return work->lane.driver->uninstall(&work->lane.config, schema, crm_work_say, work,
	    answer_r, err);
}

/* Names of objects may hold the account's number: it is asked for once. */
static int
know_account(struct crm_work *work, struct bh_err *err)
{
	struct lane *lane = &work->lane;

	if (lane->auth.account_id[0] != '\0' || lane->driver->identify == NULL)
		return 0;
	if (lane->driver->identify(&lane->config, err) < 0)
		return -1;
	return lane_keep_account(lane, err);
}

static int
call_known(struct crm_work *work, crm_call *call, const json_t *schema, json_t **answer_r,
    struct bh_err *err)
{
	if (know_account(work, err) < 0)
		return -1;
	return call(work, schema, answer_r, err);
}

int
crm_work_call(struct crm_work *work, crm_call *call, const json_t *schema, json_t **answer_r,
    struct bh_err *err)
{
	struct bh_err why = BH_ERR_INIT;
	int rc = call_known(work, call, schema, answer_r, &why);

	if (rc < 0 && why.code == BH_DENIED && lane_authorize(&work->lane, &why) == 0)
		rc = call_known(work, call, schema, answer_r, &why);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}
