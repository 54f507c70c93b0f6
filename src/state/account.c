/*
 * Connections, tokens, syncs.  States of a connection:
 *
 *   state  | meaning                                     | moves to
 *   ready  | works                                       | paused, broken
 *   paused | a person stopped it; events are still kept  | ready
 *   broken | cannot work until a person acts (reason)    | ready, when it is saved again
 *
 * Keys: Ac <code> connection; Aa <code> tokens; Al <SHA-256 of a state> a
 * person logging in; As <code> sync; Av touched by every change of Ac and As.
 */
#include "base/base.h"

#include "state/account.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/audit.h"
#include "state/draft.h"
#include "state/link.h"
#include "state/preview.h"
#include "state/queue.h"
#include "state/revert.h"
#include "state/walk.h"
#include "store/key.h"

#define VALUE_MAX (4u << 20)
#define LIST_MAX 10000

/* -- the key file -- */

static char *
key_file(const char *data_dir)
{
	return bh_xasprintf("%s/key", data_dir);
}

int
account_key_load(const char *data_dir, struct account_key *key, struct bh_err *err)
{
	char *path = key_file(data_dir);
	char hex[2 * BH_KEY_LEN + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;

	if (fd < 0)
		bh_fail_errno(err, BH_INVALID, "cannot open %s (made by billhook init)", path);
	else if (bh_read_full(fd, hex, 2 * BH_KEY_LEN, NULL) != 1 ||
		 !bh_is_hex_decoded(key->bytes, BH_KEY_LEN, hex))
		bh_fail(err, BH_INVALID, "%s does not hold 64 hex digits: put the saved copy back",
		    path);
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	bh_wipe(hex, sizeof(hex));
	free(path);
	return rc;
}

int
account_key_make(const char *data_dir, struct bh_err *err)
{
	unsigned char bytes[BH_KEY_LEN];
	char hex[2 * BH_KEY_LEN + 2], *path = key_file(data_dir), *temp = NULL;
	int fd, rc = -1;

	if (access(path, F_OK) == 0) {
		free(path);
		return 0;
	}
	temp = bh_xasprintf("%s.new", path);
	bh_random(bytes, sizeof(bytes));
	bh_hex(hex, bytes, sizeof(bytes));
	hex[2 * BH_KEY_LEN] = '\n';
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || bh_write_full(fd, hex, 2 * BH_KEY_LEN + 1, NULL) < 0 || fsync(fd) < 0 ||
	    rename(temp, path) < 0)
		bh_fail_errno(err, BH_STORAGE, "cannot write %s", path);
	else
		rc = 1;
	if (fd >= 0)
		close(fd);
	bh_wipe(bytes, sizeof(bytes));
	bh_wipe(hex, sizeof(hex));
	free(temp);
	free(path);
	return rc;
}

/* -- stored documents -- */

static int
read_doc(struct store_txn *txn, const char *family, const char *code, json_t **doc_r,
    struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(VALUE_MAX);
	struct key key;
	int rc;

	*doc_r = NULL;
	key_begin(&key, family);
	key_text(&key, code);
	rc = store_get(txn, key.data, key.len, &value, err);
	if (rc > 0 && (*doc_r = json_loadb(value.data, value.len, 0, NULL)) == NULL)
		rc = bh_fail(err, BH_STORAGE, "the stored settings of %s cannot be read", code);
	bh_buf_wipe(&value);
	return rc;
}

static void
put_doc(struct store_txn *txn, const char *family, const char *code, json_t *doc)
{
	char *text = bh_json_text(doc);
	struct key key;

	key_begin(&key, family);
	key_text(&key, code);
	store_put(txn, key.data, key.len, text, strlen(text));
	bh_wipe(text, strlen(text));
	free(text);
}

void
account_touch(struct store_txn *txn)
{
	store_put(txn, "Av", 2, "", 0);
}

int
account_version(struct store_txn *txn, uint64_t *version_r, struct bh_err *err)
{
	struct store_item item = {.key = "Av", .key_len = 2, .checked = true};

	if (store_get_many(txn, &item, 1, err) < 0)
		return -1;
	*version_r = item.found ? item.version : 0;
	return 0;
}

static void
drop_doc(struct store_txn *txn, const char *family, const char *code)
{
	struct key key;

	key_begin(&key, family);
	key_text(&key, code);
	store_delete(txn, key.data, key.len);
}

static int
list_docs(struct store_txn *txn, const char *family, json_t **codes_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = family,
	    .prefix_len = strlen(family),
	    .max = LIST_MAX,
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

		key_read(&reader, entries[i].key, entries[i].key_len, family);
		if (is_key_text(&reader, &code))
			json_array_append_new(*codes_r, json_string(code));
	}
	return 0;
}

/* -- sealing a JSON object as a whole -- */

static void
seal_context(char out[128], const char *what, const char *code)
{
	snprintf(out, 128, "%s/%s", what, code);
}

static json_t *
seal(const struct account_key *key, const char *what, const char *code, const json_t *plain)
{
	struct bh_buf sealed = BH_BUF_INIT(VALUE_MAX);
	char *text = bh_json_text(plain), context[128];
	json_t *out;

	seal_context(context, what, code);
	bh_seal(&sealed, key->bytes, context, text, strlen(text));
	out = json_string(bh_buf_str(&sealed));
	bh_wipe(text, strlen(text));
	free(text);
	bh_buf_release(&sealed);
	return out;
}

static int
unseal(const struct account_key *key, const char *what, const char *code, const char *sealed,
    json_t **plain_r, struct bh_err *err)
{
	struct bh_secret secret = BH_SECRET_INIT;
	char context[128];

	*plain_r = NULL;
	seal_context(context, what, code);
	if (bh_unseal(&secret, key->bytes, context, sealed, err) < 0)
		return bh_during(err, "%s", code);
	*plain_r = json_loadb(secret.data, secret.len, 0, NULL);
	bh_secret_release(&secret);
	return *plain_r != NULL
		   ? 0
		   : bh_fail(err, BH_STORAGE, "the secrets of %s cannot be read", code);
}

/* -- connections -- */

void
account_connection_release(struct account_connection *connection)
{
	json_decref(connection->settings);
	json_decref(connection->secrets);
	json_decref(connection->learnt);
	memset(connection, 0, sizeof(*connection));
}

void
account_connection_merge(struct account_connection *connection)
{
	json_t *settings;
	const char *name;
	json_t *value;

	if (connection->learnt == NULL)
		return;
	settings = connection->settings != NULL ? json_copy(connection->settings) : json_object();
	json_object_foreach (connection->learnt, name, value)
		if (json_object_get(settings, name) == NULL)
			json_object_set(settings, name, value);
	json_decref(connection->settings);
	connection->settings = settings;
}

int
account_connection_load(struct store_txn *txn, const struct account_key *key, const char *code,
    struct account_connection *connection, struct bh_err *err)
{
	const char *sealed;
	json_t *doc;
	int rc;

	memset(connection, 0, sizeof(*connection));
	rc = read_doc(txn, "Ac", code, &doc, err);
	if (rc <= 0)
		return rc;
	snprintf(connection->code, sizeof(connection->code), "%s", code);
	bh_json_copy(connection->driver, sizeof(connection->driver), doc, "driver");
	bh_json_copy(connection->name, sizeof(connection->name), doc, "name");
	bh_json_copy(connection->broken, sizeof(connection->broken), doc, "broken");
	connection->is_source = bh_is_json_true(doc, "source");
	connection->paused = bh_is_json_true(doc, "paused");
	connection->settings = json_incref(json_object_get(doc, "settings"));
	connection->learnt = json_incref(json_object_get(doc, "learnt"));
	sealed = bh_json_str(doc, "secrets");
	if (key != NULL && sealed != NULL)
		rc =
		    unseal(key, "connection", code, sealed, &connection->secrets, err) < 0 ? -1 : 1;
	json_decref(doc);
	if (rc < 0)
		account_connection_release(connection);
	return rc;
}

/* The secrets as they are to be stored: sealed now, or as they stand already when they were not opened. */
static int
add_secrets(struct store_txn *txn, const struct account_key *key,
    const struct account_connection *connection, json_t *doc, struct bh_err *err)
{
	json_t *stored, *sealed;

	if (connection->secrets != NULL) {
		json_object_set_new(doc, "secrets",
		    seal(key, "connection", connection->code, connection->secrets));
		return 0;
	}
	if (read_doc(txn, "Ac", connection->code, &stored, err) < 0)
		return -1;
	sealed = json_object_get(stored, "secrets");
	if (sealed != NULL)
		json_object_set(doc, "secrets", sealed);
	json_decref(stored);
	return 0;
}

int
account_connection_save(struct store_txn *txn, const struct account_key *key,
    const struct account_connection *connection, struct bh_err *err)
{
	json_t *doc;
	int rc;

	if (!bh_is_code(connection->code))
		return bh_fail(err, BH_INVALID,
		    "\"%.70s\" is no code: use a-z, 0-9, - and _, at most 64 characters",
		    connection->code);
	doc = json_pack("{s:o, s:o, s:o, s:b, s:b}", "driver", bh_json_string(connection->driver),
	    "name", bh_json_string(connection->name), "broken", bh_json_string(connection->broken),
	    "source", connection->is_source, "paused", connection->paused);
	if (connection->settings != NULL)
		json_object_set(doc, "settings", connection->settings);
	if (connection->learnt != NULL)
		json_object_set(doc, "learnt", connection->learnt);
	rc = add_secrets(txn, key, connection, doc, err);
	if (rc == 0) {
		put_doc(txn, "Ac", connection->code, doc);
		account_touch(txn);
	}
	json_decref(doc);
	return rc;
}

void
account_connection_drop(struct store_txn *txn, const char *code)
{
	drop_doc(txn, "Ac", code);
	account_touch(txn);
	drop_doc(txn, "Aa", code);
}

int
account_connections(struct store_txn *txn, json_t **codes_r, struct bh_err *err)
{
	return list_docs(txn, "Ac", codes_r, err);
}

int
account_auth_load(struct store_txn *txn, const struct account_key *key, const char *code,
    json_t **auth_r, struct bh_err *err)
{
	json_t *doc;
	int rc;

	*auth_r = NULL;
	rc = read_doc(txn, "Aa", code, &doc, err);
	if (rc <= 0)
		return rc;
	rc = unseal(key, "auth", code,
	    bh_json_str(doc, "sealed") != NULL ? bh_json_str(doc, "sealed") : "", auth_r, err);
	json_decref(doc);
	return rc < 0 ? -1 : 1;
}

void
account_auth_save(struct store_txn *txn, const struct account_key *key, const char *code,
    const json_t *auth)
{
	json_t *doc = json_object();

	json_object_set_new(doc, "sealed", seal(key, "auth", code, auth));
	put_doc(txn, "Aa", code, doc);
	json_decref(doc);
}

void
account_auth_drop(struct store_txn *txn, const char *code)
{
	drop_doc(txn, "Aa", code);
}

/* What cannot be opened any more is no loss: the tokens are to go. */
int
account_auth_renew(struct store_txn *txn, const struct account_key *key, const char *code,
    struct bh_err *err)
{
	struct link_lane lane;
	json_t *old = NULL, *kept;

	if (link_lane_get(txn, code, &lane, err) < 0)
		return -1;
	if (lane.in_step > 0 && account_auth_load(txn, key, code, &old, NULL) > 0) {
		kept = json_pack("{s:O*, s:O*}", "account_id", json_object_get(old, "account_id"),
		    "account_name", json_object_get(old, "account_name"));
		account_auth_save(txn, key, code, kept);
		json_decref(kept);
	} else {
		account_auth_drop(txn, code);
	}
	json_decref(old);
	return 0;
}

/* -- people on their way through a CRM's login -- */

static void
hash_state(char out[2 * BH_SHA256_LEN + 1], const char *state)
{
	unsigned char digest[BH_SHA256_LEN];

	bh_sha256(digest, state, strlen(state));
	bh_hex(out, digest, sizeof(digest));
}

void
account_login_save(struct store_txn *txn, const struct account_key *key, const char *state,
    const struct account_login *login)
{
	char name[2 * BH_SHA256_LEN + 1];
	json_t *doc, *secret = json_pack("{s:s, s:s, s:s, s:s, s:s}", "connection",
			 login->connection, "user", login->user, "verifier", login->verifier,
			 "redirect_uri", login->redirect_uri, "code", login->code);

	hash_state(name, state);
	doc = json_pack("{s:o, s:I}", "sealed", seal(key, "login", name, secret), "expires",
	    (json_int_t)login->expires_ms);
	put_doc(txn, "Al", name, doc);
	json_decref(doc);
	json_decref(secret);
}

int
account_login_load(struct store_txn *txn, const struct account_key *key, const char *state,
    struct account_login *login, struct bh_err *err)
{
	char name[2 * BH_SHA256_LEN + 1];
	json_t *doc, *secret = NULL;
	const char *sealed;
	int rc;

	memset(login, 0, sizeof(*login));
	hash_state(name, state);
	rc = read_doc(txn, "Al", name, &doc, err);
	if (rc <= 0)
		return rc;
	sealed = bh_json_str(doc, "sealed");
	login->expires_ms = bh_json_int(doc, "expires", 0);
	rc = unseal(key, "login", name, sealed != NULL ? sealed : "", &secret, err);
	if (rc == 0) {
		bh_json_copy(login->connection, sizeof(login->connection), secret, "connection");
		bh_json_copy(login->user, sizeof(login->user), secret, "user");
		bh_json_copy(login->verifier, sizeof(login->verifier), secret, "verifier");
		bh_json_copy(login->redirect_uri, sizeof(login->redirect_uri), secret,
		    "redirect_uri");
		bh_json_copy(login->code, sizeof(login->code), secret, "code");
	}
	json_decref(secret);
	json_decref(doc);
	return rc < 0 ? -1 : login->expires_ms > bh_now_ms();
}

void
account_login_drop(struct store_txn *txn, const char *state)
{
	char name[2 * BH_SHA256_LEN + 1];

	hash_state(name, state);
	drop_doc(txn, "Al", name);
}

/* -- syncs -- */

void
account_sync_release(struct account_sync *sync)
{
	json_decref(sync->mapping);
	json_decref(sync->settings);
	memset(sync, 0, sizeof(*sync));
}

int
account_sync_load(struct store_txn *txn, const char *code, struct account_sync *sync,
    struct bh_err *err)
{
	json_t *doc;
	int rc;

	memset(sync, 0, sizeof(*sync));
	rc = read_doc(txn, "As", code, &doc, err);
	if (rc <= 0)
		return rc;
	snprintf(sync->code, sizeof(sync->code), "%s", code);
	bh_json_copy(sync->from, sizeof(sync->from), doc, "from");
	bh_json_copy(sync->to, sizeof(sync->to), doc, "to");
	bh_json_copy(sync->preset, sizeof(sync->preset), doc, "preset");
	sync->paused = bh_is_json_true(doc, "paused");
	sync->is_new = json_is_false(json_object_get(doc, "started"));
	sync->mapping = json_incref(json_object_get(doc, "mapping"));
	sync->settings = json_incref(json_object_get(doc, "settings"));
	json_decref(doc);
	return 1;
}

int
account_sync_save(struct store_txn *txn, const struct account_sync *sync, struct bh_err *err)
{
	json_t *doc;

	if (!bh_is_code(sync->code))
		return bh_fail(err, BH_INVALID,
		    "\"%.70s\" is no code: use a-z, 0-9, - and _, at most 64 characters",
		    sync->code);
	doc = json_pack("{s:o, s:o, s:o, s:b}", "from", bh_json_string(sync->from), "to",
	    bh_json_string(sync->to), "preset", bh_json_string(sync->preset), "paused",
	    sync->paused);
	if (sync->is_new)
		json_object_set_new(doc, "started", json_false());
	if (sync->mapping != NULL)
		json_object_set(doc, "mapping", sync->mapping);
	if (sync->settings != NULL)
		json_object_set(doc, "settings", sync->settings);
	put_doc(txn, "As", sync->code, doc);
	account_touch(txn);
	json_decref(doc);
	return 0;
}

void
account_sync_drop(struct store_txn *txn, const char *code)
{
	drop_doc(txn, "As", code);
	queue_wake(txn, PREVIEW_JOB, code, bh_now_ms()); /* what is kept of its preview goes, too */
	queue_wake(txn, AUDIT_JOB, code, bh_now_ms());   /* and of its audit */
	queue_wake(txn, REVERT_JOB, code, bh_now_ms());  /* and what it wrote over */
	draft_drop(txn, code);
	walk_drop(txn, code, WALK_RESYNC);
	queue_wake(txn, PREVIEW_JOB, code, bh_now_ms()); /* which finds it gone, and forgets it */
	account_touch(txn);
}

int
account_syncs(struct store_txn *txn, json_t **codes_r, struct bh_err *err)
{
	return list_docs(txn, "As", codes_r, err);
}
