/*
 * Where alerts are told, and how that goes.
 * Keys: Nt <code> a target, its secrets sealed; Nd <code> how telling goes; Ns what holds for all.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/zone.h"
#include "state/alert.h"
#include "state/queue.h"
#include "store/key.h"

#define DOC_MAX (1u << 18)
#define TARGETS_MAX 200
#define MINUTE_MS (60 * INT64_C(1000))
#define DAY_MINUTES 1440

static const char *const kinds[ALERT_KIND__MAX] = {"slack", "mail"};

const char *
alert_kind_name(enum alert_kind kind)
{
	return kinds[kind];
}

enum alert_kind
alert_kind_of(const char *name)
{
	int i = 0;

	while (i < ALERT_KIND__MAX && (name == NULL || strcmp(kinds[i], name) != 0))
		i++;
	return (enum alert_kind)i;
}

static void
key_code(struct key *key, const char *family, const char *code)
{
	key_begin(key, family);
	key_text(key, code);
}

static void
put_json(struct store_txn *txn, const struct key *key, const json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
}

/* 1 with a new reference, 0, -1. */
static int
get_json(struct store_txn *txn, const struct key *key, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(DOC_MAX);
	int rc = store_get(txn, key->data, key->len, &value, err);

	*doc_r = rc > 0 ? json_loadb(value.data, value.len, 0, NULL) : NULL;
	bh_buf_release(&value);
	if (rc > 0 && *doc_r == NULL)
		return bh_fail(err, BH_STORAGE, "what is kept of alerts cannot be read");
	return rc;
}

/* -- secrets -- */

static json_t *
seal(const struct account_key *key, const char *code, const json_t *plain)
{
	struct bh_buf sealed = BH_BUF_INIT(DOC_MAX);
	char *text = bh_json_text(plain), context[96];
	json_t *out;

	snprintf(context, sizeof(context), "alert/%s", code);
	bh_seal(&sealed, key->bytes, context, text, strlen(text));
	out = json_string(bh_buf_str(&sealed));
	bh_wipe(text, strlen(text));
	free(text);
	bh_buf_release(&sealed);
	return out;
}

static int
unseal(const struct account_key *key, const char *code, const char *sealed, json_t **plain_r,
    struct bh_err *err)
{
	struct bh_secret secret = BH_SECRET_INIT;
	char context[96];

	snprintf(context, sizeof(context), "alert/%s", code);
	if (bh_unseal(&secret, key->bytes, context, sealed, err) < 0)
		return bh_during(err, "alert target %s", code);
	*plain_r = json_loadb(secret.data, secret.len, 0, NULL);
	bh_secret_release(&secret);
	return *plain_r != NULL ? 0
				: bh_fail(err, BH_STORAGE,
				      "the secrets of alert target %s cannot be read", code);
}

/* -- targets -- */

void
alert_target_release(struct alert_target *target)
{
	json_decref(target->settings);
	json_decref(target->quiet);
	json_decref(target->secrets);
	memset(target, 0, sizeof(*target));
}

static void
read_target(const json_t *doc, struct alert_target *target)
{
	json_t *settings = json_object_get(doc, "settings");

	bh_json_copy(target->name, sizeof(target->name), doc, "name");
	target->kind = alert_kind_of(bh_json_str(doc, "kind"));
	target->least = alert_priority_of(bh_json_str(doc, "least"));
	target->paused = bh_is_json_true(doc, "paused");
	target->settings = settings != NULL ? json_incref(settings) : json_object();
	target->quiet = json_incref(json_object_get(doc, "quiet"));
}

int
alert_target_load(struct store_txn *txn, const struct account_key *key, const char *code,
    struct alert_target *target, struct bh_err *err)
{
	const char *sealed;
	struct key at;
	json_t *doc;
	int rc;

	memset(target, 0, sizeof(*target));
	key_code(&at, "Nt", code);
	rc = get_json(txn, &at, &doc, err);
	if (rc > 0) {
		snprintf(target->code, sizeof(target->code), "%s", code);
		read_target(doc, target);
		sealed = bh_json_str(doc, "secrets");
		if (target->kind == ALERT_KIND__MAX || target->least == ALERT__MAX)
			rc = bh_fail(err, BH_STORAGE, "alert target %s cannot be read", code);
		else if (key != NULL && sealed != NULL &&
			 unseal(key, code, sealed, &target->secrets, err) < 0)
			rc = -1;
		else if (key != NULL && target->secrets == NULL)
			target->secrets = json_object();
	}
	json_decref(doc);
	if (rc < 0)
		alert_target_release(target);
	return rc;
}

int
alert_target_save(struct store_txn *txn, const struct account_key *key,
    const struct alert_target *target, struct bh_err *err)
{
	json_t *doc, *stored = NULL, *sealed = NULL;
	struct key at;

	if (!bh_is_code(target->code))
		return bh_fail(err, BH_INVALID,
		    "a code is 1 to 64 characters of a-z, 0-9, - and _, not \"%.70s\"",
		    target->code);
	key_code(&at, "Nt", target->code);
	if (target->secrets == NULL && get_json(txn, &at, &stored, err) < 0)
		return -1;
	if (target->secrets != NULL)
		sealed = seal(key, target->code, target->secrets);
	else
		sealed = json_incref(json_object_get(stored, "secrets"));
	doc = json_pack("{s:o, s:s, s:s, s:b, s:O, s:O*, s:o*}", "name",
	    bh_json_string(target->name), "kind", alert_kind_name(target->kind), "least",
	    alert_priority_name(target->least), "paused", target->paused, "settings",
	    target->settings, "quiet", target->quiet, "secrets", sealed);
	put_json(txn, &at, doc);
	queue_wake(txn, ALERT_JOB, "", bh_now_ms());
	json_decref(doc);
	json_decref(stored);
	return 0;
}

void
alert_target_drop(struct store_txn *txn, const char *code)
{
	static const char *const families[] = {"Nt", "Nd"};
	struct key key;

	for (size_t i = 0; i < BH_LEN(families); i++) {
		key_code(&key, families[i], code);
		store_delete(txn, key.data, key.len);
	}
}

int
alert_targets(struct store_txn *txn, json_t **codes_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Nt",
	    .prefix_len = 2,
	    .max = TARGETS_MAX,
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

		key_read(&reader, entries[i].key, entries[i].key_len, "Nt");
		if (is_key_text(&reader, &code))
			json_array_append_new(*codes_r, json_string(code));
	}
	return 0;
}

/* -- how telling goes -- */

int
alert_delivery_get(struct store_txn *txn, const char *code, json_t **doc_r, struct bh_err *err)
{
	struct key key;
	int rc;

	key_code(&key, "Nd", code);
	rc = get_json(txn, &key, doc_r, err);
	if (rc == 0)
		*doc_r = json_object();
	return rc < 0 ? -1 : 0;
}

void
alert_delivery_put(struct store_txn *txn, const char *code, const json_t *doc)
{
	struct key key;

	key_code(&key, "Nd", code);
	put_json(txn, &key, doc);
}

int
alert_test_ask(struct store_txn *txn, const char *code, int64_t now_ms, struct bh_err *err)
{
	struct key key;
	json_t *doc;
	int rc;

	key_code(&key, "Nt", code);
	rc = store_get(txn, key.data, key.len, NULL, err);
	if (rc <= 0)
		return rc;
	if (alert_delivery_get(txn, code, &doc, err) < 0)
		return -1;
	json_object_set_new(doc, "test", json_string("asked"));
	json_object_set_new(doc, "tested", json_integer((json_int_t)now_ms));
	alert_delivery_put(txn, code, doc);
	queue_wake(txn, ALERT_JOB, "", now_ms);
	json_decref(doc);
	return 1;
}

/* -- for all targets -- */

int
alert_settings_get(struct store_txn *txn, json_t **doc_r, struct bh_err *err)
{
	struct key key;
	json_t *doc;

	*doc_r = NULL;
	key_begin(&key, "Ns");
	if (get_json(txn, &key, &doc, err) < 0)
		return -1;
	*doc_r = json_pack("{s:i, s:i}", "remind_hours", ALERT_REMIND_HOURS, "silent_hours", 0);
	json_object_update(*doc_r, doc);
	json_decref(doc);
	return 0;
}

void
alert_settings_put(struct store_txn *txn, const json_t *doc)
{
	struct key key;

	key_begin(&key, "Ns");
	put_json(txn, &key, doc);
	queue_wake(txn, ALERT_JOB, "", bh_now_ms());
}

/* -- quiet hours -- */

/* "20:00" in minutes of the day; false for another text. */
static bool
is_minute(const char *text, int *minute_r)
{
	int hours, minutes;

	if (text == NULL || strlen(text) != 5 || text[2] != ':' ||
	    strspn(text, "0123456789") != 2 || strspn(text + 3, "0123456789") != 2)
		return false;
	hours = (text[0] - '0') * 10 + text[1] - '0';
	minutes = (text[3] - '0') * 10 + text[4] - '0';
	*minute_r = hours * 60 + minutes;
	return hours < 24 && minutes < 60;
}

static bool
is_quiet_read(const json_t *quiet, int *from_r, int *to_r)
{
	return is_minute(bh_json_str(quiet, "from"), from_r) &&
	       is_minute(bh_json_str(quiet, "to"), to_r);
}

int
alert_quiet_check(const json_t *quiet, struct bh_err *err)
{
	const char *name;
	int from, to;
	json_t *value;

	if (quiet == NULL || json_is_null(quiet))
		return 0;
	json_object_foreach ((json_t *)(uintptr_t)quiet, name, value)
		if (!json_is_string(value) ||
		    (strcmp(name, "from") != 0 && strcmp(name, "to") != 0 &&
			strcmp(name, "zone") != 0))
			return bh_fail(err, BH_INVALID, "quiet has no \"%.60s\" like this", name);
	if (!is_quiet_read(quiet, &from, &to))
		return bh_fail(err, BH_INVALID,
		    "quiet hours have from and to such as \"20:00\" and \"07:00\"");
	return bh_zone_check(bh_json_str(quiet, "zone"), err);
}

/* Do the clocks show a time of the quiet hours?  Where they are put back it may be so twice. */
static bool
is_quiet(const char *zone, int from, int to, int64_t at_ms)
{
	int64_t east_ms, minute;
	int at;

	if (!bh_is_zone(zone, at_ms, &east_ms))
		return false;
	minute = (at_ms + east_ms) / MINUTE_MS % DAY_MINUTES;
	at = (int)(minute < 0 ? minute + DAY_MINUTES : minute);
	return (at - from + DAY_MINUTES) % DAY_MINUTES < (to - from + DAY_MINUTES) % DAY_MINUTES;
}

int64_t
alert_quiet_end(const json_t *quiet, int64_t now_ms)
{
	const char *zone = bh_json_str(quiet, "zone");
	int64_t at_ms = now_ms - now_ms % MINUTE_MS;
	int from, to;

	if (!json_is_object(quiet) || !is_quiet_read(quiet, &from, &to) ||
	    !is_quiet(zone, from, to, at_ms))
		return 0;
	/* Minute by minute, at most a day and an hour: so it holds whatever the clocks do meanwhile. */
	while (is_quiet(zone, from, to, at_ms))
		at_ms += MINUTE_MS;
	return at_ms;
}
