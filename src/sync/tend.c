/* See tend.h. */
#include "base/base.h"

#include "sync/tend.h"

#include "base/clock.h"
#include "sync/apply.h"
#include "sync/audit.h"
#include "sync/pull.h"

#define DUE_MAX 100 /* customers in one commit */

/* All customers whose time has come. */
static int
run_due(const struct sync_context *context, struct setup **setup, struct bh_err *err)
{
	size_t n;
	int rc;

	do {
		struct store_txn *txn = store_begin(context->store);
		struct bh_err why = BH_ERR_INIT;

		n = 0;
		rc = setup_refresh(context, txn, setup, &why);
		if (rc == 0)
			rc = apply_due(txn, *setup, bh_now_ms(), DUE_MAX, &n, &why);
		if (rc == 0)
			rc = store_commit(txn, NULL, &why);
		store_free(&txn);
		if (rc < 0 && why.code == BH_CONFLICT) {
			bh_sleep_ms(5);
			rc = 0;
			n = DUE_MAX;
		} else if (rc < 0 && err != NULL) {
			*err = why;
		}
	} while (rc == 0 && n == DUE_MAX && !sync_is_stopping(context));
	return rc;
}

int
tend_run(const struct sync_context *context, struct sync_outcome *outcome, struct bh_err *err)
{
	struct setup *setup = NULL;
	int64_t next_ms = INT64_MAX, now = bh_now_ms();
	int rc = run_due(context, &setup, err);

	if (rc == 0)
		rc = pull_schedule(context, setup, now, &next_ms, err);
	if (rc == 0)
		rc = audit_schedule(context, setup, now, &next_ms, err);
	setup_free(&setup);
	*outcome = (struct sync_outcome){.again_ms = -1};
	if (next_ms != INT64_MAX)
		outcome->again_ms = next_ms;
	return rc;
}
