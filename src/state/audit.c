/*
 * Audits: see audit.h for their states.
 *
 * Keys: Yr <sync> the state; Yd <sync> <number> a difference.  Values are JSON.
 */
#include "base/base.h"

#include "state/audit.h"

#include "base/text.h"
#include "state/queue.h"
#include "store/key.h"

#define DOC_MAX (1u << 20)

static const char *const state_names[AUDIT__MAX] = {"none", "running", "stopped", "failed", "done"};

const char *
audit_state_name(enum audit_state state)
{
	return state < AUDIT__MAX ? state_names[state] : state_names[AUDIT_NONE];
}

void
audit_release(struct audit *audit)
{
	json_decref(audit->objects);
	bh_buf_release(&audit->after);
	*audit = (struct audit)AUDIT_INIT;
}

static void
key_state(struct key *key, const char *sync)
{
	key_begin(key, "Yr");
	key_text(key, sync);
}

static void
key_row(struct key *key, const char *sync, int64_t number)
{
	key_begin(key, "Yd");
	key_text(key, sync);
	key_u64(key, (uint64_t)number);
}

static void
write_doc(struct store_txn *txn, const struct key *key, const json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
}

/* The numbers, once, for reading and writing. */
static const struct number {
	const char *name;
	size_t offset;
} numbers[] = {
    {"run", offsetof(struct audit, run)},
    {"started", offsetof(struct audit, started_ms)},
    {"ended", offsetof(struct audit, ended_ms)},
    {"done", offsetof(struct audit, done)},
    {"total", offsetof(struct audit, total)},
    {"compared", offsetof(struct audit, compared)},
    {"differing", offsetof(struct audit, differing)},
    {"missing", offsetof(struct audit, missing)},
    {"differences", offsetof(struct audit, differences)},
    {"kept", offsetof(struct audit, kept)},
    {"repaired", offsetof(struct audit, repaired)},
    {"calls", offsetof(struct audit, calls)},
    {"waits_until", offsetof(struct audit, waits_until_ms)},
    {"failing", offsetof(struct audit, failing_ms)},
};

static void
read_hex(struct bh_buf *bytes, const char *hex)
{
	unsigned char raw[STORE_KEY_MAX + 1];
	size_t len = hex != NULL ? strlen(hex) / 2 : 0;

	bh_buf_reset(bytes);
	if (len <= sizeof(raw) && len > 0 && bh_is_hex_decoded(raw, len, hex))
		bh_buf_add(bytes, raw, len);
}

static void
take_doc(struct audit *audit, const json_t *doc)
{
	int64_t state = bh_json_int(doc, "state", 0);

	audit->state = state >= 0 && state < AUDIT__MAX ? (enum audit_state)state : AUDIT_NONE;
	for (size_t i = 0; i < BH_LEN(numbers); i++)
		*(int64_t *)(void *)((char *)audit + numbers[i].offset) =
		    bh_json_int(doc, numbers[i].name, 0);
	audit->is_clearing = bh_is_json_true(doc, "clearing");
	bh_json_copy(audit->note, sizeof(audit->note), doc, "note");
	read_hex(&audit->after, bh_json_str(doc, "after"));
	audit->objects = json_incref(json_object_get(doc, "objects"));
}

int
audit_load(struct store_txn *txn, const char *sync, struct audit *audit, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	json_t *doc = NULL;
	struct key key;
	int rc;

	audit_release(audit);
	key_state(&key, sync);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0 && (doc = json_loadb(value.data, value.len, 0, NULL)) == NULL)
		rc = bh_fail(err, BH_STORAGE, "an audit cannot be read");
	if (rc > 0)
		take_doc(audit, doc);
	json_decref(doc);
	bh_buf_release(&value);
	return rc;
}

void
audit_save(struct store_txn *txn, const char *sync, const struct audit *audit)
{
	char hex[2 * (STORE_KEY_MAX + 1) + 1];
	json_t *doc;
	struct key key;

	bh_hex(hex, bh_buf_str(&audit->after), audit->after.len);
	doc = json_pack("{s:i, s:b, s:s, s:o, s:O*}", "state", (int)audit->state, "clearing",
	    audit->is_clearing, "after", hex, "note", bh_json_string(audit->note), "objects",
	    audit->objects);
	for (size_t i = 0; i < BH_LEN(numbers); i++)
		json_object_set_new(doc, numbers[i].name,
		    json_integer(
			*(const int64_t *)(const void *)((const char *)audit + numbers[i].offset)));
	key_state(&key, sync);
	write_doc(txn, &key, doc);
	json_decref(doc);
}

int
audit_begin(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err)
{
	struct audit old = AUDIT_INIT, fresh = AUDIT_INIT;

	if (audit_load(txn, sync, &old, err) < 0)
		return -1;
	fresh.state = AUDIT_RUNNING;
	fresh.run = old.run + 1;
	fresh.is_clearing = true;
	fresh.started_ms = now_ms;
	audit_save(txn, sync, &fresh);
	queue_wake(txn, AUDIT_JOB, sync, now_ms);
	audit_release(&old);
	return 0;
}

int
audit_stop(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	struct audit audit = AUDIT_INIT;
	int rc = audit_load(txn, sync, &audit, err);

	if (rc >= 0 && audit.state != AUDIT_RUNNING)
		rc = bh_fail(err, BH_INVALID, "It does not run.");
	if (rc > 0) {
		audit.state = AUDIT_STOPPED;
		audit.note[0] = '\0';
		audit_save(txn, sync, &audit);
	}
	audit_release(&audit);
	return rc < 0 ? -1 : 0;
}

int
audit_go_on(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err)
{
	struct audit audit = AUDIT_INIT;
	int rc = audit_load(txn, sync, &audit, err);

	if (rc >= 0 && audit.state != AUDIT_STOPPED && audit.state != AUDIT_FAILED)
		rc = bh_fail(err, BH_INVALID, "It was not stopped.");
	if (rc > 0) {
		audit.state = AUDIT_RUNNING;
		audit.waits_until_ms = audit.failing_ms = 0;
		audit.note[0] = '\0';
		audit_save(txn, sync, &audit);
		queue_wake(txn, AUDIT_JOB, sync, now_ms);
	}
	audit_release(&audit);
	return rc < 0 ? -1 : 0;
}

/* -- differences -- */

void
audit_row_save(struct store_txn *txn, const char *sync, int64_t number, const json_t *row)
{
	struct key key;

	key_row(&key, sync, number);
	write_doc(txn, &key, row);
}

int
audit_rows(struct store_txn *txn, const char *sync, int64_t from, size_t max, json_t **rows_r,
    struct bh_err *err)
{
	const struct store_entry *entries;
	struct store_scan scan = {.max = max};
	struct key prefix, first;
	size_t n;
	bool more;

	*rows_r = json_array();
	key_begin(&prefix, "Yd");
	key_text(&prefix, sync);
	key_row(&first, sync, from);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	scan.from = first.data;
	scan.from_len = first.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct key_reader reader = {entries[i].key + prefix.len,
		    entries[i].key_len - prefix.len};
		json_t *row = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);
		uint64_t number;

		if (row == NULL || !is_key_u64(&reader, &number)) {
			json_decref(row);
			return bh_fail(err, BH_STORAGE, "a difference cannot be read");
		}
		json_object_set_new(row, "number", json_integer((json_int_t)number));
		json_array_append_new(*rows_r, row);
	}
	return 0;
}

int
audit_drop_rows(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	return key_drop_page(txn, "Yd", sync, err);
}

int
audit_drop(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	int rc = audit_drop_rows(txn, sync, err);

	return rc <= 0 ? rc : key_drop_page(txn, "Yr", sync, err);
}
