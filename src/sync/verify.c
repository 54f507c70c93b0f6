/* See verify.h. */
#include "base/base.h"

#include "sync/verify.h"

#include "base/clock.h"
#include "sync/apply.h"

#define PAGE 50
#define TRIES 20

struct page {
	struct apply *apply;
	size_t n;
};

static int
note_customer(void *arg, const struct mirror_id *id, const struct object_state *object BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	struct page *page = arg;

	apply_again(page->apply, id, true);
	page->n++;
	return 0;
}

static void
report(struct verify *verify, const char *connection, const struct page *page)
{
	json_t *list = apply_differences(page->apply), *one;
	size_t i;

	verify->customers += page->n;
	verify->differences += json_array_size(list);
	json_array_foreach (list, i, one)
		if (verify->say != NULL)
			verify->say(verify->arg, connection, one);
	json_decref(list);
}

/* One page of customers behind after. */
static int
verify_page(const struct sync_context *context, struct setup **setup, const char *connection,
    struct verify *verify, struct bh_buf *after, bool *more_r, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	struct page page = {0};
	int rc = setup_refresh(context, txn, setup, err);

	if (rc == 0) {
		page.apply = apply_new(txn, *setup);
		rc = mirror_walk(txn, connection, OBJECT_CUSTOMER, PAGE, after, note_customer,
		    &page, more_r, err);
	}
	if (rc == 0)
		rc = apply_run(page.apply, err);
	if (rc == 0 && verify->mend)
		rc = store_commit(txn, NULL, err);
	if (rc == 0)
		report(verify, connection, &page);
	apply_free(&page.apply);
	store_free(&txn);
	return rc;
}

int
verify_connection(const struct sync_context *context, const char *connection, struct verify *verify,
    struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1),
		      begin = BH_BUF_INIT(STORE_KEY_MAX + 1);
	struct setup *setup = NULL;
	struct bh_err why = BH_ERR_INIT;
	bool more = true;
	int rc = 0, tries = 0;

	while (more && rc == 0) {
		bh_buf_reset(&begin);
		bh_buf_add(&begin, after.data, after.len);
		rc = verify_page(context, &setup, connection, verify, &after, &more, &why);
		if (rc < 0 && why.code == BH_CONFLICT && ++tries < TRIES) {
			bh_buf_reset(&after);
			bh_buf_add(&after, begin.data, begin.len);
			why = (struct bh_err)BH_ERR_INIT;
			more = true;
			rc = 0;
			bh_sleep_ms(tries);
		} else {
			tries = 0;
		}
	}
	if (rc < 0 && err != NULL)
		*err = why;
	setup_free(&setup);
	bh_buf_release(&begin);
	bh_buf_release(&after);
	return rc;
}
