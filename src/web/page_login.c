/* Signing in and out, and the small public answers. */
#include "base/base.h"

#include "base/text.h"
#include "state/first.h"
#include "web/form.h"
#include "web/page.h"
#include "web/session.h"

static const struct form_field fields[] = {
    {"name", "Name", FORM_TEXT, 1, 64, "username"},
    {"password", "Password", FORM_PASSWORD, 1, 200, "current-password"},
};

/* Where to go after signing in: a path of ours, never another site. */
static const char *
next_path(const char *given)
{
	if (given == NULL || given[0] != '/' || given[1] == '/' || strlen(given) > REQUEST_PATH_MAX)
		return "/";
	for (const char *s = given; *s != '\0'; s++)
		if ((unsigned char)*s <= 0x20 || *s == '\\' || (unsigned char)*s >= 0x7f)
			return "/";
	return given;
}

static int
show(struct exchange *exchange, int status, const char *next, const char *message,
    const json_t *values, const json_t *errors, struct bh_err *err)
{
	char token[65];

	session_login_token(exchange, token);
	return exchange_page(exchange, status, "login", "Sign in",
	    json_pack("{so, ss, ss, ss, so}", "action",
		json_sprintf("%s/login", exchange->request->base), "form_token", token, "next",
		next, "message", message, "fields",
		form_view(fields, BH_LEN(fields), values, errors)),
	    err);
}

/* Who signs in, if anybody can; the page is there while the store is not. */
int
page_login(struct exchange *exchange, struct bh_err *err)
{
	if (first_is_open(exchange_read(exchange), NULL) > 0) {
		response_redirect(exchange->response, exchange->request->base, "/setup");
		return 0;
	}
	return show(exchange, 200, next_path(request_query(exchange->request, "next")), "", NULL,
	    NULL, err);
}

/* The form again, with what was wrong. */
static int
show_again(struct exchange *exchange, const char *next, const json_t *values, const json_t *errors,
    struct bh_err *why, struct bh_err *err)
{
	if (why != NULL && why->code != BH_LIMITED)
		return bh_fail(err, why->code, "%s", why->text);
	if (why != NULL) {
		exchange->response->retry_after_s = why->retry_after_s;
		return show(exchange, 429, next,
		    "Too many failed attempts. Wait 15 minutes, then try again.", values, NULL,
		    err);
	}
	return show(exchange, errors != NULL ? 400 : 403, next,
	    errors != NULL ? "" : "Name or password is wrong.", values, errors, err);
}

int
page_login_post(struct exchange *exchange, struct bh_err *err)
{
	const char *next = next_path(request_field(exchange->request, "next"));
	struct bh_err why = BH_ERR_INIT;
	json_t *values, *errors;
	int rc;

	if (!form_is_valid(fields, BH_LEN(fields), exchange->request, &values, &errors)) {
		rc = show_again(exchange, next, values, errors, NULL, err);
	} else {
		rc = session_login(exchange, json_string_value(json_object_get(values, "name")),
		    request_field(exchange->request, "password"), &why);
		if (rc == 1) {
			response_redirect(exchange->response, exchange->request->base, next);
			rc = 0;
		} else {
			rc = show_again(exchange, next, values, NULL, rc < 0 ? &why : NULL, err);
		}
	}
	json_decref(values);
	json_decref(errors);
	return rc;
}

int
page_logout(struct exchange *exchange, struct bh_err *err)
{
	if (session_logout(exchange, err) < 0)
		return -1;
	response_redirect(exchange->response, exchange->request->base, "/login");
	return 0;
}

int
page_static(struct exchange *exchange, struct bh_err *err)
{
	const char *name = exchange->match.args[0];
	struct view *view = exchange->site->view;

	(void)err;
	if (view == NULL || !view_file(view, exchange->response, name,
				request_header(exchange->request, "If-None-Match"),
				request_query(exchange->request, "v") != NULL &&
				    strcmp(request_query(exchange->request, "v"),
					view_file_version(view, name)) == 0))
		exchange_error(exchange, 404, "There is no such file.");
	return 0;
}
