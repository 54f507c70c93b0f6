/* See totals.h.  Keys: Rs the state, Rt the totals; JSON objects. */
#include "base/base.h"

#include "state/totals.h"

#include "state/queue.h"

#define LOST_MS 60000 /* the job is woken once more */

static int
read_doc(const struct bh_buf *value, int found, json_t **doc_r, struct bh_err *err)
{
	*doc_r = found > 0 ? json_loadb(value->data, value->len, 0, NULL) : NULL;
	if (found > 0 && *doc_r == NULL)
		return bh_fail(err, BH_STORAGE, "the totals of revenue cannot be read");
	return found;
}

static void
write_doc(struct store_txn *txn, const char *key, const json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key, strlen(key), text, strlen(text));
	free(text);
}

int
totals_state_get(struct store_txn *txn, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX);
	int rc = store_get(txn, "Rs", 2, &value, err);

	rc = read_doc(&value, rc, doc_r, err);
	bh_buf_release(&value);
	return rc;
}

void
totals_state_put(struct store_txn *txn, const json_t *doc)
{
	write_doc(txn, "Rs", doc);
}

int
totals_ask(struct store_txn *txn, int64_t now_ms, struct bh_err *err)
{
	json_t *doc;
	const char *state;
	bool is_open;

	if (totals_state_get(txn, &doc, err) < 0)
		return -1;
	state = bh_json_str(doc, "state");
	is_open = state != NULL && strcmp(state, "open") == 0;
	if (doc == NULL)
		doc = json_object();
	if (!is_open || bh_json_int(doc, "asked", 0) < now_ms - LOST_MS) {
		json_object_set_new(doc, "state", json_string("open"));
		json_object_set_new(doc, "asked", json_integer((json_int_t)now_ms));
		if (!is_open)
			json_object_set_new(doc, "seen", json_integer(0));
		totals_state_put(txn, doc);
		queue_wake(txn, TOTALS_JOB, "", now_ms);
	}
	json_decref(doc);
	return 0;
}

int
totals_get(struct store_txn *txn, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(STORE_VALUE_MAX);
	int rc = store_peek(txn, "Rt", 2, &value, err);

	rc = read_doc(&value, rc, doc_r, err);
	bh_buf_release(&value);
	return rc;
}

void
totals_put(struct store_txn *txn, const json_t *doc)
{
	write_doc(txn, "Rt", doc);
}
