/* The configuration as a document: see configure.h. */
#include "base/base.h"

#include "sync/configure.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "dest/dest.h"
#include "source/source.h"
#include "state/derived.h"
#include "state/link.h"
#include "state/queue.h"
#include "state/trail.h"
#include "state/undo.h"
#include "sync/audit.h"
#include "sync/configure_alerts.h"
#include "sync/configure_check.h"
#include "sync/configure_diff.h"
#include "sync/configure_rules.h"
#include "sync/resync.h"
#include "sync/tend.h"

#define SECRET_MAX 65536
#define RETRY_PAGE 200
#define PLACE_MAX 128 /* bytes of a place in the document */

/* -- secrets -- */

static int
read_secret_file(const char *path, struct bh_buf *text, struct bh_err *err)
{
	FILE *file = fopen(path, "re");
	char chunk[4096];
	size_t n;

	if (file == NULL)
		return bh_fail_errno(err, BH_INVALID, "cannot open %s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		bh_buf_add(text, chunk, n);
	fclose(file);
	bh_wipe(chunk, sizeof(chunk));
	return bh_buf_check(text, path, err);
}

/* One reference to the secret's text; white space around it is cut (a usual slip of pasting). */
static int
resolve_one(const char *reference, json_t **text_r, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(SECRET_MAX);
	const char *start, *from_env;
	size_t len;
	int rc = 0;

	*text_r = NULL;
	if (bh_has_prefix(reference, "env:")) {
		from_env = getenv(reference + 4);
		if (from_env == NULL)
			rc = bh_fail(err, BH_INVALID, "the environment has no %.100s",
			    reference + 4);
		else
			bh_buf_adds(&text, from_env);
	} else {
		rc = read_secret_file(reference + 5, &text, err);
	}
	start = bh_buf_str(&text);
	start += strspn(start, " \t\r\n");
	for (len = strlen(start); len > 0 && strchr(" \t\r\n", start[len - 1]) != NULL;)
		len--;
	if (rc == 0 && len == 0)
		rc = bh_fail(err, BH_INVALID, "%.100s is empty", reference);
	if (rc == 0 && (*text_r = json_stringn(start, len)) == NULL)
		rc = bh_fail(err, BH_INVALID, "%.100s is not UTF-8 text", reference);
	bh_buf_wipe(&text);
	return rc;
}

/* A reference, or what is stored. */
static int
resolve_text(const char *reference, const json_t *stored, json_t **secret_r, struct bh_err *err)
{
	if (strcmp(reference, "keep") != 0)
		return resolve_one(reference, secret_r, err);
	*secret_r = json_incref((json_t *)(uintptr_t)stored);
	return *secret_r != NULL ? 0
				 : bh_fail(err, BH_INVALID, "there is no stored secret to keep");
}

static int
resolve(const json_t *reference, const json_t *stored, const char *place, json_t **secret_r,
    struct bh_err *err)
{
	json_t *item, *text;
	size_t i;

	if (!json_is_array(reference))
		return resolve_text(json_string_value(reference), stored, secret_r, err) < 0
			   ? bh_during(err, "%s", place)
			   : 0;
	*secret_r = json_array();
	json_array_foreach (reference, i, item) {
		if (resolve_text(json_string_value(item), json_array_get(stored, i), &text, err) <
		    0) {
			json_decref(*secret_r);
			*secret_r = NULL;
			return bh_during(err, "%s/%zu", place, i);
		}
		json_array_append_new(*secret_r, text);
	}
	return 0;
}

int
configure_secrets(const json_t *references, json_t **secrets, const char *of, struct bh_err *err)
{
	json_t *merged = *secrets != NULL ? json_copy(*secrets) : json_object();
	char place[PLACE_MAX];
	const char *name;
	json_t *reference, *secret;

	json_object_foreach ((json_t *)(uintptr_t)references, name, reference) {
		bh_json_below(place, sizeof(place), of, "secrets");
		bh_json_below(place, sizeof(place), place, name);
		if (resolve(reference, json_object_get(*secrets, name), place, &secret, err) < 0) {
			json_decref(merged);
			return -1;
		}
		json_object_set_new(merged, name, secret);
	}
	json_decref(*secrets);
	*secrets = merged;
	return 0;
}

static void
find_secret(const json_t *reference, const char *place, json_t *faults)
{
	const char *text = json_string_value(reference);
	struct bh_err why = BH_ERR_INIT;
	json_t *secret = NULL, *item;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)reference, i, item) {
		char below[PLACE_MAX + 24];

		snprintf(below, sizeof(below), "%s/%zu", place, i);
		find_secret(item, below, faults);
	}
	if (text == NULL || !(bh_has_prefix(text, "env:") || bh_has_prefix(text, "file:")))
		return;
	if (resolve_one(text, &secret, &why) < 0)
		json_array_append_new(faults, json_sprintf("%s: %s", place, why.text));
	json_decref(secret);
}

static void
find_secrets(const json_t *list, const char *of, json_t *faults)
{
	char place[PLACE_MAX];
	const char *name;
	json_t *item, *reference;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)list, i, item)
		json_object_foreach (json_object_get(item, "secrets"), name, reference) {
			snprintf(place, sizeof(place), "%s/%zu/secrets", of, i);
			bh_json_below(place, sizeof(place), place, name);
			find_secret(reference, place, faults);
		}
}

void
configure_secret_faults(const json_t *document, json_t *faults)
{
	find_secrets(json_object_get(document, "connections"), "/connections", faults);
	find_secrets(json_object_get(json_object_get(document, "alerts"), "targets"),
	    "/alerts/targets", faults);
}

/* -- applying -- */

void
configure_say(struct configure_run *apply, const char *what, const char *code, const char *verb)
{
	apply->changes++;
	json_array_append_new(apply->said, json_sprintf("%s %s: %s", what, code, verb));
}

static int
check_driver(const struct account_connection *c, const char *place, struct bh_err *err)
{
	struct source_config source = {.code = c->code,
	    .settings = c->settings,
	    .secrets = c->secrets};
	struct dest_config dest = {.code = c->code, .settings = c->settings, .secrets = c->secrets};
	int rc = 0;

	if (c->is_source)
		rc = source_check(source_driver(c->driver), &source, err);
	else
		rc = dest_check(dest_driver(c->driver), &dest, err);
	return rc < 0 ? bh_during(err, "%s", place) : 0;
}

static bool
is_same(const json_t *a, const json_t *b)
{
	size_t none = (a == NULL || (json_is_object(a) && json_object_size(a) == 0)) +
		      (b == NULL || (json_is_object(b) && json_object_size(b) == 0));

	return none == 2 || (none == 0 && json_equal(a, b));
}

static void
set_text(char *to, size_t size, const json_t *object, const char *name, const char *fallback)
{
	const char *text = bh_json_str(object, name);

	if (text == NULL)
		text = fallback;
	snprintf(to, size, "%s", text);
	bh_utf8_mend(to, strlen(text) >= size); /* cut at a character, as it is stored */
}

/* What the document does not name stays as it is. */
static bool
is_paused(const json_t *object, bool was)
{
	const json_t *paused = json_object_get(object, "paused");

	return paused != NULL ? json_is_true(paused) : was;
}

/* Those of the document as a whole, or the stored ones, which may be NULL (new reference). */
static json_t *
take_settings(const json_t *object, json_t *was)
{
	json_t *settings = json_object_get(object, "settings");

	if (settings == NULL)
		settings = was;
	return settings != NULL ? json_incref(settings) : json_object();
}

/* Do both talk to the same account of the same service? */
static bool
is_same_account(const struct account_connection *a, const struct account_connection *b)
{
	return strcmp(a->driver, b->driver) == 0 && is_same(a->settings, b->settings) &&
	       is_same(a->secrets, b->secrets);
}

/* Are tokens that were got with the old settings of no use with the fresh ones? */
static bool
is_other_account(const struct account_connection *old, const struct account_connection *fresh)
{
	const struct dest_driver *driver = dest_driver(fresh->driver);

	return strcmp(old->driver, fresh->driver) != 0 ||
	       is_setting_account_other(driver != NULL ? driver->settings : NULL, old->settings,
		   old->secrets, fresh->settings, fresh->secrets);
}

/* Other switches for revenue: every customer's figures are worked out anew. */
static void
refigure(struct store_txn *txn, const struct account_connection *old,
    const struct account_connection *fresh)
{
	struct mirror_id all = {fresh->code, "", OBJECT_CUSTOMER, ""};

	if (!is_same(json_object_get(old->settings, "revenue"),
		json_object_get(fresh->settings, "revenue")))
		derived_defer(txn, &all, NULL);
}

/* Beside its secrets: as it stands in the document (new reference). */
static json_t *
connection_json(const struct account_connection *connection)
{
	json_t *out =
	    json_pack("{s:s, s:s}", "driver", connection->driver, "name", connection->name);

	json_object_set_new(out, "paused", json_boolean(connection->paused));
	if (connection->settings != NULL)
		json_object_set(out, "settings", connection->settings);
	return out;
}

static void
say_connection(struct configure_run *apply, const json_t *object,
    const struct account_connection *old, const struct account_connection *fresh, bool found)
{
	json_t *was = found ? connection_json(old) : NULL, *is = connection_json(fresh);

	configure_say(apply, "connection", fresh->code, found ? "changed" : "added");
	configure_diff(apply->said, was, is);
	configure_diff_secrets(apply->said, json_object_get(object, "secrets"), old->secrets,
	    fresh->secrets);
	if (found && old->broken[0] != '\0')
		json_array_append_new(apply->said, json_string("  is tried again"));
	json_decref(was);
	json_decref(is);
}

static int
apply_connection(struct store_txn *txn, struct configure_run *apply, const json_t *object,
    const char *place, struct bh_err *err)
{
	struct account_connection old, fresh;
	const char *code = bh_json_str(object, "code");
	int found = account_connection_load(txn, apply->key, code, &old, err), rc = -1;
	bool same;

	if (found < 0)
		return -1;
	fresh = old;
	fresh.secrets = json_incref(old.secrets);
	fresh.learnt = json_incref(old.learnt);
	set_text(fresh.code, sizeof(fresh.code), object, "code", "");
	set_text(fresh.driver, sizeof(fresh.driver), object, "driver", "");
	set_text(fresh.name, sizeof(fresh.name), object, "name", found > 0 ? old.name : code);
	fresh.is_source = source_driver(fresh.driver) != NULL;
	fresh.paused = is_paused(object, old.paused);
	fresh.broken[0] = '\0'; /* saving it again is the person's "try again" */
	/* Settings of another driver are of no use. */
	fresh.settings = take_settings(object,
	    found > 0 && strcmp(old.driver, fresh.driver) == 0 ? old.settings : NULL);
	if (configure_secrets(json_object_get(object, "secrets"), &fresh.secrets, place, err) < 0 ||
	    check_driver(&fresh, place, err) < 0)
		goto out;
	same = found > 0 && is_same_account(&old, &fresh) && strcmp(old.name, fresh.name) == 0 &&
	       old.paused == fresh.paused && strcmp(old.broken, fresh.broken) == 0;
	if (!same) {
		say_connection(apply, object, &old, &fresh, found > 0);
		if (found > 0 && is_other_account(&old, &fresh) &&
		    account_auth_renew(txn, apply->key, code, err) < 0)
			goto out;
		if (account_connection_save(txn, apply->key, &fresh, err) < 0)
			goto out;
	}
	queue_wake(txn, fresh.is_source ? TEND_JOB : "push", fresh.is_source ? "" : code,
	    bh_now_ms());
	if (fresh.is_source && !same && found > 0)
		refigure(txn, &old, &fresh);
	rc = 0;
out:
	account_connection_release(&fresh);
	account_connection_release(&old);
	return rc;
}

static int
check_ends(struct store_txn *txn, const struct account_sync *sync, const char *place,
    struct bh_err *err)
{
	const char *const codes[] = {sync->from, sync->to};

	for (int i = 0; i < 2; i++) {
		struct account_connection end;
		int rc = account_connection_load(txn, NULL, codes[i], &end, err);
		bool fits = rc > 0 && end.is_source == (i == 0);

		account_connection_release(&end);
		if (rc < 0)
			return -1;
		if (!fits)
			return bh_fail(err, BH_INVALID, "%s/%s: there is no %s connection \"%s\"",
			    place, i == 0 ? "from" : "to", i == 0 ? "source" : "destination",
			    codes[i]);
	}
	return 0;
}

/* A code is free again when what was known of the last sync of that code is forgotten. */
static int
check_new(struct store_txn *txn, const struct configure_run *apply, const char *code, bool is_there,
    const char *place, struct bh_err *err)
{
	struct walk walk;
	int rc;

	if (is_there)
		return !apply->options->only_new
			   ? 0
			   : bh_fail(err, BH_INVALID,
				 "%s/code: there is a sync of this code already", place);
	rc = walk_load(txn, code, WALK_FORGET, &walk, err);
	walk_release(&walk);
	if (rc > 0)
		return bh_fail(err, BH_INVALID,
		    "%s/code: a sync of this code was removed and is still being forgotten", place);
	return rc;
}

/* What a person would say has happened to a sync that is there. */
static const char *
verb_of(const struct account_sync *old, const struct account_sync *fresh)
{
	bool is_else_same =
	    strcmp(old->from, fresh->from) == 0 && strcmp(old->to, fresh->to) == 0 &&
	    is_same(old->settings, fresh->settings) && is_same(old->mapping, fresh->mapping);

	if (is_else_same && old->is_new && !fresh->is_new)
		return "started";
	if (is_else_same && old->is_new == fresh->is_new && old->paused != fresh->paused)
		return fresh->paused ? "paused" : "goes on";
	return "changed";
}

static void
say_sync(struct configure_run *apply, const struct account_sync *old,
    const struct account_sync *fresh, bool found)
{
	json_t *was = found ? configure_sync(old) : NULL, *is = configure_sync(fresh);

	configure_say(apply, "sync", fresh->code, found ? verb_of(old, fresh) : "added");
	json_object_del(is, "code");
	if (found)
		json_object_del(was, "code");
	else if (fresh->preset[0] != '\0')
		json_object_del(is, "mapping"); /* that of its preset, or near it */
	configure_diff(apply->said, was, is);
	json_decref(was);
	json_decref(is);
}

/* Settings that are kept are not in the document: whether the mapping fits them is seen here. */
static int
check_kept(const json_t *object, const struct account_sync *fresh, const char *place,
    const char *member, struct bh_err *err)
{
	if (json_object_get(object, "settings") != NULL ||
	    configure_mapping_check(fresh->mapping, fresh->settings, err) == 0)
		return 0;
	return bh_during(err, "%s%s", place, member);
}

static int
apply_sync(struct store_txn *txn, struct configure_run *apply, const json_t *object,
    const char *place, struct bh_err *err)
{
	struct account_sync old, fresh;
	const char *code = bh_json_str(object, "code"), *member;
	int found = account_sync_load(txn, code, &old, err), rc = -1;
	bool same;

	if (found < 0)
		return -1;
	memset(&fresh, 0, sizeof(fresh));
	set_text(fresh.code, sizeof(fresh.code), object, "code", "");
	set_text(fresh.from, sizeof(fresh.from), object, "from", "");
	set_text(fresh.to, sizeof(fresh.to), object, "to", "");
	set_text(fresh.preset, sizeof(fresh.preset), object, "preset", "");
	fresh.paused = is_paused(object, old.paused);
	fresh.is_new = json_is_false(json_object_get(object, "started"));
	fresh.settings = take_settings(object, old.settings);
	if (check_new(txn, apply, code, found > 0, place, err) < 0 ||
	    configure_mapping(object, apply->options->preset_dir, &member, &fresh.mapping, err) <
		0 ||
	    check_kept(object, &fresh, place, member, err) < 0 ||
	    check_ends(txn, &fresh, place, err) < 0)
		goto out;
	same = found > 0 && strcmp(old.from, fresh.from) == 0 && strcmp(old.to, fresh.to) == 0 &&
	       strcmp(old.preset, fresh.preset) == 0 && old.paused == fresh.paused &&
	       old.is_new == fresh.is_new && is_same(old.settings, fresh.settings) &&
	       is_same(old.mapping, fresh.mapping);
	if (!same) {
		say_sync(apply, &old, &fresh, found > 0);
		if (account_sync_save(txn, &fresh, err) < 0)
			goto out;
		if (!apply->options->no_resync)
			resync_begin(txn, code, bh_now_ms());
		/* What was put back is written again where it is written otherwise. */
		if (!apply->options->no_resync && !is_same(old.mapping, fresh.mapping) &&
		    undo_free_all(txn, code, err) < 0)
			goto out;
		queue_wake(txn, "push", fresh.to, bh_now_ms());
		if (bh_json_int(fresh.settings, AUDIT_SETTING, 0) > 0)
			queue_wake(txn, TEND_JOB, "", bh_now_ms());
	}
	rc = 0;
out:
	account_sync_release(&fresh);
	account_sync_release(&old);
	return rc;
}

static int
apply_all(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct configure_run *apply = arg;
	const char *by = apply->options->by;
	char text[160], place[PLACE_MAX];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = "apply",
	    .text = text,
	    .by = by};
	json_t *item;
	size_t i;

	snprintf(text, sizeof(text), "configuration %s%s",
	    by != NULL ? "changed in the browser by " : "applied", by != NULL ? by : "");
	apply->changes = 0;
	json_array_clear(apply->said);
	if (apply->options->with != NULL && apply->options->with(txn, apply->options->arg, err) < 0)
		return -1;
	json_array_foreach (json_object_get(apply->document, "connections"), i, item) {
		snprintf(place, sizeof(place), "/connections/%zu", i);
		if (apply_connection(txn, apply, item, place, err) < 0)
			return -1;
	}
	json_array_foreach (json_object_get(apply->document, "syncs"), i, item) {
		snprintf(place, sizeof(place), "/syncs/%zu", i);
		if (apply_sync(txn, apply, item, place, err) < 0)
			return -1;
	}
	if (configure_rules_apply(txn, apply, err) < 0 ||
	    configure_alerts_apply(txn, apply, err) < 0)
		return -1;
	if (apply->options->dry_run)
		return 1;
	if (apply->changes != 0 && apply->options->with == NULL) {
		json_t *heads = configure_diff_heads(apply->said);

		entry.facts = heads;
		trail_add(txn, 0, &entry);
		json_decref(heads);
	}
	return 0;
}

int
configure_apply(struct store *store, const struct account_key *key, const json_t *document,
    const struct configure_options *options, size_t *changes_r, struct bh_err *err)
{
	struct configure_run apply = {key, document, options, 0, json_array()};
	json_t *faults = configure_faults(document, options->preset_dir), *line;
	size_t i;
	int rc = json_array_size(faults) == 0
		     ? 0
		     : bh_fail(err, BH_INVALID, "%s", json_string_value(json_array_get(faults, 0)));

	json_decref(faults);
	if (rc == 0)
		rc = store_run(store, apply_all, &apply, NULL, err) < 0 ? -1 : 0;
	json_array_foreach (apply.said, i, line) {
		if (rc == 0 && options->say != NULL)
			options->say(options->arg, json_string_value(line));
	}
	*changes_r = apply.changes;
	json_decref(apply.said);
	return rc;
}

/* -- what was refused -- */

struct retry {
	struct store_txn *txn;
	size_t n;
};

static int
mark_held(void *arg, const struct link_id *id, const struct link *link BH_UNUSED,
    struct bh_err *err BH_UNUSED)
{
	struct retry *r = arg;

	link_mark(r->txn, id);
	r->n++;
	return 0;
}

int
configure_retry(struct store *store, const char *dest, size_t *n_r, struct bh_err *err)
{
	struct bh_buf after = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct retry r = {store_begin(store), 0};

		rc = link_held(r.txn, dest, RETRY_PAGE, &after, mark_held, &r, &more, err);
		queue_wake(r.txn, "push", dest, bh_now_ms());
		if (rc == 0)
			rc = store_commit(r.txn, NULL, err);
		*n_r += r.n;
		store_free(&r.txn);
	}
	bh_buf_release(&after);
	return rc;
}

/* -- export -- */

/* Also where they say nothing: what is left out would stay as it is where it is applied. */
static void
set_switches(json_t *out, json_t *settings, bool is_paused_there)
{
	json_object_set_new(out, "settings",
	    settings != NULL ? json_incref(settings) : json_object());
	json_object_set_new(out, "paused", json_boolean(is_paused_there));
}

static int
export_connection(struct store_txn *txn, const char *code, json_t *list, struct bh_err *err)
{
	struct account_connection c;
	json_t *out;

	if (account_connection_load(txn, NULL, code, &c, err) <= 0)
		return -1;
	out = json_pack("{s:s, s:s, s:s}", "code", c.code, "driver", c.driver, "name", c.name);
	set_switches(out, c.settings, c.paused);
	json_array_append_new(list, out);
	account_connection_release(&c);
	return 0;
}

json_t *
configure_sync(const struct account_sync *sync)
{
	json_t *out =
	    json_pack("{s:s, s:s, s:s}", "code", sync->code, "from", sync->from, "to", sync->to);

	if (sync->preset[0] != '\0')
		json_object_set_new(out, "preset", json_string(sync->preset));
	if (sync->mapping != NULL)
		json_object_set(out, "mapping", sync->mapping);
	set_switches(out, sync->settings, sync->paused);
	if (sync->is_new)
		json_object_set_new(out, "started", json_false());
	return out;
}

static int
export_sync(struct store_txn *txn, const char *code, json_t *list, struct bh_err *err)
{
	struct account_sync sync;

	if (account_sync_load(txn, code, &sync, err) <= 0)
		return -1;
	json_array_append_new(list, configure_sync(&sync));
	account_sync_release(&sync);
	return 0;
}

int
configure_export(struct store *store, json_t **document_r, struct bh_err *err)
{
	struct store_txn *txn = store_begin(store);
	json_t *codes = NULL, *code, *connections = json_array(), *syncs = json_array();
	json_t *rules = NULL, *alerts = NULL;
	size_t i;
	int rc = account_connections(txn, &codes, err);

	json_array_foreach (codes, i, code) {
		if (rc == 0)
			rc = export_connection(txn, json_string_value(code), connections, err);
	}
	json_decref(codes);
	codes = NULL;
	if (rc == 0)
		rc = account_syncs(txn, &codes, err);
	json_array_foreach (codes, i, code) {
		if (rc == 0)
			rc = export_sync(txn, json_string_value(code), syncs, err);
	}
	json_decref(codes);
	if (rc == 0)
		rc = configure_rules_export(txn, &rules, err);
	if (rc == 0)
		rc = configure_alerts_export(txn, &alerts, err);
	store_free(&txn);
	*document_r =
	    json_pack("{s:i, s:o, s:o}", "billhook", 1, "connections", connections, "syncs", syncs);
	if (json_array_size(rules) > 0)
		json_object_set(*document_r, "automations", rules);
	if (alerts != NULL)
		json_object_set(*document_r, "alerts", alerts);
	json_decref(alerts);
	json_decref(rules);
	if (rc < 0) {
		json_decref(*document_r);
		*document_r = NULL;
	}
	return rc;
}
