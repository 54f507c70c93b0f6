/* See crm_leave.h. */
#include "base/base.h"

#include "sync/crm_leave.h"

#include "base/log.h"
#include "base/proc.h"
#include "state/target.h"
#include "sync/schema.h"

static int
remove_schema(struct crm_work *work, json_t **report_r, struct bh_err *err)
{
	json_t *schema = NULL;
	int rc = 0;

	if (work->connection->dest->uninstall == NULL)
		return bh_fail(err, BH_INVALID, "%s holds nothing that could be taken away",
		    work->connection->dest->title);
	rc = schema_catalogue(work->context->conf->preset_dir, work->connection, &schema, err);
	if (rc == 0)
		rc = crm_work_open(work, err);
	if (rc == 0)
		rc = crm_work_call(work, crm_uninstall, schema, report_r, err);
	json_decref(schema);
	return rc;
}

/* Tokens that are dead or cannot be given back at the moment do not stop a person from leaving. */
static void
give_back(struct crm_work *work)
{
	struct bh_err why = BH_ERR_INIT;

	if (work->connection->dest->revoke == NULL)
		return;
	if (crm_work_open_bare(work, &why) < 0 ||
	    work->lane.driver->revoke(&work->lane.config, &why) < 0)
		bh_log_err(BH_WARN, &why, "the tokens of %s could not be given back",
		    work->connection->account.code);
}

static int
drop_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	return link_drop_lane(txn, arg, err);
}

static int
drop_syncs(struct store_txn *txn, const char *code, struct bh_err *err)
{
	json_t *codes = NULL, *name;
	size_t i;
	int rc = account_syncs(txn, &codes, err);

	json_array_foreach (codes, i, name) {
		struct account_sync sync;
		int found = account_sync_load(txn, json_string_value(name), &sync, err);

		if (found < 0)
			rc = -1;
		else if (found > 0 && strcmp(sync.to, code) == 0)
			account_sync_drop(txn, sync.code);
		if (found > 0)
			account_sync_release(&sync);
	}
	json_decref(codes);
	return rc < 0 ? -1 : 0;
}

/* First the syncs, so that nothing is marked any more; a run that dies from here on begins here again. */
static int
begin_forgetting(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct crm_work *work = arg;
	const char *code = work->connection->account.code;
	struct errand errand = *work->errand;

	if (drop_syncs(txn, code, err) < 0)
		return -1;
	account_auth_drop(txn, code);
	errand.ask = json_pack("{s:b}", "forget", 1);
	errand_save(txn, code, work->name, &errand);
	json_decref(errand.ask);
	return 0;
}

static int
end_forgetting(struct store_txn *txn, void *arg, struct bh_err *err)
{
	account_connection_drop(txn, arg);
	return errand_drop_page(txn, arg, err) < 0 ? -1 : 0;
}

int
crm_forget_lane(struct store *store, const char *code, struct bh_err *err)
{
	void *arg = (void *)(uintptr_t)code;
	int rc;

	do
		rc = store_run(store, drop_page, arg, NULL, err);
	while (rc == 0);
	if (rc < 0)
		return -1;
	do
		rc = store_run(store, target_drop_page, arg, NULL, err);
	while (rc == 0);
	return rc < 0 ? -1 : 0;
}

static int
forget(struct crm_work *work, struct bh_err *err)
{
	struct store *store = work->context->store;
	const char *code = work->connection->account.code;

	work->is_left = true;
	if (store_run(store, begin_forgetting, work, NULL, err) < 0)
		return -1;
	bh_fault("crm-forgetting");
	if (crm_forget_lane(store, code, err) < 0)
		return -1;
	return store_run(store, end_forgetting, (void *)(uintptr_t)code, NULL, err) < 0 ? -1 : 0;
}

int
crm_leave(struct crm_work *work, json_t **answer_r, struct bh_err *err)
{
	if (bh_is_json_true(work->ask, "forget"))
		return forget(work, err);
	if (bh_is_json_true(work->ask, "remove")) {
		if (remove_schema(work, answer_r, err) < 0)
			return -1;
		if (!bh_is_json_true(*answer_r, "is_complete"))
			return 0;
	}
	give_back(work);
	return forget(work, err);
}
