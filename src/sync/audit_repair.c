/* What people do with an audit's differences: have them mended, take them away as a file. */
#include "base/base.h"

#include "base/clock.h"
#include "dest/csv.h"
#include "state/link.h"
#include "state/queue.h"
#include "state/undo.h"
#include "sync/audit.h"
#include "sync/setup.h"

#define PAGE 100 /* rows in one commit */

/* -- mending -- */

struct repair {
	struct setup *setup;
	const struct setup_sync *sync;
	const char *object, *account, *id; /* of one record; NULL */
	int64_t from;
	size_t n, records; /* rows of this page; records in all */
	size_t found;      /* records of this page */
	json_t *seen;      /* records of this page that were marked */
};

static bool
is_meant(const struct repair *r, const json_t *row)
{
	if (json_object_get(row, "repaired") != NULL)
		return false;
	return r->object == NULL || (strcmp(bh_json_str(row, "object"), r->object) == 0 &&
					strcmp(bh_json_str(row, "account"), r->account) == 0 &&
					strcmp(bh_json_str(row, "id"), r->id) == 0);
}

/* One that was deleted is known to the push as a record that is not to be made anew by itself. */
static int
mend(struct store_txn *txn, const struct link_id *id, const json_t *row, struct bh_err *err)
{
	struct link link;
	int rc = link_get(txn, id, &link, err);

	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	if (strcmp(bh_json_str(row, "fate"), "deleted") == 0 && link.state == LINK_CLEAN &&
	    strcmp(link.remote_id, bh_json_str(row, "remote_id")) == 0)
		return link_adopt(txn, id, "", "made anew, as an audit found it deleted", err);
	return link_renew(txn, id, err);
}

static int
mend_row(struct store_txn *txn, struct repair *r, const json_t *row, struct bh_err *err)
{
	const char *name = bh_json_str(row, "object");
	const struct map_object *object = setup_object(r->sync, name, NULL);
	struct link_id id = {r->sync->account.to, object != NULL ? object->rank : 0,
	    r->sync->account.code, name, bh_json_str(row, "account"), bh_json_str(row, "id")};
	char *record = bh_xasprintf("%s\n%s\n%s", name, id.account, id.id);
	bool is_seen = json_object_get(r->seen, record) != NULL;
	int rc = 0;

	if (object != NULL && !is_seen)
		rc = mend(txn, &id, row, err);
	if (rc == 0 && object != NULL && !is_seen)
		r->found++;
	json_object_set_new(r->seen, record, json_true());
	free(record);
	return rc < 0 ? -1 : 0;
}

static int
repair_page(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct repair *r = arg;
	const char *sync = r->sync->account.code;
	struct audit audit = AUDIT_INIT;
	json_t *rows = NULL, *row;
	int64_t marked = 0;
	size_t i;
	int rc = audit_load(txn, sync, &audit, err);

	r->found = 0;
	json_object_clear(r->seen);
	if (rc >= 0)
		rc = audit_rows(txn, sync, r->from, PAGE, &rows, err);
	r->n = json_array_size(rows);
	json_array_foreach (rows, i, row) {
		if (rc < 0 || !is_meant(r, row))
			continue;
		rc = mend_row(txn, r, row, err);
		json_object_set_new(row, "repaired", json_integer((json_int_t)bh_now_ms()));
		audit_row_save(txn, sync, bh_json_int(row, "number", 0), row);
		marked++;
	}
	if (rc >= 0 && marked > 0) {
		audit.repaired += marked;
		audit_save(txn, sync, &audit);
		queue_wake(txn, "push", r->sync->account.to, bh_now_ms());
		rc = undo_hint(txn, sync, UNDO_REPAIR, bh_now_ms(), err);
	}
	json_decref(rows);
	audit_release(&audit);
	return rc < 0 ? -1 : marked == 0;
}

int
audit_repair(struct store *store, const struct account_key *key, const char *sync,
    const char *object, const char *account, const char *id, size_t *n_r, struct bh_err *err)
{
	struct repair r = {.object = object, .account = account, .id = id};
	int rc = setup_load(store, key, &r.setup, err);

	*n_r = 0;
	if (rc == 0 && (r.sync = setup_sync(r.setup, sync)) == NULL)
		rc = bh_fail(err, BH_INVALID, "The sync does not work, or is paused.");
	r.seen = json_object();
	while (rc >= 0) {
		rc = store_run(store, repair_page, &r, NULL, err);
		if (rc >= 0)
			r.records += r.found;
		if (rc < 0 || r.n < PAGE)
			break;
		r.from += PAGE;
	}
	*n_r = r.records;
	json_decref(r.seen);
	setup_free(&r.setup);
	return rc < 0 ? -1 : 0;
}

/* -- the file -- */

/* A spreadsheet takes a value that begins so for a formula. */
static void
add_value(struct bh_buf *out, const char *text, bool is_last)
{
	struct bh_buf value = BH_BUF_INIT(SIZE_MAX / 2);

	if (text != NULL && *text != '\0' && strchr("=+-@\t\r", *text) != NULL)
		bh_buf_addc(&value, '\'');
	bh_buf_adds(&value, text != NULL ? text : "");
	csv_add(out, bh_buf_str(&value));
	bh_buf_adds(out, is_last ? "\r\n" : ",");
	bh_buf_release(&value);
}

int
audit_csv(struct store_txn *txn, const char *sync, struct bh_buf *out, struct bh_err *err)
{
	static const char *const columns[] = {"object", "account", "id", "to", "remote_id", "field",
	    "want", "has", "currency", "fate", "kind"};
	static const char *const heads[] = {"Object", "Account", "Id", "CRM object", "CRM id",
	    "Field", "Should be", "CRM has", "Currency", "Record is gone", "Kind", "Repaired"};
	char at[BH_CLOCK_TEXT];
	json_t *rows, *row;
	size_t i;
	int rc = audit_rows(txn, sync, 0, AUDIT_ROWS, &rows, err);

	for (size_t k = 0; k < BH_LEN(heads); k++)
		add_value(out, heads[k], k + 1 == BH_LEN(heads));
	json_array_foreach (rows, i, row) {
		int64_t at_ms = bh_json_int(row, "repaired", 0);

		for (size_t k = 0; k < BH_LEN(columns); k++)
			add_value(out, bh_json_str(row, columns[k]), false);
		at[0] = '\0';
		if (at_ms != 0)
			bh_rfc3339(at, at_ms);
		add_value(out, at, true);
	}
	json_decref(rows);
	return rc;
}
