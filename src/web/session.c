/* Sessions: see session.h. */
#include "base/base.h"

#include "web/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define COOKIE "billhook"
#define LOGIN_COOKIE "billhook_login"
#define LOGIN_COOKIE_S 3600
#define THROTTLE_S (15 * 60)

int
session_find(struct exchange *exchange, struct bh_err *err)
{
	char id[BH_ID_LEN + 1];
	int rc;

	if (!request_cookie(exchange->request, COOKIE, id, sizeof(id)) || strlen(id) != BH_ID_LEN)
		return 0;
	rc = account_session_load(exchange_read(exchange), id, &exchange->session, err);
	exchange->has_session = rc == 1;
	if (rc == 1)
		memcpy(exchange->session_id, id, sizeof(id));
	return rc;
}

/* Hex digest that only the owner of the cookie can know. */
static void
login_token(const char *cookie, char token[65])
{
	unsigned char digest[BH_SHA256_LEN];
	char text[64];

	snprintf(text, sizeof(text), "login form %s", cookie);
	bh_sha256(digest, text, strlen(text));
	bh_hex(token, digest, sizeof(digest));
}

bool
session_is_token(const struct exchange *exchange)
{
	const char *given = request_field(exchange->request, "token");
	char cookie[BH_ID_LEN + 1], expected[65];

	if (given == NULL)
		return false;
	if (exchange->has_session)
		snprintf(expected, sizeof(expected), "%s", exchange->session.form_token);
	else if (request_cookie(exchange->request, LOGIN_COOKIE, cookie, sizeof(cookie)) &&
		 strlen(cookie) == BH_ID_LEN)
		login_token(cookie, expected);
	else
		return false;
	return expected[0] != '\0' &&
	       bh_is_equal_secret(given, strlen(given), expected, strlen(expected));
}

void
session_login_token(struct exchange *exchange, char token[65])
{
	char id[BH_ID_LEN + 1];

	/* The cookie at hand stays: the form may be open in another tab. */
	if (!request_cookie(exchange->request, LOGIN_COOKIE, id, sizeof(id)) ||
	    strlen(id) != BH_ID_LEN || strspn(id, "abcdefghijklmnopqrstuvwxyz234567") != BH_ID_LEN)
		bh_random_id(id);
	response_cookie(exchange->response, LOGIN_COOKIE, id, exchange->request->base,
	    LOGIN_COOKIE_S, exchange_is_https(exchange));
	login_token(id, token);
}

/* -- login -- */

struct attempt {
	char by_name[96], by_address[96];
	const char *name;
	struct account_user user; /* hash NULL: no such user */
	bool is_limited;
	/* of a good one */
	struct account_session session;
	char id[BH_ID_LEN + 1];
};

static int
count_attempt(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct attempt *attempt = arg;
	int64_t by_name = 0, by_address = 0;

	account_user_release(&attempt->user);
	memset(&attempt->user, 0, sizeof(attempt->user));
	if (account_login_failures(txn, attempt->by_name, &by_name, err) < 0 ||
	    account_login_failures(txn, attempt->by_address, &by_address, err) < 0)
		return -1;
	attempt->is_limited = by_name >= SESSION_FAILURES || by_address >= SESSION_FAILURES;
	if (attempt->is_limited)
		return 1;
	if (bh_is_code(attempt->name) &&
	    account_user_load(txn, attempt->name, &attempt->user, err) < 0)
		return -1;
	if (account_login_failed(txn, attempt->by_name, err) < 0)
		return -1;
	return account_login_failed(txn, attempt->by_address, err);
}

static int
make_session(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct attempt *attempt = arg;

	(void)err;
	account_login_forget(txn, attempt->by_name);
	account_login_forget(txn, attempt->by_address);
	account_session_new(txn, &attempt->session, attempt->id);
	return 0;
}

/* As long for a name that does not exist as for one that does. */
static bool
is_right(const struct attempt *attempt, const char *password)
{
	/* Of the form of bh_password_hash(), and nobody's. */
	static const char nobody[] =
	    "scrypt$15$8$1$00000000000000000000000000000000$"
	    "0000000000000000000000000000000000000000000000000000000000000000";
	const char *hash = attempt->user.hash != NULL ? attempt->user.hash : nobody;

	return bh_is_password(password, hash) && attempt->user.hash != NULL &&
	       attempt->user.role != ACCOUNT_NOBODY;
}

static int
begin_session(struct exchange *exchange, struct attempt *attempt, struct bh_err *err)
{
	int64_t hours = exchange->site->conf->session_hours;

	snprintf(attempt->session.user, sizeof(attempt->session.user), "%s", attempt->user.name);
	attempt->session.role = attempt->user.role;
	attempt->session.expires_ms = bh_now_ms() + hours * 3600 * 1000;
	if (store_run(exchange->site->store, make_session, attempt, NULL, err) < 0)
		return -1;
	response_cookie(exchange->response, COOKIE, attempt->id, exchange->request->base,
	    (int)(hours * 3600), exchange_is_https(exchange));
	bh_log(BH_INFO, "login user=%s peer=%s", attempt->user.name, exchange->request->peer);
	return 1;
}

int
session_login(struct exchange *exchange, const char *name, const char *password, struct bh_err *err)
{
	struct attempt attempt = {.name = name};
	int rc;

	/* A name that can be no user is not used as a key; all such share one counter. */
	snprintf(attempt.by_name, sizeof(attempt.by_name), "name/%s",
	    bh_is_code(name) ? name : "?");
	snprintf(attempt.by_address, sizeof(attempt.by_address), "address/%s",
	    exchange->request->peer);
	rc = store_run(exchange->site->store, count_attempt, &attempt, NULL, err);
	if (rc >= 0 && attempt.is_limited) {
		bh_log(BH_WARN, "login refused, too many failures: %s %s", attempt.by_name,
		    attempt.by_address);
		bh_fail(err, BH_LIMITED, "too many failed attempts; wait 15 minutes");
		err->retry_after_s = THROTTLE_S;
		rc = -1;
	} else if (rc >= 0) {
		rc = is_right(&attempt, password) ? begin_session(exchange, &attempt, err) : 0;
		if (rc == 0)
			bh_log(BH_WARN, "login failed: %s peer=%s", attempt.by_name,
			    exchange->request->peer);
	}
	account_user_release(&attempt.user);
	bh_wipe(attempt.id, sizeof(attempt.id));
	return rc;
}

static int
drop_session(struct store_txn *txn, void *arg, struct bh_err *err)
{
	(void)err;
	account_session_drop(txn, arg);
	return 0;
}

int
session_logout(struct exchange *exchange, struct bh_err *err)
{
	if (store_run(exchange->site->store, drop_session, exchange->session_id, NULL, err) < 0)
		return -1;
	response_cookie(exchange->response, COOKIE, "", exchange->request->base, 0,
	    exchange_is_https(exchange));
	return 0;
}
