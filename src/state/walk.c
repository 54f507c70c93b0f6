/* Keys: Wk <connection, or sync> <walk>; We <connection> <errand>; values are JSON. */
#include "base/base.h"

#include "state/walk.h"

#include "state/queue.h"
#include "store/key.h"

#define DOC_MAX (1u << 20)
#define OVERLAP_MS 300000 /* a catch-up begins so much before the last one did */
#define FIRST_MS 3600000  /* the very first one looks back so far */

static const char *const state_names[WALK__MAX] = {"idle", "running", "paused", "failed", "done"};

const char *
walk_state_name(enum walk_state state)
{
	return state < WALK__MAX ? state_names[state] : state_names[WALK_IDLE];
}

void
walk_release(struct walk *walk)
{
	json_decref(walk->cursor);
	walk->cursor = NULL;
}

static void
key_of(struct key *key, const char *family, const char *connection, const char *name)
{
	key_begin(key, family);
	key_text(key, connection);
	key_text(key, name);
}

/* 1 with a new reference, 0, -1 */
static int
read_doc(struct store_txn *txn, const struct key *key, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	int rc = store_get(txn, key->data, key->len, &value, err);

	*doc_r = NULL;
	if (rc > 0) {
		*doc_r = json_loadb(value.data, value.len, 0, NULL);
		if (*doc_r == NULL)
			rc = bh_fail(err, BH_STORAGE, "the state of a walk cannot be read");
	}
	bh_buf_release(&value);
	return rc;
}

static void
write_doc(struct store_txn *txn, const struct key *key, json_t *doc_take)
{
	char *text = bh_json_text(doc_take);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
	json_decref(doc_take);
}

int
walk_load(struct store_txn *txn, const char *connection, const char *name, struct walk *walk,
    struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int64_t state;
	int rc;

	*walk = (struct walk){.phase_total = -1};
	key_of(&key, "Wk", connection, name);
	rc = read_doc(txn, &key, &doc, err);
	if (rc <= 0)
		return rc;
	state = bh_json_int(doc, "state", 0);
	walk->state = state >= 0 && state < WALK__MAX ? (enum walk_state)state : WALK_IDLE;
	walk->cursor = json_incref(json_object_get(doc, "cursor"));
	bh_json_copy(walk->phase, sizeof(walk->phase), doc, "phase");
	bh_json_copy(walk->note, sizeof(walk->note), doc, "note");
	walk->phase_number = (int)bh_json_int(doc, "phase_number", 0);
	walk->phases = (int)bh_json_int(doc, "phases", 0);
	walk->phase_read = bh_json_int(doc, "phase_read", 0);
	walk->phase_total = bh_json_int(doc, "phase_total", -1);
	walk->read = bh_json_int(doc, "read", 0);
	walk->changed = bh_json_int(doc, "changed", 0);
	walk->started_ms = bh_json_int(doc, "started", 0);
	walk->ended_ms = bh_json_int(doc, "ended", 0);
	walk->turned_ms = bh_json_int(doc, "turned", walk->started_ms);
	walk->turned_read = bh_json_int(doc, "turned_read", 0);
	walk->since_ms = bh_json_int(doc, "since", 0);
	walk->last_ms = bh_json_int(doc, "last", 0);
	walk->waits_until_ms = bh_json_int(doc, "waits_until", 0);
	json_decref(doc);
	return 1;
}

void
walk_save(struct store_txn *txn, const char *connection, const char *name, const struct walk *walk)
{
	json_t *doc = json_pack(
	    "{s:i, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
	    "state", (int)walk->state, "phase", walk->phase, "phase_number", walk->phase_number,
	    "phases", walk->phases, "phase_read", (json_int_t)walk->phase_read, "phase_total",
	    (json_int_t)walk->phase_total, "read", (json_int_t)walk->read, "changed",
	    (json_int_t)walk->changed, "started", (json_int_t)walk->started_ms, "ended",
	    (json_int_t)walk->ended_ms, "turned", (json_int_t)walk->turned_ms, "turned_read",
	    (json_int_t)walk->turned_read, "since", (json_int_t)walk->since_ms, "last",
	    (json_int_t)walk->last_ms, "waits_until", (json_int_t)walk->waits_until_ms, "note",
	    bh_json_string(walk->note));
	struct key key;

	if (walk->cursor != NULL)
		json_object_set(doc, "cursor", walk->cursor);
	key_of(&key, "Wk", connection, name);
	write_doc(txn, &key, doc);
}

void
walk_drop(struct store_txn *txn, const char *connection, const char *name)
{
	struct key key;

	key_of(&key, "Wk", connection, name);
	store_delete(txn, key.data, key.len);
}

/* Who goes on with it. */
static const char *
job_of(const char *name)
{
	return strcmp(name, WALK_RESYNC) == 0 || strcmp(name, WALK_FORGET) == 0 ? RESYNC_JOB
										: WALK_JOB;
}

int
walk_begin(struct store_txn *txn, const char *connection, const char *name, int64_t now_ms,
    struct bh_err *err)
{
	struct walk walk;
	int64_t last_ms;

	if (walk_load(txn, connection, name, &walk, err) < 0)
		return -1;
	if (walk.state != WALK_RUNNING) {
		last_ms = walk.last_ms;
		walk_release(&walk);
		walk = (struct walk){.state = WALK_RUNNING,
		    .started_ms = now_ms,
		    .turned_ms = now_ms,
		    .last_ms = last_ms,
		    .since_ms = last_ms != 0 ? last_ms - OVERLAP_MS : now_ms - FIRST_MS,
		    .phase_total = -1};
		walk_save(txn, connection, name, &walk);
	}
	walk_release(&walk);
	queue_wake(txn, job_of(name), connection, now_ms);
	return 0;
}

/* on_ms: 0 to stop it. */
static int
turn(struct store_txn *txn, const char *connection, const char *name, int64_t on_ms,
    struct bh_err *err)
{
	struct walk walk;
	int rc = walk_load(txn, connection, name, &walk, err);
	bool fits = on_ms != 0 ? walk.state == WALK_PAUSED || walk.state == WALK_FAILED
			       : walk.state == WALK_RUNNING;

	if (rc >= 0 && !fits) {
		rc = bh_fail(err, BH_INVALID, "the %s of %s is %s", name, connection,
		    walk_state_name(walk.state));
	} else if (rc >= 0) {
		walk.state = on_ms != 0 ? WALK_RUNNING : WALK_PAUSED;
		if (on_ms != 0) {
			walk.turned_ms = on_ms;
			walk.turned_read = walk.read;
		}
		walk.note[0] = '\0';
		walk_save(txn, connection, name, &walk);
		rc = 0;
	}
	walk_release(&walk);
	return rc;
}

int
walk_pause(struct store_txn *txn, const char *connection, const char *name, struct bh_err *err)
{
	return turn(txn, connection, name, 0, err);
}

int
walk_resume(struct store_txn *txn, const char *connection, const char *name, int64_t now_ms,
    struct bh_err *err)
{
	if (turn(txn, connection, name, now_ms, err) < 0)
		return -1;
	queue_wake(txn, job_of(name), connection, now_ms);
	return 0;
}

void
errand_release(struct errand *errand)
{
	json_decref(errand->ask);
	json_decref(errand->answer);
	errand->ask = errand->answer = NULL;
}

int
errand_load(struct store_txn *txn, const char *connection, const char *name, struct errand *errand,
    struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int rc;

	*errand = (struct errand){0};
	key_of(&key, "We", connection, name);
	rc = read_doc(txn, &key, &doc, err);
	if (rc <= 0)
		return rc;
	errand->is_open = bh_is_json_true(doc, "open");
	errand->asked_ms = bh_json_int(doc, "asked", 0);
	errand->done_ms = bh_json_int(doc, "done", 0);
	errand->ask = json_incref(json_object_get(doc, "ask"));
	errand->answer = json_incref(json_object_get(doc, "answer"));
	bh_json_copy(errand->error, sizeof(errand->error), doc, "error");
	json_decref(doc);
	return 1;
}

void
errand_save(struct store_txn *txn, const char *connection, const char *name,
    const struct errand *errand)
{
	json_t *doc = json_pack("{s:b, s:I, s:I, s:o}", "open", errand->is_open, "asked",
	    (json_int_t)errand->asked_ms, "done", (json_int_t)errand->done_ms, "error",
	    bh_json_string(errand->error));
	struct key key;

	if (errand->ask != NULL)
		json_object_set(doc, "ask", errand->ask);
	if (errand->answer != NULL)
		json_object_set(doc, "answer", errand->answer);
	key_of(&key, "We", connection, name);
	write_doc(txn, &key, doc);
}

int
errand_settle(struct store_txn *txn, const char *connection, const char *name,
    const struct errand *errand, struct bh_err *err)
{
	struct errand stored;
	int rc = errand_load(txn, connection, name, &stored, err);

	if (rc >= 0 && !(stored.is_open && stored.asked_ms != errand->asked_ms))
		errand_save(txn, connection, name, errand);
	errand_release(&stored);
	return rc < 0 ? -1 : 0;
}

void
errand_ask(struct store_txn *txn, const char *connection, const char *name, json_t *ask_take,
    int64_t now_ms)
{
	struct errand errand = {.is_open = true, .asked_ms = now_ms, .ask = ask_take};

	errand_save(txn, connection, name, &errand);
	queue_wake(txn, ERRAND_JOB, connection, now_ms);
	json_decref(ask_take);
}

int
errand_forget(struct store_txn *txn, const char *connection, const char *name, struct bh_err *err)
{
	struct errand errand;
	struct key key;
	int rc = errand_load(txn, connection, name, &errand, err);
	bool is_done = rc > 0 && !errand.is_open;

	errand_release(&errand);
	if (rc < 0)
		return -1;
	key_of(&key, "We", connection, name);
	if (is_done)
		store_delete(txn, key.data, key.len);
	return !is_done;
}

int
errand_open(struct store_txn *txn, const char *connection, json_t **names_r, struct bh_err *err)
{
	struct store_scan scan = {.max = 100};
	const struct store_entry *entries;
	struct key prefix;
	size_t n;
	bool more;

	*names_r = json_array();
	key_begin(&prefix, "We");
	key_text(&prefix, connection);
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0) {
		json_decref(*names_r);
		*names_r = NULL;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		json_t *doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);

		if (bh_is_json_true(doc, "open"))
			json_array_append_new(*names_r, json_string(entries[i].key + prefix.len));
		json_decref(doc);
	}
	return 0;
}

int
errand_drop_page(struct store_txn *txn, void *connection, struct bh_err *err)
{
	return key_drop_page(txn, "We", connection, err);
}
