/*
 * The first run.  While there is no user, whoever knows the setup code makes
 * the first administrator; afterwards, the list of first steps.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "state/first.h"
#include "state/schema.h"
#include "state/trail.h"
#include "web/form.h"
#include "web/session.h"
#include "web/setup_facts.h"
#include "web/words.h"

#define PASSWORD_LEAST 8
#define PASSWORD_MOST 200

static const struct form_field fields[] = {
    {"code", "Setup code", FORM_TEXT, 1, 64, "off"},
    {"name", "Name", FORM_TEXT, 1, 64, "username"},
    {"password", "Password", FORM_PASSWORD, PASSWORD_LEAST, PASSWORD_MOST, "new-password"},
    {"again", "Password again", FORM_PASSWORD, 1, PASSWORD_MOST, "new-password"},
};

/* -- the first administrator -- */

/* The last part of the data directory's path: strangers need not know the rest. */
static const char *
directory_name(const struct exchange *exchange)
{
	const char *dir = exchange->site->conf->data_dir, *slash = strrchr(dir, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : dir;
}

static int
show_form(struct exchange *exchange, int status, const char *message, const json_t *values,
    const json_t *errors, struct bh_err *err)
{
	json_t *initial = json_pack("{s:s}", "name", "admin");
	char token[65];
	int rc;

	session_login_token(exchange, token);
	rc = exchange_page(exchange, status, "setup_first", "First steps",
	    json_pack("{s:o, s:s, s:s, s:o, s:s, s:o}", "action",
		json_sprintf("%s/setup", exchange->request->base), "form_token", token, "message",
		message, "directory", words_json(directory_name(exchange)), "file", FIRST_CODE_FILE,
		"fields",
		form_view(fields, BH_LEN(fields), values != NULL ? values : initial, errors)),
	    err);
	json_decref(initial);
	return rc;
}

/* Somebody looks at the form: from now on there is a code. */
static int
offer_form(struct exchange *exchange, struct bh_err *err)
{
	const char *dir = exchange->site->conf->data_dir;
	int made = first_code(dir, NULL, err);

	if (made > 0)
		bh_log(BH_INFO, "the setup code for the first administrator stands in %s/%s", dir,
		    FIRST_CODE_FILE);
	return made < 0 ? -1 : show_form(exchange, 200, "", NULL, NULL, err);
}

struct first {
	struct exchange *exchange;
	const char *name, *password;
	char who[96]; /* whose attempts are counted */
	bool is_limited;
};

/* Counted before the code is looked at, so that parallel guesses count too. */
static int
count_attempt(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct first *first = arg;
	int64_t n = 0;

	if (account_login_failures(txn, first->who, &n, err) < 0)
		return -1;
	first->is_limited = n >= SESSION_FAILURES;
	return first->is_limited ? 1 : account_login_failed(txn, first->who, err);
}

static int
make_admin(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct first *first = arg;
	struct account_user user = {.role = ACCOUNT_ADMIN};
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "user",
	    .subject = first->name,
	    .text = "the first administrator, made in the browser",
	    .by = first->name};
	int rc = first_is_open(txn, err);

	if (rc <= 0)
		return rc < 0 ? -1 : bh_fail(err, BH_INVALID, "There is an administrator already.");
	snprintf(user.name, sizeof(user.name), "%s", first->name);
	user.hash = bh_password_hash(first->password);
	account_user_save(txn, &user);
	account_login_forget(txn, first->who);
	trail_add(txn, 0, &entry);
	account_user_release(&user);
	return 0;
}

/* What a table of fields cannot say. */
static json_t *
further_errors(const struct first *first, const char *again)
{
	if (!bh_is_code(first->name))
		return json_pack("{s:s}", "name",
		    "A name is of lower-case letters, digits, - and _, without blanks.");
	if (strcmp(first->password, again) != 0)
		return json_pack("{s:s}", "again", "The two passwords are not the same.");
	return NULL;
}

/* The code is right: the administrator is made, signed in, and sees the steps. */
static int
finish(struct first *first, struct bh_err *err)
{
	struct exchange *exchange = first->exchange;
	struct bh_err why = BH_ERR_INIT;
	/* Where nobody ran init, this is what sets the store up. */
	int rc = schema_check(exchange->site->store, &why);

	if (rc == 0)
		rc = store_run(exchange->site->store, make_admin, first, NULL, &why);

	if (rc < 0 && why.code == BH_INVALID) {
		response_redirect(exchange->response, exchange->request->base, "/login");
		return 0;
	}
	if (rc < 0)
		return bh_fail(err, why.code, "%s", why.text);
	first_code_drop(exchange->site->conf->data_dir);
	bh_log(BH_INFO, "the first administrator is made user=%s peer=%s", first->name,
	    exchange->request->peer);
	rc = session_login(exchange, first->name, first->password, err);
	if (rc >= 0)
		response_redirect(exchange->response, exchange->request->base,
		    rc > 0 ? "/setup" : "/login");
	return rc < 0 ? -1 : 0;
}

static int
try_code(struct first *first, const json_t *values, struct bh_err *err)
{
	struct exchange *exchange = first->exchange;

	snprintf(first->who, sizeof(first->who), "setup/%s", exchange->request->peer);
	if (store_run(exchange->site->store, count_attempt, first, NULL, err) < 0)
		return -1;
	if (first->is_limited) {
		exchange->response->retry_after_s = 15 * 60;
		return show_form(exchange, 429,
		    "Too many wrong codes. Wait 15 minutes, then try again.", values, NULL, err);
	}
	if (!first_is_code(exchange->site->conf->data_dir,
		json_string_value(json_object_get(values, "code")))) {
		bh_log(BH_WARN, "setup: a wrong code from peer=%s", exchange->request->peer);
		return show_form(exchange, 403,
		    "This is not the setup code. It stands in the file, without anything else.",
		    values, NULL, err);
	}
	return finish(first, err);
}

static int
take_form(struct exchange *exchange, struct bh_err *err)
{
	json_t *values, *errors;
	struct first first = {.exchange = exchange,
	    .password = request_field(exchange->request, "password")};
	bool is_valid = form_is_valid(fields, BH_LEN(fields), exchange->request, &values, &errors);
	int rc;

	first.name = json_string_value(json_object_get(values, "name"));
	if (is_valid)
		errors = further_errors(&first, request_field(exchange->request, "again"));
	rc = errors != NULL ? show_form(exchange, 400, "", values, errors, err)
			    : try_code(&first, values, err);
	json_decref(values);
	json_decref(errors);
	return rc;
}

int
page_setup_make(struct exchange *exchange, struct bh_err *err)
{
	int is_open = first_is_open(exchange_read(exchange), err);

	if (is_open < 0)
		return -1;
	if (is_open > 0)
		return take_form(exchange, err);
	response_redirect(exchange->response, exchange->request->base, "/login");
	return 0;
}

/* -- the steps -- */

static int
show_steps(struct exchange *exchange, struct bh_err *err)
{
	const char *base = exchange->request->base;
	struct setup_steps steps;
	int is_away = first_is_away(exchange_read(exchange), err);
	size_t n;

	if (is_away < 0 || setup_steps_get(&steps, exchange, err) < 0)
		return -1;
	n = json_array_size(steps.steps);
	return exchange_page(exchange, 200, "setup", "First steps",
	    json_pack("{s:o, s:o, s:b, s:b, s:o, s:o}", "steps", steps.steps, "count",
		json_sprintf("%zu of %zu", steps.done, n), "is_complete", steps.done == n,
		"can_dismiss",
		is_away == 0 && steps.done < n && exchange->session.role >= ACCOUNT_ADMIN,
		"dismiss_url", json_sprintf("%s/setup/dismiss", base), "self_url",
		json_sprintf("%s/setup", base)),
	    err);
}

/* Public, as there may be nobody who could sign in. */
int
page_setup(struct exchange *exchange, struct bh_err *err)
{
	int rc = first_is_open(exchange_read(exchange), err);

	if (rc != 0)
		return rc < 0 ? -1 : offer_form(exchange, err);
	rc = session_find(exchange, err);
	if (rc > 0)
		return show_steps(exchange, err);
	if (rc == 0)
		response_redirect(exchange->response, exchange->request->base,
		    "/login?next=/setup");
	return rc;
}

static int
put_away(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct exchange *exchange = arg;
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "config",
	    .subject = "setup",
	    .text = "the list of first steps was put away",
	    .by = exchange->session.user};

	first_put_away(txn);
	trail_add(txn, 0, &entry);
	return 0;
}

int
page_setup_dismiss(struct exchange *exchange, struct bh_err *err)
{
	if (store_run(exchange->site->store, put_away, exchange, NULL, err) < 0)
		return -1;
	response_redirect(exchange->response, exchange->request->base, "/");
	return 0;
}
