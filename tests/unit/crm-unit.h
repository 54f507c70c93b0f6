/*
 * For the tests of a CRM's pages: a driver that can do everything and calls
 * nobody (the linker puts __wrap_dest_driver() between), and a world in which
 * every section of the page has something to show.
 */
#ifndef TESTS_UNIT_CRM_UNIT_H
#define TESTS_UNIT_CRM_UNIT_H

#include "dest/dest.h"
#include "site-unit.h"
#include "state/link.h"
#include "state/mirror.h"
#include "state/trail.h"
#include "state/walk.h"

#define CRM_SECRET "hush-consumer-secret"

/* -- a driver -- */

static inline int
crm_login(const struct dest_config *config, const struct dest_login *login, struct bh_buf *url,
    struct bh_err *err)
{
	const char *at = bh_json_str(config->settings, "login_url");

	if (at != NULL && strstr(at, "refuses") != NULL)
		return bh_fail(err, BH_INVALID, "the login address <refuses>");
	assert_int_equal(strlen(login->verifier), 64);
	assert_int_equal(strspn(login->verifier, "0123456789abcdef"), 64);
	bh_buf_addf(url, "%s/authorize?state=%s&back=", at != NULL ? at : "https://crm.example.com",
	    login->state);
	bh_percent_add(url, login->redirect_uri, strlen(login->redirect_uri));
	return 0;
}

static inline int
crm_exchange(struct dest_config *config BH_UNUSED, const struct dest_login *login BH_UNUSED,
    const char *code BH_UNUSED, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "pages call nobody");
}

static inline int
crm_unlinked(struct dest_config *config BH_UNUSED, const char *object BH_UNUSED,
    const char *key_field BH_UNUSED, const char *after BH_UNUSED, json_t **rows_r BH_UNUSED,
    bool *more_r BH_UNUSED, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "pages call nobody");
}

static inline int
crm_plan(struct dest_config *config BH_UNUSED, const json_t *schema BH_UNUSED,
    json_t **plan_r BH_UNUSED, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "pages call nobody");
}

static inline int
crm_install(struct dest_config *config BH_UNUSED, const json_t *schema BH_UNUSED,
    bool (*say)(void *arg, const json_t *progress) BH_UNUSED, void *arg BH_UNUSED,
    json_t **report_r BH_UNUSED, struct bh_err *err)
{
	return bh_fail(err, BH_INVALID, "pages call nobody");
}

const struct dest_driver *__real_dest_driver(const char *name);
const struct dest_driver *__wrap_dest_driver(const char *name);

const struct dest_driver *
__wrap_dest_driver(const char *name)
{
	static struct dest_driver able;
	const struct dest_driver *driver = __real_dest_driver(name);

	if (driver == NULL || strcmp(name, "salesforce") != 0)
		return driver;
	able = *driver;
	able.login = crm_login;
	able.exchange = crm_exchange;
	able.unlinked = crm_unlinked;
	able.plan = crm_plan;
	able.count = crm_plan;
	able.install = crm_install;
	able.uninstall = crm_install;
	return &able;
}

/* -- what is stored -- */

static inline void
crm_commit(struct store_txn **txn)
{
	assert_int_equal(store_commit(*txn, NULL, NULL), 0);
	store_free(txn);
}

/* Of the CRM "sf"; at_ms 0: it is open. */
static inline void
crm_put_errand(struct world *world, const char *name, const char *answer, const char *error,
    int64_t at_ms)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct errand errand = {.is_open = at_ms == 0,
	    .asked_ms = at_ms == 0 ? bh_now_ms() : at_ms,
	    .done_ms = at_ms};

	if (answer != NULL)
		assert_int_equal(bh_json_parse(answer, strlen(answer), &errand.answer, NULL), 0);
	snprintf(errand.error, sizeof(errand.error), "%s", error != NULL ? error : "");
	errand_save(txn, "sf", name, &errand);
	crm_commit(&txn);
	errand_release(&errand);
}

static inline void
crm_put_tokens(struct world *world)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *auth = json_pack("{s:s}", "refresh_token", "5Aep-hush-token");

	account_auth_save(txn, &world->site.key, "sf", auth);
	crm_commit(&txn);
	json_decref(auth);
}

/* The CRM "sf", into which a person lets Billhook. */
static inline void
crm_put(struct world *world, const char *name, const char *login_url)
{
	struct account_connection connection = {.code = "sf",
	    .driver = "salesforce",
	    .settings = json_pack("{s:s, s:s, s:s*}", "flow", "login", "client_id", "3MVG9",
		"login_url", login_url),
	    .secrets = json_pack("{s:s}", "client_secret", CRM_SECRET)};
	struct store_txn *txn = store_begin(world->site.store);

	snprintf(connection.name, sizeof(connection.name), "%s", name);
	assert_int_equal(account_connection_save(txn, &world->site.key, &connection, NULL), 0);
	crm_commit(&txn);
	account_connection_release(&connection);
}

static inline void
crm_put_sync_named(struct world *world, const char *code)
{
	static const char mapping[] =
	    "{\"name\": \"m\", \"source\": \"stripe\", \"dest\": \"salesforce\", \"objects\": ["
	    "{\"name\": \"account\", \"from\": \"customer\", \"to\": \"Account\", \"key\": \"Billhook_Id__c\","
	    " \"match\": [{\"by\": \"key\"}], \"fields\": [{\"to\": \"Name\", \"from\": \"name\"}]},"
	    "{\"name\": \"bill\", \"from\": \"invoice\", \"to\": \"Bill__c\", \"key\": \"Billhook_Id__c\","
	    " \"fields\": [{\"to\": \"Name\", \"from\": \"number\"}]}]}";
	struct account_sync sync = {.from = "eu", .to = "sf"};
	struct store_txn *txn = store_begin(world->site.store);

	assert_int_equal(bh_json_parse(mapping, strlen(mapping), &sync.mapping, NULL), 0);
	snprintf(sync.code, sizeof(sync.code), "%s", code);
	assert_int_equal(account_sync_save(txn, &sync, NULL), 0);
	crm_commit(&txn);
	account_sync_release(&sync);
}

static inline void
crm_put_sync(struct world *world)
{
	crm_put_sync_named(world, "eu-sf");
}

static inline struct link_id
crm_link_id(const char *id)
{
	return (struct link_id){"sf", 0, "eu-sf", "account", "", id};
}

/* A customer of that name, whose link is in that state. */
static inline void
crm_put_customer(struct world *world, const char *id, const char *name, struct link link)
{
	struct link_dirty_entry entry = {.id = crm_link_id(id)};
	struct mirror_id held = {"eu", "", OBJECT_CUSTOMER, id};
	struct object_state state = {.version = {.at_ms = 1},
	    .fields = json_pack("{s:s, s:s}", "id", id, "name", name)};
	struct store_txn *txn = store_begin(world->site.store);
	bool clear = true;

	mirror_put(txn, &held, &state);
	crm_commit(&txn);
	mirror_object_release(&state);
	assert_int_equal(link_settle(world->site.store, &entry, &link, &clear, 1, NULL), 0);
}

/* One that waits for a choice between two records. */
static inline void
crm_put_match(struct world *world, const char *id, const char *name, const char *candidate)
{
	struct link_id link = crm_link_id(id);
	json_t *list = json_pack("[{s:s, s:s, s:s, s:s}, {s:s, s:s, s:s, s:s}]", "remote_id",
	    "001A", "name", candidate, "key", "", "why", "the same e-mail", "remote_id", "001B",
	    "name", "Beta", "key", "stripe:cus_9", "why", "the same domain");
	struct store_txn *txn;

	crm_put_customer(world, id, name,
	    (struct link){.state = LINK_HELD,
		.code = LINK_AMBIGUOUS,
		.cause = "two accounts have <this> e-mail"});
	txn = store_begin(world->site.store);
	link_candidates_put(txn, &link, list);
	crm_commit(&txn);
	json_decref(list);
}

#define CRM_PLAN                                                                                          \
	"{\"exists\": 1, \"missing\": 1, \"differs\": 1, \"hidden\": 0, \"rows\": ["                      \
	"{\"kind\": \"field\", \"name\": \"Account.Mrr__c\", \"label\": \"MRR\", \"type\": \"Currency\"," \
	" \"state\": \"exists\"},"                                                                        \
	"{\"kind\": \"object\", \"name\": \"Bill__c\", \"label\": \"<Bill>\", \"state\": \"missing\","    \
	" \"why\": \"invoices\"},"                                                                        \
	"{\"kind\": \"field\", \"name\": \"Account.Arr__c\", \"label\": \"ARR\", \"state\": \"differs\"," \
	" \"type\": \"Currency\", \"detail\": \"is a <Text>\", \"why\": \"figures\"}]}"
#define CRM_REPORT                                                                                        \
	"{\"created\": [\"Bill__c\"], \"failed\": [{\"name\": \"Account.X__c\", \"code\": \"LIMIT\","     \
	" \"cause\": \"too many <fields>\", \"remedy\": \"remove one\"}], \"hidden\": [\"Bill__c.<Y>\"]," \
	" \"is_complete\": false}"
#define CRM_PROBE                                                                                                 \
	"{\"name\": \"<b>Example Corp\", \"id\": \"00D1\", \"kind\": \"Enterprise Edition\", \"mode\": \"test\"," \
	" \"detail\": \"as ada@example.com\", \"missing\": [\"deals.read, to find <deals>\"], \"limits\": [{\"name\": \"Daily<API>\", \"used\": 12, \"limit\": 15000}]}"
#define CRM_COUNT                                                                                  \
	"{\"objects\": [{\"name\": \"Bill__c\", \"label\": \"<Bill>\", \"records\": 1204}],"       \
	" \"fields\": [{\"name\": \"Account.Mrr__c\", \"label\": \"MRR\", \"records\": 30}]}"
#define CRM_IMPORT                                                                                                   \
	"{\"rows\": [{\"remote_id\": \"001X\", \"name\": \"<i>Xenon\", \"link\": \"https://crm.example.com/001X\"}," \
	" {\"remote_id\": \"001Y\", \"name\": \"Yttrium\", \"link\": \"javascript:alert(1)\"}], \"more\": true,"     \
	" \"sync\": \"eu-sf\", \"object\": \"Account\", \"source\": \"eu\", \"after\": \"001Y\", \"can_create\": true}"

/* Something in every section. */
static inline void
crm_fill(struct world *world)
{
	int64_t now = bh_now_ms();
	struct link_lane lane = {.day_used = 9000,
	    .day_limit = 15000,
	    .day_at_ms = now,
	    .first_used = 8000,
	    .first_at_ms = now - INT64_C(6) * 3600 * 1000,
	    .calls = 1204};
	struct store_txn *txn;

	crm_put(world, "The \"CRM\" <script>", NULL);
	crm_put_tokens(world);
	crm_put_sync(world);
	crm_put_errand(world, ERRAND_PROBE, CRM_PROBE, NULL, now - 1000);
	crm_put_errand(world, ERRAND_PLAN, CRM_PLAN, NULL, now - 2000);
	crm_put_errand(world, ERRAND_INSTALL, CRM_REPORT, NULL, now - 1000);
	crm_put_errand(world, ERRAND_COUNT, CRM_COUNT, NULL, now - 1000);
	crm_put_errand(world, ERRAND_IMPORT, CRM_IMPORT, NULL, now - 1000);
	crm_put_match(world, "cus_1", "<img src=x>", "Acme <script>alert(1)</script>");
	crm_put_customer(world, "cus_5", "Fifth <Ltd>",
	    (struct link){.state = LINK_EXCLUDED, .code = LINK_NO_MATCH});
	txn = store_begin(world->site.store);
	link_lane_note(txn, "sf", &lane);
	crm_commit(&txn);
}

/* -- looking and pressing; no page gives a secret away -- */

static inline void
check_answer(const struct browser *browser, const char *uri, int status)
{
	if (browser->status != status)
		fail_msg("%s: %d instead of %d: %s", uri, browser->status, status, browser->body);
	if (strstr(browser->body, CRM_SECRET) != NULL || strstr(browser->body, "5Aep-") != NULL)
		fail_msg("%s gives a secret away", uri);
}

static inline void
look(struct browser *browser, const char *uri, int status)
{
	ask(browser, "GET", uri, NULL);
	check_answer(browser, uri, status);
}

static inline void
send(struct browser *browser, const char *uri, const char *fields, int status)
{
	post(browser, uri, fields);
	check_answer(browser, uri, status);
	if (status != 200)
		look(browser, "/connections", 200); /* a token for the next form */
}

static inline void
lacks(const struct browser *browser, const char *part)
{
	if (strstr(browser->body, part) != NULL)
		fail_msg("\"%s\" is in: %s", part, browser->body);
}

static inline struct browser
open_at(struct world *world, const char *user, const char *uri)
{
	struct browser browser = open_browser(world);

	sign_in(&browser, user);
	look(&browser, uri, 200);
	return browser;
}

static inline struct errand
errand_of(struct world *world, const char *name)
{
	struct store_txn *txn = store_begin(world->site.store);
	struct errand errand;

	assert_true(errand_load(txn, "sf", name, &errand, NULL) >= 0);
	store_free(&txn);
	return errand;
}

static inline bool
is_asked(struct world *world, const char *name)
{
	struct errand errand = errand_of(world, name);
	bool is_open = errand.is_open;

	errand_release(&errand);
	return is_open;
}

/* The newest entry of the trail. */
static inline void
assert_trail(struct world *world, const char *what, const char *text)
{
	struct store_txn *txn = store_begin(world->site.store);
	json_t *trail;

	assert_int_equal(trail_list(txn, 0, 1, &trail, NULL), 0);
	assert_string_equal(bh_json_str(trail, "0.what"), what);
	assert_string_equal(bh_json_str(trail, "0.text"), text);
	assert_string_equal(bh_json_str(trail, "0.subject"), "sf");
	json_decref(trail);
	store_free(&txn);
}

#endif
