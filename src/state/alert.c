/*
 * Keys: Ni <key> an incident; Nl <"open" or "cured"> <ms> <key> the same by time.
 * Targets: alert_target.c.  Values are JSON.
 */
#include "base/base.h"

#include "state/alert.h"

#include "base/text.h"
#include "state/queue.h"
#include "store/key.h"

#define DOC_MAX (1u << 16)

static const char *const priorities[ALERT__MAX] = {"low", "normal", "high"};

const char *
alert_priority_name(enum alert_priority priority)
{
	return priorities[priority];
}

enum alert_priority
alert_priority_of(const char *name)
{
	int i = 0;

	while (i < ALERT__MAX && (name == NULL || strcmp(priorities[i], name) != 0))
		i++;
	return (enum alert_priority)i;
}

/* -- stored -- */

static void
copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text != NULL ? text : "");
	bh_utf8_mend(to, text != NULL && strlen(text) >= size);
}

void
alert_incident_release(struct alert_incident *incident)
{
	json_decref(incident->told);
	memset(incident, 0, sizeof(*incident));
}

static void
key_incident(struct key *key, const char *name)
{
	key_begin(key, "Ni");
	key_text(key, name);
}

static void
key_time(struct key *key, const struct alert_incident *incident)
{
	int64_t at_ms = incident->cured_ms != 0 ? incident->cured_ms : incident->since_ms;

	key_begin(key, "Nl");
	key_text(key, incident->cured_ms != 0 ? "cured" : "open");
	key_u64(key, at_ms > 0 ? (uint64_t)at_ms : 0);
	key_text(key, incident->key);
}

static int
read_incident(const char *name, const char *value, size_t len, struct alert_incident *incident,
    struct bh_err *err)
{
	json_t *doc = json_loadb(value, len, 0, NULL);

	memset(incident, 0, sizeof(*incident));
	if (doc == NULL)
		return bh_fail(err, BH_STORAGE, "an incident cannot be read");
	copy_text(incident->key, sizeof(incident->key), name);
	bh_json_copy(incident->title, sizeof(incident->title), doc, "title");
	bh_json_copy(incident->text, sizeof(incident->text), doc, "text");
	bh_json_copy(incident->link, sizeof(incident->link), doc, "link");
	incident->priority = alert_priority_of(bh_json_str(doc, "priority"));
	if (incident->priority == ALERT__MAX)
		incident->priority = ALERT_NORMAL;
	incident->is_reminded = bh_is_json_true(doc, "reminded");
	incident->since_ms = bh_json_int(doc, "since", 0);
	incident->due_ms = bh_json_int(doc, "due", 0);
	incident->cured_ms = bh_json_int(doc, "cured", 0);
	incident->count = bh_json_int(doc, "count", 1);
	incident->told = json_object_get(doc, "told") != NULL
			     ? json_incref(json_object_get(doc, "told"))
			     : json_object();
	json_decref(doc);
	return 0;
}

int
alert_incident_load(struct store_txn *txn, const char *key, struct alert_incident *incident,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	struct key at;
	int rc;

	memset(incident, 0, sizeof(*incident));
	key_incident(&at, key);
	rc = store_get(txn, at.data, at.len, &value, err);
	if (rc > 0 && read_incident(key, bh_buf_str(&value), value.len, incident, err) < 0)
		rc = -1;
	bh_buf_release(&value);
	return rc;
}

void
alert_incident_save(struct store_txn *txn, const struct alert_incident *was,
    const struct alert_incident *incident)
{
	json_t *doc = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:O}", "title",
	    incident->title, "text", incident->text, "link", incident->link, "priority",
	    alert_priority_name(incident->priority), "reminded", incident->is_reminded, "since",
	    (json_int_t)incident->since_ms, "due", (json_int_t)incident->due_ms, "cured",
	    (json_int_t)incident->cured_ms, "count", (json_int_t)incident->count, "told",
	    incident->told);
	char *text = bh_json_text(doc);
	struct key key;

	if (was != NULL) {
		key_time(&key, was);
		store_delete(txn, key.data, key.len);
	}
	key_time(&key, incident);
	store_put(txn, key.data, key.len, "", 0);
	key_incident(&key, incident->key);
	store_put(txn, key.data, key.len, text, strlen(text));
	free(text);
	json_decref(doc);
}

void
alert_incident_drop(struct store_txn *txn, const struct alert_incident *incident)
{
	struct key key;

	key_time(&key, incident);
	store_delete(txn, key.data, key.len);
	key_incident(&key, incident->key);
	store_delete(txn, key.data, key.len);
}

/* -- coming and going -- */

static void
take_words(struct alert_incident *incident, const struct alert_cause *cause)
{
	copy_text(incident->key, sizeof(incident->key), cause->key);
	copy_text(incident->title, sizeof(incident->title), cause->title);
	copy_text(incident->text, sizeof(incident->text), cause->text);
	copy_text(incident->link, sizeof(incident->link), cause->link);
	incident->priority = cause->priority;
	incident->is_reminded = cause->is_reminded;
}

static bool
is_same_words(const struct alert_incident *a, const struct alert_incident *b)
{
	return strcmp(a->title, b->title) == 0 && strcmp(a->text, b->text) == 0 &&
	       strcmp(a->link, b->link) == 0 && a->priority == b->priority &&
	       a->is_reminded == b->is_reminded;
}

int
alert_raise(struct store_txn *txn, const struct alert_cause *cause, int64_t now_ms,
    struct bh_err *err)
{
	struct alert_incident was, fresh;
	int found = alert_incident_load(txn, cause->key, &was, err);
	bool is_new = found == 0 || was.cured_ms != 0;

	if (found < 0)
		return -1;
	fresh = was;
	fresh.told = found > 0 ? json_incref(was.told) : json_object();
	take_words(&fresh, cause);
	if (is_new) {
		fresh.since_ms = now_ms;
		fresh.due_ms = now_ms + cause->grace_ms;
		fresh.cured_ms = 0;
		fresh.count++;
		queue_wake(txn, ALERT_JOB, "", fresh.due_ms);
	}
	if (is_new || !is_same_words(&was, &fresh))
		alert_incident_save(txn, found > 0 ? &was : NULL, &fresh);
	alert_incident_release(&fresh);
	alert_incident_release(&was);
	return 0;
}

/* Of what nobody heard of, and which never came up before, nothing is left. */
int
alert_cure(struct store_txn *txn, const char *key, int64_t now_ms, struct bh_err *err)
{
	struct alert_incident was, fresh;
	int rc = alert_incident_load(txn, key, &was, err);

	if (rc <= 0)
		return rc;
	fresh = was;
	fresh.cured_ms = now_ms > 0 ? now_ms : 1;
	rc = was.cured_ms == 0;
	if (rc > 0 && was.due_ms > now_ms && was.count <= 1 && json_object_size(was.told) == 0) {
		alert_incident_drop(txn, &was);
	} else if (rc > 0) {
		alert_incident_save(txn, &was, &fresh);
		queue_wake(txn, ALERT_JOB, "", now_ms);
	}
	alert_incident_release(&was);
	return rc;
}

/* -- lists -- */

int
alert_incidents(struct store_txn *txn, size_t max, struct bh_buf *after,
    int (*fn)(void *arg, const struct alert_incident *incident, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Ni", .prefix_len = 2, .max = max};
	const struct store_entry *entries;
	int rc = 0;
	size_t n;

	if (after->len != 0) {
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct alert_incident incident;
		struct key_reader reader;
		const char *key;

		key_read(&reader, entries[i].key, entries[i].key_len, "Ni");
		if (!is_key_text(&reader, &key))
			return bh_fail(err, BH_STORAGE, "an incident has a broken key");
		if (read_incident(key, entries[i].value, entries[i].value_len, &incident, err) < 0)
			return -1;
		rc = fn(arg, &incident, err);
		alert_incident_release(&incident);
	}
	bh_buf_reset(after);
	if (n != 0) { /* the first key behind the last one */
		bh_buf_add(after, entries[n - 1].key, entries[n - 1].key_len);
		bh_buf_addc(after, '\0');
	}
	return rc;
}

int
alert_newest(struct store_txn *txn, bool is_cured, size_t max,
    int (*fn)(void *arg, const struct alert_incident *incident, struct bh_err *err), void *arg,
    bool *more_r, struct bh_err *err)
{
	struct store_scan scan = {.max = max, .reverse = true, .keys_only = true};
	const struct store_entry *entries;
	struct key prefix;
	int rc = 0;
	size_t n;

	key_begin(&prefix, "Nl");
	key_text(&prefix, is_cured ? "cured" : "open");
	scan.prefix = prefix.data;
	scan.prefix_len = prefix.len;
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct alert_incident incident;
		struct key_reader reader;
		const char *state, *key;
		uint64_t at_ms;

		key_read(&reader, entries[i].key, entries[i].key_len, "Nl");
		if (!is_key_text(&reader, &state) || !is_key_u64(&reader, &at_ms) ||
		    !is_key_text(&reader, &key))
			return bh_fail(err, BH_STORAGE, "an incident has a broken key");
		rc = alert_incident_load(txn, key, &incident, err);
		rc = rc > 0 ? fn(arg, &incident, err) : rc;
		alert_incident_release(&incident);
	}
	return rc;
}
