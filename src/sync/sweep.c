/* See sweep.h.  Keys: Ws <connection> <account> <id>, a mark for each customer seen. */
#include "base/base.h"

#include "sync/sweep.h"

#include "base/clock.h"
#include "base/log.h"
#include "state/mirror.h"
#include "state/queue.h"
#include "state/want.h"
#include "store/key.h"
#include "sync/lookup.h"

#define PAGE 500

static void
key_seen(struct key *key, const char *connection, const char *account, const char *id)
{
	key_begin(key, "Ws");
	key_text(key, connection);
	if (id == NULL)
		return;
	key_text(key, account);
	key_text(key, id);
}

int
sweep_begin(const struct sync_context *context, const char *connection, struct bh_err *err)
{
	struct store_scan scan = {.max = PAGE, .keys_only = true};
	struct key prefix;
	bool more = true;
	int rc = 0;

	key_seen(&prefix, connection, NULL, NULL);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	while (more && rc == 0) {
		struct store_txn *txn = store_begin(context->store);
		const struct store_entry *entries;
		size_t n = 0;

		rc = store_scan(txn, &scan, &entries, &n, &more, err);
		for (size_t i = 0; i < n; i++)
			store_delete(txn, entries[i].key, entries[i].key_len);
		if (rc == 0)
			rc = store_commit(txn, NULL, err);
		store_free(&txn);
	}
	return rc;
}

int
sweep_note(const struct sync_context *context, const char *connection,
    const struct object_changes *changes, struct bh_err *err)
{
	struct store_txn *txn = store_begin(context->store);
	int rc;

	for (size_t i = 0; i < changes->n; i++) {
		const struct object_change *change = &changes->items[i];
		struct key key;

		if (change->kind != OBJECT_CUSTOMER || change->deleted)
			continue;
		key_seen(&key, connection, change->account, change->id);
		store_put(txn, key.data, key.len, "", 0);
	}
	rc = store_commit(txn, NULL, err);
	store_free(&txn);
	return rc;
}

/* A page of mirrored customers. */
struct unseen {
	struct store_txn *txn;
	int64_t started_ms;
	size_t n;
};

static int
look_at(void *arg, const struct mirror_id *id, const struct object_state *object,
    struct bh_err *err)
{
	struct unseen *unseen = arg;
	const char *external_id = bh_json_str(object->fields, "external_id");
	json_t *hint;
	struct key key;
	int rc;

	/* What came while the walk ran need not be on its pages. */
	if (object->deleted || object->version.at_ms >= unseen->started_ms)
		return 0;
	key_seen(&key, id->connection, id->account, id->id);
	rc = store_peek(unseen->txn, key.data, key.len, NULL, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	hint = external_id != NULL ? json_pack("{s:s}", "external_id", external_id) : NULL;
	want_put(unseen->txn, id->connection, object_kind_name(OBJECT_CUSTOMER), id->account,
	    id->id, hint);
	json_decref(hint);
	unseen->n++;
	return 0;
}

int
sweep_finish(const struct sync_context *context, const char *connection, int64_t started_ms,
    struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	size_t n = 0;
	bool more = true;
	int rc = 0;

	while (more && rc == 0) {
		struct unseen unseen = {store_begin(context->store), started_ms, 0};

		rc = mirror_walk(unseen.txn, connection, OBJECT_CUSTOMER, PAGE, &after, look_at,
		    &unseen, &more, err);
		if (unseen.n != 0)
			queue_wake(unseen.txn, LOOKUP_JOB, connection, bh_now_ms());
		if (rc == 0)
			rc = store_commit(unseen.txn, NULL, err);
		store_free(&unseen.txn);
		n += unseen.n;
	}
	bh_buf_release(&after);
	if (n != 0)
		bh_log(BH_INFO, "%s: %zu customers were not seen and are asked for", connection, n);
	return rc == 0 ? sweep_begin(context, connection, err) : rc;
}
