/* One process's share of the site: see site.h. */
#include "base/base.h"

#include "web/site.h"

#include "base/clock.h"
#include "base/disk.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "conf/mode.h"
#include "state/link.h"
#include "state/schema.h"
#include "state/tally.h"
#include "web/hook.h"
#include "web/session.h"
#include "web/words.h"

#define FORMAT_MS 2000  /* the store's format is trusted so long without a look */
#define IMPORT_FILES 16 /* raw spool files taken in one turn, so that requests need not wait long */

/* -- opening -- */

/* The path of the public URL: "https://example.com/sub" gives "/sub". */
static char *
path_of_url(const char *url)
{
	const char *host = strstr(url, "://");
	const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
	size_t len = path != NULL ? strlen(path) : 0;

	while (len > 0 && path[len - 1] == '/')
		len--;
	return bh_xstrndup(path != NULL ? path : "", len);
}

static void
open_rest(struct site *site)
{
	struct bh_err err = BH_ERR_INIT;

	site->has_key = account_key_load(site->conf->data_dir, &site->key, &err) == 0;
	if (!site->has_key)
		bh_log(BH_ERROR, "webhooks cannot be verified: %s", err.text);
	if (view_open(site->conf, &site->view, &err) < 0)
		bh_log(BH_ERROR, "pages cannot be shown: %s", err.text);
}

/* A webhook that finds no keeper goes to the spool at once. */
static int
open_hook_store(struct site *site, const struct store_options *of_pages, struct bh_err *err)
{
	struct store_options options = *of_pages;

	options.no_start = true;
	return store_open(&options, &site->hook_store, err);
}

int
site_open(const struct conf *conf, int (*start)(const char *data_dir, struct bh_err *err),
    struct site **site_r, struct bh_err *err)
{
	struct store_options options = {.engine = "bdb",
	    .data_dir = conf->data_dir,
	    .deadline_ms = SITE_STORE_DEADLINE_MS,
	    .start = start};
	struct site *site = bh_xcalloc(1, sizeof(*site));
	const struct route *routes;
	size_t routes_n;

	*site_r = NULL;
	site->conf = conf;
	if (store_open(&options, &site->store, err) < 0) {
		free(site);
		return -1;
	}
	if (mode_of(conf) == MODE_CRON && open_hook_store(site, &options, err) < 0) {
		store_close(&site->store);
		free(site);
		return -1;
	}
	routes = site_routes(&routes_n);
	site->words = router_words(routes, routes_n);
	site->public_base = path_of_url(conf->public_url);
	site->place.base = site->public_base;
	site->place.trusted = conf->trusted_proxies;
	site->place.words = (const char *const *)site->words;
	open_rest(site);
	site->hook = hook_new(site);
	tally_open(conf->data_dir);
	*site_r = site;
	return 0;
}

void
site_close(struct site **site_p)
{
	struct site *site = *site_p;

	if (site == NULL)
		return;
	hook_free(&site->hook);
	view_close(&site->view);
	store_close(&site->hook_store);
	store_close(&site->store);
	router_words_free(&site->words);
	free(site->public_base);
	bh_wipe(&site->key, sizeof(site->key));
	free(site);
	*site_p = NULL;
}

/* -- what pages use -- */

struct store_txn *
exchange_read(struct exchange *exchange)
{
	if (exchange->txn == NULL)
		exchange->txn = store_begin(exchange->site->store);
	return exchange->txn;
}

bool
exchange_is_https(const struct exchange *exchange)
{
	return exchange->request->is_https ||
	       bh_has_prefix(exchange->site->conf->public_url, "https://");
}

char *
exchange_url(const struct exchange *exchange, const char *path)
{
	return bh_xasprintf("%s%s", exchange->request->base, path);
}

/* The URL of a static file, with its version so that it can be cached for ever. */
static json_t *
file_url(const struct exchange *exchange, const char *name)
{
	return json_sprintf("%s/static/%s?v=%s", exchange->request->base, name,
	    view_file_version(exchange->site->view, name));
}

/* The section itself, or a page below it. */
static bool
is_within(const char *path, const char *section)
{
	size_t len = strlen(section);

	if (len == 1)
		return path[1] == '\0';
	return strncmp(path, section, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* How many records need a person: "12", or "" while there are none. */
static json_t *
problems_count(struct exchange *exchange)
{
	char text[WORDS_MAX];
	int64_t n;

	if (link_held_total(exchange_read(exchange), &n, NULL) < 0 || n == 0)
		return json_string("");
	words_count(text, n);
	return json_string(text);
}

static json_t *
navigation(struct exchange *exchange)
{
	static const struct {
		const char *path, *label;
	} entries[] = {{"/", "Home"}, {"/customers", "Customers"}, {"/problems", "Problems"},
	    {"/connections", "Connections"}, {"/syncs", "Syncs"}, {"/activity", "Activity"},
	    {"/automations", "Automations"}, {"/revenue", "Revenue"}, {"/settings", "Settings"}};
	json_t *nav = json_array();

	for (size_t i = 0; i < BH_LEN(entries); i++)
		json_array_append_new(nav,
		    json_pack("{so, so, ss, sb}", "count",
			strcmp(entries[i].path, "/problems") == 0 ? problems_count(exchange)
								  : json_string(""),
			"url", json_sprintf("%s%s", exchange->request->base, entries[i].path),
			"label", entries[i].label, "is_current",
			is_within(exchange->request->path, entries[i].path)));
	return nav;
}

/* What layout.mustache shows. */
static void
add_layout(struct exchange *exchange, json_t *model, const char *title)
{
	const struct account_session *session = &exchange->session;
	const char *base = exchange->request->base;

	json_object_set_new(model, "title", json_string(title));
	json_object_set_new(model, "base", json_string(base));
	json_object_set_new(model, "home_url", json_sprintf("%s/", base));
	json_object_set_new(model, "style_url", file_url(exchange, "style.css"));
	json_object_set_new(model, "script_url", file_url(exchange, "billhook.js"));
	json_object_set_new(model, "icon_url", file_url(exchange, "icon.svg"));
	json_object_set_new(model, "is_signed_in", json_boolean(exchange->has_session));
	if (!exchange->has_session)
		return;
	json_object_set_new(model, "user", json_string(session->user));
	json_object_set_new(model, "role", json_string(account_role_name(session->role)));
	json_object_set_new(model, "token", json_string(session->form_token));
	json_object_set_new(model, "logout_url", json_sprintf("%s/logout", base));
	json_object_set_new(model, "nav", navigation(exchange));
}

int
exchange_page(struct exchange *exchange, int status, const char *page, const char *title,
    json_t *model, struct bh_err *err)
{
	int rc;

	if (exchange->site->view == NULL) {
		json_decref(model);
		return bh_fail(err, BH_INVALID, "the page templates cannot be read");
	}
	add_layout(exchange, model, title);
	rc = view_page(exchange->site->view, exchange->response, status, page, model, err);
	json_decref(model);
	return rc;
}

/* -- errors -- */

/* Callers that are programs get JSON. */
static bool
is_for_programs(const char *path)
{
	return bh_has_prefix(path, "/hook/") || bh_has_suffix(path, ".json") ||
	       strcmp(path, "/healthz") == 0 || strcmp(path, "/metrics") == 0;
}

static const char *
error_title(int status)
{
	switch (status) {
	case 404:
		return "There is no such page";
	case 403:
		return "That is not allowed";
	case 405:
		return "That does not work here";
	case 503:
		return "Billhook cannot answer right now";
	case 500:
		return "Something went wrong";
	default:
		return "The request cannot be used";
	}
}

void
exchange_error(struct exchange *exchange, int status, const char *text)
{
	struct response *response = exchange->response;
	struct bh_err err = BH_ERR_INIT;

	response->file = NULL;
	if (is_for_programs(exchange->request->path)) {
		response_json(response, status, json_pack("{ss}", "error", text));
		return;
	}
	if (exchange->site->view == NULL ||
	    exchange_page(exchange, status, "error", error_title(status),
		json_pack("{si, ss, ss}", "status", status, "heading", error_title(status), "text",
		    text),
		&err) < 0)
		response_text(response, status, text);
}

/* No keeper serves a database on a network disk, and waiting for it is in vain.  True: that is said. */
static bool
is_disk_refused(struct exchange *exchange)
{
	const struct conf *conf = exchange->site->conf;
	const char *network = conf->network_disk == 0 ? bh_network_disk_of(conf->data_dir) : NULL;
	struct bh_err err = BH_ERR_INIT;

	if (network == NULL)
		return false;
	bh_fail_network_disk(&err, "The data directory", network);
	exchange_error(exchange, 503, err.text);
	return true;
}

/* A page function failed. */
static void
show_failure(struct exchange *exchange, const struct bh_err *err)
{
	exchange->response->retry_after_s = err->retry_after_s;
	switch (err->code) {
	case BH_UNAVAILABLE:
	case BH_UNCERTAIN:
		bh_log(BH_WARN, "page %s: %s", exchange->request->path, err->text);
		if (is_disk_refused(exchange))
			break;
		if (err->retry_after_s == 0)
			exchange->response->retry_after_s = 5;
		exchange_error(exchange, 503,
		    "Its database process cannot be reached. Webhooks are kept on disk meanwhile. "
		    "Try again in a few seconds.");
		break;
	case BH_LIMITED:
		exchange_error(exchange, 429, err->text);
		break;
	case BH_DENIED:
		exchange_error(exchange, 403, err->text);
		break;
	case BH_OK:
	case BH_INVALID:
	case BH_CONFLICT:
	case BH_STORAGE:
	case BH__MAX:
	default:
		bh_log(BH_ERROR, "page %s: %s", exchange->request->path, err->text);
		exchange_error(exchange, 500, "The reason is in Billhook's log.");
		break;
	}
}

/* -- one request -- */

/* May this session do what the route does?  Flags only loosen. */
static bool
is_role_enough(const struct exchange *exchange)
{
	const struct route *route = exchange->match.route;
	enum account_role needed = ACCOUNT_ADMIN;

	if ((route->flags & ROUTE_VIEWER) != 0 || strcmp(route->method, "GET") == 0)
		needed = ACCOUNT_VIEWER;
	else if ((route->flags & ROUTE_OPERATOR) != 0)
		needed = ACCOUNT_OPERATOR;
	return exchange->session.role >= needed;
}

/* To the login form, and back afterwards. */
static void
ask_for_login(struct exchange *exchange)
{
	const struct request *request = exchange->request;
	struct bh_buf path = BH_BUF_INIT((size_t)4 * REQUEST_PATH_MAX);

	if (is_for_programs(request->path)) {
		exchange_error(exchange, 401, "not signed in");
		return;
	}
	bh_buf_adds(&path, "/login");
	if (strcmp(request->method, "GET") == 0 && strcmp(request->path, "/") != 0) {
		bh_buf_adds(&path, "?next=");
		bh_percent_add(&path, request->path, strlen(request->path));
	}
	response_redirect(exchange->response, request->base, bh_buf_str(&path));
	bh_buf_release(&path);
}

/* The session, where the route wants one.  True when the request may go on; else it is answered. */
static bool
is_admitted(struct exchange *exchange, struct bh_err *err)
{
	bool is_public = (exchange->match.route->flags & ROUTE_PUBLIC) != 0;

	if (is_public)
		return true;
	if (session_find(exchange, err) < 0) {
		show_failure(exchange, err);
		return false;
	}
	if (!exchange->has_session) {
		ask_for_login(exchange);
		return false;
	}
	if (!is_role_enough(exchange)) {
		exchange_error(exchange, 403, "Your role does not include this.");
		return false;
	}
	return true;
}

/* The form and its token, where the route takes a form. */
static bool
is_form_good(struct exchange *exchange, struct bh_err *err)
{
	const struct route *route = exchange->match.route;

	if (strcmp(route->method, "GET") == 0 || (route->flags & ROUTE_RAW) != 0)
		return true;
	if (request_read_form(exchange->request, err) < 0) {
		exchange_error(exchange, 400, "The form could not be read.");
		return false;
	}
	if (!session_is_token(exchange)) {
		exchange_error(exchange, 403,
		    "This form is too old, or was not made by Billhook. Go back, reload the page and try again.");
		return false;
	}
	return true;
}

/*
 * Does the store have our format?  Not while an older one is brought up, nor with a newer one, which is
 * left alone.  Where it cannot be read the page says that itself.  False: it is said.
 */
static bool
is_format_ours(struct exchange *exchange)
{
	struct site *site = exchange->site;
	struct bh_err err = BH_ERR_INIT;
	int rc;

	if ((exchange->match.route->flags & ROUTE_ANY_FORMAT) != 0 ||
	    bh_mono_ms() < site->format_until_ms)
		return true;
	rc = schema_look(exchange_read(exchange), &err);
	if (rc == 0 && schema_is_set(exchange_read(exchange), NULL) > 0) {
		exchange->response->retry_after_s = 5;
		exchange_error(exchange, 503,
		    "What an older version stored is brought up to this version. Webhooks are kept meanwhile. "
		    "Try again in a few seconds.");
		return false;
	}
	if (rc < 0 && err.code == BH_INVALID) {
		exchange->response->retry_after_s = 300;
		exchange_error(exchange, 503,
		    "A newer version of Billhook has worked on this data: install that version again. Until "
		    "then nothing is changed here, and webhooks are answered so that they are sent again.");
		return false;
	}
	if (rc > 0)
		site->format_until_ms = bh_mono_ms() + FORMAT_MS;
	return true;
}

static void
dispatch(struct exchange *exchange)
{
	struct bh_err err = BH_ERR_INIT;
	const struct route *routes;
	size_t n;
	int rc;

	routes = site_routes(&n);
	rc = router_match(routes, n, exchange->request->method, exchange->request->path,
	    &exchange->match);
	if (rc == 0) {
		exchange_error(exchange, 404, "Check the address, or start from the home page.");
	} else if (rc < 0) {
		snprintf(exchange->response->allow, sizeof(exchange->response->allow), "%s",
		    exchange->match.allow);
		exchange_error(exchange, 405, "This address takes other methods.");
	} else if (is_format_ours(exchange) && is_admitted(exchange, &err) &&
		   is_form_good(exchange, &err) &&
		   exchange->match.route->answer(exchange, &err) < 0) {
		show_failure(exchange, &err);
	}
}

void
site_answer(struct site *site, struct request *request, struct response *response)
{
	struct exchange exchange = {.site = site, .request = request, .response = response};

	if (request->refused != 0) {
		bh_log(BH_INFO, "request refused status=%d peer=%s: %s", request->refused,
		    request->peer, request->why.text);
		exchange_error(&exchange, request->refused, request->why.text);
	} else {
		dispatch(&exchange);
	}
	if (response->body.full)
		response_text(response, 500, "The page is too large.");
	store_free(&exchange.txn);
	bh_wipe(exchange.session_id, sizeof(exchange.session_id));
}

bool
site_tick(struct site *site)
{
	struct bh_err err = BH_ERR_INIT;
	int n = hook_import_raw(site->hook, site->conf->data_dir, IMPORT_FILES, &err);

	hook_flush(site->hook);
	if (n > 0)
		bh_log(BH_INFO, "spooled webhooks imported: %d", n);
	else if (n < 0)
		bh_log(BH_DEBUG, "spooled webhooks wait: %s", err.text);
	return n == IMPORT_FILES;
}
