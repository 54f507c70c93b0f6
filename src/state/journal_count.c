/* What the journal knows of itself without being read: see journal.h. */
#include "base/base.h"

#include "base/json.h"
#include "base/text.h"
#include "state/journal.h"
#include "state/journal_internal.h"
#include "store/key.h"

#define COUNTS_MAX 1024

static void
key_counts(struct key *key, const char *connection)
{
	key_begin(key, "Jm");
	key_text(key, connection);
}

/* {"applied": 3, ...}; a state that is missing counts 0. */
static int
read_counts(struct store_txn *txn, const char *connection, bool is_checked,
    int64_t counts[JOURNAL__MAX], struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(COUNTS_MAX);
	json_t *doc = NULL;
	struct key key;
	int rc;

	memset(counts, 0, JOURNAL__MAX * sizeof(counts[0]));
	key_counts(&key, connection);
	rc = is_checked ? store_get(txn, key.data, key.len, &value, err)
			: store_peek(txn, key.data, key.len, &value, err);
	if (rc > 0)
		rc = bh_json_parse(bh_buf_str(&value), value.len, &doc, err) < 0 ? -1 : 1;
	for (int i = 0; i < JOURNAL__MAX && rc > 0; i++)
		counts[i] = bh_json_int(doc, journal_state_name((enum journal_state)i), 0);
	json_decref(doc);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

int
journal_counts(struct store_txn *txn, const char *connection, int64_t counts[JOURNAL__MAX],
    struct bh_err *err)
{
	return read_counts(txn, connection, false, counts, err);
}

int
journal_count(struct store_txn *txn, const char *connection, const int64_t more[JOURNAL__MAX],
    struct bh_err *err)
{
	int64_t counts[JOURNAL__MAX];
	struct key key;
	json_t *doc;
	char *text;

	if (read_counts(txn, connection, true, counts, err) < 0)
		return -1;
	doc = json_object();
	for (int i = 0; i < JOURNAL__MAX; i++)
		if (counts[i] + more[i] != 0)
			json_object_set_new(doc, journal_state_name((enum journal_state)i),
			    json_integer((json_int_t)(counts[i] + more[i])));
	text = bh_json_text(doc);
	key_counts(&key, connection);
	store_put(txn, key.data, key.len, text, strlen(text));
	free(text);
	json_decref(doc);
	return 0;
}

int
journal_oldest(struct store_txn *txn, int64_t *received_ms_r, struct bh_err *err)
{
	struct journal_cursor cursor;
	struct journal_event event = {0};
	size_t n = 0;
	int rc = journal_cursor_read(txn, false, &cursor, err);

	*received_ms_r = 0;
	if (rc >= 0)
		rc = journal_walk(txn, cursor.stamp, 1, &event, &n, err);
	if (rc == 0 && n > 0)
		*received_ms_r = event.received_ms;
	if (n > 0)
		journal_event_release(&event);
	return rc < 0 ? -1 : n > 0;
}
