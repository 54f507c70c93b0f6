/*
 * Users, sessions, failed logins.  States of a session: live -> expired (by
 * time) or dropped (logout).  Keys: Au <name> user; AS <sha256 of the cookie> session; Af <who> failed logins.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/account.h"
#include "store/key.h"

#define FAILURE_WINDOW_MS (15 * 60 * (int64_t)1000)
#define FAILURES_MAX 100 /* counted; far above any limit */

static const char *const role_names[] = {"nobody", "viewer", "operator", "admin"};

const char *
account_role_name(enum account_role role)
{
	return role <= ACCOUNT_ADMIN ? role_names[role] : role_names[0];
}

enum account_role
account_role_of(const char *name)
{
	for (int i = 1; i <= ACCOUNT_ADMIN; i++)
		if (strcmp(role_names[i], name) == 0)
			return (enum account_role)i;
	return ACCOUNT_NOBODY;
}

static int
read_doc(struct store_txn *txn, const struct key *key, json_t **doc_r, struct bh_err *err)
{
	struct bh_buf value = BH_BUF_INIT(1 << 16);
	int rc = store_get(txn, key->data, key->len, &value, err);

	*doc_r = rc > 0 ? json_loadb(value.data, value.len, 0, NULL) : NULL;
	bh_buf_release(&value);
	if (rc > 0 && *doc_r == NULL)
		return bh_fail(err, BH_STORAGE, "a stored user or session cannot be read");
	return rc;
}

/* Stores doc and releases it. */
static void
put_doc(struct store_txn *txn, const struct key *key, json_t *doc)
{
	char *text = bh_json_text(doc);

	store_put(txn, key->data, key->len, text, strlen(text));
	free(text);
	json_decref(doc);
}

static void
key_user(struct key *key, const char *name)
{
	key_begin(key, "Au");
	key_text(key, name);
}

void
account_user_release(struct account_user *user)
{
	free(user->hash);
	memset(user, 0, sizeof(*user));
}

int
account_user_load(struct store_txn *txn, const char *name, struct account_user *user,
    struct bh_err *err)
{
	const char *hash, *role;
	struct key key;
	json_t *doc;
	int rc;

	memset(user, 0, sizeof(*user));
	if (!bh_is_code(name))
		return 0;
	key_user(&key, name);
	rc = read_doc(txn, &key, &doc, err);
	if (rc <= 0)
		return rc;
	hash = bh_json_str(doc, "hash");
	role = bh_json_str(doc, "role");
	snprintf(user->name, sizeof(user->name), "%s", name);
	user->role = account_role_of(role != NULL ? role : "");
	user->hash = bh_xstrdup(hash != NULL ? hash : "");
	json_decref(doc);
	return 1;
}

void
account_user_save(struct store_txn *txn, const struct account_user *user)
{
	struct key key;

	key_user(&key, user->name);
	put_doc(txn, &key,
	    json_pack("{s:s, s:s}", "hash", user->hash, "role", account_role_name(user->role)));
}

void
account_user_drop(struct store_txn *txn, const char *name)
{
	struct key key;

	key_user(&key, name);
	store_delete(txn, key.data, key.len);
}

int
account_users(struct store_txn *txn, json_t **names_r, struct bh_err *err)
{
	struct store_scan scan = {.prefix = "Au", .prefix_len = 2, .max = 1000, .keys_only = true};
	const struct store_entry *entries;
	size_t n;
	bool more;

	*names_r = NULL;
	if (store_scan(txn, &scan, &entries, &n, &more, err) < 0)
		return -1;
	*names_r = json_array();
	for (size_t i = 0; i < n; i++) {
		struct key_reader reader;
		const char *name;

		key_read(&reader, entries[i].key, entries[i].key_len, "Au");
		if (is_key_text(&reader, &name))
			json_array_append_new(*names_r, json_string(name));
	}
	return 0;
}

void
account_session_digest(const char *id, char digest[ACCOUNT_DIGEST_TEXT])
{
	unsigned char bytes[BH_SHA256_LEN];

	bh_sha256(bytes, id, strlen(id));
	bh_hex(digest, bytes, sizeof(bytes));
}

static void
key_session(struct key *key, const char *id)
{
	char hex[ACCOUNT_DIGEST_TEXT];

	account_session_digest(id, hex);
	key_begin(key, "AS");
	key_text(key, hex);
}

void
account_session_new(struct store_txn *txn, struct account_session *session, char id[BH_ID_LEN + 1])
{
	struct key key;

	bh_random_id(id);
	bh_random_id(session->form_token);
	key_session(&key, id);
	put_doc(txn, &key,
	    json_pack("{s:o, s:s, s:s, s:I, s:I, s:o}", "user", bh_json_string(session->user),
		"role", account_role_name(session->role), "token", session->form_token, "expires",
		(json_int_t)session->expires_ms, "began", (json_int_t)session->began_ms, "browser",
		bh_json_string(session->browser)));
}

int
account_session_load(struct store_txn *txn, const char *id, struct account_session *session,
    struct bh_err *err)
{
	const char *user, *role, *token, *browser;
	struct key key;
	json_t *doc;
	int rc;

	memset(session, 0, sizeof(*session));
	key_session(&key, id);
	rc = read_doc(txn, &key, &doc, err);
	if (rc <= 0)
		return rc;
	user = bh_json_str(doc, "user");
	role = bh_json_str(doc, "role");
	token = bh_json_str(doc, "token");
	browser = bh_json_str(doc, "browser");
	session->expires_ms = bh_json_int(doc, "expires", 0);
	session->began_ms = bh_json_int(doc, "began", 0);
	snprintf(session->browser, sizeof(session->browser), "%s", browser != NULL ? browser : "");
	session->role = account_role_of(role != NULL ? role : "");
	snprintf(session->user, sizeof(session->user), "%s", user != NULL ? user : "");
	snprintf(session->form_token, sizeof(session->form_token), "%s",
	    token != NULL ? token : "");
	json_decref(doc);
	return session->expires_ms > bh_now_ms() && session->form_token[0] != '\0';
}

void
account_session_drop(struct store_txn *txn, const char *id)
{
	struct key key;

	key_session(&key, id);
	store_delete(txn, key.data, key.len);
}

/* -- all sessions -- */

#define SESSIONS_PAGE 1000

/* What is looked for among all sessions, and what becomes of it. */
struct session_walk {
	const char *user;        /* NULL: everybody's */
	const char *only, *keep; /* digests; NULL */
	json_t *list;            /* gets them; NULL: they are ended */
	size_t n;
};

/* The digest in the key of a session; false: none that could be read. */
static bool
is_digest(const struct store_entry *entry, const char **digest_r)
{
	struct key_reader reader;

	key_read(&reader, entry->key, entry->key_len, "AS");
	return is_key_text(&reader, digest_r);
}

static void
list_session(struct session_walk *walk, const char *digest, const json_t *doc)
{
	const char *browser = bh_json_str(doc, "browser");

	if (bh_json_int(doc, "expires", 0) <= bh_now_ms())
		return;
	json_array_append_new(walk->list,
	    json_pack("{s:s, s:s, s:s, s:I, s:I}", "digest", digest, "user",
		bh_json_str(doc, "user"), "browser", browser != NULL ? browser : "", "began",
		(json_int_t)bh_json_int(doc, "began", 0), "expires",
		(json_int_t)bh_json_int(doc, "expires", 0)));
}

static void
take_session(struct store_txn *txn, struct session_walk *walk, const struct store_entry *entry)
{
	json_t *doc = json_loadb(entry->value, entry->value_len, 0, NULL);
	const char *user = bh_json_str(doc, "user"), *digest;

	if (user != NULL && is_digest(entry, &digest) &&
	    (walk->user == NULL || strcmp(walk->user, user) == 0) &&
	    (walk->only == NULL || strcmp(walk->only, digest) == 0) &&
	    (walk->keep == NULL || strcmp(walk->keep, digest) != 0)) {
		walk->n++;
		if (walk->list != NULL)
			list_session(walk, digest, doc);
		else
			store_delete(txn, entry->key, entry->key_len);
	}
	json_decref(doc);
}

static int
walk_sessions(struct store_txn *txn, struct session_walk *walk, struct bh_err *err)
{
	struct bh_buf from = BH_BUF_INIT(STORE_KEY_MAX + 1);
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct store_scan scan = {.prefix = "AS", .prefix_len = 2, .max = SESSIONS_PAGE};
		const struct store_entry *entries;
		size_t n = 0;

		if (from.len != 0) {
			scan.from = from.data;
			scan.from_len = from.len;
		}
		rc = store_scan(txn, &scan, &entries, &n, &more, err) < 0 ? -1 : 0;
		if (rc < 0 || n == 0)
			break;
		bh_buf_reset(&from);
		bh_buf_add(&from, entries[n - 1].key, entries[n - 1].key_len);
		bh_buf_addc(&from, '\0');
		for (size_t i = 0; i < n; i++)
			take_session(txn, walk, &entries[i]);
	}
	bh_buf_release(&from);
	return rc;
}

int
account_sessions(struct store_txn *txn, const char *user, json_t **sessions_r, struct bh_err *err)
{
	struct session_walk walk = {.user = user, .list = json_array()};
	int rc = walk_sessions(txn, &walk, err);

	*sessions_r = walk.list;
	return rc;
}

int
account_sessions_drop(struct store_txn *txn, const char *user, const char *only, const char *keep,
    size_t *n_r, struct bh_err *err)
{
	struct session_walk walk = {.user = user, .only = only, .keep = keep};
	int rc = walk_sessions(txn, &walk, err);

	if (n_r != NULL)
		*n_r = walk.n;
	return rc;
}

/* -- failed logins -- */

static void
key_failures(struct key *key, const char *who)
{
	unsigned char digest[BH_SHA256_LEN];
	char hex[2 * BH_SHA256_LEN + 1];

	/* A digest: names and addresses come from outside and may be of any length. */
	bh_sha256(digest, who, strlen(who));
	bh_hex(hex, digest, sizeof(digest));
	key_begin(key, "Af");
	key_text(key, hex);
}

/* The times of the failures within the window, oldest first (new reference). */
static int
recent_failures(struct store_txn *txn, const struct key *key, json_t **recent_r, struct bh_err *err)
{
	int64_t from_ms = bh_now_ms() - FAILURE_WINDOW_MS;
	json_t *doc, *at;
	size_t i;
	int rc = read_doc(txn, key, &doc, err);

	*recent_r = NULL;
	if (rc < 0)
		return -1;
	*recent_r = json_array();
	json_array_foreach (json_object_get(doc, "at"), i, at)
		if (json_integer_value(at) > from_ms)
			json_array_append(*recent_r, at);
	json_decref(doc);
	return 0;
}

int
account_login_failures(struct store_txn *txn, const char *who, int64_t *n_r, struct bh_err *err)
{
	json_t *recent;
	struct key key;

	*n_r = 0;
	key_failures(&key, who);
	if (recent_failures(txn, &key, &recent, err) < 0)
		return -1;
	*n_r = (int64_t)json_array_size(recent);
	json_decref(recent);
	return 0;
}

int
account_login_failed(struct store_txn *txn, const char *who, struct bh_err *err)
{
	json_t *recent;
	struct key key;

	key_failures(&key, who);
	if (recent_failures(txn, &key, &recent, err) < 0)
		return -1;
	if (json_array_size(recent) >= FAILURES_MAX)
		json_array_remove(recent, 0);
	json_array_append_new(recent, json_integer((json_int_t)bh_now_ms()));
	put_doc(txn, &key, json_pack("{s:o}", "at", recent));
	return 0;
}

void
account_login_forget(struct store_txn *txn, const char *who)
{
	struct key key;

	key_failures(&key, who);
	store_delete(txn, key.data, key.len);
}

/* -- what is over -- */

static bool
is_session_over(const json_t *doc, int64_t now_ms)
{
	return bh_json_int(doc, "expires", 0) <= now_ms;
}

static bool
is_failure_over(const json_t *doc, int64_t now_ms)
{
	const json_t *at = json_object_get(doc, "at");
	size_t n = json_array_size(at);

	return n == 0 ||
	       json_integer_value(json_array_get(at, n - 1)) <= now_ms - FAILURE_WINDOW_MS;
}

/* Every family of entries that end by themselves. */
static const struct passing {
	const char *family;
	bool (*is_over)(const json_t *doc, int64_t now_ms);
} passing[] = {{"AS", is_session_over}, {"Af", is_failure_over}, {"Al", is_session_over}};

/* Which of them a place to go on from is in; the first at the start. */
static size_t
family_of(const struct bh_buf *after)
{
	size_t k = BH_LEN(passing);

	while (after->len >= 2 && --k > 0)
		if (memcmp(after->data, passing[k].family, 2) == 0)
			return k;
	return 0;
}

int
account_prune(struct store_txn *txn, size_t max, const struct bh_buf *after, struct bh_buf *next,
    size_t *n_r, bool *more_r, struct bh_err *err)
{
	size_t k = family_of(after);
	struct store_scan scan = {.prefix = passing[k].family, .prefix_len = 2, .max = max};
	const struct store_entry *entries;
	size_t n;

	*n_r = 0;
	if (after->len > 2) {
		scan.from = after->data;
		scan.from_len = after->len;
	}
	if (store_scan(txn, &scan, &entries, &n, more_r, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		json_t *doc = json_loadb(entries[i].value, entries[i].value_len, 0, NULL);

		if (passing[k].is_over(doc, bh_now_ms())) {
			/* A failure that is counted at this moment must not be forgotten. */
			store_expect(txn, entries[i].key, entries[i].key_len, entries[i].version);
			store_delete(txn, entries[i].key, entries[i].key_len);
			(*n_r)++;
		}
		json_decref(doc);
	}
	bh_buf_reset(next);
	if (*more_r && n != 0) {
		bh_buf_add(next, entries[n - 1].key, entries[n - 1].key_len);
		bh_buf_addc(next, '\0');
	} else if (k + 1 < BH_LEN(passing)) {
		bh_buf_adds(next, passing[k + 1].family);
		*more_r = true;
	}
	return *n_r == 0;
}
