/*
 * Previews: see preview.h for their states.
 *
 * Keys, all beginning with the code of the sync: Pr <sync> the state; Pa <sync> the
 * object asked for; Ps <sync> <object> <verdict> samples; Pd <sync> <object>
 * <account> <id> a sample's document; Pm <sync> <kind> <object> <account> <id> marks.
 * Values are JSON, but for marks.
 */
#include "base/base.h"

#include "state/preview.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/queue.h"
#include "store/key.h"

#define DOC_MAX (4u << 20)
#define SYNCS_MAX 1000

static const char *const state_names[PREVIEW__MAX] = {"none", "running", "stopped", "failed",
    "done"};

const char *
preview_state_name(enum preview_state state)
{
	return state < PREVIEW__MAX ? state_names[state] : state_names[PREVIEW_NONE];
}

void
preview_release(struct preview *preview)
{
	json_decref(preview->objects);
	bh_buf_release(&preview->after);
	*preview = (struct preview)PREVIEW_INIT;
}

/* -- documents -- */

static int
read_doc(struct store_txn *txn, const struct key *key, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	int rc = store_get(txn, key->data, key->len, &value, err);

	*doc_r = NULL;
	if (rc > 0 && (*doc_r = json_loadb(value.data, value.len, 0, NULL)) == NULL)
		rc = bh_fail(err, BH_STORAGE, "a preview cannot be read");
	bh_buf_release(&value);
	return rc;
}

static void
write_doc(struct store_txn *txn, const struct key *key, const json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
}

static void
key_sync(struct key *key, const char *family, const char *sync)
{
	key_begin(key, family);
	key_text(key, sync);
}

static void
key_object(struct key *key, const struct preview_object *of)
{
	key_text(key, of->object);
	key_text(key, of->account);
	key_text(key, of->id);
}

/* -- the state -- */

static json_t *
hex_json(const struct bh_buf *bytes)
{
	char hex[2 * (STORE_KEY_MAX + 1) + 1];

	bh_hex(hex, bytes->data, bytes->len);
	return json_string(hex);
}

static void
read_hex(struct bh_buf *bytes, const char *hex)
{
	unsigned char raw[STORE_KEY_MAX + 1];
	size_t len = hex != NULL ? strlen(hex) / 2 : 0;

	bh_buf_reset(bytes);
	if (len <= sizeof(raw) && len > 0 && bh_is_hex_decoded(raw, len, hex))
		bh_buf_add(bytes, raw, len);
}

/* The numbers, once, for reading and writing. */
static const struct number {
	const char *name;
	size_t offset;
} numbers[] = {
    {"run", offsetof(struct preview, run)},
    {"started", offsetof(struct preview, started_ms)},
    {"ended", offsetof(struct preview, ended_ms)},
    {"turned", offsetof(struct preview, turned_ms)},
    {"turned_done", offsetof(struct preview, turned_done)},
    {"done", offsetof(struct preview, done)},
    {"total", offsetof(struct preview, total)},
    {"calls", offsetof(struct preview, calls)},
    {"waits_until", offsetof(struct preview, waits_until_ms)},
    {"failing", offsetof(struct preview, failing_ms)},
    {"seen", offsetof(struct preview, seen_ms)},
};

int
preview_load(struct store_txn *txn, const char *sync, struct preview *preview, struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int64_t state;
	int rc;

	preview_release(preview);
	key_sync(&key, "Pr", sync);
	rc = read_doc(txn, &key, &doc, err);
	if (rc <= 0)
		return rc;
	state = bh_json_int(doc, "state", 0);
	preview->state =
	    state >= 0 && state < PREVIEW__MAX ? (enum preview_state)state : PREVIEW_NONE;
	for (size_t i = 0; i < BH_LEN(numbers); i++)
		*(int64_t *)(void *)((char *)preview + numbers[i].offset) =
		    bh_json_int(doc, numbers[i].name, 0);
	preview->is_clearing = bh_is_json_true(doc, "clearing");
	preview->is_draft = bh_is_json_true(doc, "draft");
	preview->place = (size_t)bh_json_int(doc, "place", 0);
	bh_json_copy(preview->digest, sizeof(preview->digest), doc, "digest");
	bh_json_copy(preview->note, sizeof(preview->note), doc, "note");
	read_hex(&preview->after, bh_json_str(doc, "after"));
	preview->objects = json_incref(json_object_get(doc, "objects"));
	json_decref(doc);
	return 1;
}

void
preview_save(struct store_txn *txn, const char *sync, const struct preview *preview)
{
	json_t *doc = json_pack("{s:i, s:b, s:b, s:I, s:s, s:o, s:o, s:O*}", "state",
	    (int)preview->state, "clearing", preview->is_clearing, "draft", preview->is_draft,
	    "place", (json_int_t)preview->place, "digest", preview->digest, "note",
	    bh_json_string(preview->note), "after", hex_json(&preview->after), "objects",
	    preview->objects);
	struct key key;

	for (size_t i = 0; i < BH_LEN(numbers); i++)
		json_object_set_new(doc, numbers[i].name,
		    json_integer(*(
			const int64_t *)(const void *)((const char *)preview + numbers[i].offset)));
	key_sync(&key, "Pr", sync);
	write_doc(txn, &key, doc);
	json_decref(doc);
}

int
preview_begin(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err)
{
	struct preview old = PREVIEW_INIT, fresh = PREVIEW_INIT;

	if (preview_load(txn, sync, &old, err) < 0)
		return -1;
	fresh.state = PREVIEW_RUNNING;
	fresh.run = old.run + 1;
	fresh.is_clearing = true;
	fresh.started_ms = fresh.turned_ms = now_ms;
	preview_save(txn, sync, &fresh);
	queue_wake(txn, PREVIEW_JOB, sync, now_ms);
	preview_release(&old);
	return 0;
}

int
preview_stop(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	struct preview preview = PREVIEW_INIT;
	int rc = preview_load(txn, sync, &preview, err);

	if (rc >= 0 && preview.state != PREVIEW_RUNNING)
		rc = bh_fail(err, BH_INVALID, "It does not run.");
	if (rc > 0) {
		preview.state = PREVIEW_STOPPED;
		preview.note[0] = '\0';
		preview_save(txn, sync, &preview);
	}
	preview_release(&preview);
	return rc < 0 ? -1 : 0;
}

int
preview_go_on(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err)
{
	struct preview preview = PREVIEW_INIT;
	int rc = preview_load(txn, sync, &preview, err);

	if (rc >= 0 && preview.state != PREVIEW_STOPPED && preview.state != PREVIEW_FAILED)
		rc = bh_fail(err, BH_INVALID, "It was not stopped.");
	if (rc > 0) {
		preview.state = PREVIEW_RUNNING;
		preview.turned_ms = now_ms;
		preview.turned_done = preview.done;
		preview.waits_until_ms = preview.failing_ms = 0;
		preview.note[0] = '\0';
		preview_save(txn, sync, &preview);
		queue_wake(txn, PREVIEW_JOB, sync, now_ms);
	}
	preview_release(&preview);
	return rc < 0 ? -1 : 0;
}

int
preview_see(struct store_txn *txn, const char *sync, int64_t now_ms, struct bh_err *err)
{
	struct preview preview = PREVIEW_INIT;
	int rc = preview_load(txn, sync, &preview, err);
	bool is_news = rc > 0 && preview.state == PREVIEW_DONE && preview.seen_ms == 0;

	if (is_news) {
		preview.seen_ms = now_ms;
		preview_save(txn, sync, &preview);
	}
	preview_release(&preview);
	return rc < 0 ? -1 : !is_news;
}

/* -- samples and documents -- */

static void
key_samples(struct key *key, const char *sync, const char *object, const char *verdict)
{
	key_sync(key, "Ps", sync);
	key_text(key, object);
	key_text(key, verdict);
}

int
preview_samples(struct store_txn *txn, const char *sync, const char *object, const char *verdict,
    json_t **list_r, struct bh_err *err)
{
	struct key key;

	key_samples(&key, sync, object, verdict);
	return read_doc(txn, &key, list_r, err);
}

void
preview_samples_save(struct store_txn *txn, const char *sync, const char *object,
    const char *verdict, const json_t *list)
{
	struct key key;

	key_samples(&key, sync, object, verdict);
	write_doc(txn, &key, list);
}

int
preview_detail(struct store_txn *txn, const char *sync, const struct preview_object *of,
    json_t **doc_r, struct bh_err *err)
{
	struct key key;

	key_sync(&key, "Pd", sync);
	key_object(&key, of);
	return read_doc(txn, &key, doc_r, err);
}

void
preview_detail_save(struct store_txn *txn, const char *sync, const struct preview_object *of,
    const json_t *doc)
{
	struct key key;

	key_sync(&key, "Pd", sync);
	key_object(&key, of);
	write_doc(txn, &key, doc);
}

/* -- marks -- */

static void
key_mark(struct key *key, const char *sync, const char *kind, const struct preview_object *of)
{
	key_sync(key, "Pm", sync);
	key_text(key, kind);
	key_object(key, of);
}

void
preview_mark(struct store_txn *txn, const char *sync, const char *kind,
    const struct preview_object *of, const char *value)
{
	struct key key;

	key_mark(&key, sync, kind, of);
	store_put(txn, key.data, key.len, value, strlen(value));
}

int
preview_marked(struct store_txn *txn, const char *sync, const char *kind,
    const struct preview_object *of, struct bh_buf *out, struct bh_err *err)
{
	struct store_item item = {0};
	struct key key;

	key_mark(&key, sync, kind, of);
	item.key = key.data;
	item.key_len = key.len;
	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	if (item.found && out != NULL)
		bh_buf_add(out, item.value, item.value_len);
	return item.found;
}

/* -- one object -- */

int
preview_asked(struct store_txn *txn, const char *sync, json_t **ask_r, struct bh_err *err)
{
	struct key key;

	key_sync(&key, "Pa", sync);
	return read_doc(txn, &key, ask_r, err);
}

void
preview_asked_save(struct store_txn *txn, const char *sync, const json_t *ask)
{
	struct key key;

	key_sync(&key, "Pa", sync);
	write_doc(txn, &key, ask);
}

void
preview_ask(struct store_txn *txn, const char *sync, const char *kind, const char *account,
    const char *id, int64_t now_ms)
{
	json_t *ask = json_pack("{s:b, s:s, s:o, s:o, s:I}", "open", true, "kind", kind, "account",
	    bh_json_string(account), "id", bh_json_string(id), "asked", (json_int_t)now_ms);

	preview_asked_save(txn, sync, ask);
	queue_wake(txn, PREVIEW_JOB, sync, now_ms);
	json_decref(ask);
}

/* -- forgetting -- */

static int
drop_families(struct store_txn *txn, const char *sync, const char *const *families, size_t n,
    struct bh_err *err)
{
	for (size_t i = 0; i < n; i++) {
		int rc = key_drop_page(txn, families[i], sync, err);

		if (rc <= 0)
			return rc;
	}
	return 1;
}

int
preview_drop_marks(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	return key_drop_page(txn, "Pm", sync, err);
}

int
preview_drop_results(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	static const char *const families[] = {"Ps", "Pd", "Pm"};

	return drop_families(txn, sync, families, BH_LEN(families), err);
}

int
preview_drop(struct store_txn *txn, const char *sync, struct bh_err *err)
{
	static const char *const families[] = {"Ps", "Pd", "Pm", "Pa", "Pr"};

	return drop_families(txn, sync, families, BH_LEN(families), err);
}

static int
list_family(struct store_txn *txn, const char *family, json_t *codes, struct bh_err *err)
{
	struct store_scan scan = {.prefix = family,
	    .prefix_len = strlen(family),
	    .max = SYNCS_MAX,
	    .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct key_reader reader;
		const char *code;

		key_read(&reader, entries[i].key, entries[i].key_len, family);
		if (is_key_text(&reader, &code))
			json_object_set_new(codes, code, json_true());
	}
	return 0;
}

int
preview_syncs(struct store_txn *txn, json_t **codes_r, struct bh_err *err)
{
	json_t *codes = json_object(), *one;
	const char *code;
	int rc = list_family(txn, "Pr", codes, err);

	if (rc == 0)
		rc = list_family(txn, "Pa", codes, err);
	*codes_r = json_array();
	json_object_foreach (codes, code, one)
		json_array_append_new(*codes_r, json_string(code));
	json_decref(codes);
	return rc;
}
