/*
 * Keys: Xr <code> the rule; Xo <code> whose turn; Xw <code> the walk; Xd <code> a dry run;
 * Xc <code> what it has open;
 * Xm <connection> <kind> <account> <id> marks; Xt <ms> <the same> timers;
 * Xs <the same> what was decided.  Values are JSON, or bytes where they are keys.
 */
#include "base/base.h"

#include "state/automation.h"

#include "state/account.h"
#include "state/alert.h"
#include "state/queue.h"
#include "store/key.h"

#define RULES_MAX 1000
#define DOC_MAX (1u << 20)

static void
key_code(struct key *key, const char *family, const char *code)
{
	key_begin(key, family);
	key_text(key, code);
}

static void
key_object(struct key *key, const struct mirror_id *id)
{
	key_text(key, id->connection);
	key_text(key, object_kind_name(id->kind));
	key_text(key, id->account);
	key_text(key, id->id);
}

static void
put_json(struct store_txn *txn, const struct key *key, const json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
}

/* -- rules -- */

void
automation_release(struct automation *automation)
{
	json_decref(automation->rule);
	memset(automation, 0, sizeof(*automation));
}

int
automation_load(struct store_txn *txn, const char *code, struct automation *automation,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	struct key key;
	json_t *doc;
	int rc;

	memset(automation, 0, sizeof(*automation));
	key_code(&key, "Xr", code);
	rc = store_get(txn, key.data, key.len, &value, err);
	doc = rc > 0 ? json_loadb(value.data, value.len, 0, NULL) : NULL;
	bh_buf_release(&value);
	if (rc > 0 && doc == NULL)
		rc = bh_fail(err, BH_STORAGE, "automation %.70s cannot be read", code);
	if (rc > 0) {
		snprintf(automation->code, sizeof(automation->code), "%s", code);
		automation->rule = json_incref(json_object_get(doc, "rule"));
		automation->is_enabled = bh_is_json_true(doc, "enabled");
		automation->since_ms = bh_json_int(doc, "since", 0);
		automation->is_walking = bh_is_json_true(doc, "walking");
	}
	json_decref(doc);
	return rc;
}

/* What it told people of is over then. */
static void
tell_alerts(struct store_txn *txn)
{
	queue_wake(txn, ALERT_JOB, "", 1);
}

void
automation_save(struct store_txn *txn, const struct automation *automation)
{
	json_t *doc = json_pack("{s:O, s:b, s:I, s:b}", "rule", automation->rule, "enabled",
	    automation->is_enabled, "since", (json_int_t)automation->since_ms, "walking",
	    automation->is_walking);
	struct key key;

	key_code(&key, "Xr", automation->code);
	put_json(txn, &key, doc);
	json_decref(doc);
	account_touch(txn);
	if (!automation->is_enabled)
		tell_alerts(txn);
}

void
automation_drop(struct store_txn *txn, const char *code)
{
	static const char *const families[] = {"Xr", "Xo", "Xw", "Xd"};
	struct key key;

	for (size_t i = 0; i < BH_LEN(families); i++) {
		key_code(&key, families[i], code);
		store_delete(txn, key.data, key.len);
	}
	account_touch(txn);
	tell_alerts(txn);
}

int
automation_codes(struct store_txn *txn, json_t **codes_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Xr",
	    .prefix_len = 2,
	    .max = RULES_MAX,
	    .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	*codes_r = NULL;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	*codes_r = json_array();
	for (size_t i = 0; i < n; i++) {
		struct key_reader reader;
		const char *code;

		key_read(&reader, entries[i].key, entries[i].key_len, "Xr");
		if (is_key_text(&reader, &code))
			json_array_append_new(*codes_r, json_string(code));
	}
	return 0;
}

/* -- marks and timers -- */

void
automation_mark(struct store_txn *txn, const struct mirror_id *id)
{
	struct key key;

	key_begin(&key, "Xm");
	key_object(&key, id);
	store_put(txn, key.data, key.len, "", 0);
}

void
automation_marks_release(struct automation_mark *marks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free((char *)(uintptr_t)marks[i].id.connection);
		free((char *)(uintptr_t)marks[i].id.account);
		free((char *)(uintptr_t)marks[i].id.id);
		free(marks[i].key);
	}
}

/* What an entry of a family names; at_ms_r (may be NULL): of a timer. */
static int
read_mark(const struct store_entry *entry, const char *family, int64_t *at_ms_r,
    struct automation_mark *mark, struct bh_err *err)
{
	const char *connection, *kind, *account, *id;
	struct key_reader reader;
	uint64_t at_ms = 0;

	key_read(&reader, entry->key, entry->key_len, family);
	if ((at_ms_r != NULL && !is_key_u64(&reader, &at_ms)) ||
	    !is_key_text(&reader, &connection) || !is_key_text(&reader, &kind) ||
	    !is_key_text(&reader, &account) || !is_key_text(&reader, &id))
		return bh_fail(err, BH_STORAGE, "a mark of automations has a broken key");
	if (at_ms_r != NULL)
		*at_ms_r = (int64_t)at_ms;
	*mark = (struct automation_mark){{bh_xstrdup(connection), bh_xstrdup(account),
					     object_kind_of(kind), bh_xstrdup(id)},
	    bh_xmalloc(entry->key_len), entry->key_len, entry->version};
	memcpy(mark->key, entry->key, entry->key_len);
	return 0;
}

static int
read_marks(struct store_txn *txn, size_t max, struct automation_mark *marks, size_t *n_r,
    struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Xm", .prefix_len = 2, .max = max, .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (; *n_r < n; ++*n_r)
		if (read_mark(&entries[*n_r], "Xm", NULL, &marks[*n_r], err) < 0)
			return -1;
	return 0;
}

static int
read_timers(struct store_txn *txn, int64_t now_ms, size_t max, struct automation_mark *marks,
    size_t *n_r, int64_t *next_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Xt",
	    .prefix_len = 2,
	    .max = max - *n_r + 1,
	    .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct automation_mark mark;
		int64_t at_ms;

		if (read_mark(&entries[i], "Xt", &at_ms, &mark, err) < 0)
			return -1;
		if (at_ms > now_ms || *n_r == max) {
			*next_r = at_ms;
			automation_marks_release(&mark, 1);
			return 0;
		}
		marks[(*n_r)++] = mark;
	}
	return 0;
}

int
automation_marks(struct store_txn *txn, int64_t now_ms, size_t max, struct automation_mark *marks,
    size_t *n_r, int64_t *next_r, struct bh_err *err)
{
	*n_r = 0;
	*next_r = INT64_MAX;
	if (read_marks(txn, max, marks, n_r, err) == 0 &&
	    read_timers(txn, now_ms, max, marks, n_r, next_r, err) == 0)
		return 0;
	automation_marks_release(marks, *n_r);
	*n_r = 0;
	return -1;
}

void
automation_mark_done(struct store_txn *txn, const struct automation_mark *mark)
{
	store_expect(txn, mark->key, mark->key_len, mark->version);
	store_delete(txn, mark->key, mark->key_len);
}

/* -- what was decided -- */

int
automation_standings(struct store_txn *txn, const struct mirror_id *ids, size_t n, json_t **docs,
    struct bh_err *err)
{
	struct key *keys = bh_xcalloc(n, sizeof(keys[0]));
	struct store_item *items = bh_xcalloc(n, sizeof(items[0]));
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		docs[i] = NULL;
		key_begin(&keys[i], "Xs");
		key_object(&keys[i], &ids[i]);
		items[i] = (struct store_item){.key = keys[i].data,
		    .key_len = keys[i].len,
		    .checked = true};
	}
	if (n != 0)
		rc = store_get_many(txn, items, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (items[i].found)
			docs[i] = json_loadb(items[i].value, items[i].value_len, 0, NULL);
	free(items);
	free(keys);
	return rc;
}

static void
key_timer(struct key *key, const struct mirror_id *id, int64_t at_ms)
{
	key_begin(key, "Xt");
	key_u64(key, at_ms > 0 ? (uint64_t)at_ms : 0);
	key_object(key, id);
}

void
automation_standing_put(struct store_txn *txn, const struct mirror_id *id, const json_t *before,
    const json_t *doc)
{
	int64_t was_ms = bh_json_int(before, "at", INT64_MAX);
	int64_t at_ms = bh_json_int(doc, "at", INT64_MAX);
	struct key key;

	key_begin(&key, "Xs");
	key_object(&key, id);
	if (json_object_size(json_object_get(doc, "rules")) == 0 && at_ms == INT64_MAX)
		store_delete(txn, key.data, key.len);
	else
		put_json(txn, &key, doc);
	if (was_ms != INT64_MAX && was_ms != at_ms) {
		key_timer(&key, id, was_ms);
		store_delete(txn, key.data, key.len);
	}
	if (at_ms != INT64_MAX) {
		key_timer(&key, id, at_ms);
		store_put(txn, key.data, key.len, "", 0);
	}
}

int
automation_turn_get(struct store_txn *txn, const char *code, uint64_t *turn_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(64);
	struct key key;
	int rc;

	*turn_r = 0;
	key_code(&key, "Xo", code);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0)
		*turn_r = strtoull(bh_buf_str(&value), NULL, 10);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

void
automation_turn_put(struct store_txn *txn, const char *code, uint64_t turn)
{
	char text[32];
	struct key key;
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)turn);

	key_code(&key, "Xo", code);
	store_put(txn, key.data, key.len, text, (size_t)len);
}

int
automation_tally_get(struct store_txn *txn, const char *code, struct automation_tally *tally,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	json_t *doc = NULL;
	struct key key;
	int rc;

	key_code(&key, "Xc", code);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0)
		doc = json_loadb(value.data, value.len, 0, NULL);
	*tally = (struct automation_tally){bh_json_int(doc, "open", 0),
	    bh_json_int(doc, "fired", 0), bh_json_int(doc, "at", 0)};
	json_decref(doc);
	bh_buf_release(&value);
	return rc < 0 ? -1 : 0;
}

int
automation_tally_add(struct store_txn *txn, const char *code, const struct automation_tally *by,
    struct bh_err *err)
{
	struct automation_tally now;
	struct key key;
	json_t *doc;

	if (automation_tally_get(txn, code, &now, err) < 0)
		return -1;
	doc = json_pack("{s:I, s:I, s:I}", "open", (json_int_t)(now.open + by->open), "fired",
	    (json_int_t)(now.fired + by->fired), "at",
	    (json_int_t)(by->fired_ms != 0 ? by->fired_ms : now.fired_ms));
	key_code(&key, "Xc", code);
	put_json(txn, &key, doc);
	json_decref(doc);
	return 0;
}

int
automation_walk_get(struct store_txn *txn, const char *code, struct bh_buf *after,
    struct bh_err *err)
{
	struct key key;

	key_code(&key, "Xw", code);
	return store_get(txn, key.data, key.len, after, err) < 0 ? -1 : 0;
}

void
automation_walk_put(struct store_txn *txn, const char *code, const struct bh_buf *after)
{
	struct key key;

	key_code(&key, "Xw", code);
	if (after == NULL)
		store_delete(txn, key.data, key.len);
	else
		store_put(txn, key.data, key.len, after->data, after->len);
}

/* -- dry runs -- */

void
automation_trial_ask(struct store_txn *txn, const char *code, const json_t *rule, int days,
    int64_t now_ms)
{
	json_t *doc = json_pack("{s:s, s:O, s:I, s:i}", "state", "open", "rule", rule, "asked",
	    (json_int_t)now_ms, "days", days);

	automation_trial_put(txn, code, doc);
	queue_wake(txn, AUTOMATION_TRIAL_JOB, code, now_ms);
	json_decref(doc);
}

int
automation_trial_get(struct store_txn *txn, const char *code, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	struct key key;
	int rc;

	key_code(&key, "Xd", code);
	rc = store_get(txn, key.data, key.len, &value, err);
	*doc_r = rc > 0 ? json_loadb(value.data, value.len, 0, NULL) : NULL;
	bh_buf_release(&value);
	if (rc > 0 && *doc_r == NULL)
		return bh_fail(err, BH_STORAGE, "a dry run of %.70s cannot be read", code);
	return rc;
}

void
automation_trial_put(struct store_txn *txn, const char *code, const json_t *doc)
{
	struct key key;

	key_code(&key, "Xd", code);
	put_json(txn, &key, doc);
}

int
automation_trials_forget(struct store_txn *txn, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Xd",
	    .prefix_len = 2,
	    .max = RULES_MAX,
	    .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		store_delete(txn, entries[i].key, entries[i].key_len);
	return n == 0;
}
