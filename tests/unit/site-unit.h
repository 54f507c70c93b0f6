/*
 * For the tests of pages: a site over a store in memory, and a browser that
 * keeps cookies and the form token of the page last seen.
 */
#ifndef TESTS_UNIT_SITE_UNIT_H
#define TESTS_UNIT_SITE_UNIT_H

#include "base/base.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/text.h"
#include "state/backup.h"
#include "state/inquiry.h"
#include "unit.h"
#include "web/hook.h"
#include "web/session.h"
#include "web/site.h"

#define PASSWORD "correct horse"

static const char *const words[] = {"hook", "login", "static", NULL};

struct world {
	struct conf conf;
	struct site site;
};

/* -- set-up -- */

static inline int
put_people(struct store_txn *txn, void *arg, struct bh_err *err)
{
	static const struct {
		const char *name;
		enum account_role role;
	} people[] = {{"ada", ACCOUNT_ADMIN}, {"oda", ACCOUNT_OPERATOR}, {"vic", ACCOUNT_VIEWER}};
	const char *hash = arg;

	(void)err;
	for (size_t i = 0; i < BH_LEN(people); i++) {
		struct account_user user = {.role = people[i].role, .hash = bh_xstrdup(hash)};

		snprintf(user.name, sizeof(user.name), "%s", people[i].name);
		account_user_save(txn, &user);
		account_user_release(&user);
	}
	return 0;
}

/* As in a new installation: nobody, and a data directory (for tests that remove it). */
static inline int
drop_people(struct store_txn *txn, void *arg BH_UNUSED, struct bh_err *err BH_UNUSED)
{
	account_user_drop(txn, "ada");
	account_user_drop(txn, "oda");
	account_user_drop(txn, "vic");
	return 0;
}

static inline void
empty_world(struct world *world, char dir[32])
{
	snprintf(dir, 32, "/tmp/t-site.XXXXXX");
	if (mkdtemp(dir) == NULL ||
	    store_run(world->site.store, drop_people, NULL, NULL, NULL) != 0)
		fail_msg("no new installation");
	free(world->conf.data_dir);
	world->conf.data_dir = bh_xstrdup(dir);
}

static inline void
set_text(char **option, char *text)
{
	free(*option);
	*option = text;
}

static inline int
make_world(void **state)
{
	static char *hash;
	struct world *world = bh_xcalloc(1, sizeof(*world));
	struct store_options mem = {.engine = "mem"};
	struct bh_err err = BH_ERR_INIT;

	*state = world;
	if (hash == NULL)
		hash = bh_password_hash(PASSWORD);
	if (conf_load("/nonexistent", &world->conf, &err) < 0)
		return -1;
	set_text(&world->conf.data_dir, bh_xstrdup("/dev/null/none"));
	set_text(&world->conf.template_dir, unit_path("templates"));
	set_text(&world->conf.static_dir, unit_path("static"));
	set_text(&world->conf.preset_dir, unit_path("presets"));
	world->conf.session_hours = 1;
	world->site.conf = &world->conf;
	world->site.has_key = true;
	world->site.place.base = "";
	world->site.place.words = words;
	if (store_open(&mem, &world->site.store, &err) < 0 ||
	    view_open(&world->conf, &world->site.view, &err) < 0 ||
	    store_run(world->site.store, put_people, hash, NULL, &err) != 0)
		return -1;
	world->site.hook = hook_new(&world->site);
	return 0;
}

static inline int
drop_world(void **state)
{
	struct world *world = *state;

	hook_free(&world->site.hook);
	view_close(&world->site.view);
	store_close(&world->site.store);
	conf_release(&world->conf);
	free(world);
	return 0;
}

/* -- a browser -- */

struct browser {
	struct world *world;
	char cookies[300];
	char token[80]; /* of the form last seen */
	int status;
	char location[1200];
	char retry[32];
	char *body;
	char download[80]; /* the name of a file that was sent in parts; "" none */
	const char *host, *peer;
	const char *root;   /* of the web server's files; NULL: it does not tell */
	const char *header; /* one more meta-variable, "NAME=value"; NULL none */
	const char *type;   /* Content-Type of what is posted; NULL: a form without files */
};

static inline void
take_cookie(struct browser *browser, const char *value)
{
	size_t len = strcspn(value, ";"), name_len = strcspn(value, "=");
	char kept[300] = "";
	char *at = browser->cookies;

	/* The others stay; this one is replaced, or gone when it is empty. */
	while (*at != '\0') {
		size_t n = strcspn(at, ";");

		if (strncmp(at, value, name_len + 1) != 0)
			snprintf(kept + strlen(kept), sizeof(kept) - strlen(kept), "%.*s;", (int)n,
			    at);
		at += n + (at[n] == ';');
	}
	if (value[name_len + 1] != ';')
		snprintf(kept + strlen(kept), sizeof(kept) - strlen(kept), "%.*s;", (int)len,
		    value);
	memcpy(browser->cookies, kept, sizeof(kept));
}

static inline void
take_token(struct browser *browser)
{
	const char *at = strstr(browser->body, "name=\"token\" value=\"");

	browser->token[0] = '\0';
	if (at == NULL)
		return;
	at += strlen("name=\"token\" value=\"");
	snprintf(browser->token, sizeof(browser->token), "%.*s", (int)strcspn(at, "\""), at);
}

/* What a browser gets of an answer in parts. */
static inline char *
streamed(const struct response *response)
{
	char *text = bh_xcalloc((size_t)response->stream_len + 1, 1);

	assert_int_equal(read(response->stream_fd, text, (size_t)response->stream_len),
	    response->stream_len);
	return text;
}

static inline void
ask(struct browser *browser, const char *method, const char *uri, const char *form)
{
	char method_param[32], uri_param[3000], cookie[320], host[100], peer[64], query[3000];
	char root[300], type[200];
	const char *question = strchr(uri, '?');
	const char *params[] = {method_param, uri_param, cookie, host, peer, query,
	    type, browser->header != NULL ? browser->header : "X=",
	    browser->root != NULL ? root : NULL,
	    NULL};
	struct response response;
	struct request request;

	snprintf(method_param, sizeof(method_param), "REQUEST_METHOD=%s", method);
	snprintf(uri_param, sizeof(uri_param), "REQUEST_URI=%s", uri);
	snprintf(cookie, sizeof(cookie), "HTTP_COOKIE=%s", browser->cookies);
	snprintf(host, sizeof(host), "HTTP_HOST=%s", browser->host);
	snprintf(peer, sizeof(peer), "REMOTE_ADDR=%s", browser->peer);
	snprintf(type, sizeof(type), "CONTENT_TYPE=%s",
	    browser->type != NULL ? browser->type : "application/x-www-form-urlencoded");
	snprintf(root, sizeof(root), "DOCUMENT_ROOT=%s",
	    browser->root != NULL ? browser->root : "");
	snprintf(query, sizeof(query), "QUERY_STRING=%s", question != NULL ? question + 1 : "");
	request_init(&request, 1 << 16);
	request_begin(&request, params, &browser->world->site.place);
	if (form != NULL)
		bh_buf_adds(&request.body, form);
	response_init(&response);
	site_answer(&browser->world->site, &request, &response);
	browser->status = response.status;
	snprintf(browser->location, sizeof(browser->location), "%s",
	    response.location != NULL ? response.location : "");
	snprintf(browser->retry, sizeof(browser->retry), "%d", response.retry_after_s);
	for (size_t i = 0; i < VIEW_COOKIES; i++)
		if (response.cookies[i] != NULL)
			take_cookie(browser, response.cookies[i]);
	snprintf(browser->download, sizeof(browser->download), "%s", response.download);
	free(browser->body);
	browser->body = response.is_stream ? streamed(&response)
					   : bh_xstrdup(bh_buf_str(&response.body));
	take_token(browser);
	response_release(&response);
	request_release(&request);
}

static inline void
post(struct browser *browser, const char *uri, const char *fields)
{
	char *form = bh_xasprintf("token=%s&%s", browser->token, fields);

	ask(browser, "POST", uri, form);
	free(form);
}

static inline struct browser
open_browser(struct world *world)
{
	return (struct browser){.world = world, .host = "localhost:8080", .peer = "192.0.2.1"};
}

static inline void
close_browser(struct browser *browser)
{
	free(browser->body);
}

static inline void
sign_in(struct browser *browser, const char *name)
{
	char fields[100];

	ask(browser, "GET", "/login", NULL);
	assert_int_equal(browser->status, 200);
	snprintf(fields, sizeof(fields), "name=%s&password=correct+horse&next=/", name);
	post(browser, "/login", fields);
	assert_int_equal(browser->status, 303);
	assert_string_equal(browser->location, "/");
}

static inline void
assert_page(const struct browser *browser, const char *part)
{
	if (strstr(browser->body, part) == NULL)
		fail_msg("\"%s\" is not in: %s", part, browser->body);
}

/* -- connections -- */

struct connection_case {
	struct world *world;
	const char *code, *driver, *name, *broken, *environment;
	bool is_source, is_paused;
};

static inline int
put_connection(struct store_txn *txn, void *arg, struct bh_err *err)
{
	const struct connection_case *c = arg;
	struct account_connection connection = {.is_source = c->is_source,
	    .paused = c->is_paused,
	    .settings = json_object(),
	    .secrets = json_object()};
	int rc;

	snprintf(connection.code, sizeof(connection.code), "%s", c->code);
	snprintf(connection.driver, sizeof(connection.driver), "%s", c->driver);
	snprintf(connection.name, sizeof(connection.name), "%s", c->name);
	snprintf(connection.broken, sizeof(connection.broken), "%s",
	    c->broken != NULL ? c->broken : "");
	if (c->environment != NULL)
		json_object_set_new(connection.settings, "environment",
		    json_string(c->environment));
	rc = account_connection_save(txn, &c->world->site.key, &connection, err);
	account_connection_release(&connection);
	return rc;
}

static inline void
connect(struct connection_case c)
{
	struct bh_err err = BH_ERR_INIT;

	if (store_run(c.world->site.store, put_connection, &c, NULL, &err) != 0)
		fail_msg("%s", err.text);
}

/* -- backups -- */

#define INQUIRY_FILE "person-20261122-175900.json"
#define BACKUP_FILE "billhook-20261122-175900.tar"

/* One that is ready, in a data directory that is made; drop_backup() removes both. */
static inline void
put_backup(struct world *world, char dir[32], bool has_key)
{
	struct backup backup = {.state = BACKUP_READY,
	    .asked_ms = 1,
	    .has_key = has_key,
	    .made_ms = bh_now_ms(),
	    .until_ms = bh_now_ms() + BACKUP_KEPT_MS,
	    .bytes = 12};
	struct store_txn *txn = store_begin(world->site.store);
	char path[80];
	FILE *file;

	snprintf(dir, 32, "/tmp/t-site.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" BACKUP_DIR, dir);
	assert_int_equal(bh_make_dir(path, NULL), 0);
	snprintf(path, sizeof(path), "%s/" BACKUP_DIR "/" BACKUP_FILE, dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("the archive\n", file);
	fclose(file);
	free(world->conf.data_dir);
	world->conf.data_dir = bh_xstrdup(dir);
	snprintf(backup.name, sizeof(backup.name), BACKUP_FILE);
	backup_put(txn, &backup);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
}

static inline void
drop_backup(const char *dir)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/" BACKUP_DIR "/" BACKUP_FILE, dir);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/" BACKUP_DIR, dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* What was found about a customer, as the job leaves it; with a file in a data directory as of put_backup(), dir NULL none. */
static inline void
put_inquiry(struct world *world, enum inquiry_state state, const char *dir)
{
	struct inquiry inquiry = {.state = state,
	    .asked_ms = 7,
	    .who = "ada@person.example",
	    .until_ms = bh_now_ms() + INQUIRY_KEPT_MS,
	    .read = 12400,
	    .bytes = 4096,
	    .note = "No <room>"};
	struct store_txn *txn = store_begin(world->site.store);
	char path[80];
	FILE *file;

	inquiry.facts = json_pack(
	    "{s:{s:i, s:i}, s:{s:i}, s:[{s:s, s:s, s:s}], s:[{s:s, s:s, s:s, s:s}], s:i, s:[{s:s, s:s}]}",
	    "found", "objects", 3, "events", 1204, "erased", "objects", 3, "customers",
	    "connection", "eu", "account", "", "id", "cus_<1>", "records", "destination", "sf",
	    "object", "account", "id", "cus_<1>", "record", "001<x>", "more", 4, "rest", "path",
	    "db.before-1", "what", "remove it");
	assert_non_null(inquiry.facts);
	if (state == INQUIRY_ERASED)
		inquiry.who[0] = '\0';
	if (dir != NULL) {
		snprintf(inquiry.name, sizeof(inquiry.name), INQUIRY_FILE);
		snprintf(path, sizeof(path), "%s/" INQUIRY_DIR, dir);
		assert_int_equal(bh_make_dir(path, NULL), 0);
		snprintf(path, sizeof(path), "%s/" INQUIRY_DIR "/" INQUIRY_FILE, dir);
		file = fopen(path, "w");
		assert_non_null(file);
		fputs("{\"asked\": 1}\n", file);
		fclose(file);
	}
	inquiry_put(txn, &inquiry);
	assert_int_equal(store_commit(txn, NULL, NULL), 0);
	store_free(&txn);
	inquiry_release(&inquiry);
}

static inline void
drop_inquiry(const char *dir)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/" INQUIRY_DIR "/" INQUIRY_FILE, dir);
	(void)unlink(path);
	snprintf(path, sizeof(path), "%s/" INQUIRY_DIR, dir);
	assert_int_equal(rmdir(path), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, drop_world)

#endif
