/* Sessions: see session.h. */
#include "base/base.h"

#include "web/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "state/trail.h"

#define COOKIE "billhook"
#define LOGIN_COOKIE "billhook_login"
#define LOGIN_COOKIE_S 3600
#define THROTTLE_S (15 * 60)

/* The role is the user's of now; who is removed has no session any more. */
static int
take_role(struct exchange *exchange, struct bh_err *err)
{
	struct account_user user;
	int rc = account_user_load(exchange_read(exchange), exchange->session.user, &user, err);

	if (rc > 0) {
		exchange->session.role = user.role;
		rc = user.role != ACCOUNT_NOBODY;
		account_user_release(&user);
	}
	return rc;
}

int
session_find(struct exchange *exchange, struct bh_err *err)
{
	char id[BH_ID_LEN + 1];
	int rc;

	if (!request_cookie(exchange->request, COOKIE, id, sizeof(id)) || strlen(id) != BH_ID_LEN)
		return 0;
	rc = account_session_load(exchange_read(exchange), id, &exchange->session, err);
	if (rc == 1)
		rc = take_role(exchange, err);
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

/* -- which browser -- */

/* The first of these that a browser calls itself tells; later ones are claimed by many. */
static const char *
word_of(const char *agent, const char *const (*words)[2], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(agent, words[i][0]) != NULL)
			return words[i][1];
	return "";
}

void
session_browser(const char *agent, char *out, size_t size)
{
	static const char *const browsers[][2] = {{"Edg", "Edge"}, {"OPR/", "Opera"},
	    {"Firefox/", "Firefox"}, {"FxiOS", "Firefox"}, {"SamsungBrowser", "Samsung Internet"},
	    {"Chrome/", "Chrome"}, {"CriOS", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}};
	static const char *const systems[][2] = {{"Android", "Android"}, {"iPhone", "iPhone"},
	    {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"},
	    {"Linux", "Linux"}};
	const char *browser = word_of(agent, browsers, BH_LEN(browsers));
	const char *where = word_of(agent, systems, BH_LEN(systems));

	snprintf(out, size, "%s%s%s", *browser != '\0' ? browser : "a browser",
	    *where != '\0' ? " on " : "", where);
}

/* -- login -- */

struct attempt {
	char by_name[96], by_address[96];
	const char *name, *peer;
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

/* In the trail: who came in from where, or did not. */
static void
note(struct store_txn *txn, const struct attempt *attempt, const char *result)
{
	/* A name that is nobody's may be a password in the wrong field. */
	const char *by = attempt->user.hash != NULL ? attempt->name : "?";
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "signin",
	    .subject = by,
	    .text = text,
	    .by = by};

	snprintf(text, sizeof(text), "%s, from %.64s, %.47s", result, attempt->peer,
	    attempt->session.browser);
	trail_add(txn, 0, &entry);
}

static int
make_session(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct attempt *attempt = arg;

	(void)err;
	account_login_forget(txn, attempt->by_name);
	account_login_forget(txn, attempt->by_address);
	account_session_new(txn, &attempt->session, attempt->id);
	note(txn, attempt, "signed in");
	return 0;
}

static int
note_failure(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	note(txn, arg, "wrong name or password");
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
	attempt->session.began_ms = bh_now_ms();
	attempt->session.expires_ms = bh_now_ms() + hours * 3600 * 1000;
	if (store_run(exchange->site->store, make_session, attempt, NULL, err) < 0)
		return -1;
	response_cookie(exchange->response, COOKIE, attempt->id, exchange->request->base,
	    (int)(hours * 3600), exchange_is_https(exchange));
	bh_log(BH_INFO, "login user=%s peer=%s", attempt->user.name, exchange->request->peer);
	return 1;
}

/* 1 the password is right, 0 it is not, -1; the attempt is released by the caller. */
static int
try_password(struct exchange *exchange, struct attempt *attempt, const char *password,
    struct bh_err *err)
{
	const char *agent = request_header(exchange->request, "User-Agent");
	struct bh_err why = BH_ERR_INIT;
	int rc;

	attempt->peer = exchange->request->peer;
	session_browser(agent != NULL ? agent : "", attempt->session.browser,
	    sizeof(attempt->session.browser));
	/* A name that can be no user is not used as a key; all such share one counter. */
	snprintf(attempt->by_name, sizeof(attempt->by_name), "name/%s",
	    bh_is_code(attempt->name) ? attempt->name : "?");
	snprintf(attempt->by_address, sizeof(attempt->by_address), "address/%s", attempt->peer);
	rc = store_run(exchange->site->store, count_attempt, attempt, NULL, err);
	if (rc < 0)
		return -1;
	if (attempt->is_limited) {
		bh_log(BH_WARN, "login refused, too many failures: %s %s", attempt->by_name,
		    attempt->by_address);
		bh_fail(err, BH_LIMITED, "too many failed attempts; wait 15 minutes");
		err->retry_after_s = THROTTLE_S;
		return -1;
	}
	if (is_right(attempt, password))
		return 1;
	bh_log(BH_WARN, "login failed: %s peer=%s", attempt->by_name, attempt->peer);
	/* What cannot be noted is refused all the same. */
	if (store_run(exchange->site->store, note_failure, attempt, NULL, &why) < 0)
		bh_log(BH_WARN, "a failed login is not in the trail: %s", why.text);
	return 0;
}

int
session_login(struct exchange *exchange, const char *name, const char *password, struct bh_err *err)
{
	struct attempt attempt = {.name = name};
	int rc = try_password(exchange, &attempt, password, err);

	if (rc > 0)
		rc = begin_session(exchange, &attempt, err);
	account_user_release(&attempt.user);
	bh_wipe(attempt.id, sizeof(attempt.id));
	return rc;
}

static int
forget_attempts(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct attempt *attempt = arg;

	account_login_forget(txn, attempt->by_name);
	account_login_forget(txn, attempt->by_address);
	return 0;
}

int
session_is_password(struct exchange *exchange, const char *password, struct bh_err *err)
{
	struct attempt attempt = {.name = exchange->session.user};
	int rc = try_password(exchange, &attempt, password, err);

	if (rc > 0 && store_run(exchange->site->store, forget_attempts, &attempt, NULL, err) < 0)
		rc = -1;
	account_user_release(&attempt.user);
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
