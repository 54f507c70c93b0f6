/*
 * Whole set-ups as documents: what is exported changes nothing when it is
 * applied, wherever its members stand, and makes the same set-up elsewhere.
 * And the lines that say what differs.
 */
#include "base/base.h"

#include <dirent.h>

#include "base/text.h"
#include "bench.h"
#include "dest/dest.h"
#include "source/source.h"
#include "state/trail.h"
#include "sync/configure.h"
#include "sync/configure_diff.h"
#include "sync/configure_schema.h"
#include "unit.h"

/* -- a document with something of everything -- */

/* A value that a setting may have; NULL: it is left out. */
static json_t *
value_of(const struct setting *setting)
{
	size_t len = setting->options != NULL ? strcspn(setting->options, " ") : 0;

	switch (setting->type) {
	case SETTING_NUMBER:
		return json_integer((json_int_t)setting->least);
	case SETTING_BOOL:
		return json_true();
	case SETTING_CHOICE:
		return json_stringn(setting->options, len);
	case SETTING_URL:
		return json_string("https://example.com");
	case SETTING_TEXT:
		return (setting->flags & SETTING_NEEDED) != 0 ? json_string("a text of some length")
							      : NULL;
	case SETTING_JSON:
	default:
		return NULL;
	}
}

static json_t *
connection_of(const char *driver, const struct setting *table)
{
	json_t *settings = json_object(), *secrets = json_object();

	for (; table != NULL && table->name != NULL; table++) {
		json_t *value = value_of(table);

		if ((table->flags & SETTING_SECRET) == 0 && value != NULL)
			json_object_set(settings, table->name, value);
		else if ((table->flags & SETTING_SECRET) != 0 &&
			 (table->flags & SETTING_LINES) == 0)
			json_object_set_new(secrets, table->name, json_string("env:WHOLE_SECRET"));
		json_decref(value);
	}
	json_object_set_new(secrets, "webhook", json_string("env:WHOLE_SECRET"));
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "code", driver, "driver", driver, "name",
	    "A na\xc3\xafve name", "settings", settings, "secrets", secrets);
}

/* What the tables cannot tell. */
static void
complete(json_t *connection)
{
	const char *driver = bh_json_str(connection, "driver");
	json_t *settings = json_object_get(connection, "settings");
	json_t *secrets = json_object_get(connection, "secrets");

	if (strcmp(driver, "salesforce") == 0) {
		json_object_update_new(settings,
		    json_pack("{s:s, s:s}", "flow", "client_credentials", "client_id", "app"));
		json_object_set_new(secrets, "client_secret", json_string("env:WHOLE_SECRET"));
	} else if (strcmp(driver, "hubspot") == 0) {
		json_object_set_new(settings, "flow", json_string("token"));
		json_object_set_new(secrets, "access_token", json_string("env:WHOLE_SECRET"));
	} else if (strcmp(driver, "generic") == 0) {
		char *path = unit_path("presets/readers/generic.json");
		json_t *reader = json_load_file(path, 0, NULL);

		assert_non_null(reader);
		json_object_set_new(settings, "reader", reader);
		free(path);
	}
}

static void
add_connections(json_t *list)
{
	const struct source_driver *const *source = source_drivers();
	const struct dest_driver *const *dest = dest_drivers();

	for (; *source != NULL; source++)
		json_array_append_new(list, connection_of((*source)->name, (*source)->settings));
	for (; *dest != NULL; dest++)
		json_array_append_new(list, connection_of((*dest)->name, (*dest)->settings));
	for (size_t i = 0; i < json_array_size(list); i++)
		complete(json_array_get(list, i));
	json_object_set_new(json_array_get(list, 0), "paused", json_true());
}

/* A sync for each preset; every second with a mapping of its own, one that is not started. */
static void
add_syncs(json_t *list)
{
	char *path = unit_path("presets"), *file;
	DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		json_t *preset, *sync;
		char code[64];

		if (!bh_has_suffix(entry->d_name, ".json"))
			continue;
		file = bh_xasprintf("%s/%s", path, entry->d_name);
		preset = json_load_file(file, 0, NULL);
		assert_non_null(preset);
		snprintf(code, sizeof(code), "%.*s", (int)strcspn(entry->d_name, "."),
		    entry->d_name);
		sync = json_pack("{s:s, s:s, s:s, s:s}", "code", code, "from",
		    bh_json_str(preset, "source"), "to", bh_json_str(preset, "dest"), "preset",
		    code);
		json_object_set(sync, "settings", json_object_get(preset, "settings"));
		if (n++ % 2 == 0)
			json_object_set(sync, "mapping", preset);
		if (n == 1)
			json_object_set_new(sync, "started", json_false());
		json_array_append_new(list, sync);
		json_decref(preset);
		free(file);
	}
	assert_true(n >= 8);
	closedir(dir);
	free(path);
}

static void
add_automations(json_t *list)
{
	char *path = unit_path("presets/automations/rules.json");
	json_t *presets = json_load_file(path, 0, NULL), *preset;
	size_t i;

	json_array_foreach (presets, i, preset)
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b}", "preset", bh_json_str(preset, "code"), "from",
			"stripe", "enabled", i % 2));
	assert_true(json_array_size(list) >= 10);
	json_decref(presets);
	free(path);
}

static json_t *
whole_document(void)
{
	json_t *document = json_pack("{s:i, s:[], s:[], s:[]}", "billhook", 1, "connections",
	    "syncs", "automations");
	json_t *alerts = bench_json(
	    "{'remind_hours':12,'silent_hours':48,'quiet':{'from':'20:00','to':'07:00','zone':'+01:00'},"
	    "'targets':[{'code':'chat','kind':'slack','name':'Chat','least':'high',"
	    "'secrets':{'url':'env:WHOLE_URL'}},"
	    "{'code':'post','kind':'mail','paused':true,'settings':{'server':'smtp://mail.example.com',"
	    "'from':'billhook@example.com','to':['ops@example.com']}}]}");

	add_connections(json_object_get(document, "connections"));
	add_syncs(json_object_get(document, "syncs"));
	/* As one is made in the browser, for people to fill. */
	json_array_append_new(json_object_get(document, "syncs"),
	    bench_json("{'code':'bare','from':'stripe','to':'hubspot','mapping':{'objects':[]},"
		       "'started':false}"));
	add_automations(json_object_get(document, "automations"));
	json_object_set_new(document, "alerts", alerts);
	return document;
}

/* -- helpers -- */

static int
apply(struct bench *bench, const json_t *document)
{
	size_t changes = 0;

	if (bench_configure(bench, document, &changes) < 0)
		fail_msg("%s", bench->err.text);
	return (int)changes;
}

static json_t *export(struct bench *bench)
{
	json_t *document;

	if (configure_export(bench->store, &document, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	return document;
}

/* The same with the members of every object the other way round. */
static json_t *
reversed(const json_t *value)
{
	json_t *out, *item;
	const char *name;
	size_t i;

	if (json_is_array(value)) {
		out = json_array();
		json_array_foreach ((json_t *)(uintptr_t)value, i, item)
			json_array_append_new(out, reversed(item));
		return out;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)(uintptr_t)value);
	out = json_object();
	json_object_foreach ((json_t *)(uintptr_t)value, name, item) {
		json_t *turned = json_object(), *below = reversed(item);

		json_object_set_new(turned, name, below);
		json_object_update(turned, out);
		json_decref(out);
		out = turned;
	}
	return out;
}

/* -- whole -- */

static void
export_changes_nothing(void **state BH_UNUSED)
{
	struct bench *bench = bench_new(NULL);
	json_t *document = whole_document(), *exported, *turned, *again;

	assert_true(apply(bench, document) > 25);
	assert_int_equal(apply(bench, document), 0);
	exported = export(bench);
	assert_int_equal(apply(bench, exported), 0);
	turned = reversed(exported);
	assert_int_equal(apply(bench, turned), 0);
	again = export(bench);
	assert_true(json_equal(exported, again));
	json_decref(again);
	json_decref(turned);
	json_decref(exported);
	json_decref(document);
	bench_free(bench);
}

/* With the secrets by reference the file makes the same set-up in an empty store. */
static void
elsewhere(void **state BH_UNUSED)
{
	struct bench *here = bench_new(NULL), *there = bench_new(NULL);
	json_t *document = whole_document(), *exported, *connection, *other, *target;
	size_t i;

	apply(here, document);
	exported = export(here);
	json_array_foreach (json_object_get(exported, "connections"), i, connection) {
		const char *code = bh_json_str(connection, "code");
		size_t k;

		assert_null(json_object_get(connection, "secrets"));
		json_array_foreach (json_object_get(document, "connections"), k, other)
			if (strcmp(bh_json_str(other, "code"), code) == 0)
				json_object_set(connection, "secrets",
				    json_object_get(other, "secrets"));
	}
	json_array_foreach (json_object_get(json_object_get(exported, "alerts"), "targets"), i,
	    target)
		if (strcmp(bh_json_str(target, "code"), "chat") == 0)
			json_object_set_new(target, "secrets",
			    json_pack("{s:s}", "url", "env:WHOLE_URL"));
	apply(there, exported);
	other = export(there);
	connection = export(here);
	assert_true(json_equal(other, connection));
	json_decref(other);
	json_decref(connection);
	json_decref(exported);
	json_decref(document);
	bench_free(here);
	bench_free(there);
}

/* -- its form -- */

static void
assert_no_faults(const json_t *document, const char *preset_dir)
{
	json_t *faults = configure_faults(document, preset_dir);

	if (json_array_size(faults) != 0)
		fail_msg("%s", bh_json_text(faults));
	json_decref(faults);
}

static void
no_faults(void **state BH_UNUSED)
{
	struct bench *bench = bench_new(NULL);
	json_t *document = whole_document(), *exported;

	assert_no_faults(document, bench->conf.preset_dir);
	apply(bench, document);
	exported = export(bench);
	assert_no_faults(exported, bench->conf.preset_dir);
	json_decref(exported);
	json_decref(document);
	bench_free(bench);
}

static void
assert_faults(struct bench *bench, const char *document, const char *want)
{
	json_t *json = bench_json(document);
	json_t *faults = configure_faults(json, bench->conf.preset_dir), *fault;
	struct bh_buf text = BH_BUF_INIT(1 << 16);
	size_t i;

	json_array_foreach (faults, i, fault)
		bh_buf_addf(&text, "%s\n", json_string_value(fault));
	assert_string_equal(bh_buf_str(&text), want);
	bh_buf_release(&text);
	json_decref(faults);
	json_decref(json);
}

static void
faults(void **state BH_UNUSED)
{
	struct bench *bench = bench_new(NULL);
	struct bh_buf many = BH_BUF_INIT(1 << 16);
	json_t *json, *list;

	assert_faults(bench, "{'billhook':2,'frob':1,'a/b~':1}",
	    "/billhook: must be 1\n/frob: there is no such member\n/a~1b~0: there is no such member\n");
	assert_faults(bench, "[]", "/: must be an object\n");
	assert_faults(bench,
	    "{'billhook':1,'connections':[{'code':'A','driver':'sap','paused':1},"
	    "{'driver':'stripe','settings':{'tolerance_s':'soon'},'secrets':{'webhook':'open'}}]}",
	    "/connections/0/code: must be 1 to 64 characters of a-z, 0-9, - and _\n"
	    "/connections/0/driver: must be one of: stripe, lago, lostchurn, alguna, generic, "
	    "salesforce, hubspot, sandbox\n"
	    "/connections/0/paused: must be true or false\n"
	    "/connections/1: lacks \"code\"\n"
	    "/connections/1/secrets/webhook: must be \"env:NAME\", \"file:PATH\" or \"keep\"; secrets do "
	    "not stand in this file\n"
	    "/connections/1/settings/tolerance_s: must be a whole number\n");
	assert_faults(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'a','to':'b','mapping':{'objects':[{'name':'o',"
	    "'from':'customer','to':'O','key':'K','fields':[{'to':'X','from':'name','as':3,'form':1}]}]}},"
	    "{'code':'t','from':'a','to':'b'}]}",
	    "/syncs/0/mapping/objects/0/fields/0/as: must be a text\n"
	    "/syncs/0/mapping/objects/0/fields/0/form: there is no such member\n"
	    "/syncs/1: lacks \"preset\"\n");
	/* Places are those of the document, also where a setting takes an object or a row away. */
	assert_faults(bench,
	    "{'billhook':1,'syncs':[{'code':'s','from':'a','to':'b','mapping':{'settings':{'off':'no'},"
	    "'objects':[{'name':'n','on':'off','from':'customer','to':'N','key':'K','fields':[]},"
	    "{'name':'o','from':'customer','to':'O','key':'K','fields':[{'to':'W','setting':'owner'},"
	    "{'to':'X','from':'nmae'},{'to':'Y','from':'name'},{'to':'Y','from':'email'}]},"
	    "{'name':'p','from':'invoice','to':'P','key':'K','parents':[{'object':'q','id':'customer'}],"
	    "'fields':[{'to':'Z','from':'total','value':1}]}]}},"
	    "{'code':'t','from':'a','to':'b','mapping':{'objects':[{'name':'o','from':'customer','to':'O',"
	    "'key':'K','fields':[{'to':'X','from':'type','enum':{'a':'{word}'}}]}]}}]}",
	    "/syncs/0/mapping/objects/1/fields/1: o: X: customer has no field 'nmae'\n"
	    "/syncs/0/mapping/objects/1/fields/3: o: Y: a field before it writes it already\n"
	    "/syncs/0/mapping/objects/2/fields/0: p: Z: it has both from and value\n"
	    "/syncs/0/mapping/objects/2: p: parent 1: there is no object 'q'\n"
	    "/syncs/1/mapping/objects/0: o: field X: enum: the setting word is not set\n");
	bh_buf_adds(&many, "{'billhook':1,'syncs':[0");
	for (int i = 0; i < 200; i++)
		bh_buf_adds(&many, ",0");
	bh_buf_adds(&many, "]}");
	json = bench_json(bh_buf_str(&many));
	list = configure_faults(json, bench->conf.preset_dir);
	assert_int_equal(json_array_size(list), 50);
	json_decref(list);
	json_decref(json);
	bh_buf_release(&many);
	bench_free(bench);
}

/* -- what differs -- */

static void
note_line(void *arg, const char *line)
{
	bh_buf_addf(arg, "%s\n", line);
}

static void
assert_said(struct bench *bench, const char *document, const char *want)
{
	struct bh_buf said = BH_BUF_INIT(1 << 20);
	struct configure_options options = {.preset_dir = bench->conf.preset_dir,
	    .say = note_line,
	    .arg = &said};
	json_t *json = bench_json(document);
	size_t changes;

	if (configure_apply(bench->store, &bench->key, json, &options, &changes, &bench->err) < 0)
		fail_msg("%s", bench->err.text);
	assert_string_equal(bh_buf_str(&said), want);
	json_decref(json);
	bh_buf_release(&said);
}

#define LAGO(settings, secrets)                                                                    \
	"{'billhook':1,'connections':[{'code':'l','driver':'lago','settings':" settings            \
	",'secrets':" secrets "}]}"
#define ONE_SYNC(rest)                                                                                                                                                                                  \
	"{'billhook':1,'connections':[{'code':'b','driver':'sandbox'}],'syncs':[{'code':'s','from':'l','to':'b','mapping':{'objects':[{'name':'a','from':'customer','to':'A','key':'K','fields':[" rest \
	"]}]}}]}"

static void
lines(void **state BH_UNUSED)
{
	struct bench *bench = bench_new(NULL);
	struct store_txn *txn;
	json_t *trail;
	char *text;

	assert_said(bench, LAGO("{'tolerance_s':60}", "{'webhook':'env:WHOLE_SECRET'}"),
	    "connection l: added\n  driver: new, \"lago\"\n  name: new, \"l\"\n  paused: new, false\n"
	    "  settings: new, {\"tolerance_s\":60}\n  secrets.webhook: set anew\n");
	assert_said(bench, LAGO("{'tolerance_s':90}", "{'webhook':'env:WHOLE_SECRET'}"),
	    "connection l: changed\n  settings.tolerance_s: 60 becomes 90\n  secrets.webhook: unchanged\n");
	assert_said(bench, LAGO("{}", "{'webhook':'env:WHOLE_URL'}"),
	    "connection l: changed\n  settings.tolerance_s: removed, it was 90\n  secrets.webhook: set anew\n");
	assert_said(bench, LAGO("{}", "{'webhook':'keep'}"), "");
	assert_said(bench, ONE_SYNC("{'to':'X','from':'name'},{'to':'Y','from':'email'}"),
	    "connection b: added\n  driver: new, \"sandbox\"\n  name: new, \"b\"\n  paused: new, false\n"
	    "  settings: new, {}\nsync s: added\n  from: new, \"l\"\n  to: new, \"b\"\n"
	    "  mapping: new, {\"objects\":[{\"fields\":[{\"from\":\"name\",\"to\":\"X\"},"
	    "{\"from\":\"email\",\"to\":\"Y\"}],\"from\":\"customer\",\"key\": ...\n"
	    "  settings: new, {}\n  paused: new, false\n");
	assert_said(bench,
	    ONE_SYNC("{'to':'Y','from':'phone'},{'to':'X','from':'name'},{'to':'Z','value':1}"),
	    "sync s: changed\n  mapping.objects.a.fields.Y.from: \"email\" becomes \"phone\"\n"
	    "  mapping.objects.a.fields.Z: new, {\"to\":\"Z\",\"value\":1}\n"
	    "  mapping.objects.a.fields: in another order\n");
	/* The trail has what was changed, not to what: people's addresses may be in it. */
	txn = store_begin(bench->store);
	assert_int_equal(trail_list(txn, 0, 10, &trail, &bench->err), 0);
	text = bh_json_text(trail);
	assert_non_null(strstr(text, "sync s: changed"));
	assert_null(strstr(text, "phone"));
	free(text);
	json_decref(trail);
	store_free(&txn);
	bench_free(bench);
}

static void
many(void **state BH_UNUSED)
{
	json_t *lines_r = json_array(), *was = json_object(), *is = json_object();
	char name[16];

	for (int i = 0; i < CONFIGURE_DIFF_LINES + 5; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		json_object_set_new(is, name, json_integer(i));
	}
	configure_diff(lines_r, was, is);
	assert_int_equal(json_array_size(lines_r), CONFIGURE_DIFF_LINES + 1);
	assert_string_equal(json_string_value(json_array_get(lines_r, CONFIGURE_DIFF_LINES)),
	    "  and 5 more");
	json_decref(lines_r);
	json_decref(was);
	json_decref(is);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(export_changes_nothing),
	    cmocka_unit_test(elsewhere), cmocka_unit_test(no_faults), cmocka_unit_test(faults),
	    cmocka_unit_test(lines), cmocka_unit_test(many)};

	setenv("WHOLE_SECRET", "rk_live_whole0123456789", 1);
	setenv("WHOLE_URL", "https://hooks.example.com/x", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
