/*
 * Milliseconds that each page takes on the server, as JSON, one line a page:
 * bench-pages CUSTOMERS EVENTS
 *
 * A model customer with its subscription and invoice is ingested and copied,
 * with all that was worked out of it and a link for each, until there are so
 * many customers; a fifth of them is held.  Then so many events are accepted.
 * Pages are made in this process, over a real keeper.
 */
#include "base/base.h"

#include <sys/wait.h>

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "state/account.h"
#include "state/inquiry.h"
#include "state/journal.h"
#include "state/link.h"
#include "state/monitor.h"
#include "state/totals.h"
#include "store/keeper.h"
#include "sync/configure.h"
#include "sync/ingest.h"
#include "sync/totals.h"
#include "web/hook.h"
#include "web/site.h"

#define MODEL "9999999"
#define DIGITS 7
#define COPIES 200 /* customers in one commit */
#define LINKS 500  /* links in one commit */
#define TURNS 15   /* of each page; the median counts */

struct bench {
	char dir[64];
	pid_t keeper;
	struct conf conf;
	struct account_key key;
	struct site site;
	char cookie[BH_ID_LEN + 1];
	char token[MONITOR_TOKEN_LEN + 1]; /* for figures */
	unsigned events;
};

static _Noreturn void
give_up(const char *what)
{
	fprintf(stderr, "bench-pages: %s\n", what);
	exit(1);
}

/* -- begin and end -- */

static char *
source_path(const char *name)
{
	const char *dir = getenv("BH_SRCDIR");

	return bh_xasprintf("%s/%s", dir != NULL ? dir : ".", name);
}

static void
start(struct bench *bench)
{
	struct store_options options = {.engine = "bdb", .data_dir = bench->dir};
	struct bh_err err = BH_ERR_INIT;
	struct keeper_options keeper = {.data_dir = bench->dir,
	    .cache_bytes = 12u << 20,
	    .ballast_bytes = 1u << 20,
	    .checkpoint_bytes = 8u << 20};

	snprintf(bench->dir, sizeof(bench->dir), "/tmp/bench-pages-XXXXXX");
	if (mkdtemp(bench->dir) == NULL)
		give_up("no directory");
	bench->keeper = fork();
	if (bench->keeper == 0) {
		bh_log_level(BH_ERROR);
		_exit(keeper_run(&keeper));
	}
	for (int i = 0; i < 100; i++) {
		if (store_open(&options, &bench->site.store, &err) == 0 &&
		    store_ping(bench->site.store, &err) == 0)
			break;
		store_close(&bench->site.store);
		bh_sleep_ms(50);
	}
	if (bench->site.store == NULL || conf_load(bench->dir, &bench->conf, &err) < 0)
		give_up(err.text);
	free(bench->conf.template_dir);
	free(bench->conf.static_dir);
	free(bench->conf.preset_dir);
	bench->conf.preset_dir = source_path("presets");
	bench->conf.template_dir = source_path("templates");
	bench->conf.static_dir = source_path("static");
	memset(&bench->key, 7, sizeof(bench->key));
	bench->site.conf = &bench->conf;
	bench->site.key = bench->key;
	bench->site.has_key = true;
	bench->site.place.base = "";
	if (view_open(&bench->conf, &bench->site.view, &err) < 0)
		give_up(err.text);
	bench->site.hook = hook_new(&bench->site);
}

static void
end(struct bench *bench)
{
	char rm[] = "rm", flags[] = "-rf", *command[] = {rm, flags, bench->dir, NULL};
	pid_t pid;

	hook_free(&bench->site.hook);
	view_close(&bench->site.view);
	store_close(&bench->site.store);
	kill(bench->keeper, SIGTERM);
	waitpid(bench->keeper, NULL, 0);
	conf_release(&bench->conf);
	pid = fork();
	if (pid == 0)
		execvp("rm", command);
	waitpid(pid, NULL, 0);
}

static void
configure(struct bench *bench)
{
	static const char text[] =
	    "{\"billhook\":1,\"connections\":["
	    "{\"code\":\"stripe\",\"driver\":\"stripe\",\"secrets\":{\"webhook\":\"env:BENCH_SECRET\"}},"
	    "{\"code\":\"crm\",\"driver\":\"sandbox\"}],\"syncs\":[{\"code\":\"s\",\"from\":\"stripe\","
	    "\"to\":\"crm\",\"preset\":\"stripe-salesforce\"}],\"automations\":[{\"code\":\"grown\","
	    "\"preset\":\"expansions\",\"from\":\"stripe\"}],\"alerts\":{\"targets\":[{\"code\":\"team\","
	    "\"kind\":\"slack\",\"secrets\":{\"url\":\"env:BENCH_URL\"}}]}}";
	char *presets = source_path("presets");
	struct configure_options options = {.preset_dir = presets};
	struct bh_err err = BH_ERR_INIT;
	json_t *document = json_loads(text, 0, NULL);
	size_t changes;

	setenv("BENCH_SECRET", "secret", 1);
	setenv("BENCH_URL", "https://hooks.example.com/x", 1);
	if (configure_apply(bench->site.store, &bench->key, document, &options, &changes, &err) < 0)
		give_up(err.text);
	json_decref(document);
	free(presets);
}

/* -- what the store holds -- */

static void
accept(struct bench *bench, const char *type, const char *object)
{
	char id[32];
	struct bh_err err = BH_ERR_INIT;
	json_t *headers = json_object();
	char *body;
	struct journal_entry entry = {.connection = "stripe",
	    .id = id,
	    .type = type,
	    .received_ms = bh_now_ms(),
	    .headers = headers};

	snprintf(id, sizeof(id), "evt_%u", bench->events++);
	body = bh_xasprintf("{\"id\":\"%s\",\"object\":\"event\",\"type\":\"%s\",\"created\":%u,"
			    "\"livemode\":true,\"data\":{\"object\":%s}}",
	    id, type, 1795000000 + bench->events, object);
	entry.body = body;
	entry.body_len = strlen(body);
	if (journal_accept(bench->site.store, &entry, &err) != 1)
		give_up(err.text);
	free(body);
	json_decref(headers);
}

static void
send_model(struct bench *bench)
{
	accept(bench, "customer.updated",
	    "{\"id\":\"cus_" MODEL "\",\"object\":\"customer\",\"name\":\"Firm " MODEL "\","
	    "\"email\":\"a@example.com\",\"currency\":\"usd\",\"metadata\":{}}");
	accept(bench, "customer.subscription.updated",
	    "{\"id\":\"sub_" MODEL "\",\"object\":\"subscription\",\"customer\":\"cus_" MODEL "\","
	    "\"status\":\"active\",\"currency\":\"usd\",\"start_date\":1790000000,\"created\":1790000000,"
	    "\"metadata\":{},\"items\":{\"object\":\"list\",\"has_more\":false,\"data\":[{\"id\":\"si_" MODEL
	    "\",\"object\":\"subscription_item\",\"quantity\":3,\"current_period_start\":1793000000,"
	    "\"current_period_end\":1796000000,\"price\":{\"id\":\"price_1\",\"object\":\"price\","
	    "\"currency\":\"usd\",\"unit_amount\":1500,\"unit_amount_decimal\":\"1500\","
	    "\"billing_scheme\":\"per_unit\",\"type\":\"recurring\",\"recurring\":{\"interval\":\"month\","
	    "\"interval_count\":1,\"usage_type\":\"licensed\"}}}]}}");
	accept(bench, "invoice.updated",
	    "{\"id\":\"in_" MODEL "\",\"object\":\"invoice\",\"customer\":\"cus_" MODEL "\","
	    "\"subscription\":\"sub_" MODEL
	    "\",\"status\":\"open\",\"currency\":\"usd\",\"total\":4500,"
	    "\"amount_due\":4500,\"amount_remaining\":4500,\"number\":\"N-" MODEL "\","
	    "\"created\":1793000000,\"due_date\":1797000000,\"metadata\":{}}");
}

static void
ingest(struct bench *bench)
{
	struct sync_context context = {.conf = &bench->conf,
	    .store = bench->site.store,
	    .key = &bench->key};
	struct sync_outcome outcome;
	struct bh_err err = BH_ERR_INIT;

	if (ingest_run(&context, 0, &outcome, &err) < 0)
		give_up(err.text);
}

static void
renumber(struct bh_buf *out, const char *text, size_t len, unsigned number)
{
	char digits[DIGITS + 1];
	const char *at = text, *last = text + len, *found;

	snprintf(digits, sizeof(digits), "%07u", number);
	bh_buf_reset(out);
	while ((found = memmem(at, (size_t)(last - at), MODEL, DIGITS)) != NULL) {
		bh_buf_add(out, at, (size_t)(found - at));
		bh_buf_add(out, digits, DIGITS);
		at = found + DIGITS;
	}
	bh_buf_add(out, at, (size_t)(last - at));
}

/* Copy what the mirror, its figures, the list of customers and the marks hold of the model. */
static void
multiply(struct bench *bench, unsigned customers)
{
	static const char *const families[] = {"M", "F", "C"};
	struct bh_buf key = BH_BUF_INIT(STORE_KEY_MAX), value = BH_BUF_INIT(STORE_VALUE_MAX);
	struct store_txn *reading = store_begin(bench->site.store);
	const struct store_entry *entries[BH_LEN(families)];
	struct bh_err err = BH_ERR_INIT;
	size_t n[BH_LEN(families)];
	bool more;

	for (size_t f = 0; f < BH_LEN(families); f++) {
		struct store_scan scan = {.prefix = families[f], .prefix_len = 1, .max = 1000};

		if (store_scan(reading, &scan, &entries[f], &n[f], &more, &err) < 0)
			give_up(err.text);
	}
	for (unsigned from = 0; from < customers; from += COPIES) {
		struct store_txn *txn = store_begin(bench->site.store);

		for (unsigned i = from; i < from + COPIES; i++)
			for (size_t f = 0; f < BH_LEN(families); f++)
				for (size_t e = 0; e < n[f]; e++) {
					renumber(&key, entries[f][e].key, entries[f][e].key_len, i);
					renumber(&value, entries[f][e].value,
					    entries[f][e].value_len, i);
					store_put(txn, key.data, key.len, bh_buf_str(&value),
					    value.len);
				}
		if (store_commit(txn, NULL, &err) < 0)
			give_up(err.text);
		store_free(&txn);
	}
	store_free(&reading);
	bh_buf_release(&key);
	bh_buf_release(&value);
}

/* Every fifth is held, for one of two reasons; the others are in step. */
static void
make_link(unsigned number, struct link *link)
{
	*link = (struct link){.state = number % 5 == 0 ? LINK_HELD : LINK_CLEAN,
	    .pushed_ms = 1795000000000};
	snprintf(link->remote_id, sizeof(link->remote_id), "001%07u", number);
	snprintf(link->hash, sizeof(link->hash), "%064u", number);
	link_note(link, link->state == LINK_HELD ? LINK_REFUSED : LINK_CREATED, 1795000000000);
	if (link->state == LINK_CLEAN)
		return;
	snprintf(link->code, sizeof(link->code), "%s", number % 2 == 0 ? "TOO_LONG" : "MISSING");
	snprintf(link->cause, sizeof(link->cause), "A field is too long or missing: Name");
	snprintf(link->remedy, sizeof(link->remedy), "Correct it in the billing system.");
}

static void
put_links(struct bench *bench, unsigned customers)
{
	struct link_dirty_entry *entries = bh_xcalloc(LINKS, sizeof(entries[0]));
	struct link *links = bh_xcalloc(LINKS, sizeof(links[0]));
	char(*ids)[16] = bh_xcalloc(LINKS, sizeof(ids[0]));
	bool *clear = bh_xcalloc(LINKS, sizeof(clear[0]));
	struct bh_err err = BH_ERR_INIT;

	for (unsigned from = 0; from < customers; from += LINKS) {
		for (unsigned i = 0; i < LINKS; i++) {
			snprintf(ids[i], sizeof(ids[i]), "cus_%07u", from + i);
			entries[i].id = (struct link_id){"crm", 0, "s", "account", "", ids[i]};
			make_link(from + i, &links[i]);
		}
		if (link_settle(bench->site.store, entries, links, clear, LINKS, &err) < 0)
			give_up(err.text);
	}
	free(clear);
	free(ids);
	free(links);
	free(entries);
}

static void
put_events(struct bench *bench, unsigned events)
{
	for (unsigned i = 0; i < events; i++)
		accept(bench, "invoice.updated", "{\"id\":\"in_x\",\"object\":\"invoice\"}");
}

/* The totals of revenue, which their page only shows. */
static void
add_up(struct bench *bench)
{
	struct sync_context context = {.conf = &bench->conf,
	    .store = bench->site.store,
	    .key = &bench->key};
	struct sync_outcome outcome;
	struct store_txn *txn = store_begin(bench->site.store);
	struct bh_err err = BH_ERR_INIT;

	if (totals_ask(txn, bh_now_ms(), &err) < 0 || store_commit(txn, NULL, &err) < 0)
		give_up(err.text);
	store_free(&txn);
	if (totals_run(&context, &outcome, &err) < 0)
		give_up(err.text);
}

/* A person with as many records in CRMs as are listed, before they are erased. */
static void
find_person(struct bench *bench)
{
	struct inquiry inquiry = {.state = INQUIRY_LOOKED,
	    .asked_ms = 1,
	    .until_ms = bh_now_ms() + INQUIRY_KEPT_MS,
	    .facts = json_pack("{s:{s:i}, s:[]}", "found", "objects", 3, "records")};
	struct store_txn *txn = store_begin(bench->site.store);
	struct bh_err err = BH_ERR_INIT;

	for (int i = 0; i < INQUIRY_RECORDS_MAX; i++)
		json_array_append_new(json_object_get(inquiry.facts, "records"),
		    json_pack("{s:s, s:s, s:s, s:s}", "destination", "crm", "object", "invoice",
			"id", "in_1", "record", "001000000000001AAA"));
	inquiry_put(txn, &inquiry);
	if (store_commit(txn, NULL, &err) < 0)
		give_up(err.text);
	store_free(&txn);
	inquiry_release(&inquiry);
}

/* -- pages -- */

static int
begin_session(struct store_txn *txn, void *arg, struct bh_err *err)
{
	char hash[] = "none";
	struct bench *bench = arg;
	struct account_session session = {.user = "ada",
	    .role = ACCOUNT_ADMIN,
	    .expires_ms = bh_now_ms() + 3600000};

	struct account_user user = {.name = "ada", .role = ACCOUNT_ADMIN, .hash = hash};

	(void)err;
	account_user_save(txn, &user);
	account_session_new(txn, &session, bench->cookie);
	monitor_token_new(txn, bh_now_ms(), bench->token);
	return 0;
}

/* Its time in microseconds; its status. */
static int64_t
ask(struct bench *bench, const char *path, int *status_r)
{
	const char *question = strchr(path, '?');
	char *uri = bh_xasprintf("REQUEST_URI=%s", path);
	char *query = bh_xasprintf("QUERY_STRING=%s", question != NULL ? question + 1 : "");
	char *cookie = bh_xasprintf("HTTP_COOKIE=billhook=%s", bench->cookie);
	char *token = bh_xasprintf("HTTP_X_BILLHOOK_TOKEN=%s", bench->token);
	const char *params[] = {"REQUEST_METHOD=GET", uri, query, cookie, token,
	    "HTTP_HOST=localhost", "REMOTE_ADDR=192.0.2.1", NULL};
	struct response response;
	struct request request;
	int64_t began_us, took_us;

	request_init(&request, 1 << 16);
	request_begin(&request, params, &bench->site.place);
	response_init(&response);
	began_us = bh_mono_us();
	site_answer(&bench->site, &request, &response);
	took_us = bh_mono_us() - began_us;
	*status_r = response.status;
	response_release(&response);
	request_release(&request);
	free(token);
	free(cookie);
	free(query);
	free(uri);
	return took_us;
}

static int
compare(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

static void
measure(struct bench *bench, const char *path)
{
	int64_t took_us[TURNS];
	int status = 0;

	for (size_t i = 0; i < TURNS; i++)
		took_us[i] = ask(bench, path, &status);
	qsort(took_us, TURNS, sizeof(took_us[0]), compare);
	printf("{\"path\": \"%s\", \"status\": %d, \"ms\": %lld.%lld, \"slowest_ms\": %lld}\n",
	    path, status, (long long)took_us[TURNS / 2] / 1000,
	    (long long)took_us[TURNS / 2] / 100 % 10, (long long)took_us[TURNS - 1] / 1000);
	fflush(stdout);
}

/* Every route that answers GET; % is the newest event. */
static const struct {
	const char *pattern, *path; /* path NULL: the pattern is one */
} asked[] = {
    {"/", NULL},
    {"/status.json", NULL},
    {"/customers", NULL},
    {"/customers", "/customers?q=firm+00"},
    {"/customers", "/customers?q=cus_0001"},
    {"/customers", "/customers?mrr=USD"},
    {"/customers/:connection", "/customers/stripe?id=cus_0000777"},
    {"/records/:sync/:object", "/records/s/account?id=cus_0000775"},
    {"/problems", NULL},
    {"/problems/:crm/:sync/:object", "/problems/crm/s/account?code=TOO_LONG"},
    {"/connections", NULL},
    {"/connections/new/:driver", "/connections/new/stripe"},
    {"/connections/:connection", "/connections/stripe"},
    {"/connections/:connection", "/connections/crm"},
    {"/connections/:connection/status.json", "/connections/stripe/status.json"},
    {"/connections/:connection/status.json", "/connections/crm/status.json"},
    {"/syncs", NULL},
    {"/syncs/status.json", NULL},
    {"/syncs/new", NULL},
    {"/syncs/:sync", "/syncs/s"},
    {"/syncs/:sync/status.json", "/syncs/s/status.json"},
    {"/syncs/:sync/mapping", "/syncs/s/mapping"},
    {"/syncs/:sync/mapping.json", "/syncs/s/mapping.json"},
    {"/syncs/:sync/mapping/status.json", "/syncs/s/mapping/status.json"},
    {"/syncs/:sync/mapping/:object", "/syncs/s/mapping/account"},
    {"/syncs/:sync/preview", "/syncs/s/preview"},
    {"/syncs/:sync/preview/status.json", "/syncs/s/preview/status.json"},
    {"/syncs/:sync/audit", "/syncs/s/audit"},
    {"/syncs/:sync/audit.csv", "/syncs/s/audit.csv"},
    {"/syncs/:sync/audit/status.json", "/syncs/s/audit/status.json"},
    {"/syncs/:sync/undo", "/syncs/s/undo"},
    {"/syncs/:sync/undo/status.json", "/syncs/s/undo/status.json"},
    {"/oauth/callback", "/oauth/callback?state=none&code=none"},
    {"/activity", NULL},
    {"/activity", "/activity?q=cus_0000777"},
    {"/activity", "/activity?state=failed"},
    {"/activity", "/activity?type=customer.*"},
    {"/activity/status.json", NULL},
    {"/activity/:stamp", "/activity/%"},
    {"/automations", NULL},
    {"/automations/new/:preset", "/automations/new/renewals"},
    {"/automations/:automation", "/automations/grown"},
    {"/automations/:automation/status.json", "/automations/grown/status.json"},
    {"/revenue", NULL},
    {"/revenue/status.json", NULL},
    {"/revenue/movements.csv", NULL},
    {"/setup", NULL},
    {"/alerts", NULL},
    {"/alerts/new/:kind", "/alerts/new/slack"},
    {"/alerts/:target", "/alerts/team"},
    {"/settings", NULL},
    {"/settings/users/:user", "/settings/users/ada"},
    {"/settings/audit", NULL},
    {"/settings/configuration", NULL},
    {"/settings/configuration.json", NULL},
    {"/settings/options", NULL},
    {"/settings/backup", NULL},
    {"/settings/backup/status.json", NULL},
    {"/settings/person", NULL},
    {"/settings/person/status.json", NULL},
    {"/settings/person/erase", NULL},
    {"/metrics", NULL},
    {"/login", NULL},
    {"/healthz", NULL},
    {"/static/:name", "/static/style.css"},
};

static void
check_routes(void)
{
	const struct route *routes;
	size_t n;

	routes = site_routes(&n);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < BH_LEN(asked) && strcmp(asked[k].pattern, routes[i].pattern) != 0)
			k++;
		if (k == BH_LEN(asked) && strcmp(routes[i].method, "GET") == 0)
			give_up(routes[i].pattern);
	}
}

/* Stamp of the newest event, for a page that shows one. */
static unsigned long long
newest_stamp(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->site.store);
	struct journal_event event;
	unsigned long long stamp;
	size_t n;

	if (journal_list(txn, 0, 1, &event, &n, NULL) < 0 || n != 1)
		give_up("no event");
	stamp = event.stamp;
	journal_event_release(&event);
	store_free(&txn);
	return stamp;
}

static void
measure_all(struct bench *bench)
{
	if (store_run(bench->site.store, begin_session, bench, NULL, NULL) < 0)
		give_up("no session");
	for (size_t i = 0; i < BH_LEN(asked); i++) {
		const char *path = asked[i].path != NULL ? asked[i].path : asked[i].pattern;
		char whole[64];

		snprintf(whole, sizeof(whole), "/activity/%llu", newest_stamp(bench));
		measure(bench, strchr(path, '%') != NULL ? whole : path);
	}
}

int
main(int argc, char **argv)
{
	struct bench bench = {0};

	if (argc != 3) {
		fputs("usage: bench-pages CUSTOMERS EVENTS\n", stderr);
		return 2;
	}
	bh_log_level(BH_ERROR);
	check_routes();
	start(&bench);
	configure(&bench);
	send_model(&bench);
	ingest(&bench);
	multiply(&bench, (unsigned)strtoul(argv[1], NULL, 10));
	put_links(&bench, (unsigned)strtoul(argv[1], NULL, 10));
	put_events(&bench, (unsigned)strtoul(argv[2], NULL, 10));
	add_up(&bench);
	find_person(&bench);
	measure_all(&bench);
	end(&bench);
	return 0;
}
