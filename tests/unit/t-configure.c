/* The configuration as a document: what is refused and where, what is applied and what follows. */
#include "base/base.h"

#include <sys/stat.h>

#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "bench.h"
#include "state/trail.h"
#include "sync/configure.h"
#include "sync/resync.h"
#include "unit.h"

#define SOURCE "{'code':'stripe','driver':'stripe','secrets':{'webhook':'env:BENCH_SECRET'}}"
#define SANDBOX "{'code':'crm','driver':'sandbox'}"
#define OBJECTS                                                                                    \
	"'objects':[{'name':'a','from':'customer','to':'A','key':'K','fields':["                   \
	"{'to':'Name','from':'name'}]}]"
#define SYNC "{'code':'s','from':'stripe','to':'crm','mapping':{" OBJECTS "}}"
#define DOCUMENT "{'billhook':1,'connections':[" SOURCE "," SANDBOX "],'syncs':[" SYNC "]}"

/* -- helpers -- */

/* -1 with bench->err, else how many things were changed. */
static int
try_apply(struct bench *bench, const char *document)
{
	json_t *json = bench_json(document);
	size_t changes = 0;
	int rc = bench_configure(bench, json, &changes);

	json_decref(json);
	return rc < 0 ? -1 : (int)changes;
}

static void
assert_refused(struct bench *bench, const char *document, const char *why)
{
	if (try_apply(bench, document) >= 0)
		fail_msg("taken: %s", document);
	assert_int_equal(bench->err.code, BH_INVALID);
	if (strstr(bench->err.text, why) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", document, bench->err.text, why);
}

static struct account_connection
connection_of(struct bench *bench, const char *code)
{
	struct store_txn *txn = store_begin(bench->store);
	struct account_connection connection;

	assert_int_equal(account_connection_load(txn, &bench->key, code, &connection, &bench->err),
	    1);
	store_free(&txn);
	return connection;
}

static void
assert_secret(struct bench *bench, const char *path, const char *secret)
{
	struct account_connection connection = connection_of(bench, "stripe");

	assert_string_equal(bh_json_str(connection.secrets, path), secret);
	account_connection_release(&connection);
}

static uint64_t
version_of(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	uint64_t version;

	assert_int_equal(account_version(txn, &version, &bench->err), 0);
	store_free(&txn);
	return version;
}

/* -- the form -- */

static void
refused_with_the_place(void **state)
{
	static const struct {
		const char *document, *why;
	} cases[] = {
	    {"5", "/: must be an object"},
	    {"[]", "/: must be an object"},
	    {"{}", "/: lacks \"billhook\""},
	    {"{'billhook':2}", "/billhook: must be 1"},
	    {"{'billhook':'1'}", "/billhook: must be 1"},
	    {"{'billhook':1,'other':1}", "/other: there is no such member"},
	    {"{'billhook':1,'connections':{}}", "/connections: must be a list"},
	    {"{'billhook':1,'connections':[5]}", "/connections/0: must be an object"},
	    {"{'billhook':1,'connections':[" SANDBOX ",{'code':'x'}]}",
		"/connections/1: lacks \"driver\""},
	    {"{'billhook':1,'connections':[{'code':'x','driver':'nope'}]}",
		"/connections/0/driver: must be one of: stripe"},
	    {"{'billhook':1,'connections':[{'code':'','driver':'sandbox'}]}",
		"/connections/0/code: must be 1 to 64"},
	    {"{'billhook':1,'connections':[{'code':'A B','driver':'sandbox'}]}",
		"/connections/0/code: must be 1 to 64"},
	    {"{'billhook':1,'connections':[" SANDBOX "," SANDBOX "]}",
		"/connections/1/code: \"crm\" stands here twice"},
	    {"{'billhook':1,'connections':[{'code':'x','driver':'sandbox','paused':1}]}",
		"/connections/0/paused: must be true or false"},
	    {"{'billhook':1,'connections':[{'code':'x','driver':'sandbox','settings':[]}]}",
		"/connections/0/settings: must be an object"},
	    {"{'billhook':1,'connections':[{'code':'x','driver':'sandbox','secrets':{'k':'s3'}}]}",
		"/connections/0/secrets/k: must be \"env:NAME\""},
	    {"{'billhook':1,'connections':[{'code':'x','driver':'sandbox','secrets':{'k':5}}]}",
		"/connections/0/secrets/k: "},
	    {"{'billhook':1,'connections':[{'code':'x','driver':'sandbox','secrets':{'k':[]}}]}",
		"/connections/0/secrets/k: "},
	    {"{'billhook':1,'connections':[{'code':'x','driver':'sandbox',"
	     "'secrets':{'k':[['keep']]}}]}",
		"/connections/0/secrets/k/0: "},
	    {"{'billhook':1,'syncs':[{'code':'s','from':'a'}]}", "/syncs/0: lacks \"to\""},
	    {"{'billhook':1,'syncs':[{'code':'s','from':'a','to':'b'}]}",
		"/syncs/0: lacks \"preset\""},
	    {"{'billhook':1,'syncs':[{'code':'s','from':'a','to':'b','preset':'../key'}]}",
		"/syncs/0/preset: must be 1 to 64"},
	    {"{'billhook':1,'syncs':[{'code':'s','from':'a','to':'b','preset':'nope'}]}",
		"/syncs/0/preset: there is no preset \"nope\""},
	    {"{'billhook':1,'syncs':[" SYNC "," SYNC "]}",
		"/syncs/1/code: \"s\" stands here twice"},
	    {"{'billhook':1,'syncs':[{'code':'s','from':'a','to':'b','mapping':{}}]}",
		"/syncs/0/mapping: lacks \"objects\""},
	    {"{'billhook':1,'syncs':[{'code':'s','from':'a','to':'b','mapping':{'objects':["
	     "{'name':'x','from':'nothing','to':'A','key':'K','fields':[]}]}}]}",
		"/syncs/0/mapping/objects/0/from: must be one of: customer"},
	    {"{'billhook':1,'syncs':[{'code':'s','from':'a','to':'b','mapping':{'objects':["
	     "{'name':'x','from':'customer','to':'A','key':'K','fields':["
	     "{'to':'Name','from':'nothing'}]}]}}]}",
		"/syncs/0/mapping/objects/0/fields/0: x: Name: customer has no field 'nothing'"},
	    {"{'billhook':1,'automations':[{'preset':'nope'}]}",
		"/automations/0/preset: there is no automation \"nope\""},
	    {"{'billhook':1,'automations':[{'preset':'renewals'}]}",
		"/automations/0: from is the code of"},
	    {"{'billhook':1,'automations':[{'preset':'renewals','from':'a','since':'noon'}]}",
		"/automations/0/since: must be a time such as"},
	    {"{'billhook':1,'alerts':{'remind_hours':9999}}",
		"/alerts/remind_hours: must be at most 8760"},
	    {"{'billhook':1,'alerts':{'quiet':{'from':'8pm','to':'07:00'}}}",
		"/alerts/quiet: quiet hours have from and to"},
	    {"{'billhook':1,'alerts':{'targets':[{'code':'a','kind':'slack','quiet':{}}]}}",
		"/alerts/targets/0/quiet: quiet hours have from and to"},
	    {"{'billhook':1,'alerts':{'targets':[{'code':'a','kind':'slack'},"
	     "{'code':'a','kind':'slack'}]}}",
		"/alerts/targets/1/code: \"a\" stands here twice"},
	};
	struct bench *bench = bench_new(NULL);

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		assert_refused(bench, cases[i].document, cases[i].why);
		if (!bh_has_prefix(bench->err.text, cases[i].why))
			fail_msg("\"%s\" does not begin with its place", bench->err.text);
	}
	assert_int_equal(version_of(bench), 0);
	bench_free(bench);
}

/* The drivers look at settings too; a sync needs both its ends.  Nothing of the document is taken then. */
static void
refused_as_a_whole(void **state)
{
	static const struct {
		const char *document, *why;
	} cases[] = {
	    {"{'billhook':1,'connections':[" SANDBOX ",{'code':'stripe','driver':'stripe'}]}",
		"/connections/1: "},
	    {"{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
	     "'settings':{'mode':'dead'},'secrets':{'webhook':'env:BENCH_SECRET'}}]}",
		"/connections/0/settings/mode: "},
	    {"{'billhook':1,'connections':[" SANDBOX ",{'code':'stripe','driver':'stripe',"
	     "'secrets':{'webhook':'env:BENCH_NOTHING'}}]}",
		"/connections/1/secrets/webhook: the environment has no BENCH_NOTHING"},
	    {"{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
	     "'secrets':{'webhook':['env:BENCH_SECRET','keep']}}]}",
		"/connections/0/secrets/webhook/1: there is no stored secret to keep"},
	    {"{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
	     "'secrets':{'a/b~c':'keep'}}]}",
		"/connections/0/secrets/a~1b~0c: there is no stored secret to keep"},
	    {"{'billhook':1,'connections':[" SOURCE "],'syncs':[" SYNC "]}",
		"/syncs/0/to: there is no destination connection \"crm\""},
	    {"{'billhook':1,'connections':[" SANDBOX "],'syncs':[" SYNC "]}",
		"/syncs/0/from: there is no source connection \"stripe\""},
	    {"{'billhook':1,'connections':[" SOURCE "," SANDBOX
	     "],'syncs':[{'code':'s','from':'crm',"
	     "'to':'stripe','mapping':{" OBJECTS "}}]}",
		"/syncs/0/from: there is no source connection \"crm\""},
	    {"{'billhook':1,'automations':[{'preset':'renewals','from':'nowhere'}]}",
		"/automations/0/from: there is no source \"nowhere\""},
	    {"{'billhook':1,'alerts':{'targets':[{'code':'a','kind':'slack'}]}}",
		"/alerts/targets/0: it needs the address"},
	    {"{'billhook':1,'alerts':{'targets':[{'code':'a','kind':'slack',"
	     "'secrets':{'url':'env:BENCH_NOTHING'}}]}}",
		"/alerts/targets/0/secrets/url: the environment has no BENCH_NOTHING"},
	};
	struct bench *bench = bench_new(NULL);

	(void)state;
	for (size_t i = 0; i < BH_LEN(cases); i++) {
		assert_refused(bench, cases[i].document, cases[i].why);
		if (!bh_has_prefix(bench->err.text, cases[i].why))
			fail_msg("\"%s\" does not begin with its place", bench->err.text);
	}
	assert_int_equal(version_of(bench), 0);
	bench_free(bench);
}

/* A page that shows a part of a document alone says so. */
static void
places_within(void **state BH_UNUSED)
{
	assert_string_equal(configure_within("/syncs/0/from: x: y", "/syncs/0"), "/from: x: y");
	assert_string_equal(configure_within("/syncs/0: x: y", "/syncs/0"), "x: y");
	assert_string_equal(configure_within("the store: x", "/syncs/0"), "the store: x");
	assert_string_equal(configure_reason("/syncs/0/from: x: y"), "x: y");
	assert_string_equal(configure_reason("the store: x"), "the store: x");
}

/* -- applying -- */

static void
note_line(void *arg, const char *line)
{
	if (!bh_has_prefix(line, "  ")) /* what differs within: t-configure-whole.c */
		json_array_append_new(arg, json_string(line));
}

static void
says_what_it_does_and_does_it_once(void **state)
{
	struct bench *bench = bench_new(NULL);
	json_t *document = bench_json(DOCUMENT), *lines = json_array(), *trail;
	struct configure_options options = {.preset_dir = bench->conf.preset_dir,
	    .say = note_line,
	    .arg = lines,
	    .dry_run = true};
	struct store_txn *txn = store_begin(bench->store);
	size_t changes;
	uint64_t version;

	(void)state;
	assert_int_equal(configure_apply(bench->store, &bench->key, document, &options, &changes,
			     &bench->err),
	    0);
	assert_int_equal(changes, 3);
	assert_int_equal(json_array_size(lines), 3);
	assert_string_equal(bh_json_str(lines, "0"), "connection stripe: added");
	assert_string_equal(bh_json_str(lines, "2"), "sync s: added");
	assert_int_equal(version_of(bench), 0);

	options.dry_run = false;
	json_array_clear(lines);
	assert_int_equal(configure_apply(bench->store, &bench->key, document, &options, &changes,
			     &bench->err),
	    0);
	assert_int_equal(changes, 3);
	assert_int_equal(trail_list(txn, 0, 10, &trail, &bench->err), 0);
	assert_int_equal(json_array_size(trail), 1);
	json_decref(trail);

	version = version_of(bench);
	assert_true(version != 0);
	json_array_clear(lines);
	assert_int_equal(configure_apply(bench->store, &bench->key, document, &options, &changes,
			     &bench->err),
	    0);
	assert_int_equal(changes, 0);
	assert_int_equal(json_array_size(lines), 0);
	assert_int_equal(version_of(bench), version);
	store_free(&txn);
	json_decref(lines);
	json_decref(document);
	bench_free(bench);
}

static void
what_is_not_named_stays(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct account_connection connection;

	(void)state;
	bench_apply(bench, DOCUMENT);
	assert_int_equal(try_apply(bench, "{'billhook':1}"), 0);
	assert_int_equal(try_apply(bench,
			     "{'billhook':1,'connections':[{'code':'crm','driver':'sandbox',"
			     "'name':'Test'}]}"),
	    1);
	connection = connection_of(bench, "crm");
	assert_string_equal(connection.name, "Test");
	account_connection_release(&connection);
	assert_secret(bench, "webhook", "secret");
	bench_free(bench);
}

static json_t *
exported(struct bench *bench)
{
	json_t *document;

	assert_int_equal(configure_export(bench->store, &document, &bench->err), 0);
	return document;
}

/* Also within a thing: what a person paused is not resumed by a file that says nothing of it. */
static void
members_that_are_not_named_stay(void **state)
{
	struct bench *bench = bench_new(NULL);
	json_t *before, *after;

	(void)state;
	bench_apply(bench,
	    "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe','name':'S','paused':true,"
	    "'settings':{'tolerance_s':600},'secrets':{'webhook':'env:BENCH_SECRET'}},"
	    "{'code':'crm','driver':'sandbox'}],"
	    "'syncs':[{'code':'s','from':'stripe','to':'crm','preset':'stripe-salesforce','paused':true,"
	    "'settings':{'deals':'yes'}}],"
	    "'automations':[{'preset':'renewals','from':'stripe','enabled':false}],"
	    "'alerts':{'remind_hours':12,'quiet':{'from':'20:00','to':'07:00','zone':'+01:00'},"
	    "'targets':[{'code':'post','kind':'mail','name':'Post','least':'high','paused':true,"
	    "'quiet':{'from':'01:00','to':'02:00','zone':'+01:00'},"
	    "'settings':{'server':'smtp://mail.example.com','from':'a@example.com','to':['b@example.com']}}]}}");
	before = exported(bench);
	assert_int_equal(
	    try_apply(bench,
		"{'billhook':1,'connections':[{'code':'stripe','driver':'stripe'}],"
		"'syncs':[{'code':'s','from':'stripe','to':'crm','preset':'stripe-salesforce'}],"
		"'automations':[{'preset':'renewals','from':'stripe'}],"
		"'alerts':{'targets':[{'code':'post','kind':'mail'}]}}"),
	    0);
	after = exported(bench);
	assert_true(json_equal(before, after));
	json_decref(after);
	/* Within settings that are given it is their default that holds. */
	assert_int_equal(try_apply(bench,
			     "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe',"
			     "'settings':{'mode':'live'}}]}"),
	    1);
	after = exported(bench);
	assert_null(bh_json_at(after, "connections.1.settings.tolerance_s"));
	json_decref(after);
	/* Settings of another driver are of no use. */
	bench_apply(bench, "{'billhook':1,'connections':[{'code':'crm','driver':'sandbox',"
			   "'settings':{'a':1}}]}");
	bench_apply(bench, "{'billhook':1,'connections':[{'code':'crm','driver':'hubspot',"
			   "'secrets':{'access_token':'env:BENCH_SECRET'}}]}");
	after = exported(bench);
	assert_null(bh_json_at(after, "connections.0.settings.a"));
	json_decref(after);
	json_decref(before);
	bench_free(bench);
}

/* What export prints puts back what was changed meanwhile, also what stood at its default. */
static void
export_puts_back(void **state)
{
	struct bench *bench = bench_new(NULL);
	json_t *before, *after;
	size_t changes;

	(void)state;
	bench_apply(bench, DOCUMENT);
	bench_apply(bench,
	    "{'billhook':1,'alerts':{'targets':[{'code':'post','kind':'mail',"
	    "'settings':{'server':'smtp://mail.example.com','from':'a@example.com','to':['b@example.com']}}]}}");
	before = exported(bench);
	bench_apply(bench,
	    "{'billhook':1,'connections':[{'code':'stripe','driver':'stripe','name':'S','paused':true,"
	    "'settings':{'tolerance_s':600}}],"
	    "'syncs':[{'code':'s','from':'stripe','to':'crm','paused':true,'settings':{'x':1},"
	    "'mapping':{" OBJECTS "}}],"
	    "'alerts':{'remind_hours':1,'quiet':{'from':'20:00','to':'07:00','zone':'+01:00'},"
	    "'targets':[{'code':'post','kind':'mail','name':'Post','least':'high','paused':true,"
	    "'quiet':{'from':'01:00','to':'02:00','zone':'+01:00'}}]}}");
	after = exported(bench);
	assert_false(json_equal(before, after));
	json_decref(after);
	assert_int_equal(bench_configure(bench, before, &changes), 0);
	assert_int_equal(changes, 4);
	after = exported(bench);
	assert_true(json_equal(before, after));
	json_decref(after);
	json_decref(before);
	bench_free(bench);
}

/* Settings that are kept are seen with the mapping that is given. */
static void
kept_settings_fit_the_mapping(void **state)
{
	struct bench *bench = bench_new(NULL);

	(void)state;
	bench_apply(bench, DOCUMENT);
	bench_apply(bench, "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm',"
			   "'settings':{'make':'often'},'mapping':{" OBJECTS "}}]}");
	assert_refused(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm','mapping':{"
	    "'settings':{'make':'yes'},'objects':[{'name':'a','from':'customer','to':'A','key':'K',"
	    "'create':'{make}','fields':[]}]}}]}",
	    "/syncs/0/mapping");
	bench_free(bench);
}

/* Without any target, too. */
static void
alerts_without_a_target(void **state)
{
	struct bench *bench = bench_new(NULL);
	json_t *document;

	(void)state;
	bench_apply(bench, "{'billhook':1}");
	document = exported(bench);
	assert_null(json_object_get(document, "alerts"));
	json_decref(document);
	bench_apply(bench,
	    "{'billhook':1,'alerts':{'remind_hours':12,'quiet':{'from':'20:00','to':'07:00','zone':'+01:00'}}}");
	document = exported(bench);
	assert_int_equal(bh_json_int(document, "alerts.remind_hours", 0), 12);
	assert_string_equal(bh_json_str(document, "alerts.quiet.from"), "20:00");
	json_decref(document);
	bench_free(bench);
}

/* A name that is cut to its room is cut at a character, so it is the same the next time. */
static void
long_name(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct account_connection connection;
	struct bh_buf document = BH_BUF_INIT(4096);

	(void)state;
	bh_buf_adds(&document,
	    "{'billhook':1,'connections':[{'code':'crm','driver':'sandbox','name':'");
	for (int i = 0; i < 100; i++)
		bh_buf_adds(&document, "\xC3\xBC");
	bh_buf_adds(&document, "'}]}");
	assert_int_equal(try_apply(bench, bh_buf_str(&document)), 1);
	assert_int_equal(try_apply(bench, bh_buf_str(&document)), 0);
	connection = connection_of(bench, "crm");
	assert_true(bh_is_utf8(connection.name, strlen(connection.name)));
	assert_int_equal(strlen(connection.name), 126);
	account_connection_release(&connection);
	bh_buf_release(&document);
	bench_free(bench);
}

static void
export_is_what_was_applied(void **state)
{
	struct bench *bench = bench_new(NULL);
	json_t *document, *again;
	size_t changes;
	char *text;

	(void)state;
	bench_apply(bench,
	    "{'billhook':1,'connections':[" SOURCE
	    ",{'code':'crm','driver':'sandbox','paused':true,'name':'Test','settings':{'a':1}}],"
	    "'syncs':[" SYNC ",{'code':'p','from':'stripe','to':'crm','preset':'stripe-salesforce',"
	    "'settings':{'b':true},'paused':true}]}");
	assert_int_equal(configure_export(bench->store, &document, &bench->err), 0);
	text = bh_json_text(document);
	assert_null(strstr(text, "secret"));
	assert_true(bh_is_json_true(document, "connections.0.paused"));
	assert_int_equal(bh_json_int(document, "connections.0.settings.a", 0), 1);
	assert_string_equal(bh_json_str(document, "syncs.0.preset"), "stripe-salesforce");
	assert_true(bh_is_json_true(document, "syncs.0.paused"));
	assert_int_equal(bench_configure(bench, document, &changes), 0);
	assert_int_equal(changes, 0);
	assert_int_equal(configure_export(bench->store, &again, &bench->err), 0);
	assert_true(json_equal(document, again));
	free(text);
	json_decref(document);
	json_decref(again);
	bench_free(bench);
}

/* -- secrets -- */

static char *
secret_file(const void *content, size_t len)
{
	char *path = bh_xasprintf("/tmp/t-configure-%ld", (long)getpid());
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(content, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	return path;
}

static int
apply_secret(struct bench *bench, const char *reference)
{
	char *text = bh_xasprintf("{'billhook':1,'connections':[{'code':'stripe',"
				  "'driver':'stripe','secrets':{'webhook':%s}}]}",
	    reference);
	int rc = try_apply(bench, text);

	free(text);
	return rc;
}

static void
secrets_by_reference(void **state)
{
	struct bench *bench = bench_new(NULL);
	char *path = secret_file(" \tfrom a file\r\n\n", 16), *reference;

	(void)state;
	setenv("T_SECRET", " one\n", 1);
	unsetenv("T_NOTHING");
	assert_int_equal(apply_secret(bench, "'keep'"), -1); /* there is none yet */
	assert_int_equal(apply_secret(bench, "'env:T_SECRET'"), 1);
	assert_secret(bench, "webhook", "one");
	assert_int_equal(apply_secret(bench, "'env:T_SECRET'"), 0);
	assert_int_equal(apply_secret(bench, "'keep'"), 0);
	assert_int_equal(try_apply(bench, "{'billhook':1,'connections':["
					  "{'code':'stripe','driver':'stripe'}]}"),
	    0);
	assert_secret(bench, "webhook", "one");

	reference = bh_xasprintf("'file:%s'", path);
	assert_int_equal(apply_secret(bench, reference), 1);
	assert_secret(bench, "webhook", "from a file");
	free(reference);
	unlink(path);
	free(path);

	/* Several at once, one of them what is stored in its place. */
	assert_int_equal(apply_secret(bench, "['env:T_SECRET','env:BENCH_SECRET']"), 1);
	assert_secret(bench, "webhook.1", "secret");
	setenv("T_SECRET", "two", 1);
	assert_int_equal(apply_secret(bench, "['env:T_SECRET','keep']"), 1);
	assert_secret(bench, "webhook.0", "two");
	assert_secret(bench, "webhook.1", "secret");
	assert_int_equal(apply_secret(bench, "['keep','keep','keep']"), -1);
	assert_secret(bench, "webhook.0", "two");
	bench_free(bench);
}

static void
secrets_that_cannot_be_had(void **state)
{
	struct bench *bench = bench_new(NULL);
	static const struct {
		const char *content;
		size_t len;
		const char *why;
	} files[] = {
	    {"", 0, "is empty"},
	    {" \n", 2, "is empty"},
	    {"\xFF\xFE", 2, "is not UTF-8 text"},
	};
	char *large = bh_xcalloc(1, 70000);

	(void)state;
	assert_int_equal(apply_secret(bench, "'env:T_NOTHING'"), -1);
	assert_non_null(strstr(bench->err.text, "T_NOTHING"));
	assert_int_equal(apply_secret(bench, "'file:/nonexistent/secret'"), -1);
	assert_non_null(strstr(bench->err.text, "/nonexistent/secret"));
	for (size_t i = 0; i <= BH_LEN(files); i++) {
		bool is_large = i == BH_LEN(files);
		char *path, *reference;

		memset(large, 'x', 70000);
		path = is_large ? secret_file(large, 70000)
				: secret_file(files[i].content, files[i].len);
		reference = bh_xasprintf("'file:%s'", path);
		assert_int_equal(apply_secret(bench, reference), -1);
		if (!is_large)
			assert_non_null(strstr(bench->err.text, files[i].why));
		unlink(path);
		free(path);
		free(reference);
	}
	assert_int_equal(version_of(bench), 0);
	free(large);
	bench_free(bench);
}

/* Nowhere in the store stands a secret as it is. */
static void
secrets_are_sealed(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct store_scan scan = {.prefix = "", .max = 1000};
	struct store_txn *txn = store_begin(bench->store);
	const struct store_entry *entries;
	size_t n;
	bool more;

	(void)state;
	setenv("T_SECRET", "whsec_PLAIN", 1);
	assert_int_equal(apply_secret(bench, "'env:T_SECRET'"), 1);
	assert_int_equal(store_scan(txn, &scan, &entries, &n, &more, &bench->err), 0);
	assert_true(n >= 2);
	for (size_t i = 0; i < n; i++)
		assert_null(memmem(entries[i].value, entries[i].value_len, "PLAIN", 5));
	store_free(&txn);
	bench_free(bench);
}

/* -- what follows from a change -- */

static bool
has_tokens(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	json_t *auth;
	int rc = account_auth_load(txn, &bench->key, "crm", &auth, &bench->err);

	json_decref(auth);
	store_free(&txn);
	assert_return_code(rc, 0);
	return rc == 1;
}

static void
give_tokens(struct bench *bench)
{
	struct store_txn *txn = store_begin(bench->store);
	json_t *auth = bench_json("{'access_token':'t'}");

	account_auth_save(txn, &bench->key, "crm", auth);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	json_decref(auth);
	store_free(&txn);
	assert_true(has_tokens(bench));
}

static void
tokens_belong_to_settings(void **state)
{
#define CRM(members) "{'billhook':1,'connections':[{'code':'crm'," members "}]}"
	struct bench *bench = bench_new(NULL);

	(void)state;
	bench_apply(bench, CRM("'driver':'sandbox','settings':{'a':1}"));
	give_tokens(bench);
	assert_int_equal(try_apply(bench, CRM("'driver':'sandbox','settings':{'a':1}")), 0);
	assert_int_equal(
	    try_apply(bench,
		CRM("'driver':'sandbox','settings':{'a':1},'name':'Other','paused':true")),
	    1);
	assert_true(has_tokens(bench));
	assert_int_equal(try_apply(bench, CRM("'driver':'sandbox','settings':{'a':2}")), 1);
	assert_false(has_tokens(bench));
	give_tokens(bench);
	assert_int_equal(try_apply(bench, CRM("'driver':'sandbox','settings':{'a':2},"
					      "'secrets':{'access_token':'env:BENCH_SECRET'}")),
	    1);
	assert_false(has_tokens(bench));
	/* Tokens of one CRM are not shown to another. */
	give_tokens(bench);
	assert_int_equal(try_apply(bench, CRM("'driver':'hubspot','settings':{'a':2}")), 1);
	assert_false(has_tokens(bench));
	bench_free(bench);
#undef CRM
}

static void
saving_again_mends_what_is_broken(void **state)
{
	struct bench *bench = bench_new(NULL);
	struct store_txn *txn = store_begin(bench->store);
	struct account_connection connection;

	(void)state;
	bench_apply(bench, DOCUMENT);
	connection = connection_of(bench, "crm");
	snprintf(connection.broken, sizeof(connection.broken), "revoked");
	assert_int_equal(account_connection_save(txn, &bench->key, &connection, &bench->err), 0);
	assert_int_equal(store_commit(txn, NULL, &bench->err), 0);
	account_connection_release(&connection);
	assert_int_equal(try_apply(bench, DOCUMENT), 1);
	connection = connection_of(bench, "crm");
	assert_string_equal(connection.broken, "");
	account_connection_release(&connection);
	assert_int_equal(try_apply(bench, DOCUMENT), 0);
	store_free(&txn);
	bench_free(bench);
}

/* -- looking again -- */

static void
changed_sync_marks_all_it_maps(void **state)
{
	struct bench *bench = bench_new(NULL);
	json_t *document =
	    bench_json("{'billhook':1,'syncs':[{'code':'s','from':'stripe','to':'crm',"
		       "'mapping':{" OBJECTS "},'settings':{'x':1}}]}");
	struct configure_options options = {.preset_dir = bench->conf.preset_dir,
	    .no_resync = true};
	size_t changes, n;

	(void)state;
	bench_apply(bench, "{'billhook':1,'connections':[" SOURCE "]}");
	for (int i = 0; i < 1200; i++) { /* more than a page */
		char id[16];

		snprintf(id, sizeof(id), "cus_%d", i);
		bench_customer(bench, id, "Ada");
	}
	bench_subscription(bench, "sub_1", "cus_1", "active"); /* not mapped */
	bench_ingest(bench);
	bench_apply(bench, DOCUMENT); /* the job is queued with it */
	bench_work(bench);
	assert_int_equal(bench_lane(bench).in_step, 1200);
	assert_int_equal(bench_lane(bench).dirty, 0);

	assert_int_equal(configure_apply(bench->store, &bench->key, document, &options, &changes,
			     &bench->err),
	    0);
	assert_int_equal(changes, 1);
	bench_push(bench);
	assert_int_equal(bench_lane(bench).dirty, 0);
	assert_int_equal(resync_all(bench->store, &bench->key, "s", &n, &bench->err), 0);
	assert_int_equal(n, 1200);
	assert_true(bench_is_dirty(bench, "a", 0, "cus_0"));
	bench_work(bench);
	assert_int_equal(bench_lane(bench).dirty, 0);
	assert_int_equal(resync_all(bench->store, &bench->key, "t", &n, &bench->err), -1);
	assert_int_equal(bench->err.code, BH_INVALID);
	assert_int_equal(n, 0);
	json_decref(document);
	bench_free(bench);
}

/* -- */

static int
teardown(void **state BH_UNUSED)
{
	unit_log_expected(false);
	bh_clock_set(0);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(refused_with_the_place, teardown),
	    cmocka_unit_test_teardown(refused_as_a_whole, teardown),
	    cmocka_unit_test(places_within),
	    cmocka_unit_test_teardown(says_what_it_does_and_does_it_once, teardown),
	    cmocka_unit_test_teardown(what_is_not_named_stays, teardown),
	    cmocka_unit_test_teardown(members_that_are_not_named_stay, teardown),
	    cmocka_unit_test_teardown(export_puts_back, teardown),
	    cmocka_unit_test_teardown(kept_settings_fit_the_mapping, teardown),
	    cmocka_unit_test_teardown(alerts_without_a_target, teardown),
	    cmocka_unit_test_teardown(long_name, teardown),
	    cmocka_unit_test_teardown(export_is_what_was_applied, teardown),
	    cmocka_unit_test_teardown(secrets_by_reference, teardown),
	    cmocka_unit_test_teardown(secrets_that_cannot_be_had, teardown),
	    cmocka_unit_test_teardown(secrets_are_sealed, teardown),
	    cmocka_unit_test_teardown(tokens_belong_to_settings, teardown),
	    cmocka_unit_test_teardown(saving_again_mends_what_is_broken, teardown),
	    cmocka_unit_test_teardown(changed_sync_marks_all_it_maps, teardown),
	};

	bh_log_hook(unit_log);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
