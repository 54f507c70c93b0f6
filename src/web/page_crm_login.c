/*
 * A person lets Billhook into a CRM (OAuth, authorization code with PKCE).
 * Nothing here calls out: the page leads the browser to the CRM, the callback
 * keeps the code that comes back, sealed, and a worker turns it into tokens.
 *
 * A login is begun and ended by the same person, within LOGIN_MS, and its
 * state is good for one code.  Neither state nor code is ever logged, and the
 * callback's address, which holds both, is left at once.
 */
#include "base/base.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "state/trail.h"
#include "state/walk.h"
#include "web/crm_facts.h"
#include "web/page_crm.h"
#include "web/words.h"

#define LOGIN_MS (INT64_C(15) * 60 * 1000) /* as long as a code of Salesforce lives */
#define VERIFIER_BYTES 32                  /* 64 characters of 0-9 a-f */

/* -- going there -- */

struct beginning {
	struct exchange *exchange;
	char state[BH_ID_LEN + 1];
	struct account_login login;
};

static int
begin_in(struct store_txn *txn, void *arg, struct bh_err *err BH_UNUSED)
{
	const struct beginning *beginning = arg;
	const struct exchange *exchange = beginning->exchange;
	char text[160];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "login",
	    .subject = beginning->login.connection,
	    .text = text,
	    .by = exchange->session.user};

	account_login_save(txn, &exchange->site->key, beginning->state, &beginning->login);
	snprintf(text, sizeof(text), "begun in the browser by %s", exchange->session.user);
	trail_add(txn, 0, &entry);
	return 0;
}

static int
fill_login(struct beginning *beginning, const struct exchange *exchange, const char *code,
    struct bh_err *err)
{
	struct account_login *login = &beginning->login;
	json_t *back = connection_address(exchange, CONNECTION_CALLBACK);
	size_t len = json_string_length(back);
	unsigned char random[VERIFIER_BYTES];

	bh_random_id(beginning->state);
	bh_random(random, sizeof(random));
	bh_hex(login->verifier, random, sizeof(random));
	bh_wipe(random, sizeof(random));
	snprintf(login->connection, sizeof(login->connection), "%s", code);
	snprintf(login->user, sizeof(login->user), "%s", exchange->session.user);
	snprintf(login->redirect_uri, sizeof(login->redirect_uri), "%s", json_string_value(back));
	login->expires_ms = bh_now_ms() + LOGIN_MS;
	json_decref(back);
	return len < sizeof(login->redirect_uri)
		   ? 0
		   : bh_fail(err, BH_INVALID, "public_url is too long for a login");
}

/* The host that the person goes to, as part of a sentence. */
static json_t *
host_of(const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	return json_stringn(host, strcspn(host, "/?#"));
}

static int
show_way(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, const char *url, struct bh_err *err)
{
	char *title = bh_xasprintf("Log in to %s", kind->title);
	json_t *model = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "heading", title, "text", "",
	    "driver", kind->title, "url", json_string(url), "host", host_of(url), "back_url",
	    json_sprintf("%s/connections/%s", exchange->request->base, connection->code));
	int rc;

	json_object_set_new(model, "name", words_json(connection_name(connection)));
	rc = exchange_page(exchange, 200, "crm_login", title, model, err);
	free(title);
	return rc;
}

/* Where the driver sends the person; -1 BH_INVALID: why not. */
static int
login_url(const struct beginning *beginning, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_buf *url, struct bh_err *err)
{
	struct dest_auth auth = {0};
	struct dest_config config = {.code = connection->code,
	    .settings = connection->settings,
	    .secrets = connection->secrets,
	    .auth = &auth};
	struct dest_login login = {.redirect_uri = beginning->login.redirect_uri,
	    .state = beginning->state,
	    .verifier = beginning->login.verifier};
	int rc = kind->dest->login(&config, &login, url, err);

	dest_auth_release(&auth);
	if (rc == 0 && !bh_has_prefix(bh_buf_str(url), "https://") &&
	    !bh_has_prefix(bh_buf_str(url), "http://"))
		return bh_fail(err, BH_INVALID, "the login address is no address of the web");
	return rc;
}

int
crm_begin_login(struct exchange *exchange, const struct account_connection *connection,
    const struct connection_kind *kind, struct bh_err *err)
{
	struct beginning beginning = {.exchange = exchange};
	struct bh_buf url = BH_BUF_INIT(8192);
	struct bh_err why = BH_ERR_INIT;
	int rc;

	if (exchange->session.role < ACCOUNT_ADMIN) {
		exchange_error(exchange, 403, "Your role does not include this.");
		return 0;
	}
	if (!crm_is_by_login(kind->dest, connection))
		return crm_show_problem(exchange, connection, kind,
		    "Nobody has to log in: the settings say how Billhook does it itself.", err);
	if (!exchange->site->has_key)
		return bh_fail(err, BH_UNAVAILABLE, "the key file cannot be read");
	rc = fill_login(&beginning, exchange, connection->code, &why);
	if (rc == 0)
		rc = login_url(&beginning, connection, kind, &url, &why);
	if (rc == 0)
		rc = store_run(exchange->site->store, begin_in, &beginning, NULL, &why);
	if (rc >= 0)
		rc = show_way(exchange, connection, kind, bh_buf_str(&url), err);
	else if (why.code == BH_INVALID)
		rc = crm_show_problem(exchange, connection, kind, why.text, err);
	else
		rc = bh_fail(err, why.code, "%s", why.text);
	bh_wipe(&beginning, sizeof(beginning));
	bh_buf_release(&url);
	return rc;
}

/* -- coming back -- */

/* The words of RFC 6749, 4.1.2.1, and others that were seen. */
static const struct {
	const char *error, *text;
} refusals[] = {
    {"access_denied",
	"The access was not allowed: somebody pressed Deny, or the user may not allow it. Nothing has changed."},
    {"OAUTH_APPROVAL_ERROR_GENERIC",
	"The app is not installed there, and the user may not use apps that are not. Let an administrator install the app, or allow its use to this user."},
    {"OAUTH_EC_APP_NOT_FOUND",
	"The app is not known there. Check the consumer key; an app that was just made works after up to ten minutes."},
    {"invalid_client_id",
	"The app is not known there. Check the consumer key; an app that was just made works after up to ten minutes."},
    {"invalid_client", "The app is not known or not installed there. Check the consumer key."},
    {"unauthorized_client", "The app may not log people in this way. Look at its OAuth settings."},
    {"redirect_uri_mismatch",
	"The app has another callback URL. Enter the one that the steps on the connection's page show."},
    {"invalid_scope",
	"The app lacks a scope. Give it those that the steps on the connection's page name."},
    {"unsupported_response_type",
	"The app may not log people in this way. Look at its OAuth settings."},
    {"login_required", "Nobody is logged in there. Begin again."},
    {"server_error", "The login there had an inner error. Try again in a few minutes."},
    {"temporarily_unavailable", "The login there is not available. Try again in a few minutes."},
};

static const char unknown_login[] =
    "This login is not known here: it took longer than 15 minutes, was used already, or was begun by somebody else. Begin it again on the connection's page.";

static int
show_end(struct exchange *exchange, const char *code, const char *text, struct bh_err *err)
{
	json_t *model = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:o}", "heading",
	    "Nobody was logged in", "text", words_json(text), "driver", "", "name", "", "url", "",
	    "host", "", "back_url",
	    json_sprintf("%s/connections%s%s", exchange->request->base, *code != '\0' ? "/" : "",
		code));

	return exchange_page(exchange, 400, "crm_login", "Nobody was logged in", model, err);
}

struct return_trip {
	struct exchange *exchange;
	const char *state;
	const char *code;  /* NULL: refused */
	const char *error; /* NULL: let in */
	char connection[72];
	bool is_known;
};

static void
note_return(struct store_txn *txn, const struct return_trip *trip)
{
	char text[160];
	struct trail_entry entry = {.at_ms = bh_now_ms(),
	    .what = "login",
	    .subject = trip->connection,
	    .text = text,
	    .by = trip->exchange->session.user};

	snprintf(text, sizeof(text), "%s in the browser by %s",
	    trip->code != NULL ? "allowed" : "refused", trip->exchange->session.user);
	trail_add(txn, 0, &entry);
}

static int
return_in(struct store_txn *txn, void *arg, struct bh_err *err)
{
	struct return_trip *trip = arg;
	struct account_login login;
	int rc = account_login_load(txn, &trip->exchange->site->key, trip->state, &login, err);

	trip->is_known = rc > 0 && login.code[0] == '\0' &&
			 strcmp(login.user, trip->exchange->session.user) == 0;
	if (trip->is_known) {
		snprintf(trip->connection, sizeof(trip->connection), "%s", login.connection);
		if (trip->code != NULL) {
			snprintf(login.code, sizeof(login.code), "%s", trip->code);
			account_login_save(txn, &trip->exchange->site->key, trip->state, &login);
			errand_ask(txn, login.connection, ERRAND_LOGIN,
			    json_pack("{s:s}", "login", trip->state), bh_now_ms());
		} else {
			account_login_drop(txn, trip->state);
		}
		note_return(txn, trip);
	}
	bh_wipe(&login, sizeof(login));
	return rc < 0 ? -1 : !trip->is_known;
}

/* What went wrong there, as one sentence; what the CRM says itself is put behind where ours is not known. */
static char *
refusal_text(const struct return_trip *trip)
{
	const char *said = request_query(trip->exchange->request, "error_description");

	for (size_t i = 0; i < BH_LEN(refusals); i++)
		if (strcmp(refusals[i].error, trip->error) == 0)
			return bh_xstrdup(refusals[i].text);
	return bh_xasprintf("The login there was refused: %.200s",
	    said != NULL && *said != '\0' ? said : trip->error);
}

static int
end_trip(struct return_trip *trip, struct bh_err *err)
{
	struct exchange *exchange = trip->exchange;
	char *text;
	int rc;

	if (!trip->is_known)
		return show_end(exchange, "", unknown_login, err);
	if (trip->code != NULL) {
		connection_go(exchange, trip->connection, "");
		return 0;
	}
	text = refusal_text(trip);
	rc = show_end(exchange, trip->connection, text, err);
	free(text);
	return rc;
}

int
page_oauth_callback(struct exchange *exchange, struct bh_err *err)
{
	const struct request *request = exchange->request;
	struct return_trip trip = {.exchange = exchange,
	    .state = request_query(request, "state"),
	    .code = request_query(request, "code"),
	    .error = request_query(request, "error")};

	if (exchange->session.role < ACCOUNT_ADMIN) {
		exchange_error(exchange, 403, "Your role does not include this.");
		return 0;
	}
	if (!exchange->site->has_key)
		return bh_fail(err, BH_UNAVAILABLE, "the key file cannot be read");
	if (trip.error != NULL)
		trip.code = NULL;
	if (trip.state == NULL || *trip.state == '\0' ||
	    (trip.error == NULL && (trip.code == NULL || *trip.code == '\0')) ||
	    (trip.code != NULL && strlen(trip.code) >= sizeof(((struct account_login *)0)->code)))
		return show_end(exchange, "", unknown_login, err);
	if (store_run(exchange->site->store, return_in, &trip, NULL, err) < 0)
		return -1;
	return end_trip(&trip, err);
}
