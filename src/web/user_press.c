/* What happens to users and their sessions: see page_user.h. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "state/trail.h"
#include "web/page_user.h"
#include "web/words.h"

/* -- in one transaction -- */

/* Is there another administrator than that one?  1, 0, -1. */
static int
is_other_admin(struct store_txn *txn, const char *name, struct bh_err *err)
{
	json_t *names, *one;
	size_t i;
	int rc = account_users(txn, &names, err), found = 0;

	json_array_foreach (names, i, one) {
		struct account_user user;

		if (rc < 0 || found != 0 || strcmp(json_string_value(one), name) == 0)
			continue;
		rc = account_user_load(txn, json_string_value(one), &user, err);
		if (rc > 0)
			found = user.role == ACCOUNT_ADMIN;
		account_user_release(&user);
	}
	json_decref(names);
	return rc < 0 ? -1 : found;
}

/* 0; -1 BH_INVALID when nobody would be left who may do everything. */
static int
check_left(struct store_txn *txn, const struct account_user *user, struct bh_err *err)
{
	int rc;

	if (user->role != ACCOUNT_ADMIN)
		return 0;
	rc = is_other_admin(txn, user->name, err);
	if (rc == 0)
		return bh_fail(err, BH_INVALID,
		    "%s is the only administrator. Make somebody else one first.", user->name);
	return rc < 0 ? -1 : 0;
}

int
user_set_password(struct store_txn *txn, struct user_press *press, const struct account_user *user,
    struct bh_err *err)
{
	struct account_user fresh = *user;
	bool is_own = strcmp(user->name, press->exchange->session.user) == 0;

	fresh.hash = press->hash;
	account_user_save(txn, &fresh);
	snprintf(press->done, sizeof(press->done), "%s password",
	    is_own ? "changed the own" : "got another");
	return account_sessions_drop(txn, user->name, NULL, press->keep, NULL, err);
}

int
user_set_role(struct store_txn *txn, struct user_press *press, const struct account_user *user,
    struct bh_err *err)
{
	struct account_user fresh = *user;

	if (press->role != ACCOUNT_ADMIN && check_left(txn, user, err) < 0)
		return -1;
	fresh.role = press->role;
	account_user_save(txn, &fresh);
	snprintf(press->done, sizeof(press->done), "role %s instead of %s",
	    account_role_name(press->role), account_role_name(user->role));
	return 0;
}

int
user_remove(struct store_txn *txn, struct user_press *press, const struct account_user *user,
    struct bh_err *err)
{
	if (check_left(txn, user, err) < 0)
		return -1;
	account_user_drop(txn, user->name);
	snprintf(press->done, sizeof(press->done), "removed");
	return account_sessions_drop(txn, user->name, NULL, NULL, NULL, err);
}

int
user_end_sessions(struct store_txn *txn, struct user_press *press, const struct account_user *user,
    struct bh_err *err)
{
	size_t n;

	if (account_sessions_drop(txn, user->name, press->only, press->keep, &n, err) < 0)
		return -1;
	snprintf(press->done, sizeof(press->done), "%zu %s ended", n,
	    n == 1 ? "session" : "sessions");
	return 0;
}

static int
press_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct user_press *press = arg;
	const char *by = press->exchange->session.user;
	struct account_user user;
	char text[256];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "user",
	    .subject = press->name,
	    .text = text,
	    .by = by};
	int rc = account_user_load(txn, press->name, &user, err);

	if (rc == 0)
		return bh_fail(err, BH_INVALID, "There is no such user.");
	if (rc > 0)
		rc = press->act(txn, press, &user, err);
	account_user_release(&user);
	if (rc < 0)
		return -1;
	snprintf(text, sizeof(text), "%s, in the browser by %s", press->done, by);
	trail_add(txn, 0, &entry);
	return 0;
}

int
user_press(struct user_press *press, struct bh_err *why, struct bh_err *err)
{
	if (store_run(press->exchange->site->store, press_in, press, NULL, why) >= 0)
		return 0;
	return why->code == BH_INVALID ? 1 : bh_fail(err, why->code, "%s", why->text);
}

/* -- for the pages -- */

int
user_add_sessions(struct exchange *exchange, const char *name, json_t *model, struct bh_err *err)
{
	char digest[ACCOUNT_DIGEST_TEXT];
	json_t *found, *one, *rows = json_array();
	int64_t now_ms = bh_now_ms();
	bool has_others = false;
	size_t i;
	int rc = account_sessions(exchange_read(exchange), name, &found, err);

	account_session_digest(exchange->session_id, digest);
	json_array_foreach (found, i, one) {
		const char *browser = bh_json_str(one, "browser");
		bool is_this = strcmp(bh_json_str(one, "digest"), digest) == 0;

		has_others = has_others || !is_this;
		json_array_append_new(rows,
		    json_pack("{s:s, s:o, s:o, s:b, s:s}", "digest", bh_json_str(one, "digest"),
			"browser", words_json(*browser != '\0' ? browser : "a browser"), "began",
			words_time_json(bh_json_int(one, "began", 0), now_ms), "is_this", is_this,
			"until", ""));
		json_object_set_new(json_array_get(rows, i), "until",
		    words_time_json(bh_json_int(one, "expires", 0), now_ms));
	}
	json_object_set_new(model, "has_sessions", json_boolean(json_array_size(rows) > 0));
	json_object_set_new(model, "has_others", json_boolean(has_others));
	json_object_set_new(model, "sessions", rows);
	json_decref(found);
	return rc;
}

json_t *
user_roles(enum account_role chosen)
{
	static const struct {
		enum account_role role;
		const char *label;
	} roles[] = {{ACCOUNT_VIEWER, "viewer: sees everything, changes nothing"},
	    {ACCOUNT_OPERATOR, "operator: also retries, replays, pauses, chooses matches"},
	    {ACCOUNT_ADMIN, "admin: everything, also connections, mappings and users"}};
	json_t *list = json_array();

	for (size_t i = 0; i < BH_LEN(roles); i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "value", account_role_name(roles[i].role), "label",
			roles[i].label, "is_chosen", roles[i].role == chosen));
	return list;
}

const char *
user_notice(const struct exchange *exchange, const struct user_notice *notices, size_t n)
{
	const char *done = strcmp(exchange->request->method, "GET") == 0
			       ? request_query(exchange->request, "done")
			       : NULL;

	for (size_t i = 0; i < n && done != NULL; i++)
		if (strcmp(notices[i].code, done) == 0)
			return notices[i].text;
	return "";
}

bool
user_is_admin(struct exchange *exchange)
{
	if (exchange->session.role >= ACCOUNT_ADMIN)
		return true;
	exchange_error(exchange, 403, "Your role does not include this.");
	return false;
}
