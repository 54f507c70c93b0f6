/* One user, for administrators: role, password, sessions, removing. */
#include "base/base.h"

#include "web/page_user.h"

#include "base/json.h"
#include "web/form.h"
#include "web/page.h"

static const struct form_field fields[] = {
    {"password", "New password", FORM_PASSWORD, USER_PASSWORD_LEAST, USER_PASSWORD_MOST,
	"new-password"},
};

static const char *
notice(const struct exchange *exchange)
{
	static const struct user_notice notices[] = {
	    {"role", "The role is changed. It counts from now on."},
	    {"password", "The password is set. All sessions of this user have ended."},
	    {"sessions", "Signed out there."},
	};

	return user_notice(exchange, notices, BH_LEN(notices));
}

static json_t *
model_of(struct exchange *exchange, const struct account_user *user, const char *problem,
    const json_t *errors)
{
	const char *base = exchange->request->base;

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o}", "name",
	    user->name, "its_role", account_role_name(user->role), "done", notice(exchange),
	    "problem", problem != NULL ? problem : "", "settings_url",
	    json_sprintf("%s/settings", base), "base_url",
	    json_sprintf("%s/settings/users/%s", base, user->name), "audit_url",
	    json_sprintf("%s/settings/audit?user=%s", base, user->name), "roles",
	    user_roles(user->role), "sessions_url",
	    json_sprintf("%s/settings/users/%s/sessions", base, user->name), "all_label",
	    "Sign out everywhere", "is_you", strcmp(user->name, exchange->session.user) == 0,
	    "fields", form_view(fields, BH_LEN(fields), NULL, errors));
}

static int
show(struct exchange *exchange, int status, const char *problem, const json_t *errors,
    struct bh_err *err)
{
	struct account_user user;
	json_t *model;
	int rc = account_user_load(exchange_read(exchange), exchange->match.args[0], &user, err);

	if (rc == 0)
		exchange_error(exchange, 404, "There is no such user.");
	if (rc <= 0)
		return rc;
	model = model_of(exchange, &user, problem, errors);
	rc = user_add_sessions(exchange, user.name, model, err);
	if (rc < 0)
		json_decref(model);
	else
		rc = exchange_page(exchange, status, "user", user.name, model, err);
	account_user_release(&user);
	return rc;
}

int
page_user(struct exchange *exchange, struct bh_err *err)
{
	return user_is_admin(exchange) ? show(exchange, 200, NULL, NULL, err) : 0;
}

/* -- the buttons -- */

/* Each: 1 go on; 0 it is answered; -1. */

static int
read_role(struct user_press *press, struct bh_err *err)
{
	const char *role = request_field(press->exchange->request, "role");

	press->act = user_set_role;
	press->role = account_role_of(role != NULL ? role : "");
	if (press->role != ACCOUNT_NOBODY)
		return 1;
	return show(press->exchange, 400, "There is no such role.", NULL, err);
}

static int
read_password(struct user_press *press, struct bh_err *err)
{
	const struct request *request = press->exchange->request;
	json_t *values, *errors;
	int rc = 1;

	press->act = user_set_password;
	if (strcmp(press->name, press->exchange->session.user) == 0)
		return show(press->exchange, 409,
		    "Change your own password on the page of settings: it asks for the old one.",
		    NULL, err);
	if (form_is_valid(fields, BH_LEN(fields), request, &values, &errors))
		press->hash = bh_password_hash(request_field(request, "password"));
	else
		rc = show(press->exchange, 400, NULL, errors, err);
	json_decref(values);
	json_decref(errors);
	return rc;
}

static int
read_sessions(struct user_press *press, struct bh_err *err BH_UNUSED)
{
	const char *which = request_field(press->exchange->request, "session");

	press->act = user_end_sessions;
	if (which != NULL && strcmp(which, "all") != 0)
		press->only = which;
	return 1;
}

static int
read_remove(struct user_press *press, struct bh_err *err)
{
	const char *typed = request_field(press->exchange->request, "confirm");

	press->act = user_remove;
	if (strcmp(press->name, press->exchange->session.user) == 0)
		return show(press->exchange, 409,
		    "You cannot remove yourself. Another administrator can.", NULL, err);
	if (typed != NULL && strcmp(typed, press->name) == 0)
		return 1;
	return show(press->exchange, 409, "Type the name of the user to confirm.", NULL, err);
}

static const struct button {
	const char *action; /* last part of the path, and the notice */
	int (*read)(struct user_press *press, struct bh_err *err);
} buttons[] = {{"role", read_role}, {"password", read_password}, {"sessions", read_sessions},
    {"remove", read_remove}};

static int
go(struct exchange *exchange, const struct user_press *press, const char *action)
{
	char path[128];

	if (press->act == user_remove)
		snprintf(path, sizeof(path), "/settings?done=removed");
	else if (press->act == user_set_role && strcmp(press->name, exchange->session.user) == 0)
		snprintf(path, sizeof(path), "/settings"); /* this page may be closed to them now */
	else
		snprintf(path, sizeof(path), "/settings/users/%.72s?done=%.16s", press->name,
		    action);
	response_redirect(exchange->response, exchange->request->base, path);
	return 0;
}

int
page_user_press(struct exchange *exchange, struct bh_err *err)
{
	struct user_press press = {.exchange = exchange, .name = exchange->match.args[0]};
	const char *action = exchange->match.args[1];
	const struct button *button = buttons;
	struct bh_err why = BH_ERR_INIT;
	int rc;

	while (button < buttons + BH_LEN(buttons) && strcmp(button->action, action) != 0)
		button++;
	if (button == buttons + BH_LEN(buttons)) {
		exchange_error(exchange, 404, "There is no such button.");
		return 0;
	}
	rc = button->read(&press, err);
	if (rc <= 0)
		return rc;
	rc = user_press(&press, &why, err);
	free(press.hash);
	if (rc > 0)
		return show(exchange, 409, why.text, NULL, err);
	return rc < 0 ? -1 : go(exchange, &press, action);
}
