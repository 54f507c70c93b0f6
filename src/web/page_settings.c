/* Settings: the own password and sessions; for administrators users, and what is kept for how long. */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/monitor.h"
#include "state/retain.h"
#include "state/trail.h"
#include "web/form.h"
#include "web/page.h"
#include "web/page_user.h"
#include "web/session.h"
#include "web/words.h"

static const struct form_field own_fields[] = {
    {"old", "Password of now", FORM_PASSWORD, 1, USER_PASSWORD_MOST, "current-password"},
    {"new", "New password", FORM_PASSWORD, USER_PASSWORD_LEAST, USER_PASSWORD_MOST, "new-password"},
    {"again", "New password again", FORM_PASSWORD, 1, USER_PASSWORD_MOST, "new-password"},
};
static const struct form_field user_fields[] = {
    {"name", "Name", FORM_TEXT, 1, 64, "off"},
    {"password", "Password", FORM_PASSWORD, USER_PASSWORD_LEAST, USER_PASSWORD_MOST,
	"new-password"},
};

/* What was wrong with a form of this page. */
struct complaint {
	int status;
	const json_t *values;     /* of the form for a user */
	const json_t *own, *user; /* errors by field; NULL none */
	enum account_role role;   /* that was chosen */
	const char *token;        /* for figures, just made; NULL none */
};

/* -- showing -- */

static int
add_users(struct exchange *exchange, json_t *model, struct bh_err *err)
{
	struct store_txn *txn = exchange_read(exchange);
	json_t *names, *one, *rows = json_array();
	size_t i;
	int rc = account_users(txn, &names, err);

	json_array_foreach (names, i, one) {
		const char *name = json_string_value(one);
		struct account_user user;

		if (rc < 0)
			break;
		rc = account_user_load(txn, name, &user, err);
		if (rc > 0)
			json_array_append_new(rows,
			    json_pack("{s:s, s:s, s:b, s:o}", "name", name, "its_role",
				account_role_name(user.role), "is_you",
				strcmp(name, exchange->session.user) == 0, "url",
				json_sprintf("%s/settings/users/%s", exchange->request->base,
				    name)));
		account_user_release(&user);
	}
	json_object_set_new(model, "users", rows);
	json_decref(names);
	return rc < 0 ? -1 : 0;
}

/* "90 days", "for ever" and the like, as billhook.conf has it. */
static int
add_retention(struct exchange *exchange, json_t *model, struct bh_err *err)
{
	const struct conf *conf = exchange->site->conf;
	int64_t bytes;
	int rc = retain_bytes(exchange_read(exchange), &bytes, err);

	json_object_set_new(model, "keep_days",
	    conf->keep_days > 0 ? json_sprintf("%lld days", (long long)conf->keep_days)
				: json_string("for ever"));
	json_object_set_new(model, "keep_mb",
	    conf->keep_mb > 0 ? json_sprintf("at most %lld MiB", (long long)conf->keep_mb)
			      : json_string("any amount"));
	json_object_set_new(model, "stored",
	    rc > 0 ? json_sprintf("%.1f MiB", (double)bytes / 1048576) : json_string(""));
	json_object_set_new(model, "session_hours", json_integer((json_int_t)conf->session_hours));
	return rc < 0 ? -1 : 0;
}

/* When the token for figures was made; the token itself right after. */
static int
add_monitor(struct exchange *exchange, const struct complaint *complaint, json_t *model,
    struct bh_err *err)
{
	char since[BH_CLOCK_TEXT] = "";
	int64_t made_ms;
	int rc = monitor_token_made(exchange_read(exchange), &made_ms, err);

	if (rc > 0)
		bh_date(since, made_ms);
	json_object_set_new(model, "has_token", json_boolean(rc > 0 || complaint->token != NULL));
	json_object_set_new(model, "token_since", json_string(since));
	json_object_set_new(model, "fresh_token",
	    json_string(complaint->token != NULL ? complaint->token : ""));
	json_object_set_new(model, "metrics_url",
	    json_sprintf("%s/metrics", exchange->request->base));
	return rc < 0 ? -1 : 0;
}

static const char *
notice(const struct exchange *exchange)
{
	static const struct user_notice notices[] = {
	    {"password", "Your password is changed. Your other sessions have ended."},
	    {"sessions", "Signed out there."},
	    {"added", "The user is added."},
	    {"removed", "The user is removed, and signed out everywhere."},
	    {"configuration", "The configuration is changed."},
	    {"no-token", "The token is taken back: nobody can read figures now."},
	};

	return user_notice(exchange, notices, BH_LEN(notices));
}

static int
show(struct exchange *exchange, const struct complaint *complaint, struct bh_err *err)
{
	bool is_admin = exchange->session.role >= ACCOUNT_ADMIN;
	json_t *model = json_pack("{s:b, s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o}", "is_admin",
	    is_admin, "done", notice(exchange), "settings_url",
	    json_sprintf("%s/settings", exchange->request->base), "alerts_url",
	    json_sprintf("%s/alerts", exchange->request->base), "sessions_url",
	    json_sprintf("%s/settings/sessions", exchange->request->base), "all_label",
	    "Sign out everywhere else", "add_open", complaint->user != NULL, "own_fields",
	    form_view(own_fields, BH_LEN(own_fields), NULL, complaint->own), "user_fields",
	    form_view(user_fields, BH_LEN(user_fields), complaint->values, complaint->user),
	    "roles", user_roles(complaint->role));

	if (user_add_sessions(exchange, exchange->session.user, model, err) < 0 ||
	    (is_admin && add_users(exchange, model, err) < 0) ||
	    (is_admin && add_monitor(exchange, complaint, model, err) < 0) ||
	    add_retention(exchange, model, err) < 0) {
		json_decref(model);
		return -1;
	}
	return exchange_page(exchange, complaint->status, "settings", "Settings", model, err);
}

int
page_settings(struct exchange *exchange, struct bh_err *err)
{
	struct complaint none = {.status = 200, .role = ACCOUNT_VIEWER};

	return show(exchange, &none, err);
}

static int
go(struct exchange *exchange, const char *done)
{
	char path[64];

	snprintf(path, sizeof(path), "/settings?done=%s", done);
	response_redirect(exchange->response, exchange->request->base, path);
	return 0;
}

/* -- the own password -- */

static void
complain(json_t **errors, const char *field, const char *text)
{
	if (*errors == NULL)
		*errors = json_object();
	json_object_set_new(*errors, field, json_string(text));
}

/* The form is right, and the old password too: 1; 0 with errors; -1. */
static int
check_own(struct exchange *exchange, json_t **errors, struct bh_err *err)
{
	const struct request *request = exchange->request;
	json_t *values;
	bool is_valid = form_is_valid(own_fields, BH_LEN(own_fields), request, &values, errors);
	int rc;

	json_decref(values);
	if (!is_valid)
		return 0;
	if (strcmp(request_field(request, "new"), request_field(request, "again")) != 0) {
		complain(errors, "again", "This is not the same as the new password.");
		return 0;
	}
	rc = session_is_password(exchange, request_field(request, "old"), err);
	if (rc == 0)
		complain(errors, "old", "That is not your password.");
	return rc;
}

int
page_settings_password(struct exchange *exchange, struct bh_err *err)
{
	struct user_press press = {.exchange = exchange,
	    .name = exchange->session.user,
	    .act = user_set_password};
	struct complaint complaint = {.status = 400, .role = ACCOUNT_VIEWER};
	char digest[ACCOUNT_DIGEST_TEXT];
	struct bh_err why = BH_ERR_INIT;
	json_t *errors = NULL;
	int rc = check_own(exchange, &errors, err);

	if (rc > 0) {
		account_session_digest(exchange->session_id, digest);
		press.keep = digest;
		press.hash = bh_password_hash(request_field(exchange->request, "new"));
		rc = user_press(&press, &why, err);
		free(press.hash);
		if (rc >= 0)
			return rc == 0 ? go(exchange, "password")
				       : bh_fail(err, BH_DENIED, "%s", why.text);
	} else if (rc == 0) {
		complaint.own = errors;
		rc = show(exchange, &complaint, err);
	}
	json_decref(errors);
	return rc;
}

/* -- the own sessions -- */

int
page_settings_sessions(struct exchange *exchange, struct bh_err *err)
{
	const char *which = request_field(exchange->request, "session");
	struct user_press press = {.exchange = exchange,
	    .name = exchange->session.user,
	    .act = user_end_sessions};
	char digest[ACCOUNT_DIGEST_TEXT];
	struct bh_err why = BH_ERR_INIT;

	account_session_digest(exchange->session_id, digest);
	if (which == NULL || strcmp(which, "all") == 0)
		press.keep = digest;
	else
		press.only = which;
	if (user_press(&press, &why, err) != 0)
		return why.code == BH_INVALID ? bh_fail(err, BH_DENIED, "%s", why.text) : -1;
	return go(exchange, "sessions");
}

/* -- another user -- */

static int
add_user(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct user_press *press = arg;
	struct account_user user;
	char text[200];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "user",
	    .subject = press->name,
	    .text = text,
	    .by = press->exchange->session.user};
	int rc = account_user_load(txn, press->name, &user, err);

	account_user_release(&user);
	if (rc != 0)
		return rc < 0 ? -1
			      : bh_fail(err, BH_INVALID, "There is a user of this name already.");
	snprintf(user.name, sizeof(user.name), "%s", press->name);
	user.role = press->role;
	user.hash = press->hash;
	account_user_save(txn, &user);
	snprintf(text, sizeof(text), "added as %s, in the browser by %s",
	    account_role_name(press->role), press->exchange->session.user);
	trail_add(txn, 0, &entry);
	return 0;
}

/* 0 added, 1 with errors, -1. */
static int
try_add(struct exchange *exchange, const json_t *values, enum account_role role, json_t **errors,
    struct bh_err *err)
{
	struct user_press press = {.exchange = exchange,
	    .name = bh_json_str(values, "name"),
	    .role = role};
	struct bh_err why = BH_ERR_INIT;
	int rc;

	if (!bh_is_code(press.name)) {
		complain(errors, "name", "A name has 1 to 64 characters of a-z, 0-9, - and _.");
		return 1;
	}
	press.hash = bh_password_hash(request_field(exchange->request, "password"));
	rc = store_run(exchange->site->store, add_user, &press, NULL, &why);
	free(press.hash);
	if (rc >= 0)
		return 0;
	if (why.code != BH_INVALID)
		return bh_fail(err, why.code, "%s", why.text);
	complain(errors, "name", why.text);
	return 1;
}

int
page_settings_users(struct exchange *exchange, struct bh_err *err)
{
	const char *role = request_field(exchange->request, "role");
	struct complaint complaint = {.status = 400};
	json_t *values, *errors;
	int rc = 1;

	complaint.role = account_role_of(role != NULL ? role : "");
	if (complaint.role == ACCOUNT_NOBODY)
		complaint.role = ACCOUNT_VIEWER;
	if (form_is_valid(user_fields, BH_LEN(user_fields), exchange->request, &values, &errors))
		rc = try_add(exchange, values, complaint.role, &errors, err);
	complaint.values = values;
	complaint.user = errors;
	if (rc == 0)
		rc = go(exchange, "added");
	else if (rc > 0)
		rc = show(exchange, &complaint, err);
	json_decref(values);
	json_decref(errors);
	return rc;
}

/* -- the token for figures -- */

struct token_press {
	const char *by;
	bool is_made; /* else taken back */
	char token[MONITOR_TOKEN_LEN + 1];
};

static int
press_token(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	struct token_press *press = arg;
	char text[160];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = "metrics",
	    .text = text,
	    .by = press->by};

	if (press->is_made)
		monitor_token_new(txn, entry.at_ms, press->token);
	else
		monitor_token_drop(txn);
	snprintf(text, sizeof(text), "the token for figures was %s in the browser by %s",
	    press->is_made ? "made" : "taken back", press->by);
	trail_add(txn, 0, &entry);
	return 0;
}

int
page_settings_monitor(struct exchange *exchange, struct bh_err *err)
{
	const char *action = request_field(exchange->request, "action");
	struct token_press press = {.by = exchange->session.user,
	    .is_made = action == NULL || strcmp(action, "remove") != 0};
	struct complaint shown = {.status = 200, .role = ACCOUNT_VIEWER, .token = press.token};
	int rc = store_run(exchange->site->store, press_token, &press, NULL, err);

	if (rc >= 0)
		rc = press.is_made ? show(exchange, &shown, err) : go(exchange, "no-token");
	bh_wipe(press.token, sizeof(press.token));
	return rc;
}
