/* The verb table, options, help: see cli.h. */
#include "base/base.h"

#include "cli/cli.h"

#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/text.h"
#include "dest/dest.h"
#include "run/supervisor.h"
#include "source/source.h"
#include "state/schema.h"

#define LINE_MAX_LEN ((size_t)64 * 1024)

static int cli_help(struct cli *cli);
static int cli_version(struct cli *cli);

static const struct cli_verb verbs[] = {
    {"init", "", 0, 0, "user password-file no-user quiet",
	"make the data directory, its key and the first user", cli_init},
    {"user", "NAME", 1, 1, "password-file", "add an admin, or set the password anew", cli_user},
    {"check", "", 0, 0, "json", "look over options, directory, connections; call each CRM",
	cli_check},
    {"apply", "FILE", 1, 1, "dry-run no-resync quiet yes",
	"set up connections and syncs from a JSON file (- for standard input), once asked",
	cli_apply},
    {"export", "", 0, 0, "only schema",
	"print the set-up as such a file, without secrets; or the JSON Schema of such files",
	cli_export},
    {"serve", "", 0, 0, "detach quiet", "run all processes in the foreground", cli_serve},
    {"stop", "", 0, 0, "quiet", "stop the running processes", cli_stop},
    {"reload", "", 0, 0, "", "replace fronts and dispatcher without an interruption", cli_reload},
    {"drain", "", 0, 0, "for quiet", "work until nothing is due, for cron", cli_drain},
    {"status", "", 0, 0, "json", "show lanes, backlog and what needs a person", cli_status},
    {"metrics", "[ACTION]", 0, 1, "quiet",
	"print figures for monitoring; or: token (make one for /metrics), no-token", cli_metrics},
    {"replay", "[EVENT]", 0, 1, "connection state type since until all",
	"handle events again: one by id, or those that fit", cli_replay},
    {"retry", "[CRM]", 0, 1, "", "try what was refused again, of one CRM or all", cli_retry},
    {"resync", "SYNC", 1, 1, "", "compare everything that a sync maps with what was pushed",
	cli_resync},
    {"source", "CODE [ACTION]", 1, 2, "json wait",
	"a source: test, endpoints, register, unregister, backfill, catchup, pause, resume; or show it",
	cli_source},
    {"crm", "CODE [ACTION]", 1, 4, "json sync after name email remove yes",
	"a CRM: test, limits, plan, install, count, unlinked, create, disconnect; or show it",
	cli_crm},
    {"match", "ACTION ...", 1, 5, "json account",
	"list [CRM] what waits for its CRM record; set SYNC OBJECT ID CRM_ID|new", cli_match},
    {"preview", "SYNC [KIND ID]", 1, 3, "json account",
	"what a sync would do, of all or of one object, before anything is written", cli_preview},
    {"alert", "[ACTION [TARGET]]", 0, 2, "json",
	"the alerts and who is told; or: check, test TARGET, remove TARGET", cli_alert},
    {"audit", "SYNC [ACTION [OBJECT ID]]", 1, 4, "json account",
	"does the CRM hold what was pushed: start, stop, go-on, repair, csv; or show it",
	cli_audit},
    {"undo", "SYNC [ACTION [RUN|OBJECT ID]]", 1, 4, "json account since until remove yes",
	"put back what was written over: list, look, do, show, stop, go-on, release", cli_undo},
    {"automation", "[CODE [ACTION]]", 0, 2, "json",
	"the automations; or one: on, off, remove, try on what is stored (the default)",
	cli_automation},
    {"verify", "[CONNECTION]", 0, 1, "mend quiet",
	"work every figure out anew and compare with what is kept", cli_verify},
    {"person", "export|erase WHO", 2, 2, "connection yes",
	"print or erase what is kept about one customer: by id or e-mail", cli_person},
    {"dump", "[FILE]", 0, 1, "quiet", "write the store as text", cli_dump},
    {"load", "FILE", 1, 1, "", "read such a text into an empty store", cli_load},
    {"backup", "DIR", 1, 1, "quiet",
	"copy the running store, its key and options to a new directory", cli_backup},
    {"restore", "DIR", 1, 1, "quiet", "put such a copy in place; nothing may run", cli_restore},
    {"help", "[VERB]", 0, 1, "names settings", "show this, or one verb", cli_help},
    {"version", "", 0, 0, "", "show the version", cli_version},
};

/* -- options -- */

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_SECONDS
};

static const struct option {
	const char *name;
	enum option_kind kind;
	size_t offset;
	const char *meaning;
} options[] = {
    {"json", OPTION_FLAG, offsetof(struct cli, json), "print JSON"},
    {"quiet", OPTION_FLAG, offsetof(struct cli, quiet), "print errors only"},
    {"dry-run", OPTION_FLAG, offsetof(struct cli, dry_run),
	"show what would change, change nothing"},
    {"no-resync", OPTION_FLAG, offsetof(struct cli, no_resync),
	"leave what is synced already as it is"},
    {"detach", OPTION_FLAG, offsetof(struct cli, detach),
	"run them in the background; return when they have begun"},
    {"wait", OPTION_FLAG, offsetof(struct cli, wait), "return when what was begun has ended"},
    {"mend", OPTION_FLAG, offsetof(struct cli, mend), "store what is right"},
    {"all", OPTION_FLAG, offsetof(struct cli, all), "every event"},
    {"yes", OPTION_FLAG, offsetof(struct cli, yes), "do not ask"},
    {"schema", OPTION_FLAG, offsetof(struct cli, schema), "the JSON Schema instead"},
    {"only", OPTION_TEXT, offsetof(struct cli, only),
	"these parts: connections, syncs, automations, alerts, with commas between"},
    {"remove", OPTION_FLAG, offsetof(struct cli, remove),
	"take away what Billhook made there, with its records"},
    {"names", OPTION_FLAG, offsetof(struct cli, names), "only the names, one a line"},
    {"settings", OPTION_FLAG, offsetof(struct cli, settings),
	"the settings of each kind of source, one a line"},
    {"user", OPTION_TEXT, offsetof(struct cli, user), "name of the user; default admin"},
    {"no-user", OPTION_FLAG, offsetof(struct cli, no_user),
	"no user: the first one is made in the browser, with a setup code"},
    {"password-file", OPTION_TEXT, offsetof(struct cli, password_file),
	"file that holds the password; - for standard input"},
    {"connection", OPTION_TEXT, offsetof(struct cli, connection), "only this connection"},
    {"sync", OPTION_TEXT, offsetof(struct cli, sync), "by the customers of this sync"},
    {"after", OPTION_TEXT, offsetof(struct cli, after), "go on behind this CRM id"},
    {"name", OPTION_TEXT, offsetof(struct cli, name), "name of the customer"},
    {"email", OPTION_TEXT, offsetof(struct cli, email), "address for the customer's invoices"},
    {"account", OPTION_TEXT, offsetof(struct cli, account),
	"of the billing system's several accounts, the object's"},
    {"state", OPTION_TEXT, offsetof(struct cli, state),
	"events in this state: applied, stale, ignored, unknown, failed"},
    {"type", OPTION_TEXT, offsetof(struct cli, type),
	"events of this type; with * at the end, of all that begin so"},
    {"since", OPTION_TEXT, offsetof(struct cli, since),
	"events received at this time or later (2026-11-22T10:00:00Z)"},
    {"until", OPTION_TEXT, offsetof(struct cli, until), "events received before this time"},
    {"for", OPTION_SECONDS, offsetof(struct cli, seconds), "work no longer than so many seconds"},
};

static const struct cli_verb *
find_verb(const char *word)
{
	for (size_t i = 0; i < BH_LEN(verbs); i++)
		if (strcmp(verbs[i].name, word) == 0)
			return &verbs[i];
	return NULL;
}

bool
cli_is_verb(const char *word)
{
	return find_verb(word) != NULL || strcmp(word, "--help") == 0 ||
	       strcmp(word, "--version") == 0;
}

int
cli_error(const char *fmt, ...)
{
	struct bh_buf text = BH_BUF_INIT(LINE_MAX_LEN);
	const char *as;
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	as = cli_denied_as(bh_buf_str(&text));
	fprintf(stderr, "billhook: %s", bh_buf_str(&text));
	if (as != NULL)
		fprintf(stderr, " (as %s)", as);
	fputc('\n', stderr);
	bh_buf_release(&text);
	return CLI_FAILED;
}

void
cli_line(FILE *out, const char *fmt, ...)
{
	struct bh_buf text = BH_BUF_INIT(LINE_MAX_LEN), line = BH_BUF_INIT(LINE_MAX_LEN * 3);
	va_list ap;

	va_start(ap, fmt);
	bh_buf_vaddf(&text, fmt, ap);
	va_end(ap);
	bh_utf8_clean_add(&line, bh_buf_str(&text), text.len);
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] == '\n' || line.data[i] == '\t')
			line.data[i] = ' ';
	fprintf(out, "%s\n", bh_buf_str(&line));
	bh_buf_release(&text);
	bh_buf_release(&line);
}

static bool
is_taken(const struct cli_verb *verb, const char *name)
{
	const char *at = verb->options;
	size_t len = strlen(name);

	while ((at = strstr(at, name)) != NULL) {
		if ((at == verb->options || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

static int
set_option(struct cli *cli, const struct option *option, const char *value)
{
	char *at = (char *)cli + option->offset;
	uint64_t seconds;

	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)(void *)at = true;
		break;
	case OPTION_TEXT:
		*(const char **)(void *)at = value;
		break;
	case OPTION_SECONDS:
		if (!bh_is_uint(value, strlen(value), 86400, &seconds) || seconds == 0) {
			cli_error("--%s takes 1 to 86400 seconds", option->name);
			return -1;
		}
		*(int64_t *)(void *)at = (int64_t)seconds;
		break;
	}
	return 0;
}

/* 1 the option used argv[i + 1] too, 0 it did not, -1 wrong. */
static int
parse_option(struct cli *cli, const struct cli_verb *verb, int argc, char **argv, int i,
    const char **dir)
{
	const char *name = argv[i] + 2;

	if (strcmp(name, "dir") == 0 && i + 1 < argc) {
		*dir = argv[i + 1];
		return 1;
	}
	for (size_t k = 0; k < BH_LEN(options); k++) {
		if (strcmp(options[k].name, name) != 0 || !is_taken(verb, name))
			continue;
		if (options[k].kind == OPTION_FLAG)
			return set_option(cli, &options[k], NULL);
		if (i + 1 == argc)
			break;
		return set_option(cli, &options[k], argv[i + 1]) < 0 ? -1 : 1;
	}
	cli_error("%s: unknown or incomplete option %s; see billhook help %s", verb->name, argv[i],
	    verb->name);
	return -1;
}

static int
parse(struct cli *cli, const struct cli_verb *verb, int argc, char **argv, const char **dir)
{
	cli->args = bh_xcalloc((size_t)argc, sizeof(cli->args[0]));
	for (int i = 2; i < argc; i++) {
		if (bh_has_prefix(argv[i], "--")) {
			int used = parse_option(cli, verb, argc, argv, i, dir);

			if (used < 0)
				return -1;
			i += used;
		} else {
			cli->args[cli->args_n++] = argv[i];
		}
	}
	if (cli->args_n < verb->args_least || cli->args_n > verb->args_most) {
		cli_error("usage: billhook %s %s", verb->name, verb->args);
		return -1;
	}
	return 0;
}

/* -- help -- */

static void
print_verb(const struct cli_verb *verb)
{
	printf("usage: billhook %s%s%s [--dir DIR]%s\n\n%s\n", verb->name,
	    *verb->args != '\0' ? " " : "", verb->args, *verb->options != '\0' ? " [options]" : "",
	    verb->summary);
	if (*verb->options == '\0')
		return;
	printf("\n");
	for (size_t i = 0; i < BH_LEN(options); i++)
		if (is_taken(verb, options[i].name))
			printf("  --%-14s %s\n", options[i].name, options[i].meaning);
}

static void
print_all(FILE *out)
{
	fprintf(out,
	    "Billhook keeps a CRM true to the billing system.\n\nusage: billhook VERB [--dir DIR] ...\n\n");
	for (size_t i = 0; i < BH_LEN(verbs); i++)
		fprintf(out, "  %-8s %-8s %s\n", verbs[i].name, verbs[i].args, verbs[i].summary);
	fprintf(out,
	    "\nThe data directory is DIR, else BILLHOOK_DIR, else what billhook.conf beside the program\n"
	    "says, else " BH_LOCALSTATEDIR "/lib/billhook.  Manual: billhook(1).\n");
}

/* "stripe<tab>tolerance_s<tab>Default 300; from 10 to 86400.": tests/docs.sh looks for it in the manual. */
static void
print_setting(const char *driver, const struct setting *setting)
{
	const char *fallback = setting->fallback;
	bool has_fallback = fallback != NULL && *fallback != '\0';

	printf("%s\t%s\t", driver, setting->name);
	if (setting->flags & SETTING_SECRET)
		printf("Secret%s.", setting->flags & SETTING_NEEDED ? "; needed" : "");
	else if (setting->type == SETTING_NUMBER)
		printf("Default %s; from %lld to %lld.", fallback, (long long)setting->least,
		    (long long)setting->most);
	else if (setting->type == SETTING_CHOICE)
		printf("One of: %s; %s%s.", setting->options, has_fallback ? "default " : "",
		    has_fallback                      ? fallback
		    : setting->flags & SETTING_NEEDED ? "needed"
						      : "no default");
	else if (has_fallback)
		printf("Default %s.", fallback);
	else
		printf(setting->flags & SETTING_NEEDED ? "Needed." : "No default.");
	putchar('\n');
}

static void
print_table(const char *driver, const struct setting *setting)
{
	for (; setting != NULL && setting->name != NULL; setting++)
		print_setting(driver, setting);
}

static void
print_settings(void)
{
	for (const struct source_driver *const *driver = source_drivers(); *driver != NULL;
	     driver++)
		print_table((*driver)->name, (*driver)->settings);
	for (const struct dest_driver *const *driver = dest_drivers(); *driver != NULL; driver++)
		print_table((*driver)->name, (*driver)->settings);
}

static int
cli_help(struct cli *cli)
{
	const struct cli_verb *verb;

	if (cli->settings) {
		print_settings();
		return 0;
	}

	if (cli->names) {
		for (size_t i = 0; i < BH_LEN(verbs); i++)
			printf("%s\n", verbs[i].name);
		return 0;
	}
	if (cli->args_n == 0) {
		print_all(stdout);
		return 0;
	}
	verb = find_verb(cli->args[0]);
	if (verb == NULL) {
		cli_error("there is no verb %s; see billhook help", cli->args[0]);
		return CLI_USAGE;
	}
	print_verb(verb);
	return 0;
}

static int
cli_version(struct cli *cli BH_UNUSED)
{
	printf("billhook %s\n", VERSION);
	return 0;
}

/* -- the store -- */

static int
open_store(struct cli *cli, int (*start)(const char *data_dir, struct bh_err *err))
{
	struct store_options store = {.engine = "bdb",
	    .data_dir = cli->conf.data_dir,
	    .start = start};
	struct bh_err err = BH_ERR_INIT;

	if (access(cli->conf.data_dir, W_OK) < 0)
		return cli_error(
		    "the data directory %s is not there or not writable: run billhook init, or name it with --dir",
		    cli->conf.data_dir);
	if (account_key_load(cli->conf.data_dir, &cli->key, &err) < 0)
		return cli_error("%s", err.text);
	/* What would have to be started ends at once, and could not say why. */
	if (supervisor_pid(cli->conf.data_dir) == 0 &&
	    conf_check_used(&cli->conf, "log_file", &err) < 0)
		return cli_error("%s; nothing starts without its log", err.text);
	if (store_open(&store, &cli->store, &err) < 0)
		return cli_error("%s", err.text);
	return 0;
}

int
cli_store_as_is(struct cli *cli)
{
	return open_store(cli, supervisor_start_owned);
}

int
cli_store_alone(struct cli *cli)
{
	return open_store(cli, supervisor_start_keeper);
}

int
cli_store(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	struct store_txn *txn;
	int status = cli_store_as_is(cli), rc;
	bool is_older;

	if (status != 0)
		return status;
	txn = store_begin(cli->store);
	rc = schema_look(txn, &err);
	is_older = rc == 0 && schema_is_set(txn, NULL) > 0;
	store_free(&txn);
	if (is_older)
		rc = schema_check(cli->store, &err);
	return rc < 0 ? cli_error("%s", err.text) : 0;
}

int
cli_store_new(struct cli *cli)
{
	struct bh_err err = BH_ERR_INIT;
	int status = cli_store(cli);

	if (status == 0 && schema_check(cli->store, &err) < 0)
		status = cli_error("%s", err.text);
	return status;
}

int
cli_check_connection(struct cli *cli, const char *code, bool is_source)
{
	struct store_txn *txn = store_begin(cli->store);
	struct account_connection connection;
	struct bh_err err = BH_ERR_INIT;
	int rc = account_connection_load(txn, NULL, code, &connection, &err);
	bool fits = rc > 0 && connection.is_source == is_source;

	if (rc > 0)
		account_connection_release(&connection);
	store_free(&txn);
	if (rc < 0)
		return cli_error("%s", err.text);
	return fits ? 0
		    : cli_error("there is no %s connection \"%.70s\"",
			  is_source ? "source" : "destination", code);
}

int
cli_check_sync(struct cli *cli, const char *code)
{
	struct store_txn *txn = store_begin(cli->store);
	struct account_sync sync;
	struct bh_err err = BH_ERR_INIT;
	int rc = account_sync_load(txn, code, &sync, &err);

	if (rc > 0)
		account_sync_release(&sync);
	store_free(&txn);
	if (rc < 0)
		return cli_error("%s", err.text);
	return rc > 0 ? 0 : cli_error("there is no sync \"%.70s\"", code);
}

/* What runs only because a verb needed the store ends with the verb. */
static void
leave(struct cli *cli)
{
	if (cli->store == NULL)
		return;
	store_close(&cli->store);
	supervisor_leave(cli->conf.data_dir);
}

void
cli_print_json(const json_t *doc)
{
	json_dumpf(doc, stdout, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	putchar('\n');
}

static bool
is_confless(const struct cli_verb *verb)
{
	return verb->run == cli_help || verb->run == cli_version;
}

int
cli_main(int argc, char **argv, const struct cli_parts *parts)
{
	const char *word = argc > 1 ? argv[1] : "", *dir = NULL;
	const struct cli_verb *verb;
	struct cli cli = {.parts = parts};
	struct bh_err err = BH_ERR_INIT;
	char *data_dir;
	int status;

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		word = "help";
	if (strcmp(word, "--version") == 0)
		word = "version";
	verb = find_verb(word);
	if (verb == NULL) {
		print_all(stderr);
		return CLI_USAGE;
	}
	if (argc > 2 && strcmp(argv[2], "--help") == 0) {
		print_verb(verb);
		return 0;
	}
	bh_log_level(BH_WARN); /* a verb talks for itself */
	if (parse(&cli, verb, argc, argv, &dir) < 0) {
		free(cli.args);
		return CLI_USAGE;
	}
	data_dir = conf_find_dir(dir);
	status = is_confless(verb) ? 0 : cli_become_owner(data_dir);
	if (status == 0 && !is_confless(verb) && conf_load(data_dir, &cli.conf, &err) < 0) {
		status = cli_error("%s", err.text);
	} else if (status == 0) {
		status = verb->run(&cli);
		leave(&cli);
		conf_release(&cli.conf);
	}
	bh_wipe(&cli.key, sizeof(cli.key));
	free(data_dir);
	free(cli.args);
	return status;
}
