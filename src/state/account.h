/*
 * Connections, their sealed secrets and tokens, syncs, users and sessions.
 *
 * Secrets are sealed with the key file of the data directory; the context of
 * a seal is "connection/<code>", so a sealed value cannot be moved.
 */
#ifndef STATE_ACCOUNT_H
#define STATE_ACCOUNT_H

#include "base/crypt.h"
#include "store/store.h"

struct account_key {
	unsigned char bytes[BH_KEY_LEN];
};
/* Read data_dir/key (32 bytes in hex).  -1 BH_INVALID: say how to make one (billhook init). */
int account_key_load(const char *data_dir, struct account_key *key, struct bh_err *err);
/* Make the file (mode 0600) when it is absent: 1 made, 0 was there, -1. */
int account_key_make(const char *data_dir, struct bh_err *err);

/* -- connections -- */

struct account_connection {
	char code[72];   /* bh_is_code() */
	char driver[32]; /* "stripe", "salesforce" ... */
	bool is_source;
	char name[128];
	bool paused;
	char broken[240]; /* why it cannot work until a person acts; "" when it can */
	json_t *settings; /* object */
	json_t *secrets;  /* object of texts, opened; NULL when loaded without key */
	json_t *
	    learnt; /* settings that the other side told; NULL none.  Those of the person come first */
};
void account_connection_release(struct account_connection *connection);
/* Put what was learnt among the settings, where they do not say it: for use, never before saving. */
void account_connection_merge(struct account_connection *connection);
/* 1, 0, -1 (BH_DENIED when the key does not open the secrets).  key NULL: secrets stay closed. */
int account_connection_load(struct store_txn *txn, const struct account_key *key, const char *code,
    struct account_connection *connection, struct bh_err *err);
/*
 * Seals and stores; secrets NULL keeps those that are stored (an empty object
 * drops them).  key may be NULL when secrets is.  -1 BH_INVALID for a bad code.
 */
int account_connection_save(struct store_txn *txn, const struct account_key *key,
    const struct account_connection *connection, struct bh_err *err);
void account_connection_drop(struct store_txn *txn, const char *code);
/* All codes, sorted; an array of texts (new reference). */
int account_connections(struct store_txn *txn, json_t **codes_r, struct bh_err *err);
/*
 * A number that changes whenever a connection or sync is saved or dropped;
 * checked at commit, so that a transaction that used a snapshot of the
 * settings does not commit over a change of them.
 */
int account_version(struct store_txn *txn, uint64_t *version_r, struct bh_err *err);
/* Something else that a snapshot of the settings holds has changed. */
void account_touch(struct store_txn *txn);
#define ACCOUNT_WATCH "Av"

/* Tokens of a destination, kept apart because they change often: a JSON object of texts and numbers, sealed as a whole. */
int account_auth_load(struct store_txn *txn, const struct account_key *key, const char *code,
    json_t **auth_r, struct bh_err *err);
void account_auth_save(struct store_txn *txn, const struct account_key *key, const char *code,
    const json_t *auth);
void account_auth_drop(struct store_txn *txn, const char *code);
/*
 * The settings that say whose account it is have changed: tokens that were got with the old ones
 * go.  Where records are linked the account's id stays, so that another account is refused.
 */
int account_auth_renew(struct store_txn *txn, const struct account_key *key, const char *code,
    struct bh_err *err);

/*
 * A person on the way to let Billhook into a CRM: kept sealed, under a random state that
 * comes back with the code; only its SHA-256 is stored.
 */
struct account_login {
	char connection[72];
	char user[72];
	char verifier[129];
	char redirect_uri[512];
	char code[2100]; /* "" until it came */
	int64_t expires_ms;
};
void account_login_save(struct store_txn *txn, const struct account_key *key, const char *state,
    const struct account_login *login);
/* 1; 0 unknown or expired; -1. */
int account_login_load(struct store_txn *txn, const struct account_key *key, const char *state,
    struct account_login *login, struct bh_err *err);
void account_login_drop(struct store_txn *txn, const char *state);

/* -- syncs: from a source to a destination -- */

struct account_sync {
	char code[72];
	char from[72], to[72]; /* codes of connections */
	bool paused;
	bool is_new;      /* made in the browser: nothing is pushed before a person starts it */
	char preset[72];  /* name of the preset that the mapping came from; "" */
	json_t *mapping;  /* see map/map.h */
	json_t *settings; /* object; may be NULL */
};
void account_sync_release(struct account_sync *sync);
int account_sync_load(struct store_txn *txn, const char *code, struct account_sync *sync,
    struct bh_err *err);
int account_sync_save(struct store_txn *txn, const struct account_sync *sync, struct bh_err *err);
/* With its draft, its re-sync and its preview; links are the caller's. */
void account_sync_drop(struct store_txn *txn, const char *code);
int account_syncs(struct store_txn *txn, json_t **codes_r, struct bh_err *err);

/* -- users and sessions -- */

enum account_role {
	ACCOUNT_NOBODY = 0,
	ACCOUNT_VIEWER,
	ACCOUNT_OPERATOR,
	ACCOUNT_ADMIN
};
const char *account_role_name(enum account_role role);
enum account_role account_role_of(const char *name);

struct account_user {
	char name[72];
	enum account_role role;
	char *hash; /* bh_password_hash(); owned */
};
void account_user_release(struct account_user *user);
int account_user_load(struct store_txn *txn, const char *name, struct account_user *user,
    struct bh_err *err);
void account_user_save(struct store_txn *txn, const struct account_user *user);
void account_user_drop(struct store_txn *txn, const char *name);
int account_users(struct store_txn *txn, json_t **names_r, struct bh_err *err);

/*
 * A browser session.  The cookie holds a random id; the store holds only its
 * SHA-256, so a dump of the store opens no session.
 */
struct account_session {
	char user[72];
	enum account_role role;
	char form_token[BH_ID_LEN + 1];
	int64_t expires_ms;
	int64_t began_ms; /* 0: not known */
	char browser[48]; /* what it calls itself, in short; "" not known */
};
/* New: fills form_token and writes the cookie's value to id. */
void account_session_new(struct store_txn *txn, struct account_session *session,
    char id[BH_ID_LEN + 1]);
/* 1; 0 unknown or expired; -1. */
int account_session_load(struct store_txn *txn, const char *id, struct account_session *session,
    struct bh_err *err);
void account_session_drop(struct store_txn *txn, const char *id);
/* The digest of the cookie, under which account_sessions() names the session. */
#define ACCOUNT_DIGEST_TEXT (2 * BH_SHA256_LEN + 1)
void account_session_digest(const char *id, char digest[ACCOUNT_DIGEST_TEXT]);
/*
 * The live sessions of a user, or of all (user NULL): a JSON array of objects (digest,
 * user, browser, began, expires; new reference).
 */
int account_sessions(struct store_txn *txn, const char *user, json_t **sessions_r,
    struct bh_err *err);
/*
 * End the sessions of a user but that of the digest keep (NULL: all of them); with
 * only set, that one alone.  *n_r, which may be NULL: how many.  0, -1.
 */
int account_sessions_drop(struct store_txn *txn, const char *user, const char *only,
    const char *keep, size_t *n_r, struct bh_err *err);

/* Failed logins of one name or address, for the throttle: count within the last 15 minutes. */
int account_login_failures(struct store_txn *txn, const char *who, int64_t *n_r,
    struct bh_err *err);
int account_login_failed(struct store_txn *txn, const char *who, struct bh_err *err);
void account_login_forget(struct store_txn *txn, const char *who);

/*
 * Remove sessions and counts of failures that mean nothing any more, among
 * the next max from behind *after (empty at first): 0 with *n_r; 1 nothing to commit; -1.
 * *next is where to go on; the two buffers may not be the same.
 */
int account_prune(struct store_txn *txn, size_t max, const struct bh_buf *after,
    struct bh_buf *next, size_t *n_r, bool *more_r, struct bh_err *err);

#endif
